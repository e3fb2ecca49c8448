"""Model files with flipped, cut and doubled bytes; what is behind their checksums has tests of its own."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from fuzzing.harness import Target
from perospin.studies.study import Study


@cache
def seeds() -> tuple[bytes, ...]:
    """Saved models."""
    found = sorted((Path(__file__).parents[1] / "data" / "models").rglob("*.npz"))
    return tuple(path.read_bytes() for path in found)


def make(rng: random.Random) -> bytes:
    """Bytes of a file."""
    broken = bytearray(rng.choice(seeds()))
    for _ in range(rng.choice((0, 1, 1, 1, 1, 4))):
        at, size = rng.randrange(len(broken) + 1), rng.choice((1, 8, 500))
        broken[at : at + size] = rng.choice((b"", rng.randbytes(size), bytes(broken[at : at + size]) * 2))
    return bytes(broken)


def attempt(content: bytes, folder: Path) -> bool:
    """Open it."""
    path = folder / "model.npz"
    path.write_bytes(content)
    Study.load_model(path)
    return True


TARGET = Target("saved_models", make, attempt, limit_s=5.0)
