"""Relax files of crystals: one after the other or side by side, each kept as it is done, resumed where it stopped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.descriptors.structure.reading import read_structure
from perospin.descriptors.structure.relaxing.engines import Engine, open_engine
from perospin.descriptors.structure.relaxing.relaxation import Limits, Point, Relaxed, relax
from perospin.errors import PerospinError, RefusedFileError, StructureError
from perospin.progress import Progress, progress_line
from perospin.saving import digest, make_folder, one_run, plain, read_json, read_text, sha256, write_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from perospin.chemistry import IonLibrary

__all__ = ["Outcome", "crystal_files", "read_outcome", "read_results", "relax_files"]

_ENDINGS = (".cif", ".vasp", ".poscar")
_DONE, _UNDER_WAY = "-relaxed", "-under-way.json"


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    source : str
        Name of the file.
    crystal : Path or None
        CIF of the relaxed crystal.
    values : mapping
        Content of the JSON file beside it: energy, residuals, engine and what :func:`relax` gives besides.
    reason : str
        Why there is no relaxed crystal: one sentence; empty if there is one.
    """

    source: str
    crystal: Path | None
    values: Mapping[str, Any]
    reason: str = ""

    def structure(self) -> Structure:
        """Read the relaxed crystal."""
        if self.crystal is None:
            raise StructureError(f"{self.source} was not relaxed: {self.reason}")
        return read_structure(self.crystal)


def crystal_files(paths: Sequence[str | Path]) -> list[Path]:
    """List the files to relax: those named, and all CIF and POSCAR files of folders.

    Of a POSCAR and a CIF of one name in a folder, as ``perospin crystal build`` writes them, the POSCAR is taken.

    Raises
    ------
    StructureError
        If a path isn't there, a folder holds no crystal, or two files have the same name.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if _is_crystal(p))
            stems = {p.stem for p in inside if p.suffix.lower() != ".cif"}
            inside = [p for p in inside if p.suffix.lower() != ".cif" or p.stem not in stems]
            if not inside:
                raise StructureError(f"the folder '{path}' holds no crystal (.cif, .vasp, POSCAR)")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise StructureError(f"no file '{path}'")
    found = list(dict.fromkeys(found))
    stems_seen: dict[str, Path] = {}
    for path in found:
        other = stems_seen.setdefault(_stem(path), path)
        if other != path:
            raise StructureError(f"'{other}' and '{path}' would both be written as {_stem(path)}{_DONE}: rename one")
    return found


def _is_crystal(path: Path) -> bool:
    known = path.suffix.lower() in _ENDINGS or path.name.startswith(("POSCAR", "CONTCAR"))
    return path.is_file() and known and not path.stem.endswith(_DONE)


def _stem(path: Path) -> str:
    return path.stem if path.suffix.lower() in _ENDINGS else path.name


def relax_files(
    files: Sequence[str | Path],
    out: str | Path,
    engine: str | Any,
    *,
    dispersion: bool = True,
    limits: Limits | None = None,
    ions: IonLibrary | None = None,
    executor: Executor | None = None,
    progress: bool | Progress = False,
    on_result: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Relax files and write a CIF and a JSON file of each into a folder.

    What is done is kept: the same call goes on where it stopped, in the middle of a crystal, too.

    Parameters
    ----------
    files : sequence of path
        From :func:`crystal_files`.
    out : path
        Folder of the results; made if it isn't there.
    engine : str or ASE calculator
        As in :func:`open_engine`. With an executor it must be a name: a calculator isn't sent to other processes.
    dispersion, limits, ions
        As in :func:`relax`.
    executor : concurrent.futures.Executor, optional
        Relaxes crystals side by side, on processes of this machine or on a Dask cluster; each with one thread. Workers
        must see the folders. Without it they are relaxed here, one after the other.
    progress : bool or callable
        A line while it goes on.
    on_result : callable, optional
        Hears of each outcome.

    Returns
    -------
    list of Outcome
        In the order of `files`. A file that can't be relaxed has a reason; it doesn't stop the others.

    Raises
    ------
    StructureError, MissingExtraError
        If the engine can't be opened.
    WriteError
        If the folder can't be written.
    """
    limits = limits or Limits()
    if executor is not None and not isinstance(engine, str):
        raise StructureError("a calculator of your own runs here only: relax without an executor, or name an engine")
    paths = crystal_files(files)
    folder = make_folder(out).absolute()  # a worker may stand in another folder
    opened = open_engine(engine, dispersion=dispersion)
    works = [_Work(path.absolute(), folder, limits, _settings(opened, limits), ions) for path in paths]
    outcomes: dict[Path, Outcome] = {}
    with one_run(folder), progress_line(progress) as tell:
        for work, outcome in _each(works, opened, engine, dispersion, executor, tell):
            outcomes[work.path] = outcome
            if on_result is not None:
                on_result(outcome)
    return [outcomes[path.absolute()] for path in paths]


