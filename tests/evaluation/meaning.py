"""What searching by meaning adds to the words: the ranking, titles that are looked for, and other languages.

python -m tests.evaluation.meaning --data ../shared/data [--model FOLDER]

Without --model, the model is the static one in the wheel `wordllama`. With it, paragraphs are also looked for
by questions in other languages, for models that know several.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import mean

from indexer import Article, Config, Index, open_index
from tests.benchmarks.corpus import reuters
from tests.evaluation.collection import DATA, evaluate, open_collection
from tests.evaluation.ranking import FLOOR as COLLECTIONS
from tests.evaluation.spelling import SEED, fill
from tests.fixtures.models import make_static_model

FLOOR = 0.567
"""What the mean nDCG@10 with the static model must reach."""
MAX_FALL = 0.02
"""How much smaller the share of titles that are found first may be with meaning than by words alone."""
_TITLES = 400
_WORDS = 5  # consecutive ones of a title
_NEWS = ("bbc", "reuters")
_STORIES = 4000  # of Reuters
_LANGUAGES = ("de", "en", "es", "zh")
_DEPTH = 10


def measure(data: Path, model: Path, floor: float, *, across: bool) -> list[str]:
    """Print the figures with a model; returns those that are too low.

    `floor` is that of the mean nDCG@10. With `across`, also print the figures across languages.
    """
    low = []
    config = Config().with_options({"model": str(model)})
    print("nDCG@10        words   with meaning")
    figures = []
    for name in COLLECTIONS:
        folder = data / "ir" / name
        with open_collection(config, folder) as index, open_words(embed(index)) as words:
            figures.append([evaluate(one, folder, depth=_DEPTH)["ndcg@10"] for one in (words, index)])
        print_row(name, figures[-1])
    means = [mean(column) for column in zip(*figures, strict=True)]
    print_row("mean", means)
    if means[1] < floor:
        low.append("mean nDCG@10")
    print(f"\n{_WORDS} words of a title: its article is first")
    for name in _NEWS:
        with open_news(config, name, data) as index, open_words(embed(index)) as words:
            known = choose_titles(index, random.Random(SEED))
            shares = [measure_titles(one, known) for one in (words, index)]
        print_row(name, shares)
        if shares[1] < shares[0] - MAX_FALL:
            low.append(f"titles of {name}")
    if across:
        print("\nMRR of questions in one language, of paragraphs in another")
        for language in _LANGUAGES:
            measure_across(config, data / "multilingual", language)
    return low


def print_row(name: str, figures: Sequence[float]) -> None:
    """Print a figure by words and one with meaning."""
    print(f"{name:<12}{figures[0]:8.4f}{figures[1]:15.4f}", flush=True)


@contextmanager
def open_news(config: Config, name: str, data: Path) -> Iterator[Index]:
    """An index of news in a temporary folder: "bbc", or the first stories of "reuters"."""
    with (
        tempfile.TemporaryDirectory() as place,
        open_index(config.with_options({"index": Path(place, "index")})) as index,
    ):
        if name == "bbc":
            fill(index, name, data)
        else:
            index.put(
                Article(story.id, story.title, story.paragraphs, story.published)
                for story in islice(reuters(data), _STORIES)
            )
        yield index


def embed(index: Index) -> Index:
    """The index, with a vector for each paragraph; raises RuntimeError where one is missing."""
    report = index.embed()
    if report.remaining:
        raise RuntimeError(f"{report.remaining:,} paragraphs have no vector: {report.failure}")
    return index


@contextmanager
def open_words(index: Index) -> Iterator[Index]:
    """The same index, searched by words alone."""
    with open_index(index.config.with_options({"meaning": 0.0})) as words:
        yield words


def choose_titles(index: Index, chance: random.Random) -> Sequence[tuple[str, str]]:
    """Consecutive words of the titles of some articles, each with the title."""
    titles = sorted({article.title for article in index.articles() if article.paragraphs})
    long = [title for title in titles if len(title.split()) >= _WORDS]
    found = []
    for title in chance.sample(long, _TITLES):
        words = title.split()
        start = chance.randrange(len(words) - _WORDS + 1)
        found.append((" ".join(words[start : start + _WORDS]), title))
    return found


def measure_titles(index: Index, known: Sequence[tuple[str, str]]) -> float:
    """The share of queries whose first hit has the title that goes with them."""
    first = ((index.search(query, limit=1).hits, title) for query, title in known)
    return mean(bool(hits) and hits[0].article.title == title for hits, title in first)


def measure_across(config: Config, folder: Path, language: str) -> None:
    """Print the figures by words and with meaning of paragraphs in a language, by questions in each."""
    target = folder / f"xquad-{language}"
    with open_collection(config, target) as index, open_words(embed(index)) as words:
        for other in _LANGUAGES:
            ranks = [evaluate(one, folder / f"xquad-{other}")["mrr"] for one in (words, index)]
            print_row(f"{other} in {language}", ranks)


def main() -> None:
    """Measure; exits with 1 if, with --check, some figures are too low."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.meaning", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of collections")
    parser.add_argument("--check", action="store_true", help="fail when a figure falls below its floor")
    parser.add_argument("--model", type=Path, help="another model: its folder")
    parser.add_argument("--floor", type=float, default=FLOOR, help="what the mean nDCG@10 must reach")
    chosen = parser.parse_args()
    if chosen.model is None and find_spec("wordllama") is None:
        print("skipped: it needs the wheel wordllama, of the extra `test`")
        return
    with tempfile.TemporaryDirectory() as place:
        model = chosen.model or make_static_model(Path(place))
        low = measure(chosen.data, model, chosen.floor, across=chosen.model is not None)
    if chosen.check and low:
        sys.exit(f"below the floor: {', '.join(low)}")


if __name__ == "__main__":
    main()
