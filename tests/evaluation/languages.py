"""How well each language is detected, how well paragraphs are found by questions in it, and whether articles
in one language change what words match in another.

python -m tests.evaluation.languages --data ../shared/data
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from indexer import Article, Index, open_index
from indexer.config import Config
from indexer.engine import QueryContext, run_query
from indexer.text.detection import detect_language
from tests.evaluation.collection import evaluate, open_collection, read_json_lines, run
from tests.fixtures.commits import open_commit

# Mean reciprocal rank that must be reached, whether the language is stated or detected.
FLOOR = {"en": 0.96, "es": 0.95, "de": 0.93, "zh": 0.90}
# The share of texts whose language must be detected.
LEAST_TOLD = 0.995
WORDS = 250
# Queries are analysed in each of them once there is an article, whatever its text.
FOREIGN = (
    "ar", "ca", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hu", "id", "it", "lt", "nl", "no", "pl",
    "pt", "ro", "ru", "sv", "tr",
)  # fmt: skip


def measure(data: Path) -> list[str]:
    """Print the figures of each language; returns those below their floor."""
    low = []
    print("language   MRR: detected    stated    floor   told, of texts / questions")
    for folder in sorted((data / "multilingual").glob("xquad-*")):
        name = folder.name.removeprefix("xquad-")
        detected, stated, told, questions_told = _figures(folder, name)
        floor = FLOOR.get(name, 0)
        print(f"{name:<10} {detected:13.4f} {stated:9.4f} {floor:8.2f}   {told:.4f} / {questions_told:.4f}")
        if min(detected, stated) < floor or told < LEAST_TOLD:
            low.append(name)
    news = _told(_bbc(data / "news" / "bbc"), "en", "de")
    print(f"English news, where German is configured: told of {news:.4f}")
    if news < LEAST_TOLD:
        low.append("news")
    changed = count_changed_words(data / "news" / "bbc")
    print(f"of {WORDS} frequent words of English news, after an article in each of {len(FOREIGN)} languages:")
    print(f"{changed:5} match other English articles")
    return [*low, "words"] if changed else low


def count_changed_words(folder: Path) -> int:
    """Of the most frequent words of English articles, how many match others once there are foreign ones."""
    foreign = [Article(f"foreign-{code}", "2021", ["2021."], language=code) for code in FOREIGN]
    with tempfile.TemporaryDirectory() as place, open_index(Config(index=Path(place, "index"))) as index:
        index.put(Article(f"{n}", "", [text], language="en") for n, text in enumerate(_bbc(folder)))
        frequencies = open_commit(index).snapshot.vocabulary.frequencies
        words = sorted(frequencies, key=lambda word: (-frequencies[word], word))[:WORDS]
        before = [_find(index, word) for word in words]
        index.put(foreign)
        ids = {article.id for article in foreign}
        return sum(_find(index, word) - ids != own for word, own in zip(words, before, strict=True))


def _find(index: Index, word: str) -> set[str]:
    """The ids of all articles that match a word."""
    opened = open_commit(index)
    context = QueryContext(opened.snapshot, opened.search_settings.languages)
    matches = run_query(context, opened.search_settings.parse(word).tree, depth=0).full
    return {opened.snapshot.id_of(number) for number in matches.articles.tolist()}


def _figures(folder: Path, language: str) -> tuple[float, ...]:
    """Of a collection in one language: MRR with it detected and stated, and of what share it is detected.

    It is not the configured language if it must be detected.
    """
    configured = "de" if language == "en" else "en"
    config = Config(language=configured)
    articles = read_json_lines(folder / "docs.jsonl")
    questions = [query["text"] for query in read_json_lines(folder / "queries.jsonl")]
    with tempfile.TemporaryDirectory() as place:
        stated = Path(place, "docs.jsonl")
        lines = [json.dumps(article | {"language": language}) for article in articles]
        stated.write_text("\n".join(lines), encoding="utf-8")
        ranks = []
        for docs in (None, stated):
            with open_collection(config, folder, docs) as index:
                ranks.append(evaluate(index, folder)["mrr"])
        told = (_told(texts, language, configured) for texts in ([a["text"] for a in articles], questions))
        return (*ranks, *told)


def _told(texts: Sequence[str], language: str, configured: str) -> float:
    """The share of texts that are detected as in a language."""
    return sum(detect_language("", [text], configured) == language for text in texts) / (len(texts) or 1)


def _bbc(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.rglob("*.txt"))]


if __name__ == "__main__":
    run("languages", __doc__, measure)
