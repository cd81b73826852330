"""Routes of single domains, in a TOML file beside the settings (``route.table``): a table for each domain or ".suffix"."""

from pathlib import Path

from pydantic import ValidationError

from fastemailnet.config import RouteEntry, read_toml, refuse_route
from fastemailnet.config_problems import first_problem


def read_table(path: Path) -> dict[str, RouteEntry]:
    """The routes of a ``route.table`` file by domain or, with a leading dot, suffix.

    Raises:
        ConfigError: the file or a route in it cannot be used.
    """
    entries: dict[str, RouteEntry] = {}
    for name, values in read_toml(path, "route.table").items():
        try:
            entry = entries[name.lower()] = RouteEntry.model_validate(values)
        except ValidationError as error:
            raise first_problem(error, RouteEntry, f"route.table {name!r}: ") from error
        refuse_route(entry, f"route.table {name!r}: ")
    return {name: _with_absolute(entry, path.parent) for name, entry in entries.items()}


def _with_absolute(entry: RouteEntry, folder: Path) -> RouteEntry:
    if entry.password_file is None:
        return entry
    return entry.model_copy(update={"password_file": (folder / entry.password_file).absolute()})
