"""Make the ion tables that perospin ships, from one reviewed cation table, RDKit and pymatgen.

The results in ``src/perospin/chemistry/data/`` are reviewed text: the package reads them without RDKit or
pymatgen, and ``tests/chemistry/test_ion_tables.py`` checks every row again.

Usage: ``python scripts/build_ion_library.py path/to/cations.csv``
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from pymatgen.core import Composition, Element
from rdkit import Chem

DATA = Path(__file__).parents[1] / "src" / "perospin" / "chemistry" / "data"

#: Aliases of the source table that name the iodide salt, not the cation.
SALTS = {"PEAI", "NMAI", "TTDMAI"}

#: Aliases that several ions claim although one meaning is meant nearly always; read as that one.
PRIMARY = {"MBA": "rac-MBA"}

#: More ways of writing an ion that tables and papers use (abbreviations).
MORE_ALIASES: dict[str, list[str]] = {
    "MORPH": ["Mor", "morpholinium"],
    "13-BMACH": ["1,3-BMACH"],
    "PeDA": ["1,5-PDA", "1,5-PeDA"],
    "4AMPY": ["4-AMPy", "4AMPy"],
    "3AMPY": ["3-AMPy", "3AMPy"],
    "2AEPY": ["PyrEA (ambiguous)"],
    "3AEPY": ["PyrEA (ambiguous)"],
    "4AEPY": ["PyrEA (ambiguous)"],
    "3AP": ["AP (ambiguous)"],
    "4AP": ["AP (ambiguous)"],
    "rac-MBA": ["R/S-MBA"],
    "NEA": ["R/S-NEA"],
    "R-4F-MBA": ["R-FMBA", "R-4FMBA"],
    "S-4F-MBA": ["S-FMBA", "S-4FMBA"],
    "R-4Cl-MBA": ["R-ClMBA", "R-4ClMBA"],
    "S-4Cl-MBA": ["S-ClMBA", "S-4ClMBA"],
    "R-4Br-MBA": ["R-BrMBA", "R-4BrMBA"],
    "S-4Br-MBA": ["S-BrMBA", "S-4BrMBA"],
    "R-4MeO-MBA": ["R-MeOMePMA"],
    "S-4MeO-MBA": ["S-MeOMePMA"],
    "S-MeBA": ["S-MB"],
    "R-MeBA": ["R-MB"],
    "IEA": ["EIA"],
    "R-MPEA": ["MPA (ambiguous)"],
    "S-MPEA": ["MPA (ambiguous)"],
    "4F-PMA": ["F-BZA", "4F-BZA"],
    "4Cl-PMA": ["Cl-BZA", "4Cl-BZA"],
    "4Br-PMA": ["Br-BZA", "4Br-BZA"],
    "4I-PMA": ["I-BZA", "4I-BZA"],
    "GUA": ["Guan"],
}

#: Drawings of the source table that aren't what the row's own name says, with the right ones.
REDRAWN = {"4Tm": "Cc1ccsc1-c1ccc(-c2sc(-c3ccc(CC[NH3+])s3)cc2C)s1"}  # 4'-methyl, not 3'-methyl

#: Linear structural formulae; each is checked to have the composition of its ion.
STRUCTURAL: dict[str, list[str]] = {
    "MA": ["CH3NH3", "NH3CH3", "H3CNH3"],
    "FA": ["HC(NH2)2", "CH(NH2)2", "NH2CHNH2", "H2NCHNH2", "CH5N2", "CHN2H4", "(NH2)2CH"],
    "NH4": ["NH4"],
    "GUA": ["C(NH2)3", "(NH2)3C", "CN3H6"],
    "AA": ["CH3C(NH2)2"],
    "DMA": ["(CH3)2NH2", "NH2(CH3)2", "CH3NH2CH3"],
    "TriMA": ["(CH3)3NH", "NH(CH3)3"],
    "TMA": ["(CH3)4N", "N(CH3)4"],
    "EA": ["C2H5NH3", "CH3CH2NH3", "NH3C2H5"],
    "HZ": ["N2H5", "NH2NH3", "NH3NH2"],
    "HAm": ["NH3OH"],
    "MHy": ["CH3NH2NH2", "NH2NH2CH3"],
    "IPA": ["(CH3)2CHNH3", "i-C3H7NH3", "iso-C3H7NH3"],
    "DEA": ["(C2H5)2NH2", "(CH3CH2)2NH2"],
    "TMS": ["(CH3)3S"],
    "AZ": ["(CH2)3NH2"],
    "iBA": ["(CH3)2CHCH2NH3", "i-C4H9NH3", "iso-C4H9NH3"],
    "sBA": ["CH3CH2CH(CH3)NH3", "C2H5CH(CH3)NH3"],
    "tBA": ["(CH3)3CNH3", "t-C4H9NH3"],
    "iPeA": ["(CH3)2CHCH2CH2NH3", "(CH3)2CH(CH2)2NH3"],
    "NPA": ["(CH3)3CCH2NH3"],
    "OLA": ["C18H35NH3"],
    "ALA": ["CH2CHCH2NH3"],
    "PGA": ["CHCCH2NH3"],
    "EOA": ["HOC2H4NH3", "HOCH2CH2NH3", "HO(CH2)2NH3", "OHC2H4NH3", "OHCH2CH2NH3", "OH(CH2)2NH3"],
    "HPA": ["HO(CH2)3NH3", "HOC3H6NH3", "HOCH2CH2CH2NH3"],
    "ClEA": ["ClC2H4NH3", "ClCH2CH2NH3", "Cl(CH2)2NH3"],
    "BrEA": ["BrC2H4NH3", "BrCH2CH2NH3", "Br(CH2)2NH3"],
    "IEA": ["IC2H4NH3", "ICH2CH2NH3", "I(CH2)2NH3"],
    "FEA": ["FC2H4NH3", "FCH2CH2NH3"],
    "TFEA": ["CF3CH2NH3"],
    "ClPA": ["ClC3H6NH3", "Cl(CH2)3NH3"],
    "BrPA": ["BrC3H6NH3", "Br(CH2)3NH3"],
    "3I-PA": ["IC3H6NH3", "I(CH2)3NH3"],
    "4I-BA": ["IC4H8NH3", "I(CH2)4NH3"],
    "CNEA": ["NCCH2CH2NH3", "NC(CH2)2NH3"],
    "MTEA": ["CH3SCH2CH2NH3", "CH3S(CH2)2NH3"],
    "SEA": ["HSCH2CH2NH3", "HS(CH2)2NH3"],
    "GLY": ["HOOCCH2NH3", "COOHCH2NH3"],
    "GABA": ["HOOC(CH2)3NH3"],
    "AVA": ["HOOC(CH2)4NH3"],
    "AN": ["C6H5NH3"],
    "PMA": ["C6H5CH2NH3", "C6H5(CH2)NH3", "PhCH2NH3"],
    "PEA": ["C6H5C2H4NH3", "C6H5CH2CH2NH3", "C6H5(CH2)2NH3", "NH3C2H4C6H5", "PhCH2CH2NH3", "PhC2H4NH3"],
    "PPA": ["C6H5(CH2)3NH3", "C6H5C3H6NH3", "C6H5CH2CH2CH2NH3"],
    "PBA": ["C6H5(CH2)4NH3", "C6H5C4H8NH3"],
    "POEA": ["C6H5OCH2CH2NH3", "C6H5OC2H4NH3", "C6H5O(CH2)2NH3"],
    "rac-MBA": ["C6H5CH(CH3)NH3", "C6H5CHCH3NH3"],
    "R-MBA": ["R-C6H5CH(CH3)NH3", "R-C6H5CHCH3NH3"],
    "S-MBA": ["S-C6H5CH(CH3)NH3", "S-C6H5CHCH3NH3"],
    "ThMA": ["C4H3SCH2NH3"],
    "ThEA": ["C4H3SCH2CH2NH3", "C4H3SC2H4NH3", "C4H3S(CH2)2NH3"],
    "FuMA": ["C4H3OCH2NH3"],
    "CHA": ["C6H11NH3"],
    "CMA": ["C6H11CH2NH3"],
    "2-CHEA": ["C6H11CH2CH2NH3", "C6H11C2H4NH3", "C6H11(CH2)2NH3"],
    "CHEA": ["C6H9C2H4NH3", "C6H9CH2CH2NH3", "C6H9(CH2)2NH3"],
    "CPA3": ["C3H5NH3"],
    "CBA": ["C4H7NH3"],
    "NMA": ["C10H7CH2NH3"],
    "4CF3-PMA": ["CF3C6H4CH2NH3"],
    "4MeO-PMA": ["CH3OC6H4CH2NH3"],
    "4Me-PMA": ["CH3C6H4CH2NH3"],
    "4Me-PEA": ["CH3C6H4(CH2)2NH3", "CH3C6H4C2H4NH3", "CH3C6H4CH2CH2NH3"],
    "4MeO-PEA": ["CH3OC6H4(CH2)2NH3", "CH3OC6H4C2H4NH3", "CH3OC6H4CH2CH2NH3"],
    "F5-PMA": ["C6F5CH2NH3"],
    "F5-PEA": ["C6F5CH2CH2NH3", "C6F5C2H4NH3", "C6F5(CH2)2NH3"],
    "CYS": ["NH3(CH2)2SS(CH2)2NH3", "NH3C2H4SSC2H4NH3", "NH3CH2CH2SSCH2CH2NH3"],
    "EDBE": ["NH3CH2CH2OCH2CH2OCH2CH2NH3", "NH3(CH2)2O(CH2)2O(CH2)2NH3"],
    "PDMA": ["NH3CH2C6H4CH2NH3"],
    "CHDMA": ["NH3CH2C6H10CH2NH3"],
    "pPDA": ["NH3C6H4NH3"],
}
for _halogen in ("F", "Cl", "Br", "I"):  # a halogen without a position means para
    STRUCTURAL[f"4{_halogen}-PMA"] = [f"{_halogen}C6H4CH2NH3"]
    STRUCTURAL[f"4{_halogen}-PEA"] = [
        f"{_halogen}C6H4CH2CH2NH3",
        f"{_halogen}C6H4C2H4NH3",
        f"{_halogen}C6H4(CH2)2NH3",
    ]
_CHAINS = ["PA", "BA", "PeA", "HA", "HpA", "OA", "NoA", "DA", "UDA", "DDA", "-", "TDA", "-", "HDAm", "-", "ODAm"]
for _n, _symbol in enumerate(_CHAINS, start=3):
    if _symbol != "-":
        STRUCTURAL.setdefault(_symbol, []).extend(
            [f"C{_n}H{2 * _n + 1}NH3", f"CH3(CH2){_n - 1}NH3", f"n-C{_n}H{2 * _n + 1}NH3"]
        )
STRUCTURAL["PA"] += ["CH3CH2CH2NH3"]
STRUCTURAL["BA"] += ["CH3CH2CH2CH2NH3"]
_DICHAINS = ["EDA", "PDA", "BDA", "PeDA", "HDA", "HpDA", "ODA", "NDA", "DeDA", "-", "DDDA"]
for _n, _symbol in enumerate(_DICHAINS, start=2):
    if _symbol != "-":
        STRUCTURAL[_symbol] = [
            f"NH3(CH2){_n}NH3",
            f"H3N(CH2){_n}NH3",
            f"NH3C{_n}H{2 * _n}NH3",
            f"H3NC{_n}H{2 * _n}NH3",
        ]

#: Cations that the shared measurement tables name and the cation table lacks.
#: (symbol, aliases, name, SMILES, charge, role, note)
MORE_CATIONS = [
    ("R-MeBA", ["R-2-MeBA"], "(R)-2-methylbutylammonium", "CC[C@@H](C)C[NH3+]", 1, "spacer", "mirror image of S-MeBA"),
    ("3F-CBA", [], "3-fluorocyclobutylammonium", "FC1CC(C1)[NH3+]", 1, "spacer", "drawn without cis/trans"),
    (
        "AG",
        ["AGA"],
        "aminoguanidinium",
        "NNC(N)=[NH2+]",
        1,
        "a_site",
        "charge is delocalised; SMILES is one resonance form",
    ),
    (
        "DMBG",
        ["DGA"],
        "N,N-dimethylbiguanidium(2+)",
        "CN(C)C(=[NH2+])NC(N)=[NH2+]",
        2,
        "spacer",
        "dimethylbiguanide, doubly protonated; one tautomer",
    ),
    ("MPDAm", ["H2MDAP"], "N-methylpropane-1,3-diammonium", "C[NH2+]CCC[NH3+]", 2, "spacer", ""),
    (
        "MDABCO",
        [],
        "1-methyl-1,4-diazabicyclo[2.2.2]octane-1,4-diium",
        "C[N+]12CC[NH+](CC1)CC2",
        2,
        "spacer",
        "A site of metal-free perovskites",
    ),
    (
        "AmdPY",
        ["4-AmdPY", "AP (ambiguous)"],
        "4-amidinopyridinium(2+)",
        "NC(=[NH2+])c1cc[nH+]cc1",
        2,
        "spacer",
        "printed AP or 4AP in places; here 4AP is 4-ammoniopiperidinium",
    ),
]

#: Metals with their common charges, the most common first. A formula's neutrality chooses among these.
METALS: dict[str, tuple[int, ...]] = {
    "Pb": (2,), "Sn": (2, 4), "Ge": (2, 4), "Cu": (2, 1), "Mn": (2,), "Bi": (3,), "Sb": (3, 5), "Ag": (1,),
    "In": (3, 1), "Te": (4,), "Au": (3, 1), "Cd": (2,), "Fe": (2, 3), "Co": (2,), "Ni": (2,), "Zn": (2,),
    "Hg": (2,), "Pd": (2, 4), "Pt": (4, 2), "Cr": (3, 2), "Ti": (4,), "Zr": (4,), "Hf": (4,), "Na": (1,),
    "Li": (1,), "Mg": (2,), "Ca": (2,), "Sr": (2,), "Ba": (2,), "Al": (3,), "Ga": (3,), "V": (3, 2),
    "Mo": (3, 4), "Ru": (3, 4), "Rh": (3,), "Ir": (4, 3), "Sc": (3,), "Y": (3,), "La": (3,), "Ce": (3,),
    "Pr": (3,), "Nd": (3,), "Sm": (3, 2), "Eu": (2, 3), "Gd": (3,), "Tb": (3,), "Dy": (3, 2), "Ho": (3,),
    "Er": (3,), "Tm": (3, 2), "Yb": (3, 2), "Lu": (3,),
}  # fmt: skip

#: symbol, aliases, name, SMILES
ANIONS = [
    ("F", ["fluorine"], "fluoride", "[F-]"),
    ("Cl", ["chlorine"], "chloride", "[Cl-]"),
    ("Br", ["bromine"], "bromide", "[Br-]"),
    ("I", ["iodine"], "iodide", "[I-]"),
    ("SCN", ["NCS", "CNS"], "thiocyanate", "[S-]C#N"),
    ("OCN", ["NCO", "CNO"], "cyanate", "[O-]C#N"),
    ("SeCN", [], "selenocyanate", "[Se-]C#N"),
    ("CN", [], "cyanide", "[C-]#N"),
    ("N3", [], "azide", "[N-]=[N+]=[N-]"),
    ("BF4", [], "tetrafluoroborate", "F[B-](F)(F)F"),
    ("PF6", [], "hexafluorophosphate", "F[P-](F)(F)(F)(F)F"),
    ("BH4", [], "borohydride", "[BH4-]"),
    ("NO3", [], "nitrate", "[O-][N+](=O)[O-]"),
    ("ClO4", [], "perchlorate", "[O-][Cl+3]([O-])([O-])[O-]"),
    ("HCOO", ["HCO2", "CHOO", "CHO2"], "formate", "[O-]C=O"),
    ("CH3COO", ["OAc", "CH3CO2", "C2H3O2"], "acetate", "CC(=O)[O-]"),
    ("H2PO2", ["H2POO"], "hypophosphite", "[PH2](=O)[O-]"),
    ("TFSI", [], "bis(trifluoromethanesulfonyl)imide", "FC(F)(F)S(=O)(=O)[N-]S(=O)(=O)C(F)(F)F"),
]

ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X",
         11: "XI", 12: "XII", 14: "XIV"}  # fmt: skip

PYMATGEN = "Shannon, Acta Cryst. A 32, 751 (1976), doi 10.1107/S0567739476001551, through pymatgen"
BARTEL = (
    "not in Shannon's table; 115 pm in https://github.com/CJBartel/perovskite-stability "
    "(doi 10.1126/sciadv.aav0693); others use 110 pm"
)


def composition(smiles: str) -> str:
    """Hill formula of a SMILES, hydrogens included, without the charge."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    counts: dict[str, int] = {}
    for atom in molecule.GetAtoms():
        counts[atom.GetSymbol()] = counts.get(atom.GetSymbol(), 0) + 1
    order = sorted(counts, key=lambda s: (s != "C" or "C" not in counts, s != "H" or "C" not in counts, s))
    return "".join(s + (str(counts[s]) if counts[s] > 1 else "") for s in order)


