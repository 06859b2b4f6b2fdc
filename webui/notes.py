"""Notes of the library in the language of the page: a sentence for each code, and the values in it.

The messages of the library are English. A note of a code that is not in the table keeps its message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

from indexer.article import Published
from indexer.fields import FieldType, format_number
from indexer.query import (
    PUBLISHED,
    DateRange,
    Filter,
    Not,
    NumberRange,
    RawPhrase,
    Term,
    has_words,
    parse_query,
    shorten_clause,
)
from indexer.results import Note, NoteValue
from webui.translations import N_, Localization, N_n, isolate

TEXTS: Mapping[str, str | tuple[str, str]] = {
    "characters_dropped": N_("Only the first {limit} of {given} characters of the query were read."),
    "clauses_dropped": N_n(
        "Only the first {limit} words and phrases were searched for; {n} was ignored.",
        "Only the first {limit} words and phrases were searched for; {n} were ignored.",
    ),
    "notes_dropped": N_n("There is {n} more note like these.", "There are {n} more notes like these."),
    "nothing": N_("There is nothing to search for in the query."),
    "broken_characters": N_("Broken characters in the query were replaced."),
    "lone_quote": N_("A quotation mark without its partner was ignored."),
    "lone_parenthesis": N_("A parenthesis without its partner was ignored."),
    "open_parenthesis": N_("A parenthesis without its partner was closed at the end."),
    "too_deep": N_("Parentheses nest at most {limit} deep; deeper ones were ignored."),
    "lone_operator": N_("{text} has nothing to join; it was read as a word."),
    "no_field": N_("There is no field {text}; it was searched as text."),
    "not_searchable": N_("{text} has no letters or digits; it was ignored."),
    "no_date": N_("{text} is not a date; it was searched as text."),
    "no_field_value": N_("{text} is no value of the field {field}; it was searched as text."),
    "day_first": N_("{text} was read with the day first."),
    "month_first": N_("{text} was read with the month first."),
    "read_as_date": N_(
        "{text} was read as a date ({dates}). Put it in quotation marks to search for it as text."
    ),
    "not_read_as_date": N_("{text} was searched as text. To find that time, type {query}."),
    "operators_as_words": N_n(
        "The query is in capitals, so {words} was read as a word.",
        "The query is in capitals, so {words} were read as words.",
    ),
    "other_forms": N_("No article has {text} as written; other forms of it were searched for."),
    "other_forms_in_languages": N_(
        "In these languages ({languages}), no article has {text} as written; other forms of it were searched "
        "for there."
    ),
    "date_applied": N_(
        "{text} was searched as text, which found nothing; these articles were published then ({dates})."
    ),
    "near_too_far": N_("NEAR reaches at most {limit} words; /{limit} was used."),
    "near_too_long": N_("NEAR joins at most {limit} in a row; the rest may stand anywhere."),
    "near_not_words": N_("NEAR joins words, phrases and alternatives of one field; it was read as AND."),
    "slop_too_far": N_("The words of a phrase may stand at most {limit} apart; ~{limit} was used."),
    "too_fuzzy": N_("{text}: at most {limit} letters may differ; ~{limit} was used."),
    "boost_too_high": N_("A word counts at most {limit} times; ^{limit} was used."),
    "word_too_long": N_("{text} is too long; its first {limit} characters were searched for."),
    "synonyms_added": N_("{text} also searched as {others}."),
    "synonyms_instead": N_("{text} was searched as {others}."),
    "common_words": N_("Ignored common words: {clauses}. To require one, write +{first}."),
    "common_in_languages": N_(
        "Ignored common words in these languages ({languages}): {clauses}. To require one, write +{first}."
    ),
    "parts_dropped": N_("Only the first {limit} parts of joined words were searched for alone."),
    "expansion_cut": N_(
        "{label} stands for {count} words; the {limit} most common of them were searched for."
    ),
    "inexact_dates": N_n(
        "{n} more article may be of that time; only its month or year is known.",
        "{n} more articles may be of that time; only their month or year is known.",
    ),
    "no_value": N_("No article passes the filter {filter}."),
    "not_looked_up": N_(
        "The time for a query ({seconds} s) was up. Not looked up: {clauses}. There may be more articles, "
        "and better ones."
    ),
    "not_ranked": N_(
        "The time for a query ({seconds} s) was up; the order does not consider whether words stand near one "
        "another."
    ),
    "only_partial": N_("No article has all of the words; these have some of them."),
    "few_full": N_("Few articles have all of the words; after them come those that have some."),
    "counted_roughly": N_(
        "Some of the articles that are counted here may not match; those that are shown do."
    ),
    "coarser_timeline": N_("A timeline of such short periods would be too long; its periods are longer."),
    "no_model": N_("The articles were searched by words alone: the model for their meaning did not answer."),
    "other_model": N_(
        "The articles were searched by words alone: another model made the vectors of the index. The "
        "administrator can replace them with nutgraf embed."
    ),
    "no_vectors": N_(
        "The articles were searched by words alone: the index has no vectors, with which they would be found "
        "by their meaning."
    ),
    "not_explained": N_("There was no time to explain the search."),
    "no_reason": N_("There was no time to find out why nothing was found."),
    "not_marked": N_("There was no time to mark all that was found."),
    "similar_timed_out": N_(
        "The time for a query ({seconds} s) was up before all words of the article were looked up; other "
        "articles may be more like it."
    ),
    "quote_timed_out": N_(
        "The time for a query ({seconds} s) was up before all was compared; these words may stand in other "
        "places too."
    ),
    "index_damaged": N_(
        "These are the articles as of {committed} (UTC). The index of later changes is damaged."
    ),
    # Why there are no results.
    "empty_index": N_("There are no articles in the index."),
    "no_article_has": N_("No article has {words}."),
    "no_article_has_all": N_("No article has all of these: {words}."),
    "no_article_passes": N_("No article passes these filters: {filters}."),
    "every_article_excluded": N_("Every article that would match has {excluded}, which is excluded."),
    # The change that an alternative query makes.
    "any_form": N_("{clauses} in any form"),
    "other_spelling": N_("words spelt like {clauses}"),
    "any_ending": N_("words that begin with {clauses}"),
    "words_apart": N_("the words of {clauses} wherever they stand"),
    "any_field": N_("{clauses} anywhere in the article"),
    "without_filter": N_("without the filter {clause}"),
    "without_exclusion": N_("also articles with {clause}"),
    "without_words": N_("without {clauses}"),
    "without_arguments": N_("without the filter {arguments}"),
}
"""The sentence of each code; of two, the plural forms for the value `count`."""

_WORDS_AND_FILTERS = N_("No article with {words} passes these filters: {filters}.")
# Of facets, and of the arguments of a search that can be dropped.
_NAMES = {
    "year": N_("Year"),
    "since": N_("Date"),
    "until": N_("Date"),
    "source": N_("Source"),
    "site": N_("Site"),
    "language": N_("Language"),
    "author": N_("Author"),
    "section": N_("Section"),
    "tag": N_("Tag"),
    "publisher": N_("Publisher"),
    "filter": N_("Filter"),
    "undated": N_("without a date"),
}
_PLURALS = {"author": N_("Authors"), "tag": N_("Tags")}
_PLACES = {"title": N_("{words} in the title"), "paragraph": N_("{words} in the text")}
_FILTERS = {
    "source": N_("source: {name}"),
    "site": N_("site: {name}"),
    "language": N_("language: {name}"),
    "author": N_("author: {name}"),
    "section": N_("section: {name}"),
    "tag": N_("tag: {name}"),
    "publisher": N_("publisher: {name}"),
}
# Values that are lists of clauses as they are typed.
_CLAUSES = ("clauses", "words", "filters", "excluded", "clause", "first")

# Clauses that a sentence names.
_SHOWN = 8

Fields = Mapping[str, FieldType]
"""The types of the custom fields, by name."""


def write_note(note: Note, localization: Localization, fields: Fields | None = None) -> Markup | None:
    """The sentence of a note, or None if there is none for its code."""
    text = TEXTS.get(note.code)
    if note.code == "no_article_passes" and note.values.get("words"):
        text = _WORDS_AND_FILTERS
    if text is None:
        return None
    values = {
        name: _write_value(name, value, note, localization, fields) for name, value in note.values.items()
    }
    if note.code == "read_as_date":
        start, end = (_parse_moment(note.values[name]) for name in ("start", "end"))
        values["dates"] = write_dates(start, end, localization)
    if note.code == "date_applied":
        values["dates"] = localization.date(str(note.values["since"]))
    if note.code == "not_read_as_date":
        values["query"] = isolate(f"date:{note.values['value']}")
    if note.code == "no_value":
        field, value = str(note.values["field"]), str(note.values["value"])
        values["filter"] = _write_node(Filter(field, value), localization, fields or {}) or isolate(
            f"{field}:{value}"
        )
    if isinstance(text, str):
        return localization.gettext(text, **values)
    count = note.values["count"]
    assert isinstance(count, int)
    return localization.ngettext(*text, count, **values)


def name_filter(name: str, localization: Localization, *, are_several: bool = False) -> Markup:
    """The name of a filter, or of a facet or a custom field, as a heading for its values."""
    if are_several and name in _PLURALS:
        return localization.gettext(_PLURALS[name])
    if name in _NAMES:
        return localization.gettext(_NAMES[name])
    text = name.replace("_", " ")
    return escape(text[:1].upper() + text[1:])


def write_filter(name: str, value: str, localization: Localization, fields: Fields | None = None) -> Markup:
    """A filter of a search in words, by the name of its argument and one of its values."""
    if name == "filter":
        return write_clause(value, localization, fields)
    if name not in _FILTERS:
        return name_filter(name, localization)
    text = localization.value_text(value, name)
    return localization.gettext(_FILTERS[name], name=isolate(text))


def write_clause(label: str, localization: Localization, fields: Fields | None = None) -> Markup:
    """A clause, given as it is typed: dates and filters in words, anything else as it stands."""
    # The dates of a clause are absolute, so the day makes no difference.
    tree: Any = parse_query(label, today=date.min, fields=fields).tree
    place = _PLACES.get(getattr(tree, "fieldname", ""))
    if isinstance(tree, (Term, RawPhrase)) and (place or tree.fieldname in (fields or {})):
        words = isolate(label.partition(":")[2])
        if place:
            return localization.gettext(place, words=words)
        return _write_field(tree.fieldname, words, localization)
    # Beside filters alone stands a node that matches every article.
    parts = [
        part for part in (tree, *tree.children()) if isinstance(part, (DateRange, NumberRange, Filter, Not))
    ]
    filters = [_write_node(part, localization, fields or {}) for part in parts]
    if filters and all(filters) and not has_words(tree) and " OR " not in label:
        return localization.list([text for text in filters if text])
    return isolate(shorten_clause(label))


def _write_node(node: Any, localization: Localization, fields: Fields) -> Markup | None:
    """Dates or a filter in words; None for anything else."""
    if isinstance(node, Not):
        text = _write_node(node.query, localization, fields)
        return text and localization.gettext(N_("not {filter}"), filter=text)
    if isinstance(node, DateRange) and node.fieldname == PUBLISHED:
        return write_dates(node.start, node.end, localization)
    if isinstance(node, Filter) and node.fieldname in _FILTERS:
        return write_filter(node.fieldname, node.text, localization)
    value: str
    if isinstance(node, DateRange):
        value = write_dates(node.start, node.end, localization)
    elif isinstance(node, NumberRange):
        value = _write_numbers(node, localization)
    elif isinstance(node, Filter) and node.fieldname in fields:
        value = localization.value_text(node.text, fields[node.fieldname].type)
    else:
        return None
    return _write_field(node.fieldname, isolate(value), localization)


def _write_field(name: str, value: Markup, localization: Localization) -> Markup:
    """A custom field with a value in it."""
    field = isolate(name.replace("_", " "))
    return localization.gettext(N_("{field}: {value}"), field=field, value=value)


def _write_numbers(numbers: NumberRange, localization: Localization) -> str:
    low, high = ("" if edge is None else format_number(edge) for edge in (numbers.low, numbers.high))
    if low == high:
        return low
    if low and high:
        return localization.gettext(N_("from {low} to {high}"), low=low, high=high)
    if numbers.is_strict:
        text = N_("more than {number}") if low else N_("less than {number}")
    else:
        text = N_("at least {number}") if low else N_("at most {number}")
    return localization.gettext(text, number=low or high)


def write_dates(start: datetime | None, end: datetime | None, localization: Localization) -> Markup:
    """A range of dates, of which `end` is not part, in words."""
    if start and end and (period := Published.from_period(start, end)):
        return escape(localization.date(period.value))
    starts = (period for period in _periods(start) if period.start == start)
    ends = (period for period in _periods(end and end - timedelta(minutes=1)) if period.end == end)
    texts = []
    if first := next(starts, None):
        texts.append(localization.gettext(N_("from {date}"), date=localization.date(first.value)))
    if last := next(ends, None):
        texts.append(localization.gettext(N_("until {date}"), date=localization.date(last.value)))
    return localization.list(texts)


def _periods(moment: datetime | None) -> list[Published]:
    """The year, month, day and minute of a moment."""
    return [Published.parse(moment.isoformat()[:digits]) for digits in (4, 7, 10, 16)] if moment else []


def _parse_moment(moment: NoteValue) -> datetime | None:
    return datetime.fromisoformat(str(moment)) if moment else None


def _write_value(
    name: str, value: NoteValue, note: Note, localization: Localization, fields: Fields | None
) -> object:
    """A value of a note as its sentence shows it."""
    if name == "languages":
        tags = str(value).split(", ")
        return localization.list([localization.language_name(tag) for tag in tags])
    if name == "committed":
        return localization.date(str(value)[:16])
    if name == "arguments" and isinstance(value, tuple):
        names = dict.fromkeys(name_filter(str(argument), localization) for argument in value)
        return localization.list([*names])
    if name in _CLAUSES:
        labels = value if isinstance(value, tuple) else (value,)
        texts = [_write_label(str(label), name, note.code, localization, fields) for label in labels[:_SHOWN]]
        counts = note.values.get("counts")
        if name == "words" and len(texts) > 1 and isinstance(counts, tuple):
            counted = zip(texts, counts, strict=False)
            texts = [
                Markup("{} ({})").format(text, localization.number(int(count))) for text, count in counted
            ]
        if more := len(labels[_SHOWN:]):
            texts.append(localization.ngettext("{n} more", "{n} more", more))
        return localization.list(texts)
    if isinstance(value, float):
        return localization.number(value, 0 if value.is_integer() else 1)
    return isolate(value) if isinstance(value, str) else value


def _write_label(
    label: str, name: str, code: str, localization: Localization, fields: Fields | None
) -> Markup:
    """One of the clauses in the value `name` of a note."""
    if name == "filters" and label == "undated":
        return name_filter(label, localization)
    if code == "any_field":
        # It is searched for without its field.
        label = label.partition(":")[2]
    return write_clause(label.removeprefix("-") if name == "excluded" else label, localization, fields)
