"""Mail about access to an account, of firms and of small sites that nobody knows; and copies of it whose link alone is wrong.

A reset of a password is honest or not by where its link goes. So both kinds say the same texts: the honest one under a host that is
the sender's own in one of the ways of the real world, the copy with the same page at a host that has nothing to do with the sender.
"""

from collections.abc import Mapping

from models.spam.authored import bodies, links, names, origins, texts
from models.spam.authored.rich import Block, Button, Text
from models.spam.authored.writer import Setting, Writer

# texts of one business: of well-known brands only those whose branches these are say them, and "site" none of them
_BUSINESSES = {
    "bank": frozenset({"bank", "pay", "crypto"}),
    "host": frozenset({"host", "mail", "saas", "document"}),
    "courier": frozenset({"parcel"}),
    "public": frozenset({"tax", "public", "insure", "energy", "health"}),
}
_SITE = "site"  # of organisations that run something for themselves
_BESIDES = {"work": 1, "community": 1, "statement": 1}  # what honest mail says as well
_LOCALS = [
    "noreply", "no-reply", "noreply", "no_reply", "accounts", "security", "account", "support", "info", "hello", "id", "help",
    "verify", "notifications", "notify", "mailer", "do-not-reply", "account-security-noreply", "team", "service", "donotreply",
]  # fmt: skip
_LOCALS_OF_SMALL = [
    "admin", "root", "wordpress", "webmaster", "postmaster", "forum", "moodle", "nextcloud", "gitlab", "git", "wiki", "login", "auth",
    "system", "portal", "it", "helpdesk", "www-data", "office", "members", "registration", "edv", "secretaria", "contact",
]  # fmt: skip
_NAMES = [
    "{brand}", "{brand}", "{brand}", "{brand}", "{brand} Accounts", "{brand} Security", "{brand} Support", "{host}", "The {brand} Team",
    "{brand} ID", "{brand} (no reply)", "{brand} Notifications", "Account services", "{friend} from {brand}",
]  # fmt: skip
_NAMES_OF_SMALL = [
    "noreply@{host}",
    "IT Service Desk",
    "WordPress",
    "{person} via {brand}",
    "Portal",
    "{brand} Forum",
    "{person}",
]
_SAME = 0.75  # of mails, those whose links are all one
_OWN_SUBJECT = 0.97  # of texts that bring a subject, those that keep it
_DRAWS = 20  # for a text with a link, in a language that may have few
_COPIED = 0.55  # of copies, those whose link bears the page of the honest one
_MASKED = 0.4  # of copies' bare links, those that show the brand's host and lead elsewhere


def access(w: Writer, _: str) -> tuple[str, list[Block]]:
    """Subject and body of honest mail about an account."""
    home = origins.origin(w.setting.brand, w.setting.lang, w.rng)
    w.site, w.sent_from, w.service = home.site, home.sender, w.service if home.tracked else ""
    subject, text, key = _drawn(w, _spoken(w.setting) | _BESIDES)
    door = "" if home.tracked and w.service else f"{home.scheme}://{home.site}/{origins.page(_kind(key), w.rng)}"
    return subject, bodies.notice(w, _kind(key), text, _Link(w, door, _kind(key)))


def forged(w: Writer, _: str) -> tuple[str, list[Block]]:
    """Subject and body of a copy: a text of honest mail that wants something pressed, with a wrong link behind it."""
    subject, text = _wanting(w)
    strange = w.rng.choice(
        [
            links.lookalike_host(w.setting.brand, w.setting.lang, w.rng),
            names.stranger_host(w.setting.lang, w.rng),
            names.stranger_host(w.setting.lang, w.rng),
        ]
    )
    door = f"https://{strange}/{origins.page('account', w.rng)}" if w.rng.random() < _COPIED else w.place
    blocks = bodies.notice(w, "account", text, _Link(w, door, "account"))
    return subject, [_masked(w, block, door) for block in blocks]


def sender(w: Writer) -> tuple[str, str]:
    """A site under the host that the body settled, by one of the many local parts of programs."""
    known = w.setting.brand.known
    shown = _NAMES if known else _NAMES + _NAMES_OF_SMALL
    local = w.rng.choice(_LOCALS if known else _LOCALS + _LOCALS_OF_SMALL)
    return w.spun(w.rng.choice(shown)), f"{local}@{w.sent_from or w.setting.brand.host}"


def _spoken(setting: Setting) -> dict[str, int]:
    """Whose texts about accounts a brand says, by how often."""
    if not setting.brand.known:
        return {"account": 5, _SITE: 4, **dict.fromkeys(_BUSINESSES, 1)}
    has = names.branches(setting.brand, setting.lang)
    return {"account": 6, **{key: 4 for key, business in _BUSINESSES.items() if business & has}}


def _drawn(w: Writer, spoken: Mapping[str, int]) -> tuple[str, str, str]:
    """Subject, text and key of one mail."""
    key = w.rng.choices(list(spoken), list(spoken.values()))[0]
    key = key if w.has(f"{key}_text") else "account"
    return *texts.drawn(w, f"{_kind(key)}_subject", f"{key}_text", _OWN_SUBJECT), key


def _kind(key: str) -> str:
    """The kind whose subjects and buttons a text has."""
    return key if key in _BESIDES else "account"


def _wanting(w: Writer) -> tuple[str, str]:
    """Subject and text of honest mail with a link, if a few draws find one."""
    spoken = _spoken(w.setting)
    for _ in range(_DRAWS):
        subject, text, _key = _drawn(w, spoken)
        if wanting(text):
            break
    return subject, text


def wanting(text: str) -> bool:
    """Whether a text has a link or a button of its own."""
    return any(part.startswith(">") and bool(part.strip("> ")) for part in text.split("\n\n"))


class _Link:
    """Where the next link of one mail goes: mostly all to the same door."""

    def __init__(self, w: Writer, door: str, key: str) -> None:
        self._w, self._door, self._key = w, door or w.url(), key
        self._same = w.rng.random() < _SAME

    def __call__(self) -> str:
        door = self._door
        if not self._same and not self._w.bad:
            self._door = (
                self._w.url() if self._w.service else f"https://{self._w.site}/{origins.page(self._key, self._w.rng)}"
            )
        return door


def _masked(w: Writer, block: Block, door: str) -> Block:
    """A bare link that shows the brand's address over the true one, as often as such copies do."""
    match block:
        case Text(text) if text == door and w.rng.random() < _MASKED:
            return Button(f"https://{w.setting.brand.host}/{origins.page('account', w.rng)}", door)
        case _:
            return block
