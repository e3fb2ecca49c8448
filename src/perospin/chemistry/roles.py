"""Charge states, site roles, family and layer number from a composition.

Nothing is searched: metals have one or two common charge states each, and a formula has few metals.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from perospin.chemistry.ion import Ion
from perospin.chemistry.notation import amount_text
from perospin.chemistry.spelling import ROUNDING
from perospin.errors import FormulaError

Family = Literal["3D", "RP", "DJ", "ACI", "double", "A3B2X9", "other"]
Amounts = dict[Ion, Fraction]

#: Halides for each metal where one element is known to stand in two charge states, half each (gold: always).
_HALIDES_OF_MIXED_VALENCE = {"In": 3, "Sb": 6}
MAX_METALS = 8
MAX_IONS = 24
MAX_DIGITS = 12


@dataclass(frozen=True)
class Sites:
    """Ions by site with their amounts per formula unit."""

    spacers: Amounts
    a_site: Amounts
    b_site: Amounts
    x_site: Amounts
    family: Family
    n_layers: int | None
    cautions: tuple[str, ...] = ()


def assign(contents: Iterable[tuple[tuple[Ion, ...], Fraction]], formula: str) -> Sites:
    """Assign charges, sites, family and layer number, and scale to the usual formula unit.

    Parameters
    ----------
    contents
        Charge states of each ion (one, but for metals), with its amount.
    formula
        The formula as written, for messages.

    Raises
    ------
    FormulaError
        If there is no metal, no halide or no cation beside the metal, or if no combination of common charge states
        is neutral, within 0.02 e a metal for rounded amounts, or several are equally likely.
    """
    merged: dict[tuple[Ion, ...], Fraction] = {}
    for states, amount in contents:
        merged[states] = merged.get(states, Fraction(0)) + amount
    if len(merged) > MAX_IONS:
        raise FormulaError(f"'{formula}' names {len(merged)} different ions; at most {MAX_IONS} are read")
    cations = {s[0]: v for s, v in merged.items() if s[0].role in ("a_site", "spacer")}
    anions = {s[0]: v for s, v in merged.items() if s[0].role == "anion"}
    # in order of symbols, so that the choice of charge states doesn't depend on how the formula is written
    metals = {s: v for s, v in sorted(merged.items(), key=lambda p: p[0][0].symbol) if s[0].role == "metal"}
    if not anions:
        raise FormulaError(f"'{formula}' has no halide (F, Cl, Br, I) or pseudohalide: is something missing?")
    if not metals:
        metals = _ammonium_as_metal(cations, anions)
    if not metals:
        raise FormulaError(f"'{formula}' has no metal for the B site (Pb, Sn, Ge, Bi ...): is something missing?")
    if not cations:
        raise FormulaError(f"'{formula}' has no cation beside the metal: name its A-site cation or spacer")
    charged = _neutral(cations, metals, anions, formula)
    if charged is None:
        raise FormulaError(_charge_message(cations, metals, anions, formula))
    sites, unit = _place_rounded(cations, charged.metals, anions, charged.net)
    return replace(_scale(sites, unit, formula), cautions=charged.cautions)


def _ammonium_as_metal(cations: Amounts, anions: Amounts) -> dict[tuple[Ion, ...], Fraction]:
    """Take ammonium as the B site of a metal-free perovskite, e.g. (MDABCO)(NH4)I3."""
    halides = sum(anions.values(), Fraction(0))
    for ion, amount in cations.items():
        if ion.symbol == "NH4" and halides == 3 * amount and any(other.charge == 2 for other in cations):
            del cations[ion]
            return {(ion,): amount}
    return {}


@dataclass(frozen=True)
class _Charged:
    """Metals in their charge states, the net charge (e) that rounded amounts leave, and cautions."""

    metals: Amounts
    net: Fraction = Fraction(0)
    cautions: tuple[str, ...] = ()


def _neutral(
    cations: Amounts, metals: Mapping[tuple[Ion, ...], Fraction], anions: Amounts, formula: str
) -> _Charged | None:
    """Charge states that make the formula neutral, the most common first; None if there are none."""
    if len(metals) > MAX_METALS:
        raise FormulaError(f"'{formula}' names {len(metals)} metals; at most {MAX_METALS} are read")
    needed = -sum((ion.charge * v for part in (cations, anions) for ion, v in part.items()), Fraction(0))
    choices = sorted(
        itertools.product(*(range(len(states)) for states in metals)), key=lambda ranks: (sum(ranks), ranks)
    )

    def chosen(ranks: tuple[int, ...]) -> Amounts:
        return {states[rank]: v for rank, (states, v) in zip(ranks, metals.items(), strict=True)}

    net = {ranks: sum((ion.charge * v for ion, v in chosen(ranks).items()), Fraction(0)) - needed for ranks in choices}
    neutral = [ranks for ranks in choices if net[ranks] == 0]
    if neutral:
        best = [ranks for ranks in neutral if sum(ranks) == sum(neutral[0])]
        if len(best) > 1:
            ways = " or ".join(" ".join(_state(ion) for ion in chosen(ranks)) for ranks in best[:2])
            raise FormulaError(
                f"'{formula}' can be balanced by {ways}: perospin can't tell which, check the amounts of the metals"
            )
        return _Charged(chosen(best[0]), cautions=_unusual(chosen(best[0]), metals, anions))
    if mixed := _mixed_valence(metals, anions, needed):
        return mixed
    limit = ROUNDING * sum(metals.values(), Fraction(0))
    for ranks in choices:
        if abs(net[ranks]) <= limit:
            text = f"the amounts leave a net charge of {float(net[ranks]):+.3g} e, taken as rounding"
            return _Charged(chosen(ranks), net[ranks], (text, *_unusual(chosen(ranks), metals, anions)))
    return None


def _mixed_valence(metals: Mapping[tuple[Ion, ...], Fraction], anions: Amounts, needed: Fraction) -> _Charged | None:
    """One element in both its states, half each, where such halides are known: Cs2Au2I6, Cs2In2Cl6, Cs4Sb2Cl12.

    In general two states could balance nearly any slip of the pen (MASb2I9 for MA3Sb2I9).
    """
    if len(metals) != 1:
        return None
    (states, amount), halides = next(iter(metals.items())), _total(anions)
    symbol = states[0].symbol
    known = symbol == "Au" or halides == _HALIDES_OF_MIXED_VALENCE.get(symbol, 0) * amount
    if not known or len(states) != 2 or sum(ion.charge for ion in states) * amount / 2 != needed:
        return None
    text = f"{symbol} is read in two charge states, half {_state(states[0])} and half {_state(states[1])}"
    return _Charged(dict.fromkeys(states, amount / 2), cautions=(text,))


def _unusual(chosen: Amounts, metals: Mapping[tuple[Ion, ...], Fraction], anions: Amounts) -> tuple[str, ...]:
    """Cautions for metals in a state that isn't their most common one, but for A2BX6 and copper(I)."""
    common = {states[0] for states in metals}
    six = _total(anions) == 6 * _total(chosen)
    return tuple(
        f"{_state(ion)} is what the amounts ask for, though {ion.symbol} is more often {usual.charge:+d}"
        for ion in chosen
        for usual in common
        if usual.symbol == ion.symbol and usual != ion and not (six and ion.charge == 4) and ion.symbol != "Cu"
    )


