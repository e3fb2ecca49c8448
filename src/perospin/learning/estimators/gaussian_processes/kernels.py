"""Covariance functions of all Gaussian processes here: elementary kernels on named blocks of columns, sums, products.

Rows come as blocks: a mapping from the name of a kernel's columns to an array (n_rows, n_columns), categories as
numbers. So one kernel spans continuous columns, categories and the descriptors of a molecule::

    of_molecule = Matern("spacer", NAMES, groups=("spacer",) * len(NAMES))
    Sum((Matern("process", ("temperature", "time")), Product((Same("solvent"), of_molecule))))

The logarithms of the hyperparameters stand in one vector `theta`, each with a normal prior, in the order in which the
kernel is written. A kernel computes with the arrays that it gets: NumPy's, or JAX's inside jit, grad and vmap (then
without its own gradients, of which JAX makes its own).

Notes
-----
Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapter 4.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add, mul
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from perospin.errors import StudyError
from perospin.learning.estimators.gaussian_processes.hyperparameters import Hyperparameter, Prior
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import namespace

__all__ = [
    "LENGTH",
    "WEIGHT",
    "Blocks",
    "Constant",
    "Kernel",
    "Linear",
    "Matern",
    "Pairs",
    "Product",
    "Rows",
    "Same",
    "SquaredExponential",
    "Stationary",
    "Sum",
    "cross_distances",
    "matern",
    "matern_and_slope",
    "squared_distances",
    "wide_length",
]

FloatArray = NDArray[np.float64]
Array = Any  # NumPy's or JAX's
Blocks = Mapping[str, Array]
Pull = Callable[[FloatArray], FloatArray]

LENGTH = Prior(float(np.log(2.0)), 0.7)
"""Of a length scale, in standard deviations of its column."""
WEIGHT = Prior(0.0, 1.5)
"""Of a variance, and of a kernel's weight beside another, for a target of variance 1."""
_EQUAL = 1e-12


def wide_length(n_columns: int) -> Prior:
    """Prior of the length scales of many columns that each span a range of 1, fit to be used from three rows on.

    Distances grow with the square root of the number of columns, and the prior with them: an unknown function is smooth
    until rows say otherwise (Hvarfner, Hellsten and Nardi, ICML 41, 20793 (2024): log l ~ Normal(sqrt 2 + log(d) / 2,
    sqrt 3)).
    """
    return Prior(float(np.sqrt(2.0) + 0.5 * np.log(n_columns)), float(np.sqrt(3.0)))


# -- functions of a squared distance -------------------------------------------------------------------------


def matern(r2: FloatArray) -> FloatArray:
    """Matern-5/2 correlation (1 + q + q^2 / 3) exp(-q), q^2 = 5 r2; works in place on r2."""
    s = np.sqrt(np.multiply(r2, 5.0, out=r2), out=r2)
    decay = np.negative(s)
    np.exp(decay, out=decay)
    square = np.square(s)
    square /= 3.0
    s += square
    s += 1.0
    s *= decay
    return s


