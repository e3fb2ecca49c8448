"""Convert the source tables to the tidy tables that the package ships.

    python scripts/build_database.py --shared DIR [--out src/perospin/database/tables]

DIR holds the source tables as they were collected (spin_lifetimes_*.csv, g_factors.csv, excitons.csv,
chiral_spin.csv, spin_splitting.csv, structures.csv, xray_detectors.csv, benchmarks/, cif/, measurements/).
What the source tables say only in words (a bound, a carrier, a second source, an abbreviation) is decided
here, case by case, in the reviewed mappings below; each quotes the words it rests on, and the script stops
if they are no longer there. Nothing is guessed: a missing value stays missing.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from perospin.chemistry import IonLibrary, Perovskite, goldschmidt_tolerance
from perospin.database.record import Conditions, Record, Source, is_formula
from perospin.database.tidy import write_records
from perospin.database.vocabulary import PROPERTIES

Row = dict[str, str]
Key = tuple[str, int]

# ----------------------------------------------------------------------------------------------------------
# Reviewed decisions. Key: (table, data row counted from 1); value: the decision and the words it rests on.
# ----------------------------------------------------------------------------------------------------------

# Bounds and largest values of a series; for X-ray detectors the column as well.
LIMITS: dict[Key, tuple[str, str]] = {
    ("spin_lifetimes_layered", 2): ("up_to", "longest value reached"),
    ("spin_lifetimes_layered", 4): ("up_to", "given as the longest value"),
    ("spin_lifetimes_layered", 5): ("up_to", "given as up to 15 ps"),
    ("spin_lifetimes_3d_nc", 9): ("lower", "lower bound (exceeds 1 ns)"),
    ("spin_lifetimes_3d_nc", 10): ("up_to", "maximum (up to)"),
    ("spin_lifetimes_3d_nc", 15): ("up_to", "maximum (up to 2 ms)"),
    ("spin_lifetimes_3d_nc", 17): ("up_to", "up to 20 ns"),
    ("spin_lifetimes_3d_nc", 24): ("lower", "lower bound (at least 30 ns)"),
    ("excitons", 2): ("upper", "upper limit"),
    ("excitons", 22): ("up_to", "highest value in 290-100 K scan"),
    ("excitons", 23): ("up_to", "highest value in 290-100 K scan"),
    ("excitons", 83): ("up_to", "maximum drift mobility"),
    ("excitons", 92): ("up_to", "largest grains (13 for smaller grains)"),
    ("chiral_spin", 2): ("up_to", "highest value"),
    ("chiral_spin", 4): ("up_to", "upper value"),
    ("chiral_spin", 5): ("up_to", "peak value"),
    ("chiral_spin", 6): ("lower", "lower bound (exceeds this)"),
    ("chiral_spin", 8): ("up_to", "maximum"),
    ("chiral_spin", 9): ("up_to", "upper approximate value"),
    ("chiral_spin", 13): ("up_to", "upper value"),
    ("chiral_spin", 17): ("up_to", "upper value"),
    ("chiral_spin", 19): ("up_to", "upper magnitude"),
    ("chiral_spin", 20): ("up_to", "highest magnitude"),
    ("chiral_spin", 21): ("up_to", "upper value"),
    ("chiral_spin", 23): ("up_to", "upper approximate value"),
    ("chiral_spin", 27): ("up_to", "maximum"),
    ("chiral_spin", 38): ("up_to", "highest device"),
    ("chiral_spin", 49): ("up_to", "upper order of magnitude"),
    ("chiral_spin", 50): ("up_to", "upper value"),
    ("chiral_spin", 52): ("up_to", "upper value"),
    ("chiral_spin", 54): ("up_to", "maximum degree of polarisation"),
    ("spin_splitting", 7): ("up_to", "upper value"),
    ("spin_splitting", 15): ("up_to", "maximum over X"),
    ("spin_splitting", 16): ("up_to", "maximum over X"),
    ("spin_splitting", 20): ("up_to", "maximum for electrons"),
}
XRAY_LIMITS: dict[tuple[int, str], tuple[str, str]] = {
    (3, "sensitivity_uC_Gy_cm2"): ("up_to", "upper value"),
    (5, "sensitivity_uC_Gy_cm2"): ("lower", "S quoted as above 700000"),
    (12, "sensitivity_uC_Gy_cm2"): ("up_to", "upper end of a range"),
    (14, "sensitivity_uC_Gy_cm2"): ("lower", "S quoted as larger than 10000"),
    (19, "sensitivity_uC_Gy_cm2"): ("up_to", "upper value"),
    (54, "sensitivity_uC_Gy_cm2"): ("up_to", "upper value"),
    (55, "detection_limit_nGy_s"): ("upper", "lowest dose rate measured directly"),
    (73, "dark_current_nA_cm2"): ("upper", "dark current is an upper bound"),
    (76, "sensitivity_uC_Gy_cm2"): ("lower", "S quoted as above"),
    (76, "detection_limit_nGy_s"): ("upper", "LoD as below these values"),
    (78, "sensitivity_uC_Gy_cm2"): ("up_to", "maximum sensitivity"),
    (93, "resistivity_ohm_cm"): ("lower", "resistivity is a lower bound"),
    (101, "sensitivity_uC_Gy_cm2"): ("up_to", "S is the upper value"),
}

# Numbers that the source does not state as such.
ESTIMATED: dict[Key, str] = {
    ("spin_lifetimes_3d_nc", 12): "order of a nanosecond",
    ("spin_lifetimes_3d_nc", 16): "order of 1 ms",
    ("chiral_spin", 7): "read as EL polarisation",
    ("chiral_spin", 49): "upper order of magnitude",
    ("chiral_spin", 55): "derived from stated intensity ratio",
    ("spin_splitting", 17): "derived: 25 percent below",
    ("spin_splitting", 18): "derived: 70 percent below",
    ("spin_splitting", 19): "order-of-magnitude",
    ("spin_splitting", 20): "length unit taken as Angstrom",
    ("excitons", 55): "origin not stated in the file",
    ("excitons", 59): "origin not stated in the file",
    ("excitons", 100): "consensus estimate of review",
    ("structures", 44): "low trust",
}
XRAY_ESTIMATED: dict[tuple[int, str], str] = {
    (53, "trap_density_cm3"): "trap density order of magnitude only",
    (79, "detection_limit_nGy_s"): "possible misprint for nGy",
    (96, "mu_tau_cm2_V"): "order of magnitude",
    (97, "mu_tau_cm2_V"): "order of magnitude",
}

# Uncertainties that stand only in the note.
UNCERTAINTIES: dict[Key, tuple[float, str]] = {
    ("spin_splitting", 5): (5, "uncertainty 5 meV"),
    ("spin_splitting", 6): (0.1, "uncertainty 0.1 eV Angstrom"),
    ("spin_splitting", 10): (10, "uncertainty 10 meV"),
}
XRAY_UNCERTAINTIES: dict[tuple[int, str], tuple[float, str]] = {
    (4, "sensitivity_uC_Gy_cm2"): (0.4e6, "S +-0.4e6"),
    (4, "detection_limit_nGy_s"): (0.7, "LoD +-0.7"),
    (6, "sensitivity_uC_Gy_cm2"): (0.13e4, "S +-0.13e4"),
    (23, "sensitivity_uC_Gy_cm2"): (228, "S +-228"),
    (61, "sensitivity_uC_Gy_cm2"): (80, "S +-80"),
    (62, "sensitivity_uC_Gy_cm2"): (10, "S +-10"),
    (95, "mobility_cm2_Vs"): (10, "+-10, time of flight"),
}

# Carrier, told only by the note.
CARRIERS: dict[Key, tuple[str, str]] = {
    **{("excitons", n): ("electron", "electrons") for n in (20, 22, 24, 26, 36, 93)},
    **{("excitons", n): ("hole", "holes") for n in (21, 23, 25, 27, 37, 85, 90, 91, 94)},
    **{("excitons", n): ("hole", "hole mobility") for n in (72, 73)},
    **{("excitons", n): ("exciton", "exciton") for n in (31, 32, 33, 38)},
    ("excitons", 42): ("hole", "p-type"),
    ("excitons", 40): ("electron", "n-type FET"),
    ("excitons", 41): ("electron", "n-type FET"),
    ("spin_splitting", 20): ("electron", "maximum for electrons"),
}
XRAY_CARRIERS: dict[tuple[int, str], tuple[str, str]] = {
    (51, "trap_density_cm3"): ("hole", "hole trap density"),
    (65, "mu_tau_cm2_V"): ("electron", "electron mu-tau"),
    (66, "mu_tau_cm2_V"): ("electron", "electron values"),
    (66, "mobility_cm2_Vs"): ("electron", "electron values"),
    (84, "mobility_cm2_Vs"): ("electron", "electron mobility by TOF"),
    (86, "mu_tau_cm2_V"): ("hole", "hole values"),
    (86, "mobility_cm2_Vs"): ("hole", "hole values"),
    (87, "mu_tau_cm2_V"): ("hole", "hole mu-tau"),
    (97, "mu_tau_cm2_V"): ("electron", "electron mu-tau"),
}

# Static or optical dielectric constant, told only by the note.
PERMITTIVITY: dict[int, tuple[str, str]] = {
    7: ("dielectric_constant_effective", "effective value in hydrogenic model"),
    **dict.fromkeys((49, 52, 56, 60, 64, 68, 76), ("dielectric_constant_optical", "optical")),
    **dict.fromkeys((50, 53, 57, 61, 65, 69, 77), ("dielectric_constant_static", "static value")),
}

# Methods that compute and do not measure. The "value adopted" rows are inputs of a calculation.
THEORY_METHODS = {
    "first principles",
    "GW",
    "DFT",
    "DFT (HSE06+SOC)",
    "DFT, 0 K",
    "DFT, room temperature",
    "DFT + k.p",
    "DFT, external field 1.35 V/nm",
    "value adopted in polaron-mobility calculation",
    "value adopted in paper",
}

# Texts that name a certain composition in a spelling or with an abbreviation that the formula reader does not
# take, or would take for something else.
READINGS: dict[str, tuple[str, str]] = {
    "(R/S-MPEA)2(MA)2Pb3I10": ("(R-MPEA)2(MA)2Pb3I10", "one crystal each of both enantiomers; entered under R"),
    "(R/S-MB)2(MA)3Pb4I13": ("(R-MeBA)2(MA)3Pb4I13", "2-methylbutylammonium, both enantiomers; entered under R"),
    "(MBA)2(MA)Pb2I7": ("(R-MBA)2(MA)Pb2I7", "both enantiomers; entered under R"),
    "(MBA)2PbI4": ("(R-MBA)2PbI4", "both enantiomers of alpha-methylbenzylammonium; entered under R"),
    "(MBA)2SnI4": ("(R-MBA)2SnI4", "both enantiomers; entered under R"),
    "(MBA)4Bi2I10": ("(R-MBA)4Bi2I10", "both enantiomers; entered under R"),
    "(MeOMePMA)BiI4": ("(R-4MeO-MBA)BiI4", "4-methoxy-alpha-methylbenzylammonium; both enantiomers, entered under R"),
    "(MPA)2(MA)Pb2I7": ("(R-MPEA)2(MA)Pb2I7", "methylphenethylammonium, R, says the note"),
    "(PPA)(EA)PbCl4": ("(R-PPAm)(EA)PbCl4", "1-phenylpropylammonium, says the note; both enantiomers, entered under R"),
    "(ClMBA)2SnI4": ("(R-4Cl-MBA)2SnI4", "1-(4-chlorophenyl)ethylammonium, chiral; entered under R"),
    "(AP)2BiI7": ("(AmdPY)2BiI7", "4-amidinopyridine, says the common name"),
    "(4AP)PbBr4": ("(AmdPY)PbBr4", "4-amidinopyridinium, says the common name; 4AP is another ion of the library"),
}

# Texts that state a composition outside the formula model (a heterostructure, a solvate, a doped or reference
# material, a hybrid that is no A-B-X halide, or a cation that the library does not have).
OTHER: dict[str, str] = {
    "(MBA)2PbI4/3D perovskite": "heterostructure",
    "(MPA)2(MA)Pb2I7/MAPbI3": "heterostructure",
    "(NEA)2PbBr4/(FAPbI3)0.95(MAPbBr3)0.05": "heterostructure",
    "CsPbBr3 core / NEA 2D chiral perovskite shell": "heterostructure",
    "MAPbBr3/CsPbBr3": "heterostructure",
    "MAPbBr3/Si": "heterostructure",
    "(PEA)2MA3Pb4I13/MAPbI3": "heterostructure",
    "(HtrzT)PbI3/FAPbI3": "heterostructure",
    "BiI/BiI3/BiI": "heterostructure",
    "(3AP)PbBr3Cl.H2O": "hydrate",
    "(S-4NO2-MBA)2PbBr4*H2O": "hydrate",
    "(MA)4PbI6*2H2O": "hydrate",
    "(H2MPz)3Pb2Br10.2DMAc": "solvate",
    "(H2MPz)PbBr4.0.5MeCN": "solvate",
    "(18C6@CHEA)2Cu4Br6": "crown ether complex",
    "(3-aminopyrrolidine dihydrochloride)6(Mn3Cl12)(Cl)6": "manganese halide hybrid",
    "(1,2-diaminopropane dihydrochloride)3(Mn3Cl12)": "manganese halide hybrid",
    "(DACA)MnBr3": "manganese halide hybrid",
    "(3-hydroxypiperidine)MnCl3": "manganese halide hybrid",
    "BiOI": "reference material",
    "BiI3": "reference material",
    "TlBr": "reference material",
    "a-Se": "reference material",
    "Pb2SbS2I3": "reference material",
}

# Texts of unknown composition.
UNKNOWN: dict[str, str] = dict.fromkeys(
    (
        "chiral metal halide (composition not stated in abstract)",
        "metal halide perovskite nanocrystals with chiral CISS layer (composition not on page)",
        "perovskite nanocrystals in helical silica",
        "perovskite nanocrystals in chiral liquid-crystalline matrix",
        "perovskite nanocrystals with chiral gelator",
        "chiral indium halide hybrid (3D member of a 0D-3D series)",
        "chiral halide perovskite on (AlxGa1-x)0.5In0.5P quantum-well LED",
        "MBA-based perovskite (n = 1; halide not in abstract)",
        "MBA-based quasi-2D perovskite (n = 3)",
        "MBA-based quasi-2D perovskite (n = 2)",
        "dual-ligand chiral quasi-2D perovskite (composition not in abstract)",
        "chiral perovskite quantum dots (composition not in abstract)",
        "chiral quasi-2D mixed-halide perovskite (composition not in abstract)",
        "chiral 2D/quasi-2D metal halide heterojunction nanowires (composition not in abstract)",
        "chiral hybrid perovskite nanowires (composition not in abstract)",
        "chiral 2D mixed tin-lead perovskite (composition not in abstract)",
        "reduced-dimensional chiral perovskite (composition not in abstract)",
        "(3-quinuclidinol)MnBr3 family (cation coordinated)",
        "chiral alkanolammonium Mn bromide family (cation not coordinated)",
        "pseudo-2D Ruddlesden-Popper hybrid perovskite (composition not in abstract)",
        "(terphenyl diammonium)Pb halide (Dion-Jacobson)",
        "CsPbX3 (halide not visible)",
        "FA-Cs alloyed ABX3 perovskite (exact alloy not in excerpt)",
        "halide perovskite heterojunction (composition not in excerpt)",
        "perovskite-filled membrane (composition not in excerpt)",
        "FA lead halide/PMA (halide not in excerpt)",
        "perovskite doctor-bladed film (composition not in excerpt)",
        "polycrystalline perovskite (composition not in excerpt)",
        "quasi-2D RP lead perovskite (composition not in excerpt)",
        "2D/3D heterodimensional perovskite (composition not in excerpt)",
        "low-toxicity 2D perovskite (composition not in excerpt)",
        "2D Bi-based A3Bi2X9 mixed halide (composition not in excerpt)",
        "polyimide-perovskite multilayer membrane (perovskite not named in excerpt)",
        "quasi-2D perovskite (composition not in excerpt)",
        "all-inorganic perovskite heterojunction (composition not in excerpt)",
        "2D bilayered Cs hybrid perovskite ferroelectric (formula not in excerpt)",
        "Cs-Pb-Br perovskite (stoichiometry not stated)",
        "DABCO-N2H5-X3 (X = Br or I, best of series)",
        "(R-NH3)2PbX4 (exact composition not in excerpt)",
    ),
    "not stated",
) | {
    "MAPbClxI3-x": "halide ratio not stated",
    "MAxFA1-xPbI3": "x = 0.4 and 0.8 together",
    "MHyPb(Br,Cl)3": "which halide is not stated",
    "(PyrEA)PbI4": "isomer of the cation not stated",
    "(C4H9NH3)2PbI4 (chiral butylammonium)": "isomer of the cation not stated",
    "(FMBA)2PbBr4": "named 4-fluorophenethylamine, which is not chiral",
}

# Rows whose text would parse although the composition is not certain.
UNCERTAIN: dict[Key, str] = {
    ("spin_lifetimes_3d_nc", 19): "without naming which halide",
    ("chiral_spin", 2): "without naming the ligand, formula inferred",
}

# Second sources named in the notes of xray_detectors: the gap or the lattice of these rows was read elsewhere.
SECOND_SOURCES: dict[str, dict[str, Any]] = {
    "https://www.spiedigitallibrary.org/conference-proceedings-of-spie/12696/126960K/CsPbBr3-perovskite-single-"
    "crystals-for-X--and-gamma-radiation/10.1117/12.2676107.short": {
        "doi": "10.1117/12.2676107",
        "located_in": "abstract",
    },
    "https://c.coek.info/pdf-pressure-effect-on-ch3nh3pbbr3-perovskite-films-deposited-by-close-space-sublima.html": {},
    "https://rsc.66557.net/en/content/articlehtml/2023/ra/d3ra00365e": {"doi": "10.1039/d3ra00365e", "year": 2023},
    "http://rgjtxb.jtxb.cn/EN/Y2021/V50/I10/1907": {"first_author": "Sun", "year": 2021, "located_in": "abstract"},
    "https://tomesphere.com/paper/1711.08148": {"doi": "10.48550/arXiv.1711.08148"},
    "https://synapsesocial.com/papers/69d9458e00ab073a27835ac8": {
        "doi": "10.1021/acs.jpclett.5b01432",
        "first_author": "Weller",
        "year": 2015,
        "located_in": "abstract",
    },
}

# ----------------------------------------------------------------------------------------------------------
# Columns
# ----------------------------------------------------------------------------------------------------------

UNITS = {"": "1", "m0": "m_e", "cm2/Vs": "cm^2/(V*s)"}
EXCITON_PROPERTIES = {
    name: name
    for name in (
        "exciton_binding_energy",
        "reduced_mass",
        "electron_mass",
        "hole_mass",
        "band_gap",
        "LO_phonon_energy",
        "mobility",
    )
}
SPLITTING_PROPERTIES = {
    "splitting_energy": "spin_splitting_energy",
    "rashba_alpha": "rashba_alpha",
    "k_offset": "k_offset",
}
STRUCTURE_COLUMNS = {
    "a_A": ("lattice_a", "Angstrom"),
    "b_A": ("lattice_b", "Angstrom"),
    "c_A": ("lattice_c", "Angstrom"),
    "alpha_deg": ("lattice_alpha", "deg"),
    "beta_deg": ("lattice_beta", "deg"),
    "gamma_deg": ("lattice_gamma", "deg"),
    "volume_A3": ("cell_volume", "Angstrom^3"),
    "Z": ("formula_units_per_cell", "1"),
    "mean_M_X_A": ("metal_halide_distance", "Angstrom"),
    "mean_MXM_angle_deg": ("metal_halide_metal_angle", "deg"),
    "layer_spacing_A": ("layer_spacing", "Angstrom"),
}
XRAY_COLUMNS = {
    "sensitivity_uC_Gy_cm2": ("xray_sensitivity", "uC/(Gy*cm^2)"),
    "detection_limit_nGy_s": ("xray_detection_limit", "nGy/s"),
    "dark_current_nA_cm2": ("dark_current_density", "nA/cm^2"),
    "mu_tau_cm2_V": ("mu_tau", "cm^2/V"),
    "mobility_cm2_Vs": ("mobility", "cm^2/(V*s)"),
    "resistivity_ohm_cm": ("resistivity", "ohm*cm"),
    "trap_density_cm3": ("trap_density", "1/cm^3"),
    "trpl_ns": ("pl_lifetime", "ns"),
    "band_gap_eV": ("band_gap", "eV"),
    "a_A": ("lattice_a", "Angstrom"),
    "b_A": ("lattice_b", "Angstrom"),
    "c_A": ("lattice_c", "Angstrom"),
    "alpha_deg": ("lattice_alpha", "deg"),
    "beta_deg": ("lattice_beta", "deg"),
    "gamma_deg": ("lattice_gamma", "deg"),
}
XRAY_OPERATING = {"sensitivity_uC_Gy_cm2", "detection_limit_nGy_s", "dark_current_nA_cm2"}

SPIN52_DOI = "10.1039/d5sc07406a"
SPIN52_REPOSITORY = "https://github.com/DogofKristin-hue/SRR"
HOIP_SOURCE = Source(
    doi="10.1038/sdata.2017.57",
    first_author="Kim",
    year=2017,
    located_in="data set, HSE06 gap",
    evidence="secondary",
    url="https://github.com/aspuru-guzik-group/olympus",
)
THIN_FILM_SOURCE = Source(
    first_author="Sun",
    year=2021,
    located_in="Matter 2021, 4, 1305; data set, mean of repeats",
    evidence="secondary",
    url="https://github.com/aspuru-guzik-group/olympus",
)


def number(text: str) -> float | None:
    """Read the number in a cell, None when it is empty."""
    return float(text) if text.strip() else None


def whole(text: str) -> int | None:
    """Whole number in a cell, None when it is empty."""
    return int(text) if text.strip() else None


def read(path: Path) -> list[Row]:
    """Rows of a source table."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def quoted(decision: tuple[Any, str] | str | None, note: str, place: str) -> Any:
    """Value of a reviewed decision, after checking that the words it rests on are still in the note."""
    if decision is None:
        return None
    value, words = (True, decision) if isinstance(decision, str) else decision
    if words not in note:
        raise SystemExit(f"{place}: the note no longer says '{words}'; review the decision")
    return value


