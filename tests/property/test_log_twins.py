"""The embedded log against the log in memory: whatever is done to both, they answer the same."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.interface import Token
from fastemailnet.log.memory import MemoryLog

partitions = st.integers(0, 1)
tokens = st.builds(Token, st.sampled_from(["a", "b"]), st.integers(1, 2))
records = st.lists(st.one_of(st.binary(max_size=20), st.integers(0, 60_000).map(bytes)), max_size=6)
offsets = st.integers(0, 30)


class Twins(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.embedded = EmbeddedLog(Path(self.directory.name))
        self.memory = MemoryLog()

    @rule(partition=partitions, records=records, token=st.none() | tokens)
    def append(self, partition: int, records: list[bytes], token: Token | None) -> None:
        answers = [log.append("journal", partition, records, token=token) for log in (self.embedded, self.memory)]
        assert type(answers[0]) is type(answers[1])
        # Ranges are equal when both are empty, wherever they start.
        assert repr(answers[0]) == repr(answers[1])

    @rule(partition=partitions, token=tokens, record=st.binary(max_size=9))
    def fence(self, partition: int, token: Token, record: bytes) -> None:
        answers = [log.fence("journal", partition, token, record) for log in (self.embedded, self.memory)]
        assert answers[0] == answers[1]

    @rule(partition=partitions, start=offsets, count=st.integers(0, 10), max_octets=st.integers(0, 100_000))
    def fetch(self, partition: int, start: int, count: int, max_octets: int) -> None:
        answers = [log.fetch("journal", partition, start, count, max_octets) for log in (self.embedded, self.memory)]
        assert answers[0] == answers[1]

    @rule(partition=partitions, before=offsets)
    def trim(self, partition: int, before: int) -> None:
        self.embedded.trim("journal", partition, before)
        self.memory.trim("journal", partition, before)

    @rule()
    def reopen(self) -> None:
        self.embedded.close()
        self.embedded = EmbeddedLog(Path(self.directory.name))

    @invariant()
    def the_same_is_there(self) -> None:
        assert self.embedded.partitions("journal") == self.memory.partitions("journal")
        for partition in (0, 1):
            assert self.embedded.begin("journal", partition) == self.memory.begin("journal", partition)
            assert self.embedded.end("journal", partition) == self.memory.end("journal", partition)

    def teardown(self) -> None:
        self.embedded.close()
        self.directory.cleanup()


TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
