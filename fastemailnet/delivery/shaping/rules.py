"""Automation: what is done, and for how long, when a reply has certain words.

A rule reads ``code enhanced-code text`` in one line, as KumoMTA's does, and finds its pattern anywhere in it. KumoMTA's patterns are
those of Rust's fancy-regex; most mean the same to Python. One that Python cannot read, or would read otherwise (``[[:alpha:]]``,
``[a&&b]``), is refused when the file is read, and so is a repeat within a repeat such as ``(a+)+``: what a stranger replies could keep
it busy for ever. What is left to read is bounded (``MAX_READ_CHARACTERS``).

    action             what it does, for the rule's duration
    Suspend            no mail to the site
    SuspendTenant      no mail of the tenant to the domain
    SuspendCampaign    the same: units have no campaign, and without one KumoMTA does that
    SetConfig          another value of an option, for the site
    SetDomainConfig    the same for the domain alone, which is a site of its own as long
    Bounce             mail to the domain comes back
    BounceTenant       the tenant's mail to the domain comes back
    BounceCampaign     the same
"""

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as patterns  # type: ignore[attr-defined]
from typing import Any, Final

from fastemailnet.delivery.shaping.limits import Rate, parse_duration, parse_rate
from fastemailnet.delivery.shaping.options import HEEDED, PATH, nearest
from fastemailnet.errors import ConfigError
from fastemailnet.outcome import Outcome
from fastemailnet.smtp.classify import MAX_READ_CHARACTERS

KEY_DIGITS: Final = 16
MAX_PATTERN_CHARACTERS: Final = 1_000
MAX_THRESHOLD: Final = 10_000  # hits that are counted for one rule at one site
FIELDS: Final = {"regex": 0, "action": 0, "trigger": 0, "duration": 0, "match_internal": 0}


class Act(StrEnum):
    """What a rule may do."""

    SUSPEND = "Suspend"
    SUSPEND_TENANT = "SuspendTenant"
    SUSPEND_CAMPAIGN = "SuspendCampaign"
    SET_CONFIG = "SetConfig"
    SET_DOMAIN_CONFIG = "SetDomainConfig"
    BOUNCE = "Bounce"
    BOUNCE_TENANT = "BounceTenant"
    BOUNCE_CAMPAIGN = "BounceCampaign"


SETS: Final = (Act.SET_CONFIG, Act.SET_DOMAIN_CONFIG)
BOUNCES: Final = (Act.BOUNCE, Act.BOUNCE_TENANT, Act.BOUNCE_CAMPAIGN)
OF_TENANT: Final = (Act.SUSPEND_TENANT, Act.SUSPEND_CAMPAIGN, Act.BOUNCE_TENANT, Act.BOUNCE_CAMPAIGN)
OF_CAMPAIGN: Final = (Act.SUSPEND_CAMPAIGN, Act.BOUNCE_CAMPAIGN)


@dataclass(frozen=True, slots=True)
class Action:
    """One of a rule's. ``option`` and ``value`` of those that set one, the value as it was read."""

    act: Act
    option: str = ""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply as rules read it. Internal: no peer said it, we did."""

    text: str
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One automation entry. ``key``: the same for the same rule of the same block, in every process and at every start."""

    key: str
    where: str  # file and block
    patterns: tuple[re.Pattern[str], ...]
    actions: tuple[Action, ...]
    threshold: Rate | None  # None: the first hit triggers
    duration_s: float
    match_internal: bool = False

    @property
    def shown(self) -> str:
        """The rule for people."""
        return " | ".join(pattern.pattern for pattern in self.patterns)

    def matches(self, heard: Heard) -> bool:
        """Whether it is about this reply."""
        if heard.is_internal and not self.match_internal:
            return False
        text = heard.text[:MAX_READ_CHARACTERS]
        return any(pattern.search(text) for pattern in self.patterns)


def heard_in(outcome: Outcome) -> Heard:
    """What an outcome lets rules read: the reply in one line, or our own words."""
    status = ".".join(map(str, outcome.enhanced)) + " " if outcome.enhanced is not None else ""
    if outcome.reply is None:
        code_class = outcome.status[0] if outcome.status is not None else 4
        return Heard(f"{code_class}00 {status}internal: {' '.join(outcome.reason.split())}", is_internal=True)
    return Heard(f"{outcome.reply.code} {status}{' '.join(outcome.reply.text.split())}")


