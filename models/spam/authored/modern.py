"""Longer mail of today: orders, parcels, offers, newsletters, notices and talk, and the spam and phish that dress like them.

Honest and bad mail draw the same themes, blocks, small print and padding from the same language; they differ in what is said and in
where the links go. Every pair shares brand, language and recipient.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from models.spam.authored import layout, links, names
from models.spam.authored.facts import facts
from models.spam.authored.names import Brand, Person
from models.spam.authored.rich import (
    Block,
    Button,
    Heading,
    Picture,
    Rows,
    Small,
    Story,
    Text,
    Theme,
    as_html,
    as_plain,
)
from models.spam.authored.spin import spin

_BLOCKS = Path(__file__).parent / "blocks"
_WEIGHTS = {"en": 40, "de": 14, "fr": 12, "es": 12, "pt": 12, "it": 8, "nl": 8, "pl": 6}
_OTHER_WEIGHT = 3
_HONEST = {"order": 3, "ship": 3, "promo": 4, "news": 3, "note": 5, "talk": 3}
_BRANCHES = {
    "order": "shop",
    "ship": "parcel,shop",
    "promo": "shop,stream,telecom",
    "news": "account,document,shop,bank",
    "note": "account,bank,pay,telecom,stream,host,mail,tax",
    "talk": "account",
    "phish": "account,bank,pay,telecom,stream,host,mail,tax,parcel,crypto,document",
    "spam": "shop,account",
}
_FORWARDED = {"talk": 0.1, "spam": 0.06, "phish": 0.04, "note": 0.02}
_WITH_FILES = {"order": 0.2, "note": 0.15, "talk": 0.2, "news": 0.05, "promo": 0.04, "spam": 0.08, "phish": 0.15}
_SOCIAL = [
    ("Facebook", "https://www.facebook.com/{}"),
    ("Instagram", "https://www.instagram.com/{}"),
    ("LinkedIn", "https://www.linkedin.com/company/{}"),
    ("YouTube", "https://www.youtube.com/@{}"),
    ("X", "https://x.com/{}"),
    ("App Store", "https://apps.apple.com/app/{}"),
]
_SERVICES = [
    "https://{w}.list-manage.com/track/click?u={t}", "https://u{n}.ct.sendgrid.net/ls/click?upn={t}",
    "https://{w}.r.{w2}.awstrack.me/L0/{t}", "https://{w}.hubspotlinks.com/Ctc/{t}", "https://trk.klclick.com/ls/click?upn={t}",
    "https://click.mlsend.com/link/c/{t}", "https://{w}.r.sp1-brevo.net/mk/cl/f/{t}", "https://links.iterable.com/e/c/{t}",
    "https://mailchi.mp/{w}/{t}", "https://clicks.eventbrite.com/f/a/{t}", "https://t.dripemail2.com/c/{t}",
]  # fmt: skip
_SENDING_SERVICES = ["shopifyemail.com", "mailjet.com", "sendgrid.net", "mcsv.net", "createsend.com", "klaviyomail.com"]
_LOCALS = ["noreply", "no-reply", "hello", "news", "orders", "info", "service", "team", "notifications", "mail", "shop"]
_SPAM_NAMES = [
    "Rewards", "Daily Offer", "Health Tips", "Survey", "Trending", "Loyalty Department", "Finance News", "Dr. Alan", "Winner Desk",
    "Mia", "Olivia", "SEO Team", "Costco Rewards", "Tech Deals", "Solar Check", "Casino VIP", "Info", "Keto", "Amazon Prize",
]  # fmt: skip
_EMOJI = ["🎉", "🔥", "📦", "✨", "🎁", "💙", "⏰", "🛒", "👋", "✅", "⚠️", "💸"]

Words = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What an honest mail and the bad one beside it share."""

    lang: str
    words: Words
    slots: Mapping[str, str]
    brand: Brand
    to: Person


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a file of blocks."""
    return tuple(sorted(path.stem for path in _BLOCKS.glob("*.toml")))


@cache
def _words(lang: str) -> Words:
    """The blocks of a language, with greetings from its word file where it has none of its own."""
    words: dict[str, list[str]] = tomllib.loads((_BLOCKS / f"{lang}.toml").read_text("utf-8"))
    shared = _BLOCKS.parent / "words" / f"{lang}.toml"
    return {**(tomllib.loads(shared.read_text("utf-8")) if shared.exists() else {}), **words}


def language(rng: Random) -> str:
    """A language, the common ones more often."""
    return rng.choices(languages(), [_WEIGHTS.get(lang, _OTHER_WEIGHT) for lang in languages()])[0]


def brand_for(kind: str, lang: str, rng: Random) -> Brand:
    """A brand whose business the kind of mail is; half of them nobody has heard of."""
    if rng.random() < 0.5:
        return names.invented_brand(rng)
    return names.known_brand(frozenset(_BRANCHES[kind].split(",")), lang, rng)


class _Writer:
    """One mail in the making: draws words of its setting, and links by one manner throughout."""

    def __init__(self, setting: Setting, rng: Random, *, bad: bool) -> None:
        self.setting, self.rng, self.bad = setting, rng, bad
        self.site = rng.choice(["", "www.", "www.", "shop.", "account.", "app."]) + setting.brand.host
        self.service = rng.choice(_SERVICES) if rng.random() < (0.12 if bad else 0.3) else ""
        self.place = links.trick_url(setting.brand, rng) if bad else ""

    def say(self, key: str) -> str:
        """A line of the kind ``key``."""
        return spin(self.rng.choice(self.setting.words[key]), self.rng, self.setting.slots)

    def some(self, key: str, low: int, high: int) -> list[str]:
        """Some different lines."""
        pool = self.setting.words[key]
        chosen = self.rng.sample(pool, min(len(pool), self.rng.randint(low, high)))
        return [spin(text, self.rng, self.setting.slots) for text in chosen]

    def url(self) -> str:
        """Where the next link goes."""
        rng = self.rng
        if self.service:
            words = {"w": names.random_word(rng), "w2": names.random_word(rng), "n": rng.randrange(10**7)}
            return self.service.format(t=names.token(rng, 30), **words)
        if self.bad:
            return self.place if rng.random() < 0.7 else f"{self.place.split('?')[0]}?{names.token(rng, 8)}"
        tail = rng.choice(["", "orders/", "p/", "news/", "account/", "c/"])
        return f"https://{self.site}/{tail}{names.random_word(rng) if tail else ''}"

    def picture(self) -> str:
        """A picture: honest mail has its own, bad mail often the brand's."""
        host = self.setting.brand.host if not self.bad or self.rng.random() < 0.5 else names.stranger_host(self.rng)
        return f"https://{self.rng.choice(['cdn.', 'img.', 'static.', ''])}{host}/{names.random_word(self.rng)}.png"

    def greeting(self, *, cold: float) -> list[Block]:
        """Nothing or a greeting; ``cold``: how often it is one to nobody."""
        if self.rng.random() < 0.25:
            return []
        return [Text(self.say("greet_cold" if self.rng.random() < cold else "greet"))]

    def small(self) -> Block:
        """The small print."""
        rng, slug = self.rng, links.slug(self.setting.brand)
        social = [(name, place.format(slug)) for name, place in rng.sample(_SOCIAL, rng.randint(1, 4))]
        home = [(self.say("cta"), f"https://{self.site}/" if not self.bad or rng.random() < 0.3 else self.url())]
        named = (social if rng.random() < 0.4 else []) + (home if rng.random() < 0.6 else [])
        return Small(" ".join(self.some("legal", 0 if self.bad else 1, 3)), tuple(named))

    def story(self) -> Block:
        """An item of a newsletter."""
        picture = self.picture() if self.rng.random() < 0.4 else ""
        return Story(self.say("headlines"), self.say("teasers"), self.say("cta"), self.url(), picture)

    def bill(self) -> Block:
        """An order's lines and sums."""
        rng, labels, slots = self.rng, self.setting.words["labels"], self.setting.slots
        items = [(f"{item} × {rng.randrange(1, 4)}", slots["small"]) for item in self.some("items", 1, 4)]
        facts = [(labels[0], slots["ref"]), (labels[1], slots["date"])]
        sums = [(labels[2], slots["amount"]), (labels[3], slots["small"]), (labels[5], slots["amount"])]
        rest = [(labels[6], f"{slots['name']}, {slots['street']}, {slots['city']}"), (labels[7], self.say("payment"))]
        return Rows(tuple(facts + items + sums[rng.randrange(3) :] + (rest if rng.random() < 0.6 else [])))


