"""All laws by name: what they give, in which unit, from where."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from perospin.errors import DataError
from perospin.mechanisms.quantities import QUANTITIES, Quantity, read_value
from perospin.mechanisms.validity import RANGES, Range
from perospin.similar import similar_names


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a law.

    Attributes
    ----------
    name
        Argument name.
    quantity
        Its unit and range; None for a choice of words or a plain number without a unit.
    choices
        Allowed words of a choice, else ().
    default
        Value if it isn't given; None may mean "left out".
    required
        Whether it must be given.
    meaning
        What it is in this law, where that isn't what the quantity's own words say.
    """

    name: str
    quantity: Quantity | None
    choices: tuple[str, ...]
    default: Any
    required: bool
    meaning: str = ""

    @property
    def short(self) -> str:
        """Name without the unit."""
        return self.quantity.short if self.quantity else self.name

    @property
    def words(self) -> str:
        """What it is: the law's own words, the quantity's, or the choice."""
        return self.meaning or (self.quantity.meaning if self.quantity else " or ".join(self.choices)) or "a number"

    def read(self, text: str) -> Any:
        """Read a value from text.

        Raises
        ------
        DataError
            If it doesn't fit; see `read_value`.
        """
        if self.choices:
            if text not in self.choices:
                raise DataError(f"{self.name} must be {' or '.join(self.choices)}, got '{text:.40}'")
            return text
        if self.quantity:
            return read_value(self.quantity, text)
        try:
            number = float(text)
        except ValueError:
            raise DataError(f"{self.name} must be a number, got '{text:.40}'") from None
        return int(number) if isinstance(self.default, int) and number.is_integer() else number


@dataclass(frozen=True, slots=True)
class Law:
    """One law.

    Attributes
    ----------
    name
        Its name in the catalogue.
    function
        The function, from `perospin.mechanisms`.
    group
        Heading under which it is listed.
    title, formula, unit
        What it gives, as a formula in plain text, and in which unit.
    status
        READ (formula read in the source or a public implementation), DERIVED (derived and checked numerically) or
        TEXTBOOK (standard form; primary source not opened).
    source
        DOI, arXiv id or reference.
    """

    name: str
    function: Callable[..., Any]
    group: str
    title: str
    formula: str
    unit: str
    status: str
    source: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Arguments in the order of the signature."""
        hints = typing.get_type_hints(inspect.unwrap(self.function))
        listed = []
        for name, item in inspect.signature(self.function).parameters.items():
            words = typing.get_args(hints[name]) if typing.get_origin(hints[name]) is typing.Literal else ()
            empty = item.default is inspect.Parameter.empty
            meaning = _MEANINGS.get((self.name, name), "")
            listed.append(Parameter(name, QUANTITIES.get(name), words, None if empty else item.default, empty, meaning))
        return tuple(listed)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Where the law holds."""
        return RANGES.get(self.function.__name__, ())

    @property
    def flips(self) -> bool:
        """Whether it gives flips per unit time: the polarisation decays at twice that."""
        return "flip" in self.function.__name__ or self.function.__name__ == "raman_golden_rule_rate"

    @property
    def example(self) -> str:
        """A command that evaluates the law at a plausible point."""
        own = _EXAMPLES | {p: text for (law, p), text in _OWN_EXAMPLES.items() if law == self.name}
        given = (f'-p {p.short}="{own[p.name]}"' for p in self.parameters if p.required)
        return f"perospin mechanisms rate {self.name} {' '.join(given)}"

    @property
    def example_values(self) -> dict[str, Any]:
        """The plausible point of `example`, as numbers in the units of the arguments."""
        own = _EXAMPLES | {p: text for (law, p), text in _OWN_EXAMPLES.items() if law == self.name}
        return {p.name: p.read(own[p.name]) for p in self.parameters if p.name in own}

    def parameter(self, name: str) -> Parameter:
        """Find an argument by its name, with or without the unit.

        Raises
        ------
        DataError
            If the law has no such argument; the message lists them.
        """
        for item in self.parameters:
            if name in (item.name, item.short):
                return item
        names = [item.short for item in self.parameters]
        close = similar_names(name, names)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise DataError(f"{self.name} has no parameter '{name:.40}'{hint} It has {', '.join(names)}")

    def evaluate(self, texts: Mapping[str, str]) -> float:
        """Evaluate the law from texts such as ``{"temperature": "300 K", "mass": "0.2"}``.

        Raises
        ------
        DataError
            If a parameter is unknown, missing, given twice, out of range or has the wrong unit.
        """
        values: dict[str, Any] = {}
        for name, text in texts.items():
            item = self.parameter(name)
            if item.name in values:
                raise DataError(f"{item.short} is given twice")
            values[item.name] = item.read(text)
        missing = [item.short for item in self.parameters if item.required and item.name not in values]
        if missing:
            raise DataError(f"{self.name} also needs {', '.join(missing)}")
        return float(self.function(**values))


