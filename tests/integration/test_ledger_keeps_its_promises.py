"""What a keeper gives to others: receipts, timelines, erasure, a checked start, and a fsck that sees everything."""

import os
import sqlite3
from pathlib import Path

import msgspec
import pytest

from fastemailnet import ids
from fastemailnet.archive.reader import Reader
from fastemailnet.errors import LedgerCorrupt, LedgerError, NotFound
from fastemailnet.ledger import checkpoint, leaf, policy, proof
from fastemailnet.ledger.fact import LeafType
from fastemailnet.ledger.receipt import verify_receipt
from tests.integration.ledger_world import entries, feed, journal_of, keeper, opened
from tests.unit.ledger.samples import NOW_MS, ORIGIN, fact


def test_the_receipt_of_a_delivery_is_that_of_its_end(tmp_path: Path) -> None:
    one = opened(tmp_path)
    end = fact(7)
    story = [
        msgspec.structs.replace(end, type=kind, at_ms=NOW_MS + number, attempt=number)
        for number, kind in enumerate([LeafType.ACCEPTED, LeafType.DEFERRED, LeafType.RELAYED, LeafType.DSN])
    ]
    one.append(story[:2], {0: 2}, NOW_MS)
    one.flush(NOW_MS)
    assert verify_receipt(one.receipt(end.delivery), str(one.verifier)).leaf.type is LeafType.DEFERRED
    one.append(story[2:], {0: 4}, NOW_MS)
    one.flush(NOW_MS)
    assert verify_receipt(one.receipt(end.delivery), str(one.verifier)).leaf.type is LeafType.RELAYED
    verified = [verify_receipt(text, one._reader.policy()) for text in one.receipts(end.delivery)]  # its file
    assert [receipt.leaf.type for receipt in verified] == [event.type for event in story]
    assert {receipt.message for receipt in verified} == {ids.to_text(end.message)}
    rows = one.timeline(end.message)
    assert [(row.type, row.attempt, row.recipient, row.detail) for row in rows] == [
        (event.type, event.attempt, event.recipient, event.detail) for event in story
    ]
    one.close()


