"""On whose behalf an attempt asks for a connection."""

from fastemailnet.delivery.retry import Schedule
from fastemailnet.delivery.terms import Terms
from fastemailnet.delivery.waiting import PATIENCE_S
from fastemailnet.envelope import Unit, is_ordered
from fastemailnet.net.door import Claim


def claim_of(unit: Unit, stream: str, schedule: Schedule, throttle: Terms | None, now_ms: int) -> Claim:
    """The claim of a unit that stands in a stream.

    What has an order to keep (copies have none), or is soon too old, waits here. What is throttled keeps none: it would hold up, at its
    slow rate, whatever stands behind it in its partition.
    """
    left_s = (unit.expires_ms - now_ms) / 1_000
    # An estimate of long ago may be wrong by now: the longest delays are for who has been put off before.
    known = schedule.delays_s[: 2 + unit.put_off]
    delays_s = () if is_ordered(stream) and throttle is None else tuple(one for one in known if one < left_s)
    turn_s = (unit.turn_ms - now_ms) / 1_000 if unit.turn_ms else None
    patience_s = min(left_s, PATIENCE_S) if delays_s else left_s
    return Claim(unit.lane, unit.tenant, delays_s, turn_s, patience_s, throttle)
