from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from perospin.errors import StudyError
from perospin.learning import build_estimator, evaluate, fit_each, k_fold, leave_one_group_out, leave_one_out
from perospin.learning.explanation.hybrids import Borrower
from perospin.learning.explanation.importance import Importance, permutation_importance

SPECS = [
    {"kind": "ridge", "alpha": 0.1},
    {"kind": "gp", "mode": "map"},
    {"kind": "random_forest", "n_estimators": 8},
    {"kind": "svr"},
    {"kind": "mlp_ensemble", "members": 2, "steps": 40},
]


def table(n=30, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.standard_normal((n, 3)), columns=list("abc"))
    return X, 1.5 * X["a"].to_numpy() + X["b"].to_numpy() + 0.2 * rng.standard_normal(n)


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s["kind"])
def test_borrowed_columns_are_predicted_as_whole_rows_would_be(spec):
    X, y = table()
    model = build_estimator({**spec, "features": list("abc")}, 0).fit(X, y)
    rows, others = X.iloc[:4], X.iloc[4:9]
    for columns in (["b"], ["a", "c"], list("abc"), []):
        found = Borrower.of(model, rows, X).predict(others, columns)
        for i in range(4):
            mixed = pd.concat([rows.iloc[[i]]] * 5, ignore_index=True)
            mixed[columns] = others[columns].to_numpy()
            assert_allclose(found[i], model.predict(mixed), atol=1e-6)


def test_against_shuffling_again_and_again():
    """The mean over many shuffles of a large test set approaches the exact value."""
    X, y = table(60)
    scheme = k_fold(60, 2, 0)
    models = fit_each(build_estimator({"kind": "svr", "features": list("abc")}, 0), X, y, scheme.trains)
    found = permutation_importance(models, X, y, scheme, list("abc"))
    rng = np.random.default_rng(0)
    rises = []
    for _ in range(400):
        total = 0.0
        for model, split in zip(models, scheme.splits, strict=True):
            mixed = X.iloc[split.test].copy()
            mixed["a"] = rng.choice(X["a"].to_numpy()[split.train], len(mixed))
            total += ((model.predict(mixed) - y[split.test]) ** 2).sum()
        rises.append(total - found.squared_error.sum())
    assert found.increase[:, 0].sum() == pytest.approx(np.mean(rises), abs=4 * np.std(rises) / 20)


def test_a_linear_model_has_a_closed_form():
    X, y = table()
    scheme = leave_one_out(len(y))
    models = fit_each(build_estimator({"kind": "ridge", "alpha": 0.1, "features": list("abc")}, 0), X, y, scheme.trains)
    found = permutation_importance(models, X, y, scheme, list("abc"))
    for i, (model, split) in enumerate(zip(models, scheme.splits, strict=True)):
        error = model.predict(X.iloc[[i]])[0] - y[i]
        slope = model.model_.coef_[0] / model.deviation_[0]
        shifts = slope * (X["a"].to_numpy()[split.train] - X["a"].iloc[i])
        assert found.increase[i, 0] == pytest.approx((((error + shifts) ** 2) - error**2).mean())


def test_table_groups_and_format():
    X, y = table()
    X["a2"] = X["a"] + 0.01 * np.random.default_rng(1).standard_normal(len(X))
    groups = np.arange(len(y)) // 3
    scheme = leave_one_group_out(groups)
    estimator = build_estimator({"kind": "ridge", "alpha": 1.0, "features": ["a", "a2", "b", "c"]}, 0)
    models = fit_each(estimator, X, y, scheme.trains)
    alone = permutation_importance(models, X, y, scheme, ["a", "a2", "b", "c"])
    players = {"both": ["a", "a2"], "b": ["b"], "c": ["c"]}
    together = permutation_importance(models, X, y, scheme, ["a", "a2", "b", "c"], players=players)
    one, two = (found.table(groups).set_index("column") for found in (alone, together))
    assert two.loc["both", "drop"] > 2 * one.loc["a", "drop"]  # each alone is stood in for by the other
    assert two.loc["b", "low"] > 0
    assert two.loc["c", "low"] < 0.02
    assert two.loc["both", "low"] < two.loc["both", "drop"] < two.loc["both", "high"]
    held_out = evaluate(estimator, X, y, scheme, models=models)
    assert alone.r2() == pytest.approx(held_out.scores().r2)
    again = Importance.from_dict(json.loads(json.dumps(together.to_dict())))
    assert again.table(groups).equals(together.table(groups))


def test_a_target_without_scatter_and_a_model_without_columns():
    X, y = table(9)
    scheme = leave_one_out(9)
    ridge, mean = ({"kind": "ridge", "features": ["a"]}, {"kind": "mean"})
    models = fit_each(build_estimator(ridge, 0), X, np.ones(9), scheme.trains)
    assert np.isnan(permutation_importance(models, X, np.ones(9), scheme, ["a"]).r2())
    models = fit_each(build_estimator(mean, 0), X, y, scheme.trains)
    assert permutation_importance(models, X, y, scheme, []).table().empty


def test_wrong_requests():
    X, y = table(9)
    models = fit_each(build_estimator({"kind": "ridge", "features": ["a"]}, 0), X, y, leave_one_out(9).trains)
    with pytest.raises(StudyError, match="8 fitted models were given for 9 folds"):
        permutation_importance(models[1:], X, y, leave_one_out(9), ["a"])
    with pytest.raises(StudyError, match="no column 'z' to replace"):
        permutation_importance(models, X, y, leave_one_out(9), ["a"], players={"p": ["z"]})
