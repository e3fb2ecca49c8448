"""Declaration of one part of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from perospin.learning.options import SEEDS
from perospin.studies.declaration.sections import (
    ChecksSection,
    Claim,
    DataSection,
    DescriptorSection,
    EstimatorEntry,
    ExplainSection,
    GridEntry,
    GuardSection,
    Leakage,
    PredictSection,
    SchemeEntry,
    StatedFigure,
    TargetSection,
    VariantsSection,
    VerdictSection,
    _Section,
)

if TYPE_CHECKING:
    from perospin.learning.estimators import Kind
    from perospin.studies.declaration.sections import DataSection


def model_columns(part: PartSpec) -> list[str]:
    """Every descriptor column that some estimator of the part reads."""
    return list(dict.fromkeys(column for name in part.estimator_names() for column in part.columns_of(name)))


def needed_columns(part: PartSpec) -> list[str]:
    """Every descriptor column that some estimator, test, scheme or explanation of the part reads."""
    columns = model_columns(part)
    for scheme in part.schemes:
        columns += scheme.features if isinstance(scheme.features, list) else ()
    for group in (part.explain.players or {}).values() if part.explain else ():
        columns += group
    for test in part.checks.permutation:
        columns += [*test.columns, *test.within, *([test.per] if test.per else [])]
    columns += [column for names in part.features.values() for column in names]
    columns += [column for pair in part.data.uncertain.items() for column in pair]
    return list(dict.fromkeys([*columns, *part.data.complete]))


class PartSpec(_Section):
    """One part of a study: everything that is needed to run it."""

    label: str = ""
    """Name of the part for people."""
    description: str = ""
    """What this part does, in words."""
    seed: int = Field(default=0, ge=SEEDS[0], le=SEEDS[1])
    """Seed of everything that is drawn by lot."""
    baseline: str
    """Estimator that every other is compared with."""
    data: DataSection
    """Where the rows come from."""
    target: TargetSection
    """What is predicted."""
    descriptors: DescriptorSection = DescriptorSection()
    """Where descriptors come from."""
    features: dict[str, list[str]] = Field(default_factory=dict)
    """Feature sets: lists of columns by name."""
    scales: dict[str, dict[str, list[float | int]]] = Field(default_factory=dict)
    """Sets of scales by name, for estimators that take one scale a column."""
    effects: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Sets of effects by name, for estimators that are sums of effects."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Names of columns for people."""
    estimators: list[EstimatorEntry] = Field(min_length=1)
    """Estimators to score."""
    grids: list[GridEntry] = Field(default_factory=list)
    """Families of which one is chosen on the scored folds."""
    schemes: list[SchemeEntry] = Field(min_length=1)
    """Ways of splitting the rows."""
    explain: ExplainSection | None = None
    """What is explained."""
    claims: list[Claim] = Field(default_factory=list)
    """Directions stated in the literature."""
    stated: list[StatedFigure] = Field(default_factory=list)
    """Figures stated elsewhere."""
    checks: ChecksSection = ChecksSection()
    """Evidence beside the scores."""
    guard: GuardSection = GuardSection()
    """What happens to rows of one material that a scheme would part."""
    predict: PredictSection | None = None
    """What answers predict; the model and scheme of the verdict if left out."""
    variants: VariantsSection
    """What was tried before."""
    verdict: VerdictSection
    """Which figure the headline is about, and the author's statements."""

    def scheme(self, key: str) -> SchemeEntry:
        """Return the scheme of this short name."""
        return next(entry for entry in self.schemes if entry.key == key)

    def leakage_of(self, entry: SchemeEntry) -> Leakage:
        """Say what a scheme does about rows of one material that it would part."""
        return entry.leakage or self.guard.leakage

    def needed_schemes(self) -> set[str]:
        """Schemes that something else in the part refers to: the study makes no sense without them."""
        tests = {test.scheme for test in self.checks.permutation}
        asked = {self.verdict.scheme, *tests, *(grid.select_by for grid in self.grids)}
        for section in (self.explain, self.predict, self.checks.seeds):
            if section is not None:
                asked.add(section.scheme)
        return asked

    @property
    def answers(self) -> PredictSection | None:
        """What answers a prediction: as declared, else the model and scheme of the verdict; None if neither can."""
        if self.predict is not None:
            return self.predict
        scheme = self.scheme(self.verdict.scheme)
        alone = any(entry.name == self.verdict.estimator for entry in self.estimators)
        if not alone or scheme.kind == "in_sample":
            return None
        return PredictSection(estimator=self.verdict.estimator, scheme=self.verdict.scheme)

    def scheme_keys(self) -> list[str]:
        """Names of the schemes, in the order of the file."""
        return [scheme.key for scheme in self.schemes]

    def estimator_names(self) -> list[str]:
        """Names of the estimators, in the order of the file; grids (their chosen member) come last."""
        return [e.name for e in self.estimators] + [g.name for g in self.grids]

    def entry(self, name: str) -> EstimatorEntry:
        """Return the estimator called `name`."""
        return next(e for e in self.estimators if e.name == name)

    def title_of(self, name: str) -> str:
        """Label of an estimator or a grid for people."""
        titles = {entry.name: entry.title for entry in self.estimators}
        titles.update((grid.name, grid.title) for grid in self.grids)
        return titles.get(name, name)

    def why_of(self, name: str) -> str:
        """Remark on an estimator or a grid."""
        remarks = {entry.name: entry.why for entry in self.estimators}
        remarks.update((grid.name, grid.why) for grid in self.grids)
        return remarks.get(name, "")

    def known_beforehand(self, name: str) -> str:
        """Say what was known of the scored rows when an estimator was written down; empty if it is blind."""
        return next((entry.not_blind_because for entry in self.estimators if entry.name == name), "")

    def spec_of(self, name: str) -> dict[str, Any]:
        """Return the estimator's specification with named feature sets written out."""
        entry = self.entry(name)
        own = {"name", "label", "why", "schemes", "blind", "not_blind_because"}
        spec = {key: value for key, value in entry.model_dump(exclude_none=True).items() if key not in own}
        return self.write_out(spec)

    def write_out(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Replace names of feature sets, effects and scales by what they stand for, in inner specifications too."""
        full = dict(spec)
        if isinstance(full.get("features"), str):
            full["features"] = list(self.features[full["features"]])
        if isinstance(full.get("effects"), list):
            full["effects"] = [self._effect(e) if isinstance(e, str) else e for e in full["effects"]]
        kind = _kind_of(full)
        for name in (n for n, option in kind.says.items() if option.holds == "estimators") if kind else ():
            value = full.get(name)
            if isinstance(value, list):
                full[name] = [self.write_out(m) if isinstance(m, dict) else m for m in value]
            elif isinstance(value, dict):
                full[name] = self.write_out(value)
        if isinstance(full.get("tune"), dict) and isinstance(full["tune"].get("features"), list):
            choices = [list(self.features[f]) if isinstance(f, str) else f for f in full["tune"]["features"]]
            full["tune"] = {**full["tune"], "features": choices}
        return full

    def _effect(self, name: str) -> dict[str, Any]:
        """Return a declared effect with its name, and the columns and scales that it names written out."""
        found = {"name": name, **self.effects[name]}
        for key in ("linear", "smooth"):
            if isinstance(found.get(key), str):
                found[key] = dict(self.scales[found[key]])
        return found

    def columns_of(self, name: str) -> list[str]:
        """Columns that an estimator (or a grid's members) reads, in order of first use."""
        grid = next((g for g in self.grids if g.name == name), None)
        spec = self.write_out(grid.spec) if grid else self.spec_of(name)
        return list(dict.fromkeys(columns_of_spec(spec)))


def columns_of_spec(spec: Mapping[str, Any]) -> Iterator[str]:
    """Columns that a written-out specification reads, its members' and its residual model's included."""
    kind = _kind_of(spec)
    yield from kind.reads if kind else ()
    tuned = spec.get("tune")
    choices = tuned.get("features", ()) if isinstance(tuned, Mapping) else ()
    for value in (spec.get("features"), *choices):
        if isinstance(value, list):
            yield from (column for column in value if isinstance(column, str))
    yield from kind.named_columns(spec) if kind else ()
    for inner in _inner_specs(spec):
        yield from columns_of_spec(inner)


def _kind_of(spec: Mapping[str, Any]) -> Kind | None:
    """Kind of estimator that a specification names; None for one that there isn't."""
    from perospin.learning.estimators import KINDS  # brings scikit-learn

    return KINDS.get(str(spec.get("kind")))


def _inner_specs(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Specifications inside a specification: the members of an average, the residual model of two stages."""
    kind = _kind_of(spec)
    yield from (inner for inner in (kind.inner(spec) if kind else ()) if isinstance(inner, Mapping))
