"""Any analysis in one call, and the guess which one a file is for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perospin.errors import DataError
from perospin.measurements import (
    ANALYSES,
    fit_files,
    fit_measurement,
    guess_analyses,
    options_of,
    read_files,
    read_trace,
)
from perospin.measurements.one_call import takes_series
from perospin.spectra import fit_pump_probe, fit_spin_valve

SPECTRA = Path(__file__).parents[2] / "examples" / "spectra"
DETECTOR = SPECTRA.parent / "detector"
PAIR = [SPECTRA / "pump_probe_SC.txt", SPECTRA / "pump_probe_CC.txt"]

GUESSES = {
    "pump-probe": PAIR,
    "kerr": sorted((SPECTRA / "kerr").glob("*.csv")),
    "odmr": sorted((SPECTRA / "odmr").glob("*.csv")),
    "hanle": [SPECTRA / "hanle.txt"],
    "rsa": [SPECTRA / "rsa.csv"],
    "cd": [SPECTRA / "cd.txt"],
    "cpl": [SPECTRA / "cpl.csv"],
    "edge": [SPECTRA / "edge.csv"],
    "inertia": [SPECTRA / "inertia.csv"],
    "iv": [SPECTRA / "iv_up.txt", SPECTRA / "iv_down.txt"],
    "mr": [SPECTRA / "loop.csv"],
    "map": [SPECTRA / "map_SC.csv", SPECTRA / "map_CC.csv"],
    "t1-field": [SPECTRA / "t1_field.csv"],
    "t1-temperature": [SPECTRA / "t1_temperature.csv"],
    "hecht": [DETECTOR / "photocurrent.csv"],
    "sclc": [DETECTOR / "dark.csv"],
    "drift": [DETECTOR / "drift.csv"],
    "response-time": [DETECTOR / "pulses.csv"],
    "stability": [DETECTOR / "cycles.csv"],
    "sensitivity": [DETECTOR / "dose.csv"],
    "detection-limit": [DETECTOR / "snr.csv"],
    "capacitance": [DETECTOR / "capacitance.csv"],
}


@pytest.mark.parametrize("name", GUESSES)
def test_the_example_of_each_analysis_is_guessed(name: str) -> None:
    assert guess_analyses([read_trace(path) for path in GUESSES[name]])[0] == name


def test_names_of_files_don_t_overrule_headings(tmp_path: Path) -> None:
    odd = tmp_path / "kerr_odmr.csv"
    odd.write_bytes((SPECTRA / "t1_temperature.csv").read_bytes())
    assert guess_analyses([read_trace(odd)])[0] == "t1-temperature"


def test_one_call_gives_what_the_function_gives() -> None:
    measured = read_files("pump-probe", PAIR)
    direct = fit_pump_probe(measured.x, measured["same"], measured["counter"], offset=True)
    found = fit_files("pump-probe", PAIR, offset=True)
    assert found.fit["lifetime_ps"].value == pytest.approx(direct["lifetime_ps"].value, rel=1e-9)
    assert [source.name for source in found.fit.sources] == [path.name for path in PAIR]


def test_channels_can_be_said_against_the_names_of_the_files() -> None:
    right, wrong = read_files("pump-probe", PAIR), read_files("pump-probe", PAIR, channels=["counter", "same"])
    np.testing.assert_array_equal(right["same"], wrong["counter"])
    with pytest.raises(DataError, match="a channel of its own"):
        read_files("pump-probe", PAIR, channels=["same", "same"])


def test_the_range_leaves_out_what_lies_outside() -> None:
    found = fit_files("hanle", [SPECTRA / "hanle.txt"], within=(-0.03, 0.03), g_factor=2.0, initial_polarisation=1.0)
    assert len(found.fit.data) == 61
    assert any("-0.03 to 0.03" in note for note in found.notes)
    with pytest.raises(DataError, match="wider range"):
        fit_files("hanle", [SPECTRA / "hanle.txt"], within=(0.02, 0.0201))


def test_conditions_of_the_file_stand_in_for_options() -> None:
    file = SPECTRA / "kerr" / "kerr_100mT_5K.csv"
    assert fit_files("kerr", [file]).fit["g_factor"].value == pytest.approx(
        fit_files("kerr", [file], field_t=0.1).fit["g_factor"].value
    )
    assert fit_files("kerr", [file], field_t=0.2).fit["g_factor"].value == pytest.approx(
        0.5 * fit_files("kerr", [file]).fit["g_factor"].value
    )


def test_a_series_has_its_law_and_its_parts() -> None:
    found = fit_files("kerr", GUESSES["kerr"])
    assert len(found.parts) == 5
    assert len(found.fit.sources) == 5
    assert found.fit["g_factor"].uncertainty < min(part["g_factor"].uncertainty for part in found.parts.values())


def test_a_missing_option_is_named() -> None:
    with pytest.raises(DataError, match="needs a value for period_ps"):
        fit_files("rsa", [SPECTRA / "rsa.csv"])


@pytest.mark.parametrize("name", ANALYSES)
def test_options_are_those_of_the_function(name: str) -> None:
    import inspect

    listed = options_of(name)
    names = set(inspect.signature(ANALYSES["odmr" if name == "odmr-width" else name].fit).parameters)
    assert {option.name for option in listed} <= names
    assert len({option.name for option in listed}) == len(listed)
    assert all(option.choices for option in listed if option.kind == "choice")
    assert not {"sigma", "same", "signal", "measured_irf"} & {option.name for option in listed}


def test_what_must_be_given_is_told() -> None:
    needed = {option.name for option in options_of("spin-valve") if option.needed}
    assert needed == {"length_um"}
    assert fit_spin_valve is ANALYSES["spin-valve"].fit


def test_power_is_read_in_the_unit_of_the_analysis(tmp_path: Path) -> None:
    file = tmp_path / "power.csv"
    power = np.geomspace(0.1, 10, 12)
    rows = "\n".join(f"{p:.6g},{0.5 / (1 + p / 2.0):.6g}" for p in power)
    file.write_text(f"power (mW),polarisation\n{rows}\n")
    fit = fit_measurement("polarisation-power", read_files("polarisation-power", [file])).fit
    assert fit.data.iloc[0, 0] == pytest.approx(1e-4)
    assert any(fit[name].unit == "W" for name in fit.names)


def test_which_analyses_take_several_files_as_a_series() -> None:
    assert takes_series("kerr")
    assert takes_series("hanle")
    assert not takes_series("pump-probe")
    assert not takes_series("cd")


def test_the_range_keeps_both_error_columns(tmp_path: Path) -> None:
    delay = np.linspace(-1, 30, 90)
    rng = np.random.default_rng(2)
    decay = np.where(delay > 0, np.exp(-delay / 80) * 0.5, 0.0)
    oriented = np.where(delay > 0, np.exp(-delay / 6) * 0.5, 0.0)
    noise = 0.01 * rng.normal(size=(2, 90))
    rows = "\n".join(
        f"{t:.4f},{a:.6f},0.01,{b:.6f},0.012"
        for t, a, b in zip(delay, decay + oriented + noise[0], decay - oriented + noise[1], strict=True)
    )
    file = tmp_path / "pair.csv"
    file.write_text(f"delay (ps),SC,SC error,CC,CC error\n{rows}\n")
    found = fit_files("pump-probe", [file], within=(-1.0, 20.0))
    assert len(found.fit.data) == 2 * int(np.sum((delay >= -1) & (delay <= 20)))
    assert found.fit["lifetime_ps"].value == pytest.approx(6.5, abs=1.5)
