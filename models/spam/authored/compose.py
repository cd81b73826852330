"""The authored corpus: every trick beside its honest twin.

A twin has the brand, the pretext, the language, the layout and the made-up facts of its trick; it differs in what is asked and in
where the links go. A model that calls both the same has learnt the topic, not the trick.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from models.spam.authored import links, modern, names
from models.spam.authored.facts import facts
from models.spam.authored.layout import Look, Parts, render
from models.spam.authored.names import Brand, Person
from models.spam.authored.spin import spin

SOURCE = "authored"
_WORDS = Path(__file__).parent / "words"
_BRANCHES = {
    "credential": "mail,bank,host,account",
    "parcel": "parcel",
    "invoice": "pay,telecom,shop,host,stream,account",
    "voicemail": "voice,mail",
    "payroll": "",
    "mfa": "mail,bank,account,crypto",
    "document": "document",
    "suspension": "pay,account,bank,stream,mail,shop",
    "tax": "tax",
    "crypto": "crypto",
    "bec": "",
    "advance": "",
    "promo": "shop,telecom",
    "ham": "shop,account",
}
_PERSONAL = frozenset({"bec", "advance"})  # written by a person, without brand or button
_SPAM = frozenset({"promo", "advance"})
_WEIGHTS = {
    "credential": 16,
    "parcel": 12,
    "invoice": 12,
    "voicemail": 5,
    "payroll": 6,
    "mfa": 7,
    "document": 8,
    "suspension": 14,
    "tax": 5,
    "crypto": 6,
    "bec": 8,
    "advance": 7,
    "promo": 14,
}
_LANGUAGE_WEIGHTS = {"en": 40, "de": 12, "pt": 12, "fr": 9, "es": 9, "it": 6, "nl": 7, "pl": 5}
_OTHER_LANGUAGE_WEIGHT = 3
_INTERNAL = {"credential", "voicemail", "payroll", "document", "mfa"}  # pretexts that often name the victim's own firm
_DESKS = [
    "IT Helpdesk",
    "Webmail",
    "Mail Server",
    "HR Department",
    "IT Support",
    "Administrator",
    "cPanel",
    "Payroll",
    "Office Scanner",
]


@dataclass(frozen=True, slots=True)
class Mail:
    """One message of the corpus; ``label`` is ham, spam or phish, ``split`` train or dev."""

    raw: bytes
    label: str
    kind: str
    lang: str
    split: str


@dataclass(frozen=True, slots=True)
class _Case:
    """What a trick and its twin share."""

    kind: str
    lang: str
    brand: Brand
    recipient: Person
    slots: Mapping[str, str]
    look: Look


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a word file."""
    return tuple(sorted(path.stem for path in _WORDS.glob("*.toml")))


@cache
def _words(lang: str) -> dict[str, Any]:
    return tomllib.loads((_WORDS / f"{lang}.toml").read_text("utf-8"))


def _brand(kind: str, lang: str, to: Person, rng: Random) -> Brand:
    if kind == "payroll" or (kind in _INTERNAL and rng.random() < 0.35):
        host = to.host
        return Brand(
            rng.choice(
                [*_DESKS, f"{host.partition('.')[0].capitalize()} {rng.choice(['Support', 'HR', 'IT', 'Mail'])}"]
            ),
            host,
            False,
        )
    if rng.random() < 0.4:
        return names.invented_brand(lang, rng)
    return names.known_brand(frozenset(_BRANCHES[kind].split(",")), lang, rng)


def _case(kind: str, lang: str, rng: Random) -> _Case:
    to = names.person(lang, rng, names.invented_brand(lang, rng).host if rng.random() < 0.7 else None)
    brand = _brand(kind, lang, to, rng)
    looks = [Look.PLAIN, Look.SIMPLE, Look.BARE] if kind in _PERSONAL else list(Look)
    weights = [3, 1, 1] if kind in _PERSONAL else [2, 3, 5, 2, 1, 3]
    return _Case(kind, lang, brand, to, facts(lang, brand, to, rng), rng.choices(looks, weights)[0])


def _paragraphs(case: _Case, key: str, rng: Random, *, most: int) -> list[str]:
    pool = _words(case.lang)[case.kind][key]
    return [spin(text, rng, case.slots) for text in rng.sample(pool, min(len(pool), rng.randint(1, most)))]


def _picture(host: str, rng: Random) -> str:
    return f"https://{host}/{rng.choice(['img', 'assets', 'i'])}/{names.random_word(rng)}.png"


def _one(pool: list[str], case: _Case, rng: Random) -> str:
    return spin(rng.choice(pool), rng, case.slots) if pool else ""


