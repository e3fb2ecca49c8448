r"""Circular polarisation of the luminescence against pump power: which of two times the light changes.

In steady state :math:`P=\rho_0/(1+\tau/\tau_s)`. More light shortens either the carriers' lifetime,
:math:`1/\tau\to(1+W/W_0)/\tau` (the polarisation rises), or the spins', :math:`1/\tau_s\to(1+W/W_0)/\tau_s` (it falls):

.. math:: P(W)=\frac{\rho_0}{1+r/(1+W/W_0)}\quad\text{or}\quad P(W)=\frac{\rho_0}{1+r(1+W/W_0)},\qquad r=\tau/\tau_s

DERIVED from the optical orientation law of `perospin.mechanisms.optical_orientation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import Float
from perospin.fitting.checks import check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.single import fit_model
from perospin.measurements.options import FitOptions, recording

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["PowerEffect", "fit_polarisation_power"]

PowerEffect = Literal["auto", "spin", "carrier"]


def fit_polarisation_power(
    power: Any,
    degree: Any,
    *,
    effect: PowerEffect = "auto",
    initial_polarisation: float | None = None,
    power_unit: str = "mW",
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit the degree of circular polarisation against pump power.

    Parameters
    ----------
    power, degree
        Pump powers (in `power_unit`) and polarisation, a fraction from -1 to 1; (n,).
    effect
        ``"spin"``: light shortens the spin lifetime, the polarisation falls. ``"carrier"``: light shortens the carrier
        lifetime, the polarisation rises towards rho_0. ``"auto"``: whichever has the lower AICc.
    initial_polarisation
        rho_0, at the moment of excitation (1 for the J = 1/2 bands of perovskites): gives tau/tau_s at zero power. The
        curve alone can't tell rho_0 from tau/tau_s if the light shortens the spin lifetime.
    power_unit
        For tables and axes.
    sigma
        Standard uncertainty of the polarisation; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `polarisation_at_zero`, `power_scale` (where the change is half done), with ``"carrier"`` also
        `polarisation_at_saturation`, and with rho_0 `ratio` (tau/tau_s at zero power).

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If an option is unknown or out of range.

    Notes
    -----
    With ``"spin"``, :math:`P=P(0)/(1+W/W_h)`, with ``"carrier"`` :math:`P=P(0)+[P_\infty-P(0)]\,W/(W+W_h)`: what is
    fitted are P(0), P at saturation and W_h, which the data determine; W_0 follows from them and rho_0.
    """
    from perospin.measurements.result import SpinFit

    if effect not in ("auto", "spin", "carrier"):
        raise DataError(f"unknown effect '{effect}': use auto, spin or carrier")
    if initial_polarisation is not None and not 0 < abs(initial_polarisation) <= 1:
        raise DataError(f"initial_polarisation must be above 0 and at most 1, got {initial_polarisation:g}")
    trace = check_trace(power, {"degree": degree}, sigma=sigma, x_name="power", least=4)
    if trace.x[0] < 0:
        raise DataError(f"a power is negative ({trace.x[0]:g} {power_unit})")
    if np.max(np.abs(trace["degree"])) > 1.0:
        raise DataError(
            f"a degree of polarisation is {np.max(np.abs(trace['degree'])):g}; it must lie between -1 and 1: "
            "divide percents by 100"
        )

    def run(which: Literal["spin", "carrier"]) -> SpinFit:
        text = "pump light shortens the " + ("spin lifetime" if which == "spin" else "carrier lifetime")
        return fit_model(
            _model(trace.x, which, power_unit), trace.x, trace["degree"], sigma=trace.sigma,
            warnings=trace.warnings, analysis="polarisation against power", result=SpinFit,
            conventions={"effect": text, "degree": "(I_same - I_counter)/(I_same + I_counter)"}, **options,
        )  # fmt: skip

    if effect == "auto":
        spin, carrier = run("spin"), run("carrier")
        gap = spin.statistics["aicc"] - carrier.statistics["aicc"]
        which: Literal["spin", "carrier"] = "carrier" if gap > 0 else "spin"
        fit = carrier if gap > 0 else spin
        if abs(gap) < 6.0 or not np.isfinite(gap):
            fit = fit.with_warnings(
                "it is not decided whether light shortens the spin or the carrier lifetime "
                f"(AICc differs by {abs(gap):.1f})"
            )
    else:
        which, fit = effect, run(effect)
    if initial_polarisation is not None:
        rho = float(np.copysign(initial_polarisation, fit["polarisation_at_zero"].value))
        if abs(fit["polarisation_at_zero"].value) >= abs(rho):
            fit = fit.with_warnings(
                f"the polarisation at zero power, {fit['polarisation_at_zero'].value:.3g}, is not below the initial "
                f"{rho:g}: tau/tau_s can't be told"
            )
        else:
            fit = fit.derive("ratio", lambda v: rho / v["polarisation_at_zero"] - 1.0, "", "tau/tau_s at zero power")
    return recording(
        fit, {}, drawing="polarisation", main="polarisation_at_zero", effect=which,
        power_unit=power_unit,
    )  # fmt: skip


def _model(power: Float, effect: Literal["spin", "carrier"], unit: str) -> SeparableModel:
    positive = power[power > 0]
    low, high = 0.02 * float(positive.min()), 100.0 * float(positive.max())
    scale = Parameter(
        "power_scale", unit, "power where the change is half done", float(np.median(positive)), low, high, positive=True
    )  # fmt: skip
    zero = Quantity("polarisation_at_zero", "", "polarisation at zero power")
    end = Quantity("polarisation_at_saturation", "", "polarisation at high power")

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        share = 1.0 / (1.0 + at / theta["power_scale"])
        return [share] if effect == "spin" else [share, 1.0 - share]

    return SeparableModel(
        name=f"polarisation against power ({effect} lifetime)",
        parameters=(scale,),
        amplitudes=(zero,) if effect == "spin" else (zero, end),
        basis=basis,
        x=(Quantity("power", unit, "pump power"),),
        y=Quantity("degree", "", "circular polarisation"),
        guess=lambda at, _: [{"power_scale": float(w)} for w in np.geomspace(5 * low, 0.1 * high, 6)],
    )
