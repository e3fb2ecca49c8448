"""Relax one crystal: atoms first, then the cell, until forces and stress are both small."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin._optional import require
from perospin.descriptors.structure.identify import identify
from perospin.descriptors.structure.relaxing.curvature import model_hessian
from perospin.descriptors.structure.relaxing.engines import Engine, open_engine
from perospin.errors import StructureError
from perospin.progress import Progress, progress_line

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from perospin.chemistry import IonLibrary

__all__ = ["Limits", "Point", "Relaxed", "relax"]

_GPA_PER_EV_A3 = 160.21766208
_EXPLODED_EV_A = 500.0
_EXPLODED_VOLUME = 1.6
_NEAREST_A = 0.5
_ATOMS_FIRST_EV_A, _ATOMS_FIRST_STEPS = 0.5, 60
_SAVE_EVERY_S = 20.0


@dataclass(frozen=True)
class Limits:
    """When a relaxation ends.

    Attributes
    ----------
    force_ev_a
        Largest force on any atom (eV/angstrom).
    stress_gpa
        Largest component of the stress (GPa): a criterion of its own, as a cell filter that mixes both calls a soft
        cell done that is 0.2 A off.
    steps
        Most steps, those with the cell held included.
    """

    force_ev_a: float = 0.05
    stress_gpa: float = 0.06
    steps: int = 600


@dataclass(frozen=True)
class Point:
    """Where a relaxation stands: enough to go on from.

    Attributes
    ----------
    cell_a : list of list of float, shape (3, 3)
    positions_a : list of list of float, shape (n_atoms, 3)
    steps : int
    seconds : float
    cell_moves : bool
        Whether the cell is free already.
    """

    cell_a: list[list[float]]
    positions_a: list[list[float]]
    steps: int
    seconds: float
    cell_moves: bool


@dataclass(frozen=True)
class Relaxed:
    """A relaxed crystal and how it came about.

    Attributes
    ----------
    structure : pymatgen.core.Structure
    energy_ev : float
        Energy of the cell (eV); comparable only within one engine and one composition.
    force_ev_a, stress_gpa : float
        Largest residual force (eV/angstrom) and stress component (GPa).
    converged : bool
        Whether both are below their limits.
    steps : int
    seconds : float
    engine, version, dispersion : str
    limits : Limits
    start_volume_a3 : float
    """

    structure: Structure
    energy_ev: float
    force_ev_a: float
    stress_gpa: float
    converged: bool
    steps: int
    seconds: float
    engine: str
    version: str
    dispersion: str
    limits: Limits
    start_volume_a3: float


def relax(
    structure: Structure,
    engine: Engine | str | Any,
    *,
    limits: Limits | None = None,
    dispersion: bool = True,
    ions: IonLibrary | None = None,
    begin: Point | None = None,
    keep: Callable[[Point], None] | None = None,
    progress: bool | Progress = False,
) -> Relaxed:
    """Relax atoms and cell of a crystal without symmetry constraints.

    Parameters
    ----------
    structure : pymatgen.core.Structure
        Ordered, with all hydrogens. X-ray hydrogens stand 0.1 A too near to their carbon, which is 7 eV/A at first:
        atoms are moved before the cell is.
    engine : Engine, str or ASE calculator
        From :func:`open_engine`, or what that takes.
    limits : Limits, optional
        When to end.
    dispersion : bool
        For an engine that is opened here: add D3(BJ).
    ions : IonLibrary, optional
        Library that knows the cations, to see whether hydrogens are missing.
    begin : Point, optional
        Go on from here instead of from the beginning.
    keep : callable, optional
        Hears of a point now and then, and of the last one when the work is interrupted.
    progress : bool or callable
        A line with steps, force and stress.

    Returns
    -------
    Relaxed
        `converged` is False if the steps ran out.

    Raises
    ------
    StructureError
        If the structure is disordered or lacks hydrogens, an element isn't known to the engine, or forces or volume
        explode.
    MissingExtraError
        If ASE or pymatgen is missing.
    """
    require("ase", "relax")
    require("pymatgen.core", "structure")
    if not structure.is_ordered:
        raise StructureError("a structure with partial occupancies can't be relaxed: choose one ordered model first")
    _check_hydrogens(structure, ions)
    chosen = engine if isinstance(engine, Engine) else open_engine(engine, dispersion=dispersion)
    limits = limits or Limits()
    with progress_line(progress) as tell:
        run = _Run(structure, chosen, limits, begin, keep, tell)
        return run.to_the_end()


def _check_hydrogens(structure: Structure, ions: IonLibrary | None) -> None:
    """Refuse molecules that lack hydrogens: the cell would collapse around the holes, without a word.

    X-ray files often list some of the hydrogens only; a cation then is a neutral amine to the engine.
    """
    elements = {site.specie.symbol for site in structure}
    if "C" not in elements:
        return
    found = identify(structure, ions)
    told = [found.reason, *found.notes] if elements & {"H", "D"} else ["no hydrogens are listed"]
    faults = [text for text in told if "hydrogens" in text]
    if faults:
        raise StructureError(
            f"hydrogens are missing ({faults[0]}): a relaxation would collapse the cell. Add them, or name the cation "
            "with --ion NAME=SMILES if these are all it has"
        )


class _Run:
    """One relaxation under way."""

    def __init__(
        self,
        structure: Structure,
        engine: Engine,
        limits: Limits,
        begin: Point | None,
        keep: Callable[[Point], None] | None,
        tell: Progress | None,
    ) -> None:
        from ase import Atoms

        self.engine, self.limits, self.keep, self.tell = engine, limits, keep, tell
        # to an engine deuterium is hydrogen
        self.species = ["H" if site.specie.symbol in ("D", "T") else site.specie.symbol for site in structure]
        cell, positions = structure.lattice.matrix, structure.cart_coords
        if begin is not None:
            cell, positions = np.array(begin.cell_a), np.array(begin.positions_a)
        self.atoms = Atoms(symbols=self.species, positions=positions, cell=cell, pbc=True)
        self.start_volume_a3 = float(structure.volume)
        self.steps = begin.steps if begin else 0
        self.cell_moves = begin.cell_moves if begin else False
        self.seconds_before = begin.seconds if begin else 0.0
        self.clock, self.kept = time.monotonic(), time.monotonic()
        if np.min(self.atoms.get_all_distances(mic=True) + 9.0 * np.eye(len(self.atoms)), initial=9.0) < _NEAREST_A:
            raise StructureError(f"two atoms lie nearer than {_NEAREST_A} A in the start: relax one without overlaps")
        self.atoms.calc = engine.calculator
        try:
            self.atoms.get_potential_energy()
        except Exception as error:  # whatever an engine says of an element that it doesn't know
            if isinstance(error, MemoryError):
                raise
            raise StructureError(
                f"{engine.name} gives no energy for {structure.composition.reduced_formula} "
                f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
            ) from error

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.clock

    def to_the_end(self) -> Relaxed:
        try:
            if not self.cell_moves:
                self._move(cell=False)
            self._move(cell=True)
        except BaseException:
            self._keep()
            raise
        self._keep()
        force, stress = self._residuals()
        return Relaxed(
            self._structure(), float(self.atoms.get_potential_energy()), force, stress, self._done(), self.steps,
            self.seconds, self.engine.name, self.engine.version, self.engine.dispersion, self.limits,
            self.start_volume_a3,
        )  # fmt: skip

    def _move(self, *, cell: bool) -> None:
        with warnings.catch_warnings():
            # the logarithm of a cell that hardly changed is good to 1e-12
            warnings.filterwarnings("ignore", message="logm result")
            self._steps(cell=cell)

    def _steps(self, *, cell: bool) -> None:
        from ase.filters import FrechetCellFilter
        from ase.optimize import BFGS

        self.cell_moves = cell
        moved: Any = self.atoms
        factor = None
        if cell:
            factor = math.sqrt(len(self.atoms))
            moved = FrechetCellFilter(self.atoms, exp_cell_factor=factor)
        steps_before = self.steps
        optimiser = BFGS(moved, logfile=None, maxstep=0.15)
        # bonds are stiff, molecules and layers are soft: told so, it needs about half the steps
        optimiser.H0 = model_hessian(self.atoms, factor)
        # no force criterion of ASE's: both limits are looked at here, after each step
        for k, _ in enumerate(optimiser.irun(fmax=0.0, steps=max(self.limits.steps - self.steps, 0))):
            self.steps = steps_before + k
            self._look()
            if self._done() if cell else self._atoms_done(k):
                return

    def _atoms_done(self, k: int) -> bool:
        return k >= _ATOMS_FIRST_STEPS or self._residuals()[0] < max(_ATOMS_FIRST_EV_A, self.limits.force_ev_a)

    def _residuals(self) -> tuple[float, float]:
        force = float(np.max(np.linalg.norm(self.atoms.get_forces(), axis=1)))
        stress = float(np.max(np.abs(self.atoms.get_stress(voigt=True)))) * _GPA_PER_EV_A3
        return force, stress

    def _done(self) -> bool:
        force, stress = self._residuals()
        return force < self.limits.force_ev_a and stress < self.limits.stress_gpa

    def _look(self) -> None:
        """Tell where it stands, keep it now and then, and stop what explodes."""
        force, stress = self._residuals()
        grown = self.atoms.get_volume() / self.start_volume_a3
        if not math.isfinite(force) or not math.isfinite(stress) or force > _EXPLODED_EV_A:
            raise StructureError(
                f"forces explode ({force:.3g} eV/A at step {self.steps}): the start has clashing atoms, or the engine "
                "doesn't know this chemistry; relax another start"
            )
        if not 1.0 / _EXPLODED_VOLUME < grown < _EXPLODED_VOLUME:
            raise StructureError(
                f"the cell explodes ({grown:.2f} times its volume at step {self.steps}): the start is too far from a "
                "crystal; relax another start"
            )
        if self.tell is not None:
            where = "cell and atoms" if self.cell_moves else "atoms"
            self.tell(f"{where}: {force:.2f} eV/A, {stress:.2f} GPa", self.steps, self.limits.steps)
        if time.monotonic() - self.kept > _SAVE_EVERY_S:
            self._keep()

    def _keep(self) -> None:
        self.kept = time.monotonic()
        if self.keep is not None:
            self.keep(
                Point(
                    self.atoms.cell.tolist(), self.atoms.positions.tolist(), self.steps, self.seconds, self.cell_moves
                )
            )

    def _structure(self) -> Structure:
        from pymatgen.core import Structure

        return Structure(
            self.atoms.cell.array, self.species, self.atoms.positions, coords_are_cartesian=True, to_unit_cell=True
        )
