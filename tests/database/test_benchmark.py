from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from perospin.chemistry import Perovskite, goldschmidt_tolerance
from perospin.database import TABLES, data_file, load_table
from perospin.errors import DataError

RADIUS = {"Pb": 1.19, "I": 2.20, "Br": 1.96}
# Columns that are composition averages over the organic cations, with the tolerance of their printed digits.
AVERAGED = {
    "dipole_debye": 2e-3,
    "molar_mass": 2e-3,
    "polarisability_bohr3": 2e-3,
    "molecular_radius_a": 2e-3,
    "homo_ev": 2e-3,
    "lumo_ev": 2e-3,
}


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    return load_table("spin52")


@pytest.fixture(scope="module")
def corrected() -> pd.DataFrame:
    return load_table("spin52", corrected=True)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_loads_with_source_and_licence(name: str) -> None:
    frame = load_table(name)
    assert len(frame) > 0
    assert frame.attrs["source"]
    assert frame.attrs["licence"] == "MIT"
    numeric = [c for c in frame.columns if c not in TABLES[name].text_columns]
    assert all(pd.api.types.is_numeric_dtype(frame[c]) for c in numeric)


@pytest.mark.parametrize("folder", ["spin52", "olympus", "hanle"])
def test_licence_texts_lie_beside_the_copies(folder: str) -> None:
    assert "MIT License" in data_file(f"{folder}/LICENSE").read_text(encoding="utf-8")


def test_published_table_is_the_published_one(published: pd.DataFrame) -> None:
    digest = hashlib.sha256(data_file("spin52/spin52.csv").read_bytes()).hexdigest()
    assert digest == "6b200ada4dfcf872bf5b5d4abc5593f8e8ce87a45b86feb771c4b741c59b6da8"
    assert published.shape == (52, 16)
    assert (published["n_layers"] == 100).sum() == 7
    assert published.loc[published["row"] == 37, "tolerance_factor"].item() == pytest.approx(0.8510, abs=1e-4)
    assert published["origin"].value_counts().to_dict() == {"literature": 38, "this_paper": 14}


def test_corrections_start_from_the_published_values(published: pd.DataFrame) -> None:
    by_row = published.set_index("row")
    for _, fix in load_table("spin52_corrections").iterrows():
        here = by_row.loc[int(fix["row"]), fix["column"]]
        assert str(here) == fix["published"] or float(here) == float(fix["published"])
        assert fix["reason"]
        assert fix["corrected"] != fix["published"]


def test_corrected_differs_only_where_listed(published: pd.DataFrame, corrected: pd.DataFrame) -> None:
    listed = {(int(f["row"]), f["column"]) for _, f in load_table("spin52_corrections").iterrows()}
    changed = {
        (int(row), column)
        for column in published.columns
        for row, old, new in zip(published["row"], published[column], corrected[column], strict=True)
        if old != new
    }
    assert changed == listed


def test_corrected_tolerance_factors_follow_goldschmidt(corrected: pd.DataFrame) -> None:
    for row, radius, halide in ((37, 1.88, "Br"), (15, (2 * 3.0988 + 2.023813) / 3, "I"), (18, 2.13766, "I")):
        expected = goldschmidt_tolerance(radius, RADIUS["Pb"], RADIUS[halide])
        value = corrected.loc[corrected["row"] == row, "tolerance_factor"].item()
        assert value == pytest.approx(expected, abs=1e-5)
    # the reference value for CsPbBr3 that other sources print as 0.862
    assert corrected.loc[corrected["row"] == 37, "tolerance_factor"].item() == pytest.approx(0.8619968, abs=1e-6)


