"""Compositions and ions in NOMAD's perovskite schema (``perovskite_solar_cell_database.composition``), both ways.

An archive is ``{"data": {"m_def": ..., "ions_a_site": [...], ...}}``; spacers stand among the A-site ions there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from perospin.database.record import Record
from perospin.errors import DataError, FormulaError
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry import Ion, IonLibrary, Perovskite

M_DEF = "perovskite_solar_cell_database.composition.PerovskiteComposition"
_SITES = (("ions_a_site", "A"), ("ions_b_site", "B"), ("ions_x_site", "X"))
DIMENSIONS = ("0D", "1D", "2D", "2D/3D", "3D")
_SAMPLES = {
    "film": "Polycrystalline film", "polycrystalline film": "Polycrystalline film",
    "single crystal": "Single crystal", "nanocrystal": "Quantum dots",
}  # fmt: skip
FORMS = {"Polycrystalline film": "film", "Single crystal": "single crystal", "Quantum dots": "nanocrystal"}
#: Amounts of NOMAD are binary fractions: the simplest fraction this near is meant.
_LARGEST_DENOMINATOR = 10_000


@dataclass(frozen=True, slots=True)
class NomadComposition:
    """One composition of a NOMAD archive.

    Attributes
    ----------
    material
        The perovskite, with our ions.
    dimensionality, sample_type, composition_estimate
        As NOMAD words them; ``""`` if not said.
    band_gap_ev
        If said.
    doi
        Of the archive's reference, or ``""``.
    remarks
        What couldn't be read into ours.
    """

    material: Perovskite
    dimensionality: str = ""
    sample_type: str = ""
    composition_estimate: str = ""
    band_gap_ev: float | None = None
    doi: str = ""
    remarks: tuple[str, ...] = ()


def _formula_of(ion: Ion) -> str:
    """Molecular formula with its charge as NOMAD's ion list writes it: ``CH6N+``, ``Pb2+``, ``I-``."""
    counts = dict(ion.elements)
    order = sorted(counts, key=lambda e: (e != "C" or "C" not in counts, e != "H" or "C" not in counts, e))
    body = "".join(e + (str(counts[e]) if counts[e] > 1 else "") for e in order)
    size = str(abs(ion.charge)) if abs(ion.charge) > 1 else ""
    sign = "+" if ion.charge > 0 else "-"
    return f"{body}{size}{sign}" if ion.is_monatomic else f"{body}{sign}{size}"


def _names() -> dict[str, str]:
    """Abbreviation of the list by our symbol, where one row means exactly that ion."""
    from perospin.chemistry.names import get_names

    chosen = get_names("nomad")
    found: dict[str, str] = {}
    for row in chosen.rows:
        if row.verdict in ("known", "added"):
            found.setdefault(row.symbol, row.name)
    return found


def to_nomad(
    material: Perovskite,
    *,
    dimensionality: str = "",
    sample_type: str = "",
    composition_estimate: str = "",
    band_gap_ev: float | None = None,
    doi: str = "",
) -> dict[str, Any]:
    """Archive of one composition.

    Abbreviations are those of NOMAD's ion list where it has the ion, else ours; the SMILES says which is meant.
    """
    listed = _names()
    a_site = [*material.spacers, *(pair for pair in material.a_site if pair[0] not in dict(material.spacers))]
    amounts = dict(material.cations)
    groups = {
        "ions_a_site": [(ion, amounts[ion]) for ion, _ in a_site],
        "ions_b_site": list(material.b_site),
        "ions_x_site": list(material.x_site),
    }
    data: dict[str, Any] = {"m_def": M_DEF}
    words = {
        "dimensionality": dimensionality,
        "sample_type": sample_type,
        "composition_estimate": composition_estimate,
    }
    data |= {key: word for key, word in words.items() if word}
    if band_gap_ev is not None:
        data["band_gap"] = band_gap_ev
    short, long = "", ""
    for key, site in _SITES:
        data[key] = []
        for ion, amount in groups[key]:
            name = listed.get(ion.symbol, ion.symbol)
            smiles = ion.smiles or f"[{ion.symbol}+{ion.charge}]".replace("+1]", "+]")
            data[key].append(
                {
                    "m_def": f"{M_DEF.rpartition('.')[0]}.Perovskite{site}IonComponent",
                    "abbreviation": name,
                    "coefficient": float(amount),
                    "common_name": ion.name,
                    "molecular_formula": _formula_of(ion),
                    "smiles": smiles,
                }
            )
            short += name
            long += name if amount == 1 else f"{name}{float(amount):g}"
    data |= {"short_form": short, "long_form": long}
    if doi:
        data["ref"] = {"DOI_number": f"https://doi.org/{doi}"}
    return {"data": data}


