"""What may be meant by what is being typed: words, phrases and titles that are in the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, tee
from typing import Any

import numpy as np

from indexer.engine import (
    ArticleSet,
    Candidate,
    Deadline,
    Ids,
    QueryContext,
    QueryTerm,
    Snapshot,
    TermReader,
    TimedOut,
    articles_with_term,
    complete_word,
    contains,
    find_matching_articles,
    find_titles,
)
from indexer.query import (
    DateRange,
    TypedWord,
    extract_words,
    find_plain_words,
    find_typed_word,
    may_contain_dates,
    split_last_word,
)
from indexer.results import Suggestion
from indexer.search.next_words import Forms, characters_after, count_after, find_places, words_after
from indexer.search.request import SearchSettings, check_text
from indexer.search.written_forms import find_written_form, match_case, prefer_common_form, sample_texts
from indexer.text.analyzer import Token, get_analyzer
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unspaced

MAX_SUGGESTIONS = 50
_CANDIDATES = 10  # words that are weighed
_FOLLOWED = 2  # words whose phrases are looked for
_SAMPLE = 16  # paragraphs that are read to see what follows a word
_PHRASES = 3  # phrases of a word that are counted
_WRITINGS = 6  # paragraphs that are read to see how a word is written
_PLACES = 1000  # paragraphs in which candidates are looked for right after the word before
_BESIDE = 4  # how much more an article counts where the words stand side by side
_FIELDS = {"title": ("title",), "paragraph": ("paragraph",)}


def suggest(snapshot: Snapshot, how: SearchSettings, text: str, limit: int = 8) -> tuple[Suggestion, ...]:
    """At most `limit` queries that the typed text may become, each of which finds something; () for none.

    Words come first, then phrases, then titles. Of words those come first that most articles have together
    with what stands before, above all right after it; of phrases the most frequent, of titles the shortest.
    """
    check_text("prefix", text)
    limit = min(limit, MAX_SUGGESTIONS)
    typed = find_typed_word(text)
    if typed is None or limit < 1 or not snapshot.articles:
        return ()
    with Deadline(how.seconds, how.clock) as deadline:
        scope = _look_around(snapshot, how, typed, deadline)
        if scope is None:
            return ()
        words, followed = tee(_words(scope))
        kinds = ((found.suggestion for found in words), _phrases(scope, followed), _titles(scope))
        return tuple(_in_turns([*map(_in_time, kinds)], {normalize(text).strip()}, limit))


@dataclass(frozen=True, slots=True)
class _Scope:
    """What stands before the word that is being typed, and which articles match it (None for all)."""

    snapshot: Snapshot
    how: SearchSettings
    typed: TypedWord
    leaves: TermReader
    fields: tuple[str, ...]
    place: str
    within: ArticleSet | None
    common: frozenset[str]
    dates: int
    deadline: Deadline

    def count(self, leaf: QueryTerm, text: str) -> int:
        """How many articles the text finds that has the leaf as its last word."""
        if may_contain_dates(text) and _dates(self.parse(text)) != self.dates:
            # With one word more, "today" is no word but a date.
            return 0
        if self.place == "elsewhere":
            # An alternative, or a part of something else: only the whole tells.
            tree = self.parse(text)
            context = QueryContext(self.snapshot, self.how.languages, self.how.spoken, self.deadline)
            found = find_matching_articles(context, tree)
            self.deadline.check()
            return int(np.count_nonzero(found))
        self.deadline.check()
        having = articles_with_term(self.snapshot, leaf)
        if self.excluded:
            np.logical_not(having, out=having)
            having[-1] = False
        return int(np.count_nonzero(having if self.within is None else having & self.within))

    @property
    def excluded(self) -> bool:
        """Whether the word is one that articles must not have."""
        return self.place == "excluded"

    def parse(self, text: str) -> Any:
        """The tree of a text."""
        return self.how.parse(text).tree

    def documents(self, leaf: QueryTerm) -> Ids:
        """The paragraphs with the leaf, in the articles that match the rest."""
        docs = leaf.paragraph.docs
        if self.within is None or self.place != "required":
            return docs
        return docs[self.within[self.snapshot.article_of[docs]]]

    def forms(self, word: str) -> Forms:
        """The stems of a word in every language, and the word itself."""
        tokens = [get_analyzer(language).tokenize(word) for language in self.how.languages]
        return frozenset(form for found in tokens if len(found) == 1 for form in found[0][:2])


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that was found, and where it stands."""

    suggestion: Suggestion
    word: str
    leaf: QueryTerm


def _look_around(
    snapshot: Snapshot, how: SearchSettings, typed: TypedWord, deadline: Deadline
) -> _Scope | None:
    """The scope of what is typed; None where nothing matches what stands before."""
    tree = how.parse(typed.before + typed.word).tree
    rest, field, place = split_last_word(tree) if typed.word else (tree, "text", "required")
    within = None
    if rest is not None:
        context = QueryContext(snapshot, how.languages, how.spoken, deadline)
        within = find_matching_articles(context, rest)
        # Of what was cut nobody knows what it would find.
        if not within.any() or deadline.is_over():
            return None
    common = frozenset().union(*map(stop_words, how.languages))
    fields = _FIELDS.get(field, ("title", "paragraph"))
    leaves = TermReader(snapshot, how.languages, deadline=deadline)
    return _Scope(snapshot, how, typed, leaves, fields, place, within, common, _dates(tree), deadline)