_MEANINGS: dict[tuple[str, str], str] = {
    ("dephasing_time", "spin_lifetime_ps"): "T2* at zero field",
    ("kerr_transient", "spin_lifetime_ps"): "T2* of this component",
    ("resonant_spin_amplification", "spin_lifetime_ps"): "T2* at the field",
    ("resonant_spin_amplification", "time_ps"): "delay after the last pulse, up to the repetition time",
    ("kerr_transient", "time_ps"): "delay after the pump",
    ("spin_inertia", "spin_lifetime_ps"): "T1",
    ("hanle", "lifetime_ps"): "T_s: lifetime of an oriented carrier",
    ("hanle_half_width", "lifetime_ps"): "T_s: lifetime of an oriented carrier",
    ("optical_orientation", "lifetime_ps"): "recombination time",
    ("total_lifetime", "lifetime_ps"): "recombination time",
    ("total_lifetime", "spin_lifetime_ps"): "spin lifetime tau_s",
    ("optical_orientation", "spin_lifetime_ps"): "spin lifetime tau_s",
    ("electrical_hanle", "spin_lifetime_ps"): "spin lifetime tau_s",
    ("electrical_hanle_with_contacts", "spin_lifetime_ps"): "spin lifetime tau_s",
    ("spin_diffusion_length", "spin_lifetime_ps"): "spin lifetime, T_s for carriers that recombine",
    ("nuclear_fluctuations", "spin_lifetime_ps"): "tau_s: T1 far above the nuclear field",
    ("nuclear_fluctuations", "g_factor"): "g, to check that the spin turns within tau_c",
    ("activation", "spin_lifetime_ps"): "T1 at zero temperature",
    ("exciton_exchange", "exchange_splitting_mev"): "longitudinal-transverse splitting at the thermal wave vector",
    ("exciton_exchange", "momentum_scattering_time_ps"): "tau*: second harmonic of the exciton's momentum",
    ("exciton_exchange_thermal", "momentum_scattering_time_ps"): "tau*: second harmonic of the exciton's momentum",
    ("fine_structure", "correlation_time_ps"): "mean time of the exciton on one place",
    ("anisotropic_exchange", "hop_distance_nm"): "distance of the neighbours",
    ("bir_aronov_pikus", "density_cm3"): "density of free holes",
    ("bir_aronov_pikus_degenerate", "density_cm3"): "density of free holes",
    ("elliott_yafet_debye", "phonon_energy_mev"): "largest phonon energy",
}
_EXAMPLES: dict[str, str] = {
    "temperature_k": "300 K", "rashba_ev_a": "0.05 eV*Angstrom", "momentum_scattering_time_ps": "5 fs",
    "mass_m0": "0.2 m0", "precession_rad_per_ps": "5 rad/ps", "time_ps": "1 ps", "wavevector_per_a": "0.03 1/Angstrom",
    "spin_mixing": "0.001", "coupling": "0.0001",
    "phonon_energy_mev": "10 meV", "density_cm3": "1e17 cm^-3", "exchange_splitting_mev": "1 meV",
    "permittivity": "9", "hole_mass_m0": "0.25 m0", "kinetic_energy_mev": "30 meV",
    "exciton_binding_energy_mev": "200 meV", "exchange_slope_ev_a": "0.1 eV*Angstrom",
    "translational_mass_m0": "0.4 m0", "quadratic_coefficient_per_ps": "8",
    "reduced_mass_m0": "0.1 m0", "n_layers": "2", "field_t": "100 mT",
    "nuclear_field_t": "12 mT", "correlation_time_ps": "60 us", "field_ratio": "3", "g_factor": "1.7",
    "g_spread": "0.03", "size_nm": "9 nm", "activation_rate_per_ps": "20 us^-1", "activation_energy_mev": "3.2 meV",
    "phonon_damping_per_ps": "0.2 ps^-1", "rashba_coefficient_a2": "2.9 Angstrom^2", "effective_permittivity": "6",
    "edge_x_nm": "9 nm", "edge_y_nm": "9 nm", "edge_z_nm": "6 nm", "interband_momentum_ev_a": "6.8 eV*Angstrom",
    "gap_ev": "1.7 eV", "hop_time_ps": "10 ps", "hop_distance_nm": "5 nm", "exchange_energy_mev": "0.01 meV",
    "strain_coupling": "10", "mass_density_g_cm3": "4.8 g/cm^3", "sound_velocity_m_s": "1500 m/s",
    "splitting_mev": "0.2 meV", "splitting_spread_mev": "0.05 meV", "dipole_e_a": "5 Angstrom",
    "exciton_overlap_nm2": "0.3 1/nm^2", "electron_mass_m0": "0.2 m0", "optical_permittivity": "4.5",
    "static_permittivity": "24", "froehlich_coupling": "2.4", "deformation_potential_ev": "2 eV",
    "elastic_modulus_gpa": "30 GPa", "mobility_cm2_vs": "50 cm^2/(V*s)", "frequency_ghz": "1.13 GHz",
    "lifetime_ps": "1 ns", "spin_lifetime_ps": "2 ns", "diffusion_cm2_s": "1 cm^2/s", "distance_nm": "200 nm",
    "repetition_time_ps": "13.2 ns", "modulation_mhz": "3 kHz",
}  # fmt: skip
_OWN_EXAMPLES: dict[tuple[str, str], str] = {
    ("fine_structure", "correlation_time_ps"): "1 ps",
    ("bir_aronov_pikus_degenerate", "temperature_k"): "30 K",
    ("bir_aronov_pikus_degenerate", "density_cm3"): "1e19 cm^-3",
    ("one_phonon", "field_t"): "1 T",
    ("one_phonon", "temperature_k"): "2 K",
    ("activation", "temperature_k"): "5 K",
    ("raman", "temperature_k"): "5 K",
    ("raman_flip", "temperature_k"): "5 K",
    ("raman_golden_rule", "temperature_k"): "5 K",
}  # fmt: skip

