"""A page of a screening: the list with the molecules drawn, and what it can't tell."""

from __future__ import annotations

from html import escape
from typing import Any

from perospin.chemistry import Perovskite
from perospin.chemistry.drawing import molecule_svg
from perospin.digits import number
from perospin.navigation.screening.screen import Screening
from perospin.text import shorten

__all__ = ["page"]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:960px;padding:1.5rem;color:#1a1a1a}
h1{font-size:1.6rem;margin:0 0 .3rem}p{margin:.4rem 0}
.box{border-left:4px solid #0072b2;background:#f3f6f9;padding:.6rem 1rem;margin:1rem 0}
.list{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:1rem;padding:0}
.one{list-style:none;border:1px solid #ccd;border-radius:6px;padding:.7rem;overflow-wrap:anywhere}
.one svg{width:100%;height:110px}.one b{font-size:1.05rem}.out{color:#9a3412}.small{font-size:.85rem;color:#444}
@media(max-width:480px){.list{grid-template-columns:1fr}}
"""


def page(found: Screening) -> str:
    """Return the page as HTML with everything inside it; nothing is fetched."""
    what, unit = found.headline
    cards = "".join(_card(found, i, row, unit) for i, row in enumerate(found.table.to_dict("records")))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>What to make next: {escape(found.space)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>What to make next</h1><p>{escape(what)} of the space '{escape(found.space)}', best first.</p>"
        f'<p class="box">{escape(found.told_apart[:1].upper() + found.told_apart[1:])}.</p>'
        f'<ol class="list">{cards}</ol>' + "".join(f'<p class="small">{escape(note)}</p>' for note in found.notes())
    ) + "</body></html>\n"


def _card(found: Screening, place: int, row: dict[Any, Any], unit: str) -> str:
    value, low, high = found.shown(row)
    material = Perovskite.parse(str(row["formula"]), found.ions)
    drawn = _molecule(material)
    why = escape(shorten(row["reasons"], 140))
    domain = "" if row["in_domain"] else f'<p class="small out">out of domain: {why}</p>'
    pushed = "; ".join(found.pushes(place))
    pushes = f'<p class="small">pushes: {escape(pushed)}</p>' if pushed else ""
    known = '<span class="small"> measured already</span>' if row["known"] else ""
    return (
        f'<li class="one">{drawn}<b>{row["rank"]}. {material.format("html")}</b>{known}'
        f"<p>{number(value)} {escape(unit)} ({number(low)} to {number(high)})</p>"
        f'<p class="small">beats ref.: {number(100 * row["chance_to_beat"], 0)} %</p>{pushes}{domain}</li>'
    )


def _molecule(material: Perovskite) -> str:
    """Draw the first organic cation of a material; empty where there is none."""
    ion = next((ion for ion, _ in (*material.spacers, *material.a_site) if ion.smiles and not ion.is_monatomic), None)
    if ion is None or ion.smiles is None:
        return ""
    return molecule_svg(ion.smiles, ion.symbol)
