"""What a text of the blocks brings along: a subject, a greeting, buttons and rows; and how its paragraphs become blocks.

The first paragraph of a text may be "# " and its subject. A paragraph "> what a button says" is a button; with nothing behind the
mark there is no button at all, and "> *" is a link that is shown as its address. A paragraph of lines "| label: value" is rows.
"""

from collections.abc import Callable

from models.spam.authored.rich import Block, Button, Rows, Text
from models.spam.authored.writer import Writer

_SUBJECT, _BUTTON, _ROW = "# ", ">", "| "
_BARE = "*"  # the text of a button that is shown as its address
_GREETING = 60  # letters that a greeting has at most


def parted(text: str) -> tuple[str, str]:
    """A text's own subject, "" where it has none, and the rest."""
    if not text.startswith(_SUBJECT):
        return "", text
    own, _, rest = text.removeprefix(_SUBJECT).partition("\n\n")
    return own, rest


def drawn(w: Writer, subjects: str, key: str, share: float = 0.85) -> tuple[str, str]:
    """Subject and text of one mail: mostly (``share``) the text's own subject, else a line of the kind ``subjects``."""
    subject = w.say(subjects)
    own, text = parted(w.say(key))
    return own if own and w.rng.random() < share else subject, text


def capital(line: str) -> str:
    """The line with a capital letter at its beginning."""
    return line[:1].upper() + line[1:]


def begun(text: str, greeting: list[Block]) -> list[str]:
    """The paragraphs of a text; without a greeting before it, it begins with a capital letter in every language."""
    return (text if greeting else capital(text)).split("\n\n")


def sentences(lines: list[str], *, after: bool) -> list[str]:
    """The lines with a capital letter each; the first may begin small ``after`` a greeting, as it does in German."""
    return [line if after and not index else capital(line) for index, line in enumerate(lines)]


def greet(w: Writer, text: str, *, cold: float) -> list[Block]:
    """A greeting or none; none where the text brings its own."""
    greeting = w.greeting(cold=cold)
    return [] if greets(w, text) else greeting


def greets(w: Writer, text: str) -> bool:
    """Whether a text greets by itself.

    It does so with the recipient's name, with a first word of the language's greetings, or a short first line that ends as they do.
    """
    first = text.partition("\n")[0]
    if first.startswith(tuple(f"{w.slots[key]}{mark} " for key in ("first", "name", "local") for mark in ",:")):
        return True
    words = {line.split()[0].strip(",!") for line in w.setting.words["greet"] + w.setting.words["greet_cold"]}
    if words & {word.strip(",!:") for word in first.split()[:1]}:
        return True
    return len(first) < _GREETING and first.endswith((",", ":", "!", "、", "：", "，", "،", " 様", "님"))


def presses(text: str) -> bool:
    """Whether a text says by itself what is to be pressed, or that nothing is."""
    return f"\n\n{_BUTTON}" in text


def plainly(text: str) -> str:
    """A text without its buttons."""
    return "\n\n".join(part for part in text.split("\n\n") if not part.startswith(_BUTTON))


def told(paragraphs: list[str], link: Callable[[], str]) -> list[Block]:
    """Paragraphs with the buttons and rows among them; ``link`` says where the next button goes."""
    blocks = [_block(paragraph, link) for paragraph in paragraphs]
    return [block for block in blocks if not isinstance(block, Button) or block.text]


def _block(paragraph: str, link: Callable[[], str]) -> Block:
    if paragraph.startswith(_BUTTON):
        text, url = paragraph.removeprefix(_BUTTON).strip(), link()
        return Text(url) if text == _BARE else Button(text, url)
    if paragraph.startswith(_ROW):
        rows = (line.removeprefix(_ROW).partition(": ") for line in paragraph.split("\n"))
        return Rows(tuple((label, value) for label, _, value in rows))
    return Text(paragraph)
