"""Commands for shaping: check files, see a domain's limits, suspend and resume."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from actors.build_delivery import routes
from actors.shaping import until
from actors.terminal import Config, Json, client, complain, grid, out, row, say, whose, write
from fastemailnet.config import load
from fastemailnet.delivery.route import RouteKind, Routes
from fastemailnet.delivery.shaping.limits import parse_duration, render, render_duration, render_rate
from fastemailnet.delivery.shaping.policy import Policy
from fastemailnet.delivery.shaping.rules import Rule
from fastemailnet.errors import MessageError
from fastemailnet.shaping_files import read_policy

shaping_app = typer.Typer(no_args_is_help=True, help="How fast and how wide mail goes: docs/shaping.md.")
Target = Annotated[str, typer.Argument(metavar="TARGET", help="A domain, site:NAME, provider:NAME or all.")]
NOT_KNOWN = 3  # exit code: done, and it may concern nothing (1: not done, 2: no such command or option)
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]
Tenant = Annotated[str, typer.Option(help="This tenant's mail alone.")]
Lane = Annotated[str, typer.Option(help="Mail of this lane alone.")]


def suspend(
    target: Target,
    reason: Reason,
    for_: Annotated[str, typer.Option("--for", help='So long, as in 2h or "30 min"; else until it is resumed.')] = "",
    tenant: Tenant = "",
    lane: Lane = "",
    config: Config = None,
    json_file: Json = None,
) -> None:
    """Send nothing there; what waits is tried again when it is over. Exit 3: suspended, but nothing is known of a site of that name."""
    try:
        seconds = parse_duration(for_) if for_ else None
    except ValueError as error:
        raise MessageError(f"{for_!r} {error}", "--for") from None
    with client(config) as fleet:
        answer = fleet.shaping.suspend(target, reason, tenant=tenant, lane=lane, seconds=seconds)
    write(json_file, answer)
    say(f"suspended until {until(answer['until_ms'])}: {answer['target']}{whose(answer)}")
    if not answer.get("known", True):  # a gateway of another version does not say
        what = f"no route, block, rule or mail has named {answer['target']}; `fastemailnet shaping show DOMAIN` tells a domain's site"
        complain("warning:", what, "yellow")
        raise typer.Exit(NOT_KNOWN)


def resume(
    target: Target,
    reason: Reason,
    tenant: Tenant = "",
    lane: Lane = "",
    config: Config = None,
    json_file: Json = None,
) -> None:
    """Send there again: ends what people and rules did to this target, tenant and lane. What waited comes within 20 minutes."""
    with client(config) as fleet:
        answer = fleet.shaping.resume(target, reason, tenant=tenant, lane=lane)
    write(json_file, answer)
    for one in answer["ended"]:
        say(f"ended: {one['what']} of {one['target']}{whose(one)} ({one['reason']})")


@shaping_app.command("list")
def shaping_list(config: Config = None, json_file: Json = None) -> None:
    """What rules and people did, and until when."""
    with client(config) as fleet:
        answer = fleet.shaping.standing()
    write(json_file, answer)
    _show_standing(answer["standing"])


@shaping_app.command("show")
def shaping_show(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="Of recipients.")],
    config: Config = None,
    json_file: Json = None,
) -> None:
    """A domain's site and provider, its limits and where each comes from, and what stands there now."""
    with client(config) as fleet:
        answer = fleet.shaping.site(domain)
    write(json_file, answer)
    provider = ", ".join(answer["providers"]) or "none"
    say(f"site {answer['site']}\nprovider {provider}\nroute {answer['route']}")
    table = grid("limit", "value", "from", whole=("limit",))
    for one in answer["limits"]:
        row(table, one["name"], one["value"], one["origin"])
    out.print(table)
    for rule in answer["rules"]:
        say(f"rule {rule['regex']} ({rule['where']})")
    _show_standing(answer["standing"])


@shaping_app.command("check")
def shaping_check(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Instead of shaping.files.")] = None,
    config: Config = None,
    json_file: Json = None,
) -> None:
    """Read files as a fleet would, and tell what is in them and what is not heeded. Exit 1: they cannot be used."""
    settings = load(config, os.environ)
    policy = read_policy(settings.shaping, files or ())
    notes = [*policy.notes, *passed_over(policy, routes(settings))]
    figures = _figures(policy, len(notes))
    write(json_file, figures)
    table = grid("block", "options", "rules", "about")
    for block in policy.blocks():
        options = "\n".join(f"{name}={render(setting.value)}" for name, setting in block.options.items())
        row(table, block.name, options, str(len(block.rules)), _about(policy, block.name))
    out.print(table)
    rules = grid("rule", "when", "does", "for")
    for rule in policy.by_key.values():
        row(rules, rule.shown, *_in_words(rule))
    if policy.by_key:
        out.print(rules)
    for note in notes:
        say(f"- {note}")
    out.print(
        f"blocks={figures['blocks']} providers={figures['providers']} rules={figures['rules']} notes={figures['notes']}",
        highlight=False,
    )


def passed_over(policy: Policy, hops: Routes) -> Iterator[str]:
    """Blocks of domains whose mail goes to a smarthost: its name is the site then, and a block of that name what counts."""
    hosts = {route.host for route in hops.all}
    for name in (*policy.domains, *policy.apart):
        route = hops.of(name)
        if route.kind is RouteKind.SMARTHOST and name not in hosts:
            yield f'["{name}"] is not heeded: its mail goes to {route.host}, and what counts there is a block ["{route.host}"]'


def _figures(policy: Policy, notes: int) -> dict[str, int]:
    return {
        "blocks": len(list(policy.blocks())),
        "providers": len(policy.providers),
        "rules": len(policy.by_key),
        "notes": notes,
    }


def _about(policy: Policy, name: str) -> str:
    if name in policy.providers:
        provider = policy.providers[name]
        named = (("MX", (*provider.mx_suffixes, *sorted(provider.hosts))), ("domains", provider.domain_suffixes))
        return "\n".join(f"{what} {', '.join(names)}" for what, names in named if names)
    if name in policy.apart:
        return "the domain alone"
    return "the site of its MX" if name in policy.domains else "all mail"


def _in_words(rule: Rule) -> tuple[str, str, str]:
    when = "at once" if rule.threshold is None else render_rate(rule.threshold)
    acts = (
        f"{one.act.value} {one.option}={render(one.value)}" if one.option else one.act.value for one in rule.actions
    )
    return when, ", ".join(acts), render_duration(rule.duration_s)


def _show_standing(standing: list[dict[str, Any]]) -> None:
    if not standing:
        say("nothing is suspended, bounced or changed: no rule has acted and no person")
        return
    table = grid("target", "tenant", "lane", "what", "until", "by", "reason")
    for one in standing:
        which = (one["tenant"] or "all", one["lane"] or "all")
        row(table, one["target"], *which, one["what"], until(one["until_ms"]), one["by"], one["reason"])
    out.print(table)
