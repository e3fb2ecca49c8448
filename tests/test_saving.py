"""The one way out and the one way in: whole files, one run a folder, limits of what is read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin import saving
from perospin.descriptors.writing import TableWriter
from perospin.errors import LONGEST, DataError, PerospinError, RefusedFileError, WriteError, sentence


def test_a_file_is_new_or_old_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    saving.write_text(path, "old")

    def fail(file: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        saving.write_with(path, fail)
    assert path.read_text() == "old"
    with pytest.raises(WriteError, match=r"can't write '.*a.txt': no space left on device"), saving.whole_file(path):
        raise OSError(28, "No space left on device")
    with pytest.raises(WriteError, match="no letter that UTF-8 knows"):
        saving.write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    saving.write_text(path, "new")
    assert path.read_text() == "new"


def test_a_planted_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    link = tmp_path / "out.csv"
    link.symlink_to(victim)
    saving.write_text(link, "ours")
    assert victim.read_text() == "mine"
    assert not link.is_symlink()


def test_permissions_follow_the_mask_and_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    saving.write_text(path, "x")
    assert path.stat().st_mode & 0o777 == 0o666 & ~saving._mask()
    path.chmod(0o640)
    saving.write_text(path, "y")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_device_and_a_folder_are_no_files(tmp_path: Path) -> None:
    for place in (tmp_path, Path(os.devnull)):
        with pytest.raises(WriteError, match=r"it is (a folder|no ordinary file)"):
            saving.write_text(place, "x")
    assert Path(os.devnull).is_char_device()


def test_one_run_holds_a_folder_and_sweeps_it(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / ".part-old.csv").write_text("half")
    code = "import sys; from perospin.saving import one_run\nwith one_run(sys.argv[1]): print('in')"
    with saving.one_run(tmp_path), saving.one_run(tmp_path):  # the same run may hold it twice
        assert not (tmp_path / "tables" / ".part-old.csv").exists()
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
        assert "another run is writing into" in other.stderr
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True).stdout
    assert [p.name for p in tmp_path.iterdir()] == ["tables"]


@given(st.text(max_size=120))
def test_a_name_without_a_fault_stays_in_its_folder(name: str) -> None:
    if saving.name_fault(name) is None:
        assert Path("folder", name).parent == Path("folder")
        assert Path(name).name == name
        assert len(name.encode()) <= 100


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "x/../../EVIL", "a\\b", "C:x", "a\0", "\x1b[2J", " a", "a" * 101]
)
def test_names_that_lead_elsewhere_have_a_fault(name: str, tmp_path: Path) -> None:
    assert saving.name_fault(name)
    with pytest.raises(WriteError, match="can't be the name of a folder"):
        saving.inner_folder(tmp_path, name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 2000 + "]" * 2000, "nested deeper than 32 brackets"),
        ("a = " + "{a = " * 2000 + "1" + "}" * 2000, "nested deeper than 32 brackets"),
        (".".join(["a"] * 20_000) + " = 1", "a key of more than 16 parts"),
        ("[" + ".".join(['"a"'] * 20_000) + "]", "a key of more than 16 parts"),
        ("a = " + "9" * 10_000, "not valid TOML"),
        ("a = 'x\n", "not valid TOML"),
        ('a = """' + '\\"""' * 50_000, "not valid TOML"),
        ('"' + '\\"' * 200_000, "not valid TOML"),
        ("a = 1\n" * 300_000, "more than 1 MiB"),
        ("\x00", "not valid TOML"),
    ],
)
def test_toml_has_limits(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(RefusedFileError, match=words) as caught:
        saving.read_toml(path, "study file")
    assert time.process_time() - began < 1
    assert len(str(caught.value)) <= LONGEST


def test_what_only_looks_deep_in_toml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    dots, brackets = ".".join("a" * 50), "[" * 100
    path.write_text(
        f"# {brackets}\na = '{dots}'\nb = \"{brackets}\"\nc = '''\n{brackets}{dots}'''\nd = [[1.5], [2.5]]\n"
    )
    assert saving.read_toml(path, "file")["d"] == [[1.5], [2.5]]


def test_json_has_limits() -> None:
    with pytest.raises(RefusedFileError, match=r"deeper|JSON"):
        saving.read_json("[" * 900 + "]" * 900, "it")
    with pytest.raises(RefusedFileError, match="JSON"):
        saving.read_json("[" * 900_000, "it")
    assert saving.read_json('{"a": [1, 2]}', "it") == {"a": [1, 2]}


@given(st.text(max_size=2000))
def test_a_message_can_always_be_shown(text: str) -> None:
    shown = str(DataError(text))
    assert len(shown) <= LONGEST
    assert shown.isprintable()


def test_a_message_keeps_start_and_end_and_no_password() -> None:
    text = sentence("where: " + "x" * 5000 + "; give a number")
    assert text.startswith("where: ")
    assert text.endswith("give a number")
    assert "secret" not in str(PerospinError("no store at postgresql://me:secret@host/lab"))


def test_no_cell_of_a_table_is_a_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    rows = [{"=name": "=1+1", "value": -1.5, "text": "-2.5e-3"}, {"=name": "(PEA)2PbI4", "value": 2.0, "text": "-x"}]
    saving.write_csv(pd.DataFrame(rows), tmp_path / "a.csv")
    saving.write_rows(tmp_path / "b.csv", rows[0], rows)
    expected = "'=name,value,text\n'=1+1,-1.5,-2.5e-3\n(PEA)2PbI4,2.0,'-x\n"
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == expected
    assert (tmp_path / "b.csv").read_text(encoding="utf-8") == expected
    with TableWriter(tmp_path / "c.csv") as table:
        table.write(pd.DataFrame({"note": ["@SUM(A1)", None]}, index=pd.Index(["+1+1", "MAPbI3"], name="material")))
    assert (tmp_path / "c.csv").read_text(encoding="utf-8") == "material,note\n'+1+1,'@SUM(A1)\nMAPbI3,\n"
