from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from perospin.errors import StudyError
from perospin.learning import build_estimator, fit_each, leave_one_group_out, leave_one_out
from perospin.learning.explanation.dependence import Dependence, grid_of, partial_dependence
from perospin.learning.explanation.directions import direction_table, look_alikes
from perospin.learning.explanation.importance import permutation_importance
from perospin.studies.declaration.sections import Claim
from perospin.studies.evidence.claims import Found, claim_table


def table(n=40, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(-1, 1, (n, 4)), columns=["up", "down", "nothing", "same"])
    X["twin"] = X["up"] + 0.02 * rng.standard_normal(n)
    X["same"] = 1.0
    y = 2 * X["up"].to_numpy() - X["down"].to_numpy() + noise * rng.standard_normal(n)
    return X, y


def found(X, y, columns, spec=None, scheme=None):
    scheme = scheme or leave_one_out(len(y))
    estimator = build_estimator({**(spec or {"kind": "ridge", "alpha": 0.01}), "features": columns}, 0)
    models = fit_each(estimator, X, y, scheme.trains)
    curves = partial_dependence(models, X, scheme, columns, columns)
    importance = permutation_importance(models, X, y, scheme, columns)
    return models, curves, importance


def directions(X, y, columns, **options):
    _, curves, importance = found(X, y, columns, **options)
    return direction_table(curves, importance.table(), look_alikes(X, columns), importance.r2())


def test_against_predicting_moved_tables():
    X, y = table(25)
    columns = ["up", "down", "nothing"]
    scheme = leave_one_group_out(np.arange(25) // 5)
    models, curves, _ = found(X, y, columns, {"kind": "gp", "mode": "map"}, scheme)
    for curve in curves:
        for fold, (model, split) in enumerate(zip(models, scheme.splits, strict=True)):
            low, high = X[curve.column].iloc[split.train].min(), X[curve.column].iloc[split.train].max()
            for place, value in enumerate(curve.grid):
                if not low <= value <= high:
                    assert np.isnan(curve.by_fold[fold, place])
                    continue
                moved = X[columns].assign(**{curve.column: value})
                assert curve.by_fold[fold, place] == pytest.approx(model.predict(moved.iloc[split.train]).mean())
                mine = np.isin(curve.rows, split.test)
                assert_allclose(curve.single[mine, place], model.predict(moved.iloc[split.test]))


def test_the_jackknife_error_is_the_standard_error_of_a_slope():
    """For least squares the jackknife over rows approaches the textbook standard error."""
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.standard_normal(80)})
    y = 0.7 * X["a"].to_numpy() + 0.5 * rng.standard_normal(80)
    _, (curve,), _ = found(X, y, ["a"], {"kind": "ridge", "alpha": 1e-9})
    effect = curve.effect()
    centred = X["a"].to_numpy() - X["a"].mean()
    slope = centred @ y / (centred @ centred)
    residual = y - y.mean() - slope * centred
    error = np.sqrt(residual @ residual / 78 / (centred @ centred)) * (effect.end - effect.start)
    assert effect.change == pytest.approx(slope * (effect.end - effect.start), rel=1e-3)
    assert (effect.high - effect.low) / 2 == pytest.approx(1.99 * error, rel=0.15)
    assert (effect.folds_agree, effect.n_folds, effect.silent_folds, effect.rows_agree) == (80, 80, 0, 1.0)


@pytest.mark.slow
def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame({"a": rng.uniform(-1, 1, 25)})
        y = 0.5 * X["a"].to_numpy() + 0.4 * rng.standard_normal(25)
        _, (curve,), _ = found(X, y, ["a"], {"kind": "ridge", "alpha": 1e-9})
        effect = curve.effect()
        hits += effect.low <= 0.5 * (effect.end - effect.start) <= effect.high
    assert 51 <= hits <= 60


