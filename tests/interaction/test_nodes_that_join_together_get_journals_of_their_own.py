"""Nodes that join in one turn of the coordinator must not all be given the same journal partition.

Seen by the simulator (seed 10): the slot was the number of members that had been read back, the same for all who asked together.
"""

from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.flashsync.frames import Join


def test_slots_differ() -> None:
    leader = Coordinator(Policy())
    leader.control_read(leader.candidacy(0).frame, 0)
    joins = [write.frame for name in "abc" for write in leader.admit(name, 9, 0)]
    assert [join.slot for join in joins if isinstance(join, Join)] == [0, 1, 2]
