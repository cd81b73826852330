"""A tenant's thresholds and actions come from a file and rule that tenant's mail alone."""

from pathlib import Path

import pytest

from actors import build, gates
from actors.examine import Examiner, look
from fastemailnet.config import load
from fastemailnet.delivery.gate import Ruling
from fastemailnet.delivery.shaping.limits import Rate
from fastemailnet.envelope import Lane
from fastemailnet.errors import ConfigError
from tests.unit.actors.test_examiner_and_classifier import BODY, scorer

TABLE = """
["acme"]
hold_threshold = 0.6
throttle = "30/h"
bulk = "reject"
["acme".transactional]
action = "throttle"
hold_threshold = 0.3
reject_threshold = 0.0

["lenient"]
reject_threshold = 0.0
standard = "accept"
bulk = "tag"
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
        ("acme", Lane.TRANSACTIONAL, 0.3, Ruling.THROTTLE),
        ("acme", Lane.TRANSACTIONAL, 0.99, Ruling.THROTTLE),
        ("acme", Lane.TRANSACTIONAL, 0.29, Ruling.SEND),
        ("lenient", Lane.BULK, 0.99, Ruling.TAG),
        ("lenient", Lane.TRANSACTIONAL, 0.99, Ruling.HOLD),
        ("other", Lane.BULK, 0.7, Ruling.SEND),
        ("other", Lane.BULK, 0.85, Ruling.HOLD),
        ("other", Lane.STANDARD, 0.96, Ruling.REJECT),
    ],
)
async def test_a_tenant_is_ruled_by_its_own_table(
    tmp_path: Path, tenant: str, lane: Lane, bad: float, ruling: Ruling
) -> None:
    gate = gates.gate(load(None, written(tmp_path, TABLE)), 0.8)
    examined = await Examiner(scorer(bad), gate, None).examine(look(BODY, with_text=True), lane, tenant=tenant)
    assert examined.ruling is ruling


def test_a_tenant_s_throttle_is_its_own_or_that_of_all(tmp_path: Path) -> None:
    gate = gates.gate(load(None, written(tmp_path, TABLE)), 0.8)
    assert (gate.of("acme").throttle, gate.of("lenient").throttle) == (Rate(30, 3_600.0), Rate(60, 3_600.0))
    assert gate.of("other").throttle == gate.throttle


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[acme]\nbulk = 'slow'\n", "classifier.tenants 'acme': bulk.action.* 'tag', 'throttle', 'hold' or 'reject'"),
        (
            "[acme.bulk]\nhold_threshold = 2\n",
            "classifier.tenants 'acme': bulk.hold_threshold.* less than or equal to 1",
        ),
        ("[acme.bulk]\nthrottle = '1/s'\n", "classifier.tenants 'acme': bulk.throttle"),
        ("[acme]\nthrottle = 'slowly'\n", "classifier.tenants 'acme': throttle.* 'slowly'.*: must be a rate"),
        (
            "[acme]\nhold_threshold = 0.9\nreject_threshold = 0.5\n",
            r"'acme': reject_threshold.* 0.5: .*0 or at least its hold_threshold \(0.9\)$",
        ),
        (
            "[acme]\nreject_threshold = 0.5\n[acme.bulk]\nhold_threshold = 0.9\n",
            r"'acme': reject_threshold.* 0.5: .*0 or at least its hold_threshold \(0.9\), in lane bulk",
        ),
        (
            "[acme]\nhold_threshold = 0.5\n[acme.bulk]\nreject_threshold = 0.4\n",
            r"'acme': bulk.reject_threshold.* 0.4: .*0 or at least its hold_threshold \(0.5\), in lane bulk",
        ),
        (
            "[acme.standard]\nhold_threshold = 0.96\n",
            r"'acme': standard.hold_threshold.* 0.96: .*at most classifier.reject_threshold \(0.95\)",
        ),
        (
            "[acme]\nhold = 0.5\n",
            "classifier.tenants 'acme': hold.* 0.5: is none of hold_threshold, reject_threshold, throttle, trans",
        ),
        (
            "[acme.bulk]\nactoin = 'tag'\n",
            "'acme': bulk.actoin.* 'tag': is none of hold_threshold, reject_threshold, action; did you mean 'action'",
        ),
        ("[acme.blk]\naction = 'tag'\n", r"'acme': blk\" = \(a table\): is none of .*; did you mean 'bulk'"),
        ("acme = 1\n", "setting \"classifier.tenants 'acme'\" = 1: must be a table$"),
        ("[acme\n", "classifier.tenants"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_the_start(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        build.check(load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)} | written(tmp_path, text)))
