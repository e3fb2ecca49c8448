"""What to cite: the BibTeX of exactly the methods and data that a result used, each entry with what it was used for.

The entries stand in ``references.bib`` beside this module; tables and papers without one there are cited by what the
records say of them (DOI, first author, year), no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from perospin.text import tex, tex_verbatim, visible

if TYPE_CHECKING:
    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.result import PartResult, StudyResult

__all__ = ["Reference", "cite", "cited", "library"]

_TABLES: Mapping[str, tuple[str, ...]] = {
    "spin52": ("Li2025SpinRelaxation",),
    "hoip192": ("Kim2017HybridPerovskites", "Hase2021Olympus"),
    "thin_film": ("Sun2021DataFusion", "Hase2021Olympus"),
    "thin_film_repeats": ("Sun2021DataFusion", "Hase2021Olympus"),
    "vapdiff_crystal": ("Hase2021Olympus",),
    "vapdiff_descriptors": ("Hase2021Olympus",),
    "structures_2d": (),  # cited by the DOI that the table states
}
_DOI = re.compile(r"10\.\d{4,9}/[^\s;,()<>\"]+[^\s;,()<>\".]")
_ENTRY = re.compile(r"^@(\w+)\{([^,\s]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """One BibTeX entry.

    Attributes
    ----------
    key : str
    bibtex : str
        The entry.
    used_for : tuple of str
        What in the result it belongs to.
    """

    key: str
    bibtex: str
    used_for: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """Fields of the entry by name."""
        return dict(_FIELD.findall(self.bibtex))

    def __str__(self) -> str:
        return f"% {visible('; '.join(self.used_for))}\n{self.bibtex}" if self.used_for else self.bibtex


@cache
def library() -> Mapping[str, Reference]:
    """All entries of ``references.bib`` by key."""
    text = resources.files("perospin.reports").joinpath("references.bib").read_text(encoding="utf-8")
    return {found[2]: Reference(found[2], found[0]) for found in _ENTRY.finditer(text)}


def cite(result: StudyResult) -> str:
    """BibTeX of exactly the methods and data that a result used, with a comment above each entry: what for."""
    return "\n\n".join(str(reference) for reference in cited(result)) + "\n"


def cited(result: StudyResult) -> list[Reference]:
    """List the references of exactly the data, descriptors, estimators and methods that a result used: data first.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of Reference
        perospin itself first; each entry once, with all that it was used for.
    """
    uses: dict[str, list[str]] = {}
    made: dict[str, Reference] = {}
    parts = list(result.parts.values())
    own = _perospin(str(result.provenance.get("versions", {}).get("perospin", "")))
    made[own.key], uses[own.key] = own, ["this program"]
    for source in (_data, _descriptors, _estimators, _validation, _explanations):
        for part in parts:
            for reference, purpose in source(part, result):
                made.setdefault(reference.key, reference)
                known = uses.setdefault(reference.key, [])
                if purpose not in known:
                    known.append(purpose)
    return [Reference(key, reference.bibtex, tuple(uses[key])) for key, reference in made.items()]


_Found = Iterator[tuple[Reference, str]]


def _from_library(keys: Sequence[str], purpose: str) -> _Found:
    yield from ((library()[key], purpose) for key in keys)


def _perospin(version: str) -> Reference:
    lines = ["@software{perospin,", "  author = {{perospin developers}},"]
    lines.append("  title = {perospin: predict, measure and understand spin relaxation in halide perovskites},")
    lines += [f"  version = {{{tex(version)}}},"] if version else []
    lines.append("  note = {MIT licence}")
    return Reference("perospin", "\n".join(lines) + "\n}")


# -- data ----------------------------------------------------------------------------------------------------


def _data(part: PartResult, result: StudyResult) -> _Found:
    section = part.spec.data
    own_table = result.data is not None or section.csv is not None
    known: set[str] = set()
    if not own_table and section.table is not None:
        keys = _TABLES.get(section.table, ())
        yield from _from_library(keys, f"data: the table {section.table}")
        known = {doi.lower() for key in keys if (doi := library()[key].fields.get("doi"))}
    texts = [str(part.provenance.get("source", "")), *(str(source) for source in part.rows["source"])]
    if section.store is not None:
        from perospin.database import select_records

        query = section.store.model_dump(exclude_none=True)
        wanted = set(part.rows["row"].astype(str)) | set(part.rows["name"].astype(str))
        records = [r for r in select_records(**query) if r.record_id in wanted or r.material in wanted]
        texts += [record.source.doi for record in records]
        for label in dict.fromkeys(record.source.label for record in records if not record.source.doi):
            yield from ((reference, "data: records") for reference in _of_source(label))
    if section.records is not None:
        for source in dict.fromkeys(text for text in texts if not _DOI.findall(text)):
            if source and source != str(part.provenance.get("source", "")):
                yield from ((reference, "data: records") for reference in _of_source(source))
    dois = dict.fromkeys(doi for text in texts for doi in _DOI.findall(text))
    for doi in dois:
        if doi.lower() not in known:
            yield _of_doi(doi), "data: records"
    if part.spec.descriptors.measured:
        yield from _measured(part)


def _measured(part: PartResult) -> _Found:
    """Yield the sources of the measured features that the estimators of a part read."""
    from perospin.descriptors.measured import MEASURED_DESCRIPTIONS, measured_rows

    used = {c for name in part.spec.estimator_names() for c in part.spec.columns_of(name)} & set(MEASURED_DESCRIPTIONS)
    formulas = [str(f) or None for f in part.rows["formula"]]
    _, sources, _ = measured_rows(formulas, [False] * len(formulas))
    for source in sources:
        if source["column"] in used and source["doi"]:
            yield _of_doi(str(source["doi"])), f"data: {source['column']}"


@cache
def _authors() -> Mapping[str, tuple[str, int | None]]:
    """First author and year of each DOI in perospin's records."""
    from perospin.database.query import curated_records

    found: dict[str, tuple[str, int | None]] = {}
    for record in curated_records():
        if record.source.doi and record.source.first_author:
            found.setdefault(record.source.doi.lower(), (record.source.first_author, record.source.year))
    return found