def _state(ion: Ion) -> str:
    return f"{ion.symbol}({ion.charge:+d})"


def _charge_message(cations: Amounts, metals: Mapping[tuple[Ion, ...], Fraction], anions: Amounts, formula: str) -> str:
    def part(ions: Iterable[tuple[Sequence[int], str, Fraction]]) -> str:
        return ", ".join(
            f"{_short(v)} {symbol}({' or '.join(f'{charge:+d}' for charge in charges)})"
            for charges, symbol, v in itertools.islice(ions, 6)
        )

    plus = part(((ion.charge,), ion.symbol, v) for ion, v in cations.items())
    centre = part(([ion.charge for ion in states], states[0].symbol, v) for states, v in metals.items())
    minus = part(((ion.charge,), ion.symbol, v) for ion, v in anions.items())
    fixed = sum((ion.charge * v for d in (cations, anions) for ion, v in d.items()), Fraction(0))
    net = fixed + sum((states[0].charge * v for states, v in metals.items()), Fraction(0))
    return (
        f"'{formula}' isn't charge neutral: {plus}; {centre}; {minus} give a net charge of "
        f"{'+' if net > 0 else ''}{_short(net)}: check the amounts"
    )


def _short(value: Fraction) -> str:
    """Short decimal for a message (not exact)."""
    return f"{float(value):.6g}" if abs(value) < Fraction(10) ** 15 else "a huge amount"


