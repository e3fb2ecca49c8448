"""What is fitted: a sum of basis functions with free amplitudes and a few non-linear parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float, real

__all__ = ["Abscissa", "Basis", "Guess", "Parameter", "Quantity", "SeparableModel"]

Abscissa: TypeAlias = Any
"""Points of measurement: an array (n,), or a mapping of names to arrays of one length (delay, channel, field ...)."""
Basis: TypeAlias = Callable[[Any, Mapping[str, Any]], Sequence[Any]]
Guess: TypeAlias = Callable[[Any, Float], Mapping[str, float] | Sequence[Mapping[str, float]]]


@dataclass(frozen=True)
class Quantity:
    """A named number with a unit.

    Attributes
    ----------
    name
        Ends with its unit where it has one: ``lifetime_ps``, ``field_t``.
    unit
        As written in a table or on an axis; ``""`` for a pure number.
    description
        A few words, as on an axis.
    """

    name: str
    unit: str = ""
    description: str = ""

    @property
    def label(self) -> str:
        """Text for an axis: description and unit."""
        text = self.description or self.name
        return f"{text} ({self.unit})" if self.unit else text


@dataclass(frozen=True)
class Parameter(Quantity):
    """A non-linear parameter.

    Attributes
    ----------
    value
        Where the search starts, unless the model guesses from the data.
    low, high
        Bounds.
    positive
        Searched for on a logarithmic scale: right for lifetimes, widths and rates. `low` must then be above zero.
    scale
        Size of a meaningful step of a parameter that may be zero (a time zero, a phase).
    """

    value: float = 1.0
    low: float = -np.inf
    high: float = np.inf
    positive: bool = False
    scale: float = 0.0

    def __post_init__(self) -> None:
        if self.positive and not self.low >= 0.0:
            object.__setattr__(self, "low", 0.0)
        if not self.low < self.high:
            raise FitError(f"parameter {self.name}: the lower bound {self.low:g} must be below {self.high:g}")


@dataclass(frozen=True)
class SeparableModel:
    r"""A model :math:`y(x)=y_0(x;\theta)+\sum_k a_k\,\phi_k(x;\theta)`.

    Attributes
    ----------
    name
        What is fitted, in a few words.
    parameters
        Non-linear parameters theta; may be empty.
    amplitudes
        Linear parameters a_k, one for each basis function; may be empty.
    basis
        ``basis(x, theta)`` returns one array (n,) for each amplitude. `theta` maps names to numbers. Written with
        `perospin.fitting.namespace`, the same function serves `fit_model` (NumPy) and `fit_batch` (JAX).
    x, y
        What is on the axes; `x` has several entries if the abscissa is a mapping.
    base
        Part without amplitudes, ``base(x, theta) -> (n,)``; for a model with no linear part.
    guess
        ``guess(x, y)`` returns starting values by name, or several sets of them (all are tried).
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    amplitudes: tuple[Quantity, ...] = ()
    basis: Basis | None = None
    x: tuple[Quantity, ...] = (Quantity("x"),)
    y: Quantity = field(default_factory=lambda: Quantity("y"))
    base: Callable[[Any, Mapping[str, Any]], Any] | None = None
    guess: Guess | None = None

    def __post_init__(self) -> None:
        if isinstance(self.x, Quantity):
            object.__setattr__(self, "x", (self.x,))
        if self.amplitudes and self.basis is None:
            raise FitError(f"the model '{self.name}' names amplitudes but has no basis functions")
        if not self.amplitudes and self.base is None:
            raise FitError(f"the model '{self.name}' has neither basis functions nor a base")
        names = [*self.names, *self.amplitude_names]
        if len(set(names)) < len(names):
            raise FitError(f"the model '{self.name}' uses a parameter name twice: {', '.join(names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the non-linear parameters."""
        return tuple(p.name for p in self.parameters)

    @property
    def amplitude_names(self) -> tuple[str, ...]:
        """Names of the amplitudes."""
        return tuple(a.name for a in self.amplitudes)

    def __getitem__(self, name: str) -> Quantity:
        for quantity in (*self.parameters, *self.amplitudes):
            if quantity.name == name:
                return quantity
        raise FitError(
            f"the model '{self.name}' has no parameter '{name}'; "
            f"it has: {', '.join((*self.names, *self.amplitude_names))}"
        )

    def columns(self, x: Abscissa, theta: Mapping[str, float]) -> Float:
        """Basis functions as columns, shape (n, n_amplitudes)."""
        if self.basis is None:
            return np.empty((length(x), 0))
        parts = self.basis(x, theta)
        if len(parts) != len(self.amplitudes):
            raise FitError(
                f"the model '{self.name}' names {len(self.amplitudes)} amplitudes "
                f"but its basis returns {len(parts)} functions"
            )
        return np.stack([np.broadcast_to(np.asarray(part, float), (length(x),)) for part in parts], axis=1)

    def offset(self, x: Abscissa, theta: Mapping[str, float]) -> Float:
        """Compute the part without amplitudes, shape (n,)."""
        if self.base is None:
            return np.zeros(length(x))
        return np.broadcast_to(np.asarray(self.base(x, theta), float), (length(x),))

    def __call__(self, x: Abscissa, **values: float) -> Float:
        """Evaluate the model; every parameter and amplitude by name, defaults where omitted.

        Returns
        -------
        ndarray, shape (n,)
        """
        theta = {p.name: float(values.pop(p.name, p.value)) for p in self.parameters}
        linear = np.array([float(values.pop(name, 1.0)) for name in self.amplitude_names])
        for name in values:
            self[name]  # raises with the list of names
        x = abscissa(x)
        return self.offset(x, theta) + self.columns(x, theta) @ linear


def abscissa(x: Abscissa) -> Any:
    """`x` as an array of floats, or a mapping of such."""
    if isinstance(x, Mapping):
        return {name: real(values, f"the abscissa '{name}'") for name, values in x.items()}
    return real(x, "the abscissa")


def length(x: Abscissa) -> int:
    """Count the points of an abscissa."""
    return len(next(iter(x.values()))) if isinstance(x, Mapping) else len(x)