def trick(case: _Case, rng: Random) -> bytes:
    """The message that deceives (or, of kind promo and advance, that nobody asked for)."""
    words, personal = _words(case.lang), case.kind in _PERSONAL
    blocks = [_one(words["greet_cold" if rng.random() < 0.6 else "greet"], case, rng)] if rng.random() < 0.85 else []
    blocks += _paragraphs(case, "bad", rng, most=2)
    if not personal and rng.random() < 0.55:
        blocks.append(_one(words["urgent"], case, rng))
    blocks.append(_one(words["bye"], case, rng) if not personal else case.slots["sender"])
    pool = words[case.kind]["cta"]
    url = links.trick_url(case.brand, case.lang, rng) if pool and rng.random() < 0.93 else ""
    shown = (
        f"https://www.{case.brand.host}/{rng.choice(['', 'login', 'account'])}" if url and rng.random() < 0.15 else ""
    )
    host = case.recipient.host
    boss = names.person(case.lang, rng, rng.choice([None, host, names.stranger_host(case.lang, rng)]))
    return render(
        Parts(
            sender_name=boss.name if personal else case.brand.name,
            sender=boss.address if personal else links.trick_sender(case.brand, host, case.lang, rng),
            reply_to=names.free_mail(case.lang, rng) if rng.random() < (0.4 if personal else 0.08) else "",
            recipient=case.recipient.address,
            subject=_one(words[case.kind]["subject"], case, rng),
            paragraphs=tuple(blocks),
            button=_one(pool, case, rng) if url else "",
            url=url,
            shown_url=shown,
            footer="" if personal else _one(words["foot_bad" if rng.random() < 0.7 else "foot"], case, rng),
            preheader="",
            logo=_picture(rng.choice([case.brand.host, names.stranger_host(case.lang, rng)]), rng)
            if rng.random() < 0.6
            else "",
        ),
        case.look,
        rng,
    )


def honest(case: _Case, rng: Random) -> bytes:
    """The message that looks alike and is what it says."""
    words, personal = _words(case.lang), case.kind in _PERSONAL
    warm = case.kind == "ham" and rng.random() < 0.4
    blocks = [_one(words["greet" if rng.random() < 0.85 else "greet_cold"], case, rng)] if rng.random() < 0.85 else []
    blocks += _paragraphs(case, "honest", rng, most=3)
    blocks.append(case.slots["sender"] if personal or warm else _one(words["bye"], case, rng))
    pool = [] if warm else words[case.kind]["cta"]
    url = links.honest_url(case.brand, rng) if pool and rng.random() < 0.85 else ""
    host = case.recipient.host
    colleague = names.person(case.lang, rng, rng.choice([None, host, names.invented_brand(case.lang, rng).host]))
    preheader = (
        blocks[min(1, len(blocks) - 1)][:100] if case.look in (Look.CARD, Look.BOTH) and rng.random() < 0.5 else ""
    )
    return render(
        Parts(
            sender_name=colleague.name if personal or warm else case.brand.name,
            sender=colleague.address if personal or warm else links.honest_sender(case.brand, rng),
            reply_to=f"support@{case.brand.host}" if not personal and not warm and rng.random() < 0.1 else "",
            recipient=case.recipient.address,
            subject=_one(words[case.kind]["subject"], case, rng),
            paragraphs=tuple(blocks),
            button=_one(pool, case, rng) if url else "",
            url=url,
            shown_url=url if url and rng.random() < 0.08 else "",
            footer=""
            if personal or warm
            else " ".join(_one(words["foot"], case, rng) for _ in range(rng.randint(1, 2))),
            preheader=preheader,
            logo=_picture(case.brand.host, rng) if rng.random() < 0.6 else "",
        ),
        case.look,
        rng,
    )


def _language(rng: Random) -> str:
    known = languages()
    return rng.choices(known, [_LANGUAGE_WEIGHTS.get(lang, _OTHER_LANGUAGE_WEIGHT) for lang in known])[0]


def generate(seed: int, pairs: int, *, dev_share: float = 0.1) -> Iterator[Mail]:
    """Pairs of trick and twin with more honest mail beside them: short mail, and as many pairs of longer mail (``modern``).

    Args:
        seed: the same seed gives the same octets.
        pairs: how many pairs.
        dev_share: share of pairs that get ``split`` dev; both of a pair share it.
    """
    rng = Random(seed)
    for number in range(pairs):
        kind, lang = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0], _language(rng)
        case, split = _case(kind, lang, rng), "dev" if rng.random() < dev_share else "train"
        yield Mail(trick(case, rng), "spam" if kind in _SPAM else "phish", kind, lang, split)
        yield Mail(honest(case, rng), "ham", kind, lang, split)
        if number % 2:
            yield Mail(honest(_case("ham", lang, rng), rng), "ham", "ham", lang, split)
        split = "dev" if rng.random() < dev_share else "train"
        for kind, label, lang, raw in modern.pair(rng):
            yield Mail(raw, label, kind, lang, split)
