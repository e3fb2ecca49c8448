"""Volumes of stocks that make a composition, and the composition that these volumes really make."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perospin.digits import figures
from perospin.errors import NavigationError
from perospin.navigation.worklists.labware import Pipette
from perospin.navigation.worklists.stocks import Stock
from perospin.similar import did_you_mean
from perospin.text import shorten

__all__ = ["Made", "Target", "made_of", "pipette_for", "recipe"]

FloatArray = NDArray[np.float64]
SHARE_TOLERANCE, RELATIVE_TOLERANCE = 0.01, 0.02
_MOST_ROUNDED = 10
_HOLD = 1e3
"""Weight of the volume, which is held, against the composition, which comes as near as it can."""


@dataclass(frozen=True)
class Target:
    """What a well is to hold.

    Attributes
    ----------
    name : str
    shares : dict of str to float
        Amounts of the components, in any common unit; they are divided by their sum.
    concentration_m : float or None
        Of all components together, mol/L; None takes what the stocks give undiluted.
    solvent : dict of str to float
        Shares by volume that the solvents must have; empty if any will do.
    role : str
        sample or control.
    conditions : dict of str to str or float
        What else is set for it, such as a temperature; carried along.
    """

    name: str
    shares: Mapping[str, float]
    concentration_m: float | None = None
    solvent: Mapping[str, float] = field(default_factory=dict)
    role: str = "sample"
    conditions: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"'{shorten(self.name, 60)}'"
        values = list(self.shares.values())
        if not values or any(not (math.isfinite(v) and v >= 0) for v in values) or not sum(values) > 0:
            raise NavigationError(f"the shares of {where} must be 0 or more, one of them above 0")
        if self.concentration_m is not None and not (math.isfinite(self.concentration_m) and self.concentration_m > 0):
            raise NavigationError(f"the concentration of {where} must be above 0 mol/L")
        whole, wet = sum(values), sum(self.solvent.values())
        object.__setattr__(self, "shares", {name: v / whole for name, v in self.shares.items()})
        if self.solvent:
            if any(not v >= 0 for v in self.solvent.values()) or not wet > 0:
                raise NavigationError(f"the solvents of {where} must have shares of 0 or more")
            object.__setattr__(self, "solvent", {name: v / wet for name, v in self.solvent.items()})


@dataclass(frozen=True)
class Made:
    """What volumes make.

    Attributes
    ----------
    volumes_ul : dict of str to float
        By stock; only those above 0.
    volume_ul : float
        All together; volumes are taken to add up.
    shares : dict of str to float
        Of the components, which sum to 1; empty if there are only solvents.
    concentration_m : float
        Of all components together, mol/L.
    solvent : dict of str to float
        Shares by volume.
    share_error, concentration_error, solvent_error : float
        Largest difference from the wish: of a share; of the concentration, relative; of a solvent's share.
    """

    volumes_ul: dict[str, float]
    volume_ul: float
    shares: dict[str, float]
    concentration_m: float
    solvent: dict[str, float]
    share_error: float = 0.0
    concentration_error: float = 0.0
    solvent_error: float = 0.0

    @property
    def as_meant(self) -> bool:
        """Whether it is the wish, within 0.01 of a share and 2 % of the concentration."""
        return (
            self.share_error <= SHARE_TOLERANCE
            and self.concentration_error <= RELATIVE_TOLERANCE
            and self.solvent_error <= RELATIVE_TOLERANCE
        )


def are_shares(values: Iterable[float]) -> bool:
    """Whether values sum to 1, or as percent to 100, within a hundredth of that."""
    total = sum(values)
    return any(abs(total - whole) <= 0.01 * whole for whole in (1.0, 100.0))


def made_of(volumes_ul: Mapping[str, float], stocks: Sequence[Stock]) -> Made:
    """Work out what volumes of stocks make, by the conservation of each component."""
    known = {stock.name: stock for stock in stocks}
    moles: dict[str, float] = {}
    wet: dict[str, float] = {}
    for name, volume in volumes_ul.items():
        for component, concentration in known[name].solutes.items():
            moles[component] = moles.get(component, 0.0) + concentration * volume
        for solvent, share in known[name].solvent.items():
            wet[solvent] = wet.get(solvent, 0.0) + share * volume
    volume, amount = sum(volumes_ul.values()), sum(moles.values())
    return Made(
        {name: v for name, v in volumes_ul.items() if v > 0},
        volume,
        {name: n / amount for name, n in moles.items() if n > 0} if amount else {},
        amount / volume if volume else 0.0,
        {name: v / volume for name, v in wet.items() if v > 0} if volume else {},
    )


def pipette_for(volume_ul: float, pipettes: Sequence[Pipette]) -> Pipette:
    """Choose the smallest pipette that moves a volume in one stroke, or else the largest, in several."""
    able = [p for p in pipettes if p.minimum_ul - 1e-9 <= volume_ul <= p.maximum_ul + 1e-9]
    if able:
        return min(able, key=lambda p: (p.step_ul, p.maximum_ul))
    # between two pipettes: several strokes of the smaller one; above all: of the largest
    below = [p for p in pipettes if p.maximum_ul < volume_ul]
    return max(below or pipettes, key=lambda p: p.maximum_ul)


def recipe(target: Target, stocks: Sequence[Stock], volume_ul: float, pipettes: Sequence[Pipette]) -> Made:
    """Find volumes for one well by non-negative least squares, then the best rounding to what pipettes can do.

    The volume of the well is held; the composition comes as near as the stocks allow.

    Parameters
    ----------
    target : Target
    stocks : sequence of Stock
        Each name once.
    volume_ul : float
    pipettes : sequence of Pipette

    Raises
    ------
    NavigationError
        If no stock holds a component of the target.
    """
    components = sorted({name for stock in stocks for name in stock.solutes})
    for name, share in target.shares.items():
        if share > 0 and name not in components:
            hint = did_you_mean(name, components, otherwise=f"stocks hold {', '.join(components)[:150]}", quoted=True)
            raise NavigationError(f"no stock holds '{shorten(name, 40)}' for '{shorten(target.name, 60)}'; {hint}")
    wished = np.array([target.shares.get(name, 0.0) for name in components])
    held = np.array([[stock.solutes.get(name, 0.0) for stock in stocks] for name in components])
    solvents = sorted({*target.solvent, *(name for stock in stocks for name in stock.solvent)})
    wet = np.array([[stock.solvent.get(name, 0.0) for stock in stocks] for name in solvents])
    wanted_wet = np.array([target.solvent.get(name, 0.0) for name in solvents]) if target.solvent else None
    exact = _exact(target.concentration_m, wished, held, wet, wanted_wet)
    if target.concentration_m is not None:
        # too dense for these stocks: the composition comes first, the concentration as near as it can
        undiluted = _exact(None, wished, held, wet, wanted_wet)
        if _share_miss(exact, wished, held) > _share_miss(undiluted, wished, held) + 1e-6:
            exact = undiluted
    volumes = _rounded(exact * volume_ul, pipettes, target.concentration_m, wished, held, wet, wanted_wet, volume_ul)
    made = made_of({stock.name: float(v) for stock, v in zip(stocks, volumes, strict=True)}, stocks)
    share_error = max(
        (abs(made.shares.get(name, 0.0) - share) for name, share in zip(components, wished, strict=True)), default=0.0
    )
    asked = target.concentration_m
    return Made(
        made.volumes_ul,
        made.volume_ul,
        made.shares,
        made.concentration_m,
        made.solvent,
        float(share_error),
        0.0 if asked is None else abs(made.concentration_m / asked - 1.0),
        max((abs(made.solvent.get(name, 0.0) - share) for name, share in target.solvent.items()), default=0.0),
    )


def _exact(
    concentration_m: float | None, wished: FloatArray, held: FloatArray, wet: FloatArray, wanted_wet: FloatArray | None
) -> FloatArray:
    """Solve for shares of the volume, one a stock, that sum to 1."""
    from scipy.optimize import nnls

    total = held.sum(axis=0)
    if concentration_m is None:
        # amounts in the right ratio, whatever their sum: solvents alone are left out unless the solvent is asked for
        usable = total > 0 if wanted_wet is None else np.ones(len(total), dtype=bool)
        rows, right = [(held - np.outer(wished, total)) / (total.max() or 1.0)], [np.zeros(len(wished))]
    else:
        usable = np.ones(len(total), dtype=bool)
        rows, right = [held / concentration_m], [wished]
    if wanted_wet is not None:
        rows.append(wet)
        right.append(wanted_wet)
    matrix = np.vstack([*rows, np.full((1, len(total)), _HOLD)])[:, usable]
    found = np.zeros(len(total))
    found[usable] = nnls(matrix, np.concatenate([*right, [_HOLD]]))[0]
    return found / found.sum()


def _share_miss(volumes: FloatArray, wished: FloatArray, held: FloatArray) -> float:
    moles = held @ volumes
    amount = moles.sum()
    return float(np.abs(moles / amount - wished).max()) if amount > 0 else 1.0


def _rounded(
    exact_ul: FloatArray,
    pipettes: Sequence[Pipette],
    concentration_m: float | None,
    wished: FloatArray,
    held: FloatArray,
    wet: FloatArray,
    wanted_wet: FloatArray | None,
    volume_ul: float,
) -> FloatArray:
    """Choose, of all roundings up and down, the one whose composition is nearest.

    Its concentration is off by no more than plain rounding can be: half a step of every stock.
    """
    options = [_options(float(v), pipettes) for v in exact_ul]
    half_ul = np.array([0.5 * (max(found) - min(found)) for found in options])
    several = [i for i, found in enumerate(options) if len(found) > 1]
    for i in several[_MOST_ROUNDED:]:
        options[i] = options[i][:1]
    tried = np.array(list(itertools.product(*options)), dtype=float)
    volume = tried.sum(axis=1)
    tried, volume = tried[volume > 0], volume[volume > 0]
    moles = tried @ held.T
    amount = moles.sum(axis=1)
    shares = np.divide(moles, amount[:, None], out=np.zeros_like(moles), where=amount[:, None] > 0)
    miss = 100.0 * ((shares - wished) ** 2).sum(axis=1) + 1e-2 * (volume / volume_ul - 1.0) ** 2
    if concentration_m is not None:
        miss += (amount / volume / concentration_m - 1.0) ** 2
        total = held.sum(axis=0)
        whole, exact = float(total @ exact_ul), float(exact_ul.sum())
        if whole > 0:
            off = np.abs(amount / volume * exact / whole - 1.0)
            plain = half_ul @ np.abs(total / whole - 1.0 / exact)
            miss[off > max(1.001 * plain, off.min())] = np.inf
    if wanted_wet is not None:
        miss += ((tried @ wet.T / volume[:, None] - wanted_wet) ** 2).sum(axis=1)
    return np.asarray(tried[np.argmin(miss)])


def _options(volume_ul: float, pipettes: Sequence[Pipette]) -> list[float]:
    """Volumes that can be moved, next to a wished one; the nearest first."""
    least = min(p.minimum_ul for p in pipettes)
    if volume_ul < 1e-9:
        return [0.0]
    if volume_ul < least:
        return sorted([0.0, least], key=lambda v: abs(v - volume_ul))
    step = pipette_for(volume_ul, pipettes).step_ul
    lower = math.floor(volume_ul / step + 1e-6) * step
    near = {round(v, 6) for v in (lower, lower + step) if v >= least - 1e-9}
    return sorted(near or {round(lower + step, 6)}, key=lambda v: abs(v - volume_ul))


def shortfall(target: Target, made: Made, volume_ul: float, pipettes: Sequence[Pipette]) -> str:
    """Say what can't be made, the nearest that can, and how far off it is."""
    least = min(p.minimum_ul for p in pipettes)
    nearest = ", ".join(f"{name} {figures(share, 3)}" for name, share in sorted(made.shares.items())) or "solvent only"
    words = (
        f"'{shorten(target.name, 60)}' can't be made: the nearest is {nearest} at {figures(made.concentration_m, 3)} M"
    )
    off = []
    if made.share_error > SHARE_TOLERANCE:
        off.append(f"{figures(made.share_error, 2)} off in a share")
    if made.concentration_error > RELATIVE_TOLERANCE:
        off.append(f"{figures(100 * made.concentration_error, 2)} % off in concentration")
    if made.solvent_error > RELATIVE_TOLERANCE:
        off.append(f"{figures(made.solvent_error, 2)} off in a solvent's share")
    return f"{words}, {' and '.join(off)} ({figures(volume_ul, 3)} uL a well, {figures(least, 2)} uL at least)"
