"""BM25S: scores worked out when it indexes, summed when it searches, in memory."""

from __future__ import annotations

import json
import re
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import Stemmer

from tests.benchmarks.corpus import read_lines
from tests.benchmarks.engines import TOP, Engine, Found
from tests.benchmarks.queries import Kind, Question

_ANY = "it ranks by any of the words only"
_WORD = re.compile(r"\b\w\w+\b")


class Bm25s(Engine):
    """One document a paragraph, PyStemmer; text and dates beside it, passages marked in Python."""

    name = "bm25s"
    library = "bm25s"
    module = "bm25s"
    lacks: ClassVar[dict[Kind, str]] = {
        Kind.AND: _ANY,
        Kind.PHRASE: "it keeps no positions",
        Kind.PREFIX: "it has whole words only",
        Kind.FUZZY: "it has whole words only",
        Kind.SORTED: "it sorts by score only",
        Kind.FACETS: "it counts nothing",
    }

    def build(self, source: Path, folder: Path) -> None:
        """Tokens, scores, and a corpus file with the text."""
        bm25s: Any = import_module("bm25s")
        rows, days = [], []
        for story in read_lines(source):
            day = datetime.fromisoformat(story.published).toordinal()
            for number, text in enumerate((story.title, *story.paragraphs)):
                rows.append({"article": story.id, "number": number, "text": text})
                days.append(day)
        tokens = bm25s.tokenize(
            [row["text"] for row in rows], stemmer=Stemmer.Stemmer("english"), show_progress=False
        )
        scores = bm25s.BM25()
        scores.index(tokens, show_progress=False)
        folder.mkdir(parents=True)
        scores.save(str(folder), show_progress=False)
        np.save(folder / "days.npy", np.array(days, np.int32))
        with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def open(self, folder: Path) -> None:
        """Everything into memory, as is its way."""
        self._library: Any = import_module("bm25s")
        self._scores: Any = self._library.BM25.load(str(folder), verbosity=0, show_progress=False)
        self._days = np.load(folder / "days.npy")
        with (folder / "rows.jsonl").open(encoding="utf-8") as lines:
            self._rows = [json.loads(line) for line in lines]
        self._stem = Stemmer.Stemmer("english").stemWord

    def search(self, question: Question) -> list[Found]:
        """The ten best documents, marked."""
        stems = {self._stem(word) for word in question.words}
        mask = None
        if question.after and question.before:
            start, end = question.after.toordinal(), question.before.toordinal()
            mask = ((self._days >= start) & (self._days < end)).astype(np.float32)
        places, scores = self._scores.retrieve(
            [list(stems)], k=min(TOP, len(self._rows)), show_progress=False, weight_mask=mask
        )
        rows = [self._rows[place] for place, score in zip(places[0], scores[0], strict=True) if score > 0]
        return [Found(row["article"], self._mark(row["text"], stems)) for row in rows]

    def _mark(self, text: str, stems: set[str]) -> str:
        stem = self._stem
        return _WORD.sub(
            lambda word: f"<b>{word[0]}</b>" if stem(word[0].lower()) in stems else word[0], text
        )

    def close(self) -> None:
        """Let go of the memory."""
        del self._scores, self._rows, self._days
