"""A prediction in words: headline, reasons and a report to be copied, for terminal, page and notebook alike."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from perospin.descriptors.labels import words
from perospin.digits import figures, value_and_interval
from perospin.units import time_in_words

if TYPE_CHECKING:
    from perospin.studies.predicting.prediction import Prediction

__all__ = ["headlines", "html", "in_words", "report", "why"]


def in_words(value: float, low: float, high: float, unit: str) -> tuple[str, str, str]:
    """Value and ends of an interval, times each in the unit that suits it; the last one carries other units."""
    if unit == "ps":
        return time_in_words(value, 2), time_in_words(low, 2), time_in_words(high, 2)
    a, b, c = value_and_interval(value, low, high)
    return a, b, f"{c} {unit}".rstrip()


def headlines(prediction: Prediction) -> list[tuple[str, str, str]]:
    """Quantity, value and interval; the lifetime first where there is one, then the rate."""
    found = []
    other = prediction.reciprocal
    if other is not None:
        value, low, high = in_words(other.value, other.low, other.high, other.unit)
        found.append((other.quantity, value if other.unit == "ps" else f"{value} {other.unit}", f"{low} to {high}"))
    value, low, high = value_and_interval(prediction.value, prediction.low, prediction.high)
    if prediction.unit == "ps":
        value, low, high = in_words(prediction.value, prediction.low, prediction.high, "ps")
        return [*found, (prediction.quantity, value, f"{low} to {high}")]
    unit = f" {prediction.unit}" if prediction.unit else ""
    return [*found, (prediction.quantity, f"{value}{unit}", f"{low} to {high}{unit}")]


def why(prediction: Prediction) -> str:
    """Say what moves the value: factors of the lifetime or the quantity on a log scale, else in its unit."""
    if not prediction.contributions:
        return ""
    if prediction.space.startswith("log"):
        other = prediction.reciprocal
        sign, what, unit = (-1.0, other.quantity, other.unit) if other else (1.0, prediction.quantity, prediction.unit)
        base = 10.0 ** (sign * prediction.base)
        start = in_words(base, base, base, unit)[0] if unit == "ps" else f"{figures(base, 2)} {unit}".rstrip()
        # factors that print as 1.00 say nothing; to_dict has them all
        terms = [
            f"{words(name)} ×{10.0 ** (sign * value):.2f}"
            for name, value in prediction.contributions.items()
            if abs(value) >= 0.005
        ]
        return f"{what} {start} on average, then {', '.join(terms)}"
    least = 0.005 * max(abs(prediction.value), 1e-12)
    shown = {name: value for name, value in prediction.contributions.items() if abs(value) >= 0.2 * least}
    unit = f" {prediction.unit}" if prediction.unit else ""
    told = ", ".join(f"{words(name)} {'+' if v > 0 else '−'}{figures(abs(v), 2)}" for name, v in shown.items())
    return f"{figures(prediction.base, 3)}{unit} on average, then {told}"


def report(prediction: Prediction) -> str:
    """Everything that belongs to a prediction as lines of plain text."""
    level = f"{100 * prediction.level:.0f} % interval"
    lines = [prediction.title]
    lines += [f"{what} {value}, {level} {interval}" for what, value, interval in headlines(prediction)]
    lines += [prediction.conditions] if prediction.conditions else []
    asked = ", ".join(f"{name} {value}" for name, value in prediction.asked.items())
    lines += [f"asked for: {asked}"] if asked else []
    lines.append(f"the interval is made {prediction.interval_in_words}")
    lines += [prediction.spread_in_words] if prediction.spread_in_words else []
    if prediction.in_domain:
        lines.append("in domain: the training rows hold materials like this one")
    lines += [f"out of domain: {reason}" for reason in prediction.reasons]
    lines += [f"caution: {caution}" for caution in prediction.cautions]
    lines += [f"note: {note}" for note in prediction.notes]
    if prediction.known:
        lines.append("this material is itself among the training rows")
    if prediction.alike:
        lines.append(f"the model can't tell it from {', '.join(prediction.alike)}: equal in all it reads")
    lines += [f"why: {told}"] if (told := why(prediction)) else []
    other = prediction.reciprocal
    for near in prediction.nearest:
        value = 1.0 / near.value if other and near.value else near.value
        doubt = "" if near.certain else " (composition uncertain)"
        unit = other.unit if other else prediction.unit
        lines.append(
            f"nearest known: {near.formula}{doubt}, {prediction.obtained} {figures(value, 3)} {unit}, "
            f"distance {near.distance:.2f}, {near.source}"
        )
    lines.append(f"model: {prediction.estimator}; study {prediction.study}, part {prediction.part}")
    return "\n".join(lines) + "\n"


def html(prediction: Prediction) -> str:
    """Write a prediction for a notebook: value and interval in a table, domain and model below it."""
    level = f"{100 * prediction.level:.0f} % interval"
    rows = "".join(
        f"<tr><td>{escape(what)}</td><td><b>{escape(value)}</b></td><td>{escape(interval)}</td></tr>"
        for what, value, interval in headlines(prediction)
    )
    told = [
        "in domain: the training rows hold materials like this one" if prediction.in_domain else "",
        *(f"<b>out of domain</b>: {escape(reason)}" for reason in prediction.reasons),
        *(f"caution: {escape(caution)}" for caution in prediction.cautions),
        escape(prediction.conditions),
        escape(f"model: {prediction.estimator}; study {prediction.study}, part {prediction.part}"),
    ]
    return (
        f"<div><b>{escape(prediction.title)}</b><table><thead><tr><th>quantity</th><th>predicted</th><th>{level}</th>"
        f"</tr></thead><tbody>{rows}</tbody></table>{'<br>'.join(line for line in told if line)}</div>"
    )