def from_nomad(archive: Mapping[str, Any], ions: IonLibrary | None = None) -> NomadComposition:
    """Read one archive of a composition, or of a solar cell that holds one.

    Each ion is found by its SMILES; without one, by its abbreviation as NOMAD's list means it.

    Raises
    ------
    DataError
        If there is no composition in it, an ion can't be found, or the amounts aren't numbers.
    FormulaError
        If the ions aren't those of a charge-neutral halide perovskite.
    """
    from perospin.chemistry import IonLibrary, Perovskite

    data = archive.get("data", archive) if isinstance(archive, Mapping) else None
    if isinstance(data, Mapping) and isinstance(inner := data.get("composition"), Mapping):
        data = {**data, **inner}
    if not isinstance(data, Mapping) or not any(isinstance(data.get(key), list) for key, _ in _SITES):
        raise DataError("this archive holds no perovskite composition (ions_a_site, ions_b_site, ions_x_site)")
    library = IonLibrary.of(ions).with_names("nomad")
    amounts: dict[str | Ion, Fraction] = {}
    remarks: list[str] = []
    for key, _ in _SITES:
        for place, entry in enumerate(data.get(key) or ()):
            if not isinstance(entry, Mapping):
                raise DataError(f"{key}[{place}] is no ion of a NOMAD archive")
            ion = _ion(entry, f"{key}[{place}]", key, library)
            if remark := library.clash(str(entry.get("abbreviation") or "")):
                remarks.append(remark)
            amounts[ion] = amounts.get(ion, Fraction(0)) + _amount(entry.get("coefficient"), f"{key}[{place}]")
    for key in ("additives", "impurities"):
        if data.get(key):
            names = [str(e.get("abbreviation") or e.get("common_name") or "?") for e in data[key]]
            remarks.append(f"{key} aren't part of a formula: {shorten(', '.join(names), 80)}")
    gap = data.get("band_gap")
    if gap is not None and (isinstance(gap, bool) or not isinstance(gap, int | float) or not 0 < gap < 100):
        raise DataError(f"band_gap of this archive is {shorten(repr(gap), 30)}; it must be a positive number of eV")
    reference = data.get("ref") if isinstance(data.get("ref"), Mapping) else {}
    return NomadComposition(
        material=Perovskite.from_ions(amounts, library),
        dimensionality=str(data.get("dimensionality") or ""),
        sample_type=str(data.get("sample_type") or ""),
        composition_estimate=str(data.get("composition_estimate") or ""),
        band_gap_ev=None if gap is None else float(gap),
        doi=str((reference or {}).get("DOI_number") or data.get("DOI_number") or ""),
        remarks=tuple(remarks),
    )


def _amount(value: Any, where: str) -> Fraction:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise DataError(f"the coefficient of {where} is {shorten(repr(value), 30)}; it must be a positive number")
    exact = Fraction(value)
    near = exact.limit_denominator(_LARGEST_DENOMINATOR)
    return near if abs(near - exact) < Fraction(1, 1_000_000) else Fraction(str(value))


def _ion(entry: Mapping[str, Any], where: str, key: str, library: IonLibrary) -> Ion:
    name, smiles = str(entry.get("abbreviation") or ""), str(entry.get("smiles") or "").strip()
    if key == "ions_b_site" and name in {ion.symbol for ion in library.metals}:
        return library.get(name)  # its charge follows from neutrality
    if smiles and (found := _by_smiles(smiles, library)) is not None:
        return found
    if name and not smiles:
        return library.get(name)
    row = next((row for row in _rows() if row.name == name and row.symbol), None)
    if row is not None and _canonical(row.drawn) == _canonical(smiles):
        return library.get(row.symbol)
    raise DataError(
        f"the ion '{shorten(name or smiles or '?')}' of {where} ({shorten(smiles, 40) or 'no SMILES'}) isn't in the "
        f"library; define it with --ion '{name or 'NAME'}={smiles or '<SMILES>'}'"
    )


