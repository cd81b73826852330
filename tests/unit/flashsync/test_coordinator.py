"""The coordinator machine: leases at the live edge, fences for the silent, and what it does with returned work."""

import pytest

from fastemailnet.envelope import Asked, Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.outcome import Kind

MAIL = "mail.standard"
WHERE = (MAIL, 0)


class Stream:
    """Feeds a coordinator what it writes, as a log would."""

    def __init__(self, policy: Policy) -> None:
        self.machine = Coordinator(policy)
        self.journal: dict[int, int] = {}
        self.apply([self.machine.candidacy(0)], 0)

    def apply(self, writes: list, at_ms: int) -> list:
        for write in writes:
            if write.partition is None:
                self.machine.control_read(write.frame, at_ms)
            else:
                self.told(write.partition, write.frame, at_ms)
        return [write.frame for write in writes]

    def told(self, partition: int, frame: f.JournalFrame, at_ms: int) -> int:
        position = self.journal.get(partition, 0)
        self.journal[partition] = position + 1
        self.machine.journal_read(partition, position, frame, at_ms)
        return position

    def plan(self, at_ms: int, end: int) -> list:
        return self.apply(self.machine.plan(at_ms, {WHERE: end}), at_ms)

    def join(self, node: str, at_ms: int = 0) -> None:
        self.apply(self.machine.admit(node, 100, at_ms), at_ms)


def two_nodes(**policy: int) -> Stream:
    stream = Stream(Policy(lease_units=4, window_units=8, verdicts={MAIL: f.Verdict.RETRY}, **policy))
    stream.join("a")
    stream.join("b")
    return stream


def test_leases_reach_past_the_last_record_and_are_shared_out() -> None:
    grants = two_nodes().plan(0, end=0)
    assert [(g.lo, g.hi, g.node) for g in grants] == [(0, 4, "a"), (4, 8, "b"), (8, 12, "a"), (12, 16, "b")]


def test_a_silent_node_is_fenced_and_its_waiting_work_goes_to_the_living() -> None:
    stream = two_nodes()
    stream.plan(0, end=0)
    stream.told(1, f.Beat("b", 1, 5_000), 5_000)
    fences = [frame for frame in stream.plan(5_100, end=8) if isinstance(frame, f.Fence)]
    assert [frame.node for frame in fences] == ["a"]
    grants = stream.plan(5_101, end=8)
    assert {(g.lo, g.node) for g in grants} >= {(0, "b")}


def test_a_new_coordinator_counts_silence_from_its_own_start() -> None:
    stream = two_nodes()
    stream.machine.forgive_silence(1_000_000)
    assert not [frame for frame in stream.plan(1_004_000, 0) if isinstance(frame, f.Fence)]


def test_joining_anew_fences_the_incarnation_before() -> None:
    stream = two_nodes()
    frames = stream.apply(stream.machine.admit("a", 100, 7), 7)
    assert [type(frame).__name__ for frame in frames] == ["Fence", "Join"]
    assert (frames[1].incarnation, frames[1].slot) == (2, 0)


def test_doubt_is_resolved_only_after_the_wait_and_then_leased_as_the_next_attempt() -> None:
    stream = two_nodes(doubt_ms=60_000, beat_timeout_ms=10**9)
    lease = stream.plan(0, end=1)[0]
    stream.told(0, f.Intent(lease.lease, 0, 1, "a", 1, 0, b"m", (0,)), 0)
    stream.join("a", 10)
    assert not [frame for frame in stream.plan(60_009, 1) if isinstance(frame, f.Resolve)]
    assert [frame for frame in stream.plan(60_010, 1) if isinstance(frame, f.Resolve)]
    again = [frame for frame in stream.plan(60_011, 1) if isinstance(frame, f.Assign) and frame.attempt == 2]
    assert [(frame.lo, frame.hi) for frame in again] == [(0, 1)]


