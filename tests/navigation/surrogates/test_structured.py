import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from perospin.errors import NavigationError
from perospin.mechanisms import get_law
from perospin.navigation import InputColumns, Mean, StructuredSurrogate, Surrogate
from perospin.navigation.surrogates.means import (
    BOLTZMANN_MEV_PER_K,
    arrhenius,
    boundary_step,
    constant,
    inverse_power,
    of_rate_law,
    straight_line,
    vegard,
)
from perospin.navigation.surrogates.priors import LogNormal, Normal, Quantiles, Uniform
from perospin.navigation.surrogates.structured import Deviation

HALIDES = InputColumns(("I", "Br", "Cl"), ("fraction",) * 3, (0.0,) * 3, (1.0,) * 3, ("X",) * 3)
LINE = InputColumns.continuous({"x": (0.0, 2.0)})


def all_laws():
    one = Normal(1.0, 1.0)
    temperature = InputColumns.continuous({"temperature_k": (50.0, 300.0)})
    layers = InputColumns.continuous({"n": (1.0, 6.0)})
    return {
        "constant": (constant(one), LINE),
        "line": (straight_line("x", one, one), LINE),
        "vegard": (vegard(("I", "Br", "Cl"), (Normal(1.6, 0.2), Normal(2.3, 0.2), Normal(3.0, 0.2))), HALIDES),
        "power": (inverse_power("n", one, one), layers),
        "log power": (inverse_power("n", one, one, log10=True), layers),
        "arrhenius": (arrhenius("temperature_k", LogNormal(30.0, 2.0), one, one), temperature),
        "ln arrhenius": (arrhenius("temperature_k", Normal(30.0, 10.0), one, ln=True), temperature),
        "step": (boundary_step("x", Uniform(0.5, 1.5), one, one, LogNormal(0.1, 2.0)), LINE),
        "of one's own": (Mean("p", lambda x, p: x["x"] ** p["b"], {"b": Normal(1.0, 0.1)}), LINE),
    }


@pytest.mark.parametrize("name", all_laws())
def test_every_ready_made_law_can_be_learnt_from(name):
    law, columns = all_laws()[name]
    rng = np.random.default_rng(0)
    low, high = np.array(columns.lower), np.array(columns.upper)
    rows = low + (high - low) * rng.random((8, len(columns)))
    table = {column: rows[:, j] for j, column in enumerate(columns.names)}
    drawn = {key: float(np.asarray(prior.value(np.float64(0.4)))) for key, prior in law.priors.items()}
    linear = {key: prior.mean for key, prior in law.linear.items()}
    values = np.zeros(8) + np.asarray(law.function(table, {**drawn, **linear})) + 0.01 * rng.standard_normal(8)
    known = StructuredSurrogate(columns, law).fit(rows, values)
    assert isinstance(known, Surrogate)
    mean, sd = known.predict(rows)
    assert np.isfinite(known.evidence)
    assert np.abs(mean - values).max() < 0.2
    assert (sd >= 0).all()
    assert set(known.parameters) >= set(law.priors) | set(law.linear)


def test_laws_are_the_formulas_they_name():
    x = {"I": np.array([0.5]), "Br": np.array([0.3]), "Cl": np.array([0.2])}
    law = all_laws()["vegard"][0]
    p = {"value at I": 1.6, "value at Br": 2.3, "value at Cl": 3.0}
    p |= {"bowing I, Br": 0.2, "bowing I, Cl": 0.4, "bowing Br, Cl": 0.1}
    assert law.function(x, p)[0] == pytest.approx(0.8 + 0.69 + 0.6 - 0.2 * 0.15 - 0.4 * 0.1 - 0.1 * 0.06)
    rate = arrhenius("T", LogNormal(50.0, 2.0), Normal(1.0, 1.0), Normal(0.0, 1.0))
    found = rate.function({"T": np.array([200.0])}, {"barrier_mev": 50.0, "attempt": 2.0, "floor": 0.1})
    assert found[0] == pytest.approx(0.1 + 2.0 * np.exp(-50.0 / (BOLTZMANN_MEV_PER_K * 200.0)))
    power = inverse_power("n", Normal(0.0, 1.0), Normal(1.0, 1.0))
    assert power.function({"n": np.array([4.0])}, {"limit": 0.1, "gain": 2.0, "exponent": 0.5})[0] == pytest.approx(1.1)
    step = boundary_step("x", Uniform(0.0, 1.0), Normal(0.0, 1.0), Normal(1.0, 1.0), LogNormal(0.1, 2.0))
    parameters = {"place": 0.5, "below": 1.0, "step": 2.0, "width": 0.1}
    np.testing.assert_allclose(step.function({"x": np.array([-9.0, 0.5, 9.0])}, parameters), [1.0, 2.0, 3.0])


