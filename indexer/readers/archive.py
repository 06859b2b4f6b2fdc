"""ZIP and tar: each file in the archive is read as one in a folder is.

Files that a walk of a folder skips are skipped here, too: those with hidden names, packages, the parts of
saved pages. Of several files with one name the last counts, as it does when the archive is extracted. Nothing
is written to the disk, and no link is followed. The times of files are not read, since an archive may be made
long after its files were published.

A ZIP archive is read by its directory, at its end: without that, nothing of it is. A tar archive is walked
twice, first for the names.
"""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BufferedIOBase
from typing import BinaryIO, cast

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.files.names import printable_path
from indexer.readers.dispatch import read_member
from indexer.readers.document import BinaryDocument
from indexer.readers.media_types import find_unread_kind, is_skipped_folder
from indexer.readers.packed import Budget, open_bounded, open_member, open_zip

_UTF8, _ENCRYPTED = 0x800, 0x1
_MAX_PATH, _MAX_FOLDERS = 4096, 100
"""Characters of a path, and folders in it: what is known of each folder is kept."""
# Walking over many small members, or a large one that is not read, takes time as reading one does.
_MANY, _LARGE = 1000, 1 << 20


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in an archive: its path, its offset in the archive, the size that is stated of it.

    `problem` is why it is not read whatever its kind; `open` gives its content.
    """

    path: str
    offset: int
    size: int
    problem: str | None
    open: Callable[[], BufferedIOBase | None]


class _NoEndError(UnreadableDocument):
    """A tar archive has no end after its last file, which is whole."""


def read_articles(document: BinaryDocument) -> Iterator[Article | Failure]:
    """Return the articles of the files in an archive, and a failure for each that cannot be read.

    Raises UnreadableDocument if nothing of the archive can be read, or after the last article before the
    place from which on it is damaged.
    """
    start = document.stream.read(2)
    document.stream.seek(0)
    if start == b"PK" or document.name.lower().endswith(".zip"):
        return _read_zip(document, open_zip(document.stream))
    return _read_tar(document)


def _read_members(
    document: BinaryDocument, members: Iterator[_Member], last: dict[str, int]
) -> Iterator[Article | Failure]:
    """Read the members of an archive; `last` has the offset of the last file under each path."""
    budget = document.budget or Budget(document.size)
    skipped: dict[str, bool] = {"": False}
    for member in members:
        path = member.path
        if _is_skipped(path, last, skipped) or last.get(path) != member.offset:
            continue
        kind = find_unread_kind(path)
        if member.problem is None and kind is not None:
            document.leave_out(kind)
        if kind is not None:
            continue
        if member.problem is not None:
            yield Failure(f"{document.name}/{path}", member.problem)
            continue
        try:
            opened = member.open()
        except UnreadableDocument as error:
            yield Failure(f"{document.name}/{path}", str(error))
            continue
        except tarfile.TarError as error:
            yield Failure(f"{document.name}/{path}", f"damaged: {error}")
            continue
        if opened is None:
            continue
        with opened:
            stream = open_bounded(opened, budget)
            yield from read_member(document, stream, path, size=member.size)
        budget.check()


def _is_skipped(path: str, files: dict[str, int], known: dict[str, bool]) -> bool:
    """Whether a walk of a folder with these files would skip a path; `known` says it of folders."""
    if _is_too_long(path):
        return False
    folder, _, name = path.rpartition("/")
    unknown = []
    while folder not in known:
        unknown.append(folder)
        folder = folder.rpartition("/")[0]
    for inner in reversed(unknown):
        known[inner] = known[folder] or is_skipped_folder(inner, files)
        folder = inner
    return known[folder] or (name.startswith(".") and name != "..")


def _is_too_long(path: str) -> bool:
    return len(path) > _MAX_PATH or path.count("/") > _MAX_FOLDERS


def _clean_path(name: str) -> str:
    return printable_path("/".join(part for part in name.split("/") if part not in ("", ".")))


def _find_problem(name: str, *, is_regular: bool) -> str | None:
    """Return why a member is not read whatever its kind."""
    if name.startswith("/") or ".." in name.split("/"):
        return "its path leads out of the archive"
    if _is_too_long(name):
        return "its path is too long"
    return None if is_regular else "is a link or a device, which is not followed"


def _read_zip(document: BinaryDocument, archive: zipfile.ZipFile) -> Iterator[Article | Failure]:
    with closing(archive):
        infos = [info for info in archive.infolist() if not info.is_dir()]
        last = {_clean_path(_decode_name(info)): info.header_offset for info in infos}
        # By offset: inside gzip or another archive, going back would unpack everything again.
        infos.sort(key=lambda info: info.header_offset)
        yield from _read_members(document, (_describe_zip_member(archive, info) for info in infos), last)


def _describe_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    name = _decode_name(info)
    kind = stat.S_IFMT(info.external_attr >> 16)
    problem = _find_problem(name, is_regular=kind in (0, stat.S_IFREG))
    if info.flag_bits & _ENCRYPTED:
        problem = problem or "encrypted"
    return _Member(
        _clean_path(name),
        info.header_offset,
        info.file_size,
        problem,
        lambda: open_member(archive, info),
    )


def _decode_name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member: many programs write UTF-8 without saying so, some backslashes."""
    name = info.filename
    if not info.flag_bits & _UTF8 and not name.isascii():
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            pass  # it is in the encoding of old PCs, which is the default
    return name.replace("\\", "/")


