"""`SpinFit`: a fit that can become a database record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from perospin.errors import FitError
from perospin.fitting.result import Fit
from perospin.measurements.drawings import drawer_of, drawing_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.database import Record
    from perospin.database.record import Source as RecordSource

__all__ = ["SpinFit"]

_LIMITS = {"fitted": "value", "derived": "value", "upper bound": "upper", "lower bound": "lower"}


@dataclass(frozen=True, repr=False)
class SpinFit(Fit):
    """Result of an analysis of a spin-dynamics measurement.

    Attributes
    ----------
    records
        Which quantities are properties of the database: name to
        ``{"property": ..., "note": ..., "conditions": {...}}``; the first one is the main result.
    drawing
        Which picture `plot` makes, a word of `perospin.measurements.drawings`; ``""`` for the plain plot.
    """

    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    drawing: str = ""

    kind: ClassVar[str] = "SpinFit"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "records", MappingProxyType(dict(self.records)))

    @property
    def main(self) -> str:
        """Name of the quantity that the fit is about: the first that the database keeps, unless the fit names one."""
        return str(self.settings.get("main", "")) or next(iter(self.records), self.names[0])

    def _drawn(self, **options: Any) -> Figure:
        if not self.drawing:
            return super()._drawn(**options)
        return drawer_of(self.drawing)(self, **options)

    @classmethod
    def _translated(cls, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "drawing": drawing_of(content)}

    def to_record(
        self,
        material: str,
        *,
        source: RecordSource | str,
        quantity: str | None = None,
        composition: str | None = None,
        note: str = "",
        **conditions: Any,
    ) -> Record:
        """One quantity as a record of the database.

        Parameters
        ----------
        material
            Formula, or words together with ``composition="other"``.
        source
            Who measured it: a `perospin.database.Source`, a DOI, or a name.
        quantity
            Name of the quantity; default the main result.
        composition
            See `Record.measured`.
        note
            Added to the note.
        **conditions
            Fields of `perospin.database.Conditions`: ``temperature_k``, ``fluence_uj_cm2``, ``form`` ...

        Returns
        -------
        Record
            Its note holds the convention and the raw files with their SHA-256.

        Raises
        ------
        FitError
            If the fit has no such record, or did not determine the quantity.
        DataError
            If a condition is wrong.
        """
        from dataclasses import fields

        from perospin.database import Record
        from perospin.database.record import Conditions
        from perospin.database.record import Source as RecordSource

        if not self.records:
            raise FitError(f"the analysis '{self.analysis}' gives no property that the database keeps")
        name = quantity or next(iter(self.records))
        if name not in self.records:
            raise FitError(f"'{name}' is no property of the database; this fit offers: {', '.join(self.records)}")
        entry, value = self.records[name], self[name]
        if value.status not in _LIMITS:
            raise FitError(f"{name} is {value.status}: there is nothing to record")
        known = {item.name for item in fields(Conditions)}
        unknown = sorted(set(conditions) - known)
        if unknown:
            raise FitError(f"unknown condition '{unknown[0]}'; a record has: {', '.join(sorted(known))}")
        if isinstance(source, str):
            source = (
                RecordSource(doi=source)
                if source.lower().startswith(("10.", "arxiv", "http"))
                else RecordSource(first_author=source)
            )
        parts = [str(entry.get("note", "")), note, f"fitted by perospin ({self.analysis}; {name})"]
        if value.status in ("fitted", "derived"):
            parts.append(
                f"{self.level:.0%} interval {value.low:.6g} to {value.high:.6g} {value.unit} by {self.interval_method}"
            )
        else:
            parts.append(f"95 % {value.status}")
        parts += [f"raw file {s.name} sha256 {s.sha256}" for s in self.sources]
        limit = _LIMITS[value.status]
        return Record.measured(
            material,
            str(entry["property"]),
            value.value,
            str(entry.get("unit", value.unit)) or "1",
            source,
            uncertainty=value.uncertainty if limit == "value" and value.uncertainty == value.uncertainty else None,
            composition=composition,  # type: ignore[arg-type]
            limit=limit,
            conditions=Conditions(**{**entry.get("conditions", {}), **conditions}),
            note="; ".join(part for part in parts if part),
            origin=", ".join(s.name for s in self.sources),
        )
