"""Translates the errors of a cluster and of its client: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from indexer.address import ClusterAddress
from indexer.engine import TimedOut
from indexer.errors import IndexMissing, IndexUnavailable, NutgrafError, StorageFailed
from indexer.opensearch import aws

Json = dict[str, Any]

TRANSIENT = (429, 502, 503, 504)
"""The statuses of answers that may be better soon."""
RETRY = "try again later"
_REASON = 200  # characters
_MAKE = "run `nutgraf index FOLDER` to make one from a folder of articles"
_CHECK_HEALTH = "check its health, as some shards or nodes are missing"


class SearchTimedOut(IndexUnavailable, TimedOut):
    """No shard has answered a search within its time limit.

    What was found before is shown then; without that, it is an IndexUnavailable like others.
    """


class ClusterOverloaded(IndexUnavailable):
    """The cluster has refused a request because it has too much to do."""


class Failures:
    """The errors of the cluster at an address."""

    def __init__(self, address: ClusterAddress) -> None:
        self.address = address

    def check_shards(self, answer: Json, seconds: float | None = None) -> Json:
        """Return an answer of all shards; raises IndexUnavailable if one is missing in it.

        With a time limit of so many `seconds`, it may be without those that had too little time, and has
        `timed_out` then. A limit that was not asked for must not cut it short: a cluster may have one for all
        searches (`search.default_search_timeout`).
        """
        shards = answer["_shards"]
        failures = [failure.get("reason") for failure in shards.get("failures", ())]
        is_complete = shards["successful"] == shards["total"] and not shards["failed"]
        if not is_complete:
            is_known = shards["successful"] + shards["failed"] == shards["total"]
            if not (failures and is_known and all(map(_is_late, failures))):
                raise self.make_missing_shards(shards)
            answer = {**answer, "timed_out": True}
        if answer.get("timed_out") and (seconds is None or not shards["successful"]):
            raise self.make_late(seconds)
        return answer

    def make_missing_shards(self, shards: Mapping[str, Any]) -> IndexUnavailable:
        """Return the error for an answer from which some shards are missing."""
        missing = shards["total"] - shards["successful"]
        reasons = (_reason_of(failure.get("reason")) for failure in shards.get("failures", ()))
        reason = next((f" ({reason})" for reason in reasons if reason), "")
        return self.make_unavailable(
            f"has no answer from {missing} of {shards['total']} shards{reason}", _CHECK_HEALTH
        )

    def check_answer(self, answer: Json) -> Json:
        """Return an answer; raises what it says if it is an error."""
        if "error" in answer:
            raise self.explain(answer.get("status", 500), answer["error"])
        return answer

    def make_unavailable(self, problem: str, advice: str = "") -> IndexUnavailable:
        """Return the error that says a problem of the cluster."""
        return IndexUnavailable(f"the cluster at {self.address.url} {problem}", advice)

    def make_late(self, seconds: float | None) -> IndexUnavailable:
        """Return the error for a request that is not answered in time, after so many `seconds` if given."""
        kind = IndexUnavailable if seconds is None else SearchTimedOut
        return kind(f"the cluster at {self.address.url} does not answer in time", RETRY)

    def make_not_opensearch(self) -> IndexUnavailable:
        """Return the error for an address at which something else answers."""
        return IndexUnavailable(
            f"what answers at {self.address.url} is no OpenSearch", "check the address of the index"
        )

    def translate(self, error: Exception, seconds: float | None) -> NutgrafError:
        """Return what an error of the client means, after a request with this time limit."""
        from opensearchpy import ConnectionError as Disconnected
        from opensearchpy import ConnectionTimeout, SSLError, TransportError

        match error:
            case ConnectionTimeout():
                return self.make_late(seconds)
            case SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
                return self.make_unavailable(
                    f"has a certificate that is not trusted ({_cause_of(error)})",
                    "set SSL_CERT_FILE to the file of its authority",
                )
            case Disconnected(info=aws.CredentialsMissing() as missing):
                return self.make_unavailable(str(missing), aws.SET_CREDENTIALS)
            case Disconnected():
                return self.make_unavailable(
                    f"cannot be reached ({_cause_of(error)})",
                    "check that it runs, and the address of the index",
                )
            case TransportError(info={"error": problem}):
                return self.explain(error.status_code, problem, seconds)
            case TransportError() if error.status_code in (401, 403, 413):
                return self.explain(error.status_code, aws.read_message(error.info))
            case TransportError() if error.status_code in TRANSIENT:
                return self.make_unavailable(f"does not answer (status {error.status_code})", RETRY)
        return self.make_not_opensearch()

    def explain(self, status: int | str, problem: Any, seconds: float | None = None) -> NutgrafError:
        """Return what an error of the cluster means, with this status, for a request with this time limit."""
        kind, reason = read_type(problem), _reason_of(problem)
        said = f" ({reason})" if reason else ""
        is_signed = aws.find_region(self.address) is not None
        user = f"the user {self.address.user!r}" if self.address.user else "a request without a user"
        if status == 401 and not is_signed:
            return self.make_unavailable(
                f"refuses {user}, or the password",
                "set NUTGRAF_OPENSEARCH_PASSWORD"
                if self.address.user
                else "put the user into the address, and the password into NUTGRAF_OPENSEARCH_PASSWORD",
            )
        if kind == "index_not_found_exception":
            return IndexMissing(f"no index {self.address.name} on {self.address.url}", _MAKE)
        if kind == "cluster_block_exception" and "read-only" in reason:
            is_full = "read-only-allow-delete" in reason
            return StorageFailed(
                f"the cluster at {self.address.url} lets nobody write{said}",
                "free space on its disks" if is_full else "take the block off the index",
            )
        if status in (401, 403) and is_signed:
            return self.make_unavailable(
                f"refuses the AWS credentials{said}",
                "check their permissions on the domain, and the clock of this machine",
            )
        if _is_late(problem):
            return self.make_late(seconds)
        if status == 403:
            return self.make_unavailable(f"forbids this to {user}{said}", "give it the permission")
        if status == 413:
            return self.make_unavailable(
                f"accepts no request of this size{said}", "raise http.max_content_length"
            )
        if status == 429:
            return ClusterOverloaded(f"the cluster at {self.address.url} is overloaded{said}", RETRY)
        if status == 404 and kind == "search_phase_execution_exception":
            return self.make_unavailable(f"has lost the point in time that was searched{said}", RETRY)
        if status in TRANSIENT:
            return self.make_unavailable(
                f"cannot answer{said}", "check its health: some shards or nodes are missing"
            )
        return self.make_unavailable(f"refuses a request{said or f' (status {status})'}")


def is_transient(error: Exception, *, is_pinned: bool) -> bool:
    """Whether an error of the client may go away by itself, of a point in time if it `is_pinned`."""
    from opensearchpy import ConnectionError as Disconnected
    from opensearchpy import ConnectionTimeout, SSLError, TransportError

    if isinstance(error, Disconnected):
        is_lasting = isinstance(error, (ConnectionTimeout, SSLError))
        return not is_lasting and not isinstance(error.info, aws.CredentialsMissing)
    if not isinstance(error, TransportError) or error.status_code not in TRANSIENT:
        return False
    problem = error.info.get("error") if isinstance(error.info, dict) else None
    if is_pinned and read_type(problem) == "search_phase_execution_exception" and error.status_code == 503:
        # No other copies can answer in the place of those that it names.
        return False
    # A disk that is full does not become empty by waiting.
    return not (read_type(problem) == "cluster_block_exception" and "read-only" in _reason_of(problem))


def read_type(problem: Any) -> str:
    return str(problem.get("type", "")) if isinstance(problem, dict) else ""


def _is_late(problem: Any) -> bool:
    """Whether a shard has spent the time limit where it cannot give a part of an answer."""
    if not isinstance(problem, dict):
        return False
    if read_type(problem) == "time_exceeded_exception":
        return True
    causes = problem.get("root_cause") or [problem.get("caused_by")]
    return all(map(_is_late, causes))


def _reason_of(problem: Any) -> str:
    """The reason that the cluster gives for an error, as a part of a line."""
    while isinstance(problem, dict) and problem.get("root_cause"):
        problem = problem["root_cause"][0]
    reason = problem.get("reason") if isinstance(problem, dict) else problem
    return " ".join(str(reason or "").split())[:_REASON]


def _cause_of(error: Any) -> str:
    """The reason that the system gives for an error of a connection."""
    inner = error.info
    while isinstance(inner, BaseException):
        cause = inner.__cause__ or inner.__context__
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        if cause is None:
            break
        inner = cause
    return type(inner).__name__
