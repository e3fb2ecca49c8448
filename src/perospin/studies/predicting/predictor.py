"""Predict new materials: value, interval, whether the model knows such materials, reasons, nearest known ones.

How intervals are made is said in `perospin.learning.intervals`, what counts as known in `domain`.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import StudyError
from perospin.learning.estimators import build_estimator, fit_each, used_columns
from perospin.learning.explanation.shapley import MOST_HYBRIDS, N_ORDERS, game_of
from perospin.learning.intervals.intervals import Intervals, fit_intervals, held_out_once
from perospin.studies.data.conditions import checked_conditions, stated_columns, unknown_levels
from perospin.studies.data.dataset import Dataset
from perospin.studies.data.materials import describe_materials, held_out_spacing
from perospin.studies.data.new_rows import read_new_rows
from perospin.studies.data.table import gathering
from perospin.studies.predicting.domain import Domain
from perospin.studies.predicting.prediction import Counterpart, Prediction
from perospin.studies.predicting.spacing import expected_spacings
from perospin.studies.running.plan import build_schemes, inner_groups

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import Ion, Perovskite
    from perospin.studies.declaration.part import PartSpec

FloatArray = NDArray[np.float64]


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
            If the part declares no prediction.
        """
        if part.answers is None:
            raise StudyError(f"study '{study}', part '{name}' declares no [predict] table, so it can't predict")
        asked = part.answers
        scheme = build_schemes(part, data)[asked.scheme]
        entry = part.scheme(asked.scheme)
        try:
            held_out_once(scheme, np.flatnonzero(data.has_value))
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
            **data.fit_options,
        )
        columns = tuple(used_columns(estimator, [str(column) for column in data.features.columns]))
        domain = Domain(data, tuple(data.scales_of(columns)), scheme, part.labels)
        return cls(study, name, part, data, columns, model, intervals, domain)

    def save(self, path: str | Path) -> Path:
        """Write everything that predictions need to one file of numbers and text (`perospin.studies.files`).

        Raises
        ------
        StudyError
            If an estimator in it can't be written, or the file would be too large.
        """
        from perospin.studies.files.model_file import save_model

        return save_model(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Predictor:
        """Open a file that `save` wrote; nothing in it is executed.

        Raises
        ------
        RefusedFileError
            If it is foreign, damaged, changed, or written by a newer perospin.
        """
        from perospin.studies.files.model_file import not_whole, read_model

        state = read_model(path)
        data, columns, scheme = state["data"], state["columns"], state.pop("scheme")
        try:
            domain = Domain(data, tuple(data.scales_of(columns)), scheme, state["part"].labels)
            predictor = cls(**state, domain=domain)
            predictor._try_one_row()
        except Exception as error:  # whatever made-up numbers do to a model, the answer is the same sentence
            raise not_whole(path) from error
        return predictor

    def _try_one_row(self) -> None:
        """Put one row through everything: what does not fit together shows here, not at the first prediction."""
        row = self.data.features.iloc[:1]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = [np.asarray(self.model.predict(row), dtype=float), *self.intervals.predict(row)]
            self.domain.nearest(row, 1)
        if any(values.shape != (1,) or np.isnan(values).any() for values in found):
            raise TypeError("prediction")

    def predict(
        self,
        formula: str | Perovskite,
        ions: Any = None,
        on_compute: Callable[[str], None] | None = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> Prediction:
        """Predict one material.

        Parameters
        ----------
        formula : str or Perovskite
            For example ``"(3AMP)PbI4"``.
        ions : IonLibrary, optional
            Library with the user's own ions.
        on_compute : callable, optional
            Called with the symbol of each cation that must be computed first.
        conditions : mapping, optional
            Values of the columns that no formula tells, as in the study's table; of gathered records the words that
            their ``question`` takes (``quantity``, ``temperature_k`` ...). A category or an uncertain column that isn't
            given is left open.

        Raises
        ------
        FormulaError
            If the formula can't be read or names an unknown ion.
        StudyError
            If a descriptor that the model needs is not known for this material.
        DataError
            If a condition is unknown or impossible.
        """
        from perospin.chemistry import Perovskite

        check_describes(self.study, self.part_name, self.part)
        material, asked_for = Perovskite.of(formula, ions), dict(conditions or {})
        given = self.conditions_of(asked_for)
        row = self._row(self.described([material], ions, on_compute, given), str(material))
        return self._predicted(material, row, str(material), ions, asked_for, given)

    def described(
        self,
        materials: Sequence[Perovskite],
        ions: Any = None,
        on_compute: Callable[[str], None] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Columns that the models read, (n_materials, n_columns), at the conditions `given` (checked ones)."""
        import pandas as pd

        listed = list(materials)
        described = describe_materials(listed, self.part.descriptors.level, ions, on_compute, self.columns)
        if self.part.descriptors.held_out_spacing:
            described = pd.concat([described, held_out_spacing(listed, expected_spacings)], axis=1)
        return pd.concat(
            stated_columns(self.part, self.data, given or {}, described.iloc[[i]], str(material))
            for i, material in enumerate(listed)
        )

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Columns that a material must have: every training row has a value."""
        features = self.data.features
        return tuple(c for c in self.columns if c not in self.data.categories and features[c].notna().all())

    def predict_rows(
        self, path: str | Path, ions: Any = None, on_compute: Callable[[str], None] | None = None
    ) -> tuple[Prediction, ...]:
        """Predict the rows of a CSV file in the columns of the study's table, the user's own columns included.

        Parameters
        ----------
        path : path
            The target may be left out, and so may columns that the model doesn't read.
        ions : IonLibrary, optional
            Library with the user's own ions.
        on_compute : callable, optional
            Called with the symbol of each cation that must be computed first.

        Raises
        ------
        DataError
            If the file can't be read or lacks a column.
        StudyError
            If a row lacks a value that every training row has.
        """
        if self.part.data.records or self.part.target.by:
            raise StudyError(
                f"study '{self.study}', part '{self.part_name}' predicts formulas at conditions, not rows of a table; "
                "give a formula"
            )
        new = read_new_rows(self.part, self.data, self.columns, path, ions, on_compute, expected_spacings)
        found = []
        for i, (label, name, material) in enumerate(zip(new.labels, new.names, new.materials, strict=True)):
            row = self._row(new.features.iloc[[i]].reset_index(drop=True), f"row {label}")
            formula = "" if material is None else str(material)
            title = label if name in ("", label) else f"{label} ({name})"
            found.append(dataclasses.replace(self._predicted(material, row, formula, new.ions), row=title))
        return tuple(found)

    def _predicted(
        self,
        material: Perovskite | None,
        row: pd.DataFrame,
        formula: str,
        ions: Any,
        asked_for: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Prediction:
        """Predict one described row; `material` is None where no formula is known."""
        given = given or {}
        held = self._held_out(given)
        asked, target = self.part.answers, self.part.target
        assert asked is not None  # checked in `fit`
        centre = float(self.model.predict(row)[0])
        low, high = (float(end[0]) for end in self.intervals.predict(row, asked.level))
        base, contributions, errors = self.contributions(row)
        unread: tuple[str, ...] = ()
        if material is not None and self.part.descriptors.source != "table":
            unread = unread_parts(material, row, self.domain.columns, self.part.descriptors.level, ions)
        reasons = [*self.domain.reasons(material, row, unread), *unknown_levels(self.part, self.data, given)]
        value, bottom, top = target.inverse([centre, low, high])
        return Prediction(
            formula=formula,
            quantity=self._quantity(given),
            unit=target.unit,
            value=float(value),
            low=float(bottom),
            high=float(top),
            level=asked.level,
            interval=self.intervals.method,
            typical_factor=float(10 ** np.median(np.abs(held))) if target.logarithmic and len(held) else None,
            in_domain=not reasons,
            reasons=tuple(reasons),
            notes=tuple(self.domain.notes(material, unread)),
            contributions=contributions,
            contribution_errors=errors,
            base=base,
            space=target.space,
            nearest=self.domain.nearest(row, asked.n_nearest),
            known=bool(formula) and formula in set(self.data.rows["formula"]),
            alike=self.domain.alike(formula, row),
            obtained=target.obtained,
            study=self.study,
            part=self.part_name,
            estimator=self.part.title_of(asked.estimator),
            conditions=target.conditions,
            reciprocal=self._reciprocal(float(value), float(bottom), float(top)),
            n_scored=len(held),
            asked=dict(asked_for or {}),
            cautions=() if material is None else tuple(self._cautions(material, asked_for or {})),
            on_record=self._on_record(formula),
            data_sha256=self.data.sha256,
        )

    def conditions_of(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Columns of the study's table from what was asked for, checked before anything is computed.

        Raises
        ------
        DataError
            If a condition is unknown or impossible.
        """
        return checked_conditions(self.part, asked)

    def _quantity(self, given: Mapping[str, Any]) -> str:
        """Name of what is predicted: the word of a column called quantity, or that kind of the target's quantity."""
        by, name = self.part.target.by, self.part.target.quantity
        if not by:
            return name
        return str(given[by]) if by == "quantity" else f"{given[by]} {name}"

    def _held_out(self, given: Mapping[str, Any]) -> FloatArray:
        """Held-out residuals of the rows like the one asked for: of its quantity, where the table holds several."""
        by = self.part.target.by
        if not by:
            return self.intervals.residuals
        quantities = self.data.rows["quantity"].to_numpy(dtype=str)[self.data.has_value]
        return np.asarray(self.intervals.residuals[quantities == str(given[by])])

    @cached_property
    def _records(self) -> pd.DataFrame:
        """Training rows with their conditions, as gathered records read them."""
        own = [column for column in self.data.features if column not in self.data.rows]
        table = self.data.rows.join(self.data.features[own])
        return table if "limit" in table else table.assign(limit=0)

    def _cautions(self, material: Perovskite, asked: Mapping[str, Any]) -> list[str]:
        name = self.part.data.records
        return gathering(name).cautions(self._records, material, asked) if name else []

    def _on_record(self, formula: str) -> tuple[Mapping[str, Any], ...]:
        name = self.part.data.records
        return gathering(name).on_record(self._records, formula) if name else ()

    def _reciprocal(self, value: float, low: float, high: float) -> Counterpart | None:
        named = self.part.target.reciprocal
        if named is None or not value > 0:
            return None
        return Counterpart.of(named.quantity, named.unit, value, low, high)

    def _row(self, described: pd.DataFrame, formula: str) -> pd.DataFrame:
        row = described.reindex(columns=self.data.features.columns)
        missing = [c for c in self.needed if np.isnan(row[c].iloc[0])]
        if missing:
            raise StudyError(
                f"'{formula}' has no value for the descriptor '{missing[0]}', which every training row has, so this "
                "model can't predict it"
            )
        return row

    def contributions(self, row: pd.DataFrame) -> tuple[float, dict[str, float], dict[str, float]]:
        """Return base, contributions (largest first) and their Monte Carlo errors, in the space of the models.

        Parameters
        ----------
        row : DataFrame, (1, n_columns)
            With the columns that the model reads.
        """
        row = row.reindex(columns=self.data.features.columns)
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


def check_describes(study: str, name: str, part: PartSpec) -> None:
    """Refuse formulas where a new material can't be described.

    Raises
    ------
    StudyError
        If the descriptors of the part stand in its table.
    """
    if part.descriptors.source == "table":
        raise StudyError(
            f"study '{study}', part '{name}' takes its descriptors from its table, so a formula alone can't be "
            "predicted; give rows with its columns (perospin predict --rows new.csv), or a study with "
            'descriptors.source = "describe" or "packing"'
        )


def unread_parts(
    material: Perovskite, row: pd.DataFrame, columns: Sequence[str], level: str | None, ions: Any = None
) -> tuple[str, ...]:
    """Name the parts of a material, "metal" or "halide", that no column which the model reads depends on.

    Each is exchanged for another ion, and the material described again.
    """
    from perospin.chemistry import Perovskite
    from perospin.errors import PerospinError

    found = []
    sites = {"metal": (material.b_site, ("Pb", "Sn", "Ge")), "halide": (material.x_site, ("I", "Br", "Cl"))}
    for part, (site, others) in sites.items():
        present = {ion.symbol for ion, _ in site}
        other = next(symbol for symbol in others if symbol not in present or len(present) > 1)
        amounts: dict[str | Ion, Any] = {
            ion: amount
            for whole in (material.spacers, material.a_site, material.b_site, material.x_site)
            if whole is not site
            for ion, amount in whole
        }
        try:
            exchanged = Perovskite.from_ions({**amounts, other: sum(amount for _, amount in site)}, ions)
            described = describe_materials([exchanged], level, ions, derived=columns).reindex(columns=row.columns)
        except PerospinError:
            continue  # no such material, as with metals of other charge: nothing can be said
        changed = described[list(columns)].to_numpy(dtype=float) - row[list(columns)].to_numpy(dtype=float)
        if np.allclose(np.nan_to_num(changed), 0.0, atol=1e-9):
            found.append(part)
    return tuple(found)


def load_model(path: str | Path) -> Predictor:
    """Open a model file; nothing in it is executed (see `Predictor.load`)."""
    return Predictor.load(path)
