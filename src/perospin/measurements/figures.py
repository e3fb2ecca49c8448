"""Pictures of what was measured, before any fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import FitError
from perospin.look import COLUMN_INCHES, COLUMN_RC, delay_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.measurements.maps import SignalMap


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
    with matplotlib.rc_context(COLUMN_RC):
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
