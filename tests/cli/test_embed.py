"""`nutgraf embed`, and `--embed` with `index` and `watch`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from indexer import EmbedReport
from indexer.cli.embedding import Embedding, finish_embedding
from indexer.store.lock import lock_for_writing
from tests.fixtures.commands import Run, on_a_terminal, start
from tests.fixtures.folders import Archive

DONE = re.compile(r"(\d+) texts? embedded, (\d+) reused, (\d+) unchanged, in \d+\.\d s\n")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Two articles in the working directory, which are not indexed yet."""
    for name in os.environ:
        if name.startswith("NUTGRAF_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    made = Archive(tmp_path)
    made.text("a.txt", "The ferry left the harbour.\n\nThe boats are at the quay.")
    made.text("b.txt", "A physician in the storm.")
    (tmp_path / "nutgraf.toml").write_text('index = "index"\n')
    return made


@pytest.fixture
def model(archive: Archive, tiny_model: Path) -> Path:
    """A model, which the configuration in the working directory names."""
    configure(archive, str(tiny_model))
    return tiny_model


def configure(archive: Archive, model: str) -> None:
    (archive.root / "nutgraf.toml").write_text(f'index = "index"\nmodel = "{model}"\n')


@contextmanager
def serving(answer: Callable[[int], int], refuse: str = "\0") -> Iterator[str]:
    """The address of a service with a model, which gives the status for each request, numbered from 1.

    It refuses texts that contain `refuse`.
    """
    requests = count(1)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
            status = answer(next(requests))
            data = [{"index": number, "embedding": [1.0, len(text)]} for number, text in enumerate(texts)]
            with suppress(ConnectionError):  # The command may have ended.
                self.send_response(413 if any(refuse in text for text in texts) else status)
                self.end_headers()
                self.wfile.write(json.dumps({"data": data}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1#tiny"
        finally:
            server.shutdown()


def test_embed_prints_its_report_and_status_how_much_has_vectors(
    archive: Archive, model: Path, run: Run
) -> None:
    run("index")
    assert f"vectors    none of 3 texts by {model}; `nutgraf embed` makes them\n" in run("status")[1]
    assert run("doctor")[0] == 1
    code, out, err = run("embed")
    assert (code, err) == (0, "")
    found = DONE.fullmatch(out)
    assert found
    assert found.groups() == ("3", "0", "0")
    assert f"vectors    3 of 3 texts by {model}\n" in run("status")[1]
    assert run("doctor")[0] == 0
    code, out, _ = run("embed", "--json")
    report = json.loads(out)
    assert report.pop("seconds") >= 0
    assert (code, report) == (0, {
        "embedded": 0, "reused": 0, "refused": 0, "unchanged": 3, "remaining": 0, "interrupted": False,
        "failure": "",
    })  # fmt: skip


def test_without_a_model_the_option_and_the_extra_are_named(archive: Archive, run: Run) -> None:
    for command in (("embed",), ("index", "--embed"), ("watch", "--embed")):
        code, out, err = run(*command)
        assert (code, out) == (2, "")
        assert err.startswith("nutgraf: model: is not set")
        assert "nutgraf.toml" in err
        assert "pip install 'nutgraf[meaning]'" in err
    assert not archive.folder.exists()


def test_a_model_that_does_not_exist_is_an_error_before_anything_is_indexed(
    archive: Archive, run: Run
) -> None:
    configure(archive, str(archive.root / "none"))
    code, _, err = run("index", "--embed")
    assert code == 2
    assert "does not exist" in err
    assert not archive.folder.exists()
    run("index")
    code, out, _ = run("status")
    assert code == 0
    assert re.search(r"^vectors    none can be used: .* does not exist", out, re.MULTILINE)


def test_index_embeds_what_it_has_read(archive: Archive, model: Path, run: Run) -> None:
    code, out, err = run("index", "--embed")
    assert (code, err) == (0, "")
    indexed, embedded = out.splitlines(keepends=True)
    assert indexed.startswith("2 added")
    assert DONE.fullmatch(embedded)
    archive.text("c.txt", "An inferno.")
    archive.write("empty.txt", "")
    code, out, err = run("index", "--embed", "--json")
    report = json.loads(out)
    assert (code, report["added"], report["embed"]["embedded"], report["embed"]["unchanged"]) == (3, 1, 1, 3)
    assert err.startswith("nutgraf: skipped empty.txt")
    code, _, err = run("index", "--embed", "--dry-run")
    assert (code, "--dry-run" in err) == (2, True)


def test_a_service_is_named_until_there_are_vectors_and_its_failure_costs_no_index(
    archive: Archive, run: Run
) -> None:
    said = "nutgraf: the texts of the archive, and all queries, are sent to 127.0.0.1, which makes vectors"
    with serving(lambda requests: 403 if requests < 2 else 200) as address:
        configure(archive, address)
        code, out, err = run("index", "--embed")
        assert code == 1
        indexed, embedded = out.splitlines(keepends=True)
        assert indexed.startswith("2 added")
        assert DONE.fullmatch(embedded)
        first, failure, rest = err.splitlines()
        assert (first, rest) == (said, "nutgraf: 3 texts left: run `nutgraf embed` to go on")
        assert "the model tiny at http://127.0.0.1" in failure
        assert run("search", "ferry")[0] == 0
        code, out, err = run("embed")
        assert (code, err) == (0, f"{said}\n")
        assert run("embed")[2] == ""


def test_texts_that_a_model_refuses_are_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    for refused, said in ((0, ""), (1, "1 paragraph"), (1200, "1,200 paragraphs")):
        assert finish_embedding(EmbedReport(embedded=5, refused=refused)) == 0
        line = f"nutgraf: the model refuses the text of {said}, found by words alone\n"
        assert capsys.readouterr().err == (line if said else "")


def test_texts_that_a_service_refuses_are_counted_and_not_sent_again(archive: Archive, run: Run) -> None:
    with serving(lambda _: 200, refuse="storm") as address:
        configure(archive, address)
        code, out, err = run("index", "--embed")
        assert code == 0
        found = DONE.fullmatch(out.splitlines(keepends=True)[1])
        assert found
        assert found.groups() == ("2", "0", "0")
        refused = "nutgraf: the model refuses the text of 1 paragraph, found by words alone"
        assert err.splitlines()[1:] == [refused]
        code, out, err = run("embed", "--json")
        report = json.loads(out)
        assert (code, err, report["refused"], report["unchanged"]) == (0, "", 0, 3)
        archive.text("c.txt", "A second storm.")
        run("index")
        code, out, err = run("embed", "--json")
        assert (code, json.loads(out)["refused"], err) == (0, 1, f"{refused}\n")


class Failing:
    """An index that cannot be embedded the first time, by an error that nobody expects."""

    def __init__(self) -> None:
        self.calls = 0
        self.has_ended = threading.Event()

    def embed(self, *, stop: Callable[[], bool]) -> EmbedReport:
        self.calls += 1
        try:
            if self.calls == 1:
                raise ValueError("a defect")
            return EmbedReport(embedded=self.calls, refused=1)
        finally:
            self.has_ended.set()


def test_an_unexpected_error_is_shown_and_does_not_end_embedding_while_watching(
    capsys: pytest.CaptureFixture[str],
) -> None:
    index, is_over = Failing(), threading.Event()
    embedding = Embedding(index, is_over.is_set, as_json=False)  # type: ignore[arg-type]
    for _ in range(2):
        index.has_ended.clear()
        embedding.request()
        assert index.has_ended.wait(60)
    is_over.set()
    embedding.wait()
    _, err = capsys.readouterr()
    assert "ValueError: a defect\n" in err
    assert "2 texts embedded" in err
    assert err.endswith("nutgraf: the model refuses the text of 1 paragraph, found by words alone\n")


def test_ctrl_c_keeps_what_was_embedded_and_the_next_run_goes_on(archive: Archive, run: Run) -> None:
    archive.add_texts(200)
    run("index")
    is_asked, is_interrupted = threading.Event(), threading.Event()

    def answer(requests: int) -> int:
        if requests == 2:
            is_asked.set()
            is_interrupted.wait()
        return 200

    with serving(answer) as address:
        configure(archive, address)
        with start("embed", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            assert "are sent to 127.0.0.1" in process.stderr.readline()
            is_asked.wait()
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline() == (
                "nutgraf: keeping what was embedded; press Ctrl-C again to discard the last of it\n"
            )
            is_interrupted.set()
            out, err = process.communicate()
        assert process.returncode == 130, err
        found = DONE.fullmatch(out)
        assert found
        embedded = int(found[1])
        assert 0 < embedded < 203
        assert err == (
            f"nutgraf: interrupted; what was embedded is kept, and {203 - embedded} texts left: run "
            "`nutgraf embed` to go on\n"
        )
        code, out, _ = run("embed")
        found = DONE.fullmatch(out)
        assert found
        assert (code, int(found[1]) + embedded, int(found[3])) == (0, 203, embedded)


def test_ctrl_c_does_not_wait_for_a_service_that_does_not_answer(archive: Archive, run: Run) -> None:
    archive.add_texts(200)
    run("index")
    is_asked, is_over = threading.Event(), threading.Event()

    def answer(requests: int) -> int:
        if requests == 3:  # of the second batch
            is_asked.set()
            is_over.wait()
        return 200

    with serving(answer) as address:
        configure(archive, address)
        with start("embed", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            is_asked.wait()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
        is_over.set()
    assert process.returncode == 130, err
    found = DONE.fullmatch(out)
    assert found
    assert found[1] == "64"
    assert err.splitlines()[2:] == [
        "nutgraf: interrupted; what was embedded is kept, and 139 texts left: run `nutgraf embed` to go on"
    ]


def test_another_writer_is_an_error_of_its_own(archive: Archive, model: Path, run: Run) -> None:
    run("index")
    with lock_for_writing(archive.folder, 0):
        code, _, err = run("embed", "--lock-timeout", "0")
    assert code == 4
    assert "is being written by" in err


def test_a_terminal_shows_a_progress_bar_of_texts(archive: Archive, model: Path, run: Run) -> None:
    run("index")
    assert "3/3 texts" in on_a_terminal("embed")


def test_verify_names_damaged_vectors_and_embed_makes_them_again(
    archive: Archive, model: Path, run: Run
) -> None:
    run("index", "--embed")
    (path,) = archive.live.glob("*.vectors.nut")
    path.write_bytes(path.read_bytes()[:-9])
    code, out, err = run("verify")
    assert (code, err) == (1, "")
    damage, summary = out.splitlines()
    assert damage.startswith("vectors  index/")
    assert path.name in damage
    assert summary.startswith("1 difference: 2 articles")
    assert run("search", "ferry")[0] == 0
    run("embed")
    code, out, _ = run("verify")
    assert (code, out[:11]) == (0, "all is well")


@pytest.mark.slow
def test_watching_embeds_after_each_batch(archive: Archive, model: Path) -> None:
    with start("watch", "seeds", "--embed", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline().startswith("2 added")
            assert DONE.fullmatch(process.stderr.readline())
            archive.write("../c.txt", "Title\n\nAn inferno.\n").rename(archive.seeds / "c.txt")
            assert process.stderr.readline().startswith("1 added")
            found = DONE.fullmatch(process.stderr.readline())
            assert found
            assert found.groups() == ("1", "0", "3")
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
        finally:
            process.kill()
