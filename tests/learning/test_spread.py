from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import BayesianRidge, LinearRegression
from sklearn.utils.estimator_checks import check_estimator

from perospin.learning import KINDS, build_estimator
from perospin.learning.estimators import predict_with_spread
from perospin.learning.estimators.linear import SpreadRidge
from perospin.learning.training.spread import mixture_spread

LAYERS = {"single_layer_spacing_a": 12.0, "single_layer_spacing_sd_a": 0.5, "exchange_log10": 0.0}

MEMBERS = [{"kind": "ridge", "features": ["a"]}, {"kind": "gp", "mode": "map", "features": ["a"]}]
QUICK = {
    "symbolic": {"features": ["a"], "population": 60, "generations": 8},
    "power_law": {"features": ["a"], "form": "linear"},
    "gp": {"mode": "map", "features": ["a"]},
    "ridge": {"features": ["a"]},
    "mlp_ensemble": {"members": 3, "steps": 200, "hidden": [4], "features": ["a"]},
    "random_forest": {"n_estimators": 20, "features": ["a"]},
    "xgboost": {"n_estimators": 10},
    "prior_gp": {"n_draws": 400, "features": ["a"]},
    "two_stage": {"features": ["a"]},
    "average": {"members": MEMBERS},
    "best_of": {"members": MEMBERS},
    "stack": {"members": MEMBERS},
    "variance_components": {"effects": [{"name": "line", "linear": ["a"]}, {"name": "curve", "smooth": ["a"]}]},
    "group_mean": {"column": "is_n1"},
    "structured_gp": {"kernels": {"a": ["a"]}, "terms": [["a"]]},
}
WITHOUT = {"elastic_net", "svr", "xgboost"}
WITH_NOISE = {"mean", "two_class_rule", "two_stage", "ridge", "gp", "prior_gp", "structured_gp", "average", "stack"}
WITH_NOISE |= {"group_mean", "variance_components"}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.uniform(1.0, 3.0, 80), "is_n1": 0.0, "spacer_charge": 1.0, **LAYERS})
    return X, X["a"].to_numpy() + 0.3 * rng.standard_normal(80)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_how_sure_it_is_or_that_it_cannot(kind, table):
    X, y = table
    model = build_estimator({"kind": kind, **QUICK.get(kind, {})}, 0).fit(X, y)
    mean, sd = predict_with_spread(model, X)
    assert_allclose(mean, model.predict(X), rtol=1e-9)
    if kind in WITHOUT:
        assert sd is None
        return
    assert sd.shape == (80,)
    assert (sd > 0).all()
    if kind in WITH_NOISE:
        expected = y.std() if kind in ("mean", "two_class_rule", "group_mean") else 0.3
        assert sd.mean() == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("kind", ["ridge", "gp", "prior_gp", "structured_gp", "two_stage", "average", "stack"])
def test_far_away_is_less_sure(kind, table):
    X, y = table
    model = build_estimator({"kind": kind, **QUICK.get(kind, {})}, 0).fit(X, y)
    away = pd.DataFrame({"a": [2.0, 20.0], "is_n1": 0.0, "spacer_charge": 1.0, **LAYERS})
    near, far = predict_with_spread(model, away)[1]
    assert far > 1.5 * near


@pytest.mark.parametrize("kind", ["gp", "prior_gp", "structured_gp", "ridge"])
def test_spread_has_the_unit_of_the_target(kind, table):
    X, y = table
    spec = {"kind": kind, **QUICK[kind]}
    one = predict_with_spread(build_estimator(spec, 0).fit(X, y), X)[1]
    ten = predict_with_spread(build_estimator(spec, 0).fit(X, 10.0 * y + 5.0), X)[1]
    assert_allclose(ten, 10.0 * one, rtol=1e-3)


