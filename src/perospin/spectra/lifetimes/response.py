"""The instrument's response and the parameters that every pump-probe model shares."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from perospin.errors import FitError
from perospin.fitting import Parameter
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.parameters import Fixed
from perospin.spectra.signals.irf import MeasuredResponse, gaussian_decay, gaussian_pulse, gaussian_step, sharp_decay

Convention = Literal["polarisation", "flip", "difference"]


CONVENTIONS = {
    "polarisation": "lifetime_ps is the 1/e decay time of the spin polarisation, half the spin-flip time",
    "flip": "lifetime_ps is the mean time between spin flips, twice the decay time of the polarisation",
    "difference": "lifetime_ps is the 1/e decay time of SC - CC: recombination is contained, no factor of two removed",
}


@dataclass(frozen=True)
class Response:
    """How the instrument smears a decay: Gaussian (fixed or fitted), measured, or infinitely sharp.

    Attributes
    ----------
    kind
        ``"gaussian"``, ``"measured"`` or ``"sharp"``.
    fwhm_ps
        Full width at half maximum; start value or fixed.
    free
        Whether the width is fitted.
    measured
        The measured response.
    bounds
        Of the width, if it is fitted.
    zero_ps
        Time zero of a sharp response.
    """

    kind: str
    fwhm_ps: float = 0.0
    free: bool = False
    measured: MeasuredResponse | None = None
    bounds: tuple[float, float] = (1e-4, 1e4)
    zero_ps: float = 0.0

    @classmethod
    def choose(
        cls, delay: Float, signal: Float, irf_fwhm_ps: Any, measured_irf: Any, rises: bool | None = None
    ) -> tuple[Response, list[str]]:
        """Response for what the user knows of it.

        Parameters
        ----------
        delay, signal
            Delays and the size of the signal, which tell whether the rise was measured; (n,).
        irf_fwhm_ps, measured_irf
            As `fit_pump_probe`.
        rises
            Whether the rise was measured; None: looked for in `signal`.

        Raises
        ------
        FitError
            If both a width and a measured response are given, or the width is negative.
        """
        if measured_irf is not None:
            if irf_fwhm_ps is not None:
                raise FitError("give either irf_fwhm_ps or measured_irf, not both")
            response = (
                measured_irf if isinstance(measured_irf, MeasuredResponse) else MeasuredResponse.of(*measured_irf)
            )
            return cls("measured", response.fwhm_ps, measured=response), []
        if isinstance(irf_fwhm_ps, Sequence):
            value, low, high = (float(v) for v in irf_fwhm_ps)
            return cls("gaussian", value, True, bounds=(low, high)), []
        if irf_fwhm_ps is not None:
            width = float(irf_fwhm_ps)
            if not width >= 0 or not np.isfinite(width):
                raise FitError(f"irf_fwhm_ps is {width:g}; it must be 0 (sharp) or above")
            return (cls("gaussian", width) if width > 0 else cls("sharp")), []
        # the rise was measured if there are points before 0, or if the signal starts near zero (an unset stage)
        if rises is None:
            rises = abs(float(np.median(signal[:3]))) < 0.2 * float(np.abs(signal).max())
        if (delay < 0).sum() < 3 and not rises:
            note = (
                "fewer than three points before time zero: the response can't be fitted, the decay is taken from "
                "delay 0 on; give irf_fwhm_ps, or pass the points before the pump"
            )
            return cls("sharp"), [note]
        step = float(np.median(np.diff(np.unique(delay))))
        near = np.diff(np.unique(delay))
        smallest = float(near.min())
        # densely sampled traces: the response may span hundreds of steps
        widest = max(20 * step, 100 * smallest, 0.1 * float(delay.max() - delay.min()))
        return cls("gaussian", 3 * smallest, True, bounds=(0.05 * smallest, widest)), []

    def parameters(self, delay: Float, known_zero: float | None = None) -> tuple[Parameter, ...]:
        """Width, if it is fitted or Gaussian, and time zero, which may lie outside the delays only if it is known."""
        span = float(delay[-1] - delay[0])
        if self.kind == "sharp":
            return ()
        scale = self.fwhm_ps or 0.01 * span
        first, last = float(delay[0]), float(delay[-1])
        if known_zero is not None:
            first, last = min(first, known_zero - scale), max(last, known_zero + scale)
        zero = Parameter("time_zero_ps", "ps", "time zero", 0.0, first, last, scale=scale)
        if self.kind == "measured":
            return (zero,)
        low, high = self.bounds if self.free else (1e-9, 1e9)
        return (zero, Parameter("irf_fwhm_ps", "ps", "response, FWHM", self.fwhm_ps, low, high, positive=True))

    def held(self) -> dict[str, Any]:
        """Parameters that are not fitted."""
        return {"irf_fwhm_ps": Fixed(self.fwhm_ps)} if self.kind == "gaussian" and not self.free else {}

    def decay(self, delay: Any, lifetime: Any, p: Mapping[str, Any]) -> Any:
        """Compute a unit decay from time zero on."""
        if self.kind == "sharp":
            return sharp_decay(delay - self.zero_ps, lifetime)
        since = delay - p["time_zero_ps"]
        if self.measured is not None:
            return self.measured.decay(since, lifetime)
        return gaussian_decay(since, lifetime, p["irf_fwhm_ps"])

    def step(self, delay: Any, p: Mapping[str, Any]) -> Any:
        """Compute a unit step at time zero."""
        if self.kind == "sharp":
            return namespace(delay).where(delay >= self.zero_ps, 1.0, 0.0)
        since = delay - p["time_zero_ps"]
        if self.measured is not None:
            return self.measured.step(since)
        return gaussian_step(since, p["irf_fwhm_ps"])

    def artefact(self, delay: Any, p: Mapping[str, Any]) -> Any:
        """Pulse that follows the response."""
        width = p["irf_fwhm_ps"] if self.kind == "gaussian" else self.fwhm_ps
        return gaussian_pulse(delay - p["time_zero_ps"], width)

    def resolution(self) -> Callable[[Mapping[str, float]], float] | float:
        """Shortest lifetime that can be told from zero: a third of the response's width."""
        if self.kind == "gaussian":
            return lambda values: values["irf_fwhm_ps"] / 3.0
        return self.fwhm_ps / 3.0


