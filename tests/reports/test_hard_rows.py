from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import small_study
from perospin.reports.hard_rows import hard_rows
from perospin.studies.result import PartResult
from perospin.studies.study import Study

SHIFT = 2.0


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[PartResult, PartResult]:
    """The small study as it is, and with one rate a hundred times too large; two models that read the columns."""
    results = []
    for name, factor in (("sound", 1.0), ("wrong", 10**SHIFT)):
        folder = tmp_path_factory.mktemp(name)
        content = small_study.raw()
        for section in ("grids", "explain", "claims", "stated", "data"):
            content.pop(section)
        content["data"] = {**small_study.RAW["data"], "plausible": {}}
        content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
        content["baseline"] = "ridge"
        content["estimators"] = [
            {"name": "mean", "kind": "mean"},
            {"name": "ridge", "kind": "ridge", "alpha": 0.1, "features": "all"},
            {"name": "stiff", "kind": "ridge", "alpha": 2.0, "features": "all"},
        ]
        content["verdict"] = {"estimator": "ridge", "scheme": "loso", "remarks": {"6": "The unit was wrong."}}
        path = small_study.write(folder, content)
        table = pd.read_csv(folder / "table.csv")
        table.loc[5, "rate_per_ps"] *= factor
        table.to_csv(folder / "table.csv", index=False)
        results.append(Study.load(path).run(progress=False)["small"])
    return results[0], results[1]


def known(part: PartResult) -> PartResult:
    """The same with scores above 0: whether a model knows anything is not what is tested here."""
    scores = part.scores.assign(r2=part.scores["r2"].clip(lower=0.1))
    return dataclasses.replace(part, scores=scores)


def test_a_sound_table_has_no_row_that_defeats_every_model(parts: tuple[PartResult, PartResult]) -> None:
    assert "6" not in set(hard_rows(known(parts[0])).get("row", []))


def test_the_row_is_named_with_what_the_models_say_and_why(parts: tuple[PartResult, PartResult]) -> None:
    part = known(parts[1])
    found = hard_rows(part).set_index("row")
    row = found.loc["6"]
    assert found.index[0] == "6"  # the largest error first
    assert row["n_models"] == 2  # the mean is no model
    assert row["high"] < row["value"]
    mine = part.predicted("ridge", "loso").set_index("row")
    error = (mine["y_pred"] - mine["y_true"]) ** 2
    assert row["share"] == pytest.approx(error["6"] / error.sum())
    assert row["why"].endswith("The unit was wrong.")
    assert len(row["neighbours"]) == 3


def test_neighbours_are_the_nearest_rows_that_were_trained_on(parts: tuple[PartResult, PartResult]) -> None:
    part = known(parts[1])
    name, value = hard_rows(part).set_index("row").loc["6", "neighbours"][0]
    X = part.features[["x1_ev", "x2_debye", "x3"]].to_numpy()
    distance = (((X - X[5]) / X.std(axis=0)) ** 2).sum(axis=1)
    spacer = part.rows["group:spacer"].to_numpy()
    distance[spacer == spacer[5]] = np.inf
    nearest = int(np.argmin(distance))
    assert name == part.rows["name"].iloc[nearest]
    assert value == part.rows["target"].iloc[nearest]


def test_a_twin_with_another_value_is_the_reason(parts: tuple[PartResult, PartResult]) -> None:
    part = known(parts[1])
    features = part.features.copy()
    features.loc[features.index[9]] = features.loc[features.index[5]]
    why = hard_rows(dataclasses.replace(part, features=features)).set_index("row").loc["6", "why"]
    assert "is the same to the model and has" in why


def test_one_model_alone_defeats_nothing(parts: tuple[PartResult, PartResult]) -> None:
    part = known(parts[1])
    only = part.scores[part.scores["estimator"].isin(["mean", "ridge"])]
    assert hard_rows(dataclasses.replace(part, scores=only)).empty


def test_the_report_shows_them(parts: tuple[PartResult, PartResult], tmp_path: Path) -> None:
    from perospin.reports.tables import hard_rows as told

    rows = told(known(parts[1]))
    assert rows[0]["row"] == "6"
    assert rows[0]["near"].count(", ") == 2
