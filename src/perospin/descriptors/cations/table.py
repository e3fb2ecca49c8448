"""Descriptors of single cations: shipped tables, and new cations computed at the same level on the fly."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Ion, IonLibrary
from perospin.descriptors.cations.spin52 import cation_values_of_spin52
from perospin.descriptors.molecules import neutral_amine_smiles, parse_smiles
from perospin.descriptors.quantum import (
    LEVELS,
    Request,
    ResultCache,
    canonical_smiles,
    compute_all,
    compute_ion,
    get_level,
    program_versions,
    protonate,
    require_cation,
)
from perospin.descriptors.quantum.cache import read_json_result
from perospin.descriptors.quantum.engine import DEFAULT_SEED
from perospin.descriptors.quantum.geometry import BOHR_A
from perospin.descriptors.quantum.shape import DERIVED_COLUMNS, derived_descriptors
from perospin.errors import DataError, MissingExtraError, QuantumError

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

_STEREOCENTRE = re.compile(r"\[C@@?H?\]")

EXTRA_COLUMNS = ("ammonium_charge_e", "ammonium_esp_max_v")
"""Columns of `cation_table(extra=True)`: GFN2-xTB charge of the ammonium head, highest potential on its surface."""


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
        "versions": _versions_text(answer["versions"]),
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


@lru_cache(maxsize=8)
def _racemates(level: str) -> dict[str, dict[str, str]]:
    """Rows of enantiomers by the SMILES of their racemate, for molecules with one stereocentre.

    Every value is a scalar, so that a racemate has those of its enantiomers, whichever conformer was found for it.
    """
    found: dict[str, dict[str, str]] = {}
    for smiles, row in _shipped(level).items():
        if len(re.findall("@+", smiles)) == 1 and not {"/", "\\"} & set(smiles):
            found.setdefault(_STEREOCENTRE.sub("C", smiles), row)
    return found


@lru_cache(maxsize=8)
def _shipped_geometries(level: str) -> dict[str, tuple[dict[str, str], list[str], list[list[float]]]]:
    """Words `key=value` of the comment, element symbols and positions of each shipped geometry, by cation's symbol."""
    path = files("perospin.descriptors") / "tables" / f"cations_{level}.xyz"
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    found, start = {}, 0
    while start < len(lines):
        n_atoms = int(lines[start])
        symbol, *words = lines[start + 1].split()
        atoms = [line.split() for line in lines[start + 2 : start + 2 + n_atoms]]
        noted = dict(word.split("=", 1) for word in words if "=" in word)
        found[symbol] = noted, [a[0] for a in atoms], [[float(x) for x in a[1:]] for a in atoms]
        start += 2 + n_atoms
    return found


def _versions_text(versions: Mapping[str, str]) -> str:
    return " ".join(f"{name} {version}" for name, version in versions.items())


def _installed_versions() -> str:
    """Versions of the programs installed here, "" without the extra `quantum`."""
    try:
        return _versions_text(program_versions())
    except MissingExtraError:
        return ""


