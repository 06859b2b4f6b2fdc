"""How well each language is detected, and how well paragraphs are found by questions in it.

python -m tests.evaluation.languages --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexer.config import Config
from indexer.text.detection import detect_language
from tests.evaluation.collection import DATA, evaluate

# Mean reciprocal rank that must be reached, whether the language is stated or detected.
FLOOR = {"en": 0.96, "es": 0.95, "de": 0.93, "zh": 0.90}
# The share of texts whose language must be detected.
LEAST_TOLD = 0.995


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of each language; with --check, 1 when one falls below its floor."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.languages", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of collections")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--check", action="store_true", help="fail when a figure falls below its floor")
    chosen = parser.parse_args(arguments)
    found = {
        folder.name.removeprefix("xquad-"): measure(folder, folder.name.removeprefix("xquad-"))
        for folder in sorted((chosen.data / "multilingual").glob("xquad-*"))
    }
    news = _told(_bbc(chosen.data / "news" / "bbc"), "en", "de")
    if chosen.json:
        print(json.dumps({**found, "news": {"told": news}}, indent=2))
    else:
        print("language   MRR: detected    stated    floor   told, of texts / questions")
        for name, figures in found.items():
            print(
                f"{name:<10} {figures['detected']:13.4f} {figures['stated']:9.4f} {FLOOR.get(name, 0):8.2f}"
                f"   {figures['told']:.4f} / {figures['questions_told']:.4f}"
            )
        print(f"English news, where German is configured: told of {news:.4f}")
    low = [
        name
        for name, figures in found.items()
        if min(figures["detected"], figures["stated"]) < FLOOR.get(name, 0) or figures["told"] < LEAST_TOLD
    ]
    low += ["news"] if news < LEAST_TOLD else []
    if chosen.check and low:
        print(f"below the floor: {', '.join(low)}", file=sys.stderr)
        return 1
    return 0


def measure(folder: Path, language: str) -> dict[str, Any]:
    """The figures of a collection in one language; it is not the configured one if it must be detected."""
    configured = "de" if language == "en" else "en"
    docs, queries, qrels = (folder / name for name in ("docs.jsonl", "queries.jsonl", "qrels.tsv"))
    articles = [json.loads(line) for line in docs.read_text(encoding="utf-8").splitlines()]
    questions = [json.loads(line)["text"] for line in queries.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as place:
        stated = Path(place, "docs.jsonl")
        lines = [json.dumps(article | {"language": language}) for article in articles]
        stated.write_text("\n".join(lines), encoding="utf-8")
        return {
            "detected": evaluate(Config(language=configured), docs, queries, qrels)["mrr"],
            "stated": evaluate(Config(language=configured), stated, queries, qrels)["mrr"],
            "told": _told([article["text"] for article in articles], language, configured),
            "questions_told": _told(questions, language, configured),
        }


def _told(texts: Sequence[str], language: str, configured: str) -> float:
    """The share of texts that are detected as in a language."""
    return sum(detect_language("", [text], configured) == language for text in texts) / (len(texts) or 1)


def _bbc(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.rglob("*.txt"))]


if __name__ == "__main__":
    sys.exit(main())
