"""The model that ships beside one that was trained with ``phishing_pot``: ``python -m models.spam.beside --data mail-train.parquet``.

The licence of that source forbids commercial use, so that what ships never saw it. Whoever may use it can train with it
(``train --include phishing_pot``); this says what that brings, on the development split of all sources and on mail of kinds
that neither saw, each with the linear baseline that learnt the same.
"""

import argparse
import json
import tempfile
from collections.abc import Collection, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any

from models.spam import baseline, data, evaluate, leave_out, train
from models.spam.calibrate import is_bad
from models.spam.data import Example
from models.spam.evaluate import Scorer
from models.spam.fitting import Plan
from models.spam.runtime import WEIGHTS, SpamModel

FOLD = "modern"
LICENSED: Set[str] = frozenset({data.UNSEEN_SOURCE})


def rows(scorer: Scorer, examples: Sequence[Example]) -> dict[str, Any]:
    """Figures of one judge: of the development split, and of its real phish against the same honest mail."""
    public = train.judged_of(data.wanted(examples, LICENSED))
    phish = train.judged_of([e for e in examples if e.source in LICENSED])
    scores = scorer(public)
    return {
        "dev": evaluate.whole(scores, public),
        "phish": evaluate.ranks(scorer(phish), scores[~is_bad(public)]),
    }


def judges(examples: Sequence[Example], folder: Path, include: Collection[str]) -> dict[str, Scorer]:
    """The model of a folder, and the baseline that learns what it learnt."""
    learned = [e for e in data.wanted(examples, LICENSED - set(include)) if e.split == "train"]
    line = baseline.fit(learned)
    return {
        "model": evaluate.of_model(SpamModel.load(folder, device="cpu")),
        "linear": partial(baseline.scores, line),
    }


def compare(examples: Sequence[Example], shipped: Path, other: Path) -> dict[str, Any]:
    """Figures of both models and their baselines, ``without`` and ``with`` the licensed source in training."""
    ways: dict[str, tuple[Path, Collection[str]]] = {"without": (shipped, ()), "with": (other, LICENSED)}
    return {
        way: {name: rows(scorer, examples) for name, scorer in judges(examples, folder, include).items()}
        for way, (folder, include) in ways.items()
    }


def shifted(examples: Sequence[Example], work: Path, epochs: float) -> dict[str, Any]:
    """Figures of modern mail that neither model saw, trained without and with the licensed source."""
    found = {}
    for way, include in (("without", ()), ("with", LICENSED)):
        figures, _, _ = leave_out.fold(FOLD, examples, Plan(work / way, epochs), include)
        found[way] = {
            view: {kind: both["held out"] for kind, both in judged.items()} for view, judged in figures.items()
        }
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="parquet of extracted texts, as train writes it")
    parser.add_argument("--work", type=Path, help="folder to keep the trained models in")
    parser.add_argument("--epochs", type=float, default=5.0, help="of the model beside the one that ships")
    parser.add_argument("--fold-epochs", type=float, default=1.5)
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    examples = train.gather(args.data, args.cache)
    work = args.work or Path(tempfile.mkdtemp(prefix="beside-"))
    if not (work / "full" / "config.json").exists():
        train.train(examples, Plan(work / "full", args.epochs))
    found = {"seen": compare(examples, WEIGHTS, work / "full"), "shifted": shifted(examples, work, args.fold_epochs)}
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    for way, both in found["seen"].items():
        for name, row in both.items():
            print(f"{way} {name}: dev {_short(row['dev'])}, real phish {_short(row['phish'])}")
    for way, views in found["shifted"].items():
        for view, both in views.items():
            print(f"{way} {view}:", ", ".join(f"{name} {_short(row)}" for name, row in both.items()))


def _short(row: dict[str, Any]) -> str:
    return f"{row['auc']:.4f} {row['recall_1']:.1%} {row['recall_01']:.1%}"


if __name__ == "__main__":
    main()
