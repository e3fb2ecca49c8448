from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from perospin.errors import StudyError
from perospin.learning import build_estimator, fit_each, in_sample, k_fold, leave_one_group_out, leave_one_out
from perospin.learning.intervals.intervals import conformal_weights, fit_intervals, jackknife_plus


def table(n=40, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.standard_normal((n, 3)), columns=list("abc"))
    y = X.to_numpy() @ [1.0, -0.5, 0.0] + 0.3 * rng.standard_normal(n)
    return X, y


def test_the_definition_of_barber_and_others() -> None:
    centres, residuals = np.zeros(9), np.arange(1.0, 10.0)
    # n = 9, level 0.8: the ceil(0.8 x 10) = 8th smallest of centre + residual, and its mirror image
    assert jackknife_plus(centres, residuals, 0.8) == (-8.0, 8.0)
    assert jackknife_plus(centres, residuals, 0.9) == (-9.0, 9.0)
    assert jackknife_plus(centres, residuals, 0.91) == (-np.inf, np.inf)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 40), st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_against_counting(n, seed, level):
    """An end is reached by at least `level` of the weight, and by less one step inside."""
    rng = np.random.default_rng(seed)
    centres, residuals = rng.standard_normal(n), np.abs(rng.standard_normal(n))
    scales = rng.uniform(0.5, 2.0, n)
    weights = conformal_weights(n, rng.integers(0, max(2, n // 3), n))
    low, high = jackknife_plus(centres, residuals, level, scales, weights)
    tops, bottoms = centres + residuals * scales, centres - residuals * scales
    if np.isfinite(high):
        assert weights[tops <= high].sum() >= level - 1e-9
        assert weights[tops < high].sum() < level
        assert weights[bottoms >= low].sum() >= level - 1e-9
        assert weights[bottoms > low].sum() < level
    else:
        assert weights.sum() < level
        assert low == -np.inf


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 30), st.integers(0, 10_000))
def test_intervals_are_nested_and_follow_the_scale(n, seed):
    rng = np.random.default_rng(seed)
    centres, residuals = rng.standard_normal((n, 4)), np.abs(rng.standard_normal(n))
    ends = [jackknife_plus(centres, residuals, level) for level in (0.5, 0.7, 0.9)]
    for (low, high), (wider_low, wider_high) in pairwise(ends):
        assert (wider_low <= low).all()
        assert (high <= wider_high).all()
    low, high = jackknife_plus(centres * 3, residuals, 0.7, np.full_like(centres, 3.0))
    assert_allclose(low, 3 * ends[1][0])
    assert_allclose(high, 3 * ends[1][1])


def test_weights_of_groups():
    assert_allclose(conformal_weights(4), 0.2)
    assert_allclose(conformal_weights(4, ["a", "a", "a", "b"]), np.array([1, 1, 1, 3]) * 0.8 / 6)
    assert_allclose(conformal_weights(4, ["a", "b", "c", "d"]), 0.2)
    with pytest.raises(StudyError, match="2 groups were given for 3 rows"):
        conformal_weights(3, ["a", "b"])


@pytest.mark.parametrize("folds", ["one", "five", "groups"])
@pytest.mark.filterwarnings("ignore")  # what MAPIE warns about isn't ours
def test_against_mapie(folds):
    regression = pytest.importorskip("mapie.regression")
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import GroupKFold, LeaveOneOut, PredefinedSplit

    X, y = table()
    new = table(7, 1)[0]
    groups = np.arange(len(y)) // 4
    scheme = {
        "one": leave_one_out(len(y)),
        "five": k_fold(len(y), 5, 0),
        "groups": leave_one_group_out(groups),
    }[folds]
    fold = np.empty(len(y), dtype=int)
    for number, split in enumerate(scheme.splits):
        fold[split.test] = number
    cv = {"one": LeaveOneOut(), "five": PredefinedSplit(fold), "groups": GroupKFold(10)}[folds]
    theirs = regression.CrossConformalRegressor(LinearRegression(), confidence_level=[0.7, 0.9], method="plus", cv=cv)
    theirs.fit_conformalize(X.to_numpy(), y, groups=groups)
    _, ends = theirs.predict_interval(new.to_numpy())
    ours = fit_intervals(build_estimator({"kind": "ridge", "alpha": 1e-12}, 0), X, y, scheme, spread="none")
    for column, level in enumerate((0.7, 0.9)):
        low, high = ours.predict(new, level)
        assert_allclose(low, ends[:, 0, column], atol=1e-8)
        assert_allclose(high, ends[:, 1, column], atol=1e-8)


@pytest.mark.parametrize("spread", ["own", "none"])
def test_against_brute_force_with_groups_and_own_spread(spread):
    """Trial values on a fine grid, kept where too few calibration rows are closer: the definition of the set."""
    X, y = table(24)
    groups = np.repeat(np.arange(8), [1, 2, 3, 4, 5, 4, 3, 2])
    scheme = leave_one_group_out(groups)
    model = build_estimator({"kind": "gp", "mode": "map"}, 0)
    found = fit_intervals(model, X, y, scheme, exchangeable=groups, spread=spread)
    assert found.normalised == (spread == "own")
    new = table(3, 2)[0]
    low, high = found.predict(new, 0.8)
    for i in range(3):
        tops, bottoms, mass = [], [], []
        for fitted, split in zip(found.models, scheme.splits, strict=True):
            for row in split.test:
                mean, sd = fitted.predict_spread(X.iloc[[row]])
                centre, own = fitted.predict_spread(new.iloc[[i]])
                score = abs(y[row] - mean[0]) / (sd[0] if spread == "own" else 1.0)
                tops.append(centre[0] + score * (own[0] if spread == "own" else 1.0))
                bottoms.append(2 * centre[0] - tops[-1])
                mass.append(24 / 25 / 8 / len(split.test))
        grid = np.linspace(low[i] - 1, high[i] + 1, 4001)
        inside = [
            sum(m for m, b in zip(mass, bottoms, strict=True) if b >= v) < 0.8
            and sum(m for m, t in zip(mass, tops, strict=True) if t <= v) < 0.8
            for v in grid
        ]
        step = grid[1] - grid[0]
        assert grid[np.argmax(inside)] == pytest.approx(low[i], abs=2 * step)
        assert grid[len(grid) - 1 - np.argmax(inside[::-1])] == pytest.approx(high[i], abs=2 * step)


def test_a_spread_widens_where_the_model_knows_little():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"a": np.concatenate([rng.uniform(-1, 1, 60), [4.0]])})
    y = np.sin(3 * X["a"].to_numpy()) + 0.1 * rng.standard_normal(61)
    found = fit_intervals(build_estimator({"kind": "gp", "mode": "map"}, 0), X, y, k_fold(61, 10, 0))
    low, high = found.predict(pd.DataFrame({"a": [0.0, 3.0]}), 0.8)
    near, far = high - low
    assert far > 2 * near
    assert "normalised by the model's own spread" in found.method


