"""The official client of a cluster, with what it is given to connect."""

from __future__ import annotations

import base64
import os
import ssl
from typing import TYPE_CHECKING, Any

from indexer.address import ClusterAddress
from indexer.errors import ConfigError
from indexer.files.fork_safe import Lock
from indexer.opensearch import aws

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

TIMEOUT = 30.0
"""Seconds until an answer begins, unless a request says otherwise."""
_CONNECTIONS = 16


class Connection:
    """The client, which is made when it is first used."""

    def __init__(self, address: ClusterAddress, password: str) -> None:
        self._address, self._password = address, password
        self._lock = Lock()
        self._client: tuple[int, OpenSearch] | None = None
        """With the process that made it: a forked one must not use the same connections."""

    def open(self) -> OpenSearch:
        kept = self._client
        if kept is None or kept[0] != os.getpid():
            with self._lock:
                kept = self._client
                if kept is None or kept[0] != os.getpid():
                    kept = self._client = (os.getpid(), self._make_client())
        return kept[1]

    def close(self) -> None:
        with self._lock:
            kept, self._client = self._client, None
        if kept and kept[0] == os.getpid():
            kept[1].close()

    def _make_client(self) -> OpenSearch:
        region = aws.find_region(self._address)
        try:
            # Imported here, since it takes longer than all that a search in a folder imports.
            from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection

            # Called for each attempt of a request, with the body as it is sent.
            sign = Urllib3AWSV4SignerAuth(aws.Credentials(), region) if region else None
        except ImportError as error:
            extra = "aws" if region else "opensearch"
            raise ConfigError(
                f"an index at {self._address.url} needs {error.name}, which is not installed: "
                f"pip install 'nutgraf[{extra}]'"
            ) from error

        class QuietConnection(Urllib3HttpConnection):
            """Logs nothing: `Cluster` says what failed, once, and what readers search for is private."""

            def log_request_success(self, *_: Any, **__: Any) -> None: ...

            def log_request_fail(self, *_: Any, **__: Any) -> None: ...

        address, headers = self._address, {}
        if address.user:
            # The client encodes other letters in Latin-1, if at all.
            secret = base64.b64encode(f"{address.user}:{self._password}".encode()).decode()
            headers["authorization"] = f"Basic {secret}"
        return OpenSearch(
            [{"host": address.host, "port": address.port}],
            use_ssl=address.scheme == "https",
            ssl_context=_make_context() if address.scheme == "https" else None,
            headers=headers,
            http_auth=sign,
            timeout=TIMEOUT,
            connection_class=QuietConnection,
            pool_maxsize=_CONNECTIONS,
            # `Cluster` repeats requests, with pauses.
            max_retries=0,
            retry_on_status=(),
        )


def _make_context() -> ssl.SSLContext:
    """A TLS context with the certificate authorities of the system, or of SSL_CERT_FILE and SSL_CERT_DIR.

    The client would take a folder for a file.
    """
    context = ssl.create_default_context()
    if not context.get_ca_certs() and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
        # Some Pythons bring no authorities. The client needs certifi, too.
        import certifi

        context.load_verify_locations(certifi.where())
    return context
