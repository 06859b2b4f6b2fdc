"""What a model is, which one a configuration names, and what all of them share.

A loader knows where a model is and what its fingerprint is. It makes the encoder, which has the weights and
embeds windows of a text. `LoadedOnUse` adds what is the same for every model.
"""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.address import is_service
from indexer.errors import ConfigError, ModelFailed, quote_value
from indexer.files.fork_safe import Lock
from indexer.files.threads import start_thread

Matrix = NDArray[np.float32]
"""Vectors, one a row (float32); the length of each is 1, or 0 for a text without anything that is known."""
Made = TypeVar("Made")

WINDOW = 160
"""The most words of a text that are embedded at once."""
_LENGTH = 1500
"""The most characters of a window. An ASCII digit or sign counts three times, as it makes more pieces.

A window of English news comes to about 1,000, and hardly ever to 1,500. One of hexadecimal digits that comes
to 1,500 has about 500 pieces, which is what many services read.
"""
_PIECES = 4 / 3
"""About how many pieces a word has."""
_QUERIES = 1000
"""How many vectors of queries are kept."""
_THREADS = 8
"""How many queries with a time limit are embedded at the same time."""
_REASON = 200
"""Characters of an error of a library that are quoted."""

# A word of a window is up to two characters of a script that has no spaces, or in which a few characters are
# a word, or else up to sixteen characters: models divide longer words into many pieces.
_DENSE = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_DENSE}]{{1,2}}|[^\s{_DENSE}]{{1,16}}")
_SIGNS = re.compile(r"[!-@\[-`{-~]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# The name of a model, with or without that of its owner.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_EXTRA = "nutgraf[meaning]"
# Keeps the models that a forked process has inherited: the destructor of an ONNX session would wait for its
# threads, which do not exist in the child.
_inherited: list[object] = []


class TextRefused(ModelFailed):
    """The model refuses a text, such as one that is too long; another one may do."""


class Model(Protocol):
    """Makes vectors of texts; safe to share between threads, and to use in a forked process.

    As a string, it says what it is and where.
    """

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that stand for the model: only vectors of the same one are compared.

        Reads the files of the model, once in a process, but does not load it. Raises ModelFailed.
        """

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has; loads the model. Raises ModelFailed."""

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts of any length; raises ModelFailed."""

    def start_query(self, text: str, seconds: float) -> None:
        """Begin to embed a query that `embed_query` is asked for soon, unless that is quick; raises nothing.

        `seconds` are what it may take.
        """

    def embed_query(self, text: str, seconds: float = float("inf")) -> Matrix:
        """Return the vector of a query, as one row; raises ModelFailed, also where it takes longer."""


class Encoder(Protocol):
    """A model that is loaded. Its methods may raise any error."""

    @property
    def window(self) -> int:
        """The most words that a window may have."""

    @property
    def is_quick(self) -> bool:
        """Whether any query takes less than a few milliseconds, so that no time limit has to be watched."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""

    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        """Return one vector for each of some windows, at least one; their lengths do not matter.

        `seconds` bounds how long it waits for others, such as a service.
        """


class Loader(Protocol):
    """Where a model is. As a string, it says what it is and where. Its methods may raise any error."""

    def fingerprint(self) -> str:
        """Return the fingerprint, without loading the model."""

    def load(self) -> Encoder:
        """Return the model, loaded."""


def open_model(name: str, key: str = "") -> Model:
    """Return the model that the option `model` names; it is loaded when it is first used.

    `key` is that for a service. Nothing is ever downloaded. Raises ConfigError if there is no such model, or
    a library is missing.
    """
    if is_service(name):
        from indexer.vectors.service import Service

        return LoadedOnUse(Service.parse(name, key))
    path = Path(name).expanduser()
    is_model = path.is_dir() or (path.suffix == ".onnx" and path.is_file())
    if name and is_model:
        return LoadedOnUse(_find_loader(path))
    if path.exists() or name.startswith(("/", ".", "~")) or not _HUB_NAME.fullmatch(name):
        problem = "is not a folder" if path.exists() else "does not exist"
        raise ConfigError(
            f"{quote_value(name)} {problem}: give a folder with a model, the name of a model for "
            "sentence-transformers, or the address of a service such as https://models.example/v1#name",
            "model",
        )
    if find_spec("sentence_transformers") is None:
        raise ConfigError(
            f"there is no folder {quote_value(name)}: check the path, or pip install 'sentence-transformers' "
            "if it is the name of a model for this library",
            "model",
        )
    from indexer.vectors.hub import HubModel

    return LoadedOnUse(HubModel(name))


def embed_windows(
    texts: Sequence[str], encode: Callable[[Sequence[str]], Matrix], words: int = WINDOW
) -> Matrix | None:
    """Return the vectors of texts: each is the mean direction of its windows, of up to `words` words.

    Returns None if no text has a word.
    """
    divided = [split_windows(text, words) for text in texts]
    windows = [window for each in divided for window in each]
    if not windows:
        return None
    vectors = _normalize(encode(windows))
    if len(windows) == len(texts) and all(divided):
        return vectors
    counts = np.array([len(each) for each in divided])
    ends = np.cumsum(counts)
    sums = np.zeros((len(texts), vectors.shape[1]), np.float32)
    # Without the texts that have no window, since reduceat gives these the vector of the next text.
    sums[counts > 0] = np.add.reduceat(vectors, (ends - counts)[counts > 0])
    return _normalize(sums)


def limit_window(pieces: int) -> int:
    """Return the most words of a window for a model that reads this many pieces of words."""
    return max(1, min(WINDOW, int(pieces / _PIECES)))


def split_windows(text: str, words: int = WINDOW) -> list[str]:
    """Divide a text into windows of about the same number of words, which is `words` at most.

    Those with too many characters are divided in halves. What cannot be encoded as UTF-8 is replaced. A text
    without words has no windows.
    """
    if not text.isascii():
        text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    text = text.strip()
    if len(text) <= words:  # A word has one character or more.
        return [text] if text else []
    starts = [match.start() for match in _WORD.finditer(text)]
    count = -(-len(starts) // words)
    windows: list[str] = []
    # In reverse order, as the last one is taken first.
    bounds = [len(starts) * number // count for number in range(count + 1)]
    left = list(pairwise(bounds))[::-1]
    starts.append(len(text))
    while left:
        first, last = left.pop()
        window = text[starts[first] : starts[last]].rstrip()
        if last - first > 1 and _is_too_long(window):
            middle = (first + last) // 2
            left += [(middle, last), (first, middle)]
        else:
            windows.append(window)
    return windows


def _is_too_long(window: str) -> bool:
    # Signs are counted only where they can decide.
    return len(window) * 3 > _LENGTH and len(window) + 2 * len(_SIGNS.findall(window)) > _LENGTH


class _Loaded(NamedTuple):
    process: int
    encoder: Encoder


class _Queries(NamedTuple):
    """What embeds queries in the threads of a process: how many more it may, and those that it does."""

    process: int
    free: threading.Semaphore
    running: dict[str, Future[Matrix]]


class LoadedOnUse:
    """The model of a loader, which is loaded when it is first used, once in each process.

    Whatever a library raises becomes ModelFailed.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock, self._query_lock = Lock(), Lock()
        self._loaded: _Loaded | None = None
        self._fingerprint, self._dimensions = "", 0
        """Empty and 0 until they are known."""
        self._threads = _Queries(0, threading.Semaphore(0), {})
        self._queries: OrderedDict[str, Matrix] = OrderedDict()

    def __str__(self) -> str:
        return str(self._loader)

    def __repr__(self) -> str:
        return f"<{self._loader}>"

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that stand for the model; raises ModelFailed."""
        if not self._fingerprint:
            self._fingerprint = self._find_fingerprint()
        return self._fingerprint

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has; raises ModelFailed."""
        if not self._dimensions:
            encoder = self._load()
            self._dimensions = self._translate(lambda: encoder.dimensions, "failed")
        return self._dimensions

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts of any length; raises ModelFailed."""
        return self._embed(texts, is_query=False, seconds=math.inf)

    def start_query(self, text: str, seconds: float) -> None:
        """Begin to embed a query in a thread, unless that is quick, or too many are being embedded."""
        text = " ".join(text.split())
        if text not in self._queries and not self._is_quick:
            with suppress(ModelFailed):
                self._start(text, seconds, wait=0.0)

    def embed_query(self, text: str, seconds: float = math.inf) -> Matrix:
        """Return the vector of a query, as one row; raises ModelFailed, also where it takes longer.

        Then a thread finishes it, so that the next query finds the model loaded. The vectors of the last
        1,000 queries are kept.
        """
        text = " ".join(text.split())
        found = self._queries.get(text)
        if found is None:
            found = self._embed_within(text, seconds)
        with self._query_lock:
            if text in self._queries:
                self._queries.move_to_end(text)
        return found

    def _embed_new(self, text: str, seconds: float) -> Matrix:
        """Return the vector of a query, and keep it."""
        vector = self._embed([text], is_query=True, seconds=seconds)
        vector.flags.writeable = False
        with self._query_lock:
            self._queries[text] = vector
            while len(self._queries) > _QUERIES:
                self._queries.popitem(last=False)
        return vector

    def _embed(self, texts: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        encoder = self._load()

        def encode(windows: Sequence[str]) -> Matrix:
            return encoder.encode(windows, is_query=is_query, seconds=seconds)

        vectors = self._translate(lambda: embed_windows(texts, encode, encoder.window), "failed")
        if vectors is None:
            return np.zeros((len(texts), self.dimensions), np.float32)
        if not np.isfinite(vectors).all():
            raise ModelFailed(f"{self} gives numbers that are not finite", "give another model")
        found = vectors.shape[1]
        if self._dimensions not in (0, found):
            raise ModelFailed(
                f"{self} gives {found} numbers a text, and gave {self._dimensions} before",
                "start again, and embed the texts anew",
            )
        self._dimensions = found
        return vectors

    def _load(self) -> Encoder:
        """Return the encoder of this process, which only the first call has to load."""
        loaded = self._loaded
        if loaded is None or loaded.process != os.getpid():
            with self._lock:
                loaded = self._loaded
                if loaded is None or loaded.process != os.getpid():
                    if loaded:
                        _inherited.append(loaded)
                    loaded = self._loaded = self._load_now()
        return loaded.encoder

    def _load_now(self) -> _Loaded:
        told = self.fingerprint
        encoder = self._translate(self._loader.load, "cannot be loaded")
        # Vectors of what is in the files now must not be compared with those of what was there before.
        if self._find_fingerprint() != told:
            raise ModelFailed(f"{self} was replaced since it was opened", "start the program again")
        return _Loaded(os.getpid(), encoder)

    def _find_fingerprint(self) -> str:
        return self._translate(self._loader.fingerprint, "cannot be loaded")

    @property
    def _is_quick(self) -> bool:
        loaded = self._loaded
        return loaded is not None and loaded.process == os.getpid() and loaded.encoder.is_quick

    def _embed_within(self, text: str, seconds: float) -> Matrix:
        """Return the vector of a query that is not kept; raises ModelFailed, also if it takes longer."""
        if seconds == math.inf or self._is_quick:
            return self._embed_new(text, seconds)
        end = time.monotonic() + seconds
        result = self._start(text, seconds, wait=seconds)
        try:
            return result.result(timeout=max(end - time.monotonic(), 0))
        except TimeoutError:
            raise self._make_late(seconds) from None

    def _start(self, text: str, seconds: float, *, wait: float) -> Future[Matrix]:
        """Embed a query in a thread, unless one does; raises ModelFailed if none is free within `wait` s."""
        threads = self._threads
        if threads.process != os.getpid():
            threads = self._threads = _Queries(os.getpid(), threading.Semaphore(_THREADS), {})
        if (running := threads.running.get(text)) is not None:
            return running
        if not threads.free.acquire(timeout=max(wait, 0)):
            raise self._make_late(seconds)
        try:
            result = start_thread("embedding a query", lambda: self._embed_new(text, seconds))
        except RuntimeError as error:
            threads.free.release()
            raise ModelFailed(f"{self} cannot be used now ({error})", "try again later") from error
        threads.running[text] = result

        def finish(_: object) -> None:
            threads.running.pop(text, None)
            threads.free.release()

        result.add_done_callback(finish)
        return result

    def _make_late(self, seconds: float) -> ModelFailed:
        return ModelFailed(f"{self} has not answered within {seconds:.3g} s")

    def _translate(self, compute: Callable[[], Made], problem: str) -> Made:
        """Return what a call returns; any error that it raises becomes ModelFailed."""
        try:
            return compute()
        except ModelFailed:
            raise
        except ConfigError as error:
            raise ModelFailed(error.problem) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelFailed(f"{self} {problem} ({reason})", "check that its files can be read") from error
        except MemoryError as error:
            raise ModelFailed(f"{self} {problem}, as memory is short", "give a smaller model") from error
        except BaseException as error:
            # tokenizers and onnxruntime raise errors of no common kind. A panic of Rust is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise ModelFailed(
                f"{self} {problem} ({type(error).__name__}: {shorten(str(error))})",
                "check that its files are complete and belong to one model",
            ) from error


def _find_loader(path: Path) -> Loader:
    """Return how to load the model in a folder, or in an ONNX file; raises ConfigError."""
    from indexer.vectors.onnx import find_onnx
    from indexer.vectors.static import find_static

    if onnx := find_onnx(path):
        _require(str(onnx), "onnxruntime", "tokenizers")
        return onnx
    if static := find_static(path):
        _require(str(static), "safetensors", "tokenizers")
        return static
    if (path / "modules.json").is_file() or (path / "config.json").is_file():
        _require(f"the model in {path}, which has no .onnx file,", "sentence_transformers")
        from indexer.vectors.hub import FolderModel

        return FolderModel(path)
    raise ConfigError(
        f"{path} has no model: there must be a file tokenizer.json in it, and a .onnx file, or a "
        ".safetensors file with a static model",
        "model",
    )


def _require(user: str, *libraries: str) -> None:
    """Raise ConfigError unless some libraries are installed; this does not load them."""
    for library in libraries:
        if find_spec(library) is None:
            name = library.replace("_", "-")
            package = name if name == "sentence-transformers" else _EXTRA
            raise ConfigError(
                f"{user} needs {name}, which is not installed: pip install '{package}'", "model"
            )


def _normalize(vectors: NDArray[np.floating]) -> Matrix:
    """Return vectors with the length 1, and those without a direction with 0."""
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def shorten(reason: str) -> str:
    """Return an error of a library as part of a line."""
    return " ".join(reason.split())[:_REASON]
