"""Judge a trained model: ``python -m models.spam.evaluate --data mail-train.parquet``.

Figures are per source and per language of the development set, with the unseen source (``phishing_pot``, all of it) apart, under each
trick, and beside the linear baseline trained on the same texts. Thresholds are the model's own for held mail, and those of 1 %
and 0.1 % false positives on the honest mail of the development set for recall.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from models.spam import authored, baseline, calibrate, data, metrics, train
from models.spam.calibrate import is_bad
from models.spam.data import Example
from models.spam.metrics import Floats
from models.spam.runtime import WEIGHTS, SpamModel
from models.spam.tricks import TRICKS, wrapped

MIN_GROUP = 10  # smaller groups tell nothing
TRICK_TEXTS = 300
LOST = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05)  # shares of honest mail that may be lost
Scorer = Callable[[Sequence[Example]], Floats]


def of_model(model: SpamModel) -> Scorer:
    """Probability of being bad, by the model."""
    return lambda examples: 1.0 - calibrate.probabilities(model, examples)[:, 0]


def ranks(bad: Floats, honest: Floats) -> dict[str, Any]:
    """Figures that depend on the order of the scores alone."""
    return {
        "count": len(bad),
        "honest": len(honest),
        "auc": metrics.auc(bad, honest),
        "pr_auc": metrics.pr_auc(bad, honest),
        "recall_1": metrics.recall(bad, honest, calibrate.HOLD),
        "recall_1_interval": metrics.interval(round(metrics.recall(bad, honest, calibrate.HOLD) * len(bad)), len(bad)),
        "recall_01": metrics.recall(bad, honest, calibrate.REJECT),
        "false_positives_95": metrics.false_positives(bad, honest, 0.95),
        "false_positives_99": metrics.false_positives(bad, honest, 0.99),
    }


def whole(scores: Floats, examples: Sequence[Example]) -> dict[str, Any]:
    """Figures of a set with honest and bad mail."""
    truth = is_bad(examples)
    bad, honest = scores[truth], scores[~truth]
    return ranks(bad, honest) | {
        "f1_at_half": metrics.f1(bad, honest, 0.5),
        "ece": metrics.calibration_error(scores, truth),
        "brier": metrics.brier(scores, truth),
    }


def groups(
    scores: Floats, examples: Sequence[Example], key: Callable[[Example], str], cut: float
) -> dict[str, dict[str, Any]]:
    """Per group: counts, share of honest mail at or over ``cut`` and share of bad mail there, each with its interval."""
    rows: dict[str, dict[str, Any]] = {}
    members = defaultdict(list)
    for index, example in enumerate(examples):
        members[key(example)].append(index)
    for name, indexes in sorted(members.items()):
        if len(indexes) < MIN_GROUP:
            continue
        truth, over = is_bad([examples[i] for i in indexes]), scores[indexes] >= cut
        held, caught = int((over & ~truth).sum()), int((over & truth).sum())
        rows[name] = {
            "ham": int((~truth).sum()),
            "held": held,
            "held_interval": metrics.interval(held, int((~truth).sum())),
            "bad": int(truth.sum()),
            "caught": caught,
            "caught_interval": metrics.interval(caught, int(truth.sum())),
        }
    return rows


def unseen(scorer: Scorer, strangers: Sequence[Example], honest: Floats) -> dict[str, Any]:
    """Figures of bad mail of a source that no model saw, against the honest mail of the development set."""
    return ranks(scorer(strangers), honest)


def recalls(bad: Floats, honest: Floats) -> dict[str, float]:
    """Recall by the share of honest mail that is lost for it."""
    return {f"{share:.1%}": metrics.recall(bad, honest, share) for share in LOST}


def tricks(scorer: Scorer, material: "_Material", cuts: dict[str, float]) -> dict[str, dict[str, dict[str, float]]]:
    """Share of the bad, the unseen and the honest messages at or over each cut, as they are and under each trick."""
    reached: dict[str, dict[str, dict[str, float]]] = {}
    for name, trick in {"none": wrapped, **TRICKS}.items():
        rng = Random(5)
        reached[name] = {}
        for kind, raws in material.messages.items():
            made = [Example(data.text_of(trick(raw, material.good, rng)), "", "", "dev", "") for raw in raws]
            scores = scorer(made)
            reached[name][kind] = {cut: float((scores >= value).mean()) for cut, value in cuts.items()}
    return reached


def parts(folder: Path, public: Sequence[Example], strangers: Sequence[Example]) -> dict[str, dict[str, Any]]:
    """Figures of the transformer alone and of the linear part alone."""
    found = {}
    for name, share in (("transformer alone", 0.0), ("linear part alone", 1.0)):
        model = SpamModel.load(folder, device="cpu", wide_share=share)
        own, other = (model.odds([e.text for e in some])[:, 0] for some in (public, strangers))
        truth = is_bad(public)
        found[name] = {"dev": ranks(own[truth], own[~truth]), "unseen": ranks(other, own[~truth])}
    return found


@dataclass(frozen=True, slots=True)
class _Material:
    """Messages to play tricks with, and the honest texts that lend their words."""

    messages: dict[str, list[bytes]]
    good: list[str]


def _material(path: Path) -> _Material:
    rng = Random(6)
    rows = data.rows_of(path)
    dev = [r for r in rows if r["split"] == "dev" and r["source"] != data.UNSEEN_SOURCE]
    kinds = {
        "dev": [r["raw"] for r in dev if r["label"] != "ham"],
        "unseen": [r["raw"] for r in rows if r["source"] == data.UNSEEN_SOURCE],
        "honest": [r["raw"] for r in dev if r["label"] == "ham"],
    }
    honest = kinds["honest"]
    good = [data.text_of(raw)[: data.GOOD_TEXT_CHARS] for raw in rng.sample(honest, min(data.GOOD_TEXTS, len(honest)))]
    wanted = {"dev": TRICK_TEXTS, "unseen": TRICK_TEXTS, "honest": 2 * TRICK_TEXTS}
    return _Material({kind: rng.sample(raws, min(wanted[kind], len(raws))) for kind, raws in kinds.items()}, good)


def evaluate(examples: Sequence[Example], path: Path, folder: Path, *, with_baseline: bool) -> dict[str, Any]:
    """All figures."""
    model = SpamModel.load(folder, device="cpu")
    scorer, strangers = of_model(model), [e for e in examples if e.source == data.UNSEEN_SOURCE and not e.trick]
    known = [e for e in examples if e.split == "dev" and e.source != data.UNSEEN_SOURCE and not e.trick]
    public = [e for e in known if e.source != authored.SOURCE]
    scores, public_scores, strange_scores = scorer(known), scorer(public), scorer(strangers)
    honest, bad, hold = public_scores[~is_bad(public)], public_scores[is_bad(public)], model.threshold_hold
    everyone = [*known, *strangers]
    result: dict[str, Any] = {
        "version": model.version,
        "hold": hold,
        "reject": model.threshold_reject,
        "dev": whole(public_scores, public),
        "unseen": ranks(strange_scores, honest),
        "recalls": {"dev": recalls(bad, honest), "unseen": recalls(strange_scores, honest)},
        "parts": parts(folder, public, strangers),
        "at_hold": {
            "honest": float((honest >= hold).mean()),
            "dev": float((bad >= hold).mean()),
            "unseen": float((strange_scores >= hold).mean()),
        },
        "sources": groups(scores, known, lambda e: e.source, hold),
        "languages": groups(np.r_[scores, strange_scores], everyone, lambda e: e.lang, hold),
        "unseen_languages": groups(strange_scores, strangers, lambda e: e.lang, hold),
        "tricks": tricks(scorer, _material(path), {"hold": hold, "1 %": metrics.threshold(honest, calibrate.HOLD)}),
    }
    if with_baseline:
        line = baseline.fit([e for e in examples if e.split == "train" and e.source != data.UNSEEN_SOURCE])
        linear: Scorer = partial(baseline.scores, line)
        linear_scores = linear(public)
        result["baseline"] = {
            "dev": whole(linear_scores, public),
            "unseen": ranks(linear(strangers), linear_scores[~is_bad(public)]),
        }
    return result


def _show(result: dict[str, Any], console: Console) -> None:
    columns = ("", "bad", "ham", "AUC", "PR-AUC", "recall at 1 %", "at 0.1 %", "FP at 95 %", "FP at 99 %", "ECE")
    head = Table(*columns, title=f"model {result['version']}")
    rows = {"dev": result["dev"], "unseen": result["unseen"]}
    rows |= {f"{part}, {name}": row for part, both in result["parts"].items() for name, row in both.items()}
    rows |= {f"baseline, {name}": row for name, row in result.get("baseline", {}).items()}
    for name, row in rows.items():
        head.add_row(
            name,
            str(row["count"]),
            str(row["honest"]),
            f"{row['auc']:.4f}",
            f"{row['pr_auc']:.4f}",
            f"{row['recall_1']:.1%} (from {row['recall_1_interval'][0]:.1%})",
            f"{row['recall_01']:.1%}",
            f"{row['false_positives_95']:.2%}",
            f"{row['false_positives_99']:.2%}",
            f"{row['ece']:.3f}" if "ece" in row else "",
        )
    console.print(head)
    for title in ("sources", "languages", "unseen_languages"):
        table = Table(title, "ham", "held", "bad", "caught")
        for name, row in result[title].items():
            held = f"{row['held'] / row['ham']:.1%} (to {row['held_interval'][1]:.1%})" if row["ham"] else ""
            caught = f"{row['caught'] / row['bad']:.1%} (from {row['caught_interval'][0]:.1%})" if row["bad"] else ""
            table.add_row(name, str(row["ham"]), held, str(row["bad"]), caught)
        console.print(table)
    console.print("caught by honest mail lost:", {k: _percent(row) for k, row in result["recalls"].items()})
    console.print(f"at the threshold of {result['hold']:.3f}:", _percent(result["at_hold"]))
    table = Table("trick", *(f"{kind}, {cut}" for kind in ("dev", "unseen", "honest") for cut in ("hold", "1 %")))
    for name, kinds in result["tricks"].items():
        table.add_row(name, *(f"{share:.1%}" for cuts in kinds.values() for share in cuts.values()))
    console.print(table)


def _percent(shares: dict[str, float]) -> dict[str, str]:
    return {name: f"{share:.1%}" for name, share in shares.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--cache", type=Path, help="parquet of extracted texts, as train writes it")
    parser.add_argument("--no-baseline", action="store_true", help="leave out the linear baseline (two minutes)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    examples = train.gather(args.data, args.cache)
    result = evaluate(examples, args.data, args.weights, with_baseline=not args.no_baseline)
    _show(result, Console(width=140))
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
