"""Who sends a mail of which kind: a brand or the service that sends for it, a person, or whoever pretends to be one."""

from random import Random

from models.spam.authored import campaigns, letters, links, loud, names, pages, threads
from models.spam.authored.names import Brand
from models.spam.authored.writer import Writer

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
_ON_BEHALF = ("work", "community", "event", "support")  # honest mail of a service for a person whom one answers


def sender(w: Writer, kind: str) -> tuple[str, str]:
    """Display name and address of From."""
    rng, brand, own = w.rng, w.setting.brand, w.setting.to.address.rpartition("@")[2]
    if kind in letters.HONEST:
        return w.author.name, w.author.address
    if kind in loud.BAD:
        return loud.sender(w, kind)
    if kind in letters.BAD:
        return _writer_of_letters(w, kind, own)
    if kind in campaigns.KINDS:
        return _campaigner(w, kind, own)
    if kind in threads.KINDS:
        return threads.sender(w, kind)
    if kind in pages.BURIED:  # somebody whose mailbox was broken into, or as the bad mail that is buried
        if rng.random() < 0.3:
            return w.author.name, w.author.address
        kind = {"buried_phish": "lure", "buried_spam": "spam"}[kind]
    if kind in ("phish", "lure", "pose"):
        name = brand.name if kind == "phish" else w.spun(rng.choice(_LURE_NAMES))
        name = _local_name(w) if kind == "pose" else name
        return name, links.trick_sender(brand, own, rng)
    if kind == "spam":
        name = rng.choice([*_SPAM_NAMES, brand.name, w.slots["person"], w.say("spam_subject")[:40]])
        local = rng.choice(["info", "offer", "news", "contact", names.random_word(rng), "newsletter", "support"])
        return name, rng.choices([f"{local}@{names.stranger_host(rng)}", names.free_mail(rng)], [5, 1])[0]
    if kind == "local" and brand.known:
        return _local_name(w), links.honest_sender(brand, rng)
    name = _local_name(w) if kind == "local" else w.spun(rng.choice(_BRAND_NAMES))
    return name, f"{rng.choice(_LOCALS)}@{honest_host(brand, rng)}"


def _local_name(w: Writer) -> str:
    """An institution's name alone, or what its country's mail puts there."""
    return w.setting.brand.name if w.rng.random() < 0.5 else w.say("local_names")


def _campaigner(w: Writer, kind: str, own: str) -> tuple[str, str]:
    """Who asks for help: the organisation, somebody of it; who only pretends has another host or a free mailbox."""
    rng, brand = w.rng, w.setting.brand
    name, local = campaigns.sender(w)
    if not w.bad:
        small = w.slots.get("topic") in ("local", "faith", "campus") and rng.random() < 0.15
        free = names.free_mail(rng).rpartition("@")[2]
        return name, f"{links.slug(brand)[:24]}@{free}" if small else f"{local}@{honest_host(brand, rng)}"
    if kind == "relief":
        return name, links.trick_sender(brand, own, rng)
    host = names.stranger_host(rng) if rng.random() < 0.6 else links.lookalike_host(brand, rng)
    return (name, f"{local}@{host}") if rng.random() < 0.6 else (w.author.name, w.author.address)


def _writer_of_letters(w: Writer, kind: str, own: str) -> tuple[str, str]:
    """A person by name; who plays the boss writes from a free mail host, a strange one or one that looks like the firm's."""
    rng, author = w.rng, w.author
    if kind == "bec":
        firm = Brand(own.partition(".")[0], own, False)
        host = rng.choice([links.lookalike_host(firm, rng), names.stranger_host(rng), own])
        local = author.address.partition("@")[0]
        address = rng.choice(
            [author.address, f"{local}@{host}", names.free_mail(rng), f"ceo.office{rng.randrange(99)}@gmail.com"]
        )
        return author.name, address
    if kind == "slip" and rng.random() < 0.4:
        return w.say("local_names"), links.trick_sender(w.setting.brand, own, rng)
    role = rng.choice(_SPAM_NAMES) if kind == "scam" and rng.random() < 0.25 else author.name
    return role, author.address if rng.random() < 0.75 else f"{names.random_word(rng)}@{names.stranger_host(rng)}"


def reply_to(w: Writer, kind: str) -> str:
    """Where answers go, if not to the sender; "" for there."""
    rng = w.rng
    if kind in ("scam", "bec", "sham") and rng.random() < 0.3:
        return names.free_mail(rng)
    if kind == "hijack" and rng.random() < 0.2:
        return names.free_mail(rng)
    if kind in (*letters.HONEST, *threads.HONEST) and rng.random() < 0.03:  # people have more than one mailbox
        return names.free_mail(rng)
    if kind in _ON_BEHALF and rng.random() < 0.08:
        return w.author.address
    if kind == "campaign" and rng.random() < 0.15:
        return rng.choice([f"info@{w.setting.brand.host}", w.author.address])
    if kind not in (*letters.HONEST, *letters.BAD, *threads.KINDS) and rng.random() < 0.08:
        return f"reply-{names.random_word(rng)}@{names.stranger_host(rng) if w.bad else w.setting.brand.host}"
    return ""


def honest_host(brand: Brand, rng: Random) -> str:
    """Mostly the brand's own; sometimes that of the service that sends for it, or a second domain."""
    chance = rng.random()
    if chance < 0.08:
        return f"{names.random_word(rng, 3, 6)}.{rng.choice(_SENDING_SERVICES)}"
    if chance < 0.12:
        shapes = ["{}-mail.com", "{}mail.com", "e-{}.com", "{}news.com", "get{}.com", "mail-{}.com"]
        return rng.choice(shapes).format(links.slug(brand))
    if chance < 0.24:  # the firm behind the brand, or the agency that writes for it
        return names.invented_brand(rng).host
    return (
        rng.choice(["", "", "", "mail.", "e.", "news.", "email.", "t.", "notify.", "em.", "info.", "mailing."])
        + brand.host
    )
