"""One table of descriptors for any list of materials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from perospin.chemistry import Ion, IonLibrary, Perovskite, goldschmidt_tolerance
from perospin.chemistry.elements import atomic_numbers
from perospin.descriptors.cations import cation_values, missing
from perospin.descriptors.composition import group_flags, mean_electronegativity
from perospin.descriptors.dielectric import PACKING, onsager_dielectric_constant, optical_dielectric_constant
from perospin.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_AREA_PER_METAL_A2 = 39.7
"""Area of the layer per metal atom (about 6.3 x 6.3 A, lead iodide)."""

_AVERAGED = (
    "homo_ev",
    "lumo_ev",
    "gap_ev",
    "dipole_debye",
    "polarisability_a3",
    "molecular_radius_a",
    "molar_mass_g_mol",
    "electronegativity",
    "equivalent_radius_a",
    "polar_hydrogens_per_a3",
)
_SPACER = (
    "volume_a3",
    "dielectric_constant",
    "optical_dielectric_constant",
    "neutral_dipole_debye",
    "mu2_per_volume",
    "aromatic",
    "ring",
    "heavy_halogen",
    "hydroxyl",
    "secondary_ammonium",
    "chain_length",
    "rotatable_bonds",
    "hydrogen_bond_donors",
)

DESCRIPTIONS: Mapping[str, str] = {
    "homo_ev": "HOMO energy of the cations, composition average (eV)",
    "lumo_ev": "LUMO energy of the cations, composition average (eV)",
    "gap_ev": "HOMO-LUMO gap of the cations, composition average (eV)",
    "dipole_debye": "dipole of the cations about the centre of nuclear charge, composition average (D)",
    "polarisability_a3": "isotropic static polarisability of the cations, composition average (A^3)",
    "molecular_radius_a": "half the largest interatomic distance of the cations, composition average (A)",
    "molar_mass_g_mol": "molar mass of the cations, composition average (g/mol)",
    "electronegativity": "mean Pauling electronegativity over the cations' atoms, composition average",
    "equivalent_radius_a": "radius of a sphere of the cations' van der Waals volume, composition average (A)",
    "polar_hydrogens_per_a3": "N-H and O-H hydrogens per van der Waals volume of the cation, average (1/A^3)",
    "tolerance_factor": "Goldschmidt tolerance factor with the averaged molecular radius (published convention)",
    "inverse_n": "1 / number of inorganic layers (0 for 3D)",
    "is_n1": "1 if the inorganic sheets are one octahedron thick",
    "spacer_charge": "charge of the spacer (0 without a spacer)",
    "spacer_charge_per_n": "spacer charge / n",
    "spacer_volume_a3": "van der Waals volume of the spacer (A^3)",
    "spacer_dielectric_constant": "static dielectric constant of the neutral spacer amine (Onsager)",
    "spacer_optical_dielectric_constant": "optical dielectric constant of the neutral spacer amine (Clausius-Mossotti)",
    "spacer_neutral_dipole_debye": "gas-phase dipole of the neutral spacer amine, thermal root mean square (D)",
    "spacer_mu2_per_volume": "squared dipole of the neutral spacer amine per van der Waals volume (D^2/A^3)",
    "barrier_thickness_a": "organic volume per metal over the layer's area: thickness of the organic barrier (A)",
    "excess_log_dielectric": "ln(static dielectric constant of the spacer / butylamine's) / n (0 for 3D)",
    "excess_log_optical_dielectric": "ln(optical dielectric constant of the spacer / butylamine's) / n (0 for 3D)",
    "excess_mu2_per_volume": "(mu^2/V of the spacer - butylamine's) / n (D^2/A^3; 0 for 3D)",
    "excess_barrier_a": "(barrier thickness - that of butylammonium) / n (A; 0 for 3D)",
    "excess_chain_length": "(chain length of the spacer - butylammonium's) / n (bonds; 0 for 3D)",
    "aromatic_per_n": "aromatic spacer flag / n",
    "heavy_halogen_per_n": "flag of Cl, Br or I on an aliphatic carbon of the spacer / n",
    "hydroxyl_per_n": "flag of an OH group on the spacer / n",
    "secondary_ammonium_per_n": "flag of a secondary ammonium spacer / n",
    "metal_electronegativity": "Pauling electronegativity of the metal, composition average",
    "metal_radius_a": "Shannon radius of the metal (A)",
    "metal_z": "atomic number of the metal (spin-orbit proxy)",
    "halide_electronegativity": "Pauling electronegativity of the halide, composition average",
    "halide_radius_a": "Shannon radius of the halide (A)",
    "halide_z": "atomic number of the halide (spin-orbit proxy)",
    "bromide_fraction": "share of bromide among the halides",
    "octahedral_factor": "metal radius / halide radius",
}
"""Column name -> what it is, with its unit; `spacer_X` and `a_site_X` of the averaged columns are the same apart."""


def _average(parts: Iterable[tuple[float, Fraction]]) -> float:
    weighted = [(value, float(amount)) for value, amount in parts]
    total = sum(amount for _, amount in weighted)
    return sum(value * amount for value, amount in weighted) / total if total else math.nan


def _cation(ion: Ion, level: str, compute: bool) -> dict[str, float]:
    values = {
        "molar_mass_g_mol": ion.molar_mass_g_mol,
        "electronegativity": mean_electronegativity(ion.composition),
    }
    values.update(cation_values(ion, level, compute))
    volume = values.get("volume_a3", math.nan)
    donors = group_flags(ion.smiles)["hydrogen_bond_donors"] if ion.smiles else math.nan
    values["equivalent_radius_a"] = (3.0 * volume / (4.0 * math.pi)) ** (1.0 / 3.0)
    values["polar_hydrogens_per_a3"] = donors / volume
    return values


@lru_cache(maxsize=4096)
def _spacer(ion: Ion, compute: bool) -> Mapping[str, float]:
    """Properties of one spacer from its neutral amine and its SMILES; NaN where there is no neutral amine."""
    flags = group_flags(ion.smiles) if ion.smiles else {}
    neutral = cation_values(ion, "neutral", compute)
    volume = neutral.get("volume_a3", math.nan)
    dipole = neutral.get("dipole_debye", math.nan)
    per_molecule = volume / PACKING
    optical = float(optical_dielectric_constant(neutral.get("polarisability_a3", math.nan), per_molecule))
    return {
        **flags,
        "volume_a3": volume,
        "neutral_dipole_debye": dipole,
        "mu2_per_volume": dipole**2 / volume,
        "optical_dielectric_constant": optical,
        "dielectric_constant": float(onsager_dielectric_constant(dipole, per_molecule, optical)),
        "barrier_a": (2 / ion.charge) * per_molecule / _AREA_PER_METAL_A2,
    }


def _describe_one(material: Perovskite, level: str, compute: bool) -> dict[str, float]:
    row: dict[str, float] = {}
    sites = {"spacer_": material.spacers, "a_site_": material.a_site}
    values = {ion: _cation(ion, level, compute) for site in sites.values() for ion, _ in site}
    sites = {"": (*material.spacers, *material.a_site), **sites}
    for prefix, ions in sites.items():
        for column in _AVERAGED:
            row[prefix + column] = _average((values[ion].get(column, math.nan), amount) for ion, amount in ions)
    layers = material.n_layers
    inverse_n = 1 / layers if layers else 0.0
    row["inverse_n"] = inverse_n
    row["is_n1"] = float(layers == 1)
    row["spacer_charge"] = _average((float(ion.charge), amount) for ion, amount in material.spacers)
    if not material.spacers:
        row["spacer_charge"] = 0.0
    row["spacer_charge_per_n"] = row["spacer_charge"] * inverse_n

    butylammonium = _spacer(IonLibrary.default().get("BA"), compute)
    spacers = [(_spacer(ion, compute), amount) for ion, amount in material.spacers]
    for column in (*_SPACER, "barrier_a"):
        row[f"spacer_{column}"] = _average((s.get(column, math.nan), amount) for s, amount in spacers)
    row["barrier_thickness_a"] = row.pop("spacer_barrier_a")

    def diluted(excess: float) -> float:
        return excess * inverse_n if material.spacers and layers else 0.0

    for name in ("dielectric", "optical_dielectric"):
        ratio = row[f"spacer_{name}_constant"] / butylammonium[f"{name}_constant"]
        row[f"excess_log_{name}"] = diluted(math.log(ratio) if ratio == ratio else math.nan)
    row["excess_mu2_per_volume"] = diluted(row["spacer_mu2_per_volume"] - butylammonium["mu2_per_volume"])
    row["excess_barrier_a"] = diluted(row["barrier_thickness_a"] - butylammonium["barrier_a"])
    row["excess_chain_length"] = diluted(row["spacer_chain_length"] - butylammonium["chain_length"])
    for flag in ("aromatic", "heavy_halogen", "hydroxyl", "secondary_ammonium"):
        row[f"{flag}_per_n"] = diluted(row[f"spacer_{flag}"])

    for prefix, site in (("metal_", material.b_site), ("halide_", material.x_site)):
        row[f"{prefix}electronegativity"] = _average((mean_electronegativity(i.composition), a) for i, a in site)
        row[f"{prefix}radius_a"] = _average(((i.radius_pm or math.nan) / 100, a) for i, a in site)
        row[f"{prefix}z"] = _average(
            (float(max(atomic_numbers()[element] for element in i.composition)), a) for i, a in site
        )
    row["bromide_fraction"] = _average((float(ion.symbol == "Br"), a) for ion, a in material.x_site)
    row["octahedral_factor"] = row["metal_radius_a"] / row["halide_radius_a"]
    row["tolerance_factor"] = float(
        goldschmidt_tolerance(row["molecular_radius_a"], row["metal_radius_a"], row["halide_radius_a"])
    )
    return row


def describe(
    materials: Iterable[str | Perovskite],
    level: str = "fast",
    *,
    ions: IonLibrary | None = None,
    compute: bool = True,
    on_compute: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Describe materials by the intrinsic descriptors of their ions.

    Parameters
    ----------
    materials : iterable of str or Perovskite
        Formulas or parsed materials.
    level : {"fast", "published"}
        Level at which cations are described; never mix levels in one model.
    ions : IonLibrary, optional
        Library for formulas with the user's own ions.
    compute : bool
        Whether cations that no shipped table holds are computed (seconds to minutes each, cached).
    on_compute : callable, optional
        Called with the symbol of each cation just before it is computed.

    Returns
    -------
    DataFrame
        One row a material, indexed by its canonical formula; columns as in `DESCRIPTIONS`, and the averaged ones
        again for the spacer (`spacer_`) and the A site (`a_site_`) apart. NaN where something does not exist
        (a spacer's column in a 3D material). `frame.attrs["level"]` names the level.

    Raises
    ------
    FormulaError
        If a formula can't be read.
    QuantumError
        If a cation must be computed and that fails or is not allowed.
    DataError
        If a single text is given instead of a list.
    """
    import pandas as pd

    if isinstance(materials, str | Perovskite):
        raise DataError("describe takes a list of materials, e.g. describe(['MAPbI3'])")
    parsed = [m if isinstance(m, Perovskite) else Perovskite.parse(m, ions=ions) for m in materials]
    if on_compute is not None:
        cations = dict.fromkeys(ion for m in parsed for ion, _ in (*m.spacers, *m.a_site))
        for one in (level, "neutral"):
            for ion in missing(cations, one):
                on_compute(ion.symbol)
                cation_values(ion, one, compute)
    rows = [_describe_one(material, level, compute) for material in parsed]
    frame = pd.DataFrame(rows, index=pd.Index([m.formula for m in parsed], name="material"), dtype=float)
    frame.attrs["level"] = level
    return frame
