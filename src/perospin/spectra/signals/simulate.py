"""Measurements that nobody made: signals of known parameters with noise, to test analyses and to plan experiments.

Noise is normal, with the standard deviation given (in units of the signal), drawn from a seed: the same seed gives the
same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perospin.errors import DataError
from perospin.fitting.arrays import Float
from perospin.spectra.signals.irf import gaussian_decay, sharp_decay
from perospin.spectra.signals.signals import (
    GHZ_PER_TESLA,
    Convention,
    Envelope,
    damped_cosine,
    gaussian_resonance,
    hanle_line,
    inertia_magnitude,
    nuclear_precession,
    resonant_amplification,
    spin_valve_line,
)

__all__ = [
    "hanle_curve",
    "inertia_curve",
    "kerr_trace",
    "nuclear_trace",
    "odmr_spectrum",
    "resonant_amplification_curve",
    "spin_valve_curve",
    "t1_against_field",
    "t1_against_temperature",
]

Several = float | Sequence[float]


def _several(**named: Several) -> list[Float]:
    """One-dimensional arrays of one common length; a single number serves all components.

    Raises
    ------
    DataError
        If two lists differ in length.
    """
    arrays = {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in named.items()}
    lengths = {array.size for array in arrays.values()} - {1}
    if len(lengths) > 1:
        sizes = ", ".join(f"{name} {array.size}" for name, array in arrays.items())
        raise DataError(f"the lists of the components differ in length: {sizes}")
    size = lengths.pop() if lengths else 1
    return [np.broadcast_to(array, (size,)) for array in arrays.values()]


def _noisy(signal: Float, noise: float, seed: int) -> Float:
    if noise < 0:
        raise DataError(f"noise is a standard deviation and can't be negative, got {noise:g}")
    return signal + noise * np.random.default_rng(seed).standard_normal(signal.shape) if noise else signal


def kerr_trace(
    delay_ps: ArrayLike,
    *,
    field_t: float,
    g_factor: Several,
    dephasing_time_ps: Several,
    amplitude: Several = 1.0,
    phase_rad: Several = 0.0,
    offset: float = 0.0,
    envelope: Envelope = "exponential",
    noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """Kerr or Faraday transient: a sum of damped cosines.

    Parameters
    ----------
    delay_ps
        Delays (ps), shape (n,).
    field_t
        Transverse field (T).
    g_factor, dephasing_time_ps, amplitude, phase_rad
        Of each component: g, T2* (ps) at this field, amplitude, phase (rad).
    offset
        Constant added.
    envelope
        See `perospin.spectra.signals.signals.damped_cosine`.
    noise, seed
        Standard deviation of the noise, seed.

    Returns
    -------
    ndarray
        Signal, shape (n,).

    Raises
    ------
    DataError
        If the lists differ in length.
    """
    delay = np.asarray(delay_ps, dtype=float)
    signal = np.full(delay.shape, offset)
    parts = _several(
        g_factor=g_factor, dephasing_time_ps=dephasing_time_ps, amplitude=amplitude, phase_rad=phase_rad
    )  # fmt: skip
    for g, time, size, phase in zip(*parts, strict=True):
        signal = signal + damped_cosine(delay, GHZ_PER_TESLA * g * field_t, time, size, phase, envelope=envelope)
    return _noisy(signal, noise, seed)


def nuclear_trace(
    delay_ps: ArrayLike,
    *,
    nuclear_field_t: float,
    g_factor: float,
    amplitude: float = 1.0,
    noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """Transient in zero field: spins precess in frozen nuclear fields (`signals.nuclear_precession`).

    Parameters
    ----------
    delay_ps, nuclear_field_t, g_factor, amplitude
        Delays (ps), Delta_N (T), g, signal at zero delay.
    noise, seed
        Standard deviation of the noise, seed.
    """
    delay = np.asarray(delay_ps, dtype=float)
    return _noisy(amplitude * nuclear_precession(delay, nuclear_field_t, g_factor), noise, seed)


def resonant_amplification_curve(
    field_t: ArrayLike,
    *,
    g_factor: Several,
    dephasing_time_ps: Several,
    period_ps: float,
    delay_ps: float,
    amplitude: Several = 1.0,
    g_spread: Several = 0.0,
    convention: Convention = "linear",
    noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """Resonant spin amplification: signal at one delay against field (`signals.resonant_amplification`).

    Parameters
    ----------
    field_t
        Transverse fields (T), shape (n,).
    g_factor, dephasing_time_ps, amplitude, g_spread
        Of each component: g, T2* (ps) at zero field, amplitude, spread of g.
    period_ps, delay_ps
        Time between pump pulses and delay (ps).
    convention
        Meaning of the spread: ``"linear"`` or ``"gaussian"``.
    noise, seed
        Standard deviation of the noise, seed.
    """
    field = np.asarray(field_t, dtype=float)
    parts = _several(g_factor=g_factor, dephasing_time_ps=dephasing_time_ps, amplitude=amplitude, g_spread=g_spread)
    signal = np.zeros(field.shape)
    for g, time, size, spread in zip(*parts, strict=True):
        one = resonant_amplification(field, g, time, period_ps, delay_ps, spread, convention=convention)
        signal = signal + size * one
    return _noisy(signal, noise, seed)


def hanle_curve(
    field_t: ArrayLike,
    *,
    g_factor: float,
    lifetime_ps: float,
    spin_lifetime_ps: float,
    initial: float = 1.0,
    offset: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """Optical Hanle curve: degree of circular polarisation of the luminescence against a transverse field.

    Parameters
    ----------
    field_t
        Fields (T), either sign, shape (n,).
    g_factor, lifetime_ps, spin_lifetime_ps
        g, recombination time tau (ps), spin relaxation time tau_s (ps).
    initial
        Polarisation rho_0 at the moment of excitation.
    offset
        Constant added.
    noise, seed
        Standard deviation of the noise, seed.
    """
    from perospin.mechanisms import hanle_half_width_t, optical_orientation, total_lifetime_ps

    width = hanle_half_width_t(g_factor, total_lifetime_ps(lifetime_ps, spin_lifetime_ps))
    peak = optical_orientation(lifetime_ps, spin_lifetime_ps, initial)
    return _noisy(offset + peak * hanle_line(np.asarray(field_t, dtype=float), width), noise, seed)


def spin_valve_curve(
    field_t: ArrayLike,
    *,
    lifetime_ps: float,
    diffusion_cm2_s: float,
    length_um: float,
    amplitude_ohm: float = 1.0,
    g_factor: float = 2.0,
    contact_ratio: float = 0.0,
    drift_m_s: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """Non-local spin-valve Hanle curve (ohm), `signals.spin_valve_line` times an amplitude.

    Parameters
    ----------
    field_t
        Fields (T), either sign, shape (n,).
    lifetime_ps, diffusion_cm2_s, length_um
        Spin lifetime (ps), diffusion coefficient (cm^2/s), distance of the contacts (um).
    amplitude_ohm
        Polarisation squared times the channel's spin resistance (ohm).
    g_factor, contact_ratio, drift_m_s
        See `signals.spin_valve_line`.
    noise, seed
        Standard deviation of the noise (ohm), seed.
    """
    field = np.asarray(field_t, dtype=float)
    line = spin_valve_line(field, lifetime_ps, diffusion_cm2_s, length_um, g_factor, contact_ratio, drift_m_s)
    return _noisy(amplitude_ohm * line, noise, seed)


def odmr_spectrum(
    field_t: ArrayLike,
    *,
    frequency_ghz: float,
    g_factor: Several,
    g_spread: Several = 0.0,
    nuclear_field_t: Several,
    amplitude: Several = 1.0,
    offset: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """Optically detected magnetic resonance at one microwave frequency against field.

    Parameters
    ----------
    field_t
        Fields (T), shape (n,).
    frequency_ghz
        Microwave frequency (GHz).
    g_factor, g_spread, nuclear_field_t, amplitude
        Of each resonance: g, its standard deviation, Delta_N (T), amplitude.
    offset
        Constant added.
    noise, seed
        Standard deviation of the noise, seed.

    Notes
    -----
    The resonance stands at h f/(g mu_B); its width is `perospin.mechanisms.resonance_width`.
    """
    from perospin.mechanisms import resonance_field_t, resonance_width

    field = np.asarray(field_t, dtype=float)
    signal = np.full(field.shape, offset)
    parts = _several(g_factor=g_factor, g_spread=g_spread, nuclear_field_t=nuclear_field_t, amplitude=amplitude)
    for g, spread, nuclear, size in zip(*parts, strict=True):
        centre = resonance_field_t(frequency_ghz, g)
        width = resonance_width(centre, nuclear, g, spread)
        signal = signal + size * gaussian_resonance(field, centre, width)
    return _noisy(signal, noise, seed)


def inertia_curve(
    modulation_frequency_hz: ArrayLike,
    *,
    t1_ps: Several,
    amplitude: Several = 1.0,
    noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """Spin inertia: lock-in magnitude against modulation frequency, of one or several species.

    Parameters
    ----------
    modulation_frequency_hz
        Modulation frequencies (Hz), shape (n,).
    t1_ps, amplitude
        Of each species: longitudinal relaxation time (ps), signal at zero frequency.
    noise, seed
        Standard deviation of the noise, seed.
    """
    frequency = np.asarray(modulation_frequency_hz, dtype=float)
    times, sizes = _several(t1_ps=t1_ps, amplitude=amplitude)
    return _noisy(inertia_magnitude(frequency, list(times), list(sizes)), noise, seed)


def t1_against_field(
    field_t: ArrayLike,
    *,
    spin_lifetime_ps: float,
    correlation_time_ps: float,
    nuclear_field_t: float,
    relative_noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """T1 (ps) against field under a nuclear field that jumps (`nuclear_fluctuation_rate`), with relative noise.

    Parameters
    ----------
    field_t
        Fields (T), shape (n,).
    spin_lifetime_ps, correlation_time_ps, nuclear_field_t
        tau_s and tau_c (ps), Delta_N (T).
    relative_noise, seed
        Standard deviation of ln T1, seed.
    """
    from perospin.mechanisms import nuclear_fluctuation_rate

    field = np.abs(np.asarray(field_t, dtype=float))
    rate = nuclear_fluctuation_rate(field, nuclear_field_t, correlation_time_ps, spin_lifetime_ps=spin_lifetime_ps)
    return np.exp(_noisy(-np.log(rate), relative_noise, seed))


def t1_against_temperature(
    temperature_k: ArrayLike,
    *,
    spin_lifetime_ps: float,
    activation_rate_per_ps: float,
    activation_energy_mev: float,
    relative_noise: float = 0.0,
    seed: int = 0,
) -> Float:
    """T1 (ps) against temperature with thermal activation, 1/T1 = 1/T1(0) + gamma_a exp(-E_a/kT), with relative noise.

    Parameters
    ----------
    temperature_k
        Temperatures (K), shape (n,).
    spin_lifetime_ps, activation_rate_per_ps, activation_energy_mev
        T1 at zero temperature (ps), gamma_a (1/ps), E_a (meV).
    relative_noise, seed
        Standard deviation of ln T1, seed.
    """
    from perospin.mechanisms import activation_rate

    temperature = np.asarray(temperature_k, dtype=float)
    rate = activation_rate(
        temperature, activation_rate_per_ps, activation_energy_mev, spin_lifetime_ps=spin_lifetime_ps
    )
    return np.exp(_noisy(-np.log(rate), relative_noise, seed))


def simulate_pump_probe(
    delay_ps: Any,
    lifetime_ps: float,
    *,
    population_lifetime_ps: float = 100.0,
    initial_polarisation: float = 1.0,
    amplitude: float = 1.0,
    irf_fwhm_ps: float = 0.25,
    time_zero_ps: float = 0.0,
    offset: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> tuple[Float, Float]:
    """Simulate traces SC and CC.

    Parameters
    ----------
    delay_ps
        Delays (ps), (n,).
    lifetime_ps
        1/e decay time of the polarisation (half the flip time).
    population_lifetime_ps, initial_polarisation, amplitude, irf_fwhm_ps, time_zero_ps, offset
        Of the model; `amplitude` is the population's signal in each channel, half the sum SC + CC.
    noise
        Standard deviation of normal noise in each channel.
    seed
        Of the noise.

    Returns
    -------
    same, counter : ndarray, shape (n,)
    """
    since = np.asarray(delay_ps, float) - time_zero_ps
    joint = 1.0 / (1.0 / lifetime_ps + 1.0 / population_lifetime_ps)
    shape = (lambda t: gaussian_decay(since, t, irf_fwhm_ps)) if irf_fwhm_ps > 0 else (lambda t: sharp_decay(since, t))
    total, oriented = shape(population_lifetime_ps), initial_polarisation * shape(joint)
    rng = np.random.default_rng(seed)
    clean = [amplitude * (total + oriented) + offset, amplitude * (total - oriented) + offset]
    same, counter = (part + noise * rng.normal(size=len(since)) for part in clean)
    return same, counter
