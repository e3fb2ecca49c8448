"""Formulas: noise, pieces of formulae, mutated formulae, nearly right ones, and two joined in many ways."""

from __future__ import annotations

import random
from pathlib import Path

from fuzzing.harness import Target
from perospin.chemistry import IonLibrary, Perovskite

LIBRARY = IonLibrary.default()
NAMES = [name for ion in LIBRARY for name in (ion.symbol, *ion.aliases)]
SEEDS = [
    "MAPbI3", "CH3NH3PbI3", "FA0.9Cs0.1PbI2.8Br0.2", "(PEA)2(MA)3Pb4I13", "PEA2PbI4(MAPbI3)2", "(R-MBA)2PbI4",
    "(3AMP)(MA)Pb2I7", "Cs2AgBiBr6", "Cs3Bi2I9", "(PEA)2PbI2Br2", "(GUA)(MA)3Pb3I10", "[C6H5CH2NH3]2PbI4",
    r"$(\mathrm{PEA})_{2}\mathrm{PbI}_{4}$", "(PEA)<sub>2</sub>PbI<sub>4</sub>", "(PEA)₂PbI₄", "MAPbI3-xClx",
    "(MA)4PbI6*2H2O", "BA2(MA)Pb2I7 (n = 2)", "(R/S-MPEA)2(MA)2Pb3I10", "Cs2Au2I6", "DABCO-NH4I3",
    "(FAPbI3)0.85(MAPbBr3)0.15", "(PEAI)2PbI2", "Cs0.33FA0.33MA0.33PbI3", "FASnI3 (PEAI)", "CD3ND3PbI3",
]  # fmt: skip
COMMON = ["Pb", "Sn", "I", "Br", "Cl", "MA", "FA", "Cs", "PEA", "BA", "2", "3", "4", "I3", "I4", "PbI4"]
PIECES = [
    *"()[]{}<>_^$\\/-+.,;:·*=' \t\n\x00|&#%@!?~`\"",
    *"0123456789₀₂₄₉xynδX²⁺＆é𝔐٣½",
    *("H2O", "DMF", "<sub>", "</sub>", "\\mathrm{", "_{", "\\text{", "\\ce{", "n = 2", "R/S-", "rac-", "0.5", "1e5"),
    *("Ｐｂ", "\u200b", "\ufeff", "d5-", "(PEAI)", "(MAPbI3)", " | ", " and ", "@", "+"),
    *NAMES * 2,
    *COMMON * 30,
]


def random_text(rng: random.Random) -> str:
    """Draw one string: noise, pieces of formulae, a mutated formula, a nearly right one, or two joined."""
    kind = rng.randrange(5)
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
    if kind == 3:
        cation, n = rng.choice(NAMES), rng.randrange(1, 5)
        return (
            f"({cation}){rng.choice(['', 2, 1, 0.5])}(MA){n - 1 or ''}Pb{n}{rng.choice(['I', 'Br', 'Cl'])}{3 * n + 1}"
        )
    joiner = rng.choice(["", " ", "-", "+", "/", " | ", "(", ") ", ".", ", ", "0.5"])
    return f"{rng.choice(SEEDS)}{joiner}{rng.choice([*SEEDS, 'PEAI', 'MACl', 'SnF2', *NAMES])}"


def attempt(text: str, _: Path) -> bool:
    """Read a formula; what is read is neutral to 0.02 e a metal, and its canonical formula gives it back."""
    material = Perovskite.parse(text)
    charge = sum(
        ion.charge * amount
        for site in (material.spacers, material.a_site, material.b_site, material.x_site)
        for ion, amount in site
    )
    assert 50 * abs(charge) <= sum(amount for _, amount in material.b_site)
    assert (charge == 0) or any("rounding" in caution for caution in material.cautions)
    assert Perovskite.parse(str(material)) == material
    return True


TARGET = Target("formulas", random_text, attempt)
