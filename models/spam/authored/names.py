"""Who writes to whom: known brands with their right hosts, invented brands and people, and hosts that belong to nobody."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from models.spam.authored import people
from models.spam.authored.people import People

_KNOWN = Path(__file__).with_name("brands.txt")

_STEMS = [
    "Nord", "Alta", "Vero", "Lumi", "Kestrel", "Brook", "Silva", "Tarn", "Orbi", "Zen", "Quill", "Hart", "Mira",
    "Cobalt", "Fern", "Pix", "Nova", "Delta", "Oak", "Rivo", "Sol", "Terra", "Vant", "Apex", "Bram", "Cara",
    "Dune", "Echo", "Flint", "Glen", "Holt", "Ivo", "Juno", "Kite", "Lark", "Moss", "Nim", "Opal", "Pine", "Rook",
    "Sage", "Tide", "Umber", "Vale", "Wren", "Yarrow", "Zephyr", "Amber", "Basil", "Cedar", "Drift", "Ember", "Forge",
    "Grain", "Harbor", "Indigo", "Jasper", "Lumen", "Maple", "Onyx", "Prisma", "Raven", "Sable", "Tempo", "Urban", "Velo",
    "Willow", "Xeno", "Yonder", "Zest", "Atlas", "Bonny", "Clever", "Daily", "Easy", "First", "Green", "Happy", "Open", "Smart",
]  # fmt: skip
_TAILS = [
    "ia", "ix", "ora", "ly", "ware", "bank", "pay", "post", "cargo", "shop", "mart", "cloud", "mail", "soft",
    "works", "labs", "house", "market", "parcel", "health", "air", "media", "path", "desk", "field", "stone",
    "telecom", "energy", "finance", "travel", "foods", "motors", "books", "tools", "flow", "stack", "hub", "kit", "base",
    "box", "sign", "track", "loop", "wise", "dent", "care", "fit", "home", "wear", "kids", "pets", "studio", "solar",
    "logistics", "insurance", "academy", "events", "club", "hq", "ify", "io", "go", "now", "direct",
]  # fmt: skip
_TLDS = ["com", "com", "com", "com", "net", "org", "io", "co", "eu", "app", "shop"]  # of no country
_OF_NO_COUNTRY = 0.5  # of hosts of firms and of free mail, those that are no country's
_TRADES = 0.2  # of invented names, those of small firms of the place
_JUNK_TLDS = [
    "com", "net", "org", "info", "xyz", "top", "online", "site", "shop", "click", "ru", "cn", "us", "live", "com.br", "de",
]  # fmt: skip
_FREEMAIL = [
    "gmail.com", "gmail.com", "gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "proton.me", "icloud.com", "live.com",
    "aol.com", "gmx.net", "zoho.com", "mail.com", "yandex.com",
]  # fmt: skip
_JUNK_WORDS = [
    "casa", "verde", "moto", "studio", "garden", "print", "dental", "auto", "tech", "foto", "clinic", "hotel",
    "escola", "metal", "legal", "pizza", "yoga", "surf", "travel", "solar", "boat", "music", "event", "academy",
    "consult", "design", "trade", "agro", "eco", "bau", "praxis", "verlag", "boutique", "atelier", "bike", "coffee", "club",
    "news", "photo", "wood", "stone", "kids", "dance", "farm", "wine", "parking", "reise", "immo", "sport", "radio", "moda",
    "arte", "smile", "express", "global", "digital", "media", "group", "center", "market", "tools", "pro", "local",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Brand:
    """A sender that mail claims to be from."""

    name: str
    host: str
    known: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up person with a mail address."""

    first: str
    last: str
    address: str
    order: str = "{first} {last}"

    @property
    def name(self) -> str:
        """First and last name, in the order of the person's language."""
        return self.order.format(first=self.first, last=self.last)

    @property
    def host(self) -> str:
        """Where the mailbox is."""
        return self.address.rpartition("@")[2]


