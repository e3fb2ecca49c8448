"""Figures of circular dichroism, luminescence, magnetoresistance, current polarisation and absorption edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.look import BLUE, COLUMN_INCHES, COLUMN_RC, GREEN, GREY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.fitting import Fit

__all__ = ["plot_circular_dichroism", "plot_current", "plot_edge", "plot_loop", "plot_luminescence"]


def _panels(rows: int, ratios: list[float], height: float, title: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(COLUMN_INCHES, height), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, height_ratios=ratios)
    axes[0].set_title(title)
    return figure, axes


def plot_circular_dichroism(fit: Fit) -> Figure:
    """Ellipticity and absorbance above, dissymmetry factor with the fitted top of the band below."""
    import matplotlib

    data = fit.data
    with matplotlib.rc_context(COLUMN_RC):
        figure, (top, bottom) = _panels(2, [1, 1], 3.4, f"g_CD = {fit['g_cd']}")
        top.axhline(0, color=GREY, linewidth=0.6)
        top.plot(data["wavelength_nm"], data["ellipticity_mdeg"], color=BLUE)
        top.set_ylabel("ellipticity (mdeg)", color=BLUE)
        right = top.twinx()
        right.spines["right"].set_visible(True)
        right.plot(data["wavelength_nm"], data["absorbance"], color=GREEN, linestyle="--")
        right.set_ylabel("absorbance", color=GREEN)
        bottom.axhline(0, color=GREY, linewidth=0.6)
        scale, unit = _milli(data["g_cd"])
        bottom.plot(data["wavelength_nm"], scale * data["g_cd"], ".", color=GREY, markersize=3, label="data")
        bottom.plot(data["wavelength_nm"], scale * data["best_fit"], color=VERMILLION, label="top of the band")
        bottom.set_ylabel(f"g$_{{CD}}${unit}")
        bottom.set_xlabel("wavelength (nm)")
        bottom.legend()
    return figure


def _milli(values: Any) -> tuple[float, str]:
    """Factor and text for an axis of small numbers."""
    largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    return (1e3, " (10$^{-3}$)") if largest < 0.05 else (1.0, "")


def _amperes(values: Any, unit: str) -> tuple[float, str]:
    """Factor and unit that bring currents in amperes to a readable size; other units stay."""
    largest = float(np.nanmax(np.abs(values)))
    if unit != "A" or not largest > 0:
        return 1.0, unit
    return next(
        ((1 / s, u) for s, u in ((1.0, "A"), (1e-3, "mA"), (1e-6, "µA"), (1e-9, "nA")) if largest >= s), (1e12, "pA")
    )


def plot_luminescence(fit: Fit) -> Figure:
    """Both polarisations above, the local dissymmetry with the band's value below."""
    import matplotlib

    data = fit.data
    with matplotlib.rc_context(COLUMN_RC):
        figure, (top, bottom) = _panels(2, [1.2, 1], 3.2, f"g_lum = {fit['g_lum']}")
        top.plot(data["wavelength_nm"], data["left"], color=BLUE, label="left")
        top.plot(data["wavelength_nm"], data["right"], color=VERMILLION, linestyle="--", label="right")
        top.set_ylabel("intensity")
        top.legend()
        scale, unit = _milli(data["g_lum"])
        bottom.axhline(0, color=GREY, linewidth=0.6)
        bottom.plot(data["wavelength_nm"], scale * data["g_lum"], ".", color=GREY, markersize=3)
        bottom.plot(data["wavelength_nm"], scale * data["best_fit"], color=VERMILLION)
        bottom.set_ylabel(f"g$_{{lum}}${unit}")
        bottom.set_xlabel("wavelength (nm)")
    return figure


