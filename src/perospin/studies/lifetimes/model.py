r"""One model of log10 lifetime over materials and conditions: variance components with censored rows.

The logarithm of a lifetime is a sum of Gaussian effects, each with one variance learnt from the data:

.. math:: y = m + \textrm{quantity} + \textrm{temperature} + \textrm{field} + \textrm{carrier} + \textrm{technique}
          + \textrm{form} + \textrm{material} + \textrm{source} + \textrm{noise}

It is a Gaussian process whose covariance is linear in the variances (a mixed model: Henderson, Biometrics 31, 423
(1975); Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapter 2), so that everything but the
variances is in closed form. The material has a linear and a smooth part (Matern-5/2) shared by all quantities, a smooth
part of each quantity, and levels of its own, one shared and one of each quantity. A condition that isn't stated adds
its uncertainty, times the size of its effect, to the noise of its row.

A limit is a censored value: the latent value is normal as that of any row, and lies beyond the limit. Such rows enter
by expectation propagation, whose sites are Gaussian (Minka, UAI (2001); Rasmussen and Williams, 3.6 and, for gradients
of the evidence at its fixed point, 5.5.2). The variances are the most probable ones, each standard deviation within a
factor of two of a prior middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_ndtr

from perospin.errors import StudyError
from perospin.learning.estimators.gaussian_processes.kernels import matern
from perospin.studies.lifetimes.table import Conditioned

__all__ = ["CONDITIONS", "EFFECTS", "MATERIAL", "ConditionModel"]

FloatArray = NDArray[np.float64]

CONDITIONS = ("quantity", "temperature", "temperature of each quantity", "field", "carrier", "technique", "form")
"""Effects of what was measured, and how."""
MATERIAL = (
    "material, linear",
    "material, smooth",
    "material of each quantity",
    "material itself",
    "material itself of each quantity",
)
"""Effects of the material."""
EFFECTS: Mapping[str, float] = {
    "quantity": 1.0,
    "temperature": 1.0,
    "temperature of each quantity": 0.5,
    "field": 0.5,
    "carrier": 0.3,
    "technique": 0.5,
    "form": 0.3,
    "material, linear": 0.3,
    "material, smooth": 0.3,
    "material of each quantity": 0.3,
    "material itself": 0.3,
    "material itself of each quantity": 0.5,
    "source": 0.3,
}
"""Every effect, with the middle of the prior of its standard deviation in decades (of lifetime; of lifetime per decade
of temperature, or per scale of a material column)."""

_NOISE = 0.15
"""Middle of the prior of the noise, in decades: duplicate materials of the 52 rows scatter by 0.11."""
_PRIOR_SPREAD = 0.7
"""Standard deviation of the logarithm of every standard deviation about that middle: a factor of two."""
_MEAN, _MEAN_SD = 1.0, 3.0
_SMOOTH_LENGTH = 3.0
"""Length of the smooth part in scales of the material columns."""
_ROUNDS, _SWEEPS, _SETTLED = 6, 40, 1e-6


@dataclass(frozen=True, eq=False)
class _Sites:
    """Gaussian stand-ins of the censored rows: pseudo-target of each row and its variance (0 for a stated value)."""

    target: FloatArray
    variance: FloatArray


class ConditionModel:
    """Variance components of log10 lifetime; see the module.

    Parameters
    ----------
    effects : sequence of str
        Which of `EFFECTS` take part.

    Attributes
    ----------
    sd_ : dict of str to float
        Most probable standard deviation of each effect, and of the ``noise``, in decades.
    """

    def __init__(self, effects: Sequence[str] = tuple(EFFECTS)) -> None:
        unknown = [name for name in effects if name not in EFFECTS]
        if unknown:
            raise StudyError(f"unknown effect '{unknown[0]}'; there are: {', '.join(EFFECTS)}")
        self.effects = tuple(effects)

    def fit(self, rows: Conditioned) -> ConditionModel:
        """Learn the variances and condition on the rows.

        Raises
        ------
        StudyError
            If there are fewer than two stated values.
        """
        if len(rows.stated) < 2:
            raise StudyError("a model of lifetimes needs at least two stated values")
        self.rows_ = rows
        self._parts = np.array([_kernel(name, rows, rows, same=True) for name in self.effects])
        middle = np.log([*(EFFECTS[name] for name in self.effects), _NOISE])
        theta = middle.copy()
        sites = _Sites(np.where(rows.limit == 0, rows.y, 0.0), np.where(rows.limit == 0, 0.0, 1e6))
        for _ in range(_ROUNDS):
            sites = self._propagate(theta, sites)
            before = theta
            found = minimize(
                self._objective,
                theta,
                args=(middle, sites),
                jac=True,
                method="L-BFGS-B",
                bounds=[(m - 4.0, m + 3.0) for m in middle],
            )
            theta = np.asarray(found.x)
            if not (rows.limit != 0).any() or np.abs(theta - before).max() < 1e-3:
                break
        sites = self._propagate(theta, sites)
        self._theta, self._sites = theta, sites
        self._inverse = np.linalg.inv(self._covariance(theta, sites))
        self._weights = self._inverse @ (sites.target - _MEAN)
        self.sd_ = dict(zip([*self.effects, "noise"], np.exp(theta).tolist(), strict=True))
        return self

    def predict(self, rows: Conditioned) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of log10 of the lifetime in ps that a further source would report, (n_rows,)."""
        variances = np.exp(2.0 * self._theta[:-1])
        cross = np.full((len(rows), len(self.rows_)), _MEAN_SD**2)
        own = np.full(len(rows), _MEAN_SD**2 + float(np.exp(2.0 * self._theta[-1])))
        for name, variance in zip(self.effects, variances, strict=True):
            cross += variance * _kernel(name, rows, self.rows_, same=False)
            own += variance * np.diagonal(_kernel(name, rows, rows, same=True))
        mean = _MEAN + cross @ self._weights
        explained = np.einsum("ij,jk,ik->i", cross, self._inverse, cross)
        return mean, np.sqrt(np.maximum(own - explained, 1e-12))

    def contributions(self, rows: Conditioned) -> dict[str, FloatArray]:
        """Split the mean of each prediction into the parts of the effects, in decades, (n_rows,) each; they add up."""
        found = {"mean": _MEAN + np.full((len(rows), len(self.rows_)), _MEAN_SD**2) @ self._weights}
        for name, log_sd in zip(self.effects, self._theta, strict=False):
            found[name] = np.exp(2.0 * log_sd) * (_kernel(name, rows, self.rows_, same=False) @ self._weights)
        return found

    # -- evidence --------------------------------------------------------------------------------------------

    def _covariance(self, theta: FloatArray, sites: _Sites) -> FloatArray:
        """Covariance of the targets, the stand-ins of limits included, shape (n, n)."""
        matrix = np.tensordot(np.exp(2.0 * theta[:-1]), self._parts, axes=1) + _MEAN_SD**2
        return np.asarray(matrix + np.diag(np.exp(2.0 * theta[-1]) + sites.variance))

    def _objective(self, theta: FloatArray, middle: FloatArray, sites: _Sites) -> tuple[float, FloatArray]:
        """Minus log posterior of the log standard deviations with the sites held, and its gradient."""
        matrix = self._covariance(theta, sites)
        inverse = np.linalg.inv(matrix)
        residual = sites.target - _MEAN
        alpha = inverse @ residual
        slope = 0.5 * (inverse - np.outer(alpha, alpha))
        away = (theta - middle) / _PRIOR_SPREAD
        variances = np.exp(2.0 * theta)
        gradient = away / _PRIOR_SPREAD
        gradient[:-1] += 2.0 * variances[:-1] * np.tensordot(self._parts, slope, axes=([1, 2], [0, 1]))
        gradient[-1] += 2.0 * variances[-1] * float(np.trace(slope))
        value = 0.5 * float(residual @ alpha) + 0.5 * float(np.linalg.slogdet(matrix)[1]) + 0.5 * float(away @ away)
        return value, gradient

    def _propagate(self, theta: FloatArray, sites: _Sites) -> _Sites:
        """Refresh the stand-ins of the censored rows until they stay as they are."""
        rows = np.flatnonzero(self.rows_.limit)
        if not len(rows):
            return sites
        target, variance = sites.target.copy(), sites.variance.copy()
        bound, sign = np.log10(self.rows_.value_ps[rows]), self.rows_.limit[rows].astype(float)
        for _ in range(_SWEEPS):
            inverse = np.linalg.inv(self._covariance(theta, _Sites(target, variance)))
            alpha = inverse @ (target - _MEAN)
            # what all others say of the latent value of such a row (the formula of leaving one out)
            spread = 1.0 / np.diagonal(inverse)[rows]
            cavity = target[rows] - alpha[rows] * spread
            cavity_variance = np.maximum(spread - variance[rows], 1e-9)
            mean, inside = _truncated(cavity, cavity_variance, bound, sign)
            precision = np.maximum(1.0 / inside - 1.0 / cavity_variance, 1e-8)
            new_variance = 1.0 / precision
            new_target = new_variance * (mean / inside - cavity / cavity_variance)
            change = np.abs(new_target / new_variance - target[rows] / variance[rows]).max()
            half = 0.5 * (1.0 / new_variance + 1.0 / variance[rows])  # damped in natural parameters
            shift = 0.5 * (new_target / new_variance + target[rows] / variance[rows])
            variance[rows], target[rows] = 1.0 / half, shift / half
            if change < _SETTLED:
                break
        return _Sites(target, variance)


