"""What a larger transformer in the spam model would bring, and what it would cost.

    python -m benchmarks.spam_sizes --data mail-train.parquet            (make bench-spam-sizes DATA=…)

Question: which depth, width and number of tokens is worth its time, and does a pretrained teacher (``--teacher``) help a small model?

On the back of an envelope: a layer of width w, twice as wide inside, costs 8 w² multiplications a token. 2 × 96 wide at 100 tokens is
30 MFLOP, nearly half of it saved in the last layer: 0.4 ms on one core. Twice the width costs four times as much, and of the texts to
learn from only some thirty thousand are real: more parameters have little to learn from.

Every shape is trained on the same mail, without all modern sources (the fold ``modern`` of ``models.spam.leave_out``), beside the same
linear part, and judged on what it never saw: modern honest mail against ``phishing_pot`` and the spam of today. The linear part has the
shipped share in the common opinion. The last column is CPU time of one thread, from octets to probabilities, in batches of 16.
It passes when no other shape that scores LEAST_RATE mails a second catches more than MARGIN beyond the shipped one.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.scoring import LEAST_RATE, NODE_BATCH, PAIRS, SEED, throughput
from models.spam import authored, leave_out, metrics, train, wide_train
from models.spam.calibrate import is_bad
from models.spam.data import Example
from models.spam.fitting import Plan, Shape
from models.spam.metrics import Floats
from models.spam.runtime import SpamModel
from models.spam.wide import Wide

FOLD = "modern"
SHIPPED = "2 × 96, 128 tokens"
SHAPES = {
    "1 × 64, 64 tokens": Shape(width=64, layers=1, heads=2, inner=128, tokens=64, tail=20),
    "2 × 96, 64 tokens": Shape(tokens=64, tail=20),
    SHIPPED: Shape(),
    "2 × 128, 128 tokens": Shape(width=128, heads=4, inner=256),
    "2 × 128, 256 tokens": Shape(width=128, heads=4, inner=256, tokens=256, tail=88),
    "4 × 128, 128 tokens": Shape(width=128, layers=4, heads=4, inner=256),
}
TAUGHT = 12_000  # of the training texts a teacher reads: it does 40 a second
MARGIN = 0.03  # of recall: for less, a larger shape is not worth its time
out = Console()


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the curve: areas under the curve and recalls at 1 % of honest mail lost."""

    name: str
    million_parameters: float
    phish_auc: float
    phish_recall: float
    spam_recall: float
    known_recall: float
    alone_phish_auc: float | None
    mails_per_s: float | None


def quality(scores: Floats, asked: leave_out.Asked) -> tuple[float, float, float, float]:
    """Unseen phish (AUC and recall) and unseen spam against unseen honest mail, known kinds among themselves."""
    first, second = len(asked.held), len(asked.held) + len(asked.known)
    own, known, strangers = scores[:first], scores[first:second], scores[second:]
    plain = np.array([e.source not in leave_out.DISPUTED for e in asked.held])
    bad, also = is_bad(asked.held), is_bad(asked.known)
    honest = own[plain & ~bad]
    return (
        metrics.auc(strangers, honest),
        metrics.recall(strangers, honest, 0.01),
        metrics.recall(own[bad], honest, 0.01),
        metrics.recall(known[also], known[~also], 0.01),
    )


def odds(folder: Path, share: float, asked: Sequence[Example]) -> Floats:
    """Log odds of a model in which the linear part has this share."""
    return SpamModel.load(folder, device="cpu", wide_share=share).odds([e.text for e in asked])[:, 0]


def point(name: str, plan: Plan, asked: leave_out.Asked, raws: list[bytes]) -> Point:
    """Judge the model that was trained to ``plan``."""
    alone = quality(odds(plan.out, 0.0, asked.everything), asked)
    both = quality(odds(plan.out, train.WIDE_SHARE, asked.everything), asked)
    rate: float = throughput(SpamModel.load(plan.out, device="cpu"), raws, batches=(NODE_BATCH,))["mails_per_s"][
        NODE_BATCH
    ]
    size = (plan.out / "model.safetensors").stat().st_size / 4e6
    return Point(name, size, *both, alone[0], rate)


