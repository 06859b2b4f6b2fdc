"""The README's pictures of the sample articles: `python -m tests.screenshots`.

Each state of the page is taken at two widths, light and dark. Look at them before you commit them.
"""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path
from typing import Literal

import webui
from indexer import open_index
from tests.fixtures.browser import launch
from tests.fixtures.serving import serving

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / ".readme"
ADDRESSES = {"results": "?q=harbour"}
# Side by side in the README, both are equally high.
WIDTHS = {"wide": (1280, 800), "narrow": (360, 756)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MOST_BYTES = 250_000


def main() -> None:
    """Index the sample articles, serve them, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder, "index")) as index:
        index.sync(ROOT / "seeds")
        with serving(webui.create_app(index)) as address, launch() as browser:
            for (state, query), (width, size), scheme in product(ADDRESSES.items(), WIDTHS.items(), SCHEMES):
                page = browser.new_page(
                    viewport={"width": size[0], "height": size[1]},
                    device_scale_factor=2 if width == "narrow" else 1,
                    color_scheme=scheme,
                )
                # On a narrow page the form fills the first screen: the picture begins with the results.
                page.goto(address + query + ("#content" if width == "narrow" else ""))
                # The time differs from run to run; a picture that stays the same need not be kept twice.
                page.locator(".took").evaluate("element => { element.textContent = '1.5 ms' }")
                path = PICTURES / f"{state}-{width}-{scheme}.png"
                page.screenshot(path=path)
                page.close()
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
                if path.stat().st_size > MOST_BYTES:
                    raise SystemExit(f"{path}: must have at most {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
