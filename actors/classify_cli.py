"""``fastemailnet classify``: what the gate would do with messages, without a fleet, and the reasons that a person would want to see."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from actors.gates import gate
from actors.terminal import Config, Json, complain, out, write
from fastemailnet.admission.lane import lane_of, wishes
from fastemailnet.admission.submission import DEFAULT_TENANT
from fastemailnet.config import load
from fastemailnet.delivery.gate import NEVER_REJECT, Gate, Ruling
from fastemailnet.delivery.shaping.limits import render_rate
from fastemailnet.envelope import Lane
from fastemailnet.message.header import split
from fastemailnet.message.prepare import crlf
from fastemailnet.message.validate import check

Files = Annotated[list[Path], typer.Argument(help="Messages (.eml) or folders of them.")]
Weights = Annotated[Path | None, typer.Option("--model", help="Folder of a model, instead of classifier.model.")]
Tenant = Annotated[str, typer.Option(help="Whose mail it is.")]
InLane = Annotated[Lane | None, typer.Option("--lane", help="Lane that it travels in; the message decides without it.")]
MOST_WORDS = 6
LEAST_CHARACTERS = 3  # of a word that is shown
MARKS = ".,;:!?…\"'“”„«»()[]<>*_"
COLOURS = {"send": "green", "tag": "yellow", "throttle": "yellow", "hold": "yellow", "reject": "red", "invalid": "red"}


def classify(
    files: Files,
    config: Config = None,
    tenant: Tenant = DEFAULT_TENANT,
    lane: InLane = None,
    model: Weights = None,
    json_file: Json = None,
) -> None:
    """Say what the gate would do with messages and why: which link, which part, what was hidden, which words.

    Exit code 1: one would not just be sent.
    """
    from models.spam import runtime

    paths = [found for path in files for found in (sorted(path.glob("*.eml")) if path.is_dir() else [path])]
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        complain("error:", f"no message in {', '.join(map(str, missing or files))}")
        raise typer.Exit(2)
    settings = load(config, os.environ)
    scorer = runtime.load(model or settings.classifier.model)
    rules = gate(settings, scorer.threshold_hold).of(tenant)
    answers = [_answer(scorer, rules, tenant, lane, path) for path in paths]
    if not settings.classifier.enabled:
        answers = [_unscored(answer) for answer in answers]
    write(json_file, answers)
    for answer in answers:
        _show(answer)
    raise typer.Exit(1 if any(answer["verdict"] != Ruling.SEND.value for answer in answers) else 0)


def _answer(scorer: Any, rules: Gate, tenant: str, lane: Lane | None, path: Path) -> dict[str, Any]:
    from fastemailnet.message.explain import explain
    from fastemailnet.message.text import model_input, visible_text

    raw = path.read_bytes()
    problem = next(iter(check(crlf(raw))), None)
    text = visible_text(raw)
    read = model_input(text)
    score = scorer.score([read])[0]
    lane = lane_of(lane, wishes(split(raw)[0]), raw)
    signals = [{"where": "sender", "what": signal} for signal in text.signals if signal.startswith("sender ")]
    return {
        "file": str(path),
        "verdict": (rules.bars[lane].rule(score.bad) if problem is None else Ruling.INVALID).value,
        "problem": str(problem or ""),
        "p_ham": score.p_ham,
        "p_spam": score.p_spam,
        "p_phish": score.p_phish,
        "tenant": tenant,
        "lane": lane.value,
        "score": score.bad,
        "rule": _rule(rules, lane),
        "subject": text.subject,
        "sender": text.sender,
        "reasons": signals + [finding._asdict() for finding in explain(raw)],
        "words": as_written(scorer.telling(read, MOST_WORDS), read) if hasattr(scorer, "telling") else [],
        "model": scorer.version,
    }


def as_written(words: list[str], model_input: str) -> list[str]:
    """Words that the model read, small and without digits, as they stand in the mail: a person looks for those.

    Without the marks at their ends, each once, and none so short that it says nothing.
    """
    from models.spam.reading import read

    written: dict[str, str] = {}
    for token in model_input.split():
        for word in read(f"\n\n\n\n{token}").text[-1:]:  # a token alone as the body
            written.setdefault(word, token.strip(MARKS))
    found = {shown.lower(): shown for word in words if len(shown := written.get(word, word)) >= LEAST_CHARACTERS}
    return list(found.values())


def _unscored(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer where the classifier is off: what is no message is refused all the same."""
    verdict = answer["verdict"] if answer["problem"] else Ruling.SEND.value
    return {**answer, "verdict": verdict, "rule": "the classifier is off"}


def _rule(rules: Gate, lane: Lane) -> str:
    """The thresholds of a lane and what they are for, in words."""
    bar = rules.bars[lane]
    rate = f" at {render_rate(rules.throttle)}" if bar.action.value == Ruling.THROTTLE.value else ""
    reject = f", reject from {bar.reject:g} on" if bar.reject < NEVER_REJECT else ""
    return f"{bar.action.value} from {bar.hold:.4g} on{rate}{reject}"


def _show(answer: dict[str, Any]) -> None:
    verdict, name = answer["verdict"], escape(answer["file"])
    shares = "  ".join(f"{name} {answer[f'p_{name}']:.3f}" for name in ("ham", "spam", "phish"))
    out.print(f"[{COLOURS[verdict]}]{verdict:8}[/] {shares}  {name}", highlight=False, soft_wrap=True)
    _say(f"gate: lane {answer['lane']}, tenant {answer['tenant']}: score {answer['score']:.3f}, {answer['rule']}")
    if answer["problem"]:
        _say(f"no message: {answer['problem']}")
    for reason in answer["reasons"]:
        _say(f"{reason['where']}: {reason['what']}")
    if answer["words"] and verdict != Ruling.SEND.value:
        _say(f"words that weigh most: {', '.join(answer['words'])}")


def _say(line: str) -> None:
    out.print(f"         {line}", highlight=False, markup=False, soft_wrap=True)
