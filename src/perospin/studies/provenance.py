"""What a result was made with: versions of perospin and of the libraries that decide its numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "jax", "xgboost-cpu", "rdkit", "matplotlib")


def versions(names: Iterable[str] = ("perospin", *LIBRARIES)) -> dict[str, str]:
    """Versions of packages; those that aren't installed are left out."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def package_sha256() -> str:
    """Fingerprint of every file of the package: code and shipped tables."""
    package = Path(__file__).parents[1]
    found = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".pyi"):
            found.update(path.relative_to(package).as_posix().encode())
            found.update(path.read_bytes())
    return found.hexdigest()
