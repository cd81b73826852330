"""The command scores a file with the shipped model and rules as the gate of the given settings, tenant and lane would."""

import json
from pathlib import Path
from typing import Any

import pytest

from actors.classify_cli import as_written
from tests.integration.test_rules_react_to_replies import commanded

MAIL = Path(__file__).parents[2] / "examples" / "mail"
HONEST, PHISH = MAIL / "01-plain-text.eml", MAIL / "16-phish.eml"
SETTINGS = """
[classifier]
tenants = "{tenants}"
throttle = "90/h"
[score_action]
standard = "tag"
transactional = "accept"
bulk = "throttle"
"""
TENANTS = """
["acme"]
bulk = "reject"
["strict".standard]
hold_threshold = 0.000001
action = "hold"
"""


def classified(folder: Path, *words: str) -> tuple[int | None, dict[str, Any]]:
    """Exit code and answer of the command."""
    (folder / "tenants.toml").write_text(TENANTS)
    (folder / "own.toml").write_text(SETTINGS.format(tenants=folder / "tenants.toml"))
    code = commanded("classify", *words, "--config", str(folder / "own.toml"), "--json", str(folder / "out.json"))
    (answer,) = json.loads((folder / "out.json").read_text())
    return code, answer


@pytest.mark.parametrize(
    ("words", "code", "verdict", "lane"),
    [
        ((str(PHISH),), 1, "tag", "standard"),
        ((str(PHISH), "--lane", "bulk"), 1, "throttle", "bulk"),
        ((str(PHISH), "--lane", "transactional"), 0, "send", "transactional"),
        ((str(PHISH), "--lane", "bulk", "--tenant", "acme"), 1, "reject", "bulk"),
        ((str(PHISH), "--tenant", "acme"), 1, "tag", "standard"),
        ((str(HONEST),), 0, "send", "standard"),
        ((str(HONEST), "--tenant", "strict"), 1, "hold", "standard"),
        ((str(MAIL / "04-newsletter.eml"),), 0, "send", "bulk"),
    ],
)
def test_the_verdict_is_the_gate_s(tmp_path: Path, words: tuple[str, ...], code: int, verdict: str, lane: str) -> None:
    found_code, answer = classified(tmp_path, *words)
    assert (found_code, answer["verdict"], answer["lane"]) == (code, verdict, lane)


def test_the_rule_and_the_reasons_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = classified(tmp_path, str(PHISH), "--lane", "bulk")
    told = capsys.readouterr().out
    assert told.startswith("throttle ham ")
    assert f"gate: lane bulk, tenant default: score {answer['score']:.3f}, throttle from " in told
    assert " on at 90/h\n" in told
    assert answer["reasons"]
    for reason in answer["reasons"]:
        assert f"{reason['where']}: {reason['what']}" in told
    assert "words that weigh most: " in told


def test_words_are_shown_as_the_mail_has_them(tmp_path: Path) -> None:
    mail = tmp_path / "prize.eml"
    mail.write_bytes(
        b"From: a@b.example\r\nSubject: You WON 48,700!\r\n\r\nClaim 48,700 dollars, winner!!! A prize.\r\n"
    )
    _, answer = classified(tmp_path, str(mail))
    assert "48,700" in answer["words"] or "dollars" in answer["words"]
    text = mail.read_text()
    assert all(word in text and word[-1] not in ".,!" and len(word) > 2 for word in answer["words"])


def test_a_word_is_found_again_that_the_model_read_without_its_digits() -> None:
    read = "Win 48,700!\nBank paypa1.example\n\n\nBank. a"
    assert as_written(["00,000!", "paypa0.example", "bank", "bank.", "a"], read) == ["48,700", "paypa1.example", "Bank"]


def test_what_is_no_message_is_refused_whatever_its_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mail = tmp_path / "note.eml"
    mail.write_bytes(b"hello, this has no header\n")
    code, answer = classified(tmp_path, str(mail))
    assert (code, answer["verdict"]) == (1, "invalid")
    assert "no message: not a header field at line 1 b'hello, this has no header'" in capsys.readouterr().out


def test_a_gate_that_is_off_sends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTEMAILNET_CLASSIFIER__ENABLED", "false")
    code, answer = classified(tmp_path, str(PHISH))
    assert (code, answer["verdict"], answer["rule"]) == (0, "send", "the classifier is off")
