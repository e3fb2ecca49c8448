"""Gaussian process whose covariance is a sum of products of named kernels: a mean, and what modifies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns
from perospin.learning.estimators.gaussian_processes.tails import (
    LIKELIHOODS,
    check_likelihood,
    row_precision,
    tail_factor,
)
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.options import MOST_DRAWS, Option
from perospin.learning.training.folds import take
from perospin.learning.training.weights import checked_weights, checked_y_sd

__all__ = ["StructuredGP"]

FloatArray = NDArray[np.float64]

# Normal priors (centre, spread) of the logarithms of: length scales in standard deviations, the weight of a kernel
# beside the constant 1, the variance of a term, and the noise variance (the last two for a target of variance 1).
_LENGTH, _WEIGHT, _VARIANCE, _NOISE = (np.log(2.0), 0.7), (0.0, 1.5), (0.0, 1.5), (np.log(0.01), 1.5)
_JITTER = 1e-8
# Rounds of re-weighing rows under a heavy-tailed likelihood, at most.
_ROUNDS = 20
# Change of the rows' factors of precision at which the rounds stop.
_SETTLED = 0.01


class StructuredGP(RegressorMixin, BaseEstimator):
    """Gaussian process for a table with crossed factors, such as metal x halide x cation.

    The covariance is a sum of terms; a term is a variance times a product of factors; a factor is written as a sum
    of parts: ``"1"`` (constant), a kernel's name (squared exponential over its columns, one length scale a column)
    or ``"same NAME"`` (1 where all columns of that kernel are equal, else 0). The first part of a factor has weight
    1 and every further part a weight of its own. For example

        kernels = {metal = [...], halide = [...], size = [...]}
        terms = [["1 + metal", "1 + halide"], ["1 + metal", "1 + halide", "size + same size"]]

    says: there is a mean for each metal and halide, similar for similar ones; and a deviation from it that the
    cation's size decides, plus one of each cation's own, both again similar for similar metals and halides. Every
    term has its own length scales. For a cation never seen, the part of its own vanishes; for a seen one it carries
    over from its other compounds.

    A row of weight w has its noise variance divided by w; y_sd^2 of a row is added to its noise. The noise may have
    heavy tails, as in `GaussianProcess`. Why this is a class of its own is said there too.

    The logarithms of all hyperparameters have normal priors (length scale 2 standard deviations within a factor
    exp(0.7), weights and variances 1 within exp(1.5), noise 0.01 within exp(1.5), for a target of variance 1); the
    most probable ones are found from the training rows by L-BFGS, started at the priors' centres.

    Parameters
    ----------
    kernels : mapping of str to list of str
        Columns of each kernel.
    terms : sequence of sequence of str
        Factors of each term.
    max_iter : int
        Steps of the optimiser.
    likelihood : {"gaussian", "student_t"}
        Of the noise.
    dof : float
        Degrees of freedom of the t, above 2.

    Attributes
    ----------
    hyperparameters_ : dict
        Name -> most probable value.
    log_posterior_ : float
        Log marginal likelihood plus log prior (up to a constant) at these values.
    row_precision_ : ndarray, shape (n_rows,)
        Expected factor of each training row's precision: far below 1 for a row taken for an outlier.

    Notes
    -----
    Product kernels over factors: Bonilla, Chai and Williams, NeurIPS 20 (2007); most probable hyperparameters:
    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapter 5.
    """

    about: ClassVar[Kind] = Kind(
        "structured_gp",
        "Gaussian process with a covariance of named kernels: a mean, and what modifies it",
        {
            "kernels": Option({}, "columns of each kernel, by its name", holds="columns"),
            "terms": Option((), "factors of each term of the covariance", free=True),
            "max_iter": Option(100, "steps of the optimiser", low=1, high=MOST_DRAWS, whole=True),
            "likelihood": Option("gaussian", "of the noise", words=LIKELIHOODS),
            "dof": Option(4.0, "degrees of freedom of the t-likelihood", above=2.0),
        },
        on_columns=False,
        references=("Rasmussen2006GaussianProcesses", "Bonilla2007MultiTask"),
        cites_if=(({"likelihood": "student_t"}, ("Tipping2005StudentT",)),),
    )

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that its kernels look at."""
        return set(self.columns)

    def __init__(
        self,
        kernels: Mapping[str, Sequence[str]],
        terms: Sequence[Sequence[str]],
        max_iter: int = 100,
        likelihood: str = "gaussian",
        dof: float = 4.0,
    ) -> None:
        self.kernels = kernels
        self.terms = terms
        self.max_iter = max_iter
        self.likelihood = likelihood
        self.dof = dof

    @property
    def columns(self) -> list[str]:
        """Columns that any kernel reads, in order of first use."""
        return list(dict.fromkeys(column for columns in self.kernels.values() for column in columns))

    def _lay_out(self) -> None:
        """Place every hyperparameter in one vector: `_terms` holds (variance, [[(part, weight, lengths)]])."""
        names: list[str] = []
        priors: list[tuple[float, float]] = []

        def add(name: str, prior: tuple[float, float]) -> int:
            names.append(name)
            priors.append(prior)
            return len(names) - 1

        if not self.kernels or not self.terms:
            raise StudyError("a structured Gaussian process needs 'kernels' (name = columns) and 'terms'")
        self._terms = []
        for t, term in enumerate(self.terms, start=1):
            variance = add(f"term {t}: variance", _VARIANCE)
            factors = []
            for text in term:
                parts = []
                for k, part in enumerate(p.strip() for p in text.split("+")):
                    kernel = part.removeprefix("same ").strip()
                    if part != "1" and kernel not in self.kernels:
                        known = ", ".join(self.kernels)
                        raise StudyError(f"unknown kernel '{part}' in the factor '{text}'; known are 1, {known}")
                    weight = add(f"term {t}: weight of {part}", _WEIGHT) if k else None
                    lengths = (
                        [add(f"term {t}: length of {c}", _LENGTH) for c in self.kernels[part]]
                        if part in self.kernels
                        else []
                    )
                    parts.append((part, weight, lengths))
                factors.append(parts)
            self._terms.append((variance, factors))
        add("noise variance", _NOISE)
        self._names = names
        self._centre, self._spread = np.array(priors).T

    def _scaled(self, X: Any) -> dict[str, FloatArray]:
        values, _ = select_columns(X, self.columns)
        values = (np.where(np.isfinite(values), values, self._median) - self._mean) / self._deviation
        where = {column: j for j, column in enumerate(self.columns)}
        return {name: values[:, [where[c] for c in columns]] for name, columns in self.kernels.items()}

    def _part(
        self, part: str, lengths: list[int], theta: FloatArray, a: dict[str, FloatArray], b: dict[str, FloatArray]
    ) -> FloatArray:
        """One part of a factor between the levels of two tables, unweighted."""
        if part == "1":
            return np.ones((1, 1))
        kernel = part.removeprefix("same ").strip()
        squares = (a[kernel][:, None, :] - b[kernel][None, :, :]) ** 2
        if part != kernel:
            return (squares.sum(axis=2) < 1e-12).astype(float)
        return np.asarray(np.exp(-0.5 * squares @ np.exp(-2.0 * theta[lengths])))

    def _covariance(self, theta: FloatArray, X: dict[str, FloatArray]) -> FloatArray:
        """Covariance of new rows with the training rows, shape (m, n), without noise."""
        total: Any = 0.0
        for variance, factors in self._terms:
            product: Any = np.exp(theta[variance])
            for parts in factors:
                product = product * sum(
                    (1.0 if weight is None else np.exp(theta[weight])) * self._part(part, lengths, theta, X, self._x)
                    for part, weight, lengths in parts
                )
            total = total + product
        return np.asarray(np.broadcast_to(total, (len(next(iter(X.values()))), len(self._y))))

    def _objective(self, theta: FloatArray, levels: dict[str, Any]) -> tuple[float, FloatArray]:
        """Minus log posterior and its gradient. Kernels live between levels, of which there are far fewer than rows."""
        n = len(self._y)
        matrix = np.zeros((n, n))
        terms = []
        for variance, factors in self._terms:
            expanded, kept = [], []
            for parts in factors:
                total = np.zeros((n, n))
                pieces = []
                for part, weight, lengths in parts:
                    scale = 1.0 if weight is None else float(np.exp(theta[weight]))
                    if part == "1":
                        total += scale
                        small = np.ones((1, 1))
                    else:
                        kernel = part.removeprefix("same ").strip()
                        table, flat, _ = levels[kernel]
                        small = scale * self._part(part, lengths, theta, {kernel: table}, {kernel: table})
                        total += small.ravel().take(flat)
                    pieces.append((part, weight, lengths, small))
                expanded.append(total)
                kept.append(pieces)
            scale = float(np.exp(theta[variance]))
            products = [scale * np.ones((n, n))]  # products[f]: variance times the first f factors
            for total in expanded:
                products.append(products[-1] * total)
            matrix += products[-1]
            terms.append((variance, expanded, kept, products))
        noise = float(np.exp(theta[-1]))
        rows = self._relative / self.row_precision_
        matrix[np.arange(n), np.arange(n)] += noise * rows + self._known / self.row_precision_ + _JITTER
        factor, info = lapack.dpotrf(matrix, lower=1)
        if info:
            return 1e10, np.zeros_like(theta)
        inverse, _ = lapack.dpotri(factor, lower=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        alpha = inverse @ self._y
        slope = 0.5 * (inverse - np.outer(alpha, alpha))
        away = (theta - self._centre) / self._spread
        gradient = away / self._spread
        gradient[-1] += noise * float(np.diag(slope) @ rows)
        for variance, expanded, kept, products in terms:
            gradient[variance] += np.vdot(slope, products[-1])
            after = slope
            for f in range(len(expanded) - 1, -1, -1):
                rest = after * products[f]
                for part, weight, lengths, small in kept[f]:
                    if weight is None and not lengths:
                        continue
                    if part == "1":
                        gradient[weight] += rest.sum() * np.exp(theta[weight])
                        continue
                    table, _, member = levels[part.removeprefix("same ").strip()]
                    gathered = (member.T @ rest @ member) * small
                    if weight is not None:
                        gradient[weight] += gathered.sum()
                    if lengths:
                        squares = (table[:, None, :] - table[None, :, :]) ** 2
                        gradient[lengths] += np.exp(-2.0 * theta[lengths]) * np.einsum("ab,abc->c", gathered, squares)
                after = after * expanded[f]
        value = 0.5 * self._y @ alpha + np.log(np.diag(factor)).sum() + 0.5 * away @ away
        return float(value), gradient

    def _levels(self) -> dict[str, tuple[FloatArray, NDArray[np.int64], FloatArray]]:
        """For each kernel: its distinct rows, where every pair of rows finds its value, and row-level membership."""
        levels = {}
        for name, table in self._x.items():
            distinct, rows = np.unique(table, axis=0, return_inverse=True)
            member = (rows[:, None] == np.arange(len(distinct))).astype(float)
            levels[name] = (distinct, rows[:, None] * len(distinct) + rows[None, :], member)
        return levels

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> StructuredGP:
        """Learn from a table X with the kernels' columns, and y, weights and uncertainties of shape (n_rows,).

        Raises
        ------
        StudyError
            If a kernel or a column is unknown, or the target isn't finite.
        """
        self._lay_out()
        check_likelihood(self.likelihood, self.dof)
        target = np.asarray(y, dtype=float)
        weights, sd = checked_weights(sample_weight, len(target)), checked_y_sd(y_sd, len(target))
        if weights is not None:
            kept = np.flatnonzero(weights > 0)
            X, target, weights = take(X, kept), target[kept], weights[kept]
            sd = None if sd is None else sd[kept]
        if len(target) < 2 or not np.isfinite(target).all():
            raise StudyError("a structured Gaussian process needs at least two rows, none without a target")
        values, _ = select_columns(X, self.columns)
        finite = np.isfinite(values)
        self._median = np.array(
            [np.median(v[ok]) if ok.any() else 0.0 for v, ok in zip(values.T, finite.T, strict=True)]
        )
        values = np.where(finite, values, self._median)
        self._mean, deviation = values.mean(axis=0), values.std(axis=0)
        self._deviation = np.where(deviation > 1e-12 * (1.0 + np.abs(self._mean)), deviation, 1.0)
        self._y_mean, spread = float(target.mean()), float(target.std())
        self._y_scale = spread if spread > 0 else 1.0
        self._y = (target - self._y_mean) / self._y_scale
        self._x = self._scaled(X)
        self._relative = np.ones(len(target)) if weights is None else 1.0 / weights
        self._known = np.zeros(len(target)) if sd is None else (sd / self._y_scale) ** 2
        self.row_precision_ = np.ones(len(target))
        self._most_probable(self._centre.copy())
        if self.likelihood == "student_t":
            for _ in range(_ROUNDS):
                before = self.row_precision_
                self.row_precision_ = row_precision(self._squared_residuals(), self.dof)
                self._most_probable(self._theta)
                if np.abs(self.row_precision_ - before).max() < _SETTLED:
                    break
        self._weights = cho_solve(self._factor, self._y)
        self.hyperparameters_ = dict(zip(self._names, np.exp(self._theta).tolist(), strict=True))
        self.n_features_in_ = X.shape[1]
        return self

    def _most_probable(self, start: FloatArray) -> None:
        """Optimise the hyperparameters for the rows as they are weighed now, and factorise the covariance there."""
        limits = [(c - 4.0 * s, c + 4.0 * s) for c, s in zip(self._centre, self._spread, strict=True)]
        found = minimize(
            self._objective,
            start,
            args=(self._levels(),),
            jac=True,
            method="L-BFGS-B",
            bounds=limits,
            options={"maxiter": self.max_iter, "ftol": 1e-7},
        )
        self._theta = np.asarray(found.x)
        self.log_posterior_ = -float(found.fun)
        matrix = self._covariance(self._theta, self._x).copy()
        noise = np.exp(self._theta[-1]) * self._relative + self._known
        matrix[np.diag_indices_from(matrix)] += noise / self.row_precision_ + _JITTER
        self._factor = cho_factor(matrix, lower=True)

    def _squared_residuals(self) -> FloatArray:
        """Expect this squared residual of each training row, in units of its noise variance; see `GaussianProcess`."""
        noise = np.exp(self._theta[-1]) * self._relative + self._known
        now = noise / self.row_precision_
        inverse = cho_solve(self._factor, np.eye(len(self._y)))
        squares = (now * (inverse @ self._y)) ** 2 + now - now**2 * np.diag(inverse)
        return np.asarray(np.maximum(squares, 0.0) / noise)

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean of the prediction, shape (n_rows,), and with `return_std` its standard deviation, noise included."""
        check_is_fitted(self, "hyperparameters_")
        new = self._scaled(X)
        cross = self._covariance(self._theta, new)
        mean = self._y_mean + self._y_scale * (cross @ self._weights)
        if not return_std:
            return mean
        # Every factor of a row with itself is the sum of its weights.
        own = np.exp(self._theta[-1]) * tail_factor(self.likelihood, self.dof) + sum(
            np.exp(self._theta[variance])
            * np.prod([sum(1.0 if w is None else np.exp(self._theta[w]) for _, w, _ in parts) for parts in factors])
            for variance, factors in self._terms
        )
        explained = np.einsum("mn,nm->m", cross, cho_solve(self._factor, cross.T))
        return mean, self._y_scale * np.sqrt(np.maximum(own - explained, 0.0))
