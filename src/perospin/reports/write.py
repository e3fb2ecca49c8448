"""Write a report folder: figures (PNG and SVG), tables (CSV and JSON) and the page."""

from __future__ import annotations

import base64
import io
import re
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

from perospin import look as style
from perospin.descriptors.labels import words
from perospin.digits import counted, number, percent, signed
from perospin.digits import figures as figures_text
from perospin.reports import captions, tables
from perospin.reports.card import model_card
from perospin.reports.citing import cite
from perospin.reports.figures.all import draw_all
from perospin.reports.text import history, variants_text
from perospin.reports.verdict import answer_text, limits, reach
from perospin.saving import inner_folder, one_run, write_bytes, write_figure, write_text
from perospin.studies.files.result_folder import is_saved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from perospin.studies.result import PartResult, StudyResult


def report(result: StudyResult, folder: str | Path) -> Path:
    """Write ``report.html`` with everything inside it, and its figures and tables as files beside it.

    Parameters
    ----------
    result : StudyResult
    folder : path
        Created if needed.

    Returns
    -------
    Path
        The page.
    """
    with one_run(folder) as held:
        if not is_saved(result, held):
            result.save(held)
        return _write_page(result, held)


def _write_page(result: StudyResult, folder: Path) -> Path:
    parts = []
    # The part that answers questions comes first.
    order = sorted(result.parts, key=lambda name: name != result.default_part)
    for name in order:
        part = result.parts[name]
        drawn = _save_figures(draw_all(part), inner_folder(folder, "figures", name))
        context = _part_context(part, drawn)
        parts.append(context | first_screen(part, context, name != result.default_part))
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            result=result,
            parts=parts,
            style=_resource("style.css"),
            provenance=result.provenance,
        )
    )
    path = folder / "report.html"
    write_text(path, page)
    write_text(folder / "model_card.md", model_card(result))
    write_text(folder / "references.bib", cite(result))
    return path


def _part_context(part: PartResult, drawn: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": part.name,
        "label": part.spec.label or part.name,
        "result": part,
        "spec": part.spec,
        "verdict": reach(part),
        "key_table": tables.score_table(part),
        "tiles": tables.tiles(part),
        "gains": tables.gain_table(part),
        "quantities": tables.quantity_table(part),
        "stated": tables.stated_table(part),
        "directions": tables.claims(part),
        "found": tables.directions(part),
        "coverage": tables.coverage(part),
        "sanity": part.sanity.to_dict("records"),
        "permutations": part.permutations.to_dict("records"),
        "repeated_pairs": tables.repeated_pair_table(part),
        "leaks": part.leaks.to_dict("records"),
        "variants": variants_text(part),
        "history": history(part),
        "subsets": tables.subset_tables(part),
        "not_blind": [
            {"label": entry.title, "why": entry.not_blind_because} for entry in part.spec.estimators if not entry.blind
        ],
        "formulas": part.formulas.fillna("").to_dict("records"),
        "rows": tables.row_table(part),
        "hard_rows": tables.hard_rows(part),
        "figures": drawn,
        "captions": captions.of(part),
    }


_CONTENTS = (
    ("scores", "Scores"),
    ("verdict", "Verdict"),
    ("predicted-against", "Predicted against known"),
    ("is-the-gain-real", "Is the gain real?"),
    ("are-the-intervals-honest", "Are the intervals honest?"),
    ("what-the-model-uses", "What the model uses"),
    ("which-way-does-each-descriptor-push", "Directions"),
    ("formulas", "Formulas"),
    ("data", "Data"),
)
"""Sections that the list of contents names, where the page has them."""


def first_screen(part: PartResult, context: Mapping[str, Any], named: bool) -> dict[str, Any]:
    """Put together the first screen: the answer in words, the command that predicts, limits, the list of contents.

    Parameters
    ----------
    part : PartResult
    context : mapping
        What else the page shows of the part.
    named : bool
        Whether the command must name the part.
    """
    spec, drawn = part.spec, context["figures"]
    by_formula = spec.descriptors.source != "table"
    command = ""
    if spec.answers is not None:
        what = "'FORMULA'" if by_formula else "--rows new.csv"
        command = f"perospin predict {what} --study ." + (f" --part {part.name}" if named else "")
    has = {
        "are-the-intervals-honest": "coverage" in drawn,
        "what-the-model-uses": "beeswarm" in drawn,
        "which-way-does-each-descriptor-push": "directions" in drawn,
        "formulas": bool(context["formulas"]),
    }
    tested = {"pairs", "scrambling", "seeds"} & set(drawn) or context["repeated_pairs"] or context["permutations"]
    return {
        "answer": answer_text(part),
        "command": command,
        "by_formula": by_formula,
        "limits": limits(part),
        "contents": [{"key": key, "text": text} for key, text in _CONTENTS if has.get(key, True)],
        "tested": bool(tested),
    }


def _save_figures(figures: Mapping[str, Figure], folder: Path) -> dict[str, str]:
    """Save each figure as PNG and SVG; return the SVG of each as a data address for the page."""
    embedded = {}
    with matplotlib.rc_context(style.RC):
        for name, figure in figures.items():
            write_figure(figure, folder / f"{name}.png", format="png", metadata={"Software": None})
            figure.set_layout_engine("none")  # the layout is found; both files show the same
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
            write_bytes(folder / f"{name}.svg", buffer.getvalue())
            embedded[name] = "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
    return embedded


def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        number=number,
        signed=signed,
        percent=percent,
        figures=figures_text,
        figures3=partial(figures_text, count=3),
        words=_words,
        counted=counted,
        chem=_with_subscripts,
    )
    return environment


_FORMULA = re.compile(r"[A-Za-z0-9()\[\]\-,.]*(?:Pb|Sn|Ge|Bi)(?:[A-Za-z0-9()\[\]]|\.(?=\d))*")
_COUNT = re.compile(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)")


def _with_subscripts(text: Any) -> Any:
    """Set the counts of formulas inside a text as subscripts."""
    from markupsafe import Markup, escape

    def lowered(match: re.Match[str]) -> str:
        return _COUNT.sub(r"<sub>\1</sub>", match[0])

    return Markup(_FORMULA.sub(lowered, str(escape(text))))  # escaped just above


def _words(columns: str) -> str:
    return ", ".join(words(column) for column in columns.split(", "))


def _resource(name: str) -> str:
    return resources.files("perospin.reports").joinpath(name).read_text(encoding="utf-8")
