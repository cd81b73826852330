"""The commands of the README against one running fleet, over a stop and a second start on the same data."""

import json
import os
import shutil
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.demo import free_ports
from fastemailnet.client import Client
from fastemailnet.errors import MessageError

SAMPLES = Path(__file__).parents[2] / "examples" / "mail"
START_S = 90.0


class Terminal:
    """A shell with the settings of one fleet."""

    def __init__(self, data: Path) -> None:
        http, smtp, inbox = free_ports(3)
        self.http, self.smtp, self.data = http, smtp, data
        self.config = data.parent / "fastemailnet.toml"
        self.config.write_text(
            f'[fleet]\nnodes = 1\ndata = "{data}"\n[gateway]\nhttp_port = {http}\nsmtp_port = {smtp}\n[sandbox]\nsmtp_port = {inbox}\n'
            'store_bodies = true\n[classifier]\ntimeout_ms = 20000\n[score_action]\nstandard = "tag"\n'
        )

    def run(self, *words: str, code: int = 0) -> str:
        """One command of the CLI; its output."""
        command = [sys.executable, "-m", "actors.main", *words, "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def up(self) -> subprocess.Popen[str]:
        """Start the fleet and wait until it answers."""
        command = [sys.executable, "-m", "actors.main", "up", "--config", str(self.config)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + START_S
        with Client(f"http://127.0.0.1:{self.http}") as client:
            while not client.is_up():
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.2)
        return process

    def settled(self) -> dict[str, int]:
        """The balance once nothing is open."""
        deadline = time.monotonic() + 30
        while True:
            figures = self.data.parent / "balance.json"
            self.run("balance", "--json", str(figures))
            balance: dict[str, int] = json.loads(figures.read_text())
            if not balance["open"]:
                return balance
            assert time.monotonic() < deadline, balance
            time.sleep(0.2)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A running fleet."""
    shell = Terminal(tmp_path_factory.mktemp("fleet") / "data")
    process = shell.up()
    yield shell
    process.terminate()
    process.wait(30)


def test_files_are_sent_traced_and_proved(terminal: Terminal, tmp_path: Path) -> None:
    message = terminal.run("send", str(SAMPLES / "01-plain-text.eml")).split()[0]
    assert terminal.settled()["difference"] == 0
    trace = terminal.run("trace", message)
    assert "accepted" in trace
    assert "relayed" in trace
    receipt = tmp_path / "receipt.txt"
    terminal.run("receipt", "get", message, "--out", str(receipt))
    assert "state=recorded" in terminal.run("receipt", "verify", str(receipt))
    forged = tmp_path / "forged.txt"
    forged.write_text(receipt.read_text().replace("index ", "index 1", 1))
    assert "error" in terminal.run("receipt", "verify", str(forged), code=1)
    assert "node-0" in terminal.run("status")


def test_broken_mail_is_refused_with_what_where_and_which_limit(terminal: Terminal, tmp_path: Path) -> None:
    broken = tmp_path / "broken.eml"
    broken.write_bytes(b"Subject: no sender\r\n\r\nhello\r\n")
    assert "refused" in terminal.run("send", str(broken), "--from", "a@example.org", "--to", "b@example.org", code=1)
    with Client(f"http://127.0.0.1:{terminal.http}") as client, pytest.raises(MessageError, match="without @"):
        client.send(b"From: a@example.org\r\n\r\nx\r\n", recipients=["nobody"])
    with smtplib.SMTP("127.0.0.1", terminal.smtp) as smtp:
        smtp.ehlo("test.example")
        smtp.docmd("MAIL FROM:<a@example.org>")
        assert smtp.docmd("RCPT TO:<b@exa mple.org>")[0] in (501, 553)
        smtp.docmd("RCPT TO:<b@example.org>")
        smtp.docmd("DATA")
        smtp.send(b"From: a@example.org\r\n\r\nsmuggled\n.\r\nMAIL FROM:<evil@example.org>\r\n.\r\n")
        code, text = smtp.getreply()
        assert code == 554
        assert b"bare" in text


def test_phish_goes_out_with_the_tag_that_classify_said(terminal: Terminal) -> None:
    phish = str(SAMPLES / "16-phish.eml")
    assert terminal.run("classify", phish, code=1).startswith("tag ")
    message = terminal.run("send", phish).split()[0]
    assert terminal.settled()["difference"] == 0
    deadline = time.monotonic() + 30
    while "relayed" not in (trace := terminal.run("trace", message)):  # its copy is deferred for a moment
        assert time.monotonic() < deadline, trace
    assert "goes on as a copy that is tagged: phish score " in trace
    assert "(tagged: phish score " in trace
    lines = (terminal.data / "inbox" / "received.jsonl").read_text().splitlines()
    (arrival,) = [one for one in map(json.loads, lines) if one["message"] == message]
    (kept,) = (terminal.data / "inbox" / "bodies").glob(f"*-{arrival['sha256'][:16]}.eml")
    assert b"\nX-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=" in kept.read_bytes()


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed (apt install swaks)")
def test_swaks_submits(terminal: Terminal) -> None:
    server = f"127.0.0.1:{terminal.smtp}"
    command = ["swaks", "--server", server, "--from", "a@example.org", "--to", "b@example.org,bounce@x.example"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout
    message = done.stdout.split("queued as ")[1].split()[0]
    assert terminal.settled()["difference"] == 0
    assert "no such mailbox" in terminal.run("trace", message)


def test_the_driver_script_joins_the_running_fleet(terminal: Terminal) -> None:
    script = SAMPLES.parent / "driver.py"
    command = [sys.executable, str(script), "--config", str(terminal.config)]
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "joined the running fleet" in done.stdout
        assert "difference 0" in done.stdout


def test_wrong_settings_say_which_key(terminal: Terminal, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[route]\nknid = 'mx'\n")
    command = [sys.executable, "-m", "actors.main", "status", "--config", str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 1
    assert "route.knid" in done.stderr
    assert "did you mean 'route.kind'" in done.stderr


def test_down_stops_everything_and_the_next_up_goes_on(tmp_path: Path) -> None:
    shell = Terminal(tmp_path / "data")
    first = shell.up()
    shell.run("send", str(SAMPLES))
    shell.run("down")
    assert first.wait(30) == 0
    assert not (shell.data / "fleet.json").exists()
    assert "no fleet is running" in shell.run("down", code=1)
    second = shell.up()
    try:
        balance = shell.settled()
        assert balance["difference"] == 0
        assert balance["accepted"] >= 16
        lines = (shell.data / "inbox" / "received.jsonl").read_text().splitlines()
        arrived = [(json.loads(x)["message"], r) for x in lines for r in json.loads(x)["recipients"]]
        assert len(arrived) - len(set(arrived)) <= balance["in_doubt"]
    finally:
        second.send_signal(2)
        assert second.wait(30) == 0
