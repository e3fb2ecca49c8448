"""A made-up table in the columns of the 52-material table, with a known law: a test of the whole analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import qmc

from perospin.chemistry import goldschmidt_tolerance
from perospin.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["synthetic_law", "synthetic_paper_table"]

# Shannon radii (A) of six-coordinate Pb(2+) and I(-): the table's tolerance factors are those of lead iodides.
_LEAD_A, _IODIDE_A = 1.19, 2.20
# Range of molecular radii (A) of the 52-material table, and of its dipoles (D).
_RADIUS_A = (1.6, 5.0)
_DIPOLE_DEBYE = (1.0, 19.0)
# Centre and scale that the law gives the two descriptors; the scales put the ranges above at about -1.7 ... 1.7.
_TOLERANCE_CENTRE, _TOLERANCE_SCALE = 1.147, 0.208
_DIPOLE_CENTRE, _DIPOLE_SCALE = 10.0, 5.3

_MONOVALENT = ("BA", "PEA", "PMA", "PA", "HA", "EOA", "IEA", "4F-PEA", "ThMA", "CMA")
_DIVALENT = ("3AMP", "4AMP", "BDA", "ODA")
_LAYERS = (1, 1, 1, 2, 2, 3, 4, 100)


def synthetic_law(tolerance_factor: ArrayLike, dipole_debye: ArrayLike) -> NDArray[np.float64]:
    """Logarithm of the rate that the synthetic table obeys: log10(rate / (1/ps)).

    With s = (t - 1.147) / 0.208 and d = (mu - 10 D) / 5.3 D,

    log10 k = 0.25 - 0.50 s^2 + 0.45 s d - 0.10 d.

    It is invented, but shaped like a physical law (a rate that goes with the square of the exciton's binding energy):
    the octahedra are least tilted and the exciton is bound most tightly at one tolerance factor (the square), a
    polar spacer screens the exciton (the last term), and what its dipole does to the tilt depends on whether the
    cage is over- or underfilled (the product). No straight line follows the square or the product.

    Parameters
    ----------
    tolerance_factor, dipole_debye : array_like
        Goldschmidt tolerance factor; dipole in debye.

    Returns
    -------
    ndarray
        log10 of the rate in 1/ps.
    """
    s = (np.asarray(tolerance_factor, dtype=float) - _TOLERANCE_CENTRE) / _TOLERANCE_SCALE
    d = (np.asarray(dipole_debye, dtype=float) - _DIPOLE_CENTRE) / _DIPOLE_SCALE
    return np.asarray(0.25 - 0.50 * s**2 + 0.45 * s * d - 0.10 * d)


def _formula(spacer: str, charge: int, layers: int) -> str:
    if layers == 100:
        return "MAPbI3"
    inner = f"(MA){layers - 1}" if layers > 2 else "(MA)" if layers == 2 else ""
    metals = f"Pb{layers}" if layers > 1 else "Pb"
    return f"({spacer}){'2' if charge == 1 else ''}{inner}{metals}I{3 * layers + 1}"


def synthetic_paper_table(n: int = 52, seed: int = 0, noise: float = 0.03) -> pd.DataFrame:
    """Make a table in exactly the columns of the 52-material table whose rate follows `synthetic_law`.

    The descriptors are made up but plausible. Molecular radius and dipole are spread evenly over the ranges of
    the real table (Latin hypercube); the tolerance factor follows from the radius (lead iodide), polarisability
    and molar mass grow with the radius, the HOMO rises with it, and the gap is LUMO - HOMO, so that the columns
    hang together as in the real table. The formulas only fill their column: they carry layer number and spacer
    charge, which the law ignores. Nothing here is a measurement, and `origin` and `note` say so.

    Parameters
    ----------
    n : int
        Rows, at least 4.
    seed : int
        Of all draws.
    noise : float
        Standard deviation of the scatter added to log10(rate), at least 0.

    Returns
    -------
    DataFrame
        Columns in the order of the 52-material table.

    Raises
    ------
    StudyError
        If `n` or `noise` is out of range.
    """
    import pandas as pd

    if n < 4:
        raise StudyError(f"a synthetic table needs at least 4 rows, not {n}")
    if not 0.0 <= noise < np.inf:
        raise StudyError(f"the noise of a synthetic table must be a number from 0 up, not {noise}")
    rng = np.random.default_rng(seed)
    even = qmc.LatinHypercube(d=2, rng=rng).random(n)
    radius = _RADIUS_A[0] + even[:, 0] * (_RADIUS_A[1] - _RADIUS_A[0])
    dipole = _DIPOLE_DEBYE[0] + even[:, 1] * (_DIPOLE_DEBYE[1] - _DIPOLE_DEBYE[0])
    tolerance = goldschmidt_tolerance(radius, _LEAD_A, _IODIDE_A)
    polarisability = 26.0 * radius - 18.0 + rng.normal(0.0, 8.0, n)
    mass = 38.0 * radius - 25.0 + rng.normal(0.0, 22.0, n)
    electronegativity = rng.normal(2.37, 0.04, n)
    homo = -19.5 + 1.5 * (radius - 2.0) + rng.normal(0.0, 1.6, n)
    lumo = rng.normal(-2.4, 0.8, n)
    layers = rng.choice(_LAYERS, n)
    divalent = rng.random(n) < 0.25
    spacer = np.where(divalent, rng.choice(_DIVALENT, n), rng.choice(_MONOVALENT, n))
    log_rate = synthetic_law(tolerance, dipole) + noise * rng.standard_normal(n)
    return pd.DataFrame(
        {
            "row": np.arange(1, n + 1),
            "name": [f"synthetic {i}" for i in range(1, n + 1)],
            "formula": [
                _formula(str(s), 2 if two else 1, int(k)) for s, two, k in zip(spacer, divalent, layers, strict=True)
            ],
            "origin": "synthetic",
            "dipole_debye": dipole.round(4),
            "molar_mass": np.maximum(mass, 18.0).round(4),
            "electronegativity": electronegativity.round(4),
            "polarisability_bohr3": np.maximum(polarisability, 8.0).round(4),
            "molecular_radius_a": radius.round(4),
            "tolerance_factor": np.asarray(tolerance).round(6),
            "homo_ev": homo.round(4),
            "lumo_ev": lumo.round(4),
            "homo_lumo_gap_ev": (lumo.round(4) - homo.round(4)).round(4),
            "n_layers": layers,
            "rate_per_ps": 10.0**log_rate,
            "note": "made up: follows a stated law, not a measurement",
        }
    )
