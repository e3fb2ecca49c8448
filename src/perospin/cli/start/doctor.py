"""`perospin doctor`: what is installed, where files are kept, and whether they can be written."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Check the installation.",
)

_TOLD = ("numpy", "scipy", "scikit-learn", "pandas", "rdkit", "matplotlib", "lmfit", "pymatgen-core", "pyscf", "tblite")
_SLOW_START_S = 4.0
_SLOW_DISK_MB_S = 20.0


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
) -> None:
    """Check the installation: versions, extras, cache, records, write rights, and what is slow.

    Example: perospin doctor
    """
    found = examine()
    if as_json:
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    width = max(len(name) for name in found["versions"])
    for name, version in found["versions"].items():
        typer.echo(f"{name:<{width}}  {version}")
    typer.echo()
    for name, missing in found["extras"].items():
        state = f"missing {', '.join(missing)}: pip install 'perospin[{name}]'" if missing else "installed"
        typer.echo(f"extra {name:<10} {state}")
    typer.echo()
    for place in found["places"]:
        state = "can be written" if place["writable"] else "CAN'T BE WRITTEN"
        typer.echo(f"{place['what']}: {place['where']} ({place['size_mb']:.1f} MB; {state})")
    speed = found["speed"]
    typer.echo(f"a model's libraries load in {speed['import_s']:.1f} s; the disk writes {speed['disk_mb_s']:.0f} MB/s")
    typer.echo()
    for problem in found["problems"]:
        typer.echo(f"- {problem}")
    if not found["problems"]:
        typer.echo("Nothing wrong was found.")


def examine() -> dict[str, Any]:
    """Look at versions, extras, places and speed; `problems` holds one sentence each, with its cure."""
    places = _places()
    speed = {"import_s": _import_s(), "disk_mb_s": _disk_mb_s()}
    extras = _extras()
    problems = [
        f"{place['what']} can't be written at {place['where']}: {place['cure']}"
        for place in places
        if not place["writable"]
    ]
    if len(extras.get("structure", ())):
        problems.append("crystals can't be read: pip install 'perospin[structure]'")
    if len(extras.get("quantum", ())):
        problems.append("cations that perospin doesn't ship can't be computed: pip install 'perospin[quantum]'")
    if speed["import_s"] > _SLOW_START_S:
        problems.append(
            f"loading a model's libraries takes {speed['import_s']:.0f} s, so each command starts slowly: a busy "
            "machine, or a network drive; put the environment on a local disk"
        )
    if speed["disk_mb_s"] < _SLOW_DISK_MB_S:
        problems.append(
            f"the cache writes {speed['disk_mb_s']:.0f} MB/s: set PEROSPIN_CACHE to a folder on a local disk"
        )
    return {"versions": _versions(), "extras": extras, "places": places, "speed": speed, "problems": problems}


def _versions() -> dict[str, str]:
    from perospin.studies.provenance import versions

    found = versions(("perospin", *_TOLD))
    return {"perospin": found.pop("perospin"), "python": sys.version.split()[0], "platform": sys.platform, **found}


def _extras() -> dict[str, list[str]]:
    """Name the packages of each extra that aren't installed, as perospin's own metadata lists them."""
    missing: dict[str, list[str]] = {}
    for line in metadata.requires("perospin") or ():
        requirement, _, condition = line.partition(";")
        _, _, extra = condition.partition("extra ==")
        extra = extra.strip().strip("\"'")
        if not extra or requirement.startswith("perospin"):  # the extra "all" names the others
            continue
        name = requirement
        for mark in "[<>=!~ ":
            name = name.split(mark)[0]
        missing.setdefault(extra, [])
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing[extra].append(name)
    return missing


def _places() -> list[dict[str, Any]]:
    from perospin.database.store import default_location
    from perospin.descriptors.quantum.cache import cache_folder
    from perospin.studies.predicting.kept import models_folder

    found = [
        _place("computed cations", cache_folder(), "set PEROSPIN_CACHE to a folder that you may write"),
        _place("fitted models", models_folder(), "set PEROSPIN_CACHE to a folder that you may write"),
    ]
    records = default_location()
    if "://" not in records:
        cure = "set PEROSPIN_STORE to a file or URL that you may write"
        found.append(_place("your records", Path(records), cure))
    else:
        found.append(
            {"what": "your records", "where": "a database server", "size_mb": 0.0, "writable": True, "cure": ""}
        )
    return found


def _place(what: str, where: Path, cure: str) -> dict[str, Any]:
    files = [where] if where.is_file() else [path for path in where.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    there = where
    while not there.exists() and there != there.parent:
        there = there.parent
    return {"what": what, "where": str(where), "size_mb": size, "writable": os.access(there, os.W_OK), "cure": cure}


def _import_s() -> float:
    began = time.perf_counter()
    import sklearn.base  # noqa: F401

    return time.perf_counter() - began


def _disk_mb_s(size_mb: int = 8) -> float:
    """Write speed where the cache lies, or in the temporary folder if it isn't there yet."""
    from perospin.studies.predicting.kept import models_folder

    folder = models_folder()
    block = os.urandom(1_000_000)
    with tempfile.TemporaryFile(dir=folder if folder.is_dir() and os.access(folder, os.W_OK) else None) as file:
        began = time.perf_counter()
        for _ in range(size_mb):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return size_mb / (time.perf_counter() - began)
