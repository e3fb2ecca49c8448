from .catalogue import (
    LAWS as LAWS,
)
from .catalogue import (
    Law as Law,
)
from .catalogue import (
    get_law as get_law,
)
from .inference.assessment import (
    DECIDED_AT as DECIDED_AT,
)
from .inference.candidates import (
    CANDIDATES as CANDIDATES,
)
from .inference.infer import (
    infer as infer,
)
from .inference.observations import (
    CONDITIONS as CONDITIONS,
)
from .inference.observations import (
    Observations as Observations,
)
from .inference.observations import (
    read_observations as read_observations,
)
from .inference.posterior import (
    Sampling as Sampling,
)
from .inference.recovery import (
    Recovery as Recovery,
)
from .inference.recovery import (
    recovery_study as recovery_study,
)
from .inference.result import (
    Curve as Curve,
)
from .inference.result import (
    Estimate as Estimate,
)
from .inference.result import (
    MechanismResult as MechanismResult,
)
from .inference.result import (
    ModelFit as ModelFit,
)
from .inference.result import (
    Verdict as Verdict,
)
from .inference.synthetic import (
    SYNTHETIC_FEATURES as SYNTHETIC_FEATURES,
)
from .inference.synthetic import (
    synthetic_table as synthetic_table,
)
from .laws.bir_aronov_pikus import (
    ExcitonScales as ExcitonScales,
)
from .laws.bir_aronov_pikus import (
    bir_aronov_pikus_degenerate_rate as bir_aronov_pikus_degenerate_rate,
)
from .laws.bir_aronov_pikus import (
    bir_aronov_pikus_rate as bir_aronov_pikus_rate,
)
from .laws.bir_aronov_pikus import (
    exchange_rate_scale as exchange_rate_scale,
)
from .laws.bir_aronov_pikus import (
    exciton_scales as exciton_scales,
)
from .laws.bir_aronov_pikus import (
    fermi_energy_mev as fermi_energy_mev,
)
from .laws.bir_aronov_pikus import (
    sommerfeld_factor as sommerfeld_factor,
)
from .laws.dyakonov_perel import (
    crossover_rate as crossover_rate,
)
from .laws.dyakonov_perel import (
    dyakonov_perel_decay as dyakonov_perel_decay,
)
from .laws.dyakonov_perel import (
    dyakonov_perel_integral_rate as dyakonov_perel_integral_rate,
)
from .laws.dyakonov_perel import (
    dyakonov_perel_rate as dyakonov_perel_rate,
)
from .laws.dyakonov_perel import (
    free_precession as free_precession,
)
from .laws.dyakonov_perel import (
    rashba_precession as rashba_precession,
)
from .laws.dyakonov_perel import (
    relaxation_tensor as relaxation_tensor,
)
from .laws.dyakonov_perel import (
    spin_orbit_field as spin_orbit_field,
)
from .laws.dyakonov_perel import (
    thermal_relaxation_tensor as thermal_relaxation_tensor,
)
from .laws.dyakonov_perel import (
    thermal_wavevector as thermal_wavevector,
)
from .laws.elliott_yafet import (
    elliott_yafet_debye_rate as elliott_yafet_debye_rate,
)
from .laws.elliott_yafet import (
    elliott_yafet_einstein_rate as elliott_yafet_einstein_rate,
)
from .laws.elliott_yafet import (
    elliott_yafet_high_temperature_rate as elliott_yafet_high_temperature_rate,
)
from .laws.elliott_yafet import (
    elliott_yafet_iii_v_factor as elliott_yafet_iii_v_factor,
)
from .laws.elliott_yafet import (
    elliott_yafet_integral_rate as elliott_yafet_integral_rate,
)
from .laws.elliott_yafet import (
    elliott_yafet_rate as elliott_yafet_rate,
)
from .laws.elliott_yafet import (
    spin_mixing_from_g as spin_mixing_from_g,
)
from .laws.exciton_exchange import (
    QuadraticFit as QuadraticFit,
)
from .laws.exciton_exchange import (
    exciton_exchange_rate as exciton_exchange_rate,
)
from .laws.exciton_exchange import (
    exciton_exchange_thermal_rate as exciton_exchange_thermal_rate,
)
from .laws.exciton_exchange import (
    exciton_overlap_nm2 as exciton_overlap_nm2,
)
from .laws.exciton_exchange import (
    exciton_radius_nm as exciton_radius_nm,
)
from .laws.exciton_exchange import (
    fit_quadratic_law as fit_quadratic_law,
)
from .laws.exciton_exchange import (
    layer_binding_energy_mev as layer_binding_energy_mev,
)
from .laws.exciton_exchange import (
    layered_permittivity as layered_permittivity,
)
from .laws.exciton_exchange import (
    quadratic_binding_rate as quadratic_binding_rate,
)
from .laws.exciton_fine_structure import (
    BrightStates as BrightStates,
)
from .laws.exciton_fine_structure import (
    bright_exciton_states as bright_exciton_states,
)
from .laws.exciton_fine_structure import (
    exciton_rashba_slope_ev_a as exciton_rashba_slope_ev_a,
)
from .laws.exciton_fine_structure import (
    fine_structure_beat_ghz as fine_structure_beat_ghz,
)
from .laws.exciton_fine_structure import (
    fine_structure_dephasing_ps as fine_structure_dephasing_ps,
)
from .laws.exciton_fine_structure import (
    fine_structure_rate as fine_structure_rate,
)
from .laws.exciton_fine_structure import (
    long_range_slope_ev_a as long_range_slope_ev_a,
)
from .laws.g_factors import (
    electron_g_factor as electron_g_factor,
)
from .laws.g_factors import (
    exciton_g_factor as exciton_g_factor,
)
from .laws.g_factors import (
    hole_g_factor as hole_g_factor,
)
from .laws.g_factors import (
    larmor_frequency_ghz as larmor_frequency_ghz,
)
from .laws.g_factors import (
    larmor_precession as larmor_precession,
)
from .laws.g_factors import (
    resonance_field_t as resonance_field_t,
)
from .laws.g_factors import (
    zeeman_splitting_mev as zeeman_splitting_mev,
)
from .laws.localised import (
    anisotropic_exchange_rate as anisotropic_exchange_rate,
)
from .laws.localised import (
    hopping_rate as hopping_rate,
)
from .laws.localised import (
    one_phonon_rate as one_phonon_rate,
)
from .laws.momentum_scattering import (
    ScatteringTimes as ScatteringTimes,
)
from .laws.momentum_scattering import (
    acoustic_mobility as acoustic_mobility,
)
from .laws.momentum_scattering import (
    effective_permittivity as effective_permittivity,
)
from .laws.momentum_scattering import (
    froehlich_coupling as froehlich_coupling,
)
from .laws.momentum_scattering import (
    froehlich_mobility as froehlich_mobility,
)
from .laws.momentum_scattering import (
    mobility_scattering_time_ps as mobility_scattering_time_ps,
)
from .laws.momentum_scattering import (
    momentum_scattering_times as momentum_scattering_times,
)
from .laws.nuclear import (
    hyperfine_dephasing_time_ps as hyperfine_dephasing_time_ps,
)
from .laws.nuclear import (
    nuclear_field_from_size as nuclear_field_from_size,
)
from .laws.nuclear import (
    nuclear_fluctuation_rate as nuclear_fluctuation_rate,
)
from .laws.nuclear import (
    nuclear_transverse_share as nuclear_transverse_share,
)
from .laws.nuclear import (
    resonance_width as resonance_width,
)
from .laws.phonon_raman import (
    activation_rate as activation_rate,
)
from .laws.phonon_raman import (
    cube_polarisability as cube_polarisability,
)
from .laws.phonon_raman import (
    cuboid_polarisability as cuboid_polarisability,
)
from .laws.phonon_raman import (
    raman_flip_rate as raman_flip_rate,
)
from .laws.phonon_raman import (
    raman_golden_rule_rate as raman_golden_rule_rate,
)
from .laws.phonon_raman import (
    raman_rate as raman_rate,
)
from .laws.phonon_raman import (
    rashba_coefficient_a2 as rashba_coefficient_a2,
)
from .laws.precession import (
    dephasing_time_ps as dephasing_time_ps,
)
from .laws.precession import (
    einstein_diffusion_cm2_s as einstein_diffusion_cm2_s,
)
from .laws.precession import (
    electrical_hanle as electrical_hanle,
)
from .laws.precession import (
    electrical_hanle_with_contacts as electrical_hanle_with_contacts,
)
from .laws.precession import (
    g_spread_time_ps as g_spread_time_ps,
)
from .laws.precession import (
    hanle_half_width_t as hanle_half_width_t,
)
from .laws.precession import (
    hanle_polarisation as hanle_polarisation,
)
from .laws.precession import (
    kerr_transient as kerr_transient,
)
from .laws.precession import (
    optical_orientation as optical_orientation,
)
from .laws.precession import (
    resonant_spin_amplification as resonant_spin_amplification,
)
from .laws.precession import (
    spin_diffusion_length_nm as spin_diffusion_length_nm,
)
from .laws.precession import (
    spin_inertia as spin_inertia,
)
from .laws.precession import (
    total_lifetime_ps as total_lifetime_ps,
)
from .presets import (
    PRESET_NAMES as PRESET_NAMES,
)
from .presets import (
    Preset as Preset,
)
from .presets import (
    SourcedValue as SourcedValue,
)
from .presets import (
    preset as preset,
)
from .quantities import (
    QUANTITIES as QUANTITIES,
)
from .quantities import (
    Quantity as Quantity,
)
from .total import (
    TotalRate as TotalRate,
)
from .total import (
    total_rate as total_rate,
)
from .validity import (
    RANGES as RANGES,
)
from .validity import (
    Range as Range,
)
from .validity import (
    SpinRelaxationWarning as SpinRelaxationWarning,
)
from .validity import (
    holds as holds,
)
