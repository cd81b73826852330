"""Sites that share hosts or a provider, and sites that are forgotten."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fastemailnet.delivery.demand import PLAIN
from fastemailnet.delivery.exchanger import Hop
from fastemailnet.delivery.gate import throttle_of
from fastemailnet.delivery.route import Target
from fastemailnet.delivery.shaping.limits import parse_rate
from fastemailnet.delivery.shares import Key, Shares, What
from fastemailnet.delivery.terms import Ceilings, Terms, uniform
from fastemailnet.delivery.throttle import Pace
from fastemailnet.envelope import Lane
from fastemailnet.net.door import Claim, Door, TurnIsFarError
from fastemailnet.net.doors import Doors

HOP = Hop(Target("mx", 25), ("192.0.2.1",))


def terms(domain: str, hosts: Sequence[str]) -> Terms:
    """Of one site, where one domain belongs to a provider and the other does not."""
    if domain == "of.example":
        return Terms("site", Ceilings(2), "big", Ceilings(100))
    return Terms("site", Ceilings(2))


async def enter(door: Door) -> None:
    await door.enter(Claim(), HOP.target, PLAIN)


@pytest.mark.parametrize("domains", [("of.example", "not.example"), ("not.example", "of.example")])
async def test_domains_of_one_site_keep_its_ceiling_whoever_is_of_a_provider(domains: tuple[str, str]) -> None:
    doors = Doors(terms, Shares(0, 1, 0.0))
    first, second = (doors.of(domain, [HOP]) for domain in domains)
    for _ in range(2):
        assert doors.of("of.example", [HOP]).scopes[1].ceilings == Ceilings(100)
        assert doors.of("not.example", [HOP]).site.ceilings == Ceilings(2)
    await enter(first)
    await enter(second)
    waiting = [asyncio.create_task(enter(door)) for door in (first, second)]
    await asyncio.sleep(0)
    assert first.site.busy == second.site.busy == 2
    first.leave(None)
    second.leave(None)
    await asyncio.sleep(0)
    assert all(one.done() for one in waiting)
    for door in (first, second):
        door.leave(None)
    assert [scope.busy for scope in (*doors.sites.values(), *doors.providers.values())] == [0, 0]


async def test_whoever_leaves_one_door_of_a_site_wakes_who_waits_at_the_other() -> None:
    doors = Doors(terms, Shares(0, 1, 0.0))
    inner, outer = doors.of("of.example", [HOP]), doors.of("not.example", [HOP])
    for left, waited in ((inner, outer), (outer, inner)):
        await enter(left)
        await enter(left)
        waiting = asyncio.create_task(enter(waited))
        await asyncio.sleep(0)
        left.leave(None)
        await asyncio.sleep(0)
        assert waiting.done()
        waited.leave(None)
        left.leave(None)


class Closed:
    is_open = False


async def test_sites_whose_connections_were_closed_by_their_peers_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fastemailnet.net.doors.MAX_DOORS", 10)
    doors = Doors(uniform(Ceilings(2)), Shares(0, 1, 0.0))
    for number in range(100):
        door = doors.of("b.example", [Hop(Target(f"mx{number}", 25), ("192.0.2.1",))])
        door.idle.append(Closed())  # type: ignore[arg-type]
        for scope in door.scopes:
            scope.resting[door] = None
    assert len(doors.doors) <= 11
    assert len(doors.sites) <= 11
    assert len(doors.at) <= 11


def looks_of(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Doors]:
    """One entry for each call of a method of ``Doors`` from now on."""
    looked: list[Doors] = []
    real = getattr(Doors, name)

    def counted(doors: Doors) -> None:
        looked.append(doors)
        real(doors)

    monkeypatch.setattr(Doors, name, counted)
    return looked


async def test_a_slow_site_is_not_forgotten_before_its_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastemailnet.net.doors.MAX_DOORS", 10)
    slow = Ceilings(2, messages=Pace(1 / 3_600, 1.0))
    doors = Doors(uniform(slow), Shares(0, 1, 0.0))
    door = doors.of("slow.example", [HOP])
    await enter(door)
    door.leave(None)
    for number in range(100):
        doors.of("b.example", [Hop(Target(f"mx{number}", 25), ("192.0.2.1",))])
    assert len(doors.doors) <= 11
    with pytest.raises(TurnIsFarError):
        doors.of("slow.example", [HOP]).refuse_far(Claim(delays_s=(15.0, 60.0)))
    looked = looks_of(monkeypatch, "_forget")
    for number in range(100, 1_000):
        await enter(doors.of("b.example", [Hop(Target(f"mx{number}", 25), ("192.0.2.1",))]))
    assert len(looked) < 10


SLOW = throttle_of("acme", parse_rate("60/h"))
THROTTLED = Claim(delays_s=(15.0, 60.0), throttle=SLOW)


async def test_a_throttle_lets_one_through_and_tells_the_next_when_its_turn_is() -> None:
    doors = Doors(terms, Shares(0, 1, 0.0))
    doors.refuse_far(THROTTLED)
    await doors.take_turn(THROTTLED)
    with pytest.raises(TurnIsFarError, match=r"at throttle of acme \(1 message a minute\); 0 wait, 1 come") as far:
        await doors.take_turn(THROTTLED)
    assert 55 < far.value.put_off.turn_s <= 60
    with pytest.raises(TurnIsFarError):
        doors.refuse_far(THROTTLED)
    for free in (Claim(delays_s=(15.0,)), Claim(delays_s=(15.0,), throttle=throttle_of("other", parse_rate("60/h")))):
        doors.refuse_far(free)
        await doors.take_turn(free)
    assert doors.status() == {"throttle of acme": "0 wait, 2 come again later; at most 1 message a minute"}


@pytest.mark.parametrize("lane", list(Lane))
async def test_whoever_is_throttled_comes_again_behind_all_others_however_urgent_its_lane_is(lane: Lane) -> None:
    doors = Doors(terms, Shares(0, 1, 0.0))
    claim = replace(THROTTLED, lane=lane)
    await doors.take_turn(claim)
    turns: list[float] = []
    for _ in range(3):
        with pytest.raises(TurnIsFarError) as far:
            await doors.take_turn(claim)
        turns.append(round(far.value.put_off.turn_s))
    assert turns == [60, 120, 180]


async def test_many_may_go_through_a_quick_throttle_at_once() -> None:
    doors = Doors(terms, Shares(0, 1, 0.0))
    quick = Claim(throttle=throttle_of("acme", parse_rate("1000/s,max_burst=200")))
    await asyncio.wait_for(asyncio.gather(*(doors.take_turn(quick) for _ in range(200))), 10)


async def test_a_throttle_is_not_forgotten_before_its_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastemailnet.net.doors.MAX_THROTTLES", 10)
    doors = Doors(uniform(Ceilings(2)), Shares(0, 1, 0.0))
    await doors.take_turn(THROTTLED)
    for number in range(100):
        await doors.take_turn(Claim(throttle=throttle_of(f"tenant{number}", parse_rate("9000000000/s"))))
    assert len(doors.throttles) <= 11
    with pytest.raises(TurnIsFarError):
        doors.refuse_far(THROTTLED)


async def test_throttles_that_are_all_in_use_are_not_looked_through_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastemailnet.net.doors.MAX_THROTTLES", 10)
    looked = looks_of(monkeypatch, "_forget_throttles")
    doors = Doors(uniform(Ceilings(2)), Shares(0, 1, 0.0))
    for number in range(1_000):
        await doors.take_turn(Claim(throttle=throttle_of(f"tenant{number}", parse_rate("60/h"))))
    assert len(doors.throttles) == 1_000
    assert len(looked) < 10
    for door in doors.throttles.values():
        door.site.messages.tat_s = 0.0  # a minute later
    for number in range(1_000, 2_000):
        await doors.take_turn(Claim(throttle=throttle_of(f"tenant{number}", parse_rate("9000000000/s"))))
    assert len(doors.throttles) < 20


async def test_a_throttle_s_part_is_asked_of_the_fleet() -> None:
    doors = Doors(terms, Shares(0, 2, -100.0))
    await doors.take_turn(THROTTLED)
    assert doors.wants(1.0) == {}  # nobody waits
    waiting = asyncio.create_task(doors.take_turn(Claim(throttle=SLOW)))
    await asyncio.sleep(0)
    limit, want, _ = doors.wants(1.0)[Key("throttle of acme", What.MESSAGE_RATE)]
    assert (limit, want) == (1 / 60, 2.0)
    with pytest.raises(TurnIsFarError) as far:
        doors.refuse_far(THROTTLED)
    assert 200 < far.value.put_off.turn_s <= 240  # behind one, at half the rate
    waiting.cancel()
    await asyncio.sleep(0)
    limit, want, _ = doors.wants(1.0)[Key("throttle of acme", What.MESSAGE_RATE)]
    assert (limit, want) == (1 / 60, 1 / 60)  # who comes again
    doors.of_throttle(SLOW).site.messages.tat_s = 0.0  # its turn is now, and it is not here
    assert doors.wants(1.0)[Key("throttle of acme", What.MESSAGE_RATE)][1] == 0.0
