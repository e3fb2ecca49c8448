"""``perospin diffraction``: layers of films from (00l) peaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perospin.digits import figures
from perospin.errors import NavigationError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tell layers from a powder pattern or a GIWAXS line cut.",
)


@app.command()
def diffraction(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Powder pattern, or line cut out of plane.")],
    in_plane: Annotated[
        Path | None, typer.Option("--in-plane", help="Line cut in plane of the same film: tells how layers lie.")
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--first", help="Spacing of n = 1 in A, or its formula: 16.4, '(PEA)2PbI4'. Gives layer numbers."),
    ] = None,
    halide: Annotated[
        str | None, typer.Option("--halide", help="I, Br or Cl: height of a sheet. Default: the formula's, or I.")
    ] = None,
    axis: Annotated[
        str | None,
        typer.Option("--axis", help="First column: two-theta (degrees), q (1/A) or q-nm (1/nm). Default: as headed."),
    ] = None,
    wavelength: Annotated[float, typer.Option("--wavelength", help="In A, for 2 theta. Default: Cu K alpha.")] = 1.5406,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A JSON file of all numbers.")] = None,
) -> None:
    """Find the series of (00l) peaks, their spacing and what layer number it means.

    Example: perospin diffraction film.xy --in-plane film_qxy.xy --first "(PEA)2PbI4"
    """
    from perospin.navigation.plates.line_cuts import film, first_spacing, read_cut
    from perospin.saving import write_json

    cut = read_cut(file, axis, wavelength)
    other = None if in_plane is None else read_cut(in_plane, axis, wavelength)
    spacing, told, source = first_spacing(first) if first is not None else (None, None, "")
    found = film(cut, other, spacing, halide or told or "I")
    for each in (cut, other):
        if each is not None and not each.told:
            typer.echo(f"look out: '{each.name}' has no heading; its range says {each.axis}", err=True)
    if not found.series and not found.in_plane:
        raise NavigationError(
            f"'{cut.name[:60]}' has no series of three (00l) peaks or more: no layers, or layers that stand the other "
            "way"
        )
    if spacing is not None:
        typer.echo(f"n = 1: {spacing:.2f} A ({source})")
    both = [(cut.name, one) for one in found.series] + [(other.name if other else "", one) for one in found.in_plane]
    for name, one in both:
        layers = "" if one.n is None or one.n_error is None else f", n = {one.n:.2f} ± {figures(one.n_error, 1)}"
        typer.echo(
            f"{name}: {one.spacing_a:.3f} ± {figures(one.error_a, 1)} A{layers}, orders "
            f"{', '.join(map(str, one.orders))}, {100 * one.intensity:.0f} % of the peaks"
        )
        if one.n is not None and (abs(one.n - round(one.n)) > 0.25 or one.n < 0.75):
            typer.echo(f"look out: n = {one.n:.2f} is no whole number; is the spacing of n = 1 right?", err=True)
    if shares := found.shares():
        typer.echo("peaks by layer number: " + ", ".join(f"n = {n} {100 * part:.0f} %" for n, part in shares.items()))
    if found.orientation is not None:
        typer.echo(f"layers: {found.orientation}")
    if out is not None:
        files = [each.name for each in (cut, other) if each is not None]
        series = [{"file": name, **one.__dict__} for name, one in both]
        write_json(
            out,
            {"files": files, "n = 1 (A)": spacing, "source": source, "series": series, "layers": found.orientation},
        )
