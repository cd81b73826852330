"""The training script makes a model that loads, from the sources that were asked for and no other."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.spam import authored, evaluate, train
from models.spam.runtime import SpamModel


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small parquet file in the form of the training data."""
    rows = []
    for index, mail in enumerate(authored.generate(31, 160)):
        source = ("phishing_pot" if mail.label == "phish" else "shop-mail") if index % 3 else "list-mail"
        split = "dev" if index % 4 == 0 else "train"
        rows.append({"raw": mail.raw, "label": mail.label, "source": source, "split": split, "lang": mail.lang})
    path = tmp_path_factory.mktemp("corpus") / "mail.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def run(corpus: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict[str, object]:
    monkeypatch.setattr(train, "AUTHORED_PAIRS", 60)
    report = out.parent / f"{out.name}.json"
    command = ["train", "--data", str(corpus), "--out", str(out), "--epochs", "2", "--json", str(report), *more]
    monkeypatch.setattr(sys, "argv", command)
    train.main()
    figures: dict[str, object] = json.loads(report.read_text("utf-8"))
    return figures


def sources(folder: Path) -> set[str]:
    return set(json.loads((folder / "config.json").read_text("utf-8"))["fastemailnet"]["trained_on"])


def test_training_leaves_the_non_commercial_source_out_and_writes_a_model_that_loads(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = run(corpus, tmp_path / "plain", monkeypatch)
    assert sources(tmp_path / "plain") == {"authored", "list-mail", "shop-mail"}
    model = SpamModel.load(tmp_path / "plain", device="cpu")
    assert model.version == figures["version"]
    assert "recall_at_1_percent" in capsys.readouterr().out.splitlines()[-1]
    monkeypatch.setattr(evaluate, "TRICK_TEXTS", 20)
    examples = train.gather(corpus, None)
    judged = evaluate.evaluate(examples, corpus, tmp_path / "plain", with_baseline=True)
    assert judged["unseen"]["count"] == sum(e.source == "phishing_pot" for e in examples)
    assert judged["baseline"]["dev"]["auc"] > 0.5


def test_sources_are_taken_and_left_as_asked(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(corpus, tmp_path / "asked", monkeypatch, "--include", "phishing_pot", "--exclude", "shop-mail")
    assert sources(tmp_path / "asked") == {"authored", "list-mail", "phishing_pot"}
