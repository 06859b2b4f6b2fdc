"""Models of a service that understands the request for embeddings of OpenAI: POST {address}/embeddings.

Every text that is embedded goes to the service, and every query.
"""

from __future__ import annotations

import http.client
import math
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import msgspec
import numpy as np

from indexer.errors import ConfigError, ModelFailed, format_count
from indexer.vectors.folder import make_fingerprint
from indexer.vectors.model import WINDOW, Matrix, TextRefused, shorten

_BATCH = 32
"""Windows of a request; some services accept no more."""
_PATIENCE = 120.0
"""Seconds that a batch of texts may take, with all attempts."""
_UNREACHABLE = 5.0
"""Seconds for which a service that cannot be reached is tried: it is probably not there."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
"""Seconds between two attempts."""
_ANSWER = 64 << 20
"""The most bytes of an answer."""
_CHUNK = 1 << 16
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_REFUSED = (400, 413, 422)
"""What services answer to a text that is too long, or that they cannot read."""
_EXAMPLE = "https://models.example/v1#name"
_KEY = "NUTGRAF_MODEL_KEY"
_CHECK = "check the address and the name of the model"
_CHARACTERS = re.compile(r"[!-~]+")
_LOOPBACK = re.compile(r"localhost|.*\.localhost|127(\.\d{1,3}){3}|::1", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """The address of a service, and the name of one of its models.

    `pause` waits for some seconds between two attempts.
    """

    address: str
    name: str
    key: str = field(default="", repr=False)
    pause: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, key: str = "") -> Self:
        """Return the service that an address such as https://models.example/v1#name stands for.

        Raises ConfigError, which never quotes the address or the key.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or port == 0 or not _CHARACTERS.fullmatch(text):
            raise ConfigError(f"has no valid host and port; an example is {_EXAMPLE}", "model")
        if parts.username is not None or parts.password is not None:
            raise ConfigError(
                f"has a user or a password, which others may read: put a key into the environment as {_KEY}",
                "model",
            )
        if parts.query or not parts.fragment or not unquote(parts.fragment).isprintable():
            raise ConfigError(
                f"must end with # and the name of the model, without a ?; an example is {_EXAMPLE}", "model"
            )
        if key and not _CHARACTERS.fullmatch(key):
            raise ConfigError("has characters that a key cannot have", "model_key")
        if key and parts.scheme.lower() != "https" and not _LOOPBACK.fullmatch(host):
            raise ConfigError(
                "must begin with https://, unless the service is on this machine: else others on the way can "
                "read the key",
                "model",
            )
        address = f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
        return cls(address, unquote(parts.fragment), key)

    def __str__(self) -> str:
        return f"the model {self.name} at {self.address}"

    def fingerprint(self) -> str:
        """Return the fingerprint; it does not tell when the service has another model of this name."""
        return make_fingerprint("service", address=self.address, name=self.name)

    def load(self) -> Service:
        """Return the service, of which nothing has to be loaded."""
        return self

    @property
    def window(self) -> int:
        """The most words that a window may have."""
        return WINDOW

    @property
    def is_quick(self) -> bool:
        """Whether any query takes less than a few milliseconds."""
        return False

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has; asks the service. Raises ModelFailed."""
        try:
            return int(self.encode(["a"], is_query=False, seconds=math.inf).shape[1])
        except TextRefused as error:
            # Then it is not because of the text.
            raise ModelFailed(error.problem, _CHECK) from error

    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        """Return the vectors of windows, which takes no longer than `seconds`; raises ModelFailed.

        TextRefused, which is one, is about all windows of a batch: it does not tell which of them is refused.
        Each batch of texts may also take no longer than two minutes.
        """
        end = time.monotonic() + seconds
        found: list[Matrix] = []
        for start in range(0, len(windows), _BATCH):
            until = min(end, time.monotonic() + _PATIENCE)
            batch = self._embed(list(windows[start : start + _BATCH]), until)
            if found and batch.shape[1] != found[0].shape[1]:
                raise self._malformed("vectors of several lengths")
            found.append(batch)
        return np.concatenate(found)

    def _embed(self, texts: list[str], end: float) -> Matrix:
        """Return the vectors of a batch, with as many attempts as there is time for."""
        request = Request(
            f"{self.address}/embeddings",
            msgspec.json.encode({"model": self.name, "input": texts}),
            {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "nutgraf"},
            method="POST",
        )
        if self.key:
            # Not passed on in a redirect, though none is followed.
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        pause, waited = _FIRST_PAUSE, 0.0
        while True:
            try:
                return self._decode(self._send(request, texts, end), len(texts))
            except _Transient as error:
                wait = max(pause, error.wait)
                waited += wait
                if time.monotonic() + wait >= end or waited > error.patience:
                    raise error.failure from error.__cause__
            self.pause(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _send(self, request: Request, texts: list[str], end: float) -> bytes:
        """Return the answer to a request; raises ModelFailed, or _Transient if another attempt may help."""
        is_local = _LOOPBACK.fullmatch(urlsplit(self.address).hostname or "")
        opener = _direct_opener if is_local else _opener
        try:
            with opener.open(request, timeout=max(end - time.monotonic(), 0.001)) as answer:
                return self._read(answer, end)
        except HTTPError as error:
            with error:
                reason = self._find_reason(error)
            failure = self._explain(error.code, reason, texts)
            if error.code in _TRANSIENT:
                raise _Transient(failure, _parse_wait(error.headers.get("Retry-After"))) from error
            raise failure from error
        except TimeoutError as error:
            raise _Transient(ModelFailed(f"{self} does not answer in time", "try again later")) from error
        except (URLError, http.client.HTTPException, OSError) as error:
            cause = error.reason if isinstance(error, URLError) else error
            reason = shorten(str(getattr(cause, "strerror", None) or cause) or type(cause).__name__)
            if "CERTIFICATE_VERIFY_FAILED" in str(cause):
                raise ModelFailed(
                    f"{self} has a certificate that is not trusted",
                    "set SSL_CERT_FILE to the file of its authority",
                ) from error
            failure = ModelFailed(
                f"{self} cannot be reached ({reason})", "check that the service runs, and the address"
            )
            is_absent = isinstance(cause, (ConnectionRefusedError, socket.gaierror))
            raise _Transient(failure, patience=_UNREACHABLE if is_absent else math.inf) from error

    def _read(self, answer: http.client.HTTPResponse, end: float) -> bytes:
        """Return the body of an answer, which must come in time."""
        parts, size = [], 0
        while part := answer.read1(_CHUNK):
            size += len(part)
            if size > _ANSWER:
                raise self._malformed("more than 64 MB")
            if time.monotonic() > end:
                raise TimeoutError
            parts.append(part)
        if answer.length:  # Bytes that were announced and are missing.
            raise http.client.IncompleteRead(b"", answer.length)
        return b"".join(parts)

    def _decode(self, answer: bytes, count: int) -> Matrix:
        """Return the vectors in an answer to a request with `count` texts; raises ModelFailed."""
        try:
            items = msgspec.json.decode(answer, type=_Answer).data
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._malformed("no list of embeddings") from error
        if all(item.index is None for item in items):
            for number, item in enumerate(items):
                item.index = number
        items.sort(key=lambda item: -1 if item.index is None else item.index)
        if [item.index for item in items] != list(range(count)):
            raise self._malformed(f"other embeddings than those of {count} texts")
        if len({len(item.embedding) for item in items}) != 1 or not items[0].embedding:
            raise self._malformed("vectors of several lengths")
        # A number may be too large for 32 bits.
        with np.errstate(over="ignore"):
            vectors = np.array([item.embedding for item in items], np.float64).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise self._malformed("numbers that are not finite")
        return vectors

    def _malformed(self, found: str) -> ModelFailed:
        return ModelFailed(
            f"{self} answers with {found}", "check the address, and that the model makes embeddings"
        )

    def _explain(self, status: int, reason: str, texts: list[str]) -> ModelFailed:
        said = f" ({reason})" if reason else f" (status {status})"
        if status in (401, 403):
            return ModelFailed(f"{self} refuses the key, or that there is none{said}", f"set {_KEY}")
        if status == 404:
            return ModelFailed(f"{self} is not there{said}", _CHECK)
        if 300 <= status < 400:
            return ModelFailed(f"{self} has another address{said}", "give the address that it redirects to")
        if status == 429:
            return ModelFailed(f"{self} is overloaded, or its quota is used up{said}", "try again later")
        if status in _TRANSIENT:
            return ModelFailed(f"{self} does not answer{said}", "try again later")
        if status in _REFUSED:
            longest = format_count(max(map(len, texts)), "character")
            what = f"a text of {longest}" if len(texts) == 1 else f"{len(texts)} texts of up to {longest}"
            return TextRefused(
                f"{self} refuses {what}{said}", "give a model that reads longer texts, or check its name"
            )
        return ModelFailed(f"{self} refuses a request{said}", _CHECK)

    def _find_reason(self, answer: IO[bytes]) -> str:
        """Return what the body of an error says, without the key, which some services quote."""
        try:
            found = msgspec.json.decode(answer.read(_CHUNK))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OSError, http.client.HTTPException):
            return ""
        for name in ("error", "message", "detail"):
            if isinstance(found, dict) and name in found:
                found = found[name]
        if not isinstance(found, str):
            return ""
        return shorten(found.replace(self.key, "…") if self.key else found)


class _Embedding(msgspec.Struct):
    embedding: list[float]
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Embedding]


class _Transient(Exception):
    """Another attempt may help, after `wait` seconds at least, while the pauses take `patience` together."""

    def __init__(self, failure: ModelFailed, wait: float = 0, patience: float = math.inf) -> None:
        super().__init__(failure, wait, patience)
        self.failure, self.wait, self.patience = failure, wait, patience


class _NoRedirects(HTTPRedirectHandler):
    """Follows none: another host must get neither the key nor the texts."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = build_opener(_NoRedirects)
# A proxy would get the texts and the key, which are not encrypted on the way to a service on this machine.
_direct_opener = build_opener(_NoRedirects, ProxyHandler({}))


def _parse_wait(value: str | None) -> float:
    """Return the seconds of a header Retry-After; a date in it is not used."""
    return float(value) if value and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value.strip()) else 0
