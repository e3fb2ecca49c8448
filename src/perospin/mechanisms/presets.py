"""Parameters of materials, each with the place it was read; what nobody published stays missing.

Values come from the curated records, or from arXiv 2603.03038 directly; none is estimated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError
from perospin.mechanisms.catalogue import get_law
from perospin.mechanisms.quantities import QUANTITIES
from perospin.units import convert

if TYPE_CHECKING:
    from perospin.database import Record

__all__ = ["PRESET_NAMES", "Preset", "SourcedValue", "preset"]


@dataclass(frozen=True, slots=True)
class SourcedValue:
    """One parameter of one material.

    Attributes
    ----------
    name
        Argument name, with unit.
    value, uncertainty
        In the unit of the name; no uncertainty was stated where it is None.
    doi
        DOI of the work (arXiv preprints: 10.48550/arXiv...).
    located_in
        Place in it.
    evidence
        ``"primary"`` if read in that work, ``"secondary"`` if quoted elsewhere.
    theory
        Whether it is computed.
    note
        Remarks.
    record_id
        Record in the curated tables; empty for values taken from the paper itself.
    """

    name: str
    value: float
    uncertainty: float | None
    doi: str
    located_in: str
    evidence: str
    theory: bool
    note: str
    record_id: str = ""


@dataclass(frozen=True)
class Preset:
    """Sourced parameters of one material.

    Attributes
    ----------
    name
        Material and form.
    values
        The parameters by argument name.
    note
        What to know before using them.
    """

    name: str
    values: Mapping[str, SourcedValue]
    note: str

    def missing(self, law: str) -> list[str]:
        """Arguments that a law needs and this preset doesn't have (conditions such as temperature included).

        Raises
        ------
        DataError
            If there is no such law.
        """
        return [p.name for p in get_law(law).parameters if p.required and p.name not in self.values]

    def rate(self, law: str, **given: Any) -> Any:
        """Evaluate a law with the sourced parameters; what is given here comes first.

        Parameters
        ----------
        law
            Name in the catalogue, e.g. ``"activation"``.
        given
            Conditions, and parameters that the preset lacks or that you know better.

        Returns
        -------
        ndarray
            In the law's unit.

        Raises
        ------
        DataError
            If a required argument is neither given nor sourced; the message lists them. Nothing is filled in by guess.

        Examples
        --------
        >>> round(float(1e-6 / preset("CsPbI3 nanocrystal").rate("activation", temperature_k=5.0)), 2)  # us
        76.04
        """
        found = get_law(law)
        names = [p.name for p in found.parameters]
        if unknown := [name for name in given if name not in names]:
            raise DataError(f"{found.name} has no argument {', '.join(unknown)}; it has {', '.join(names)}")
        lacking = [name for name in self.missing(law) if name not in given]
        if lacking:
            what = "it" if len(lacking) == 1 else "them"
            raise DataError(f"no sourced value of {', '.join(lacking)} for {self.name}: give {what}")
        # an optional argument is sourced too where the paper's law has it (1/T1 = 1/T1,0 + ...)
        sourced = {name: self.values[name].value for name in names if name in self.values}
        return found.function(**{**sourced, **given})


_MASS = "electron_mass"
# record -> argument name; several arguments may come from one record
_RECORDS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "MAPbI3": (
        "Static bulk Rashba splitting of MAPbI3 is disputed; masses are computed ones. No momentum scattering time and "
        "no exchange splitting has a source here.",
        {
            "rashba_ev_a": ("spin_splitting", "spin_splitting-014"),
            "mass_m0": ("excitons", "excitons-074"),
            "hole_mass_m0": ("excitons", "excitons-075"),
            "reduced_mass_m0": ("excitons", "excitons-004"),
            "exciton_binding_energy_mev": ("excitons", "excitons-001"),
            "phonon_energy_mev": ("excitons", "excitons-017"),
            "permittivity": ("excitons", "excitons-050"),
            "gap_ev": ("excitons", "excitons-044"),
        },
    ),
    "CsPbBr3": (
        "The permittivity is the effective one of a hydrogenic exciton. No Rashba coefficient of the bulk (a "
        "field-induced one of a bilayer is computed), no scattering time, no electron mass has a source here.",
        {
            "hole_mass_m0": ("excitons", "excitons-088"),
            "reduced_mass_m0": ("excitons", "excitons-006"),
            "exciton_binding_energy_mev": ("excitons", "excitons-005"),
            "permittivity": ("excitons", "excitons-007"),
        },
    ),
    "(PEA)2PbI4": (
        "The giant Rashba coefficient makes Omega tau_p of order one at room temperature for any scattering time above "
        "a few fs: motional narrowing does not hold. No mass and no scattering time has a source here.",
        {"rashba_ev_a": ("spin_splitting", "spin_splitting-006")},
    ),
    "(BA)2PbI4": (
        "Two phonon energies are reported, 27 meV (surface) and 18 meV (interior); the interior one is taken.",
        {
            "reduced_mass_m0": ("excitons", "excitons-008"),
            "exciton_binding_energy_mev": ("excitons", "excitons-009"),
            "phonon_energy_mev": ("excitons", "excitons-015"),
        },
    ),
}  # fmt: skip
_PROPERTIES = {
    "rashba_ev_a": "rashba_alpha",
    "mass_m0": _MASS,
    "hole_mass_m0": "hole_mass",
    "reduced_mass_m0": "reduced_mass",
    "exciton_binding_energy_mev": "exciton_binding_energy",
    "phonon_energy_mev": "LO_phonon_energy",
    "gap_ev": "band_gap",
}

_BELYKH_DOI = "10.48550/arXiv.2603.03038"
_NANOCRYSTAL = "CsPbI3 nanocrystal"
_NANOCRYSTAL_NOTE = (
    "Electrons in CsPbI3 nanocrystals in glass at 1.6 K and up; the spin lifetime is the fit's at 0.125 mW pump power. "
    "The closed Raman form also needs the size and eps*: the paper gives only eps_s/eps* = 5 and a/a_B = 1."
)
# name, value, place, note
_NANOCRYSTAL_VALUES = (
    ("g_factor", 1.68, "text, Fig. 3", "electron; the caption's 2.2 GHz at 100 mT means 1.572"),
    ("g_spread", 0.15, "text", "standard deviation"),
    ("nuclear_field_t", 0.012, "Eq. 4 and width fit", "Delta_N"),
    ("correlation_time_ps", 60e6, "Eq. 4 fit", "'about 60 us'"),
    ("spin_lifetime_ps", 0.8e9, "Eq. 4 fit, Eq. 5", "0.125 mW"),
    ("activation_rate_per_ps", 20e-6, "Eq. 5 fit", "20 per us"),
    ("activation_energy_mev", 3.2, "Eq. 5 fit", ""),
    ("phonon_energy_mev", 3.2, "Eq. 26", "the fitted activation energy"),
    ("phonon_damping_per_ps", 0.2, "Eq. 26", "input of the model"),
    ("mass_m0", 0.18, "Eq. 26", "input of the model"),
    ("interband_momentum_ev_a", 5.0, "Eq. 16", "input of the model; 6.8 elsewhere (10.1038/s41467-022-30701-0)"),
    ("gap_ev", 1.7, "Eq. 16", "input of the model"),
    ("level_spacing_mev", 94.0, "Eq. 19", "input of the model"),
)

PRESET_NAMES = (*_RECORDS, _NANOCRYSTAL)
"""Materials with a preset."""


def _records(table: str) -> dict[str, Record]:
    from perospin.database.query import curated_table

    return {str(record.record_id): record for record in curated_table(table)}


def _sourced(name: str, table: str, record_id: str, material: str) -> SourcedValue:
    record = _records(table)[record_id]
    wanted = _PROPERTIES.get(name)
    if record.formula != material or (wanted and record.property != wanted):
        raise DataError(f"record {record_id} is {record.property} of {record.formula}, not {name} of {material}")
    unit = QUANTITIES[name].unit
    spread = record.uncertainty
    return SourcedValue(
        name=name,
        value=convert(record.value, record.unit, unit),
        uncertainty=None if spread is None else convert(spread, record.unit, unit, difference=True),
        doi=record.source.doi,
        located_in=record.source.located_in,
        evidence=record.source.evidence,
        theory=record.theory,
        note=record.note,
        record_id=record_id,
    )


@lru_cache(maxsize=16)
def preset(name: str) -> Preset:
    """Return the sourced parameters of a material.

    Parameters
    ----------
    name : str
        One of `PRESET_NAMES`.

    Returns
    -------
    Preset

    Raises
    ------
    DataError
        If there is none of that name.
    """
    if name == _NANOCRYSTAL:
        values = {
            key: SourcedValue(key, value, None, _BELYKH_DOI, place, "primary", False, note)
            for key, value, place, note in _NANOCRYSTAL_VALUES
        }
        return Preset(name, values, _NANOCRYSTAL_NOTE)
    if name not in _RECORDS:
        raise DataError(f"no preset '{name:.40}'; there are: {', '.join(PRESET_NAMES)}")
    note, wanted = _RECORDS[name]
    return Preset(name, {key: _sourced(key, table, rid, name) for key, (table, rid) in wanted.items()}, note)
