"""The tricks change what a filter reads and the shared extraction undoes them."""

from random import Random

import pytest

from fastemailnet.message.text import FEATURE_NAMES, visible_text
from models.spam.tricks import (
    TRICKS,
    hidden_good_words,
    homoglyphs,
    image_only,
    innocent_heading,
    innocent_padding,
    split_words,
    wrapped,
    zero_width,
)

RAW = (
    b"From: Shop <a@shop.example>\r\nSubject: Cheap watches\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p>Replica watches at the lowest possible prices, <a href='https://shop.example/x'>order today</a></p>\r\n"
)
GOOD = ["minutes of the quarterly meeting and the budget " * 30]


def feature(raw: bytes, name: str) -> float:
    return visible_text(raw).features[FEATURE_NAMES.index(name)]


@pytest.mark.parametrize("seed", range(8))
def test_hidden_good_words_are_counted_and_not_read(seed: int) -> None:
    tricked = hidden_good_words(RAW, GOOD, Random(seed))
    assert feature(tricked, "hidden_characters") > 5
    assert "quarterly" not in visible_text(tricked).body


def test_characters_are_restored() -> None:
    for trick, name in ((zero_width, "invisible_characters"), (homoglyphs, "lookalikes")):
        tricked = trick(RAW, GOOD, Random(3))
        assert tricked != wrapped(RAW, GOOD, Random(3))
        assert feature(tricked, name) > 0
        assert "Replica watches" in visible_text(tricked).body


def test_an_image_keeps_link_and_subject_only() -> None:
    seen = visible_text(image_only(RAW, GOOD, Random(1)))
    assert seen.subject == "Cheap watches"
    assert "Replica" not in seen.body
    assert seen.hosts == ("shop.example",)


@pytest.mark.parametrize("seed", range(6))
def test_words_cut_by_markup_are_whole_again(seed: int) -> None:
    tricked = split_words(RAW, GOOD, Random(seed))
    assert visible_text(tricked).body == visible_text(wrapped(RAW, GOOD, Random(seed))).body


def test_padding_stands_below_the_message() -> None:
    seen = visible_text(innocent_padding(RAW, GOOD, Random(2)))
    assert seen.body.startswith("Replica watches")


def test_a_heading_stands_above_the_message() -> None:
    seen = visible_text(innocent_heading(RAW, GOOD, Random(2)))
    assert seen.body.startswith("minutes of the quarterly")
    assert "Replica watches" in seen.body
    assert "quarterly meeting" in seen.body


def test_every_trick_survives_odd_messages() -> None:
    for raw in (b"", b"\xff\xfe", b"Subject: x\r\n\r\n", b"Content-Type: multipart/mixed\r\n\r\nno boundary"):
        for trick in TRICKS.values():
            visible_text(trick(raw, GOOD, Random(1)))
