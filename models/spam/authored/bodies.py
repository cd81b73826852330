"""What stands in mail that a firm sends: orders, parcels, offers, newsletters, notices of every branch, and what dresses like them."""

from collections.abc import Callable

from models.spam.authored import links, names, texts
from models.spam.authored.rich import Block, Button, Heading, Picture, Rows, Story, Text
from models.spam.authored.writer import Writer

_SHORT_LINKS = ("community", "event", "work", "support")  # kinds that people write by hand as well
_PHOTOGRAPHED = ("lure", "false_desk")  # kinds that may have a code instead of a button
_ROWED = {"statement": 0.3, "event": 0.2, "lure": 0.1}


def _order(w: Writer) -> list[Block]:
    return [*w.greeting(cold=0.1), *map(Text, w.some("order_text", 1, 2)), w.bill(), *w.button("cta", 0.6)]


def _ship(w: Writer) -> list[Block]:
    labels, slots = w.setting.words["labels"], w.slots
    rows = Rows(((labels[9], slots["ref"]), (labels[10], slots["date"])))
    shown: list[Block] = [rows] if w.rng.random() < 0.7 else []
    return [*w.greeting(cold=0.1), *map(Text, w.some("ship_text", 1, 2)), *shown, *w.button("cta", 0.75)]


def _promo(w: Writer) -> list[Block]:
    rng = w.rng
    goods: list[Block] = [
        Story(item, w.slots["small"], w.say("cta"), w.url(), w.picture()) for item in w.some("items", 0, 4)
    ]
    top: list[Block] = [Picture(w.url(), w.picture(), w.say("promo_subject"))] if rng.random() < 0.5 else []
    if rng.random() < 0.15:
        return [*top, Picture(w.url(), w.picture(), w.say("promo_text"))]  # nearly nothing but pictures
    title = [Heading(w.say("promo_subject"))] if rng.random() < 0.5 else []
    text = map(Text, w.some("promo_text", 1, 3))
    return [*top, *title, *w.greeting(cold=0.3), *text, *goods, *w.button("cta", 0.85)]


def _news(w: Writer) -> list[Block]:
    stories = [w.story() for _ in range(w.rng.randint(2, 6))]
    offer = [Text(w.say("promo_text"))] if w.rng.random() < 0.2 else []
    title = Heading(w.say("news_subject"))
    return [title, *map(Text, w.some("teasers", 0, 2)), *stories, *offer, *w.button("cta", 0.3)]


def _note(w: Writer) -> list[Block]:
    return [*w.greeting(cold=0.2), *map(Text, w.some("note_text", 1, 2)), *w.button("cta", 0.6)]


def _phish(w: Writer) -> list[Block]:
    rng = w.rng
    facts: list[Block] = [w.bill()] if rng.random() < 0.15 else []
    text = map(Text, w.some("phish_text", 1, 2))
    body: list[Block] = [*w.greeting(cold=0.6), *text, *facts, *w.button("phish_cta", 0.93)]
    if rng.random() < 0.4:
        body.insert(0, Picture(w.url(), w.picture(), w.setting.brand.name))
    return body


def _spam(w: Writer) -> list[Block]:
    rng = w.rng
    if rng.random() < 0.12:  # a picture says it all
        return [Picture(w.url(), w.picture(), w.say("spam_subject") if rng.random() < 0.5 else "")]
    title: list[Block] = [Heading(w.say("spam_subject"))] if rng.random() < 0.4 else []
    return [*title, *w.greeting(cold=0.6), *map(Text, w.some("spam_text", 1, 2)), *w.button("spam_cta", 0.85)]


def notice(w: Writer, kind: str, text: str, link: Callable[[], str] | None = None) -> list[Block]:
    """A notice of a firm, honest or not, of which ``text`` is the whole: greeting, paragraphs with a button between, farewell.

    ``link`` says where its buttons go, if not where the mail's other links do.
    """
    rng, link, greeting = w.rng, link or w.url, texts.greet(w, text, cold=0.5 if w.bad else 0.2)
    paragraphs = texts.begun(text, greeting)
    place = rng.randint(1, len(paragraphs))
    before, after = texts.told(paragraphs[:place], link), texts.told(paragraphs[place:], link)
    chance = rng.random()
    top: list[Block] = [Heading(w.setting.brand.name)] if chance < 0.15 else []
    if 0.15 <= chance < 0.4:
        top = [Picture(w.url(), w.picture(), w.setting.brand.name)]
    farewell: list[Block] = [Text(w.say("bye"))] if w.has("bye") and rng.random() < 0.5 else []
    return [
        *top,
        *greeting,
        *before,
        *_facts(w, kind),
        *(_press(w, kind, text, link) if not texts.presses(text) else []),
        *after,
        *farewell,
    ]


def _facts(w: Writer, kind: str) -> list[Block]:
    """A few labels and values, for kinds that come with some."""
    if w.rng.random() >= _ROWED.get(kind, 0.0):
        return []
    labels, slots = w.setting.words["labels"], w.slots
    rows = [(labels[0].split()[0] + " #", slots["ref"]), (labels[1], slots["date"]), (labels[5], slots["amount"])]
    return [Rows(tuple(rows[: 3 if kind != "event" else 2]))]


def _press(w: Writer, kind: str, text: str, link: Callable[[], str]) -> list[Block]:
    """What is to be pressed: mostly a button, sometimes a bare link, a code to photograph, or nothing."""
    rng = w.rng
    if kind in _PHOTOGRAPHED and "QR" in text:
        return [Picture("", w.picture(), "QR")]
    key = w.known(f"{kind}_cta", "phish_cta" if w.bad else "cta")
    chance = rng.random()
    if chance > (0.93 if w.bad else 0.72):
        return []
    if not w.bad and kind in _SHORT_LINKS and chance < 0.12:
        return [Button(w.say(key), links.short_url(w.setting.brand, rng))]
    if chance > 0.62:
        url = link()
        return [Text(url)] if rng.random() < 0.5 else [Button(_bare(url, w), url)]
    return [Button(w.say(key), link())]


def _bare(url: str, w: Writer) -> str:
    """What is shown of a link without a button: the address itself, or, where mail deceives, at times one of the brand."""
    if w.bad and w.rng.random() < 0.4:
        return f"https://{w.setting.brand.host}/{names.random_word(w.rng)}"
    return url


_BODIES: dict[str, Callable[[Writer], list[Block]]] = {
    "order": _order, "ship": _ship, "promo": _promo, "news": _news, "note": _note, "phish": _phish, "spam": _spam,
}  # fmt: skip


def composed(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a mail that is put together from several lines."""
    return w.say(f"{kind}_subject"), _BODIES[kind](w)


def said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a notice of which one text is the whole."""
    subject, text = texts.drawn(w, f"{kind}_subject", f"{kind}_text")
    return subject, notice(w, kind, text)


def own(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a notice whose every text has a subject, without which it says little."""
    subject, text = texts.parted(w.say(f"{kind}_text"))
    return subject, notice(w, kind, text)
