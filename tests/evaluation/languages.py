"""How well each language is detected, and how well paragraphs are found by questions in it.

python -m tests.evaluation.languages --data ../shared/data
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from indexer.config import Config
from indexer.text.detection import detect_language
from tests.evaluation.collection import evaluate, read_json_lines, run

# Mean reciprocal rank that must be reached, whether the language is stated or detected.
FLOOR = {"en": 0.96, "es": 0.95, "de": 0.93, "zh": 0.90}
# The share of texts whose language must be detected.
LEAST_TOLD = 0.995


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
    return [*low, "news"] if news < LEAST_TOLD else low


def _figures(folder: Path, language: str) -> tuple[float, float, float, float]:
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
        return (
            evaluate(config, folder)["mrr"],
            evaluate(config, folder, stated)["mrr"],
            _told([article["text"] for article in articles], language, configured),
            _told(questions, language, configured),
        )


def _told(texts: Sequence[str], language: str, configured: str) -> float:
    """The share of texts that are detected as in a language."""
    return sum(detect_language("", [text], configured) == language for text in texts) / (len(texts) or 1)


def _bbc(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.rglob("*.txt"))]


if __name__ == "__main__":
    run("languages", __doc__, measure)
