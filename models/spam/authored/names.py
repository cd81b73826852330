"""Who writes to whom: known brands with their right hosts, invented brands and people, and hosts that belong to nobody."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

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
_LEGAL_FORMS = [" GmbH", " Ltd", " Inc.", " SAS", " S.L.", " Lda", " S.r.l.", " B.V.", " Sp. z o.o.", " AB"]
_FIRST = [
    "Anna", "Ben", "Carla", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jan", "Klara", "Luis", "Maria",
    "Nils", "Olga", "Paulo", "Rosa", "Stefan", "Tina", "Uwe", "Vera", "Walter", "Yara", "Zoe", "Ahmed", "Chiara",
    "Daniela", "Erik", "Fatima", "Grace", "Ivan", "James", "Kenji", "Laura", "Marta", "Noah", "Priya", "Sofia",
    "Thomas", "Wei", "Aisha", "Alejandro", "Amélie", "Andrzej", "Antoine", "Beatriz", "Bram", "Bruno", "Camille", "Catarina",
    "Charlotte", "Chinedu", "Daan", "Deepak", "Dmitri", "Emily", "Emre", "Fernanda", "Francesca", "Gabriel", "Giulia",
    "Grzegorz", "Hannah", "Hassan", "Hiroshi", "Isabela", "Jack", "Jeroen", "Joana", "João", "Jürgen", "Katarzyna", "Kevin",
    "Lars", "Leila", "Linh", "Lotte", "Lucas", "Małgorzata", "Marco", "Matthew", "Mehmet", "Min-jun", "Nadia", "Olivia",
    "Oscar", "Patricia", "Piotr", "Rafael", "Rania", "Renata", "Robert", "Sanne", "Sara", "Sean", "Siobhan", "Sunita",
    "Susanne", "Tiago", "Tomasz", "Valentina", "Vikram", "William", "Xavier", "Yusuf", "Zofia", "Zhang", "Blessing",
]  # fmt: skip
_LAST = [
    "Almeida", "Becker", "Costa", "Dubois", "Eriksson", "Ferrari", "Garcia", "Hansen", "Ivanova", "Jensen",
    "Kowalski", "Lopez", "Müller", "Novak", "Okafor", "Pereira", "Quinn", "Rossi", "Schmidt", "Taylor", "Ueda",
    "Visser", "Wagner", "Young", "Zielinski", "Brown", "Chen", "Davies", "Fischer", "Moreau", "Nguyen", "Smith",
    "Adeyemi", "Andersson", "Bakker", "Bauer", "Bernard", "Bianchi", "Carvalho", "Colombo", "de Boer", "de Vries", "Demir",
    "Díaz", "Esposito", "Evans", "Fernandes", "Fernández", "Fontaine", "Gomes", "González", "Greco", "Haddad", "Hoffmann",
    "Hughes", "Ito", "Jackson", "Jankowski", "Jansen", "Johnson", "Jones", "Kamiński", "Kaya", "Khan", "Kim", "Koch",
    "Kumar", "Lambert", "Laurent", "Lee", "Lehmann", "Lewandowski", "Li", "Lima", "Martin", "Martínez", "Mbeki", "Meyer",
    "Mulder", "Murphy", "Nakamura", "Neumann", "O'Brien", "Oliveira", "Patel", "Petit", "Ramírez", "Ribeiro", "Ricci",
    "Robinson", "Romano", "Ruiz", "Sánchez", "Santos", "Schneider", "Schulz", "Sharma", "Silva", "Singh", "Sokolov",
    "Tanaka", "Torres", "van Dijk", "Walker", "Wang", "Williams", "Wiśniewski", "Wójcik", "Yılmaz", "Zimmermann",
]  # fmt: skip
_STREETS = [
    "12 High Street", "Hauptstr. 4", "5 rue Victor Hugo", "Calle Mayor 18", "Via Roma 7", "Kerkstraat 21",
    "Rua das Flores 90", "Bahnhofstraße 17", "1600 Market Street, Suite 400", "27 Old Mill Lane",
    "14 avenue de la République", "Av. Paulista 1578, 9º andar", "Gran Vía 44, 3º B", "Corso Garibaldi 112",
    "Herengracht 450", "ul. Marszałkowska 84", "Rua Augusta 200, 2º Dto", "PO Box 1180", "Level 5, 100 Queen Street",
]  # fmt: skip
_CITIES = [
    "London", "Berlin", "Paris", "Madrid", "Lisboa", "Milano", "Amsterdam", "Warszawa", "Dublin", "Chicago",
    "Lyon", "Porto", "Hamburg", "Leeds", "Boston", "Zürich", "Wien", "Recife", "Valencia", "Torino", "Utrecht",
    "Gdańsk", "Toronto", "Austin", "Manchester", "Edinburgh", "New York", "Seattle", "Denver", "Sydney", "Köln", "München",
    "Leipzig", "Genève", "Nantes", "Toulouse", "Bordeaux", "Barcelona", "Sevilla", "Bilbao", "Bogotá", "São Paulo",
    "Curitiba", "Belo Horizonte", "Coimbra", "Braga", "Roma", "Napoli", "Bologna", "Rotterdam", "Eindhoven", "Antwerpen",
    "Kraków", "Wrocław", "Poznań", "Singapore", "Dubai",
]  # fmt: skip
_TLDS = [
    "com", "com", "com", "net", "org", "io", "co", "de", "fr", "nl", "com.br", "it", "es", "pl", "co.uk", "eu", "app",
    "shop",
]  # fmt: skip
_JUNK_TLDS = [
    "com", "net", "org", "info", "xyz", "top", "online", "site", "shop", "click", "ru", "cn", "us", "live", "com.br", "de",
]  # fmt: skip
_FREEMAIL = [
    "gmail.com", "gmail.com", "gmail.com", "outlook.com", "yahoo.com", "gmx.net", "hotmail.com", "mail.ru", "proton.me",
    "icloud.com", "aol.com", "live.com", "web.de", "t-online.de", "orange.fr", "free.fr", "libero.it", "uol.com.br",
    "sapo.pt", "wp.pl", "ziggo.nl", "yandex.com", "zoho.com", "mail.com", "163.com",
]  # fmt: skip
_JUNK_WORDS = [
    "casa", "verde", "moto", "studio", "garden", "print", "dental", "auto", "tech", "foto", "clinic", "hotel",
    "escola", "metal", "legal", "pizza", "yoga", "surf", "travel", "solar", "boat", "music", "event", "academy",
    "consult", "design", "trade", "agro", "eco", "bau", "praxis", "verlag", "boutique", "atelier", "bike", "coffee", "club",
    "news", "photo", "wood", "stone", "kids", "dance", "farm", "wine", "parking", "reise", "immo", "sport", "radio", "moda",
    "arte", "smile", "express", "global", "digital", "media", "group", "center", "market", "tools", "pro", "local",
]  # fmt: skip

_UNACCENTED = {
    "ü": "ue", "ö": "oe", "ä": "ae", "ß": "ss", "á": "a", "ã": "a", "â": "a", "ç": "c", "é": "e", "ê": "e", "è": "e", "í": "i",
    "ı": "i", "ł": "l", "ń": "n", "ñ": "n", "ó": "o", "ô": "o", "õ": "o", "ś": "s", "ú": "u", "ż": "z", "ź": "z", "ę": "e", "ą": "a",
}  # fmt: skip


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

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"

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


def invented_brand(rng: Random) -> Brand:
    """A brand that does not exist, with its own host."""
    if rng.random() < 0.35:  # small firms and the sites that get broken into must share their words
        words = rng.sample(_JUNK_WORDS, 2)
        tld = rng.choice(_TLDS + _JUNK_TLDS)
        return Brand(" ".join(words).title(), f"{rng.choice(['', '-']).join(words)}.{tld}", False)
    name = _invented_name(rng)
    words = _host_letters(name.replace("&", "and").replace(".", " ")).split()
    host = rng.choice(["", "", "-"]).join(words)
    legal = rng.choice(_LEGAL_FORMS) if rng.random() < 0.25 else ""
    prefix = rng.choice(["get", "my", "try", "the", "hello"]) if rng.random() < 0.15 else ""
    return Brand(f"{name}{legal}", f"{prefix}{host}.{rng.choice(_TLDS)}", False)


def _invented_name(rng: Random) -> str:
    """A name as shops, practices, clubs and start-ups bear it."""
    stem, tail, last = rng.choice(_STEMS), rng.choice(_TAILS), rng.choice(_LAST)
    return rng.choice(
        [
            f"{stem}{tail}",
            f"{stem} {tail.capitalize()}",
            f"{stem}{tail.capitalize()}",
            f"{stem} & {rng.choice(_STEMS)}",
            f"{last} {tail.capitalize()}",
            f"{last} & {rng.choice(_LAST)}",
            f"{tail.capitalize()} {rng.choice(_CITIES)}",
            stem,
        ]
    )


def _host_letters(name: str) -> str:
    """What of a name may stand in a host or an address, in small letters."""
    plain = name.lower()
    for letter, ascii_letters in _UNACCENTED.items():
        plain = plain.replace(letter, ascii_letters)
    return "".join(letter for letter in plain if letter.isascii() and (letter.isalnum() or letter in " -"))


def host_of(name: str, tlds: list[str], rng: Random) -> str:
    """A host for an organisation's name: its words, some of them or their first letters; made up where none is of Latin letters."""
    said = _host_letters(name.replace("&", " ").replace("'", "").replace("-", " ")).split()
    words = [word for word in said if len(word) > 2] or [rng.choice(_STEMS).lower(), rng.choice(_TAILS)]
    if len(words) > 2 and rng.random() < 0.3:
        words = ["".join(word[0] for word in words)]
    kept = words[: rng.choice([2, 3, 3, 4])]
    return f"{rng.choice(['', '', '-']).join(kept)}.{rng.choice(tlds)}"


