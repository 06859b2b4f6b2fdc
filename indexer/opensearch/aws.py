"""Amazon OpenSearch Service: which clusters are there, and the credentials that sign requests to them.

Such a cluster accepts requests with an AWS Signature Version 4 instead of a user and a password. The client
of OpenSearch signs them; the region is in the name of the host, and botocore finds the credentials.
"""

from __future__ import annotations

import re
from typing import Any

from indexer.address import ClusterAddress
from indexer.files.fork_safe import Lock

SET_CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in AWS_PROFILE, or give this machine a "
    "role; or put a user into the address"
)
# Domains with IPv6 have the second form.
_HOST = re.compile(r".+\.(?:([a-z0-9-]+)\.es\.amazonaws\.com|aos\.([a-z0-9-]+)\.on\.aws)", re.IGNORECASE)
_KEY = re.compile(r"[!-~]+")


def find_region(address: ClusterAddress) -> str | None:
    """Return the AWS region for which requests to an address are signed; None if they are not signed.

    Requests with a user and a password are not.
    """
    found = None if address.user else _HOST.fullmatch(address.host)
    return (found[1] or found[2]).lower() if found else None


class CredentialsMissing(Exception):
    """There are no AWS credentials that can be used; the message continues "the cluster …"."""


class Credentials:
    """The AWS credentials that botocore finds: in the environment, in a profile, or for a role.

    Safe to share between threads. Raises ImportError unless botocore is installed.
    """

    def __init__(self) -> None:
        # Imported here, since few processes need it.
        from botocore import session

        self._session = session.get_session()
        self._lock = Lock()

    def get_frozen_credentials(self) -> Any:
        """Return the keys for one request, which botocore has renewed if they expire soon.

        The client of OpenSearch calls it by this name. Raises CredentialsMissing.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with self._lock:
                # It looks again until it finds some, and returns these from then on.
                found = self._session.get_credentials()
            keys = found and found.get_frozen_credentials()
        # The last three: a program that a profile names is missing, prints no JSON, or prints expired keys.
        except (BotoCoreError, ClientError, OSError, ValueError, RuntimeError) as error:
            # The cause is hidden, as its message may quote an answer that has keys.
            raise CredentialsMissing(
                f"needs AWS credentials, but getting them failed ({_explain(error)})"
            ) from None
        if not keys:
            raise CredentialsMissing("needs AWS credentials, but none were found")
        if not all(map(_KEY.fullmatch, (keys.access_key, keys.secret_key, keys.token or "-"))):
            raise CredentialsMissing("needs AWS credentials, but those found have characters that no key has")
        return keys


def read_message(info: Any) -> str:
    """Return the reason in the answer of AWS to a request that it refuses; "" without one."""
    found = (info.get("message") or info.get("Message")) if isinstance(info, dict) else None
    # The lines after the first one may repeat the headers of the request, of which one has a token.
    return str(found or "").partition("\n")[0]


def _explain(error: Exception) -> str:
    """Return the reason for an error of botocore: its message, if that cannot have a key in it."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or type(error).__name__
    is_safe = isinstance(
        error,
        (
            exceptions.ConfigParseError,
            exceptions.PartialCredentialsError,
            exceptions.ProfileNotFound,
            exceptions.UnauthorizedSSOTokenError,
        ),
    )
    return " ".join(str(error).split()) if is_safe else type(error).__name__
