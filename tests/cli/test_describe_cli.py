from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from perospin.chemistry import IonLibrary, Perovskite
from perospin.cli import main
from perospin.descriptors import STRUCTURE_DESCRIPTIONS, describe
from perospin.descriptors.structure import example_structures
from perospin.descriptors.structure.identify import Identification
from perospin.descriptors.writing import UnfinishedTable

CIFS = example_structures()
FOLDER = next(iter(CIFS.values())).parent
CSPBI3 = CIFS["CsPbI3_delta_COD4335639"]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "none.sqlite"))
    monkeypatch.setenv("COLUMNS", "80")
    line = ("perospin.cli.describe", "Describe materials: formulas, crystal structures, whole lists.")
    monkeypatch.setitem(sys.modules["perospin.cli.main"].COMMANDS, "describe", line)  # type: ignore[attr-defined]


def _run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["describe", *(str(argument) for argument in arguments)])
    return int(stop.value.code or 0)


def test_a_few_materials_are_columns_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("(PEA)2PbI4", "MAPbI3", FOLDER, "--measured") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["(PEA)2PbI4", "MAPbI3"]
    values = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("  ")}
    assert values["layer_spacing_a"] == ["(Å)", "-", "16.89"]  # the last block of the table: CsPbI3 and (PEA)2PbCl4
    assert values["space_group"] == ["Pnma", "P-1"]
    assert "measured_exciton_binding_energy_mev -" not in out
    assert "--all prints them all" in out
    assert "CsPbI3_delta_COD4335639.cif: the inorganic network is 1D" in err


def test_few_columns_put_materials_in_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("(PEA)2PbI4", "MAPbI3", "--columns", "gap_ev,measured_band_gap_ev, inverse_n") == 0
    lines = capsys.readouterr().out.splitlines()
    head = " ".join(word for line in lines for word in line.split())
    assert "isolated cation" in head  # no gap of the material
    assert head.count("(eV)") == 2
    assert next(line for line in lines if line.startswith("MAPbI3")).split() == ["MAPbI3", "18.53", "1.57", "0"]


