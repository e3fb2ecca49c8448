"""Predict new materials: value, interval, whether the model knows such materials, reasons, nearest known ones.

How intervals are made is said in `perospin.learning.intervals`, what counts as known in `perospin.learning.domain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError
from perospin.learning.dataset import Dataset, describe_materials, inverse
from perospin.learning.domain import Domain, Neighbour
from perospin.learning.estimators import build_estimator, fit_each, used_columns
from perospin.learning.explain import MOST_HYBRIDS, N_ORDERS, game_of
from perospin.learning.intervals import Intervals, fit_intervals, held_out_once
from perospin.learning.running import build_schemes, inner_groups

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from perospin.learning.declaration import PartSpec


@dataclass(frozen=True)
class Prediction:
    """One predicted material.

    Attributes
    ----------
    formula : str
        Canonical formula.
    quantity, unit : str
    value : float
        Predicted value in `unit`.
    low, high : float
        Ends of the interval in `unit`; infinite where the rows are too few for the level.
    level : float
        Nominal level of the interval.
    interval : str
        How the interval was made.
    typical_factor : float or None
        Half of the held-out predictions are closer than this factor (only for a positive quantity on a log scale).
    in_domain : bool
        Whether the training rows contain such materials.
    reasons : tuple of str
        Why not, if not; empty otherwise.
    notes : tuple of str
        What is new about the material, although the interval was tested on just that (an unseen spacer).
    contributions : dict of str to float
        Shapley values in the space of the models (`space`), largest first; exact up to 15 columns or groups.
    contribution_errors : dict of str to float
        Monte Carlo standard error of each; empty where they are exact.
    base : float
        Mean prediction over the training rows, in the space of the models: base + contributions = prediction.
    space : str
        The space of the models, for example "log10 of the spin relaxation rate".
    nearest : tuple of Neighbour
    known : bool
        Whether this very material is among the training rows.
    alike : tuple of str
        Other known materials with equal values in every column that the model reads: it can't tell them apart.
    obtained : str
        How the known values were obtained: "measured" or "computed".
    study, part, estimator : str
        What answered.
    """

    formula: str
    quantity: str
    unit: str
    value: float
    low: float
    high: float
    level: float
    interval: str
    typical_factor: float | None
    in_domain: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    contributions: Mapping[str, float]
    contribution_errors: Mapping[str, float]
    base: float
    space: str
    nearest: tuple[Neighbour, ...]
    known: bool
    alike: tuple[str, ...]
    obtained: str
    study: str
    part: str
    estimator: str

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON (infinite ends become null)."""
        from perospin.learning.result import plain

        return dict(plain(asdict(self)))

    def plot(self) -> Figure:
        """Draw the contributions as a waterfall from the average to this prediction, with the interval."""
        from perospin.learning.report.waterfall import waterfall

        return waterfall(self)

    def __str__(self) -> str:
        text = (
            f"{self.formula}: {self.quantity} {self.value:.3g} {self.unit} "
            f"({100 * self.level:.0f} % interval {self.low:.2g} to {self.high:.2g})"
        )
        return text if self.in_domain else f"{text}; out of domain: {'; '.join(self.reasons)}"


