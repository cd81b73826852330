"""Thresholds and actions of single tenants, in a TOML file beside the settings (``classifier.tenants``): a table for each.

    ["acme"]                    # the tenant, as the submission names it
    hold_threshold = 0.6        # reject_threshold likewise; 0 never rejects
    throttle = "30/h"
    standard = "tag"            # a lane's action, or a table:
    ["acme".bulk]
    action = "throttle"
    reject_threshold = 0.99

What a lane leaves out is as for its tenant, and what the tenant leaves out as for all.
"""

from pydantic import ValidationError

from fastemailnet.config import read_toml
from fastemailnet.config_gate import ClassifierSection, LaneGate, TenantGate, Thresholds
from fastemailnet.config_problems import first_problem
from fastemailnet.envelope import Lane
from fastemailnet.errors import ConfigError


def read_tenants(given: ClassifierSection) -> dict[str, TenantGate]:
    """What the ``classifier.tenants`` file says, by the tenant's name; nothing where there is none.

    Raises:
        ConfigError: the file or a table in it cannot be used.
    """
    found: dict[str, TenantGate] = {}
    for name, values in read_toml(given.tenants, "classifier.tenants").items() if given.tenants is not None else ():
        where = f"classifier.tenants {name!r}: "
        try:
            found[name] = TenantGate.model_validate(values)
        except ValidationError as error:
            raise first_problem(error, TenantGate, where) from error
        for lane in Lane:
            _refuse_crossed(where, lane, found[name], given)
    return found


def lane_gate(tenant: TenantGate, lane: Lane) -> LaneGate:
    """What the tenant's table says of one lane."""
    found: LaneGate = getattr(tenant, lane.value)
    return found


def first_set(key: str, *tables: Thresholds) -> float | None:
    """A threshold by the first table that has it."""
    return next((value for table in tables if (value := getattr(table, key)) is not None), None)


def _refuse_crossed(where: str, lane: Lane, tenant: TenantGate, given: ClassifierSection) -> None:
    """Raise ConfigError where mail of a lane would be rejected before it is suspicious."""
    own = lane_gate(tenant, lane)
    hold, reject = (first_set(key, own, tenant) for key in ("hold_threshold", "reject_threshold"))
    least, most = given.hold_threshold if hold is None else hold, given.reject_threshold if reject is None else reject
    if not 0 < most < least or hold is reject is None:  # what is wrong for all is refused there
        return
    key, value, bound = "reject_threshold", most, f"0 or at least its hold_threshold ({least:g})"
    if reject is None:
        key, value, bound = "hold_threshold", least, f"at most classifier.reject_threshold ({most:g})"
    table = f"{lane.value}." if getattr(own, key) is not None else ""
    which = "" if own.hold_threshold is own.reject_threshold is None else f", in lane {lane.value}"
    raise ConfigError(f"{where}{table}{key}", f"{value:g}", f"must be {bound}{which}")
