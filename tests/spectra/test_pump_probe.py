"""Same- and counter-circular traces: conventions, recovery, bounds, records, data as they come."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from perospin.database import Conditions
from perospin.errors import DataError, FitError
from perospin.fitting import Fit, Source, fixed
from perospin.measurements import SpinFit
from perospin.spectra import fit_populations, fit_pump_probe, simulate_pump_probe
from perospin.spectra.signals.irf import MeasuredResponse
from recovering import near

DELAY = np.concatenate([np.arange(-1.0, 1.5, 0.05), np.geomspace(1.5, 60.0, 50)])


def pair(lifetime: float = 7.76, noise: float = 0.01, seed: int = 1, **more: float) -> tuple[np.ndarray, np.ndarray]:
    return simulate_pump_probe(DELAY, lifetime, noise=noise, seed=seed, **{"irf_fwhm_ps": 0.2, **more})


def test_simulated_populations_are_the_reference() -> None:
    same, counter = simulate_pump_probe(
        np.array([5.0, 10.0]), 7.76, population_lifetime_ps=100.0, amplitude=0.5, irf_fwhm_ps=0.0
    )
    assert same == pytest.approx(np.array([0.7253192, 0.5771234]), rel=1e-6)
    assert counter == pytest.approx(np.array([0.2259102, 0.3277140]), rel=1e-6)
    assert (same - counter) / (same + counter) == pytest.approx(np.array([0.5250142, 0.2756400]), rel=1e-6)


def test_the_populations_solve_their_rate_equations() -> None:
    """Second order included: the closed form against an integration of the equations."""
    from scipy.integrate import solve_ivp

    from perospin.spectra.lifetimes.joint import _population_terms

    recombination, flip, kappa = 20.0, 6.0, 1.7
    rate2 = kappa / recombination  # k2 N0 = kappa / tau_r with N0 = 1

    def equations(_: float, n: np.ndarray) -> np.ndarray:
        swap = (n - n[::-1]) / flip
        return -n / recombination - rate2 * n * n.sum() - swap

    time = np.linspace(0.0, 40.0, 30)
    solved = solve_ivp(equations, (0, 40), [0.9, 0.1], t_eval=time, rtol=1e-10, atol=1e-12).y
    terms = _population_terms(recombination, kappa)
    total = sum(share * np.exp(-rate * time) for share, rate in terms)
    oriented = 0.8 * sum(share * np.exp(-(rate + 2 / flip) * time) for share, rate in terms)
    assert solved[0] == pytest.approx(0.5 * (total + oriented), abs=1e-6)
    assert solved[1] == pytest.approx(0.5 * (total - oriented), abs=1e-6)


@pytest.mark.parametrize("lifetime", [7.76, 0.12])
def test_the_lifetimes_of_the_52_material_study_come_back(lifetime: float) -> None:
    """7.76 ps and 0.12 ps are the slowest and the fastest of 10.1039/d5sc07406a, as decay of the difference."""
    population = 100.0
    spin = 1.0 / (1.0 / lifetime - 1.0 / population)
    delay = np.concatenate([np.arange(-0.5, 0.8, 0.02), np.geomspace(0.8, 60.0, 50)])
    same, counter = simulate_pump_probe(
        delay, spin, population_lifetime_ps=population, irf_fwhm_ps=0.12, noise=0.01, seed=2
    )
    fit = fit_pump_probe(delay, same, counter, observable="difference", irf_fwhm_ps=0.12)
    assert fit.settings["convention"] == "difference"
    assert near(fit, "lifetime_ps", lifetime)
    assert abs(fit.lifetime_ps / lifetime - 1) < 0.05


def test_conventions_differ_by_their_factors() -> None:
    same, counter = pair()
    fits = {c: fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2, convention=c) for c in ("polarisation", "flip")}
    difference = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2, convention="difference")
    tau = fits["polarisation"].lifetime_ps
    assert fits["flip"].lifetime_ps == pytest.approx(2 * tau)
    assert difference.lifetime_ps == pytest.approx(1 / (1 / tau + 1 / difference.population_lifetime_ps))
    for name, fit in (*fits.items(), ("difference", difference)):
        assert fit.settings["convention"] == name
        assert "lifetime" in fit.conventions
    assert near(fits["polarisation"], "lifetime_ps", 7.76)
    assert near(fits["polarisation"], "population_lifetime_ps", 100.0)


def test_apparent_lifetime_of_the_difference() -> None:
    """Polarisation 7.76 ps and recombination 100 ps give 7.201188 ps."""
    same, counter = pair(noise=0.0)
    fit = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2, observable="difference")
    assert fit.lifetime_ps == pytest.approx(7.201188, rel=1e-6)
    corrected = fit_pump_probe(
        DELAY, same - counter, irf_fwhm_ps=0.2, population_lifetime_ps=100.0, convention="polarisation"
    )
    assert corrected.lifetime_ps == pytest.approx(7.76, rel=1e-6)


def test_the_three_observables_agree() -> None:
    same, counter = pair(noise=0.005)
    joint = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2)
    ratio = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2, observable="polarisation")
    assert near(joint, "lifetime_ps", 7.76)
    assert near(ratio, "lifetime_ps", 7.76)
    assert joint["lifetime_ps"].uncertainty < 1.2 * ratio["lifetime_ps"].uncertainty
    assert near(fit_populations(DELAY, same, counter, irf_fwhm_ps=0.2), "lifetime_ps", 15.52)


def test_response_and_time_zero_are_fitted_if_unknown() -> None:
    same, counter = pair(lifetime=1.5, time_zero_ps=0.13, irf_fwhm_ps=0.3)
    fit = fit_pump_probe(DELAY, same, counter)
    assert near(fit, "irf_fwhm_ps", 0.3)
    assert near(fit, "time_zero_ps", 0.13)
    assert near(fit, "lifetime_ps", 1.5)
    bounded = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=(0.2, 0.1, 0.5))
    assert bounded.lifetime_ps == pytest.approx(fit.lifetime_ps, rel=1e-4)


def test_a_measured_response_of_any_shape() -> None:
    grid = np.linspace(-0.3, 0.9, 60)
    shape = np.where(grid > 0, np.exp(-grid / 0.15), 0.0) + np.exp(-0.5 * (grid / 0.05) ** 2)
    response = MeasuredResponse.of(grid, shape)
    same = response.decay(DELAY, 100.0) + response.decay(DELAY, 1 / (1 / 0.8 + 1 / 100.0))
    counter = response.decay(DELAY, 100.0) - response.decay(DELAY, 1 / (1 / 0.8 + 1 / 100.0))
    noise = 0.005 * np.random.default_rng(0).normal(size=(2, len(DELAY)))
    fit = fit_pump_probe(DELAY, same + noise[0], counter + noise[1], measured_irf=(grid, shape))
    assert near(fit, "lifetime_ps", 0.8)
    assert "irf_fwhm_ps" not in fit


@pytest.mark.parametrize("lifetime", [0.02, 0.05])
def test_below_a_third_of_the_response_there_is_only_an_upper_bound(lifetime: float) -> None:
    same, counter = pair(lifetime=lifetime)
    fit = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2)
    value = fit["lifetime_ps"]
    assert value.status == "upper bound"
    assert value.value >= lifetime
    assert str(value).startswith("< ")
    assert any("upper bound" in w for w in fit.warnings)
    assert fit.to_record("BA2PbI4", source="Chen").limit == "upper"
    assert fit["flip_time_ps"].status == "upper bound"


def test_two_components_come_out_in_order() -> None:
    from perospin.spectra.signals.irf import gaussian_decay

    rng = np.random.default_rng(0)
    y = 0.4 * gaussian_decay(DELAY, 12.0, 0.2) + 0.6 * gaussian_decay(DELAY, 0.9, 0.2) + 0.1
    y = y + 0.004 * rng.normal(size=len(DELAY))
    fit = fit_pump_probe(DELAY, y, irf_fwhm_ps=0.2, components=2, offset=True)
    assert near(fit, "difference_lifetime_1_ps", 0.9)
    assert near(fit, "difference_lifetime_2_ps", 12.0)
    assert near(fit, "offset", 0.1)
    assert fit.lifetime_ps == pytest.approx(0.6 * 0.9 + 0.4 * 12.0, rel=0.03)


def test_plateau_and_artefact() -> None:
    from perospin.spectra.signals.irf import gaussian_pulse, gaussian_step

    same, counter = pair(lifetime=2.0, noise=0.005)
    same = same + 0.3 * gaussian_step(DELAY, 0.2) + 0.8 * gaussian_pulse(DELAY, 0.2)
    counter = counter + 0.1 * gaussian_step(DELAY, 0.2)
    fit = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2, offset="step", artefact=True)
    assert near(fit, "lifetime_ps", 2.0)
    assert near(fit, "artefact_same", 0.8)
    assert near(fit, "artefact_counter", 0.0)


def test_second_order_recombination() -> None:
    from perospin.spectra.lifetimes.joint import _population_terms
    from perospin.spectra.signals.irf import gaussian_decay

    rng = np.random.default_rng(1)
    terms = _population_terms(30.0, 2.0)
    total = sum(s * gaussian_decay(DELAY, 1 / r, 0.2) for s, r in terms)
    spin = 0.9 * sum(s * gaussian_decay(DELAY, 1 / (r + 1 / 3.0), 0.2) for s, r in terms)
    noise = 0.003 * rng.normal(size=(2, len(DELAY)))
    fit = fit_populations(DELAY, total + spin + noise[0], total - spin + noise[1], order=2, irf_fwhm_ps=0.2)
    assert near(fit, "flip_time_ps", 6.0)
    assert near(fit, "annihilation", 2.0)
    assert near(fit, "population_lifetime_ps", 30.0)


def test_record_holds_value_convention_conditions_and_the_raw_files_hash(tmp_path: Path) -> None:
    path = tmp_path / "sc.csv"
    path.write_text("raw")
    same, counter = pair()
    fit = fit_pump_probe(
        DELAY, same, counter, irf_fwhm_ps=0.2, wavelength_nm=520.0, sources=[Source.of(path)], convention="flip"
    )
    record = fit.to_record("(BA)2PbI4", source="10.1039/d5sc07406a", temperature_k=295.0, fluence_uj_cm2=4.0)
    assert record.property == "tau_spin"
    assert record.value == fit.lifetime_ps
    assert record.uncertainty == fit["lifetime_ps"].uncertainty
    expected = Conditions(
        technique="circularly polarised pump-probe", lifetime_convention="spin_flip", wavelength_nm=520.0,
        temperature_k=295.0, fluence_uj_cm2=4.0,
    )  # fmt: skip
    assert record.conditions == expected
    assert fit.sources[0].sha256 in record.note
    assert record.origin == "sc.csv"
    with pytest.raises(FitError, match="unknown condition 'temperature'"):
        fit.to_record("(BA)2PbI4", source="Chen", temperature=295.0)
    with pytest.raises(FitError, match="offers: lifetime_ps"):
        fit.to_record("(BA)2PbI4", source="Chen", quantity="amplitude")
    with pytest.raises(DataError, match="temperature_k"):
        fit.to_record("(BA)2PbI4", source="Chen", temperature_k=-1.0)


def test_a_fit_travels_between_processes() -> None:
    import copy
    import pickle

    same, counter = pair()
    fit = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2)
    for back in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        assert isinstance(back, SpinFit)
        assert back.report() == fit.report()
    assert Fit.from_json(fit.to_json()).lifetime_ps == fit.lifetime_ps


def test_nothing_heavy_is_loaded_by_the_room() -> None:
    code = "import sys; from perospin.spectra import fit_pump_probe, SignalMap; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"jax", "matplotlib", "rdkit"} & {name.split(".")[0] for name in done.stdout.split()}


def test_saved_and_loaded_it_still_draws_and_records(tmp_path: Path) -> None:
    same, counter = pair()
    fit = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2)
    back = SpinFit.load(fit.save(tmp_path / "fit.json"))
    assert back.to_record("BA2PbI4", source="Chen") == fit.to_record("BA2PbI4", source="Chen")
    figure = back.plot()
    assert figure.axes[1].get_xlabel() == "delay (ps)"
    assert "polarisation" in figure.axes[0].get_title(loc="left")


class TestDataAsTheyCome:
    def test_missing_rows_reversed_axis_and_duplicates_change_nothing_but_warn(self) -> None:
        same, counter = pair()
        clean = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2)
        holes = same.copy()
        holes[5] = np.nan
        back = fit_pump_probe(DELAY[::-1], holes[::-1], counter[::-1], irf_fwhm_ps=0.2)
        assert back.lifetime_ps == pytest.approx(clean.lifetime_ps, rel=1e-3)
        assert any("left out" in w for w in back.warnings)
        assert any("backwards" in w for w in back.warnings)
        twice = fit_pump_probe(*(np.repeat(part, 2) for part in (DELAY, same, counter)), irf_fwhm_ps=0.2)
        assert twice.lifetime_ps == pytest.approx(clean.lifetime_ps, rel=1e-6)
        assert any("more than once" in w for w in twice.warnings)

    def test_bleaches_are_negative(self) -> None:
        same, counter = pair()
        fit = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2)
        bleach = fit_pump_probe(DELAY, -1e-4 * same, -1e-4 * counter, irf_fwhm_ps=0.2)
        assert bleach.lifetime_ps == pytest.approx(fit.lifetime_ps, rel=1e-4)
        assert bleach.initial_polarisation == pytest.approx(fit.initial_polarisation, rel=1e-4)

    def test_femtoseconds(self) -> None:
        same, counter = pair()
        fit = fit_pump_probe(1000 * DELAY, same, counter, irf_fwhm_ps=0.2, delay_unit="fs")
        assert near(fit, "lifetime_ps", 7.76)
        wrong = fit_pump_probe(1000 * DELAY, same, counter)
        assert any("look like fs" in w for w in wrong.warnings)

    def test_no_points_before_time_zero(self) -> None:
        late = DELAY > 0.5
        same, counter = pair()
        fit = fit_pump_probe(DELAY[late], same[late], counter[late])
        assert near(fit, "lifetime_ps", 7.76)
        assert any("before time zero" in w for w in fit.warnings)

    def test_time_zero_may_lie_anywhere_on_the_axis(self) -> None:
        same, counter = pair()
        for shift in (5.0, 300.0, -20.0):
            fit = fit_pump_probe(DELAY + shift, same, counter)
            assert near(fit, "time_zero_ps", shift)
            assert near(fit, "lifetime_ps", 7.76)

    def test_five_points(self) -> None:
        with pytest.raises(FitError, match="only 5 usable points"):
            fit_pump_probe(DELAY[:5], DELAY[:5], DELAY[:5])

    def test_a_saturated_channel(self) -> None:
        same, counter = pair()
        fit = fit_pump_probe(DELAY, np.minimum(same, 1.2), counter, irf_fwhm_ps=0.2)
        assert any("saturated" in w for w in fit.warnings)

    @pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 15), marks=pytest.mark.slow)])
    def test_pure_noise_gives_no_lifetime(self, seeds: range) -> None:
        told = 0
        for seed in seeds:
            noise = np.random.default_rng(seed).normal(size=(2, len(DELAY)))
            fit = fit_pump_probe(DELAY, noise[0], noise[1], irf_fwhm_ps=0.2)
            if "stands out of the noise" in "".join(fit.warnings):
                told += 1
                assert fit.warnings[0].startswith("no ")
                assert fit["lifetime_ps"].status == fit["flip_time_ps"].status == "undetermined"
                assert fit["difference_lifetime_ps"].status == "undetermined"
                if fit.warnings[0].startswith("no signal"):
                    assert fit["time_zero_ps"].status == fit["population_lifetime_ps"].status == "undetermined"
        assert told >= len(seeds) - 2  # five in a hundred may pass

    def test_noise_about_a_background_and_a_noisy_difference(self) -> None:
        noise = np.random.default_rng(3).normal(size=(2, len(DELAY)))
        assert fit_pump_probe(DELAY, noise[0] + 5.0, noise[1] + 5.0)["lifetime_ps"].status == "undetermined"
        alone = fit_pump_probe(DELAY, noise[0], irf_fwhm_ps=0.2)
        assert alone["lifetime_ps"].status == "undetermined"
        assert alone.warnings[0].startswith("no signal stands out of the noise in SC - CC")

    def test_a_population_without_polarisation(self) -> None:
        same, counter = pair(initial_polarisation=0.0)
        fit = fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2)
        assert fit.warnings[0].startswith("no polarisation stands out of the noise in SC - CC")
        assert fit["lifetime_ps"].status == "undetermined"
        assert near(fit, "population_lifetime_ps", 100.0)

    def test_a_weak_signal_is_one(self) -> None:
        same, counter = pair(noise=0.5)
        assert not any("stands out" in w for w in fit_pump_probe(DELAY, same, counter, irf_fwhm_ps=0.2).warnings)

    @pytest.mark.slow
    def test_a_million_points(self) -> None:
        delay = np.linspace(-1.0, 50.0, 1_000_000)
        same, counter = simulate_pump_probe(delay, 7.76, irf_fwhm_ps=0.2, noise=0.1, seed=0)
        fit = fit_pump_probe(delay, same - counter, irf_fwhm_ps=0.2)
        assert near(fit, "lifetime_ps", 7.201188)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"observable": "sum"}, "unknown observable"),
        ({"convention": "tau"}, "unknown convention"),
        ({"components": 3}, "components must be 1 or 2"),
        ({"observable": "difference", "convention": "flip"}, "contains recombination"),
        ({"observable": "polarisation", "convention": "difference"}, "no recombination in it"),
        ({"irf_fwhm_ps": -0.1}, "must be 0"),
        ({"irf_fwhm_ps": 0.1, "measured_irf": ([0, 1, 2], [0, 1, 0])}, "not both"),
        ({"irf_fwhm_ps": 0, "artefact": True}, "follows the response"),
        ({"observable": "difference", "population_lifetime_ps": 3.0, "irf_fwhm_ps": 0.2}, "not faster than"),
        ({"params": {"tau": fixed(1.0)}}, "no parameter 'tau'"),
    ],
)
def test_errors(arguments: dict, words: str) -> None:
    same, counter = pair()
    with pytest.raises(FitError, match=words):
        fit_pump_probe(DELAY, same, counter, **arguments)


def test_one_trace_has_no_polarisation() -> None:
    with pytest.raises(FitError, match="needs both traces"):
        fit_pump_probe(DELAY, DELAY, observable="joint")
    with pytest.raises(FitError, match="order is 3"):
        fit_populations(DELAY, *pair(), order=3)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_step_between_two_points_leaves_the_lifetime_determined() -> None:
    """Points far wider than the response: time zero and response can't be told, the decay can, with an honest error."""
    delay = np.arange(-20, 200) * 0.1
    pulls = []
    for seed in range(6):
        same, counter = simulate_pump_probe(delay, 7.76, irf_fwhm_ps=0.0, noise=0.005, seed=seed)
        fit = fit_pump_probe(delay, same, counter)
        assert fit["lifetime_ps"].status == "derived"
        assert fit["initial_polarisation"].status == "fitted"
        if fit["irf_fwhm_ps"].status == "fixed":
            assert any("narrower than the spacing" in sentence for sentence in fit.warnings)
        known = fit_pump_probe(delay, same, counter, irf_fwhm_ps=0.05)
        assert fit.uncertainty["lifetime_ps"] == pytest.approx(known.uncertainty["lifetime_ps"], rel=0.25)
        pulls.append((fit.lifetime_ps - 7.76) / fit.uncertainty["lifetime_ps"])
    assert np.sqrt(np.mean(np.square(pulls))) < 2.0


