"""Each stress test in its short form: few rounds from one seed, and what its line of figures must say."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pytest

from tests.stress import hostile, poison
from tests.stress.__main__ import stress_tests
from tests.stress.archive import Unavailable

_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through inotify and /proc")
SHORT_FORMS = [
    # name, rounds, seed, patterns that the figures match
    pytest.param("containers", 1, 2, ["^([^;]*; ){7}[^;]*$", "a.json of 1.0 MB, .* worker"], marks=_LINUX),
    pytest.param("corruption", 150, 3, ["none silently wrong"]),
    pytest.param("death", 5, 6, ["^5 patterns, the longest"]),
    pytest.param(
        "documents",
        60,
        4,
        ["60 documents", "no word that Chromium does not show"],
        marks=pytest.mark.browser,
    ),
    pytest.param("full", 8, 6, ["nothing lost"]),
    pytest.param("fuzz", 3_000, 6, ["^3,000 queries, no exception: 30 searched"]),
    pytest.param("hostile", len(hostile.PLACES), 1, ["none ran"], marks=pytest.mark.browser),
    pytest.param("kill", 6, 6, ["nothing lost"], marks=_LINUX),
    pytest.param("largest", 1, 2, ["^([^;]*; ){33}[^;]*$", "a.html.gz of 1.0 MB: writer"]),
    pytest.param("model", 8, 6, ["each equals its dict"]),
    pytest.param("poison", len(poison.BAD), 3, ["bad files, each skipped and named"]),
    pytest.param("power", 2, 6, ["nothing lost"]),
    pytest.param("resources", 300, 1, ["opened and closed"]),
    pytest.param("senseless", 60, 7, ["none believed"]),
    pytest.param("slow", 18, 6, ["10 senders, 10 cut off.*18 senders, 18 cut off.*10 readers"]),
    pytest.param("soak", 300, 6, ["0 errors"], marks=_LINUX),
    pytest.param("syscalls", 12, 6, ["nothing lost"]),
]


CLUSTER_FORMS = [
    ("opensearch_nodes", 1, 1, ["^2.19.6: 1 nodes killed, nothing lost: committed .* all whole"]),
    ("opensearch_nodes", 1, 5, ["^3.9.0: 1 nodes killed, nothing lost: committed .* all whole"]),
    ("opensearch_partition", 1, 1, ["^2.19.6: 1 partitions, nothing lost: .*on the side of two"]),
    ("opensearch_partition", 1, 5, ["^3.9.0: 1 partitions, nothing lost: .*on the side of two"]),
    ("opensearch_writer", 3, 1, ["^2.19.6: 3 writers, nothing lost: .* all whole"]),
    ("opensearch_writer", 3, 5, ["^3.9.0: 3 writers, nothing lost: .* all whole"]),
]
"""The same of those that need OpenSearch: each in both versions, which the seed chooses."""


def test_every_stress_test_has_a_short_form() -> None:
    forms = {str(form.values[0]) for form in SHORT_FORMS} | {str(form[0]) for form in CLUSTER_FORMS}
    assert sorted(forms) == list(stress_tests())


@pytest.mark.stress
@pytest.mark.parametrize(("name", "rounds", "seed", "patterns"), SHORT_FORMS)
def test_short_form_passes(name: str, rounds: int, seed: int, patterns: list[str], tmp_path: Path) -> None:
    check_short_form(name, rounds, seed, patterns, tmp_path)


@pytest.mark.opensearch
@pytest.mark.parametrize(("name", "rounds", "seed", "patterns"), CLUSTER_FORMS)
def test_short_form_on_a_cluster_passes(
    name: str, rounds: int, seed: int, patterns: list[str], tmp_path: Path
) -> None:
    check_short_form(name, rounds, seed, patterns, tmp_path)


def check_short_form(name: str, rounds: int, seed: int, patterns: list[str], folder: Path) -> None:
    """Run a stress test, and compare its figures with patterns."""
    try:
        figures = stress_tests()[name].run(rounds, random.Random(seed), folder)
    except Unavailable as reason:
        pytest.skip(str(reason))
    for pattern in patterns:
        assert re.search(pattern, figures, re.DOTALL), figures
