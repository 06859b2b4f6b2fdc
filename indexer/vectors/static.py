"""Static models: each piece of a word has a row of numbers, whatever stands around it.

The vector of a window is the mean of the rows of its pieces.
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
        table, rows, factors = self._read_tensors()
        tokenizer = load_tokenizer(self.tokenizer)
        pieces = tokenizer.get_vocab_size()
        known = len(table) if rows is None else len(rows)
        if pieces > known or (rows is not None and not 0 <= rows.min() <= rows.max() < len(table)):
            raise ModelFailed(
                f"{self} has rows for {known:,} pieces of words and its tokenizer has {pieces:,}",
                f"put the {self.tokenizer.name} beside it that belongs to it",
            )
        return StaticEncoder(table, tokenizer, rows, factors)

    def _read_tensors(self) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]:
        """Return the rows and, if the file has them, the row and the factor of each piece."""
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
            table = file.get_tensor((usual or tables)[0])
            extra = {
                name: file.get_tensor(name)
                for name in ("mapping", "weights")
                if name in kinds and kinds[name][0] == 1
            }
        if not np.isfinite(table).all():
            raise ModelFailed(f"{self} has numbers that are not finite", "restore the file")
        return table, extra.get("mapping"), extra.get("weights")


class StaticEncoder:
    """A static model that is loaded."""

    window, is_quick = WINDOW, True

    def __init__(
        self,
        table: NDArray[Any],
        tokenizer: Tokenizer,
        rows: NDArray[Any] | None = None,
        factors: NDArray[Any] | None = None,
    ) -> None:
        self._table, self._tokenizer, self._rows, self._factors = table, tokenizer, rows, factors

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
            rows = self._table[ids if self._rows is None else self._rows[ids]].astype(np.float32)
            if self._factors is not None:
                rows *= self._factors[ids, None]
            rows.sum(axis=0, out=own)
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
