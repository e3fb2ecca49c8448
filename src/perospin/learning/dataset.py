"""From a study's data section to the numbers that models see: rows, descriptors, target, groups.

A table is read from what perospin ships, from the store of records or from a CSV file; every mistake in a CSV
file is answered by one sentence that names the row and the column.
"""

from __future__ import annotations

import csv
import datetime
import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, PerospinError, StudyError, TooFewRowsError
from perospin.learning.guard import Units, find_units

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.learning.declaration import DataSection, PartSpec, RowFilter

DERIVED_COLUMNS = ("is_n1", "spacer_charge", "inverse_n")
"""Columns that follow from the formula alone and are added to tables that lack them."""


@dataclass(frozen=True)
class Dataset:
    """The rows of one part of a study, ready for models.

    Attributes
    ----------
    rows : pandas.DataFrame, (n_rows, ...)
        ``row`` (label), ``name``, ``formula`` (canonical; empty if not known), ``described_as`` (the formula
        whose descriptors stand in), ``certain`` (composition known), ``source``, ``tag``, one ``group:NAME``
        column for each group, ``target`` (original unit), ``unit`` (rows with one number are the same material, or
        have equal descriptors), ``time``, ``weight`` and ``y_sd`` where the study declares them.
    features : pandas.DataFrame, (n_rows, n_columns)
        All descriptor columns (float; NaN where unknown).
    y : numpy.ndarray, (n_rows,)
        Target in the space models work in (after the transform).
    target : numpy.ndarray, (n_rows,)
        Target in its original unit.
    source : str
        Where the table comes from.
    sha256 : str
        Fingerprint of everything above.
    units : Units
        Rows that a model could answer by memory from one another.
    weight : numpy.ndarray, (n_rows,), or None
        How much each row counts when models are fitted.
    y_sd : numpy.ndarray, (n_rows,), or None
        Standard deviation of each target, in the space of `y`.
    table_sha256 : str
        Fingerprint of the target column as read, before any row is filtered out: the same for every study of a table,
        whatever its descriptors and filters.
    notes : tuple of str
        What was assumed while reading, in sentences.
    """

    rows: pd.DataFrame
    features: pd.DataFrame
    y: NDArray[np.float64]
    target: NDArray[np.float64]
    source: str
    sha256: str
    units: Units
    weight: NDArray[np.float64] | None = None
    y_sd: NDArray[np.float64] | None = None
    table_sha256: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def fit_options(self) -> dict[str, Any]:
        """What fitting takes beside X and y: ``sample_weight`` and ``y_sd``, each only where the study has it."""
        given = {"sample_weight": self.weight, "y_sd": self.y_sd}
        return {name: values for name, values in given.items() if values is not None}

    def times(self) -> NDArray[np.float64]:
        """When each row became known, in years, shape (n_rows,)."""
        return self.rows["time"].to_numpy(dtype=float)

    def groups(self, name: str) -> NDArray[Any]:
        """Group label of each row, shape (n_rows,)."""
        return self.rows[f"group:{name}"].to_numpy(dtype=str)


def forward(values: NDArray[np.float64], transform: str) -> NDArray[np.float64]:
    """Apply the target transform ("log10" or "none")."""
    return np.log10(values) if transform == "log10" else np.asarray(values, dtype=float)


def inverse(values: NDArray[np.float64], transform: str) -> NDArray[np.float64]:
    """Undo the target transform."""
    return 10.0 ** np.asarray(values, dtype=float) if transform == "log10" else np.asarray(values, dtype=float)


