"""What people are told of a site: each limit that counts and who set it, and what stands there now."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fastemailnet.delivery.shaping.frames import Of
from fastemailnet.delivery.shaping.limits import Shape, render
from fastemailnet.delivery.shaping.options import FIELDS
from fastemailnet.delivery.shaping.overrides import Effect, Overrides
from fastemailnet.delivery.shaping.policy import Setting, Site

NAMES: Final = {attribute: option for option, attribute in FIELDS.items()}
HOUSE: Final = "settings"  # [shaping], or where they say nothing of it, the route and [delivery]


class Limit(NamedTuple):
    """One limit: the option's name, its value as a file would have it, and where it was set."""

    name: str
    value: str
    origin: str


def limits(overrides: Overrides, site: Site, now_ms: int, elsewhere: Mapping[str, Setting]) -> list[Limit]:
    """Every limit of a site now. ``elsewhere``: by option, what counts where shaping says nothing, and the setting that says it."""
    shape = overrides.shape(site, now_ms)
    told = {**overrides.policy.options(site), **overrides.settings(site, now_ms)}
    found = []
    for field in dataclasses.fields(Shape):
        name = NAMES.get(field.name, field.name)
        value = getattr(shape, field.name)
        unsaid = Setting(None, HOUSE) if value is not None else elsewhere.get(name, Setting(None, HOUSE))
        origin = told[name].origin if name in told else unsaid.origin
        found.append(Limit(name, render(unsaid.value if value is None else value), origin))
    return found


def concerning(overrides: Overrides, domain: str, site: Site, now_ms: int, tenant: str | None = None) -> list[Effect]:
    """What stands for mail to a domain of a site, of any lane and, where a tenant is named, of no other tenant."""
    names = {(Of.ALL, ""), (Of.DOMAIN, domain), (Of.SITE, site.name), (Of.SITE, site.hosts)}
    names |= {(Of.PROVIDER, name) for name in site.providers}
    return [
        one
        for one in overrides.standing(now_ms)
        if (one.scope.of, one.scope.name) in names and (tenant is None or one.scope.tenant in ("", tenant))
    ]


def shown(effect: Effect) -> dict[str, Any]:
    """Something that stands, as plain values. ``target`` is what a person calls it by."""
    scope = effect.scope
    return {
        "target": target_of(effect),
        "tenant": scope.tenant,
        "lane": scope.lane,
        "what": effect.what,
        "by": "rule" if effect.source else "person",
        "at_ms": effect.at_ms,
        "until_ms": effect.until_ms,
        "reason": effect.reason,
    }


def target_of(effect: Effect) -> str:
    """The target of ``frames.scope_of`` that names its scope."""
    scope = effect.scope
    match scope.of:
        case Of.ALL:
            return Of.ALL.value
        case Of.DOMAIN:
            return scope.name
        case Of.SITE | Of.PROVIDER:
            return f"{scope.of.value}:{scope.name}"
