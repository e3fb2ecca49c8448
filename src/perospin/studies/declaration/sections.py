"""The study file: what a TOML may declare, read into frozen models with one clear sentence for each mistake.

A study has one or several *parts* (for instance ``as-published`` and ``perospin``). Everything written at the
top level of the file holds for every part; a table ``[parts.NAME]`` may repeat any section and changes only the
keys it names (arrays are replaced as a whole).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
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
    """Column that the condition is on."""
    keep: list[str | int | float | bool] | None = None
    """Keep only rows with one of these values."""
    drop: list[str | int | float | bool] | None = None
    """Drop rows with one of these values."""
    min: Number | None = None
    """Keep only rows with at least this value."""
    max: Number | None = None
    """Keep only rows with at most this value."""

    @model_validator(mode="after")
    def _one_condition(self) -> RowFilter:
        if all(value is None for value in (self.keep, self.drop, self.min, self.max)):
            raise ValueError("give at least one of 'keep', 'drop', 'min', 'max'")
        return self


class Assumption(_Section):
    """The formula that stands in for a row of uncertain composition, and why."""

    formula: str
    """Formula that is described in place of the uncertain one."""
    why: str
    """What is uncertain, and why this formula."""


class Tag(_Section):
    """The column that splits the table into a fixed training and test set."""

    column: str
    """Column that says which of the two sets a row belongs to."""
    train: str
    """Its value in training rows."""
    test: str
    """Its value in rows that are predicted."""


class StoreQuery(_Section):
    """Which records to take, curated and the user's own; the target column is then ``value``."""

    property: str
    """Property of the records, for example a lifetime; its values are the target."""
    material: str | None = None
    """Only records of this formula."""
    include_unknown: bool | None = None
    """Whether records of uncertain composition count."""
    include_theory: bool | None = None
    """Whether computed values count."""
    table: str | None = None
    """Only records of this curated table."""
    technique: str | None = None
    """Only records measured by this technique."""
    carrier: str | None = None
    """Only records of this carrier: electron, hole or exciton."""
    evidence: str | None = None
    """Only records with this kind of evidence."""
    source: str | None = None
    """Only records from this source (DOI or arXiv id)."""
    user: bool | None = None
    """False for the curated records only; `table = "user"` takes the user's own only."""
    store: str | None = None
    """Path or URL of a store other than the default one."""


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
    """Name of a table that perospin ships."""
    csv: str | None = None
    """Path of a CSV file, relative to the study file."""
    store: StoreQuery | None = None
    """Query of the record store."""
    records: Literal["lifetimes", "detectors"] | None = None
    """Gathering of perospin's records that brings columns of its own."""
    corrected: bool = False
    """Whether the corrected version of a shipped table is read."""
    row: str | None = None
    """Column with a short label of each row; rows are numbered if it is left out."""
    name: str | None = None
    """Column with a name for people."""
    formula: str | None = None
    """Column with the chemical formula."""
    formula_template: str | None = None
    """Formula put together from columns in braces."""
    source: str = ""
    """Where the table comes from, in words."""
    source_column: str | None = None
    """Column with the source of each row."""
    where: list[RowFilter] = []
    """Conditions that a row must meet, all of them."""
    new_ions: str | None = None
    """Column with ions that the library lacks, as "NAME=SMILES; NAME=SMILES"."""
    assume: dict[str, Assumption] = {}
    """Formulas that stand in for rows of uncertain composition, by row label."""
    groups: dict[str, str] = {}
    """Groups of rows by name: column:NAME, row, source, formula, spacer, spacer_family, a_site, metal, halide, layers
    or family.
    """
    tag: Tag | None = None
    """Fixed training and test set."""
    time: str | None = None
    """Column that says when a row became known: a year or an ISO date."""
    weight: str | None = None
    """Column that says how much a row counts when models are fitted."""
    y_sd: str | None = None
    """Column with the standard deviation of the target, in its unit."""
    categories: list[str] = []
    """Text columns whose words are levels; an empty cell is alike to none."""
    uncertain: dict[str, str] = {}
    """Column of the standard deviations, by the column that they belong to."""
    limit: str | None = None
    """Column that says whether a target is a value, at least or at most; limits are never scored."""
    complete: list[str] = []
    """Only rows for which all these descriptors are known are kept."""
    min_rows: int = Field(default=0, ge=0)
    """A part with fewer rows is not modelled."""
    plausible: dict[str, tuple[Bound, Bound]] = {}
    """Lowest and highest plausible value by column; a value outside is refused."""
    faults: list[str] = []
    """Known faults of the table, one sentence each; the report prints them."""

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

    def scales_of(self, columns: Iterable[str]) -> list[str]:
        """Those of the columns whose numbers mean more or less of something: no category, no standard deviation."""
        others = {*self.categories, *self.uncertain.values()}
        return [column for column in columns if column not in others]

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
    """Name of one over the target."""
    unit: str = ""
    """Its unit."""


