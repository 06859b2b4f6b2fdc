"""How a browser reads a page: the words that Chromium shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.fixtures.browser import ARGUMENTS, CHROMIUM
from tests.stress.archive import Unavailable

# Each page is written into a frame, by the parser that reads pages; scripts are on, as they are for readers.
_ASK = r"""
pages => pages.map(page => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const inner = frame.contentDocument;
  inner.open(); inner.write(page); inner.close();
  const hidden = new Set(["script", "style", "template", "noscript", "textarea", "iframe", "noembed",
    "noframes", "title"]);
  const shown = new Set();
  const walker = inner.createTreeWalker(inner, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.data.match(/zq\d+qz/g);
    if (!words) continue;
    let at = walker.currentNode.parentElement;
    while (at && at.namespaceURI === "http://www.w3.org/1999/xhtml" && !hidden.has(at.localName))
      at = at.parentElement;
    if (!at) words.forEach(word => shown.add(word));
  }
  // Two pieces of text that stand together on the screen are read as one word.
  const together = (inner.body?.innerText || "").match(/zq\d+qz/g) || [];
  // Which of several titles is the page's depends on where a table puts them.
  const titles = [...inner.querySelectorAll("title")].filter(title => !title.closest("svg, math"));
  const title = titles.map(title => title.text).join(" ").match(/zq\d+qz/g) || [];
  const tree = inner.documentElement ? inner.documentElement.outerHTML : "";
  frame.remove();
  return {shown: [...shown], together, title, tree};
})
"""


@dataclass(frozen=True)
class Seen:
    """The words of a page that a browser shows, those in its titles, and the tree that it made.

    `together` are words that it shows, too, whether they are one piece of text or several.
    """

    shown: frozenset[str]
    together: frozenset[str]
    title: frozenset[str]
    tree: str


class Oracle:
    """A browser that reads pages."""

    def __init__(self, tab: Any) -> None:
        self._tab = tab

    def ask(self, pages: Sequence[str]) -> list[Seen]:
        """The result for each page."""
        found: list[Seen] = []
        for start in range(0, len(pages), 50):
            for words in self._tab.evaluate(_ASK, list(pages[start : start + 50])):
                shown, together, title = (frozenset(words[name]) for name in ("shown", "together", "title"))
                found.append(Seen(shown, together, title, words["tree"]))
        return found


@contextmanager
def oracle() -> Iterator[Oracle]:
    """Chromium, without a network. Raises Unavailable if it is not installed."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise Unavailable("playwright is not installed") from error
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        except Error as error:
            raise Unavailable(f"no browser at {CHROMIUM}") from error
        context = browser.new_context(offline=True)
        tab = context.new_page()
        yield Oracle(tab)
        browser.close()
