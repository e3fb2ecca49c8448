"""Sourced devices made comparable: sensitivity over the ideal value at a stated beam and thickness, and the field.

A published sensitivity holds the field, the beam and the gain of its device. Here it is divided by the ideal value,
every pair of the absorbed energy collected once, and then by the field. Devices without a field are a class of their
own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from perospin.detectors.attenuation import _positive
from perospin.detectors.charge import pair_creation_energy
from perospin.detectors.density import Density, density_of
from perospin.errors import PerospinError

if TYPE_CHECKING:
    from perospin.database import Record
    from perospin.detectors.tube import Beam

__all__ = ["RankedDevice", "Ranking", "rank_devices", "write_ranking"]

UNKNOWN_GAP_EV = (1.2, 3.5)
"""Gaps that stand for one that nobody measured: those of nearly all detectors; the middle counts, the ends are told."""
_THIN = re.compile(r"film|coated|printed|membrane|composite|nanocrystal|microwall")
"""Forms that are thinner than a crystal or a wafer."""


@dataclass(frozen=True)
class RankedDevice:
    """One device with what makes it comparable.

    Attributes
    ----------
    record_id, formula, form, source : str
    sensitivity_uc_gy_cm2 : float
        As published.
    field_v_mm : float
        0 for a self-powered device.
    attenuated : float
        Share of the beam's energy in the stated thickness.
    ideal_uc_gy_cm2 : float
        Ideal sensitivity at the stated beam and thickness.
    over_ideal, low, high : float
        Published over ideal sensitivity, and its range where the gap is not known.
    gap, density : str
        What the ideal value rests on, in words.
    """

    record_id: str
    formula: str
    form: str
    source: str
    sensitivity_uc_gy_cm2: float
    field_v_mm: float
    attenuated: float
    ideal_uc_gy_cm2: float
    over_ideal: float
    low: float
    high: float
    gap: str
    density: str

    @property
    def unsure(self) -> bool:
        """Whether the gap leaves more than 5 % open."""
        return self.high > 1.05 * self.low

    @property
    def merit_mm_v(self) -> float:
        """Over the ideal value and over the field (mm/V); NaN of a self-powered device."""
        return self.over_ideal / self.field_v_mm if self.field_v_mm > 0 else math.nan


@dataclass(frozen=True)
class Ranking:
    """Ranked devices, best first, and those that can't be ranked.

    Attributes
    ----------
    beam : str
    thickness_mm : float
    with_field, self_powered : tuple of RankedDevice
    left_out : tuple of (record_id, material, published sensitivity in words, why, source)
    """

    beam: str
    thickness_mm: float
    with_field: tuple[RankedDevice, ...]
    self_powered: tuple[RankedDevice, ...]
    left_out: tuple[tuple[str, str, str, str, str], ...]


def rank_devices(beam: Beam, thickness_mm: float, store: Any = None) -> Ranking:
    """Rank all sourced sensitivities, the user's own included, at a beam and a thickness.

    Parameters
    ----------
    beam : Beam
        From `one_energy` or `tube_beam`.
    thickness_mm : float
        Taken for every device: papers' abstracts don't state it.
    store : Store or path, optional
        The user's store.

    Notes
    -----
    The ideal value is that of the stated beam; abstracts rarely tell the paper's own. It rises with the tube voltage:
    from 320 to 2650 uC Gy-1 cm-2 (6 eV a pair, 1 mm CsPbBr3) between 30 kV behind 1 mm and 100 kV behind 3 mm of
    aluminium. So ranks that differ by less than a factor of eight may turn round.
    """
    from perospin.database import select_records

    _positive(thickness_mm, "the thickness")
    gaps: dict[str, list[float]] = {}
    for record in select_records(["band_gap"], include_theory=False, store=store):
        gaps.setdefault(record.formula, []).append(record.value)
    densities: dict[str, Density | str] = {}
    kept, left_out = [], []
    for record in select_records(["xray_sensitivity"], include_unknown=True, store=store):
        why = _why_not(record, densities)
        if why:
            sign = {"lower": "above ", "upper": "below ", "up_to": "up to "}.get(record.limit, "")
            left_out.append((record.record_id, record.material, f"{sign}{record.value:.4g}", why, _source(record)))
            continue
        density = densities[record.formula]
        assert isinstance(density, Density)  # `_why_not` tells otherwise
        kept.append(_ranked(record, density, gaps.get(record.formula, []), beam, thickness_mm))
    powered = sorted((d for d in kept if d.field_v_mm > 0), key=lambda d: -d.merit_mm_v)
    alone = sorted((d for d in kept if d.field_v_mm == 0), key=lambda d: -d.over_ideal)
    return Ranking(beam.name, thickness_mm, tuple(powered), tuple(alone), tuple(left_out))


def _source(record: Record) -> str:
    return record.source.doi or record.source.label or record.source.url


def _why_not(record: Record, densities: dict[str, Density | str]) -> str:
    """Why a record can't be ranked; empty if it can."""
    if record.composition == "unknown":
        return "the composition is not stated"
    if record.composition == "other":
        return "a heterostructure or no perovskite: no one formula"
    if record.limit != "value":
        return "a bound or the largest of a series, not a value"
    if record.conditions.bias_field_v_mm is None:
        return "the field is not stated"
    if _THIN.search(record.conditions.form):
        return "a film or composite: its thickness is not on record, and the stated one would be wrong"
    if record.formula not in densities:
        try:
            densities[record.formula] = density_of(record.formula)
        except PerospinError:
            densities[record.formula] = "no density is known: no cell on record, and rare elements"
    found = densities[record.formula]
    return found if isinstance(found, str) else ""


