"""Descriptors of single cations: shipped tables, and new cations computed at the same level on the fly."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Ion, IonLibrary
from perospin.descriptors.composition import neutral_amine_smiles
from perospin.descriptors.quantum import canonical_smiles, compute_ion, get_level
from perospin.descriptors.quantum.geometry import BOHR_A
from perospin.descriptors.spin52_cations import cation_values_of_spin52
from perospin.errors import QuantumError

if TYPE_CHECKING:
    import pandas as pd

    from perospin.descriptors.quantum.levels import Level

VALUE_COLUMNS = (
    "homo_ev",
    "lumo_ev",
    "gap_ev",
    "dipole_debye",
    "polarisability_bohr3",
    "molecular_radius_a",
    "volume_a3",
)
TABLE_COLUMNS = (
    "symbol",
    "smiles",
    *VALUE_COLUMNS,
    "conformer",
    "n_conformers",
    "above_lowest_gfn2_ev",
    "seconds",
    "versions",
)


def van_der_waals_volume_a3(symbols: Iterable[str], positions_a: Iterable[Iterable[float]]) -> float:
    """Van der Waals volume in cubic angstrom (RDKit's double cubic lattice method) of a given geometry."""
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors
    from rdkit.Geometry import Point3D

    molecule = Chem.RWMol()
    conformer = Chem.Conformer()
    for i, (symbol, xyz) in enumerate(zip(symbols, positions_a, strict=True)):
        molecule.AddAtom(Chem.Atom(symbol))
        conformer.SetAtomPosition(i, Point3D(*map(float, xyz)))
    molecule.AddConformer(conformer)
    molecule.UpdatePropertyCache(strict=False)
    return float(rdMolDescriptors.DoubleCubicLatticeVolume(molecule, probeRadius=0.0).GetVDWVolume())


def _row(symbol: str, smiles: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(answer["values"])
    values["volume_a3"] = round(van_der_waals_volume_a3(answer["symbols"], answer["positions_a"]), 3)
    return {
        "symbol": symbol,
        "smiles": smiles,
        **{column: values.get(column, "") for column in VALUE_COLUMNS},
        "conformer": answer["conformer"]["rule"],
        "n_conformers": answer["conformer"]["n_found"],
        "above_lowest_gfn2_ev": answer["conformer"]["above_lowest_gfn2_ev"],
        "seconds": answer["seconds"],
        "versions": " ".join(f"{k} {v}" for k, v in answer["versions"].items()),
    }


def computed_smiles(ion: Ion, level: str) -> str | None:
    """SMILES that is computed for an ion at a level: itself, or its neutral amine; None if there is none."""
    if ion.smiles is None:
        return None
    if level != "neutral":
        return ion.smiles
    return None if ion.is_monatomic else neutral_amine_smiles(ion.smiles)


def published_conformers() -> dict[str, dict[str, float]]:
    """Radius, HOMO and LUMO of the 52-material table's cations, by symbol: they choose our conformers.

    For 3AMP only the radius: the table lists 3AMPY's orbital energies there.
    """
    table = cation_values_of_spin52().round(4)
    names = {"molecular_radius_a": "radius_a", "homo_ev": "homo_ev", "lumo_ev": "lumo_ev"}
    found = {str(s): {key: float(row[c]) for c, key in names.items()} for s, row in table.iterrows()}
    found["3AMP"] = {"radius_a": found["3AMP"]["radius_a"]}
    return found


def _match(ion: Ion, level: Level) -> dict[str, float] | None:
    if level.geometry != "b3lyp" or ion.symbol not in published_conformers():
        return None
    shipped = IonLibrary.default()
    same = ion.symbol in shipped and shipped.get(ion.symbol).smiles == ion.smiles
    return published_conformers()[ion.symbol] if same else None


@lru_cache(maxsize=8)
def _shipped(level: str) -> dict[str, dict[str, str]]:
    path = files("perospin.descriptors") / "tables" / f"cations_{level}.csv"
    if not path.is_file():
        return {}
    return {row["smiles"]: row for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}


def shipped_table(level: str) -> pd.DataFrame:
    """Return the shipped table of a level ("published", "fast" or "neutral"), indexed by the cation's symbol.

    Raises
    ------
    QuantumError
        If there is no such level.
    """
    import pandas as pd

    get_level(level)
    frame = pd.DataFrame(list(_shipped(level).values()), columns=list(TABLE_COLUMNS))
    for column in (*VALUE_COLUMNS, "n_conformers", "above_lowest_gfn2_ev", "seconds"):
        frame[column] = pd.to_numeric(frame[column])
    return frame.set_index("symbol")


@lru_cache(maxsize=4096)
def cation_values(ion: Ion, level: str, compute: bool = True) -> Mapping[str, float]:
    """Quantum descriptors of one cation at one level, from the shipped table, the cache or a new calculation.

    Parameters
    ----------
    ion : Ion
        Cation with a SMILES.
    level : str
        "published", "fast" or "neutral" (its neutral amine).
    compute : bool
        Whether a cation that isn't in the shipped table may be computed (seconds to minutes).

    Returns
    -------
    mapping
        `homo_ev`, `lumo_ev`, `gap_ev`, `dipole_debye`, `polarisability_a3`, `molecular_radius_a`, `volume_a3`;
        empty for a cation without the neutral amine that the level "neutral" describes.

    Raises
    ------
    QuantumError
        If the calculation fails, or is needed and not allowed.
    """
    smiles = computed_smiles(ion, level)
    if smiles is None:
        return {}
    row: Mapping[str, Any] | None = _shipped(level).get(ion.smiles or "")
    if row is None:
        if not compute:
            raise QuantumError(
                f"cation '{ion.symbol}' has not been computed at level {level}; run "
                f"`perospin cations compute {ion.symbol} --level {level}`"
            )
        chosen = get_level(level)
        answer = compute_ion(smiles, level, match=_match(ion, chosen))
        row = _row(ion.symbol, ion.smiles or "", answer)
    values = {column: float(row[column]) for column in VALUE_COLUMNS if row[column] != ""}
    values["polarisability_a3"] = values.pop("polarisability_bohr3") * BOHR_A**3
    if ion.is_monatomic and ion.radius_pm is not None:
        values["molecular_radius_a"] = ion.radius_pm / 100  # an atom has no interatomic distance: its ionic radius
    return values


def missing(ions: Iterable[Ion], level: str) -> list[Ion]:
    """Those of `ions` that would have to be computed at `level` (not in the shipped table)."""
    return [i for i in ions if computed_smiles(i, level) is not None and (i.smiles or "") not in _shipped(level)]


def build_table(
    ions: Iterable[Ion],
    level: str,
    *,
    workers: int = 1,
    on_result: Callable[[str, str], None] | None = None,
) -> list[dict[str, Any]]:
    """Compute (or fetch from the cache) the rows of a level's table, smallest cations first.

    Parameters
    ----------
    ions : iterable of Ion
        Cations; those without the needed SMILES are left out.
    level : str
        Name of the level.
    workers : int
        Calculations at a time, one thread each.
    on_result : callable, optional
        Called with symbol and "" or the reason of a failure, as each cation ends.

    Returns
    -------
    list of dict
        Rows in the order of `ions`, with the keys `TABLE_COLUMNS`, and `symbols`, `positions_a` of the geometry.
        A cation whose calculation failed has no row.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed

    chosen = get_level(level)
    wanted = [(ion, smiles) for ion in ions if (smiles := computed_smiles(ion, level)) is not None]
    # enantiomers share one calculation: ask for it once, so that two workers don't do it side by side
    owners: dict[str, list[Ion]] = {}
    for ion, smiles in sorted(wanted, key=lambda pair: pair[0].n_heavy_atoms):
        owners.setdefault(canonical_smiles(smiles), []).append(ion)
    answers: dict[str, dict[str, Any]] = {}
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        waiting = {
            pool.submit(compute_ion, smiles, level, match=_match(same[0], chosen)): same
            for smiles, same in owners.items()
        }
        for future in as_completed(waiting):
            reason = ""
            try:
                answer = future.result()
                answers.update({ion.symbol: answer for ion in waiting[future]})
            except QuantumError as error:
                reason = str(error)
            if on_result is not None:
                for ion in waiting[future]:
                    on_result(ion.symbol, reason)
    finally:
        # on Ctrl-C what waits is dropped; what is done is in the cache
        pool.shutdown(wait=True, cancel_futures=True)
    rows = []
    for ion, _ in wanted:
        if (found := answers.get(ion.symbol)) is not None:
            geometry = {"symbols": found["symbols"], "positions_a": found["positions_a"]}
            rows.append(_row(ion.symbol, ion.smiles or "", found) | geometry)
    return rows
