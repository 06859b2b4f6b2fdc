"""Articles to integers: what a segment is made of, without an object for a posting.

Each distinct surface of the text is analysed once and becomes the number of its form, a (stem, word) pair; a
text becomes the numbers of its forms. Gathering needs no index, so it can be done in another process.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from indexer.analysis import Analyzer, analyzer, fold, is_unspaced
from indexer.engine.moments import NO_MOMENT, moment
from indexer.engine.record import encode_article
from indexer.model import Article, anchor_hashes


@dataclass(slots=True)
class Chunk:
    """Some articles as flat arrays, in the order in which they were given.

    `forms` are the forms that came up for the first time; they are numbered on from those of the chunks
    before. `titles` and `texts` are form numbers, one after the other; `title_terms` says how many there are
    of each article, `text_terms` of each paragraph. `counts` are paragraphs of each article.
    """

    forms: list[tuple[str, str]] = field(default_factory=list)
    titles: array[int] = field(default_factory=lambda: array("i"))
    title_terms: array[int] = field(default_factory=lambda: array("i"))
    texts: array[int] = field(default_factory=lambda: array("i"))
    text_terms: array[int] = field(default_factory=lambda: array("i"))
    counts: array[int] = field(default_factory=lambda: array("i"))
    anchors: array[int] = field(default_factory=lambda: array("I"))
    begins: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    title_keys: array[int] = field(default_factory=lambda: array("Q"))
    ids: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)
    size: int = 0
    """Bytes of stored text."""

    def only(self, wanted: Sequence[bool]) -> Chunk:
        """The chunk without the articles that are not wanted; its forms stay, for others count on them."""
        if all(wanted):
            return self
        kept = Chunk(forms=self.forms)
        title = text = document = item = 0
        for place, is_wanted in enumerate(wanted):
            count = self.counts[place]
            terms = sum(self.text_terms[document : document + count])
            if is_wanted:
                kept.titles += self.titles[title : title + self.title_terms[place]]
                kept.texts += self.texts[text : text + terms]
                kept.text_terms += self.text_terms[document : document + count]
                kept.anchors += self.anchors[document : document + count]
                kept.items += self.items[item : item + 1 + count]
                for name in ("title_terms", "counts", "begins", "ends", "title_keys", "ids", "languages"):
                    getattr(kept, name).append(getattr(self, name)[place])
            title += self.title_terms[place]
            text += terms
            document += count
            item += 1 + count
        kept.size = sum(map(len, kept.items))
        return kept


class Gatherer:
    """Turns articles into chunks; keeps the numbers of the forms from one chunk to the next."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._forms: dict[tuple[str, str], int] = {}
        self._surfaces: dict[str, _Numbers] = {}
        self._chunk = Chunk()

    @property
    def size(self) -> int:
        """Bytes of text since the last chunk was taken."""
        return self._chunk.size

    def add(self, article: Article, items: list[bytes] | None = None) -> None:
        """Add an article (`items`: as encoded already)."""
        chunk = self._chunk
        language = article.language or self._language
        numbers = self._surfaces.get(language)
        if numbers is None:
            numbers = self._surfaces[language] = _Numbers(analyzer(language), self._number)
        before = len(chunk.titles)
        chunk.titles.extend(numbers.of(article.title))
        chunk.title_terms.append(len(chunk.titles) - before)
        for text in article.paragraphs:
            found = numbers.of(text)
            chunk.texts.extend(found)
            chunk.text_terms.append(len(found))
        chunk.counts.append(len(article.paragraphs))
        chunk.anchors.extend(anchor_hashes(article.paragraphs))
        published = article.published
        chunk.begins.append(moment(published.start) if published else NO_MOMENT)
        chunk.ends.append(moment(published.end) if published else NO_MOMENT)
        chunk.title_keys.append(int.from_bytes(fold(article.title).encode()[:8].ljust(8, b"\0")))
        chunk.ids.append(article.id)
        chunk.languages.append(language)
        items = items or encode_article(article)
        chunk.items += items
        chunk.size += sum(map(len, items))

    def take(self) -> Chunk:
        """What was added since the last time."""
        chunk, self._chunk = self._chunk, Chunk()
        return chunk

    def _number(self, stem: str, word: str) -> int:
        form = (stem, word)
        number = self._forms.get(form)
        if number is None:
            number = self._forms[form] = len(self._forms)
            self._chunk.forms.append(form)
        return number


class _Numbers:
    """The form's number of each surface of a language, found once."""

    def __init__(self, words: Analyzer, number: Callable[[str, str], int]) -> None:
        self._words = words
        self._number = number
        self._known: dict[str, int] = {}

    def of(self, text: str) -> array[int]:
        """The numbers of a text's forms."""
        surfaces = self._words.surfaces(text)
        known = self._known
        try:
            # A surface without a number gives None, which an array refuses: the one check for all of them.
            return array("i", map(known.get, surfaces))  # type: ignore[arg-type]
        except TypeError:
            several = self._learn([surface for surface in surfaces if surface not in known])
        if not several:
            return array("i", map(known.__getitem__, surfaces))
        found = array("i")
        for surface in surfaces:
            found.extend(several[surface] if surface in several else (known[surface],))
        return found

    def _learn(self, surfaces: list[str]) -> dict[str, list[int]]:
        """Number what is new; returns the surfaces that are several words, or none."""
        several = {}
        for surface in surfaces:
            numbers = [*map(self._number, *self._words.forms_of(surface))]
            # A run of Chinese rarely comes twice: it is not worth keeping.
            if len(numbers) == 1 and not is_unspaced(surface):
                self._known[surface] = numbers[0]
            else:
                several[surface] = numbers
        return several
