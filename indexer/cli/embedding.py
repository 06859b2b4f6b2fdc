"""The command `embed`, and what `index --embed` and `watch --embed` do with it."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from indexer.address import is_service
from indexer.cli.options import index_option, json_option, lock_option, open_configured
from indexer.cli.progress import show_progress
from indexer.cli.render import name_error, print_embedding, print_error, print_json, print_result, sanitize
from indexer.cli.signals import INTERRUPTED, stop_on_interrupt
from indexer.errors import NutgrafError, format_count

if TYPE_CHECKING:
    from indexer.index import Index
    from indexer.reports import EmbedReport

_KEEPING = "keeping what was embedded; press Ctrl-C again to discard the last of it"
_TICK = 0.5
"""Seconds between two looks at whether to stop."""
_PAUSE = 60.0
"""Seconds after which a pass that could not be finished is tried again."""


@click.command()
@index_option
@lock_option
@json_option
def embed(index: str | None, as_json: bool, **options: float | None) -> int:
    """Let the articles be found by their meaning, too: make a vector of each paragraph that has none.

    The model is the one that the configuration names. If that is a service, it gets all texts, and all
    queries. One that runs on this machine needs the extra: pip install 'nutgraf[meaning]'.

    Searches are answered meanwhile, and find by meaning what has a vector already. Others can write to the
    index, too, since its lock is only held about every half minute, to write. A text that has a vector is
    not embedded again, not even after a rebuild.

    Ctrl-C keeps what was embedded until then, and the next run goes on with the rest. Exit code 1 if the
    model fails.
    """
    archive = open_configured(index=index, **options)
    check_model(archive)
    report = embed_all(archive)
    print_result(report, print_embedding, as_json=as_json)
    return finish_embedding(report)


def check_model(archive: Index) -> None:
    """Raise ConfigError if an index cannot have vectors; say so if they are made by a service."""
    from indexer.store.model import open_configured_model

    config = archive.config
    open_configured_model(config)
    if not is_service(config.model):
        return
    status = archive.get_status().vectors if archive.exists else None
    if not status or not status.paragraphs:
        host = urlsplit(config.model).hostname
        message = f"the texts of the archive, and all queries, are sent to {host}, which makes vectors"
        click.echo(f"nutgraf: {sanitize(message)}", err=True)


def embed_all(archive: Index) -> EmbedReport:
    """Embed what has no vector, with a progress bar, until Ctrl-C."""
    with show_progress("texts") as progress, stop_on_interrupt(message=_KEEPING) as stop:
        return archive.embed(progress=progress, stop=stop)


def finish_embedding(report: EmbedReport) -> int:
    """Say what is left to be embedded, and why; returns the exit code."""
    messages = [text for text in (_describe_refused(report), report.failure) if text]
    if report.remaining:
        rest = format_count(report.remaining, "text")
        why = "interrupted; what was embedded is kept, and " if report.interrupted else ""
        messages.append(f"{why}{rest} left: run `nutgraf embed` to go on")
    for message in messages:
        click.echo(f"nutgraf: {sanitize(message)}", err=True)
    return NutgrafError.exit_code if report.failure else INTERRUPTED if report.interrupted else 0


def _describe_refused(report: EmbedReport) -> str:
    """Return how many texts the model refuses; empty if there is none."""
    if not report.refused:
        return ""
    count = format_count(report.refused, "paragraph")
    return f"the model refuses the text of {count}, found by words alone"


class Embedding:
    """Embeds what has no vector, beside the thread that watches: a slow model must not hold up a batch."""

    def __init__(self, archive: Index, stop: Callable[[], bool], *, as_json: bool) -> None:
        self._archive, self._stop, self._as_json = archive, stop, as_json
        self._is_wanted = threading.Event()
        self._said = ""
        # A daemon, as a second Ctrl-C does not wait for it: nothing that was committed can be lost.
        self._thread = threading.Thread(target=self._run, name="embed", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Let the next pass begin, now or after the one that goes on."""
        self._is_wanted.set()

    def wait(self) -> None:
        """Wait until what was embedded is committed; `stop` has to be true."""
        self._thread.join()

    def _run(self) -> None:
        retry_at = float("inf")
        while not self._stop():
            if self._is_wanted.wait(_TICK) or time.monotonic() >= retry_at:
                self._is_wanted.clear()
                retry_at = float("inf") if self._embed() else time.monotonic() + _PAUSE

    def _embed(self) -> bool:
        """Embed, and say what was done; returns whether nothing failed."""
        try:
            report = self._archive.embed(stop=self._stop)
        except NutgrafError as error:
            self._say(name_error(error), str(error))
            return False
        except Exception as error:  # noqa: BLE001 - a defect must not end the thread, and all embedding with it
            problem = f"{type(error).__name__}: {error}"
            if problem != self._said:
                traceback.print_exc()
            self._said = problem
            return False
        if report.embedded or report.reused or report.refused:
            if self._as_json:
                print_json({"embed": report.as_json()}, is_line=True)
            else:
                print_embedding(report, to_err=True)
                if refused := _describe_refused(report):
                    click.echo(f"nutgraf: {refused}", err=True)
        self._say("model_failed" if report.failure else "", report.failure)
        return not report.failure

    def _say(self, code: str, message: str) -> None:
        """Print an error, unless it is the one that was printed last; an empty one is that of success."""
        if message and message != self._said:
            print_error(code, message, as_json=self._as_json, is_line=True)
        self._said = message
