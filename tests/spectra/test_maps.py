"""Maps: axes, background, chirp, components, global analysis of one map and of a pair."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from perospin.errors import FitError
from perospin.measurements import SignalMap, SpinFit, plot_maps
from perospin.spectra import (
    correct_background,
    correct_chirp,
    decompose,
    find_chirp,
    fit_map,
    fit_pump_probe,
    kinetics,
    plot_kinetics,
    simulate_map_pair,
)
from recovering import near

DELAY = np.concatenate([np.arange(-1.0, 1.5, 0.05), np.geomspace(1.5, 500.0, 60)])
WAVELENGTH = np.linspace(480.0, 560.0, 24)


@pytest.fixture(scope="module")
def pair() -> tuple[SignalMap, SignalMap]:
    return simulate_map_pair(DELAY, WAVELENGTH, 3.0, noise=0.05, seed=1)


class TestSignalMap:
    def test_axes_are_sorted_and_frozen(self) -> None:
        m = SignalMap([2.0, 1.0], [500.0, 400.0, 450.0], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        assert m.delay_ps.tolist() == [1.0, 2.0]
        assert m.signal.tolist() == [[5.0, 6.0, 4.0], [2.0, 3.0, 1.0]]
        with pytest.raises(ValueError, match="read-only"):
            m.signal[0, 0] = 1.0

    def test_travels_between_processes(self, pair: tuple[SignalMap, SignalMap]) -> None:
        back = pickle.loads(pickle.dumps(pair[0]))
        assert back.same_axes(pair[0])
        assert np.array_equal(back.signal, pair[0].signal)

    def test_cuts(self) -> None:
        m = SignalMap([0.0, 1.0], [400.0, 450.0, 500.0], [[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])
        assert m.at_wavelength(452.0).tolist() == [2.0, 5.0]
        assert m.at_wavelength(450.0, 200.0).tolist() == [1.5, 5.0]
        assert m.at_delay(0.9).tolist() == [4.0, 5.0, 6.0]
        assert m.crop(wavelength_nm=(460, 390)).shape == (2, 2)
        with pytest.raises(FitError, match="outside the map"):
            m.at_wavelength(600.0)
        with pytest.raises(FitError, match="nothing of the map"):
            m.crop(delay_ps=(5, 6))

    def test_sums_need_the_same_axes(self, pair: tuple[SignalMap, SignalMap]) -> None:
        same, counter = pair
        assert (same - counter).name == "SC - CC"
        assert (same + counter).signal == pytest.approx(same.signal + counter.signal)
        with pytest.raises(FitError, match="different axes"):
            _ = same - counter.crop(delay_ps=(0, 10))

    def test_shape_errors_say_what_would_be_right(self) -> None:
        with pytest.raises(FitError, match="transpose it"):
            SignalMap([0.0, 1.0], [400.0, 450.0, 500.0], np.zeros((3, 2)))
        with pytest.raises(FitError, match="not a number"):
            SignalMap(["a"], [400.0], [[1.0]])
        with pytest.raises(FitError, match="finite"):
            SignalMap([np.nan], [400.0], [[1.0]])


class TestCorrections:
    def test_background(self, pair: tuple[SignalMap, SignalMap]) -> None:
        same, _ = pair
        scattered = np.linspace(-3.0, 5.0, len(WAVELENGTH))
        dirty = SignalMap(DELAY, WAVELENGTH, same.signal + scattered, name="dirty")
        clean = correct_background(dirty)
        assert clean.signal == pytest.approx(same.signal, abs=0.08)
        assert "subtracted" in clean.history[-1]
        with pytest.raises(FitError, match="before the rise"):
            correct_background(same.crop(delay_ps=(0.2, 500)))
        with pytest.raises(FitError, match="at or before"):
            correct_background(same, before_ps=-10.0)

    def test_chirp_is_found_and_taken_out(self) -> None:
        wavelength = np.linspace(480.0, 560.0, 48)
        same, _ = simulate_map_pair(DELAY, wavelength, 3.0, noise=0.03, seed=2, chirp=0.5)
        chirp = find_chirp(same)
        bright = np.abs(same.at_delay(1.0)) > 1.0
        truth = 0.5 * ((wavelength - 480.0) / 80.0) ** 2
        assert chirp(wavelength)[bright] == pytest.approx(truth[bright], abs=0.03)
        flat = correct_chirp(same, chirp)
        again = find_chirp(flat, degree=1)
        assert np.ptp(again(wavelength[bright])) < 0.04
        assert "t0 = " in flat.history[-1]

    def test_noise_has_no_chirp(self) -> None:
        noise = SignalMap(DELAY, WAVELENGTH, np.random.default_rng(0).normal(size=(len(DELAY), len(WAVELENGTH))))
        with pytest.raises(FitError, match="show a rise"):
            find_chirp(noise, window_ps=(-0.8, 0.8))


class TestDecomposition:
    @pytest.mark.parametrize("rank", [0, 1, 3])
    def test_counts_components(self, rank: int) -> None:
        rng = np.random.default_rng(rank)
        signal = rng.normal(size=(120, rank)) @ rng.normal(size=(rank, 60)) + 0.1 * rng.normal(size=(120, 60))
        found = decompose(SignalMap(np.arange(120.0), np.arange(60.0), signal))
        assert found.significant == rank
        assert found.noise == pytest.approx(0.1, rel=0.15)
        assert decompose(SignalMap(np.arange(120.0), np.arange(60.0), signal), noise=0.1).significant == rank
        assert found.signal(60) == pytest.approx(signal)

    def test_two_bands_are_two_components(self, pair: tuple[SignalMap, SignalMap]) -> None:
        found = decompose(pair[0])
        assert found.significant == 2
        assert len(found.plot().axes) == 3

    def test_missing_points(self) -> None:
        with pytest.raises(FitError, match="missing points"):
            decompose(SignalMap([0.0, 1.0], [1.0, 2.0], [[np.nan, 1.0], [1.0, 2.0]]))


class TestGlobalAnalysis:
    def test_one_map(self) -> None:
        total = [m.signal for m in simulate_map_pair(DELAY, WAVELENGTH, 3.0, noise=0.05, seed=1)]
        fit = fit_map(SignalMap(DELAY, WAVELENGTH, total[0] + total[1], "mOD"), components=2)
        assert near(fit, "lifetime_1_ps", 5.0)
        assert near(fit, "lifetime_2_ps", 200.0)
        assert near(fit, "irf_fwhm_ps", 0.2)
        spectra, error = fit.arrays["spectra"][:2], fit.arrays["spectra_uncertainties"][:2]
        assert fit.settings["terms"] == ["lifetime_1_ps", "lifetime_2_ps", "background"]
        assert np.abs(fit.arrays["spectra"][2] / fit.arrays["spectra_uncertainties"][2]).max() < 4.0
        assert len(fit_map(SignalMap(DELAY, WAVELENGTH, total[0]), background=False).settings["terms"]) == 2
        truth = np.array([-20.0, 12.0])[:, None] * np.exp(
            -0.5 * ((WAVELENGTH - np.array([520 + 4.0, 520 - 16.8])[:, None]) / 6.4) ** 2
        )
        pulls = (spectra - truth) / error
        assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.4)

    def test_lifetimes_ascend_whatever_the_start(self, pair: tuple[SignalMap, SignalMap]) -> None:
        both = pair[0] + pair[1]
        plain = fit_map(both, components=2)
        turned = fit_map(both, components=2, params={"lifetime_1_ps": 150.0, "lifetime_2_ps": 6.0})
        for name in plain.names:
            assert turned[name].value == pytest.approx(plain[name].value, rel=1e-4, abs=1e-5)
            assert turned[name].uncertainty == pytest.approx(plain[name].uncertainty, rel=1e-3)
        assert turned.arrays["spectra"] == pytest.approx(plain.arrays["spectra"], abs=1e-3)
        assert turned.correlation.to_numpy() == pytest.approx(
            plain.correlation.loc[list(turned.correlation), list(turned.correlation)].to_numpy(), abs=0.01
        )

    def test_pair_gives_the_spin_lifetime(self, pair: tuple[SignalMap, SignalMap]) -> None:
        fit = fit_map(*pair, population_components=2)
        assert near(fit, "lifetime_ps", 3.0)
        assert near(fit, "population_lifetime_1_ps", 5.0)
        assert near(fit, "population_lifetime_2_ps", 200.0)
        assert fit["flip_time_ps"].value == pytest.approx(2 * fit.lifetime_ps)
        bright = np.abs(pair[0].at_delay(0.5)) > 3.0
        assert fit.arrays["initial_polarisation"][bright] == pytest.approx(0.8, abs=0.1)
        record = fit.to_record("BA2PbI4", source="Chen")
        assert record.conditions.lifetime_convention == "polarisation_decay"
        back = SpinFit.from_json(fit.to_json())
        assert back.report() == fit.report()
        assert back.plot().axes[0].get_ylabel() == "amplitude (mOD)"

    def test_joint_map_fit_agrees_with_the_trace_fit(self) -> None:
        same, counter = simulate_map_pair(DELAY, WAVELENGTH, 3.0, population_lifetime_ps=80.0, noise=0.05, seed=3)
        joint = fit_map(same, counter, convention="flip")
        at = float(WAVELENGTH[np.argmax(np.abs(same.at_delay(0.5)))])
        trace = fit_pump_probe(DELAY, same.at_wavelength(at), counter.at_wavelength(at), convention="flip")
        error = np.hypot(joint["lifetime_ps"].uncertainty, trace["lifetime_ps"].uncertainty)
        assert abs(joint.lifetime_ps - trace.lifetime_ps) < 4 * error
        assert joint["lifetime_ps"].uncertainty < 0.7 * trace["lifetime_ps"].uncertainty

    def test_plateau_background_and_artefact_are_separated(self, pair: tuple[SignalMap, SignalMap]) -> None:
        extra = 0.5 + 2.0 * (DELAY > 0)[:, None] * np.exp(-0.5 * ((WAVELENGTH - 540) / 5) ** 2)
        one = SignalMap(DELAY, WAVELENGTH, pair[0].signal + pair[1].signal + extra, "mOD")
        fit = fit_map(one, components=2, plateau=True, background=True, artefact=True, irf_fwhm_ps=0.2)
        terms = list(fit.settings["terms"])
        assert near(fit, "lifetime_1_ps", 5.0, 5.0)
        assert fit.arrays["spectra"][terms.index("background")] == pytest.approx(0.5, abs=0.1)
        peak = fit.arrays["spectra"][terms.index("plateau")][np.argmin(np.abs(WAVELENGTH - 540))]
        assert peak == pytest.approx(2.0, abs=0.25)

    def test_missing_points_and_dead_channels(self, pair: tuple[SignalMap, SignalMap]) -> None:
        signal = (pair[0] + pair[1]).signal.copy()
        signal[:, 0] = np.nan
        signal[20, 5] = np.nan
        fit = fit_map(SignalMap(DELAY, WAVELENGTH, signal), components=2)
        assert len(fit.arrays["wavelength_nm"]) == len(WAVELENGTH) - 1
        assert near(fit, "lifetime_1_ps", 5.0)
        assert any("left out" in w for w in fit.warnings)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"components": 9}, "1 to 5 components"),
            ({"convention": "difference"}, "unknown convention"),
            ({"irf_fwhm_ps": 0, "artefact": True}, "follows the response"),
        ],
    )
    def test_errors(self, pair: tuple[SignalMap, SignalMap], arguments: dict, words: str) -> None:
        with pytest.raises(FitError, match=words):
            fit_map(pair[0], **arguments)
        with pytest.raises(FitError, match="different axes"):
            fit_map(pair[0], pair[1].crop(delay_ps=(-1, 100)))


def test_kinetics_and_pictures(pair: tuple[SignalMap, SignalMap]) -> None:
    table = kinetics(pair[0], [500.0, 524.0])
    assert list(table) == ["delay_ps", "500", "524"]
    assert np.array_equal(table["524"], pair[0].at_wavelength(524.0))
    figure = plot_maps(*pair, pair[0] - pair[1])
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == ["SC", "CC", "SC - CC"]
    assert figure.axes[0].get_ylabel() == "delay (ps)"
    assert plot_kinetics(pair[0], [500.0, 524.0]).axes[0].get_ylabel() == "signal (mOD)"
    assert pair[0].plot().axes[0].get_xlabel() == "wavelength (nm)"


def simulated(seed: int, artefact: bool) -> tuple[SignalMap, dict[str, float]]:
    """Map with 2 to 40 % of its rows before the pump, at some other time zero, perhaps on a background."""
    from perospin.spectra.signals.irf import gaussian_decay, gaussian_pulse

    rng = np.random.default_rng(seed)
    n, m, width = int(rng.choice([60, 115, 200])), int(rng.choice([4, 9, 16])), float(rng.choice([0.1, 0.2, 0.4]))
    before, zero, times = (
        max(1, round(rng.uniform(0.02, 0.4) * n)),
        float(rng.choice([-0.3, 0.0, 0.4, 1.7])),
        [0.5, 20.0],
    )
    step = width * rng.uniform(0.2, 0.5)
    after = step * (np.arange((n - before) // 2) + 0.5)
    late = np.geomspace(after[-1] + step, 60.0, n - before - len(after))
    delay = zero + np.concatenate([-step * (np.arange(before)[::-1] + 0.5), after, late])
    since = delay - zero
    signal = sum(gaussian_decay(since, t, width)[:, None] * rng.normal(size=m) for t in times)
    signal = signal + rng.choice([0.0, 0.3]) * rng.normal(size=m)
    if artefact:
        pulse = gaussian_pulse(since / width, 1.0)
        signal = signal + pulse[:, None] * rng.normal(size=m) + (pulse * since / width)[:, None] * rng.normal(size=m)
    signal = signal + 0.01 * rng.normal(size=signal.shape)
    truth = {"time_zero_ps": zero, "irf_fwhm_ps": width, "lifetime_1_ps": 0.5, "lifetime_2_ps": 20.0}
    return SignalMap(delay, np.linspace(450.0, 650.0, m), signal, "mOD"), truth


@pytest.mark.slow
@pytest.mark.parametrize("artefact", [False, True])
def test_defaults_hold_wherever_the_pump_comes(artefact: bool) -> None:
    pulls = []
    for seed in range(6):
        signal_map, truth = simulated(seed, artefact)
        fit = fit_map(signal_map, components=2, artefact=artefact)
        for name, value in truth.items():
            assert fit[name].status == "fitted", (seed, name)
            pulls.append((fit[name].value - value) / fit[name].uncertainty)
    assert np.max(np.abs(pulls)) < 3.7  # of 24 values
    assert np.sqrt(np.mean(np.square(pulls))) < 1.5


def test_background_does_not_reach_into_the_rise() -> None:
    same, _ = simulate_map_pair(DELAY + 0.5, WAVELENGTH, 3.0, noise=0.05, seed=1)
    limit = float(correct_background(same).history[-1].split("up to ")[1].split(" ps")[0])
    assert limit <= -0.25  # the response, FWHM 0.2 ps, is at time zero 0


def test_an_artefact_alone_and_a_given_chirp() -> None:
    from perospin.spectra import Chirp
    from perospin.spectra.signals.irf import gaussian_pulse

    delay, rng = np.linspace(-1.0, 1.0, 101), np.random.default_rng(0)
    wavelength = np.linspace(450.0, 650.0, 12)
    zeros = 0.1 + 0.2 * (wavelength - 500.0) / 100.0
    pulses = np.stack([gaussian_pulse(delay - z, 0.15) for z in zeros], axis=1)
    solvent = SignalMap(delay, wavelength, pulses + 0.005 * rng.normal(size=pulses.shape))
    flat = correct_chirp(solvent, Chirp((0.1, 0.2)))
    assert "as given" in flat.history[-1]
    fit = fit_map(flat, components=0, artefact=True, background=False)
    assert fit["irf_fwhm_ps"].value == pytest.approx(0.15, abs=0.02)
    with pytest.raises(FitError, match="finite coefficients"):
        Chirp(())
