"""Would these measurements tell? Simulate each mechanism under planned conditions and count how often it is found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.assessment import DECIDED_AT, assess, call, merged
from perospin.mechanisms.inference.candidates import CANDIDATES, ModelSpace
from perospin.mechanisms.inference.doubts import beyond_physics, few_values, single_beyond
from perospin.mechanisms.inference.least_squares import fit_batch
from perospin.mechanisms.inference.observations import Observations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Recovery", "recovery_study"]

_INSIDE = 1.0  # distance of ln(coefficient) from the law's cap


@dataclass(frozen=True)
class Recovery:
    """How often each mechanism is found under a design.

    Attributes
    ----------
    mechanisms
        Generating laws.
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
    known: Mapping[str, float] | None = None,
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
        Data sets in all; the laws take turns. Shape parameters are drawn from their priors. A verdict is right if it
        names the law's mechanism.
    seed : int
        Of the draws.
    candidates, max_mechanisms, known, decided_at
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
    space = ModelSpace.build(planned.conditions, planned.varying, candidates, max_mechanisms, known)
    rng = np.random.default_rng(seed)
    truth = np.arange(n_sets) % len(space.names)
    y = np.stack([_simulated(space, int(t), rng) for t in truth])
    y = y + relative_uncertainty * rng.standard_normal(y.shape)
    fit = fit_batch(space, y, np.full_like(y, relative_uncertainty) if stated else None)
    found = assess(space, fit, y.shape[1], known_sigma=stated)
    answers = space.answers()
    groups = list(answers.values())
    barred = np.array([len(space.families(group)) > 1 for group in groups]) | bool(few_values(planned))
    home = {i: position for position, group in enumerate(groups) for i in group}
    dominance = merged(found.dominance, groups)
    counts = np.zeros((3, len(space.names)), dtype=int)
    for i, true in enumerate(truth.tolist()):
        best = int(np.argmax(found.probability[i]))
        doubtful = beyond_physics(space, best, fit.theta[i, best])
        chi2 = fit.chi2[i] / found.inflation[i]
        ruled = barred | (single_beyond(space, best, chi2, fit.theta[i]) is not None)
        ruled = ruled | np.array([bool(doubtful.intersection(space.names[j] for j in g)) for g in groups])
        answer = call(dominance[i], float(found.p_value[i]), ruled, decided_at)
        outcome = 1 if not answer.decided else 0 if answer.named == (home[true],) else 2
        counts[outcome, true] += 1
    right, undecided, wrong = (tuple(int(c) for c in row) for row in counts)
    return Recovery(space.names, right, undecided, wrong)


def _simulated(space: ModelSpace, true: int, rng: np.random.Generator) -> Float:
    """ln(rate) of one law, its shape parameters drawn from their priors; (n,)."""
    level, width, low, high = space.shape_priors
    shape = np.clip(level + width * rng.standard_normal(len(level)), low, high)
    name = space.names[true]
    prior = CANDIDATES[name].prior
    if prior is None:
        # the size of the rates is no clue: every data set has the geometric mean 1/ps
        curve = space.log_rates([true], np.concatenate([[0.0], shape]))[:, 0]
        coefficient = -float(curve.mean())
        # ... unless that would take the law out of its physics
        cap = float(space.coefficient_priors[2][true])
        if coefficient > cap - _INSIDE:
            coefficient = cap - _INSIDE - rng.uniform(0.0, 2.0)
        return np.asarray(curve + coefficient)
    coefficient = rng.uniform(*prior(space.conditions))
    return np.asarray(space.log_rates([true], np.concatenate([[coefficient], shape]))[:, 0])
