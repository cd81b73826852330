"""Bulk mail: loud offers, and renewals with a number to call; the honest ones and those that only dress like them.

``blast`` is what affiliates and swindlers send to everybody, ``sale`` is honest marketing of the same loudness; ``callback`` is an
invoice for something nobody bought with a number to call, ``receipt`` an invoice or renewal notice of a firm, which has one as well.
"""

from models.spam.authored import bodies, loud, names, texts
from models.spam.authored.rich import Block, Button, Heading, Hidden, Picture, Rows, Small, Text
from models.spam.authored.writer import Writer

_PICTURED = {"blast": 0.22, "sale": 0.14}  # nearly nothing but a picture
_WALLED = {"blast": 0.35, "sale": 0.4, "callback": 0.12, "receipt": 0.12}  # a wall of legal text
_CLIPPED = {"blast": 0.2, "sale": 0.06}  # a piece of news below, or a magazine's story
_CUT_UP = {"blast": 0.16, "sale": 0.02, "callback": 0.08, "receipt": 0.0}
_PRESSED = {"callback": 0.2, "receipt": 0.55}


def said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body: the subject is the text's own, that of an offer without one mostly how it begins."""
    subject = w.say(f"{kind}_subject")
    own, text = texts.parted(w.say(f"{kind}_text"))
    if not own and kind in _PICTURED:
        own = loud.title(text, subject, w.rng)
    return own or subject, body(w, kind, text)


def body(w: Writer, kind: str, text: str) -> list[Block]:
    """The body of a mail of ``kind`` of which ``text`` is the whole."""
    rng = w.rng
    if kind == "blast" and rng.random() < 0.75:
        w.service, w.place = "", loud.affiliate_url(rng)
    if kind == "callback" and rng.random() < 0.1:
        w.service = loud.true_service(w)
    if rng.random() < _CUT_UP[kind]:
        text = loud.cut_up(text, rng) if w.bad else text.replace("i", "i\u00ad", 1)
    if kind in _PRESSED:
        return [*_bill(w, kind, text), *_end(w, kind)]
    if rng.random() < _PICTURED[kind]:
        said = [Text(text.split("\n\n")[0])] if rng.random() < 0.3 else []
        alt = rng.choice([loud.opening(text), loud.opening(text), w.say(f"{kind}_cta"), "", w.setting.brand.name])
        return [*said, Picture(w.url(), w.picture(), alt), *_end(w, kind)]
    return [*bodies.notice(w, kind, text), *_end(w, kind)]


def _bill(w: Writer, kind: str, text: str) -> list[Block]:
    """A bill with its facts in rows, mostly nothing to press where a call is wanted."""
    rng = w.rng
    slots = w.slots
    greeting = texts.greet(w, text, cold=0.5 if w.bad else 0.15)
    paragraphs: list[Block] = [Text(p) for p in texts.begun(_dialled(w, text), greeting)]
    if slots["price"] in text and rng.random() < 0.55:
        paragraphs.insert(rng.randint(0, len(paragraphs)), _rows(w))
    top: list[Block] = [Heading(w.setting.brand.name)] if rng.random() < 0.25 else []
    pressed = [Button(w.say(f"{kind}_cta"), w.url())] if rng.random() < _PRESSED[kind] else []
    bye: list[Block] = [Text(w.say("bye"))] if w.has("bye") and rng.random() < 0.4 else []
    return [*top, *greeting, *paragraphs, *pressed, *bye]


def _rows(w: Writer) -> Rows:
    """Number, date and sum, at times with what was bought and how it is paid."""
    rng, slots, labels = w.rng, w.slots, w.setting.words["labels"]
    facts = [(labels[0], slots["ref"]), (labels[1], slots["date"])][rng.randrange(2) :]
    bought = [(w.say(_key(w, "plans", "items")), slots["price"])] if rng.random() < (0.4 if w.bad else 0.2) else []
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
    rng = w.rng
    walls = w.some(_key(w, "walls", "legal"), 1, 3) if rng.random() < _WALLED[kind] else w.some("legal", 0, 2)
    ways = [(w.wear("out"), _way_out(w))] if rng.random() < (0.8 if kind in _PICTURED else 0.35) else []
    small: list[Block] = [Small(" ".join(walls), tuple(ways))] if walls or ways else []
    if rng.random() >= _CLIPPED.get(kind, 0.0):
        return small
    news = "\n\n".join(w.some(_key(w, "clippings", "teasers"), 1, 3))
    return [*small, Hidden(news) if rng.random() < 0.6 else Text(news)]


def _key(w: Writer, key: str, other: str) -> str:
    """Lines of the kind ``key``, or those of another kind in a language that has none."""
    return key if w.has(key) else other


def _way_out(w: Writer) -> str:
    if w.bad and w.rng.random() < 0.6:
        page = w.rng.choice(["unsub", "optout", "u", "remove.php", "o"])
        return f"https://{names.stranger_host(w.rng)}/{page}/{names.token(w.rng, 9)}"
    return w.url()
