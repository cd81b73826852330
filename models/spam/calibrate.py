"""From odds to probabilities that can be believed, thresholds that follow from them, and the figures of a calibrated model.

On mail like its training mail any model of this kind is far surer than it should be on mail of a kind that it never saw, and it takes
the unseen for bad. So the temperature and the shift are not fitted on the development set but on whole sources that the model of the
fold had not seen (``leave_out`` measures them and writes ``shift.json``).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.spam import metrics
from models.spam.data import Example
from models.spam.metrics import Flags, Floats
from models.spam.runtime import SpamModel

HOLD, REJECT = 0.01, 0.001  # shares of honest mail that may be held or rejected
COST_HOLD, COST_REJECT = 5, 50  # what a lost honest mail costs, in passed spam
SHIFT_FILE = Path(__file__).parent / "shift.json"
NEUTRAL = {"temperature": 1.0, "shift": 0.0}


def probabilities(model: SpamModel, examples: Sequence[Example]) -> Floats:
    """(examples, labels)."""
    return np.array([(s.p_ham, s.p_spam, s.p_phish) for s in model.score([e.text for e in examples])])


def is_bad(examples: Sequence[Example]) -> Flags:
    """True at spam and phish."""
    return np.array([e.label != "ham" for e in examples])


def balanced(odds: Floats, truth: Flags, groups: Sequence[str]) -> dict[str, float]:
    """Temperature and shift that fit best when every group of messages weighs the same, and bad mail as much as honest.

    Args:
        odds: log odds of bad over ham.
        truth: whether it was bad.
        groups: the source of each; a large source must not drown the others.
    """
    keys = [f"{group} {bad}" for group, bad in zip(groups, truth, strict=True)]
    counts = {key: keys.count(key) for key in set(keys)}
    sides = [sum(key.endswith(str(bool(side))) for key in counts) for side in (False, True)]
    weight = np.array([1.0 / counts[key] / sides[int(bad)] for key, bad in zip(keys, truth, strict=True)])
    line = LogisticRegression(C=1e6).fit(odds[:, None], truth, weight * len(weight))
    return {"temperature": float(1 / line.coef_[0, 0]), "shift": float(line.intercept_[0])}


def fitted() -> dict[str, float]:
    """The calibration that ``leave_out`` measured; neutral where it never ran."""
    if not SHIFT_FILE.exists():
        return dict(NEUTRAL)
    stored = json.loads(SHIFT_FILE.read_text("utf-8"))
    return {name: float(stored[name]) for name in NEUTRAL}


def settings(folder: Path, examples: Sequence[Example]) -> dict[str, Any]:
    """Thresholds for the model in ``folder`` whose calibration is set: by cost, and never over the share of honest mail allowed."""
    scores = 1 - probabilities(SpamModel.load(folder, device="cpu"), examples)[:, 0]
    honest = scores[~is_bad(examples)]
    hold = max(metrics.threshold(honest, HOLD), COST_HOLD / (1 + COST_HOLD))
    reject = max(metrics.threshold(honest, REJECT), COST_REJECT / (1 + COST_REJECT), hold)
    return {"threshold_hold": min(1.0, hold), "threshold_reject": min(1.0, reject)}


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
