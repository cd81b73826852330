"""Where a link goes: the tricks, and what honest senders do in their place."""

from random import Random

from models.spam.authored import names
from models.spam.authored.names import Brand

_FREE_HOSTING = [
    "web.app",
    "firebaseapp.com",
    "pages.dev",
    "workers.dev",
    "github.io",
    "netlify.app",
    "vercel.app",
    "weebly.com",
    "blogspot.com",
    "wixsite.com",
    "glitch.me",
    "r2.dev",
    "azurewebsites.net",
    "herokuapp.com",
    "godaddysites.com",
]
_SHORTENERS = ["bit.ly", "tinyurl.com", "t.ly", "is.gd", "rb.gy", "cutt.ly", "t.co", "shorturl.at"]
_REDIRECTORS = [
    "https://www.google.com/url?q=",
    "https://l.facebook.com/l.php?u=",
    "https://clickserve.dartsearch.net/link/click?ds_dest_url=",
    "https://www.youtube.com/redirect?q=",
    "https://t.umblr.com/redirect?z=",
]
_LURES = [
    "secure",
    "login",
    "verify",
    "account",
    "support",
    "update",
    "service",
    "auth",
    "id",
    "billing",
    "alert",
    "portal",
    "my",
]
_STORES = [
    "https://storage.googleapis.com/",
    "https://s3.amazonaws.com/",
    "https://ipfs.io/ipfs/",
    "https://docs.google.com/forms/d/e/",
]
_ESP = [
    "u{n}.ct.sendgrid.net/ls/click?upn={t}",
    "{w}.list-manage.com/track/click?u={t}&id={w}",
    "{w}.awstrack.me/L0/{t}",
    "mandrillapp.com/track/click/{n}/{t}",
    "{w}.hubspotlinks.com/Ctc/{t}",
    "click.pstmrk.it/3s/{t}",
    "links.{b}/e/c/{t}",
    "click.e.{b}/?qs={t}",
    "email.{b}/c/{t}",
    "track.{b}/{t}",
]
_PAGES = [
    "account",
    "orders/{t}",
    "verify?token={t}",
    "track/{t}",
    "invoices/{t}",
    "settings/security",
    "d/{t}",
    "",
    "login",
    "help",
    "reset/{t}",
]


def slug(brand: Brand) -> str:
    """The brand as a word of a host name."""
    return "".join(letter for letter in brand.name.lower() if letter.isascii() and letter.isalnum()) or "brand"


def lookalike_host(brand: Brand, rng: Random) -> str:
    """A host that is not the brand's and reads as if it were."""
    name, lure, tld = (
        slug(brand),
        rng.choice(_LURES),
        rng.choice(["com", "net", "info", "online", "xyz", "top", "help", "ru", "site"]),
    )
    return rng.choice(
        [
            f"{name}-{lure}.{tld}",
            f"{lure}-{name}.{tld}",
            f"{name}.{lure}-{names.random_word(rng, 3, 6)}.{tld}",
            f"{name}{lure}.{tld}",
            f"{brand.host}.{names.random_word(rng)}.{tld}",
            f"{name[:-1] + {'l': '1', 'o': '0', 'e': '3'}.get(name[-1], name[-1] * 2)}.{tld}",
            f"{lure}.{name}.{names.stranger_host(rng)}",
        ]
    )


def trick_url(brand: Brand, rng: Random) -> str:
    """A link that goes where the brand is not."""
    page = _trick_page(brand, rng)
    bad, word = names.stranger_host(rng), names.random_word(rng)
    address = ".".join(str(rng.randrange(11, 220)) for _ in range(4))
    tricks = (
        f"https://{lookalike_host(brand, rng)}/{page}",
        f"https://{bad}/{page}",
        f"http://{bad}/{page}",
        f"http://{address}/{page}",
        f"https://{slug(brand)}-{word}.{rng.choice(_FREE_HOSTING)}/{page}",
        f"https://{word}.{rng.choice(_FREE_HOSTING)}/{page}",
        f"https://{rng.choice(_SHORTENERS)}/{names.token(rng, 7)}",
        f"{rng.choice(_REDIRECTORS)}https://{bad}/{page}",
        f"https://{brand.host}@{bad}/{page}",
        f"{rng.choice(_STORES)}{names.random_word(rng, 8, 20)}/{word}.html",
    )
    return rng.choice(tricks)


def _trick_page(brand: Brand, rng: Random) -> str:
    return rng.choice(
        (
            "",
            "login",
            "index.php",
            f"{slug(brand)}/",
            f"?id={names.token(rng)}",
            f"wp-content/{names.random_word(rng)}/",
            f"#{names.token(rng, 16)}",
        )
    )


def honest_url(brand: Brand, rng: Random) -> str:
    """A link of the brand: its own host, or the click tracking of the service that sends its mail."""
    page = rng.choice(_PAGES).format(t=names.token(rng, 12))
    if rng.random() < 0.25:
        tracked = rng.choice(_ESP).format(
            n=rng.randrange(10**6, 10**8), t=names.token(rng, 40), w=names.random_word(rng), b=brand.host
        )
        return f"https://{tracked}"
    return (
        f"https://{rng.choice(['', 'www.', 'www.', 'account.', 'app.', 'my.', 'secure.', 'help.'])}{brand.host}/{page}"
    )


def trick_sender(brand: Brand, recipient_host: str, rng: Random) -> str:
    """An address that the trick is sent from."""
    local = rng.choice(
        [
            "noreply",
            "no-reply",
            "service",
            "support",
            "info",
            "admin",
            "security",
            "notification",
            "postmaster",
            names.random_word(rng),
        ]
    )
    host = rng.choices(
        [
            names.stranger_host(rng),
            lookalike_host(brand, rng),
            recipient_host,
            rng.choice(["gmail.com", "outlook.com", "icloud.com"]),
        ],
        [5, 3, 1, 1],
    )[0]
    return f"{local}@{host}"


def honest_sender(brand: Brand, rng: Random) -> str:
    """An address of the brand."""
    local = rng.choice(
        [
            "noreply",
            "no-reply",
            "service",
            "hello",
            "support",
            "info",
            "orders",
            "notifications",
            "billing",
            "team",
            "news",
            "security",
        ]
    )
    return f"{local}@{rng.choice(['', '', '', 'mail.', 'e.', 'notify.', 'email.', 'account.'])}{brand.host}"
