from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import FitError
from perospin.measurements import SpinFit
from perospin.spectra.chirality.magnetoresistance import (
    Loop,
    fit_magnetoresistance,
    julliere_ratio,
    magnetoresistance,
    sweep_direction,
)
from recovering import near

UP = np.linspace(-0.1, 0.1, 121)
FIELD = np.concatenate([UP, UP[::-1]])


def valve(change: float = 10.0, noise: float = 0.3, offset: float = 0.0, seed: int = 0) -> np.ndarray:
    """A spin valve of 1000 ohm that switches at 6 and 25 mT."""
    d = sweep_direction(FIELD)
    s = d * (FIELD - offset)
    shape = 0.5 * (np.tanh((s - 0.006) / 0.002) - np.tanh((s - 0.025) / 0.003))
    return 1000.0 + change * shape + noise * np.random.default_rng(seed).normal(size=len(FIELD))


def half(change: float = 20.0, noise: float = 0.3, coercive: float = 0.01, seed: int = 0) -> np.ndarray:
    turn = np.tanh((FIELD - sweep_direction(FIELD) * coercive) / 0.02)
    return 500.0 + 0.5 * change * turn + noise * np.random.default_rng(seed).normal(size=len(FIELD))


def test_closed_forms() -> None:
    assert julliere_ratio(0.3, 0.2, "parallel") == pytest.approx(0.1276596, rel=1e-6)
    assert julliere_ratio(0.3, 0.2, "antiparallel") == pytest.approx(0.1132075, rel=1e-6)
    assert magnetoresistance(110.0, 100.0, "parallel") == pytest.approx(0.1)
    assert magnetoresistance(110.0, 100.0, "antiparallel") == pytest.approx(10 / 110)
    assert magnetoresistance(110.0, 90.0, "mean") == pytest.approx(0.2)
    assert magnetoresistance(90.0, 110.0, "smallest") == pytest.approx(-20 / 90)


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_both_denominators_describe_the_same_junction(p1: float, p2: float) -> None:
    over_p, over_ap = julliere_ratio(p1, p2, "parallel"), julliere_ratio(p1, p2, "antiparallel")
    assert 1 / over_ap == pytest.approx(1 / over_p + 1, rel=1e-9)


def test_sweep_direction_ignores_noise_and_repeats() -> None:
    field = FIELD + 2e-4 * np.random.default_rng(0).normal(size=len(FIELD))
    d = sweep_direction(field)
    assert (d[:118] == 1).all()
    assert (d[124:] == -1).all()
    assert (sweep_direction([0.0, 0.0, 1.0, 1.0, 2.0]) == 1).all()
    assert (sweep_direction([3.0, 2.0, 2.0, 1.0]) == -1).all()


@pytest.mark.parametrize("change", [10.0, -6.0])
def test_a_spin_valve_comes_back(change: float) -> None:
    fit = fit_magnetoresistance(FIELD, valve(change, offset=0.001))
    assert fit.settings["loop"] == "spin_valve"
    ratio = fit["magnetoresistance_percent"]
    assert abs(ratio.value - change / 10) < 4 * ratio.uncertainty
    assert ratio.uncertainty < 0.02
    assert fit.soft_switching_t == pytest.approx(0.006, abs=5e-4)
    assert fit.hard_switching_t == pytest.approx(0.025, abs=5e-4)
    assert fit.offset_field_t == pytest.approx(0.001, abs=3e-4)
    assert fit.polarisation_product == pytest.approx(change / (2000 + change), rel=0.02)
    assert fit.antiparallel_ohm == pytest.approx(1000 + change, abs=0.3)


def test_the_denominator_is_chosen_and_stated() -> None:
    data = valve(100.0)
    over_p = fit_magnetoresistance(FIELD, data, loop="spin_valve")
    over_ap = fit_magnetoresistance(FIELD, data, loop="spin_valve", over="antiparallel")
    assert over_p.magnetoresistance_percent == pytest.approx(10.0, abs=0.05)
    assert over_ap.magnetoresistance_percent == pytest.approx(100 / 11, abs=0.05)
    assert over_ap.conventions["magnetoresistance"] == "(R_AP - R_P)/R_AP"
    assert "R_AP" in over_ap.to_record("x", source="y", composition="unknown").note
    with pytest.raises(FitError, match="doesn't belong to a spin valve"):
        fit_magnetoresistance(FIELD, data, loop="spin_valve", over="mean")


