"""The polarisation (SC - CC)/(SC + CC), fitted where the population is large enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perospin.digits import counted
from perospin.errors import FitError
from perospin.fitting import Quantity, SeparableModel
from perospin.fitting.arrays import Float, namespace
from perospin.measurements.result import SpinFit
from perospin.spectra.lifetimes.response import guess_time_zero, lifetime_parameter
from perospin.spectra.lifetimes.setup import (
    _DELAY,
    _guess,
    _mean,
    _names,
    _Setup,
    _sorted_fit,
    _stands_out,
    _without_signal,
)


def _fit_polarisation(setup: _Setup, same: Float, counter: Float, sigma: Float | None, components: int) -> SpinFit:
    total, difference = same + counter, same - counter
    top = int(np.argmax(np.abs(total)))
    start = setup.delay[top]
    if setup.response.kind != "sharp" and not setup.response.free:
        start = max(start, guess_time_zero(setup.delay, total) + setup.response.fwhm_ps)
    late = setup.delay >= start
    # a ratio of noise is no polarisation: stop where the sum has sunk into its noise
    noise = 1.4826 * float(np.median(np.abs(np.diff(total)))) / np.sqrt(2.0)
    seen = np.abs(total) > max(5.0 * noise, 0.01 * float(np.abs(total).max()))
    keep = late & seen & np.cumprod(np.where(late, seen, True)).astype(bool)
    if keep.sum() < 3 + 2 * components:
        raise FitError(
            f"only {counted(int(keep.sum()), 'point')} after the response with a sum SC + CC above its noise: "
            "use observable='joint', which needs no ratio"
        )
    delay = setup.delay[keep]
    polarisation = difference[keep] / total[keep]
    # a ratio's uncertainty; without sigma for equal noise in both channels
    noises = np.full((2, len(delay)), np.sqrt(0.5)) if sigma is None else sigma[:, keep]
    spread = 2.0 * np.hypot(counter[keep] * noises[0], same[keep] * noises[1]) / total[keep] ** 2
    names = _names("polarisation_lifetime_ps", components)

    def basis(time: Any, p: Mapping[str, Any]) -> list[Any]:
        xp = namespace(time, *p.values())
        out = [xp.exp(-(time - zero) / p[name]) for name in names]
        return [*out, xp.ones_like(time)] if setup.offset else out

    zero = 0.0 if setup.response.kind == "sharp" else guess_time_zero(setup.delay, total)
    zero = min(zero, float(delay[0]))  # a fast decay must not be taken back to before its start
    amplitudes = [
        Quantity("initial_polarisation" if components == 1 else f"amplitude_{i + 1}", "", "polarisation at time zero")
        for i in range(components)
    ]
    model = SeparableModel(
        "pump-probe, decay of the polarisation (SC - CC)/(SC + CC)",
        tuple(lifetime_parameter(n, delay, "decay time of the spin polarisation") for n in names),
        (*amplitudes, *([Quantity("offset")] if setup.offset else [])),
        basis, (_DELAY,), Quantity("polarisation", "", "(SC − CC)/(SC + CC)"), guess=_guess(names, []),
    )  # fmt: skip
    setup.settings["first_ps"] = float(delay[0])
    fit = _sorted_fit(setup, model, delay, polarisation, spread, names, absolute_sigma=sigma is not None)
    if not _stands_out(polarisation, fit.data["best_fit"].to_numpy(), spread, bool(setup.offset)):
        fit = _without_signal(fit, names, "no polarisation", "(SC - CC)/(SC + CC)")
    if components > 1:
        fit = fit.derive(
            "polarisation_lifetime_ps", lambda v: _mean(v, "polarisation_lifetime_ps", components), "ps",
            "amplitude-weighted mean decay time of the polarisation",
        )  # fmt: skip
    return fit.derive("flip_time_ps", lambda v: 2.0 * v["polarisation_lifetime_ps"], "ps", "time between spin flips")
