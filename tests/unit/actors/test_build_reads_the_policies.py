"""What the settings say about doubts reaches the coordinator, lane by lane."""

import pytest

from actors import build
from fastemailnet.config import load
from fastemailnet.envelope import Lane
from fastemailnet.errors import ConfigError
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.flashsync.node import INTENT_MAX_AGE_MS, TTL_MS


def test_each_lane_has_its_own_policy_for_its_streams() -> None:
    policy = build.policy(load(None, {"FASTEMAILNET_IN_DOUBT__STANDARD": "hold"}))
    expected = {Lane.TRANSACTIONAL: Verdict.RETRY, Lane.STANDARD: None, Lane.BULK: Verdict.ASSUME_RELAYED}
    for lane, verdict in expected.items():
        assert policy.verdicts[lane.stream] is verdict
        assert policy.verdicts[lane.ordered_stream] is verdict


def test_a_doubt_is_never_resolved_while_its_node_could_still_end_it() -> None:
    least = build.policy(load(None, {"FASTEMAILNET_IN_DOUBT__RETRY_DELAY_S": "40"}))
    assert least.doubt_ms > TTL_MS + INTENT_MAX_AGE_MS
    with pytest.raises(ConfigError, match="retry_delay_s"):
        load(None, {"FASTEMAILNET_IN_DOUBT__RETRY_DELAY_S": "39"})
