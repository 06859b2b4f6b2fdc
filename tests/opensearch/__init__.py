"""A real OpenSearch for the tests: nodes of it on this machine, without a distribution.

`node/` has the Maven project whose jars are the server, and the main class that starts one node. `server.py`
builds that once for each version, starts one node or a cluster of some, kills nodes and starts them again:
begin there. `network.py` gives each node a host of its own, which can be cut off from the others. The fixture
`opensearch` in `tests/conftest.py` is one node, in each version in turn.
"""
