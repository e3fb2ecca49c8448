from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, RegressorMixin

from perospin.errors import StudyError
from perospin.learning import KINDS, FamilyMean, MLPEnsemble, build_estimator, evaluate, fit_each, k_fold, leave_one_out
from perospin.learning.estimators import supports
from perospin.learning.training.weights import row_weights, scatter_beyond

QUICK = {
    "symbolic": {"population": 60, "generations": 8},
    "power_law": {"form": "linear"},
    "gp": {"mode": "map"},
    "mlp_ensemble": {"members": 2, "steps": 200, "hidden": [4]},
    "random_forest": {"n_estimators": 40},
    "xgboost": {"n_estimators": 60},
    "prior_gp": {"n_draws": 400},
    "average": {"members": [{"kind": "ridge"}, {"kind": "mean"}]},
    "best_of": {"members": [{"kind": "ridge"}, {"kind": "mean"}]},
    "stack": {"members": [{"kind": "ridge"}, {"kind": "mean"}]},
    "variance_components": {"effects": [{"name": "line", "linear": ["a", "b"]}, {"name": "curve", "smooth": ["a"]}]},
    "group_mean": {"column": "is_n1"},
    "structured_gp": {"kernels": {"a": ["a"], "b": ["b"]}, "terms": [["a"], ["b"]]},
}


def spec_of(kind):
    return {"kind": kind, **QUICK.get(kind, {})}


