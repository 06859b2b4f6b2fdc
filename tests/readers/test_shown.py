"""What of a page is text: where scripts, comments, SVG and their like end is what the HTML standard says."""

from __future__ import annotations

import re
import time

import pytest

from indexer.readers.shown import shown


def text(page: str) -> str:
    """What is left of a page, without tags."""
    return re.sub(r"""<(?:"[^"]*"|'[^']*'|[^>"'])*>""", "", shown(page))


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
        ("a<template><title></title><col><script></template>x", "a"),
        ("a<template><x-y><tr></x-y><svg></x-y></svg></template>b", "ab"),
        ("a<xmp><p>b</xmp>c", "a&lt;p&gt;bc"),
        ("a<plaintext><p>b</plaintext>", "a&lt;p&gt;b&lt;/plaintext&gt;"),
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
        ("a < b <3 </", "a &lt; b &lt;3 &lt;/"),
        ("a<p title='<script>'>b</p>c", "ab c"),
        ('a<p title="x>x" id=\'">\' class=y>b', "ab"),
        ("a<p =x >b<p a=>c<p a='x'b=\"x>x\"/c>d", "abcd"),
        ("a<p title='x", "a"),
        ("a</td b='>'=''<svg />b", "ab"),
        ("a<svg><desc><![CDATA[ x ></desc></svg>b", "ab"),
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
        ("a<svg></br>b<svg></p>c", "ab c"),
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
        ("<table><tr><td>a<svg><foreignObject><p></td>b", "ab"),
        ("<body><svg></body>x</svg>b", "b"),
        ("<template><svg></template>b", "b"),
        ("<p><b></p>a<svg></b>b", " ab"),
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
    ("page", "left"),
    [
        ("<p>a<div>b</div>c</p>d", "abc d"),
        ("a</P\n>b</p x=1>c</p/></b>d", "a b c d"),
        ("<p>a</p> <p>b</p>\n</p><pre>c</pre>", "a b\n c"),
        ("a</pre>b</path>c</p", "abc"),
    ],
)
def test_what_follows_the_end_of_a_paragraph_begins_a_word(page: str, left: str) -> None:
    # In the end of a paragraph that is not open a browser sees an empty one.
    assert text(page) == left


def test_facts_in_a_script_stay_and_end_in_it() -> None:
    page = '<script type="application/ld+json"><!-- {"a": "<script></script>"} --></script>c'
    start, _, left = shown(page).partition("{")
    assert start == '<script type="application/ld+json"> '
    assert left == '"a": "\\u003cscript>\\u003c/script>"} --></script>c'
    assert text("<script type=application/ld+json>{}</script>b").endswith("b")


def test_the_first_title_stays() -> None:
    page = "<title>a <b> c</title><svg><title>x</title></svg><title>x</title>"
    assert shown(page) == "<title>a &lt;b> c</title><svg></svg>"
    assert shown("<title>a<script>x</script>") == ""
    assert shown("<math><mi><title>x</title></mi></math><title>x</title>") == "<math></math>"


def test_a_tag_that_ends_itself_is_an_element_in_xml_alone() -> None:
    page = "<html><head><title/><script src=x /></head><p>a<textarea/><template><style/></template>b"
    assert re.sub("<[^>]*>", "", shown(page, is_xml=True)) == "ab"
    assert text(page) == ""


def test_a_page_without_any_of_it_is_left_as_it_is() -> None:
    page = '<html lang=en><body id="a b" hidden>One &amp; <a href="/x?y&z">two</a>.<br/><img src=\'a\' >'
    assert shown(page) == page


@pytest.mark.parametrize(
    "page",
    [
        *(f"<svg>{piece * 40_000}" for piece in ("<g>", "</x>", "<g></x>", "<desc><svg>", "<p><svg>")),
        *("<p a='" * 40_000, "<!--" * 40_000, "<script>" * 40_000, "<script><!--<script>" * 40_000),
        *("<table><td><svg><desc></x>" * 20_000, "<b><div><svg></b>" * 20_000, "<template>" * 40_000),
        *("<a " + "b=c " * 100_000, "</" * 100_000, "<svg><![CDATA[" * 40_000, "<li><svg></ul>" * 20_000),
        *("<textarea></textare " * 40_000, "<" * 200_000, "</p " * 100_000, "<div><svg></i></p>" * 20_000),
        *("<b><i><u><p>a</p>" * 20_000, "<b id=1><i><u><p>a<svg></x></p>" * 20_000),
    ],
)  # fmt: skip
def test_the_time_is_linear_in_the_length_of_a_page(page: str) -> None:
    began = time.process_time()
    shown(page)
    assert time.process_time() - began < 5
