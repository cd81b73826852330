"""``fastemailnet classify``: score messages without a fleet, with the reasons that a person would want to see."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from actors.terminal import Json, complain, out, write

Files = Annotated[list[Path], typer.Argument(help="Messages (.eml) or folders of them.")]
Weights = Annotated[Path | None, typer.Option("--model", help="Folder of another model; the shipped one without it.")]


def classify(files: Files, model: Weights = None, json_file: Json = None) -> None:
    """Score messages and say why: which link, which part, what was hidden, which words. Exit code 1: one would be held."""
    from models.spam.runtime import load

    paths = [found for path in files for found in (sorted(path.glob("*.eml")) if path.is_dir() else [path])]
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        complain("error:", f"no message in {', '.join(map(str, missing or files))}")
        raise typer.Exit(2)
    scorer = load(model)
    answers = [_answer(scorer, path) for path in paths]
    write(json_file, answers)
    for answer in answers:
        _show(answer)
    raise typer.Exit(1 if any(answer["verdict"] != "send" for answer in answers) else 0)


def _answer(scorer: Any, path: Path) -> dict[str, Any]:
    from fastemailnet.message.explain import explain
    from fastemailnet.message.text import model_input, visible_text

    raw = path.read_bytes()
    text = visible_text(raw)
    read = model_input(text)
    score = scorer.score([read])[0]
    verdict = (
        "reject" if score.bad >= scorer.threshold_reject else "hold" if score.bad >= scorer.threshold_hold else "send"
    )
    signals = [{"where": "sender", "what": signal} for signal in text.signals if signal.startswith("sender ")]
    return {
        "file": str(path),
        "verdict": verdict,
        "p_ham": score.p_ham,
        "p_spam": score.p_spam,
        "p_phish": score.p_phish,
        "subject": text.subject,
        "sender": text.sender,
        "reasons": signals + [finding._asdict() for finding in explain(raw)],
        "words": scorer.telling(read) if hasattr(scorer, "telling") else [],
        "model": scorer.version,
    }


def _show(answer: dict[str, Any]) -> None:
    colour = {"send": "green", "hold": "yellow", "reject": "red"}[answer["verdict"]]
    shares = "  ".join(f"{name} {answer[f'p_{name}']:.3f}" for name in ("ham", "spam", "phish"))
    out.print(f"[{colour}]{answer['verdict']:6}[/] {shares}  {escape(answer['file'])}", highlight=False, soft_wrap=True)
    for reason in answer["reasons"]:
        out.print(f"       {reason['where']}: {reason['what']}", highlight=False, markup=False, soft_wrap=True)
    if answer["words"] and answer["verdict"] != "send":
        out.print(
            f"       words that weigh most: {', '.join(answer['words'])}", highlight=False, markup=False, soft_wrap=True
        )