def test_grids():
    grid, ends = grid_of(np.array([0.0] * 30 + [1.0]))
    assert_allclose(grid, [0, 1])
    assert ends == (0, 1)
    grid, (low, high) = grid_of(np.linspace(0, 1, 201))
    assert grid[low] == pytest.approx(0.1)
    assert grid[high] == pytest.approx(0.9)
    assert grid[0] == 0.0
    assert grid[-1] == 1.0
    assert set(np.round(grid * 200)) <= set(range(201))  # only values that rows have
    assert len(grid_of(np.array([2.0, 2.0, np.nan]))[0]) == 1


def test_directions_say_when_the_data_cannot_decide():
    X, y = table()
    rows = directions(X, y, ["up", "down", "nothing", "same"]).set_index("column")
    assert (rows.loc["up", "direction"], rows.loc["up", "sure"]) == ("up", "yes")
    assert (rows.loc["down", "direction"], rows.loc["down", "sure"]) == ("down", "yes")
    assert rows.loc["nothing", "sure"] == "no"
    assert "interval includes 0" in rows.loc["nothing", "why"]
    assert "same" not in rows.index


def test_twins_cannot_be_told_apart():
    X, y = table(noise=0.1)
    rows = directions(X, y, ["up", "twin", "down"], spec={"kind": "ridge", "alpha": 5.0}).set_index("column")
    assert rows.loc["up", "sure"] == "weakly"
    assert "can't be told apart" in rows.loc["up", "why"]
    assert rows.loc["up", "alike"] == "twin"
    assert rows.loc["down", "sure"] == "yes"


def test_a_model_that_knows_nothing_decides_nothing():
    X, y = table()
    shuffled = np.random.default_rng(3).permutation(y)
    rows = directions(X, shuffled, ["up", "down", "nothing"])
    assert set(rows["sure"]) == {"no"}
    assert "than their mean" in rows["why"].iloc[0]


def test_a_flag_that_one_group_carries_alone():
    X, y = table()
    X["flag"] = 0.0
    X.loc[:3, "flag"] = 1.0
    groups = np.concatenate([np.zeros(4, int), 1 + np.arange(36) // 4])
    rows = directions(X, y, ["up", "flag"], scheme=leave_one_group_out(groups)).set_index("column")
    assert rows.loc["flag", "silent_folds"] == 1
    assert "rests on few rows" in rows.loc["flag", "why"]


def test_claims_beside_what_was_found():
    X, y = table()
    rows = directions(X, y, ["up", "down", "nothing"])
    rows.insert(0, "estimator", "ridge")
    claims = [
        Claim(column=column, direction=direction, text=f"{column} {direction}", source="me")
        for column, direction in (("up", "up"), ("down", "up"), ("nothing", "up"), ("elsewhere", "down"))
    ]
    nothing = pd.DataFrame()
    told = claim_table(claims, Found(rows, nothing, nothing, {}, "lomo", None)).set_index("column")
    assert told["holds"].to_dict() == {
        "up": "yes",
        "down": "no",
        "nothing": "can't be decided",
        "elsewhere": "not tested",
    }
    assert told.loc["up", "folds_hold"] == 40
    assert told.loc["down", "folds_hold"] == 0
    assert claim_table([], Found(rows, nothing, nothing, {}, "lomo", None)).empty


def test_formats_and_wrong_requests():
    X, y = table(12)
    models, (curve, *_), _ = found(X, y, ["up", "down"])
    again = Dependence.from_dict(json.loads(json.dumps(curve.to_dict())))
    assert again.effect() == curve.effect()
    assert list(curve.to_frame()) == ["column", "scheme", "value", "mean", "error"]
    with pytest.raises(StudyError, match="don't read the column 'twin'"):
        partial_dependence(models, X, leave_one_out(12), ["twin"], ["up", "down"])
    with pytest.raises(StudyError, match="11 fitted models"):
        partial_dependence(models[1:], X, leave_one_out(12), ["up"], ["up", "down"])