@pytest.fixture(scope="module")
def table():
    """A straight law; the last eight rows are off by 3, as they would be after a change of unit."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(0.5, 2.0, (32, 2)), columns=["a", "b"])
    X["is_n1"], X["spacer_charge"] = (X["a"] > 1.2).astype(float), 1.0
    X["single_layer_spacing_a"], X["single_layer_spacing_sd_a"] = 10.0 + X["a"], 0.5
    X["exchange_log10"] = 0.1 * X["a"]
    y = X["a"].to_numpy() + 0.3 * X["b"].to_numpy() + 0.05 * rng.standard_normal(32)
    y[24:] += 3.0
    return X, y


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["sample_weight", "y_sd"])
def test_every_kind_listens_to_weights_and_uncertainties(kind, how, table):
    """Rows that hardly count, or are known to be uncertain by 10, pull the rest along much less."""
    X, y = table
    truth = y - np.repeat([0.0, 3.0], [24, 8])
    doubtful = {"sample_weight": np.repeat([1.0, 0.01], [24, 8]), "y_sd": np.repeat([0.05, 10.0], [24, 8])}[how]
    model = build_estimator(spec_of(kind), 0)
    assert supports(model, how)
    plain = model.fit(X, y).predict(X.iloc[:24])
    told = build_estimator(spec_of(kind), 0).fit(X, y, **{how: doubtful}).predict(X.iloc[:24])
    bias, told_bias = np.mean(plain - truth[:24]), np.mean(told - truth[:24])
    assert abs(told_bias) < 0.15
    # Interpolators may pass through the good rows anyway; those that mix rows must mix them better.
    assert abs(told_bias) < max(0.5 * abs(bias), 0.1)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "random_forest"])
def test_equal_weights_change_nothing(kind, table):
    """But for the forest, whose bootstrap draws rows in another way as soon as they have weights."""
    X, y = table
    plain = build_estimator(spec_of(kind), 0).fit(X, y).predict(X)
    for same in ({"sample_weight": np.ones(32)}, {"y_sd": np.zeros(32)}):
        assert_allclose(build_estimator(spec_of(kind), 0).fit(X, y, **same).predict(X), plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["ridge", "two_class_rule", "gp", "prior_gp", "structured_gp", "mlp_ensemble", "mean"])
def test_a_row_of_weight_zero_is_left_out(kind, table):
    X, y = table
    weights = np.repeat([1.0, 0.0], [24, 8])
    with_zeros = build_estimator(spec_of(kind), 0).fit(X, y, sample_weight=weights)
    without = build_estimator(spec_of(kind), 0).fit(X.iloc[:24], y[:24])
    # Columns are scaled by all rows in the first case, so penalties and priors differ a little.
    assert_allclose(with_zeros.predict(X), without.predict(X), atol=0.05)


def test_networks_take_a_weight_for_a_number_of_copies():
    rng = np.random.default_rng(1)
    X, y, weights = rng.standard_normal((20, 2)), rng.standard_normal(20), rng.integers(0, 4, 20)
    model = MLPEnsemble((5,), 2, 300)
    copied = MLPEnsemble((5,), 2, 300).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert_allclose(model.fit(X, y, sample_weight=weights).predict(X), copied.predict(X), atol=1e-4)


def test_folds_get_their_own_rows(table):
    X, y = table
    sd, weights = np.linspace(0.1, 1.0, 32), np.linspace(2.0, 1.0, 32)
    trains = k_fold(32, 4, 0).trains
    for kind in ("ridge", "gp", "prior_gp", "mlp_ensemble", "two_stage", "best_of", "stack", "average"):
        model = build_estimator(spec_of(kind), 0)
        fitted = fit_each(model, X, y, trains, sample_weight=weights * 7.0, y_sd=sd)
        for rows, one in zip(trains, fitted, strict=True):
            part = (weights / weights.mean())[rows]
            alone = build_estimator(spec_of(kind), 0).fit(X.iloc[rows], y[rows], sample_weight=part, y_sd=sd[rows])
            # Networks train in single precision, for all folds at once or one by one.
            tolerance = 1e-2 if kind == "mlp_ensemble" else 1e-4
            assert_allclose(one.predict(X), alone.predict(X), rtol=tolerance, atol=tolerance)


def test_what_cannot_be_weighted_says_so(table):
    class Stubborn(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            return self

    X, y = table
    assert not supports(Stubborn(), "sample_weight")
    with pytest.raises(StudyError, match="Stubborn treats all rows alike"):
        fit_each(Stubborn(), X, y, [np.arange(32)], y_sd=np.ones(32))


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"sample_weight": np.ones(3)}, "32 rows need 32 weights"),
        ({"sample_weight": np.full(32, -1.0)}, "at least 0"),
        ({"sample_weight": np.zeros(32)}, "not all 0"),
        ({"y_sd": np.full(32, np.nan)}, "uncertainty of a target"),
        ({"y_sd": np.ones((32, 1))}, "32 target uncertainties"),
    ],
)
def test_wrong_weights_are_refused(given, part, table):
    X, y = table
    for kind in ("ridge", "gp", "two_stage", "prior_gp", "structured_gp", "mean"):
        with pytest.raises(StudyError, match=part):
            build_estimator(spec_of(kind), 0).fit(X, y, **given)
    with pytest.raises(StudyError, match=part):
        fit_each(build_estimator({"kind": "ridge"}, 0), X, y, [np.arange(32)], **given)


def test_scatter_beyond_uncertainties_by_hand():
    # sd 0: the sample variance. sd 1 everywhere: the sample variance less 1.
    y = np.array([0.0, 2.0, 4.0, 6.0])
    assert scatter_beyond(y, np.zeros(4)) == pytest.approx(y.var(ddof=1))
    assert scatter_beyond(y, np.ones(4)) == pytest.approx(y.var(ddof=1) - 1.0)
    assert scatter_beyond(y, np.full(4, 9.0)) == pytest.approx(0.0, abs=1e-9)
    weights = row_weights(y, None, np.array([0.0, 0.0, 0.0, 5.0]))
    assert weights[:3] == pytest.approx(weights[0])
    assert weights[3] < 0.25 * weights[0]
    assert weights.mean() == pytest.approx(1.0)
    assert row_weights(y, None, None) is None


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=12),
    st.floats(0.01, 100),
    st.lists(st.floats(0, 4), min_size=12, max_size=12),
)
def test_weights_do_not_depend_on_the_unit_and_fall_with_the_uncertainty(y, unit, sd):
    target, known = np.round(np.array(y), 3), np.round(np.array(sd[: len(y)]), 3)
    weights = row_weights(target, None, known)
    if weights is None:
        assert not known.any()
        return
    assert (weights >= 0).all()
    assert weights.mean() == pytest.approx(1.0)
    order = np.argsort(known)
    assert (np.diff(weights[order]) <= 1e-9).all()
    assert_allclose(row_weights(unit * target, None, unit * known), weights, rtol=1e-5, atol=1e-7)


def test_known_noise_helps_where_it_differs_from_row_to_row():
    """Half of the rows are ten times as uncertain: a model that is told so predicts the law better."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"a": rng.uniform(-2, 2, 60)})
    sd = np.where(np.arange(60) % 2, 0.05, 1.0)
    truth = np.sin(1.5 * X["a"].to_numpy())
    y = truth + sd * rng.standard_normal(60)
    for spec in ({"kind": "gp", "mode": "map"}, {"kind": "gp"}, {"kind": "prior_gp", "n_draws": 2000}):
        blind, told = (build_estimator(spec, 0).fit(X, y, y_sd=given).predict(X) - truth for given in (None, sd))
        assert np.sqrt(np.mean(told**2)) < 0.6 * np.sqrt(np.mean(blind**2))


def test_family_mean_takes_weights():
    X = pd.DataFrame({"family": ["RP", "RP", "3D"]})
    model = FamilyMean().fit(X, [1.0, 3.0, 5.0], sample_weight=[3.0, 1.0, 0.0])
    assert_allclose(model.predict(X), [1.5, 1.5, 1.5])


def test_weighted_median_by_hand():
    X = pd.DataFrame({"is_n1": np.ones(4), "spacer_charge": np.ones(4)})
    rule = build_estimator({"kind": "two_class_rule", "mean": "median"}, 0)
    y = [1.0, 2.0, 3.0, 10.0]
    assert rule.fit(X, y, sample_weight=[1, 1, 1, 1]).predict(X)[0] == 2.5
    assert rule.fit(X, y, sample_weight=[1, 1, 5, 1]).predict(X)[0] == 3.0


def test_evaluate_passes_nothing_by_default(table):
    X, y = table
    model = build_estimator({"kind": "ridge"}, 0)
    assert np.isfinite(evaluate(model, X, y, leave_one_out(32)).y_pred).all()
