"""The wide part of the model: a linear score of all words of a mail, their letter groups and their neighbours.

The transformer reads a hundred tokens in order; this part reads five hundred words without order. Their mistakes differ, so that the
mean of both is better than either on mail of an unseen kind. A word's share of the score is the sum over its letter groups; it is
computed once per word and kept, so a mail costs one look-up a word and one gather for its pairs of neighbours.

Score of a mail = bias + sum over its different words and pairs / (number of their features) ** LENGTH_POWER. Letter groups repeat the
more the longer a mail is; this power keeps the length of the vector near 1 for short and long mail alike.

A few bad lines drown in a page of honest ones, so a long body is scored by windows too, each with the header before it: the opinion
lies between that of the whole mail and that of its worst window. A word or pair counts where it first stands, so that every
window is a difference of two running sums. The worst window behind the head is also what the transformer reads next to the head.
"""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.spam.reading import Reading

FILE = "wide.safetensors"
MAX_WORDS = 500
WINDOW_WORDS, WINDOW_STEP = 80, 40
WORST_SHARE = 0.6  # of the worst window in the opinion of a long mail, where the whole mail has the rest
HEAD_WORDS = 40  # of a body, which the transformer reads in any case
GROUP_LETTERS = (3, 4, 5)
LENGTH_POWER = 0.63
MAX_WORDS_KEPT = 200_000  # about 30 MB; the table starts again when it is full
HINT = "\x01"  # before a hint, so that it is no word of a text
_PAIR_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


class Opinions(NamedTuple):
    """What the wide part says of some readings.

    Attributes:
        logits: (readings, 2): log odds of bad over ham, and of phish over spam.
        turns: of each reading the word of ``text`` at which the worst window behind the head begins; None where there is none.
    """

    logits: Floats
    turns: list[int | None]


def words_of(reading: Reading) -> tuple[list[str], list[str]]:
    """The hints, marked as such, and the words, as this part reads them."""
    return [HINT + hint for hint in reading.hints], reading.text[:MAX_WORDS]


def windows_of(reading: Reading) -> list[int]:
    """The first word of each window of a long body, in order; none where a body fits one window."""
    count = min(len(reading.text), MAX_WORDS)
    if count - reading.body <= WINDOW_WORDS + WINDOW_STEP // 2:
        return []
    return list(range(reading.body, count - WINDOW_STEP, WINDOW_STEP))


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


def places_of_pairs(numbers: Sequence[int] | NDArray[np.uint64], buckets: int) -> tuple[Places, Places]:
    """Rows for the different pairs of neighbours, in the upper half, and the second word of each where it first stands."""
    row = np.asarray(numbers, dtype=np.uint64)
    mixed = (row[:-1] * _PAIR_FACTOR) ^ row[1:]
    mixed = (mixed * _PAIR_FACTOR) >> _SHIFT
    half = buckets // 2
    places, first = np.unique((mixed % np.uint64(half)).astype(np.int64), return_index=True)
    return places + half, first + 1


class Wide:
    """A trained wide part.

    Args:
        table: (buckets, 2): what a feature says for bad over ham, and for phish over spam.
        bias: the same of an empty mail.
    """

    def __init__(self, table: Floats, bias: Floats) -> None:
        self._table, self._bias = table, bias
        self._known: dict[str, int] = {}
        self._shares = np.zeros((0, 3))  # of each known word: bad, phish, number of features
        self._numbers = np.zeros(0, dtype=np.uint64)

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

    def opinions(self, readings: Sequence[Reading]) -> Opinions:
        """Log odds of each reading, and where its most suspicious stretch behind the head is."""
        self._learn({word for reading in readings for words in words_of(reading) for word in words})
        logits, turns = np.empty((len(readings), 2), dtype=np.float32), []
        for row, reading in zip(logits, readings, strict=True):
            whole, each = self._scores(reading)
            row[:] = whole
            if len(each):
                row[:] += WORST_SHARE * (each[each[:, 0].argmax()] - whole)
            behind = each[HEAD_WORDS // WINDOW_STEP :, 0]
            turns.append(reading.body + HEAD_WORDS + int(behind.argmax()) * WINDOW_STEP if len(behind) else None)
        return Opinions(logits, turns)

    def worst(self, reading: Reading) -> int | None:
        """The first word of the worst window; None where a body fits one window."""
        self._learn({word for words in words_of(reading) for word in words})
        _, each = self._scores(reading)
        return windows_of(reading)[int(each[:, 0].argmax())] if len(each) else None

    def telling(self, reading: Reading, most: int) -> list[str]:
        """The different words of a reading that speak for bad, the strongest first."""
        words = sorted({word for word in words_of(reading)[1] if word[:1].isalnum()})
        self._learn(set(words))
        weights = {word: self._shares[self._known[word], 0] for word in words}
        return [word for word in sorted(words, key=lambda word: -weights[word])[:most] if weights[word] > 0]

    def _scores(self, reading: Reading) -> tuple[Floats, Floats]:
        """(2,) of the whole, and (windows, 2) of each window with hints and header."""
        hints, words = words_of(reading)
        sums = self._running(hints, words)
        starts = np.array(windows_of(reading), dtype=np.int64) + len(hints)
        header = sums[len(hints) + reading.body] if len(starts) else sums[0]
        ends = np.minimum(starts + WINDOW_WORDS, len(sums) - 1)
        parts = np.concatenate([sums[-1:], sums[ends] - sums[starts] + header])
        scale = np.maximum(parts[:, 2:], 1.0) ** -LENGTH_POWER
        scores = (parts[:, :2] * scale + self._bias).astype(np.float32)
        return scores[0], scores[1:]

    def _running(self, hints: list[str], words: list[str]) -> NDArray[np.float64]:
        """(places + 1, 3): running sums over hints and words of what each adds where it first stands."""
        ids = np.array([self._known[word] for word in (*hints, *words)], dtype=np.int64)
        shares = np.zeros((len(ids) + 1, 3))
        different, first = np.unique(ids, return_index=True)
        shares[first + 1] = self._shares[different]
        if len(words) > 1:
            places, second = places_of_pairs(self._numbers[ids[len(hints) :]], len(self._table))
            shares[second + len(hints) + 1, :2] += self._table[places]
            shares[second + len(hints) + 1, 2] += 1
        return shares.cumsum(0)

    def _learn(self, needed: set[str]) -> None:
        """Make sure that all these words are known."""
        if len(self._known) + len(needed) > MAX_WORDS_KEPT:
            self._known.clear()
        fresh = [word for word in needed if word not in self._known]  # "needed - keys" would walk the table
        if len(self._known) + len(fresh) > len(self._shares):
            more = len(self._known) + len(fresh)
            self._shares = np.concatenate([self._shares, np.zeros((more, 3))])
            self._numbers = np.concatenate([self._numbers, np.zeros(more, dtype=np.uint64)])
        for word in fresh:
            row = self._known[word] = len(self._known)
            places = places_of_word(word, len(self._table))
            self._shares[row, :2] = self._table[places].sum(0)
            self._shares[row, 2] = len(places)
            self._numbers[row] = number_of(word)
