"""A copy in a tier that no OUTCOME names must never be leased, not even when a later copy of its tier was (claim rule, I10).

Seen by reading: a lease of copy 1 made copy 0, which it passed over, free to be leased, although nobody had ever named it.
"""

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.outcome import Kind

MAIL, TIER = "mail.standard", "defer.1m"


def test_what_a_lease_passes_over_in_a_tier_stays_where_it_is() -> None:
    leader = Coordinator(Policy(lease_units=1, window_units=4))
    leader.epoch = 1
    for frame in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, MAIL, 0, 0, 1, "a", 1)):
        assert leader.control_read(frame, 0)
    # Copy 0 was left by a crash before its OUTCOME; copy 1 is named.
    copy = f.Deferral(Position(TIER, 0, 1), Position(MAIL, 0, 0), 2, 10, 1)
    leader.journal_read(0, 0, f.Outcome(7, 0, 1, "a", 1, 0, f.NO_INTENT, (Kind.DEFERRED,), copy), 0)
    for at_ms in (20, 30):
        leased = [w.frame for w in leader.plan(at_ms, {}) if isinstance(w.frame, f.Assign) and w.frame.stream == TIER]
        assert all(frame.lo == 1 for frame in leased)
        for frame in leased:
            leader.control_read(frame, at_ms)
    assert not leader.fold.progress[TIER, 0].free