def test_models_may_be_handed_in_and_a_model_without_spread_still_works(spin52):
    estimator = build_estimator({"kind": "svr", "features": ["homo_ev", "inverse_n"]}, 0)
    scheme = leave_one_group_out(spin52.spacer)
    models = fit_each(estimator, spin52.X, spin52.y, scheme.trains)
    given_models = fit_intervals(estimator, spin52.X, spin52.y, scheme, models=models)
    fitted = fit_intervals(estimator, spin52.X, spin52.y, scheme)
    assert not fitted.normalised
    assert fitted.method == "CV+, leave-one-group-out"
    assert fit_intervals(estimator, spin52.X, spin52.y, leave_one_out(52)).method == "jackknife+, leave-one-out"
    for a, b in zip(given_models.predict(spin52.X[:5]), fitted.predict(spin52.X[:5]), strict=True):
        assert_allclose(a, b)


def test_impossible_requests():
    X, y = table(6)
    model = build_estimator({"kind": "ridge"}, 0)
    with pytest.raises(StudyError, match=r"holds out every row once .* not 'in sample'"):
        fit_intervals(model, X, y, in_sample(6))
    with pytest.raises(StudyError, match=r"must lie between 0 and 1, not 1.5"):
        jackknife_plus([0.0, 1.0], [1.0, 1.0], 1.5)
