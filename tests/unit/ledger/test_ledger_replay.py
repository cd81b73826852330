"""What a start makes of what it finds on disk: the recovery table, row by row."""

import pytest

from fastemailnet.errors import LedgerCorrupt
from fastemailnet.ledger import seal, tile
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.frame import Frame
from fastemailnet.ledger.hashing import EMPTY_ROOT
from fastemailnet.ledger.replay import Chain, Replay, check_lock
from tests.unit.ledger.samples import ORIGIN, blocks, mth

FRAMES = blocks([3, 1, 4])


def head(count: int) -> Checkpoint:
    entries = [entry for frame in FRAMES[:count] for entry in tile.split_bundle(frame.payload)]
    return Checkpoint(ORIGIN, len(entries), mth(entries))


def replayed(frames: list[Frame], locked: Checkpoint | None) -> Chain:
    replay = Replay(locked)
    for frame in frames:
        replay.take(frame)
    return replay.judge()


@pytest.mark.parametrize("locked", [None, *range(4)])
def test_a_tree_that_passes_through_the_lock_goes_on(locked: int | None) -> None:
    chain = replayed(FRAMES, None if locked is None else head(locked))
    assert (chain.size, chain.root(), chain.height, chain.positions) == (11, head(3).root, 3, {0: 8})


def test_a_first_start_finds_nothing() -> None:
    chain = replayed([], None)
    assert (chain.size, chain.root(), chain.last) == (0, EMPTY_ROOT, seal.NO_HASH)


@pytest.mark.parametrize("found", [0, 1, 2])
def test_signed_leaves_that_are_missing_stop_the_start(found: int) -> None:
    with pytest.raises(LedgerCorrupt, match="never re-sequence"):
        replayed(FRAMES[:found], head(3))


def test_another_root_at_the_locked_size_stops_the_start() -> None:
    with pytest.raises(LedgerCorrupt, match="not those that were signed"):
        replayed(FRAMES, head(2)._replace(root=bytes(32)))
    with pytest.raises(LedgerCorrupt):
        replayed(FRAMES, Checkpoint(ORIGIN, 0, bytes(32)))


def test_a_lock_inside_a_block_stops_the_start() -> None:
    with pytest.raises(LedgerCorrupt):
        replayed(FRAMES, head(2)._replace(size=5))


def resealed(frame: Frame, **changed: object) -> Frame:
    header = seal.unpack(frame.payload[-176:])._replace(**changed)  # type: ignore[arg-type]  # fields by name
    return frame._replace(payload=frame.payload[:-176] + seal.pack(header))


@pytest.mark.parametrize(
    ("what", "second"),
    [
        ("first leaf", FRAMES[1]._replace(first=5)),
        ("first leaf", resealed(FRAMES[1], first=5)),
        ("leaves", resealed(FRAMES[1], leaves=2)),
        ("leaves", FRAMES[1]._replace(leaves=3)),
        ("height", resealed(FRAMES[1], height=2)),
        ("previous seal", resealed(FRAMES[1], previous=bytes(32))),
        ("batch root", resealed(FRAMES[1], batch_root=bytes(32))),
        ("journal positions", resealed(FRAMES[1], positions_digest=bytes(8))),
        ("journal positions", FRAMES[1]._replace(positions={0: 5})),
        ("order in time", resealed(FRAMES[1], at_ms=seal.unpack(FRAMES[0].payload[-176:]).at_ms)),
        ("not a seal", FRAMES[1]._replace(payload=FRAMES[1].payload[:178])),
        ("block at leaf 4", FRAMES[1]._replace(payload=b"")),
        ("block at leaf 4", FRAMES[1]._replace(payload=b"x")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_block_that_does_not_continue_the_chain_stops_the_start(what: str, second: Frame) -> None:
    with pytest.raises(LedgerCorrupt, match=what):
        replayed([FRAMES[0], second], None)


def test_a_lock_behind_what_was_published_stops_the_start() -> None:
    check_lock(None, None)
    check_lock(head(2), None)
    check_lock(head(2), head(2))
    for locked in (None, head(1)):
        with pytest.raises(LedgerCorrupt, match="published"):
            check_lock(locked, head(2))
