"""Experimental structures against published or independently computed numbers."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from descriptors.structure.crystals import other_view
from perospin.descriptors.structure import describe_structure, example_structures, read_structure

SHARED = Path(os.environ.get("PEROSPIN_SHARED", Path(__file__).resolve().parents[3].parent / "shared"))
FOLDER = SHARED / "data" / "structures_dev"
FILES = {
    "(S-MBA)2PbI4": "S-MBA2PbI4",
    "(R-NEA)2PbBr4": "R-1NEA2PbBr4",
    "(rac-MBA)2SnI4": "rac-MBA2SnI4",
    "(S-4NO2-MBA)2PbBr4*H2O": "S-4-NO2-MBA2PbBr4-H2O",
    "(PEA)2PbI4": "PEA2PbI4",
    "(BA)2PbI4": "BA2PbI4",
}
needs_files = pytest.mark.skipif(not FOLDER.is_dir(), reason="experimental structures that may not be redistributed")


def published(formula: str) -> dict[str, str]:
    with (SHARED / "data" / "structures.csv").open(encoding="utf-8", newline="") as lines:
        return next(r for r in csv.DictReader(lines) if r["formula"] == formula and r["mean_M_X_A"])


@needs_files
@pytest.mark.parametrize("formula", sorted(FILES))
def test_six_layered_perovskites(formula: str) -> None:
    row = published(formula)
    d = describe_structure(FOLDER / f"{FILES[formula]}.vasp")
    assert d.values["bx_length_mean_a"] == pytest.approx(float(row["mean_M_X_A"]), abs=1e-3)
    assert d.values["bxb_angle_mean_deg"] == pytest.approx(float(row["mean_MXM_angle_deg"]), abs=0.02)
    assert d.values["layer_spacing_a"] == pytest.approx(float(row["layer_spacing_A"]), abs=1e-3)
    assert d.values["cell_volume_a3"] == pytest.approx(float(row["volume_A3"]), abs=0.01)
    assert d.labels["space_group"].replace("_", "") == row["space_group"]
    assert (d.labels["dimensionality"], d.values["n_layers"]) == ("2D", 1)
    assert d.labels["layer_orientation"] == "(100)"


@needs_files
@pytest.mark.parametrize("formula", sorted(FILES))
def test_any_view_of_a_real_structure_gives_the_same(formula: str) -> None:
    structure = read_structure(FOLDER / f"{FILES[formula]}.vasp")
    first = describe_structure(structure)
    second = describe_structure(other_view(structure, 11))
    assert dict(second.values) == pytest.approx(dict(first.values), abs=1e-6, rel=1e-9, nan_ok=True)
    assert (second.labels, second.warnings) == (first.labels, first.warnings)


@needs_files
def test_nitro_groups_and_water_are_no_anchors() -> None:
    d = describe_structure(FOLDER / "S-4-NO2-MBA2PbBr4-H2O.vasp")
    assert len(d.lists["nitrogen_depths_a"]) == 2  # two ammonium groups per formula unit, the nitro groups left out


def test_layered_lead_chloride_from_its_cif() -> None:
    d = describe_structure(example_structures()["PEA2PbCl4_HybriD3_216"])
    expected = {"bx_length_mean_a": 2.8859, "bxb_angle_mean_deg": 152.33, "layer_spacing_a": 16.889, "n_layers": 1}
    assert {k: d.values[k] for k in expected} == pytest.approx(expected, abs=5e-3)
    assert (d.labels["space_group"], d.values["centrosymmetric"]) == ("P-1", 1)
    assert d.values["cell_volume_a3"] == pytest.approx(2111.75, abs=0.01)
    assert any("no hydrogen" in w for w in d.warnings)
