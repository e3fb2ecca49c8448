"""Every law knows its range, and says so wherever a rate is computed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import perospin.mechanisms as room
from perospin.errors import DataError
from perospin.mechanisms import LAWS, RANGES, SpinRelaxationWarning, holds


def test_ranges_belong_to_laws_that_exist():
    for name, ranges in RANGES.items():
        assert callable(getattr(room, name))
        for item in ranges:
            assert item.words
            assert np.isfinite(item.low) or np.isfinite(item.high)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: room.dyakonov_perel_rate(300.0, 1.6, 0.005, 0.2), "Omega tau_p reaches 0.9"),
        (lambda: room.elliott_yafet_rate(0.5, 0.01), "a spin can't relax faster than its momentum"),
        (lambda: room.exciton_exchange_rate(30.0, 0.05), "Omega tau_p reaches"),
        (lambda: room.exciton_exchange_thermal_rate(300.0, 5.0, 0.05, 0.4), "Omega tau_p reaches"),
        (lambda: room.bir_aronov_pikus_degenerate_rate(300.0, 1e17, 1.0, 0.2, 9.0, 0.2), "not degenerate"),
        (
            lambda: room.bir_aronov_pikus_rate(30.0, 1e19, 1.0, 0.2, 9.0, hole_mass_m0=0.2, statistics="nondegenerate"),
            "the holes are degenerate",
        ),
        (lambda: room.bir_aronov_pikus_rate(300.0, 1e20, 1.0, 0.2, 9.0, enhancement="unscreened"), "screen"),
        (lambda: room.nuclear_fluctuation_rate(0.02, 0.012, 60e6, form="paper"), r"B/Delta_N goes down to 1.7 \(< 3\)"),
        (lambda: room.nuclear_fluctuation_rate(0.001, 0.001, 10.0, g_factor=0.1), "before the spin has turned"),
        (lambda: room.electron_g_factor(0.4), "lead halides"),
        (lambda: room.hopping_rate(10.0, 50.0, 1.0, 0.2), "turns right round"),
        (lambda: room.one_phonon_rate(10.0, 4.0, 2.0, 10.0, 5.0, 1500.0), "wavelength is shorter"),
        (lambda: room.relaxation_tensor([[20.0, 0.0, 0.0]], 0.1), "Omega tau_p reaches 2"),
        (lambda: room.free_precession(-1.0, 1.0, 1.0), "before the start"),
        (lambda: room.zeeman_splitting_mev(2.0, 30.0), "field 30 T is unusual: is the unit right?"),
        (lambda: room.bir_aronov_pikus_rate(300.0, 1e25, 1.0, 0.2, 9.0), r"density 1e\+25 1/cm\^3 is unusual"),
        (
            lambda: room.raman_golden_rule_rate(5.0, 0.1, 9.0, 0.2, 30.0, 0.2, 2.9, 6.0, 1.7, level_spacing_mev=40.0),
            "near a real transition",
        ),
        (
            lambda: room.dyakonov_perel_integral_rate(300.0, lambda e: 1e4 + 0 * e, lambda e: 0.01 + 0 * e),
            "motional narrowing does not hold",
        ),
    ],
)
def test_a_law_outside_its_range_says_so(call, words: str):
    with pytest.warns(SpinRelaxationWarning, match=words):
        call()


@pytest.mark.parametrize("name", LAWS)
def test_the_example_of_every_law_lies_inside_its_range(name: str):
    with warnings.catch_warnings():
        warnings.simplefilter("error", SpinRelaxationWarning)
        law = LAWS[name]
        given = dict(part.split("=", 1) for part in _quoted(law.example))
        assert np.isfinite(law.evaluate(given))


def _quoted(example: str) -> list[str]:
    import shlex

    return [word for word in shlex.split(example) if "=" in word]


def test_only_the_law_that_is_called_warns():
    """The total of a call is one warning, though the law calls others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        room.dyakonov_perel_rate(300.0, 1.6, 0.005, 0.2)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_sentences_without_a_warning():
    inside = {"temperature_k": 300.0, "rashba_ev_a": 0.05, "momentum_scattering_time_ps": 0.005, "mass_m0": 0.2}
    assert holds("dyakonov_perel_rate", inside) == []
    (sentence,) = holds("dyakonov_perel_rate", {**inside, "rashba_ev_a": 1.6})
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: room.sommerfeld_factor(0.0, 30.0), "kinetic_energy_mev must be a positive number"),
        (lambda: room.raman_golden_rule_rate(5.0, 0.1, 9.0, 0.2, 3.2, 0.2, 2.9, 6.0, 1.7, level_spacing_mev=3.2),
         "level_spacing_mev must lie above phonon_energy_mev"),
        (lambda: room.raman_flip_rate(5.0, 9.0, 0.2, 3.2, 0.2, 2.9, 6.0, angular_factor=-0.1),
         "angular_factor must be a positive number"),
        (lambda: room.resonant_spin_amplification(0.001, 2.5, 5000.0, 13000.0, 14000.0), "between 0 and repetition"),
        (lambda: room.resonant_spin_amplification(0.001, 2.5, 5000.0, 13000.0, -1.0), "between 0 and repetition"),
        (lambda: room.effective_permittivity(6.0, 6.0), "must be above optical_permittivity"),
        (lambda: room.nuclear_fluctuation_rate(0.0, 0.012, 60e6, form="paper"), "use form='jumping'"),
        (lambda: room.dyakonov_perel_rate(300.0, 0.05, 0.005, 0.2, regime="motional_narrowing",
                                          energy_relaxation="slow"), "leave regime at 'auto'"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_refused(call, words: str):
    with pytest.raises(DataError, match=words):
        call()


def test_signals_where_formulas_used_to_break():
    assert room.kerr_transient([-5.0, -1e-9, 0.0], 1.0, 2.0, 100.0) == pytest.approx([0.0, 0.0, 1.0])
    far = room.electrical_hanle_with_contacts([0.0, 0.005], 2.0, 800.0, 1.0, 1e6, 1.0)
    assert np.isfinite(far).all()
    near = room.electrical_hanle_with_contacts(0.005, 2.0, 800.0, 1.0, 3000.0, 1.0)
    assert np.isfinite(near)
    assert near != 0
    degenerate = room.dyakonov_perel_integral_rate(
        10.0, lambda e: e, lambda e: 1e-3 + 0 * e, chemical_potentials_kt=(1000.1, 999.9)
    )
    # all at the Fermi edge, 1000 kT = 0.8617 eV
    assert degenerate == pytest.approx(2 / 3 * 1e-3 * 0.8617333, rel=1e-5)
