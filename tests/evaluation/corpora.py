"""The folders of documents for the evaluations of extraction and of mixed files, from packages of Debian.

python -m tests.evaluation.corpora FOLDER [NAME ...]: makes all folders of the table below, or those named,
each with the text that is expected beside the documents. Packages are downloaded with apt-get, without
installing them, into FOLDER/packages, where they are found again; what a maker needs and does not find (apt,
the network, pandoc, LibreOffice, a publishing program) is named, and its folder is skipped.

    office      DOCX, ODT, RTF, EPUB and PPTX from packages, beside what pandoc or LibreOffice reads in them
    pdf         PDFs from packages, beside the HTML or the TeX that is there, too
    html        pages of documentation, beside their sources in reStructuredText
    mails       mails and mailboxes from packages, beside what Python's email finds, without quoted lines
    mixed       2,000 files for `tests.evaluation.recoll`, without expected text
    known       office documents and PDFs that pandoc and LibreOffice make of known paragraphs
    published   feeds, pages, exports, web archives, mails and mailboxes of known posts

Known paragraphs are prose of the pages of `html`. Random choices are the same each time.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import gzip
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from indexer.readers.document import suffix_of
from tests.evaluation import publishing
from tests.evaluation.extraction import write_truth
from tests.evaluation.peers import BLANK_LINES, Extracted, split_html
from tests.evaluation.publishing import Post, make_posts
from tests.fixtures.office import convert, find_office, write_flat_document

PACKAGES = {
    "docx": (
        "apostrophe finalcif fonts-lmodern fonts-sil-mingzat fonts-texgyre-math lib3mf-doc libdds-dev "
        "libdigidoc-doc openni-doc pscan-chip r-cran-officer toppic-common"
    ),
    "odt": (
        "abinit-doc apostrophe aprx coco-doc cups-filters davical-doc examl fonts-arphic-ukai "
        "fonts-senamirmir-washra fonts-sil-akatab fonts-sil-andika-compact fonts-sil-awami-nastaliq "
        "fonts-sil-doulos-compact fonts-sil-gentiumplus-compact fonts-sil-padauk fonts-sil-scheherazade "
        "fonts-sil-tagmukay gtkwave gutenprint-doc libreoffice-plasma libsonic-dev libzemberek-java-doc "
        "live-manual-odf python-odf-doc python3-relatorio python3-translate todo.txt-base w1retap-doc "
        "writer2latex-manual"
    ),
    "rtf": (
        "afl++-doc aft chess.app clamav-testfiles cvs cxref-doc edenmath.app fortunate.app "
        "gworkspace-common k3b-data kannel-docs libcifti-doc libdds-dev librtf-writer-perl libsfml-doc "
        "lynkeos.app-common muttprint-manual pampi pandoc-data preview.app qbs-examples renaissance-doc "
        "sc3-plugins-language steptalk syncplay timemon.app topparser volumecontrol.app"
    ),
    "epub": (
        "context-modules cxxtest debian-edu-doc-da debian-edu-doc-nl debian-history debmake-doc "
        "developers-reference-de developers-reference-it developers-reference-ja eyes17-manuals-es "
        "live-manual-epub ubuntu-packaging-guide-epub-de ubuntu-packaging-guide-epub-es "
        "ubuntu-packaging-guide-epub-ru"
    ),
    "pptx": "r-cran-officer",
    "html": (
        "python-betamax-doc sphinx-doc python-xmlschema-doc python-mutagen-doc python-certbot-doc "
        "python-xarray-doc python-gitlab-doc weresync-doc khal-doc python-setuptools-doc python-attr-doc "
        "python-pygame-doc python-pyeapi-doc python-keystoneauth1-doc snakemake-doc python-cryptography-doc "
        "ocrmypdf-doc lmod-doc python-nose2-doc python-can-doc beets-doc python-pymodbus-doc powerline-doc "
        "libflint-doc python-requests-toolbelt-doc python-pycryptodome-doc execnet-doc "
        "python-django-polymorphic-doc glances-doc python-fsspec-doc python-future-doc python-peewee-doc "
        "python-pwntools-doc knot-resolver-doc python-django-channels-doc python-pywt-doc "
        "python-objgraph-doc python-tables-doc python-ldap-doc blag-doc deap-doc python-oslo.db-doc "
        "libbotan-2-doc python-pyftpdlib-doc"
    ),
    "eml": "golang-github-gatherstars-com-jwz-dev mailman3",
    "mbox": "inetsim python3-dkim python3-networkx",
    "pdf": "texlive-publishers-doc texlive-latex-base-doc",
    "mixed": (
        "aodh-doc collectl cream fltk1.1-doc gamgi-doc gradle-doc lava-server-doc libfixbuf-doc "
        "libgupnp-doc libical-doc libopencc-doc libspandsp-doc node-carto php-twig-doc python-bytecode-doc "
        "python-django-csp-doc python-keystonemiddleware-doc python-mako-doc python-moderngl-doc "
        "python-os-ken-doc python-senlinclient-doc python-sfml-doc python-tosca-parser-doc scheme48-doc tj3"
    ),
}
"""The packages that have documents of a type."""
SOURCES = {"docx": "libapache-poi-java pandoc", "pptx": "libapache-poi-java"}
"""Source packages whose tests have documents of a type."""
BOOKS = (
    ("debian-policy", "policy.pdf.gz", "policy.html/ch-*.html policy.html/ap-pkg-*.html"),
    ("debian-policy", "fhs-3.0.pdf.gz", "fhs-3.0.html"),
    ("developers-reference", "developers-reference.pdf", "developers-reference.html"),
    ("bzip2-doc", "manual.pdf.gz", "manual.html"),
    *(
        (
            "live-manual-pdf live-manual-html",
            f"live-manual.portrait.{code}.a4.pdf*",
            f"live-manual.{code}.html",
        )
        for code in ("en", "de", "fr", "es")
    ),
)
"""PDFs whose text is there as HTML: packages, the name of the PDF, those of the pages."""

_MAX_BYTES = 20_000_000
_MIN_WORDS = 40
_MAX_WORDS = 3000
_MAX_DOCUMENTS = 50
_MIN_SOURCE = 6000
_MIN_PROSE = 8
_NOT_TEXT = "script, style, template, annotation, .footnote-ref, .footnote-back"
_MENUS = (
    "nav, header, footer, .toc, .TOC, .navheader, .navfooter, .headerlink, .sphinxsidebar, .related, .footer"
)
_NAVIGATION = f"{_NOT_TEXT}, {_MENUS}"
_PROSE = re.compile(r"[A-ZÀ-Þ][\w ,.;:%'’()/&-]+[.?]")
_DIRECTIVE = re.compile(r"^\s*\.\. +([\w:-]+)::", re.MULTILINE)
# fmt: off
_PLAIN_DIRECTIVES = frozenset((
    "note", "warning", "tip", "hint", "important", "caution", "attention", "code", "code-block", "sourcecode",
    "highlight", "image", "index", "seealso",
))
# fmt: on
_FIELDS = re.compile(r"\A\s*(?::\w+:.*\n\s*)+")
_ROLE = re.compile(r":[\w:+-]+:`(?:([^`<]+?)\s*<[^`>]*>|([^`]+))`")


class Missing(Exception):
    """Something that a maker needs is not there; the text says what."""


def find_package(name: str, cache: Path, kind: str = "deb") -> Path:
    """Return the folder of the files of a package, `kind` "deb", or of its source, "deb-src".

    It is downloaded if it is not in the cache yet. Raises Missing if that fails.
    """
    target = cache / (name if kind == "deb" else f"{name}.source")
    if target.is_dir():
        return target
    with TemporaryDirectory(dir=cache) as made:
        try:
            if kind == "deb":
                _run(["apt-get", "download", "-qq", name], made)
                packed, unpack = list(Path(made).glob("*.deb")), ["dpkg", "-x"]
            else:
                _run(["apt-get", *_source_options(cache), "source", "--download-only", "-qq", name], made)
                packed, unpack = (
                    list(Path(made).glob("*.orig.tar.*")),
                    ["tar", "--one-top-level=files", "-xf"],
                )
            for path in packed:
                _run([*unpack, path.name, *(["files"] if kind == "deb" else [])], made)
            return (Path(made) / "files").rename(target)
        except (Missing, FileNotFoundError) as error:
            raise Missing(f"the package {name}: {error}") from error


def _source_options(cache: Path) -> list[str]:
    """Return options for apt-get under which the system's archive is one of source packages."""
    parts, lists = cache / "apt" / "parts", cache / "apt" / "lists"
    settings = {"SourceList": "/dev/null", "SourceParts": parts}
    options = [word for key, value in settings.items() for word in ("-o", f"Dir::Etc::{key}={value}")]
    options += ["-o", f"Dir::State::Lists={lists}"]
    if not parts.is_dir():
        parts.mkdir(parents=True)
        (lists / "partial").mkdir(parents=True)
        for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("debian.*")):
            if path.is_file():
                text = re.sub(r"^(Types: |)deb\b", r"\1deb-src", path.read_text(), flags=re.MULTILINE)
                (parts / path.name).write_text(text)
        try:
            _run(["apt-get", *options, "update", "-qq"], cache)
        except Missing:
            shutil.rmtree(parts.parent)
            raise
    return options


