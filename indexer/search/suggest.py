"""Suggestions while a query is typed: words, phrases and titles that are in the index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle, islice, tee
from typing import Any

import numpy as np

from indexer.engine import (
    ArticleSet,
    Deadline,
    Ids,
    QueryTerm,
    Snapshot,
    TermReader,
    TimedOut,
    articles_with_term,
    complete_word,
    complete_word_after,
    contains,
    find_matching_articles,
    find_titles,
    is_common_word,
    join_words,
)
from indexer.fields import list_weights
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
from indexer.search.phrases import (
    Continuations,
    Forms,
    choose_form,
    find_next_characters,
    find_next_words,
    measure_association,
    measure_cohesion,
    read_phrase,
)
from indexer.search.request import check_text
from indexer.search.settings import SearchSettings
from indexer.search.written_forms import choose_documents, match_case, sample_texts
from indexer.text.analyzer import Token, get_analyzer
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unspaced
from indexer.text.variants import list_variants

MAX_SUGGESTIONS = 50
_CANDIDATES = 10  # words that are ranked
_SAMPLES = (32, 20, 8)  # paragraphs that are read to find what follows the first words
_SAMPLE = 16  # paragraphs that are read to continue a compound, or a script without spaces
_FORM_SAMPLE = 4  # paragraphs that are read to find how another word is written
_COUNTED = 8  # phrases that are counted
_DISCOUNT = 0.5  # taken off the number of places in a sample
_MIN_COHESION = 0.3  # of the words of a phrase
_MIN_APART = 0.1  # cohesion of words that are only in the same articles
_MANY = 1000  # articles from which on a long phrase that only one of them has is a part of a sentence
# The kinds of suggestions, in the order in which they are shown.
_WORDS, _PHRASES, _APART, _TITLES = range(4)
_TURNS = (_WORDS, _PHRASES, _PHRASES, _WORDS, _PHRASES, _WORDS, _PHRASES, _TITLES)


def suggest(
    snapshot: Snapshot, settings: SearchSettings, text: str, limit: int = 8
) -> tuple[Suggestion, ...]:
    """At most `limit` queries that begin with the text, each of which finds something.

    Words come first, then phrases, then titles. Words that stand right after the words before, and phrases,
    are ranked by how surely they stand together more often than by chance; other words by the articles that
    have them, titles by their length.
    """
    check_text("prefix", text)
    limit = min(limit, MAX_SUGGESTIONS)
    typed = find_typed_word(text, list_weights(settings.fields).keys())
    if typed is None or limit < 1 or not snapshot.articles:
        return ()
    with Deadline(settings.seconds, settings.clock) as deadline:
        scope = _make_scope(snapshot, settings, typed, deadline)
        if scope is None:
            return ()
        completions, apart = _list_words(scope)
        words, followed = tee(completions)
        kinds = (
            (word.suggestion for word in words if word.suggestion),
            _suggest_phrases(scope, followed),
            (word.suggestion for word in apart if word.suggestion),
            _suggest_titles(scope),
        )
        return tuple(_interleave([*map(_stop_at_deadline, kinds)], {normalize(text).strip()}, limit))


@dataclass(frozen=True, slots=True)
class _Scope:
    """The query before the word that is being typed, and the articles that match it (None for all).

    `tokens` are those of the word, `words` is how many words all paragraphs have. `place` is its role:
    "required", "excluded" or "elsewhere"; `dates` the number of dates before it.
    """

    snapshot: Snapshot
    settings: SearchSettings
    typed: TypedWord
    tokens: Sequence[Token]
    words: float
    terms: TermReader
    field: str
    place: str
    allowed: ArticleSet | None
    dates: int
    deadline: Deadline

    def count(self, term: QueryTerm, text: str) -> int:
        """How many articles a text finds whose last word is the term."""
        if may_contain_dates(text) and _count_dates(self.parse(text)) != self.dates:
            # The word has turned the words before it into a date, as in "last week".
            return 0
        if self.place == "elsewhere" or self._is_joined(text):
            # The word is an alternative or a part of a group, or may be one with the word before it: only the
            # whole query can be counted.
            tree = self.parse(text)
            context = self.settings.make_context(self.snapshot, tree, self.deadline)
            found = find_matching_articles(context, tree)
            self.deadline.check()
            return int(np.count_nonzero(found))
        self.deadline.check()
        having = articles_with_term(self.snapshot, term)
        if self.place == "excluded":
            np.logical_not(having, out=having)
            having[-1] = False
        return int(np.count_nonzero(having if self.allowed is None else having & self.allowed))

    def _is_joined(self, text: str) -> bool:
        """Whether the index has the last two words of a text as one."""
        if not (self.settings.variants and self.typed.neighbours):
            return False
        pair = f"{self.typed.neighbours[-1]} {text[len(self.typed.before) :]}"
        return any(join_words(self.snapshot, analyzer, pair) for analyzer in self.terms.analyzers)

    def parse(self, text: str) -> Any:
        """The tree of a text."""
        return self.settings.parse(text).tree

    def documents(self, term: QueryTerm) -> Ids:
        """The paragraphs that have the term, in the articles that match the rest of the query."""
        docs = term.paragraph.docs
        if self.allowed is None or self.place != "required":
            return docs
        return docs[self.allowed[self.snapshot.article_of[docs]]]

    def forms(self, word: str) -> Forms:
        """The stems of a word in every language, and the word itself."""
        tokens = [get_analyzer(language).tokenize(word) for language in self.settings.languages]
        return frozenset(form for found in tokens if len(found) == 1 for form in found[0][:2])

    def frequency(self, stems: Iterable[str]) -> int:
        """How many paragraphs have one of the stems, roughly."""
        return sum(map(self.snapshot.document_frequency, stems))

    def read(self, docs: Ids, phrase: Sequence[str], most: int) -> Continuations:
        """Read a phrase in at most `most` of the paragraphs, each in its own language; see `read_phrase`."""
        snapshot, statistics = self.snapshot, self.snapshot.statistics
        wanted = [self.forms(word) for word in phrase]
        prefix = self.tokens[-1].word if self.tokens else ""
        chosen = choose_documents(docs, most)
        reading = Continuations()
        for number, places in statistics.split(snapshot.article_of[chosen]).items():
            self.deadline.check()
            language = statistics.languages[number]
            texts = map(snapshot.text_of, chosen[places].tolist())
            reading.add(read_phrase(texts, get_analyzer(language), wanted, stop_words(language), prefix))
        return reading

    def complete(self, writing: str) -> tuple[str, tuple[int, int]]:
        """The text with a word, or more words, instead of the last token, and the span of what was added."""
        typed = self.typed
        start = self.tokens[-1].start if self.tokens else 0
        given = typed.word[start:]
        writing = match_case(writing, typed.word[:start] or " ".join(typed.neighbours))
        if given != given.lower() and writing.lower().startswith(given.lower()):
            writing = given + writing[len(given) :]
        text = typed.before + typed.word[:start] + writing
        is_same = normalize(writing).startswith(normalize(given))
        return text, (len(text) - len(writing) + (len(given) if is_same else 0), len(text))


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that completes the text, if it is to be suggested, and what is read to continue it.

    `phrase` has the words that stand side by side, of which it is the last, and `docs` the paragraphs that
    have them.
    """

    suggestion: Suggestion | None
    phrase: tuple[str, ...] = ()
    docs: Ids = field(default_factory=lambda: np.empty(0, np.int32))
    reading: Continuations = field(default_factory=Continuations)