def test_rate_law_of_the_mechanisms_as_a_mean():
    columns = InputColumns.continuous({"temperature_k": (77.0, 300.0)})
    given = {
        "temperature_k": "temperature_k",
        "rashba_ev_a": 0.05,
        "mass_m0": 0.2,
        "momentum_scattering_time_ps": LogNormal(0.005, 2.0),
    }
    mean = of_rate_law("DP", get_law("dyakonov_perel").function, given, options={"dimension": 2})
    rows = np.linspace(77, 300, 6)[:, None]
    known = StructuredSurrogate(columns, mean).fit(rows, np.log10(rows[:, 0] / 1500.0))
    # 1/tau = Omega^2 tau_p goes with the temperature: the process has nothing left to explain
    assert np.abs(known.predict(np.array([[150.0]]))[0] - np.log10(0.1)) < 0.02


def test_a_prior_of_scipy_is_as_good_as_our_own():
    rows = np.linspace(0.1, 2, 6)[:, None]
    values = rows[:, 0] ** 1.2
    found = [
        StructuredSurrogate(LINE, Mean("p", lambda x, p: x["x"] ** p["b"], {"b": prior})).fit(rows, values)
        for prior in (Normal(1.0, 0.5), Quantiles(norm(1.0, 0.5)))
    ]
    np.testing.assert_allclose(found[0].predict(rows), found[1].predict(rows), rtol=1e-6)
    assert found[0].evidence == pytest.approx(found[1].evidence, rel=1e-9)
    assert found[0].parameters["b"].mean() == pytest.approx(1.2, abs=0.1)


def test_evidence_and_posterior_are_exact_where_everything_is_linear_and_normal():
    """Fix all that isn't linear: the evidence and the mean are then those of a multivariate normal."""
    rng = np.random.default_rng(1)
    rows = rng.uniform(0, 2, (9, 1))
    values = 0.5 + 1.5 * rows[:, 0] + 0.1 * rng.standard_normal(9)
    fixed = 1.0 + 1e-9
    deviation = Deviation(LogNormal(1e-8, fixed), LogNormal(0.01, fixed), LogNormal(1.0, fixed), unit=1.0)
    law = straight_line("x", Normal(0.0, 2.0), Normal(1.0, 1.0))
    known = StructuredSurrogate(LINE, law, deviation).fit(rows, values)
    basis = np.column_stack([2.0 * np.ones(9), rows[:, 0]])
    covariance = basis @ basis.T + 0.01 * np.eye(9)
    assert known.evidence == pytest.approx(multivariate_normal(rows[:, 0], covariance).logpdf(values), abs=1e-3)
    weights = np.linalg.solve(covariance, values - rows[:, 0])
    new = np.array([[0.0], [3.0]])
    cross = np.column_stack([2.0 * np.ones(2), new[:, 0]]) @ basis.T
    np.testing.assert_allclose(known.predict(new)[0], new[:, 0] + cross @ weights, atol=1e-4)
    slope = known.parameters["slope"]
    assert slope.mean() == pytest.approx(1.0 + basis[:, 1] @ weights, abs=0.05)


def kinked():
    import jax.numpy as jnp

    def function(x, p):
        return jnp.where(x["x"] < p["t"], p["low"], p["high"]) * x["x"]

    line = Normal(3.0, 1.0)
    return Mean("kink", function, {"t": Uniform(0.5, 1.5)}, {"low": line, "high": line})


def kinked_rows(n):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2, n)
    return x[:, None], np.where(x < 1.1, 2.0, 4.0) * x + 0.1 * rng.standard_normal(n)


def test_means_are_within_two_percent_of_a_long_run():
    law, grid = kinked(), np.linspace(0, 2, 41)[:, None]
    rows, values = kinked_rows(30)
    short = StructuredSurrogate(LINE, law, seed=1).fit(rows, values).predict(grid)[0]
    long = StructuredSurrogate(LINE, law, draws=1000, effort=8, seed=2).fit(rows, values).predict(grid)[0]
    assert np.sqrt(np.mean((short - long) ** 2)) < 0.02 * (long.max() - long.min())


