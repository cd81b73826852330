"""Orders, offers and newsletters as whole mails: in every language, with goods, sums and sections where the text says so."""

import re
from email import message_from_bytes
from random import Random

import pytest

from models.spam.authored import modern, shops, writer
from models.spam.authored.kinds import KINDS as ALL
from models.spam.authored.rich import Block, Button, Heading, Picture, Rows, Story, Text
from tests.unit.spam.authored_world import BRAND, setting, shown

LANGUAGES = sorted(path.stem for path in (writer.BLOCKS / "shops").glob("*.toml"))
KINDS = [name for name, kind in ALL.items() if kind.said is shops.said]


def told(text: str, seed: int) -> list[Block]:
    rng = Random(seed)
    return shops.told(writer.Writer(setting("en", rng), rng, bad=False), text)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_whole_in_every_language(lang: str, kind: str) -> None:
    rng = Random(1)
    assert kind in modern.kinds_of(writer.words_of(lang))
    for _ in range(25):
        mail = message_from_bytes(modern.write(ALL[kind], setting(lang, rng), rng))
        assert not re.search(
            r"(?m)[{][a-z]+[}]|^(@(goods|list|one|bill|address|stories|parts|offers|terms)|## |# )", shown(mail)
        )
        assert mail["From"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_text_holds_no_mark_that_is_not_drawn(lang: str) -> None:
    words = writer.words_of(lang)
    for kind in KINDS:
        for text in words[f"{kind}_text"]:
            marks = {part for part in text.split("\n\n") if part.startswith("@")}
            assert marks <= set(shops._DRAWN), text
            assert "@@" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_language_has_more_honest_text_than_bad(lang: str) -> None:
    words = writer.words_of(lang)
    for bad, honest in (("false_parcel", "parcel"), ("false_market", "market")):
        assert len("".join(words[f"{honest}_text"])) > 1.5 * len("".join(words[f"{bad}_text"]))


def test_marks_become_goods_sums_items_and_sections() -> None:
    kinds = {
        mark: {type(block) for seed in range(40) for block in told(f"Look.\n\n{mark}\n\n> Go", seed)}
        for mark in shops._DRAWN
    }
    assert {Story, Rows, Text} <= kinds["@goods"]
    assert Rows in kinds["@bill"]
    assert Story in kinds["@stories"]
    assert Heading in kinds["@parts"]
    blocks = told("Hello,\n\n## New\n- one\n- two\n\n> *", 3)
    assert [block for block in blocks if isinstance(block, Heading) and block.text == "New"]
    assert Text("- one\n- two") in blocks
    assert not any(isinstance(block, Button) for block in blocks)


def test_a_text_is_called_by_its_own_subject() -> None:
    rng = Random(2)
    one = setting("en", rng, {"parcel_text": ["# Parcel {code}\n\nIt is here."]})
    subject, blocks = shops.said(writer.Writer(one, rng, bad=False), "parcel")
    assert subject == f"Parcel {one.slots['code']}"
    assert not any("Parcel" in block.text for block in blocks if isinstance(block, Text))


def test_a_part_of_honest_mail_is_sent_and_tracked_by_a_service_that_does_not_name_the_firm() -> None:
    rng, served, named = Random(3), 0, 0
    for _ in range(400):
        w = writer.Writer(setting("en", rng), rng, bad=False)
        shops.said(w, "market")
        _, address = shops.shop(w)
        host = address.rpartition("@")[2]
        if any(mark in w.service for mark in shops._SERVICES):
            served += 1
            named += host.endswith(BRAND.host)
            assert BRAND.host not in w.url()
            assert "{" not in w.url() + address
    assert 100 < served < 240
    assert 0 < named < served / 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if ALL[kind].bad])
def test_what_is_to_be_pressed_in_bad_mail_never_leads_to_the_brand(kind: str) -> None:
    rng = Random(4)
    for _ in range(200):
        _, blocks = shops.said(writer.Writer(setting("en", rng), rng, bad=True), kind)
        for block in blocks:
            if isinstance(block, Button | Picture | Story) and block.url:
                host = block.url.partition("//")[2].partition("/")[0].rpartition("@")[2]
                assert host != BRAND.host
                assert not host.endswith("." + BRAND.host)


def test_prices_of_one_mail_differ_in_their_figures_and_not_in_their_shape() -> None:
    w = writer.Writer(setting("en", Random(5)), Random(5), bad=False)
    prices = {shops._near(w, "$1,234.99") for _ in range(20)}
    assert len(prices) > 15
    assert all(re.fullmatch(r"\$\d,\d{3}\.99", price) for price in prices)