def _parse() -> list[tuple[Brand, frozenset[str], str]]:
    rows = [line.split() for line in _KNOWN.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [
        (Brand(row[0].replace("_", " "), row[1], True), frozenset(row[2].split(",")), row[3] if len(row) > 3 else "")
        for row in rows
    ]


_BRANDS = _parse()


def known_brand(branches: frozenset[str], lang: str, rng: Random) -> Brand:
    """A well-known brand of one of ``branches`` that writes in ``lang``; any that fits the language if none does."""
    fits = [brand for brand, has, only in _BRANDS if has & branches and only in ("", lang)]
    return rng.choice(fits or [brand for brand, _, only in _BRANDS if only in ("", lang)])


def brand_named(name: str, lang: str) -> Brand:
    """The well-known brand of that name, the one of the language where several bear it.

    Raises:
        KeyError: nobody bears it.
    """
    named = {only: brand for brand, _, only in _BRANDS if brand.name == name and only in ("", lang)}
    return named[lang] if lang in named else named[""]


def branches(brand: Brand, lang: str) -> frozenset[str]:
    """The branches of business of a well-known brand."""
    return frozenset[str]().union(*(has for known, has, only in _BRANDS if known == brand and only in ("", lang)))


def invented_brand(lang: str, rng: Random) -> Brand:
    """A brand that does not exist, of a country of the language, with its own host."""
    home = people.drawn(lang, rng, latin=True)
    tld, form = rng.choice(home.firms)
    if rng.random() < _OF_NO_COUNTRY:
        tld, form = rng.choice(_TLDS), "{}"
    if rng.random() < 0.35:  # small firms and the sites that get broken into must share their words
        words = rng.sample(_JUNK_WORDS, 2)
        return Brand(
            " ".join(words).title(), f"{rng.choice(['', '-']).join(words)}.{rng.choice([tld, tld, *_JUNK_TLDS])}", False
        )
    name, latin = _invented_name(home, rng)
    plain = latin.replace("&", "and").replace(".", " ").replace("-", " ")
    words = people.ascii_letters(plain, home.lang).split()
    host = rng.choice(["", "", "-"]).join(words)
    shown = form.format(name) if rng.random() < 0.4 else name
    prefix = rng.choice(["get", "my", "try", "the", "hello"]) if rng.random() < 0.1 else ""
    return Brand(shown, f"{prefix}{host}.{tld}", False)


def _invented_name(home: People, rng: Random) -> tuple[str, str]:
    """A name as shops, practices, clubs and start-ups bear it, and what of it is of Latin letters."""
    if rng.random() < _TRADES:
        return _trade(home, rng)
    stem, tail, last = rng.choice(_STEMS), rng.choice(_TAILS), rng.choice(home.last).latin
    name = rng.choice(
        [
            f"{stem}{tail}",
            f"{stem} {tail.capitalize()}",
            f"{stem}{tail.capitalize()}",
            f"{stem} & {rng.choice(_STEMS)}",
            f"{last} {tail.capitalize()}",
            f"{last} & {rng.choice(home.last).latin}",
            f"{tail.capitalize()} {rng.choice(home.cities).latin}",
            stem,
        ]
    )
    return name, name


def _trade(home: People, rng: Random) -> tuple[str, str]:
    """A baker's, a dentist's, a town's name."""
    trade, last, other, city = (
        rng.choice(home.trades), rng.choice(home.last), rng.choice(home.last), rng.choice(home.cities),
    )  # fmt: skip
    said = trade.format(last=last.said, other=other.said, city=city.said)
    return said, trade.format(last=last.latin, other=other.latin, city=city.latin)


def host_of(name: str, tlds: list[str], rng: Random) -> str:
    """A host for an organisation's name: its words, some of them or their first letters; made up where none is of Latin letters."""
    said = people.ascii_letters(name.replace("&", " ").replace("'", "").replace("-", " ")).split()
    words = [word for word in said if len(word) > 2] or [rng.choice(_STEMS).lower(), rng.choice(_TAILS)]
    if len(words) > 2 and rng.random() < 0.3:
        words = ["".join(word[0] for word in words)]
    kept = words[: rng.choice([2, 3, 3, 4])]
    return f"{rng.choice(['', '', '-']).join(kept)}.{rng.choice(tlds)}"


def last_name(lang: str, rng: Random) -> str:
    """A family name."""
    home = people.drawn(lang, rng)
    return people.written(rng.choice(home.last), home, lang)


def company(lang: str, rng: Random) -> str:
    """Name of a firm that nobody claims to be."""
    home = people.drawn(lang, rng, latin=True)
    one, other = rng.choice(home.last).said, rng.choice(home.last).said
    form = rng.choice(home.firms)[1]
    return rng.choice([f"{one} & {other}", f"{rng.choice(_STEMS)}{rng.choice(_TAILS)}", form.format(one)])


def house(lang: str, rng: Random) -> str:
    """A firm of a country of the language in its legal form, as an imprint has it."""
    home = people.of(lang)
    return rng.choice(home.firms)[1].format(rng.choice(home.last).said)


def person(lang: str, rng: Random, host: str | None = None) -> Person:
    """A made-up person who writes the language, at ``host`` or at a free mail host."""
    home = people.drawn(lang, rng)
    first, last = rng.choice([(home.men, home.last), (home.women, home.last_of_women)])
    given, family = rng.choice(first), rng.choice(last)
    said = [people.ascii_letters(word.latin, home.lang).replace(" ", "") for word in (given, family)]
    local = rng.choice(["{f}.{l}", "{f}{l}", "{f}", "{f}_{l}", "{i}{l}", "{f}.{l}{n}", "{l}.{f}", "{f}{n}"]).format(
        f=said[0], l=said[1], i=said[0][0], n=rng.randrange(10, 99)
    )
    order = home.order if home.lang == lang else "{first} {last}"
    shown = people.written(given, home, lang), people.written(family, home, lang)
    return Person(*shown, f"{local}@{host or _free_host(lang, rng)}", order)


def _free_host(lang: str, rng: Random) -> str:
    """A free mail host: of the whole world, or of a country of the language."""
    return rng.choice(_FREEMAIL if rng.random() < _OF_NO_COUNTRY else people.of(lang).mail)


def is_free_mail(host: str) -> bool:
    """Whether a host gives mailboxes to everybody."""
    return host in _FREEMAIL or any(host in people.of(lang).mail for lang in people.languages())


def city(lang: str, rng: Random) -> str:
    """A city."""
    home = people.drawn(lang, rng)
    return people.written(rng.choice(home.cities), home, lang)


def free_mail(lang: str, rng: Random) -> str:
    """An address at a free mail host."""
    return person(lang, rng).address


def stranger_host(lang: str, rng: Random) -> str:
    """A host of a small site that has nothing to do with any brand (often one that was broken into), of the reader's country or any."""
    chance = rng.random()
    if chance < 0.35:  # as near as honest ones are, or a country's ending would speak for who has it
        return invented_brand(lang if chance < 0.2 else rng.choice(people.languages()), rng).host
    word, other = rng.choice(_JUNK_WORDS), rng.choice(_JUNK_WORDS)
    return (
        f"{rng.choice([word + other, word + '-' + other, word + str(rng.randrange(10, 999))])}.{rng.choice(_JUNK_TLDS)}"
    )


def random_word(rng: Random, low: int = 5, high: int = 12) -> str:
    """Letters without sense."""
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randint(low, high)))


def token(rng: Random, length: int = 10) -> str:
    """Capital letters and digits, as in a reference number."""
    return "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(length))
