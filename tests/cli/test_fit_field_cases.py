"""Inputs that went wrong in the field, of known truth: the right value, or the sentence that says what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from perospin.cli.main import main

CASES = Path(__file__).parents[1] / "data" / "field_cases"


def fitted(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main(["fit", *arguments, "--json"])
    assert ended.value.code in (0, None)
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def near(result: dict[str, Any], name: str, truth: float, sigmas: float = 3.0) -> bool:
    value = result["values"][name]
    assert value["status"] in ("fitted", "derived"), (name, value)
    return abs(value["value"] - truth) < sigmas * value["uncertainty"]


@pytest.mark.parametrize(
    ("file", "truth"),
    [
        ("map_background_onset/map.csv", {"lifetime_1_ps": 0.5, "lifetime_2_ps": 2.0, "lifetime_3_ps": 20.0,
                                          "time_zero_ps": 0.40, "irf_fwhm_ps": 0.1413}),
        ("map_background_onset/small_map.csv", {"lifetime_1_ps": 2.0, "lifetime_2_ps": 20.0}),
        ("map_few_rows_before_pump/map.csv", {"lifetime_1_ps": 0.5, "lifetime_2_ps": 2.0, "lifetime_3_ps": 20.0,
                                              "time_zero_ps": 0.40}),
    ],
)  # fmt: skip
def test_maps_with_all_defaults(file: str, truth: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    count = sum("lifetime" in name for name in truth)
    result = fitted(capsys, "map", str(CASES / file), "--components", str(count))
    for name, value in truth.items():
        assert near(result, name, value), name


def test_time_zero_held_on_a_cropped_map(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(CASES / "map_few_rows_before_pump" / "map.csv")
    cropped = ["map", path, "--components", "3", "--delay-range", "0.8:40", "--fix", "time_zero_ps=0.4"]
    for more in ([], ["--irf-fwhm-ps", "0.1413"]):
        result = fitted(capsys, *cropped, *more)
        assert near(result, "lifetime_1_ps", 0.5)
        assert near(result, "lifetime_3_ps", 20.0)


def test_half_valve_as_sharp_as_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    result = fitted(capsys, "mr", str(CASES / "half_valve_sharp" / "loop.csv"))
    assert result["analysis"] == "magnetoresistance of a half valve"
    assert near(result, "magnetoresistance_percent", 4.0)


def test_odmr_against_frequency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = CASES / "odmr_frequency_sweep" / "odmr.txt"
    result = fitted(capsys, "odmr", str(path))
    assert near(result, "resonance_frequency_ghz", 2.870)
    bare = tmp_path / "bare.txt"
    bare.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
    assert near(fitted(capsys, "odmr", str(bare)), "resonance_frequency_ghz", 2.870)


def test_signal_before_the_pump_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "pump-probe", str(CASES / "prepump_signal_no_warning" / "pair.csv")])
    said = capsys.readouterr().out
    assert "before the pump the signal is not zero" in said
    assert "give --offset" in said
    assert "repetition time" in said


def test_keywords_in_messages_are_options() -> None:
    """Each ``name=value`` in a message of the analyses is an option of a command under that name."""
    import typer

    from perospin.cli.fit import app

    commands = typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    options = {name for command in commands for p in command.params for name in (*p.opts, *p.secondary_opts)}
    root = Path(__file__).parents[2] / "src" / "perospin"
    named: dict[str, str] = {}
    for room in ("spectra", "fitting"):
        for path in (root / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for match in re.finditer(r"\b(?:give|pass|use|try|with) (\w+)=(True|False|'[\w-]+')", text):
                named.setdefault(match[1], path.name)
    assert {"offset", "robust", "magnitude"} <= set(named)
    for keyword, file in named.items():
        assert "--" + keyword.replace("_", "-") in options, f"{keyword} in {file}"