def _run(command: Sequence[str | Path], folder: str | Path, given: bytes | None = None) -> bytes:
    """Return what a program writes. Raises Missing if it is not there or fails."""
    try:
        return subprocess.run(command, cwd=folder, input=given, check=True, capture_output=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise Missing(f"{' '.join(map(str, command[:3]))} failed, or is not there") from error


def read_file(path: Path) -> bytes:
    """Return the content of a file, unpacked if it is packed with gzip."""
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _find_documents(suffix: str, cache: Path, limit: int = 3) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the contents of documents of a type in its packages, a few of each."""
    kind = suffix.removeprefix(".")
    packages = [(name, "deb") for name in PACKAGES.get(kind, "").split()]
    packages += [(name, "deb-src") for name in SOURCES.get(kind, "").split()]
    seen = set()
    for package, of in packages:
        try:
            folder = find_package(package, cache, of)
        except Missing as error:
            print(f"  without {error}", file=sys.stderr)
            continue
        count = 0
        for path in sorted(folder.rglob(f"*{suffix}*")):
            if suffix_of(path.name) != suffix or not path.is_file() or path.is_symlink():
                continue
            data = read_file(path)
            if count == limit and of == "deb":
                break
            if len(data) <= _MAX_BYTES and data not in seen:
                seen.add(data)
                count += 1
                yield f"{package}__{path.name.removesuffix('.gz')}", data


def make_office(folder: Path, cache: Path) -> None:
    """Put office documents beside what pandoc reads in them; slides beside the text of their PDF."""
    for suffix in (".docx", ".odt", ".rtf", ".epub", ".pptx"):
        _make_office_type(folder / suffix[1:], suffix, cache)


def _make_office_type(folder: Path, suffix: str, cache: Path) -> None:
    folder.mkdir()
    texts: set[str] = set()
    for name, data in _find_documents(suffix, cache):
        path = folder / name
        path.write_bytes(data)
        try:
            paragraphs = _read_slides(path) if suffix == ".pptx" else _read_with_pandoc(path)
        except Missing:
            paragraphs = []
        text = " ".join(paragraphs)
        if len(text.split()) < _MIN_WORDS or text in texts:
            path.unlink()
            continue
        texts.add(text)
        write_truth(path, [Extracted(paragraphs)])
        if len(texts) == _MAX_DOCUMENTS:
            break


def _read_with_pandoc(path: Path) -> list[str]:
    # The title and the authors are in the standalone form alone.
    page = _run(["pandoc", "-s", "--to=html", "--mathml", "--wrap=none", path], path.parent)
    return split_html(page, f"head, {_NOT_TEXT}")


def _read_slides(path: Path) -> list[str]:
    with TemporaryDirectory() as made:
        pdf = _convert(path, ".pdf", Path(made))
        return BLANK_LINES.split(_run(["pdftotext", "-enc", "UTF-8", pdf, "-"], made).decode())


def _convert(path: Path, suffix: str, folder: Path) -> Path:
    """Return what LibreOffice makes of a document. Raises Missing if it is not there or cannot read it."""
    if find_office() is None:
        raise Missing("LibreOffice")
    try:
        return convert(path, suffix, folder)
    except AssertionError as error:
        raise Missing(f"what LibreOffice makes of {path.name}") from error


def make_pdf(folder: Path, cache: Path) -> None:
    """Put PDFs beside the text of their HTML, or of their TeX, as pandoc reads it."""
    for packages, name, pages in BOOKS:
        files = [path for package in packages.split() for path in find_package(package, cache).rglob("*")]
        pdf = next(path for path in files if path.match(name))
        found = sorted(path for path in files if any(path.match(page) for page in pages.split()))
        paragraphs = [text for page in found for text in split_html(read_file(page), _NAVIGATION)]
        target = folder / f"{packages.split()[0]}__{pdf.name.removesuffix('.gz')}"
        target.write_bytes(read_file(pdf))
        write_truth(target, [Extracted(paragraphs)])
    taken: Counter[Path] = Counter()
    for package in PACKAGES["pdf"].split():
        for pdf in sorted(find_package(package, cache).rglob("*.pdf")):
            tex = next(
                (path for path in pdf.parent.glob(f"{pdf.stem}.tex*") if path.suffix in (".tex", ".gz")), None
            )
            paragraphs = _read_tex(tex, pdf) if tex and taken[pdf.parent] < 2 else []
            if paragraphs:
                taken[pdf.parent] += 1
                target = folder / f"{pdf.parent.name}__{pdf.name}"
                shutil.copy(pdf, target)
                write_truth(target, [Extracted(paragraphs)])


def _read_tex(tex: Path, pdf: Path) -> list[str]:
    """Return the paragraphs of a source; none if they are not those of the PDF, or other files have them."""
    source = read_file(tex)
    body = source.partition(rb"\begin{document}")[2]
    if len(source) < _MIN_SOURCE or b"\\input{" in body or b"\\include{" in body:
        return []
    try:
        page = _run(
            ["pandoc", "-f", "latex", "-t", "html"], pdf.parent, source.decode("utf-8", "replace").encode()
        )
    except Missing:
        return []
    paragraphs = split_html(page, _NAVIGATION)
    prose = [_letters(text) for text in paragraphs if len(text.split()) >= _MIN_PROSE]
    drawn = _run(["pdftotext", "-enc", "UTF-8", pdf, "-"], pdf.parent).decode()
    shared = sum(text[:_MIN_WORDS] in _letters(drawn) for text in prose)
    words = sum(len(text.split()) for text in paragraphs)
    is_same = len(prose) >= 12 and shared >= 0.6 * len(prose) and len(drawn.split()) <= 2 * words <= 60_000
    return paragraphs if is_same else []


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text.casefold())


def make_html(folder: Path, cache: Path) -> None:
    """Put a page of each package beside its source: the longest that Sphinx builds of prose alone."""
    for package in PACKAGES["html"].split():
        try:
            files = find_package(package, cache)
        except Missing as error:
            print(f"  without {error}", file=sys.stderr)
            continue
        best: tuple[int, Path, list[str]] | None = None
        for source in sorted(files.rglob("_sources/**/*.rst.txt")):
            root = next(parent for parent in source.parents if parent.name == "_sources")
            page = root.parent / str(source.relative_to(root)).replace(".rst.txt", ".html")
            text = clean_rst(read_file(source).decode("utf-8", "replace"))
            if not page.is_file() or not text or len(text.split()) > _MAX_WORDS:
                continue
            if best is None or len(text) > best[0]:
                best = (
                    len(text),
                    page,
                    split_html(_run(["pandoc", "-f", "rst", "-t", "html"], folder, text.encode())),
                )
        if best and sum(len(paragraph.split()) for paragraph in best[2]) >= _MIN_WORDS:
            _, page, paragraphs = best
            target = folder / f"{package}__{page.name}"
            shutil.copy(page, target)
            write_truth(target, [Extracted(paragraphs[1:], paragraphs[0])])


def clean_rst(text: str) -> str:
    """Return a source with plain text for roles; empty if some of its text is made by Sphinx."""
    if not _PLAIN_DIRECTIVES.issuperset(_DIRECTIVE.findall(text)) or ":ref:`" in re.sub(
        r":ref:`[^`]*<", "", text
    ):
        return ""
    return _ROLE.sub(lambda role: role[1] or _shown_name(role[2]), _FIELDS.sub("", text))


def _shown_name(target: str) -> str:
    """Return the name that Sphinx shows for a target: after a tilde, its last part."""
    return target.rpartition(".")[2] if target.startswith("~") else target.lstrip("!.")


def make_mails(folder: Path, cache: Path) -> None:
    """Put mails beside the lines of their body that are no quotation and no signature."""
    for name, data in _find_documents(".eml", cache, limit=120):
        mail = email.message_from_bytes(data, policy=email.policy.default)
        try:
            body = mail.get_body(("plain",))
            text = str(body.get_content()) if body else ""
        except (LookupError, ValueError):  # an encoding that is not known
            continue
        own = [line for line in text.partition("\n-- \n")[0].splitlines() if not line.startswith(">")]
        if len(" ".join(own).split()) >= _MIN_WORDS:
            (folder / name).write_bytes(data)
            title = str(mail["subject"] or "").replace('"', "")
            write_truth(folder / name, [Extracted(BLANK_LINES.split("\n".join(own)), title)])
    for name, data in _find_documents(".mbox", cache):
        (folder / name).write_bytes(data)


def make_mixed(folder: Path, cache: Path) -> None:
    """Put many files of documentation together, of all types."""
    chance = random.Random(5)
    for package in PACKAGES["mixed"].split():
        files = sorted(find_package(package, cache).glob("usr/share/doc/**/*"))
        pages = [
            path for path in files if suffix_of(path.name) in (".html", ".txt", ".md") and path.is_file()
        ]
        chance.shuffle(pages)
        for path in [page for page in pages if 1500 < page.stat().st_size < 600_000][:70]:
            target = folder / package / "__".join(path.relative_to(cache / package).parts[3:])
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)
    for suffix in (".pdf", ".docx", ".odt", ".rtf", ".epub", ".pptx", ".eml", ".mbox"):
        for name, data in _find_documents(suffix, cache, limit=120):
            (folder / name).write_bytes(data)


def make_known(folder: Path, cache: Path) -> None:
    """Let pandoc and LibreOffice make office documents and PDFs of known paragraphs."""
    pool = _find_prose(folder.parent / "html")
    posts = make_posts(pool, 10, seed=3)
    for number, post in enumerate(posts):
        path = folder / "post.md"
        path.write_text(f"---\ntitle: {post.title}\nlang: en\n---\n\n# The first part\n\n{post.markdown}")
        truth = Extracted(["The first part", *post.paragraphs], post.title)
        for suffix in (".docx", ".odt", ".rtf", ".epub", ".pptx"):
            made = folder / f"pandoc-{number}{suffix}"
            _run(["pandoc", "-s", path, "-o", made], folder)
            if number % 2 and suffix in (".docx", ".odt", ".rtf"):
                between = made.with_suffix(".odt" if suffix != ".odt" else ".docx")
                made.unlink()
                _run(["pandoc", "-s", path, "-o", between], folder)
                between = between.rename(folder / f"office-{number}{between.suffix}")
                made = _convert(between, suffix, folder)
                between.unlink()
            named = made.rename(folder / f"{suffix[1:]}-{number}{suffix}")
            write_truth(named, [truth])
        path.unlink()
    for number, (columns, indent, align) in enumerate(product((1, 2, 3), (0.0, 0.5), ("justify", "start"))):
        post = make_posts(pool, 1, seed=number)[0]
        chance = random.Random(number)
        paragraphs = chance.sample(pool, 50)
        notes = {at: f"See {chance.choice(pool)}" for at in (5, 15, 30)} if number % 2 else {}
        flat = folder / f"columns-{number}.fodt"
        write_flat_document(
            flat,
            post.title,
            paragraphs,
            columns=columns,
            header="The Harbour Gazette, number 12",
            footer="#",
            footnotes=notes,
            indent=indent,
            spacing=0.0 if indent else 0.2,
            align=align,
            author=post.author,
        )
        pdf = _convert(flat, ".pdf", folder)
        flat.unlink()
        write_truth(pdf, [Extracted([*paragraphs, *notes.values()], post.title)])


def _find_prose(folder: Path) -> list[str]:
    """Return the paragraphs of prose in the expected texts of a folder."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt")))
    found = {text.strip() for page in texts for text in BLANK_LINES.split(page) if is_prose(text.strip())}
    if len(found) < 100:
        raise Missing(f"{folder}: make it first")
    return sorted(found)


