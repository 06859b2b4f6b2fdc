"""Imports point one way, Whoosh and Flask stay in their packages, and heavy libraries load only if used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from indexer import Article, open_index
from tests.fixtures.folders import Archive
from tests.fixtures.models import make_tiny_model, make_tiny_onnx

ROOT = Path(__file__).parents[1]
# From the top down: a package imports from itself and from the packages in the lines below it.
DIRECTION = """
    webui
    cli integrations
    index engines
    store opensearch
    search sync
    engine
    query readers vectors
    text
    article fields sources results reports config address
    files
    limits errors
"""
# The command that serves the site reaches up to it, when it is called.
ALLOWED = {("indexer.cli.serving", "webui"), ("indexer.cli.serving", "webui.server")}
WHOOSH = ("indexer.engine", "indexer.query", "indexer.text.languages")


def level(module: str) -> int:
    """How far down a module's package is: `webui`, or the folder or module below `indexer`."""
    first, _, rest = module.partition(".")
    name = rest.partition(".")[0] if first == "indexer" else first
    # The package itself has the names of `index` and of the modules below it.
    levels = [
        number for number, line in enumerate(DIRECTION.split("\n")) if (name or "index") in line.split()
    ]
    assert levels, f"{module}: {name} is in no line of DIRECTION"
    return levels[0]


