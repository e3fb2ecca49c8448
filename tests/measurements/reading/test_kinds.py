"""Kinds of mistakes that files of the field led to: each mended in one place, tried on other members of the kind."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.measurements.reading import Measurement, Trace, gather, read_trace
from perospin.measurements.reading.pooled import levels, passes
from perospin.measurements.reading.words.roles import ROLES, get_role
from perospin.sheets.cells import parse_cell
from perospin.sheets.labels import parse_label

N = 12
T = np.linspace(0.0, 110.0, N)
S = np.cos(T / 20.0)


def write(folder: Path, text: str, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table(head: str, *columns: Any, sign: str = "\t") -> str:
    rows = [sign.join(f"{float(v)!r}" for v in row) for row in zip(*columns, strict=True)]
    return "\n".join([*([head] if head else []), *rows]) + "\n"


def kerr(path: Path, **options: Any) -> Measurement:
    return gather([path], ["signal"], x="delay", optional=["sigma"], **options)


def sentence(read: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(DataError) as error:
        read(*arguments, **options)
    told = str(error.value)
    assert len(told) <= 400
    assert "\n" not in told
    return told


@pytest.mark.parametrize(
    ("head", "signal"),
    [
        ("Delay (ps)\tTime (min)\tLock-in X (V)", 2),
        ("Delay (ps)\tStage position (mm)\tLock-in X (V)", 2),
        ("Delay (ps)\tField (mT)\tLock-in X (V)", 2),
        ("Delay (ps)\tPhase (deg)\tLock-in X (V)", 2),
        ("Delay (ps)\tPressure (mbar)\tRotation (urad)", 2),
        ("Delay (ps)\tPower (mW)\tRotation (urad)", 2),
        ("Delay (ps)\tRotation (urad)\tRotation error (urad)", 1),
        ("Timestamp (s)\tDelay (ps)\tKerr", 2),
        ("Index\tDelay (ps)\tKerr", 2),
        ("Kerr\tDelay (ps)\tT_set (K)", 0),
    ],
)
def test_a_column_whose_unit_or_name_contradicts_is_no_signal(tmp_path: Path, head: str, signal: int) -> None:
    names = head.split("\t")
    columns = [T if "Delay" in name else S if i == signal else 7.0 + 0.3 * np.arange(N) for i, name in enumerate(names)]
    m = kerr(write(tmp_path, table(head, *columns)))
    assert np.array_equal(m.x, T)
    assert np.array_equal(m["signal"], S)
    assert not m.doubts


@pytest.mark.parametrize(
    ("head", "roles", "x"),
    [
        ("wavelength (nm)\tCD (mdeg)\tHT (V)", ["ellipticity", "absorbance"], "wavelength"),
        ("wavelength (nm)\tCD (mdeg)\tHT", ["ellipticity", "absorbance"], "wavelength"),
        ("wavelength (nm)\tCD (mdeg)\tcounts", ["ellipticity", "absorbance"], "wavelength"),
        ("Time (s)\tTemperature (K)", ["signal"], "delay"),
        ("Delay (ps)\tTemperature (K)", ["signal"], "delay"),
        ("B (mT)\tCounts", ["polarisation"], "field"),
        ("B (mT)\tPL (cps)", ["polarisation"], "field"),
        ("B (mT)\tT (K)", ["resistance"], "field"),
        ("frequency (GHz)\tPL", ["signal"], "field"),
        ("V (V)\tR (ohm)", ["current_up"], "voltage"),
    ],
)
def test_no_column_that_could_be_the_channel_is_said(tmp_path: Path, head: str, roles: list[str], x: str) -> None:
    columns = [500.0 + T[::-1], *(300.0 + T for _ in head.split("\t")[1:])]
    told = sentence(gather, [write(tmp_path, table(head, *columns))], roles, x=x)
    assert "has no column for" in told or "can't be" in told or "are none" in told


@pytest.mark.parametrize(
    ("head", "scale", "role", "words"),
    [
        ("wavelength (nm)\tabsorbance", 350.0, "absorbance", "reaches 350 , which is no absorbance"),
        ("wavelength (nm)\tP", 25.0, "polarisation", "reaches 25 , which is no polarisation"),
    ],
)
def test_impossible_sizes_are_refused(tmp_path: Path, head: str, scale: float, role: str, words: str) -> None:
    path = write(tmp_path, table(head, 500.0 + T, scale * np.linspace(0.5, 1, N)))
    assert words.replace(" ,", ",") in sentence(gather, [path], [role], x="wavelength").replace(" ,", ",")
    assert "it is at most" in sentence(gather, [path], [role], x="wavelength", columns=["1", "2"])


@pytest.mark.parametrize(
    "above",
    [
        "Delay (ns)\tKerr (V)\n",
        "Delay, ns\tKerr, V\n",
        "Delay - ns\tKerr - V\n",
        "Delay [in ns]\tKerr [V]\n",
        "Delay\tKerr\nns\tV\n",
        "Delay\tKerr\n[ns]\t[V]\n",
        "Delay\tKerr\n(ns)\t(V)\n\n",
        "Delay (ns)\tKerr (V)\n12\n",
        "Delay (ns)\tKerr (V)\n=====\t=====\n",
        "Delay (ns)\tKerr (V)\n[Data]\n",
        "# Delay (ns)\tKerr (V)\n#------------\n",
        "*BLOCK 2 ( Delay[ns]  Kerr[V] )\n",
        "XUNITS\tNANOSECONDS\nYUNITS\tV\n",
        "XUNITS,NANOSECONDS\nYUNITS,V\nXYDATA\n",
        "x axis: Delay (ns)\ny axis: Kerr (V)\n",
        "XAxis,Delay(ns)\nYAxis,Kerr\n\n",
        "X-Axis\tDelay\tns\n",
        "# all delays are given in ns\n",
        "Time unit: ns\nDelay\tKerr\n",
        "Units: ns\n",
        "# column 1: delay (ns)\n# column 2: kerr (V)\n",
        "# delay in nanoseconds, signal in V\nDelay\tKerr\n",
    ],
)
def test_the_unit_is_found_wherever_it_stands(tmp_path: Path, above: str) -> None:
    m = kerr(write(tmp_path, above + table("", T, S)))
    assert m.x_unit == "ns"
    assert np.allclose(m.x, 1000.0 * T)
    assert np.array_equal(m["signal"], S)
    assert not m.doubts


@pytest.mark.parametrize("above", ["Delay\tKerr\n", "", "Integration time: 200 ms\nDelay\tKerr\n", "Kerr of film\n"])
def test_a_unit_that_is_not_stated_is_a_doubt(tmp_path: Path, above: str) -> None:
    m = kerr(write(tmp_path, above + table("", T, S)))
    assert m.x_unit == ""
    assert len(m.doubts) == 1
    assert "has no unit and is taken as ps: if it is another, give --unit" in m.doubts[0]
    assert m.doubts[0] in m.notes
    assert not kerr(write(tmp_path, above + table("", T, S)), x_unit="ns").doubts


@pytest.mark.parametrize("sign", [",", "\t", ";"])
@pytest.mark.parametrize("missing", [1, 2])
def test_rows_shorter_than_the_headings_keep_them(tmp_path: Path, sign: str, missing: int) -> None:
    head = sign.join(["Comment", "Delay (ps)", "Kerr (V)", "R2 (ohm)", "Map"])
    rows = [sign.join(["", repr(float(t)), repr(float(s)), *[""] * (2 - missing)]) for t, s in zip(T, S, strict=True)]
    trace = read_trace(write(tmp_path, "\n".join([head, *rows])))
    assert trace.names[1:3] == ("Delay", "Kerr")
    m = kerr(write(tmp_path, "\n".join([head, *rows])))
    assert np.array_equal(m.x, T)
    assert np.array_equal(m["signal"], S)


def test_words_in_a_column_are_no_numbers_and_shift_nothing(tmp_path: Path) -> None:
    rows = [
        f"2026-11-28 12:00:{i:02d},{float(t)!r},{'start' if i == 3 else ''},{float(s)!r}"
        for i, (t, s) in enumerate(zip(T, S, strict=True))
    ]
    trace = read_trace(write(tmp_path, "\n".join(["Timestamp,Delay (ps),Note,Kerr (V)", *rows])))
    assert trace.names == ("Timestamp", "Delay", "Note", "Kerr")
    assert np.isnan(trace.values[:, [0, 2]]).all()
    assert np.array_equal(trace.column(4), S)
    assert np.array_equal(kerr(write(tmp_path, "\n".join(["Timestamp,Delay (ps),Note,Kerr (V)", *rows])))["signal"], S)


def test_a_column_of_row_numbers_without_heading(tmp_path: Path) -> None:
    rows = [f'"{i}" {float(t)!r} {float(s)!r}' for i, (t, s) in enumerate(zip(T, S, strict=True), 1)]
    m = kerr(write(tmp_path, "\n".join(['"delay_ps" "kerr"', *rows])))
    assert np.array_equal(m.x, T)
    assert np.array_equal(m["signal"], S)


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ("0.0\tx?1", "column 2"),
        ("0.0\t1.2.3", "column 2"),
        ("0,0\t1.5", "column 1"),
        ("O.5\t1.5", "column 1"),
        ("5\tERR", "column 2"),
    ],
)
@pytest.mark.parametrize("at", ["first", "last", "middle"])
def test_a_broken_row_at_the_edge_is_named(tmp_path: Path, row: str, where: str, at: str) -> None:
    lines = table("Delay (ps)\tKerr", T, S).splitlines()
    place = {"first": 1, "middle": 5, "last": len(lines)}[at]
    lines.insert(place, row)
    told = sentence(read_trace, write(tmp_path, "\n".join(lines)))
    assert f"line {place + 1}" in told
    assert where in told or "holds 2 tables" in told


@pytest.mark.parametrize("word", ["OVERLOAD", "overflow", "OVLD", "####", "9.91E+37", "9.9e37", "O.L", "Over range"])
def test_words_for_an_overload_are_missing_values(tmp_path: Path, word: str) -> None:
    lines = table("Delay (ps)\tKerr", T, S).splitlines()
    lines[1] = f"0.0\t{word}"
    trace = read_trace(write(tmp_path, "\n".join(lines)))
    assert trace.names == ("Delay", "Kerr")
    assert np.isnan(trace.values[0, 1])
    assert "1 cell of 'a.txt' reads overload (line 2)" in trace.warnings[0]


numbers = st.integers(-(10**8), 10**8).map(lambda n: n / 100)


@given(
    rows=st.lists(st.tuples(numbers, numbers), min_size=3, max_size=20),
    style=st.sampled_from(
        [(",", "."), (" ", "."), ("'", "."), ("\u00a0", "."), ("\u202f", ","), (".", ","), (" ", ","), ("'", ",")]
    ),
    sign=st.sampled_from(["\t", ";"]),
)
def test_separated_thousands_are_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]], style: tuple[str, str], sign: str
) -> None:
    """Whatever separates thousands, the numbers come back, or a sentence says why they can't be told."""

    def text(value: float) -> str:
        return f"{value:,.2f}".replace(",", "\0").replace(".", style[1]).replace("\0", style[0])

    body = "\n".join(sign.join(map(text, row)) for row in rows)
    trace = read_trace(write(tmp_path_factory.mktemp("t"), f"delay (fs){sign}signal\n{body}\n"))
    assert np.array_equal(trace.values, np.array(rows))
    assert trace.names == ("delay", "signal")
    assert trace.units == ("fs", "")


