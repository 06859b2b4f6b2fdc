"""A commit opened for reading: its articles, what it knows of its sources, and how to search it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import numpy as np

from indexer.article import Article
from indexer.config import Config
from indexer.engine import NO_DATE, Snapshot, latest_commit
from indexer.errors import RUN_DOCTOR, IndexDamaged, IndexMissing, IndexOutdated, ModelFailed
from indexer.fields import FieldType, use_weights
from indexer.files.fork_safe import Lock
from indexer.files.names import printable_path
from indexer.files.storage import folder_size
from indexer.limits import RESTRICTIONS
from indexer.query import NoteCode, make_note
from indexer.reports import Status, VectorStatus
from indexer.results import ArticleInfo, Hits, MarkedArticle, Page, Suggestion
from indexer.search.filters import parse_filters, select_articles
from indexer.search.request import Restriction, SearchRequest
from indexer.search.search import find_number, has_plain_words, mark_article, search
from indexer.search.settings import SearchSettings
from indexer.store import generations
from indexer.sync import Catalog
from indexer.sync import catalog as catalogs
from indexer.sync.catalog import Summary
from indexer.text.synonyms import read_synonyms

if TYPE_CHECKING:
    from indexer.results import QuoteCheck
    from indexer.search.meaning import Meaning
    from indexer.vectors import Matrix

Today = Callable[[], date]
Commit = tuple[Path, int]
"""The folder of a generation, and the number of a commit in it."""


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """One commit, or the part of it that a restriction leaves, which never changes.

    Its methods return and raise what those of `IndexReader` with the same names do.
    """

    snapshot: Snapshot
    summary: Summary
    search_settings: SearchSettings
    settings: generations.Settings
    revision: str
    """A short name of the commit and the restriction; see `IndexReader.get_revision`."""
    live: Commit = (Path(), -1)
    """The live generation and its last commit; another commit is read while that is damaged."""
    damage: str | None = None
    """The damage of the live generation, if this is the previous one."""
    model: str = ""
    """What the configuration calls the model that finds articles by their meaning; empty for none."""

    @property
    def fields(self) -> Mapping[str, FieldType]:
        return self.search_settings.fields

    @property
    def has_vectors(self) -> bool:
        return self.search_settings.meaning is not None and self.snapshot.has_vectors

    def restrict(self, restriction: Restriction) -> OpenIndex:
        """Return what is left for readers who see only the articles that pass some filters."""
        visible = select_articles(self.snapshot, self.search_settings, restriction.filters)
        snapshot = self.snapshot if visible is None else self.snapshot.restrict(visible)
        summary = _restrict_summary(self.summary, snapshot)
        search_settings = replace(
            self.search_settings,
            languages=tuple(summary.languages) or (self.settings.language,),
            # The name of a hidden source must mean no more than one that does not exist.
            sources=frozenset(
                summary.labels[source] for source in summary.sources if source in summary.labels
            ),
            restriction=restriction.digest,
        )
        revision = f"{self.revision}.{restriction.digest}"
        return replace(
            self, snapshot=snapshot, summary=summary, search_settings=search_settings, revision=revision
        )

    def search(self, request: SearchRequest) -> Page:
        return search(self.snapshot, self.search_settings, request)

    def can_use_meaning(self, request: SearchRequest) -> bool:
        # The words first: files of vectors are not opened for the others.
        settings = self.search_settings
        return settings.meaning is not None and has_plain_words(settings, request) and self.has_vectors

    def suggest(self, prefix: str, limit: int) -> tuple[Suggestion, ...]:
        from indexer.search.suggest import suggest

        return suggest(self.snapshot, self.search_settings, prefix, limit)

    def resolve_id(self, article_id: str) -> str:
        return self.snapshot.id_of(self._find(article_id))

    def get_article(self, article_id: str) -> Article:
        return self.snapshot.article(self._find(article_id))

    def articles(self) -> Iterator[Article]:
        return map(self.snapshot.article, self.snapshot.iter_by_id())

    def mark_article(self, article_id: str, request: SearchRequest) -> MarkedArticle:
        return mark_article(self.snapshot, self.search_settings, self._find(article_id), request)

    def find_similar(self, article_id: str, limit: int) -> Hits:
        from indexer.search.similar import find_similar

        return find_similar(self.snapshot, self.search_settings, self._find(article_id), limit)

    def find_duplicates(self, article_id: str) -> tuple[ArticleInfo, ...]:
        from indexer.search.similar import find_duplicates

        return find_duplicates(self.snapshot, self._find(article_id))

    def verify_quote(self, text: str, article_id: str | None) -> QuoteCheck:
        from indexer.search.quotes import verify_quote

        number = None if article_id is None else self._find(article_id)
        return verify_quote(self.snapshot, self.search_settings, text, number)

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        from indexer.search.meaning import embed_texts

        return embed_texts(self.search_settings, texts)

    def find_nearest(self, vector: Any, limit: int, request: SearchRequest) -> Hits:
        from indexer.search.meaning import find_nearest

        return find_nearest(self.snapshot, self.search_settings, vector, limit, request)

    def get_status(self) -> Status:
        return status_of(self)

    def _find(self, article_id: str) -> int:
        return find_number(self.snapshot, self.search_settings, article_id)


def open_live(
    root: Path,
    config: Config,
    today: Today,
    before: OpenIndex | None = None,
    meaning: Meaning | None = None,
) -> OpenIndex:
    """Open the last commit of the live generation, or of the previous one if the live one is damaged.

    What has not changed since `before` was opened is shared with it. Articles are found by their meaning,
    too, if there is one. Raises IndexOutdated, IndexMissing and
    IndexDamaged; also StorageFailed if the system refuses to read for now, because an older generation must
    not answer then.
    """
    while True:
        folder = generations.live_folder(root)
        live = (folder, latest_commit(folder) or 0)
        if before and before.live == live:
            return before
        try:
            opened = open_generation(folder, config, today, before, meaning)
            return replace(opened, live=(folder, opened.snapshot.commit))
        except IndexDamaged as damage:
            # A rebuild may have removed the generation meanwhile: then open the new one.
            if generations.live_folder(root) == folder:
                return open_previous(root, live, config, today, damage, meaning)


def open_previous(
    root: Path,
    live: Commit,
    config: Config,
    today: Today,
    damage: IndexDamaged,
    meaning: Meaning | None = None,
) -> OpenIndex:
    """Open the generation before a damaged one, with a note for every page; raises `damage` if it cannot."""
    previous = generations.previous_folder(root, live[0])
    if previous is None:
        raise damage
    try:
        opened = open_generation(previous, config, today, meaning=meaning)
    except (IndexDamaged, IndexMissing, IndexOutdated):
        raise damage from None
    note = make_note(NoteCode.INDEX_DAMAGED, {"committed": opened.summary.committed})
    search_settings = replace(opened.search_settings, notes=(note,))
    return replace(opened, search_settings=search_settings, live=live, damage=str(damage))


def open_generation(
    folder: Path,
    config: Config,
    today: Today,
    before: OpenIndex | None = None,
    meaning: Meaning | None = None,
) -> OpenIndex:
    """Open the last commit of a generation as `open_live` does.

    Raises IndexOutdated, IndexMissing or IndexDamaged.
    """
    settings = check_format(folder)
    snapshot, summary = _open_last_commit(folder, before.snapshot if before else None)
    search_settings = replace(
        configured_settings(config, today),
        languages=tuple(summary.languages) or (settings.language,),
        language=settings.language,
        synonyms=read_synonyms(config.synonyms) if config.synonyms else None,
        aliases=summary.aliases,
        fields=use_weights(settings.fields, config.fields),
        sources=frozenset((*config.named_sources, *summary.labels.values())),
        meaning=meaning,
    )
    newest = next(reversed(snapshot.views()), "")
    revision = f"{folder.name}.{snapshot.commit}.{newest}"
    return OpenIndex(snapshot, summary, search_settings, settings, revision, model=config.model)


def check_restriction(restriction: Restriction, config: Config, today: Today) -> None:
    """Raise InvalidRequest for a value of a restriction that has no meaning by the configuration alone."""
    parse_filters(configured_settings(config, today), restriction.filters)


def configured_settings(config: Config, today: Today) -> SearchSettings:
    """The settings for an index of which nothing is known but its configuration; without its synonyms."""
    return SearchSettings(
        languages=(config.language,),
        language=config.language,
        passages=config.passages,
        page_size=config.page_size,
        day_first=config.day_first,
        today=today,
        characters=config.query_characters,
        variants=config.variants,
        seconds=config.query_seconds,
        fields=config.fields,
    )


class Restrictable(Protocol):
    """A commit open for reading, of which a restriction leaves a part."""

    @property
    def search_settings(self) -> SearchSettings:
        """The settings for its searches."""

    def restrict(self, restriction: Restriction) -> Self:
        """Return what is left for readers who see only the articles that pass some filters."""


R = TypeVar("R", bound=Restrictable)


class RestrictionCache(Generic[R]):
    """The restricted parts of one commit that were used last; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: tuple[R | None, dict[str, R]] = None, {}
        """The commit, and its parts by restriction and day, the last used one last."""

    def restrict(self, opened: R, restriction: Restriction) -> R:
        """Return what the method of the commit returns."""
        # What passes may depend on the day, as with a filter for an embargo.
        key = f"{restriction.digest} {opened.search_settings.today()}"
        commit, parts = self._kept
        found = parts.get(key) if commit is opened else None
        # Without the lock: two threads may do the same work, but none waits for that of another reader.
        found = found or opened.restrict(restriction)
        with self._lock:
            commit, parts = self._kept
            others = {**parts} if commit is opened else {}
            others.pop(key, None)
            newest = [*others.items()][1 - RESTRICTIONS :]
            self._kept = opened, {**dict(newest), key: found}
        return found

    def clear(self) -> None:
        """Forget all parts."""
        with self._lock:
            self._kept = None, {}