def build_dataset(
    part: PartSpec,
    data: str | Path | None = None,
    base: Path | None = None,
    on_compute: Callable[[str], None] | None = None,
    ions: Any = None,
) -> Dataset:
    """Read, filter, group and describe the rows of one part.

    Parameters
    ----------
    part : PartSpec
        The declaration.
    data : path, optional
        A CSV file used in place of the declared data.
    base : path, optional
        Folder that a relative ``csv`` of the declaration is relative to.
    on_compute : callable, optional
        Called with the symbol of each cation that no shipped table holds, before it is computed.
    ions : IonLibrary, optional
        Library with the user's own ions.

    Raises
    ------
    DataError
        If the table can't be read or lacks what the study needs.
    StudyError
        If the study names columns that nothing provides.
    TooFewRowsError
        If fewer rows than ``min_rows`` have all descriptors in ``complete``.
    """
    import pandas as pd

    section = part.data
    notes: list[str] = []
    frame, source, from_file = _read(section, data, base)
    where = f"table '{from_file}'" if from_file else "the table of this study"
    table = part.descriptors.source == "table"
    wanted = needed_columns(part)
    required = [part.target.column, *(f.column for f in section.where)]
    required += [section.tag.column] if section.tag else []
    required += [text for text in (section.name, section.formula, section.source_column) if text]
    required += [text for text in (section.time, section.weight, section.y_sd) if text]
    required += [d.removeprefix("column:") for d in section.groups.values() if d.startswith("column:")]
    if table:
        required += [column for column in wanted if column not in DERIVED_COLUMNS]
    _require_columns(frame, required, where)
    table_sha256 = _table_digest(frame[part.target.column])
    frame = _filtered(frame, section.where, where).reset_index(drop=True)
    if frame.empty:
        raise DataError(f"{where} has no rows left after the filters of the study")
    labels = (
        frame[section.row].astype(str)
        if section.row and section.row in frame.columns
        else pd.Series([str(i + 1) for i in range(len(frame))])
    )
    target = _numeric(frame, part.target.column, labels, where, allow_missing=False)
    if part.target.transform == "log10" and (target <= 0).any():
        bad = int(np.flatnonzero(target <= 0)[0])
        raise DataError(
            f"{where}, row {labels[bad]}: {part.target.column} = {target[bad]:g} has no logarithm; "
            "values must be greater than 0"
        )
    formulas, described, certain, materials = _formulas(frame, labels, section, where, ions)
    features = _features(frame, part, labels, materials, where, on_compute, ions)
    sure = [material if known else None for material, known in zip(materials, certain, strict=True)]
    for extra in _of_crystals(part, sure, base, ions, notes):
        features = pd.concat([features.drop(columns=[c for c in extra if c in features]), extra], axis=1)
    for column, (low, high) in section.plausible.items():
        values = target if column == part.target.column else features.get(column)
        _plausible(column, values, low, high, where)
    missing = [column for column in wanted if column not in features.columns]
    if missing:
        close = difflib.get_close_matches(missing[0], list(features.columns), n=3)
        hint = f"; similar columns: {', '.join(close)}" if close else ""
        raise StudyError(f"the study uses the descriptor '{missing[0]}', which nothing provides{hint}")
    if section.complete or section.min_rows:
        keep = _complete(features, section, described)
        frame, features = (rows_of[keep].reset_index(drop=True) for rows_of in (frame, features))
        labels, target = labels[keep].reset_index(drop=True), target[keep]
        formulas, described, certain, materials = (
            [item for item, kept in zip(items, keep, strict=True) if kept]
            for items in (formulas, described, certain, materials)
        )
    rows = pd.DataFrame(
        {
            "row": labels.to_numpy(dtype=str),
            "name": frame[section.name].astype(str).str.strip() if section.name else formulas,
            "formula": formulas,
            "described_as": described,
            "certain": certain,
            "source": frame[section.source_column].astype(str) if section.source_column else source,
            "tag": frame[section.tag.column].astype(str) if section.tag else "",
            "target": target,
        }
    )
    for name, definition in section.groups.items():
        rows[f"group:{name}"] = _group(definition, frame, labels, described, materials, section)
    if section.time:
        cells = zip(labels, frame[section.time], strict=True)
        rows["time"] = [_time(cell, label, section.time, where) for label, cell in cells]
    y = forward(target, part.target.transform)
    weight = _weights(frame, section.weight, labels, where) if section.weight else None
    y_sd = _uncertainty(frame, part, labels, target, where, notes) if section.y_sd else None
    for name, values in (("weight", weight), ("y_sd", y_sd)):
        if values is not None:
            rows[name] = values
    digest = _digest(rows, features, y)
    units = find_units(described, features[[c for c in model_columns(part) if c in features]].to_numpy(dtype=float))
    rows["unit"] = units.labels
    return Dataset(rows, features, y, target, source, digest, units, weight, y_sd, table_sha256, tuple(notes))


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
    return list(dict.fromkeys([*columns, *part.data.complete]))


