from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.measurements.reading import Trace, read_trace
from perospin.sheets.labels import Label, parse_label


def read(folder: Path, content: str | bytes, **options: object) -> Trace:
    path = folder / "trace.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_trace(path, **options)  # type: ignore[arg-type]


def refused(folder: Path, content: str | bytes, **options: object) -> str:
    with pytest.raises(DataError) as error:
        read(folder, content, **options)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def outcome(folder: Path, content: str | bytes) -> str:
    """The table's description, or the sentence that refuses it."""
    try:
        return repr(read(folder, content))
    except DataError as error:
        return str(error)


SAME = np.array([[-1.0, 0.5], [0.0, 1.25], [2.5, -0.75]])


@pytest.mark.parametrize(
    "content",
    [
        "-1,0.5\n0,1.25\n2.5,-0.75\n",
        "-1\t0.5\n0\t1.25\n2.5\t-0.75",
        "-1;0,5\n0;1,25\n2,5;-0,75\n",
        "-1 0,5\n0 1,25\n2,5 -0,75\n",
        "  -1   0.5\n   0   1.25\n 2.5  -0.75\n",
        "-1\t0,5\r\n0\t1,25\r\n2,5\t-0,75\r\n",
        "-1|0.5\r0|1.25\r2.5|-0.75\r",
        "delay (ps), signal\n-1, 0.5\n0, 1.25\n2.5, -0.75\n",
        "# delay signal\n-1 0.5\n0 1.25\n2.5 -0.75\n",
        '"delay (ps)","signal"\n"-1","0.5"\n"0","1.25"\n"2.5","-0.75"\n',
        "-1,0.5,\n0,1.25,\n2.5,-0.75,\n",
        "-1e0,5.0E-1\n0d0,1.25D0\n2.5,\u22120.75\n",
        "Instrument X\nDate: 1.2.2026\n\ndelay;signal\nps;a.u.\n-1;0,5\n\n0;1,25\n2,5;-0,75\n\nend of file\n",
    ],
)
def test_the_same_numbers_from_every_dialect(tmp_path: Path, content: str) -> None:
    assert np.array_equal(read(tmp_path, content).values, SAME)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding(tmp_path: Path, encoding: str) -> None:
    trace = read(tmp_path, "Verzögerung (ps);Signal µV\n-1;0,5\n0;1,25\n2,5;-0,75\n".encode(encoding))
    assert np.array_equal(trace.values, SAME)
    assert trace.names[0] == "Verzögerung"
    assert trace.units == ("ps", "µV")


def test_names_units_comments_header_and_hash(tmp_path: Path) -> None:
    content = (
        "sample: PEA\ntemperature = 4.2 K\n# remark\nDelay\tSC\tCC\nps\ta.u.\ta.u.\n1\t2\t3\n2\t3\t4\nTime units: ps\n"
    )
    trace = read(tmp_path, content)
    assert trace.names == ("Delay", "SC", "CC")
    assert trace.units == ("ps", "a.u.", "a.u.")
    assert trace.header["sample"] == "PEA"
    assert trace.header["Time units"] == "ps"
    assert trace.comments == ("sample: PEA", "temperature = 4.2 K", "# remark", "Time units: ps")
    assert trace.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert [trace.find(role) for role in ("delay", "same", "counter")] == ["Delay", "SC", "CC"]
    assert list(trace.to_frame().columns) == ["Delay [ps]", "SC [a.u.]", "CC [a.u.]"]
    assert not trace.values.flags.writeable


def test_origin_export_with_three_rows_of_headings(tmp_path: Path) -> None:
    trace = read(tmp_path, "Field\tSignal\nmT\tµV\n\tsample A\n10\t1,5\n20\t2,5\n")
    assert trace.names == ("Field", "Signal")
    assert np.allclose(trace.column("field", "T"), [0.01, 0.02])