def test_a_reader_beside_the_keeper_sees_what_is_published(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Reader(tmp_path)
    one, journal = opened(tmp_path), journal_of(20)
    reader = Reader(tmp_path)
    one.append(journal, {0: 20}, NOW_MS)
    with pytest.raises(NotFound, match=ids.to_text(journal[3].delivery)):
        reader.receipt(journal[3].delivery)
    assert reader.timeline(journal[3].message) == one.timeline(journal[3].message) == []
    one.flush(NOW_MS)
    assert verify_receipt(reader.receipt(journal[3].delivery), reader.policy()).leaf_index == 3
    assert reader.timeline(journal[3].message) == one.timeline(journal[3].message)
    assert checkpoint.verify(reader.checkpoint(), one.verifier).size == one.size == 21
    reader.close()
    one.close()


def test_time_alone_seals_and_publishes(tmp_path: Path) -> None:
    one, journal = opened(tmp_path), journal_of(3)
    feed(one, journal, 1)
    one.append(journal[1:], {0: 3}, NOW_MS)
    one.tick(NOW_MS + 100)
    assert one.positions() == {0: 1}
    one.tick(NOW_MS + 200)
    assert (one.positions(), one.size) == ({0: 3}, 5)
    assert checkpoint.verify(one.checkpoint(), one.verifier).size == 2
    one.tick(NOW_MS + 1_000)
    assert checkpoint.verify(one.checkpoint(), one.verifier).size == 5
    one.close()


def test_published_checkpoints_are_provably_consistent(tmp_path: Path) -> None:
    one, journal = opened(tmp_path), journal_of(900)
    heads = [checkpoint.verify(one.checkpoint(), one.verifier)]
    for upto in (1, 299, 300, 900):
        feed(one, journal, upto)
        heads.append(checkpoint.verify(one.checkpoint(), one.verifier))
    for old in heads:
        for new in heads[heads.index(old) :]:
            path = one.consistency(old.size, new.size)
            proof.verify_consistency(old.size, old.root, new.size, new.root, path)
    with pytest.raises(ValueError, match="published tree has"):
        one.consistency(1, heads[-1].size + 1)
    one.close()


def test_erasing_a_person_leaves_noise_and_every_other_proof(tmp_path: Path) -> None:
    one = opened(tmp_path)
    journal = [fact(number, recipient="Person.Of.Interest@example.com" if number % 2 else None) for number in range(10)]
    feed(one, journal, 9)
    one.append(journal[9:], {0: 10}, NOW_MS)  # still in memory when the person is erased
    assert one.erase("Person.Of.Interest@EXAMPLE.com", NOW_MS) == 5
    one.flush(NOW_MS)
    with pytest.raises(NotFound):
        one.receipt(journal[1].delivery)
    assert one.timeline(journal[1].message) == []
    verify_receipt(one.receipt(journal[2].delivery), str(one.verifier))
    assert leaf.unpack(entries(tmp_path)[-2]).type is LeafType.ERASURE
    assert one.fsck().findings == ()
    for _ in range(2):  # also while the keeper is open, and its store's write-ahead file with it
        kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert b"Person.Of.Interest" not in kept
        assert journal[1].salt not in kept
        assert b"User2@" in kept
        assert journal[2].salt in kept
        one.close()


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    seed = tmp_path / "seed"
    one = opened(tmp_path)
    feed(one, journal_of(1), 1)
    one.close()
    octets = seed.read_bytes()
    assert len(octets) == 32
    assert seed.stat().st_mode & 0o777 == 0o600
    again = opened(tmp_path)
    assert again.verifier == one.verifier
    assert seed.read_bytes() == octets
    again.close()
    seed.chmod(0o640)
    with pytest.raises(LedgerError, match="0600"):
        opened(tmp_path)
    seed.chmod(0o600)
    seed.write_bytes(octets[:-1])
    with pytest.raises(LedgerError, match="31"):
        opened(tmp_path)
    seed.write_bytes(os.urandom(32))
    with pytest.raises(LedgerCorrupt, match="not signed by the key"):
        opened(tmp_path)
    seed.unlink()
    with pytest.raises(LedgerError, match="missing"):
        opened(tmp_path)
    assert not seed.exists()


def test_a_keeper_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    one = keeper(tmp_path)
    with pytest.raises(LedgerError, match="not open"):
        one.append([], {}, NOW_MS)
    one.open()
    one.close()
    with pytest.raises(LedgerError, match="closed"):
        one.tick(NOW_MS)


def test_a_bad_fact_is_refused_and_the_keeper_goes_on(tmp_path: Path) -> None:
    one, journal = opened(tmp_path), journal_of(3)
    with pytest.raises(ValueError, match="salt"):
        one.append([msgspec.structs.replace(journal[0], salt=b"")], {0: 1}, NOW_MS)
    feed(one, journal, 3)
    assert one.size == 4
    one.close()


def test_the_policy_file_trusts_this_log(tmp_path: Path) -> None:
    one = opened(tmp_path)
    (key,) = policy.parse((tmp_path / "export" / "policy.txt").read_text()).logs
    assert key == one.verifier
    assert key.name == ORIGIN
    one.close()


def damage_file(directory: Path, pattern: str) -> None:
    (path,) = [path for path in directory.glob(pattern) if path.is_file() and path.stat().st_size]
    octets = bytearray(path.read_bytes())
    octets[-1] ^= 1
    path.write_bytes(octets)


def damage_row(directory: Path, statement: str) -> None:
    db = sqlite3.connect(directory / "receipts.db")
    db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    ("finding", "damage"),
    [
        ("tile/0/000:", lambda d: damage_file(d, "export/tile/0/000")),
        ("tile/0/001.p/46:", lambda d: damage_file(d, "export/tile/0/001.p/46")),
        ("tile/1/000.p/1:", lambda d: damage_file(d, "export/tile/1/000.p/1")),
        ("tile/entries/000:", lambda d: damage_file(d, "export/tile/entries/000")),
        ("tile/entries/001.p/46:", lambda d: damage_file(d, "export/tile/entries/001.p/46")),
        ("is missing", lambda d: (d / "export/tile/0/000").unlink()),
        ("published checkpoint", lambda d: damage_file(d, "export/checkpoint")),
        ("journal", lambda d: damage_file(d, "journal/*.wal")),
        (
            "openings",
            lambda d: damage_row(
                d, "UPDATE opening SET fact = (SELECT fact FROM opening WHERE leaf = 5) WHERE leaf = 6"
            ),
        ),
        ("openings", lambda d: damage_row(d, "UPDATE opening SET leaf = 100 WHERE leaf = 6")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_fsck_sees_every_kind_of_damage(tmp_path: Path, finding: str, damage: object) -> None:
    one = opened(tmp_path)
    feed(one, journal_of(300), 100)
    feed(one, journal_of(300), 300)
    report = one.fsck()
    assert (report.leaves, report.blocks, report.openings, report.torn_octets, report.findings) == (302, 2, 300, 0, ())
    damage(tmp_path)  # type: ignore[operator]  # a function of the list above
    report = one.fsck()
    assert not report.sound
    assert any(finding in text for text in report.findings), report.findings
    one.close()


def test_a_file_of_the_tree_that_changed_stops_the_next_start(tmp_path: Path) -> None:
    one = opened(tmp_path)
    feed(one, journal_of(300), 300)
    one.close()
    damage_file(tmp_path, "export/tile/0/000")
    with pytest.raises(LedgerCorrupt, match="never change"):
        opened(tmp_path)
