"""A plan is made of what the catalog knows and a listing, and of nothing else."""

from __future__ import annotations

import pytest

from indexer import Failure
from indexer.sync.catalog import Entry, FileState, Stamp
from indexer.sync.listing import Listing
from indexer.sync.plan import make_plan

STAMP = Stamp(1, 2, 3)


def test_a_plan_compares_the_catalog_with_a_listing() -> None:
    known = {
        "same": Entry(Stamp(1, 2, 3, "f")),
        "size": Entry(Stamp(9, 2, 3, "f")),
        "time": Entry(Stamp(1, 9, 3, "f")),
        "inode": Entry(Stamp(1, 2, 9, "f")),
        "young": Entry(Stamp(1, 2, 3, "f"), state=FileState.CHANGED),
        "gone": Entry(STAMP),
        "dark/hidden": Entry(STAMP),
    }
    files = dict.fromkeys(("same", "size", "time", "inode", "young", "new"), STAMP)
    listing = Listing(files, [Failure("dark", "no")])
    assert list(make_plan(known, listing).items()) == [
        ("dark/hidden", FileState.UNREADABLE),
        ("gone", FileState.MISSING),
        ("inode", FileState.CHANGED),
        ("new", FileState.NEW),
        ("same", FileState.UNCHANGED),
        ("size", FileState.CHANGED),
        ("time", FileState.CHANGED),
        ("young", FileState.CHANGED),
    ]


@pytest.mark.parametrize(
    ("state", "planned"),
    [
        (FileState.UNCHANGED, FileState.UNCHANGED),
        (FileState.REFUSED, FileState.REFUSED),
        (FileState.CHANGED, FileState.CHANGED),
        (FileState.PARTLY_READ, FileState.CHANGED),
        (FileState.UNREADABLE, FileState.CHANGED),
    ],
)
def test_only_a_fully_read_or_refused_file_is_recognized_by_its_times(
    state: FileState, planned: FileState
) -> None:
    assert make_plan({"a": Entry(STAMP, state=state)}, Listing({"a": STAMP})) == {"a": planned}
    other = Listing({"a": Stamp(1, 2, 4)})
    assert make_plan({"a": Entry(STAMP, state=state)}, other) == {"a": FileState.CHANGED}


def test_no_file_is_missing_if_the_source_cannot_be_listed() -> None:
    listing = Listing(failures=[Failure(".", "no")])
    assert make_plan({"a/b": Entry(STAMP)}, listing) == {"a/b": FileState.UNREADABLE}
