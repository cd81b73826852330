"""Mail that a person writes: talk, business, and the spam and fraud that are written by hand; with signature and quoted mail."""

from collections.abc import Callable
from dataclasses import dataclass

from models.spam.authored import links, names, quoted, texts
from models.spam.authored.rich import Block, Quote, Text
from models.spam.authored.writer import Writer


def _site(w: Writer) -> str:
    """Where a letter points: to the writer's own site or to a form; who wants to sell has the site of a stranger."""
    if w.bad and w.rng.random() < 0.6:
        page = w.rng.choice(["", "portfolio", "pricing", "apply", "r/1"])
        return f"https://{w.rng.choice(['', 'www.'])}{names.stranger_host(w.setting.lang, w.rng)}/{page}"
    host = w.author.host
    if w.bad or names.is_free_mail(host) or w.rng.random() < 0.6:
        return links.short_url(w.setting.brand, w.rng)
    return f"https://www.{host}/{w.rng.choice(['', 'files/', 'team', 'catalogue'])}"


def _trick(w: Writer) -> str:
    """Where fraud points."""
    return links.trick_url(w.setting.brand, w.setting.lang, w.rng)


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a kind of letter is written: how often it has what it may have, and where its link points."""

    linked: float
    answers: float  # a mail that stands below
    cold: float = 0.0  # of its greetings, those to nobody
    out: float = 0.0  # a way out of a list
    link: Callable[[Writer], str] = _site


_MANNERS = {
    "talk": _Manner(linked=0.1, answers=0.35),
    "office": _Manner(linked=0.2, answers=0.3),
    "errand": _Manner(linked=0.3, answers=0.2, cold=0.15),
    "outreach": _Manner(linked=0.2, answers=0.12, cold=0.25, out=0.12),
    "scam": _Manner(linked=0.1, answers=0.03, cold=0.6),
    "bec": _Manner(linked=0.12, answers=0.25, cold=0.1, link=_trick),
    "slip": _Manner(linked=0.6, answers=0.1, cold=0.4, link=_trick),
}


def said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a letter of which one text is the whole."""
    subject, text = texts.drawn(w, f"{kind}_subject", f"{kind}_text")
    return subject, letter(w, kind, text)


def own(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a letter whose every text has a subject, without which it says little."""
    subject, text = texts.parted(w.say(f"{kind}_text"))
    return subject, letter(w, kind, text)


def talk(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a letter of some lines of talk."""
    return w.say(f"{kind}_subject"), letter(w, kind, _chat(w))


def letter(w: Writer, kind: str, text: str) -> list[Block]:
    """A letter whose body is ``text``, with or without greeting, signature, a telephone's last line, a notice and a quoted mail."""
    rng, manner = w.rng, _MANNERS[kind]
    greeting = texts.greet(w, text, cold=manner.cold)
    body: list[Block] = [Text(paragraph) for paragraph in texts.begun(text, greeting)]
    if rng.random() < manner.linked:
        body.append(Text(manner.link(w)))
    signed = [Text(_signature(w))] if rng.random() < 0.85 else []
    shares = {"phone": 0.12, "notice": 0.12, "out": manner.out}
    ends = [w.wear(key) for key, share in shares.items() if rng.random() < share]
    return [*greeting, *body, *signed, *(Text(end) for end in ends if end), *_answered(w, manner.answers)]


def _chat(w: Writer) -> str:
    """Some lines of talk, in one paragraph or two."""
    said = w.some("talk", 2, 6)
    cut = w.rng.randrange(len(said) + 1)
    return "\n\n".join(filter(None, [" ".join(said[:cut]), " ".join(said[cut:])]))


def _signature(w: Writer) -> str:
    """A first name, or a whole block of name, title, firm, address, telephone and site."""
    rng, slots, author = w.rng, w.slots, w.author
    regards = f"{w.wear('regards')}\n" if rng.random() < 0.75 else ""
    if rng.random() < 0.55:
        return regards + rng.choice([author.first, author.first, author.name, author.first[0]])
    host = author.host
    lines = [
        author.name,
        w.wear("titles"),
        slots["company"],
        rng.choice([f"T {slots['phone']}", f"Tel.: {slots['phone']}", slots["phone"], f"M: {slots['phone']}"]),
        author.address,
        f"{slots['street']}, {slots['city']}",
        *([] if names.is_free_mail(host) else [f"www.{host}"]),
    ]
    kept = lines[:1] + [line for line in lines[1:] if line and rng.random() < 0.6]
    return regards + rng.choice(["\n", "\n", " | "]).join(kept)


def _answered(w: Writer, share: float) -> list[Block]:
    """The mail below, which is answered or forwarded: honest talk, whatever stands above it."""
    rng = w.rng
    if rng.random() >= share:
        return []
    head = w.wear("wrote")
    if head.startswith(("-", "_")):
        fields = quoted.fields(
            w, names.person(w.setting.lang, rng), w.slots["date"], w.setting.to.address, w.say("talk_subject")
        )
        head = f"{head}\n{fields}"
    pool = "office_text" if w.has("office_text") and rng.random() < 0.4 else "talk"
    said = " ".join(w.some("talk", 1, 4)) if pool == "talk" else w.say(pool).partition("\n\n")[0]
    return [Quote(head, said)]
