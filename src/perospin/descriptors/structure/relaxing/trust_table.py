"""The shipped table of trust: known crystals that were relaxed, and built again from their formula."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EngineError", "engine_errors", "trust_built", "trust_known"]

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
    mean, rms, largest : float
        Of the differences relaxed minus measured: in percent, for angles in degrees. `largest` is the one farthest
        from zero. They hold the engine's error and the temperature of the measurement.
    n_crystals : int
    """

    mean: float
    rms: float
    largest: float
    n_crystals: int


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
            out[name] = EngineError(float(values.mean()), rms, largest, len(values))
    return out


def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(str(files("perospin.descriptors") / "tables" / name))
