"""python -m tests.stress NAME [--rounds N] [--seed N]: a proof in its long form, its figures in one line.

Exit code 1 at the first thing lost, which is said with the seed that brings it back.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from tests.stress.archive import Lost, Unavailable


class Proof(Protocol):
    """A module of this package that is a proof: its first line says what it shows."""

    __doc__: str | None
    ROUNDS: int
    """How many rounds the long form has."""

    def run(self, rounds: int, chance: random.Random) -> str:
        """Go through so many rounds; returns the figures in one line, raises Lost (or Unavailable)."""
        ...


def proofs() -> dict[str, Proof]:
    """Every proof by its name."""
    found = {}
    for name in sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if not name.startswith("__"):
            module = importlib.import_module(f"tests.stress.{name}")
            if hasattr(module, "run") and hasattr(module, "ROUNDS"):
                found[name] = cast(Proof, module)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen proofs; 1 when one failed."""
    known = proofs()
    names = "\n".join(
        f"  {name:<12} {first(proof)} ({proof.ROUNDS:,} rounds)" for name, proof in known.items()
    )
    parser = argparse.ArgumentParser(
        "python -m tests.stress", epilog=names, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=[*known, "all"], metavar="NAME", help="a proof, or all")
    parser.add_argument("--rounds", type=int, help="how many rounds instead of those of the long form")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="what chance begins with")
    chosen = parser.parse_args(arguments)
    code = 0
    for name in known if "all" in chosen.names else chosen.names:
        began = time.perf_counter()
        rounds = chosen.rounds or known[name].ROUNDS
        try:
            figures = known[name].run(rounds, random.Random(chosen.seed))
        except Unavailable as reason:
            figures = f"not to be had here: {reason}"
        except Lost as lost:
            figures, code = f"FAILED: {lost}", 1
        print(f"{name}: {figures} [--seed {chosen.seed}, {time.perf_counter() - began:.0f} s]", flush=True)
    return code


def first(proof: Proof) -> str:
    """The first line of what a proof says of itself."""
    return (proof.__doc__ or "").partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