def _order(w: _Writer) -> list[Block]:
    return [*w.greeting(cold=0.1), *map(Text, w.some("order_text", 1, 2)), w.bill(), *_button(w, "cta", 0.6)]


def _ship(w: _Writer) -> list[Block]:
    labels, slots = w.setting.words["labels"], w.setting.slots
    rows = Rows(((labels[9], slots["ref"]), (labels[10], slots["date"])))
    shown: list[Block] = [rows] if w.rng.random() < 0.7 else []
    return [*w.greeting(cold=0.1), *map(Text, w.some("ship_text", 1, 2)), *shown, *_button(w, "cta", 0.75)]


def _promo(w: _Writer) -> list[Block]:
    rng = w.rng
    goods: list[Block] = [
        Story(item, w.setting.slots["small"], w.say("cta"), w.url(), w.picture()) for item in w.some("items", 0, 4)
    ]
    top: list[Block] = [Picture(w.url(), w.picture(), w.say("promo_subject"))] if rng.random() < 0.5 else []
    if rng.random() < 0.15:
        return [*top, Picture(w.url(), w.picture(), w.say("promo_text"))]  # nearly nothing but pictures
    title = [Heading(w.say("promo_subject"))] if rng.random() < 0.5 else []
    return [
        *top,
        *title,
        *w.greeting(cold=0.3),
        *map(Text, w.some("promo_text", 1, 3)),
        *goods,
        *_button(w, "cta", 0.85),
    ]


