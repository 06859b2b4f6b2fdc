"""How well the ranking answers the judged collections.

python -m tests.evaluation.ranking --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from indexer.config import Config
from tests.evaluation.collection import DATA, evaluate

# What a good BM25 with Snowball stems (k1 1.2, b 0.75) reaches.
PLAIN = {"cranfield": 0.524, "cisi": 0.381, "cacm": 0.499, "scifact": 0.679}
# Slightly below the measured nDCG@10, which must not fall below it. See tests/tuning/TUNING.md.
FLOOR = {"cranfield": 0.549, "cisi": 0.417, "cacm": 0.537, "scifact": 0.699}


def main(arguments: list[str] | None = None) -> int:
    """Print the measures of each collection; with --check, 1 when one falls below its floor."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.ranking", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of collections")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--check", action="store_true", help="fail when a figure falls below its floor")
    chosen = parser.parse_args(arguments)
    found: dict[str, dict[str, float]] = {}
    for name in FLOOR:
        folder = chosen.data / "ir" / name
        found[name] = evaluate(
            Config(), folder / "docs.jsonl", folder / "queries.jsonl", folder / "qrels.tsv"
        )
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        print(f"{'collection':<12} nDCG@10    plain    floor      MRR   recall@100")
        for name, figures in found.items():
            print(
                f"{name:<12} {figures['ndcg@10']:7.4f}  {PLAIN[name]:7.3f}  {FLOOR[name]:7.3f}  "
                f"{figures['mrr']:7.4f}  {figures['recall@100']:7.4f}"
            )
        mean = sum(figures["ndcg@10"] for figures in found.values()) / len(found)
        print(f"{'mean':<12} {mean:7.4f}  {sum(PLAIN.values()) / len(PLAIN):7.4f}")
    low = [name for name, figures in found.items() if figures["ndcg@10"] < FLOOR[name]]
    if chosen.check and low:
        print(f"below the floor: {', '.join(low)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
