from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perospin.mechanisms.inference.assessment import assess, merged
from perospin.mechanisms.inference.candidates import ModelSpace
from perospin.mechanisms.inference.least_squares import _Problems, fit_batch, profile_interval
from perospin.mechanisms.inference.shapes import SHAPES

TRUE = {"scattering_exponent": 1.5, "activation_energy_mev": np.log(15.0)}


@pytest.fixture(scope="module")
def space() -> ModelSpace:
    rng = np.random.default_rng(5)
    n = 12
    conditions = {
        "temperature_k": rng.uniform(20, 300, n),
        "density_cm3": 10 ** rng.uniform(16, 18, n),
        "exciton_binding_energy_mev": rng.uniform(20, 400, n),
    }
    some = ["constant", "dyakonov_perel", "elliott_yafet", "bir_aronov_pikus", "exciton_exchange", "activation"]
    return ModelSpace.build(conditions, tuple(conditions), some, max_mechanisms=2)


def simulated(space: ModelSpace, members: list[int], n_sets: int = 4, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    shapes = [TRUE.get(name, SHAPES[name].level) for name in space.shape_names]
    parts = space.log_rates(members, np.concatenate([np.zeros(len(members)), shapes]))
    level = parts - parts.mean(axis=0)
    y = np.log(np.exp(level).sum(axis=1))
    return y + noise * np.random.default_rng(seed).standard_normal((n_sets, len(y)))


def test_the_jacobian_is_the_derivative(space: ModelSpace):
    """J^T residual is half the gradient of the cost."""
    rng = np.random.default_rng(1)
    names = ("dyakonov_perel", "bir_aronov_pikus", "activation")
    model = tuple(space.names.index(name) for name in names)
    uses = np.array([float(any(s in space.used(n) for n in names)) for s in space.shape_names])
    level, width, _, _ = space.shape_priors
    shapes = level + 0.5 * width * rng.normal(0, 1, (6, len(level)))
    theta = np.concatenate([rng.normal(0, 1, (6, 3)), shapes], axis=1)
    theta[:, :3] -= space.log_rates(model, theta).mean(axis=1)
    y = rng.normal(0, 1, (6, 12))
    active = np.concatenate([np.ones(3), uses])
    problems = _Problems(space, model, y, np.full((6, 12), 3.0), np.zeros(6), active, uses)
    _, gradient = problems.normal_equations(theta)
    for p in np.flatnonzero(active):
        step = np.zeros(theta.shape[1])
        step[p] = 1e-5
        slope = (problems.cost(theta + step) - problems.cost(theta - step)) / 4e-5
        assert gradient[:, p] == pytest.approx(slope, rel=1e-4, abs=1e-3)


def test_the_crossover_law_is_the_law_of_the_room(space: ModelSpace):
    from perospin.mechanisms import crossover_rate

    conditions = {
        "temperature_k": np.array([100.0, 300.0, 200.0]),
        "momentum_scattering_time_ps": np.array([0.01, 0.1, 1.0]),
    }
    own = ModelSpace.build(conditions, tuple(conditions))
    i = own.names.index("dyakonov_perel_crossover")
    log_rate = own.log_rates([i], np.concatenate([[np.log(30.0**2)], own.shape_priors[0]]))[:, 0]
    tau, omega = conditions["momentum_scattering_time_ps"], 30.0 * np.sqrt(conditions["temperature_k"] / 300.0)
    assert np.exp(log_rate) == pytest.approx(crossover_rate(omega, tau), rel=1e-12)


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


@pytest.mark.slow
def test_more_starts_change_no_answer(space: ModelSpace):
    y = simulated(space, [1, 4], n_sets=6)
    sigma = np.full_like(y, 0.1)
    few, many = (
        assess(space, fit_batch(space, y, sigma, n_random=n), len(y[0]), known_sigma=True).dominance for n in (4, 12)
    )
    groups = list(space.answers().values())
    assert merged(few, groups) == pytest.approx(merged(many, groups), abs=0.08)


@pytest.mark.slow
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
    energy = len(names) + space.shape_names.index("activation_energy_mev")
    assert np.exp(fit.theta[0, model, energy]) == pytest.approx(15.0, rel=1e-2)


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
