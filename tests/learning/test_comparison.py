from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi2
from sklearn.linear_model import LinearRegression

from perospin.errors import StudyError
from perospin.learning import (
    build_estimator,
    evaluate,
    family_baseline,
    k_fold,
    leave_one_group_out,
    leave_one_out,
    noise_floor,
    paired_bootstrap,
    permutation_test,
    repeated_holdout,
    y_shuffle,
)
from perospin.learning.evidence.permutation import permute_groups


@pytest.fixture(scope="module")
def table():
    """Thirty rows of ten groups: `carrier` belongs to the group and decides the target, `noise` doesn't."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 3)
    X = pd.DataFrame({"carrier": rng.standard_normal(10)[groups], "noise": rng.standard_normal(10)[groups]})
    X["charge"] = (groups % 2).astype(float)
    y = X["carrier"].to_numpy() + 0.2 * rng.standard_normal(30)
    return X, y, groups


# -- bootstrap -----------------------------------------------------------------------------------------------


def test_gain_is_the_difference_of_scores_and_its_interval_holds_it(table):
    X, y, groups = table
    scheme = leave_one_group_out(groups)
    good = evaluate(LinearRegression(), X[["carrier"]], y, scheme, name="good")
    bad = evaluate(LinearRegression(), X[["noise"]], y, scheme, name="bad")
    result = paired_bootstrap(good, bad, groups, n_boot=500, seed=1)
    assert result.gain == pytest.approx(good.scores().r2 - bad.scores().r2)
    assert result.model_r2 == pytest.approx(good.scores().r2)
    assert 0 < result.low < result.gain < result.high
    assert result.probability_positive == 1.0
    assert result.model_r2_interval[0] < result.model_r2 < result.model_r2_interval[1]
    assert "leave-one-group-out" in str(result)
    assert "good over bad" in str(result)
    assert paired_bootstrap(good, bad, groups, n_boot=500, seed=1) == result
    backwards = paired_bootstrap(bad, good, groups, n_boot=500, seed=1)
    assert backwards.gain == pytest.approx(-result.gain)
    assert backwards.low == pytest.approx(-result.high)
    same = paired_bootstrap(good, good, groups, n_boot=50)
    assert (same.gain, same.low, same.high) == (0.0, 0.0, 0.0)


def test_bootstrap_resamples_as_written_out_by_hand(table):
    X, y, groups = table
    scheme = leave_one_group_out(groups)
    good = evaluate(LinearRegression(), X[["carrier"]], y, scheme)
    bad = evaluate(LinearRegression(), X[["noise"]], y, scheme)
    result = paired_bootstrap(good, bad, groups, n_boot=200, seed=5, inverse=np.exp)
    times = np.random.default_rng(5).multinomial(10, np.full(10, 0.1), size=200)
    gains = []
    for count in times:
        rows = np.concatenate([np.tile(np.flatnonzero(groups[good.rows] == g), n) for g, n in enumerate(count)])
        true = np.exp(good.y_true[rows])
        total = np.sum((true - true.mean()) ** 2)
        a, b = (np.sum((np.exp(e.y_pred[rows]) - true) ** 2) for e in (good, bad))
        gains.append((b - a) / total)
    assert_allclose([result.low, result.high], np.percentile(gains, [2.5, 97.5]))
    assert result.gain == pytest.approx(good.scores(np.exp).r2_original - bad.scores(np.exp).r2_original)


def test_grouped_intervals_are_wider_when_rows_of_a_group_repeat(table):
    X, y, groups = table
    scheme = leave_one_group_out(groups)
    X, y = X.iloc[groups * 3], y[groups * 3]  # each group is one row three times
    good, bad = (evaluate(LinearRegression(), X[[c]], y, scheme) for c in ("carrier", "noise"))
    grouped, single = paired_bootstrap(good, bad, groups), paired_bootstrap(good, bad)
    assert grouped.model_r2_interval[0] < single.model_r2_interval[0]


def test_bootstrap_of_pooled_splits_uses_their_own_reference(table):
    X, y, _ = table
    scheme = repeated_holdout(30, 5, 20, 0)
    good, bad = (evaluate(LinearRegression(), X[[c]], y, scheme) for c in ("carrier", "noise"))
    result = paired_bootstrap(good, bad, n_boot=200)
    assert result.model_r2 == pytest.approx(good.scores().r2)
    assert result.low < result.gain < result.high


def test_only_like_is_compared_with_like(table):
    X, y, groups = table
    a = evaluate(LinearRegression(), X, y, leave_one_out(30))
    b = evaluate(LinearRegression(), X, y, leave_one_group_out(groups))
    with pytest.raises(StudyError, match="same scheme, rows and target"):
        paired_bootstrap(a, b)
    with pytest.raises(StudyError, match="2 groups were given for 30 rows"):
        paired_bootstrap(a, a, ["a", "b"])


# -- permutation ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_permutation_tells_the_carrier_from_noise(table):
    X, y, groups = table
    scheme = leave_one_group_out(groups)
    model = build_estimator({"kind": "ridge", "features": ["carrier", "noise"]}, 0)
    carrier = permutation_test(model, X, y, scheme, ["carrier"], groups, 30, 0)
    assert carrier.p_value == pytest.approx(1 / 31)
    assert carrier.observed == pytest.approx(evaluate(model, X, y, scheme).scores().r2)
    assert carrier.null_median <= carrier.null_95 < carrier.observed
    assert "leave-one-group-out" in str(carrier)
    noise = permutation_test(model, X, y, scheme, ["noise"], groups, 30, 0)
    assert noise.p_value > 0.05
    again = permutation_test(model, X, y, scheme, ["noise"], groups, 30, 0)
    assert_array_equal(again.null, noise.null)


def test_p_values_of_a_worthless_column_are_spread_evenly():
    """Under the null a p-value below 0.2 must turn up about one time in five."""
    rng = np.random.default_rng(1)
    values = []
    for seed in range(25):
        X = pd.DataFrame({"x": rng.standard_normal(12)})
        test = permutation_test(LinearRegression(), X, rng.standard_normal(12), k_fold(12, 3, 0), ["x"], None, 9, seed)
        values.append(test.p_value)
    assert 1 <= np.sum(np.array(values) <= 0.2) <= 12
    assert np.mean(values) > 0.3


def test_groups_are_exchanged_whole_and_within_strata(table):
    X, _, groups = table
    rng = np.random.default_rng(3)
    moved = permute_groups(X, ["carrier", "noise"], groups, X["charge"].to_numpy(), rng)
    pairs = {tuple(row) for row in X[["carrier", "noise"]].to_numpy()}
    assert {tuple(row) for row in moved[["carrier", "noise"]].to_numpy()} == pairs  # vectors stay together
    assert (moved.groupby(groups)["carrier"].nunique() == 1).all()
    for charge in (0.0, 1.0):
        before, after = (set(t.loc[X["charge"] == charge, "carrier"]) for t in (X, moved))
        assert before == after
    assert not np.allclose(moved["carrier"], X["carrier"])
    assert_array_equal(moved["charge"], X["charge"])


def test_derived_columns_follow_the_permuted_ones(table):
    X, y, groups = table
    scheme = leave_one_group_out(groups)
    model = build_estimator({"kind": "ridge", "features": ["derived"]}, 0)
    test = permutation_test(
        model, X, y, scheme, ["carrier"], groups, 20, 0, derive=lambda t: t.assign(derived=2 * t["carrier"])
    )
    assert test.observed > 0.8
    assert test.null.max() < test.observed


def test_wrong_permutations_say_why(table):
    X, y, groups = table
    rng = np.random.default_rng(0)
    with pytest.raises(StudyError, match="no column 'absent' to permute"):
        permute_groups(X, ["absent"], groups, None, rng)
    with pytest.raises(StudyError, match="'row' differs within the group '0'"):
        permute_groups(X.assign(row=np.arange(30.0)), ["row"], groups, None, rng)
    with pytest.raises(StudyError, match="lies in two strata"):
        permute_groups(X, ["carrier"], groups, np.arange(30) % 2, rng)
    with pytest.raises(StudyError, match="one entry for each of the 30 rows"):
        permute_groups(X, ["carrier"], groups[:5], None, rng)


# -- sanity --------------------------------------------------------------------------------------------------


def test_a_shuffled_target_can_not_be_predicted(table):
    X, y, _ = table
    test = y_shuffle(LinearRegression(), X, y, k_fold(30, 5, 0), 20, 0)
    assert test.observed > 0.8
    assert test.null_median < 0.1
    assert test.p_value == pytest.approx(1 / 21)


def test_family_baseline_by_hand():
    y = np.array([1.0, 2.0, 5.0, 7.0])
    result = family_baseline(["RP", "RP", "DJ", "3D"], y, leave_one_out(4))
    assert_allclose(result.y_pred, [2.0, 1.0, 10 / 3, 8 / 3])
    assert result.estimator_name == "one-hot of the family"


# -- noise floor ---------------------------------------------------------------------------------------------


def test_noise_floor_of_the_published_table(spin52):
    pairs = [(spin52.y[i - 1], spin52.y[j - 1]) for i, j in ((13, 20), (34, 49), (35, 48))]
    floor = noise_floor(pairs, spin52.y, inverse=lambda v: 10.0**v)
    assert round(floor.sigma, 3) == 0.111
    assert round(floor.factor, 2) == 1.29
    assert [round(v, 3) for v in floor.intervals[0.68]] == [0.084, 0.209]
    assert [round(v, 3) for v in floor.intervals[0.95]] == [0.063, 0.413]
    assert round(floor.r2_ceiling, 2) == 0.96
    assert [round(v, 2) for v in floor.r2_ceiling_intervals[0.68]] == [0.87, 0.98]
    assert floor.r2_ceiling_original == pytest.approx(0.92, abs=0.015)
    assert round(floor.typical_factor, 2) == 1.19
    assert floor.degrees_of_freedom == 3
    assert "0.111" in str(floor)
    assert "0.96" in str(floor)


def test_noise_is_recovered_and_its_interval_covers_it():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        values = [
            mean + 0.2 * rng.standard_normal(size)
            for mean, size in zip(rng.normal(size=6), [2, 2, 3, 2, 4, 2], strict=True)
        ]
        low, high = noise_floor(values).intervals[0.95]
        covered += low < 0.2 < high
    assert 182 <= covered <= 199
    many = noise_floor(rng.standard_normal(4000)[:, None] + 0.2 * rng.standard_normal((4000, 2)))
    assert many.sigma == pytest.approx(0.2, rel=0.05)
    assert many.r2_ceiling is None
    low = many.intervals[0.68][0]
    assert low == pytest.approx(many.sigma * np.sqrt(4000 / chi2.ppf(0.84, 4000)))


@pytest.mark.parametrize("pairs", [[], [[1.0]], [[1.0, np.nan]], [[[1.0, 2.0]]]])
def test_no_repeats_no_floor(pairs):
    with pytest.raises(StudyError, match="at least two known values"):
        noise_floor(pairs)
