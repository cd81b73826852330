"""Receipts: what they prove, and that every lie fails in the step that is there to catch it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fastemailnet.errors import ProofError
from fastemailnet.ledger import note, receipt
from fastemailnet.ledger.fact import LeafType
from fastemailnet.ledger.note import COSIGNATURE_V1, VerifierKey
from fastemailnet.ledger.receipt import State, verify_receipt
from tests.unit.ledger.samples import KEY, ORIGIN, small_receipt

TEXT, LOG = small_receipt()
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = VerifierKey("witness.example/w1", COSIGNATURE_V1, WITNESS.public_key().public_bytes_raw())
POLICY = f"log {LOG}\nwitness w {WITNESS_KEY}\nquorum w\n"


def with_extra(change: Callable[[Any], object]) -> str:
    """The receipt with its extra line changed, still canonical."""
    lines = TEXT.split("\n")
    extra = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))
    change(extra)
    octets = json.dumps(extra, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    lines[1] = "extra " + base64.b64encode(octets).decode()
    return "\n".join(lines)


def with_lines(change: Callable[[list[str]], object]) -> str:
    lines = TEXT.split("\n")
    change(lines)
    return "\n".join(lines)


def set_item(*path: str | int, value: object) -> Callable[[Any], object]:
    def change(extra: Any) -> None:
        for step in path[:-1]:
            extra = extra[step]
        extra[path[-1]] = value

    return change


def cosigned(at_s: int = 1_760_000_000) -> str:
    signed = TEXT.partition("\n\n")[2]
    body = note.parse(signed).text
    octets = at_s.to_bytes(8, "big") + WITNESS.sign(note.cosigned_text(body, at_s).encode())
    return TEXT + note.Signature(WITNESS_KEY.name, WITNESS_KEY.key_id, octets).line()


def test_what_a_receipt_proves() -> None:
    verified = verify_receipt(TEXT, str(LOG))
    assert (verified.checkpoint.origin, verified.checkpoint.size, verified.leaf_index) == (ORIGIN, 6, 2)
    assert verified.leaf.type is LeafType.RELAYED
    assert verified.openings["rcpt"] == "User2@example.com"
    assert verified.openings["detail"] == {"mx": "mx1.example.com", "port": 25, "reply": "250 2.0.0 Ok: queued as 2"}
    assert verified.block.leaves == 5
    assert verified.block.first == 0
    assert verified.state is State.RECORDED
    assert not verified.witnesses
    assert [step.name for step in verified.steps] == [
        "format", "leaf", "openings", "delivery", "inclusion", "signature", "witnesses", "block",
    ]  # fmt: skip  # the order of the steps, on one line
    found = {step.name: step.found for step in verified.steps}
    assert found["leaf"].startswith("relayed at 20")
    assert found["leaf"].endswith("Z")


def test_the_format_is_that_of_the_published_vector() -> None:
    vector = json.loads((Path(__file__).parents[2] / "vectors" / "ledger_receipt.json").read_text())
    assert (vector["receipt"], vector["vkey"]) == (TEXT, str(LOG))


def test_the_text_is_a_tlog_proof() -> None:
    lines = TEXT.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 2"
    assert lines[6:9] == ["", ORIGIN, "6"]
    assert all(len(base64.b64decode(line)) == 32 for line in lines[3:6])


def test_every_flipped_bit_fails() -> None:
    octets = TEXT.encode()
    for at in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises((ProofError, UnicodeDecodeError)):
            verify_receipt(flipped.decode(), str(LOG))


def test_every_cut_and_every_addition_fails() -> None:
    for at in range(len(TEXT)):
        with pytest.raises(ProofError):
            verify_receipt(TEXT[:at], str(LOG))
    for addition in ("\n", " ", "A", "— k AAAAAAAA"):
        with pytest.raises(ProofError):
            verify_receipt(TEXT + addition, str(LOG))


SIGNED_BY_NOBODY = note.Signature(ORIGIN, LOG.key_id, b"s" * 64).line()[:-1]
SIGNED_BY_NO_KEY = note.Signature(ORIGIN, b"none", b"s" * 64).line()[:-1]
ZERO = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("format", with_lines(lambda lines: lines.__setitem__(0, "c2sp.org/tlog-proof@v2"))),
        ("format", with_lines(lambda lines: lines.__setitem__(2, "index 02"))),
        ("format", with_lines(lambda lines: lines.__setitem__(2, "index two"))),
        ("format", with_lines(lambda lines: lines.__setitem__(3, "AAAA"))),
        ("extra", with_extra(set_item("more", value=1))),
        ("extra", with_extra(lambda extra: extra.pop("leaf"))),
        ("extra", with_extra(set_item("openings", "rcpt", value=3))),
        ("leaf", with_extra(set_item("leaf", value=ZERO))),
        ("leaf", with_extra(set_item("leaf", value="="))),
        ("openings", with_extra(set_item("openings", "rcpt", "value", value="someone@else.example"))),
        ("openings", with_extra(set_item("openings", "rcpt", "salt", value=ZERO))),
        ("openings", with_extra(set_item("openings", "rcpt", "salt", value="AAAA"))),
        ("openings", with_extra(set_item("openings", "detail", "value", value="text"))),
        ("openings", with_extra(set_item("openings", "detail", "value", "port", value=26))),
        ("openings", with_extra(set_item("openings", "detail", "value", "port", value=2**60))),
        ("openings", with_extra(set_item("openings", "content", "value", value="00"))),
        ("openings", with_extra(set_item("openings", "content", "value", value="zz"))),
        ("openings", with_extra(set_item("openings", "more", value={"salt": ZERO, "value": ""}))),
        ("delivery", with_extra(set_item("delivery", "recipient", value=1))),
        ("delivery", with_extra(set_item("delivery", "recipient", value=-1))),
        ("delivery", with_extra(set_item("delivery", "message", value="x"))),
        ("delivery", with_extra(set_item("delivery", "message", value="7" * 26))),
        ("inclusion", with_lines(lambda lines: lines.__setitem__(2, "index 3"))),
        ("inclusion", with_lines(lambda lines: lines.__setitem__(2, "index 6"))),
        ("inclusion", with_lines(lambda lines: lines.__setitem__(3, ZERO))),
        ("inclusion", with_lines(lambda lines: lines.pop(3))),
        ("inclusion", with_lines(lambda lines: lines.insert(3, ZERO))),
        ("inclusion", with_lines(lambda lines: lines.__setitem__(9, ZERO))),
        ("inclusion", with_lines(lambda lines: lines.__setitem__(8, "0"))),
        ("checkpoint", with_lines(lambda lines: lines.__setitem__(8, "06"))),
        ("checkpoint", with_lines(lambda lines: lines.insert(10, "extension"))),
        ("signature", with_lines(lambda lines: lines.__setitem__(7, "mail.example.com/other"))),
        ("signature", with_lines(lambda lines: lines.__setitem__(-2, SIGNED_BY_NOBODY))),
        ("signature", with_lines(lambda lines: lines.__setitem__(-2, SIGNED_BY_NO_KEY))),
        ("note", with_lines(lambda lines: lines.__setitem__(-2, "— ?"))),
        ("block", with_extra(set_item("block", "index", value=4))),
        ("block", with_extra(set_item("block", "path", 0, value=ZERO))),
        ("block", with_extra(set_item("block", "path", value=[]))),
        ("block", with_extra(set_item("block", "leaf", value=ZERO))),
    ],
    ids=lambda value: value if len(value) < 20 else "",
)  # fmt: skip  # one lie a line
def test_a_lie_fails_in_its_step(step: str, text: str) -> None:
    with pytest.raises(ProofError, match=rf"^{step}: "):
        verify_receipt(text, str(LOG))


def test_another_log_is_not_trusted() -> None:
    other = note.SignerKey(ORIGIN, bytes(32)).verifier
    with pytest.raises(ProofError, match=r"^signature"):
        verify_receipt(TEXT, str(other))


def test_a_seal_of_another_block_is_refused() -> None:
    def claim_itself(extra: Any) -> None:
        extra["block"]["leaf"] = extra["leaf"]

    with pytest.raises(ProofError, match=r"^block"):
        verify_receipt(with_extra(claim_itself), str(LOG))


def test_witnesses_make_a_receipt_witnessed() -> None:
    verified = verify_receipt(cosigned(), POLICY)
    assert verified.state is State.WITNESSED
    assert verified.witnesses == (WITNESS_KEY.name,)
    assert verify_receipt(cosigned(), str(LOG)).state is State.RECORDED


def test_a_missing_or_false_cosignature_fails() -> None:
    with pytest.raises(ProofError, match=r"^witnesses"):
        verify_receipt(TEXT, POLICY)
    false = cosigned().replace(cosigned()[-20:-10], "A" * 10)
    with pytest.raises(ProofError, match=r"^signature"):
        verify_receipt(false, POLICY)


def test_some_fields_can_be_shown_without_the_others() -> None:
    shown = receipt.disclose(TEXT, ["content"])
    verified = verify_receipt(shown, str(LOG))
    assert set(verified.openings) == {"content"}
    assert b"User2" not in base64.b64decode(shown.split("\n")[1].removeprefix("extra "))
    with pytest.raises(ProofError, match="rcpt"):
        receipt.disclose(shown, ["rcpt"])


def test_the_signer_of_the_samples_is_the_log() -> None:
    assert KEY.verifier == LOG


def test_the_tenant_of_a_receipt_can_be_read_without_trusting_it() -> None:
    assert receipt.tenant_of(TEXT) == verify_receipt(TEXT, str(LOG)).openings["tenant"]
    assert receipt.tenant_of(receipt.disclose(TEXT, ["content"])) is None
