"""A firm that nobody knows, a mail of it in any language and what a mail shows, for the tests of the authored corpus."""

import re
from email.header import decode_header, make_header
from email.message import Message
from random import Random

from models.spam.authored import names, writer
from models.spam.authored.facts import facts

BRAND = names.Brand("Kestrel Goods", "kestrelgoods.example", False)


def setting(lang: str, rng: Random, words: dict[str, list[str]] | None = None) -> writer.Setting:
    to = names.person(lang, rng)
    return writer.Setting(lang, {**writer.words_of(lang), **(words or {})}, facts(lang, BRAND, to, rng), BRAND, to)


def shown(mail: Message) -> str:
    """Subject and texts of a mail, without style sheets and attached files."""
    parts = (part.get_payload(decode=True) for part in mail.walk() if not (part.is_multipart() or part.get_filename()))
    said = "\n".join(part.decode() for part in parts if isinstance(part, bytes))
    return str(make_header(decode_header(mail["Subject"]))) + "\n" + re.sub("(?s)<style.*?</style>", "", said)
