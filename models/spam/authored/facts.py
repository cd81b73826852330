"""The made-up facts of a mail: amounts, dates, references, people and places."""

from random import Random

from models.spam.authored import causes, names, people
from models.spam.authored.names import Brand, Person

CURRENCY = {
    "en": ["${}", "${}", "£{}", "€{}"], "pt": ["R$ {}", "R$ {}", "{} €"], "es": ["{} €", "{} €", "{} €", "${} MXN"],
    "de": ["{} €", "{} €", "{} EUR", "CHF {}"], "pl": ["{} zł"], "sv": ["{} kr"], "da": ["{} kr"], "nb": ["{} kr"],
    "cs": ["{} Kč"], "hu": ["{} Ft"], "ro": ["{} lei"], "tr": ["{} TL"], "ru": ["{} ₽"], "uk": ["{} грн"], "zh": ["¥{}"],
    "ja": ["{}円"], "ko": ["{}원"], "ar": ["{} USD"], "id": ["Rp {}"], "nl": ["€ {}", "{} euro"], "it": ["{} €", "€ {}"],
    "hi": ["₹{}"], "vi": ["{} ₫"], "th": ["{} บาท"], "he": ["{} ₪"], "fa": ["{} تومان"],
}  # fmt: skip
_MILLION = {
    "de": "Millionen {}", "fr": "millions de {}", "es": "millones de {}", "pt": "milhões de {}", "it": "milioni di {}",
    "nl": "miljoen {}", "pl": "mln {}",
}  # fmt: skip
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}
_WRITTEN = {"en": "{m} {d}, {y}", "de": "{d}. {m} {y}", "es": "{d} de {m} de {y}", "pt": "{d} de {m} de {y}"}
_CLOSE_PERCENT = (
    "en",
    "it",
    "pt",
    "nl",
    "pl",
    "tr",
    "zh",
    "ja",
    "ko",
    "id",
)  # languages that set no blank before the sign
_ENGLISH_POINTS = ("en", "zh", "ja", "ko", "he", "hi", "th")  # a point before the hundredths
_SMALL_COINS = {  # units to the euro of money that has no hundredths
    "ja": 100, "ko": 1000, "id": 10_000, "hu": 300, "vi": 25_000, "fa": 60_000,
}  # fmt: skip
_RATES = {  # the same of money that has some, where it is not about one
    "sv": 10, "da": 7, "nb": 11, "cs": 25, "pl": 4, "ro": 5, "tr": 40, "ru": 90, "uk": 45, "hi": 90, "th": 40, "he": 4, "zh": 8,
}  # fmt: skip
_FILES = [
    "Contract", "Budget", "Q3-Report", "Invoice", "Proposal", "Plan", "Agenda", "Angebot", "Minutes_final", "Offer_v2", "Roadmap",
    "Price list", "Statement", "Onboarding", "scan0017", "Project brief", "NDA", "Quote_4471", "Timesheet",
]  # fmt: skip


