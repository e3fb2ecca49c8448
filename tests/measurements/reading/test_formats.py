"""Formats of the field's instruments and programs: synthetic files in their layout come back as they were written."""

from __future__ import annotations

import io
import os
import resource
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.measurements.reading import gather, read_map, read_trace
from perospin.measurements.reading.matrices import Matrix, read_matrix

DELAY = np.array([-1.0, 0.0, 0.5, 10.0, 200.0])
WAVELENGTH = np.array([500.0, 510.5, 520.0, 531.0])
SIGNAL = np.arange(20.0).reshape(5, 4) / 7.0
X = np.linspace(400.0, 600.0, 21)
Y = np.exp(-(((X - 500.0) / 30.0) ** 2))


def write(folder: Path, text: str | bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(*columns: Any, sign: str = "\t") -> str:
    return "".join(sign.join(f"{float(v)!r}" for v in row) + "\n" for row in zip(*columns, strict=True))


def refused(read: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(DataError) as error:
        read(*arguments, **options)
    sentence = str(error.value)
    assert len(sentence) <= 400
    assert "\n" not in sentence
    return sentence


def outcome(path: Path) -> str:
    """The table's description, or the sentence that refuses it."""
    try:
        return repr(read_trace(path))
    except DataError as error:
        return str(error)


def is_the_map(found: Matrix) -> None:
    assert np.allclose(found.delay_ps, DELAY)
    assert np.allclose(found.wavelength_nm, WAVELENGTH)
    assert np.allclose(found.signal, SIGNAL)


# columns of numbers


@pytest.mark.parametrize(
    ("above", "sign", "units"),
    [
        ("TITLE\tfilm\nORIGIN\tJASCO\nXUNITS\tNANOMETERS\nYUNITS\tABSORBANCE\nNPOINTS\t21\nXYDATA\n", "\t", ("nm", "")),
        ('"TITLE","film"\n"XUNITS","NANOMETERS"\n"YUNITS","ABSORBANCE"\n"XYDATA"\n', ",", ("nm", "")),
        (
            "PE UV       SUBTECH     PEDS        1.60        film.sp\n26/11/28\n12:00:01.00\n"
            "#HDR\n-1\n#GR\nnm\nA\n1.000000\n"
            "0.000000\n600.000000\n-10.000000\n21\n8\n#DATA\n", "\t", ("nm", ""),
        ),
        ("Labels,film\nType,Emission Scan\nXAxis,Wavelength(nm)\nYAxis,Absorbance\n\n", ",", ("nm", "")),
        ("ProDataCSV\n\nRemarks:\n#Date: 2026\n\nData:\n\nWavelength,\nAbsorbance\n", ",", ("nm", "")),
    ],
)  # fmt: skip
def test_spectrometers(tmp_path: Path, above: str, sign: str, units: tuple[str, str]) -> None:
    path = write(tmp_path, above + rows(X, Y, sign=sign), "spectrum.txt")
    assert read_trace(path).units == units
    m = gather([path], ["absorbance"], x="wavelength")
    assert np.array_equal(m.x, X)
    assert np.array_equal(m["absorbance"], Y)
    assert not m.doubts


def test_photon_counting_with_several_curves(tmp_path: Path) -> None:
    t = np.arange(30) * 0.05
    edinburgh = "Labels,SC,CC,\nType,Time Scan,Time Scan,\nXAxis,Time(ns),Time(ns),\nYAxis,Counts,Counts,\n\n"
    body = "".join(f"{a!r},{b:.0f},{c:.0f},\n" for a, b, c in zip(t.tolist(), 100 - t, 50 + t, strict=True))
    trace = read_trace(write(tmp_path, edinburgh + body, "decay.txt"))
    assert trace.units[0] == "ns"
    assert trace.values.shape == (30, 3)
    becker = "  Title : x\n\n*BLOCK 1 ( Time[ns]  No_of_photons )\n" + rows(t, t + 5, sign=" , ") + "*END\n"
    becker += "\n*BLOCK 2 ( Time[ns]  No_of_photons )\n" + rows(t, t + 9, sign=" , ") + "*END\n"
    path = write(tmp_path, becker, "decay.asc")
    assert "holds 2 tables of numbers" in refused(read_trace, path)
    assert read_trace(path, block=2).units[0] == "ns"
    assert np.array_equal(read_trace(path, block=2).values[:, 1], t + 9)


def test_cryostat_log_of_quantum_design(tmp_path: Path) -> None:
    head = (
        "[Header]\nTITLE,loop\nFILEOPENTIME, 1000.00, 11/28/2026, 10:00 am\nBYAPP, MultiVu, 1.0\n"
        "INFO, 12.5, WEIGHT\n[Data]\n"
        "Comment,Time Stamp (sec),Temperature (K),Magnetic Field (Oe),Sample Position (deg),Bridge 1 Resistance (Ohms),"
        "Bridge 1 Std. Dev. (Ohms),Number of Readings,Bridge 2 Resistance (Ohms)\n"
    )
    field = np.linspace(-3000, 3000, 40)
    body = "".join(f",{3e7 + i},{10 + 0.001 * i},{b:.1f},0.0,{1000 + i % 3},{0.01},25,\n" for i, b in enumerate(field))
    m = gather([write(tmp_path, head + body, "loop.dat")], ["resistance"], x="field", optional=["sigma"])
    assert m.x.max() == pytest.approx(0.3)
    assert m["resistance"].max() == 1002.0
    assert np.all(m["sigma"] == 0.01)


@pytest.mark.parametrize(
    ("above", "tag"),
    [
        ("SetupTitle, sweep\nTestParameter, Channel, SMU, SMU\nDataName, V1, I1\n", "DataValue, "),
        ("Project,CISS\nDate,2026-11-28\n\nIndex,SMU-1 Voltage (V),SMU-1 Current (A),SMU-1 Time (s)\n", ""),
        ("Reading,Voltage,Current,Time\n,V,A,s\n", ""),
    ],
)  # fmt: skip
def test_parameter_analysers(tmp_path: Path, above: str, tag: str) -> None:
    volts = np.linspace(-1, 1, 21)
    files = []
    for name, factor in (("up", 3.0), ("down", 1.0)):
        lines = [
            f"{tag}{v!r}, {factor * v * 1e-9!r}" if tag else f"{i},{v!r},{factor * v * 1e-9!r},{0.1 * i!r}"
            for i, v in enumerate(volts.tolist(), 1)
        ]
        files.append(write(tmp_path, above + "\n".join(lines), f"iv_{name}.csv"))
    m = gather(files, ["current_up", "current_down"], x="voltage")
    assert np.allclose(m.x, volts)
    assert np.allclose(m.repeats["current_up"], 3e-9 * volts[None, :])
    assert not m.doubts


# JCAMP-DX

_SQUEEZED, _DIFFERENCE, _REPEATED = "@ABCDEFGHIabcdefghi", "%JKLMNOPQRjklmnopqr", "STUVWXYZs"


def packed(value: int, letters: str) -> str:
    digits = str(abs(value))
    first = int(digits[0])
    return letters[first + (9 if value < 0 and first else 0)] + digits[1:]


def jcamp(y: list[int], form: str, per_line: int = 7) -> str:
    lines = []
    for start in range(0, len(y), per_line):
        part = y[start : start + per_line]
        if form == "AFFN":
            lines.append(f"{start} " + " ".join(map(str, part)))
        elif form == "PAC":
            lines.append(f"{start}" + "".join(f"{v:+d}" for v in part))
        elif form == "SQZ":
            lines.append(f"{start}" + "".join(packed(v, _SQUEEZED) for v in part))
        else:
            # a line of differences begins with the last value of the line before, as a check
            begin = start - 1 if start else 0
            part = y[begin : start + per_line]
            steps = np.diff(part).tolist()
            text, k = f"{begin}{packed(part[0], _SQUEEZED)}", 0
            while k < len(steps):
                times = 1
                while form == "DUP" and k + times < len(steps) and steps[k + times] == steps[k] and times < 9:
                    times += 1
                text += packed(steps[k], _DIFFERENCE) + (_REPEATED[times - 1] if times > 1 else "")
                k += times
            lines.append(text)
    head = (
        f"##TITLE= film $$ a remark\n##JCAMP-DX= 4.24\n##DATA TYPE= UV/VIS SPECTRUM\n##XUNITS= NANOMETERS\n"
        f"##YUNITS= ABSORBANCE\n##XFACTOR= 1\n##YFACTOR= 0.001\n##FIRSTX= 0\n"
        f"##LASTX= {len(y) - 1}\n##NPOINTS= {len(y)}\n"
    )
    return head + "##XYDATA= (X++(Y..Y))\n" + "\n".join(lines) + "\n##END=\n"


@given(
    y=st.lists(st.integers(-99999, 99999), min_size=8, max_size=60),
    form=st.sampled_from(["AFFN", "PAC", "SQZ", "DIF", "DUP"]),
)
def test_every_form_of_jcamp_numbers_comes_back(
    tmp_path_factory: pytest.TempPathFactory, y: list[int], form: str
) -> None:
    trace = read_trace(write(tmp_path_factory.mktemp("j"), jcamp(y, form), "a.jdx"))
    assert np.allclose(trace.values[:, 1], 0.001 * np.array(y))
    assert np.allclose(trace.values[:, 0], np.arange(len(y)))
    assert trace.units[0] == "nm"
    assert trace.find("absorbance") == "ABSORBANCE"


def test_jcamp_points_blocks_and_mistakes(tmp_path: Path) -> None:
    pairs = "##TITLE=a\n##XUNITS=1/CM\n##YUNITS=ABSORBANCE\n##XYPOINTS=(XY..XY)\n1,2; 3,4\n5,6\n##END=\n"
    trace = read_trace(write(tmp_path, pairs, "a.dx"))
    assert trace.values.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert trace.units[0] == "cm-1"
    y = list(range(20))
    two = (
        "##TITLE=both\n##DATA TYPE=LINK\n##BLOCKS=2\n" + jcamp(y, "SQZ") + jcamp([2 * v for v in y], "DIF") + "##END=\n"
    )
    path = write(tmp_path, two, "two.jdx")
    assert "holds 2 spectra" in refused(read_trace, path)
    assert np.allclose(read_trace(path, block=2).values[:, 1], 0.002 * np.arange(20))
    for old, new, words in (
        ("NPOINTS= 20", "NPOINTS= 21", "says that it has 21 points, but holds 20"),
        ("LASTX= 19", "LASTX= 190", "points are missing or too many"),
        ("FIRSTX= 0", "FIRSTX= x", "whose FIRSTX is 'x', not a number"),
        ("(X++(Y..Y))\n0@", "(X++(Y..Y))\n0@S99999999", "repeats a value"),
        ("##XYDATA", "##NTUPLES", "save each spectrum as XYDATA"),
    ):
        assert words in refused(read_trace, write(tmp_path, jcamp(y, "SQZ").replace(old, new), "b.jdx"))
    broken = jcamp(y, "DIF").replace("\n6F", "\n6G")
    assert "its check value differs" in refused(read_trace, write(tmp_path, broken, "c.jdx"))


@given(st.text(alphabet="0123456789.+-@%ABJKSTabjks \n=#X(Y)?", max_size=200))
def test_any_jcamp_gives_columns_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    text = f"##TITLE=x\n##FIRSTX=0\n##LASTX=9\n##XYDATA=(X++(Y..Y))\n{body}"
    assert "\n" not in outcome(write(tmp_path_factory.mktemp("j"), text, "a.jdx"))


# Bruker EPR


def bes3t(folder: Path, y: np.ndarray, order: str, kind: str, **keys: str) -> Path:
    used = {
        "DSRC": "EXP", "BSEQ": "BIG" if order == ">" else "LIT", "IKKF": "CPLX" if np.iscomplexobj(y) else "REAL",
        "XTYP": "IDX",
        "YTYP": "NODATA", "ZTYP": "NODATA", "IRFMT": kind, "XPTS": str(y.shape[-1]), "XMIN": "3250.0", "XWID": "300.0",
        "TITL": "'film'", "XNAM": "'Field'", "XUNI": "'G'", "MWFQ": "9.4e9", "STMP": "10.0",
    } | keys  # fmt: skip
    lines = ["#DESC\t1.2 * DESCRIPTOR INFORMATION ***", "*", *(f"{key}\t{value}" for key, value in used.items())]
    write(folder, "\n".join(lines), "epr.DSC")
    dtype = {"D": "f8", "F": "f4", "I": "i4"}[kind]
    flat = np.column_stack([y.real.ravel(), y.imag.ravel()]).ravel() if np.iscomplexobj(y) else y.ravel()
    return write(folder, flat.astype(f"{order}{dtype}").tobytes(), "epr.DTA")


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("kind", ["D", "F", "I"])
def test_bes3t(tmp_path: Path, order: str, kind: str) -> None:
    y = np.round(1000 * Y)
    path = bes3t(tmp_path, y, order, kind)
    for given_path in (path, path.with_suffix(".DSC")):
        trace = read_trace(given_path)
        assert np.allclose(trace.values[:, 1], y)
        assert (trace.values[0, 0], trace.values[-1, 0]) == (3250.0, 3550.0)
        assert trace.conditions["frequency_hz"] == 9.4e9
        assert trace.conditions["temperature_k"] == 10.0
    m = gather([path], ["signal"], x="field", optional=["sigma"])
    assert m.x[0] == pytest.approx(0.325)
    assert not m.doubts


def test_bes3t_with_several_spectra_and_mistakes(tmp_path: Path) -> None:
    assert read_trace(bes3t(tmp_path, Y + 2j * Y, ">", "D")).names == ("field", "signal", "quadrature")
    many = np.array([Y, 2 * Y, 3 * Y])
    path = bes3t(tmp_path, many, ">", "D", YTYP="IDX", YPTS="3")
    assert "holds 3 spectra" in refused(read_trace, path)
    assert np.allclose(read_trace(path, block=2).values[:, 1], 2 * Y)
    path = bes3t(tmp_path, Y, ">", "D", XPTS="22")
    assert "they don't belong together, or one is cut" in refused(read_trace, path)
    assert "2 to 5000000 are read" in refused(read_trace, bes3t(tmp_path, Y, ">", "D", XPTS="1e15"))
    assert "doesn't say XPTS as a number" in refused(read_trace, bes3t(tmp_path, Y, ">", "D", XPTS="many"))
    path.unlink()
    assert "'epr.DTA' is missing beside it" in refused(read_trace, path.with_suffix(".DSC"))


@pytest.mark.parametrize("windows", [False, True])
def test_esp_and_winepr(tmp_path: Path, windows: bool) -> None:
    y = np.round(1e4 * Y)
    head = "DOS  Format\n" if windows else "JSS 2\n"
    write(tmp_path, f"{head}ANZ 21\nHCF 3400.0\nHSW 200.0\nJUN G\nMF 9.45\n", "a.par")
    path = write(tmp_path, y.astype("<f4" if windows else ">i4").tobytes(), "a.spc")
    trace = read_trace(path)
    assert np.array_equal(trace.values[:, 1], y)
    assert (trace.values[0, 0], trace.values[-1, 0]) == (3300.0, 3500.0)
    assert trace.conditions["frequency_hz"] == pytest.approx(9.45e9)
    write(tmp_path, "ANZ 20\nHCF 3400.0\nHSW 200.0\n", "a.par")
    assert "holds 21 points, but 'a.par' describes 20" in refused(read_trace, path)


# maps


def grid(corner: str, sign: str = "\t", delays_down: bool = True) -> str:
    down, across, values = (DELAY, WAVELENGTH, SIGNAL) if delays_down else (WAVELENGTH, DELAY, SIGNAL.T)
    return sign.join([corner, *(repr(float(v)) for v in across)]) + "\n" + rows(down, *values.T, sign=sign)


SURFACE_XPLORER = grid("0.00000E+0", ",", delays_down=False) + (
    "\n\nTime units: ps\nZ axis title: dA\n\nFile generated by Surface Xplorer\nWavelength units: nm\nSample: film\n"
)
HAMAMATSU = "[Application]\tHPD-TA\nTime axis: ns\nWavelength axis: nm\n" + grid("").replace("\t\n", "\n")


def test_maps_of_programs_state_their_units(tmp_path: Path) -> None:
    found = read_matrix(write(tmp_path, SURFACE_XPLORER, "sx.csv"))
    is_the_map(found)
    assert not found.doubts
    streak = read_matrix(write(tmp_path, HAMAMATSU, "streak.dat"))
    assert np.allclose(streak.delay_ps, 1000 * DELAY)
    assert not streak.doubts
    labram = "#Acq. time (s)=\t0.5\n#Axis: t (ns), wavelength (nm)\n" + grid("")
    assert np.allclose(read_matrix(write(tmp_path, labram, "labram.txt"), delay_unit="ps").delay_ps, DELAY)
    bare = read_map(write(tmp_path, grid("0"), "bare.csv"))
    assert len(bare.doubts) == 2
    assert "the delays have no unit and are read as ps: if it is another, give --unit" in bare.doubts[1]
    assert bare.crop(delay_ps=(0, 300)).doubts == bare.doubts


def test_a_map_over_places_is_no_map_over_delays(tmp_path: Path) -> None:
    body = (
        "\t\t"
        + "\t".join(map(repr, WAVELENGTH.tolist()))
        + "\n"
        + rows(*np.indices((3, 2)).reshape(2, -1), *np.ones((4, 6)))
    )
    assert "is a map over places" in refused(read_matrix, write(tmp_path, body, "labram.txt"))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("line", [False, True])
def test_axes_in_files_of_their_own(tmp_path: Path, turned: bool, line: bool) -> None:
    matrix = SIGNAL.T if turned else SIGNAL
    sign = " " if line else "\n"
    files = {
        "delay_file": write(tmp_path, "# delay (fs)\n" + sign.join(repr(float(1000 * v)) for v in DELAY), "t.dat"),
        "wavelength_file": write(tmp_path, "wavelength (nm)\n" + sign.join(map(repr, WAVELENGTH.tolist())), "wl.dat"),
    }
    found = read_matrix(write(tmp_path, rows(*matrix.T), "m.dat"), **files)
    is_the_map(found)
    assert not found.doubts
    np.save(tmp_path / "m.npy", matrix)
    np.save(tmp_path / "t.npy", DELAY)
    is_the_map(read_matrix(tmp_path / "m.npy", **{**files, "delay_file": tmp_path / "t.npy"}))


def test_one_axis_in_a_file_of_its_own(tmp_path: Path) -> None:
    delays = write(tmp_path, rows(DELAY), "t.txt")
    # Andor's kinetic series: a column of wavelengths, then one column a frame
    is_the_map(read_matrix(write(tmp_path, rows(WAVELENGTH, *SIGNAL), "andor.asc"), delay_file=delays))
    down = "\t".join(map(repr, WAVELENGTH.tolist())) + "\n" + rows(*SIGNAL.T)
    is_the_map(read_matrix(write(tmp_path, down, "rows.asc"), delay_file=delays))
    short = write(tmp_path, rows(DELAY[:2]), "short.txt")
    assert "the files of the axes 2 delays: they don't fit" in refused(
        read_matrix, tmp_path / "andor.asc", delay_file=short
    )
    square = write(tmp_path, rows(*np.eye(5)), "square.txt")
    wavelengths = write(tmp_path, rows(500 + DELAY), "wl.txt")
    assert "say it, --delays rows or columns" in refused(
        read_matrix, square, delay_file=delays, wavelength_file=wavelengths
    )
    assert read_matrix(square, delay_file=delays, wavelength_file=wavelengths, delays="rows").signal.shape == (5, 5)
    assert "is no axis: write one number a line" in refused(
        read_matrix, square, delay_file=square, wavelength_file=wavelengths
    )


def test_wrighttools(tmp_path: Path) -> None:
    path = tmp_path / "data.wt5"
    with h5py.File(path, "w") as file:
        file.attrs["class"] = "Data"
        file.attrs["axes"] = [b"w1", b"d1"]
        for name, values, unit in (
            ("w1", 1e7 / WAVELENGTH[None, :], "wn"), ("d1", 1000 * DELAY[:, None], "fs"), ("signal", SIGNAL, "None"),
        ):  # fmt: skip
            file[name] = values
            file[name].attrs["units"] = unit
    found = read_matrix(path)
    is_the_map(found)
    assert not found.doubts


def test_kimopack_project_and_tables_of_pandas(tmp_path: Path) -> None:
    """Layout of pandas' fixed tables, which hold axes and values of each table in a group."""
    path = tmp_path / "project.hdf5"
    with h5py.File(path, "w") as file:
        for group, factor in (("ds_ori", 1.0), ("ds", 2.0)):
            file[f"{group}/axis0"] = file[f"{group}/block0_items"] = WAVELENGTH
            file[f"{group}/axis1"] = DELAY
            file[f"{group}/block0_values"] = factor * SIGNAL
        file["name"] = "film"
    told = refused(read_matrix, path)
    assert "several maps" in told
    assert "--dataset" in told
    is_the_map(read_matrix(path, dataset="ds_ori"))
    assert np.allclose(read_matrix(path, dataset="ds").signal, 2 * SIGNAL)


# containers that attack


def test_numbers_of_other_files_are_refused(tmp_path: Path) -> None:
    secret = write(tmp_path, os.urandom(800), "secret.bin")
    for name in ("external.h5", "virtual.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["delay"] = np.arange(100.0)
            if name == "external.h5":
                file.create_dataset("same", (100,), "f8", external=[(str(secret), 0, 800)])
            else:
                with h5py.File(tmp_path / "other.h5", "w") as other:
                    other["data"] = np.arange(100.0)
                layout = h5py.VirtualLayout((100,), "f8")
                layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "data", (100,))
                file.create_virtual_dataset("same", layout)
        assert "takes its numbers from another file" in refused(read_trace, tmp_path / name)
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["delay"] = np.arange(100.0)
        file["same"] = h5py.ExternalLink("other.h5", "data")
    assert "can't tell which data sets" in refused(read_trace, tmp_path / "linked.h5")


def test_what_a_file_declares_is_checked_before_it_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "fill.h5", "w") as file:
        file.create_dataset("delay", (10**9,), "f8", chunks=(10**6,), fillvalue=1.0)
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for i in range(30):
            file.create_dataset(f"a{i}", (10**6,), "f8", chunks=(10**6,), fillvalue=1.0)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9,)})
    write(tmp_path, header.getvalue(), "cut.npy")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("delay.npy", header.getvalue() + bytes(200_000_000))
    for name, words in (
        ("fill.h5", "declares over 10,000,000 numbers"), ("many.h5", "declares over 10,000,000 numbers"),
        ("cut.npy", "it is cut"), ("bomb.npz", "unpacks to 200 MB; at most 80 MB are read"),
    ):  # fmt: skip
        tracemalloc.start()
        start = time.perf_counter()
        assert words in refused(read_trace, tmp_path / name)
        assert time.perf_counter() - start < 1.0
        assert tracemalloc.get_traced_memory()[1] < 200e6
        tracemalloc.stop()