class Used:
    """Reviewed decisions that met a row; one that never does is an error in the mapping."""

    def __init__(self) -> None:
        self.keys: set[tuple[str, object]] = set()

    def get(self, name: str, mapping: dict[Any, Any], key: Any) -> Any:
        """Decision for `key`, remembered as used."""
        if key in mapping:
            self.keys.add((name, key))
        return mapping.get(key)

    def check(self, **mappings: dict[Any, Any]) -> None:
        """Stop if a decision was never used."""
        for name, mapping in mappings.items():
            for key in mapping:
                if (name, key) not in self.keys:
                    raise SystemExit(f"{name}: the decision for {key} was never used")


USED = Used()


def composition(table: str, row: int, text: str, note: str, where: str = "") -> tuple[str, str]:
    """Class of the composition and the formula to read.

    Every text is either read by the formula reader (directly or through READINGS) or listed in OTHER or UNKNOWN.
    """
    if quoted(USED.get("UNCERTAIN", UNCERTAIN, (table, row)), note, f"{table} row {row}"):
        return "unknown", ""
    if USED.get("UNKNOWN", UNKNOWN, text):
        return "unknown", ""
    if USED.get("OTHER", OTHER, text):
        return "other", ""
    reading = USED.get("READINGS", READINGS, text)
    formula = reading[0] if reading else text
    if not is_formula(formula):
        raise SystemExit(f"{table} row {row}: '{text}' can't be read; decide in READINGS, OTHER or UNKNOWN")
    return "known", str(Perovskite.parse(formula))


