"""Conditions in a user's own table: categories, uncertain columns, limits, several quantities."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perospin.errors import DataError, StudyError
from perospin.learning.evidence.permutation import _orders
from perospin.learning.intervals.coverage import nested_coverage
from perospin.learning.intervals.intervals import fit_intervals
from perospin.learning.validation.guard import scored_only
from perospin.learning.validation.schemes import forward_in_time, leave_one_group_out
from perospin.reports import report
from perospin.studies import Study
from small_study import FORMULAS

STUDY = """
format = 1
name = "films"
title = "Made-up films"
baseline = "mean"

[data]
csv = "table.csv"
formula = "formula"
groups = { material = "formula" }
categories = ["what", "solvent", "formula"]
uncertain = { warmth = "warmth_sd" }
limit = "limit"

[target]
column = "value"
quantity = "value"
unit = "ps"
transform = "log10"
by = "what"

[descriptors]
source = "describe"
level = "fast"

[effects]
what = { same = "what", sd = 1.0 }
solvent = { same = "solvent", sd = 0.5 }
warmth = { slope = "warmth", uncertain = "warmth_sd", sd = 1.0 }
layers = { linear = ["inverse_n"], sd = 0.3 }

[[estimators]]
name = "mean"
kind = "group_mean"
column = "what"

[[estimators]]
name = "model"
kind = "variance_components"
effects = ["what", "solvent", "warmth", "layers"]

[[schemes]]
kind = "leave_one_group_out"
name = "material"
group = "material"

[[schemes]]
kind = "in_sample"
name = "in-sample"

[explain]
estimator = "model"
scheme = "material"

[checks]
n_bootstrap = 50
n_shuffles = 2
bootstrap_group = "material"
coverage = { estimators = ["model"], scheme = "material", levels = [0.5, 0.9] }

[predict]
estimator = "model"
scheme = "material"

[variants]
tried = 1

