"""What is seen of a page: honest layouts whole, tricks not at all."""

import time

import pytest

from fastemailnet.message.html import MAX_LINKS, MAX_SOURCE_CHARACTERS, render
from fastemailnet.message.normal import normalise
from fastemailnet.message.style import TRANSPARENT, UNKNOWN, colour_of


def seen(source: str) -> str:
    return normalise("".join(render(source).text)).text


HIDING = [
    "display:none", "DISPLAY : NONE !important", "display:/**/none", "visibility:hidden", "font-size:0", "font-size:1px",
    "font-size:0.01em", "font:0px/0 Arial", "opacity:0", "opacity:.01", "max-height:0", "height:0;overflow:hidden",
    "width:0px;overflow:hidden",
    "color:#fff", "color:white", "color:rgb(254, 255, 255)", "color:#fdfdfd", "color:transparent", "color:rgba(0,0,0,0)",
    "background:#000;color:#000", "position:absolute;left:-9999px", "text-indent:-5000px", "transform:scale(0)",
    "display:block;display:none",
]  # fmt: skip


@pytest.mark.parametrize("style", HIDING)
def test_hidden_text_is_dropped_and_counted(style: str) -> None:
    page = render(f'<p>seen</p><div style="{style}">ham <b>words</b></div>')
    assert "".join(page.text).strip() == "seen"
    assert page.hidden_characters == len("hamwords")


@pytest.mark.parametrize("style", HIDING)
def test_the_same_by_a_class(style: str) -> None:
    assert seen(f"<style>.q, p.x {{{style}}}</style><p>seen</p><div class='a q'>ham</div>") == "seen"


@pytest.mark.parametrize(
    "source",
    [
        # the gaps of a layout in columns
        '<table><tr><td style="font-size:0"><div style="font-size:13px">seen</div></td></tr></table>',
        '<div style="visibility:hidden"><b style="visibility:visible">seen</b></div>',
        '<div style="color:#fff"><p style="color:#333">seen</p></div>',
        '<div style="background:#036"><p style="color:#fff">seen</p></div>',
        '<table><tr><td bgcolor="#003366"><font color="#ffffff">seen</font></td></tr></table>',
        '<table><tr><td style="color:#fff;background-image:url(x.png)">seen</td></tr></table>',
        '<table><tr><td background="x.png" style="color:#fff">seen</td></tr></table>',
        '<div style="color:#fff"><a href="https://x.example">seen</a></div>',
        "<style>@media (max-width:600px) { .q { display:none } }</style><p class=q>seen</p>",
        "<style>.hero td { background:#036 }</style><div class=hero><table><tr><td><p style='color:#fff'>seen</p></div>",
        "<style>.q { display:none } .q { display:block }</style><p class=q>seen</p>",
        "<style>.q { .x { display:none } }</style><p class=q>seen</p>",
        '<p style="mso-hide:all">seen</p>',  # hides from one mail program only
        '<p style="font-size:100%">seen</p>',
        "<noscript>seen</noscript>",
        '<input type="submit" value="seen">',
    ],
)
def test_honest_layouts_are_seen(source: str) -> None:
    page = render(source)
    assert normalise("".join(page.text)).text == "seen"
    assert page.hidden_characters == 0


def test_a_child_does_not_show_itself_in_a_box_that_is_not_drawn() -> None:
    assert (
        seen('<div style="display:none"><p style="display:block;font-size:20px;visibility:visible">x</p></div>') == ""
    )


def test_words_split_by_hidden_elements_are_whole() -> None:
    assert seen('Pay<span style="display:none">xq</span>Pal<!-- c --> <b>n</b>ow') == "PayPal now"


def test_line_ends_of_the_source_are_spaces_and_those_of_elements_lines() -> None:
    assert seen("<p>one\n  two</p><p>three<br>four</p>") == "one two\nthree\nfour"


@pytest.mark.parametrize("block", ["<p>one</p>", "<div>one</div>", "<ul><li>one</ul>", "<table><tr><td>one</table>"])
def test_what_follows_a_block_inline_stands_on_a_line_of_its_own(block: str) -> None:
    assert seen(f"<body>{block}<a href='https://x.example'>two</a> three") == "one\ntwo three"


def test_blank_filler_behind_a_preview_line_is_not_counted() -> None:
    assert render(f'<div style="display:none">Preview{"&nbsp;&zwnj;" * 200}</div>').hidden_characters == len("Preview")


def test_prose_that_only_programs_read_is_counted_and_code_is_not() -> None:
    prose = "the weather was fine and we all went home " * 5
    for source in (
        f"<!-- {prose} -->",
        f"<title>{prose}</title>",
        f"<style>{prose}</style>",
        f"<script>{prose}</script>",
    ):
        page = render(source + "seen")
        assert page.aside_characters > 200
        assert "".join(page.text) == "seen"
    rules = "".join(f".a{number} {{ color: red; margin: 0 auto }}\n" for number in range(50))
    switched_off = (f"<!--[if mso]>{prose}<![endif]-->", f"<!-- <p>{prose}</p> -->")
    for source in (*switched_off, "<title>Your order</title>", f"<style>{rules}</style>"):
        assert render(source + "seen").aside_characters == 0


def test_a_link_is_named_by_what_is_seen_of_it() -> None:
    page = render('<a href=" https://evil.example/ "><i style="display:none">evil</i>www.bank.example</a>')
    assert page.links == [("https://evil.example/", "www.bank.example")]
    assert render('<div style="display:none"><a href="https://x.example">x</a></div>').links == []


def test_a_page_of_open_elements_is_cut_before_it_costs_the_square_of_its_depth() -> None:
    started = time.thread_time()
    render("<div>" * (MAX_SOURCE_CHARACTERS // 5))
    assert time.thread_time() - started < 0.2


def test_links_beyond_the_limit_are_not_kept() -> None:
    assert len(render("<a href=https://x.example>x</a>" * (MAX_LINKS + 50)).links) == MAX_LINKS


def test_a_base_moves_relative_links() -> None:
    assert render('<base href="https://evil.example/a/"><a href="b">x</a>').links == [("https://evil.example/a/b", "x")]


def test_images_and_forms_are_counted_where_they_are_seen() -> None:
    images = '<img alt="logo" src=x><img style="display:none" alt="no">'
    page = render(images + '<form action="https://x.example"><input><input type=hidden></form>')
    assert (page.images, page.forms) == (1, 2)
    assert "".join(page.text).split() == ["logo"]


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#fff", 0xFFFFFF), ("#336699", 0x336699), ("336699", 0x336699), ("White", 0xFFFFFF), ("rgb(1,2,3)", 0x010203),
        ("rgba(1 2 3 / .5)", 0x010203), ("rgba(1,2,3,0.0)", TRANSPARENT), ("#33669900", TRANSPARENT), ("var(--x)", UNKNOWN),
        ("rgb(999,0,0)", 0xFF0000), ("", UNKNOWN), ("rgba(1,2,3,.)", 0x010203),
    ],
)  # fmt: skip
def test_colours(text: str, colour: int) -> None:
    assert colour_of(text) == colour
