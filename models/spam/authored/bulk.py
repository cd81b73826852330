"""Bulk mail: loud offers, and renewals with a number to call; the honest ones and those that only dress like them.

``blast`` is what affiliates and swindlers send to everybody, ``sale`` is honest marketing of the same loudness; ``callback`` is an
invoice for something nobody bought with a number to call, ``receipt`` an invoice or renewal notice of a firm, which has one as well.
"""

from dataclasses import dataclass

from models.spam.authored import bodies, loud, names, texts
from models.spam.authored.rich import Block, Button, Heading, Hidden, Picture, Rows, Small, Text
from models.spam.authored.writer import Writer


@dataclass(frozen=True, slots=True)
class _Manner:
    """How often a kind of bulk mail is dressed in which way."""

    cut_up: float  # letters that filters do not read
    walled: float  # a wall of legal text
    ways: float  # the way out of the list
    clipped: float = 0.0  # a piece of news below, or a magazine's story
    pictured: float = 0.0  # nearly nothing but a picture
    pressed: float = 0.0  # something to press on a bill


_MANNERS = {
    "blast": _Manner(cut_up=0.16, walled=0.35, ways=0.8, clipped=0.2, pictured=0.22),
    "sale": _Manner(cut_up=0.02, walled=0.4, ways=0.8, clipped=0.06, pictured=0.14),
    "callback": _Manner(cut_up=0.08, walled=0.12, ways=0.35, pressed=0.2),
    "receipt": _Manner(cut_up=0.0, walled=0.12, ways=0.35, pressed=0.55),
}


def offer(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of an offer; without a subject of its own, a text is mostly called as it begins."""
    subject = w.say(f"{kind}_subject")
    own, text = texts.parted(w.say(f"{kind}_text"))
    return own or loud.title(text, subject, w.rng), offered(w, kind, text)


def bill(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a bill."""
    subject = w.say(f"{kind}_subject")
    own, text = texts.parted(w.say(f"{kind}_text"))
    return own or subject, billed(w, kind, text)


def offered(w: Writer, kind: str, text: str) -> list[Block]:
    """The body of an offer of which ``text`` is the whole; bad ones mostly lead to an affiliate's host."""
    rng = w.rng
    if w.bad and rng.random() < 0.75:
        w.service, w.place = "", loud.affiliate_url(w.setting.lang, rng)
    text = _cut_up(w, kind, text)
    if rng.random() < _MANNERS[kind].pictured:
        said = [Text(text.split("\n\n")[0])] if rng.random() < 0.3 else []
        alt = rng.choice([loud.opening(text), loud.opening(text), w.say(f"{kind}_cta"), "", w.setting.brand.name])
        return [*said, Picture(w.url(), w.picture(), alt), *_end(w, kind)]
    return [*bodies.notice(w, kind, text), *_end(w, kind)]


def billed(w: Writer, kind: str, text: str) -> list[Block]:
    """The body of a bill of which ``text`` is the whole; a true service carries some of the bad ones."""
    if w.bad and w.rng.random() < 0.1:
        w.service = loud.true_service(w)
    return [*_invoice(w, kind, _cut_up(w, kind, text)), *_end(w, kind)]


def _cut_up(w: Writer, kind: str, text: str) -> str:
    """The text, at times with letters that filters do not read; honest mail has but a hyphen that nobody sees."""
    if w.rng.random() >= _MANNERS[kind].cut_up:
        return text
    return loud.cut_up(text, w.rng) if w.bad else text.replace("i", "i\u00ad", 1)


def _invoice(w: Writer, kind: str, text: str) -> list[Block]:
    """A bill with its facts in rows, mostly nothing to press where a call is wanted."""
    rng, slots = w.rng, w.slots
    greeting = texts.greet(w, text, cold=0.5 if w.bad else 0.15)
    paragraphs: list[Block] = [Text(p) for p in texts.begun(_dialled(w, text), greeting)]
    if slots["price"] in text and rng.random() < 0.55:
        paragraphs.insert(rng.randint(0, len(paragraphs)), _rows(w))
    top: list[Block] = [Heading(w.setting.brand.name)] if rng.random() < 0.25 else []
    pressed = [Button(w.say(f"{kind}_cta"), w.url())] if rng.random() < _MANNERS[kind].pressed else []
    bye: list[Block] = [Text(w.say("bye"))] if w.has("bye") and rng.random() < 0.4 else []
    return [*top, *greeting, *paragraphs, *pressed, *bye]


def _rows(w: Writer) -> Rows:
    """Number, date and sum, at times with what was bought and how it is paid."""
    rng, slots, labels = w.rng, w.slots, w.setting.words["labels"]
    facts = [(labels[0], slots["ref"]), (labels[1], slots["date"])][rng.randrange(2) :]
    bought = [(w.say(w.known("plans", "items")), slots["price"])] if rng.random() < (0.4 if w.bad else 0.2) else []
    paid = [(labels[7], w.say("payment"))] if rng.random() < 0.4 else []
    return Rows((*facts, *bought, (labels[5], slots["price"]), *paid))


def _dialled(w: Writer, text: str) -> str:
    """The text with its number written as filters do not read it, at times, where mail deceives."""
    number = w.slots["hotline"]
    if not w.bad or w.rng.random() < 0.6:
        return text
    odd = w.rng.choice(
        [
            number.replace("0", "O").replace("1", "l"),
            " ".join(number.replace(" ", "")),
            number.replace(" ", "").replace("-", "_").replace("(", "{").replace(")", "}"),
            number.replace("-", "•").replace(" ", "•"),
            w.rng.choice(loud.UNSEEN).join(number),
        ]
    )
    return text.replace(number, odd)


def _end(w: Writer, kind: str) -> list[Block]:
    """What stands below: legal text, the way out of the list (at a second stranger's host where it is spam), a piece of news."""
    rng, manner = w.rng, _MANNERS[kind]
    walls = w.some(w.known("walls", "legal"), 1, 3) if rng.random() < manner.walled else w.some("legal", 0, 2)
    ways = [(w.wear("out"), _way_out(w))] if rng.random() < manner.ways else []
    small: list[Block] = [Small(" ".join(walls), tuple(ways))] if walls or ways else []
    if rng.random() >= manner.clipped:
        return small
    news = "\n\n".join(w.some(w.known("clippings", "teasers"), 1, 3))
    return [*small, Hidden(news) if rng.random() < 0.6 else Text(news)]


def _way_out(w: Writer) -> str:
    if w.bad and w.rng.random() < 0.6:
        page = w.rng.choice(["unsub", "optout", "u", "remove.php", "o"])
        return f"https://{names.stranger_host(w.setting.lang, w.rng)}/{page}/{names.token(w.rng, 9)}"
    return w.url()
