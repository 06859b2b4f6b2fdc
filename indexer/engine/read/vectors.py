"""How close the paragraphs of a snapshot come to a vector: an exact search in two steps, without an index.

Step 1 compares the signs of all stored vectors with those of the query, one bit a dimension, by a weighted
Hamming distance: a dimension in which the signs differ weighs 0 to 3, by the size of the query's component.
Step 2 takes the 1,000 articles at the smallest distances, and computes the exact cosines of the two closest
paragraphs of each. A sample of the paragraphs gives the mean cosine, and the line by which the cosines of all
other articles are estimated from their distances.

On news and a static model of 256 dimensions, 94 of the 100 closest articles are among the 1,000 at the
smallest distances, but only 79 if all dimensions weigh the same. Subtracting the mean vector, or rotating
all vectors, changes little.

Vectors are derived data: a side file that is missing, damaged or of another segment leaves its segment
without vectors, and `VectorFiles.find_problems` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values, contains, expand_ranges, find_changes
from indexer.engine.format.vectors import VectorFile, make_signs, vectors_path
from indexer.engine.read.contents import SegmentEntry
from indexer.engine.read.segment import SegmentView
from indexer.errors import IndexDamaged, StorageFailed
from indexer.files.fork_safe import lazy

if TYPE_CHECKING:
    from indexer.engine.read.snapshot import LiveSegment

_MAX_EXACT = 4096  # paragraphs: of fewer, all are compared exactly, which takes less than a millisecond
_SAMPLE = 1000  # paragraphs
_AT_ONCE = 2**15  # numbers that are computed together, so that they stay in the cache of a processor
_ROWS_AT_ONCE = 2**12  # vectors that are converted together
_RUNS_AT_ONCE = 2**12  # articles whose paragraphs are looked through together
_MAX_EXACT_FLOAT = 2**24  # float32 has all integers up to this one
_POSITION_BITS = 16
_MAX_POSITION = 2**_POSITION_BITS - 1
_ADVICE = "run `nutgraf embed` to make it again"
_State = tuple[int, int, int, int]


class Closeness(NamedTuple):
    """How close the paragraphs of each article come to a vector.

    `cosines` (float64) has the cosine of the closest paragraph of each article of the snapshot, and `mean`
    for an article without vectors. `docs` (int32) has the document of this paragraph, numbered as in the
    snapshot, and -1 for an article without vectors. Of the articles in `exact` (ascending) both are exact, as
    far as one byte a dimension allows; of the others they are estimated. `mean` is that of the cosines of all
    paragraphs that can be seen in the snapshot, or of an evenly spaced sample of them.

    The title of an article without paragraphs counts as one. An article whose vectors are all zero has the
    cosine 0, and is never in `exact`: it is close to nothing.
    """

    cosines: Values
    docs: Ids
    exact: Ids
    mean: float


class VectorFiles:
    """The side files with the vectors of the segments of a commit; opened when they are first asked for.

    A file that is replaced later is seen by the next commit only. Those that `before` has open are not
    opened again, unless they were replaced. Safe to share between threads.
    """

    def __init__(
        self, parts: Iterable[tuple[SegmentEntry, SegmentView]], before: VectorFiles | None = None
    ) -> None:
        self._parts = {entry.id: (vectors_path(view.file.path), entry.seal, view) for entry, view in parts}
        self._opened: dict[str, VectorFile | None] = {}
        self._states: dict[str, _State] = {}
        self._problems: dict[str, str] = {}
        self._read: set[str] = set()
        self._before = {}
        if before:
            self._before = {
                name: (before._states[name], file)
                for name, file in [*before._opened.items()]
                if file is not None and name in self._parts
            }

    def open(self, segment: str) -> VectorFile | None:
        """The side file of the segment with this id; None if it has none that can be used.

        One that was truncated since it was opened cannot. Raises IndexDamaged if the segment itself is
        damaged.
        """
        # Without a lock: two threads may open the same file.
        if segment not in self._opened:
            if segment not in self._parts:
                return None  # in memory
            # Not in the function: that the segment itself is damaged is no problem of the vectors.
            is_embeddable = find_embeddable(self._parts[segment][2])
            self._try(segment, lambda: self._open(segment, is_embeddable))
        # Reading one that was truncated would be fatal.
        return self._check(segment, lambda file: file.file.check_size())

    def open_checked(self, segment: str) -> VectorFile | None:
        """As `open`, after everything in it that a search uses was read and compared with its checksums."""
        file = None
        if self.open(segment) is not None:
            file = self._check(segment, VectorFile.read)
        # Otherwise it could not be read now.
        if file is not None or (segment in self._opened and self._opened[segment] is None):
            self._read.add(segment)
        return file

    def is_read(self, segment: str) -> bool:
        """Whether `open_checked` needs nothing more of the file of this segment than its size."""
        return segment in self._read or segment not in self._parts

    def _open(self, segment: str, is_embeddable: NDArray[np.bool_]) -> VectorFile | None:
        """The side file of a segment as it is on the disk; None if there is none."""
        path, seal, _ = self._parts[segment]
        state = _read_state(path)
        if state is None:
            return None
        self._states[segment] = state
        known, file = self._before.get(segment, (None, None))
        return file if known == state else VectorFile(path, seal, is_embeddable)

    def _check(self, segment: str, check: Callable[[VectorFile], None]) -> VectorFile | None:
        """The file of a segment that was opened; None if there is none, or if the check raises an error."""
        file = self._opened.get(segment)
        if file is None:
            return None

        def read() -> VectorFile:
            check(file)
            return file

        return self._try(segment, read)

    def _try(self, segment: str, read: Callable[[], VectorFile | None]) -> VectorFile | None:
        """Keep and return what `read` returns for a segment; None, and its problem is kept, if it raises."""
        file = None
        try:
            file = read()
        except StorageFailed as error:
            # It may be readable the next time.
            self._problems[segment] = str(error)
            return None
        except IndexDamaged as damage:
            self._problems[segment] = _describe(damage)
        else:
            self._problems.pop(segment, None)
        self._opened[segment] = file
        return file

    def find_problems(self, *, every_byte: bool = False) -> list[str]:
        """Read all files; returns what is wrong with each that cannot be used, as a sentence.

        With `every_byte`, also what no search would notice. Raises StorageFailed.
        """
        dimensions: dict[str, int] = {}
        problems = []
        for segment in self._parts:
            problem = self._verify(segment) if every_byte else ""
            file = self.open_checked(segment)
            if file is None:
                problem = problem or self._problems.get(segment, "")
            elif (wanted := dimensions.setdefault(file.model, file.dimensions)) != file.dimensions:
                about = f"{file.file.path} has vectors of {file.dimensions} numbers, others have {wanted}"
                problem = problem or f"{about}: {_ADVICE}"
            problems.append(problem)
        return list(filter(None, problems))

    def _verify(self, segment: str) -> str:
        """The problem of a side file as it is now on the disk; empty if there is none."""
        path, seal, view = self._parts[segment]
        is_embeddable = find_embeddable(view)
        while (state := _read_state(path)) is not None:
            try:
                VectorFile(path, seal, is_embeddable).verify()
            except IndexDamaged as damage:
                # A writer may have replaced it meanwhile: then verify the new one.
                if _read_state(path) == state:
                    return _describe(damage)
            else:
                break
        return ""


def find_embeddable(view: SegmentView) -> NDArray[np.bool_]:
    """Which documents of a segment may have a vector (bool, one of each): all but the custom texts.

    They are the paragraphs, and the empty document of each article without paragraphs, for its title.
    """
    is_embeddable: NDArray[np.bool_] = view.doc_fields == 0
    return is_embeddable


def _describe(damage: IndexDamaged) -> str:
    # Nothing else needs to be repaired for it.
    return f"{damage.problem}: {_ADVICE}"


def _read_state(path: Path) -> _State | None:
    """Numbers that tell whether a file was replaced; None if there is none. Raises StorageFailed."""
    try:
        stat = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageFailed(f"{path} cannot be read now ({error.strerror or error})") from error
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


class _Part(NamedTuple):
    """A side file in a snapshot: its segment's first document there, and the first of its rows among all."""

    file: VectorFile
    first_doc: int
    first_row: int


