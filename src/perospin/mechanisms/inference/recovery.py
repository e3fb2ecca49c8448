"""Would these measurements tell? Simulate each mechanism under planned conditions and count how often it is found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms.inference.assessment import DECIDED_AT, assess, call
from perospin.mechanisms.inference.candidates import EA_LOG_SD, EA_MEV, R_HIGH, R_LOW, R_MEAN, R_SD, ModelSpace
from perospin.mechanisms.inference.least_squares import fit_batch
from perospin.mechanisms.inference.observations import Observations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Recovery", "recovery_study"]


@dataclass(frozen=True)
class Recovery:
    """How often each mechanism is found under a design.

    Attributes
    ----------
    mechanisms
        Generating mechanisms.
    right, undecided, wrong
        Number of data sets of each for which the verdict names exactly it, says that the data can't tell, or names
        something else.
    """

    mechanisms: tuple[str, ...]
    right: tuple[int, ...]
    undecided: tuple[int, ...]
    wrong: tuple[int, ...]

    @property
    def n_sets(self) -> int:
        """Number of data sets."""
        return sum(self.right) + sum(self.undecided) + sum(self.wrong)

    @property
    def recovered(self) -> float:
        """Share of all data sets whose mechanism is found."""
        return sum(self.right) / self.n_sets

    @property
    def misled(self) -> float:
        """Share of all data sets with a wrong verdict."""
        return sum(self.wrong) / self.n_sets

    def to_frame(self) -> pd.DataFrame:
        """One row a mechanism: counts."""
        import pandas as pd

        return pd.DataFrame(
            {"right": self.right, "undecided": self.undecided, "wrong": self.wrong},
            index=pd.Index(self.mechanisms, name="mechanism"),
        )


def recovery_study(
    conditions: pd.DataFrame | Mapping[str, Any],
    *,
    relative_uncertainty: float = 0.1,
    n_sets: int = 200,
    seed: int = 0,
    candidates: Sequence[str] | None = None,
    max_mechanisms: int = 2,
    stated: bool = True,
    decided_at: float = DECIDED_AT,
) -> Recovery:
    """Simulate data under given conditions and ask `infer`'s fast mode for the mechanism.

    Use it before measuring: it says whether a planned set of temperatures, densities ... can tell the mechanisms apart.

    Parameters
    ----------
    conditions : DataFrame or mapping of columns
        Planned conditions, columns as in `infer`, one row a measurement.
    relative_uncertainty : float
        Standard deviation of ln(rate).
    n_sets : int
        Data sets in all; the mechanisms take turns. Shape parameters are drawn from their priors.
    seed : int
        Of the draws.
    candidates, max_mechanisms, decided_at
        As in `infer`.
    stated : bool
        Whether the fits know the uncertainty.

    Returns
    -------
    Recovery

    Raises
    ------
    DataError
        If the conditions or a setting are wrong.
    """
    if n_sets < 1:
        raise DataError(f"a recovery study needs at least one data set, got n_sets={n_sets}")
    if not (math.isfinite(relative_uncertainty) and 0.0 < relative_uncertainty < 1.0):
        raise DataError(f"relative_uncertainty must lie between 0 and 1, got {relative_uncertainty}")
    keys = list(conditions.keys() if isinstance(conditions, Mapping) else conditions.columns)
    table = {str(key): list(conditions[key]) for key in keys}
    table["rate_per_ps"] = [1.0] * len(next(iter(table.values()), []))
    planned = Observations.from_frame(table)
    space = ModelSpace.build(planned.conditions, planned.varying, candidates, max_mechanisms)
    base, exponent, energy = space.tables()
    n = len(base)
    rng = np.random.default_rng(seed)
    truth = np.arange(n_sets) % len(space.names)
    r = np.clip(rng.normal(R_MEAN, R_SD, n_sets), R_LOW, R_HIGH)
    e = EA_MEV * np.exp(EA_LOG_SD * rng.standard_normal(n_sets))
    curves = (base + r[:, None, None] * exponent + e[:, None, None] * energy)[np.arange(n_sets), :, truth]
    # the size of the rates is no clue: every data set has the geometric mean 1/ps
    y = curves - curves.mean(axis=1, keepdims=True) + relative_uncertainty * rng.standard_normal((n_sets, n))
    fit = fit_batch(space, y, np.full_like(y, relative_uncertainty) if stated else None)
    found = assess(space, fit, n, known_sigma=stated)
    twin = np.array([len(space.twins[name]) > 1 for name in space.names])
    dominance = found.dominance
    counts = np.zeros((3, len(space.names)), dtype=int)
    for i, true in enumerate(truth.tolist()):
        answer = call(dominance[i], float(found.p_value[i]), twin, decided_at)
        outcome = 1 if not answer.decided else 0 if answer.named == (true,) else 2
        counts[outcome, true] += 1
    right, undecided, wrong = (tuple(int(c) for c in row) for row in counts)
    return Recovery(space.names, right, undecided, wrong)
