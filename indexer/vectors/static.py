"""Static models: each piece of a word has a row of numbers, whatever stands around it.

The vector of a window is the mean of the rows of its pieces. In memory, a number takes one byte, and each row
has a factor of its own. Against a table of 16 bits that is half of the memory and less time; with the model
of WordLlama, the cosine of both vectors of a text is more than 0.9999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelFailed
from indexer.vectors.folder import list_modules, load_tokenizer, make_fingerprint, split_pieces
from indexer.vectors.model import WINDOW, Matrix

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_FLOATS = ("F16", "F32", "F64")
_NAMES = ("embeddings", "embedding.weight", "embeddings.weight", "embedding")
_LARGEST = 127
"""The largest number of a row in memory."""
_AT_ONCE = 2**12
"""Rows that are read together."""


@dataclass(frozen=True, slots=True)
class StaticModel:
    """The files of a static model."""

    weights: Path
    tokenizer: Path

    def __str__(self) -> str:
        return f"the static model {self.weights}"

    def fingerprint(self) -> str:
        """Return the fingerprint; raises OSError."""
        return make_fingerprint("static", [self.weights, self.tokenizer])

    def load(self) -> StaticEncoder:
        """Return the model, loaded; raises ModelFailed, and errors of the libraries."""
        table, factors, rows, weights = self._read_tensors()
        tokenizer = load_tokenizer(self.tokenizer)
        pieces = tokenizer.get_vocab_size()
        known = len(table) if rows is None else len(rows)
        if pieces > known or (rows is not None and not 0 <= rows.min() <= rows.max() < len(table)):
            raise ModelFailed(
                f"{self} has rows for {known:,} pieces of words and its tokenizer has {pieces:,}",
                f"put the {self.tokenizer.name} beside it that belongs to it",
            )
        if rows is not None:
            factors = factors[rows]
        if weights is not None:
            factors = factors[:pieces] * weights[:pieces].astype(np.float32)
        return StaticEncoder(table, factors, tokenizer, rows)

    def _read_tensors(
        self,
    ) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[Any] | None, NDArray[Any] | None]:
        """Return the rows, their factors and, if the file has them, the row and the weight of each piece."""
        from safetensors import safe_open

        with safe_open(str(self.weights), framework="numpy") as file:
            found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
            kinds = {name: (len(part.get_shape()), part.get_dtype()) for name, part in found.items()}
            tables = [name for name, (order, kind) in kinds.items() if order == 2 and kind in _FLOATS]
            usual = [name for name in _NAMES if name in tables]
            if len(tables) != 1 and not usual:
                problem = (
                    f"has {len(tables)} tables of numbers: {', '.join(tables[:3])}…"
                    if tables
                    else ("has no table of numbers of 16, 32 or 64 bits")
                )
                raise ModelFailed(
                    f"{self} {problem}",
                    "a static model has one; export another kind of model to a .onnx file",
                )
            table, factors = self._read_table(found[(usual or tables)[0]])
            extra = {
                name: file.get_tensor(name)
                for name in ("mapping", "weights")
                if name in kinds and kinds[name][0] == 1
            }
        return table, factors, extra.get("mapping"), extra.get("weights")

    def _read_table(self, part: Any) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """Return the rows of a table as whole numbers, and the factor by which each has to be multiplied.

        The file is never in memory as a whole. Raises ModelFailed.
        """
        count, width = part.get_shape()
        table, largest = np.zeros((count, width), np.int8), np.zeros(count)
        for start in range(0, count, _AT_ONCE):
            end = min(start + _AT_ONCE, count)
            own = part[start:end].astype(np.float64)
            if not np.isfinite(own).all():
                raise ModelFailed(f"{self} has numbers that are not finite", "restore the file")
            most = np.abs(own).max(axis=1, initial=0.0)
            own /= np.where(most > 0, most, 1.0)[:, None]
            table[start:end] = np.rint(own * _LARGEST)
            largest[start:end] = most
        # Only directions count, so that all may be divided by the largest: 64 bits may not fit into 32.
        return table, (largest / (largest.max(initial=0.0) or 1.0)).astype(np.float32)


class StaticEncoder:
    """A static model that is loaded."""

    window, is_quick = WINDOW, True

    def __init__(
        self,
        table: NDArray[np.int8],
        factors: NDArray[np.float32],
        tokenizer: Tokenizer,
        rows: NDArray[Any] | None = None,
    ) -> None:
        """`rows` has the row of each piece, None if they are in the same order; `factors` are of pieces."""
        self._table, self._factors, self._tokenizer, self._rows = table, factors, tokenizer, rows

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return int(self._table.shape[1])

    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        """Return the sums of the rows of windows."""
        pieces = split_pieces(self._tokenizer, windows, special=False)
        sums = np.zeros((len(pieces), self.dimensions), np.float32)
        # Not as a product of matrices: BLAS would wake threads on all cores for each, which takes longer and
        # several times the work as soon as these have something else to do.
        for ids, own in zip(pieces, sums, strict=True):
            numbers = np.asarray(ids, np.intp)  # a window may have none
            rows = self._table.take(numbers if self._rows is None else self._rows[numbers], axis=0)
            np.multiply(rows, self._factors.take(numbers)[:, None]).sum(axis=0, out=own)
        return sums


def find_static(folder: Path) -> StaticModel | None:
    """Return the static model in a folder, or None if there is none; raises ConfigError."""
    for module in list_modules(folder)[:1]:
        if module.kind == "Transformer":
            return None
        if module.kind == "StaticEmbedding":
            folder = module.folder
    weights = sorted(folder.glob("*.safetensors"), key=lambda path: (path.name != "model.safetensors", path))
    tokenizer = folder / "tokenizer.json"
    return StaticModel(weights[0], tokenizer) if weights and tokenizer.is_file() else None
