"""Letters that lie on one another: threads of two to seven mails, letters of firms with their files, and both in wrong hands.

A thread is a topic and two people who write in turn. What lies below is honest, whoever wrote the newest mail: a hijacked thread
differs from an honest one by that mail alone, and a letter from a firm's mailbox that was broken into by what it asks.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from models.spam.authored import facts, links, names, texts
from models.spam.authored.names import Brand, Person
from models.spam.authored.quoted import Side, flat, nested
from models.spam.authored.rich import Block, Text, as_plain
from models.spam.authored.writer import Words, Writer

# lines of other kinds that a hijacked thread may end in; and those of them that want something to be pressed
_BAD_LETTERS = ("bec_text", "lure_text", "phish_text", "scam_text")
_PRESSED = ("lure_text", "phish_text")
_ANSWER = {
    "de": ["AW", "AW", "Re"], "fr": ["RE", "Re", "Tr"], "es": ["RE", "Re", "RV"], "pt": ["RE", "Re", "RES", "ENC"],
    "it": ["R", "Re", "I"], "nl": ["RE", "Antw", "Re"], "pl": ["Odp", "Re", "PD"], "sv": ["SV", "Re"], "da": ["SV", "Re"],
    "nb": ["SV", "Re"], "fi": ["VS", "Re"], "cs": ["RE", "Re"], "tr": ["YNT", "Re"], "zh": ["回复", "Re", "答复"], "hu": ["RE", "Vá"],
}  # fmt: skip
_MAX_QUOTED = 6


def topics(words: Words) -> list[str]:
    """The subjects that a language has threads about: those with ``thread_TOPIC_a``; ``_b`` and ``_subject`` go with it."""
    return [key[len("thread_") : -len("_a")] for key in words if key.startswith("thread_") and key.endswith("_a")]


def hijacker(w: Writer) -> tuple[str, str]:
    """Who sends a hijacked thread: the author, half the time from another address under the known name."""
    rng, author = w.rng, w.author
    if rng.random() < 0.5:
        return author.name, author.address
    local, _, host = author.address.partition("@")
    firm = Brand(host.partition(".")[0], host, False)
    others = [
        f"{local}@{links.lookalike_host(firm, w.setting.lang, rng)}",
        f"{local}@{names.stranger_host(w.setting.lang, rng)}",
        names.free_mail(w.setting.lang, rng),
    ]
    return author.name, rng.choice([*others, links.trick_sender(firm, host, w.setting.lang, rng)])


def letter(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a letter with the signature and the notices of a firm."""
    own, text = texts.parted(w.say(f"{kind}_text"))
    subject = w.say(f"{kind}_subject")
    me = _side(w, w.author, w.setting.to, [])
    greeting = w.greeting(cold=0.2 if w.bad else 0.04)
    body = told(w, texts.begun(text, greeting))
    return own or subject, [*greeting, *body, *map(Text, _ends(w, me))]


def _ends(w: Writer, side: Side) -> list[str]:
    """Signature, and what firms put under it."""
    rng = w.rng
    long = w.some("long_legal", 1, 2) if w.has("long_legal") and rng.random() < 0.2 else []
    small = [w.wear(key) for key, share in (("notice", 0.4), ("phone", 0.1)) if rng.random() < share]
    return [part for part in (side.signature if rng.random() < 0.9 else side.person.first, *small, *long) if part]


def thread(w: Writer, _: str) -> tuple[str, list[Block]]:
    """Subject and body of an answer and what it answers."""
    rng, words = w.rng, w.setting.words
    here = topics(words)
    topic = rng.choice(here) if here and rng.random() < 0.9 else ""
    subject = w.say(f"thread_{topic}_subject" if topic else "talk_subject")
    ask, answer = _pools(w, topic)
    if rng.random() < 0.5:
        ask, answer = answer, ask
    me, you = _side(w, w.author, w.setting.to, ask), _side(w, w.setting.to, w.author, answer)
    older = list(_older(w, me, you))
    if w.bad and w.has("reply_close") and rng.random() < 0.1:  # who writes chases an earlier mail, which is the bad one
        older.insert(0, (me, "\n\n".join([as_plain(told(w, _bad_text(w).split("\n\n")), rng), me.signature])))
        newest = [*w.greeting(cold=0.0), *map(Text, w.some("reply_close", 1, 2)), Text(me.signature)]
    else:
        newest = _newest(w, me)
    if topic == "list" and rng.random() < 0.6:
        newest.append(Text(_list_footer(w)))
    marked = f"{rng.choice(_ANSWER.get(w.setting.lang, ['Re', 'RE', 'Re', 'Fwd']))}: {subject}"
    below = flat(w, older, subject) if rng.random() < 0.45 else nested(w, older)
    if topic == "list" and rng.random() < 0.6:  # lists answer below what they quote
        return marked, [*below[:1], *newest]
    return marked if rng.random() < 0.93 else subject, [*newest, *below]


def _list_footer(w: Writer) -> str:
    """What the program of a mailing list puts under every mail."""
    name, host = (
        w.rng.choice(["devel", "users", "announce", "discuss", "help"]),
        names.invented_brand(w.setting.lang, w.rng).host,
    )
    return f"{'_' * 47}\n{name} mailing list\n{name}@{host}\nhttps://lists.{host}/listinfo/{name}"


def _pools(w: Writer, topic: str) -> tuple[list[str], list[str]]:
    """What either side has to say, in the order in which it will be said."""
    rng, words = w.rng, w.setting.words
    if topic:
        sides = words[f"thread_{topic}_a"], words.get(f"thread_{topic}_b", words[f"thread_{topic}_a"])
        return rng.sample(sides[0], len(sides[0])), rng.sample(sides[1], len(sides[1]))
    pool = [*words["talk"], *(texts.parted(text)[1].partition("\n\n")[0] for text in words.get("office_text", []))]
    half = rng.sample(pool, min(len(pool), 24))
    return half[::2], half[1::2]


