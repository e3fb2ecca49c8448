"""Files of measurements: read as columns, as maps and as what an analysis asks for."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from fuzzing.harness import Target, fault_of
from perospin.errors import PerospinError
from perospin.measurements.reading import gather, read_map, read_trace

ROOT = Path(__file__).parents[2]
SEEDS = [
    *(
        path.read_bytes()
        for folder in ("examples/spectra", "tests/data/field_cases")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix not in (".h5", ".npy") and path.stat().st_size < 12_000
    ),
    b"##TITLE=x\n##XUNITS=NM\n##YUNITS=ABSORBANCE\n##FIRSTX=0\n##LASTX=5\n##NPOINTS=6\n"
    b"##XYDATA=(X++(Y..Y))\n0A00J%J2kT\n",
    b"#DESC\t1.2\nBSEQ\tBIG\nIKKF\tREAL\nXPTS\t100\nXMIN\t1\nXWID\t2\n",
    b"0,500,510,520\n-1,1,2,3\n0,4,5,6\n5,7,8,9\n\nTime units: ps\n",
]
PIECES = [
    b"1/", b"(", b"[", b'"', b",", b";", b"\t", b" ", b"e", b"-", b"|", b"#", b"##", b"=", b"%", b"\n", b"\r\n",
    b"\0", b"\xff", b"\x1b[2J", b"\xc2\xa0", b"\xe2\x80\xae", b"9" * 30, b"nan", b"inf", b"1e308", b"1e-320",
    b"1.000,5", b"1 000", b"OVERLOAD", b"ps", b"X,", b"Y:", b"XUNITS", b"2026-01-01", b"[Data]", b"a" * 400,
    b"Time units: ns", b"0.5%", b"1 ps",
]  # fmt: skip
NAMES = ("a.txt", "a.csv", "a.dsc", "a.jdx", "a.npz", "SC_5K.dat")
ASKED = (
    (["same"], "delay", ["counter", "sigma"]), (["signal"], "field", ["sigma"]), (["resistance"], "field", ["sigma"]),
    (["ellipticity", "absorbance"], "wavelength", ["sigma"]), (["left", "right"], "wavelength", []),
    (["polarisation"], "field", ["sigma"]), (["absorbance"], "energy", ["sigma"]),
    (["lifetime"], "temperature", ["sigma"]),
    (["current_up", "current_down"], "voltage", []), (["signal"], "frequency", ["sigma"]),
)  # fmt: skip


def make(rng: random.Random) -> tuple[bytes, str, int]:
    """Bytes of a file, its name, and which analysis asks for it."""
    content = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randrange(6)):
        at, kind = rng.randrange(len(content) + 1), rng.randrange(8)
        if kind == 0:
            del content[at : at + rng.randrange(1, 40)]
        elif kind == 1:
            content[at:at] = rng.choice(PIECES)
        elif kind == 2:
            content[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 3:
            lines = bytes(content).split(b"\n")
            where = rng.randrange(len(lines))
            lines[where:where] = [rng.choice(lines)] * rng.randrange(1, 4)
            content = bytearray(b"\n".join(lines))
        elif kind == 4:
            content[at:at] = rng.choice(PIECES) * rng.randrange(1, 300)
        elif kind == 5:
            del content[at:]
        elif kind == 6:
            signs = [b",", b";", b"\t", b" ", b"."]
            content = bytearray(bytes(content).replace(rng.choice(signs), rng.choice(signs)))
        else:
            content[at:at] = rng.choice(SEEDS)[: rng.randrange(1500)]
    return bytes(content), rng.choice(NAMES), rng.randrange(len(ASKED))


def attempt(content: tuple[bytes, str, int], folder: Path) -> bool:
    """Read a file in three ways: numbers have the shape they should, and each refusal is a clean sentence."""
    data, name, which = content
    path = folder / name
    path.write_bytes(data)
    roles, x, optional = ASKED[which]
    accepted = False
    for read in (read_trace, read_map, lambda file: gather([file], roles, x=x, optional=optional)):
        try:
            found = read(path)
        except PerospinError as error:
            if fault_of(str(error)):
                raise AssertionError(str(error)) from error
            continue
        accepted = True
        if read is read_trace:
            assert found.values.shape == (len(found), len(found.labels))
            assert not np.isinf(found.values).any()
            assert all(label.name.isprintable() for label in found.labels)
    return accepted


TARGET = Target("readers", make, attempt, limit_s=5.0)
