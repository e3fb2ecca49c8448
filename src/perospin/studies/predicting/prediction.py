"""One predicted material: value, interval, domain, reasons, nearest known ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from perospin.digits import figures
from perospin.studies.predicting.domain import Neighbour

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def interval_in_words(method: str) -> str:
    """Say how an interval was made, for a reader who has not heard of CV+."""
    scheme = method.removeprefix("CV+, ").removeprefix("Jackknife+, ").partition(", normalised")[0]
    wider = ", wider where the model is less sure" if "normalised" in method else ""
    return f"from the errors of held-out predictions ({scheme}){wider}"


@dataclass(frozen=True)
class Counterpart:
    """One over the predicted quantity with its interval: the lifetime that belongs to a rate."""

    quantity: str
    unit: str
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, quantity: str, unit: str, value: float, low: float, high: float) -> Counterpart:
        """Make it from the positive quantity itself; an end that is 0 has no counterpart but infinity."""
        return cls(quantity, unit, 1.0 / value, 1.0 / high if high > 0 else 0.0, 1.0 / low if low > 0 else float("inf"))


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
        The space of the models, for example "log₁₀ of the spin relaxation rate".
    nearest : tuple of Neighbour
    known : bool
        Whether this very material is among the training rows.
    alike : tuple of str
        Other known materials with equal values in every column that the model reads: it can't tell them apart.
    obtained : str
        How the known values were obtained: "measured" or "computed".
    study, part, estimator : str
        What answered.
    conditions : str
        Where the value holds, in words.
    reciprocal : Counterpart or None
        One over the quantity, for example the lifetime of a rate.
    n_scored : int
        How many held-out values the typical factor is the middle of.
    asked : dict
        Conditions that were asked for; what is not in it was left open.
    cautions : tuple of str
        What the records behind this prediction can't support.
    on_record : tuple of dict
        Records of the same material, where the study gathers records.
    row : str
        Label and name of the user's row that was asked about; empty for a formula.
    data_sha256 : str
        Fingerprint of the training rows; a result of the study has the same one in its provenance.
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
    conditions: str = ""
    reciprocal: Counterpart | None = None
    n_scored: int = 0
    asked: Mapping[str, Any] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    on_record: tuple[Mapping[str, Any], ...] = ()
    row: str = ""
    data_sha256: str = ""

    @property
    def title(self) -> str:
        """What was predicted, in words: the formula, or the row."""
        if not self.row:
            return self.formula
        return f"row {self.row}" + (f": {self.formula}" if self.formula and self.formula not in self.row else "")

    @property
    def interval_in_words(self) -> str:
        """How the interval was made, for a reader who has not heard of CV+."""
        return interval_in_words(self.interval)

    @property
    def spread_in_words(self) -> str:
        """What the typical factor and the interval say, and why they differ; empty without a typical factor."""
        if not self.typical_factor:
            return ""
        text = f"half of the held-out predictions were right within a factor {self.typical_factor:.2f}"
        if self.low > 0 and self.low < self.high < float("inf"):
            text += (
                f"; the interval must hold {100 * self.level:.0f} of 100, the worst misses with it, so it spans a "
                f"factor {figures(self.high / self.low, 2)}"
            )
        return text

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON (infinite ends become null)."""
        from perospin.saving import plain

        return dict(plain(asdict(self)))

    def plot(self) -> Figure:
        """Draw the contributions as a waterfall from the average to this prediction, with the interval."""
        from perospin.studies.predicting.waterfall import waterfall

        return waterfall(self)

    def report(self) -> str:
        """Everything that belongs to this prediction as lines of plain text, to be copied."""
        from perospin.studies.predicting.words import report

        return report(self)

    def __repr__(self) -> str:
        from perospin.studies.predicting.words import headlines

        what, value, interval = headlines(self)[0]
        domain = "in domain" if self.in_domain else f"out of domain: {'; '.join(self.reasons)}"
        return f"<Prediction {self.title}: {what} {value} ({100 * self.level:.0f} % interval {interval}), {domain}>"

    def _repr_html_(self) -> str:
        from perospin.studies.predicting.words import html

        return html(self)

    def __str__(self) -> str:
        text = (
            f"{self.title}: {self.quantity} {self.value:.3g} {self.unit} "
            f"({100 * self.level:.0f} % interval {self.low:.2g} to {self.high:.2g})"
        )
        return text if self.in_domain else f"{text}; out of domain: {'; '.join(self.reasons)}"
