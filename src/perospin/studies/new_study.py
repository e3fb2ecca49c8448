"""A study file for a user's own table: a formula and a property is what everybody has.

Everything that is chosen here is chosen from the formulas, the number of rows and the spread of descriptors, never from
how well a model does; what is chosen stands in the file, to be read and changed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError
from perospin.sheets.table import error_of, key_of, label_of
from perospin.similar import similar_names
from perospin.studies.data.groups import spacer_group
from perospin.studies.data.materials import _formulas, describe_materials
from perospin.studies.data.table import Faults, _numeric, read_own_table
from perospin.studies.declaration.sections import DataSection
from perospin.units import convert

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import Perovskite

__all__ = ["new_study"]

LEAST_ROWS = 8
NOT_READ = "# Columns that no model reads: "
_PLAYERS = {
    "layer number": ("inverse_n", "n_sheets", "slab_thickness_a", "packed_spacing_a", "cage_atoms"),
    "size of the spacer": (
        "organic_thickness_a", "spacer_bulk_a3", "spacer_length_a", "spacer_span_a", "spacer_gap_length_a",
        "spacer_section_a2", "spacer_chain_bonds",
    ),
    "charge of the spacer": ("spacers_per_gap", "spacer_charge"),
    "hydrogen bonds": ("spacer_ammonium_hydrogens", "spacer_polar_atoms", "spacer_hydroxyls"),
    "rings, branches, flexibility": ("spacer_rings", "spacer_aromatic_rings", "spacer_rotors", "spacer_branching"),
    "halogens of the spacer": ("spacer_fluorines", "spacer_heavy_halogens"),
    "halide and metal": ("halide_radius_a", "metal_radius_a", "metal_electronegativity", "sheet_area_a2"),
}  # fmt: skip
"""Columns that are explained together: single ones nearly say the same, and exact Shapley values cost 2^columns."""
_COMPOSITION = ("inverse_n", "metal_radius_a", "halide_radius_a")
_MOST_SPACERS = 40
_LARGE = 150
_DECADES = 1.0
_SAME = 0.995
_MOST_WORDS = 12


@dataclass(frozen=True)
class _Own:
    """A column of the user's that models read: numbers, or words."""

    column: str
    words: tuple[str, ...] = ()
    spread: float = 1.0

    @property
    def features(self) -> dict[str, float]:
        """Column of numbers with its spread, or one column a word, 1 where it stands and else 0."""
        words = self.words if len(self.words) > 2 else self.words[1:]  # of two words one says it all
        return {f"{self.column}={word}": 0.5 for word in words} or {self.column: self.spread}


