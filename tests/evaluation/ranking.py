"""How well the ranking answers the judged collections.

python -m tests.evaluation.ranking --data ../shared/data
"""

from __future__ import annotations

from pathlib import Path

from indexer.config import Config
from tests.evaluation.collection import evaluate, open_collection, run

# What a good BM25 with Snowball stems (k1 1.2, b 0.75) reaches.
PLAIN = {"cranfield": 0.524, "cisi": 0.381, "cacm": 0.499, "scifact": 0.679}
# Slightly below the measured nDCG@10, which must not fall below it. See tests/tuning/TUNING.md.
FLOOR = {"cranfield": 0.550, "cisi": 0.420, "cacm": 0.540, "scifact": 0.707}


# How much nDCG@10 may fall when all the questions are in capitals.
MAX_FALL = 0.005


def measure(data: Path) -> list[str]:
    """Print the measures of each collection; returns those below their floor."""
    found, capitals = {}, {}
    for name in FLOOR:
        folder = data / "ir" / name
        with open_collection(Config(), folder) as index:
            found[name] = evaluate(index, folder)
            capitals[name] = evaluate(index, folder, str.upper)["ndcg@10"]
    print(f"{'collection':<12} nDCG@10    plain    floor      MRR   recall@100   nDCG@10 in capitals")
    for name, figures in found.items():
        print(
            f"{name:<12} {figures['ndcg@10']:7.4f}  {PLAIN[name]:7.3f}  {FLOOR[name]:7.3f}  "
            f"{figures['mrr']:7.4f}  {figures['recall@100']:11.4f}  {capitals[name]:20.4f}"
        )
    mean = sum(figures["ndcg@10"] for figures in found.values()) / len(found)
    print(f"{'mean':<12} {mean:7.4f}  {sum(PLAIN.values()) / len(PLAIN):7.4f}")
    low = [name for name, figures in found.items() if figures["ndcg@10"] < FLOOR[name]]
    return low + [
        f"{name} in capitals"
        for name, figures in found.items()
        if capitals[name] < figures["ndcg@10"] - MAX_FALL
    ]


if __name__ == "__main__":
    run("ranking", __doc__, measure)
