from __future__ import annotations

import time
from pathlib import Path

import pytest

from perospin.database import ColumnMapping, Store, check_file, export_records, import_file, select_records
from perospin.errors import DataError

MAPPING = """
[columns]
material = "Compound"
value = "Lifetime"
uncertainty = "err"
temperature_k = "T"
carrier = "who"
doi = "Ref"
[constants]
property = "tau_spin"
unit = "ns"
technique = "CPTR"
estimated = false
[units]
temperature_k = "degC"
[words.carrier]
e = "electron"
h = "hole"
"""
GOOD = """Compound;Lifetime;err;T;who;Ref
PEA2PbI4;0.31;0.02;20;e;10.1039/d5sc07406a
(3AMP)PbI4;5.1;n.a.;25;h;arXiv:2603.03038v2
"""
BAD = """Compound;Lifetime;err;T;who;Ref
(PEEA)2PbI4;0,4;0.02;20;e;10.1039/d5sc07406a
BA2PbI4;-0.2;0.02;-300;x;abc
(4F-PEA)2PbI4;0.2;y;20;;

MAPbI3;1;0.1;20;e
"""


@pytest.fixture
def mapping(tmp_path: Path) -> ColumnMapping:
    path = tmp_path / "map.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return ColumnMapping.from_toml(path)


