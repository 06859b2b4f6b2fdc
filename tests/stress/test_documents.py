"""The short form of the proof that no document takes too much, or shows what a browser does not."""

from __future__ import annotations

import random

import pytest

from tests.stress import documents
from tests.stress.archive import Unavailable


def test_no_document_takes_too_much_or_shows_what_a_browser_does_not() -> None:
    try:
        figures = documents.run(60, random.Random(4))
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert "60 documents" in figures
    assert "no word that Chromium does not show" in figures
