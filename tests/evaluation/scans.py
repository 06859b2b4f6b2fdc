"""PDFs as a scanner and an OCR program make them, to measure how well their text is extracted.

python -m tests.evaluation.scans FOLDER OUT: each PDF of the folder is printed, laid on the glass a bit askew,
and read by Tesseract, which puts the words that it sees, invisibly, over the picture. NAME.txt beside a PDF,
the text that it shows, is copied, so that `tests.evaluation.extraction` measures the folder OUT. Documents
take turns with the kinds of scans in `SCANS`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from PIL import Image
from pypdfium2 import PdfDocument


@dataclass(frozen=True)
class Scan:
    """A way to scan: dots an inch, how far sheets are off their place, percent of dots that are dust.

    Each sheet is turned by up to `skew` degrees, and moved by up to `shift` points across and along.
    """

    dpi: int
    skew: float = 0.0
    shift: float = 0.0
    dust: float = 0.0


SCANS = (
    Scan(300),
    Scan(300, skew=1.0, shift=6),
    Scan(200, skew=0.6, shift=6, dust=0.1),
    Scan(250, skew=0.3, shift=3, dust=0.2),
)


def scan_folder(folder: Path, target: Path, languages: str, scans: Sequence[Scan] = SCANS) -> int:
    """Scan the PDFs of a folder into another one; return how many there are."""
    target.mkdir(parents=True, exist_ok=True)
    paths = sorted(folder.glob("*.pdf"))
    for path, scan in zip(paths, cycle(scans), strict=False):
        scan_file(path, target / path.name, scan, languages)
        if (truth := path.with_suffix(".txt")).is_file():
            shutil.copy(truth, target)
    return len(paths)


def scan_file(path: Path, target: Path, scan: Scan, languages: str = "eng") -> None:
    """Scan a PDF and write what OCR makes of it. `languages` are Tesseract's names with "+" between them."""
    randomness = random.Random(path.name)
    with tempfile.TemporaryDirectory() as folder:
        names = []
        with PdfDocument(path) as pdf:
            for number, page in enumerate(pdf):
                names.append(f"{folder}/{number}.png")
                _scan_sheet(page.render(scale=scan.dpi / 72, grayscale=True).to_pil(), scan, randomness).save(
                    names[-1], dpi=(scan.dpi, scan.dpi)
                )
        sheets = Path(folder, "sheets.txt")
        sheets.write_text("\n".join(names))
        command = ["tesseract", str(sheets), str(target.with_suffix("")), "-l", languages, "pdf"]
        subprocess.run(command, check=True, capture_output=True)


def _scan_sheet(sheet: Image.Image, scan: Scan, randomness: random.Random) -> Image.Image:
    """Return the picture of a sheet that is a bit askew, with dust on the glass."""
    angle = scan.skew * randomness.uniform(-1, 1)
    most = round(scan.shift * scan.dpi / 72)
    shift = randomness.randint(-most, most), randomness.randint(-most, most)
    sheet = sheet.rotate(angle, Image.Resampling.BICUBIC, translate=shift, fillcolor=250)
    for _ in range(int(sheet.width * sheet.height * scan.dust / 100)):
        place = randomness.randrange(sheet.width), randomness.randrange(sheet.height)
        sheet.putpixel(place, randomness.randrange(100, 255))
    return sheet


def main() -> None:
    """Be the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.scans", description=__doc__)
    parser.add_argument("folder", type=Path, help="PDFs, and their text beside them")
    parser.add_argument("target", type=Path, help="the folder for the scans")
    parser.add_argument("--languages", default="eng", help="of the text, as Tesseract names them: eng+deu")
    chosen = parser.parse_args()
    print(f"{scan_folder(chosen.folder, chosen.target, chosen.languages)} scans in {chosen.target}")


if __name__ == "__main__":
    main()
