"""Attenuation coefficients beside a second opinion, xraylib (pip install xraylib).

python benchmarks/attenuation.py

Prints, for each material, the largest relative deviation of the mass attenuation coefficient between 10 and 150 keV and
where it is, away from K edges (0.5 % of their energy to both sides: tables put edges a few eV apart), and the values at
40 keV. xraylib's total cross sections agree to four digits, so it may well rest on the same measurements: the sums over
elements and the reading of formulas are checked, not the physics.
"""

from __future__ import annotations

import sys

import numpy as np

from perospin.detectors import composition_of, edges_within, mass_attenuation

MATERIALS = (
    "Pb", "I", "Br", "Cs", "CdTe", "Se", "Si", "(m-F-PEA)2PbI4", "(PEA)2PbI4", "MAPbI3", "MAPbBr3", "CsPbBr3",
    "Cs3Bi2I9", "Cs2AgBiBr6",
)  # fmt: skip


def second_opinion(formula: str, energy_kev: np.ndarray) -> np.ndarray:
    """Mass attenuation coefficient (cm2/g) by xraylib, summed over the elements."""
    import xraylib

    atoms = composition_of(formula)
    number = {symbol: xraylib.SymbolToAtomicNumber(symbol) for symbol in atoms}
    mass = {symbol: count * xraylib.AtomicWeight(number[symbol]) for symbol, count in atoms.items()}
    total = sum(mass.values())
    return np.array(
        [sum(m / total * xraylib.CS_Total(number[s], float(e)) for s, m in mass.items()) for e in energy_kev]
    )


def main() -> int:
    """Print the comparison; 1 if xraylib is missing."""
    try:
        import xraylib  # noqa: F401
    except ImportError:
        print("xraylib is not installed: pip install xraylib", file=sys.stderr)
        return 1
    energy = np.geomspace(10.0, 150.0, 400)
    largest = (0.0, "", 0.0)
    print(f"{'material':18s}{'perospin':>10s}{'xraylib':>10s}{'largest deviation':>20s}")
    for formula in MATERIALS:
        edges = [*edges_within(formula, 1.0, 160.0).values()]
        far = np.ones(len(energy), dtype=bool)
        for edge in edges:
            far &= np.abs(energy / edge - 1) > 0.005
        ours, theirs = np.asarray(mass_attenuation(formula, energy)), second_opinion(formula, energy)
        ratio = np.where(far, np.abs(ours / theirs - 1), 0.0)
        at = int(np.argmax(ratio))
        one, other = mass_attenuation(formula, 40.0), second_opinion(formula, np.array([40.0]))[0]
        print(f"{formula:18s}{one:10.4f}{other:10.4f}{100 * ratio[at]:12.2f} % at {energy[at]:5.1f} keV")
        largest = max(largest, (float(ratio[at]), formula, float(energy[at])))
    print(f"largest: {100 * largest[0]:.2f} %, {largest[1]} at {largest[2]:.1f} keV")
    return 0


if __name__ == "__main__":
    sys.exit(main())
