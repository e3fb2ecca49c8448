"""Probability of the targets given a covariance, with everything integrated that can be in closed form.

Each function takes covariances of the noisy targets; which kernel, hyperparameters and noise made them is not its
business. A constant with a flat prior, and a total variance with an inverse-gamma prior, are integrated where said
(Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), 2.3 and 2.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

__all__ = [
    "ONE_ROW",
    "InverseGamma",
    "Solved",
    "log_densities",
    "log_marginal",
    "log_marginals",
    "log_marginals_about_constant",
    "log_marginals_of_subsets",
    "marginal_and_slope",
    "marginal_and_slope_about_constant",
    "moments",
    "namespace",
    "padded",
    "solved",
]

FloatArray = NDArray[np.float64]
Array = Any  # NumPy's or JAX's


@dataclass(frozen=True)
class InverseGamma:
    """Prior of the total variance of a target, integrated in closed form; the covariance is then in its units."""

    shape: float
    rate: float

    def posterior(self, residual: Any, count: float) -> tuple[float, Any]:
        """Shape and rate after `count` degrees of freedom with the squared norm `residual` (y' C^-1 y)."""
        return self.shape + 0.5 * count, self.rate + 0.5 * np.maximum(residual, 0.0)

    def log_fit(self, residual: Any, count: float) -> Any:
        """Part of the log marginal likelihood that holds the targets, up to a constant."""
        shape, rate = self.posterior(residual, count)
        return -shape * np.log(rate)

    def mean(self, residual: Any, count: float) -> Any:
        """Posterior mean of the variance; finite for two rows too."""
        shape, rate = self.posterior(residual, count)
        return rate / max(shape - 1.0, 0.5)

    def mean_inverse(self, residual: Any, count: float) -> Any:
        """Posterior mean of 1 / variance."""
        shape, rate = self.posterior(residual, count)
        return shape / rate


ONE_ROW = InverseGamma(0.5, 0.5)
"""Weak prior, worth one observation of variance 1, for a standardised target."""


def _log_fit(variance: InverseGamma | None, residual: Any, count: float) -> Any:
    return -0.5 * np.maximum(residual, 0.0) if variance is None else variance.log_fit(residual, count)


# -- one covariance, and the slope by it: for optimisers ------------------------------------------------------


def marginal_and_slope(covariance: FloatArray, y: FloatArray) -> tuple[float, FloatArray] | None:
    """Log marginal likelihood (up to a constant) and its derivative by the covariance.

    Returns
    -------
    value : float
    slope : ndarray, shape (n, n)
        None is returned in place of both if the covariance is not positive definite.
    """
    factor, info = lapack.dpotrf(covariance, lower=1)
    if info:
        return None
    inverse, _ = lapack.dpotri(factor, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    alpha = inverse @ y
    value = -(0.5 * y @ alpha + np.log(np.diag(factor)).sum())
    return float(value), -0.5 * (inverse - np.outer(alpha, alpha))


def marginal_and_slope_about_constant(
    covariance: FloatArray, y: FloatArray, variance: InverseGamma | None
) -> tuple[float, FloatArray]:
    """Do the same about a constant with a flat prior, the total variance integrated unless it is None."""
    n = len(y)
    factor = np.linalg.cholesky(covariance)
    inverse = np.linalg.solve(factor, np.eye(n))
    inverse = inverse.T @ inverse
    u = inverse.sum(axis=1)
    ones = float(u.sum())
    v = inverse @ y
    v -= u * (v.sum() / ones)
    residual = float(y @ v)
    value = -np.log(np.diag(factor)).sum() - 0.5 * np.log(ones) + _log_fit(variance, residual, n - 1)
    share = 0.5
    if variance is not None:
        shape, rate = variance.posterior(residual, n - 1)
        share = shape / (2.0 * rate)
    return float(value), -0.5 * inverse + np.outer(u, u) / (2.0 * ones) + np.outer(v, v) * share


# -- many covariances of the same rows: for draws -------------------------------------------------------------


def log_marginals_about_constant(covariances: FloatArray, y: FloatArray, variance: InverseGamma | None) -> FloatArray:
    """Log marginal likelihoods (p,) about a constant with a flat prior, for covariances (p, n, n)."""
    n = len(y)
    # One factorisation of the matrix bordered by y and 1 gives the determinant and both whitened vectors.
    bordered = np.zeros((len(covariances), n + 2, n + 2))
    bordered[:, :n, :n] = covariances
    bordered[:, n, :n], bordered[:, n + 1, :n] = y, 1.0
    bordered[:, n, n] = bordered[:, n + 1, n + 1] = 1e14
    factor = np.linalg.cholesky(bordered)
    diagonal = np.diagonal(factor, axis1=1, axis2=2)[:, :n]
    white, one = factor[:, n, :n], factor[:, n + 1, :n]
    ones = np.einsum("pi,pi->p", one, one)
    residual = np.einsum("pi,pi->p", white, white) - np.einsum("pi,pi->p", white, one) ** 2 / ones
    return np.asarray(-np.log(diagonal).sum(axis=1) - 0.5 * np.log(ones) + _log_fit(variance, residual, n - 1))


@dataclass(frozen=True)
class Solved:
    """Inverse covariances (p, n, n), their row sums u (p, n) and sums (p,), v = C^-1 (y - constant), constants (p,)."""

    inverse: FloatArray
    u: FloatArray
    ones: FloatArray
    v: FloatArray
    constant: FloatArray

    def leverage(self) -> FloatArray:
        """Diagonals of C^-1 less what the constant takes, shape (p, n)."""
        return np.asarray(np.einsum("pii->pi", self.inverse) - self.u**2 / self.ones[:, None])


def solved(covariances: FloatArray, y: FloatArray) -> Solved:
    """Solve for the targets about a constant with a flat prior."""
    inverse: FloatArray = np.asarray(np.linalg.inv(covariances), dtype=float)
    u = inverse.sum(axis=2)
    ones = u.sum(axis=1)
    v = inverse @ y
    constant = v.sum(axis=1) / ones
    v -= u * constant[:, None]
    return Solved(inverse, u, ones, v, constant)


def log_densities(covariances: FloatArray, residuals: FloatArray) -> FloatArray:
    """Log marginal likelihoods (p,) up to a constant, each of residuals of its own, (p, n).

    Minus 10^10 where the covariance isn't positive definite.
    """
    n = residuals.shape[1]
    # the matrix bordered by the residuals has the whitened ones in its factor: one factorisation, no solving
    bordered = np.zeros((len(covariances), n + 1, n + 1))
    bordered[:, :n, :n], bordered[:, n, :n], bordered[:, n, n] = covariances, residuals, 1e14
    try:
        factor = np.linalg.cholesky(bordered)
    except np.linalg.LinAlgError:
        if len(covariances) == 1:
            return np.array([-1e10])
        return np.concatenate([log_densities(c[None], r[None]) for c, r in zip(covariances, residuals, strict=True)])
    diagonal = np.diagonal(factor, axis1=1, axis2=2)[:, :n]
    return np.asarray(-np.log(diagonal).sum(axis=1) - 0.5 * np.einsum("pn,pn->p", factor[:, n, :n], factor[:, n, :n]))


def log_marginals(covariances: FloatArray, y: FloatArray, variance: InverseGamma | None) -> FloatArray:
    """Log marginal likelihoods (p,) for covariances (p, n, n), up to a constant."""
    factor = np.linalg.cholesky(covariances)
    white = np.linalg.solve(factor, np.broadcast_to(y, factor.shape[:2])[..., None])[..., 0]
    determinant = 2.0 * np.log(np.einsum("pii->pi", factor)).sum(axis=1)
    return np.asarray(-0.5 * determinant + _log_fit(variance, np.einsum("pn,pn->p", white, white), len(y)))


def log_marginals_of_subsets(
    covariances: FloatArray,
    target: FloatArray,
    subsets: Sequence[NDArray[np.int64]],
    scales: Sequence[tuple[float, float]],
    variance: InverseGamma,
) -> FloatArray:
    """Log marginal likelihood of each subset of rows under each draw, shape (n_sets, p), up to a constant of the set.

    With P the inverse covariance of all rows and R the rows left out, a subset's quadratic form is that of all rows
    less v' (P_RR)^-1 v, v = (P y)_R, and its log determinant is that of all rows plus log |P_RR|: one inverse serves
    all subsets.

    Parameters
    ----------
    covariances : ndarray, shape (p, n, n)
        Of all rows.
    target : ndarray, shape (n,)
        Of all rows.
    subsets : sequence of ndarray of int
        Row numbers.
    scales : sequence of (mean, spread)
        What each subset standardises the target by.
    variance : InverseGamma
        Prior of the variance that is integrated.
    """
    inverse = np.linalg.inv(covariances)
    log_determinant = -np.linalg.slogdet(inverse)[1]
    on_target, on_ones = inverse @ target, inverse.sum(axis=2)
    out = np.empty((len(subsets), len(inverse)))
    for i, (rows, (mean, spread)) in enumerate(zip(subsets, scales, strict=True)):
        rest = np.setdiff1d(np.arange(len(target)), rows)
        centred = (on_target - mean * on_ones) / spread
        quadratic = centred @ ((target - mean) / spread)
        determinant = log_determinant
        if rest.size:
            block = inverse[:, rest[:, None], rest]
            left_out = centred[:, rest]
            quadratic = quadratic - np.sum(left_out * np.linalg.solve(block, left_out[..., None])[..., 0], axis=1)
            determinant = log_determinant + np.linalg.slogdet(block)[1]
        out[i] = -0.5 * determinant + _log_fit(variance, quadratic, len(rows))
    return out


# -- for programs that JAX compiles once ----------------------------------------------------------------------


def padded(rows: Array, size: int) -> FloatArray:
    """Rows followed by zeros up to `size` rows: arrays of one shape, however many rows have been measured."""
    values = np.asarray(rows, dtype=float)
    return np.concatenate([values, np.zeros((size - len(values), *values.shape[1:]))])


def log_marginal(covariance: Array, residual: Array, real: Array | None = None) -> Array:
    """Log density of targets, less their mean, under a covariance (noise included); NumPy's arrays or JAX's.

    Parameters
    ----------
    covariance : array, shape (n, n)
    residual : array, shape (n,)
    real : array of bool, shape (n,), optional
        False for rows that only fill the arrays up to a fixed size (`padded`). They count nothing, so that a program
        compiled once serves every number of measured rows.
    """
    xp = namespace(covariance, residual)
    factor, residual = xp.linalg.cholesky(_masked(xp, covariance, real)), _filled(xp, residual, real)
    white = _forward(xp, factor, residual)
    count = len(residual) if real is None else xp.sum(real)
    return -0.5 * white @ white - xp.sum(xp.log(xp.diagonal(factor))) - 0.5 * count * np.log(2.0 * np.pi)


def moments(
    covariance: Array, residual: Array, cross: Array, own: Array, real: Array | None = None
) -> tuple[Array, Array]:
    """Mean and variance at m new rows given the targets; NumPy's arrays or JAX's.

    Parameters
    ----------
    covariance, residual, real
        As for `log_marginal`.
    cross : array, shape (m, n)
        Covariance of new rows with the measured ones.
    own : array, shape (m,)
        Variance of each new row before anything was measured.
    """
    xp = namespace(covariance, residual, cross)
    factor, residual = xp.linalg.cholesky(_masked(xp, covariance, real)), _filled(xp, residual, real)
    cross = cross if real is None else xp.where(real[None, :], cross, 0.0)
    halfway = _forward(xp, factor, cross.T)
    mean = halfway.T @ _forward(xp, factor, residual)
    return mean, xp.maximum(own - xp.sum(halfway**2, axis=0), 0.0)


def _masked(xp: Any, covariance: Array, real: Array | None) -> Array:
    if real is None:
        return covariance
    return xp.where(real[:, None] & real[None, :], covariance, 0.0) + xp.diag(xp.where(real, 0.0, 1.0))


def _filled(xp: Any, residual: Array, real: Array | None) -> Array:
    return residual if real is None else xp.where(real, residual, 0.0)


def _forward(xp: Any, factor: Array, right: Array) -> Array:
    if xp is np:
        from scipy.linalg import solve_triangular
    else:
        from jax.scipy.linalg import solve_triangular
    return solve_triangular(factor, right, lower=True)


def namespace(*arrays: Array) -> Any:
    """Return the module that can compute with all of these: JAX's as soon as one is JAX's."""
    for array in arrays:
        if not isinstance(array, np.ndarray | np.generic | float):
            return array.__array_namespace__()
    return np
