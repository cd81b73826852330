"""Notes, surveys and round-ups: in all their languages, of the same words for honest and bad, which differ in asking and linking."""

from collections import Counter
from email import message_from_bytes
from random import Random
from urllib.parse import urlsplit

import pytest

from models.spam.authored import campaigns, causes, mailings, modern, platforms, writer
from models.spam.authored.kinds import KINDS as ALL
from models.spam.authored.rich import Block, Button, Heading, Rows, Small, Story, Text

SAID = (mailings.note, mailings.survey, mailings.digest)
KINDS = [name for name, kind in ALL.items() if kind.said in SAID]
BAD = [name for name in KINDS if ALL[name].bad]
LANGUAGES = [lang for lang in writer.languages() if "canvass_open" in writer.words_of(lang)]


def one(kind: str, lang: str, rng: Random) -> tuple[writer.Writer, str, list[Block]]:
    w = writer.Writer(ALL[kind].setting(lang, rng), rng, bad=ALL[kind].bad)
    return w, *ALL[kind].said(w, kind)


def shown(blocks: list[Block]) -> list[str]:
    lines = [block.text for block in blocks if isinstance(block, Text | Button | Heading | Small)]
    lines += [line for block in blocks if isinstance(block, Story) for line in (block.title, block.teaser)]
    return lines + [f"{label}: {value}" for block in blocks if isinstance(block, Rows) for label, value in block.rows]


def hosts(blocks: list[Block]) -> list[str]:
    urls = [block.url for block in blocks if isinstance(block, Button | Story)]
    urls += [url for block in blocks if isinstance(block, Small) for _, url in block.links]
    urls += [word for block in blocks if isinstance(block, Text) for word in block.text.split() if "://" in word]
    return [urlsplit(url).hostname or "" for url in urls]


def test_these_kinds_are_written_in_the_common_languages() -> None:
    assert set(LANGUAGES) == {"en", "de", "fr", "es", "pt", "it", "nl", "pl"}
    assert len(KINDS) == 2 * len(BAD) == 6


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_language_writes_every_kind_whole(kind: str, lang: str) -> None:
    rng = Random(1)
    assert kind in modern.kinds_of(writer.words_of(lang))
    for _ in range(40):
        w, subject, blocks = one(kind, lang, rng)
        assert subject
        assert not any(mark in line for line in [subject, *shown(blocks)] for mark in "{}[]"), shown(blocks)
        assert any(isinstance(block, Text | Story) for block in blocks)
        mail = message_from_bytes(modern.write(ALL[kind], w.setting, rng))
        assert mail["From"]
        assert mail["Subject"]


@pytest.mark.parametrize("kind", BAD)
def test_no_link_of_a_bad_one_goes_to_whom_it_names(kind: str) -> None:
    rng = Random(2)
    for number in range(200):
        w, _, blocks = one(kind, LANGUAGES[number % len(LANGUAGES)], rng)
        home = w.setting.brand.host
        assert not any(host == home or host.endswith(f".{home}") for host in hosts(blocks)), home


@pytest.mark.parametrize("kind", BAD)
def test_bad_ones_are_of_the_honest_lines_and_one_of_their_own(kind: str) -> None:
    rng, honest, heard = Random(3), kind.removeprefix("false_"), 0
    own = "false_digest_item" if kind == "false_digest" else f"{kind}_ask"
    words = {**writer.words_of("en"), own: ["Bring the goose.\nAt noon."]}
    words = {key: lines for key, lines in words.items() if not (key.startswith(kind) and key.endswith("_text"))}
    for name in (kind, honest):
        for _ in range(60):
            before = ALL[name].setting("en", rng)
            setting = writer.Setting("en", words, before.slots, before.brand, before.to)
            said = " ".join(shown(ALL[name].said(writer.Writer(setting, rng, bad=ALL[name].bad), name)[1]))
            assert ("Bring the goose." in said) is (name == kind)
            heard += "Bring the goose." in said
    assert heard == 60


def test_beside_every_bad_one_stands_honest_mail_of_the_same_dress() -> None:
    rng, beside = Random(4), Counter[str]()
    for _ in range(1200):
        (bad, _, _, _), (good, label, _, _), *_ = modern.pair(rng)
        if bad in BAD:
            beside[bad] += 1
            assert good in ALL[bad].beside
            assert label == "ham"
    assert set(beside) == set(BAD)


def test_a_poll_has_its_answers_to_press() -> None:
    rng, seen = Random(5), 0
    for _ in range(60):
        w = writer.Writer(ALL["canvass"].setting("en", rng), rng, bad=False)
        platforms.settle(w)
        pressed = mailings._linked(w, "election", "race", "poll")
        seen += len(pressed) > 1
        assert all(isinstance(block, Button) and " / " not in block.text for block in pressed)
    assert seen > 20


def test_items_of_one_round_up_have_counts_of_their_own() -> None:
    rng = Random(6)
    w = writer.Writer(ALL["digest"].setting("en", rng), rng, bad=False)
    w.setting = writer.Setting(
        "en", {"item": [f"{n}\n{{number}} {{date}}" for n in range(9)]}, w.slots, w.setting.brand, w.setting.to
    )
    assert len({item.partition("\n")[2] for item in mailings._items(w, "item")}) > 2


def test_offices_report_and_only_round_ups_are_theirs() -> None:
    desks = set(causes.topics("en", causes.DESKS)) - set(causes.topics("en"))
    assert desks == {"office", "council", "watch"}
    rng = Random(7)
    assert desks & {ALL["digest"].setting("en", rng).slots["topic"] for _ in range(60)} == desks
    assert not desks & {ALL["campaign"].setting("en", rng).slots["topic"] for _ in range(200)}


def test_a_filled_text_that_is_signed_gets_no_second_farewell() -> None:
    rng = Random(8)
    for _ in range(30):
        w = writer.Writer(ALL["canvass"].setting("en", rng), rng, bad=False)
        blocks = campaigns.told(w, "aid", w.spun("Thank you for all that.\n\n{author}\n\nP.S. Bring a hat."))
        text = [block.text for block in blocks if isinstance(block, Text)]
        assert sum(w.slots["author"] in line for line in text) == 1
    assert campaigns._closes("We lost.\n\nYour PTA")
    assert not campaigns._closes("We lost.\n\n> Give")
