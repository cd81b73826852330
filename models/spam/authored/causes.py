"""Who asks for help: charities, parties, unions, clubs and the rest, by language and topic, with the facts that their mail turns on."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from models.spam.authored import names
from models.spam.authored.names import Brand
from models.spam.authored.spin import spin

_FILE = Path(__file__).with_name("causes.toml")
_KNOWN = frozenset(
    {"aid", "nature", "rights", "animals", "health", "software", "media"}
)  # topics with known names in brands.txt
_KNOWN_SHARE = 0.3
DESKS = "desk_"  # organisations that report and do not collect
_SCALE = {
    "sv": 10, "da": 10, "nb": 10, "cs": 25, "hu": 400, "pl": 4, "ro": 5, "tr": 40, "ru": 100, "uk": 50, "hi": 100, "ja": 100,
    "ko": 1000, "id": 10_000, "vi": 20_000, "th": 40, "he": 4, "fa": 50_000, "zh": 10, "sk": 1, "bg": 2,
}  # fmt: skip
_ENGLISH_COMMAS = ("en", "zh", "ja", "ko", "he", "hi", "th", "ar", "fa")
_SPACED = ("fr", "pl", "ru", "uk", "cs", "sk", "hu", "sv", "nb", "fi", "bg")
_GIFTS = [(3, 10, 25), (5, 25, 50), (5, 10, 20), (10, 25, 100), (15, 30, 60), (20, 50, 100), (25, 50, 250), (7, 27, 47)]
_ROUND = [5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 120, 150, 250, 300, 400, 500, 750, 1000]  # thousands


@dataclass(frozen=True, slots=True)
class Cause:
    """Who asks, about what, and the facts that its mail shares."""

    topic: str
    brand: Brand
    money: str  # the form of its sums, such as "${}"
    slots: Mapping[str, str]


@cache
def _all() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads(_FILE.read_text("utf-8"))


def _words(lang: str) -> Mapping[str, list[str]]:
    return {**_all()["any"], **_all().get(lang, {})}


def topics(lang: str, group: str = "org_") -> list[str]:
    """The topics whose organisations the language can name; with the group ``DESKS`` those that only report as well."""
    groups = ("org_", group)
    return [key.partition("_")[2] for key in _words(lang) if key.startswith(groups)]


def whole(lang: str, number: int) -> str:
    """A whole number as the language writes it."""
    mark = "," if lang in _ENGLISH_COMMAS else " " if lang in _SPACED else "."
    return f"{number:,}".replace(",", mark)


def slots(lang: str, money: str, rng: Random) -> dict[str, str]:
    """Round gifts, goals, crowds, parties and places; ``money`` is a form such as "${}"."""
    scale, words, gifts = _SCALE.get(lang, 1), _words(lang), rng.choice(_GIFTS)
    goal = rng.choice(_ROUND) * 1000
    cities = words.get("city", [names.city(lang, rng)])
    local = {"city": rng.choice(cities), "last": names.last_name(lang, rng)}
    leader = names.person(lang, rng)
    raised = goal * rng.randrange(31, 97) // 100 // 10 * 10
    sums = {
        "five": gifts[0], "ten": gifts[1], "fifty": gifts[2], "goal": goal,
        "raised": raised, "missing": goal - raised,
    }  # fmt: skip
    return {
        **({"city": rng.choice(cities), "town": rng.choice(cities)} if "city" in words else {}),
        **{name: money.format(whole(lang, value * scale)) for name, value in sums.items()},
        "crowd": whole(lang, rng.choice([rng.randrange(1100, 9900), rng.randrange(10_000, 990_000), rng.choice(_ROUND) * 1000])),
        "several": str(rng.choice([3, 4, 5, 6, 8, 12, 14, 20, 25, 30, 40, 60, 80])),
        "party": spin(rng.choice(words["party"]), rng, local),
        "rivals": spin(rng.choice(words["party"]), rng, local),
        "candidate": leader.name,
        "leader": leader.last,
        "rival": names.person(lang, rng).last,
        "region": rng.choice(words["region"]),
        "land": rng.choice(words["land"]),
    }  # fmt: skip


def drawn(lang: str, rng: Random, among: Sequence[str] = ()) -> Cause:
    """An organisation of some topic, or of one ``among`` these; some are known by name."""
    topic = rng.choice(among or topics(lang))
    words = _words(lang)
    money = rng.choice(words.get(f"money_{topic}", words["money"]))
    facts = slots(lang, money, rng)
    facts["topic"] = topic
    if topic in _KNOWN and rng.random() < _KNOWN_SHARE:
        return Cause(topic, names.known_brand(frozenset({f"cause-{topic}"}), lang, rng), money, facts)
    name = spin(
        rng.choice(words.get(f"org_{topic}") or words[f"{DESKS}{topic}"]),
        rng,
        {"city": names.city(lang, rng), **facts, "last": names.last_name(lang, rng)},
    )
    return Cause(
        topic, Brand(name, names.host_of(name, words.get(f"tld_{topic}", words["tld"]), rng), False), money, facts
    )
