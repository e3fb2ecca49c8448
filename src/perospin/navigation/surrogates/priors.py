"""Prior distributions of a law's parameters, each a function of a standard normal variable.

So every sampler here walks in one space, where the prior is the same round cloud whatever the parameters are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import namespace

__all__ = ["LogNormal", "Normal", "Prior", "Quantiles", "Uniform"]

Array = Any  # NumPy's or JAX's


class Prior(Protocol):
    """Anything that turns a standard normal variable into a value; hashable."""

    def value(self, z: Array) -> Array:
        """Value whose cumulative probability is that of z under the standard normal distribution."""
        ...


def _need(right: bool, what: str) -> None:
    if not right:
        raise NavigationError(f"a prior needs {what}")


@dataclass(frozen=True)
class Normal:
    """Normal distribution; the only prior that a linear parameter may have."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        _need(bool(np.isfinite(self.mean)) and 0 < self.sd < np.inf, "a finite mean and an sd above 0")

    def value(self, z: Array) -> Array:
        """See `Prior`."""
        return self.mean + self.sd * z


@dataclass(frozen=True)
class LogNormal:
    """Distribution of a positive parameter: `median`, within a factor of `factor` in two cases of three."""

    median: float
    factor: float

    def __post_init__(self) -> None:
        _need(0 < self.median < np.inf and 1 < self.factor < np.inf, "a median above 0 and a factor above 1")

    def value(self, z: Array) -> Array:
        """See `Prior`."""
        return self.median * namespace(z).exp(float(np.log(self.factor)) * z)


@dataclass(frozen=True)
class Uniform:
    """Any value of a range, none more likely than another."""

    lower: float
    upper: float

    def __post_init__(self) -> None:
        _need(-np.inf < self.lower < self.upper < np.inf, "a finite range")

    def value(self, z: Array) -> Array:
        """See `Prior`."""
        return self.lower + (self.upper - self.lower) * _cumulative(z)


@dataclass(frozen=True, eq=False)
class Quantiles:
    """A distribution of NumPyro, SciPy or any library that has a method for quantiles (`icdf` or `ppf`).

    The sampler "nuts" takes NumPyro's only.
    """

    distribution: Any

    def value(self, z: Array) -> Array:
        """See `Prior`."""
        quantile = getattr(self.distribution, "icdf", None) or self.distribution.ppf
        return quantile(_cumulative(z))


def _cumulative(z: Array) -> Array:
    if namespace(z) is np:
        from scipy.special import ndtr
    else:
        from jax.scipy.special import ndtr
    return ndtr(z)
