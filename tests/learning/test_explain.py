from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression

from perospin.errors import StudyError
from perospin.learning import (
    ShapleyTable,
    build_estimator,
    evaluate,
    exact_shapley,
    explain_fitted,
    explain_held_out,
    fit_each,
    leave_one_group_out,
    leave_one_out,
)


def rough(X):
    X = np.asarray(X)
    return np.sin(X[:, 0] * X[:, 1]) + np.where(X[:, 2] > 0, X[:, 3] ** 2, -X[:, 0])


def brute_force(predict, row, background):
    """Average marginal contribution over all orders in which columns join."""
    d = len(row)
    total = np.zeros(d)
    orders = list(permutations(range(d)))
    for order in orders:
        hybrid = background.copy()
        worth = predict(hybrid).mean()
        for j in order:
            hybrid[:, j] = row[j]
            after = predict(hybrid).mean()
            total[j] += after - worth
            worth = after
    return total / len(orders)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((5, 4)), rng.standard_normal((13, 4))


def test_against_the_definition(data):
    rows, background = data
    values, base = exact_shapley(rough, rows, background)
    assert base == pytest.approx(rough(background).mean())
    for row, value in zip(rows, values, strict=True):
        assert_allclose(value, brute_force(rough, row, background), atol=1e-12)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what importing shap or its progress bar warns about isn't ours
def test_against_shap(data):
    shap = pytest.importorskip("shap")
    rows, background = data
    masker = shap.maskers.Independent(background, max_samples=1000)
    theirs = shap.explainers.ExactExplainer(rough, masker)(rows)
    values, base = exact_shapley(rough, rows, background)
    assert_allclose(values, theirs.values, atol=1e-10)
    assert_allclose(base, theirs.base_values, atol=1e-10)


games = st.integers(1, 6).flatmap(lambda d: st.tuples(st.just(d), st.integers(0, 10_000)))


@settings(deadline=None, max_examples=40)
@given(games)
def test_a_linear_model_has_a_closed_form(game):
    d, seed = game
    rng = np.random.default_rng(seed)
    weights, rows, background = rng.standard_normal(d), rng.standard_normal((3, d)), rng.standard_normal((7, d))
    values, base = exact_shapley(lambda X: X @ weights + 2.0, rows, background)
    assert_allclose(values, weights * (rows - background.mean(axis=0)), atol=1e-12)
    assert base == pytest.approx(2.0 + background.mean(axis=0) @ weights)


@settings(deadline=None, max_examples=40)
@given(games)
def test_axioms(game):
    """Efficiency, a dummy column, two interchangeable columns, and linearity in the model."""
    d, seed = game
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, d + 3, 3))

    def f(X, matrix=a):
        twins = X[:, d] + X[:, d + 1]
        inner = np.column_stack([X[:, :d], twins, X[:, :1] * twins[:, None]]) @ matrix[: d + 2]
        return np.tanh(inner).sum(axis=1)  # column d + 2 plays no part

    def g(X):
        return f(X, b)

    rows, background = rng.standard_normal((2, d + 3)), rng.standard_normal((6, d + 3))
    background[:, d + 1] = background[:, d]
    rows[:, d + 1] = rows[:, d]
    values, base = exact_shapley(f, rows, background)
    assert_allclose(values.sum(axis=1) + base, f(rows), atol=1e-12)
    assert_allclose(values[:, d + 2], 0.0, atol=1e-12)
    assert_allclose(values[:, d], values[:, d + 1], atol=1e-12)
    other, _ = exact_shapley(g, rows, background)
    both, _ = exact_shapley(lambda X: 2 * f(X) - 3 * g(X), rows, background)
    assert_allclose(both, 2 * values - 3 * other, atol=1e-10)


def test_agreeing_cells_are_looked_up_not_predicted_again(data):
    rng = np.random.default_rng(3)
    rows, background = rng.integers(0, 2, (4, 4)).astype(float), rng.integers(0, 2, (9, 4)).astype(float)
    seen = []

    def predict(X):
        seen.append(len(X))
        return rough(X)

    values, _ = exact_shapley(predict, rows, background)
    for row, value in zip(rows, values, strict=True):
        assert_allclose(value, brute_force(rough, row, background), atol=1e-12)
    assert sum(seen) < 0.6 * 4 * 16 * 9
    assert sum(seen) == 9 + 4 + sum(2 ** int((b != row).sum()) for row in rows for b in background)


