"""The README's pictures show a page, from top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.screenshots import ADDRESSES, PICTURES, SCHEMES, WIDTHS

BANDS = 5
# The background takes up to 0.975 of a part with text, and all of an empty one.
MOST_OF_ONE_COLOUR = 0.99


def shares(picture: Image.Image) -> list[float]:
    """The share of the most common colour in each of the bands of a picture, from top to bottom."""
    found = []
    for band in range(BANDS):
        top, bottom = (picture.height * edge // BANDS for edge in (band, band + 1))
        part = picture.crop((0, top, picture.width, bottom))
        counts = part.getcolors(maxcolors=part.width * part.height) or []
        found.append(max(count for count, _ in counts) / (part.width * part.height))
    return found


def test_every_picture_is_there_and_no_other() -> None:
    names = {f"{state}-{width}-{scheme}" for state in ADDRESSES for width in WIDTHS for scheme in SCHEMES}
    assert {path.stem for path in PICTURES.glob("*.png")} == names


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.png")), ids=lambda path: path.stem)
def test_no_part_of_a_picture_is_mostly_one_colour(path: Path) -> None:
    with Image.open(path) as picture:
        assert max(shares(picture.convert("RGB"))) < MOST_OF_ONE_COLOUR


def test_a_picture_with_an_empty_part_is_refused() -> None:
    picture = Image.effect_noise((100, 100), 64)
    assert max(shares(picture)) < MOST_OF_ONE_COLOUR
    picture.paste(255, (0, 40, 100, 60))
    assert max(shares(picture)) >= MOST_OF_ONE_COLOUR
