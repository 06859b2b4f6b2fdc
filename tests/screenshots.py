"""The README's pictures, taken of the sample articles: `python -m tests.screenshots`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

import webui
from indexer import open_index
from tests.fixtures.browser import launch
from tests.fixtures.serving import serving

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / ".readme"
MOST_BYTES = 200_000
NIGHT: dict[str, Any] = {"color_scheme": "dark"}
PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 720}, "device_scale_factor": 2}


def main() -> None:
    """Index the sample articles, serve them, and take a picture of each state."""
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder, "index")) as index:
        index.sync(ROOT / "seeds")
        with serving(webui.create_app(index)) as address, launch() as browser:
            take(browser, "search", f"{address}?q=harbour")
            take(browser, "dark", f"{address}?q=harbour", **NIGHT)
            take(browser, "narrow", f"{address}?q=harbour+crane", **PHONE)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{address}?q=harbour+readings")
            page.locator(".passages a").first.click()
            save(page, "article")


def take(browser: Browser, name: str, address: str, **options: Any) -> None:
    """A picture of the page at an address."""
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **options})
    page.goto(address)
    # Seconds and milliseconds differ from run to run; a picture that stays the same need not be kept twice.
    page.locator(".took").evaluate("element => { element.textContent = '1.5 ms' }")
    save(page, name)


def save(page: Page, name: str) -> None:
    """Write a picture, which must not weigh the repository down."""
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{path}: must have at most {MOST_BYTES:,} bytes")
    page.close()


if __name__ == "__main__":
    main()
