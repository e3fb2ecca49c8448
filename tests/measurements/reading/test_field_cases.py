"""Files as instruments write them, made for this purpose: each gives its right value, or a sentence."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perospin.errors import DataError
from perospin.measurements.reading import Measurement, gather, read_map, read_trace
from perospin.spectra import fit_circular_dichroism, fit_current_polarisation, fit_hanle, fit_kerr, fit_pump_probe

CASES = Path(__file__).parents[2] / "data" / "field_cases"
HOSTILE = ["fill.h5", "heading_redos.csv", *sorted(path.name for path in (CASES / "hostile").glob("spectra_*"))]


def pair(name: str, **options: Any) -> Measurement:
    return gather([CASES / name], ["same"], x="delay", optional=["counter", "sigma"], **options)


def kerr(name: str) -> Measurement:
    return gather([CASES / name], ["signal"], x="delay", optional=["sigma"])


def loop(name: str, **options: Any) -> Measurement:
    return gather([CASES / name], ["resistance"], x="field", optional=["sigma"], **options)


def cd(name: str) -> Measurement:
    return gather([CASES / name], ["ellipticity", "absorbance"], x="wavelength", optional=["sigma"])


def refused(read: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(DataError) as error:
        read(*arguments, **options)
    sentence = str(error.value)
    assert len(sentence) <= 400
    assert "\n" not in sentence
    return sentence


def step_percent(m: Measurement) -> float:
    low, high = np.percentile(m["resistance"], [20, 80])
    return float(100.0 * (high - low) / (0.5 * (high + low)))


@pytest.mark.parametrize("name", ["delay_time_x", "delay_tsample_x", "stage_delay_x", "time_delay_x"])
def test_kerr_takes_delay_and_lock_in_voltage(name: str) -> None:
    m = kerr(f"kerr_wrong_column/{name}.txt")
    assert m.x_unit == "ps"
    assert not m.doubts
    fit = fit_kerr(m.x, m["signal"])
    assert abs(fit.frequency_ghz - 2.801) < 4 * fit["frequency_ghz"].uncertainty
    assert abs(fit.dephasing_time_ps - 1100.0) < 4 * fit["dephasing_time_ps"].uncertainty


@pytest.mark.parametrize("name", ["count_under_heading.txt", "dashes_under_heading.txt", "qcodes_style.dat"])
def test_nanoseconds_a_line_higher(name: str) -> None:
    m = kerr(f"unit_not_found_read_as_ps/{name}")
    assert m.x_unit == "ns"
    assert (m.x.min(), m.x.max()) == (-50.0, 2500.0)
    fit = fit_kerr(m.x, m["signal"])
    assert abs(fit.frequency_ghz - 2.80) < 0.003
    assert abs(fit.dephasing_time_ps - 1100.0) < 4 * fit["dephasing_time_ps"].uncertainty


@pytest.mark.parametrize("name", ["bh.asc", "axis_lines.txt"])
def test_nanoseconds_in_a_block_title_and_on_axis_lines(name: str) -> None:
    m = pair(f"unit_not_found_read_as_ps/{name}")
    assert (m.x_unit, m.x[1]) == ("ns", 200.0)
    assert m["same"][:4].tolist() == [5.0, 2.0, 2.0, 5.0]
    assert not m.doubts
    fit = fit_pump_probe(m.x / 1000.0, m["same"], delay_unit="ns")
    assert abs(fit.lifetime_ps - 5000.0) < 3 * fit["lifetime_ps"].uncertainty


def test_counts_of_both_helicities_give_the_polarisation() -> None:
    m = gather([CASES / "hanle_counts/hanle.txt"], ["polarisation"], x="field", optional=["sigma"])
    assert "(I+ - I-)/(I+ + I-)" in m.notes[0]
    fit = fit_hanle(m.x, m["polarisation"], g_factor=1.0)
    assert fit["half_width_t"].value == pytest.approx(0.0070, abs=1.5e-4)
    assert fit["peak_polarisation"].value == pytest.approx(0.30, abs=0.005)


def test_volts_are_no_absorbance() -> None:
    assert "no column for absorbance: it has wavelength (nm), CD (mdeg), HT (V)" in refused(
        cd, "cd_volts_as_absorbance/cd_ht.txt"
    )
    named = refused(
        gather,
        [CASES / "cd_volts_as_absorbance/cd_ht.txt"],
        ["ellipticity", "absorbance"],
        x="wavelength",
        columns=["1", "2", "3"],
    )
    assert "column 'HT' of 'cd_ht.txt' is in V: it can't be the absorbance" in named


def test_difference_and_sum_are_not_left_and_right() -> None:
    path = CASES / "cpl_difference_and_sum/cpl.txt"
    assert "it has wavelength (nm), CPL (mdeg), DC (V)" in refused(gather, [path], ["left", "right"], x="wavelength")
    named = refused(gather, [path], ["left", "right"], x="wavelength", columns=["1", "2", "3"])
    assert "column 'CPL' of 'cpl.txt' is in mdeg: it can't be the left" in named


@pytest.mark.parametrize(
    "name",
    [
        "jasco_csv_header/cd_ht_abs_semicolon.csv",
        "jasco_csv_header/cd_ht_abs_comma.csv",
        "chirascan_blocks/prodata.csv",
    ],
)
def test_circular_dichroism_beside_the_high_voltage(name: str) -> None:
    m = cd(name)
    assert not m.doubts
    assert m["absorbance"].max() < 1.5
    fit = fit_circular_dichroism(m.x, m["ellipticity"], m["absorbance"])
    assert fit["g_cd"].value == pytest.approx(1.2e-3, rel=0.01)


@pytest.mark.parametrize("name", ["qd_short_rows/loop.dat", "qd_short_rows/log.dat", "qd_empty_comment_column/act.dat"])
def test_loops_of_a_cryostat(name: str) -> None:
    m = loop(name)
    assert (m.x.min(), m.x.max()) == (-0.3, 0.3)
    assert step_percent(m) == pytest.approx(4.0, abs=0.05)
    assert bool(m.doubts) == ("act" in name)  # a resistivity: only ratios of it mean something
    trace = read_trace(CASES / name)
    assert trace.index("Magnetic Field") == trace.index(str(trace.names.index("Magnetic Field") + 1))
    assert len(trace.names) >= 6


def test_column_numbers_are_those_of_the_file() -> None:
    m = loop("column_numbers_shift/noheads.csv", columns=["4", "5"])
    assert m.x.max() == 0.3
    assert step_percent(m) == pytest.approx(4.0, abs=0.05)
    assert "has 4 columns of numbers and no headings" in refused(loop, "column_numbers_shift/noheads.csv")


@pytest.mark.parametrize("name", ["iv_extra_columns/log", "iv_extra_columns/time", "iv_tagged_rows/b"])
def test_current_beside_its_logarithm_a_clock_and_a_tag(name: str) -> None:
    files = [CASES / f"{name}_up.csv", CASES / f"{name}_down.csv"]
    m = gather(files, ["current_up", "current_down"], x="voltage")
    assert m.repeats["current_up"].shape == (1, 41)
    assert not m.doubts
    fit = fit_current_polarisation(m.x, m.repeats["current_up"], m.repeats["current_down"])
    assert fit["spin_polarisation_percent"].value == pytest.approx(50.0, abs=0.05)


def test_two_temperatures_are_named_and_can_be_chosen() -> None:
    sentence = refused(loop, "mr_two_temperatures/two.dat")
    assert "measurements at 2 values of 'Temperature' (9.998, 250 K)" in sentence
    assert step_percent(loop("mr_two_temperatures/two.dat", where={"temperature": 10})) == pytest.approx(4.0, abs=0.05)
    assert step_percent(loop("mr_two_temperatures/two.dat", where={"Temperature": 250})) == pytest.approx(0.5, abs=0.05)
    assert "no row of 'two.dat' has temperature = 77" in refused(
        loop, "mr_two_temperatures/two.dat", where={"temperature": 77}
    )


def test_thousands_per_cent_quotes_and_preambles_give_the_same_numbers() -> None:
    reference = pair("readers/f13_quoted_comma.csv")
    assert len(reference.x) == 127
    for name in (
        "f11_decimalcomma_tab_thousand.txt",
        "g03_thousand_space.txt",
        "g04_thousand_en.txt",
        "g06_header_number_lines.txt",
    ):
        m = pair(f"readers/{name}")
        assert np.allclose(m.x, reference.x, rtol=2e-5)
        assert np.array_equal(m["same"], reference["same"])
        assert np.array_equal(m["counter"], reference["counter"])
        assert not m.doubts
    percent = read_trace(CASES / "readers/f20_percent.csv")
    assert percent.units == ("ps", "%", "%")
    assert percent.values[-1].tolist() == [104.0, 0.637, 0.753]


def test_an_overloaded_first_row_keeps_headings_and_unit() -> None:
    m = pair("readers/g01_first_row_overload.txt")
    assert np.isnan(m["counter"][0])
    assert m["same"][0] == 6.5e-5
    assert m.x_unit == "fs"
    assert any("reads overload (line 2)" in note for note in m.notes)
    small = pair("readers/min_first_row.txt")
    assert (small.x_unit, small["same"][4], small["counter"][4]) == ("fs", 0.9, 0.1)
    assert pair("readers/min_thousand.txt").x.tolist()[:2] == [-1.0, -0.2]


def test_no_headings_and_no_order_is_asked_for() -> None:
    assert "isn't in order: name the columns, delay first" in refused(pair, "readers/f06b_swapped_nohead.txt")
    m = pair("readers/f06b_swapped_nohead.txt", columns=["3", "1", "2"])
    assert m.x[0] == -1.0


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("read", [read_trace, read_map])
def test_hostile_files_end_in_a_sentence_within_a_second(name: str, read: Any) -> None:
    start = time.perf_counter()
    refused(read, CASES / "hostile" / name)
    assert time.perf_counter() - start < 1.0
