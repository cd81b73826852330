"""The smallest part of a failing plan that still fails: faults, then mails, then what goes wrong with each.

To leave something out shifts every later draw of chance, so each smaller plan is tried under a few other draws too.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from tests.simulation.plan import Plan

LUCK = (0, 1_000_003, 2_000_003, 3_000_017)
T = TypeVar("T")


def shrink(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """Leave out what is not needed, until nothing more can be left out."""
    while True:
        lucky = (replace(smaller, seed=plan.seed + luck) for smaller in _smaller(plan) for luck in LUCK)
        found = next(filter(fails, lucky), None)
        if found is None:
            return plan
        plan = found


def _smaller(plan: Plan) -> Iterator[Plan]:
    for strikes in _parts(plan.strikes):
        yield replace(plan, strikes=strikes)
    for mails in _parts(plan.mails):
        yield replace(plan, mails=mails)
    for index, mail in enumerate(plan.mails):
        for count in range(len(mail.harms)):
            fewer = replace(mail, harms=mail.harms[:count])
            yield replace(plan, mails=(*plan.mails[:index], fewer, *plan.mails[index + 1 :]))


def _parts(whole: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    """What is left without a half, a quarter, … one of it."""
    size = len(whole) // 2
    while size:
        for at in range(0, len(whole), size):
            yield whole[:at] + whole[at + size :]
        size //= 2
    if len(whole) == 1:
        yield ()
