"""The house's style as a test: sizes, who may import ray, what the pure rooms may not call, no path of somebody's machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
PURE = ("flashsync", "smtp", "ledger", "message", "delivery", "admission")
ACTS = frozenset({"open", "print", "input", "exec", "eval"})  # builtins that the import linter cannot see
READS_A_CLOCK = frozenset({"now", "utcnow", "today", "time_ns", "monotonic"})
MAY_IMPORT_RAY = ("actors/fleet.py", "tests/", "benchmarks/")
HOMES = ("wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers")  # in halves, so that this file holds none
SOMEBODYS_MACHINE = re.compile(rf"(?<![\w.:~/-])/(?:{'|'.join(HOMES)})/[\w.]")


@cache
def tracked() -> tuple[Path, ...]:
    """The files of the project: git's view, or all of them outside a repository."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if asked.returncode == 0 and asked.stdout:
        paths = [ROOT / name for name in asked.stdout.decode().split("\0") if name]
    else:
        hidden = ("." + "venv", "__pycache__", ".git", "build", "dist", "data")
        paths = [path for path in ROOT.rglob("*") if not set(path.relative_to(ROOT).parts) & set(hidden)]
    return tuple(sorted(path for path in paths if path.is_file()))


def python() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def too_long(path: Path) -> Iterator[str]:
    lines = len(path.read_bytes().splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{named(path)} has {lines} lines"
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or 0) - node.lineno + 1
            if size > MAX_FUNCTION_LINES:
                yield f"{named(path)}:{node.lineno} {node.name} has {size} lines"


def impure(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in ACTS:
                yield f"{named(path)}:{node.lineno} calls {name}"
            case ast.Call(func=ast.Attribute(attr=name)) if name in READS_A_CLOCK:
                yield f"{named(path)}:{node.lineno} reads a clock by {name}"
            case _:
                pass


def foreign_paths(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return
    for number, line in enumerate(lines, 1):
        if found := SOMEBODYS_MACHINE.search(line):
            yield f"{named(path)}:{number} {line[max(0, found.start() - 20) : found.end() + 20]!r}"


def test_there_is_something_to_look_at() -> None:
    assert len(python()) > 50
    assert any(named(path) == "pyproject.toml" for path in tracked())


def test_files_and_functions_are_short() -> None:
    assert [problem for path in python() for problem in too_long(path)] == []


def test_only_the_composition_root_imports_ray() -> None:
    users = [named(path) for path in python() if any(name.partition(".")[0] == "ray" for name in imports(path))]
    assert [name for name in users if not name.startswith(MAY_IMPORT_RAY)] == []


def test_pure_rooms_open_nothing_print_nothing_and_read_no_clock() -> None:
    rooms = [path for path in python() if path.is_relative_to(ROOT / "fastemailnet") and path.parent.name in PURE]
    assert len(rooms) > 10
    assert [problem for path in rooms for problem in impure(path)] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert [problem for path in tracked() for problem in foreign_paths(path)] == []


@pytest.mark.parametrize("line", ["cd /ho" + "me/eva/mail", "'/wo" + "rk/x'", "path=/ro" + "ot/.cache"])
def test_the_search_for_such_paths_finds_them(line: str) -> None:
    assert SOMEBODYS_MACHINE.search(line)
    assert not SOMEBODYS_MACHINE.search(line.replace("/", "/opt/", 1))


def test_long_and_impure_code_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    bad = tmp_path / "bad.py"
    bad.write_text("def long():\n" + "    x = 1\n" * 400 + "open('x')\nz.now()\n")
    assert len(list(too_long(bad))) == 2
    assert len(list(impure(bad))) == 2
