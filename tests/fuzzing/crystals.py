"""CIF and POSCAR files with pieces cut, doubled and replaced: read and described."""

from __future__ import annotations

import random
import warnings
from functools import cache
from pathlib import Path

from fuzzing.harness import Target, garbled, mutated
from perospin.descriptors.structure import describe_structure, read_structure

CASES = Path(__file__).parents[1] / "data" / "field_cases"
CUBIC = """data_CsPbI3
_cell_length_a 6.289
_cell_length_b 6.289
_cell_length_c 6.289
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cs1 Cs 0.5 0.5 0.5 1
Pb1 Pb 0 0 0 1
I1 I 0.5 0 0 1
I2 I 0 0.5 0 1
I3 I 0 0 0.5 1
"""
POSCAR = """CsPbI3
1.0
6.289 0 0
0 6.289 0
0 0 6.289
Cs Pb I
1 1 3
Direct
0.5 0.5 0.5
0 0 0
0.5 0 0
0 0.5 0
0 0 0.5
"""
PIECES = [
    *" \t\n#'\"_;?.-+()0123456789",
    *("loop_", "data_x", "_atom_site_occupancy", "_cell_length_a", "1e300", "1e-300", "nan", "inf", "9" * 400, "0 0 0"),
    *("Q1 Q", "Pb", "I", "Sn", "Br", "H", "0.33333", "1.0000(3)", "-1", "Cartesian", "Selective dynamics", "\x00"),
    *("'F m -3 m'", "save_", "global_", "stop_", "\ufeff", "é", "_symmetry_equiv_pos_as_xyz 'x,y,-z'", "__import__"),
]


@cache
def seeds() -> tuple[tuple[str, str], ...]:
    """Names and texts of small files."""
    found = [("a.cif", CUBIC), ("POSCAR", POSCAR)]
    for path in sorted(CASES.rglob("*")):
        if path.name.endswith((".cif", "POSCAR")) and path.stat().st_size < 6000:
            content = path.read_bytes()
            text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
            found.append(("a.cif" if path.suffix == ".cif" else "POSCAR", text))
    return tuple(found)


def make(rng: random.Random) -> tuple[str, bytes]:
    """Name and bytes of a file."""
    name, text = rng.choice(seeds())
    for _ in range(rng.randrange(3)):
        text = garbled(rng, text) if rng.random() < 0.3 else mutated(rng, text, PIECES, 3)
    encoding = rng.choices(["utf-8", "utf-8-sig", "utf-16", "latin-1"], [20, 1, 1, 1])[0]
    return name, text.encode(encoding, errors="replace")


def attempt(content: tuple[str, bytes], folder: Path) -> bool:
    """Read it and describe what is read."""
    name, data = content
    path = folder / name
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        described = describe_structure(read_structure(path))
    assert all(warning.isprintable() for warning in described.warnings)
    return True


TARGET = Target("crystals", make, attempt, limit_s=5.0)
