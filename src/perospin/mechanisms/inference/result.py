"""The result of an inference: frozen, plottable, saved as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, RefusedFileError
from perospin.mechanisms._arrays import Float
from perospin.mechanisms.quantities import QUANTITIES
from perospin.saving import one_run, read_text, write_csv, write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Curve", "Estimate", "MechanismResult", "ModelFit", "Verdict"]

_FORMAT = "perospin mechanism inference"
_VERSION = 1
# unit: other units in which a very large or small value is printed, the first that fits
_LARGER = {"ps": ((1e-9, "ms"), (1e-6, "us"), (1e-3, "ns")), "1/ps": ((1e6, "1/us"), (1e9, "1/ms"))}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A parameter with its 90 % interval.

    Attributes
    ----------
    name, unit
        Argument name of the laws, or ``"<mechanism>: coefficient"`` (rate over the shape, see
        `perospin.mechanisms.inference.candidates`).
    value, low, high
        Best value (fast) or median (NUTS), and ends of the 90 % interval (profile or posterior).
    """

    name: str
    unit: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        scale, unit = 1.0, "" if self.unit == "1" else f" {self.unit}"
        for step, words in _LARGER.get(self.unit, ()):  # 7.97e+08 ps reads better as 0.797 ms
            if (self.value * step >= 0.1 and self.value > 1e4) or (self.value < 1e-4 and self.value * step < 1e4):
                scale, unit = step, f" {words}"
                break
        name = QUANTITIES[self.name].short if self.name in QUANTITIES else self.name
        return f"{name} = {self.value * scale:.3g} ({self.low * scale:.3g} to {self.high * scale:.3g}){unit}"


