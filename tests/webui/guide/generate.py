"""Write the parts of the guide that are made from the code: `python -m tests.webui.guide.generate [--check]`.

A part stands between the lines `[//]: # (begin NAME)` and `[//]: # (end)`, which no Markdown reader shows.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import click

from indexer.cli import cli
from tests.contract.engines import CLUSTER
from tests.fixtures.markdown import GUIDE
from webui.openapi import describe, describe_schema

_PART = re.compile(r"(?<=^\[//\]: # \(begin )(\w+)\)\n.*?(?=^\[//\]: # \(end\)$)", re.MULTILINE | re.DOTALL)
_WIDTH = 80
CONTRACT = Path(__file__).parents[2] / "contract"
COMMAND = "python -m tests.webui.guide.generate"


def help_of_commands() -> str:
    """The help of every command, as `--help` prints it."""
    widths: dict[str, Any] = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    parent = click.Context(cli, info_name="nutgraf", **widths, **cli.context_settings)
    parts = []
    for name, command in sorted(cli.commands.items()):
        context = click.Context(command, parent, info_name=name, **widths)
        parts.append(f"## nutgraf {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def tables_of_parameters() -> str:
    """For every address of the API, what it answers and a table of its parameters."""
    parts = []
    for path, methods in describe()["paths"].items():
        operation = methods["get"]
        rows = [("parameter", "value", "meaning"), ("---", "---", "---")]
        for parameter in operation["parameters"]:
            value = describe_schema(parameter["schema"])
            rows.append((f"`{parameter['name']}`", _cell(value), _cell(parameter["description"])))
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts.append(f"### GET /api{path}\n\n{operation['summary']}\n\n{table}\n")
    return "\n".join(parts)


def differences_of_clusters() -> str:
    """What the contract tests expect to differ on a cluster, by their marks."""
    marks = (ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(CONTRACT.glob("*.py")))
    reasons = {
        str(ast.literal_eval(keyword.value))
        for node in chain.from_iterable(marks)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.differs"
        for keyword in node.keywords
        if keyword.arg == CLUSTER
    }
    return "".join(f"- {reason[0].upper()}{reason[1:]}.\n" for reason in sorted(reasons))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PARTS: dict[str, Callable[[], str]] = {
    "commands": help_of_commands,
    "differences": differences_of_clusters,
    "parameters": tables_of_parameters,
}


def renew(text: str) -> str:
    """A page with its generated parts as they have to be."""
    return _PART.sub(lambda match: f"{match[1]})\n\n{PARTS[match[1]]()}\n", text)


def main(arguments: list[str] | None = None) -> int:
    """Write all generated parts; with --check, only report pages that are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if a page is out of date"
    )
    check = parser.parse_args(arguments).check
    stale = False
    for page in GUIDE:
        text = page.read_text(encoding="utf-8")
        if (renewed := renew(text)) != text:
            stale = True
            if check:
                print(
                    f"{page.name} is out of date: run python -m tests.webui.guide.generate", file=sys.stderr
                )
            else:
                page.write_text(renewed, encoding="utf-8")
    return int(stale and check)


if __name__ == "__main__":
    sys.exit(main())
