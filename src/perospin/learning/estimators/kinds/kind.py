"""One kind of estimator, as the class of the estimator describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from perospin.learning.options import Option

__all__ = ["Build", "Kind", "Options", "columns_read"]

Options = Mapping[str, Any]
Build = Callable[[Options, int], Any]
"""Makes an estimator from a specification and a seed: for estimators that are made of others."""


@dataclass(frozen=True)
class Kind:
    """One kind of estimator that a study can ask for; a class of ours carries its own as ``about``.

    Attributes
    ----------
    name : str
        What a study writes as ``kind``.
    summary : str
        What it is, in one line.
    says : mapping of str to Option
        Options with their defaults, limits and one line each.
    make : callable, optional
        Makes the estimator from all options, a seed and the maker of estimators inside it. The class is called with the
        options, and with the seed if it takes one, if None.
    on_columns : bool
        True if the estimator works on arrays and is wrapped in a `ColumnModel`.
    scale_target : bool
        Whether that wrapper scales the target too.
    takes : tuple of str
        Which of ``features`` and ``screen`` a kind without that wrapper deals with itself.
    references : tuple of str
        Keys of the library of references.
    cites_if : tuple of (mapping, tuple of str)
        Further references, each cited where all these options have these values.
    reads : tuple of str
        Columns that it reads whatever it is told.
    names_columns : bool
        Whether a study must name the columns that it reads.
    nested_choice : bool
        Whether it chooses among its members by an inner cross-validation.
    ends_in_formula : bool
        Whether fitting leaves a front of formulas, ``front_`` and ``formula_``.
    """

    name: str
    summary: str
    says: Mapping[str, Option] = field(default_factory=dict)
    make: Callable[[Options, int, Build], Any] | None = None
    on_columns: bool = True
    scale_target: bool = False
    takes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    cites_if: tuple[tuple[Mapping[str, Any], tuple[str, ...]], ...] = ()
    reads: tuple[str, ...] = ()
    names_columns: bool = True
    nested_choice: bool = False
    ends_in_formula: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Options with their defaults."""
        return {name: option.default for name, option in self.says.items()}

    def inner(self, spec: Options) -> Iterator[Mapping[str, Any] | str]:
        """Specifications inside a specification of this kind, the default ones included."""
        for name, option in self.says.items():
            yield from option.inner(spec.get(name, option.default))

    def named_columns(self, spec: Options) -> Iterator[str]:
        """Columns that options of this kind name, beside ``features``."""
        for name, option in self.says.items():
            table = spec.get(name)
            if option.holds == "column" and isinstance(table, str):
                yield table
            if option.holds == "effects" and isinstance(table, list | tuple):
                for effect in (effect for effect in table if isinstance(effect, Mapping)):
                    read = (effect.get(key) for key in ("same", "slope", "uncertain", "linear", "smooth"))
                    for value in read:
                        several = value if isinstance(value, list | tuple | Mapping) else [value]
                        yield from (column for column in several if isinstance(column, str) and column)
            if option.holds == "columns" and isinstance(table, Mapping):
                for columns in table.values():
                    yield from (c for c in columns if isinstance(c, str)) if isinstance(columns, list | tuple) else ()

    def cited(self, spec: Options) -> Iterator[str]:
        """Keys of the references that a specification of this kind calls for."""
        yield from self.references
        settings = {**self.options, **spec}
        for condition, keys in self.cites_if:
            if all(settings.get(name) == value for name, value in condition.items()):
                yield from keys


def columns_read(model: Any, columns: list[str]) -> set[str]:
    """Columns of a table that a model looks at: what its class says, else all.

    Parameters
    ----------
    model : regressor
    columns : list of str
        All columns of the table.
    """
    says = getattr(model, "columns_read", None)
    return set(columns) if says is None else set(says(columns))