def test_everything_is_printed_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("MAPbI3", "--all") == 0
    out = capsys.readouterr().out
    frame = describe(["MAPbI3"])
    assert {line.split()[0] for line in out.splitlines() if line.startswith("  ")} - {"MAPbI3"} == set(
        frame.columns[frame.notna().iloc[0]]
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_hold_what_describe_gives(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / f"out.{ending}"
    assert _run("(PEA)2PbI4", CSPBI3, "--measured", "--out", out, "--sources", tmp_path / "sources.csv") == 0
    read = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    expected = describe(["(PEA)2PbI4", CSPBI3], measured=True)
    assert list(read.columns) == ["material", *expected.columns]
    numbers = expected.select_dtypes("number")
    pd.testing.assert_frame_equal(
        read.set_index("material")[list(numbers.columns)],
        numbers,
        check_names=False,
        check_index_type=False,
        rtol=1e-15,
    )
    sources = pd.read_csv(tmp_path / "sources.csv")
    assert len(sources) == len(expected.attrs["sources"]) > 10
    assert set(sources["material"]) == {"(PEA)2PbI4"}
    assert sources["doi"].notna().all()
    assert "2 materials in" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([out.name, "sources.csv"])


def test_one_bad_item_is_named_and_the_rest_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "crystals"
    folder.mkdir()
    (folder / "a_broken.cif").write_text("data_x\n_cell_length_a 5\n")
    (folder / "b_good.cif").write_bytes(CSPBI3.read_bytes())
    (folder / "notes.txt").write_text("no structure")
    out = tmp_path / "out.csv"
    assert _run(folder, "MAPbI3", "(PEEA)2PbI4", "--out", out) == 2
    err = capsys.readouterr().err
    assert "not described: a_broken.cif: holds no atom positions" in err
    assert "not described: (PEEA)2PbI4: unknown ion 'PEEA'" in err
    assert (
        err.strip().splitlines()[-1].startswith("perospin: 2 of 4 could not be described (a_broken.cif, (PEEA)2PbI4)")
    )
    assert pd.read_csv(out)["material"].tolist() == ["CsPbI3", "MAPbI3"]


def test_nothing_good_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")
    assert _run("(PEEA)2PbI4", "--out", out) == 2
    assert out.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_an_interruption_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("perospin.cli.describe._CHUNK", 2)
    path, out = tmp_path / "list.txt", tmp_path / "out.csv"
    path.write_text("MAPbI3\n" * 5)

    def interrupted(*items: object) -> None:
        if list(tmp_path.glob(".part-*")) or list(tmp_path.glob("*.part")):
            raise KeyboardInterrupt

    monkeypatch.setattr("perospin.cli.describe._Told.warn", interrupted)
    assert _run(path, "--out", out) == 130
    assert "interrupted; no file was written" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["list.txt"]


def test_interrupted_structure_files_are_kept_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "crystals", tmp_path / "out.csv"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.cif").write_bytes(CSPBI3.read_bytes())
    monkeypatch.setattr("perospin.cli.describe._FILES_CHUNK", 1)
    module = sys.modules["perospin.descriptors.describe"]  # the package's name for it is the function
    real = module._read_structure  # type: ignore[attr-defined]
    read: list[str] = []

    def interrupted(given: Path, *others: object) -> object:
        if given.name == "c.cif" and "c.cif" not in read:
            read.append("c.cif")
            raise KeyboardInterrupt
        read.append(given.name)
        return real(given, *others)

    monkeypatch.setattr(module, "_read_structure", interrupted)
    assert _run(folder, "--out", out) == 130
    assert "2 files are kept, the same command goes on" in capsys.readouterr().err
    assert not out.exists()
    assert _run(folder, "--out", out, "--columns", "structure,bx_length_mean_a") == 0
    assert "going on after 2 files" in capsys.readouterr().err
    assert read == ["a.cif", "b.cif", "c.cif", "c.cif"]
    table = pd.read_csv(out)
    assert [Path(file).name for file in table["structure"]] == ["a.cif", "b.cif", "c.cif"]
    assert table["bx_length_mean_a"].nunique() == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crystals", "out.csv"]


def test_rows_made_with_other_settings_or_before_a_change_are_made_again(tmp_path: Path) -> None:
    file = tmp_path / "a.cif"
    file.write_bytes(CSPBI3.read_bytes())
    frame = describe([file])
    first = UnfinishedTable(tmp_path / "t.csv", {"level": "fast"})
    first.write(frame)
    assert UnfinishedTable(tmp_path / "t.csv", {"level": "fast"}).done == {str(file)}
    os.utime(file, (2e9, 2e9))
    assert UnfinishedTable(tmp_path / "t.csv", {"level": "fast"}).done == set()
    assert UnfinishedTable(tmp_path / "t.csv", {"level": "published"}).done == set()
    assert not list(tmp_path.glob("*.part"))


def test_cations_of_crystals_are_computed_only_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    material = Perovskite.parse("(NOV)2PbCl4", IonLibrary.default().with_ions(["NOV=[NH3+]CC(F)(F)CCCCC=C"]))
    file = tmp_path / "p.cif"
    file.write_bytes(CIFS["PEA2PbCl4_HybriD3_216"].read_bytes())
    found = Identification(material, {}, "", ())
    monkeypatch.setattr("perospin.descriptors.structure.identify.identify", lambda *a: found)
    assert _run(file, "--out", tmp_path / "t.csv") == 0
    err = capsys.readouterr().err
    assert "its intrinsic columns are empty" in err
    assert "computing" not in err
    row = pd.read_csv(tmp_path / "t.csv").iloc[0]
    assert row["material"] == "(NOV)2PbCl4"
    assert row["layer_spacing_a"] > 10
    assert pd.isna(row["homo_ev"])


def test_a_pair_gives_the_formula_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(f"CsPbI3={CSPBI3}", "--columns", "bx_length_mean_a") == 0
    assert "CsPbI3" in capsys.readouterr().out
    assert _run(f"CsPbBr3={CSPBI3}") == 2
    assert "is not CsPbBr3" in capsys.readouterr().err


def test_own_cations(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("(MYBA)2PbI4", "--ion", "MYBA=CCCC[NH3+]", "--columns", "gap_ev") == 0
    assert "(BA)2PbI4" in capsys.readouterr().out
    assert _run("(ODD)2PbI4", "--ion", "ODD=CCCCCCCCCCCCC(F)[NH3+]", "--no-compute") == 2
    assert "has not been computed at level fast" in capsys.readouterr().err


LISTS = {
    "bare.txt": "# my list\n(PEA)2PbI4\n\nMAPbI3\n",
    "table.csv": 'number,Formula,note\n1,(PEA)2PbI4,"a, b"\n2, MAPbI3 ,\n',
    "material.csv": "\ufeffmaterial\n(PEA)2PbI4\nMAPbI3\n",
}


@pytest.mark.parametrize("name", list(LISTS))
def test_lists_of_formulas(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / name, tmp_path / "out.csv"
    path.write_text(LISTS[name], encoding="utf-8")
    assert _run(path, "--out", out) == 0
    assert pd.read_csv(out)["material"].tolist() == ["(PEA)2PbI4", "MAPbI3"]


def test_a_list_on_standard_input_in_several_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perospin.cli.describe._CHUNK", 7)
    formulas = [f"MAPbI{3 - i / 100:.2f}Br{i / 100:.2f}" for i in range(1, 31)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*formulas, "nonsense"])))
    for ending in ("csv", "parquet"):
        out = tmp_path / f"out.{ending}"
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*formulas[:9], "nonsense", *formulas[9:]])))
        assert _run("-", "--out", out, "--measured", "--sources", tmp_path / "s.csv") == 2
        read = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
        assert read["material"].tolist() == list(describe(formulas).index)
        assert "homo_ev" in read.columns


