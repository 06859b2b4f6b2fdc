"""The cluster: requests through the official client, with retries and time limits.

Everything that is asked of a cluster goes through `Cluster`. What it returns is whole: an answer from which a
shard is missing, or a write of which an item failed, is raised as an error. Only what the time limit that a
search was given has cut short is returned, with `timed_out`.
"""

from __future__ import annotations

import copy
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec

from indexer.address import ClusterAddress
from indexer.config import Config
from indexer.errors import IndexUnavailable, NutgrafError, StorageFailed
from indexer.opensearch.connection import TIMEOUT, Connection
from indexer.opensearch.failures import (
    RETRY,
    TRANSIENT,
    Failures,
    Json,
    SearchTimedOut,
    is_transient,
    read_type,
)

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

MIN_VERSION = (2, 4)
"""The oldest version of OpenSearch that has all that is asked of it."""
WRITE_PATIENCE, READ_PATIENCE = 30.0, 2.0
"""Seconds for which a request of a writer and of a reader is tried again."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two attempts
_LONG_TIMEOUT = 120.0  # seconds until an answer begins
_READ_TIMEOUT = 10.0  # the same for a single document, with which each read begins
_OPEN_TIMEOUT, _OPEN_ATTEMPTS = 2.0, 4  # the same for a point in time of a reader, and how often it is tried
_CLOSE_TIMEOUT = 2.0  # the same for what need not succeed
GRACE = 5.0
"""Seconds that a search may take beyond its time limit."""
KEEP_ALIVE = "30s"
"""How long a point in time stays after a search of it; to open another one is cheap.