def _make_scope(
    snapshot: Snapshot, settings: SearchSettings, typed: TypedWord, deadline: Deadline
) -> _Scope | None:
    """The scope of a typed text; None where nothing matches what precedes the last word."""
    tree = settings.parse(typed.before + typed.word).tree
    rest, field, place = split_last_word(tree) if typed.word else (tree, "text", "required")
    allowed = None
    if rest is not None:
        context = settings.make_context(snapshot, tree, deadline)
        try:
            allowed = find_matching_articles(context, rest)
        except TimedOut:
            return None
        # After a timeout it is unknown what the rest matches.
        if not allowed.any() or deadline.is_over():
            return None
    terms = TermReader(snapshot, settings.languages, deadline=deadline, variants=settings.variants)
    tokens = get_analyzer(settings.language).tokenize(typed.word)
    dates = _count_dates(tree)
    words = float(snapshot.lengths["paragraph"].sum())
    return _Scope(snapshot, settings, typed, tokens, words, terms, field, place, allowed, dates, deadline)


def _count_dates(tree: Any) -> int:
    """The number of dates in a tree."""
    return sum(isinstance(node, DateRange) for node in tree.leaves())


def _list_words(scope: _Scope) -> tuple[Iterator[_Word], Iterator[_Word]]:
    """The words that continue a phrase with the words before, and others that are in the same articles."""
    typed, tokens = scope.typed, scope.tokens
    if not typed.word:
        return _read_words_before(scope), iter(())
    if not tokens or tokens[-1].end != len(typed.word):
        return iter(()), iter(())
    if is_unspaced(typed.word[-1]):
        return _continue_unspaced(scope), iter(())
    if len(tokens) > 1:
        return _complete_compound(scope), iter(())
    before, docs = _find_phrase_before(scope)
    if not before:
        return _complete(scope, (), _list_candidates(scope)), iter(())
    beside = _rank_by_association(scope, before, docs)
    # After an open quotation mark, the words have to stand side by side.
    apart = iter(()) if typed.in_quotes else _complete_apart(scope, beside)
    return _complete(scope, before, beside), apart


