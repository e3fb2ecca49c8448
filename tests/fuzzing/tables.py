"""Tables of records with and without a mapping: checked, imported, exported and read again."""

from __future__ import annotations

import random
from pathlib import Path

from fuzzing.harness import Target, fault_of, mutated
from perospin.database import ColumnMapping, Store, check_file, export_records, read_records, to_bibtex, to_json
from perospin.database.record import COLUMNS
from perospin.text import control_character

TIDY = """material,property,value,unit,uncertainty,temperature_k,carrier,doi,first_author,year,note
(PEA)2PbI4,tau_spin,0.31,ps,0.02,293,exciton,10.1039/d5sc07406a,Li,2025,"film, fresh"
MAPbI3,g_factor,-0.5,1,,4,hole,,Chen,2024,=1+1
(BA)2(MA)Pb2I7,T1,3e-2,1/ns,,5.5,electron,arXiv:2603.03038,,,
"""
OWN = """Compound;Lifetime;T;Ref
(PEA)2PbI4;0.31;20;10.1039/d5sc07406a
(3AMP)PbI4;5.1;NA;arXiv:2603.03038
"""
MAPPING = """[columns]
material = "Compound"
value = "Lifetime"
temperature_k = "T"
doi = "Ref"
[constants]
property = "tau_spin"
unit = "ps"
theory = false
[units]
temperature_k = "degC"
[words.material]
"film" = "MAPbI3"
"""
PIECES = [
    *",;\t\n\r\"'=+-@ \x00\x1b.0123456789eE",
    *("\u202e", "\ufeff", "é", "１", "٣", "½", "1e999", "-1e-999", "nan", "inf", "1_000", "0x1F", "1,5", "1 000", '""'),
    *("'=", "true", "user-1", "ps", "1/ps", "degC", "kg", "ps" * 40, "((((((((", "9" * 400, "\n" * 50, "," * 1200),
    *("T1", "tau_spin", "value", "MAPbI3", "(ImEA)PbI4", "Cs0.33FA0.33MA0.33PbI3", "}{", "\\input", "\\", "%", "&"),
    *COLUMNS,
]  # fmt: skip
TOML_PIECES = [*"[]{}=\"'.,#\n\\", "[[values]]", "[" * 3000, "a." * 3000, "9" * 4400, "0x" + "f" * 5000, "nan",
               "1979-05-27", "missing = [1]", "[words]", "column = 'T'", *COLUMNS[:10]]  # fmt: skip


def make(rng: random.Random) -> tuple[bytes, str | None]:
    """Bytes of a table, and the text of a mapping or None."""
    own = rng.random() < 0.4
    text = mutated(rng, OWN if own else TIDY, PIECES, 8)
    mapping = (mutated(rng, MAPPING, TOML_PIECES, 3) if rng.random() < 0.5 else MAPPING) if own else None
    encoding = rng.choices(["utf-8", "utf-16", "latin-1", "utf-8-sig"], [30, 1, 1, 2])[0]
    content = text.encode(encoding, errors="replace")
    if rng.random() < 0.05:
        at = rng.randrange(len(content) + 1)
        content = content[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9))) + content[at:]
    return content, mapping


def attempt(content: tuple[bytes, str | None], folder: Path) -> bool:
    """Check and import a table; what is accepted survives export and reading, and every issue is a clean sentence."""
    table, mapping = content
    path = folder / "table.csv"
    path.write_bytes(table)
    columns = None
    if mapping is not None:
        (folder / "map.toml").write_text(mapping, encoding="utf-8", errors="replace")
        columns = ColumnMapping.from_toml(folder / "map.toml")
    with Store.open(":memory:") as store:
        found = check_file(path, columns, store, allow_unknown=True)
        for issue in found.issues:
            assert not fault_of(issue.message), issue
            assert issue.value.isprintable()
        if found.issues:
            return False
        names = store.add(found.records)
        kept = store.query()
    assert len(names) == len(found.records)
    for record in kept:
        assert not any(control_character(value) for value in record.values() if isinstance(value, str))
    assert [record.fingerprint() for record in kept] == [record.fingerprint() for record in found.records]
    export_records(kept, folder / "out.csv")
    assert read_records(folder / "out.csv") == kept
    cited = to_bibtex(kept)
    assert cited.count("{") == cited.count("}")
    assert to_json(kept).replace("\n", "").isprintable()
    return bool(kept)


TARGET = Target("tables", make, attempt, limit_s=5.0)