@pytest.mark.slow
def test_nuts_agrees():
    pytest.importorskip("numpyro")
    law = vegard(("I", "Br", "Cl"), (Normal(1.6, 0.3), Normal(2.3, 0.3), Normal(3.0, 0.3)))
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(3), 12)
    values = rows @ [1.55, 2.3, 3.1] - 0.3 * rows[:, 0] * rows[:, 1] + 0.01 * rng.standard_normal(12)
    new = rng.dirichlet(np.ones(3), 20)
    mean, sd = StructuredSurrogate(HALIDES, law).fit(rows, values).predict(new)
    other, other_sd = StructuredSurrogate(HALIDES, law, draws=400, sampler="nuts").fit(rows, values).predict(new)
    np.testing.assert_allclose(mean, other, atol=0.02 * (mean.max() - mean.min()))
    np.testing.assert_allclose(sd, other_sd, rtol=0.35)


def test_nothing_is_compiled_when_a_row_is_added(monkeypatch):
    law, (rows, values) = kinked(), kinked_rows(16)
    compiled = []
    known = StructuredSurrogate(LINE, law).fit(rows[:5], values[:5])
    known.predict(rows)
    original = law.function
    object.__setattr__(law, "function", lambda x, p: (compiled.append(1), original(x, p))[1])
    for n in (6, 11, 16):  # a law is called when it is traced, and only then
        known.fit(rows[:n], values[:n]).predict(rows[: n - 1])
    assert not compiled


def test_draws_agree_with_the_prediction():
    rows, values = kinked_rows(12)
    known = StructuredSurrogate(LINE, kinked()).fit(rows, values)
    grid = np.linspace(0, 2, 7)[:, None]
    mean, sd = known.predict(grid)
    draws = known.sample(grid, 3000, np.random.default_rng(0))
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=6 * sd.max() / np.sqrt(3000))
    np.testing.assert_allclose(draws.std(axis=0), sd, rtol=0.15)


def test_wrong_laws_get_one_sentence():
    def with_numpy(x, p):
        return np.exp(x["x"] * p["a"])

    priors, linear = {"a": Normal(0.0, 1.0)}, {"a": Normal(0.0, 1.0)}
    with pytest.raises(NavigationError, match=r"reads 'y', which is neither a column \(x\)"):
        StructuredSurrogate(LINE, Mean("m", lambda x, p: x["y"], priors))
    with pytest.raises(NavigationError, match=r"write it with jax.numpy"):
        StructuredSurrogate(LINE, Mean("m", with_numpy, priors))
    with pytest.raises(NavigationError, match="isn't linear in a"):
        StructuredSurrogate(LINE, Mean("m", lambda x, p: x["x"] * p["a"] ** 2, linear=linear))
    with pytest.raises(NavigationError, match="two priors"):
        Mean("m", lambda x, p: p["a"], priors, linear)
    with pytest.raises(NavigationError, match="its prior is a Normal"):
        Mean("m", lambda x, p: p["a"], linear={"a": Uniform(0.0, 1.0)})
    with pytest.raises(NavigationError, match="doesn't give one finite number"):
        StructuredSurrogate(LINE, Mean("m", lambda x, p: x["x"] * float("inf"), priors))
    with pytest.raises(NavigationError, match="'annealed' or 'nuts'"):
        StructuredSurrogate(LINE, kinked(), sampler="emcee")
    for prior in (lambda: Uniform(1.0, 1.0), lambda: LogNormal(0.0, 2.0), lambda: Normal(0.0, 0.0)):
        with pytest.raises(NavigationError, match="a prior needs"):
            prior()


def test_a_law_without_a_value_is_said_so():
    import jax.numpy as jnp

    log = Mean("log", lambda x, p: p["a"] * jnp.log(x["x"]), {"a": Normal(1.0, 1.0)})
    with pytest.raises(NavigationError, match="no parameters give the law 'log' a finite value"):
        StructuredSurrogate(LINE, log).fit([[0.0], [1.0], [2.0]], [0.0, 0.1, 0.7])
    known = StructuredSurrogate(LINE, log).fit([[0.5], [1.0], [2.0]], [-0.7, 0.1, 0.7])
    with pytest.raises(NavigationError, match="no finite value at row 1 of the inputs"):
        known.predict([[1.0], [-1.0]])
