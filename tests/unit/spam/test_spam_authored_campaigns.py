"""Mail that asks for help and its bad twins: in every language, of one currency, with links that go where the label says."""

from dataclasses import replace
from email import message_from_bytes
from random import Random
from urllib.parse import urlsplit

import pytest

from models.spam.authored import appeals, campaigns, causes, modern, names, writer
from models.spam.authored import texts as texts_of
from models.spam.authored.kinds import KINDS as ALL
from models.spam.authored.rich import Block, Button, Heading, Picture, Small, Text

KINDS = [name for name, kind in ALL.items() if kind.said is appeals.said]
BAD = [name for name in KINDS if ALL[name].bad]
GIFTS = ("five", "ten", "fifty")


def one(kind: str, lang: str, rng: Random) -> tuple[writer.Writer, str, list[Block]]:
    w = writer.Writer(ALL[kind].setting(lang, rng), rng, bad=ALL[kind].bad)
    return w, *appeals.said(w, kind)


def addresses(blocks: list[Block]) -> list[str]:
    pressed = [block.url for block in blocks if isinstance(block, Button | Picture) and block.url]
    return pressed + [url for block in blocks if isinstance(block, Small) for _, url in block.links]


def texts(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Text)]


@pytest.mark.parametrize("lang", writer.languages())
@pytest.mark.parametrize("kind", KINDS)
def test_every_language_can_write_every_kind_whole(lang: str, kind: str) -> None:
    words, rng = writer.words_of(lang), Random(1)
    assert kind in modern.kinds_of(words)
    assert {f"campaign_{key}" for key in ("greet", "bye", "small", "cta_gift")} <= set(words)
    for _ in range(12):
        w, subject, blocks = one(kind, lang, rng)
        said = [
            subject,
            *texts(blocks),
            *(block.text for block in blocks if isinstance(block, Button | Small | Heading)),
        ]
        assert subject
        assert texts(blocks)
        assert not any(mark in line for line in said for mark in "{}*" if line != w.setting.brand.name), said
        mail = message_from_bytes(modern.write(ALL[kind], w.setting, rng))
        assert mail["From"]
        assert mail["Subject"]


@pytest.mark.parametrize("kind", BAD)
def test_no_link_of_a_false_cause_goes_to_whom_it_names(kind: str) -> None:
    rng = Random(2)
    for number in range(300):
        w, _, blocks = one(kind, writer.languages()[number % len(writer.languages())], rng)
        for url in addresses(blocks):
            host = urlsplit(url).hostname or ""
            assert host != w.setting.brand.host
            assert not host.endswith("." + w.setting.brand.host)


def test_a_row_of_gifts_has_three_rising_sums_for_one_page() -> None:
    rng, seen = Random(3), 0
    for _ in range(200):
        w, _, blocks = one("campaign", "en", rng)
        row = [b for b in blocks if isinstance(b, Button) and "amount=" in b.url]
        if row and not w.service:
            seen += 1
            assert len({b.url.partition("amount=")[0] for b in row}) <= len(row) // 3
            assert all(w.slots[gift] in b.text for gift, b in zip(GIFTS, row[:3], strict=True))
    assert seen > 10


def test_all_sums_of_a_mail_are_of_one_currency() -> None:
    rng = Random(4)
    for _ in range(100):
        slots = ALL["campaign"].setting("en", rng).slots
        assert (
            len({next(sign for sign in "$£€" if sign in slots[key]) for key in (*GIFTS, "amount", "goal", "fee")}) == 1
        )


def test_false_causes_tell_the_honest_story_and_ask_for_something_else() -> None:
    rng, seen = Random(5), {"sham": 0, "campaign": 0}
    for _ in range(150):
        for kind in seen:
            setting = ALL[kind].setting("en", rng)
            story = {
                f"campaign_{setting.slots['topic']}_say": ["Once there was a well."],
                "sham_ask": ["Only to {wallet}."],
            }
            other = replace(setting, words={**setting.words, **story})
            said = texts(campaigns.said(writer.Writer(other, rng, bad=kind == "sham"), kind)[1])
            if "Once there was a well." in said:
                seen[kind] += 1
                assert (f"Only to {setting.slots['wallet']}." in said) is (kind == "sham")
    assert min(seen.values()) > 8


def test_a_bad_mail_stands_beside_honest_mail_of_the_same_organisation() -> None:
    rng, beside = Random(6), 0
    for _ in range(600):
        (bad, _, _, _), (good, label, _, _), *_ = modern.pair(rng)
        if bad in BAD:
            beside += 1
            assert (good, label) == ("campaign", "ham")
    assert beside > 5


@pytest.mark.parametrize("lang", writer.languages())
def test_organisations_have_hosts_of_latin_letters(lang: str) -> None:
    rng = Random(7)
    for _ in range(40):
        cause = causes.drawn(lang, rng)
        host = cause.brand.host
        assert host.isascii(), cause.brand
        assert all(part and " " not in part for part in host.split(".")), cause.brand


def test_a_text_that_greets_gets_no_second_greeting() -> None:
    ill, urgent = (
        "Dear friend,\n\nI am ill.\n\nYour sister,\nAnn",
        "Many are under the rubble. Help now.\n\nSend and share.",
    )
    w, _, _ = one("sham", "en", Random(9))
    assert (texts_of.greets(w, ill), campaigns._closes(ill)) == (True, True)
    assert (texts_of.greets(w, urgent), campaigns._closes(urgent)) == (False, False)


def test_numbers_are_written_as_the_language_writes_them() -> None:
    assert causes.whole("en", 12500) == "12,500"
    assert causes.whole("de", 12500) == "12.500"
    assert causes.whole("fr", 12500) == "12 500"


def test_a_host_made_of_a_name_that_has_no_latin_letters_is_made_up() -> None:
    assert names.host_of("Волна", ["ru"], Random(8)).removesuffix(".ru").isascii()
    assert names.host_of("Friends of the Leeds Library", ["org"], Random(1)).endswith(".org")
