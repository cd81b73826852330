"""Text as it looks: compatibility forms folded, invisible characters dropped, look-alikes mapped where a word mixes scripts."""

import re
import unicodedata
from typing import NamedTuple

# Default-ignorable and blank characters of Unicode, and overlay strokes that break a word for programs but not for the eye.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\u00ad\u0332\u0334-\u0338\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_EMOJI_GLUE = re.compile("\ufe0f|(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")  # honest: part of a picture
_STYLED = re.compile("[\u24b6-\u24e9\U0001d400-\U0001d7ff\U0001f110-\U0001f189]")  # letters of mathematics, in circles
_MARKS = re.compile("([\u0300-\u036f]{2})[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏոցьвмнткгпимԛԝАВЕКМНОРСТУХІЈЅԚԜαορνικτυγΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡɩꓐꓑꓒ",
    "aeopcyxijsdhlngbbmhtkrnumqwABEKMHOPCTYXIJSQWaopviktuyABEZHIKMNOPTYXagiBPD",
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u0251\u0261\u0269\ua4d0-\ua4ff]")
_LATIN = re.compile("[A-Za-z]")


class Normal(NamedTuple):
    """A text as a reader sees it, and how many characters were not what they seemed."""

    text: str
    invisible: int
    lookalikes: int


def normalise(text: str) -> Normal:
    """Undo what the eye does not see. Linear in the text."""
    if text.isascii():
        # Whole-string tests are ten times faster than a search for a class of characters.
        if text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
            return Normal(_squeeze(text), 0, 0)
        seen = _INVISIBLE.sub("", text)
        return Normal(_squeeze(seen), len(text) - len(seen), 0)
    plain = _EMOJI_GLUE.sub("", text) if "\ufe0f" in text or "\u200d" in text else text
    seen = _INVISIBLE.sub("", plain)
    invisible = len(plain) - len(seen)
    lookalikes = len(_STYLED.findall(seen))
    if not unicodedata.is_normalized("NFKC", seen):
        seen = _MARKS.sub(r"\1", unicodedata.normalize("NFKC", seen))
    if _FOREIGN.search(seen):
        seen, mapped = _unmix(seen)
        lookalikes += mapped
    return Normal(_squeeze(seen), invisible, lookalikes)


def _unmix(text: str) -> tuple[str, int]:
    mapped = 0

    def word(match: re.Match[str]) -> str:
        nonlocal mapped
        letters = match[0]
        if letters.isascii() or not (_FOREIGN.search(letters) and _LATIN.search(letters)):
            return letters
        plain = letters.translate(_LOOKALIKES)
        mapped += sum(a != b for a, b in zip(letters, plain, strict=True))
        return plain

    return _WORD.sub(word, text), mapped


def _squeeze(text: str) -> str:
    """Without empty lines, and runs of spaces as one. Other spaces than the ASCII ones are gone by NFKC."""
    if "\t" in text:
        text = text.replace("\t", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    if "\n" not in text and "\r" not in text:
        return text.strip()
    return "\n".join(filter(None, map(str.strip, text.splitlines())))