def test_a_half_valve_comes_back() -> None:
    fit = fit_magnetoresistance(FIELD, half(20.0))
    assert fit.settings["loop"] == "half_valve"
    assert fit.magnetoresistance_percent == pytest.approx(4.0, abs=0.05)
    assert fit.coercive_field_t == pytest.approx(0.01, abs=5e-4)
    assert fit.conventions["magnetoresistance"] == "(R(+B) - R(-B))/R_mean"
    reversed_hand = fit_magnetoresistance(FIELD, half(-20.0), loop="half_valve")
    assert reversed_hand.magnetoresistance_percent == pytest.approx(-4.0, abs=0.05)


def test_one_sweep_and_a_sharp_switch() -> None:
    s = UP
    sharp = 1000.0 + 10.0 * ((s > 0.0061) & (s < 0.0251)) + 0.05 * np.random.default_rng(1).normal(size=len(s))
    fit = fit_magnetoresistance(UP, sharp, loop="spin_valve")
    assert fit.magnetoresistance_percent == pytest.approx(1.0, abs=0.02)
    assert fit["soft_width_t"].status == "upper bound"
    assert any("one direction only" in warning for warning in fit.warnings)


@pytest.mark.parametrize("loop", ["auto", "spin_valve", "half_valve"])
def test_noise_is_not_called_magnetoresistance(loop: Loop) -> None:
    for seed in (5,):
        quiet = 1000.0 + 0.3 * np.random.default_rng(seed).normal(size=len(FIELD))
        fit = fit_magnetoresistance(FIELD, quiet, loop=loop)
        assert fit["magnetoresistance_percent"].status == "undetermined"
        assert any("no change of resistance stands out of the noise" in warning for warning in fit.warnings)


def test_mistakes() -> None:
    with pytest.raises(FitError, match="must be one of: auto, spin_valve, half_valve"):
        fit_magnetoresistance(FIELD, valve(), loop="gmr")  # type: ignore[arg-type]
    with pytest.raises(FitError, match="only 5 usable points"):
        fit_magnetoresistance(FIELD[:5], valve()[:5])
    with pytest.raises(FitError, match="the resistance is constant"):
        fit_magnetoresistance(FIELD, np.full(len(FIELD), 5.0))
    with pytest.raises(FitError, match="must be equal columns"):
        fit_magnetoresistance(FIELD, valve()[:-1])
    with pytest.raises(FitError, match="nothing to fit against"):
        fit_magnetoresistance(0 * FIELD, valve())
    gap = valve()
    gap[[3, 40]] = np.nan
    fit = fit_magnetoresistance(1000 * FIELD, gap, loop="half_valve")
    assert any("2 of 242 rows" in w for w in fit.warnings)
    assert any("look like mT or Oe" in w for w in fit.warnings)


@settings(max_examples=6)
@given(st.floats(2.0, 50.0), st.integers(0, 100))
def test_scaling_the_resistance_changes_no_ratio(factor: float, seed: int) -> None:
    data = half(20.0, seed=seed)
    one = fit_magnetoresistance(FIELD, data, loop="half_valve")
    two = fit_magnetoresistance(FIELD, factor * data, loop="half_valve")
    assert two.magnetoresistance_percent == pytest.approx(one.magnetoresistance_percent, rel=1e-4)


def test_a_saved_fit_draws_itself() -> None:
    again = SpinFit.from_json(fit_magnetoresistance(FIELD, half(), loop="half_valve").to_json())
    assert again.plot().axes[1].get_xlabel() == "magnetic field (mT)"


