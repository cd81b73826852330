"""Copies for training with honest text around them: both labels, above and below, the header as it was."""

from models.spam.data import LOWERED, PADDING, Example, lowered, padded

HONEST = [
    Example(
        f"minutes {i}\nAnna kestrel.example\n\n\n{' '.join(f'calm{j}' for j in range(400))}", "ham", "x", "train", "en"
    )
    for i in range(60)
]
BAD = [
    Example(f"prize {i}\nDesk prize.test\n\nprize.test\nclaim it now", "spam", "x", "train", "en") for i in range(60)
]


def test_a_share_of_both_labels_is_padded_and_keeps_its_label_and_header() -> None:
    copies = padded([*HONEST, *BAD], share=0.5, seed=1)
    assert {copy.label for copy in copies} == {"ham", "spam"}
    assert 40 <= len(copies) <= 80
    assert all(copy.trick == "padded" for copy in copies)
    headers = {example.text.split("\n", 4)[0]: example.label for example in [*HONEST, *BAD]}
    assert all(headers[copy.text.split("\n", 4)[0]] == copy.label for copy in copies)


def test_the_padding_stands_above_or_below_and_has_a_bounded_length() -> None:
    bodies = [
        copy.text.split("\n", 4)[4] for copy in padded([*HONEST, *BAD], share=1.0, seed=1) if copy.label == "spam"
    ]
    assert 0 < sum(body.startswith("claim it now\n") for body in bodies) < len(bodies)
    assert all(body.startswith("claim it now\n") or body.endswith("\nclaim it now") for body in bodies)
    assert all(PADDING[0] <= len(body.split()) - 3 <= PADDING[1] for body in bodies)


def test_without_honest_text_nothing_is_padded() -> None:
    assert padded(BAD, share=1.0, seed=1) == []


def test_copies_without_capitals_are_made_of_both_labels_and_of_nothing_that_has_none() -> None:
    loud, quiet = (
        Example("WIN\nAnna X.example\n\n\nNow Or Never", "spam", "x", "train", "en"),
        Example("a", "ham", "x", "train", "en"),
    )
    copies = lowered([loud, quiet, Example("Hello", "ham", "x", "train", "en")], share=1.0, seed=1)
    assert [(copy.text, copy.label, copy.trick) for copy in copies] == [
        ("win\nAnna X.example\n\n\nnow or never", "spam", LOWERED),
        ("hello", "ham", LOWERED),
    ]
