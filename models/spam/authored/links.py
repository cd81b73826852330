"""Where a link goes: the tricks, and what honest senders do in their place."""

from random import Random
from urllib.parse import quote

from models.spam.authored import names
from models.spam.authored.names import Brand

_FREE_HOSTING = [
    "web.app", "firebaseapp.com", "pages.dev", "workers.dev", "github.io", "netlify.app", "vercel.app", "weebly.com",
    "blogspot.com", "wixsite.com", "glitch.me", "r2.dev", "azurewebsites.net", "herokuapp.com", "godaddysites.com", "webflow.io",
    "square.site", "myshopify.com", "framer.app", "carrd.co", "notion.site", "canva.site", "wordpress.com", "onrender.com",
    "surge.sh", "replit.app", "ngrok-free.app", "duckdns.org", "trycloudflare.com", "mystrikingly.com", "webwave.dev", "edgeone.app",
]  # fmt: skip
_SHORTENERS = [
    "bit.ly", "tinyurl.com", "t.ly", "is.gd", "rb.gy", "cutt.ly", "t.co", "shorturl.at", "rebrand.ly", "s.id", "tiny.cc", "lnkd.in",
    "qrco.de", "q-r.to", "me-qr.com", "linktr.ee", "goo.su", "v.gd", "ow.ly",
]  # fmt: skip
_HONEST_SHORT = [
    "https://bit.ly/{t}", "https://forms.gle/{t}", "https://lnkd.in/{t}", "https://t.co/{t}", "https://youtu.be/{t}",
    "https://tinyurl.com/{w}", "https://docs.google.com/forms/d/e/{t}/viewform", "https://{w}.typeform.com/to/{t}",
    "https://wa.me/{n}", "https://maps.app.goo.gl/{t}", "https://calendly.com/{w}/30min", "https://zoom.us/j/{n}",
    "https://meet.google.com/{w}", "https://drive.google.com/file/d/{t}/view", "https://{w}.notion.site/{t}",
    "https://www.dropbox.com/s/{t}", "https://we.tl/t-{t}", "https://linktr.ee/{w}", "https://doodle.com/meeting/{t}",
    "https://teams.microsoft.com/l/meetup-join/{t}", "https://chat.whatsapp.com/{t}", "https://{w}.eventbrite.com/e/{n}",
]  # fmt: skip
_REDIRECTORS = [
    "https://www.google.com/url?q=", "https://l.facebook.com/l.php?u=", "https://www.youtube.com/redirect?q=",
    "https://clickserve.dartsearch.net/link/click?ds_dest_url=", "https://t.umblr.com/redirect?z=",
    "https://www.google.com/amp/s/", "https://adclick.g.doubleclick.net/pcs/click?adurl=", "https://www.bing.com/ck/a?u=",
    "https://cts.indeed.com/redirect?url=", "https://slack-redir.net/link?url=", "https://href.li/?", "https://{b}/out?url=",
    "https://{b}/redirect.php?to=", "https://translate.google.com/translate?u=", "https://linkprotect.{w}.com/?a=",
]  # fmt: skip
_LURES = [
    "secure", "login", "verify", "account", "support", "update", "service", "auth", "id", "billing", "alert", "portal", "my",
    "pay", "help", "refund", "parcel", "track", "office", "sso", "docs", "share", "kunden", "client", "cliente", "konto", "web",
]  # fmt: skip
_STORES = [
    "https://storage.googleapis.com/", "https://s3.amazonaws.com/", "https://ipfs.io/ipfs/", "https://docs.google.com/forms/d/e/",
    "https://cloudflare-ipfs.com/ipfs/", "https://dweb.link/ipfs/", "https://{w}.blob.core.windows.net/",
    "https://{w}.s3.us-east-1.amazonaws.com/", "https://firebasestorage.googleapis.com/v0/b/{w}/o/", "https://{w}.z13.web.core.windows.net/",
    "https://sites.google.com/view/", "https://forms.office.com/r/", "https://form.jotform.com/", "https://{w}.r2.dev/",
    "https://www.canva.com/design/", "https://app.box.com/s/", "https://{w}.sharepoint.com/:b:/g/", "https://1drv.ms/b/s!",
]  # fmt: skip
_SERVED = [
    "u{n}.ct.sendgrid.net/ls/click?upn={t}", "{w}.list-manage.com/track/click?u={t}&id={w}", "{w}.awstrack.me/L0/{t}",
    "mandrillapp.com/track/click/{n}/{t}", "{w}.hubspotlinks.com/Ctc/{t}", "click.pstmrk.it/3s/{t}", "links.{b}/e/c/{t}",
    "click.e.{b}/?qs={t}", "email.{b}/c/{t}", "track.{b}/{t}", "links.mail.{b}/els/v2/{t}", "ablink.news.{b}/ss/c/{t}",
    "e.customeriomail.com/e/c/{t}", "click.convertkit-mail2.com/{t}", "{w}.acemlna.com/lt.php?s={t}", "url{n}.{b}/ls/click?upn={t}",
    "t.email.{b}/r/?id={t}", "go.{b}/u/click?_t={t}", "substack.com/redirect/2/{t}", "clicks.{b}/f/a/{t}",
]  # fmt: skip
_PAGES = [
    "account", "orders/{t}", "verify?token={t}", "track/{t}", "invoices/{t}", "settings/security", "d/{t}", "", "login", "help",
    "reset/{t}", "booking/{t}?lang=en", "documents/{t}", "billing", "app/{t}", "confirm-email?code={t}", "privacy", "my/statements",
    "?utm_source=newsletter&utm_medium=email&utm_campaign={w}", "blog/{w}?utm_source=email&utm_content={w}", "unsubscribe?u={t}",
    "{w}/{w}.html?utm_medium=email&utm_id={n}", "en/faq", "issues/{n}", "t/{w}/{n}", "p/{w}",
]  # fmt: skip
_BROKEN_INTO = [
    "wp-content/{w}/", "wp-includes/js/{w}/index.php", "wp-admin/css/{w}/login.php", "wp-content/plugins/{w}/{s}/", ".well-known/{s}/",
    "images/{w}/{s}/index.html", "cgi-bin/{w}/", "blog/wp-content/themes/twentytwenty/{s}/signin/", "components/com_{w}/{s}.php",
    "vendor/{w}/go.php?e={t}", "uploads/2025/{w}.html", "old/{s}/secure/{w}/", "assets/{s}/auth.html?u={t}",
]  # fmt: skip
_HOMOGRAPHS = {
    "l": ["1", "i"],
    "o": ["0"],
    "e": ["3"],
    "i": ["l", "1"],
    "m": ["rn"],
    "a": ["4"],
    "w": ["vv"],
    "s": ["5"],
    "n": ["nn"],
}
_LOCALS = [
    "noreply", "no-reply", "service", "support", "info", "admin", "security", "notification", "postmaster", "alerts", "billing",
    "donotreply", "contact", "webmaster", "notice", "kundenservice", "mail", "office", "helpdesk", "accounts",
]  # fmt: skip
_HONEST_LOCALS = [
    "noreply", "no-reply", "service", "hello", "support", "info", "orders", "notifications", "billing", "team", "news", "security",
    "donotreply", "account", "updates", "contact", "customerservice", "mailer", "alerts", "invoices",
]  # fmt: skip