def windows(field: np.ndarray, up: tuple[float, float], down: tuple[float, float], change: float) -> np.ndarray:
    """A loop of 1000 ohm, abruptly higher by `change` between two fields in each direction of the sweep."""
    both = np.concatenate([field, field[::-1]])
    first, last = (np.where(sweep_direction(both) > 0, u, d) for u, d in zip(sorted(up), sorted(down), strict=True))
    return 1000.0 + change * ((both > first) & (both < last))


@pytest.mark.parametrize("seed", range(2))
def test_switching_sharper_than_the_step_ends_without_complaint(seed: int) -> None:
    up = np.linspace(-0.05, 0.05, 101)
    noise = (0.05, 0.3)[seed % 2] * np.random.default_rng(seed).normal(size=202)
    data = windows(up, (0.0042, 0.0213), (-0.0042, -0.0213), 9.0) + noise
    fit = fit_magnetoresistance(np.concatenate([up, up[::-1]]), data, loop="spin_valve")
    ratio = fit["magnetoresistance_percent"]
    assert abs(ratio.value - 0.9) < 4 * ratio.uncertainty + 0.001
    assert ratio.uncertainty < 0.01
    assert not any("stopped before it converged" in warning for warning in fit.warnings)
    assert fit["soft_width_t"].status == "upper bound"


def test_electrodes_with_offsets_of_their_own() -> None:
    up = np.linspace(-0.04, 0.04, 161)
    data = windows(up, (0.0020, 0.0210), (0.0012, -0.0095), 8.0) + 0.3 * np.random.default_rng(0).normal(size=322)
    fit = fit_magnetoresistance(np.concatenate([up, up[::-1]]), data)
    ratio = fit["magnetoresistance_percent"]
    assert abs(ratio.value - 0.8) < 4 * ratio.uncertainty
    assert ratio.uncertainty < 0.01
    assert np.abs(fit.data["residual"]).max() < 1.5
    for name, field in (("up_first_t", 2.0), ("up_second_t", 21.0), ("down_first_t", 1.2), ("down_second_t", -9.5)):
        assert 1e3 * fit[name].value == pytest.approx(field, abs=0.5), name
    assert any("a field of its own" in warning for warning in fit.warnings)
    assert not any("not noise" in warning for warning in fit.warnings)
    # told one common offset all the same, the misfit is named
    forced = fit_magnetoresistance(
        np.concatenate([up, up[::-1]]), data, loop="spin_valve", params={"offset_field_t": 0.005}
    )
    assert any("residuals are not noise" in warning for warning in forced.warnings)


@pytest.mark.parametrize("seed", range(8))
def test_a_half_valve_sharper_than_the_step_is_no_spin_valve(seed: int) -> None:
    """Four free switchings, some outside the sweep, describe it as well: nothing shows them."""
    rng = np.random.default_rng(seed)
    reach, n = [0.1, 0.3, 1.0][seed % 3], [31, 49, 80][seed % 3]
    up = np.linspace(-reach, reach, n)
    field = np.concatenate([up[::-1], up])
    direction = np.repeat([-1.0, 1.0], n)
    width, coercive, offset = [0.02, 0.3, 1.0, 4.0][seed % 4] * reach / n, 0.1 * reach, 0.05 * (seed % 2) * reach
    truth = [4.0, -4.0, 1.0][seed % 3]
    turn = np.tanh((field - offset - direction * coercive) / width)
    resistance = 1e3 * (1 + 0.005 * truth * turn) + 0.2 * rng.normal(size=2 * n)
    fit = fit_magnetoresistance(field, resistance)
    assert fit.settings["loop"] == "half_valve"
    assert near(fit, "magnetoresistance_percent", truth, 4.0)


def test_a_spin_valve_that_was_not_seen_to_close_says_so() -> None:
    up = np.linspace(-0.2, 0.2, 60)
    field = np.concatenate([up[::-1], up])
    sign = np.repeat([-1.0, 1.0], 60)
    resistance = 100.0 + 2.0 * (sign * field > 0.05) + 0.05 * np.random.default_rng(0).normal(size=120)
    fit = fit_magnetoresistance(field, resistance, loop="spin_valve")
    assert any("outside the swept fields" in sentence for sentence in fit.warnings)
