"""Interactive figures of plates: wells that can be chosen, and the spectrum behind one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin import look
from perospin.app.parts import styled

if TYPE_CHECKING:
    from perospin.navigation.plates.plate import PlateResult

__all__ = ["plate_width", "spectrum_plot", "wells_plot"]

_REACH_PX = 25
"""A click as near as this to the middle of a well chooses it."""


def plate_width(columns: int) -> int:
    """Width of a plate on the page in pixels, so that its wells are about square."""
    return 150 + (46 if columns <= 12 else 34) * columns


def wells_plot(
    values: Mapping[str, float],
    shape: tuple[int, int],
    label: str,
    words: Mapping[str, str],
    crossed: Collection[str] = (),
    chosen: str = "",
) -> Any:
    """Draw a number over the wells of a plate.

    Parameters
    ----------
    values : dict of str to float
        By well; NaN is drawn as no number.
    shape : tuple of int
        Rows and columns of the plate.
    label : str
        Of the colours.
    words : dict of str to str
        What a well shows when it is pointed at.
    crossed : collection of str
        Wells that get a cross.
    chosen : str
        The well that gets a frame.
    """
    import plotly.graph_objects as go

    from perospin.navigation.worklists.labware import split_well

    rows, columns = shape
    grid = np.full(shape, np.nan)
    for well, value in values.items():
        grid[split_well(well)] = value
    finite = grid[np.isfinite(grid)]
    # a wild well must not take the colours of all others
    ends = np.quantile(finite, [0.02, 0.98]) if len(finite) > 4 else [finite.min(), finite.max()] if len(finite) else []
    places = {well: split_well(well) for well in values}
    axes = {"x": list(range(1, columns + 1)), "y": list(range(rows)), "xgap": 2, "ygap": 2, "hoverinfo": "skip"}
    # all wells of the plate in grey, then those with a number
    figure = go.Figure(
        go.Heatmap(z=np.zeros(shape), colorscale=[[0, look.PALE], [1, look.PALE]], showscale=False, **axes)
    )
    figure.add_trace(
        go.Heatmap(
            z=grid, colorscale="Viridis", **axes,
            zmin=ends[0] if len(ends) else None, zmax=ends[1] if len(ends) else None,
            colorbar={"title": {"text": label, "side": "right"}, "thickness": 12, "tickformat": ".4~g"},
        )
    )  # fmt: skip
    # tiles can't be chosen in plotly; unseen points upon them can
    figure.add_trace(
        go.Scatter(
            x=[column + 1 for _, column in places.values()], y=[row for row, _ in places.values()], mode="markers",
            marker={"size": 14, "color": "rgba(0,0,0,0)"}, customdata=list(places), showlegend=False,
            text=[f"{well}: {words.get(well, '')}" for well in places], hoverinfo="text",
            unselected={"marker": {"opacity": 0}}, selected={"marker": {"opacity": 0}},
        )
    )  # fmt: skip
    bad = [places[well] for well in crossed if well in places]
    for marked, symbol, size in (
        (bad, "x-thin", 9), ([places[chosen]] if chosen in places else [], "square-open", 20),
    ):  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[column + 1 for _, column in marked], y=[row for row, _ in marked], mode="markers", hoverinfo="skip",
                marker={
                    "symbol": symbol, "size": size, "color": look.VERMILLION,
                    "line": {"width": 2, "color": look.VERMILLION},
                },
                showlegend=False,
            )
        )  # fmt: skip
    figure.update_xaxes(
        side="top", dtick=1 if columns <= 12 else 3, range=[0.5, columns + 0.5], showline=False, ticks="", title=None
    )
    figure.update_yaxes(
        tickvals=list(range(rows)), ticktext=[chr(ord("A") + row) for row in range(rows)], showline=False, ticks="",
        range=[rows - 0.5, -0.5],
    )  # fmt: skip
    found = styled(figure, 110 + (40 if rows <= 8 else 30) * rows)
    found.update_layout(hoverdistance=_REACH_PX, clickmode="event+select", margin={"t": 64})
    return found


def spectrum_plot(result: PlateResult, well: str, others: Sequence[str] = ()) -> Any:
    """Draw the spectrum of a well with its fit, and those of its replicates in grey."""
    import plotly.graph_objects as go

    place = {one: i for i, one in enumerate(result.wells)}
    figure = go.Figure()
    for other in others:
        figure.add_trace(
            go.Scatter(
                x=result.energy_ev, y=result.spectra[place[other]], mode="lines", name=other,
                line={"color": look.PALE, "width": 1.5},
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=result.energy_ev, y=result.spectra[place[well]], mode="markers", name=well,
            marker={"size": 5, "color": look.BLUE, "opacity": 0.6},
        )
    )  # fmt: skip
    if result.peaks is not None:
        figure.add_trace(
            go.Scatter(
                x=result.energy_ev, y=result.peaks.fitted[place[well]], mode="lines", name="fit",
                line={"color": look.VERMILLION, "width": 2.5},
            )
        )  # fmt: skip
    figure.update_xaxes(title="energy (eV)")
    words = "emission per energy" if result.kind == "emission" else "absorbance"
    figure.update_yaxes(title=words, exponentformat="power")
    return styled(figure, 380)