@pytest.mark.parametrize(
    ("above", "names", "units"),
    [
        ("# simulated, not measured\ndelay (ps),signal (a.u.)\n", ("delay", "signal"), ("ps", "a.u.")),
        ("sample, PEA\ndelay,signal\n", ("delay", "signal"), ("", "")),
        ("sample, PEA\ndelay,signal\nps,mOD\n", ("delay", "signal"), ("ps", "mOD")),
        ("delay,signal\nps,mOD\n,sample A\n", ("delay", "signal"), ("ps", "mOD")),
        ("delay,signal\n,sample A\n", ("delay", "signal"), ("", "")),
        ("# delay,signal\n# ps,mOD\n", ("delay", "signal"), ("ps", "mOD")),
        ("# first, second\n# delay,signal\n", ("delay", "signal"), ("", "")),
        ("ps,mOD\n", ("column 1", "column 2"), ("ps", "mOD")),
        ("delay;signal\n", ("delay", "signal"), ("", "")),
        ("delay,signal\n\n", ("delay", "signal"), ("", "")),
        ("Messung 12.3.2026\n", ("column 1", "column 2"), ("", "")),
        ("start;2026-11-21\n", ("column 1", "column 2"), ("", "")),
        ("at 12:30:05\n", ("column 1", "column 2"), ("", "")),
        ("S1,S2\n", ("S1", "S2"), ("", "")),
        ("no heading at all\n", ("column 1", "column 2"), ("", "")),
    ],
)
def test_which_line_holds_the_headings(
    tmp_path: Path, above: str, names: tuple[str, ...], units: tuple[str, ...]
) -> None:
    trace = read(tmp_path, above + "1.5,2.5\n2.5,3.5\n")
    assert (trace.names, trace.units) == (names, units)


def test_jasco_file(tmp_path: Path) -> None:
    content = (
        "TITLE\t\nDATA TYPE\t\nORIGIN\tJASCO\nDELTAX\t-1\nXUNITS\tNANOMETERS\nYUNITS\tCD[mdeg]\nYUNITS2\tHT [V]\n"
        "YUNITS3\tABSORBANCE\nNPOINTS\t3\nXYDATA\n520.0\t1.5\t300\t0.4\n519.0\t2.5\t301\t0.5\n518.0\t3.5\t302\t0.6\n\n"
        "##### Extended Information\n[Comments]\nSample name\tPEA\nResponse\t4 sec\n"
    )
    trace = read(tmp_path, content)
    assert trace.values.shape == (3, 4)
    assert [trace.find(role) for role in ("wavelength", "ellipticity", "absorbance")] == [
        "wavelength",
        "CD",
        "ABSORBANCE",
    ]
    assert trace.units[:3] == ("nm", "mdeg", "V")
    assert trace.header["Sample name"] == "PEA"


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("Delay (ps)", "Delay", "ps"),
        ("B [mT]", "B", "mT"),
        ("Zeit / fs", "Zeit", "fs"),
        ("field_mt", "field", "mT"),
        ("field_t", "field", "T"),
        ("signal_a", "signal_a", ""),
        ("current_a", "current", "A"),
        ("temperature_k", "temperature", "K"),
        ("signal (SC)", "signal (SC)", ""),
        ("fluence_uj_cm2", "fluence", "uJ/cm^2"),
        ("Wavelength nm", "Wavelength", "nm"),
        ("decay time", "decay time", ""),
        ("counts", "counts", ""),
        ("I (arb. u.)", "I", "arb. u."),
        ("signal, mdeg", "signal", "mdeg"),
    ],
)
def test_headings(heading: str, name: str, unit: str) -> None:
    label = parse_label(heading)
    assert (label.name, label.unit) == (name, unit)


def test_columns_by_name_number_and_unit(tmp_path: Path) -> None:
    trace = read(tmp_path, "delay_fs,same,counter\n1000,1,2\n2000,3,4\n")
    assert np.array_equal(trace.column("delay", "ps"), [1.0, 2.0])
    assert np.array_equal(trace.column(2), [1.0, 3.0])
    with pytest.raises(DataError, match="has no column 'probe'; it has 1 delay, 2 same, 3 counter"):
        trace.column("probe")
    with pytest.raises(DataError, match="measure different quantities"):
        trace.column("delay", "mT")
    bare = read(tmp_path, "1000,1\n2000,3\n")
    assert bare.names == ("column 1", "column 2")
    assert np.array_equal(bare.column(1, "ps", assume="fs"), [1.0, 2.0])
    assert np.array_equal(bare.column(1, "ps"), [1000.0, 2000.0])