def test_a_retry_waits_longer_each_time_and_another_verdict_does_not() -> None:
    policy = Policy(doubt_ms=60_000)
    waits = [policy.patience_ms(f.Verdict.RETRY, doubts) // 60_000 for doubts in (0, 1, 2, 6, 7, 500)]
    assert waits == [1, 2, 4, 64, 64, 64]
    assert policy.patience_ms(f.Verdict.ASSUME_RELAYED, 8) == 60_000


def test_a_deferred_unit_is_leased_when_it_is_due_and_once() -> None:
    stream = two_nodes(beat_timeout_ms=10**9)
    lease = stream.plan(0, end=1)[0]
    copy = f.Deferral(Position("defer.1m", 0, 0), Position(MAIL, 0, 0), 2, 60_000, 1)
    stream.told(0, f.Outcome(lease.lease, 0, 1, "a", 1, 0, -1, (Kind.DEFERRED,), copy), 0)
    assert not [frame for frame in stream.plan(59_999, 1) if frame.stream == "defer.1m"]
    assert len([frame for frame in stream.plan(60_000, 1) if frame.stream == "defer.1m"]) == 1
    assert not [frame for frame in stream.plan(60_100, 1) if frame.stream == "defer.1m"]


def test_a_loaded_node_is_asked_once_to_share_with_an_idle_one() -> None:
    stream = two_nodes(beat_timeout_ms=10**9, steal_units=3)
    leases = {lease.node: lease for lease in stream.plan(0, end=0)[:2]}
    for offset in range(4, 8):
        stream.told(1, f.Outcome(leases["b"].lease, offset, 1, "b", 1, 0, -1, (Kind.REJECTED,)), 1)
    splits = [frame for frame in stream.plan(2, end=8) if isinstance(frame, f.Split)]
    assert [frame.lease for frame in splits] == [leases["a"].lease]
    assert not [frame for frame in stream.plan(3, end=8) if isinstance(frame, f.Split)]
    stream.told(0, f.Shrink(leases["a"].lease, 2, "a", 1), 4)
    again = [frame for frame in stream.plan(5, end=8) if isinstance(frame, f.Assign) and frame.lo == 2]
    assert [(frame.hi, frame.node) for frame in again] == [(4, "b")]


def test_a_place_that_processes_died_over_is_leased_alone_and_says_so() -> None:
    stream = two_nodes(beat_timeout_ms=10**9)
    stream.plan(0, end=4)
    stream.apply([stream.machine.blame(Position(MAIL, 0, 1))], 1)
    stream.apply(stream.machine.suspect("a", 1, "its process ended"), 1)
    grants = [frame for frame in stream.plan(2, end=4) if isinstance(frame, f.Assign) and frame.lo < 4]
    assert [(frame.lo, frame.hi, frame.strikes) for frame in grants] == [(0, 1, 0), (2, 4, 0), (1, 2, 1)]


def test_an_ordered_partition_has_one_place_out_at_a_time() -> None:
    stream = two_nodes(beat_timeout_ms=10**9)
    where = ("order.standard", 1)

    def grants(at_ms: int) -> list[tuple[int, int]]:
        frames = stream.apply(stream.machine.plan(at_ms, {where: 3}), at_ms)
        return [(frame.lo, frame.hi) for frame in frames]

    assert grants(0) == [(0, 1)]
    assert grants(1) == []
    lease = next(iter(stream.machine.fold.leases.values()))
    stream.told(0, f.Outcome(lease.lease, 0, 1, *lease.token, 0, -1, (Kind.REJECTED,)), 2)
    assert grants(3) == [(1, 2)]


@pytest.mark.parametrize(("attempt", "wait_ms"), [(7, 1_000), (8, 2_000), (9, 4_000)])
def test_a_peer_that_remembers_is_asked_at_once_and_less_often_each_time(attempt: int, wait_ms: int) -> None:
    """The six attempts before the one in doubt were put off."""
    stream = two_nodes(beat_timeout_ms=10**9, ask_ms=1_000)
    lease = stream.plan(0, end=1)[0]
    stream.told(0, f.Intent(lease.lease, 0, attempt, "a", 1, 0, b"m", (0,), Asked(7, (0,))), 0)
    stream.join("a", 10)
    assert not [frame for frame in stream.plan(9 + wait_ms, 1) if isinstance(frame, f.Resolve)]
    assert [frame.verdict for frame in stream.plan(10 + wait_ms, 1) if isinstance(frame, f.Resolve)] == [f.Verdict.ASK]


def test_a_deposed_coordinator_writes_nothing() -> None:
    stream = two_nodes()
    stream.machine.control_read(f.Epoch(2, 0), 0)
    assert stream.machine.is_deposed()
    assert stream.plan(0, 100) == []
