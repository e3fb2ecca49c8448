"""Write the page of a plate: heat maps, spectra, fits, all wells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from perospin import look
from perospin.digits import counted, figures, value_and_interval
from perospin.reports.write import _environment, _resource, _save_figures
from perospin.saving import inner_folder, make_folder, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.navigation.plates.plate import Feature, PlateResult

__all__ = ["plate_page"]

_MOST_MAPS, _MOST_FITS, _MOST_SPECTRA = 12, 12, 96


def plate_page(result: PlateResult, folder: str | Path, name: str) -> Path:
    """Write ``report.html`` with everything inside it, and its figures beside it.

    Parameters
    ----------
    result : PlateResult
    folder : path
    name : str
        Title.

    Returns
    -------
    Path
        The page.
    """
    place = make_folder(folder)
    shown = [one for one in result.features if np.isfinite(one.values).any()]
    drawn: dict[str, Figure] = {}
    texts: dict[str, tuple[str, str]] = {}
    with matplotlib.rc_context(look.RC):
        if shown:
            drawn["maps"] = _maps(result, shown[:_MOST_MAPS])
            texts["maps"] = ("The plate", "Each number over the wells; a cross marks a flagged well, grey one without.")
        drawn["spectra"] = _spectra(result, shown[0] if shown else None)
        texts["spectra"] = ("Spectra", f"{_words(result)} coloured by the first number; flagged wells are left out.")
        if result.peaks is not None:
            drawn["fits"] = _fits(result)
            texts["fits"] = ("Fits", "Measured (dots) and fitted (line) in some wells; flagged ones come first.")
    embedded = _save_figures(drawn, inner_folder(place, "figures"))
    flagged = sum(bool(one) for one in result.flags)
    empty = sum("empty" in one for one in result.flags)
    tiles = [
        {"value": str(len(result.wells)), "what": "wells"},
        {"value": str(flagged), "what": "flagged"},
        {"value": str(empty), "what": "empty"},
    ]
    if shown:
        sound = np.array([not one for one in result.flags]) & np.isfinite(shown[0].values)
        values = shown[0].values[sound] if sound.any() else shown[0].values[np.isfinite(shown[0].values)]
        tiles.append({"value": f"{figures(values.min(), 4)} to {figures(values.max(), 4)}", "what": shown[0].label})
    context: dict[str, Any] = {
        "name": name,
        "style": _resource("style.css"),
        "verdict": f"{counted(len(result.wells) - flagged, 'well')} of {len(result.wells)} can be told.",
        "tiles": tiles,
        "warnings": result.warnings,
        "figures": [
            {"title": texts[key][0], "caption": texts[key][1], "source": source} for key, source in embedded.items()
        ],
        "phases": [
            {
                "name": one.name,
                "energy": " to ".join(
                    dict.fromkeys(f"{end:.3f}" for end in (np.min(one.energy_ev), np.max(one.energy_ev)))
                ),
                "source": one.source,
            }
            for one in result.lines
        ],
        "labels": [one.label for one in result.features],
        "rows": [
            {
                "well": well,
                "name": result.map.name(well),
                "cells": [_cell(one, i) for one in result.features],
                "flags": "; ".join(result.flags[i]),
            }
            for i, well in enumerate(result.wells)
        ],
        "sources": result.sources,
    }
    write_text(place / "report.html", _environment().get_template("plates/page.html.j2").render(context))
    return place / "report.html"


def _words(result: PlateResult) -> str:
    return "Emission per energy," if result.kind == "emission" else "Absorbance,"


def _cell(feature: Feature, i: int) -> str:
    value, error = float(feature.values[i]), float(feature.errors[i])
    if not np.isfinite(value):
        return "—"
    if not (np.isfinite(error) and error > 0):
        return figures(value, 3)
    text, low, high = value_and_interval(value, value - error, value + error)
    return f"{text} ± {figures(error, 2)}"


def _grid(result: PlateResult) -> tuple[list[int], list[int], tuple[int, int]]:
    rows = [ord(well[0]) - ord("A") for well in result.wells]
    columns = [int(well[1:]) - 1 for well in result.wells]
    shape = next((s for s in ((4, 6), (6, 8), (8, 12), (16, 24)) if max(rows) < s[0] and max(columns) < s[1]), (26, 48))
    return rows, columns, shape


def _maps(result: PlateResult, features: Sequence[Feature]) -> Figure:
    from matplotlib.figure import Figure

    rows, columns, shape = _grid(result)
    across = 2 if len(features) > 1 else 1
    down = -(-len(features) // across)
    figure = Figure(figsize=(look.WIDE, 2.35 * down if across == 2 else 3.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(down, across)).ravel()
    for axes, one in zip(panels, features, strict=False):
        grid = np.full(shape, np.nan)
        grid[rows, columns] = one.values
        finite = one.values[np.isfinite(one.values)]
        # a wild well must not take the colours of all others
        ends = np.quantile(finite, [0.02, 0.98]) if len(finite) > 4 else (finite.min(), finite.max())
        axes.set_facecolor("#e4e4e4")
        image = axes.imshow(grid, cmap="viridis", vmin=ends[0], vmax=ends[1], aspect="equal")
        bad = [(c, r) for r, c, flags in zip(rows, columns, result.flags, strict=True) if flags]
        if bad:
            axes.plot(*zip(*bad, strict=True), "x", color=look.VERMILLION, ms=40 / shape[1], mew=1.2)
        step = 1 if shape[1] <= 12 else 3
        axes.set_xticks(range(0, shape[1], step), [str(c + 1) for c in range(0, shape[1], step)])
        axes.set_yticks(range(0, shape[0], step), [chr(ord("A") + r) for r in range(0, shape[0], step)])
        axes.tick_params(length=0, labelsize=7)
        axes.set_title(one.label, loc="left", fontsize=9)
        figure.colorbar(image, ax=axes, shrink=0.85)
    for axes in panels[len(features) :]:
        axes.set_visible(False)
    return figure


def _spectra(result: PlateResult, feature: Feature | None) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(look.WIDE, 3.0), layout="constrained")
    axes = figure.subplots()
    sound = [i for i, flags in enumerate(result.flags) if not flags]
    sound = [sound[j] for j in np.unique(np.linspace(0, len(sound) - 1, _MOST_SPECTRA).astype(int))] if sound else []
    values = feature.values if feature is not None else np.zeros(len(result.wells))
    finite = values[np.isfinite(values)]
    norm = matplotlib.colors.Normalize(*((finite.min(), finite.max()) if len(finite) else (0.0, 1.0)))
    colours = matplotlib.colormaps["viridis"]
    for i in sound:
        axes.plot(result.energy_ev, result.spectra[i], lw=0.8, color=colours(norm(values[i])), alpha=0.8)
    axes.set(xlabel="energy (eV)", ylabel="emission per energy" if result.kind == "emission" else "absorbance")
    axes.set_xlim(*_lit(result))
    if feature is not None:
        figure.colorbar(matplotlib.cm.ScalarMappable(norm, colours), ax=axes, label=feature.label)
    return figure


def _lit(result: PlateResult) -> tuple[float, float]:
    """Part of the axis where there is something to see."""
    ends = float(result.energy_ev[0]), float(result.energy_ev[-1])
    if result.peaks is None or not np.isfinite(result.peaks.energy_ev).any():
        return ends
    reach = 3.0 * float(np.nanmax(result.peaks.fwhm_ev))
    energy = result.peaks.energy_ev
    return max(ends[0], float(np.nanmin(energy)) - reach), min(ends[1], float(np.nanmax(energy)) + reach)


def _fits(result: PlateResult) -> Figure:
    from matplotlib.figure import Figure

    assert result.peaks is not None
    bad = [i for i, flags in enumerate(result.flags) if flags]
    good = [i for i in np.argsort(result.peaks.energy_ev) if not result.flags[i]]
    left = max(4, _MOST_FITS - len(bad[:6]))
    picked = [*bad[:6], *(good[j] for j in np.unique(np.linspace(0, len(good) - 1, left).astype(int)) if good)]
    picked = picked[:_MOST_FITS]
    down = -(-len(picked) // 4)
    figure = Figure(figsize=(look.WIDE, 1.5 * down + 0.3), layout="constrained")
    panels = np.atleast_1d(figure.subplots(down, 4, sharex=True, squeeze=False)).ravel()
    for axes, i in zip(panels, picked, strict=False):
        axes.plot(result.energy_ev, result.spectra[i], ".", ms=1.6, color=look.GREY)
        axes.plot(result.energy_ev, result.peaks.fitted[i], color=look.VERMILLION if result.flags[i] else look.BLUE)
        axes.set_title(result.wells[i] + (" !" if result.flags[i] else ""), loc="left", fontsize=8, pad=2)
        axes.set_yticks([])
        axes.set_xlim(*_lit(result))
    for axes in panels[len(picked) :]:
        axes.set_visible(False)
    figure.supxlabel("energy (eV)", fontsize=9)
    return figure