def matern_and_slope(r2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Matern-5/2 correlation, and its derivative by r2: -5/6 (1 + q) exp(-q)."""
    q = np.sqrt(5.0 * r2)
    decay = np.exp(-q)
    return np.asarray((1.0 + q + q * q / 3.0) * decay), np.asarray(-(5.0 / 6.0) * (1.0 + q) * decay)


def squared_distances(inverse_squares: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Scaled squared distances of rows, shape (p, m, n), for p sets of 1 / length^2 of the columns, (p, d)."""
    squares = ((a[:, None, :] - b[None, :, :]) ** 2).reshape(-1, a.shape[1])
    return np.asarray((inverse_squares @ squares.T).reshape(-1, len(a), len(b)))


def cross_distances(inverse_squares: FloatArray, new: FloatArray, training: FloatArray) -> FloatArray:
    """Return `squared_distances` of new rows to training rows, without the array of all differences."""
    found = np.empty((len(inverse_squares), len(new), len(training)))
    for one, root in zip(found, np.sqrt(inverse_squares), strict=True):
        cdist(new * root, training * root, "sqeuclidean", out=one)
    return found


def _weighted_distances(a: Array, b: Array, inverse_squares: Array) -> Array:
    """Scaled squared distances of rows, shape (m, n)."""
    if namespace(inverse_squares, a, b) is np:
        root = np.sqrt(inverse_squares)
        return cdist(a * root, b * root, "sqeuclidean")
    return ((a[:, None, :] - b[None, :, :]) ** 2) @ inverse_squares


class Pairs:
    """All pairs of n rows, each once: half the work where many covariances of the same rows are asked for.

    Attributes
    ----------
    squares : ndarray, shape (n_columns, n_pairs)
        Squared difference of each pair, column by column.
    first, second : ndarray of int, shape (n_pairs,)
        Rows of each pair, `first` >= `second`.
    """

    def __init__(self, values: FloatArray) -> None:
        n = len(values)
        self.first, self.second = np.tril_indices(n)
        self.squares = ((values[self.first] - values[self.second]) ** 2).T.copy()
        where = np.zeros((n, n), dtype=np.int64)
        where[self.first, self.second] = where[self.second, self.first] = np.arange(self.first.size)
        self._n, self._where = n, where.ravel()

    def matrices(self, packed: FloatArray) -> FloatArray:
        """Symmetric matrices (p, n, n) from their values at the pairs, (p, n_pairs)."""
        return packed.take(self._where, axis=1).reshape(-1, self._n, self._n)

    def weights(self, matrix: FloatArray) -> FloatArray:
        """Entries of a symmetric matrix at the pairs, those off the diagonal twice: what a sum over all entries is."""
        return np.asarray(matrix[self.first, self.second] * np.where(self.first == self.second, 1.0, 2.0))


# -- training rows -------------------------------------------------------------------------------------------


class _Levels:
    """Distinct rows of one block. Kernels are worked out between these, of which there may be far fewer than rows."""

    def __init__(self, table: FloatArray) -> None:
        self.table, self._level = np.unique(table, axis=0, return_inverse=True)
        n = len(self.table)
        self._flat = self._level[:, None] * n + self._level[None, :]
        self._alone = n == len(table)

    @cached_property
    def squares(self) -> FloatArray:
        """Squared differences, shape (n_levels, n_levels, n_columns)."""
        return np.asarray((self.table[:, None, :] - self.table[None, :, :]) ** 2)

    @cached_property
    def _member(self) -> FloatArray:
        return (self._level[:, None] == np.arange(len(self.table))).astype(float)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self._level)

    def expand(self, small: FloatArray) -> FloatArray:
        """Values between levels as values between rows, (n, n)."""
        return np.asarray(small.ravel().take(self._flat))

    def gather(self, wide: FloatArray) -> FloatArray:
        """Sum over the rows of each pair of levels."""
        if self._alone:
            return np.asarray(wide[self._order[:, None], self._order])
        return np.asarray(self._member.T @ wide @ self._member)


class Rows:
    """Training rows whose covariance is asked for many times, at different hyperparameters."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = {name: np.asarray(table, dtype=float) for name, table in blocks.items()}
        self.n = len(next(iter(self.blocks.values())))
        self._levels: dict[str, _Levels] = {}

    def levels(self, block: str) -> _Levels:
        """Distinct rows of a block."""
        if block not in self._levels:
            self._levels[block] = _Levels(self.blocks[block])
        return self._levels[block]


# -- kernels -------------------------------------------------------------------------------------------------


class Kernel(ABC):
    """A covariance function; `theta` holds the logarithms of its hyperparameters, shape (n_hyperparameters,)."""

    @property
    @abstractmethod
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Names and priors of what `theta` holds."""

    @property
    @abstractmethod
    def blocks(self) -> tuple[str, ...]:
        """Blocks that are read."""

    @abstractmethod
    def __call__(self, theta: Array, a: Blocks, b: Blocks) -> Array:
        """Covariance between the rows of a and b, of a shape that broadcasts to (m, n)."""

    @abstractmethod
    def diagonal(self, theta: Array, a: Blocks) -> Array:
        """Covariance of each row with itself: a number, or shape (m,)."""

    @abstractmethod
    def among(self, theta: FloatArray, rows: Rows) -> tuple[FloatArray, Pull]:
        """Covariance among training rows, and its pull-back.

        Returns
        -------
        covariance : ndarray
            Of a shape that broadcasts to (n, n).
        pull : callable
            Takes the derivative of something by the covariance, (n, n), to its derivative by `theta`.
        """

    def __add__(self, other: Kernel) -> Sum:
        return Sum((self, other))

    def __mul__(self, other: Kernel) -> Product:
        return Product((self, other))


