"""Interactive figures, drawn from what the rooms below return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin import look
from perospin.app.parts import styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from perospin.measurements import SpinFit

__all__ = ["CONFIG", "fit_plot", "raw_plot", "strip_plot"]

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "toImageButtonOptions": {"format": "svg"},
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
}
"""Settings of every interactive figure."""


def raw_plot(x: Any, channels: Mapping[str, Any], x_label: str, logarithmic: bool) -> Any:
    """Draw measured channels against their abscissa."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for (role, values), colour in zip(channels.items(), look.COLOURS, strict=False):
        figure.add_trace(
            go.Scatter(x=x, y=values, name=role, mode="markers", marker={"size": 4, "color": colour, "opacity": 0.7})
        )
    figure.update_xaxes(title=x_label, type="log" if logarithmic else "linear")
    return styled(figure, 300)


def fit_plot(fit: SpinFit, logarithmic: bool) -> Any | None:
    """Draw data, fit and residuals of a fit; None where its data are no points with a curve."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    data = fit.data
    if data.empty or not {"best_fit", "residual"} <= set(data.columns):
        return None
    x = str(data.columns[0])
    values = str(data.columns[list(data.columns).index("best_fit") - 1])
    if values == "sigma":
        values = str(data.columns[list(data.columns).index("best_fit") - 2])
    groups = _groups(data)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.04)
    for (name, part), colour in zip(groups.items(), look.COLOURS, strict=False):
        line = part.sort_values(x, kind="stable")
        points: dict[str, Any] = {"size": 4, "color": colour, "opacity": 0.5}
        figure.add_trace(
            go.Scatter(x=part[x], y=part[values], name=name, mode="markers", marker=points, legendgroup=name),
            row=1,
            col=1,
        )
        figure.add_trace(
            go.Scatter(
                x=line[x], y=line["best_fit"], name=f"{name} fit", mode="lines", line={"color": colour, "width": 2},
                legendgroup=name,
            ),
            row=1, col=1,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(x=part[x], y=part["residual"], mode="markers", marker=points, showlegend=False), row=2, col=1
        )
    figure.add_hline(y=0, line={"color": look.GREY, "width": 1}, row=2, col=1)
    figure.update_yaxes(title=_label(values), row=1, col=1)
    figure.update_yaxes(title="residual", row=2, col=1)
    figure.update_xaxes(title=_label(x), row=2, col=1)
    if logarithmic:
        figure.update_xaxes(type="log")
    return styled(figure, 460)


def _groups(data: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Parts of the data that are curves of their own."""
    if "channel" in data:
        named = {1.0: "SC", -1.0: "CC"}
        return {named.get(float(key), str(key)): part for key, part in data.groupby("channel", sort=False)}
    for column in ("quantity", "direction"):
        if column in data:
            return {str(key): part for key, part in data.groupby(column, sort=False)}
    return {"data": data}


def _label(name: str) -> str:
    """Turn a column's name into words with its unit: ``delay_ps`` is ``delay (ps)``."""
    stem, _, unit = name.rpartition("_")
    known = {"ps", "nm", "ev", "t", "v", "a", "s", "k", "hz", "ghz", "ohm", "mdeg", "f", "mev"}
    upper = {"ev": "eV", "t": "T", "v": "V", "a": "A", "k": "K", "hz": "Hz", "ghz": "GHz", "f": "F", "mev": "meV"}
    return f"{stem.replace('_', ' ')} ({upper.get(unit, unit)})" if unit in known and stem else name.replace("_", " ")


def strip_plot(values: pd.DataFrame, own: tuple[float, float, float], label: str, own_name: str = "this fit") -> Any:
    """Draw literature values on a line, and the own value with its interval across.

    Parameters
    ----------
    values : DataFrame
        ``value``, ``words`` (shown at a point) and ``url``.
    own : tuple
        Value, low, high.
    label : str
        Of the axis, with the unit.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    heights = np.linspace(-0.3, 0.3, max(len(values), 2))[: len(values)] if len(values) > 1 else [0.0]
    figure.add_trace(
        go.Scatter(
            x=values["value"], y=list(heights)[: len(values)], mode="markers", name="literature",
            marker={"color": look.GREY, "size": 10}, text=values["words"], customdata=values["url"], hoverinfo="text+x",
        )
    )  # fmt: skip
    value, low, high = own
    if np.isfinite(low) and np.isfinite(high) and low > 0:
        figure.add_vrect(x0=low, x1=high, fillcolor=look.BLUE, opacity=0.2, line_width=0)
    figure.add_trace(
        go.Scatter(
            x=[value], y=[0.0], mode="markers", name=own_name,
            marker={"color": look.BLUE, "size": 16, "symbol": "diamond"},
        )
    )  # fmt: skip
    positive = value > 0 and (values["value"] > 0).all()
    figure.update_xaxes(title=label, type="log" if positive else "linear")
    figure.update_yaxes(visible=False, range=[-1, 1])
    return styled(figure, 220)
