"""The terms that stand for an article when similar ones are searched for."""

from __future__ import annotations

import random
from pathlib import Path

from indexer import Article, Index, open_index
from indexer.search.similar import TERMS, find_heaviest_terms
from tests.fixtures import stories
from tests.fixtures.commits import open_commit


def test_removed_articles_do_not_change_term_weights(tmp_path: Path) -> None:
    with open_index(tmp_path / "with") as index, open_index(tmp_path / "without") as other:
        # Whether "crane" weighs more than "deep" depends on the number of paragraphs.
        subject = Article(id="subject", language="en", paragraphs=["Crane crane deep."])
        more = [Article(id=f"c{n}", language="en", paragraphs=["A crane."]) for n in range(5)]
        more += [Article(id=f"d{n}", language="en", paragraphs=["It is deep."]) for n in range(2)]
        more += [Article(id=f"e{n}", language="en", paragraphs=["A tide."]) for n in range(3)]
        index.put([subject, *more, *(Article(id=f"gone{n}", paragraphs=["Another."]) for n in range(4))])
        index.remove([f"gone{n}" for n in range(4)])
        other.put([subject, *more])
        weighed = []
        for each in (index, other):
            snapshot = open_commit(each).snapshot
            assert snapshot.documents - snapshot.paragraphs == (4 if each is index else 0)
            weighed.append(find_heaviest_terms(snapshot, subject, "en"))
        assert weighed[0] == weighed[1]


def test_the_heaviest_words_are_rare_and_frequent(examples: Index) -> None:
    snapshot = open_commit(examples).snapshot
    article = Article(
        "a", "Baker at the wheel", ["The baker bought flour.", "A wheel of the mill."], language="en"
    )
    found = find_heaviest_terms(snapshot, article, "en")
    stems = [stem for stem, _ in found]
    assert set(stems[:2]) == {"baker/en", "wheel/en"}  # in the title too
    assert "the/en" not in stems
    assert all(0 < weight < 1 for _, weight in found)
    long = Article(id="long", paragraphs=stories.story(random.Random(1), 40))
    assert len(find_heaviest_terms(snapshot, long, "en")) == TERMS
