"""Articles as documents of the cluster: their terms in the order of the text, and the stored article.

A gatherer has inverted the words of its articles already. Here they are put back into their order, so that
the server indexes the same terms at the same positions as the embedded index.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from indexer.article import record_name
from indexer.engine import (
    NO_DATE,
    Array,
    Chunk,
    EncodedArticle,
    Gatherer,
    Run,
    decode_article,
    digest_items,
    find_finest_grains,
    make_key,
    make_label_key,
    number_periods,
    split_bands,
    split_forms,
    split_name,
)
from indexer.errors import RUN_DOCTOR, IndexDamaged
from indexer.fields import FieldType
from indexer.limits import STORED_TEXT
from indexer.opensearch import mapping
from indexer.opensearch.mapping import (
    DATES,
    ENDS,
    KEYS,
    LABELS,
    MAX_END,
    MAX_TERM,
    NAMES,
    NUMBERS,
    PARTS,
    WRITTEN,
    make_id_key,
)
from indexer.results import GRAINS
from indexer.text.analyzer import get_analyzer
from indexer.text.languages import base_language
from indexer.text.normalization import normalize

Document = dict[str, Any]
_LEVEL = 3  # of Zstandard
_MAX_STORED = 2 * STORED_TEXT  # bytes: the longest text that an article may have
_MAX_TEXTS = 2_000_000  # of a field: with the gaps between them, Lucene has no more positions
_MAX_ENDS = 1_000_000
"""Characters of all ends of a name; see `_list_ends`."""
# Stand for white space in a name in a path, and for an empty name.
_SPACE, _EMPTY_PART = "\u2423", "\u2205"
_SPACES = re.compile(r"\s")


def make_document_id(article_id: str, since: int) -> str:
    """The `_id` of the version of an article that a commit adds."""
    return f"{hashlib.sha256(article_id.encode()).hexdigest()[:32]}-{since}"


def shorten_digest(digest: str) -> int:
    """The first 24 bits of a digest (hexadecimal): the cluster adds up those of 2**29 articles exactly."""
    return int(digest[:6], 16)


def read_id(source: Mapping[str, Any]) -> str:
    """The id of the article whose document has this source."""
    name: str = source.get(mapping.LONG_ID) or source[mapping.ID]
    return name


def learn_forms(forms: list[str], chunk: Chunk) -> None:
    """Add the new forms of a chunk to those of the chunks before it, of the same gatherer."""
    if chunk.is_fresh:
        forms.clear()
    if chunk.forms:
        forms += chunk.forms.split("\n")


def make_documents(
    chunk: Chunk, forms: Sequence[str], since: int | Sequence[int], until: int | None = None
) -> Iterator[Document]:
    """The document of each article of a chunk, added by the commit `since` and removed by `until`, if it is.

    `forms` are all those that its gatherer has numbered, with those of the chunk (see `learn_forms`).
    `since` may be a number for each article.
    """
    every = [since] * len(chunk.ids) if isinstance(since, int) else since
    titles = _read_terms(chunk.titles, chunk.title_terms, forms)
    texts = _read_terms(chunk.texts, chunk.text_terms, forms)
    columns = _list_values(chunk)
    articles = zip(
        every,
        chunk.ids,
        chunk.languages,
        chunk.counts.tolist(),
        chunk.custom_counts.tolist(),
        _list_dates(chunk.columns["date_starts"], chunk.columns["date_ends"]),
        chunk.columns["sketches"],
        chunk.iter_items(),
        strict=True,
    )
    compress = zstandard.ZstdCompressor(_LEVEL).compress
    custom_fields = iter(chunk.custom_fields.tolist())
    first = 0
    for number, (version, name, language, count, own_count, dates, sketch, items) in enumerate(articles):
        source = columns[number].get(mapping.SOURCE_URI, "")
        document: Document = {
            mapping.ID: make_id_key(name),
            mapping.SINCE: version,
            mapping.LANGUAGE: language,
            f"{KEYS}.{mapping.LANGUAGE}": make_label_key(mapping.LANGUAGE, language),
            mapping.BASE: base_language(language),
            mapping.ANALYZER: get_analyzer(language).language,
            mapping.TITLE_KEY: normalize(msgspec.json.decode(items[0], type=_Title).title)[:MAX_TERM],
            mapping.TITLE_TERMS: len(titles.words[number]),
            mapping.PARAGRAPHS: count,
            mapping.CHECKSUM: shorten_digest(digest_items([*items, source.encode()] if source else items)),
            mapping.SKETCH: b64encode(sketch.tobytes()).decode(),
            mapping.ARTICLE: b64encode(compress(msgspec.msgpack.encode(items))).decode(),
            **dates,
            **columns[number],
        }
        if document[mapping.ID] != name:
            document[mapping.LONG_ID] = name
        if until is not None:
            document[mapping.UNTIL] = until
        if bands := list_bands(sketch):
            document[mapping.BANDS] = bands
        if mapping.SOURCE_URI in document and (record := record_name(name)):
            document[mapping.RECORD] = make_id_key(record)
        end = first + count + own_count
        titles.add_to(document, mapping.TITLE, range(number, number + 1))
        texts.add_to(document, mapping.TEXT, range(first, first + count))
        for place in range(first + count, end):
            field = chunk.text_names[next(custom_fields)]
            texts.add_to(document, f"{mapping.OWN}.{field}", range(place, place + 1))
        words = texts.words[first:end]
        document[mapping.TEXT_TERMS] = sum(map(len, words))
        document[mapping.VOCABULARY] = sorted({*titles.words[number]}.union(*words))
        first = end
        yield document


def remake_documents(
    sources: Sequence[Mapping[str, Any]], fields: Mapping[str, FieldType], until: int
) -> Iterator[Document]:
    """The documents with these sources, removed by the commit `until`.

    A document cannot be changed in part, since most of its fields are in no source. Raises IndexDamaged.
    """
    gatherer = Gatherer("", fields)
    for source in sources:
        items, source_uri = read_article(source)
        # In the language that it was analyzed in before.
        article = replace(decode_article(items), language=source[mapping.LANGUAGE])
        gatherer.add(article, items, source_uri)
    forms: list[str] = []
    chunk = gatherer.take()
    learn_forms(forms, chunk)
    return make_documents(chunk, forms, [source[mapping.SINCE] for source in sources], until)


def read_article(source: Mapping[str, Any]) -> tuple[list[bytes], str | None]:
    """The items of an article (see `encode_article`), and the URI of the folder or file that has it.

    `source` is that of its document; the URI is None if an app has put the article in. Raises IndexDamaged.
    """
    try:
        data = b64decode(source[mapping.ARTICLE], validate=True)
        # Memory for the stated size is allocated before anything is decompressed, so check it first.
        if not 0 < zstandard.frame_content_size(data) <= _MAX_STORED:
            raise ValueError("its size is not stated, or too large")
        items = msgspec.msgpack.decode(zstandard.decompress(data), type=list[bytes])
        if not items:
            raise ValueError("it is empty")
    except (KeyError, ValueError, zstandard.ZstdError) as error:
        name = source.get(mapping.LONG_ID) or source.get(mapping.ID)
        raise IndexDamaged(f"the stored article {name!r} is invalid ({error!r})", RUN_DOCTOR) from error
    return items, source.get(mapping.SOURCE_URI)


def read_encoded(source: Mapping[str, Any]) -> EncodedArticle:
    """The stored article of the document with this source, encoded. Raises IndexDamaged."""
    items, uri = read_article(source)
    return EncodedArticle(items, uri or "", source[mapping.LANGUAGE])


def list_bands(sketch: NDArray[np.uint8]) -> list[str]:
    """The bands of a sketch: near-duplicates have one in common. None of a text that is too short."""
    if not sketch.any():
        return []
    return [f"{place}-{band:08x}" for place, band in enumerate(split_bands(sketch[None])[0].tolist())]


def split_path(path: str) -> str:
    """The names between the slashes of a path as terms, with spaces between them."""
    return _join_terms(_SPACES.sub(_SPACE, part) or _EMPTY_PART for part in path.split("/"))


def _join_terms(terms: Iterable[str]) -> str:
    return " ".join(term[:MAX_TERM] for term in terms)


def _list_ends(parts: Sequence[str], after: str) -> list[str]:
    """What follows from each of some parts on, where a text stands after each part.

    Parts in a row are the beginning of one of these. Of a name of more than a thousand parts, fewer
    characters are compared.
    """
    whole = "".join(f"{part}{after}" for part in parts)
    size = min(MAX_END, _MAX_ENDS // max(len(parts), 1))
    starts = accumulate((len(part) + len(after) for part in parts[:-1]), initial=0)
    return [whole[start : start + size] for start in starts] if parts else []


class _Title(msgspec.Struct):
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Terms:
    """The terms of some texts, joined by spaces, by the names of fields; and the words of each text."""

    joined: Mapping[str, list[str]]
    words: list[list[str]]

    def add_to(self, document: Document, prefix: str, texts: range) -> None:
        """Add the fields with this prefix, with the terms of some texts in a row."""
        for name, every in self.joined.items():
            own = every[texts.start : texts.stop]
            if len(own) > _MAX_TEXTS:
                # A phrase is then also found where it goes from one paragraph to the next.
                own[_MAX_TEXTS - 1 :] = [" ".join(own[_MAX_TEXTS - 1 :])]
            if own:
                document[f"{prefix}.{name}"] = own


def _read_terms(run: Run, terms: Array, forms: Sequence[str]) -> _Terms:
    """The terms of the texts of a run; `terms` has the number of words of each."""
    numbers, in_capitals = run.lay_out(terms)
    used = np.flatnonzero(np.bincount(numbers, minlength=1))
    index_of = np.zeros(int(used[-1]) + 1 if len(used) else 0, np.int32)
    index_of[used] = np.arange(len(used), dtype=np.int32)
    stems, words = (
        np.array([term[:MAX_TERM] for term in every], np.object_)[index_of[numbers]]
        for every in split_forms([forms[number] for number in used.tolist()])
    )
    bounds = [*pairwise(accumulate(terms.tolist(), initial=0))]
    tokens = {
        mapping.STEMS: stems.tolist(),
        mapping.WORDS: words.tolist(),
        mapping.CAPITALS: np.where(in_capitals, words, mapping.NO_CAPITALS).tolist(),
    }
    joined = {name: [" ".join(every[a:b]) for a, b in bounds] for name, every in tokens.items()}
    return _Terms(joined, [tokens[mapping.WORDS][a:b] for a, b in bounds])


def _list_dates(starts: Array, ends: Array) -> Iterator[Document]:
    """The fields of the date of each article."""
    finest = find_finest_grains(starts, ends).tolist()
    periods = zip(*(number_periods(starts, grain).tolist() for grain in GRAINS), strict=True)
    for start, end, first, numbers in zip(starts.tolist(), ends.tolist(), finest, periods, strict=True):
        if start == NO_DATE:
            yield {}
        else:
            yield {
                mapping.DATE_START: start,
                mapping.DATE_END: end,
                **dict(zip(GRAINS[first:], numbers[first:], strict=True)),
            }


def _list_values(chunk: Chunk) -> list[Document]:
    """The fields of the values of each article in its columns."""
    found: list[Document] = [{} for _ in chunk.ids]
    for name, column in chunk.fields.items():
        owners, values = column.owners.tolist(), column.values.tolist()
        if column.kind == "date":
            years = number_periods(column.values, "year").tolist()
            for owner, start, end, year in zip(owners, values, column.ends.tolist(), years, strict=True):
                own = {"start": start, "end": end, "year": year}
                found[owner] |= {f"{DATES}.{name}.{part}": number for part, number in own.items()}
        elif column.kind in ("integer", "number"):
            for owner, value in zip(owners, values, strict=True):
                found[owner][f"{NUMBERS}.{name}"] = value
        else:
            fields = [_list_fields(name, text) for text in column.names]
            for owner, value in zip(owners, values, strict=True):
                for field, own in fields[value].items():
                    found[owner].setdefault(field, []).extend(own)
    if "path" in chunk.fields:
        sources = chunk.fields["source"]
        source_of = dict(zip(sources.owners.tolist(), sources.values.tolist(), strict=True))
        for owner in chunk.fields["path"].owners.tolist():
            found[owner][mapping.SOURCE_URI] = sources.names[source_of[owner]]
    return found


def _list_fields(column: str, name: str) -> dict[str, list[str]]:
    """The fields of an article with a name in a column, and what stands in them."""
    if column not in LABELS:
        key = make_key(name)
        parts = {}
        if column == "author":
            words = split_name(key)
            parts = {f"{PARTS}.{column}": [_join_terms(words)], f"{ENDS}.{column}": _list_ends(words, " ")}
        written = f"{key[: mapping.MAX_KEY]}{mapping.SEPARATOR}{name}"
        return {f"{KEYS}.{column}": [key[:MAX_TERM]], f"{WRITTEN}.{column}": [written[:MAX_TERM]], **parts}
    key = make_label_key(column, name)
    found = {} if column == "path" else {f"{NAMES}.{column}": [name[:MAX_TERM]]}
    # Folders and files are compared by the names that are shown, which depend on each other: instead of
    # them, the path in them is compared.
    if column != "source" or not name.startswith("file:"):
        compared = "site" if column == "site" else "source"
        found[f"{KEYS}.{compared}"] = [key[:MAX_TERM]]
        if column == "site":
            found[f"{PARTS}.site"] = _list_domains(key)
        else:
            paths = _list_paths(key)
            found[f"{PARTS}.source"] = [*map(split_path, paths)]
            found[f"{ENDS}.source"] = [end for path in paths for end in _list_ends(path.split("/"), "/")]
    return found


def _list_domains(site: str) -> list[str]:
    """The names of which a site is, or has, a subdomain: itself without "www.", and all above it."""
    labels = site.split(".")
    above = (".".join(labels[number:])[:MAX_TERM] for number in range(1, len(labels)))
    return [*dict.fromkeys((site.removeprefix("www.")[:MAX_TERM], *above))]


def _list_paths(path: str) -> list[str]:
    """A path, and the same without what follows its last dot."""
    stem, dot, _ = f"/{path}".rpartition(".")
    return [path, stem.removeprefix("/")] if dot else [path]
