"""Watch from outside what a process does to a folder: each event as it comes, until the process ends."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.stress.archive import Unavailable

# Of <sys/inotify.h>.
_CREATE, _DELETE, _MODIFY, _CLOSED, _MOVED = 0x100, 0x200, 0x2, 0x8, 0x40 | 0x80
_IS_FOLDER = 0x40000000
_HEAD = struct.Struct("iIII")


class Watch:
    """The events in a folder and in those right below it, also in such as come to be meanwhile.

    Raises Unavailable where the system does not tell of them (inotify, Linux).
    """

    def __init__(self, folder: Path) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._library, "inotify_init1") or not hasattr(os, "pidfd_open"):
            raise Unavailable("this system has no inotify")
        self._descriptor: int = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise Unavailable(f"no inotify to be had: {os.strerror(ctypes.get_errno())}")
        self._folders: dict[int, Path] = {}
        self._add(folder)
        for path in folder.iterdir():
            if path.is_dir():
                self._add(path)
        self._root = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def events(self, process: int) -> Iterator[str]:
        """The name of the file of each event, until the process has ended (or is closed by the caller)."""
        ends = os.pidfd_open(process)
        try:
            while True:
                ready, _, _ = select.select([self._descriptor, ends], [], [])
                if self._descriptor in ready:
                    yield from self._read()
                elif ends in ready:
                    return
        finally:
            os.close(ends)

    def _read(self) -> Iterator[str]:
        data = os.read(self._descriptor, 1 << 16)
        while data:
            number, mask, _, length = _HEAD.unpack_from(data)
            name = os.fsdecode(data[_HEAD.size : _HEAD.size + length].rstrip(b"\0"))
            data = data[_HEAD.size + length :]
            if mask & _IS_FOLDER and mask & (_CREATE | _MOVED) and self._folders.get(number) == self._root:
                self._add(self._root / name)
            if name:
                yield name

    def _add(self, folder: Path) -> None:
        mask = _CREATE | _DELETE | _MODIFY | _CLOSED | _MOVED
        number = self._library.inotify_add_watch(self._descriptor, os.fsencode(folder), mask)
        if number >= 0:  # otherwise it is gone already
            self._folders[number] = folder


def ended(process: int, within: float) -> bool:
    """Whether a child process ends within so many seconds."""
    ends = os.pidfd_open(process)
    try:
        return bool(select.select([ends], [], [], within)[0])
    finally:
        os.close(ends)
