"""The tenants of a TOML file (``gateway.tenants``): a table for each.

["acme"]
keys = ["sha256:…", "sha256:…"]     # as `fastemailnet tenant key acme` prints; two while one takes the other's place
sender_domains = ["acme.example", "*.acme.example"]     # of MAIL FROM, From and Sender; without it any
rate = "600/m,max_burst=100"        # recipients that are taken; without max_burst all of a minute's may come at once
daily = 50000                       # recipients that are taken in a day (UTC)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from fastemailnet.admission.quota import Quota
from fastemailnet.admission.submission import MAX_KEY_CHARACTERS
from fastemailnet.admission.tenants import Tenant, Tenants, read_domain, read_kept
from fastemailnet.config import read_toml
from fastemailnet.config_failures import Section
from fastemailnet.config_problems import first_problem
from fastemailnet.delivery.shaping.limits import parse_rate
from fastemailnet.errors import ConfigError

SETTING = "gateway.tenants"
T = TypeVar("T")


class TenantTable(Section):
    """One tenant."""

    keys: tuple[str, ...] = Field((), description="SHA-256 of each key")
    sender_domains: tuple[str, ...] = Field((), description="domains of MAIL FROM, From and Sender; empty: any")
    rate: str = Field("", description="recipients that are taken over HTTP and SMTP, as in 600/m; empty: any number")
    daily: int = Field(0, ge=0, description="recipients that are taken in a day (UTC); 0: any number")


def read_tenants_file(path: Path | None) -> Tenants:
    """What the file says; nobody where there is none.

    Raises:
        ConfigError: the file or a table in it cannot be used. No key is in its text, should one stand in the file.
    """
    if path is None:
        return Tenants()
    found = [_tenant(name, values) for name, values in read_toml(path, SETTING).items()]
    try:
        return Tenants(found)
    except ValueError as error:
        raise ConfigError(SETTING, str(path), f"has for two tenants {error}") from error


def named(name: str) -> str:
    """A tenant's name.

    Raises:
        ConfigError: it is none.
    """
    if not name or len(name) > MAX_KEY_CHARACTERS or not name.isprintable():
        raise ConfigError(SETTING, repr(name), f"a tenant's name has 1 to {MAX_KEY_CHARACTERS} printable characters")
    return name


def _tenant(name: str, values: Any) -> Tenant:
    where = f"{SETTING} {named(name)!r}: "
    try:
        table = TenantTable.model_validate(values)
    except ValidationError as error:
        problem = first_problem(error, TenantTable, where)
        raise ConfigError(problem.key, "(not shown)", problem.allowed, problem.nearest) from None
    keys = _each(table.keys, read_kept, f"{where}keys", "(not shown)")
    domains = _each(table.sender_domains, read_domain, f"{where}sender_domains")
    return Tenant(name, keys, domains, _quota(table, f"{where}rate"))


def _quota(table: TenantTable, where: str) -> Quota:
    if not table.rate:
        return Quota(daily=table.daily)
    (rate,) = _each((table.rate,), parse_rate, where)
    return Quota(rate.per_s, rate.burst, table.rate, table.daily)


def _each(values: tuple[str, ...], read: Callable[[str], T], where: str, shown: str = "") -> tuple[T, ...]:
    found = []
    for value in values:
        try:
            found.append(read(value))
        except ValueError as error:
            raise ConfigError(where, shown or repr(value), str(error)) from None
    return tuple(found)
