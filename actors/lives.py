"""Which processes of the fleet live, and of which it was said that they ended: of each life once.

A call to a process that is just being started again fails as that to one that ended did. What tells lives apart is the process id. One
that ends before it has told its id, each time that it is started, is told of now and then.
"""

SILENT_S = 30.0  # a process that has not answered for so long does not come up


class Lives:
    """The lives of all processes, as the watch hears of them."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}  # process id of each process, as far as it was heard
        self.over: dict[str, tuple[int, float]] = {}  # of the life whose end was told last, and when

    def began(self, name: str, pid: int) -> None:
        """A process has answered."""
        self.known[name] = pid

    def ended(self, name: str, now_s: float) -> bool:
        """A call to a process failed; whether that is news."""
        pid = self.known.get(name)
        told, at_s = self.over.get(name, (None, 0.0))
        if pid is None or (told == pid and now_s - at_s < SILENT_S):
            return False
        self.over[name] = pid, now_s
        return True