def test_missing_cells_are_missing_values(tmp_path: Path) -> None:
    trace = read(tmp_path, "x,y,z\n1,2,3\n2,NaN,4\n3,,5\n4,--,inf\n5,#N/A,7\n6,1\n7,8,9\n")
    assert np.isnan(trace.values[1:5, 1]).all()
    assert np.isnan(trace.values[3, 2])
    assert np.isnan(trace.values[5, 2])
    assert trace.warnings == ("1 line of 'trace.txt' ends early (line 7); what is missing there counts as missing",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n2,x3\n3,4\n", "line 3, column 2 of 'trace.txt' holds 'x3', not a number"),
        ("1;2,5\n2;3,5\n3;4,5,6\n4;1,0\n", "line 3, column 2 of 'trace.txt' holds '4,5,6'"),
        ("1,2\n2,3\n3,4,5\n4,5\n", "line 3 of 'trace.txt' has 3 cells, the lines before it 2"),
        ("1,2\n2,3\n3,abc\n", "line 3, column 2"),
        ("x,y\n0,5,1,25\n1,5,2,25\n", "the comma is both delimiter and decimal sign"),
        ("1\n2\n3\n", "it has one column of numbers"),
        ("one\ntwo\nthree four\n", "there is no row of at least 2 numbers"),
        ("", "is empty"),
        ("  \n\n", "is empty"),
        (b"PK\x03\x04" + bytes(200), "an Excel workbook"),
        (b"CPYA 4.3" + bytes(200), "an Origin project: export the worksheet as ASCII"),
        (b"MATLAB 5.0 MAT-file", "a MATLAB file"),
        (random.Random(0).randbytes(4000), "is not a text file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "the file is broken"),
        (b"\x93NUMPY\x01\x00" + bytes(100), "the file is broken"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path, content: str | bytes, words: str) -> None:
    assert words in refused(tmp_path, content)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_trace(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="is a folder, not a file"):
        read_trace(tmp_path)


def test_skip_lines_passes_over_numbers_that_are_no_data(tmp_path: Path) -> None:
    content = "12 13\n7 8\nx y\n1 2\n3 4\n5 6\n"
    assert "holds 2 tables of numbers (1: lines 1 to 2" in refused(tmp_path, content)
    assert np.array_equal(read(tmp_path, content, block=2).values, [[1, 2], [3, 4], [5, 6]])
    assert np.array_equal(read(tmp_path, content, skip_lines=2).values, [[1, 2], [3, 4], [5, 6]])


@pytest.mark.slow
def test_a_million_points(tmp_path: Path) -> None:
    rows = np.column_stack([np.arange(1_000_000) * 1e-3, np.sin(np.arange(1_000_000))])
    text = "\n".join(f"{x:.3f},{y:.9f}" for x, y in rows)
    trace = read(tmp_path, "delay (ps),signal\n" + text)
    assert len(trace) == 1_000_000
    assert np.allclose(trace.values, rows, atol=1e-9)


# 9.9e37 and 9.91e37 are what instruments send for an overflow
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64).filter(lambda x: abs(x) not in (9.9e37, 9.91e37))
tables = st.integers(2, 5).flatmap(
    lambda columns: st.lists(st.lists(numbers, min_size=columns, max_size=columns), min_size=2, max_size=30)
)


@given(
    rows=tables,
    delimiter=st.sampled_from(["\t", ";", ",", "|", "  "]),
    comma=st.booleans(),
    heading=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[float]],
    delimiter: str,
    comma: bool,
    heading: bool,
    ending: str,
    encoding: str,
) -> None:
    """Every finite number comes back to the last bit, whatever the dialect."""
    comma = comma and delimiter != ","
    lines = [delimiter.join(repr(x).replace(".", "," if comma else ".") for x in row) for row in rows]
    if heading:
        lines.insert(0, delimiter.join(f"channel{n}" for n in range(len(rows[0]))))
    trace = read(tmp_path_factory.mktemp("t"), ending.join(lines).encode(encoding))
    assert np.array_equal(trace.values, np.array(rows))
    assert trace.names[0] == ("channel0" if heading else "column 1")


@given(st.binary(max_size=400))
def test_any_bytes_give_a_table_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert "\n" not in outcome(tmp_path_factory.mktemp("t"), content)


@given(st.text(alphabet="0123456789.,;+-eE \t\n#aNn", max_size=200))
def test_any_text_of_number_signs_gives_a_table_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    assert "\n" not in outcome(tmp_path_factory.mktemp("t"), content)


def test_jasco_numbers_its_units_before_the_word_too(tmp_path):
    path = tmp_path / "cd.txt"
    path.write_text(
        "TITLE\t\nXUNITS\tNANOMETERS\nYUNITS\tCD [mdeg]\nY2UNITS\tHT [V]\nY3UNITS\tABSORBANCE\nXYDATA\n"
        "520.0\t1.5\t300\t0.4\n519.0\t2.5\t301\t0.5\n518.0\t3.5\t302\t0.6\n"
    )
    assert read_trace(path).find("absorbance") == read_trace(path).names[3]


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [("Delay/fs", "Delay", "fs"), ("Temp/K", "Temp", "K"), ("B/T", "B", "T"), ("dT/T", "dT/T", ""),
     ("mW/cm2", "mW/cm2", ""),
     ("SC/CC", "SC/CC", ""), ("counts/s", "counts/s", ""), ("signal - mV", "signal", "mV"),
     ("sigma- counts", "sigma-", "counts"), ("I σ- counts", "I σ-", "counts")],
)  # fmt: skip
def test_units_behind_a_slash_or_a_space(text, name, unit):
    assert parse_label(text) == Label(name, unit)
