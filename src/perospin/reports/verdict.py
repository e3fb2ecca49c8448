"""What the figures of one part say, in plain words. Every sentence follows from numbers by a fixed rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perospin.digits import counted, figures, number, percent, r2_text, signed

if TYPE_CHECKING:
    from perospin.studies.result import PartResult


LEAST_R2 = 0.1
"""A model below it is never said to do better than anything."""
FEW_SHUFFLES = 19
"""With fewer shuffles than these there is no p below 0.05: the best of them is compared."""


@dataclass(frozen=True)
class Finding:
    """One sentence of the verdict; `tone` is "good", "bad" or "plain"."""

    tone: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """The verdict on one part: a headline, its tone, and the findings behind it."""

    headline: str
    tone: str
    findings: tuple[Finding, ...]


def reach(part: PartResult) -> Verdict:
    """Judge the declared model of a part against its baseline, the noise, and its own in-sample score."""
    spec = part.spec
    name, scheme = spec.verdict.estimator, spec.verdict.scheme
    model, rule = spec.title_of(name), spec.title_of(spec.baseline)
    label, space = part.scheme_label(scheme), part.spec.target.space
    score, base = part.told_score(name, scheme), part.told_score(spec.baseline, scheme)
    if score is None:
        return Verdict("The model of the verdict was not run.", "bad", ())
    gain = part.gain(name, scheme)
    headline, tone = _headline(part, model, rule, score, base, gain)
    findings = [Finding(tone, _against_baseline(model, rule, label, space, score, base, gain))]
    findings += _beside(part, label)
    findings += _subsets(part, model, rule, label)
    findings += _not_blind(part, name)
    findings += _memory(part, name, label, score)
    findings += _noise(part)
    findings += [_permutation(part, row) for row in part.permutations.to_dict("records")]
    failed = [str(row["test"]) for row in part.sanity.to_dict("records") if not row["passed"]]
    if len(part.sanity):
        findings.append(
            Finding("bad", f"Sanity tests failed ({label}): {', '.join(failed)}.")
            if failed
            else Finding("good", f"All {len(part.sanity)} sanity tests passed ({label}).")
        )
    return Verdict(headline, tone, tuple(findings))


def _headline(part: PartResult, model: str, rule: str, score: Any, base: Any, gain: Any) -> tuple[str, str]:
    same = part.spec.verdict.estimator == part.spec.baseline
    if base is None or same:
        return f"{_first(model)} is the only statement of this part.", "plain"
    if score["r2"] < base["r2"]:
        return f"On materials it has not seen, {model} does worse than the {rule}.", "bad"
    if not score["r2"] >= LEAST_R2:
        return f"On materials it has not seen, {model} says next to nothing ({_r2_with_scheme(part, score)}).", "bad"
    if shuffled_does_as_well(part):
        return f"On materials it has not seen, {model} can't be told from one that learnt a shuffled target.", "bad"
    if lost := _rests_on(part):
        return f"On materials it has not seen, {model} does better than the {rule} only through {lost}.", "bad"
    if gain is not None and gain["low"] > 0:
        return f"On materials it has not seen, {model} does better than the {rule}.", "good"
    return (
        f"On materials it has not seen, {model} does better than the {rule}, but this table is too small to be sure.",
        "plain",
    )


def shuffled_does_as_well(part: PartResult) -> bool:
    """Whether the model under the shuffle test reaches no more than with shuffled targets (5 %, or the best of few)."""
    if part.scrambles.empty:
        return False
    r2 = part.scrambles["r2"].to_numpy(dtype=float)
    observed, null = r2[0], r2[1:]
    if len(null) >= FEW_SHUFFLES:
        return not float(part.scrambles["p"].iloc[0]) <= 0.05
    return not observed > max(null, default=-math.inf)


def _r2_with_scheme(part: PartResult, score: Any) -> str:
    return f"{r2_text(score['r2'])}, {part.scheme_label(part.spec.verdict.scheme)}"


def _rests_on(part: PartResult) -> str:
    """Name the declared rows without which the model of the verdict errs no less than the baseline; empty if none."""
    verdict = part.spec.verdict
    for subset in part.spec.checks.subsets:
        model = part.without(subset.name, verdict.estimator, verdict.scheme)
        rule = part.without(subset.name, part.spec.baseline, verdict.scheme)
        if model is not None and rule is not None and model["sse_others"] >= rule["sse_others"]:
            return f"{model['n_rows']} of {model['n_rows'] + model['n_others']} rows ({subset.name})"
    return ""


def _against_baseline(model: str, rule: str, label: str, space: str, score: Any, base: Any, gain: Any) -> str:
    text = f"{_first(model)} reaches {r2_text(score['r2'])} of {space} ({label})"
    if score.get("n_seeds"):
        text += f", the middle of {score['n_seeds']} seeds from {number(score['r2_low'])} to {number(score['r2_high'])}"
    factor = score.get("typical_factor")
    if factor and math.isfinite(factor):
        text += f"; half of its predictions are within a factor {factor:.2f}"
    if base is not None and base["estimator"] != score["estimator"]:
        text += f". The {rule} reaches {r2_text(base['r2'])} ({label})"
    if gain is not None:
        sure = "does not include 0" if gain["low"] > 0 or gain["high"] < 0 else "includes 0"
        text += (
            f". Difference {signed(gain['gain'])}, {percent(gain['level'])} interval {signed(gain['low'])} to "
            f"{signed(gain['high'])}, which {sure}"
        )
    return text + "."


def _beside(part: PartResult, label: str) -> list[Finding]:
    """Other simple statements that the study puts beside its model."""
    spec, found = part.spec, []
    for name in spec.verdict.beside:
        score = part.told_score(name, spec.verdict.scheme)
        if score is None:
            continue
        text = f"{_first(spec.title_of(name))} reaches {r2_text(score['r2'])}"
        if spec.target.logarithmic:
            text += f" of {spec.target.space} and {r2_text(score['r2_original'])} of the {spec.target.quantity} itself"
            text += f", typical factor {score['typical_factor']:.2f}"
        found.append(Finding("plain", f"{text} ({label})."))
    return found


def _subsets(part: PartResult, model: str, rule: str, label: str) -> list[Finding]:
    """Say what is left of the gain without the rows that the study names."""
    spec, found = part.spec, []
    for subset in spec.checks.subsets:
        ours = part.without(subset.name, spec.verdict.estimator, spec.verdict.scheme)
        theirs = part.without(subset.name, spec.baseline, spec.verdict.scheme)
        if ours is None or theirs is None or spec.verdict.estimator == spec.baseline:
            continue
        space = " in log₁₀" if spec.target.logarithmic else ""
        better = ours["sse_others"] < theirs["sse_others"]
        found.append(
            Finding(
                "plain" if better else "bad",
                f"Without {subset.name}: {model} {r2_text(ours['r2_without'])}, {rule} {r2_text(theirs['r2_without'])} "
                f"({label}). Sum of squared errors{space} on the other {counted(ours['n_others'], 'row')}: {model} "
                f"{number(ours['sse_others'])}, {rule} {number(theirs['sse_others'])}; on the {ours['n_rows']} named "
                f"rows: {number(ours['sse_rows'])} and {number(theirs['sse_rows'])}.",
            )
        )
    return found


def _not_blind(part: PartResult, name: str) -> list[Finding]:
    known = part.spec.known_beforehand(name)
    return [Finding("plain", f"{_first(part.spec.title_of(name))} is not blind: {known}")] if known else []


def _memory(part: PartResult, name: str, label: str, score: Any) -> list[Finding]:
    fitted = next((s.key for s in part.spec.schemes if s.kind == "in_sample"), None)
    own = part.score(name, fitted) if fitted else None
    if own is None:
        return []
    lost = own["r2"] - score["r2"]
    text = f"Scored on its own training rows the same model has {r2_text(own['r2'])} (in sample)"
    if lost > 0.3:
        return [Finding("bad", f"{text}: a difference of {lost:.2f} to {label} is memory, not knowledge.")]
    return [Finding("plain", f"{text}, {lost:.2f} above {label}.")]


def _noise(part: PartResult) -> list[Finding]:
    if not part.noise:
        return []
    pairs = len(part.noise["pairs"])
    size = f"a factor {part.noise['factor']:.2f}" if part.noise.get("factor") else f"{part.noise['sigma']:.2g}"
    ceiling = part.noise.get("ceiling_r2")
    text = (
        f"The same material measured twice differs by {size} (one standard deviation, from "
        f"{counted(pairs, 'material')}), so even "
        f"a perfect model can't be expected above {r2_text(ceiling)} on rows it has not seen"
    )
    low, high = part.noise.get("ceiling_r2_low"), part.noise.get("ceiling_r2_high")
    if low is not None and high is not None:
        text += f" (95 % of this ceiling: {number(low)} to {number(high)})"
    return [Finding("plain", text + ".")]


def _permutation(part: PartResult, row: Any) -> Finding:
    from perospin.descriptors.labels import words

    columns = ", ".join(words(c, part.spec.labels) for c in str(row["columns"]).split(", "))
    convinced = row["p"] < 0.05
    return Finding(
        "good" if convinced else "plain",
        f"Dealing out {columns} at random among materials of the same kind lowers "
        f"{part.spec.title_of(row['estimator'])} from {r2_text(row['r2'])} to {r2_text(row['null_middle'])} in the "
        f"middle ({part.scheme_label(row['scheme'])}, {row['n_permutations']} permutations): p = {row['p']:.3f}"
        + (", so it carries information." if convinced else ", which is not convincing."),
    )


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]


def answer_text(part: PartResult) -> str:
    """Say how close a prediction is, in lifetimes where rates are modelled; empty without a score."""
    spec = part.spec
    score = part.told_score(spec.verdict.estimator, spec.verdict.scheme)
    if score is None:
        return ""
    what = spec.target.reciprocal.quantity if spec.target.reciprocal else spec.target.quantity
    held = part.scheme_label(spec.verdict.scheme)
    if spec.target.logarithmic and score.get("typical_factor"):
        return (
            f"Half of the held-out predictions of the {what} are within a factor {score['typical_factor']:.2f} of the "
            f"{spec.target.obtained} value ({held})."
        )
    unit = f" {spec.target.unit}" if spec.target.unit else ""
    return f"A held-out prediction of the {what} is off by {figures(float(score['mae']), 2)}{unit} on average ({held})."


def limits(part: PartResult) -> list[str]:
    """Say what the model can't do: what the author says, else what the rows say by themselves."""
    if part.spec.verdict.does_not_support:
        return list(part.spec.verdict.does_not_support)
    named = sorted({str(group) for group in part.rows.get("group:spacer", ())})
    found = [f"Its rows hold {counted(len(part.rows), 'value')}; a material unlike all of them is out of domain."]
    if named:
        found.append(f"It knows {counted(len(named), 'spacer')}; predict says whether a material is like them.")
    return [*found, "It says what goes with what, not what causes what."]
