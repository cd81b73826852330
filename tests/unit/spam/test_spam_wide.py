"""The wide part: what serving adds up is what training saw."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.spam import wide as wide_module
from models.spam.data import Example
from models.spam.reading import Reading, read
from models.spam.wide import (
    HEAD_WORDS,
    MARGIN,
    MAX_WORDS,
    WINDOW_STEP,
    WINDOW_WORDS,
    Features,
    Wide,
    copies_of,
    places_of_word,
    windows_of,
)
from models.spam.wide_train import features, fit, rarity, weighed

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


LONG = [
    f"subject\nsender x.example\nhtml1\n\n{' '.join(f'w{i * k % 90}' for i in range(n))}"
    for n, k in ((101, 7), (260, 3), (700, 11))
]


def a_table(rows: int = 2**12) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(5)
    table = np.c_[rng.normal(size=(rows, 2)), rng.uniform(1, 9, size=rows)]
    return table.astype(np.float32), np.array([0.3, -0.2], dtype=np.float32)


def as_trained(
    readings: list[Reading],
    table: NDArray[np.float32],
    bias: NDArray[np.float32],
    starts: list[int | None] | None = None,
) -> NDArray[np.float32]:
    """Scores by the product that training makes: its rows are of length 1, and its weights are those of the table."""
    rarity = np.sqrt(table[:, 2])
    caseless = np.array([reading.caseless for reading in readings])
    rows = weighed(features(readings, len(table), starts), rarity, caseless)
    return np.asarray(rows @ (table[:, :2] / rarity[:, None]) + bias, dtype=np.float32)


def test_the_score_of_a_short_mail_is_the_product_of_features_and_table() -> None:
    table, bias = a_table()
    readings = [read(text) for text in [*TEXTS, "", "one", "日本語 テスト\n\n\n\nпривет"]]
    opinions = Wide(table, bias).opinions(readings)
    assert np.allclose(opinions.logits, as_trained(readings, table, bias), atol=1e-4)
    assert opinions.turns == [None] * len(readings)


def test_a_long_mail_is_bad_if_the_whole_is_or_its_worst_window_by_a_margin() -> None:
    table, bias = a_table()
    wide = Wide(table, bias)
    for text in LONG:
        reading = read(text)
        whole = as_trained([reading], table, bias)[0]
        starts = windows_of(reading)
        windows = as_trained([reading] * len(starts), table, bias, [*starts])
        worst = int(windows[:, 0].argmax())
        odds = np.exp([whole[0], windows[worst, 0] - MARGIN])
        phish = odds @ [whole[1], windows[worst, 1]] / odds.sum()
        assert np.allclose(wide.opinions([reading]).logits[0], [np.log(odds.sum()), phish], atol=1e-4)
        assert wide.worst(reading) == starts[worst]
        later = starts[HEAD_WORDS // WINDOW_STEP :]
        assert wide.opinions([reading]).turns == [later[int(windows[HEAD_WORDS // WINDOW_STEP :, 0].argmax())]]


def test_mail_without_capitals_has_copies_of_its_features_that_other_mail_does_not_see() -> None:
    table, bias = a_table(2**20)
    texts = [f"s\nA B x.example\n\n\n{'pills for the traders of houston ' * n}" for n in (3, 30)]
    plain, caseless = ([read(text.replace("pills", word)) for text in texts] for word in ("Pills", "pills"))
    assert [reading.caseless for reading in (*plain, *caseless)] == [False, False, True, True]
    mixed = [plain[0], caseless[0], caseless[0], plain[0]]
    assert np.allclose(Wide(table, bias).opinions(mixed).logits, as_trained(mixed, table, bias), atol=1e-4)
    changed = table.copy()
    changed[copies_of(np.flatnonzero(features([caseless[0]], len(table)).toarray()[0]), len(table)), :2] += 0.5
    both = [Wide(one, bias).opinions([caseless[0], plain[1]]).logits for one in (table, changed)]
    assert abs(both[0][0] - both[1][0]).min() > 0.5
    assert np.allclose(both[0][1], both[1][1])


def test_every_row_has_another_one_for_its_copy() -> None:
    rows = np.arange(2**12, dtype=np.int32)
    assert sorted(copies_of(rows, 2**12).tolist()) == rows.tolist()


def test_bad_lines_in_a_page_of_honest_text_are_found() -> None:
    table = np.zeros((2**12, 3), dtype=np.float32)
    table[:, 2] = 1.0
    table[places_of_word("winner", 2**12), :2] = 4.0
    page = [f"calm{i}" for i in range(300)]
    for place in (60, 150, 290):
        words = [*page[:place], "winner", *page[place:]]
        reading = read(f"s\nx y.example\n\n\n{' '.join(words)}")
        (turn,) = Wide(table, np.zeros(2, dtype=np.float32)).opinions([reading]).turns
        assert turn is not None
        assert "winner" in reading.text[turn : turn + WINDOW_WORDS]


def test_every_word_of_a_long_body_is_in_a_window() -> None:
    for count in (99, 100, 101, 139, 140, 141, 260, 500):
        reading = Reading([], ["h"] * 5 + ["w"] * count, 5)
        seen = {place for start in windows_of(reading) for place in range(start, start + WINDOW_WORDS)}
        assert not seen or seen >= set(range(5, min(MAX_WORDS, 5 + count)))


def test_it_learns_what_separates_and_survives_saving(tmp_path: Path) -> None:
    wide = fit(EXAMPLES, 2**14)
    readings = [read(example.text) for example in EXAMPLES]
    bad = wide.opinions(readings).logits[:, 0] > 0
    assert bad.tolist() == [example.label != "ham" for example in EXAMPLES]
    wide.save(tmp_path)
    again = Wide.load(tmp_path)
    assert again is not None
    assert np.allclose(again.opinions(readings).logits, wide.opinions(readings).logits, atol=0.02)
    assert Wide.load(tmp_path / "none") is None


def test_the_same_examples_make_the_same_table(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        fit([*EXAMPLES, *(Example(text, "ham", "x", "train", "en") for text in LONG)], 2**12).save(tmp_path / name)
    one, other = ((tmp_path / name / "wide.safetensors").read_bytes() for name in ("one", "other"))
    assert one == other


def test_a_feature_counts_once_where_it_first_stands() -> None:
    rows, at = Features(2**12).located(Reading(["own"], ["again", "and", "again", "and"], 0))
    assert len(set(rows.tolist())) == len(rows)
    assert set(places_of_word("again", 2**12).tolist()) <= set(rows[at == 1].tolist())
    assert not set(at.tolist()) & {4}  # "and" is known, and so is the pair "again and"
    assert 3 in at.tolist()  # for the pair "and again"


def test_its_memory_is_bounded_in_features_and_forgetting_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide_module, "MAX_FEATURES_KEPT", 400)
    found = Features(2**12)
    readings = [read(text) for text in [*TEXTS, *LONG]]
    for _ in range(2):
        for reading in readings:
            rows, at = found.located(reading)
            others = Features(2**12).located(reading)
            assert (rows.tolist(), at.tolist()) == tuple(part.tolist() for part in others)
            assert sum(len(places) for places, _ in found._known.values()) <= 400


def test_rare_features_weigh_more() -> None:
    readings = [Reading([], ["common", f"rare{i}"], 0) for i in range(50)]
    weights = rarity(features(readings, 2**16))
    assert weights[places_of_word("common", 2**16)[0]] < 1.1 < 3 < weights[places_of_word("rare7", 2**16)[0]]


def test_words_behind_the_limit_do_not_count() -> None:
    table = np.ones((2**12, 3), dtype=np.float32)
    wide = Wide(table, np.zeros(2, dtype=np.float32))
    long = read("s\nx y.example\n\n\n" + "a " * 1_000)
    longer = long._replace(text=[*long.text[:MAX_WORDS], "different", "words"])
    assert wide.opinions([long]).logits.tolist() == wide.opinions([longer]).logits.tolist()


def test_an_empty_batch_has_no_rows() -> None:
    assert Wide(np.zeros((8, 3), dtype=np.float32), np.zeros(2, dtype=np.float32)).opinions([]).logits.shape == (0, 2)