def make(
    table: str,
    row: int,
    text: str,
    prop: str,
    value: float,
    unit: str,
    source: Source,
    conditions: Conditions,
    note: str,
    column: str = "",
    **other: Any,
) -> Record:
    """Record of one cell of a source table."""
    kind, formula = composition(table, row, text, note)
    record = Record.measured(
        text,
        prop,
        value,
        unit,
        source,
        composition="unknown" if kind == "known" else kind,  # the formula is set below, from the reviewed reading
        conditions=conditions,
        note=note,
        origin=f"{table}.csv:{row}" + (f":{column}" if column else ""),
        record_id=f"{table}-{row:03d}" + (f"-{PROPERTIES[prop].name}" if column else ""),
        **other,
    )
    return replace(record, composition=kind, formula=formula)


def source_of(row: Row) -> Source:
    """Source columns, named alike in all source tables."""
    return Source(
        doi=row["doi"],
        first_author=row["first_author"],
        year=whole(row["year"]),
        located_in=row["located_in"],
        evidence=row["evidence"],  # type: ignore[arg-type]
        url=row["source_url"],
    )


def flags(table: str, index: int, note: str) -> dict[str, Any]:
    """Limit, estimate flag and uncertainty that only the note tells."""
    place = f"{table} row {index}"
    key = (table, index)
    result: dict[str, Any] = {
        "limit": quoted(USED.get("LIMITS", LIMITS, key), note, place) or "value",
        "estimated": bool(quoted(USED.get("ESTIMATED", ESTIMATED, key), note, place)),
    }
    sigma = quoted(USED.get("UNCERTAINTIES", UNCERTAINTIES, key), note, place)
    if sigma is not None:
        result["uncertainty"] = sigma
    return result


