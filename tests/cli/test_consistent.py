"""All commands: results for programs, no colour and no progress if asked for, and the promised exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import every_command
from perospin.cli.main import main
from perospin.cli.rarely import share

ROOT = Path(__file__).parents[2]
NO_RESULT = {
    # start something that lives until it is ended
    "app", "mcp",
    # writes its table to an argument
    "data export",
    # say what they did, or print a text that is the result
    "study new", "study cite", "study card", "study schema", "study save-model", "campaign new", "campaign tell",
    "data lost", "data add", "data attach", "data change", "data remove", "data restore", "data migrate",
    "data review reject",
    "cations cache verify", "cations cache compact", "cations cache import", "serve token add", "serve token list",
    "serve token revoke",
}  # fmt: skip
"""Commands that have no result for a program to read."""
FILES = {"--out", "--save"}


EVERY = every_command(lambda command, _: share(command))
OPTIONS = {path: {name: option for option in one.params for name in option.opts} for path, one in EVERY.items()}


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


@pytest.mark.parametrize("path", OPTIONS)
def test_every_command_is_asked_in_the_same_words(path: str) -> None:
    options = OPTIONS[path]
    assert {"--quiet", "--no-color"} <= set(options)
    if path not in NO_RESULT:
        assert {"--json", *FILES} & set(options), f"perospin {path} has a result, and neither --json nor --out"
    for name, kind in (("--json", True), ("--quiet", True), ("--no-color", True), ("--out", False)):
        if name in options:
            assert bool(options[name].is_flag) is kind
    # a file is written by --out, and its short form is the same everywhere
    if "-o" in options:
        assert "--out" in options["-o"].opts


def test_the_list_of_commands_without_a_result_names_only_what_is_there() -> None:
    assert set(OPTIONS) >= NO_RESULT


@pytest.mark.parametrize(
    "command",
    [
        "study list", "study show spin-relaxation", "mechanisms list", "cations list", "cations show PEA",
        "cations names PEA", "cations cache list", "attenuation CsPbBr3 --energy 20,40", "data list --property T1",
    ],
)  # fmt: skip
def test_json_is_all_that_is_printed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*command.split(), "--json") == 0
    assert json.loads(capsys.readouterr().out)


def test_json_has_the_numbers_that_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["mechanisms", "rate", "dyakonov_perel", "-p", "temperature=300 K", "-p", "rashba=0.05 eV*Angstrom"]
    asked += ["-p", "momentum_scattering_time=5 fs", "-p", "mass=0.2 m0"]
    assert run(*asked, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert run(*asked) == 0
    assert f"{found['value']:.6g} {found['unit']}" in capsys.readouterr().out
    assert found["lifetime_ps"] == pytest.approx(1.0 / found["value"])


@pytest.mark.parametrize("place", ["before", "after"])
def test_no_color(place: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run("study", "list") == 0
    coloured = re.compile(r"\x1b\[[\d;]*3\d")
    monkeypatch.setenv("NO_COLOR", "")  # the option's own value must not stay for other tests
    given = ["--no-color", "study", "list"] if place == "before" else ["study", "list", "--no-color"]
    capsys.readouterr()
    assert run(*given) == 0
    assert not coloured.search(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["predict", "--help"], 0),
        (["predict", "(QQQ)2PbI4"], 2),  # what was asked can't be
        (["predict", "--nonsense"], 2),  # no such option
        (["nonsense"], 2),
        (["fit", "pump-probe", "there-is-no-such-file.txt"], 2),
        (["data", "list", "--property", "nonsense"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    assert run(*arguments) == code


def test_the_page_about_exit_codes_names_these() -> None:
    text = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE) == ["0", "1", "2", "130"]
    for name in ("--json", "--out", "--quiet", "--no-color", "--install-completion", "--show-completion"):
        assert name in text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_an_interrupted_command_ends_with_130(tmp_path: Path) -> None:
    start = "from perospin.cli import main; main()"
    command = [sys.executable, "-c", start, "study", "run", "spin-relaxation", "--out", str(tmp_path / "r"), "--quiet"]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ})
    end = time.monotonic() + 60
    while not (tmp_path / "r").is_dir() and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(2)
    work.send_signal(signal.SIGINT)
    _, error = work.communicate(timeout=60)
    assert work.returncode == 130, error
    assert b"interrupted" in error
    assert b"Traceback" not in error


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_completion_knows_commands(shell: str) -> None:
    words = {"COMP_WORDS": "perospin pre", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "perospin pre"}
    words |= {"_PEROSPIN_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'perospin'; from perospin.cli import main; main()"],
        env={**os.environ, **words},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "predict" in done.stdout, done.stderr
