from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from perospin.errors import StudyError
from perospin.learning import GaussianProcess, build_estimator
from perospin.learning.estimators import predict_with_spread
from perospin.learning.estimators.gaussian_processes.hyperparameters import Draws, minus_log_posterior
from perospin.learning.estimators.gaussian_processes.likelihoods import Likelihood

STRUCTURED = {"kind": "structured_gp", "kernels": {"a": ["a"], "b": ["b"]}, "terms": [["a"], ["b"]]}


def outliers(seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """A smooth law with noise 0.1, and one row in eight off by three or four standard deviations of the law."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(-2, 2, (48, 2)), columns=["a", "b"])
    truth = np.sin(1.5 * X["a"].to_numpy()) + 0.3 * X["b"].to_numpy()
    wild = rng.permutation(48)[:6]
    y = truth + 0.1 * rng.standard_normal(48)
    y[wild] += rng.choice([-1.0, 1.0], 6) * rng.uniform(2.0, 3.0, 6)
    return X, y, truth, wild


@pytest.mark.parametrize("spec", [{"kind": "gp", "mode": "map"}, STRUCTURED], ids=["gp", "structured"])
def test_heavy_tails_find_the_law_behind_wild_rows(spec):
    gains = []
    for seed in range(2):
        X, y, truth, wild = outliers(seed)
        gaussian = build_estimator(spec, 0).fit(X, y)
        student = build_estimator({**spec, "likelihood": "student_t"}, 0).fit(X, y)
        error, robust = (np.sqrt(np.mean((m.predict(X) - truth) ** 2)) for m in (gaussian, student))
        gains.append(robust / error)
        precision = getattr(student, "model_", student).row_precision_
        assert precision[wild].max() < 0.5 * np.median(precision)
        assert (getattr(gaussian, "model_", gaussian).row_precision_ == 1.0).all()
    assert np.mean(gains) < 0.6
    assert max(gains) < 0.9


def test_averaging_over_hyperparameters_takes_the_t_likelihood_too():
    X, y, truth, _ = outliers(1)
    spec = {"kind": "gp", "n_particles": 512, "n_chains": 32}
    plain, robust = (
        np.sqrt(np.mean((build_estimator({**spec, "likelihood": which}, 0).fit(X, y).predict(X) - truth) ** 2))
        for which in ("gaussian", "student_t")
    )
    assert robust < 0.6 * plain


@pytest.mark.parametrize("spec", [{"kind": "gp", "mode": "map"}, STRUCTURED], ids=["gp", "structured"])
def test_heavy_tails_cost_little_where_there_are_none(spec):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-2, 2, (48, 2)), columns=["a", "b"])
    truth = np.sin(1.5 * X["a"].to_numpy()) + 0.3 * X["b"].to_numpy()
    y = truth + 0.3 * rng.standard_normal(48)
    plain, robust = (
        np.sqrt(np.mean((build_estimator({**spec, "likelihood": which}, 0).fit(X, y).predict(X) - truth) ** 2))
        for which in ("gaussian", "student_t")
    )
    assert robust < 1.25 * plain


def test_many_degrees_of_freedom_are_gaussian_noise():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((30, 2)), rng.standard_normal(30)
    gaussian, student = (
        GaussianProcess("map").fit(X, y),
        GaussianProcess("map", likelihood="student_t", dof=1e6).fit(X, y),
    )
    for a, b in zip(gaussian.predict(X, return_std=True), student.predict(X, return_std=True), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_squared_residuals_are_the_posterior_ones():
    """E[noise^2] of each row against draws of the function from its posterior at the same hyperparameters."""
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((20, 1)), rng.standard_normal(20)
    gp = GaussianProcess("map").fit(X, y, y_sd=np.linspace(0.1, 0.8, 20))
    problem = gp._problem()
    draws = gp._draws(problem, None)
    expected = problem.squared_residuals(draws)
    C = problem.covariances(draws)[0]
    variance = np.exp(draws.values[0, -1])
    share = 1 / (1 + np.exp(-draws.values[0, 0]))
    noise = variance * share + gp._known
    K = C - np.diag(noise) + 1e8  # the flat constant, nearly
    posterior = K - K @ np.linalg.solve(K + np.diag(noise), K)
    mean = K @ np.linalg.solve(K + np.diag(noise), gp._y)
    by_hand = ((gp._y - mean) ** 2 + np.diag(posterior)) / noise
    np.testing.assert_allclose(expected, by_hand, rtol=1e-3)


def test_expected_precision_by_hand():
    """The factor's posterior mean, by quadrature over its prior."""
    u = np.linspace(1e-4, 20, 200_000)
    for residual in (0.0, 1.0, 5.0):
        weight = stats.gamma(2.0, scale=0.5).pdf(u) * np.sqrt(u) * np.exp(-0.5 * u * residual**2)
        found = Likelihood("student_t", 4.0).row_precision(np.array([residual**2]))[0]
        assert found == pytest.approx((u @ weight) / weight.sum(), rel=1e-3)


def test_spread_includes_the_tails():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"a": rng.uniform(-1, 1, 80)})
    y = X["a"].to_numpy() + 0.2 * rng.standard_t(4.0, 80)
    model = build_estimator(
        {"kind": "structured_gp", "kernels": {"a": ["a"]}, "terms": [["a"]], "likelihood": "student_t"}, 0
    )
    sd = predict_with_spread(model.fit(X, y), X)[1]
    assert sd.mean() == pytest.approx(0.2 * np.sqrt(2.0), rel=0.3)


@pytest.mark.parametrize(
    ("settings", "part"),
    [({"likelihood": "cauchy"}, "likelihood = cauchy .* 'gaussian' or 'student_t'"), ({"dof": 2.0}, "above 2")],
)
def test_wrong_settings(settings, part):
    X, y, _, _ = outliers(0)
    for spec in ({"kind": "gp"}, STRUCTURED):
        with pytest.raises(StudyError, match=part):
            build_estimator({**spec, **settings}, 0).fit(X, y)


def test_gradient_with_known_noise_weights_and_tails():
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    gp = GaussianProcess("map", likelihood="student_t").fit(
        X, y, sample_weight=rng.uniform(0.5, 2, 12), y_sd=rng.uniform(0.1, 1, 12)
    )
    problem = replace(gp._problem(), precision=gp.row_precision_)
    centre, spread, theta = np.zeros(5), np.ones(5), 0.5 * rng.standard_normal(5)
    value, gradient = minus_log_posterior(theta, problem.evidence, centre, spread)
    for i in range(5):
        step = np.zeros(5)
        step[i] = 1e-5
        up, down = (minus_log_posterior(t, problem.evidence, centre, spread)[0] for t in (theta + step, theta - step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)
    draws = Draws(theta[None], np.ones((1, 3), dtype=bool))
    assert -value == pytest.approx(problem.log_likelihood(draws)[0] - 0.5 * theta @ theta, rel=1e-9)
