"""All laws by name: what they give, in which unit, from where."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from perospin.errors import DataError
from perospin.mechanisms.quantities import QUANTITIES, Quantity, read_value


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
    """

    name: str
    quantity: Quantity | None
    choices: tuple[str, ...]
    default: Any
    required: bool

    @property
    def short(self) -> str:
        """Name without the unit."""
        return self.quantity.short if self.quantity else self.name

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
            listed.append(Parameter(name, QUANTITIES.get(name), words, None if empty else item.default, empty))
        return tuple(listed)

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
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
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
        ("bir_aronov_pikus", "bir_aronov_pikus", "bir_aronov_pikus_rate", "nondegenerate holes",
         "1/τ = (2/τ0) aB³ (vk/vB) [p|ψ|⁴ + 5/3 (NA - p)]", "1/ps", _R, _WU),
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
        ("nuclear_fluctuations", "nuclear", "nuclear_fluctuation_rate", "T1 against field", "1/T1 = 1/τs + (ΔN/B)²/τc",
         "1/ps", _R, _BELYKH),
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
        ("rashba_coefficient", "phonon_raman", "rashba_coefficient_a2", "Rashba constant per field", "αR/e = P²/(3Eg²)",
         "Angstrom^2", _R, _BELYKH),
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
    close = difflib.get_close_matches(key, LAWS, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else ";"
    raise DataError(f"there is no law '{name:.40}'{hint} `perospin mechanisms list` shows all")