def _size(ion: Ion) -> tuple[int, float, str]:
    """Rank of A-site cations by size: heavy atoms, then effective radius."""
    return (ion.n_heavy_atoms, ion.radius_pm or 0.0, ion.symbol)


def _total(amounts: Amounts) -> Fraction:
    return sum(amounts.values(), Fraction(0))


def _place_rounded(cations: Amounts, metals: Amounts, anions: Amounts, net: Fraction) -> tuple[Sites, Fraction]:
    """Sites and family of rounded amounts: those of the neutral composition next to it, with the amounts as given."""
    if net == 0:
        return _place(cations, metals, anions)
    found: list[tuple[Sites, Fraction]] = []
    small = {ion for ion in cations if ion.role == "a_site"}
    for changed in (
        set(cations),
        small,
        set(cations) - small,
        set(anions),
    ):  # which amounts the rounding is put down to
        charge = sum((ion.charge * v for ion, v in (cations | anions).items() if ion in changed), Fraction(0))
        if charge == 0 or net / charge >= 1:
            continue
        scale = dict.fromkeys(changed, 1 - net / charge)
        near = [{ion: v * scale.get(ion, Fraction(1)) for ion, v in part.items()} for part in (cations, anions)]
        sites, unit = _place(near[0], metals, near[1])
        parts = (sites.spacers, sites.a_site, sites.b_site, sites.x_site)
        spacers, a_site, b_site, x_site = (
            {ion: v / scale.get(ion, Fraction(1)) for ion, v in part.items()} for part in parts
        )
        found.append((Sites(spacers, a_site, b_site, x_site, sites.family, sites.n_layers), unit))
    if not found:
        return _place(cations, metals, anions)
    # MAPbI3.01 is 3D, not a slab of a hundred layers
    return min(found, key=lambda pair: (pair[0].family == "other", pair[0].n_layers or 0))


