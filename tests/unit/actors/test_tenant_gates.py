"""A tenant's thresholds and actions come from a file and rule that tenant's mail alone."""

from pathlib import Path

import pytest

from actors import build, gates
from actors.examine import Examiner, Ruling, look
from fastemailnet.config import load
from fastemailnet.envelope import Lane
from fastemailnet.errors import ConfigError
from tests.unit.actors.test_examiner_and_classifier import BODY, scorer

TABLE = """
["acme"]
hold_threshold = 0.6
bulk = "reject"

["lenient"]
reject_threshold = 0.0
standard = "accept"
"""


def written(folder: Path, text: str) -> dict[str, str]:
    path = folder / "tenants.toml"
    path.write_text(text)
    return {"FASTEMAILNET_CLASSIFIER__TENANTS": str(path), "FASTEMAILNET_CLASSIFIER__REJECT_THRESHOLD": "0.95"}


@pytest.mark.parametrize(
    ("tenant", "lane", "bad", "ruling"),
    [
        ("acme", Lane.STANDARD, 0.7, Ruling.HOLD),
        ("acme", Lane.STANDARD, 0.5, Ruling.SEND),
        ("acme", Lane.STANDARD, 0.96, Ruling.REJECT),
        ("acme", Lane.BULK, 0.7, Ruling.REJECT),
        ("lenient", Lane.STANDARD, 0.99, Ruling.SEND),
        ("lenient", Lane.BULK, 0.99, Ruling.HOLD),
        ("other", Lane.BULK, 0.7, Ruling.SEND),
        ("other", Lane.BULK, 0.85, Ruling.HOLD),
        ("other", Lane.STANDARD, 0.96, Ruling.REJECT),
    ],
)
async def test_a_tenant_is_ruled_by_its_own_table(
    tmp_path: Path, tenant: str, lane: Lane, bad: float, ruling: Ruling
) -> None:
    gate = gates.gate(load(None, written(tmp_path, TABLE)), 0.8, 0.98)
    examined = await Examiner(scorer(bad), gate, None).examine(look(BODY, with_text=True), lane, tenant=tenant)
    assert examined.ruling is ruling


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[acme]\nbulk = 'tag'\n", "classifier.tenants 'acme': bulk"),
        ("[acme]\nhold = 0.5\n", "classifier.tenants 'acme': hold"),
        ("acme = 1\n", "classifier.tenants 'acme'"),
        ("[acme\n", "classifier.tenants"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_the_start(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        build.check(load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)} | written(tmp_path, text)))
