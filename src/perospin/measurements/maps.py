"""Maps of delay and wavelength, and what is done to them before a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from perospin.errors import FitError
from perospin.fitting import Source
from perospin.fitting.arrays import Float, real

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SignalMap"]


@dataclass(frozen=True, repr=False)
class SignalMap:
    """A signal against delay and wavelength.

    Attributes
    ----------
    delay_ps, wavelength_nm
        Axes in ascending order, (n_delay,) and (n_wavelength,). They are sorted on entry.
    signal
        Shape (n_delay, n_wavelength); NaN where a point is missing.
    unit
        Of the signal: ``"mOD"``, ``"OD"``, ``"dR/R"``.
    name
        Label: ``"SC"``, ``"CC"``, the file's name.
    sigma
        Standard uncertainty, the shape of `signal` (of scans, say), or None.
    sources
        Raw files.
    history
        What was done to the map, in sentences.
    doubts
        What was assumed on reading and decides the result, a unit that the file doesn't state.
    conditions
        Temperature, field, power ... by name.
    """

    delay_ps: Float
    wavelength_nm: Float
    signal: Float
    unit: str = ""
    name: str = ""
    sigma: Float | None = None
    sources: tuple[Source, ...] = ()
    history: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        delay, wavelength = real(self.delay_ps, "delay_ps"), real(self.wavelength_nm, "wavelength_nm")
        signal = real(self.signal, "the map")
        if delay.ndim != 1 or wavelength.ndim != 1 or signal.shape != (len(delay), len(wavelength)):
            turned = signal.shape == (wavelength.size, delay.size)
            raise FitError(
                f"the signal has the shape {signal.shape}; {delay.size} delays and {wavelength.size} wavelengths need "
                f"({delay.size}, {wavelength.size})" + (": transpose it" if turned else "")
            )
        if not (np.isfinite(delay).all() and np.isfinite(wavelength).all()):
            raise FitError("the axes of a map must hold finite numbers only")
        rows, columns = np.argsort(delay, kind="stable"), np.argsort(wavelength, kind="stable")
        for name, values in (("delay_ps", delay[rows]), ("wavelength_nm", wavelength[columns])):
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        for name in ("signal", "sigma"):
            grid = signal if name == "signal" else self.sigma
            if grid is None:
                continue
            grid = real(grid, name)
            if grid.shape != signal.shape:
                raise FitError(f"{name} has the shape {grid.shape}, the signal {signal.shape}")
            grid = grid[np.ix_(rows, columns)]
            grid.flags.writeable = False
            object.__setattr__(self, name, grid)
        object.__setattr__(self, "conditions", MappingProxyType(dict(self.conditions)))

    def __reduce__(self) -> tuple[Any, ...]:
        # to travel to and from other processes, which read-only mappings don't
        values = [getattr(self, item.name) for item in fields(self)]
        return type(self), (*values[:-1], dict(self.conditions))

    def __repr__(self) -> str:
        n, m = self.signal.shape
        return (
            f"<SignalMap {self.name or 'unnamed'}: {n} delays {self.delay_ps[0]:.4g} to {self.delay_ps[-1]:.4g} ps, "
            f"{m} wavelengths {self.wavelength_nm[0]:.4g} to {self.wavelength_nm[-1]:.4g} nm>"
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of delays and of wavelengths."""
        return self.signal.shape  # type: ignore[return-value]

    def at_wavelength(self, wavelength_nm: float, width_nm: float = 0.0) -> Float:
        """Trace at the nearest wavelength, or the mean over a band; (n_delay,).

        Raises
        ------
        FitError
            If the wavelength lies outside the map.
        """
        return self._mean(self.wavelength_nm, wavelength_nm, width_nm, 1, "nm")

    def at_delay(self, delay_ps: float, width_ps: float = 0.0) -> Float:
        """Spectrum at the nearest delay, or the mean over a window; (n_wavelength,)."""
        return self._mean(self.delay_ps, delay_ps, width_ps, 0, "ps")

    def _mean(self, axis: Float, at: float, width: float, which: int, unit: str) -> Float:
        if not axis[0] - 1e-9 <= at <= axis[-1] + 1e-9:
            raise FitError(f"{at:g} {unit} lies outside the map, which goes from {axis[0]:g} to {axis[-1]:g} {unit}")
        inside = np.abs(axis - at) <= 0.5 * width
        if not inside.any():
            inside = np.zeros(len(axis), bool)
            inside[int(np.argmin(np.abs(axis - at)))] = True
        part = self.signal.compress(inside, axis=which)
        count = np.isfinite(part).sum(axis=which)
        with np.errstate(invalid="ignore"):
            return np.where(count > 0, np.nansum(part, axis=which) / np.maximum(count, 1), np.nan)

    def crop(
        self, delay_ps: tuple[float, float] | None = None, wavelength_nm: tuple[float, float] | None = None
    ) -> Self:
        """Part of the map within the given ranges, ends included.

        Raises
        ------
        FitError
            If nothing is left.
        """
        rows = _within(self.delay_ps, delay_ps)
        columns = _within(self.wavelength_nm, wavelength_nm)
        if not rows.any() or not columns.any():
            raise FitError(f"nothing of the map {self!r} lies in delay {delay_ps} ps, wavelength {wavelength_nm} nm")
        cut = np.ix_(rows, columns)
        return replace(
            self,
            delay_ps=self.delay_ps[rows],
            wavelength_nm=self.wavelength_nm[columns],
            signal=self.signal[cut],
            sigma=None if self.sigma is None else self.sigma[cut],
        )

    def same_axes(self, other: SignalMap) -> bool:
        """Whether two maps were measured at the same points."""
        return (
            self.shape == other.shape
            and np.allclose(self.delay_ps, other.delay_ps)
            and np.allclose(self.wavelength_nm, other.wavelength_nm)
        )

    def __sub__(self, other: SignalMap) -> Self:
        return self._combine(other, -1.0, "-")

    def __add__(self, other: SignalMap) -> Self:
        return self._combine(other, 1.0, "+")

    def _combine(self, other: SignalMap, sign: float, symbol: str) -> Self:
        if not self.same_axes(other):
            raise FitError(f"{self!r} and {other!r} have different axes: interpolate one onto the other first")
        sigma = None
        if self.sigma is not None and other.sigma is not None:
            sigma = np.hypot(self.sigma, other.sigma)
        return replace(
            self,
            signal=self.signal + sign * other.signal,
            sigma=sigma,
            name=f"{self.name} {symbol} {other.name}".strip(),
            sources=tuple(dict.fromkeys((*self.sources, *other.sources))),
            history=(*self.history, f"{symbol} {other.name or 'another map'}"),
        )

    def plot(self, **options: Any) -> Figure:
        """Pseudocolour plot; see `plot_maps`."""
        from perospin.measurements.figures import plot_maps

        return plot_maps(self, **options)


def _within(axis: Float, limits: tuple[float, float] | None) -> np.ndarray:
    if limits is None:
        return np.ones(len(axis), bool)
    low, high = sorted(limits)
    return (axis >= low) & (axis <= high)
