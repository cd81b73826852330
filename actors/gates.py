"""From settings to the spam gate: of all mail, and of the tenants that have their own."""

from dataclasses import replace

from actors.examine import Action, Gate
from fastemailnet.config import Settings
from fastemailnet.config_gate import TenantGate
from fastemailnet.envelope import Lane
from fastemailnet.tenant_gates import read_tenants

NEVER_REJECT = 2.0  # above any probability


def gate(settings: Settings, hold: float, reject: float) -> Gate:
    """The thresholds: the operator's where set, else as the model was calibrated; nothing is rejected unless asked for."""
    given = settings.classifier
    actions = {lane: Action(getattr(settings.score_action, lane.value)) for lane in Lane}
    every = Gate(
        given.hold_threshold or hold, given.reject_threshold or NEVER_REJECT, given.timeout_ms / 1_000, actions
    )
    tenants = read_tenants(given.tenants) if given.tenants is not None else {}
    return replace(every, tenants={name: _gate_of(one, every) for name, one in tenants.items()})


def _gate_of(tenant: TenantGate, every: Gate) -> Gate:
    """A tenant's gate: as that of all where the tenant's table says nothing."""
    own = {lane: given for lane in Lane if (given := getattr(tenant, lane.value)) is not None}
    return replace(
        every,
        hold=every.hold if tenant.hold_threshold is None else tenant.hold_threshold,
        reject=every.reject if tenant.reject_threshold is None else tenant.reject_threshold or NEVER_REJECT,
        actions={**every.actions, **{lane: Action(action) for lane, action in own.items()}},
    )
