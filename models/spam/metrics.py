"""Figures of a scorer: arrays in, numbers out."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
BINS = 15


def threshold(honest: Floats, false_positives: float) -> float:
    """The lowest threshold at which at most this share of ``honest`` scores reaches it."""
    if not len(honest):
        return 1.0
    ordered = np.sort(honest)[::-1]
    allowed = int(np.floor(false_positives * len(ordered)))
    return float(np.nextafter(ordered[min(allowed, len(ordered) - 1)], 2.0))


def auc(bad: Floats, honest: Floats) -> float:
    """Area under the ROC curve."""
    return float(roc_auc_score(np.r_[np.ones(len(bad)), np.zeros(len(honest))], np.r_[bad, honest]))


def recall(bad: Floats, honest: Floats, false_positives: float) -> float:
    """Share of ``bad`` that reaches the threshold of this false positive rate."""
    return float((bad >= threshold(honest, false_positives)).mean())


def pr_auc(bad: Floats, honest: Floats) -> float:
    """Area under the curve of precision over recall (average precision)."""
    return float(average_precision_score(np.r_[np.ones(len(bad)), np.zeros(len(honest))], np.r_[bad, honest]))


def false_positives(bad: Floats, honest: Floats, recall_wanted: float) -> float:
    """Share of ``honest`` at or over the threshold that catches this share of ``bad``."""
    place = int(np.floor((1 - recall_wanted) * len(bad)))
    return float((honest >= np.sort(bad)[place]).mean())


def f1(bad: Floats, honest: Floats, cut: float) -> float:
    """Harmonic mean of precision and recall at a threshold."""
    caught, lost = int((bad >= cut).sum()), int((honest >= cut).sum())
    return 2 * caught / (len(bad) + caught + lost) if caught else 0.0


def calibration_error(scores: Floats, is_bad: Flags) -> float:
    """Expected calibration error over equal bins of the probability of being bad."""
    which = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [
        abs(scores[which == b].mean() - is_bad[which == b].mean()) * (which == b).sum()
        for b in range(BINS)
        if (which == b).any()
    ]
    return float(sum(gaps) / len(scores))


def brier(scores: Floats, is_bad: Flags) -> float:
    """Mean squared distance of the probability from what was true."""
    return float(((scores - is_bad) ** 2).mean())


def interval(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle, half = (
        share + z * z / (2 * count),
        z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))),
    )
    scale = 1 + z * z / count
    return (middle - half) / scale, (middle + half) / scale
