from .chirality.absorption_edge import (
    elliott as elliott,
)
from .chirality.absorption_edge import (
    fit_absorption_edge as fit_absorption_edge,
)
from .chirality.chiral_selectivity import (
    current_polarisation as current_polarisation,
)
from .chirality.chiral_selectivity import (
    fit_current_polarisation as fit_current_polarisation,
)
from .chirality.circular_dichroism import (
    dissymmetry as dissymmetry,
)
from .chirality.circular_dichroism import (
    fit_circular_dichroism as fit_circular_dichroism,
)
from .chirality.circular_dichroism import (
    fit_luminescence as fit_luminescence,
)
from .chirality.magnetoresistance import (
    fit_magnetoresistance as fit_magnetoresistance,
)
from .chirality.magnetoresistance import (
    julliere_ratio as julliere_ratio,
)
from .chirality.magnetoresistance import (
    magnetoresistance as magnetoresistance,
)
from .figures.maps import (
    plot_kinetics as plot_kinetics,
)
from .lifetimes.populations import (
    fit_populations as fit_populations,
)
from .lifetimes.pump_probe import (
    fit_pump_probe as fit_pump_probe,
)
from .maps.corrections import (
    Chirp as Chirp,
)
from .maps.corrections import (
    correct_background as correct_background,
)
from .maps.corrections import (
    correct_chirp as correct_chirp,
)
from .maps.corrections import (
    find_chirp as find_chirp,
)
from .maps.decomposition import (
    Decomposition as Decomposition,
)
from .maps.decomposition import (
    decompose as decompose,
)
from .maps.global_analysis import (
    fit_map as fit_map,
)
from .maps.global_analysis import (
    kinetics as kinetics,
)
from .maps.global_analysis import (
    simulate_map_pair as simulate_map_pair,
)
from .precession.hanle import (
    fit_hanle as fit_hanle,
)
from .precession.hanle import (
    hanle_model as hanle_model,
)
from .precession.kerr import (
    fit_kerr as fit_kerr,
)
from .precession.kerr import (
    kerr_model as kerr_model,
)
from .precession.kerr_series import (
    fit_kerr_series as fit_kerr_series,
)
from .precession.nuclear_precession import (
    fit_nuclear_precession as fit_nuclear_precession,
)
from .precession.resonant_amplification import (
    amplification_model as amplification_model,
)
from .precession.resonant_amplification import (
    fit_resonant_amplification as fit_resonant_amplification,
)
from .precession.spin_valve import (
    fit_spin_valve as fit_spin_valve,
)
from .precession.spin_valve import (
    spin_valve_model as spin_valve_model,
)
from .relaxation.longitudinal import (
    fit_t1_field as fit_t1_field,
)
from .relaxation.longitudinal import (
    fit_t1_temperature as fit_t1_temperature,
)
from .relaxation.odmr import (
    fit_odmr as fit_odmr,
)
from .relaxation.odmr import (
    fit_odmr_frequency as fit_odmr_frequency,
)
from .relaxation.odmr import (
    fit_odmr_series as fit_odmr_series,
)
from .relaxation.odmr import (
    fit_resonance_width as fit_resonance_width,
)
from .relaxation.odmr import (
    odmr_model as odmr_model,
)
from .relaxation.polarisation import (
    fit_polarisation_power as fit_polarisation_power,
)
from .relaxation.spin_inertia import (
    extrapolate_power as extrapolate_power,
)
from .relaxation.spin_inertia import (
    fit_spin_inertia as fit_spin_inertia,
)
from .relaxation.spin_inertia import (
    inertia_model as inertia_model,
)
from .signals.irf import (
    MeasuredResponse as MeasuredResponse,
)
from .signals.irf import (
    gaussian_decay as gaussian_decay,
)
from .signals.simulate import (
    simulate_pump_probe as simulate_pump_probe,
)
