"""What bulk mail is called, who sends it and where it points: marks, numbers and false answers, affiliates' hosts, letters cut up."""

import re
from random import Random

from models.spam.authored import links, names
from models.spam.authored.writer import Writer

UNSEEN = ["\u200b", "\u200c", "\u00ad", "\u2060", "\ufeff"]  # characters without a width
_LOOKALIKES = {
    "a": "\u0430", "e": "\u0435", "o": "\u043e", "c": "\u0441", "p": "\u0440", "i": "\u0456", "x": "\u0445", "y": "\u0443",
}  # fmt: skip
_EMOJI = [
    "🎁", "🔥", "⏰", "🚨", "💰", "✅", "⚡", "🛒", "❗", "🎉", "📩", "💳", "🏆", "❤️", "👀", "🔔", "⚠️", "🥳", "💥", "🖤",
]  # fmt: skip
_LOCALS = ["info", "offer", "news", "hello", "contact", "noreply", "return"]
_PATHS = [
    "{w}/{w2}/{n}", "cl/{n}_md/{m}/{k}/{n}/{m}/{k}", "rd/c{n}{w}", "{w}.php?i={t}", "click?aff={m}&s={t}", "{t}", "?c={m}&l={k}&e={n}",
    "r/{w2}/{t}/{k}", "t/{n}/{t}/", "{w}-{w2}/{n}.html", "go/{m}?sub={w}", "#{t}", "lp/{w2}?clickid={t}", "track.php?o={n}&a={m}",
]  # fmt: skip


def affiliate_url(lang: str, rng: Random) -> str:
    """A link of an affiliate: a random host or a page at a cloud store, and a path that counts who clicked."""
    path = rng.choice(_PATHS).format(
        w=names.random_word(rng, 3, 8), w2=names.random_word(rng), t=names.token(rng, rng.choice([8, 20, 48])),
        n=rng.randrange(10**3, 10**7), m=rng.randrange(1, 999), k=rng.randrange(1, 10**5),
    )  # fmt: skip
    word = names.random_word(rng, 4, 10)
    host = rng.choices(
        [
            names.stranger_host(lang, rng),
            f"{rng.choice(['www', 'go', 'trk', word])}.{names.stranger_host(lang, rng)}",
            f"{word}.{rng.choice(['us.com', 'sa.com', 'za.com', 'in.net', 'co.in', 'uk.com'])}",
            f"storage.googleapis.com/{word}/{word}.html",
            f"{word}.s3.amazonaws.com/{word}.html",
            f"{word}.blob.core.windows.net/{word}/1.html",
        ],
        [6, 4, 2, 2, 1, 1],
    )[0]
    return f"{rng.choice(['http', 'https', 'https'])}://{host}/{path}"


def true_service(w: Writer) -> str:
    """Links of the brand itself: a payment service or a shared file carries the swindler's note, and everything else in it is true."""
    return f"https://www.{w.setting.brand.host}/{{t}}"


def cut_up(text: str, rng: Random) -> str:
    """The text with some of its words cut into letters, filled with what nobody sees, or with letters that look alike."""
    manner, share = rng.randrange(4), rng.choice([0.15, 0.3, 0.6])
    unseen, mark = rng.choice(UNSEEN), rng.choice([" ", ".", "-", "*"])
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
                return "".join(_LOOKALIKES.get(letter, letter) for letter in word)

    return "\n\n".join(" ".join(map(cut, paragraph.split(" "))) for paragraph in text.split("\n\n"))


def opening(text: str) -> str:
    """The first sentence, "" where it is too long for a subject."""
    first = re.split(r"(?<=[.!?])\s|\n", text.strip(), maxsplit=1)[0]
    return first.rstrip(".:") if len(first) < 90 else ""


def title(text: str, said: str, rng: Random) -> str:
    """The subject of a text that brings none of its own: mostly how it begins."""
    return (opening(text) or said) if rng.random() < 0.8 else said


def numbered(w: Writer, said: str) -> str:
    """The subject of a bill, at times with its number."""
    marked = f"{said} {w.rng.choice(['#', '- ', 'No. '])}{w.slots['ref']}"
    return said if w.slots["ref"] in said or w.rng.random() < (0.8 if w.bad else 0.9) else marked


def shouted(w: Writer, said: str) -> str:
    """The subject as offers have it: loud, with marks, numbers, a false answer, or the recipient's address."""
    rng = w.rng
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


def affiliate(w: Writer) -> tuple[str, str]:
    """Who sends offers to everybody: display name and address of From."""
    rng, name = w.rng, _shown(w, "blast_names")
    local = rng.choice([*_LOCALS, names.random_word(rng), w.slots["friend"].lower()])
    host = names.stranger_host(w.setting.lang, rng)
    shape = rng.choices(
        [host, f"{names.random_word(rng, 2, 7)}.{host}", f"{names.random_word(rng)}.onmicrosoft.com"], [6, 3, 1]
    )[0]
    return name, f"{local if local.isascii() else 'info'}@{shape}"


def biller(w: Writer) -> tuple[str, str]:
    """Who sends a bill for something nobody bought: the true service that carries it, or whoever has a mailbox."""
    rng, brand, name = w.rng, w.setting.brand, _shown(w, "callback_names")
    if w.service == true_service(w):
        return brand.name, f"{rng.choice(['service', 'noreply', 'notifications'])}@{brand.host}"
    local = rng.choice(["billing", "invoice", "service", "no-reply", names.random_word(rng), "accounts", "orders"])
    own = w.setting.to.host
    feigned = [
        names.free_mail(w.setting.lang, rng),
        f"{local}@{names.stranger_host(w.setting.lang, rng)}",
        links.trick_sender(brand, own, w.setting.lang, rng),
    ]
    return name, rng.choices(feigned, [4, 4, 2])[0]


def _shown(w: Writer, key: str) -> str:
    if w.rng.random() < 0.7:
        return w.say(key)
    return w.rng.choice([w.setting.brand.name, w.slots["firm"], w.slots["person"]])
