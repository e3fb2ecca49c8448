"""The quantities that the laws speak of: unit, allowed range and meaning of every argument name.

One table serves the range checks of the laws, the command line and the columns of a user's file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from perospin.errors import DataError
from perospin.units import PLANCK_EV_S, SPEED_OF_LIGHT_M_S, convert


@dataclass(frozen=True, slots=True)
class Quantity:
    """One argument of a law.

    Attributes
    ----------
    name
        Argument name, with its unit.
    short
        The same without the unit, e.g. ``"temperature"``.
    unit
        Unit text for `perospin.units`; ``"1"`` for a pure number.
    low, high
        Range. `low` itself is allowed if `low_allowed`.
    low_allowed
        Whether `low` is inside the range.
    meaning
        What it is.
    """

    name: str
    short: str
    unit: str
    low: float
    low_allowed: bool
    meaning: str
    high: float = math.inf

    @property
    def range_text(self) -> str:
        """The allowed range in words, e.g. ``"a positive number"``."""
        if math.isinf(self.low):
            return "a finite number"
        if math.isfinite(self.high):
            return f"a number from {self.low:g} to {self.high:g}"
        return "zero or a positive number" if self.low_allowed else "a positive number"

    def allows(self, smallest: float, largest: float) -> bool:
        """Whether all values from `smallest` to `largest` are in the range (NaN and infinity are not)."""
        above = smallest >= self.low if self.low_allowed else smallest > self.low
        return bool(above and largest <= self.high and math.isfinite(smallest) and math.isfinite(largest))

    def with_unit(self, value: float) -> str:
        """Write a value with its unit."""
        return f"{value:g}" if self.unit == "1" else f"{value:g} {self.unit}"


_SUFFIXES = (
    "_cm2_vs", "_g_cm3", "_gpa", "_nm2", "_rad_per_ps", "_per_ps", "_per_a", "_ev_a3", "_ev_a", "_mev", "_ev", "_cm2_s",
    "_cm3", "_m_s", "_m0", "_a2", "_nm", "_ps", "_ghz", "_mhz", "_k", "_t",
)  # fmt: skip


def _short(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return name


def _positive(name: str, unit: str, meaning: str) -> Quantity:
    return Quantity(name, _short(name), unit, 0.0, False, meaning)


def _from_zero(name: str, unit: str, meaning: str, high: float = math.inf) -> Quantity:
    return Quantity(name, _short(name), unit, 0.0, True, meaning, high)


def _any(name: str, unit: str, meaning: str) -> Quantity:
    return Quantity(name, _short(name), unit, -math.inf, True, meaning)


_LIST = (
    _positive("temperature_k", "K", "temperature"),
    _positive("momentum_scattering_time_ps", "ps", "relaxation time of the momentum (of the harmonic that counts)"),
    _positive("mass_m0", "m_e", "effective mass of the carrier whose spin relaxes"),
    _positive("hole_mass_m0", "m_e", "effective mass of the holes"),
    _positive("reduced_mass_m0", "m_e", "reduced mass of the exciton"),
    _positive("translational_mass_m0", "m_e", "mass of the exciton as a whole, electron plus hole"),
    _from_zero("rashba_ev_a", "eV*Angstrom", "Rashba coefficient of a splitting 2 alpha k"),
    _from_zero("exchange_slope_ev_a", "eV*Angstrom", "exchange slope: half of the LT splitting's slope against K"),
    _from_zero("isotropic_ev_a", "eV*Angstrom", "coefficient of an isotropic k-linear field, alpha k.sigma"),
    _any("dresselhaus_ev_a", "eV*Angstrom", "linear Dresselhaus coefficient of a layer"),
    _any("dresselhaus_ev_a3", "eV*Angstrom^3", "cubic Dresselhaus coefficient of a bulk crystal"),
    _from_zero("precession_rad_per_ps", "rad/ps", "precession frequency, spin splitting over hbar"),
    _from_zero("wavevector_per_a", "1/Angstrom", "wave vector"),
    _any("time_ps", "ps", "time"),
    _from_zero("spin_mixing", "1", "spin admixture <b^2>", 1.0),
    _positive("prefactor", "1", "numerical factor of order one"),
    _from_zero("coupling", "1", "spin coupling constant lambda_s"),
    _positive("phonon_energy_mev", "meV", "phonon energy"),
    _positive("phonon_damping_per_ps", "1/ps", "damping rate of the phonon"),
    _from_zero("density_cm3", "1/cm^3", "density of free carriers"),
    _from_zero("acceptor_density_cm3", "1/cm^3", "density of acceptors"),
    _from_zero("exchange_splitting_mev", "meV", "exchange splitting of the 1s exciton"),
    _positive("permittivity", "1", "relative permittivity"),
    _positive("effective_permittivity", "1", "eps* = 1/(1/eps_optical - 1/eps_static)"),
    _from_zero("kinetic_energy_mev", "meV", "kinetic energy of the electron"),
    _positive("exciton_binding_energy_mev", "meV", "binding energy of the exciton"),
    _from_zero("quadratic_coefficient_per_ps", "1/(ps*eV^2)", "k of the law rate = k E_b^2"),
    _positive("n_layers", "1", "number of octahedral layers"),
    _from_zero("field_t", "T", "magnetic field"),
    _from_zero("field_ratio", "1", "applied field over the nuclear field, B/Delta_N"),
    _positive("nuclear_field_t", "T", "1/e half width Delta_N of the nuclear field's distribution"),
    _positive("correlation_time_ps", "ps", "correlation time of the nuclear field"),
    _positive("spin_lifetime_ps", "ps", "spin lifetime without the mechanism in question"),
    _positive("lifetime_ps", "ps", "lifetime"),
    _positive("lifetime_uncertainty_ps", "ps", "standard uncertainty of the lifetime"),
    _positive("rate_per_ps", "1/ps", "rate, one over the lifetime"),
    _positive("rate_uncertainty_per_ps", "1/ps", "standard uncertainty of the rate"),
    _from_zero("activation_rate_per_ps", "1/ps", "rate at infinite temperature"),
    _positive("activation_energy_mev", "meV", "activation energy"),
    _positive("size_nm", "nm", "edge length of the nanocrystal"),
    _positive("gap_ev", "eV", "band gap, or transition energy"),
    _positive("split_off_ev", "eV", "spin-orbit splitting of the bands"),
    _positive("interband_momentum_ev_a", "eV*Angstrom", "hbar p/m0, interband matrix element"),
    _any("remote_bands", "1", "contribution of remote bands to the electron g factor"),
    _from_zero("rashba_coefficient_a2", "Angstrom^2", "alpha_R/e: Rashba constant per electric field"),
    _positive("polarisability_factor", "1", "C_chi: polarisability of the confined carrier in m e^2 a^4/hbar^2"),
    _positive("angular_factor", "1", "A: angular mean of the two phonons' fields, 2/9"),
    _positive("edge_x_nm", "nm", "edge of a box along x"),
    _positive("edge_y_nm", "nm", "edge of a box along y"),
    _positive("edge_z_nm", "nm", "edge of a box along z"),
    _positive("cutoff", "1", "largest phonon wave vector times the edge length"),
    _positive("level_spacing_mev", "meV", "spacing of the confined carrier's levels"),
    _any("g_factor", "1", "Lande factor"),
    _from_zero("g_spread", "1", "spread of the g factor over the ensemble"),
    _positive("frequency_ghz", "GHz", "frequency"),
    _from_zero("modulation_mhz", "MHz", "modulation frequency"),
    _positive("repetition_time_ps", "ps", "time between pump pulses"),
    _positive("mobility_cm2_vs", "cm^2/(V*s)", "mobility of the carriers"),
    _positive("optical_permittivity", "1", "relative permittivity above the phonons, eps_inf"),
    _positive("static_permittivity", "1", "relative permittivity below the phonons, eps_s"),
    _positive("froehlich_coupling", "1", "Froehlich's coupling constant alpha"),
    _positive("elastic_modulus_gpa", "GPa", "longitudinal elastic modulus"),
    _positive("deformation_potential_ev", "eV", "shift of the band edge per strain"),
    _positive("mass_density_g_cm3", "g/cm^3", "mass density of the crystal"),
    _positive("sound_velocity_m_s", "m/s", "velocity of sound"),
    _positive("strain_coupling", "1", "change of g per shear strain"),
    _positive("hop_time_ps", "ps", "mean time between hops"),
    _positive("hop_distance_nm", "nm", "distance of a hop"),
    _from_zero("exchange_energy_mev", "meV", "exchange energy of two neighbours"),
    _any("crystal_field_mev", "meV", "tetragonal crystal field of the conduction band"),
    _from_zero("splitting_mev", "meV", "fine-structure splitting of the bright states"),
    _positive("splitting_spread_mev", "meV", "standard deviation of the splitting over the ensemble"),
    _positive("exciton_overlap_nm2", "1/nm^2", "probability density of electron on hole"),
    _positive("dipole_e_a", "Angstrom", "interband dipole of a linearly polarised exciton"),
    _positive("electron_mass_m0", "m_e", "effective mass of the electron"),
    _positive("diffusion_cm2_s", "cm^2/s", "diffusion coefficient"),
    _any("drift_m_s", "m/s", "drift velocity"),
    _positive("distance_nm", "nm", "distance from injector to detector"),
    _from_zero("contact_ratio", "1", "diffusion length over the contact resistance length, lambda/r"),
    _from_zero("initial", "1", "initial value"),
    _any("phase_rad", "rad", "phase"),
)  # fmt: skip

QUANTITIES: dict[str, Quantity] = {item.name: item for item in _LIST}


def _converted(value: float, unit: str, quantity: Quantity) -> float:
    """Convert, and understand what spectroscopists say: THz or 1/cm for an energy, nm for a gap, 1/ps for rad/ps."""
    try:
        return convert(value, unit, quantity.unit)
    except DataError:
        if quantity.unit == "rad/ps":
            for known, factor in (("1/ps", 1.0), ("THz", 2.0 * math.pi)):
                if unit.strip().removeprefix("2pi ").endswith("Hz") == (known == "THz"):
                    return factor * convert(value, unit, known)
        if quantity.unit in ("meV", "eV"):
            # h f of a frequency, h c of a wavelength or a wavenumber
            for known, read in (
                ("THz", lambda v: v * PLANCK_EV_S * 1e12),
                ("nm", lambda v: PLANCK_EV_S * SPEED_OF_LIGHT_M_S * 1e9 / v),
                ("1/cm", lambda v: v * PLANCK_EV_S * SPEED_OF_LIGHT_M_S * 1e2),
            ):
                try:
                    return convert(read(convert(value, unit, known)), "eV", quantity.unit)
                except (DataError, ZeroDivisionError):
                    continue
        raise


_VALUE = re.compile(r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(.*?)\s*", re.DOTALL)


def read_value(quantity: Quantity, text: str) -> float:
    """Read a value such as ``"300 K"``, ``"26 meV"``, ``"0.05 ps"`` or ``"300"`` (then in the quantity's own unit).

    Raises
    ------
    DataError
        If it isn't a number with a fitting unit, or out of the quantity's range.
    """
    match = _VALUE.fullmatch(text)
    if match is None:
        example = "300 K" if quantity.unit == "K" else quantity.with_unit(1.0)
        raise DataError(f"{quantity.short} '{text:.40}' is not a number with a unit: write e.g. '{example}'")
    value = float(match[1])
    if match[2]:
        try:
            value = _converted(value, match[2], quantity)
        except DataError as error:
            raise DataError(f"{quantity.short} '{text:.40}': {error}") from None
    if not quantity.allows(value, value):
        raise DataError(f"{quantity.short} must be {quantity.range_text}, got '{text.strip():.40}'")
    return value
