from __future__ import annotations

from itertools import combinations, permutations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from perospin.errors import StudyError
from perospin.learning.explanation.games import Game, interaction_values, shapley_values


def rough(X):
    X = np.asarray(X)
    return np.sin(X[:, 0] * X[:, 1]) + np.where(X[:, 2] > 0, X[:, 3] ** 2, -X[:, 0])


def worth_of(predict, row, background, members):
    hybrid = background.copy()
    hybrid[:, list(members)] = row[list(members)]
    return predict(hybrid).mean()


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, 4)), rng.standard_normal((9, 4))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 6), st.integers(0, 1000))
def test_shapley_values_of_a_table_of_worths(d, seed):
    worth = np.random.default_rng(seed).standard_normal((2, 2**d))
    values = shapley_values(worth, d)
    expected = np.zeros((2, d))
    for order in permutations(range(d)):
        mask = 0
        for j in order:
            expected[:, j] += (worth[:, mask | 1 << j] - worth[:, mask]) / factorial(d)
            mask |= 1 << j
    assert_allclose(values, expected, atol=1e-12)


def test_interactions_against_the_definition(data):
    rows, background = data
    game = Game.of(rough, rows, background)
    found = game.interactions()
    assert_allclose(found, found.transpose(0, 2, 1), atol=1e-14)
    assert_allclose(found.sum(axis=2), game.shapley(), atol=1e-12)
    for row, matrix in zip(rows, found, strict=True):
        for i, j in combinations(range(4), 2):
            rest, total = [c for c in range(4) if c not in (i, j)], 0.0
            for size in range(3):
                for others in combinations(rest, size):
                    weight = factorial(size) * factorial(2 - size) / factorial(3)
                    total += weight * sum(
                        sign * worth_of(rough, row, background, [*others, *more])
                        for sign, more in ((1, (i, j)), (-1, (i,)), (-1, (j,)), (1, ()))
                    )
            assert matrix[i, j] == pytest.approx(total / 2)
    assert_allclose(interaction_values(np.zeros((1, 2)), 1), 0.0)


@pytest.mark.filterwarnings("ignore")  # what importing shap warns about isn't ours
def test_interactions_against_shap(data):
    shap = pytest.importorskip("shap")
    rows, background = data
    masker = shap.maskers.Independent(background, max_samples=1000)
    theirs = shap.explainers.ExactExplainer(rough, masker)(rows, interactions=True).values
    assert_allclose(Game.of(rough, rows, background).interactions(), theirs, atol=1e-6)


def test_owen_values_are_means_over_orders_that_keep_unions_together(data):
    rows, background = data
    names = list("abcd")
    frame, base = pd.DataFrame(rows, columns=names), pd.DataFrame(background, columns=names)
    unions = [["a", "c"], ["b"], ["d"]]
    found = Game.of(rough, frame, base).owen(unions)
    expected, orders = np.zeros((3, 4)), 0
    for outer in permutations(unions):
        for first in permutations(unions[0]):
            order = [n for union in outer for n in (first if union == unions[0] else union)]
            orders += 1
            for i, row in enumerate(rows):
                inside: list[int] = []
                for name in order:
                    j = names.index(name)
                    before = worth_of(rough, row, background, inside)
                    inside.append(j)
                    expected[i, j] += worth_of(rough, row, background, inside) - before
    assert_allclose(found, expected / orders, atol=1e-12)
    together = Game.of(rough, frame, base, players={"ac": ["a", "c"], "b": ["b"], "d": ["d"]}).shapley()
    assert_allclose(found[:, 0] + found[:, 2], together[:, 0], atol=1e-12)


def test_owen_values_of_single_columns_are_shapley_values(data):
    rows, background = data
    game = Game.of(rough, rows, background)
    assert_allclose(game.owen([[name] for name in game.names]), game.shapley(), atol=1e-12)
    assert_allclose(game.owen([list(game.names)]), game.shapley(), atol=1e-12)


def test_owen_values_reach_further_than_all_coalitions():
    rng = np.random.default_rng(1)
    weights = rng.standard_normal(18)
    rows, background = rng.standard_normal((1, 18)), rng.standard_normal((4, 18))
    game = Game.of(lambda X: X @ weights, rows, background)
    unions = [[f"x{3 * u + i}" for i in range(3)] for u in range(6)]
    assert_allclose(game.owen(unions), weights * (rows - background.mean(axis=0)), atol=1e-10)


def test_sampled_values_add_up_and_come_with_their_error():
    rng = np.random.default_rng(2)
    rows, background = rng.standard_normal((2, 18)), rng.standard_normal((5, 18))

    def predict(X):
        return X @ np.arange(18.0) / 10 + X[:, 0] * X[:, 1] + np.maximum(X[:, 2] + X[:, 3] * X[:, 4], 0)

    game = Game.of(predict, rows, background)
    assert not game.exact
    with pytest.raises(StudyError, match="not 18"):
        game.shapley()
    values, error = game.sampled(200, seed=0)
    assert_allclose(game.base + values.sum(axis=1), predict(rows), atol=1e-10)
    # columns without a partner are exact in every order
    assert_allclose(error[:, 5:], 0.0, atol=1e-12)
    assert_allclose(values[:, 5:], (np.arange(18) / 10 * (rows - background.mean(axis=0)))[:, 5:], atol=1e-10)
    # the first five columns alone are few enough for exact values
    exact = Game.of(lambda X: predict(np.hstack([X, np.zeros((len(X), 13))])), rows[:, :5], background[:, :5]).shapley()
    assert (np.abs(values[:, :5] - exact) <= 5 * error[:, :5] + 1e-12).all()
    again, _ = game.sampled(200, seed=0)
    assert np.array_equal(values, again)


def test_the_monte_carlo_error_is_honest():
    """Over many seeds the error that is stated is the scatter that is seen."""
    rng = np.random.default_rng(3)
    rows, background = rng.standard_normal((1, 16)), rng.standard_normal((3, 16))
    game = Game.of(lambda X: X[:, 0] * X[:, 1] * X[:, 2], rows, background)
    runs = [game.sampled(40, seed) for seed in range(60)]
    seen = np.std([values[0, 0] for values, _ in runs], ddof=1)
    stated = np.mean([error[0, 0] for _, error in runs])
    assert stated == pytest.approx(seen, rel=0.3)


def test_impossible_requests(data):
    rows, background = data
    game = Game.of(rough, rows, background)
    with pytest.raises(StudyError, match="every player once"):
        game.owen([["x0", "x1"], ["x2"]])
    with pytest.raises(StudyError, match="even number of orders"):
        game.sampled(5, 0)
    many = Game.of(lambda X: X[:, 0], np.zeros((1, 30)), np.ones((2, 30)))
    with pytest.raises(StudyError, match="need too many coalitions"):
        many.owen([[name] for name in many.names])
