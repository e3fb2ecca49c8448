"""One fit: values, uncertainties, parameters as lmfit knows them, and bounds where the data give no value."""

from __future__ import annotations

import math

import lmfit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitting.models import DECAY
from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, fit_model, fixed

DELAY = np.linspace(0.0, 50.0, 150)


def noisy(seed: int = 1, noise: float = 0.05, lifetime: float = 7.76) -> np.ndarray:
    clean = DECAY(DELAY, lifetime_ps=lifetime, amplitude=2.0, offset=0.1)
    return clean + noise * np.random.default_rng(seed).normal(size=len(DELAY))


def test_the_same_minimum_and_errors_as_lmfit() -> None:
    y = noisy()
    fit = fit_model(DECAY, DELAY, y)
    model = lmfit.Model(lambda x, lifetime, amplitude, offset: amplitude * np.exp(-x / lifetime) + offset)
    other = model.fit(y, x=DELAY, lifetime=5.0, amplitude=1.0, offset=0.0)
    for ours, theirs in (("lifetime_ps", "lifetime"), ("amplitude", "amplitude"), ("offset", "offset")):
        assert fit[ours].value == pytest.approx(other.params[theirs].value, rel=1e-5)
        assert fit[ours].uncertainty == pytest.approx(other.params[theirs].stderr, rel=1e-3)
    r = fit.correlation.loc["lifetime_ps", "amplitude"]
    assert r == pytest.approx(other.params["lifetime"].correl["amplitude"], abs=1e-3)
    assert fit.statistics["chi2"] == pytest.approx(other.chisqr, rel=1e-9)


@given(
    lifetime=st.floats(0.05, 500.0),
    amplitude=st.floats(1e-6, 1e6),
    offset=st.floats(-1.0, 1.0),
    sign=st.sampled_from([-1.0, 1.0]),
)
@settings(max_examples=25)
def test_noiseless_data_give_back_their_parameters(
    lifetime: float, amplitude: float, offset: float, sign: float
) -> None:
    x = np.linspace(0.0, 8.0 * lifetime, 60)
    y = sign * amplitude * (np.exp(-x / lifetime) + offset)
    fit = fit_model(DECAY, x, y, params={"lifetime_ps": 2.0 * lifetime})
    assert fit.lifetime_ps == pytest.approx(lifetime, rel=1e-5)
    assert fit.amplitude == pytest.approx(sign * amplitude, rel=1e-5)


@pytest.mark.parametrize("intervals", ["profile", "bootstrap"])
def test_other_intervals_agree_where_the_problem_is_nearly_linear(intervals: str) -> None:
    y = noisy()
    plain, other = fit_model(DECAY, DELAY, y), fit_model(DECAY, DELAY, y, intervals=intervals)
    for name in plain.names:
        width = plain[name].high - plain[name].low
        assert other[name].low == pytest.approx(plain[name].low, abs=0.12 * width)
        assert other[name].high == pytest.approx(plain[name].high, abs=0.12 * width)


def test_profile_is_where_the_cost_rises() -> None:
    y, sigma = noisy(noise=0.3), 0.3
    fit = fit_model(DECAY, DELAY, y, sigma=sigma, intervals="profile", level=0.6827)
    for end in (fit["lifetime_ps"].low, fit["lifetime_ps"].high):
        held = fit_model(DECAY, DELAY, y, sigma=sigma, params={"lifetime_ps": fixed(end)})
        assert held.statistics["chi2"] - fit.statistics["chi2"] == pytest.approx(1.0, abs=0.03)


def test_profile_intervals_of_a_wide_problem_are_lopsided() -> None:
    fit = fit_model(DECAY, DELAY, noisy(3, noise=0.4, lifetime=20.0), intervals="profile")
    value = fit["lifetime_ps"]
    assert value.high - value.value > 1.15 * (value.value - value.low)


@pytest.mark.slow
def test_bootstrap_is_reproducible() -> None:
    y = noisy()
    first, second, other = (fit_model(DECAY, DELAY, y, intervals="bootstrap", seed=seed) for seed in (4, 4, 5))
    assert first["lifetime_ps"] == second["lifetime_ps"]
    assert first["lifetime_ps"] != other["lifetime_ps"]


def test_intervals_cover_what_they_say() -> None:
    inside = []
    for seed in range(150):
        value = fit_model(DECAY, DELAY, noisy(seed, noise=0.2))["lifetime_ps"]
        inside.append(value.low <= 7.76 <= value.high)
    assert 0.56 < np.mean(inside) < 0.80  # 3 standard deviations of a binomial around 0.68


def test_known_uncertainties_are_trusted_and_judged() -> None:
    y = noisy(noise=0.05)
    right = fit_model(DECAY, DELAY, y, sigma=0.05)
    doubled = fit_model(DECAY, DELAY, y, sigma=np.full(len(y), 0.1))
    relative = fit_model(DECAY, DELAY, y, sigma=0.1, absolute_sigma=False)
    assert doubled["lifetime_ps"].uncertainty == pytest.approx(2 * right["lifetime_ps"].uncertainty, rel=1e-6)
    assert relative["lifetime_ps"].uncertainty == pytest.approx(fit_model(DECAY, DELAY, y)["lifetime_ps"].uncertainty)
    assert not right.warnings
    assert any("too small" in w for w in fit_model(DECAY, DELAY, y, sigma=0.02).warnings)
    assert any("too large" in w for w in doubled.warnings)


