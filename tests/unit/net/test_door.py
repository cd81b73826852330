"""What a door expects of its site."""

import asyncio

import pytest

from fastemailnet.delivery.demand import PLAIN
from fastemailnet.delivery.route import Target
from fastemailnet.delivery.shares import LEASE_S, Answer, Grant, Key, Shares, What
from fastemailnet.delivery.terms import Ceilings, Terms
from fastemailnet.delivery.throttle import Pace
from fastemailnet.delivery.waiting import PutOff
from fastemailnet.net.clock import since_boot_s
from fastemailnet.net.door import Claim, Door, TurnIsFarError
from fastemailnet.net.scope import Scope

CEILINGS = Ceilings(10)
STALL_S = 40.0
STALLED = 18  # mails in work when the host stood still


async def test_one_stall_does_not_make_a_site_slow_for_all_who_come_after() -> None:
    now_s = asyncio.get_running_loop().time()
    door = Door(Terms("site", CEILINGS), (Scope("site", CEILINGS, Shares(0, 1, now_s)),))
    before_s = door.held_s
    for _ in range(STALLED):
        door.site.busy += 1
        door.leave(None, now_s - STALL_S)
    assert before_s < door.held_s < STALL_S / 50


async def test_a_site_that_is_slow_is_known_to_be() -> None:
    now_s = asyncio.get_running_loop().time()
    door = Door(Terms("site", CEILINGS), (Scope("site", CEILINGS, Shares(0, 1, now_s)),))
    for _ in range(100):
        door.site.busy += 1
        door.leave(None, now_s - 3.0)
    assert 2.5 < door.held_s < 3.5


def door_of(ceilings: Ceilings, shares: Shares | None = None) -> Door:
    shares = shares or Shares(0, 1, asyncio.get_running_loop().time())
    return Door(Terms("site", ceilings), (Scope("site", ceilings, shares),))


def lend_nothing(*whats: What) -> Shares:
    """What a node has while others must give back first."""
    now_s = since_boot_s()
    shares = Shares(0, 2, now_s)
    shares.answered(Answer((1, 1), {Key("site", what): Grant(10.0, 0.0) for what in whats}), now_s, now_s)
    return shares


async def test_who_was_lent_nothing_of_the_pace_of_connections_comes_again_soon() -> None:
    door = door_of(Ceilings(10, new_connections=Pace(10.0)), lend_nothing(What.CONNECTION_RATE))
    with pytest.raises(TurnIsFarError) as raised:
        await door.may_connect(Claim(delays_s=(15.0, 60.0)))
    assert raised.value.put_off == PutOff(15.0, 15.0)
    now_s = asyncio.get_running_loop().time()
    assert door.site.is_wanted(now_s)
    assert door.site.wants(1.0, now_s)[Key("site", What.CONNECTION_RATE)][1] == 1 / 60


async def test_who_is_put_off_by_the_pace_of_connections_again_is_one_still() -> None:
    door = door_of(Ceilings(10, new_connections=Pace(10.0)), lend_nothing(What.CONNECTION_RATE))
    turn_s = None
    for _ in range(3):
        claim = Claim(delays_s=(15.0, 60.0), turn_s=turn_s)
        await door.enter(claim, Target("a", 25), PLAIN)
        with pytest.raises(TurnIsFarError) as raised:
            await door.may_connect(claim)
        door.leave(None)
        turn_s = raised.value.put_off.turn_s
    now_s = asyncio.get_running_loop().time()
    assert door.site.wants(1.0, now_s)[Key("site", What.CONNECTION_RATE)][1] == 1 / 60


async def test_who_is_new_and_put_off_takes_nobody_elses_place_among_those_to_come() -> None:
    door = door_of(Ceilings(1, messages=Pace(0.01)))
    assert door.enter_idle()
    now_s = asyncio.get_running_loop().time()
    door.site.later.put(now_s + 1.0)
    with pytest.raises(TurnIsFarError):
        await door.enter(Claim(delays_s=(15.0, 60.0)), Target("a", 25), PLAIN)
    assert door.site.later.count(now_s) == 2