@dataclass(frozen=True)
class Constant(Kernel):
    """The same for all rows: 1, or `weight` if that is learnt."""

    weight: Prior | None = None

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The weight, if learnt."""
        return () if self.weight is None else (Hyperparameter("weight of 1", self.weight),)

    @property
    def blocks(self) -> tuple[str, ...]:
        """None."""
        return ()

    def __call__(self, theta: Array, a: Blocks, b: Blocks) -> Array:
        """Covariance between rows."""
        return _weight(self.weight, theta) * np.ones((1, 1))

    def diagonal(self, theta: Array, a: Blocks) -> Array:
        """Covariance of each row with itself."""
        return _weight(self.weight, theta)

    def among(self, theta: FloatArray, rows: Rows) -> tuple[FloatArray, Pull]:
        """Covariance among training rows, and its pull-back."""
        value = _weight(self.weight, theta)
        learnt = self.weight is not None
        return np.asarray(value), lambda slope: np.array([slope.sum() * value] if learnt else [])


def _weight(prior: Prior | None, theta: Array) -> Array:
    return 1.0 if prior is None else namespace(theta).exp(theta[0])


def _weighted(prior: Prior | None, theta: Array, value: Array) -> Array:
    """Weigh a value, without going through a large array for a factor of 1."""
    return value if prior is None else _weight(prior, theta) * value


@dataclass(frozen=True)
class Same(Kernel):
    """A constant where all columns of a block are equal, else 0: a value of each category's own.

    Beside a `Constant` in a `Sum` it says that categories are alike without any being nearer to another.
    """

    block: str
    weight: Prior | None = None

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The weight, if learnt."""
        return () if self.weight is None else (Hyperparameter(f"weight of same {self.block}", self.weight),)

    @property
    def blocks(self) -> tuple[str, ...]:
        """The one block."""
        return (self.block,)

    def __call__(self, theta: Array, a: Blocks, b: Blocks) -> Array:
        """Covariance between rows."""
        mine, theirs = a[self.block], b[self.block]
        if mine.shape[1] == 1:  # no axis to sum over, for speed
            squares = (mine - theirs.T) ** 2
        else:
            squares = ((mine[:, None, :] - theirs[None, :, :]) ** 2).sum(axis=2)
        return _weighted(self.weight, theta, (squares < _EQUAL).astype(float))

    def diagonal(self, theta: Array, a: Blocks) -> Array:
        """Covariance of each row with itself."""
        return _weight(self.weight, theta)

    def among(self, theta: FloatArray, rows: Rows) -> tuple[FloatArray, Pull]:
        """Covariance among training rows, and its pull-back."""
        levels = rows.levels(self.block)
        small = _weight(self.weight, theta) * (levels.squares.sum(axis=2) < _EQUAL).astype(float)

        def pull(slope: FloatArray) -> FloatArray:
            return np.zeros(0) if self.weight is None else np.array([(levels.gather(slope) * small).sum()])

        return levels.expand(small), pull


