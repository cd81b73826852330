"""Who writes to whom: known brands with their right hosts, invented brands and people, and hosts that belong to nobody."""

from dataclasses import dataclass
from random import Random

# name, host, branches of business, languages ("" is every one). The hosts are the right ones: they mark the honest twins.
_KNOWN = """
PayPal paypal.com pay
Stripe stripe.com pay
Klarna klarna.com pay,shop
Amazon amazon.com shop,parcel,account
eBay ebay.com shop,account
Walmart walmart.com shop en
Zalando zalando.com shop
IKEA ikea.com shop
Decathlon decathlon.com shop
Etsy etsy.com shop
Allegro allegro.pl shop pl
Mercado_Livre mercadolivre.com.br shop,pay pt
Magazine_Luiza magazineluiza.com.br shop pt
bol bol.com shop nl
Fnac fnac.com shop fr
OTTO otto.de shop de
Costco costco.com shop en
Lidl lidl.com shop
DHL dhl.com parcel
DHL dhl.de parcel de
FedEx fedex.com parcel
UPS ups.com parcel
USPS usps.com parcel en
Royal_Mail royalmail.com parcel en
Evri evri.com parcel en
DPD dpd.com parcel
GLS gls-group.com parcel
Hermes myhermes.de parcel de
Correios correios.com.br parcel pt
CTT ctt.pt parcel pt
La_Poste laposte.fr parcel fr
Chronopost chronopost.fr parcel fr
Mondial_Relay mondialrelay.fr parcel fr
Correos correos.es parcel es
Poste_Italiane poste.it parcel,bank it
BRT brt.it parcel it
PostNL postnl.nl parcel nl
InPost inpost.pl parcel pl
Poczta_Polska poczta-polska.pl parcel pl
Microsoft microsoft.com mail,account,document
Microsoft_365 office.com mail,document
OneDrive onedrive.com document,account
SharePoint sharepoint.com document
Outlook outlook.com mail
Google google.com mail,account,document
Apple apple.com account
iCloud icloud.com account,mail
Dropbox dropbox.com document
DocuSign docusign.net document
Adobe adobe.com document,account
WeTransfer wetransfer.com document
Zoom zoom.us account,voice
RingCentral ringcentral.com voice
Vodafone vodafone.com telecom,voice
Telekom telekom.de telecom,voice,mail de
O2 o2online.de telecom de
Orange orange.fr telecom,mail,voice fr
SFR sfr.fr telecom fr
Free free.fr telecom,mail fr
Movistar movistar.es telecom es
TIM tim.it telecom it
KPN kpn.com telecom nl
Vivo vivo.com.br telecom pt
Claro claro.com.br telecom pt
Play play.pl telecom pl
Netflix netflix.com account,stream
Spotify spotify.com account,stream
Disney+ disneyplus.com account,stream
Facebook facebookmail.com account
Instagram instagram.com account
LinkedIn linkedin.com account
GitHub github.com account
Slack slack.com account
IONOS ionos.com mail,host
STRATO strato.de mail,host de
GoDaddy godaddy.com mail,host
OVHcloud ovhcloud.com mail,host
Aruba aruba.it mail,host it
Locaweb locaweb.com.br mail,host pt
GMX gmx.net mail de
WEB.DE web.de mail de
UOL uol.com.br mail pt
Libero libero.it mail it
Chase chase.com bank en
Wells_Fargo wellsfargo.com bank en
Bank_of_America bankofamerica.com bank en
HSBC hsbc.co.uk bank en
Barclays barclays.co.uk bank en
American_Express americanexpress.com bank
Sparkasse sparkasse.de bank de
Volksbank vr.de bank de
Commerzbank commerzbank.de bank de
ING ing.de bank de
DKB dkb.de bank de
ING ing.nl bank nl
Rabobank rabobank.nl bank nl
ABN_AMRO abnamro.nl bank nl
BNP_Paribas bnpparibas.com bank fr
Credit_Agricole credit-agricole.fr bank fr
La_Banque_Postale labanquepostale.fr bank fr
Santander santander.com bank
BBVA bbva.es bank es
CaixaBank caixabank.es bank es
Intesa_Sanpaolo intesasanpaolo.com bank it
UniCredit unicredit.it bank it
Nexi nexi.it pay,bank it
Itau itau.com.br bank pt
Bradesco bradesco.com.br bank pt
Nubank nubank.com.br bank pt
Caixa caixa.gov.br bank pt
Livelo livelo.com.br account,shop pt
mBank mbank.pl bank pl
PKO_BP pkobp.pl bank pl
Coinbase coinbase.com crypto
Binance binance.com crypto
Kraken kraken.com crypto
Ledger ledger.com crypto
MetaMask metamask.io crypto
Trezor trezor.io crypto
Bitpanda bitpanda.com crypto
IRS irs.gov tax en
HMRC hmrc.gov.uk tax en
ELSTER elster.de tax de
Receita_Federal gov.br tax pt
impots.gouv.fr impots.gouv.fr tax fr
Agencia_Tributaria agenciatributaria.es tax es
Agenzia_Entrate agenziaentrate.gov.it tax it
Belastingdienst belastingdienst.nl tax nl
KAS podatki.gov.pl tax pl
Norton norton.com account,host
McAfee mcafee.com account,host
Geek_Squad bestbuy.com account,host en
Booking.com booking.com shop,account
Airbnb airbnb.com account
ADAC adac.de account de
AOK aok.de account,tax de
"""
_STEMS = [
    "Nord", "Alta", "Vero", "Lumi", "Kestrel", "Brook", "Silva", "Tarn", "Orbi", "Zen", "Quill", "Hart", "Mira",
    "Cobalt", "Fern", "Pix", "Nova", "Delta", "Oak", "Rivo", "Sol", "Terra", "Vant", "Apex", "Bram", "Cara",
    "Dune", "Echo", "Flint", "Glen", "Holt", "Ivo", "Juno", "Kite", "Lark", "Moss", "Nim", "Opal", "Pine", "Rook",
    "Sage", "Tide", "Umber", "Vale", "Wren", "Yarrow", "Zephyr",
]  # fmt: skip
_TAILS = [
    "ia", "ix", "ora", "ly", "ware", "bank", "pay", "post", "cargo", "shop", "mart", "cloud", "mail", "soft",
    "works", "labs", "house", "market", "parcel", "health", "air", "media", "path", "desk", "field", "stone",
    "telecom", "energy", "finance", "travel", "foods", "motors", "books", "tools",
]  # fmt: skip
_FIRST = [
    "Anna", "Ben", "Carla", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jan", "Klara", "Luis", "Maria",
    "Nils", "Olga", "Paulo", "Rosa", "Stefan", "Tina", "Uwe", "Vera", "Walter", "Yara", "Zoe", "Ahmed", "Chiara",
    "Daniela", "Erik", "Fatima", "Grace", "Ivan", "James", "Kenji", "Laura", "Marta", "Noah", "Priya", "Sofia",
    "Thomas", "Wei",
]  # fmt: skip
_LAST = [
    "Almeida", "Becker", "Costa", "Dubois", "Eriksson", "Ferrari", "Garcia", "Hansen", "Ivanova", "Jensen",
    "Kowalski", "Lopez", "Müller", "Novak", "Okafor", "Pereira", "Quinn", "Rossi", "Schmidt", "Taylor", "Ueda",
    "Visser", "Wagner", "Young", "Zielinski", "Brown", "Chen", "Davies", "Fischer", "Moreau", "Nguyen", "Smith",
]  # fmt: skip
_STREETS = [
    "12 High Street",
    "Hauptstr. 4",
    "5 rue Victor Hugo",
    "Calle Mayor 18",
    "Via Roma 7",
    "Kerkstraat 21",
    "Rua das Flores 90",
]
_CITIES = [
    "London", "Berlin", "Paris", "Madrid", "Lisboa", "Milano", "Amsterdam", "Warszawa", "Dublin", "Chicago",
    "Lyon", "Porto", "Hamburg", "Leeds", "Boston", "Zürich", "Wien", "Recife", "Valencia", "Torino", "Utrecht",
    "Gdańsk", "Toronto", "Austin",
]  # fmt: skip
_TLDS = [
    "com",
    "com",
    "com",
    "net",
    "org",
    "io",
    "co",
    "de",
    "fr",
    "nl",
    "com.br",
    "it",
    "es",
    "pl",
    "co.uk",
    "eu",
    "app",
    "shop",
]
_JUNK_TLDS = [
    "com",
    "net",
    "org",
    "info",
    "xyz",
    "top",
    "online",
    "site",
    "shop",
    "click",
    "ru",
    "cn",
    "us",
    "live",
    "com.br",
    "de",
]
_FREEMAIL = ["gmail.com", "outlook.com", "yahoo.com", "gmx.net", "hotmail.com", "mail.ru", "proton.me"]
_JUNK_WORDS = [
    "casa", "verde", "moto", "studio", "garden", "print", "dental", "auto", "tech", "foto", "clinic", "hotel",
    "escola", "metal", "legal", "pizza", "yoga", "surf", "travel", "solar", "boat", "music", "event", "academy",
    "consult", "design", "trade", "agro", "eco",
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

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


def _parse() -> list[tuple[Brand, frozenset[str], str]]:
    rows = [line.split() for line in _KNOWN.strip().splitlines()]
    return [
        (Brand(row[0].replace("_", " "), row[1], True), frozenset(row[2].split(",")), row[3] if len(row) > 3 else "")
        for row in rows
    ]


_BRANDS = _parse()


def known_brand(branches: frozenset[str], lang: str, rng: Random) -> Brand:
    """A well-known brand of one of ``branches`` that writes in ``lang``; any that fits the language if none does."""
    fits = [brand for brand, has, only in _BRANDS if has & branches and only in ("", lang)]
    return rng.choice(fits or [brand for brand, _, only in _BRANDS if only in ("", lang)])


def invented_brand(rng: Random) -> Brand:
    """A brand that does not exist, with its own host."""
    if rng.random() < 0.35:  # small firms and the sites that get broken into must share their words
        words = rng.sample(_JUNK_WORDS, 2)
        tld = rng.choice(_TLDS + _JUNK_TLDS)
        return Brand(" ".join(words).title(), f"{rng.choice(['', '-']).join(words)}.{tld}", False)
    stem, tail = rng.choice(_STEMS), rng.choice(_TAILS)
    name = rng.choice(
        [f"{stem}{tail}", f"{stem} {tail.capitalize()}", f"{stem}{tail.capitalize()}", f"{stem}{tail} GmbH"]
    )
    host = name.removesuffix(" GmbH").lower().replace(" ", rng.choice(["", "-"]))
    return Brand(name, f"{host}.{rng.choice(_TLDS)}", False)


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
    local = rng.choice(["{f}.{l}", "{f}{l}", "{f}", "{f}_{l}", "{i}{l}", "{f}.{l}{n}"]).format(
        f=first.lower(), l=last.lower().replace("ü", "ue"), i=first[0].lower(), n=rng.randrange(10, 99)
    )
    return Person(first, last, f"{local}@{host or rng.choice(_FREEMAIL)}")


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
