"""One index in several threads, and in processes that are forked meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from indexer import Article, Index, Page, open_index
from indexer.engine.build.commit import Batch
from indexer.engine.read.near_duplicates import find_near_duplicates
from indexer.files.fork_safe import Lock, lazy
from indexer.store.reader import open_live
from indexer.text.analyzer import Analyzer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")

VERSIONS = 10


def articles(version: int) -> list[Article]:
    """The articles of a commit: their texts and their number show which one it is."""
    text = f"A heron of version{version} flew over the harbour."
    return [Article(id=f"a{n}", title=f"v{version}", paragraphs=[text]) for n in range(VERSIONS)]


def check(page: Page) -> int:
    """The version of the commit that an answer shows, which must be only one."""
    titles = {hit.article.title for hit in page.hits}
    assert len(titles) == 1, titles
    assert (page.total, len(page.hits)) == (VERSIONS, VERSIONS)
    (title,) = titles
    for hit in page.hits:
        assert f"version{title[1:]}" in hit.passages[0].text
    return int(title[1:])


def search(index: Index) -> int:
    """Ask for everything that uses an array, a cache or an object of its thread."""
    page = index.search("heron", limit=VERSIONS, collapse=False, facets=["year"], timeline=True)
    assert index.suggest("hero")
    assert index.search("herron~").total == VERSIONS
    assert index.get_article("a1").title
    assert index.verify_quote("flew over the harbour").verdict == "exact"
    index.find_similar("a1")
    return check(page)


def in_child(work: Callable[[], object]) -> int:
    """Run something in a forked process, which is ended when it takes five minutes; returns its exit code."""
    with warnings.catch_warnings():
        # Newer Pythons warn of a fork beside threads, which is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(300)
            work()
            code = 0
        except BaseException:  # noqa: BLE001  (nothing may get past the end of the child)
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def stuck(function: Callable[..., object], begin: Callable[[], object]) -> Iterator[None]:
    """Another thread that has begun an action, and pauses inside a function that it called."""
    inside, go_on = threading.Event(), threading.Event()

    def wait(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code is function.__code__:
            inside.set()
            go_on.wait()

    def work() -> None:
        sys.settrace(wait)
        begin()

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(60)
    try:
        yield
    finally:
        go_on.set()
        thread.join()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with open_index(tmp_path / "index", lock_timeout=60) as opened:
        opened.put(articles(0))
        yield opened


WRITER = """
import sys
from indexer import Article, open_index

with open_index(sys.argv[1], lock_timeout=60) as index:
    for start in range(0, 1000, 100):
        index.put(Article(id=f"b{n}", paragraphs=["A kite."]) for n in range(start, start + 100))
"""


def test_a_search_sees_whole_batches_only_while_another_process_puts_them_in(
    index: Index, tmp_path: Path
) -> None:
    seen = [0]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "index")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as writer:
        while writer.poll() is None:
            seen.append(index.search("kite", limit=1).total)
    assert writer.returncode == 0
    assert index.search("kite").total == 1000
    assert all(total % 100 == 0 for total in seen)
    assert seen == sorted(seen)


def test_a_forked_process_searches_with_the_index_it_inherits(index: Index) -> None:
    assert search(index) == 0
    assert in_child(lambda: search(index)) == 0


def test_a_forked_process_sees_later_commits_and_makes_its_own(index: Index) -> None:
    search(index)

    def work() -> None:
        index.put(articles(3))
        assert search(index) == 3

    assert in_child(work) == 0
    assert search(index) == 3


def test_forks_beside_threads_that_search_and_write_answer_all(index: Index) -> None:
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            search(index)

    def write() -> None:
        for version in range(1, VERSIONS):
            index.put(articles(version))

    threads = [threading.Thread(target=read) for _ in range(3)] + [threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    try:
        assert [in_child(lambda: search(index)) for _ in range(8)] == [0] * 8
    finally:
        done.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("function", "word"),
    [
        pytest.param(open_live, "heron", id="opens the index"),
        pytest.param(find_near_duplicates, "heron", id="computes a property"),
        pytest.param(Analyzer._compute_forms, "unheardofbefore", id="stems a word"),
    ],
)
def test_a_thread_that_is_in_the_middle_of_a_search_does_not_block_a_forked_process(
    index: Index, function: Callable[..., object], word: str
) -> None:
    index.close()
    with stuck(function, lambda: index.search(word)):
        assert in_child(lambda: search(index)) == 0
        assert in_child(lambda: index.search("unheardofsince")) == 0


def test_a_forked_child_of_a_writer_does_not_keep_the_lock(index: Index, tmp_path: Path) -> None:
    ends, go_on = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with stuck(Batch.add, lambda: index.put(articles(1))):
            child = os.fork()
            if child == 0:
                # Lives on after the writer has ended.
                os.close(go_on)
                os.read(ends, 1)
                os._exit(0)
    os.close(ends)
    try:
        with open_index(tmp_path / "index", lock_timeout=0) as other:
            other.put(articles(2))
        assert search(index) == 2
    finally:
        os.close(go_on)
        os.waitpid(child, 0)


def test_a_lock_is_free_in_a_forked_process() -> None:
    lock = Lock()
    with lock:
        assert in_child(lock.__enter__) == 0


def test_a_lazy_property_is_computed_once() -> None:
    class Answer:
        asked = 0

        @lazy
        def value(self) -> int:
            """The answer."""
            self.asked += 1
            return 42

    answer = Answer()
    assert [answer.value, answer.value, answer.asked] == [42, 42, 1]
    assert Answer.value.__doc__ == "The answer."
