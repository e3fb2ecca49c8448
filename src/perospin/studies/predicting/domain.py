"""Does the model know such materials? Reasons why not, and the nearest ones that it does know.

Seven questions: an ion or an element that no training row holds, a column beyond its training range, too far from every
training row, an unusual combination of columns (leverage), parts that are known only apart, a value that hardly any
training row supports, and a part of the material that the model doesn't read. The yardstick is the
scheme behind the interval of a prediction: what its held-out rows had to bear too is no reason to distrust that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.validation.schemes import Scheme
    from perospin.studies.data.dataset import Dataset

__all__ = ["Domain", "Neighbour", "leverage", "standardised"]

FloatArray = NDArray[np.float64]

_ROLES: tuple[tuple[str, Callable[[Any], set[str]]], ...] = (
    ("spacer", lambda m: {ion.symbol for ion, _ in m.spacers}),
    ("A-site cation", lambda m: {ion.symbol for ion, _ in m.a_site}),
)
_PARTS: tuple[tuple[str, Callable[[Any], set[str]]], ...] = (
    ("halide", lambda m: {ion.symbol for ion, _ in m.x_site}),
    ("metal", lambda m: {ion.symbol for ion, _ in m.b_site}),
    ("spacer charge", lambda m: {str(ion.charge) for ion, _ in m.spacers}),
    ("family", lambda m: {str(m.family)}),
)
_TESTED_ROWS = 10
"""An unseen ion is no news to a model that was scored on at least so many rows with an ion it had not seen either."""

_QUANTILE = 0.95

_USUAL = 0.5
"""A column whose most frequent value stands in this share of the rows is judged by how many rows leave it."""
_BLOCK = 2048
_SUPPORT_ROWS, _SUPPORT_SPACERS = 5, 2
"""A value rests on enough rows from here on."""


@dataclass(frozen=True)
class Neighbour:
    """A known material near the predicted one: measured value, source, distance in standard deviations."""

    formula: str
    name: str
    row: str
    value: float
    source: str
    distance: float
    certain: bool


def leverage(training: FloatArray, rows: FloatArray) -> FloatArray:
    """Leverage of rows in a least-squares fit with a constant, shape (n_rows,).

    h = 1 / n + d' (X'X)^+ d, X the training rows about their mean, d the row about the same mean (Belsley, Kuh and
    Welsch, Regression Diagnostics, 1980, 2.1). Training rows have the mean (1 + rank) / n; a row that leaves the space
    that the training rows span counts as infinite.
    """
    return leverage_among(training)(rows)


def leverage_among(training: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return the leverage of rows among the same training rows as a function; the training rows are read once."""
    centre = training.mean(axis=0)
    _, size, basis = np.linalg.svd(training - centre, full_matrices=False)
    kept = size > 1e-9 * max(float(size.max(initial=0.0)), 1e-300)
    size, basis = size[kept], basis[kept]

    def of(rows: FloatArray) -> FloatArray:
        away = rows - centre
        along = away @ basis.T
        outside = np.sqrt(np.maximum((away**2).sum(axis=1) - (along**2).sum(axis=1), 0.0))
        h = 1.0 / len(training) + ((along / size) ** 2).sum(axis=1)
        beyond = outside > 1e-6 * np.maximum(1.0, np.abs(away).max(axis=1, initial=0.0))
        return np.asarray(np.where(beyond, np.inf, h))

    return of


def standardised(table: pd.DataFrame, training: pd.DataFrame) -> FloatArray:
    """Columns in standard deviations about the training mean; a missing value counts as the training median."""
    spread = training.std(ddof=0).replace(0.0, 1.0)
    filled = table.fillna(training.median()).fillna(0.0)
    return ((filled - training.mean().fillna(0.0)) / spread.fillna(1.0)).to_numpy(dtype=float)


