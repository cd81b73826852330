"""A firm that nobody knows, and a mail of it in any language, for the tests of the authored corpus."""

from random import Random

from models.spam.authored import names, writer
from models.spam.authored.facts import facts

BRAND = names.Brand("Kestrel Goods", "kestrelgoods.example", False)


def setting(lang: str, rng: Random, words: dict[str, list[str]] | None = None) -> writer.Setting:
    to = names.person(lang, rng)
    return writer.Setting(lang, {**writer.words_of(lang), **(words or {})}, facts(lang, BRAND, to, rng), BRAND, to)
