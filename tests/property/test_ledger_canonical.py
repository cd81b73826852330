"""RFC 8785 JSON against the rules of its text, through a second encoder."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.ledger import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
INTEGERS = st.integers(-canonical.MAX_SAFE_INTEGER, canonical.MAX_SAFE_INTEGER)


def jcs(value: object) -> bytes:
    """RFC 8785 for ASCII keys: json's own escapes are those of ECMAScript where non-ASCII text stays as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@given(st.dictionaries(KEYS, st.one_of(TEXT, INTEGERS), max_size=8))
def test_detail(value: dict[str, str | int]) -> None:
    assert canonical.detail(value) == jcs(value)
    assert canonical.detail(dict(reversed(value.items()))) == canonical.detail(value)
    assert json.loads(canonical.detail(value)) == value


@pytest.mark.parametrize("codepoint", [*range(0x30), 0x5C, *range(0x7F, 0xA1), 0x2028, 0x2029, 0xE000, 0xFFFF, 0x1F600])
def test_every_escape(codepoint: int) -> None:
    assert canonical.detail({"k": chr(codepoint)}) == jcs({"k": chr(codepoint)})


@given(TEXT, TEXT)
def test_addresses_are_total_and_idempotent(local: str, domain: str) -> None:
    once = canonical.address(f"{local}@{domain}")
    assert canonical.address(once.decode()) == once
    assert once.startswith(local.encode() + b"@") or "@" in domain