def carrier_of(table: str, index: int, text: str) -> str:
    """Carrier that only the note (or the method) tells."""
    return quoted(USED.get("CARRIERS", CARRIERS, (table, index)), text, f"{table} row {index}") or ""


def lifetimes(shared: Path, table: str) -> Iterator[Record]:
    """tau_spin, T1, T2, T2_star; four quantities, never one."""
    for index, row in enumerate(read(shared / f"{table}.csv"), 1):
        convention = ""
        if row["technique"].startswith("Hanle"):
            convention = "hanle_width"
        elif "single-exponential fit of dR(SC)-dR(CC)" in row["note"] or row["doi"] == SPIN52_DOI:
            convention = "polarisation_decay"
        yield make(
            table,
            index,
            row["formula"],
            row["quantity"],
            float(row["value_ps"]),
            "ps",
            source_of(row),
            Conditions(
                dimensionality=row["dimensionality"],
                n_layers=whole(row["n_layers"]),
                form=row["form"].replace("_", " "),
                size_nm=number(row["size_nm"]),
                carrier=row["carrier"],
                technique=row["technique"],
                temperature_k=number(row["temperature_K"]),
                field_t=number(row["field_T"]),
                excitation_nm=number(row["pump_nm"]),
                fluence_uj_cm2=number(row["fluence_uJ_cm2"]),
                lifetime_convention=convention,
            ),
            row["note"],
            **{"uncertainty": number(row["uncertainty_ps"]), **flags(table, index, row["note"])},
        )


