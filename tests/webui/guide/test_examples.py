"""Every code block of the README and the guide runs, or is at least read by what it is written for."""

from __future__ import annotations

import configparser
import contextlib
import doctest
import io
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import pytest
import werkzeug.test
from a2wsgi import ASGIMiddleware
from jinja2 import Environment

import webui
from indexer import load_config, open_index
from indexer.cli import cli, run_cli
from tests.fixtures.markdown import DOCUMENTS, GUIDE, README, ROOT, Block, blocks, code_containing, section
from tests.stress.__main__ import stress_tests
from webui.guide import FOLDER

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Programs that console blocks start besides nutgraf; they are not run.
OTHER_PROGRAMS = {".", "python3", "python", "cyclonedx-py", "pip", "curl", "systemctl", "cp", "git", "sudo"}
# Commands that run until they are stopped: only their arguments are checked.
SERVERS = {"serve", "mcp", "watch"}
EXTRAS = {
    "indexer.integrations.langchain": "langchain_core",
    "from mcp": "mcp",
    "fastapi": "fastapi",
    "django": "django",
    "index.watch": "watchfiles",
}
LANGUAGES = {
    "python",
    "console",
    "text",
    "json",
    "toml",
    "html",
    "jinja",
    "ini",
    "nginx",
    "caddy",
    "jsx",
    "sql",
}
SHOWN = (README, *GUIDE)
YOUR_SITE = FOLDER / "your-site.md"
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def having(*languages: str) -> pytest.MarkDecorator:
    """Let a test run for each document that has blocks of these languages."""
    documents = [document for document in SHOWN if any(True for _ in blocks(document, *languages))]
    return pytest.mark.parametrize("document", documents, ids=lambda path: path.name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process: None) -> Path:
    """A working directory with the sample articles, an index of them, and settings for Django."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = tmp_path / "mysite" / "settings.py"
    settings.parent.mkdir()
    settings.write_text("SECRET_KEY = 'test'\nROOT_URLCONF = 'mysite.settings'\nurlpatterns = []\n")
    monkeypatch.setenv("NUTGRAF_QUERY_SECONDS", "60")
    shutil.copytree(ROOT / "seeds", "seeds")
    with open_index("index_data") as index:
        index.sync("seeds")
    return tmp_path


def agrees(printed: str, shown: str) -> bool:
    """Whether output is as shown, where `...` stands for any text."""
    return doctest.OutputChecker().check_output(shown, printed, SAME)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_names_a_language_that_is_tested(document: Path) -> None:
    for block in blocks(document):
        assert block.language in LANGUAGES, block.place


def run_python(document: Path) -> tuple[dict[str, Any], list[tuple[Block, str]]]:
    """Run the Python blocks of a document in order; return the names that they leave, and what they print.

    Only output that a text block directly below the code shows is kept, with that block.
    """
    names: dict[str, Any] = {"__name__": document.stem}
    printed = ""
    outputs = []
    for block in blocks(document, "python", "text"):
        if block.language == "text":
            if block.follows_code:
                outputs.append((block, printed))
            continue
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            # Padded, so that a traceback has the line of the document.
            exec(compile("\n" * block.line + block.text, str(document), "exec"), names)
        printed = output.getvalue()
    return names, outputs


@pytest.fixture(autouse=True)
def _model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a model, configured, where the page about models is tested."""
    document = getattr(request.node, "callspec", None) and request.node.callspec.params.get("document")
    if "folder" in request.fixturenames and document == FOLDER / "meaning.md":
        here = request.getfixturevalue("folder")
        shutil.copytree(request.getfixturevalue("tiny_model"), here / "models" / "static")
        monkeypatch.setenv("NUTGRAF_MODEL", "models/static")


@having("python")
@pytest.mark.usefixtures("folder")
def test_python_blocks_run_in_order_and_print_what_follows_them(document: Path) -> None:
    _, outputs = run_python(document)
    for block, printed in outputs:
        assert agrees(printed, block.text), f"{block.place}\n{printed}"


@pytest.mark.usefixtures("folder")
def test_each_way_to_embed_the_site_serves_it() -> None:
    names, _ = run_python(YOUR_SITE)
    assert names["app"].test_client().get("/search/api/search?q=harbour").get_json()["total"] > 0
    assert names["app"].test_client().get("/letters/").status_code == 503  # It has no index yet.
    site = werkzeug.test.Client(names["application"])
    page = site.get("/search/?q=harbour")
    assert (page.status_code, 'href="/search/a/' in page.text) == (200, True)
    site = werkzeug.test.Client(cast("WSGIApplication", ASGIMiddleware(names["api"])))
    assert site.get("/search/api/search?q=harbour").get_json()["total"] > 0
    assert 'href="/search/a/' in site.get("/search/?q=harbour").text


