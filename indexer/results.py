"""What comes out of a search: pages, hits, passages, counts and explanations, and what all results share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self, get_args

from msgspec import Struct, to_builtins
from msgspec.json import schema_components

from indexer.article import FieldValue, Published

__all__ = [
    "AlternativeQuery",
    "ArticleInfo",
    "ClauseExplanation",
    "Explanation",
    "FacetCount",
    "FieldScore",
    "Hit",
    "HitExplanation",
    "Hits",
    "MarkedArticle",
    "MarkedParagraph",
    "MarkedText",
    "MeaningScore",
    "NoResults",
    "Note",
    "Page",
    "PairScore",
    "Passage",
    "QuoteCheck",
    "QuoteEdit",
    "SuggestedFilter",
    "Suggestion",
    "Timeline",
    "TimelineBar",
    "WordScore",
]

Sort = Literal["relevance", "newest", "oldest", "title"]
SORTS: tuple[Sort, ...] = get_args(Sort)
"""The orders of hits."""
Grain = Literal["day", "week", "month", "year"]
GRAINS: tuple[Grain, ...] = get_args(Grain)
"""The periods of a timeline, from the shortest to the longest."""
FACETS = ("year", "month", "day", "source", "site", "language", "author", "section", "tag", "publisher")
"""The facets of hits that every index has; custom fields may be others."""


class Result(Struct, frozen=True):
    """What all results have in common: a result as JSON is its fields, by their names.

    The command, the HTTP API and its description are made from these classes.
    """

    def as_json(self) -> dict[str, Any]:
        """Return the result in dictionaries, lists, strings and numbers, as `json.dumps` takes them."""
        return dict(to_builtins(self))


class FacetCount(Result, frozen=True):
    """How many hits have one value of a facet, such as a year or a source.

    Where `value` is None, `kind` says of what hits the count is: "undated"; "inexact", whose date is not as
    exact as the facet; "none", which have no value, such as no source or author; "other", of all values that
    are not named. A hit with several authors or tags counts for each of them.
    """

    value: str | None
    count: int
    kind: Literal["value", "undated", "inexact", "none", "other"] = "value"


class TimelineBar(Result, frozen=True):
    """One period of a timeline: what of it matches, and all that was published then.

    `start` is the period as in ISO 8601 ("2021", "2021-11", "2021-11-05"; a week by its Monday). `articles`
    are the hits, `paragraphs` those of their paragraphs that have a word of the query (all of them, where it
    looks for no word in paragraphs); `of_articles` and `of_paragraphs` are all in the index of that period.
    `paragraphs` is null where the engine counts articles only.
    """

    start: str
    articles: int
    paragraphs: int | None
    of_articles: int
    of_paragraphs: int
    share: float
    """The matching paragraphs among all of the period, from 0 to 1; if unknown, the hits among articles."""


class Timeline(Result, frozen=True):
    """The hits of a search over time, as bars from the period of the first to that of the last.

    `grain` is day, week, month or year. `first` and `last` are the days of the first and the last hit, as
    exactly as they are known; `peak` is the `start` of the period with the most hits, the first of equals.
    `inexact` hits have a date that is not as exact as the grain, `undated` ones have none: neither are in the
    bars.
    """

    grain: Grain
    bars: tuple[TimelineBar, ...] = ()
    first: str | None = None
    last: str | None = None
    peak: str | None = None
    inexact: int = 0
    undated: int = 0


Form = Literal["any", "in other spellings", "as typed", "in capitals"]
"""In which form a word counts: in any form of its stem, in its other spellings, only as it was typed, or only
in capitals."""
Role = Literal["wanted", "required", "filter", "excluded", "alternative", "part", "ignored"]


class ClauseExplanation(Result, frozen=True):
    """One clause of a query: how it was read, and how many articles have it, whatever else they have.

    `label` is the clause as it is typed, `reading` what it means in plain words. `kind` is "word", "phrase",
    "exact", "prefix", "pattern", "spelling", "near", "any of", "all of", "everything", "date", "language",
    "site", "source", "id", "author", "section", "tag", "publisher" or "field" (a custom one). `role` says
    what it is to the query: "wanted" (all are, but articles that lack some may follow), "required", "filter",
    "excluded"; "alternative" or "part" of a group; "ignored", which is not searched for. `articles` is None
    where nothing was counted.

    `words` are some of the words of the index that it stands for, the most common first, and `more` is how
    many there are besides. `synonyms` are what it was also searched as. A number of articles that is excluded
    is that of those that have what is excluded.
    """

    label: str
    reading: str
    kind: str
    role: Role
    fields: tuple[str, ...] = ()
    articles: int | None = None
    boost: float = 1.0
    words: tuple[str, ...] = ()
    more: int = 0
    synonyms: tuple[str, ...] = ()
    clauses: tuple[ClauseExplanation, ...] = ()


class Explanation(Result, frozen=True):
    """What a search understood: the whole in plain words, and each clause."""

    reading: str
    clauses: tuple[ClauseExplanation, ...]


class FieldScore(Result, frozen=True):
    """The share of one field in the score of a hit: "title", "text" or a custom field.

    `frequency` is how often the word stands there, `weight` how much more that counts than in the text,
    `length` by what it is divided, since the field is longer than others (above 1) or shorter. `points` is
    the field's share.
    """

    field: str
    frequency: float
    weight: float
    length: float
    points: float


class WordScore(Result, frozen=True):
    """What one word, phrase or pattern adds to the score of a hit.

    `clause` is the clause that it is from. `points` is `times` (how often it is typed, by its boost; less for
    a word within a phrase or a compound, beside the whole) by `rarity` (how rare it is, and how much in
    bursts) by what its frequencies are worth; and the sum of the points of the fields.

    Where articles have a word in the form as typed and in others, `times` is divided between two scores: one
    of `form` "any", in which all forms count, and one of `form` "as typed" or "in capitals", which also has
    points for being there at all. Its other spellings have a score of their own, by their own rarity.
    """

    clause: str
    label: str
    times: float
    rarity: float
    points: float
    fields: tuple[FieldScore, ...]
    form: Form = "any"


class PairScore(Result, frozen=True):
    """What it adds to the score of a hit that two neighbours in the query stand together in the article."""

    label: str
    points: float


class MeaningScore(Result, frozen=True):
    """How the words and the meaning of a hit are put together.

    The score is `words` + `points`, before `recency`. `words` is the share of the words: `weight` of the
    meaning subtracted from 1, times the points of the words by the most that any article has. `points` is
    the share of the meaning: `weight` times `closeness`, which is 0 for an article that is no closer to the
    query than the average one. `cosine` is that of the query and the closest paragraph. An article without
    vectors has the average one, and a closeness by its words.
    """

    weight: float
    words: float
    cosine: float
    closeness: float
    points: float


class HitExplanation(Result, frozen=True):
    """How the score of a hit comes about: words, times `nearness`, plus pairs, times `recency`.

    The points of `words` are added, and multiplied by `nearness`; to this those of `pairs` are added, and all
    is multiplied by `recency`. With a `meaning`, the words and pairs make its share of the words instead, and
    the score is that share and the one of the meaning together, multiplied by `recency`.

    `nearness` is 1 or more: how close together the words stand. `recency` is 1 or less: how much the score
    has aged, where a half-life was asked for.
    """

    score: float
    words: tuple[WordScore, ...]
    nearness: float = 1.0
    pairs: tuple[PairScore, ...] = ()
    recency: float = 1.0
    meaning: MeaningScore | None = None
    """How the meaning counts beside them; None if the search was by words alone."""

    @property
    def word_points(self) -> float:
        """The points of the words and pairs: the score by words alone, before `recency`."""
        return self.nearness * sum(word.points for word in self.words) + sum(
            pair.points for pair in self.pairs
        )

    @property
    def most_word_points(self) -> float:
        """The most of these points that any article has, by which the share of the words is divided."""
        own = self.meaning
        return (1 - own.weight) * self.word_points / own.words if own and own.words else self.word_points


NoteValue = str | int | float | tuple[str | int, ...] | None


class Note(Result, frozen=True):
    """A remark for the person who searched: a code with values, and the message in English that it makes.

    `code` is the kind, such as "common_words", and `values` are what a message in another language would be
    made from. `str(note)` is the message.
    """

    code: str
    values: Mapping[str, NoteValue]
    message: str

    def __str__(self) -> str:
        return self.message


class AlternativeQuery(Result, frozen=True):
    """A search that asks for a little less and finds something.

    `query` is the whole query, to be searched for with the same arguments but those named in `without`
    ("since", "until", and filters such as "source"); it finds `count` articles. `change` says what is
    different.
    """

    change: Note
    query: str
    count: int
    without: tuple[str, ...] = ()


class SuggestedFilter(Result, frozen=True):
    """A filter for a date that the query has as text.

    `text` is the date as it is typed. A search for `query`, the rest of the query, with `since` and `until`,
    which are the same year, month or day, finds `count` articles; all other arguments stay as they are.
    """

    text: str
    query: str
    since: str
    until: str
    count: int


class NoResults(Result, frozen=True):
    """Why no article meets a query, and what comes nearest.

    `clauses` are the fewest clauses that cannot be met together (a single one is met nowhere), `reason` says
    so. `suggestions` are at most three, those that change least first.
    """

    reason: Note
    clauses: tuple[str, ...] = ()
    suggestions: tuple[AlternativeQuery, ...] = ()


Span = tuple[int, int]
"""Start and end of a match in a text, in code points, half-open."""


class ArticleInfo(Result, frozen=True):
    """An article without its text: what a hit carries.

    `language` is the one that the article was analysed in. Unless `language_stated`, the article does not say
    it: it was detected, or is the configured one. `fields` has its values in custom fields, but for
    texts: dates as ISO 8601, and several keywords as a list.
    """

    id: str
    title: str = ""
    published: Published | None = None
    language: str | None = None
    url: str | None = None
    source: str | None = None
    language_stated: bool = True
    authors: tuple[str, ...] = ()
    section: str | None = None
    tags: tuple[str, ...] = ()
    publisher: str | None = None
    fields: Mapping[str, FieldValue] = {}


class Passage(Result, frozen=True):
    """A paragraph of a hit as it is shown, or a text in a custom field.

    `text` may be cut at word boundaries, with an ellipsis where it was; `spans` are the matches in `text`,
    ascending and disjoint. `number` counts the paragraphs from 1; `anchor` is the paragraph's stable name in
    its article. `page_number` is the page of the document that it stands on, if that is known. A custom
    text has the name of its `field`, and no number; `field` is None for a paragraph.
    """

    number: int | None
    anchor: str
    text: str
    spans: tuple[Span, ...] = ()
    page_number: int | None = None
    field: str | None = None


class Hit(Result, frozen=True):
    """An article that matches: its passages in reading order, and the words of the query that it lacks.

    `also` are its near-duplicates that match too and are collapsed under it, in the order of the hits.
    Where a search was cut, words that there was no time to look up are among those. `explanation` is there
    when it was asked for.
    """

    article: ArticleInfo
    score: float
    title_spans: tuple[Span, ...] = ()
    passages: tuple[Passage, ...] = ()
    missing: tuple[str, ...] = ()
    also: tuple[ArticleInfo, ...] = ()
    explanation: HitExplanation | None = None
    by_meaning: bool = False
    """Whether it is found by its meaning alone: its passage is the nearest paragraph, without spans, and
    there is none if it has a title only."""


class Hits(tuple[Hit, ...]):
    """Hits alone, best first: a tuple of them, with what there is to say of all.

    `notes` are remarks on the search; `timed_out` says that the time for a query was up: there may be
    others, and better ones.
    """

    notes: tuple[Note, ...]
    timed_out: bool

    def __new__(
        cls, hits: Iterable[Hit] = (), notes: Iterable[Note] = (), *, timed_out: bool = False
    ) -> Self:
        """Hits with their notes."""
        made = super().__new__(cls, hits)
        made.notes, made.timed_out = tuple(notes), timed_out
        return made


class Page(Result, frozen=True):
    """One slice of the hits of a query.

    `total` counts the articles that meet the whole query; `partial` those that follow them because the whole
    query found too little, each lacking some of its words. `by_meaning` more, among these, are found by their
    meaning alone; no other count has them. Of all together, `collapsed` stand under another as its
    near-duplicates: `shown` hits can be paged through. `notes` say what was not understood or
    ignored, and which bounds were met. `did_you_mean` is the query as it may have been meant, when words of
    it seem misspelt and it would find more.

    `suggested_filters` has a filter for each date in the query that is searched as text, where the filter
    finds something. If the text finds nothing, the first of them is applied, and a note says so.

    `facets` has, for each facet that was asked for, how many of all hits have each of its values; `timeline`
    has them over time. Both count the articles that meet the whole query. `cursor` leads to the next page;
    None on the last.

    With `timed_out`, the time for a query was up: `total` and `partial` are then lower bounds.
    `explanation` says what was understood, when that was asked for. Where nothing meets the whole query,
    `no_results` says why, and what would find something.
    """

    query: str
    total: int
    partial: int = 0
    collapsed: int = 0
    offset: int = 0
    limit: int = 10
    took_ms: float = 0.0
    notes: tuple[Note, ...] = ()
    hits: tuple[Hit, ...] = ()
    did_you_mean: str | None = None
    suggested_filters: tuple[SuggestedFilter, ...] = ()
    facets: Mapping[str, tuple[FacetCount, ...]] = {}
    timeline: Timeline | None = None
    cursor: str | None = None
    timed_out: bool = False
    explanation: Explanation | None = None
    no_results: NoResults | None = None
    by_meaning: int = 0

    @property
    def shown(self) -> int:
        """How many hits all pages together have: what was found, without what is collapsed."""
        return self.total + self.partial + self.by_meaning - self.collapsed


class Suggestion(Result, frozen=True):
    """A completion of the typed text, as a whole query; it has at least one hit.

    `kind` says what was found: a "word" that begins so, a "phrase" that the last word begins or goes on with,
    or the "title" of `article` (an id). `count` is the number of articles that it finds; of a phrase, of
    those that have it in a paragraph. `spans` are the places in `text` that were added.
    """

    text: str
    kind: Literal["word", "phrase", "title"]
    count: int
    article: str | None = None
    spans: tuple[Span, ...] = ()


class MarkedParagraph(Result, frozen=True):
    """A whole paragraph of an article, with its stable anchor and what a query matched in it."""

    number: int
    anchor: str
    text: str
    spans: tuple[Span, ...] = ()
    page_number: int | None = None


class MarkedText(Result, frozen=True):
    """A whole text of an article in a custom field, with its anchor and what a query matched in it."""

    field: str
    anchor: str
    text: str
    spans: tuple[Span, ...] = ()


class MarkedArticle(Result, frozen=True):
    """A whole article with what a query matched in it; without a query all spans are empty."""

    article: ArticleInfo
    title_spans: tuple[Span, ...]
    paragraphs: tuple[MarkedParagraph, ...]
    notes: tuple[str, ...] = ()
    """What the reader skipped or had to assume."""
    texts: tuple[MarkedText, ...] = ()
    """The texts in custom fields, in the order of their names."""

    @property
    def places(self) -> tuple[MarkedText | MarkedParagraph, ...]:
        """The texts in custom fields, and then the paragraphs."""
        return (*self.texts, *self.paragraphs)


class QuoteEdit(Result, frozen=True):
    """A run of words that a quotation and its source have in common, or in which they differ.

    `kind` is "same", "changed", "added" (only the quotation has it) or "omitted" (only the source has it).
    """

    kind: Literal["same", "changed", "added", "omitted"]
    quoted: str
    source: str


class QuoteCheck(Result, frozen=True):
    """Where a quotation stands, or what comes closest to it.

    `verdict` is "exact" (the same words in a row; case, white space, punctuation and the looks of quotation
    marks and dashes do not count), "near" (`diff` says word by word what is different) or "absent".
    `similarity` is the share of words in common, from 0 to 1.

    `text` is the whole paragraph that says it, or else comes closest: `number` counts it from 1, `anchor` is
    its stable name, `page_number` the page that it stands on, if that is known, `spans` are the places in it,
    unless it is absent. An exact quotation that stands across paragraph breaks is that of the paragraphs from
    `number` to `last_number`, with a blank line between them in `text`, and `anchor` is that of the first;
    else both numbers are the same. When no paragraph has any of the words, `article` is None. `also` are a
    few of the other articles that have an exact quotation, oldest first.

    `timed_out` says that the time for a query was up, and so does a note: an exact quotation stands where it
    was found, but for what is near or absent there may be a better place.
    """

    quote: str
    verdict: Literal["exact", "near", "absent"]
    similarity: float = 0.0
    article: ArticleInfo | None = None
    number: int | None = None
    last_number: int | None = None
    anchor: str | None = None
    page_number: int | None = None
    text: str = ""
    spans: tuple[Span, ...] = ()
    diff: tuple[QuoteEdit, ...] = ()
    also: tuple[ArticleInfo, ...] = ()
    notes: tuple[Note, ...] = ()
    timed_out: bool = False


def make_schemas(
    *answers: type[Struct], ref_template: str
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return references to the JSON schemas of some answers, and all schemas that they need, by name."""
    references, schemas = schema_components(answers, ref_template=ref_template)
    for schema in schemas.values():
        # An answer has all of its fields, with or without a default, and no others.
        schema["required"] = list(schema.get("properties", ()))
        schema["additionalProperties"] = False
        for field in schema.get("properties", {}).values():
            field.pop("default", None)
    return list(references), schemas
