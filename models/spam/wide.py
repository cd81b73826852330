"""The wide part of the model: a linear score of all words of a mail, their letter groups and their neighbours.

The transformer reads a hundred tokens in order; this part reads five hundred words without order. Their mistakes differ, so that the
mean of both is better than either on mail of an unseen kind. A word's share of the score is the sum over its letter groups; it is
computed once per word and kept, so a mail costs one look-up a word and one gather for its pairs of neighbours.

Score of a mail = bias + sum over its different words and pairs / (number of their features) ** LENGTH_POWER. Letter groups repeat the
more the longer a mail is; this power keeps the length of the vector near 1 for short and long mail alike.
"""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.spam.reading import Reading

FILE = "wide.safetensors"
MAX_WORDS = 500
GROUP_LETTERS = (3, 4, 5)
LENGTH_POWER = 0.63
MAX_WORDS_KEPT = 200_000  # about 60 MB; the table starts again when it is full
HINT = "\x01"  # before a hint, so that it is no word of a text
_PAIR_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


def words_of(reading: Reading) -> tuple[list[str], list[str]]:
    """The hints, marked as such, and the words, as this part reads them."""
    return [HINT + hint for hint in reading.hints], reading.text[:MAX_WORDS]


def number_of(word: str) -> int:
    """A number that names a word, the same on every machine."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def places_of_word(word: str, buckets: int) -> Places:
    """Rows of the table for a word and its letter groups, in the lower half; a row may occur twice."""
    half = buckets // 2
    numbers, padded = [number_of(word)], f" {word} "
    for size in GROUP_LETTERS:  # those of a hint too: they give the few hints a voice among hundreds of words
        numbers += [number_of(f"{size}{padded[at : at + size]}") for at in range(len(padded) - size + 1)]
    return np.array(numbers, dtype=np.int64) % half


def places_of_pairs(numbers: Sequence[int], buckets: int) -> Places:
    """Rows for the different pairs of neighbours, in the upper half."""
    if len(numbers) < 2:
        return np.empty(0, dtype=np.int64)
    row = np.array(numbers, dtype=np.uint64)
    mixed = (row[:-1] * _PAIR_FACTOR) ^ row[1:]
    mixed = (mixed * _PAIR_FACTOR) >> _SHIFT
    half = buckets // 2
    return np.unique((mixed % np.uint64(half)).astype(np.int64)) + half


class Wide:
    """A trained wide part.

    Args:
        table: (buckets, 2): what a feature says for bad over ham, and for phish over spam.
        bias: the same of an empty mail.
    """

    def __init__(self, table: Floats, bias: Floats) -> None:
        self._table, self._bias = table, bias
        self._words: dict[str, tuple[float, float, int, int]] = {}

    @classmethod
    def load(cls, folder: Path) -> "Wide | None":
        """The wide part of a model's folder; None where it has none."""
        path = folder / FILE
        if not path.exists():
            return None
        stored = load_file(path)
        return cls(stored["table"].astype(np.float32), stored["bias"].astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write it into a model's folder, in half precision."""
        save_file({"table": self._table.astype(np.float16), "bias": self._bias.astype(np.float32)}, folder / FILE)

    def logits(self, readings: Sequence[Reading]) -> Floats:
        """(readings, 2): log odds of bad over ham, and of phish over spam."""
        if len(self._words) > MAX_WORDS_KEPT:
            self._words.clear()
        return np.array([self._one(reading) for reading in readings], dtype=np.float32).reshape(-1, 2)

    def telling(self, reading: Reading, most: int) -> list[str]:
        """The different words of a reading that speak for bad, the strongest first."""
        words = sorted({word for word in words_of(reading)[1] if word[:1].isalnum()})
        weights = {word: self._word(word)[0] for word in words}
        return [word for word in sorted(words, key=lambda word: -weights[word])[:most] if weights[word] > 0]

    def _one(self, reading: Reading) -> tuple[float, float]:
        hints, words = words_of(reading)
        table = self._words
        bad = phish = 0.0
        count = 0
        numbers = []
        seen: set[str] = set()
        for word in (*hints, *words):
            known = table.get(word)
            if known is None:
                known = table[word] = self._word(word)
            if word[:1] != HINT:
                numbers.append(known[3])
            if word not in seen:
                seen.add(word)
                bad += known[0]
                phish += known[1]
                count += known[2]
        pairs = places_of_pairs(numbers, len(self._table))
        count += len(pairs)
        first, second = self._table[pairs].sum(0) if len(pairs) else (0.0, 0.0)
        scale = max(1, count) ** -LENGTH_POWER
        return (bad + float(first)) * scale + float(self._bias[0]), (phish + float(second)) * scale + float(
            self._bias[1]
        )

    def _word(self, word: str) -> tuple[float, float, int, int]:
        places = places_of_word(word, len(self._table))
        bad, phish = self._table[places].sum(0)
        return float(bad), float(phish), len(places), number_of(word)