AMBIENT_K = 295.0


def spin52(shared: Path) -> Iterator[Record]:
    """Rates of the 52-material table, kept as the lifetimes they are the inverse of."""
    for index, row in enumerate(read(shared / "benchmarks/spin52/spin52.csv"), 1):
        own = row["origin"] == "this_paper"
        note = "rate of the 52-material table, inverted"
        if row["note"]:
            note += f"; {row['note']}"
        if not own:
            note += "; taken by the table's authors from the literature, which paper is not said"
        # the paper measured and collected at ambient temperature, without a number for a row
        note += "; temperature assumed ambient"
        n_layers = int(row["n_layers"])
        record = Record.measured(
            row["name"],
            "tau_spin",
            float(row["rate_per_ps"]),
            "1/ps",
            Source(
                doi=SPIN52_DOI,
                first_author="Li",
                year=2025,
                located_in=f"data table, row {row['row']}",
                evidence="primary" if own else "secondary",
                url=SPIN52_REPOSITORY,
            ),
            composition="unknown",
            conditions=Conditions(
                n_layers=n_layers if n_layers < 100 else None,
                dimensionality="3D" if n_layers == 100 else "layered",
                technique="CPTR" if own else "",
                temperature_k=AMBIENT_K,
                lifetime_convention="polarisation_decay" if own else "",
            ),
            note=note,
            origin=f"spin52.csv:{index}:rate_per_ps",
            record_id=f"spin52-{index:03d}",
        )
        if row["formula"]:
            record = replace(record, composition="known", formula=str(Perovskite.parse(row["formula"])))
        yield record


def g_factors(shared: Path) -> Iterator[Record]:
    """G factors."""
    table = "g_factors"
    for index, row in enumerate(read(shared / f"{table}.csv"), 1):
        yield make(
            table,
            index,
            row["formula"],
            "g_factor",
            float(row["g"]),
            "1",
            source_of(row),
            Conditions(
                dimensionality=row["dimensionality"],
                form=row["form"].replace("_", " "),
                size_nm=number(row["size_nm"]),
                carrier=row["carrier"],
                direction=row["direction"],
                technique=row["technique"],
                temperature_k=number(row["temperature_K"]),
                energy_ev=number(row["energy_eV"]),
            ),
            row["note"],
            **{"uncertainty": number(row["uncertainty"]), **flags(table, index, row["note"])},
        )


def excitons(shared: Path) -> Iterator[Record]:
    """Binding energies, gaps, masses, mobilities, phonons, permittivities."""
    table = "excitons"
    for index, row in enumerate(read(shared / f"{table}.csv"), 1):
        name = row["property"]
        if name == "dielectric_constant":
            prop = quoted(USED.get("PERMITTIVITY", PERMITTIVITY, index), row["note"], f"excitons row {index}")
        else:
            prop = EXCITON_PROPERTIES[name]
        carrier = carrier_of(table, index, f"{row['note']} {row['method']}")
        yield make(
            table,
            index,
            row["formula"],
            prop,
            float(row["value"]),
            UNITS.get(row["unit"], row["unit"]),
            source_of(row),
            Conditions(
                dimensionality=row["dimensionality"],
                n_layers=whole(row["n_layers"]),
                carrier=carrier,
                technique=row["method"],
                temperature_k=number(row["temperature_K"]),
            ),
            row["note"],
            theory=row["method"] in THEORY_METHODS,
            **{"uncertainty": number(row["uncertainty"]), **flags(table, index, row["note"])},
        )


