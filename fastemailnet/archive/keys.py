"""The log's key: a 32-octet seed in a file that only its owner may read."""

import os
from pathlib import Path

from fastemailnet.archive.durable import make_directory, sync_directory, write_all
from fastemailnet.errors import LedgerError

SEED_OCTETS = 32
_PRIVATE = 0o600


def load_seed(path: Path) -> bytes:
    """The seed in a file.

    Raises:
        LedgerError: it is missing, not 32 octets, or others may read it.
    """
    try:
        with path.open("rb") as file:
            open_to_others = os.fstat(file.fileno()).st_mode & 0o077
            seed = file.read(SEED_OCTETS + 1)
    except FileNotFoundError as error:
        raise LedgerError(f"the ledger's seed {path} is missing; a new key could not continue this log") from error
    if open_to_others or len(seed) != SEED_OCTETS:
        raise LedgerError(
            f"{path} must hold {SEED_OCTETS} octets with mode 0600, not {len(seed)} with {open_to_others:#o} for others"
        )
    return seed


def create_seed(path: Path) -> bytes:
    """A new seed, durable at ``path``; an existing one is kept and returned."""
    make_directory(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    try:
        write_all(descriptor, os.urandom(SEED_OCTETS))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(temporary, path)  # unlike a rename it never replaces a key that is in use
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    sync_directory(path.parent)
    return load_seed(path)
