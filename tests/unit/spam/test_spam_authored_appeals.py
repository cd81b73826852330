"""Long letters that ask: as long as such letters are, from where they really come, and of the same paragraphs for honest and bad."""

from dataclasses import replace
from random import Random
from statistics import median
from urllib.parse import urlsplit

import pytest

from models.spam.authored import appeals, campaigns, causes, platforms, writer
from models.spam.authored.kinds import KINDS
from models.spam.authored.rich import Block, Button, Rows, Small, Text

LANGUAGES = [lang for lang in writer.languages() if "appeal_any_open" in writer.words_of(lang)]
BAD = ("sham", "relief")


def letter(kind: str, lang: str, rng: Random) -> tuple[writer.Writer, str, list[Block]]:
    """A long letter of a kind."""
    w = writer.Writer(KINDS[kind].setting(lang, rng), rng, bad=KINDS[kind].bad)
    while True:
        before = w.rng.getstate()
        if w.rng.random() < appeals._LONG:
            w.rng.setstate(before)
            return w, *appeals.said(w, kind)


def words(blocks: list[Block]) -> int:
    return sum(len(block.text.split()) for block in blocks if isinstance(block, Text | Button))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["campaign", *BAD])
def test_a_long_letter_is_as_long_as_such_letters_are(kind: str, lang: str) -> None:
    rng = Random(1)
    lengths = [words(letter(kind, lang, rng)[2]) for _ in range(150)]
    assert 150 < median(lengths) < 330
    assert max(lengths) > 250


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_all_roles_and_whole_letters_of_every_kind(lang: str) -> None:
    said = writer.words_of(lang)
    assert {f"appeal_cause_{role}" for role in ("stakes", "did", "joined", "foe")} <= set(said)
    assert {f"appeal_vote_{role}" for role in ("story", "stakes", "did", "joined", "foe")} <= set(said)
    assert {f"appeal_{kind}_text" for kind in ("vote", "cause", *BAD)} <= set(said)
    assert {f"appeal_ask_{what}" for what in ("gift", "sign", "vote", "help")} <= set(said)
    assert all(f"appeal_{side}_stakes" in said for side in appeals._SIDES)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["campaign", *BAD])
def test_no_mark_of_the_blocks_is_left_in_a_letter(kind: str, lang: str) -> None:
    rng = Random(2)
    for _ in range(60):
        _, subject, blocks = letter(kind, lang, rng)
        shown = [block.text for block in blocks if isinstance(block, Text | Button | Small)]
        shown += [f"{label}{value}" for block in blocks if isinstance(block, Rows) for label, value in block.rows]
        assert not any(mark in line for line in [subject, *shown] for mark in ("{", "}", "[", "]", "> ", "# ")), shown


def test_bad_letters_are_of_the_paragraphs_of_honest_ones_but_for_what_they_ask() -> None:
    rng = Random(3)
    roles = {f"appeal_cause_{role}": [f"As to the {role} of it."] for role in ("stakes", "did", "joined", "foe")}
    roles |= {
        "appeal_any_open": ["It opens so."],
        "appeal_late": ["It is late."],
        "appeal_any_thanks": ["Thanks to you."],
    }
    roles |= {"appeal_cause_thanks": [], "campaign_ps": ["PS of it."]}
    seen: dict[str, set[str]] = {"campaign": set(), "sham": set()}
    for kind, lines in seen.items():
        for _ in range(80):
            setting = KINDS[kind].setting("en", rng)
            other = replace(setting, words={**setting.words, **roles})
            w = writer.Writer(other, rng, bad=KINDS[kind].bad)
            lines |= {block.text for block in appeals._letter(w, kind, "aid", "cause") if isinstance(block, Text)}
    for line in (line for role in roles.values() for line in role):
        assert line in seen["campaign"], line
        assert line in seen["sham"], line


def test_a_candidate_signs_what_a_candidate_tells() -> None:
    rng, seen = Random(4), 0
    while seen < 20:
        setting = KINDS["campaign"].setting("en", rng)
        if setting.slots["topic"] == "election":
            w = writer.Writer(setting, rng, bad=False)
            appeals._signed_by_candidate(w, "vote")
            assert w.slots["author"] == setting.slots["candidate"]
            assert w.slots["author"].startswith(w.slots["sender"])
            seen += 1


def test_half_of_honest_campaigns_come_from_hosts_of_others_and_most_links_name_nobody() -> None:
    rng, away, named, links = Random(5), 0, 0, 0
    for _ in range(400):
        w, _, blocks = letter("campaign", "en", rng)
        home = w.setting.brand.host
        away += not KINDS["campaign"].sender(w)[1].endswith(home)
        pressed = [block.url for block in blocks if isinstance(block, Button)]
        pressed += [url for block in blocks if isinstance(block, Small) for _, url in block.links]
        hosts = [urlsplit(url).hostname or "" for url in pressed]
        links += len(hosts)
        named += sum(host.endswith(home) for host in hosts)
    assert 0.38 < away / 400 < 0.6
    assert 0.2 < named / links < 0.45


def test_hosts_of_others_are_hosts() -> None:
    rng = Random(6)
    for number in range(600):
        lang = writer.languages()[number % len(writer.languages())]
        w = writer.Writer(KINDS["campaign"].setting(lang, rng), rng, bad=False)
        host = platforms.away(w)
        assert host.isascii()
        assert all(part and " " not in part for part in host.split(".")), host
        assert "{" not in host


def test_one_counter_takes_all_links_of_a_mail() -> None:
    rng = Random(7)
    for _ in range(200):
        host, _, page = platforms._counter(rng).removeprefix("https://").partition("/")
        assert "{" not in host, host  # what differs from link to link stands behind the host
        assert "{t}" in page or "{w}" in page or "{n}" in page, page


def test_what_is_raised_and_what_is_missing_make_the_goal() -> None:
    rng = Random(8)
    for _ in range(50):
        slots = causes.slots("en", "{}", rng)
        goal, raised, missing = (int(slots[key].replace(",", "")) for key in ("goal", "raised", "missing"))
        assert goal == raised + missing
        assert missing > 0


def test_a_signed_letter_gets_no_second_farewell() -> None:
    assert campaigns._closes("Thank you.\n\n{author}\n\nP.S. Bring a hat.")
    assert campaigns._closes("Thank you.\n\n{author}\n\nP.S. If you insist:\n\n> More soap")
    assert campaigns._closes("Thank you.\n\nYours,\n{sender}")
    assert not campaigns._closes(
        "{person} started this petition and wants you to know how it went on.\n\nPlease share."
    )
