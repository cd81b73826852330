"""One mail in the making: the words of its language, the facts of its setting, and links that go where such mail's links go."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from models.spam.authored import links, names
from models.spam.authored.names import Brand, Person
from models.spam.authored.rich import Block, Button, Rows, Small, Story, Text, Theme
from models.spam.authored.spin import spin

BLOCKS = Path(__file__).parent / "blocks"
_DRESS = Path(__file__).with_name("dress.toml")
_THEMES = (
    "honest",
    "office",
    "bad",
    "campaign",
    "bulk",
    "threads",
    "account",
    "tongues",
    "shops",
    "appeals",
    "homes",
    "causes",
    "lures",
)
_FOLDERS = (BLOCKS, *(BLOCKS / name for name in _THEMES))
_SOCIAL = [
    ("Facebook", "https://www.facebook.com/{}"),
    ("Instagram", "https://www.instagram.com/{}"),
    ("LinkedIn", "https://www.linkedin.com/company/{}"),
    ("YouTube", "https://www.youtube.com/@{}"),
    ("X", "https://x.com/{}"),
    ("TikTok", "https://www.tiktok.com/@{}"),
    ("WhatsApp", "https://wa.me/{}"),
    ("App Store", "https://apps.apple.com/app/{}"),
    ("Google Play", "https://play.google.com/store/apps/details?id=com.{}"),
]
_SERVICES = [
    "https://{w}.list-manage.com/track/click?u={t}", "https://u{n}.ct.sendgrid.net/ls/click?upn={t}",
    "https://{w}.r.{w2}.awstrack.me/L0/{t}", "https://{w}.hubspotlinks.com/Ctc/{t}", "https://trk.klclick.com/ls/click?upn={t}",
    "https://click.mlsend.com/link/c/{t}", "https://{w}.r.sp1-brevo.net/mk/cl/f/{t}", "https://links.iterable.com/e/c/{t}",
    "https://mailchi.mp/{w}/{t}", "https://clicks.eventbrite.com/f/a/{t}", "https://t.dripemail2.com/c/{t}",
    "https://e.customeriomail.com/e/c/{t}", "https://click.convertkit-mail2.com/{t}", "https://{w}.acemlna.com/lt.php?s={t}",
    "https://{w}.emlnk.com/lt.php?s={t}", "https://t.sidekickopen{n}.com/Ctc/{t}", "https://email.mg.{w}.com/c/{t}",
]  # fmt: skip
_OWN_SERVICES = ["links.", "click.", "click.e.", "email.", "track.", "t.", "go.", "ablink.news.", "l.mail.", "url7213."]
_NETWORKS = [
    "cdn.shopify.com/s/files/1/{n}/{w}", "d3k81ch9hvuctc.cloudfront.net/company/{w}/images", "mcusercontent.com/{t}/images",
    "res.cloudinary.com/{w}/image/upload", "{w}.imgix.net", "i{d}.wp.com/{w}", "images.ctfassets.net/{t}", "{w}.b-cdn.net",
    "static.klaviyo.com/{w}", "substackcdn.com/image/fetch/{w}", "{w}.akamaized.net/crm", "{w}.azureedge.net/mail",
    "images.squarespace-cdn.com/content/{w}", "static.wixstatic.com/media", "{w}.scene7.com/is/image",
    "storage.mlcdn.com/account_image/{n}",
    "d1a8x7.cloudfront.net/{w}", "lh{d}.googleusercontent.com", "img.mailinblue.com/{n}/images", "image.s{d}.exct.net/lib/{t}",
]  # fmt: skip
_AT_NETWORK, _BAD_AT_NETWORK = 0.25, 0.15  # of pictures: those at a delivery network that names nobody
_SHORT = 0.04  # of honest links: to a form, a shared file, a shop at a site builder, a shortener
_CAMPAIGNS = [
    "?utm_source=email&utm_medium=crm&utm_campaign={w}", "?utm_source=newsletter&utm_id={n}", "?mc_cid={w}&mc_eid={w}",
    "?utm_campaign={w}&utm_content=cta&_hsenc={t}",
]  # fmt: skip

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
    return tuple(sorted(path.stem for path in BLOCKS.glob("*.toml")))


def block_files(lang: str) -> list[Path]:
    """The files of a language: common kinds; and where there are such, honest kinds, office letters, bad kinds."""
    return [path for folder in _FOLDERS if (path := folder / f"{lang}.toml").exists()]


@cache
def words_of(lang: str) -> Words:
    """The blocks of a language, with greetings from its word file where it has none of its own.

    A key of several files has the lines of all of them.
    """
    shared = BLOCKS.parent / "words" / f"{lang}.toml"
    words: dict[str, list[str]] = {}
    for path in block_files(lang):
        for key, lines in tomllib.loads(path.read_text("utf-8")).items():
            words[key] = words.get(key, []) + lines
    return {**(tomllib.loads(shared.read_text("utf-8")) if shared.exists() else {}), **words}


@cache
def _dresses() -> Mapping[str, Words]:
    return tomllib.loads(_DRESS.read_text("utf-8"))


class Writer:
    """One mail in the making: draws words of its setting, and links by one manner throughout."""

    def __init__(self, setting: Setting, rng: Random, *, bad: bool) -> None:
        self.setting, self.rng, self.bad = setting, rng, bad
        self.author = _author(setting, rng)
        self.slots = {**setting.slots, "sender": self.author.first, "author": self.author.name}
        self.dress = _dresses().get(setting.lang, _dresses()["en"])
        self.site = rng.choice(["", "www.", "www.", "shop.", "account.", "app."]) + setting.brand.host
        self.service = _service(setting.brand, rng, bad=bad)
        self.sent_from = ""  # host of From, where what is said settles it
        self.place = links.trick_url(setting.brand, setting.lang, rng) if bad else ""

    def has(self, key: str) -> bool:
        """Whether the language has lines of the kind ``key``."""
        return key in self.setting.words

    def known(self, *keys: str) -> str:
        """The first of the keys that the language has lines of; the last one, which it must have, is not asked for."""
        return next(filter(self.has, keys[:-1]), keys[-1])

    def say(self, key: str) -> str:
        """A line of the kind ``key``."""
        return self.spun(self.rng.choice(self.setting.words[key]))

    def some(self, key: str, low: int, high: int) -> list[str]:
        """Some different lines."""
        pool = self.setting.words[key]
        return [self.spun(text) for text in self.rng.sample(pool, min(len(pool), self.rng.randint(low, high)))]

    def wear(self, key: str) -> str:
        """A phrase of sending services and mail programs, "" where the language has none."""
        return self.spun(self.rng.choice(self.dress.get(key, [""])))

    def spun(self, text: str) -> str:
        """The text with its choices made and its slots filled."""
        return spin(text, self.rng, self.slots)

    def url(self) -> str:
        """Where the next link goes."""
        rng = self.rng
        words = {"w": names.random_word(rng), "w2": names.random_word(rng), "n": rng.randrange(10**7)}
        if self.service:
            return self.service.format(t=names.token(rng, rng.choice([30, 60, 160])), **words)
        if self.bad:
            return self.place if rng.random() < 0.7 else f"{self.place.split('?')[0]}?{names.token(rng, 8)}"
        if rng.random() < _SHORT:
            return links.short_url(self.setting.brand, rng)
        tail = rng.choice(["", "orders/", "p/", "news/", "account/", "c/"])
        page = f"{tail}{names.random_word(rng)}" if tail else ""
        tracked = rng.choice(_CAMPAIGNS).format(t=names.token(rng, 24), **words) if rng.random() < 0.25 else ""
        return f"https://{self.site}/{page}{tracked}"

    def picture(self) -> str:
        """A picture: honest mail has its own or one at a delivery network, bad mail often the brand's."""
        rng = self.rng
        if rng.random() < (_BAD_AT_NETWORK if self.bad else _AT_NETWORK):
            words = {
                "w": names.random_word(rng),
                "n": rng.randrange(10**7),
                "d": rng.randrange(1, 10),
                "t": names.token(rng, 18),
            }
            return (
                f"https://{rng.choice(_NETWORKS).format(**words)}/{names.random_word(rng)}.{rng.choice(['png', 'jpg'])}"
            )
        host = (
            self.setting.brand.host
            if not self.bad or self.rng.random() < 0.5
            else names.stranger_host(self.setting.lang, self.rng)
        )
        return f"https://{self.rng.choice(['cdn.', 'img.', 'static.', ''])}{host}/{names.random_word(self.rng)}.png"

    def theme(self, preheader: str) -> Theme:
        """A look by chance, with the links that a sending service puts around the text."""
        rng = self.rng
        browser = (self.wear("browser"), self.url()) if rng.random() < (0.15 if self.bad else 0.25) else ("", "")
        pixel = f"{self.url().split('?')[0].rstrip('/')}/o/{names.token(rng)}.gif" if rng.random() < 0.4 else ""
        return Theme.drawn(preheader, browser, pixel, rng)

    def greeting(self, *, cold: float) -> list[Block]:
        """Nothing or a greeting; ``cold``: how often it is one to nobody."""
        if self.rng.random() < 0.25:
            return []
        return [Text(self.say("greet_cold" if self.rng.random() < cold else "greet"))]

    def button(self, key: str, share: float) -> list[Block]:
        """A button, or none."""
        return [Button(self.say(key), self.url())] if self.rng.random() < share else []

    def small(self) -> Block:
        """The small print."""
        rng, slug = self.rng, links.slug(self.setting.brand)
        social = [(name, place.format(slug)) for name, place in rng.sample(_SOCIAL, rng.randint(1, 4))]
        home = [(self.say("cta"), f"https://{self.site}/" if not self.bad or rng.random() < 0.3 else self.url())]
        ways = [(self.wear(key), self.url()) for key in rng.choices(["out", "links", "links"], k=rng.randint(1, 3))]
        named = (
            (social if rng.random() < 0.4 else [])
            + (home if rng.random() < 0.4 else [])
            + (ways if rng.random() < 0.6 else [])
        )
        said = self.some("legal", 0 if self.bad else 1, 3) if rng.random() < 0.7 else []
        long = [self.wear("small") for _ in range(rng.randint(1, 3))] if not said or rng.random() < 0.3 else []
        return Small(" ".join(filter(None, dict.fromkeys(said + long))), tuple(dict(named).items()))

    def story(self) -> Block:
        """An item of a newsletter."""
        picture = self.picture() if self.rng.random() < 0.4 else ""
        return Story(self.say("headlines"), self.say("teasers"), self.say("cta"), self.url(), picture)

    def bill(self) -> Block:
        """An order's lines and sums."""
        rng, labels, slots = self.rng, self.setting.words["labels"], self.slots
        items = [(f"{item} × {rng.randrange(1, 4)}", slots["small"]) for item in self.some("items", 1, 4)]
        facts = [(labels[0], slots["ref"]), (labels[1], slots["date"])]
        sums = [(labels[2], slots["amount"]), (labels[3], slots["small"]), (labels[5], slots["amount"])]
        rest = [(labels[6], f"{slots['name']}, {slots['street']}, {slots['city']}"), (labels[7], self.say("payment"))]
        return Rows(tuple(facts + items + sums[rng.randrange(3) :] + (rest if rng.random() < 0.6 else [])))


def _author(setting: Setting, rng: Random) -> Person:
    """Who writes, where a person does: a colleague, somebody of another firm, or of a free mail host."""
    lang, own = setting.lang, setting.to.host
    return names.person(lang, rng, rng.choice([None, own, *(names.invented_brand(lang, rng).host for _ in range(2))]))


def _service(brand: Brand, rng: Random, *, bad: bool) -> str:
    """The pattern of the click tracking that all links go through, or none; a brand may track at a host of its own."""
    chance = rng.random()
    if chance < (0.12 if bad else 0.25):
        return rng.choice(_SERVICES)
    if not bad and chance < 0.45:
        return f"https://{rng.choice(_OWN_SERVICES)}{brand.host}/{rng.choice(['c', 'ls/click', 'u', 'r', 'f/a'])}/{{t}}"
    return ""
