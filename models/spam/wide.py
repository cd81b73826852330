"""The wide part of the model: a linear score of all words of a mail, their letter groups and their neighbours.

The transformer reads a hundred tokens in order; this part reads five hundred words without order. Their mistakes differ, so that the
mean of both is better than either on mail of an unseen kind. The features of a word (itself and its letter groups) are found once and
kept, so that a mail costs one look-up a word and one gather.

A feature counts once in a mail, where it first stands, however often it comes again: what a mail repeats is its style, not its crime.
Rare features weigh more (inverse document frequency), and the vector has length 1 whatever the length of the mail:
score = bias + sum over its different features of weight / sqrt(sum over them of frequency weight squared).

A few bad lines drown in a page of honest ones, so a long body is scored by windows too, each with the header before it: its worst
window decides where it is worse than the whole mail by a margin, which in honest mail it seldom is. As a feature counts where it
first stands, every window is a difference of two running sums. The worst window behind the head is also what the transformer
reads next to the head.

Two large corpora of twenty years ago have lost their capitals, and what is honest and bad there (traders' notes, pills) misleads
about the mail of today. So a mail without a single capital has each feature twice: as every mail has it, and once more in a row of
its own, which weighs more (Daumé, "Frustratingly Easy Domain Adaptation", 2007). What only such mail shows is learnt there.
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
MARGIN = 3.5  # log odds by which a worst window must pass the whole mail to weigh as much: some window of any long mail is odd
CASELESS = 2.0  # how much more than a feature its copy for mail without capitals weighs
HEAD_WORDS = 40  # of a body, which the transformer reads in any case
GROUP_LETTERS = (3, 4, 5)
# Of words, 12 MB and as many words as that holds; the memory starts again when it is full.
MAX_FEATURES_KEPT = 3_000_000
HINT = "\x01"  # before a hint, so that it is no word of a text
_COPY_FACTOR, _COPY_STEP = 2_654_435_761, 12_345  # odd: every row has another one for its copy
_PAIR_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)

Floats = NDArray[np.float32]
Places = NDArray[np.int32]


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
    return (np.array(numbers, dtype=np.int64) % half).astype(np.int32)


def places_of_pairs(numbers: NDArray[np.uint64], buckets: int) -> Places:
    """Rows for the pairs of neighbours, in the upper half, in their order; a row may occur twice."""
    mixed = (numbers[:-1] * _PAIR_FACTOR) ^ numbers[1:]
    mixed = (mixed * _PAIR_FACTOR) >> _SHIFT
    half = buckets // 2
    return (mixed % np.uint64(half)).astype(np.int32) + np.int32(half)


def copies_of(rows: NDArray[np.integer], buckets: int) -> Places:
    """The rows of features' copies for mail without capitals."""
    return ((rows.astype(np.int64) * _COPY_FACTOR + _COPY_STEP) % buckets).astype(np.int32)


class Features:
    """The features of readings, for serving and training alike; what was found of a word is kept.

    Args:
        buckets: rows of the table.
    """

    def __init__(self, buckets: int) -> None:
        self._buckets = buckets
        self._known: dict[str, tuple[Places, int]] = {}  # of a word: its places and its number
        self._kept = 0  # features of all known words
        self._stamps = np.zeros(buckets, dtype=np.int32)

    def located(self, reading: Reading) -> tuple[Places, Places]:
        """The different features of a reading, and the place of the word (hints first, then text) where each first stands."""
        hints, words = words_of(reading)
        found = [self._known.get(word) or self._learn(word) for word in (*hints, *words)]
        numbers = np.array([number for _, number in found[len(hints) :]], dtype=np.uint64)
        pairs = places_of_pairs(numbers, self._buckets)
        rows = np.concatenate([*(places for places, _ in found), pairs])
        words_at = np.repeat(np.arange(len(found), dtype=np.int32), [len(places) for places, _ in found])
        at = np.concatenate([words_at, np.arange(len(hints) + 1, len(hints) + 1 + len(pairs), dtype=np.int32)])
        # Whoever writes last stays: backwards, that is where a row first stands.
        order = np.arange(len(rows), dtype=np.int32)
        self._stamps[rows[::-1]] = order[::-1]
        first = self._stamps[rows] == order
        return rows[first], at[first]

    def _learn(self, word: str) -> tuple[Places, int]:
        places = places_of_word(word, self._buckets)
        if self._kept + len(places) > MAX_FEATURES_KEPT:  # counted in features: random text has long words
            self._known.clear()
            self._kept = 0
        self._known[word] = places, number_of(word)
        self._kept += len(places)
        return self._known[word]


