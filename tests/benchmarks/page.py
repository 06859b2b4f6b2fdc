"""How long a reader waits: `python -m tests.benchmarks.page INDEX QUERY …`, in a real browser.

Told are, for a keystroke, the milliseconds from the key to the results on the page, beyond the pause after
which is asked (median and 95th percentile); and the largest contentful paint of a page of results with the
processor slowed down four times.
"""

from __future__ import annotations

import statistics
import sys
from typing import Any

from playwright.sync_api import CDPSession, Page

import webui
from indexer import open_index
from tests.fixtures.browser import launch
from tests.fixtures.serving import serving

PAUSE = 150
ROUNDS = 5
QUERIES = ("oil price", "trade deficit", "bank of england", "wheat exports", "interest rates", "gold mine")

# Runs in the page: one key, and the time until the results that it asked for can be painted.
KEYSTROKE = """async (text) => {
  const box = document.querySelector("#q"), main = document.querySelector("main");
  box.focus();
  const began = performance.now();
  box.value = text;
  box.dispatchEvent(new InputEvent("input", {bubbles: true}));
  await new Promise((done) => {
    const watch = new MutationObserver(() => {
      if (main.querySelector("h1 q")?.textContent === text) { watch.disconnect(); done(); }
    });
    watch.observe(main, {childList: true});
  });
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""
PAINT = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
    .observe({type: "largest-contentful-paint", buffered: true});
})"""


def keystrokes(page: Page, address: str, queries: tuple[str, ...]) -> list[float]:
    """Milliseconds beyond the pause, for every prefix of three characters and more of each query."""
    page.goto(address)
    waits = []
    for _ in range(ROUNDS):
        for query in queries:
            for end in range(3, len(query) + 1):
                if query[end - 1] != " ":
                    waits.append(float(page.evaluate(KEYSTROKE, query[:end])) - PAUSE)
    return waits


def paints(page: Page, session: CDPSession, address: str, queries: tuple[str, ...]) -> list[float]:
    """Milliseconds until the largest part of a page is painted, at a quarter of the processor's speed."""
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    times = []
    for _ in range(ROUNDS):
        for query in queries:
            page.goto(f"{address}?q={query.replace(' ', '+')}", wait_until="load")
            times.append(float(page.evaluate(PAINT)))
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return times


def summarize(times: list[float]) -> dict[str, Any]:
    """The median and the 95th percentile."""
    return {
        "median": round(statistics.median(times), 1),
        "p95": round(statistics.quantiles(times, n=20)[-1], 1),
        "measured": len(times),
    }


def main(index: str, *queries: str) -> None:
    """Measure with an index that is there."""
    with open_index(index) as opened, serving(webui.create_app(opened)) as address:
        print(f"{opened.get_status().paragraphs:,} paragraphs")
        with launch() as browser:
            page = browser.new_page()
            wanted = queries or QUERIES
            print("keystroke to results beyond the pause, ms:", summarize(keystrokes(page, address, wanted)))
            session = page.context.new_cdp_session(page)
            print(
                "largest contentful paint, 4x slower, ms:", summarize(paints(page, session, address, wanted))
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