def shown(points: Sequence[Point]) -> Table:
    """The curve as a table."""
    table = Table(
        "transformer", "10⁶ weights", "phish AUC", "recall", "spam recall", "known recall", "AUC alone", "mails/s"
    )
    for one in points:
        shares = (f"{100 * share:.1f} %" for share in (one.phish_recall, one.spam_recall, one.known_recall))
        alone = "" if one.alone_phish_auc is None else f"{one.alone_phish_auc:.4f}"
        row = (
            f"{one.million_parameters:.1f}",
            f"{one.phish_auc:.4f}",
            *shares,
            alone,
            f"{one.mails_per_s:.0f}" if one.mails_per_s else "",
        )
        table.add_row(one.name, *row)
    return table


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="parquet of extracted texts, as models.spam.train writes it")
    parser.add_argument("--epochs", type=float, default=1.5)
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=list(SHAPES), metavar="SHAPE")
    parser.add_argument("--teacher", type=Path, help="folder of a pretrained encoder")
    parser.add_argument("--work", type=Path, help="folder to keep the models in")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp(prefix="spam-sizes-"))
    work.mkdir(parents=True, exist_ok=True)
    examples = train.gather(args.data, args.cache)
    learned, asked = train.with_copies(leave_out.learned_of(FOLD, examples)), leave_out.asked_of(FOLD, examples)
    raws = [mail.raw for mail in authored.generate(SEED, PAIRS)]
    wide = Wide.load(work) or wide_train.fit(learned)
    wide.save(work)
    points: list[Point] = []

    def judge(name: str, plan: Plan, taught: Sequence[float | None] = ()) -> None:
        if not (plan.out / "config.json").exists():  # a run that was cut off goes on
            train.make(learned, plan, wide, taught)
        points.append(point(name, plan, asked, raws))
        out.print(json.dumps(asdict(points[-1]), ensure_ascii=False))

    for name in args.shapes:
        judge(name, Plan(work / name.replace(" ", ""), args.epochs, shape=SHAPES[name]))
    if args.teacher:
        from models.spam.teacher import Teacher

        taught: list[float | None] = [None] * len(learned)
        chosen = Random(SEED).sample(range(len(learned)), min(TAUGHT, len(learned)))
        teacher = Teacher(args.teacher, work / "teacher.npz")
        opinions, said = teacher.lesson([learned[i] for i in chosen], asked.everything)
        for place, opinion in zip(chosen, opinions.tolist(), strict=True):
            taught[place] = opinion
        points.append(Point("the teacher alone", 22.7, *quality(said, asked), None, None))
        judge(f"{SHIPPED}, taught", Plan(work / "taught", args.epochs), taught)
    out.print(shown(points))
    finish(points, args.json)


def finish(points: Sequence[Point], path: Path | None) -> None:
    """Write the figures and leave with whether the shipped shape holds its place."""
    shipped = next((one for one in points if one.name == SHIPPED), None)
    fast = [one for one in points if one.mails_per_s and one.mails_per_s >= LEAST_RATE]
    best = max(fast, key=lambda one: one.phish_recall, default=None)
    held = bool(shipped and best and best.phish_recall <= shipped.phish_recall + MARGIN)
    if path:
        figures: dict[str, Any] = {"points": [asdict(one) for one in points], "held": held}
        path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    names = f'shipped="{SHIPPED}" best="{best.name if best else "none"}"'
    recalls = f"shipped_recall={shipped.phish_recall if shipped else 0:.3f} best_recall={best.phish_recall if best else 0:.3f}"
    print(f"spam-sizes points={len(points)} {names} {recalls} held={'yes' if held else 'no'}")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