def commands(block: Block) -> list[tuple[str, str]]:
    """Each command of a console block, with the output shown below it."""
    text = block.text.replace("\\\n", " ")
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{block.place}: must begin with a command"
    return [(command, shown) for command, _, shown in (part.partition("\n") for part in parts[1:])]


def check_arguments(name: str, arguments: list[str]) -> None:
    """Parse the arguments of a command without running it."""
    command = cli.commands[name]
    command.make_context(name, list(arguments), parent=click.Context(cli, **cli.context_settings))


@having("console")
@pytest.mark.usefixtures("folder")
def test_commands_run_and_print_what_is_shown(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks(document, "console"):
        for command, shown in commands(block):
            program, *arguments = shlex.split(command, comments=True)
            expected = re.search(r"# exit code (\d+)", command)
            if Path(program).name != "nutgraf":
                assert program in OTHER_PROGRAMS or program.startswith(".venv/"), f"{block.place}: {command}"
                if program == "cp":
                    subprocess.run([program, *arguments], check=True)
            elif arguments[0] in SERVERS:
                check_arguments(arguments[0], arguments[1:])
            else:
                code = run_cli(arguments)
                printed = capsys.readouterr()
                assert code == int(expected[1] if expected else 0), f"{block.place}: {command}\n{printed.err}"
                if shown.strip():
                    assert agrees(printed.out, shown), f"{block.place}: {command}\n{printed.out}"


@pytest.mark.parametrize("document", SHOWN, ids=lambda path: path.name)
def test_settings_data_and_templates_are_valid(document: Path, tmp_path: Path) -> None:
    for block in blocks(document):
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml" and "[tool." not in block.text:
            file = tmp_path / "nutgraf.toml"
            file.write_text(block.text)
            assert tomllib.loads(block.text)
            load_config(tmp_path)
        elif block.language == "jinja":
            Environment(autoescape=True).parse(block.text)
        elif block.language == "ini":
            unit = configparser.ConfigParser(strict=False, interpolation=None)
            unit.read_string(block.text)
            for start in re.findall(r"^ExecStart=(.*)$", block.text, re.MULTILINE):
                program, name, *arguments = shlex.split(start)
                assert Path(program).name == "nutgraf"
                check_arguments(name, arguments)


@pytest.mark.usefixtures("folder")
def test_the_tag_names_what_a_mount_at_that_prefix_serves() -> None:
    script, api = re.findall(
        r'src="https://archive\.example(/[^"]*)"', code_containing(YOUR_SITE, "html", "<script")
    )
    names, _ = run_python(YOUR_SITE)
    site = names["app"].test_client()
    with site.get(script) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert site.get(f"{api}/search?q=harbour").get_json()["total"] > 0


def test_the_pages_and_blocks_that_can_be_replaced_are_those_of_the_templates() -> None:
    folder = ROOT / "webui" / "templates" / "nutgraf"
    text = YOUR_SITE.read_text(encoding="utf-8")
    pattern = r"The pages are (.+?)\.\nAll extend `base.html`, which has the blocks (.+?)\.\n"
    parts = re.search(pattern, text, re.DOTALL)
    assert parts
    pages, blocks = (set(re.findall(r"`([^`]+)`", part)) for part in parts.groups())
    assert pages == {path.name for path in folder.glob("*.html")} - {"text.html", "base.html"}
    base = (folder / "base.html").read_text(encoding="utf-8")
    assert blocks == {*re.findall(r"{% block (\w+)", base)} - {"focus"}


def test_a_client_starts_the_server_for_agents_with_arguments_that_it_has() -> None:
    (server,) = json.loads(code_containing(FOLDER / "agents.md", "json", "mcpServers"))["mcpServers"].values()
    name, *arguments = server["args"]
    assert Path(server["command"]).name == "nutgraf"
    check_arguments(name, arguments)


@pytest.mark.parametrize(
    ("field", "address"), [("hits", "search?q=harbour&facet=year"), ("suggestions", "suggest?q=h")]
)
@pytest.mark.usefixtures("folder")
def test_an_answer_has_the_fields_that_are_shown(field: str, address: str) -> None:
    answer = webui.create_app("index_data").test_client().get(f"/api/{address}").get_json()
    shown = json.loads(code_containing(FOLDER / "http-api.md", "json", f'"{field}"'))
    assert set(answer) == set(shown)
    assert set(answer[field][0]) == set(shown[field][0])


def test_the_proofs_and_files_that_the_security_page_names_exist() -> None:
    table = section(FOLDER / "security.md", "How, and what shows it")
    rows = re.findall(r"^\| (?!against|---)(.+) \|$", table, re.MULTILINE)
    assert len(rows) > 10
    for row in rows:
        named = re.findall("`([^`]+)`", row.rpartition(" | ")[2])
        assert named, row
        for name in named:
            assert (ROOT / name).exists() if "/" in name else name in stress_tests(), name
