r"""Variance components: a sum of effects with normal priors, each with one variance, learnt from few rows.

.. math:: y = m + \sum_e f_e(x) + \textrm{noise}, \qquad f_e \sim N(0, \sigma_e^2 K_e)

A mixed model as a Gaussian process (Henderson, Biometrics 31, 423 (1975); Rasmussen and Williams, Gaussian Processes
for Machine Learning (2006), chapter 2): the covariance is linear in the variances, so that everything but these is in
closed form. They are the most probable ones, each standard deviation under a log-normal prior about a declared middle.

An effect is a product of any of: the same level of categories, a straight line in a column, lines in several columns,
a smooth function of several columns. A column may be uncertain: its uncertainty, times the size of the effect, is noise
of its own row. A row may be a limit (see `censored`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns
from perospin.learning.estimators.gaussian_processes.censored import Sites, checked_limits, propagate
from perospin.learning.estimators.gaussian_processes.hyperparameters import most_probable
from perospin.learning.estimators.gaussian_processes.kernels import Kernel, Linear, Matern, Product, Same
from perospin.learning.estimators.gaussian_processes.likelihoods import RowNoise
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import marginal_and_slope
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.terms import CallTerm, Term
from perospin.learning.options import Option
from perospin.learning.training.folds import take
from perospin.learning.training.weights import checked_weights, checked_y_sd, part_of

__all__ = ["Effect", "VarianceComponents"]

FloatArray = NDArray[np.float64]
_Scaled = tuple[tuple[str, float, float], ...]

_REACH = 4.0
_ROUNDS, _SETTLED = 6, 2e-3
_NOTHING = np.zeros(0)
_KEYS = ("name", "sd", "same", "slope", "uncertain", "linear", "smooth", "length")


@dataclass(frozen=True)
class Effect:
    """One effect.

    Attributes
    ----------
    name : str
    sd : float
        Middle of the prior of its standard deviation, in units of the target (per unit of what it reads).
    same : tuple of str
        Categories: rows share the effect where all of them are stated and equal.
    slope : str
        A column along which the effect is a straight line through its zero; "" if none.
    uncertain : str
        The column with the standard deviation of `slope`; "" if none.
    linear, smooth : tuple of (column, zero, scale)
        Columns of straight lines; columns of a smooth function (Matern-5/2).
    length : float
        Of the smooth function, in scales.
    """

    name: str
    sd: float
    same: tuple[str, ...] = ()
    slope: str = ""
    uncertain: str = ""
    linear: _Scaled = ()
    smooth: _Scaled = ()
    length: float = 1.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Effect:
        """Read the declaration of an effect.

        Raises
        ------
        StudyError
            One sentence that names the effect and what is wrong.
        """
        name = given.get("name") if isinstance(given, Mapping) else None
        if not isinstance(name, str) or not name:
            raise StudyError(f"an effect is a table with a name, not {given!r}")
        unknown = [key for key in given if key not in _KEYS]
        if unknown:
            raise StudyError(f"unknown key '{unknown[0]}' of the effect '{name}'; its keys are: {', '.join(_KEYS)}")
        same = given.get("same", ())
        try:
            made = cls(
                name,
                float(given.get("sd", 1.0)),
                (same,) if isinstance(same, str) else tuple(str(column) for column in same),
                str(given.get("slope", "")),
                str(given.get("uncertain", "")),
                _scaled(given.get("linear", ())),
                _scaled(given.get("smooth", ())),
                float(given.get("length", 1.0)),
            )
        except (TypeError, ValueError) as error:
            raise StudyError(f"the effect '{name}' can't be read: {error}") from None
        if not (0 < made.sd < np.inf and 0 < made.length < np.inf) or any(not s > 0 for _, _, s in made._columns):
            raise StudyError(f"the effect '{name}' needs an sd, a length and scales that are finite and above 0")
        if not (made.same or made.slope or made.linear or made.smooth) or (made.uncertain and not made.slope):
            raise StudyError(f"the effect '{name}' reads nothing; give 'same', 'slope', 'linear' or 'smooth'")
        return made

    @property
    def _columns(self) -> _Scaled:
        return (*self.linear, *self.smooth)

    @property
    def read(self) -> tuple[str, ...]:
        """Columns that its mean depends on."""
        return (*self.same, *([self.slope] if self.slope else ()), *(name for name, _, _ in self._columns))

    def kernel(self) -> Kernel:
        """Covariance of unit variance, on the blocks that `blocks` makes."""
        factors: list[Kernel] = [Same(column) for column in self.same]
        if self.slope:
            factors.append(Linear("slope", (self.slope,), None))
        if self.linear:
            factors.append(Linear("linear", tuple(name for name, _, _ in self.linear), None))
        if self.smooth:
            factors.append(Matern("smooth", tuple(name for name, _, _ in self.smooth), None, None))
        return Product(tuple(factors))

    def blocks(self, table: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Blocks of the kernel from columns, (n_rows,) each."""
        made = {column: table[column][:, None] for column in self.same}
        if self.slope:
            made["slope"] = table[self.slope][:, None]
        for name, columns, length in (("linear", self.linear, 1.0), ("smooth", self.smooth, self.length)):
            if columns:
                made[name] = np.column_stack([(table[c] - zero) / (scale * length) for c, zero, scale in columns])
        return made

    def diagonal(self, table: Mapping[str, FloatArray]) -> FloatArray:
        """Unit-variance covariance of each row with itself, uncertainty of the slope's column included, (n_rows,)."""
        n = len(next(iter(table.values())))
        if not self.uncertain:
            return np.broadcast_to(self.kernel().diagonal(_NOTHING, self.blocks(table)), (n,)).astype(float)
        sure = Effect(self.name, self.sd, self.same, "", "", self.linear, self.smooth, self.length)
        others = np.broadcast_to(sure.kernel().diagonal(_NOTHING, sure.blocks(table)), (n,))
        return np.asarray(others * (table[self.slope] ** 2 + table[self.uncertain] ** 2))


