"""Articles into a Whoosh index: one batch, one commit, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from whoosh.index import FileIndex, LockError

from indexer.analysis import analyzer
from indexer.engine.schema import NO_MOMENT, Terms, make_schema, moment
from indexer.engine.snapshot import Snapshot
from indexer.engine.storage import DurableStorage
from indexer.errors import IndexLocked
from indexer.model import Article, ArticleInfo, Encoding, Published, anchors

_BUFFER_MB = 256


def create(folder: Path, language: str) -> None:
    """Make an empty Whoosh index in a new folder."""
    folder.mkdir(parents=True)
    FileIndex.create(DurableStorage(folder), make_schema(language))


class Batch:
    """Removals and additions that become visible together, or not at all.

    Used as a context manager: leaving it commits, an exception on the way out throws everything away.
    `before_commit` is called with the number of the commit to come, after all data is written and before
    the commit is made: what has to become visible with it is written there. A batch that was given nothing
    touches nothing.
    """

    def __init__(self, snapshot: Snapshot, language: str, before_commit: Callable[[int], None]) -> None:
        self._snapshot = snapshot
        self._language = language
        self._before_commit = before_commit
        self._writer: Any = None

    def remove(self, article_id: str) -> None:
        """Remove the article with this id; nothing happens when there is none."""
        number = self._snapshot.find(article_id)
        if number is not None:
            writer = self._open()
            for doc in range(self._snapshot.starts[number], self._snapshot.stops[number]):
                writer.delete_document(doc)

    def add(self, article: Article) -> None:
        """Add an article; its id must not be in the index, or have been removed in this batch."""
        language = article.language or self._language
        forms = analyzer(language).forms
        title_stems, title_words = forms(article.title)
        shared: dict[str, Any] = {"article": article.id, "title": Terms({}), "_stored_title": article.title}
        if article.published:
            begins, ends = article.published.start, article.published.end
            shared |= {"date": begins, "begins": moment(begins), "ends": moment(ends)}
        else:
            shared |= {"begins": NO_MOMENT, "ends": NO_MOMENT}
        first = {
            "title": Terms.of(title_stems),
            "title_words": Terms.of(title_words),
            "title_terms": len(title_stems),
            "meta": _meta(article),
        }
        if not article.paragraphs:
            self._open().add_document(**shared | first, number=0)
        names = anchors(article.paragraphs)
        for number, (anchor, text) in enumerate(zip(names, article.paragraphs, strict=True), 1):
            stems, words = forms(text)
            self._open().add_document(
                **shared | (first if number == 1 else {}),
                number=number,
                anchor=anchor,
                paragraph=Terms.of(stems),
                _stored_paragraph=text,
                paragraph_words=Terms.of(words),
                paragraph_terms=len(stems),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            return
        if kind is not None:
            # Whoosh would attach a half-added document's terms to the next one: the whole batch goes.
            self._writer.cancel()
            return
        try:
            self._before_commit(self._writer.generation)
        except BaseException:
            self._writer.cancel()
            raise
        self._writer.commit()

    def _open(self) -> Any:
        if self._writer is None:
            try:
                index = FileIndex(DurableStorage(self._snapshot.folder))
                self._writer = index.writer(limitmb=_BUFFER_MB)
            except LockError as error:
                raise IndexLocked(
                    f"another program writes to {self._snapshot.folder} through Whoosh: try again later"
                ) from error
        return self._writer


def load_article(snapshot: Snapshot, number: int) -> Article:
    """The article with this number, as it was put in."""
    documents = [snapshot.stored(doc) for doc in range(snapshot.starts[number], snapshot.stops[number])]
    info, meta = _info(documents[0])
    encoding = meta.get("encoding")
    return Article(
        **{name: getattr(info, name) for name in ("id", "title", "published", "language", "url", "source")},
        paragraphs=tuple(document["paragraph"] for document in documents if "paragraph" in document),
        encoding=Encoding(**encoding) if encoding else None,
        notes=tuple(meta.get("notes", ())),
    )


def load_info(snapshot: Snapshot, number: int) -> ArticleInfo:
    """The article with this number, without its text."""
    return _info(snapshot.stored(int(snapshot.starts[number])))[0]


def _info(document: dict[str, Any]) -> tuple[ArticleInfo, dict[str, Any]]:
    meta = json.loads(document["meta"])
    published = meta.get("published")
    if published:
        others = tuple((value, place) for value, place in published["others"])
        published = Published(**published | {"others": others})
    return ArticleInfo(
        id=document["article"],
        title=document["title"],
        published=published,
        language=meta.get("language"),
        url=meta.get("url"),
        source=meta.get("source"),
    ), meta


def _meta(article: Article) -> str:
    published, encoding = article.published, article.encoding
    values = {
        "published": published
        and {
            "value": published.value,
            "precision": published.precision,
            "provenance": published.provenance,
            "others": published.others,
            "note": published.note,
        },
        "language": article.language,
        "url": article.url,
        "source": article.source,
        "encoding": encoding and {"name": encoding.name, "guessed": encoding.guessed},
        "notes": article.notes,
    }
    return json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)
