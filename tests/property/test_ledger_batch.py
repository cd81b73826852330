"""The machine under arbitrary events: every fact becomes exactly one leaf, and a replay gives the same ledger."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fastemailnet.ledger import leaf, tile
from fastemailnet.ledger.batch import (
    Append,
    AppendFrame,
    Batcher,
    Effect,
    Flush,
    Publish,
    Sign,
    StoreFiles,
    StoreOpenings,
    Swap,
    Tick,
)
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.fact import Fact
from fastemailnet.ledger.replay import Replay
from tests.unit.ledger.samples import NOW_MS, ORIGIN, fact, mth


class Machine(RuleBasedStateMachine):
    """Carries effects out in memory; a crash forgets everything after a chosen effect."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[Fact] = []
        self.frames: list[AppendFrame] = []
        self.openings: dict[int, Fact] = {}
        self.files: dict[str, bytes] = {}
        self.signed: Checkpoint | None = None
        self.locked: Checkpoint | None = None
        self.published: Checkpoint | None = None
        self.now_ms = NOW_MS
        self.start()

    def start(self) -> None:
        replay = Replay(self.locked)
        unpublished = []
        for appended in self.frames:
            unpublished += replay.take(appended.frame)
        chain = replay.judge()
        self.openings = {index: one for index, one in self.openings.items() if index < chain.size}
        self.batcher = Batcher(ORIGIN, chain, self.published, unpublished)
        self.perform(self.batcher.start(self.locked), None)
        self.read = self.batcher.sealed_positions.get(0, 0)

    def perform(self, effects: list[Effect], crash_after: int | None) -> None:
        for number, effect in enumerate(effects):
            if crash_after == number:
                self.start()
                return
            match effect:
                case StoreOpenings(facts):
                    self.openings |= dict(facts)
                case AppendFrame():
                    self.frames.append(effect)
                case Sign(checkpoint):
                    self.signed = checkpoint
                case Swap():
                    assert self.signed is not None
                    assert self.locked is None or self.signed.size >= self.locked.size
                    self.locked = self.signed
                case StoreFiles(files):
                    for file in files:
                        assert self.files.setdefault(file.path, file.content) == file.content, "a file changed"
                case Publish():
                    self.published = self.signed

    CRASH = st.one_of(st.none(), st.integers(0, 8))

    @rule(count=st.integers(0, 300), take=st.integers(0, 700), crash_after=CRASH)
    def append(self, count: int, take: int, crash_after: int | None) -> None:
        self.journal += [fact(len(self.journal) + n) for n in range(count)]
        facts = self.journal[self.read : self.read + take]
        self.read += len(facts)
        self.perform(self.batcher.step(Append(facts, {0: self.read}, self.now_ms)), crash_after)

    @rule(step_ms=st.integers(0, 1_500), crash_after=CRASH)
    def tick(self, step_ms: int, crash_after: int | None) -> None:
        self.now_ms += step_ms
        self.perform(self.batcher.step(Tick(self.now_ms)), crash_after)

    @rule(crash_after=CRASH)
    def flush(self, crash_after: int | None) -> None:
        self.perform(self.batcher.step(Flush(self.now_ms)), crash_after)

    @invariant()
    def every_fact_consumed_is_one_leaf_with_openings(self) -> None:
        entries = [entry for appended in self.frames for entry in tile.split_bundle(appended.frame.payload)]
        leaves = [(index, entry) for index, entry in enumerate(entries) if not leaf.is_seal(entry)]
        consumed = self.batcher.sealed_positions.get(0, 0)
        assert [entry for _, entry in leaves] == [leaf.pack(one) for one in self.journal[:consumed]]
        assert [self.openings[index] for index, _ in leaves] == self.journal[:consumed]
        assert self.locked is not None
        assert self.published is not None
        assert self.locked.size == len(entries)
        assert self.locked.root == mth(entries)
        assert self.published.size <= self.locked.size


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