async def test_who_waits_for_the_pace_of_connections_hears_when_more_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastemailnet.net.door.LOOK_EVERY_S", 0.0)
    shares = lend_nothing(What.CONNECTION_RATE)
    door = door_of(Ceilings(10, new_connections=Pace(10.0)), shares)
    waiting = asyncio.create_task(door.may_connect(Claim()))
    await asyncio.sleep(0)
    now_s = since_boot_s()
    shares.answered(Answer((1, 2), {Key("site", What.CONNECTION_RATE): Grant(10.0, 10.0)}), now_s, now_s)
    await asyncio.wait_for(waiting, 10)


async def test_who_was_put_off_and_came_again_is_not_said_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    door = door_of(Ceilings(1, messages=Pace(0.01)))
    assert door.enter_idle()
    with pytest.raises(TurnIsFarError) as raised:
        await door.enter(Claim(delays_s=(15.0, 60.0)), Target("a", 25), PLAIN)
    now_s = asyncio.get_running_loop().time()
    assert "1 come again later" in door.status(now_s)
    door.bind(Terms("site", Ceilings(1)))  # somebody took the pace away
    door.leave(None)
    await door.enter(Claim(delays_s=(15.0, 60.0), turn_s=raised.value.put_off.turn_s), Target("a", 25), PLAIN)
    assert "0 come again later" in door.status(now_s)


async def test_who_waits_longer_than_its_patience_is_put_off_and_stands_before_nobody() -> None:
    door = door_of(Ceilings(10), lend_nothing(What.CONNECTIONS))
    for claim in (Claim(delays_s=(15.0, 60.0), patience_s=0.0), Claim(patience_s=0.0)):
        with pytest.raises(TurnIsFarError) as raised:
            await door.enter(claim, Target("a", 25), PLAIN)
        assert raised.value.put_off.delay_s == min(claim.delays_s, default=0.0)
    assert len(door.waiting) == 0
    assert door.site.is_idle


async def test_who_is_cancelled_or_turned_away_stands_before_nobody() -> None:
    door = door_of(Ceilings(10), lend_nothing(What.CONNECTIONS))
    waiting = [asyncio.create_task(door.enter(Claim(), Target("a", 25), PLAIN)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    list(door.waiting.entries())[1].turn.set_exception(RuntimeError("turned away"))
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(door.waiting) == 0
    assert door.site.is_idle


async def test_a_place_that_was_given_to_who_is_cancelled_just_then_is_given_back() -> None:
    door = door_of(Ceilings(1))
    await door.enter(Claim(), Target("a", 25), PLAIN)
    waiting = asyncio.create_task(door.enter(Claim(), Target("a", 25), PLAIN))
    await asyncio.sleep(0)
    door.leave(None)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert door.site.busy == 0
    assert door.site.is_idle


@pytest.mark.parametrize("lag_s", [LEASE_S + 1.0, 3_600.0])
async def test_what_is_lent_ends_by_the_clock_since_boot(lag_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's time stands still while the process does in the middle of a turn (uvloop), or the machine (suspended)."""
    loop, then_s = asyncio.get_running_loop(), since_boot_s() - LEASE_S - 1.0
    monkeypatch.setattr(loop, "time", lambda: since_boot_s() - lag_s)
    shares = Shares(0, 2, then_s)
    shares.answered(Answer((1, 1), {Key("site", What.CONNECTIONS): Grant(4.0, 4.0)}), then_s, then_s)
    assert door_of(Ceilings(4), shares).site.places() == 2
    assert Scope("other", Ceilings(4), shares).places() == 2


async def test_a_place_that_was_just_taken_ahead_of_mail_does_not_make_its_site_stand_still() -> None:
    door = door_of(Ceilings(1))
    assert door.enter_idle()
    door.refuse_far(Claim(delays_s=(15.0, 60.0)))
    waiting = asyncio.create_task(door.enter(Claim(delays_s=(15.0, 60.0)), Target("a", 25), PLAIN))
    await asyncio.sleep(0)
    door.leave(None)
    await asyncio.sleep(0)
    assert waiting.done()
