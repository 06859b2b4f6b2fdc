"""Documents that coverage leads to: atheris changes pages until they take new ways through the readers.

python -m tests.stress.fuzzing FOLDER [libFuzzer's options]: what takes a new way is left in the folder.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from tests.stress import pages
from tests.stress.archive import ROOT, Lost, environment

_SEEDS = 40
_MOST_BYTES = 4000
NAMES = (
    *("a.html", "a.html", "a.html", "a.html", "a.xhtml", "a.md", "a.txt", "a.jsonl", "a.json", "a.csv"),
    *("a.eml", "a.mbox", "a.rtf", "a.warc"),
)


def guided(runs: int, chance: random.Random, folder: Path) -> list[bytes]:
    """Try so many documents; returns those that took new ways. None where atheris is not installed.

    The first byte of each stands for its name. Raises Lost when one ends in an exception, or takes more time
    or memory than a document may.
    """
    if find_spec("atheris") is None:
        return []
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir()
    words.write_text("\n".join(f'"{_escaped(mark)}"' for mark in pages.MARKS))
    for number in range(_SEEDS):
        text = pages.page(chance)[:_MOST_BYTES]
        (corpus / f"seed{number:03}").write_bytes(bytes([number % len(NAMES)]) + text.encode())
    command = [sys.executable, "-m", "tests.stress.fuzzing", str(corpus), f"-runs={runs}"]
    command += [f"-seed={chance.randrange(1, 2**31)}", f"-max_len={_MOST_BYTES}", f"-dict={words}"]
    command += ["-timeout=600", "-rss_limit_mb=0", f"-artifact_prefix={folder}/", "-verbosity=0"]
    ended = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment(), check=False)
    if ended.returncode:
        said = ended.stderr.decode("utf-8", "replace")[-2000:]
        raise Lost(f"a document that coverage led to ended its reader ({ended.returncode}): {said}")
    return [path.read_bytes() for path in sorted(corpus.iterdir())]


def main(arguments: list[str]) -> None:
    """Be the process that reads: ends with the process."""
    import atheris

    with atheris.instrument_imports(include=["indexer.readers"]):
        # Modules that are loaded at first use must be loaded here to be instrumented.
        import indexer.readers.csv
        import indexer.readers.html
        import indexer.readers.json
        import indexer.readers.jsonl
        import indexer.readers.mail
        import indexer.readers.markdown
        import indexer.readers.rtf
        import indexer.readers.text
        import indexer.readers.warc  # noqa: F401
        from indexer.readers import ReadOptions, read
    from indexer.errors import InvalidArticle, UnreadableDocument
    from indexer.sync import worker

    options = ReadOptions(max_bytes=2**20)

    def one(data: bytes) -> None:
        if data:
            worker.limit_process(len(data), is_plain=False)
            try:
                list(read(BytesIO(data[1:]), NAMES[data[0] % len(NAMES)], "a", options))
            except (UnreadableDocument, InvalidArticle):
                pass
            worker.lift_time_limit()

    atheris.Setup([sys.argv[0], *arguments], one)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    atheris.Fuzz()


def _escaped(mark: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in mark.encode())


if __name__ == "__main__":
    main(sys.argv[1:])
