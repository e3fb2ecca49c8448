from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perospin.learning import evaluate, in_sample, leave_one_out
from perospin.learning.estimators import build_estimator
from perospin.learning.validation.metrics import r2_score, typical_factor

numbers = arrays(np.float64, 6, elements=st.floats(-5, 5))


@given(numbers, numbers)
def test_r2_about_the_mean_is_sklearns(y, prediction):
    if np.ptp(y) < 1e-3:
        return
    ours = r2_score(y, prediction, np.full(6, y.mean()))
    assert ours == pytest.approx(sklearn.metrics.r2_score(y, prediction), rel=1e-9, abs=1e-9)


def test_r2_without_anything_to_explain_is_not_a_number():
    assert np.isnan(r2_score([1.0, 1.0], [1.0, 1.0], [1.0, 1.0]))


@given(numbers, numbers)
def test_typical_factor_is_the_median_error_of_the_logarithm(y, prediction):
    expected = 10 ** np.median(np.abs(y - prediction))
    assert typical_factor(10.0**y, 10.0**prediction) == pytest.approx(expected)
    assert typical_factor(10.0**y, 10.0**prediction) == typical_factor(10.0**prediction, 10.0**y)


def test_typical_factor_needs_positive_values():
    assert typical_factor([1.0, -1.0], [1.0, 1.0]) is None


def test_scores_never_print_without_their_scheme():
    y = np.array([0.0, 1.0, 3.0])
    rule = build_estimator({"kind": "mean"}, 0)
    held_out = evaluate(rule, np.zeros((3, 1)), y, leave_one_out(3), name="mean").scores()
    for text in (str(held_out), repr(held_out), f"{held_out}", f"{held_out:>200}", str([held_out])):
        assert "leave-one-out" in text
        assert "R2 =" in text
    fitted = evaluate(rule, np.zeros((3, 1)), y, in_sample(3), name="mean").scores(np.exp)
    assert "says nothing about new materials" in str(fitted)
    assert "typical factor" in str(fitted)
    assert fitted.to_dict()["scheme"] == "in sample"
    assert held_out.r2_original is None


def test_original_space_compares_with_the_mean_of_originals():
    y = np.array([0.0, 1.0, 2.0])
    scores = evaluate(build_estimator({"kind": "mean"}, 0), np.zeros((3, 1)), y, in_sample(3)).scores(lambda v: 10.0**v)
    true = 10.0**y
    assert scores.r2_original == pytest.approx(1 - np.sum((true - 10) ** 2) / np.sum((true - true.mean()) ** 2))
    assert scores.mse_original == pytest.approx(np.mean((true - 10) ** 2))
    assert scores.mae_original == pytest.approx(np.mean(np.abs(true - 10)))