def _rows() -> Sequence[Any]:
    from perospin.chemistry.names import get_names

    return get_names("nomad").rows


def _molecule(smiles: str) -> Any:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles) if smiles.isascii() and len(smiles) <= 400 else None


def _canonical(smiles: str) -> str:
    from rdkit import Chem

    molecule = _molecule(smiles)
    return "" if molecule is None else str(Chem.MolToSmiles(molecule))


def _by_smiles(smiles: str, library: IonLibrary) -> Ion | None:
    from rdkit import Chem

    for ion in library:  # most are ours, letter by letter
        if ion.smiles == smiles:
            return ion
    molecule = _molecule(smiles)
    if molecule is None:
        return None
    if molecule.GetNumAtoms() == 1:
        symbol = molecule.GetAtomWithIdx(0).GetSymbol()
        return next((ion for ion in library if ion.symbol == symbol), None)
    canonical = Chem.MolToSmiles(molecule)
    counts: dict[str, int] = {}
    for atom in Chem.AddHs(molecule).GetAtoms():
        counts[atom.GetSymbol()] = counts.get(atom.GetSymbol(), 0) + 1
    elements = tuple(sorted(counts.items()))
    for ion in library:
        if ion.elements == elements and ion.smiles and Chem.CanonSmiles(ion.smiles) == canonical:
            return ion
    return None


def records_to_nomad(records: Iterable[Record], ions: IonLibrary | None = None) -> list[dict[str, Any]]:
    """Make the archives of the records: one a band gap, and one for each other composition."""
    from perospin.chemistry import IonLibrary, Perovskite

    library = IonLibrary.of(ions)
    given = [record for record in records if record.composition == "known"]
    gaps = [record for record in given if record.property == "band_gap" and record.limit == "value"]
    told = {record.formula for record in gaps}
    others = {record.formula: record for record in given if record.formula not in told}
    archives = []
    for record in [*gaps, *others.values()]:
        is_gap = record in gaps if record.property == "band_gap" else False
        estimate = "Theoretical simulation" if is_gap and record.theory else "Literature value" if is_gap else ""
        archives.append(
            to_nomad(
                Perovskite.parse(record.formula, library),
                dimensionality=word if (word := record.conditions.dimensionality) in DIMENSIONS else "",
                sample_type=_SAMPLES.get(record.conditions.form, "") if is_gap else "",
                composition_estimate=estimate,
                band_gap_ev=record.value if is_gap else None,
                doi=record.source.doi if is_gap else "",
            )
        )
    return archives


def nomad_cells(content: Any, ions: IonLibrary | None = None) -> tuple[list[dict[str, str]], list[str]]:
    """Cells of the band gaps of one archive or a list of them, and remarks on what else was read.

    Raises
    ------
    DataError, FormulaError
        As :func:`from_nomad`; the message says which archive.
    """
    archives = content if isinstance(content, list) else [content]
    rows, remarks = [], []
    for number, archive in enumerate(archives, start=1):
        try:
            found = from_nomad(archive, ions)
        except (DataError, FormulaError) as error:
            raise DataError(shorten(f"archive {number}: {error}", 390)) from error
        formula = str(found.material)
        remarks += [f"archive {number} ({formula}): {remark}" for remark in found.remarks]
        if found.band_gap_ev is None:
            remarks.append(f"archive {number} is the composition {formula} without a band gap: no record")
            continue
        rows.append(
            {
                "material": formula,
                "property": "band_gap",
                "value": repr(found.band_gap_ev),
                "unit": "eV",
                "dimensionality": found.dimensionality,
                "form": FORMS.get(found.sample_type, found.sample_type),
                "theory": "true" if found.composition_estimate == "Theoretical simulation" else "",
                "doi": found.doi,
            }
        )
    return rows, remarks
