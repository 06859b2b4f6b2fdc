"""python -m tests.stress NAME [--rounds N] [--seed N]: a stress test in its long form, figures in one line.

The exit code is 1 when anything was lost; the line then says what, and the seed that repeats it.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from tests.stress.archive import Lost, Unavailable


class StressTest(Protocol):
    """A module of this package with `ROUNDS` and `run`; its docstring's first line says what it tests."""

    __doc__: str | None
    ROUNDS: int
    """Rounds of the long form."""

    def run(self, rounds: int, chance: random.Random, folder: Path) -> str:
        """Run that many rounds, in an empty folder.

        Returns the figures in one line. Raises Lost on failure, Unavailable where the machine lacks a tool.
        """
        ...


def stress_tests() -> dict[str, StressTest]:
    """Every stress test by name, in alphabetical order."""
    found = {}
    for name in sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if not name.startswith("__"):
            module = importlib.import_module(f"tests.stress.{name}")
            if hasattr(module, "run") and hasattr(module, "ROUNDS"):
                found[name] = cast(StressTest, module)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen stress tests; returns 1 if one failed."""
    known = stress_tests()
    names = "\n".join(
        f"  {name:<12} {_summary(test)} ({test.ROUNDS:,} rounds)" for name, test in known.items()
    )
    parser = argparse.ArgumentParser(
        "python -m tests.stress", epilog=names, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="+", choices=[*known, "all"], metavar="NAME", help="a stress test, or all"
    )
    parser.add_argument("--rounds", type=int, help="rounds instead of those of the long form")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="seed of the random numbers")
    chosen = parser.parse_args(arguments)
    code = 0
    for name in known if "all" in chosen.names else chosen.names:
        began = time.perf_counter()
        rounds = chosen.rounds or known[name].ROUNDS
        try:
            with tempfile.TemporaryDirectory() as folder:
                figures = known[name].run(rounds, random.Random(chosen.seed), Path(folder).resolve())
        except Unavailable as reason:
            figures = f"unavailable here: {reason}"
        except Lost as lost:
            figures, code = f"FAILED: {lost}", 1
        print(f"{name}: {figures} [--seed {chosen.seed}, {time.perf_counter() - began:.0f} s]", flush=True)
    return code


def _summary(test: StressTest) -> str:
    """The first line of its docstring."""
    return (test.__doc__ or "").partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