def test_many_materials_are_not_all_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(["MAPbI3"] * 30))
    assert _run(path, "--columns", "gap_ev") == 0
    out = capsys.readouterr().out
    assert "6 more materials: write them to a file with --out" in out
    assert "MAPbI3 #24" in out


WRONG = {
    "nothing": ((), "nothing to describe"),
    "level": (("MAPbI3", "--level", "best"), "unknown level 'best'"),
    "column": (("MAPbI3", "--columns", "gap_eV"), "did you mean gap_ev"),
    "no column": (("MAPbI3", "--columns", ","), "names no column"),
    "ending": (("MAPbI3", "--out", "x.xlsx"), ".csv or .parquet"),
    "no folder": (("MAPbI3", "--out", "no/x.csv"), "there is no folder"),
    "no list": (("missing.csv",), "there is no file 'missing.csv'"),
    "empty folder": ((".",), "holds no structure file"),
    "empty list": (("empty.txt",), "nothing to describe"),
    "columns without a name": (("odd.csv",), "none called 'material' or 'formula'"),
    "not text": (("binary.csv",), "not UTF-8 text"),
    "ion": (("MAPbI3", "--ion", "X"), "X"),
    "store": (("MAPbI3", "--measured", "--store", "no.sqlite"), "there is no store"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n# nothing\n")
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    arguments, message = WRONG[case]
    assert _run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("perospin: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["binary.csv", "empty.txt", "odd.csv"]


def test_columns_are_listed_with_their_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--list-columns") == 0
    out = " ".join(capsys.readouterr().out.split())
    frame = describe([CSPBI3], measured=True)
    assert all(f" {column} " in out for column in frame.columns)
    assert "distance between neighbouring inorganic mid-planes" in out
    assert len(STRUCTURE_DESCRIPTIONS) > 40
