"""What the links of a mail give away: the host they show against the host they go to, and other tricks."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

MAX_SIGNALS = 8
MAX_HREF_CHARACTERS = 2_000

_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'\])]{1,2000}", re.IGNORECASE)
_SHOWN_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?:[/:?#…].*|\.)?", re.IGNORECASE)
_FILE = re.compile(r"\.(?:pdf|docx?|xlsx?|pptx?|html?|zip|png|jpe?g|gif|txt|csv|exe|js|py|md|rs|sh)$", re.IGNORECASE)
_REDIRECT = re.compile(
    r"[?&](?:url|u|q|r|redirect|redirect_uri|redirect_url|next|target|dest|goto|link|to)=https?(?:://|%3a)",
    re.IGNORECASE,
)
_SLASHES = re.compile(r"^(https?):[\\/]*", re.IGNORECASE)
_NUMERIC = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}")
FREE_HOSTING = frozenset({
    "000webhostapp.com", "azurewebsites.net", "blogspot.com", "cloudfront.net", "dweb.link", "firebaseapp.com", "github.io",
    "glitch.me", "godaddysites.com", "herokuapp.com", "ipfs.io", "netlify.app", "pages.dev", "r2.dev", "replit.app", "repl.co",
    "sites.google.com", "square.site", "vercel.app", "web.app", "webflow.io", "weebly.com", "wixsite.com", "workers.dev",
    "backblazeb2.com", "docs.google.com", "forms.gle", "bit.ly", "tinyurl.com", "t.co", "is.gd", "cutt.ly", "rb.gy", "ow.ly",
    "wordpress.com", "myportfolio.com", "notion.site", "canva.site", "windows.net", "amazonaws.com", "ngrok.io", "duckdns.org",
    "firebasestorage.googleapis.com", "storage.googleapis.com", "appspot.com", "cloudapp.azure.com", "surge.sh", "onrender.com",
    "typeform.com", "jotform.com", "shorturl.at", "t.ly", "rebrand.ly", "s.id", "tiny.cc", "forms.office.com", "on-fleek.app",
})  # fmt: skip
_SECOND_LEVEL = frozenset({"co", "com", "net", "org", "gov", "edu", "ac", "gob", "gouv", "or", "ne", "go"})
# Names that impostors borrow. The short ones count only as a whole word of a host.
_BRAND = re.compile(
    r"(?<![a-z])(?:apple|amazon|chase|dhl|ups|usps|fedex|irs|hsbc|citi|ing|o365|dpd|gls|ebay|visa|meta|bbva|sfr|steam)(?![a-z])"
    r"|paypal|microsoft|office365|netflix|facebook|instagram|whatsapp|linkedin|docusign|dropbox|wellsfargo|bankofamerica"
    r"|americanexpress|coinbase|binance|metamask|trustwallet|icloud|outlook|onedrive|sharepoint|mastercard|santander|barclays"
    r"|sparkasse|postbank|commerzbank|volksbank|deutschepost|correos|laposte|colissimo|bradesco|itau|mercadolivre|nubank"
    r"|spotify|walmart|costco|norton|mcafee|geeksquad|adobe|google|yahoo|telekom|swisscom|rakuten|swisspost|evri|royalmail"
)
# Honest hosts that carry a brand's name without being its main domain.
_BRAND_OWN = frozenset({
    "amazonaws", "amazonses", "microsoftonline", "googleapis", "googleusercontent", "googlegroups", "googlemail", "facebookmail",
    "appleid", "applemusic", "visaeurope", "metamail", "office", "live", "fbcdn", "paypalobjects", "linkedinmail", "steampowered",
    "googletagmanager", "google-analytics", "adobecampaign", "amazonpay", "steamcommunity", "deutschetelekom", "telekom-dienste",
})  # fmt: skip


class Host(NamedTuple):
    """Where a link goes. ``host`` is "" where it goes to no web host."""

    host: str
    user: str  # what stands before @


@dataclass(slots=True)
class LinkCount:
    """How many links show each trick, and a line about the first of each kind."""

    links: int = 0
    mismatched: int = 0
    ip: int = 0
    punycode: int = 0
    free_hosting: int = 0
    at_sign: int = 0
    redirect: int = 0
    data: int = 0
    foreign: int = 0
    brand: int = 0
    hosts: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)


def examine(links: Iterable[tuple[str, str]], sender_domain: str) -> LinkCount:
    """Count over (href, shown text) pairs; ``sender_domain`` is that of the From address."""
    count = LinkCount()
    own = organisation(sender_domain)
    for href, shown in links:
        if href[:5].lower() == "data:" or href[:11].lower() == "javascript:":
            count.data += 1
            _say(count, "link that carries its page inside itself")
        host, user = host_of(href[:MAX_HREF_CHARACTERS])
        if not host:
            continue
        count.links += 1
        if host not in count.hosts:
            count.hosts.append(host)
        count.foreign += organisation(host) != own
        _tricks(count, href, host, user, shown)
    return count


def places_in(text: str, limit: int) -> list[int]:
    """Where links begin in plain text, ascending, at most ``limit``. Found by fixed strings: a hundred times faster."""
    places: list[int] = []
    at = text.find("://")
    while at >= 0 and len(places) < limit:
        scheme = text[max(0, at - 5) : at].lower()
        if scheme.endswith(("http", "https")):
            places.append(at - (5 if scheme == "https" else 4))
        at = text.find("://", at + 3)
    at = text.find("www.")
    while at >= 0 and len(places) < 2 * limit:
        if at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "@./-"):
            places.append(at)
        at = text.find("www.", at + 4)
    return sorted(places)[:limit]


def urls_in(text: str, limit: int) -> list[str]:
    """The links that plain text names, without the punctuation of the sentence around them."""
    found = (_URL.match(text, place) for place in places_in(text, limit))
    return [match[0].rstrip(".,;:!?*_") for match in found if match]


@lru_cache(maxsize=4_096)
def host_of(href: str) -> Host:
    """Host in lower case and user part of a web link, read as a browser reads it (WHATWG URL section 4)."""
    href = href.strip()
    if href[:4].lower() == "www.":
        href = "http://" + href
    elif href.startswith("//"):
        href = "http:" + href
    if href[:4].lower() != "http":
        return Host("", "")
    try:
        parts = urlsplit(_SLASHES.sub(r"\1://", href, count=1).replace("\\", "/"))
        return Host(unquote(parts.hostname or "").strip(".").lower(), parts.username or "")
    except ValueError:
        return Host("", "")


@lru_cache(maxsize=8_192)
def organisation(host: str) -> str:
    """The registrable part of a host, near enough to compare two hosts; each site on free hosting is its own."""
    labels = host.lower().split(".")
    size = 3 if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2 else 2
    if len(labels) > 2 and _free_hosting(host):
        size = 3
    return ".".join(labels[-size:])


def strange(answers: str, sender: str) -> bool:
    """Whether answers leave the sender's organisation, as they do where a stranger writes under a name that is known.

    Args:
        answers: domain of Reply-To; "" where there is none.
        sender: domain of From.
    """
    return bool(answers and sender) and organisation(answers) != organisation(sender)


@lru_cache(maxsize=8_192)
def borrowed_brand(text: str, domain: str) -> str:
    """A brand that ``text`` (a host, or a name without spaces) carries while ``domain`` is none of that brand; else ""."""
    found = _BRAND.search(text)
    if found is None:
        return ""
    label = organisation(domain).partition(".")[0]
    is_own = (
        label in _BRAND_OWN or label == found[0] or (label.startswith(found[0]) and len(label) <= len(found[0]) + 2)
    )
    return "" if is_own else found[0]


def host_shown(shown: str) -> str:
    """The host that a text names, if it is nothing but a link; else ""."""
    named = None if " " in shown or "." not in shown or "@" in shown else _SHOWN_HOST.fullmatch(shown)
    return named[1].lower() if named and not _FILE.search(named[1]) else ""


def _tricks(count: LinkCount, href: str, host: str, user: str, shown: str) -> None:
    named = host_shown(shown)
    if named and organisation(named) != organisation(host):
        count.mismatched += 1
        _say(count, f"link shows {named} but goes to {host}")
    if _is_address(host):
        count.ip += 1
        _say(count, f"link to the bare address {host}")
    if "xn--" in host or not host.isascii():
        count.punycode += 1
        _say(count, f"link to the internationalised host {host}")
    if _free_hosting(host):
        count.free_hosting += 1
        _say(count, f"link to free hosting or a shortener: {host}")
    brand = borrowed_brand(host, host)
    if brand:
        count.brand += 1
        _say(count, f"link carries the name {brand} but goes to {host}")
    if user:
        count.at_sign += 1
        _say(count, f"link with @ before its real host {host}")
    if "=http" in href and _REDIRECT.search(href, 0, MAX_HREF_CHARACTERS):
        count.redirect += 1
        _say(count, f"link that redirects by a parameter at {host}")


def _free_hosting(host: str) -> bool:
    labels = host.split(".")
    return any(".".join(labels[-size:]) in FREE_HOSTING for size in (2, 3))


def _say(count: LinkCount, text: str) -> None:
    if len(count.signals) < MAX_SIGNALS and text not in count.signals:
        count.signals.append(text)


def _is_address(host: str) -> bool:
    """Whether a browser reads the host as an IP address; it takes octal, hexadecimal and single numbers too."""
    return ":" in host or (host[:1].isdigit() and _NUMERIC.fullmatch(host) is not None)
