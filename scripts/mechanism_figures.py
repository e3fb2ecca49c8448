"""Draw the figures of docs/mechanisms.md and write its examples.

python scripts/mechanism_figures.py [NAME ...]     # all, and the page, without a name
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from perospin import load_records
from perospin import mechanisms as laws
from perospin.look import COLUMN_INCHES
from perospin.mechanisms.inference.figures import COLOURS, LABELS, RC, log_axis

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images" / "mechanisms"
PAGE = FOLDER.parents[1] / "mechanisms.md"
CALIBRATION = FOLDER.parents[1] / "mechanism_calibration.json"
BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY, GREY = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#767676",
)  # fmt: skip


def panels(rows: int = 1, height: float = 2.4) -> tuple[Figure, Any]:
    figure = Figure(figsize=(COLUMN_INCHES, height * rows), layout="constrained")
    return figure, figure.subplots(rows, 1) if rows > 1 else figure.subplots()


def dyakonov_perel() -> Figure:
    """Rate against scattering time: narrowing law and crossover."""
    figure, axes = panels(height=2.7)
    tau = np.geomspace(1e-3, 1.0, 200)
    for alpha, colour in ((0.05, BLUE), (0.3, GREEN), (1.6, VERMILLION)):
        axes.plot(1e3 * tau, laws.dyakonov_perel_rate(300.0, alpha, tau, 0.2), color=colour, label=f"α = {alpha} eV Å")
        narrow = laws.dyakonov_perel_rate(300.0, alpha, tau, 0.2, regime="motional_narrowing")
        axes.plot(1e3 * tau, narrow, color=colour, linestyle=":")
    axes.plot(1e3 * tau, 0.5 / tau, color=GREY, linestyle="--", linewidth=0.9, label="1/(2 τ$_p$)")
    axes.plot([], [], color="k", linestyle=":", label="narrowing, Ω²τ$_p$")
    axes.set(xscale="log", yscale="log", ylim=(1e-2, 1e6))
    axes.set(xlabel="momentum scattering time τ$_p$ (fs)", ylabel="spin relaxation rate (1/ps)")
    axes.set_title("D'yakonov-Perel, 300 K, m = 0.2 m$_0$")
    axes.legend(loc="upper right", ncols=2)
    return figure


def free_precession() -> Figure:
    """Polarisation against time on both sides of the crossover."""
    figure, axes = panels()
    time = np.linspace(0, 12, 300)
    for x, colour, style in ((0.1, BLUE, "-"), (0.3, GREEN, "--"), (1.0, ORANGE, "-."), (3.0, VERMILLION, ":")):
        axes.plot(time, laws.free_precession(time, x, 1.0), color=colour, linestyle=style, label=f"Ωτ$_p$ = {x}")
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.set(xlabel="time (units of τ$_p$)", ylabel="polarisation S$_z$ (rel.)", ylim=(-0.75, 1.05))
    axes.set_title("From diffusion to precession")
    axes.legend(loc="lower right", ncols=2)
    return figure


def relaxation_tensor() -> Figure:
    """Rates of the three axes against the ratio of Dresselhaus and Rashba terms."""
    figure, axes = panels()
    ratio = np.linspace(0, 2, 41)
    tensors = [
        laws.thermal_relaxation_tensor(300.0, 0.005, 0.2, rashba_ev_a=0.05, dresselhaus_ev_a=0.05 * r) for r in ratio
    ]
    for direction, label, colour, style in (
        ((0, 0, 1), "along the normal", BLUE, "-"),
        ((1, 1, 0), "in plane, [110]", GREEN, "--"),
        ((1, -1, 0), "in plane, [1-10]", VERMILLION, "-."),
    ):
        u = np.array(direction) / np.linalg.norm(direction)
        axes.plot(ratio, [u @ t @ u for t in tensors], color=colour, linestyle=style, label=label)
    axes.set(xlabel="Dresselhaus β / Rashba α", ylabel="relaxation rate (1/ps)", ylim=(0, None))
    axes.set_title("α = 0.05 eV Å: no relaxation at α = β")
    axes.legend(loc="upper left")
    return figure


def elliott_yafet() -> Figure:
    """Eliashberg forms against temperature; the slope against scattering time."""
    figure, (upper, lower) = panels(2)
    t = np.geomspace(3, 400, 200)
    upper.plot(t, laws.elliott_yafet_einstein_rate(t, 1e-4, 10.0), color=BLUE, label="one phonon energy, 10 meV")
    upper.plot(t, laws.elliott_yafet_debye_rate(t, 1e-4, 10.0), color=GREEN, linestyle="--", label="α²F ~ Ω² to 10 meV")
    high = laws.elliott_yafet_high_temperature_rate(t, 1e-4)
    upper.plot(t, high, color=GREY, linestyle=":", label="4πλ$_s$ kT/ħ")
    upper.set(xscale="log", yscale="log", ylim=(1e-7, 0.3), xlabel="temperature (K)", ylabel="rate (1/ps)")
    upper.set_title("Elliott-Yafet, λ$_s$ = 10$^{-4}$")
    upper.legend(loc="lower right")
    tau = np.geomspace(1e-3, 0.05, 100)
    lower.plot(1e3 * tau, laws.elliott_yafet_rate(1e-3, tau), color=COLOURS["elliott_yafet"], label="Elliott-Yafet")
    precession = laws.dyakonov_perel_rate(300.0, 0.05, tau, 0.2)
    lower.plot(1e3 * tau, precession, color=COLOURS["dyakonov_perel"], linestyle="--", label="D'yakonov-Perel")
    lower.set(xscale="log", yscale="log", xlabel="momentum scattering time (fs)", ylabel="rate (1/ps)")
    lower.set_title("The slope tells them apart")
    lower.legend(loc="lower center")
    return figure


def bir_aronov_pikus() -> Figure:
    """Rate against hole density, nondegenerate, and the step of the degenerate form."""
    figure, (upper, lower) = panels(2)
    p = np.geomspace(1e15, 1e20, 200)
    common = (1.0, 0.2, 9.0)
    upper.plot(p, laws.bir_aronov_pikus_rate(300.0, p, *common), color=BLUE, label="|ψ(0)|² = 1 (screened)")
    bare = laws.bir_aronov_pikus_rate(300.0, p, *common, enhancement="unscreened")
    upper.plot(p, bare, color=GREEN, linestyle="--", label="unscreened, thermal mean")
    plain = laws.bir_aronov_pikus_rate(300.0, p, *common, statistics="nondegenerate")
    upper.plot(p, plain, color=GREY, linestyle="-.", label="nondegenerate throughout")
    paper = laws.bir_aronov_pikus_rate(300.0, p, *common, convention="paper000")
    upper.plot(p, paper, color=VERMILLION, linestyle=":", label="τ$_0$ of 10.1039/d5sc07406a")
    upper.set(xscale="log", yscale="log", ylim=(1e-7, 1e5), xlabel="hole density (cm$^{-3}$)", ylabel="rate (1/ps)")
    upper.set_title("Bir-Aronov-Pikus, 300 K, Δ$_{ex}$ = 1 meV")
    upper.legend(loc="upper left")
    energy = np.geomspace(0.02, 20, 400)
    rate = laws.bir_aronov_pikus_degenerate_rate(30.0, 1e19, *common, 0.25, kinetic_energy_mev=energy)
    lower.plot(energy, rate, color=BLUE)
    lower.set(xscale="log", yscale="log", xlabel="electron energy (meV)", ylabel="rate (1/ps)")
    lower.set_title("Degenerate holes, 30 K: step at E*")
    return figure


def exciton_exchange() -> Figure:
    """Quadratic law, and binding energy against layers with its sources."""
    figure, (upper, lower) = panels(2)
    energy = np.array([100.0, 200.0, 300.0])
    rates = np.array([0.08, 0.30, 0.72])
    fit = laws.fit_quadratic_law(energy, rates)
    grid = np.linspace(30, 350, 100)
    upper.plot(grid, laws.quadratic_binding_rate(grid, fit.coefficient_per_ps), color=COLOURS["exciton_exchange"],
               label=f"k E$_b$², k = {fit.coefficient_per_ps:.2f} ps$^{{-1}}$ eV$^{{-2}}$")  # fmt: skip
    upper.plot(
        energy, rates, "o", color="k", markerfacecolor="white", label=f"worked example, exponent {fit.exponent:.2f}"
    )
    upper.set(xlabel="exciton binding energy (meV)", ylabel="rate (1/ps)")
    upper.set_title("Exciton exchange")
    upper.legend(loc="upper left")
    n = np.arange(1, 13)
    lower.plot(
        n, laws.layer_binding_energy_mev(n), color=COLOURS["exciton_exchange"], marker=".", label="interpolation"
    )
    lower.plot([1, 5], [470, 125], "o", color="k", markerfacecolor="white", label="10.1038/s41467-018-04659-x")
    lower.axhline(16, color=GREY, linestyle="--", linewidth=0.9, label="bulk MAPbI$_3$, 10.1038/nphys3357")
    lower.set(xlabel="layers n", ylabel="binding energy (meV)", ylim=(10, 900))
    log_axis(lower.yaxis)
    lower.legend(loc="upper right")
    return figure


def nuclear_fluctuations() -> Figure:
    """T1 against field, and the nuclear field against size."""
    figure, (upper, lower) = panels(2)
    field = np.geomspace(0.002, 0.5, 200)
    rate = laws.nuclear_fluctuation_rate(field, 0.012, 60e6, spin_lifetime_ps=0.8e9)
    upper.plot(1e3 * field, 1e-9 / rate, color=COLOURS["nuclear_fluctuations"], label="jumping field")
    short = laws.nuclear_fluctuation_rate(field, 0.012, 60e6, spin_lifetime_ps=0.8e9, form="paper")
    upper.plot(1e3 * field, 1e-9 / short, color=GREY, linestyle=":", label="(Δ$_N$/B)²/τ$_c$")
    upper.legend(loc="lower right")
    upper.axhline(0.8, color=GREY, linestyle="--", linewidth=0.9)
    upper.text(2.3, 0.82, "τ$_s$ = 0.8 ms", color=GREY, va="bottom")
    upper.axvspan(2, 36, color="#eeeeee", linewidth=0)
    upper.text(2.3, 0.5, "B < 3 Δ$_N$", color=GREY, fontsize=7)
    upper.set(xscale="log", xlabel="magnetic field (mT)", ylabel="T$_1$ (ms)", ylim=(0, 0.98), xlim=(2, 500))
    upper.set_title("CsPbI$_3$ nanocrystals (arXiv 2603.03038)")
    size = np.linspace(5, 16, 100)
    lower.plot(size, 1e3 * laws.nuclear_field_from_size(size), color=COLOURS["nuclear_fluctuations"])
    lower.plot([9.067], [8.485], "o", color="k", markerfacecolor="white", label="Δ$_N$ = 12 mT: 9.07 nm")
    lower.set(xlabel="edge length (nm)", ylabel="Δ$_N$/√2 (mT)", ylim=(0, None))
    lower.legend(loc="upper right")
    return figure


def raman() -> Figure:
    """Two-LO-phonon rate: the paper's evaluation, the derivation, the Golden Rule in a field; and the measured fit."""
    figure, (upper, lower) = panels(2)
    t = np.linspace(2, 20, 100)
    model = {
        "size_nm": 8.81962, "mass_m0": 0.18, "phonon_energy_mev": 3.2, "phonon_damping_per_ps": 0.2,
        "rashba_coefficient_a2": laws.rashba_coefficient_a2(5.0, 1.7), "effective_permittivity": 6.0,
    }  # fmt: skip
    upper.plot(t, 1e6 * laws.activation_rate(t, 20e-6, 3.2), color="k", label="fit to the measurement")
    upper.plot(
        t, 1e6 * laws.raman_rate(t, **model, version="paper"), color=VERMILLION, linestyle="--", label="as in the paper"
    )
    upper.plot(
        t, 1e6 * laws.raman_rate(t, **model), color=BLUE, linestyle="-.", label="derived: 2Γ, 2/9, z states, n(n+1)"
    )
    cube = laws.raman_rate(t, **model, polarisability_factor=laws.cube_polarisability())
    upper.plot(t, 1e6 * cube, color=GREEN, linestyle=":", label="derived, C$_χ$ of a cube")
    upper.set(yscale="log", ylim=(1e-14, 1e3), xlabel="temperature (K)", ylabel="rate (1/µs)")
    upper.set_title("Two-LO-phonon Raman, CsPbI$_3$")
    upper.legend(loc="lower right")
    field = np.linspace(0, 6, 100)
    golden = laws.raman_golden_rule_rate(10.0, field, **model, g_factor=1.68)
    lower.plot(field, 1e6 * golden, color=BLUE, label="Golden Rule")
    closed = laws.raman_flip_rate(10.0, **model)
    lower.axhline(1e6 * closed, color=GREY, linestyle="--", linewidth=0.9, label="closed form")
    lower.set(xlabel="magnetic field (T)", ylabel="Γ at 10 K (1/µs)", ylim=(0, None))
    lower.legend(loc="center right")
    return figure


