"""Data that no one here made: read, corrected, decomposed, and the lifetimes that skultrafast finds."""

from __future__ import annotations

import pytest

from perospin.measurements import SignalMap
from perospin.spectra import decompose, fit_map
from spectra.measured_pump_probe import measured_maps

# skultrafast 4.2: TimeResSpec(wl, t, data).fit_exp([0, 0.001, *starts, 1e5]) on the same map from 0.4 ps on
SKULTRAFAST = {1: [(3.65366, 0.10743)], 2: [(0.614786, 0.051046), (6.70080, 0.36586)]}


@pytest.fixture(scope="module")
def maps() -> dict[str, SignalMap]:
    return measured_maps()


def test_signal_stands_out_of_the_noise(maps: dict[str, SignalMap]) -> None:
    assert maps["iso"].shape == (129, 96)
    found = decompose(maps["iso"])
    assert found.significant >= 2
    assert "background" in maps["para"].history[0]


@pytest.mark.parametrize("components", [1, 2])
def test_same_lifetimes_as_skultrafast(maps: dict[str, SignalMap], components: int) -> None:
    late = maps["iso"].crop(delay_ps=(0.4, 100.0))
    fit = fit_map(late, components=components, plateau=True, irf_fwhm_ps=0)
    for i, (value, error) in enumerate(SKULTRAFAST[components]):
        own = fit[f"lifetime_{i + 1}_ps"]
        assert own.value == pytest.approx(value, rel=2e-3)
        assert own.uncertainty == pytest.approx(error, rel=0.1)
    assert any("common to the wavelengths" in w for w in fit.warnings)


def test_the_pair_in_one_fit(maps: dict[str, SignalMap]) -> None:
    """Parallel and perpendicular as a pair: what they share decays as the isotropic signal, the difference faster."""
    window = (0.4, 100.0)
    fit = fit_map(maps["para"].crop(window), maps["perp"].crop(window), plateau=True, irf_fwhm_ps=0)
    assert fit["population_lifetime_ps"].value == pytest.approx(3.65, rel=0.1)
    assert fit["lifetime_ps"].status == "derived"
    assert 0.5 < fit.lifetime_ps < fit.population_lifetime_ps
