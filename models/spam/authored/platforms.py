"""Where the buttons of mail that asks for help go: a page of the organisation, or a platform that collects for it."""

from random import Random

from models.spam.authored import links, names
from models.spam.authored.names import Brand
from models.spam.authored.writer import Writer

_PLATFORMS = {
    "election": [
        "https://secure.actblue.com/donate/{w}?refcode={t}", "https://secure.winred.com/{s}/{w}/?utm_source=email",
        "https://secure.ngpvan.com/{t}", "https://secure.anedot.com/{s}/{w}", "https://www.mobilize.us/{s}/event/{n}/",
        "https://act.myngp.com/el/{n}/{t}", "https://click.actionnetwork.org/ss/c/{t}",
    ],
    "gift": [
        "https://www.justgiving.com/campaign/{w}", "https://donorbox.org/{s}", "https://www.gofundme.com/f/{s}-{w}",
        "https://www.paypal.com/donate?campaign_id={t}", "https://secure.everyaction.com/{t}", "https://opencollective.com/{s}",
        "https://www.betterplace.org/de/projects/{n}", "https://www.helloasso.com/associations/{s}", "https://ko-fi.com/{s}",
        "https://www.patreon.com/{s}", "https://www.kickstarter.com/projects/{s}/{w}/posts/{n}", "https://www.givelively.org/{s}",
        "https://www.zeffy.com/donation-form/{w}", "https://{s}.enthuse.com/donate", "https://secure.fundraiseup.com/{t}",
    ],
    "sign": [
        "https://www.change.org/p/{w}?utm_medium=email", "https://actionnetwork.org/petitions/{s}?source=email",
        "https://you.38degrees.org.uk/petitions/{w}", "https://secure.avaaz.org/campaign/en/{w}/", "https://petition.parliament.uk/petitions/{n}",
        "https://www.openpetition.de/!{w}", "https://e-activist.com/page/{n}/action/1", "https://engaging.networks.{b}/page/{n}",
    ],
    "come": ["https://www.eventbrite.com/e/{w}-{n}", "https://zoom.us/webinar/register/WN_{t}", "https://www.meetup.com/{s}/events/{n}"],
}  # fmt: skip
_ROOMS = ["act.", "action.", "donate.", "give.", "secure.", "support.", "go.", "www.", "", "my.", "join."]
_PAGES = [
    "donate", "give", "petition/{w}", "c/{w}", "page/{n}/donate/1", "p/{w}", "join", "{w}?utm_source=email&utm_campaign={w}",
    "?sourceid={n}",
]  # fmt: skip


def site(brand: Brand, rng: Random) -> str:
    """A host of an organisation where it collects."""
    return f"{rng.choice(_ROOMS)}{brand.host}"


def address(w: Writer, topic: str, kind: str) -> str:
    """Where a button goes: a page of the organisation or a platform that collects for it; where mail deceives, a trick."""
    rng, brand = w.rng, w.setting.brand
    if w.bad or w.service:
        return w.url()
    american = topic == "election" and kind != "sign" and w.setting.lang == "en"
    platforms = _PLATFORMS["election" if american else kind] if american or kind in _PLATFORMS else []
    rooms = [f"https://{room}{brand.host}/{page}" for room in rng.sample(_ROOMS, 2) for page in rng.sample(_PAGES, 2)]
    pattern = rng.choice(platforms) if platforms and rng.random() < 0.3 else rng.choice(rooms)
    return pattern.format(
        w=names.random_word(rng),
        t=names.token(rng, rng.choice([8, 24, 60])),
        n=rng.randrange(10**6),
        s=links.slug(brand)[:24],
        b=brand.host,
    )
