"""The line beside a prior-averaged Gaussian process."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perospin.errors import StudyError
from perospin.learning.estimators import build_estimator

RNG = np.random.default_rng(3)
X = pd.DataFrame({"a": RNG.uniform(-1, 1, 40), "b": RNG.uniform(-1, 1, 40)})
Y = 3.0 * X["a"].to_numpy() + 0.3 * np.sin(4 * X["b"].to_numpy()) + RNG.normal(0, 0.02, 40)
FAR = pd.DataFrame({"a": [8.0, -8.0], "b": [0.0, 0.0]})


def _fitted(slope: float):
    spec = {"kind": "prior_gp", "features": ["a", "b"], "scales": [1.0, 1.0], "n_draws": 300, "slope": slope}
    return build_estimator(spec, 7).fit(X, Y)


def test_far_away_the_line_stays_and_the_process_alone_returns_to_the_mean() -> None:
    with_line, alone = _fitted(1.0), _fitted(0.0)
    np.testing.assert_allclose(with_line.predict(FAR), [24.0, -24.0], rtol=0.15)
    assert np.abs(alone.predict(FAR)).max() < 12.0
    np.testing.assert_allclose(with_line.predict(X), Y, atol=0.15)


def test_the_deviation_grows_away_from_the_rows() -> None:
    _, near = _fitted(1.0).predict(X, return_std=True)
    _, far = _fitted(1.0).predict(FAR, return_std=True)
    assert 0.0 < near.max() < far.min() < np.inf


def test_fits_of_many_training_sets_equal_single_ones() -> None:
    rows = [np.arange(40), np.arange(30), np.arange(10, 40)]
    model = build_estimator(
        {"kind": "prior_gp", "features": ["a", "b"], "scales": [1.0, 1.0], "n_draws": 100, "slope": 0.5}, 7
    )
    many = model.fit_many(X, Y, rows)
    for fitted, train in zip(many, rows, strict=True):
        single = build_estimator(
            {"kind": "prior_gp", "features": ["a", "b"], "scales": [1.0, 1.0], "n_draws": 100, "slope": 0.5}, 7
        ).fit(X.iloc[train], Y[train])
        np.testing.assert_allclose(fitted.predict(FAR), single.predict(FAR), rtol=1e-6)


def test_a_negative_slope_is_refused() -> None:
    with pytest.raises(StudyError, match="at least 0"):
        _fitted(-1.0)
