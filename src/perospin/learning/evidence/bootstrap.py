"""Is a gain real? Bootstrap, permutation and sanity tests, and the floor that noise sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.evidence._types import FloatArray, Inverse
from perospin.learning.validation.evaluation import Evaluation

__all__ = ["BootstrapGain", "check_paired", "paired_bootstrap", "resampled_r2", "resampled_r2_of"]


# -- is one model better than another? -----------------------------------------------------------------------


@dataclass(frozen=True)
class BootstrapGain:
    """Gain in R2 of one model over another, with a percentile interval from resampled groups.

    Attributes
    ----------
    scheme : str
        Scheme of both evaluations, in words.
    model, baseline : str
        Names of the two estimators.
    gain : float
        R2 of the model minus R2 of the baseline.
    low, high : float
        Percentile interval of the gain.
    level : float
        Its level, for example 0.95.
    probability_positive : float
        Share of resamples with a gain above 0.
    model_r2, baseline_r2 : float
        R2 of each.
    model_r2_interval : tuple of float
        Percentile interval of the model's own R2.
    n_boot : int
        Resamples that could be scored.
    """

    scheme: str
    model: str
    baseline: str
    gain: float
    low: float
    high: float
    level: float
    probability_positive: float
    model_r2: float
    baseline_r2: float
    model_r2_interval: tuple[float, float]
    n_boot: int

    def __str__(self) -> str:
        return (
            f"{self.model} over {self.baseline}, {self.scheme}: R2 gain {self.gain:+.2f} "
            f"({100 * self.level:.0f} % {self.low:+.2f} to {self.high:+.2f}, "
            f"positive in {100 * self.probability_positive:.0f} % of resamples)"
        )


def paired_bootstrap(
    eval_a: Evaluation,
    eval_b: Evaluation,
    groups: ArrayLike | None = None,
    n_boot: int = 4000,
    seed: int = 0,
    *,
    inverse: Inverse | None = None,
    level: float = 0.95,
) -> BootstrapGain:
    """Gain in R2 of evaluation a over evaluation b, groups of rows resampled with replacement.

    Parameters
    ----------
    eval_a, eval_b : Evaluation
        Same scheme and target.
    groups : array_like, shape (n_rows,), optional
        Group of each row of the table, for example its spacer: rows of a group come and go together; every row
        alone if None.
    n_boot, seed : int
        Resamples and their seed.
    inverse : callable, optional
        Compare in the original space.
    level : float
        Of the interval.

    Returns
    -------
    BootstrapGain

    Raises
    ------
    StudyError
        If the two evaluations don't score the same rows in the same folds.
    """
    r2 = resampled_r2([eval_a, eval_b], groups, n_boot, seed, inverse=inverse)
    gains, own = r2[0, 1:] - r2[1, 1:], r2[0, 1:]
    tails = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
    low, high = np.percentile(gains, tails) if len(gains) else (np.nan, np.nan)
    own_low, own_high = np.percentile(own, tails) if len(own) else (np.nan, np.nan)
    return BootstrapGain(
        scheme=eval_a.scheme.label,
        model=eval_a.estimator_name,
        baseline=eval_b.estimator_name,
        gain=float(r2[0, 0] - r2[1, 0]),
        low=float(low),
        high=float(high),
        level=level,
        probability_positive=float(np.mean(gains > 0)) if len(gains) else float("nan"),
        model_r2=float(r2[0, 0]),
        baseline_r2=float(r2[1, 0]),
        model_r2_interval=(float(own_low), float(own_high)),
        n_boot=len(gains),
    )


def check_paired(first: Evaluation, second: Evaluation) -> None:
    """Raise unless two evaluations score the same rows in the same folds.

    Raises
    ------
    StudyError
        If they don't.
    """
    if not (
        first.scheme.label == second.scheme.label
        and np.array_equal(first.rows, second.rows)
        and np.array_equal(first.fold, second.fold)
        and np.array_equal(first.y_true, second.y_true)
    ):
        raise StudyError(
            f"{first.estimator_name} ({first.scheme.label}) and {second.estimator_name} ({second.scheme.label}) "
            "can't be compared: a paired comparison needs the same scheme, rows and target"
        )


def resampled_r2(
    evaluations: Sequence[Evaluation],
    groups: ArrayLike | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    *,
    inverse: Inverse | None = None,
) -> FloatArray:
    """R2 of several evaluations of one scheme, as it is and with groups of rows resampled alike for all of them.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Same scheme, rows and target.
    groups, n_boot, seed, inverse
        As for `paired_bootstrap`.

    Returns
    -------
    ndarray, shape (n_evaluations, 1 + n_resamples)
        The first column is R2 as it is. Resamples without any scatter of the target have no R2 and are left out.

    Raises
    ------
    StudyError
        If the evaluations don't score the same rows in the same folds, or groups don't fit the rows.
    """
    one = evaluations[0]
    for other in evaluations[1:]:
        check_paired(one, other)
    change = inverse or (lambda values: values)
    y = np.asarray(change(one.y))
    true = y[one.rows]
    labels = np.arange(len(y)) if groups is None else np.asarray(groups)
    if len(labels) != len(y):
        raise StudyError(f"{len(labels)} groups were given for {len(y)} rows")
    squares = np.array([(np.asarray(change(e.y_pred)) - true) ** 2 for e in evaluations])
    about = (true - one.reference(inverse)) ** 2 if one.scheme.reference == "train" else None
    return resampled_r2_of(true, squares, about, labels[one.rows], n_boot, seed)


def resampled_r2_of(
    true: FloatArray, squares: FloatArray, about: FloatArray | None, groups: NDArray[Any], n_boot: int, seed: int
) -> FloatArray:
    """R2 of several models from their squared errors, as it is and with groups of predictions resampled.

    Parameters
    ----------
    true : ndarray, shape (n_predictions,)
    squares : ndarray, shape (n_models, n_predictions)
        Squared error of each prediction.
    about : ndarray, shape (n_predictions,), or None
        Squared distance of the truth from a reference that doesn't depend on the sample; None if the reference is the
        mean of what is scored, which is then resampled too.
    groups : ndarray, shape (n_predictions,)
        Predictions of a group come and go together.
    n_boot, seed : int
        Resamples and their seed.

    Returns
    -------
    ndarray, shape (n_models, 1 + n_resamples)
        As `resampled_r2`.
    """
    group_of = np.unique(groups, return_inverse=True)[1].ravel()
    n_groups = int(group_of.max()) + 1

    def summed(values: FloatArray) -> FloatArray:
        return np.bincount(group_of, weights=values, minlength=n_groups).astype(float)

    count, first, second = summed(np.ones(len(true))), summed(true), summed(true**2)
    errors = np.array([summed(values) for values in squares])
    rng = np.random.default_rng(seed)
    times = np.vstack(
        [np.ones(n_groups), rng.multinomial(n_groups, np.full(n_groups, 1.0 / n_groups), size=n_boot)]
    ).astype(float)
    total = times @ summed(about) if about is not None else times @ second - (times @ first) ** 2 / (times @ count)
    valid = total > 1e-9 * float(second.sum())
    valid[0] = True
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(total > 0, 1.0 - (errors @ times.T) / total, np.nan)
    return np.asarray(r2[:, valid])


# -- does a column carry information? ------------------------------------------------------------------------


# -- sanity --------------------------------------------------------------------------------------------------


# -- noise ---------------------------------------------------------------------------------------------------
