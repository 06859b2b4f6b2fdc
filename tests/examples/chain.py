"""A LangChain retriever, as the first step of a chain.

python tests/examples/chain.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from indexer import Article, open_index
from indexer.integrations.langchain import NutgrafRetriever


def cited(documents: list[Document]) -> str:
    """Passages with what they are to be cited by."""
    return "\n".join(
        f"{found.page_content} ({found.metadata['title']}, {found.metadata['published']}, "
        f"paragraph {found.metadata['number']})"
        for found in documents
    )


def main() -> None:
    """Put two articles in, and ask for passages since 2021."""
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder) / "index") as index:
        index.put(
            [
                Article(id="1", title="Ferry", published="2020", paragraphs=["The ferry stopped."]),
                Article(id="2", title="Return", published="2021-11", paragraphs=["So.", "The ferry sails."]),
            ]
        )
        chain = NutgrafRetriever(index=index, limit=5, options={"since": "2021"}) | RunnableLambda(cited)
        print(chain.invoke("ferry"))


if __name__ == "__main__":
    main()
