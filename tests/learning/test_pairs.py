from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.linear_model import LinearRegression

from perospin.errors import StudyError
from perospin.learning import (
    build_estimator,
    evaluate,
    in_sample,
    leave_one_out,
    paired_bootstrap,
    repeated_holdout,
    repeated_k_fold,
)
from perospin.learning.evidence.pairs import BOOTSTRAP, T_TEST, compare_pairs, corrected_t_test, holm
from perospin.learning.validation.evaluation import Evaluation
from perospin.learning.validation.schemes import Scheme


def evaluations(scheme: Scheme, seed: int = 0, n: int = 40) -> tuple[Evaluation, Evaluation, Evaluation]:
    """Three models on made-up rows: the right column, a blurred one, none."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    y = x + 0.5 * rng.standard_normal(n)
    blurred = x + rng.standard_normal(n)
    return (
        evaluate(LinearRegression(), x[:, None], y, scheme, name="right"),
        evaluate(LinearRegression(), blurred[:, None], y, scheme, name="blurred"),
        evaluate(build_estimator({"kind": "mean"}, 0), x[:, None], y, scheme, name="mean"),
    )


def straight_line(x: np.ndarray, y: np.ndarray, scheme: Scheme) -> Evaluation:
    """Least squares through the training rows of each fold, without the cost of a library."""
    y_pred = []
    for split in scheme.splits:
        dx, dy = x[split.train] - x[split.train].mean(), y[split.train] - y[split.train].mean()
        slope = (dx @ dy) / (dx @ dx)
        y_pred += (y[split.train].mean() + slope * (x[split.test] - x[split.train].mean())).tolist()
    values = {"estimator_name": "line", "scheme": scheme.to_dict(), "y": y.tolist(), "y_pred": y_pred}
    return Evaluation.from_dict(values)


def test_the_corrected_t_test_is_the_formula_of_nadeau_and_bengio() -> None:
    scheme = repeated_holdout(40, 8, 30, 1)
    right, _, mean = evaluations(scheme)
    test = corrected_t_test(mean, right)
    assert (test.better, test.worse) == ("right", "mean")
    assert test.gain == pytest.approx(right.scores().r2 - mean.scores().r2)
    # by hand: differences of the mean squared error of each split
    squares = [(e.y_pred - e.y_true) ** 2 for e in (mean, right)]
    d = np.array([(squares[0] - squares[1])[right.fold == j].mean() for j in range(30)])
    t = d.mean() / np.sqrt((1 / 30 + 8 / 32) * d.var(ddof=1))
    assert test.p == pytest.approx(2 * stats.t.sf(abs(t), 29))
    scale = np.mean((right.y_true - right.y_reference) ** 2)
    reach = stats.t.ppf(0.975, 29) * np.sqrt((1 / 30 + 8 / 32) * d.var(ddof=1)) / scale
    assert_allclose([test.low, test.high], [test.gain - reach, test.gain + reach])
    assert "corrected resampled t-test" in str(test)
    assert scheme.label in str(test)


def test_the_correction_keeps_its_level_where_the_plain_test_does_not() -> None:
    """Two models of equal worth over and over: a 5 % test must not find a difference much more often than that."""
    found = {"plain": 0, "corrected": 0}
    trials = 120
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        common = rng.standard_normal(30)
        a, b = (common + rng.standard_normal(30) for _ in range(2))
        y = common + rng.standard_normal(30)
        scheme = repeated_k_fold(30, 5, 6, seed)
        first, second = (straight_line(x, y, scheme) for x in (a, b))
        found["corrected"] += corrected_t_test(first, second).p < 0.05
        squares = (first.y_pred - first.y_true) ** 2 - (second.y_pred - second.y_true) ** 2
        d = np.bincount(first.fold, weights=squares)
        found["plain"] += stats.ttest_1samp(d, 0).pvalue < 0.05
    assert found["corrected"] / trials < 0.10
    assert found["plain"] / trials > 0.15


def test_every_pair_is_compared_best_first() -> None:
    pairs = compare_pairs(evaluations(repeated_holdout(40, 8, 30, 1)), repeated=True)
    assert [(t.better, t.worse) for t in pairs] == [("right", "blurred"), ("right", "mean"), ("blurred", "mean")]
    assert all(t.method == T_TEST and t.gain >= 0 for t in pairs)
    assert all(t.p_holm >= t.p for t in pairs)


def test_schemes_that_score_each_row_once_use_the_paired_bootstrap() -> None:
    scheme = leave_one_out(40)
    right, blurred, mean = evaluations(scheme)
    groups = np.arange(40) // 2
    pairs = compare_pairs([right, blurred, mean], groups, repeated=False, n_boot=500, seed=3)
    assert all(t.method == BOOTSTRAP for t in pairs)
    one = paired_bootstrap(right, mean, groups, 500, 3)
    same = next(t for t in pairs if t.worse == "mean" and t.better == "right")
    assert_allclose([same.gain, same.low, same.high], [one.gain, one.low, one.high])
    other_sign = 500 * (1 - one.probability_positive)
    assert same.p == pytest.approx(2 * (1 + other_sign) / 501)
    equal = compare_pairs([right, right], repeated=False, n_boot=50)[0]
    assert (equal.gain, equal.p) == (0.0, 1.0)


def test_holm_is_the_step_down_rule() -> None:
    assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])
    assert_allclose(holm([0.02, np.nan]), [0.02, np.nan])
    assert len(holm([])) == 0


def test_what_can_not_be_compared_is_refused() -> None:
    right, _, mean = evaluations(in_sample(40))
    with pytest.raises(StudyError, match="rows that were trained on"):
        corrected_t_test(right, mean)
    other = evaluations(repeated_holdout(40, 8, 30, 2))[0]
    with pytest.raises(StudyError, match="same scheme, rows and target"):
        corrected_t_test(evaluations(repeated_holdout(40, 8, 30, 1))[0], other)
    assert compare_pairs([right], repeated=False) == []
