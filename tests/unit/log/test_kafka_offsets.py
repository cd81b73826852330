"""What is known of the ends of partitions only grows, whoever tells it.

Seen under load: of two threads that told an end the later had the older news, a node found no record below the end it had been told,
and its process ended.
"""

import threading
from typing import Any

from fastemailnet.log.kafka_cluster import Cluster
from fastemailnet.log.kafka_offsets import Offsets

WHERE = ("mail.bulk", 0)
A_MOMENT_S = 0.2


class Interrupted(dict[Any, int]):
    """Between the look of the first thread and what it does then, another thread tells a higher end."""

    def __init__(self, offsets: Offsets) -> None:
        super().__init__()
        self.other = threading.Thread(target=offsets.reached, args=(WHERE, 9))

    def get(self, *where: Any) -> Any:
        found = super().get(*where)
        if not self.other.ident:
            self.other.start()
            self.other.join(A_MOMENT_S)  # it cannot end while the first is not to be interrupted
        return found


def test_an_end_never_goes_back() -> None:
    offsets = Offsets(Cluster(("127.0.0.1:1",)))
    offsets._ends = ends = Interrupted(offsets)
    offsets.reached(WHERE, 5)
    ends.other.join()
    assert offsets.known(WHERE) == 9
