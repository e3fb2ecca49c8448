"""``perospin fit`` hecht, sclc, sensitivity, detection-limit, drift, response-time, capacitance, stability."""

from __future__ import annotations

from typing import Annotated

import typer

from perospin.cli.fit.arguments import FileArgument, _measure, app
from perospin.cli.fit.options import Shared
from perospin.cli.fit.output import shared
from perospin.measurements.outcome import Outcome

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
    *,
    options: Shared,
) -> Outcome:
    """Dark current against voltage: trap density, mobility and resistivity (space-charge-limited current).

    Example: perospin fit sclc examples/detector/dark.csv --gap-mm 0.7 --area-mm2 1 --permittivity 6
    """
    from perospin.detectors import fit_sclc

    m = _measure(file, "sclc", options)
    fit = fit_sclc(m.x, m["current"], gap_mm=gap_mm, area_mm2=area_mm2, permittivity=permittivity, **options.fitting(m))
    return Outcome.of(fit, m)


@app.command(rich_help_panel=_PANEL)
@shared
def sensitivity(
    file: FileArgument,
    area_mm2: AreaOption,
    voltage: Annotated[float | None, typer.Option(help="Bias, V, for the record.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Fit current against dose rate at one bias: X-ray sensitivity.

    Example: perospin fit sensitivity examples/detector/dose.csv --area-mm2 1 --voltage 100
    """
    from perospin.detectors import fit_sensitivity

    m = _measure(file, "sensitivity", options)
    fit = fit_sensitivity(
        m.x, m["current"], area_mm2=area_mm2, voltage_v=voltage, sigma=m.get("sigma"),
        **options.fitting(m, params=False),
    )  # fmt: skip
    return Outcome.of(fit, m)


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
