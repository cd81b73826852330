"""The made-up facts of a mail: amounts, dates, references, people and places."""

from random import Random

from models.spam.authored import names
from models.spam.authored.names import Brand, Person

CURRENCY = {
    "en": "${}", "pt": "R$ {}", "pl": "{} zł", "sv": "{} kr", "da": "{} kr", "nb": "{} kr", "cs": "{} Kč",
    "hu": "{} Ft", "ro": "{} lei", "tr": "{} TL", "ru": "{} ₽", "uk": "{} грн", "zh": "¥{}", "ja": "{}円",
    "ko": "{}원", "ar": "{} USD", "id": "Rp {}",
}  # fmt: skip


def _money(lang: str, whole: int, cents: int) -> str:
    number = f"{whole:,}.{cents:02d}" if lang == "en" else f"{whole:,}".replace(",", ".") + f",{cents:02d}"
    return CURRENCY.get(lang, "{} €").format(number)


def facts(lang: str, brand: Brand, to: Person, rng: Random) -> dict[str, str]:
    """What the slots of the word files are filled with in one mail."""
    day, month, year = rng.randrange(1, 28), rng.randrange(1, 12), rng.choice([2024, 2025, 2026])
    return {
        "brand": brand.name,
        "host": brand.host,
        "first": to.first,
        "name": to.name,
        "email": to.address,
        "local": to.address.partition("@")[0],
        "ref": names.token(rng, rng.choice([6, 8, 10, 12])),
        "code": f"{rng.randrange(10**6):06d}",
        "days": str(rng.randrange(2, 9)),
        "hours": rng.choice(["12", "24", "48", "72", "30", "15"]),
        "small": _money(lang, rng.randrange(1, 5), rng.randrange(100)),
        "amount": _money(lang, rng.choice([rng.randrange(20, 900), rng.randrange(900, 48000)]), rng.randrange(100)),
        "million": rng.choice(["$", "€", "US$ "]) + f"{rng.randrange(1, 60)}.{rng.randrange(10)} million",
        "coin": f"0.{rng.randrange(10**6):06d} BTC",
        "date": f"{day:02d}/{month:02d}/{year}" if rng.random() < 0.5 else f"{day}.{month}.{year}",
        "year": str(year),
        "phone": f"+{rng.randrange(1, 99)} {rng.randrange(100, 999)} {rng.randrange(100, 999)} {rng.randrange(1000, 9999)}",
        "person": names.person(rng).name,
        "sender": names.person(rng).first,
        "company": names.company(rng),
        "city": names.city(rng),
        "street": names.street(rng),
        "device": rng.choice(["Chrome, Windows", "Safari, iPhone", "Firefox, Linux", "Android"]),
        "file": rng.choice(["Contract", "Budget", "Q3-Report", "Invoice", "Proposal", "Plan", "Agenda", "Angebot"])
        + rng.choice([".pdf", ".docx", ".xlsx", ""]),
        "freemail": names.free_mail(rng),
        "iban": f"{rng.choice(['DE', 'GB', 'PL', 'ES', 'LT'])}{rng.randrange(10**18):018d}",
    }
