"""From a domain and its mail hosts to a site, and from a site to its limits and rules.

    options    default ▸ providers ▸ block of the site ▸ block of the domain, then their ``sources`` in the same order but for the
               provider's, which follow the provider. What comes later counts.
    rules      of all of these, in the same order

A domain's block is about the domain's *site*, hence about every domain with the same MX hosts, unless it says ``mx_rollup = false``.
KumoMTA asks the DNS for each block's domain when it reads the file. A policy asks nobody: it is *told* what hosts a domain has, by
``learn`` or by being asked for the domain's site, and from then on the block is about all domains with these hosts. ``rollups`` are
the domains that somebody should look up, so that nobody waits for mail to them. When their hosts change, so do the blocks' sites.

A provider's block is about a domain one of whose suffixes it names, or *all* of whose MX hosts it matches: a vanity domain that
blends providers belongs to none. Where several blocks match, the options of all count, and the provider, whose shared limits
the site has its part of, is the last one.
"""

import dataclasses
import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from fastemailnet.delivery.answer import Answer, Found, Mx
from fastemailnet.delivery.shaping.limits import Shape
from fastemailnet.delivery.shaping.options import FIELDS
from fastemailnet.delivery.shaping.rules import Rule

MAX_CACHED: Final = 50_000  # sites whose limits are remembered
MAX_NAME_CHARACTERS: Final = 255  # of a site; the end of a longer name is its hash
DIGEST_DIGITS: Final = 16
SHAPE_FIELDS: Final = frozenset(field.name for field in dataclasses.fields(Shape))


class Setting(NamedTuple):
    """An option's value, and where it was set."""

    value: Any
    origin: str  # file and block


Options = Mapping[str, Setting]
NO_OPTIONS: Final[Options] = {}


@dataclass(frozen=True, slots=True)
class Block:
    """A block, as all the files that have it say together."""

    name: str  # the domain, "default", or the provider's name
    options: Options = field(default_factory=dict)
    sources: Mapping[str, Options] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider(Block):
    """The block of a provider and which sites are its."""

    mx_suffixes: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    domain_suffixes: tuple[str, ...] = ()

    def has(self, domain: str, hosts: Sequence[str]) -> bool:
        """Whether mail to a domain with these hosts goes to the provider."""
        if self.domain_suffixes and domain.endswith(self.domain_suffixes):
            return True
        if not hosts or not (self.mx_suffixes or self.hosts):
            return False
        return all(host in self.hosts or (self.mx_suffixes and host.endswith(self.mx_suffixes)) for host in hosts)


@dataclass(frozen=True, slots=True)
class Site:
    """What limits are counted for: mail with equal ``name`` shares them."""

    name: str  # of a fixed next hop with its port: two services of one host are two sites
    hosts: str  # the hosts' name; the same as ``name`` but there, and where a domain is a site of its own
    domain: str = ""  # whose own block counts; "" where it has none
    providers: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        """Whose shared limits the site has its part of; "" for none."""
        return self.providers[-1] if self.providers else ""


def name_of(hosts: Iterable[str]) -> str:
    """One name for a set of hosts, their common end told once: ``(mta5|mta6).am0.yahoodns.net``."""
    names = sorted({_as_dns_has_it(host) for host in hosts})
    if len(names) < 2:
        return "".join(names)
    labels = [name.split(".")[::-1] for name in names]
    shared = 0
    while all(len(one) > shared for one in labels) and len({one[shared] for one in labels}) == 1:
        shared += 1
    end = ".".join(labels[0][:shared][::-1])
    heads = [".".join(one[shared:][::-1]) for one in labels]
    mark = "" if all(heads) else "?"  # one of them is the end itself
    first = "|".join(head for head in heads if head)
    return _bounded(f"({first}){mark}.{end}" if end else f"({first})")


def _as_dns_has_it(name: str) -> str:
    return name.lower().rstrip(".")


def _bounded(name: str) -> str:
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST_DIGITS]
    return f"{name[: MAX_NAME_CHARACTERS - len(digest) - 1]}…{digest}"


def hosts_of(domain: str, mx: Answer[Mx]) -> tuple[str, ...]:
    """The hosts that a domain's site is named for: all of them, whichever of them an attempt tries. None: nobody knows."""
    match mx.found:
        case Found.RECORDS:
            return tuple(record.host for record in mx.records if record.host)
        case Found.NO_DATA:
            return (mx.name or domain,)
        case Found.NO_NAME | Found.FAILED:
            return ()


