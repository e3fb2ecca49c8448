from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import perospin as ps
from perospin import IonLibrary, Perovskite, Study, load_table
from perospin.descriptors import STRUCTURE_DESCRIPTIONS, packing_columns
from perospin.descriptors.crystals import crystal_columns, crystals_of
from perospin.descriptors.packing import spacer_key
from perospin.errors import DataError
from perospin.studies import expected_structure, held_out_structure
from perospin.studies.structures import EXPECTED_DESCRIPTIONS

CHECK = Path(__file__).parents[3] / "shared" / "data" / "structures_2d.csv"


def test_every_row_of_the_table_says_what_it_is() -> None:
    table = load_table("structures_2d")
    assert table["file"].is_unique
    assert set(STRUCTURE_DESCRIPTIONS) <= set(table.columns)
    assert "30e2b78" in table.attrs["source"]
    assert table.attrs["licence"] == "MIT"
    told = table[table["formula"] != ""]
    assert told["spacer"].nunique() > 150
    for formula, ions, spacer in told[["formula", "new_ions", "spacer"]].drop_duplicates().itertuples(index=False):
        material = Perovskite.parse(formula, IonLibrary.of([text for text in ions.split("; ") if text]))
        assert material.formula == formula
        assert spacer_key(material) == spacer
    layered = told[told["layers_agree"] == "yes"]
    gap = layered["layer_spacing_a"] - layered["layer_thickness_a"]
    np.testing.assert_allclose(gap.dropna(), layered["interlayer_gap_a"][gap.notna()], atol=2e-4)


@pytest.mark.skipif(not CHECK.is_file(), reason="the independent figures lie beside the repository")
def test_the_table_agrees_with_independent_figures() -> None:
    ours = load_table("structures_2d").set_index("file")
    theirs = pd.read_csv(CHECK).set_index("file").reindex(ours.index)
    spacing = (ours["layer_spacing_a"] - theirs["spacing_A"]).dropna().abs()
    assert len(spacing) > 560
    assert spacing.max() < 0.0006
    layered = ours["layer_spacing_a"].notna() & theirs["spacing_A"].notna()
    angle = (ours["bxb_angle_mean_deg"] - theirs["angle_mean"])[layered].dropna().abs()
    # in these files atoms are listed twice, or octahedra share edges: the other code counts angles that aren't there
    angle = angle.drop(["11.vasp", "241.vasp", "242.vasp", "694.vasp"], errors="ignore")
    assert len(angle) > 500
    assert angle.max() < 0.006


def test_several_crystals_are_shown_as_several() -> None:
    crystals = crystals_of("(BA)2PbI4")
    assert len(crystals) == 5
    assert (crystals["hydrogens"] != "some missing").all()
    columns, remarks = crystal_columns(["(BA)2PbI4", None, "(EOA)2PbI4", "MAPbI3"])
    assert columns["layer_spacing_a"].iloc[0] == pytest.approx(crystals["layer_spacing_a"].median())
    assert columns["layer_spacing_a"].iloc[2] == pytest.approx(10.02, abs=0.03)
    assert columns.iloc[[1, 3]].isna().all(axis=None)
    assert remarks[0].startswith("(BA)2PbI4: median of 5 crystals (15.vasp, 16.vasp")
    assert "13.04 to 13.81 A" in remarks[0]


def test_measured_comes_first_and_what_has_no_layers_is_empty() -> None:
    found = expected_structure(["(BA)2PbI4", "MAPbI3", None])
    assert list(found.columns) == list(EXPECTED_DESCRIPTIONS)
    first = found.iloc[0]
    assert first["expected_layer_spacing_from"] == "measured in 5 crystals"
    assert first["expected_layer_spacing_low_a"] < first["expected_layer_spacing_a"] < 13.82
    assert found["expected_layer_spacing_from"].tolist()[1:] == ["no layers", "ions not told"]
    assert found.iloc[1:]["expected_angle_deg"].isna().all()


def test_describe_adds_the_expected_structure_only_when_asked() -> None:
    plain = ps.describe(["(BA)2PbI4"])
    assert not set(EXPECTED_DESCRIPTIONS) & set(plain.columns)
    told = ps.describe(["(BA)2PbI4", "MAPbI3"], structure="predicted")
    assert list(told.columns) == [*plain.columns, *EXPECTED_DESCRIPTIONS]
    with pytest.raises(DataError, match='structure is "predicted" or left out'):
        ps.describe(["MAPbI3"], structure="measured")
    with pytest.raises(DataError, match="'tilt' is not predicted"):
        held_out_structure(["(BA)2PbI4"], "tilt")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Answer by the packing law alone, and keep the training sets that are asked for."""
    from perospin.learning.training import folds

    seen: list[Any] = []
    real, load = folds.fit_each, Study.load

    def fit_each(estimator: Any, X: Any, y: Any, trains: Any, **options: Any) -> list[Any]:
        seen.append((list(trains), X))
        return real(estimator, X, y, trains, **options)

    def light(name: str) -> Study:
        import dataclasses

        study = load(name)
        part = study.parts[study.default_part]
        predict = part.predict.model_copy(update={"estimator": "ridge"})  # type: ignore[union-attr]
        return dataclasses.replace(study, parts={study.default_part: part.model_copy(update={"predict": predict})})

    monkeypatch.setattr(folds, "fit_each", fit_each)
    monkeypatch.setattr(Study, "load", staticmethod(light))
    return seen


def test_a_held_out_prediction_never_saw_the_spacer(quick: list[Any]) -> None:
    asked = ["(R-MBA)2PbI4", "(EOA)2PbI4", "MAPbI3", "(S-MBA)2PbBr4", None]
    found = held_out_structure(asked)
    trains, _ = quick[0]
    data = Study.load("layer-spacing").dataset()
    keys = [set(key.split(" + ")) for key in data.groups("spacer").tolist()]
    for formula, train in zip(("(R-MBA)2PbI4", "(EOA)2PbI4"), trains[:2], strict=True):
        own = spacer_key(Perovskite.parse(formula))
        assert {i for i, key in enumerate(keys) if own in key}.isdisjoint(train.tolist())
        assert len(train) + sum(own in key for key in keys) == len(data)
    assert found["left_out"].iloc[0] == found["left_out"].iloc[3] > 5  # both hands and the racemate
    assert found["left_out"].iloc[1] == sum("[NH3+]CCO" in key for key in keys) >= 2
    assert found["predicted"].iloc[1] == pytest.approx(10.0, abs=1.5)
    assert found.iloc[[2, 4]].isna().all(axis=None)
    assert (found["sd"].dropna() > 0.2).all()
    # the same material, its own spacer left in: what was learnt differs
    full = packing_columns([Perovskite.parse("(EOA)2PbI4")])
    assert not math.isnan(float(full["packed_spacing_a"].iloc[0]))


def test_a_new_material_is_predicted_with_an_interval(quick: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from perospin.studies import structures

    structures._predictor.cache_clear()
    library = IonLibrary.default().with_ions(["NOV=[NH3+]CCCCCCCF"])
    row = expected_structure([Perovskite.parse("(NOV)2PbI4", library)]).iloc[0]
    structures._predictor.cache_clear()
    assert row["expected_layer_spacing_from"].startswith("predicted (layer-spacing)")
    assert row["expected_layer_spacing_low_a"] < row["expected_layer_spacing_a"] < row["expected_layer_spacing_high_a"]
    assert 14 < row["expected_layer_spacing_a"] < 24
    assert 130 < row["expected_angle_deg"] < 175
