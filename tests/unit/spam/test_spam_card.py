"""The model card: its tables are made from figures."""

import json
from pathlib import Path

import pytest

from models.spam import card


def test_the_tables_of_the_card_are_those_of_its_figures() -> None:
    text = card.CARD.read_text("utf-8")
    assert card.rendered(text) == text
    assert all(f"<!-- {name} -->" in text for name in card.TABLES)


def test_the_figures_are_those_of_the_shipped_model() -> None:
    version = json.loads((card.FIGURES / "evaluate.json").read_text("utf-8"))["version"]
    assert f"`{version}`" in card.CARD.read_text("utf-8")


def test_a_number_that_was_changed_by_hand_is_made_anew() -> None:
    text = card.CARD.read_text("utf-8")
    before, mark, rest = text.partition("<!-- quality -->")
    assert card.rendered(before + mark + rest.replace("0.", "1.", 3)) == text


def test_a_table_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sizes"):
        card.rendered("<!-- sizes -->\n", tmp_path)
