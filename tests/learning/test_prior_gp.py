from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from perospin.errors import StudyError
from perospin.learning.estimators.build import build_estimator
from perospin.learning.estimators.gaussian_processes.prior_averaged import PriorAveragedGP


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    y = np.sin(2 * X[:, 0]) + 0.5 * X[:, 1] + 0.05 * rng.normal(size=30)
    return X, y


def test_one_draw_is_scikit_learns_gaussian_process(table):
    X, y = table
    model = PriorAveragedGP(n_draws=1, relevance=1.0, seed=3).fit(X, y)
    length = model.draws_.inverse_squares[0] ** -0.5
    noise = float(model.draws_.noise[0])
    kernel = ConstantKernel(1 - noise) * Matern(length, nu=2.5) + ConstantKernel(100.0) + WhiteKernel(noise)
    peer = GaussianProcessRegressor(kernel, optimizer=None).fit(X, (y - y.mean()) / y.std())
    new = np.random.default_rng(1).normal(size=(10, 4))
    assert model.predict(new) == pytest.approx(y.mean() + y.std() * peer.predict(new), abs=1e-8)


def test_weights_are_the_marginal_likelihoods(table):
    X, y = table
    gp = PriorAveragedGP(n_draws=20, seed=1)
    model = gp.fit(X, y)
    draws, standard = gp._draw(4), (y - y.mean()) / y.std()
    logs = []
    for K in draws.training_covariance(X):
        quadratic = standard @ np.linalg.solve(K, standard)
        logs.append(-0.5 * np.linalg.slogdet(K)[1] - (0.5 + 15) * np.log(0.5 + 0.5 * quadratic))
    weights = np.exp(np.array(logs) - max(logs))
    weights /= weights.sum()
    kept = np.sort(weights)[::-1][: len(model.weights_)]
    assert model.weights_ == pytest.approx(kept / kept.sum(), rel=1e-8)


def test_fit_many_equals_fit_on_each_training_set(table):
    """One inverse of the whole table gives each fold exactly what fitting it alone would: nothing leaks."""
    X, y = table
    trains = [np.arange(5, 30), np.arange(0, 29), np.array([0, 2, 4, 6, 8, 20, 25])]
    gp = PriorAveragedGP(n_draws=600, seed=2)
    for train, model in zip(trains, gp.fit_many(X, y, trains), strict=True):
        alone = clone(gp).fit(X[train], y[train])
        assert model.predict(X) == pytest.approx(alone.predict(X), abs=1e-7)
        assert model.effective_draws_ == pytest.approx(alone.effective_draws_, rel=1e-5)


def test_held_out_targets_have_no_part(table):
    X, y = table
    changed = y.copy()
    changed[:5] += 100.0
    train = [np.arange(5, 30)]
    gp = PriorAveragedGP(n_draws=300)
    a, b = (gp.fit_many(X, target, train)[0].predict(X) for target in (y, changed))
    assert a == pytest.approx(b, abs=1e-5)


def test_learns_what_is_nonlinear_and_repeats(table):
    X, y = table
    model = PriorAveragedGP(n_draws=2000, seed=0).fit(X, y)
    new = np.random.default_rng(5).normal(size=(200, 4)) * 0.7
    truth = np.sin(2 * new[:, 0]) + 0.5 * new[:, 1]
    assert np.corrcoef(model.predict(new), truth)[0, 1] > 0.9
    assert np.array_equal(model.predict(new), PriorAveragedGP(n_draws=2000, seed=0).fit(X, y).predict(new))


def test_shift_and_scale_of_the_target_only_shift_and_scale_the_prediction(table):
    X, y = table
    gp = PriorAveragedGP(n_draws=200)
    assert clone(gp).fit(X, 3 * y + 7).predict(X) == pytest.approx(3 * clone(gp).fit(X, y).predict(X) + 7, abs=1e-6)


def test_built_from_a_specification_and_wrong_scales_refused():
    X = pd.DataFrame({"a": [0.0, 1, 2, 3, np.nan], "b": [1.0, 0, 1, 0, 1]})
    y = [0.0, 1, 2, 3, 0]
    spec = {"kind": "prior_gp", "features": ["a"], "scales": [2.0], "n_draws": 50}
    assert np.isfinite(build_estimator(spec, 1).fit(X, y).predict(X)).all()
    with pytest.raises(StudyError, match="'scales' needs 1 positive"):
        build_estimator({**spec, "scales": [1.0, 2.0]}, 1).fit(X, y)
    with pytest.raises(StudyError, match=r"n_draws = 0 .* a whole number from 1"):
        build_estimator({**spec, "n_draws": 0}, 1).fit(X, y)
