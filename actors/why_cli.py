"""Why mail has not arrived: the constraint that holds it, the ceilings of its site, the next attempt, the last reply."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from actors.shaping import until
from actors.terminal import Config, Json, client, moment, say, told, whose, write
from fastemailnet import ids
from fastemailnet.errors import FastEmailNetError
from fastemailnet.message.address import parse_recipient

ASKED = "neither a message's id (as `send` prints it), nor a recipient (r@x.example), nor a domain (x.example)"
ENDED = ("relayed", "bounced", "rejected", "expired", "dead", "suppressed", "complaint", "resolved")


def why(
    what: Annotated[
        str, typer.Argument(metavar="ID|DOMAIN", help="A message's id, or a recipient or the domain of recipients.")
    ],
    tenant: Annotated[str | None, typer.Option(help="Of a domain, what concerns this tenant's mail alone.")] = None,
    config: Config = None,
    json_file: Json = None,
) -> None:
    """What holds a message, or all mail to a domain. Of a message only what concerns its own tenant's mail is told."""
    check_asked(what)
    with client(config) as fleet:
        deliveries = fleet.timeline(what)["deliveries"] if is_message(what) else []
        open_ones = [one for one in deliveries if one["state"] not in ENDED]
        asked = [one["recipient"] for one in open_ones] if deliveries else [what]
        domains = dict.fromkeys(map(domain_of, asked))
        tenant = deliveries[0]["tenant"] if deliveries else tenant
        sites = {domain: fleet.shaping.site(domain, tenant=tenant) for domain in domains}
        processes = fleet.status()["processes"]
    nodes = {domain: list(seen_by_nodes(processes, site)) for domain, site in sites.items()}
    throttles = {name: list(seen_of(processes, name)) for name in dict.fromkeys(map(throttle_of, open_ones)) if name}
    write(json_file, {"deliveries": deliveries, "sites": sites, "nodes": nodes, "throttles": throttles})
    for delivery in deliveries:
        site = sites.get(domain_of(delivery["recipient"]))
        say(f"{delivery['recipient']}: {constraint(delivery, site['standing'] if site else [])}")
        for line in last_of(delivery):
            say(f"  {line}")
    for name, lines in throttles.items():
        for line in lines:
            say(f"{name}: {line}")
    for domain, site in sites.items():
        say(f"{domain}: {stands(site['standing']) or 'nothing is suspended'}")
        say(f"  site {site['site']}, provider {', '.join(site['providers']) or 'none'}")
        for line in nodes[domain]:
            say(f"  {line}")
        for limit in site["limits"]:
            if limit["value"] != "none":
                say(f"  {limit['name']} = {limit['value']} ({limit['origin']})")


def seen_by_nodes(processes: Mapping[str, Any], site: Mapping[str, Any]) -> Iterator[str]:
    """What each node says of a site's door and of its hosts, where mail waits for one."""
    for node, figures in processes.items():
        for name, line in figures.get("sites", {}).items():
            if name == site["door"]:
                yield f"{node}: {line}"
        for name, line in figures.get("paused", {}).items():
            if name in site["targets"]:
                yield f"{node}: {name} is left alone {line}"


def seen_of(processes: Mapping[str, Any], throttle: str) -> Iterator[str]:
    """What each node says of a throttle, where mail waits for it."""
    for node, figures in processes.items():
        if line := figures.get("sites", {}).get(throttle):
            yield f"{node}: {line}"


def throttle_of(delivery: Mapping[str, Any]) -> str:
    """The throttle that a delivery waits for; "" for none."""
    return str(last_event(delivery).get("throttle", ""))


def last_event(delivery: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nothing where nothing has happened."""
    events: list[dict[str, Any]] = delivery["events"]
    return events[-1] if events else {}


def is_message(text: str) -> bool:
    """Whether this is a message's id rather than a domain."""
    try:
        ids.from_text(text)
    except ValueError:
        return False
    return True


def check_asked(what: str) -> None:
    """Raise typer.BadParameter, a usage error, where that can be no message, recipient or domain.

    A bare word is no domain: it is more likely half of an id. Whoever means a host without a dot asks for a recipient there.
    """
    if not is_message(what) and not is_reachable(what):
        raise typer.BadParameter(f"{what!r} is {ASKED}", param_hint="ID|DOMAIN")


def is_reachable(what: str) -> bool:
    """Whether mail could be sent to this recipient, or to somebody of this domain."""
    try:
        parse_recipient(what if "@" in what else f"postmaster@{what}")
    except FastEmailNetError:
        return False
    return any(mark in what for mark in "@.[")


def domain_of(address: str) -> str:
    """Of a recipient; of a domain, itself."""
    return address.rpartition("@")[2]


def constraint(delivery: Mapping[str, Any], standing: list[dict[str, Any]]) -> str:
    """What holds a delivery, in words. What stands for other lanes or for another tenant's mail does not."""
    last = last_event(delivery)
    lane = next((event["lane"] for event in delivery["events"] if "lane" in event), "")
    standing = [
        one for one in standing if (not lane or one["lane"] in ("", lane)) and one["tenant"] in ("", delivery["tenant"])
    ]
    match delivery["state"]:
        case "held":
            return "held by the spam gate until somebody decides (fastemailnet held)"
        case "in_doubt":
            return (
                "in doubt: its reply was lost, and it is not sent again before that is settled (fastemailnet in-doubt)"
            )
        case "deferred":
            next_ms = last.get("next_ms")
            again = f"the next attempt is due at {moment(next_ms)}" if next_ms else "it is tried again"
            held = [text for text in (stands(standing), throttled(delivery)) if text]
            return "; ".join([*held, again])
        case "accepted" | "open" | "released":
            return stands(standing) or "no attempt has ended yet: it waits for its turn or is under way"
        case state:
            return f"nothing: it is {state}"


def throttled(delivery: Mapping[str, Any]) -> str:
    """That a delivery waits for its tenant's throttle and until when, in words; "" where it does not."""
    if not throttle_of(delivery):
        return ""
    gate = next((event["gate"] for event in reversed(delivery["events"]) if "gate" in event), "")
    found = gate.removeprefix("throttled: ") or "suspicious"
    return f"throttled by the spam gate ({found}): its turn is at {moment(last_event(delivery)['turn_ms'])}"


def stands(standing: list[dict[str, Any]]) -> str:
    """What of a site's standing keeps mail from going, in words; "" for nothing."""
    parts = []
    for one in standing:
        if one["what"] in ("suspend", "bounce"):
            of = f"{one['what']} of {one['target']}{whose(one)}"
            parts.append(f"{of} until {until(one['until_ms'])} ({one['reason']})")
    return "; ".join(parts)


def last_of(delivery: Mapping[str, Any]) -> Iterator[str]:
    """The last event and, where that is of our own making, the last reply before it."""
    events = delivery["events"]
    for event in events[-1:]:
        yield _told("last event", event)
    replies = [event for event in events[:-1] if "code" in event]
    if replies and "code" not in events[-1]:
        yield _told("last reply", replies[-1])


def _told(name: str, event: Mapping[str, Any]) -> str:
    host = f" at {event['host']}" if "host" in event else ""
    what = told(event)
    return f"{name}: {moment(event['at_ms'])} {event['state']}, attempt {event['attempt']}{host}  {what}".rstrip()