def _news(w: _Writer) -> list[Block]:
    stories = [w.story() for _ in range(w.rng.randint(2, 6))]
    offer = [Text(w.say("promo_text"))] if w.rng.random() < 0.2 else []
    return [
        Heading(w.say("news_subject")),
        *map(Text, w.some("teasers", 0, 2)),
        *stories,
        *offer,
        *_button(w, "cta", 0.3),
    ]


def _note(w: _Writer) -> list[Block]:
    return [*w.greeting(cold=0.2), *map(Text, w.some("note_text", 1, 2)), *_button(w, "cta", 0.6)]


def _talk(w: _Writer) -> list[Block]:
    said = w.some("talk", 2, 6)
    cut = w.rng.randrange(len(said) + 1)
    quoted = "\n".join(f"> {line}" for line in w.some("talk", 1, 4)) if w.rng.random() < 0.3 else ""
    signed = (
        w.setting.slots["sender"]
        if w.rng.random() < 0.7
        else f"{w.setting.slots['person']}\n{w.setting.slots['company']}"
    )
    parts = [" ".join(said[:cut]), " ".join(said[cut:]), signed, quoted]
    return [*w.greeting(cold=0.0), *(Text(part) for part in parts if part)]


def _phish(w: _Writer) -> list[Block]:
    rng = w.rng
    facts: list[Block] = [w.bill()] if rng.random() < 0.15 else []
    body: list[Block] = [
        *w.greeting(cold=0.6),
        *map(Text, w.some("phish_text", 1, 2)),
        *facts,
        *_button(w, "phish_cta", 0.93),
    ]
    if rng.random() < 0.4:
        body.insert(0, Picture(w.url(), w.picture(), w.setting.brand.name))
    return body


def _spam(w: _Writer) -> list[Block]:
    rng = w.rng
    if rng.random() < 0.12:  # a picture says it all
        return [Picture(w.url(), w.picture(), w.say("spam_subject") if rng.random() < 0.5 else "")]
    title: list[Block] = [Heading(w.say("spam_subject"))] if rng.random() < 0.4 else []
    return [*title, *w.greeting(cold=0.6), *map(Text, w.some("spam_text", 1, 2)), *_button(w, "spam_cta", 0.85)]


def _button(w: _Writer, key: str, share: float) -> list[Block]:
    return [Button(w.say(key), w.url())] if w.rng.random() < share else []


_BODIES = {
    "order": _order, "ship": _ship, "promo": _promo, "news": _news, "note": _note, "talk": _talk, "phish": _phish, "spam": _spam,
}  # fmt: skip


def _honest_host(brand: Brand, rng: Random) -> str:
    """Mostly the brand's own; sometimes that of the service that sends for it, or a second domain."""
    chance = rng.random()
    if chance < 0.08:
        return f"{names.random_word(rng, 3, 6)}.{rng.choice(_SENDING_SERVICES)}"
    if chance < 0.14:
        return rng.choice(["{}-mail.com", "{}mail.com", "e-{}.com", "{}news.com", "get{}.com"]).format(
            links.slug(brand)
        )
    return rng.choice(["", "", "", "mail.", "e.", "news.", "email.", "t.", "notify."]) + brand.host


def _sender(w: _Writer, kind: str) -> tuple[str, str]:
    rng, brand, own = w.rng, w.setting.brand, w.setting.to.address.rpartition("@")[2]
    if kind == "talk":
        person = names.person(rng, rng.choice([None, own, names.invented_brand(rng).host]))
        return person.name, person.address
    if kind == "phish":
        return brand.name, links.trick_sender(brand, own, rng)
    if kind == "spam":
        name = rng.choice([*_SPAM_NAMES, brand.name, w.setting.slots["person"], w.say("spam_subject")[:40]])
        local = rng.choice(["info", "offer", "news", "contact", names.random_word(rng), "newsletter", "support"])
        host = names.stranger_host(rng)
        return name, rng.choices([f"{local}@{host}", names.free_mail(rng)], [5, 1])[0]
    names_of = [
        brand.name,
        brand.name,
        brand.name,
        f"{w.setting.slots['person'].split()[0]} ({brand.name})",
        f"{brand.name} Team",
    ]
    return rng.choice(names_of), f"{rng.choice(_LOCALS)}@{_honest_host(brand, rng)}"


