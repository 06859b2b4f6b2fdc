"""Search for other programs: each module needs an extra of its own.

`mcp_server` offers an index to AI agents (Model Context Protocol, extra `mcp`); `mcp_answers` adds citations
to the results. `langchain` is a retriever for LangChain (extra `langchain`). Both call `indexer.index`. Begin
with `mcp_server`.
"""
