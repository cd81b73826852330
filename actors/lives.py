"""Which processes of the fleet live, and of which it was said that they ended: of each life once.

A call to a process that is just being started again fails as that to one that ended did. What tells lives apart is the process id.
"""


class Lives:
    """The lives of all processes, as the watch hears of them."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}  # process id of each process, as far as it was heard
        self.over: dict[str, int] = {}  # of the life whose end was told last

    def began(self, name: str, pid: int) -> None:
        """A process has answered."""
        self.known[name] = pid

    def ended(self, name: str) -> bool:
        """A call to a process failed; whether that is news."""
        pid = self.known.get(name)
        if pid is None or self.over.get(name) == pid:
            return False
        self.over[name] = pid
        return True
