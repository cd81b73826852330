"""rspamd, SpamAssassin and bogofilter on the messages that the model is judged by.

    python -m models.spam.foreign_filters --data mail-train.parquet

Local rules alone: no DNS, no lists, no network, as for a mail that nobody has received yet. bogofilter learns the training split
(without ``phishing_pot``). Every filter scores the same octets: a sample of the development set, and of ``phishing_pot``, against
the same honest mail. The programs come from ``tools/system-packages.sh rspamd spamd spamassassin bogofilter``; servers listen on
loopback, at ports of their own, and end with the run.
"""

import argparse
import json
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from models.spam import data, metrics
from models.spam.metrics import Floats
from models.spam.runtime import SpamModel

DEV_SAMPLE, UNSEEN_SAMPLE, SEED = 1_500, 500, 12
START_S, ANSWER_S = 90, 60
# Where each holds mail as it is installed: rspamd adds a header, SpamAssassin and bogofilter say spam.
CUTS = {"rspamd": 6.0, "spamassassin": 5.0, "bogofilter": 0.99}
_NETWORKED = [
    "rbl", "surbl", "spf", "dkim", "dkim_signing", "dmarc", "arc", "asn", "fuzzy_check", "mx_check", "bimi", "dcc", "neural",
    "reputation", "rspamd_update", "url_redirector", "greylist", "ratelimit", "replies", "history_redis",
]  # fmt: skip
_RSPAMD = """
.include "$CONFDIR/common.conf"
options {
    pidfile = "$RUNDIR/rspamd.pid";
    .include "$CONFDIR/options.inc"
    filters = "chartable,regexp";
    dns { nameserver = ["127.0.0.1:9"]; timeout = 0.05s; retransmits = 1; }
}
logging { type = "file"; filename = "$LOGDIR/rspamd.log"; level = "error"; }
worker "normal" { bind_socket = "127.0.0.1:PORT"; count = 1; }
lua = "$RULESDIR/rspamd.lua";
.include "$CONFDIR/metrics.conf"
.include "$CONFDIR/actions.conf"
.include "$CONFDIR/groups.conf"
.include "$CONFDIR/composites.conf"
.include "$CONFDIR/modules.conf"
.include "$CONFDIR/settings.conf"
modules { path = "${PLUGINSDIR}"; fallback_path = "${SHAREDIR}/lua"; }
"""
Scorer = Callable[[Sequence[bytes]], list[float]]


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A server, from when it listens until the block ends.

    Raises:
        RuntimeError: it ended, or does not listen within START_S seconds.
    """
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} does not listen on port {port} ({START_S} s)") from None
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def rspamd(work: Path) -> Iterator[Scorer]:
    """rspamd with its rules alone."""
    port, rules = free_port(), work / "local.d"
    rules.mkdir(parents=True)
    for module in _NETWORKED:
        (rules / f"{module}.conf").write_text("enabled = false;\n")
    (work / "rspamd.conf").write_text(_RSPAMD.replace("PORT", str(port)))
    places = [f"--var={name}={work}" for name in ("DBDIR", "RUNDIR", "LOGDIR", "LOCAL_CONFDIR")]

    def one(raw: bytes) -> float:
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/checkv2", data=raw)
        with urllib.request.urlopen(asked, timeout=ANSWER_S) as answer:
            return float(json.load(answer)["score"])

    with running(["rspamd", "-f", "-i", "-c", str(work / "rspamd.conf"), *places], port):
        yield lambda raws: [one(raw) for raw in raws]


@contextmanager
def spamassassin(work: Path) -> Iterator[Scorer]:
    """SpamAssassin with its rules alone, without what it would have learnt."""
    port = free_port()
    settings = ["--cf=use_bayes 0", "--cf=skip_rbl_checks 1", "--cf=use_pyzor 0", "--cf=use_razor2 0"]
    where = ["-i", f"127.0.0.1:{port}", "-H", str(work), "-r", str(work / "pid"), "-s", str(work / "log")]

    def one(raw: bytes) -> float:
        with socket.create_connection(("127.0.0.1", port), ANSWER_S) as link:
            link.sendall(b"CHECK SPAMC/1.2\r\nContent-length: %d\r\n\r\n" % len(raw) + raw)
            link.shutdown(socket.SHUT_WR)
            answer = link.makefile("rb").read().decode()
        verdict = next(line for line in answer.splitlines() if line.startswith("Spam:"))
        return float(verdict.partition(";")[2].partition("/")[0])

    with running(["spamd", "-L", "-x", "-m", "1", "-u", "nobody", *settings, *where], port):
        yield lambda raws: [one(raw) for raw in raws]


@contextmanager
def bogofilter(work: Path, learned: Sequence[tuple[bytes, bool]]) -> Iterator[Scorer]:
    """bogofilter, taught messages with whether each is bad."""
    words = work / "words"
    words.mkdir(parents=True)
    for flag, side in (("-n", False), ("-s", True)):
        folder = _files(work / flag, [raw for raw, bad in learned if bad is side])
        subprocess.run(["bogofilter", "-C", "-d", str(words), flag, "-B", str(folder)], check=True)

    def score(raws: Sequence[bytes]) -> list[float]:
        with tempfile.TemporaryDirectory(dir=work) as place:
            names = "\n".join(str(path) for path in sorted(_files(Path(place) / "asked", raws).iterdir()))
            command = ["bogofilter", "-C", "-d", str(words), "-b", "-T", "-v"]
            answer = subprocess.run(command, input=names, capture_output=True, text=True, check=False).stdout
        return [float(line.split()[-1]) for line in answer.splitlines()]

    yield score


def _files(folder: Path, raws: Sequence[bytes]) -> Path:
    folder.mkdir(parents=True)
    for number, raw in enumerate(raws):
        (folder / f"{number:06}").write_bytes(raw)
    return folder


def judged(
    scorer: Scorer, raws: Sequence[bytes], bad: Sequence[bool], strangers: Sequence[bytes], cut: float
) -> dict[str, Any]:
    """Figures of one filter."""
    started = time.perf_counter()
    scores = np.array(scorer([*raws, *strangers]))
    took = time.perf_counter() - started
    assert len(scores) == len(raws) + len(strangers), f"{len(scores)} scores for {len(raws) + len(strangers)} messages"
    truth, unseen = np.array(bad), scores[len(raws) :]
    known = scores[: len(raws)]
    honest = known[~truth]
    return {
        "cut": cut,
        "honest": len(honest),
        "held": _share(honest, cut),
        "dev": _figures(known[truth], honest, cut),
        "unseen": _figures(unseen, honest, cut),
        "mails_per_s": len(scores) / took,
    }


def _share(scores: Floats, cut: float) -> tuple[float, tuple[float, float]]:
    return float((scores >= cut).mean()), metrics.interval(int((scores >= cut).sum()), len(scores))


def _figures(bad: Floats, honest: Floats, cut: float) -> dict[str, Any]:
    return {
        "bad": len(bad),
        "auc": metrics.auc(bad, honest),
        "recall_1": metrics.recall(bad, honest, 0.01),
        "caught": _share(bad, cut),
    }


def compare(path: Path, model: SpamModel, work: Path) -> dict[str, Any]:
    """Figures of every filter and of the model, by name."""
    rows, rng = data.rows_of(path), Random(SEED)
    unseen = [row["raw"] for row in rows if row["source"] == data.UNSEEN_SOURCE]
    public = [row for row in rows if row["source"] != data.UNSEEN_SOURCE]
    dev = [row for row in public if row["split"] == "dev"]
    asked = rng.sample(dev, min(DEV_SAMPLE, len(dev)))
    strangers = rng.sample(unseen, min(UNSEEN_SAMPLE, len(unseen)))
    taught = [(row["raw"], row["label"] != "ham") for row in public if row["split"] == "train"]
    raws, bad = [row["raw"] for row in asked], [row["label"] != "ham" for row in asked]

    def own(some: Sequence[bytes]) -> list[float]:
        return [score.bad for score in model.score([data.text_of(raw) for raw in some])]

    found = {"this model": judged(own, raws, bad, strangers, model.threshold_hold)}
    work.chmod(0o755)  # spamd leaves root
    for name, start in (("rspamd", rspamd), ("spamassassin", spamassassin)):
        place = work / name
        place.mkdir()
        place.chmod(0o777)
        with start(place) as scorer:
            found[name] = judged(scorer, raws, bad, strangers, CUTS[name])
    with bogofilter(work / "bogofilter", taught) as scorer:
        found["bogofilter"] = judged(scorer, raws, bad, strangers, CUTS["bogofilter"])
    return found


def _percent(share: tuple[float, tuple[float, float]]) -> str:
    return f"{share[0]:.1%} ({max(0.0, share[1][0]):.1%}-{share[1][1]:.1%})"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="filters-") as work:
        found = compare(args.data, SpamModel.load(args.weights, device="cpu"), Path(work))
    table = Table("", "mail", "bad", "ham", "AUC", "recall at 1 %", "at its own threshold: caught", "held", "mails/s")
    for name, row in found.items():
        for kind in ("dev", "unseen"):
            one = row[kind]
            figures = (str(one["bad"]), str(row["honest"]), f"{one['auc']:.4f}", f"{one['recall_1']:.1%}")
            table.add_row(
                name, kind, *figures, _percent(one["caught"]), _percent(row["held"]), f"{row['mails_per_s']:.0f}"
            )
    Console(width=160).print(table)
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