@dataclass(frozen=True, eq=False)
class Domain:
    """The training rows of one model, as far as its domain goes.

    Attributes
    ----------
    data : Dataset
        The training rows.
    columns : tuple of str
        Columns that the model reads.
    scheme : Scheme
        Under which the interval of a prediction is made.
    labels : mapping of str to str
        The study's own axis labels.
    """

    data: Dataset
    columns: tuple[str, ...]
    scheme: Scheme
    labels: Mapping[str, str]

    # -- reasons ---------------------------------------------------------------------------------------------------

    def reasons(self, material: Any, row: pd.DataFrame, unread: Sequence[str] = ()) -> list[str]:
        """Say in what respect the training rows hold no such material.

        Parameters
        ----------
        material : Perovskite or None
            None for a row of which no formula is known: its columns alone are judged.
        row : DataFrame, shape (1, n_columns)
            Its descriptors.
        unread : sequence of str
            Parts of the material that the model doesn't read, "metal" or "halide".
        """
        from perospin.descriptors.labels import axis_label

        found = []
        if material is not None and self._known:
            found += [*self._unknown_parts(material), *self._unseen_ions(material)[0]]
        found += [*self._thin_support(row), *self._unread_parts(material, unread)[0]]
        training = self.data.features
        outside = []
        for column in self.columns:
            low, high = float(training[column].min()), float(training[column].max())
            value, margin = float(row[column].iloc[0]), 1e-9 * max(1.0, abs(low), abs(high))
            if value < low - margin or value > high + margin:
                label = axis_label(column, self.labels)
                outside.append(f"{label} = {value:.3g} lies outside the training range {low:.3g} to {high:.3g}")
        found += outside
        if self.columns:
            nearest, own = float(self.distances(row).min()), float(self.leverage(row)[0])
            within, below = self._limits
            if nearest > within:
                found.append(
                    f"the nearest training row is {nearest:.1f} standard deviations away; 95 % of the held-out rows "
                    f"behind the interval had one within {within:.1f}"
                )
            if not outside and own > below:
                found.append(
                    f"its combination of descriptors is unusual: leverage {own:.2g}, where 95 % of the held-out rows "
                    f"behind the interval had less than {below:.2g}"
                )
        return found

    def reasons_of_ions(self, material: Any, unread: Sequence[str] = ()) -> list[str]:
        """Say what `reasons` says where `knows_columns` holds."""
        if not self._known:
            return self._unread_parts(material, unread)[0]
        found = [*self._unknown_parts(material), *self._unseen_ions(material)[0]]
        return [*found, *self._unread_parts(material, unread)[0]]

    def knows_parts(self, material: Any, unread: Sequence[str] = ()) -> bool:
        """Whether `reasons` has nothing to say of halides, metals, charge and family together."""
        return not self._known or not (self._unknown_parts(material) or self._unread_parts(material, unread)[0])

    def knows_ions(self, material: Any) -> bool:
        """Whether `reasons` has nothing to say of the cations."""
        return not self._known or not self._unseen_ions(material)[0]

    def knows_columns(self, rows: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether `reasons` has nothing to say of the columns of each row, shape (n_rows,)."""
        good = np.ones(len(rows), dtype=bool)
        if not self.columns:
            return good
        thin = self._thin_sides
        for column in self.columns:
            values, training = rows[column].to_numpy(dtype=float), self.data.features[column]
            low, high = float(training.min()), float(training.max())
            margin = 1e-9 * max(1.0, abs(low), abs(high))
            good &= ~((values < low - margin) | (values > high + margin))
            if column in thin:
                usual, sides = thin[column]
                equal = np.abs(values - usual) <= np.maximum(1e-9 * np.maximum(np.abs(values), abs(usual)), 1e-9)
                good &= equal | ~np.isin(np.sign(values - usual), sides)
        left = np.flatnonzero(good)  # distances cost more
        within, below = self._limits
        for start in range(0, len(left), _BLOCK):
            part = left[start : start + _BLOCK]
            own = self._standardised(rows.iloc[part])
            squares = ((own[:, None, :] - self._training[None, :, :]) ** 2).mean(axis=2)
            good[part] = (np.sqrt(squares.min(axis=1)) <= within) & (self._leverage(own) <= below)
        return good

    @cached_property
    def _thin_sides(self) -> dict[str, tuple[float, list[float]]]:
        """Usual value of the columns that hardly leave it, and the sides where too few training rows stand."""
        found = {}
        for column in self.columns:
            training = self.data.features[column].to_numpy(dtype=float)
            values, counts = np.unique(training[np.isfinite(training)], return_counts=True)
            if len(values) and counts.max() >= _USUAL * len(training):
                usual = float(values[counts.argmax()])
                sides = [side for side in (-1.0, 1.0) if not self._supported(training, usual, side)[2]]
                found[column] = (usual, sides)
        return found

    def _supported(
        self, training: FloatArray, usual: float, side: float
    ) -> tuple[NDArray[np.int64], set[frozenset[str]], bool]:
        """Training rows on one side of the usual value, the spacers they hold, and whether these are enough."""
        support = np.flatnonzero(np.sign(training - usual) == side)
        of = {self._spacers[i] for i in support}
        return support, of, len(support) >= _SUPPORT_ROWS and len(of) >= _SUPPORT_SPACERS

    @cached_property
    def _spacers(self) -> list[frozenset[str]]:
        described = self.data.rows["described_as"].astype(str)
        # a material without spacers stands for itself
        return [(_symbols(self.data.material(f).spacers) if f else frozenset()) or frozenset([f]) for f in described]

    def notes(self, material: Any, unread: Sequence[str] = ()) -> list[str]:
        """Say what is new about a material but was tested (ions that the scheme held out too), and what isn't read."""
        if material is None or not self._known:
            return []
        return [*self._unseen_ions(material)[1], *self._unread_parts(material, unread)[1]]

    def _thin_support(self, row: pd.DataFrame) -> Iterator[str]:
        """Columns whose usual value this material leaves, where hardly any training row does so too."""
        from perospin.descriptors.labels import axis_label

        names = self.data.rows["name"].astype(str).to_numpy()
        for column in self.columns:
            training = self.data.features[column].to_numpy(dtype=float)
            values, counts = np.unique(training[np.isfinite(training)], return_counts=True)
            value, usual = float(row[column].iloc[0]), float(values[counts.argmax()]) if len(values) else math.nan
            if not len(values) or counts.max() < _USUAL * len(training) or math.isclose(value, usual, abs_tol=1e-9):
                continue
            side = np.sign(value - usual)
            support, of, enough = self._supported(training, usual, float(side))
            if enough:
                continue
            which = f"{len(support)} training row{'s' * (len(support) != 1)}" if len(support) else "no training row"
            shown = f" ({', '.join(names[support[:3]])}{', ...' if len(support) > 3 else ''})" if len(support) else ""
            where = f"{'above' if side > 0 else 'below'} {usual:g} in {which}{shown}"
            one = ", all of one spacer or material" if len(support) > 1 and len(of) == 1 else ""
            rests = "it" if len(support) == 1 else "them"
            yield f"{axis_label(column, self.labels)} is {where}{one}: the answer rests on {rests}"

    def _unread_parts(self, material: Any, unread: Sequence[str]) -> tuple[list[str], list[str]]:
        """Parts that the model doesn't read: a reason where few training rows hold the same, else a note."""
        reasons, notes = [], []
        for part, read in _PARTS:
            if part not in unread:
                continue
            mine = read(material)
            same = sum(read(self.data.material(f)) == mine for f in self.data.rows["described_as"] if f)
            shown = ", ".join(sorted(mine))
            if same < _SUPPORT_ROWS:
                count = f"only {same}" if same else "none"
                reasons.append(
                    f"the model doesn't read the {part}, and {count} of its training rows hold {shown} alone"
                )
            else:
                notes.append(f"the model doesn't read the {part} ({shown} in {same} of its training rows)")
        return reasons, notes

    @cached_property
    def _known(self) -> list[Any]:
        return [self.data.material(formula) for formula in dict.fromkeys(self.data.rows["described_as"]) if formula]

    def _unknown_parts(self, material: Any) -> list[str]:
        reasons = []
        for word, read in _PARTS:
            seen = set().union(*(read(m) for m in self._known)) if self._known else set()
            new = read(material) - seen
            if new:
                known = ", ".join(sorted(seen)) or "none"
                reasons.append(f"{word} {', '.join(sorted(new))} is not among the training rows ({known})")
        if reasons:
            return reasons
        # each part is known by itself; are they known together?
        pairs = {(str(m.family), ion.symbol) for m in self._known for ion, _ in (*m.x_site, *m.b_site)}
        return [
            f"no training row of the family {material.family} contains {ion.symbol}"
            for ion, _ in (*material.x_site, *material.b_site)
            if (str(material.family), ion.symbol) not in pairs
        ]

    def _unseen_ions(self, material: Any) -> tuple[list[str], list[str]]:
        """Cations that no training row holds: as reasons, or as notes where the scheme tested just that."""
        reasons, notes = [], []
        for role, read in _ROLES:
            seen = set().union(*(read(m) for m in self._known)) if self._known else set()
            new = sorted(read(material) - seen)
            if not new:
                continue
            tested = self._tested[role]
            text = f"{role} {', '.join(new)} is not among the training rows"
            if tested >= _TESTED_ROWS:
                notes.append(f"{text}; that holds for {tested} of the held-out rows behind the interval too")
            else:
                held = f"only {tested} of" if tested else "none of"
                reasons.append(f"{text}, and {held} the held-out rows behind the interval had such a handicap")
        return reasons, notes

    @cached_property
    def _tested(self) -> dict[str, int]:
        return {role: self._rows_with_unseen(read) for role, read in _ROLES}

    def _rows_with_unseen(self, read: Callable[[Any], set[str]]) -> int:
        """Held-out rows that hold an ion of this role which their own training rows lack."""
        own = [read(self.data.material(f)) if f else set() for f in self.data.rows["described_as"]]
        count = 0
        for split in self.scheme.splits:
            seen = set().union(*(own[i] for i in split.train.tolist()))
            count += sum(bool(own[i] - seen) for i in split.test.tolist())
        return count

    # -- distances -------------------------------------------------------------------------------------------------

    def _standardised(self, table: pd.DataFrame) -> FloatArray:
        """Return `standardised` by the training rows, whose figures are read once."""
        middle, mean, spread = self._figures
        values = table[list(self.columns)].to_numpy(dtype=float)
        return np.asarray((np.where(np.isnan(values), middle, values) - mean) / spread)

    @cached_property
    def _figures(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        training = self.data.features[list(self.columns)]
        middle = training.median().fillna(0.0).to_numpy(dtype=float)
        spread = training.std(ddof=0).replace(0.0, 1.0).fillna(1.0).to_numpy(dtype=float)
        return middle, training.mean().fillna(0.0).to_numpy(dtype=float), spread

    @cached_property
    def _training(self) -> FloatArray:
        return self._standardised(self.data.features)

    def distances(self, row: pd.DataFrame) -> FloatArray:
        """Root mean square difference per descriptor, in standard deviations, to each training row, shape (n_rows,)."""
        return np.asarray(np.sqrt(((self._training - self._standardised(row)) ** 2).mean(axis=1)))

    def leverage(self, rows: pd.DataFrame) -> FloatArray:
        """Leverage of rows among the training rows, shape (n_rows,)."""
        return self._leverage(self._standardised(rows))

    @cached_property
    def _leverage(self) -> Callable[[FloatArray], FloatArray]:
        return leverage_among(self._training)

    @cached_property
    def _limits(self) -> tuple[float, float]:
        """95 % points over held-out rows: distance to the nearest training row, leverage among the training rows."""
        nearest, levers = [], []
        for split in self.scheme.splits:
            train, test = self._training[split.train], self._training[split.test]
            distance = np.sqrt(((test[:, None, :] - train[None, :, :]) ** 2).mean(axis=2))
            nearest += distance.min(axis=1).tolist()
            levers += leverage(train, test).tolist()
        # an order statistic, because leverages may be infinite
        within, below = (float(np.quantile(values, _QUANTILE, method="higher")) for values in (nearest, levers))
        return within, below

    # -- neighbours ------------------------------------------------------------------------------------------------

    def nearest(self, row: pd.DataFrame, count: int) -> tuple[Neighbour, ...]:
        """Return the training rows that lie nearest, with values and sources."""
        distances = self.distances(row) if self.columns else np.zeros(len(self.data))
        rows = self.data.rows
        return tuple(
            Neighbour(
                formula=str(rows["described_as"].iloc[i] or rows["name"].iloc[i]),
                name=str(rows["name"].iloc[i]),
                row=str(rows["row"].iloc[i]),
                value=float(rows["target"].iloc[i]),
                source=str(rows["source"].iloc[i]),
                distance=float(distances[i]),
                certain=bool(rows["certain"].iloc[i]),
            )
            for i in [i for i in np.argsort(distances, kind="stable") if self.data.has_value[i]][:count]
        )

    def alike(self, formula: str, row: pd.DataFrame) -> tuple[str, ...]:
        """Name other known materials with equal values in every column that the model reads."""
        if not self.columns:
            return ()
        same: Sequence[str] = self.data.rows["described_as"][self.distances(row) < 1e-9].tolist()
        return tuple(sorted(set(same) - {formula, ""}))


def _symbols(site: Any) -> frozenset[str]:
    return frozenset(ion.symbol for ion, _ in site)
