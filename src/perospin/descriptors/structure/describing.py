"""One structure in, all its descriptors out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.chemistry import goldschmidt_tolerance, shannon_radius_pm
from perospin.descriptors.structure.bridges import beta_in_deg, beta_out_deg, bridge_angle_deg
from perospin.descriptors.structure.columns import STRUCTURE_DESCRIPTIONS
from perospin.descriptors.structure.layers import Stack, find_layers, layer_shifts, nitrogen_depths
from perospin.descriptors.structure.network import Component, Network, components, find_network
from perospin.descriptors.structure.octahedra import (
    bond_angle_variance_deg2,
    distortion_index,
    length_variance,
    octahedron_volume_a3,
    quadratic_elongation,
    sigma_deg,
    zeta_a,
)
from perospin.descriptors.structure.ordering import (
    CAGE_METALS,
    EITHER_SITE_METALS,
    Crystal,
    Sites,
    order,
    read_sites,
    total,
)
from perospin.descriptors.structure.reading import NOTES, read_structure
from perospin.descriptors.structure.symmetry import find_symmetry
from perospin.errors import DataError, StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

Float = NDArray[np.float64]

_SAME_A_OR_DEG = 1e-4
_DIVALENT = frozenset({"Pb", "Sn", "Ge", "Mg", "Ca", "Sr", "Ba", "Mn", "Cd", "Zn"})
_LINKS = {1: "corner", 2: "edge", 3: "face"}


@dataclass(frozen=True)
class StructureDescriptors:
    """Descriptors of one crystal structure.

    Attributes
    ----------
    values
        Column -> number; NaN where the quantity doesn't exist (:data:`STRUCTURE_DESCRIPTIONS` says what each is).
    lists
        All single values behind the means, sorted, each as often as it occurs in proportion (so that a supercell gives
        the same list).
    labels
        ``space_group``, ``dimensionality`` ("0D" to "3D"), ``connectivity`` ("corner", "edge", "face", joined by "+",
        or "isolated"), ``layer_orientation`` ("(100)", "(110)", "(111)", "corrugated", "other", or "" without layers),
        ``b_elements``, ``x_elements``, ``formula`` (as far as the file lists atoms).
    warnings
        What was assumed, one sentence each.
    """

    values: Mapping[str, float]
    lists: Mapping[str, tuple[float, ...]]
    labels: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def _in_proportion(values: Iterable[float]) -> tuple[float, ...]:
    """Sorted values; equal ones (within 1e-4) are thinned by the common factor of all multiplicities."""
    ordered = np.sort(np.asarray(list(values), dtype=float))
    if len(ordered) == 0:
        return ()
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) > _SAME_A_OR_DEG) + 1)
    factor = reduce(math.gcd, (len(group) for group in groups))
    # equal values differ in the last digits only: take every factor-th
    return tuple(float(x) for group in groups for x in group[factor // 2 :: factor])


def _mean(values: Sequence[float] | Float) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _largest(values: Sequence[float] | Float) -> float:
    return float(np.max(values)) if len(values) else math.nan


class _Row:
    """Values and lists being collected."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(STRUCTURE_DESCRIPTIONS, math.nan)
        self.lists: dict[str, tuple[float, ...]] = {}
        self.labels: dict[str, str] = {}
        self.warnings: list[str] = []

    def set(self, **values: float) -> None:
        unknown = set(values) - set(self.values)
        if unknown:
            raise KeyError(f"undescribed columns {sorted(unknown)}")
        self.values.update({name: float(value) for name, value in values.items()})

    def keep(self, name: str, values: Iterable[float]) -> None:
        self.lists[name] = _in_proportion(values)


