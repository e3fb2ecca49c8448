r"""Precession that starts at time zero, seen through a Gaussian instrument response, in forms that never overflow.

With z = 1/T2* - i omega and the response's standard deviation sigma,

.. math:: f(t)=\tfrac12e^{\sigma^2z^2/2-zt}\,\mathrm{erfc}(u)=\tfrac12e^{-t^2/2\sigma^2}\,w(iu),\qquad
          u=\frac1{\sqrt2}\Big(\sigma z-\frac t\sigma\Big)

with the Faddeeva function w, the complex cousin of erfcx; for Re u < 0, erfc(u) = 2 - erfc(-u) keeps it from growing. A
Gaussian envelope gives the same with a shifted and scaled argument. The response washes fast precession out by
:math:`e^{-\sigma^2\omega^2/2}`. DERIVED.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from perospin.fitting.arrays import namespace
from perospin.spectra.signals.irf import FWHM_PER_SIGMA
from perospin.spectra.signals.signals import Envelope

__all__ = ["precession_seen"]


def _faddeeva(z: Any) -> Any:
    """w(z) for Im z >= 0, where it is bounded."""
    if namespace(z) is np:
        from scipy.special import wofz

        return wofz(z)
    from jax.scipy.special import wofz as jax_wofz

    return jax_wofz(z)


def precession_seen(
    time_ps: Any,
    frequency_ghz: Any,
    dephasing_time_ps: Any,
    fwhm_ps: float,
    *,
    envelope: Envelope = "exponential",
) -> tuple[Any, Any]:
    """Damped cosine and sine of unit amplitude that start at time 0, convolved with a Gaussian response.

    Parameters
    ----------
    time_ps
        Delay after time zero (ps), (n,).
    frequency_ghz, dephasing_time_ps, envelope
        As `perospin.spectra.signals.signals.damped_cosine`.
    fwhm_ps
        Full width at half maximum of the response (ps), above 0.

    Returns
    -------
    cosine, sine : array
        Shape (n,); finite for all times and parameters.
    """
    xp = namespace(time_ps, frequency_ghz, dephasing_time_ps)
    sigma = fwhm_ps / FWHM_PER_SIGMA
    omega = 2e-3 * np.pi * frequency_ghz
    pulse = xp.exp(-0.5 * (time_ps / sigma) ** 2)
    if envelope == "exponential":
        z = 1.0 / dephasing_time_ps - 1j * omega
        u = (sigma * z - time_ps / sigma) / np.sqrt(2.0)
        exponent = 0.5 * (sigma * z) ** 2 - z * time_ps
        scale: Any = 1.0
    else:
        wider = 1.0 + 2.0 * (sigma / dephasing_time_ps) ** 2
        u = -(time_ps / sigma + 1j * omega * sigma) / xp.sqrt(2.0 * wider)
        # the squares of t/sigma cancel by hand: numerically they would not
        exponent = -((time_ps / dephasing_time_ps) ** 2 - 1j * omega * time_ps + 0.5 * (omega * sigma) ** 2) / wider
        scale = 1.0 / xp.sqrt(wider)
    rising = xp.real(u) >= 0
    # each branch sees only arguments that are safe for it: derivatives must stay finite too
    tail = 0.5 * pulse * _faddeeva(1j * xp.where(rising, u, -u))
    wave = scale * xp.where(rising, tail, xp.exp(xp.where(rising, 0.0, exponent)) - tail)
    return xp.real(wave), xp.imag(wave)