def activation() -> Figure:
    """T1 against temperature."""
    figure, axes = panels()
    t = np.linspace(1.6, 12, 200)
    axes.plot(t, 1e-6 / laws.activation_rate(t, 20e-6, 3.2, spin_lifetime_ps=0.8e9), color=COLOURS["activation"])
    axes.axhline(800, color=GREY, linestyle="--", linewidth=0.9)
    axes.text(8.2, 1050, "T$_{1,0}$ = 0.8 ms", color=GREY)
    axes.set(yscale="log", xlabel="temperature (K)", ylabel="T$_1$ (µs)", ylim=(1, 3000))
    axes.set_title("CsPbI$_3$ nanocrystals: E$_a$ = 3.2 meV")
    return figure


def g_factors() -> Figure:
    """Universal law and sourced values of bulk crystals."""
    figure, axes = panels(height=2.9)
    gap = np.linspace(1.4, 3.4, 200)
    for law, label, colour, style in (
        (laws.electron_g_factor, "electron", BLUE, "-"),
        (laws.hole_g_factor, "hole", VERMILLION, "--"),
        (laws.exciton_g_factor, "exciton", GREEN, "-."),
    ):
        axes.plot(gap, law(gap), color=colour, linestyle=style, label=label)
        axes.fill_between(gap, law(gap) - 0.4, law(gap) + 0.4, color=colour, alpha=0.1, linewidth=0)
    gaps = {"MAPbI3": 1.652, "FA0.9Cs0.1PbI2.8Br0.2": 1.527}
    records = load_records("g_factor", user=False)
    signed = records[~records["note"].str.contains(r"\|g\||sign not")]
    for carrier, colour, marker in (("electron", BLUE, "o"), ("hole", VERMILLION, "s"), ("exciton", GREEN, "^")):
        rows = signed[(signed["carrier"] == carrier) & signed["formula"].isin(list(gaps))]
        axes.plot(rows["formula"].map(gaps), rows["value"], marker, color=colour, markerfacecolor="white", markersize=4)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.set(xlabel="band gap at low temperature (eV)", ylabel="g factor", ylim=(-1.5, 4.6))
    axes.set_title("g factors (bands: ±0.4; points: sourced)")
    axes.legend(loc="upper right", ncols=3, columnspacing=1.0)
    return figure