def write(tmp_path: Path, text: str, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_mapped_table_is_imported_with_units_and_words(tmp_path: Path, mapping: ColumnMapping) -> None:
    path = write(tmp_path, GOOD)
    with Store.open(tmp_path / "s.sqlite") as store:
        assert import_file(path, store, mapping) == ["user-1", "user-2"]
        first, second = store.query()
    assert (first.formula, first.material) == ("(PEA)2PbI4", "PEA2PbI4")
    assert first.value == pytest.approx(310.0)
    assert first.uncertainty == pytest.approx(20.0)
    assert (first.original_value, first.original_unit) == (0.31, "ns")
    assert first.conditions.temperature_k == pytest.approx(293.15)
    assert (first.conditions.carrier, first.conditions.technique) == ("electron", "CPTR")
    assert first.origin == "table.csv:2"
    assert second.uncertainty is None
    assert second.source.doi == "10.48550/arXiv.2603.03038"


def test_every_bad_cell_is_listed_by_row_and_column(tmp_path: Path, mapping: ColumnMapping) -> None:
    found = check_file(write(tmp_path, BAD), mapping)
    assert sorted((i.row, i.column, i.value) for i in found.issues) == sorted(
        [
            (2, "Compound", "(PEEA)2PbI4"),
            (2, "Lifetime", "0,4"),
            (3, "Lifetime", "-0.2"),
            (3, "T", "-300"),
            (3, "who", "x"),
            (3, "Ref", "abc"),
            (4, "err", "y"),
            (4, "Ref", ""),
            (6, "who", ""),
        ]
    )
    assert found.n_rows == 4


def test_one_bad_cell_imports_nothing(tmp_path: Path, mapping: ColumnMapping) -> None:
    path = write(tmp_path, GOOD + "MAPbI3;x;;20;e;10.1039/d5sc07406a\n")
    with Store.open(tmp_path / "s.sqlite") as store:
        with pytest.raises(DataError, match="1 bad cell, nothing was imported; the first is row 4, column 'Lifetime'"):
            import_file(path, store, mapping)
        assert store.count() == 0


def test_importing_twice_is_noticed(tmp_path: Path, mapping: ColumnMapping) -> None:
    path = write(tmp_path, GOOD)
    with Store.open(tmp_path / "s.sqlite") as store:
        import_file(path, store, mapping)
        found = check_file(path, mapping, store)
        assert [(i.row, i.column) for i in found.issues] == [(2, "Lifetime"), (3, "Lifetime")]
        assert "already in the store as user-1" in found.issues[0].message
        assert import_file(path, store, mapping, skip_known=True) == []
        assert store.count() == 2


def test_a_repeated_row_is_noticed(tmp_path: Path, mapping: ColumnMapping) -> None:
    lines = GOOD.splitlines()
    found = check_file(write(tmp_path, "\n".join([*lines, lines[1]])), mapping)
    assert [(i.row, i.message.split(";")[0]) for i in found.issues] == [(4, "repeats row 2 exactly")]


def test_wide_table_with_a_column_a_property(tmp_path: Path) -> None:
    toml = write(
        tmp_path,
        '[columns]\nmaterial = "m"\n[constants]\nfirst_author = "Me"\n'
        '[[values]]\ncolumn = "Eb"\nproperty = "exciton_binding_energy"\nunit = "eV"\nuncertainty = "dEb"\n'
        '[[values]]\ncolumn = "Eg"\nproperty = "band_gap"\nunit = "eV"\n',
        "map.toml",
    )
    table = write(tmp_path, "m,Eb,dEb,Eg\nPEA2PbI4,0.22,0.01,2.5\nMAPbI3,,,1.57\nXx7,0.1,0.01,1\n")
    found = check_file(table, ColumnMapping.from_toml(toml))
    assert [(r.formula, r.property, r.value) for r in found.records] == [
        ("(PEA)2PbI4", "exciton_binding_energy", pytest.approx(220.0)),
        ("(PEA)2PbI4", "band_gap", 2.5),
        ("MAPbI3", "band_gap", 1.57),
    ]
    assert [(i.row, i.column) for i in found.issues] == [(4, "m")]  # a shared bad cell is named once


def test_an_export_is_an_import(tmp_path: Path) -> None:
    records = select_records("g_factor", user=False)
    path = tmp_path / "g.csv"
    export_records(records, path)
    with Store.open(tmp_path / "s.sqlite") as store:
        import_file(path, store)
        again = store.query()
    assert [r.with_id("") for r in again] == [r.with_id("") for r in records]


def test_unknown_materials_on_request(tmp_path: Path, mapping: ColumnMapping) -> None:
    path = write(tmp_path, GOOD.replace("PEA2PbI4", "a chiral film"))
    assert len(check_file(path, mapping).issues) == 1
    found = check_file(path, mapping, allow_unknown=True)
    assert (found.issues, found.n_unknown) == ((), 1)


def test_user_defined_ion(tmp_path: Path, mapping: ColumnMapping) -> None:
    from perospin.chemistry import IonLibrary

    library = IonLibrary.default().with_ions({"XyzEA": "[NH3+]CCCC(Cl)CCBr"})
    found = check_file(write(tmp_path, GOOD.replace("PEA2PbI4", "(XyzEA)2PbI4")), mapping, ions=library)
    assert found.issues == ()
    assert found.records[0].formula == "(XyzEA)2PbI4"


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("columns = [", "is not TOML"),
        ('[columns]\nmaterail = "m"\n', "did you mean 'material'"),
        ('[colums]\nmaterial = "m"\n', "entry 'colums': unknown entry"),
        ('[units]\nvalue = "ns"\n', "the unit of the value itself is the field 'unit'"),
        ('[[values]]\ncolumn = "x"\n', "entry 'values.0.property'"),
    ],
)
def test_a_broken_mapping_is_one_sentence(tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        ColumnMapping.from_toml(write(tmp_path, toml, "map.toml"))
    assert "\n" not in str(caught.value).split(": ", 1)[0]


def test_absent_mapping(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't read the mapping"):
        ColumnMapping.from_toml(tmp_path / "none.toml")


def test_columns_that_the_file_lacks(tmp_path: Path, mapping: ColumnMapping) -> None:
    with pytest.raises(DataError, match=r"no column 'Lifetime'.*did you mean 'Lifetimes'"):
        check_file(write(tmp_path, GOOD.replace("Lifetime", "Lifetimes")), mapping)
    with pytest.raises(DataError, match="no column for property, value, unit"):
        check_file(write(tmp_path, GOOD))
    with pytest.raises(DataError, match="header but no rows"):
        check_file(write(tmp_path, GOOD.splitlines()[0] + "\n"), mapping)


def test_headings_with_units_and_error_columns_need_no_mapping(tmp_path: Path) -> None:
    text = "Compound;tau_spin (ns);tau_spin error (ns);temperature (degC);doi\nMAPbI3;0,5;0,1;20;10.1039/d5sc07406a\n"
    found = check_file(write(tmp_path, text))
    assert not found.issues
    record = found.records[0]
    assert (record.value, record.uncertainty, record.unit) == (500.0, 100.0, "ps")
    assert record.conditions.temperature_k == pytest.approx(293.15)


def test_a_mapping_that_contradicts_the_unit_of_a_heading_is_refused(tmp_path: Path) -> None:
    mapping = ColumnMapping.model_validate(
        {"columns": {"material": "m"}, "values": [{"column": "t (ns)", "property": "tau_spin", "unit": "ps"}]}
    )
    with pytest.raises(DataError, match="says ns, the mapping ps"):
        check_file(write(tmp_path, "m,t (ns)\nMAPbI3,1\n"), mapping)


def test_wrong_constant_names_itself(tmp_path: Path) -> None:
    constants = ColumnMapping(
        columns={"material": "m", "value": "v"},
        constants={"property": "tau_spin", "unit": "meV", "first_author": "Me"},
    )
    found = check_file(write(tmp_path, "m,v\nMAPbI3,1\n"), constants)
    assert [(i.row, i.column, i.value) for i in found.issues] == [(2, "unit (constant)", "meV")]


@pytest.mark.parametrize("name", ["csv_import_message___1000_chars.csv", "heading_redos.csv"])
def test_hostile_headings_are_one_sentence(name: str) -> None:
    start = time.process_time()
    with pytest.raises(DataError) as caught:
        check_file(Path(__file__).parents[1] / "data" / "field_cases" / "hostile" / name)
    assert len(str(caught.value)) <= 400
    assert time.process_time() - start < 1.0


def test_two_hundred_thousand_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(",".join(f"c{i}" for i in range(200_000)) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="200000 columns"):
        check_file(tmp_path / "wide.csv")


def test_doubtful_formulas_are_told_once(tmp_path: Path) -> None:
    row = "Cs0.33FA0.33MA0.33PbI3,tau_spin,{value},ps,Chen\n"
    text = "material,property,value,unit,first_author\n" + row.format(value=1) + row.format(value=2)
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    found = check_file(tmp_path / "table.csv")
    assert len(found.records) == 2
    assert len(found.cautions) == 1
    assert "-0.01 e" in found.cautions[0]
