"""`nutgraf export`: what it writes is read back to the same articles."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article, Index, Published, open_index
from indexer.article import Encoding, record_name
from indexer.cli.render import format_json
from indexer.config import Config
from indexer.engine import digest_items, encode_article
from indexer.fields import FieldType
from indexer.readers import ReadOptions
from tests.fixtures.commands import Run, on_a_terminal
from tests.fixtures.documents import read_all
from tests.fixtures.folders import Archive

DECLARED = {
    "desk": FieldType("keyword", facet=True),
    "edition": FieldType("integer"),
    "score": FieldType("number"),
    "embargo": FieldType("date"),
    "print": FieldType("boolean"),
    "lead": FieldType("keyword"),
    "summary": FieldType("text", weight=2),
}
ARTICLES = [
    Article("nothing at all"),
    Article("title only", "A title"),
    Article("東京 / ../../etc?q=<b>&'\"", "Slashes", ["kite"]),
    Article("x" * 3000, paragraphs=["long id"]),
    Article("control", "a\x00b \x1b[31m", ["\x00\x1b[31m \x85 \x9f \u2028 \u2029 \ufffe \ufeff", "\ufeff"]),
    Article("space", "", ["one\n\n two  three\tfour", "\u3000five"]),
    Article("markup", "<b>Not bold</b>", ["<p>One &amp; two</p>", "</script>", "{\"id\": 1}"]),
    Article("marks", "\U0001f30a é \u0301", ["\U0010ffff \ud7ff \ue000"]),
    Article("huge", "Huge", ["y" * 100_000 + " kite", *(f"paragraph {n}" for n in range(2000))]),
    Article("year", published="0001"),
    Article("future", published="9999-12-31T23:59"),
    Article(
        "date",
        published=Published(
            "2021-11", "month", "json-ld", (("2021-12-01", "meta"), ("2020", "url")), "month before day"
        ),
    ),
    Article("language", "Ein Titel", ["Ein Fischreiher."], language="pt-BR"),
    Article("address", url="https://news.example/a?b=ü&c#d"),
    Article("encoding", encoding=Encoding("windows-1252", guessed=True), notes=["one", "one", ""]),
    Article(
        "details",
        paragraphs=["One.", "", "Two."],
        authors=["Ada; Bo", "Cy | Dee"],
        section="World, A1",
        tags=["a;b", "c"],
        publisher="The Quay",
        page_numbers=[1, 2, None],
        fields={
            "desk": ["a; b", "c"],
            "edition": -3,
            "score": 1.5,
            "embargo": "2024-02",
            "print": False,
            "lead": "One; two",
            "summary": "Two cranes; one harbour.\n\nThey – “moved”\tto the quay | and back.",
        },
    ),
    Article("summary alone", fields={"summary": "{\"a\": <b>1</b>}"}),
]  # fmt: skip


def digest(index: Index) -> dict[str, str]:
    """The digest of each article without its source, by the id that it had first."""
    found = {}
    for article in index.articles():
        items = encode_article(article)
        head = json.loads(items[0])
        first = head["id"] if head.get("source", "") != "export.jsonl" else record_name(head["id"])
        head |= {"id": first, "source": ""}
        found[first] = digest_items([json.dumps(head, sort_keys=True).encode(), *items[1:]])
    return found


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process: None) -> Iterator[Index]:
    """An index of every kind of article, some from files, in segments with removed articles."""
    monkeypatch.chdir(tmp_path)
    archive = Archive(tmp_path)
    archive.write("2021-05 latin.txt", "")
    (archive.seeds / "latin.txt").write_bytes(
        "Zürich\n\nStand: 5. März 2021\n\nDie Brücke öffnet.\n".encode("latin-1")
    )
    (archive.seeds / "2021-05 latin.txt").unlink()
    archive.write("a.md", "---\ndate: 2021-03\nlanguage: de\n---\n# Kräne\n\nEin Kran.\n")
    archive.lines("b.jsonl", {"id": "one", "text": "First."}, {"text": "Second.", "published": "soon"})
    config = Config(index=tmp_path / "index", sources=(archive.seeds,), fields=DECLARED)
    with open_index(config) as made:
        made.sync()
        made.put([Article(article.id, "Before") for article in ARTICLES[::2]])
        made.put([*ARTICLES, Article("removed")])
        made.remove(["removed"])
        yield made


def test_a_file_is_read_back_to_the_same_articles(index: Index, tmp_path: Path, run: Run) -> None:
    assert run("export", "export.jsonl", "--index", "index") == (0, "", "")
    before = digest(index)
    assert len(before) == len(ARTICLES) + 4
    with open_index(Config(index=tmp_path / "other", fields=DECLARED)) as other:
        report = other.sync("export.jsonl")
        assert (report.added, report.failed) == (len(before), [])
        assert digest(other) == before
        for article_id in before:
            assert record_name(other.resolve_id(article_id)) == article_id


def test_standard_output_gets_what_a_file_gets(index: Index, run: Run) -> None:
    assert run("export", "export.jsonl", "--index", "index")[0] == 0
    code, out, err = run("export", "--index", "index")
    assert (code, err, out) == (0, "", Path("export.jsonl").read_text(encoding="utf-8"))
    assert [json.loads(line)["id"] for line in out.splitlines()] == [
        article.id for article in index.articles()
    ]


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MANY = st.lists(WORDS, max_size=4)
DATES = st.one_of(
    st.dates().map(lambda day: Published.at(day, "day", "meta", others=(("2020", "url"),), note="x")),
    st.datetimes().map(lambda moment: Published.at(moment, "minute")),
    st.integers(1, 9999).map(lambda year: Published(f"{year:04}", "year", "dateline")),
    st.none(),
)
MADE = st.builds(
    Article,
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=30),
    WORDS,
    MANY,
    DATES,
    st.sampled_from([None, "en", "pt-BR", "zh_Hant"]),
    st.sampled_from([None, "https://a.example/ü?b#c"]),
    WORDS,
    st.sampled_from([None, Encoding("utf-8"), Encoding("big5", guessed=True)]),
    MANY,
    authors=MANY,
    section=WORDS,
    tags=MANY,
    publisher=WORDS,
    fields=st.fixed_dictionaries(
        {},
        optional={
            "desk": MANY,
            "edition": st.integers(-(2**53) + 1, 2**53 - 1),
            "score": st.floats(-(2.0**62), 2.0**62),
            "print": st.booleans(),
        },
    ),
)


@given(st.lists(MADE, min_size=1, max_size=5))
def test_any_articles_are_read_back(articles: list[Article]) -> None:
    lines = "".join(f"{format_json(article.as_json())}\n" for article in articles)
    found = read_all(lines, "export.jsonl", ReadOptions(fields=DECLARED))
    assert len(found) == len(articles)
    for article, again in zip(articles, found, strict=True):
        assert isinstance(again, Article)
        assert (again.source, record_name(again.id)) == ("export.jsonl", article.id)
        assert again.as_json() | {"id": "", "source": ""} == article.as_json() | {"id": "", "source": ""}


def test_a_file_is_replaced_only_by_a_whole_one(index: Index, run: Run) -> None:
    Path("export.jsonl").write_text("before")
    (segment, *_) = Path(index.path).glob("*.nut")
    whole = segment.read_bytes()
    segment.write_bytes(whole[: len(whole) // 2])
    assert run("export", "export.jsonl", "--index", "index")[0] == 5
    assert Path("export.jsonl").read_text() == "before"
    assert [path.name for path in Path().glob("export*")] == ["export.jsonl"]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("/dev/null", "/dev/null is not a regular file: give another FILE, or none and redirect the output"),
        ("index", "index is not a regular file: give another FILE, or none and redirect the output"),
        ("none/a.jsonl", "none is not a folder: make it first, or give another FILE"),
    ],
)
def test_a_file_takes_the_place_of_no_device_and_no_folder(
    index: Index,
    run: Run,
    file: str,
    message: str,
) -> None:
    code, out, err = run("export", file, "--index", "index")
    assert (code, out, err.endswith(f"{message}\n")) == (1, "", True), err


def test_a_pipe_that_is_closed_ends_the_export(index: Index) -> None:
    command = f"{sys.executable} -m indexer.cli export --index index | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_a_terminal_shows_how_many_articles_are_written(index: Index) -> None:
    assert f"{len(ARTICLES) + 4}/{len(ARTICLES) + 4} articles" in on_a_terminal(
        "export", "export.jsonl", "--index", "index"
    )
