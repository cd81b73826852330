"""From settings to the spam gate: of all mail, and of the tenants that have their own."""

from dataclasses import replace

from fastemailnet.config import Settings
from fastemailnet.config_gate import TenantGate
from fastemailnet.delivery.gate import NEVER_REJECT, Action, Bar, Gate
from fastemailnet.delivery.shaping.limits import parse_rate
from fastemailnet.envelope import Lane
from fastemailnet.tenant_gates import first_set, lane_gate, read_tenants


def gate(settings: Settings, hold: float) -> Gate:
    """The thresholds: the operator's where set, else ``hold`` as the model was calibrated; nothing is rejected unless asked for.

    Raises:
        ConfigError: the file that ``classifier.tenants`` names cannot be used.
    """
    given = settings.classifier
    bars = {
        lane: _bar(given.hold_threshold or hold, given.reject_threshold, getattr(settings.score_action, lane.value))
        for lane in Lane
    }
    every = Gate(bars, parse_rate(given.throttle))
    return replace(every, tenants={name: _gate_of(one, every) for name, one in read_tenants(given).items()})


def _gate_of(tenant: TenantGate, every: Gate) -> Gate:
    """A tenant's gate: as that of all where the tenant's table says nothing."""
    rate = every.throttle if tenant.throttle is None else parse_rate(tenant.throttle)
    return Gate({lane: _own_bar(tenant, lane, bar) for lane, bar in every.bars.items()}, rate)


def _own_bar(tenant: TenantGate, lane: Lane, every: Bar) -> Bar:
    own = lane_gate(tenant, lane)
    hold, reject = (first_set(key, own, tenant) for key in ("hold_threshold", "reject_threshold"))
    return _bar(
        every.hold if hold is None else hold, every.reject if reject is None else reject, own.action or every.action
    )


def _bar(hold: float, reject: float, action: str) -> Bar:
    return Bar(hold, reject or NEVER_REJECT, Action(action))