class TargetSection(_Section):
    """What is predicted. `transform` is applied before any model sees the values and undone for display.

    `reciprocal` names what one over the target is; predictions then give both. `conditions` says where the values hold.
    `by` names the column that says which of several quantities a row holds: scores are then told for each as well.
    """

    column: str
    """Column with the values to predict."""
    quantity: str
    """What they are, in words."""
    unit: str = ""
    """Their unit."""
    symbol: str = "y"
    """Short symbol for figures and formulas."""
    transform: Literal["log10", "none"] = "none"
    """Applied before any model sees the values, and undone for display."""
    obtained: Literal["measured", "computed"] = "measured"
    """Whether the values were measured or computed."""
    low_range: Number | None = None
    """Values up to this one get a magnified inset in the parity figure."""
    reciprocal: Reciprocal | None = None
    """What one over the target is; predictions then give both."""
    conditions: str = ""
    """Where the values hold; predictions repeat it."""
    by: str | None = None
    """Column that says which of several quantities a row's target is."""

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
    """Columns of the table, perospin's descriptors of the formula, or those without quantum chemistry."""
    level: Literal["published", "fast"] | None = None
    """Level of theory of the cations; needed with source = "describe"."""
    prefix_table: str = ""
    """Prefix of the table's own columns beside described ones."""
    measured: bool = False
    """Whether measured features from the records are added, for rows of certain composition."""
    structures: str | None = None
    """Folder of crystals, or structures_2d for the shipped ones, whose columns are added."""
    held_out_spacing: bool = False
    """Whether the layer spacing is added as predicted by a model that never saw a crystal of the spacer."""

    @model_validator(mode="after")
    def _level_known(self) -> DescriptorSection:
        if self.source == "describe" and self.level is None:
            raise ValueError('source = "describe" needs level = "published" or "fast"')
        return self


