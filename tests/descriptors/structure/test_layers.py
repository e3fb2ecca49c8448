"""Slabs of which every number is known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pymatgen.core import Structure

from descriptors.structure.crystals import (
    B_B_A,
    corrugated,
    crystal,
    jiggled,
    octahedra,
    rotated,
    slab_110,
    slab_111,
    slab_crystal,
)
from perospin.descriptors.structure import STRUCTURE_DESCRIPTIONS, describe_structure
from perospin.descriptors.structure.layers import shift_factors
from perospin.errors import StructureError

R_CS, R_PB, R_I = 1.88, 1.19, 2.20


def test_worked_shift_factors() -> None:
    assert shift_factors((2.1, 5.9), (6.2, 0.1), (-0.05, 6.25)) == pytest.approx((0.06154045, 0.3462779), abs=5e-8)
    assert shift_factors((3.1, 3.1), (6.2, 0), (0, 6.2)) == pytest.approx((0.5, 0.5), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize(("kind", "shift"), [("DJ", (0.0, 0.0)), ("RP", (0.5, 0.5)), ("half", (0.0, 0.5))])
def test_ideal_slabs(n: int, kind: str, shift: tuple[float, float]) -> None:
    d = describe_structure(slab_crystal(n, shift, gap_a=9.0, depth_a=0.4, slabs=1 if kind == "DJ" else 2))
    half = B_B_A / 2
    expected = {
        "network_dimension": 2,
        "n_layers": n,
        "layer_spacing_a": n * B_B_A + 9.0,
        "layer_spacing_max_a": n * B_B_A + 9.0,
        "layer_thickness_a": n * B_B_A,
        "layer_envelope_a": n * B_B_A,
        "interlayer_gap_a": 9.0,
        "area_per_b_a2": B_B_A**2,
        "volume_per_b_a3": B_B_A**2 * (n * B_B_A + 9.0) / n,
        "layer_shift_t1": shift[0],
        "layer_shift_t2": shift[1],
        "nitrogen_depth_a": 0.4,
        "nitrogen_depth_min_a": 0.4,
        "nitrogen_depth_max_a": 0.4,
        "bx_length_mean_a": half,
        "bx_length_range_a": 0,
        "bx_length_in_plane_a": half,
        "bx_length_terminal_a": half,
        "distortion_index": 0,
        "bond_angle_variance_deg2": 0,
        "quadratic_elongation": 1,
        "octahedron_volume_a3": 4 / 3 * half**3,
        "b_off_centre_a": 0,
        "bxb_angle_mean_deg": 180,
        "bxb_angle_in_plane_deg": 180,
        "beta_in_deg": 180,
        "beta_out_deg": 180,
        "d_in_deg": 0,
        "delta_beta_deg": 0,
        "delta_beta_in_max_deg": 0,
        "corner_links_per_b": 6 - 2 / n,
        "edge_links_per_b": 0,
        "terminal_x_per_b": 2 / n,
        "centrosymmetric": 1,
    }
    assert {k: d.values[k] for k in expected} == pytest.approx(expected, abs=1e-6)
    assert math.isnan(d.values["bxb_angle_across_deg"]) == (n == 1)
    if n > 1:
        assert d.values["bxb_angle_across_deg"] == pytest.approx(180)
        assert d.values["bx_length_across_a"] == pytest.approx(half)
        tolerance = (R_CS + R_I) / (math.sqrt(2) * (R_PB + R_I))
        assert d.values["cage_tolerance_factor"] == pytest.approx(tolerance, abs=1e-9)
    else:
        assert math.isnan(d.values["cage_tolerance_factor"])
    assert d.labels["dimensionality"] == "2D"
    assert d.labels["connectivity"] == "corner"
    assert d.labels["layer_orientation"] == "(100)"
    group = {"DJ": "P4/mmm", "RP": "I4/mmm", "half": "Cmmm"}[kind]
    assert d.labels["space_group"] == group
    assert set(d.values) == set(STRUCTURE_DESCRIPTIONS)


@pytest.mark.parametrize("phi", [3.0, 12.0])
def test_layer_of_turned_octahedra(phi: float) -> None:
    d = describe_structure(rotated(phi, layered=True))
    expected = {
        "bxb_angle_mean_deg": 180 - 2 * phi,
        "beta_in_deg": 180 - 2 * phi,
        "beta_out_deg": 180,
        "d_in_deg": 2 * phi,
        "delta_beta_in_deg": 0,
        "distortion_index": 0,
        "bond_angle_variance_deg2": 0,
        "area_per_b_a2": (B_B_A * np.cos(np.radians(phi))) ** 2,
        "layer_shift_t1": 0,
        "layer_shift_t2": 0,
    }
    assert {k: d.values[k] for k in expected} == pytest.approx(expected, abs=1e-6)


def test_disparity_is_the_difference_of_the_two_bridges() -> None:
    # the worked bridges: X1 between (0, 0, 0) and (6.2, 0, 0), X2 between (0, 0, 0) and (0, 6.2, 0)
    atoms = [("Pb", [0, 0, 0]), ("I", [3.05, 0.80, 0.20]), ("I", [0.45, 3.10, -0.15])]
    atoms += [("I", [0, 0, 3.2]), ("I", [0, 0, -3.2])]
    d = describe_structure(crystal(np.diag([6.2, 6.2, 15.0]), atoms))
    expected = {
        "delta_beta_deg": 12.40005,
        "delta_beta_in_deg": 12.42848,
        "delta_beta_out_deg": 1.844248,
        "beta_in_deg": (151.0526 + 163.4811) / 2,
        "beta_out_deg": (172.6153 + 174.4596) / 2,
        "d_in_deg": (28.94735 + 16.51888) / 2,
    }
    assert {k: d.values[k] for k in expected} == pytest.approx(expected, abs=5e-5)
    assert d.lists["beta_in_deg"] == pytest.approx((151.0526, 163.4811), abs=5e-5)


def test_inequivalent_layers_are_averaged_and_listed() -> None:
    # two n = 1 layers a cell, one flat and one of turned octahedra (same net), at unequal distances
    turned = rotated(10, layered=True)
    step = B_B_A * np.cos(np.radians(10))
    atoms = [(s.symbol, x) for s, x in zip(turned.species, turned.cart_coords, strict=True)]
    corners = np.array([[i * step, j * step, 17.0] for i in (0, 1) for j in (0, 1)])
    atoms += [(s, x) for s, x in octahedra(corners, radius_a=step / 2)]
    d = describe_structure(crystal(np.diag([2 * step, 2 * step, 32.0]), atoms))
    assert d.lists["layer_spacings_a"] == pytest.approx((15.0, 17.0))
    assert d.values["layer_spacing_a"] == pytest.approx(16.0)
    assert d.values["layer_spacing_max_a"] == pytest.approx(17.0)
    assert d.lists["layer_thicknesses_a"] == pytest.approx((step, B_B_A))
    assert d.values["beta_in_deg"] == pytest.approx(170.0)
    assert d.lists["beta_in_deg"] == pytest.approx((160.0, 180.0))
    assert d.values["delta_beta_in_deg"] == pytest.approx(0, abs=1e-9)


def test_slabs_of_different_thickness_in_one_crystal() -> None:
    atoms = octahedra([[0, 0, 0], [0, 0, 15], [0, 0, 15 + B_B_A]])
    d = describe_structure(crystal(np.diag([B_B_A, B_B_A, 36.0]), atoms))
    assert math.isnan(d.values["n_layers"])
    assert d.lists["n_layers"] == (1, 2)
    assert any("1 and 2 sheets" in w for w in d.warnings)


@pytest.mark.parametrize(
    ("structure", "name"), [(slab_110(), "(110)"), (slab_111(), "(111)"), (corrugated(), "corrugated")]
)
def test_other_cuts_are_named_and_their_undefined_numbers_left_empty(structure: Structure, name: str) -> None:
    d = describe_structure(structure)
    assert d.labels["layer_orientation"] == name
    assert d.labels["dimensionality"] == "2D"
    assert d.values["layer_spacing_a"] == pytest.approx(15.0)
    assert all(math.isnan(d.values[k]) for k in ("n_layers", "beta_in_deg", "layer_shift_t1", "layer_thickness_a"))
    assert any("aren't (100)" in w for w in d.warnings)


def test_nitrogen_of_a_cage_or_of_a_nitro_group_isn_t_an_anchor() -> None:
    slab = slab_crystal(2, (0, 0), slabs=1, depth_a=0.3)
    plain = describe_structure(slab)
    caged = slab.copy()
    caged.replace(next(i for i, s in enumerate(caged) if s.specie.symbol == "Cs"), "N")
    assert describe_structure(caged).values["nitrogen_depth_a"] == pytest.approx(0.3)
    nitro = slab.copy()
    place = nitro.cart_coords[next(i for i, s in enumerate(nitro) if s.specie.symbol == "C")] + [0.3, 0.3, 1.0]
    nitro.append("N", place, coords_are_cartesian=True)
    nitro.append("O", place + np.array([1.2, 0, 0]), coords_are_cartesian=True)
    d = describe_structure(nitro)
    assert d.lists["nitrogen_depths_a"] == pytest.approx(plain.lists["nitrogen_depths_a"])


def test_nitrogen_outside_the_halide_plane_has_negative_depth() -> None:
    d = describe_structure(slab_crystal(1, (0.5, 0.5), depth_a=-0.7))
    assert d.values["nitrogen_depth_a"] == pytest.approx(-0.7)


def test_shift_of_a_distorted_layer_is_that_of_the_mean_positions() -> None:
    base = slab_crystal(1, (0.2, 0.4), spacer=False)
    d = describe_structure(base)
    assert (d.values["layer_shift_t1"], d.values["layer_shift_t2"]) == pytest.approx((0.2, 0.4))
    large = jiggled(base * (2, 2, 1), 0.1, seed=3)
    e = describe_structure(large)
    assert e.values["layer_shift_t1"] == pytest.approx(0.2, abs=0.03)
    assert e.values["layer_shift_t2"] == pytest.approx(0.4, abs=0.03)


def test_intergrown_dimensionalities_are_refused() -> None:
    atoms = octahedra([[0, 0, 0]])
    atoms += [(s, x + np.array([0.3, 0.2, 15])) for s, x in octahedra([[0, 0, 0]], radius_a=2.2)]
    with pytest.raises(StructureError, match="0D and 2D parts"):
        describe_structure(crystal(np.diag([B_B_A, B_B_A, 30.0]), atoms))
