"""The authored corpus: deterministic, complete in every language, every trick beside its twin."""

import tomllib
from email import message_from_bytes
from random import Random

import pytest

from models.spam import authored
from models.spam.authored import compose, links, modern, names, writer
from models.spam.authored.facts import facts
from models.spam.authored.kinds import KINDS
from models.spam.authored.spin import spin


def test_the_same_seed_gives_the_same_octets_and_another_seed_others() -> None:
    first = list(authored.generate(3, 60))
    assert first == list(authored.generate(3, 60))
    assert {m.raw for m in first}.isdisjoint(m.raw for m in authored.generate(4, 60))


def test_every_trick_is_followed_by_its_honest_twin() -> None:
    mails = list(authored.generate(5, 200))
    tricks = [index for index, mail in enumerate(mails) if mail.label != "ham"]
    assert len(tricks) == 400
    for index in tricks:
        bad, good = mails[index], mails[index + 1]
        assert good.label == "ham"
        assert (bad.lang, bad.split) == (good.lang, good.split)
        assert message_from_bytes(bad.raw)["To"] == message_from_bytes(good.raw)["To"]


@pytest.mark.parametrize("lang", authored.languages())
def test_every_part_of_every_language_expands(lang: str) -> None:
    rng = Random(1)
    slots = facts(lang, names.invented_brand(lang, rng), names.person(lang, rng), rng)
    words = compose._words(lang)
    assert set(words) >= {*compose._WEIGHTS, "ham", "greet", "greet_cold", "bye", "urgent", "foot", "foot_bad"}
    lists = [part for value in words.values() for part in (value.values() if isinstance(value, dict) else [value])]
    parts = [part for one in lists for part in one]
    for part in parts:
        text = spin(part, rng, slots)
        assert "{" not in text, part
        assert "[" not in text, part


@pytest.mark.parametrize("lang", writer.languages())
def test_every_block_of_every_language_expands_and_every_kind_of_mail_can_be_written(lang: str) -> None:
    rng = Random(1)
    brand, to = names.invented_brand(lang, rng), names.person(lang, rng)
    words = writer.words_of(lang)
    setting = writer.Setting(lang, words, facts(lang, brand, to, rng), brand, to)
    assert len(words["labels"]) == 11
    blocks = [tomllib.loads(path.read_text("utf-8")) for path in writer.block_files(lang)]
    for part in (part for file in blocks for parts in file.values() for part in parts):
        text = spin(part, rng, setting.slots)
        assert "{" not in text, part
        assert "[" not in text, part
    for kind in modern.kinds_of(words):
        for _ in range(8):
            assert message_from_bytes(modern.write(KINDS[kind], setting, rng))["From"], kind


def test_honest_and_bad_mail_of_today_look_alike() -> None:
    """Neither HTML, pictures nor small print may give the label away."""
    dressed = {name for name, kind in KINDS.items() if kind.small and not (kind.drowned or name == "page")}
    mails = [m for m in authored.generate(11, 500) if m.kind in dressed]
    share = {}
    for bad in (False, True):
        some = [message_from_bytes(m.raw) for m in mails if (m.label != "ham") is bad]
        share[bad] = sum(any(p.get_content_subtype() == "html" for p in m.walk()) for m in some) / len(some)
    assert abs(share[True] - share[False]) < 0.1


def test_spin_refuses_an_open_bracket_and_an_unknown_slot() -> None:
    with pytest.raises(ValueError, match="not closed"):
        spin("a [b|c", Random(1), {})
    with pytest.raises(KeyError):
        spin("{nobody}", Random(1), {})
    assert spin("[a[b|b]|ab] {x} | z", Random(1), {"x": "[y]"}) == "ab [y] | z"


def test_honest_links_stay_with_the_brand_or_its_mail_service_and_tricks_never_do() -> None:
    rng, brand = Random(2), names.Brand("Kestrel Bank", "kestrelbank.example", False)
    tricks = [links.trick_url(brand, "en", rng) for _ in range(400)]
    for url in tricks:
        host = url.partition("//")[2].partition("/")[0].rpartition("@")[2]
        assert host != brand.host, url
        assert not host.endswith("." + brand.host), url
    at_home = [url for url in (links.honest_url(brand, rng) for _ in range(400)) if "kestrelbank.example/" in url]
    assert len(at_home) > 250


def test_at_least_twenty_languages() -> None:
    assert len({*authored.languages(), *writer.languages()}) >= 20
