"""What is in doubt waits for a person, perhaps for days: neither an ordered partition nor a node's window may wait with it.

Seen by the simulator (seed 7): under ``hold``, the first doubt of an ``order_key`` ended the sending of that key.
"""

from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.outcome import Kind

ORDERED = "order.standard"


def test_the_next_of_a_key_is_leased_although_the_one_before_is_in_doubt() -> None:
    leader = Coordinator(Policy(verdicts={ORDERED: None}))
    leader.epoch = 1
    for frame in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, ORDERED, 1, 0, 1, "a", 1)):
        leader.control_read(frame, 0)
    leader.journal_read(0, 0, f.Intent(7, 0, 1, "a", 1, 0, b"m", (0,)), 0)
    assert not leader.plan(1, {(ORDERED, 1): 2})
    leader.journal_read(0, 1, f.Outcome(7, 0, 1, "a", 1, 2, 0, (Kind.IN_DOUBT,)), 2)
    (write,) = leader.plan(3, {(ORDERED, 1): 2})
    assert isinstance(write.frame, f.Assign)
    assert (write.frame.lo, write.frame.hi) == (1, 2)
