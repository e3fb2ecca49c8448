"""What a result was made with: versions of perospin and of the libraries that decide its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

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
