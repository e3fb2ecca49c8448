r"""A table with known truth: plausible perovskites whose spin relaxation rates follow from the laws of this room.

Nothing in it is a measurement. Compositions are real ions of the library put together at random; the parameters of the
laws are made up from composition alone by the rules below, shaped like what is known and rounded to simple numbers:

* binding energy :math:`E_b=16+[E_b(n)-16]\,\frac{r_I}{r_X}\,/\,(1+4p)` meV, with `layer_binding_energy_mev`, the
  halide's radius r_X and the polar fraction p of the spacer (heteroatoms over heavy atoms; polar spacers screen);
* Rashba coefficient :math:`\alpha=0.3\,(Z_B/82)^2\,[0.1+(s/4)^2]` eV angstrom, s = heavy atoms of the spacer minus 8:
  the octahedra are distorted least by one size of spacer, more by smaller and larger ones; 0.1 without a spacer (3D);
* momentum scattering time :math:`\tau_p=6\,(M_X/126.9)^{1/2}` fs (softer lattices scatter less often);
* spin admixture :math:`\langle b^2\rangle=10^{-3}(Z_B/82)^4`.

Rate at 295 K = exciton exchange (8 E_b^2 tau_p/6 fs, E_b in eV) + D'yakonov-Perel (crossover, mass 0.2) +
Elliott-Yafet. The first goes with the square of a binding energy that falls hyperbolically with polarity, the second
has its minimum at one spacer size: no straight line follows either, alone or in logarithm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms.laws.dyakonov_perel import crossover_rate, rashba_precession, thermal_wavevector
from perospin.mechanisms.laws.elliott_yafet import elliott_yafet_rate
from perospin.mechanisms.laws.exciton_exchange import layer_binding_energy_mev, quadratic_binding_rate
from perospin.mechanisms.total import total_rate

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import Ion, Perovskite

__all__ = ["SYNTHETIC_FEATURES", "synthetic_table"]

SYNTHETIC_FEATURES = (
    "inverse_layers",
    "spacer_heavy_atoms",
    "spacer_polar_fraction",
    "spacer_charge",
    "halide_radius_a",
    "halide_mass_g_mol",
    "metal_number",
    "octahedral_factor",
    "molar_mass_g_mol",
)
"""Columns of `synthetic_table` that follow from the composition: what a model may learn from."""

_TEMPERATURE_K, _MASS = 295.0, 0.2
_TAU_PS, _IODINE_MASS = 0.006, 126.904
_LAYERS = (1, 1, 1, 2, 2, 3, 4, 0)  # 0: three-dimensional
_HALIDES, _METALS, _CAGES = ("I", "I", "Br", "Cl"), ("Pb", "Pb", "Pb", "Sn"), ("MA", "FA", "Cs")


def _spacers() -> list[Ion]:
    from perospin.chemistry import IonLibrary

    return [
        ion
        for ion in IonLibrary.default().cations
        if ion.role == "spacer"
        and ion.charge in (1, 2)
        and 3 <= ion.n_heavy_atoms <= 13
        and not ion.listed_in  # the tables of before stay what they are
    ]


def _material(spacer: Ion, n: int, cage: str, metal: str, halide: str) -> Perovskite:
    from perospin.chemistry import Perovskite

    if n == 0:
        return Perovskite.from_ions({cage: 1, metal: 1, halide: 3})
    amounts: dict[str | Ion, Any] = {spacer: 2 if spacer.charge == 1 else 1, metal: n, halide: 3 * n + 1}
    if n > 1:
        amounts[cage] = n - 1
    return Perovskite.from_ions(amounts)


def synthetic_table(n: int = 80, seed: int = 0, noise: float = 0.03) -> pd.DataFrame:
    """Make a table of perovskites with spin relaxation rates from known laws.

    Parameters
    ----------
    n : int
        Rows, at least 4; no two have the same composition.
    seed : int
        Of all draws.
    noise : float
        Standard deviation of the scatter added to log10(rate), at least 0.

    Returns
    -------
    DataFrame
        ``formula``, ``spacer`` (its symbol, empty in 3D), ``family``, the columns of `SYNTHETIC_FEATURES` (spacer
        columns are 0 without a spacer), ``rate_per_ps`` with scatter, and what is behind it: ``true_rate_per_ps``,
        ``true_<mechanism>_per_ps``, ``true_exciton_binding_energy_mev``, ``true_rashba_ev_a``,
        ``true_momentum_scattering_time_ps``, ``true_spin_mixing``.

    Raises
    ------
    DataError
        If `n` or `noise` is out of range.

    Notes
    -----
    The rules are in the module's description (`perospin.mechanisms.inference.synthetic`).
    """
    import pandas as pd

    if n < 4 or n > 5000:
        raise DataError(f"a synthetic table needs 4 to 5000 rows, not {n}")
    if not 0.0 <= noise < np.inf:
        raise DataError(f"the noise of a synthetic table must be a number from 0 up, not {noise}")
    rng = np.random.default_rng(seed)
    spacers = _spacers()
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < n:
        spacer = spacers[rng.integers(len(spacers))]
        layers = _LAYERS[rng.integers(len(_LAYERS))]
        cage, metal, halide = (options[rng.integers(len(options))] for options in (_CAGES, _METALS, _HALIDES))
        material = _material(spacer, layers, cage, metal, halide)
        rows.setdefault(material.formula, _features(material, spacer, layers))
    table = pd.DataFrame(list(rows.values())).assign(formula=list(rows))
    true = _rates(table)
    scatter = 10.0 ** (noise * rng.standard_normal(n))
    first = table[["formula", "spacer", "family", *SYNTHETIC_FEATURES]]
    return pd.concat([first, pd.DataFrame({"rate_per_ps": true["true_rate_per_ps"] * scatter, **true})], axis=1)


def _features(material: Perovskite, spacer: Ion, layers: int) -> dict[str, Any]:
    from perospin.chemistry import atomic_numbers, octahedral_factor

    metal, halide = material.b_site[0][0], material.x_site[0][0]
    composition = spacer.composition
    polar = sum(count for element, count in composition.items() if element not in ("C", "H"))
    layered = layers > 0
    halide_radius, metal_radius = (float(ion.radius_pm or np.nan) / 100.0 for ion in (halide, metal))
    return {
        "spacer": spacer.symbol if layered else "",
        "family": material.family,
        "inverse_layers": 1.0 / layers if layered else 0.0,
        "spacer_heavy_atoms": float(spacer.n_heavy_atoms) if layered else 0.0,
        "spacer_polar_fraction": polar / spacer.n_heavy_atoms if layered else 0.0,
        "spacer_charge": float(spacer.charge) if layered else 0.0,
        "halide_radius_a": halide_radius,
        "halide_mass_g_mol": halide.molar_mass_g_mol,
        "metal_number": float(atomic_numbers()[metal.symbol]),
        "octahedral_factor": float(octahedral_factor(metal_radius, halide_radius)),
        "molar_mass_g_mol": material.molar_mass_g_mol,
    }


def _rates(table: pd.DataFrame) -> dict[str, Any]:
    layered = (table["inverse_layers"] > 0).to_numpy()
    layers = np.where(layered, 1.0 / np.where(layered, table["inverse_layers"], 1.0), 1e6)
    polarity = table["spacer_polar_fraction"].to_numpy()
    heavy = (table["metal_number"] / 82.0).to_numpy()
    iodide_radius = 2.20
    confinement = (layer_binding_energy_mev(layers) - 16.0) * iodide_radius / table["halide_radius_a"].to_numpy()
    binding = 16.0 + confinement / (1.0 + 4.0 * polarity)
    misfit = np.where(layered, (table["spacer_heavy_atoms"].to_numpy() - 8.0) / 4.0, 0.0)
    rashba = 0.3 * heavy**2 * (0.1 + misfit**2)
    tau = _TAU_PS * np.sqrt(table["halide_mass_g_mol"].to_numpy() / _IODINE_MASS)
    mixing = 1e-3 * heavy**4
    wavevector = thermal_wavevector(_TEMPERATURE_K, _MASS)
    total = total_rate(
        {
            "exciton_exchange": quadratic_binding_rate(binding, 8.0) * tau / _TAU_PS,
            "dyakonov_perel": crossover_rate(rashba_precession(rashba, wavevector), tau),
            "elliott_yafet": elliott_yafet_rate(mixing, tau),
        }
    )
    return {
        "true_rate_per_ps": total.total_per_ps,
        **{f"true_{name}_per_ps": rate for name, rate in total.rates_per_ps.items()},
        "true_exciton_binding_energy_mev": binding,
        "true_rashba_ev_a": rashba,
        "true_momentum_scattering_time_ps": tau,
        "true_spin_mixing": mixing,
    }
