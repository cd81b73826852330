"""Mail about access to an account, of firms and of small sites that nobody knows; and copies of it whose link alone is wrong.

A reset of a password is honest or not by where its link goes. So both kinds say the same texts: the honest one under a host that is
the sender's own in one of the ways of the real world, the copy with the same page at a host that has nothing to do with the sender.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits, hexdigits

from models.spam.authored import bodies, links, names, texts
from models.spam.authored.names import Brand
from models.spam.authored.rich import Block, Button, Text
from models.spam.authored.senders import honest_host
from models.spam.authored.writer import Setting, Writer

# texts of one business: of well-known brands only those whose branches these are say them, and "site" none of them
_BUSINESSES = {
    "bank": frozenset({"bank", "pay", "crypto"}),
    "host": frozenset({"host", "mail", "saas", "document"}),
    "parcel": frozenset({"parcel"}),
    "public": frozenset({"tax", "public", "insure", "energy", "health"}),
}
_SITE = "site"  # of organisations that run something for themselves
_BESIDES = {"work": 1, "community": 1, "statement": 1}  # what honest mail says as well
_HOSTED = [
    "cloud.", "nextcloud.", "wiki.", "git.", "forum.", "moodle.", "learn.", "webmail.", "portal.", "id.", "login.", "auth.", "sso.",
    "members.", "my.", "shop.", "crm.", "tickets.", "helpdesk.", "bugs.", "redmine.", "gitlab.", "mail.", "lists.", "app.", "intranet.",
    "mitglieder.", "campus.", "alumni.", "status.", "panel.", "survey.", "extranet.", "chat.", "files.", "konto.", "compte.", "aluno.",
    "srv1.", "web2.", "s3.", "dev.", "", "", "www.",
]  # fmt: skip
_TENANTS = [
    "atlassian.net", "zendesk.com", "slack.com", "freshdesk.com", "personio.de", "bamboohr.com", "moodlecloud.com", "discourse.group",
    "myshopify.com", "thinkific.com", "instructure.com", "okta.com", "auth0.com", "onelogin.com", "zohodesk.eu", "teamwork.com",
    "circle.so", "ghost.io", "wordpress.com", "workable.com", "recruitee.com", "teachable.com",
]  # fmt: skip
_SECOND = [
    "{}-mail.com",
    "{}mail.com",
    "{}-accounts.com",
    "{}id.com",
    "get{}.com",
    "my{}.net",
    "{}app.com",
    "{}-portal.de",
    "{}hq.io",
]
_DOORS = {
    "account": [
        "password/reset/{m}", "users/password/edit?reset_password_token={m}", "accounts/reset/{w}/{s}-{h}/", "auth/verify?token={h}",
        "confirm/{h}", "confirm-email?code={m}", "account/activate/{m}", "activate.php?u={n}&key={h}", "verify-email/{j}",
        "wp-login.php?action=rp&key={m}&login={w}", "ucp.php?mode=activate&u={n}&k={w}", "login/forgot_password.php?token={h}",
        "index.php?action=activate;u={n};code={w}", "u/activate-account/{h}", "session/email-login/{h}", "magic?t={j}",
        "__/auth/action?mode=verifyEmail&oobCode={m}&apiKey={m}", "api/v1/users/verify/{j}", "#/reset-password?code={m}",
        "realms/{w}/login-actions/action-token?key={j}&client_id=account", "optin/confirm/{n}/{h}", "mailman3/confirm/{w}/{h}",
        "newsletter/confirm?e={m}&h={h}", "index.php/apps/registration/verify/{m}", "invitations/accept?token={m}",
        "invite/{s}", "l/{s}",
        "account/security", "settings/tokens", "users/confirmation?confirmation_token={m}", "login", "my/devices", "account/emails/{n}",
        "customer/account/createPassword/?id={n}&token={h}", "passwort-vergessen?hash={h}", "oauth/device?user_code={s}", "r/{s}", "",
        "account/login?return_url=%2Faccount%2Fsecurity", "privacy/export/{h}.zip", "user/reset/{n}/{n}/{m}/login",
        "sso/{w}?ticket={m}",
    ],
    "work": [
        "issues/{n}", "{w}/pull/{n}", "t/{w}/{n}", "d/{m}/edit", "boards/{s}", "ticket/{n}?tok={h}", "admin/billing", "keys",
    ],
    "community": [
        "t/{w}/{n}/12", "viewtopic.php?t={n}&p={n}#p{n}", "notifications/{n}", "messages/{s}", "c/{w}", "groups/{n}?ref=email",
    ],
    "statement": [
        "billing", "account/billing/invoices/{n}", "settings/payment?token={m}", "renew/{s}", "p/subscription/{m}", "my/bills",
    ],
}  # fmt: skip
_LOCALS = [
    "noreply", "no-reply", "noreply", "no_reply", "accounts", "security", "account", "support", "info", "hello", "admin", "root", "id",
    "wordpress", "webmaster", "postmaster", "forum", "moodle", "nextcloud", "gitlab", "git", "wiki", "login", "auth", "verify", "help",
    "notifications", "notify", "mailer", "do-not-reply", "account-security-noreply", "system", "team", "portal", "it",
    "helpdesk", "www-data",
]  # fmt: skip
_NAMES = [
    "{brand}", "{brand}", "{brand}", "{brand}", "{brand} Accounts", "{brand} Security", "{brand} Support", "{host}", "The {brand} Team",
    "{brand} ID", "{brand} (no reply)", "noreply@{host}", "{brand} Notifications", "IT Service Desk", "WordPress", "Account services",
    "{friend} from {brand}", "{person} via {brand}", "Portal",
]  # fmt: skip
_SAME = 0.75  # of mails, those whose links are all one
_OWN_SUBJECT = 0.97  # of texts that bring a subject, those that keep it
_DRAWS = 20  # for a text with a link, in a language that may have few
_COPIED = 0.55  # of copies, those whose link bears the page of the honest one
_MASKED = 0.4  # of copies' bare links, those that show the brand's host and lead elsewhere


@dataclass(frozen=True, slots=True)
class Origin:
    """Where honest account mail comes from, and where its links go."""

    scheme: str
    site: str  # host of the links
    sender: str  # host of From
    tracked: bool  # the links go by the click tracking of the writer


def origin(brand: Brand, rng: Random) -> Origin:
    """One of the ways: one's own host, a sending service, and for small ones a second host, a machine of one's own, a rented place."""
    chance = rng.random()
    if brand.known or chance < 0.3:
        return _own(brand, rng)
    if chance < 0.42:
        other = rng.choice(_SECOND).format(links.slug(brand)[:30])
        return Origin(
            "https", rng.choice(["", "www.", "app."]) + other, rng.choice([other, other, brand.host]), tracked=False
        )
    if chance < 0.54:
        tenant = rng.choice(_TENANTS)
        site = f"{links.slug(brand)[:30]}.{tenant}"
        return Origin("https", site, rng.choice([site, tenant, f"mail.{tenant}"]), tracked=False)
    return _self_hosted(names.stranger_host(rng) if chance < 0.66 else brand.host, rng)


def _own(brand: Brand, rng: Random) -> Origin:
    site = (
        rng.choice(["", "www.", "www.", "account.", "accounts.", "app.", "my.", "id.", "login.", "auth."]) + brand.host
    )
    return Origin("https", site, honest_host(brand, rng), tracked=rng.random() < 0.35)


def _self_hosted(host: str, rng: Random) -> Origin:
    """A machine that a small organisation runs for itself: at times without TLS, or at a port of its own."""
    machine = rng.choice(_HOSTED) + host
    port = rng.choice([":8443", ":8080", ":4443", ":3000"]) if rng.random() < 0.04 else ""
    return Origin(
        "http" if rng.random() < 0.12 else "https", machine + port, rng.choice([machine, host, host]), tracked=False
    )


def access(w: Writer, _: str) -> tuple[str, list[Block]]:
    """Subject and body of honest mail about an account."""
    home = origin(w.setting.brand, w.rng)
    w.site, w.sent_from, w.service = home.site, home.sender, w.service if home.tracked else ""
    subject, text, key = _drawn(w, _spoken(w.setting) | _BESIDES)
    door = "" if home.tracked and w.service else f"{home.scheme}://{home.site}/{_page(w, key)}"
    return subject, bodies.notice(w, _kind(key), text, _Link(w, door, key))


def forged(w: Writer, _: str) -> tuple[str, list[Block]]:
    """Subject and body of a copy: a text of honest mail that wants something pressed, with a wrong link behind it."""
    subject, text = _wanting(w)
    strange = w.rng.choice(
        [links.lookalike_host(w.setting.brand, w.rng), names.stranger_host(w.rng), names.stranger_host(w.rng)]
    )
    door = f"https://{strange}/{_page(w, 'account')}" if w.rng.random() < _COPIED else w.place
    blocks = bodies.notice(w, "account", text, _Link(w, door, "account"))
    return subject, [_masked(w, block, door) for block in blocks]


def sender(w: Writer) -> tuple[str, str]:
    """A site under the host that the body settled, by one of the many local parts of programs."""
    return w.spun(w.rng.choice(_NAMES)), f"{w.rng.choice(_LOCALS)}@{w.sent_from or w.setting.brand.host}"


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
            self._door = self._w.url() if self._w.service else f"https://{self._w.site}/{_page(self._w, self._key)}"
        return door


def _masked(w: Writer, block: Block, door: str) -> Block:
    """A bare link that shows the brand's address over the true one, as often as such copies do."""
    match block:
        case Text(text) if text == door and w.rng.random() < _MASKED:
            return Button(f"https://{w.setting.brand.host}/{_page(w, 'account')}", door)
        case _:
            return block


def _page(w: Writer, key: str) -> str:
    """A page as programs address it, with the marks that let one in."""
    rng = w.rng
    return rng.choice(_DOORS[_kind(key)]).format(
        m=_of(ascii_letters + digits + "-_", rng.choice([20, 22, 43, 64]), rng),
        h=_of(hexdigits[:16], rng.choice([20, 32, 40, 64]), rng),
        s=_of(ascii_letters + digits, rng.choice([3, 6, 8, 11]), rng),
        j=".".join(
            [
                "eyJhbGciOiJIUzI1NiJ9",
                *(_of(ascii_letters + digits, length, rng) for length in (rng.choice([40, 90, 160]), 43)),
            ]
        ),
        w=names.random_word(rng),
        n=rng.randrange(10, 10**7),
    )


def _of(letters: str, length: int, rng: Random) -> str:
    return "".join(rng.choice(letters) for _ in range(length))
