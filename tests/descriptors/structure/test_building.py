"""Starts that are built from a formula: what they hold, how they are shaped, what they are refused for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.chemistry import IonLibrary, Perovskite
from perospin.cli import main
from perospin.descriptors.structure import describe_structure, read_structure
from perospin.descriptors.structure.building import Start, build, cif_text, poscar_text, write_starts
from perospin.descriptors.structure.building.choosing import Distinct, electrostatic
from perospin.descriptors.structure.building.motifs import MOTIFS, Operation, fixed_axes, motifs_for
from perospin.descriptors.structure.building.slab import bond_length_a, make_slab
from perospin.descriptors.structure.building.spacers import centred_conformers, conformers, hands_of
from perospin.descriptors.structure.building.starts import CLASH, nearest_contact
from perospin.descriptors.structure.identify import identify
from perospin.errors import PerospinError, StructureError, WriteError

ONE_HAND = {"P1", "P2_1", "C2", "P2_12_12_1", "P2_12_12", "C222_1"}


@pytest.fixture(scope="module")
def joined() -> list[Start]:
    return build("(HDA)PbI4", starts=4, seed=3, packings=24)


def agree(start: Start, formula: str) -> None:
    """What `describe_structure` and `identify` find in a start is what was meant."""
    wanted = Perovskite.parse(formula)
    found = describe_structure(start.structure)
    assert identify(start.structure).material == wanted
    assert found.labels["dimensionality"] == "2D"
    assert found.labels["connectivity"] == "corner"
    assert found.labels["layer_orientation"] == "(100)"
    assert found.values["n_layers"] == wanted.n_layers
    assert found.values["layer_spacing_a"] == pytest.approx(float(start.variables["spacing_a"]), abs=1e-3)
    inside, terminal, _ = bond_length_a(wanted.b_site[0][0].symbol, wanted.x_site[0][0].symbol)
    assert found.values["bx_length_in_plane_a"] == pytest.approx(inside, abs=1e-4)
    assert found.values["bx_length_terminal_a"] == pytest.approx(terminal, abs=1e-4)
    amounts = start.structure.composition
    metals = sum(amounts[ion.symbol] for ion, _ in wanted.b_site)
    for element, amount in wanted.composition.items():
        assert amounts[element] / metals == pytest.approx(amount / sum(a for _, a in wanted.b_site))


def test_starts_are_the_crystal_that_was_asked_for(joined):
    assert len(joined) == 4
    for number, start in enumerate(joined, 1):
        agree(start, "(HDA)PbI4")
        assert start.title == f"(HDA)PbI4, start, unrelaxed, {number} of 4, seed 3"
        assert float(start.variables["nearest_contact"]) >= CLASH
    assert len({start.variables["motif"] for start in joined}) > 1


def test_no_two_atoms_of_different_molecules_touch(joined):
    for start in joined:
        first, second, _, apart = start.structure.get_neighbor_list(2.0)
        symbols = np.array([site.specie.symbol for site in start.structure])
        halide = np.isin(symbols, ("I", "Pb"))
        assert not (halide[first] | halide[second]).any()
        hydrogens = (symbols[first] == "H") & (symbols[second] == "H")
        # hydrogens on one carbon are 1.75 A apart; 0.75 of 2.4 A is the limit between molecules
        assert apart[hydrogens].min() > 1.6


def test_the_page_runs_and_the_same_seed_gives_the_same_bytes(joined, capsys):
    page = (Path(__file__).resolve().parents[3] / "docs" / "crystals" / "building.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, list[Start]] = {}
    exec(compile(block, "docs/crystals/building.md", "exec"), names)
    assert capsys.readouterr().out.startswith("(HDA)PbI4, start, unrelaxed, 1 of 4, seed 3\n")
    assert [poscar_text(a) for a in names["starts"]] == [poscar_text(b) for b in joined]
    assert [cif_text(a) for a in names["starts"]] == [cif_text(b) for b in joined]


def kind_of(start: Start) -> str:
    found = describe_structure(start.structure).values
    return "one hand" if found["sohncke"] else "centre" if found["centrosymmetric"] else "mirror"


def test_crystals_of_one_hand_have_screw_axes_only():
    material = Perovskite.parse("(X1)2PbI4", IonLibrary.of(["X1=C[C@H](F)[NH3+]"]))
    for start in build(material, starts=2, packings=12):
        assert kind_of(start) == "one hand"
        assert start.variables["space_group"] in ONE_HAND


@pytest.mark.slow
def test_racemates_have_a_centre_and_enantiomers_none():
    for formula, kind in (("(R-MBA)2PbI4", "one hand"), ("(rac-MBA)2PbI4", "centre")):
        starts = build(formula, starts=4, packings=12)
        assert {kind_of(start) for start in starts} == {kind}, formula
        if kind == "one hand":
            assert {start.variables["space_group"] for start in starts} <= ONE_HAND


@pytest.mark.slow
@pytest.mark.parametrize(
    "formula", ["(BA)2PbI4", "(4AMP)SnBr4", "(BA)2(MA)Pb2I7", "(PEA)2CsGe2Br7", "(EOA)2(FA)2Pb3Cl10",
                "(3AMP)(MA)2Pb3I10", "(R-MBA)2(MA)Pb2I7", "(S-MBA)2(MA)2Pb3I10"],
)  # fmt: skip
def test_phases_metals_and_halides(formula):
    starts = build(formula, starts=3, seed=1, packings=12)
    assert starts
    for start in starts:
        agree(start, formula)
        told = "no crystal gives the length of a Ge-Br bond" if "GeBr" in formula.replace("2", "") else ""
        assert str(start.variables["remark"]).startswith(told)
        assert bool(start.variables["remark"]) == bool(told)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(MOTIFS), st.sampled_from([1, 2, 3]), st.floats(0, 18), st.floats(0, 18),
    st.sampled_from(["Pb", "Sn", "Ge"]), st.sampled_from(["Cl", "Br", "I"]),
)  # fmt: skip
def test_every_operation_of_a_motif_keeps_the_slab(motif, n_layers, rotation, tilt, metal, halide):
    if motif.parity not in (None, n_layers % 2):
        return
    slab = make_slab(
        metal, halide, n_layers, rotation, tilt, tilt_along=motif.tilt_along, in_phase=bool(motif.in_phase)
    )
    side = slab.side_a
    centre = [Operation((-1, -1, -1), (0.0, 0.0))] if motif.on_centres else []
    for operation in (*motif.operations, *centre):
        moved = slab.positions_a * operation.signs + np.array([*operation.shift, 0.0]) * side
        apart = moved[:, None] - slab.positions_a[None]
        apart[..., :2] -= side * np.round(apart[..., :2] / side)
        distance = np.linalg.norm(apart, axis=2)
        nearest = distance.argmin(axis=1)
        assert distance.min(axis=1).max() < 1e-6
        assert [slab.symbols[k] for k in nearest] == list(slab.symbols)
    charge = {metal: 2, halide: -1}
    assert sum(charge[s] for s in slab.symbols) == 2 * (2 * n_layers - (3 * n_layers + 1))


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from(["CC[NH3+]", "C[NH2+]C", "OCC[NH3+]", "C1CC1[NH3+]", "FCC[NH3+]", "[NH3+]CC[NH3+]"]),
    st.integers(0, 2**31 - 2),
)
def test_small_spacers_of_ones_own_are_built_whole(smiles, seed):
    library = IonLibrary.of([f"X1={smiles}"])
    formula = "(X1)PbBr4" if smiles.count("+") == 2 else "(X1)2PbBr4"
    material = Perovskite.parse(formula, library)
    start = build(material, starts=1, seed=seed, packings=6)[0]
    found = describe_structure(start.structure)
    assert found.values["n_layers"] == 1
    expected = {element: 2 * amount for element, amount in material.composition.items()}
    layers = 2 if start.variables["next_layer"] == "half turn" else 1
    assert start.structure.composition.as_dict() == pytest.approx({e: layers * a for e, a in expected.items()})
    assert float(start.variables["nearest_contact"]) >= CLASH


def test_shapes_are_stretched_and_folded():
    shapes = conformers(IonLibrary.default().get("HDA"), 0, 10, 2)
    assert shapes[0].length_a == pytest.approx(8.8, abs=0.2)
    assert shapes[-1].length_a < 7.0
    assert all(len(shape.heads) == 2 and shape.donors.sum() == 6 for shape in shapes)


def test_shapes_with_a_centre_are_exactly_that():
    library = IonLibrary.of(["X1=[NH3+]C[C@H]1CC[C@@H](C[NH3+])CC1", "X2=[NH3+]C[C@H]1CC[C@H](C[NH3+])CC1"])
    shapes = {name: centred_conformers(library.get(name), 0, 10) for name in ("HDA", "PDMA", "CHDMA", "X1", "X2")}
    # X1 and X2 are cis and trans, and only trans can have a centre
    assert sorted(name for name, found in shapes.items() if not found) in (["X1"], ["X2"])
    for shape in (one for found in shapes.values() for one in found):
        apart = np.linalg.norm(shape.positions_a[:, None] + shape.positions_a[None], axis=2)
        other = apart.argmin(axis=1)
        assert apart.min(axis=1).max() < 1e-9
        assert (other != np.arange(len(other))).all()
        assert [shape.symbols[k] for k in other] == list(shape.symbols)
        assert other[shape.heads[0]] == shape.heads[1]


@pytest.mark.parametrize("name", ["PDA", "3AMP", "mPDA", "R-CHD"])
def test_odd_chains_and_unlike_or_skew_ends_have_no_centre(name):
    assert centred_conformers(IonLibrary.default().get(name), 0, 10) == []


def test_spacers_with_a_centre_may_lie_on_those_of_the_crystal():
    starts = build("(EDA)PbI4", starts=8, seed=0, packings=16)
    assert {s.variables["motif"] for s in starts} >= {"P2_1/c, on centres", "P-1, on centres"}
    for start in starts:
        agree(start, "(EDA)PbI4")
        if "on centres" in str(start.variables["motif"]):
            assert start.variables["next_layer"] == "translation"
            ends = [k for k, site in enumerate(start.structure) if site.specie.symbol == "N"]
            assert all(any(between_is_centre(start, k, other) for other in ends if other != k) for k in ends)


def between_is_centre(start: Start, first: int, second: int) -> bool:
    """Whether a point half-way between two atoms, or half a side of the cell from it, is an inversion centre."""
    places = start.structure.frac_coords
    symbols = np.array([site.specie.symbol for site in start.structure])
    apart = (places[first] + places[second] - places)[:, None] - places[None]
    far = np.abs(apart - np.round(apart)).max(axis=2)
    return bool(far.min(axis=1).max() < 1e-4 and (symbols[far.argmin(axis=1)] == symbols).all())


@pytest.mark.parametrize(
    ("family", "n_layers", "hands"), [("RP", 1, "achiral"), ("DJ", 3, "achiral"), ("DJ", 1, "racemate")]
)
def test_other_spacers_do_not(family, n_layers, hands):
    assert not any(motif.on_centres for motif in motifs_for(family, n_layers, hands))


def test_hands_of_molecules():
    library = IonLibrary.default()
    hands = {name: hands_of(library.get(name)) for name in ("BA", "R-MBA", "S-MBA", "rac-MBA", "Cs", "CHDMA")}
    assert hands == {
        "BA": "achiral", "R-MBA": "one hand", "S-MBA": "one hand", "rac-MBA": "racemate", "Cs": "achiral",
        "CHDMA": "achiral",  # cis or trans, neither has a hand
    }  # fmt: skip
    for family in ("RP", "DJ"):
        for n_layers in (1, 2, 3):
            assert all(motif.keeps_hands for motif in motifs_for(family, n_layers, "one hand"))
            assert all(motif.has_centre for motif in motifs_for(family, n_layers, "racemate"))
            assert motifs_for(family, n_layers, "achiral")


def test_an_expected_spacing_changes_the_order_of_draws_and_no_score():
    from perospin.descriptors.structure.building.starts import _away, _round_robin

    spacings = np.array([10.0, 11.0, 12.0])
    assert (_away(spacings, None) == 0).all()
    away = _away(spacings, (11.0, 0.5))
    assert away == pytest.approx([8.0, 0.0, 8.0])
    kinds = [("P-1", False, False, 1), ("P-1", False, False, 1), ("Pc", False, False, 1)]
    assert _round_robin(kinds, np.array([-3.0, 0.0, -1.0]), 2) == [0, 2]
    assert _round_robin(kinds, np.array([-3.0, 0.0, -1.0]) + away, 2) == [1, 2]
    often = [("Pc", False, False, 1), *[("P2_1/c", False, False, 2)] * 4]
    assert _round_robin(often, np.arange(5.0), 4) == [0, 1, 2, 3]
    assert _round_robin(often, np.arange(5.0)[::-1], 4) == [4, 3, 0, 2]


def test_a_shift_that_would_break_the_symmetry_is_fixed():
    by_name = {motif.name: motif for motif in MOTIFS if motif.parity != 0 and not motif.on_centres}
    assert fixed_axes(by_name["P-1"], turned=False) == (False, False)
    assert fixed_axes(by_name["P2_1/c"], turned=False) == (False, True)
    assert fixed_axes(by_name["P-1"], turned=True) == (True, True)
    assert fixed_axes(by_name["P2_1"], turned=True) == (True, False)
    on_centres = {motif.name: motif for motif in MOTIFS if motif.on_centres}
    assert fixed_axes(on_centres["P-1"], turned=False) == (False, False)
    assert fixed_axes(on_centres["P2_1/c"], turned=False) == (False, True)


def test_partial_charges_sum_to_the_charge_of_the_ion():
    library = IonLibrary.default()
    for name, charge in (("BA", 1), ("HDA", 2), ("MA", 1), ("Cs", 1)):
        (shape,) = conformers(library.get(name), 0, 1, 1)
        assert shape.charges_e.sum() == pytest.approx(charge)
        assert len(shape.charges_e) == len(shape.symbols)


@pytest.mark.parametrize("places", [[[0.0, 0.0, 0.0]], [[0.01, 0.0, 0.0], [-0.01, 0.0, 0.0]]])
def test_the_electrostatic_energy_is_madelungs_and_leaves_out_what_is_inside_a_molecule(places):
    from types import SimpleNamespace

    from pymatgen.core import Lattice, Structure

    side, middle = 4.12, np.array([2.06, 2.06, 2.06])
    molecule = np.array(places)
    (caesium,) = conformers(IonLibrary.default().get("Cs"), 0, 1, 1)
    shape = SimpleNamespace(positions_a=molecule, charges_e=np.full(len(molecule), 1 / len(molecule)))
    assert caesium.charges_e.tolist() == [1.0]
    drawn: Any = SimpleNamespace(
        slab=SimpleNamespace(symbols=("I",)), molecules=[SimpleNamespace(shape=shape)], turned=False,
        motif=SimpleNamespace(operations=[None]),
    )  # fmt: skip
    crystal = Structure(
        Lattice.cubic(side), ["I"] + ["Cs"] * len(molecule), [[0, 0, 0], *(middle + molecule)],
        coords_are_cartesian=True,
    )  # fmt: skip
    # Madelung constant of CsCl, by the distance of neighbours; electrons screen half
    expected = -1.762675 * 332.0637 / (side * np.sqrt(3) / 2) / 2
    assert electrostatic(crystal, drawn) == pytest.approx(expected, rel=1e-4)


def test_packings_are_alike_whatever_their_hydrogens_and_origin(joined):
    distinct = Distinct()
    first = joined[0].structure
    assert distinct.takes(first, 12.0)
    moved = first.copy()
    moved.translate_sites(list(range(len(moved))), [0.1, 0.2, 0.0])
    moved.remove_sites([k for k, site in enumerate(moved) if site.specie.symbol == "H"][:3])
    assert not distinct.takes(moved, 12.1)
    pulled = first.copy()
    pulled.apply_strain([0.0, 0.0, 0.12])
    assert distinct.takes(pulled, 12.0)


@pytest.mark.slow
def test_no_two_starts_are_packed_alike():
    from itertools import combinations

    starts = build("(X1)PbI4", starts=20, packings=90, ions=IonLibrary.of(["X1=[NH3+]CC[NH3+]"]))
    kinds = [(s.variables["motif"], s.variables["next_layer"]) for s in starts]
    for (a, of_a), (b, of_b) in combinations(zip(starts, kinds, strict=True), 2):
        if of_a == of_b:
            one = Distinct()
            one.takes(a.structure, float(a.variables["spacing_a"]))
            assert one.takes(b.structure, float(b.variables["spacing_a"]))


def test_nearest_contact_sees_a_clash():
    from pymatgen.core import Lattice, Structure

    apart = 2.0
    structure = Structure(Lattice.cubic(12.0), ["C", "C"], [[0, 0, 0], [apart, 0, 0]], coords_are_cartesian=True)
    assert nearest_contact(structure, np.array([0, 1])) == pytest.approx(apart / 3.4)
    assert nearest_contact(structure, np.array([0, 0])) == 1.0


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("(BA)2(MA)3Pb4I13", "n = 4"),
        ("MAPbI3", "3D"),
        ("(BA)2CdCl4", "not Cd"),
        ("(BA)2PbBr2I2", "mixes"),
        ("(BA)(PEA)PbI4", "mixes BA and PEA"),
        ("(Cs)2PbI4", "Cs"),
    ],
)
def test_what_is_not_built_is_refused_in_one_sentence(formula, says):
    with pytest.raises(PerospinError, match=says) as caught:
        build(formula, starts=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("smiles", "says"),
    [("C[N+](C)(C)C", "0 charged nitrogens"), ("C" * 24 + "[NH3+]", "at most 60"), ("CC[P+](C)(C)C", "charged nitro")],
)
def test_molecules_that_make_no_spacer(smiles, says):
    material = Perovskite.parse("(X1)2PbI4", IonLibrary.of([f"X1={smiles}"]))
    with pytest.raises(StructureError, match=says):
        build(material, starts=1)


def test_numbers_that_make_no_sense():
    with pytest.raises(StructureError, match="1 to 500"):
        build("(BA)2PbI4", starts=0)
    with pytest.raises(StructureError, match="seed"):
        build("(BA)2PbI4", starts=1, seed=-1)
    with pytest.raises(StructureError, match="from that of the starts"):
        build("(BA)2PbI4", starts=24, packings=20)


def test_files_are_complete_and_a_folder_keeps_its_material(tmp_path, joined):
    import pandas as pd

    written = write_starts(joined, tmp_path, {"study_spacing_a": 13.0})
    table = pd.read_csv(written[-1])
    assert list(table["file"]) == [path.name for path in written[:-1]]
    assert (table["study_spacing_a"] == 13.0).all()
    assert "energy" not in " ".join(table.columns)
    for start, path in zip(joined, written, strict=False):
        assert "start, unrelaxed" in path.read_text(encoding="utf-8").splitlines()[0]
        assert "start, unrelaxed" in path.with_suffix(".cif").read_text(encoding="utf-8").splitlines()[0]
        for form in (path, path.with_suffix(".cif")):
            read = read_structure(form)
            assert read.composition == start.structure.composition
            assert read.volume == pytest.approx(start.structure.volume, rel=1e-5)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix in (".vasp", ".cif", ".csv")}
    write_starts(joined, tmp_path, {"study_spacing_a": 13.0})
    assert before == {name: (tmp_path / name).read_bytes() for name in before}
    write_starts(joined[:2], tmp_path)  # a smaller run of the same seed leaves no files of the larger one
    assert len(list(tmp_path.glob("*.vasp"))) == 2
    other = [Start(s.structure, s.title.replace("HDA", "ODA"), s.number, 3, s.variables, 0.0) for s in joined]
    with pytest.raises(WriteError, match="holds other starts"):
        write_starts(other, tmp_path)


def run(capsys, *words) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["crystal", "build", *map(str, words)])
    said = capsys.readouterr()
    return int(stop.value.code or 0), said.out, said.err


def test_the_command_writes_starts_and_says_what_they_are_not(capsys, tmp_path):
    import pandas as pd

    code, out, _ = run(capsys, "(HDA)PbI4", "--starts", 4, "--seed", 3, "--packings", 24, "--out", tmp_path)
    assert code == 0
    assert "4 starts of (HDA)PbI4" in out
    assert "unrelaxed" in out
    assert "It is no energy" in out
    assert "study layer-spacing" in out
    table = pd.read_csv(tmp_path / "starts.csv")
    assert "start, unrelaxed" in (tmp_path / table["file"][0]).read_text(encoding="utf-8")
    assert table["n_crystals"][0] == 2
    assert table["crystal_spacing_a"][0] == pytest.approx(11.3, abs=0.1)
    assert (table["study_spacing_low_a"] < table["study_spacing_a"]).all()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["(X1)2PbI4", "--ion", "X1=CC[NH3"], "SMILES"),
        (["(BA)2(MA)3Pb4I13"], "n = 4"),
        (["(BA)2XxI4"], "Xx"),
        (["MAPbI3"], "layered"),
    ],
)
def test_the_command_refuses_in_one_sentence_and_writes_nothing(capsys, tmp_path, words, says):
    code, out, err = run(capsys, *words, "--out", tmp_path / "none")
    assert code == 2
    assert not out
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "none").exists()