def is_prose(text: str) -> bool:
    """Whether a text is a paragraph of some length, whose signs have no meaning in a markup."""
    return 12 <= len(text.split()) <= 120 and _PROSE.fullmatch(text) is not None


def make_published(folder: Path, cache: Path) -> None:
    """Publish known posts with each program that is there."""
    pool = _find_prose(folder.parent / "html")
    for number in range(4):
        posts = make_posts(pool, 10, seed=number)
        for publish in publishing.PROGRAMS:
            name = publish.__name__.rpartition("_")[2]
            with TemporaryDirectory() as made:
                try:
                    if publish is publishing.publish_with_wordpress:
                        _add_wordpress(Path(made), cache)
                    site = publish(posts, Path(made))
                except (Missing, FileNotFoundError, subprocess.CalledProcessError) as error:
                    print(f"  without {name}: {error}", file=sys.stderr)
                    continue
                _store(site, posts, folder, number, crawls=name in ("pelican", "jekyll"))
    mails = publishing.make_mails(posts := make_posts(pool, 60, seed=9))
    for post, mail in zip(posts, mails, strict=True):
        path = folder / f"mail-{post.name}.eml"
        path.write_bytes(bytes(mail))
        write_truth(path, [post.expected])
    for number in range(3):
        path = folder / f"mails-{number}.mbox"
        publishing.write_mailbox(mails[number::3], path)
        write_truth(path, [post.expected for post in posts[number::3]])


