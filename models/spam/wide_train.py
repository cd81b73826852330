"""Training the wide part: logistic regression over hashed words, letter groups and pairs, of whole mails and of windows."""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from models.spam import authored, data
from models.spam.data import Example
from models.spam.metrics import Flags
from models.spam.reading import Reading, read
from models.spam.wide import CASELESS, WINDOW_WORDS, Features, Floats, Wide, copies_of

BUCKETS = 2**20
STRENGTH = 20.0  # the inverse of the regularisation
TOLERANCE, ROUNDS = 0.02, 30
# How much an example of a source counts: recent spam is rare, the corpora of twenty years ago are large. Others: 1.
SOURCE_WEIGHTS = {"cw-l-corpus": 3.0, "glitchy-spam": 3.0, "enron-spam": 0.6, "enron-raw": 0.6, "lingspam": 0.6}
OWN_HONEST = 0.7  # the same of an honest mail that the project wrote: there are three of them to two bad ones
SEED = 7  # of the order in which the solver visits examples; without one every run makes another table


def features(
    readings: Sequence[Reading], buckets: int = BUCKETS, windows: Sequence[int | None] | None = None
) -> csr_matrix:
    """One row a reading: 1 at each feature of it, or of its header and its window that begins at the given word."""
    found = Features(buckets)
    indexes, ends = [], [0]
    for reading, start in zip(readings, windows or [None] * len(readings), strict=True):
        rows, at = found.located(reading)
        if start is not None:
            word = at - len(reading.hints)
            rows = rows[(word < reading.body) | ((word >= start) & (word < start + WINDOW_WORDS))]
        indexes.append(rows)
        ends.append(ends[-1] + len(rows))
    ones = np.ones(ends[-1], dtype=np.float32)
    matrix = csr_matrix((ones, np.concatenate(indexes), ends), shape=(len(readings), buckets))
    matrix.sort_indices()
    return matrix


def rarity(matrix: csr_matrix) -> Floats:
    """(buckets,): the frequency weight of each feature, as scikit-learn's TfidfTransformer has it."""
    count = np.bincount(matrix.indices, minlength=matrix.shape[1])
    weights: Floats = (1 + np.log((1 + matrix.shape[0]) / (1 + count))).astype(np.float32)
    return weights


def weighed(matrix: csr_matrix, weights: Floats, caseless: Flags) -> csr_matrix:
    """Rows of ones as ``Wide`` sees them: each feature by its frequency weight, each row of length 1; copies where ``caseless``."""
    lengths = np.sqrt(np.maximum(matrix @ weights**2, 1.0))
    values = weights[matrix.indices] / np.repeat(lengths, np.diff(matrix.indptr))
    seen = csr_matrix((values.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
    rows = np.flatnonzero(caseless)
    if not len(rows):
        return seen
    some, order = seen[rows], np.argsort(np.r_[rows, np.flatnonzero(~caseless)])
    copies = (CASELESS * some.data, copies_of(some.indices, matrix.shape[1]), some.indptr)
    return vstack([some + csr_matrix(copies, shape=some.shape), seen[~caseless]], format="csr")[order]


def fit(examples: Sequence[Example], buckets: int = BUCKETS) -> Wide:
    """Train on examples, each as often as its source's weight says, and then on the worst window of each long one beside them.

    Every window of an honest mail is honest, and that of a bad one which looks worst is what makes it bad: which one that is, the
    first round says. What was padded teaches by its window alone: most of its words are honest, whatever its label.
    """
    readings = [read(example.text) for example in examples]
    bad = np.array([example.label != "ham" for example in examples])
    phish = np.array([example.label == "phish" for example in examples])
    shares = np.array([_share(example) for example in examples])
    caseless = np.array([reading.caseless for reading in readings])
    plain = np.array([example.trick not in (data.PADDED, *data.PADDINGS) for example in examples])
    facts = (caseless, bad, phish, shares)
    matrix, whole = features([readings[i] for i in np.flatnonzero(plain)], buckets), [fact[plain] for fact in facts]
    weights = rarity(matrix)
    first = _fitted(matrix, weights, *whole)
    worst = [first.worst(reading) for reading in readings]
    long = np.array([i for i, start in enumerate(worst) if start is not None], dtype=np.int64)
    if not len(long):
        return first
    more = features([readings[i] for i in long], buckets, [worst[i] for i in long])
    both = vstack([matrix, more], format="csr")
    return _fitted(both, weights, *(np.r_[a, b[long]] for a, b in zip(whole, facts, strict=True)))


def _share(example: Example) -> float:
    """How much an example counts."""
    own = example.source == authored.SOURCE and example.label == "ham"
    return OWN_HONEST if own else SOURCE_WEIGHTS.get(example.source, 1.0)


def _fitted(matrix: csr_matrix, weights: Floats, caseless: Flags, bad: Flags, phish: Flags, shares: Floats) -> Wide:
    seen = weighed(matrix, weights, caseless)
    table, bias = np.zeros((len(weights), 3), dtype=np.float32), np.zeros(2, dtype=np.float32)
    table[:, 2] = weights**2
    for column, rows, truth in ((0, np.full(len(bad), True), bad), (1, bad, phish)):
        if len(set(truth[rows].tolist())) < 2:  # nothing to tell apart
            continue
        line = LogisticRegression(
            C=STRENGTH, solver="liblinear", dual=True, tol=TOLERANCE, max_iter=ROUNDS, random_state=SEED
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the rounds are what stops it, and are meant to
            line.fit(seen[rows], truth[rows], shares[rows])
        table[:, column], bias[column] = line.coef_[0] * weights, line.intercept_[0]
    return Wide(table, bias)
