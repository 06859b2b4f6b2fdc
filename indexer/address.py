"""The address of an index on an OpenSearch cluster, and what is meant as that of a service with models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import PathLike
from typing import Self
from urllib.parse import quote, unquote, urlsplit

__all__ = ["ClusterAddress"]

_PREFIX = "opensearch+"
_START = re.compile(r"opensearch\+[a-z]+:", re.IGNORECASE)
_SERVICE = re.compile(r"https?:", re.IGNORECASE)
_PORTS = {"https": 443, "http": 9200}
"""The port of an address without one, as the client of OpenSearch has it."""
_EXAMPLE = f"{_PREFIX}https://user@search.example:9200/archive"
_CHARACTERS = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
# OpenSearch allows 255 bytes. The names of the indexes that make up an archive begin with this one.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Where an index is: the address of a cluster, and the name that the index has there.

    `scheme` is https or http. `user` is empty for a cluster without users. The password is no part of it.
    """

    scheme: str
    host: str
    port: int
    name: str
    user: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address in a text such as opensearch+https://user@search.example:9200/archive.

        Without a port it is 443 for https, 9200 for http. Raises ValueError, which never quotes the text: it
        may have a password.
        """
        if not _CHARACTERS.fullmatch(text):
            raise ValueError(f"has characters that an address cannot have; an example is {_EXAMPLE}")
        try:
            parts = urlsplit(text.removeprefix(_PREFIX))
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(f"has no valid host and port; an example is {_EXAMPLE}") from None
        if not text.startswith((*(f"{_PREFIX}{scheme}://" for scheme in _PORTS),)):
            raise ValueError(f"must begin with {_PREFIX}https:// or {_PREFIX}http://")
        if parts.password is not None:
            raise ValueError(
                "has a password, which others may read in a file or a list of processes: put it into the "
                "environment variable NUTGRAF_OPENSEARCH_PASSWORD"
            )
        if not _HOST.fullmatch(host) or port == 0:
            raise ValueError(f"has no valid host and port; an example is {_EXAMPLE}")
        name = parts.path.removeprefix("/")
        if not _NAME.fullmatch(name) or parts.query or parts.fragment:
            raise ValueError(
                "must end with the name of the index after one /: lower-case letters, digits, dots, - and _, "
                f"with a letter or digit first; an example is {_EXAMPLE}"
            )
        user = unquote(parts.username or "")
        if ":" in user or not user.isprintable():
            raise ValueError("has a user with a colon or a control character, which no cluster accepts")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], name, user)

    @property
    def url(self) -> str:
        """The address of the cluster for a browser: neither the user nor the name of the index."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __str__(self) -> str:
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        return f"{_PREFIX}{self.url.replace('://', f'://{user}', 1)}/{self.name}"


def is_address(value: object) -> bool:
    """Whether the value of an option is meant as the address of an index on a cluster, not as a path."""
    return isinstance(value, (str, PathLike)) and _START.match(str(value)) is not None


def is_service(model: str) -> bool:
    """Whether the value of the option `model` is meant as the address of a service, which gets all texts."""
    return _SERVICE.match(model) is not None
