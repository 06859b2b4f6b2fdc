"""The guide is served in the look of the site, and every link of the documents leads somewhere."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

import webui
from indexer import Config, open_index
from tests.fixtures.markdown import DOCUMENTS, GUIDE, README, ROOT, fragments, links, parse, section
from tests.test_architecture import DIRECTION
from tests.webui.guide.generate import COMMAND, PARTS, renew
from webui.guide import FOLDER, PAGES, list_pages, plain_text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A site whose search is mounted below a prefix. It has no index: the guide needs none."""
    app = Flask("host")
    webui.init_app(app, open_index(tmp_path_factory.mktemp("guide") / "none"), url_prefix="/archive")
    return app.test_client()


def test_every_file_of_the_folder_is_a_page_in_the_list() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(PAGES)


@pytest.mark.parametrize("document", GUIDE, ids=lambda path: path.name)
def test_a_page_begins_with_its_title_and_one_sentence(document: Path) -> None:
    tokens = parse(document)
    assert (tokens[0].tag, tokens[3].tag) == ("h1", "p")
    assert plain_text(tokens[4]).find(".") == len(plain_text(tokens[4])) - 1


def test_the_list_names_every_page_by_its_title_and_what_it_is_for(site: FlaskClient) -> None:
    html = BeautifulSoup(site.get("/archive/guide/").text, "html.parser")
    listed = {a["href"]: a.text for a in html.select(".guide-page dt a")}
    assert listed == {page.name: page.title for page in list_pages()}
    assert all(dd.text.endswith(".") for dd in html.select(".guide-page dd"))


@pytest.mark.parametrize("name", PAGES)
def test_every_link_and_picture_of_a_page_is_served(site: FlaskClient, name: str) -> None:
    address = f"/archive/guide/{name}"
    response = site.get(address)
    assert response.status_code == 200
    html = BeautifulSoup(response.text, "html.parser")
    content = html.select_one(".guide-page")
    assert content is not None
    for tag in content.select("a[href], img[src]"):
        target = str(tag.get("href") or tag.get("src"))
        path, _, fragment = urljoin(address, target).partition("#")
        if not path.startswith("/"):
            continue
        with site.get(path) as answer:
            assert answer.status_code == 200, target
            linked = BeautifulSoup(answer.data, "html.parser").select("[id]") if fragment else []
        assert not fragment or fragment in {tag["id"] for tag in linked}, target


def test_a_page_that_does_not_exist_is_a_404(site: FlaskClient) -> None:
    for name in ("nothing", "search-tips.md", "__init__.py", "../__init__.py"):
        assert site.get(f"/archive/guide/{name}").status_code == 404


def test_the_search_box_links_to_the_search_tips_and_each_page_to_the_guide(site: FlaskClient) -> None:
    html = BeautifulSoup(site.get("/archive/guide/").text, "html.parser")
    assert html.select_one('form a[href="/archive/guide/search-tips"]')
    assert html.select_one('footer a[href="/archive/guide/"]')


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_the_files_leads_to_a_file_and_a_heading(document: Path) -> None:
    for link in links(document):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if fragment:
            assert fragment in fragments(target), link
    for picture in re.findall(r'src(?:set)?="([^":]+)"', document.read_text(encoding="utf-8")):
        assert (document.parent / picture).exists() or document != README, picture
    if document.parent == FOLDER:
        outside = [link for link in links(document) if link.startswith("..")]
        assert not outside, "a page of the guide is served without the rest of the repository"


def test_the_generated_parts_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    # The help shows defaults that the environment can change.
    for name in os.environ:
        if name.startswith("NUTGRAF_"):
            monkeypatch.delenv(name)
    pages = {page.stem: page.read_text(encoding="utf-8") for page in GUIDE}
    assert {name for text in pages.values() for name in re.findall(r"\(begin (\w+)\)", text)} == set(PARTS)
    for name, text in pages.items():
        assert text == renew(text), f"{name}.md: run {COMMAND}"


def test_the_picture_of_the_architecture_shows_the_packages_in_the_order_of_their_imports() -> None:
    picture = (FOLDER / "rooms.svg").read_text(encoding="utf-8")
    assert re.findall(r'font-weight="600"[^>]*>(\w+)<', picture) == DIRECTION.split()


def test_every_option_is_documented_with_its_default() -> None:
    rows = re.findall(
        r"^\| (`.+`) \| (.*?) ?\| .+ \|$", section(FOLDER / "configuration.md", "Options"), re.MULTILINE
    )
    documented: dict[str, str] = {}
    for names, values in rows:
        options, defaults = names.replace("`", "").split(", "), values.replace("`", "").split(", ")
        documented |= dict(zip(options, defaults, strict=True))
    for option in dataclasses.fields(Config):
        if option.name in ("named_sources", "cluster"):
            continue  # set by the options `sources` and `index`
        default = documented.pop(option.name)
        match option.default:
            case None | "" | () | dataclasses.MISSING:
                assert default == ""
            case bool() as value:
                assert default == str(value).lower()
            case tuple() as paths:
                assert json.loads(default) == [str(path) for path in paths]
            case value:
                assert default == f"{value:g}" if isinstance(value, float) else str(value)
    assert not documented
