"""Training the wide part: logistic regression over hashed words, letter groups and pairs, of whole mails and of windows."""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from models.spam import data
from models.spam.data import Example
from models.spam.metrics import Flags
from models.spam.reading import Reading, read
from models.spam.wide import (
    LENGTH_POWER,
    WINDOW_WORDS,
    Places,
    Wide,
    number_of,
    places_of_pairs,
    places_of_word,
    words_of,
)

BUCKETS = 2**19
STRENGTH = 30.0  # the inverse of the regularisation
TOLERANCE, ROUNDS = 0.02, 30
SEED = 7  # of the order in which the solver visits examples; without one every run makes another table


def features(
    readings: Sequence[Reading], buckets: int = BUCKETS, windows: Sequence[int | None] | None = None
) -> csr_matrix:
    """One row a reading; what ``Wide`` adds up for it, or for its window that begins at the given word."""
    kept: dict[str, Places] = {}
    indexes, values, ends = [], [], [0]
    for reading, start in zip(readings, windows or [None] * len(readings), strict=True):
        hints, words = words_of(reading)
        different, pairs = {*hints, *words}, places_of_pairs([number_of(word) for word in words], buckets)
        rows = pairs[0]
        if start is not None:
            within = range(start, start + WINDOW_WORDS)
            first = {word: place for place, word in reversed(list(enumerate(words)))}
            different = {*hints, *(word for word, at in first.items() if at < reading.body or at in within)}
            seconds = pairs[1]
            rows = rows[(seconds < reading.body) | ((seconds >= start) & (seconds < start + WINDOW_WORDS))]
        for word in different:
            if word not in kept:  # "different - kept.keys()" would walk the whole table
                kept[word] = places_of_word(word, buckets)
        places, counts = np.unique(np.concatenate([*(kept[word] for word in different), rows]), return_counts=True)
        indexes.append(places.astype(np.int32))
        values.append((counts * max(1.0, counts.sum()) ** -LENGTH_POWER).astype(np.float32))
        ends.append(ends[-1] + len(places))
    return csr_matrix((np.concatenate(values), np.concatenate(indexes), ends), shape=(len(readings), buckets))


def fit(examples: Sequence[Example], buckets: int = BUCKETS) -> Wide:
    """Train on examples, each counted once, and then on the worst window of each long one beside them.

    Every window of an honest mail is honest, and that of a bad one which looks worst is what makes it bad: which one that is, the
    first round says. What was padded teaches by its window alone: most of its words are honest, whatever its label.
    """
    readings = [read(example.text) for example in examples]
    bad = np.array([example.label != "ham" for example in examples])
    phish = np.array([example.label == "phish" for example in examples])
    plain = np.array([example.trick not in (data.PADDED, *data.PADDINGS) for example in examples])
    matrix, whole = features([readings[i] for i in np.flatnonzero(plain)], buckets), (bad[plain], phish[plain])
    first = _fitted(matrix, *whole)
    worst = [first.worst(reading) for reading in readings]
    long = np.array([i for i, start in enumerate(worst) if start is not None], dtype=np.int64)
    if not len(long):
        return first
    more = features([readings[i] for i in long], buckets, [worst[i] for i in long])
    return _fitted(vstack([matrix, more], format="csr"), np.r_[whole[0], bad[long]], np.r_[whole[1], phish[long]])


def _fitted(matrix: csr_matrix, bad: Flags, phish: Flags) -> Wide:
    buckets = matrix.shape[1]
    table, bias = np.zeros((buckets, 2), dtype=np.float32), np.zeros(2, dtype=np.float32)
    for column, rows, truth in ((0, np.full(len(bad), True), bad), (1, bad, phish)):
        if len(set(truth[rows].tolist())) < 2:  # nothing to tell apart
            continue
        line = LogisticRegression(
            C=STRENGTH, solver="liblinear", dual=True, tol=TOLERANCE, max_iter=ROUNDS, random_state=SEED
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the rounds are what stops it, and are meant to
            line.fit(matrix[rows], truth[rows])
        table[:, column], bias[column] = line.coef_[0], line.intercept_[0]
    return Wide(table, bias)
