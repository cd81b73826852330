"""Bulk mail: loud offers, and renewals with a number to call; the honest ones and those that only dress like them.

``blast`` is what affiliates and swindlers send to everybody, ``sale`` is honest marketing of the same loudness; ``callback`` is an
invoice for something nobody bought with a number to call, ``receipt`` an invoice or renewal notice of a firm, which has one as well.
"""

import re
from random import Random

from models.spam.authored import bodies, letters, links, names
from models.spam.authored.rich import Block, Button, Heading, Hidden, Picture, Rows, Small, Text
from models.spam.authored.writer import Writer

HONEST = ("sale", "receipt")
BAD = ("blast", "callback")
KINDS = (*HONEST, *BAD)
_PICTURED = {"blast": 0.22, "sale": 0.14}  # nearly nothing but a picture
_WALLED = {"blast": 0.35, "sale": 0.4, "callback": 0.15, "receipt": 0.35}  # a wall of legal text
_CLIPPED = {"blast": 0.2, "sale": 0.06}  # a piece of news below, or a magazine's story
_CUT_UP = {"blast": 0.16, "sale": 0.02, "callback": 0.08, "receipt": 0.0}
_PRESSED = {"callback": 0.2, "receipt": 0.55}
_BY_HAND = {"callback": 0.4, "receipt": 0.15}
_ENGLISH_LOOKALIKES = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "i": "і", "x": "х", "y": "у"}
_UNSEEN = ["\u200b", "\u200c", "\u00ad", "\u2060", "\ufeff"]
_EMOJI = [
    "🎁",
    "🔥",
    "⏰",
    "🚨",
    "💰",
    "✅",
    "⚡",
    "🛒",
    "❗",
    "🎉",
    "📩",
    "💳",
    "🏆",
    "❤️",
    "👀",
    "🔔",
    "⚠️",
    "🥳",
    "💥",
    "🖤",
]
_PATHS = [
    "{w}/{w2}/{n}", "cl/{n}_md/{m}/{k}/{n}/{m}/{k}", "rd/c{n}{w}", "{w}.php?i={t}", "click?aff={m}&s={t}", "{t}", "?c={m}&l={k}&e={n}",
    "r/{w2}/{t}/{k}", "t/{n}/{t}/", "{w}-{w2}/{n}.html", "go/{m}?sub={w}", "#{t}", "lp/{w2}?clickid={t}", "track.php?o={n}&a={m}",
]  # fmt: skip


def by_hand(kind: str, rng: Random) -> bool:
    """Whether a mail looks as a person's mail program writes it."""
    return rng.random() < _BY_HAND.get(kind, 0.0)


def affiliate_url(rng: Random) -> str:
    """A link of an affiliate: a random host or a page at a cloud store, and a path that counts who clicked."""
    path = rng.choice(_PATHS).format(
        w=names.random_word(rng, 3, 8), w2=names.random_word(rng), t=names.token(rng, rng.choice([8, 20, 48])),
        n=rng.randrange(10**3, 10**7), m=rng.randrange(1, 999), k=rng.randrange(1, 10**5),
    )  # fmt: skip
    word = names.random_word(rng, 4, 10)
    host = rng.choices(
        [
            names.stranger_host(rng),
            f"{rng.choice(['www', 'go', 'trk', word])}.{names.stranger_host(rng)}",
            f"{word}.{rng.choice(['us.com', 'sa.com', 'za.com', 'in.net', 'co.in', 'uk.com'])}",
            f"storage.googleapis.com/{word}/{word}.html",
            f"{word}.s3.amazonaws.com/{word}.html",
            f"{word}.blob.core.windows.net/{word}/1.html",
        ],
        [6, 4, 2, 2, 1, 1],
    )[0]
    return f"{rng.choice(['http', 'https', 'https'])}://{host}/{path}"


def body(w: Writer, kind: str, text: str) -> list[Block]:
    """The body of a mail of ``kind`` of which ``text`` is the whole."""
    rng = w.rng
    if kind == "blast" and rng.random() < 0.75:
        w.service, w.place = "", affiliate_url(rng)
    if kind == "callback" and rng.random() < 0.1:
        w.service = _true_service(w)
    if rng.random() < _CUT_UP[kind]:
        text = cut_up(text, rng) if w.bad else text.replace("i", "i\u00ad", 1)
    if kind in _PRESSED:
        return [*_bill(w, kind, text), *_end(w, kind)]
    if rng.random() < _PICTURED[kind]:
        said = [Text(text.split("\n\n")[0])] if rng.random() < 0.3 else []
        alt = rng.choice([_opening(text), _opening(text), w.say(f"{kind}_cta"), "", w.setting.brand.name])
        return [*said, Picture(w.url(), w.picture(), alt), *_end(w, kind)]
    return [*bodies.notice(w, kind, text), *_end(w, kind)]


def _true_service(w: Writer) -> str:
    """Links of the brand itself: a payment service or a shared file carries the swindler's note, and everything else in it is true."""
    return f"https://www.{w.setting.brand.host}/{{t}}"


def _bill(w: Writer, kind: str, text: str) -> list[Block]:
    """A bill with its facts in rows, mostly nothing to press where a call is wanted."""
    rng = w.rng
    slots = w.slots
    greeting = letters.greet(w, text, cold=0.5 if w.bad else 0.15)
    paragraphs: list[Block] = [Text(p) for p in letters.begun(_dialled(w, text), greeting)]
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
    bought = [(w.say("plans"), slots["price"])] if rng.random() < (0.4 if w.bad else 0.2) else []
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
            w.rng.choice(_UNSEEN).join(number),
        ]
    )
    return text.replace(number, odd)


