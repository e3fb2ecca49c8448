"""Pictures of maps: pseudocolour, kinetics, spectra, decay-associated spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float
from perospin.fitting.plotting import COLUMN_INCHES, RC

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.spectra.maps import SignalMap

__all__ = ["plot_maps"]


def plot_maps(*maps: SignalMap, limit: float | None = None, linear_ps: float = 1.0) -> Figure:
    """Pseudocolour plots side by side, with one colour scale, symmetric about zero.

    Parameters
    ----------
    *maps
        Such as SC, CC and their difference.
    limit
        End of the colour scale; default the 99th percentile of the largest signal.
    linear_ps
        The delay axis is linear up to here and logarithmic beyond.
    """
    import matplotlib
    from matplotlib.figure import Figure

    if not maps:
        raise FitError("give at least one map to plot")
    top = limit or max(float(np.nanpercentile(np.abs(part.signal), 99)) for part in maps) or 1.0
    with matplotlib.rc_context(RC):
        width = COLUMN_INCHES if len(maps) == 1 else 2.3 * len(maps)
        figure = Figure(figsize=(width, 2.7), layout="constrained")
        grid = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
        image: Any = None
        for axes, part in zip(grid, maps, strict=True):
            image = axes.pcolormesh(
                part.wavelength_nm, part.delay_ps, np.ma.masked_invalid(part.signal),
                cmap="RdBu_r", vmin=-top, vmax=top, shading="nearest", rasterized=True,
            )  # fmt: skip
            axes.set_title(part.name)
            axes.set_xlabel("wavelength (nm)")
            delay_axis(axes, part.delay_ps, linear_ps)
        grid[0].set_ylabel("delay (ps)")
        unit = maps[0].unit
        figure.colorbar(image, ax=grid[-1], label=f"signal ({unit})" if unit else "signal")
    return figure


def delay_axis(axes: Any, delay: Float, linear_ps: float, which: str = "y") -> None:
    """Scale that is linear around time zero and logarithmic far from it, where the delays ask for it."""
    if delay[-1] > 20 * linear_ps:
        getattr(axes, f"set_{which}scale")("symlog", linthresh=linear_ps, linscale=1.0)
    getattr(axes, f"set_{which}lim")(delay[0], delay[-1])
