"""Settings of how fast and how wide mail goes."""

from pathlib import Path

from pydantic import Field

from fastemailnet.config_failures import Section


class ShapingSection(Section):
    """How fast and how wide mail goes to a site: limits of the whole fleet, see docs/shaping.md."""

    files: tuple[Path, ...] = Field(
        (),
        description="files in KumoMTA's syntax (shaping.toml), later ones laid over earlier ones; none: these limits alone",
    )
    source: str = Field("", description="which of the files' sources this fleet is; empty: none of them")
    connection_limit: int = Field(32, ge=1, description="connections to one site, where no file says otherwise")
    max_deliveries_per_connection: int = Field(
        100, ge=1, description="transactions on one connection, where no file says otherwise"
    )
