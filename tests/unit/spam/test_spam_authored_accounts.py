"""Honest mail about accounts and the copies of it: the same texts, whole in every language, told apart by where the links go."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from random import Random
from urllib.parse import urlsplit

import pytest

from models.spam.authored import accounts, modern, names, origins, texts, writer
from models.spam.authored.facts import facts
from models.spam.authored.kinds import KINDS
from models.spam.authored.rich import Block, Button, Text

LANGUAGES = sorted(path.stem for path in (writer.BLOCKS / "account").glob("*.toml"))
KNOWN = names.Brand("Kestrel Goods", "kestrelgoods.example", known=True)
SMALL = names.Brand("Kestrel Goods", "kestrelgoods.example", known=False)


KEYS = ("account", "site", "bank", "host", "courier", "public")


def setting(lang: str, brand: names.Brand, rng: Random, words: dict[str, list[str]] | None = None) -> writer.Setting:
    to = names.person(lang, rng)
    return writer.Setting(lang, {**writer.words_of(lang), **(words or {})}, facts(lang, brand, to, rng), brand, to)


def hosts(blocks: list[Block]) -> set[str]:
    """The hosts that buttons and bare links lead to."""
    urls = [b.url for b in blocks if isinstance(b, Button)]
    urls += [b.text for b in blocks if isinstance(b, Text) and b.text.startswith(("http://", "https://"))]
    return {urlsplit(url).hostname or "" for url in urls}


def at_home(host: str) -> bool:
    return host == KNOWN.host or host.endswith("." + KNOWN.host)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["access", "forged"])
def test_both_kinds_are_whole_in_every_language(lang: str, kind: str) -> None:
    rng = Random(1)
    assert kind in modern.kinds_of(writer.words_of(lang))
    for _ in range(40):
        mail = message_from_bytes(modern.write(KINDS[kind], setting(lang, SMALL, rng), rng))
        parts = (p.get_payload(decode=True) for p in mail.walk() if not (p.is_multipart() or p.get_filename()))
        shown = "\n".join(part.decode() for part in parts if isinstance(part, bytes))
        said = str(make_header(decode_header(mail["Subject"]))) + re.sub("(?s)<style.*?</style>", "", shown)
        assert not re.search("[{][a-z0-9]+[}]", said)
        assert mail["From"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_language_has_far_more_honest_account_mail_than_lures_of_its_own(lang: str) -> None:
    words = writer.words_of(lang)
    said = [text for key in KEYS for text in words.get(f"{key}_text", [])]
    assert len(said) >= (200 if lang == "en" else 20)
    assert sum(map(accounts.wanting, said)) >= 12


def test_links_of_a_known_brand_lead_home_or_by_its_sending_service_and_never_by_a_copy() -> None:
    rng, home, tracked, short = Random(2), 0, 0, 0
    for _ in range(200):
        w = writer.Writer(setting("en", KNOWN, rng), rng, bad=False)
        found = hosts(accounts.access(w, "access")[1])
        short += not w.service and not all(map(at_home, found))
        home, tracked = home + any(map(at_home, found)), tracked + bool(w.service)
        w = writer.Writer(setting("en", KNOWN, rng), rng, bad=True)
        buttons = [b for b in accounts.forged(w, "forged")[1] if isinstance(b, Button)]
        assert not any(at_home(urlsplit(b.url).hostname or "") for b in buttons)
    assert home > 100
    assert short < 10  # comments and tickets, which people also send by hand
    assert 10 < tracked < 80


def test_a_small_site_sends_and_links_from_hosts_of_its_own_of_many_sorts() -> None:
    drawn = [origins.origin(SMALL, "en", Random(seed)) for seed in range(300)]
    assert 60 < sum(not at_home(one.site.partition(":")[0]) for one in drawn) < 200
    assert {one.scheme for one in drawn} == {"http", "https"}
    assert any(":" in one.site for one in drawn)


def test_a_copy_says_what_honest_mail_says_and_wants_something_pressed() -> None:
    rng = Random(3)
    said = ["Quiet notice.", "Lost your key?\n\n> Reset it"]
    words = {**{f"{key}_text": said for key in KEYS}, "account_subject": ["Keys"]}
    for _ in range(20):
        w = writer.Writer(setting("en", SMALL, rng, words), rng, bad=True)
        blocks = accounts.forged(w, "forged")[1]
        assert Text("Lost your key?") in blocks
        assert [b.text for b in blocks if isinstance(b, Button)] == ["Reset it"]


def test_a_copy_shows_the_brands_address_over_the_wrong_one_at_times() -> None:
    rng, shown = Random(4), 0
    words = {"account_text": ["Reset it here:\n\n> *"], "account_subject": ["Keys"]}
    for _ in range(100):
        w = writer.Writer(setting("en", KNOWN, rng, words), rng, bad=True)
        shown += any(
            isinstance(b, Button) and at_home(urlsplit(b.text).hostname or "") for b in accounts.forged(w, "forged")[1]
        )
    assert 20 < shown < 60


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_text_with_a_subject_has_a_body_too(lang: str) -> None:
    for key in (*KEYS, "work", "community", "statement"):
        assert all(texts.parted(text)[1] for text in writer.words_of(lang).get(f"{key}_text", []))


def test_a_well_known_brand_speaks_of_its_own_business_and_runs_no_clubs_forum() -> None:
    rng = Random(5)
    words = {f"{key}_text": [f"{key}."] for key in KEYS}
    of = {"Netflix": {"account."}, "PayPal": {"account.", "bank."}, "": {f"{key}." for key in KEYS}}
    for name, spoken in of.items():
        brand = names.brand_named(name, "en") if name else SMALL
        said = {
            block.text
            for _ in range(120)
            for block in accounts.access(writer.Writer(setting("en", brand, rng, words), rng, bad=False), "access")[1]
            if isinstance(block, Text)
        }
        assert said & {f"{key}." for key in KEYS} == spoken
