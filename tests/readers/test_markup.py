"""Which text of a page a browser shows, by the HTML standard: no scripts, comments or SVG, for example."""

from __future__ import annotations

import pytest

from indexer.readers.markup import extract_blocks, parse_visible


def text(page: str, *, is_xml: bool = False) -> str:
    """The text of a page's body that is shown, in the order of the document."""
    body = parse_visible(page, is_xml=is_xml).body
    return body.text() if body else ""


def markup(page: str) -> str:
    return parse_visible(page).html or ""


@pytest.mark.parametrize(
    ("page", "left"),
    [
        ("a<script>x</script>b", "ab"),
        ("a<SCRIPT\nsrc=x>x</sCript >b", "ab"),
        ("a<script>x</script foo='>'>b", "ab"),
        ("a<script>x</scripty>x</script/>b", "ab"),
        ("a<script>'<!--' x</script>b", "ab"),
        ("a<script><!-- <script>x</script>x --></script>b", "ab"),
        ("a<script><!-- <script>x</script>x</script>b", "ab"),
        ("a<script><!--> <script>x</script>b", "ab"),
        ("a<script><!-- <!--> <script>x</script>b", "ab"),
        ("a<script>x", "a"),
        ("a<style><b>x</b></style><noscript><p>x</noscript><iframe>x</iframe>b", "ab"),
        ("a<textarea></p>x</textarea>b<noembed>x</noembed><noframes>x</noframes>c", "abc"),
        ("a<template><p>x<template>x</template>x</template>b", "ab"),
        ("<table><template><tr><td>x</template><tr><td>b", "b"),
        ("a<template><script></template></script>x</template>b", "ab"),
        ("a<textarea><script></textarea>b", "ab"),
        ("a<template><col><script></template>b", "ab"),
        ("a<template><style></style><col><script></template>b", "ab"),
        ("a<template><x-y><tr></x-y><svg></x-y></svg></template>b", "ab"),
        ("a<xmp><p>b</xmp>c", "a<p>bc"),
        ("a<plaintext><p>b</plaintext>", "a<p>b</plaintext>"),
    ],
)
def test_an_element_that_is_not_shown_ends_where_its_own_end_tag_is(page: str, left: str) -> None:
    assert text(page) == left


@pytest.mark.parametrize(
    ("page", "left"),
    [
        ("a<!-- x -->b", "ab"),
        ("a<!-->b<!--->c", "abc"),
        ("a<!--x--!>b<!--x--->c<!--<!-->d", "abcd"),
        ("a<!-- <script> -->b", "ab"),
        ("a<!-- x -- > x", "a"),
        ("a<!x>b<?x ?>c</ x>d</>e", "abcde"),
        ("a<![CDATA[x>b]]>", "ab]]>"),
        ("a < b <3 </", "a < b <3 </"),
        ("a<p title='<script>'>b</p>c", "abc"),
        ('a<p title="x>x" id=\'">\' class=y>b', "ab"),
        ("a<p =x >b<p a=>c<p a='x'b=\"x>x\"/c>d", "abcd"),
        ("a<p title='x", "a"),
        ("a</td b='>'=''<svg />b", "ab"),
        ("a<svg><desc><![CDATA[ x >]]></desc></svg>b", "ab"),
        ("a<p \x01title='x>x'>b<scr\x01ipt>c", "abc"),
    ],
)  # fmt: skip
def test_comments_and_tags_end_where_the_standard_says(page: str, left: str) -> None:
    assert text(page) == left


@pytest.mark.parametrize(
    ("page", "left"),
    [
        ("a<svg><text>x</text></svg>b<math><mi>x</mi></math>c", "abc"),
        ("a<svg/>b<math />c", "abc"),
        ("a<svg><style><!-- </svg> --></style></svg>b", "ab"),
        ("a<svg><style></svg>b", "ab"),
        ("a<svg><script>x</svg>b", "ab"),
        ("a<svg><![CDATA[</svg>]]>x</svg>b", "ab"),
        ("a<svg><g><p>b", "ab"),
        ("a<svg><style><p>b</style>c", "abc"),
        ("a<svg><font size=1>b", "ab"),
        ("a<svg><font>x</svg>b", "ab"),
        ("a<svg></br>b<svg></p>c", "abc"),
        ("a<svg><foreignObject><style></svg></style></foreignObject></svg>b", "ab"),
        ("a<svg><foreignObject><div></svg>x</div></foreignObject></svg>b", "ab"),
        ("a<svg><title><p>x</title>x</p></title></svg>b", "ab"),
        ("a<svg><mi><style></svg>b", "ab"),
        ("a<math><mi><style></math></style></mi></math>b", "ab"),
        ("a<math><desc><style></math>b", "ab"),
        ("a<math><annotation-xml encoding='text/HTML'><p>x</p></annotation-xml></math>b", "ab"),
        ("a<math><annotation-xml><p>b", "ab"),
        ("a<math><annotation-xml><svg><desc><p>x</p></desc></svg></annotation-xml></math>b", "ab"),
        ("<div>a<svg><g></div>b", "ab"),
        ("<mi>a<svg></mi>b", "ab"),
        ("a<svg></div>x</svg>b", "ab"),
        ("<mi><div>a<svg></mi>x</svg>b", "ab"),
        ("<div><table><tr><td>a<svg></div>x</svg>b", "ab"),
        ("<table><tr><td>a<svg><foreignObject><p></td>b", "ba"),
        ("<body><svg></body>x</svg>b", "b"),
        ("<template><svg></template>b", "b"),
        ("<p><b></p>a<svg></b>b", "ab"),
        ("<b><p>a<template><td></template><math></b>x</math>b", "ab"),
        ("<table><td><b>a<svg><desc><object><i><td>b<svg></i>x</svg>c", "abc"),
        ("a<svg><desc><math></desc></svg>b", "ab"),
        ("<template><form><math></form></template>b", "b"),
        ("a<math><mi><form><svg></form></math>b", "ab"),
        ("a<math><mi><table><b></table><template></template></math>b", "ab"),
        ("<template><td><math></tr><script></template>b", "b"),
        ("<x-y><form><form>a<math></form></x-y>b", "ab"),
        ("<template><tbody><form><svg></form><script></template>b", "b"),
        ("a<svg><desc><dl><b></dl><svg><pre></pre></svg>x", "a"),
        ("<b><div>a<svg></b>b", "ab"),
        ("<b><select>a<math></b>x</math>b", "ab"),
        ("<b><table>a<svg></b>x</svg>b", "ab"),
        ("<table><tr><td>a<svg><desc><td>b", "ab"),
        ("<table>a<svg><desc><table>b", "ab"),
        ("<table><colgroup><svg></colgroup>x</svg>b", "b"),
        ("<x-y><form>a<svg></form></x-y>b", "ab"),
        ("a<svg><desc><form></form></svg>b", "ab"),
        ("a<svg><title><p><table></table></svg>x", "a"),
        ("<!DOCTYPE html>a<svg><title><p><table></table></svg>b", "ab"),
        ("<ta<td>a<svg></ta<td>b", "ab"),
        ("a<svg><desc><template><b><table><td><table><td></table></template> </svg>x", "a"),
    ],
)
def test_svg_and_mathml_end_where_a_browser_ends_them(page: str, left: str) -> None:
    assert text(page) == left


