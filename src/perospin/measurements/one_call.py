"""From files to an outcome in one call, for every analysis of the table: read, choose the range, fit.

Scripts and the app use it; what an analysis can be told is read from its function, so it is said in one place.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError
from perospin.measurements.analyses import Analysis, analysis
from perospin.measurements.outcome import Outcome
from perospin.measurements.reading.words.roles import get_role
from perospin.measurements.series import Progress, Tell, fit_series, measure

if TYPE_CHECKING:
    from perospin.measurements.reading import Measurement
    from perospin.measurements.result import SpinFit

__all__ = ["Option", "fit_files", "fit_measurement", "options_of", "read_files", "takes_series"]

_SERIES: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "kerr": ("kerr", (("field_t", "fit_kerr_series"),)),
    "odmr": ("odmr", (("frequency_hz", "fit_odmr_series"),)),
    "odmr-width": ("odmr", (("frequency_hz", "fit_resonance_width"),)),
    "inertia": (
        "inertia",
        (("power_mw", "extrapolate_power"), ("field_t", "fit_t1_field"), ("temperature_k", "fit_t1_temperature")),
    ),
}
"""Analyses that a series of files may have: the one of a single file, and the law over each condition."""
_FROM_CONDITION = {"frequency_ghz": ("frequency_hz", 1e-9)}
_LEAST_POINTS = 4


@dataclass(frozen=True)
class Option:
    """Something that an analysis can be told.

    Attributes
    ----------
    name : str
        As the function calls it, with its unit.
    kind : str
        ``"switch"``, ``"number"``, ``"whole"``, ``"range"`` or ``"choice"``.
    default : object
        None where the analysis finds it out, or does without.
    choices : tuple
        Of a choice.
    needed : bool
        Whether the analysis can't do without.
    """

    name: str
    kind: str
    default: Any = None
    choices: tuple[Any, ...] = ()
    needed: bool = False


def options_of(name: str) -> tuple[Option, ...]:
    """List what an analysis can be told, in the order of its function; data and units are no options."""
    entry = analysis(_SERIES[name][0] if name in _SERIES else name)
    function = entry.fit
    data = _data_names(entry)
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in data or parameter.name.endswith("_unit") or parameter.kind is parameter.VAR_KEYWORD:
            continue
        option = _option(parameter, function)
        if option is not None:
            found.append(option)
    return tuple(found)


def _data_names(entry: Analysis) -> set[str]:
    """Names of the parameters that hold columns."""
    names = list(inspect.signature(entry.fit).parameters)
    first = names[: (1 if entry.x else 0) + len(entry.roles)]
    return {*first, *(name for name in names if name in entry.optional or name.startswith("sigma"))}


def _option(parameter: inspect.Parameter, function: Callable[..., Any]) -> Option | None:
    needed = parameter.default is parameter.empty
    default = None if needed else parameter.default
    kinds = _kinds(parameter.annotation, function)
    if kinds == {"Any"} and isinstance(default, float):
        return Option(parameter.name, "number", default)
    choices = tuple(word for kind in kinds if isinstance(kind, tuple) for word in kind)
    if "bool" in kinds:
        return Option(parameter.name, "switch", bool(default))
    if choices:
        return Option(parameter.name, "choice", default, choices, needed)
    for kind, word in (("int", "whole"), ("float", "number"), ("range", "range")):
        if kind in kinds:
            return Option(parameter.name, word, default, (), needed)
    return None


def _kinds(annotation: Any, function: Callable[..., Any]) -> set[Any]:
    """Words for the types of an annotation; the values of a Literal as a tuple."""
    if isinstance(annotation, str):
        found: set[Any] = set()
        for part in annotation.split(" | "):
            known = getattr(sys.modules[function.__module__], part, None)
            if part.startswith("tuple[float, float]"):
                found.add("range")
            elif part.startswith("Literal["):
                words = [word.strip().strip("'\"") for word in part[8:-1].split(",")]
                found.add(tuple(int(word) if word.isdigit() else word for word in words))
            elif known is not None and not isinstance(known, type):
                found |= _kinds(known, function)
            else:
                found.add(part)
        return found
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return {tuple(typing.get_args(annotation))}
    if origin in (typing.Union, types.UnionType):
        return set().union(*(_kinds(part, function) for part in typing.get_args(annotation)))
    return {getattr(annotation, "__name__", str(annotation))}


def takes_series(name: str) -> bool:
    """Whether several files of this analysis are a series, and not the channels of one measurement."""
    return name in _SERIES or len(_channels(analysis(name))) == 1


def _channels(entry: Analysis) -> list[str]:
    return [role for role in (*entry.roles, *entry.optional) if role != "sigma"]


def read_files(
    name: str,
    files: Sequence[Path | str],
    *,
    columns: Sequence[str] | None = None,
    x_unit: str | None = None,
    channels: Sequence[str] | None = None,
    where: Mapping[str, float] | None = None,
    pattern: str | None = None,
    **reading: Any,
) -> Measurement:
    """Read one measurement for an analysis.

    Parameters
    ----------
    name
        Of the analysis.
    files
        One, or one for each channel.
    columns, x_unit, where
        As `perospin.measurements.gather` takes them.
    channels
        Role of each file; told by the names of the files, else by their order, if not given.
    pattern
        Where a file name holds the condition: ``run_{field_mt}mT.csv``.
    **reading
        For `perospin.measurements.read_trace`.

    Raises
    ------
    DataError
        If a file can't be read, or lacks a column.
    """
    entry = analysis(_SERIES[name][0] if name in _SERIES else name)
    found = measure(
        [Path(path) for path in files], entry.roles, pattern, x=entry.x, optional=entry.optional, columns=columns,
        x_unit=x_unit, channels=channels, where=where, **reading,
    )  # fmt: skip
    told = (sentence for role, sentence in entry.without if found.get(role) is None)
    return replace(found, notes=(*found.notes, *told))


def fit_measurement(
    name: str, measured: Measurement, *, within: tuple[float, float] | None = None, **options: Any
) -> Outcome:
    """Fit what was read; conditions of the file stand in for options that aren't given.

    Parameters
    ----------
    name
        Of the analysis.
    measured
        From `read_files`.
    within
        Lowest and highest abscissa that are fitted, in the unit of the analysis (ps, T, nm ...).
    **options
        Of the analysis (`options_of`), and those of every fit: ``intervals``, ``level``, ``robust``, ``params``.

    Raises
    ------
    DataError
        If too few points are left, or an option that the analysis needs is missing.
    FitError
        If the fit fails.
    """
    entry = analysis(_SERIES[name][0] if name in _SERIES else name)
    kept = measured if within is None else _cropped(measured, within)
    parameters = inspect.signature(entry.fit).parameters
    given = {key: value for key, value in options.items() if value is not None}
    for key in parameters:
        condition, scale = _FROM_CONDITION.get(key, (key, 1.0))
        if key not in given and key not in _data_names(entry) and condition in kept.conditions:
            given[key] = scale * kept.conditions[condition]
    missing = [option.name for option in options_of(name) if option.needed and option.name not in given]
    if missing:
        raise DataError(f"the analysis '{name}' needs a value for {' and '.join(missing)}")
    x = kept.x
    if "delay_unit" in parameters and entry.x == "delay":
        x, given["delay_unit"] = kept.delay_as_written()
    elif f"{entry.x}_unit" in parameters:
        given[f"{entry.x}_unit"] = get_role(entry.x).unit
    for role in entry.optional:
        named = [key for key in parameters if key == role or (role == "sigma" and key.startswith("sigma"))]
        if named and kept.get(role) is not None:
            given[named[0]] = kept[role]
    if "sources" not in given:
        given["sources"] = kept.sources
    fit = entry.fit(x, *(kept[role] for role in entry.roles), **given)
    notes = (
        kept.notes if within is None else (*kept.notes, f"only {entry.x} from {within[0]:g} to {within[1]:g} is used")
    )
    return Outcome(fit, kept.conditions, notes, doubts=kept.doubts)


def _cropped(measured: Measurement, within: tuple[float, float]) -> Measurement:
    low, high = min(within), max(within)
    kept = (measured.x >= low) & (measured.x <= high)
    if int(kept.sum()) < _LEAST_POINTS:
        raise DataError(f"only {int(kept.sum())} points lie between {low:g} and {high:g}: choose a wider range")
    return replace(
        measured,
        x=measured.x[kept],
        channels={role: np.asarray(values)[..., kept] for role, values in measured.channels.items()},
        repeats={role: np.asarray(values)[..., kept] for role, values in measured.repeats.items()},
    )


def fit_files(
    name: str,
    files: Sequence[Path | str],
    *,
    columns: Sequence[str] | None = None,
    x_unit: str | None = None,
    channels: Sequence[str] | None = None,
    where: Mapping[str, float] | None = None,
    pattern: str | None = None,
    within: tuple[float, float] | None = None,
    reading: Mapping[str, Any] | None = None,
    tell: Tell | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Outcome:
    """Read and fit: one file, one file for each channel, a series of files, or maps.

    Parameters
    ----------
    name
        Of the analysis, as `perospin.measurements.ANALYSES` lists them.
    files
        Their paths.
    columns, x_unit, channels, where, pattern
        As `read_files` takes them.
    within
        Lowest and highest abscissa that are fitted.
    reading
        Further keywords of `perospin.measurements.read_trace`.
    tell, progress
        Called with a sentence about a file that was passed over; with what is done, how much, of how much.
    **options
        As `fit_measurement` takes them.

    Returns
    -------
    Outcome
        Of a series with the single fits as ``parts``.

    Raises
    ------
    DataError
        If a file can't be read, or files make no series.
    FitError
        If nothing can be fitted.

    Examples
    --------
    >>> outcome = fit_files("hanle", ["examples/spectra/hanle.txt"], g_factor=2.0, initial_polarisation=1.0)
    >>> outcome.fit["lifetime_ps"].status
    'derived'
    """
    paths = [Path(path) for path in files]
    if not paths:
        raise DataError("no file was given")
    entry = analysis(name)
    given: dict[str, Any] = {"columns": columns, "x_unit": x_unit, "where": where, **(reading or {})}
    if not entry.x:
        return _fit_maps(paths, channels, within, x_unit, options)
    if not takes_series(name) or len(paths) == 1:
        if name == "odmr-width":
            raise DataError("one spectrum gives one width: give spectra at several microwave frequencies")
        one = read_files(name, paths, channels=channels, pattern=pattern, **given)
        return fit_measurement(name, one, within=within, **options)
    laws = _SERIES[name][1] if name in _SERIES else ()
    need = [condition for condition, _ in laws]
    found = fit_series(
        paths, pattern,
        lambda path: read_files(name, [path], pattern=pattern, **given),
        lambda measured: fit_measurement(name, measured, within=within, **options).fit,
        need, tell, progress,
    )  # fmt: skip
    if isinstance(found, Outcome):
        return found
    for condition, law in laws:
        if (values := found.values(condition)) is not None:
            return found.outcome(_over(law, values, list(found.fits.values()), options))
    raise found.no_series(name)


def _over(law: str, values: list[float], fits: list[SpinFit], options: Mapping[str, Any]) -> SpinFit:
    import importlib

    function = getattr(importlib.import_module("perospin.spectra"), law)
    names = list(inspect.signature(function).parameters)
    shared = {key: options[key] for key in ("intervals", "level", "seed", "components") if options.get(key) is not None}
    if "components" in shared and "components" not in names:
        shared.pop("components")
    single = law in ("fit_kerr_series", "fit_odmr_series", "fit_resonance_width")
    fit: SpinFit = function(fits, **shared) if single else function(values, fits, **shared)
    return fit


def _fit_maps(
    paths: Sequence[Path],
    channels: Sequence[str] | None,
    within: tuple[float, float] | None,
    unit: str | None,
    options: Mapping[str, Any],
) -> Outcome:
    from perospin.measurements.reading import read_map
    from perospin.measurements.reading.gathering import roles_of_maps

    names, note = roles_of_maps([path.name for path in paths], channels)
    maps = {role: read_map(path, name=path.stem, delay_unit=unit) for role, path in zip(names, paths, strict=True)}
    if within is not None:
        maps = {role: found.crop(delay_ps=within) for role, found in maps.items()}
    given = {key: value for key, value in options.items() if value is not None}
    fit = analysis("map").fit(maps["same"], maps.get("counter"), **given)
    notes = [*([note] if note else []), *(sentence for found in maps.values() for sentence in found.history)]
    doubts = [sentence for found in maps.values() for sentence in found.doubts]
    return Outcome(fit, dict(maps["same"].conditions), notes, doubts=doubts)