[verdict]
estimator = "model"
scheme = "material"
"""


def table() -> pd.DataFrame:
    """Log value = 1 + [what is b] + [solvent is DMF] / 2 - warmth + noise; four limits far off, empty cells."""
    rng = np.random.default_rng(2)
    n = 3 * len(FORMULAS)
    what, solvent = rng.choice(["a", "b"], n), rng.choice(["DMF", "DMSO", ""], n)
    warmth = rng.uniform(-1, 1, n).round(3)
    y = 1.0 + (what == "b") + 0.5 * (solvent == "DMF") - warmth + 0.05 * rng.standard_normal(n)
    limit = np.full(n, "", dtype=object)
    limit[[3, 20, 31, 40]] = ["at most", "at least", "<", ">="]
    y[[3, 31]] += 3.0
    y[[20, 40]] -= 3.0
    cells = [str(v) for v in warmth]
    cells[5] = cells[6] = ""
    return pd.DataFrame(
        {
            "formula": np.tile(FORMULAS, 3),
            "what": what,
            "solvent": solvent,
            "warmth": cells,
            "warmth_sd": ["0.3" if i == 7 else "" for i in range(n)],
            "value": 10.0**y,
            "limit": limit,
        }
    )


def study(folder: Path, frame: pd.DataFrame | None = None, text: str = STUDY) -> Study:
    (table() if frame is None else frame).to_csv(folder / "table.csv", index=False)
    (folder / "films.toml").write_text(text, encoding="utf-8")
    return Study.load(folder / "films.toml")


def test_the_columns_are_read(tmp_path: Path) -> None:
    data, frame = study(tmp_path).dataset(), table()
    assert data.categories["solvent"] == ("DMF", "DMSO")
    codes = data.features["solvent"].to_numpy()
    assert [np.isnan(c) for c in codes] == [s == "" for s in frame["solvent"]]
    assert (codes[frame["solvent"] == "DMSO"] == 1.0).all()
    assert data.limit is not None
    assert data.limit[[3, 20, 31, 40]].tolist() == [-1, 1, -1, 1]
    assert data.has_value.sum() == len(data) - 4
    assert data.features["warmth_sd"][7] == 0.3
    assert data.features["warmth_sd"][0] == 0.0
    # nothing is said of these two: any of the stated ones
    stated = [float(cell) for i, cell in enumerate(frame["warmth"]) if cell and i != 7]
    assert data.features["warmth"][5] == pytest.approx(np.mean(stated))
    assert data.features["warmth_sd"][6] == pytest.approx(np.std(stated))
    assert any("2 of 48 rows have no value in 'warmth'" in note for note in data.notes)


def test_it_runs_scores_reports_and_predicts(tmp_path: Path) -> None:
    made = study(tmp_path)
    result = made.run(tmp_path / "out", progress=False)
    part = result["films"]
    limited = {"4", "21", "32", "41"}
    assert not limited & set(part.predictions["row"])
    assert not limited & set(part.nested_intervals["row"])
    assert set(part.scores["n_scored"]) == {44}
    best, base = (part.score(name, "material") for name in ("model", "mean"))
    assert best is not None
    assert base is not None
    assert best["r2"] > 0.9 > base["r2"]
    assert set(part.by_quantity["quantity"]) == {"a", "b"}
    assert part.by_quantity.query("estimator == 'model' and scheme == 'material'")["n_scored"].sum() == 44
    # a category has no direction, a number has
    assert "warmth" in set(part.directions_found["column"])
    assert "solvent" not in set(part.directions_found["column"])
    assert "Typical factor of each quantity" in " ".join(report(result, tmp_path / "out").read_text().split())
    predictor = made.predictor()
    asked: dict[str, Any] = {"what": "b", "solvent": "DMF", "warmth": 0.0}
    sure, unsure, unknown, open_ = (
        predictor.predict("MAPbI3", conditions={**asked, **more})
        for more in ({}, {"warmth_sd": 0.8}, {"solvent": "GBL"}, {"solvent": ""})
    )
    assert np.log10(sure.value) == pytest.approx(2.5, abs=0.15)
    assert np.log(unsure.high / unsure.low) > 1.5 * np.log(sure.high / sure.low)
    assert unknown.value == pytest.approx(open_.value)
    assert any("solvent GBL is not among the training rows (DMF, DMSO)" in reason for reason in unknown.reasons)
    del asked["warmth"]
    left_open = predictor.predict("MAPbI3", conditions=asked)
    assert np.log(left_open.high / left_open.low) > 1.5 * np.log(sure.high / sure.low)
    assert sure.quantity == "b value"
    assert all(near.row not in limited for near in sure.nearest)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"what": "a", "mood": "good"}, "unknown condition 'mood'"),
        ({"solvent": "DMF"}, "say which quantity is asked for"),
        ({"what": "a", "warmth": "hot"}, "the condition warmth = 'hot' is not a possible number"),
        ({"what": "a", "warmth": 0.0, "warmth_sd": -1.0}, "warmth_sd = -1.0 is not a possible number"),
    ],
)
def test_impossible_conditions_are_refused(tmp_path: Path, asked: dict[str, Any], message: str) -> None:
    from perospin.studies.data.conditions import checked_conditions

    with pytest.raises(DataError, match=message):
        checked_conditions(study(tmp_path).parts["films"], asked)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("limit", "maybe", "row 1, column 'limit': 'maybe' is no limit"),
        ("warmth_sd", "-1", "row 1, column 'warmth_sd': an uncertainty of -1 is below 0"),
        ("warmth", "hot", "row 1, column 'warmth': 'hot' is not a number"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, column: str, cell: str, message: str) -> None:
    frame = table()
    frame.loc[0, column] = cell
    with pytest.raises(DataError, match=message):
        study(tmp_path, frame).dataset()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('effects = ["what", "solvent"', 'effects = ["what", "solvents"', "did you mean 'solvent'"),
        ('linear = ["inverse_n"]', 'linear = "layer"', "names the scale 'layer', which is not declared"),
        ('column = "what"\n', 'colum = "what"\n', "unknown option 'colum'"),
    ],
)
def test_a_wrong_declaration_is_one_sentence(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        study(tmp_path, text=STUDY.replace(old, new))


def test_held_out_rows_are_not_seen(tmp_path: Path) -> None:
    """Neither the values nor the limits of a material move its own held-out predictions."""
    text = STUDY.replace("coverage = ", "# coverage = ").replace("n_shuffles = 2", "n_shuffles = 0")
    held = []
    for factor in (1.0, 1e4):
        frame = table()
        frame.loc[frame["formula"] == FORMULAS[3], "value"] *= factor
        folder = tmp_path / f"x{factor:g}"
        folder.mkdir()
        part = study(folder, frame, text).run(progress=False)["films"]
        mine = part.predicted("model", "material")
        held.append(mine.loc[mine["name"] == FORMULAS[3], "y_pred"].to_numpy())
    assert len(held[0]) == 2  # three rows, one of them a limit
    np.testing.assert_allclose(held[0], held[1], rtol=1e-6)


def test_a_model_of_numbers_gets_a_column_for_each_word(tmp_path: Path) -> None:
    ridge = '\n[[estimators]]\nname = "ridge"\nkind = "ridge"\nalpha = 0.01\nfeatures = [{}]\n\n[[schemes]]'
    wrong = study(tmp_path, text=STUDY.replace("\n[[schemes]]", ridge.format('"solvent"'), 1))
    with pytest.raises(StudyError, match="SpreadRidge would read the words in 'solvent' as numbers; name each word"):
        wrong.check()
    text = STUDY.replace("\n[[schemes]]", ridge.format('"what=b", "solvent=DMF", "warmth"'), 1)
    text = text.replace('[predict]\nestimator = "model"', '[predict]\nestimator = "ridge"')
    made = study(tmp_path, text=text)
    made.check()
    frame, data = table(), made.dataset()
    assert data.features["solvent=DMF"].tolist() == [float(word == "DMF") for word in frame["solvent"]]
    found = made.predictor().predict("MAPbI3", conditions={"what": "b", "solvent": "DMF", "warmth": 0.0})
    assert np.log10(found.value) == pytest.approx(2.5, abs=0.15)  # the limits, far off, had no part in it
    unknown = study(tmp_path, text=text.replace("solvent=DMF", "solvent=GBL"))
    with pytest.raises(StudyError, match="no row has 'GBL' in 'solvent'; there are: DMF, DMSO"):
        unknown.dataset()


# -- limits in validation --------------------------------------------------------------------------------------


def test_limits_are_held_out_with_their_group_and_never_scored() -> None:
    groups, limit = np.array(list("aabbccdd")), np.array([0, 1, 0, 0, -1, -1, 0, 0])
    scheme = scored_only(leave_one_group_out(groups, "g", "g"), limit == 0)
    assert [split.test.tolist() for split in scheme.splits] == [[0], [2, 3], [6, 7]]  # c holds limits alone
    assert scheme.splits[0].train.tolist() == [2, 3, 4, 5, 6, 7]
    with pytest.raises(StudyError, match="refers to the mean of the training rows"):
        scored_only(forward_in_time(np.arange(8.0), 3), limit == 0)
    with pytest.raises(StudyError, match="scores no row with a value"):
        scored_only(scheme, np.zeros(8, dtype=bool))


def test_shuffled_targets_leave_limits_in_their_place() -> None:
    groups, limit = np.repeat(np.arange(10), 3), np.zeros(30)
    limit[[4, 17]] = 1.0
    scheme = scored_only(leave_one_group_out(groups, "g", "g"), limit == 0)
    for order in _orders(scheme, 30, 5, 0, groups, limit):
        assert sorted(order.tolist()) == list(range(30))
        assert order[[4, 17]].tolist() == [4, 17]


@pytest.mark.slow  # nested folds: over a minute
def test_intervals_have_no_residual_of_a_limit() -> None:
    from perospin.learning.estimators import build_estimator

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=40), "level": np.repeat(np.arange(10.0), 4)})
    y = X["x"].to_numpy() + 0.1 * rng.normal(size=40)
    groups, limit = np.repeat(np.arange(10), 4), np.zeros(40, dtype=np.int64)
    limit[[2, 9]] = 1
    y[[2, 9]] -= 50.0
    effects = [{"name": "x", "slope": "x", "sd": 1.0}, {"name": "level", "same": "level", "sd": 0.3}]
    model = build_estimator({"kind": "variance_components", "effects": effects}, 0)
    scheme = scored_only(leave_one_group_out(groups, "g", "g"), limit == 0)
    made = fit_intervals(model, X, y, scheme, exchangeable=groups, limit=limit)
    assert len(made.residuals) == 38
    assert np.abs(made.residuals).max() < 1.0
    low, high = made.predict(X, 0.9)
    assert (low < high).all()
    covered = nested_coverage(model, X, y, scheme, exchangeable=groups, levels=[0.5, 0.9], limit=limit)
    assert covered.covered.shape == (38, 2)
    assert covered.observed()[1] > covered.observed()[0]
    assert dataclasses.asdict(covered)["y"].min() > -10
