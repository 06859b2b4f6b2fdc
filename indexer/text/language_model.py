"""Loads the model that detects languages, and keeps an unpacked copy of it.

py3langid ships its model compressed. Unpacking it takes 0.4 s of processor time, which every worker of a
sync would spend again. So the arrays are unpacked once into the cache (50 MB), and mapped into memory from
there, which takes a hundredth of that time.
"""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from indexer.files.cache import find_cache, keep
from indexer.files.regular import no_space_error

# In the order of the arguments of `LanguageIdentifier`; `tk_row` is named there.
_ARRAYS = ("nb_ptc", "nb_pc", "nb_classes", "tk_nextmove", "tk_output")
_ROWS = "tk_row"


def load_model(languages: tuple[str, ...]) -> Any:
    """The model for some languages, a `py3langid.langid.LanguageIdentifier` with normalized probabilities.

    Raises StorageFailed if it has to be unpacked and there is no space for that.
    """
    folder = find_cache() / _make_name(languages)
    try:
        return _map_model(folder)
    except (OSError, ValueError, EOFError):  # it is missing, or was altered
        model = _unpack_model(languages)
    shutil.rmtree(folder, ignore_errors=True)
    keep(folder, lambda new: _save_model(model, new))
    return model


def _make_name(languages: tuple[str, ...]) -> str:
    """The name of the copy, another one for each version of py3langid and each choice of languages."""
    # Imported here, since only a process that reads documents needs it.
    from importlib.metadata import version

    return f"languages-{version('py3langid')}-{zlib.crc32(' '.join(languages).encode()):08x}"


def _unpack_model(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    try:
        model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    except OSError as error:
        raise no_space_error(
            "which holds the language detection model while it is unpacked", error
        ) from error
    model.set_languages(languages)
    return model


def _map_model(folder: Path) -> Any:
    from py3langid.langid import LanguageIdentifier

    ptc, pc, classes, moves, output = (_map_array(folder, name) for name in _ARRAYS)
    rows = _map_array(folder, _ROWS)
    # Single numbers are read from these: Python's own views give them faster than arrays do.
    return LanguageIdentifier(
        ptc, np.array(pc), classes.tolist(), moves.data, output.data, norm_probs=True, tk_row=rows.data
    )


def _map_array(folder: Path, name: str) -> Any:
    return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)


def _save_model(model: Any, folder: Path) -> None:
    folder.mkdir()
    for name in (*_ARRAYS, _ROWS):
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(model, name)), allow_pickle=False)
