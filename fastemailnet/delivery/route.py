"""Where mail goes: one route for all of it, as the operator set it."""

from dataclasses import dataclass
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
    REQUIRED = "required"  # encrypted and with a certificate that is valid for the host, or not at all


@dataclass(frozen=True, slots=True)
class Target:
    """One host to connect to."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Route:
    """The route and what connections on it need."""

    kind: RouteKind
    host: str = ""
    port: int = SMTP_PORT
    username: str = ""
    password: str = ""
    tls: TlsPolicy = TlsPolicy.OPPORTUNISTIC

    @property
    def is_sandbox(self) -> bool:
        """Whether mail never leaves the machine."""
        return self.kind is RouteKind.SANDBOX

    def fixed_target(self) -> Target | None:
        """The target that does not depend on the domain; None where the domain's MX decides."""
        return None if self.kind is RouteKind.MX else Target(self.host, self.port)
