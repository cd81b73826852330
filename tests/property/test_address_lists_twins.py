"""Address lists cut into mailboxes, and the grammar over the whole value: what that takes is taken, and says the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.admission.address_list import addresses, addresses_of_record
from fastemailnet.errors import MessageError

PIECES = [
    "a@b.c",
    "Ann",
    '"Doe, J"',
    '"x\\"y"',
    " ",
    ",",
    "<a@b.c>",
    "<",
    ">",
    "(",
    "(c)",
    ")",
    "g:",
    ";",
    '"',
    '"q s"@b.c',
    "a@[1.2.3.4]",
    ".",
    "@",
    "\\",
    "[",
    "]",
    ":",
    "=?utf-8?q?a?=",
    "é@ü.c",
]
LISTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)


@settings(max_examples=1_500, deadline=None)
@given(LISTS)
def test_the_list_says_what_the_grammar_says(value: str) -> None:
    try:
        whole = addresses_of_record([value])
    except MessageError:
        return
    assert addresses([value]) == whole
