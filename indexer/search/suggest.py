"""Suggestions while a query is typed: words, phrases and titles that are in the index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, tee
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine import (
    ArticleSet,
    Candidate,
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
from indexer.search.request import check_text
from indexer.search.settings import SearchSettings
from indexer.search.written_forms import (
    choose_documents,
    find_written_form,
    match_case,
    prefer_common_form,
    sample_texts,
)
from indexer.text.analyzer import Analyzer, Token, get_analyzer
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unspaced

MAX_SUGGESTIONS = 50
_CANDIDATES = 10  # words that are ranked
_FOLLOWED = 2  # suggested words that are continued as phrases
_SAMPLE = 16  # paragraphs that are read to find what follows a word
_PHRASES = 3  # phrases of a word that are counted
_FORM_SAMPLE = 6  # paragraphs that are read to find the form in which a word is written
_MAX_BESIDE = 1000  # paragraphs that are searched for candidates right after the word before
_BESIDE = 4  # the weight of an article in which the words are neighbours
_FAR = 2**32  # more than the positions of any paragraph, so that those of two paragraphs are never neighbours
_MAX_LINKS = 2  # common words between a phrase and its next word
_BACK, _AHEAD = 20, 45  # characters that are read for each word before, and after a word
_RUN = 6  # characters by which a text without spaces is continued
_FIELDS = {"title": ("title",), "paragraph": ("paragraph",)}

Forms = frozenset[str]
"""The stems and words by which one word of a text is recognised."""


def suggest(
    snapshot: Snapshot, settings: SearchSettings, text: str, limit: int = 8
) -> tuple[Suggestion, ...]:
    """At most `limit` queries that begin with the text, each of which finds something.

    Words come first, then phrases, then titles. Words are ranked by the articles that have them together with
    the words before, above all right after those; phrases by their frequency, titles by their length.
    """
    check_text("prefix", text)
    limit = min(limit, MAX_SUGGESTIONS)
    typed = find_typed_word(text)
    if typed is None or limit < 1 or not snapshot.articles:
        return ()
    with Deadline(settings.seconds, settings.clock) as deadline:
        scope = _make_scope(snapshot, settings, typed, deadline)
        if scope is None:
            return ()
        words, followed = tee(_suggest_words(scope))
        kinds = (
            (word.suggestion for word in words),
            _suggest_phrases(scope, followed),
            _suggest_titles(scope),
        )
        return tuple(_interleave([*map(_stop_at_deadline, kinds)], {normalize(text).strip()}, limit))


@dataclass(frozen=True, slots=True)
class _Scope:
    """What precedes the word that is being typed, and the articles that match that (None for all).

    `place` is the role of the word: "required", "excluded" or "elsewhere"; `dates` the number of dates before
    it.
    """

    snapshot: Snapshot
    settings: SearchSettings
    typed: TypedWord
    terms: TermReader
    fields: tuple[str, ...]
    place: str
    within: ArticleSet | None
    dates: int
    deadline: Deadline

    def count(self, term: QueryTerm, text: str) -> int:
        """How many articles a text finds whose last word is the term."""
        if may_contain_dates(text) and _count_dates(self.parse(text)) != self.dates:
            # The word has turned the words before it into a date, as in "last week".
            return 0
        if self.place == "elsewhere":
            # The word is an alternative or a part of a group: only the whole query can be counted.
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
        return int(np.count_nonzero(having if self.within is None else having & self.within))

    def parse(self, text: str) -> Any:
        """The tree of a text."""
        return self.settings.parse(text).tree

    def documents(self, term: QueryTerm) -> Ids:
        """The paragraphs that have the term, in the articles that match the rest of the query."""
        docs = term.paragraph.docs
        if self.within is None or self.place != "required":
            return docs
        return docs[self.within[self.snapshot.article_of[docs]]]

    def forms(self, word: str) -> Forms:
        """The stems of a word in every language, and the word itself."""
        tokens = [get_analyzer(language).tokenize(word) for language in self.settings.languages]
        return frozenset(form for found in tokens if len(found) == 1 for form in found[0][:2])


@dataclass(frozen=True, slots=True)
class _Word:
    """A suggested word and its postings."""

    suggestion: Suggestion
    word: str
    term: QueryTerm


def _make_scope(
    snapshot: Snapshot, settings: SearchSettings, typed: TypedWord, deadline: Deadline
) -> _Scope | None:
    """The scope of a typed text; None where nothing matches what precedes the last word."""
    tree = settings.parse(typed.before + typed.word).tree
    rest, field, place = split_last_word(tree) if typed.word else (tree, "text", "required")
    within = None
    if rest is not None:
        context = settings.make_context(snapshot, tree, deadline)
        within = find_matching_articles(context, rest)
        # After a timeout it is unknown what the rest matches.
        if not within.any() or deadline.is_over():
            return None
    fields = _FIELDS.get(field, ("title", "paragraph"))
    terms = TermReader(snapshot, settings.languages, deadline=deadline, variants=settings.variants)
    return _Scope(snapshot, settings, typed, terms, fields, place, within, _count_dates(tree), deadline)


def _count_dates(tree: Any) -> int:
    """The number of dates in a tree."""
    return sum(isinstance(node, DateRange) for node in tree.leaves())


def _suggest_words(scope: _Scope) -> Iterator[_Word]:
    """The words that begin with the word that is being typed."""
    typed, settings = scope.typed, scope.settings
    tokens = get_analyzer(settings.language).tokenize(typed.word)
    if not tokens or tokens[-1].end != len(typed.word):
        return
    if is_unspaced(typed.word[-1]):
        yield from _continue_unspaced(scope)
        return
    last = tokens[-1]
    # A word that the query has already would change nothing.
    typed_marks = [
        scope.terms.word(scope.fields, word.text).term_set for word in find_plain_words(typed.before)
    ]
    known = {mark.stems or mark.words for mark in typed_marks}
    for word in _list_candidates(scope, tokens):
        term = scope.terms.word(scope.fields, word)
        stems = term.term_set.stems or term.term_set.words
        if stems in known:
            continue
        known.add(stems)
        texts = sample_texts(scope.snapshot, scope.documents(term), _FORM_SAMPLE)
        given = typed.word[last.start :]
        beside = typed.word[: last.start] or " ".join(typed.neighbours)
        writing = match_case(find_written_form(get_analyzer(settings.language), word, texts), beside)
        if given != given.lower() and writing.lower().startswith(given.lower()):
            writing = given + writing[len(given) :]
        text = typed.before + typed.word[: last.start] + writing
        if len(tokens) > 1:
            term = scope.terms.word(scope.fields, typed.word[: last.start] + writing)
        if count := scope.count(term, text):
            same = normalize(writing).startswith(normalize(given))
            start = len(typed.before) + last.start + (len(given) if same else 0)
            yield _Word(Suggestion(text, "word", count, spans=((start, len(text)),)), word, term)


def _list_candidates(scope: _Scope, tokens: Sequence[Token]) -> Sequence[str]:
    """The words that begin with the last token, the likeliest first."""
    snapshot, prefix = scope.snapshot, tokens[-1].word
    if len(tokens) > 1:
        # The word is a compound such as covid-19: its last part is continued by what follows the others.
        forms = [scope.forms(token.word) for token in tokens[:-1]]
        term = scope.terms.word(scope.fields, scope.typed.word[: tokens[-2].end])
        sample = sample_texts(snapshot, scope.documents(term), _SAMPLE)
        after = find_next_words(sample, get_analyzer(scope.settings.language), forms, (), prefix)
        return sorted(after, key=lambda word: -after[word].total())
    common = [
        stem
        for language in snapshot.statistics.languages
        for word in stop_words(language)
        if word.startswith(prefix) and word != prefix
        for stem in get_analyzer(language).analyze_surface(word)[0]
    ]
    within = scope.within if scope.place != "elsewhere" else None
    found = complete_word(snapshot, prefix, within, _CANDIDATES, common)
    return [candidate.word for candidate in _rank_by_neighbour(scope, found)]


def _rank_by_neighbour(scope: _Scope, found: list[Candidate]) -> list[Candidate]:
    """The candidates by weight, which is higher where they follow the word before."""
    if not scope.typed.neighbours or scope.place != "required":
        return found
    term = scope.terms.word(("paragraph",), scope.typed.neighbours[-1])
    docs = scope.documents(term)
    sample = docs[:_MAX_BESIDE]
    before = find_positions(scope.snapshot, sorted(term.term_set.stems), sample)
    if not len(before):
        return found
    gain = _BESIDE * len(docs) / len(sample)
    weights = {
        candidate: candidate.weight
        + gain * count_after(scope.snapshot, before, scope.forms(candidate.word), sample)
        for candidate in found
    }
    return sorted(found, key=lambda candidate: -weights[candidate])


def _continue_unspaced(scope: _Scope) -> Iterator[_Word]:
    """Continuations of a word in a script without spaces."""
    typed = scope.typed
    start = len(typed.word)
    while start and is_unspaced(typed.word[start - 1]):
        start -= 1
    run = typed.word[start:]
    term = scope.terms.word(scope.fields, run)
    docs = scope.documents(term) if len(term.paragraph.docs) else term.title.docs
    texts: Iterable[str] = sample_texts(scope.snapshot, docs, _SAMPLE)
    if not len(term.paragraph.docs):
        articles = scope.snapshot.article_of[docs[:_SAMPLE]].tolist()
        texts = (scope.snapshot.info(number).title for number in articles if number >= 0)
    for rest, _ in find_next_characters(texts, run).most_common(_CANDIDATES):
        text = typed.before + typed.word + rest
        longer = scope.terms.word(scope.fields, typed.word + rest)
        if count := scope.count(longer, text):
            span = (len(text) - len(rest), len(text))
            yield _Word(Suggestion(text, "word", count, spans=(span,)), run + rest, longer)


def _suggest_phrases(scope: _Scope, words: Iterable[_Word]) -> Iterator[Suggestion]:
    """Phrases that begin with the suggested words, or with the words before the cursor."""
    typed = scope.typed
    if scope.place != "required" or "paragraph" not in scope.fields:
        return
    if not typed.word:
        yield from _continue_phrase(scope, typed.before, typed.neighbours, typed.neighbours)
        return
    for found in islice(words, _FOLLOWED):
        if not is_unspaced(found.word[-1]) and found.term.term_set.stems:
            yield from _continue_phrase(scope, f"{found.suggestion.text} ", (found.word,), (found.word,))


def _continue_phrase(
    scope: _Scope, before: str, neighbours: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[Suggestion]:
    phrase = " ".join(neighbours)
    term = scope.terms.phrase(("paragraph",), phrase, 1)
    docs = scope.documents(term)
    if not len(docs):
        if len(neighbours) > 1:
            yield from _continue_phrase(scope, before, neighbours[1:], wanted[1:])
        return
    # After a space there are no words to suggest, so there is time for more phrases.
    effort = 1 if scope.typed.word else 2
    sample = effort * _SAMPLE
    after = _find_words_after(scope, choose_documents(docs, sample), [scope.forms(word) for word in wanted])
    least = 2 if len(docs) > sample else 1
    found = []
    for key in sorted(after, key=lambda key: (-after[key].total(), key))[: effort * _PHRASES]:
        term = scope.terms.phrase(("title", "paragraph"), f"{phrase} {key}", 1)
        text = before + match_case(prefer_common_form(key, after[key]), before)
        if (count := scope.count(term, text)) >= least:
            found.append(Suggestion(text, "phrase", count, spans=((len(before), len(text)),)))
    yield from sorted(found, key=lambda suggestion: -suggestion.count)


def _find_words_after(scope: _Scope, docs: Ids, wanted: Sequence[Forms]) -> dict[str, Counter[str]]:
    """See `find_next_words`: those of some paragraphs, each read in its own language."""
    snapshot, statistics = scope.snapshot, scope.snapshot.statistics
    found: dict[str, Counter[str]] = {}
    for number, places in statistics.split(snapshot.article_of[docs]).items():
        language = statistics.languages[number]
        texts = map(snapshot.text_of, docs[places].tolist())
        own = find_next_words(texts, get_analyzer(language), wanted, stop_words(language))
        for key, writings in own.items():
            found.setdefault(key, Counter()).update(writings)
    return found


def _suggest_titles(scope: _Scope) -> Iterator[Suggestion]:
    """Titles that have all the words, the last as a prefix: the shortest first, then the newest."""
    typed, snapshot = scope.typed, scope.snapshot
    if not typed.plain or scope.place != "required" or "title" not in scope.fields:
        return
    docs, prefix = None, ""
    if typed.word:
        tokens = get_analyzer(scope.settings.language).tokenize(typed.word)
        if len(tokens) == 1 and not is_unspaced(typed.word):
            prefix = tokens[0].word
            docs = find_titles(snapshot, prefix)
        else:
            docs = scope.terms.word(("title",), typed.word).title.docs
    languages = snapshot.statistics.languages
    for word in find_plain_words(typed.before):
        without = [number for number, own in enumerate(languages) if is_common_word(word.text, own)]
        if len(without) == len(languages):
            continue
        more = scope.terms.word(("title",), word.text).title.docs
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
    """At most `limit` suggestions, kind by kind: the first kind gets two turns for each of the others.

    Kinds are iterators, so that nothing is searched for that is not shown. Texts in `known` are skipped.
    """
    chosen: list[list[Suggestion]] = [[] for _ in kinds]
    turns = [0, 1, 0, 2]
    room = limit
    while room and turns:
        for kind in list(turns):
            unseen = (one for one in kinds[kind] if normalize(one.text).strip() not in known)
            suggestion = next(unseen, None) if room else None
            if suggestion is not None:
                known.add(normalize(suggestion.text).strip())
                chosen[kind].append(suggestion)
                room -= 1
            elif room:
                turns = [other for other in turns if other != kind]
    return list(chain.from_iterable(chosen))


def find_positions(snapshot: Snapshot, stems: Iterable[str], docs: Ids) -> NDArray[np.int64]:
    """The positions of the stems in the paragraphs, ascending: int64, consecutive for neighbouring words."""
    found = [np.empty(0, np.int64)]
    for stem in filter(snapshot.has_stem, stems):
        where, positions = snapshot.positions("paragraph", stem, docs)
        found.append(where * np.int64(_FAR) + positions)
    return np.sort(np.concatenate(found))


def count_after(snapshot: Snapshot, before: NDArray[np.int64], stems: Iterable[str], docs: Ids) -> int:
    """In how many of the paragraphs one of the stems follows one of the positions `before`."""
    here = find_positions(snapshot, stems, docs)
    last = before.searchsorted(here - 1, "right") - 1
    found = here[(last >= 0) & (before[last] == here - 1)] // _FAR
    return int(np.count_nonzero(found[1:] != found[:-1])) + bool(len(found))


def find_next_words(
    texts: Iterable[str], words: Analyzer, wanted: Sequence[Forms], common: Collection[str], prefix: str = ""
) -> dict[str, Counter[str]]:
    """The word that follows the wanted words at their first place in each text, skipping common words.

    That word begins with the prefix; the common words before it belong to it. Returns the normalized words,
    and for each how often it was written in which form.
    """
    found: dict[str, Counter[str]] = {}
    beginning = _find_common_prefix(wanted[-1]) if wanted else ""
    for whole in texts:
        text = _extract_stretch(whole, beginning, _BACK * (len(wanted) - 1))
        tokens = words.tokenize(text)
        ends = (end for end in range(len(wanted), len(tokens)) if _is_match_at(tokens, end, wanted))
        end = next(ends, len(tokens))
        for last in range(end, min(end + _MAX_LINKS + 1, len(tokens))):
            # Punctuation ends a phrase.
            if text[tokens[last - 1].end : tokens[last].start].strip(" \t\n\u00a0-"):
                break
            word = tokens[last].word
            if word in common:
                continue
            if word.startswith(prefix) and (prefix or word.isalpha()) and not is_unspaced(word):
                key = " ".join(token.word for token in tokens[end : last + 1])
                writing = " ".join(text[tokens[end].start : tokens[last].end].split())
                found.setdefault(key, Counter())[writing] += 1
            break
    return found


def find_next_characters(texts: Iterable[str], run: str) -> Counter[str]:
    """The continuations of a run of unspaced script that most places agree on, and their counts."""
    rests = Counter(rest for text in texts for rest in _find_continuations(text, run) if rest)
    found: Counter[str] = Counter()
    firsts = Counter(rest[0] for rest in rests.elements())
    for first, count in firsts.items():
        best = first
        # A continuation that was seen once is no longer than a short word.
        for length in range(2, (_RUN if count > 1 else 2) + 1):
            longer = Counter(rest[:length] for rest in rests.elements() if rest.startswith(best))
            following, times = longer.most_common(1)[0]
            if len(following) < length or times * 2 <= count:
                break
            best = following
        found[best] = count
    return found


def _find_common_prefix(forms: Forms) -> str:
    first, last = min(forms, default=""), max(forms, default="")
    return first[
        : next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    ]


def _extract_stretch(text: str, beginning: str, before: int) -> str:
    """A stretch of a text around the first word with a beginning, if there is one; else the whole text.

    Analysing a text costs more than searching it. The stretch begins with a word, about `before` characters
    before the word found.
    """
    lower = text.lower() if len(beginning) > 2 else ""
    # Lower-casing may change the length of a text, and positions in it would be wrong.
    place = lower.find(beginning) if len(lower) == len(text) else -1
    while place > 0 and lower[place - 1].isalnum():
        place = lower.find(beginning, place + 1)
    if place < 0:
        return text
    start = text.rfind(" ", 0, max(place - before, 0)) + 1 if before else place
    stretch = text[start : place + _AHEAD]
    # Drop the word that the end of the stretch cuts in two.
    return stretch if place + _AHEAD >= len(text) else stretch.rpartition(" ")[0] or stretch


def _is_match_at(tokens: Sequence[Token], end: int, wanted: Sequence[Forms]) -> bool:
    for place, forms in enumerate(wanted, end - len(wanted)):
        token = tokens[place]
        if token.stem not in forms and token.word not in forms:
            return False
    return True


def _find_continuations(text: str, run: str) -> list[str]:
    rests = []
    place = text.find(run)
    while place >= 0:
        place += len(run)
        end = place
        while end < len(text) and end - place < _RUN and is_unspaced(text[end]):
            end += 1
        rests.append(text[place:end])
        place = text.find(run, place)
    return rests
