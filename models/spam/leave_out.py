"""Leave whole kinds of mail out of training, judge on them, and calibrate by what came out: ``python -m models.spam.leave_out``.

Each fold holds out sources that share their nature, so that nothing like them is in training: modern mail, the classic corpora, the
Enron and Ling-Spam texts. ``phishing_pot`` is never in training. The odds of all held-out mail together give the temperature and the
shift that the shipped model uses (``shift.json``): what it says of mail of an unseen kind should be true on the whole.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.spam import baseline, calibrate, data, metrics, train
from models.spam.data import Example
from models.spam.metrics import Flags, Floats
from models.spam.runtime import SpamModel

_MODERN = {
    "newsletter-optech", "newsletter-twir", "newsletter-haskell", "newsletter-zh", "campaign-l10n", "political", "mxai-synthetic",
    "account-i18n", "sisimai-dsn", "cw-l-corpus", "glitchy-spam",
}  # fmt: skip
FOLDS: dict[str, Callable[[str], bool]] = {
    "modern": lambda source: source in _MODERN or source.startswith("template-"),
    "classic": lambda source: source in ("spamassassin", "csdmc2010"),
    "words": lambda source: source in ("enron-spam", "enron-raw", "lingspam"),
}


def judged(scores: Floats, truth: Flags, held: Flags, strangers: Flags) -> dict[str, Any]:
    """Figures of held-out mail, and of the unseen phish against its honest mail."""
    honest = scores[held & ~truth]
    rows = {"held out": scores[held & truth], "unseen phish": scores[strangers]}
    return {
        name: {
            "bad": len(bad),
            "ham": len(honest),
            "auc": metrics.auc(bad, honest),
            "recall_1": metrics.recall(bad, honest, calibrate.HOLD),
            "recall_01": metrics.recall(bad, honest, calibrate.REJECT),
        }
        for name, bad in rows.items()
        if len(bad)
    }


def fold(name: str, examples: Sequence[Example], plan: train.Plan) -> tuple[dict[str, Any], Floats, list[Example]]:
    """Train without the sources of a fold; returns figures, and the odds of the held-out mail with that mail."""
    out = FOLDS[name]
    learned = [e for e in examples if e.split == "train" and e.source != data.UNSEEN_SOURCE and not out(e.source)]
    asked = [e for e in examples if not e.trick and (out(e.source) or e.source == data.UNSEEN_SOURCE)]
    settings = {"token_budget": train.TOKEN_BUDGET, "tail_tokens": train.TAIL_TOKENS, "wide_share": train.WIDE_SHARE}
    train.make(learned, plan, settings | calibrate.NEUTRAL | {"threshold_hold": 1.0, "threshold_reject": 1.0})
    truth = calibrate.is_bad(asked)
    strangers = np.array([e.source == data.UNSEEN_SOURCE for e in asked])
    odds = SpamModel.load(plan.out, device="cpu").odds([e.text for e in asked])[:, 0]
    line = baseline.fit(learned)
    figures = {
        "model": judged(odds, truth, ~strangers, strangers),
        "linear": judged(baseline.scores(line, asked), truth, ~strangers, strangers),
    }
    return figures, odds, asked


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="parquet of extracted texts, as train writes it")
    parser.add_argument("--folds", nargs="*", default=list(FOLDS), choices=list(FOLDS))
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--work", type=Path, help="folder to keep the models of the folds in")
    parser.add_argument("--calibrate", action="store_true", help=f"rewrite {calibrate.SHIFT_FILE.name}")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    examples = train.gather(args.data, args.cache)
    work = args.work or Path(tempfile.mkdtemp(prefix="leave-out-"))
    figures: dict[str, Any] = {}
    odds: list[Floats] = []
    asked: list[Example] = []
    for name in args.folds:
        found, some, texts = fold(name, examples, train.Plan(work / name, args.epochs, 7, 1))
        figures[name], odds, asked = found, [*odds, some], [*asked, *texts]
        print(name, json.dumps(found), flush=True)
    fitted = calibrate.balanced(np.concatenate(odds), calibrate.is_bad(asked), [e.source for e in asked])
    if args.calibrate:
        calibrate.SHIFT_FILE.write_text(json.dumps({**fitted, "folds": args.folds}, indent=2) + "\n", "utf-8")
    if args.json:
        args.json.write_text(json.dumps(figures | {"calibration": fitted}, indent=2) + "\n", "utf-8")
    print("  ".join(f"{name} {value:.3f}" for name, value in fitted.items()))


if __name__ == "__main__":
    main()
