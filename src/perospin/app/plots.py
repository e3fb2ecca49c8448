"""Interactive figures, drawn from what the rooms below return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin import look
from perospin.app.parts import styled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from perospin.database import Record
    from perospin.descriptors.structure.scene import Scene
    from perospin.measurements import SpinFit
    from perospin.reports.relations.relate import Relation
    from perospin.studies import Prediction

__all__ = [
    "CONFIG",
    "fit_plot",
    "law_plot",
    "raw_plot",
    "relation_plot",
    "scene_plot",
    "strip_plot",
    "values_plot",
    "waterfall_plot",
]

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
        return {named.get(float(str(key)), str(key)): part for key, part in data.groupby("channel", sort=False)}
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


def relation_plot(relation: Relation, curve: tuple[Any, Any] | None = None) -> Any:
    """Draw the pairs of a relation; each point carries its words and its source."""
    import plotly.graph_objects as go

    points = relation.points
    figure = go.Figure()
    errors = {
        name: {
            "type": "data", "symmetric": False, "array": points[f"{name}_high"] - points[name],
            "arrayminus": points[name] - points[f"{name}_low"], "color": look.PALE, "thickness": 1,
        }
        for name in ("x", "y")
    }  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=points["x"], y=points["y"], mode="markers", error_x=errors["x"], error_y=errors["y"], showlegend=False,
            marker={"size": 10, "color": look.BLUE, "opacity": 0.85}, text=points["words"], hoverinfo="text",
            customdata=points[["words", "url"]].to_numpy().tolist(),
        )
    )  # fmt: skip
    if curve is not None:
        figure.add_trace(
            go.Scatter(
                x=curve[0], y=curve[1], mode="lines", name="universal curve, bulk", line={"color": look.VERMILLION}
            )
        )
    _scale(figure.update_xaxes, points["x"], relation.x.label)
    _scale(figure.update_yaxes, points["y"], relation.y.label)
    return styled(figure, 440)


def values_plot(records: Sequence[Record], label: str) -> Any:
    """Draw all values of a property, one row a material, coloured by technique."""
    import plotly.graph_objects as go

    from perospin.reports.relations.axes import source_of, words_of
    from perospin.reports.relations.drawing import by_middle, technique_of

    order = by_middle(records)
    figure = go.Figure()
    names = [technique_of(record) for record in records]
    signs = {"value": "circle", "upper": "triangle-left", "lower": "triangle-right", "up_to": "triangle-left"}
    for place, technique in enumerate(sorted(set(names), key=lambda name: -names.count(name))):
        own = [record for record in records if technique_of(record) == technique]
        figure.add_trace(
            go.Scatter(
                x=[r.value for r in own], y=[r.formula for r in own], mode="markers", name=technique,
                text=[words_of(r) for r in own], hoverinfo="text",
                customdata=[[words_of(r), source_of(r)] for r in own],
                marker={
                    "size": 9, "color": look.COLOURS[place % len(look.COLOURS)], "opacity": 0.85,
                    "symbol": [signs[r.limit] for r in own],
                },
            )
        )  # fmt: skip
    figure.update_yaxes(categoryorder="array", categoryarray=order, dtick=1, tickfont={"size": 11}, automargin=True)
    _scale(figure.update_xaxes, [r.value for r in records], label)
    return styled(figure, 180 + 17 * len(order))


_ELEMENTS = {"C": "#555555", "N": look.BLUE, "O": look.VERMILLION, "S": look.YELLOW, "F": look.GREEN, "Cs": look.PINK}


def scene_plot(scene: Scene) -> Any:
    """Draw octahedra, atoms and the cell in space."""
    import plotly.graph_objects as go

    figure = go.Figure()
    corners: list[Any] = []
    first: list[int] = []
    second: list[int] = []
    third: list[int] = []
    for vertices in scene.octahedra:
        start = len(corners)
        corners.extend(vertices)
        for a, b, c in _faces(vertices):
            first.append(start + a)
            second.append(start + b)
            third.append(start + c)
    at = np.array(corners)
    if len(at):
        figure.add_trace(
            go.Mesh3d(
                x=at[:, 0], y=at[:, 1], z=at[:, 2], i=first, j=second, k=third, color=look.SKY, opacity=0.45,
                flatshading=True, hoverinfo="skip", name="octahedra", showlegend=True,
            )
        )  # fmt: skip
        for name, points, colour, size in (("metal", scene.centres, look.BLACK, 5), ("halide", at, look.VERMILLION, 3)):
            figure.add_trace(_spheres(points, name, colour, size))
    for symbol in sorted(set(scene.symbols)):
        own = scene.atoms[[i for i, other in enumerate(scene.symbols) if other == symbol]]
        figure.add_trace(_spheres(own, symbol, _ELEMENTS.get(symbol, look.GREY), 3))
    lines = np.concatenate([np.vstack([edge, np.full((1, 3), np.nan)]) for edge in scene.edges])
    figure.add_trace(
        go.Scatter3d(
            x=lines[:, 0], y=lines[:, 1], z=lines[:, 2], mode="lines", line={"color": look.GREY, "width": 2},
            hoverinfo="skip", name="cell",
        )
    )  # fmt: skip
    hidden = {"visible": False}
    figure.update_layout(scene={"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data"})
    return styled(figure, 520)


def _faces(vertices: Any) -> list[tuple[int, int, int]]:
    from scipy.spatial import ConvexHull

    return [(int(a), int(b), int(c)) for a, b, c in ConvexHull(vertices).simplices]


def _spheres(points: Any, name: str, colour: str, size: int) -> Any:
    import plotly.graph_objects as go

    return go.Scatter3d(
        x=points[:, 0], y=points[:, 1], z=points[:, 2], mode="markers", name=name,
        marker={"size": size, "color": colour}, hoverinfo="name",
    )  # fmt: skip


def waterfall_plot(prediction: Prediction) -> Any:
    """Draw what moves a prediction away from the average, its interval, and the nearest known materials."""
    import plotly.graph_objects as go

    from perospin.digits import signed
    from perospin.studies.predicting.waterfall import steps

    bars = steps(prediction)
    logarithmic = prediction.space.startswith("log₁₀")

    def forward(value: float) -> float:
        return float(np.log10(value)) if logarithmic and value > 0 else value

    labels = ["average of the training rows", *(name for name, _ in bars), "prediction"]
    ends = np.cumsum([prediction.base, *(value for _, value in bars)])
    figure = go.Figure()
    for word, sign, colour in (("raises", 1.0, look.VERMILLION), ("lowers", -1.0, look.BLUE)):
        own = [i for i, (_, value) in enumerate(bars) if value * sign > 0]
        figure.add_trace(
            go.Bar(
                x=[bars[i][1] for i in own], y=[i + 1 for i in own], base=[ends[i] for i in own], orientation="h",
                width=0.62,
                name=word, marker={"color": colour}, text=[signed(bars[i][1]) for i in own], textposition="outside",
                hovertext=[bars[i][0] for i in own], hoverinfo="text", cliponaxis=False,
            )
        )  # fmt: skip
    low, high, total = forward(prediction.low), forward(prediction.high), float(ends[-1])
    figure.add_trace(
        go.Scatter(
            x=[total], y=[len(bars) + 1], mode="markers", marker={"size": 11, "color": look.BLACK}, hoverinfo="x",
            name=f"prediction, {100 * prediction.level:.0f} % interval",
            error_x={"type": "data", "symmetric": False, "array": [high - total], "arrayminus": [total - low]},
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[forward(near.value) for near in prediction.nearest], y=[len(bars) + 1.6] * len(prediction.nearest),
            mode="markers", name="nearest known", hoverinfo="text+x", text=[n.formula for n in prediction.nearest],
            marker={"size": 9, "symbol": "triangle-up", "color": look.GREY},
        )
    )  # fmt: skip
    figure.add_vline(x=prediction.base, line={"color": look.GREY, "width": 1, "dash": "dot"})
    unit = f" ({prediction.unit})" if prediction.unit else ""
    figure.update_xaxes(title=f"log₁₀ {prediction.quantity}{unit}" if logarithmic else f"{prediction.quantity}{unit}")
    figure.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, range=[len(labels) + 0.2, -0.7], automargin=True, ticks="",
        tickfont={"size": 11},
    )  # fmt: skip
    figure.update_layout(barmode="overlay")
    return styled(figure, 190 + 27 * len(labels))


def law_plot(x: Any, y: Any, x_label: str, y_label: str, at: tuple[float, float]) -> Any:
    """Draw a law against one of its parameters, with a point where the sliders stand."""
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(x=x, y=y, mode="lines", line={"color": look.BLUE, "width": 3}, showlegend=False))
    marker = {"color": look.VERMILLION, "size": 13}
    figure.add_trace(go.Scatter(x=[at[0]], y=[at[1]], mode="markers", marker=marker, showlegend=False))
    _scale(figure.update_xaxes, x, x_label)
    _scale(figure.update_yaxes, y, y_label)
    return styled(figure, 380)


def _scale(update: Callable[..., Any], values: Any, label: str) -> None:
    """Name an axis, and make it logarithmic where its values ask for it; numbers stand at the decades alone."""
    from perospin.reports.relations.drawing import spans_decades

    if not spans_decades(values):
        update(title=label)
        return
    found = np.asarray(values, dtype=float)
    wide = found[np.isfinite(found)].max() > 60 * found[np.isfinite(found)].min()
    update(title=label, type="log", exponentformat="power", **({"dtick": 1} if wide else {}))
