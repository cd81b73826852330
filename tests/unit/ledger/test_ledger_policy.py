"""Trust policies: which lines are taken, and which signers make a quorum."""

import pytest

from fastemailnet.errors import ProofError
from fastemailnet.ledger import note, policy
from fastemailnet.ledger.note import COSIGNATURE_V1, VerifierKey
from tests.unit.ledger.samples import KEY

LOG = KEY.verifier
WITNESSES = [VerifierKey(f"witness{n}.example", COSIGNATURE_V1, bytes([n]) * 32) for n in range(6)]
NESTED = "\n".join(
    [
        "# two organisations",
        f"log {LOG} https://mail.example.com/ledger",
        *(f"witness\tX{n}  {WITNESSES[n]}" for n in range(3)),
        "  group X 2 X0 X1 X2",
        *(f"witness Y{n} {WITNESSES[n]}" for n in range(3, 6)),
        "group Y any Y3 Y4 Y5",
        "",
        "group both all X Y",
        "quorum both",
    ]
)


@pytest.mark.parametrize(
    ("signed", "holds"),
    [
        ({0, 1, 3}, True),
        ({0, 2, 5}, True),
        ({0, 1, 2}, False),
        ({0, 3, 4, 5}, False),
        (set(), False),
        (set(range(6)), True),
    ],
)
def test_nested_groups(signed: set[int], holds: bool) -> None:
    assert policy.parse(NESTED).cosigned(WITNESSES[n] for n in signed) is holds


def test_no_quorum_asks_for_no_witness() -> None:
    parsed = policy.parse(policy.render(LOG))
    assert parsed == policy.of_log(LOG) == policy.parse(str(LOG))
    assert parsed.cosigned([])


def test_a_single_witness_as_quorum() -> None:
    parsed = policy.parse(f"log {LOG}\nwitness w {WITNESSES[0]}\nquorum w\n")
    assert parsed.cosigned([WITNESSES[0]])
    assert not parsed.cosigned([WITNESSES[1]])
    assert not parsed.cosigned([LOG])


@pytest.mark.parametrize(
    "text",
    [
        f"log {LOG}\n",
        f"log {LOG}\nquorum none\nquorum none\n",
        f"log {LOG}\nlog {LOG}\nquorum none\n",
        f"log {WITNESSES[0]}\nquorum none\n",
        f"witness w {LOG}\nquorum none\n",
        f"witness w {WITNESSES[0]}\nwitness w {WITNESSES[1]}\nquorum none\n",
        f"witness w {WITNESSES[0]}\nwitness v {WITNESSES[0]}\nquorum none\n",
        f"witness none {WITNESSES[0]}\nquorum none\n",
        f"witness w {WITNESSES[0]}\ngroup g 2 w\nquorum g\n",
        f"witness w {WITNESSES[0]}\ngroup g 0 w\nquorum g\n",
        f"witness w {WITNESSES[0]}\ngroup g any w w\nquorum g\n",
        f"witness w {WITNESSES[0]}\ngroup g any w\ngroup h any w\nquorum h\n",
        "group g any w\nquorum none\n",
        "quorum somebody\n",
        "trust me\nquorum none\n",
        "\n" * 2_000,
    ],
)
def test_policies_that_break_a_rule(text: str) -> None:
    with pytest.raises(ProofError, match="policy"):
        policy.parse(text)


def test_a_vkey_names_its_type() -> None:
    assert note.parse_verifier_key(str(WITNESSES[0])) == WITNESSES[0]