def test_points_between_thousands_that_look_like_decimals_are_asked_for(tmp_path: Path) -> None:
    body = "delay (fs);SC\n800;5\n900;6\n1.000;7\n1.100;8\n1.200;9\n"
    assert "column 1 of 'a.txt' holds '1.000' beside '800': '.' may separate" in sentence(
        read_trace, write(tmp_path, body)
    )
    assert read_trace(write(tmp_path, body), decimal=".").values[2].tolist() == [1.0, 7.0]
    assert read_trace(write(tmp_path, body), decimal=",").values[2].tolist() == [1000.0, 7.0]


def test_blanks_between_thousands_and_between_cells(tmp_path: Path) -> None:
    body = "delay_fs same counter\n-1 000.0 0.5 0.5\n" + "".join(f"-{900 - 50 * i}.0 0.{i} 0.5\n" for i in range(8))
    assert "a blank between thousands ('-1 000.0')" in sentence(read_trace, write(tmp_path, body))


@pytest.mark.parametrize(
    ("cell", "decimal", "value", "unit"),
    [
        ("-1,000.5", ".", -1000.5, ""), ("1 234", ".", 1234.0, ""), ("1.234,5", ",", 1234.5, ""),
        ("0.5%", ".", 0.5, "%"),
        ("12 ps", ".", 12.0, "ps"), ("5K", ".", 5.0, "K"), ("1D-3", ".", 1e-3, ""), ("−3", ".", -3.0, ""),
        (".5", ".", 0.5, ""),
        ("1e5", ".", 1e5, ""), ("1,5E-3", ",", 1.5e-3, ""),
    ],
)  # fmt: skip
def test_cells(cell: str, decimal: str, value: float, unit: str) -> None:
    found = parse_cell(cell, decimal)
    assert found is not None
    assert (found.value, found.unit) == (value, unit)


