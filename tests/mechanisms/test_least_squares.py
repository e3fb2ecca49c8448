from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perospin.mechanisms.inference.candidates import ModelSpace
from perospin.mechanisms.inference.least_squares import _Problems, fit_batch, profile_interval


@pytest.fixture(scope="module")
def space() -> ModelSpace:
    rng = np.random.default_rng(5)
    n = 12
    conditions = {
        "temperature_k": rng.uniform(20, 300, n),
        "density_cm3": 10 ** rng.uniform(16, 18, n),
        "exciton_binding_energy_mev": rng.uniform(20, 400, n),
    }
    return ModelSpace.build(conditions, tuple(conditions), max_mechanisms=3)


def simulated(space: ModelSpace, members: list[int], n_sets: int = 4, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    base, exponent, energy = space.tables()
    parts = (base + 1.5 * exponent + 15.0 * energy)[:, members]
    level = parts - parts.mean(axis=0)
    y = np.log(np.exp(level).sum(axis=1))
    return y + noise * np.random.default_rng(seed).standard_normal((n_sets, len(y)))


def test_the_jacobian_is_the_derivative(space: ModelSpace):
    """J^T residual is half the gradient of the cost."""
    rng = np.random.default_rng(1)
    model = [1, 3, 5]
    tables = [np.broadcast_to(t[:, model], (6, *t[:, model].shape)) for t in space.tables()]
    level = np.array([t.mean() for t in (tables[0][0, :, j] for j in range(3))])
    coefficients = rng.normal(0, 1, (6, 3)) - level
    theta = np.concatenate([coefficients, rng.uniform(0.5, 2.5, (6, 1)), rng.normal(2, 0.5, (6, 1))], axis=1)
    y = rng.normal(0, 1, (6, 12))
    problems = _Problems(*tables, y, np.full((6, 12), 3.0), np.zeros(6), np.ones((6, 2)), np.ones((6, 5)))
    _, gradient = problems.normal_equations(theta)
    for p in range(5):
        step = np.zeros(5)
        step[p] = 1e-6
        slope = (problems.cost(theta + step) - problems.cost(theta - step)) / 4e-6
        assert gradient[:, p] == pytest.approx(slope, rel=1e-5, abs=1e-4)


def test_one_mechanism_without_shape_is_a_weighted_mean(space: ModelSpace):
    y = simulated(space, [0])
    sigma = np.random.default_rng(3).uniform(0.05, 0.3, y.shape)
    fit = fit_batch(space, y, sigma)
    mean = np.sum(y / sigma**2, axis=1) / np.sum(1 / sigma**2, axis=1)
    constant = space.models.index((0,))
    # the prior of the amplitude (1.5 decades) moves it by less than a thousandth of its width
    assert fit.theta[:, constant, 0] == pytest.approx(mean, abs=2e-3)
    assert np.sqrt(fit.covariance[:, constant, 0, 0]) == pytest.approx(np.sum(1 / sigma**2, axis=1) ** -0.5, rel=1e-3)
    residual = (fit.theta[:, constant, 0][:, None] - y) / sigma
    assert fit.chi2[:, constant] == pytest.approx(np.sum(residual**2, axis=1))


def test_more_starts_find_nothing_better(space: ModelSpace):
    y = simulated(space, [1, 3], n_sets=6)
    sigma = np.full_like(y, 0.1)
    few, many = fit_batch(space, y, sigma), fit_batch(space, y, sigma, n_random=12)
    gain = (few.chi2 + few.penalty) - (many.chi2 + many.penalty)
    best = np.min(many.chi2, axis=1, keepdims=True)
    assert np.all(gain[many.chi2 < best + 30] < 0.1)


def test_a_batch_is_its_members(space: ModelSpace):
    y = simulated(space, [2, 4], n_sets=3)
    sigma = np.full_like(y, 0.1)
    together = fit_batch(space, y, sigma)
    for i in range(3):
        alone = fit_batch(space, y[i : i + 1], sigma[i : i + 1])
        assert alone.chi2[0] == pytest.approx(together.chi2[i], rel=1e-9)


def test_the_generating_parameters_are_found(space: ModelSpace):
    names = list(space.names)
    members = [names.index("bir_aronov_pikus"), names.index("activation")]
    y = simulated(space, members, n_sets=1, noise=1e-4)
    fit = fit_batch(space, y, np.full_like(y, 1e-4))
    model = space.models.index(tuple(sorted(members)))
    assert np.exp(fit.theta[0, model, -1]) == pytest.approx(15.0, rel=1e-2)


def test_an_unknown_scatter_is_estimated(space: ModelSpace):
    single = replace(space, models=((3,),))
    fit = fit_batch(single, simulated(space, [3], n_sets=400, noise=0.2), None)
    assert np.mean(fit.scatter[:, 0] ** 2) == pytest.approx(0.04 * 11 / 12, rel=0.1)


def test_profile_of_a_parabola_is_the_normal_interval(space: ModelSpace):
    y = simulated(space, [0], n_sets=1)
    sigma = np.full_like(y, 0.1)
    fit = fit_batch(space, y, sigma)
    model = space.models.index((0,))
    low, high = profile_interval(space, y[0], sigma[0], fit, model, 0, 1.0, 2.7055)
    width = 1.6449 * np.sqrt(fit.covariance[0, model, 0, 0])
    assert [low, high] == pytest.approx(fit.theta[0, model, 0] + np.array([-width, width]), abs=0.02 * width)
