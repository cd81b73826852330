"""What the links of a mail give away: the host they show against the host they go to, and other tricks."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

_SHOWN_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,24})(?:[/:?#]|$)", re.IGNORECASE)
URL = re.compile(r"https?://[^\s<>\"'\])]+", re.IGNORECASE)
_REDIRECT = re.compile(
    r"[?&](?:url|u|redirect|redirect_uri|next|target|dest|goto|link)=https?(?:://|%3a)", re.IGNORECASE
)
FREE_HOSTING = (
    "000webhostapp.com", "azurewebsites.net", "blogspot.com", "cloudfront.net", "dweb.link", "firebaseapp.com", "github.io",
    "glitch.me", "godaddysites.com", "herokuapp.com", "ipfs.io", "netlify.app", "pages.dev", "r2.dev", "replit.app",
    "sites.google.com", "square.site", "vercel.app", "web.app", "webflow.io", "weebly.com", "wixsite.com", "workers.dev",
    "backblazeb2.com", "docs.google.com", "forms.gle", "bit.ly", "tinyurl.com", "t.co", "is.gd", "cutt.ly", "rb.gy",
)  # fmt: skip
_SECOND_LEVEL = frozenset({"co", "com", "net", "org", "gov", "edu", "ac"})


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
    foreign: int = 0
    hosts: list[str] | None = None
    signals: list[str] | None = None


def examine(links: Iterable[tuple[str, str]], sender_domain: str) -> LinkCount:
    """Count over (href, shown text) pairs; ``sender_domain`` is that of the From address."""
    count = LinkCount(hosts=[], signals=[])
    own = organisation(sender_domain)
    for href, shown in links:
        host, user = host_of(href)
        if not host:
            continue
        count.links += 1
        assert count.hosts is not None
        if host not in count.hosts:
            count.hosts.append(host)
        count.foreign += organisation(host) != own
        _tricks(count, href, host, user, shown)
    return count


def host_of(href: str) -> tuple[str, str]:
    """Host in lower case and user part of a web link; empty where it is none."""
    try:
        parts = urlsplit(href.strip())
        if parts.scheme.lower() not in ("http", "https", ""):
            return "", ""
        return (parts.hostname or "").rstrip("."), parts.username or ""
    except ValueError:
        return "", ""


def organisation(host: str) -> str:
    """The registrable part of a host, near enough to compare two hosts."""
    labels = host.lower().split(".")
    if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2:
        return ".".join(labels[-3:])
    return ".".join(labels[-2:])


def _tricks(count: LinkCount, href: str, host: str, user: str, shown: str) -> None:
    named = _SHOWN_HOST.search(shown.strip()) if " " not in shown.strip() else None
    if named and organisation(named[1]) != organisation(host):
        count.mismatched += 1
        _say(count, f"link shows {named[1]} but goes to {host}")
    if _is_address(host):
        count.ip += 1
        _say(count, f"link to the bare address {host}")
    if "xn--" in host or not host.isascii():
        count.punycode += 1
        _say(count, f"link to the internationalised host {host}")
    if any(host == name or host.endswith("." + name) for name in FREE_HOSTING):
        count.free_hosting += 1
        _say(count, f"link to free hosting or a shortener: {host}")
    if user:
        count.at_sign += 1
        _say(count, f"link with @ before its real host {host}")
    if _REDIRECT.search(href):
        count.redirect += 1
        _say(count, f"link that redirects by a parameter at {host}")


def _say(count: LinkCount, text: str) -> None:
    assert count.signals is not None
    if len(count.signals) < 8 and text not in count.signals:
        count.signals.append(text)


def _is_address(host: str) -> bool:
    if not host[-1:].isdigit() and ":" not in host:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
