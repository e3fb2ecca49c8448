"""Relate two quantities of the records: pairs by material, rank correlation with its interval, or "can't tell"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from perospin.digits import counted, number
from perospin.errors import DataError
from perospin.reports.relations.axes import Axis, axis, condition_of, crystal_value, source_of, values_of, words_of

if TYPE_CHECKING:
    import pandas as pd

    from perospin.database import Record

__all__ = ["Correlation", "Relation", "rank_correlation", "relate"]

_FEWEST = 4
"""With three pairs no order is unlikely enough to say anything."""
_EXACT = 8
_SHUFFLES = 20_000
_RESAMPLES = 2000


@dataclass(frozen=True)
class Correlation:
    """A rank correlation.

    Attributes
    ----------
    rho : float
        Spearman's; NaN where it can't be computed.
    low, high : float
        Its interval.
    level : float
    p_value : float
        Share of shuffled pairs with a correlation at least as large, of either sign.
    how : str
        How the interval was made.
    """

    rho: float
    low: float
    high: float
    level: float
    p_value: float
    how: str

    @property
    def tells(self) -> bool:
        """Whether the sign is certain: the interval leaves 0 out, and chance seldom does as well."""
        return math.isfinite(self.rho) and self.low * self.high > 0 and self.p_value < 1 - self.level


@dataclass(frozen=True)
class Relation:
    """Two quantities side by side.

    Attributes
    ----------
    x, y : Axis
    points : DataFrame
        One row a pair: ``formula``, ``x``, ``y``, ``x_low`` to ``y_high`` (extremes of the records behind it),
        ``records``, ``words``, ``url``.
    materials : int
        Different materials among the pairs.
    correlation : Correlation
    notes : tuple of str
        What was pooled or left out.
    """

    x: Axis
    y: Axis
    points: pd.DataFrame
    materials: int
    correlation: Correlation
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What the pairs tell, in one sentence."""
        found, names = self.correlation, f"{self.y.words} and {self.x.words}"
        pairs = counted(self.materials, "material")
        if len(self.points) == 0:
            return f"no material has both {names}: nothing can be said"
        if not math.isfinite(found.rho):
            return f"{names} of {pairs}: too few to say anything (at least {_FEWEST} are needed)"
        interval = f"{100 * found.level:.0f} % interval {number(found.low)} to {number(found.high)}"
        told = f"rank correlation {number(found.rho)}, {interval}, p = {_p(found.p_value)}, {pairs}"
        if not found.tells:
            return f"{names}: can't tell ({told})"
        return f"{self.y.words} {'rises' if found.rho > 0 else 'falls'} with {self.x.words} ({told})"

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<br>{escape(note)}" for note in self.notes)
        return f"<div><b>{escape(self.verdict)}</b>{notes}{self.points.to_html(index=False)}</div>"

    def plot(self, logarithmic: bool | None = None) -> Any:
        """Draw the pairs (matplotlib); axes are logarithmic where all values are positive and span a decade."""
        from perospin.reports.relations.drawing import relation_figure

        return relation_figure(self, logarithmic)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else number(value, 3)


def relate(x: str, y: str, *, level: float = 0.95, seed: int = 0, **filters: Any) -> Relation:
    """Pair two quantities and say what the pairs tell.

    Two properties are paired by material, one pair a material: the geometric mean of its records where all are
    positive, else the mean. A condition (temperature, layers ...) is paired with each record, and records of one
    material count together in the interval.

    Parameters
    ----------
    x, y : str
        Names of axes (`perospin.reports.relations.axes.axes_listed`); ``g_factor:hole`` for one carrier.
    level : float
        Of the interval.
    seed : int
        Of the resampling.
    **filters
        As `perospin.database.select_records` takes them; both sides pass them.

    Raises
    ------
    DataError
        If an axis is unknown, or neither is a property.

    Examples
    --------
    >>> relate("g_CD", "magnetoresistance", user=False).verdict
    'no material has both magnetoresistance and g CD: nothing can be said'
    """
    across, up = axis(x), axis(y)
    if up.kind != "property" and across.kind != "property":
        raise DataError(f"'{x}' and '{y}' are no properties of records; name one, such as tau_spin, on an axis")
    if across.name == up.name:
        raise DataError(f"'{x}' stands on both axes; name two quantities")
    sides = (_side(across, filters), _side(up, filters))
    pairing = _by_record if "condition" in (across.kind, up.kind) else _by_material
    points = pairing(across, up, sides)
    found = rank_correlation(points["x"].to_numpy(), points["y"].to_numpy(), points["formula"].tolist(), level, seed)
    return Relation(
        across, up, points, int(points["formula"].nunique()), found, tuple(_notes(points, (across, up), sides))
    )


