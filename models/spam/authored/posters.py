"""Mail that is one picture which leads somewhere: a bank's or a shop's announcement, or a trick whose words no filter reads."""

from models.spam.authored.rich import Block, Button, Picture, Text
from models.spam.authored.writer import Writer

_LINE = 0.45  # of pictures, those with a line of text
_PRESSED = 0.2
_BAD, _HONEST = ("phish",), ("note", "note", "promo")


def poster(w: Writer, _: str) -> tuple[str, list[Block]]:
    """Subject and body of a mail that is a picture, at times with a line above or below it and something to press."""
    rng = w.rng
    lines = rng.choice(_BAD if w.bad else _HONEST)
    subject, said = w.say(f"{lines}_subject"), w.say(f"{lines}_text")
    shown = Picture(w.url(), w.picture(), rng.choice(["", "", w.setting.brand.name, subject, said]))
    body: list[Block] = [shown]
    if rng.random() < _LINE:
        body.insert(rng.randrange(2), Text(said))
    if rng.random() < _PRESSED:
        body.append(Button(w.say("phish_cta" if w.bad else "cta"), w.url()))
    return subject, body
