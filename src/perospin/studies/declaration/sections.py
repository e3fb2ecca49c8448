"""The study file: what a TOML may declare, read into frozen models with one clear sentence for each mistake.

A study has one or several *parts* (for instance ``as-published`` and ``perospin``). Everything written at the
top level of the file holds for every part; a table ``[parts.NAME]`` may repeat any section and changes only the
keys it names (arrays are replaced as a whole).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from perospin.learning.options import MOST_DRAWS
from perospin.saving import name_fault
from perospin.studies.declaration.schemes import SCHEME_RULES, SchemeRule

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


FORMAT = 1
"""Version of the study-file format; a file of another version is refused with a sentence."""


MOST_CANDIDATES = 10_000
"""Most members of a grid."""

Model = TypeVar("Model", bound=BaseModel)


def _not_nan(value: float) -> float:
    if math.isnan(value):
        raise ValueError("'nan' is no number; leave the key out if there is none")
    return value


Bound = Annotated[float, AfterValidator(_not_nan)]
Number = Annotated[float | int, AfterValidator(_not_nan)]
"""A number; infinite for a limit that is none."""

Draws = Annotated[int, Field(ge=1, le=MOST_DRAWS)]
"""How often something is drawn, shuffled or repeated."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RowFilter(_Section):
    """One condition on the rows: of `column`, keep or drop listed values, or keep a closed range."""

    column: str
    keep: list[str | int | float | bool] | None = None
    drop: list[str | int | float | bool] | None = None
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> RowFilter:
        if all(value is None for value in (self.keep, self.drop, self.min, self.max)):
            raise ValueError("give at least one of 'keep', 'drop', 'min', 'max'")
        return self


class Assumption(_Section):
    """The formula that stands in for a row of uncertain composition, and why."""

    formula: str
    why: str


class Tag(_Section):
    """The column that splits the table into a fixed training and test set."""

    column: str
    train: str
    test: str


class StoreQuery(_Section):
    """Which records to take, curated and the user's own; the target column is then ``value``."""

    property: str
    material: str | None = None
    include_unknown: bool | None = None
    include_theory: bool | None = None
    table: str | None = None
    technique: str | None = None
    carrier: str | None = None
    evidence: str | None = None
    source: str | None = None
    user: bool | None = None
    store: str | None = None


class DataSection(_Section):
    """Where the rows come from: exactly one of a shipped table, a CSV file, a query of the store, gathered records.

    `time`, `weight` and `y_sd` name columns: when a row became known (a year or an ISO date), how much it counts when
    models are fitted, and the standard deviation of its target in the unit of the target. Only rows for which all
    descriptors in `complete` are known are kept; fewer than `min_rows` of them are not modelled. `new_ions` names a
    column with the ions of a row's formula that the ion library lacks, as "NAME=SMILES; NAME=SMILES".

    `categories` are text columns whose words are levels; an empty cell is alike to none. `uncertain` names, for a
    column, the column of its standard deviations. `limit` names the column that says whether the target is a value, or
    the truth at least or at most that: limits are trained on by models that can, and never scored. `records` names a
    gathering of perospin's records that brings columns of its own.
    """

    table: str | None = None
    csv: str | None = None
    store: StoreQuery | None = None
    records: Literal["lifetimes"] | None = None
    corrected: bool = False
    row: str | None = None
    name: str | None = None
    formula: str | None = None
    formula_template: str | None = None
    source: str = ""
    source_column: str | None = None
    where: list[RowFilter] = []
    new_ions: str | None = None
    assume: dict[str, Assumption] = {}
    groups: dict[str, str] = {}
    tag: Tag | None = None
    time: str | None = None
    weight: str | None = None
    y_sd: str | None = None
    categories: list[str] = []
    uncertain: dict[str, str] = {}
    limit: str | None = None
    complete: list[str] = []
    min_rows: int = Field(default=0, ge=0)
    plausible: dict[str, tuple[Bound, Bound]] = {}
    faults: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _floats(cls, value: Any) -> Any:
        # TOML arrays arrive as lists; strict mode wants the pair as a tuple of floats.
        if isinstance(value, dict) and isinstance(value.get("plausible"), dict):
            pairs = {
                key: tuple(float(v) for v in pair)
                if isinstance(pair, list) and all(isinstance(v, int | float) for v in pair)
                else pair
                for key, pair in value["plausible"].items()
            }
            return {**value, "plausible": pairs}
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> DataSection:
        if sum(origin is not None for origin in (self.table, self.csv, self.store, self.records)) > 1:
            raise ValueError("give only one of 'table', 'csv', 'store' and 'records'")
        if self.formula and self.formula_template:
            raise ValueError("give only one of 'formula' and 'formula_template'")
        return self


class Reciprocal(_Section):
    """One over the target, as people ask for it: the lifetime of a rate."""

    quantity: str
    unit: str = ""


