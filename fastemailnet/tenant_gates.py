"""Thresholds and actions of single tenants, in a TOML file beside the settings (``classifier.tenants``): a table for each."""

from pathlib import Path

from pydantic import ValidationError

from fastemailnet.config import first_problem, read_toml
from fastemailnet.config_gate import TenantGate


def read_tenants(path: Path) -> dict[str, TenantGate]:
    """What a ``classifier.tenants`` file says, by the tenant's name.

    Raises:
        ConfigError: the file or a table in it cannot be used.
    """
    found: dict[str, TenantGate] = {}
    for name, values in read_toml(path, "classifier.tenants").items():
        try:
            found[name] = TenantGate.model_validate(values)
        except ValidationError as error:
            raise first_problem(error, f"classifier.tenants {name!r}: ") from error
    return found
