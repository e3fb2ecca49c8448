"""Octahedra, connectivity and dimensionality of networks known by construction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from descriptors.structure.crystals import (
    B_B_A,
    corner_chain,
    crystal,
    cubic,
    face_chain,
    isolated,
    octahedra,
    rotated,
    slab_crystal,
)
from perospin.descriptors.structure import describe_structure, example_structures
from perospin.descriptors.structure.network import plane_of
from perospin.errors import StructureError


def test_cubic_perovskite() -> None:
    d = describe_structure(cubic())
    assert d.labels["dimensionality"] == "3D"
    assert d.labels["connectivity"] == "corner"
    assert d.labels["space_group"] == "Pm-3m"
    expected = {
        "network_dimension": 3,
        "cell_volume_a3": B_B_A**3,
        "volume_per_b_a3": B_B_A**3,
        "mean_lattice_parameter_a": B_B_A,
        "mean_lattice_angle_deg": 90,
        "space_group_number": 221,
        "centrosymmetric": 1,
        "sohncke": 0,
        "polar": 0,
        "corner_links_per_b": 6,
        "terminal_x_per_b": 0,
        "bx_length_mean_a": B_B_A / 2,
        "bxb_angle_mean_deg": 180,
        "cage_tolerance_factor": 0.8510312,
    }
    assert {k: d.values[k] for k in expected} == pytest.approx(expected, abs=1e-6)
    assert d.lists["bx_lengths_a"] == pytest.approx((B_B_A / 2,))
    empty = ("n_layers", "layer_spacing_a", "beta_in_deg", "layer_shift_t1", "nitrogen_depth_a", "bx_length_terminal_a")
    assert all(math.isnan(d.values[k]) for k in empty)


@pytest.mark.parametrize(("halide", "t"), [("I", 0.8510312), ("Br", 0.8619968), ("Cl", 0.8697413)])
def test_tolerance_factor_of_caesium_lead_halides(halide: str, t: float) -> None:
    assert describe_structure(cubic(halide)).values["cage_tolerance_factor"] == pytest.approx(t, abs=5e-8)


def test_tolerance_factor_with_a_given_radius() -> None:
    d = describe_structure(cubic("Br"), cage_radius_a=2.17)
    assert d.values["cage_tolerance_factor"] == pytest.approx(0.9270956, abs=5e-8)


@pytest.mark.parametrize("phi", [4.0, 11.0])
@pytest.mark.parametrize("antiphase", [False, True])
def test_glazer_tilt_about_one_axis(phi: float, antiphase: bool) -> None:
    d = describe_structure(rotated(phi, layered=False, antiphase=antiphase))
    assert d.lists["bxb_angles_deg"] == pytest.approx((180 - 2 * phi, 180 - 2 * phi, 180))
    assert d.values["bxb_angle_mean_deg"] == pytest.approx((2 * (180 - 2 * phi) + 180) / 3)
    assert d.values["bxb_angle_min_deg"] == pytest.approx(180 - 2 * phi)
    assert d.values["distortion_index"] == pytest.approx(0, abs=1e-12)
    assert d.labels["space_group"] == ("I4/mcm" if antiphase else "P4/mbm")


def test_chain_and_isolated_octahedra() -> None:
    chain, alone = describe_structure(corner_chain()), describe_structure(isolated())
    assert (chain.labels["dimensionality"], chain.labels["connectivity"]) == ("1D", "corner")
    assert (chain.values["corner_links_per_b"], chain.values["terminal_x_per_b"]) == (2, 4)
    assert (alone.labels["dimensionality"], alone.labels["connectivity"]) == ("0D", "isolated")
    assert math.isnan(alone.values["bxb_angle_mean_deg"])


def test_face_sharing_chain() -> None:
    d = describe_structure(face_chain())
    assert (d.labels["dimensionality"], d.labels["connectivity"]) == ("1D", "face")
    assert d.values["face_links_per_b"] == pytest.approx(2)
    assert d.values["bxb_angle_mean_deg"] == pytest.approx(math.degrees(math.acos(1 / 3)))


def test_edge_sharing_double_chain_of_delta_caesium_lead_iodide() -> None:
    d = describe_structure(example_structures()["CsPbI3_delta_COD4335639"])
    assert (d.labels["dimensionality"], d.labels["connectivity"]) == ("1D", "edge")
    assert d.labels["space_group"] == "Pnma"
    # bond lengths and angles as refined, from the file itself: I2 once, I1 and I3 twice, I3 once
    lengths = (3.0426, 3.2252, 3.2252, 3.2606, 3.2606, 3.4098)
    assert d.lists["bx_lengths_a"] == pytest.approx(lengths, abs=2e-4)
    assert d.values["bxb_angle_max_deg"] == pytest.approx(95.920, abs=5e-3)
    assert d.values["bxb_angle_min_deg"] == pytest.approx(88.806, abs=5e-3)
    assert math.isnan(d.values["cage_tolerance_factor"])


def test_rocksalt_double_perovskite() -> None:
    centres = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * 5.6
    metals = ["Ag" if c.sum() / 5.6 % 2 < 0.5 else "Bi" for c in centres]
    cages = [("Cs", c + 2.8) for c in centres]
    d = describe_structure(crystal(np.eye(3) * 11.2, [*octahedra(centres, metals, "Br", 2.8), *cages]))
    assert d.labels["b_elements"] == "Ag,Bi"
    assert d.labels["space_group"] == "Fm-3m"
    assert d.values["volume_per_b_a3"] == pytest.approx(5.6**3)
    r_b, r_x = (1.15 + 1.03) / 2, 1.96  # Shannon, six-coordinate
    assert d.values["cage_tolerance_factor"] == pytest.approx((1.88 + r_x) / (math.sqrt(2) * (r_b + r_x)))


def test_sodium_is_on_the_b_site_only_where_octahedral() -> None:
    caged = cubic(cage="Na")
    assert describe_structure(caged).labels["b_elements"] == "Pb"
    centres = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * 5.4
    metals = ["Na" if c.sum() / 5.4 % 2 < 0.5 else "Bi" for c in centres]
    d = describe_structure(crystal(np.eye(3) * 10.8, octahedra(centres, metals, "Cl", 2.7)))
    assert (d.labels["b_elements"], d.labels["dimensionality"]) == ("Bi,Na", "3D")


def test_organic_and_free_halogens_are_left_out() -> None:
    slab = slab_crystal(1, (0.5, 0.5), depth_a=0.4)
    plain = describe_structure(slab)
    decorated = slab.copy()
    top = max(i for i, s in enumerate(slab) if s.specie.symbol == "C")
    carbon = slab.cart_coords[top]
    sign = np.sign(slab.cart_coords[top, 2] - slab.cart_coords[top - 1, 2])
    decorated.append("I", carbon + np.array([0, 0, sign * 2.1]), coords_are_cartesian=True)  # iodine on carbon
    d = describe_structure(decorated)
    assert d.values["bx_length_mean_a"] == plain.values["bx_length_mean_a"]
    assert d.values["terminal_x_per_b"] == 2
    free = slab.copy()
    free.append("I", [B_B_A / 2, B_B_A / 2, 0.5 * 15.2], coords_are_cartesian=True)
    assert describe_structure(free).values["terminal_x_per_b"] == 2


def test_a_seventh_halide_at_bonding_distance_is_refused() -> None:
    slab = slab_crystal(1, (0.5, 0.5), spacer=False)
    slab.append("Cl", [1.9, 1.9, 2.0], coords_are_cartesian=True)
    with pytest.raises(StructureError, match="no six clear nearest halides"):
        describe_structure(slab)


def test_water_and_foreign_metals_are_no_framework() -> None:
    slab = slab_crystal(1, (0.5, 0.5), depth_a=0.4)
    slab.append("O", [B_B_A / 2, B_B_A / 2, 7.6], coords_are_cartesian=True)
    slab.append("Fe", [0, 0, 7.6], coords_are_cartesian=True)
    d = describe_structure(slab)
    assert d.labels["b_elements"] == "Pb"
    assert "Fe isn't bound to a halide and was left out" in d.warnings


def test_octahedron_completed_by_another_atom_is_described_and_told() -> None:
    atoms = [(s, x) for s, x in octahedra([[0, 0, 0]]) if not (s == "I" and abs(x[2]) > 1)]
    atoms += [("S", [0, 0, 2.9]), ("S", [0, 0, -2.9]), ("C", [0, 0, 4.55]), ("N", [0, 0, 5.7])]
    d = describe_structure(crystal(np.diag([B_B_A, B_B_A, 16.0]), atoms))
    assert d.labels["x_elements"] == "I,S"
    assert any("S among their six ligands" in w for w in d.warnings)


def test_mixed_halides_keep_their_own_lengths() -> None:
    # apical bromide, equatorial iodide
    atoms = [("Pb", [0, 0, 0]), ("I", [3.15, 0, 0]), ("I", [0, 3.15, 0]), ("Br", [0, 0, 2.95]), ("Br", [0, 0, -2.95])]
    d = describe_structure(crystal(np.diag([6.3, 6.3, 15.0]), atoms))
    assert d.labels["x_elements"] == "Br,I"
    assert d.lists["bx_lengths_a"] == pytest.approx((2.95, 3.15, 3.15))
    assert d.values["bx_length_terminal_a"] == pytest.approx(2.95)


def test_off_centre_metal() -> None:
    structure = cubic()
    structure.translate_sites([0], [0, 0, 0.2], frac_coords=False)
    d = describe_structure(structure)
    assert d.values["b_off_centre_a"] == pytest.approx(0.2)
    assert (d.values["polar"], d.values["centrosymmetric"]) == (1, 0)
    assert d.labels["space_group"] == "P4mm"


def test_lone_pair_distortion_is_told() -> None:
    structure = cubic()
    structure.translate_sites([0], [0.3, 0.3, 0.3], frac_coords=False)
    d = describe_structure(structure)
    lengths = [math.sqrt((3.1 - s * 0.3) ** 2 + 2 * 0.3**2) for s in (1, -1)]
    assert d.values["bx_length_range_a"] == pytest.approx(lengths[1] - lengths[0])
    structure.translate_sites([0], [0.2, 0.2, 0.2], frac_coords=False)
    assert any("lone pair" in w for w in describe_structure(structure).warnings)


def _prism() -> Structure:
    flat = [[2.7, 0], [-1.35, 2.338], [-1.35, -2.338]]
    atoms = [("Pb", [0, 0, 0]), *(("I", [x, y, z]) for x, y in flat for z in (1.7, -1.7))]
    return crystal(np.diag([14.0, 14.0, 14.0]), atoms)


def _tetrahedron() -> Structure:
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.35
    return crystal(np.diag([11.0, 11.0, 11.0]), [("Zn", [0, 0, 0]), *(("Cl", c) for c in corners)])


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (_tetrahedron(), "Zn has only 4 ligands"),
        (_prism(), "no octahedron"),
        (Structure(Lattice.cubic(4), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]), "no metal surrounded by six halides"),
        (Structure(Lattice.cubic(5), ["C", "H"], [[0, 0, 0], [0.2, 0, 0]]), "no metal surrounded by six halides"),
    ],
)
def test_what_is_no_network_of_octahedra_is_refused(structure: Structure, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        describe_structure(structure)


def test_plane_of_translations() -> None:
    miller, index = plane_of(np.array([[1, 1, 0], [1, -1, 0], [2, 0, 0]]))
    assert miller.tolist() == [0, 0, 1]
    assert index == 2
