"""Suggestions while a query is typed: words, phrases and titles that are in the index."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from typing import Any

import numpy as np

from indexer.engine import (
    ArticleSet,
    Continuation,
    Deadline,
    Ids,
    QueryTerm,
    Snapshot,
    TermReader,
    TimedOut,
    articles_with_term,
    complete_word,
    contains,
    find_matching_articles,
    find_titles,
    is_common_word,
    join_words,
    list_continuations,
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
    Forms,
    Writings,
    find_next_characters,
    measure_association,
    measure_cohesion,
    read_writings,
)
from indexer.search.request import check_text
from indexer.search.settings import SearchSettings
from indexer.search.written_forms import choose_documents, match_case, sample_texts
from indexer.text.analyzer import Token, get_analyzer, get_tag
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unspaced
from indexer.text.variants import list_variants

MAX_SUGGESTIONS = 50
_CANDIDATES = 10  # words that are ranked
_SAMPLE = 4  # paragraphs that are read to find how words are written
_UNSPACED_SAMPLE = 16  # paragraphs that are read to continue a script without spaces
_CONTINUED = 3  # words that are continued to phrases
_COUNTED = 8  # phrases that are counted
_MOST_SEARCHED = 32_768  # paragraphs that are searched for phrases
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
        words, phrases, apart = _list_words(scope)
        kinds = words, _suggest_phrases(scope, phrases), apart, _suggest_titles(scope)
        return tuple(_interleave([*map(_stop_at_deadline, kinds)], {normalize(text).strip()}, limit))


@dataclass(frozen=True, slots=True)
class _Scope:
    """The query before the word that is being typed, and the articles that match it (None for all).

    `tokens` are those of the word, `words` is how many words all paragraphs have. `place` is its role:
    "required", "excluded" or "elsewhere"; `dates` the number of dates before it; `known_forms` remembers what
    `forms` returned.
    """

    snapshot: Snapshot
    settings: SearchSettings
    typed: TypedWord
    tokens: Sequence[Token]
    words: float
    terms: TermReader
    field_name: str
    place: str
    allowed: ArticleSet | None
    dates: int
    deadline: Deadline
    known_forms: dict[str, Forms] = field(default_factory=dict)

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
        if word not in self.known_forms:
            tokens = [get_analyzer(language).tokenize(word) for language in self.settings.languages]
            self.known_forms[word] = frozenset(
                form for found in tokens if len(found) == 1 for form in found[0][:2]
            )
        return self.known_forms[word]

    def frequency(self, stems: Iterable[str]) -> int:
        """How many paragraphs have one of the stems, roughly."""
        return sum(map(self.snapshot.document_frequency, stems))

    def read_writings(self, docs: Ids, phrase: Sequence[str], skipped: int) -> Writings:
        """How some of the paragraphs, each in its own language, write a phrase; see `read_writings`."""
        snapshot, statistics = self.snapshot, self.snapshot.statistics
        wanted = [(word, self.forms(word)) for word in phrase]
        prefix = self.tokens[-1].word if self.tokens else ""
        chosen = choose_documents(docs, _SAMPLE)
        found = Writings()
        for number, places in statistics.split(snapshot.article_of[chosen]).items():
            self.deadline.check()
            texts = map(snapshot.text_of, chosen[places].tolist())
            analyzer = get_analyzer(statistics.languages[number])
            found.add(read_writings(texts, analyzer, wanted, skipped, prefix))
        return found

    def list_continuations(self, phrase: Sequence[str], prefix: str | None = None) -> list[Continuation]:
        """The words that follow a phrase; see `list_continuations`."""
        # Where more than the words right before is asked for, the commonest phrases may be in other articles.
        is_filtered = len(self.typed.before.split()) > len(self.typed.neighbours)
        limit = 10 * _CANDIDATES if is_filtered else _CANDIDATES
        return list_continuations(self.snapshot, [self.forms(word) for word in phrase], prefix, limit)

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


_Phrases = Mapping[tuple[str, ...], float]
"""Words that stand side by side, and how often they do."""
_NOTHING: tuple[Iterator[Suggestion], _Phrases, Iterator[Suggestion]] = iter(()), {}, iter(())


def _list_words(scope: _Scope) -> tuple[Iterator[Suggestion], _Phrases, Iterator[Suggestion]]:
    """The words that continue a phrase with the words before, and others that are in the same articles.

    Between them, the phrases to continue: those with the most likely words.
    """
    typed, tokens = scope.typed, scope.tokens
    if not typed.word:
        before, docs = _find_phrase_before(scope)
        return iter(()), {before: len(docs)} if before else {}, iter(())
    if not tokens or tokens[-1].end != len(typed.word):
        return _NOTHING
    if is_unspaced(typed.word[-1]):
        return _continue_unspaced(scope), {}, iter(())
    if len(tokens) > 1:
        return _complete_compound(scope), {}, iter(())
    before, docs = _find_phrase_before(scope)
    if not before:
        words = _list_candidates(scope)
        begun: _Phrases = {(word,): scope.frequency(scope.forms(word)) for word in words[:_CONTINUED]}
        return _complete(scope, (), words), begun, iter(())
    beside = _rank_by_association(scope, before, docs)
    # After an open quotation mark, the words have to stand side by side.
    apart = iter(()) if typed.in_quotes else _complete_apart(scope, beside)
    begun = {(*before, word): count for word, count in islice(beside.items(), _CONTINUED)}
    return _complete(scope, before, beside), begun, apart


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


def _rank_by_association(scope: _Scope, before: Sequence[str], docs: Ids) -> dict[str, int]:
    """The words that follow a phrase more often than by chance, and how often they follow its last word.

    `docs` are the paragraphs that have the phrase. Of a phrase of several words, those that follow only its
    last word are left out.
    """
    common, scores, counts = _list_common_stems(scope), {}, {}
    for found in scope.list_continuations(before, scope.tokens[-1].word):
        if found.stem not in common:
            (word,) = found.words
            frequency = scope.frequency(scope.forms(word))
            scores[word] = measure_association(found.count, len(docs), frequency, scope.words)
            counts[word] = found.count
    ranked = sorted((word for word in scores if scores[word]), key=lambda word: (-scores[word], word))
    words = _drop_known_forms(scope, ranked)
    if len(before) > 1:
        phrases = (scope.terms.phrase("paragraph", " ".join((*before, word)), 1) for word in words)
        words = [word for word, term in zip(words, phrases, strict=True) if len(scope.documents(term))]
    return {word: counts[word] for word in words}


def _complete(scope: _Scope, before: tuple[str, ...], words: Iterable[str]) -> Iterator[Suggestion]:
    """Completions to some words that stand right after a phrase, or to those alone."""
    for word in words:
        scope.deadline.check()
        term = scope.terms.word(scope.field_name, word)
        phrase = (*before, word)
        is_phrase = before and scope.typed.in_quotes
        docs = scope.documents(scope.terms.phrase("paragraph", " ".join(phrase), 1) if is_phrase else term)
        if is_phrase and not len(docs):
            continue
        text, span = scope.complete(scope.read_writings(docs, phrase, len(before)).choose() or word)
        if count := scope.count(term, text):
            yield Suggestion(text, "word", count, spans=(span,))


def _complete_apart(scope: _Scope, beside: Collection[str]) -> Iterator[Suggestion]:
    """Completions to other words that stand in the same articles more often than by chance."""
    words = (word for word in _list_candidates(scope) if word not in beside)
    yield from _complete(scope, (), (word for word in words if _is_cohesive(scope, word)))


def _is_cohesive(scope: _Scope, word: str) -> bool:
    """Whether a word is in the articles that match the words before more often than by chance."""
    assert scope.allowed is not None
    scope.deadline.check()
    having = articles_with_term(scope.snapshot, scope.terms.word(scope.field_name, word))
    sets = having & scope.allowed, scope.allowed, having
    both, first, second = (int(np.count_nonzero(articles)) for articles in sets)
    return measure_cohesion(both, first, second, scope.snapshot.articles) >= _MIN_APART


def _complete_compound(scope: _Scope) -> Iterator[Suggestion]:
    """Completions of a word such as covid-19: its last part is continued by what follows the others."""
    *parts, last = scope.tokens
    before = [token.word for token in parts]
    found = scope.list_continuations(before, last.word)
    for one in sorted(found, key=lambda one: (-one.count, one.words)):
        (word,) = one.words
        term = scope.terms.word(scope.field_name, scope.typed.word[: last.start] + word)
        writings = scope.read_writings(scope.documents(term), (*before, word), len(before))
        text, span = scope.complete(writings.choose() or word)
        if count := scope.count(term, text):
            yield Suggestion(text, "word", count, spans=(span,))


def _continue_unspaced(scope: _Scope) -> Iterator[Suggestion]:
    """Continuations of a word in a script without spaces."""
    typed = scope.typed
    start = len(typed.word)
    while start and is_unspaced(typed.word[start - 1]):
        start -= 1
    run = typed.word[start:]
    term = scope.terms.word(scope.field_name, run)
    docs = scope.documents(term) if len(term.paragraph.docs) else term.title.docs
    texts: Iterable[str] = sample_texts(scope.snapshot, docs, _UNSPACED_SAMPLE)
    if not len(term.paragraph.docs):
        articles = scope.snapshot.article_of[docs[:_UNSPACED_SAMPLE]].tolist()
        texts = (scope.snapshot.info(number).title for number in articles if number >= 0)
    for rest, _ in find_next_characters(texts, run).most_common(_CANDIDATES):
        text = typed.before + typed.word + rest
        longer = scope.terms.word(scope.field_name, typed.word + rest)
        if count := scope.count(longer, text):
            span = (len(text) - len(rest), len(text))
            yield Suggestion(text, "word", count, spans=(span,))


def _suggest_phrases(scope: _Scope, phrases: _Phrases) -> Iterator[Suggestion]:
    """Longer phrases that begin with some phrases; first those that stand together most surely."""
    if scope.place != "required" or scope.field_name not in ("text", "paragraph"):
        return
    found = []
    for begun, first in phrases.items():
        for one in scope.list_continuations(begun):
            score = _score(scope, first, one)
            if score and one.words[-1].isalpha() and not is_unspaced(one.words[-1]):
                found.append((score, (*begun, *one.words), len(begun), _ends_commonly(one)))
    budget, left = _MOST_SEARCHED, _COUNTED
    for _, phrase, length, ends_commonly in sorted(found, key=lambda one: (-one[0], one[1])):
        budget -= min(scope.frequency(scope.forms(word)) for word in phrase)
        if budget < 0 or not left:
            return
        scope.deadline.check()
        term = scope.terms.phrase("paragraph", " ".join(phrase), 1)
        docs = scope.documents(term)
        if not len(docs):
            continue
        left -= 1
        skipped = length - bool(scope.typed.word)
        writings = scope.read_writings(docs, phrase, skipped)
        if ends_commonly:
            writings = writings.select_names()
        if not (writing := writings.choose()):
            continue
        text, span = scope.complete(writing)
        count = scope.count(term, text)
        if count >= (2 if len(phrase) > 2 and scope.snapshot.articles >= _MANY else 1):
            yield Suggestion(text, "phrase", count, spans=(span,))


def _score(scope: _Scope, first: float, one: Continuation) -> float:
    """How surely a phrase that occurs `first` times is continued; 0 if hardly more often than by chance."""
    frequencies = max(first, one.count), max(scope.frequency([one.stem]), one.count)
    if measure_cohesion(one.count, *frequencies, scope.words) < _MIN_COHESION:
        return 0.0
    return measure_association(one.count, *frequencies, scope.words)


def _ends_commonly(one: Continuation) -> bool:
    """Whether the last word is common in its language."""
    return one.words[-1] in stop_words(get_tag(one.stem))


def _suggest_titles(scope: _Scope) -> Iterator[Suggestion]:
    """Titles that have all the words, the last as a prefix: the shortest first, then the newest."""
    typed, snapshot = scope.typed, scope.snapshot
    if not typed.plain or scope.place != "required" or scope.field_name not in ("text", "title"):
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
