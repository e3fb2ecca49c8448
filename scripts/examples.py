"""Write examples/: tables and crystals from perospin's own sourced records, in the shapes in which people keep them.

Run from the root: ``python scripts/examples.py``. Nothing is made up: every value has its source in the file.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from perospin.chemistry import Perovskite
from perospin.database import load_table, select_records
from perospin.saving import write_text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "examples"
PAPER = "10.1039/d5sc07406a"
EIGHT = (
    "dipole_debye", "molar_mass", "electronegativity", "polarisability_bohr3", "tolerance_factor", "homo_ev", "lumo_ev",
    "n_layers", "inverse_n", "rate_per_ps",
)  # fmt: skip
MOST = 30


def main() -> None:
    """Write all files."""
    table = load_table("spin52", corrected=True)
    table = table[table["composition_certain"].astype(bool) & table["formula"].astype(str).str.strip().ne("")]
    _materials(table)
    table[["name", "formula", *EIGHT]].to_csv(FOLDER / "paper_format.csv", index=False, lineterminator="\n")
    write_text(FOLDER / "new_materials.csv", "material\n(3AMP)PbI4\n(HA)2PbI4\n(PEA)2(MA)2Pb3I10\n")
    _values()
    _optimade()
    (FOLDER / "crystals").mkdir(exist_ok=True)
    for path in sorted((ROOT / "src/perospin/database/tables/cif").glob("*.cif")):
        shutil.copyfile(path, FOLDER / "crystals" / path.name)


def _optimade() -> None:
    """Write one shipped crystal as another database's OPTIMADE file."""
    from pymatgen.core import Structure

    from perospin.database import data_file
    from perospin.database.exchange import to_optimade

    crystal = Structure.from_file(str(data_file("cif/CsPbI3_delta_COD4335639.cif")))
    entry = to_optimade(crystal, "cod-4335639")
    for name in ("lattice_vectors", "cartesian_site_positions"):
        entry["attributes"][name] = [[round(x, 6) + 0.0 for x in row] for row in entry["attributes"][name]]
    head = {"x-optimade": {"meta": {"api_version": "1.2.0"}, "api_version": "1.2.0"}}
    write_text(FOLDER / "optimade.jsonl", json.dumps(head) + "\n" + json.dumps(entry) + "\n")


def _materials(table) -> None:  # type: ignore[no-untyped-def]
    """Thirty layered materials with their spin lifetime, as a supervisor's spreadsheet has them."""
    lines = ["material,spin lifetime (ps),source"]
    seen: set[str] = set()
    for row in table.to_dict("records"):
        material = Perovskite.parse(str(row["formula"]))
        if material.n_layers is None or str(material) in seen or len(seen) == MOST:
            continue
        seen.add(str(material))
        lines.append(f"{material},{1.0 / float(row['rate_per_ps']):.4g},doi:{PAPER}")
    write_text(FOLDER / "materials.csv", "\n".join(lines) + "\n")


def _values() -> None:
    """Lifetimes of the records in a lab's own words: semicolons, decimal comma, own headings."""
    lines = ["Compound;Lifetime;Temp;Ref"]
    for record in select_records("tau_spin", "MAPbI3", user=False):
        if not record.source.doi or record.limit != "value" or record.source.doi == PAPER:
            continue
        warmth = record.conditions.temperature_k
        lines.append(
            f"MAPbI3;{record.value:g}".replace(".", ",")
            + f";{'' if warmth is None else f'{warmth:g}'};{record.source.doi}"
        )
    write_text(FOLDER / "my_values.csv", "\n".join(lines) + "\n")
    write_text(
        FOLDER / "columns.toml",
        "# How the columns of my_values.csv become fields of a record\n"
        '[columns]\nmaterial = "Compound"\nvalue = "Lifetime"\ntemperature_k = "Temp"\ndoi = "Ref"\n\n'
        '[constants]\nproperty = "tau_spin"\nunit = "ps"\n',
    )


if __name__ == "__main__":
    main()