def hanle() -> Figure:
    """Optical and electrical Hanle curves."""
    figure, (upper, lower) = panels(2)
    field = np.linspace(-30, 30, 301)
    magnitude = np.abs(field) * 1e-3
    for lifetime, colour, style in ((300.0, VERMILLION, "--"), (2000 / 3, BLUE, "-"), (2000.0, GREEN, "-.")):
        curve = laws.hanle_polarisation(magnitude, 2.5, lifetime)
        upper.plot(field, curve, color=colour, linestyle=style, label=f"T$_s$ = {lifetime / 1e3:.2g} ns")
    upper.set(xlabel="transverse field (mT)", ylabel="P(B)/P(0)", ylim=(0, 1.05))
    upper.set_title("Optical Hanle effect, g = 2.5")
    upper.legend(loc="upper right")
    for distance, colour, style in ((100.0, GREEN, "-."), (200.0, BLUE, "-"), (500.0, VERMILLION, "--")):
        signal = laws.electrical_hanle(magnitude, 2.0, 800.0, 1.0, distance)
        lower.plot(field, signal / signal[150], color=colour, linestyle=style, label=f"L = {distance:.0f} nm")
    lower.axhline(0, color=GREY, linewidth=0.6)
    lower.set(xlabel="transverse field (mT)", ylabel="S(B)/S(0)")
    lower.set_title("Electrical: 1 cm²/s, τ$_s$ = 0.8 ns, g = 2")
    lower.legend(loc="upper right")
    return figure


