"""The files of ``shaping.files``: read, and made a policy on top of the house's own limits."""

from collections.abc import Sequence
from pathlib import Path

from fastemailnet.config_shaping import ShapingSection
from fastemailnet.delivery.shaping.limits import Shape
from fastemailnet.delivery.shaping.policy import Policy
from fastemailnet.delivery.shaping.reader import read
from fastemailnet.errors import ConfigError


def read_policy(settings: ShapingSection, files: Sequence[Path] = ()) -> Policy:
    """The policy that the settings name, or of other files.

    Raises:
        ConfigError: a file cannot be read or says what is not allowed.
    """
    house = Shape(settings.connection_limit, settings.max_deliveries_per_connection)
    return read([(str(path), _text(path)) for path in files or settings.files], house, settings.source)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError("shaping.files", str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError("shaping.files", str(path), "is not UTF-8") from error
