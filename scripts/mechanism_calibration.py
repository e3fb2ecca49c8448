"""Count how often `infer` finds, leaves open or misses each law, inside and outside its regime.

python scripts/mechanism_calibration.py RESULTS.json [SETS]     # sets a case, 45 by default; goes on where it stopped
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perospin.mechanisms.inference.assessment import assess, call, merged
from perospin.mechanisms.inference.candidates import CANDIDATES, FAMILIES, ModelSpace
from perospin.mechanisms.inference.doubts import beyond_physics, single_beyond
from perospin.mechanisms.inference.least_squares import fit_batch
from perospin.mechanisms.inference.shapes import SHAPES

SCATTERS = (0.05, 0.15)
_RNG = np.random.default_rng(14)
_N = 18


def _carriers(scattering_fs: tuple[float, float], density: tuple[float, float], kelvin: tuple[float, float]) -> Any:
    """Temperature, scattering time, density and binding energy, spread independently."""
    return {
        "temperature_k": np.tile(np.linspace(*kelvin, 6), 3),
        "momentum_scattering_time_ps": 1e-3 * np.exp(_RNG.uniform(*np.log(scattering_fs), _N)),
        "density_cm3": np.exp(_RNG.uniform(*np.log(density), _N)),
        "exciton_binding_energy_mev": _RNG.uniform(50, 400, _N),
    }


def _field(low: float, high: float) -> dict[str, Any]:
    return {"field_t": np.geomspace(low, high, 12), "temperature_k": np.tile([1.6, 4.0, 10.0], 4)}


WIDE = _carriers((2, 50), (1e16, 10**18.5), (77, 300))
COLD = {"temperature_k": np.linspace(2, 20, 12)}
WARM = {"temperature_k": np.linspace(20, 300, 12)}
DENSE = _carriers((2, 50), (1e18, 1e21), (10, 100))
KNOWN = {"nuclear_field_t": 0.012}

# law, regime in words, conditions, ranges of the parameters (ln-uniform; coefficient and shape parameters)
CASES: tuple[tuple[str, str, Mapping[str, Any], dict[str, tuple[float, float]]], ...] = (
    ("constant", "any", WIDE, {"coefficient": (0.1, 10.0)}),
    ("dyakonov_perel", "Ωτp < 0.3", WIDE, {"coefficient": (3.0, 30.0)}),
    ("dyakonov_perel_crossover", "Ωτp about 1/2", WIDE, {"coefficient": (400.0, 4000.0)}),
    ("dyakonov_perel_crossover", "Ωτp > 1, 12 to 60 fs", _carriers((12, 60), (1e16, 10**18.5), (150, 300)),
     {"coefficient": (2e4, 1e5)}),
    ("dyakonov_perel_cubic", "Ωτp < 0.3", WIDE, {"coefficient": (3.0, 30.0)}),
    ("elliott_yafet", "⟨b²⟩ < 0.1", WIDE, {"coefficient": (1e-3, 0.1)}),
    ("elliott_yafet", "⟨b²⟩ 0.35 to 0.9", WIDE, {"coefficient": (0.35, 0.9)}),
    ("elliott_yafet_einstein", "kT > E/3, 20 to 300 K", WARM, {"coefficient": (1e-5, 1e-3),
     "phonon_energy_mev": (3.0, 15.0)}),
    ("elliott_yafet_einstein", "frozen, 2 to 20 K", COLD, {"coefficient": (1e-5, 1e-3),
     "phonon_energy_mev": (3.0, 15.0)}),
    ("elliott_yafet_debye", "20 to 300 K", WARM, {"coefficient": (1e-5, 1e-3), "phonon_energy_mev": (3.0, 15.0)}),
    ("elliott_yafet_debye", "frozen, 2 to 20 K", COLD, {"coefficient": (1e-5, 1e-3), "phonon_energy_mev": (3.0, 15.0)}),
    ("bir_aronov_pikus", "nondegenerate", WIDE, {"coefficient": (1e-19, 1e-17)}),
    ("bir_aronov_pikus", "degenerate", DENSE, {"coefficient": (1e-20, 1e-18), "hole_mass_m0": (0.15, 0.4)}),
    ("exciton_exchange", "Ωτp < 0.3", WIDE, {"coefficient": (20.0, 200.0)}),
    ("exciton_exchange_crossover", "Ωτp > 1/2", WIDE, {"coefficient": (5e4, 5e5)}),
    ("nuclear_fluctuations", "B > 3 ΔN", _field(0.036, 0.5), {"coefficient": (1e-9, 1e-7)}),
    ("nuclear_fluctuations", "B from 0.3 ΔN", _field(0.004, 0.1), {"coefficient": (1e-9, 1e-7)}),
    ("activation", "frozen, 2 to 20 K", COLD, {"coefficient": (1e-6, 1e-4), "activation_energy_mev": (3.0, 15.0)}),
    ("activation", "20 to 300 K", WARM, {"coefficient": (1e-6, 1e-4), "activation_energy_mev": (3.0, 30.0)}),
    ("raman", "frozen, 2 to 20 K", COLD, {"coefficient": (1e-6, 1e-4), "phonon_energy_mev": (3.0, 15.0)}),
    ("raman", "20 to 300 K", WARM, {"coefficient": (1e-6, 1e-4), "phonon_energy_mev": (3.0, 30.0)}),
    ("one_phonon", "1 to 10 T", _field(1.0, 10.0), {"coefficient": (1e-9, 1e-6)}),
    ("dyakonov_perel_crossover", "Ωτp > 1, excitons left out", _carriers((12, 60), (1e16, 10**18.5), (150, 300)),
     {"coefficient": (2e4, 1e5)}),
)  # fmt: skip


def run_case(index: int, scatter: float, sets: int) -> dict[str, Any]:
    """Simulate one case and count."""
    law, regime, conditions, ranges = CASES[index]
    columns = {name: np.asarray(values, dtype=float) for name, values in conditions.items()}
    varying = [name for name, column in columns.items() if np.ptp(column) > 0]
    known = KNOWN if "field_t" in columns else None
    asked = [name for name in FAMILIES if name != "exciton_exchange"] if "excitons left out" in regime else None
    space = ModelSpace.build(columns, varying, asked, known=known)
    true = next(i for i, name in enumerate(space.names) if law in space.twins[name])
    rng = np.random.default_rng([index, round(1000 * scatter)])
    size = len(space.names)
    theta = np.tile(np.concatenate([[0.0], space.shape_priors[0]]), (sets, 1))
    for name, (low, high) in ranges.items():
        drawn = rng.uniform(np.log(low), np.log(high), sets)
        if name == "coefficient":
            theta[:, 0] = drawn
        elif name in space.shape_names:
            theta[:, 1 + space.shape_names.index(name)] = drawn if SHAPES[name].log else np.exp(drawn)
    y = space.log_rates([true], theta)[..., 0]
    y = y + scatter * rng.standard_normal(y.shape)
    fit = fit_batch(space, y, np.full_like(y, scatter), n_random=2)
    found = assess(space, fit, y.shape[1], known_sigma=True)
    groups = list(space.answers().values())
    led = merged(found.dominance, groups)
    home = next(i for i, group in enumerate(groups) if true in group)
    twin = np.array([len(space.families(group)) > 1 for group in groups])
    counts = [0, 0, 0]
    for i in range(sets):
        best = int(np.argmax(found.probability[i]))
        doubtful = beyond_physics(space, best, fit.theta[i, best])
        alone = single_beyond(space, best, fit.chi2[i] / found.inflation[i], fit.theta[i])
        barred = twin | (alone is not None)
        barred = barred | np.array([bool(doubtful.intersection(space.names[j] for j in g)) for g in groups])
        answer = call(led[i], float(found.p_value[i]), barred)
        counts[1 if not answer.decided else 0 if answer.named == (home,) else 2] += 1
    # intervals of the law's own parameters, from its own fit
    model = space.models.index((true,))
    inside = {"68": 0, "90": 0}
    asked = [true] + [
        size + k for k, name in enumerate(space.shape_names) if name in ranges and name in space.used(space.names[true])
    ]
    truth = np.concatenate([np.full((sets, size), np.nan), theta[:, 1:]], axis=1)
    truth[:, true] = theta[:, 0]
    saturated = CANDIDATES[law].prior is not None
    total = 0
    for column in asked:
        if saturated and regime.startswith("Ωτp > 1"):
            continue  # the rate no longer depends on Omega
        miss = np.abs(fit.theta[:, model, column] - truth[:, column])
        width = np.sqrt(fit.covariance[:, model, column, column] * found.inflation)
        total += sets
        for level, z in (("68", 0.994458), ("90", 1.644854)):
            inside[level] += int(np.sum(miss <= z * width))
    return {
        "law": law, "regime": regime, "scatter": scatter, "sets": sets, "found": counts[0], "undecided": counts[1],
        "wrong": counts[2], "intervals": total, "inside_68": inside["68"], "inside_90": inside["90"],
    }  # fmt: skip


def main(arguments: list[str]) -> None:
    path = Path(arguments[0])
    sets = int(arguments[1]) if len(arguments) > 1 else 45
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for index in range(len(CASES)):
        for scatter in SCATTERS:
            key = f"{index}/{scatter}/{sets}"
            if key in results:
                continue
            start = time.time()
            results[key] = run_case(index, scatter, sets)
            temporary = path.with_suffix(".part")
            temporary.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            temporary.replace(path)
            print(f"{time.time() - start:6.1f} s", results[key], flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
