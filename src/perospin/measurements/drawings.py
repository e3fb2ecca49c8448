"""Who draws which fit: a plain word in the fit, and in its file, stands for a drawer in this one table."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from perospin.errors import RefusedFileError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CHIRALITY, _SERIES = "spectra.figures.chirality", "spectra.figures.series"

DRAWINGS: Mapping[str, tuple[str, str]] = {
    "circular dichroism": (_CHIRALITY, "plot_circular_dichroism"),
    "luminescence": (_CHIRALITY, "plot_luminescence"),
    "loop": (_CHIRALITY, "plot_loop"),
    "current": (_CHIRALITY, "plot_current"),
    "edge": (_CHIRALITY, "plot_edge"),
    "map": ("spectra.figures.maps", "plot_map_fit"),
    "pump-probe": ("spectra.figures.pump_probe", "plot_pump_probe"),
    "inertia": (_SERIES, "inertia_figure"),
    "inertia power": (_SERIES, "power_figure"),
    "kerr joint": (_SERIES, "kerr_joint_figure"),
    "kerr series": (_SERIES, "kerr_series_figure"),
    "odmr": (_SERIES, "odmr_figure"),
    "odmr width": (_SERIES, "width_figure"),
    "polarisation": (_SERIES, "polarisation_figure"),
    "t1 field": (_SERIES, "t1_field_figure"),
    "t1 temperature": (_SERIES, "t1_temperature_figure"),
}
"""Word -> room and function. A file holds the word alone, so opening it can import nothing else."""

_FORMAT_1 = {
    f"spectra.{old}:{function}": word
    for word, (room, function) in DRAWINGS.items()
    for old in (
        {_CHIRALITY: "chirality_figures", _SERIES: "series_figures", "spectra.figures.maps": "map_figures"}.get(
            room, "pump_probe_figures"
        ),
    )
}


def drawer_of(word: str) -> Callable[..., Figure]:
    """Return the function that draws such fits."""
    room, function = DRAWINGS[word]
    found: Callable[..., Any] = getattr(importlib.import_module(f"perospin.{room}"), function)
    return found


def drawing_of(content: Mapping[str, Any]) -> str:
    """Word of a saved fit; files of format 1 named a function, which is translated.

    Raises
    ------
    RefusedFileError
        If it is none of the table.
    """
    named = content.get("drawing", "")
    if "plotter" in content:
        named = _FORMAT_1.get(str(content["plotter"]), content["plotter"])
    if named != "" and named not in DRAWINGS:
        raise RefusedFileError(
            f"the saved fit asks for the drawing {str(named)[:40]!r}, which perospin does not have, so it is not opened"
        )
    return str(named)
