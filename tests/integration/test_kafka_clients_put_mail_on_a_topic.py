"""Programs that know nothing of us produce mail to a real broker, and a fleet on that broker delivers it."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from actors.journal_check import check_journal
from tests.integration.kafka_clients import producer
from tests.integration.kafka_log_world import settings_on
from tests.integration.test_a_fleet_in_one_process import house

ROOT = Path(__file__).parents[2]
MAIL = ROOT / "examples" / "mail"


async def test_a_plain_client_s_mail_is_delivered_and_what_is_malformed_is_kept(
    tmp_path: Path, bootstrap: str, prefix: str
) -> None:
    given = settings_on(bootstrap, prefix, tmp_path)
    async with house(tmp_path, **given) as fleet:
        fleet.start_node("a")
        one = producer({"bootstrap_servers": bootstrap})
        topic = f"{prefix}mail.bulk"
        for number, path in enumerate(sorted(MAIL.glob("*.eml"))):
            one.send(topic, path.read_bytes(), headers=[("fen-to", f"r{number}@x.example".encode())], key=b"k")
        several = [("fen-to", b"a@one.example"), ("fen-to", b"b@two.example"), ("fen-from", b"")]
        one.send(topic, (MAIL / "01-plain-text.eml").read_bytes(), headers=several)
        one.send(topic, b"no message")
        one.send(topic, None, key=b"a tombstone")
        one.flush()
        one.close()
        balance = await fleet.until(lambda b: b["relayed"] == 18 and b["dead"] == 2)
        assert (balance["accepted"], balance["open"], balance["deferred"]) == (20, 0, 0)
        assert len(fleet.arrivals()) == 18
        assert check_journal(fleet.log, tmp_path / "inbox" / "received.jsonl").violations == []
    consumer = KafkaConsumer(
        f"{prefix}dead", bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000
    )
    kept = [json.loads(next(consumer).value) for _ in range(2)]
    consumer.close()
    assert all("no From field" in " ".join(entry["reasons"]) for entry in kept)


async def test_a_producer_s_transactions_leave_no_trace(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    given = settings_on(bootstrap, prefix, tmp_path)
    message = (MAIL / "01-plain-text.eml").read_bytes()
    async with house(tmp_path, **given) as fleet:
        fleet.start_node("a")
        one = producer({"bootstrap_servers": bootstrap}, transactional_id=f"{prefix}t")
        one.init_transactions()
        for number, ends in enumerate((one.commit_transaction, one.abort_transaction, one.commit_transaction)):
            one.begin_transaction()
            one.send(
                f"{prefix}mail.standard", message, partition=0, headers=[("fen-to", f"r{number}@x.example".encode())]
            )
            one.flush()
            ends()
        one.close()
        balance = await fleet.until(lambda b: b["relayed"] == 2)
        await asyncio.sleep(0.3)
        assert (balance["accepted"], fleet.auditor.balance()["dead"]) == (2, 0)
        assert [line["recipients"] for line in fleet.arrivals()] == [["r0@x.example"], ["r2@x.example"]]
        assert check_journal(fleet.log).violations == []


async def test_the_examples_of_the_guide_deliver(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    kcat = shutil.which("kcat")
    if kcat is None:
        pytest.skip("NOT RUN: kcat is not installed (the test set-up installs it by apt)")
    given = settings_on(bootstrap, prefix, tmp_path)
    async with house(tmp_path, **given) as fleet:
        fleet.start_node("a")
        by_kcat = [kcat, "-P", "-b", bootstrap, "-t", f"{prefix}mail.standard", "-X", "acks=all"]
        by_kcat += [
            "-X",
            "enable.idempotence=true",
            "-H",
            "fen-from=bounces@shop.example",
            "-H",
            "fen-to=ann@mail.example",
        ]
        by_kcat += ["-H", "fen-to=bob@post.example", str(MAIL / "03-password-reset.eml")]
        await asyncio.to_thread(subprocess.run, by_kcat, check=True, timeout=60)
        example = [sys.executable, "examples/kafka_producer.py", "--bootstrap", bootstrap, "--prefix", prefix]
        example += ["--lane", "transactional", "--from", "", "--to", "eve@x.example", str(MAIL / "01-plain-text.eml")]
        told = await asyncio.to_thread(subprocess.run, example, cwd=ROOT, check=True, timeout=60, capture_output=True)
        await fleet.until(lambda b: b["relayed"] == 3)
        arrived = {tuple(line["recipients"]): line for line in fleet.arrivals()}  # type: ignore[arg-type]
        assert set(arrived) == {("ann@mail.example",), ("bob@post.example",), ("eve@x.example",)}
        assert arrived["ann@mail.example",]["sender"] == "bounces@shop.example"
        assert arrived["eve@x.example",]["message"] == told.stdout.decode().split()[0]
