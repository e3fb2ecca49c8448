from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.neighbors import KNeighborsRegressor

from perospin.errors import StudyError
from perospin.learning import evaluate, in_sample, k_fold, leave_one_group_out, leave_one_out, repeated_holdout
from perospin.learning.validation.guard import find_units, guarded, has_twin_in_training


def test_one_material_is_one_unit_and_rows_without_formula_stand_alone() -> None:
    units = find_units(["A", "B", "A", "", "", "B"], np.arange(6.0)[:, None])
    assert_array_equal(units.labels, [0, 1, 0, 2, 3, 1])
    assert units.same_material == ((0, 2), (1, 5))
    assert units.same_descriptors == ()
    assert units.any
    assert [rows.tolist() for rows in units.twins()] == [[0, 2], [1, 5]]


def test_equal_descriptors_make_a_unit_through_any_chain() -> None:
    X = np.array([[1.0, np.nan], [2.0, 0.0], [1.0, np.nan], [2.0, -0.0], [3.0, 0.0], [4.0, 0.0]])
    units = find_units(["A", "B", "C", "A", "D", ""], X)
    # A is rows 0 and 3; C looks like the first, B like the second
    assert_array_equal(units.labels, [0, 0, 0, 0, 1, 2])
    assert units.same_descriptors == ((0, 2), (1, 3))
    assert not units.coarse


def test_descriptors_that_are_mere_classes_make_no_units() -> None:
    X = np.repeat([[0.0], [1.0]], 5, axis=0)
    units = find_units([f"M{i}" for i in range(10)], X)
    assert units.coarse
    assert not units.any
    assert len(units.same_descriptors) == 2
    assert not find_units(["A", "B"], np.zeros((2, 0))).any


@given(st.lists(st.integers(0, 6), min_size=4, max_size=30), st.integers(0, 5))
def test_after_the_guard_no_unit_stands_on_both_sides(labels: list[int], seed: int) -> None:
    codes = np.array(labels)
    n = len(codes)
    if len(set(labels)) < 3:
        return
    for scheme in (leave_one_out(n), repeated_holdout(n, 1, 4, seed), k_fold(n, 3, seed)):
        try:
            safe = guarded(scheme, codes)
        except StudyError:
            continue
        assert not has_twin_in_training(safe, codes).any()
        assert_array_equal(
            np.concatenate([s.test for s in safe.splits]), np.concatenate([s.test for s in scheme.splits])
        )


def test_guarded_leave_one_out_predicts_as_leave_one_unit_out() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(8), 2)
    X, y = rng.standard_normal((8, 3))[codes], rng.standard_normal(16)
    model = KNeighborsRegressor(n_neighbors=1)
    loo = evaluate(model, X, y, leave_one_out(16))
    safe = evaluate(model, X, y, guarded(leave_one_out(16), codes))
    whole = evaluate(model, X, y, leave_one_group_out(codes))
    assert_array_equal(safe.y_pred[np.argsort(safe.rows)], whole.y_pred[np.argsort(whole.rows)])
    # the twin answers for the row if it may
    assert_array_equal(loo.y_pred, y.reshape(8, 2)[:, ::-1].ravel())
    assert safe.scheme.label == "leave-one-out, each material on one side"


def test_schemes_without_twins_are_left_alone() -> None:
    codes = np.repeat(np.arange(4), 2)
    whole = leave_one_group_out(codes)
    assert guarded(whole, codes) is whole
    fitted = in_sample(8)
    assert guarded(fitted, codes) is fitted
    assert has_twin_in_training(leave_one_out(8), codes).all()


def test_a_fold_without_training_rows_says_so() -> None:
    with pytest.raises(StudyError, match=r'no training rows left.*leakage = "report"'):
        guarded(leave_one_out(3), np.zeros(3, dtype=int))
