"""A content-addressed cache of finished calculations that any program can read: small Parquet files in one folder.

One result is one file, named by the hash of what it is a result of. It is written beside and renamed, so several
processes and machines may share the folder without a lock: a reader sees a whole file or none, and two writers of
the same result write the same thing. Every file has the same columns, so the folder is one table to pandas, pyarrow
or DuckDB. What is truncated, damaged, renamed or foreign fails a check on reading and counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError, MissingExtraError
from perospin.saving import make_folder, sweep, whole_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PROGRAMS = ("rdkit", "tblite", "pyscf")
"""Programs whose version is part of a result's key: they make the conformers, the geometry and the numbers."""

_VALUES = (
    "homo_ev",
    "lumo_ev",
    "gap_ev",
    "dipole_debye",
    "polarisability_bohr3",
    "molecular_radius_a",
    "ammonium_charge_e",
    "ammonium_esp_max_v",
)
_FORMAT = "perospin quantum result 1"
_ROWS_PER_GROUP = 500
_STALE_S = 86400.0

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Folder of computed molecules: $PEROSPIN_CACHE, or the platform's cache directory for users."""
    override = os.environ.get("PEROSPIN_CACHE")
    if override:
        return Path(override)
    import platformdirs

    return Path(platformdirs.user_cache_dir("perospin")) / "quantum"


@lru_cache(maxsize=1)
def program_versions() -> Mapping[str, str]:
    """Installed versions of `PROGRAMS`.

    Raises
    ------
    MissingExtraError
        If one isn't installed.
    """
    found = {}
    for name in PROGRAMS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise MissingExtraError(
                f"this needs the package '{name}', which is not installed: pip install 'perospin[quantum]'"
            ) from None
    return found


@dataclass(frozen=True)
class Identity:
    """What a result is a result of; two calculations with the same identity give the same numbers.

    Attributes
    ----------
    smiles : str
        Canonical SMILES.
    charge : int
        Total charge in units of e.
    level : str
        Name of the level, or of the single property that was computed on a given geometry.
    revision : int
        Revision of the recipe.
    options : str
        What else decides the numbers, as JSON with sorted keys: seed, the published values that choose the
        conformer, or the hash of the geometry.
    versions : tuple of (str, str)
        `PROGRAMS` and their versions.
    """

    smiles: str
    charge: int
    level: str
    revision: int
    options: str
    versions: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """Hash of all of it: 40 hexadecimal digits, the name of the file."""
        parts = [self.smiles, self.charge, self.level, self.revision, self.options, [list(v) for v in self.versions]]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


@lru_cache(maxsize=1)
def _schema() -> pa.Schema:
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    fields = [
        pa.field("key", text, nullable=False),
        pa.field("smiles", text, nullable=False),
        pa.field("charge", pa.int64(), nullable=False),
        pa.field("level", text, nullable=False),
        pa.field("revision", pa.int64(), nullable=False),
        pa.field("options", text, nullable=False),
        *(pa.field(f"{program}_version", text, nullable=False) for program in PROGRAMS),
        *(pa.field(name, number) for name in _VALUES),
        pa.field("conformer", text),
        pa.field("n_conformers", pa.int64()),
        pa.field("above_lowest_gfn2_ev", number),
        pa.field("symbols", pa.list_(text)),
        pa.field("positions_a", pa.list_(pa.list_(number))),
        pa.field("seconds", number),
        pa.field("checksum", text, nullable=False),
    ]
    return pa.schema(fields, metadata={"format": _FORMAT})


