"""Both stores of bodies, by the same contract: a folder, and a bucket of a real S3 server."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.bodies import Bodies
from actors.clock import wall_ms
from fastemailnet.blobs.bucket import Bucket, BucketBlobs
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.blobs.interface import Blobs
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.errors import BlobAltered, BlobError, BlobMissing
from tests.integration.s3_world import S3Server

OLD, NEW = "2020-02-29/A", "2999-12-31/A"
LARGE = os.urandom(1_000_000)


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    if request.param == "folder":
        yield FolderBlobs(tmp_path / "blobs")
    else:
        s3: S3Server = request.getfixturevalue("s3")
        yield BucketBlobs(s3.bucket)


def test_what_was_put_is_got(blobs: Blobs) -> None:
    blobs.check()
    for octets in (b"", b"\r\n.\r\n\x00\xff", LARGE):
        blobs.put(NEW, octets)
        assert blobs.get(NEW) == octets


def test_what_is_not_there_is_missing(blobs: Blobs) -> None:
    with pytest.raises(BlobMissing, match=NEW):
        blobs.get(NEW)
    blobs.put(NEW, b"x")
    with pytest.raises(BlobMissing):
        blobs.get(f"{NEW}B")


def test_days_that_nobody_needs_are_swept_and_no_others(blobs: Blobs) -> None:
    assert blobs.sweep(wall_ms()) == 0
    kept = [NEW, "2999-12-31/B", "not a day/A"]
    for key in (OLD, "2020-02-29/B", "2020-03-01/A", *kept):
        blobs.put(key, key.encode())
    assert blobs.sweep(wall_ms()) == 2
    assert blobs.sweep(wall_ms()) == 0
    assert [blobs.get(key).decode() for key in kept] == kept
    with pytest.raises(BlobMissing):
        blobs.get(OLD)


async def test_a_large_body_goes_out_and_comes_in_and_an_altered_one_does_not(blobs: Blobs) -> None:
    bodies = Bodies(blobs, 1_000)
    people = (Recipient("a@x.example", 0),)
    small = Unit(bytes(16), Lane.BULK, "", wall_ms(), 1, "", people, "x.example", False, b"s" * 1_000)
    assert await bodies.put_out([small]) == [small]
    assert [one.body for one in await bodies.put_out([small, small])] == [b"", b""]  # together they are large
    large = [Unit(bytes(16), Lane.BULK, "", wall_ms(), 1, "", people, name, False, LARGE) for name in ("a", "b")]
    out = await bodies.put_out(large)
    assert [(one.body, one.domain) for one in out] == [(b"", "a"), (b"", "b")]
    assert [await bodies.bring_in(one) for one in out] == large
    assert await bodies.put_out(out) == out
    blob = out[0].blob
    assert blob is not None
    blobs.put(blob.key, LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
    with pytest.raises(BlobAltered):
        await bodies.bring_in(out[0])


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blobs = FolderBlobs(tmp_path / "file" / "blobs")
    for call in (blobs.check, lambda: blobs.put(NEW, b"x"), lambda: blobs.get(NEW)):
        with pytest.raises(BlobError, match="blobs"):
            call()


def test_a_put_that_was_cut_off_leaves_nothing_that_is_found(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put(OLD, b"x")
    part = tmp_path / "2020-02-29" / ".B.1.0.part"
    part.write_bytes(b"half")
    with pytest.raises(BlobMissing):
        blobs.get("2020-02-29/B")
    assert blobs.sweep(wall_ms()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_that_cannot_be_used_says_so(s3: S3Server) -> None:
    for wrong in (
        Bucket("another", "", s3.endpoint, "us-east-1", "fen", s3.bucket.secret),
        Bucket("mail", "", s3.endpoint, "us-east-1", "fen", "wrong"),
    ):
        blobs = BucketBlobs(wrong)
        for call in (blobs.check, lambda blobs=blobs: blobs.put(NEW, b"x"), lambda blobs=blobs: blobs.sweep(0)):
            with pytest.raises(BlobError, match=f"s3://{wrong.name}"):
                call()


async def test_a_server_that_is_away_or_hangs_is_an_error_that_passes(s3: S3Server) -> None:
    bodies = Bodies(BucketBlobs(s3.bucket), 1_000, patience_s=2)
    people = (Recipient("a@x.example", 0),)
    units = [Unit(bytes(16), Lane.BULK, "", wall_ms(), 1, "", people, "x", False, LARGE)]
    (out,) = await bodies.put_out(units)
    assert s3.process is not None
    s3.process.send_signal(signal.SIGSTOP)
    with pytest.raises(BlobError, match="did not answer within 2 s"):
        await bodies.bring_in(out)
    s3.stop()
    with pytest.raises(BlobError) as away:
        await bodies.put_out(units)
    assert away.value.retriable
    s3.start()
    assert await bodies.bring_in(out) == units[0]