def test_bounds_fixed_values_and_ties_in_lmfits_vocabulary() -> None:
    y = noisy()
    assert fit_model(DECAY, DELAY, y, params={"lifetime_ps": fixed(7.0)})["lifetime_ps"].status == "fixed"
    tied = fit_model(DECAY, DELAY, y, params={"offset": "amplitude / 20", "lifetime_ps": 5.0})
    assert tied.offset == pytest.approx(tied.amplitude / 20)
    assert tied["offset"].status == "derived"
    assert tied["offset"].uncertainty == pytest.approx(tied["amplitude"].uncertainty / 20, rel=1e-4)
    params = lmfit.Parameters()
    params.add("offset", value=0.1, vary=False)
    params.add("lifetime_ps", value=6.0, min=1.0, max=20.0)
    theirs = fit_model(DECAY, DELAY, y, params=params)
    ours = fit_model(DECAY, DELAY, y, params={"offset": fixed(0.1), "lifetime_ps": (6.0, 1.0, 20.0)})
    assert theirs.lifetime_ps == ours.lifetime_ps
    assert theirs["offset"].status == "fixed"


def test_a_bounded_amplitude_stays_inside_and_says_so() -> None:
    fit = fit_model(DECAY, DELAY, noisy() - 0.5, params={"offset": (0.0, 0.0, 1.0)})
    assert fit["offset"].status == "upper bound"
    assert 0.0 <= fit.offset < 0.1


def test_what_the_data_do_not_determine_is_not_a_number() -> None:
    straight = 1.0 + 0.01 * np.random.default_rng(0).normal(size=len(DELAY))
    fit = fit_model(DECAY, DELAY, straight)
    assert fit["lifetime_ps"].status == "undetermined"
    assert math.isnan(fit.lifetime_ps)
    assert any("lifetime_ps" in w for w in fit.warnings)


def test_a_lifetime_longer_than_the_window_has_a_lower_bound() -> None:
    rng = np.random.default_rng(2)
    y = np.exp(-DELAY / 1e5) + 0.02 * rng.normal(size=len(DELAY))
    fit = fit_model(DECAY, DELAY, y, params={"offset": fixed(0.0)})
    assert fit["lifetime_ps"].status == "lower bound"
    assert 500.0 < fit.lifetime_ps < 1e5


def test_below_the_resolution_only_an_upper_bound() -> None:
    fit = fit_model(DECAY, DELAY, noisy(), resolution={"lifetime_ps": 9.0})
    assert fit["lifetime_ps"].status == "upper bound"
    assert fit.lifetime_ps == 9.0
    free = fit_model(DECAY, DELAY, noisy(), resolution={"lifetime_ps": lambda values: values["lifetime_ps"] / 3})
    assert free["lifetime_ps"].status == "fitted"


def test_outliers_lose_their_weight() -> None:
    y = noisy()
    y[::15] += 2.0
    plain, robust = fit_model(DECAY, DELAY, y), fit_model(DECAY, DELAY, y, robust=True)
    assert abs(robust.lifetime_ps - 7.76) < 0.5
    assert abs(plain.lifetime_ps - 7.76) > 2 * abs(robust.lifetime_ps - 7.76)


def test_residuals_that_are_not_noise_are_told() -> None:
    y = noisy() + 0.2 * np.sin(DELAY / 4)
    assert any("not noise" in w for w in fit_model(DECAY, DELAY, y).warnings)
    assert not fit_model(DECAY, DELAY, noisy()).warnings


def test_data_sets_share_theta_and_have_their_own_amplitudes() -> None:
    rng = np.random.default_rng(0)
    scale = np.array([1.0, -3.0, 0.5])
    y = np.exp(-DELAY / 6.0)[:, None] * scale + 0.02 * rng.normal(size=(len(DELAY), 3))
    fit = fit_model(DECAY, DELAY, y)
    assert fit.lifetime_ps == pytest.approx(6.0, rel=0.02)
    assert fit.arrays["amplitudes"][0] == pytest.approx(scale, abs=0.03)
    single = [fit_model(DECAY, DELAY, column)["lifetime_ps"].uncertainty for column in y.T]
    together = 1 / np.sqrt(np.sum(1 / np.array(single) ** 2))
    assert fit["lifetime_ps"].uncertainty == pytest.approx(together, rel=0.15)


def test_missing_points_of_one_data_set_are_left_out() -> None:
    y = np.stack([noisy(1), noisy(2)], axis=1)
    y[10:30, 1] = np.nan
    fit = fit_model(DECAY, DELAY, y)
    assert fit.statistics["n_points"] == 280
    assert np.isnan(fit.arrays["signal"][10, 1])
    by_weight = np.where(np.isnan(y), 0.0, y)
    sigma = np.where(np.isnan(y), 1e9, 1.0)
    assert fit.lifetime_ps == pytest.approx(fit_model(DECAY, DELAY, by_weight, sigma=sigma).lifetime_ps, rel=1e-6)