def read_outcome(path: str | Path) -> Outcome:
    """Read the JSON file of a relaxed crystal.

    Raises
    ------
    RefusedFileError
        If it is no such file.
    """
    path = Path(path)
    values = read_json(read_text(path, "the result"), f"the result '{path}'")
    if not isinstance(values, dict) or not {"source", "energy_ev", "converged", "engine"} <= values.keys():
        raise RefusedFileError(f"'{path}' is no result of `perospin crystal relax`")
    return Outcome(str(values["source"]), path.with_suffix(".cif"), values)


def read_results(folders: Sequence[str | Path]) -> list[Outcome]:
    """Read all results of folders that :func:`relax_files` wrote.

    Raises
    ------
    StructureError
        If a folder isn't there or holds no result.
    RefusedFileError
        If a result can't be read.
    """
    found: list[Outcome] = []
    for folder in map(Path, folders):
        inside = sorted(folder.glob(f"*{_DONE}.json"))
        if not inside:
            raise StructureError(f"'{folder}' holds no result of `perospin crystal relax` (*{_DONE}.json)")
        found += [read_outcome(path) for path in inside]
    return found


@dataclass(frozen=True)
class _Work:
    """One file to relax."""

    path: Path
    folder: Path
    limits: Limits
    settings: Mapping[str, Any]
    ions: IonLibrary | None

    @property
    def result(self) -> Path:
        return self.folder / f"{_stem(self.path)}{_DONE}.json"

    @property
    def under_way(self) -> Path:
        return self.folder / f"{_stem(self.path)}{_UNDER_WAY}"

    @cached_property
    def key(self) -> str:
        """Digest of the file and of all that decides the result, but for the number of steps."""
        try:
            return digest([sha256(self.path), dict(self.settings)])
        except OSError as error:
            raise StructureError(f"can't read '{self.path}': {error.strerror or error}") from None

    def done(self) -> Outcome | None:
        """Outcome of an earlier run with the same file and settings."""
        if not self.result.is_file():
            return None
        try:
            known = read_outcome(self.result)
        except RefusedFileError:
            return None
        if known.values.get("key") != self.key or not self.result.with_suffix(".cif").is_file():
            return None
        enough = known.values["converged"] or known.values.get("steps", 0) >= self.limits.steps
        return known if enough else None

    def begin(self) -> Point | None:
        """Where an interrupted run of the same file and settings stopped."""
        if not self.under_way.is_file():
            return None
        try:
            told = read_json(read_text(self.under_way, "the point"), str(self.under_way))
            if told["key"] != self.key:
                return None
            point = Point(**told["point"])
            shapes = np.shape(point.cell_a), np.shape(point.positions_a)[1:]
        except (RefusedFileError, KeyError, TypeError, ValueError):
            return None
        return point if shapes == ((3, 3), (3,)) else None

    def keep(self, point: Point) -> None:
        write_text(self.under_way, json.dumps({"key": self.key, "point": asdict(point)}))

    def run(self, engine: Engine, tell: Progress | None) -> Outcome:
        """Relax the file; a sentence instead of a crystal where it can't be."""
        try:
            structure = _primitive(read_structure(self.path))
            begin = self.begin()
            if begin is not None and len(begin.positions_a) != len(structure):
                begin = None
            found = relax(structure, engine, limits=self.limits, begin=begin, keep=self.keep, progress=tell or False)
        except StructureError as error:
            self.under_way.unlink(missing_ok=True)
            return Outcome(self.path.name, None, {}, str(error))
        outcome = self._write(structure, found)
        if found.converged:  # else more steps may go on from there
            self.under_way.unlink(missing_ok=True)
        return outcome

    def _write(self, start: Structure, found: Relaxed) -> Outcome:
        from pymatgen.io.cif import CifWriter

        values = {k: v for k, v in vars(found).items() if k not in ("structure", "limits")}
        values |= {
            "source": self.path.name,
            "formula": found.structure.composition.reduced_formula,
            "n_atoms": len(found.structure),
            "limits": asdict(found.limits),
            "start_cell_a": [list(row) for row in start.lattice.matrix],
            "key": self.key,
        }
        title = f"{self.path.stem}, relaxed with {found.engine}, dispersion {found.dispersion}"
        lines = str(CifWriter(found.structure, significant_figures=8)).splitlines()
        at = next(k for k, line in enumerate(lines) if line.startswith("data_"))
        block = re.sub(r"[^A-Za-z0-9]+", "_", self.path.stem).strip("_") or "relaxed"
        write_text(self.result.with_suffix(".cif"), "\n".join([f"# {title}", f"data_{block}", *lines[at + 1 :]]) + "\n")
        # last, as its presence says that all is there
        write_text(self.result, json.dumps(plain(values), indent=1) + "\n")
        return read_outcome(self.result)


