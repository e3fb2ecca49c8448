"""Files that are fine, and files that are not: the structure, or one clear sentence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descriptors.structure.crystals import rotated, slab_crystal
from perospin.descriptors.structure import describe_structure, example_structures, read_structure
from perospin.errors import MissingExtraError, PerospinError, StructureError

CIF = example_structures()["CsPbI3_delta_COD4335639"].read_text(encoding="utf-8")
OPERATIONS = re.compile(r"loop_\n_symmetry_equiv_pos_as_xyz\n('.*'\n)+")
CS_ROW = "Cs Cs 0.41564(5) 0.2500 0.67090(3) 0.03547(14) Uani 1 2 d S\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_examples_are_readable_and_cited() -> None:
    examples = example_structures()
    assert set(examples) == {"CsPbI3_delta_COD4335639", "PEA2PbCl4_HybriD3_216"}
    readme = next(iter(examples.values())).with_name("README.md").read_text(encoding="utf-8")
    for name, path in examples.items():
        assert len(read_structure(path)) > 0
        assert name in readme


def test_poscar_and_cif_of_one_structure_agree(tmp_path: Path) -> None:
    slab = slab_crystal(2, (0.5, 0.5))
    slab.to(str(tmp_path / "slab.vasp"), fmt="poscar")
    slab.to(str(tmp_path / "slab.cif"))
    first, second = describe_structure(tmp_path / "slab.vasp"), describe_structure(str(tmp_path / "slab.cif"))
    assert dict(second.values) == pytest.approx(dict(first.values), abs=1e-6, nan_ok=True)
    assert second.labels == first.labels


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.cif", "", "empty.cif is empty"),
        ("words.cif", "nothing to see here\n", "no atom positions"),
        ("cell.cif", "data_x\n_cell_length_a 5\n", "no atom positions"),
        ("words.vasp", "hello\nworld\n", "can't be read as a crystal structure"),
        ("thing.xyzzy", "?", "doesn't tell its format"),
        ("number.cif", CIF.replace("0.16039(3)", "abc"), "can't be read"),
        ("nowhere.cif", CIF.replace("0.41564(5) 0.2500 0.67090(3)", ". . ."), "no coordinates for atom Cs"),
        ("unknown.cif", CIF.replace("0.41564(5) 0.2500 0.67090(3)", "? ? ?"), "no coordinates for atom Cs"),
        ("cut.cif", CIF.split("I2 I 0.2991")[0], "don't add up to its formula"),
        ("short.cif", CIF.replace(CS_ROW, ""), "don't add up to its formula"),
        ("two.cif", CIF + CIF.replace("data_4335639", "data_again"), "holds 2 structures.*4335639, again"),
        ("over.cif", CIF.replace(CS_ROW, CS_ROW + CS_ROW.replace("Cs Cs", "Cs2 Cs")), "ccupanc"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(StructureError, match=message) as caught:
        describe_structure(write(tmp_path, name, text))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.cif", tmp_path):
        with pytest.raises(StructureError, match="no file"):
            read_structure(path)


def test_poscar_without_element_names_is_refused(tmp_path: Path) -> None:
    slab_crystal(1, (0, 0)).to(str(tmp_path / "x.vasp"), fmt="poscar")
    lines = (tmp_path / "x.vasp").read_text(encoding="utf-8").splitlines()
    lines[0] = "no elements here"
    del lines[5]
    bare = [re.sub(r"\s[A-Z][a-z]?$", "", line) for line in lines]
    with pytest.raises(StructureError, match="doesn't name its elements"):
        read_structure(write(tmp_path, "x.vasp", "\n".join(bare)))


def test_one_of_several_structures_is_chosen_by_name(tmp_path: Path) -> None:
    both = write(tmp_path, "two.cif", CIF + CIF.replace("data_4335639", "data_again"))
    assert len(read_structure(both, block="again")) == 20
    with pytest.raises(StructureError, match="no structure 'third'"):
        read_structure(both, block="third")


def test_missing_symmetry_operations_are_taken_from_the_space_group_and_told(tmp_path: Path) -> None:
    d = describe_structure(write(tmp_path, "named.cif", OPERATIONS.sub("", CIF)))
    assert (
        d.values["bx_length_mean_a"]
        == describe_structure(example_structures()["CsPbI3_delta_COD4335639"]).values["bx_length_mean_a"]
    )
    assert any("Spacegroup from" in w for w in d.warnings)


def test_no_symmetry_at_all_is_no_silent_wrong_number(tmp_path: Path) -> None:
    bare = re.sub(r"(?m)^_(symmetry_space|space_group).*\n", "", OPERATIONS.sub("", CIF))
    with pytest.raises(StructureError, match="Pb has only"):
        describe_structure(write(tmp_path, "bare.cif", bare))


def test_unlocated_solvent_is_told(tmp_path: Path) -> None:
    masked = CIF.replace("'Cs I3 Pb'", "'C1 H2 Cl2 Cs I3 Pb'")
    d = describe_structure(write(tmp_path, "masked.cif", masked))
    assert d.labels["formula"] == "CsPbI3"
    assert "fewer or more C, Cl among the atoms than the file's formula says" in d.warnings


def test_oxidation_numbers_in_a_cif_don_t_matter(tmp_path: Path) -> None:
    charges = "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nPb2+ 2\nI1- -1\nCs1+ 1\n"
    text = CIF.replace("Pb Pb 0.16", "Pb Pb2+ 0.16").replace("Cs Cs 0.41", "Cs Cs1+ 0.41")
    text = re.sub(r"(?m)^(I\d) I 0", r"\1 I1- 0", text).split("loop_\n_atom_type_symbol")[0] + charges
    d = describe_structure(write(tmp_path, "charged.cif", text))
    assert d.labels["formula"] == "CsPbI3"
    assert d.warnings == ()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    path = example_structures()["CsPbI3_delta_COD4335639"]
    for module in ("spglib", "pymatgen.core"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            with pytest.raises(MissingExtraError, match=r"perospin\[structure\]"):
                describe_structure(path)


def test_importing_loads_no_heavy_package() -> None:
    code = "import sys, perospin.descriptors.structure as s; print({'pymatgen', 'spglib', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_hydrogen_without_coordinates_is_left_out_and_told(tmp_path: Path) -> None:
    row = CS_ROW.replace("Cs Cs 0.41564(5) 0.2500 0.67090(3)", "H1 H ? ? ?")
    structure = read_structure(write(tmp_path, "h.cif", CIF.replace(CS_ROW, row + CS_ROW)))
    assert len(structure) == 20
    assert structure.properties["reading_notes"] == ["1 hydrogen atom without coordinates left out"]


def test_disorder_group_of_a_cif(tmp_path: Path) -> None:
    ordered = rotated(12, layered=True)
    rows = []
    inside = [i for i, s in enumerate(ordered) if s.specie.symbol == "I" and abs(s.coords[2]) < 0.1]
    for i, site in enumerate(ordered):
        x, y, z = site.frac_coords
        if i in inside:
            rows.append(f"I{i}A I {x:.6f} {y:.6f} {z:.6f} 0.5 A 1")
            rows.append(f"I{i}B I {1 - x:.6f} {y:.6f} {z:.6f} 0.5 A 2")
        else:
            rows.append(f"{site.specie.symbol}{i} {site.specie.symbol} {x:.6f} {y:.6f} {z:.6f} 1 . .")
    lengths = "\n".join(f"_cell_length_{n} {x:.6f}" for n, x in zip("abc", ordered.lattice.abc, strict=True))
    angles = "\n".join(f"_cell_angle_{n} 90" for n in ("alpha", "beta", "gamma"))
    columns = "\n".join(
        f"_atom_site_{n}"
        for n in (
            "label",
            "type_symbol",
            "fract_x",
            "fract_y",
            "fract_z",
            "occupancy",
            "disorder_assembly",
            "disorder_group",
        )
    )
    text = f"data_split\n{lengths}\n{angles}\nloop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\nloop_\n{columns}\n"
    path = write(tmp_path, "split.cif", text + "\n".join(rows) + "\n")
    with pytest.raises(StructureError, match="disorder_group=1"):
        describe_structure(path)
    d = describe_structure(read_structure(path, disorder_group=1))
    assert d.values["beta_in_deg"] == pytest.approx(156, abs=1e-3)
    with pytest.raises(StructureError, match="no disorder group 3; it has: 1, 2"):
        read_structure(path, disorder_group=3)
    plain = example_structures()["CsPbI3_delta_COD4335639"]
    with pytest.raises(StructureError, match="names no disorder groups"):
        read_structure(plain, disorder_group=1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(CIF)), junk=st.text(max_size=20))
def test_cut_or_spoilt_files_never_crash(tmp_path: Path, cut: int, junk: str) -> None:
    path = write(tmp_path, "spoilt.cif", CIF[:cut] + junk)
    try:
        outcome = describe_structure(path).labels["formula"]
    except PerospinError as error:
        outcome = str(error)
    # the atoms end long before the file does, so some cuts harm nothing
    assert outcome == "CsPbI3" or ("spoilt.cif" in outcome and "\n" not in outcome)


FIELD_CASES = Path(__file__).parents[2] / "data" / "field_cases"


@pytest.mark.parametrize("name", ["nobom.cif", "bom.cif", "utf16.cif"])
def test_encodings_are_told(name: str) -> None:
    described = describe_structure(FIELD_CASES / "cif_bom" / name)
    assert described.values["bx_length_mean_a"] == pytest.approx(2.935, abs=1e-3)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.cif", "POSCAR"])
def test_every_unicode_encoding_gives_the_same(tmp_path: Path, encoding: str, name: str) -> None:
    from pymatgen.io.vasp import Poscar

    plain = FIELD_CASES / "cif_bom" / "nobom.cif"
    text = plain.read_text(encoding="utf-8") if name == "a.cif" else Poscar(read_structure(plain)).get_str()
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert read_structure(tmp_path / name) == read_structure(plain)


def test_a_residual_peak_is_named() -> None:
    with pytest.raises(StructureError, match=r"q.cif: the atom type 'Q' is no element"):
        read_structure(FIELD_CASES / "cif_q_peak_crash" / "q.cif")
    good = describe_structure(FIELD_CASES / "cif_q_peak_crash" / "good.cif")
    assert good.values["bx_length_mean_a"] == pytest.approx(2.935, abs=1e-3)


@pytest.mark.parametrize("file", sorted((FIELD_CASES / "hostile").glob("*_ordering_py_*")), ids=lambda file: file.name)
def test_cells_that_no_crystal_has_are_refused(file: Path) -> None:
    with pytest.raises(StructureError, match="cell") as caught:
        read_structure(file)
    assert len(str(caught.value)) <= 400


@pytest.mark.parametrize(
    ("lattice", "place", "words"),
    [
        ([[6.3, 0, 0], [0, 6.3, 0], [1e-6, 6.3, 1e-6]], 0.5, "flat cell"),
        ([[400.0, 0, 0], [0, 400.0, 0], [0, 0, 400.0]], 0.5, "nearly empty"),
        ([[6.3, 0, 0], [0, 6.3, 0], [0, 0, 6.3]], 1e9, "far outside"),
        ([[6.3, 0, 0], [0, 6.3, 0], [0, 0, 6.3]], float("nan"), "far outside"),
    ],
)
def test_impossible_crystals(tmp_path: Path, lattice: list[list[float]], place: float, words: str) -> None:
    rows = "\n".join(" ".join(f"{x:.12g}" for x in row) for row in lattice)
    atoms = f"{place:.12g} 0.5 0.5\n0 0 0\n0.5 0 0\n0 0.5 0\n0 0 0.5\n"
    path = write(tmp_path, "POSCAR", f"CsPbI3\n1.0\n{rows}\nCs Pb I\n1 1 3\nDirect\n{atoms}")
    with pytest.raises(StructureError, match=words):
        read_structure(path)