def test_channels_of_different_gain_are_told():
    delay_ps = np.concatenate([np.arange(-2, 3, 0.1), np.geomspace(3, 100, 40)])
    for seed in range(10):
        same, counter = simulate_pump_probe(delay_ps, 7.8, irf_fwhm_ps=0.3, noise=0.01, seed=seed)
        assert not any("times SC" in w for w in fit_pump_probe(delay_ps, same, counter).warnings)
    for gain in (0.8, 0.95, 1.3):
        said = [w for w in fit_pump_probe(delay_ps, same, gain * counter).warnings if "times SC" in w]
        assert len(said) == 1
        told = float(said[0].split("CC is ")[1].split(" times")[0])
        assert told == pytest.approx(gain, abs=0.03)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spins_that_outlive_the_population_are_bounded_from_below(seed: int) -> None:
    delay = np.linspace(-5.0, 200.0, 400)
    same, counter = simulate_pump_probe(delay, 1e6, population_lifetime_ps=40.0, noise=0.01, seed=seed)
    fit = fit_pump_probe(delay, same, counter)
    assert fit["polarisation_lifetime_ps"].status == fit["lifetime_ps"].status == "lower bound"
    assert 400.0 < fit.lifetime_ps < 1e6
    assert fit["difference_lifetime_ps"].status == "derived"
    assert near(fit, "difference_lifetime_ps", 1.0 / (1e-6 + 1.0 / 40.0))
