r"""Precession in zero external field about the frozen fields of the nuclei.

Every nanocrystal has its own nuclear field; the ensemble falls to 4 % of its polarisation, comes back to a third, and
stays: a dip whose time is :math:`\hbar/(|g|\mu_B\Delta_N)` times 2.45.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.checks import check_times_ps, check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.single import fit_model
from perospin.measurements.options import FitOptions, from_start, over, recording
from perospin.spectra.signals.signals import RADIANS_PER_PS_TESLA, nuclear_precession
from perospin.spectra.signals.starts import best_starts

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["fit_nuclear_precession"]


def fit_nuclear_precession(
    delay_ps: Any,
    signal: Any,
    *,
    g_factor: float | None = None,
    decay: bool = False,
    offset: bool = False,
    start_ps: float = 0.0,
    delay_unit: str = "ps",
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit a transient in zero field with precession in frozen nuclear fields.

    Parameters
    ----------
    delay_ps, signal
        Delays (ps, or `delay_unit`) and signal, any unit; (n,).
    g_factor
        g, from `fit_kerr_series`; without it only the product |g| Delta_N is given.
    decay
        Whether everything decays exponentially besides (recombination).
    offset
        Whether a constant is added. It can't be told from the third of the spin that stays.
    start_ps, delay_unit, sigma
        As `fit_kerr`.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `g_nuclear_field_t` (|g| Delta_N), `dephasing_time_ps`, and with g `nuclear_field_t` (Delta_N).

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If g is zero.

    Notes
    -----
    `dephasing_time_ps` is :math:`2\hbar/(|g|\mu_B\Delta_N)`, as `perospin.mechanisms.hyperfine_dephasing_time_ps`.
    """
    from perospin.measurements.result import SpinFit

    if g_factor is not None and not abs(g_factor) > 0:
        raise DataError("g_factor must not be zero: a spin with g = 0 does not precess")
    delay, told = check_times_ps(delay_ps, unit=delay_unit)
    trace = check_trace(delay, {"signal": signal}, sigma=sigma, x_name="delay_ps")
    trace = from_start(trace, start_ps)
    span, step = float(np.ptp(trace.x)), float(np.median(np.diff(np.unique(trace.x))))
    slow, fast = 2.0 / (RADIANS_PER_PS_TESLA * 20.0 * span), 2.0 / (RADIANS_PER_PS_TESLA * 0.5 * step)
    parameters = [
        Parameter("g_nuclear_field_t", "T", "|g| times Delta_N", float(np.sqrt(slow * fast)), slow, fast, positive=True)
    ]
    if decay:
        parameters.append(
            Parameter("decay_time_ps", "ps", "decay of the whole signal", span, step, 100.0 * span, positive=True)
        )
    amplitudes = [Quantity("amplitude", "", "signal at zero delay")]
    if offset:
        amplitudes.append(Quantity("offset", "", "constant background"))

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        xp = namespace(at, *theta.values())
        wave = nuclear_precession(at, theta["g_nuclear_field_t"], 1.0)
        if decay:
            wave = wave * xp.exp(-at / theta["decay_time_ps"])
        return [wave, xp.ones_like(at)] if offset else [wave]

    def guess(at: Any, values: Float) -> list[Mapping[str, float]]:
        candidates = [
            {"g_nuclear_field_t": float(field), **({"decay_time_ps": time} if decay else {})}
            for field in np.geomspace(2.0 * slow, 0.5 * fast, 40)
            for time in ((0.3 * span, 3.0 * span) if decay else (0.0,))
        ]
        return best_starts(basis, np.asarray(at, float), values, candidates, keep=3)

    model = SeparableModel(
        name="precession in nuclear fields",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(Quantity("delay_ps", "ps", "delay"),),
        y=Quantity("signal", "", "Kerr rotation"),
        guess=guess,
    )
    conventions = {
        "nuclear field": "distributed as exp(-B_N^2/Delta_N^2): a component's standard deviation is Delta_N/sqrt(2)",
        "external field": "zero",
    }
    fit = fit_model(
        model, trace.x, trace["signal"], sigma=trace.sigma, warnings=(*told, *trace.warnings),
        analysis="precession in nuclear fields", conventions=conventions, result=SpinFit, **options,
    )  # fmt: skip
    fit = fit.derive(
        "dephasing_time_ps", lambda v: over(2.0, RADIANS_PER_PS_TESLA * v["g_nuclear_field_t"]), "ps",
        "dephasing time in the nuclear field",
    )  # fmt: skip
    if g_factor is not None:
        size = abs(g_factor)
        fit = fit.derive(
            "nuclear_field_t", lambda v: v["g_nuclear_field_t"] / size, "T", "nuclear field Delta_N", first=True
        )  # fmt: skip
    record = {
        "property": "T2_star",
        "note": "Gaussian dephasing by frozen nuclear fields in zero field, 2 hbar/(g mu_B Delta_N)",
        "conditions": {"technique": "TRKR", "field_t": 0.0},
    }
    main = "g_nuclear_field_t" if g_factor is None else "nuclear_field_t"
    return recording(fit, {"dephasing_time_ps": record}, main=main, g_factor=g_factor, field_t=0.0)