def _truncated(
    mean: FloatArray, variance: FloatArray, bound: FloatArray, sign: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of normals that lie above their bound (sign +1) or below it (sign -1)."""
    sd = np.sqrt(variance)
    z = sign * (mean - bound) / sd
    ratio = np.exp(-0.5 * z**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(z))
    inside = variance * (1.0 - ratio * (ratio + z))
    return mean + sign * sd * ratio, np.clip(inside, 1e-9 * variance, variance * (1.0 - 1e-9))


# -- covariances ---------------------------------------------------------------------------------------------


def _kernel(name: str, a: Conditioned, b: Conditioned, same: bool) -> FloatArray:
    """Covariance of one effect of unit variance between rows, shape (n_a, n_b); `same`: a and b are the same rows."""
    if name in ("carrier", "technique", "form", "source"):
        return _levels(getattr(a, name), getattr(b, name), same)
    alike = (a.quantity[:, None] == b.quantity[None, :]).astype(float)
    if name == "quantity":
        return alike
    if name == "temperature":
        return _slope(a.log_temperature, a.temperature_sd, b.log_temperature, same)
    if name == "temperature of each quantity":
        return alike * _slope(a.log_temperature, a.temperature_sd, b.log_temperature, same)
    if name == "field":
        return _slope(a.log_field, a.field_sd, b.log_field, same)
    if name == "material, linear":
        return np.asarray(a.features @ b.features.T)
    if name.startswith("material itself"):
        itself = (a.formula[:, None] == b.formula[None, :]).astype(float)
        return itself if name == "material itself" else itself * alike
    squares = ((a.features[:, None, :] - b.features[None, :, :]) ** 2).sum(axis=2) / _SMOOTH_LENGTH**2
    return matern(squares) * (alike if name == "material of each quantity" else 1.0)


def _levels(a: NDArray[np.str_], b: NDArray[np.str_], same: bool) -> FloatArray:
    """1 where the level is the same; a level that isn't stated is alike to none but its own row."""
    alike = ((a[:, None] == b[None, :]) & (a[:, None] != "")).astype(float)
    if same:
        np.fill_diagonal(alike, 1.0)
    return alike


def _slope(a: FloatArray, a_sd: FloatArray, b: FloatArray, same: bool) -> FloatArray:
    """Product of the inputs, plus the variance of an uncertain one on the diagonal."""
    product = np.outer(a, b)
    return np.asarray(product + np.diag(a_sd**2) if same else product)
