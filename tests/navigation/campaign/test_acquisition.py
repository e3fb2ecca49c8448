"""Acquisition functions against Monte Carlo, high-precision integrals and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.navigation.campaign import acquisition as acq

number = st.floats(-5.0, 5.0)
spread = st.floats(0.01, 5.0)


@pytest.mark.parametrize(
    ("z", "worked"),  # by mpmath with 800 digits
    [
        (3.0, 1.0987396653277077),
        (0.0, -0.9189385332046728),
        (-0.99, -2.4661143916690493),
        (-1.01, -2.504199857480257),
        (-5.0, -16.74430116266099),
        (-20.0, -206.9178385094251),
        (-40.0, -808.29856835662),
    ],
)
def test_log_ei_is_exact_far_into_the_tail(z: float, worked: float) -> None:
    assert acq.log_expected_improvement([z], [1.0], 0.0)[0] == pytest.approx(worked, rel=1e-9)


def test_log_ei_has_no_step_where_its_formula_changes() -> None:
    for edge in (-1.0, -1e3):
        pair = edge + np.array([-1e-9, 1e-9]) * abs(edge)
        low, high = acq.log_expected_improvement(pair, np.ones(2), 0.0)
        assert high - low == pytest.approx((pair[1] - pair[0]) * (-edge if edge < -10 else 1.9), rel=0.5)


@given(number, spread, number)
def test_ei_pi_and_ucb_keep_their_bounds(mean: float, sd: float, best: float) -> None:
    ei = acq.expected_improvement([mean], [sd], best)[0]
    pi = acq.probability_of_improvement([mean], [sd], best)[0]
    assert ei >= max(mean - best, 0.0) - 1e-12
    assert 0.0 <= pi <= 1.0
    # improvement grows with the spread, and its slope by the mean is the probability
    assert acq.expected_improvement([mean], [1.5 * sd], best)[0] >= ei * (1.0 - 1e-12)
    step = 1e-5 * sd
    slope = (
        acq.expected_improvement([mean + step], [sd], best) - acq.expected_improvement([mean - step], [sd], best)
    ) / (2 * step)
    assert slope[0] == pytest.approx(pi, abs=1e-4)
    assert acq.upper_bound([mean], [sd], 2.0)[0] == pytest.approx(mean + 2 * sd)


def test_what_is_certain_improves_by_its_gain() -> None:
    assert acq.expected_improvement([2.0, 0.5], [0.0, 0.0], 1.0) == pytest.approx([1.0, 0.0])
    assert acq.log_expected_improvement([2.0, 0.5], [0.0, 0.0], 1.0).tolist() == [0.0, -np.inf]
    assert acq.probability_of_improvement([2.0, 0.5], [0.0, 0.0], 1.0).tolist() == [1.0, 0.0]


def test_ei_against_monte_carlo() -> None:
    draws = np.random.default_rng(0).standard_normal(400_000)
    for mean, sd, best in ((0.3, 1.2, 1.0), (-1.0, 0.5, 0.0)):
        sampled = np.maximum(mean + sd * draws - best, 0.0)
        error = sampled.std() / np.sqrt(sampled.size)
        assert abs(acq.expected_improvement([mean], [sd], best)[0] - sampled.mean()) < 5 * error


def test_noisy_improvement_without_noise_is_ei() -> None:
    draws = 0.2 + np.random.default_rng(1).standard_normal((200_000, 1))
    made = acq.noisy_improvement(draws, np.full((200_000, 2), [0.5, -1.0]))
    assert made == pytest.approx(acq.expected_improvement([0.2], [1.0], 0.5), rel=0.02)


def area(front: np.ndarray, reference: np.ndarray) -> float:
    """Area dominated, by the plain sweep."""
    made, height = 0.0, reference[1]
    for first, second in sorted(map(tuple, front), reverse=True):
        if first > reference[0] and second > height:
            made += (first - reference[0]) * (second - height)
            height = second
    return made


@pytest.mark.parametrize("seed", range(4))
def test_expected_hypervolume_against_monte_carlo(seed: int) -> None:
    generator = np.random.default_rng(seed)
    front, reference = generator.random((4, 2)) - 0.1, np.zeros(2)
    mean, sd = generator.random((1, 2)), 0.05 + 0.4 * generator.random((1, 2))
    grown = [
        area(np.vstack([front, row]), reference) - area(front, reference)
        for row in mean + sd * generator.standard_normal((20_000, 2))
    ]
    error = np.std(grown) / np.sqrt(len(grown))
    assert abs(acq.expected_hypervolume(mean, sd, front, reference)[0] - np.mean(grown)) < 5 * error


def test_hypervolume_without_a_front_is_the_product_of_improvements() -> None:
    made = acq.expected_hypervolume([[0.2, 0.4]], [[1.0, 0.5]], np.empty((0, 2)), (0.0, 0.0))
    each = acq.expected_improvement([0.2, 0.4], [1.0, 0.5], 0.0)
    assert made[0] == pytest.approx(each.prod())


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_front_is_what_nothing_beats(rows: list[tuple[int, int]]) -> None:
    on = acq.pareto_front(rows)
    for i, row in enumerate(rows):
        beaten = any(o[0] >= row[0] and o[1] >= row[1] and o != row for o in rows)
        assert on[i] == (not beaten)


def test_feasibility_and_cost_weigh_the_improvement() -> None:
    logs = np.log([2.0, 3.0])
    assert np.exp(acq.feasible(logs, [0.5, 0.0])) == pytest.approx([1.0, 0.0])
    assert np.exp(acq.cost_aware(logs, [2.0, 6.0])) == pytest.approx([1.0, 0.5])


def test_desirability_goes_from_worst_to_best() -> None:
    made = acq.desirability([[0.0, 5.0], [1.0, 1.0], [0.5, 3.0]], worst=[0.0, 5.0], best=[1.0, 1.0])
    assert made == pytest.approx([0.0, 1.0, 0.5])


def test_thompson_takes_the_best_row_of_each_function_once() -> None:
    assert acq.thompson([[0.0, 2.0, 1.0], [0.0, 2.0, 1.0], [5.0, 0.0, 0.0]], 3).tolist() == [1, 2, 0]
    draws = np.random.default_rng(2).normal([0.5, 0.0], 1.0, (50_000, 2))
    first = np.mean([acq.thompson(row[None], 1)[0] == 0 for row in draws[:5000]])
    assert first == pytest.approx(0.638, abs=0.03)  # Phi(0.5 / sqrt 2)
