"""The one result of every fit: values with units and uncertainties, goodness, warnings, data, plot, file."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from perospin.digits import counted
from perospin.errors import FitError, RefusedFileError
from perospin.fitting.arrays import Float
from perospin.fitting.saved import STATUSES, TABLE_COLUMNS, check_fields
from perospin.saving import digest, read_json, read_text, write_text
from perospin.units import convert, readable_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["STATUSES", "Fit", "Source", "Value"]

FORMAT = 2
"""Version of the saved file; every version up to this one is read. Version 1 named a drawing function."""


@dataclass(frozen=True)
class Value:
    """One quantity of a fit.

    Attributes
    ----------
    value, uncertainty
        Estimate and standard error. Of an upper or lower bound: the bound, and NaN.
    low, high
        Interval at the fit's level.
    unit, status
        Unit as written; one of `STATUSES`.
    """

    name: str
    value: float
    uncertainty: float
    low: float
    high: float
    unit: str
    status: str
    description: str = ""

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.status == "upper bound":
            return f"< {self.value:.3g}{unit}"
        if self.status == "lower bound":
            return f"> {self.value:.3g}{unit}"
        if self.status == "undetermined":
            return "undetermined"
        if abs(self.value) >= 1e6:  # 0.81 ms, never 8.1e+08 ps
            suited = readable_unit(self.value, self.unit)
            if suited != self.unit:
                value, error = (float(convert(v, self.unit, suited)) for v in (self.value, self.uncertainty))
                return f"{rounded(value, error)} {suited}"
        return f"{rounded(self.value, self.uncertainty)}{unit}"


def rounded(value: float, uncertainty: float) -> str:
    """Value with its uncertainty, both cut at two digits of the uncertainty.

    Examples
    --------
    >>> rounded(7.7634, 0.0512), rounded(514.3, 12.0), rounded(3.0, float("nan"))
    ('7.763 ± 0.051', '514 ± 12', '3')
    """
    if not math.isfinite(value) or not math.isfinite(uncertainty) or uncertainty <= 0:
        return f"{value:.6g}"
    digits = 1 - math.floor(math.log10(uncertainty))
    size = math.floor(math.log10(max(abs(value), uncertainty)))
    if size >= 6 or size < -4:
        power = 10.0**size
        shown = max(digits + size, 0)
        return f"({value / power:.{shown}f} ± {uncertainty / power:.{shown}f})e{size:+d}"
    return f"{value:.{max(digits, 0)}f} ± {uncertainty:.{max(digits, 0)}f}"


@dataclass(frozen=True)
class Source:
    """A raw file: its name and the SHA-256 of its bytes."""

    name: str
    sha256: str

    @classmethod
    def of(cls, path: str | Path) -> Source:
        """Hash a file.

        Raises
        ------
        FitError
            If it can't be read.
        """
        path = Path(path)
        try:
            return cls(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        except OSError as error:
            raise FitError(f"can't read {path}: {error.strerror or error}") from None


def _frozen(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(values))


@dataclass(frozen=True, repr=False)
class Fit:
    """Result of a fit.

    ``fit["lifetime_ps"]`` is a `Value`; ``fit.lifetime_ps`` its number.

    Attributes
    ----------
    analysis
        What was fitted, in a few words.
    table
        One row a quantity: name, value, uncertainty, low, high, unit, status, description. Status is ``fitted``,
        ``fixed``, ``derived``, ``upper bound`` or ``lower bound`` (the value is then the bound), or ``undetermined``
        (the value is then NaN).
    correlation
        Correlation matrix of what was fitted.
    statistics
        n_points, n_parameters, degrees_of_freedom, chi2, reduced_chi2, r2, aicc, bic, noise.
    diagnostics
        Of the residuals: durbin_watson, runs_z, largest_residual (in standard deviations) and where.
    warnings
        Sentences the user must read.
    conventions
        What the numbers mean where there is a choice.
    data
        Abscissa, signal, sigma, best_fit, residual, one row a point; empty for maps, which are in `arrays`.
    arrays
        Larger arrays by name: amplitudes of several data sets, maps.
    sources
        Raw files.
    level, interval_method
        Probability of the intervals ``low`` to ``high`` and how they were made.
    settings
        How the analysis was called, and what its plot needs.
    axes
        Labels of the axes by column of `data`.
    """

    analysis: str
    table: pd.DataFrame
    correlation: pd.DataFrame
    statistics: Mapping[str, float]
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    conventions: Mapping[str, str] = field(default_factory=dict)
    data: pd.DataFrame = field(default_factory=pd.DataFrame)
    arrays: Mapping[str, Float] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    level: float = 0.68
    interval_method: str = "covariance"
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)

    kind: ClassVar[str] = "Fit"

    def __post_init__(self) -> None:
        for name in ("statistics", "diagnostics", "conventions", "arrays", "settings", "axes"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))
        object.__setattr__(self, "warnings", tuple(dict.fromkeys(self.warnings)))
        object.__setattr__(self, "sources", tuple(self.sources))

    # values

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all quantities."""
        return tuple(self.table["name"])

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Value:
        rows = self.table[self.table["name"] == name]
        if rows.empty:
            raise FitError(f"this fit has no quantity '{name}'; it has: {', '.join(self.names)}")
        row = rows.iloc[0]
        numbers = [float(row[c]) for c in ("value", "uncertainty", "low", "high")]
        value, uncertainty, low, high = numbers
        words = (str(row["unit"]), str(row["status"]), str(row["description"]))
        return Value(name, value, uncertainty, low, high, *words)

    def __getattr__(self, name: str) -> float:
        # only reached when the normal lookup fails
        if name.startswith("_") or "table" not in self.__dict__ or name not in self.names:
            raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")
        return self[name].value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.names})

    @property
    def values(self) -> dict[str, float]:
        """All numbers by name."""
        return dict(zip(self.table["name"], self.table["value"].astype(float), strict=True))

    @property
    def uncertainty(self) -> dict[str, float]:
        """Standard errors by name."""
        return dict(zip(self.table["name"], self.table["uncertainty"].astype(float), strict=True))

    @property
    def main(self) -> str:
        """Name of the quantity that the fit is about."""
        free = (name for name, s in zip(self.table["name"], self.table["status"], strict=True) if s != "fixed")
        return str(self.settings.get("main", "")) or next(free, self.names[0])

    # words

    def stated(self, name: str = "") -> str:
        """One quantity with its error, in a unit that suits its size: ``T1 = 129.1 ± 1.8 us``; default the main one."""
        name = name or self.main
        found = self[name]
        if found.status not in ("fitted", "fixed", "derived", "upper bound", "lower bound"):
            return f"{name}: {found.status}"
        unit = readable_unit(found.value, found.unit)
        suffix = re.sub(r"\W+", "_", found.unit.lower().replace("^", ""))  # cm^2/V ends a name as cm2_v
        stem = name.removesuffix("_" + suffix).removesuffix("_percent").replace("_", " ")
        value, error = (
            convert(v, found.unit, unit) if unit != found.unit else v for v in (found.value, found.uncertainty)
        )
        if error <= 1e-12 * abs(value):  # data without noise: no digits of rounding errors
            error = 0.0
        stem = re.sub(r"^t1\b", "T1", stem)
        bound = {"upper bound": f"< {value:.3g}", "lower bound": f"> {value:.3g}"}.get(found.status)
        return f"{stem} {bound or f'= {rounded(value, error)}'} {unit}".rstrip()

    def summary(self) -> str:
        """One line: what was fitted, and the main values."""
        shown = [
            name for name, status in zip(self.table["name"], self.table["status"], strict=True) if status != "fixed"
        ]
        main = [str(self.settings["main"])] if "main" in self.settings else shown[:3]
        text = ", ".join(f"{name} = {self[name]}" for name in main)
        flag = f"; {len(self.warnings)} warning{'s' * (len(self.warnings) != 1)}" if self.warnings else ""
        return f"{self.analysis}: {text}{flag}"

    def report(self) -> str:
        """Everything in words, values rounded to their uncertainty."""
        lines = [self.analysis, ""]
        width = max((len(name) for name in self.names), default=0)
        for name in self.names:
            value = self[name]
            interval = ""
            if value.status in ("fitted", "derived") and math.isfinite(value.low):
                interval = f"   [{value.low:.5g}, {value.high:.5g}]"
            note = "" if value.status == "fitted" else f"   ({value.status})"
            lines.append(f"  {name:<{width}}  {value}{interval}{note}")
        lines += ["", f"  intervals: {self.level:.0%}, by {self.interval_method}"]
        s = self.statistics
        shown = _SHOWN if self.settings.get("known_sigma", True) else _SHOWN[1:]  # chi2 without sigma has a unit
        parts = [counted(int(s["n_points"]), "point"), counted(int(s["n_parameters"]), "parameter")]
        parts += [f"{label} {s[key]:.4g}" for key, label in shown if key in s and math.isfinite(s[key])]
        lines.append("  " + ", ".join(parts))
        strong = self.strong_correlations(0.3)
        if strong:
            lines.append("  correlations: " + ", ".join(f"{a}/{b} {r:+.2f}" for a, b, r in strong[:8]))
        if "compared" in self.settings:
            lines.append(f"  compared: {self.settings['compared']}")
        lines += [f"  convention, {key}: {text}" for key, text in self.conventions.items()]
        lines += [f"  file: {s.name} (sha256 {s.sha256[:12]}...)" for s in self.sources]
        lines += [f"  ! {sentence}" for sentence in self.warnings]
        return "\n".join(lines)

    def strong_correlations(self, least: float = 0.95) -> list[tuple[str, str, float]]:
        """Pairs with ``|r| > least``, strongest first."""
        names = list(self.correlation.columns)
        r = self.correlation.to_numpy(float)
        found = [
            (names[i], names[j], float(r[i, j]))
            for i in range(len(names))
            for j in range(i + 1, len(names))
            if abs(r[i, j]) > least
        ]
        return sorted(found, key=lambda pair: -abs(pair[2]))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.summary()}>"

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        import html

        shown = self.table.drop(columns="description").to_html(index=False)
        return f"<p>{html.escape(self.summary())}</p>{shown}"

    # further quantities

    def covariance(self) -> pd.DataFrame:
        """Covariance matrix of what was fitted."""
        names = list(self.correlation.columns)
        sigma = self._errors(names)
        return pd.DataFrame(self.correlation.to_numpy() * np.outer(sigma, sigma), names, names)

    def derive(
        self,
        name: str,
        function: Callable[[Mapping[str, float]], float],
        unit: str = "",
        description: str = "",
        *,
        first: bool = False,
    ) -> Self:
        """Fit with one more quantity, its uncertainty propagated to first order with all correlations.

        Parameters
        ----------
        name, unit, description
            Of the new quantity.
        function
            Takes the values by name, returns the new one.
        first
            Put it on top of the table.

        Notes
        -----
        A function of one fitted quantity carries over its interval and its status (the double of an upper bound is an
        upper bound); of several, the interval is symmetric, and undetermined if one of them is not fitted.
        """
        values = self.values
        central = float(function(values))
        errors = self.uncertainty
        gradient: dict[str, float] = {}
        for other in self.names:
            if self[other].status == "fixed":
                continue
            size = errors[other] if errors[other] > 0 and math.isfinite(errors[other]) else abs(values[other])
            step = 1e-4 * size or 1e-8
            up = float(function({**values, other: values[other] + step}))
            down = float(function({**values, other: values[other] - step}))
            if up != down:  # also where `other` is undetermined, its value and step NaN: nothing depends on it
                gradient[other] = (up - down) / (2 * step)
        involved = [self[other] for other in gradient]
        if not math.isfinite(central):
            cells = (name, *(math.nan,) * 4, unit, "undetermined", description)
            row = dict(zip(TABLE_COLUMNS, cells, strict=True))
        elif len(involved) == 1:
            row = self._map_one(name, function, involved[0], gradient, central, unit, description)
        else:
            error = self._joint_error(gradient)
            odd = [v.name for v in involved if v.status not in ("fitted", "derived")]
            from perospin.fitting.statistics import quantile

            half = error * quantile(self.level, self.statistics.get("degrees_of_freedom", math.inf), False)
            status = "undetermined" if odd else "derived"
            row = dict(zip(
                TABLE_COLUMNS, (name, central, error, central - half, central + half, unit, status, description),
                strict=True,
            ))  # fmt: skip
        new = pd.DataFrame([row], columns=list(TABLE_COLUMNS))
        table = pd.concat([new, self.table] if first else [self.table, new], ignore_index=True)
        gradients = {**self.settings.get("gradients", {}), name: gradient}
        return replace(self, table=table, settings={**self.settings, "gradients": gradients})

    def _map_one(
        self,
        name: str,
        function: Callable[[Mapping[str, float]], float],
        of: Value,
        gradient: Mapping[str, float],
        central: float,
        unit: str,
        description: str,
    ) -> dict[str, Any]:
        values, slope = self.values, gradient[of.name]
        ends = sorted(float(function({**values, of.name: end})) for end in (of.low, of.high))
        status = {"fitted": "derived"}.get(of.status, of.status)
        if slope < 0:
            status = {"upper bound": "lower bound", "lower bound": "upper bound"}.get(status, status)
        row = (name, central, abs(slope) * of.uncertainty, *ends, unit, status, description)
        return dict(zip(TABLE_COLUMNS, row, strict=True))

    def _joint_error(self, gradient: Mapping[str, float]) -> float:
        """Propagate to a standard error, by the gradient along fitted and derived quantities."""
        known = list(self.correlation.columns)
        gradients = self.settings.get("gradients", {})

        def expand(name: str) -> Float:
            if name in known:
                return np.eye(len(known))[known.index(name)]
            total = np.zeros(len(known))
            for other, slope in gradients.get(name, {}).items():
                total += slope * expand(other)
            return total

        slopes = sum((slope * expand(name) for name, slope in gradient.items()), np.zeros(len(known)))
        parts = slopes * self._errors(known)  # before they are squared: products of covariances could overflow
        size = float(np.max(np.abs(parts), initial=0.0))
        if not size > 0 or not math.isfinite(size):
            return size
        parts = parts / size
        return size * math.sqrt(max(float(parts @ self.correlation.to_numpy() @ parts), 0.0))

    def _errors(self, names: list[str]) -> Float:
        """List standard errors of what was fitted, 0 where there is none."""
        known = self.settings.get("standard_errors", {})
        return np.nan_to_num(np.array([known.get(n, self[n].uncertainty) for n in names], float))

    def with_warnings(self, *sentences: str) -> Self:
        """Copy with further warnings."""
        return replace(self, warnings=(*self.warnings, *sentences))

    def with_settings(self, **settings: Any) -> Self:
        """Copy with further settings."""
        return replace(self, settings={**self.settings, **settings})

    # picture

    def plot(self, *, title: str | None = None, material: str = "", **options: Any) -> Figure:
        """Draw data, fit and residuals; returns the matplotlib Figure.

        Parameters
        ----------
        title
            Above the figure; default what was measured, and the main value with its error.
        material
            What was measured, for the default title.
        **options
            What the drawing of this analysis takes besides.
        """
        from perospin.fitting.plotting import set_heading

        figure = self._drawn(**options)
        set_heading(figure, self, title, material)
        return figure

    def _drawn(self, **options: Any) -> Figure:
        """Figure with a title that says in a few words what is drawn."""
        from perospin.fitting.plotting import plot_fit

        return plot_fit(self, **options)

    # file

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        content: dict[str, Any] = {"format": FORMAT, "kind": self.kind}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, pd.DataFrame):
                value = {"columns": list(value.columns), "rows": value.astype(object).to_numpy().tolist()}
            elif item.name == "sources":
                value = [{"name": s.name, "sha256": s.sha256} for s in value]
            content[item.name] = _plain(value)
        content["sha256"] = digest(content)
        return content

    def to_json(self) -> str:
        """Text of the saved file."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def save(self, path: str | Path) -> Path:
        """Write as JSON, whole or not at all; `Fit.load` reads it."""
        path = Path(path)
        write_text(path, self.to_json())
        return path

    def __reduce__(self) -> tuple[Any, ...]:
        # to travel to and from other processes, which read-only mappings don't
        return type(self).from_json, (self.to_json(),)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Inverse of `to_json`; nothing in the text is ever run.

        Raises
        ------
        FitError
            If it is not the text of a saved fit.
        """
        try:
            saved = read_json(text, "this is not a saved fit of perospin: the text")
            version = saved.pop("format")
            if not isinstance(version, int) or isinstance(version, bool) or version < 1:
                raise FitError("this is not a saved fit of perospin: it has no format number")
            if version > FORMAT:
                raise FitError("this fit was saved by a newer version of perospin: update to read it")
            checksum = saved.pop("sha256", None)
            content = _restore(saved)
            check_fields(content)
            content = cls._translated(content)
            if version > 1 and checksum != digest({**saved, "format": version}):
                raise RefusedFileError(
                    "the saved fit was damaged or changed after it was saved (checksum); get a fresh copy or fit again"
                )
            for name in ("table", "correlation", "data"):
                frame = content[name]
                content[name] = pd.DataFrame(frame["rows"], columns=frame["columns"]).infer_objects()
            content["correlation"].index = content["correlation"].columns
            numeric = ["value", "uncertainty", "low", "high"]
            content["table"][numeric] = content["table"][numeric].astype(float)
            content["arrays"] = {name: np.asarray(values, float) for name, values in content["arrays"].items()}
            content["sources"] = tuple(Source(**entry) for entry in content["sources"])
            content["warnings"] = tuple(content["warnings"])
            known = {item.name for item in fields(cls)}  # a `Fit` may read what a class derived from it saved
            return cls(**{name: value for name, value in content.items() if name in known})
        except RefusedFileError as error:
            raise FitError(str(error)) from None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise FitError(f"this is not a saved fit of perospin ({type(error).__name__}: {error})") from None

    @classmethod
    def _translated(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Bring the fields of an older file up to date; a derived class checks its own."""
        return content

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file written by `save`.

        Raises
        ------
        FitError
            If the file can't be read or is no saved fit.
        """
        try:
            text = read_text(path, "the saved fit")
        except RefusedFileError as error:
            raise FitError(str(error)) from None
        return cls.from_json(text)


_SHOWN = (("reduced_chi2", "reduced chi2"), ("r2", "R2 (in sample)"), ("noise", "noise"), ("aicc", "AICc"))
_ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _plain(value: Any) -> Any:
    """Numbers, lists and dictionaries only; non-finite numbers as {"number": "NaN"}."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if math.isfinite(number):
            return number
        return {"number": "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")}
    if value is None or isinstance(value, (str, int, bool)):
        return value
    raise FitError(f"a fit can't save {type(value).__name__}: {value!r:.40}")


def _restore(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"number"}:
            return _ODD[value["number"]]
        return {k: _restore(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_restore(v) for v in value]
    return value
