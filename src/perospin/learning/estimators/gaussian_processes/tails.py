"""Noise with heavy tails: Student's t as a Gaussian whose precision differs from row to row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perospin.errors import StudyError

__all__ = ["check_likelihood", "row_precision", "tail_factor"]

FloatArray = NDArray[np.float64]

LIKELIHOODS = ("gaussian", "student_t")


def check_likelihood(likelihood: str, dof: float) -> None:
    """Refuse an unknown likelihood, or a t without a variance.

    Raises
    ------
    StudyError
        Unless the likelihood is known and `dof` is finite and above 2.
    """
    if likelihood not in LIKELIHOODS:
        raise StudyError(f"unknown likelihood '{likelihood}' of a Gaussian process; known are {', '.join(LIKELIHOODS)}")
    if not 2.0 < dof < np.inf:
        raise StudyError(f"the degrees of freedom of the t-likelihood must be above 2 and finite, not {dof}")


def row_precision(squared_residuals: FloatArray, dof: float) -> FloatArray:
    """Return each row's expected factor of precision, given its expected squared residual in units of the noise.

    If noise is Normal(0, s^2 / u) with u ~ Gamma(dof / 2, rate dof / 2), it is t-distributed with scale s, and given a
    residual r the factor u is Gamma((dof + 1) / 2, rate (dof + r^2 / s^2) / 2).
    """
    return np.asarray((dof + 1.0) / (dof + squared_residuals))


def tail_factor(likelihood: str, dof: float) -> float:
    """Variance of the noise in units of its squared scale."""
    return dof / (dof - 2.0) if likelihood == "student_t" else 1.0