def _find_phrase_before(scope: _Scope) -> tuple[tuple[str, ...], Ids]:
    """The words right before the cursor that stand somewhere as a phrase, and the paragraphs that have it.

    Without words, nothing is known of what follows: they are all common, or the query has them otherwise.
    """
    words = scope.typed.neighbours if scope.place == "required" else ()
    languages = scope.snapshot.statistics.languages
    while not all(is_common_word(word, language) for word in words for language in languages):
        docs = scope.documents(scope.terms.phrase("paragraph", " ".join(words), 1))
        if len(docs):
            return words, docs
        words = words[1:]
    return (), np.empty(0, np.int32)


def _read_words_before(scope: _Scope) -> Iterator[_Word]:
    before, docs = _find_phrase_before(scope)
    if before:
        # After a space there are no words to suggest, so there is time for more phrases.
        yield _Word(None, before, docs, scope.read(docs, before, sum(_SAMPLES)))


def _list_candidates(scope: _Scope) -> list[str]:
    """The words that begin with the typed one, those of the most articles first; no common words."""
    allowed = scope.allowed if scope.place != "elsewhere" else None
    prefix = scope.tokens[-1].word
    found = complete_word(scope.snapshot, prefix, allowed, _CANDIDATES, _list_common_stems(scope))
    return _drop_known_forms(scope, [candidate.word for candidate in found])


def _list_common_stems(scope: _Scope) -> list[str]:
    """The stems of the common words that begin with the typed one, but for itself."""
    prefix = scope.tokens[-1].word
    return [
        stem
        for language in scope.snapshot.statistics.languages
        for word in stop_words(language)
        if word.startswith(prefix) and word != prefix
        for stem in get_analyzer(language).analyze_surface(word)[0]
    ]


def _drop_known_forms(scope: _Scope, words: Iterable[str]) -> list[str]:
    """The words that are no forms of each other or of words of the query, which would change nothing."""
    known = {form for word in find_plain_words(scope.typed.before) for form in scope.forms(word.text)}
    kept = []
    for word in words:
        own = scope.forms(word)
        if known.isdisjoint(own):
            kept.append(word)
            known |= own
            if scope.settings.variants:
                known.update(*map(scope.forms, list_variants(word)))
    return kept


def _rank_by_association(scope: _Scope, before: Sequence[str], docs: Ids) -> list[str]:
    """The words that follow a phrase more often than by chance; `docs` are the paragraphs that have it."""
    ends, common = scope.forms(before[-1]), _list_common_stems(scope)
    prefix = scope.tokens[-1].word
    found = complete_word_after(scope.snapshot, prefix, ends, docs, 3 * _CANDIDATES, common, scope.deadline)
    scores = {}
    for one in found:
        frequency = scope.frequency(scope.forms(one.word))
        scores[one.word] = measure_association(one.weight, len(docs), frequency, scope.words)
    ranked = sorted((word for word in scores if scores[word]), key=lambda word: (-scores[word], word))
    return _drop_known_forms(scope, ranked)


def _complete(scope: _Scope, before: tuple[str, ...], words: Iterable[str]) -> Iterator[_Word]:
    """Completions to some words that stand right after a phrase, or to those alone."""
    for number, word in enumerate(words):
        scope.deadline.check()
        term = scope.terms.word(scope.field, word)
        phrase = (*before, word)
        side_by_side = scope.terms.phrase("paragraph", " ".join(phrase), 1) if before else term
        docs = scope.documents(side_by_side)
        reading = scope.read(docs, phrase, _SAMPLES[number] if number < len(_SAMPLES) else _FORM_SAMPLE)
        text, span = scope.complete(reading.find_form(word))
        if count := scope.count(term, text):
            yield _Word(Suggestion(text, "word", count, spans=(span,)), phrase, docs, reading)


