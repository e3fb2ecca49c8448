"""Every precession and relaxation fit draws itself, also after a journey through a file, with units on its axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perospin.measurements import SpinFit
from perospin.spectra import (
    extrapolate_power,
    fit_hanle,
    fit_kerr,
    fit_kerr_series,
    fit_nuclear_precession,
    fit_odmr,
    fit_odmr_series,
    fit_polarisation_power,
    fit_resonance_width,
    fit_resonant_amplification,
    fit_spin_inertia,
    fit_spin_valve,
    fit_t1_field,
    fit_t1_temperature,
)
from perospin.spectra.figures.series import time_scale
from perospin.spectra.signals import simulate

DELAY = np.linspace(0.0, 2000.0, 200)
FIELD = np.linspace(-0.1, 0.1, 101)
MODULATION = np.geomspace(50.0, 1e5, 20)
FIELDS = (0.2, 0.5, 1.0)


def kerr_traces() -> list[tuple[Any, Any]]:
    return [
        (
            DELAY,
            simulate.kerr_trace(DELAY, field_t=b, g_factor=2.0, dephasing_time_ps=800 / (1 + b), noise=0.02, seed=i),
        )
        for i, b in enumerate(FIELDS)
    ]


def spectrum(frequency: float) -> SpinFit:
    field = np.linspace(0, 0.2, 150)
    signal = simulate.odmr_spectrum(
        field, frequency_ghz=frequency, g_factor=[1.7, 0.8], g_spread=0.15, nuclear_field_t=0.012, noise=0.01
    )
    return fit_odmr(field, signal, frequency_ghz=frequency, components=2, background="line")


def inertia(components: int, detection: str = "magnitude") -> SpinFit:
    sizes: dict[str, Any] = {"t1_ps": [900e6, 30e6], "amplitude": [0.6, 0.4]} if components == 2 else {"t1_ps": 130e6}
    signal = simulate.inertia_curve(MODULATION, **sizes, noise=0.003) + 0.1
    return fit_spin_inertia(MODULATION, signal, components=components, detection=detection, offset=True)  # type: ignore[arg-type]


T1 = np.array([1.0, 2.0, 4.0, 5.0, 5.5]) * 1e8
FITS = {
    "kerr": lambda: fit_kerr(*kerr_traces()[0], field_t=0.2),
    "kerr series": lambda: fit_kerr_series(kerr_traces(), FIELDS, joint=False, g_signs=[-1], offset=True),
    "kerr joint": lambda: fit_kerr_series(kerr_traces(), FIELDS),
    "nuclear": lambda: fit_nuclear_precession(DELAY, simulate.nuclear_trace(DELAY, nuclear_field_t=0.02, g_factor=2.0)),
    "amplification": lambda: fit_resonant_amplification(
        FIELD / 5,
        simulate.resonant_amplification_curve(
            FIELD / 5, g_factor=2.0, dephasing_time_ps=8000.0, period_ps=13158.0, delay_ps=13158.0),
        13158.0,
    ),
    "hanle": lambda: fit_hanle(
        FIELD, simulate.hanle_curve(FIELD, g_factor=2.0, lifetime_ps=500.0, spin_lifetime_ps=900.0, noise=0.01)
    ),
    "spin valve": lambda: fit_spin_valve(
        FIELD, simulate.spin_valve_curve(FIELD, lifetime_ps=500.0, diffusion_cm2_s=190.0, length_um=2.1), length_um=2.1
    ),
    "odmr": lambda: spectrum(1.0),
    "odmr, one line beyond the magnet": lambda: spectrum(2.5),
    "odmr series": lambda: fit_odmr_series([spectrum(f) for f in (0.6, 0.9, 1.2)]),
    "odmr widths": lambda: fit_resonance_width([spectrum(f) for f in (0.6, 0.9, 1.2)]),
    "inertia": lambda: inertia(1),
    "inertia, two species": lambda: inertia(2),
    "inertia, in phase": lambda: inertia(1, "in phase"),
    "power": lambda: extrapolate_power([1.0, 2.0, 3.0], [1.1e-8, 2.0e-8, 2.9e-8], sigma_rate_per_ps=1e-10),
    "polarisation": lambda: fit_polarisation_power([0.1, 1.0, 2.0, 5.0, 9.0], [0.3, 0.22, 0.18, 0.11, 0.075]),
    "t1 field": lambda: fit_t1_field([0.02, 0.03, 0.05, 0.1, 0.2], T1),
    "t1 temperature": lambda: fit_t1_temperature([10.0, 8.0, 6.0, 3.0, 1.6], T1, sigma_t1_ps=0.1 * T1),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_it_draws_itself(name, tmp_path):
    fit = SpinFit.load(FITS[name]().save(tmp_path / "fit.json"))
    figure = fit.plot()
    figure.savefig(tmp_path / "fit.png", dpi=60)
    assert (tmp_path / "fit.png").stat().st_size > 3000
    bottom = figure.axes[-1]
    assert any(unit in bottom.get_xlabel() for unit in ("(ps)", "(T)", "(mT)", "(Hz)", "(GHz)", "(mW)", "(K)"))
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert fit.plot(title="My sample").axes[0].get_title(loc="left") == "My sample"


@pytest.mark.parametrize(
    ("time", "unit"), [(3e12, "s"), (2e9, "ms"), (5e6, "µs"), (4e3, "ns"), (7.0, "ps"), (0.1, "fs")]
)  # fmt: skip
def test_units_of_time(time, unit):
    scale, name = time_scale([time])
    assert name == unit
    assert 1.0 <= time / scale < 1000.0


def test_a_law_of_which_parts_are_undetermined_is_drawn(tmp_path):
    temperature_k = np.array([1.6, 2, 3, 4, 5, 6, 8, 10.0])
    for seed in range(3):
        t1_ps = 5e8 * np.exp(0.07 * np.random.default_rng(seed).standard_normal(8))
        fit_t1_temperature(temperature_k, t1_ps).plot().savefig(tmp_path / "fit.png", dpi=60)


def test_the_title_says_what_is_undetermined():
    temperature_k = np.array([1.6, 2, 3, 4, 5, 6, 8, 10.0])
    seen = set()
    for seed in range(6):
        t1_ps = 5e8 * np.exp(0.07 * np.random.default_rng(seed).standard_normal(8))
        fit = fit_t1_temperature(temperature_k, t1_ps)
        title = fit.plot().axes[0].get_title(loc="left")
        status = fit["activation_energy_mev"].status
        seen.add(status)
        assert "nan" not in title
        assert ("undetermined" in title) == (status == "undetermined")
    assert "undetermined" in seen


@pytest.mark.parametrize("name", FITS)
def test_the_title_names_the_material_and_the_value_with_its_error(name):
    fit = FITS[name]()
    axes = fit.plot(material="(PEA)2PbI4").axes
    title = axes[0].get_title(loc="left").replace("\n", " ")
    assert title.startswith("(PEA)$_{2}$PbI$_{4}$")
    assert fit.stated().replace(" us", " µs") in title
    for part in axes:
        assert not part.get_ylabel().endswith(("signal", "rotation")), "a signal has a unit, or says it is arbitrary"


def test_a_figure_keeps_the_units_of_the_file():
    fit = fit_kerr(*kerr_traces()[0], field_t=0.2).with_settings(x_unit="ns", signal_unit="mrad")
    top, bottom = fit.plot().axes
    assert (top.get_ylabel(), bottom.get_xlabel()) == ("Kerr rotation (mrad)", "delay (ns)")
    assert max(top.lines[0].get_xdata()) == pytest.approx(2.0)
