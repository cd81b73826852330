"""How mail programs put the mails below one another: each quoted in the next, or one after the other under a rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from models.spam.authored import facts
from models.spam.authored.names import Person
from models.spam.authored.rich import Block, Quote, Text
from models.spam.authored.spin import spin
from models.spam.authored.writer import Writer

_AWAKE = range(7, 22)  # hours of the day


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two who write to one another."""

    person: Person
    other: Person
    slots: Mapping[str, str]  # {first} and {name} are those of the other
    signature: str
    lines: list[str]  # what is left to say

    def say(self, text: str, rng: Random) -> str:
        """``text`` as this side writes it."""
        return spin(text, rng, self.slots)


def _stamps(w: Writer, count: int) -> list[tuple[str, str]]:
    """Day and time of each mail below, going back."""
    rng = w.rng
    moment = datetime(
        rng.choice([2024, 2025, 2026]),
        rng.randrange(1, 13),
        rng.randrange(1, 29),
        rng.randrange(7, 20),
        rng.randrange(60),
    )
    stamps = []
    for _ in range(count):
        stamps.append((facts.written(w.setting.lang, moment.day, moment.month, moment.year, rng), f"{moment:%H:%M}"))
        moment -= timedelta(minutes=rng.choice([40, 300, 1500, 3000, 9000]) + rng.randrange(90))
        moment = moment.replace(hour=moment.hour if moment.hour in _AWAKE else rng.choice(_AWAKE))
    return stamps


def fields(w: Writer, who: Person, date: str, to: str, subject: str) -> str:
    """What a mail program writes above a mail that is answered or forwarded."""
    values = (f"{who.name} <{who.address}>", date, to, subject)
    return "\n".join(f"{mark}: {value}" for mark, value in zip(w.dress["marks"], values, strict=True))


def nested(w: Writer, older: list[tuple[Side, str]]) -> list[Block]:
    """Each mail quotes the one before, as Gmail and Apple Mail do."""
    manner = w.rng.choice(
        [line for line in w.dress.get("wrote", []) if line[0] not in "-_"] or ["{other}, {date} {time}:"]
    )
    quote: Quote | None = None
    for (side, body), (date, time) in zip(reversed(older), reversed(_stamps(w, len(older))), strict=True):
        slots = {**side.slots, "date": date, "time": time, "other": side.person.name, "freemail": side.person.address}
        quote = Quote(spin(manner, w.rng, slots), body, quote)
    return [quote] if quote else []


def flat(w: Writer, older: list[tuple[Side, str]], subject: str) -> list[Block]:
    """The mails below one another under a rule and four fields each, as Outlook does."""
    rules = [line for line in w.dress.get("wrote", []) if line[0] in "-_"]
    rule = w.rng.choice([*rules, "", "_" * 32])
    blocks: list[Block] = []
    for (side, body), (date, time) in zip(older, _stamps(w, len(older)), strict=True):
        head = fields(w, side.person, f"{date} {time}", f"{side.other.name} <{side.other.address}>", subject)
        blocks += [Text(f"{rule}\n{head}".strip()), Text(body)]
    return blocks