@pytest.mark.parametrize(
    "cell", ["0,500.5", "1,00", "12:30", "2D", "5 Nov", "1.2.3", "--5", "1e", "٣", "1/2", "x1", "1,000,00"]
)
def test_what_is_no_number(cell: str) -> None:
    assert parse_cell(cell, ".") is None


def test_cells_with_different_units_in_a_column(tmp_path: Path) -> None:
    body = "delay,SC\n100 fs,1\n500 fs,2\n1 ps,3\n2 ps,4\n"
    assert "line 4, column 1 of 'a.txt' holds '1 ps', but the lines before it are in 'fs'" in sentence(
        read_trace, write(tmp_path, body)
    )
    m = gather([write(tmp_path, body.replace("1 ps", "1000 fs").replace("2 ps", "2000 fs"))], ["same"], x="delay")
    assert m.x.tolist() == [0.1, 0.5, 1.0, 2.0]
    assert not m.doubts


def test_conditions_as_headings_are_headings(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, "delay (ps)\t5 K\t10 K\n" + table("", T, S, S)))
    assert len(trace) == N


def test_several_tables_are_named_and_one_can_be_chosen(tmp_path: Path) -> None:
    body = table("Delay (ps)\tKerr", T, S) + "\nScan 2\n" + table("Delay (ps)\tKerr", T, 2 * S)
    told = sentence(read_trace, write(tmp_path, body))
    assert "holds 2 tables of numbers (1: lines 2 to 13 (Delay, Kerr); 2: lines 17 to 28 (Delay, Kerr))" in told
    assert np.array_equal(read_trace(write(tmp_path, body), block=2).column("Kerr"), 2 * S)
    assert "has no table 3 but 2 tables" in sentence(read_trace, write(tmp_path, body), block=3)


