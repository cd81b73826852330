"""Who fails too often is not listened to, and takes nobody else down who is behind the same address."""

import pytest

from actors import log_ins
from actors.log_ins import LogIns
from fastemailnet.admission.failures import SPAN_S
from fastemailnet.admission.tenants import Tenant, Tenants, digest_of, new_key
from fastemailnet.errors import LogInsBarred

ACME, OTHER, WRONG = (new_key(bytes([number]) * 32) for number in (1, 2, 3))
NAT = "203.0.113.7"


class World:
    """A gateway's log-ins, its tenants and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ms = 0
        self.tenants = Tenants([Tenant("acme", (digest_of(ACME),)), Tenant("other", (digest_of(OTHER),))])
        monkeypatch.setattr(log_ins, "monotonic_ms", lambda: self.now_ms)
        self.log_ins = LogIns(lambda: self.tenants, 2, lambda peer: peer == "127.0.0.1")

    def says(self, key: str, peer: str = NAT, name: str | None = None) -> str:
        try:
            tenant = self.log_ins.tenant(key, peer, name)
        except LogInsBarred:
            return "barred"
        return "wrong" if tenant is None else tenant.name


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_whoever_was_right_from_there_before_is_not_barred_by_a_neighbour(world: World) -> None:
    assert world.says(ACME) == "acme"
    assert [world.says(WRONG) for _ in range(3)] == ["wrong", "wrong", "barred"]
    assert world.says(ACME) == "acme"
    assert world.says(ACME, name="acme") == "acme"
    assert world.says(ACME, name="other") == "barred"
    assert world.says(OTHER) == "barred"  # never heard from there: to a stranger it says no more than a wrong one
    assert world.says(OTHER, "203.0.113.8") == "other"
    assert world.says(OTHER) == "barred"


def test_a_key_that_is_withdrawn_is_barred_like_others_and_lengthens_nothing(world: World) -> None:
    assert world.says(ACME) == "acme"
    world.tenants = Tenants([Tenant("other", (digest_of(OTHER),))])
    assert [world.says(ACME) for _ in range(100)] == ["wrong", "wrong", *["barred"] * 98]
    world.now_ms += round(SPAN_S * 500)
    assert world.says(OTHER) == "other"


def test_peers_that_need_no_key_are_never_barred(world: World) -> None:
    assert {world.says(WRONG, "127.0.0.1") for _ in range(5)} == {"wrong"}
    assert world.says(ACME, "127.0.0.1") == "acme"