def _of_source(text: str) -> list[Reference]:
    """Return an entry for each DOI in a source, or one that says in words what the records know."""
    dois = _DOI.findall(text)
    if dois:
        return [_of_doi(doi) for doi in dois]
    key = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "unknown"
    return [Reference(key, f"@misc{{{key},\n  note = {{{tex(text)}; the records state no DOI}}\n}}")]


def _of_doi(doi: str) -> Reference:
    """Return an entry from the library if it has this DOI, else one of what the records say and nothing more."""
    for reference in library().values():
        if reference.fields.get("doi", "").lower() == doi.lower():
            return reference
    author, year = _authors().get(doi.lower(), ("", None))
    lines = [f"  author = {{{tex(author)} and others}}"] if author else []
    lines += [f"  year = {{{year}}}"] if year else []
    lines += [f"  doi = {{{tex_verbatim(doi)}}}", "  note = {title and further authors: see the DOI}"]
    key = re.sub(r"[^A-Za-z0-9]+", "-", doi).strip("-")
    return Reference(key, f"@misc{{{key},\n" + ",\n".join(lines) + "\n}")


# -- methods -------------------------------------------------------------------------------------------------


def _descriptors(part: PartResult, result: StudyResult) -> _Found:
    if part.spec.descriptors.source == "describe":
        level = part.spec.descriptors.level
        purpose = f"descriptors: cations at the level '{level}'"
        yield from _from_library(
            ("Bannwarth2019GFN2", "Sun2020PySCF") if level == "fast" else ("Sun2020PySCF",), purpose
        )
    columns = {c for name in part.spec.estimator_names() for c in part.spec.columns_of(name)}
    if any("tolerance_factor" in column for column in columns):
        yield from _from_library(
            ("Goldschmidt1926Krystallochemie", "Shannon1976Radii"), "descriptors: tolerance factor"
        )


def _estimators(part: PartResult, result: StudyResult) -> _Found:
    from perospin.learning.estimators import KINDS

    ran = set(part.scores["estimator"]) if len(part.scores) else set(part.spec.estimator_names())
    for name in part.spec.estimator_names():
        if name not in ran:
            continue
        purpose = f"estimator: {part.spec.title_of(name)}"
        for spec in _specs(part.spec, name):
            kind = KINDS.get(str(spec.get("kind")))
            if kind is None:
                continue
            yield from _from_library(tuple(kind.cited(spec)), purpose)
            if kind.name == "variance_components" and "limit" in part.rows:
                yield from _from_library(("Minka2001Expectation",), f"{purpose}, limits as censored values")
            if kind.nested_choice or spec.get("tune"):
                yield from _from_library(("Cawley2010Overfitting",), f"nested choice of {part.spec.title_of(name)}")


def _specs(part: PartSpec, name: str) -> Iterator[Mapping[str, Any]]:
    """Specification of an estimator and of all models inside it."""
    from perospin.learning.estimators import KINDS

    grid = next((g for g in part.grids if g.name == name), None)
    waiting: list[Any] = [part.write_out(grid.spec) if grid else part.spec_of(name)]
    while waiting:
        spec = waiting.pop(0)
        if isinstance(spec, str):
            spec = {"kind": spec}
        if not isinstance(spec, Mapping):
            continue
        yield spec
        kind = KINDS.get(str(spec.get("kind")))
        waiting += kind.inner(spec) if kind is not None else ()


def _validation(part: PartResult, result: StudyResult) -> _Found:
    spec = part.spec
    ran = set(part.scores["scheme"]) if len(part.scores) else set()
    for scheme in spec.schemes:
        if scheme.key not in ran:
            continue
        purpose = f"validation: {scheme.label or scheme.key}"
        yield from _from_library(scheme.rule.references, purpose)
    if len(part.pairs):
        yield from _from_library(("Holm1979Multiple",), "comparison of estimators")
        if any("resampled" in str(method) for method in part.pairs.get("method", ())):
            yield from _from_library(("Nadeau2003Inference",), "comparison of estimators over repeated splits")
    if len(part.scrambles) or spec.checks.n_shuffles:
        yield from _from_library(("Rucker2007Randomization",), "test with a shuffled target")
    asked: list[tuple[str, str]] = [(spec.answers.scheme, spec.answers.spread)] if spec.answers else []
    if spec.checks.coverage is not None and len(part.coverage):
        asked.append((spec.checks.coverage.scheme, spec.checks.coverage.spread))
    for key, spread in asked:
        purpose = f"prediction intervals: {part.scheme_label(key)}"
        yield from _from_library(("Barber2021Jackknife",), purpose)
        if spec.scheme(key).group is not None:
            yield from _from_library(("Dunn2023Hierarchical",), f"{purpose}, groups")
        if spread == "own":
            yield from _from_library(("Lei2018DistributionFree",), f"{purpose}, normalised by the model's own spread")


def _explanations(part: PartResult, result: StudyResult) -> _Found:
    if part.shapley:
        yield from _from_library(("Shapley1953Value", "Lundberg2017Unified"), "explanation: Shapley values")
    if len(part.importance):
        yield from _from_library(("Fisher2019Importance",), "explanation: importance on held-out rows")
    if len(part.curves):
        yield from _from_library(("Goldstein2015Peeking",), "explanation: partial dependence and single curves")