def read_rule(given: Any, block: str, where: str) -> Rule:
    """One entry of ``automation``. ``block``: whose it is, in every file; ``where``: file and block, for people.

    Raises:
        ConfigError: what is wrong, and where.
    """
    if not isinstance(given, dict):
        raise ConfigError(f"{where} automation", repr(given), "must be a table")
    for name in given:
        if name not in FIELDS:
            raise ConfigError(f"{where} automation {name}", repr(given[name]), "is no field", nearest(name, FIELDS))
    for name in ("regex", "action", "duration"):
        if name not in given or given[name] == []:
            raise ConfigError(f"{where} automation {name}", "none", "must be set")
    texts = given["regex"] if isinstance(given["regex"], list) else [given["regex"]]
    actions = given["action"] if isinstance(given["action"], list) else [given["action"]]
    internal = given.get("match_internal", False)
    if not isinstance(internal, bool):
        raise ConfigError(f"{where} automation match_internal", repr(internal), "must be true or false")
    said = json.dumps(
        [block, texts, actions, given.get("trigger"), given["duration"], internal], sort_keys=True, default=str
    )
    return Rule(
        hashlib.sha256(said.encode()).hexdigest()[:KEY_DIGITS],
        where,
        tuple(_pattern(text, f"{where} automation regex") for text in texts),
        tuple(_action(one, f"{where} automation action") for one in actions),
        _threshold(given.get("trigger", "Immediate"), f"{where} automation trigger"),
        _duration(given["duration"], f"{where} automation duration"),
        internal,
    )


def not_heeded(rule: Rule) -> Iterable[str]:
    """What of a rule does nothing, or something else than KumoMTA does."""
    for action in rule.actions:
        if action.act in OF_CAMPAIGN:
            yield f"{rule.where}: {action.act.value} is as {action.act.value.replace('Campaign', 'Tenant')}: no campaigns here"
        if action.option and action.option not in HEEDED:
            yield f"{rule.where}: {action.act.value} of {action.option} does nothing: {PATH[action.option].instead}"
    if rule.match_internal:
        yield f"{rule.where}: {rule.shown!r} reads our own words as well, which are not KumoMTA's"


def _pattern(text: Any, where: str) -> re.Pattern[str]:
    if not isinstance(text, str) or not 0 < len(text) <= MAX_PATTERN_CHARACTERS:
        raise ConfigError(where, repr(text)[:200], f"must be a pattern of 1 to {MAX_PATTERN_CHARACTERS} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # sets that Rust reads otherwise
            tree = patterns.parse(text.replace(r"\z", r"\Z"))
            made = re.compile(text.replace(r"\z", r"\Z"))
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise ConfigError(where, repr(text), f"cannot be used as a pattern: {error}") from None
    if _nests(tree, within=False):
        raise ConfigError(where, repr(text), "repeats what repeats: a reply could be made that it reads for ever")
    return made


def _nests(tree: Any, *, within: bool) -> bool:
    """Whether a repeat without end stands within another (Python's parse tree of a pattern)."""
    for op, argument in tree:
        repeats = op in (code.MAX_REPEAT, code.MIN_REPEAT) and argument[1] is code.MAXREPEAT
        if repeats and within:
            return True
        if any(_nests(part, within=within or repeats) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> Iterable[Any]:
    """The trees in an argument of one."""
    if isinstance(argument, patterns.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for one in argument:
            yield from _parts(one)


def _action(given: Any, where: str) -> Action:
    if isinstance(given, str) and given in {act.value for act in Act} - {act.value for act in SETS}:
        return Action(Act(given))
    if not (isinstance(given, dict) and len(given) == 1 and next(iter(given)) in {act.value for act in SETS}):
        names = {act.value: 0 for act in Act}
        said = given if isinstance(given, str) else next(iter(given), "") if isinstance(given, dict) else ""
        raise ConfigError(where, repr(given), f"must be one of {', '.join(names)}", nearest(said, names))
    ((name, setting),) = given.items()
    if not isinstance(setting, dict) or set(setting) != {"name", "value"} or not isinstance(setting["name"], str):
        raise ConfigError(where, repr(given), f'must be {{{name}={{name="…", value=…}}}}')
    return Action(Act(name), setting["name"], read_option(setting["name"], setting["value"], PATH, where))


def read_option(name: str, given: Any, known: Mapping[str, Any], where: str) -> Any:
    """The value of an option.

    Raises:
        ConfigError: there is no such option, or the value is none of its.
    """
    if name not in known:
        raise ConfigError(f"{where} {name}", repr(given), "is no option", nearest(name, known))
    try:
        return known[name].read(given)
    except ValueError as error:
        raise ConfigError(f"{where} {name}", repr(given), str(error)) from None


def _threshold(given: Any, where: str) -> Rate | None:
    if given == "Immediate":
        return None
    wrong = 'must be "Immediate" or {Threshold="10/hr"}'
    if not isinstance(given, dict) or set(given) != {"Threshold"} or not isinstance(given["Threshold"], str):
        raise ConfigError(where, repr(given), wrong)
    try:
        rate = parse_rate(given["Threshold"])
    except ValueError as error:
        raise ConfigError(where, repr(given), str(error)) from None
    if rate.count > MAX_THRESHOLD:
        raise ConfigError(where, repr(given), f"must be at most {MAX_THRESHOLD} hits")
    return rate


def _duration(given: Any, where: str) -> float:
    try:
        seconds = parse_duration(given) if isinstance(given, str | int | float) else 0.0
    except ValueError as error:
        raise ConfigError(where, repr(given), str(error)) from None
    if not seconds:
        raise ConfigError(where, repr(given), "must be a duration of more than nothing")
    return seconds