def last_name(rng: Random) -> str:
    """A family name."""
    return rng.choice(_LAST)


def company(rng: Random) -> str:
    """Name of a firm that nobody claims to be."""
    return rng.choice(
        [
            f"{rng.choice(_LAST)} & {rng.choice(_LAST)}",
            f"{rng.choice(_STEMS)}{rng.choice(_TAILS)}",
            f"{rng.choice(_LAST)} Ltd",
        ]
    )


def person(rng: Random, host: str | None = None) -> Person:
    """A made-up person, at ``host`` or at a free mail host."""
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    first_letters, last_letters = _host_letters(first), _host_letters(last).replace(" ", "")
    local = rng.choice(["{f}.{l}", "{f}{l}", "{f}", "{f}_{l}", "{i}{l}", "{f}.{l}{n}", "{l}.{f}", "{f}{n}"]).format(
        f=first_letters, l=last_letters, i=first_letters[0], n=rng.randrange(10, 99)
    )
    return Person(first, last, f"{local}@{host or rng.choice(_FREEMAIL)}")


def is_free_mail(host: str) -> bool:
    """Whether a host gives mailboxes to everybody."""
    return host in _FREEMAIL


def street(rng: Random) -> str:
    """A street and number."""
    return rng.choice(_STREETS)


def city(rng: Random) -> str:
    """A city."""
    return rng.choice(_CITIES)


def free_mail(rng: Random) -> str:
    """An address at a free mail host."""
    return person(rng).address


def stranger_host(rng: Random) -> str:
    """A host of a small site that has nothing to do with any brand (often one that was broken into)."""
    if rng.random() < 0.35:
        return invented_brand(rng).host
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
