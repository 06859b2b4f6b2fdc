"""What the folder of a model has: configuration, a tokenizer, and contents that decide its vectors."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from indexer.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_VERSION = 1
"""Part of all fingerprints; to be raised when the same model gives texts other vectors than before."""


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, which is empty if there is no such file; raises ConfigError."""
    value = _read_json(path)
    if not isinstance(value, dict):
        raise ConfigError(f"{path} has no JSON object: restore the file", "model")
    return value


class Module(NamedTuple):
    """A part of a sentence-transformers model, as modules.json states it."""

    name: str
    """The name of its class, with that of the Python module that has the class."""
    folder: Path

    @property
    def kind(self) -> str:
        """The name of the class by itself, such as Pooling."""
        return self.name.rpartition(".")[2]


def list_modules(folder: Path) -> list[Module]:
    """Return the parts of a sentence-transformers model, in order; there are none in that of another model.

    Raises ConfigError.
    """
    path = folder / "modules.json"
    value = _read_json(path) or []
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise ConfigError(f"{path} has no list of parts: restore the file", "model")
    return [Module(str(part.get("type", "")), folder / str(part.get("path", ""))) for part in value]


def make_fingerprint(kind: str, files: Iterable[Path] = (), **facts: object) -> str:
    """Return the fingerprint of a model from the contents of its files and from what else decides vectors.

    The facts are values of JSON. Where the files are does not matter, only their order. Raises OSError.
    """
    parts = [_VERSION, kind, facts, [hash_file(file) for file in files]]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def hash_file(path: Path) -> str:
    """Return the BLAKE2b hash of a file, of 128 bits; it is read once in a process unless it changes.

    Raises OSError.
    """
    known = path.stat()
    return _hash_file(path.resolve(), known.st_size, known.st_mtime_ns, known.st_ino)


def load_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer in a file, without the padding and the truncation that the file may state.

    Raises OSError, and any error of the library.
    """
    # Imported here, since a search by words alone does not need it.
    from tokenizers import Tokenizer

    # Reading it from a string takes 15 MB more, which the process keeps.
    made = Tokenizer.from_buffer(path.read_bytes())
    made.no_padding()
    made.no_truncation()
    # A text may contain what looks like a special token.
    made.encode_special_tokens = True
    return made


def split_pieces(tokenizer: Tokenizer, texts: Sequence[str], *, special: bool) -> list[list[int]]:
    """Return the numbers of the pieces of each text; `special` for those that frame a text, too."""
    if len(texts) == 1:
        return [tokenizer.encode(texts[0], add_special_tokens=special).ids]
    # By default the library uses all cores for this, and writes a warning when the process forks later.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return [found.ids for found in tokenizer.encode_batch_fast(list(texts), add_special_tokens=special)]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror or error})", "model") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON ({error}): restore the file", "model") from error


@lru_cache(maxsize=64)
def _hash_file(path: Path, *_identity: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
