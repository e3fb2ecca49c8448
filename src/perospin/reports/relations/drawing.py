"""Figures of the records: one property by material, and one quantity against another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin import look
from perospin.errors import DataError
from perospin.reports.relations.axes import Axis, axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from perospin.database import Record
    from perospin.reports.relations.relate import Relation

__all__ = ["by_material_figure", "by_middle", "law_curve", "relation_figure", "spans_decades", "technique_of"]

_MOST_MATERIALS = 45
_LAW_EV = (1.41, 3.3)
"""Gaps between which the universal law of g was made."""
_LIMIT_MARKERS = {"value": "o", "upper": "<", "lower": ">", "up_to": "<"}


def spans_decades(values: Any) -> bool:
    """Whether numbers are all positive and span more than a decade: a logarithmic axis suits them."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    return bool(len(found) and found.min() > 0 and found.max() > 10 * found.min())


def law_curve(carrier: str, low_ev: float, high_ev: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Universal curve of g of a carrier against the band gap (eV), (100,) each."""
    from perospin.mechanisms import electron_g_factor, hole_g_factor

    gap = np.linspace(max(low_ev, _LAW_EV[0]), max(min(high_ev, _LAW_EV[1]), _LAW_EV[0] + 0.1), 100)
    laws: dict[str, Any] = {"electron": electron_g_factor, "hole": hole_g_factor}
    return gap, np.asarray(laws[carrier](gap))


def relation_figure(relation: Relation, logarithmic: bool | None = None, law: str = "") -> Figure:
    """Draw pairs, with what they tell as the title.

    Parameters
    ----------
    relation : Relation
    logarithmic : bool, optional
        Both axes; by default each decides from its values.
    law : str
        Carrier of the universal curve of g against the gap; empty for none.

    Raises
    ------
    DataError
        If there is no pair.
    """
    import textwrap

    import matplotlib
    from matplotlib.figure import Figure

    points = relation.points
    if not len(points):
        raise DataError(f"{relation.verdict}, and nothing can be drawn")
    with matplotlib.rc_context(look.RC):
        figure = Figure(figsize=(5.0, 3.9))
        axes = figure.subplots()
        for name, low, high, at in (("x", "x_low", "x_high", "y"), ("y", "y_low", "y_high", "x")):
            ends = points[[low, high]].to_numpy()
            other = points[at].to_numpy()
            draw = axes.hlines if name == "x" else axes.vlines
            draw(other, ends[:, 0], ends[:, 1], color=look.PALE, linewidth=1.2, zorder=1)
            if spans_decades(points[name]) if logarithmic is None else logarithmic:
                getattr(axes, f"set_{name}scale")("log")
        axes.scatter(points["x"], points["y"], s=26, color=look.BLUE, linewidths=0, zorder=3, alpha=0.85)
        if len(points) <= 14:
            for row in points.itertuples():
                axes.annotate(
                    look.subscripted(str(row.formula)), (float(str(row.x)), float(str(row.y))), xytext=(4, 3),
                    textcoords="offset points", fontsize=6.5, color=look.GREY,
                )  # fmt: skip
        if law:
            low, high = points["x"].min(), points["x"].max()
            axes.plot(*law_curve(law, 0.9 * low, 1.1 * high), color=look.VERMILLION, label="universal curve, bulk")
            axes.legend()
        axes.set_xlabel(relation.x.label)
        axes.set_ylabel(relation.y.label)
        told = relation.verdict
        axes.set_title(textwrap.fill(told[:1].upper() + told[1:], 78), fontsize=7.5, fontweight="normal")
    return figure


def by_material_figure(asked: str, records: Sequence[Record] | None = None, **filters: Any) -> Figure:
    """Draw all values of a property, one row a material, coloured by technique; bounds are triangles.

    Parameters
    ----------
    asked : str
        Name of the property.
    records : sequence of Record, optional
        In place of those that pass the filters.
    **filters
        As `perospin.database.select_records` takes them.

    Raises
    ------
    DataError
        If no record passes.
    """
    import matplotlib
    from matplotlib.figure import Figure

    named = axis(asked)
    found = list(records) if records is not None else _with_bounds(named, filters)
    if not found:
        raise DataError(f"no record of {named.words} passes these filters")
    order = by_middle(found)[-_MOST_MATERIALS:]
    techniques = _techniques(found)
    with matplotlib.rc_context(look.RC):
        figure = Figure(figsize=(6.0, 1.1 + 0.2 * len(order)))
        axes = figure.subplots()
        shown = [record for record in found if record.formula in order]
        for place, technique in enumerate(techniques):
            colour = look.COLOURS[place % len(look.COLOURS)]
            for limit, marker in _LIMIT_MARKERS.items():
                own = [r for r in shown if technique_of(r) == technique and r.limit == limit]
                axes.scatter(
                    [r.value for r in own], [order.index(r.formula) for r in own], color=colour, marker=marker, s=22,
                    linewidths=0, alpha=0.85, label=technique if limit == "value" else None, zorder=3,
                )  # fmt: skip
        axes.set_yticks(range(len(order)), [look.subscripted(name) for name in order], fontsize=6.5)
        axes.set_ylim(-0.8, len(order) - 0.2)
        axes.grid(axis="x", color="#eeeeee")
        if spans_decades([r.value for r in shown]):
            axes.set_xscale("log")
        axes.set_xlabel(named.label)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=6.5)
    return figure


def _with_bounds(named: Axis, filters: dict[str, Any]) -> list[Record]:
    from perospin.database import select_records

    if named.kind != "property":
        raise DataError(f"'{named.name}' is no property of records; name one such as tau_spin, or give two quantities")
    given = {**filters, **({"carrier": named.carrier} if named.carrier else {})}
    return [record for record in select_records(named.column, **given) if record.formula]


def technique_of(record: Record) -> str:
    """Technique of a record, in words where it states none."""
    return record.conditions.technique or "technique not stated"


def _techniques(records: Sequence[Record]) -> list[str]:
    names = [technique_of(record) for record in records]
    return sorted(set(names), key=lambda name: -names.count(name))


def by_middle(records: Sequence[Record]) -> list[str]:
    """Order the materials of records by the median of their values, the smallest first."""
    values: dict[str, list[float]] = {}
    for record in records:
        values.setdefault(record.formula, []).append(record.value)
    return sorted(values, key=lambda name: float(np.median(values[name])))
