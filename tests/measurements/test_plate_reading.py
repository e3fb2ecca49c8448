"""Plate readers: the layouts of each maker, encodings, overflows, and garbage."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.measurements.reading.plates import read_plate

BIOTEK = """Software Version\t3.12.08

Experiment File Path:\tC:\\plates\\one.xpt
Plate Number\tPlate 1
Date\t11/20/2026
Reader Type:\tSynergy Neo2

Procedure Details
Plate Type\t96 WELL PLATE

Read\tEM Spectrum
\tExcitation: 365/20, Emission: 450-454 nm, 2 nm steps

Read 1:EM Spectrum

Wavelength\tA1\tA2\tB1
450\t12\t15\t11
452\tOVRFLW\t18\t14
454\t20\t21\t16

Read 2:Abs Spectrum
Wavelength\tA1\tA2\tB1
450\t0.12\t0.15\t0.11
452\t0.15\t0.18\t0.14
454\t0.20\t0.21\t0.16

Read 3:EM Spectrum
Wavelength\tA1\tA2\tB1
450\t\t\t
452\t\t\t

"""


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "plate.txt"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1252"])
def test_biotek(tmp_path: Path, encoding: str) -> None:
    first, second = read_plate(write(tmp_path, BIOTEK, encoding))
    assert (first.name, first.kind, second.kind) == ("Read 1:EM Spectrum", "emission", "absorption")
    assert first.wells == ("A1", "A2", "B1")
    assert first.wavelength_nm.tolist() == [450, 452, 454]
    assert first.signal[1].tolist() == [15, 18, 21]
    assert np.isnan(first.signal[0, 1])
    assert first.saturated[0].tolist() == [False, True, False]
    assert first.saturated.sum() == 1
    assert first.warnings == ("1 empty block left out",)


def test_decimal_commas(tmp_path: Path) -> None:
    text = BIOTEK.replace("0.1", "0,1").replace("0.2", "0,2")
    assert read_plate(write(tmp_path, text))[1].signal[0].tolist() == [0.12, 0.15, 0.20]
    semicolons = "Wellenlänge;x\n" + "Wavelength;A1;A2\n500;1,5;2,5\n501;1,6;2,6\n502;1,7;2,7\n"
    assert read_plate(write(tmp_path, semicolons))[0].signal.tolist() == [[1.5, 1.6, 1.7], [2.5, 2.6, 2.7]]


@pytest.mark.parametrize(
    "text",
    [
        # BMG MARS: letters and numbers apart, wavelengths in a row of their own
        "User: USER,Path: C:\\BMG\nTest Name: PL scan\n\n,,Raw Data (Em Spectrum)\n"
        "Well Row,Well Col,Content,500,501,502\n"
        "A,1,Sample X1,1,2,3\nB,12,Sample X2,4,5,6\n",
        # BMG, the other export
        "Fluorescence (FI) spectrum\nWell,Content,Raw Data (500 1),Raw Data,Raw Data\n,Wavelength [nm],500,501,502\n"
        "A01,Sample X1,1,2,3\nB12,Sample X2,4,5,6\n",
        # Tecan Spark: wells in rows
        "Device: Spark\nFluorescence Intensity Scan\nWavel.,500,501,502\nA1,1,2,3\nB12,4,5,6\n\nEnd Time,2026\n",
        # Tecan i-control: wells in columns, falling wavelengths
        "Application: i-control\tInfinite M200\nEmission scan\nWavel.\tA1\tB12\n502\t3\t6\n501\t2\t5\n500\t1\t4\n",
        # long
        "well,wavelength (nm),PL\nA1,500,1\nA1,501,2\nA1,502,3\nB12,500,4\nB12,501,5\nB12,502,6\n",
    ],
)
def test_other_layouts(tmp_path: Path, text: str) -> None:
    (read,) = read_plate(write(tmp_path, text))
    assert read.wells == ("A1", "B12")
    assert read.wavelength_nm.tolist() == [500, 501, 502]
    assert read.signal.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_times_of_reads(tmp_path: Path) -> None:
    text = "".join(
        f"{title}\nWavelength\tA1\tA2\n500\t1\t2\n501\t1\t2\n502\t1\t2\n\n"
        for title in ("Em Spectrum - 0:10:00", "Em Spectrum time: 20 min")
    )
    assert [read.time_s for read in read_plate(write(tmp_path, text))] == [600.0, 1200.0]
    long = "time (s),well,wavelength,PL\n" + "".join(f"{t},A1,{w},{w - t}\n" for t in (0, 30) for w in (500, 501, 502))
    reads = read_plate(write(tmp_path, long))
    assert [read.time_s for read in reads] == [0.0, 30.0]
    assert reads[1].signal.tolist() == [[470, 471, 472]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing here\nat all, really, no\n", "has no spectra of a plate's wells"),
        ("Wavelength\tA1\tA1\n500\t1\t2\n501\t1\t2\n502\t2\t2\n", "two columns are headed A1"),
        ("Wavelength\tA1\n500\t1\n500\t1\n502\t2\n", "each once"),
        ("Wavelength\tA1\n1\t1\n2\t1\n3\t2\n", "are no nanometres"),
    ],
)
def test_garbage(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_plate(write(tmp_path, text))


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="AB12,.;\t\nWavelngth 50OVRF:-", max_size=400))
def test_anything_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("p") / "x.csv"
    file.write_text(text or " ")
    with contextlib.suppress(DataError):
        reads = read_plate(file)
        assert all(read.signal.shape == (len(read.wells), len(read.wavelength_nm)) for read in reads)


def test_a_whole_plate_is_quick(tmp_path: Path) -> None:
    rows, columns = "ABCDEFGHIJKLMNOP", range(1, 25)
    head = "Wavelength\t" + "\t".join(f"{r}{c}" for r in rows for c in columns)
    line = "\t".join(str(10 * i) for i in range(384))
    text = "".join(
        f"Read {n}:EM Spectrum\n{head}\n" + "".join(f"{w}\t{line}\n" for w in range(400, 700)) + "\n" for n in range(3)
    )
    reads = read_plate(write(tmp_path, text))
    assert [read.signal.shape for read in reads] == [(384, 300)] * 3
