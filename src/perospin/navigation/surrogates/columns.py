"""Columns that a surrogate reads: what kind each is, its range, and which of them belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import NavigationError

__all__ = ["KINDS", "InputColumns"]

FloatArray = NDArray[np.float64]

KINDS: Mapping[str, str] = {
    "continuous": "a process variable or an amount: a number within a range",
    "fraction": "a share of a composition; the shares of one group sum to 1",
    "category": "a choice without an order: 0, 1, 2, ... up to the upper bound",
    "descriptor": "a property of the chosen molecule or ion; those of one group share a length scale",
}
"""Kinds of columns, in words."""
_SHARED = ("category", "descriptor")


@dataclass(frozen=True)
class InputColumns:
    """Names, kinds and ranges of the columns of the inputs, (d,) each.

    Attributes
    ----------
    names : tuple of str
    kinds : tuple of str
        Keys of `KINDS`.
    lower, upper : tuple of float
        Range of each column, in its own units; inputs beyond it are allowed, categories are not.
    groups : tuple of str
        Group of each column, such as the mixed site of fractions or the molecule of descriptors; a column is a group
        of its own if none are given.

    Raises
    ------
    NavigationError
        One sentence that names the column and what is wrong with it.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, made in (("names", str), ("kinds", str), ("lower", float), ("upper", float), ("groups", str)):
            object.__setattr__(self, field, tuple(made(value) for value in getattr(self, field)))
        if not self.groups:
            object.__setattr__(self, "groups", self.names)
        if not self.names or len(set(self.names)) < len(self.names):
            raise NavigationError("a surrogate needs columns, each with a name of its own")
        for field in ("kinds", "lower", "upper", "groups"):
            if len(getattr(self, field)) != len(self.names):
                raise NavigationError(
                    f"{len(self.names)} columns need as many {field}, not {len(getattr(self, field))}"
                )
        for name, kind, low, high in zip(self.names, self.kinds, self.lower, self.upper, strict=True):
            if kind not in KINDS:
                raise NavigationError(f"unknown kind '{kind}' of the column '{name}'; known are {', '.join(KINDS)}")
            if not (np.isfinite(low) and np.isfinite(high) and low <= high):
                raise NavigationError(f"the column '{name}' needs a finite range, not {low:g} to {high:g}")
            if kind == "category" and (low != 0 or high != round(high)):
                raise NavigationError(
                    f"the category '{name}' is numbered from 0 to a whole number, not {low} to {high}"
                )

    @classmethod
    def continuous(cls, bounds: Mapping[str, tuple[float, float]]) -> InputColumns:
        """Columns of numbers within ranges."""
        lower, upper = zip(*bounds.values(), strict=True) if bounds else ((), ())
        return cls(tuple(bounds), ("continuous",) * len(bounds), lower, upper)

    def __len__(self) -> int:
        return len(self.names)

    def checked(self, inputs: ArrayLike) -> FloatArray:
        """Return the inputs as numbers, shape (n_rows, n_columns).

        Raises
        ------
        NavigationError
            If their shape is another one, a value is missing, or a category is none of the known ones.
        """
        values = np.asarray(inputs, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(self):
            raise NavigationError(
                f"inputs need one row a material and {len(self)} columns ({', '.join(self.names)}), "
                f"not the shape {values.shape}"
            )
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise NavigationError(f"row {row} of the inputs has no value in the column '{self.names[column]}'")
        for j, kind in enumerate(self.kinds):
            if kind == "category" and len(values):
                wrong = (values[:, j] < 0) | (values[:, j] > self.upper[j]) | (values[:, j] != np.round(values[:, j]))
                if wrong.any():
                    raise NavigationError(
                        f"the category '{self.names[j]}' is a whole number from 0 to {self.upper[j]:g}, "
                        f"not {values[wrong][0, j]:g}"
                    )
        return values

    @cached_property
    def kernel_columns(self) -> tuple[str, ...]:
        """Names of the columns that `scaled` makes."""
        return tuple(name for j, name in enumerate(self.names) for _ in range(self._width(j)))

    @cached_property
    def kernel_groups(self) -> tuple[str, ...]:
        """Group of each column of `scaled`: columns of one group share a length scale.

        Continuous columns and fractions have one each; a category has one; so has each group of descriptors.
        """
        return tuple(
            (f"{kind} {self.groups[j]}" if kind == "descriptor" else self.names[j])
            for j, kind in enumerate(self.kinds)
            for _ in range(self._width(j))
        )

    def _width(self, j: int) -> int:
        return int(self.upper[j]) + 1 if self.kinds[j] == "category" else 1

    def scaled(self, inputs: FloatArray) -> FloatArray:
        """Bring every range to 1 and spread categories out, shape (n_rows, n_kernel_columns).

        Two different categories are at the (mean squared) distance 1, as the two ends of a range are.
        """
        made = []
        for j, kind in enumerate(self.kinds):
            if kind == "category":
                levels = np.arange(self._width(j))
                made.append((inputs[:, j, None] == levels) * np.sqrt(0.5 * len(levels)))
            else:
                width = self.upper[j] - self.lower[j]
                made.append(((inputs[:, j] - self.lower[j]) / (width if width > 0 else 1.0))[:, None])
        return np.ascontiguousarray(np.concatenate(made, axis=1), dtype=float)
