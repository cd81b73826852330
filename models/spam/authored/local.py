"""Mail that is particular to a country: a topic has its senders, the bad texts that bear their names, and what they really write.

A file of ``blocks/local`` is a language, and one of ``blocks/tongues/local`` has more topics of its countries. Its tables are
countries, with ``cta`` (what buttons say), ``names`` (what stands in From beside the sender) and ``said`` (what stands below any of
its notices); their tables are topics: ``from`` (names of ``brands.txt``, ``~`` for a firm that nobody knows, ``*`` for a person who
writes a letter), ``bad``, ``good``, and ``cta`` where the country's do not do. Both sides share sender, facts and buttons. A text that
begins with a line "@..." suits only senders of these names or branches of business; one that ends with a lone ">" goes without a
button.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from models.spam.authored import names, places
from models.spam.authored.facts import facts
from models.spam.authored.settings import recipient
from models.spam.authored.writer import BLOCKS, Setting, words_of

_FOLDERS = (BLOCKS / "local", BLOCKS / "tongues" / "local")  # the first says what all topics of a country share
_NOTICE, _LETTER = ("pose", "local"), ("slip", "errand")  # the kinds of mail that a topic has, the bad one first
_TEXTS_TO_THE_WHOLE = 200  # with so many texts a language would write nothing else
_MOST = 0.35  # of a language's pairs
_SAID = 0.35  # of notices, honest or not
_FIRM, _PERSON = "~", "*"
_ONLY = "@"


@dataclass(frozen=True, slots=True)
class Topic:
    """What somebody in a country writes about, honestly and not."""

    country: str
    name: str
    senders: tuple[str, ...]
    bad: tuple[str, ...]
    good: tuple[str, ...]
    cta: tuple[str, ...]
    shown: tuple[str, ...]  # names in From
    said: tuple[str, ...]  # last lines

    @property
    def kinds(self) -> tuple[str, str]:
        """The bad kind of mail and the honest one."""
        return _LETTER if _PERSON in self.senders else _NOTICE


@cache
def topics(lang: str) -> tuple[Topic, ...]:
    """The topics of all countries of a language; none where it has no file."""
    paths = [path for folder in _FOLDERS if (path := folder / f"{lang}.toml").exists()]
    countries: dict[str, dict[str, Any]] = {}
    for path in paths:
        for country, table in tomllib.loads(path.read_text("utf-8")).items():
            countries[country] = countries.get(country, {}) | table
    return tuple(_read(countries))


def languages() -> tuple[str, ...]:
    """The languages that have topics."""
    return tuple(sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.toml")}))


def _read(countries: Mapping[str, Mapping[str, Any]]) -> Iterator[Topic]:
    for country, table in countries.items():
        for name, topic in table.items():
            if isinstance(topic, dict):
                parts = (
                    topic["from"],
                    topic["bad"],
                    topic["good"],
                    topic.get("cta", table["cta"]),
                    table["names"],
                    table["said"],
                )
                yield Topic(country, name, *map(tuple, parts))


def drawn(lang: str, rng: Random) -> Topic | None:
    """A topic, those of many texts more often; or none, the more often the fewer texts the language has."""
    known = topics(lang)
    texts = [len(topic.bad) + len(topic.good) for topic in known]
    if rng.random() >= min(_MOST, sum(texts) / _TEXTS_TO_THE_WHOLE):
        return None
    return rng.choices(known, texts)[0]


@cache
def senders(topic: Topic, lang: str) -> tuple[str, ...]:
    """The senders of a topic whose name stands on both sides."""
    both = (topic.bad, topic.good)
    return tuple(name for name in topic.senders if all(fitting(texts, name, lang) for texts in both))


def fitting(texts: tuple[str, ...], name: str, lang: str) -> list[str]:
    """The texts that suit a sender, without the line that says so."""
    suits = {name} if name in (_FIRM, _PERSON) else {name, *names.branches(names.brand_named(name, lang), lang)}
    parted = [text[1:].split("\n", 1) if text.startswith(_ONLY) else ["", text] for text in texts]
    return [text for only, text in parted if not only or suits & set(only.split(","))]


def setting(topic: Topic, lang: str, rng: Random) -> Setting:
    """What both sides of a topic share: the words of its language with its own texts, and the facts of its country."""
    to = recipient(lang, rng)
    name = rng.choice(senders(topic, lang))
    brand = names.invented_brand(lang, rng) if name in (_FIRM, _PERSON) else names.brand_named(name, lang)
    slots = {**facts(lang, brand, to, rng), **places.facts(topic.country, rng)}
    own = {"local_names": list(topic.shown)}
    last = f"\n\n{rng.choice(topic.said)}" if rng.random() < _SAID and _PERSON not in topic.senders else ""
    for kind, texts in zip(topic.kinds, (topic.bad, topic.good), strict=True):
        suited = [_ended(text, last) for text in fitting(texts, name, lang)]
        own |= {f"{kind}_text": suited, f"{kind}_cta": list(topic.cta)}
    return Setting(lang, {**words_of(lang), **own}, slots, brand, to)


def _ended(text: str, last: str) -> str:
    """The text with a last line, before the mark that it goes without a button."""
    quiet = "\n\n>" if text.endswith("\n\n>") else ""
    return text.removesuffix(quiet) + last + quiet