def test_tables_of_one_abscissa_and_different_quantities_are_joined(tmp_path: Path) -> None:
    body = table("wavelength (nm)\tCD (mdeg)", 500 + T, S) + "\n" + table("wavelength (nm)\tabsorbance", 500 + T, S * S)
    trace = read_trace(write(tmp_path, body))
    assert trace.names == ("wavelength", "CD", "absorbance")
    assert np.array_equal(trace.column("absorbance"), S * S)


def test_scans_behind_each_other_are_a_doubt(tmp_path: Path) -> None:
    m = kerr(write(tmp_path, table("Delay (ps)\tKerr", np.tile(T, 3), np.tile(S, 3))))
    assert "the delay runs 3 times through its range" in m.doubts[0]
    m = kerr(
        write(tmp_path, table("Delay (ps)\tKerr\tHelicity", np.tile(T, 2), np.tile(S, 2), np.repeat([1.0, -1.0], N)))
    )
    assert any("'Helicity' takes 2 values (-1, 1)" in doubt for doubt in m.doubts)
    one = kerr(
        write(tmp_path, table("Delay (ps)\tKerr\tHelicity", np.tile(T, 2), np.tile(S, 2), np.repeat([1.0, -1.0], N))),
        where={"Helicity": 1.0},
    )
    assert len(one.x) == N
    assert not one.doubts