def _primitive(structure: Structure) -> Structure:
    """Take the smallest cell: a centred one would be computed several times over."""
    if not structure.is_ordered:
        return structure
    smaller = structure.get_primitive_structure(tolerance=0.02)
    return smaller if len(smaller) < len(structure) else structure


def _settings(engine: Engine, limits: Limits) -> dict[str, Any]:
    told = {"engine": engine.name, "version": engine.version, "dispersion": engine.dispersion}
    return told | {"force_ev_a": limits.force_ev_a, "stress_gpa": limits.stress_gpa}


def _each(
    works: Sequence[_Work],
    opened: Engine,
    name: str | Any,
    dispersion: bool,
    executor: Executor | None,
    tell: Progress | None,
) -> Iterator[tuple[_Work, Outcome]]:
    """Outcomes as they come: first those that are known."""
    waiting = []
    for work in works:
        known = work.done()
        if known is None:
            waiting.append(work)
        else:
            yield work, known
    if executor is None:
        for k, work in enumerate(waiting):
            yield work, work.run(opened, _named(tell, work, k, len(waiting)))
        return
    sent: dict[Future[Outcome], _Work] = {executor.submit(_remote, work, name, dispersion): work for work in waiting}
    try:
        for k, future in enumerate(as_completed(sent), 1):
            if tell is not None:
                tell("crystals", k, len(sent))
            yield sent[future], _answer(future, sent[future])
    finally:
        for future in sent:
            future.cancel()


def _answer(future: Future[Outcome], work: _Work) -> Outcome:
    try:
        return future.result()
    except PerospinError as error:
        return Outcome(work.path.name, None, {}, str(error))
    except Exception as error:
        if type(error).__name__ not in ("KilledWorker", "BrokenProcessPool", "CancelledError", "FutureCancelledError"):
            raise
        return Outcome(work.path.name, None, {}, "its worker died (memory?); the same command goes on from there")


def _named(tell: Progress | None, work: _Work, done: int, in_all: int) -> Progress | None:
    if tell is None:
        return None
    return lambda what, k, n: tell(f"{work.path.name} ({done + 1} of {in_all}), {what}", k, n)


_opened: dict[tuple[str, bool], Engine] = {}


def _remote(work: _Work, name: str, dispersion: bool) -> Outcome:
    """Relax one file in a worker, which opens its engine once."""
    if (name, dispersion) not in _opened:
        _opened[name, dispersion] = open_engine(name, dispersion=dispersion)
    return work.run(_opened[name, dispersion], None)
