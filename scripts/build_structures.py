"""Describe a folder of layered crystals and write the table of structures that the package ships.

    python scripts/build_structures.py --shared DIR [--out src/perospin/database/tables]

DIR holds ``structures_2d_dev/`` (POSCAR files of the repository fanghj01234/Ensemble-Learning_SATGNN, commit 30e2b78,
MIT; paper 10.1039/d5dd00163c). Only numbers made here are written, with the name of the file behind each row: no
coordinates. A crystal that can't be described has no row; the reasons are printed.
"""

from __future__ import annotations

import argparse
import csv
import math
import shutil
import sys
from pathlib import Path

from perospin.chemistry import IonLibrary, Perovskite
from perospin.descriptors.packing import spacer_key
from perospin.descriptors.structure import STRUCTURE_DESCRIPTIONS, describe_structure, read_structure
from perospin.descriptors.structure.identify import identify
from perospin.errors import PerospinError

FOLDER = "structures_2d_dev"
LABELS = ("dimensionality", "connectivity", "layer_orientation", "space_group")
HEADER = (
    "file",
    "formula",
    "new_ions",
    "spacer",
    "layers_agree",
    "hydrogens",
    *LABELS,
    *STRUCTURE_DESCRIPTIONS,
    "remarks",
)


def cell(value: float) -> str:
    """Write a number to six digits, empty where it isn't known."""
    return "" if math.isnan(value) else f"{value:.6g}"


def layers_agree(material: Perovskite, sheets: float) -> str:
    """Say whether the formula has as many sheets a slab as the crystal: yes, no, or empty where there are none."""
    return "" if math.isnan(sheets) else "yes" if material.n_layers == sheets else "no"


def hydrogens(symbols: set[str], notes: str) -> str:
    """Say how well the file gives the hydrogens: complete, some missing, disordered or none."""
    if not symbols & {"H", "D"}:
        return "none"
    if "hydrogens are missing" in notes:
        return "some missing"
    return "disordered" if "disordered" in notes else "complete"


def row(path: Path) -> dict[str, str]:
    """Describe one crystal as a row of the table."""
    structure = read_structure(path)
    found = identify(structure)
    described = describe_structure(structure)
    told: dict[str, str] = {"file": path.name}
    if found.material is not None:
        library = IonLibrary.default().with_ions(found.new_ions) if found.new_ions else None
        formula = found.material.formula
        if Perovskite.parse(formula, library) != found.material:
            raise SystemExit(f"{path.name}: the formula {formula} doesn't give its material back")
        told |= {
            "formula": formula,
            "new_ions": "; ".join(found.new_ions),
            "spacer": spacer_key(found.material),
            "layers_agree": layers_agree(found.material, described.values["n_layers"]),
        }
        symbols = {element.symbol for element in structure.composition.elements}
        told["hydrogens"] = hydrogens(symbols, "; ".join(found.notes))
    told |= {name: described.labels.get(name, "") for name in LABELS}
    told |= {name: cell(value) for name, value in described.values.items()}
    reason = [] if found.material is not None else [f"ions not told: {found.reason}"]
    told["remarks"] = "; ".join((*described.warnings, *found.notes, *reason))
    return told


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("src/perospin/database/tables"))
    options = parser.parse_args()
    source = options.shared / FOLDER
    target = options.out / "structures_2d"
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(source.glob("*.vasp"), key=lambda path: int(path.stem))
    if not files:
        raise SystemExit(f"no files in {source}")
    rows = []
    for path in files:
        try:
            rows.append(row(path))
        except PerospinError as error:
            print(f"no row: {path.name}: {error}", file=sys.stderr)
    with (target / "structures_2d.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, HEADER, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    shutil.copyfile(source / "LICENSE", target / "LICENSE")
    told = {one["formula"] for one in rows if one.get("formula")}
    spacers = {one["spacer"] for one in rows if one.get("spacer")}
    print(f"{len(rows)} of {len(files)} crystals, {len(told)} compositions, {len(spacers)} spacers")


if __name__ == "__main__":
    main()