def _dates(tree: Any) -> int:
    """How many parts of a tree are dates."""
    return sum(isinstance(leaf, DateRange) for leaf in tree.leaves())


def _words(scope: _Scope) -> Iterator[_Word]:
    """What the word that is being typed may become."""
    typed, how = scope.typed, scope.how
    tokens = get_analyzer(how.language).tokenize(typed.word)
    if not tokens or tokens[-1].end != len(typed.word):
        return
    if is_unspaced(typed.word[-1]):
        yield from _runs(scope)
        return
    last = tokens[-1]
    # A word that is there already would ask for nothing more.
    asked = [scope.leaves.word(scope.fields, word.text).highlight for word in find_plain_words(typed.before)]
    known = {mark.stems or mark.words for mark in asked}
    for word in _candidates(scope, tokens):
        leaf = scope.leaves.word(scope.fields, word)
        stems = leaf.highlight.stems or leaf.highlight.words
        if stems in known:
            continue
        known.add(stems)
        texts = sample_texts(scope.snapshot, scope.documents(leaf), _WRITINGS)
        given = typed.word[last.start :]
        beside = typed.word[: last.start] or " ".join(typed.neighbours)
        writing = match_case(find_written_form(get_analyzer(how.language), word, texts), beside)
        if given != given.lower() and writing.lower().startswith(given.lower()):
            writing = given + writing[len(given) :]
        text = typed.before + typed.word[: last.start] + writing
        if len(tokens) > 1:
            leaf = scope.leaves.word(scope.fields, typed.word[: last.start] + writing)
        if count := scope.count(leaf, text):
            same = normalize(writing).startswith(normalize(given))
            start = len(typed.before) + last.start + (len(given) if same else 0)
            yield _Word(Suggestion(text, "word", count, spans=((start, len(text)),)), word, leaf)


def _candidates(scope: _Scope, tokens: Sequence[Token]) -> Sequence[str]:
    """The words that begin as the last token does, the likeliest first."""
    snapshot, prefix = scope.snapshot, tokens[-1].word
    if len(tokens) > 1:
        # Several in one, as in covid-19: what follows those before.
        forms = [scope.forms(token.word) for token in tokens[:-1]]
        leaf = scope.leaves.word(scope.fields, scope.typed.word[: tokens[-2].end])
        sample = sample_texts(snapshot, scope.documents(leaf), _SAMPLE)
        after = words_after(sample, get_analyzer(scope.how.language), forms, (), prefix)
        return sorted(after, key=lambda word: -after[word].total())
    common = [word for word in scope.common if word.startswith(prefix) and word != prefix]
    within = scope.within if scope.place != "elsewhere" else None
    found = complete_word(snapshot, prefix, within, _CANDIDATES, common)
    return [candidate.word for candidate in _nearest_first(scope, found)]


def _nearest_first(scope: _Scope, found: list[Candidate]) -> list[Candidate]:
    """The candidates by their weight, which is more where they stand right after the word before."""
    if not scope.typed.neighbours or scope.place != "required":
        return found
    leaf = scope.leaves.word(("paragraph",), scope.typed.neighbours[-1])
    docs = scope.documents(leaf)
    looked = docs[:_PLACES]
    before = find_places(scope.snapshot, sorted(leaf.highlight.stems), looked)
    if not len(before):
        return found
    gain = _BESIDE * len(docs) / len(looked)
    weights = {
        candidate: candidate.weight
        + gain * count_after(scope.snapshot, before, scope.forms(candidate.word), looked)
        for candidate in found
    }
    return sorted(found, key=lambda candidate: -weights[candidate])


def _runs(scope: _Scope) -> Iterator[_Word]:
    """What a run of a script without spaces goes on to."""
    typed = scope.typed
    start = len(typed.word)
    while start and is_unspaced(typed.word[start - 1]):
        start -= 1
    run = typed.word[start:]
    leaf = scope.leaves.word(scope.fields, run)
    docs = scope.documents(leaf) if len(leaf.paragraph.docs) else leaf.title.docs
    texts: Iterable[str] = sample_texts(scope.snapshot, docs, _SAMPLE)
    if not len(leaf.paragraph.docs):
        articles = scope.snapshot.article_of[docs[:_SAMPLE]].tolist()
        texts = (scope.snapshot.info(number).title for number in articles if number >= 0)
    for rest, _ in characters_after(texts, run).most_common(_CANDIDATES):
        text = typed.before + typed.word + rest
        longer = scope.leaves.word(scope.fields, typed.word + rest)
        if count := scope.count(longer, text):
            span = (len(text) - len(rest), len(text))
            yield _Word(Suggestion(text, "word", count, spans=(span,)), run + rest, longer)