class EstimatorEntry(BaseModel):
    """One estimator: its name in tables, and the specification that `build_estimator` understands."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: str
    """Short name, unique in the part."""
    kind: str
    """Kind of estimator; its own options stand beside these keys (docs/estimators.md)."""
    label: str = ""
    """Name for people."""
    why: str = ""
    """One remark for people."""
    schemes: list[str] | None = None
    """Schemes to score it under; all if left out."""
    features: str | list[str] | None = None
    """Name of a feature set, or a list of columns."""
    blind: bool = True
    """False if something of the scored rows was known when the model was written down."""
    not_blind_because: str = ""
    """What was known; needed with blind = false."""

    @model_validator(mode="after")
    def _reason_given(self) -> EstimatorEntry:
        if self.blind == bool(self.not_blind_because.strip()):
            raise ValueError(
                "blind = false and not_blind_because belong together: say what was known of the scored rows when the "
                "model was written down"
            )
        return self

    @property
    def title(self) -> str:
        """The label shown to people."""
        return self.label or self.name


class GridEntry(_Section):
    """A family of estimators from which one is chosen by its score on the very folds it is then scored on."""

    name: str
    """Short name, unique in the part."""
    label: str = ""
    """Name for people."""
    why: str = ""
    """One remark for people."""
    select_by: str = "loo"
    """Scheme by whose error one point of the grid is chosen."""
    spec: dict[str, Any]
    """Options that all points share, with kind."""
    over: dict[str, list[Any]]
    """Values of each option that varies."""
    schemes: list[str] | None = None
    """Schemes to score the chosen point under; all if left out."""

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
    """Kind of scheme (docs/validation.md)."""
    name: str = ""
    """Short name, unique in the part; made from the kind if left out."""
    label: str = ""
    """Name for people."""
    group: str | None = None
    """Group that is held out as a whole."""
    features: str | list[str] | None = None
    """Columns that descriptor clusters are made from."""
    n_test: int | None = Field(default=None, ge=1)
    """Rows held out in each random split."""
    n_repeats: Draws | None = None
    """Number of random splits."""
    k: int | None = Field(default=None, ge=2)
    """Number of folds or clusters."""
    n_blocks: int | None = Field(default=None, ge=1)
    """Number of blocks in time."""
    cutoff: Number | None = None
    """Time from which rows are predicted."""
    leakage: Leakage | None = None
    """What happens to rows of one material that it would part; [guard] decides if left out."""

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
    """group keeps rows of one material on one side of a split; report leaves them and says so."""


class ExplainSection(_Section):
    """Which estimator is explained, and under which scheme out of fold.

    `players` are groups of columns that count as one. `directions` are further estimators whose directions are
    looked at, beside the claims of the study.
    """

    estimator: str
    """Estimator that is explained."""
    scheme: str = "loo"
    """Scheme out of fold."""
    players: dict[str, list[str]] | None = None
    """Groups of columns that count as one."""
    directions: list[str] = []
    """Further estimators whose directions are looked at."""


class Claim(_Section):
    """A claim of the literature, of one of three kinds.

    The target goes up or down when `column` goes up (`direction`); the explained model needs `most_important` more than
    any other player; or the model `best` predicts better than each of `than`.
    """

    column: str = ""
    """Descriptor that a claim about a direction is about."""
    direction: Literal["up", "down"] | None = None
    """Where the target goes when the column goes up."""
    most_important: str = ""
    """Player of [explain], or column, that matters most."""
    best: str = ""
    """Estimator that predicts best."""
    than: list[str] = []
    """Estimators that it predicts better than; every other one if left out."""
    text: str
    """The claim in words."""
    source: str
    """Where it was made."""

    @model_validator(mode="after")
    def _one_kind(self) -> Claim:
        if bool(self.column) != bool(self.direction):
            raise ValueError("'column' and 'direction' belong together")
        if sum(map(bool, (self.column, self.most_important, self.best))) != 1:
            raise ValueError("give one of 'column' (with 'direction'), 'most_important' and 'best'")
        if self.than and not self.best:
            raise ValueError("'than' belongs to 'best'")
        return self

    @property
    def about(self) -> str:
        """What the claim is about: its column, player or estimator."""
        return self.column or self.most_important or self.best


class StatedFigure(_Section):
    """A figure stated elsewhere, to stand beside ours; `value` is left out where it could not be read."""

    label: str
    """What was scored."""
    scheme: str
    """Scheme as stated there."""
    metric: Literal["r2", "mse", "mae", "typical_factor", "r2_original", "mse_original", "mae_original"]
    """Which score."""
    value: Number | None = None
    """The stated value; left out where it could not be read."""
    estimator: str | None = None
    """Our estimator that stands beside it."""
    source: str
    """Where it was stated."""
    note: str = ""
    """One remark."""


class LearningCurveSection(_Section):
    """Training sizes and the number of random draws for each."""

    estimators: list[str]
    """Estimators to draw the curve for."""
    sizes: list[Annotated[int, Field(ge=1)]]
    """Numbers of training rows."""
    n_repeats: Draws = 50
    """Random draws for each size."""


class SeedSection(_Section):
    """Repeat an evaluation with other seeds: of the models, and of the split where it is drawn by lot."""

    estimators: list[str] = Field(min_length=1)
    """Estimators to run with several seeds."""
    scheme: str
    """Scheme to run them under."""
    n_seeds: int = Field(default=5, ge=2, le=10_000)
    """Number of seeds; the report gives the middle and the spread."""


class PermutationSection(_Section):
    """Test by permutation whether the values of `columns` are attached to the right groups.

    `per` names a column that the others were multiplied by (1/n): the quantity before that product belongs to
    the group and is what is exchanged.
    """

    estimator: str
    """Estimator that is validated again and again."""
    columns: list[str]
    """Columns that are dealt out at random."""
    scheme: str
    """Scheme of the validation."""
    group: str | None = None
    """Groups that carry one value each and are exchanged as wholes."""
    within: list[str] = []
    """Only rows that agree in these columns exchange values."""
    per: str | None = None
    """Column that the others were multiplied by; the product is undone first."""
    n_permutations: Draws = 100
    """Number of permutations."""


class CoverageSection(_Section):
    """Measure by an outer loop how many held-out rows the intervals of these estimators cover."""

    estimators: list[str] = Field(min_length=1)
    """Estimators whose intervals are checked."""
    scheme: str
    """Scheme of the outer loop."""
    levels: list[float] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    """Nominal levels, between 0 and 1."""
    spread: Literal["own", "none"] = "own"
    """Whether residuals are normalised by the model's own spread."""

    @model_validator(mode="after")
    def _levels_are_shares(self) -> CoverageSection:
        if not self.levels or not all(0 < level < 1 for level in self.levels):
            raise ValueError("levels must be numbers between 0 and 1, for example [0.5, 0.9]")
        return self


