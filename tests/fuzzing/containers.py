"""HDF5 files and NumPy archives with wrong bytes: read as columns and as maps."""

from __future__ import annotations

import io
import random
from functools import cache
from pathlib import Path

import h5py
import numpy as np

from fuzzing.harness import Target, fault_of
from perospin.errors import PerospinError
from perospin.measurements.reading import read_map, read_trace

DELAY, WAVELENGTH = np.linspace(-1.0, 50.0, 12), np.linspace(500.0, 560.0, 7)
SIGNAL = np.exp(-DELAY[:, None] / 20.0) * np.ones(7)


@cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """Small files of each kind: suffix and bytes."""
    found = []
    for columns in ({"delay": DELAY, "same": DELAY**2}, {"delay": DELAY, "wavelength": WAVELENGTH, "signal": SIGNAL}):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            for name, values in columns.items():
                file.create_dataset(f"scan/{name}", data=values, compression="gzip").attrs["units"] = "ps"
        found.append(("h5", stream.getvalue()))
        stream = io.BytesIO()
        np.savez(stream, **columns)
        found.append(("npz", stream.getvalue()))
    stream = io.BytesIO()
    np.save(stream, np.column_stack([DELAY, DELAY**2]))
    return (*found, ("npy", stream.getvalue()))


def make(rng: random.Random) -> tuple[str, bytes]:
    """Suffix and bytes of a file."""
    suffix, content = rng.choice(seeds())
    broken = bytearray(content)
    for _ in range(rng.randrange(5)):
        at = rng.randrange(len(broken) + 1)
        kind = rng.randrange(3)
        if kind == 0:
            broken[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            broken[at : at + 8] = rng.choice((bytes(8), b"\xff" * 8, b"\x00\x00\x00\x00\x01\x00\x00\x00"))
        elif rng.random() < 0.2:
            del broken[at:]
    return suffix, bytes(broken)


def attempt(content: tuple[str, bytes], folder: Path) -> bool:
    """Read a file in two ways; each refusal is a clean sentence."""
    suffix, data = content
    path = folder / f"a.{suffix}"
    path.write_bytes(data)
    accepted = False
    for read in (read_trace, read_map):
        try:
            read(path)
        except PerospinError as error:
            if fault_of(str(error)):
                raise AssertionError(str(error)) from error
        else:
            accepted = True
    return accepted


TARGET = Target("containers", make, attempt, limit_s=5.0)