def spacer_group(material: Any) -> str:
    """Name the spacer of a layered material; a 3D one is named after its main A-site cation (``3D-MA``)."""
    if material.spacers:
        return "+".join(sorted(ion.symbol for ion, _ in material.spacers))
    if material.a_site:
        return "3D-" + max(material.a_site, key=lambda pair: pair[1])[0].symbol
    return "no cation"


def spacer_family(material: Any) -> str:
    """Name the kind of spacer: its charge and its skeleton, for example ``monovalent aromatic``; 3D ones have none."""
    from perospin.descriptors.composition import group_flags

    kinds = set()
    for ion, _ in material.spacers:
        charge = {1: "monovalent", 2: "divalent"}.get(ion.charge, f"charge {ion.charge}")
        if ion.smiles is None:
            kinds.add(f"{charge} inorganic")
            continue
        flags = group_flags(ion.smiles)
        kinds.add(f"{charge} {'aromatic' if flags['aromatic'] else 'ring' if flags['ring'] else 'chain'}")
    return "+".join(sorted(kinds)) or "no spacer"


def layer_group(material: Any) -> str:
    """Name the number of layers, ``n = 2``; ``3D`` for bulk."""
    return "3D" if material.n_layers is None else f"n = {material.n_layers}"


def _sites(part: Iterable[tuple[Any, Fraction]]) -> str:
    return "+".join(sorted(ion.symbol for ion, _ in part))


# --- reading -----------------------------------------------------------------------------------------------


