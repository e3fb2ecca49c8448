"""The verdict in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.assessment import Call
from perospin.mechanisms.inference.candidates import CANDIDATES, ModelSpace
from perospin.mechanisms.inference.observations import CONDITIONS, Observations
from perospin.mechanisms.quantities import QUANTITIES

__all__ = ["NAMES", "sentence_of"]

NAMES = {
    "constant": "a rate that depends on nothing measured here",
    "dyakonov_perel": "D'yakonov-Perel",
    "dyakonov_perel_crossover": "D'yakonov-Perel across the crossover to free precession",
    "dyakonov_perel_cubic": "D'yakonov-Perel with a cubic field",
    "elliott_yafet": "Elliott-Yafet",
    "elliott_yafet_einstein": "Elliott-Yafet by phonons of one energy",
    "elliott_yafet_debye": "Elliott-Yafet by phonons up to one energy",
    "bir_aronov_pikus": "Bir-Aronov-Pikus",
    "exciton_exchange": "exciton exchange",
    "exciton_exchange_crossover": "exciton exchange across the crossover to free precession",
    "nuclear_fluctuations": "nuclear fluctuations",
    "activation": "thermal activation (phonon Raman)",
    "raman": "phonon Raman",
    "one_phonon": "single phonons in a field",
}
"""Laws and mechanisms in words."""

_WORDS = {
    "temperature_k": "temperature",
    "density_cm3": "carrier density",
    "field_t": "magnetic field",
    "n_layers": "layer number",
    "momentum_scattering_time_ps": "momentum scattering time",
    "exciton_binding_energy_mev": "exciton binding energy",
}
# how the rate of each mechanism goes with each condition; what isn't listed it doesn't depend on
_EXPONENTS: dict[str, dict[str, str]] = {
    "constant": {},
    "dyakonov_perel": {"momentum_scattering_time_ps": "+", "temperature_k": "power"},
    "elliott_yafet": {"momentum_scattering_time_ps": "-", "temperature_k": "power"},
    "bir_aronov_pikus": {"density_cm3": "+", "temperature_k": "root"},
    "exciton_exchange": {
        "momentum_scattering_time_ps": "+",
        "temperature_k": "power",
        "exciton_binding_energy_mev": "2",
        "n_layers": "2",
    },
    "nuclear_fluctuations": {"field_t": "-2"},
    "activation": {"temperature_k": "exp"},
    "one_phonon": {"field_t": "5", "temperature_k": "root"},
}


def sentence_of(
    space: ModelSpace,
    observed: Observations,
    answer: Call,
    dominance: Float,
    shares: Float,
    threshold: float,
    doubts: Sequence[str] = (),
    few: Sequence[str] = (),
) -> str:
    """Put the answer into one sentence or two.

    Parameters
    ----------
    space, observed
        Models and data.
    answer
        Outcome of the rule.
    dominance, shares
        Per row and answer, and per row (mean, 5 %, 95 %) and answer.
    threshold
        Of the rule.
    doubts, few
        What speaks against likely models, and against the conditions (`doubts`).
    """
    groups = list(space.answers().values())
    families = [space.families(group) for group in groups]
    names = [" or ".join(NAMES[f] for f in members) for members in families]
    if few:
        return f"These data can't tell: {few[0]}."
    if not answer.adequate:
        closest = names[int(np.argmax(dominance.mean(axis=0)))]
        return (
            "None of the mechanisms considered describes these data within their stated uncertainties (p < 0.001); the "
            f"closest is {closest}. Check the uncertainties, or look for what is missing."
        )
    if answer.decided and len(answer.named) == 1:
        i = answer.named[0]
        low, high = shares[:, 1, i].min(), shares[:, 0, i].max()
        return (
            f"{_capital(names[i])} limits the spins: largest contribution under the conditions measured with "
            f"probability {_percent(answer.certainty)}, share of the rate {low:.0%} to {high:.0%}."
        )
    if answer.decided:
        where = " and ".join(f"{names[i]} {_where(observed, dominance[:, i], 0.5)}" for i in answer.named)
        return (
            f"{_capital(where)} limit the spins: between them the largest contribution with probability "
            f"{_percent(answer.certainty)}."
        )
    twins = [i for i in answer.named if len(families[i]) > 1]
    if twins and answer.certainty >= threshold:
        members = families[twins[0]]
        which = " and ".join(NAMES[m] for m in members)
        return (
            f"These data can't tell {which} apart: their laws are the same on the columns measured"
            f"{_others(answer, twins[0], names)}. {_advice(members, observed)}"
        )
    if doubts and answer.certainty >= threshold:
        return f"These data can't tell: {'; '.join(doubts)}."
    # what is certain somewhere is said; the rivals are those of the other rows
    open_rows = dominance.max(axis=1) < threshold
    rest = dominance[open_rows] if open_rows.any() else dominance
    rivals = [int(i) for i in np.argsort(-rest.mean(axis=0), kind="stable") if rest[:, i].max() >= 0.1][:3]
    odds = ", ".join(f"{names[i]} ({_percent(float(rest[:, i].mean()))})" for i in rivals)
    members = tuple(m for i in rivals for m in families[i])
    if answer.named and open_rows.any():
        found = " and ".join(f"{names[i]} {_where(observed, dominance[:, i], threshold)}" for i in answer.named)
        return (
            f"{_capital(found)} stands out; for the other conditions these data can't tell: the largest contribution "
            f"there may be {odds}. {_advice(members, observed)}"
        )
    return f"These data can't tell: the largest contribution may be {odds}. {_advice(members, observed)}"


def _others(answer: Call, twin: int, names: Sequence[str]) -> str:
    rest = [names[i] for i in answer.named if i != twin]
    return f" (beside {' and '.join(rest)})" if rest else ", though all other mechanisms are ruled out"


def _percent(p: float) -> str:
    return "above 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _where(observed: Observations, leads: Float, threshold: float) -> str:
    """Where a mechanism leads, in terms of the first condition that tells it."""
    rows = leads >= threshold
    for name in observed.varying:
        column = observed.conditions[name]
        inside, outside = column[rows], column[~rows]
        if not inside.size or not outside.size:
            break
        quantity = QUANTITIES[name]
        before, after = ("n = ", "") if name == "n_layers" else ("", f" {quantity.unit}")
        if inside.min() > outside.max():
            return f"(from {before}{inside.min():.3g}{after} up)"
        if inside.max() < outside.min():
            return f"(up to {before}{inside.max():.3g}{after})"
    return f"(in {int(rows.sum())} of {len(rows)} rows)"


def _advice(members: Sequence[str], observed: Observations) -> str:
    """Which further measurement would tell the rivals apart."""
    helpful = []
    for name in CONDITIONS:
        ways = {_EXPONENTS[m].get(name, "none") for m in members}
        if len(ways) > 1 and name not in observed.varying:
            helpful.append(_WORDS[name])
    if "layer number" in helpful and "exciton binding energy" in helpful:
        helpful.remove("layer number")
    if helpful:
        return f"Varying {' or '.join(helpful)} would separate them."
    shared = [n for n in observed.varying if any(n in CANDIDATES[m].columns for m in members)]
    words = " or ".join(_WORDS[n] for n in shared) or "the conditions"
    return f"More rows, smaller uncertainties or a wider range of {words} would be needed."