def lifetime_parameter(name: str, delay: Float, description: str, fwhm_ps: float = 0.0) -> Parameter:
    """Lifetime with bounds that any measurement at these delays respects by far."""
    steps = np.diff(np.unique(delay))
    low = 1e-3 * (min(float(steps.min()), fwhm_ps) if fwhm_ps else float(steps.min()))
    span = float(delay[-1] - delay[0])
    return Parameter(name, "ps", description, 0.2 * span, low, 1e3 * span, positive=True)


def guess_time_zero(delay: Float, signal: Float) -> float:
    """Delay at which the signal first reaches half its largest size."""
    size = np.abs(signal - np.median(signal[: max(3, len(signal) // 20)]))
    half = 0.5 * float(np.sort(size)[-3 if len(size) > 20 else -1])  # one spike is no signal
    i = int(np.argmax(size >= half))
    if i == 0:
        return float(delay[0])
    share = (half - size[i - 1]) / (size[i] - size[i - 1])
    return float(delay[i - 1] + share * (delay[i] - delay[i - 1]))


def guess_lifetimes(delay: Float, count: int) -> list[tuple[float, ...]]:
    """Ascending sets of lifetimes over the range that the delays can show."""
    after = delay[-1] if delay[-1] > 0 else delay[-1] - delay[0]
    steps = np.diff(np.unique(delay))
    grid = np.geomspace(max(float(steps.min()), 1e-4 * after), 2 * after, 6 if count < 3 else 7)
    return list(itertools.combinations(grid.tolist(), count))
