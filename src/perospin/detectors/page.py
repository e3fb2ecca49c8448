"""The page of one device: values with intervals, doubts and figures, in one HTML file."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

from perospin.saving import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.detectors.device import DeviceResult

__all__ = ["write_page"]

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .6rem 0 } td, th { padding: .2rem .8rem .2rem 0; text-align: left }
th { border-bottom: 1px solid #767676 } td.number { font-variant-numeric: tabular-nums }
.doubt { border-left: 3px solid #D55E00; padding-left: .6rem; margin: .3rem 0 }
img { max-width: min(100%, 46rem); max-height: 24rem }
small { color: #555 } .wide { overflow-x: auto }
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ device.formula }}: X-ray detector</title>
<style>{{ style }}</style></head><body>
<h1>{{ device.formula }}</h1>
<p>Electrodes {{ "%g" | format(device.gap_mm) }} mm apart, active area {{ "%g" | format(device.area_mm2) }} mm².
{% if attenuated == attenuated %}{{ "%.1f" | format(100 * attenuated) }} % of a beam of
{{ "%g" | format(device.energy_kev) }} keV is attenuated (density {{ density }},
scattering included).{% endif %}</p>
<h2>Values</h2>
<div class="wide"><table><tr><th>quantity</th><th>value</th><th>{{ level }} interval</th><th>from</th></tr>
{% for row in rows %}<tr><td>{{ row.words }}</td><td class="number">{{ row.value }}</td>
<td class="number">{{ row.interval }}</td><td>{{ row.file }}</td></tr>
{% endfor %}</table></div>
{% if limit %}<p>Detection limit from shot noise alone at {{ "%g" | format(device.bandwidth_hz) }} Hz:
{{ "%.3g" | format(1e6 * limit[0]) }} µGy/s, 68 % interval {{ "%.3g" | format(1e6 * limit[1]) }} to
{{ "%.3g" | format(1e6 * limit[2]) }} µGy/s. A measured limit above it has other noise in it.</p>{% endif %}
{% if doubts %}<h2>Doubts</h2>{% for doubt in doubts %}<p class="doubt">{{ doubt }}</p>{% endfor %}{% endif %}
{% if notes %}<h2>Not done</h2>{% for note in notes %}<p>{{ note }}</p>{% endfor %}{% endif %}
<h2>Figures</h2>
{% for title, image in figures %}<h3>{{ title }}</h3><img alt="{{ title }}" src="data:image/png;base64,{{ image }}">
{% endfor %}
<p><small>Data: {% for name, sha in sources %}{{ name }} (sha256 {{ sha[:12] }}){{ ", " if not loop.last }}{% endfor %}.
</small></p></body></html>
"""


def png_text(figure: Figure) -> str:
    """Return a figure as base64 text of a PNG, for a page."""
    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=150)
        return base64.b64encode(file.getvalue()).decode("ascii")


def write_page(result: DeviceResult, path: Path) -> None:
    """Write the page of a device, whole or not at all."""
    import jinja2
    import matplotlib.pyplot as plt

    from perospin.detectors.figures import attenuation_figure

    rows, doubts, figures, sources = [], [], [], []
    device = result.device
    if result.density is not None:
        drawn = attenuation_figure(device.formula, result.density.value_g_cm3, device.energy_kev, device.path_mm)
        figures.append(("attenuation", png_text(drawn)))
        plt.close(drawn)
    for name, fit in result.fits.items():
        for quantity in fit.records:
            value = fit[quantity]
            known = math.isfinite(value.low) and math.isfinite(value.high)
            rows.append({
                "words": value.description or quantity, "value": str(value), "file": result.files[name],
                "interval": f"{value.low:.4g} to {value.high:.4g} {value.unit}" if known else "",
            })  # fmt: skip
        doubts += [f"{name}: {warning}" for warning in fit.warnings]
        figure = fit.plot(material=device.formula)
        figures.append((name, png_text(figure)))
        plt.close(figure)
        sources += [(source.name, source.sha256) for source in fit.sources]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    write_text(path, environment.from_string(_PAGE).render(
        style=STYLE, density=result.density, limit=result.shot_limit_gy_s, device=device,
         attenuated=result.attenuated, rows=rows, doubts=doubts, notes=result.notes,
        figures=figures, sources=sources, level=f"{next(iter(result.fits.values())).level:.0%}",
    ))  # fmt: skip