@dataclass(frozen=True, eq=False)
class Predictor:
    """A fitted study: the model on all rows, and one model for each fold of the interval's scheme.

    Made by `Study.predictor`, or opened from a file that `save` wrote.
    """

    study: str
    part_name: str
    part: PartSpec
    data: Dataset
    columns: tuple[str, ...]
    model: Any
    intervals: Intervals
    domain: Domain

    @classmethod
    def fit(
        cls, study: str, name: str, part: PartSpec, data: Dataset, progress: Callable[[int, int], None] | None = None
    ) -> Predictor:
        """Fit the part's prediction model on all rows and on the folds of its interval.

        Raises
        ------
        StudyError
            If the part declares no prediction, or its descriptors can't be made for a new material.
        """
        if part.predict is None:
            raise StudyError(f"study '{study}', part '{name}' declares no [predict] table, so it can't predict")
        if part.descriptors.source != "describe":
            raise StudyError(
                f"study '{study}', part '{name}' takes its descriptors from its table, so a new material can't be "
                'described; a part with descriptors.source = "describe" can predict'
            )
        asked = part.predict
        scheme = build_schemes(part, data)[asked.scheme]
        entry = part.scheme(asked.scheme)
        try:
            held_out_once(scheme, len(data))
        except StudyError as error:
            raise StudyError(f"study '{study}', part '{name}', predict.scheme: {error}") from None
        groups = inner_groups(entry, data, part)
        estimator = build_estimator(part.spec_of(asked.estimator), part.seed)
        trains = [np.arange(len(data)), *scheme.trains]
        model, *fold_models = fit_each(
            estimator, data.features, data.y, trains, groups=groups, progress=progress, **data.fit_options
        )
        intervals = fit_intervals(
            estimator,
            data.features,
            data.y,
            scheme,
            groups=groups,
            exchangeable=groups,
            spread=asked.spread,
            models=fold_models,
        )
        columns = tuple(used_columns(estimator, [str(column) for column in data.features.columns]))
        domain = Domain(data, columns, scheme, part.labels)
        return cls(study, name, part, data, columns, model, intervals, domain)

    def save(self, path: str | Path) -> Path:
        """Write everything that predictions need to one file of numbers and text (see `perospin.learning.model_file`).

        Raises
        ------
        StudyError
            If an estimator in it can't be written, or the file would be too large.
        """
        from perospin.learning.model_file import save_model

        return save_model(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Predictor:
        """Open a file that `save` wrote; nothing in it is executed.

        Raises
        ------
        RefusedFileError
            If it is foreign, damaged, changed, or written by a newer perospin.
        """
        from perospin.learning.model_file import load_model

        return load_model(path)

    def predict(self, formula: str, ions: Any = None, on_compute: Callable[[str], None] | None = None) -> Prediction:
        """Predict one material.

        Parameters
        ----------
        formula : str
            For example ``"(3AMP)PbI4"``.
        ions : IonLibrary, optional
            Library with the user's own ions.
        on_compute : callable, optional
            Called with the symbol of each cation that must be computed first.

        Raises
        ------
        FormulaError
            If the formula can't be read or names an unknown ion.
        StudyError
            If a descriptor that the model needs is not known for this material.
        """
        from perospin.chemistry import Perovskite

        material = Perovskite.parse(formula, ions)
        described = describe_materials([material], str(self.part.descriptors.level), ions, on_compute)
        row = self._row(described, str(material))
        asked, transform = self.part.predict, self.part.target.transform
        assert asked is not None  # checked in `fit`
        centre = float(self.model.predict(row)[0])
        low, high = (float(end[0]) for end in self.intervals.predict(row, asked.level))
        base, contributions, errors = self._contributions(row)
        reasons = self.domain.reasons(material, row)
        logarithmic = transform == "log10"
        value, bottom, top = inverse(np.array([centre, low, high]), transform)
        return Prediction(
            formula=str(material),
            quantity=self.part.target.quantity,
            unit=self.part.target.unit,
            value=float(value),
            low=float(bottom),
            high=float(top),
            level=asked.level,
            interval=self.intervals.method,
            typical_factor=float(10 ** np.median(np.abs(self.intervals.residuals))) if logarithmic else None,
            in_domain=not reasons,
            reasons=tuple(reasons),
            notes=tuple(self.domain.notes(material)),
            contributions=contributions,
            contribution_errors=errors,
            base=base,
            space=("log10 of the " if logarithmic else "") + self.part.target.quantity,
            nearest=self.domain.nearest(row, asked.n_nearest),
            known=str(material) in set(self.data.rows["formula"]),
            alike=self.domain.alike(str(material), row),
            obtained=self.part.target.obtained,
            study=self.study,
            part=self.part_name,
            estimator=self.part.title_of(asked.estimator),
        )

    def _row(self, described: pd.DataFrame, formula: str) -> pd.DataFrame:
        row = described.reindex(columns=self.data.features.columns)
        missing = [c for c in self.columns if np.isnan(row[c].iloc[0]) and self.data.features[c].notna().all()]
        if missing:
            raise StudyError(
                f"'{formula}' has no value for the descriptor '{missing[0]}', which every training row has, so this "
                "model can't predict it"
            )
        return row

    def _contributions(self, row: pd.DataFrame) -> tuple[float, dict[str, float], dict[str, float]]:
        """Return base, contributions (largest first) and their Monte Carlo errors."""
        names = list(self.columns)
        players = self.part.explain.players if self.part.explain else None
        if players and not set(names) <= {c for group in players.values() for c in group}:
            players = None
        if not names:
            return float(self.model.predict(self.data.features).mean()), {}, {}
        game, _, _ = game_of(self.model, row, self.data.features, names, players)
        if game.exact and game.n_hybrids <= MOST_HYBRIDS:
            values, error = game.shapley(), None
        else:
            values, error = game.sampled(N_ORDERS, self.part.seed)
        found = dict(zip(game.names, values[0].tolist(), strict=True))
        order = sorted(found, key=lambda name: -abs(found[name]))
        errors = {} if error is None else dict(zip(game.names, error[0].tolist(), strict=True))
        return game.base, {name: found[name] for name in order}, errors
