"""The tables of the model card, from the figures that the measuring commands write: ``python -m models.spam.card``.

``figures/NAME.json`` is what ``--json`` of the command above a table wrote; a table stands in ``CARD.md`` between ``<!-- NAME -->`` and
``<!-- end -->``. Nobody copies a number by hand, and a test holds the card to its figures.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

CARD, FIGURES = Path(__file__).parent / "CARD.md", Path(__file__).parent / "figures"
END = "<!-- end -->"
Rows = list[Sequence[str]]
Figures = dict[str, Any]

_RANKS = ("", "bad / honest", "AUC", "PR-AUC", "recall at 1 %", "at 0.1 %", "lost at 95 %", "at 99 %", "F1", "ECE")

_WAYS = [(way, name) for way in ("without", "with") for name in ("model", "linear")]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _ranks(name: str, row: Figures) -> Sequence[str]:
    low, high = (100 * share for share in row["recall_1_interval"])
    return (
        name,
        f"{row['count']:,} / {row['honest']:,}",
        f"{row['auc']:.4f}",
        f"{row['pr_auc']:.3f}",
        f"{_percent(row['recall_1'])} ({low:.1f}–{high:.1f})",
        _percent(row["recall_01"]),
        _percent(row["false_positives_95"]),
        _percent(row["false_positives_99"]),
        f"{row['f1_at_half']:.3f}" if "f1_at_half" in row else "",
        f"{row['ece']:.3f}" if "ece" in row else "",
    )


def _quality(found: Figures) -> Rows:
    rows: Rows = [_RANKS]
    for kind, name in (("dev", "development set"), ("unseen", "`phishing_pot`, never trained on")):
        rows.append(_ranks(f"**{name}**", found[kind]))
        rows.append(_ranks("TF-IDF + logistic regression", found["baseline"][kind]))
        rows += [_ranks(part, both[kind]) for part, both in found["parts"].items()]
    return rows


def _recalls(found: Figures) -> Rows:
    shares = list(found["recalls"]["dev"])
    return [
        ("honest mail lost", *(share.replace("%", " %") for share in shares)),
        *((name, *(_percent(row[share]) for share in shares)) for name, row in found["recalls"].items()),
    ]


def _folds(found: Figures) -> Rows:
    rows: Rows = [(*_RANKS, "honest held", "caught")]
    for fold, both in found.items():
        if fold == "calibration":
            continue
        for part, name in (("held out", "its own mail"), ("unseen phish", "`phishing_pot` against its honest mail")):
            for kind, said in (("model", f"**{fold}**, {name}"), ("linear", "TF-IDF + logistic regression")):
                at_hold = both[kind]["at_hold"]
                held = (_percent(at_hold["honest"]), _percent(at_hold["bad"])) if part == "held out" else ("", "")
                rows.append((*_ranks(said, both[kind][part]), *held))
    return rows


def _beside(found: Figures) -> Rows:
    rows: Rows = [_RANKS]
    seen, shifted = found["seen"], found["shifted"]
    for part, title in (("dev", "development set"), ("phish", "its `phishing_pot` alone")):
        rows += [_ranks(_learnt(name, way, title), seen[way][name][part]) for way, name in _WAYS]
    for view in shifted["with"]:
        rows += [_ranks(_learnt(name, way, f"{view}, held out"), shifted[way][view][name]) for way, name in _WAYS]
    return rows


def _learnt(name: str, way: str, title: str) -> str:
    return f"**{title}**, trained {way}" if name == "model" else f"TF-IDF + logistic regression, trained {way}"


def _filters(found: Figures) -> Rows:
    rows: Rows = [
        ("", "AUC", "recall at 1 %", "caught", "`phishing_pot`: AUC", "recall at 1 %", "caught", "honest mail held")
    ]
    for name, row in found.items():
        kinds = [
            figure
            for kind in ("dev", "unseen")
            for figure in (
                f"{row[kind]['auc']:.3f}",
                _percent(row[kind]["recall_1"]),
                _percent(row[kind]["caught"][0]),
            )
        ]
        rows.append((name, *kinds, _percent(row["held"][0])))
    return rows


def _tricks(found: Figures) -> Rows:
    kinds = (("dev", "bad"), ("unseen", "`phishing_pot`"), ("honest", "honest"))
    rows: Rows = [("", *(f"{name}, at {cut}" for _, name in kinds for cut in ("the threshold", "1 %")))]
    for trick, reached in found["tricks"].items():
        rows.append(
            (
                "as they are" if trick == "none" else trick,
                *(_percent(reached[kind][cut]) for kind, _ in kinds for cut in ("hold", "1 %")),
            )
        )
    return rows


def _groups(key: str) -> Callable[[Figures], Rows]:
    def table(found: Figures) -> Rows:
        rows: Rows = [("", "honest", "held", "bad", "caught")]
        for name, row in found[key].items():
            held = (
                f"{_percent(row['held'] / row['ham'])} (to {_percent(row['held_interval'][1])})" if row["ham"] else ""
            )
            caught = (
                f"{_percent(row['caught'] / row['bad'])} (from {_percent(row['caught_interval'][0])})"
                if row["bad"]
                else ""
            )
            rows.append((f"`{name}`", str(row["ham"]), held, str(row["bad"]), caught))
        return rows

    return table


def _sizes(found: Figures) -> Rows:
    head = (
        "transformer",
        "10⁶ weights",
        "`phishing_pot`: AUC",
        "recall at 1 %",
        "spam of today",
        "known kinds",
        "AUC alone",
        "mails/s a core",
    )
    rows: Rows = [head]
    for one in found["points"]:
        alone, rate = one["alone_phish_auc"], one["mails_per_s"]
        rows.append(
            (
                one["name"],
                f"{one['million_parameters']:.1f}",
                f"{one['phish_auc']:.4f}",
                *(_percent(one[key]) for key in ("phish_recall", "spam_recall", "known_recall")),
                "" if alone is None else f"{alone:.4f}",
                "" if rate is None else f"{rate:,.0f}",
            )
        )
    return rows


# Name of a table: the file of figures that it is made of, and how.
TABLES: dict[str, tuple[str, Callable[[Figures], Rows]]] = {
    "quality": ("evaluate", _quality),
    "recalls": ("evaluate", _recalls),
    "tricks": ("evaluate", _tricks),
    "sources": ("evaluate", _groups("sources")),
    "languages": ("evaluate", _groups("unseen_languages")),
    "folds": ("leave_out", _folds),
    "beside": ("beside", _beside),
    "filters": ("filters", _filters),
    "sizes": ("sizes", _sizes),
}


def _lines(rows: Rows) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)


def rendered(card: str, figures: Path = FIGURES) -> str:
    """The card with each of its tables made anew.

    Raises:
        ValueError: a table has no end.
        FileNotFoundError: the figures of a table are missing.
    """
    for name, (file, table) in TABLES.items():
        mark = f"<!-- {name} -->"
        if mark not in card:
            continue
        before, _, rest = card.partition(mark)
        _, end, after = rest.partition(END)
        if not end:
            raise ValueError(f"the table {name} has no {END}")
        found = json.loads((figures / f"{file}.json").read_text("utf-8"))
        card = "\n".join([before + mark, "", *_lines(table(found)), "", END]) + after
    return card


def main() -> None:
    """Command line."""
    CARD.write_text(rendered(CARD.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
