from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import small_study
from perospin.database import Record, Source, Store, load_table
from perospin.descriptors.structure import example_structures
from perospin.errors import StudyError, TooFewRowsError
from perospin.reports import report
from perospin.studies.result import StudyResult
from perospin.studies.study import Study

STUDY = "spin-relaxation-structural"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "store.sqlite"
    monkeypatch.setenv("PEROSPIN_STORE", str(path))
    return path


def known(values: dict[str, float], store: Path) -> None:
    """Put made-up binding energies (meV) into the store."""
    records = [
        Record.measured(formula, "exciton_binding_energy", value, "meV", Source(first_author="made up"))
        for formula, value in values.items()
    ]
    with Store.open(store) as opened:
        opened.add(records)


def test_parts_with_too_few_rows_say_so_instead_of_scoring(tmp_path: Path) -> None:
    study = Study.load(STUDY)
    with pytest.raises(TooFewRowsError, match=r"known for 6 of 52 rows \(6 materials\); at least 15 rows are needed"):
        study.dataset("binding-energy")
    study = study.only(["binding-energy", "band-gap", "cell"])
    result = study.run(tmp_path / "out", progress=False)
    assert dict(result.parts) == {}
    told = StudyResult.load(tmp_path / "out").provenance["not_modelled"]
    assert list(told) == ["Exciton binding energy", "Band gap", "Cell volume per metal"]
    assert all("so no model is scored" in reason for reason in told.values())
    page = report(result, tmp_path / "out").read_text(encoding="utf-8")
    assert "Not modelled" in page
    assert "known for 2 of 52 rows (2 materials)" in page
    assert "R²" not in page.split("<main>")[1]
    with pytest.raises(TooFewRowsError):
        study.predict("(PEA)2PbI4")


def test_crystals_of_the_same_composition_give_a_part_its_rows() -> None:
    study = Study.load(STUDY)
    data = {name: study.dataset(name) for name in ("spacing", "angle", "tilt", "delta-beta", "crystal")}
    assert {len(rows) for rows in data.values()} == {28}
    rows = data["spacing"]
    assert rows.rows["certain"].all()
    features = rows.features.set_index(rows.rows["formula"])
    assert features.loc["(EOA)2PbI4", "layer_spacing_a"] == pytest.approx(10.02, abs=0.03)
    gap = features["layer_spacing_a"] - features["layer_thickness_a"]
    np.testing.assert_allclose(features["interlayer_gap_a"], gap, atol=0.1)  # medians over several crystals
    assert any(note.startswith("(BA)2PbI4: median of 5 crystals") for note in rows.notes)
    for name in study.parts:  # the same rows with and without the structure
        both, intrinsic = (set(study.parts[name].columns_of(model)) for model in ("both", "intrinsic"))
        assert both > intrinsic


def test_uncertain_rows_have_no_measured_features() -> None:
    study = Study.load(STUDY)
    part = study.parts["binding-energy"]
    lenient = part.model_copy(update={"data": part.data.model_copy(update={"min_rows": 1})})
    rows = Study(study.name, "", "", {"x": lenient}, "x", {}).dataset().rows
    assert rows["certain"].all()  # row 21 is described as MAPbI3, but it isn't known to be
    assert sorted(rows["formula"]) == sorted(["(BA)2PbI4", "(4I-BA)2PbI4", "MAPbI3", "MAPbBr3", "FAPbI3", "CsPbBr3"])


@pytest.mark.slow
def test_records_of_the_user_make_a_part_run_on_exactly_the_rows_that_have_them(store: Path, tmp_path: Path) -> None:
    table = load_table("spin52", corrected=True)
    formulas = sorted(set(table["formula"].dropna()) - {""})[:24]
    rate = table.groupby("formula")["rate_per_ps"].mean()
    # a made-up law: the rate follows the square of the binding energy
    known({formula: float(100 * np.sqrt(rate[formula])) for formula in formulas if formula.startswith("(")}, store)
    study = Study.load(STUDY).only(["binding-energy"])
    rows = study.dataset().rows
    assert len(rows) >= 15
    result = study.run(tmp_path / "out", progress=False)
    assert result.provenance["not_modelled"] == {}
    part = result["binding-energy"]
    assert len(part.rows) == len(rows)
    assert set(part.scores["estimator"]) == {"rule", "mean", "intrinsic", "structural", "both"}
    # all models on the same rows under the same schemes
    assert part.scores.groupby("scheme")["n_rows"].nunique().eq(1).all()
    scores = {name: part.score(name, "loo")["r2"] for name in ("rule", "intrinsic", "structural")}
    assert scores["structural"] > max(scores["rule"], scores["intrinsic"])
    assert report(result, tmp_path / "out").is_file()


def test_the_main_study_does_not_see_the_store(store: Path) -> None:
    before = Study.load("spin-relaxation").dataset("perospin")
    known({"(PEA)2PbI4": 200.0}, store)
    after = Study.load("spin-relaxation").dataset("perospin")
    assert before.sha256 == after.sha256
    assert not any(column.startswith("measured_") for column in after.features)


def test_crystals_in_a_folder_are_descriptors_of_the_materials_they_are_made_of(tmp_path: Path) -> None:
    folder = tmp_path / "crystals"
    folder.mkdir()
    for name, path in example_structures().items():
        (folder / f"{name}.cif").write_bytes(path.read_bytes())
    (folder / "broken.cif").write_text("nothing")
    content = small_study.raw(**small_study.DESCRIBED)
    for section in ("grids", "explain", "claims", "stated", "checks", "predict"):
        content.pop(section, None)
    content["descriptors"]["structures"] = "crystals"
    content["features"] = {"all": ["bx_length_mean_a"]}
    content["data"]["complete"] = ["bx_length_mean_a"]
    study = Study.load(small_study.write(tmp_path, content))
    data = study.dataset()
    assert data.rows["formula"].tolist() == ["CsPbI3"]
    assert data.features["bx_length_mean_a"].tolist() == pytest.approx([3.237], abs=1e-3)
    assert any(note.startswith("broken.cif is left out") for note in data.notes)
    content["data"]["min_rows"] = 2
    with pytest.raises(TooFewRowsError, match="mean B-X length: known for 1 of 16 rows"):
        Study.load(small_study.write(tmp_path, content)).dataset()
    content["descriptors"]["structures"] = "nowhere"
    with pytest.raises(StudyError, match="holds no structure file"):
        Study.load(small_study.write(tmp_path, content)).dataset()
