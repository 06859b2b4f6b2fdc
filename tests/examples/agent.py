"""What an AI agent does with `nutgraf mcp`: search, read what it found, and check its quotation.

python tests/examples/agent.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters

from indexer import Article, open_index

CRANE = Article(
    id="crane",
    title="The old crane",
    published="1998-03",
    paragraphs=["In 1998 the old crane fell into the harbour.", "Nobody was hurt."],
)


async def ask(index: Path) -> None:
    """Start the server as a client of such servers does, and ask it."""
    command = [
        sys.executable,
        "-m",
        "indexer.cli",
        "mcp",
        "--index",
        str(index),
        "--site",
        "https://quay.example",
    ]
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with Client(server) as client:
        found = await client.call_tool("search", {"query": "crane harbour"})
        passage = (found.structured_content or {})["hits"][0]["passages"][0]
        print(passage["text"], passage["link"])
        print((await client.read_resource(passage["resource"])).contents[0].uri)
        for quote in ("the old crane fell into the harbour", "the old crane fell into the sea"):
            checked = (await client.call_tool("verify_quote", {"text": quote})).structured_content or {}
            changes = [edit for edit in checked["diff"] if edit["kind"] != "same"]
            print(checked["verdict"], [(edit["quoted"], edit["source"]) for edit in changes])


def main() -> None:
    """Make an index of one article, and let an agent at it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        with open_index(path) as index:
            index.put([CRANE])
        anyio.run(ask, path)


if __name__ == "__main__":
    main()