def amplification() -> Figure:
    """Resonant spin amplification and spin inertia."""
    figure, (upper, lower) = panels(2)
    field = np.linspace(-8, 8, 1601)
    for t2, colour, style in ((5e3, BLUE, "-"), (21e3, VERMILLION, "--")):
        signal = laws.resonant_spin_amplification(np.abs(field) * 1e-3, 2.5, t2, 1e6 / 76, 1e6 / 76)
        upper.plot(field, signal, color=colour, linestyle=style, linewidth=1.0, label=f"T$_2$* = {t2 / 1e3:.0f} ns")
    upper.set(xlabel="transverse field (mT)", ylabel="spin (pulses)", ylim=(-0.45, 1.6))
    upper.set_title("Resonant amplification, 76 MHz, g = 2.5")
    upper.legend(loc="upper right", ncols=2)
    f = np.geomspace(0.05, 100, 200)
    for t1, colour, style in ((25e6, GREEN, "-."), (130e6, BLUE, "-"), (800e6, VERMILLION, "--")):
        curve = laws.spin_inertia(f * 1e-3, t1)
        lower.plot(f, curve, color=colour, linestyle=style, label=f"T$_1$ = {t1 / 1e6:.0f} µs")
    lower.set(xscale="log", xlabel="modulation frequency (kHz)", ylabel="signal (rel.)", ylim=(0, 1.05))
    lower.set_title("Spin inertia")
    lower.legend(loc="lower left")
    return figure


