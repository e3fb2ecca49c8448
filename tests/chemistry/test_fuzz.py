"""Any string at all parses or raises one PerospinError with a sentence; nothing hangs."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.chemistry import IonLibrary, Perovskite
from perospin.errors import PerospinError

LIBRARY = IonLibrary.default()
NAMES = [name for ion in LIBRARY for name in (ion.symbol, *ion.aliases)]
SEEDS = [
    "MAPbI3", "CH3NH3PbI3", "FA0.9Cs0.1PbI2.8Br0.2", "(PEA)2(MA)3Pb4I13", "PEA2PbI4(MAPbI3)2", "(R-MBA)2PbI4",
    "(3AMP)(MA)Pb2I7", "Cs2AgBiBr6", "Cs3Bi2I9", "(PEA)2PbI2Br2", "(GUA)(MA)3Pb3I10", "[C6H5CH2NH3]2PbI4",
    r"$(\mathrm{PEA})_{2}\mathrm{PbI}_{4}$", "(PEA)<sub>2</sub>PbI<sub>4</sub>", "(PEA)₂PbI₄", "MAPbI3-xClx",
    "(MA)4PbI6*2H2O", "BA2(MA)Pb2I7 (n = 2)", "(R/S-MPEA)2(MA)2Pb3I10", "Cs2Au2I6", "DABCO-NH4I3",
]  # fmt: skip
COMMON = ["Pb", "Sn", "I", "Br", "Cl", "MA", "FA", "Cs", "PEA", "BA", "2", "3", "4", "I3", "I4", "PbI4"]
PIECES = [
    *"()[]{}<>_^$\\/-+.,;:·*=' \t\n\x00|&#%@!?~`\"",
    *"0123456789₀₂₄₉xynδX²⁺＆é𝔐٣½",
    *("H2O", "DMF", "<sub>", "</sub>", "\\mathrm{", "_{", "\\text{", "\\ce{", "n = 2", "R/S-", "rac-", "0.5", "1e5"),
    *("Ｐｂ", "\u200b", "\ufeff"),
    *NAMES * 2,
    *COMMON * 30,
]


def random_text(rng: random.Random) -> str:
    """Draw one string: noise, pieces of formulae, a mutated formula, or a nearly right formula."""
    kind = rng.randrange(4)
    if kind == 0:
        return "".join(
            chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x3000)))) for _ in range(rng.randrange(25))
        )
    if kind == 1:
        return "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 14)))
    if kind == 2:
        text = list(rng.choice(SEEDS))
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randrange(3)] = rng.choice(PIECES)
        return "".join(text)
    cation, n = rng.choice(NAMES), rng.randrange(1, 5)
    return f"({cation}){rng.choice(['', 2, 1, 0.5])}(MA){n - 1 or ''}Pb{n}{rng.choice(['I', 'Br', 'Cl'])}{3 * n + 1}"


def check(text: str) -> bool:
    """Parse a string; True if it is a material. Any other error than ours fails the test."""
    try:
        material = Perovskite.parse(text)
    except PerospinError as error:
        message = str(error)
        assert message, text
        assert "\n" not in message, text
        assert len(message) < 600, text
        # it names a part of the text, or a place in it
        assert "'" in message or "position" in message or "empty" in message, (text, message)
        return False
    assert Perovskite.parse(str(material)) == material
    return True


def fuzz(count: int, seed: int) -> int:
    """Check `count` random strings; gives how many were materials, and holds the slowest under half a second."""
    rng = random.Random(seed)
    parsed = 0
    for _ in range(count):
        text = random_text(rng)
        start = time.process_time()
        parsed += check(text)
        assert time.process_time() - start < 0.5, text
    return parsed


@given(st.text())
@settings(max_examples=500, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
@settings(max_examples=1000, deadline=None)
def test_any_pieces(text: str) -> None:
    check(text)


def test_five_thousand_strings() -> None:
    assert fuzz(5_000, seed=1) > 200  # the generator does reach formulae


@pytest.mark.slow
def test_a_hundred_and_twenty_thousand_strings() -> None:
    assert fuzz(120_000, seed=2) > 5_000
