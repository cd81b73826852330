"""Where mail goes: one route for all of it and others for single domains, as the operator set them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SMTP_PORT = 25


class RouteKind(StrEnum):
    """Kinds of route."""

    SANDBOX = "sandbox"  # the built-in capture inbox
    SMARTHOST = "smarthost"
    MX = "mx"


class TlsPolicy(StrEnum):
    """What is asked of STARTTLS with the next hop."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"  # encrypt where it is offered, whoever it is
    ENCRYPT = "encrypt"  # encrypted, whoever it is, or not at all
    REQUIRED = "required"  # encrypted and with a certificate that is valid for the host, or not at all


@dataclass(frozen=True, slots=True)
class Target:
    """One host to connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """The route and what connections on it need."""

    kind: RouteKind
    host: str = ""
    port: int = SMTP_PORT
    username: str = ""
    password: str = ""
    tls: TlsPolicy = TlsPolicy.OPPORTUNISTIC
    ignores: tuple[str, ...] = ()  # fields of ``smtp.extension.Capabilities`` that are taken for not offered

    @property
    def is_sandbox(self) -> bool:
        """Whether mail never leaves the machine."""
        return self.kind is RouteKind.SANDBOX

    def fixed_target(self) -> Target | None:
        """The target that does not depend on the domain; None where the domain's MX decides."""
        return None if self.kind is RouteKind.MX else Target(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Routes:
    """The route of every domain. A name in ``table`` that begins with a dot stands for all its sub-domains."""

    default: Route
    table: Mapping[str, Route] = field(default_factory=dict)

    def of(self, domain: str) -> Route:
        """The domain's own route, else that of the longest suffix, else the default."""
        if not self.table:
            return self.default
        name = domain
        while name:
            if name in self.table:
                return self.table[name]
            at = name.find(".", 1)
            name = name[at:] if at > 0 else ""
        return self.default

    @property
    def all(self) -> tuple[Route, ...]:
        """Every route."""
        return (self.default, *self.table.values())

    @property
    def have_mx(self) -> bool:
        """Whether the DNS decides for any of them."""
        return any(route.kind is RouteKind.MX for route in self.all)