@dataclass(frozen=True, slots=True)
class ModelFit:
    """One sum of mechanisms.

    Attributes
    ----------
    name, mechanisms
        What it adds up.
    probability
        Akaike weight (fast) or pseudo-BMA+ weight (NUTS).
    score, score_name
        AICc (smaller is better), or expected log predictive density (larger is better).
    chi2
        Sum of squared residuals with the stated uncertainties; None without.
    n_parameters
        Free parameters.
    parameters
        Their values.
    score_error, r_hat, divergences, pareto_k
        Of the NUTS mode: standard error of the score, largest split R-hat, divergent draws, largest Pareto k.
    """

    name: str
    mechanisms: tuple[str, ...]
    probability: float
    score: float
    score_name: str
    chi2: float | None
    n_parameters: int
    parameters: tuple[Estimate, ...]
    score_error: float | None = None
    r_hat: float | None = None
    divergences: int | None = None
    pareto_k: float | None = None

    def __getitem__(self, name: str) -> Estimate:
        """Parameter of a name.

        Raises
        ------
        DataError
            If the model has none of that name.
        """
        for estimate in self.parameters:
            if estimate.name == name:
                return estimate
        raise DataError(f"{self.name} has no parameter '{name}'; it has {', '.join(e.name for e in self.parameters)}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer.

    Attributes
    ----------
    decided
        Whether the data can tell.
    mechanisms
        Mechanisms that lead under some of the conditions with at least the threshold's probability.
    certainty
        Probability, averaged over the rows, that the leading mechanism is among them.
    threshold
        The threshold.
    adequate
        Whether some model describes the data within their stated uncertainties (p >= 0.001).
    sentence
        The same in words.
    """

    decided: bool
    mechanisms: tuple[str, ...]
    certainty: float
    threshold: float
    adequate: bool
    sentence: str


@dataclass(frozen=True)
class Curve:
    """Rates along the only condition that varies.

    Attributes
    ----------
    condition, grid
        Its name and values, shape (m,).
    total_per_ps, predicted_per_ps
        Median, 5 % and 95 % of the rate, and of a new measurement of it (1/ps); (m, 3).
    parts_per_ps
        Mean rate of each mechanism over the models (1/ps), (m,).
    """

    condition: str
    grid: Float
    total_per_ps: Float
    predicted_per_ps: Float
    parts_per_ps: Mapping[str, Float]


@dataclass(frozen=True)
class MechanismResult:
    """What `infer` found.

    Attributes
    ----------
    mode
        ``"fast"`` or ``"nuts"``.
    verdict
        The answer, with a sentence.
    models
        All models compared, most probable first.
    mechanism_probability
        Probability that each mechanism counts: that it makes up a tenth of the rate somewhere.
    shares
        For each mechanism its share of the rate in each row: mean, 5 %, 95 %, over all models; (n, 3).
    dominance
        For each mechanism the probability that it is the largest contribution in a row; (n,).
    twins
        For each mechanism all laws that are the same on the columns measured.
    rate_per_ps, relative_uncertainty, conditions
        The data.
    predicted_per_ps
        Posterior predictive of a new measurement in each row: median, 5 %, 95 % (1/ps); (n, 3).
    curve
        Along the one condition that varies; None if several do.
    notes
        What to know.
    provenance
        Settings, hash of the data, versions.
    """

    mode: str
    verdict: Verdict
    models: tuple[ModelFit, ...]
    mechanism_probability: Mapping[str, float]
    shares: Mapping[str, Float]
    dominance: Mapping[str, Float]
    twins: Mapping[str, tuple[str, ...]]
    rate_per_ps: Float
    relative_uncertainty: Float | None
    conditions: Mapping[str, Float]
    predicted_per_ps: Float
    curve: Curve | None
    notes: tuple[str, ...]
    provenance: Mapping[str, Any]

    @property
    def best(self) -> ModelFit:
        """The most probable model."""
        return self.models[0]

    def to_frame(self) -> pd.DataFrame:
        """One row a measurement: conditions, rate, prediction (median, 5 %, 95 %), share of each mechanism."""
        import pandas as pd

        columns: dict[str, Any] = {**self.conditions, "rate_per_ps": self.rate_per_ps}
        for i, label in enumerate(("", "_low", "_high")):
            columns[f"predicted{label}_per_ps"] = self.predicted_per_ps[:, i]
        for name, share in self.shares.items():
            for i, label in enumerate(("", "_low", "_high")):
                columns[f"share_{name}{label}"] = share[:, i]
        return pd.DataFrame(columns)

    def summary(self) -> str:
        """Verdict, probabilities and parameters in a few lines of text."""
        lines = [self.verdict.sentence, ""]
        lines += [f"{len(self.rate_per_ps)} measurements against {', '.join(self.conditions)}; mode {self.mode}.", ""]
        lines.append("Probability that a mechanism counts (at least a tenth of the rate somewhere):")
        for name, p in sorted(self.mechanism_probability.items(), key=lambda item: -item[1]):
            share = self.shares[name][:, 0]
            span = f"{share.min():.0%} to {share.max():.0%}" if p >= 0.005 else "-"
            lines.append(f"  {' or '.join(self.twins[name]):42s} {p:5.2f}   share {span}")
        lines += ["", f"Models ({self.models[0].score_name}):"]
        for model in self.models[:5]:
            if model.probability < 0.001 and model is not self.models[0]:
                break
            lines.append(f"  {model.name:42s} {model.probability:5.2f}   {model.score:.1f}")
            lines += [f"      {estimate}" for estimate in model.parameters]
        if self.notes:
            lines += ["", *(f"Note: {note}." for note in self.notes)]
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Draw the data, the posterior predictive and the shares.

        Returns
        -------
        Figure
            At column width. With one varying condition the curve and the parts of each mechanism against it, else
            measured against predicted rates and the shares row by row.
        """
        from perospin.mechanisms.inference.figures import inference_figure

        return inference_figure(self)

    def to_json(self) -> str:
        """Write the whole result as JSON text; `from_json` reads it back."""
        return json.dumps({"format": _FORMAT, "version": _VERSION, **_plain(asdict(self))}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> MechanismResult:
        """Read a result; nothing in the text is executed.

        Raises
        ------
        DataError
            If the text isn't the JSON of a result.
        """
        try:
            found = json.loads(text)
            if found.get("format") != _FORMAT:
                raise DataError("this JSON is not the result of a mechanism inference")
            if found["version"] != _VERSION:
                raise DataError(f"this result has version {found['version']}; version {_VERSION} is read")
            return cls(
                mode=str(found["mode"]),
                verdict=Verdict(**{**found["verdict"], "mechanisms": tuple(found["verdict"]["mechanisms"])}),
                models=tuple(_model(m) for m in found["models"]),
                mechanism_probability={k: float(v) for k, v in found["mechanism_probability"].items()},
                shares={k: _array(v) for k, v in found["shares"].items()},
                dominance={k: _array(v) for k, v in found["dominance"].items()},
                twins={k: tuple(v) for k, v in found["twins"].items()},
                rate_per_ps=_array(found["rate_per_ps"]),
                relative_uncertainty=(
                    None if found["relative_uncertainty"] is None else _array(found["relative_uncertainty"])
                ),
                conditions={k: _array(v) for k, v in found["conditions"].items()},
                predicted_per_ps=_array(found["predicted_per_ps"]),
                curve=None if found["curve"] is None else _curve(found["curve"]),
                notes=tuple(found["notes"]),
                provenance=found["provenance"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"this is not the saved result of a mechanism inference: {error!s:.80}") from None

    def save(self, folder: str | Path) -> Path:
        """Write the result into a folder: ``result.json``, ``summary.txt``, ``rows.csv``.

        Raises
        ------
        DataError
            If the folder can't be written.
        """
        with one_run(folder) as target:
            write_text(target / "result.json", self.to_json())
            write_text(target / "summary.txt", self.summary() + "\n")
            write_csv(self.to_frame(), target / "rows.csv")
        return target

    @classmethod
    def load(cls, path: str | Path) -> MechanismResult:
        """Read a saved result, from its folder or its JSON file.

        Raises
        ------
        DataError
            If there is none, or it can't be read.
        """
        file = Path(path)
        file = file / "result.json" if file.is_dir() else file
        try:
            return cls.from_json(read_text(file, "the saved result"))
        except RefusedFileError as error:
            raise DataError(str(error)) from None


def _plain(value: Any) -> Any:
    """Turn arrays and tuples into lists and numbers for JSON; infinity and NaN become words."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else repr(number)
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return value


def _array(values: Any) -> Float:
    return np.asarray(values, dtype=float)


def _model(found: Mapping[str, Any]) -> ModelFit:
    # float() also reads "inf", "-inf" and "nan", as they were written
    estimates = (
        Estimate(p["name"], p["unit"], float(p["value"]), float(p["low"]), float(p["high"]))
        for p in found["parameters"]
    )

    def number(key: str) -> float | None:
        return None if found[key] is None else float(found[key])

    return ModelFit(
        name=found["name"],
        mechanisms=tuple(found["mechanisms"]),
        probability=float(found["probability"]),
        score=float(found["score"]),
        score_name=found["score_name"],
        chi2=number("chi2"),
        n_parameters=int(found["n_parameters"]),
        parameters=tuple(estimates),
        score_error=number("score_error"),
        r_hat=number("r_hat"),
        divergences=None if found["divergences"] is None else int(found["divergences"]),
        pareto_k=number("pareto_k"),
    )


def _curve(found: Mapping[str, Any]) -> Curve:
    return Curve(
        found["condition"],
        _array(found["grid"]),
        _array(found["total_per_ps"]),
        _array(found["predicted_per_ps"]),
        {k: _array(v) for k, v in found["parts_per_ps"].items()},
    )
