"""SMILES of a user's own cations, as arguments and in TOML files."""

from __future__ import annotations

import random
from pathlib import Path

from fuzzing.harness import Target, mutated
from perospin.chemistry import IonLibrary
from perospin.chemistry.user_ions import read_argument, read_cation

SEEDS = [ion.smiles for ion in IonLibrary.default().cations if ion.smiles]
PIECES = [
    *"()[]=#$:/\\@+-.%0123456789CNOSPFIBcnosHRX*~{}|>&;,!?\"' \t\n\x00",
    *("[NH3+]", "[nH+]", "Cl", "Br", "[2H]", "[13CH3]", "C1CC1", "c1ccccc1", "%99", "[Fe+2]", "[N+3]", "[U]", "[Uuo]"),
    *("(" * 50, "C" * 300, "C1" * 60, "[" * 40, "=C" * 100, ".", "..", "[999C]", "[C+99]", "[CH99]", "C%(100)", "->"),
    *("[C@@H]", "[C@SP1]", "F/C=C/F", "[*:1]", "$$", "|c:1|", "é", "\u202e", "𝔐"),
]  # fmt: skip
TOML = (
    '[ions]\nXEA = "{smiles}"\nYEA = {{ smiles = "{smiles}", name = "an ion", role = "spacer", radius_pm = 250.0 }}\n'
)
TOML_PIECES = [*"[]{}=\"'.,#\n\x00\\", "'''", '"""', "[[ions]]", "[ions.a.b]", "1e999", "0x" + "f" * 5000, "9" * 4400,
               "[" * 3000, "a." * 3000, "nan", "-inf", "1979-05-27", "true", "\\u0000", "\\U00110000",
               "aliases = []"]  # fmt: skip


def make(rng: random.Random) -> tuple[str, str]:
    """Kind of test and its text: a SMILES, an argument NAME=SMILES, or a TOML file."""
    smiles = rng.choice(SEEDS)
    kind = rng.choices(["smiles", "argument", "toml"], [18, 1, 1])[0]
    if kind == "toml":
        if rng.random() < 0.5:
            smiles = mutated(rng, smiles, PIECES)
        return kind, mutated(rng, TOML.format(smiles=smiles), TOML_PIECES)
    if rng.random() < 0.1:
        text = "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 20)))
    else:
        text = mutated(rng, smiles, PIECES)
    return kind, text if kind == "smiles" else mutated(rng, f"XEA={text}", PIECES, 2)


def attempt(content: tuple[str, str], folder: Path) -> bool:
    """Read a cation; what is read has the charge and the elements of a cation."""
    kind, text = content
    if kind == "smiles":
        molecule = read_cation("XEA", text)
        assert molecule.GetNumAtoms() > 0
        return True
    if kind == "argument":
        library = IonLibrary.default().with_ions(dict([read_argument(text)]))
    else:
        path = folder / "ions.toml"
        path.write_text(text, encoding="utf-8", errors="replace")
        library = IonLibrary.from_toml(path)
    assert all(ion.charge in (1, 2) and ion.elements for ion in library.cations)
    return True


TARGET = Target("smiles", make, attempt)
