from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perospin.errors import DataError
from perospin.measurements.reading import Measurement, gather

X = np.array([0.0, 1.0, 2.0, 3.0])


def table(path: Path, heading: str, *columns: Any) -> Path:
    lines = [heading] if heading else []
    lines += [",".join(f"{value!r}" for value in map(float, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def pair(files: list[Path], **options: Any) -> Measurement:
    return gather(files, ["same"], x="delay", optional=["counter", "sigma"], **options)


@pytest.mark.parametrize(
    ("heading", "notes"),
    [
        ("delay (ps),SC,CC,error", 0),
        ("delay (ps),CC,SC,error", 0),
        ("error,delay (ps),counter,same", 0),
        ("", 2),
    ],
)
def test_channels_by_heading_in_any_order(tmp_path: Path, heading: str, notes: int) -> None:
    columns = {"delay": X, "sc": X + 10, "cc": X + 20, "error": X + 30}
    alias = {"same": "sc", "counter": "cc", "delay (ps)": "delay"}
    names = [alias.get(h.lower(), h.lower()) for h in heading.split(",")] if heading else list(columns)
    m = pair([table(tmp_path / "a.csv", heading, *(columns[n] for n in names))])
    assert np.array_equal(m.x, X)
    assert np.array_equal(m["same"], X + 10)
    assert np.array_equal(m["counter"], X + 20)
    assert np.array_equal(m["sigma"], X + 30)
    assert len(m.notes) == notes
    assert m.sources[0].name == "a.csv"
    assert len(m.sources[0].sha256) == 64


def test_two_files_are_told_apart_by_their_names(tmp_path: Path) -> None:
    sc = table(tmp_path / "PEA_SC_5K.txt", "delay (ps),dA", X, X + 10)
    cc = table(tmp_path / "PEA_CC_5K.txt", "delay (ps),dA", X, X + 20)
    for files in ([sc, cc], [cc, sc]):
        m = pair(files)
        assert np.array_equal(m["same"], X + 10)
        assert np.array_equal(m["counter"], X + 20)
        assert not m.notes
        assert m.conditions == {"temperature_k": 5.0}


def test_files_whose_names_do_not_tell_are_taken_in_order_and_that_is_said(tmp_path: Path) -> None:
    one = table(tmp_path / "scan1.txt", "delay (ps),dA", X, X + 10)
    two = table(tmp_path / "scan2.txt", "delay (ps),dA", X, X + 20)
    m = pair([two, one])
    assert np.array_equal(m["same"], X + 20)
    assert m.notes == ("files were taken in the order given: same is 'scan2.txt', counter is 'scan1.txt'",)


def test_a_stray_column_is_not_taken_for_the_counter_trace(tmp_path: Path) -> None:
    m = pair([table(tmp_path / "a.csv", "delay (ps),signal,temperature", X, X + 1, X + 2)])
    assert m.get("counter") is None
    assert "not used: temperature" in m.notes[0]


def test_columns_that_the_user_names(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "junk,delay (fs),A,B", X, 1000 * X, X + 1, X + 2)
    m = pair([path], columns=["2", "B", "a"])
    assert np.array_equal(m.x, X)
    assert np.array_equal(m["same"], X + 2)
    assert np.array_equal(m["counter"], X + 1)
    with pytest.raises(DataError, match=r"name the columns of delay, same, counter, sigma, got 1"):
        pair([path], columns=["2"])


def test_units_of_the_abscissa(tmp_path: Path) -> None:
    bare = table(tmp_path / "a.csv", "delay,same", 1000 * X, X)
    assert np.array_equal(pair([bare], x_unit="fs").x, X)
    unsaid = pair([bare])
    assert np.array_equal(unsaid.x, 1000 * X)
    assert "has no unit and is taken as ps" in unsaid.notes[0]
    headed = table(tmp_path / "b.csv", "delay_fs,same", 1000 * X, X)
    assert np.array_equal(pair([headed], x_unit="ns").x, X)  # the file knows better


def test_a_field_that_cannot_be_tesla(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "B,signal", 300 * X, X)
    with pytest.raises(DataError, match=r"fields up to 900 can't be tesla"):
        gather([path], ["signal"], x="field")
    assert gather([path], ["signal"], x="field", x_unit="mT").x[-1] == pytest.approx(0.9)


@pytest.mark.parametrize("x", ["wavelength", "energy"])
def test_spectra_against_wavelength_or_energy(tmp_path: Path, x: str) -> None:
    nm = np.array([400.0, 500.0, 620.0])
    ev = 1239.841984 / nm
    wanted = nm if x == "wavelength" else ev
    for name, heading, axis in (("a", "wavelength (nm),absorbance", nm), ("b", "E (eV),absorbance", ev), ("c", "", ev)):
        m = gather([table(tmp_path / f"{name}.csv", heading, axis, 1e-3 * nm)], ["absorbance"], x=x)
        assert np.allclose(m.x, wanted)
        assert np.allclose(m["absorbance"], 1e-3 * nm)


def test_quantities_come_in_the_units_of_the_analyses(tmp_path: Path) -> None:
    path = table(tmp_path / "t1.csv", "B (mT),T1 (us)", 10 * X, X + 1)
    m = gather([path], ["lifetime"], x="field")
    assert np.allclose(m.x, 0.01 * X)
    assert np.allclose(m["lifetime"], 1e6 * (X + 1))
    opaque = table(tmp_path / "r.csv", "B (mT),R (a.u.)", 10 * X, X + 1)
    m = gather([opaque], ["resistance"], x="field")
    assert np.allclose(m["resistance"], X + 1)
    assert "'R' in a.u. is taken as ohm" in m.notes[0]


def test_repeated_curves(tmp_path: Path) -> None:
    up = table(tmp_path / "iv_up.csv", "bias (V),c1 (nA),c2 (nA),c3 (nA)", X, X, X + 1, X + 2)
    down = table(tmp_path / "iv_down.csv", "bias (V),c1 (nA),c2 (nA)", X, X + 3, X + 4)
    m = gather([down, up], ["current_up", "current_down"], x="voltage")
    assert m.repeats["current_up"].shape == (3, 4)
    assert m.repeats["current_down"].shape == (2, 4)
    assert m.repeats["current_up"][1, 0] == pytest.approx(1e-9)


def test_mistakes(tmp_path: Path) -> None:
    a = table(tmp_path / "a_same.csv", "delay (ps),signal", X, X)
    b = table(tmp_path / "b_counter.csv", "delay (ps),signal", X + np.array([0, 0, 0.5, 0]), X)
    c = table(tmp_path / "c_counter.csv", "delay (ps),signal", X[:3], X[:3])
    with pytest.raises(DataError, match=r"don't share their delay values: row 3 has 2 and 2.5"):
        pair([a, b])
    with pytest.raises(DataError, match=r"'a_same.csv' has 4 rows and 'c_counter.csv' 3"):
        pair([a, c])
    with pytest.raises(DataError, match="4 files were given, but there are only 3 channels"):
        pair([a, b, c, a])
    with pytest.raises(DataError, match="no file was given"):
        pair([])
    with pytest.raises(DataError, match=r"'a_same.csv' has no column for wavelength"):
        gather([a], ["ellipticity", "absorbance"], x="wavelength")
    with pytest.raises(DataError, match=r"column 'delay' of 'a_same.csv': can't convert 'ps'"):
        gather([a], ["signal"], x="field", columns=["delay", "signal"])


def test_channels_are_not_guessed_among_many_columns(tmp_path: Path) -> None:
    many = table(tmp_path / "iv.csv", "bias (V),c1,c2,c3,c4", X, X, X, X, X)
    with pytest.raises(DataError, match=r"headings don't tell current_up, current_down"):
        gather([many], ["current_up", "current_down"], x="voltage")
    two = table(tmp_path / "two.csv", "bias (V),c1,c2", X, X + 1, X + 2)
    m = gather([two], ["current_up", "current_down"], x="voltage")
    assert np.array_equal(m["current_down"], X + 2)
    assert "current_up from 'c1', current_down from 'c2'" in m.notes[0]


def test_a_wrong_unit_and_an_empty_abscissa(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "delay (ps),same", X, X)
    with pytest.raises(DataError, match="unknown unit 'parsec'"):
        pair([path], x_unit="parsec")
    with pytest.raises(DataError, match="can't convert 'mT'"):
        pair([path], x_unit="mT")
    spectrum = table(tmp_path / "s.csv", "E,absorbance", X + 1, X)
    assert gather([spectrum], ["absorbance"], x="wavelength", x_unit="eV").x[0] == pytest.approx(1239.842, rel=1e-6)
    with pytest.raises(DataError, match="can't convert 'mT'"):
        gather([spectrum], ["absorbance"], x="wavelength", x_unit="mT")
    (tmp_path / "b.csv").write_text("delay,same\n,1\n,2\n")
    with pytest.raises(DataError, match=r"column 'delay' of 'b.csv', the delay, holds no number"):
        pair([tmp_path / "b.csv"])
    with pytest.raises(DataError, match="has no column for absorbance: it has delay \\(empty\\), same"):
        gather([tmp_path / "b.csv"], ["absorbance"], x="energy")


def test_helicities_as_headings_and_an_unnamed_second_trace(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "Delay/fs,sigma+ sigma+,sigma+ sigma-", 1000 * X, X, X + 1)
    m = gather([path], ["same"], x="delay", optional=["counter", "sigma"])
    assert m.x_unit == "fs"
    assert np.allclose(m.x, X)
    assert np.array_equal(m["counter"], X + 1)
    other = table(tmp_path / "b.csv", "delay (ns),up,down", X, X, X + 1)
    with pytest.raises(DataError, match="don't tell same- from counter-circular"):
        gather([other], ["same"], x="delay", optional=["counter", "sigma"])
    assert gather([other], ["same"], x="delay", optional=["counter"], columns=["1", "3"])["same"][0] == 1


def test_uncertainties_have_the_unit_of_their_channel(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "B (mT),T1 (us),error", X, X + 1, X + 1)
    m = gather([path], ["lifetime"], x="field", optional=["sigma"])
    assert np.allclose(m["sigma"], m["lifetime"])
    path = table(tmp_path / "b.csv", "B (mT),T1 (us),error (ns)", X, X + 1, 1000 * (X + 1))
    m = gather([path], ["lifetime"], x="field", optional=["sigma"])
    assert np.allclose(m["sigma"], m["lifetime"])
    path = table(tmp_path / "c.csv", "B (mT),T1 (us),error (%)", X, X + 1, 10 + 0 * X)
    m = gather([path], ["lifetime"], x="field", optional=["sigma"])
    assert np.allclose(m["sigma"], 0.1 * m["lifetime"])


def test_percent_is_a_share_and_a_transmittance_no_absorbance(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "B (mT),DCP (%),error", X, 10 * X, X)
    m = gather([path], ["polarisation"], x="field", optional=["sigma"])
    assert np.allclose(m["polarisation"], 0.1 * X)
    assert np.allclose(m["sigma"], 0.01 * X)
    path = table(tmp_path / "b.csv", "wavelength (nm),CD (mdeg),T (%)", 500 + X, X, X)
    with pytest.raises(DataError, match="is a transmittance, not an absorbance"):
        gather([path], ["ellipticity", "absorbance"], x="wavelength")


def test_a_lifetime_without_unit_is_told_and_a_unit_as_heading_is_one(tmp_path: Path) -> None:
    m = gather([table(tmp_path / "a.csv", "", X, X + 1)], ["lifetime"], x="field")
    assert any("'column 2' has no unit and is taken as ps" in note for note in m.notes)
    m = gather([table(tmp_path / "b.csv", "nm,LCP,RCP", 500 + X, X, X)], ["left", "right"], x="wavelength")
    assert not m.notes
    assert m.x_unit == "nm"
