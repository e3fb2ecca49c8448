from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from perospin.errors import FitError
from perospin.measurements import SpinFit
from perospin.spectra.chirality.absorption_edge import elliott, fit_absorption_edge

E = np.linspace(2.2, 2.8, 241)


def simulated(
    binding_mev: float, width_mev: float, noise: float = 0.004, dimension: Literal[2, 3] = 3, seed: int = 0
) -> np.ndarray:
    rydberg = 1e-3 * binding_mev / (1 if dimension == 3 else 4)
    shape = np.add(*elliott(E, 2.5, rydberg, 1e-3 * width_mev, dimension=dimension))
    draw = np.random.default_rng(seed)
    return 0.05 + 0.5 * shape / shape.max() + noise * draw.normal(size=len(E))


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("lineshape", ["gaussian", "sech"])
def test_the_formula_is_the_broadened_sum_of_its_parts(
    dimension: Literal[2, 3], lineshape: Literal["gaussian", "sech"]
) -> None:
    """Against 4000 bound states and numerical quadrature of the continuum."""
    gap, rydberg, width = 2.4, 0.03, 0.012
    at = np.array([2.3, 2.37, 2.395, 2.4, 2.45, 2.6])

    def line(x: np.ndarray | float) -> np.ndarray | float:
        if lineshape == "gaussian":
            return np.exp(-0.5 * (x / width) ** 2) / np.sqrt(2 * np.pi) / width
        return 1 / np.cosh(np.clip(x / width, -300, 300)) / np.pi / width

    def free(e: float) -> float:
        screened = np.exp(-2 * np.pi / np.sqrt((e - gap) / rydberg))
        return float(2 * np.pi / (1 - screened) if dimension == 3 else 2 / (1 + screened))

    n = np.arange(1, 4001) - (0.0 if dimension == 3 else 0.5)
    strength = (4 * np.pi if dimension == 3 else 4.0) / n**3 * rydberg
    expected = [
        np.sum(strength * line(x - gap + rydberg / n**2))
        + quad(lambda e, x=x: free(e) * line(x - e), gap, gap + 2, points=[max(x, gap + 1e-6)], limit=500)[0]
        for x in at
    ]
    found = np.add(*elliott(at, gap, rydberg, width, dimension=dimension, lineshape=lineshape))
    assert np.allclose(found, expected, rtol=3e-5)


def test_far_above_the_gap_carriers_are_free() -> None:
    _, bulk = elliott(np.array([2.4 + 100.0]), 2.4, 0.001, 0.01, dimension=3)
    _, layer = elliott(np.array([2.4 + 100.0]), 2.4, 0.001, 0.01, dimension=2)
    assert bulk[0] == pytest.approx(np.sqrt(1e5), rel=0.02)
    assert layer[0] == pytest.approx(1.0, rel=0.02)


@settings(max_examples=20)
@given(st.floats(0.5, 3.0), st.floats(0.005, 0.2), st.floats(0.004, 0.1))
def test_absorption_is_never_negative_and_follows_the_gap(shift: float, rydberg: float, width: float) -> None:
    one = np.add(*elliott(E, 2.5, rydberg, width))
    two = np.add(*elliott(E + shift, 2.5 + shift, rydberg, width))
    assert (one >= 0).all()
    assert np.allclose(one, two, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("binding", "width"), [(60.0, 20.0), (20.0, 10.0)])
def test_bulk_values_come_back(binding: float, width: float) -> None:
    fit = fit_absorption_edge(E, simulated(binding, width))
    assert abs(fit.exciton_binding_energy_mev - binding) < 4 * fit["exciton_binding_energy_mev"].uncertainty
    assert fit["exciton_binding_energy_mev"].uncertainty < 0.05 * binding
    assert fit.gap_ev == pytest.approx(2.5, abs=0.003)
    assert fit.width_mev == pytest.approx(width, rel=0.05)
    assert fit.exciton_energy_ev == pytest.approx(fit.gap_ev - 1e-3 * fit.exciton_binding_energy_mev)


def test_layer_values_come_back_and_become_a_record() -> None:
    fit = fit_absorption_edge(E, simulated(160.0, 25.0, dimension=2), dimension=2)
    assert fit.exciton_binding_energy_mev == pytest.approx(160.0, rel=0.05)
    assert any("dielectric confinement" in w for w in fit.warnings)
    record = fit.to_record("(BA)2PbI4", source="Someone", temperature_k=80.0)
    assert (record.property, record.unit) == ("exciton_binding_energy", "meV")
    assert "2D" in record.conditions.technique
    assert fit.to_record("(BA)2PbI4", source="Someone", quantity="gap_ev").property == "band_gap"


def test_a_washed_out_edge_is_doubted() -> None:
    fit = fit_absorption_edge(E, simulated(12.0, 45.0, noise=0.01))
    value = fit["exciton_binding_energy_mev"]
    assert value.status != "fitted" or any("no exciton peak stands out" in w for w in fit.warnings)


def test_a_window_and_a_reversed_axis() -> None:
    data = simulated(60.0, 20.0)
    extra = data + np.where(E > 2.7, 2.0, 0.0)  # the next band
    fit = fit_absorption_edge(E[::-1], extra[::-1], window_ev=(2.25, 2.69))
    assert fit.exciton_binding_energy_mev == pytest.approx(60.0, rel=0.1)


def test_mistakes() -> None:
    data = simulated(60.0, 20.0)
    with pytest.raises(FitError, match="dimension is 1"):
        fit_absorption_edge(E, data, dimension=1)  # type: ignore[arg-type]
    with pytest.raises(FitError, match="lineshape is 'voigt'"):
        fit_absorption_edge(E, data, lineshape="voigt")  # type: ignore[arg-type]
    with pytest.raises(FitError, match="background is 'cubic'"):
        fit_absorption_edge(E, data, background="cubic")  # type: ignore[arg-type]
    with pytest.raises(FitError, match="the window 3 to 4 eV holds 0 points"):
        fit_absorption_edge(E, data, window_ev=(3.0, 4.0))
    with pytest.raises(FitError, match="above zero"):
        fit_absorption_edge(E - 3.0, data)


def test_a_saved_fit_draws_itself() -> None:
    again = SpinFit.from_json(fit_absorption_edge(E, simulated(60.0, 20.0)).to_json())
    assert again.plot().axes[1].get_xlabel() == "photon energy (eV)"
