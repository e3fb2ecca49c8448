"""Hypothesis strategies for the objects of perospin, for the tests of every room."""

from __future__ import annotations

import itertools
from fractions import Fraction

from hypothesis import strategies as st

from perospin.chemistry import Ion, IonLibrary, Perovskite

LIBRARY = IonLibrary.default()
CAGE = [ion.symbol for ion in LIBRARY.cations if ion.role == "a_site"]
MONOVALENT_SPACERS = [ion.symbol for ion in LIBRARY.cations if ion.role == "spacer" and ion.charge == 1]
DIVALENT_SPACERS = [ion.symbol for ion in LIBRARY.cations if ion.role == "spacer" and ion.charge == 2]
DIVALENT_METALS = ["Pb", "Sn", "Ge", "Cu", "Mn", "Cd"]
MONOVALENT_METALS = ["Ag", "Na", "Li"]
TRIVALENT_METALS = ["Bi", "Sb", "Y", "Al"]
TETRAVALENT_METALS = ["Te", "Ti", "Zr", "Hf"]
HALIDES = ["I", "Br", "Cl", "F"]
ANIONS = [ion.symbol for ion in LIBRARY.anions]

Amounts = dict[str, Fraction]


@st.composite
def mixtures(draw: st.DrawFn, symbols: list[str], total: Fraction | int, most: int = 3) -> Amounts:
    """Ions of one site: up to `most` of them, with amounts in twentieths that add up to `total`."""
    chosen = draw(st.lists(st.sampled_from(symbols), min_size=1, max_size=most, unique=True))
    cuts = sorted(draw(st.sets(st.integers(1, 19), min_size=len(chosen) - 1, max_size=len(chosen) - 1)))
    edges = [0, *cuts, 20]
    shares = [Fraction(b - a, 20) for a, b in itertools.pairwise(edges)]
    return {symbol: Fraction(total) * share for symbol, share in zip(chosen, shares, strict=True)}


def merge(*sites: Amounts) -> Amounts:
    """Amounts of several sites together; an ion on two of them counts once."""
    merged: Amounts = {}
    for site in sites:
        for symbol, amount in site.items():
            merged[symbol] = merged.get(symbol, Fraction(0)) + amount
    return merged


@st.composite
def cubic_amounts(draw: st.DrawFn) -> Amounts:
    """ABX3 with mixed sites."""
    return merge(
        draw(mixtures(CAGE, 1)), draw(mixtures(DIVALENT_METALS, 1)), draw(mixtures(HALIDES, 3)),
    )  # fmt: skip


@st.composite
def layered_amounts(draw: st.DrawFn, spacers: list[str], spacer_total: int, n_max: int = 6) -> Amounts:
    """S A(n-1) Bn X(3n+1) with mixed sites."""
    n = draw(st.integers(1, n_max))
    cage = draw(mixtures(CAGE, n - 1)) if n > 1 else {}
    return merge(
        draw(mixtures(spacers, spacer_total)), cage, draw(mixtures(DIVALENT_METALS, n)),
        draw(mixtures(HALIDES, 3 * n + 1)),
    )  # fmt: skip


@st.composite
def alternating_amounts(draw: st.DrawFn) -> Amounts:
    """GUA An Bn X(3n+1)."""
    n = draw(st.integers(1, 5))
    cage = draw(st.sampled_from(["MA", "FA", "Cs"]))
    return merge(
        {"GUA": Fraction(1), cage: Fraction(n)}, draw(mixtures(DIVALENT_METALS, n)), draw(mixtures(HALIDES, 3 * n + 1))
    )


@st.composite
def double_amounts(draw: st.DrawFn) -> Amounts:
    """A2BB'X6, three-dimensional or with spacers."""
    metals = {
        draw(st.sampled_from(MONOVALENT_METALS)): Fraction(1),
        draw(st.sampled_from(TRIVALENT_METALS)): Fraction(1),
    }
    kind = draw(st.sampled_from(["3D", "n = 1", "n = 2"]))
    if kind == "3D":
        return merge(draw(mixtures(CAGE, 2)), metals, draw(mixtures(HALIDES, 6)))
    if kind == "n = 1":
        return merge(draw(mixtures(MONOVALENT_SPACERS, 4)), metals, draw(mixtures(HALIDES, 8)))
    return merge(draw(mixtures(MONOVALENT_SPACERS, 2)), {"Cs": Fraction(1)}, metals, draw(mixtures(HALIDES, 7)))


@st.composite
def trivalent_amounts(draw: st.DrawFn) -> Amounts:
    """A3B2X9."""
    return merge(
        draw(mixtures(CAGE + MONOVALENT_SPACERS, 3)), draw(mixtures(TRIVALENT_METALS, 2)), draw(mixtures(HALIDES, 9))
    )


@st.composite
def any_amounts(draw: st.DrawFn) -> Amounts:
    """Any neutral composition: cations and metals at will, as much halide as their charge needs."""
    whole = st.integers(1, 12).map(Fraction)
    parts = st.tuples(st.integers(1, 40), st.sampled_from([1, 2, 3, 4, 7, 10])).map(lambda p: Fraction(*p))
    amount = draw(st.sampled_from([whole, parts]))
    cations = draw(
        st.dictionaries(st.sampled_from([ion.symbol for ion in LIBRARY.cations]), amount, min_size=1, max_size=3)
    )
    metals = draw(
        st.dictionaries(
            st.sampled_from(DIVALENT_METALS + MONOVALENT_METALS + TRIVALENT_METALS + TETRAVALENT_METALS),
            amount,
            min_size=1,
            max_size=3,
        )
    )
    charge = sum(
        (LIBRARY.get(symbol).charge * amount for site in (cations, metals) for symbol, amount in site.items()),
        Fraction(0),
    )
    return merge(cations, metals, draw(mixtures(ANIONS, charge)))


def amounts() -> st.SearchStrategy[Amounts]:
    """Amounts of ions of neutral compositions of every family."""
    return st.one_of(
        cubic_amounts(),
        layered_amounts(MONOVALENT_SPACERS, 2),
        layered_amounts(DIVALENT_SPACERS, 1),
        alternating_amounts(),
        double_amounts(),
        trivalent_amounts(),
        any_amounts(),
    )


def perovskites() -> st.SearchStrategy[Perovskite]:
    """Perovskites of every family, with mixed sites."""
    return amounts().map(Perovskite.from_ions)


def cubic_perovskites() -> st.SearchStrategy[Perovskite]:
    """ABX3."""
    return cubic_amounts().map(Perovskite.from_ions)


def layered_perovskites() -> st.SearchStrategy[Perovskite]:
    """Ruddlesden-Popper and Dion-Jacobson phases."""
    return st.one_of(layered_amounts(MONOVALENT_SPACERS, 2), layered_amounts(DIVALENT_SPACERS, 1)).map(
        Perovskite.from_ions
    )


def ions() -> st.SearchStrategy[Ion]:
    """Ions of the shipped library."""
    return st.sampled_from(list(LIBRARY))
