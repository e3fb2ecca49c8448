"""Predict a lifetime at the conditions asked for, with an interval and what the records can't support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from perospin.studies.lifetimes.study import CalibratedModel, Progress
from perospin.studies.lifetimes.table import Conditioned, lifetime_table, question

__all__ = ["LifetimePrediction", "LifetimePredictor"]

_FEW_MATERIALS = 5
_FEW_FIELDS = 10


@dataclass(frozen=True)
class LifetimePrediction:
    """A predicted lifetime.

    Attributes
    ----------
    formula, quantity : str
    asked : dict
        Conditions that were asked for; what is not in it was left open.
    value_ps, low_ps, high_ps : float
        Median and ends of the interval (ps).
    level : float
        Nominal level.
    interval : str
        How the interval was made.
    typical_factor : float
        Half of the stated values of this quantity, whole materials held out, are predicted within this factor.
    n_scored : int
        How many values that is.
    contributions : dict of str to float
        Part of each effect in log10 of the value (decades), largest first.
    cautions : tuple of str
        What the records behind this prediction can't support.
    known : tuple of dict
        Records of the same material: quantity, value (ps), limit, temperature (K), source.
    """

    formula: str
    quantity: str
    asked: Mapping[str, Any]
    value_ps: float
    low_ps: float
    high_ps: float
    level: float
    interval: str
    typical_factor: float
    n_scored: int
    contributions: Mapping[str, float]
    cautions: tuple[str, ...]
    known: tuple[Mapping[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        from perospin.saving import plain

        return dict(plain(asdict(self)))

    def __str__(self) -> str:
        low, high = in_words(self.low_ps, 2), in_words(self.high_ps, 2)
        return (
            f"{self.formula}: {self.quantity} {in_words(self.value_ps)} ({100 * self.level:.0f} % interval "
            f"{low} to {high}; {self.interval})"
        )


def in_words(time_ps: float, digits: int = 3) -> str:
    """Write a time in a unit that suits its size: ``6.06 ns``."""
    from perospin.units import convert, readable_unit

    unit = readable_unit(time_ps, "ps")
    value = convert(time_ps, "ps", unit)
    whole = value >= 10**digits  # never 3.5e+02
    return f"{value:.0f} {unit}" if whole else f"{value:.{digits}g} {unit}"


@dataclass(frozen=True, eq=False)
class LifetimePredictor:
    """The model of lifetimes under conditions, fitted once for many predictions.

    Attributes
    ----------
    calibrated : CalibratedModel
    """

    calibrated: CalibratedModel

    @classmethod
    def fit(cls, rows: Conditioned | None = None, progress: Progress | None = None) -> LifetimePredictor:
        """Fit on all records (or the rows given); seconds."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return cls(CalibratedModel.fit(lifetime_table() if rows is None else rows, progress))

    def predict(
        self,
        formula: str,
        quantity: str = "tau_spin",
        *,
        temperature_k: float | None = None,
        field_t: float | None = None,
        carrier: str = "",
        technique: str = "",
        form: str = "",
        level: float = 0.9,
        ions: Any = None,
    ) -> LifetimePrediction:
        """Predict one material; what is not asked for is left open and widens the interval.

        Parameters
        ----------
        formula : str
        quantity : {"tau_spin", "T1", "T2", "T2_star"}
        temperature_k, field_t : float, optional
            Temperature (K) and magnetic field (T).
        carrier, technique, form : str
            As in the records; `technique` may be a class of `TECHNIQUES`.
        level : float
            Nominal level of the interval.
        ions : IonLibrary, optional
            With the user's own ions.

        Raises
        ------
        DataError
            If a condition is unknown or impossible.
        FormulaError
            If the formula can't be read.
        """
        row = question(
            formula,
            quantity,
            temperature_k=temperature_k,
            field_t=field_t,
            carrier=carrier,
            technique=technique,
            form=form,
            ions=ions,
        )
        mean, low, high = (float(end[0]) for end in self.calibrated.predict(row, level))
        parts = {name: float(value[0]) for name, value in self.calibrated.model.contributions(row).items()}
        factor, count = self.calibrated.typical_factor(quantity)
        asked = {
            "temperature_k": temperature_k,
            "field_t": field_t,
            "carrier": carrier,
            "technique": technique,
            "form": form,
        }
        return LifetimePrediction(
            formula=str(row.formula[0]),
            quantity=quantity,
            asked={name: value for name, value in asked.items() if value not in (None, "")},
            value_ps=10.0**mean,
            low_ps=10.0**low,
            high_ps=10.0**high,
            level=level,
            interval="CV+, leave one material out, normalised by the model's own spread",
            typical_factor=factor,
            n_scored=count,
            contributions=dict(sorted(parts.items(), key=lambda item: -abs(item[1]))),
            cautions=tuple(self._cautions(row, temperature_k, field_t, ions)),
            known=self._known(str(row.formula[0])),
        )

    def _cautions(self, row: Conditioned, temperature_k: float | None, field_t: float | None, ions: Any) -> list[str]:
        from perospin.chemistry import Perovskite

        rows, found = self.calibrated.rows, []
        quantity = str(row.quantity[0])
        mine = rows.take(rows.stated[rows.quantity[rows.stated] == quantity])
        materials = set(mine.formula.tolist())
        if len(materials) < _FEW_MATERIALS:
            found.append(
                f"only {len(materials)} material{'s have' if len(materials) != 1 else ' has'} a stated {quantity}: the "
                "value rests on other quantities and the interval on other materials"
            )
        layered = {formula for formula in materials if Perovskite.parse(formula).n_layers is not None}
        asked = Perovskite.parse(str(row.formula[0]), ions)
        if asked.n_layers is not None and not layered:
            found.append(f"no layered material has a stated {quantity}")
        measured = rows.log_temperature[rows.temperature_sd == 0]
        if temperature_k is None:
            found.append("no temperature was asked for: the interval holds for any from about 5 to 300 K")
        elif not float(measured.min()) <= float(row.log_temperature[0]) <= float(measured.max()) + 0.02:
            found.append(f"{temperature_k:g} K lies outside the temperatures that records state")
        fields = int((rows.field_sd == 0).sum())
        if field_t is not None and fields < _FEW_FIELDS:
            found.append(f"only {fields} records state a magnetic field: its effect is not known from them")
        known = [Perovskite.parse(formula) for formula in dict.fromkeys(rows.formula.tolist())]
        for word, site in (("metal", "b_site"), ("halide", "x_site")):
            seen = {ion.symbol for material in known for ion, _ in getattr(material, site)}
            new = sorted({ion.symbol for ion, _ in getattr(asked, site)} - seen)
            if new:
                found.append(f"{word} {', '.join(new)} is in no record: out of domain")
        return found

    def _known(self, formula: str) -> tuple[Mapping[str, Any], ...]:
        rows = self.calibrated.rows
        words = {0: "value", 1: "at least", -1: "at most"}
        return tuple(
            {
                "record_id": str(rows.record_id[i]),
                "quantity": str(rows.quantity[i]),
                "value_ps": float(rows.value_ps[i]),
                "limit": words[int(rows.limit[i])],
                "temperature_k": 295.0 * 10.0 ** float(rows.log_temperature[i])
                if rows.temperature_sd[i] == 0
                else None,
                "source": str(rows.source[i]),
            }
            for i in np.flatnonzero(rows.formula == formula)
        )