def _shipped_answer(ion: Ion, level: Level) -> dict[str, Any] | None:
    """Return the shipped table's result, if it is the same molecule by the same recipe, seed and versions.

    Without the programs nothing can be computed, so no versions can be mixed and the table is taken as it is.
    """
    row = _shipped(level.name).get(ion.smiles or "")
    if row is None or row["symbol"] not in _shipped_geometries(level.name):
        return None
    noted, symbols, positions = _shipped_geometries(level.name)[row["symbol"]]
    if (noted.get("revision"), noted.get("seed")) != (str(level.revision), str(DEFAULT_SEED)):
        return None
    if _installed_versions() not in {"", row["versions"]}:
        return None
    computed = computed_smiles(ion, level.name)
    words = row["versions"].split()
    return {
        "smiles": canonical_smiles(computed or ""),
        "level": level.name,
        "values": {c: float(row[c]) for c in VALUE_COLUMNS if row[c] != "" and c != "volume_a3"},
        "conformer": {
            "rule": row["conformer"],
            "n_found": int(row["n_conformers"]),
            "above_lowest_gfn2_ev": float(row["above_lowest_gfn2_ev"]),
        },
        "symbols": symbols,
        "positions_a": positions,
        "seconds": float(row["seconds"]),
        "versions": dict(zip(words[::2], words[1::2], strict=True)),
    }


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
    row: Mapping[str, Any] | None = _racemates(level).get(ion.smiles or "") or _shipped(level).get(ion.smiles or "")
    if row is None:
        if not compute:
            raise QuantumError(
                f"cation '{ion.symbol}' has not been computed at level {level}; run "
                f"`perospin cations compute {ion.symbol} --level {level}`"
            )
        answer = compute_ion(smiles, level, match=_match(ion, get_level(level)))
        _warn_of_other_versions(level, _versions_text(answer["versions"]))
        row = _row(ion.symbol, ion.smiles or "", answer)
    values = {column: float(row[column]) for column in VALUE_COLUMNS if row[column] != ""}
    values["polarisability_a3"] = values.pop("polarisability_bohr3") * BOHR_A**3
    if ion.is_monatomic and ion.radius_pm is not None:
        values["molecular_radius_a"] = ion.radius_pm / 100  # an atom has no interatomic distance: its ionic radius
    return values


@lru_cache(maxsize=16)  # once a level and process
def _warn_of_other_versions(level: str, computed: str) -> None:
    shipped = sorted({row["versions"] for row in _shipped(level).values()})
    if shipped and computed not in shipped:
        warnings.warn(
            f"cations computed at level {level} with {computed} stand beside the shipped ones ({'; '.join(shipped)})",
            stacklevel=3,
        )


def missing(ions: Iterable[Ion], level: str) -> list[Ion]:
    """Those of `ions` that would have to be computed at `level` (not in the shipped table)."""
    return [i for i in ions if computed_smiles(i, level) is not None and (i.smiles or "") not in _shipped(level)]


def is_kept(ion: Ion, level: str) -> bool:
    """Whether the user's cache holds the result of a cation at a level, as it would be computed now."""
    smiles = computed_smiles(ion, level)
    if smiles is None:
        return False
    return ResultCache().get(Request.ion(smiles, level, _match(ion, get_level(level))).identity) is not None


@dataclass(frozen=True)
class _Job:
    """One molecule to compute for a row: its label, the SMILES to compute and the library's ion, if it is one."""

    label: str
    smiles: str
    ion: Ion | None = None


def _solve(
    jobs: Iterable[_Job],
    level: Level,
    workers: int,
    executor: Executor | None,
    reuse_shipped: bool,
    on_result: Callable[[str, str], None] | None,
) -> tuple[dict[_Job, dict[str, Any]], dict[_Job, str]]:
    """Results and reasons of failures: from the shipped table, the cache, or computed."""
    tell = on_result or (lambda _label, _reason: None)
    answers: dict[_Job, dict[str, Any]] = {}
    failures: dict[_Job, str] = {}
    # enantiomers share one calculation: a request has the jobs that want it
    wanted: dict[Request, list[_Job]] = {}
    for job in jobs:
        if reuse_shipped and job.ion is not None and (shipped := _shipped_answer(job.ion, level)) is not None:
            answers[job] = shipped
            tell(job.label, "")
            continue
        try:
            request = Request.ion(job.smiles, level.name, _match(job.ion, level) if job.ion else None)
        except QuantumError as error:
            failures[job] = str(error)
            tell(job.label, str(error))
            continue
        wanted.setdefault(request, []).append(job)

    def ended(request: Request, reason: str) -> None:
        for job in wanted[request]:
            tell(job.label, reason)

    batch = compute_all(wanted, workers=workers, executor=executor, on_result=ended)
    for request, same in wanted.items():
        for job in same:
            if request in batch.answers:
                answers[job] = batch.answers[request]
            else:
                failures[job] = batch.failures[request]
    return answers, failures


