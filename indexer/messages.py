"""Messages between the process that writes and those that read for it: objects, one by one, through pipes."""

from __future__ import annotations

import pickle
from typing import IO, Any

_LENGTH = 8


def send(pipe: IO[bytes], message: Any) -> None:
    """Send one message; raises OSError when nobody is there to receive it."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(_LENGTH, "little"))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """The next message; raises EOFError or OSError when there will be none."""
    return pickle.loads(_exactly(pipe, int.from_bytes(_exactly(pipe, _LENGTH), "little")))


def _exactly(pipe: IO[bytes], size: int) -> bytearray:
    whole = bytearray(size)
    rest = memoryview(whole)
    while rest:
        count = pipe.readinto(rest)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        rest = rest[count:]
    return whole
