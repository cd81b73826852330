"""Who sends a mail of which kind: a brand or the service that sends for it, a person, or whoever pretends to be one."""

from collections.abc import Callable
from random import Random

from models.spam.authored import campaigns, links, names, platforms
from models.spam.authored.names import Brand
from models.spam.authored.writer import Writer

Sender = Callable[[Writer], tuple[str, str]]
_SENDING_SERVICES = [
    "shopifyemail.com", "mailjet.com", "sendgrid.net", "mcsv.net", "createsend.com", "klaviyomail.com", "mailerlite.com",
    "brevosend.com", "hs-send.com", "substack.com", "ccsend.com", "intercom-mail.com", "zendesk.com", "freshdesk.com",
]  # fmt: skip
_LOCALS = [
    "noreply", "no-reply", "hello", "news", "orders", "info", "service", "team", "notifications", "mail", "shop", "support",
    "billing", "account", "bookings", "updates", "alerts", "events", "donotreply",
]  # fmt: skip
_SPAM_NAMES = [
    "Rewards", "Daily Offer", "Health Tips", "Survey", "Trending", "Loyalty Department", "Finance News", "Dr. Alan", "Winner Desk",
    "Mia", "Olivia", "SEO Team", "Costco Rewards", "Tech Deals", "Solar Check", "Casino VIP", "Info", "Keto", "Amazon Prize",
    "Customer Care", "Sales Department", "Export Manager", "Web Expert", "Grants Office", "Barrister", "HR Recruiter",
]  # fmt: skip
_LURE_NAMES = [
    "{brand}", "{brand}", "{brand}", "{brand} Support", "{brand} Security", "{brand} Billing", "{host}", "{company} via {brand}",
    "{person} via {brand}", "{brand} Team", "IT Support", "HR", "Mail Administrator", "Accounts Payable", "Notification",
]  # fmt: skip
_BRAND_NAMES = [
    "{brand}", "{brand}", "{brand}", "{brand}", "{brand} Team", "{brand} Support", "{friend} ({brand})", "{friend} at {brand}",
    "{brand} Notifications", "{person} via {brand}", "{brand} Billing", "{host}", "{person}", "{friend}",
]  # fmt: skip


def author(w: Writer) -> tuple[str, str]:
    """Display name and address of From, as of all functions here: a person by name."""
    return w.author.name, w.author.address


def firm(w: Writer) -> tuple[str, str]:
    """A brand, somebody of it, or the service that sends for it."""
    return w.spun(w.rng.choice(_BRAND_NAMES)), _at_home(w)


def institution(w: Writer) -> tuple[str, str]:
    """A known institution of a country at a host of its own, or a firm."""
    name = _local_name(w)
    return name, links.honest_sender(w.setting.brand, w.rng) if w.setting.brand.known else _at_home(w)


def phisher(w: Writer) -> tuple[str, str]:
    """The brand's name alone before a trick."""
    return w.setting.brand.name, _trick(w)


def lure(w: Writer) -> tuple[str, str]:
    """Whoever of a brand or one's own firm may want something, before a trick."""
    return w.spun(w.rng.choice(_LURE_NAMES)), _trick(w)


def impostor(w: Writer) -> tuple[str, str]:
    """An institution of a country before a trick."""
    return _local_name(w), _trick(w)


def stranger(w: Writer) -> tuple[str, str]:
    """A name that says what is offered, at a host of no name."""
    rng = w.rng
    name = rng.choice([*_SPAM_NAMES, w.setting.brand.name, w.slots["person"], w.say("spam_subject")[:40]])
    local = rng.choice(["info", "offer", "news", "contact", names.random_word(rng), "newsletter", "support"])
    return name, rng.choices(
        [f"{local}@{names.stranger_host(w.setting.lang, rng)}", names.free_mail(w.setting.lang, rng)], [5, 1]
    )[0]


def broken_into(otherwise: Sender, w: Writer) -> tuple[str, str]:
    """Somebody whose mailbox was broken into, or who sends such mail ``otherwise``."""
    return author(w) if w.rng.random() < 0.3 else otherwise(w)


