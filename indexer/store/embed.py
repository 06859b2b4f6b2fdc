"""Make vectors of the paragraphs that have none: a pass in rounds, each of which ends with a commit.

A round reads the last commit without the lock and embeds some of its paragraphs. Then it takes the lock to
write the vectors beside the segments, which never change: what is known of a document of a segment holds as
long as the segment is there. The vectors of a segment that was merged or rebuilt meanwhile are found again by
the hashes of their texts.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.address import is_service
from indexer.engine import (
    VECTORS,
    Ids,
    Snapshot,
    Unembedded,
    find_known,
    hash_texts,
    list_unembedded,
    quantize,
    write_vectors,
)
from indexer.errors import (
    RUN_DOCTOR,
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexOutdated,
    ModelFailed,
    format_count,
)
from indexer.files.names import INDEX_NAME, POINTER
from indexer.files.threads import start_thread
from indexer.reports import EmbedReport, SyncReport
from indexer.store import generations
from indexer.store.folder import WritableFolder
from indexer.store.lock import lock_for_writing
from indexer.store.reader import check_format, open_snapshot
from indexer.sync import Progress, Silence
from indexer.vectors import Matrix, Model, TextRefused

MEMORY = 64 * 2**20
"""Bytes that the vectors of a round may take, and those that are kept from earlier rounds."""
_ROUND = 30.0
"""Seconds that a round takes, if it is not ended by something else."""
_WRITING = 0.1
"""The largest share of a round that writing may take; where it takes more, a round is longer.

All vectors of a segment are in one file, which is written again: a large one should not be for a few.
"""
_CHUNK = 512  # paragraphs that are read together
_BATCH = 64  # texts that the model is given together
_OVERHEAD = 256  # bytes of memory that a vector takes besides its numbers
_TICK = 0.5
"""Seconds between two looks at whether to stop, while a service works."""
_GRACE = 2.0
"""Seconds that a service has for the texts that it was given, once the pass is to stop."""
_PLAIN = "test"
"""A text that no model refuses for what it is."""
_Vector = NDArray[np.int8]


class _Late(Exception):
    """The pass is to stop, and the service has not answered in time."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Vectors of some documents of a segment (ascending), one a row, and the hashes of their texts."""

    segment: str
    docs: Ids
    vectors: NDArray[np.int8]
    hashes: NDArray[np.uint64]


def embed(
    index: WritableFolder,
    model: Model,
    *,
    progress: Progress | None,
    stop: Callable[[], bool] | None,
    memory: int = MEMORY,
) -> EmbedReport:
    """See `Index.embed`. A round ends when its vectors take `memory` bytes."""
    began = time.perf_counter()
    index.check_options()
    done = _Pass(index, model, model.fingerprint, progress or Silence(), stop or (lambda: False), memory)
    done.run()
    return EmbedReport(
        embedded=done.embedded,
        reused=done.reused,
        refused=done.refused,
        unchanged=done.unchanged,
        remaining=done.remaining,
        seconds=round(time.perf_counter() - began, 3),
        interrupted=done.is_stopped and done.remaining > 0,
        failure=done.failure,
    )


