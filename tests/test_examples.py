"""Each program in `tests/examples` runs as it stands, and prints what it should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fixtures.markdown import GUIDE

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "examples"

PRINTED = {
    "feed": [
        "2020-03 Harbour · The ferry stopped.",
        "2021-11-05T21:01 Night ferry returns · The night ferry sails again from Friday.",
        "1 changed: The ferry stopped, and sailed again.",
        "1 left",
    ],
    "newsroom": [
        '<a href="/letters/?q=ferry">Letters about the ferry</a>',
        "200 OK True True",
        "['Night ferry returns']",
    ],
    "agent": [
        r"In 1998 the old crane fell into the harbour\. https://quay\.example/a/\?id=crane#p-[0-9a-f]{8}",
        r"nutgraf://article/crane/p-[0-9a-f]{8}",
        r"exact \[\]",
        r"near \[\('sea', 'harbour'\)\]",
    ],
    "chain": ["The ferry sails. (Return, 2021-11, paragraph 2)"],
}
NEEDED = {"agent": "mcp", "chain": "langchain_core"}


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_should(name: str) -> None:
    needed = NEEDED.get(name)
    if needed and find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUTGRAF_QUERY_SECONDS": "60"},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(PRINTED[name]), done.stdout
    for line, wanted in zip(lines, PRINTED[name], strict=True):
        assert line == wanted or re.fullmatch(wanted, line), line


def test_every_example_is_run_and_named_in_the_guide() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert names == set(PRINTED)
    guide = "".join(page.read_text(encoding="utf-8") for page in GUIDE)
    for name in names:
        assert f"tests/examples/{name}.py" in guide
