"""Bulk offers and call-back bills beside loud honest marketing and renewals, in every language that has them."""

import re
from email import message_from_bytes
from random import Random
from urllib.parse import urlsplit

import pytest

from models.spam.authored import bulk, loud, modern, writer
from models.spam.authored.kinds import KINDS as ALL
from models.spam.authored.rich import Block, Button, Hidden, Picture, Small, Text, as_html, as_plain
from tests.unit.spam.authored_world import BRAND, setting, shown

LANGUAGES = sorted(path.stem for path in (writer.BLOCKS / "bulk").glob("*.toml"))
KINDS = [name for name, kind in ALL.items() if kind.said in (bulk.offer, bulk.bill)]


def ends(blocks: list[Block]) -> list[str]:
    """The hosts that the blocks lead to."""
    urls = [b.url for b in blocks if isinstance(b, Button | Picture)]
    urls += [url for b in blocks if isinstance(b, Small) for _, url in b.links]
    return [urlsplit(url).hostname or "" for url in urls if url]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_whole_in_every_language(lang: str, kind: str) -> None:
    rng = Random(1)
    assert kind in modern.kinds_of(writer.words_of(lang))
    for _ in range(25):
        mail = message_from_bytes(modern.write(ALL[kind], setting(lang, rng), rng))
        assert not re.search("[{][a-z]+[}]", shown(mail))
        assert mail["From"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_language_has_as_much_honest_text_as_bad(lang: str) -> None:
    words = writer.words_of(lang)
    for bad, honest in (("blast", "sale"), ("callback", "receipt")):
        assert len("".join(words[f"{honest}_text"])) >= 0.8 * len("".join(words[f"{bad}_text"]))


def test_bad_bulk_mail_is_labelled_so_and_has_an_honest_mail_beside_it() -> None:
    rng, label = Random(3), {}
    for _ in range(400):
        bad, honest, *_ = modern.pair(rng)
        label[bad[0]] = bad[1]
        assert honest[1] == "ham"
        if bad[0] in KINDS:
            assert message_from_bytes(bad[3])["To"] == message_from_bytes(honest[3])["To"]
    assert (label["blast"], label["callback"]) == ("spam", "phish")


def test_offers_of_strangers_never_lead_to_the_brand_and_those_of_the_brand_do() -> None:
    rng = Random(4)
    bad, honest = (
        [ends(bulk.offered(_writer(kind, rng), kind, "Buy now.\n\nSoon gone.")) for _ in range(150)]
        for kind in ("blast", "sale")
    )
    assert not any(host == BRAND.host or host.endswith("." + BRAND.host) for hosts in bad for host in hosts)
    assert sum(any(host.endswith(BRAND.host) for host in hosts) for hosts in honest) > 75


def _writer(kind: str, rng: Random) -> writer.Writer:
    return writer.Writer(setting("en", rng), rng, bad=ALL[kind].bad)


def test_the_way_out_of_spam_is_often_at_a_second_strangers_host() -> None:
    rng, second = Random(5), 0
    for _ in range(200):
        hosts = ends(bulk.offered(_writer("blast", rng), "blast", "Buy now.\n\n> Buy"))
        second += len(set(hosts)) > 1
    assert 40 < second < 190


def test_a_call_back_bill_names_a_number_and_rarely_a_link() -> None:
    rng, pressed = Random(6), 0
    for _ in range(200):
        w = _writer("callback", rng)
        blocks = bulk.billed(w, "callback", f"Call {w.slots['hotline']}.")
        pressed += any(isinstance(b, Button) for b in blocks)
        said = "".join(b.text for b in blocks if isinstance(b, Text))
        assert sum(said.count(figure) for figure in "23456789") > 5
    assert pressed < 70


def test_a_bill_carried_by_a_true_service_comes_from_it_and_leads_to_it() -> None:
    rng = Random(7)
    w = _writer("callback", rng)
    w.service = loud.true_service(w)
    name, address = loud.biller(w)
    assert (name, address.partition("@")[2]) == (BRAND.name, BRAND.host)
    assert urlsplit(w.url()).hostname == f"www.{BRAND.host}"


def test_letters_are_cut_filled_or_changed_and_the_paragraphs_stay() -> None:
    text = "Confirm delivery tonight please\n\n> Answer questions about shopping"
    cut = {loud.cut_up(text, Random(seed)) for seed in range(40)}
    assert len(cut) > 20
    assert all(one.count("\n\n> ") == 1 for one in cut)
    assert any(mark in one for one in cut for mark in loud.UNSEEN)


def test_a_subject_is_how_the_text_begins_where_that_is_short() -> None:
    assert loud.opening("Last chance! Everything must go.") == "Last chance!"
    assert loud.opening("a" * 95 + ". b") == ""
    assert {loud.title("Last chance! Go.", "Sale", Random(seed)) for seed in range(20)} == {"Last chance!", "Sale"}


def test_what_is_hidden_is_in_the_page_and_not_seen() -> None:
    w = _writer("blast", Random(8))
    page = as_html([Hidden("Storm in the night.")], w.theme(""), Random(9))
    style = page.partition("Storm in the night.")[0].rpartition('style="')[2]
    assert style.startswith(("display:none", "font-size:1px", "color:#fefefe", "height:0"))
    assert as_plain([Hidden("Storm in the night.")], Random(1)) == "Storm in the night."
