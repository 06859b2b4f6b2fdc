"""A restricted view of a segment shows the words that a segment of the visible articles alone has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine.read.restricted import RestrictedView
from indexer.engine.read.segment import SegmentView
from tests.engine.segments import ARTICLES, EVERYTHING, MANY, Naive, built


def describe_words(view: SegmentView, every: Naive) -> dict[str, Any]:
    """The answers of a view about words and stems; `every` has all words and stems to ask for."""
    stems = {stem: number for stem in every.stems if (number := view.find_stem(stem)) is not None}
    forms = {}
    for word in every.words:
        number = view.words.find(word)
        if number is not None:
            words, own, variants = view.list_forms(range(number, number + 1))
            assert set(words.tolist()) <= {number}
            shares = [
                (view.stems[stem], float(view.estimate_shares(stem)[variant]))
                for stem, variant in zip(own.tolist(), variants.tolist(), strict=True)
            ]
            forms[word] = sorted(shares)
    return {
        "words": view.list_words(),
        "lexicon": view.lexicon,
        "frequencies": view.word_frequencies().tolist(),
        "has": [view.has_stem(stem) for stem in every.stems],
        "words of": [view.words_of(stem) for stem in every.stems],
        "has others": [view.has_other_forms(*form) for form in every.forms],
        "postings": {
            stem: int(view.count_postings(np.array([number]))[0])
            for stem, number in stems.items()
            if view.has_stem(stem)
        },
        "forms": {word: own for word, own in forms.items() if own},
    }


@MANY
@given(articles=ARTICLES.filter(bool), flags=st.lists(st.booleans(), min_size=12, max_size=12))
@example(articles=EVERYTHING, flags=[False, True, False, True])
@example(articles=EVERYTHING, flags=[True, False, True, False])
@example(articles=EVERYTHING, flags=[False] * 4)
def test_a_restricted_view_knows_the_words_of_visible_articles_alone(
    tmp_path: Path, articles: Sequence[Article], flags: list[bool]
) -> None:
    flags = flags[: len(articles)]
    every, visible = Naive(articles), [*compress(articles, flags)]
    live = np.repeat(flags, every.widths)
    restricted = RestrictedView(built(articles, tmp_path / "every.nut"), live)
    found = describe_words(restricted, every)
    if visible:
        alone = built(visible, tmp_path / "visible.nut")
        assert found == describe_words(alone, every)
    else:
        assert found["words"] == found["frequencies"] == []
        assert not any(found["has"])


def test_the_words_of_a_restricted_view_are_looked_up_in_the_whole_lexicon(tmp_path: Path) -> None:
    articles = [
        Article(id="hidden", paragraphs=["anchor bollard capstan"]),
        Article(id="visible", paragraphs=["derrick engine fender gangway halyard jetty keel lanyard mast"]),
    ]
    whole = built(articles, tmp_path / "whole.nut")
    restricted = RestrictedView(whole, np.array([False, True]))
    many = ["derrick", "engine", "fender", "gangway", "halyard", "jetty", "keel", "lanyard", "mast"]
    assert restricted.lexicon == many
    for words in (many, many[:2]):
        assert restricted.word_postings("paragraph", words).freqs.tolist() == [len(words)]
