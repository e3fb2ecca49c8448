"""One measured trace: columns, units, conditions, source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin.errors import DataError
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.words.roles import NAMED, get_role
from perospin.sheets.labels import Label
from perospin.text import visible
from perospin.units import convert

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Trace:
    """Columns of one file.

    Attributes
    ----------
    labels
        Name and unit of each column, as the file has them; ``column 1`` and so on where it has none.
    values
        Shape (n_rows, n_columns); NaN where a cell is missing.
    source
        Name of the file.
    sha256
        Hash of its bytes.
    comments
        Lines of text around the numbers.
    header
        Those of them that have the form ``key: value``, ``key = value`` or ``key<tab>value``.
    conditions
        What the file name or its header says about the measurement (``field_t``, ``temperature_k``, ...).
    warnings
        What was put right on reading.
    """

    labels: tuple[Label, ...]
    values: Float
    source: str
    sha256: str
    comments: tuple[str, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Make the numbers read-only."""
        self.values.setflags(write=False)

    def __repr__(self) -> str:
        columns = ", ".join(f"{label.name} [{label.unit}]" if label.unit else label.name for label in self.labels)
        return f"Trace('{self.source}', {len(self)} rows: {columns})"

    def __len__(self) -> int:
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(label.name for label in self.labels)

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the columns, ``""`` where the file has none."""
        return tuple(label.unit for label in self.labels)

    def with_conditions(self, conditions: Mapping[str, float]) -> Trace:
        """Copy that holds these conditions beside its own."""
        return replace(self, conditions={**self.conditions, **conditions})

    def index(self, column: str | int) -> int:
        """Position (from 0) of a column given by name or by its number, counted from 1.

        Raises
        ------
        DataError
            If there is no such column; the message lists them.
        """
        text = str(column).strip()
        lower = [name.lower() for name in self.names]
        if text.lower() in lower:
            return lower.index(text.lower())
        if text.isdigit() and 1 <= int(text) <= len(self.labels):
            return int(text) - 1
        shown = ", ".join(f"{i} {name:.20}" for i, name in enumerate(self.names[:12], 1))
        raise DataError(f"'{self.source:.60}' has no column '{visible(text):.40}'; it has {shown}")

    def column(self, column: str | int, unit: str = "", *, assume: str = "") -> Float:
        """Numbers of one column.

        Parameters
        ----------
        column
            Name, or number counted from 1.
        unit
            Unit to return them in; as they are if empty.
        assume
            Unit of the column if the file doesn't say it; `unit` if empty.

        Returns
        -------
        ndarray, shape (n_rows,)

        Raises
        ------
        DataError
            If there is no such column or its unit measures something else.
        """
        position = self.index(column)
        values: Float = np.array(self.values[:, position])
        own = self.labels[position].unit or assume
        if not unit or not own or own == unit:
            return values
        try:
            return convert(values, own, unit)
        except DataError as error:
            raise DataError(f"column '{self.names[position]:.40}' of '{self.source:.60}': {error}") from None

    def find(self, role: str) -> str | None:
        """Name of the column that measures a quantity of `ROLES`; None if no heading tells. The best match wins."""
        wanted = get_role(role)
        scores = [wanted.score(label) if self.has_numbers(i) else -1.0 for i, label in enumerate(self.labels)]
        best = max(scores, default=-1.0)
        return self.labels[scores.index(best)].name if best >= NAMED else None

    def has_numbers(self, position: int) -> bool:
        """Whether a column (counted from 0) holds any number."""
        return bool(np.isfinite(self.values[:, position]).any())

    def where(self, rows: NDArray[np.bool_]) -> Trace:
        """Copy with some of the rows, a mask of shape (n_rows,)."""
        return replace(self, values=self.values[rows])

    def to_frame(self) -> pd.DataFrame:
        """Columns as a pandas table, headed ``name [unit]``."""
        import pandas as pd

        heads = [f"{label.name} [{label.unit}]" if label.unit else label.name for label in self.labels]
        return pd.DataFrame(np.array(self.values), columns=heads)


def _unique(labels: Sequence[Label]) -> tuple[Label, ...]:
    """Give headings that occur twice a number."""
    seen: dict[str, int] = {}
    result = []
    for label in labels:
        count = seen[label.name.lower()] = seen.get(label.name.lower(), 0) + 1
        result.append(label if count == 1 else Label(f"{label.name} {count}", label.unit))
    return tuple(result)
