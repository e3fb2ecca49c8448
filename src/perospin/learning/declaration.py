"""The study file: what a TOML may declare, read into frozen models with one clear sentence for each mistake.

A study has one or several *parts* (for instance ``as-published`` and ``perospin``). Everything written at the
top level of the file holds for every part; a table ``[parts.NAME]`` may repeat any section and changes only the
keys it names (arrays are replaced as a whole).
"""

from __future__ import annotations

import difflib
import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from perospin.errors import StudyError

FORMAT = 1
"""Version of the study-file format; a file of another version is refused with a sentence."""

CLASS_COLUMNS = ("is_n1", "spacer_charge")
"""Columns that the class rule and the two-stage model read."""


Model = TypeVar("Model", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RowFilter(_Section):
    """One condition on the rows: of `column`, keep or drop listed values, or keep a closed range."""

    column: str
    keep: list[str | int | float | bool] | None = None
    drop: list[str | int | float | bool] | None = None
    min: float | int | None = None
    max: float | int | None = None

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
    """Where the rows come from: exactly one of a shipped table, a CSV file or a query of the record store.

    `time`, `weight` and `y_sd` name columns: when a row became known (a year or an ISO date), how much it counts when
    models are fitted, and the standard deviation of its target in the unit of the target. Only rows for which all
    descriptors in `complete` are known are kept; fewer than `min_rows` of them are not modelled.
    """

    table: str | None = None
    csv: str | None = None
    store: StoreQuery | None = None
    corrected: bool = False
    row: str | None = None
    name: str | None = None
    formula: str | None = None
    formula_template: str | None = None
    source: str = ""
    source_column: str | None = None
    where: list[RowFilter] = []
    assume: dict[str, Assumption] = {}
    groups: dict[str, str] = {}
    tag: Tag | None = None
    time: str | None = None
    weight: str | None = None
    y_sd: str | None = None
    complete: list[str] = []
    min_rows: int = Field(default=0, ge=0)
    plausible: dict[str, tuple[float, float]] = {}
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
        if sum(origin is not None for origin in (self.table, self.csv, self.store)) > 1:
            raise ValueError("give only one of 'table', 'csv' and 'store'")
        if self.formula and self.formula_template:
            raise ValueError("give only one of 'formula' and 'formula_template'")
        return self


class TargetSection(_Section):
    """What is predicted. `transform` is applied before any model sees the values and undone for display."""

    column: str
    quantity: str
    unit: str = ""
    symbol: str = "y"
    transform: Literal["log10", "none"] = "none"
    obtained: Literal["measured", "computed"] = "measured"
    low_range: float | int | None = None


class DescriptorSection(_Section):
    """Where descriptors come from: the table's own columns, or `perospin.describe` at one level for all rows.

    `measured` adds measured features from the records (curated and the user's), `structures` those of the crystals in a
    folder, each for rows of certain composition.
    """

    source: Literal["table", "describe"] = "table"
    level: Literal["published", "fast"] | None = None
    prefix_table: str = ""
    measured: bool = False
    structures: str | None = None

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


SchemeKind = Literal[
    "leave_one_out",
    "leave_one_group_out",
    "leave_cluster_out",
    "tagged",
    "forward_in_time",
    "repeated_holdout",
    "k_fold",
    "repeated_k_fold",
    "in_sample",
]

Leakage = Literal["group", "report"]

_SCHEME_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "leave_one_out": ((), ()),
    "leave_one_group_out": (("group",), ()),
    "leave_cluster_out": ((), ("features", "k")),
    "tagged": ((), ()),
    "forward_in_time": ((), ("n_blocks", "cutoff")),
    "repeated_holdout": (("n_test", "n_repeats"), ()),
    "k_fold": (("k",), ("group",)),
    "repeated_k_fold": (("k", "n_repeats"), ("group",)),
    "in_sample": ((), ()),
}
"""Keys that each kind of scheme needs, and keys that it may have, beside kind, name, label and leakage."""


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
    n_repeats: int | None = Field(default=None, ge=1)
    k: int | None = Field(default=None, ge=2)
    n_blocks: int | None = Field(default=None, ge=1)
    cutoff: float | int | None = None
    leakage: Leakage | None = None

    @model_validator(mode="after")
    def _complete(self) -> SchemeEntry:
        needed, possible = _SCHEME_KEYS[self.kind]
        for key in needed:
            if getattr(self, key) is None:
                raise ValueError(f"kind = \"{self.kind}\" needs the key '{key}'")
        for key in ("group", "features", "n_test", "n_repeats", "k", "n_blocks", "cutoff"):
            if getattr(self, key) is not None and key not in (*needed, *possible):
                known = ", ".join((*needed, *possible)) or "none"
                raise ValueError(f"kind = \"{self.kind}\" has no use for the key '{key}'; its own keys are: {known}")
        return self

    @property
    def key(self) -> str:
        """Short name of the scheme, unique in a study."""
        if self.name:
            return self.name
        return {
            "leave_one_out": "loo",
            "leave_one_group_out": f"leave-one-{self.group}-out",
            "leave_cluster_out": "leave-cluster-out",
            "tagged": "tagged",
            "forward_in_time": "forward-in-time",
            "repeated_holdout": f"repeated-{self.n_test}",
            "k_fold": f"{self.k}-fold",
            "repeated_k_fold": f"{self.n_repeats}x{self.k}-fold",
            "in_sample": "in-sample",
        }[self.kind]

    @property
    def scores_all_rows_equally(self) -> bool:
        """Whether every row is scored equally often, so that R2 and resampled rows refer to the whole table."""
        return self.kind in ("leave_one_out", "leave_one_group_out", "leave_cluster_out", "k_fold", "repeated_k_fold")

    @property
    def repeats(self) -> bool:
        """Whether training sets are drawn by lot over and over, so that folds overlap and aren't independent."""
        return self.kind in ("repeated_holdout", "repeated_k_fold")


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
    value: float | int | None = None
    estimator: str | None = None
    source: str
    note: str = ""


