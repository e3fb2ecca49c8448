from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.measurements.reading.matrices import Matrix, read_map, read_matrix

DELAY = np.array([-1.0, 0.0, 0.5, 10.0])
WAVELENGTH = np.array([500.0, 510.5, 520.0])
SIGNAL = np.arange(12.0).reshape(4, 3) / 7.0


def read(folder: Path, content: str, **options: object) -> Matrix:
    path = folder / "map.csv"
    path.write_text(content)
    return read_matrix(path, **options)  # type: ignore[arg-type]


def refused(folder: Path, content: str, **options: object) -> str:
    with pytest.raises(DataError) as error:
        read(folder, content, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def rows(down: np.ndarray, across: np.ndarray, values: np.ndarray, corner: str | None, sign: str = ",") -> str:
    head = ([] if corner is None else [corner]) + [repr(float(x)) for x in across]
    body = [[repr(float(x)), *(repr(float(v)) for v in line)] for x, line in zip(down, values, strict=True)]
    return "\n".join(sign.join(line) for line in [head, *body]) + "\n"


EXPLICIT = "# Filename: x\nsample\n{} explicit\nIntervalnr {}\n"
FILES = {
    "corner 0, wavelengths down": rows(WAVELENGTH, DELAY, SIGNAL.T, "0"),
    "corner 0, delays down": rows(DELAY, WAVELENGTH, SIGNAL, "0", "\t"),
    "corner empty": rows(WAVELENGTH, DELAY, SIGNAL.T, ""),
    "corner NaN": rows(WAVELENGTH, DELAY, SIGNAL.T, "NaN", " "),
    "corner labelled": rows(WAVELENGTH, DELAY, SIGNAL.T, "wavelength (nm) \\ delay (ps)"),
    "corner labelled once": rows(DELAY, WAVELENGTH, SIGNAL, "delay/ps", ";"),
    "no corner, blanks": rows(DELAY, WAVELENGTH, SIGNAL, None, "  "),
    "time explicit": EXPLICIT.format("Time", 4) + rows(WAVELENGTH, DELAY, SIGNAL.T, None, "\t"),
    "wavelength explicit": EXPLICIT.format("Wavelength", 3) + rows(DELAY, WAVELENGTH, SIGNAL, None, "\t"),
    "remarks behind": rows(WAVELENGTH, DELAY, SIGNAL.T, "0")
    + "\nTime units: ps\nSample: PEA, 20 mW\nZ axis title: dA\n",
    "falling": rows(WAVELENGTH[::-1], DELAY, SIGNAL.T[::-1], "0"),
    "in fs": rows(WAVELENGTH, 1000 * DELAY, SIGNAL.T, "nm \\ fs"),
    "in fs by a remark": rows(WAVELENGTH, 1000 * DELAY, SIGNAL.T, "0") + "Time units: fs\n",
    "decimal comma": rows(DELAY, WAVELENGTH, SIGNAL, "0", ";").replace(".", ","),
    "three columns": "delay (ps);wavelength (nm);dA\n"
    + "".join(f"{t};{w};{float(SIGNAL[i, j])!r}\n" for i, t in enumerate(DELAY) for j, w in enumerate(WAVELENGTH)),
}


@pytest.mark.parametrize("name", FILES)
def test_the_same_map_from_every_kind_of_file(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, FILES[name])
    assert np.allclose(found.delay_ps, DELAY)
    assert np.allclose(found.wavelength_nm, WAVELENGTH)
    assert np.allclose(found.signal, SIGNAL)
    assert len(found.sha256) == 64


def test_a_map_knows_its_file_and_its_conditions(tmp_path: Path) -> None:
    path = tmp_path / "SC_10K.csv"
    path.write_text(FILES["corner empty"])
    found = read_map(path, unit="mOD", name="SC")
    assert (found.name, found.unit, found.shape) == ("SC", "mOD", (4, 3))
    assert found.sources[0].name == "SC_10K.csv"
    assert found.sources[0].sha256 == read_matrix(path).sha256
    assert dict(found.conditions) == {"temperature_k": 10.0}
    assert np.allclose(found.signal, SIGNAL)


def test_remarks_are_kept(tmp_path: Path) -> None:
    found = read(tmp_path, FILES["remarks behind"])
    assert found.comments == ("Time units: ps", "Sample: PEA, 20 mW", "Z axis title: dA")


def test_missing_cells(tmp_path: Path) -> None:
    found = read(tmp_path, "0,-1,0,10\n500,1,NaN,3\n510,,5,6\n520,7,8,9\n")
    assert np.isnan(found.signal[1, 0])
    assert np.isnan(found.signal[0, 1])
    assert np.count_nonzero(np.isnan(found.signal)) == 2


def test_a_spectral_axis_in_energy_or_wavenumbers(tmp_path: Path) -> None:
    energy = 1239.841984 / WAVELENGTH
    found = read(tmp_path, rows(energy, DELAY, SIGNAL.T, "0"))
    assert np.allclose(found.wavelength_nm, WAVELENGTH)
    assert np.allclose(found.signal, SIGNAL)
    assert "read as eV" in found.warnings[0]
    found = read(tmp_path, rows(1e7 / WAVELENGTH, DELAY, SIGNAL.T, "0"), spectral_unit="cm-1")
    assert np.allclose(found.wavelength_nm, WAVELENGTH)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rows(np.array([200.0, 300.0, 400.0]), np.array([500.0, 600.0]), np.ones((3, 2)), "0"), "can't tell delay and"),
        (rows(DELAY[[0, 2, 1, 3]], WAVELENGTH, SIGNAL, "0"), "breaks the order"),
        ("0,-1,0,10\n500,1,2,3\n510,4,x,6\n520,7,8,9\n", "line 3, column 3 of 'map.csv' holds 'x'"),
        ("1,2,3\n2,3,4\n3,4,5\n", "three columns, but they are no map"),
        ("0,-1,0,1\n500,NaN,NaN,NaN\n510,NaN,NaN,NaN\n", "holds no signal"),
        ("1,2\n3,4\n", "there is no row of at least 3 numbers"),
    ],
)
def test_what_is_no_map_is_said(tmp_path: Path, content: str, words: str) -> None:
    assert words in refused(tmp_path, content)


