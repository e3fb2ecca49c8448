from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perospin.reports import report
from perospin.studies import Study
from perospin.studies.result import StudyResult

STUDY = """
format = 1
name = "formulas"
title = "Formulas"
seed = 3
baseline = "mean"
[data]
csv = "data.csv"
[target]
column = "rate_per_ps"
quantity = "rate"
unit = "1/ps"
transform = "log10"
[features]
some = ["dipole_debye", "radius_a"]
[[schemes]]
kind = "k_fold"
k = 4
name = "cv"
[[estimators]]
name = "mean"
kind = "mean"
[[estimators]]
name = "powers"
kind = "power_law"
features = "some"
max_columns = 2
[checks]
n_bootstrap = 20
n_shuffles = 0
[variants]
tried = 2
[verdict]
estimator = "powers"
scheme = "cv"
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> StudyResult:
    folder = tmp_path_factory.mktemp("formulas")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(1, 3, (30, 2)), columns=["dipole_debye", "radius_a"])
    table["rate_per_ps"] = 0.3 * table["dipole_debye"] ** 2 / table["radius_a"] * 10 ** (0.02 * rng.standard_normal(30))
    table.to_csv(folder / "data.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return Study.load(folder / "study.toml").run()


def test_the_front_stands_in_the_result_and_survives_saving(result, tmp_path):
    formulas = result.parts["formulas"].formulas
    assert list(formulas["estimator"].unique()) == ["powers"]
    chosen = formulas[formulas["chosen"]]
    assert len(chosen) == 1
    assert chosen["text"].iloc[0].endswith("log10(dipole_debye**2/radius_a)")
    assert chosen["units"].iloc[0] == "dipole_debye in D; radius_a in Å"
    value, low, high = (
        float(v) for v in chosen["constants"].iloc[0].translate(str.maketrans("()", "  ", "to")).split()
    )
    assert low < np.log10(0.3) < high
    assert low < value < high
    result.save(tmp_path)
    again = StudyResult.load(tmp_path).parts["formulas"].formulas
    assert again["text"].tolist() == formulas["text"].tolist()


def test_the_report_shows_the_formulas(result, tmp_path):
    page = report(result, tmp_path).read_text(encoding="utf-8")
    assert "log10(dipole_debye**2/radius_a)" in page
    assert "RMSE in sample" in page
    assert (tmp_path / "figures" / "formulas" / "formulas.png").is_file()
