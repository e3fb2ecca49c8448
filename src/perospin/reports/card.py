"""The model card: one page of Markdown that says what a model predicts, how well, from what, and how to make it again.

Every sentence follows from the result by a fixed rule; no score stands without its scheme.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perospin.descriptors.labels import axis_label
from perospin.digits import counted, figures, number, percent, signed
from perospin.reports.tables import seeds_text, subset_tables
from perospin.reports.text import history, variants_text
from perospin.reports.verdict import reach
from perospin.text import markdown

if TYPE_CHECKING:
    from perospin.studies.result import PartResult, StudyResult

__all__ = ["model_card"]

_MOST = 12
"""Longer lists of names are cut."""


def model_card(result: StudyResult) -> str:
    """Write the card of a result, the part that answers predictions first.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        Markdown; the same for the same result.
    """
    lines = [f"# Model card: {result.title}", ""]
    if result.description:
        lines += [result.description, ""]
    for label, reason in result.provenance.get("not_modelled", {}).items():
        lines += [f"Not modelled: {label}. {reason[:1].upper() + reason[1:]}.", ""]
    for name in sorted(result.parts, key=lambda name: name != result.default_part):
        lines += _part(result, result.parts[name], len(result.parts) > 1)
    lines += _again(result)
    return markdown("\n".join(lines).rstrip()) + "\n"


def _part(result: StudyResult, part: PartResult, several: bool) -> list[str]:
    lines: list[str] = []
    if several:
        lines += [f"## Part: {part.spec.label or part.name}", ""]
        lines += [part.spec.description.strip(), ""] if part.spec.description.strip() else []
    for title, section in (
        ("What it predicts", _what(part)),
        ("Data", _data(part)),
        ("Features", _features(part)),
        ("How well, and by which scheme", _scores(part)),
        ("Intervals", _intervals(part)),
        ("Domain", _domain(part)),
        ("Known faults and cautions", _cautions(part)),
        ("With and without named rows", _subsets(part)),
        ("Not blind", [f"- {e.title}: {e.not_blind_because}" for e in part.spec.estimators if not e.blind]),
        ("Models tried", _variants(part)),
    ):
        body = list(section)
        if any(body):
            lines += [f"{'###' if several else '##'} {title}", "", *body, ""]
    return lines


# -- sections ------------------------------------------------------------------------------------------------


def _model(part: PartResult) -> str:
    """Estimator that the card is about: the one that predicts, else the one of the verdict."""
    return part.spec.answers.estimator if part.spec.answers else part.spec.verdict.estimator


def _kinds(part: PartResult) -> str:
    """Kind of the model, and of the models in it."""
    spec = next((part.spec.spec_of(e.name) for e in part.spec.estimators if e.name == _model(part)), None)
    if spec is None:
        return "chosen from a grid"
    members = spec.get("members")  # a number for an ensemble of networks
    parts = (*(members if isinstance(members, list) else ()), spec.get("residual"))
    inside = [m.get("kind") if isinstance(m, dict) else m for m in parts]
    words = ", ".join(str(kind) for kind in dict.fromkeys(inside) if kind)
    return f"{spec['kind']} of {words}" if words else str(spec["kind"])


def _what(part: PartResult) -> Iterator[str]:
    target, spec = part.spec.target, part.spec
    unit = f" in {target.unit}" if target.unit else ""
    yield f"- Quantity: {target.quantity}{unit}, {target.obtained}; models work on {part.spec.target.space}."
    yield f"- Model: {spec.title_of(_model(part))} ({_kinds(part)})."
    if spec.answers is None:
        yield "- It predicts no new material: the study declares no prediction."
    yield f"- Verdict: {reach(part).headline}"
    verdict = spec.verdict
    yield from (f"- Supports: {text}" for text in verdict.supports)
    yield from (f"- Does not support: {text}" for text in verdict.does_not_support)


def _data(part: PartResult) -> Iterator[str]:
    rows, known = part.rows, part.provenance
    yield f"- Rows: {len(rows)}, of {counted(rows['described_as'].replace('', None).nunique(), 'material')}."
    low, high = float(rows["target"].min()), float(rows["target"].max())
    yield f"- Range of the target: {figures(low)} to {figures(high)} {part.spec.target.unit}".rstrip() + "."
    yield f"- Source: {known.get('source', '')}"
    sources = [str(s) for s in dict.fromkeys(rows["source"]) if str(s) and str(s) != str(known.get("source"))]
    if sources:
        yield f"- Sources of rows: {_listed(sources)}"
    yield f"- Fingerprint of rows, descriptors and target (SHA-256): `{known.get('sha256', '')}`"
    if known.get("table_sha256"):
        yield f"- Fingerprint of the table's target as read: `{known['table_sha256']}`"
    assumed = part.spec.data.assume
    if assumed:
        yield f"- Composition assumed for rows: {', '.join(f'{k} ({v.formula})' for k, v in assumed.items())}."


def _features(part: PartResult) -> Iterator[str]:
    columns = part.spec.columns_of(_model(part))
    if not columns:
        yield "None: the model is a constant."
        return
    descriptors = part.spec.descriptors
    if descriptors.source == "describe":
        yield f"Descriptors of perospin, cations at the level '{descriptors.level}'."
    elif descriptors.source == "packing":
        yield "Descriptors of perospin from the formula, SMILES and ionic radii alone."
    else:
        yield "Columns of the table."
    yield ""
    for column in columns:
        label = axis_label(column, part.spec.labels)
        if column not in part.features.columns:
            continue
        values = part.features[column]
        missing = int(values.isna().sum())
        note = f"; missing in {counted(missing, 'row')}" if missing else ""
        yield f"- `{column}`: {label}, {figures(float(values.min()), 3)} to {figures(float(values.max()), 3)}{note}"


def _scores(part: PartResult) -> Iterator[str]:
    spec, model = part.spec, _model(part)
    names = list(dict.fromkeys([model, spec.verdict.estimator, spec.baseline, *spec.verdict.beside]))
    logarithmic = spec.target.logarithmic
    yield f"R² and errors refer to {part.spec.target.space}; a score in sample says nothing about new materials."
    yield ""
    factor = f" typical factor | R² of the {spec.target.quantity} itself |" if logarithmic else ""
    yield f"| model | scheme | R² | mean absolute error |{factor} gain over the baseline, 95 % |"
    yield "|---|---|---|---|" + ("---|---|" if logarithmic else "") + "---|"
    for name in names:
        for scheme in (s.key for s in spec.schemes):
            score = part.told_score(name, scheme)
            if score is None:
                continue
            seeds = seeds_text(score)
            gain = part.gain(name, scheme)
            gained = "" if gain is None else f"{signed(gain['gain'])} ({signed(gain['low'])} to {signed(gain['high'])})"
            middle = f" {number(score['typical_factor'])} | {number(score['r2_original'])} |" if logarithmic else ""
            mark = " (baseline)" if name == spec.baseline else ""
            mark += " (not blind)" if spec.known_beforehand(name) else ""
            r2 = number(score["r2"]) + (f" ({seeds})" if seeds else "")
            yield (
                f"| {_cell(spec.title_of(name))}{mark} | {_cell(part.scheme_label(scheme))} | {r2} | "
                f"{number(score['mae'])} |{middle} {gained} |"
            )
    ceiling = part.noise.get("ceiling_r2") if part.noise else None
    if ceiling is not None:
        space = "log₁₀ of the target" if part.noise.get("scale") == "log10" else "the target"
        yield ""
        yield (
            f"Materials in the table more than once scatter by a factor {number(part.noise.get('factor'))}: no model "
            f"can exceed an R² of about {number(ceiling)} (held out, by any scheme) of {space}."
        )


def _subsets(part: PartResult) -> Iterator[str]:
    tables = subset_tables(part)
    if tables:
        yield (
            "The same held-out predictions, scored with and without rows that the study names; nothing is fitted "
            "again. "
            f"Squared errors are sums over rows of {part.spec.target.space}."
        )
    log = part.spec.target.logarithmic
    for table in tables:
        yield ""
        yield f"{table['name']}: {table['named']} ({table['scheme_label']}). {table['why']}"
        yield ""
        yield (
            f"| {_cell(table['scheme_label'])} | R² |{' R² of the target itself | typical factor |' if log else ''} "
            f"squared error, {counted(table['n_rows'], 'named row')} | "
            f"squared error, other {counted(table['n_others'], 'row')} | R² without |"
        )
        yield "|---|---|" + ("---|---|" if log else "") + "---|---|---|"
        for row in table["rows"]:
            mark = " (baseline)" if row["baseline"] else ""
            mark += " (not blind)" if row["known"] else ""
            own = f" {number(row['r2_original'])} | {number(row['typical_factor'])} |" if log else ""
            yield (
                f"| {_cell(row['label'])}{mark} | {number(row['r2'])} |{own} {number(row['sse_rows'])} | "
                f"{number(row['sse_others'])} | {number(row['r2_without'])} |"
            )


def _variants(part: PartResult) -> Iterator[str]:
    yield variants_text(part)
    if part.spec.variants.note:
        yield part.spec.variants.note
    steps = history(part)
    if steps:
        yield ""
        yield from (f"{i}. {step}" for i, step in enumerate(steps, 1))


def _intervals(part: PartResult) -> Iterator[str]:
    asked = part.spec.answers
    if asked is not None:
        how = ", wider where the model states that it is less sure" if asked.spread == "own" else ""
        yield (
            f"From the errors of held-out predictions ({part.scheme_label(asked.scheme)}; jackknife+ or CV+) at "
            f"{percent(asked.level)}{how}."
        )
    found = part.coverage
    if not len(found):
        if asked is not None:
            yield "Their coverage was not measured in this study."
        return
    yield ""
    yield "Measured by an outer loop, every interval made without the rows it is held against:"
    yield ""
    yield "| model | scheme | nominal | covered | of rows |"
    yield "|---|---|---|---|---|"
    for row in found.to_dict("records"):
        label = _cell(str(row.get("scheme_label", part.scheme_label(str(row["scheme"])))))
        yield (
            f"| {_cell(part.spec.title_of(str(row['estimator'])))} | {label} | {percent(row['level'])} | "
            f"{percent(row['coverage'])} | {int(row['n_rows'])} |"
        )


def _domain(part: PartResult) -> Iterator[str]:
    from perospin.chemistry import Perovskite
    from perospin.errors import FormulaError

    materials = []
    for formula in dict.fromkeys(part.rows["described_as"]):
        try:
            materials.append(Perovskite.parse(formula))
        except FormulaError:
            continue  # no formula, or one with ions of the user's own
    if materials:
        for word, read in (
            ("Families", lambda m: {str(m.family)}),
            ("Metals", lambda m: {ion.symbol for ion, _ in m.b_site}),
            ("Halides", lambda m: {ion.symbol for ion, _ in m.x_site}),
            ("A-site cations", lambda m: {ion.symbol for ion, _ in m.a_site}),
            ("Spacers", lambda m: {ion.symbol for ion, _ in m.spacers}),
        ):
            seen = sorted(set().union(*(read(m) for m in materials)))
            if seen:
                yield f"- {word}: {_listed(seen, 60)}"
    yield (
        "- A prediction is marked out of domain, with the reason, for an ion or element that no training row holds, a "
        "feature beyond the ranges above, a distance or leverage beyond that of 95 % of the held-out rows, and parts "
        "that are known only apart."
    )


def _cautions(part: PartResult) -> Iterator[str]:
    yield from (f"- {text}" for text in part.spec.data.faults)
    yield from (f"- {caution.text}" for caution in part.cautions)
    failed = [row for row in part.sanity.to_dict("records") if not row["passed"]] if len(part.sanity) else []
    yield from (f"- Sanity test failed: {row['text']}" for row in failed)


def _again(result: StudyResult) -> list[str]:
    from perospin.studies.declaration.reading import shipped_studies

    known = result.provenance
    shipped = result.name in shipped_studies()
    what = result.name if shipped else f"{result.name}.toml"
    data = " --data YOUR_TABLE.csv" if result.data is not None else ""
    versions = ", ".join(f"{name} {version}" for name, version in known.get("versions", {}).items())
    seeds = ", ".join(f"{name} {seed}" for name, seed in known.get("seeds", {}).items())
    return [
        "## Make it again",
        "",
        "```console",
        f"$ perospin study run {what}{data} --out FOLDER",
        "```",
        "",
        f"- Run: {known.get('started', '')}",
        f"- Versions: {versions}; Python {known.get('python', '')}",
        f"- Seeds: {seeds}",
        *([] if shipped else ["- The study's declaration stands in `result.json` under `study`."]),
        "",
        "## Cite",
        "",
        "The BibTeX of exactly the methods and data used stands in `references.bib` beside this card; "
        "`perospin study cite FOLDER` prints it.",
        "",
    ]


# -- words ---------------------------------------------------------------------------------------------------


def _listed(words: list[str], most: int = _MOST) -> str:
    rest = len(words) - most
    return "; ".join(words[:most]) + (f"; and {rest} more" if rest > 0 else "")


def _cell(text: str) -> str:
    """Text inside a table of Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")
