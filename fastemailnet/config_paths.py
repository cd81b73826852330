"""Where the paths of the settings start: at the folder of the file that names them, else at the working directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from fastemailnet.config_failures import Section
from fastemailnet.errors import ConfigError

S = TypeVar("S", bound=Section)


def below(values: dict[str, Any], folder: Path, sections: Mapping[str, type[Section]]) -> dict[str, Any]:
    """A file's tables, its paths from its own folder on."""
    return {name: _below(table, folder, sections.get(name, Section)) for name, table in values.items()}


def _below(table: Any, folder: Path, section: type[Section]) -> Any:
    if not isinstance(table, dict):
        return table
    kinds = {key: field.annotation for key, field in section.model_fields.items()}
    paths = {key for key, kind in kinds.items() if Path in (kind, *get_args(kind))}
    return {key: _whole(folder, value) if key in paths else value for key, value in table.items()}


def _whole(folder: Path, value: Any) -> Any:
    """A path or a list of paths; anything else is left to be refused for what it is."""
    if isinstance(value, list):
        return [_whole(folder, one) for one in value]
    return str(folder / value) if isinstance(value, str) else value


def absolute(section: S) -> S:
    """Every path in full, since the processes of the fleet run elsewhere."""
    paths: dict[str, Any] = {key: value.absolute() for key, value in section if isinstance(value, Path)}
    lists = ((key, value) for key, value in section if isinstance(value, tuple))
    paths |= {key: tuple(one.absolute() if isinstance(one, Path) else one for one in value) for key, value in lists}
    return section.model_copy(update=paths)


def refuse_moved(data: Path, folder: Path) -> None:
    """Refuse a data directory below ``folder`` that is not there, while one stands where its name leads from the working directory.

    Raises:
        ConfigError: mail that was accepted there would be forgotten.
    """
    if not data.is_relative_to(folder) or data.exists():
        return
    meant = data.relative_to(folder).absolute()
    if (meant / "log.id").exists():
        what = f"is not there, and {meant} holds a fleet's data; a path starts at the folder of the file that names it"
        raise ConfigError("fleet.data", str(data), f"{what}: write it in full")
