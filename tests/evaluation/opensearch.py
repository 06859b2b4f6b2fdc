"""How well the ranking answers the judged collections through OpenSearch, beside the index in a folder.

python -m tests.evaluation.opensearch --data ../shared/data

Pages have ten hits, as readers see them: the best of the candidates that the cluster finds for such a page.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from indexer.config import Config
from tests.evaluation.collection import evaluate, open_collection, run
from tests.evaluation.ranking import FLOOR
from tests.opensearch.server import VERSIONS, start_cluster

MAX_DIFFERENCE = 0.01
"""How far nDCG@10 may be from that of the index in a folder."""
_DEPTH = 10


def measure(data: Path) -> list[str]:
    """Print nDCG@10 of each collection; returns those that are too far from the index in a folder."""
    version = next(iter(VERSIONS))
    far = []
    print(f"nDCG@10        in a folder   OpenSearch {version}")
    with (
        tempfile.TemporaryDirectory() as place,
        start_cluster(Path(place), version, heap="1g", options=()) as cluster,
    ):
        for name in FLOOR:
            folder = data / "ir" / name
            address = f"opensearch+{cluster.urls[0]}/{name}"
            found = []
            for where in (None, address):
                with open_collection(Config(), folder, where=where) as index:
                    found.append(evaluate(index, folder, depth=_DEPTH)["ndcg@10"])
            print(f"{name:<12} {found[0]:13.4f}   {found[1]:17.4f}", flush=True)
            if abs(found[1] - found[0]) > MAX_DIFFERENCE:
                far.append(name)
    return far


if __name__ == "__main__":
    run("opensearch", __doc__, measure)