class _Query(NamedTuple):
    """A vector to compare rows with: as whole numbers, with their length, and as signs with weights.

    `signs` (uint64) are those of the dimensions, `odd` and `high` (uint64) the bits of their weights: a
    dimension weighs 1 if it is in `odd`, 2 if it is in `high`, 3 if it is in both.
    """

    numbers: NDArray[np.float32]
    length: float
    signs: NDArray[np.uint64]
    odd: NDArray[np.uint64]
    high: NDArray[np.uint64]


class Vectors:
    """The vectors of one model in a snapshot; safe to share between threads.

    Only those of paragraphs, and of titles of articles without any, that can be seen in the snapshot count:
    `paragraphs` of them have one, of so many `dimensions`.
    """

    def __init__(self, articles: int, opened: Sequence[tuple[LiveSegment, VectorFile]]) -> None:
        self._articles = articles
        self.dimensions = opened[0][1].dimensions
        self._parts: list[_Part] = []
        runs, owners, norms, rows = [], [], [], 0
        for segment, file in opened:
            starts, own = _find_runs(segment, file)
            self._parts.append(_Part(file, segment.first_doc, rows))
            runs.append(starts + rows)
            owners.append(own)
            norms.append(np.maximum.reduceat(file.norms, starts) if len(starts) else file.norms)
            rows += len(file)
        self._rows = rows
        # A run has the rows of an article, which follow one another.
        self._runs = np.concatenate(runs)
        counts: NDArray[np.int64] = np.diff(self._runs, append=rows)
        every = np.concatenate(owners)
        # Whole articles are hidden, so a run is visible or not.
        self._visible = np.flatnonzero(every >= 0)
        self._owners = every[self._visible]
        self._starts, self._counts = self._runs[self._visible], counts[self._visible]
        self.paragraphs = int(self._counts.sum())
        # Where the average cosine is negative, an article of which the model knows nothing would seem close.
        self._has_direction = np.concatenate(norms)[self._visible] > 0
        self._part_starts = np.array([part.first_row for part in self._parts])

    @property
    def files(self) -> list[VectorFile]:
        """The side files."""
        return [part.file for part in self._parts]

    def measure(
        self, query: NDArray[np.float32], also: Ids, allowed: Ids | None = None, depth: int = 1000
    ) -> Closeness:
        """Return how close the articles come to a vector of any length.

        The cosines of the articles in `also` (ascending) are exact, and those of the `depth` allowed articles
        (ascending, None for all) that are closest by their signs; in a snapshot with few vectors, those of
        all. Raises ValueError for a vector of another size or with a number that is
        not finite.
        """
        coded = self._encode(query)
        cosines, docs = np.zeros(self._articles), np.full(self._articles, -1, np.int32)
        sample = self._sample
        found = self._find_cosines(sample.numbers, sample.norms, coded)
        mean = float(found.mean()) if len(found) else 0.0
        cosines[:] = mean
        is_wanted = np.zeros(self._articles, np.bool_)
        is_wanted[:] = allowed is None
        if allowed is not None:
            is_wanted[allowed] = True
        if self.paragraphs <= _MAX_EXACT:
            is_wanted[also] = True
            cosines[self._owners], rows = self._compare_all(coded)
            chosen = np.flatnonzero(is_wanted.take(self._owners) & self._has_direction)
        else:
            distances = self._measure_distances(coded)
            closest, rows = self._find_closest(distances)
            candidates = np.flatnonzero(is_wanted.take(self._owners) & self._has_direction)
            chosen = candidates.take(_choose_smallest(closest.take(candidates), depth))
            if len(also):
                # Faster than np.union1d.
                is_chosen = contains(also, self._owners) & self._has_direction
                is_chosen[chosen] = True
                chosen = np.flatnonzero(is_chosen)
            cosines[self._owners] = _fit(distances.take(sample.rows), found, closest)
            cosines[self._owners.take(chosen)], rows[chosen] = self._compare_closest(
                coded, chosen, rows.take(chosen), distances
            )
        cosines[self._owners[~self._has_direction]] = 0.0
        docs[self._owners] = self._find_docs(rows)
        return Closeness(cosines, docs, self._owners.take(chosen), mean)

    def mean_of(self, article: int) -> NDArray[np.float32] | None:
        """The mean of the vectors of an article's paragraphs, of length 1 (float32); None without any."""
        run = int(self._owners.searchsorted(article))
        if run == len(self._owners) or self._owners[run] != article:
            return None
        rows = np.arange(self._starts[run], self._starts[run] + self._counts[run])
        vectors, norms = self._read(rows)
        lengths = np.sqrt(np.maximum(norms, 1))
        mean = (vectors / lengths[:, None]).mean(axis=0, dtype=np.float64)
        length = float(np.sqrt(mean @ mean))
        return (mean / length).astype(np.float32) if length else None

    def _encode(self, query: NDArray[np.float32]) -> _Query:
        vector = np.asarray(query, np.float64).reshape(-1)
        if len(vector) != self.dimensions:
            raise ValueError(f"the vector has {len(vector)} numbers, those of the index {self.dimensions}")
        if not np.isfinite(vector).all():
            raise ValueError("the vector has a number that is not finite")
        # Scale the query to whole numbers such that every partial sum of a scalar product stays below 2**24:
        # float32 sums are then exact, in any order, so that equal rows have equal cosines.
        root = float(np.sqrt(self.dimensions))
        length = _MAX_EXACT_FLOAT / (128 * root) - root
        largest = float(np.abs(vector).max(initial=0.0))
        if largest:
            vector = vector / largest
            vector *= length / float(np.sqrt(vector @ vector))
        numbers = np.rint(vector)
        sizes = np.abs(vector)
        # The mean size weighs 1.5, so that all weights are used by about as many dimensions.
        weights = np.minimum(np.rint(sizes * (1.5 / max(float(sizes.mean()), 1e-9))), 3).astype(np.uint8)
        signs, odd, high = make_signs(np.array([vector, weights & 1, weights & 2])).T
        return _Query(numbers.astype(np.float32), float(np.sqrt(numbers @ numbers)), signs, odd, high)

    @lazy
    def _sample(self) -> _Sample:
        """Evenly spaced rows of visible paragraphs."""
        count = min(self.paragraphs, _SAMPLE)
        numbers = np.arange(count) * self.paragraphs // max(count, 1)
        ends = self._counts.cumsum()
        runs = ends.searchsorted(numbers, "right")
        rows = self._starts[runs] + numbers - (ends - self._counts)[runs]
        return _Sample(rows, *self._read(rows))

    @lazy
    def _positions(self) -> NDArray[np.uint16]:
        """The number of each row among those of its article, but at most 65,535 (uint16)."""
        counts: NDArray[np.int64] = np.diff(self._runs, append=self._rows)
        positions: NDArray[np.int64] = np.arange(self._rows) - np.repeat(self._runs, counts)
        np.minimum(positions, _MAX_POSITION, out=positions)
        return positions.astype(np.uint16)

    def _measure_distances(self, coded: _Query) -> NDArray[np.uint16]:
        """The weights of the dimensions in which the sign of each row differs from the query, added up."""
        distances = np.zeros(self._rows, np.uint16)
        buffers = np.empty((2, _AT_ONCE), np.uint64), np.empty((2, _AT_ONCE), np.uint8)
        for file, _, first_row in self._parts:
            columns = file.signs
            for start in range(0, len(file), _AT_ONCE):
                size = min(_AT_ONCE, len(file) - start)
                (differing, weighed), (counts, others) = (buffer[:, :size] for buffer in buffers)
                own = distances[first_row + start :][:size]
                for column, signs, odd, high in zip(columns, coded.signs, coded.odd, coded.high, strict=True):
                    np.bitwise_xor(column[start : start + size], signs, out=differing)
                    np.bitwise_and(differing, odd, out=weighed)
                    np.bitwise_count(weighed, out=counts)
                    np.bitwise_and(differing, high, out=weighed)
                    np.bitwise_count(weighed, out=others)
                    # At most 3 for each of 64 dimensions.
                    others <<= 1
                    counts += others
                    own += counts
        return distances

    def _find_closest(self, distances: NDArray[np.uint16]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """The smallest distance of each visible run, and the first row that has it."""
        keys = distances.astype(np.uint32)
        keys <<= _POSITION_BITS
        keys |= self._positions
        smallest: NDArray[np.uint32] = np.minimum.reduceat(keys, self._runs)[self._visible]
        rows: NDArray[np.int64] = self._starts + (smallest & _MAX_POSITION)
        return (smallest >> _POSITION_BITS).astype(np.uint16), rows

    def _compare_all(self, coded: _Query) -> tuple[Values, NDArray[np.int64]]:
        """The highest cosine of each visible run, and the first row that has it."""
        rows = expand_ranges(self._starts, self._counts)
        return _find_best(self._compare(coded, rows), rows, self._counts)

    def _compare_closest(
        self, coded: _Query, runs: NDArray[np.intp], rows: NDArray[np.int64], distances: NDArray[np.uint16]
    ) -> tuple[Values, NDArray[np.int64]]:
        """The higher cosine of the two closest rows of each of some visible runs, and its row.

        `rows` are the closest ones by their distances.
        """
        cosines, best = self._compare(coded, rows), rows.copy()
        has_second = np.flatnonzero(self._counts.take(runs) > 1)
        # Some runs at a time, to save memory.
        for start in range(0, len(has_second), _RUNS_AT_ONCE):
            own = has_second[start : start + _RUNS_AT_ONCE]
            first = rows.take(own)
            second = self._find_second(runs.take(own), first, distances)
            found, before = self._compare(coded, second), cosines.take(own)
            is_better = (found > before) | ((found == before) & (second < first))
            cosines[own[is_better]] = found[is_better]
            best[own[is_better]] = second[is_better]
        return cosines, best

    def _find_second(
        self, runs: NDArray[np.intp], rows: NDArray[np.int64], distances: NDArray[np.uint16]
    ) -> NDArray[np.int64]:
        """The closest row by distance, without these rows, of each of some visible runs of several rows."""
        starts, counts = self._starts.take(runs), self._counts.take(runs)
        firsts = counts.cumsum()
        firsts -= counts
        every = expand_ranges(starts, counts)
        keys = distances.take(every).astype(np.uint32)
        keys <<= _POSITION_BITS
        keys |= self._positions.take(every)
        keys[firsts + (rows - starts)] = np.iinfo(np.uint32).max
        found: NDArray[np.int64] = starts + (np.minimum.reduceat(keys, firsts) & _MAX_POSITION)
        return found

    def _compare(self, coded: _Query, rows: NDArray[np.int64]) -> Values:
        """The cosine of each of some rows."""
        cosines = np.empty(len(rows))
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            vectors, norms = self._read(rows[start : start + _ROWS_AT_ONCE])
            cosines[start : start + _ROWS_AT_ONCE] = self._find_cosines(vectors, norms, coded)
        return cosines

    def _find_cosines(self, vectors: NDArray[np.float32], norms: Values, coded: _Query) -> Values:
        """The cosines of vectors with the squares of their lengths; 0 where one is zero."""
        # Not vectors @ numbers: BLAS would wake threads on all cores for each query, which takes longer and
        # many times the work as soon as these have something else to do.
        products = np.vecdot(vectors, coded.numbers)
        lengths = np.sqrt(norms)
        lengths *= coded.length
        cosines = np.zeros(len(vectors))
        np.divide(products, lengths, out=cosines, where=lengths > 0)
        # Norms that do not agree with the rows could make it larger.
        return np.clip(cosines, -1.0, 1.0, out=cosines)

    def _read(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], Values]:
        """Some rows (ascending) as float32, and the squares of their lengths (float64)."""
        vectors, norms = np.empty((len(rows), self.dimensions), np.float32), np.empty(len(rows))
        bounds = [*rows.searchsorted(self._part_starts), len(rows)]
        for part, start, end in zip(self._parts, bounds[:-1], bounds[1:], strict=True):
            own = rows[start:end] - part.first_row
            vectors[start:end] = part.file.rows.take(own, axis=0)
            norms[start:end] = part.file.norms.take(own)
        return vectors, norms

    def _find_docs(self, rows: NDArray[np.int64]) -> Ids:
        """The documents of rows (ascending), numbered as in the snapshot."""
        docs = np.empty(len(rows), np.int32)
        bounds = [*rows.searchsorted(self._part_starts), len(rows)]
        for part, start, end in zip(self._parts, bounds[:-1], bounds[1:], strict=True):
            docs[start:end] = part.file.docs.take(rows[start:end] - part.first_row)
            docs[start:end] += part.first_doc
        return docs


