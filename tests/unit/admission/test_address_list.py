"""Address lists: what the grammar is asked about, and how much of it."""

import pytest

from fastemailnet.admission import address_list
from fastemailnet.admission.address_list import MAX_GRAMMAR_CHARACTERS, addresses, addresses_of_record
from fastemailnet.admission.headers import MAX_HEADER_OCTETS, envelope
from fastemailnet.errors import MessageError

N = 7_999
COSTLY = {  # with the grammar alone from 0.1 to 1.2 s each
    "quoted words": '"a"' * (N // 3),
    "comments": "(a)" * (N // 3),
    "commas in quotes": '"' + '"' + "," * (N - 2),
    "groups": "g:;," * (N // 4),
    "comments in a domain": '"a"@' + "(c)" * (N // 3 - 3) + "d",
    "brackets": "[" * N,
    "angles": '"a"' + "<" * (N - 3),
    "escapes": '"' + "\\a" * (N // 2 - 5) + '"@b.c',
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the grammar was given."""
    given: list[str] = []
    policy = address_list.SMTPUTF8

    class Counted:
        @staticmethod
        def header_factory(name: str, value: str) -> object:
            given.append(value)
            return policy.header_factory(name, value)

    monkeypatch.setattr(address_list, "SMTPUTF8", Counted)
    return given


@pytest.mark.parametrize("value", COSTLY.values(), ids=COSTLY)
def test_the_grammar_is_given_no_more_than_it_reads_in_time(value: str, read: list[str]) -> None:
    with pytest.raises(MessageError):
        addresses([value] * 10)
    assert sum(map(len, read)) <= MAX_GRAMMAR_CHARACTERS


def test_of_a_list_it_is_given_what_needs_it(read: list[str]) -> None:
    plain = ", ".join(f'"Doe, J{n}" <j{n}@b.example>' for n in range(200))
    assert len(addresses([f"{plain}, Team: x@y.example, z@y.example;, Ann (Sales, EU) <a@b.example>, {plain}"])) == 403
    assert read == [" Team: x@y.example, z@y.example;", " Ann (Sales, EU) <a@b.example>"]


def test_the_measure_is_of_all_values_together() -> None:
    some = "a@b.example (x)" + ", a@b.example (x)" * 35
    assert len(addresses([some])) == 36
    with pytest.raises(MessageError, match="1000 characters of them"):
        addresses([some, some])
    assert len(addresses_of_record([some, some])) == 72


@pytest.mark.parametrize("value", ["(c).@", '(c).,")', "<@[ "])  # TypeError, TypeError, UnboundLocalError of its own
def test_what_the_grammar_breaks_on_is_refused(value: str) -> None:
    for read_list in (addresses, addresses_of_record):
        with pytest.raises(MessageError, match="no list of addresses"):
            read_list([value])


def test_a_header_without_end_is_not_looked_through() -> None:
    with pytest.raises(MessageError, match=f"limit: {MAX_HEADER_OCTETS} octets"):
        envelope(b"From: a@b.example\r\n" + b"To: x@y.example\r\n" * 100_000 + b"\r\n")