def _side(w: Writer, person: Person, other: Person, lines: list[str]) -> Side:
    slots = {**w.slots, "first": other.first, "name": other.name, "sender": person.first, "author": person.name}
    slots |= {"email": other.address, "phone": facts.phone(w.rng)}
    return Side(person, other, slots, _signature(w, person, slots), list(lines))


def _signature(w: Writer, person: Person, slots: Mapping[str, str]) -> str:
    """How somebody signs all along a thread: a name, or a block with title, firm, telephones and site."""
    rng, host = w.rng, person.host
    regards = f"{w.wear('regards')}\n" if rng.random() < 0.8 else ""
    if names.is_free_mail(host) or rng.random() < 0.3:
        return regards + rng.choice([person.first, person.first, person.name])
    firm = host.partition(".")[0].replace("-", " ").title()
    mobile = f"{rng.choice(['M', 'Mobil', 'Cell', 'M.'])}: {facts.phone(rng)}"
    lines = [
        w.wear("titles"),
        firm,
        f"{slots['street']}, {slots['city']}",
        f"T: {slots['phone']}",
        mobile,
        person.address,
        f"www.{host}",
    ]
    kept = [line for line in lines if line and rng.random() < 0.7]
    return regards + rng.choice(["\n", "\n", "\n", " | "]).join([person.name, *kept])


def _body(w: Writer, side: Side, *, first: bool) -> str:
    """One mail below: greeting, some of what the side has to say, signature."""
    rng, words = w.rng, w.setting.words
    taken = [side.lines.pop() for _ in range(min(len(side.lines), rng.choice([1, 1, 2, 2, 3, 4])))]
    parts = [] if first or rng.random() < 0.6 else words.get("reply_open", [])
    opened = [rng.choice(parts)] if parts else []
    closed = [rng.choice(words["reply_close"])] if "reply_close" in words and (not taken or rng.random() < 0.4) else []
    greeting = [side.say(rng.choice(words["greet"]), rng)] if rng.random() < 0.65 else []
    spoken = texts.sentences(
        [side.say(texts.plainly(line), rng) for line in (*opened, *taken, *closed)], after=bool(greeting)
    )
    ends = [side.signature] if rng.random() < 0.85 else []
    notice = [w.wear("notice")] if rng.random() < 0.2 else []
    return "\n\n".join(filter(None, [*greeting, rng.choice([" ", "\n\n"]).join(spoken), *ends, *notice]))


def _older(w: Writer, me: Side, you: Side) -> Iterator[tuple[Side, str]]:
    """The mails below, the newest of them first, each with who wrote it."""
    count = w.rng.choice([1, 1, 2, 2, 3, 3, 4, 5, _MAX_QUOTED])
    for index in range(count):
        side = you if index % 2 == 0 else me
        yield side, _body(w, side, first=index == count - 1)


def _newest(w: Writer, me: Side) -> list[Block]:
    """The mail on top, which makes the thread honest or bad."""
    rng = w.rng
    greeting = w.greeting(cold=0.02)
    if w.bad:
        text = _bad_text(w)
    elif rng.random() < 0.55:
        text = w.say("newest_text")
    else:
        left = me.lines[: rng.choice([1, 2, 2, 3, 4])] or w.setting.words["newest_text"][:1]
        text = "\n\n".join(texts.sentences([me.say(line, rng) for line in left], after=True))
    lead = [w.say("reply_open")] if w.has("reply_open") and rng.random() < 0.3 else []
    if w.bad and me.lines and rng.random() < 0.25:
        lead.append(me.say(texts.plainly(me.lines[0]), rng))
    tail = [w.say("reply_close")] if w.has("reply_close") and rng.random() < 0.25 else []
    body = told(w, texts.begun("\n\n".join(texts.sentences([*lead, text, *tail], after=True)), greeting))
    return [*greeting, *body, *map(Text, _ends(w, me))]


def _bad_text(w: Writer) -> str:
    """What the thief writes: mostly a line or two made for threads, sometimes a lure or a fraud of another kind."""
    others = [key for key in _BAD_LETTERS if w.has(key)]
    key = w.rng.choice(others) if others and w.rng.random() < 0.2 else "hijack_text"
    text = texts.parted(w.say(key))[1]
    if key in _PRESSED and not texts.presses(text) and w.has("phish_cta"):
        text += f"\n\n> {w.say('phish_cta')}"
    return text


def told(w: Writer, paragraphs: list[str]) -> list[Block]:
    """Paragraphs, and the links among them as letters have them."""
    return texts.told(paragraphs, partial(_place, w))


def _place(w: Writer) -> str:
    """Where a letter's link goes: to either's firm or a service that shares files; in bad hands mostly to a stranger."""
    rng, chance = w.rng, w.rng.random()
    host = w.author.host
    if w.bad and chance > 0.1:
        return (
            links.trick_url(w.setting.brand, w.setting.lang, rng)
            if chance < 0.7
            else f"https://{names.stranger_host(w.setting.lang, rng)}/{names.random_word(rng)}"
        )
    if w.bad or chance < 0.45 or names.is_free_mail(host):
        return links.short_url(w.setting.brand, rng)
    own = rng.choice([host, host, w.setting.to.host])
    if chance < 0.6 or names.is_free_mail(own):
        return links.honest_url(w.setting.brand, rng)
    where = rng.choice(["", "www.", "files.", "portal.", "intranet.", "cloud.", "wiki."])
    return (
        f"https://{where}{own}/{rng.choice(['', 's/', 'docs/', 'projects/', 'd/', 'share/'])}{names.random_word(rng)}"
    )
