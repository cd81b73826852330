"""Train the spam model and write its weights: ``python -m models.spam.train --data mail-train.parquet``.

The shipped weights come from this script with its default options. ``phishing_pot`` is excluded unless ``--include`` names it,
because its licence forbids commercial use; whoever may use it can train with it.
"""

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from rich.progress import Progress
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from models.spam import authored, calibrate, data, vocabulary, wide_train
from models.spam.data import Example
from models.spam.forward import BertClassifier
from models.spam.reading import Reading, read
from models.spam.runtime import LABELS, SETTINGS, WEIGHTS
from models.spam.tokens import CLS, PAD, SEP, UNKNOWN, WordTokens
from models.spam.wide import Wide

WIDTH, LAYERS, HEADS, INNER = 96, 2, 3, 192
TOKEN_BUDGET, TAIL_TOKENS = 128, 44
BATCH, PEAK_RATE, WEIGHT_DECAY, WARM_UP = 64, 1.5e-3, 0.05, 0.06
SMOOTHING, DROPPED_TOKENS, SHIFTED_WINDOWS, DROPPED_HINTS = 0.03, 0.12, 0.25, 0.25
CHECKPOINT, CHECKPOINT_STEPS = "checkpoint.pt", 500  # a run that was cut off goes on from there
AVERAGE_DECAY = 0.998  # of the moving average of the weights, which is what ships
AUTHORED_PAIRS, AUTHORED_SEED, TRICKED_SHARE = 7_000, 1, 0.35
PADDED_SHARE, PADDED_SEED = 0.08, 3  # copies of texts with honest text above or below
PADDED_HONEST_SHARE = (
    0.1  # of honest messages under the same tricks, or padding and wrapping would tell bad from honest
)
WIDE_SHARE = 0.7  # of the wide part in the common opinion
VOCABULARY_WORDS = 200  # of a text, from which the tokenizer is learnt
# How often a text of a source is drawn per epoch: few and modern sources often, many and old ones seldom. Others: 1.
SOURCE_WEIGHTS = {
    "authored": 0.55,
    "enron-spam": 0.8,
    "lingspam": 0.8,
    "enron-raw": 0.8,
    "csdmc2010": 0.9,
    "cw-l-corpus": 4.0,
    "glitchy-spam": 3.0,
    "template-sendwithus": 2.0,
    "template-misc": 2.0,
    "template-postmark": 3.0,
    "template-mailchimp": 3.0,
    "template-sendgrid": 3.0,
    "template-mailgun": 3.0,
    "template-opencollective": 1.5,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is asked to do."""

    out: Path
    epochs: float
    seed: int
    threads: int


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


@dataclass(frozen=True, slots=True)
class _Lesson:
    """An example and the word at which the stretch begins that is read beside its head, if any."""

    example: Example
    turn: int | None


def _lessons(examples: Sequence[Example], wide: Wide) -> list[_Lesson]:
    turns = (turn for example in examples for turn in wide.opinions([read(example.text)]).turns)
    return [_Lesson(example, turn) for example, turn in zip(examples, turns, strict=True)]


def _varied(reading: Reading, turn: int | None, rng: Random) -> tuple[list[str], int | None]:
    """The words as one epoch sees them: now and then from another place of a long body, or without some of the hints."""
    hints, text = reading.hints, reading.text
    if rng.random() < DROPPED_HINTS:
        hints = [hint for hint in hints if rng.random() < 0.5]
    if len(text) > TOKEN_BUDGET // 2 and rng.random() < SHIFTED_WINDOWS:
        text, turn = text[rng.randrange(len(text) - TOKEN_BUDGET // 4) :], None
    return [*hints, *text], None if turn is None else turn + len(hints)


def _drawn(lessons: Sequence[_Lesson], rng: Random) -> list[_Lesson]:
    """One epoch: each example as often as its source's weight says, fractions by chance."""
    drawn = []
    for lesson in lessons:
        weight = SOURCE_WEIGHTS.get(lesson.example.source, 1.0)
        drawn += [lesson] * (int(weight) + (rng.random() < weight % 1))
    rng.shuffle(drawn)
    return drawn


def _batches(
    lessons: Sequence[_Lesson], tokens: WordTokens, rng: Random
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Batches of (ids, mask, labels) of nearly equal length, in random order."""
    varied = [_varied(read(lesson.example.text), lesson.turn, rng) for lesson in lessons]
    ids = tokens.ids([words for words, _ in varied], [turn for _, turn in varied])
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]) + rng.random() * 16)
    groups = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    rng.shuffle(groups)
    for group in groups:
        longest = max(len(ids[i]) for i in group)
        rows = [
            [
                number if place == 0 or rng.random() >= DROPPED_TOKENS else tokens.unknown
                for place, number in enumerate(ids[i])
            ]
            + [tokens.pad] * (longest - len(ids[i]))
            for i in group
        ]
        batch = torch.tensor(rows)
        yield batch, batch != tokens.pad, torch.tensor([LABELS.index(lessons[i].example.label) for i in group])


def _new_model(vocabulary_size: int, pad: int) -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        hidden_act="relu",
        max_position_embeddings=TOKEN_BUDGET,
        type_vocab_size=1,
        pad_token_id=pad,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
        initializer_range=0.05,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertForSequenceClassification(config)


def _rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to 2 % of the peak."""
    warm = WARM_UP * steps
    if step < warm:
        return step / warm
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / (steps - warm))))