def test_groups_of_columns_play_as_one(data):
    rows, background = data
    frame, base_frame = (pd.DataFrame(x, columns=list("abcd")) for x in (rows, background))
    players = {"ab": ["a", "b"], "c": ["c"], "d": ["d"]}
    values, base = exact_shapley(rough, frame, base_frame, players=players)

    def merged(X):  # the same game with one column that carries the index of (a, b)
        index = X[:, 0].astype(int)
        pool = np.vstack([rows, background])
        return rough(np.column_stack([pool[index, :2], X[:, 1:]]))

    coded = np.column_stack([np.arange(5), rows[:, 2:]])
    coded_base = np.column_stack([5 + np.arange(13), background[:, 2:]])
    expected, expected_base = exact_shapley(merged, coded, coded_base)
    assert_allclose(values, expected, atol=1e-12)
    assert base == pytest.approx(expected_base)


def test_frames_keep_their_columns_and_blocks_do_not_matter(data, monkeypatch):
    rows, background = data
    frame, base_frame = (pd.DataFrame(x, columns=list("abcd")) for x in (rows, background))

    def predict(X):
        assert list(X.columns) == list("abcd")
        return rough(X)

    whole, _ = exact_shapley(predict, frame, base_frame)
    monkeypatch.setattr("perospin.learning.estimators.kinds.terms._BLOCK_ROWS", 20)
    parts, _ = exact_shapley(predict, frame, base_frame)
    assert_allclose(parts, whole, atol=1e-14)
    monkeypatch.setattr("perospin.learning.estimators.kinds.terms._PART", 40)
    assert_allclose(exact_shapley(predict, frame, base_frame)[0], whole, atol=1e-14)
    some, _ = exact_shapley(predict, frame, base_frame, ["c", "a"])
    assert some.shape == (5, 2)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"feature_names": ["a", "z"]}, "no column 'z' to explain"),
        ({"players": {"p": ["a"], "q": ["a", "b"]}}, "belongs to two players"),
        ({"players": {}}, "nothing to explain"),
    ],
)
def test_wrong_names(data, settings, part):
    frame = pd.DataFrame(data[0], columns=list("abcd"))
    with pytest.raises(StudyError, match=part):
        exact_shapley(rough, frame, frame, **settings)


def test_other_impossible_requests(data):
    rows, background = data
    with pytest.raises(StudyError, match="not 16"):
        exact_shapley(lambda X: X[:, 0], np.zeros((1, 16)), np.zeros((2, 16)))
    with pytest.raises(StudyError, match="at least one background row"):
        exact_shapley(rough, rows, background[:0])
    with pytest.raises(StudyError, match="columns of text"):
        exact_shapley(rough, pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["y"]}))
    with pytest.raises(StudyError, match="3 names were given for 4"):
        exact_shapley(rough, rows, background, ["a", "b", "c"])


def test_fifteen_columns():
    rng = np.random.default_rng(1)
    weights = rng.standard_normal(15)
    rows, background = rng.standard_normal((1, 15)), rng.standard_normal((10, 15))
    values, _ = exact_shapley(lambda X: X @ weights, rows, background)
    assert_allclose(values, weights * (rows - background.mean(axis=0)), atol=1e-10)


# -- explaining models ---------------------------------------------------------------------------------------