@dataclass(eq=False, slots=True)
class _Pass:
    """What is done and to be done; the counts are those of an `EmbedReport`."""

    index: WritableFolder
    model: Model
    fingerprint: str
    progress: Progress
    stop: Callable[[], bool]
    memory: int
    embedded: int = 0
    reused: int = 0
    refused: int = 0
    unchanged: int = 0
    remaining: int = 0
    failure: str = ""
    damage: IndexDamaged | None = None
    """What keeps texts from being read."""
    is_stopped: bool = False
    made: dict[int, _Vector] = field(default_factory=dict)
    """The vectors that the model has made and no side file has yet, by the hash of their text."""
    refusals: set[int] = field(default_factory=set)
    """The hashes of the texts that the model has refused; their vectors are zeros."""
    made_since: float = 0.0
    """When the first of these was made, or the round began."""
    width: int = 0
    """Bytes of a vector; 0 while that is not known."""
    written: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Of which documents vectors were written, for each segment."""
    writing: float = 0.0
    """Seconds that writing took the last time."""
    has_committed: bool = False
    last: Snapshot | None = None
    """The commit that was opened last: what has not changed is not opened again."""
    previous: Snapshot | None = None
    """The generation before its own, if it can be read."""

    def run(self) -> None:
        """Embed until nothing is left, `stop` says so, or the model fails."""
        expected = -1
        while True:
            snapshot = self._open()
            missing = list_unembedded(snapshot, self.fingerprint)
            self._check_stored(snapshot, missing)
            self.remaining = sum(len(docs) for _, docs in missing)
            if expected < 0:
                self.unchanged = snapshot.embeddable - self.remaining
            if not self.remaining or self.is_stopped or self.failure:
                break
            if self.remaining > expected:
                self.progress.start(self.remaining, self.remaining)
            rows = self._embed_some(snapshot, missing)
            expected = self.remaining - sum(len(own.docs) for own in rows)
            try:
                if rows:
                    self._write(rows)
            except IndexLocked as error:
                # The other writer may take long. As long as there is something to embed, nothing is lost.
                is_full = self._measure(0, len(self.made)) >= MEMORY
                if not expected or self.is_stopped or self.failure or is_full:
                    lost = format_count(len(self.made), "new vector")
                    raise IndexLocked(f"{error.problem} ({lost} could not be written)") from error
            if self.damage:
                raise self.damage
        if not self.has_committed and not _is_announced(snapshot):
            self._write([])

    def _open(self) -> Snapshot:
        """Open the last commit."""
        root = self.index.config.index
        while True:
            folder = generations.live_folder(root)
            try:
                self.last = open_snapshot(folder, self.last)
            except IndexDamaged:
                # Rebuilds may have removed the generation meanwhile: then open the new one.
                if generations.live_folder(root) == folder:
                    raise
            else:
                return self.last

    def _open_previous(self, folder: Path) -> list[Snapshot]:
        """Open the generation before one, if it can be read: it may have vectors of the same texts."""
        path = generations.previous_folder(self.index.config.index, folder)
        before, self.previous = self.previous, None
        with suppress(IndexDamaged, IndexMissing, IndexOutdated):
            if path is not None:
                check_format(path)
                self.previous = open_snapshot(path, before)
        return [self.previous] if self.previous else []

    def _check_stored(self, snapshot: Snapshot, missing: Sequence[Unembedded]) -> None:
        """Fail if further rounds would be in vain: the index has vectors of another size, or keeps none."""
        try:
            for _, file in snapshot.open_vector_files(self.fingerprint)[:1]:
                self._check_width(file.dimensions)
            for segment, docs in missing:
                written = self.written.get(segment.entry.id)
                if written is not None and written[docs].any():
                    raise ModelFailed(
                        f"vectors that were written to {self.index.config.index} are not there any more",
                        f"make sure that no other model is used to embed the same index, and {RUN_DOCTOR}",
                    )
        except ModelFailed as error:
            self.failure = self.failure or str(error)

    def _embed_some(self, snapshot: Snapshot, missing: Sequence[Unembedded]) -> list[_Rows]:
        """Return vectors of some of the missing documents, as many as a round makes."""
        sources = [snapshot, *self._open_previous(snapshot.folder)]
        began = time.monotonic()
        until = began + max(_ROUND, self.writing / _WRITING)
        if not self.made:
            self.made_since = began
        found: list[_Rows] = []
        count, known = 0, len(self.made)
        for lacking in missing:
            for start in range(0, len(lacking.docs), _CHUNK):
                self.is_stopped = self.is_stopped or self.stop()
                size = self._measure(count, len(self.made) - known)
                if self.is_stopped or self.failure or time.monotonic() >= until or size >= self.memory:
                    return found
                own = lacking._replace(docs=lacking.docs[start : start + _CHUNK])
                try:
                    snapshot.check_sizes()
                    texts = own.read_texts()
                except IndexDamaged as damage:
                    # Raised when the vectors are written, or each pass would lose them again.
                    self.damage = damage
                    return found
                hashes = hash_texts(texts)
                vectors = self._find_vectors(sources, hashes, texts, until)
                has_vector = np.array([number in vectors for number in hashes.tolist()], np.bool_)
                if has_vector.any():
                    rows = np.stack([vectors[number] for number in hashes[has_vector].tolist()])
                    name = own.segment.entry.id
                    found.append(_Rows(name, own.docs[has_vector], rows, hashes[has_vector]))
                    count += len(rows)
        return found

    def _find_vectors(
        self, sources: Sequence[Snapshot], hashes: NDArray[np.uint64], texts: Sequence[str], until: float
    ) -> dict[int, _Vector]:
        """Return the vectors of texts by their hashes: those that are known, and those that the model makes.

        They are not those of all texts, if the round ends.
        """
        counts = Counter(hashes.tolist())
        vectors = {number: self.made[number] for number in counts.keys() & self.made.keys()}
        is_known, rows = find_known(sources, self.fingerprint, hashes)
        try:
            if is_known.any():
                self._check_width(rows.shape[1])
                vectors.update(zip(hashes[is_known].tolist(), rows[is_known], strict=True))
            self._advance(counts, vectors)
            unknown = {
                number: text
                for number, text in zip(hashes.tolist(), texts, strict=True)
                if number not in vectors
            }
            numbers = [*unknown]
            for start in range(0, len(numbers), _BATCH):
                self.is_stopped = self.is_stopped or self.stop()
                if self.is_stopped or time.monotonic() >= until:
                    break
                batch = {number: unknown[number] for number in numbers[start : start + _BATCH]}
                for made in self._make_vectors(batch):
                    self.made.update(made)
                    vectors.update(made)
                    self._advance(counts, made)
                    # A batch with texts that are refused takes many requests.
                    self.is_stopped = self.is_stopped or self.stop()
                    if self.is_stopped:
                        break
        except _Late:
            self.is_stopped = True
        except ModelFailed as error:
            self.failure = str(error)
        return vectors

    def _make_vectors(self, texts: Mapping[int, str]) -> Iterator[dict[int, _Vector]]:
        """Yield the vectors that the model makes of texts, by their hashes, some at a time.

        If it refuses them, each half is tried. A text that it refuses by itself gets a vector of zeros, which
        is close to nothing, and is stored like others so that the model is not asked again. Raises
        ModelFailed and _Late.
        """
        try:
            rows = self._make_rows([*texts.values()])
        except TextRefused:
            if len(texts) > 1:
                numbers = [*texts]
                middle = len(numbers) // 2
                for half in (numbers[:middle], numbers[middle:]):
                    yield from self._make_vectors({number: texts[number] for number in half})
                return
            # A service may refuse all texts, such as for a model that it does not have.
            rows = np.zeros_like(self._make_rows([_PLAIN]))
            self.refusals.update(texts)
        yield dict(zip(texts, rows, strict=True))

    def _make_rows(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Return the vectors that the model makes of texts, as stored; raises ModelFailed and _Late."""
        vectors = self._ask(texts)
        try:
            rows = quantize(vectors)
        except ValueError as error:
            raise ModelFailed(
                f"the model gives vectors that cannot be stored ({error})", "configure another model"
            ) from error
        self._check_width(rows.shape[1])
        return rows

    def _ask(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors that the model makes of texts; raises ModelFailed and _Late.

        A service may take minutes: if the pass is to stop, the thread that waits for it is left to itself.
        """
        if not is_service(self.index.config.model):
            # A process that ends while a library computes in such a thread may crash.
            return self.model.embed_texts(texts)
        try:
            answer = start_thread("embedding texts", lambda: self.model.embed_texts(texts), is_daemon=True)
        except RuntimeError as error:
            problem = f"the service cannot be asked now ({error})"
            raise ModelFailed(problem, "try again later") from error
        end = math.inf
        while True:
            try:
                return answer.result(_TICK)
            except TimeoutError:
                if answer.done():
                    raise
                now = time.monotonic()
                if now >= end:
                    raise _Late from None
                if end == math.inf and self.stop():
                    self.is_stopped, end = True, now + _GRACE

    def _advance(self, counts: Mapping[int, int], done: Iterable[int]) -> None:
        """Let the progress count the paragraphs whose texts, by hash, are done."""
        for _ in range(sum(counts[number] for number in done)):
            self.progress.advance(1)

    def _check_width(self, width: int) -> None:
        """Raise ModelFailed for vectors of another size than those before: a service may change its model."""
        if self.width not in (0, width):
            raise ModelFailed(
                f"there are vectors of {self.width:,} and of {width:,} numbers, so the model is another now",
                f"configure the one that it was, or delete the files *.{VECTORS}.nut below "
                f"{self.index.config.index} and run `nutgraf embed` to begin anew",
            )
        self.width = width

    def _measure(self, vectors: int, made: int) -> int:
        """Return the bytes that so many vectors of a round take, and so many that the model has made."""
        return vectors * self.width + made * (self.width + _OVERHEAD)

    def _write(self, found: Sequence[_Rows]) -> None:
        """Write vectors of segments that are still there, in a commit; raises IndexLocked."""
        config = self.index.config
        # Wait for the lock for at least as long as it took to make the vectors that would be lost.
        patience = max(config.lock_timeout, time.monotonic() - self.made_since if self.made else 0.0)
        with lock_for_writing(config.index, patience):
            began = time.monotonic()
            self.index.check_options()
            snapshot = self._open()
            written: list[int] = []
            for segment, docs in list_unembedded(snapshot, self.fingerprint):
                own = [rows for rows in found if rows.segment == segment.entry.id]
                if own:
                    joined = _join(own, docs)
                    write_vectors(segment, self.fingerprint, joined.docs, joined.vectors, joined.hashes)
                    written += joined.hashes.tolist()
                    none = np.zeros(segment.view.documents, np.bool_)
                    self.written.setdefault(segment.entry.id, none)[joined.docs] = True
            if written or not found:
                with self.index.change(SyncReport()) as (_, batch):
                    batch.touch()
                self.has_committed = True
        self.writing = time.monotonic() - began
        new = self.made.keys() & set(written)
        refused = sum(number in self.refusals for number in written)
        embedded = len(new - self.refusals)
        self.embedded += embedded
        self.refused += refused
        self.reused += len(written) - embedded - refused
        for number in new:
            del self.made[number]
        # Those of segments that were merged are found in the next rounds, but not those of removed articles.
        while self._measure(0, len(self.made)) > MEMORY:
            del self.made[next(iter(self.made))]


def _join(parts: Sequence[_Rows], wanted: Ids) -> _Rows:
    """Join rows of a segment, of the documents that are wanted: another pass may have written the others."""
    docs = np.concatenate([rows.docs for rows in parts])
    kept = np.isin(docs, wanted)
    return _Rows(
        parts[0].segment,
        docs[kept],
        np.concatenate([rows.vectors for rows in parts])[kept],
        np.concatenate([rows.hashes for rows in parts])[kept],
    )


def _is_announced(snapshot: Snapshot) -> bool:
    """Whether the last commit is younger than all side files, as it is unless a pass died before its commit.

    Readers open side files anew with a commit, or with a generation, which may have some when it becomes
    live. A file from the future, as the clock was wrong, would be younger than any commit, and does not
    count.
    """
    folder, now = snapshot.folder, time.time_ns()
    with suppress(FileNotFoundError):
        paths = (folder / f"_{INDEX_NAME}_{snapshot.commit}.toc", folder.parent / POINTER)
        committed = max(path.stat().st_mtime_ns for path in paths)
        times = [path.stat().st_mtime_ns for path in folder.glob(f"*.{VECTORS}.nut")]
        return not any(committed < changed <= now for changed in times)
    # Another writer has committed meanwhile.
    return True
