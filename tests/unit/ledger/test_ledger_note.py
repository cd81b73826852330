"""Signed notes and checkpoints, one of them made by the reference implementation of the format."""

import pytest

from fastemailnet.errors import ProofError
from fastemailnet.ledger import checkpoint, note
from fastemailnet.ledger.checkpoint import Checkpoint
from tests.unit.ledger.samples import KEY, ORIGIN, SEED

REFERENCE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
REFERENCE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
HEAD = Checkpoint(ORIGIN, 20_852_163, bytes(range(32)))
SIGNED = checkpoint.sign(HEAD, KEY)


def test_a_note_of_the_reference_implementation() -> None:
    key = note.parse_verifier_key(REFERENCE_KEY)
    assert str(key) == REFERENCE_KEY
    assert note.verify(note.parse(REFERENCE), [key]) == [key]


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    assert checkpoint.verify(SIGNED, KEY.verifier) == HEAD
    assert SIGNED.split("\n")[:4] == [ORIGIN, "20852163", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert checkpoint.sign(HEAD, note.SignerKey(ORIGIN, SEED)) == SIGNED


def test_every_flipped_bit_of_a_checkpoint_is_refused() -> None:
    octets = SIGNED.encode()
    for at in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises((ProofError, UnicodeDecodeError)):
            checkpoint.verify(flipped.decode(), KEY.verifier)


@pytest.mark.parametrize(
    "body",
    [
        f"{ORIGIN}\n1\n",
        f"{ORIGIN}\n01\n{'A' * 43}=\n",
        f"{ORIGIN}\n-1\n{'A' * 43}=\n",
        f"{ORIGIN}\n٣\n{'A' * 43}=\n",
        f"{ORIGIN}\n{2**63}\n{'A' * 43}=\n",
        f"{ORIGIN}\n{'9' * 40}\n{'A' * 43}=\n",
        f"{ORIGIN}\n1\nAAAA\n",
        f"{ORIGIN}\n1\n{'A' * 42}B=\n",
        f"{ORIGIN}\n1\n{'A' * 43}=\nextension\n",
        f"\n1\n{'A' * 43}=\n",
    ],
)
def test_malformed_bodies(body: str) -> None:
    with pytest.raises(ProofError):
        checkpoint.parse_body(body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n\n",
        "a\n\n— k AAAA\n",
        "a\n\n- k AAAAAAA=\n",
        "a\n\n— k AAAAAAA=",
        "a\n\n— k+l AAAAAAA=\n",
        "a\r\n\n— k AAAAAAA=\n",
    ],
)
def test_malformed_notes(text: str) -> None:
    with pytest.raises(ProofError, match="note"):
        note.parse(text)


def test_signatures_of_unknown_keys_are_ignored_and_bad_ones_of_known_keys_are_not() -> None:
    other = note.SignerKey("other.example/log", bytes(32))
    both = note.parse(SIGNED + note.parse(other.sign(HEAD.body)).signatures[0].line())
    assert note.verify(both, [KEY.verifier]) == [KEY.verifier]
    assert note.verify(both, [KEY.verifier, other.verifier]) == [KEY.verifier, other.verifier]
    bad = note.parse(SIGNED + note.parse(other.sign("something else\n")).signatures[0].line())
    assert note.verify(bad, [KEY.verifier]) == [KEY.verifier]
    with pytest.raises(ProofError, match="signature"):
        note.verify(bad, [KEY.verifier, other.verifier])


def test_a_checkpoint_needs_the_log_itself() -> None:
    other = note.SignerKey("other.example/log", bytes(32))
    with pytest.raises(ProofError, match="signature"):
        checkpoint.verify(other.sign(HEAD.body), KEY.verifier)
    with pytest.raises(ProofError, match="origin"):
        checkpoint.verify(SIGNED, other.verifier)


@pytest.mark.parametrize(
    "text", ["", "a+b", REFERENCE_KEY.replace("c7", "c8"), REFERENCE_KEY.replace("AR", "AA"), REFERENCE_KEY[:-4]]
)
def test_malformed_keys(text: str) -> None:
    with pytest.raises(ProofError, match="policy"):
        note.parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb"])
def test_names_that_a_key_may_not_have(name: str) -> None:
    with pytest.raises(ValueError, match="key name"):
        note.SignerKey(name, SEED)
