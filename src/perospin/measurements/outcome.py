"""What an analysis found, ready to be printed, written and recorded: the fit, its conditions, notes and parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError, FitError
from perospin.units import quantity_in

if TYPE_CHECKING:
    from perospin.database import Record
    from perospin.database.sharing import Beside
    from perospin.measurements.reading import Measurement
    from perospin.measurements.result import SpinFit


@dataclass(frozen=True)
class Outcome:
    """What a command found.

    Attributes
    ----------
    fit
        The result.
    conditions
        What files say of temperature, field and so on.
    notes
        What was taken for what on reading.
    parts
        Fits of the single files of a series, by file name.
    doubts
        Those of the notes on which the values hang. They become warnings of the fit and stand in its records.
    """

    fit: SpinFit
    conditions: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    parts: Mapping[str, SpinFit] = field(default_factory=dict)
    doubts: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.doubts:
            object.__setattr__(self, "fit", self.fit.with_warnings(*self.doubts))

    @classmethod
    def of(cls, fit: SpinFit, measured: Measurement) -> Outcome:
        """Outcome of one fit of what was read."""
        as_written = {"x_unit": measured.x_unit, "signal_unit": measured.signal_unit}
        fit = fit.with_settings(**{name: unit for name, unit in as_written.items() if unit})
        return cls(fit, measured.conditions, measured.notes, doubts=measured.doubts)


def conditions_of(texts: Sequence[str] | None, option: str = "condition") -> dict[str, Any]:
    """Conditions of a record from ``NAME=VALUE`` texts; numbers may carry a unit.

    Parameters
    ----------
    texts : sequence of str or None
        For example ``["temperature=5 K", "form=film"]``.
    option : str
        What the message calls them.

    Raises
    ------
    DataError
        If a text isn't of this form, or names no condition.
    """
    from perospin.database.record import CONDITION_UNITS, Conditions

    known = [item.name for item in fields(Conditions)]
    found: dict[str, Any] = {}
    for text in texts or ():
        key, sign, value = (part.strip() for part in text.partition("="))
        names = [key] if key in known else [name for name in known if name.rsplit("_", 1)[0] == key]
        names = names or [name for name in known if name.startswith(f"{key}_")]
        if not sign or not value or len(names) != 1:
            raise DataError(f"{option} '{text:.40}' must be NAME=VALUE, with a name of: {', '.join(known)}")
        name = names[0]
        if name == "n_layers":
            if not value.isdigit():
                raise DataError(f"{option} '{text:.40}': the number of layers is a whole number")
            found[name] = int(value)
        elif name in CONDITION_UNITS:
            found[name] = quantity_in(value, CONDITION_UNITS[name], f"{option} {name}")
        else:
            found[name] = value
    return found


def files_of(fit: SpinFit, paths: Iterable[Path] = ()) -> list[Beside]:
    """Files that belong beside the records of a fit: its raw files, and the fit itself.

    Parameters
    ----------
    fit : SpinFit
    paths : iterable of Path
        Files, or folders of files, among which the raw files are found by name and hash. Of a raw file that isn't
        there only name and hash are kept.

    Raises
    ------
    DataError
        If a file can't be read.
    """
    from perospin.database.sharing import Beside

    wanted = {source.sha256: Path(source.name).name for source in fit.sources}
    found: dict[str, Beside] = {}
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file() and file.name in wanted.values():
                read = Beside.read(file, "trace")
                found[read.sha256] = read
    raw = [found.get(sha256, Beside(name, "trace", sha256)) for sha256, name in wanted.items()]
    return [*raw, Beside.of(fit.to_json().encode(), "fit.json", "fit")]


def records_of(
    outcome: Outcome,
    material: str | None,
    source: str | None = None,
    conditions: Mapping[str, Any] | None = None,
    composition: str = "known",
) -> tuple[list[Record], list[str]]:
    """Make records of everything the fit determined, and say what couldn't be one.

    Parameters
    ----------
    outcome : Outcome
    material : str or None
        Formula; without one nothing is made.
    source : str or None
        Who measured it.
    conditions : mapping, optional
        Given by hand; they go before what the files say.
    composition : str
        "known", "other" or "unknown".
    """
    from perospin.database.record import Conditions

    if material is None:
        return [], []
    known = {item.name for item in fields(Conditions)}
    kept = {str(entry["property"]) for entry in outcome.fit.records.values()}
    # of the parts of a series, what the series itself does not give (the sensitivity at each bias)
    asked = [(outcome.fit, name) for name in outcome.fit.records] + [
        (part, name) for part in outcome.parts.values() for name, e in part.records.items() if e["property"] not in kept
    ]
    records, skipped = [], []
    for fit, name in asked:
        entry = fit.records[name]
        own = set(entry.get("conditions", {}))
        of_file = {k: v for k, v in outcome.conditions.items() if k in known and k not in own}
        try:
            records.append(
                fit.to_record(
                    material, source=source or "", quantity=name, composition=composition,
                    note="; ".join(outcome.doubts),
                    **{**of_file, **(conditions or {})},
                )
            )  # fmt: skip
        except FitError as error:
            skipped.append(f"no record of {name}: {error}")
    if not records and not skipped:
        skipped.append(f"the analysis '{outcome.fit.analysis}' gives nothing that the database keeps")
    return records, skipped


def as_dict(outcome: Outcome, records: Sequence[Record]) -> dict[str, Any]:
    """Put the result for a program: values, goodness, warnings, conventions, files, records."""
    fit = outcome.fit
    values = {
        name: {
            "value": _number(v.value), "uncertainty": _number(v.uncertainty), "low": _number(v.low),
            "high": _number(v.high), "unit": v.unit, "status": v.status,
        }
        for name, v in ((name, fit[name]) for name in fit.names)
    }  # fmt: skip
    return {
        "analysis": fit.analysis,
        "values": values,
        "statistics": {name: _number(value) for name, value in fit.statistics.items()},
        "level": fit.level,
        "intervals": fit.interval_method,
        "conventions": dict(fit.conventions),
        "conditions": dict(outcome.conditions),
        "warnings": list(fit.warnings),
        "notes": list(outcome.notes),
        "files": [{"name": s.name, "sha256": s.sha256} for s in fit.sources],
        "records": [record.to_dict() for record in records],
        **({"parts": {name: as_dict(Outcome(part), ())["values"] for name, part in outcome.parts.items()}}
           if outcome.parts else {}),
    }  # fmt: skip


def _number(value: Any) -> Any:
    """Plain number; None for what JSON doesn't know."""
    number = float(value)
    return number if number - number == 0 else None
