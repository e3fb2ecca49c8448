"""What stands between the function and a measured target: Gaussian noise, noise with heavy tails, noise of each row.

The logarithm of noise that is learnt, the factor of it that a row's weight gives, and the variance that is known of a
row come together here. Student's t is a Gaussian whose precision differs from row to row: the factors' posterior and
that of everything else are found by turns (variational Bayes; Tipping and Lawrence, Neurocomputing 69, 123 (2005)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perospin.errors import StudyError

__all__ = ["GAUSSIAN", "LIKELIHOODS", "Likelihood", "RowNoise", "expected_squares", "reweighed"]

FloatArray = NDArray[np.float64]
Found = TypeVar("Found")

LIKELIHOODS = ("gaussian", "student_t")
# Change of the rows' factors of precision at which the rounds stop.
_SETTLED = 0.01


@dataclass(frozen=True)
class Likelihood:
    """Shape of the noise.

    Attributes
    ----------
    kind : {"gaussian", "student_t"}
    dof : float
        Degrees of freedom of the t.

    Raises
    ------
    StudyError
        Unless the kind is known and `dof` is finite and above 2, so that the t has a variance.
    """

    kind: str = "gaussian"
    dof: float = 4.0

    def __post_init__(self) -> None:
        if self.kind not in LIKELIHOODS:
            raise StudyError(
                f"unknown likelihood '{self.kind}' of a Gaussian process; known are {', '.join(LIKELIHOODS)}"
            )
        if not 2.0 < self.dof < np.inf:
            raise StudyError(f"the degrees of freedom of the t-likelihood must be above 2 and finite, not {self.dof}")

    @property
    def tail_factor(self) -> float:
        """Variance of the noise in units of its squared scale."""
        return self.dof / (self.dof - 2.0) if self.kind == "student_t" else 1.0

    def row_precision(self, squared_residuals: FloatArray) -> FloatArray:
        """Return each row's expected factor of precision, given its expected squared residual in units of the noise.

        If noise is Normal(0, s^2 / u) with u ~ Gamma(dof / 2, rate dof / 2), it is t-distributed with scale s, and
        given a residual r the factor u is Gamma((dof + 1) / 2, rate (dof + r^2 / s^2) / 2).
        """
        return np.asarray((self.dof + 1.0) / (self.dof + squared_residuals))


GAUSSIAN = Likelihood()


@dataclass(frozen=True)
class RowNoise:
    """Noise of each training row: a factor of the learnt noise variance, and a known variance to add, both (n,)."""

    relative: FloatArray
    known: FloatArray

    @classmethod
    def of(cls, n_rows: int, weights: FloatArray | None, y_sd: FloatArray | None, scale: float) -> RowNoise:
        """Noise of rows of these weights and uncertainties (all alike if None), for a target divided by `scale`."""
        return cls(
            np.ones(n_rows) if weights is None else 1.0 / weights,
            np.zeros(n_rows) if y_sd is None else (y_sd / scale) ** 2,
        )

    def variances(self, learnt: float) -> FloatArray:
        """Noise variance of each row."""
        return np.asarray(learnt * self.relative + self.known)


def expected_squares(
    noise: FloatArray, precision: FloatArray, v: FloatArray, leverage: FloatArray, inverse_variance: FloatArray | float
) -> FloatArray:
    """Expect this squared residual of each training row, in units of its noise variance, shape (..., n_rows).

    Given the hyperparameters the noise of the rows has mean V v and covariance V - V P V: V their noise variances as
    they are weighed now, C the covariance of the targets, v = C^-1 (y - constant), P = C^-1 less what a constant takes.

    Parameters
    ----------
    noise : ndarray, shape (..., n_rows)
        Noise variances before weighing.
    precision : ndarray, shape (n_rows,)
        Factors of precision that weigh them now.
    v, leverage : ndarray, shape (..., n_rows)
        See above; the diagonal of P.
    inverse_variance : ndarray or float
        Expected 1 / s^2 where the noise is in units of an integrated variance s^2, else 1.
    """
    now = noise / precision
    squares = (now * v) ** 2 * inverse_variance + now - now**2 * leverage
    return np.asarray(np.maximum(squares, 0.0) / noise)


def reweighed(
    likelihood: Likelihood,
    n_rows: int,
    rounds: int,
    fit: Callable[[FloatArray, Found | None], Found],
    squares: Callable[[FloatArray, Found], FloatArray],
) -> tuple[Found, FloatArray]:
    """Fit under Gaussian noise, or by turns with the rows' factors of precision under noise with heavy tails.

    Parameters
    ----------
    likelihood : Likelihood
    n_rows, rounds : int
        Training rows; rounds of re-weighing, at most.
    fit : callable
        Fits the rows at given factors, (n_rows,), near what the last round found (None in the first).
    squares : callable
        Expected squared residuals (`expected_squares`) at the factors and what was found with them.

    Returns
    -------
    found : what the last `fit` returned
    precision : ndarray, shape (n_rows,)
    """
    precision = np.ones(n_rows)
    found = fit(precision, None)
    if likelihood.kind == "student_t":
        for _ in range(rounds):
            before = precision
            precision = likelihood.row_precision(squares(before, found))
            found = fit(precision, found)
            if np.abs(precision - before).max() < _SETTLED:
                break
    return found, precision