def build_table(
    ions: Iterable[Ion],
    level: str,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    reuse_shipped: bool = True,
    on_result: Callable[[str, str], None] | None = None,
) -> list[dict[str, Any]]:
    """Make the rows of a level's table, from the shipped table where it fits, the cache, or computed.

    Parameters
    ----------
    ions : iterable of Ion
        Cations; those without the needed SMILES are left out.
    level : str
        Name of the level.
    workers : int
        Calculations at a time, one thread each.
    executor : concurrent.futures.Executor, optional
        Where to compute in place of the local pool, e.g. a Dask client's.
    reuse_shipped : bool
        Whether a row of the shipped table is taken where SMILES, recipe, seed and versions are the same.
    on_result : callable, optional
        Called with symbol and "" or the reason of a failure, as each cation ends.

    Returns
    -------
    list of dict
        Rows in the order of `ions`, with the keys `TABLE_COLUMNS`, and `symbols`, `positions_a` of the geometry.
        A cation whose calculation failed has no row.
    """
    wanted = [(ion, smiles) for ion in ions if (smiles := computed_smiles(ion, level)) is not None]
    jobs = [_Job(ion.symbol, smiles, ion) for ion, smiles in wanted]
    answers, _ = _solve(jobs, get_level(level), workers, executor, reuse_shipped, on_result)
    rows = []
    for job, (ion, _smiles) in zip(jobs, wanted, strict=True):
        if (found := answers.get(job)) is not None:
            geometry = {"symbols": found["symbols"], "positions_a": found["positions_a"]}
            rows.append(_row(ion.symbol, ion.smiles or "", found) | geometry)
    return rows


@dataclass(frozen=True)
class Cation:
    """A cation to describe, from anywhere.

    Attributes
    ----------
    name : str
        Label of its row.
    smiles : str
        SMILES of the cation (or of a neutral amine, see `cation_table`).
    ion : Ion, optional
        The library's ion, if it is one: the shipped table and, at level "published", the published conformer are
        its.
    """

    name: str
    smiles: str
    ion: Ion | None = None


def cation_table(
    cations: Iterable[Cation],
    level: str = "fast",
    *,
    extra: bool = False,
    protonate_amines: bool = False,
    workers: int = 1,
    executor: Executor | None = None,
    reuse_shipped: bool = True,
    on_result: Callable[[str, str], None] | None = None,
) -> pd.DataFrame:
    """Describe any list of cations: one row each, whether or not it could be computed.

    Parameters
    ----------
    cations : iterable of Cation
        What to describe.
    level : str
        "published", "fast" or "neutral" (the cation's neutral amine).
    extra : bool
        Whether to add `ammonium_charge_e` and `ammonium_esp_max_v` of the geometry (one more Hartree-Fock
        calculation each, kept in the cache on its own).
    protonate_amines : bool
        Whether a neutral amine is protonated at its most basic nitrogen (see `protonate`) or refused.
    workers, executor, reuse_shipped, on_result
        As in `build_table`; `on_result` is called with the name.

    Returns
    -------
    DataFrame
        Columns `name`, `smiles` (of the cation), `charge`, `VALUE_COLUMNS`, `DERIVED_COLUMNS`, the extra ones, how it
        was computed, `status` ("ok" or "failed") and `reason`. Enantiomers share their numbers.
    """
    import pandas as pd

    chosen = get_level(level)
    given = list(cations)
    rows: list[dict[str, Any]] = []
    jobs: list[_Job | None] = []
    for i, cation in enumerate(given):
        row: dict[str, Any] = {"name": cation.name, "smiles": cation.smiles, "status": "failed", "reason": ""}
        job = None
        try:
            if protonate_amines and chosen.cation:
                row["smiles"] = protonate(cation.smiles)
            row["charge"] = parse_smiles(row["smiles"])[1]
            smiles = _smiles_at(row["smiles"], row["charge"], chosen)
            job = _Job(f"{cation.name}\0{i}", smiles, cation.ion)
        except QuantumError as error:
            row["reason"] = str(error)
            if on_result is not None:
                on_result(cation.name, row["reason"])
        rows.append(row)
        jobs.append(job)

    def ended(label: str, reason: str) -> None:
        if on_result is not None:
            on_result(label.partition("\0")[0], reason)

    # with the extra ones a row has ended when they have
    first = (lambda label, reason: ended(label, reason) if reason else None) if extra else ended
    wanted = [job for job in jobs if job is not None]
    answers, failures = _solve(wanted, chosen, workers, executor, reuse_shipped, first)
    for row, job in zip(rows, jobs, strict=True):
        if job is None:
            continue
        if (answer := answers.get(job)) is None:
            row["reason"] = failures[job]
            continue
        computed = _row(row["name"], row["smiles"], answer)
        row |= {key: value for key, value in computed.items() if key not in {"symbol", "smiles"} and value != ""}
        row |= derived_descriptors(row["smiles"], answer["values"], answer["symbols"], answer["positions_a"])
        row |= {"status": "ok"}
    if extra:
        _add_ammonium(rows, jobs, answers, workers, executor, ended)
    columns = ["name", "smiles", "charge", *VALUE_COLUMNS, *DERIVED_COLUMNS, *(EXTRA_COLUMNS if extra else ())]
    frame = pd.DataFrame(rows, columns=[*columns, *TABLE_COLUMNS[-5:], "status", "reason"])
    counts = ["charge", "n_conformers", "rotatable_bonds", "hydrogen_bond_donors", "chiral", "open_stereocentres"]
    return frame.astype(dict.fromkeys(counts, "Int64"))  # whole numbers, missing where a row failed


