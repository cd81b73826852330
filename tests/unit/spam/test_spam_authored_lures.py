"""Notices of desks and the pretexts of today: a false desk has the words of an honest one, and only its links and host betray it."""

import tomllib
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parseaddr
from random import Random
from urllib.parse import urlsplit

import pytest

from models.spam.authored import desks, modern, names, texts, writer
from models.spam.authored.kinds import BAD, KINDS
from models.spam.authored.rich import Button, Text

FILES = {path.stem: path for path in (writer.BLOCKS / "lures").glob("*.toml")}
_BAD_KEYS = frozenset(f"{name}_text" for name in BAD)
_NAMES = ("desk", "false_desk")


def _lines(lang: str) -> dict[str, list[str]]:
    return tomllib.loads(FILES[lang].read_text("utf-8"))


@pytest.mark.parametrize("lang", sorted(FILES))
def test_honest_lines_are_about_as_many_words_as_bad_ones(lang: str) -> None:
    said = {True: 0, False: 0}
    for key, lines in _lines(lang).items():
        if key.endswith("_text"):
            said[key in _BAD_KEYS] += len("".join(lines))
    assert said[False] > 0.9 * said[True] > 0


@pytest.mark.parametrize("lang", sorted(FILES))
def test_every_kind_that_has_lines_here_can_be_written(lang: str) -> None:
    words = writer.words_of(lang)
    for key, lines in _lines(lang).items():
        assert set(lines) <= set(words[key])
        if key.endswith("_text") and key.removesuffix("_text") in KINDS:
            assert KINDS[key.removesuffix("_text")].writable(words), key


@pytest.mark.parametrize("lang", sorted(FILES))
@pytest.mark.parametrize("kind", _NAMES)
def test_every_text_of_a_desk_brings_a_subject_and_the_name_of_the_desk(lang: str, kind: str) -> None:
    for line in _lines(lang)[f"{kind}_text"]:
        subject, text = texts.parted(line)
        assert subject, line
        assert text.startswith(("@ ", "@@ ")), line
        assert "\n\n" in text, line


@pytest.mark.parametrize("lang", sorted(FILES))
@pytest.mark.parametrize("kind", _NAMES)
def test_a_notice_of_a_desk_is_whole(lang: str, kind: str) -> None:
    rng = Random(3)
    for _ in range(40):
        mail = message_from_bytes(modern.write(KINDS[kind], desks.setting(lang, rng), rng))
        parts = (p.get_payload(decode=True) for p in mail.walk() if p.get_content_type() == "text/plain")
        said = "\n".join(part.decode() for part in parts if isinstance(part, bytes))
        assert str(make_header(decode_header(mail["Subject"])))
        assert "@@" not in said
        assert "@" in parseaddr(str(mail["From"]))[1]


def _drawn(kind: str, text: str, seed: int) -> tuple[writer.Writer, set[str], str]:
    """A mail of one text: its writer, the hosts that it leads to, and the host of From."""
    rng = Random(seed)
    setting = desks.setting("en", rng)
    setting = writer.Setting("en", {**setting.words, f"{kind}_text": [text]}, setting.slots, setting.brand, setting.to)
    w = writer.Writer(setting, rng, bad=KINDS[kind].bad)
    _, blocks = KINDS[kind].said(w, kind)
    urls = [b.url for b in blocks if isinstance(b, Button)]
    urls += [b.text for b in blocks if isinstance(b, Text) and b.text.startswith("http")]
    return w, {urlsplit(url).hostname or "" for url in urls}, KINDS[kind].sender(w)[1].rpartition("@")[2]


@pytest.mark.parametrize(("mark", "own"), [("@@", True), ("@", False)])
def test_an_honest_desk_mostly_leads_home_and_a_false_one_never(mark: str, own: bool) -> None:
    text, home = f"# Quota\n\n{mark} Mail desk\n\nFull.\n\n> Delete", {"desk": 0, "false_desk": 0}
    for seed in range(200):
        for kind in _NAMES:
            w, hosts, _ = _drawn(kind, text, seed)
            host = w.setting.to.host if own else w.setting.brand.host
            home[kind] += any(one == host or one.endswith("." + host) for one in hosts)
    assert home["false_desk"] == 0
    assert home["desk"] > 80


def test_a_desk_is_shown_by_the_name_that_its_text_gives() -> None:
    named = 0
    for seed in range(100):
        w, _, host = _drawn("desk", "# Quota\n\n@@ Mail desk\n\nFull.", seed)
        named += KINDS["desk"].sender(w)[0] == "Mail desk"
        assert host
    assert 50 < named < 95


def test_a_false_desk_at_times_bears_a_known_brand_in_the_from_alone() -> None:
    known = {names.known_brand(desks._BRANCHES, "en", Random(seed)).name for seed in range(300)}
    shown = [
        KINDS["false_desk"].sender(_drawn("false_desk", "# Quota\n\n@@ Desk\n\nFull.", n)[0])[0] for n in range(200)
    ]
    assert 5 < sum(name in known for name in shown) < 60


def test_a_text_that_begins_with_the_recipients_name_gets_no_greeting_before_it() -> None:
    w, _, _ = _drawn("desk", "# Quota\n\n@@ Desk\n\nFull.", 1)
    first, name = w.slots["first"], w.slots["name"]
    assert all(texts.greets(w, f"{start} your mailbox is full.") for start in (f"{first},", f"{name},", f"{first}:"))
    assert not texts.greets(w, f"{first} has shared a long list of files and some folders with you, open it here.")
