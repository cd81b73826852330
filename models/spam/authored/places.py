"""The made-up facts of one country: its money, telephone numbers, towns, and the numbers of people, firms, cases, bills and parcels."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

_PLACES = Path(__file__).with_name("places.toml")
_SHAPES = ("id", "firmid", "case", "line", "parcel", "plate")
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


@cache
def _places() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(_PLACES.read_text("utf-8"))


def countries() -> frozenset[str]:
    """The countries that have facts, by two small letters."""
    return frozenset(_places())


def facts(country: str, rng: Random) -> dict[str, str]:
    """What the slots of a country's texts are filled with, beside or in place of ``facts.facts``."""
    place = _places()[country]
    form = rng.choice(place["money"])
    towns = rng.sample(place["city"], 2)
    return {
        "small": _money(place, form, rng.randrange(1, 5), rng.randrange(100)),
        "fee": _money(place, form, rng.randrange(6, 95), rng.choice([0, 90, 99, 95, 50, rng.randrange(100)])),
        "amount": _money(
            place, form, rng.choice([rng.randrange(60, 900), rng.randrange(900, 9000)]), rng.randrange(100)
        ),
        "phone": _drawn(rng.choice(place["phone"]), rng),
        "city": towns[0],
        "town": towns[1],
        **{shape: _drawn(rng.choice(place[shape]), rng) for shape in _SHAPES},
    }


def _money(place: Mapping[str, Any], form: str, whole: int, cents: int) -> str:
    """An amount as the country writes it; round, and without hundredths, where the euro has many units."""
    units = round((whole * 100 + cents) * place.get("coins", 1) / 100, -1)
    english = f"{units:,.0f}" if "coins" in place else f"{whole:,}.{cents:02d}"
    return str(form.format(english.translate(str.maketrans(",.", ".,")) if place["comma"] else english))


def _drawn(shape: str, rng: Random) -> str:
    """A number of the shape: # is a digit, @ a capital letter."""
    return "".join(
        str(rng.randrange(10)) if mark == "#" else rng.choice(_LETTERS) if mark == "@" else mark for mark in shape
    )