@dataclass(frozen=True)
class _Chosen:
    """What a table allows."""

    rows: int
    columns: Mapping[str, float]
    composition: tuple[str, ...]
    spacers: int
    repeated: bool
    logarithmic: bool
    own: tuple[_Own, ...] = ()

    @property
    def schemes(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Kind, name and keys of each scheme; the first is that of the verdict."""
        found: list[tuple[str, str, dict[str, Any]]] = []
        if self.spacers > _MOST_SPACERS:
            label = "spacers in 20 parts"
            found.append(("k_fold", "spacers-20", {"k": 20, "group": "spacer", "label": label}))
        elif self.spacers >= 5:
            found.append(("leave_one_group_out", "loso", {"group": "spacer", "label": "leave one spacer out"}))
        # rows of one material must not stand on both sides
        by = {"group": "compound"} if self.repeated else {}
        if self.rows <= _LARGE and self.repeated:
            found.append(("leave_one_group_out", "lomo", {**by, "label": "leave one material out"}))
        elif self.rows <= _LARGE:
            found.append(("leave_one_out", "loo", {"label": "leave one out"}))
        else:
            parts = "materials in ten parts" if self.repeated else "ten parts"
            found.append(("k_fold", "10-fold", {"k": 10, **by, "label": parts}))
        return [*found, ("in_sample", "in-sample", {"label": "in sample"})]


def new_study(
    table: str | Path,
    formula: str,
    target: str,
    folder: str | Path = ".",
    name: str | None = None,
    ions: Any = None,
    use: Sequence[str] = (),
) -> str:
    """Write the text of a study file for a table with a formula and a property.

    Parameters
    ----------
    table : path
        The user's table, of any kind that `perospin.sheets.table.open_table` reads.
    formula, target : str
        Columns of the chemical formula and of the property, as headed or as perospin names them (``pl_ev``).
    folder : path
        Where the study file will lie: the path of the table is written relative to it.
    name : str, optional
        Of the study; the name of the table if left out.
    ions : IonLibrary, optional
        Library with the user's own ions.
    use : sequence of str
        Further columns that the models read, as headed: numbers (a thickness), or words (a solvent).

    Returns
    -------
    str
        TOML. Descriptors are what formula, SMILES and ionic radii say (no quantum chemistry); the baseline is the
        composition alone, where layer number, metal or halide differ; the schemes hold out spacers where there are
        five or more.

    Raises
    ------
    DataError
        If the table lacks the columns, a formula or a value can't be read (all of them are named), or there are fewer
        than 8 rows.
    """
    path = Path(table)
    frame = read_own_table(path)
    where = f"table '{path}'"
    faults = Faults(where)
    formula_column = faults.of(_column, frame, formula, "--formula", where)
    target_column = faults.of(_column, frame, target, "--target", where)
    row = frame.index.to_series().add(1).astype(str)
    values = (
        None if target_column is None else faults.of(_numeric, frame, target_column, row, where, allow_missing=False)
    )
    own = [faults.of(_own, frame, column, row, where) for column in dict.fromkeys(use)]
    taken = {formula_column: "--formula", target_column: "--target"}
    for one in own:
        if one is not None and one.column in taken:
            raise DataError(f"{where}: --use '{one.column}' is the column of {taken[one.column]}; name another one")
    read = None
    if formula_column is not None:
        read = faults.of(_formulas, frame, row, DataSection(formula=formula_column), where, ions)
    faults.refuse()
    assert values is not None
    assert read is not None
    assert formula_column is not None
    assert target_column is not None
    materials = read[3]
    if len(frame) < LEAST_ROWS:
        raise DataError(f"{where} has {len(frame)} rows; a model needs at least {LEAST_ROWS} to be held to account")
    if np.ptp(values) == 0:
        raise DataError(f"{where}: all values of '{target_column}' are {values[0]:g}, so there is nothing to learn")
    labels = [frame.attrs["labels"].get(column, label_of(str(column))) for column in frame.columns]
    label = labels[list(frame.columns).index(target_column)]
    chosen = replace(_chosen(materials, values, label.unit), own=tuple(one for one in own if one is not None))
    error = error_of(labels, list(frame.columns).index(target_column))
    y_sd = None if error is None else _used_error(frame, str(frame.columns[error]), row)
    read_columns = {formula_column, target_column, y_sd, *(one.column for one in chosen.own)}
    return _written(
        chosen,
        {
            "unread": [str(column) for column in frame.columns if column not in read_columns],
            "name": _name(name or path.name.split(".")[0]),
            "csv": Path(os.path.relpath(path.resolve(), Path(folder).resolve())).as_posix(),
            "formula": formula_column,
            "target": target_column,
            "y_sd": y_sd,
            "quantity": _words(label.name),
            "unit": label.unit,
        },
    )


def _column(frame: pd.DataFrame, wanted: str, option: str, where: str) -> str:
    """Column of that name, or whose heading says the same.

    Raises
    ------
    DataError
        If there is none.
    """
    columns = [str(column) for column in frame.columns]
    if wanted in columns:
        return wanted
    labels = frame.attrs["labels"]
    asked = label_of(wanted)
    found = [c for c in columns if key_of(labels[c]) == key_of(asked) and asked.unit in ("", labels[c].unit)]
    if len(found) == 1:
        return found[0]
    close = similar_names(wanted.lower(), [c.lower() for c in columns])
    near = next((c for c in columns if close and c.lower() == close[0]), None)
    hint = f"did you mean '{near}'?" if near else f"it has: {', '.join(columns):.120}"
    raise DataError(f"{where}: {option} '{wanted}' is no column; {hint}")


def _own(frame: pd.DataFrame, wanted: str, row: pd.Series, where: str) -> _Own:
    """Read a further column as numbers, or as words where its first cell is one.

    Raises
    ------
    DataError
        If there is no such column, a cell is missing, or it holds one value only or more words than models can tell
        apart.
    """
    column = _column(frame, wanted, "--use", where)
    cells = frame[column].astype(str).str.strip()
    empty = cells.str.lower().isin(("", "nan", "none", "<na>"))
    if empty.any():
        raise DataError(f"{where}: --use '{column}': row {row[empty].iloc[0]} states nothing; fill it or leave it out")
    try:
        numbers = _numeric(frame, column, row, f"{where}, column '{column}'", allow_missing=False)
    except DataError:
        if any(character.isdigit() for character in cells.iloc[0][:1]):
            raise
        words = tuple(sorted(set(cells)))
        if not 2 <= len(words) <= _MOST_WORDS:
            counted = f"{len(words)} different words" if len(words) > 1 else f"only the word '{words[0]}'"
            raise DataError(f"{where}: --use '{column}' holds {counted}; from 2 to {_MOST_WORDS} can be used") from None
        return _Own(column, words)
    if np.ptp(numbers) == 0:
        raise DataError(f"{where}: --use '{column}' is {numbers[0]:g} in every row, so it tells nothing")
    return _Own(column, (), float(f"{numbers.std():.2g}"))


def _used_error(frame: pd.DataFrame, column: str, row: pd.Series) -> str | None:
    """Name of the error column if any cell of it holds a number."""
    values = _numeric(frame, column, row, f"column '{column}'", allow_missing=True)
    return column if np.isfinite(values).any() else None


def _chosen(materials: Sequence[Perovskite], values: Any, unit: str) -> _Chosen:
    described = describe_materials(list(materials), None)
    layers = [0.0 if material.n_layers is None else 1.0 / material.n_layers for material in materials]
    # composition first: what says the same of the crystal as metal or halide does is left out
    described.insert(0, "inverse_n", layers)
    described = described[[*_COMPOSITION, *(c for c in described if c not in _COMPOSITION)]]
    kept: dict[str, float] = {}
    for column in described:
        numbers = described[column].to_numpy(dtype=float)
        if np.isfinite(numbers).all() and np.ptp(numbers) > 1e-9:
            # the same information twice would make both look half as important
            if column not in _COMPOSITION and any(
                abs(np.corrcoef(numbers, described[other].to_numpy(dtype=float))[0, 1]) > _SAME for other in kept
            ):
                continue
            kept[str(column)] = float(f"{numbers.std():.2g}")
    names = [str(material) for material in materials]
    spread = float(np.log10(values.max() / values.min())) if values.min() > 0 else 0.0
    return _Chosen(
        len(names),
        kept,
        tuple(column for column in _COMPOSITION if column in kept),
        len({spacer_group(material) for material in materials}),
        len(set(names)) < len(names),
        spread > 0 and (spread >= _DECADES or _is_time(unit)),
    )


def _is_time(unit: str) -> bool:
    """Whether values are times or rates, which spread by factors."""
    for kind in ("ps", "1/ps"):
        try:
            convert(1.0, unit, kind)
        except DataError:
            continue
        return True
    return False


def _name(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return plain if re.match(r"[A-Za-z0-9]", plain) else "my-study"


def _words(name: str) -> str:
    return " ".join(name.replace("_", " ").split())


def _written(chosen: _Chosen, told: Mapping[str, Any]) -> str:
    """TOML of the study."""
    s = _toml
    schemes = chosen.schemes
    verdict = schemes[0][1]
    added = {name: spread for one in chosen.own for name, spread in one.features.items()}
    columns = {**chosen.columns, **added}
    features = list(columns)
    if not chosen.columns:
        raise DataError(
            f"all formulas in '{told['formula']}' are described alike, so no model can tell them apart; give a table "
            "with different materials"
        )
    baseline = "composition" if chosen.composition else "mean"
    space = "its logarithm" if chosen.logarithmic else "the value itself"
    title = f"{told['quantity'][:1].upper()}{told['quantity'][1:]} of {chosen.rows} materials"
    own = f", and the columns {', '.join(one.column for one in chosen.own)}" if chosen.own else ""
    description = f"Descriptors are what formula, SMILES and ionic radii say{own}. Models learn {space}."
    head = [
        "# Written by `perospin study new`. Read it, change what you know better; every key: docs/study_files.md",
        *([f"{NOT_READ}{', '.join(told['unread'])}"] if told["unread"] else []),
        "format = 1",
        f"name = {s(told['name'])}",
        f"title = {s(title)}",
        f"description = {s(description)}",
        "",
        "seed = 1",
        f"baseline = {s(baseline)}",
        "",
        "[data]",
        f"csv = {s(told['csv'])}",
        f"formula = {s(told['formula'])}",
        *([f"y_sd = {s(told['y_sd'])}"] if told["y_sd"] else []),
        'groups = { compound = "formula", spacer = "spacer" }',
        *(
            [f"categories = {s([one.column for one in chosen.own if one.words])}"]
            if any(one.words for one in chosen.own)
            else []
        ),
        "",
        "[target]",
        f"column = {s(told['target'])}",
        f"quantity = {s(told['quantity'])}",
        *([f"unit = {s(told['unit'])}"] if told["unit"] else []),
        f"transform = {s('log10' if chosen.logarithmic else 'none')}",
    ]
    if told["unit"].startswith("1/") and _is_time(told["unit"]):
        head.append(f'reciprocal = {{ quantity = "lifetime", unit = {s(told["unit"][2:])} }}')
    head += ["", "[descriptors]", 'source = "packing"', "", "[features]"]
    head += [f"composition = {s(list(chosen.composition))}"] if chosen.composition else []
    head += [f"all = {s(features)}"]
    for kind, name, keys in schemes:
        head += ["", "[[schemes]]", f"kind = {s(kind)}", f"name = {s(name)}"]
        head += [f"{key} = {s(value)}" for key, value in keys.items()]
    scales = [columns[column] for column in features]
    process: dict[str, Any] = {
        "kind": "prior_gp", "n_draws": 400, "relevance": 0.5, "slope": 1.0, "features": "all", "scales": scales,
    }  # fmt: skip
    plain = {key: value for key, value in process.items() if key != "slope"}
    estimators: list[dict[str, Any]] = []
    if chosen.composition:
        estimators.append(
            {
                "name": "composition", "label": f"{_spoken(chosen.composition)} alone", "kind": "prior_gp",
                "n_draws": 400, "relevance": 1.0, "slope": 1.0, "features": "composition",
                "scales": [chosen.columns[column] for column in chosen.composition],
                "why": "what composition says without the spacer: a model must beat it",
            }
        )  # fmt: skip
    estimators += [
        {"name": "mean", "label": "training mean", "kind": "mean"},
        {"name": "gp", "label": "line + Gaussian process", **process,
         "why": "averaged over a prior on its length scales; nothing tuned"},
        {"name": "average", "label": "average of two Gaussian processes, with and without a line", "kind": "average",
         "members": [process, plain], "why": "averaging beats selecting on a small table"},
    ]  # fmt: skip
    for entry in estimators:
        head += ["", "[[estimators]]", *(f"{key} = {s(value)}" for key, value in entry.items())]
    groups = "spacer" if chosen.spacers >= 5 else "compound"
    head += [
        "",
        "[explain]",
        'estimator = "gp"',
        f"scheme = {s(verdict)}",
        f"players = {_toml(_players(list(chosen.columns)) | {one.column: list(one.features) for one in chosen.own})}",
        "",
        "[checks]",
        "n_bootstrap = 1000",
        f"bootstrap_group = {s(groups)}",
        *(['duplicates = "compound"', f"noise_scale = {s('log10' if chosen.logarithmic else 'target')}"]
          if chosen.repeated else []),
        "n_shuffles = 5",
        'shuffle_estimator = "gp"',
        "",
        "[predict]",
        'estimator = "average"',
        f"scheme = {s(verdict)}",
        "",
        "[variants]",
        f"tried = {len(estimators)}",
        'note = "The estimators listed, written by `perospin study new` before anything was scored."',
        "",
        "[verdict]",
        'estimator = "average"',
        f"scheme = {s(verdict)}",
    ]  # fmt: skip
    return "\n".join(head) + "\n"


def _players(features: Sequence[str]) -> dict[str, list[str]]:
    """Group the columns that are explained together; one that is in no group stands for itself."""
    groups = {name: [c for c in columns if c in features] for name, columns in _PLAYERS.items()}
    placed = {column for columns in groups.values() for column in columns}
    return {
        **{name: columns for name, columns in groups.items() if columns},
        **{column: [column] for column in features if column not in placed},
    }


def _spoken(columns: Sequence[str]) -> str:
    words = {"inverse_n": "layer number", "metal_radius_a": "metal", "halide_radius_a": "halide"}
    names = [words[column] for column in columns]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    """TOML of a text, number, list or table; a JSON text is a TOML basic string, but for DEL."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