class TargetSection(_Section):
    """What is predicted. `transform` is applied before any model sees the values and undone for display.

    `reciprocal` names what one over the target is; predictions then give both. `conditions` says where the values hold.
    `by` names the column that says which of several quantities a row holds: scores are then told for each as well.
    """

    column: str
    quantity: str
    unit: str = ""
    symbol: str = "y"
    transform: Literal["log10", "none"] = "none"
    obtained: Literal["measured", "computed"] = "measured"
    low_range: Number | None = None
    reciprocal: Reciprocal | None = None
    conditions: str = ""
    by: str | None = None

    @property
    def logarithmic(self) -> bool:
        """Whether models see the logarithm of the target."""
        return self.transform == "log10"

    @property
    def space(self) -> str:
        """The space of the models in a sentence: "log₁₀ of the spin relaxation rate"."""
        return f"log₁₀ of the {self.quantity}" if self.logarithmic else f"the {self.quantity}"

    @property
    def short_space(self) -> str:
        """The space of the models in a heading: "log₁₀ spin relaxation rate"."""
        return f"log₁₀ {self.quantity}" if self.logarithmic else self.quantity

    @property
    def axis(self) -> str:
        """Label of an axis in the space of the models."""
        unit = f" / {self.unit}" if self.unit else ""
        return f"{self.short_space}{unit}" if self.logarithmic else self.original_axis

    @property
    def original_axis(self) -> str:
        """Label of an axis in the unit of the target."""
        return f"{self.quantity} ({self.unit})" if self.unit else self.quantity

    def forward(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values from the unit of the target to the space of the models."""
        plain = np.asarray(values, dtype=float)
        return np.log10(plain) if self.logarithmic else plain

    def inverse(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values from the space of the models back to the unit of the target."""
        plain = np.asarray(values, dtype=float)
        return 10.0**plain if self.logarithmic else plain


class DescriptorSection(_Section):
    """Where descriptors come from: the table's own columns, or `perospin.describe` at one level for all rows.

    "packing" takes `perospin.descriptors.PACKING_DESCRIPTIONS`: what formula, SMILES and ionic radii say of any cation,
    without quantum chemistry.

    `measured` adds measured features from the records (curated and the user's), `structures` those of the crystals in a
    folder, or with "structures_2d" of the shipped crystals, each for rows of certain composition. `held_out_spacing`
    adds the layer spacing of single-layer materials as a model predicts it that never saw a crystal of their spacer.
    """

    source: Literal["table", "describe", "packing"] = "table"
    level: Literal["published", "fast"] | None = None
    prefix_table: str = ""
    measured: bool = False
    structures: str | None = None
    held_out_spacing: bool = False

    @model_validator(mode="after")
    def _level_known(self) -> DescriptorSection:
        if self.source == "describe" and self.level is None:
            raise ValueError('source = "describe" needs level = "published" or "fast"')
        return self


class EstimatorEntry(BaseModel):
    """One estimator: its name in tables, and the specification that `build_estimator` understands."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: str
    kind: str
    label: str = ""
    why: str = ""
    schemes: list[str] | None = None
    features: str | list[str] | None = None

    @property
    def title(self) -> str:
        """The label shown to people."""
        return self.label or self.name


class GridEntry(_Section):
    """A family of estimators from which one is chosen by its score on the very folds it is then scored on."""

    name: str
    label: str = ""
    why: str = ""
    select_by: str = "loo"
    spec: dict[str, Any]
    over: dict[str, list[Any]]
    schemes: list[str] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> GridEntry:
        count = math.prod(len(values) for values in self.over.values())
        if not 1 <= count <= MOST_CANDIDATES:
            raise ValueError(f"the grid '{self.name}' has {count} members; at least 1 and at most {MOST_CANDIDATES}")
        return self

    @property
    def title(self) -> str:
        """The label shown to people."""
        return self.label or self.name

    def candidates(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (name, specification) of every point of the grid, in the order of the file."""
        keys = list(self.over)
        for values in itertools.product(*(self.over[key] for key in keys)):
            point = dict(zip(keys, values, strict=True))
            text = ", ".join(f"{key}={_short(value)}" for key, value in point.items())
            yield f"{self.name}[{text}]", {**self.spec, **point}


if TYPE_CHECKING:
    SchemeKind = str
else:
    SchemeKind = Literal[tuple(SCHEME_RULES)]

Leakage = Literal["group", "report"]


class SchemeEntry(_Section):
    """One way of splitting the rows.

    `leakage` says what happens to rows of one material that the scheme would part: "group" keeps them on one side,
    "report" leaves them parted and says so; the part's own setting if it is not given.
    """

    kind: SchemeKind
    name: str = ""
    label: str = ""
    group: str | None = None
    features: str | list[str] | None = None
    n_test: int | None = Field(default=None, ge=1)
    n_repeats: Draws | None = None
    k: int | None = Field(default=None, ge=2)
    n_blocks: int | None = Field(default=None, ge=1)
    cutoff: Number | None = None
    leakage: Leakage | None = None

    @model_validator(mode="after")
    def _complete(self) -> SchemeEntry:
        needed, possible = self.rule.needs, self.rule.may
        for key in needed:
            if getattr(self, key) is None:
                raise ValueError(f"kind = \"{self.kind}\" needs the key '{key}'")
        for key in ("group", "features", "n_test", "n_repeats", "k", "n_blocks", "cutoff"):
            if getattr(self, key) is not None and key not in (*needed, *possible):
                known = ", ".join((*needed, *possible)) or "none"
                raise ValueError(f"kind = \"{self.kind}\" has no use for the key '{key}'; its own keys are: {known}")
        fault = name_fault(self.key)
        if fault is not None:
            raise ValueError(f"{self.key[:60]!r} can't be the name of a scheme, which names files: {fault}")
        return self

    @property
    def key(self) -> str:
        """Short name of the scheme, unique in a study."""
        return self.name or self.rule.short.format_map(vars(self))

    @property
    def rule(self) -> SchemeRule:
        """What holds for schemes of this kind."""
        return SCHEME_RULES[self.kind]


class GuardSection(_Section):
    """What happens to rows of one material, or with equal descriptors, that a scheme would part."""

    leakage: Leakage = "group"


class ExplainSection(_Section):
    """Which estimator is explained, and under which scheme out of fold.

    `players` are groups of columns that count as one. `directions` are further estimators whose directions are
    looked at, beside the claims of the study.
    """

    estimator: str
    scheme: str = "loo"
    players: dict[str, list[str]] | None = None
    directions: list[str] = []


class Claim(_Section):
    """A direction stated in the literature: the target goes up or down when `column` goes up."""

    column: str
    direction: Literal["up", "down"]
    text: str
    source: str


class StatedFigure(_Section):
    """A figure stated elsewhere, to stand beside ours; `value` is left out where it could not be read."""

    label: str
    scheme: str
    metric: Literal["r2", "mse", "mae", "typical_factor", "r2_original", "mse_original", "mae_original"]
    value: Number | None = None
    estimator: str | None = None
    source: str
    note: str = ""


class LearningCurveSection(_Section):
    """Training sizes and the number of random draws for each."""

    estimators: list[str]
    sizes: list[Annotated[int, Field(ge=1)]]
    n_repeats: Draws = 50


class SeedSection(_Section):
    """Repeat an evaluation with other seeds: of the models, and of the split where it is drawn by lot."""

    estimators: list[str] = Field(min_length=1)
    scheme: str
    n_seeds: int = Field(default=5, ge=2, le=10_000)


class PermutationSection(_Section):
    """Test by permutation whether the values of `columns` are attached to the right groups.

    `per` names a column that the others were multiplied by (1/n): the quantity before that product belongs to
    the group and is what is exchanged.
    """

    estimator: str
    columns: list[str]
    scheme: str
    group: str | None = None
    within: list[str] = []
    per: str | None = None
    n_permutations: Draws = 100


class CoverageSection(_Section):
    """Measure by an outer loop how many held-out rows the intervals of these estimators cover."""

    estimators: list[str] = Field(min_length=1)
    scheme: str
    levels: list[float] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    spread: Literal["own", "none"] = "own"

    @model_validator(mode="after")
    def _levels_are_shares(self) -> CoverageSection:
        if not self.levels or not all(0 < level < 1 for level in self.levels):
            raise ValueError("levels must be numbers between 0 and 1, for example [0.5, 0.9]")
        return self


class ChecksSection(_Section):
    """How much evidence to gather beside the scores."""

    n_bootstrap: Draws = 2000
    bootstrap_group: str | None = None
    n_shuffles: int = Field(default=10, ge=0, le=MOST_DRAWS)
    shuffle_estimator: str | None = None
    family_group: str | None = None
    duplicates: str | None = None
    noise_scale: Literal["log10", "target"] = "target"
    permutation: list[PermutationSection] = []
    learning_curve: LearningCurveSection | None = None
    seeds: SeedSection | None = None
    coverage: CoverageSection | None = None


class PredictSection(_Section):
    """Which estimator answers `predict`, and how its interval is made.

    `spread` says whether residuals are normalised by the model's own spread, where it states one.
    """

    estimator: str
    scheme: str = "loo"
    spread: Literal["own", "none"] = "own"
    level: float = Field(default=0.9, gt=0, lt=1)
    n_nearest: int = Field(default=5, ge=1)


class VariantsSection(_Section):
    """How many model variants were looked at before this study was written down."""

    tried: int = Field(ge=0)
    note: str = ""


class VerdictSection(_Section):
    """Statements of the author of the study; the report adds what the figures say."""

    estimator: str
    scheme: str
    supports: list[str] = []
    does_not_support: list[str] = []
    remarks: dict[str, str] = {}
    """What is known of single rows, by label: shown where every model misses them."""


def _short(value: Any) -> str:
    text = "x".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