class _Sample(NamedTuple):
    """Some rows, their numbers as float32, and the squares of their lengths."""

    rows: NDArray[np.int64]
    numbers: NDArray[np.float32]
    norms: Values


def _find_runs(segment: LiveSegment, file: VectorFile) -> tuple[NDArray[np.int64], Ids]:
    """The first row of each article that has rows, and the article's number in the snapshot, -1 if hidden."""
    owners = segment.view.doc_starts.searchsorted(file.docs.astype(np.int64), "right") - 1
    starts = np.flatnonzero(find_changes(owners))
    numbers = np.arange(segment.view.articles, dtype=np.int32)
    if segment.articles is not None:
        numbers[:] = -1
        numbers[segment.articles] = np.arange(len(segment.articles))
    numbers[numbers >= 0] += segment.first_article
    return starts, numbers[owners[starts]]


def _find_best(
    cosines: Values, rows: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[Values, NDArray[np.int64]]:
    """The highest cosine of each run of so many rows, and the first row that has it."""
    if not len(counts):
        return cosines, rows
    firsts = counts.cumsum() - counts
    best = np.maximum.reduceat(cosines, firsts)
    is_best = np.flatnonzero(cosines == best.repeat(counts))
    return best, rows.take(is_best.take(is_best.searchsorted(firsts)))


def _choose_smallest(values: NDArray[np.uint16], count: int) -> NDArray[np.intp]:
    """The indices of the smallest values, ascending; of equal ones the first."""
    if count >= len(values):
        return np.arange(len(values))
    if count <= 0:
        return np.empty(0, np.intp)
    limit = np.partition(values, count - 1)[count - 1]
    below, equal = values < limit, np.flatnonzero(values == limit)
    below[equal[: count - int(np.count_nonzero(below))]] = True
    return np.flatnonzero(below)


def _fit(distances: NDArray[np.uint16], cosines: Values, wanted: NDArray[np.uint16]) -> Values:
    """Estimate cosines from distances, by the line that has the least squares for a sample."""
    own = distances.astype(np.float64)
    own -= own.mean()
    spread = float(own @ own)
    slope = float(own @ cosines) / spread if spread else 0.0
    estimates = wanted.astype(np.float64)
    estimates -= float(distances.mean())
    estimates *= slope
    estimates += float(cosines.mean())
    return np.clip(estimates, -1.0, 1.0, out=estimates)