def check_format(folder: Path) -> generations.Settings:
    """Return what a generation was built with; raises IndexOutdated for an unreadable format."""
    settings = generations.read_settings(folder)
    if settings.format != generations.FORMAT:
        raise IndexOutdated(
            f"the index in {folder} has format {settings.format}, this program reads format "
            f"{generations.FORMAT}",
            RUN_DOCTOR,
        )
    return settings


def open_snapshot(folder: Path, before: Snapshot | None = None) -> Snapshot:
    """Open the articles of a generation's last commit; raises IndexDamaged."""
    while True:
        commit = generations.last_commit(folder)
        try:
            return Snapshot(folder, before)
        except IndexMissing as error:
            # A new commit may have replaced the files meanwhile: then open that one.
            if generations.last_commit(folder) == commit:
                raise IndexDamaged(f"{folder} lacks files that its last commit names", RUN_DOCTOR) from error


def stored_versions(snapshots: Iterable[Snapshot], article_id: str) -> Iterator[Article]:
    """Yield the article with this id from each of the snapshots that has it and can read it."""
    for snapshot in snapshots:
        with suppress(IndexDamaged):
            number = snapshot.find(article_id)
            if number is not None:
                yield snapshot.article(number)


def load_newest_catalog(folder: Path) -> Catalog:
    """Return the catalog of a generation's last commit, or the newest if that commit cannot be determined.

    Raises IndexDamaged.
    """
    commit = latest_commit(folder)
    return catalogs.load(folder, catalogs.newest(folder) if commit is None else commit)


