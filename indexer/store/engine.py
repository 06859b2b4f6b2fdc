"""The engine that keeps an archive in a folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from indexer.config import Config
from indexer.errors import ConfigError, IndexBuilding, IndexDamaged
from indexer.files.fork_safe import Lock
from indexer.reports import Building
from indexer.search.request import Restriction
from indexer.store import generations
from indexer.store.progress import read_progress
from indexer.store.reader import OpenIndex, RestrictionCache, Today, open_live, open_previous

# What writes is imported in the methods, because a process that only reads needs none of it.
if TYPE_CHECKING:
    from indexer.reports import Diagnosis, EmbedReport, Verification
    from indexer.search.meaning import Meaning
    from indexer.store.folder import WritableFolder
    from indexer.sync import Progress
    from indexer.vectors import Model

T = TypeVar("T")


class FolderEngine:
    """Reads and writes the index in a folder; safe to share between threads."""

    def __init__(self, config: Config, today: Today) -> None:
        self._config = config
        self._today = today
        self._lock = Lock()
        self._restricted = RestrictionCache[OpenIndex]()
        self._cached: tuple[OpenIndex, tuple[int, ...] | None] | None = None
        """The commit that was opened last, and the pointer state then: a tuple, read without a lock."""
        self._model: Model | None = None
        self._meaning: Meaning | None = None

    @property
    def exists(self) -> bool:
        """Whether there is an index yet."""
        return generations.exists(self._config.index)

    @property
    def path(self) -> str:
        """The folder of the live generation."""
        return str(generations.live_folder(self._config.index))

    def get_progress(self) -> Building | None:
        """See `Index.get_progress`."""
        return read_progress(self._config.index)

    def read(self, read: Callable[[OpenIndex], T], restriction: Restriction | None = None) -> T:
        """Call `read` with the last commit, or with what a restriction leaves of it.

        If a generation turns out to be damaged, with the previous one. Raises IndexMissing or IndexDamaged.
        """
        if restriction is None:
            return self._read(read)

        def read_part(opened: OpenIndex) -> T:
            return read(self._restricted.restrict(opened, restriction))

        try:
            return self._read(read_part)
        except IndexBuilding:
            # How far the build is would tell how many articles there will be.
            raise IndexBuilding("the first index is being built", "try again when it is done") from None

    def close(self) -> None:
        """Close the files; the next read opens them again."""
        with self._lock:
            self._cached = None
        self._restricted.clear()

    def _read(self, read: Callable[[OpenIndex], T]) -> T:
        opened = self._open_last_commit()
        try:
            opened.snapshot.check_sizes()
            return read(opened)
        except IndexDamaged as damage:
            if opened.damage:
                raise
            previous = self._open_previous(opened, damage)
        return read(previous)

    def _open_last_commit(self) -> OpenIndex:
        root, cached = self._config.index, self._cached
        state = generations.pointer_state(root, cached[0].live[0] if cached else None)
        if cached and state is not None and cached[1] == state:
            return cached[0]
        with self._lock:
            before = self._cached[0] if self._cached else None
            opened = open_live(root, self._config, self._today, before, self._open_meaning())
            self._cached = (opened, state)
            return opened

    def _open_previous(self, opened: OpenIndex, damage: IndexDamaged) -> OpenIndex:
        root = self._config.index
        with self._lock:
            meaning = opened.search_settings.meaning
            previous = open_previous(root, opened.live, self._config, self._today, damage, meaning)
            self._cached = (previous, generations.pointer_state(root, opened.live[0]))
        return previous

    def embed(self, *, progress: Progress | None, stop: Callable[[], bool] | None) -> EmbedReport:
        """See `Index.embed`."""
        from indexer.store.embed import embed

        return embed(self.open_for_writing(), self._open_model(), progress=progress, stop=stop)

    def _open_model(self) -> Model:
        """Return the model of the configuration, which all commits share; raises ConfigError."""
        if self._model is None:
            # Imported here, since most archives are searched by words alone.
            from indexer.store.model import open_configured_model

            self._model = open_configured_model(self._config)
        return self._model

    def _open_meaning(self) -> Meaning | None:
        """Return how searches find articles by their meaning; None without a model in the configuration.

        A model that cannot be opened is tried again with the next commit, such as that of `embed`.
        """
        if self._meaning is None and self._config.model:
            from indexer.search.meaning import Meaning
            from indexer.store.model import MissingModel

            try:
                self._meaning = Meaning(self._open_model(), self._config.meaning)
            except ConfigError as error:
                return Meaning(MissingModel(str(error)), self._config.meaning)
        return self._meaning

    def open_for_writing(self) -> WritableFolder:
        """Return the index as something that can be changed."""
        from indexer.store.folder import WritableFolder

        return WritableFolder(self._config, self._today)

    def verify(self, *, deep: bool, progress: Progress | None) -> Verification:
        """See `Index.verify`."""
        from indexer.store.verify import verify

        return verify(self._config, self._today, progress, deep=deep)

    def diagnose(self) -> Diagnosis:
        """See `Index.diagnose`."""
        from indexer.store.diagnose import diagnose

        return diagnose(self._config, self._today)

    def repair(self, *, allow_mass_delete: bool, progress: Progress | None) -> Diagnosis:
        """See `Index.repair`."""
        from indexer.store.repair import repair

        return repair(self._config, self._today, progress, allow_mass_delete=allow_mass_delete)