def _add_wordpress(folder: Path, cache: Path) -> None:
    for package in ("wordpress", "wordpress-theme-twentytwentyone"):
        shutil.copytree(
            find_package(package, cache) / "usr/share/wordpress",
            folder / "wordpress",
            symlinks=True,
            dirs_exist_ok=True,
        )


def _store(site: publishing.Site, posts: list[Post], folder: Path, number: int, *, crawls: bool) -> None:
    expected = [post.expected for post in posts]
    for name, data in {**site.feeds, **site.exports}.items():
        stem, _, kind = name.partition(".")
        path = folder / f"{stem}-{kind}-{number}.{kind}"
        path.write_bytes(data)
        write_truth(path, expected)
    if number == 0:
        for post in posts:
            if post.name in site.pages:
                path = folder / f"{site.name}-{post.name}.html"
                path.write_bytes(site.pages[post.name])
                write_truth(path, [post.expected])
    if crawls and site.folder:
        with TemporaryDirectory() as made:
            for suffix, archive in publishing.crawl(site.folder, Path(made)).items():
                path = folder / f"{site.name}{suffix.replace('.', '-')}-{number}{suffix}"
                shutil.copy(archive, path)
                write_truth(path, expected)


MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "office": make_office,
    "pdf": make_pdf,
    "html": make_html,
    "mails": make_mails,
    "mixed": make_mixed,
    "known": make_known,
    "published": make_published,
}


def main() -> None:
    """Be the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.evaluation.corpora",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where the folders are made")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these folders")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(MAKERS):
        parser.error(f"no such folder: {', '.join(sorted(unknown))}. There are {', '.join(MAKERS)}.")
    cache = chosen.folder.resolve() / "packages"
    cache.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or MAKERS:
        target = chosen.folder.resolve() / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        try:
            MAKERS[name](target, cache)
        except Missing as error:
            print(f"{name}: skipped: {error}", file=sys.stderr)
            continue
        print(
            f"{name}: {sum(path.suffix != '.txt' for path in target.rglob('*') if path.is_file())} documents"
        )


if __name__ == "__main__":
    main()
