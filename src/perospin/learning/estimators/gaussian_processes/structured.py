"""Gaussian process whose covariance is a sum of products of named kernels: a mean, and what modifies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns
from perospin.learning.estimators.gaussian_processes.kernels import (
    WEIGHT,
    Constant,
    Kernel,
    Product,
    Same,
    SquaredExponential,
    Sum,
)
from perospin.learning.estimators.gaussian_processes.likelihoods import LIKELIHOODS, Likelihood, RowNoise
from perospin.learning.estimators.gaussian_processes.process import Conditioned, Process
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.options import MOST_DRAWS, Option
from perospin.learning.training.folds import take
from perospin.learning.training.weights import checked_weights, checked_y_sd

__all__ = ["StructuredGP"]

FloatArray = NDArray[np.float64]


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

    def _process(self) -> Process:
        """Make the kernel that `terms` describe.

        Raises
        ------
        StudyError
            If there are no kernels or terms, or a term names an unknown kernel.
        """
        if not self.kernels or not self.terms:
            raise StudyError("a structured Gaussian process needs 'kernels' (name = columns) and 'terms'")
        terms = [
            Product(tuple(self._factor_of(text) for text in term), WEIGHT, f"term {t}")
            for t, term in enumerate(self.terms, start=1)
        ]
        return Process(Sum(tuple(terms)), likelihood=Likelihood(self.likelihood, self.dof), max_iter=self.max_iter)

    def _factor_of(self, text: str) -> Kernel:
        parts: list[Kernel] = []
        for part in (p.strip() for p in text.split("+")):
            weight = WEIGHT if parts else None
            name = part.removeprefix("same ").strip()
            if part == "1":
                parts.append(Constant(weight))
            elif name not in self.kernels:
                known = ", ".join(self.kernels)
                raise StudyError(f"unknown kernel '{part}' in the factor '{text}'; known are 1, {known}")
            elif part in self.kernels:
                parts.append(SquaredExponential(part, tuple(self.kernels[part]), weight))
            else:
                parts.append(Same(name, weight))
        return Sum(tuple(parts))

    def _scaled(self, X: Any) -> dict[str, FloatArray]:
        values, _ = select_columns(X, self.columns)
        values = (np.where(np.isfinite(values), values, self._median) - self._mean) / self._deviation
        where = {column: j for j, column in enumerate(self.columns)}
        return {name: values[:, [where[c] for c in columns]] for name, columns in self.kernels.items()}

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> StructuredGP:
        """Learn from a table X with the kernels' columns, and y, weights and uncertainties of shape (n_rows,).

        Raises
        ------
        StudyError
            If a kernel or a column is unknown, or the target isn't finite.
        """
        process = self._process()
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
        noise = RowNoise.of(len(target), weights, sd, self._y_scale)
        self._relative, self._known = noise.relative, noise.known
        found = process.fit(self._x, self._y, noise)
        self._theta, self._factor, self._weights = found.theta, found.factor, found.weights
        self.row_precision_, self.log_posterior_ = found.row_precision, found.log_posterior
        names = [one.name for one in process.hyperparameters]
        self.hyperparameters_ = dict(zip(names, np.exp(self._theta).tolist(), strict=True))
        self.n_features_in_ = X.shape[1]
        return self

    def _conditioned(self) -> Conditioned:
        """Put the process together from what fitting, or a model file, left in this object."""
        process = self._process()
        noise = float(np.exp(self._theta[-1])) * process.likelihood.tail_factor
        factor = (self._factor[0], bool(self._factor[1]))
        return Conditioned(
            process.kernel, self._theta, self._x, self._y, factor, self._weights, noise, self.row_precision_
        )

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean of the prediction, shape (n_rows,), and with `return_std` its standard deviation, noise included."""
        check_is_fitted(self, "hyperparameters_")
        process, new = self._conditioned(), self._scaled(X)
        if not return_std:
            return self._y_mean + self._y_scale * process.mean(new)
        mean, variance = process.predict(new)
        return self._y_mean + self._y_scale * mean, self._y_scale * np.sqrt(variance)
