"""Draw the life cycle of a unit from its table: ``python tools/diagram.py docs/lifecycle.md``."""

import sys
from pathlib import Path

from fastemailnet.lifecycle import TERMINAL, WAITING, to_mermaid


def page() -> str:
    """The page with the diagram."""
    return (
        "# The life cycle of a unit\n\nDrawn by `make diagram` from the table in `fastemailnet/lifecycle.py`. A unit is one message × one"
        f" destination domain.\n\n```mermaid\n{to_mermaid()}```\n\nEnds: {', '.join(sorted(TERMINAL))}. "
        f"Waiting: {', '.join(sorted(WAITING))}.\n"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
