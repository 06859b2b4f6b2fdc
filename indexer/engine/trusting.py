"""What comes of numbers that a file has is said of the file, not of the code that reads them."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from indexer.errors import IndexDamaged, InvalidArticle

_NONSENSE = (IndexError, ValueError, OverflowError, RecursionError, InvalidArticle)


class trusting:  # noqa: N801  (used as contextlib's managers are)
    """Within it, what Python and NumPy raise of numbers and texts that are read from a file is IndexDamaged.

    For places where what is stored is used and nothing else is: only there is it the file that is wrong. That
    memory is short is never the file's fault: what it says is bounded before it is made room for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _NONSENSE):
            raise IndexDamaged(
                f"{self._path} is damaged: what it has makes no sense ({error}); run `nutgraf doctor --fix`"
            ) from error
