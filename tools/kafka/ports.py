"""Free ports on loopback that stay free while a broker is down.

They are taken from below the range that the kernel gives to outgoing connections. From within it, a client that keeps
knocking at a dead broker's port may be given that very port as its own and so connect to itself, and a restarted broker
finds its port taken.
"""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
FIRST = 10_240
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL_FIRST_ELSEWHERE = 32_768


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do; a listener still refuses it
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports(count: int, taken: frozenset[int] = frozenset()) -> list[int]:
    """``count`` different ports, none of ``taken``, that are free now; chosen by chance, so that neighbours rarely meet."""
    found: list[int] = []
    for port in random.sample(range(FIRST, _end()), 50 * count):
        if port not in taken and is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports between {FIRST} and {_end()}")


def _end() -> int:
    try:
        return int(EPHEMERAL.read_text().split()[0])
    except OSError:
        return EPHEMERAL_FIRST_ELSEWHERE
