"""Programs that are not ours verify what the ledger publishes, and refuse it once an octet is changed."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pymerkle import InmemoryTree  # type: ignore[import-untyped]  # it has no stubs

from fastemailnet.archive.keeper import Keeper
from fastemailnet.ledger import checkpoint
from tests.integration.ledger_world import entries, feed, journal_of, opened

SOURCE = Path(__file__).parent / "foreign"
FACTS = 700
JOURNAL = journal_of(FACTS)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier made of golang.org/x/mod/sumdb and transparency-dev/merkle."""
    if shutil.which("go") is None:
        pytest.skip(
            "NOT RUN: Go is not installed (the test set-up installs it by apt), so no foreign program saw the ledger"
        )
    built = tmp_path_factory.mktemp("foreign") / "ledgercheck"
    subprocess.run(["go", "build", "-buildvcs=false", "-o", str(built), "."], cwd=SOURCE, check=True, timeout=300)
    return built


@pytest.fixture
def ledger(tmp_path: Path) -> Keeper:
    """A ledger with three published checkpoints; the older two are kept as files."""
    one = opened(tmp_path / "ledger")
    for number, upto in enumerate((100, 420, FACTS)):
        feed(one, JOURNAL, upto)
        (tmp_path / f"checkpoint{number}").write_text(one.checkpoint())
    return one


def run(program: Path, ledger: Keeper, mode: str, files: list[Path]) -> dict[str, str]:
    site = ledger._directory / "export"  # the program is told where to look
    command = [str(program), str(site), str(ledger.verifier), mode, *map(str, files)]
    lines = subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()
    return {name: json.loads(verdict) for name, verdict in (line.split("\t") for line in lines)}


def test_go_verifies_receipts(tmp_path: Path, program: Path, ledger: Keeper) -> None:
    files = []
    for number in range(0, FACTS, 50):
        files.append(tmp_path / f"{number}.tlog-proof")
        files[-1].write_text(ledger.receipt(JOURNAL[number].delivery))
    assert run(program, ledger, "receipts", files) == {file.name: "ok" for file in files}


def test_go_refuses_receipts_with_an_octet_changed(tmp_path: Path, program: Path, ledger: Keeper) -> None:
    octets = ledger.receipt(JOURNAL[333].delivery).encode()
    lines = octets.split(b"\n")
    begin = len(lines[0]) + 1 + len(lines[1]) + 1  # what stock verifiers read begins behind the extra line
    files = []
    for at in range(begin, len(octets)):
        if octets[at + 1 : at + 2] == b"=":
            continue  # the low bits of this letter are padding, which Go's base64 ignores and ours refuses
        files.append(tmp_path / f"{at}.tlog-proof")
        files[-1].write_bytes(octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :])
    extra = json.loads(base64.b64decode(lines[1].removeprefix(b"extra ")))
    leaf = bytearray(base64.b64decode(extra["leaf"]))
    leaf[20] ^= 1
    changed = json.dumps({**extra, "leaf": base64.b64encode(leaf).decode()}).encode()
    files.append(tmp_path / "leaf.tlog-proof")
    files[-1].write_bytes(b"\n".join([lines[0], b"extra " + base64.b64encode(changed), *lines[2:]]))
    verdicts = run(program, ledger, "receipts", files)
    assert len(verdicts) == len(files)
    assert [name for name, verdict in verdicts.items() if verdict == "ok"] == []


def test_go_verifies_the_site_and_that_it_only_grew(tmp_path: Path, program: Path, ledger: Keeper) -> None:
    older = [tmp_path / f"checkpoint{number}" for number in range(3)]
    assert set(run(program, ledger, "site", older).values()) == {"ok"}


@pytest.mark.parametrize(
    "pattern", ["tile/0/000", "tile/0/002.p/*", "tile/1/000.p/2", "tile/entries/001", "checkpoint"]
)
def test_go_refuses_a_site_with_a_bit_flipped(tmp_path: Path, program: Path, ledger: Keeper, pattern: str) -> None:
    site = ledger._directory / "export"  # damaged on purpose
    for path in site.glob(pattern):
        octets = bytearray(path.read_bytes())
        octets[len(octets) // 2] ^= 4
        path.write_bytes(octets)
    (verdict,) = run(program, ledger, "site", [tmp_path / "checkpoint1"]).values()
    assert verdict != "ok"
    assert not ledger.fsck().sound


def test_pymerkle_finds_the_same_roots(tmp_path: Path, ledger: Keeper) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries(tmp_path / "ledger"):
        tree.append_entry(entry)
    for number in range(3):
        head = checkpoint.verify((tmp_path / f"checkpoint{number}").read_text(), ledger.verifier)
        assert tree.get_root(head.size) == head.root
