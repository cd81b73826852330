"""Hosts that cannot be spoken to are left alone for a while, so that mail to others does not wait behind theirs.

    state      who comes now                              a failure                                a success
    Open       joins the cohort of tries under way        the cohort's last, none succeeded: Paused    Open
    Paused     is refused; the time is over: it probes    of an older try: nothing                 Open
    Probing    is refused                                 of the probe: Paused, for twice as long  Open

A cohort is closed by its first failure: what begins after it belongs to the next. So a host that takes ten connections of twenty
and refuses the others is not paused, and one that is dead costs one cohort, however many mails wait for it. An end of a try that
belongs to no cohort of now is heeded only if it is a success.

What fails decides who pauses. A host that does not answer, or says 421, pauses for all mail; one with which TLS cannot be had as
demanded, or which does not let our account in, pauses for that demand alone: one domain's broken policy is not its neighbours', nor
one route's wrong password (``demand``).
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from fastemailnet.delivery.demand import Demand
from fastemailnet.delivery.route import Target
from fastemailnet.smtp.classify import Fault

MAX_REMEMBERED = 20_000  # hosts, and demands on hosts


class Ending(Enum):
    """What a try to connect showed."""

    ANSWERED = "answered"  # for good or bad: the host is there
    SILENT = "silent"  # no connection, no greeting, or 421
    UNMET = "unmet"  # the demand: no TLS as it wants it, or the account was not let in
    ABANDONED = "abandoned"  # nothing: it was cancelled


@dataclass(frozen=True, slots=True)
class Failure:
    """The last error, for people, and the fault if it is one."""

    text: str
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a pause is: the first one, and the longest that repeated failure leads to. Seconds."""

    first_s: float = 30.0
    longest_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Open:
    """Whoever comes may try."""

    cohort: int = 0
    tries: int = 0  # of the cohort, but those that were abandoned
    failures: int = 0  # of them
    failure: Failure | None = None  # the last of them


@dataclass(frozen=True, slots=True)
class Paused:
    """None may try until a time on the caller's clock; then one may."""

    cohort: int
    length_s: float
    until_s: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class Probing:
    """One tries for all."""

    cohort: int
    length_s: float
    failure: Failure


State = Open | Paused | Probing


def refusal(state: State, now_s: float) -> Paused | Probing | None:
    """Why whoever comes now may not try; None if it may."""
    match state:
        case Open():
            return None
        case Paused():
            return state if now_s < state.until_s else None
        case Probing():
            return state
        case _:
            assert_never(state)


def begin(state: State) -> tuple[State, int]:
    """A try that is not refused begins; with the number of its cohort."""
    match state:
        case Open() if state.failures:
            return state, state.cohort + 1
        case Open():
            return replace(state, tries=state.tries + 1), state.cohort
        case Paused():
            number = state.cohort + 1
            return Probing(number, state.length_s, state.failure), number
        case Probing():
            raise AssertionError("a try began beside the probe")
        case _:
            assert_never(state)


def succeed(state: State) -> State:
    """Any try succeeded. The others that are under way tell nothing bad any more."""
    return Open(state.cohort + 2)  # one is that of tries which began behind a failure


def fail(state: State, cohort: int, failure: Failure, now_s: float, bounds: Bounds) -> State:
    """A try of a cohort failed."""
    if cohort != state.cohort or isinstance(state, Paused):
        return state
    if isinstance(state, Probing):
        length_s = min(2 * state.length_s, bounds.longest_s)
        return Paused(cohort, length_s, now_s + length_s, failure)
    return _judge(replace(state, failures=state.failures + 1, failure=failure), now_s, bounds)


def abandon(state: State, cohort: int, now_s: float, bounds: Bounds) -> State:
    """A try of a cohort was given up: it counts for nothing, and a probe's place is for the next who comes."""
    if cohort != state.cohort or isinstance(state, Paused):
        return state
    if isinstance(state, Probing):
        return Paused(cohort, state.length_s, now_s, state.failure)
    return _judge(replace(state, tries=state.tries - 1), now_s, bounds)


def _judge(state: Open, now_s: float, bounds: Bounds) -> State:
    if state.failure is None or state.failures < state.tries:
        return state
    length_s = min(bounds.first_s, bounds.longest_s)
    return Paused(state.cohort + 1, length_s, now_s + length_s, state.failure)


Place = tuple[Target, Demand | None]  # of a host for all mail, or for what demands the same of it


@dataclass(frozen=True, slots=True)
class Try:
    """One try that is under way: its cohort for all mail to the host, and for mail of its demand."""

    target: Target
    demand: Demand
    cohorts: tuple[int, int]


class Pauses:
    """The states of many hosts; the one that was touched longest ago is forgotten first."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.states: OrderedDict[Place, State] = OrderedDict()

    def refusal(self, target: Target, demand: Demand, now_s: float) -> Paused | Probing | None:
        """Why mail of this demand may not connect to the host now; None if it may."""
        found = (refusal(self._state(place), now_s) for place in _places(target, demand))
        return next((one for one in found if one is not None), None)

    def standing(self, now_s: float) -> dict[Target, tuple[float, str]]:
        """Hosts that are paused for some mail: for how long yet, and after what."""
        return {
            place[0]: (max(0.0, state.until_s - now_s), state.failure.text)
            for place, state in self.states.items()
            if isinstance(state, Paused) and state.until_s > now_s
        }

    def begin(self, target: Target, demand: Demand) -> Try:
        """A try begins that was not refused."""
        whole, own = (self._begin(place) for place in _places(target, demand))
        return Try(target, demand, (whole, own))

    def end(self, ended: Try, ending: Ending, failure: Failure, now_s: float) -> None:
        """A try has ended. ``failure``: what is told to those who are refused for it, if it failed."""
        match ending:
            case Ending.ANSWERED:
                steps = (Ending.ANSWERED, Ending.ANSWERED)
            case Ending.SILENT:
                steps = (Ending.SILENT, Ending.ABANDONED)
            case Ending.UNMET:
                steps = (Ending.ANSWERED, Ending.UNMET)
            case Ending.ABANDONED:
                steps = (Ending.ABANDONED, Ending.ABANDONED)
            case _:
                assert_never(ending)
        for place, cohort, step in zip(_places(ended.target, ended.demand), ended.cohorts, steps, strict=True):
            self._keep(place, self._ended(self._state(place), cohort, step, failure, now_s))

    def _ended(self, state: State, cohort: int, ending: Ending, failure: Failure, now_s: float) -> State:
        if ending is Ending.ANSWERED:
            return succeed(state)
        if ending is Ending.ABANDONED:
            return abandon(state, cohort, now_s, self.bounds)
        return fail(state, cohort, failure, now_s, self.bounds)

    def _begin(self, place: Place) -> int:
        state, cohort = begin(self._state(place))
        self._keep(place, state)
        return cohort

    def _state(self, place: Place) -> State:
        return self.states.get(place, Open())

    def _keep(self, place: Place, state: State) -> None:
        self.states[place] = state
        self.states.move_to_end(place)
        if len(self.states) > MAX_REMEMBERED:
            self.states.popitem(last=False)


def _places(target: Target, demand: Demand) -> tuple[Place, Place]:
    return (target, None), (target, demand)
