"""A Gaussian process averaged over draws from a prior on its hyperparameters, for tables of about fifty rows.

Nothing is tuned: hyperparameters are drawn once, from a prior on physically scaled columns, and every draw counts by
how well it explains the training rows. All folds of a validation scheme share the draws and their matrices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns
from perospin.learning.estimators.gaussian_processes.hyperparameters import weigh
from perospin.learning.estimators.gaussian_processes.kernels import cross_distances, matern, squared_distances
from perospin.learning.estimators.gaussian_processes.likelihoods import RowNoise
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import (
    ONE_ROW,
    log_marginals,
    log_marginals_of_subsets,
)
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.terms import Term, UnknownTermsError, matern_term, remembered
from perospin.learning.options import MOST_DRAWS, Option
from perospin.learning.training.weights import checked_weights, checked_y_sd, part_of

__all__ = ["PriorAveragedGP"]

FloatArray = NDArray[np.float64]

# Prior variance of the constant, in units of the target's variance: wide, but finite so that matrices stay regular.
_CONSTANT = 100.0
# Standard deviation of the logarithm of the variance about 0, where it has to be drawn too.
_VARIANCE_SPREAD = 1.0
_CHUNK = 500
_KEPT_WEIGHT, _KEPT_MOST = 0.99, 256
_MOST_NUMBERS = 20_000_000


@dataclass(frozen=True)
class _Draws:
    """Inverse squared length scales (p, d), 0 for columns left out, noise share (p,), variance (p,).

    The variance is 1 and has no part where it is integrated out. `slope` is the prior variance of the line's slopes.
    """

    inverse_squares: FloatArray
    noise: FloatArray
    variance: FloatArray
    slope: float = 0.0

    def __getitem__(self, index: Any) -> _Draws:
        return _Draws(self.inverse_squares[index], self.noise[index], self.variance[index], self.slope)

    def chunks(self) -> Iterator[_Draws]:
        for start in range(0, len(self.noise), _CHUNK):
            yield self[start : start + _CHUNK]

    def covariance(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Covariance of the noise-free function between rows of a and b, shape (p, n_a, n_b)."""
        distances = squared_distances if a is b else cross_distances
        correlation = matern(distances(self.inverse_squares, a, b))
        line = _CONSTANT + self.slope * (a @ b.T) if self.slope else _CONSTANT
        return np.asarray((1 - self.noise)[:, None, None] * correlation + line)

    def training_covariance(self, a: FloatArray, rows: RowNoise | None = None) -> FloatArray:
        """Covariance of the observed target at the rows of a, shape (p, n, n)."""
        return self.with_noise(self.covariance(a, a), rows)

    def with_noise(self, signal: FloatArray, rows: RowNoise | None) -> FloatArray:
        """Add noise to noise-free covariances, shape (p, n, n), and give them their variance."""
        n = signal.shape[1]
        if rows is None:
            return np.asarray(signal + self.noise[:, None, None] * np.eye(n))
        total = signal + self.noise[:, None, None] * np.diag(rows.relative)
        return np.asarray(total * self.variance[:, None, None] + np.diag(rows.known))


