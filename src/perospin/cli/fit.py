"""``perospin fit``: raw traces to lifetimes, g factors and dissymmetries, with figure and database record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from perospin.cli.fit_output import Outcome, Shared, each, shared
from perospin.errors import DataError
from perospin.units import convert

if TYPE_CHECKING:
    from perospin.spectra import SpinFit
    from perospin.spectra.reading import Measurement

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fit measurements of spin dynamics and chirality: text files in, lifetime, figure and record out.",
)

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILES...", help="Data files.")]
SeriesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILES...", help="One file, or several or a folder for a series.")
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Data file.")]
PatternOption = Annotated[
    str | None, typer.Option(help="Where a file name holds the condition: 'run_{field_mt}mT.csv'.")
]
ComponentsOption = Annotated[int, typer.Option(min=1, max=3, help="Number of components.")]
ResponseOption = Annotated[
    float | None, typer.Option("--irf-fwhm-ps", min=0.0, help="Instrument response, FWHM; fitted if not given.")
]
ResponseFileOption = Annotated[
    Path | None, typer.Option("--measured-irf", "--irf", help="File with the measured response.")
]
LineshapeOption = Annotated[str, typer.Option(help="gaussian or lorentzian.")]
DerivativeOption = Annotated[
    bool, typer.Option("--derivative", help="The signal is the line's derivative (lock-in, modulated field).")
]
WindowOption = Annotated[str | None, typer.Option(help="Part of the spectrum, LOW:HIGH.")]


def _measure(
    files: Path | Sequence[Path], roles: Sequence[str], options: Shared, pattern: str | None = None, **more: Any
) -> Measurement:
    from dataclasses import replace

    from perospin.spectra.reading import gather
    from perospin.spectra.reading.conditions import from_pattern

    listed = [files] if isinstance(files, Path) else list(files)
    measured = gather(listed, roles, **more, **options.gathering())
    if pattern is None:
        return measured
    found = from_pattern(pattern, listed[0].name)
    if found is None:
        raise DataError(f"'{listed[0].name}' doesn't fit the pattern '{pattern}'")
    return replace(measured, conditions={**measured.conditions, **found})


def _outcome(fit: SpinFit, measured: Measurement) -> Outcome:
    return Outcome(fit, measured.conditions, measured.notes)


def _window(text: str | None, option: str) -> tuple[float, float] | None:
    if text is None:
        return None
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise DataError(f"{option} '{text:.40}' must be LOW:HIGH, e.g. {option} 480:560") from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise DataError(
            f"--chirp-coefficients '{text:.40}' must be numbers with commas, e.g. --chirp-coefficients 0.3,-0.12,0.02"
        ) from None


def _response(path: Path | None, options: Shared) -> Any:
    if path is None:
        return None
    measured = _measure(path, ["signal"], Shared(unit=options.unit), x="delay")
    return measured.x, measured["signal"]


class _Parts:
    """Fits of the files of a series, with their conditions."""

    def __init__(self, fits: Mapping[str, SpinFit], measured: Mapping[str, Measurement]) -> None:
        self.fits = fits
        self.measured = {name: measured[name] for name in fits}
        self.notes = list(dict.fromkeys(note for m in self.measured.values() for note in m.notes))[:6]

    def values(self, condition: str) -> list[float] | None:
        """Condition of each file, if all tell it and it varies."""
        found = [m.conditions.get(condition) for m in self.measured.values()]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) and len(set(values)) > 1 else None

    def common(self) -> dict[str, float]:
        """Conditions that are the same in all files."""
        every = [dict(m.conditions) for m in self.measured.values()]
        return {k: v for k, v in every[0].items() if all(c.get(k) == v for c in every)}

    def outcome(self, fit: SpinFit) -> Outcome:
        """Give the result of the series all of its files as sources."""
        from dataclasses import replace

        sources = [source for m in self.measured.values() for source in m.sources]
        return Outcome(replace(fit, sources=tuple(sources)), self.common(), self.notes, self.fits)


def _series(
    files: Sequence[Path], pattern: str | None, measure: Any, fit_one: Any, need: Sequence[str] = ()
) -> Outcome | _Parts:
    """Fit one file, or each file of a series; a lone file is a result of its own.

    `need` names conditions of which each file must tell one before anything is fitted.
    """
    from perospin.spectra.reading import series_files

    paths = series_files(list(files), pattern)
    measured: dict[str, Measurement] = {}
    for path in paths:
        if path.name in measured:
            raise DataError(f"two files are called '{path.name}': a series needs different names")
        try:
            measured[path.name] = measure(path)
        except DataError as error:
            # what lies in a folder was not asked for by name: a log book is passed over, and named
            if path in files or (path == paths[-1] and not measured):
                raise
            typer.echo(f"not read, {error}", err=True)
            continue
        if len(paths) > 1 and need and not any(name in measured[path.name].conditions for name in need):
            raise DataError(
                f"'{path.name}' doesn't tell {' or '.join(need)}: give --pattern, e.g. 'run_{{{need[0]}}}.csv'"
            )
    if len(measured) == 1:
        one = next(iter(measured.values()))
        return _outcome(fit_one(one), one)
    order = sorted(measured, key=lambda name: [measured[name].conditions.get(key, 0.0) for key in need] or [0.0])
    return _Parts(each(order, str, lambda name: fit_one(measured[name])), measured)


def _no_series(parts: _Parts, kind: str) -> DataError:
    names = ", ".join(list(parts.fits)[:3])
    return DataError(f"{names} ... differ in no condition that makes a series of {kind}: fit them one by one")


@app.command("pump-probe", rich_help_panel="Lifetimes")
@shared
def pump_probe(
    files: FilesArgument,
    components: ComponentsOption = 1,
    population_components: Annotated[int, typer.Option(min=1, max=3, help="Exponentials of the population.")] = 1,
    irf_fwhm_ps: ResponseOption = None,
    irf: ResponseFileOption = None,
    population_lifetime_ps: Annotated[
        float | None, typer.Option(help="Recombination time, to take it out of a difference's decay.")
    ] = None,
    observable: Annotated[
        str | None, typer.Option(help="joint, difference or polarisation (default: joint of two traces).")
    ] = None,
    convention: Annotated[
        str | None, typer.Option(help="polarisation (decay time), flip (twice that) or difference.")
    ] = None,
    offset: Annotated[bool, typer.Option("--offset", help="Add a constant background.")] = False,
    artefact: Annotated[bool, typer.Option("--artefact", help="Add a coherent artefact at time zero.")] = False,
    kinetic: Annotated[bool, typer.Option("--kinetic", help="Rate equations of spin-up and -down instead.")] = False,
    wavelength_nm: Annotated[float | None, typer.Option(help="Probe wavelength, for the record.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Spin lifetime from same- and counter-circular traces: one file with both, or two files.

    Which file is which is told by its name (SC, CC, same, counter, co, cross), else by the order.

    Example: perospin fit pump-probe examples/spectra/pump_probe_SC.txt examples/spectra/pump_probe_CC.txt
    """
    from dataclasses import replace

    from perospin.spectra import fit_populations, fit_pump_probe

    m = _measure(files, ["same"], options, x="delay", optional=["counter", "sigma"])
    common: dict[str, Any] = {
        "sigma": m.get("sigma"), "irf_fwhm_ps": irf_fwhm_ps, "measured_irf": _response(irf, options), "offset": offset,
        "artefact": artefact, "wavelength_nm": wavelength_nm, **options.fitting(m),
    }  # fmt: skip
    if convention is not None:
        common["convention"] = convention
    if kinetic:
        if m.get("counter") is None:
            raise DataError("--kinetic needs both traces, same- and counter-circular")
        return _outcome(fit_populations(m.x, m["same"], m["counter"], **common), m)
    if m.get("counter") is None:
        told = "one trace alone is taken as the difference of same- and counter-circular"
        m = replace(m, notes=(*m.notes, told))
    # the unit as it was written: nanoseconds are not mistaken for femtoseconds
    unit = m.x_unit or "ps"
    fit = fit_pump_probe(
        m.x / float(convert(1.0, unit, "ps")), m["same"], m.get("counter"), components=components,
        population_components=population_components, observable=observable,
        population_lifetime_ps=population_lifetime_ps, delay_unit=unit, **common,
    )  # type: ignore[arg-type]  # fmt: skip
    return _outcome(fit, m)


