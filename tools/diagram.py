"""Draw the life cycle of a unit from its table: ``python tools/diagram.py docs/lifecycle.md``."""

import sys
from pathlib import Path

from fastemailnet.lifecycle import TERMINAL, WAITING, to_mermaid


def page() -> str:
    """The page with the diagram."""
    return (
        "# The life cycle of a unit\n\nDrawn by `make diagram` from the table in `fastemailnet/lifecycle.py`."
        f" A unit is one message × one destination domain.\n\n```mermaid\n{to_mermaid()}```\n\n"
        f"Ends: {', '.join(sorted(TERMINAL))}. Waiting: {', '.join(sorted(WAITING))}.\n"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