def _complete_apart(scope: _Scope, beside: Sequence[str]) -> Iterator[_Word]:
    """Completions to other words that stand in the same articles more often than by chance."""
    words = (word for word in _list_candidates(scope) if word not in beside)
    yield from _complete(scope, (), (word for word in words if _is_cohesive(scope, word)))


def _is_cohesive(scope: _Scope, word: str) -> bool:
    """Whether a word is in the articles that match the words before more often than by chance."""
    assert scope.allowed is not None
    scope.deadline.check()
    having = articles_with_term(scope.snapshot, scope.terms.word(scope.field, word))
    sets = having & scope.allowed, scope.allowed, having
    both, first, second = (int(np.count_nonzero(articles)) for articles in sets)
    return measure_cohesion(both, first, second, scope.snapshot.articles) >= _MIN_APART


def _complete_compound(scope: _Scope) -> Iterator[_Word]:
    """Completions of a word such as covid-19: its last part is continued by what follows the others."""
    *parts, last = scope.tokens
    before = [token.word for token in parts]
    term = scope.terms.word(scope.field, scope.typed.word[: parts[-1].end])
    texts = sample_texts(scope.snapshot, scope.documents(term), _SAMPLE)
    forms = [scope.forms(word) for word in before]
    after = find_next_words(texts, get_analyzer(scope.settings.language), forms, last.word)
    for word in sorted(after, key=lambda word: (-after[word], word)):
        term = scope.terms.word(scope.field, scope.typed.word[: last.start] + word)
        reading = scope.read(scope.documents(term), (*before, word), _FORM_SAMPLE)
        text, span = scope.complete(reading.find_form(word))
        if count := scope.count(term, text):
            yield _Word(Suggestion(text, "word", count, spans=(span,)))


def _continue_unspaced(scope: _Scope) -> Iterator[_Word]:
    """Continuations of a word in a script without spaces."""
    typed = scope.typed
    start = len(typed.word)
    while start and is_unspaced(typed.word[start - 1]):
        start -= 1
    run = typed.word[start:]
    term = scope.terms.word(scope.field, run)
    docs = scope.documents(term) if len(term.paragraph.docs) else term.title.docs
    texts: Iterable[str] = sample_texts(scope.snapshot, docs, _SAMPLE)
    if not len(term.paragraph.docs):
        articles = scope.snapshot.article_of[docs[:_SAMPLE]].tolist()
        texts = (scope.snapshot.info(number).title for number in articles if number >= 0)
    for rest, _ in find_next_characters(texts, run).most_common(_CANDIDATES):
        text = typed.before + typed.word + rest
        longer = scope.terms.word(scope.field, typed.word + rest)
        if count := scope.count(longer, text):
            span = (len(text) - len(rest), len(text))
            yield _Word(Suggestion(text, "word", count, spans=(span,)))


def _suggest_phrases(scope: _Scope, words: Iterable[_Word]) -> Iterator[Suggestion]:
    """Phrases that begin with the first of some words; first those that stand together most surely."""
    typed = scope.typed
    if scope.place != "required" or scope.field not in ("text", "paragraph"):
        return
    found = []
    for word in islice(words, len(_SAMPLES)):
        for stems, writings in word.reading.next.items():
            seen: float = writings.total()
            if word.reading.places < len(word.docs):
                # A word seen once in a sample may be rare or frequent in all the texts.
                seen = 0.0 if seen == 1 and len(stems) > 1 else seen - _DISCOUNT
            together = seen * len(word.docs) / word.reading.places
            if score := _score(scope, word, stems, together):
                found.append((score, stems, word))
    found.sort(key=lambda one: (-one[0], one[1]))
    counted = []
    for _, stems, word in found[:_COUNTED]:
        writing = choose_form(word.reading.next[stems])
        phrase = " ".join([*word.phrase[:-1], writing])
        text, span = scope.complete(writing if typed.word else re.split(r"[\s-]", writing, maxsplit=1)[1])
        count = scope.count(scope.terms.phrase("paragraph", phrase, 1), text)
        is_long = len(word.phrase) + len(stems) > 2
        if count < (2 if is_long and scope.snapshot.articles >= _MANY else 1):
            continue
        if score := _score(scope, word, stems, count):
            counted.append((score, Suggestion(text, "phrase", count, spans=(span,))))
    yield from (suggestion for _, suggestion in sorted(counted, key=lambda one: (-one[0], one[1].text)))