def _read_tar(document: BinaryDocument) -> Iterator[Article | Failure]:
    last: dict[str, int] = {}
    damage: UnreadableDocument | None = None
    newest: tuple[str, int | None] = "", None
    try:
        for member in _walk_tar(document):
            newest = member.path, last.get(member.path)
            last[member.path] = member.offset
    except UnreadableDocument as error:
        if not last:
            raise
        damage = error
        if not isinstance(error, _NoEndError):
            # The last member is not whole.
            path, before = newest
            if before is None:
                del last[path]
            else:
                last[path] = before
    return _read_walked(document, last, damage)


def _read_walked(
    document: BinaryDocument, last: dict[str, int], damage: UnreadableDocument | None
) -> Iterator[Article | Failure]:
    end = max(last.values(), default=-1) if damage else None
    if end != -1:
        yield from _read_members(document, _walk_tar(document, end), last)
    if damage:
        raise damage


def _walk_tar(document: BinaryDocument, end: int | None = None) -> Iterator[_Member]:
    """Yield the members of a tar archive but for folders, up to the one at an offset in it.

    Raises UnreadableDocument where it is damaged.
    """
    document.stream.seek(0)
    count = 0
    try:
        with tarfile.open(fileobj=document.stream, mode="r:") as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would grow with the archive
                count += 1
                if count % _MANY == 0 or info.size > _LARGE:
                    document.begin_record(info.size)
                if not info.isdir():
                    yield _describe_tar_member(archive, info)
                if info.offset == end:
                    return
            _check_end(document.stream, archive.offset)
    except (tarfile.TarError, RecursionError) as error:
        raise UnreadableDocument(f"damaged: {error}") from error


def _describe_tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    problem = _find_problem(info.name, is_regular=info.isreg())
    return _Member(
        _clean_path(info.name),
        info.offset,
        info.size,
        problem,
        lambda: cast(BufferedIOBase | None, archive.extractfile(info)),
    )


def _check_end(stream: BinaryIO, offset: int) -> None:
    """Raise _NoEndError unless a block of zeros ends the archive: tarfile takes damage for its end."""
    stream.seek(offset)
    block = stream.read(tarfile.BLOCKSIZE)
    if any(block):
        raise _NoEndError("damaged: there is something else between its files")
    if len(block) < tarfile.BLOCKSIZE:
        raise _NoEndError("damaged: it ends too early")
