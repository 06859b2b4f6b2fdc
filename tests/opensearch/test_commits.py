"""Commits on a cluster: whatever a writer does or does not do any more, readers see whole commits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from indexer import ClusterAddress, IndexLocked, IndexMissing
from indexer.opensearch.cluster import Cluster, Version
from indexer.opensearch.commits import (
    LEASE_SECONDS,
    Lease,
    read_catalog,
    read_commit,
)
from indexer.store import update
from indexer.sync import Catalog
from tests.opensearch.steps import (
    Clock,
    Killed,
    SteppingCluster,
    count_leftovers,
    make_articles,
    make_writer,
    read_titles,
)

ROOT = Path(__file__).parents[2]
MOST_STEPS = 100


def commit(lease: Lease, catalog: Catalog | None = None) -> None:
    """Make a commit of nothing but a catalog."""
    from msgspec.structs import replace

    name, parts = lease.save_catalog(catalog or Catalog())
    lease.commit(replace(lease.pointer, number=lease.number, index="none", catalog=name, parts=parts))


def test_there_is_no_index_before_the_first_commit(cluster: Cluster) -> None:
    with pytest.raises(IndexMissing, match=f"no index {cluster.address.name} on http"):
        read_commit(cluster)
    with Lease(cluster, 0), pytest.raises(IndexMissing):
        read_commit(cluster)


def test_a_commit_has_a_catalog_of_any_size(cluster: Cluster) -> None:
    names = {f"{number:x}": ("digest" * 99, "en") for number in range(20_000)}
    catalog = Catalog(committed="2022", api_articles=names, aliases={"ä": "0"})
    with Lease(cluster, 0) as lease:
        commit(lease, catalog)
    state = read_commit(cluster)
    assert (state.number, state.summary.committed, state.summary.languages) == (1, "2022", {"en": 20_000})
    assert read_catalog(cluster, state.pointer) == catalog
    assert read_commit(cluster, state) is state


def test_one_writer_at_a_time_has_the_lease_and_the_other_is_told_who(cluster: Cluster) -> None:
    with (
        Lease(cluster, 0),
        pytest.raises(IndexLocked, match=r"is being written by process \d+ on .*; waited 0.5 s"),
    ):
        Lease(cluster, 0.5, pause=lambda seconds: None).__enter__()
    with Lease(cluster, 0):
        pass


def test_a_number_is_given_back_if_nothing_was_sent_with_it(cluster: Cluster) -> None:
    with Lease(cluster, 0) as unused:
        pass
    with Lease(cluster, 0) as used:
        used.use()
    with Lease(cluster, 0) as lease:
        assert (unused.number, used.number, lease.number) == (1, 1, 2)
        assert lease.pointer.aborted == (1,)


def test_a_lease_is_renewed_and_expires_when_its_holder_has_died(cluster: Cluster) -> None:
    clock = Clock()
    dead = Lease(cluster, 0, clock=clock)
    dead.__enter__()
    clock.now += LEASE_SECONDS - 1
    dead.check()
    clock.now += LEASE_SECONDS - 1
    with pytest.raises(IndexLocked):
        Lease(cluster, 0, clock=clock).__enter__()
    clock.now += 1
    with Lease(cluster, 0, clock=clock) as lease:
        assert (dead.number, lease.number, lease.pointer.aborted) == (1, 2, (1,))
        with pytest.raises(IndexLocked, match="another writer has taken over"):
            dead.check()
        with pytest.raises(IndexLocked, match="another writer has taken over"):
            dead.use()
    dead.__exit__(None, None, None)
    with Lease(cluster, 0, clock=clock) as last:
        assert last.number == 2


def test_who_lost_the_lease_cannot_commit_even_before_the_other_has(cluster: Cluster) -> None:
    clock = Clock()

    def take_over() -> None:
        """At the last moment: the lease was checked already."""
        if steps and next(steps) == 1:
            clock.now += LEASE_SECONDS + 1
            Lease(cluster, 0, clock=clock).__enter__()

    steps: count[int] | None = None
    late = Lease(SteppingCluster(cluster.address, take_over), 0, clock=clock)
    late.__enter__()
    late.use()
    steps = count()
    with pytest.raises(IndexLocked, match="another writer has taken over"):
        commit(late)
    with pytest.raises(IndexMissing):
        read_commit(cluster)


class ForgetfulCluster(Cluster):
    """Writes the pointer, and then takes that for the work of another writer, as if the answer was lost."""

    is_forgetful = False
    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def put_if(
        self, index: str, name: str, source: Mapping[str, Any] | msgspec.Struct, expected: Version | None
    ) -> Version | None:
        version = super().put_if(index, name, source, expected)
        if not self.is_forgetful or name != "commit":
            return version
        self.meanwhile()
        return None


@pytest.mark.parametrize("has_successor", [False, True])
def test_a_commit_whose_answer_was_lost_is_a_commit(cluster: Cluster, has_successor: bool) -> None:
    clock = Clock()
    forgetful = ForgetfulCluster(cluster.address)

    def succeed() -> None:
        clock.now += LEASE_SECONDS
        update.put(make_writer(cluster, clock), make_articles(b="Second"))

    update.put(make_writer(cluster, clock), make_articles(a="First"))
    forgetful.is_forgetful = True
    if has_successor:
        forgetful.meanwhile = succeed
    report = update.put(make_writer(forgetful, clock), make_articles(a="New"))
    assert report.changed == 1
    assert read_titles(cluster) == {"a": "New"} | ({"b": "Second"} if has_successor else {})


def test_an_archive_that_was_deleted_and_made_again_is_another_one(cluster: Cluster) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="First"))
    before = read_commit(cluster)
    for name in cluster.list_indexes(f"{cluster.address.name}-*"):
        cluster.delete_index(name)
    update.put(make_writer(cluster, Clock()), make_articles(a="Second"))
    assert read_commit(cluster).version == before.version
    assert read_commit(cluster, before) != before


Titles = dict[str, str]
FIRST = {"a": "First", "b": "Second", "c": "Third"}


def replace_some(cluster: Cluster, clock: Clock, moment: int) -> None:
    update.put(make_writer(cluster, clock), make_articles(b=f"New {moment}", d=f"Fourth {moment}"))


def rebuild(cluster: Cluster, clock: Clock, moment: int) -> None:
    update.rebuild(make_writer(cluster, clock), [], allow_mass_delete=False, progress=None)


WRITES: dict[str, tuple[Callable[[Cluster, Clock, int], None], Callable[[int], Titles]]] = {
    "put": (replace_some, lambda moment: {"b": f"New {moment}", "d": f"Fourth {moment}"}),
    "rebuild": (rebuild, lambda moment: {}),
}
"""Writes that are disturbed before each of their requests in turn, and the articles that they change."""


def clean(cluster: Cluster, clock: Clock) -> None:
    """Write nothing: then only what readers may need is left."""
    update.remove(make_writer(cluster, clock), [])
    assert count_leftovers(cluster) == 0


@pytest.mark.parametrize("kind", WRITES)
def test_a_writer_that_dies_at_any_moment_loses_nothing_and_leaves_nothing(
    cluster: Cluster, kind: str
) -> None:
    clock = Clock()
    write, change = WRITES[kind]
    update.put(make_writer(cluster, clock), make_articles(**FIRST))
    for moment in range(MOST_STEPS):
        steps = count()

        def step(moment: int = moment, steps: count[int] = steps) -> None:
            if next(steps) >= moment:
                raise Killed

        before, number = read_titles(cluster), read_commit(cluster).number
        with suppress(Killed):
            write(SteppingCluster(cluster.address, step), clock, moment)
        is_committed = read_commit(cluster).number > number
        expected = before | (change(moment) if is_committed else {})
        assert read_titles(cluster) == expected
        clock.now += LEASE_SECONDS
        update.put(make_writer(cluster, clock), make_articles(a=f"Last {moment}"))
        assert read_titles(cluster) == expected | {"a": f"Last {moment}"}
        clean(cluster, clock)
        if next(steps) <= moment:
            assert is_committed
            return
    pytest.fail("there are more steps than expected")


@pytest.mark.parametrize("kind", WRITES)
def test_a_writer_that_wakes_up_after_another_commits_nothing_and_undoes_nothing(
    cluster: Cluster, kind: str
) -> None:
    clock = Clock()
    write, change = WRITES[kind]
    update.put(make_writer(cluster, clock), make_articles(**FIRST))
    for moment in range(MOST_STEPS):
        steps = count()
        seen: list[Titles] = []

        def sleep(moment: int = moment, steps: count[int] = steps, seen: list[Titles] = seen) -> None:
            if next(steps) == moment:
                clock.now += LEASE_SECONDS
                seen.append(read_titles(cluster))
                update.put(make_writer(cluster, clock), make_articles(b=f"Other {moment}", e="Other"))

        before = read_titles(cluster)
        is_refused = False
        try:
            write(SteppingCluster(cluster.address, sleep), clock, moment)
        except IndexLocked:
            is_refused = True
        if not seen:
            assert not is_refused
            return
        changed, other = change(moment), {"b": f"Other {moment}", "e": "Other"}
        if moment == 0:
            # It slept before it took the lease, and so came after the other.
            assert not is_refused
            assert read_titles(cluster) == before | other | changed
        else:
            assert seen[0] == before | ({} if is_refused else changed)
            assert read_titles(cluster) == seen[0] | other
        clean(cluster, clock)
    pytest.fail("there are more steps than expected")


def test_a_writer_whose_process_ends_is_like_one_that_never_began(
    address: ClusterAddress, cluster: Cluster
) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(**FIRST))
    program = f"""
import os
from indexer import ClusterAddress
from indexer.store import update
from tests.opensearch.steps import Clock, SteppingCluster, make_articles, make_writer

steps = iter(range(int(os.environ["STEPS"])))
step = lambda: next(steps, None) is None and os._exit(9)
cluster = SteppingCluster(ClusterAddress.parse({str(address)!r}), step)
update.put(make_writer(cluster, Clock()), make_articles(b="New"))
"""
    for steps in (2, 4):
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "STEPS": str(steps)}, check=False, cwd=ROOT
        )
        assert done.returncode == 9
        assert read_titles(cluster) == FIRST
        with pytest.raises(IndexLocked, match="is being written by process"):
            update.put(make_writer(cluster, clock), [])
        clock.now += LEASE_SECONDS
        clean(cluster, clock)
        clock.now = Clock().now
    assert read_titles(cluster) == FIRST