def chiral_spin(shared: Path) -> Iterator[Record]:
    """Chirality and spin selectivity."""
    table = "chiral_spin"
    for index, row in enumerate(read(shared / f"{table}.csv"), 1):
        yield make(
            table,
            index,
            row["formula"],
            row["property"],
            float(row["value"]),
            UNITS.get(row["unit"], row["unit"]),
            source_of(row),
            Conditions(
                dimensionality=row["dimensionality"],
                form=row["form"],
                handedness=row["handedness"],
                technique=row["technique"],
                temperature_k=number(row["temperature_K"]),
                field_t=number(row["field_T"]),
                wavelength_nm=number(row["wavelength_nm"]),
            ),
            row["note"],
            **{"uncertainty": number(row["uncertainty"]), **flags(table, index, row["note"])},
        )


def spin_splitting(shared: Path) -> Iterator[Record]:
    """Spin splitting of bands."""
    table = "spin_splitting"
    for index, row in enumerate(read(shared / f"{table}.csv"), 1):
        yield make(
            table,
            index,
            row["formula"],
            SPLITTING_PROPERTIES[row["property"]],
            float(row["value"]),
            UNITS.get(row["unit"], row["unit"]),
            source_of(row),
            Conditions(
                dimensionality=row["dimensionality"],
                phase=row["phase"],
                carrier=carrier_of(table, index, row["note"]),
                technique=row["method"],
            ),
            row["note"]
            + (f"; bond angle disparity {row['bond_angle_disparity_deg']} deg" * bool(row["bond_angle_disparity_deg"])),
            theory=row["method"] in THEORY_METHODS,
            **flags(table, index, row["note"]),
        )


def structures(shared: Path) -> Iterator[Record]:
    """Cells, melted: one record a cell parameter."""
    table = "structures"
    for index, row in enumerate(read(shared / f"{table}.csv"), 1):
        for column, (prop, unit) in STRUCTURE_COLUMNS.items():
            if row[column]:
                yield make(
                    table,
                    index,
                    row["formula"],
                    prop,
                    float(row[column]),
                    unit,
                    source_of(row),
                    Conditions(
                        dimensionality=row["dimensionality"],
                        n_layers=whole(row["n_layers"]),
                        phase=row["phase"],
                        space_group=row["space_group"],
                        temperature_k=number(row["temperature_K"]),
                        technique="diffraction",
                    ),
                    row["note"],
                    column,
                    **flags(table, index, row["note"]),
                )


def statement(record: Record) -> tuple[object, ...]:
    """Key of what a source says about a material, equal for copies of one reading."""
    return record.formula, record.property, record.value, record.source.doi or record.source.url


def xray_detectors(shared: Path) -> Iterator[Record]:
    """X-ray detectors, melted; a gap or lattice that was read elsewhere and copied beside many rows comes once."""
    everything = list(_xray_detectors(shared))
    seen = {statement(record) for record, copied in everything if not copied}
    seen |= {statement(record) for record in structures(shared)}
    for record, copied in everything:
        if not copied:
            yield record
        elif statement(record) not in seen:
            seen.add(statement(record))
            yield record


def _xray_detectors(shared: Path) -> Iterator[tuple[Record, bool]]:
    """One record a figure, and whether it was copied from another source."""
    table = "xray_detectors"
    for index, row in enumerate(read(shared / f"{table}.csv"), 1):
        note = row["note"]
        second = {
            "gap": re.search(r"gap (\(film\) )?from (\S+?)(?=;|$)", note),
            "lattice": re.search(r"lattice (\(298 K neutron\) )?from (\S+?)(?=;|$)", note),
        }
        own_note = re.sub(r";?\s*(cubic )?(gap|lattice) (\([^)]*\) )?from \S+?(?=;|$)", "", note).strip("; ")
        for column, (prop, unit) in XRAY_COLUMNS.items():
            if not row[column]:
                continue
            kind = "gap" if prop == "band_gap" else "lattice" if prop.startswith("lattice_") else ""
            match = second.get(kind)
            key = (index, column)
            place = f"{table} row {index}, {column}"
            if match:
                url = match.group(2)
                detail = (match.group(1) or "").strip(" ()")
                made = make(
                    table,
                    index,
                    row["formula"],
                    prop,
                    float(row[column]),
                    unit,
                    Source(url=url, **SECOND_SOURCES[url]),
                    Conditions(
                        dimensionality=row["dimensionality"],
                        form="film" if detail == "film" else "",
                        space_group=row["space_group"] if kind == "lattice" else "",
                        temperature_k=298.0 if "298 K" in detail else None,
                        technique="neutron powder diffraction" if "neutron" in detail else "",
                    ),
                    "copied beside the detector rows of this material, read once",
                    column,
                )
                yield made, True
                continue
            operating = column in XRAY_OPERATING
            sigma = quoted(USED.get("XRAY_UNCERTAINTIES", XRAY_UNCERTAINTIES, key), note, place)
            own = make(
                table,
                index,
                row["formula"],
                prop,
                float(row[column]),
                unit,
                source_of(row),
                Conditions(
                    dimensionality=row["dimensionality"],
                    space_group=row["space_group"],
                    form=row["form"],
                    carrier=quoted(USED.get("XRAY_CARRIERS", XRAY_CARRIERS, key), note, place) or "",
                    xray_energy_kev=number(row["xray_energy_keV"]) if operating else None,
                    bias_field_v_mm=number(row["field_V_mm"]) if operating else None,
                    device=row["type"],
                ),
                own_note,
                column,
                limit=quoted(USED.get("XRAY_LIMITS", XRAY_LIMITS, key), note, place) or "value",
                estimated=bool(quoted(USED.get("XRAY_ESTIMATED", XRAY_ESTIMATED, key), note, place)),
                uncertainty=sigma,
            )
            yield own, False


