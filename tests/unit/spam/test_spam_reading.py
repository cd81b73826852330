"""What the model sees of an input."""

import pytest

from models.spam.reading import read


def hints(sender: str, hosts: str, subject: str = "hello") -> list[str]:
    return read(f"{subject}\n{sender}\n\n{hosts}\nbody").hints


def test_marks_become_words_of_letters_and_digits_of_text_become_zeros() -> None:
    reading = read("Order 4711\nShop shop.example\nfree_hosting_links2 html1\n\nTotal 12.50")
    assert reading.hints[:2] == ["freehostinglinksb", "htmla"]
    assert reading.text[-2:] == ["total", "00.00"]
    assert "0000" in reading.text


@pytest.mark.parametrize(
    ("sender", "hosts", "expected"),
    [
        ("Kestrel kestrel.example", "www.kestrel.example", "hintownlinks"),
        ("Kestrel kestrel.example", "evil.test", "hintforeignlinks"),
        ("Kestrel kestrel.example", "evil.test app.kestrel.example", "hintmixedlinks"),
        ("Kestrel kestrel.example", "", "hintnolinks"),
        ("Kestrel Bank mail.kestrel-bank.example", "", "hintnamehome"),
        ("Kestrel Bank casa.test", "", "hintnameaway"),
        ("casa.test", "", "hintnoname"),
    ],
)
def test_hints_compare_sender_links_and_name(sender: str, hosts: str, expected: str) -> None:
    assert expected in hints(sender, hosts)


def test_shouting_is_a_hint() -> None:
    assert "hintshouting" in hints("a b.example", "", "YOU WON MONEY")
    assert "hintshouting" not in hints("a b.example", "", "You won money")


def test_any_text_is_an_input() -> None:
    assert read("").text == ["|", "|", "|"]
    assert read("x" * 500).text[-2] == "x" * 64


@pytest.mark.parametrize(
    ("subject", "body", "is_caseless"),
    [
        ("re: gas nominations", "here are the figures for houston and for the coast", True),
        ("Re: gas nominations", "here are the figures for houston and for the coast", False),
        ("re: gas", "here are the figures for houston and for the coast, Anna", False),
        ("hi", "short note", False),
        ("会议", "请在 http://a.example 查看会议记录和预算", False),
    ],
)
def test_a_text_of_some_length_without_one_capital_has_lost_its_case(
    subject: str, body: str, is_caseless: bool
) -> None:
    assert read(f"{subject}\nAnna X.example\n\n\n{body}").caseless is is_caseless