def _side(asked: Axis, filters: dict[str, Any]) -> list[Record]:
    return values_of(asked, **filters) if asked.kind == "property" else []


_COLUMNS = ["formula", "x", "y", "x_low", "x_high", "y_low", "y_high", "records", "words", "url"]


def _by_record(x: Axis, y: Axis, sides: tuple[list[Record], list[Record]]) -> pd.DataFrame:
    """One pair a record: its value and its condition."""
    import pandas as pd

    swapped = y.kind == "condition"
    records, column = (sides[0], y.column) if swapped else (sides[1], x.column)
    rows = []
    for record in records:
        condition = condition_of(record, column)
        if not math.isfinite(condition):
            continue
        spread = record.uncertainty or 0.0
        value, ends = record.value, (record.value - spread, record.value + spread)
        pair = (value, condition, *ends, condition, condition) if swapped else (
            condition, value, condition, condition, *ends)  # fmt: skip
        rows.append((record.formula, *pair, 1, words_of(record), source_of(record)))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _by_material(x: Axis, y: Axis, sides: tuple[list[Record], list[Record]]) -> pd.DataFrame:
    """One pair a material."""
    import pandas as pd

    grouped: list[dict[str, list[Record]]] = []
    for records in sides:
        found: dict[str, list[Record]] = {}
        for record in records:
            found.setdefault(record.formula, []).append(record)
        grouped.append(found)
    names = [set(found) for found, asked in zip(grouped, (x, y), strict=True) if asked.kind == "property"]
    rows = []
    for formula in sorted(set.intersection(*names)):
        left = _summary(x, grouped[0].get(formula, []), formula)
        right = _summary(y, grouped[1].get(formula, []), formula)
        if not (math.isfinite(left[0]) and math.isfinite(right[0])):
            continue
        behind = [*grouped[0].get(formula, []), *grouped[1].get(formula, [])]
        rows.append(
            (
                formula, left[0], right[0], *left[1:3], *right[1:3], len(behind),
                "; ".join(filter(None, (left[3], right[3]))), source_of(behind[-1]),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=_COLUMNS)


def _summary(asked: Axis, records: list[Record], formula: str) -> tuple[float, float, float, str]:
    """Value, lowest, highest and words of one side of one material."""
    if asked.kind == "crystal":
        value, told = crystal_value(formula, asked.column)
        return value, value, value, f"{asked.words}: {value:.4g} {asked.unit}, {told}"
    values = np.array([record.value for record in records])
    middle = float(np.exp(np.log(values).mean())) if (values > 0).all() else float(values.mean())
    told = words_of(records[0]) if len(records) == 1 else f"{formula}, {len(records)} records of {asked.words}"
    return middle, float(values.min()), float(values.max()), told


def _notes(points: pd.DataFrame, axes: tuple[Axis, Axis], sides: tuple[list[Record], list[Record]]) -> list[str]:
    notes = ["bounds ('up to', '<', '>') are left out"]
    stated = [asked for asked in axes if asked.kind == "condition"]
    silent = sum(len(records) for records in sides) - len(points)
    if stated and silent:
        what = "are of no layered material" if stated[0].column == "n_layers" else f"state no {stated[0].words}"
        notes.append(f"{counted(silent, 'record')} {what} and are left out")
    for asked, records in zip(axes, sides, strict=True):
        used = [record for record in records if record.formula in set(points["formula"])]
        kinds = {record.conditions.technique for record in used} - {""}
        warm = [record.conditions.temperature_k for record in used if record.conditions.temperature_k is not None]
        carriers = {record.conditions.carrier for record in used} - {"", "unspecified"}
        if len(kinds) > 1:
            notes.append(f"{asked.words}: {len(kinds)} techniques are pooled ({', '.join(sorted(kinds)[:6])})")
        if warm and max(warm) > 1.5 * min(warm):
            notes.append(f"{asked.words}: measured at {min(warm):g} to {max(warm):g} K; filter by temperature")
        if len(carriers) > 1 and not asked.carrier:
            notes.append(
                f"{asked.words}: carriers are pooled ({', '.join(sorted(carriers))}); '{asked.column}:"
                f"{sorted(carriers)[0]}' asks for one"
            )
    if len(points):
        notes.append("of many pairs of quantities that one can look at, one in twenty seems related by chance")
    return notes


# -- the statistics ---------------------------------------------------------------------------------------------------


def rank_correlation(
    x: NDArray[np.float64], y: NDArray[np.float64], groups: Sequence[str], level: float = 0.95, seed: int = 0
) -> Correlation:
    """Spearman's rank correlation with an interval and the p value of a permutation test.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    groups : sequence of str
        Material of each pair. Where all differ, the interval is Bonett and Wright's (Psychometrika 65, 23, 2000:
        Fisher's z with the variance (1 + rho^2/2)/(n - 3)); else whole materials are resampled (percentiles), and the
        means of the materials are shuffled.
    level : float
    seed : int

    Returns
    -------
    Correlation
        Of NaN with fewer than four materials, or where one side is constant.
    """
    names = np.asarray(groups, dtype=str)
    distinct = np.unique(names)
    nothing = Correlation(math.nan, math.nan, math.nan, level, math.nan, "too few pairs")
    if len(distinct) < _FEWEST or len(np.unique(x)) < 2 or len(np.unique(y)) < 2:
        return nothing
    rho = _spearman(x, y)
    rng = np.random.default_rng(seed)
    if len(distinct) == len(x):
        low, high = _bonett_wright(rho, len(x), level)
        return Correlation(rho, low, high, level, _permutation(x, y, rng), "Bonett and Wright, from Fisher's z")
    members = [np.flatnonzero(names == name) for name in distinct]
    found = []
    for _ in range(_RESAMPLES):
        chosen = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        value = _spearman(x[chosen], y[chosen])
        if math.isfinite(value):
            found.append(value)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    p_value = _permutation(
        np.array([x[rows].mean() for rows in members]), np.array([y[rows].mean() for rows in members]), rng
    )
    return Correlation(rho, float(low), float(high), level, p_value, "percentiles, whole materials resampled")


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else math.nan


def _bonett_wright(rho: float, n: int, level: float) -> tuple[float, float]:
    # a perfect order of n pairs lies nearer to 1 than the next order (one swap) by 12/(n^3 - n): half of that is kept
    inner = float(np.clip(rho, -1 + 6 / (n**3 - n), 1 - 6 / (n**3 - n)))
    half = float(ndtri(0.5 + level / 2)) * math.sqrt((1 + inner**2 / 2) / (n - 3))
    return math.tanh(math.atanh(inner) - half), math.tanh(math.atanh(inner) + half)


def _permutation(x: NDArray[np.float64], y: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Two-sided p value of Spearman's correlation: exact for few pairs, else from shuffles."""
    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    own = abs(float(a @ b)) - 1e-9
    if len(x) <= _EXACT:
        orders = np.array(list(permutations(range(len(x)))))
        return float(np.mean(np.abs(b[orders] @ a) >= own))
    shuffled = rng.permuted(np.tile(b, (_SHUFFLES, 1)), axis=1)
    return float((1 + np.sum(np.abs(shuffled @ a) >= own)) / (1 + _SHUFFLES))