@dataclass(frozen=True)
class Stationary(Kernel):
    """A correlation that falls with the distance of two rows, each column in units of its length scale.

    Attributes
    ----------
    block : str
        Name of the block.
    columns : tuple of str
        Its columns; each has a length scale.
    weight : Prior, optional
        Of a factor that is learnt; 1 if None.
    length : Prior, optional
        Of every length scale; all are 1 if None.
    groups : tuple of str
        Group of each column; every column is a group of its own if empty. The columns of a group share one length
        scale, and the mean of their squared differences counts, not the sum: for the many descriptors of a molecule,
        of which a few rows can't tell which matter.
    """

    block: str
    columns: tuple[str, ...]
    weight: Prior | None = None
    length: Prior | None = LENGTH
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.groups and len(self.groups) != len(self.columns):
            raise StudyError(f"the kernel of '{self.block}' has {len(self.columns)} columns, {len(self.groups)} groups")

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.groups or self.columns))

    @cached_property
    def _spread(self) -> FloatArray:
        """Takes what belongs to the groups to the columns: 1 / size of the group, shape (n_columns, n_groups)."""
        member = np.array([[group == name for name in self._names] for group in self.groups], dtype=float)
        return np.asarray(member / member.sum(axis=0))

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The weight, if learnt, then the length scales."""
        names = self._names
        weight = () if self.weight is None else (Hyperparameter(f"weight of {self.block}", self.weight),)
        lengths = () if self.length is None else tuple(Hyperparameter(f"length of {n}", self.length) for n in names)
        return weight + lengths

    @property
    def blocks(self) -> tuple[str, ...]:
        """The one block."""
        return (self.block,)

    def _inverse_squares(self, theta: Array) -> Array:
        lengths = theta if self.weight is None else theta[1:]
        if self.length is None:
            lengths = np.zeros(len(self._names))
        inverse = namespace(theta).exp(-2.0 * lengths)
        return self._spread @ inverse if self.groups else inverse

    def __call__(self, theta: Array, a: Blocks, b: Blocks) -> Array:
        """Covariance between rows."""
        r2 = _weighted_distances(a[self.block], b[self.block], self._inverse_squares(theta))
        return _weighted(self.weight, theta, self._value(r2))

    def diagonal(self, theta: Array, a: Blocks) -> Array:
        """Covariance of each row with itself."""
        return _weight(self.weight, theta)

    def among(self, theta: FloatArray, rows: Rows) -> tuple[FloatArray, Pull]:
        """Covariance among training rows, and its pull-back."""
        levels, inverse = rows.levels(self.block), self._inverse_squares(theta)
        scale = _weight(self.weight, theta)
        value, fall = self._value_and_fall(levels.squares @ inverse)
        small = scale * value

        def pull(slope: FloatArray) -> FloatArray:
            gathered = levels.gather(slope)
            falls = gathered * (scale * fall)
            lengths = inverse * np.einsum("ab,abc->c", falls, levels.squares)
            lengths = (lengths[:, None] * (self._spread > 0)).sum(axis=0) if self.groups else lengths
            lengths = lengths[:0] if self.length is None else lengths
            return lengths if self.weight is None else np.concatenate([[(gathered * small).sum()], lengths])

        return levels.expand(small), pull

    @abstractmethod
    def _value(self, r2: Array) -> Array:
        """Correlation at a squared distance, which it may overwrite."""

    @abstractmethod
    def _value_and_fall(self, r2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Correlation, and minus twice its derivative by the squared distance."""


class SquaredExponential(Stationary):
    """exp(-r^2 / 2): functions without any roughness. For the attributes see `Stationary`."""

    def _value(self, r2: Array) -> Array:
        return namespace(r2).exp(-0.5 * r2)

    def _value_and_fall(self, r2: FloatArray) -> tuple[FloatArray, FloatArray]:
        value = np.exp(-0.5 * r2)
        return value, value


class Matern(Stationary):
    """Matern-5/2: functions with two derivatives, the usual choice for measured quantities; see `Stationary`."""

    def _value(self, r2: Array) -> Array:
        xp = namespace(r2)
        if xp is np:
            return matern(r2)
        # the root has no derivative at 0, the kernel has: JAX must not see the one on its way to the other
        apart = r2 > 0
        q = xp.sqrt(5.0 * xp.where(apart, r2, 1.0))
        return xp.where(apart, (1.0 + q + q * q / 3.0) * xp.exp(-q), 1.0)

    def _value_and_fall(self, r2: FloatArray) -> tuple[FloatArray, FloatArray]:
        value, slope = matern_and_slope(r2)
        return value, -2.0 * slope


@dataclass(frozen=True)
class Linear(Kernel):
    """Straight lines through 0: the sum over the columns of slope variance (1 if `slope` is None) times x x'."""

    block: str
    columns: tuple[str, ...]
    slope: Prior | None = WEIGHT

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The variance of each column's slope, if learnt."""
        if self.slope is None:
            return ()
        return tuple(Hyperparameter(f"variance of the slope of {name}", self.slope) for name in self.columns)

    def _variances(self, theta: Array) -> Array:
        return np.ones(len(self.columns)) if self.slope is None else namespace(theta).exp(theta)

    @property
    def blocks(self) -> tuple[str, ...]:
        """The one block."""
        return (self.block,)

    def __call__(self, theta: Array, a: Blocks, b: Blocks) -> Array:
        """Covariance between rows."""
        return (a[self.block] * self._variances(theta)) @ b[self.block].T

    def diagonal(self, theta: Array, a: Blocks) -> Array:
        """Covariance of each row with itself."""
        return (a[self.block] ** 2) @ self._variances(theta)

    def among(self, theta: FloatArray, rows: Rows) -> tuple[FloatArray, Pull]:
        """Covariance among training rows, and its pull-back."""
        table, variances = rows.blocks[self.block], self._variances(theta)

        def pull(slope: FloatArray) -> FloatArray:
            if self.slope is None:
                return np.zeros(0)
            return np.asarray(variances * np.einsum("ac,ab,bc->c", table, slope, table))

        return (table * variances) @ table.T, pull


