"""Whose mail it is: a recipient, and a brand or a cause with the facts that an honest mail and the bad one beside it share."""

from collections.abc import Sequence
from random import Random

from models.spam.authored import causes, names
from models.spam.authored.facts import facts
from models.spam.authored.names import Brand, Person
from models.spam.authored.writer import Setting, words_of


def recipient(lang: str, rng: Random) -> Person:
    """Somebody at a firm, or with a mailbox of a free mail host."""
    return names.person(lang, rng, names.invented_brand(lang, rng).host if rng.random() < 0.6 else None)


def of_brand(branches: frozenset[str], lang: str, rng: Random) -> Setting:
    """Mail of a brand in one of the branches of business."""
    to, brand = recipient(lang, rng), _brand(branches, lang, rng)
    return Setting(lang, words_of(lang), facts(lang, brand, to, rng), brand, to)


def of_cause(lang: str, rng: Random, among: Sequence[str] = ()) -> Setting:
    """Mail of an organisation that asks for help, or of one of the topics ``among``."""
    to, cause = recipient(lang, rng), causes.drawn(lang, rng, among)
    slots = {**facts(lang, cause.brand, to, rng, cause.money), **cause.slots}
    return Setting(lang, words_of(lang), slots, cause.brand, to)


def _brand(branches: frozenset[str], lang: str, rng: Random) -> Brand:
    """A brand whose business the kind of mail is; half of them nobody has heard of."""
    return names.invented_brand(lang, rng) if rng.random() < 0.5 else names.known_brand(branches, lang, rng)
