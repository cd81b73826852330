"""Temperature and thresholds from the development set, and the figures of a calibrated model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.spam import metrics
from models.spam.data import Example
from models.spam.metrics import Flags, Floats
from models.spam.runtime import LABELS, SpamModel

HOLD, REJECT = 0.01, 0.001  # shares of honest mail that may be held or rejected
_TEMPERATURES = np.geomspace(0.3, 4.0, 60)


def probabilities(model: SpamModel, examples: Sequence[Example]) -> Floats:
    """(examples, labels)."""
    return np.array([(s.p_ham, s.p_spam, s.p_phish) for s in model.score([e.text for e in examples])])


def is_bad(examples: Sequence[Example]) -> Flags:
    """True at spam and phish."""
    return np.array([e.label != "ham" for e in examples])


def _temperature(raw: Floats, examples: Sequence[Example]) -> float:
    """The temperature at which the true labels are most likely."""
    logs, truth = np.log(np.clip(raw, 1e-12, 1)), np.array([LABELS.index(e.label) for e in examples])
    losses = []
    for temperature in _TEMPERATURES:
        scaled = logs / temperature
        normal = (
            scaled
            - np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1, keepdims=True))
            - scaled.max(1, keepdims=True)
        )
        losses.append(-normal[np.arange(len(truth)), truth].mean())
    return float(_TEMPERATURES[int(np.argmin(losses))])


def settings(folder: Path, examples: Sequence[Example]) -> dict[str, Any]:
    """Temperature and thresholds for the model in ``folder``, whose temperature must be 1."""
    raw = probabilities(SpamModel.load(folder, device="cpu"), examples)
    temperature = _temperature(raw, examples)
    scaled = raw ** (1 / temperature)
    honest = 1 - (scaled[:, 0] / scaled.sum(1))[~is_bad(examples)]
    return {
        "temperature": temperature,
        "threshold_hold": min(1.0, metrics.threshold(honest, HOLD)),
        "threshold_reject": min(1.0, metrics.threshold(honest, REJECT)),
    }


def figures(folder: Path, examples: Sequence[Example]) -> dict[str, Any]:
    """The line of figures that ends a training run."""
    model = SpamModel.load(folder, device="cpu")
    bad, truth = 1 - probabilities(model, examples)[:, 0], is_bad(examples)
    return {
        "version": model.version,
        "auc": round(metrics.auc(bad[truth], bad[~truth]), 5),
        "recall_at_1_percent": round(metrics.recall(bad[truth], bad[~truth], HOLD), 4),
        "recall_at_0.1_percent": round(metrics.recall(bad[truth], bad[~truth], REJECT), 4),
        "ece": round(metrics.calibration_error(bad, truth), 4),
        "threshold_hold": round(model.threshold_hold, 4),
        "threshold_reject": round(model.threshold_reject, 4),
    }