class Policy:
    """Everything that the files say. What it has learnt about hosts is the only thing that changes."""

    def __init__(
        self,
        default: Block | None = None,
        providers: Sequence[Provider] = (),
        domains: Mapping[str, Block] | None = None,
        apart: Mapping[str, Block] | None = None,
        notes: Sequence[str] = (),
        house: Shape | None = None,
        source: str = "",
    ) -> None:
        """``domains``: blocks about sites; ``apart``: those with ``mx_rollup = false``; ``house``: what counts where no file says more.

        ``source``: which of the ``sources`` blocks are about this fleet. ``notes``: what is read and not heeded, for people.
        """
        self.default = default or Block("default")
        self.providers = {one.name: one for one in providers}
        self.domains = domains or {}
        self.apart = apart or {}
        self.notes = tuple(notes)
        self.house = house or Shape()
        self.source = source
        self.learnt: dict[str, str] = {}  # domain of a block ▸ the name of its hosts
        self.blocks_at: dict[
            str, tuple[Block, ...]
        ] = {}  # name of hosts ▸ blocks about them, in the order of the files
        self._sites: OrderedDict[tuple[str, tuple[str, ...], int], Site] = OrderedDict()
        self._shapes: OrderedDict[Site, Shape] = OrderedDict()
        self._rules: OrderedDict[Site, tuple[Rule, ...]] = OrderedDict()
        self.by_key = {rule.key: rule for block in self.blocks() for rule in block.rules}

    @property
    def rollups(self) -> tuple[str, ...]:
        """The domains whose hosts should be looked up, so that blocks named for them are about the right sites."""
        return tuple(self.domains)

    def blocks(self) -> Iterable[Block]:
        """Every block, in the order in which they count."""
        return (self.default, *self.providers.values(), *self.domains.values(), *self.apart.values())

    def learn(self, domain: str, hosts: Sequence[str]) -> None:
        """A domain has these hosts now. Said again, it costs a look."""
        if domain not in self.domains:
            return
        name = name_of(hosts)
        if not name or self.learnt.get(domain) == name:
            return
        self.learnt[domain] = name
        self.blocks_at = {}
        for known, block in self.domains.items():
            if known in self.learnt:
                at = self.learnt[known]
                self.blocks_at[at] = (*self.blocks_at.get(at, ()), block)
        self._shapes.clear()
        self._rules.clear()

    def site(self, domain: str, hosts: Sequence[str], port: int = 0) -> Site:
        """The site of a domain whose MX hosts these are (for a fixed next hop: its host, as domain and as host, and its port).

        Names in lower case, without a final dot; of a fixed next hop as it is set. No hosts: the domain is its own.
        """
        if port:
            domain, hosts = _as_dns_has_it(domain), tuple(map(_as_dns_has_it, hosts))
        hosts = tuple(hosts) or (domain,)
        self.learn(domain, hosts)
        known = self._sites.get((domain, hosts, port))
        if known is None:
            known = self._sites[domain, hosts, port] = self._site(domain, hosts, f":{port}" if port else "")
            if len(self._sites) > MAX_CACHED:
                self._sites.popitem(last=False)
        return known

    def _site(self, domain: str, hosts: tuple[str, ...], port: str) -> Site:
        name = name_of(hosts)
        providers = tuple(one.name for one in self.providers.values() if one.has(domain, hosts))
        if domain in self.apart:
            return Site(domain + port, name, domain, providers)
        return Site(name + port, name, "", providers)

    def shape(self, site: Site) -> Shape:
        """The limits of a site, as the files have them."""
        known = self._shapes.get(site)
        if known is None:
            known = self._shapes[site] = applied(self.house, self.options(site))
            if len(self._shapes) > MAX_CACHED:
                self._shapes.popitem(last=False)
        return known

    def options(self, site: Site) -> dict[str, Setting]:
        """Every option that counts for a site, and where it was set."""
        found = dict(self.default.options)
        matching = [self.providers[name] for name in site.providers]
        own = self._own(site)
        layers = [*(one.options for one in matching), *(self._sourced(one) for one in matching)]
        layers += [*(one.options for one in own), *(self._sourced(one) for one in own)]
        for layer in (self._sourced(self.default), *layers):
            found.update(layer)
        return found

    def rules(self, site: Site) -> tuple[Rule, ...]:
        """The rules that read replies of a site."""
        known = self._rules.get(site)
        if known is None:
            blocks = (self.default, *(self.providers[name] for name in site.providers), *self._own(site))
            known = self._rules[site] = tuple(rule for block in blocks for rule in block.rules)
            if len(self._rules) > MAX_CACHED:
                self._rules.popitem(last=False)
        return known

    def _own(self, site: Site) -> list[Block]:
        """The blocks of the site's hosts, then that of the domain."""
        return [*self.blocks_at.get(site.hosts, ()), *([self.apart[site.domain]] if site.domain in self.apart else [])]

    def _sourced(self, block: Block) -> Options:
        return block.sources.get(self.source, NO_OPTIONS) if self.source else NO_OPTIONS


def applied(shape: Shape, options: Options) -> Shape:
    """A shape with what is set in its place."""
    changes = {FIELDS.get(name, name): setting.value for name, setting in options.items()}
    return dataclasses.replace(shape, **{name: value for name, value in changes.items() if name in SHAPE_FIELDS})
