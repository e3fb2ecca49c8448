"""The shipped table of trust: known crystals that were relaxed, and built again from their formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EngineError", "PackingError", "engine_errors", "packing_error", "reaction_spread", "trust_built", "trust_known",
    "trust_reactions",
]  # fmt: skip

SAME_MEV = 5.0
"""Two minima with energies this near are one (meV per spacer)."""
_ERRORS = {
    "layer_spacing_a": "spacing_error_percent",
    "area_per_b_a2": "area_error_percent",
    "bxb_angle_mean_deg": "angle_error_deg",
}


@dataclass(frozen=True)
class EngineError:
    """How far an engine misses a quantity of known crystals.

    Attributes
    ----------
    mean, sd, rms, largest : float
        Of the differences relaxed minus measured: in percent, for angles in degrees. `largest` is the one farthest
        from zero. They hold the engine's error and the temperature of the measurement.
    n_crystals : int
    relative : bool
        Whether they are in percent.
    """

    mean: float
    sd: float
    rms: float
    largest: float
    n_crystals: int
    relative: bool

    def corrected(self, value: float, level: float = 0.9) -> tuple[float, float, float]:
        """Take the mean error off a relaxed value.

        Parameters
        ----------
        value : float
            Of a relaxed crystal, in the unit of its column.
        level : float
            Share of new crystals that the interval is meant to hold, if its packing is right.

        Returns
        -------
        tuple of float
            Value, lower and upper end: Student's interval of one more crystal. NaN ends for fewer than three crystals.
        """
        from scipy.stats import t

        reach = math.nan
        if self.n_crystals > 2:
            reach = float(t.ppf((1 + level) / 2, self.n_crystals - 1)) * self.sd * math.sqrt(1 + 1 / self.n_crystals)

        def off(error: float) -> float:
            return value / (1 + error / 100) if self.relative else value - error

        return off(self.mean), off(self.mean + reach), off(self.mean - reach)


@dataclass(frozen=True)
class PackingError:
    """How often an engine puts another packing below the crystal that nature grows.

    Attributes
    ----------
    n_materials : int
        Materials whose relaxed crystal was compared with starts from the formula.
    n_looked_at : int
        Those whose crystals were looked at while the search was made: they flatter it.
    n_starts, n_right : int
        Their starts, and those that ended in the packing of the crystal.
    n_first : int
        Materials whose lowest start is of the packing of the crystal.
    n_lower : int
        Materials with a start of another packing below the crystal and all starts packed like it, by more than 5 meV
        per spacer.
    largest_mev : float
        The largest such difference (meV per spacer); 0 if there is none. Energies between packings
        are wrong by this much at least, if the crystal is the most stable one at 0 K.
    """

    n_materials: int
    n_looked_at: int
    n_starts: int
    n_right: int
    n_first: int
    n_lower: int
    largest_mev: float


def trust_known() -> pd.DataFrame:
    """Read the known crystals before and after, one row each (`scripts/crystal_trust.py` makes the table)."""
    return _read("crystal_trust.csv")


def trust_built() -> pd.DataFrame:
    """Read the starts that were built from a formula alone and relaxed, one row each."""
    return _read("crystal_trust_built.csv")


def engine_errors(engine: str, dispersion: str) -> dict[str, EngineError]:
    """Errors of an engine on the known crystals of the table that were not used in making the method.

    Parameters
    ----------
    engine : str
        Name as in the results, such as ``"SevenNet-0"``.
    dispersion : str
        As in the results; the version of the package doesn't matter.

    Returns
    -------
    dict
        Column of `describe_structure` -> error; empty for what the table doesn't hold.
    """
    table = trust_known()
    fresh = table[table["used_before"].isna() & table["converged"].eq(True)]
    plain = dispersion.partition(", dftd3")[0]
    rows = fresh[(fresh["engine"] == engine) & (fresh["dispersion"].str.partition(", dftd3")[0] == plain)]
    out = {}
    for name, column in _ERRORS.items():
        values = rows[column].dropna().to_numpy(dtype=float)
        if len(values):
            largest = float(values[np.argmax(np.abs(values))])
            rms = float(np.sqrt(np.mean(values**2)))
            sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
            relative = column.endswith("percent")
            out[name] = EngineError(float(values.mean()), sd, rms, largest, len(values), relative)
    return out


def trust_reactions() -> pd.DataFrame:
    """Read energies of reactions between known crystals, one row a reaction and engine."""
    return _read("crystal_reactions.csv")


def packing_error(engine: str) -> PackingError:
    """Compare starts from the formula with the relaxed crystal, over the materials of the table.

    Parameters
    ----------
    engine : str
        Name as in the results.
    """
    table = trust_built()
    rows = table[(table["engine"] == engine) & table["converged"].eq(True)]
    rows = rows[rows["above_known_mev_per_spacer"].notna()]
    lowest = rows.loc[rows.groupby("built")["above_known_mev_per_spacer"].idxmin()]
    below = []
    for _, starts in rows.groupby("built"):
        energies = starts["above_known_mev_per_spacer"]
        # a start may end lower than the crystal in the same packing, in a minimum beside it
        of_crystal = min([0.0, *energies[starts["same_packing"].astype(bool)]])
        below.append(of_crystal - float(energies.min()))
    lower = [energy for energy in below if energy > SAME_MEV]
    right, first = (int(some["same_packing"].sum()) for some in (rows, lowest))
    seen = int(lowest["looked_at"].sum())
    return PackingError(len(lowest), seen, len(rows), right, first, len(lower), max(lower, default=0.0))


def reaction_spread() -> tuple[int, float]:
    """Count the reactions that two engines were asked for, and how far the engines are apart (rms, meV per metal)."""
    table = trust_reactions().pivot_table(index="reaction", columns="engine", values="energy_mev_per_metal").dropna()
    apart = table.max(axis=1) - table.min(axis=1)
    return len(table), float(np.sqrt(np.mean(apart**2)))


def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(str(files("perospin.descriptors") / "tables" / name))
