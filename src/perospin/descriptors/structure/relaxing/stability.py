"""Energies between relaxed crystals that differ in their layers only: what one engine can be asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import gcd
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Perovskite

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import IonLibrary

__all__ = ["NOT_TOLD", "reactions"]

NOT_TOLD = (
    "decomposition into salts (such as a metal halide and an ammonium halide) isn't told: most of their crystals are "
    "unknown, and errors of the engine cancel only between crystals of the same layers"
)
"""Why there are no other reactions."""


@dataclass(frozen=True)
class _Phase:
    """The lowest minimum of one material."""

    material: Perovskite
    file: str
    energy_ev: float
    """Per formula unit of n metals (one for a 3D perovskite)."""

    @property
    def sheets(self) -> int:
        """Sheets of a slab; 0 for a 3D perovskite."""
        return self.material.n_layers or 0

    @property
    def cage(self) -> Any:
        return _shares(self.material.a_site)

    @property
    def sheet(self) -> Any:
        return _shares(self.material.b_site), _shares(self.material.x_site)

    @property
    def series(self) -> Any:
        """What all members of a series share, but for their cages: n = 1 has none."""
        return self.material.family, self.material.spacers, self.sheet


def _shares(site: Iterable[tuple[Any, Any]]) -> tuple[tuple[str, Any], ...]:
    listed = list(site)
    return tuple((ion.symbol, amount / sum(a for _, a in listed)) for ion, amount in listed)


def reactions(ranked: pd.DataFrame, ions: IonLibrary | None = None) -> pd.DataFrame:
    """Energies of reactions between layered perovskites of one series, and with their 3D perovskite.

    For n1 < n < n3 of one series: ``A'(A)n-1 -> x A'(A)n1-1 + y A'(A)n3-1``, and with the 3D perovskite
    ``(A')2(A)n-1BnX3n+1 -> (A')2BX4 + (n - 1) ABX3``. Spacer, metal, halide and the kind of layers stay the same, so
    much of an engine's error cancels; how much isn't known.

    Parameters
    ----------
    ranked : DataFrame
        From :func:`rank_starts`: converged minima of several materials, of one engine each. The lowest of a material
        counts, unless it has a remark.
    ions : IonLibrary, optional
        Library that knows the cations.

    Returns
    -------
    DataFrame, one row a reaction and engine
        ``reaction``; ``energy_mev_per_metal`` (products minus reactant, over the metals of the reactant: positive
        where the reactant lies lower); ``files`` of the crystals, reactant first; ``engine``, ``version``,
        ``dispersion``. At rest at 0 K: no entropy, no vibrations.
    """
    import pandas as pd

    columns = ["reaction", "energy_mev_per_metal", "files", "engine", "version", "dispersion"]
    rows = []
    lowest = ranked[(ranked["rank"] == 1) & (ranked["remark"] == "")]
    for settings, group in lowest.groupby(["engine", "version", "dispersion"], sort=False):
        phases = [_phase({str(k): v for k, v in row.items()}, ions) for row in group.to_dict("records")]
        rows += [dict(zip(columns, (*row, *settings), strict=True)) for row in _balanced(phases)]
    return pd.DataFrame(rows, columns=columns)


def _phase(row: dict[str, Any], ions: IonLibrary | None) -> _Phase:
    material = Perovskite.parse(row["material"], ions)
    units = sum(amount for _, amount in (material.spacers or material.b_site))
    return _Phase(material, str(row["file"]), float(units) * row["energy_ev_per_unit"])


def _balanced(phases: list[_Phase]) -> Iterator[tuple[str, float, str]]:
    layered = sorted((p for p in phases if p.material.family in ("RP", "DJ") and p.sheets), key=lambda p: p.sheets)
    bulk = [p for p in phases if p.material.family == "3D"]
    for middle in layered:
        n = middle.sheets
        like = [p for p in layered if p.series == middle.series and (p.sheets == 1 or p.cage == middle.cage)]
        for low, high in combinations(like, 2):
            if low.sheets < n < high.sheets:
                yield _row(middle, high.sheets - low.sheets, [(low, high.sheets - n), (high, n - low.sheets)])
        for low in like:
            for solid in bulk:
                if low.sheets < n and (solid.sheet, solid.cage) == (middle.sheet, middle.cage):
                    yield _row(middle, 1, [(low, 1), (solid, n - low.sheets)])


def _row(reactant: _Phase, many: int, products: list[tuple[_Phase, int]]) -> tuple[str, float, str]:
    common = gcd(many, *(k for _, k in products))
    many, products = many // common, [(p, k // common) for p, k in products]
    energy = sum(k * p.energy_ev for p, k in products) - many * reactant.energy_ev
    right = " + ".join(f"{_times(k)}{p.material.formula}" for p, k in products)
    files = " ".join(p.file for p in (reactant, *(p for p, _ in products)))
    return f"{_times(many)}{reactant.material.formula} -> {right}", 1000 * energy / (many * reactant.sheets), files


def _times(many: int) -> str:
    return "" if many == 1 else f"{many} "
