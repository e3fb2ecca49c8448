"""Draw the figures of docs/spectra/{pump_probe,maps}.md and write what the examples there and in fitting.md print.

python scripts/pump_probe_figures.py

All data are simulated with a fixed seed, except the measured map, which ships with skultrafast (see its page).
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "spectra")]

from measured_pump_probe import measured_maps  # noqa: E402

from perospin.look import BLUE, COLUMN_INCHES, COLUMN_RC, GREY, VERMILLION, delay_axis  # noqa: E402
from perospin.measurements import plot_maps  # noqa: E402
from perospin.spectra import fit_map, fit_pump_probe, simulate_map_pair, simulate_pump_probe  # noqa: E402
from spin_spectra_figures import write_page  # noqa: E402

FOLDER = ROOT / "docs" / "images" / "spectra"
PAGES = ("pump_probe", "maps", "fitting")
DELAY_PS = np.concatenate([np.arange(-1.5, 2, 0.05), np.geomspace(2, 500, 60)])


def pump_probe() -> Figure:
    """Both traces with their joint fit."""
    delay = np.concatenate([np.arange(-1, 1.5, 0.05), np.geomspace(1.5, 60, 50)])
    return fit_pump_probe(delay, *simulate_pump_probe(delay, 7.76, irf_fwhm_ps=0.2, noise=0.01, seed=1)).plot()


def maps() -> Figure:
    """SC, CC and difference, chirped as measured."""
    same, counter = simulate_map_pair(DELAY_PS, np.linspace(480, 560, 64), 3.0, noise=0.05, seed=1, chirp=0.4)
    return plot_maps(same, counter, same - counter)


def map_pair() -> Figure:
    """Spectra of population and spin."""
    same, counter = simulate_map_pair(DELAY_PS, np.linspace(480, 560, 64), 3.0, noise=0.05, seed=1)
    return fit_map(same, counter, population_components=2).plot()


def measured_map() -> Figure:
    """Measured map, its decay-associated spectra, and the mean over a band with the fit."""
    iso = measured_maps()["iso"]
    late = iso.crop(delay_ps=(0.4, 100.0))
    fit = fit_map(late, components=2, plateau=True, irf_fwhm_ps=0)
    wavelength, spectra, error = (fit.arrays[n] for n in ("wavelength_nm", "spectra", "spectra_uncertainties"))
    figure = Figure(figsize=(COLUMN_INCHES, 6.4), layout="constrained")
    first, second, third = figure.subplots(3, 1)
    shown = iso.crop(delay_ps=(-4.0, 100.0))
    image = first.pcolormesh(
        shown.wavelength_nm, shown.delay_ps, shown.signal, cmap="RdBu_r", vmin=-3, vmax=3, shading="nearest",
        rasterized=True,
    )  # fmt: skip
    delay_axis(first, shown.delay_ps, 1.0)
    first.set(xlabel="wavelength (nm)", ylabel="delay (ps)")
    first.set_title("Measured, isotropic (data of skultrafast)")
    figure.colorbar(image, ax=first, label="signal (mOD)")
    labels = [str(fit["lifetime_1_ps"]), str(fit["lifetime_2_ps"]), "plateau"]
    for i, (label, colour) in enumerate(zip(labels, (VERMILLION, BLUE, GREY), strict=True)):
        groups = [np.abs(wavelength - at) <= 10 for at in np.arange(6180, 6821, 20)]
        at = [wavelength[g].mean() for g in groups]
        mean = np.array([spectra[i][g].mean() for g in groups])
        spread = np.array([np.sqrt(np.sum(error[i][g] ** 2)) / g.sum() for g in groups])
        second.plot(at, mean, color=colour, label=label)
        second.fill_between(at, mean - spread, mean + spread, color=colour, alpha=0.25, linewidth=0)
    second.axhline(0, color=GREY, linewidth=0.5)
    second.set(xlabel="wavelength (nm)", ylabel="amplitude (mOD)")
    second.set_title("Decay-associated spectra, 20 nm bins")
    second.legend(loc="upper right")
    second.set_ylim(-0.8, 3.6)
    for low, high, colour in ((6300, 6360, VERMILLION), (6560, 6620, BLUE)):
        band = (late.wavelength_nm >= low) & (late.wavelength_nm <= high)
        third.plot(late.delay_ps, late.signal[:, band].mean(axis=1), "o", color=colour, markersize=2.5, alpha=0.6)
        mean = fit.arrays["best_fit"][:, (wavelength >= low) & (wavelength <= high)].mean(axis=1)
        third.plot(late.delay_ps, mean, color=colour, label=f"{low} to {high} nm")
    third.set(xlabel="delay (ps)", ylabel="mean signal (mOD)", xscale="log")
    third.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    third.legend()
    return figure


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in (pump_probe, maps, map_pair, measured_map):
        with matplotlib.rc_context(COLUMN_RC):
            draw().savefig(FOLDER / f"{draw.__name__}.png", dpi=200)
        print(draw.__name__)
    for page in PAGES:
        write_page(ROOT / "docs" / "spectra" / f"{page}.md")


if __name__ == "__main__":
    main()