@app.command("map", rich_help_panel="Lifetimes")
@shared
def map_command(
    files: FilesArgument,
    components: Annotated[
        int | None, typer.Option(min=0, max=5, help="Number of lifetimes; 0 with --artefact alone.")
    ] = None,
    population_components: Annotated[int, typer.Option(min=1, max=3, help="Exponentials of the population.")] = 1,
    irf_fwhm_ps: ResponseOption = None,
    irf: ResponseFileOption = None,
    convention: Annotated[str, typer.Option(help="polarisation (decay time) or flip (twice that).")] = "polarisation",
    background: Annotated[bool, typer.Option(help="Fit a spectrum that is there before the pump as well.")] = True,
    before_ps: Annotated[
        float | None, typer.Option(help="Subtract the mean of the spectra up to this delay first.")
    ] = None,
    delay_range: Annotated[
        str | None, typer.Option(help="Delays that are fitted, LOW:HIGH ps; the background is taken from all.")
    ] = None,
    chirp: Annotated[bool, typer.Option("--chirp", help="Correct the chirp, found in the map.")] = False,
    chirp_coefficients: Annotated[
        str | None, typer.Option(help="Correct this chirp: C0,C1,... ps, of powers of (wavelength - 500 nm)/100 nm.")
    ] = None,
    plateau: Annotated[bool, typer.Option("--plateau", help="Add a spectrum that doesn't decay.")] = False,
    artefact: Annotated[bool, typer.Option("--artefact", help="Add a coherent artefact at time zero.")] = False,
    wavelengths: WindowOption = None,
    delays: Annotated[str | None, typer.Option(help="rows or columns: which of the file are the delays.")] = None,
    spectral_unit: Annotated[str | None, typer.Option(help="nm, eV or cm-1.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Global fit of delay-wavelength maps: decay-associated spectra of one, spin lifetime of a pair (SC, CC).

    Example: perospin fit map examples/spectra/map_SC.csv examples/spectra/map_CC.csv
    """
    from perospin.spectra import read_map
    from perospin.spectra.corrections import Chirp, correct_background, correct_chirp, find_chirp
    from perospin.spectra.global_analysis import fit_map
    from perospin.spectra.reading.gathering import assigned

    if len(files) > 2:
        raise DataError(f"{len(files)} files were given: a map, or a pair of maps (same- and counter-circular)")
    if delays not in (None, "rows", "columns"):
        raise DataError(f"--delays '{delays}' must be rows or columns")
    reading = {"delimiter": options.reading()["delimiter"], "decimal": options.decimal, "delay_unit": options.unit}
    order = (assigned([path.name for path in files], ["same", "counter"]) if len(files) == 2 else None) or []
    names = order or ["same", "counter"][: len(files)]
    maps = {
        role: read_map(path, delays=delays, spectral_unit=spectral_unit, name=path.stem, **reading)  # type: ignore[arg-type]
        for role, path in zip(names, files, strict=True)
    }
    window, within = _window(wavelengths, "--wavelengths"), _window(delay_range, "--delay-range")
    for role, found in maps.items():
        maps[role] = found.crop(wavelength_nm=window) if window else found
        if before_ps is not None or (within and background):
            maps[role] = correct_background(maps[role], before_ps)
    if chirp or chirp_coefficients is not None:
        curve = find_chirp(maps["same"]) if chirp_coefficients is None else Chirp(_numbers(chirp_coefficients))
        maps = {role: correct_chirp(found, curve) for role, found in maps.items()}
    if within:
        maps = {role: found.crop(delay_ps=within) for role, found in maps.items()}
    settings = options.fitting()
    fit = fit_map(
        maps["same"], maps.get("counter"), components=components, population_components=population_components,
        irf_fwhm_ps=irf_fwhm_ps, measured_irf=_response(irf, options), plateau=plateau, artefact=artefact,
        background=None if background else False, convention=convention,  # type: ignore[arg-type]  # checked there
        **settings,
    )  # fmt: skip
    notes = [sentence for found in maps.values() for sentence in found.history]
    if len(files) == 2 and not order:
        notes.insert(0, f"files were taken in the order given: same is '{files[0].name}', counter '{files[1].name}'")
    return Outcome(fit, dict(maps["same"].conditions), notes)


@app.command(rich_help_panel="Precession")
@shared
def kerr(
    files: SeriesArgument,
    components: ComponentsOption = 1,
    field_t: Annotated[float | None, typer.Option(help="Field of a single trace, if its name doesn't tell.")] = None,
    envelope: Annotated[str, typer.Option(help="exponential or gaussian.")] = "exponential",
    background: Annotated[str, typer.Option(help="none, offset or exponential.")] = "offset",
    irf_fwhm_ps: Annotated[float | None, typer.Option(help="Response to convolve in; time zero is fitted.")] = None,
    start_ps: Annotated[float | None, typer.Option(help="Leave out what comes before; 0 without a response.")] = None,
    convention: Annotated[str, typer.Option(help="Spread of g in a series: linear or gaussian.")] = "linear",
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """Kerr or Faraday rotation: precession frequency, g and T2*; over fields also the spread of g and T2*(0).

    Example: perospin fit kerr examples/spectra/kerr --pattern "kerr_{field}mT_5K.csv"
    """
    from perospin.spectra import fit_kerr
    from perospin.spectra.kerr_series import fit_kerr_series

    def measure(path: Path) -> Measurement:
        return _measure(path, ["signal"], options, pattern, x="delay", optional=["sigma"])

    def one(m: Measurement) -> SpinFit:
        field = m.conditions.get("field_t") if field_t is None else field_t
        return fit_kerr(
            m.x, m["signal"], components=components, field_t=field, envelope=envelope, background=background,
            irf_fwhm_ps=irf_fwhm_ps, start_ps=start_ps, sigma=m.get("sigma"), **options.fitting(m),
        )  # type: ignore[arg-type]  # fmt: skip

    found = _series(files, pattern, measure, one, ["field_t"])
    if isinstance(found, Outcome):
        return found
    settings = options.fitting()
    settings.pop("params", None)
    fit = fit_kerr_series(list(found.fits.values()), components=components, convention=convention, **settings)  # type: ignore[arg-type]
    return found.outcome(fit)


@app.command(rich_help_panel="Precession")
@shared
def rsa(
    file: FileArgument,
    period_ns: Annotated[float, typer.Option(help="Time between the pulses of the laser.")],
    delay_ps: Annotated[float, typer.Option(help="Delay of the probe; negative: before the pump.")] = 0.0,
    components: ComponentsOption = 1,
    spread: Annotated[bool, typer.Option("--spread", help="Fit a spread of g.")] = False,
    *,
    options: Shared,
) -> Outcome:
    """Resonant spin amplification: g and T2* from the rotation against field at a fixed delay.

    Example: perospin fit rsa examples/spectra/rsa.csv --period-ns 13.158 --delay-ps -20
    """
    from perospin.spectra import fit_resonant_amplification

    m = _measure(file, ["signal"], options, x="field", optional=["sigma"])
    fit = fit_resonant_amplification(
        m.x, m["signal"], 1e3 * period_ns, delay_ps, components=components, spread=spread, sigma=m.get("sigma"),
        **options.fitting(m),
    )  # fmt: skip
    return _outcome(fit, m)


@app.command(rich_help_panel="Precession")
@shared
def hanle(
    file: FileArgument,
    g_factor: Annotated[
        float | None, typer.Option("--g-factor", "--g", help="g of the carrier, to turn a width into a time.")
    ] = None,
    carrier_lifetime_ps: Annotated[float | None, typer.Option(help="Recombination time, to get tau_s.")] = None,
    initial_polarisation: Annotated[
        float | None, typer.Option(help="Polarisation at excitation: 1 for perovskites, 0.5 for GaAs.")
    ] = None,
    components: ComponentsOption = 1,
    offset: Annotated[bool, typer.Option("--offset", help="Add a constant background.")] = False,
    centre: Annotated[bool, typer.Option("--centre", help="Fit the field of the maximum.")] = False,
    length_um: Annotated[
        float | None, typer.Option(help="Non-local spin valve instead: distance of injector and detector.")
    ] = None,
    width_um: Annotated[float | None, typer.Option(help="Spin valve: width of the channel.")] = None,
    sheet_conductance_ms: Annotated[float | None, typer.Option(help="Spin valve: conductance of a square.")] = None,
    contacts: Annotated[
        str | None, typer.Option(help="Spin valve: tunnel or finite; both are tried if not given.")
    ] = None,
    contact_resistance_ohm: Annotated[
        float | None, typer.Option(help="Spin valve: resistance of a contact; needs width and conductance.")
    ] = None,
    difference: Annotated[bool, typer.Option("--difference", help="Spin valve: parallel minus antiparallel.")] = False,
    magnitude: Annotated[bool, typer.Option("--magnitude", help="Spin valve: sizes without a sign.")] = False,
    *,
    options: Shared,
) -> Outcome:
    """Hanle curve: spin lifetime from PL polarisation against transverse field, or from a non-local spin valve.

    Example: perospin fit hanle examples/spectra/hanle.txt --g 2.0 --initial-polarisation 1
    """
    from perospin.spectra import fit_hanle, fit_spin_valve

    if length_um is not None:
        m = _measure(file, ["resistance"], options, x="field", optional=["sigma"])
        fit = fit_spin_valve(
            m.x, m["resistance"], length_um=length_um, width_um=width_um, sheet_conductance_ms=sheet_conductance_ms,
            contact_resistance_ohm=contact_resistance_ohm, contacts=contacts, difference=difference,
            magnitude=magnitude,
            g_factor=2.0 if g_factor is None else g_factor, offset=offset, sigma=m.get("sigma"), **options.fitting(m),
        )  # type: ignore[arg-type]  # fmt: skip
        return _outcome(fit, m)
    m = _measure(file, ["polarisation"], options, x="field", optional=["sigma"])
    fit = fit_hanle(
        m.x, m["polarisation"], g_factor=g_factor, carrier_lifetime_ps=carrier_lifetime_ps,
        initial_polarisation=initial_polarisation, components=components, offset=offset, centre=centre,
        sigma=m.get("sigma"), **options.fitting(m),
    )  # fmt: skip
    return _outcome(fit, m)


@app.command(rich_help_panel="Precession")
@shared
def odmr(
    files: SeriesArgument,
    frequency_ghz: Annotated[float | None, typer.Option(help="Microwave frequency, if the name doesn't tell.")] = None,
    components: ComponentsOption = 1,
    background: Annotated[str, typer.Option(help="none, offset or line.")] = "offset",
    lineshape: LineshapeOption = "gaussian",
    derivative: DerivativeOption = False,
    sweep: Annotated[str, typer.Option(help="field or frequency; auto reads it from the heading.")] = "auto",
    field_t: Annotated[float | None, typer.Option(help="Field of a frequency sweep, to get g.")] = None,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """ODMR spectra: resonance fields, widths and g; over frequencies also the offset of the field.

    A spectrum against the microwave frequency gives the resonance frequencies, with a field also g.

    Example: perospin fit odmr examples/spectra/odmr
    """
    from perospin.spectra import fit_odmr, fit_odmr_frequency, fit_odmr_series

    if sweep not in ("auto", "field", "frequency"):
        raise DataError(f"--sweep '{sweep:.40}' must be auto, field or frequency")
    against_frequency: set[str] = set()
    lines: dict[str, Any] = {
        "components": components, "background": background, "lineshape": lineshape, "derivative": derivative,
    }  # fmt: skip

    def measure(path: Path) -> Measurement:
        def read(x: str) -> Measurement:
            return _measure(path, ["signal"], options, pattern, x=x, optional=["sigma"])

        if sweep != "frequency":
            try:
                return read("field")
            except DataError:
                if sweep == "field":
                    raise
                try:  # microwave frequencies are no fields, by their unit or their size
                    m = read("frequency")
                except DataError:
                    m = None
                if m is None or not 1e6 < abs(m.x).max() < 1e12:
                    raise
        else:
            m = read("frequency")
        against_frequency.add(m.sources[0].name)
        return m

    def one(m: Measurement) -> SpinFit:
        if m.sources[0].name in against_frequency:
            field = m.conditions.get("field_t") if field_t is None else field_t
            return fit_odmr_frequency(
                1e-9 * m.x, m["signal"], field_t=field, sigma=m.get("sigma"), **lines, **options.fitting(m)
            )
        hertz = m.conditions.get("frequency_hz")
        frequency = frequency_ghz if frequency_ghz is not None else None if hertz is None else 1e-9 * hertz
        if frequency is None:
            raise DataError(f"'{m.sources[0].name}' doesn't tell the microwave frequency: give --frequency-ghz")
        return fit_odmr(m.x, m["signal"], frequency_ghz=frequency, sigma=m.get("sigma"), **lines, **options.fitting(m))

    found = _series(files, pattern, measure, one, ["frequency_hz"])
    if isinstance(found, Outcome):
        return found
    if against_frequency:
        raise _no_series(found, "field sweeps")
    settings = options.fitting()
    settings.pop("params", None)
    return found.outcome(fit_odmr_series(list(found.fits.values()), **settings))


@app.command("odmr-width", rich_help_panel="Precession")
@shared
def odmr_width(
    files: SeriesArgument,
    components: ComponentsOption = 1,
    component: Annotated[int, typer.Option(min=1, help="Which resonance.")] = 1,
    lineshape: LineshapeOption = "gaussian",
    derivative: DerivativeOption = False,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """ODMR widths against field: spread of g and nuclear field Delta_N from spectra at several frequencies.

    Example: perospin fit odmr-width examples/spectra/odmr
    """
    from perospin.spectra import fit_odmr, fit_resonance_width

    def measure(path: Path) -> Measurement:
        return _measure(path, ["signal"], options, pattern, x="field", optional=["sigma"])

    def one(m: Measurement) -> SpinFit:
        frequency = 1e-9 * m.conditions["frequency_hz"]
        return fit_odmr(
            m.x, m["signal"], frequency_ghz=frequency, components=components, lineshape=lineshape,
            derivative=derivative, **options.fitting(m),
        )  # type: ignore[arg-type]  # checked there  # fmt: skip

    found = _series(files, pattern, measure, one, ["frequency_hz"])
    if isinstance(found, Outcome):
        raise DataError("one spectrum gives one width: give spectra at several microwave frequencies")
    settings = options.fitting()
    settings.pop("params", None)
    return found.outcome(fit_resonance_width(list(found.fits.values()), component=component, **settings))


@app.command(rich_help_panel="Lifetimes")
@shared
def inertia(
    files: SeriesArgument,
    components: ComponentsOption = 1,
    offset: Annotated[bool, typer.Option("--offset", help="Add a constant background.")] = False,
    optical: Annotated[bool, typer.Option("--optical", help="All-optical spin inertia, not resonant.")] = False,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """Spin inertia: T1 from the signal against modulation frequency; over powers extrapolated to zero.

    A series over fields or temperatures is fitted with the law of `t1-field` or `t1-temperature`.

    Example: perospin fit inertia examples/spectra/inertia.csv
    """
    from perospin.spectra import extrapolate_power, fit_spin_inertia
    from perospin.spectra.longitudinal import fit_t1_field, fit_t1_temperature

    def measure(path: Path) -> Measurement:
        return _measure(path, ["signal"], options, pattern, x="frequency", optional=["sigma"])

    def one(m: Measurement) -> SpinFit:
        return fit_spin_inertia(
            m.x, m["signal"], components=components, offset=offset, optical=optical, sigma=m.get("sigma"),
            field_t=m.conditions.get("field_t"), **options.fitting(m),
        )  # fmt: skip

    found = _series(files, pattern, measure, one, ["power_mw", "field_t", "temperature_k"])
    if isinstance(found, Outcome):
        return found
    settings = options.fitting()
    settings.pop("params", None)
    fits = list(found.fits.values())
    for condition, law in (
        ("power_mw", extrapolate_power),
        ("field_t", fit_t1_field),
        ("temperature_k", fit_t1_temperature),
    ):
        values = found.values(condition)
        if values is not None:
            return found.outcome(law(values, fits, **settings))
    raise _no_series(found, "spin inertia")


@app.command("t1-field", rich_help_panel="Lifetimes")
@shared
def t1_field(
    file: FileArgument,
    nuclear_field_mt: Annotated[float | None, typer.Option(help="Delta_N, to get tau_c.")] = None,
    g_factor: Annotated[float | None, typer.Option("--g-factor", "--g", help="g, to check that the law holds.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """T1 against field: tau_s, and tau_c of the nuclear fluctuations.

    Example: perospin fit t1-field examples/spectra/t1_field.csv --nuclear-field-mt 12
    """
    from perospin.spectra.longitudinal import fit_t1_field

    m = _measure(file, ["lifetime"], options, x="field", optional=["sigma"])
    nuclear = None if nuclear_field_mt is None else 1e-3 * nuclear_field_mt
    fit = fit_t1_field(
        m.x, m["lifetime"], nuclear_field_t=nuclear, g_factor=g_factor, sigma_t1_ps=m.get("sigma"), **options.fitting(m)
    )
    return _outcome(fit, m)


@app.command("t1-temperature", rich_help_panel="Lifetimes")
@shared
def t1_temperature(file: FileArgument, *, options: Shared) -> Outcome:
    """T1 against temperature: activation energy and the lifetime at low temperature.

    Example: perospin fit t1-temperature examples/spectra/t1_temperature.csv
    """
    from perospin.spectra.longitudinal import fit_t1_temperature

    m = _measure(file, ["lifetime"], options, x="temperature", optional=["sigma"])
    return _outcome(fit_t1_temperature(m.x, m["lifetime"], sigma_t1_ps=m.get("sigma"), **options.fitting(m)), m)


@app.command(rich_help_panel="Chirality")
@shared
def cd(
    files: FilesArgument,
    back: Annotated[Path | None, typer.Option(help="CD with the sample turned round: cancels artefacts.")] = None,
    at_nm: Annotated[float | None, typer.Option(help="Wavelength of the value; the extreme if not given.")] = None,
    window: WindowOption = None,
    baseline: Annotated[str | None, typer.Option(help="Window without CD, LOW:HIGH nm.")] = None,
    scatter: Annotated[str | None, typer.Option(help="Transparent window, LOW:HIGH nm.")] = None,
    thickness_um: Annotated[float | None, typer.Option(help="Film thickness.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Circular dichroism: g_CD from ellipticity (mdeg) and absorbance, in one file or two.

    Example: perospin fit cd examples/spectra/cd.txt --window 480:530
    """
    from perospin.spectra import fit_circular_dichroism

    m = _measure(files, ["ellipticity", "absorbance"], options, x="wavelength", optional=["sigma"])
    turned = None
    if back is not None:
        other = _measure(back, ["ellipticity"], options, x="wavelength")
        if len(other.x) != len(m.x) or abs(other.x - m.x).max() > 1e-6:
            raise DataError(f"'{back.name}' doesn't have the wavelengths of '{files[0].name}'")
        turned = other["ellipticity"]
    fit = fit_circular_dichroism(
        m.x, m["ellipticity"], m["absorbance"], back_mdeg=turned, sigma_mdeg=m.get("sigma"), at_nm=at_nm,
        window_nm=_window(window, "--window"), baseline_nm=_window(baseline, "--baseline"),
        scatter_nm=_window(scatter, "--scatter"), thickness_um=thickness_um, **options.fitting(m, params=False),
    )  # fmt: skip
    return _outcome(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def cpl(
    files: FilesArgument,
    background: Annotated[float, typer.Option(help="Dark counts of both polarisations.")] = 0.0,
    window: WindowOption = None,
    *,
    options: Shared,
) -> Outcome:
    """Circularly polarised luminescence: g_lum of an emission band.

    Example: perospin fit cpl examples/spectra/cpl.csv --background 200
    """
    from perospin.spectra import fit_luminescence

    m = _measure(files, ["left", "right"], options, x="wavelength")
    fit = fit_luminescence(
        m.x, m["left"], m["right"], background_left=background, background_right=background,
        window_nm=_window(window, "--window"), **options.fitting(m, params=False),
    )  # fmt: skip
    return _outcome(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def mr(
    file: FileArgument,
    loop: Annotated[str, typer.Option(help="spin_valve, half_valve (CISS) or auto.")] = "auto",
    over: Annotated[
        str | None, typer.Option(help="Denominator: parallel, antiparallel; of a half valve mean, smallest.")
    ] = None,
    background: Annotated[bool, typer.Option("--background", help="Fit a slope in the field.")] = False,
    *,
    options: Shared,
) -> Outcome:
    """Magnetoresistance loop: ratio with its denominator, switching fields.

    The rows must stand in the order of measurement: the direction of the sweep is read from them.

    Example: perospin fit mr examples/spectra/loop.csv
    """
    from perospin.spectra import fit_magnetoresistance

    m = _measure(file, ["resistance"], options, x="field", optional=["sigma"])
    kind: Any = loop.replace("-", "_")
    if over not in (None, "parallel", "antiparallel", "mean", "smallest"):
        raise DataError(f"--over '{over}' must be parallel, antiparallel, mean or smallest")
    fit = fit_magnetoresistance(
        m.x, m["resistance"], loop=kind, over=over, background=background, sigma=m.get("sigma"), **options.fitting(m)
    )  # type: ignore[arg-type]
    return _outcome(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def iv(
    files: FilesArgument,
    least_v: Annotated[float | None, typer.Option(help="From this |V| on; half the largest if not given.")] = None,
    most_v: Annotated[float | None, typer.Option(help="Up to this |V|.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Current-voltage curves with the magnet up and down (CISS): spin polarisation of the current.

    One file with voltage and both currents, or one file each, whose further columns are repeated curves.

    Example: perospin fit iv examples/spectra/iv_up.txt examples/spectra/iv_down.txt
    """
    from perospin.spectra import fit_current_polarisation

    m = _measure(files, ["current_up", "current_down"], options, x="voltage")
    fit = fit_current_polarisation(
        m.x, m.repeats["current_up"], m.repeats["current_down"], least_v=least_v, most_v=most_v,
        **options.fitting(m, params=False),
    )  # fmt: skip
    return _outcome(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def edge(
    file: FileArgument,
    dimension: Annotated[int, typer.Option(min=2, max=3, help="3 (bulk) or 2 (ideal layer).")] = 3,
    lineshape: Annotated[str, typer.Option(help="gaussian or sech.")] = "gaussian",
    background: Annotated[str, typer.Option(help="none, constant or linear.")] = "constant",
    window: Annotated[str | None, typer.Option(help="Part of the spectrum, LOW:HIGH eV.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Absorption edge: gap and exciton binding energy by Elliott's formula.

    Example: perospin fit edge examples/spectra/edge.csv
    """
    from perospin.spectra import fit_absorption_edge

    m = _measure(file, ["absorbance"], options, x="energy", optional=["sigma"])
    size: Literal[2, 3] = 2 if dimension == 2 else 3
    fit = fit_absorption_edge(
        m.x, m["absorbance"], dimension=size, lineshape=lineshape, background=background,
        window_ev=_window(window, "--window"), sigma=m.get("sigma"), **options.fitting(m),
    )  # type: ignore[arg-type]  # fmt: skip
    return _outcome(fit, m)
