"""Draw the figures of docs/spectra/{kerr,hanle,odmr,spin_inertia}.md and write what their examples print.

python scripts/spin_spectra_figures.py [NAME ...]     # all, and the pages, without a name

All data are simulated with a fixed seed, except the graphene Hanle curve, which was measured (see its page).
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from perospin import mechanisms
from perospin.look import BLUE, COLUMN_INCHES, COLUMN_RC, GREEN, GREY, VERMILLION
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
from perospin.spectra.signals import simulate
from perospin.spectra.signals.signals import RADIANS_PER_PS_TESLA

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images" / "spectra"
DELAY = np.linspace(-50.0, 2000.0, 411)
PERIOD = 1e6 / 76.0
MODULATION = np.geomspace(30.0, 3e5, 30)
FIELDS = (0.1, 0.2, 0.4, 0.7, 1.0)


def kerr() -> Figure:
    """Two carriers in one transient."""
    signal = simulate.kerr_trace(
        DELAY, field_t=0.5, g_factor=[1.96, 0.7], dephasing_time_ps=[400.0, 900.0], amplitude=[1.0, 0.6], noise=0.05
    )
    fit = fit_kerr(DELAY, signal, components=2, field_t=0.5)
    return fit.plot(title="Kerr rotation at 0.5 T, two carriers (simulated)")


@cache
def _ensemble() -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    traces = []
    for field in FIELDS:
        turn = RADIANS_PER_PS_TESLA * field * DELAY[DELAY >= 0]
        delay = DELAY[DELAY >= 0]
        clean = np.exp(-delay / 2000.0 - 0.5 * (0.03 * turn) ** 2) * np.cos(1.96 * turn + 0.2)
        traces.append((delay, clean + 0.04 * rng.standard_normal(delay.size)))
    return traces


def kerr_joint() -> Figure:
    """Five fields in one fit."""
    fit = fit_kerr_series(_ensemble(), FIELDS, convention="gaussian")
    return fit.plot(title=f"One fit: σ$_g$ = {fit['g_spread']} (simulated)")


def kerr_series() -> Figure:
    """Electron and hole in two steps."""
    traces = [
        (DELAY, simulate.kerr_trace(
            DELAY, field_t=b, g_factor=[1.96, 0.7],
            dephasing_time_ps=[mechanisms.dephasing_time_ps(b, t, s) for t, s in ((2000.0, 0.03), (1200.0, 0.01))],
            amplitude=[1.0, 0.7], noise=0.05, seed=i,
        )) for i, b in enumerate(FIELDS)
    ]  # fmt: skip
    fit = fit_kerr_series(traces, FIELDS, components=2, joint=False, g_signs=[1, -1])
    return fit.plot(title="Electron and hole, linear spread of g")


def nuclear_precession() -> Figure:
    """Zero field."""
    delay = np.linspace(0, 4000, 250)
    signal = simulate.nuclear_trace(delay, nuclear_field_t=0.012, g_factor=1.68, noise=0.04)
    fit = fit_nuclear_precession(delay, signal, g_factor=1.68)
    return fit.plot(title=f"No external field: Δ$_N$ = {1e3 * fit.nuclear_field_t:.1f} mT (simulated)")


def resonant_amplification() -> Figure:
    """Draw a comb that broadens with field."""
    field = np.linspace(-0.015, 0.045, 500)
    signal = simulate.resonant_amplification_curve(
        field, g_factor=1.96, dephasing_time_ps=12e3, period_ps=PERIOD, delay_ps=PERIOD, g_spread=0.015, noise=0.03
    )
    fit = fit_resonant_amplification(field, signal, PERIOD, spread=True)
    return fit.plot(title=f"T$_2$* = {1e-3 * fit.dephasing_time_ps:.1f} ns, pulses every 13.2 ns (simulated)")


def hanle() -> Figure:
    """Optical Hanle curve."""
    field = np.linspace(-0.06, 0.06, 121)
    signal = simulate.hanle_curve(field, g_factor=2.5, lifetime_ps=2000.0, spin_lifetime_ps=1000.0, noise=0.008)
    fit = fit_hanle(field, signal, g_factor=2.5, initial_polarisation=1.0)
    return fit.plot(
        title=f"τ$_s$ = {fit.spin_lifetime_ps:.0f} ps, τ = {fit.recombination_lifetime_ps:.0f} ps (simulated)"
    )


def graphene() -> tuple[Any, dict[str, Any]]:
    """Measured curve and its published fit."""
    text = (files("perospin.database") / "tables" / "hanle" / "fig_4a_difference.json").read_text(encoding="utf-8")
    content = json.loads(text)
    return np.array(content["data"]), content


def spin_valve() -> Figure:
    """Measured graphene spin valve, our fit and the published one."""
    data, content = graphene()
    fit = fit_spin_valve(
        data[:, 0], data[:, 1], length_um=2.1, width_um=2.2, sheet_conductance_ms=0.5, difference=True, magnitude=True
    )
    published = np.abs(np.array(content["fit"]))
    figure = Figure(figsize=(COLUMN_INCHES, 3.0), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    mt = 1e3 * fit.data["field_t"]
    top.plot(mt, fit.data["resistance_ohm"], "o", color=GREY, markersize=2, label="measured")
    top.plot(mt, fit.data["best_fit"], color=VERMILLION, label="perospin")
    top.plot(1e3 * published[:, 0] * np.sign(np.array(content["fit"])[:, 0]), published[:, 1], color=BLUE,
             linestyle=":", label="published fit")  # fmt: skip
    bottom.axhline(0, color=GREY, linewidth=0.6)
    bottom.plot(mt, fit.data["residual"], "o", color=GREY, markersize=1.5)
    top.set_ylabel("non-local resistance (Ω)")
    bottom.set(xlabel="magnetic field (mT)", ylabel="residual (Ω)")
    top.set_title(f"Graphene: τ = {fit.lifetime_ps:.1f} ps, D = {1e-4 * fit.diffusion_cm2_s:.5f} m²/s")
    top.legend()
    return figure


def polarisation_power() -> Figure:
    """Polarisation against power, both effects."""
    power = np.geomspace(0.05, 20.0, 12)
    figure = Figure(figsize=(COLUMN_INCHES, 2.7), layout="constrained")
    axes = figure.subplots()
    grid = np.geomspace(0.04, 25.0, 200)
    laws = {
        "spin": (
            "light shortens τ$_s$",
            mechanisms.optical_orientation(2000.0, 1000.0 / (1.0 + power / 3.0)),
            BLUE,
            "o",
        ),
        "carrier": (
            "light shortens τ",
            mechanisms.optical_orientation(2000.0 / (1.0 + power / 3.0), 1000.0),
            GREEN,
            "s",
        ),
    }
    for i, (effect, (label, clean, colour, marker)) in enumerate(laws.items()):
        degree = clean + 0.008 * np.random.default_rng(i).standard_normal(power.size)
        fit = fit_polarisation_power(power, degree, initial_polarisation=1.0)
        assert fit.settings["effect"] == effect
        share = 1.0 / (1.0 + grid / fit.power_scale)
        end = fit.polarisation_at_saturation if effect == "carrier" else 0.0
        axes.plot(power, degree, marker, color=colour, markersize=3.5, markerfacecolor="white")
        axes.plot(grid, fit.polarisation_at_zero * share + end * (1 - share), color=colour, label=label)
    axes.set(xscale="log", xlabel="pump power (mW)", ylabel="circular polarisation", ylim=(0, 1))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_title("τ/τ$_s$ = 2 in the dark (simulated)")
    axes.legend()
    return figure


@cache
def _spectra() -> list[SpinFit]:
    field = np.linspace(0.0, 0.3, 301)
    return [
        fit_odmr(field, simulate.odmr_spectrum(
            field, frequency_ghz=f, g_factor=[1.68, 0.8], g_spread=[0.15, 0.06], nuclear_field_t=[0.012, 0.008],
            amplitude=[1.0, 0.5], noise=0.03, seed=i,
        ), frequency_ghz=f, components=2)
        for i, f in enumerate((0.4, 0.6, 0.8, 1.0, 1.13, 1.4, 1.8, 2.2))
    ]  # fmt: skip


def odmr() -> Figure:
    """Electron and hole."""
    return _spectra()[4].plot(title="ODMR at 1.13 GHz (simulated)")


def odmr_series() -> Figure:
    """Frequency against field."""
    figure = Figure(figsize=(COLUMN_INCHES, 2.7), layout="constrained")
    axes = figure.subplots()
    for component, colour, marker, who in ((1, BLUE, "o", "electron"), (2, VERMILLION, "s", "hole")):
        fit = fit_odmr_series(_spectra(), component=component)
        data = fit.data
        axes.errorbar(1e3 * data["resonance_field_t"], data["frequency_ghz"], xerr=1e3 * data["sigma"], fmt=marker,
                      color=colour, markersize=3.5, markerfacecolor="white", linewidth=0.9)  # fmt: skip
        f = np.linspace(0.0, 2.4, 2)
        axes.plot(
            1e3 * (fit.offset_t + fit.slope_t_per_ghz * f), f, color=colour, label=f"{who}: |g| = {fit['g_factor']}"
        )
    axes.set(xlabel="resonance field (mT)", ylabel="microwave frequency (GHz)", xlim=(0, None), ylim=(0, None))
    axes.set_title("g factors (simulated)")
    axes.legend()
    return figure


def odmr_widths() -> Figure:
    """Spread of g and nuclear field."""
    return fit_resonance_width(_spectra(), component=1).plot()


def spin_inertia() -> Figure:
    """One species."""
    fit = fit_spin_inertia(MODULATION, simulate.inertia_curve(MODULATION, t1_ps=130e6, noise=0.02, seed=4))
    return fit.plot(title=f"Spin inertia, T$_1$ = {1e-6 * fit.t1_ps:.0f} µs (simulated)")


def spin_inertia_species() -> Figure:
    """Two species."""
    signal = simulate.inertia_curve(MODULATION, t1_ps=[1300e6, 70e6], amplitude=[0.6, 0.4], noise=0.008, seed=1)
    return fit_spin_inertia(MODULATION, signal, components=2).plot(title="Spin inertia, two species (simulated)")


def power() -> Figure:
    """Extrapolation to zero power."""
    at = np.array([0.125, 0.25, 0.5, 1.0, 2.0])
    rates = 1.0 / 0.8e9 + at / 2.0 * (1.0 / 130e6 - 1.0 / 0.8e9)
    fits = [
        fit_spin_inertia(MODULATION, simulate.inertia_curve(MODULATION, t1_ps=1.0 / r, noise=0.02, seed=i))
        for i, r in enumerate(rates)
    ]
    fit = extrapolate_power(at, fits)
    return fit.plot(title=f"T$_1$ at zero power: {1e-9 * fit.t1_ps:.2f} ± {1e-9 * fit.uncertainty['t1_ps']:.2f} ms")


def t1_field() -> Figure:
    """T1 against field."""
    field = np.geomspace(0.014, 0.2, 11)
    t1 = simulate.t1_against_field(
        field, spin_lifetime_ps=0.8e9, correlation_time_ps=60e6, nuclear_field_t=0.012, relative_noise=0.08, seed=1
    )
    return fit_t1_field(field, t1, nuclear_field_t=0.012, g_factor=1.68).plot(title="T$_1$ against field (simulated)")


def t1_temperature() -> Figure:
    """T1 against temperature."""
    temperature = np.array([1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0])
    t1 = simulate.t1_against_temperature(
        temperature, spin_lifetime_ps=0.8e9, activation_rate_per_ps=20e-6, activation_energy_mev=3.2,
        relative_noise=0.08, seed=1,
    )  # fmt: skip
    return fit_t1_temperature(temperature, t1).plot()


FIGURES = (
    kerr, kerr_series, kerr_joint, nuclear_precession, resonant_amplification, hanle, spin_valve, polarisation_power,
    odmr, odmr_series, odmr_widths, spin_inertia, spin_inertia_species, power, t1_field, t1_temperature,
)  # fmt: skip


PAGES = ("kerr", "hanle", "odmr", "spin_inertia")
_BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", re.DOTALL)


def write_page(path: Path) -> None:
    """Run a page's examples in order, in one namespace, and put what they print into the block below each."""
    space: dict[str, Any] = {}

    def run(match: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(match["code"], space)
        shown = f"\n```text\n{printed.getvalue()}```\n" if match["shown"] is not None else ""
        return f"```python\n{match['code']}```\n{shown}"

    path.write_text(_BLOCK.sub(run, path.read_text(encoding="utf-8")), encoding="utf-8")


def main(names: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in FIGURES:
        if names and draw.__name__ not in names:
            continue
        with matplotlib.rc_context(COLUMN_RC):
            figure = draw()
            figure.savefig(FOLDER / f"{draw.__name__}.png", dpi=200)
        print(draw.__name__)
    for page in () if names else PAGES:
        write_page(FOLDER.parents[1] / "spectra" / f"{page}.md")


if __name__ == "__main__":
    main(sys.argv[1:])
