"""The broker's jars, fetched once through Maven into a cache folder outside the tree.

The folder is named after the version and the content of ``pom.xml``, so that another list of jars is another folder; it
appears under that name only when it is whole, so that two processes may fetch at once and a killed one leaves no ruin.

Beside it lies, once ``prepare`` has made it, a class archive: what a JVM learns at every start about the broker's 8,000
classes, kept for the next. It halves the CPU of a start, and is good for these jars and this Java only.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
JAVA_MIN = 17
FETCH_TIMEOUT_S = 900


class Unavailable(Exception):
    """Something the broker needs is not on this machine; the message says what, and how to get it."""


@dataclass(frozen=True, slots=True)
class Software:
    """Where the broker is.

    Attributes:
        jars: the folder with all jars.
        archive: the class archive; the file may not be there yet.
    """

    jars: Path
    archive: Path


def version() -> str:
    """The version of Kafka that ``pom.xml`` names."""
    found = ElementTree.parse(POM).findtext(".//{*}properties/{*}kafka.version")
    assert found, f"{POM} names no kafka.version"
    return found


def fetch() -> Software:
    """Fetch the jars if they are not there yet.

    Raises:
        Unavailable: no Java 17, no Maven, or Maven could not fetch them.
    """
    java = _hash(_java_version().encode())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastemailnet"
    name = f"kafka-{version()}-{_hash(POM.read_bytes())}"
    software = Software(cache / name, cache / f"{name}-{java}.jsa")
    if not software.jars.is_dir():
        _fetch_into(software.jars)
    return software


def _fetch_into(target: Path) -> None:
    if shutil.which("mvn") is None:
        raise Unavailable(f"Kafka's jars are not in {target} and mvn is missing; on Debian: apt install maven")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as temporary:
        whole = Path(temporary) / "jars"
        _copy_dependencies(whole)
        try:
            whole.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was faster, with the same jars
                raise


def _copy_dependencies(target: Path) -> None:
    command = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", str(POM)]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise Unavailable(f"mvn could not fetch Kafka's jars:\n{(done.stdout + done.stderr).strip()[-2_000:]}")


def _java_version() -> str:
    if shutil.which("java") is None:
        raise Unavailable(
            f"java is missing; Kafka needs {JAVA_MIN} or newer; on Debian: apt install default-jre-headless"
        )
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    major = said.partition('version "')[2].partition(".")[0].partition('"')[0]
    if not major.isdigit() or int(major) < JAVA_MIN:
        raise Unavailable(f"Kafka needs Java {JAVA_MIN} or newer, found: {said.strip() or 'nothing that answers'}")
    return said


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
