"""The linear baseline that the model stands beside: hashed TF-IDF of words and characters with logistic regression.

It learns from the same texts and sources as the model (extracted words included), so that the comparison is of models alone.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from models.spam.calibrate import is_bad
from models.spam.data import Example
from models.spam.metrics import Floats

MAX_CHARS = 4_000
HASHES = 2**18


def fit(examples: Sequence[Example]) -> Pipeline:
    """The baseline, trained."""
    views = make_union(
        HashingVectorizer(n_features=HASHES, ngram_range=(1, 2), alternate_sign=False),
        HashingVectorizer(n_features=HASHES, analyzer="char_wb", ngram_range=(3, 5), alternate_sign=False),
    )
    # The dual solver fits this many sparse features in a minute.
    line = make_pipeline(
        views,
        TfidfTransformer(sublinear_tf=True),
        LogisticRegression(C=10.0, solver="liblinear", dual=True, max_iter=200),
    )
    line.fit([e.text[:MAX_CHARS] for e in examples], is_bad(examples))
    return line


def scores(line: Pipeline, examples: Sequence[Example]) -> Floats:
    """Probability of being bad, of each example."""
    return np.asarray(line.predict_proba([e.text[:MAX_CHARS] for e in examples])[:, 1], dtype=np.float64)