@pytest.mark.parametrize(
    ("head", "values", "shown"),
    [
        ("T_sample (K)", (5.0, 77.0), "5, 77 K"),
        ("Temperature (K)", (5.0, 10.0, 20.0, 50.0), "5, 10, 20, 50 K"),
        ("Field (mT)", (0.0, 200.0), "0, 200 mT"),
        ("Frequency (GHz)", (1.0, 2.0), "1, 2 GHz"),
    ],
)
def test_several_conditions_in_one_file_are_refused(
    tmp_path: Path, head: str, values: tuple[float, ...], shown: str
) -> None:
    draw = np.random.default_rng(3)
    n = len(values)
    condition = np.repeat(values, 3 * N) + 1e-3 * draw.normal(size=3 * N * n)
    x = np.tile(np.linspace(0, 100, 3 * N), n)
    told = sentence(kerr, write(tmp_path, table(f"Delay (ps)\tKerr\t{head}", x, np.cos(x), condition)))
    assert f"measurements at {n} values of" in told
    numbers_told = [float(part) for part in told.split("(")[1].split(" ")[0:n] for part in [part.strip(",")]]
    assert np.allclose(numbers_told, values, atol=0.01)
    assert shown.split()[-1] in told


def test_a_condition_that_drifts_or_is_steady_is_none(tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    for condition in (4.0 + 0.02 * draw.normal(size=60), np.linspace(4.0, 9.0, 60), np.full(60, 4.2)):
        x = np.linspace(0, 100, 60)
        m = kerr(write(tmp_path, table("Delay (ps)\tKerr\tTemperature (K)", x, np.cos(x), condition)))
        assert not m.doubts


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_levels_and_passes_hold_all_values(values: list[float]) -> None:
    array = np.array(values)
    found = levels(array)
    assert found[0][0] == array.min()
    assert found[-1][1] == array.max()
    assert 1 <= passes(array) <= len(array)


def test_the_best_match_wins_and_an_equal_one_is_a_doubt(tmp_path: Path) -> None:
    m = gather(
        [write(tmp_path, table("B (mT)\tBridge 1 Resistance (Ohms)\tBridge 2 Resistance (Ohms)", T, S + 3, S + 5))],
        ["resistance"],
        x="field",
    )
    assert np.array_equal(m["resistance"], S + 3)
    assert "'Bridge 2 Resistance' fits as well" in m.doubts[0]
    m = gather([write(tmp_path, table("Field set (Oe)\tField (Oe)\tR (ohm)", 0 * T, T, S))], ["resistance"], x="field")
    assert np.allclose(m.x, 1e-4 * T)


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize(
    "unit", ["ps", "T", "ohm", "nm", "mdeg", "V", "A", "K", "Hz", "W", "mm", "eV", "emu", "counts"]
)
def test_no_role_takes_a_unit_that_contradicts(role: str, unit: str) -> None:
    """A unit of another kind is never a candidate, whatever the heading."""
    wanted = get_role(role)
    if role == "sigma" or wanted.fits(unit):
        return
    for word in (*wanted.words[:3], "column 1", "value"):
        score = wanted.score(parse_label(f"{word} ({unit})"))
        assert score < 0.0 or (role == "absorbance" and unit == "A"), word


@given(st.text(alphabet="ab(1/[]){}<>|:;,-_ \tnsµ°%Vin", max_size=400))
def test_headings_of_any_form_are_read_quickly(text: str) -> None:
    label = parse_label(text)
    assert len(label.name) <= 300
    for role in ("signal", "delay", "field"):
        get_role(role).score(label)


@pytest.mark.parametrize("letter", ["1/", "(", "a(", " - ", "[a]", "1.", ",", "|", "{", "in ", "a b"])
def test_long_headings_end_in_a_sentence(tmp_path: Path, letter: str) -> None:
    body = f"{letter * 1500}\tKerr\n" + table("", T, S)
    start = time.perf_counter()
    with contextlib.suppress(DataError):
        assert len(read_trace(write(tmp_path, body)).names) == 2
    assert time.perf_counter() - start < 1.0


def test_limits_on_columns_and_lines(tmp_path: Path) -> None:
    wide = ",".join("1" for _ in range(200_000))
    assert "columns; at most 20000 are read" in sentence(read_trace, write(tmp_path, f"{wide}\n{wide}\n"))
    assert "a line of 1200000 characters" in sentence(read_trace, write(tmp_path, "x" * 1_200_000 + "\n1,2\n3,4\n"))


def test_a_trace_that_is_cut_keeps_its_type(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, table("Delay (ps)\tKerr", T, S)))
    assert isinstance(trace.where(trace.values[:, 0] > 50.0), Trace)