def _phrases(scope: _Scope, words: Iterable[_Word]) -> Iterator[Suggestion]:
    """What the words that were found, or those before, go on with."""
    typed = scope.typed
    if scope.place != "required" or "paragraph" not in scope.fields:
        return
    if not typed.word:
        yield from _going_on(scope, typed.before, typed.neighbours, typed.neighbours)
        return
    for found in islice(words, _FOLLOWED):
        if not is_unspaced(found.word[-1]) and found.leaf.highlight.stems:
            yield from _going_on(scope, f"{found.suggestion.text} ", (found.word,), (found.word,))


def _going_on(
    scope: _Scope, before: str, neighbours: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[Suggestion]:
    phrase = " ".join(neighbours)
    leaf = scope.leaves.phrase(("paragraph",), phrase, 1)
    docs = scope.documents(leaf)
    if not len(docs):
        if len(neighbours) > 1:
            yield from _going_on(scope, before, neighbours[1:], wanted[1:])
        return
    # After a space nothing else is looked for, and there is time for more.
    more = 1 if scope.typed.word else 2
    sample = more * _SAMPLE
    texts = sample_texts(scope.snapshot, docs, sample)
    words = get_analyzer(scope.how.language)
    after = words_after(texts, words, [scope.forms(word) for word in wanted], scope.common)
    least = 2 if len(docs) > sample else 1
    found = []
    for key in sorted(after, key=lambda key: (-after[key].total(), key))[: more * _PHRASES]:
        leaf = scope.leaves.phrase(("title", "paragraph"), f"{phrase} {key}", 1)
        text = before + match_case(prefer_common_form(key, after[key]), before)
        if (count := scope.count(leaf, text)) >= least:
            found.append(Suggestion(text, "phrase", count, spans=((len(before), len(text)),)))
    yield from sorted(found, key=lambda suggestion: -suggestion.count)


def _titles(scope: _Scope) -> Iterator[Suggestion]:
    """Titles that have all the words, the last by its beginning: the shortest first, then the newest."""
    typed, snapshot = scope.typed, scope.snapshot
    if not typed.plain or scope.place != "required" or "title" not in scope.fields:
        return
    docs, prefix = None, ""
    if typed.word:
        tokens = get_analyzer(scope.how.language).tokenize(typed.word)
        if len(tokens) == 1 and not is_unspaced(typed.word):
            prefix = tokens[0].word
            docs = find_titles(snapshot, prefix)
        else:
            docs = scope.leaves.word(("title",), typed.word).title.docs
    for word in find_plain_words(typed.before):
        if normalize(word.text) not in scope.common:
            more = scope.leaves.word(("title",), word.text).title.docs
            docs = more if docs is None else docs[contains(more, docs)]
    if docs is None or not len(docs):
        return
    articles = snapshot.article_of[docs]
    articles = articles[articles >= 0]
    lengths, begins = snapshot.lengths["title"][articles], snapshot.begins[articles]
    if len(articles) > 2 * MAX_SUGGESTIONS:
        # Only the shortest are sorted.
        kept = lengths <= np.partition(lengths, 2 * MAX_SUGGESTIONS)[2 * MAX_SUGGESTIONS]
        articles, lengths, begins = articles[kept], lengths[kept], begins[kept]
    order = np.lexsort((-begins, lengths))
    for number in articles[order[: 2 * MAX_SUGGESTIONS]].tolist():
        info = snapshot.info(number)
        words = get_analyzer(info.language or scope.how.language).tokenize(info.title)
        if prefix and not any(token.word.startswith(prefix) for token in words):
            continue
        if text := _as_query(scope, info.title, words):
            yield Suggestion(text, "title", 1, info.id)


def _as_query(scope: _Scope, title: str, words: Sequence[Token]) -> str | None:
    """The title as a query that asks for its words; without what has a meaning in queries, if need be."""
    plain = " ".join(title[token.start : token.end] for token in words).lower()
    for text in (title, plain):
        if extract_words(scope.parse(text)) is not None:
            return text
    return None


def _in_time(found: Iterator[Suggestion]) -> Iterator[Suggestion]:
    """Those that are found before time is up."""
    try:
        yield from found
    except TimedOut:
        return


def _in_turns(kinds: Sequence[Iterator[Suggestion]], known: set[str], limit: int) -> list[Suggestion]:
    """So many, from the first kind twice as often as from the others, as long as each has any.

    What is not shown is not looked for. Texts that are known are passed over.
    """
    chosen: list[list[Suggestion]] = [[] for _ in kinds]
    going = [0, 1, 0, 2]
    room = limit
    while room and going:
        for place in list(going):
            fresh = (one for one in kinds[place] if normalize(one.text).strip() not in known)
            found = next(fresh, None) if room else None
            if found is not None:
                known.add(normalize(found.text).strip())
                chosen[place].append(found)
                room -= 1
            elif room:
                going = [other for other in going if other != place]
    return list(chain.from_iterable(chosen))