def _scaled(columns: Any) -> _Scaled:
    """Columns from a list of names, or a table ``{column = [zero, scale]}``."""
    if isinstance(columns, Mapping):
        return tuple((str(name), float(zero), float(scale)) for name, (zero, scale) in columns.items())
    if isinstance(columns, str):
        raise ValueError("give a list of columns, or a table of column = [zero, scale]")
    return tuple((str(name), 0.0, 1.0) for name in columns)


class VarianceComponents(RegressorMixin, BaseEstimator):
    """Sum of declared effects, each with one learnt variance; rows may be limits, columns may be uncertain.

    Parameters
    ----------
    effects : sequence of mapping
        Declarations of `Effect`.
    noise_sd : float
        Middle of the prior of the noise's standard deviation.
    mean, mean_sd : float
        Normal prior of the mean.
    spread : float
        Standard deviation of the logarithm of every standard deviation about its middle: 0.7 is a factor of two.

    Attributes
    ----------
    sd_ : dict of str to float
        Most probable standard deviation of each effect, and of the ``noise``.
    """

    takes_categories: ClassVar[bool] = True
    about: ClassVar[Kind] = Kind(
        "variance_components",
        "sum of declared effects, each with one learnt variance; takes categories, uncertain columns and limits",
        {
            "effects": Option((), "effects, each a table with what it reads and its prior", holds="effects"),
            "noise_sd": Option(0.15, "middle of the prior of the noise's standard deviation", above=0.0),
            "mean": Option(0.0, "prior mean"),
            "mean_sd": Option(3.0, "standard deviation of the prior of the mean", above=0.0),
            "spread": Option(0.7, "standard deviation of the logarithm of every standard deviation", above=0.0),
        },
        on_columns=False,
        references=("Henderson1975Prediction", "Rasmussen2006GaussianProcesses"),
    )

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return set(self.columns)

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted model beside a constant: its effects."""
        for number, effect in enumerate(self._effects()):
            yield CallTerm(effect.read, partial(_numbers, effect.read), partial(self.part, number))

    def __init__(
        self,
        effects: Sequence[Mapping[str, Any]] = (),
        noise_sd: float = 0.15,
        mean: float = 0.0,
        mean_sd: float = 3.0,
        spread: float = 0.7,
    ) -> None:
        self.effects = effects
        self.noise_sd = noise_sd
        self.mean = mean
        self.mean_sd = mean_sd
        self.spread = spread

    def _effects(self) -> list[Effect]:
        made = [Effect.of(given) for given in self.effects]
        names = [effect.name for effect in made]
        if not made or len(set(names)) < len(names):
            raise StudyError("variance components need effects, each with a name of its own")
        if not (self.noise_sd > 0 and self.mean_sd > 0 and self.spread > 0):
            raise StudyError("variance components need noise_sd, mean_sd and spread above 0")
        return made

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read, standard deviations of uncertain ones included."""
        effects = self._effects()
        also = (effect.uncertain for effect in effects if effect.uncertain)
        return tuple(dict.fromkeys([*(column for effect in effects for column in effect.read), *also]))

    def _table(self, X: Any) -> dict[str, FloatArray]:
        """Columns of new rows by name; categories that aren't stated are NaN, and so alike to none."""
        values, names = select_columns(X, list(self.columns))
        table = dict(zip(names, values.T, strict=True))
        categories = {column for effect in self._effects() for column in effect.same}
        holes = [name for name in names if name not in categories and not np.isfinite(table[name]).all()]
        if holes:
            raise StudyError(f"the column '{holes[0]}' has rows without a value, which variance components can't use")
        return table

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        y_sd: ArrayLike | None = None,
        limit: ArrayLike | None = None,
    ) -> VarianceComponents:
        """Learn the variances and condition on the rows.

        Parameters
        ----------
        X : DataFrame, shape (n_rows, n_columns)
            Categories as numbers, NaN where not stated.
        y : array_like, shape (n_rows,)
        sample_weight : array_like, shape (n_rows,), optional
            A row of weight w has its noise variance divided by w; one of weight 0 is left out.
        y_sd : array_like, shape (n_rows,), optional
            Standard deviation of each target.
        limit : array_like of int, shape (n_rows,), optional
            0 where the target is a value, -1 where the truth is at most that, +1 where it is at least that.

        Raises
        ------
        StudyError
            If there are fewer than two stated values, or an effect can't be read.
        """
        effects, target = self._effects(), np.asarray(y, dtype=float)
        signs, known = checked_limits(limit, len(target)), checked_y_sd(y_sd, len(target))
        weights = checked_weights(sample_weight, len(target))
        if weights is not None and (weights == 0).any():
            kept = np.flatnonzero(weights)
            return self.fit(take(X, kept), target[kept], weights[kept], part_of(known, kept), signs[kept])
        noise = RowNoise.of(len(target), weights, known, 1.0)
        if (signs == 0).sum() < 2:
            raise StudyError("variance components need at least two stated values")
        table = self._table(X)
        for column in {column for effect in effects for column in effect.same}:
            # a level that isn't stated is alike to none but its own row
            alone = -1.0 - np.arange(len(target)) - np.abs(np.nan_to_num(table[column])).max(initial=0.0)
            table[column] = np.where(np.isnan(table[column]), alone, table[column])
        parts = np.array([_among(effect, table) for effect in effects])
        centre = 2.0 * np.log([*(effect.sd for effect in effects), self.noise_sd])
        width = np.full(len(centre), 2.0 * self.spread)
        theta, sites = centre, Sites.start(target, signs, self.mean)

        def covariance(at: FloatArray) -> FloatArray:
            matrix = np.tensordot(np.exp(at[:-1]), parts, axes=1) + self.mean_sd**2
            matrix[np.diag_indices_from(matrix)] += noise.variances(float(np.exp(at[-1])))
            return np.asarray(matrix)

        def evidence(at: FloatArray) -> tuple[float, FloatArray] | None:
            matrix, variances = covariance(at), np.exp(at)
            matrix[np.diag_indices_from(matrix)] += sites.variance
            found = marginal_and_slope(matrix, sites.target - self.mean)
            if found is None:
                return None
            value, slope = found
            gradient = variances[:-1] * np.tensordot(parts, slope, axes=([1, 2], [0, 1]))
            return value, np.append(gradient, variances[-1] * float(np.diagonal(slope) @ noise.relative))

        for _ in range(_ROUNDS):
            sites = propagate(covariance(theta), target, signs, self.mean, sites)
            before = theta
            theta, self.log_posterior_ = most_probable(evidence, centre, width, [theta], _REACH)
            if not signs.any() or np.abs(theta - before).max() < _SETTLED:
                break
        sites = propagate(covariance(theta), target, signs, self.mean, sites)
        self._theta, self._table_, self._sites = theta, table, (sites.target, sites.variance)
        self._inverse = np.linalg.inv(covariance(theta) + np.diag(sites.variance))
        self._weights = self._inverse @ (sites.target - self.mean)
        self.sd_ = dict(zip([*(e.name for e in effects), "noise"], np.exp(0.5 * theta).tolist(), strict=True))
        self.n_features_in_ = np.shape(X)[1]
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean of the prediction, shape (n_rows,), and with `return_std` its standard deviation, noise included."""
        check_is_fitted(self, "sd_")
        table, variances = self._table(X), np.exp(self._theta)
        cross = np.full((len(X), len(self._weights)), self.mean_sd**2)
        own = np.full(len(X), self.mean_sd**2 + variances[-1])
        for effect, variance in zip(self._effects(), variances, strict=False):
            cross += variance * effect.kernel()(_NOTHING, effect.blocks(table), effect.blocks(self._table_))
            own += variance * effect.diagonal(table)
        mean = self.mean + cross @ self._weights
        if not return_std:
            return mean
        explained = np.einsum("ij,ij->i", cross @ self._inverse, cross)
        return mean, np.sqrt(np.maximum(own - explained, 1e-12))

    def contributions(self, X: Any) -> dict[str, FloatArray]:
        """Split the mean of each prediction into the parts of the effects, (n_rows,) each; they add up."""
        table = self._table(X)
        level = self.mean + self.mean_sd**2 * float(self._weights.sum())
        found = {"mean": np.full(len(X), level)}
        for number, effect in enumerate(self._effects()):
            found[effect.name] = self.part(number, np.column_stack([table[c] for c in effect.read]))
        return found

    def part(self, number: int, values: FloatArray) -> FloatArray:
        """Give the mean of one effect at values of the columns that it reads (`Effect.read`), shape (n_rows,)."""
        effect = self._effects()[number]
        blocks = effect.blocks(dict(zip(effect.read, values.T, strict=True)))
        cross = effect.kernel()(_NOTHING, blocks, effect.blocks(self._table_))
        return np.asarray(np.exp(self._theta[number]) * (cross @ self._weights))


def _numbers(columns: Sequence[str], table: Any) -> FloatArray:
    return np.asarray(table[list(columns)].to_numpy(dtype=float))


def _among(effect: Effect, table: Mapping[str, FloatArray]) -> FloatArray:
    """Unit-variance covariance of an effect among training rows, shape (n_rows, n_rows)."""
    blocks = effect.blocks(table)
    n = len(next(iter(table.values())))
    matrix = np.broadcast_to(effect.kernel()(_NOTHING, blocks, blocks), (n, n)).copy()
    np.fill_diagonal(matrix, effect.diagonal(table))
    return matrix