def _end(w: Writer, kind: str) -> list[Block]:
    """What stands below: legal text, the way out of the list (at a second stranger's host where it is spam), a piece of news."""
    rng = w.rng
    walls = w.some("walls", 1, 3) if rng.random() < _WALLED[kind] else w.some("legal", 0, 2)
    ways = [(w.wear("out"), _way_out(w))] if rng.random() < (0.8 if kind in _PICTURED else 0.35) else []
    small: list[Block] = [Small(" ".join(walls), tuple(ways))] if walls or ways else []
    if rng.random() >= _CLIPPED.get(kind, 0.0):
        return small
    news = "\n\n".join(w.some("clippings", 1, 3))
    return [*small, Hidden(news) if rng.random() < 0.6 else Text(news)]


def _way_out(w: Writer) -> str:
    if w.bad and w.rng.random() < 0.6:
        page = w.rng.choice(["unsub", "optout", "u", "remove.php", "o"])
        return f"https://{names.stranger_host(w.rng)}/{page}/{names.token(w.rng, 9)}"
    return w.url()


def cut_up(text: str, rng: Random) -> str:
    """The text with some of its words cut into letters, filled with what nobody sees, or with letters that look alike."""
    manner, share = rng.randrange(4), rng.choice([0.15, 0.3, 0.6])
    unseen, mark = rng.choice(_UNSEEN), rng.choice([" ", ".", "-", "*"])
    filled = rng.choice([unseen, unseen * 3])

    def cut(word: str) -> str:
        if not word.isalpha() or len(word) < 4 or rng.random() > share:
            return word
        match manner:
            case 0:
                return mark.join(word)
            case 1:
                return filled.join(word)
            case 2:
                at = rng.randrange(1, len(word))
                return word[:at] + mark + word[at:]
            case _:
                return "".join(_ENGLISH_LOOKALIKES.get(letter, letter) for letter in word)

    return "\n\n".join(" ".join(map(cut, paragraph.split(" "))) for paragraph in text.split("\n\n"))


def _opening(text: str) -> str:
    """The first sentence, "" where it is too long for a subject."""
    first = re.split(r"(?<=[.!?])\s|\n", text.strip(), maxsplit=1)[0]
    return first.rstrip(".:") if len(first) < 80 else ""


def title(text: str, said: str, rng: Random) -> str:
    """The subject of a text that brings none of its own: mostly how it begins."""
    return (_opening(text) or said) if rng.random() < 0.6 else said


def subject(w: Writer, kind: str, said: str) -> str:
    """The subject as such mail has it: loud, with marks, numbers, a false answer, or the recipient's address."""
    rng = w.rng
    if kind not in _PICTURED:
        numbered = f"{said} {rng.choice(['#', '- ', 'No. '])}{w.slots['ref']}"
        return numbered if rng.random() < (0.2 if w.bad else 0.1) else said
    chance = rng.random()
    if chance < 0.22:
        mark = rng.choice(_EMOJI)
        return rng.choice([f"{mark} {said}", f"{said} {mark}", f"{mark}{mark} {said}", f"{mark} {said} {mark}"])
    if chance < 0.32:
        return said.upper()
    if chance < 0.37:
        return said if said.startswith(w.slots["first"]) else f"{w.slots['first']}, {said}"
    if w.bad and chance < 0.62:
        ticket = f"{rng.choice(['Ticket', 'Case', 'Order', 'Ref', 'ID', 'N'])} {w.slots['ref']}"
        to = rng.choice([w.slots["email"], w.slots["local"]])
        return rng.choice(
            [f"Re: {said}", f"RE: {to} - {said}", f"{said} [{ticket}]", f"{to}: {said}", f"{said} {to}", f"FW: {ticket} {said}",
             cut_up(said, rng), f"{said} {names.random_word(rng, 4, 8)}"]
        )  # fmt: skip
    return said


def sender(w: Writer, kind: str) -> tuple[str, str]:
    """Display name and address of From of bad bulk mail."""
    rng, own = w.rng, w.setting.to.address.rpartition("@")[2]
    name = (
        w.say(f"{kind}_names")
        if rng.random() < 0.7
        else rng.choice([w.setting.brand.name, w.slots["firm"], w.slots["person"]])
    )
    if kind == "callback" and w.service == _true_service(w):
        return w.setting.brand.name, f"{rng.choice(['service', 'noreply', 'notifications'])}@{w.setting.brand.host}"
    if kind == "callback":
        local = rng.choice(["billing", "invoice", "service", "no-reply", names.random_word(rng), "accounts", "orders"])
        address = rng.choices(
            [
                names.free_mail(rng),
                f"{local}@{names.stranger_host(rng)}",
                links.trick_sender(w.setting.brand, own, rng),
            ],
            [4, 4, 2],
        )[0]
        return name, address
    local = rng.choice(
        [
            "info",
            "offer",
            "news",
            "hello",
            "contact",
            "noreply",
            "return",
            names.random_word(rng),
            w.slots["friend"].lower(),
        ]
    )
    host = names.stranger_host(rng)
    shape = rng.choices(
        [host, f"{names.random_word(rng, 2, 7)}.{host}", f"{names.random_word(rng)}.onmicrosoft.com"], [6, 3, 1]
    )[0]
    return name, f"{local if local.isascii() else 'info'}@{shape}"