def _place(cations: Amounts, metals: Amounts, anions: Amounts) -> tuple[Sites, Fraction]:
    """Sites and family, with the amount that the family's formula unit has of the metals."""
    spacers = {ion: v for ion, v in cations.items() if ion.role == "spacer"}
    small = {ion: v for ion, v in cations.items() if ion.role == "a_site"}
    metals, small = _alkali_to_b_site(small, metals, anions)
    b, x = _total(metals), _total(anions)
    charge_on_b = sum((ion.charge * v for ion, v in metals.items()), Fraction(0)) / b
    q_spacers = sum((ion.charge * v for ion, v in spacers.items()), Fraction(0)) / b
    q_small = sum((ion.charge * v for ion, v in small.items()), Fraction(0)) / b
    ordered = all(ion.charge != 2 for ion in metals)  # Ag(I) + Bi(III) in place of two divalent metals

    def sites(family: Family, n: int | None = None, unit: Fraction | None = None) -> tuple[Sites, Fraction]:
        return Sites(spacers, small, metals, anions, family, n), unit or b

    if charge_on_b == 2 and x == 3 * b and not spacers:
        return sites("double", unit=Fraction(2)) if ordered else sites("3D", unit=Fraction(1))
    if (
        all(ion.charge == 3 for ion in metals)
        and 2 * x == 9 * b
        and all(ion.charge == 1 for ion in cations)
        and q_spacers + q_small == Fraction(3, 2)
    ):
        return sites("A3B2X9", unit=Fraction(2))
    if charge_on_b == 2 and x > 3 * b and (b / (x - 3 * b)).denominator == 1:
        n = (b / (x - 3 * b)).numerator
        unit = Fraction(2 * n if ordered and n % 2 else n)
        scale = n / b  # to one slab: n metals, 3n + 1 halides, charge n + 1 beside the metals
        q_spacers, q_small = q_spacers * n, q_small * n
        if q_spacers == 1:
            return sites("ACI", n, unit)
        if q_spacers == 0:
            largest = max(small, key=_size)
            if small[largest] * scale == 1 and len(small) > 1:
                spacers = {largest: small.pop(largest)}
                return sites("ACI", n, unit)
        if q_spacers <= 2:
            missing = (2 - q_spacers) / scale
            for ion in sorted(small, key=_size, reverse=True):
                moved = min(missing, small[ion])
                if moved == 0:
                    break
                spacers[ion] = spacers.get(ion, Fraction(0)) + moved
                small[ion] -= moved
                missing -= moved
            small = {ion: v for ion, v in small.items() if v}
            divalent = sum((2 * v for ion, v in spacers.items() if ion.charge == 2), Fraction(0)) * scale
            return sites("DJ" if divalent > 1 else "RP", n, unit)
    return sites("other", unit=_natural_unit([*cations.values(), *metals.values(), *anions.values()], b))


def _alkali_to_b_site(small: Amounts, metals: Amounts, anions: Amounts) -> tuple[Amounts, Amounts]:
    """Move the smallest alkali-like ion of e.g. (MA)2KBiCl6 to the B site."""
    b = _total(metals)
    if len(small) > 1 and all(ion.charge == 3 for ion in metals) and _total(anions) == 6 * b:
        least = min(small, key=_size)
        if least.is_monatomic and small[least] == b and _total(small) == 3 * b:
            return {least: b, **metals}, {ion: v for ion, v in small.items() if ion is not least}
    return metals, small


def _natural_unit(amounts: Sequence[Fraction], b: Fraction) -> Fraction:
    """Amount of metal in the smallest formula unit with whole amounts, or 1 if that unit is large."""
    lcm = math.lcm(*(v.denominator for v in amounts))
    whole = [int(v * lcm) for v in amounts]
    gcd = math.gcd(*whole)
    return b * lcm / gcd if max(whole) // gcd <= 60 else Fraction(1)


def _scale(sites: Sites, unit: Fraction, formula: str) -> Sites:
    """Scale to `unit` metals, or to the least multiple of it whose amounts have finite decimals."""
    parts = (sites.spacers, sites.a_site, sites.b_site, sites.x_site)
    factor = unit / _total(sites.b_site)
    multiple = 1
    for v in itertools.chain.from_iterable(part.values() for part in parts):
        denominator = (v * factor).denominator
        for prime in (2, 5):
            while denominator % prime == 0:
                denominator //= prime
        multiple = math.lcm(multiple, denominator)
    factor *= multiple
    spacers, small, metals, anions = ({ion: v * factor for ion, v in part.items()} for part in parts)
    by_symbol: dict[str, Fraction] = {}
    for part in (spacers, small, metals, anions):
        for ion, v in part.items():
            by_symbol[ion.symbol] = by_symbol.get(ion.symbol, Fraction(0)) + v
    for symbol, v in by_symbol.items():
        if v >= 10**MAX_DIGITS or len(amount_text(v).replace(".", "")) > MAX_DIGITS:
            raise FormulaError(
                f"'{formula}' has amounts in no simple ratio (that of {symbol} needs more than {MAX_DIGITS} digits): "
                "round them"
            )
    return Sites(spacers, small, metals, anions, sites.family, sites.n_layers)
