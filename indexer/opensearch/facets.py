"""Facets and the timeline as aggregations, with the counts of `indexer.engine.count.facets`.

They take two searches. The first aggregates the hits (`aggregate_hits`). What the second one asks depends on
the answer (`aggregate_all`): the forms in which all articles have the names that are counted most, and the
bars of the timeline in the grain that suits the hits, beside all that was published then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from indexer.engine import (
    MAX_VALUES,
    choose_grain,
    format_date,
    format_period,
    make_bars,
    number_periods,
    shorten_sources,
)
from indexer.fields import ColumnKind, FieldType
from indexer.opensearch import mapping
from indexer.opensearch.dsl import EVERYTHING, Dsl, match_all
from indexer.opensearch.mapping import DATE_START, DATES, KEYS, NAMES, NUMBERS, PARAGRAPHS, SEPARATOR, WRITTEN
from indexer.results import GRAINS, FacetCount, Grain, Timeline

Answer = Mapping[str, Any]
"""The aggregations of the answer to a search."""
_MOST = 10_000
"""Buckets of an aggregation of periods, numbers or sources: more than there are."""
_MAX_NAMES = 1000
"""Buckets of an aggregation of names. Each shard counts as many, so that the largest counts are right."""
_MAX_TIES = 100
"""The most names whose written forms are asked for because they are as common as the last one listed."""
_MAX_PATTERN = 900
"""Characters of a pattern: the cluster refuses those of more than 1000."""
_SYNTAX = re.compile(r"[^\w\s]", re.ASCII)
_LABELS = {"language": mapping.LANGUAGE, "site": f"{NAMES}.site", "source": f"{NAMES}.source"}
_ALL, _DATED, _NONE, _HITS = "all", "dated", "none", "hits"


def aggregate_hits(names: Collection[str], fields: Mapping[str, FieldType], *, timeline: bool) -> Dsl:
    """The aggregations of the hits for some facets and a timeline; `fields` are the custom fields."""
    found: Dsl = {_ALL: {"filter": EVERYTHING}}
    for name in names:
        field, size = _find_field(name, fields)
        found[f"facet.{name}"] = {"terms": {"field": field, "size": size}}
        found[f"facet.{name}.{_NONE}"] = {"missing": {"field": field}}
    if timeline or any(name in GRAINS for name in names):
        found[_DATED] = {"filter": {"exists": {"field": DATE_START}}}
    if timeline:
        edges = {edge: {edge: {"field": DATE_START}} for edge in ("min", "max")}
        for grain in GRAINS:
            found[f"timeline.{grain}"] = {"filter": {"exists": {"field": grain}}, "aggs": edges}
    return found


def aggregate_all(
    names: Collection[str],
    timeline: Grain | None,
    fields: Mapping[str, FieldType],
    first: Answer,
    hits: Dsl,
) -> Dsl:
    """The aggregations of all articles that a reader sees, after the first answer; empty if none are needed.

    `timeline` is the grain of the timeline (see `find_grain`), None for none; `hits` is the query of hits.
    """
    found: Dsl = {}
    for name in names:
        if name in mapping.list_named(fields):
            for number, key in enumerate(_list_names_to_write(first[f"facet.{name}"])):
                found[f"facet.{name}.{number}"] = {
                    "filter": {"term": {f"{KEYS}.{name}": key}},
                    "aggs": {"written": {"terms": _count_written(name, key)}},
                }
    if timeline and first[f"timeline.{timeline}"]["doc_count"]:
        low, high = number_periods(np.array(_find_edges(first, timeline)), timeline).tolist()
        bars = {
            "terms": {"field": timeline, "size": _MOST},
            "aggs": {PARAGRAPHS: {"sum": {"field": PARAGRAPHS}}},
        }
        exact = {"exists": {"field": timeline}}
        ends = {
            order: {
                "top_hits": {
                    "size": 1,
                    "sort": [{DATE_START: order}],
                    "docvalue_fields": [DATE_START, mapping.DATE_END],
                    "_source": False,
                }
            }
            for order in ("asc", "desc")
        }
        found["published"] = {
            "filter": {"range": {timeline: {"gte": low, "lte": high}}},
            "aggs": {"bars": bars},
        }
        found[_HITS] = {"filter": match_all([hits, exact]), "aggs": {"bars": bars, **ends}}
    return found


def read_facet(
    name: str, fields: Mapping[str, FieldType], first: Answer, second: Answer, sources: Sequence[str] = ()
) -> tuple[FacetCount, ...]:
    """How many hits have each value of a facet, from both answers; see `count_facet`.

    `sources` are the names of all sources that a reader sees, as they are stored.
    """
    answer = first[f"facet.{name}"]
    counts = {bucket["key"]: int(bucket["doc_count"]) for bucket in answer["buckets"]}
    other, none = int(answer["sum_other_doc_count"]), int(first[f"facet.{name}.{_NONE}"]["doc_count"])
    if name in GRAINS:
        dated, every = (int(first[own]["doc_count"]) for own in (_DATED, _ALL))
        special = {"inexact": none - (every - dated), "undated": every - dated}
        return _list_periods(counts, name, other, special)
    kind: ColumnKind | str = fields[name].type if name in fields else "keyword"
    if kind == "date":
        return _list_periods(counts, "year", other, {"none": none})
    if kind in ("integer", "number"):
        numbered = sorted(counts.items(), key=lambda own: (-own[1], own[0]))
        named = [(f"{number:g}" if kind == "number" else str(int(number)), own) for number, own in numbered]
    else:
        shown = _name_values(name, answer, second, sources)
        merged: Counter[str] = Counter()
        for key, count in counts.items():
            merged[shown.get(key, str(key))] += count
        named = sorted(merged.items(), key=lambda own: (-own[1], own[0]))
    return _make_counts(named[:MAX_VALUES], other + sum(own for _, own in named[MAX_VALUES:]), {"none": none})


def find_grain(asked: Grain | None, first: Answer) -> Grain:
    """The grain of the timeline of the hits; see `count_timeline`."""
    counts = [int(first[f"timeline.{grain}"]["doc_count"]) for grain in GRAINS]
    return choose_grain(
        [*counts, int(first[_DATED]["doc_count"])], lambda number: _find_edges(first, GRAINS[number]), asked
    )


def read_timeline(
    grain: Grain,
    first: Answer,
    second: Answer,
    *,
    has_terms: bool,
) -> Timeline:
    """The timeline of the hits in a grain, from both answers; see `count_timeline`.

    The cluster does not know which paragraphs have a term of the query. If it has none that is searched for
    in paragraphs, all of them match: `has_terms` is then False.
    """
    every, dated = (int(first[own]["doc_count"]) for own in (_ALL, _DATED))
    exact = int(first[f"timeline.{grain}"]["doc_count"])
    rest: dict[str, Any] = {"inexact": dated - exact, "undated": every - dated}
    if not exact:
        return Timeline(grain=grain, **rest)
    hits, published = (_read_bars(second[name]["bars"]) for name in (_HITS, "published"))
    counts = {}
    for number, (of_articles, of_paragraphs) in published.items():
        articles, paragraphs = hits.get(number, (0, 0))
        found: int | None = paragraphs
        if has_terms and articles:
            found = None
        counts[number] = articles, found, of_articles, of_paragraphs
    peak = min(hits, key=lambda number: (-hits[number][0], number))
    return Timeline(
        grain=grain,
        bars=make_bars(counts, grain),
        first=_read_date(second[_HITS]["asc"]),
        last=_read_date(second[_HITS]["desc"]),
        peak=format_period(peak, grain),
        **rest,
    )


def _find_field(name: str, fields: Mapping[str, FieldType]) -> tuple[str, int]:
    """The field of the values of a facet, and how many of them the cluster counts."""
    if name in GRAINS:
        return name, _MOST
    if name in _LABELS:
        return _LABELS[name], _MOST if name == "source" else _MAX_NAMES
    kind = fields[name].type if name in fields else "keyword"
    if kind == "date":
        return f"{DATES}.{name}.year", _MOST
    if kind in ("integer", "number"):
        return f"{NUMBERS}.{name}", _MOST
    return f"{KEYS}.{name}", _MAX_NAMES


def _list_names_to_write(answer: Answer) -> list[str]:
    """The names whose written form is asked for: those that are listed, and others that are as common."""
    buckets = answer["buckets"]
    least = buckets[MAX_VALUES - 1]["doc_count"] if len(buckets) >= MAX_VALUES else 0
    keys = [bucket["key"] for bucket in buckets if bucket["doc_count"] >= least]
    return keys[: MAX_VALUES + _MAX_TIES]


def _count_written(name: str, key: str) -> Dsl:
    """The aggregation that gives the most common form of a name: the first of equally common ones."""
    pattern = _SYNTAX.sub(r"\\\g<0>", key) + SEPARATOR + ".*"
    if len(pattern) > _MAX_PATTERN:
        # Other names of the same articles may be counted too.
        return {"field": f"{WRITTEN}.{name}", "size": MAX_VALUES}
    return {"field": f"{WRITTEN}.{name}", "size": 1, "include": pattern}


def _name_values(name: str, answer: Answer, second: Answer, sources: Sequence[str]) -> dict[str, str]:
    """The texts to show for the values of a facet, as far as they are not the values themselves."""
    if name == "source":
        return dict(zip(sources, shorten_sources(sources), strict=True))
    if name in _LABELS:
        return {}
    found = {}
    for number, key in enumerate(_list_names_to_write(answer)):
        for bucket in second[f"facet.{name}.{number}"]["written"]["buckets"]:
            start, _, written = bucket["key"].partition(SEPARATOR)
            if start == key[: mapping.MAX_KEY]:
                found[key] = written
                break
    return found


def _list_periods(
    counts: Mapping[int, int], grain: Grain, other: int, special: Mapping[str, int]
) -> tuple[FacetCount, ...]:
    """The counts of the periods with the most hits, in their order."""
    largest = sorted(counts, key=lambda number: (-counts[number], number))
    listed = sorted(largest[:MAX_VALUES])
    other += sum(counts[number] for number in largest[MAX_VALUES:])
    return _make_counts([(format_period(number, grain), counts[number]) for number in listed], other, special)


def _make_counts(
    named: Iterable[tuple[str, int]], other: int, special: Mapping[str, int]
) -> tuple[FacetCount, ...]:
    rest = {"other": other, **special}
    return (
        *(FacetCount(value, count) for value, count in named),
        # The names are values of FacetCount.kind.
        *(FacetCount(None, count, kind) for kind, count in rest.items() if count),  # type: ignore[arg-type]
    )


def _find_edges(first: Answer, grain: Grain) -> tuple[int, int]:
    """The first and the last moment of the hits whose date is exact enough for a grain."""
    own = first[f"timeline.{grain}"]
    return int(own["min"]["value"]), int(own["max"]["value"])


def _read_bars(answer: Answer) -> dict[int, tuple[int, int]]:
    """The articles and paragraphs of each period."""
    return {
        int(bucket["key"]): (int(bucket["doc_count"]), int(bucket[PARAGRAPHS]["value"]))
        for bucket in answer["buckets"]
    }


def _read_date(answer: Answer) -> str:
    """The date of the only hit of an aggregation."""
    (hit,) = answer["hits"]["hits"]
    (start,), (end,) = (hit["fields"][name] for name in (DATE_START, mapping.DATE_END))
    return format_date(int(start), int(end))