def _forward(w: _Writer, subject: str) -> list[Block]:
    """What a mail program writes above a forwarded mail."""
    who = names.person(w.rng)
    names_of = w.rng.choice(
        [("From", "Sent", "To", "Subject"), ("De", "Enviado", "Para", "Assunto"), ("Von", "Gesendet", "An", "Betreff")]
    )
    values = (f"{who.name} <{who.address}>", w.setting.slots["date"], w.setting.to.address, subject)
    return [Text("\n".join(f"{name}: {value}" for name, value in zip(names_of, values, strict=True)))]


def write(kind: str, setting: Setting, rng: Random) -> bytes:
    """One mail of a kind: order, ship, promo, news, note, talk (honest), phish or spam."""
    bad = kind in ("phish", "spam")
    w = _Writer(setting, rng, bad=bad)
    blocks = _BODIES[kind](w)
    if kind != "talk" and rng.random() < (0.7 if bad else 0.9):
        blocks.append(w.small())
    if bad and rng.random() < 0.12:  # honest talk as padding, for all to see
        blocks += map(Text, w.some(rng.choice(["talk", "teasers", "note_text"]), 1, 4))
    subject = w.say(f"{kind}_subject")
    if rng.random() < _FORWARDED.get(kind, 0.0):
        blocks = [*_forward(w, subject), *blocks]
        subject = f"{rng.choice(['Fw', 'Fwd', 'FW', 'Re'])}: {subject}"
    if kind in ("promo", "spam", "order", "ship") and rng.random() < 0.2:
        subject = f"{rng.choice(_EMOJI)} {subject}" if rng.random() < 0.5 else f"{subject} {rng.choice(_EMOJI)}"
    if kind in ("promo", "spam") and rng.random() < 0.12:
        subject = subject.upper()
    name, address = _sender(w, kind)
    preheader = w.say("teasers" if kind in ("news", "promo") else "cta") if rng.random() < 0.4 else ""
    pages = [("plain", as_plain(blocks)), ("html", as_html(blocks, Theme.drawn(preheader, rng), rng))]
    chance = rng.random()
    plain_only = 0.65 if kind == "talk" else 0.2
    chosen = pages[:1] if chance < plain_only else pages[1:] if chance < plain_only + (1 - plain_only) * 0.6 else pages
    return layout.message(layout.head(name, address, setting.to.address, subject), chosen, rng, _attached(kind, rng))


def _attached(kind: str, rng: Random) -> tuple[tuple[str, str], ...]:
    """Files that come along: as often with honest mail as with bad, of which some are pages or packed."""
    if rng.random() >= _WITH_FILES.get(kind, 0.0):
        return ()
    word = names.random_word(rng)
    honest = [
        (f"{word}.pdf", "application/pdf"),
        ("logo.png", "image/png"),
        (f"{word}.ics", "text/calendar"),
        (f"{word}.jpg", "image/jpeg"),
    ]
    bad = [(f"{word}.html", "text/html"), (f"{word}.zip", "application/zip"), (f"{word}.pdf", "application/pdf")]
    chosen = bad if kind == "phish" and rng.random() < 0.6 else honest
    return tuple(rng.sample(chosen, rng.choice([1, 1, 2])))


def _setting(kind: str, lang: str, rng: Random) -> Setting:
    to, brand = (
        names.person(rng, names.invented_brand(rng).host if rng.random() < 0.6 else None),
        brand_for(kind, lang, rng),
    )
    return Setting(lang, _words(lang), facts(lang, brand, to, rng), brand, to)


def pair(rng: Random) -> Iterator[tuple[str, str, str, bytes]]:
    """One bad mail and one or two honest ones beside it, as (kind, label, language, octets)."""
    lang, kind = language(rng), rng.choice(["phish", "phish", "spam"])
    honest = rng.choices(list(_HONEST), list(_HONEST.values()))[0]
    setting = _setting(kind if kind == "phish" else honest, lang, rng)
    yield kind, kind, lang, write(kind, setting, rng)
    yield honest, "ham", lang, write(honest, setting, rng)
    if rng.random() < 0.5:  # honest mail is the more varied of the two
        other = rng.choices(list(_HONEST), list(_HONEST.values()))[0]
        yield other, "ham", lang, write(other, _setting(other, lang, rng), rng)