def _score(scope: _Scope, word: _Word, stems: Sequence[str], together: float) -> float:
    """How surely a word is followed by the last of some stems; 0 if hardly more often than by chance."""
    frequencies = max(len(word.docs), together), max(scope.frequency(stems[-1:]), together)
    if measure_cohesion(together, *frequencies, scope.words) < _MIN_COHESION:
        return 0.0
    return measure_association(together, *frequencies, scope.words)


def _suggest_titles(scope: _Scope) -> Iterator[Suggestion]:
    """Titles that have all the words, the last as a prefix: the shortest first, then the newest."""
    typed, snapshot = scope.typed, scope.snapshot
    if not typed.plain or scope.place != "required" or scope.field not in ("text", "title"):
        return
    docs, prefix = None, ""
    if typed.word:
        if len(scope.tokens) == 1 and not is_unspaced(typed.word):
            prefix = scope.tokens[0].word
            docs = find_titles(snapshot, prefix)
        else:
            docs = scope.terms.word("title", typed.word).title.docs
    languages = snapshot.statistics.languages
    for word in find_plain_words(typed.before):
        without = [number for number, own in enumerate(languages) if is_common_word(word.text, own)]
        if len(without) == len(languages):
            continue
        more = scope.terms.word("title", word.text).title.docs
        if without:
            # Where the word is common, a title need not have it.
            is_ignored = snapshot.statistics.select(without)
            first = snapshot.doc_starts[is_ignored]
            more = np.union1d(more, first).astype(np.int32)
        docs = more if docs is None else docs[contains(more, docs)]
    if docs is None or not len(docs):
        return
    articles = snapshot.article_of[docs]
    articles = articles[articles >= 0]
    lengths, begins = snapshot.lengths["title"][articles], snapshot.date_starts[articles]
    if len(articles) > 2 * MAX_SUGGESTIONS:
        # Only the shortest need to be sorted.
        kept = lengths <= np.partition(lengths, 2 * MAX_SUGGESTIONS)[2 * MAX_SUGGESTIONS]
        articles, lengths, begins = articles[kept], lengths[kept], begins[kept]
    order = np.lexsort((-begins, lengths))
    for number in articles[order[: 2 * MAX_SUGGESTIONS]].tolist():
        info = snapshot.info(number)
        words = get_analyzer(info.language or scope.settings.language).tokenize(info.title)
        if prefix and not any(token.word.startswith(prefix) for token in words):
            continue
        if text := _write_title_query(scope, info.title, words):
            yield Suggestion(text, "title", 1, info.id)


def _write_title_query(scope: _Scope, title: str, words: Sequence[Token]) -> str | None:
    """A query that finds the words of a title: the title, or its words where it has query syntax."""
    plain = " ".join(title[token.start : token.end] for token in words).lower()
    for text in (title, plain):
        if extract_words(scope.parse(text)) is not None:
            return text
    return None


def _stop_at_deadline(suggestions: Iterator[Suggestion]) -> Iterator[Suggestion]:
    """The suggestions that are found before the deadline."""
    try:
        yield from suggestions
    except TimedOut:
        return


def _interleave(kinds: Sequence[Iterator[Suggestion]], known: set[str], limit: int) -> list[Suggestion]:
    """At most `limit` suggestions, kind by kind. The kinds take `_TURNS`, and then the first that has more.

    Kinds are iterators, so that nothing is searched for that is not shown. Texts in `known` are skipped.
    """
    chosen: list[list[Suggestion]] = [[] for _ in kinds]
    turns = [*islice(cycle(_TURNS), limit)]
    turns += (kind for kind in range(len(kinds)) for _ in range(limit))
    for kind in turns:
        if sum(map(len, chosen)) == limit:
            break
        for suggestion in kinds[kind]:
            text = normalize(suggestion.text).strip()
            if text not in known:
                known.add(text)
                chosen[kind].append(suggestion)
                break
    return list(chain.from_iterable(chosen))