def slug(brand: Brand) -> str:
    """The brand as a word of a host name: its name, or where that is of other letters the longest part of its host."""
    latin = _letters(brand.name)
    return latin if len(latin) > 1 else _letters(max(brand.host.split(".")[:-1], key=len)) or "brand"


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())


def _misspelt(name: str, rng: Random) -> str:
    """The name with a letter that looks alike, a letter doubled, dropped or changed for its neighbour."""
    at = rng.randrange(len(name))
    swapped = name[:at] + rng.choice(_HOMOGRAPHS.get(name[at], [name[at] * 2])) + name[at + 1 :]
    dropped = name[:at] + name[at + 1 :] if len(name) > 4 else name * 2
    turned = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    return rng.choice([swapped, swapped, dropped, turned if turned != name else swapped])


def lookalike_host(brand: Brand, lang: str, rng: Random) -> str:
    """A host that is not the brand's and reads as if it were."""
    name, lure = slug(brand), rng.choice(_LURES)
    tld = rng.choice(
        ["com", "net", "info", "online", "xyz", "top", "help", "ru", "site", "cc", "vip", "live", "sbs", "cfd", "icu"]
    )
    word = names.random_word(rng, 3, 6)
    return rng.choice(
        [
            f"{name}-{lure}.{tld}",
            f"{lure}-{name}.{tld}",
            f"{name}.{lure}-{word}.{tld}",
            f"{name}{lure}.{tld}",
            f"{brand.host}.{names.random_word(rng)}.{tld}",
            f"{brand.host.replace('.', '-')}.{lure}-{word}.{tld}",
            f"www-{brand.host.replace('.', '-')}.{tld}",
            f"{_misspelt(name, rng)}.{tld}",
            f"{_misspelt(name, rng)}-{lure}.com",
            f"{lure}.{name}.{names.stranger_host(lang, rng)}",
            f"{name}.{lure}.{word}.{names.stranger_host(lang, rng)}",
        ]
    )


