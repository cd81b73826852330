"""Notices of a desk: one's own mail server, personnel office or help desk, or that of some authority, supplier or service.

Such mail bears no brand that everybody knows: the desk's name alone says who writes. A text names its desk in a paragraph of its own,
"@ name" for a desk of the firm that writes and "@@ name" for one at the recipient's own domain. An honest desk sends from and links
to that domain, or to the rented place where it has its pages; a false one only talks of it.
"""

from dataclasses import replace
from random import Random

from models.spam.authored import bodies, links, names, origins, texts
from models.spam.authored.facts import facts
from models.spam.authored.names import Brand
from models.spam.authored.rich import Block
from models.spam.authored.writer import Setting, Writer, words_of

_OWN, _MARKS = "@@ ", "@ "  # before a desk at the recipient's own domain; and what stands before any
_LOCALS = [
    "noreply", "no-reply", "notice", "service", "support", "info", "notifications", "donotreply", "portal", "documents", "office",
    "billing", "accounts", "contact", "mail", "hello",
]  # fmt: skip
_LOCALS_AT_HOME = [
    "noreply", "no-reply", "postmaster", "admin", "support", "hr", "payroll", "quarantine", "mailer-daemon", "portal", "helpdesk", "it",
    "notifications", "system", "root", "cpanel", "office", "mailadmin", "scanner", "voicemail", "hostmaster",
]  # fmt: skip
_NAMED = 0.75  # of mails, those whose From says the desk's name; the others are called as machines are
# what a desk is called otherwise: a firm's; and one at home or a false one
_FIRMS = ["{host}", "{brand}", "noreply", "Notification", "{brand} (no reply)", "no-reply@{host}"]
_MACHINES = ["{host}", "{email}", "{local}", "noreply", "Notification", "Postmaster", "no-reply@{site}", "{site}"]
_BRANDED = 0.12  # of false desks, those that bear a known brand in the From and nowhere else
_BRANCHES = frozenset({"mail", "host", "document"})
_SHOWN = "desk"  # the slot that keeps the name between body and sender


def setting(lang: str, rng: Random) -> Setting:
    """Somebody with a mailbox at a firm's domain, and a firm that nobody knows."""
    to, brand = names.person(lang, rng, names.invented_brand(lang, rng).host), names.invented_brand(lang, rng)
    return Setting(lang, words_of(lang), {**facts(lang, brand, to, rng), "site": to.host}, brand, to)


def said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a notice of a desk, honest or not."""
    subject, text = texts.parted(w.say(f"{kind}_text"))
    named, _, text = text.partition("\n\n")
    if named.startswith(_OWN):
        house = _house(w.setting.to.host)
        w.setting, w.slots = replace(w.setting, brand=house), {**w.slots, "brand": house.name, "host": house.host}
    w.slots[_SHOWN] = named.lstrip(_MARKS)
    _settle(w)
    return subject, bodies.notice(w, kind, text)


def sender(w: Writer) -> tuple[str, str]:
    """The desk by name or as machines are called, at its host."""
    at_home = w.setting.brand.host == w.setting.to.host
    name = _shown(w, _MACHINES if at_home else _FIRMS)
    return name, f"{w.rng.choice(_LOCALS_AT_HOME if at_home else _LOCALS)}@{w.sent_from}"


def impostor(w: Writer) -> tuple[str, str]:
    """The desk's name before a trick, or that of a brand of which the text says nothing."""
    if w.rng.random() < _BRANDED:
        brand = names.known_brand(_BRANCHES, w.setting.lang, w.rng)
        return brand.name, links.trick_sender(brand, w.setting.to.host, w.setting.lang, w.rng)
    return _shown(w, _MACHINES), links.trick_sender(w.setting.brand, w.setting.to.host, w.setting.lang, w.rng)


def _house(host: str) -> Brand:
    """The recipient's own firm, as far as its domain tells."""
    return Brand(host.partition(".")[0].capitalize(), host, known=False)


def _settle(w: Writer) -> None:
    """Where the mail comes from and where its links lead."""
    brand = w.setting.brand
    if w.bad:
        w.place = links.trick_url(brand, w.setting.lang, w.rng)
        return
    home = origins.origin(brand, w.setting.lang, w.rng)
    w.site, w.sent_from, w.service = home.site, home.sender, w.service if home.tracked else ""


def _shown(w: Writer, otherwise: list[str]) -> str:
    return w.slots[_SHOWN] if w.rng.random() < _NAMED else w.spun(w.rng.choice(otherwise))
