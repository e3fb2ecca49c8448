from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.estimator_checks import check_estimator

from perospin.errors import StudyError
from perospin.learning import PearsonScreen
from perospin.learning.estimators.screening import pearson_matrix


def test_the_column_declared_first_stays():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 50))
    table = pd.DataFrame({"a": a, "copy": -2 * a + 0.01 * b, "b": b, "constant": 3.0, "b_again": b})
    screen = PearsonScreen(0.9).fit(table)
    assert list(screen.get_feature_names_out()) == ["a", "b"]
    assert screen.dropped_[1][0] == 0
    assert screen.dropped_[1][1] == pytest.approx(-1.0, abs=1e-3)
    assert screen.dropped_[3] == (None, 0.0)
    assert screen.dropped_[4] == (2, pytest.approx(1.0))
    assert list(PearsonScreen(0.9).fit(table[["copy", "a", "b"]]).get_feature_names_out()) == ["copy", "b"]


def test_a_chain_of_correlations_loses_only_its_links():
    """b resembles a and c resembles b, but c does not resemble a: dropping b lets c stay."""
    rng = np.random.default_rng(1)
    a, noise = rng.standard_normal((2, 400))
    table = np.column_stack([a, a + 0.6 * noise, 0.4 * a + 0.6 * noise])
    r = pearson_matrix(table)
    limit = 0.5 * (abs(r[0, 2]) + min(abs(r[0, 1]), abs(r[1, 2])))
    assert_array_equal(PearsonScreen(limit).fit(table).kept_, [0, 2])


tables = arrays(np.float64, (8, 5), elements=st.integers(-4, 4).map(float))


@given(tables, st.sampled_from([0.3, 0.7, 0.9, 1.0]), st.randoms(use_true_random=False))
def test_screen_does_what_it_says(X, limit, random):
    screen = PearsonScreen(limit).fit(X)
    kept = screen.kept_
    r = np.abs(pearson_matrix(X))
    for i in kept:
        assert all(r[i, j] <= limit + 1e-9 for j in kept if j != i)
    for column, (stand_in, value) in screen.dropped_.items():
        if stand_in is None:
            assert np.ptp(X[:, column]) == 0
        else:
            assert stand_in in kept
            assert stand_in < column
            assert abs(value) > limit
    assert set(kept) | set(screen.dropped_) == set(range(5))
    order = list(range(8))
    random.shuffle(order)
    assert_array_equal(PearsonScreen(limit).fit(X[order]).kept_, kept)
    assert_array_equal(screen.transform(X), X[:, kept])


@given(tables)
def test_correlations_are_numpys(X):
    ours = pearson_matrix(X)
    varies = np.ptp(X, axis=0) > 0
    if varies.sum() > 1:
        assert_allclose(ours[np.ix_(varies, varies)], np.corrcoef(X[:, varies].T), atol=1e-12)
    assert np.isfinite(ours).all()


def test_scikit_learn_interface():
    check_estimator(PearsonScreen(), on_skip=None)


@pytest.mark.parametrize("limit", [0.0, 1.5, -0.9, float("nan")])
def test_limit_must_be_a_correlation(limit):
    with pytest.raises(StudyError, match="Pearson limit"):
        PearsonScreen(limit).fit(np.eye(3))
