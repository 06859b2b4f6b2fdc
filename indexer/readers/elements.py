"""The elements of HTML by what their tags do to others (HTML standard, sections 13.2.4 and 13.2.6)."""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """The words of a text, as names of elements."""
    return frozenset(text.split())


VOID = names(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr"
)
# These are opened again where an element that they lie in ended before them.
FORMATTING = names("a b big code em font i nobr s small strike strong tt u")
HEADINGS = names("h1 h2 h3 h4 h5 h6")
# A paragraph ends where one of these begins, and an end tag of theirs ends what is in them.
BLOCKS = names("""
    address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer header
    hgroup listing main menu nav ol pre search section summary ul""")
ENDS_PARAGRAPH = BLOCKS | HEADINGS | names("p form li dd dt plaintext table hr xmp")
OPENS_NOTHING_AGAIN = ENDS_PARAGRAPH | names("""
    base basefont bgsound caption col colgroup link meta param rb rp rt rtc source tbody td template tfoot th
    thead tr track""")
SCOPED = BLOCKS | HEADINGS | names("applet button dd dt li marquee object p select")
# None of these is looked beyond for an element to end ("special" in the standard).
SPECIAL = (
    BLOCKS
    | HEADINGS
    | names("""
    applet body button caption colgroup dd dt form frameset head html iframe li marquee noembed noframes
    noscript object p plaintext script select style table tbody td template textarea tfoot th thead title tr
    xmp""")
)
# But these, for an item of a list.
SEEN_THROUGH = names("address div p")
SCOPE = names("applet caption html table td th marquee object select template")
# What is opened in these is not opened again outside.
MARKING = names("applet caption td th marquee object template")
TABLE_BODIES = names("tbody tfoot thead")
CELLS = names("td th")
TABLE_PARTS = TABLE_BODIES | CELLS | names("caption col colgroup table tr")
ONCE = names("body frameset head html")
POINTS = {"svg": names("foreignobject desc title"), "math": names("mi mo mn ms mtext")}
# Before any other tag, these say nothing about what a template is for. (To the standard base, basefont,
# bgsound, noframes and title are among them, to Chromium they are not.)
SAYS_NOTHING = names("link meta script style template")
# Their names have capitals in SVG, and then Chromium takes their end tags for no element of HTML.
WITH_CAPITALS = names("""
    altglyph altglyphdef altglyphitem animatecolor animatemotion animatetransform clippath feblend
    fecolormatrix fecomponenttransfer fecomposite feconvolvematrix fediffuselighting fedisplacementmap
    fedistantlight fedropshadow feflood fefunca fefuncb fefuncg fefuncr fegaussianblur feimage femerge
    femergenode femorphology feoffset fepointlight fespecularlighting fespotlight fetile feturbulence
    foreignobject glyphref lineargradient radialgradient textpath""")
