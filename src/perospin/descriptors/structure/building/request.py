"""What a crystal is built of: a formula, checked for what can be built."""

from __future__ import annotations

from dataclasses import dataclass

from perospin.chemistry import Ion, IonLibrary, Perovskite
from perospin.descriptors.structure.building.spacers import hands_of
from perospin.errors import StructureError

__all__ = ["MOST_LAYERS", "Request", "read_request"]

MOST_LAYERS = 3
_METALS, _HALIDES = ("Pb", "Sn", "Ge"), ("Cl", "Br", "I")


@dataclass(frozen=True)
class Request:
    """One material to build.

    Attributes
    ----------
    material
        The formula as it was read.
    spacer, cage
        The spacer, and the cation in the cages (None for n = 1).
    metal, halide
        Their elements.
    n_layers
        Sheets of a slab.
    family
        ``"RP"`` or ``"DJ"``.
    hands
        ``"achiral"``, ``"racemate"`` or ``"one hand"``.
    """

    material: Perovskite
    spacer: Ion
    cage: Ion | None
    metal: str
    halide: str
    n_layers: int
    family: str
    hands: str


def read_request(formula: str | Perovskite, ions: IonLibrary | None = None) -> Request:
    """Check that a crystal of a formula can be built.

    Raises
    ------
    FormulaError
        If the formula can't be read.
    StructureError
        If it is no layered perovskite of n = 1 to 3 with one spacer, one cage cation, one metal and one halide.
    """
    material = Perovskite.of(formula, ions)
    shown = material.formula
    if material.family not in ("RP", "DJ"):
        raise StructureError(
            f"{shown} is of the kind {material.family}: only layered perovskites are built, as (BA)2PbI4 or (HDA)PbI4"
        )
    layers = material.n_layers or 0
    if layers > MOST_LAYERS:
        raise StructureError(f"{shown} has n = {layers}; crystals are built for n = 1 to {MOST_LAYERS}")
    for name, site in (
        ("spacer", material.spacers), ("cage cation", material.a_site), ("metal", material.b_site),
        ("halide", material.x_site),
    ):  # fmt: skip
        if len(site) > 1:
            kinds = " and ".join(ion.symbol for ion, _ in site)
            raise StructureError(
                f"{shown} mixes {kinds}: how a mixture is ordered isn't known, so give a formula with one {name}"
            )
    metal, halide = material.b_site[0][0], material.x_site[0][0]
    if metal.symbol not in _METALS or metal.charge != 2:
        raise StructureError(f"{shown}: crystals are built with {', '.join(_METALS)} (2+), not {metal.symbol}")
    if halide.symbol not in _HALIDES:
        raise StructureError(f"{shown}: crystals are built with {', '.join(_HALIDES)}, not {halide.symbol}")
    spacer = material.spacers[0][0]
    if spacer.is_monatomic:
        raise StructureError(f"{shown}: {spacer.symbol} is a single atom; crystals are built with ammonium spacers")
    cage = material.a_site[0][0] if material.a_site else None
    if cage is not None and not cage.is_monatomic and hands_of(cage) != "achiral":
        raise StructureError(f"{shown}: a chiral cage cation ({cage.symbol}) is not built; use MA, FA or Cs")
    return Request(
        material, spacer, cage, metal.symbol, halide.symbol, layers, material.family, hands_of(spacer)
    )  # fmt: skip