def hoip192(shared: Path) -> Iterator[Record]:
    """HSE06 gaps: theory."""
    library = IonLibrary.default()
    with (shared / "benchmarks/olympus/perovskites/data.csv").open(encoding="utf-8", newline="") as handle:
        for index, (cation, metal, halide, gap) in enumerate(csv.reader(handle), 1):
            symbol = library.get(cation).symbol
            formula = str(Perovskite.parse(f"({symbol}){metal}{halide}3"))
            yield Record.measured(
                formula,
                "band_gap",
                float(gap),
                "eV",
                HOIP_SOURCE,
                conditions=Conditions(technique="HSE06"),
                theory=True,
                note=f"{cation} {metal} {halide}; hypothetical structures among them",
                origin=f"olympus/perovskites/data.csv:{index}",
                record_id=f"hoip192-{index:03d}",
            )


def alloy(amounts: Iterable[tuple[str, str]]) -> str:
    """Write the formula of an alloy from fractions given as decimals."""
    site = ""
    for symbol, amount in amounts:
        fraction = Decimal(amount).normalize()
        if fraction:
            site += symbol + ("" if fraction == 1 else format(fraction, "f"))
    return f"{site}PbI3"


def thin_film(shared: Path) -> Iterator[Record]:
    """Instability of alloy films (mean of the repeats)."""
    with (shared / "benchmarks/olympus/thin_film/data.csv").open(encoding="utf-8", newline="") as handle:
        for index, (caesium, formamidinium, methylammonium, value) in enumerate(csv.reader(handle), 1):
            fractions = [("FA", formamidinium), ("MA", methylammonium), ("Cs", caesium)]
            total = sum(Decimal(amount) for _, amount in fractions)
            whole_site = total == 1
            note = "accelerated ageing; lower is more stable"
            if not whole_site:
                note += f"; the fractions add up to {total}"
            yield Record.measured(
                alloy(fractions),
                "instability_index",
                float(value),
                "1",
                THIN_FILM_SOURCE,
                composition=None if whole_site else "unknown",
                conditions=Conditions(form="film", dimensionality="3D"),
                note=note,
                origin=f"olympus/thin_film/data.csv:{index}",
                record_id=f"thin_film-{index:03d}",
            )


# ----------------------------------------------------------------------------------------------------------
# The corrected copy of the 52-material table
# ----------------------------------------------------------------------------------------------------------

PAULING = {"H": 2.20, "C": 2.55, "N": 3.04, "O": 3.44, "F": 3.98, "S": 2.58, "Br": 2.96, "I": 2.66, "Cs": 0.79}
RADIUS_PB, RADIUS_I, RADIUS_BR = 1.19, 2.20, 1.96
ELECTRONEGATIVITY_ROWS = (15, 33, 39, 40, 41, 47)


def _mean_electronegativity(material: Perovskite) -> float:
    """Amount-weighted mean over the organic cations of the plain mean over each cation's atoms."""
    total = weight = 0.0
    for ion, amount in material.organic:
        counts = ion.composition
        mean = sum(PAULING[element] * n for element, n in counts.items()) / sum(counts.values())
        total, weight = total + float(amount) * mean, weight + float(amount)
    return total / weight


def corrections(shared: Path) -> list[dict[str, str]]:
    """Every changed cell of spin52: row, column, published, corrected (empty: missing), reason."""
    rows = {int(row["row"]): row for row in read(shared / "benchmarks/spin52/spin52.csv")}
    result: list[dict[str, str]] = []

    def change(number_: int, column: str, corrected: float | str | None, reason: str) -> None:
        text = "" if corrected is None else corrected if isinstance(corrected, str) else f"{corrected:.7g}"
        result.append(
            {
                "row": str(number_),
                "column": column,
                "published": rows[number_][column],
                "corrected": text,
                "reason": reason,
            }
        )

    for number_, row in rows.items():
        if row["formula"]:
            canonical = str(Perovskite.parse(row["formula"]))
            if canonical != row["formula"]:
                change(number_, "formula", canonical, "canonical spelling")
        if row["n_layers"] == "100":
            change(number_, "n_layers", None, "100 stands for 3D, which has no layer number; see inverse_n = 0")
    for number_ in (36, 37):
        for column in ("homo_ev", "lumo_ev", "homo_lumo_gap_ev"):
            change(number_, column, None, "zero is a placeholder: Cs+ was not computed")
        change(
            number_,
            "polarisability_bohr3",
            None,
            "59.42 is the polarisability of the neutral Cs atom in A^3 (401 bohr^3); Cs+ was not computed",
        )
    change(
        37,
        "tolerance_factor",
        float(goldschmidt_tolerance(1.88, RADIUS_PB, RADIUS_BR)),
        "printed value is that of CsPbI3; Goldschmidt with r(Br) = 1.96 A",
    )
    butyl, formamidinium, methyl = (float(rows[n]["molecular_radius_a"]) for n in (2, 33, 22))
    for number_, radius, parts in (
        (15, (2 * butyl + formamidinium) / 3, "2 BA + FA"),
        (18, (2 * butyl + 3 * methyl) / 5, "2 BA + 3 MA"),
    ):
        reason = f"printed value is that of BA alone; average over {parts}, as in the other columns"
        change(number_, "molecular_radius_a", radius, reason)
        change(number_, "tolerance_factor", float(goldschmidt_tolerance(radius, RADIUS_PB, RADIUS_I)), reason)
    for number_ in (7, 8, 9, 10):
        for column in ("homo_ev", "lumo_ev", "homo_lumo_gap_ev"):
            change(
                number_,
                column,
                None,
                "orbital energies of the aromatic 3AMPY: the cation values behind rows 7 to 10 equal those behind row "
                "44 to 0.1 meV, and Hartree-Fock/def2-TZVP gives 3AMP -20.7 and -5.2 eV, 3AMPY -18.7 and -7.0 eV",
            )
    amp = float(rows[10]["polarisability_bohr3"])
    methyl_alpha = float(rows[22]["polarisability_bohr3"])
    change(
        9,
        "polarisability_bohr3",
        (amp + methyl_alpha) / 2,
        "slip of one digit: the average of 3AMP (row 10) and MA is 43.498, as rows 7 and 8 confirm",
    )
    iodo = float(rows[29]["polarisability_bohr3"])
    for number_, others in ((30, 1), (31, 2), (32, 3)):
        change(
            number_,
            "polarisability_bohr3",
            round((2 * iodo + others * methyl_alpha) / (2 + others), 4),
            "averaged from 52.164 for the iodoethylammonium that row 29 gives as 56.124 (two digits exchanged); "
            "our calculation with the published recipe gives 56.4, so row 29 is kept",
        )
    azo = Perovskite.parse("(APD)PbI4")
    change(
        47,
        "molar_mass",
        float(azo.organic[0][0].molar_mass_g_mol),
        "two hydrogens too many; azobispyridinium C10H10N4",
    )
    for number_ in ELECTRONEGATIVITY_ROWS:
        value = _mean_electronegativity(Perovskite.parse(rows[number_]["formula"]))
        change(
            number_,
            "electronegativity",
            round(value, 4),
            "not the plain mean over the cation's atoms that the other rows are (an atom left out or counted twice)",
        )
    return sorted(result, key=lambda item: int(item["row"]))


