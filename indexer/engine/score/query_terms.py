"""From a query node to postings: words, phrases, prefixes, wildcards, fuzzy matches, synonyms, NEAR.

`TermReader` is the only place where a query is analysed and its stems and words are looked up.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import Struct, structs
from whoosh.query.compound import Or
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard

from indexer import limits
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import FIELDS, NO_POSTINGS, Postings, merge_postings
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.positions import Phrase, TermSet, find_near, list_words
from indexer.engine.score.variants import find_variants
from indexer.query import Alternatives, Near, NoteCode, RawPhrase, is_whole, make_note, quote
from indexer.results import Note
from indexer.text.analyzer import Analyzer, Token, get_analyzer, strip_tag
from indexer.text.normalization import is_in_capitals, normalize
from indexer.text.unspaced import is_unit, is_unspaced

Stems = tuple[str, ...]
_FIELDS = {"text": ("title", "paragraph"), "title": ("title",)}
"""The stored fields in which the words of a query field are looked up; those of others in paragraphs."""
VARIANT = 0.5
"""The weight of the variants of a word, beside 1 for the word as typed and other forms of its stem."""
_NAME_MARKS = "@#"
_AT_ONCE = 8192  # words that are matched with a pattern between two checks of the deadline


class QueryTerm(Struct, frozen=True, eq=False):
    """One word, phrase or pattern of a query, with its postings in titles and in paragraphs.

    `field` is the one that the query asks for: "text" (all), "title", "paragraph", or a custom one, whose
    texts are stored as paragraphs.
    """

    label: str
    field: str
    title: Postings
    paragraph: Postings
    term_set: TermSet
    synonyms: tuple[str, ...] = ()
    """The synonyms and variants that are searched for with it."""
    exact: QueryTerm | None = None
    """Only the form that was typed, if the term is ranked and has other forms as well."""
    in_capitals: QueryTerm | None = None
    """Only where it is in capitals, if that is how it was typed and anything is written so."""
    typed: QueryTerm | None = None
    """Without the variants, if it has some."""
    variants: QueryTerm | None = None
    """Only the variants, if it has some."""

    def is_in(self, field: str) -> bool:
        """Whether the query asks for the term in "title", in "paragraph", or in a custom field."""
        return self.field in ("text", field)


@dataclass(slots=True)
class TermReader:
    """Looks up the terms of one query; `notes` collects which limits were met.

    With `variants`, a word is also looked up as in `find_variants`; `neighbours` are the pairs of words of
    the query that may be one, by either of them. If terms are ranked (`is_ranked`), the form of a word that
    was typed is looked up too.
    """

    snapshot: Snapshot
    languages: Sequence[str]
    notes: list[Note] = field(default_factory=list)
    deadline: Deadline = NO_DEADLINE
    variants: bool = True
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_ranked: bool = False
    analyzers: tuple[Analyzer, ...] = field(init=False)
    _word_parts_left: int = limits.PIECES

    def __post_init__(self) -> None:
        # Languages that are analysed alike share an analyzer.
        self.analyzers = tuple(dict.fromkeys(map(get_analyzer, self.languages)))

    def read(self, node: Any) -> QueryTerm:
        """The term of a node that stands for words. Raises TimedOut.

        A node that the query language does not have is a programming error, and raises TypeError.
        """
        self.deadline.check()
        field = node.fieldname
        match node:
            case Term():
                return self.word(field, node.text)
            case RawPhrase(exact=True):
                return self.exact(field, node.text, node.slop)
            case RawPhrase():
                return self.quotation(field, f'"{node.text}"', node.text, node.slop)
            case Alternatives():
                return self.alternatives(field, node.text, node.others, includes_text=node.includes_text)
            case FuzzyTerm():
                return self.fuzzy(field, node.text, node.maxdist)
            case Prefix():
                return self.prefix(field, node.text)
            case Wildcard():
                return self.wildcard(field, node.text)
            case Near():
                alternatives = [list(part) if isinstance(part, Or) else [part] for part in node.parts]
                parts = [[self.read(one) for one in part] for part in alternatives]
                return self.near(field, parts, node.distances)
        raise TypeError(f"the engine has no term for {node!r}")

    def word(self, field: str, text: str) -> QueryTerm:
        """A word as typed; in some languages it may be a phrase of several tokens (covid-19, 東京都).

        A name or a topic (@desk, #sea) matches as written, and without its mark only where nothing is.
        """
        tokens = self.analyzers[0].tokenize(text, query=True) if self.analyzers else []
        if is_marked(tokens):
            return self.quotation(field, text, text, 1)
        term = self._look_up(field, text, analyze_text(text, 1, self.analyzers))
        variants = [] if is_whole(text) else self._look_up_variants(field, text)
        exact, in_capitals = self._find_forms(field, text, term.term_set, has_variants=bool(variants))
        if not variants:
            return structs.replace(term, exact=exact, in_capitals=in_capitals)
        if self.is_ranked and len(tokens) > 1:
            # The stem of the joined word may be that of quite another one: co-operation, cooper.
            own, *joined = (self.exact(field, form, 1) for form in (text, *(one.label for one in variants)))
            exact = structs.replace(_add_variants(own, joined), term_set=TermSet())
        return structs.replace(_add_variants(term, variants), exact=exact, in_capitals=in_capitals)

    def _look_up_variants(self, field: str, text: str) -> list[QueryTerm]:
        """The variants of a word that the index has."""
        found = []
        for analysis in self.analyzers if self.variants else ():
            neighbours = self.neighbours.get(text, ())
            for variant in find_variants(self.snapshot, analysis, text, neighbours, self.deadline):
                stems = tuple(token.stem for token in analysis.tokenize(variant))
                term_set = TermSet(phrases=frozenset({(stems, 1)}))
                if len(stems) == 1:
                    term_set = TermSet(stems=frozenset(stems))
                term = self._look_up(field, variant, term_set)
                if len(term.title.docs) or len(term.paragraph.docs):
                    found.append(term)
        return found

    def stem(self, stem: str) -> QueryTerm:
        """A stem in titles and texts."""
        return self._look_up("text", strip_tag(stem), TermSet(stems=frozenset((stem,))))

    def phrase(self, field: str, text: str, slop: int) -> QueryTerm:
        """A phrase in any form, whose neighbours stand at most `slop` places apart, in order."""
        return self._look_up(field, f'"{text}"', analyze_text(text, slop, self.analyzers))

    def quotation(self, field: str, label: str, text: str, slop: int) -> QueryTerm:
        """A word or a phrase as written; in the languages in which no article has it so, in any form."""
        written = self._look_up(field, label, analyze_text(text, slop, self.analyzers, exact=True))
        article_of, statistics = self.snapshot.article_of, self.snapshot.statistics
        found = [statistics.count(article_of[own.docs]) for own in (written.title, written.paragraph)]
        counts = np.add(*found)
        if self.snapshot.collection is not None:
            counts = self.snapshot.collection.count_written(written, counts)
        lacking = np.flatnonzero(counts == 0).tolist()
        if not lacking:
            return written
        analyzers = {get_analyzer(statistics.languages[number]) for number in lacking}
        forms = analyze_text(text, slop, [own for own in self.analyzers if own in analyzers])
        other = self._look_up(field, label, forms)
        is_lacking = statistics.select(lacking)

        def add(own: Postings, more: Postings) -> Postings:
            kept = is_lacking[article_of[more.docs]]
            return merge_postings([own, Postings(more.docs[kept], more.freqs[kept])])

        title, paragraph = add(written.title, other.title), add(written.paragraph, other.paragraph)
        if len(title.docs) + len(paragraph.docs) == len(written.title.docs) + len(written.paragraph.docs):
            return written
        self._note_other_forms(text, lacking)
        both = TermSet.of([written.term_set, forms])
        return structs.replace(written, title=title, paragraph=paragraph, term_set=both)

    def exact(self, field: str, text: str, slop: int) -> QueryTerm:
        """A word or a phrase as written, in no other form."""
        label = f'="{text}"' if " " in text else f"={text}"
        return self._look_up(field, label, analyze_text(text, slop, self.analyzers, exact=True))

    def alternatives(self, field: str, text: str, others: Sequence[str], *, includes_text: bool) -> QueryTerm:
        """The synonyms of a word as one term, with the word itself if `includes_text`."""
        terms = [self.word(field, text)] if includes_text else []
        for other in others:
            term = self.phrase(field, other, 1)
            # Terms with the same stems have the same postings, which must not count twice.
            if all(term.term_set != known.term_set for known in terms):
                terms.append(term)
        return QueryTerm(
            text,
            field,
            merge_postings([term.title for term in terms]),
            merge_postings([term.paragraph for term in terms]),
            TermSet.of(term.term_set for term in terms),
            synonyms=tuple(others),
        )

    def prefix(self, field: str, text: str) -> QueryTerm:
        """The words, as written, that begin with a text."""
        if is_unspaced(text):
            return self.word(field, text)
        return self._expand(field, f"{text}*", self.snapshot.prefix_range(normalize_pattern(text)))

    def wildcard(self, field: str, text: str) -> QueryTerm:
        """The words, as written, that match a pattern with * and ?."""
        pattern = normalize_pattern(text)
        start = re.split(r"[*?]", pattern, maxsplit=1)[0]
        lexicon, matches = self.snapshot.lexicon, _compile_pattern(pattern).fullmatch
        numbers: list[int] = []
        candidates = self.snapshot.prefix_range(start)
        for low in range(0, len(candidates), _AT_ONCE):
            self.deadline.check()
            block = candidates[low : low + _AT_ONCE]
            numbers += (number for number in block if matches(lexicon[number]))
        return self._expand(field, text, numbers)

    def fuzzy(self, field: str, text: str, distance: int) -> QueryTerm:
        """The words, as written, at most `distance` edits from a word; swapping two letters is one edit."""
        found = self.snapshot.fuzzy_index.find(normalize_pattern(text), distance, self.deadline)
        lexicon = self.snapshot.lexicon
        return self._expand(field, f"{text}~", [bisect_left(lexicon, word) for word, _ in found])

    def near(self, field: str, parts: Sequence[Sequence[QueryTerm]], distances: Sequence[int]) -> QueryTerm:
        """Parts that stand within the distances of each other, in any order; each is one of several terms."""
        highlights = [TermSet.of(term.term_set for term in part) for part in parts]
        postings = {}
        for name in _list_stored(field):
            docs = []
            for part in parts:
                self.deadline.check()
                own = [term.title if name == "title" else term.paragraph for term in part]
                docs.append(merge_postings(own).docs)
            pairs = list(zip(highlights, docs, strict=True))
            postings[name] = find_near(self.snapshot, name, pairs, distances, self.deadline)
        label = " NEAR ".join("/".join(term.label for term in part) for part in parts)
        nears = frozenset({(tuple(highlights), tuple(distances))})
        return self._make_term(field, label, postings, TermSet(nears=nears))

    def split_word(self, text: str) -> list[tuple[str, int]]:
        """The tokens of a word that has several, as the function of this name returns them.

        No more than are left of `limits.PIECES`, with a note if some are dropped.
        """
        parts = split_word(text, self.analyzers[0])
        if len(parts) > self._word_parts_left:
            self.notes.append(make_note(NoteCode.PARTS_DROPPED, {"limit": limits.PIECES}))
            parts = parts[: self._word_parts_left]
        self._word_parts_left -= len(parts)
        return parts

    def list_stems(self, text: str) -> list[Stems]:
        """The stems of a word as typed, by analyzer; () where it is a name or a topic (@desk, #sea)."""
        found = []
        for analysis in self.analyzers:
            tokens = analysis.tokenize(text, query=True)
            has_marks = any(token.word[0] in _NAME_MARKS for token in tokens)
            found.append(() if has_marks else tuple(token.stem for token in tokens))
        return found

    def _find_forms(
        self, field: str, text: str, terms: TermSet, *, has_variants: bool
    ) -> tuple[QueryTerm | None, QueryTerm | None]:
        """A word only in the form that was typed, and only in capitals; see `QueryTerm`."""
        snapshot = self.snapshot
        rows = [analysis.tokenize(text, query=True) for analysis in self.analyzers] if terms.stems else []
        forms = sorted(
            {(row[0].stem, row[0].word) for row in rows if len(row) == 1 and row[0].stem in terms.stems}
        )

        def find(label: str, *, in_capitals: bool) -> QueryTerm:
            postings = {
                name: merge_postings(
                    [snapshot.form_postings(name, *form, in_capitals=in_capitals) for form in forms],
                    np.maximum,
                )
                for name in _list_stored(field)
            }
            return self._make_term(field, label, postings, TermSet())

        exact = in_capitals = None
        # Words as written may match with other accents.
        has_others = has_variants or bool(terms.words)
        if self.is_ranked and forms and (has_others or any(snapshot.has_other_forms(*own) for own in forms)):
            exact = find(f"={text}", in_capitals=False)
        if forms and is_in_capitals(text):
            found = find(text, in_capitals=True)
            # Articles that are not in a window may have it.
            is_anywhere = len(found.title.docs) or len(found.paragraph.docs) or snapshot.collection
            in_capitals = found if is_anywhere else None
        return exact, in_capitals

    def _note_other_forms(self, text: str, lacking: Sequence[int]) -> None:
        """Note that a text was searched for in other forms in the languages with these numbers."""
        languages = self.snapshot.statistics.languages
        if len(lacking) == len(languages):
            self.notes.append(make_note(NoteCode.OTHER_FORMS, {"text": quote(text)}))
            return
        names = ", ".join(languages[number] for number in lacking)
        values = {"text": quote(text), "languages": names}
        self.notes.append(make_note(NoteCode.OTHER_FORMS_IN_LANGUAGES, values))

    def _expand(self, field: str, label: str, numbers: Sequence[int]) -> QueryTerm:
        """One term for words of the lexicon, given by ascending numbers; the most common, if too many."""
        if len(numbers) > limits.EXPANSION:
            values: dict[str, str | int] = {
                "label": label,
                "count": len(numbers),
                "limit": limits.EXPANSION,
            }
            self.notes.append(make_note(NoteCode.EXPANSION_CUT, values))
            most_common = np.argsort(-self.snapshot.word_frequencies[np.array(numbers)], kind="stable")
            numbers = [numbers[place] for place in most_common[: limits.EXPANSION].tolist()]
        words = frozenset(self.snapshot.lexicon[number] for number in numbers)
        return self._look_up(field, label, TermSet(words=words))

    def _look_up(self, field: str, label: str, terms: TermSet) -> QueryTerm:
        """The postings of everything that a term stands for, as those of one. Raises TimedOut."""
        snapshot, deadline = self.snapshot, self.deadline
        words = list_words(snapshot, terms)
        postings: dict[str, Postings] = {}
        for name in _list_stored(field):
            found = [snapshot.postings(name, stem) for stem in sorted(terms.stems)]
            found += [snapshot.phrase_postings(name, *phrase, deadline) for phrase in sorted(terms.phrases)]
            found += [
                snapshot.word_phrase_postings(name, *phrase, deadline) for phrase in sorted(terms.exact)
            ]
            written = snapshot.word_postings(name, words, deadline) if words else NO_POSTINGS
            # Most occurrences of the word as written are occurrences of its stem, and must not count twice.
            postings[name] = merge_postings([merge_postings(found), written], np.maximum)
        return self._make_term(field, label, postings, terms)

    def _make_term(self, field: str, label: str, postings: dict[str, Postings], terms: TermSet) -> QueryTerm:
        """The term with these postings, of which those in texts of other fields are dropped."""
        title, paragraph = (postings.get(name, NO_POSTINGS) for name in FIELDS)
        if field not in _FIELDS:
            paragraph = self.snapshot.select_texts(paragraph, field)
        return QueryTerm(label, field, title, paragraph, terms)


def analyze_text(text: str, slop: int, analyzers: Iterable[Analyzer], *, exact: bool = False) -> TermSet:
    """The stems, words, characters and phrases of stems to look up for a word or phrase as typed.

    If `exact`, there are words and phrases of words instead of stems.
    """
    stems: set[str] = set()
    words: set[str] = set()
    phrases: set[Phrase] = set()
    characters: set[str] = set()
    written: dict[Analyzer, tuple[str, ...]] = {}
    for analysis in analyzers:
        tokens = analysis.tokenize(text, query=True)
        if not tokens:
            continue
        token, is_single = tokens[0], len(tokens) == 1
        if is_single and is_unit(token.word):
            characters.add(token.word)
        elif exact:
            written[analysis] = tuple(token.word for token in tokens)
        elif is_single:
            stems.add(token.stem)
            if analysis.matches_words(token):
                words.add(analysis.tag_word(token.word.lstrip(_NAME_MARKS)))
        else:
            phrases.add((tuple(token.stem for token in tokens), slop))
    # Where languages differ in what is written (l'été is ete or lete), each matches its own articles.
    is_same = len(set(written.values())) == 1
    exact_phrases: set[Phrase] = set()
    for analysis, row in written.items():
        row = row if is_same else tuple(map(analysis.tag_word, row))
        if len(row) == 1:
            words.update(row)
        else:
            exact_phrases.add((row, slop))
    return TermSet(
        stems=frozenset(stems),
        words=frozenset(words),
        phrases=frozenset(phrases),
        characters=frozenset(characters),
        exact=frozenset(exact_phrases),
    )


def split_word(text: str, analyzer: Analyzer) -> list[tuple[str, int]]:
    """The tokens of a word that has several, such as covid-19: an article may have only some of them.

    Each with the number of characters that the one before has too. Empty for a word with one token, and for
    one whose parts alone mean nothing.
    """
    tokens = analyzer.tokenize(text, query=True)
    if len(tokens) < 2 or is_whole(text):
        return []
    ends = [0, *(token.end for token in tokens)]
    return [
        (text[token.start : token.end], max(end - token.start, 0))
        for token, end in zip(tokens, ends, strict=False)
    ]


def is_marked(tokens: Sequence[Token]) -> bool:
    """Whether the tokens of a word are one with the mark of a name or a topic: @desk, #sea."""
    return len(tokens) == 1 and tokens[0].word[0] in _NAME_MARKS


def normalize_pattern(text: str) -> str:
    """The text as the lexicon writes words: normalized, and without apostrophes."""
    return normalize(text).replace("'", "").replace("\u2019", "")


def _add_variants(term: QueryTerm, variants: Sequence[QueryTerm]) -> QueryTerm:
    """A word with its variants, which are scored by their own rarity."""
    labels = tuple(dict.fromkeys(variant.label for variant in variants))
    others = structs.replace(
        term,
        label=", ".join(labels),
        title=merge_postings([variant.title for variant in variants], np.maximum),
        paragraph=merge_postings([variant.paragraph for variant in variants], np.maximum),
        term_set=TermSet.of(variant.term_set for variant in variants),
    )
    return structs.replace(
        term,
        title=merge_postings([term.title, others.title]),
        paragraph=merge_postings([term.paragraph, others.paragraph]),
        term_set=TermSet.of([term.term_set, *(variant.term_set for variant in variants)]),
        synonyms=labels,
        typed=term,
        variants=others,
    )


def _list_stored(field: str) -> Sequence[str]:
    """The stored fields in which the words of a query field are looked up."""
    return _FIELDS.get(field, ("paragraph",))


def _compile_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression for a pattern with * and ?.

    Each star is an atomic group that takes as little as it can, so that no pattern backtracks without end.
    """

    def literal(part: str) -> str:
        return "".join("." if char == "?" else re.escape(char) for char in part)

    head, *rest = re.split(r"\*+", pattern)
    expression = literal(head)
    if rest:
        expression += "".join(f"(?>.*?{literal(part)})" for part in rest[:-1])
        expression += f".*{literal(rest[-1])}" if rest[-1] else ".*"
    return re.compile(expression, re.DOTALL)
