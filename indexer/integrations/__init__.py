"""Search for programs that call it by a protocol of their own; each module needs an extra.

`mcp_server` gives an index to AI agents (Model Context Protocol), `mcp_answers` has what its tools answer.
`langchain` is a retriever for LangChain. All of them call `indexer.index` and nothing below it.
"""