@given(place=st.integers(0, 5000), byte=st.integers(0, 255), kind=st.sampled_from(["h5", "npz", "npy"]))
def test_a_container_with_a_wrong_byte_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, kind: str
) -> None:
    folder = tmp_path_factory.mktemp("c")
    path = folder / f"a.{kind}"
    if kind == "h5":
        with h5py.File(path, "w") as file:
            file["delay"], file["same"] = np.arange(20.0), np.arange(20.0)
    elif kind == "npz":
        np.savez(path, delay=np.arange(20.0), same=np.arange(20.0))
    else:
        np.save(path, np.arange(40.0).reshape(20, 2))
    content = bytearray(path.read_bytes())
    content[place % len(content)] = byte
    path.write_bytes(content)
    told = outcome(path)
    assert "\n" not in told
    assert len(told) <= 400


def test_names_of_files_that_are_none(tmp_path: Path) -> None:
    assert "it is no name of a file" in refused(read_trace, "a\0b")
    assert "can't read" in refused(read_trace, "x" * 5000)
    os.mkfifo(tmp_path / "pipe")
    assert "is a device or a pipe" in refused(read_trace, tmp_path / "pipe")


@pytest.mark.parametrize(
    ("place", "bytes_", "says"),
    [
        (24, b"\xff" * 8, "holds an object of 18446744073709551615 bytes"),  # loops for ever in libhdf5
        (8, b"\xff\xff\xff\x7f", "longer than the file"),
        (None, b"\x02\xff\xff\xff", "memory allocation failed"),  # a text of 4 GB
    ],
)
def test_texts_of_an_hdf5_file_can_t_hang_it_or_fill_the_memory(
    tmp_path: Path, place: int | None, bytes_: bytes, says: str
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in ("delay", "same"):
            file.create_dataset(name, data=np.linspace(0.0, 1.0, 20)).attrs["units"] = "ps"
    content = bytearray(path.read_bytes())
    assert read_trace(path).labels[0].name == "delay"
    heap = content.find(b"GCOL")
    # the text's length stands before the address of its heap
    at = heap + place if place is not None else content.find(heap.to_bytes(8, "little")) - 4
    content[at : at + len(bytes_)] = bytes_
    path.write_bytes(bytes(content))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert says in refused(read_trace, path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def test_an_attribute_of_a_broken_type_is_no_unit(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in ("delay", "same"):
            file.create_dataset(name, data=np.linspace(0.0, 1.0, 20)).attrs["units"] = "ps"
    content = bytearray(path.read_bytes())
    at = content.find(b"units\0\0\0") + 9  # kind of variable-length type: 1 is text; libhdf5 crashes on others
    assert content[at] == 1
    content[at] = 40
    path.write_bytes(bytes(content))
    assert {label.unit for label in read_trace(path).labels} == {"", "ps"}
