"""How much work it is to read files, and how many processes do it: the one that writes, if it is a little."""

from __future__ import annotations

from pathlib import Path

from indexer.catalog import Stamp
from indexer.intake import is_plain
from indexer.opening import file_of, open_file

# A worker takes a sixth of a second to start, and pays from about this many bytes of text on.
_WORTH_WORKERS = 4 << 20
# Main text is not found in a page as fast as words are in a text.
_HTML_WEIGHT = 20
# What is read in this process at most, and how much of it is looked at first; byte order marks are blank.
_MOST_HARMLESS, _PEEK, _BLANK = 1 << 18, 1 << 12, b" \t\r\n\f\v\0\xef\xbb\xbf\xfe\xff"
_GZIP = b"\x1f\x8b"


def processes_for(pending: list[tuple[Path, str, Stamp]], jobs: int) -> int:
    """How many processes, of `jobs`, to read files with; 0: this one, for a little that is read safely."""
    work = sum(weight(path, stamp) for _, path, stamp in pending)
    if work >= _WORTH_WORKERS:
        return jobs
    return 0 if all(map(_is_harmless, pending)) else 1


def _is_harmless(pending: tuple[Path, str, Stamp]) -> bool:
    """Whether a file can be read without a process that may be killed for it: plain text, and not much."""
    root, path, stamp = pending
    if stamp.size > _MOST_HARMLESS or not is_plain(path):
        return False
    try:
        with open_file(file_of(root, path), path) as file:
            head = file.read(_PEEK)
    except OSError:
        return True  # whoever reads it says so
    # Whatever its name, what begins with a tag is read as a page, and what begins as gzip data is unpacked.
    begins = head.lstrip(_BLANK)
    return not head.startswith(_GZIP) and not begins.startswith(b"<") and bool(begins or len(head) < _PEEK)


def weight(path: str, stamp: Stamp) -> int:
    """How much work a file is, in bytes of plain text."""
    return stamp.size * (_HTML_WEIGHT if ".htm" in path.lower() or ".xhtml" in path.lower() else 1)