def _smiles_at(smiles: str, charge: int, level: Level) -> str:
    """SMILES to compute at a level: the cation, or its neutral amine."""
    if level.cation:
        require_cation(smiles)
        return smiles
    neutral = smiles if charge == 0 else neutral_amine_smiles(smiles)
    if neutral is None:
        raise QuantumError(f"'{smiles}' has no neutral amine to compute at level {level.name}")
    return neutral


def _add_ammonium(
    rows: list[dict[str, Any]],
    jobs: list[_Job | None],
    answers: Mapping[_Job, dict[str, Any]],
    workers: int,
    executor: Executor | None,
    tell: Callable[[str, str], None],
) -> None:
    """Add the ammonium head's values to the rows that were computed; a failure there fails the row."""
    wanted: dict[Request, list[int]] = {}
    for i, job in enumerate(jobs):
        if job is not None and (answer := answers.get(job)) is not None:
            request = Request.ammonium(answer["smiles"], answer["symbols"], answer["positions_a"])
            wanted.setdefault(request, []).append(i)

    def ended(request: Request, reason: str) -> None:
        for i in wanted[request]:
            job = jobs[i]
            assert job is not None
            tell(job.label, reason)

    batch = compute_all(wanted, workers=workers, executor=executor, on_result=ended)
    for request, indices in wanted.items():
        for i in indices:
            if request in batch.answers:
                rows[i] |= batch.answers[request]["values"]
            else:
                rows[i] |= {"status": "failed", "reason": batch.failures[request]}


def import_cache(folder: Path) -> int:
    """Take over results that the cache does not hold from another cache folder; return their number.

    Reads this version's Parquet files and the JSON files of version 0.1.

    Raises
    ------
    DataError
        If there are neither in `folder`.
    """
    source, target = ResultCache(folder), ResultCache()
    old = [path for level in LEVELS for path in sorted((folder / level).glob("*.json"))]
    if not old and not source.files():
        raise DataError(f"there are no cached results in '{folder}': give the folder that PEROSPIN_CACHE named there")
    adopted = target.adopt(source.rows())
    matches = [None, *published_conformers().values()]
    for path in old:
        if (result := read_json_result(path, matches)) is not None and target.get(result[0]) is None:
            target.put(*result)
            adopted += 1
    return adopted
