"""Citations of an article or a paragraph for reference managers: BibTeX, RIS, CSL-JSON.

A citation has the URL of the original if there is one, and adds the URL of the paragraph in this archive.
Unknown fields (an author, a day) are omitted.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from werkzeug.urls import iri_to_uri

from indexer.article import Published
from indexer.results import ArticleInfo
from webui.urls import linkable_url

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# BibTeX counts braces even behind a backslash, so braces are written as commands.
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "$&#%_"},
}
_IN_URLS = str.maketrans({"{": "%7B", "}": "%7D", "\\": "%5C", " ": "%20", "^": "%5E", "~": "%7E"})
_WORD = re.compile(r"[a-z0-9]+")
# Words that are skipped in keys.
_COMMON = {"a", "an", "the", "in", "on", "of", "at", "to", "and", "for"}


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation: `address` is the absolute URL in this archive, `paragraph` a number from 1.

    `page` is the number of the page that the paragraph stands on, if it is known.
    """

    article: ArticleInfo
    address: str
    paragraph: int | None = None
    page: int | None = None

    @property
    def title(self) -> str:
        """The title on one line."""
        return _plain(self.article.title) or "Untitled article"

    @property
    def url(self) -> str:
        """The URL of the original, or else the URL in this archive."""
        link = linkable_url(self.article.url)
        return _uri(link[0] if link else self.address)

    @property
    def site(self) -> str | None:
        """The host of the original."""
        link = linkable_url(self.article.url)
        return link[1] if link else None

    @property
    def authors(self) -> list[str]:
        """The names of the authors, each on one line."""
        return [name for author in self.article.authors if (name := _plain(author))]

    @property
    def publication(self) -> str | None:
        """The name of the publisher, or else the host of the original."""
        return _plain(self.article.publisher or "") or self.site

    @property
    def date(self) -> Published | None:
        """The date, if it is valid."""
        try:
            return Published.parse(self.article.published.value) if self.article.published else None
        except ValueError:
            return None

    @property
    def parts(self) -> list[int]:
        """Year, month and day, as far as they are known."""
        return [int(part) for part in self.date.value.partition("T")[0].split("-")] if self.date else []

    @property
    def note(self) -> str | None:
        """The number of the paragraph, and its URL in this archive."""
        if self.paragraph is None:
            return None
        here = _uri(self.address)
        return f"Paragraph {self.paragraph}" + ("" if here == self.url else f", {here}")

    @property
    def key(self) -> str:
        """A stable key in ASCII: site, year, first word of the title, and a digest."""
        words = [word for word in _WORD.findall(_ascii(self.title)) if word not in _COMMON]
        site = "".join(_WORD.findall(_ascii((self.site or "").partition(".")[0])))
        digest = hashlib.sha256(self.article.id.encode()).hexdigest()[:6]
        return "-".join(filter(None, [site, *map(str, self.parts[:1]), *words[:1], digest]))


def bibtex(citation: Citation) -> str:
    """A BibTeX entry, for classic styles (year, month) and biblatex (date); Unicode stays as it is."""
    parts = citation.parts
    fields = {
        # Double braces keep the capitals of the title.
        "title": "{{" + _tex(citation.title) + "}}",
        # Braces keep a name whole that has an "and" or a comma.
        "author": "{" + " and ".join(f"{{{_tex(name)}}}" for name in citation.authors) + "}"
        if citation.authors
        else None,
        "howpublished": "{" + _tex(citation.publication) + "}" if citation.publication else None,
        "year": f"{{{parts[0]}}}" if parts else None,
        "month": _MONTHS[parts[1] - 1] if len(parts) > 1 else None,
        "date": f"{{{citation.date.value.partition('T')[0]}}}" if citation.date else None,
        "pages": f"{{{citation.page}}}" if citation.page else None,
        "url": "{" + citation.url + "}",
        "note": "{" + _tex(citation.note) + "}" if citation.note else None,
    }
    lines = [f"  {name} = {value}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{citation.key},", *lines, "}", ""])


def ris(citation: Citation) -> str:
    """A RIS record; its lines end with CR and LF."""
    parts = citation.parts
    lines = [
        ("TY", "NEWS"),
        ("ID", citation.key),
        *(("AU", name) for name in citation.authors),
        ("TI", citation.title),
        ("T2", citation.publication),
        ("PY", f"{parts[0]:04}" if parts else None),
        ("DA", "/".join([f"{part:02}" for part in parts] + [""] * (4 - len(parts))) if parts else None),
        ("SP", str(citation.page) if citation.page else None),
        ("LA", _plain(citation.article.language or "")),
        ("UR", citation.url),
        ("N1", citation.note),
    ]
    return "".join(f"{tag}  - {value}\r\n" for tag, value in [*lines, ("ER", "")] if value or tag == "ER")


def csl_json(citation: Citation) -> str:
    """A list of one CSL item; its date has as many parts as are known."""
    item = {
        "id": citation.key,
        "type": "article-newspaper",
        "author": [{"literal": name} for name in citation.authors],
        "title": citation.title,
        "container-title": citation.publication,
        "section": citation.article.section,
        "page": str(citation.page) if citation.page else None,
        "issued": {"date-parts": [citation.parts]} if citation.parts else None,
        "URL": citation.url,
        "language": citation.article.language,
        "locator": str(citation.paragraph) if citation.paragraph else None,
        "note": citation.note,
    }
    return json.dumps([{k: v for k, v in item.items() if v}], ensure_ascii=False, indent=2) + "\n"


FORMATS: dict[str, tuple[str, str, Callable[[Citation], str]]] = {
    "bib": ("BibTeX", "application/x-bibtex", bibtex),
    "ris": ("RIS", "application/x-research-info-systems", ris),
    "json": ("CSL-JSON", "application/vnd.citationstyles.csl+json", csl_json),
}
"""By file extension: the name of the format, its media type, and the function that writes it."""


def _uri(address: str) -> str:
    """A URL in ASCII, without characters that are syntax in the formats."""
    try:
        found = iri_to_uri(address)
    except ValueError:
        # The host name is invalid, so only the characters are encoded.
        found = quote(address, safe="%:/?#[]@!$&'()*+,;=-._~")
    return found.translate(_IN_URLS)


def _plain(text: str) -> str:
    """A text on one line, without control characters."""
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text).split())


def _tex(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in text)


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
