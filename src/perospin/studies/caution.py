"""One thing to know before a result is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Caution:
    """One thing to know before a result is believed.

    Attributes
    ----------
    kind : str
        Machine name, for example ``constant_column``.
    text : str
        One sentence: what, where, and what was done about it or would help.
    rows, columns : tuple of str
        Labels of the rows and names of the columns that it is about.
    """

    kind: str
    text: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Caution:
        """Rebuild the caution that `to_dict` described."""
        return cls(values["kind"], values["text"], tuple(values["rows"]), tuple(values["columns"]))

    def __str__(self) -> str:
        return self.text
