"""An archive on a cluster that is written again and again, and readers that accept only whole states of it.

It has articles of two kinds: files, and those that an app puts in. A version of a kind is one commit, which
gives each article of that kind another title and text, adds some, and removes some of the files. So a reader
that sees two versions of a kind, or not all articles of one, has seen half a commit.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from indexer import Article, ClusterAddress, Config, IndexUnavailable, NutgrafError, open_index
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.commits import LEASE_SECONDS, read_commit
from indexer.opensearch.writer import WritableCluster
from indexer.store import update
from tests.opensearch.steps import TODAY, count_leftovers
from tests.stress.archive import ROOT, Lost, counted, environment, word

WORKS = {"sync": "files", "put": "app", "rebuild": "files"}
"""What a writer can do, and the kind of articles of which it makes a new version."""
AT_ONCE = {
    # By default, two shards after the other, each of which may ask again after half a second.
    "cluster.routing.allocation.node_concurrent_recoveries": "20",
    "indices.recovery.retry_delay_state_sync": "50ms",
}
"""Settings with which a node that comes back recovers all its shards at once."""
SHARED = "harbour"
"""A word of all articles."""
_DETAILS = re.compile(r"the cluster at \S+|\(.*\)|\S+, which")
"""What differs in errors of the same kind."""
_TITLE = re.compile(r"(files|app) (\d+) in version (\d+)")


class State(NamedTuple):
    """The version of each kind; 0 if there is none yet."""

    files: int
    app: int

    def titles(self) -> list[str]:
        """The titles of all articles, in order."""
        made = make_articles("files", self.files) + make_articles("app", self.app)
        return sorted(article.title for article in made)


NOTHING = State(0, 0)


def make_articles(kind: str, version: int) -> list[Article]:
    """All articles of a kind in a version: those of the app become more, up to a number, and stay."""
    if not version:
        return []
    numbers = (
        range(min(12 + version, 40))
        if kind == "app"
        else [number for number in range(24) if (number + version) % 6]
    )
    return [
        Article(
            id=f"{kind}-{number}",
            title=f"{kind} {number} in version {version}",
            paragraphs=[
                f"The {SHARED} master saw {_own_word(kind, number, version)} twice.",
                f"The crane of the {SHARED} stands since the year before, says the master.",
            ],
        )
        for number in numbers
    ]


def _own_word(kind: str, number: int, version: int) -> str:
    return f"{word(number)}{kind}{word(version)}"


def recognize(titles: list[str]) -> State:
    """The state of which these are the titles of all articles; raises Lost if there is none."""
    versions: dict[str, set[int]] = {"files": set(), "app": set()}
    for title in titles:
        found = _TITLE.fullmatch(title)
        if not found:
            raise Lost(f"an article has the title {title!r}")
        versions[found[1]].add(int(found[3]))
    if max(map(len, versions.values())) > 1:
        raise Lost(f"half a commit is seen: {versions}")
    state = State(*(max(seen, default=0) for seen in versions.values()))
    if sorted(titles) != state.titles():
        raise Lost(f"{len(titles)} articles are seen of {len(state.titles())} in {state}")
    return state


def make_config(address: str) -> Config:
    """How the archive is read and written: nothing is cut short because the machine is busy."""
    return Config(lock_timeout=30.0, query_seconds=60.0, jobs=1).with_options({"index": address})


class _LimitedCluster(Cluster):
    """A cluster that a writer, too, tries to reach for `patience` seconds only."""

    def for_writing(self) -> Self:
        limited = super().for_writing()
        limited._patience = self._patience
        return limited


def write(
    address: str, folder: Path, work: str, version: int, ahead: float, patience: float | None = None
) -> None:
    """Write a version, by a clock that is ahead by so many seconds.

    A request to a cluster that is away is tried again for `patience` seconds, by default as long as usual.
    """
    config = make_config(address)
    cluster = (
        Cluster.of(config)
        if patience is None
        else _LimitedCluster(ClusterAddress.parse(address), patience=patience)
    )
    index = WritableCluster(config, lambda: TODAY, cluster, clock=lambda: time.time() + ahead)
    with contextlib.closing(cluster):
        match work:
            case "put":
                update.put(index, make_articles("app", version))
            case "sync":
                options = {"dry_run": False, "allow_mass_delete": True, "progress": None, "stop": None}
                update.sync(index, [folder], **options)  # type: ignore[arg-type]
            case "rebuild":
                update.rebuild(index, [folder], allow_mass_delete=True, progress=None)


@dataclass
class History:
    """What was begun and what was reported, as one writer after the other has done it."""

    folder: Path
    """Where the files are."""
    begun: State = NOTHING
    done: State = NOTHING
    ahead: float = 0.0
    """Seconds that the clock of the last writer was ahead: by each one's, the leases before have expired."""

    def begin(self, work: str) -> int:
        """Prepare the next version for a work, and return it."""
        kind = WORKS[work]
        version: int = getattr(self.begun, kind) + 1
        self.begun = self.begun._replace(**{kind: version})
        if kind == "files":
            self.folder.mkdir(exist_ok=True)
            given = {f"{article.id}.txt": article for article in make_articles(kind, version)}
            for path in self.folder.iterdir():
                if path.name not in given:
                    path.unlink()
            for name, article in given.items():
                (self.folder / name).write_text("\n\n".join([article.title, *article.paragraphs]))
        return version

    def finish(self, work: str, version: int) -> None:
        """Note that the commit of a version was reported."""
        self.done = self.done._replace(**{WORKS[work]: version})

    def write(
        self, address: str, work: str, version: int | None = None, patience: float | None = None
    ) -> None:
        """Write a version in this process, by default the next one. Raises what writing raises."""
        if version is None:
            version = self.begin(work)
        self.ahead += LEASE_SECONDS
        write(address, self.folder, work, version, self.ahead, patience)
        self.finish(work, version)

    @contextlib.contextmanager
    def start_writer(
        self, address: str, work: str, version: int, patience: float | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """A process that writes a version, from the moment on when it begins to ask the cluster.

        When it has committed, it says so in a line.
        """
        self.ahead += LEASE_SECONDS
        given = json.dumps([address, str(self.folder), work, version, self.ahead, patience])
        with subprocess.Popen(
            [sys.executable, "-m", "tests.stress.clusters", given],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                if not process.stdout.readline():
                    raise Lost(f"a writer does not begin: {process.communicate()[1][-2000:]}")
                yield process
            finally:
                process.kill()


class Reader(threading.Thread):
    """Asks one question after the other, and sees whether each answer is of a whole state.

    A state must not be older than the last commit that was reported before, unless `may_be_old`, and never
    older than one that this reader has seen already. `is_disturbed`: whether the cluster may fail to answer.
    """

    def __init__(
        self, address: str, history: History, *, is_disturbed: bool = False, may_be_old: bool = False
    ) -> None:
        super().__init__(name="reader", daemon=True)
        self._index = open_index(make_config(address))
        self._history, self._is_disturbed = history, is_disturbed
        self.may_be_old = may_be_old
        self._end = threading.Event()
        self._seen = NOTHING
        self.answers = 0
        self.errors: Counter[str] = Counter()
        self.failure: Exception | None = None

    def run(self) -> None:
        asked: list[Callable[[State], None]] = [self._search, self._list, self._find_one, self._count]
        try:
            while not self._end.is_set():
                for ask in asked:
                    self._ask(ask)
        except Exception as error:  # noqa: BLE001  (it is raised where the reader is joined)
            self.failure = error

    def check(self) -> None:
        """Raise Lost if an answer was wrong."""
        if self.failure:
            raise Lost(f"a reader: {type(self.failure).__name__}: {self.failure}") from self.failure

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()
        self._index.close()
        self.check()

    def _ask(self, ask: Callable[[State], None]) -> None:
        oldest = self._seen
        if not self.may_be_old:
            oldest = State(*map(max, oldest, self._history.done))
        try:
            ask(oldest)
        except IndexUnavailable as error:
            check_message(error)
            if not self._is_disturbed:
                raise Lost(f"the cluster is well, and does not answer: {error}") from error
            self.errors[" ".join(_DETAILS.sub("", error.problem).split())] += 1
        else:
            self.answers += 1

    def _accept(self, state: State, oldest: State) -> None:
        begun = self._history.begun
        if any(old > now for old, now in zip(oldest, state, strict=True)):
            raise Lost(f"{state} is seen after {oldest}")
        if any(now > last for now, last in zip(state, begun, strict=True)):
            raise Lost(f"{state} is seen, and only {begun} was begun")
        self._seen = state

    def _search(self, oldest: State) -> None:
        page = self._index.search(SHARED, limit=100, collapse=False)
        if page.timed_out:
            # A node that is cut off may wait for the others longer than the time limit, and says so.
            if not self._is_disturbed:
                raise Lost("a search was cut short")
            self.errors["a search timed out"] += 1
            self.answers -= 1
            return
        if page.total != len(page.hits):
            raise Lost(f"{len(page.hits)} hits are shown of {page.total}")
        self._accept(recognize([hit.article.title for hit in page.hits]), oldest)

    def _list(self, oldest: State) -> None:
        self._accept(recognize([article.title for article in self._index.articles()]), oldest)

    def _find_one(self, oldest: State) -> None:
        """Find an article by the word of each version that may be there: one of them must be found."""
        if not oldest.app:
            return
        for version in range(oldest.app, self._history.begun.app + 1):
            page = self._index.search(_own_word("app", 0, version), collapse=False)
            if [hit.article.title for hit in page.hits] == [f"app 0 in version {version}"]:
                return
            if page.hits:
                raise Lost(f"{page.hits[0].article.title!r} is found by the word of version {version}")
        # A commit may have been made between two of these searches.
        if self._history.begun.app == oldest.app:
            raise Lost(f"no article is found by its own word in {oldest}")

    def _count(self, oldest: State) -> None:
        articles = self._index.get_status().articles
        begun = self._history.begun
        possible = {
            len(State(files, app).titles())
            for files in range(oldest.files, begun.files + 1)
            for app in range(oldest.app, begun.app + 1)
        }
        if articles not in possible:
            raise Lost(f"{articles} articles are counted of {possible}")


def check_message(error: NutgrafError) -> None:
    """Raise Lost unless an error is one line that names the cluster."""
    if "\n" in str(error) or "http" not in str(error):
        raise Lost(f"it is said badly: {error!r}") from error


def check_whole(address: str, history: History) -> State:
    """The state that is found now, all of which is intact; raises Lost if it is none."""
    try:
        with open_index(make_config(address)) as index:
            index.verify()
            state = recognize([article.title for article in index.articles()])
    except NutgrafError as error:
        raise Lost(f"{type(error).__name__}: {error}") from error
    if any(done > now for done, now in zip(history.done, state, strict=True)):
        raise Lost(f"{history.done} was reported, and {state} is there")
    return state


def check_tidy(address: str, history: History) -> None:
    """Write nothing, after any lease; raises Lost if then something is there that nobody needs."""
    history.ahead += LEASE_SECONDS
    config = make_config(address)
    with contextlib.closing(Cluster.of(config)) as cluster:
        ahead = history.ahead
        index = WritableCluster(config, lambda: TODAY, cluster, clock=lambda: time.time() + ahead)
        update.remove(index, [])
        pointer = read_commit(cluster).pointer
        check_whole(address, history)
        if leftovers := count_leftovers(cluster):
            raise Lost(f"{leftovers} documents are left that nobody needs")
        needed = {pointer.index, pointer.previous, f"{cluster.address.name}-meta"} - {""}
        if left := {*cluster.list_indexes(f"{cluster.address.name}-*")} - needed:
            raise Lost(f"indexes are left that nobody needs: {left}")


def describe(readers: list[Reader]) -> str:
    """How often readers were answered, and what they were told otherwise."""
    errors = sum((reader.errors for reader in readers), Counter[str]())
    said = f", {errors.total():,} refused ({counted(errors.elements())})" if errors else ""
    return f"{sum(reader.answers for reader in readers):,} answers, all whole{said}"


def main() -> None:
    """Write a version as `History.start_writer` asks for it."""
    address, folder, work, version, ahead, patience = json.loads(sys.argv[1])
    print("begins", flush=True)
    write(address, Path(folder), work, version, ahead, patience)
    print("committed", flush=True)


if __name__ == "__main__":
    main()