def test_which_axis_holds_the_delays_can_be_said(tmp_path: Path) -> None:
    late = np.array([200.0, 300.0, 400.0, 500.0])
    found = read(tmp_path, rows(late, WAVELENGTH, SIGNAL, "0"), delays="rows")
    assert np.allclose(found.delay_ps, late)
    assert np.allclose(found.signal, SIGNAL)


@pytest.mark.parametrize("turned", [False, True])
def test_hdf5(tmp_path: Path, turned: bool) -> None:
    path = tmp_path / "map.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("scan")
        group["delay"] = 1000 * DELAY
        group["delay"].attrs["units"] = "fs"
        group["wavelength"] = WAVELENGTH
        group["signal"] = SIGNAL.T if turned else SIGNAL
        file["remark"] = "text"
    found = read_matrix(path)
    assert np.allclose(found.delay_ps, DELAY)
    assert np.allclose(found.signal, SIGNAL)


def test_several_maps_in_one_hdf5_file(tmp_path: Path) -> None:
    path = tmp_path / "map.h5"
    with h5py.File(path, "w") as file:
        for name, factor in (("same", 1.0), ("counter", 2.0)):
            file[f"{name}/delay"], file[f"{name}/wavelength"] = DELAY, WAVELENGTH
            file[f"{name}/signal"] = factor * SIGNAL
    with pytest.raises(DataError, match="name the data set or group to read"):
        read_matrix(path)
    assert np.allclose(read_matrix(path, dataset="counter").signal, 2 * SIGNAL)


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "map.npz", t=DELAY, wl=WAVELENGTH, data=SIGNAL)
    assert np.allclose(read_matrix(tmp_path / "map.npz").signal, SIGNAL)


@given(
    n_delay=st.integers(2, 12),
    n_wavelength=st.integers(3, 12),
    seed=st.integers(0, 1000),
    sign=st.sampled_from([",", "\t", ";", "  "]),
    down=st.sampled_from(["delay", "wavelength"]),
)
def test_maps_come_back(
    tmp_path_factory: pytest.TempPathFactory, n_delay: int, n_wavelength: int, seed: int, sign: str, down: str
) -> None:
    draw = np.random.default_rng(seed)
    delay = np.concatenate([[-1.0], np.sort(draw.uniform(0, 5000, n_delay - 1))])
    wavelength = 400.0 + np.cumsum(draw.uniform(0.1, 5, n_wavelength))
    signal = draw.normal(0, 1e-3, (n_delay, n_wavelength))
    if down == "wavelength" and n_delay < 3:
        return  # such a file would have three columns
    text = (
        rows(delay, wavelength, signal, "0", sign) if down == "delay" else rows(wavelength, delay, signal.T, "0", sign)
    )
    found = read(tmp_path_factory.mktemp("m"), text)
    assert np.array_equal(found.delay_ps, delay)
    assert np.array_equal(found.wavelength_nm, wavelength)
    assert np.array_equal(found.signal, signal)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(alphabet="0123456789.,;+-eE \t\n#nmps\\", max_size=300).map(str.encode),
        st.lists(
            st.lists(st.sampled_from(["0", "-1", "1.5", "500", "510", "", "NaN", "x"]), max_size=6), max_size=8
        ).map(lambda rows: "\n".join(",".join(row) for row in rows).encode()),
    )
)
def test_any_file_gives_a_map_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("m") / "map.csv"
    path.write_bytes(content)
    try:
        said = repr(read_map(path))
    except DataError as error:
        said = str(error)
    assert "\n" not in said