def _read(section: DataSection, data: str | Path | None, base: Path | None) -> tuple[pd.DataFrame, str, str]:
    """Return the raw frame, its source in words, and the file name if it is the user's own."""
    if data is not None:
        return read_csv(Path(data)), f"file {Path(data).name}", str(data)
    if section.csv is not None:
        path = Path(section.csv)
        path = path if path.is_absolute() or base is None else base / path
        return read_csv(path), section.source or f"file {path.name}", str(path)
    if section.table is not None:
        from perospin.database import load_table

        frame = load_table(section.table, corrected=True) if section.corrected else load_table(section.table)
        return frame, section.source or str(frame.attrs.get("source", "")), ""
    if section.store is not None:
        from perospin.database import load_records

        frame = load_records(**section.store.model_dump(exclude_none=True))
        return frame.reset_index(), section.source or "perospin's records", ""
    raise StudyError("this study has no data of its own: give a table with --data table.csv")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a comma-separated table as text.

    Raises
    ------
    DataError
        If the file is missing, not text, empty, or its lines differ in length.
    """
    import pandas as pd

    if not path.is_file():
        what = f"'{path}' is a folder" if path.is_dir() else f"there is no file '{path}'"
        raise DataError(f"{what}; give the path of a CSV table")
    head = path.read_bytes()[:4]
    if head.startswith((b"PK", b"\xd0\xcf\x11\xe0")):  # xlsx, xls
        raise DataError(f"'{path}' is a spreadsheet, not CSV text; save it as CSV (comma separated, UTF-8) first")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from error
    reader = csv.reader(text.splitlines(keepends=True), skipinitialspace=True, strict=True)
    try:
        header = next((cells for cells in reader if any(cells)), None)
        if header is None:
            raise DataError(f"'{path}' is empty; the first line must hold the column names")
        names = [name.strip() for name in header]
        rows = []
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(names):
                raise DataError(
                    f"'{path}' is not a well-formed CSV table: line {reader.line_num} has {len(cells)} cells where the "
                    f"header has {len(names)}"
                )
            rows.append(cells)
    except csv.Error as error:
        raise DataError(f"'{path}' is not a well-formed CSV table: line {reader.line_num}: {error}") from error
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise DataError(f"'{path}' is separated by semicolons or tabs; save it with commas")
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise DataError(f"'{path}' has two columns called '{double}'; names must differ")
    if not rows:
        raise DataError(f"'{path}' has a header but no rows")
    return pd.DataFrame(rows, columns=pd.Index(names), dtype=str)


def _require_columns(frame: pd.DataFrame, required: Iterable[str], where: str) -> None:
    missing = [column for column in dict.fromkeys(required) if column not in frame.columns]
    if not missing:
        return
    column, more = missing[0], missing[1:]
    others = f" ({', '.join(more)} missing too)" if more else ""
    relatives = [c for c in frame.columns if _stem(c) == _stem(column)]
    if relatives:
        raise DataError(
            f"{where}: column '{column}' is missing, but there is '{relatives[0]}': is it in another unit? "
            f"convert it to {_unit(column)} and call it '{column}'{others}"
        )
    close = difflib.get_close_matches(column, [str(c) for c in frame.columns], n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"columns found: {', '.join(map(str, frame.columns))}"
    raise DataError(f"{where}: column '{column}' is missing{others}; {hint}")


def _stem(column: str) -> str:
    return column.split("_per_")[0] if "_per_" in column else column.rsplit("_", 1)[0]


def _unit(column: str) -> str:
    return "1/" + column.split("_per_")[1] if "_per_" in column else column.rsplit("_", 1)[-1]


def _filtered(frame: pd.DataFrame, filters: Iterable[RowFilter], where: str) -> pd.DataFrame:
    for condition in filters:
        column = frame[condition.column]
        texts = column.astype(str)
        if condition.keep is not None:
            frame = frame[texts.isin([str(v) for v in condition.keep])]
        if condition.drop is not None:
            frame = frame[~texts.loc[frame.index].isin([str(v) for v in condition.drop])]
        for bound, compare in ((condition.min, np.greater_equal), (condition.max, np.less_equal)):
            if bound is not None:
                labels = frame.index.to_series().add(1).astype(str)
                values = _numeric(frame, condition.column, labels, where, allow_missing=True)
                frame = frame[compare(values, bound)]
    return frame


def _numeric(
    frame: pd.DataFrame, column: str, labels: pd.Series, where: str, *, allow_missing: bool
) -> NDArray[np.float64]:
    values = np.empty(len(frame))
    for i, cell in enumerate(frame[column]):
        text = str(cell).strip()
        if text == "" or text.lower() in {"nan", "na", "<na>"}:
            if not allow_missing:
                raise DataError(
                    f"{where}, row {labels.iloc[i]}, column '{column}': the cell is empty; every row needs a value"
                )
            values[i] = np.nan
            continue
        try:
            values[i] = float(text)
        except ValueError:
            hint = " (use a decimal point)" if re.fullmatch(r"-?\d+,\d+", text) else ""
            raise DataError(
                f"{where}, row {labels.iloc[i]}, column '{column}': '{text}' is not a number{hint}"
            ) from None
        if not np.isfinite(values[i]):
            raise DataError(f"{where}, row {labels.iloc[i]}, column '{column}': '{text}' is not a finite number")
    return values


def _plausible(column: str, values: Any, low: float, high: float, where: str) -> None:
    if values is None:
        return
    middle = float(np.nanmedian(np.asarray(values, dtype=float)))
    if not low <= middle <= high:
        raise DataError(
            f"{where}: the median of column '{column}' is {middle:.4g}, outside the plausible {low:g} to {high:g} "
            f"for {_unit(column)}: is it in another unit?"
        )


# --- chemistry and descriptors -----------------------------------------------------------------------------


def _formulas(
    frame: pd.DataFrame, labels: pd.Series, section: DataSection, where: str, ions: Any
) -> tuple[list[str], list[str], list[bool], list[Any]]:
    """Return canonical formulas, the formulas that stand for uncertain rows, certainty, parsed materials."""
    from perospin.chemistry import Perovskite

    n_rows = len(frame)
    if section.formula is None and section.formula_template is None:
        return [""] * n_rows, [""] * n_rows, [True] * n_rows, [None] * n_rows
    if section.formula_template is not None:
        texts = _templated(section.formula_template, frame, where)
    else:
        texts = [str(value).strip() for value in frame[section.formula]]
    formulas: list[str] = []
    described: list[str] = []
    certain: list[bool] = []
    materials: list[Any] = []
    cache: dict[str, Any] = {"": None}
    for label, text in zip(labels, texts, strict=True):
        assumed = section.assume.get(label)
        stand_in = assumed.formula if assumed and not text else text
        try:
            for formula in (text, stand_in):
                if formula not in cache:
                    cache[formula] = Perovskite.parse(formula, ions)
        except PerospinError as error:
            raise DataError(f"{where}, row {label}: {error}") from error
        formulas.append(str(cache[text]) if text else "")
        described.append(str(cache[stand_in]) if stand_in else "")
        certain.append(bool(text))
        materials.append(cache[stand_in])
    return formulas, described, certain, materials


def _templated(template: str, frame: pd.DataFrame, where: str) -> list[str]:
    """Fill ``"({cation}){metal}{halide}3"`` from columns."""
    _require_columns(frame, re.findall(r"\{([^{}]+)\}", template), where)
    records = frame.astype(str).to_dict("records")
    return [template.format_map({str(key): value.strip() for key, value in record.items()}) for record in records]


def _features(
    frame: pd.DataFrame,
    part: PartSpec,
    labels: pd.Series,
    materials: list[Any],
    where: str,
    on_compute: Callable[[str], None] | None,
    ions: Any,
) -> pd.DataFrame:
    import pandas as pd

    section = part.data
    texts = {section.row, section.name, section.formula, section.source_column, part.target.column}
    prefix = part.descriptors.prefix_table
    wanted = set(needed_columns(part)) | set(section.plausible)
    columns: dict[str, Any] = {}
    for column in map(str, frame.columns):
        name = prefix + column
        if column in texts:
            continue
        if name in wanted or column in wanted:
            columns[name] = _numeric(frame, column, labels, where, allow_missing=True)
        elif pd.api.types.is_numeric_dtype(frame[column]):
            columns[name] = frame[column].to_numpy(dtype=float)
    features = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))
    if part.descriptors.source == "describe":
        ours = describe_materials(materials, str(part.descriptors.level), ions, on_compute)
        features = pd.concat([features.drop(columns=[c for c in ours if c in features]), ours], axis=1)
    for name, values in _derived(materials, features).items():
        if name in wanted and name not in features:
            features[name] = values
    return features


def _of_crystals(
    part: PartSpec, materials: list[Any], base: Path | None, ions: Any, notes: list[str]
) -> Iterator[pd.DataFrame]:
    """Yield measured features, and those of the crystals in a folder, of materials of certain composition."""
    import pandas as pd

    names = [None if material is None else str(material) for material in materials]
    if part.descriptors.measured:
        from perospin.descriptors.measured import measured_rows

        columns, _, remarks = measured_rows(names, [False] * len(names))
        notes += remarks
        yield pd.DataFrame(columns)
    if part.descriptors.structures is not None:
        from perospin.descriptors import STRUCTURE_DESCRIPTIONS, describe
        from perospin.descriptors.describe import is_file

        folder = Path(part.descriptors.structures)
        folder = folder if folder.is_absolute() or base is None else base / folder
        files = [path for path in sorted(folder.rglob("*")) if is_file(str(path)) and path.is_file()]
        if not files:
            raise StudyError(f"the folder of crystal structures '{folder}' holds no structure file")
        table = describe(
            files, compute=False, ions=ions, on_error=lambda name, error: notes.append(f"{name} is left out: {error}")
        )
        notes += table.attrs["warnings"]
        twice = table.index[table.index.duplicated()]
        notes += [
            f"{name} has several crystal structures; the first by file name counts" for name in dict.fromkeys(twice)
        ]
        first = table.loc[~table.index.duplicated(), list(STRUCTURE_DESCRIPTIONS)]
        yield first.reindex(names).astype(float).reset_index(drop=True)


def _complete(features: pd.DataFrame, section: DataSection, described: list[str]) -> NDArray[np.bool_]:
    """Rows for which all descriptors in `complete` are known.

    Raises
    ------
    TooFewRowsError
        If there are fewer than ``min_rows``.
    """
    keep = features[section.complete].notna().all(axis=1).to_numpy()
    if keep.sum() < max(section.min_rows, 1):
        from perospin.descriptors import MEASURED_DESCRIPTIONS, STRUCTURE_DESCRIPTIONS

        materials = len({formula for formula, kept in zip(described, keep, strict=True) if kept})
        meaning = {**MEASURED_DESCRIPTIONS, **STRUCTURE_DESCRIPTIONS}
        names = [meaning.get(name, name.replace("_", " ")).split(" (")[0].split(", ")[0] for name in section.complete]
        raise TooFewRowsError(
            f"{' and '.join(names) or 'the target'}: known for {int(keep.sum())} of {len(keep)} rows "
            f"({materials} materials); at least {max(section.min_rows, 1)} rows are needed, so no model is scored"
        )
    return np.asarray(keep)


def describe_materials(
    materials: list[Any], level: str, ions: Any = None, on_compute: Callable[[str], None] | None = None
) -> pd.DataFrame:
    """Describe each material at `level`; a row of NaN where the material is not known, shape (n, n_columns)."""
    import pandas as pd

    from perospin.descriptors import describe

    unique = {str(material): material for material in materials if material is not None}
    table = describe(list(unique.values()), level=level, ions=ions, on_compute=on_compute)
    table.index = pd.Index(list(unique))
    keys = [None if material is None else str(material) for material in materials]
    return table.reindex(keys).astype(float).reset_index(drop=True)


def _derived(materials: list[Any], features: pd.DataFrame) -> Mapping[str, NDArray[np.float64]]:
    """Layer class, spacer charge and 1/n from the formula; from `n_layers` where there is no formula."""
    n = len(materials)
    layers = np.full(n, np.nan)
    charge = np.full(n, np.nan)
    for i, material in enumerate(materials):
        if material is None:
            continue
        layers[i] = np.inf if material.n_layers is None else material.n_layers
        charge[i] = max((ion.charge for ion, _ in material.spacers), default=0)
    if "n_layers" in features:
        # Published tables write a large number (100) for 3D; anything thicker than 50 layers is 3D here.
        published = features["n_layers"].to_numpy(dtype=float)
        published = np.where(published > 50, np.inf, published)
        layers = np.where(np.isnan(layers), published, layers)
    with np.errstate(divide="ignore"):
        return {
            "is_n1": np.where(np.isnan(layers), np.nan, (layers == 1).astype(float)),
            "spacer_charge": charge,
            "inverse_n": 1.0 / layers,
        }


def _group(
    definition: str,
    frame: pd.DataFrame,
    labels: pd.Series,
    described: list[str],
    materials: list[Any],
    section: DataSection,
) -> list[str]:
    """Group labels: ``column:NAME``, source, row, or what the formula says (formula, spacer, halide, layers...)."""
    if definition.startswith("column:"):
        return [str(value) for value in frame[definition.removeprefix("column:")]]
    readers: dict[str, Callable[[Any], str]] = {
        "formula": str,
        "spacer": spacer_group,
        "spacer_family": spacer_family,
        "a_site": lambda m: _sites(m.a_site) or "none",
        "metal": lambda m: _sites(m.b_site),
        "halide": lambda m: _sites(m.x_site),
        "layers": layer_group,
        "family": lambda m: str(m.family),
    }
    if definition == "source":
        if section.source_column is None:
            raise StudyError("groups by source need the key source_column in [data], the column with each row's source")
        return [str(value) for value in frame[section.source_column]]
    if definition != "row" and definition not in readers:
        raise StudyError(
            f"group definition '{definition}' is unknown; allowed: column:NAME, row, source, {', '.join(readers)}"
        )
    if definition == "row":
        return [f"row {label}" for label in labels]
    reader = readers[definition]
    # A row without a formula can't be shown to belong anywhere, so it stands alone.
    return [
        f"row {label}" if material is None else reader(material)
        for label, material in zip(labels, materials, strict=True)
    ]


# --- what is known of a row beside its target --------------------------------------------------------------


def _time(cell: Any, label: str, column: str, where: str) -> float:
    """Read a year (2021, 2021.5) or an ISO date (2021-06-30) as a number of years."""
    text = str(cell).strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].*)?", text):
        try:
            day = datetime.date.fromisoformat(text[:10])
        except ValueError:
            pass
        else:
            start, end = datetime.date(day.year, 1, 1), datetime.date(day.year + 1, 1, 1)
            return day.year + (day - start).days / (end - start).days
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"{where}, row {label}, column '{column}': '{text}' is neither a year nor a date (2021-06-30)")
    return value


def _weights(frame: pd.DataFrame, column: str, labels: pd.Series, where: str) -> NDArray[np.float64]:
    values = _numeric(frame, column, labels, where, allow_missing=False)
    if (values <= 0).any():
        bad = int(np.flatnonzero(values <= 0)[0])
        raise DataError(
            f"{where}, row {labels.iloc[bad]}, column '{column}': a weight of {values[bad]:g}; weights must be greater "
            "than 0 (drop a row by a filter instead)"
        )
    return values


def _uncertainty(
    frame: pd.DataFrame, part: PartSpec, labels: pd.Series, target: NDArray[np.float64], where: str, notes: list[str]
) -> NDArray[np.float64]:
    """Read standard deviations into the space of the models; to first order, sd(log10 y) = sd(y) / (y ln 10)."""
    column = str(part.data.y_sd)
    values = _numeric(frame, column, labels, where, allow_missing=True)
    if (values < 0).any():
        bad = int(np.flatnonzero(values < 0)[0])
        raise DataError(
            f"{where}, row {labels.iloc[bad]}, column '{column}': an uncertainty of {values[bad]:g} is below 0"
        )
    if part.target.transform == "log10":
        values = values / (target * np.log(10.0))
    missing = np.isnan(values)
    if missing.all():
        raise DataError(f"{where}: column '{column}' is empty, so there is no uncertainty to use; leave out y_sd")
    if missing.any():
        values = np.where(missing, np.median(values[~missing]), values)
        notes.append(
            f"{int(missing.sum())} of {len(values)} rows have no value in '{column}'; they get the median uncertainty "
            "of the others"
        )
    return values


def _table_digest(column: pd.Series) -> str:
    """Fingerprint of the target column, whatever the order of its rows."""
    digest = hashlib.sha256()
    for text in sorted(_canonical(cell) for cell in column):
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()


def _canonical(cell: Any) -> str:
    text = str(cell).strip()
    try:
        return repr(float(text))
    except ValueError:
        return text


def _digest(rows: pd.DataFrame, features: pd.DataFrame, y: NDArray[np.float64]) -> str:
    digest = hashlib.sha256()
    digest.update(rows.to_csv(index=False).encode())
    for column in sorted(map(str, features.columns)):
        digest.update(column.encode())
        digest.update(np.ascontiguousarray(features[column].to_numpy(dtype=float)).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return digest.hexdigest()
