"""A space of candidates: materials, mixtures and process variables together, listed lazily, encoded for surrogates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.digits import counted
from perospin.errors import NavigationError, PerospinError
from perospin.navigation.space.declaration import Fractions, SpaceFile, read_space, steps_in_one
from perospin.navigation.space.rules import Rule
from perospin.navigation.space.spacers import describe_spacers, read_smiles_file, substituted
from perospin.progress import Progress
from perospin.saving import read_toml
from perospin.similar import did_you_mean
from perospin.text import shorten

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import Ion
    from perospin.descriptors import CandidateGrid
    from perospin.navigation.space.trajectories import Trajectory
    from perospin.navigation.surrogates.columns import InputColumns

__all__ = ["Candidate", "Space"]

ENCODED = (
    "homo_ev", "lumo_ev", "dipole_debye", "polarisability_a3", "molar_mass_g_mol", "electronegativity",
    "tolerance_factor", "inverse_n", "spacer_charge_per_n", "barrier_thickness_a", "metal_electronegativity",
    "halide_radius_a",
)  # fmt: skip
"""Descriptors of a material that a surrogate reads."""
_MOST_MATERIALS = 200_000


@dataclass(frozen=True)
class Candidate:
    """One candidate: its name, and the choices that make it.

    Attributes
    ----------
    name : str
        Formula and settings, as people write them.
    choices : dict
        ``"material"`` (canonical formula), ``"mixture:component"`` (shares), the process variables, and
        ``"trajectory:1"`` and so on (set points).
    """

    name: str
    choices: Mapping[str, Any] = field(hash=False)


class Space:
    """Candidates that a file declares.

    Parameters
    ----------
    declared : SpaceFile
        The declaration.
    ions : IonLibrary, optional
        Library with the user's own ions.
    left_out : mapping of str to str, optional
        Spacers that are left out, and why.

    Raises
    ------
    NavigationError
        If a rule reads what no candidate has, or ions make no perovskite.
    """

    def __init__(self, declared: SpaceFile, ions: Any = None, left_out: Mapping[str, str] | None = None) -> None:
        self.declared = declared
        self.name = declared.name
        self.ions, self.own_spacers = _with_own(declared, ions)
        self.left_out: Mapping[str, str] = left_out or {}
        self.rules = tuple(Rule(one.rule, one.why) for one in declared.rules)
        if self.rules:
            known = frozenset((*self._plain_names(), *(self.descriptor_names() if declared.materials else ())))
            for rule in self.rules:
                rule.check_names(known)
        self._check_ions()
        _ = self._pairs  # an unknown ion is told now

    @classmethod
    def load(cls, path: str | Path, ions: Any = None) -> Space:
        """Open a space file (TOML).

        Raises
        ------
        NavigationError
            If it can't be read, or with all mistakes in one sentence.
        """
        file = Path(path)
        if not file.is_file():
            raise NavigationError(f"there is no space file '{shorten(str(path))}'")
        try:
            raw = read_toml(file, "space")
        except PerospinError as error:
            raise NavigationError(str(error)) from None
        return cls(read_space(_inlined(raw, file.parent), f"space '{shorten(str(path))}'"), ions)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], ions: Any = None) -> Space:
        """Make a space from plain values, as a file holds them."""
        return cls(read_space(_inlined(raw, Path()), "the space"), ions)

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as plain JSON; `from_dict` reads it."""
        return self.declared.model_dump(mode="json", exclude_defaults=True)

    # --- what there is ----------------------------------------------------------------------------------------

    @cached_property
    def grid(self) -> CandidateGrid | None:
        """The materials, for the columnar path; None if the space has none."""
        from perospin.descriptors import CandidateGrid, known_cations

        part = self.declared.materials
        if part is None:
            return None
        spacers = part.spacers
        if spacers == "all":
            spacers = [ion.symbol for ion in known_cations("fast", "spacer", self.ions)]
        spacers = [*dict.fromkeys([*spacers, *self.own_spacers])]
        spacers = [name for name in spacers if name not in self.left_out]
        alternating: list[str] = []
        if part.families is not None:
            if "ACI" in part.families:
                alternating = [name for name in spacers if self._charge(name) == 1 and name not in part.a_cations]
            wanted = {{"RP": 1, "DJ": 2}[family] for family in part.families if family != "ACI"}
            spacers = [name for name in spacers if self._charge(name) in wanted]
        deep = part.three_dimensional or bool(alternating) or any(n > 1 for n in part.layers)
        try:
            return CandidateGrid(
                spacers=spacers, a_site=_mixed(part.a_cations, part.a_step) if deep else (), metals=part.metals,
                halides=_mixed(part.halides, part.halide_step), n_layers=part.layers,
                three_dimensional=part.three_dimensional, alternating=alternating,
            )  # fmt: skip
        except PerospinError as error:
            raise NavigationError(f"[materials] of '{self.name}': {error}") from None

    def told(self) -> list[str]:
        """Say how many spacers the cores make, and how many cations must be computed first."""
        said = []
        for name, core in (self.declared.materials.cores if self.declared.materials else {}).items():
            different = len(substituted(name, core))
            said.append(f"core {name}: {core.count:,} substitutions, {different:,} different molecules")
        if wanted := self.to_compute():
            shown = shorten(", ".join(ion.symbol for ion in wanted), 120)
            said.append(
                f"computed at level fast, once: {counted(len(wanted), 'cation')} without shipped descriptors: {shown}"
            )
        return said

    def to_compute(self) -> list[Ion]:
        """List spacers and cages whose quantum chemistry doesn't ship, so that they must be computed first."""
        from perospin.chemistry import IonLibrary
        from perospin.descriptors.candidates.grid import Occupant
        from perospin.descriptors.cations.table import missing

        if self.grid is None:
            return []
        library = IonLibrary.of(self.ions)
        sites = {"spacer": self.grid.spacer_axis, "a_site": self.grid.a_site}
        used = {
            site: [ion for text in axis for ion, _ in Occupant.read(site, str(text), library).parts]
            for site, axis in sites.items()
        }
        return [
            *dict.fromkeys([*missing([*used["spacer"], *used["a_site"]], "fast"), *missing(used["spacer"], "neutral")])
        ]

    def computed(self, limit_s: float = 600.0, workers: int = 1, tell: Progress | None = None) -> Space:
        """Compute the cations that need it, each in `limit_s` seconds; a space without those that fail.

        What is computed is kept for the next time.

        Raises
        ------
        MissingExtraError
            If the quantum-chemistry programs aren't installed.
        NavigationError
            If a cation of the cages fails.
        """
        wanted = self.to_compute()
        if not wanted:
            return self
        failed = describe_spacers(wanted, limit_s, workers, tell)
        cages = {name for name in failed if self.declared.materials and name in self.declared.materials.a_cations}
        if cages:
            name = min(cages)
            raise NavigationError(f"the cation '{name}' of '{self.name}' can't be described: {shorten(failed[name])}")
        return Space(self.declared, self.ions, {**self.left_out, **failed}) if failed else self

    def _check_ions(self) -> None:
        """Refuse unknown ions when the space is opened, all at once."""
        from perospin.chemistry import IonLibrary
        from perospin.descriptors.candidates.grid import Occupant

        if self.grid is None:
            return
        library, said = IonLibrary.of(self.ions), []
        sites = {"spacer": self.grid.spacers, "a_site": self.grid.a_site}
        for site, axis in (*sites.items(), ("metal", self.grid.metals), ("halide", self.grid.halides)):
            for text in axis:
                try:
                    Occupant.read(site, str(text), library)
                except PerospinError as error:
                    said.append(str(error))
        if said:
            raise NavigationError(f"[materials] of '{self.name}': {shorten('; '.join(said), 330)}")

    def _charge(self, symbol: str) -> int:
        from perospin.chemistry import IonLibrary

        return IonLibrary.of(self.ions).states(symbol)[0].charge

    @cached_property
    def mixtures(self) -> dict[str, list[dict[str, float]]]:
        """Points of each mixture: shares of all components."""
        return {name: _simplex(part) for name, part in self.declared.fractions.items()}

    @property
    def size(self) -> int:
        """Number of candidates before the rules, without listing them."""
        count = len(self.grid) if self.grid is not None else 1
        for points in self.mixtures.values():
            count *= len(points)
        for variable in self.declared.variables.values():
            count *= len(variable.levels())
        for course in self.declared.trajectories.values():
            count *= course.count
        return count

    @cached_property
    def count(self) -> int:
        """Number of candidates that obey the rules; without rules nothing is listed."""
        return self.size if not self.rules and not self._pairs else sum(1 for _ in self.candidates())

    @cached_property
    def described(self) -> pd.DataFrame:
        """Descriptors of all materials by canonical formula; read once.

        Raises
        ------
        NavigationError
            If the space holds too many materials to be kept: screen it instead.
        """
        import pandas as pd

        from perospin.descriptors import describe_blocks

        if self.grid is None:
            return pd.DataFrame()
        if len(self.grid) > _MOST_MATERIALS:
            raise NavigationError(
                f"'{self.name}' has {len(self.grid):,} materials; a campaign keeps at most {_MOST_MATERIALS:,}: narrow "
                "the space, or screen it with `perospin screen`"
            )
        compute = bool(self.to_compute())
        columns = self.descriptor_names()
        frame = pd.concat(describe_blocks(self.grid, ions=self.ions, columns=columns, compute=compute))
        return frame[~frame.index.duplicated()]

    # --- candidates -------------------------------------------------------------------------------------------

    def candidates(self) -> Iterator[Candidate]:
        """List the candidates that obey the rules, one after the other."""
        settings: list[Sequence[dict[str, Any]]] = [
            [{f"{name}:{part}": share for part, share in point.items()} for point in points]
            for name, points in self.mixtures.items()
        ]
        settings += [[{name: value} for value in v.levels()] for name, v in self.declared.variables.items()]
        materials: Iterable[str | None] = [None] if self.grid is None else self.described.index
        for material, *rest in itertools.product(materials, *settings):
            choices: dict[str, Any] = {} if material is None else {"material": str(material)}
            for part in rest:
                choices.update(part)
            for courses in self._courses([*self.declared.trajectories]):
                whole = choices | courses
                if self.obeys(whole):
                    yield self._named(whole)

    def _courses(self, names: list[str]) -> Iterator[dict[str, float]]:
        """List the courses of all trajectories together; none is held."""
        if not names:
            yield {}
            return
        for course in self.declared.trajectories[names[0]].courses():
            for rest in self._courses(names[1:]):
                yield _set_points(names[0], course) | rest

    def obeys(self, choices: Mapping[str, Any]) -> bool:
        """Whether choices obey all rules."""
        return self._broken(choices) is None and self._pair_in(choices) is None

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        """Excluded pairs by the symbols of the library."""
        from perospin.chemistry import IonLibrary

        library, part = IonLibrary.of(self.ions), self.declared.materials
        try:
            return [(library.get(a).symbol, library.get(b).symbol) for a, b in (part.excluded_pairs if part else [])]
        except PerospinError as error:
            raise NavigationError(f"excluded_pairs of '{self.name}': {error}") from None

    def _pair_in(self, choices: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return an excluded pair that the material of some choices holds."""
        from perospin.chemistry import Perovskite

        if not self._pairs or "material" not in choices:
            return None
        material = Perovskite.parse(str(choices["material"]), self.ions)
        sites = (material.spacers, material.a_site, material.b_site, material.x_site)
        ions = {ion.symbol for site in sites for ion, _ in site}
        return next((pair for pair in self._pairs if {*pair} <= ions), None)

    def free_of_pairs(self, stacks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether materials hold no excluded pair: stacks of `grid.stacks` with every sheet, (n_stacks, n_sheets)."""
        from perospin.chemistry import IonLibrary
        from perospin.descriptors.candidates.grid import Occupant

        assert self.grid is not None
        grid, library = self.grid, IonLibrary.of(self.ions)
        axes = {"spacer": grid.spacer_axis, "a_site": grid.a_site, "metal": grid.metals, "halide": grid.halides}
        held = {
            site: [{ion.symbol for ion, _ in Occupant.read(site, str(text), library).parts} for text in axis]
            for site, axis in axes.items()
        }

        def holds(symbol: str) -> NDArray[np.bool_]:
            spacer, cage = (
                np.array([*(symbol in ions for ions in held[site]), False]) for site in ("spacer", "a_site")
            )
            sheet = np.array([symbol in metal | halide for metal in held["metal"] for halide in held["halide"]])
            return (spacer[stacks[:, 0]] | cage[stacks[:, 1]])[:, None] | sheet[None, :]

        free = np.ones((len(stacks), grid.n_sheets), dtype=bool)
        for one, other in self._pairs:
            free &= ~(holds(one) & holds(other))
        return free

    def _broken(self, choices: Mapping[str, Any]) -> Rule | None:
        """Return the first rule that choices break."""
        if not self.rules:
            return None
        values = {name.replace(":", "_"): value for name, value in choices.items()}
        if "material" in choices:
            values |= self.described.loc[choices["material"]].to_dict()
        return next((rule for rule in self.rules if not rule.holds(values)), None)

    def find(self, choices: Mapping[str, Any]) -> Candidate:
        """Return the candidate of some choices, a measured one for example; shares needn't lie on a step.

        Raises
        ------
        NavigationError
            If it lies outside the space; the sentence says where.
        """
        from perospin.chemistry import Perovskite

        found: dict[str, Any] = {}
        known = ["material"] if self.grid is not None else []
        known += [*(f"{m}:{part}" for m, f in self.declared.fractions.items() for part in f.components)]
        known += [*self.declared.variables]
        known += [point for name, course in self.declared.trajectories.items() for point in _points(name, course)]
        for name in choices:
            if name not in known:
                hint = did_you_mean(name, known, otherwise=f"it has: {shorten(', '.join(known), 200)}")
                raise NavigationError(f"the space '{self.name}' has no '{shorten(name)}'; {hint}")
        missing = [name for name in known if name not in choices]
        if missing:
            raise NavigationError(f"a candidate of '{self.name}' needs {shorten(', '.join(missing), 200)} too")
        if self.grid is not None:
            try:
                formula = str(Perovskite.parse(str(choices["material"]), self.ions))
            except PerospinError as error:
                raise NavigationError(f"'{shorten(str(choices['material']))}': {error}") from None
            if formula not in self.described.index:
                raise NavigationError(f"{formula} lies outside the space '{self.name}': an ion or n isn't in it")
            found["material"] = formula
        for mixture, part in self.declared.fractions.items():
            shares = {name: _number(choices[f"{mixture}:{name}"], f"{mixture}:{name}") for name in part.components}
            if any(not 0 <= share <= 1 for share in shares.values()) or abs(sum(shares.values()) - 1) > 0.02:
                raise NavigationError(
                    f"the shares of '{mixture}' must lie between 0 and 1 and sum to 1; they sum to "
                    f"{sum(shares.values()):g}"
                )
            found |= {f"{mixture}:{name}": share for name, share in shares.items()}
        for name, variable in self.declared.variables.items():
            value: Any = choices[name]
            if variable.values is not None:
                value = str(value) if variable.is_category else _number(value, name)
                if value not in variable.values:
                    listed = ", ".join(map(str, variable.values))
                    raise NavigationError(f"{name} = {shorten(str(value))} isn't in the space: {shorten(listed, 200)}")
            else:
                value = _number(value, name)
                low, high = variable.low or 0.0, variable.high or 0.0
                if not low <= value <= high:
                    raise NavigationError(
                        f"{name} = {value:g} lies outside {low:g} to {high:g} {variable.unit}".rstrip()
                    )
            found[name] = value
        for name, course in self.declared.trajectories.items():
            points = {point: _number(choices[point], point) for point in _points(name, course)}
            if fault := course.fault(list(points.values())):
                raise NavigationError(f"{name}: {fault}")
            found |= points
        one = self._named(found)
        if (broken := self._broken(found)) is not None:
            raise NavigationError(f"{one.name} breaks the rule '{shorten(broken.text)}'")
        if (pair := self._pair_in(found)) is not None:
            raise NavigationError(f"{one.name} holds {pair[0]} and {pair[1]}, a pair that '{self.name}' excludes")
        return one

    def sample(self, n: int, generator: np.random.Generator) -> list[Candidate]:
        """Draw `n` candidates at random, different ones where the space has as many.

        Raises
        ------
        NavigationError
            If hardly any candidate obeys the rules.
        """
        materials = None if self.grid is None else list(self.described.index)
        found: dict[str, Candidate] = {}
        for _ in range(max(200, 200 * n)):
            choices: dict[str, Any] = {}
            if materials is not None:
                choices["material"] = str(materials[generator.integers(len(materials))])
            for name, points in self.mixtures.items():
                shares = points[generator.integers(len(points))]
                choices |= {f"{name}:{part}": share for part, share in shares.items()}
            for name, variable in self.declared.variables.items():
                levels = variable.levels()
                choices[name] = levels[generator.integers(len(levels))]
            for name, course in self.declared.trajectories.items():
                choices |= _set_points(name, course.draw(generator))
            if self.obeys(choices):
                one = self._named(choices)
                found.setdefault(one.name, one)
            if len(found) == n:
                break
        if not found:
            raise NavigationError(f"no candidate of '{self.name}' obeys its rules; loosen one of them")
        return list(found.values())

    def _named(self, choices: Mapping[str, Any]) -> Candidate:
        words = [str(choices["material"])] if "material" in choices else []
        for mixture, part in self.declared.fractions.items():
            shares = ((name, choices[f"{mixture}:{name}"]) for name in part.components)
            words.append(" ".join(f"{name} {share:.4g}" for name, share in shares if share))
        for name, variable in self.declared.variables.items():
            value = choices[name]
            shown = value if isinstance(value, str) else f"{value:.6g}"
            words.append(f"{name} {shown} {variable.unit}".rstrip())
        for name, course in self.declared.trajectories.items():
            shown = " ".join(f"{choices[point]:.6g}" for point in _points(name, course))
            times = " ".join(f"{time:g}" for time in course.times)
            words.append(f"{name} {shown} {course.unit}".rstrip() + f" at {times} {course.time_unit}".rstrip())
        return Candidate(", ".join(words), dict(choices))

    # --- numbers ----------------------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> InputColumns:
        """Columns that a surrogate reads: descriptors that vary, shares, and process variables."""
        from perospin.navigation.surrogates.columns import InputColumns

        rows: list[tuple[str, str, float, float, str]] = []
        for name in self._varying():
            values = self.described[name]
            rows.append((name, "descriptor", float(values.min()), float(values.max()), "material"))
        for mixture, part in self.declared.fractions.items():
            rows += [(f"{mixture}:{component}", "fraction", 0.0, 1.0, mixture) for component in part.components]
        for name, variable in self.declared.variables.items():
            levels = variable.levels()
            if variable.is_category:
                rows.append((name, "category", 0.0, len(levels) - 1.0, name))
            else:
                numbers = [float(level) for level in levels]
                rows.append((name, "continuous", min(numbers), max(numbers), name))
        for name, course in self.declared.trajectories.items():
            rows += [(point, "continuous", course.low, course.high, name) for point in _points(name, course)]
        if not rows:
            raise NavigationError(f"all candidates of '{self.name}' are alike to a model: nothing varies")
        names, kinds, lower, upper, groups = zip(*rows, strict=True)
        return InputColumns(names, kinds, lower, upper, groups)

    def encode(self, candidates: Iterable[Candidate]) -> tuple[NDArray[np.float64], InputColumns]:
        """Turn candidates into numbers.

        Returns
        -------
        inputs : ndarray, (n_candidates, n_columns)
        columns : InputColumns
        """
        given, columns = list(candidates), self.columns
        inputs = np.empty((len(given), len(columns)))
        for j, (name, kind) in enumerate(zip(columns.names, columns.kinds, strict=True)):
            if kind == "descriptor":
                known = self.described[name]
                inputs[:, j] = known.loc[[one.choices["material"] for one in given]].to_numpy(dtype=float)
            elif kind == "category":
                levels = self.declared.variables[name].levels()
                inputs[:, j] = [levels.index(one.choices[name]) for one in given]
            else:
                inputs[:, j] = [float(one.choices[name]) for one in given]
        return inputs, columns

    def _varying(self) -> list[str]:
        if self.grid is None:
            return []
        spread = self.described.max() - self.described.min()
        return [name for name in ENCODED if self.described[name].notna().all() and spread[name] > 1e-9]

    def _plain_names(self) -> list[str]:
        shares = [f"{m}_{part}" for m, f in self.declared.fractions.items() for part in f.components]
        points = [p.replace(":", "_") for n, t in self.declared.trajectories.items() for p in _points(n, t)]
        return [*shares, *self.declared.variables, *points]

    @staticmethod
    def descriptor_names() -> list[str]:
        """Columns of a material that rules and objectives may name."""
        from perospin.descriptors.intrinsic import COLUMNS

        return list(COLUMNS)


def _inlined(raw: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Read the SMILES file that a declaration names, so that the space needs no other file from now on."""
    part = raw.get("materials")
    if not isinstance(part, Mapping) or not isinstance(part.get("smiles_file"), str):
        return raw
    read = read_smiles_file(folder / part["smiles_file"])
    rest = {name: value for name, value in part.items() if name != "smiles_file"}
    own = part.get("smiles", {})
    return {**raw, "materials": {**rest, "smiles": {**read, **own} if isinstance(own, Mapping) else own}}


def _with_own(declared: SpaceFile, ions: Any) -> tuple[Any, tuple[str, ...]]:
    """Library with the spacers that the space brings, and their symbols; a molecule is taken once."""
    from perospin.chemistry import IonLibrary

    part = declared.materials
    if part is None or not (part.smiles or part.cores):
        return ions, ()
    named = dict(part.smiles)
    for name, core in part.cores.items():
        named |= {f"{name}-{i}": smiles for i, smiles in enumerate(substituted(name, core), start=1)}
    try:
        library = IonLibrary.of(ions).with_ions({name: {"smiles": s, "role": "spacer"} for name, s in named.items()})
    except PerospinError as error:
        raise NavigationError(f"[materials] of '{declared.name}': {error}") from None
    return library, tuple(dict.fromkeys(library.get(name).symbol for name in named))


def _points(name: str, course: Trajectory) -> list[str]:
    """Names of the set points of a trajectory among the choices of a candidate."""
    return [f"{name}:{number}" for number in range(1, len(course.times) + 1)]


def _set_points(name: str, course: Sequence[float]) -> dict[str, float]:
    return {f"{name}:{number}": value for number, value in enumerate(course, start=1)}


def _simplex(part: Fractions) -> list[dict[str, float]]:
    """All shares in whole steps that sum to 1."""
    steps, parts = steps_in_one(part.step), len(part.components)
    points = []
    for cuts in itertools.combinations(range(steps + parts - 1), parts - 1):
        edges = (-1, *cuts, steps + parts - 1)
        counts = [b - a - 1 for a, b in itertools.pairwise(edges)]
        if part.most is None or sum(count > 0 for count in counts) <= part.most:
            shares = (float(Fraction(count, steps)) for count in counts)
            points.append(dict(zip(part.components, shares, strict=True)))
    return points


def _mixed(ions: Sequence[str], step: float | None) -> list[str | dict[str, float]]:
    """Pure ions, and their pairs in steps."""
    mixed: list[str | dict[str, float]] = list(ions)
    if step is not None:
        count = steps_in_one(step)
        for one, other in itertools.combinations(ions, 2):
            mixed += [{one: round(i / count, 10), other: round(1 - i / count, 10)} for i in range(count - 1, 0, -1)]
    return mixed


def _number(value: Any, name: str) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise NavigationError(f"{shorten(name)} needs a number, not '{shorten(str(value))}'")
    return found