_BELYKH = "arXiv 2603.03038"
_LI = "10.1039/d5sc07406a"
_RMP = "10.1103/RevModPhys.76.323"
_MSS = "10.1103/PhysRevB.47.15776"
_KIRSTEIN = "10.1038/s41467-022-30701-0"
_WU = "arXiv 2106.13356, public implementation"
_D, _R, _T = "DERIVED", "READ", "TEXTBOOK"

# name, module, function, title, formula, unit, status, source; grouped by heading
_ROWS: dict[str, tuple[tuple[str, str, str, str, str, str, str, str], ...]] = {
    "spin-orbit fields (D'yakonov-Perel)": (
        ("dyakonov_perel", "dyakonov_perel", "dyakonov_perel_rate", "thermal carriers, k-linear splitting",
         "1/τ = Ω²τp (layer, spin along z), ½Ω²τp (in plane), ⅔Ω²τp (3D); crossover above Ωτp = 0.3", "1/ps", _D, _RMP),
        ("dyakonov_perel_decay", "dyakonov_perel", "dyakonov_perel_decay",
         "thermal carriers that keep their energies", "S = 1/(1 + t/τ) in a layer", "1", _D, "average over energies"),
        ("crossover", "dyakonov_perel", "crossover_rate", "one energy, any Ωτp",
         "λ = (1 - √(1 - 4Ω²τp²))/2τp; 1/2τp above Ωτp = 1/2", "1/ps", _D, "Gridnev's result"),
        ("free_precession", "dyakonov_perel", "free_precession", "polarisation against time, any Ωτp",
         "S = (λ₊exp(-λ₋t) - λ₋exp(-λ₊t))/(λ₊ - λ₋)", "1", _D, "Gridnev's result"),
        ("rashba_precession", "dyakonov_perel", "rashba_precession", "precession frequency", "Ω = 2αk/ħ", "rad/ps", _D,
         _RMP),
        ("thermal_wavevector", "dyakonov_perel", "thermal_wavevector", "rms wave vector", "k = √(d m kT)/ħ",
         "1/Angstrom", _D, "equipartition"),
    ),
    "spin flips in collisions (Elliott-Yafet)": (
        ("elliott_yafet", "elliott_yafet", "elliott_yafet_rate", "simple form", "1/τ = c⟨b²⟩/τp", "1/ps", _T, _LI),
        ("elliott_yafet_einstein", "elliott_yafet", "elliott_yafet_einstein_rate", "phonons of one energy",
         "1/T1 = 4πλsΩ x eˣ/(eˣ - 1)²", "1/ps", _T, "10.1103/PhysRevLett.83.1211"),
        ("elliott_yafet_debye", "elliott_yafet", "elliott_yafet_debye_rate", "phonons with α²F ~ Ω²",
         "1/T1 = 8πT∫α²F ∂N/∂T dΩ", "1/ps", _T, "10.1103/PhysRevLett.83.1211"),
        ("elliott_yafet_high_temperature", "elliott_yafet", "elliott_yafet_high_temperature_rate",
         "far above the phonon energies", "1/T1 = 4πλs kT/ħ", "1/ps", _D, "10.1103/PhysRevLett.83.1211"),
    ),
    "exchange with holes (Bir-Aronov-Pikus)": (
        ("bir_aronov_pikus", "bir_aronov_pikus", "bir_aronov_pikus_rate", "holes as density and temperature have it",
         "1/τ = (2/τ0) aB³ (vk/vB) [p|ψ|⁴ + 5/3 (NA - p)], degenerate above EF = 3/2 kT", "1/ps", _R, _WU),
        ("bir_aronov_pikus_degenerate", "bir_aronov_pikus", "bir_aronov_pikus_degenerate_rate", "degenerate holes",
         "1/τ = (3/τ0) p aB³ (vk/vB) kT/EF, hot electrons (2/τ0) p aB³ (vF/vB) E/EF", "1/ps", _R, _WU),
        ("sommerfeld", "bir_aronov_pikus", "sommerfeld_factor", "enhancement |ψ(0)|²",
         "y/(1 - exp(-y)), y = 2π√(EB/Ek)", "1",
         _D, "Coulomb problem"),
        ("exchange_scale", "bir_aronov_pikus", "exchange_rate_scale", "1/τ0", "1/τ0 = (3π/64) Δ²/(ħEB)", "1/ps", _T,
         "JETP 57, 680 (1983)"),
    ),
    "exchange in excitons": (
        ("exciton_exchange", "exciton_exchange", "exciton_exchange_rate", "bright exciton in a layer", "1/τ = Ω²τ*",
         "1/ps", _T, _MSS),
        ("exciton_exchange_thermal", "exciton_exchange", "exciton_exchange_thermal_rate",
         "thermal excitons, splitting 2αK", "1/τ = (2α/ħ)² (2MkT/ħ²) τ*", "1/ps", _D, _MSS),
        ("quadratic_binding", "exciton_exchange", "quadratic_binding_rate", "against binding energy", "1/τ = k Eb²",
         "1/ps", _D, _MSS),
        ("exciton_overlap", "exciton_exchange", "exciton_overlap_nm2", "electron on hole, 2D", "4μEb/(πħ²)", "1/nm^2",
         _D, "2D hydrogen problem"),
        ("layer_binding_energy", "exciton_exchange", "layer_binding_energy_mev", "Eb against n, lead iodides",
         "Eb = E0/(1 - d exp(-cn))²", "meV", _T, "10.1038/s41467-018-04659-x, 10.1038/nphys3357"),
    ),
    "nuclei": (
        ("nuclear_fluctuations", "nuclear", "nuclear_fluctuation_rate", "T1 against field",
         "1/T1 = 1/τs + (1/x² - D(x)/x³)/τc, x = B/ΔN",
         "1/ps", _D, "strong collisions; 10.1103/PhysRevB.65.205309 at zero field"),
        ("nuclear_transverse_share", "nuclear", "nuclear_transverse_share", "share of the field across B",
         "1/x² - D(x)/x³", "1", _D, "Dawson's integral"),
        ("resonance_width", "nuclear", "resonance_width", "width of a spin resonance", "ΔB = √(ΔN²/2 + (Δg B/g)²)",
         "T", _R, _BELYKH),
        ("nuclear_field", "nuclear", "nuclear_field_from_size", "ΔN/√2 of a CsPbI3 nanocrystal",
         "0.47 T (0.624 nm/a)^1.5", "T", _R, _BELYKH),
        ("hyperfine_dephasing", "nuclear", "hyperfine_dephasing_time_ps", "dephasing by a frozen nuclear field",
         "T2* = 2ħ/(|g|μB ΔN)", "ps", _D, "Gaussian nuclear field"),
    ),
    "phonons in nanocrystals": (
        ("activation", "phonon_raman", "activation_rate", "T1 against temperature", "1/T1 = 1/T10 + γa exp(-Ea/kT)",
         "1/ps", _R, _BELYKH),
        ("raman", "phonon_raman", "raman_rate", "two LO phonons, polarisation decay", "1/τ = 2Γ", "1/ps", _D, _BELYKH),
        ("raman_flip", "phonon_raman", "raman_flip_rate", "two LO phonons, flip probability",
         "Γ = (2A/9π²) C² (m a e²/ε*ħ²)² (ħΩ)⁴/(ħ²γ) (mαR/eħ²)² n(n+1)", "1/ps", _D, _BELYKH),
        ("raman_golden_rule", "phonon_raman", "raman_golden_rule_rate", "two LO phonons, integrated",
         "Golden Rule over both wave vectors, with Zeeman detuning", "1/ps", _D, _BELYKH),
        ("cuboid_polarisability", "phonon_raman", "cuboid_polarisability", "C of a box, for the Raman rates",
         "C = [(χyy + χzz)² + (χxx + χzz)²]½", "1", _D, "sum over states"),
        ("rashba_coefficient", "phonon_raman", "rashba_coefficient_a2", "Rashba constant per field", "αR/e = P²/(3Eg²)",
         "Angstrom^2", _R, _BELYKH),
    ),
    "localised carriers": (
        ("hopping", "localised", "hopping_rate", "spins that turn in each hop", "1/τ = (1 - cos γ)/τh, γ = 2mαL/ħ²",
         "1/ps", _D, "mean of a rotation"),
        ("anisotropic_exchange", "localised", "anisotropic_exchange_rate", "neighbours that change places",
         "1/τ = (1 - cos γ) J/πħ", "1/ps", _D, "10.1103/PhysRevB.64.075305"),
        ("one_phonon", "localised", "one_phonon_rate", "one acoustic phonon in a field",
         "1/T1 = (AμB B)²(gμB B)³ coth(gμB B/2kT)/80πħ⁴ρv⁵", "1/ps", _D, "10.1103/PhysRev.118.1534"),
    ),
    "fine structure of excitons": (
        ("fine_structure", "exciton_fine_structure", "fine_structure_rate", "axes that change from place to place",
         "1/τ = (δ/ħ)²τc, up to 1/2τc", "1/ps", _D, "kinetic equation of the crossover"),
        ("fine_structure_beat", "exciton_fine_structure", "fine_structure_beat_ghz", "beat of two bright states",
         "f = δ/h", "GHz", _T, "definition"),
        ("fine_structure_dephasing", "exciton_fine_structure", "fine_structure_dephasing_ps",
         "dephasing of the beat over an ensemble", "T2* = √2ħ/σ", "ps", _D, "Gaussian ensemble"),
        ("long_range_slope", "exciton_fine_structure", "long_range_slope_ev_a", "long-range exchange of a layer",
         "αLT = d²|φ(0)|²/4ε0ε", "eV*Angstrom", _D, "electrostatics"),
        ("exciton_rashba_slope", "exciton_fine_structure", "exciton_rashba_slope_ev_a", "Rashba term of an exciton",
         "α me/(me + mh)", "eV*Angstrom", _D, "centre of mass"),
    ),
    "momentum scattering": (
        ("froehlich_coupling", "momentum_scattering", "froehlich_coupling", "coupling to polar phonons",
         "αF = (e²/4πε0ε*)√(m/2ħ²ħΩ)", "1", _T, _BELYKH),
        ("effective_permittivity", "momentum_scattering", "effective_permittivity", "eps* of the polar coupling",
         "1/ε* = 1/ε∞ - 1/εs", "1", _T, _BELYKH),
        ("froehlich_mobility", "momentum_scattering", "froehlich_mobility", "mobility by polar phonons",
         "variational polaron of Hellwarth and Biaggio", "cm^2/(V*s)", _R,
         "code jarvist/PolaronMobility.jl; 10.1103/PhysRevB.96.195202"),
        ("acoustic_mobility", "momentum_scattering", "acoustic_mobility", "mobility by acoustic phonons",
         "μ = (2√2π/3) eħ⁴C/(m^5/2 (kT)^3/2 Ξ²)", "cm^2/(V*s)", _T, "10.1103/PhysRev.80.72"),
        ("mobility_scattering_time", "momentum_scattering", "mobility_scattering_time_ps",
         "momentum scattering time behind a mobility", "τp = μm/e", "ps", _T, "definition"),
    ),
    "g factors and resonance": (
        ("electron_g_factor", "g_factors", "electron_g_factor", "electron g against gap (±0.4)",
         "ge = -2/3 + (4/3) p²/(m0 Eg) + Δge", "1", _T, _KIRSTEIN),
        ("hole_g_factor", "g_factors", "hole_g_factor", "hole g against gap (±0.4)",
         "gh = 2 - (4/3)(p²/m0)(1/Eg - 1/(Eg+Δ))", "1", _T, _KIRSTEIN),
        ("exciton_g_factor", "g_factors", "exciton_g_factor", "bright exciton", "gX = ge + gh", "1", _T, _KIRSTEIN),
        ("zeeman_splitting", "g_factors", "zeeman_splitting_mev", "Zeeman splitting", "|g|μB B", "meV", _T,
         "definition"),
        ("larmor_frequency", "g_factors", "larmor_frequency_ghz", "Larmor frequency", "f = |g|μB B/h", "GHz", _T,
         "definition"),
        ("resonance_field", "g_factors", "resonance_field_t", "resonance field", "B = hf/(|g|μB)", "T", _T,
         "definition"),
    ),
    "signals": (
        ("total_lifetime", "precession", "total_lifetime_ps", "lifetime of an oriented carrier", "1/Ts = 1/τ + 1/τs",
         "ps", _T, _RMP),
        ("optical_orientation", "precession", "optical_orientation", "steady polarisation", "P = P0/(1 + τ/τs)", "1",
         _T, _RMP),
        ("hanle_half_width", "precession", "hanle_half_width_t", "half width of a Hanle curve", "ħ/(|g|μB Ts)", "T", _T,
         _RMP),
        ("hanle", "precession", "hanle_polarisation", "optical Hanle curve", "P = P0/(1 + (B/B½)²)", "1", _T, _RMP),
        ("electrical_hanle", "precession", "electrical_hanle", "non-local Hanle signal",
         "Re[exp(vL/2D - Lκ)/(2Dκ)]", "s/m", _D, "drift-diffusion"),
        ("electrical_hanle_with_contacts", "precession", "electrical_hanle_with_contacts",
         "non-local Hanle signal, finite contacts", "Re[2(q+θ)exp(φq) + θ²sinh(φq)/q]⁻¹", "1", _R,
         "code evansosenko/spin-lifetime-analysis"),
        ("einstein_diffusion", "precession", "einstein_diffusion_cm2_s", "diffusion of thermal carriers", "D = μkT/e",
         "cm^2/s", _T, "Einstein's relation"),
        ("spin_diffusion_length", "precession", "spin_diffusion_length_nm", "decay length of a polarisation",
         "λ = √(Dτs)", "nm", _T, _RMP),
        ("g_spread_time", "precession", "g_spread_time_ps", "dephasing by a spread of g",
         "ħ/(Δg μB B) or √2ħ/(σg μB B)", "ps", _D, "two conventions"),
        ("dephasing_time", "precession", "dephasing_time_ps", "T2* against field", "1/T2* = 1/T2*(0) + Δg μB B/ħ", "ps",
         _D, "two conventions"),
        ("kerr_transient", "precession", "kerr_transient", "Kerr or Faraday transient",
         "A exp(-t/T2*) cos(gμB B t/ħ + φ)", "1", _T, "definition"),
        ("resonant_spin_amplification", "precession", "resonant_spin_amplification", "sum over all pump pulses",
         "Re[exp(-zΔt)/(1 - exp(-zTR))]", "1", _D, "geometric sum"),
        ("spin_inertia", "precession", "spin_inertia", "signal against modulation frequency", "S0/√(1 + (2πfT1)²)", "1",
         _R, _BELYKH),
    ),
}  # fmt: skip


def _build() -> dict[str, Law]:
    laws = {}
    for group, rows in _ROWS.items():
        for name, module, function, title, formula, unit, status, source in rows:
            found = getattr(import_module(f"perospin.mechanisms.laws.{module}"), function)
            laws[name] = Law(name, found, group, title, formula, unit, status, source)
    return laws


LAWS: dict[str, Law] = _build()
"""Every law by name."""


_SHORT_FORMS = {
    "dp": "dyakonov_perel", "ey": "elliott_yafet", "bap": "bir_aronov_pikus", "mss": "exciton_exchange",
}  # fmt: skip


def get_law(name: str) -> Law:
    """Find a law; ``"dyakonov_perel"``, ``"dyakonov-perel"`` and ``"dyakonov_perel_rate"`` and ``"DP"`` are the same.

    Raises
    ------
    DataError
        If there is none of that name; the message offers similar ones.
    """
    key = name.strip().lower().replace("-", "_").removesuffix("_rate")
    key = _SHORT_FORMS.get(key, key)
    if key in LAWS:
        return LAWS[key]
    close = similar_names(key, LAWS, most=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else ";"
    raise DataError(f"there is no law '{name:.40}'{hint} `perospin mechanisms list` shows all")
