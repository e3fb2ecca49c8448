"""Compute ions: one child process a molecule, and a cache on disk that makes every run resumable."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perospin.descriptors.quantum.levels import Level, get_level
from perospin.errors import QuantumError

DEFAULT_SEED = 20250911
DEFAULT_TIMEOUT_S = 3 * 3600.0


def cache_folder() -> Path:
    """Folder of computed molecules: $PEROSPIN_CACHE, or the platform's cache directory for users."""
    override = os.environ.get("PEROSPIN_CACHE")
    if override:
        return Path(override)
    import platformdirs

    return Path(platformdirs.user_cache_dir("perospin")) / "quantum"


def canonical_smiles(smiles: str) -> str:
    """Canonical SMILES of an ion, the same for both enantiomers.

    Every descriptor here is a scalar and so equal for mirror images; sharing one calculation makes them equal
    to the last digit.

    Raises
    ------
    QuantumError
        If the SMILES can't be read.
    """
    from perospin.descriptors.quantum.geometry import parse_smiles

    parse_smiles(smiles)
    from rdkit import Chem

    mirror = smiles.replace("@@", "\0").replace("@", "@@").replace("\0", "@")
    return min(Chem.CanonSmiles(smiles), Chem.CanonSmiles(mirror))


def _cache_path(smiles: str, level: Level, match: Mapping[str, float] | None) -> Path:
    key = json.dumps([smiles, level.name, level.revision, dict(match) if match else None], sort_keys=True)
    return cache_folder() / level.name / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"


def compute_ion(
    smiles: str,
    level: str = "fast",
    *,
    match: Mapping[str, float] | None = None,
    seed: int = DEFAULT_SEED,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> dict[str, Any]:
    """Compute one ion in a child process, or fetch it from the cache.

    Parameters
    ----------
    smiles : str
        SMILES with the charge written out.
    level : str
        "published", "fast" or "neutral" (see `LEVELS`).
    match : mapping, optional
        Published `radius_a`, `homo_ev`, `lumo_ev` that choose the conformer; without it the lowest is taken.
    seed : int
        Seed of the conformer search.
    timeout_s : float
        Time limit in seconds.

    Returns
    -------
    dict
        `values` (units in the names), `symbols`, `positions_a`, `conformer`, `versions`, `seconds`.

    Raises
    ------
    QuantumError
        If the calculation fails, dies or takes too long; the message says which.
    """
    chosen = get_level(level)
    canonical = canonical_smiles(smiles)
    path = _cache_path(canonical, chosen, match)
    if path.exists():
        return dict(json.loads(path.read_text()))
    request = {"smiles": canonical, "level": level, "seed": seed, "match": dict(match) if match else None}
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    try:
        child = subprocess.run(
            [sys.executable, "-m", "perospin.descriptors.quantum.worker"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise QuantumError(f"'{smiles}' at level {level} took longer than {timeout_s:.0f} s and was stopped") from None
    if child.returncode != 0 or not child.stdout:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        raise QuantumError(f"the calculation of '{smiles}' at level {level} died (exit {child.returncode}): {last[0]}")
    answer: dict[str, Any] = json.loads(child.stdout)
    if "error" in answer:
        raise QuantumError(f"'{smiles}' at level {level}: {answer['error']}")
    path.parent.mkdir(parents=True, exist_ok=True)
    # written beside and renamed: a kill never leaves half a file
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(answer))
    temporary.replace(path)
    return answer
