"""Addresses that a page may link to."""

from __future__ import annotations

from urllib.parse import urlsplit


def web_address(text: str | None) -> str | None:
    """`text` if it is an absolute http or https address, else None: no script, no data, no file."""
    address = (text or "").strip()
    if not address or len(address) > 2000 or any(c.isspace() or c < " " or c == "\x7f" for c in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme.lower() in ("http", "https") and parts.hostname else None