def test_ridge_without_penalty_has_the_textbook_interval(table):
    X, y = table
    values = X[["a"]].to_numpy()
    mean, sd = SpreadRidge(alpha=1e-12).fit(values, y).predict([[1.0], [2.5]], return_std=True)
    assert_allclose(mean, LinearRegression().fit(values, y).predict([[1.0], [2.5]]))
    residual = y - LinearRegression().fit(values, y).predict(values)
    variance = residual @ residual / 78
    away = np.array([1.0, 2.5]) - values.mean()
    assert_allclose(sd, np.sqrt(variance * (1 + 1 / 80 + away**2 / (80 * values.var()))), rtol=1e-9)


def test_ridge_agrees_with_scikit_learns_bayesian_ridge(table):
    """At the penalty that the Bayesian ridge finds, both say the same spread to a few percent."""
    X, y = table
    rng = np.random.default_rng(1)
    values = np.column_stack([X["a"], rng.standard_normal((80, 5))])
    bayes = BayesianRidge().fit(values, y)
    ours = SpreadRidge(alpha=bayes.lambda_ / bayes.alpha_).fit(values, y)
    new = rng.standard_normal((10, 6)) + values.mean(axis=0)
    assert_allclose(ours.predict(new, return_std=True)[0], bayes.predict(new), atol=1e-2)
    assert_allclose(ours.predict(new, return_std=True)[1], bayes.predict(new, return_std=True)[1], rtol=0.05)


def test_weighted_ridge_is_ridge_of_repeated_rows(table):
    X, y = table
    values, counts = X[["a"]].to_numpy(), np.arange(80) % 3 + 1.0
    weighted = SpreadRidge(1.0).fit(values, y, sample_weight=counts)
    repeated = SpreadRidge(1.0).fit(np.repeat(values, counts.astype(int), axis=0), np.repeat(y, counts.astype(int)))
    assert_allclose(weighted.predict(values), repeated.predict(values))
    assert_allclose(weighted.covariance_, repeated.covariance_)


def test_ridge_is_a_scikit_learn_estimator():
    sparse = "dense rows and one target only"
    expected = dict.fromkeys(
        (
            "check_sample_weight_equivalence_on_sparse_data",
            "check_estimator_sparse_tag",
            "check_estimator_sparse_array",
            "check_estimator_sparse_matrix",
            "check_regressor_multioutput",
            "check_supervised_y_2d",
        ),
        sparse,
    )
    expected["check_non_transformer_estimators_n_iter"] = "scikit-learn excuses its own Ridge by name"
    check_estimator(SpreadRidge(), on_skip=None, expected_failed_checks=expected)


def test_mixture_by_hand():
    parts = [(np.array([1.0]), np.array([3.0])), (np.array([5.0]), np.array([4.0]))]
    mean, sd = mixture_spread(parts)
    assert mean[0] == 3.0
    assert sd[0] == pytest.approx(np.sqrt((9 + 16) / 2 + 4))
    mean, sd = mixture_spread([*parts, (np.array([3.0]), None)], np.array([0.5, 0.0, 0.5]))
    assert (mean[0], sd[0]) == (2.0, pytest.approx(np.sqrt(9 + 1)))
    assert mixture_spread([(np.array([1.0]), None)])[1] is None


def test_network_members_that_learn_the_noise_find_where_it_is():
    rng = np.random.default_rng(2)
    X = rng.uniform(-2, 2, (400, 1))
    noise = np.where(X[:, 0] > 0, 0.6, 0.1)
    y = np.sin(1.5 * X[:, 0]) + noise * rng.standard_normal(400)
    spec = {"kind": "mlp_ensemble", "heteroscedastic": True, "members": 4, "steps": 2000, "alpha": 0.3}
    model = build_estimator(spec, 0).fit(X, y)
    grid = np.array([[-1.5], [-1.0], [-0.5], [0.5], [1.0], [1.5]])
    mean, sd = predict_with_spread(model, grid)
    assert_allclose(mean, np.sin(1.5 * grid[:, 0]), atol=0.25)
    assert sd[:3].max() < 0.25
    assert sd[3:] == pytest.approx(0.6, rel=0.35)