def test_a_model_without_amplitudes_and_one_without_parameters() -> None:
    curve = SeparableModel(
        "square root law",
        (Parameter("width", "", "", 2.0, 0.1, 10.0, positive=True),),
        base=lambda x, p: np.sqrt(1.0 + p["width"] * x),
    )
    line = SeparableModel("line", (), (Quantity("slope"), Quantity("constant")), lambda x, p: [x, np.ones_like(x)])
    x = np.linspace(0, 5, 30)
    assert fit_model(curve, x, np.sqrt(1 + 3.0 * x)).width == pytest.approx(3.0)
    y = 2 * x + 1 + 0.1 * np.random.default_rng(0).normal(size=30)
    fit = fit_model(line, x, y)
    slope, cov = np.polyfit(x, y, 1, cov=True)[0][0], np.polyfit(x, y, 1, cov=True)[1]
    assert fit.slope == pytest.approx(slope)
    assert fit["slope"].uncertainty == pytest.approx(math.sqrt(cov[0, 0]))


def test_nist_certified_misra1a_and_a_hard_one() -> None:
    """Certified values of the NIST StRD sets Misra1a (lower difficulty) and MGH09 (higher), data as published there."""
    x = np.array([77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0])
    y = np.array([10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78])
    misra = SeparableModel(
        "Misra1a", (Parameter("b2", value=1e-4, low=1e-8, high=1.0, positive=True),), (Quantity("b1"),),
        lambda x, p: [1 - np.exp(-p["b2"] * x)],
    )  # fmt: skip
    fit = fit_model(misra, x, y)
    assert fit.b1 == pytest.approx(2.3894212918e02, rel=1e-6)
    assert fit.b2 == pytest.approx(5.5015643181e-04, rel=1e-6)
    assert fit["b1"].uncertainty == pytest.approx(2.7070075241, rel=1e-4)
    assert fit["b2"].uncertainty == pytest.approx(7.2668688436e-06, rel=1e-4)
    x = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
    y = np.array([0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
    mgh09 = SeparableModel(
        "MGH09", (Parameter("b2", value=0.4, scale=0.1), Parameter("b3", value=0.4, scale=0.1),
                  Parameter("b4", value=0.4, scale=0.1)), (Quantity("b1"),),
        lambda x, p: [(x**2 + x * p["b2"]) / (x**2 + x * p["b3"] + p["b4"])],
    )  # fmt: skip
    fit = fit_model(mgh09, x, y)
    certified = {"b1": 1.9280693458e-01, "b2": 1.9128232873e-01, "b3": 1.2305650693e-01, "b4": 1.3606233068e-01}
    errors = {"b1": 1.1435312227e-02, "b2": 1.9633220911e-01, "b3": 8.0842031232e-02, "b4": 9.0025542308e-02}
    for name, value in certified.items():
        assert fit[name].value == pytest.approx(value, rel=1e-5)
        assert fit[name].uncertainty == pytest.approx(errors[name], rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"params": {"liftime_ps": 3.0}}, "no parameter 'liftime_ps'"),
        ({"params": {"lifetime_ps": (9.0, 10.0, 20.0)}}, "outside its bounds"),
        ({"params": {"lifetime_ps": (9.0, 20.0, 10.0)}}, "must be below"),
        ({"params": {"offset": "amplitdue / 2"}}, "can't evaluate the tie"),
        ({"params": {"offset": object()}}, "can't read offset"),
        ({"sigma": 0.0}, "above zero"),
        ({"sigma": np.ones(3)}, "shape"),
        ({"intervals": "guess"}, "covariance, profile or bootstrap"),
        ({"level": 68.0}, "between 0 and 1"),
    ],
)
def test_errors_say_what_is_wrong(changes: dict, words: str) -> None:
    with pytest.raises(FitError, match=words):
        fit_model(DECAY, DELAY, noisy(), **changes)


def test_errors_about_data() -> None:
    with pytest.raises(FitError, match="the first axis must agree"):
        fit_model(DECAY, DELAY, noisy()[:-1])
    with pytest.raises(FitError, match="too few"):
        fit_model(DECAY, DELAY[:3], noisy()[:3])
    with pytest.raises(FitError, match="not a number"):
        fit_model(DECAY, DELAY, ["a"] * len(DELAY))
    with pytest.raises(FitError, match="twice"):
        SeparableModel("x", (Parameter("a"),), (Quantity("a"),), lambda x, p: [x])


def test_a_function_that_has_died_out_before_the_first_point_does_no_harm() -> None:
    x = np.linspace(900.0, 1000.0, 40)
    y = 1.0 + 0.01 * np.random.default_rng(0).normal(size=40)
    fit = fit_model(DECAY, x, y, params={"lifetime_ps": 1e-2})
    assert fit["lifetime_ps"].status != "fitted"
    assert fit.statistics["noise"] < 0.02
