"""Tenants on the command line: make a key, see who has how many."""

import json
import os
from typing import Annotated

import typer

from actors.terminal import Config, grid, out, row, say
from fastemailnet.admission.tenants import KEY_OCTETS, kept, new_key
from fastemailnet.config import load
from fastemailnet.errors import ConfigError
from fastemailnet.tenants_file import SETTING, named, read_tenants_file

tenant_app = typer.Typer(no_args_is_help=True, help="Tenants: make a key, list them.")


@tenant_app.command("key")
def tenant_key(name: Annotated[str, typer.Argument(help="The tenant.")]) -> None:
    """Make a key for a tenant. It is shown here and nowhere again; the file of tenants has its SHA-256."""
    table, key = named(name), new_key(os.urandom(KEY_OCTETS))
    say(f"key:  {key}")
    say("file: the lines below, or the new entry beside the keys that the tenant has")
    say(f"[{json.dumps(table)}]")
    say(f'keys = ["{kept(key)}"]')


@tenant_app.command("list")
def tenant_list(config: Config = None) -> None:
    """The tenants of the file that gateway.tenants names. Says what is wrong with the file, if it is."""
    path = load(config, os.environ).gateway.tenants
    if path is None:
        raise ConfigError(SETTING, "none", "names no file: all mail is of tenant default")
    table = grid("tenant", "keys", "rate", "daily", "sender_domains", whole=("keys", "rate", "daily"))
    for tenant in read_tenants_file(path):
        limits = (tenant.quota.rate or "any", str(tenant.quota.daily or "any"))
        row(table, tenant.name, str(len(tenant.keys)), *limits, ", ".join(tenant.sender_domains) or "any")
    out.print(table)
