"""From the text of shaping files to a policy. Later files are laid over earlier ones, block by block and option by option.

A block with ``replace_base = true`` forgets what the files before it said under its name. Nothing else takes an option back.
Files end in .toml, or in .json with the same structure. A wrong file is refused as a whole: half of the limits are no limits.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastemailnet.delivery.shaping.limits import LOCAL, Shape
from fastemailnet.delivery.shaping.options import PATH, PROVIDER, Option
from fastemailnet.delivery.shaping.policy import Block, Policy, Provider, Setting
from fastemailnet.delivery.shaping.rules import Rule, not_heeded, read_option, read_rule
from fastemailnet.errors import ConfigError

DEFAULT: Final = "default"
PROVIDERS: Final = "provider"
MATCHES: Final = ("MXSuffix", "HostName", "DomainSuffix")


@dataclass(slots=True)
class _Draft:
    """A block, while files are read."""

    options: dict[str, Setting] = field(default_factory=dict)
    sources: dict[str, dict[str, Setting]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    matches: list[tuple[str, str]] = field(default_factory=list)

    def merge(self, other: "_Draft") -> None:
        """Lay a later one over this one."""
        self.options |= other.options
        for name, options in other.sources.items():
            self.sources[name] = self.sources.get(name, {}) | options
        known = {rule.key for rule in self.rules}
        self.rules += [rule for rule in other.rules if rule.key not in known]
        self.matches += [one for one in other.matches if one not in self.matches]


def read(files: Iterable[tuple[str, str]], house: Shape | None = None, source: str = "") -> Policy:
    """The policy of files, given as name and text, in their order.

    Raises:
        ConfigError: the first thing that is wrong: file, block, option, value, what is allowed, and the nearest name.
    """
    drafts: dict[tuple[str, str], _Draft] = {}  # (kind, name): kinds are default, provider, rollup and apart
    notes: list[str] = []
    for file, text in files:
        for kind, name, where, table in _blocks(_parsed(file, text), file):
            draft = _draft(kind, name, where, table, notes)
            if table.get("replace_base", False):
                drafts.pop((kind, name), None)
            drafts.setdefault((kind, name), _Draft()).merge(draft)
    notes += [f"provider {name!r} has no match: nothing is its" for name in _without_match(drafts)]
    made = {at: _block(*at, draft) for at, draft in drafts.items()}
    notes += [note for block in made.values() for rule in block.rules for note in not_heeded(rule)]
    return Policy(
        made.get((DEFAULT, DEFAULT)),
        [block for block in made.values() if isinstance(block, Provider)],
        {name: block for (kind, name), block in made.items() if kind == "rollup"},
        {name: block for (kind, name), block in made.items() if kind == "apart"},
        list(dict.fromkeys(notes)),
        house,
        source,
    )


def _parsed(file: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if file.endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if file.endswith(".json") else "TOML"
        raise ConfigError("shaping.files", file, f"is not {kind}: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError("shaping.files", file, "must be a table of blocks")
    return found


def _blocks(found: Mapping[str, Any], file: str) -> Iterable[tuple[str, str, str, dict[str, Any]]]:
    """Kind, name, place and table of each block."""
    for name, table in found.items():
        where = f'{file} ["{name}"]'
        if not isinstance(table, dict):
            raise ConfigError(where, repr(table), 'must be a block: options stand under a domain or ["default"]')
        if name == PROVIDERS:
            for one, inner in table.items():
                place = f'{file} [provider."{one}"]'
                if not isinstance(inner, dict):
                    raise ConfigError(place, repr(inner), 'must be a block: a provider is [provider."name"]')
                yield PROVIDERS, one, place, inner
        elif name == DEFAULT:
            yield DEFAULT, DEFAULT, where, table
        else:
            yield "rollup" if _truth(table, "mx_rollup", where, default=True) else "apart", name.lower(), where, table


def _draft(kind: str, name: str, where: str, table: dict[str, Any], notes: list[str]) -> _Draft:
    """One block of one file."""
    draft = _Draft()
    if kind in ("rollup", "apart") and "." not in name:
        notes.append(f'{where}: a domain of one label; one of several must be quoted, as in ["{name}.example"]')
    known = PROVIDER if kind == PROVIDERS else PATH
    _truth(table, "replace_base", where, default=False)
    for key, value in table.items():
        if key == "automation":
            draft.rules = _rules(value, f"{kind} {name}", where)
        elif key == "sources":
            draft.sources = _sources(value, known, where, notes)
        elif key == "match" and kind == PROVIDERS:
            draft.matches = list(_matches(value, where))
        elif key not in ("replace_base", "mx_rollup"):
            if isinstance(value, dict) and key not in known and kind != PROVIDERS and "." not in name:
                raise ConfigError(where, repr(value)[:200], f'a domain must be quoted, as in ["{name}.{key}"]')
            draft.options[key] = _option(key, value, known, where, notes)
    return draft


def _option(key: str, value: Any, known: Mapping[str, Option], where: str, notes: list[str]) -> Setting:
    read_as = read_option(key, value, known, where)
    if known[key].instead:
        notes.append(f"{where}: {key} is not heeded: {known[key].instead}")
    elif isinstance(value, str) and value.startswith(LOCAL):
        notes.append(f"{where}: {key} = {value!r} is the whole fleet's limit, not each node's")
    return Setting(read_as, where)


def _sources(value: Any, known: Mapping[str, Option], where: str, notes: list[str]) -> dict[str, dict[str, Setting]]:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ConfigError(f"{where} sources", repr(value)[:200], 'must be tables: ["domain".sources."name"]')
    return {
        source: {key: _option(key, given, known, f'{where} sources "{source}"', notes) for key, given in table.items()}
        for source, table in value.items()
    }


def _rules(value: Any, block: str, where: str) -> list[Rule]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} automation", repr(value)[:200], 'must be a list: [["domain".automation]]')
    return [read_rule(one, block, where) for one in value]


def _matches(value: Any, where: str) -> Iterable[tuple[str, str]]:
    wrong = f'must be a list such as [{{MXSuffix=".example.net"}}] of {", ".join(MATCHES)}'
    if not isinstance(value, list):
        raise ConfigError(f"{where} match", repr(value), wrong)
    for one in value:
        if not isinstance(one, dict) or len(one) != 1:
            raise ConfigError(f"{where} match", repr(one), wrong)
        ((kind, text),) = one.items()
        if kind not in MATCHES or not isinstance(text, str) or not text:
            raise ConfigError(f"{where} match", repr(one), wrong)
        yield kind, text.lower().rstrip(".")


def _truth(table: Mapping[str, Any], key: str, where: str, *, default: bool) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{where} {key}", repr(value), "must be true or false")
    return value


def _without_match(drafts: Mapping[tuple[str, str], _Draft]) -> Sequence[str]:
    return [name for (kind, name), draft in drafts.items() if kind == PROVIDERS and not draft.matches]


def _block(kind: str, name: str, draft: _Draft) -> Block:
    parts = (name, draft.options, draft.sources, tuple(draft.rules))
    if kind != PROVIDERS:
        return Block(*parts)
    by = {wanted: tuple(text for kind, text in draft.matches if kind == wanted) for wanted in MATCHES}
    return Provider(*parts, by["MXSuffix"], frozenset(by["HostName"]), by["DomainSuffix"])
