from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from perospin.errors import StudyError
from perospin.learning import descriptor_clusters, forward_in_time, leave_cluster_out, repeated_k_fold


def three_heaps(seed: int = 0) -> np.ndarray:
    """Thirty rows in three well separated heaps, in mixed order."""
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return centres[np.tile([0, 1, 2], 10)] + 0.3 * rng.standard_normal((30, 2))


# -- repeated k-fold ----------------------------------------------------------------------------------------


@given(st.integers(4, 25), st.integers(2, 6), st.integers(1, 4), st.integers(0, 9))
def test_every_row_is_scored_once_in_each_repeat(n: int, k: int, n_repeats: int, seed: int) -> None:
    k = min(k, n // 2)
    scheme = repeated_k_fold(n, k, n_repeats, seed, np.arange(n) // 2)
    assert len(scheme) == k * n_repeats
    for start in range(0, len(scheme), k):
        repeat = scheme.splits[start : start + k]
        assert_array_equal(np.sort(np.concatenate([split.test for split in repeat])), np.arange(n))
    for split in scheme.splits:
        assert not set(split.train // 2) & set(split.test // 2)


def test_repeats_differ_and_a_seed_repeats_them() -> None:
    a, b = repeated_k_fold(20, 5, 3, 1), repeated_k_fold(20, 5, 3, 1)
    assert all(np.array_equal(x.test, y.test) for x, y in zip(a.splits, b.splits, strict=True))
    assert any(not np.array_equal(x.test, y.test) for x, y in zip(a.splits[:5], a.splits[5:10], strict=True))
    assert a.label == "3 times 5-fold cross-validation, pooled"
    with pytest.raises(StudyError, match="at least one repeat"):
        repeated_k_fold(20, 5, 0, 1)


# -- clusters -----------------------------------------------------------------------------------------------


def test_the_rule_finds_three_heaps_and_each_is_left_out() -> None:
    X = three_heaps()
    labels = descriptor_clusters(X, seed=0)
    assert_array_equal(labels, np.tile([0, 1, 2], 10))
    scheme = leave_cluster_out(X, seed=0)
    assert len(scheme) == 3
    assert scheme.label == "leave one of 3 descriptor clusters out"
    for number, split in enumerate(scheme.splits):
        assert set(labels[split.test]) == {number}
        assert number not in set(labels[split.train])


def test_clusters_do_not_depend_on_units_and_constant_or_unknown_columns() -> None:
    X = three_heaps()
    wider = np.column_stack([1000 * X[:, 0] - 5, X[:, 1] / 7, np.full(30, 2.0), np.full(30, np.nan)])
    assert_array_equal(descriptor_clusters(wider, seed=0), descriptor_clusters(X, seed=0))


def test_rows_with_equal_descriptors_share_a_cluster() -> None:
    X = np.repeat(three_heaps()[:10], 3, axis=0)
    labels = descriptor_clusters(X, seed=4)
    assert all(len(set(labels[3 * i : 3 * i + 3])) == 1 for i in range(10))


def test_no_cluster_holds_more_than_half_of_the_rows_where_that_is_possible() -> None:
    # two heaps of 20 and 5 rows have the best silhouette at two or three clusters, but then nothing is left to learn
    rng = np.random.default_rng(1)
    X = np.concatenate([rng.standard_normal((20, 2)), rng.standard_normal((5, 2)) + 30])
    assert np.bincount(descriptor_clusters(X, seed=0)).max() <= 12


def test_impossible_clusters_say_why() -> None:
    with pytest.raises(StudyError, match="the table has 1"):
        descriptor_clusters(np.zeros((5, 2)), seed=0)
    with pytest.raises(StudyError, match=r"7 clusters need .* the table has 5"):
        descriptor_clusters(np.arange(5.0)[:, None], seed=0, k=7)
    assert len(set(descriptor_clusters(np.arange(3.0)[:, None], seed=0))) == 3
    assert len(set(descriptor_clusters(np.arange(9.0)[:, None], seed=0, k=2))) == 2


# -- time ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(2000, 2012), min_size=2, max_size=40), st.integers(1, 6))
def test_the_past_predicts_the_future(years: list[int], n_blocks: int) -> None:
    when = np.array(years, dtype=float)
    if len(set(years)) < 2:
        with pytest.raises(StudyError, match="at least two different times"):
            forward_in_time(when, n_blocks)
        return
    scheme = forward_in_time(when, n_blocks)
    assert 1 <= len(scheme) <= n_blocks
    scored = np.concatenate([split.test for split in scheme.splits])
    assert len(set(scored.tolist())) == len(scored)
    for split in scheme.splits:
        assert when[split.train].max() < when[split.test].min()
        assert_array_equal(np.sort(split.train), np.flatnonzero(when < when[split.test].min()))
    # what is never scored is the start of the table in time
    never = np.setdiff1d(np.arange(len(when)), scored)
    assert when[never].max() < when[scored].min()


def test_blocks_of_a_regular_series_are_equal() -> None:
    scheme = forward_in_time(np.arange(20), n_blocks=4)
    assert [len(split.test) for split in scheme.splits] == [4, 4, 4, 4]
    assert scheme.reference == "train"


def test_a_cutoff_makes_one_split() -> None:
    scheme = forward_in_time([2019, 2021, 2020, 2022], cutoff=2020)
    assert_array_equal(scheme.splits[0].train, [0, 2])
    assert_array_equal(scheme.splits[0].test, [1, 3])
    assert scheme.label == "rows up to 2020 predict the later ones (2/2)"
    with pytest.raises(StudyError, match="leaves 4 rows to train on and 0 to score"):
        forward_in_time([2019, 2021, 2020, 2022], cutoff=2030)
    with pytest.raises(StudyError, match=r"missing in rows \[1\]"):
        forward_in_time([2019, np.nan, 2020])