_HOTLINES = {
    "en": ["+1 (8##) ###-####", "1-888-###-####", "1-8##-###-####", "(8##) ###-####", "0800 ### ####", "0330 ### ####"],
    "de": ["0800 ### ####", "0800 #######", "030 ########", "+49 69 #######", "0180 6 ######"],
    "fr": ["0 805 ## ## ##", "09 ## ## ## ##", "01 ## ## ## ##", "+33 1 ## ## ## ##"],
    "es": ["900 ### ###", "91 ### ## ##", "+34 9## ### ###", "+52 55 #### ####"],
    "pt": ["0800 ### ####", "4003-####", "+351 21# ### ###", "808 ### ###"],
    "it": ["800 ######", "02 #### ####", "+39 06 ########", "199 ######"],
    "nl": ["0800-####", "088 ### ## ##", "+31 20 ### ## ##", "0900-####"],
    "pl": ["800 ### ###", "22 ### ## ##", "+48 22 ### ## ##", "801 ### ###"],
    "sv": ["0200-### ###", "08-### ### ##", "+46 8 ### ## ##"],
    "da": ["70 ## ## ##", "+45 ## ## ## ##"],
    "cs": ["800 ### ###", "+420 2## ### ###"],
    "ro": ["0800 ### ###", "021 ### ####", "+40 31 ### ####"],
    "tr": ["0850 ### ## ##", "0212 ### ## ##"],
    "ru": ["8 800 ### ## ##", "+7 495 ### ## ##"],
    "ja": ["0120-###-###", "03-####-####", "050-####-####"],
    "nb": ["800 ## ###", "22 ## ## ##", "+47 ## ## ## ##"],
    "fi": ["0800 ## ####", "09 ### ####", "+358 20 ### ####"],
    "sk": ["0800 ### ###", "02/#### ####", "+421 2 #### ####"],
    "hr": ["0800 ####", "01 #### ###", "+385 1 #### ###"],
    "bg": ["0700 ## ###", "02 ### ####", "+359 2 ### ####"],
    "hu": ["06 80 ### ###", "06 1 ### ####", "+36 1 ### ####"],
    "el": ["800 ### ####", "210 ### ####", "+30 21# ### ####"],
    "ca": ["900 ### ###", "93 ### ## ##", "+34 93# ### ###"],
    "uk": ["0 800 ### ###", "+380 44 ### ## ##"],
    "he": ["*####", "1-800-###-###", "03-#######"],
    "fa": ["021-########", "1###"],
    "ar": ["800 ### ####", "92000####", "+971 4 ### ####", "+20 2 #### ####"],
    "hi": ["1800 ### ####", "1860 ### ####", "+91 22 #### ####"],
    "th": ["02 ### ####", "1###", "+66 2 ### ####"],
    "vi": ["1900 ####", "1800 ####", "028 #### ####"],
    "id": ["1500 ###", "021 #### ####", "0800 1 ######"],
    "ko": ["1588-####", "080-###-####", "02-###-####"],
    "zh": ["400-###-####", "955##", "010-########"],
}  # fmt: skip


def _money(lang: str, form: str, whole: int, cents: int) -> str:
    """An amount as the language writes it: points and commas, and no hundredths where money has none."""
    rate = _SMALL_COINS.get(lang, _RATES.get(lang, 1))
    units = (whole * 100 + cents) * rate // 100 if lang in _SMALL_COINS else whole * rate
    english = f"{units:,}" if lang in _SMALL_COINS else f"{units:,}.{cents:02d}"
    return form.format(english if lang in _ENGLISH_POINTS else english.translate(str.maketrans(",.", ".,")))


def _millions(lang: str, rng: Random) -> str:
    whole, tenth = rng.randrange(1, 60), rng.randrange(10)
    if lang not in _MILLION:
        return rng.choice(["$", "€", "US$ "]) + f"{whole}.{tenth} million"
    return f"{whole},{tenth} " + _MILLION[lang].format(rng.choice(["euro" if lang in ("nl", "it") else "EUR", "USD"]))


def _date(lang: str, rng: Random) -> str:
    """A day, in figures or with the month's name."""
    return written(lang, rng.randrange(1, 29), rng.randrange(1, 13), rng.choice([2024, 2025, 2026]), rng)


def written(lang: str, day: int, month: int, year: int, rng: Random) -> str:
    """A given day in one of the manners of the language."""
    if lang in _MONTHS and rng.random() < 0.5:
        return _WRITTEN.get(lang, "{d} {m} {y}").format(d=day, m=_MONTHS[lang].split()[month - 1], y=year)
    return rng.choice([f"{day:02d}/{month:02d}/{year}", f"{day}.{month}.{year}", f"{year}-{month:02d}-{day:02d}"])


def phone(rng: Random) -> str:
    """A telephone number of nowhere."""
    parts = [str(rng.randrange(low, high)) for low, high in ((1, 99), (100, 999), (100, 999), (1000, 9999))]
    return rng.choice(["+{} {} {} {}", "+{} ({}) {}-{}", "+{} {} {}{}"]).format(*parts)