@cache
def modules() -> list[tuple[str, Path]]:
    """Every module of the project, by dotted name."""
    found = []
    for path in sorted([*ROOT.glob("indexer/**/*.py"), *ROOT.glob("webui/**/*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


@cache
def imports(path: Path) -> list[tuple[int, str]]:
    """Every module that a file imports, with the line; imports for type checking only do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: must be an absolute import"
            module = node.module or ""
            inside = (ROOT / module.replace(".", "/")).is_dir()
            found += [
                (node.lineno, f"{module}.{alias.name}")
                if inside and (ROOT / module.replace(".", "/") / f"{alias.name}.py").exists()
                else (node.lineno, module)
                for alias in node.names
            ]
    return found


def find_wrong_imports(is_wrong: Callable[[str, str], bool]) -> list[str]:
    """The imports that are wrong, given the names of a module and of what it imports, with their lines."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {name} may not import {wanted}"
        for name, path in modules()
        for line, wanted in imports(path)
        if is_wrong(name, wanted)
    ]


def test_imports_point_one_way() -> None:
    def is_upward(name: str, wanted: str) -> bool:
        is_ours = wanted.split(".")[0] in ("indexer", "webui")
        return is_ours and (name, wanted) not in ALLOWED and level(wanted) < level(name)

    assert find_wrong_imports(is_upward) == []


def test_a_room_is_entered_by_its_own_names_and_not_through_a_room_in_it() -> None:
    def is_inside(name: str, wanted: str) -> bool:
        return wanted.startswith("indexer.engine.") and not name.startswith("indexer.engine")

    assert find_wrong_imports(is_inside) == []


def test_the_site_knows_nothing_of_the_engine() -> None:
    def is_engine(name: str, wanted: str) -> bool:
        return name.startswith("webui") and wanted.startswith("indexer.engine")

    assert find_wrong_imports(is_engine) == []


@pytest.mark.parametrize(
    ("library", "packages"),
    [
        ("whoosh", WHOOSH),
        ("flask", ("webui",)),
        ("jinja2", ("webui",)),
        ("granian", ("webui.server",)),
        ("prometheus_client", ("webui.monitoring",)),
        ("mcp", ("indexer.integrations.mcp_server", "indexer.integrations.mcp_answers")),
        ("langchain_core", ("indexer.integrations.langchain",)),
        ("watchfiles", ("indexer.store.watch",)),
        (
            "opensearchpy",
            (
                "indexer.opensearch.cluster",
                "indexer.opensearch.connection",
                "indexer.opensearch.failures",
            ),
        ),
        ("botocore", ("indexer.opensearch.aws",)),
        ("onnxruntime", ("indexer.vectors.onnx",)),
        ("tokenizers", ("indexer.vectors.folder",)),
        ("safetensors", ("indexer.vectors.static",)),
        ("sentence_transformers", ("indexer.vectors.hub",)),
        ("huggingface_hub", ("indexer.vectors.hub",)),
    ],
)
def test_a_library_stays_in_its_packages(library: str, packages: tuple[str, ...]) -> None:
    def is_outside(name: str, wanted: str) -> bool:
        is_home = any(name == place or name.startswith(f"{place}.") for place in packages)
        return wanted.split(".")[0] == library and not is_home

    assert find_wrong_imports(is_outside) == []


def modules_loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after some code."""
    script = f"import sys\n{code}\nprint('\\nloaded', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.splitlines()[-1].split())


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after some code."""
    return {name.partition(".")[0] for name in modules_loaded_by(code)}


# What Whoosh loses documents, locks or removals with, seen in 3.54: refresh brings removed documents back,
# processes and buffers drop batches, create_in wipes what is live, update_document keeps both of two copies,
# exists_in fails beside a commit, and a collector with a time limit is no bound outside of the main thread.
FORBIDDEN = {
    "refresh", "procs", "multisegment", "AsyncWriter", "BufferedWriter", "create_in", "create_index",
    "update_document", "exists_in", "open_dir", "TimeLimitCollector",
}  # fmt: skip


def names_in(code: str) -> list[tuple[int, str]]:
    """Every name, attribute, keyword and import of a program, with its line."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            found.append((node.lineno, node.id))
        elif isinstance(node, ast.Attribute):
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.keyword) and node.arg:
            found.append((node.value.lineno, node.arg))
        elif isinstance(node, ast.alias):
            found.append((node.lineno, node.name.rpartition(".")[2]))
    return found


def test_unsafe_functions_of_whoosh_are_not_called() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for module, path in modules()
        # There is no Whoosh in there, and the same names mean other things.
        if not module.startswith("indexer.opensearch.")
        for line, name in names_in(path.read_text(encoding="utf-8"))
        if name in FORBIDDEN
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "code",
    [
        "reading.searcher().refresh()",
        "index.writer(procs=4)",
        "from whoosh.writing import AsyncWriter",
        "whoosh.index.create_in(folder, schema)",
        "update = writer.update_document",
    ],
)
def test_a_call_of_an_unsafe_function_is_noticed(code: str) -> None:
    assert {name for _, name in names_in(code)} & FORBIDDEN


HEAVY = {
    "flask",
    "trafilatura",
    "bs4",
    "lxml",
    "htmldate",
    "charset_normalizer",
    "markdown_it",
    "rich",
    "selectolax",
    "granian",
    "prometheus_client",
    "mcp",
    "pydantic",
    "langchain_core",
    "watchfiles",
    "pathspec",
    "pypdfium2",
    "fastwarc",
    "feedparser",
    "onnxruntime",
    "tokenizers",
    "safetensors",
    "huggingface_hub",
}


@pytest.mark.parametrize("code", ["import indexer", "import indexer.cli.program", "import indexer.readers"])
def test_heavy_libraries_are_loaded_only_when_used(code: str) -> None:
    assert loaded_by(code) & HEAVY == set()


def test_opening_a_model_and_telling_its_fingerprint_load_nothing_that_runs_it(tmp_path: Path) -> None:
    folders = [str(make_tiny_model(tmp_path / "static")), str(make_tiny_onnx(tmp_path / "onnx"))]
    loaded = loaded_by(
        "from indexer.vectors import open_model\n"
        f"for name in [*{folders!r}, 'https://models.example/v1#name']: open_model(name).fingerprint"
    )
    assert loaded & HEAVY == set()


def test_the_library_alone_loads_neither_the_command_nor_the_site() -> None:
    assert loaded_by("import indexer") & {"click", "webui"} == set()


def test_searching_and_reading_text_load_no_heavy_library(archive: Archive) -> None:
    loaded = loaded_by(
        "from indexer import open_index\n"
        f"index = open_index({str(archive.folder)!r})\n"
        f"index.sync({str(archive.seeds)!r}); index.search('crane')"
    )
    assert loaded & (HEAVY - {"charset_normalizer"} | {"webui"}) == set()


def test_a_search_with_the_command_loads_nothing_that_reads_sources_or_writes(archive: Archive) -> None:
    with open_index(archive.folder) as index:
        index.put([Article("crane", "Harbour", ["The old steam crane was sold."], language="en")])
    arguments = ["search", "crane", "--index", str(archive.folder)]
    loaded = modules_loaded_by(f"from indexer.cli import run_cli\nassert run_cli({arguments!r}) == 0")
    ours = {name for name in loaded if name.startswith("indexer.")}
    packages = ("readers", "engine.build", "engine.whoosh", "integrations", "vectors")
    modules = {
        "indexer.store.update",
        "indexer.search.meaning",
        "indexer.search.suggest",
        "indexer.search.quotes",
        "indexer.search.similar",
    }
    assert [name for name in ours if name.startswith(tuple(f"indexer.{own}" for own in packages))] == []
    assert {name for name in ours if name.startswith("indexer.sync.")} == {"indexer.sync.catalog"}
    assert ours & modules == set()
    libraries = {
        "regex",
        "rapidfuzz",
        "babel",
        "dateutil",
        "email",
        "importlib.metadata",
        "py3langid",
        "webui",
    }
    assert loaded & (HEAVY | libraries) == set()


def test_the_site_loads_no_reader_libraries_and_no_server() -> None:
    libraries = {"trafilatura", "bs4", "lxml", "htmldate", "markdown_it", "selectolax", "rich", "granian"}
    assert loaded_by("import webui") & libraries == set()
