"""Disorder, duplicates and missing atoms: one clear ordered model, or a refusal."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Molecule, Structure

from descriptors.structure.crystals import B_B_A, cubic, rotated, slab_crystal
from perospin.descriptors.structure import StructureDescriptors, describe_structure
from perospin.errors import StructureError


def same(first: StructureDescriptors, second: StructureDescriptors, **tolerance: float) -> bool:
    keys = [k for k in first.values if k not in ("space_group_number", "centrosymmetric", "sohncke", "polar")]
    return np.allclose(
        [first.values[k] for k in keys],
        [second.values[k] for k in keys],
        equal_nan=True,
        **(tolerance or {"atol": 1e-9}),
    )


def split(structure: Structure, shares: tuple[float, ...], away_a: float = 0.8) -> Structure:
    """Split every iodide inside the sheets over positions mirrored at the B-B line."""
    new = structure.copy()
    step = B_B_A * np.cos(np.radians(12))
    sites = []
    for site in structure:
        inside = site.specie.symbol == "I" and abs(site.coords[2] - round(site.coords[2] / 15.2) * 15.2) < 0.1
        if not inside:
            sites.append(({site.specie.symbol: 1.0}, site.coords))
            continue
        # the bridge lies half-way between two B along x or y; its mirror image is on the other side of that line
        x, y, z = site.coords
        near_x = abs(x / step - round(x / step)) > 0.25
        line = round(y / step) * step if near_x else round(x / step) * step
        mirror = np.array([x, 2 * line - y, z] if near_x else [2 * line - x, y, z])
        for place, share in zip((site.coords, mirror), shares, strict=True):
            sites.append(({"I": share}, place))
    return Structure(new.lattice, [s for s, _ in sites], [x for _, x in sites], coords_are_cartesian=True)


def test_main_position_of_split_halides_is_taken_and_told() -> None:
    ordered = rotated(12, layered=True)
    d = describe_structure(split(ordered, (0.7, 0.3)))
    assert same(d, describe_structure(ordered))
    assert any("8 split framework sites" in w and "70%" in w for w in d.warnings)


def test_evenly_split_halides_are_refused() -> None:
    with pytest.raises(StructureError, match=r"split over 2 positions .* none occupied to 60 %"):
        describe_structure(split(rotated(12, layered=True), (0.5, 0.5)))


def test_split_halides_without_occupancies_leave_what_metals_say() -> None:
    ordered = describe_structure(rotated(12, layered=True))
    d = describe_structure(split(rotated(12, layered=True), (1.0, 1.0)))
    for column in ("layer_spacing_a", "n_layers", "corner_links_per_b", "network_dimension", "layer_shift_t1"):
        assert d.values[column] == pytest.approx(ordered.values[column], abs=1e-6)
    for column in ("bx_length_mean_a", "bxb_angle_mean_deg", "layer_thickness_a", "distortion_index", "beta_in_deg"):
        assert np.isnan(d.values[column])
        assert not np.isnan(ordered.values[column])
    assert "bxb_angles_deg" not in d.lists
    assert any("8 halides are split over places listed without occupancies" in w for w in d.warnings)


def test_metals_on_top_of_each_other_are_refused() -> None:
    structure = cubic()
    structure.append("Pb", [0.06, 0, 0])
    with pytest.raises(StructureError, match="alternatives of a disordered site"):
        describe_structure(structure)


@pytest.mark.parametrize("shift_a", [0.0, 0.5])
def test_overlapping_organic_atoms_leave_the_framework(shift_a: float) -> None:
    slab = slab_crystal(2, (0.5, 0.5))
    ordered = describe_structure(slab)
    number = next(i for i, s in enumerate(slab) if s.specie.symbol == "N")
    disordered = slab.copy()
    disordered.append("C", slab.cart_coords[number] + [shift_a, 0, 0], coords_are_cartesian=True)
    d = describe_structure(disordered)
    nitrogen = {name for name in ordered.values if name.startswith("nitrogen")}
    symmetry = {"space_group_number", "centrosymmetric", "sohncke", "polar", "cell_volume_a3"}
    symmetry |= {"mean_lattice_parameter_a", "mean_lattice_angle_deg"}
    for column in set(ordered.values) - nitrogen - symmetry:
        assert d.values[column] == pytest.approx(ordered.values[column], abs=1e-9, nan_ok=True), column
    assert all(np.isnan(d.values[column]) for column in nitrogen)
    assert any("organic atoms overlap" in w and "nitrogen depths are left empty" in w for w in d.warnings)


def test_positions_close_together_are_averaged() -> None:
    structure = cubic()
    sites = [(s.species, s.frac_coords) for s in structure if s.specie.symbol != "I"]
    for site in structure:
        if site.specie.symbol == "I":
            axis = np.argmax(site.frac_coords)
            shift = np.eye(3)[(axis + 1) % 3] * 0.02
            sites += [({"I": 0.5}, site.frac_coords + shift), ({"Br": 0.5}, site.frac_coords - shift)]
    d = describe_structure(Structure(structure.lattice, [s for s, _ in sites], [x for _, x in sites]))
    assert d.values["bxb_angle_mean_deg"] == pytest.approx(180)
    assert any("mean position" in w for w in d.warnings)


@pytest.mark.parametrize(("share", "message"), [(0.8, "occupied to 0.80"), (0.5, "occupied to 0.50")])
def test_vacancies_are_refused(share: float, message: str) -> None:
    structure = slab_crystal(2, (0.5, 0.5))  # the reduced cell has other axes; the message must name the given ones
    number = next(i for i, s in enumerate(structure) if s.specie.symbol == "I")
    x, y, z = np.mod(structure[number].frac_coords, 1)
    structure.replace(number, {"I": share})
    with pytest.raises(StructureError, match=rf"site I at \({x:.3f}, {y:.3f}, {z:.3f}\) is {message}"):
        describe_structure(structure)


def test_metals_sharing_a_site_are_averaged_and_told() -> None:
    structure = cubic()
    structure.replace(0, {"Pb": 0.6, "Sn": 0.4})
    d = describe_structure(structure)
    assert d.values["bx_length_mean_a"] == pytest.approx(B_B_A / 2)
    assert any("Pb/Sn share sites" in w for w in d.warnings)
    assert d.labels["b_elements"] == "Pb,Sn"


def test_a_trace_of_potassium_among_caesium_is_no_metal_site() -> None:
    structure = cubic()
    structure.replace(next(i for i, s in enumerate(structure) if s.specie.symbol == "Cs"), {"Cs": 0.9, "K": 0.1})
    d = describe_structure(structure)
    assert d.labels["b_elements"] == "Pb"
    mean_radius = 0.9 * 1.88 + 0.1 * 1.64
    assert d.values["cage_tolerance_factor"] == pytest.approx((mean_radius + 2.20) / (2**0.5 * (1.19 + 2.20)))


def test_halides_sharing_a_site_are_averaged_and_told() -> None:
    structure = cubic()
    for i, site in enumerate(structure):
        if site.specie.symbol == "I":
            structure.replace(i, {"I": 0.5, "Br": 0.5})
    d = describe_structure(structure)
    assert d.labels["x_elements"] == "Br,I"
    assert d.labels["space_group"] == "Pm-3m"
    assert any("Br/I share sites" in w for w in d.warnings)


def test_organic_disorder_doesn_t_matter_and_weighs_the_nitrogen() -> None:
    slab = slab_crystal(1, (0, 0), slabs=1, depth_a=0.4)
    ordered = describe_structure(slab)
    number = next(i for i, s in enumerate(slab) if s.specie.symbol == "N")
    place = slab.cart_coords[number]
    sign = np.sign(slab.cart_coords[number + 1, 2] - place[2])
    disordered = slab.copy()
    disordered.replace(number, {"N": 0.75})
    disordered.append({"N": 0.25}, place - [0, 0, 0.4 * sign], coords_are_cartesian=True)
    d = describe_structure(disordered)
    assert d.values["bx_length_mean_a"] == ordered.values["bx_length_mean_a"]
    assert d.values["nitrogen_depth_a"] == pytest.approx((0.4 + 0.75 * 0.4 + 0.25 * 0.8) / 2)


def test_disordered_methylammonium_in_the_cage() -> None:
    structure = cubic()
    structure.replace(next(i for i, s in enumerate(structure) if s.specie.symbol == "Cs"), {"C": 0.5, "N": 0.5})
    d = describe_structure(structure)
    assert d.values["bxb_angle_mean_deg"] == 180
    assert np.isnan(d.values["cage_tolerance_factor"])


@pytest.mark.parametrize("noise_a", [0.0, 1e-4])
def test_atoms_listed_twice_are_merged_and_told(noise_a: float) -> None:
    ordered = slab_crystal(2, (0.5, 0.5))
    doubled = Structure(
        ordered.lattice,
        [s.species for s in ordered] * 2,
        np.vstack([ordered.cart_coords, ordered.cart_coords + noise_a]),
        coords_are_cartesian=True,
    )
    d = describe_structure(doubled)
    assert same(d, describe_structure(ordered), atol=1e-3)
    assert d.labels["formula"] == describe_structure(ordered).labels["formula"]
    assert f"{len(ordered)} atoms were listed twice and merged" in d.warnings


def test_different_atoms_on_one_place_are_refused() -> None:
    structure = cubic()
    structure.append("Sn", [0, 0, 0])
    with pytest.raises(StructureError, match=r"different atoms \(Pb and Sn\)"):
        describe_structure(structure)


def test_missing_hydrogen_is_told() -> None:
    slab = slab_crystal(1, (0, 0), slabs=1)
    assert any("no hydrogen" in w for w in describe_structure(slab).warnings)
    number = next(i for i, s in enumerate(slab) if s.specie.symbol == "C")
    slab.append("H", slab.cart_coords[number] + [1.0, 0, 0.3], coords_are_cartesian=True)
    assert not any("no hydrogen" in w for w in describe_structure(slab).warnings)


def test_oxidation_states_don_t_matter() -> None:
    plain = cubic()
    charged = plain.copy()
    charged.add_oxidation_state_by_element({"Cs": 1, "Pb": 2, "I": -1})
    assert describe_structure(charged).values == describe_structure(plain).values


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (Structure(np.eye(3) * 6, [], []), "no atoms"),
        (Structure(np.eye(3) * 0.62, ["Pb"], [[0, 0, 0]]), "in angstrom"),
        (Molecule(["H"], [[0, 0, 0]]), "a Molecule is no crystal structure"),
    ],
)
def test_what_is_no_crystal_is_refused(structure: Structure, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        describe_structure(structure)


def test_a_dummy_atom_is_refused() -> None:
    structure = cubic()
    structure.append("Xq", [0.25, 0.25, 0.25])
    with pytest.raises(StructureError, match="is no element"):
        describe_structure(structure)
