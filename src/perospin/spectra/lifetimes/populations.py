"""Rate equations of spin-up and spin-down populations, fitted to a pair of traces."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from perospin.errors import FitError
from perospin.fitting import check_times_ps
from perospin.measurements.options import FitOptions, without_params
from perospin.measurements.result import SpinFit
from perospin.spectra.lifetimes.joint import _fit_joint
from perospin.spectra.lifetimes.pump_probe import _with_convention, refuse_long_response, swapped
from perospin.spectra.lifetimes.response import Convention, Response
from perospin.spectra.lifetimes.setup import _Setup, _size, check_pair


def fit_populations(
    delay_ps: Any,
    same: Any,
    counter: Any,
    *,
    order: Literal[1, 2] = 1,
    sigma: Any = None,
    irf_fwhm_ps: float | tuple[float, float, float] | None = None,
    measured_irf: Any = None,
    offset: bool | Literal["step"] = False,
    artefact: bool = False,
    convention: Convention = "flip",
    wavelength_nm: float | None = None,
    delay_unit: str = "ps",
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit the rate equations of the spin-up and spin-down populations to both traces.

    .. math:: \dot N_\pm=-\frac{N_\pm}{\tau_r}-k_2N_\pm(N_++N_-)-\frac{N_\pm-N_\mp}{\tau_{flip}}

    with SC proportional to N+ and CC to N-. Solved exactly: N decays by first and second order alone, the polarisation
    with tau_flip/2 alone.

    Parameters
    ----------
    order
        1: recombination alone; 2: also the second-order term (annihilation), whose ``annihilation`` = k2 N0 tau_r.
    convention
        What ``lifetime_ps`` means; default the flip time of the equations.
    delay_ps, same, counter, sigma, irf_fwhm_ps, measured_irf, offset, artefact, wavelength_nm, delay_unit
        As `fit_pump_probe`.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit

    Raises
    ------
    FitError
        If data or choices don't fit together.
    """
    if order not in (1, 2):
        raise FitError(f"order is {order}; use 1 (recombination) or 2 (with annihilation)")
    if convention not in ("polarisation", "flip"):
        raise FitError(f"unknown convention '{convention}' for the rate equations: use polarisation or flip")
    delay, notes = check_times_ps(delay_ps, unit=delay_unit)
    trace, spreads = check_pair(delay, same, counter, sigma)
    refuse_long_response(trace.x, irf_fwhm_ps)
    response, more = Response.choose(trace.x, _size(trace), irf_fwhm_ps, measured_irf)
    settings: dict[str, Any] = {"main": "lifetime_ps", "observable": "populations", "response": response.kind}
    params, rest = without_params(options)
    setup = _Setup(
        trace.x, response, offset, artefact, rest, params,
        [*notes, *trace.warnings, *more], settings,
    )  # fmt: skip
    fit = _fit_joint(setup, trace["same"], trace["counter"], spreads, 1, 1, annihilation=order == 2)
    return _with_convention(fit.with_warnings(*swapped(fit)), convention, wavelength_nm)
