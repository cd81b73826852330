"""Who may be put off at a door, and who waits there."""

import pytest

from actors.claims import claim_of
from fastemailnet.delivery.gate import throttle_of
from fastemailnet.delivery.retry import DEFAULT
from fastemailnet.delivery.shaping.limits import parse_rate
from fastemailnet.delivery.terms import Terms
from fastemailnet.delivery.waiting import PATIENCE_S
from fastemailnet.envelope import Lane, Unit

NOW_MS = 1_700_000_000_000
UNIT = Unit(b"m" * 16, Lane.STANDARD, "acme", 0, NOW_MS + 3_600_000, "", (), "x.example", False, b"", order_key="k")
SLOW = throttle_of("acme", parse_rate("60/h"))


@pytest.mark.parametrize(
    ("stream", "throttle", "is_put_off"),
    [("order.standard", None, False), ("order.standard", SLOW, True), ("defer.1m", None, True)],
)
def test_what_has_an_order_waits_for_its_turn_but_where_it_is_throttled_and_its_copies_have_none(
    stream: str, throttle: Terms | None, is_put_off: bool
) -> None:
    claim = claim_of(UNIT, stream, DEFAULT, throttle, NOW_MS)
    assert bool(claim.delays_s) is is_put_off
    assert claim.patience_s == (PATIENCE_S if is_put_off else 3_600)
    assert claim.throttle is throttle
