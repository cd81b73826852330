"""Make everything a quick start needs: the jars, and the class archive, which a broker writes when it ends in peace."""

import tempfile
from pathlib import Path

from tools.kafka import jars
from tools.kafka.cluster import Brokers


def prepare() -> jars.Software:
    """Fetch and make what is not there yet.

    Raises:
        Unavailable: Java, Maven or the jars are not to be had.
    """
    software = jars.fetch()
    if not software.archive.exists():
        with tempfile.TemporaryDirectory(dir=software.archive.parent, prefix="learning-") as temporary:
            unfinished = Path(temporary) / "classes.jsa"
            brokers = Brokers.create(Path(temporary) / "kafka")
            try:
                brokers.start(f"-XX:ArchiveClassesAtExit={unfinished}")
            finally:
                brokers.stop()
            if unfinished.exists():  # else the machine was too slow to write it: the next time, then
                unfinished.rename(software.archive)
    return software
