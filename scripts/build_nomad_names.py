"""Make the table of names of the Perovskite Database's ion list, from its workbook, RDKit and our ion library.

Each A-site row of the workbook gets a verdict:

- ``known``: the drawn cation is in our library (column `symbol`).
- ``protons``: it is one of ours with another number of protons, or with them on another nitrogen.
- ``hand``: it is one of ours once the hand that the row's name states is drawn.
- ``added``: drawing, formula, parent compound and names agree on a cation that our library lacked: it is added.
- ``uncertain``: they contradict each other, or it is no cation of charge 1 or 2. Column `remark` says why.

Names were compared with drawings by OPSIN 2.9 (a name-to-structure program) and by eye; what disagreed stands in
`UNCERTAIN`. The result in ``src/perospin/chemistry/data/names_nomad.csv`` is reviewed text and is checked again in
``tests/chemistry/test_names.py``.

Usage: ``python scripts/build_nomad_names.py path/to/perovskite_ions.xlsx``
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import openpyxl
from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from build_ion_library import composition
from perospin.chemistry import Ion, IonLibrary

OUT = Path(__file__).parents[1] / "src" / "perospin" / "chemistry" / "data" / "names_nomad.csv"
HEADER = (
    "index", "name", "alternatives", "common_name", "drawn", "charge", "verdict", "symbol", "ion_name", "smiles",
    "composition", "remark",
)  # fmt: skip

_PIPERIDINE = "the name says piperidinium, the drawing is a pyridine"
#: Rows whose own columns contradict each other.
UNCERTAIN = {
    "BiIM": "the formula is neutral, the drawing is a cation",
    "ThFA": "the name says formamidinium, the drawing is a diamine",
    "ADA": "the name says (adamantan-1-yl)methanammonium, the drawing bears one methyl more, on nitrogen",
    "BrPEMA": "the name says 2-(4-bromophenyl)ethanaminium, the drawing bears one methyl more, on nitrogen",
    "FPEMA": "the name says 2-(4-fluorophenyl)ethanaminium, the drawing bears one methyl more, on nitrogen",
    "PyrEA": "the name says pyridinium ethylammonium, the drawing is pyridinium methylammonium",
    "APY": "the IUPAC name puts the proton on the ring, the drawing on the amine",
    "AMP": _PIPERIDINE,
    "CEA": "the name says alaninium, the drawing is beta-alaninium",
    "3APY": "the name says pyridinium, the drawing is a piperidine",
    "2AMP": _PIPERIDINE,
    "3AMPI": _PIPERIDINE,
    "4AMPI": _PIPERIDINE,
    "2PIA": "the name says 2-(aminomethyl)piperidinium, the drawing lacks the CH2",
    "ClPhEA": "the parent compound is 2-(4-chlorophenyl)ethanamine, the drawing is the 1-isomer",
    "PhEA": "the name says phenylethylammonium, the drawing is the 1-isomer (methylbenzylammonium)",
    "MPA": "the name says 1-methylpropylammonium, the drawing is N-methylpropylammonium",
    "TMHDA": "the name says hexanediammonium, the drawing is a phenylenediammonium",
    "BMA": "the name says 4-methylbenzylammonium, the drawing is N-methylbenzylammonium",
    "HPEM": "the name says 4-methoxyphenyl, the drawing is N-methyl-4-hydroxyphenyl",
    "MLA": "the drawing bears two protons, the IUPAC name one",
    "TT": "the name is that of a ring only, and the drawing has a saturated ring",
    "DTT": "the name is that of a ring only, and the drawing has a saturated ring",
    "FMA": "the name says N-methyl, the drawing has none",
    "AEIM": "the drawing is a 4H-imidazole, the name says imidazolium",
    "FPP": "the name says dicarbonitrile, the drawing has none",
    "TBLM": "the name says benzimidazolium, the drawing is its dihydro form",
    "DFP": "the name says one fluorine, the drawing has two",
    "DTPA": "the name is that of the rings only, without the ammonium chain",
    "NAYEA": "the IUPAC name says (R), name and drawing say no hand",
    "DFHHA": "the name says one fluorine, the drawing has two",
    "FMPE": "the name says N-methyl, the drawing bears the methyl on the ring",
    "PhMEA": "the name says phenyl-2-methylethylammonium, the drawing is N-propylanilinium",
    "TFAI": "the name says acetamidinium, the drawing is a diamine",
    "CP": "the name gives no position, an alternative says 3, the drawing 2",
    "Tu": "thiourea is a neutral molecule: no cation of it is named",
    "ClCA": "the name says 4-Cl-MBA, which is aromatic, the drawing is a cyclohexane",
    "MNBA": "the name says nitrobenzylammonium, the drawing is a cyclohexane",
    "4T": "the name says two methyls, the drawing has none",
}
#: Rows whose name says the hand that the drawing lacks.
HANDS = {
    "PhMEEA": "R-MPEA", "R-BPEA": "R-4Br-MBA", "S-BPEA": "S-4Br-MBA", "MeBA": "S-MeBA", "R-CHD": "R-CHD",
    "S-CHD": "S-CHD",
}  # fmt: skip
#: Rows that draw another resonance form or tautomer of an ion of ours.
FORMS = {"API": "API", "MF": "DMBG"}
#: Our symbol where the list's abbreviation stands for another ion here, or reads as a formula.
SYMBOLS = {"PMA": "N-MeAN", "ClAl": "4Cl-AN", "3AP": "3AmdPY", "MHA": "2-HpA", "POEA": "PyrOEA", "TDA": "TrDA"}
#: Names of the added cations where the list names the amine, or names loosely.
ION_NAMES = {
    "PMA": "N-methylanilinium", "DPA": "N,N-dimethylanilinium", "IAN": "2-iodoanilinium", "ETPY": "1-ethylpyridinium",
    "ImEA": "1-(2-ammonioethyl)imidazolium", "HTAB": "n-hexyltrimethylammonium", "MIC1": "3-methyl-1,3-thiazolium",
    "MIC2": "3,4-dimethyl-1,3-thiazolium", "MIC3": "3,4,5-trimethyl-1,3-thiazolium", "ClAl": "4-chloroanilinium",
    "A43": "3-(nonafluoro-tert-butoxy)propylammonium", "IFA": "iodoformamidinium", "IHA": "6-iodohexylammonium",
    "DAPO": "2-hydroxypropane-1,3-diammonium", "CSEA": "2-(carbamimidoylsulfanyl)ethylammonium",
    "DMABA": "N,N-dimethylbutane-1,4-diammonium", "BPY": "4,4'-bipyridinium(2+)", "IPY": "3-iodopyridinium",
    "BiPhA": "biphenyl-4-ylammonium", "PYBA": "4-(1-pyrenyl)butylammonium", "CyHP": "cyclohexylphosphonium",
    "BEPI": "1-benzylpiperazin-4-ium", "EPI": "1-ethylpiperazin-4-ium", "MPI": "1-methylpiperazin-4-ium",
    "PhPA": "2-phenylpropylammonium (no hand stated)", "MHA": "1-methylhexylammonium (no hand stated)",
    "POEA": "2-(2-pyrenyloxy)ethylammonium", "AESBT": "2-(2,2'-bithiophen-5-ylsulfanyl)ethylammonium",
    "BAESBT": "5,5'-bis(2-ammonioethylsulfanyl)-2,2'-bithiophene", "4FPhA": "4-fluoroanilinium",
    "FSA": "2-[4-(3-fluorostyryl)phenyl]ethylammonium", "BBDMS": "butane-1,4-diylbis(dimethylsulfonium)",
    "DMDA": "N,N-dimethylbenzene-1,4-diammonium", "DIP": "di-n-propylammonium", "DIPA": "diisopropylammonium",
    "PYA": "1-(2-ammonioethyl)pyrrolidinium", "MPhA": "4-methoxyanilinium", "TFPE": "4-(trifluoromethyl)anilinium",
    "DiPhA": "diphenylammonium", "DBA": "di-n-butylammonium", "CFMA": "4-chloro-2-fluorobenzylammonium",
    "TMP": "2-(trimethylphosphonio)ethylammonium", "NBA": "4-(1-naphthyloxy)butylammonium",
    "IMIEA": "2-(2-ammonioethyl)imidazolium", "CCA": "4-carboxycyclohexylammonium (no cis or trans stated)",
    "OYA": "oxan-3-ylammonium", "ATHP": "oxan-4-ylammonium", "PPIEA": "1-(2-ammonioethyl)piperazin-4-ium",
    "PRA": "1-pyrenylammonium", "PREA": "2-(1-pyrenyl)ethylammonium", "NAA": "1-naphthylammonium",
    "MePhEA": "2-(3-methylphenyl)ethylammonium", "MMPEA": "1-(4-methylphenyl)ethylammonium (no hand stated)",
    "TDMP": "trans-2,5-dimethylpiperazin-1-ium", "PPPA": "1-propylpiperazine-1,4-diium",
    "CNA": "9-carboxynonylammonium", "TDA": "tridecylammonium", "PENDA": "pentadecylammonium",
    "DDNA": "deca-3,5-diyn-1-ylammonium", "FPT": "5-[4-(ammoniomethyl)-2-fluorophenyl]thiophen-2-ylmethylammonium",
    "IDPA": "2-iodopropylammonium (no hand stated)", "PROPA": "N,N'-dimethylpropane-1,3-diammonium",
    "BPP": "3-bromopyridinium", "AEA": "3-(2-ammonioethyl)anilinium",
    "TMEDA": "N,N,N',N'-tetramethylethane-1,2-diammonium",
    "MMA": "4-methoxy-N-methylanilinium", "ATMA": "1,1,1-trimethylhydrazinium",
}  # fmt: skip

_uncharger = rdMolStandardize.Uncharger()
_largest = rdMolStandardize.LargestFragmentChooser()


def clean(text: object) -> str:
    """One line without blanks around it."""
    return " ".join(str(text or "").replace("−", "-").split())


def flat(smiles: str) -> str:
    """Canonical SMILES without hands."""
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False))


def parent(smiles: str) -> str:
    """Canonical SMILES of the neutral parent, without hands and tautomers."""
    molecule = _uncharger.uncharge(_largest.choose(Chem.MolFromSmiles(smiles)))
    return str(Chem.MolToSmiles(rdMolStandardize.CanonicalTautomer(molecule), isomericSmiles=False))


def terms(formula: str) -> tuple[list[str], str]:
    """Elements of a formula with their counts, sorted, and its charge."""
    bare, plus, charge = formula.replace("++", "+2").partition("+")
    return sorted(re.findall(r"[A-Z][a-z]?\d*", bare)), plus + charge


def fault(row: tuple[Any, ...]) -> str:
    """Say why a row is no cation that could be used, or ''."""
    molecule = Chem.MolFromSmiles(clean(row[5]))
    if molecule is None:
        return "the drawing can't be read"
    charge = Chem.GetFormalCharge(molecule)
    if charge not in (1, 2):
        return f"the drawing has charge {charge:+d}; an A-site cation has +1 or +2"
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms() if molecule.GetNumAtoms() > 1):
        return "the drawing has a free valence"
    if molecule.GetNumAtoms() == 1 and clean(row[2]) == "La":
        return "lanthanum is drawn with charge +1; its ion is +3"
    return ""


def doubt(row: tuple[Any, ...]) -> str:
    """Say where formula and drawing disagree although names and drawing agree, or ''."""
    drawn, stated = CalcMolFormula(Chem.MolFromSmiles(clean(row[5]))), clean(row[4])
    return "" if terms(drawn) == terms(stated) else f"the list's formula {stated} is not that of its drawing, {drawn}"


def main(path: Path) -> None:
    """Write the table and print the counts."""
    rdBase.DisableLog("rdApp.*")
    default = IonLibrary.default()
    own = [ion for ion in default.cations if "Perovskite Database's list" not in ion.note]
    by_molecule = {Chem.CanonSmiles(str(ion.smiles)): ion for ion in own}
    by_symbol = {ion.symbol for ion in own}
    by_parent: dict[str, list[Ion]] = {}
    for ion in own:
        by_parent.setdefault(parent(str(ion.smiles)), []).append(ion)
    sheet = openpyxl.load_workbook(path, read_only=True).active
    out = []
    for row in list(sheet.iter_rows(values_only=True))[1:]:
        if row[1] != "A":
            continue
        number, name, drawn = int(row[0]), clean(row[2]), clean(row[5])
        molecule = Chem.MolFromSmiles(drawn)
        charge = Chem.GetFormalCharge(molecule) if molecule is not None else ""
        alternatives = [clean(part) for part in str(row[3] or "").split(",") if clean(part)]
        verdict = symbol = ion_name = smiles = hill = ""
        remark = UNCERTAIN.get(name) or fault(row)
        if remark:
            verdict = "uncertain"
        elif name in HANDS:
            verdict, symbol, remark = "hand", HANDS[name], "the hand is from the name; the drawing has none"
        elif name in FORMS:
            verdict, symbol = "protons", FORMS[name]
            remark = f"drawn as another form of {symbol}"
        elif molecule.GetNumAtoms() == 1 and name in default and name not in by_symbol:
            verdict, symbol = "known", name  # lithium, sodium: metals here
        elif found := by_molecule.get(Chem.CanonSmiles(drawn)):
            verdict, symbol = "known", found.symbol
        elif similar := by_parent.get(parent(drawn)):
            same = [ion for ion in similar if flat(str(ion.smiles)) == flat(drawn)]
            if len(same) == 1 and not symbol:
                verdict, symbol, remark = "hand", same[0].symbol, "the drawing shows no E/Z or hand"
            elif not same:
                verdict, symbol = "protons", similar[0].symbol
                remark = f"drawn with charge {charge:+d} as {drawn}; read as {symbol}, {similar[0].charge:+d}"
            assert verdict or len(same) > 1, name
        if not verdict:
            verdict, symbol = "added", SYMBOLS.get(name, name)
            ion_name = ION_NAMES.get(name, clean(row[6]))
            smiles, hill, remark = Chem.CanonSmiles(drawn), composition(drawn), doubt(row)
        out.append(
            [number, name, ";".join(alternatives), clean(row[6]), drawn, charge, verdict, symbol, ion_name, smiles,
             hill, remark]
        )  # fmt: skip
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(out)
    verdicts = [row[6] for row in out]
    print(f"{len(out)} rows: " + ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
