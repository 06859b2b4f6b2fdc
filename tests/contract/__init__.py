"""The tests that every engine must pass, through the public API alone.

`archive.py` holds a small invented archive, which is indexed once a session. `engines.py` says how an index
of each engine is made and opened, and every test runs once for each. `answers.py` is the only place that
knows the names of arguments and attributes where they differ from the words of the tests. The `test_*.py`
files are tables of queries and the articles that they find, and properties that hold for any query: begin
reading at `test_queries.py`.

No test expects an exact score, since two engines may score differently. Tests expect the ids of the matching
articles, their order where it is defined, and spans, counts and dates.

`python -m pytest tests/contract` runs them with the index in a folder, with `-m opensearch` on a cluster of
one node, and with `-m three_nodes` on a cluster of three, where the articles are in three shards with a
replica each. `-k 3.9.0` chooses one of the versions.

A test that an engine cannot pass is marked `@pytest.mark.differs(NAME="reason")`, on the test or on a row of
its table. It is then expected to fail for that engine, and is an error once it passes.
"""
