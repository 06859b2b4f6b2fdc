"""Loads the model that detects languages, and keeps an unpacked copy of it.

py3langid ships its model compressed. Unpacking it takes 0.4 s of processor time, which every worker of a
sync would spend again. So the arrays are unpacked once into the user's cache folder (50 MB), and mapped into
memory from there, which takes a hundredth of that time. Where the cache cannot be written, the model is
unpacked each time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from indexer.files.regular import no_space_error

# In the order of the arguments of `LanguageIdentifier`; `tk_row` is named there.
_ARRAYS = ("nb_ptc", "nb_pc", "nb_classes", "tk_nextmove", "tk_output")
_ROWS = "tk_row"


def find_cache() -> Path:
    """The folder for unpacked models, which need not exist."""
    # Imported here, as is all that only the model needs: most archives are detected without it.
    from platformdirs import user_cache_path

    return user_cache_path("nutgraf", appauthor=False)


def clear_cache() -> int:
    """Remove the unpacked models; returns how many bytes they took. Raises OSError."""
    folder = find_cache()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    return size


def load_model(languages: tuple[str, ...]) -> Any:
    """The model for some languages, a `py3langid.langid.LanguageIdentifier` with normalized probabilities.

    Raises StorageFailed if it has to be unpacked and there is no space for that.
    """
    folder = find_cache() / _make_name(languages)
    try:
        return _map_model(folder)
    except (OSError, ValueError, EOFError):  # it is missing, or was altered
        model = _unpack_model(languages)
    with suppress(OSError):
        shutil.rmtree(folder, ignore_errors=True)
        _save_model(model, folder)
    return model


def _make_name(languages: tuple[str, ...]) -> str:
    """The name of the copy, another one for each version of py3langid and each choice of languages."""
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
    """Write a copy, which gets its name when it is whole and on the disk."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        for name in (*_ARRAYS, _ROWS):
            with (new / f"{name}.npy").open("xb") as file:
                np.save(file, np.ascontiguousarray(getattr(model, name)), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        # Fails if another process was faster.
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