def _fit(model: BertForSequenceClassification, lessons: Sequence[_Lesson], tokens: WordTokens, plan: Plan) -> None:
    """Train ``model`` in place, on from a checkpoint if there is one; it ends with the moving average of its weights."""
    rng = Random(plan.seed)
    per_epoch = sum(SOURCE_WEIGHTS.get(lesson.example.source, 1.0) for lesson in lessons) / BATCH
    steps = max(1, int(per_epoch * plan.epochs))
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    average = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    model.train()
    saved, step = plan.out / CHECKPOINT, 0
    if saved.exists():
        stored = torch.load(saved)
        model.load_state_dict(stored["model"])
        optimiser.load_state_dict(stored["optimiser"])
        schedule.load_state_dict(stored["schedule"])
        average, step = stored["average"], stored["step"]
    with Progress() as progress:
        task = progress.add_task("training", total=steps, completed=step)
        while step < steps:
            for ids, mask, labels in _batches(_drawn(lessons, rng), tokens, rng):
                if step == steps:
                    break
                # The pass that serves also trains: half the time of the stock class, on the same parameters.
                forward = BertClassifier(model.config.to_dict(), dict(model.named_parameters()))
                loss = loss_of(forward(ids, mask), labels)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                step += 1
                decay = min(AVERAGE_DECAY, step / (step + 10))
                for name, weight in model.state_dict().items():
                    if weight.is_floating_point():
                        average[name].lerp_(weight, 1 - decay)
                progress.update(task, advance=1, description=f"loss {loss.item():.3f}")
                if step % CHECKPOINT_STEPS == 0:
                    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
                    torch.save(
                        {name: part.state_dict() for name, part in parts.items()} | {"average": average, "step": step},
                        saved,
                    )
    saved.unlink(missing_ok=True)
    model.load_state_dict(average)
    model.eval()


def _write(model: BertForSequenceClassification, folder: Path, settings: dict[str, Any]) -> None:
    """Weights, configuration and tokenizer in the form that transformers' Auto classes load."""
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token=PAD,
        cls_token=CLS,
        sep_token=SEP,
        unk_token=UNKNOWN,
        mask_token="[MASK]",
        model_max_length=TOKEN_BUDGET,
    ).save_pretrained(folder)
    settle(folder, settings)


def settle(folder: Path, settings: dict[str, Any]) -> None:
    """Put the project's settings into the configuration of a model that is written."""
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8")) | {SETTINGS: settings}
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def make(learned: Sequence[Example], plan: Plan, settings: dict[str, Any]) -> None:
    """Train both parts on ``learned`` and write them, uncalibrated, with ``settings``."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    plan.out.mkdir(parents=True, exist_ok=True)
    learned = [*learned, *data.padded(learned, share=PADDED_SHARE, seed=PADDED_SEED)]
    wide_train.fit(learned).save(plan.out)
    wide = Wide.load(plan.out)  # as it serves
    assert wide is not None
    words = ([*reading.hints, *reading.text[:VOCABULARY_WORDS]] for reading in (read(e.text) for e in learned))
    vocabulary.build(words, plan.out / "tokenizer.json")
    tokens = WordTokens(plan.out / "tokenizer.json", TOKEN_BUDGET, TAIL_TOKENS)
    model = _new_model(vocabulary.size(plan.out / "tokenizer.json"), tokens.pad)
    _fit(model, _lessons(learned, wide), tokens, plan)
    _write(model, plan.out, settings)


def train(examples: Sequence[Example], plan: Plan) -> dict[str, Any]:
    """Train on the ``train`` split, set thresholds on ``dev``, write everything to ``plan.out``; returns the figures."""
    started = time.monotonic()
    learned = [e for e in examples if e.split == "train"]
    judged = [e for e in examples if e.split == "dev" and not e.trick and e.source != authored.SOURCE]
    settings: dict[str, Any] = {
        "token_budget": TOKEN_BUDGET,
        "tail_tokens": TAIL_TOKENS,
        "wide_share": WIDE_SHARE,
        **calibrate.fitted(),
        "threshold_hold": 1.0,
        "threshold_reject": 1.0,
    }
    make(learned, plan, settings)
    settings |= calibrate.settings(plan.out, judged) | {
        "trained_on": dict(sorted(Counter(e.source for e in learned).items())),
        "texts": data.fingerprint(learned),
    }
    settle(plan.out, settings)
    return {
        "train": len(learned),
        "dev": len(judged),
        "minutes": round((time.monotonic() - started) / 60, 1),
        **calibrate.figures(plan.out, judged),
    }


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
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    exclude = set(args.exclude) | ({data.UNSEEN_SOURCE} - set(args.include))
    figures = train(
        data.wanted(gather(args.data, args.cache), exclude), Plan(args.out, args.epochs, args.seed, args.threads)
    )
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print("  ".join(f"{name} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
