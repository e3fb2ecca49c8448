from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.measurements.reading import read_trace
from perospin.measurements.reading.series import read_series
from perospin.measurements.reading.words.conditions import from_header, from_name, from_pattern


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("kerr_250mT_1.6K.csv", {"field_t": 0.25, "temperature_k": 1.6}),
        ("kerr-250mT-5K.csv", {"field_t": 0.25, "temperature_k": 5.0}),
        ("B=-0.5T T=300K.dat", {"field_t": -0.5, "temperature_k": 300.0}),
        ("trkr_0p5T.txt", {"field_t": 0.5}),
        ("run_-30mT.txt", {"field_t": -0.03}),
        ("scan12.csv", {}),
        ("PEA2PbI4_T1.csv", {}),
        ("inertia_20kHz_3mW.csv", {"frequency_hz": 20000.0, "power_mw": 3.0}),
        ("pp_12uJ_530nm.csv", {"fluence_uj_cm2": 12.0, "wavelength_nm": 530.0}),
        ("1500Oe.csv", {"field_t": 0.15}),
        ("3.5", {}),
    ],
)
def test_conditions_in_file_names(name: str, found: dict[str, float]) -> None:
    assert from_name(name) == pytest.approx(found)


def test_conditions_in_remarks() -> None:
    header = {"Temperature": "4.2 K", "field_mt": "250", "Field": "strong", "power": "3", "B": "0.5 s"}
    assert from_header(header) == pytest.approx({"temperature_k": 4.2, "field_t": 0.25})


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("kerr_{field_mt}mT_{temperature_k}K.csv", "kerr_250mT_1.6K.csv", {"field_t": 0.25, "temperature_k": 1.6}),
        ("{field}mT*.csv", "30mT_again.csv", {"field_t": 0.03}),
        ("run{}_{field_t}.csv", "run7_-0.3.csv", {"field_t": -0.3}),
        ("{temperature_k}.csv", "5.csv", {"temperature_k": 5.0}),
        ("{temperature_k}.csv", "five.csv", None),
        ("{power_uw}uW.txt", "250uW.txt", {"power_mw": 0.25}),
    ],
)
def test_patterns(pattern: str, name: str, found: dict[str, float] | None) -> None:
    assert from_pattern(pattern, name) == (found if found is None else pytest.approx(found))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{spin_t}.csv", "unknown condition 'spin_t'"),
        ("{field}.csv", "doesn't say the unit of 'field'"),
        ("kerr.csv", "no place in braces"),
        ("{field_k}.csv", "doesn't say the unit|unknown condition"),
    ],
)
def test_wrong_patterns_are_explained(pattern: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        from_pattern(pattern, "x.csv")


@given(st.floats(-5, 5), st.floats(0.1, 400), st.integers(0, 3))
def test_a_written_condition_is_read(field: float, temperature: float, digits: int) -> None:
    name = f"kerr_{field * 1e3:.{digits}f}mT_{temperature:.{digits}f}K.csv"
    found = from_name(name)
    assert found["field_t"] == pytest.approx(round(field * 1e3, digits) * 1e-3, abs=1e-12)
    assert found["temperature_k"] == pytest.approx(round(temperature, digits))


def folder_of(folder: Path, names: list[str]) -> Path:
    for n, name in enumerate(names):
        (folder / name).write_text(f"delay_ps,signal\n0,{n}\n1,{n}\n2,{n}\n")
    return folder


def test_a_folder_becomes_a_series_in_order(tmp_path: Path) -> None:
    folder_of(tmp_path, ["kerr_500mT_5K.csv", "kerr_30mT_5K.csv", "kerr_100mT_5K.csv"])
    (tmp_path / "notes.md").write_text("not data")
    calls: list[tuple[str, int, int]] = []
    series = read_series(tmp_path, on_file=lambda name, done, total: calls.append((name, done, total)))
    assert series.varying == ("field_t",)
    assert np.allclose(series.condition("field_t"), [0.03, 0.1, 0.5])
    assert np.allclose(series.condition("temperature_k"), 5.0)
    assert [trace.source for trace in series] == ["kerr_30mT_5K.csv", "kerr_100mT_5K.csv", "kerr_500mT_5K.csv"]
    assert [call[1:] for call in calls] == [(0, 3), (1, 3), (2, 3)]


def test_a_pattern_chooses_files_of_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, ["a_30mT.csv", "a_60mT.csv", "b_90mT.csv"])
    assert np.allclose(read_series(tmp_path, "a_{field}mT.csv").condition("field_t"), [0.03, 0.06])


def test_errors_of_series(tmp_path: Path) -> None:
    folder_of(tmp_path, ["a_30mT.csv", "a.csv"])
    with pytest.raises(DataError, match=r"'a.csv' doesn't tell field_t"):
        read_series(tmp_path).condition("field_t")
    with pytest.raises(DataError, match=r"holds no file that fits"):
        read_series(tmp_path, "c_{field}mT.csv")
    with pytest.raises(DataError, match=r"'a.csv' doesn't fit the pattern"):
        read_series([tmp_path / "a_30mT.csv", tmp_path / "a.csv"], "a_{field}mT.csv")
    with pytest.raises(DataError, match="needs files or a folder"):
        read_series([])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no file of measurements"):
        read_series(tmp_path / "empty")


def test_columns_from_hdf5_and_npz(tmp_path: Path) -> None:
    delay, same = np.linspace(-1000, 5000, 7), np.arange(7.0)
    with h5py.File(tmp_path / "trace_4K.h5", "w") as file:
        file["delay"], file["same"] = delay, same
        file["delay"].attrs["unit"] = "fs"
        file["shape"] = 3
    trace = read_trace(tmp_path / "trace_4K.h5")
    assert trace.names == ("delay", "same")
    assert np.allclose(trace.column("delay", "ps"), delay / 1e3)
    assert trace.conditions == {"temperature_k": 4.0}
    np.savez(tmp_path / "trace.npz", delay_ps=delay / 1e3, same=same)
    assert np.allclose(read_trace(tmp_path / "trace.npz").column("delay", "ps"), delay / 1e3)
    np.save(tmp_path / "trace.npy", np.column_stack([delay, same]))
    assert read_trace(tmp_path / "trace.npy").values.shape == (7, 2)