class SubsetSection(_Section):
    """Rows without which every score is given too: the same held-out predictions, nothing is fitted again."""

    name: str
    """Name of the rows, for people."""
    rows: list[str | int] = Field(min_length=1)
    """Labels of the rows to leave out."""
    why: str
    """Why these rows are named."""


class ChecksSection(_Section):
    """How much evidence to gather beside the scores."""

    n_bootstrap: Draws = 2000
    """Resamples of the paired bootstrap."""
    bootstrap_group: str | None = None
    """Group that is resampled as a whole."""
    n_shuffles: int = Field(default=10, ge=0, le=MOST_DRAWS)
    """How often the target is shuffled; 0 for never."""
    shuffle_estimator: str | None = None
    """Estimator of the shuffle test; that of the verdict if left out."""
    family_group: str | None = None
    """Group whose name alone must predict worse than the model."""
    duplicates: str | None = None
    """Group whose members are one material; sets the noise floor."""
    noise_scale: Literal["log10", "target"] = "target"
    """Scale on which repeated values scatter."""
    permutation: list[PermutationSection] = []
    """Permutation tests."""
    learning_curve: LearningCurveSection | None = None
    """Score against the number of training rows."""
    seeds: SeedSection | None = None
    """Scores with other seeds."""
    coverage: CoverageSection | None = None
    """How many held-out rows the intervals cover."""
    subsets: list[SubsetSection] = []
    """Rows without which every score is given too."""


class PredictSection(_Section):
    """Which estimator answers `predict`, and how its interval is made.

    `spread` says whether residuals are normalised by the model's own spread, where it states one.
    """

    estimator: str
    """Estimator that answers."""
    scheme: str = "loo"
    """Scheme whose held-out residuals make the interval."""
    spread: Literal["own", "none"] = "own"
    """Whether residuals are normalised by the model's own spread."""
    level: float = Field(default=0.9, gt=0, lt=1)
    """Level of the interval."""
    n_nearest: int = Field(default=5, ge=1)
    """How many nearest known materials are named."""


class HistoryEntry(_Section):
    """One step in the history of a declaration: the commit, and what was declared, scored or replaced in it."""

    commit: str = ""
    """Commit of the declaration, if there is one."""
    what: str
    """What was declared, scored or replaced in it."""


class VariantsSection(_Section):
    """How many model variants were looked at before this study was written down."""

    tried: int = Field(ge=0)
    """Number of model variants scored before the study was written down."""
    note: str = ""
    """What they were."""
    history: list[HistoryEntry] = []
    """Steps of the declaration, in order; report and card print them."""


class VerdictSection(_Section):
    """Statements of the author of the study; the report adds what the figures say."""

    estimator: str
    """Estimator that the verdict is about."""
    scheme: str
    """Scheme of the headline."""
    beside: list[str] = []
    """Other simple statements whose scores stand beside it."""
    supports: list[str] = []
    """What the table can support, one sentence each."""
    does_not_support: list[str] = []
    """What it can't support, one sentence each."""
    remarks: dict[str, str] = {}
    """What is known of single rows, by label: shown where every model misses them."""


def _short(value: Any) -> str:
    text = "x".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
