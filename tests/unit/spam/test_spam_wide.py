"""The wide part: what serving adds up is what training saw."""

from pathlib import Path

import numpy as np

from models.spam.data import Example
from models.spam.reading import read
from models.spam.wide import MAX_WORDS, Wide
from models.spam.wide_train import features, fit

HAM = (
    "{} minutes\nAnna kestrel.example\n\n\nHere are the minutes of the meeting about item {} and the budget, thank you"
)
BAD = "{} winner\nPrize desk prize.test\nip_links1\n10.2.3.4\nClaim prize number {} now, click before midnight to win money"
TEXTS = [text.format(i, f"w{i}") for i in range(40) for text in (HAM, BAD)]
EXAMPLES = [
    Example(text, ("ham", "spam" if i % 4 else "phish")[i % 2], "x", "train", "en") if i % 2 == 0
    else Example(text, "spam" if i % 4 == 1 else "phish", "x", "train", "en")
    for i, text in enumerate(TEXTS)
]  # fmt: skip


def test_the_score_is_the_product_of_features_and_table() -> None:
    rng = np.random.default_rng(5)
    table, bias = rng.normal(size=(2**12, 2)).astype(np.float32), np.array([0.3, -0.2], dtype=np.float32)
    readings = [read(text) for text in [*TEXTS, "", "one", "a b " * 900, "日本語 テスト\n\n\n\nпривет"]]
    expected = features(readings, 2**12) @ table + bias
    assert np.allclose(Wide(table, bias).logits(readings), expected, atol=1e-4)


def test_it_learns_what_separates_and_survives_saving(tmp_path: Path) -> None:
    wide = fit(EXAMPLES, 2**14)
    readings = [read(example.text) for example in EXAMPLES]
    bad = wide.logits(readings)[:, 0] > 0
    assert bad.tolist() == [example.label != "ham" for example in EXAMPLES]
    wide.save(tmp_path)
    again = Wide.load(tmp_path)
    assert again is not None
    assert np.allclose(again.logits(readings), wide.logits(readings), atol=0.02)
    assert Wide.load(tmp_path / "none") is None


def test_words_behind_the_limit_do_not_count() -> None:
    table = np.ones((2**12, 2), dtype=np.float32)
    wide = Wide(table, np.zeros(2, dtype=np.float32))
    long = read("s\nx y.example\n\n\n" + "a " * 1_000)
    longer = long._replace(text=[*long.text[:MAX_WORDS], "different", "words"])
    assert wide.logits([long]).tolist() == wide.logits([longer]).tolist()


def test_an_empty_batch_has_no_rows() -> None:
    assert Wide(np.zeros((8, 2), dtype=np.float32), np.zeros(2, dtype=np.float32)).logits([]).shape == (0, 2)