def test_corrected_table_averages_consistently(corrected: pd.DataFrame) -> None:
    """Each mixed row is the average of the pure rows; the published table is not."""
    certain = corrected[corrected["composition_certain"]]
    materials = {int(row): Perovskite.parse(f) for row, f in zip(certain["row"], certain["formula"], strict=True)}
    pure = {m.organic[0][0].symbol: row for row, m in materials.items() if len(m.organic) == 1}
    by_row = corrected.set_index("row")
    checked = 0
    for row, material in materials.items():
        parts = [(ion.symbol, float(amount)) for ion, amount in material.organic]
        if len(parts) < 2 or any(symbol not in pure for symbol, _ in parts):
            continue
        for column, tolerance in AVERAGED.items():
            values = [by_row.loc[pure[symbol], column] for symbol, _ in parts]
            expected = np.average(values, weights=[amount for _, amount in parts])
            if np.isnan(expected):
                continue
            assert by_row.loc[row, column] == pytest.approx(expected, abs=tolerance), (row, column)
            checked += 1
    assert checked > 80


def test_orbital_energies_of_rows_7_to_10_were_those_of_row_44(published: pd.DataFrame) -> None:
    """The evidence behind their removal: (3AMP)(MA)2 and (3AMPY)(MA)2 carry the same orbital energies."""
    by_row = published.set_index("row")
    for column in ("homo_ev", "lumo_ev"):
        assert by_row.loc[8, column] == pytest.approx(by_row.loc[44, column], abs=1e-4)
        # a different cation all the same: the polarisability differs
    assert abs(by_row.loc[8, "polarisability_bohr3"] - by_row.loc[44, "polarisability_bohr3"]) > 1


def test_placeholders_are_missing_in_the_corrected_copy(corrected: pd.DataFrame) -> None:
    caesium = corrected[corrected["placeholder"]]
    assert list(caesium["formula"]) == ["CsPbI3", "CsPbBr3"]
    assert caesium[["homo_ev", "lumo_ev", "homo_lumo_gap_ev", "polarisability_bohr3"]].isna().all(axis=None)
    assert corrected["n_layers"].max() == 4
    assert (corrected.loc[corrected["n_layers"].isna(), "inverse_n"] == 0).all()


def test_uncertain_rows_and_groups(corrected: pd.DataFrame) -> None:
    by_row = corrected.set_index("row")
    assert list(by_row.index[~by_row["composition_certain"]]) == [16, 17, 21, 38]
    assert (by_row.loc[[16, 17, 21, 38], "formula"] == "").all()
    for first, second in ((13, 20), (34, 49), (35, 48), (15, 16), (17, 34), (21, 22)):
        assert by_row.loc[first, "compound"] == by_row.loc[second, "compound"]
    assert by_row["compound"].nunique() == 52 - 6
    known = by_row[by_row["formula"] != ""]
    assert all(str(Perovskite.parse(f)) == f for f in known["formula"])


def test_descriptors_split_by_group_are_never_identical(corrected: pd.DataFrame) -> None:
    """No two rows of different groups share all descriptors, or validation would leak."""
    columns = ["dipole_debye", "molar_mass", "molecular_radius_a", "tolerance_factor", "inverse_n"]
    keys = corrected[columns].round(3).astype(str).agg(" ".join, axis=1)
    assert corrected.groupby(keys)["compound"].nunique().max() == 1


def test_gap_table_is_complete() -> None:
    frame = load_table("hoip192")
    assert list(frame.columns) == ["cation", "metal", "halide", "gap_ev"]
    assert frame.groupby("cation").size().eq(12).all()
    assert frame["cation"].nunique() == 16
    assert frame["gap_ev"].between(1, 8).all()


def test_shipped_files() -> None:
    assert "data_4335639" in data_file("cif/CsPbI3_delta_COD4335639.cif").read_text(encoding="utf-8")
    assert data_file("hanle/fig_4a_difference.json").stat().st_size > 30000
    with pytest.raises(DataError, match="no shipped data file"):
        data_file("structures_dev/BA2PbI4.vasp")


def test_unknown_table_and_needless_correction() -> None:
    with pytest.raises(DataError, match="no table 'spin53'; there are: spin52"):
        load_table("spin53")
    with pytest.raises(DataError, match="no corrected copy"):
        load_table("hoip192", corrected=True)


def test_import_is_light() -> None:
    code = (
        "import sys, perospin.database as d; d.load_table, d.Record, d.PROPERTIES;"
        "print([m for m in ('pandas', 'sqlalchemy', 'rdkit', 'jax', 'matplotlib', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