def _cell(row: _Row, sites: Sites) -> None:
    found = find_symmetry(sites)
    if found is None:
        row.labels["space_group"] = ""
        row.warnings.append("spglib found no space group: cell and symmetry columns are empty")
        return
    cell = found.conventional_a
    lengths = np.linalg.norm(cell, axis=1)
    cosines = [cell[i] @ cell[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    angles = np.degrees(np.arccos(cosines))
    row.labels["space_group"] = found.symbol
    if math.isfinite(found.near_miss_a):
        row.warnings.append(
            f"the symmetry is nearly higher than {found.symbol}: an operation not counted is broken by only "
            f"{found.near_miss_a:.2g} A"
        )
    row.keep("cell_lengths_a", lengths)
    row.keep("cell_angles_deg", angles)
    row.set(
        cell_volume_a3=abs(float(np.linalg.det(cell))),
        mean_lattice_parameter_a=_mean(lengths),
        mean_lattice_angle_deg=_mean(angles),
        space_group_number=found.number,
        centrosymmetric=found.centrosymmetric,
        sohncke=found.sohncke,
        polar=found.polar,
    )


def _octahedra(row: _Row, network: Network) -> None:
    lengths = network.lengths_a
    volumes = [octahedron_volume_a3(v) for v in network.vectors_a]
    per_octahedron: dict[str, list[float]] = {
        "distortion_index": [distortion_index(x) for x in lengths],
        "length_variance": [length_variance(x) for x in lengths],
        "zeta_a": [zeta_a(x) for x in lengths],
        "bond_angle_variance_deg2": [bond_angle_variance_deg2(x) for x in network.cis_deg],
        "sigma_deg": [sigma_deg(x) for x in network.cis_deg],
        "quadratic_elongation": [quadratic_elongation(x, v) for x, v in zip(lengths, volumes, strict=True)],
        "octahedron_volume_a3": volumes,
        "b_off_centre_a": list(np.linalg.norm(network.vectors_a.mean(axis=1), axis=1)),
    }
    for name, values in per_octahedron.items():
        row.keep(name, values)
        row.set(**{name: _mean(values)})
    row.set(
        distortion_index_max=_largest(per_octahedron["distortion_index"]),
        bond_angle_variance_max_deg2=_largest(per_octahedron["bond_angle_variance_deg2"]),
        quadratic_elongation_max=_largest(per_octahedron["quadratic_elongation"]),
        bx_length_mean_a=_mean(lengths.ravel()),
        bx_length_min_a=lengths.min(),
        bx_length_max_a=lengths.max(),
        bx_length_range_a=lengths.max() - lengths.min(),
        bx_length_terminal_a=_mean(lengths[network.terminal]),
    )
    row.keep("bx_lengths_a", lengths.ravel())
    row.keep("xbx_cis_angles_deg", network.cis_deg.ravel())


def _connectivity(row: _Row, network: Network, angles: Float) -> None:
    n_b = len(network.b_atoms)
    # a pair of octahedra that shares k vertices is listed k times
    for count, name in _LINKS.items():
        at_least = network.shared >= count if count == 3 else network.shared == count
        row.set(**{f"{name}_links_per_b": 2.0 * float(np.sum(at_least / network.shared)) / n_b})
    kinds = [name for name in _LINKS.values() if row.values[f"{name}_links_per_b"] > 0]
    row.labels["connectivity"] = "+".join(kinds) or "isolated"
    row.set(terminal_x_per_b=network.terminal.sum() / n_b)
    if len(angles):
        row.set(
            bxb_angle_mean_deg=_mean(angles),
            bxb_angle_min_deg=angles.min(),
            bxb_angle_max_deg=angles.max(),
        )
    row.keep("bxb_angles_deg", angles)


def _sheets(row: _Row, network: Network, stack: Stack, angles: Float) -> None:
    """Bridging angles of (100) slabs, inside the sheets and across them."""
    first, second = network.bridge_vectors_a()
    inside = np.concatenate([sheet.bridges for slab in stack.slabs for sheet in slab.sheets])
    across = np.setdiff1d(np.arange(len(angles)), inside)
    beta_in = beta_in_deg(first, second, stack.normal)
    beta_out = beta_out_deg(first[inside], second[inside], stack.normal)
    all_out = np.full(len(angles), np.nan)
    all_out[inside] = beta_out
    for name, values in (("", angles), ("_in", beta_in), ("_out", all_out)):
        spread = [float(np.ptp(values[sheet.bridges])) for slab in stack.slabs for sheet in slab.sheets]
        row.set(**{f"delta_beta{name}_deg": _mean(spread), f"delta_beta{name}_max_deg": _largest(spread)})
        row.keep(f"delta_beta{name}_deg", spread)
    row.keep("bxb_angles_in_plane_deg", angles[inside])
    row.keep("bxb_angles_across_deg", angles[across])
    row.keep("beta_in_deg", beta_in[inside])
    row.keep("beta_out_deg", beta_out)

    def lengths_of(bridges: NDArray[np.int64]) -> Float:
        i, s, k, t = network.bridges[bridges].T
        return np.concatenate([network.lengths_a[i, s], network.lengths_a[k, t]])

    row.set(
        bxb_angle_in_plane_deg=_mean(angles[inside]),
        bxb_angle_across_deg=_mean(angles[across]),
        beta_in_deg=_mean(beta_in[inside]),
        beta_out_deg=_mean(beta_out),
        d_in_deg=180.0 - _mean(beta_in[inside]),
        d_out_deg=180.0 - _mean(beta_out),
        bx_length_in_plane_a=_mean(lengths_of(inside)),
        bx_length_across_a=_mean(lengths_of(across)),
    )


def _layers(row: _Row, network: Network, stack: Stack, angles: Float) -> None:
    spacings = stack.spacings_a
    envelopes = [slab.high_a - slab.low_a for slab in stack.slabs]
    row.set(layer_spacing_a=_mean(spacings), layer_spacing_max_a=_largest(spacings), layer_envelope_a=_mean(envelopes))
    row.keep("layer_spacings_a", spacings)
    orientations = sorted({slab.orientation for slab in stack.slabs})
    row.labels["layer_orientation"] = orientations[0] if len(orientations) == 1 else "other"
    if orientations != ["(100)"]:
        row.warnings.append(
            "the layers aren't (100) sheets of corner-sharing octahedra: number of sheets, thickness, beta_in and "
            "beta_out, shift factors and nitrogen depth don't exist"
        )
        return
    sheets = [len(slab.sheets) for slab in stack.slabs]
    row.keep("n_layers", sheets)
    if len(set(sheets)) == 1:
        row.set(n_layers=sheets[0])
    else:
        row.warnings.append(
            f"slabs of {' and '.join(map(str, sorted(set(sheets))))} sheets in one crystal: n_layers is empty"
        )
    thickness = [slab.top_a - slab.bottom_a for slab in stack.slabs]
    row.keep("layer_thicknesses_a", thickness)
    row.set(
        layer_thickness_a=_mean(thickness),
        interlayer_gap_a=_mean(spacings) - _mean(thickness),
        area_per_b_a2=stack.area_a2 * sum(sheets) / len(network.b_atoms),
    )
    _sheets(row, network, stack, angles)
    shifts = layer_shifts(network, stack)
    if any(math.isnan(t) for pair in shifts for t in pair):
        row.warnings.append("neighbouring layers have different nets: no shift factors between them")
    else:
        row.set(layer_shift_t1=_mean([t for t, _ in shifts]), layer_shift_t2=_mean([t for _, t in shifts]))
        row.keep("layer_shifts_t1", [t for t, _ in shifts])
        row.keep("layer_shifts_t2", [t for _, t in shifts])
    if network.crystal.organic_overlap:
        return
    depths, weights = nitrogen_depths(network, stack)
    if len(depths):
        row.keep("nitrogen_depths_a", depths)
        row.set(
            nitrogen_depth_a=float(np.average(depths, weights=weights)),
            nitrogen_depth_min_a=depths.min(),
            nitrogen_depth_max_a=depths.max(),
        )
    elif _has(network.crystal, "N"):
        row.warnings.append("no nitrogen lies near the terminal halides: no nitrogen depth")


def _has(crystal: Crystal, symbol: str) -> bool:
    """Whether an element occurs in a structure."""
    return symbol in crystal.symbols


_OF_METALS = frozenset(
    ("cell_volume_a3", "volume_per_b_a3", "mean_lattice_parameter_a", "mean_lattice_angle_deg", "space_group_number",
     "centrosymmetric", "sohncke", "polar", "network_dimension", "corner_links_per_b", "edge_links_per_b",
     "face_links_per_b", "terminal_x_per_b", "n_layers", "layer_spacing_a", "layer_spacing_max_a", "area_per_b_a2",
     "layer_shift_t1", "layer_shift_t2", "cage_tolerance_factor")
)  # fmt: skip
"""Columns that don't depend on where exactly the halides are."""
_LISTS_OF_METALS = frozenset(
    ["cell_lengths_a", "cell_angles_deg", "layer_spacings_a", "n_layers", "layer_shifts_t1", "layer_shifts_t2"]
)


def _forget_halides(row: _Row) -> None:
    """Empty what depends on the places of the halides."""
    row.values.update({name: math.nan for name in row.values if name not in _OF_METALS})
    row.lists = {name: values for name, values in row.lists.items() if name in _LISTS_OF_METALS}


def _charges(b_elements: Sequence[str]) -> Mapping[str, int] | None:
    """Charges of the metals of an ABX3 framework, or None where they aren't certain."""
    if len(b_elements) == 1 or _DIVALENT.issuperset(b_elements):
        return dict.fromkeys(b_elements, 2)
    monovalent = [b for b in b_elements if b in ("Ag", "Na", "Li", "K")]
    trivalent = [b for b in b_elements if b in ("Bi", "Sb", "In", "Fe", "Tl")]
    if len(b_elements) == 2 and len(monovalent) == len(trivalent) == 1:
        return {monovalent[0]: 1, trivalent[0]: 3}
    return None


def _mean_radius_a(amounts: Mapping[str, float], charges: Mapping[str, int], coordination: int) -> float:
    radii = {s: shannon_radius_pm(s, charges[s], coordination) / 100 for s in amounts}
    return sum(radii[s] * amount for s, amount in amounts.items()) / sum(amounts.values())


def _tolerance(row: _Row, network: Network, radius_a: float | None) -> None:
    crystal = network.crystal
    layered = row.values["n_layers"] > 1
    if not (row.values["network_dimension"] == 3 or layered) or row.labels["connectivity"] != "corner":
        return
    b_atoms, x_atoms = set(network.b_atoms.tolist()), set(network.ligand.ravel().tolist())
    metals, halides = total(crystal.amounts[i] for i in b_atoms), total(crystal.amounts[i] for i in x_atoms)
    others = total(amounts for i, amounts in enumerate(crystal.amounts) if i not in b_atoms)
    cage = {s: amount for s, amount in others.items() if s in CAGE_METALS | EITHER_SITE_METALS}
    charges = _charges(sorted(metals))
    if charges is None:
        return
    try:
        if radius_a is None:
            wanted = len(b_atoms) if not layered else len(b_atoms) * (1 - 1 / row.values["n_layers"])
            if abs(sum(cage.values()) - wanted) > 0.01 * wanted:
                return
            radius_a = _mean_radius_a(cage, dict.fromkeys(cage, 1), 12)
        r_b, r_x = _mean_radius_a(metals, charges, 6), _mean_radius_a(halides, dict.fromkeys(halides, -1), 6)
    except DataError:  # an ion without a Shannon radius
        return
    row.set(cage_tolerance_factor=float(goldschmidt_tolerance(radius_a, r_b, r_x)))


def _dimension(pieces: Sequence[Component]) -> int:
    dimensions = sorted({piece.dimension for piece in pieces})
    if len(dimensions) > 1:
        listed = " and ".join(f"{d}D" for d in dimensions)
        raise StructureError(
            f"the inorganic network has {listed} parts side by side: no single set of descriptors exists"
        )
    return dimensions[0]


def describe_structure(
    structure_or_path: Structure | str | Path, *, cage_radius_a: float | None = None
) -> StructureDescriptors:
    """Describe the inorganic network of a halide perovskite or a relative of it.

    Parameters
    ----------
    structure_or_path
        A pymatgen ``Structure``, or a file for :func:`read_structure`.
    cage_radius_a
        Radius of the cation in the cages (angstrom), for the tolerance factor; without it the factor is given where
        the cages hold Cs, Rb, K or Tl.

    Returns
    -------
    StructureDescriptors
        Means over all octahedra, bridges and layers of the crystal. They depend on the crystal alone: any supercell,
        origin, choice of cell vectors and order of the atoms gives the same.

    Raises
    ------
    StructureError
        If the file can't be read, the framework is disordered beyond one clear ordered model, a metal isn't
        octahedrally coordinated, or the network mixes dimensionalities.
    MissingExtraError
        Without pymatgen or spglib.
    """
    require("pymatgen.core", "structure")
    require("spglib", "structure")
    path_like = isinstance(structure_or_path, (str, Path))
    structure = read_structure(structure_or_path) if isinstance(structure_or_path, (str, Path)) else structure_or_path
    if not hasattr(structure, "lattice"):
        raise StructureError(
            f"a {type(structure).__name__} is no crystal structure: give a pymatgen Structure or a file"
        )
    where = Path(str(structure_or_path)).name + ": " if path_like else ""
    row = _Row()
    try:
        _fill(row, structure, cage_radius_a)
    except StructureError as error:
        raise StructureError(f"{where}{error}") from error
    return StructureDescriptors(row.values, row.lists, row.labels, tuple(dict.fromkeys(row.warnings)))


def _formula(sites: Sites, n_b: int) -> str:
    """Reduced formula of all atoms listed; per B where occupancies make it fractional."""
    from pymatgen.core import Composition

    amounts = total(sites.species)
    if all(set(site.values()) == {1.0} for site in sites.species):
        return str(Composition(amounts).reduced_formula)
    return str(Composition({element: round(amount / n_b, 3) for element, amount in amounts.items()}).formula)


def _fill(row: _Row, structure: Structure, cage_radius_a: float | None) -> None:
    row.warnings.extend(structure.properties.get(NOTES, ()))
    sites = read_sites(structure)
    crystal = order(sites)
    network = find_network(crystal)
    row.warnings.extend((*crystal.warnings, *network.warnings))
    if _has(crystal, "C") and not (_has(crystal, "H") or _has(crystal, "D")):
        row.warnings.append("no hydrogen atoms in the structure: the framework is complete, formula and density aren't")
    _cell(row, sites)
    pieces = components(len(network.b_atoms), network.bridges, network.bridge_image)
    dimension = _dimension(pieces)
    first, second = network.bridge_vectors_a()
    angles = bridge_angle_deg(first, second)
    row.labels["dimensionality"] = f"{dimension}D"
    row.labels["layer_orientation"] = ""
    row.labels["b_elements"] = ",".join(sorted(total(crystal.amounts[i] for i in network.b_atoms)))
    row.labels["x_elements"] = ",".join(sorted(total(crystal.amounts[i] for i in network.ligand.ravel())))
    row.labels["formula"] = _formula(sites, len(network.b_atoms))
    row.set(network_dimension=dimension, volume_per_b_a3=structure.volume / len(network.b_atoms))
    _octahedra(row, network)
    _connectivity(row, network, angles)
    if dimension == 2:
        _layers(row, network, find_layers(network, pieces), angles)
    _tolerance(row, network, cage_radius_a)
    if crystal.halides_split:
        _forget_halides(row)
