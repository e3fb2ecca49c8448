"""Files of a series: read each, fit each, and keep them together with their conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError, PerospinError
from perospin.measurements.outcome import Outcome

if TYPE_CHECKING:
    from perospin.measurements.reading import Measurement
    from perospin.measurements.result import SpinFit

Tell = Callable[[str], None]
"""Called with a sentence about a file that was passed over."""

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, in_all)``."""


def measure(
    files: Path | Sequence[Path], roles: Sequence[str], pattern: str | None = None, **reading: Any
) -> Measurement:
    """Read one measurement; conditions that a file name tells by `pattern` are added.

    Raises
    ------
    DataError
        If it can't be read, or its name doesn't fit the pattern.
    """
    from perospin.measurements.reading import gather
    from perospin.measurements.reading.words.conditions import from_pattern

    listed = [files] if isinstance(files, Path) else list(files)
    measured = gather(listed, roles, **reading)
    if pattern is None:
        return measured
    found = from_pattern(pattern, listed[0].name)
    if found is None:
        raise DataError(f"'{listed[0].name}' doesn't fit the pattern '{pattern}'")
    return replace(measured, conditions={**measured.conditions, **found})


class Parts:
    """Fits of the files of a series, with their conditions."""

    def __init__(self, fits: Mapping[str, SpinFit], measured: Mapping[str, Measurement]) -> None:
        self.fits = fits
        self.measured = {name: measured[name] for name in fits}
        self.notes = list(dict.fromkeys(note for m in self.measured.values() for note in m.notes))[:6]
        self.doubts = list(dict.fromkeys(doubt for m in self.measured.values() for doubt in m.doubts))[:6]

    def values(self, condition: str) -> list[float] | None:
        """Condition of each file, if all tell it and it varies."""
        found = [m.conditions.get(condition) for m in self.measured.values()]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) and len(set(values)) > 1 else None

    def common(self) -> dict[str, float]:
        """Conditions that are the same in all files."""
        every = [dict(m.conditions) for m in self.measured.values()]
        return {k: v for k, v in every[0].items() if all(c.get(k) == v for c in every)}

    def outcome(self, fit: SpinFit) -> Outcome:
        """Give the result of the series all of its files as sources."""
        sources = [source for m in self.measured.values() for source in m.sources]
        return Outcome(replace(fit, sources=tuple(sources)), self.common(), self.notes, self.fits, self.doubts)

    def no_series(self, kind: str) -> DataError:
        """Refusal: the files differ in nothing that makes a series of this kind."""
        names = ", ".join(list(self.fits)[:3])
        return DataError(f"{names} ... differ in no condition that makes a series of {kind}: fit them one by one")


def fit_series(
    files: Sequence[Path],
    pattern: str | None,
    measure_one: Callable[[Path], Measurement],
    fit_one: Callable[[Measurement], SpinFit],
    need: Sequence[str] = (),
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Outcome | Parts:
    """Fit one file, or each file of a series; a lone file is a result of its own.

    `need` names conditions of which each file must tell one before anything is fitted.

    Raises
    ------
    PerospinError
        If nothing can be read or fitted, or a file doesn't tell its condition.
    """
    from perospin.measurements.reading import series_files
    from perospin.text import visible

    paths = series_files(list(files), pattern)
    measured: dict[str, Measurement] = {}
    left_out: list[str] = []
    for path in paths:
        if path.name in measured:
            raise DataError(f"two files are called '{path.name}': a series needs different names")
        try:
            measured[path.name] = measure_one(path)
        except DataError as error:
            # one bad file doesn't end the series: it is named, and those that were asked for by name are missed
            if path == paths[-1] and not measured:
                raise
            if tell is not None:
                tell(f"not read, {error}")
            if path in files:
                left_out.append(visible(path.name))
            continue
        if len(paths) > 1 and need and not any(name in measured[path.name].conditions for name in need):
            raise DataError(
                f"'{path.name}' doesn't tell {' or '.join(need)}: give --pattern, e.g. 'run_{{{need[0]}}}.csv'"
            )
    missed = []
    if left_out:
        shown = ", ".join(f"{name:.40}" for name in left_out[:3]) + (", ..." if len(left_out) > 3 else "")
        missed = [f"{len(left_out)} of {len(paths)} files can't be read, and what is in them is left out: {shown}"]
    if len(measured) == 1:
        one = next(iter(measured.values()))
        outcome = Outcome.of(fit_one(one), one)
        return replace(outcome, doubts=(*outcome.doubts, *missed))
    order = sorted(measured, key=lambda name: [measured[name].conditions.get(key, 0.0) for key in need] or [0.0])
    parts = Parts(each(order, str, lambda name: fit_one(measured[name]), tell, progress), measured)
    parts.doubts += missed
    return parts


def each(
    files: Sequence[Any],
    name: Callable[[Any], str],
    fit_one: Callable[[Any], SpinFit],
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> dict[str, SpinFit]:
    """Fit the files of a series; a file that can't be fitted is named and left out.

    Raises
    ------
    PerospinError
        If no file could be fitted: the first file's error.
    """
    done: dict[str, SpinFit] = {}
    errors: list[tuple[str, PerospinError]] = []
    for count, item in enumerate(files):
        if progress is not None:
            progress(f"fitting {name(item)}", count, len(files))
        try:
            done[name(item)] = fit_one(item)
        except PerospinError as error:
            errors.append((name(item), error))
    for label, reason in errors:
        if tell is not None:
            tell(f"not fitted, {label}: {reason}")
    if not done:
        raise errors[0][1]
    return done