@dataclass(frozen=True)
class Sum(Kernel):
    """Sum of kernels: effects that add up."""

    parts: tuple[Kernel, ...]

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Those of the parts, one after the other."""
        return tuple(one for part in self.parts for one in part.hyperparameters)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Blocks of all parts."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.blocks))

    def __call__(self, theta: Array, a: Blocks, b: Blocks) -> Array:
        """Covariance between rows."""
        return reduce(add, (part(own, a, b) for part, own in _shares(self.parts, theta)))

    def diagonal(self, theta: Array, a: Blocks) -> Array:
        """Covariance of each row with itself."""
        return sum(part.diagonal(own, a) for part, own in _shares(self.parts, theta))

    def among(self, theta: FloatArray, rows: Rows) -> tuple[FloatArray, Pull]:
        """Covariance among training rows, and its pull-back."""
        made = [part.among(own, rows) for part, own in _shares(self.parts, theta)]
        total = np.asarray(sum(value for value, _ in made))
        return total, lambda slope: np.concatenate([pull(slope) for _, pull in made])


@dataclass(frozen=True)
class Product(Kernel):
    """Product of kernels: an effect that differs with another column; `variance` multiplies it if given.

    `name`, if given, stands before the names of the hyperparameters.
    """

    factors: tuple[Kernel, ...]
    variance: Prior | None = None
    name: str = ""

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The variance, if learnt, then those of the factors."""
        own = () if self.variance is None else (Hyperparameter("variance", self.variance),)
        made = own + tuple(one for factor in self.factors for one in factor.hyperparameters)
        return tuple(Hyperparameter(f"{self.name}: {one.name}" if self.name else one.name, one.prior) for one in made)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Blocks of all factors."""
        return tuple(dict.fromkeys(name for factor in self.factors for name in factor.blocks))

    def _inner(self, theta: Array) -> Array:
        return theta if self.variance is None else theta[1:]

    def __call__(self, theta: Array, a: Blocks, b: Blocks) -> Array:
        """Covariance between rows."""
        made = [factor(own, a, b) for factor, own in _shares(self.factors, self._inner(theta))] or [np.ones((1, 1))]
        return reduce(mul, made[1:], _weighted(self.variance, theta, made[0]))

    def diagonal(self, theta: Array, a: Blocks) -> Array:
        """Covariance of each row with itself."""
        product = 1.0
        for factor, own in _shares(self.factors, self._inner(theta)):
            product = product * factor.diagonal(own, a)
        return _weight(self.variance, theta) * product

    def among(self, theta: FloatArray, rows: Rows) -> tuple[FloatArray, Pull]:
        """Covariance among training rows, and its pull-back."""
        made = [factor.among(own, rows) for factor, own in _shares(self.factors, self._inner(theta))]
        before: list[Any] = [_weight(self.variance, theta)]  # before[f]: the variance times the first f factors
        for value, _ in made:
            before.append(before[-1] * value)

        def pull(slope: FloatArray) -> FloatArray:
            found, after = [], slope
            for f in range(len(made) - 1, -1, -1):
                value, inner = made[f]
                found.append(inner(after * before[f]))
                after = after * value
            if self.variance is not None:
                found.append(np.array([np.vdot(slope, np.broadcast_to(before[-1], slope.shape))]))
            return np.concatenate(found[::-1])

        return np.asarray(before[-1]), pull


def _shares(kernels: Sequence[Kernel], theta: Array) -> list[tuple[Kernel, Array]]:
    """Each kernel with its part of `theta`."""
    out, start = [], 0
    for kernel in kernels:
        size = len(kernel.hyperparameters)
        out.append((kernel, theta[start : start + size]))
        start += size
    if start != len(theta):
        raise StudyError(f"a kernel with {start} hyperparameters can't take {len(theta)} values")
    return out
