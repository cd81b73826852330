"""Who lives where mail of a language is read: names, streets, towns, firms and mailboxes; one in eight of elsewhere, as people move."""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

ELSEWHERE = 0.125  # of people, towns and firms, those of another language's countries
_FILE = Path(__file__).with_name("people.toml")
_UNACCENTED = {"ß": "ss", "ø": "o", "æ": "ae", "ı": "i", "ł": "l", "đ": "d"}
_UMLAUTS = {"ü": "ue", "ö": "oe", "ä": "ae"}


@dataclass(frozen=True, slots=True)
class Word:
    """A name as its own language writes it, and in Latin letters."""

    said: str
    latin: str


@dataclass(frozen=True, slots=True)
class People:
    """The pools of one language."""

    lang: str
    men: tuple[Word, ...]
    women: tuple[Word, ...]
    last: tuple[Word, ...]
    last_of_women: tuple[Word, ...]
    order: str  # how {first} and {last} make a name
    streets: tuple[str, ...]
    cities: tuple[Word, ...]
    firms: tuple[tuple[str, str], ...]  # ending of the country's hosts, and {} in its legal form
    trades: tuple[str, ...]
    mail: tuple[str, ...]

    @property
    def is_latin(self) -> bool:
        """Whether its own letters are Latin ones."""
        return all(word.said == word.latin for word in self.cities)


def _words(lines: list[str], *, of_women: bool = False) -> tuple[Word, ...]:
    """Lines "said", "said=latin" or, with forms of a man's and a woman's name, "said/said=latin/latin"."""
    form, words = -1 if of_women else 0, []
    for line in lines:
        said, _, latin = line.partition("=")
        words.append(Word(said.split("/")[form], (latin or said).split("/")[form]))
    return tuple(words)


def _people(lang: str, pool: Mapping[str, list[str]], order: str) -> People:
    firms = tuple((tld, form) for tld, _, form in (line.partition(" ") for line in pool["firms"]))
    return People(
        lang, _words(pool["men"]), _words(pool["women"]), _words(pool["last"]), _words(pool["last"], of_women=True), order,
        tuple(pool["streets"]), _words(pool["cities"]), firms, tuple(pool["trades"]), tuple(pool["mail"]),
    )  # fmt: skip


@cache
def _all() -> Mapping[str, People]:
    read = tomllib.loads(_FILE.read_text("utf-8"))
    return {lang: _people(lang, pool, pool.get("name", "{first} {last}")) for lang, pool in read.items()}


@cache
def languages() -> tuple[str, ...]:
    """The languages that have people."""
    return tuple(_all())


def of(lang: str) -> People:
    """The pools of a language.

    Raises:
        KeyError: it has none.
    """
    return _all()[lang]


@cache
def _strangers(lang: str, *, latin: bool) -> tuple[People, ...]:
    return tuple(people for people in _all().values() if people.lang != lang and (people.is_latin or not latin))


def drawn(lang: str, rng: Random, *, latin: bool = False) -> People:
    """The people of the language, or those of another one; ``latin``: of elsewhere only such as write Latin letters."""
    return rng.choice(_strangers(lang, latin=latin)) if rng.random() < ELSEWHERE else of(lang)


def written(word: Word, people: People, lang: str) -> str:
    """A name in mail of ``lang``: that of elsewhere in Latin letters."""
    return word.said if people.lang == lang else word.latin


def street(lang: str, rng: Random) -> str:
    """A street and number of a country of the language."""
    home = of(lang)
    last, city = rng.choice(home.last).said, rng.choice(home.cities).said
    return rng.choice(home.streets).format(last=last, city=city, n=rng.randrange(1, 140))


def ascii_letters(name: str, lang: str = "de") -> str:
    """What of a name may stand in a host or an address, in small letters; where German is spoken ü is ue, elsewhere u."""
    bare = {**_UNACCENTED, **(_UMLAUTS if lang == "de" else {})}
    plain = "".join(bare.get(letter, letter) for letter in unicodedata.normalize("NFC", name.lower()))
    apart = unicodedata.normalize("NFKD", plain)
    return "".join(letter for letter in apart if letter.isascii() and (letter.isalnum() or letter in " -"))
