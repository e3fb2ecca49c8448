"""Describe the materials of a table."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.digits import counted
from perospin.errors import PerospinError, StudyError, TooFewRowsError
from perospin.studies.data.table import Faults, _numeric, _require_columns, refuse_all
from perospin.studies.declaration.part import needed_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.declaration.sections import DataSection

MASS_COLUMNS = ("a_mass_g_mol", "b_mass_g_mol", "x_mass_g_mol", "formula_mass_g_mol")
"""Molar mass of the mean cation, metal and halide of a formula, and of the whole formula unit."""
DERIVED_COLUMNS = ("is_n1", "is_n1_monovalent", "spacer_charge", "inverse_n", "caesium_fraction", *MASS_COLUMNS)
"""Columns that follow from the formula alone and are added to tables that lack them."""

_REFERENCE = "(BA)2PbI4"
_WELL_A, _WELL_PERMITTIVITY = 6.4, 6.1
"""Thickness of one sheet of lead iodide octahedra (A), and its permittivity at optical frequencies."""


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
    mistakes: list[str] = []
    for label, text in zip(labels, texts, strict=True):
        assumed = section.assume.get(label)
        stand_in = assumed.formula if assumed and not text else text
        try:
            for formula in (text, stand_in):
                if formula not in cache:
                    cache[formula] = Perovskite.parse(formula, ions)
        except PerospinError as error:
            mistakes.append(f"row {label}: {error}")
            continue
        formulas.append(str(cache[text]) if text else "")
        described.append(str(cache[stand_in]) if stand_in else "")
        certain.append(bool(text))
        materials.append(cache[stand_in])
    refuse_all(where, mistakes)
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

    wanted = set(needed_columns(part)) | set(part.data.plausible)
    columns = table_columns(frame, part, labels, where)
    features = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))
    if part.descriptors.source != "table":
        ours = describe_materials(materials, part.descriptors.level, ions, on_compute)
        features = pd.concat([features.drop(columns=[c for c in ours if c in features]), ours], axis=1)
    for name, values in _derived(materials, features).items():
        if name in wanted and name not in features:
            features[name] = values
    return features


def table_columns(frame: pd.DataFrame, part: PartSpec, labels: pd.Series, where: str) -> dict[str, NDArray[np.float64]]:
    """Numbers of the table's own columns that a part reads, by the name of the descriptor.

    Raises
    ------
    DataError
        If cells are no numbers: one message for all columns.
    """
    import pandas as pd

    section = part.data
    texts = {section.row, section.name, section.formula, section.source_column, part.target.column}
    prefix = part.descriptors.prefix_table
    wanted = set(needed_columns(part)) | set(section.plausible)
    columns: dict[str, NDArray[np.float64]] = {}
    faults = Faults(where)
    for column in map(str, frame.columns):
        name = prefix + column
        if column in texts or column in section.categories:
            continue
        if name in wanted or column in wanted:
            found = faults.of(_numeric, frame, column, labels, where, allow_missing=True)
            if found is not None:
                columns[name] = found
        elif pd.api.types.is_numeric_dtype(frame[column]):
            columns[name] = frame[column].to_numpy(dtype=float)
    faults.refuse()
    return columns


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
    if part.descriptors.held_out_spacing:
        yield held_out_spacing(materials)
    if part.descriptors.structures == "structures_2d":
        from perospin.descriptors.crystals import crystal_columns

        shipped, remarks = crystal_columns(names)
        notes += remarks
        yield shipped
    elif part.descriptors.structures is not None:
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


@lru_cache(maxsize=1)
def _spacing_table() -> Mapping[str, tuple[float, float]]:
    """Canonical formula -> predicted layer spacing and its standard deviation (A), the spacer held out."""
    import csv

    text = resources.files("perospin.studies").joinpath("shipped", "held_out_spacing.csv").read_text(encoding="utf-8")
    return {row["formula"]: (float(row["predicted"]), float(row["sd"])) for row in csv.DictReader(text.splitlines())}


def held_out_spacing(
    materials: list[Any], expected: Callable[[list[Any]], list[tuple[float, float] | None]] | None = None
) -> pd.DataFrame:
    """Layer spacing of single-layer materials by a model that never saw their spacer, and what exchange makes of it.

    Parameters
    ----------
    materials : list of Perovskite or None
    expected : callable, optional
        Gives spacing and standard deviation (A) of materials that the shipped table of held-out values lacks.

    Returns
    -------
    DataFrame, shape (n_materials, 3)
        ``single_layer_spacing_a`` and ``single_layer_spacing_sd_a`` (A); ``exchange_log10``, the logarithm of
        the exciton-exchange rate over that of (BA)2PbI4 by its binding energy (`layered_permittivity`). Materials
        that are no single layers stand at butylammonium's values: the columns say nothing of them.
    """
    import pandas as pd

    from perospin.chemistry import Perovskite
    from perospin.descriptors.intrinsic import spacer_row
    from perospin.mechanisms import layered_permittivity

    def permittivity(material: Any, spacing: float) -> float:
        amounts = [(spacer_row(ion, True)["dielectric_constant"], float(share)) for ion, share in material.spacers]
        barrier = sum(value * share for value, share in amounts) / sum(share for _, share in amounts)
        return float(layered_permittivity(spacing, _WELL_A, _WELL_PERMITTIVITY, barrier))

    table = _spacing_table()
    reference, _ = table[_REFERENCE]
    at_reference = permittivity(Perovskite.parse(_REFERENCE), reference)
    unknown = {str(m): m for m in materials if m is not None and m.n_layers == 1 and str(m) not in table}
    told = dict(zip(unknown, expected(list(unknown.values())), strict=True)) if expected and unknown else {}
    rows = []
    for material in materials:
        spacing, sd, exchange = reference, 0.0, 0.0
        if material is not None and material.n_layers == 1:
            spacing, sd = table.get(str(material)) or told.get(str(material)) or (math.nan, math.nan)
            # rate ~ E_b^2 and E_b ~ 1 / permittivity^2
            exchange = -4.0 * math.log10(permittivity(material, spacing) / at_reference)
        rows.append((spacing, sd, exchange))
    return pd.DataFrame(rows, columns=["single_layer_spacing_a", "single_layer_spacing_sd_a", "exchange_log10"])


def held_out_spacing_between(
    formulas: NDArray[np.object_],
    barrier: NDArray[np.float64],
    told: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> dict[str, NDArray[np.float64]]:
    """Return `held_out_spacing` of single-layer materials in arrays, for candidates by the million.

    Parameters
    ----------
    formulas : ndarray of str
        Canonical formulas.
    barrier : ndarray
        Static dielectric constant of the spacers.
    told : (ndarray, ndarray)
        Spacing and standard deviation (A) where the shipped table lacks the formula; NaN where nobody knows.
    """
    from perospin.chemistry import Perovskite
    from perospin.descriptors.intrinsic import spacer_row
    from perospin.mechanisms import layered_permittivity

    table = _spacing_table()
    reference, _ = table[_REFERENCE]
    spacer = Perovskite.parse(_REFERENCE).spacers[0][0]
    at_reference = layered_permittivity(
        reference, _WELL_A, _WELL_PERMITTIVITY, spacer_row(spacer, False)["dielectric_constant"]
    )
    spacing, sd = (values.copy() for values in told)
    for place in np.argwhere(np.isin(formulas, list(table))):
        spacing[tuple(place)], sd[tuple(place)] = table[str(formulas[tuple(place)])]
    exchange = np.full(spacing.shape, math.nan)
    known = np.isfinite(spacing) & np.isfinite(barrier)
    permittivity = layered_permittivity(spacing[known], _WELL_A, _WELL_PERMITTIVITY, barrier[known])
    exchange[known] = -4.0 * np.log10(permittivity / at_reference)
    return {"single_layer_spacing_a": spacing, "single_layer_spacing_sd_a": sd, "exchange_log10": exchange}


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
            f"({counted(materials, 'material')}); at least {max(section.min_rows, 1)} rows are needed, so no model is "
            "scored"
        )
    return np.asarray(keep)


def describe_materials(
    materials: list[Any],
    level: str | None,
    ions: Any = None,
    on_compute: Callable[[str], None] | None = None,
    derived: Iterable[str] = (),
) -> pd.DataFrame:
    """Describe each material at `level`, by its packing alone if there is none; shape (n, n_columns).

    A row of NaN where the material is not known. Those of `DERIVED_COLUMNS` that are named in `derived` are added where
    the description lacks them.
    """
    import pandas as pd

    from perospin.descriptors import describe, packing_columns

    if level is None:
        described = packing_columns(materials)
    else:
        unique = {str(material): material for material in materials if material is not None}
        table = describe(list(unique.values()), level=level, ions=ions, on_compute=on_compute)
        table.index = pd.Index(list(unique))
        keys = [None if material is None else str(material) for material in materials]
        described = table.reindex(keys).astype(float).reset_index(drop=True)
    for name, values in _derived(materials, described).items():
        if name in derived and name not in described:
            described[name] = values
    return described


def with_new_ions(column: Iterable[Any], ions: Any) -> Any:
    """Ion library with the ions that a column of a table lists as ``NAME=SMILES; NAME=SMILES``."""
    from perospin.chemistry import IonLibrary

    found = (part.strip() for cell in column for part in str(cell).split(";"))
    return IonLibrary.of(ions).with_ions(list(dict.fromkeys(part for part in found if part)))


def own_ions(materials: Iterable[Any]) -> tuple[str, ...]:
    """Molecular cations of materials that the shipped library lacks, as ``NAME=SMILES``."""
    from perospin.chemistry import IonLibrary

    library = IonLibrary.default()
    cations = {ion for material in materials if material is not None for ion, _ in material.cations}
    return tuple(sorted(f"{ion.symbol}={ion.smiles}" for ion in cations if ion.smiles and ion.symbol not in library))


def _derived(materials: list[Any], features: pd.DataFrame) -> Mapping[str, NDArray[np.float64]]:
    """Layer class, spacer charge, 1/n, caesium, masses from the formula; `n_layers` where there is no formula."""
    n = len(materials)
    masses = np.full((n, len(MASS_COLUMNS)), np.nan)
    layers = np.full(n, np.nan)
    charge = np.full(n, np.nan)
    caesium = np.full(n, np.nan)
    for i, material in enumerate(materials):
        if material is None:
            continue
        layers[i] = np.inf if material.n_layers is None else material.n_layers
        charge[i] = max((ion.charge for ion, _ in material.spacers), default=0)
        on_site = float(sum(share for _, share in material.a_site))
        share = float(sum(share for ion, share in material.a_site if ion.symbol == "Cs"))
        caesium[i] = share / on_site if on_site > 0 else 0.0
        sites = (material.cations, material.b_site, material.x_site)
        masses[i] = [*(_mean_mass(site) for site in sites), material.molar_mass_g_mol]
    if "n_layers" in features:
        # Published tables write a large number (100) for 3D; anything thicker than 50 layers is 3D here.
        published = features["n_layers"].to_numpy(dtype=float)
        published = np.where(published > 50, np.inf, published)
        layers = np.where(np.isnan(layers), published, layers)
    with np.errstate(divide="ignore"):
        single = np.where(np.isnan(layers), np.nan, (layers == 1).astype(float))
        return {
            "is_n1": single,
            "is_n1_monovalent": np.where(np.isnan(charge), np.nan, single * (charge == 1)),
            "spacer_charge": charge,
            "inverse_n": 1.0 / layers,
            "caesium_fraction": caesium,
            **dict(zip(MASS_COLUMNS, masses.T, strict=True)),
        }


def _mean_mass(site: Iterable[tuple[Any, Any]]) -> float:
    """Mean molar mass (g/mol) of the ions on a site; NaN of an empty one."""
    ions = [(ion.molar_mass_g_mol, float(amount)) for ion, amount in site]
    amount = sum(share for _, share in ions)
    return sum(mass * share for mass, share in ions) / amount if amount else math.nan
