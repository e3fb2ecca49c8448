"""Shannon's ionic radii, by charge and coordination."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from perospin.chemistry._tables import read_table
from perospin.errors import DataError

_ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X", 11: "XI",
          12: "XII", 14: "XIV"}  # fmt: skip


@lru_cache(maxsize=1)
def _radii() -> Mapping[tuple[str, int], Mapping[str, Mapping[str, float]]]:
    table: dict[tuple[str, int], dict[str, dict[str, float]]] = {}
    for row in read_table("shannon_radii.csv"):
        sites = table.setdefault((row["element"], int(row["charge"])), {})
        sites.setdefault(row["coordination"], {})[row["spin"]] = float(row["ionic_radius_pm"])
    return table


def shannon_radius_pm(element: str, charge: int, coordination: int | str = 6, spin: str | None = None) -> float:
    """Shannon's effective ionic radius.

    Parameters
    ----------
    element
        Element symbol, e.g. ``"Pb"``.
    charge
        Signed charge of the ion, e.g. 2 or -1.
    coordination
        Coordination number, or Shannon's label (``"IVSQ"`` square planar, ``"IVPY"`` pyramidal).
    spin
        ``"high_spin"`` or ``"low_spin"`` where Shannon tells them apart; high spin if not given, which is
        what halides give.

    Returns
    -------
    float
        Radius (pm).

    Raises
    ------
    DataError
        If the table has no such ion, coordination or spin state; the message lists what it has.

    Notes
    -----
    Shannon, Acta Cryst. A 32, 751 (1976), doi 10.1107/S0567739476001551. Sn(II) is not in that table; the
    115 pm given here is from the perovskite-stability repository (doi 10.1126/sciadv.aav0693).
    """
    sites = _radii().get((element, charge))
    if sites is None:
        charges = sorted(q for symbol, q in _radii() if symbol == element)
        known = f"has {element} with charge {', '.join(f'{q:+d}' for q in charges)}" if charges else "has none"
        raise DataError(f"no Shannon radius for {element} with charge {charge:+d}: the table {known}")
    label = coordination if isinstance(coordination, str) else _ROMAN.get(coordination, str(coordination))
    spins = sites.get(label)
    if spins is None:
        raise DataError(
            f"no Shannon radius for {element}{charge:+d} in coordination {label}: the table has {', '.join(sites)}"
        )
    if spin is None:
        return spins.get("high_spin", next(iter(spins.values())))
    if spin not in spins:
        states = ", ".join(state or "one unnamed state" for state in spins)
        raise DataError(f"no Shannon radius for {element}{charge:+d} ({label}) with {spin}: it has {states}")
    return spins[spin]
