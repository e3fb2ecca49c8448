"""Starts as files: POSCAR and CIF of each, and one table of all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perospin.descriptors.structure.building.starts import Start
from perospin.errors import WriteError
from perospin.saving import make_folder, no_formulas, one_run, write_csv, write_text

__all__ = ["NOT_AN_ENERGY", "TABLE", "check_folder", "cif_text", "poscar_text", "write_starts"]

TABLE = "starts.csv"
NOT_AN_ENERGY = (
    "The packing score only says how well rigid molecules fit between the slabs. It is no energy and does not tell "
    "which start is right: relax all of them, and compare energies then."
)


def poscar_text(start: Start) -> str:
    """POSCAR of a start; its first line is the title."""
    from pymatgen.io.vasp import Poscar

    return str(Poscar(start.structure, comment=start.title).get_str(direct=True, significant_figures=8))


def cif_text(start: Start) -> str:
    """CIF of a start, all atoms listed (P 1); its title is a comment and the name of the compound."""
    from pymatgen.io.cif import CifWriter

    block = re.sub(r"[^A-Za-z0-9]+", "_", start.title).strip("_")
    lines = str(CifWriter(start.structure, significant_figures=8)).splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("data_"))
    body = [f"# {start.title}", f"data_{block}", f"_chemical_name_common   '{start.title}'", *lines[at + 1 :]]
    return "\n".join(body) + "\n"


def write_starts(starts: Sequence[Start], folder: str | Path, beside: Mapping[str, Any] | None = None) -> list[Path]:
    """Write POSCAR and CIF of each start, and the table ``starts.csv``, into a folder.

    Every file is written whole or not at all, the table last; the same starts give the same bytes.

    Parameters
    ----------
    starts
        From `build`.
    folder
        Made if it isn't there.
    beside
        More columns of the table, equal in all rows, such as a predicted spacing.

    Returns
    -------
    list of Path
        The POSCAR files, then the table.

    Raises
    ------
    WriteError
        If the folder can't be written, or holds the starts of another material or seed.
    """
    import pandas as pd

    folder = Path(folder)
    formula, seed = starts[0].title.partition(",")[0], starts[0].seed
    check_folder(folder, formula, seed)
    prefix = _prefix(formula, seed)
    make_folder(folder)
    rows = []
    with one_run(folder):
        _clear(folder, prefix)
        paths = []
        for start in starts:
            name = f"{prefix}-{start.number:03d}"
            write_text(folder / f"{name}.vasp", poscar_text(start))
            write_text(folder / f"{name}.cif", cif_text(start))
            paths.append(folder / f"{name}.vasp")
            rows.append(
                {"file": f"{name}.vasp", "title": start.title, "seed": start.seed, **start.variables}
                | {"packing_score": start.packing_score}
                | dict(beside or {})
            )
        write_csv(no_formulas(pd.DataFrame(rows)), folder / TABLE)
    return [*paths, folder / TABLE]


def check_folder(folder: str | Path, formula: str, seed: int) -> None:
    """Refuse a folder that can't take the starts of a material and a seed, before they are built.

    Raises
    ------
    WriteError
        If it is a file, or holds the starts of another material or seed.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise WriteError(f"can't write into '{folder}': it is a file; give a folder with --out")
    for name in _earlier(folder):
        if not name.startswith(f"{_prefix(formula, seed)}-"):
            raise WriteError(f"'{folder}' holds other starts ({name}); give another folder with --out")


def _prefix(formula: str, seed: int) -> str:
    return f"{re.sub(r'[^A-Za-z0-9-]+', '', formula)}-seed{seed}"


def _earlier(folder: Path) -> list[str]:
    """Name the files of an earlier run."""
    import pandas as pd

    table = folder / TABLE
    if not table.exists():
        return []
    try:
        return list(pd.read_csv(table)["file"].astype(str))
    except (KeyError, ValueError, OSError):
        raise WriteError(f"'{table}' isn't a table of starts; give another folder with --out") from None


def _clear(folder: Path, prefix: str) -> None:
    """Remove the starts of an earlier run of the same seed, the table first."""
    (folder / TABLE).unlink(missing_ok=True)
    for path in folder.glob(f"{prefix}-[0-9][0-9][0-9].*"):
        if path.suffix in (".vasp", ".cif"):
            path.unlink()
