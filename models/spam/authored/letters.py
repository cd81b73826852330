"""Mail that a person writes: talk, business, and the spam and fraud that are written by hand; with signature and quoted mail."""

from models.spam.authored import links, names, quoted, texts
from models.spam.authored.rich import Block, Quote, Text
from models.spam.authored.writer import Writer

_LINKED = {"office": 0.2, "outreach": 0.2, "scam": 0.1, "bec": 0.12, "talk": 0.1, "errand": 0.3, "slip": 0.6}
_COLD = {"outreach": 0.25, "scam": 0.6, "bec": 0.1, "slip": 0.4, "errand": 0.15}
_ANSWERS = {"office": 0.3, "bec": 0.25, "outreach": 0.12, "scam": 0.03, "talk": 0.35, "errand": 0.2, "slip": 0.1}


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
    rng = w.rng
    greeting = texts.greet(w, text, cold=_COLD.get(kind, 0.0))
    body: list[Block] = [Text(paragraph) for paragraph in texts.begun(text, greeting)]
    if rng.random() < _LINKED[kind]:
        body.append(Text(_link(w, kind)))
    signed = [Text(_signature(w))] if rng.random() < 0.85 else []
    shares = {"phone": 0.12, "notice": 0.12, "out": 0.12 if kind == "outreach" else 0.0}
    ends = [w.wear(key) for key, share in shares.items() if rng.random() < share]
    return [*greeting, *body, *signed, *(Text(end) for end in ends if end), *_answered(w, kind)]


def _chat(w: Writer) -> str:
    """Some lines of talk, in one paragraph or two."""
    said = w.some("talk", 2, 6)
    cut = w.rng.randrange(len(said) + 1)
    return "\n\n".join(filter(None, [" ".join(said[:cut]), " ".join(said[cut:])]))


def _link(w: Writer, kind: str) -> str:
    """Where a letter points: fraud to where tricks live, who wants to sell to a site or a form, as honest people do."""
    if kind in ("bec", "slip"):
        return links.trick_url(w.setting.brand, w.rng)
    if w.bad and w.rng.random() < 0.6:
        page = w.rng.choice(["", "portfolio", "pricing", "apply", "r/1"])
        return f"https://{w.rng.choice(['', 'www.'])}{names.stranger_host(w.rng)}/{page}"
    host = w.author.host
    if w.bad or names.is_free_mail(host) or w.rng.random() < 0.6:
        return links.short_url(w.setting.brand, w.rng)
    return f"https://www.{host}/{w.rng.choice(['', 'files/', 'team', 'catalogue'])}"


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


def _answered(w: Writer, kind: str) -> list[Block]:
    """The mail below, which is answered or forwarded: honest talk, whatever stands above it."""
    rng = w.rng
    if rng.random() >= _ANSWERS[kind]:
        return []
    head = w.wear("wrote")
    if head.startswith(("-", "_")):
        fields = quoted.fields(w, names.person(rng), w.slots["date"], w.setting.to.address, w.say("talk_subject"))
        head = f"{head}\n{fields}"
    pool = "office_text" if w.has("office_text") and rng.random() < 0.4 else "talk"
    said = " ".join(w.some("talk", 1, 4)) if pool == "talk" else w.say(pool).partition("\n\n")[0]
    return [Quote(head, said)]
