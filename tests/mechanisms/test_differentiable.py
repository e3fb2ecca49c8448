"""The laws run under JAX: same numbers as NumPy, gradients without NaN, vectorised."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.mechanisms import LAWS, total_rate

jax = pytest.importorskip("jax")


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


# one sensible point for each argument name
POINT = {
    "temperature_k": 100.0, "momentum_scattering_time_ps": 0.01, "mass_m0": 0.2, "hole_mass_m0": 0.25,
    "reduced_mass_m0": 0.1, "translational_mass_m0": 0.4, "rashba_ev_a": 0.1, "precession_rad_per_ps": 5.0,
    "wavevector_per_a": 0.03, "time_ps": 0.7, "spin_mixing": 0.1, "prefactor": 1.0, "coupling": 1e-4,
    "phonon_energy_mev": 3.2, "phonon_damping_per_ps": 0.2, "density_cm3": 1e17, "acceptor_density_cm3": 2e17,
    "exchange_splitting_mev": 0.8, "permittivity": 9.0, "effective_permittivity": 6.0, "kinetic_energy_mev": 10.0,
    "exciton_binding_energy_mev": 200.0, "quadratic_coefficient_per_ps": 7.9, "n_layers": 2.0, "field_t": 0.1,
    "nuclear_field_t": 0.012, "correlation_time_ps": 6e7, "spin_lifetime_ps": 500.0, "lifetime_ps": 400.0,
    "activation_rate_per_ps": 2e-5, "activation_energy_mev": 3.2, "size_nm": 9.0, "gap_ev": 1.7, "split_off_ev": 1.5,
    "interband_momentum_ev_a": 6.8, "remote_bands": -1.0, "rashba_coefficient_a2": 2.9, "polarisability_factor": 1.0,
    "cutoff": 1.0, "level_spacing_mev": 94.0, "g_factor": 1.7, "g_spread": 0.05, "frequency_ghz": 2.0,
    "modulation_mhz": 0.01, "repetition_time_ps": 1e4, "diffusion_cm2_s": 1.0, "distance_nm": 200.0,
    "exchange_slope_ev_a": 0.1, "field_ratio": 2.0, "edge_x_nm": 9.0, "edge_y_nm": 8.0, "edge_z_nm": 7.0,
    "angular_factor": 0.2, "hop_time_ps": 10.0, "hop_distance_nm": 5.0, "exchange_energy_mev": 0.01,
    "strain_coupling": 10.0, "mass_density_g_cm3": 5.0, "sound_velocity_m_s": 1500.0, "splitting_mev": 0.2,
    "splitting_spread_mev": 0.05, "dipole_e_a": 5.0, "exciton_overlap_nm2": 0.3, "electron_mass_m0": 0.2,
    "optical_permittivity": 4.5, "static_permittivity": 24.0, "deformation_potential_ev": 2.0,
    "elastic_modulus_gpa": 30.0, "mobility_cm2_vs": 50.0, "drift_m_s": 10.0,
    "contact_ratio": 0.5, "initial": 1.0, "phase_rad": 0.2,
}  # fmt: skip


def arguments(law) -> dict[str, float]:
    return {p.name: POINT[p.name] for p in law.parameters if p.quantity and (p.required or p.default is None)}


# a variational minimum and a search for a time: NumPy only
NUMPY_ONLY = {"froehlich_mobility", "dyakonov_perel_decay"}


@pytest.mark.parametrize("name", [name for name in LAWS if name not in NUMPY_ONLY])
def test_same_number_and_finite_gradient(name: str):
    law = LAWS[name]
    values = arguments(law)
    plain = law.function(**values)
    traced = {k: jax.numpy.asarray(v) for k, v in values.items()}
    assert float(jax.jit(law.function)(**traced)) == pytest.approx(float(plain), rel=1e-11)
    gradient = jax.grad(lambda given: law.function(**given))(traced)
    for key, slope in gradient.items():
        step = 1e-5 * values[key]
        low, high = (law.function(**{**values, key: values[key] + s * step}) for s in (-1, 1))
        scale = abs(float(plain) / values[key])
        assert np.isfinite(slope), key
        assert float(slope) == pytest.approx((high - low) / (2 * step), rel=1e-4, abs=1e-7 * scale), key


@pytest.mark.parametrize("name", ["dyakonov_perel", "bir_aronov_pikus", "raman_golden_rule", "exciton_exchange"])
def test_vmap_equals_broadcasting(name: str):
    law = LAWS[name]
    values = arguments(law)
    first = next(iter(values))
    grid = values.pop(first) * np.linspace(0.5, 2.0, 7)
    mapped = jax.vmap(lambda x: law.function(**{first: x}, **values))(jax.numpy.asarray(grid))
    assert np.asarray(mapped) == pytest.approx(law.function(**{first: grid}, **values), rel=1e-12)


@pytest.mark.parametrize("axis", ["z", "x", "isotropic"])
def test_no_nan_in_any_gradient_of_the_crossover(axis: str):
    from perospin.mechanisms import crossover_rate

    grid = np.stack(np.meshgrid(10.0 ** np.linspace(-9, 6, 61), 10.0 ** np.linspace(-6, 4, 41)), axis=-1).reshape(-1, 2)
    grid = np.vstack([grid, [[0.5, 1.0], [0.0, 1.0], [1.0, 0.5]]])  # the branch point, and no field at all
    slope = jax.vmap(jax.grad(lambda p: crossover_rate(p[0], p[1], axis=axis)))(jax.numpy.asarray(grid))
    assert np.isfinite(np.asarray(slope)).all()


@settings(max_examples=30)
@given(st.floats(0.05, 1000.0))
def test_no_nan_in_any_gradient_with_temperature(temperature: float):
    with jax.enable_x64(True):
        for name in ("elliott_yafet_einstein", "elliott_yafet_debye", "activation", "raman_flip", "bir_aronov_pikus"):
            values = arguments(LAWS[name])
            values.pop("temperature_k")
            slope = jax.grad(lambda t, n=name, v=values: LAWS[n].function(temperature_k=t, **v))
            assert np.isfinite(slope(jax.numpy.asarray(temperature))), name


def test_total_rate_can_be_differentiated():
    def share(x):
        return total_rate({"a": x, "b": 2.0}).shares["a"]

    assert jax.grad(share)(1.0) == pytest.approx(2 / 9)


def test_numpy_users_never_load_jax():
    code = (
        "import sys, perospin.mechanisms as m\n"
        "assert 'numpy' not in sys.modules\n"
        "m.dyakonov_perel_rate([77.0, 300.0], 0.05, 0.005, 0.2); m.preset('MAPbI3')\n"
        "heavy = {'jax', 'pandas', 'matplotlib', 'sklearn', 'rdkit'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
