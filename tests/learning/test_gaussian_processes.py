"""The core under the Gaussian processes: kernels, likelihoods, marginal likelihoods, hyperparameters, the process."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal, norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as peer

from perospin.errors import StudyError
from perospin.learning.estimators.gaussian_processes.hyperparameters import Draws, Group, Prior, Sampler, draws_about
from perospin.learning.estimators.gaussian_processes.kernels import (
    LENGTH,
    WEIGHT,
    Constant,
    Kernel,
    Linear,
    Matern,
    Pairs,
    Product,
    Rows,
    Same,
    SquaredExponential,
    Sum,
    matern,
    matern_and_slope,
    squared_distances,
    wide_length,
)
from perospin.learning.estimators.gaussian_processes.likelihoods import Likelihood, RowNoise
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import (
    log_densities,
    log_marginal,
    log_marginals,
    marginal_and_slope,
    moments,
    padded,
)
from perospin.learning.estimators.gaussian_processes.process import NOISE, Process

LEAVES = (
    Constant(),
    Constant(WEIGHT),
    Same("solvent"),
    Same("solvent", WEIGHT),
    Same("spacer", WEIGHT),
    Matern("process", ("temperature", "time")),
    Matern("process", ("temperature", "time"), WEIGHT),
    Matern("spacer", ("a", "b", "c", "d"), WEIGHT),
    Matern("spacer", ("a", "b", "c", "d"), WEIGHT, groups=("one",) * 4),
    Matern("spacer", ("a", "b", "c", "d"), groups=("size", "polar", "size", "size")),
    SquaredExponential("process", ("temperature", "time"), WEIGHT),
    SquaredExponential("spacer", ("a", "b", "c", "d"), groups=("one",) * 4),
    Linear("process", ("temperature", "time")),
)


def rows(n: int, seed: int) -> dict[str, np.ndarray]:
    """Mixed rows, some of which repeat: two continuous columns, a category and four descriptors of three spacers."""
    rng = np.random.default_rng(seed)
    process, spacer = rng.standard_normal((n, 2)), rng.standard_normal((3, 4))
    process[rng.random(n) < 0.2] = process[0]
    return {
        "process": process,
        "solvent": rng.integers(0, 3, (n, 1)).astype(float),
        "spacer": spacer[rng.integers(0, 3, n)],
    }


def trees() -> st.SearchStrategy[Kernel]:
    return st.recursive(
        st.sampled_from(LEAVES),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: Sum(tuple(parts))),
            st.tuples(st.lists(inner, min_size=1, max_size=3), st.sampled_from([None, WEIGHT])).map(
                lambda made: Product(tuple(made[0]), made[1])
            ),
        ),
        max_leaves=6,
    )


def some_theta(kernel: Kernel, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([one.prior.centre + 0.5 * rng.standard_normal() for one in kernel.hyperparameters])


def full(kernel: Kernel, theta: np.ndarray, a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> np.ndarray:
    return np.broadcast_to(kernel(theta, a, b), (len(a["process"]), len(b["process"])))


# -- kernels -------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(kernel=trees(), seed=st.integers(0, 10_000), n=st.integers(2, 14))
def test_covariances_are_symmetric_and_positive_semidefinite(kernel, seed, n):
    table, theta = rows(n, seed), some_theta(kernel, seed)
    K = full(kernel, theta, table, table)
    np.testing.assert_allclose(K, K.T, rtol=1e-12, atol=1e-12)
    assert np.linalg.eigvalsh(K).min() > -1e-9 * max(1.0, np.abs(K).max())
    np.testing.assert_allclose(np.broadcast_to(kernel.diagonal(theta, table), n), np.diag(K), rtol=1e-12)
    # the way for optimisers, between distinct rows only, gives the same matrix
    value, _ = kernel.among(theta, Rows(table))
    np.testing.assert_allclose(np.broadcast_to(value, (n, n)), K, rtol=1e-11, atol=1e-13)


@settings(deadline=None, max_examples=60)
@given(kernel=trees(), seed=st.integers(0, 10_000))
def test_gradients_are_those_of_finite_differences(kernel, seed):
    n = 7
    table, theta = rows(n, seed), some_theta(kernel, seed)
    slope = np.random.default_rng(seed).standard_normal((n, n))
    slope = slope + slope.T
    _, pull = kernel.among(theta, Rows(table))
    found = pull(slope)
    assert found.shape == theta.shape
    for i in range(len(theta)):
        step = np.zeros(len(theta))
        step[i] = 1e-5
        up, down = (np.vdot(slope, full(kernel, t, table, table)) for t in (theta + step, theta - step))
        size = 1.0 + np.abs(full(kernel, theta, table, table)).sum()
        assert found[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-7 * size)


def test_kernels_against_scikit_learn():
    a, b = rows(9, 0), rows(6, 1)
    lengths = np.array([0.7, 2.3])
    theta = np.log(lengths)
    names = ("temperature", "time")
    for ours, theirs in (
        (Matern("process", names), peer.Matern(lengths, nu=2.5)),
        (SquaredExponential("process", names), peer.RBF(lengths)),
    ):
        np.testing.assert_allclose(ours(theta, a, b), theirs(a["process"], b["process"]), rtol=1e-12)
    wide = Matern("spacer", tuple("abcd"))
    lengths = np.array([0.5, 1.0, 2.0, 4.0])
    np.testing.assert_allclose(
        wide(np.log(lengths), a, b), peer.Matern(lengths, nu=2.5)(a["spacer"], b["spacer"]), rtol=1e-12
    )


def test_limits_of_kernels():
    table, names = rows(6, 3), ("temperature", "time")
    for kind in (Matern, SquaredExponential):
        kernel = kind("process", names)
        # a very long scale makes all rows alike, a very short one leaves each row its own value
        np.testing.assert_allclose(kernel(np.full(2, 12.0), table, table), 1.0, atol=1e-8)
        alone = np.all(table["process"][:, None] == table["process"][None], axis=2)
        np.testing.assert_array_equal(kernel(np.full(2, -12.0), table, table), alone.astype(float))
        # a column with an endless length scale drops out
        one = kernel(np.array([0.3, np.inf]), table, table)
        first = {"process": table["process"][:, :1]}
        np.testing.assert_allclose(one, kind("process", names[:1])(np.array([0.3]), first, first), rtol=1e-12)
    shared = Matern("spacer", tuple("abcd"), groups=("one",) * 4)
    apart = Matern("spacer", tuple("abcd"))
    np.testing.assert_allclose(
        shared(np.array([0.2]), table, table), apart(np.full(4, 0.2 + np.log(2.0)), table, table), rtol=1e-12
    )
    same = Same("solvent")(np.zeros(0), table, table)
    np.testing.assert_array_equal(same, (table["solvent"] == table["solvent"].T).astype(float))


def test_slope_of_the_matern_correlation():
    r2 = np.linspace(0.0, 9.0, 30)
    value, slope = matern_and_slope(r2)
    np.testing.assert_allclose(value, matern(r2.copy()), rtol=1e-14)
    assert value[0] == 1.0
    assert slope[0] == pytest.approx(-5.0 / 6.0)
    numeric = (matern(r2[1:] + 1e-6) - matern(r2[1:] - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope[1:], numeric, rtol=1e-6)
    # physics.md 12: r = 1, s = 1
    assert matern(np.array([1.0]))[0] == pytest.approx(0.5239941, abs=5e-8)


def test_pairs_hold_each_pair_once():
    values = np.random.default_rng(0).standard_normal((8, 3))
    pairs, inverse = Pairs(values), np.array([[1.0, 0.0, 2.0], [0.5, 1.0, 0.1]])
    matrices = pairs.matrices(inverse @ pairs.squares)
    np.testing.assert_allclose(matrices, squared_distances(inverse, values, values), atol=1e-13)
    symmetric = matrices[0] + np.eye(8)
    packed = (inverse @ pairs.squares)[1]
    assert pairs.weights(symmetric) @ packed == pytest.approx(np.vdot(symmetric, matrices[1]))


def test_sums_and_products_are_written_with_signs():
    table = rows(5, 1)
    kernel = Matern("process", ("temperature", "time")) * Same("solvent") + Constant(WEIGHT)
    theta = np.array([0.1, 0.2, 0.3])
    by_hand = Matern("process", ("temperature", "time"))(theta[:2], table, table) * Same("solvent")(
        np.zeros(0), table, table
    ) + np.exp(0.3)
    np.testing.assert_allclose(kernel(theta, table, table), by_hand)
    assert [one.name for one in kernel.hyperparameters] == ["length of temperature", "length of time", "weight of 1"]
    assert kernel.blocks == ("process", "solvent")
    with pytest.raises(StudyError, match="3 hyperparameters can't take 4"):
        kernel(np.zeros(4), table, table)


@settings(deadline=None, max_examples=10)
@given(kernel=trees(), seed=st.integers(0, 100))
def test_jax_computes_the_same_and_its_gradient(kernel, seed):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    table, theta = rows(6, seed), some_theta(kernel, seed)
    slope = np.random.default_rng(seed).standard_normal((6, 6))
    slope = slope + slope.T

    def weighted(t):
        return (slope * jax.numpy.broadcast_to(kernel(t, table, table), (6, 6))).sum()

    value, gradient = jax.value_and_grad(weighted)(jax.numpy.asarray(theta))
    assert float(value) == pytest.approx(np.vdot(slope, full(kernel, theta, table, table)), rel=1e-9, abs=1e-9)
    _, pull = kernel.among(theta, Rows(table))
    np.testing.assert_allclose(np.asarray(gradient), pull(slope), rtol=1e-7, atol=1e-8)


# -- marginal likelihoods ------------------------------------------------------------------------------------


@pytest.fixture
def given_rows():
    rng = np.random.default_rng(5)
    kernel = Matern("process", ("temperature", "time"), WEIGHT)
    table, theta = rows(12, 5), np.array([0.2, 0.1, 0.5])
    K = full(kernel, theta, table, table) + 0.1 * np.eye(12)
    return kernel, table, theta, K, rng.standard_normal(12)


def test_log_density_is_that_of_the_multivariate_normal(given_rows):
    _, _, _, K, y = given_rows
    expected = multivariate_normal(np.zeros(12), K).logpdf(y)
    assert log_marginal(K, y) == pytest.approx(expected)
    constant = 6.0 * np.log(2.0 * np.pi)
    assert marginal_and_slope(K, y)[0] == pytest.approx(expected + constant)
    assert log_marginals(K[None], y, None)[0] == pytest.approx(expected + constant)
    assert marginal_and_slope(K - 5.0 * np.eye(12), y) is None


def test_rows_that_fill_up_count_nothing(given_rows):
    kernel, table, theta, K, y = given_rows
    wide = {name: padded(block, 20) for name, block in table.items()}
    real = np.arange(20) < 12
    filled = full(kernel, theta, wide, wide) + 0.1 * np.eye(20)
    assert log_marginal(filled, padded(y, 20), real) == pytest.approx(log_marginal(K, y), rel=1e-12)
    new = rows(4, 9)
    own = np.full(4, np.exp(theta[0]) + 0.1)
    plain = moments(K, y, full(kernel, theta, new, table), own)
    with_more = moments(filled, padded(y, 20), full(kernel, theta, new, wide), own, real)
    for a, b in zip(plain, with_more, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    inverse = np.linalg.inv(K)
    cross = full(kernel, theta, new, table)
    np.testing.assert_allclose(plain[0], cross @ inverse @ y)
    np.testing.assert_allclose(plain[1], own - np.diag(cross @ inverse @ cross.T))


def test_jax_compiles_once_for_every_number_of_rows(given_rows):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    kernel, table, theta, _, y = given_rows

    @jax.jit
    def evidence(t, process, targets, real):
        block = {"process": process}
        return log_marginal(kernel(t, block, block) + 0.1 * np.eye(16), targets, real)

    for n in (3, 4, 7, 12):
        found = evidence(theta, padded(table["process"][:n], 16), padded(y[:n], 16), np.arange(16) < n)
        part = {"process": table["process"][:n]}
        expected = log_marginal(kernel(theta, part, part) + 0.1 * np.eye(n), y[:n])
        assert float(found) == pytest.approx(float(expected), rel=1e-9)
    assert evidence._cache_size() == 1


# -- hyperparameters -----------------------------------------------------------------------------------------


def test_sampler_draws_from_a_known_posterior():
    """Normal prior and normal likelihood of two hyperparameters: mean and spread are known."""

    def log_likelihood(draws: Draws) -> np.ndarray:
        return -0.5 * ((draws.values[:, 0] - 2.0) / 0.5) ** 2

    groups = [Group(1, 0.0, 1.0), Group(1, 3.0, 2.0, switched=True)]
    draws = Sampler(log_likelihood, groups, selection=False).sample(4000, 50, 2000, seed=0)
    assert draws.values[:, 0].mean() == pytest.approx(1.6, abs=0.08)
    assert draws.values[:, 0].std() == pytest.approx(np.sqrt(0.2), rel=0.12)
    assert draws.values[:, 1].mean() == pytest.approx(3.0, abs=0.4)
    assert draws.included.all()


def test_likelihood_of_a_column_decides_whether_it_takes_part():
    def log_likelihood(draws: Draws) -> np.ndarray:
        return 6.0 * draws.included[:, 0] - 6.0 * draws.included[:, 1]

    groups = [Group(1, 0.0, 1.0), Group(2, 0.0, 1.0, switched=True)]
    share = Sampler(log_likelihood, groups).sample(1024, 32, 512, seed=1).included.mean(axis=0)
    assert share[0] > 0.95
    assert share[1] < 0.05


# -- process -------------------------------------------------------------------------------------------------

MIXED = Sum(
    (
        Product((Matern("process", ("temperature", "time")), Sum((Constant(), Same("solvent", WEIGHT)))), WEIGHT),
        Product((Matern("spacer", tuple("abcd"), groups=("one",) * 4),), WEIGHT),
    )
)


def targets(table: dict[str, np.ndarray], seed: int = 0) -> np.ndarray:
    noise = 0.1 * np.random.default_rng(seed).standard_normal(len(table["solvent"]))
    y = np.sin(table["process"][:, 0]) + 0.4 * table["solvent"][:, 0] + 0.3 * table["spacer"][:, 1] + noise
    return (y - y.mean()) / y.std()


def test_gradient_of_the_evidence_with_known_noise():
    table = rows(10, 2)
    noise = RowNoise(np.linspace(0.5, 2.0, 10), np.linspace(0.0, 0.3, 10))
    process, precision = Process(MIXED), np.linspace(0.2, 1.0, 10)
    theta = np.append(some_theta(MIXED, 4), -2.0)
    ask = (Rows(table), targets(table), noise, precision)
    numeric = approx_fprime(theta, lambda t: process.evidence(t, *ask)[0], 1e-6)
    np.testing.assert_allclose(process.evidence(theta, *ask)[1], numeric, rtol=1e-4, atol=1e-4)


def test_process_agrees_with_scikit_learn():
    table, new = rows(25, 6), rows(8, 7)
    y, y_sd = targets(table), np.linspace(0.05, 0.3, 25)
    kernel = Matern("process", ("temperature", "time"), WEIGHT)
    found = Process(kernel, noise=None).fit(table, y, RowNoise.of(25, None, y_sd, 1.0))
    weight, *lengths = np.exp(found.theta)
    theirs = GaussianProcessRegressor(
        peer.ConstantKernel(weight) * peer.Matern(lengths, nu=2.5), alpha=y_sd**2 + 1e-8, optimizer=None
    ).fit(table["process"], y)
    mean, spread = theirs.predict(new["process"], return_std=True)
    np.testing.assert_allclose(found.predict(new, noise=False)[0], mean, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(np.sqrt(found.predict(new, noise=False)[1]), spread, rtol=1e-7)
    _, covariance = theirs.predict(new["process"], return_cov=True)
    np.testing.assert_allclose(found.joint(new)[1], covariance, atol=1e-9)


def test_rows_added_one_by_one_are_as_good_as_all_at_once():
    table = rows(14, 8)
    y, process = targets(table), Process(MIXED)
    noise = RowNoise.of(14, None, np.linspace(0.01, 0.2, 14), 1.0)
    theta = np.append(some_theta(MIXED, 1), -3.0)
    whole = process.condition(theta, table, y, noise)

    def some(which):
        return {name: block[which] for name, block in table.items()}

    known = process.condition(theta, some(slice(10)), y[:10], RowNoise(noise.relative[:10], noise.known[:10]))
    for which in (slice(10, 11), slice(11, 14)):
        known = known.with_rows(some(which), y[which], noise.variances(np.exp(-3.0))[which])
    new = rows(5, 3)
    for a, b in zip(known.predict(new), whole.predict(new), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    assert len(known.y) == len(known.row_precision) == 14


def test_many_rows_are_predicted_in_parts(monkeypatch):
    table, new = rows(12, 1), rows(50, 2)
    known = Process(MIXED).fit(table, targets(table))
    whole = known.predict(new)
    monkeypatch.setattr("perospin.learning.estimators.gaussian_processes.process._BLOCK", 12 * 7)
    for a, b in zip(known.predict(new), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_allclose(known.mean(new), whole[0], rtol=1e-12)


def test_a_hundred_thousand_candidates_take_a_fraction_of_a_second():
    rng, names = np.random.default_rng(0), tuple(f"x{i}" for i in range(10))
    table, new = {"x": rng.random((60, 10))}, {"x": rng.random((100_000, 10))}
    known = Process(Matern("x", names, WEIGHT, length=wide_length(10))).fit(table, rng.standard_normal(60))
    started = time.process_time()
    mean, variance = known.predict(new)
    # 0.2 s on one quiet core; the margin is for busy machines
    assert time.process_time() - started < 1.0
    assert mean.shape == variance.shape == (100_000,)
    assert known.predict({"x": new["x"][:0]})[0].shape == (0,)


def test_three_rows_of_ten_columns_are_enough_to_begin():
    """The prior of many length scales stays in charge: finite, unsure away from the rows, near them where measured."""
    rng = np.random.default_rng(0)
    table, y = {"x": rng.random((3, 10))}, np.array([-1.2, 0.0, 1.2])
    names = tuple(f"x{i}" for i in range(10))
    known = Process(Matern("x", names, WEIGHT, length=wide_length(10)), noise=Prior(np.log(0.01), 0.5)).fit(table, y)
    lengths = np.exp(known.theta[1:-1])
    assert (lengths > 1.0).all()
    mean, variance = known.predict(table, noise=False)
    np.testing.assert_allclose(mean, y, atol=0.4)
    far = known.predict({"x": 30.0 + rng.random((5, 10))}, noise=False)[1]
    assert (far > 3.0 * variance.max()).all()


def test_a_wild_row_counts_less_under_heavy_tails():
    table = {"x": np.linspace(-2.0, 2.0, 30)[:, None]}
    y = np.sin(2.0 * table["x"][:, 0]) + 0.05 * np.random.default_rng(0).standard_normal(30)
    y[7] += 3.0
    plain, found = (
        Process(Matern("x", ("x",), WEIGHT), likelihood=Likelihood(kind)).fit(table, y)
        for kind in ("gaussian", "student_t")
    )
    assert found.row_precision.argmin() == 7
    assert found.row_precision[7] < 0.3
    assert found.noise == pytest.approx(2.0 * np.exp(found.theta[-1]))
    here = {"x": table["x"][7:8]}
    truth = np.sin(2.0 * table["x"][7, 0])
    assert abs(found.mean(here)[0] - truth) < 0.3 * abs(plain.mean(here)[0] - truth)


def test_a_fit_goes_on_from_the_last_one():
    table = rows(20, 5)
    y, process = targets(table), Process(MIXED)
    first = process.fit(table, y)
    again = process.fit(table, y, start=first.theta)
    assert again.log_posterior == pytest.approx(first.log_posterior, abs=1e-3)
    assert [one.name for one in process.hyperparameters][-1] == "noise variance"
    assert process.hyperparameters[-1].prior == NOISE
    assert LENGTH in {one.prior for one in process.hyperparameters}


def test_rows_that_do_not_fit_are_refused():
    table = rows(5, 0)
    with pytest.raises(StudyError, match="reads the columns 'spacer'"):
        Process(MIXED).fit({name: table[name] for name in ("process", "solvent")}, np.zeros(5))
    with pytest.raises(StudyError, match="4 targets need as many rows"):
        Process(MIXED).fit(table, np.zeros(4))


def test_log_densities_have_residuals_of_their_own(given_rows):
    _, _, _, K, y = given_rows
    several = np.stack([K, 2.0 * K, K])
    residuals = np.stack([y, y, -2.0 * y])
    expected = [log_marginals(k[None], r, None)[0] for k, r in zip(several, residuals, strict=True)]
    np.testing.assert_allclose(log_densities(several, residuals), expected, rtol=1e-9)
    several[1] -= 50.0 * np.eye(12)
    found = log_densities(several, residuals)
    np.testing.assert_allclose(found[[0, 2]], np.array(expected)[[0, 2]], rtol=1e-9)
    assert found[1] == -1e10


def test_draws_about_the_top_are_those_of_the_posterior():
    precision = np.array([[4.0, 1.5], [1.5, 2.0]])
    centre, spread, top = np.zeros(2), np.full(2, 1.0), np.array([0.5, -0.3])
    # the likelihood that makes the posterior normal about `top` with this precision
    inner = precision - np.eye(2)
    middle = np.linalg.solve(inner, precision @ top)

    def evidence(theta):
        away = theta - middle
        return -0.5 * float(away @ inner @ away), -inner @ away

    draws = np.concatenate([draws_about(top, evidence, centre, spread, 6.0, 128, seed) for seed in range(40)])
    np.testing.assert_allclose(draws.mean(axis=0), top, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), np.linalg.inv(precision), atol=0.05)


def test_evidence_that_the_sampler_meets():
    def log_likelihood(draws):
        return norm(draws.values[:, 0], 0.1).logpdf(1.2)

    sampler = Sampler(log_likelihood, [Group(1, 0.0, 1.0, switched=True)], selection=False)
    evidences = []
    for seed in range(10):
        draws = sampler.sample(2048, 64, 500, seed)
        assert draws.values.mean() == pytest.approx(1.2 / 1.01, abs=0.03)
        evidences.append(sampler.log_evidence)
    exact = norm(0.0, np.sqrt(1.01)).logpdf(1.2)
    assert np.mean(np.exp(evidences)) == pytest.approx(np.exp(exact), rel=0.1)  # without bias
    assert np.std(evidences) < 0.2