def plot_loop(fit: Fit) -> Figure:
    """Resistance against field, both sweep directions, with the fit."""
    import matplotlib

    data = fit.data
    with matplotlib.rc_context(COLUMN_RC):
        title = f"magnetoresistance {fit['magnetoresistance_percent']}"
        figure, (top, bottom) = _panels(2, [3, 1], 3.0, title)
        scale, unit = (1e3, "mT") if data["field_t"].abs().max() < 1 else (1.0, "T")
        bottom.axhline(0, color=GREY, linewidth=0.6)
        for sign, colour, word in ((1.0, BLUE, "sweep up"), (-1.0, VERMILLION, "sweep down")):
            part = data[data["direction"] == sign]
            if part.empty:
                continue
            part = part.sort_values("field_t", kind="stable")
            top.plot(scale * part["field_t"], part["resistance_ohm"], ".", color=colour, markersize=3, label=word)
            top.plot(scale * part["field_t"], part["best_fit"], color=colour, linewidth=1.0)
            bottom.plot(scale * part["field_t"], part["residual"], ".", color=colour, markersize=2.5)
        top.set_ylabel("resistance (ohm)")
        top.ticklabel_format(axis="y", useOffset=False)
        bottom.set_ylabel("residual")
        bottom.set_xlabel(f"magnetic field ({unit})")
        top.legend()
    return figure


def plot_current(fit: Fit) -> Figure:
    """Currents above, polarisation with the fitted values below."""
    import matplotlib

    data = fit.data
    with matplotlib.rc_context(COLUMN_RC):
        figure, (top, bottom) = _panels(2, [1.2, 1], 3.2, f"spin polarisation {fit['spin_polarisation_percent']}")
        scale, unit = _amperes(data[["current_up", "current_down"]].to_numpy(), str(fit.settings["current_unit"]))
        top.plot(
            data["voltage_v"], scale * data["current_up"], ".-", color=BLUE, markersize=3, linewidth=0.8, label="up"
        )
        top.plot(
            data["voltage_v"],
            scale * data["current_down"],
            ".--",
            color=VERMILLION,
            markersize=3,
            linewidth=0.8,
            label="down",
        )
        top.set_ylabel(f"|current| ({unit})")
        top.legend()
        bottom.axhline(0, color=GREY, linewidth=0.6)
        bottom.plot(data["voltage_v"], 100 * data["polarisation"], ".", color=GREY, markersize=3)
        order = np.argsort(data["voltage_v"].to_numpy())
        best = 100 * data["best_fit"].to_numpy()[order]
        bottom.plot(data["voltage_v"].to_numpy()[order], best, color=VERMILLION)
        bottom.set_ylabel("polarisation (%)")
        bottom.set_ylim(-105, 105)
        bottom.set_xlabel("voltage (V)")
    return figure


def plot_edge(fit: Fit) -> Figure:
    """Absorption edge with the contributions of excitons and continuum."""
    import matplotlib

    data = fit.data
    with matplotlib.rc_context(COLUMN_RC):
        title = f"binding energy {fit['exciton_binding_energy_mev']}"
        figure, (top, bottom) = _panels(2, [3, 1], 3.0, title)
        e = data["energy_ev"]
        top.plot(e, data["absorbance"], ".", color=GREY, markersize=3, label="data")
        top.plot(e, data["best_fit"], color=VERMILLION, label="fit")
        top.plot(e, data["excitons"], color=BLUE, linewidth=1.0, linestyle="--", label="excitons")
        top.plot(e, data["continuum"], color=GREEN, linewidth=1.0, linestyle=":", label="continuum")
        top.axvline(fit["gap_ev"].value, color=GREY, linewidth=0.6)
        top.annotate(
            "gap", (fit["gap_ev"].value, 0.03), xycoords=("data", "axes fraction"), xytext=(2, 0),
            textcoords="offset points", fontsize=7, color=GREY,
        )  # fmt: skip
        top.set_ylabel("absorbance")
        top.legend()
        bottom.axhline(0, color=GREY, linewidth=0.6)
        bottom.plot(e, data["residual"], ".", color=GREY, markersize=2.5)
        bottom.set_ylabel("residual")
        bottom.set_xlabel("photon energy (eV)")
    return figure
