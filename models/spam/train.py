"""Train the spam model and write its weights: ``python -m models.spam.train --data mail-train.parquet``.

The shipped weights come from this script with its default options. ``phishing_pot`` is excluded unless ``--include`` names it,
because its licence forbids commercial use; whoever may use it can train with it.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from models.spam import authored, calibrate, data, fitting, vocabulary, wide_train
from models.spam.data import Example
from models.spam.fitting import Plan
from models.spam.reading import read
from models.spam.runtime import SETTINGS, WEIGHTS
from models.spam.tokens import WordTokens
from models.spam.wide import Wide

AUTHORED_PAIRS, AUTHORED_SEED, TRICKED_SHARE = 30_000, 1, 0.35
PADDED_SHARE, PADDED_SEED = 0.08, 3  # copies of texts with honest text above or below
LOWERED_SHARE, LOWERED_SEED = 0.08, 5  # copies without capitals
# Of honest messages under the same tricks, or padding and wrapping would tell bad from honest.
PADDED_HONEST_SHARE = 0.1
WIDE_SHARE = 0.8  # of the wide part in the common opinion
VOCABULARY_WORDS = 200  # of a text, from which the tokenizer is learnt


def gather(path: Path, cache: Path | None) -> list[Example]:
    """All examples, whatever their licence; extracted texts come from ``cache`` where it exists."""
    if cache and cache.exists():
        return data.load(cache)
    examples = data.from_parquet(path) + data.from_generator(AUTHORED_SEED, AUTHORED_PAIRS)
    examples += data.tricked(path, share=TRICKED_SHARE, seed=2, exclude={data.UNSEEN_SOURCE})
    examples += data.tricked(
        path, share=PADDED_HONEST_SHARE, seed=4, exclude={data.UNSEEN_SOURCE}, labels={"ham"}, names=data.PADDINGS
    )
    if cache:
        data.save(examples, cache)
    return examples


def settle(folder: Path, settings: dict[str, Any]) -> None:
    """Put the project's settings into the configuration of a model that is written."""
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8")) | {SETTINGS: settings}
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def neutral(plan: Plan) -> dict[str, Any]:
    """The settings of a model that is not calibrated yet."""
    return {
        "token_budget": plan.shape.tokens,
        "tail_tokens": plan.shape.tail,
        "wide_share": WIDE_SHARE,
        **calibrate.fitted(),
        "threshold_hold": 1.0,
        "threshold_reject": 1.0,
    }


def with_copies(learned: Sequence[Example]) -> list[Example]:
    """Examples, and copies of some with honest text around them or without capitals."""
    padded = data.padded(learned, share=PADDED_SHARE, seed=PADDED_SEED)
    return [*learned, *padded, *data.lowered(learned, share=LOWERED_SHARE, seed=LOWERED_SEED)]


def make(learned: Sequence[Example], plan: Plan, wide: Wide | None = None, taught: Sequence[float | None] = ()) -> None:
    """Train both parts and write them, uncalibrated.

    Args:
        learned: what to learn from, with its copies.
        plan: where to write, and how to train.
        wide: a wide part that was trained on these examples; None trains one.
        taught: a teacher's opinion of each example.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    plan.out.mkdir(parents=True, exist_ok=True)
    (wide or wide_train.fit(learned)).save(plan.out)
    served = Wide.load(plan.out)
    assert served is not None
    words = ([*reading.hints, *reading.text[:VOCABULARY_WORDS]] for reading in (read(e.text) for e in learned))
    vocabulary.build(words, plan.out / "tokenizer.json")
    tokens = WordTokens(plan.out / "tokenizer.json", plan.shape.tokens, plan.shape.tail)
    model = fitting.new_model(plan.shape, vocabulary.size(plan.out / "tokenizer.json"), tokens.pad)
    fitting.fit(model, fitting.lessons_of(learned, served, taught), tokens, plan)
    fitting.write(model, plan.out)
    settle(plan.out, neutral(plan))


def judged_of(examples: Sequence[Example]) -> list[Example]:
    """The real mail of the development split."""
    return [e for e in examples if e.split == "dev" and not e.trick and e.source != authored.SOURCE]


def calibrated(folder: Path, judged: Sequence[Example]) -> dict[str, Any]:
    """Give a trained model this tree's share of the parts, calibration and thresholds; returns its figures."""
    settings = json.loads((folder / "config.json").read_text("utf-8"))[SETTINGS]
    settle(folder, settings | {"wide_share": WIDE_SHARE} | calibrate.fitted())
    settle(folder, settings | {"wide_share": WIDE_SHARE} | calibrate.fitted() | calibrate.settings(folder, judged))
    return {"dev": len(judged), **calibrate.figures(folder, judged)}


def train(examples: Sequence[Example], plan: Plan) -> dict[str, Any]:
    """Train on the ``train`` split, set thresholds on ``dev``, write everything to ``plan.out``; returns the figures."""
    started = time.process_time()
    learned = with_copies([e for e in examples if e.split == "train"])
    make(learned, plan)
    settle(
        plan.out,
        neutral(plan)
        | {"trained_on": dict(sorted(Counter(e.source for e in learned).items())), "texts": data.fingerprint(learned)},
    )
    figures = calibrated(plan.out, judged_of(examples))
    return {"train": len(learned), "cpu_minutes": round((time.process_time() - started) / 60, 1), **figures}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with raw, label, source, split, lang")
    parser.add_argument("--exclude", nargs="*", default=[], metavar="SOURCE", help="sources to leave out")
    parser.add_argument(
        "--include",
        nargs="*",
        default=[],
        metavar="SOURCE",
        help=f"sources to take though left out by default ({data.UNSEEN_SOURCE})",
    )
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="directory to write (default: the shipped weights)")
    parser.add_argument("--epochs", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="parquet to keep extracted texts in between runs")
    parser.add_argument("--calibrate", action="store_true", help="train nothing: calibrate the model in --out anew")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    exclude = set(args.exclude) | ({data.UNSEEN_SOURCE} - set(args.include))
    examples = data.wanted(gather(args.data, args.cache), exclude)
    if args.calibrate:
        figures = calibrated(args.out, judged_of(examples))
    else:
        figures = train(examples, Plan(args.out, args.epochs, args.seed, args.threads))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print("  ".join(f"{name} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
