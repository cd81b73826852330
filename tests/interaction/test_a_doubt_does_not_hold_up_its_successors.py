"""What waits for a person waits perhaps for days, so neither an ordered partition nor a node's window may wait with it.

Seen by the simulator (seed 7): under ``hold``, the first doubt of an ``order_key`` ended the sending of that key. And (seeds 6038,
6518, 7189): a doubt that was passed at once turned out to be nothing, by a VOID that came late, and its unit went out behind its
successor. So a doubt is passed only when nobody but a person can still end it.
"""

import pytest

from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.outcome import Kind

ORDERED = "order.standard"
DOUBT_MS = 60_000


def in_doubt(verdict: f.Verdict | None, attempt: int = 1) -> Coordinator:
    """A coordinator that read of a doubt at 2 ms, about an attempt of the first of two units of a key."""
    leader = Coordinator(Policy(verdicts={ORDERED: verdict}, doubt_ms=DOUBT_MS, beat_timeout_ms=2 * DOUBT_MS))
    leader.epoch = 1
    for frame in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, ORDERED, 1, 0, 1, "a", 1)):
        leader.control_read(frame, 0)
    leader.journal_read(0, 0, f.Intent(7, 0, attempt, "a", 1, 0, b"m", (0,)), 0)
    assert not leader.plan(1, {(ORDERED, 1): 2})
    leader.journal_read(0, 1, f.Outcome(7, 0, attempt, "a", 1, 2, 0, (Kind.IN_DOUBT,)), 2)
    return leader


def leased(leader: Coordinator, at_ms: int) -> list[tuple[int, int, int]]:
    """The offsets and the attempt of each lease that it gives."""
    writes = leader.plan(at_ms, {(ORDERED, 1): 2})
    return [(x.frame.lo, x.frame.hi, x.frame.attempt) for x in writes if isinstance(x.frame, f.Assign)]


def test_the_next_of_a_key_is_leased_although_the_one_before_waits_for_a_person() -> None:
    leader = in_doubt(None)
    assert leased(leader, DOUBT_MS + 1) == []
    assert leased(leader, DOUBT_MS + 2) == [(1, 2, 0)]


@pytest.mark.parametrize("end", [f.Void(7, 0, 1, "a", 1, 0), f.Resolve(1, 0, f.Verdict.RETRY, 3, "policy")])
def test_what_a_doubt_gives_back_goes_before_its_successors(end: f.JournalFrame) -> None:
    leader = in_doubt(f.Verdict.RETRY)
    leader.control_read(f.Join(1, "b", 1, 1, 9), 3)
    leader.journal_read(0, 2, f.Fence(1, "a", 1, 3, "silent"), 3)
    assert leased(leader, DOUBT_MS + 2) == []  # the RESOLVE is on its way
    leader.journal_read(0, 3, end, DOUBT_MS + 3)
    ((lo, hi, _),) = leased(leader, DOUBT_MS + 4)
    assert (lo, hi) == (0, 1)


def test_a_peer_whose_every_reply_is_lost_holds_its_successors_up_once() -> None:
    assert leased(in_doubt(f.Verdict.RETRY, attempt=2), 3) == [(1, 2, 0)]
