"""Mail that comes to every home: whole in each of its languages, more of it honest than false."""

import re
import tomllib
from email import message_from_bytes
from random import Random

import pytest

from models.spam.authored import accounts, modern, shops, texts, writer
from models.spam.authored.kinds import KINDS
from tests.unit.spam.authored_world import setting, shown

FILES = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in (writer.BLOCKS / "homes").glob("*.toml")}
WRITTEN = (
    "parcel",
    "market",
    "journal",
    "false_parcel",
    "false_market",
    "access",
    "forged",
    "statement",
    "event",
    "support",
)
THIN = ("bg", "ca", "fa", "he", "hi", "hr", "sk", "th")  # that no other file gives the mail of shops


def lines(lang: str) -> list[tuple[str, str]]:
    return [(key, line) for key, said in FILES[lang].items() for line in said]


@pytest.mark.parametrize("lang", FILES)
@pytest.mark.parametrize("kind", WRITTEN)
def test_every_kind_is_written_in_every_language(lang: str, kind: str) -> None:
    rng = Random(1)
    assert kind in modern.kinds_of(writer.words_of(lang))
    for _ in range(15):
        mail = message_from_bytes(modern.write(KINDS[kind], setting(lang, rng), rng))
        assert not re.search(
            r"(?m)[{][a-z]+[}]|^@(goods|list|one|bill|address|stories|parts|offers|terms)|^##? ", shown(mail)
        )
        assert mail["From"]


@pytest.mark.parametrize("lang", FILES)
def test_a_text_has_a_body_and_marks_that_are_drawn(lang: str) -> None:
    for key, line in lines(lang):
        assert texts.parted(line)[1], line
        marks = {part for part in line.split("\n\n") if part.startswith("@")}
        assert marks <= (set(shops._DRAWN) if "parcel" in key or "market" in key or "journal" in key else set()), line


@pytest.mark.parametrize("lang", FILES)
def test_more_is_honest_than_false(lang: str) -> None:
    for bad, honest in (("false_parcel", "parcel"), ("false_market", "market")):
        said = [sum(len(line) for key, line in lines(lang) if key == f"{kind}_text") for kind in (honest, bad)]
        assert said[0] > 1.5 * said[1]


@pytest.mark.parametrize("lang", THIN)
def test_a_thin_language_has_account_mail_that_a_copy_can_copy(lang: str) -> None:
    words = writer.words_of(lang)
    said = [
        text
        for key in ("account", "site", "bank", "host", "courier", "public")
        for text in words.get(f"{key}_text", [])
    ]
    assert len(said) >= 20
    assert sum(map(accounts.wanting, said)) >= 12