def cause(w: Writer) -> tuple[str, str]:
    """An organisation that asks for help, or somebody of it; a small one at times with a mailbox of a free mail host."""
    rng, brand = w.rng, w.setting.brand
    name, local = campaigns.sender(w)
    small = w.slots.get("topic") in ("local", "faith", "campus") and rng.random() < 0.15
    free = names.free_mail(w.setting.lang, rng).rpartition("@")[2]
    return name, f"{links.slug(brand)[:24]}@{free}" if small else f"{local}@{platforms.host(w)}"


def false_cause(w: Writer) -> tuple[str, str]:
    """An organisation at another host than its own, or a person."""
    rng, (name, local) = w.rng, campaigns.sender(w)
    host = (
        names.stranger_host(w.setting.lang, rng)
        if rng.random() < 0.6
        else links.lookalike_host(w.setting.brand, w.setting.lang, rng)
    )
    host = platforms.away(w) if rng.random() < 0.25 else host
    return (name, f"{local}@{host}") if rng.random() < 0.6 else author(w)


def false_relief(w: Writer) -> tuple[str, str]:
    """An organisation's name before a trick."""
    name, local = campaigns.sender(w)
    return name, f"{local}@{platforms.away(w)}" if w.rng.random() < 0.2 else _trick(w)


def boss(w: Writer) -> tuple[str, str]:
    """A person of one's own firm, who writes from a free mail host, a strange one or one that looks like the firm's."""
    rng, own = w.rng, _own_host(w)
    host = rng.choice(
        [
            links.lookalike_host(Brand(own.partition(".")[0], own, False), w.setting.lang, rng),
            names.stranger_host(w.setting.lang, rng),
            own,
        ]
    )
    local = w.author.address.partition("@")[0]
    feigned = [
        w.author.address,
        f"{local}@{host}",
        names.free_mail(w.setting.lang, rng),
        f"ceo.office{rng.randrange(99)}@gmail.com",
    ]
    return w.author.name, rng.choice(feigned)


def seller(w: Writer) -> tuple[str, str]:
    """A person by name, at times at a host of no name."""
    return w.author.name, _strange(w)


def swindler(w: Writer) -> tuple[str, str]:
    """A person, or an office that there is not."""
    role = w.rng.choice(_SPAM_NAMES) if w.rng.random() < 0.25 else w.author.name
    return role, _strange(w)


def clerk(w: Writer) -> tuple[str, str]:
    """An institution of a country before a trick, or a person."""
    return (w.say("local_names"), _trick(w)) if w.rng.random() < 0.4 else seller(w)


def _own_host(w: Writer) -> str:
    return w.setting.to.host


def _trick(w: Writer) -> str:
    return links.trick_sender(w.setting.brand, _own_host(w), w.setting.lang, w.rng)


def _at_home(w: Writer) -> str:
    return f"{w.rng.choice(_LOCALS)}@{honest_host(w.setting.brand, w.setting.lang, w.rng)}"


def _strange(w: Writer) -> str:
    rng = w.rng
    return (
        w.author.address
        if rng.random() < 0.75
        else f"{names.random_word(rng)}@{names.stranger_host(w.setting.lang, rng)}"
    )


def _local_name(w: Writer) -> str:
    """An institution's name alone, or what its country's mail puts there."""
    return w.setting.brand.name if w.rng.random() < 0.5 else w.say("local_names")


def honest_host(brand: Brand, lang: str, rng: Random) -> str:
    """Mostly the brand's own; sometimes that of the service that sends for it, or a second domain."""
    chance = rng.random()
    if chance < 0.08:
        return f"{names.random_word(rng, 3, 6)}.{rng.choice(_SENDING_SERVICES)}"
    if chance < 0.12:
        shapes = ["{}-mail.com", "{}mail.com", "e-{}.com", "{}news.com", "get{}.com", "mail-{}.com"]
        return rng.choice(shapes).format(links.slug(brand))
    if chance < 0.24:  # the firm behind the brand, or the agency that writes for it
        return names.invented_brand(lang, rng).host
    return (
        rng.choice(["", "", "", "mail.", "e.", "news.", "email.", "t.", "notify.", "em.", "info.", "mailing."])
        + brand.host
    )