SPECS = [
    {"kind": "two_stage", "features": ["homo_ev", "inverse_n"]},
    {"kind": "gp", "mode": "map", "features": ["homo_ev", "molar_mass", "inverse_n"]},
    {"kind": "mlp_ensemble", "members": 2, "steps": 50, "features": ["homo_ev", "molar_mass", "inverse_n"]},
    {"kind": "random_forest", "n_estimators": 10, "features": ["homo_ev", "lumo_ev"]},
    {"kind": "xgboost", "n_estimators": 20, "features": ["homo_ev", "lumo_ev"]},
    {"kind": "ridge", "features": ["homo_ev", "lumo_ev", "homo_lumo_gap_ev"], "tune": {"alpha": [1.0, 10.0]}},
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s["kind"])
def test_held_out_explanations_add_up_to_the_held_out_predictions(spec, spin52):
    model = build_estimator(spec, 0)
    scheme = leave_one_group_out(spin52.spacer)
    models = fit_each(model, spin52.X, spin52.y, scheme.trains, groups=spin52.spacer)
    table = explain_held_out(model, spin52.X, spin52.y, scheme, models=models)
    held_out = evaluate(model, spin52.X, spin52.y, scheme, models=models)
    assert table.additivity_error < 1e-6
    assert_allclose(table.prediction, held_out.y_pred, atol=1e-9)
    assert list(table.rows) == list(held_out.rows)
    assert table.scheme == "leave-one-group-out"
    wanted = set(spec["features"]) | ({"is_n1", "spacer_charge"} if spec["kind"] == "two_stage" else set())
    assert set(table.feature_names) == wanted
    for number, split in enumerate(scheme.splits):
        background = spin52.X.iloc[split.train]
        here = np.isin(table.rows, split.test)
        assert_allclose(table.base[here], models[number].predict(background).mean(), atol=1e-9)


def test_a_linear_model_held_out_against_its_own_training_rows():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.standard_normal((12, 3)), columns=list("abc"))
    y = X.to_numpy() @ [1.0, -2.0, 0.0] + 0.1 * rng.standard_normal(12)
    scheme = leave_one_out(12)
    table = explain_held_out(build_estimator({"kind": "ridge", "alpha": 1e-9}, 0), X, y, scheme)
    for i, split in enumerate(scheme.splits):
        line = LinearRegression().fit(X.iloc[split.train], y[split.train])
        expected = line.coef_ * (X.iloc[i] - X.iloc[split.train].mean())
        assert_allclose(table.values[i], expected, atol=1e-6)
    assert list(np.argsort(table.mean_abs())) == [2, 0, 1]


def test_final_fit_its_formats_and_groups(spin52):
    X, y = spin52.X, spin52.y
    model = build_estimator({"kind": "ridge", "features": ["homo_ev", "lumo_ev", "inverse_n"]}, 0).fit(X, y)
    table = explain_fitted(model, X, X)
    assert table.scheme == "in sample"
    assert table.additivity_error < 1e-10
    assert table.to_frame().shape == (52, 6)
    again = ShapleyTable.from_dict(json.loads(json.dumps(table.to_dict())))
    assert again.feature_names == table.feature_names
    assert_allclose(again.values, table.values)
    players = {"levels": ["homo_ev", "lumo_ev"], "1/n": ["inverse_n"]}
    grouped = explain_fitted(model, X, X, players=players)
    assert grouped.feature_names == ("levels", "1/n")
    assert np.isnan(grouped.data[:, 0]).all()
    level = [table.feature_names.index(c) for c in ("homo_ev", "lumo_ev")]
    assert_allclose(grouped.values[:, 0], table.values[:, level].sum(axis=1), atol=1e-10)  # a linear model
    assert ShapleyTable.from_dict(json.loads(json.dumps(grouped.to_dict()))).values.shape == (52, 2)
    with pytest.raises(StudyError, match="'inverse_n', which belongs to no player"):
        explain_fitted(model, X, X, players={"levels": ["homo_ev", "lumo_ev"]})


def test_the_mean_has_nothing_to_explain(spin52):
    table = explain_held_out(build_estimator({"kind": "mean"}, 0), spin52.X, spin52.y, leave_one_out(52))
    assert table.values.shape == (52, 0)
    assert table.additivity_error == 0.0


@pytest.mark.filterwarnings("ignore")
def test_shap_explanation(spin52):
    pytest.importorskip("shap")
    X, y = spin52.X, spin52.y
    model = build_estimator({"kind": "ridge", "features": ["homo_ev", "lumo_ev"]}, 0).fit(X, y)
    explanation = explain_fitted(model, X, X).to_shap()
    assert explanation.feature_names == ["homo_ev", "lumo_ev"]
    assert_allclose(explanation.values.sum(axis=1) + explanation.base_values, model.predict(X), atol=1e-10)
    assert_allclose(explanation.data[:, 0], X["homo_ev"])


def test_progress(spin52):
    calls = []
    model = build_estimator({"kind": "two_class_rule"}, 0)
    explain_held_out(model, spin52.X, spin52.y, leave_one_group_out(spin52.spacer), progress=lambda *c: calls.append(c))
    assert calls[-1] == (25, 25)
    assert len(calls) == 25
