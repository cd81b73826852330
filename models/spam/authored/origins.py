"""Where honest account mail comes from and where it leads: one's own host, a second one, a rented place, or a machine of one's own."""

from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits, hexdigits

from models.spam.authored import links, names
from models.spam.authored.names import Brand
from models.spam.authored.senders import honest_host

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
_AT_HOME = 0.6  # of well-known brands' account mail, what is sent from their host itself


@dataclass(frozen=True, slots=True)
class Origin:
    """Where honest account mail comes from, and where its links go."""

    scheme: str
    site: str  # host of the links
    sender: str  # host of From
    tracked: bool  # the links go by the click tracking of the writer


def origin(brand: Brand, lang: str, rng: Random) -> Origin:
    """One of the ways: one's own host, a sending service, and for small ones a second host, a machine of one's own, a rented place."""
    chance = rng.random()
    if brand.known or chance < 0.3:
        return _own(brand, lang, rng)
    if chance < 0.42:
        other = rng.choice(_SECOND).format(links.slug(brand)[:30])
        return Origin(
            "https", rng.choice(["", "www.", "app."]) + other, rng.choice([other, other, brand.host]), tracked=False
        )
    if chance < 0.54:
        tenant = rng.choice(_TENANTS)
        site = f"{links.slug(brand)[:30]}.{tenant}"
        return Origin("https", site, rng.choice([site, tenant, f"mail.{tenant}"]), tracked=False)
    return _self_hosted(names.stranger_host(lang, rng) if chance < 0.66 else brand.host, rng)


def _own(brand: Brand, lang: str, rng: Random) -> Origin:
    site = (
        rng.choice(["", "www.", "www.", "account.", "accounts.", "app.", "my.", "id.", "login.", "auth."]) + brand.host
    )
    sender = brand.host if brand.known and rng.random() < _AT_HOME else honest_host(brand, lang, rng)
    return Origin("https", site, sender, tracked=rng.random() < 0.35)


def _self_hosted(host: str, rng: Random) -> Origin:
    """A machine that a small organisation runs for itself: at times without TLS, or at a port of its own."""
    machine = rng.choice(_HOSTED) + host
    port = rng.choice([":8443", ":8080", ":4443", ":3000"]) if rng.random() < 0.04 else ""
    return Origin(
        "http" if rng.random() < 0.12 else "https", machine + port, rng.choice([machine, host, host]), tracked=False
    )


def page(kind: str, rng: Random) -> str:
    """A page as programs address it, with the marks that let one in."""
    return rng.choice(_DOORS[kind]).format(
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
