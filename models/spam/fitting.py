"""Fitting the transformer: lessons made of examples, varied from epoch to epoch, and a model of any shape trained on them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from rich.progress import Progress
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from models.spam.data import Example
from models.spam.forward import BertClassifier
from models.spam.reading import Reading, read
from models.spam.runtime import LABELS
from models.spam.tokens import CLS, PAD, SEP, UNKNOWN, WordTokens
from models.spam.wide import Wide

BATCH, PEAK_RATE, WEIGHT_DECAY, WARM_UP = 64, 1.5e-3, 0.05, 0.06
TEACHING = 0.5  # weight of a teacher's opinion beside the label
SMOOTHING, DROPPED_TOKENS, SHIFTED_WINDOWS, DROPPED_HINTS = 0.03, 0.12, 0.25, 0.25
CHECKPOINT, CHECKPOINT_STEPS = "checkpoint.pt", 500  # a run that was cut off goes on from there
AVERAGE_DECAY = 0.998  # of the moving average of the weights, which is what ships
# How often a text of a source is drawn per epoch: few and modern sources often, many and old ones seldom. Others: 1.
SOURCE_WEIGHTS = {
    "authored": 0.3,
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
class Shape:
    """The size of a transformer: how wide, how many layers and heads, how wide inside, how many tokens it reads."""

    width: int = 96
    layers: int = 2
    heads: int = 3
    inner: int = 192
    tokens: int = 128
    tail: int = 44  # of the tokens, those of the most suspicious stretch behind the head


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is asked to do."""

    out: Path
    epochs: float
    seed: int = 7
    threads: int = 1
    shape: Shape = Shape()


@dataclass(frozen=True, slots=True)
class Lesson:
    """An example, the word at which the stretch begins that is read beside its head, if any, and a teacher's opinion, if any."""

    example: Example
    turn: int | None
    taught: float | None = None  # probability of being bad


def lessons_of(examples: Sequence[Example], wide: Wide, taught: Sequence[float | None] = ()) -> list[Lesson]:
    """Examples as the transformer is to read them, by the wide part that serves beside it.

    Args:
        examples: any number.
        wide: says where the second stretch of a long body begins.
        taught: what a teacher says of each (probability of being bad); none where there is no teacher.
    """
    turns = (turn for example in examples for turn in wide.opinions([read(example.text)]).turns)
    opinions = taught if len(taught) else [None] * len(examples)
    return [Lesson(*parts) for parts in zip(examples, turns, opinions, strict=True)]


def _target(lesson: Lesson) -> list[float]:
    """What the model should say: the label, halfway to a teacher's opinion where there is one."""
    label = lesson.example.label
    truth = [float(name == label) for name in LABELS]
    if lesson.taught is None:
        return truth
    bad = [float(name == label) if label != "ham" else 0.5 for name in LABELS[1:]]
    opinion = [1 - lesson.taught, *(lesson.taught * share for share in bad)]
    return [(1 - TEACHING) * own + TEACHING * other for own, other in zip(truth, opinion, strict=True)]


def _varied(reading: Reading, turn: int | None, budget: int, rng: Random) -> tuple[list[str], int | None]:
    """The words as one epoch sees them: now and then from another place of a long body, or without some of the hints."""
    hints, text = reading.hints, reading.text
    if rng.random() < DROPPED_HINTS:
        hints = [hint for hint in hints if rng.random() < 0.5]
    if len(text) > budget // 2 and rng.random() < SHIFTED_WINDOWS:
        text, turn = text[rng.randrange(len(text) - budget // 4) :], None
    return [*hints, *text], None if turn is None else turn + len(hints)


def _drawn(lessons: Sequence[Lesson], rng: Random) -> list[Lesson]:
    """One epoch: each example as often as its source's weight says, fractions by chance."""
    drawn = []
    for lesson in lessons:
        weight = SOURCE_WEIGHTS.get(lesson.example.source, 1.0)
        drawn += [lesson] * (int(weight) + (rng.random() < weight % 1))
    rng.shuffle(drawn)
    return drawn


def _batches(
    lessons: Sequence[Lesson], tokens: WordTokens, budget: int, rng: Random
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Batches of (ids, mask, wanted probabilities) of nearly equal length, in random order."""
    varied = [_varied(read(lesson.example.text), lesson.turn, budget, rng) for lesson in lessons]
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
        yield batch, batch != tokens.pad, torch.tensor([_target(lessons[i]) for i in group])


def new_model(shape: Shape, vocabulary_size: int, pad: int) -> BertForSequenceClassification:
    """An untrained model."""
    config = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        hidden_act="relu",
        max_position_embeddings=shape.tokens,
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


def fit(model: BertForSequenceClassification, lessons: Sequence[Lesson], tokens: WordTokens, plan: Plan) -> None:
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
            for ids, mask, labels in _batches(_drawn(lessons, rng), tokens, plan.shape.tokens, rng):
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


def write(model: BertForSequenceClassification, folder: Path) -> None:
    """Weights, configuration and tokenizer in the form that transformers' Auto classes load."""
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token=PAD,
        cls_token=CLS,
        sep_token=SEP,
        unk_token=UNKNOWN,
        mask_token="[MASK]",
        model_max_length=model.config.max_position_embeddings,
    ).save_pretrained(folder)