@pytest.mark.parametrize(
    ("page", "blocks"),
    [
        ("<p>a<div>b</div>c</p>d", ["a", "b", "c", "d"]),
        ("a</P\n>b</p x=1>c</p/></b>d", ["a", "b", "c", "d"]),
        ("<p>a</p> <p>b</p>\n</p><pre>c\n d</pre>", ["a", "b", "c\n d"]),
        ("a</pre>b</path>c</p", ["abc"]),
        ("a<script>x</script>b<svg>x</svg>c<b>d</b>e<button>x</button>f", ["abcdef"]),
        ("a<div></div>b<hr>c<i></i>d", ["a", "b", "cd"]),
        ("<p>a<br>b<br><br>c", ["a b", "c"]),
        ("<table><tr><td>a<td>b<tr><th>c<td><b>d</b></table>e", ["a | b", "c | d", "e"]),
        ("<table>a<tr><td>b</table>", ["a", "b"]),
        ("<ul><li>a<li>b<ul><li>c</ul>d</ul>", ["a", "b", "c", "d"]),
        ("<details><summary>a</summary>b</details><dialog open>c</dialog>", ["a", "b", "c"]),
        ("a<nav>x</nav><p hidden>x</p><select><option>x</select><div role=navigation>x</div>b", ["a", "b"]),
        ("<p>a<xmp>b <p>\n c</xmp><plaintext>d</p>", ["a", "b <p>\n c", "d</p>"]),
        ("<b><p>a</b>b<p>c", ["ab", "c"]),
        ("<title>x</title>a<title>x</title>", ["a"]),
        ("<frameset><frame></frameset>", []),
    ],
)
def test_each_block_of_a_page_is_a_separate_text(page: str, blocks: list[str]) -> None:
    assert extract_blocks(parse_visible(page)) == blocks


def test_only_scripts_with_json_ld_are_kept() -> None:
    fact = '<script type="application/ld+json"><!-- {"a": "<script></script>"} --></script>'
    assert fact in markup(f"{fact}<script>x</script><p>a")
    assert text("<script type=application/ld+json>{}</script>b").endswith("b")


def test_a_title_stays_unless_it_is_one_of_svg_or_mathml() -> None:
    assert "<title>a &lt;b&gt; c</title>" in markup("<title>a <b> c</title><svg><title>x</title></svg>")
    assert "x" not in markup("<svg><title>x</title></svg><math><mi><title>x</title></mi></math>")


def test_a_tag_that_ends_itself_is_an_element_in_xml_alone() -> None:
    page = (
        "<html><head><title/><script src='>' /></head><p>a<textarea/><template><style/></template>b<b x=y />c"
    )
    assert text(page, is_xml=True) == "abc"
    assert text(page) == ""


def test_invalid_characters_become_those_that_a_browser_shows() -> None:
    assert text("a\0b&#0;c&#xD800;d&#x80;e\udc80") == "ab\ufffdc\ufffdd\u20ace?"


@pytest.mark.parametrize(
    "page",
    [
        *(f"<svg>{piece * 40_000}" for piece in ("<g>", "</x>", "<p><svg>")),
        *("<p a='" * 40_000, "<!--" * 40_000, "<script>" * 40_000, "<script><!--<script>" * 40_000),
        *("</" * 100_000, "<svg><![CDATA[" * 40_000, "<textarea></textare " * 40_000, "<" * 200_000),
        *("<template>" * 40_000, "<b><i><u><p>a</p>" * 1_000, "<select><option>" * 2_000),
    ],
)  # fmt: skip
def test_a_page_that_repeats_one_piece_many_times_is_parsed(page: str) -> None:
    # Several are nested so deeply that a parser which calls itself for each element would crash.
    assert len(text(page)) <= len(page)
