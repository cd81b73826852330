"""What a fold learns from and what it is asked about share no source, and filters are judged by the same figures."""

import numpy as np
import pytest

from models.spam.data import Example
from models.spam.foreign_filters import judged
from models.spam.leave_out import DISPUTED, FOLDS, asked_of, calibration, learned_of

SOURCES = [
    "spamassassin",
    "csdmc2010",
    "enron-spam",
    "lingspam",
    "political",
    "template-misc",
    "cw-l-corpus",
    "phishing_pot",
    "authored",
]
EXAMPLES = [
    Example(f"{source} {label} {split} {trick}", label, source, split, "en", trick)
    for source in SOURCES
    for label in ("ham", "spam")
    for split in ("train", "dev")
    for trick in ("", "padded", "innocent padding")
]


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_never_learns_what_it_is_asked(name: str) -> None:
    learned, asked = learned_of(name, EXAMPLES), asked_of(name, EXAMPLES)
    assert learned
    assert not {e.source for e in learned} & {e.source for e in asked.held + asked.strangers}
    assert not {e.text for e in learned} & {e.text for e in asked.everything}
    assert not any(e.trick == "innocent padding" for e in learned)  # its words may be of a held-out source
    assert all(FOLDS[name](e.source) for e in asked.held)
    assert {e.source for e in asked.strangers} == {"phishing_pot"}


def test_a_licensed_source_that_is_learnt_is_asked_about_by_its_development_split_alone() -> None:
    include = {"phishing_pot"}
    learned, asked = learned_of("modern", EXAMPLES, include), asked_of("modern", EXAMPLES, include)
    assert "phishing_pot" in {e.source for e in learned}
    assert {e.split for e in asked.strangers} == {"dev"}
    assert not {e.text for e in learned} & {e.text for e in asked.everything}


def test_a_disputed_source_does_not_move_the_calibration() -> None:
    asked = [
        Example("", label, source, "dev", "en") for source in ("x", "y") for label in ("ham", "spam") for _ in range(20)
    ]
    rng = np.random.default_rng(3)
    odds = np.array([3.0 if e.label == "spam" else -3.0 for e in asked]) + rng.normal(scale=3.0, size=len(asked))
    disputed = [Example("", "ham", source, "dev", "en") for source in DISPUTED for _ in range(50)]
    assert calibration(np.r_[odds, np.full(50, 9.0)], [*asked, *disputed]) == calibration(odds, asked)


def test_a_filter_is_judged_by_its_own_threshold_and_by_that_of_the_honest_mail() -> None:
    scores = {b"h": 1.0, b"H": 7.0, b"b": 6.0, b"B": 9.0, b"s": 0.5}
    figures = judged(
        lambda raws: [scores[raw] for raw in raws], [b"h", b"H", b"b", b"B"], [False, False, True, True], [b"s"], 5.0
    )
    assert figures["held"][0] == 0.5
    assert figures["dev"]["caught"][0] == 1.0
    assert figures["dev"]["auc"] == 0.75
    assert figures["unseen"] | {"caught": 0} == {"bad": 1, "auc": 0.0, "recall_1": 0.0, "caught": 0}