A node has room for 300 of them by default, and one that was cut off cannot open its copies of the shards
again while it has any.
"""
_BULK_SIZE = 5 * 2**20  # bytes of a bulk request
# Writes go through this alias: OpenSearch would create a missing index by itself, without our mapping, but
# never an alias.
_ALIAS = "-write"
# A shard that is away is waited for, but for less time than the answer.
_WRITING: Mapping[str, Any] = {"require_alias": "true", "timeout": "10s"}


class Version(NamedTuple):
    """Which version of a document there is; each write of it gives it another one."""

    seq_no: int
    primary_term: int


class Document(NamedTuple):
    """A document and its version."""

    source: Json
    version: Version


@dataclass(frozen=True, slots=True)
class Action:
    """A document to write, or to delete if `source` is None (JSON).

    With a `version`, only that version is replaced or deleted.
    """

    id: str
    source: bytes | None
    version: Version | None = None


class Cluster:
    """A cluster, and the name of an index there; the first request connects. Safe to share between threads.

    While the cluster cannot be reached or is overloaded, a request is tried again for `patience` seconds;
    `pause` waits for some seconds. All methods raise IndexUnavailable, IndexMissing if the index is not
    there, StorageFailed if it is read-only, and ConfigError unless opensearch-py is installed, and botocore
    if requests are signed.
    """

    def __init__(
        self,
        address: ClusterAddress,
        password: str = "",
        *,
        patience: float = READ_PATIENCE,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self._patience, self._pause = patience, pause
        self._timeout = _READ_TIMEOUT
        self._is_writer = False
        self._connection = Connection(address, password)
        self._failures = Failures(address)

    @classmethod
    def of(cls, config: Config) -> Cluster:
        """Return the cluster that a configuration names."""
        assert config.cluster is not None
        return cls(config.cluster, config.opensearch_password)

    def for_writing(self) -> Self:
        """Return the same with the patience of a writer, which has no user who waits for it."""
        patient = copy.copy(self)
        patient._patience, patient._timeout = WRITE_PATIENCE, TIMEOUT
        patient._is_writer = True
        return patient

    def without_patience(self) -> Self:
        """Return the same, but no request is tried again."""
        hasty = copy.copy(self)
        hasty._patience = 0.0
        return hasty

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.address)!r})"

    # Reading

    def open_point(self, index: str) -> str:
        """Open a point in time of an index, for `KEEP_ALIVE` after each search of it; returns its id.

        A copy on a node that hangs is waited for: then other copies are tried, chosen by chance.
        """
        how = {"keep_alive": KEEP_ALIVE, "allow_partial_pit_creation": "false"}
        timeout = TIMEOUT if self._is_writer else _OPEN_TIMEOUT
        for left in reversed(range(_OPEN_ATTEMPTS)):
            # Each text puts the copies of a shard into another order.
            how["preference"] = secrets.token_hex(4)
            try:
                answer = self._ask(
                    lambda client: client.create_pit(index=index, params=how, request_timeout=timeout),
                    timeout,
                )
                break
            except SearchTimedOut:
                if not left:
                    raise
        return str(answer["pit_id"])

    def close_point(self, point: str) -> None:
        """Let the cluster forget a point in time, which it does by itself if it cannot be told."""
        body = {"pit_id": [point]}
        with suppress(NutgrafError):
            self._ask(lambda client: client.delete_pit(body=body, request_timeout=_CLOSE_TIMEOUT), patience=0)

    def search(
        self, index: str, body: Mapping[str, Any], *, seconds: float | None = None, point: str = ""
    ) -> Json:
        """Return the answer to a search, which has `timed_out` if it took more than `seconds`.

        Without `seconds`, the answer is whole; with them, SearchTimedOut is raised if there is none. Hits are
        scored by the statistics of all shards together. A `point` in time of the index is searched if one is
        given; it is not asked again when its copies do not answer, as no others can.
        """
        given, timeout = _complete(body, seconds, point)
        how = {"search_type": "dfs_query_then_fetch"} if body.get("size", 1) else {}
        name = None if point else index
        answer = self._ask(
            lambda client: client.search(index=name, body=given, params=how, request_timeout=timeout),
            seconds,
            is_pinned=bool(point),
        )
        return self._failures.check_shards(answer, seconds)

    def msearch(
        self,
        index: str,
        bodies: Sequence[Mapping[str, Any]],
        *,
        seconds: float | None = None,
        point: str = "",
    ) -> list[Json]:
        """Return the answers to some searches of an index, as `search` does."""
        if not bodies:
            return []
        lines: list[Mapping[str, Any]] = []
        timeout = TIMEOUT
        for body in bodies:
            given, timeout = _complete(body, seconds, point)
            lines += [{}, given]
        name = None if point else index
        answer = self._ask(
            lambda client: client.msearch(index=name, body=lines, request_timeout=timeout),
            seconds,
            is_pinned=bool(point),
        )
        for each in answer["responses"]:
            if "error" in each:
                raise self._failures.explain(each.get("status", 500), each["error"], seconds)
        return [self._failures.check_shards(each, seconds) for each in answer["responses"]]

    def count(self, index: str, query: Mapping[str, Any]) -> int:
        """Return how many documents match a query."""
        answer = self._ask(lambda client: client.count(index=index, body={"query": query}))
        return int(self._failures.check_shards(answer)["count"])

    def get(self, index: str, name: str) -> Document | None:
        """Return the last version of a document, which need not be found by a search yet; None if none.

        A reader gets the version that the node has which it asks, so that this is no newer than the shards
        that are searched next: a node that was cut off searches its own, until it learns that they are old.
        """
        how = {} if self._is_writer else {"preference": "_local"}
        answer = self._ask(
            lambda client: client.get(
                index=index, id=name, ignore=404, params=how, request_timeout=self._timeout
            )
        )
        if answer.get("found") is False:
            return None
        return Document(self._failures.check_answer(answer)["_source"], _version_of(answer))

    def list_indexes(self, pattern: str) -> list[str]:
        """Return the names that match a pattern with *, of indexes that `create_index` has made."""
        answer = self._ask(lambda client: client.indices.get_alias(index=pattern))
        return sorted(name for name, found in answer.items() if name + _ALIAS in found["aliases"])

    def get_health(self, pattern: str) -> Json:
        """Return the health of the indexes whose names match a pattern with *."""
        return self._ask(lambda client: client.cluster.health(index=pattern, level="indices"))

    def list_read_only(self, pattern: str) -> list[str]:
        """Return the names that match a pattern with *, of indexes that nobody may write to."""
        answer = self._ask(
            lambda client: client.indices.get_settings(index=pattern, params={"flat_settings": "true"})
        )
        blocks = {"index.blocks.read_only", "index.blocks.read_only_allow_delete", "index.blocks.write"}
        return sorted(
            name
            for name, found in answer.items()
            if "true" in {found["settings"].get(block) for block in blocks}
        )

    def measure(self, index: str) -> int:
        """Return the size of an index in bytes, without its replicas."""
        answer = self._ask(lambda client: client.indices.stats(index=index, metric="store"))
        # A copy without a node is not asked; one that does not answer has failed.
        if answer["_shards"]["failed"] or "store" not in answer["_all"]["primaries"]:
            raise self._failures.make_missing_shards(answer["_shards"])
        return int(answer["_all"]["primaries"]["store"]["size_in_bytes"])

    def check_version(self) -> str:
        """Return the version of the cluster; raises IndexUnavailable if it is no OpenSearch that will do."""
        version = self._ask(lambda client: client.info())["version"]
        number = str(version.get("number", ""))
        parts = tuple(int(part) for part in number.split(".")[:2] if part.isdigit())
        if version.get("distribution") != "opensearch" or parts < MIN_VERSION:
            kind = "OpenSearch" if version.get("distribution") == "opensearch" else "another search engine"
            raise IndexUnavailable(
                f"{self.address.url} is {kind} {number}".rstrip(),
                f"Nutgraf needs OpenSearch {'.'.join(map(str, MIN_VERSION))} or later",
            )
        return number

    # Writing

    def put_if(
        self, index: str, name: str, source: Mapping[str, Any] | msgspec.Struct, expected: Version | None
    ) -> Version | None:
        """Write a document if its version is the expected one, or if there is none and none is expected.

        Returns its new version, or None if another writer has changed it: then nothing is written. The
        contents must be unlike those that any other writer gives it, as they tell, after an attempt whose
        answer was lost, whether it succeeded. Raises IndexUnavailable as well while no write can be trusted.
        """
        pauses = iter_pauses(self._patience)
        body = msgspec.json.encode(source).decode()
        doubtful: Version | None = None
        while True:
            answer = self._put_if(index, name, body, doubtful or expected)
            if answer.get("status") == 409:
                found = self.get(index, name)
                is_written = found and found.source == msgspec.json.decode(body) and found.version != doubtful
                return found.version if found and is_written else None
            version = _version_of(self._failures.check_answer(answer))
            shards = answer["_shards"]
            if shards["successful"] == shards["total"] or self._is_primary(index, version):
                return version
            # A node that was cut off with the primary copy says, when it is back, that it has written, and
            # then takes over what the others have. Another write shows whether they have this one.
            doubtful = version
            pause = next(pauses, None)
            if pause is None:
                raise self._failures.make_missing_shards(shards)
            self._pause(pause)

    def _put_if(self, index: str, name: str, body: str, expected: Version | None) -> Json:
        condition: Json = (
            {"op_type": "create"}
            if expected is None
            else {"if_seq_no": expected.seq_no, "if_primary_term": expected.primary_term}
        )
        return self._ask(
            lambda client: client.index(
                index=index + _ALIAS,
                id=name,
                body=body,
                ignore=409,
                params={**condition, **_WRITING},
                request_timeout=TIMEOUT,
            )
        )

    def _is_primary(self, index: str, version: Version) -> bool:
        """Whether the copy that gave a document of an index with one shard a version is still the primary."""
        how = {"filter_path": "metadata.indices.*.primary_terms"}
        # The elected manager answers, whichever node is asked.
        answer = self._ask(lambda client: client.cluster.state(metric="metadata", index=index, params=how))
        terms = answer.get("metadata", {}).get("indices", {}).get(index, {}).get("primary_terms", {})
        return bool(terms == {"0": version.primary_term})

    def bulk(self, index: str, actions: Iterable[Action]) -> list[str]:
        """Write and delete documents, in requests of about 5 MB.

        Returns the ids of those that had another version than the expected one, and were left alone. What is
        deleted need not be there.
        """
        conflicts: list[str] = []
        for batch in _divide(actions):
            conflicts += self._send(index, batch)
        return conflicts

    def create_index(self, name: str, body: Mapping[str, Any]) -> bool:
        """Create an index, and wait until it can be written; return False if there is one of this name."""
        given = {**body, "aliases": {name + _ALIAS: {}}}
        answer = self._ask(
            lambda client: client.indices.create(
                index=name, body=given, ignore=400, request_timeout=_LONG_TIMEOUT
            )
        )
        if read_type(answer.get("error")) == "resource_already_exists_exception":
            return False
        if not self._failures.check_answer(answer).get("shards_acknowledged"):
            raise self._failures.make_unavailable(
                f"has no place for the shards of the new index {name}", RETRY
            )
        return True

    def delete_index(self, name: str) -> None:
        """Delete an index, if there is one of this name."""
        answer = self._ask(
            lambda client: client.indices.delete(index=name, ignore=404, request_timeout=_LONG_TIMEOUT)
        )
        if answer.get("status") != 404:
            self._failures.check_answer(answer)

    def refresh(self, index: str) -> None:
        """Let searches find all that was written to an index."""
        answer = self._ask(lambda client: client.indices.refresh(index=index, request_timeout=_LONG_TIMEOUT))
        if answer["_shards"]["failed"]:
            raise self._failures.make_missing_shards(answer["_shards"])

    def close(self) -> None:
        """Close the connections; the next request opens them again."""
        self._connection.close()

    # Asking

    def _ask(
        self,
        request: Callable[[OpenSearch], Any],
        seconds: float | None = None,
        *,
        patience: float | None = None,
        is_pinned: bool = False,
    ) -> Json:
        """Return the answer to a request, which is tried again if that may help.

        `seconds` limit a search; `is_pinned` if it is of a point in time.
        """
        client = self._connection.open()
        from opensearchpy import OpenSearchException

        pauses = iter_pauses(self._patience if patience is None else patience)
        while True:
            try:
                answer = request(client)
                break
            except OpenSearchException as error:
                pause = next(pauses, None) if is_transient(error, is_pinned=is_pinned) else None
                if pause is None:
                    raise self._failures.translate(error, seconds) from error
            self._pause(pause)
        if not isinstance(answer, dict):
            raise self._failures.make_not_opensearch()
        return answer

    def _send(self, index: str, batch: dict[str, bytes]) -> list[str]:
        """Send the lines of some actions, by the id of each; returns the ids with another version."""
        conflicts: list[str] = []
        pauses = iter_pauses(self._patience)
        while True:
            failed = self._send_once(index, b"".join(batch.values()))
            refused = {name: error for name, (status, error) in failed.items() if status != 409}
            conflicts += [name for name in failed if name not in refused]
            if not refused:
                return conflicts
            for name, error in refused.items():
                if failed[name][0] not in TRANSIENT or isinstance(error, StorageFailed):
                    raise error
            pause = next(pauses, None)
            if pause is None:
                raise next(iter(refused.values()))
            batch = {name: batch[name] for name in refused}
            self._pause(pause)

    def _send_once(self, index: str, lines: bytes) -> dict[str, tuple[int, NutgrafError]]:
        """Send the lines of some actions; returns the status and the error of those that failed, by id."""
        answer = self._ask(
            lambda client: client.bulk(
                index=index + _ALIAS, body=lines, params={**_WRITING}, request_timeout=_LONG_TIMEOUT
            )
        )
        results = [result for item in answer["items"] for result in item.values()] if answer["errors"] else ()
        return {
            result["_id"]: (result["status"], self._failures.explain(result["status"], result["error"]))
            for result in results
            if "error" in result
        }


def _complete(body: Mapping[str, Any], seconds: float | None, point: str) -> tuple[Mapping[str, Any], float]:
    """The body of a search with its time limit and point in time, and the seconds until its answer begins."""
    if point:
        body = {**body, "pit": {"id": point, "keep_alive": KEEP_ALIVE}}
    if seconds is None:
        return body, TIMEOUT
    return {**body, "timeout": f"{max(1, round(seconds * 1000))}ms"}, seconds + GRACE


def iter_pauses(patience: float) -> Iterator[float]:
    """The pauses between the attempts of a request, until `patience` seconds are over."""
    began, waited, pause = time.monotonic(), 0.0, _FIRST_PAUSE
    while waited + pause <= patience:
        yield pause
        waited = max(waited + pause, time.monotonic() - began)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _divide(actions: Iterable[Action]) -> Iterator[dict[str, bytes]]:
    """The lines of actions by id, in batches of about 5 MB; a batch has an id only once."""
    batch: dict[str, bytes] = {}
    size = 0
    for action in actions:
        lines = _encode(action)
        if batch and (size + len(lines) > _BULK_SIZE or action.id in batch):
            yield batch
            batch, size = {}, 0
        batch[action.id] = lines
        size += len(lines)
    if batch:
        yield batch


def _encode(action: Action) -> bytes:
    about: Json = {"_id": action.id}
    if action.version:
        about |= {"if_seq_no": action.version.seq_no, "if_primary_term": action.version.primary_term}
    if action.source is None:
        return msgspec.json.encode({"delete": about}) + b"\n"
    return b"%s\n%s\n" % (msgspec.json.encode({"index": about}), action.source)


def _version_of(answer: Mapping[str, Any]) -> Version:
    return Version(answer["_seq_no"], answer["_primary_term"])
