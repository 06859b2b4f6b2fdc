"""The articles that a search is kept to by its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from indexer.engine.filters import passing
from indexer.engine.moments import NO_MOMENT
from indexer.engine.postings import Ids
from indexer.engine.snapshot import Snapshot


def kept_to(snapshot: Snapshot, wanted: Mapping[str, Sequence[str]], *, undated: bool) -> Ids:
    """The articles, ascending, that have one of the wanted values of each label that values are wanted of.

    With `undated`, only those without a date. See `passing` for what fits a value.
    """
    kept = np.ones(snapshot.articles, np.bool_)
    if undated:
        kept &= snapshot.begins == NO_MOMENT
    for name, values in wanted.items():
        fits = np.zeros(snapshot.articles, np.bool_)
        names, codes = snapshot.labels(name)
        for value in values:
            if name == "source" and value in names:
                # A source as facets name it is that one, also where others end in the same way.
                fits |= codes == names.index(value)
            else:
                fits[passing(snapshot, name, value)] = True
        kept &= fits
    return np.flatnonzero(kept).astype(np.int32)