class PriorAveragedGP(RegressorMixin, BaseEstimator):
    """Gaussian process (Matern-5/2, one length scale a column, noise), averaged over prior draws.

    The prior of a draw: each column takes part with probability `relevance`; the logarithm of its length scale is
    normal (0.7, 0.7) in units of the column's `scales`; the logit of the noise share is normal (-1, 1). The constant
    and the variance are integrated out. A draw's weight is its marginal likelihood of the training rows.

    Columns are divided by fixed scales, not by the training rows' spread, so that a covariance matrix does not
    depend on the fold: one inverse of the whole table gives each fold's likelihood by block elimination, and
    `fit_many` equals `fit` on each training set. Why this is a class of its own is said in the module of
    `GaussianProcess`.

    A row of weight w has its noise variance divided by w. With `y_sd`, y_sd^2 of each row is added to its noise; the
    variance can't be integrated out then and is drawn too, its logarithm normal (0, 1) for a target of variance 1.
    Rows that differ in their noise cost the trick above: each fold's matrices are solved on their own.

    Parameters
    ----------
    features : list of str, optional
        Columns; all if None. A missing value counts as 0 (for the `excess_` columns: like butylammonium).
    scales : list of float, optional
        Spread of each column that matters physically; 1 if None.
    n_draws : int
        Draws from the prior.
    relevance : float
        Prior probability that a column matters.
    slope : float
        Prior variance of the slopes of a line in all scaled columns, beside the process, in units of the target's
        variance; 0 for none. Far from the training rows the line stays; the process alone returns to their mean.
    seed : int
        Of the draws.
    """

    about: ClassVar[Kind] = Kind(
        "prior_gp",
        "Gaussian process averaged over draws from a prior, columns in declared physical scales",
        {
            "scales": Option(None, "spread of each column that matters", above=0.0, many=True, none=True),
            "n_draws": Option(8000, "draws from the prior", low=1, high=MOST_DRAWS, whole=True),
            "relevance": Option(0.5, "prior probability that a column matters", above=0.0, high=1.0),
            "slope": Option(0.0, "prior variance of the slopes of a line beside the process", low=0.0),
        },
        on_columns=False,
        takes=("features",),
        references=("Rasmussen2006GaussianProcesses",),
    )
    parts: ClassVar[Mapping[str, type]] = {"PriorDraws": _Draws, "PriorRows": RowNoise}

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return set(columns if self.features is None else self.features)

    def exact_terms(self) -> Iterator[Term]:
        """One term for each draw from the prior; see `terms_inside`."""
        if self.features is None or self.draws_.slope:  # models of older files have no slope of their own
            raise UnknownTermsError
        shares = self.deviation_ * (self.weights_ * (1.0 - self.draws_.noise))[:, None] * self.dual_
        take = remembered(self._scaled)
        for precision, weights in zip(self.draws_.inverse_squares, shares, strict=True):
            yield from matern_term(precision, self.values_, weights, tuple(self.features), take)

    def __init__(
        self,
        features: list[str] | None = None,
        scales: list[float] | None = None,
        n_draws: int = 8000,
        relevance: float = 0.5,
        slope: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.scales = scales
        self.n_draws = n_draws
        self.relevance = relevance
        self.slope = slope
        self.seed = seed

    def _scaled(self, X: Any) -> FloatArray:
        values, names = select_columns(X, self.features)
        scales = np.ones(len(names)) if self.scales is None else np.asarray(self.scales, dtype=float)
        if scales.shape != (len(names),) or not np.all(scales > 0):
            raise StudyError(f"'scales' needs {len(names)} positive numbers, one for each of: {', '.join(names)}")
        return np.asarray(np.nan_to_num(values) / scales)

    def _draw(self, n_columns: int, with_variance: bool = False) -> _Draws:
        if self.n_draws < 1 or not 0 < self.relevance <= 1 or self.slope < 0:
            raise StudyError("a prior-averaged Gaussian process needs n_draws >= 1, 0 < relevance <= 1, slope >= 0")
        rng = np.random.default_rng(self.seed)
        shape = (self.n_draws, n_columns)
        included = rng.random(shape) < self.relevance
        length = np.exp(rng.normal(0.7, 0.7, shape))
        noise = expit(rng.normal(-1.0, 1.0, self.n_draws))
        variance = np.exp(rng.normal(0.0, _VARIANCE_SPREAD, self.n_draws)) if with_variance else np.ones(self.n_draws)
        return _Draws(np.where(included, length**-2.0, 0.0), noise, variance, float(self.slope))

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> PriorAveragedGP:
        """Weigh the draws by the training rows: X of shape (n_rows, n_columns), the others of shape (n_rows,)."""
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        sd = None if y_sd is None else np.asarray(y_sd, dtype=float)
        done = self.fit_many(X, y, [np.arange(len(X))], sample_weight=weights, y_sd=sd)[0]
        self.__dict__.update(done.__dict__)
        return self

    def fit_many(
        self,
        X: Any,
        y: ArrayLike,
        trains: Sequence[NDArray[np.int64]],
        groups: ArrayLike | None = None,
        sample_weight: FloatArray | None = None,
        y_sd: FloatArray | None = None,
    ) -> list[PriorAveragedGP]:
        """One fitted clone for each training set (row numbers); `groups` has no part, nothing is tuned."""
        values, target = self._scaled(X), np.asarray(y, dtype=float)
        weights, sd = checked_weights(sample_weight, len(target)), checked_y_sd(y_sd, len(target))
        if weights is not None:
            trains = [rows[weights[rows] > 0] for rows in trains]
        draws = self._draw(values.shape[1], sd is not None)
        noises = [_noise_of(target[rows], part_of(weights, rows), part_of(sd, rows)) for rows in trains]
        log_weights = np.concatenate(
            [_log_evidence(c, values, target, trains, noises, sd is not None) for c in draws.chunks()], axis=1
        )
        fitted = []
        for train, logs, rows in zip(trains, log_weights, noises, strict=True):
            model = PriorAveragedGP(**self.get_params(deep=False))
            model.n_features_in_ = X.shape[1]
            model._condition(draws, weigh(logs), values[train], target[train], rows, sd is not None)
            fitted.append(model)
        return fitted

    def _condition(
        self,
        draws: _Draws,
        weights: FloatArray,
        values: FloatArray,
        target: FloatArray,
        rows: RowNoise | None,
        with_variance: bool,
    ) -> None:
        self.effective_draws_ = float(1 / np.sum(weights**2))
        order = np.argsort(-weights, kind="stable")[:_KEPT_MOST]
        kept = order[: int(np.searchsorted(np.cumsum(weights[order]), _KEPT_WEIGHT)) + 1]
        self.draws_, self.weights_ = draws[kept], weights[kept] / weights[kept].sum()
        self.values_ = values
        self.rows_ = rows
        self.mean_, self.deviation_ = _centre(target)
        standard = np.broadcast_to((target - self.mean_) / self.deviation_, (len(kept), len(target)))
        covariance = self.draws_.training_covariance(values, rows)
        solved = np.asarray(np.linalg.solve(covariance, standard[..., None])[..., 0])
        quadratic = np.einsum("pn,pn->p", solved, standard)
        # Posterior mean of each draw's variance; one that was drawn is what it is.
        self.variance_ = self.draws_.variance if with_variance else ONE_ROW.mean(quadratic, len(target))
        self.dual_ = solved * self.draws_.variance[:, None]

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean prediction over the draws, shape (n_rows,), and with `return_std` its deviation, noise included."""
        check_is_fitted(self)
        values = self._scaled(X)
        weighted = self.weights_[:, None] * self.dual_
        rows = max(1, _MOST_NUMBERS // weighted.size)
        inverse: FloatArray | None = None
        if return_std:
            inverse = np.asarray(np.linalg.inv(self.draws_.training_covariance(self.values_, self.rows_)))
            inverse *= self.draws_.variance[:, None, None]
            rows = max(1, rows // 4)
        means, variances = [], []
        for i in range(0, len(values), rows):
            part = values[i : i + rows]
            cross = self.draws_.covariance(part, self.values_)
            means.append(np.einsum("pmn,pn->m", cross, weighted, optimize=True))
            if inverse is not None:
                variances.append(self._variance(part, cross, inverse))
        mean = np.asarray(self.mean_ + self.deviation_ * np.concatenate(means))
        return (mean, self.deviation_ * np.sqrt(np.concatenate(variances))) if return_std else mean

    def _variance(self, values: FloatArray, cross: FloatArray, inverse: FloatArray) -> FloatArray:
        """Variance of the standardised target at scaled rows, over the draws and within each, shape (m,)."""
        explained = np.einsum("pmn,pmn->pm", cross @ inverse, cross)
        prior = 1.0 + _CONSTANT + self.draws_.slope * (values**2).sum(axis=1)
        within = self.variance_[:, None] * np.maximum(prior - explained, 0.0)
        means = np.einsum("pmn,pn->pm", cross, self.dual_)
        return np.asarray(self.weights_ @ (within + (means - self.weights_ @ means) ** 2))


def _centre(target: FloatArray) -> tuple[float, float]:
    spread = float(target.std())
    return float(target.mean()), spread if spread > 0 else 1.0


def _noise_of(target: FloatArray, weights: FloatArray | None, sd: FloatArray | None) -> RowNoise | None:
    """Noise of the rows of one training set, for its standardised target; None if all rows are alike."""
    if weights is None and sd is None:
        return None
    return RowNoise.of(len(target), weights, sd, _centre(target)[1])


def _log_evidence(
    draws: _Draws,
    values: FloatArray,
    target: FloatArray,
    trains: Sequence[NDArray[np.int64]],
    noises: Sequence[RowNoise | None],
    with_variance: bool,
) -> FloatArray:
    """Log marginal likelihood of each training set under each draw, shape (n_sets, p), up to a constant of the set."""
    scales = [_centre(target[train]) for train in trains]
    if all(rows is None for rows in noises):
        return log_marginals_of_subsets(draws.training_covariance(values), target, trains, scales, ONE_ROW)
    # Rows that differ in their noise: every training set is solved on its own.
    signal = draws.covariance(values, values)
    out = np.empty((len(trains), len(signal)))
    for i, (train, rows, (mean, spread)) in enumerate(zip(trains, noises, scales, strict=True)):
        covariances = draws.with_noise(signal[:, train[:, None], train], rows)
        out[i] = log_marginals(covariances, (target[train] - mean) / spread, None if with_variance else ONE_ROW)
    return out