def status_of(opened: OpenIndex) -> Status:
    """Return what an index holds, for `Index.get_status`."""
    snapshot, summary = opened.snapshot, _current_summary(opened)
    is_restricted = bool(opened.search_settings.restriction)
    if is_restricted:
        summary = _restrict_summary(summary, snapshot)
    dated = snapshot.date_starts[snapshot.date_starts != NO_DATE]
    first, last = (_iso_day(int(dated.min())), _iso_day(int(dated.max()))) if len(dated) else (None, None)
    return Status(
        path=str(snapshot.folder),
        generation=snapshot.folder.name,
        articles=snapshot.articles,
        paragraphs=snapshot.paragraphs,
        undated=snapshot.articles - len(dated),
        first=first,
        last=last,
        # The size of the files would tell how much is hidden.
        size=0 if is_restricted else folder_size(snapshot.folder),
        committed=summary.committed,
        languages=summary.languages,
        sources=tuple(map(printable_path, summary.sources)),
        failures=summary.failures,
        kinds_not_read=summary.kinds_not_read,
        damage=opened.damage,
        libraries=opened.settings.libraries,
        library_changes=opened.settings.library_changes(),
        fields=dict(opened.search_settings.fields),
        vectors=_vector_status(opened),
    )


def _vector_status(opened: OpenIndex) -> VectorStatus | None:
    meaning, snapshot = opened.search_settings.meaning, opened.snapshot
    if meaning is None:
        return None
    vectors, problem = None, ""
    try:
        vectors = snapshot.vectors(meaning.model.fingerprint)
    except ModelFailed as error:
        problem = str(error)
    model = opened.model
    if opened.search_settings.restriction:
        # Where a model is, and the errors that name the place, are for the administrator.
        model = re.split(r"[/\\#]", model.rstrip("/\\"))[-1]
        problem = problem and "the model cannot be used"
    if vectors is None:
        return VectorStatus(model, 0, snapshot.embeddable, problem=problem)
    return VectorStatus(model, vectors.paragraphs, snapshot.embeddable, vectors.dimensions)


def _current_summary(opened: OpenIndex) -> Summary:
    # A sync that changes no article makes no commit, but may rewrite the summary of the last one.
    folder, commit = opened.snapshot.folder, opened.snapshot.commit
    try:
        return catalogs.load_summary(folder, commit)
    except IndexDamaged:
        if generations.last_commit(folder) == commit:
            raise
        return opened.summary


def _restrict_summary(summary: Summary, snapshot: Snapshot) -> Summary:
    """The summary of a restricted snapshot.

    Files without articles are hidden with all that is said of them: no filter tells whose they are.
    """
    languages, codes = snapshot.labels("language")
    counts = zip(languages, np.bincount(codes[codes >= 0], minlength=len(languages)).tolist(), strict=True)
    names = snapshot.source_names()
    return replace(
        summary,
        languages=dict(sorted(counts, key=lambda item: (-item[1], item[0]))),
        sources=tuple(source for source in summary.sources if summary.label(source) in names),
        failures=(),
        kinds_not_read={},
    )


def _open_last_commit(folder: Path, before: Snapshot | None) -> tuple[Snapshot, Summary]:
    while True:
        snapshot = open_snapshot(folder, before)
        try:
            return snapshot, catalogs.load_summary(folder, snapshot.commit)
        except IndexDamaged:
            # A new commit may have removed this one's catalog meanwhile: then open that one.
            if generations.last_commit(folder) == snapshot.commit:
                raise


def _iso_day(moment: int) -> str:
    return (datetime(1970, 1, 1) + timedelta(seconds=moment)).date().isoformat()
