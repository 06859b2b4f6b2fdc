"""Models that the library sentence-transformers runs: by name, or in a folder without an ONNX file.

Nothing is downloaded: a model that is named must be in the cache of the Hugging Face Hub on this machine.
No code of a model is run either, though the library would import any Python class that its folder names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexer.errors import ModelFailed, quote_value
from indexer.files.fork_safe import Lock
from indexer.vectors.folder import Module, list_modules, make_fingerprint, read_json
from indexer.vectors.model import WINDOW, Matrix, limit_window

# Names without an owner are those of the makers of the library.
_OWNER = "sentence-transformers"
_BATCH = 16
"""Windows that are embedded at once."""
_LIBRARY, _ACTIVATIONS = "sentence_transformers.", "torch.nn."
"""How the names of the classes begin that a model may name."""
_PART_FILES = ("config.json", "router_config.json", "wordembedding_config.json")
_CLASS_KEYS = ("activation_function", "tokenizer_class")
"""Where the library looks for classes in the configuration of a part, beside `types`, which are parts too."""
_CONTENTS = ("*.json", "*.txt", "*.safetensors", "*.bin", "*.model")


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model in the cache of the Hugging Face Hub."""

    name: str

    def __str__(self) -> str:
        return f"the model {self.name} of sentence-transformers"

    @property
    def full_name(self) -> str:
        """Its name with that of its owner."""
        return self.name if "/" in self.name else f"{_OWNER}/{self.name}"

    def fingerprint(self) -> str:
        """Return the fingerprint; raises ModelFailed if the model is not on this machine."""
        # The folder has the name of the commit.
        return make_fingerprint("hub", name=self.full_name, commit=self._find_folder().name)

    def load(self) -> HubEncoder:
        """Return the model, loaded; raises ModelFailed, and errors of the library."""
        return load_folder(self._find_folder())

    def _find_folder(self) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return Path(snapshot_download(self.full_name, local_files_only=True))
        except LocalEntryNotFoundError as error:
            raise ModelFailed(
                f"there is no folder {self.name}, and {self} is not on this machine",
                f"check the path, or download it with `hf download {self.full_name}`",
            ) from error


@dataclass(frozen=True, slots=True)
class FolderModel:
    """A folder of sentence-transformers without an ONNX file."""

    folder: Path

    def __str__(self) -> str:
        return f"the model in {self.folder}"

    def fingerprint(self) -> str:
        """Return the fingerprint; raises OSError."""
        files = [path for pattern in _CONTENTS for path in self.folder.rglob(pattern) if path.is_file()]
        return make_fingerprint("folder", sorted(files, key=lambda path: path.relative_to(self.folder).parts))

    def load(self) -> HubEncoder:
        """Return the model, loaded; raises any error of the library."""
        return load_folder(self.folder)


class HubEncoder:
    """A model that the library has loaded (version 3 or later)."""

    is_quick = False

    def __init__(self, model: Any) -> None:
        self._model = model
        # The tokenizers of the library must not be used by two threads at the same time.
        self._lock = Lock()
        self.window = limit_window(model.max_seq_length or WINDOW * 2)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return int(self.encode(["a"], is_query=False, seconds=0).shape[1])

    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        """Return the vectors of windows."""
        with self._lock:
            return self._encode(list(windows), is_query)

    def _encode(self, windows: list[str], is_query: bool) -> Matrix:
        options: dict[str, Any] = {"batch_size": _BATCH, "show_progress_bar": False}
        # From version 5 on, the library knows by itself what stands before a query or a text.
        own = getattr(self._model, "encode_query" if is_query else "encode_document", None)
        if own is None:
            names = ("query",) if is_query else ("document", "passage", "corpus")
            prompts = getattr(self._model, "prompts", None) or {}
            options["prompt_name"] = next((name for name in names if name in prompts), None)
            own = self._model.encode
        return np.asarray(own(windows, **options), np.float32)


def load_folder(folder: Path) -> HubEncoder:
    """Return the model in a folder, loaded; raises ModelFailed, ConfigError and any error of the library."""
    _check_classes(folder)
    from sentence_transformers import SentenceTransformer

    return HubEncoder(SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False))


def _check_classes(folder: Path) -> None:
    """Raise ModelFailed if the model names a class that is neither of the library nor of torch.nn.

    The library imports classes of a local folder whatever `trust_remote_code` says, before version 6.
    """
    left, seen = list_modules(folder), set[Path]()
    for module in left:
        _check_class(folder / "modules.json", module.name)
    while left:
        place = left.pop().folder.resolve()
        if place in seen:  # Parts may name each other.
            continue
        seen.add(place)
        for name in _PART_FILES:
            settings = read_json(place / name)
            for key in _CLASS_KEYS:
                value = settings.get(key)
                # A name without a dot is one that the library knows.
                if isinstance(value, str) and "." in value:
                    _check_class(place / name, value, _LIBRARY, _ACTIVATIONS)
            parts = settings.get("types")
            for part, value in parts.items() if isinstance(parts, dict) else ():
                _check_class(place / name, str(value))
                left.append(Module(str(value), place / part))


def _check_class(file: Path, name: str, *allowed: str) -> None:
    if not name.startswith(allowed or _LIBRARY):
        raise ModelFailed(
            f"{file} names {quote_value(name)}, which is not run",
            "give a model with parts of sentence_transformers only",
        )