def trick_url(brand: Brand, lang: str, rng: Random) -> str:
    """A link that goes where the brand is not."""
    page = _trick_page(brand, rng)
    bad, word = names.stranger_host(lang, rng), names.random_word(rng)
    address = ".".join(str(rng.randrange(11, 220)) for _ in range(4))
    redirect = rng.choice(_REDIRECTORS).format(b=names.stranger_host(lang, rng), w=word)
    target = f"https://{bad}/{page}"
    store = rng.choice(_STORES).format(w=word)
    tricks = (
        f"https://{lookalike_host(brand, lang, rng)}/{page}",
        f"https://{bad}/{page}",
        f"http://{bad}/{page}",
        f"http://{address}/{page}",
        f"https://{slug(brand)}-{word}.{rng.choice(_FREE_HOSTING)}/{page}",
        f"https://{rng.choice(_LURES)}-{word}.{rng.choice(_FREE_HOSTING)}/{page}",
        f"https://{rng.choice(_SHORTENERS)}/{names.token(rng, 7)}",
        f"{redirect}{target if rng.random() < 0.5 else quote(target, safe='')}",
        f"https://{brand.host}@{bad}/{page}",
        f"{store}{names.random_word(rng, 8, 20)}/{word}.html",
        f"https://{bad}/{_broken_into(brand, rng)}",
        f"http://www.{bad}/{_broken_into(brand, rng)}",
    )
    return rng.choices(tricks, [4, 3, 1, 1, 2, 2, 2, 2, 1, 3, 3, 1])[0]


def _broken_into(brand: Brand, rng: Random) -> str:
    """A page that somebody put deep into another's site."""
    return rng.choice(_BROKEN_INTO).format(s=slug(brand), w=names.random_word(rng), t=names.token(rng))


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
            f"signin/{names.random_word(rng)}?session={names.token(rng, 20)}",
            f"{rng.choice(_LURES)}/{slug(brand)}/auth",
            f"?utm_source=email&utm_campaign={names.random_word(rng)}",
        )
    )


def _filled(pattern: str, brand: Brand, rng: Random) -> str:
    word, digits = names.random_word(rng), rng.randrange(10**6, 10**8)
    return pattern.format(n=digits, t=names.token(rng, rng.choice([12, 24, 40, 90])), w=word, b=brand.host)


def honest_url(brand: Brand, rng: Random) -> str:
    """A link of the brand: its own host, or the click tracking of the service that sends its mail."""
    if rng.random() < 0.25:
        return f"https://{served(brand, rng)}"
    page = _filled(rng.choice(_PAGES), brand, rng)
    return (
        f"https://{rng.choice(['', 'www.', 'www.', 'account.', 'app.', 'my.', 'secure.', 'help.'])}{brand.host}/{page}"
    )


def served(brand: Brand, rng: Random) -> str:
    """Click tracking of a sending service, at the brand's host or its own, without the scheme."""
    return _filled(rng.choice(_SERVED), brand, rng)


def short_url(brand: Brand, rng: Random) -> str:
    """What people and clubs put into their mail: a form, a map, a call, a short link."""
    return _filled(rng.choice(_HONEST_SHORT), brand, rng)


def trick_sender(brand: Brand, recipient_host: str, lang: str, rng: Random) -> str:
    """An address that the trick is sent from."""
    local = rng.choice([*_LOCALS, names.random_word(rng), f"{slug(brand)[:20]}-{rng.choice(_LURES)}"])
    host = rng.choices(
        [
            names.stranger_host(lang, rng),
            lookalike_host(brand, lang, rng),
            recipient_host,
            rng.choice(["gmail.com", "outlook.com", "icloud.com"]),
            f"{names.random_word(rng)}.{rng.choice(['onmicrosoft.com', 'sendgrid.net', 'amazonses.com', 'zendesk.com'])}",
        ],
        [5, 3, 1, 1, 1],
    )[0]
    return f"{local}@{host}"


def honest_sender(brand: Brand, rng: Random) -> str:
    """An address of the brand."""
    local = rng.choice(_HONEST_LOCALS)
    return f"{local}@{rng.choice(['', '', '', 'mail.', 'e.', 'notify.', 'email.', 'account.', 'info.', 'em.'])}{brand.host}"