def write(name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write one table as UTF-8 CSV with Unix line ends."""
    with (DATA / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def cation_rows(source: Path) -> list[list[object]]:
    """Read the source table and add aliases, structural formulae and compositions."""
    raw: list[list[object]] = []
    claims: dict[str, list[str]] = {}
    with source.open(encoding="utf-8", newline="") as file:
        table = [
            (
                row["abbreviation"],
                [alias.strip() for alias in row["aliases"].split(";") if alias.strip()],
                row["name"],
                REDRAWN.get(row["abbreviation"], row["smiles"]),
                int(row["charge"]),
                "a_site" if row["role"] == "a_site" else "spacer",
                row["note"],
                row["effective_radius_pm"],
                row["radius_source"],
            )
            for row in csv.DictReader(file)
        ]
    table += [(*more, "", "") for more in MORE_CATIONS]
    symbols = {row[0] for row in table}
    unknown = (set(MORE_ALIASES) | set(STRUCTURAL)) - symbols
    if unknown:
        raise SystemExit(f"aliases for symbols that aren't in the table: {sorted(unknown)}")
    for symbol, aliases, name, smiles, charge, role, note, radius, radius_source in table:
        hill = composition(smiles)
        structural = list(dict.fromkeys(STRUCTURAL.get(symbol, [])))
        for formula in structural:
            bare = re.sub(r"^(?:[RS]|n|i|t|iso)-", "", formula).replace("Ph", "C6H5")
            if Composition(bare) != Composition(hill):
                raise SystemExit(f"{symbol}: {formula} is not {hill}")
        plain, ambiguous = [], []
        for alias in [*aliases, *MORE_ALIASES.get(symbol, [])]:
            short = alias.replace("(ambiguous)", "").strip()
            if short in SALTS or short in structural or short == symbol:
                continue
            if short != alias:
                if short in symbols or PRIMARY.get(short, symbol) != symbol:
                    continue  # the primary meaning wins
                if short not in PRIMARY:
                    ambiguous.append(short)
                    continue
            plain.append(short)
        for alias in dict.fromkeys([*plain, *structural]):
            claims.setdefault(alias, []).append(symbol)
        raw.append(
            [symbol, ";".join(dict.fromkeys(plain)), ";".join(dict.fromkeys(ambiguous)), ";".join(structural),
             name, smiles, charge, role, hill, radius, radius_source, note]
        )  # fmt: skip
    clash = {a: s for a, s in claims.items() if len(s) > 1 or (a in symbols and s != [a])}
    if clash:
        raise SystemExit(f"aliases claimed twice without '(ambiguous)': {clash}")
    return raw


def shannon_rows() -> list[list[object]]:
    """All radii of Shannon's table that pymatgen holds, plus Sn(II)."""
    rows: list[list[object]] = []
    for element in sorted(Element, key=lambda e: e.Z):
        for charge, sites in (element.data.get("Shannon radii") or {}).items():
            if not charge:
                continue
            for coordination, spins in sites.items():
                for spin, radii in spins.items():
                    rows.append(
                        [element.symbol, int(charge), coordination, spin.lower().replace(" ", "_"),
                         round(radii["ionic_radius"] * 100, 2), round(radii["crystal_radius"] * 100, 2),
                         PYMATGEN if not rows else "as above"]
                    )  # fmt: skip
    rows.append(["Sn", 2, "VI", "", 115, "", BARTEL])
    return rows


def main(source: Path) -> None:
    """Write the five tables."""
    DATA.mkdir(exist_ok=True)
    cations = cation_rows(source)
    write(
        "cations.csv",
        ["symbol", "aliases", "ambiguous_aliases", "structural_formulae", "name", "smiles", "charge", "role",
         "composition", "radius_pm", "radius_source", "note"],
        cations,
    )  # fmt: skip
    radii = shannon_rows()
    write(
        "shannon_radii.csv",
        ["element", "charge", "coordination", "spin", "ionic_radius_pm", "crystal_radius_pm", "source"],
        radii,
    )
    metals = [
        [symbol, f"{Element(symbol).long_name.lower()}({ROMAN[charge]})", charge]
        for symbol, charges in METALS.items()
        for charge in charges
    ]
    write("metals.csv", ["symbol", "name", "charge"], metals)
    anions = [[s, ";".join(a), name, smiles, -1, composition(smiles)] for s, a, name, smiles in ANIONS]
    write("anions.csv", ["symbol", "aliases", "name", "smiles", "charge", "composition"], anions)
    table = Chem.GetPeriodicTable()
    masses = [[table.GetElementSymbol(z), z, table.GetAtomicWeight(z)] for z in range(1, 84)]
    write("elements.csv", ["symbol", "atomic_number", "atomic_mass_g_mol"], masses)
    print(f"{len(cations)} cations, {len(metals)} metal ions, {len(anions)} anions, {len(radii)} radii -> {DATA}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
