"""The bound on what the gateway holds of requests."""

import pytest

from fastemailnet.errors import LimitExceeded
from fastemailnet.web.submit import Intake


def test_requests_over_the_limit_are_refused_until_others_are_done():
    intake = Intake(100)
    first = intake.grow(0, 60)
    with pytest.raises(LimitExceeded):
        intake.grow(0, 41)
    second = intake.grow(0, 30)
    with pytest.raises(LimitExceeded):
        intake.grow(second, 41)
    second = intake.grow(second, 40)
    assert intake.octets == 100
    intake.grow(first, 0)
    assert intake.grow(0, 60) == 60


def test_a_lone_request_is_served_however_large():
    intake = Intake(100)
    assert intake.grow(0, 1_000) == 1_000
    assert intake.grow(1_000, 0) == intake.octets == 0
