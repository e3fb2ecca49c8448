"""Rows of the user's own columns are predicted, by the same model and the same interval as any material."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import small_study
from perospin.cli import main
from perospin.errors import DataError, StudyError
from perospin.studies.study import Study


def declared(**changes: Any) -> dict[str, Any]:
    content = small_study.raw(predict={"estimator": "ridge", "scheme": "loo", "level": 0.8}, **changes)
    for section in ("grids", "explain", "claims", "stated"):
        del content[section]
    content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
    return content


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_study.write(tmp_path_factory.mktemp("own"), declared())


def rows(folder: Path, **columns: Any) -> Path:
    frame = pd.DataFrame({"row": ["a", "b"], "x1_ev": [0.5, -0.5], "x2_debye": [0.1, 0.2], "x3": [0.0, 0.4]})
    path = folder / "new.csv"
    frame.assign(**columns).dropna(axis="columns", how="all").to_csv(path, index=False)
    return path


def test_rows_without_formula_are_predicted_by_their_columns(study: Path, tmp_path: Path) -> None:
    first, second = Study.load(study).predict_rows(rows(tmp_path))
    # the stated law: log10 rate = 0.5 x1 - 0.3 x2
    assert first.value == pytest.approx(10 ** (0.5 * 0.5 - 0.3 * 0.1), rel=0.15)
    assert second.value == pytest.approx(10 ** (0.5 * -0.5 - 0.3 * 0.2), rel=0.15)
    assert first.low < first.value < first.high
    assert first.title == "row a"
    assert first.formula == ""
    assert not first.known
    assert first.in_domain


def test_a_row_of_the_table_is_predicted_as_the_model_fits_it(study: Path, tmp_path: Path) -> None:
    table = small_study.table().drop(columns="rate_per_ps")
    table.to_csv(tmp_path / "same.csv", index=False)
    found = Study.load(study).predict_rows(tmp_path / "same.csv")
    fitted = Study.load(study).run(progress=False)["small"].predicted("ridge", "in-sample")
    assert [p.value for p in found] == pytest.approx((10 ** fitted["y_pred"]).tolist())
    assert all(p.known for p in found)
    assert found[0].title == "row 1 ((BA)2PbI4)"
    assert found[0].nearest[0].distance == pytest.approx(0, abs=1e-9)


def test_columns_that_follow_from_the_formula_need_not_stand_in_the_rows(tmp_path: Path) -> None:
    path = small_study.write(tmp_path, declared(features={"all": ["x1_ev", "inverse_n"]}))
    formulas = ["(BA)2PbI4", "MAPbI3"]
    found = Study.load(path).predict_rows(rows(tmp_path, formula=formulas, x2_debye=None, x3=None))
    assert [p.formula for p in found] == formulas
    with pytest.raises(DataError, match="column 'inverse_n' is missing"):
        Study.load(path).predict_rows(rows(tmp_path))


def test_rows_far_away_are_told(study: Path, tmp_path: Path) -> None:
    found = Study.load(study).predict_rows(rows(tmp_path, x1_ev=[50.0, 0.0]))
    assert any("outside the training range" in reason for reason in found[0].reasons)
    assert found[1].in_domain


def test_a_described_study_takes_rows_of_formulas(tmp_path: Path) -> None:
    study = Study.load(small_study.write(tmp_path, small_study.predicting()))
    pd.DataFrame({"formula": ["(PEA)2PbI4", "MAPbI3"]}).to_csv(tmp_path / "new.csv", index=False)
    for by_row in study.predict_rows(tmp_path / "new.csv"):
        by_formula = study.predict(by_row.formula)
        assert (by_row.value, by_row.low, by_row.reasons) == (by_formula.value, by_formula.low, by_formula.reasons)


@pytest.mark.parametrize(
    ("columns", "error", "sentence"),
    [
        ({"x2_debye": None}, DataError, "column 'x2_debye' is missing"),
        ({"x1_ev": ["0.5", "much"]}, DataError, "row b, column 'x1_ev': 'much' is not a number"),
        ({"x3": [0.1, None]}, StudyError, "'row b' has no value for the descriptor 'x3'"),
    ],
)
def test_rows_that_can_not_be_predicted_are_one_sentence(
    study: Path, tmp_path: Path, columns: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        Study.load(study).predict_rows(rows(tmp_path, **columns))


def test_the_command(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str | Path) -> int:
        with pytest.raises(SystemExit) as stop:
            main(["predict", *map(str, arguments)])
        return int(stop.value.code or 0)

    path = rows(tmp_path)
    assert run("--study", study, "--rows", path) == 0
    assert "row a" in capsys.readouterr().out
    assert run("--study", study, "--rows", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [p["row"] for p in found] == ["a", "b"]
    assert found[0]["value"] == Study.load(study).predict_rows(path)[0].value
    assert run("--study", study, "MAPbI3") == 2
    assert "perospin predict --rows new.csv" in capsys.readouterr().err
    both: list[str | Path] = ["MAPbI3", "--rows", path]
    for wrong in ([], both):
        assert run("--study", study, *wrong) == 2
        assert "either formulas" in capsys.readouterr().err


@pytest.mark.parametrize("names", [("R-MBA", "S-MBA", "rac-MBA"), ("R-NEA", "S-NEA", "NEA")])
def test_enantiomers_and_their_racemate_predict_the_same_value(tmp_path: Path, names: tuple[str, ...]) -> None:
    content = small_study.predicting()
    content["features"] = {"all": ["inverse_n", "tolerance_factor", "molar_mass_g_mol", "dipole_debye", "homo_ev"]}
    study = Study.load(small_study.write(tmp_path, content))
    found = [study.predict(f"({name})2PbI4") for name in names]
    assert len({p.value for p in found}) == 1
    assert len({(p.low, p.high) for p in found}) == 1
