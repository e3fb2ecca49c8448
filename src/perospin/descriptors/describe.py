"""One table of descriptors for any list of materials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.chemistry import IonLibrary, Perovskite
from perospin.descriptors.cations.effort import LONGEST_UNASKED_S, announcement
from perospin.descriptors.cations.table import cation_values, is_kept, missing
from perospin.descriptors.intrinsic import (
    AVERAGED,
    COLUMNS,
    RAW_COLUMNS,
    SITE,
    SPACER,
    butylammonium,
    cation_row,
    derive,
    site_row,
    spacer_row,
)
from perospin.errors import DataError, PerospinError, QuantumError, StructureError

if TYPE_CHECKING:
    import pandas as pd

    from perospin.database import Store
    from perospin.descriptors.structure import StructureDescriptors

__all__ = ["STRUCTURE_TEXTS", "describe"]


def _average(parts: Iterable[tuple[float, Fraction]]) -> float:
    weighted = [(value, float(amount)) for value, amount in parts]
    total = sum(amount for _, amount in weighted)
    return sum(value * amount for value, amount in weighted) / total if total else math.nan


def _compute_missing(
    material: Perovskite, level: str, compute: bool, limit_s: float | None, tell: Callable[[str], None], seen: set[Any]
) -> None:
    """Compute those cations of a material that must be, each announced once; none that takes longer than the limit."""
    for one in (level, "neutral"):
        for ion, _ in (*material.spacers, *material.a_site):
            if (ion, one) in seen:
                continue
            seen.add((ion, one))
            if missing([ion], one):
                if compute and not is_kept(ion, one):
                    tell(announcement(ion, one, limit_s))
                cation_values(ion, one, compute)


def _raw_row(material: Perovskite, level: str, compute: bool) -> dict[str, float]:
    """Averages over the ions of one material, with the keys `RAW_COLUMNS`."""
    row: dict[str, float] = {}
    sites = {"spacer_": material.spacers, "a_site_": material.a_site}
    values = {ion: cation_row(ion, level, compute) for site in sites.values() for ion, _ in site}
    sites = {"": (*material.spacers, *material.a_site), **sites}
    for prefix, ions in sites.items():
        for column in AVERAGED:
            row[prefix + column] = _average((values[ion].get(column, math.nan), amount) for ion, amount in ions)
    row["spacer_charge"] = 0.0
    if material.spacers:
        row["spacer_charge"] = _average((float(ion.charge), amount) for ion, amount in material.spacers)
    spacers = [(spacer_row(ion, compute), amount) for ion, amount in material.spacers]
    for column in SPACER:
        row[f"spacer_{column}"] = _average((s.get(column, math.nan), amount) for s, amount in spacers)
    row["barrier_thickness_a"] = _average((s["barrier_a"], amount) for s, amount in spacers)
    for prefix, site in (("metal_", material.b_site), ("halide_", material.x_site)):
        found = [(site_row(ion), amount) for ion, amount in site]
        for column in SITE:
            row[prefix + column] = _average((one[column], amount) for one, amount in found)
    row["bromide_fraction"] = _average((site_row(ion)["bromide_fraction"], amount) for ion, amount in material.x_site)
    return row


def _intrinsic(materials: Sequence[Perovskite], rows: Sequence[Mapping[str, float]], compute: bool) -> pd.DataFrame:
    """Intrinsic columns from the averages over ions, one row a material, indexed by canonical formula."""
    import numpy as np
    import pandas as pd

    raw = {column: np.array([row[column] for row in rows], dtype=float) for column in RAW_COLUMNS}
    inverse_n = np.array([1 / m.n_layers if m.n_layers else 0.0 for m in materials], dtype=float)
    layered = np.array([bool(m.spacers and m.n_layers) for m in materials], dtype=bool)
    index = pd.Index([m.formula for m in materials], name="material", dtype="str")
    return pd.DataFrame(derive(raw, inverse_n, layered, butylammonium(compute)), index=index, columns=list(COLUMNS))


def describe(
    materials: Iterable[Any],
    level: str = "fast",
    *,
    ions: IonLibrary | None = None,
    compute: bool | None = None,
    on_compute: Callable[[str], None] | None = None,
    structural: bool | None = None,
    measured: bool = False,
    store: Store | Path | str | None = None,
    on_error: Callable[[str, PerospinError], None] | None = None,
) -> pd.DataFrame:
    """Describe materials: by their ions, by their crystal structures where given, and by what has been measured.

    Parameters
    ----------
    materials : iterable
        Formulas, `Perovskite`s, pymatgen ``Structure``s, files (CIF, POSCAR), and pairs of a formula and a structure
        or file, mixed as you like. A text is a file if it ends in .cif, .mcif, .vasp or .poscar or its name begins with
        POSCAR or CONTCAR; a `Path` always is.
    level : {"fast", "published"}
        Level at which cations are described; never mix levels in one model.
    ions : IonLibrary, optional
        Library for formulas and molecules with the user's own ions.
    compute : bool, optional
        Whether cations that no shipped table holds are computed (seconds to minutes each, cached). By default they are
        where a formula asks for them, and not where a crystal does: then their columns stay empty, and a warning says
        so.
    on_compute : callable, optional
        Called just before a cation is computed, with a few words: its symbol, size, level and the time it will take
        about. One that will take more than half an hour is then refused, unless `compute` is True.
    structural : bool, optional
        Whether there are structural columns (`STRUCTURE_DESCRIPTIONS`, and the texts `STRUCTURE_TEXTS`); by default
        if any row has a structure.
    measured : bool
        Whether measured features are added (`MEASURED_DESCRIPTIONS`) from the curated records and the user's store.
        Geometry comes from there only for rows without a structure.
    store : Store or path, optional
        The user's store, or where it lies; by default the user's own.
    on_error : callable, optional
        Called with the name of an item that can't be read and the error; that item has no row. Without it the first
        error is raised.

    Returns
    -------
    DataFrame
        One row a material, indexed by its canonical formula (by the file's name where the ions aren't known). Columns
        as in `DESCRIPTIONS`, and the averaged ones again for the spacer (`spacer_`) and the A site (`a_site_`) apart.
        NaN where something does not exist (a spacer's column in a 3D material) or isn't known (the ions of a
        disordered structure). ``frame.attrs``: ``"level"``; with structures or measured features also ``"warnings"``
        (sentences) and ``"sources"`` (one dict a record behind a measured number).

    Raises
    ------
    FormulaError
        If a formula can't be read.
    StructureError
        If a structure can't be read or described.
    QuantumError
        If a cation must be computed and that fails or is not allowed.
    DataError
        If a single material is given instead of a list, an item is no material, or a formula isn't that of its file.
    """
    if isinstance(materials, str | Perovskite | Path) or is_structure(materials):
        raise DataError("describe takes a list of materials, e.g. describe(['MAPbI3'])")
    items: list[_Item] = []
    for given in materials:
        try:
            items.append(_read(given, ions))
        except PerospinError as error:
            if on_error is None:
                raise
            on_error(name_of(given), error)
    kept: list[_Item] = []
    rows: list[dict[str, float]] = []
    tell = on_compute or (lambda _words: None)
    seen: set[Any] = set()
    for item in items:
        try:
            if item.material is not None:
                may = item.described is None if compute is None else compute
                _compute_missing(item.material, level, may, None if compute else LONGEST_UNASKED_S, tell, seen)
                rows.append(_raw_row(item.material, level, may))
            kept.append(item)
        except QuantumError as error:
            if item.described is not None and (compute is None or on_error is not None):
                kept.append(item.without_ions(error))
            elif on_error is None:
                raise
            else:
                on_error(item.name, error)
    items = kept
    frame = _intrinsic([item.material for item in items if item.material is not None], rows, compute is not False)
    with_structure = [item.described is not None for item in items]
    warnings = [warning for item in items for warning in item.warnings]
    if structural is None:
        structural = any(with_structure)
    if structural or any(with_structure):
        frame = _spread(frame, items)
    if structural:
        frame = _with_structures(frame, items)
    sources: list[dict[str, Any]] = []
    if measured:
        from perospin.descriptors.measured import MeasuredTable, measured_rows

        formulas = [None if item.material is None else item.material.formula for item in items]
        columns, sources, remarks = measured_rows(formulas, with_structure, MeasuredTable(store))
        frame = frame.assign(**columns)
        warnings += remarks
    frame.attrs["level"] = level
    if structural or measured:
        # plain values: pandas compares and copies attrs at every step
        frame.attrs["warnings"] = warnings
        frame.attrs["sources"] = sources
    return frame


STRUCTURE_TEXTS: Mapping[str, str] = {
    "structure": "file that the structure was read from",
    "space_group": "space group (spglib, tolerance 0.02 A)",
    "dimensionality": "of the inorganic network: 0D to 3D",
    "connectivity": "how octahedra are joined: corner, edge, face, or isolated",
    "layer_orientation": "how the layers are cut from the perovskite: (100), (110), (111) or other",
}
"""Columns of text that structures add: what each is."""

_FILE_ENDINGS = (".cif", ".mcif", ".vasp", ".poscar")
_FILE_NAMES = ("POSCAR", "CONTCAR")


@dataclass(frozen=True)
class _Item:
    """One thing to describe, read."""

    name: str
    material: Perovskite | None
    described: StructureDescriptors | None
    file: str
    warnings: tuple[str, ...]

    def without_ions(self, error: PerospinError) -> _Item:
        """Return the same with what its structure says alone, under its formula."""
        name = self.name if self.material is None else self.material.formula
        shown = Path(self.file).name or self.name
        remark = f"{shown}: its intrinsic columns are empty: {error}"
        return replace(self, name=name, material=None, warnings=(*self.warnings, remark))


def is_structure(item: object) -> bool:
    """Whether an object is a pymatgen ``Structure`` (told without importing pymatgen)."""
    return hasattr(item, "lattice") and hasattr(item, "get_neighbor_list")


def is_file(item: object) -> bool:
    """Whether an item of `describe` names a structure file: a `Path`, or a text that looks like one."""
    if not isinstance(item, str):
        return isinstance(item, Path)
    name = Path(item).name
    return name.lower().endswith(_FILE_ENDINGS) or name.upper().startswith(_FILE_NAMES)


def name_of(item: object) -> str:
    """Name an item of `describe` for a message."""
    if isinstance(item, tuple) and len(item) == 2:
        return name_of(item[1])
    if is_structure(item):
        return str(item.composition.reduced_formula)  # type: ignore[attr-defined]
    return Path(item).name if is_file(item) else str(item)  # type: ignore[arg-type]


def _read(item: Any, ions: IonLibrary | None) -> _Item:
    """Read one item: parse its formula, read and describe its structure, tell its ions."""
    formula, structure = None, item
    if isinstance(item, tuple):
        if len(item) != 2 or not isinstance(item[0], str | Perovskite):
            raise DataError("a pair for describe is a formula and a structure, e.g. ('PEA2PbI4', 'file.cif')")
        formula, structure = item
        if not (is_structure(structure) or isinstance(structure, str | Path)):
            raise DataError(f"'{name_of(formula)}' is paired with {structure!r:.40}, which is no structure and no file")
    elif isinstance(item, Perovskite) or (isinstance(item, str) and not is_file(item)):
        material = Perovskite.of(item, ions)
        return _Item(material.formula, material, None, "", material.cautions)
    elif not (is_structure(item) or isinstance(item, str | Path)):
        raise DataError(f"describe takes formulas, Perovskites, Structures and files, not {item!r:.40}")
    return _read_structure(structure, formula, ions)


def _read_structure(given: Any, formula: str | Perovskite | None, ions: IonLibrary | None) -> _Item:
    from perospin.descriptors.structure import describe_structure, read_structure
    from perospin.descriptors.structure.identify import check_formula, identify

    name = name_of(given)
    structure = given if is_structure(given) else read_structure(given)
    warnings: list[str] = []
    if formula is not None:
        material: Perovskite | None = Perovskite.of(formula, ions)
        assert material is not None
        warnings += material.cautions
        if remark := check_formula(material, structure, name):
            warnings.append(remark)
    else:
        found = identify(structure, ions)
        material = found.material
        warnings += [f"{name}: {note}" for note in found.notes]
        if material is None:
            warnings.append(f"{name}: ions not told, so its intrinsic columns are empty: {found.reason}")
    try:
        described = describe_structure(structure, cage_radius_a=_cage_radius_a(material))
    except StructureError as error:
        raise StructureError(f"{name}: {error}") from error
    except Exception as error:  # one odd crystal must not end a batch of a thousand
        reason = f"{type(error).__name__}: {error}"
        raise StructureError(f"{name} can't be described ({reason:.200}): please report this file") from error
    warnings += [f"{name}: {warning}" for warning in described.warnings]
    if material is not None and (remark := _disagreement(material, described)):
        warnings.append(f"{name}: {remark}")
    file = "" if is_structure(given) else str(given)
    return _Item(Path(name).stem if file else name, material, described, file, tuple(warnings))


def _cage_radius_a(material: Perovskite | None) -> float | None:
    """Mean effective radius of the A site, where all are known."""
    if material is None or not material.a_site or any(ion.radius_pm is None for ion, _ in material.a_site):
        return None
    return _average(((ion.radius_pm or math.nan) / 100, amount) for ion, amount in material.a_site)


def _disagreement(material: Perovskite, described: StructureDescriptors) -> str:
    """Say where the crystal is not what the composition reads as; intrinsic columns follow the composition."""
    dimensionality = described.labels.get("dimensionality", "")
    expected = "2D" if material.n_layers else "3D" if material.family in ("3D", "double") else dimensionality
    if dimensionality != expected:
        return (
            f"the inorganic network is {dimensionality}, but the composition of {material.formula} reads as {expected}"
        )
    sheets = described.values.get("n_layers", math.nan)
    if material.n_layers and sheets == sheets and sheets != material.n_layers:
        return f"the slabs have {sheets:g} sheets of octahedra, the composition reads as n = {material.n_layers}"
    return ""


def _spread(frame: pd.DataFrame, items: Sequence[_Item]) -> pd.DataFrame:
    """Put the rows of identified materials among those that are not, which stay empty."""
    import numpy as np
    import pandas as pd

    rows = np.full((len(items), frame.shape[1]), np.nan)
    known = [item.material is not None for item in items]
    rows[known] = frame.to_numpy()
    names = [item.name if item.material is None else item.material.formula for item in items]
    return pd.DataFrame(rows, index=pd.Index(names, name="material", dtype="str"), columns=frame.columns)


def _with_structures(frame: pd.DataFrame, items: Sequence[_Item]) -> pd.DataFrame:
    """Add the columns of the structures: texts, then numbers."""
    import numpy as np
    import pandas as pd

    from perospin.descriptors.structure import STRUCTURE_DESCRIPTIONS

    texts = {
        column: [
            ""
            if item.described is None
            else item.file
            if column == "structure"
            else item.described.labels.get(column, "")
            for item in items
        ]
        for column in STRUCTURE_TEXTS
    }
    numbers = np.array(
        [
            [math.nan if item.described is None else item.described.values[c] for c in STRUCTURE_DESCRIPTIONS]
            for item in items
        ],
        dtype=float,
    ).reshape(len(items), len(STRUCTURE_DESCRIPTIONS))
    told = pd.DataFrame(texts, index=frame.index, dtype="str")
    return pd.concat([frame, told, pd.DataFrame(numbers, frame.index, list(STRUCTURE_DESCRIPTIONS))], axis=1)
