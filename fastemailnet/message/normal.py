"""Text as it looks: compatibility forms folded, invisible characters dropped, look-alikes mapped where a word mixes scripts."""

import re
import unicodedata

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_SPACE = re.compile(r"[ \t\xa0\u2000-\u200a\u3000]{2,}|[\t\xa0\u2000-\u200a\u3000]")
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏոցьвмнткАВЕКМНОРСТУХІЈЅαορνικτυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhlngbbmhtkABEKMHOPCTYXIJSaopviktuABEZHIKMNOPTYX",
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0530-\u058f]")
_LATIN = re.compile("[A-Za-z]")


def normalise(text: str) -> tuple[str, int, int]:
    """The text as a reader sees it, the number of invisible characters, and of look-alikes that were mapped."""
    if text.isascii():
        return _squeeze(text), 0, 0
    seen = _INVISIBLE.sub("", text)
    invisible = len(text) - len(seen)
    seen = unicodedata.normalize("NFKC", seen)
    mapped = 0
    if _FOREIGN.search(seen):
        seen, mapped = _unmix(seen)
    return _squeeze(seen), invisible, mapped


def _unmix(text: str) -> tuple[str, int]:
    mapped = 0

    def word(match: re.Match[str]) -> str:
        nonlocal mapped
        letters = match[0]
        if not (_FOREIGN.search(letters) and _LATIN.search(letters)):
            return letters
        plain = letters.translate(_LOOKALIKES)
        mapped += sum(a != b for a, b in zip(letters, plain, strict=True))
        return plain

    return _WORD.sub(word, text), mapped


def _squeeze(text: str) -> str:
    lines = map(str.strip, text.splitlines())
    return _SPACE.sub(" ", "\n".join(filter(None, lines)))