def _hotline(lang: str, rng: Random) -> str:
    """A number that is free or cheap to call, as the country writes it; ``#`` is a figure."""
    return "".join(
        str(rng.randrange(2, 10)) if sign == "#" else sign for sign in rng.choice(_HOTLINES.get(lang, _HOTLINES["en"]))
    )


def facts(lang: str, brand: Brand, to: Person, rng: Random, money: str = "") -> dict[str, str]:
    """What the slots of the word files are filled with in one mail."""
    form = money or rng.choice(CURRENCY.get(lang, ["{} €"]))
    author = names.person(lang, rng)
    return {
        **causes.slots(lang, form, rng),  # of which a mail that asks for help keeps its own
        "brand": brand.name,
        "host": brand.host,
        "first": to.first,
        "name": to.name,
        "email": to.address,
        "local": to.address.partition("@")[0],
        "site": to.address.partition("@")[2] if rng.random() < 0.6 else names.invented_brand(lang, rng).host,
        "ref": names.token(rng, rng.choice([6, 8, 10, 12])) if rng.random() < 0.6 else str(rng.randrange(10**5, 10**9)),
        "code": f"{rng.randrange(10**6):06d}",
        "card": f"{rng.randrange(10**4):04d}",
        "number": str(rng.choice([rng.randrange(11, 99), rng.randrange(100, 999), rng.randrange(1000, 9999)])),
        "percent": f"{rng.randrange(3, 96)}{'%' if lang in _CLOSE_PERCENT else ' %'}",
        "most": f"{rng.randrange(84, 100)}{'%' if lang in _CLOSE_PERCENT else ' %'}",
        "age": str(rng.randrange(27, 60)),
        "days": str(rng.randrange(2, 9)),
        "hours": rng.choice(["12", "24", "48", "72", "30", "15"]),
        "small": _money(lang, form, rng.randrange(1, 5), rng.randrange(100)),
        "fee": _money(lang, form, rng.randrange(6, 95), rng.choice([0, 90, 99, 95, 50, rng.randrange(100)])),
        "price": _money(lang, form, rng.randrange(99, 899), rng.choice([0, 99, 95, 49, rng.randrange(100)])),
        "amount": _money(lang, form, rng.choice([rng.randrange(20, 900), rng.randrange(900, 48000)]), rng.randrange(100)),
        "million": _millions(lang, rng),
        "coin": f"0.{rng.randrange(10**6):06d} BTC",
        "wallet": "bc1q" + names.random_word(rng, 34, 38),
        "date": _date(lang, rng),
        "later": _date(lang, rng),
        "time": f"{rng.randrange(7, 21)}:{rng.choice(['00', '15', '30', '45', '10', '05', '50'])}",
        "year": str(rng.choice([2024, 2025, 2026])),
        "phone": phone(rng),
        "hotline": _hotline(lang, rng),
        "person": names.person(lang, rng).name,
        "other": names.person(lang, rng).name,
        "friend": names.person(lang, rng).first,
        "sender": author.first,
        "author": author.name,
        "company": names.company(lang, rng),
        "house": names.house(lang, rng),
        "firm": names.invented_brand(lang, rng).name,
        "city": names.city(lang, rng),
        "town": names.city(lang, rng),
        "street": people.street(lang, rng),
        "device": rng.choice(
            ["Chrome, Windows", "Safari, iPhone", "Firefox, Linux", "Android", "Edge, Windows 11", "iPad", "MacBook Pro"]
        ),
        "file": rng.choice(_FILES) + rng.choice([".pdf", ".docx", ".xlsx", ".pptx", ""]),
        "freemail": names.free_mail(lang, rng),
        "iban": f"{rng.choice(['DE', 'GB', 'PL', 'ES', 'LT', 'FR', 'IT', 'NL', 'PT'])}{rng.randrange(10**18):018d}",
    }  # fmt: skip