# ----------------------------------------------------------------------------------------------------------
# Writing
# ----------------------------------------------------------------------------------------------------------


def write_rows(path: Path, header: list[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a plain table (UTF-8, LF)."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


VAPDIFF_COLUMNS = [
    "organic",
    "organic_molarity_mol_l",
    "solvent",
    "solvent_molarity_mol_l",
    "lead_iodide_molarity_mol_l",
    "acid_molarity_mol_l",
    "first_vial_volume_l",
    "second_vial_volume_l",
    "reaction_time_s",
    "temperature_c",
    "crystal_score",
]


def benchmark_tables(shared: Path, out: Path) -> None:
    """Copy the benchmark tables; those without a header get one."""
    source = shared / "benchmarks"
    for folder in ("spin52", "olympus", "cif", "hanle"):
        (out / folder).mkdir(parents=True, exist_ok=True)

    def copy(name: Path, target: Path) -> None:
        shutil.copyfile(name, target)

    copy(source / "spin52/spin52.csv", out / "spin52/spin52.csv")
    copy(source / "spin52/LICENSE", out / "spin52/LICENSE")
    fixes = corrections(shared)
    header = ["row", "column", "published", "corrected", "reason"]
    write_rows(out / "spin52/spin52_corrections.csv", header, ([fix[name] for name in header] for fix in fixes))
    copy(source / "olympus/LICENSE", out / "olympus/LICENSE")
    for name, target, columns in (
        ("perovskites/data.csv", "hoip192.csv", ["cation", "metal", "halide", "gap_ev"]),
        (
            "thin_film/data.csv",
            "thin_film.csv",
            ["cspbi3_fraction", "fapbi3_fraction", "mapbi3_fraction", "instability_index"],
        ),
        ("vapdiff_crystal/data.csv", "vapdiff_crystal.csv", VAPDIFF_COLUMNS),
        ("vapdiff_crystal/descriptors.csv", "vapdiff_descriptors.csv", ["role", "compound", "descriptor", "value"]),
    ):
        with (source / "olympus" / name).open(encoding="utf-8", newline="") as handle:
            write_rows(out / "olympus" / target, columns, csv.reader(handle))
    with (source / "olympus/thin_film/raw_data.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    header = ["cspbi3_fraction", "fapbi3_fraction", "mapbi3_fraction", "instability_index"]
    write_rows(out / "olympus/thin_film_repeats.csv", header, rows[1:])
    for name_ in ("CsPbI3_delta_COD4335639.cif", "PEA2PbCl4_HybriD3_216.cif", "README.md"):
        copy(shared / "cif" / name_, out / "cif" / name_)
    hanle = shared / "measurements/hanle"
    copy(hanle / "fig_4a_difference.json", out / "hanle/fig_4a_difference.json")
    copy(hanle / "LICENSE.txt", out / "hanle/LICENSE")


def record_tables(shared: Path, out: Path) -> None:
    """Write the tidy tables of records."""
    tables = {
        **{
            name: lifetimes(shared, name)
            for name in ("spin_lifetimes_layered", "spin_lifetimes_3d_nc", "spin_lifetimes_papers")
        },
        "spin52": spin52(shared),
        "g_factors": g_factors(shared),
        "spin_splitting": spin_splitting(shared),
        "excitons": excitons(shared),
        "chiral_spin": chiral_spin(shared),
        "structures": structures(shared),
        "xray_detectors": xray_detectors(shared),
        "hoip192": hoip192(shared),
        "thin_film": thin_film(shared),
    }
    folder = out / "records"
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in tables.items():
        count = write_records(records, folder / f"{name}.csv")
        print(f"{name}: {count} records")
    USED.check(
        LIMITS=LIMITS,
        XRAY_LIMITS=XRAY_LIMITS,
        ESTIMATED=ESTIMATED,
        XRAY_ESTIMATED=XRAY_ESTIMATED,
        UNCERTAINTIES=UNCERTAINTIES,
        XRAY_UNCERTAINTIES=XRAY_UNCERTAINTIES,
        CARRIERS=CARRIERS,
        XRAY_CARRIERS=XRAY_CARRIERS,
        PERMITTIVITY=PERMITTIVITY,
        READINGS=READINGS,
        OTHER=OTHER,
        UNKNOWN=UNKNOWN,
        UNCERTAIN=UNCERTAIN,
    )


def main() -> None:
    """Convert everything, then bring the counts in DATA.md up to date."""
    from perospin.database.summary import update_counts

    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shared", type=Path, required=True, help="folder with the source tables")
    parser.add_argument("--out", type=Path, default=root / "src/perospin/database/tables")
    arguments = parser.parse_args()
    benchmark_tables(arguments.shared, arguments.out)
    record_tables(arguments.shared, arguments.out)
    if arguments.out == root / "src/perospin/database/tables":
        update_counts(root / "DATA.md")


if __name__ == "__main__":
    main()