def dephasing() -> Figure:
    """T2* against field in two conventions, and the two transients behind them."""
    figure, axes = panels()
    field = np.linspace(0.01, 3, 200)
    for convention, colour, style in (("linear", BLUE, "-"), ("gaussian", VERMILLION, "--")):
        time = laws.dephasing_time_ps(field, 2000.0, 0.03, convention=convention)
        axes.plot(field, time, color=colour, linestyle=style, label=convention)
    log_axis(axes.yaxis)
    axes.set(xlabel="magnetic field (T)", ylabel="T$_2$* (ps)", ylim=(100, 2300))
    axes.set_title("Spread of g, 0.03: two conventions")
    axes.legend(loc="upper right")
    return figure


def inference() -> Figure:
    """Verdict on T1(T) simulated at the published fit."""
    return _simulated().plot()


def _simulated() -> Any:
    t = np.array([1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])
    rate = laws.activation_rate(t, 20e-6, 3.2, spin_lifetime_ps=0.8e9)
    rate = rate * np.exp(0.1 * np.random.default_rng(1).standard_normal(len(t)))
    candidates = ["constant", "elliott_yafet", "bir_aronov_pikus", "activation"]
    return laws.infer({"temperature_k": t, "rate_per_ps": rate}, relative_uncertainty=0.1, candidates=candidates)


def _designs() -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(1)
    wide = {
        "temperature_k": np.tile([77.0, 120.0, 180.0, 240.0, 290.0, 300.0], 4),
        "density_cm3": 10 ** rng.uniform(16, 18.5, 24),
        "momentum_scattering_time_ps": 10 ** rng.uniform(-2.7, -1.3, 24),
        "exciton_binding_energy_mev": rng.uniform(50, 400, 24),
    }
    return {
        "12 temperatures, 80-300 K": {"temperature_k": np.linspace(80, 300, 12)},
        "4 temperatures × 3 densities": {
            "temperature_k": np.repeat([80.0, 150.0, 220.0, 300.0], 3),
            "density_cm3": np.tile([1e16, 1e17, 1e18], 4),
        },
        "24 rows: T, density, τp, Eb": wide,
    }


@cache
def _studies() -> dict[str, laws.Recovery]:
    return {title: laws.recovery_study(design, n_sets=84, seed=11) for title, design in _designs().items()}