class LearningCurveSection(_Section):
    """Training sizes and the number of random draws for each."""

    estimators: list[str]
    sizes: list[int]
    n_repeats: int = Field(default=50, ge=1)


class SeedSection(_Section):
    """Repeat an evaluation with other seeds: of the models, and of the split where it is drawn by lot."""

    estimators: list[str] = Field(min_length=1)
    scheme: str
    n_seeds: int = Field(default=5, ge=2)


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
    n_permutations: int = Field(default=100, ge=1)


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

    n_bootstrap: int = Field(default=2000, ge=1)
    bootstrap_group: str | None = None
    n_shuffles: int = Field(default=10, ge=0)
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


class PartSpec(_Section):
    """One part of a study: everything that is needed to run it."""

    label: str = ""
    description: str = ""
    seed: int = 0
    baseline: str
    data: DataSection
    target: TargetSection
    descriptors: DescriptorSection = DescriptorSection()
    features: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    estimators: list[EstimatorEntry] = Field(min_length=1)
    grids: list[GridEntry] = []
    schemes: list[SchemeEntry] = Field(min_length=1)
    explain: ExplainSection | None = None
    claims: list[Claim] = []
    stated: list[StatedFigure] = []
    checks: ChecksSection = ChecksSection()
    guard: GuardSection = GuardSection()
    predict: PredictSection | None = None
    variants: VariantsSection
    verdict: VerdictSection

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

    def spec_of(self, name: str) -> dict[str, Any]:
        """Return the estimator's specification with named feature sets written out."""
        entry = self.entry(name)
        own = {"name", "label", "why", "schemes"}
        spec = {key: value for key, value in entry.model_dump(exclude_none=True).items() if key not in own}
        return self.write_out(spec)

    def write_out(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the name of a feature set by its columns, also inside other specifications."""
        full = dict(spec)
        if isinstance(full.get("features"), str):
            full["features"] = list(self.features[full["features"]])
        if isinstance(full.get("members"), list):
            full["members"] = [self.write_out(m) if isinstance(m, dict) else m for m in full["members"]]
        if isinstance(full.get("residual"), dict):
            full["residual"] = self.write_out(full["residual"])
        if isinstance(full.get("tune"), dict) and isinstance(full["tune"].get("features"), list):
            choices = [list(self.features[f]) if isinstance(f, str) else f for f in full["tune"]["features"]]
            full["tune"] = {**full["tune"], "features": choices}
        return full

    def columns_of(self, name: str) -> list[str]:
        """Columns that an estimator (or a grid's members) reads, in order of first use."""
        grid = next((g for g in self.grids if g.name == name), None)
        spec = self.write_out(grid.spec) if grid else self.spec_of(name)
        return list(dict.fromkeys(columns_of_spec(spec)))


def columns_of_spec(spec: Mapping[str, Any]) -> Iterator[str]:
    """Columns that a written-out specification reads, its members' and its residual model's included."""
    if spec.get("kind") in ("two_class_rule", "two_stage"):
        yield from CLASS_COLUMNS
    tuned, kernels = spec.get("tune"), spec.get("kernels")
    choices = tuned.get("features", ()) if isinstance(tuned, Mapping) else ()
    named = kernels.values() if isinstance(kernels, Mapping) else ()
    for value in (spec.get("features"), *choices, *named):
        if isinstance(value, list):
            yield from (column for column in value if isinstance(column, str))
    for inner in _inner_specs(spec):
        yield from columns_of_spec(inner)


def _inner_specs(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Specifications inside a specification: the members of an average, the residual model of two stages."""
    members = spec.get("members")
    for inner in (*(members if isinstance(members, list) else ()), spec.get("residual")):
        if isinstance(inner, dict):
            yield inner


class Header(_Section):
    """What a study says about itself at the top of its file."""

    format: Literal[1]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    title: str
    description: str = ""
    default_part: str | None = None


def shipped_studies() -> dict[str, Path]:
    """Names and files of the studies that come with perospin, in alphabetical order."""
    folder = resources.files("perospin.learning") / "studies"
    paths = [Path(str(item)) for item in folder.iterdir() if item.name.endswith(".toml")]
    return {path.stem: path for path in sorted(paths)}


def find_study(name_or_path: str | Path) -> Path:
    """Return the file of a shipped study or of a path.

    Raises
    ------
    StudyError
        If there is neither a shipped study of this name nor a file at this path.
    """
    text = str(name_or_path)
    shipped = shipped_studies()
    if text in shipped:
        return shipped[text]
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.is_dir():
        raise StudyError(f"'{text}' is a folder; give a study file (.toml) or one of: {', '.join(shipped)}")
    if text.endswith(".toml") or "/" in text or "\\" in text:
        raise StudyError(f"there is no study file at '{text}'; shipped studies are: {', '.join(shipped)}")
    close = difflib.get_close_matches(text, shipped, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else f"; there are: {', '.join(shipped)}"
    raise StudyError(f"unknown study '{text}'{hint} (or give the path of a .toml file)")


def read_study_file(path: Path) -> tuple[Header, dict[str, PartSpec], dict[str, Any]]:
    """Read and check a study file.

    Returns
    -------
    header : Header
    parts : dict of PartSpec
        By part name, in the order of the file; a file without ``[parts]`` has one part named like the study.
    raw : dict
        The file as parsed, for the record.

    Raises
    ------
    StudyError
        One sentence that names the file, the place in it, and what is allowed there.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StudyError(f"study file '{path}' is not UTF-8 text (byte {error.start}); is it a TOML file?") from error
    except OSError as error:
        raise StudyError(f"study file '{path}' can't be read: {error.strerror}") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"study file '{path}' is not valid TOML: {error}") from error
    return parse_study(raw, where=str(path))


def parse_study(raw: Mapping[str, Any], where: str) -> tuple[Header, dict[str, PartSpec], dict[str, Any]]:
    """Check a study given as nested dictionaries; `where` names its origin in error messages."""
    content = dict(raw)
    header_keys = set(Header.model_fields)
    part_tables = content.pop("parts", None)
    header_raw = {key: value for key, value in content.items() if key in header_keys and key != "description"}
    if "description" in content:
        header_raw["description"] = content.pop("description")
    shared = {key: value for key, value in content.items() if key not in header_keys}
    header = _validated(Header, header_raw, where, "")
    if part_tables is None:
        part_tables = {header.name: {}}
    if not isinstance(part_tables, dict) or not part_tables:
        raise StudyError(f"{where}: 'parts' must be tables such as [parts.first]")
    parts: dict[str, PartSpec] = {}
    for name, table in part_tables.items():
        if not isinstance(table, dict):
            raise StudyError(f"{where}: 'parts.{name}' must be a table, not {table!r}")
        part = _validated(PartSpec, _merged(shared, table), where, f"part '{name}', " if len(part_tables) > 1 else "")
        _check_names(part, f"{where}: " + (f"part '{name}': " if len(part_tables) > 1 else ""))
        parts[name] = part
    if header.default_part is not None and header.default_part not in parts:
        raise StudyError(f"{where}: default_part '{header.default_part}' is not a part; parts are: {', '.join(parts)}")
    return header, parts, dict(raw)


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _validated(model: type[Model], raw: Mapping[str, Any], where: str, prefix: str) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = error.errors()
        sentence = _sentence(model, raw, problems[0])
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise StudyError(f"{where}: {prefix}{sentence}{more}") from None


def _sentence(model: type[BaseModel], raw: Any, problem: Any) -> str:
    """Turn one pydantic problem into: place, what is wrong, what is allowed."""
    steps = [step for step in problem["loc"] if not (isinstance(step, str) and step.startswith("function-"))]
    place = _place(raw, steps)
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        allowed = _allowed_keys(model, steps[:-1])
        close = difflib.get_close_matches(str(steps[-1]), allowed, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        table = _place(raw, steps[:-1]) or "the top level"
        return f"unknown key '{steps[-1]}' in {table}; {hint}allowed: {', '.join(sorted(allowed))}"
    if kind == "missing":
        return f"key '{steps[-1]}' is missing in {_place(raw, steps[:-1]) or 'the top level'}"
    if kind == "literal_error":
        return f"{place} = {value!r} is not allowed; allowed: {problem['ctx']['expected']}"
    if kind == "value_error":
        return f"{place or 'the file'}: {problem['ctx']['error']}"
    if kind == "too_short":
        return f"{place} is empty; give at least one"
    message = str(problem["msg"])
    return f"{place} = {_short(value)}: {message[0].lower()}{message[1:]}"


def _place(raw: Any, steps: Sequence[int | str]) -> str:
    """Write a location as people read TOML: ``estimators #2 ('gp') -> kind``."""
    words: list[str] = []
    node = raw
    for step in steps:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(step, int):
            name = node.get("name") if isinstance(node, dict) else None
            words[-1:] = [f"{words[-1] if words else ''} #{step + 1}" + (f" ('{name}')" if name else "")]
        elif node is not None or step == steps[-1]:
            words.append(str(step))
    return ".".join(words)


def _allowed_keys(model: type[BaseModel], steps: Sequence[int | str]) -> list[str]:
    current: Any = model
    for step in steps:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(step))
            current = _inner_model(field.annotation) if field else None
        # an index or a free key inside a list or dict keeps the model found for its items
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list, dict, tuple):
        for argument in get_args(annotation):
            found = _inner_model(argument)
            if found is not None:
                return found
    return None


def _short(value: Any) -> str:
    text = "x".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_names(part: PartSpec, where: str) -> None:
    """Check every reference by name inside a part (estimators, schemes, groups, feature sets)."""
    names = part.estimator_names()
    schemes = part.scheme_keys()
    groups = list(part.data.groups)
    for kind, values in (("estimator", names), ("scheme", schemes)):
        for value in values:
            if values.count(value) > 1:
                raise StudyError(f"{where}two {kind}s are called '{value}'; names must differ")

    def known(value: str | None, allowed: Sequence[str], what: str, place: str) -> None:
        if value is not None and value not in allowed:
            close = difflib.get_close_matches(value, allowed, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(allowed) or 'none'}"
            raise StudyError(f"{where}{place} names the {what} '{value}', which is not declared; {hint}")

    known(part.baseline, names, "estimator", "baseline")
    known(part.verdict.estimator, names, "estimator", "verdict.estimator")
    known(part.verdict.scheme, schemes, "scheme", "verdict.scheme")
    if part.explain:
        known(part.explain.estimator, [e.name for e in part.estimators], "estimator", "explain.estimator")
        known(part.explain.scheme, schemes, "scheme", "explain.scheme")
        for name in part.explain.directions:
            known(name, [e.name for e in part.estimators], "estimator", "explain.directions")
        if any(s.key == part.explain.scheme and s.kind == "in_sample" for s in part.schemes):
            raise StudyError(f"{where}explain.scheme must hold rows out; the in-sample explanation is always made")
    if part.predict:
        known(part.predict.estimator, [e.name for e in part.estimators], "estimator", "predict.estimator")
        known(part.predict.scheme, schemes, "scheme", "predict.scheme")
    for scheme in part.schemes:
        known(scheme.group, groups, "group", f"scheme '{scheme.key}'")
        if scheme.kind == "tagged" and part.data.tag is None:
            raise StudyError(f"{where}scheme '{scheme.key}' needs a table [data.tag] with column, train and test")
        if scheme.kind == "forward_in_time" and part.data.time is None:
            raise StudyError(f"{where}scheme '{scheme.key}' needs the key 'time' in [data]: the column with the times")
        if isinstance(scheme.features, str):
            known(scheme.features, list(part.features), "feature set", f"scheme '{scheme.key}'")
    for grid in part.grids:
        known(grid.select_by, schemes, "scheme", f"grid '{grid.name}': select_by")
        for name in _names_of_sets(grid.spec):
            known(name, list(part.features), "feature set", f"grid '{grid.name}'")
        for scheme_name in grid.schemes or ():
            known(scheme_name, schemes, "scheme", f"grid '{grid.name}'")
    for entry in part.estimators:
        for scheme_name in entry.schemes or ():
            known(scheme_name, schemes, "scheme", f"estimator '{entry.name}'")
        dumped = entry.model_dump()
        for spec in _specs(dumped):
            for name in _names_of_sets(spec):
                known(name, list(part.features), "feature set", f"estimator '{entry.name}'")
        careless = _needs_features(dumped)
        if careless:
            raise StudyError(
                f"{where}estimator '{entry.name}' ({careless}) names no features; add features = \"a feature set\" or "
                "a list of columns, so that no column slips in"
            )
    checks = part.checks
    known(checks.bootstrap_group, groups, "group", "checks.bootstrap_group")
    known(checks.family_group, groups, "group", "checks.family_group")
    known(checks.duplicates, groups, "group", "checks.duplicates")
    known(checks.shuffle_estimator, [e.name for e in part.estimators], "estimator", "checks.shuffle_estimator")
    for test in checks.permutation:
        known(test.estimator, [e.name for e in part.estimators], "estimator", "checks.permutation")
        known(test.scheme, schemes, "scheme", "checks.permutation")
        known(test.group, groups, "group", "checks.permutation")
    if checks.learning_curve:
        for name in checks.learning_curve.estimators:
            known(name, [e.name for e in part.estimators], "estimator", "checks.learning_curve")
    if checks.coverage:
        known(checks.coverage.scheme, schemes, "scheme", "checks.coverage")
        for name in checks.coverage.estimators:
            known(name, [e.name for e in part.estimators], "estimator", "checks.coverage")
    if checks.seeds:
        known(checks.seeds.scheme, schemes, "scheme", "checks.seeds")
        for name in checks.seeds.estimators:
            known(name, [e.name for e in part.estimators], "estimator", "checks.seeds")


def _names_of_sets(spec: Mapping[str, Any]) -> list[str]:
    tuned = spec.get("tune")
    choices = tuned.get("features", ()) if isinstance(tuned, Mapping) else ()
    return [name for name in (spec.get("features"), *choices) if isinstance(name, str)]


def _needs_features(spec: Mapping[str, Any], inherited: bool = False) -> str | None:
    """Return the kind of a specification that would silently read every column of the table."""
    has = inherited or bool(_names_of_sets(spec)) or isinstance(spec.get("features"), list)
    has = has or bool(isinstance(spec.get("tune"), Mapping) and spec["tune"].get("features"))
    has = has or bool(isinstance(spec.get("kernels"), Mapping) and spec["kernels"])
    kind = spec.get("kind")
    if kind in ("mean", "two_class_rule") or (kind == "two_stage" and spec.get("residual") == "none"):
        return None
    if kind in ("average", "best_of", "stack", "two_stage") and list(_inner_specs(spec)):
        found = (_needs_features(inner, kind == "two_stage" and has) for inner in _inner_specs(spec))
        return next((kind for kind in found if kind), None)
    return None if has else str(kind)


def _specs(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield spec
    for inner in _inner_specs(spec):
        yield from _specs(inner)
