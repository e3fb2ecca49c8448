"""The controlled vocabulary: which properties a record may hold, in which unit, and the allowed words.

A closed list keeps values comparable: tau_spin, T1, T2 and T2_star are four different quantities that span
1 ps to 2 ms for similar materials, and a free-text property would pool them sooner or later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from perospin.errors import DataError
from perospin.similar import similar_names
from perospin.text import shorten


@dataclass(frozen=True, slots=True)
class Property:
    """One measurable quantity.

    Attributes
    ----------
    name
        Name used in records and queries.
    unit
        Canonical unit; ``"1"`` for a pure number.
    description
        What it is, with the convention where there is a choice.
    group
        Heading under which it is shown.
    positive
        Whether a value must be greater than zero.
    reciprocal_unit
        Unit of its inverse when a value may also be given that way (a rate for a lifetime), else ``""``.
    """

    name: str
    unit: str
    description: str
    group: str
    positive: bool = False
    reciprocal_unit: str = ""


_SPIN = "spin lifetimes"
_BANDS = "spin splitting"
_EXCITON = "excitons and bands"
_CHIRAL = "chirality"
_CELL = "structure"
_XRAY = "X-ray detection"
_OTHER = "stability"

_LIST = (
    Property(
        "tau_spin",
        "ps",
        "spin relaxation time from the decay of a spin polarisation (pump-probe, Hanle); see lifetime_convention: "
        "the spin-flip time is twice the polarisation decay time",
        _SPIN,
        True,
        "1/ps",
    ),
    Property("T1", "ps", "longitudinal spin relaxation time", _SPIN, True, "1/ps"),
    Property("T2", "ps", "homogeneous (single-spin) transverse coherence time", _SPIN, True, "1/ps"),
    Property("T2_star", "ps", "inhomogeneous transverse dephasing time of an ensemble", _SPIN, True, "1/ps"),
    Property("g_factor", "1", "Lande factor, sign as stated; carrier and direction in the conditions", _SPIN),
    Property(
        "g_spread",
        "1",
        "spread of g in an ensemble; the note says half width at half maximum (Lorentzian) or standard deviation",
        _SPIN,
        True,
    ),
    Property(
        "nuclear_field",
        "mT",
        "fluctuating nuclear field Delta_N, distributed as exp(-B^2/Delta_N^2)",
        _SPIN,
        True,
    ),
    Property(
        "relaxation_activation_energy",
        "meV",
        "activation energy of longitudinal spin relaxation, 1/T1 = 1/T1(0) + rate exp(-E/kT)",
        _SPIN,
        True,
    ),
    Property("rashba_alpha", "eV*Angstrom", "Rashba coefficient of a k-linear splitting 2 alpha k", _BANDS, True),
    Property("spin_splitting_energy", "meV", "spin splitting energy of a band or an exciton level", _BANDS, True),
    Property("k_offset", "1/Angstrom", "offset in k of a spin-split band extremum", _BANDS, True),
    Property("exciton_binding_energy", "meV", "exciton binding energy", _EXCITON, True),
    Property(
        "band_gap",
        "eV",
        "band gap; the technique says whether it is optical, quasi-particle or computed",
        _EXCITON,
        True,
    ),
    Property("reduced_mass", "m_e", "reduced exciton mass", _EXCITON, True),
    Property("electron_mass", "m_e", "effective electron mass", _EXCITON, True),
    Property("hole_mass", "m_e", "effective hole mass", _EXCITON, True),
    Property("LO_phonon_energy", "meV", "energy of the longitudinal optical phonon that couples most", _EXCITON, True),
    Property("dielectric_constant_static", "1", "relative permittivity, static", _EXCITON, True),
    Property("dielectric_constant_optical", "1", "relative permittivity, high-frequency (optical)", _EXCITON, True),
    Property(
        "dielectric_constant_effective",
        "1",
        "effective relative permittivity of a hydrogenic exciton model",
        _EXCITON,
        True,
    ),
    Property("mobility", "cm^2/(V*s)", "mobility; carrier (electron, hole, exciton) in the conditions", _EXCITON, True),
    Property("g_CD", "1", "dissymmetry of absorption, dA/A", _CHIRAL),
    Property(
        "g_lum", "1", "dissymmetry of emission, 2 (I_L - I_R)/(I_L + I_R), twice the degree of polarisation", _CHIRAL
    ),
    Property("CPEL", "%", "degree of circular polarisation of electroluminescence", _CHIRAL),
    Property("spin_polarisation", "%", "spin polarisation of a current, (I_up - I_down)/(I_up + I_down)", _CHIRAL),
    Property("CPL_detector_g_res", "1", "dissymmetry of a photocurrent under circularly polarised light", _CHIRAL),
    Property("magnetoresistance", "%", "magnetoresistance; the note says over which resistance", _CHIRAL),
    Property("spin_LED_EQE", "%", "external quantum efficiency of a spin light-emitting diode", _CHIRAL, True),
    Property("lattice_a", "Angstrom", "cell edge a", _CELL, True),
    Property("lattice_b", "Angstrom", "cell edge b", _CELL, True),
    Property("lattice_c", "Angstrom", "cell edge c", _CELL, True),
    Property("lattice_alpha", "deg", "cell angle alpha", _CELL, True),
    Property("lattice_beta", "deg", "cell angle beta", _CELL, True),
    Property("lattice_gamma", "deg", "cell angle gamma", _CELL, True),
    Property("cell_volume", "Angstrom^3", "cell volume", _CELL, True),
    Property("formula_units_per_cell", "1", "formula units in the cell, Z", _CELL, True),
    Property("metal_halide_distance", "Angstrom", "mean metal-halide distance", _CELL, True),
    Property("metal_halide_metal_angle", "deg", "mean metal-halide-metal angle", _CELL, True),
    Property("layer_spacing", "Angstrom", "distance between neighbouring inorganic layers", _CELL, True),
    Property(
        "xray_sensitivity",
        "uC/(Gy*cm^2)",
        "charge per dose in air and active area; depends on field and gain",
        _XRAY,
        True,
    ),
    Property("xray_detection_limit", "nGy/s", "lowest detectable dose rate", _XRAY, True),
    Property("dark_current_density", "nA/cm^2", "dark current density", _XRAY),
    Property("mu_tau", "cm^2/V", "mobility-lifetime product", _XRAY, True),
    Property("resistivity", "ohm*cm", "bulk resistivity", _XRAY, True),
    Property("trap_density", "1/cm^3", "density of traps", _XRAY, True),
    Property("dark_current_drift", "nA/(cm*s*V)", "drift of the dark current density over the field", _XRAY),
    Property("rise_time", "ms", "rise of the photocurrent, 10 to 90 %", _XRAY, True),
    Property("fall_time", "ms", "fall of the photocurrent, 90 to 10 %", _XRAY, True),
    Property("photocurrent_retention", "%", "photocurrent after on/off cycles over that of the first one", _XRAY, True),
    Property("pl_lifetime", "ns", "photoluminescence lifetime", _XRAY, True),
    Property(
        "instability_index",
        "1",
        "colour change of a film under heat, damp and light, in the units of the authors' image analysis "
        "(lower is more stable)",
        _OTHER,
        True,
    ),
)

PROPERTIES: dict[str, Property] = {item.name: item for item in _LIST}

LIMITS = {
    "value": "a stated value",
    "upper": "an upper bound: the true value is at most this",
    "lower": "a lower bound: the true value is at least this",
    "up_to": "the largest value of a series, not a typical one",
}
COMPOSITIONS = {
    "known": "the composition is stated and is a material that `Perovskite.parse` reads",
    "other": "stated, but outside the formula model: a heterostructure, a solvate, a hybrid or a reference material",
    "unknown": "not stated, or not certain",
}
CARRIERS = ("electron", "hole", "exciton", "unspecified")
LIFETIME_CONVENTIONS = {
    "polarisation_decay": "1/e time of the spin polarisation, n_up - n_down",
    "spin_flip": "mean time between spin flips of one carrier: twice the polarisation decay time",
    "hanle_width": "from the half width of a Hanle curve; the carrier lifetime shortens it",
}
EVIDENCE = {
    "primary": "read in the work that reports the measurement",
    "secondary": "quoted by a review, another paper, a data file or a news text",
}


def get_property(name: str) -> Property:
    """Property of that name; the error suggests close ones.

    Raises
    ------
    DataError
        If the name is not in the vocabulary.
    """
    try:
        return PROPERTIES[name]
    except KeyError:
        lower = {key.lower(): key for key in PROPERTIES}
        close = [lower[key] for key in similar_names(name[:64].lower().replace("*", "_star"), lower, most=3)]
        hint = f"did you mean {' or '.join(close)}?" if close else "`perospin data list` shows the names"
        raise DataError(f"unknown property '{shorten(name)}'; {hint}") from None


def check_words(asked: Mapping[str, tuple[str, Iterable[str]]]) -> None:
    """Refuse a word that the records don't know.

    Parameters
    ----------
    asked
        The word and those allowed, by the name of the condition.

    Raises
    ------
    DataError
        For the first unknown word; the message lists the known ones.
    """
    for what, (given, known) in asked.items():
        allowed = tuple(known)
        if given not in allowed:
            raise DataError(f"unknown {what} '{given:.40}'; use one of: {', '.join(word for word in allowed if word)}")