def recovery() -> Figure:
    """How often the generating mechanism is found under three designs."""
    figure, axes = panels(height=6.4)
    labels, right, undecided, wrong = [], [], [], []
    for title, study in _studies().items():
        labels.append(title)
        right.append(None)
        undecided.append(None)
        wrong.append(None)
        for name, a, b, c in zip(study.mechanisms, study.right, study.undecided, study.wrong, strict=True):
            total = a + b + c
            labels.append(LABELS[name])
            right.append(a / total)
            undecided.append(b / total)
            wrong.append(c / total)
    y = -np.arange(len(labels), dtype=float)
    first, second, third = (np.array([v or 0.0 for v in values]) for values in (right, undecided, wrong))
    axes.barh(y, first, color=BLUE, height=0.72, label="found")
    axes.barh(y, second, left=first, color="#d9d9d9", height=0.72, label="undecided")
    axes.barh(y, third, left=first + second, color=VERMILLION, height=0.72, label="wrong")
    axes.set_yticks(y, labels)
    for tick, heading in zip(axes.get_yticklabels(), [r is None for r in right], strict=True):
        if heading:
            tick.set_fontweight("bold")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set(xlabel="share of data sets, 10 % noise", xlim=(0, 1), ylim=(0.4 - len(labels), 0.6))
    axes.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=3)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    f.__name__: f
    for f in (
        dyakonov_perel, free_precession, relaxation_tensor, elliott_yafet, bir_aronov_pikus, exciton_exchange,
        nuclear_fluctuations, activation, raman, g_factors, hanle, amplification, dephasing, inference, recovery,
    )
}  # fmt: skip


def _example() -> str:
    return f"```\n{_simulated().summary()}\n```"


def _calibration_table() -> str:
    """Set out the counts of scripts/mechanism_calibration.py."""
    import json

    cases = list(json.loads(CALIBRATION.read_text(encoding="utf-8")).values())
    lines = [
        "| law | regime | scatter | found | undecided | wrong | 68 % | 90 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        asked = case["intervals"]
        held = [f"{case[k] / asked:.0%}" if asked else "–" for k in ("inside_68", "inside_90")]
        lines.append(
            f"| `{case['law']}` | {case['regime']} | {case['scatter']:.0%} | {case['found']} | {case['undecided']} | "
            f"{case['wrong']} | {held[0]} | {held[1]} |"
        )
    sets, wrong = (sum(case[key] for case in cases) for key in ("sets", "wrong"))
    asked = sum(case["intervals"] for case in cases)
    held = [sum(case[key] for case in cases) / asked for key in ("inside_68", "inside_90")]
    lines += ["", f"{sets} sets: {wrong} wrong ({wrong / sets:.1%}); intervals hold {held[0]:.0%} and {held[1]:.0%}."]
    return "\n".join(lines)


def _range_table() -> str:
    lines = ["| law | holds for |", "|---|---|"]
    lines += [
        f"| `{law.name}` | {'; '.join(r.words for r in law.ranges)} |" for law in laws.LAWS.values() if law.ranges
    ]
    return "\n".join(lines)


def _recovery_table() -> str:
    lines = ["| design | found | undecided | wrong |", "|---|---|---|---|"]
    for title, study in _studies().items():
        lines.append(
            f"| {title} | {study.recovered:.0%} | {1 - study.recovered - study.misled:.0%} | {study.misled:.1%} |"
        )
    return "\n".join(lines)


def write_page() -> None:
    """Put the example and the recovery table between their marks in the page."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = {
        "example": _example, "recovery": _recovery_table, "calibration": _calibration_table, "ranges": _range_table
    }  # fmt: skip
    for mark, block in ((mark, make()) for mark, make in blocks.items()):
        begin, end = f"<!-- {mark}: written by scripts/mechanism_figures.py; do not edit -->", f"<!-- end of {mark} -->"
        head, rest = text.split(begin)
        text = f"{head}{begin}\n{block}\n{end}{rest.split(end)[1]}"
    PAGE.write_text(text, encoding="utf-8")


def main(names: list[str]) -> None:
    warnings.simplefilter("ignore", laws.SpinRelaxationWarning)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or list(FIGURES):
        with matplotlib.rc_context(RC):
            figure = FIGURES[name]()
            figure.savefig(FOLDER / f"{name}.png")
        print(FOLDER / f"{name}.png")
    if not names:
        write_page()
        print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
