"""Predict candidates by the million: stacks of layers times sheets of metal and halide.

What a model reads of a material is mostly the stack's: spacer, cage, layer number. Metal and halide enter through few
columns. Where that is the tolerance factor alone, the prediction of a stack is a curve over one number: the model is
asked at `NODES` of it, and the polynomial through them gives all sheets. How far off that is, is measured on one more
sheet of every stack. All other candidates are predicted one by one, equal rows once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.descriptors.candidates.grid import PHASES, CandidateGrid, Occupant
from perospin.errors import PerospinError, StudyError
from perospin.studies.predicting.predictor import Predictor, check_describes, unread_parts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NODES", "StackBlock", "StackedPredictor"]

FloatArray = NDArray[np.float64]

NODES = 5
"""Values of the tolerance factor at which a stack is predicted."""
_TOLERANCE = "tolerance_factor"
_SHEET = (
    "metal_electronegativity", "metal_radius_a", "metal_z", "halide_electronegativity", "halide_radius_a", "halide_z",
    "bromide_fraction", "octahedral_factor",
)  # fmt: skip
"""Columns that the sheet alone decides."""
_SPACING = ("single_layer_spacing_a", "single_layer_spacing_sd_a", "exchange_log10")
_ROWS = 16_384
_PROBED = 8
"""One stack of so many is predicted at one more sheet, to see how good the curves are."""


@dataclass(frozen=True, eq=False)
class StackBlock:
    """Predicted candidates: some stacks (rows) with every sheet (columns).

    Attributes
    ----------
    start : int
        Number of the first stack.
    centre, low, high : ndarray, (n_stacks, n_sheets)
        Prediction and interval in the space of the models; NaN where the model can't read the candidate.
    inside : ndarray of bool, (n_stacks, n_sheets)
        Whether the study knows such materials.
    off : float
        Largest error of a curve at the sheets that were predicted beside it, in the space of the models.
    """

    start: int
    centre: FloatArray
    low: FloatArray
    high: FloatArray
    inside: NDArray[np.bool_]
    off: float
    _columns: dict[str, FloatArray] = field(repr=False)

    def column(self, name: str) -> FloatArray:
        """Values of a descriptor, an array that broadcasts to (n_stacks, n_sheets)."""
        return self._columns[name]

    def has(self, name: str) -> bool:
        """Whether `column` knows it."""
        return name in self._columns


@dataclass(frozen=True, eq=False)
class StackedPredictor:
    """A fitted study and a grid of candidates.

    Attributes
    ----------
    predictor : Predictor
    grid : CandidateGrid
    ions : IonLibrary or None
    more : sequence of str
        Descriptors that are asked for besides those that the model reads.
    compute : bool
        Whether cations may be computed, or read from the user's cache.

    Raises
    ------
    StudyError
        If the study describes materials in another way than by their ions.
    """

    predictor: Predictor
    grid: CandidateGrid
    ions: Any = None
    more: Sequence[str] = ()
    compute: bool = False

    def __post_init__(self) -> None:
        from perospin.descriptors.intrinsic import COLUMNS

        predictor, data = self.predictor, self.predictor.data
        check_describes(predictor.study, predictor.part_name, predictor.part)
        stated = {name for pair in data.uncertain.items() for name in pair}
        other = [c for c in predictor.columns if c not in (*COLUMNS, *_SPACING) and c not in stated]
        if predictor.part.descriptors.source != "describe" or data.categories or other:
            raise StudyError(
                f"study '{predictor.study}', part '{predictor.part_name}' doesn't describe materials by their ions "
                "alone, so it can't predict them by the million; narrow the space to 20,000 materials"
            )

    # --- what there is ----------------------------------------------------------------------------------------

    @property
    def _level(self) -> str:
        return str(self.predictor.part.descriptors.level)

    @cached_property
    def _features(self) -> list[str]:
        return [str(column) for column in self.predictor.data.features.columns]

    def _described(self, block: pd.DataFrame, columns: Sequence[str], level: str) -> pd.DataFrame:
        import pandas as pd

        from perospin.descriptors import describe_blocks

        return pd.concat(describe_blocks(block, level, ions=self.ions, columns=columns, compute=self.compute))

    @cached_property
    def sheets(self) -> pd.DataFrame:
        """Columns that metal and halide decide, one row a sheet."""
        stack = self.grid.stacks(0, 1).repeat(self.grid.n_sheets, axis=0)
        frame = self._described(self.grid.table(stack, np.arange(self.grid.n_sheets)), _SHEET, self._level)
        return frame.reset_index(drop=True)

    @cached_property
    def _template(self) -> FloatArray:
        """One row of everything that no ion decides."""
        material = self._material(0, 0)
        row = self.predictor.described([material], self.ions, given=self.predictor.conditions_of({}))
        return row.reindex(columns=self._features).to_numpy(dtype=float)[0]

    def formulas(self, index: NDArray[np.int64]) -> list[str]:
        """Canonical formulas of candidates by their number in the grid."""
        stack, sheet = np.divmod(index, self.grid.n_sheets)
        rows = np.concatenate([self.grid.stacks(int(s), int(s) + 1) for s in stack])
        return [str(f) for f in self._described(self.grid.table(rows, sheet), ["inverse_n"], "fast").index]

    def _material(self, stack: int, sheet: int) -> Any:
        from perospin.chemistry import Perovskite

        number = np.array([stack * self.grid.n_sheets + sheet])
        return Perovskite.parse(self.formulas(number)[0], self.ions)

    # --- a block ----------------------------------------------------------------------------------------------

    def block(self, start: int, stop: int) -> StackBlock:
        """Predict the stacks from `start` to `stop` with every sheet."""
        stacks = self.grid.stacks(start, stop)
        columns = self._columns(stacks, self._level)
        shape = (len(stacks), self.grid.n_sheets)
        centre, low, high = (np.full(shape, np.nan) for _ in range(3))
        single = (stacks[:, 2] == 1) & self.predictor.part.descriptors.held_out_spacing
        varying = {name for name in self.predictor.columns if name in (*_SHEET, _TOLERANCE)}
        curved = ~single & (self.grid.n_sheets > NODES + 1) & (varying <= {_TOLERANCE})
        if not varying:  # the sheets of a stack are all alike
            same = np.flatnonzero(~single)
            for part in np.array_split(same, max(1, len(same) // _ROWS)):
                for target, values in zip(
                    (centre, low, high), self._predicted(self._rows(columns, part, 0)), strict=True
                ):
                    target[part] = values[:, None]
            curved = ~single
            off = 0.0
        else:
            off = self._curves(columns, np.flatnonzero(curved), (centre, low, high), start)
        left = np.flatnonzero(~curved)
        sheets = np.arange(self.grid.n_sheets)
        step = max(1, _ROWS // self.grid.n_sheets)
        for i in range(0, len(left), step):
            part = left[i : i + step]
            rows = self._rows(columns, part.repeat(len(sheets)), np.tile(sheets, len(part)))
            for target, values in zip((centre, low, high), self._predicted(rows), strict=True):
                target[part] = values.reshape(len(part), -1)
        inside = self._known_ions(stacks) & np.isfinite(centre)
        where = np.argwhere(inside)
        for i in range(0, len(where), _ROWS):
            part = where[i : i + _ROWS]
            good = self.predictor.domain.knows_columns(self._frame(self._rows(columns, part[:, 0], part[:, 1])))
            inside[part[:, 0], part[:, 1]] = good
        if self.more and self._level != "fast":
            columns = self._columns(stacks, "fast")  # rules and objectives speak of this level
        return StackBlock(start, centre, low, high, inside, off, columns)

    def _columns(self, stacks: NDArray[np.int64], level: str) -> dict[str, FloatArray]:
        """Return every column needed, as an array that broadcasts to (n_stacks, n_sheets)."""
        from perospin.chemistry import goldschmidt_tolerance
        from perospin.descriptors.intrinsic import COLUMNS

        names = [*dict.fromkeys([*self.predictor.columns, *self.more])]
        wanted = [c for c in names if c in COLUMNS and c not in _SHEET and c != _TOLERANCE]
        wanted = [*dict.fromkeys([*wanted, "molecular_radius_a", "spacer_dielectric_constant"])]
        frame = self._described(self.grid.table(stacks, 0), wanted, level)
        found = {name: frame[name].to_numpy()[:, None] for name in wanted}
        found |= {name: self.sheets[name].to_numpy()[None, :] for name in _SHEET}
        found[_TOLERANCE] = goldschmidt_tolerance(
            found["molecular_radius_a"], found["metal_radius_a"], found["halide_radius_a"]
        )
        if self.predictor.part.descriptors.held_out_spacing and set(_SPACING) & set(names):
            found |= self._spacings(stacks, found["spacer_dielectric_constant"])
        return found

    def _spacings(self, stacks: NDArray[np.int64], barrier: FloatArray) -> dict[str, FloatArray]:
        """Predicted spacing of the single layers; all others stand at the template's usual values."""
        import pandas as pd

        from perospin.chemistry import Perovskite
        from perospin.descriptors.packing import other_sheets, packing_columns
        from perospin.studies.data.materials import held_out_spacing, held_out_spacing_between
        from perospin.studies.predicting.spacing import spacings_of

        usual = held_out_spacing([None]).iloc[0]
        single = np.flatnonzero(stacks[:, 2] == 1)
        if not len(single):
            return {name: np.full((len(stacks), 1), usual[name]) for name in _SPACING}
        n = self.grid.n_sheets
        found = {name: np.full((len(stacks), n), usual[name]) for name in _SPACING}
        step = max(1, _ROWS // n)
        for i in range(0, len(single), step):
            part = single[i : i + step]
            block = self.grid.table(stacks[part].repeat(n, axis=0), np.tile(np.arange(n), len(part)))
            formulas = self._described(block, ["inverse_n"], "fast").index.to_numpy(dtype=object)
            packing = packing_columns([Perovskite.parse(f, self.ions) for f in formulas[::n]])
            repeated = packing.loc[packing.index.repeat(n)].reset_index(drop=True)
            sheets = pd.concat([self.sheets] * len(part), ignore_index=True)
            told = spacings_of(other_sheets(repeated, sheets))
            for name, values in held_out_spacing_between(formulas, barrier[part, 0].repeat(n), told).items():
                found[name][part] = values.reshape(len(part), n)
        return found

    def _rows(
        self, columns: dict[str, FloatArray], stack: NDArray[np.int64], sheet: NDArray[np.int64] | int
    ) -> FloatArray:
        """Features of candidates, (n_rows, n_features)."""
        rows = np.tile(self._template, (len(stack), 1))
        for name in self.predictor.columns:
            if name in columns:
                values = columns[name]
                first = stack if values.shape[0] > 1 else np.zeros_like(stack)
                second = sheet if values.shape[1] > 1 else 0
                rows[:, self._features.index(name)] = values[first, second]
        return rows

    def _frame(self, rows: FloatArray) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(rows, columns=self._features, copy=False)

    def _predicted(self, rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Centre and ends of the interval, each (n_rows,); equal rows are computed once."""
        import pandas as pd

        predictor = self.predictor
        read = [self._features.index(name) for name in predictor.columns]
        needed = [self._features.index(name) for name in predictor.needed]
        good = np.flatnonzero(~np.isnan(rows[:, needed]).any(axis=1))
        found = tuple(np.full(len(rows), np.nan) for _ in range(3))
        if len(good):
            keys = pd.DataFrame(rows[good][:, read])
            place = keys.groupby(list(keys), sort=False, dropna=False).ngroup().to_numpy()
            first = good[~keys.duplicated().to_numpy()]
            frame = self._frame(rows[first])
            assert predictor.part.answers is not None
            centre = np.asarray(predictor.model.predict(frame), dtype=float)
            low, high = predictor.intervals.predict(frame, predictor.part.answers.level)
            for target, values in zip(found, (centre, low, high), strict=True):
                target[good] = values[place]
        return found[0], found[1], found[2]

    def _curves(
        self,
        columns: dict[str, FloatArray],
        which: NDArray[np.int64],
        targets: tuple[FloatArray, FloatArray, FloatArray],
        seed: int,
    ) -> float:
        """Fill in the stacks `which` by curves over the tolerance factor; the largest error seen."""
        if not len(which):
            return 0.0
        tolerance = columns[_TOLERANCE][which]
        middle = 0.5 * (tolerance.max(axis=1) + tolerance.min(axis=1))[:, None]
        half = 0.5 * np.ptp(tolerance, axis=1)[:, None]
        places = np.cos(np.pi * np.arange(NODES) / (NODES - 1))
        to_powers = np.linalg.inv(np.vander(places, increasing=True))
        rows = self._rows(columns, which.repeat(NODES), 0)
        rows[:, self._features.index(_TOLERANCE)] = (middle + half * places).ravel()
        # one more sheet of some stacks tells how good the curves are
        some = np.arange(0, len(which), _PROBED)
        probe = np.random.default_rng(seed).integers(self.grid.n_sheets, size=len(some))
        rows = np.concatenate([rows, self._rows(columns, which[some], probe)])
        parts = [self._predicted(rows[i : i + _ROWS]) for i in range(0, len(rows), _ROWS)]
        away = (tolerance - middle) / np.where(half > 0, half, 1.0)
        off = 0.0
        for target, values in zip(targets, map(np.concatenate, zip(*parts, strict=True)), strict=True):
            powers = values[: NODES * len(which)].reshape(-1, NODES) @ to_powers.T
            curve = np.repeat(powers[:, -1:], tolerance.shape[1], axis=1)
            for i in range(NODES - 2, -1, -1):
                curve *= away
                curve += powers[:, i : i + 1]
            target[which] = curve
            errors = np.abs(curve[some, probe] - values[NODES * len(which) :])
            off = max(off, float(np.nan_to_num(errors, nan=0.0, posinf=0.0).max()))
        return off

    # --- domain -----------------------------------------------------------------------------------------------

    @cached_property
    def _axes(self) -> dict[str, list[Occupant]]:
        from perospin.chemistry import IonLibrary

        library, grid = IonLibrary.of(self.ions), self.grid
        texts = {"spacer": grid.spacer_axis, "a_site": grid.a_site, "metal": grid.metals, "halide": grid.halides}
        return {site: [Occupant.read(site, str(text), library) for text in axis] for site, axis in texts.items()}

    @cached_property
    def _ions_known(self) -> dict[str, NDArray[np.bool_]]:
        """Whether the study knows each spacer and each cage cation; the last one stands for none."""
        domain, found = self.predictor.domain, {}
        for site, role in (("spacer", "spacers"), ("a_site", "a_site")):
            empty = {"spacers": (), "a_site": ()}
            told = [domain.knows_ions(SimpleNamespace(**{**empty, role: one.parts})) for one in self._axes[site]]
            found[site] = np.array([*told, True])
        return found

    @cached_property
    def _parts_known(self) -> dict[tuple[int, bool, int], NDArray[np.bool_]]:
        return {}

    def _known_ions(self, stacks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the study knows the ions and their combination, (n_stacks, n_sheets)."""
        spacers = self._axes["spacer"]
        charge = np.array([*(one.charge for one in spacers), 0])[stacks[:, 0]]
        phase = np.where(stacks[:, 3] >= 0, stacks[:, 3], np.array([0, 1, 2])[charge])
        alone = self._ions_known["spacer"][stacks[:, 0]] & self._ions_known["a_site"][stacks[:, 1]]
        found = np.zeros((len(stacks), self.grid.n_sheets), dtype=bool)
        kinds = np.column_stack([phase, stacks[:, 2] == 1, charge])
        for kind in np.unique(kinds[alone], axis=0):
            key = (int(kind[0]), bool(kind[1]), int(kind[2]))
            rows = alone & (kinds == kind).all(axis=1)
            if key not in self._parts_known:
                self._parts_known[key] = self._sheets_known(stacks[np.flatnonzero(rows)[0]], key)
            found[rows] = self._parts_known[key]
        return found

    def _sheets_known(self, stack: NDArray[np.int64], kind: tuple[int, bool, int]) -> NDArray[np.bool_]:
        """Whether the study knows each sheet in stacks of one kind."""
        from perospin.chemistry import Perovskite

        domain, known, unread = self.predictor.domain, [], {}
        spacer = self._axes["spacer"][stack[0]].parts if stack[0] >= 0 else ()
        for sheet, (metal, halide) in enumerate((m, x) for m in self._axes["metal"] for x in self._axes["halide"]):
            like = SimpleNamespace(spacers=spacer, b_site=metal.parts, x_site=halide.parts, family=PHASES[kind[0]])
            if not domain.knows_parts(like):
                known.append(False)
                continue
            ions = (frozenset(ion for ion, _ in metal.parts), frozenset(ion for ion, _ in halide.parts))
            try:
                if ions not in unread:
                    block = self.grid.table(stack[None], np.array([sheet]))
                    formula = str(self._described(block, ["inverse_n"], "fast").index[0])
                    material = Perovskite.parse(formula, self.ions)
                    row = self.predictor.described([material], self.ions, given=self.predictor.conditions_of({}))
                    unread[ions] = unread_parts(
                        material, row.reindex(columns=self._features), domain.columns, self._level, self.ions
                    )
                known.append(domain.knows_parts(like, unread[ions]))
            except PerospinError:
                known.append(False)
        return np.array(known, dtype=bool)