def _either(whole: Floats, worst: Floats) -> Floats:
    """(readings, 2): the log odds that the whole mail is bad or its worst window is; of phish, as the one that decides has it."""
    bad = np.logaddexp(whole[:, 0], worst[:, 0] - MARGIN)
    share = np.exp(worst[:, 0] - MARGIN - bad)
    return np.stack([bad, whole[:, 1] + share * (worst[:, 1] - whole[:, 1])], 1)


class Wide:
    """A trained wide part.

    Args:
        table: (buckets, 3): what a feature says for bad over ham and for phish over spam, and the square of its frequency weight.
        bias: (2,): what an empty mail says.
    """

    def __init__(self, table: Floats, bias: Floats) -> None:
        self._table, self._bias = table, bias
        self._features = Features(len(table))

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
        whole, worst = np.empty((len(readings), 2), dtype=np.float32), np.zeros((len(readings), 2), dtype=np.float32)
        worst[:, 0] = -np.inf  # of a short mail, which has no windows
        turns: list[int | None] = []
        for number, reading in enumerate(readings):
            whole[number], each = self._scores(reading)
            if len(each):
                worst[number] = each[each[:, 0].argmax()]
            behind = each[HEAD_WORDS // WINDOW_STEP :, 0]
            turns.append(reading.body + HEAD_WORDS + int(behind.argmax()) * WINDOW_STEP if len(behind) else None)
        return Opinions(_either(whole, worst), turns)

    def worst(self, reading: Reading) -> int | None:
        """The first word of the worst window; None where a body fits one window."""
        _, each = self._scores(reading)
        return windows_of(reading)[int(each[:, 0].argmax())] if len(each) else None

    def telling(self, reading: Reading, most: int) -> list[str]:
        """The different words of a reading that speak for bad, the strongest first."""
        words = sorted({word for word in words_of(reading)[1] if word[:1].isalnum()})
        weights = {word: float(self._table[places_of_word(word, len(self._table)), 0].sum()) for word in words}
        return [word for word in sorted(words, key=lambda word: -weights[word])[:most] if weights[word] > 0]

    def _scores(self, reading: Reading) -> tuple[Floats, Floats]:
        """(2,) of the whole, and (windows, 2) of each window with hints and header."""
        rows, at = self._features.located(reading)
        shares, before = self._shares(rows, reading.caseless), len(reading.hints)
        count = before + min(len(reading.text), MAX_WORDS)
        starts = windows_of(reading)
        if not starts:
            return self._said(shares.sum(0)), np.empty((0, 2), dtype=np.float32)
        added = np.stack([np.bincount(at, shares[:, column], count) for column in range(3)], 1)
        sums = np.concatenate([np.zeros((1, 3)), added.cumsum(0)])
        first = np.array(starts) + before
        parts = sums[np.minimum(first + WINDOW_WORDS, count)] - sums[first] + sums[before + reading.body]
        return self._said(sums[-1]), self._said(parts)

    def _shares(self, rows: Places, caseless: bool) -> Floats:
        """(rows, 3): what each feature adds to the sums."""
        shares = self._table[rows]
        if caseless:
            copies = self._table[copies_of(rows, len(self._table))]
            # The table has weights times frequency weights: a copy has that of its feature, not of its row.
            shares[:, :2] += CASELESS * copies[:, :2] * np.sqrt(shares[:, 2:] / copies[:, 2:])
        return shares

    def _said(self, sums: NDArray[np.floating]) -> Floats:
        """(…, 2) of (…, 3) sums."""
        scale = np.maximum(sums[..., 2:], 1.0) ** -0.5
        said: Floats = (sums[..., :2] * scale + self._bias).astype(np.float32)
        return said
