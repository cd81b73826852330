"""Figures against values worked out by hand."""

import numpy as np
import pytest

from models.spam import metrics


def test_threshold_lets_no_more_than_the_share_through() -> None:
    honest = np.linspace(0, 1, 1001)
    for share in (0.0, 0.001, 0.01, 0.5):
        assert (honest >= metrics.threshold(honest, share)).mean() <= share
    assert metrics.threshold(honest, 0.01) == pytest.approx(0.99, abs=1e-9)


def test_recall_counts_bad_mail_over_that_threshold() -> None:
    assert metrics.recall(np.array([0.2, 0.95, 0.995, 1.0]), np.linspace(0, 1, 1001), 0.01) == pytest.approx(0.5)


def test_calibration_error_of_a_sure_and_wrong_scorer_is_one() -> None:
    truth = np.array([True, False])
    assert metrics.calibration_error(np.array([0.0, 1.0]), truth) == pytest.approx(1.0)
    assert metrics.calibration_error(np.array([1.0, 0.0]), truth) == pytest.approx(0.0)


def test_interval_is_wilsons() -> None:
    low, high = metrics.interval(0, 10)
    assert low == pytest.approx(0.0)
    assert high == pytest.approx(0.2775, abs=1e-3)
    assert metrics.interval(0, 0) == (0.0, 1.0)
