"""Frozen trees answer many rows as they answer one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from perospin.learning.estimators.kinds.libraries import _frozen_boosted, _frozen_forest


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), constant=st.booleans())
def test_many_rows_are_answered_as_one_by_one(seed: int, constant: bool) -> None:
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 6, (30, 4)) / 2.0
    target = np.full(30, 1.5) if constant else known @ rng.normal(size=4)
    trees = _frozen_forest(RandomForestRegressor(8, random_state=seed).fit(known, target))
    # on the thresholds, between them, beyond them, and missing
    asked = rng.integers(-2, 14, (200, 4)) / 4.0
    asked[rng.random(asked.shape) < 0.05] = np.nan
    mean, sd = trees.predict_spread(asked)
    single = [trees.predict_spread(row[None]) for row in asked]
    assert np.array_equal(mean, [one[0][0] for one in single])
    assert sd is not None
    assert np.array_equal(sd, [one[1][0] for one in single if one[1] is not None])
    assert np.array_equal(trees.predict(asked), mean)


def test_boosted_trees_too() -> None:
    xgboost = pytest.importorskip("xgboost")
    rng = np.random.default_rng(0)
    known = rng.integers(0, 6, (40, 3)) / 2.0
    trees = _frozen_boosted(xgboost.XGBRegressor(n_estimators=20, max_depth=3).fit(known, known.sum(axis=1)))
    asked = rng.integers(-2, 14, (200, 3)) / 4.0
    asked[rng.random(asked.shape) < 0.05] = np.nan
    assert np.array_equal(trees.predict(asked), [trees.predict(row[None])[0] for row in asked])
