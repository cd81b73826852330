"""Lines and tables of the commands, whoever's words are in them."""

from pathlib import Path

import pytest
from rich.console import Console

from actors.main import event_in_words, main, messages, shown
from actors.terminal import complain, console, grid, row, say, told, whose
from fastemailnet.errors import FleetError, MessageError

HOSTILE = "421 [host1] said [/x] :warning: \x1b[2J"
SAID = "421 [host1] said [/x] :warning: \ufffd[2J"


def test_words_of_others_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    complain("error:", HOSTILE)
    told = capsys.readouterr()
    assert (told.out, told.err) == (f"{SAID}\n", f"error: {SAID}\n")


def test_an_error_is_one_line_whatever_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise FleetError(HOSTILE)

    with pytest.raises(SystemExit) as end:
        main(fail)
    assert end.value.code == 1
    assert capsys.readouterr().err == f"error: {SAID}\n"


def test_a_missing_file_is_told_without_python_s_number(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main((tmp_path / "nope").read_text)
    assert capsys.readouterr().err == f"error: {tmp_path / 'nope'}: No such file or directory\n"


def test_an_event_tells_what_the_gate_said_once() -> None:
    event = {"attempt": 1, "reason": "goes on: phish score 0.9", "gate": "phish score 0.9"}
    assert event_in_words(event) == "attempt 1  goes on: phish score 0.9"
    assert event_in_words({**event, "host": "mx", "gate": "score 0.1"}).endswith("phish score 0.9  (score 0.1)")
    assert event_in_words({"attempt": 2}) == "attempt 2"


def test_a_table_loses_nothing_where_it_is_narrow(capsys: pytest.CaptureFixture[str]) -> None:
    table = grid("id", "words", whole=("id",))
    row(table, "0123456789", f"{'x' * 30}[/b]")
    Console(width=28).print(table)
    shown = capsys.readouterr().out
    assert "0123456789" in shown
    assert shown.count("x") == 30
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown


def test_a_file_gets_wide_rows_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "out").open("w") as file:
        monkeypatch.delenv("COLUMNS", raising=False)
        assert console(file).width == 140
        monkeypatch.setenv("COLUMNS", "90")
        assert console(file).width == 90


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"code": 550, "enhanced": "5.1.1", "reply": "no such user"}, "550 5.1.1 no such user"),
        ({"code": 421, "enhanced": "", "reply": "busy"}, "421 busy"),
        ({"reason": "expired"}, "expired"),
        ({"held": "spam 0.97"}, "spam 0.97"),
        ({"verdict": "assume-relayed", "reason": "their log has it"}, "assume-relayed: their log has it"),
        ({}, ""),
    ],
)
def test_what_was_said_has_both_codes(event: dict[str, object], said: str) -> None:
    assert told(event) == said


def test_whose_mail_is_meant_is_said_where_it_is_not_everybodys() -> None:
    assert whose({"tenant": "", "lane": ""}) == ""
    assert whose({"tenant": "acme", "lane": "bulk"}) == " for tenant acme in lane bulk"


def test_a_folder_without_mail_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MessageError, match=r"\*\.eml at .*empty"):
        messages([tmp_path / "empty"])
    (tmp_path / "b.eml").touch()
    (tmp_path / "a.eml").touch()
    assert messages([tmp_path, tmp_path / "x"]) == [tmp_path / "a.eml", tmp_path / "b.eml", tmp_path / "x"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ({"idle": 3, "sent": 4}, "idle 3, sent 4"),
        ({"a:25": "for 3 s yet, after: no", "b:25": "for 4 s yet"}, "a:25 for 3 s yet, after: no\nb:25 for 4 s yet"),
        (["node-0.1", "node-1.1"], "node-0.1, node-1.1"),
        ("log.example\n7\nroot=\n\n\N{EM DASH} log.example signature\n", "log.example 7 root="),
        (0, "0"),
    ],
)
def test_a_figure_is_short_in_its_cell(value: object, cell: str) -> None:
    assert shown(value) == cell
