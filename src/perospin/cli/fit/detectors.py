"""``perospin fit`` hecht, sclc, sensitivity, detection-limit, drift, response-time, capacitance, stability."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.fit.arguments import FileArgument, PatternOption, SeriesArgument, _measure, _series, app
from perospin.cli.fit.options import Shared
from perospin.cli.fit.output import shared
from perospin.errors import DataError
from perospin.measurements.outcome import Outcome

if TYPE_CHECKING:
    from perospin.measurements.reading import Measurement
    from perospin.measurements.result import SpinFit

_PANEL = "X-ray detectors"

GapOption = Annotated[float, typer.Option(help="Distance of the electrodes, mm (coplanar: the lateral gap).")]
AreaOption = Annotated[float, typer.Option(help="Active area, mm2.")]
VoltageOption = Annotated[float, typer.Option(help="Bias, V.")]


@app.command(rich_help_panel=_PANEL)
@shared
def hecht(
    file: FileArgument,
    gap_mm: GapOption,
    surface: Annotated[bool, typer.Option("--surface", help="Fit surface recombination as well.")] = False,
    *,
    options: Shared,
) -> Outcome:
    """Photocurrent against voltage (dark current subtracted): mobility-lifetime product.

    Example: perospin fit hecht examples/detector/photocurrent.csv --gap-mm 0.7
    """
    from perospin.detectors import fit_hecht

    m = _measure(file, "hecht", options)
    fit = fit_hecht(m.x, m["current"], gap_mm=gap_mm, surface=surface, sigma=m.get("sigma"), **options.fitting(m))
    return Outcome.of(fit, m)


@app.command(rich_help_panel=_PANEL)
@shared
def sclc(
    file: FileArgument,
    gap_mm: GapOption,
    area_mm2: AreaOption,
    permittivity: Annotated[float, typer.Option(help="Relative permittivity, e.g. from `fit capacitance`.")],
    permittivity_uncertainty: Annotated[
        float, typer.Option(help="Its standard uncertainty; it widens traps and mobility.")
    ] = 0.0,
    *,
    options: Shared,
) -> Outcome:
    """Dark current against voltage: trap density, mobility and resistivity (space-charge-limited current).

    Example: perospin fit sclc examples/detector/dark.csv --gap-mm 0.7 --area-mm2 1 --permittivity 6
    """
    from perospin.detectors import fit_sclc

    m = _measure(file, "sclc", options)
    fit = fit_sclc(
        m.x, m["current"], gap_mm=gap_mm, area_mm2=area_mm2, permittivity=permittivity,
        permittivity_uncertainty=permittivity_uncertainty, **options.fitting(m),
    )  # fmt: skip
    return Outcome.of(fit, m)


@app.command(rich_help_panel=_PANEL)
@shared
def sensitivity(
    files: SeriesArgument,
    area_mm2: AreaOption,
    voltage: Annotated[float | None, typer.Option(help="Bias, V, of a single file; else its name tells.")] = None,
    gap_mm: Annotated[
        float | None, typer.Option(help="Distance of the electrodes, mm: gives the field, and needed over biases.")
    ] = None,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """Fit current against dose rate: X-ray sensitivity; over several biases also the mobility-lifetime product.

    Files of several biases tell them in their names (dose_50V.csv). The sensitivity of each is fitted, then Hecht's
    equation to the sensitivities; all of them are kept with --save.

    Example: perospin fit sensitivity examples/detector/dose.csv --area-mm2 1 --voltage 100 --gap-mm 0.7
    """
    from perospin.detectors import fit_sensitivity, fit_sensitivity_series

    def measure(path: Path) -> Measurement:
        return _measure(path, "sensitivity", options, pattern)

    def one(m: Measurement) -> SpinFit:
        bias = m.conditions.get("voltage_v") if voltage is None else voltage
        return fit_sensitivity(
            m.x, m["current"], area_mm2=area_mm2, voltage_v=bias, gap_mm=gap_mm, sigma=m.get("sigma"),
            **options.fitting(m, params=False),
        )  # fmt: skip

    found = _series(files, pattern, measure, one, ["voltage_v"])
    if isinstance(found, Outcome):
        return found
    biases = found.values("voltage_v")
    if biases is None or voltage is not None:
        raise found.no_series("biases")
    if gap_mm is None:
        raise DataError("sensitivities at several biases need --gap-mm, the distance of the electrodes")
    settings = options.fitting()
    return found.outcome(fit_sensitivity_series(list(found.fits.values()), biases, gap_mm=gap_mm, **settings))


@app.command("detection-limit", rich_help_panel=_PANEL)
@shared
def detection_limit(
    file: FileArgument,
    noise_of: Annotated[str, typer.Option(help="State whose noise it is: on or off.")] = "off",
    *,
    options: Shared,
) -> Outcome:
    """Signal-to-noise ratio against dose rate: dose rate at a ratio of 3.

    Example: perospin fit detection-limit examples/detector/snr.csv
    """
    from perospin.detectors import fit_detection_limit

    m = _measure(file, "detection-limit", options)
    fit = fit_detection_limit(
        m.x, m["snr"], sigma=m.get("sigma"), noise_of=noise_of, **options.fitting(m, params=False)
    )
    return Outcome.of(fit, m)


@app.command(rich_help_panel=_PANEL)
@shared
def drift(
    file: FileArgument, area_mm2: AreaOption, gap_mm: GapOption, voltage: VoltageOption, *, options: Shared
) -> Outcome:
    """Dark current against time: drift in nA cm-1 s-1 V-1.

    Example: perospin fit drift examples/detector/drift.csv --area-mm2 1 --gap-mm 0.7 --voltage 140
    """
    from perospin.detectors import fit_drift

    m = _measure(file, "drift", options)
    fit = fit_drift(
        m.x, m["current"], area_mm2=area_mm2, gap_mm=gap_mm, voltage_v=voltage, sigma=m.get("sigma"),
        **options.fitting(m, params=False),
    )  # fmt: skip
    return Outcome.of(fit, m)


@app.command("response-time", rich_help_panel=_PANEL)
@shared
def response_time(file: FileArgument, *, options: Shared) -> Outcome:
    """Photocurrent against time with on/off pulses: rise and fall, 10 to 90 %.

    Example: perospin fit response-time examples/detector/pulses.csv
    """
    from perospin.detectors import fit_response_time

    m = _measure(file, "response-time", options)
    fit = fit_response_time(m.x, m["current"], sigma=m.get("sigma"), **options.fitting(m, params=False))
    return Outcome.of(fit, m)


@app.command(rich_help_panel=_PANEL)
@shared
def capacitance(file: FileArgument, gap_mm: GapOption, area_mm2: AreaOption, *, options: Shared) -> Outcome:
    """Capacitance against frequency: relative permittivity of a plate capacitor.

    Example: perospin fit capacitance examples/detector/capacitance.csv --gap-mm 0.7 --area-mm2 1
    """
    from perospin.detectors import fit_capacitance

    m = _measure(file, "capacitance", options)
    fit = fit_capacitance(
        m.x, m["capacitance"], gap_mm=gap_mm, area_mm2=area_mm2, sigma=m.get("sigma"), **options.fitting(m)
    )
    return Outcome.of(fit, m)


@app.command(rich_help_panel=_PANEL)
@shared
def stability(file: FileArgument, *, options: Shared) -> Outcome:
    """Photocurrent against time over many on/off cycles: what is left of it.

    Example: perospin fit stability examples/detector/cycles.csv
    """
    from perospin.detectors import fit_stability

    m = _measure(file, "stability", options)
    return Outcome.of(fit_stability(m.x, m["current"], **options.fitting(m, params=False)), m)