def _ranked(record: Record, density: Density, gaps: list[float], beam: Beam, thickness_mm: float) -> RankedDevice:
    _, energy = beam.attenuated(record.formula, density.value_g_cm3, thickness_mm)
    low, high = (min(gaps), max(gaps)) if gaps else UNKNOWN_GAP_EV
    middle = median(gaps) if gaps else sum(UNKNOWN_GAP_EV) / 2
    # a wide gap makes few pairs: a low ideal value and a high ratio
    ideals = [beam.ideal_sensitivity(energy, pair_creation_energy(gap)) for gap in (middle, low, high)]
    told = f"{middle:.3g} eV, measured" if gaps else f"not measured; {low:g} to {high:g} eV taken"
    return RankedDevice(
        record_id=record.record_id,
        formula=record.formula,
        form=record.conditions.form,
        source=_source(record),
        sensitivity_uc_gy_cm2=record.value,
        field_v_mm=abs(float(record.conditions.bias_field_v_mm or 0.0)),
        attenuated=energy,
        ideal_uc_gy_cm2=ideals[0],
        over_ideal=record.value / ideals[0],
        low=record.value / ideals[1],
        high=record.value / ideals[2],
        gap=told,
        density=str(density),
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>X-ray detectors compared</title><style>{{ style }}</style></head><body>
<h1>X-ray detectors compared</h1>
<p>Beam: {{ ranking.beam }}. Thickness: {{ "%g" | format(ranking.thickness_mm) }} mm, taken for every device, as it is
rarely stated. A sensitivity is divided by the ideal one: every pair of the attenuated energy collected once. Above 1
there is gain, which traps cause. Pair energy: 2 E<sub>g</sub> + 1.43 eV.</p>
{{ picture }}
{% for title, key, devices in tables %}<h2>{{ title }}</h2>
<div class="wide"><table><tr><th></th><th>device</th><th>sensitivity<br><small>µC Gy⁻¹ cm⁻²</small></th>
<th>field<br><small>V/mm</small></th><th>attenuated</th><th>ideal</th><th>over ideal</th>
{% if key %}<th>over ideal and field<br><small>mm/V</small></th>{% endif %}<th>gap, density, source</th></tr>
{% for d in devices %}<tr><td>{{ loop.index }}</td><td>{{ d.formula }}<br><small>{{ d.form }}</small></td>
<td class="number">{{ "%.4g" | format(d.sensitivity_uc_gy_cm2) }}</td>
<td class="number">{{ "%g" | format(d.field_v_mm) }}</td>
<td class="number">{{ "%.0f" | format(100 * d.attenuated) }} %</td>
<td class="number">{{ "%.4g" | format(d.ideal_uc_gy_cm2) }}</td>
<td class="number">{{ "%.3g" | format(d.over_ideal) }}
{% if d.unsure %}<br><small>{{ "%.2g" | format(d.low) }} to {{ "%.2g" | format(d.high) }}</small>{% endif %}</td>
{% if key %}<td class="number">{{ "%.3g" | format(d.merit_mm_v) }}</td>{% endif %}
<td><small>gap {{ d.gap }}; density {{ d.density }}; {{ d.source }}</small></td></tr>
{% endfor %}</table></div>{% endfor %}
<h2>Not ranked</h2>
{% for why, rows in reasons %}<h3>{{ rows | length }}: {{ why }}</h3>
<p><small>{% for row in rows %}{{ row[1] }} ({{ row[2] }}, {{ row[4] }}){{ "; " if not loop.last }}{% endfor %}
</small></p>{% endfor %}
<p><small>Fields, beams and dose rates are the papers' own, and beams are rarely told. The ideal value is that of the
beam above; it rises eightfold from a tube at 30 kV (1 mm Al) to one at 100 kV (3 mm Al), so ranks that differ by less
may turn round. The field divides out only while the charge grows with it; a saturated device loses by it.</small></p>
</body></html>
"""


def write_ranking(ranking: Ranking, path: Path) -> None:
    """Write the page of a ranking, whole or not at all."""
    import jinja2
    from markupsafe import Markup

    from perospin.detectors.figures import ranking_figure
    from perospin.detectors.page import STYLE, png_text
    from perospin.saving import write_text

    reasons: dict[str, list[tuple[str, ...]]] = {}
    for row in ranking.left_out:
        reasons.setdefault(row[3], []).append(row)
    tables = [
        (title, key, devices)
        for title, key, devices in (
            ("At a stated field", True, ranking.with_field),
            ("Self-powered (no field)", False, ranking.self_powered),
        )
        if devices
    ]
    picture = Markup("")
    if tables:
        image = png_text(ranking_figure([*ranking.with_field, *ranking.self_powered]))
        picture = Markup('<img alt="over ideal against field" src="data:image/png;base64,{}">').format(image)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(_PAGE).render(
        style=STYLE, ranking=ranking, tables=tables, picture=picture, reasons=_by_count(reasons.items())
    )
    write_text(path, page)


def _by_count(reasons: Iterable[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
    return sorted(reasons, key=lambda pair: -len(pair[1]))