def _row(identity: Identity, answer: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(answer["values"]) - set(_VALUES)
    if unknown:
        raise DataError(f"the cache has no column for '{min(unknown)}': use {', '.join(_VALUES)}")
    conformer = answer.get("conformer") or {}
    row = {
        "key": identity.key,
        "smiles": identity.smiles,
        "charge": identity.charge,
        "level": identity.level,
        "revision": identity.revision,
        "options": identity.options,
        **{f"{program}_version": version for program, version in identity.versions},
        **{name: answer["values"].get(name) for name in _VALUES},
        "conformer": conformer.get("rule"),
        "n_conformers": conformer.get("n_found"),
        "above_lowest_gfn2_ev": conformer.get("above_lowest_gfn2_ev"),
        "symbols": list(answer["symbols"]),
        "positions_a": [list(map(float, xyz)) for xyz in answer["positions_a"]],
        "seconds": float(answer["seconds"]),
    }
    return row | {"checksum": _checksum(row)}


def _checksum(row: Mapping[str, Any]) -> str:
    """Hash of everything a row holds; it also catches damage to Parquet's own bookkeeping, which has none."""
    text = json.dumps({name: value for name, value in row.items() if name != "checksum"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _identity(row: Mapping[str, Any]) -> Identity:
    versions = tuple((program, row[f"{program}_version"]) for program in PROGRAMS)
    return Identity(row["smiles"], row["charge"], row["level"], row["revision"], row["options"], versions)


def _answer(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "smiles": row["smiles"],
        "charge": row["charge"],
        "level": row["level"],
        "revision": row["revision"],
        "values": {name: row[name] for name in _VALUES if row[name] is not None},
        "conformer": {
            "rule": row["conformer"],
            "n_found": row["n_conformers"],
            "above_lowest_gfn2_ev": row["above_lowest_gfn2_ev"],
        },
        "symbols": row["symbols"],
        "positions_a": row["positions_a"],
        "seconds": row["seconds"],
        "versions": dict(_identity(row).versions),
    }


def _fault(row: Mapping[str, Any]) -> str:
    """Why a row can't be a result ("" if it can)."""
    if row["checksum"] != _checksum(row):
        return "its checksum is not that of what it holds"
    if row["key"] != _identity(row).key:
        return "its key is not the hash of what it is a result of"
    if any(row[name] is not None and not math.isfinite(row[name]) for name in _VALUES):
        return "it holds a value that is no finite number"
    return ""


def _read(path: Path, key: str | None = None) -> list[dict[str, Any]]:
    """Rows of one file (those with `key`).

    Raises
    ------
    DataError
        If the file is not whole or not ours; the message says why.
    FileNotFoundError
        If it is not there.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(_schema(), check_metadata=False):
                raise DataError("it has other columns than a cached result")
            groups = list(range(file.num_row_groups))
            if key is not None and len(groups) > 1:  # sorted by key: only a group that may hold it
                spans = [file.metadata.row_group(i).column(0).statistics for i in groups]
                groups = [i for i in groups if spans[i] is None or spans[i].min <= key <= spans[i].max]
            rows: list[dict[str, Any]] = file.read_row_groups(groups).to_pylist()
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise DataError(f"it is not a whole Parquet file ({reason})") from None
    return rows if key is None else [row for row in rows if row["key"] == key]


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    make_folder(path.parent)
    table = pa.Table.from_pylist(list(rows), schema=_schema())
    with whole_file(path) as part:  # a hidden name of its own: readers of the folder skip it
        pq.write_table(table, part, compression="zstd", row_group_size=_ROWS_PER_GROUP)


@dataclass(frozen=True)
class Fault:
    """A file of the cache that can't be used, and why."""

    path: Path
    reason: str


class ResultCache:
    """The cache in one folder.

    Parameters
    ----------
    folder : Path, optional
        Folder that holds the folder `results`; by default `cache_folder()`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (cache_folder() if folder is None else folder) / "results"

    def _single(self, key: str) -> Path:
        return self.folder / f"{key}.parquet"

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))

    def files(self) -> list[Path]:
        """Every Parquet file of the cache: single results, and parts made by `compact`."""
        return sorted(path for path in self.folder.glob("*.parquet") if not path.name.startswith("."))

    def get(self, identity: Identity) -> dict[str, Any] | None:
        """Return the result of `identity`, or None if it is not there (or not whole, which is logged)."""
        key = identity.key
        while True:
            try:
                row = self._checked(self._single(key), key)
            except FileNotFoundError:
                row = None
            if row is not None:
                return _answer(row)
            try:
                # after the single file, because `compact` writes the part before it removes the single files
                for part in self._parts():
                    if (row := self._checked(part, key)) is not None:
                        return _answer(row)
            except FileNotFoundError:
                continue  # merged into a new part meanwhile: look again
            return None

    def _checked(self, path: Path, key: str) -> dict[str, Any] | None:
        try:
            rows = _read(path, key)
        except DataError as error:
            _log.warning("cached file '%s' is not used: %s", path, error)
            return None
        if not rows:
            if path == self._single(key):
                _log.warning("cached file '%s' is not used: it holds another result", path)
            return None
        if reason := _fault(rows[0]):
            _log.warning("a result in '%s' is not used: %s", path, reason)
            return None
        return rows[0]

    def put(self, identity: Identity, answer: Mapping[str, Any]) -> None:
        """Keep the result of `identity`.

        Raises
        ------
        DataError
            If the folder can't be written.
        """
        _write(self._single(identity.key), [_row(identity, answer)])

    def adopt(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Keep rows of another cache that this one does not hold; return their number."""
        adopted = 0
        for row in rows:
            if self.get(_identity(row)) is None:
                _write(self._single(row["key"]), [row])
                adopted += 1
        return adopted

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every whole result once, damaged files left out."""
        seen = set()
        for path in self.files():
            try:
                found = _read(path)
            except (DataError, FileNotFoundError):
                continue
            for row in found:
                if row["key"] not in seen and not _fault(row):
                    seen.add(row["key"])
                    yield row

    def summary(self) -> pd.DataFrame:
        """Count results by level, revision and versions; columns `results` and `hours` of computing."""
        import pandas as pd

        by = ["level", "revision", *(f"{program}_version" for program in PROGRAMS)]
        frame = pd.DataFrame([{k: row[k] for k in (*by, "seconds")} for row in self.rows()], columns=[*by, "seconds"])
        grouped = frame.groupby(by)["seconds"]
        return pd.DataFrame({"results": grouped.size(), "hours": grouped.sum() / 3600}).reset_index()

    def verify(self) -> list[Fault]:
        """Read every file to its last byte; return those that can't be used, and why."""
        faults = []
        for path in self.files():
            try:
                rows = _read(path)
            except FileNotFoundError:
                continue  # compacted meanwhile
            except DataError as error:
                faults.append(Fault(path, str(error)))
                continue
            single = not path.name.startswith("part-")
            if single and [row["key"] for row in rows] != [path.stem]:
                faults.append(Fault(path, "it does not hold the result its name says"))
            elif reason := next((reason for row in rows if (reason := _fault(row))), ""):
                faults.append(Fault(path, reason))
        return faults

    def compact(self) -> int:
        """Merge all whole results into one file, sorted by key; return their number.

        Others may read and write meanwhile: the new file is in place before the old ones go, and only what was
        merged goes. Killed in between, some results are there twice, which readers here and the next compaction
        take once.
        """
        rows: dict[str, dict[str, Any]] = {}
        merged = []
        for path in self.files():
            try:
                found = _read(path)
            except (DataError, FileNotFoundError):
                continue
            if any(_fault(row) for row in found):
                continue
            rows.update((row["key"], row) for row in found)
            merged.append(path)
        for stale in self.folder.glob(".*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - stale.stat().st_mtime > _STALE_S:
                    stale.unlink()
        sweep(self.folder, _STALE_S)
        if not rows:
            return 0
        ordered = [rows[key] for key in sorted(rows)]
        name = hashlib.sha256(" ".join(sorted(rows)).encode()).hexdigest()[:16]
        part = self.folder / f"part-{name}.parquet"
        _write(part, ordered)
        for path in merged:
            if path != part:
                path.unlink(missing_ok=True)
        return len(ordered)


def read_json_result(
    path: Path, matches: Iterable[Mapping[str, float] | None]
) -> tuple[Identity, dict[str, Any]] | None:
    """Read a result that version 0.1 kept as JSON; None if the file is not whole or was made otherwise.

    Its name is the hash of SMILES, level, revision and the published values that chose the conformer, which are not
    in the file: `matches` are the sets of values to try.
    """
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
        for match in matches:
            parts = [answer["smiles"], answer["level"], answer["revision"], dict(match) if match else None]
            name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]
            if name == path.stem:
                options = json.dumps({"match": dict(match or {}), "seed": answer["seed"]}, sort_keys=True)
                versions = tuple((program, answer["versions"][program]) for program in PROGRAMS)
                return (
                    Identity(
                        answer["smiles"], answer["charge"], answer["level"], answer["revision"], options, versions
                    ),
                    answer,
                )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return None
