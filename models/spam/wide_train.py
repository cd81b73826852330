"""Training the wide part: logistic regression over hashed words, letter groups and pairs of neighbours."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from models.spam.data import Example
from models.spam.reading import Reading, read
from models.spam.wide import LENGTH_POWER, Places, Wide, number_of, places_of_pairs, places_of_word, words_of

BUCKETS = 2**19
STRENGTH = 30.0  # the inverse of the regularisation
TOLERANCE, ROUNDS = 0.02, 30


def features(readings: Sequence[Reading], buckets: int = BUCKETS) -> csr_matrix:
    """One row a reading; what ``Wide`` adds up for it."""
    kept: dict[str, Places] = {}
    indexes, values, ends = [], [], [0]
    for reading in readings:
        hints, words = words_of(reading)
        different = {*hints, *words}
        for word in different:
            if word not in kept:  # "different - kept.keys()" would walk the whole table
                kept[word] = places_of_word(word, buckets)
        pairs = places_of_pairs([number_of(word) for word in words], buckets)
        places, counts = np.unique(np.concatenate([*(kept[word] for word in different), pairs]), return_counts=True)
        indexes.append(places.astype(np.int32))
        values.append((counts * max(1.0, counts.sum()) ** -LENGTH_POWER).astype(np.float32))
        ends.append(ends[-1] + len(places))
    return csr_matrix((np.concatenate(values), np.concatenate(indexes), ends), shape=(len(readings), buckets))


def fit(examples: Sequence[Example], buckets: int = BUCKETS) -> Wide:
    """Train on examples, each counted once."""
    matrix = features([read(example.text) for example in examples], buckets)
    bad = np.array([example.label != "ham" for example in examples])
    phish = np.array([example.label == "phish" for example in examples])
    table, bias = np.zeros((buckets, 2), dtype=np.float32), np.zeros(2, dtype=np.float32)
    for column, rows, truth in ((0, np.full(len(bad), True), bad), (1, bad, phish)):
        if len(set(truth[rows].tolist())) < 2:  # nothing to tell apart
            continue
        line = LogisticRegression(C=STRENGTH, solver="liblinear", dual=True, tol=TOLERANCE, max_iter=ROUNDS)
        line.fit(matrix[rows], truth[rows])
        table[:, column], bias[column] = line.coef_[0], line.intercept_[0]
    return Wide(table, bias)
