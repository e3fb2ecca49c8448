"""How long a cation will take to compute, told before it is begun; what takes too long isn't begun unasked."""

from __future__ import annotations

from functools import lru_cache

from perospin.chemistry import Ion
from perospin.descriptors.cations.table import computed_smiles, shipped_table
from perospin.errors import QuantumError

LONGEST_UNASKED_S = 1800.0
"""Limit in seconds for a cation that nobody asked to compute: it is computed where a formula needs it."""


def _sizes(smiles: str) -> tuple[int, int]:
    """Numbers of all atoms and of those that aren't hydrogen."""
    from perospin.descriptors.molecules import parse_smiles

    molecule = parse_smiles(smiles)[0]
    return molecule.GetNumAtoms(), molecule.GetNumHeavyAtoms()  # type: ignore[attr-defined]


@lru_cache(maxsize=8)
def _power_law(level: str) -> tuple[float, float, float]:
    """Logarithm of the seconds at one atom, and the powers of both numbers of atoms, from the shipped table."""
    import numpy as np

    table = shipped_table(level)
    table = table[table["seconds"] > 0]
    sizes = np.log([_sizes(smiles) for smiles in table["smiles"]])
    design = np.column_stack([np.ones(len(sizes)), sizes])
    found = np.linalg.lstsq(design, np.log(table["seconds"].to_numpy(dtype=float)), rcond=None)[0]
    return float(found[0]), float(found[1]), float(found[2])


def expected_time_s(ion: Ion, level: str) -> float:
    """Time in seconds that a cation is expected to take at a level on one core, within a factor 2 for two of three.

    A power law in the numbers of all and of heavy atoms, fitted to the times of the shipped table.
    """
    import numpy as np

    smiles = computed_smiles(ion, level)
    if smiles is None or ion.is_monatomic:
        return 1.0
    start, atoms, heavy = _power_law(level)
    n_atoms, n_heavy = _sizes(smiles)
    return float(np.exp(start) * n_atoms**atoms * n_heavy**heavy)


def announcement(ion: Ion, level: str, limit_s: float | None = None) -> str:
    """Return the cation in words, with its size, level and expected time.

    Raises
    ------
    QuantumError
        If it is expected to take longer than `limit_s` seconds; the message names the command that computes it.
    """
    seconds = expected_time_s(ion, level)
    n_atoms = _sizes(computed_smiles(ion, level) or ion.smiles or "")[0]
    if limit_s is not None and seconds > limit_s:
        raise QuantumError(
            f"'{ion.symbol}' has {n_atoms} atoms: to compute it at level {level} would take about "
            f"{_in_words(seconds)}, and the limit for an answer is {_in_words(limit_s)}; run "
            f"`perospin cations compute '{ion.smiles}' --level {level}` once (its result is kept), then ask again"
        )
    return f"{ion.symbol} ({n_atoms} atoms, level {level}, about {_in_words(seconds)})"


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds, -1), 10):.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours"
