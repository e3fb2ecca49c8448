"""Build wheel and sdist, check them, install them into clean environments, and use them there.

``python scripts/check_packages.py`` takes a few minutes and needs a package index. Checked are: what twine and
check-wheel-contents say; that each file of ``src/perospin`` under version control is in both, and nothing else; that
the wheel works without extras (version, doctor, a prediction, a fit of an example, a word where an extra is missing)
and with those of ``--extras`` (a crystal, the app). It prints a table and ends with 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("build==1.5.0", "twine==7.0.0", "check-wheel-contents")
SPECTRA = [str(ROOT / "examples" / "spectra" / f"pump_probe_{name}.txt") for name in ("SC", "CC")]
CRYSTAL = str(ROOT / "examples" / "crystals" / "PEA2PbCl4_HybriD3_216.cif")


class Failed(Exception):
    """A check that failed, in words."""


def run(command: Sequence[str | Path], where: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command away from the repository; its exit code must be the one expected."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PEROSPIN", "VIRTUAL_ENV"))}
    environment |= {"PEROSPIN_CACHE": str(where / "cache"), "PEROSPIN_STORE": str(where / "store.sqlite")}
    done = subprocess.run(
        [str(part) for part in command], cwd=where, capture_output=True, text=True, encoding="utf-8", env=environment,
        check=False,
    )  # fmt: skip
    if done.returncode != code:
        words = " ".join(str(part) for part in command[:4])
        raise Failed(f"'{words} ...' ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}")
    return done


def environment(place: Path) -> Path:
    """Make an empty environment; the folder of its programs."""
    venv.create(place, with_pip=True, clear=True)
    return programs_of(place)


def programs_of(place: Path) -> Path:
    """Folder of an environment's programs."""
    return place / ("Scripts" if os.name == "nt" else "bin")


def tracked() -> set[str]:
    """Files of the package under version control, as paths below ``src``."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "src/perospin"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.removeprefix("src/") for name in done.stdout.split("\0") if name}


def compare(what: str, held: set[str], wanted: set[str]) -> None:
    """Refuse an archive that lacks a file, or brings one that isn't under version control."""
    lacking, more = sorted(wanted - held), sorted(held - wanted)
    if lacking or more:
        raise Failed(f"the {what} lacks {lacking[:5]} and brings {more[:5]} ({len(lacking)} and {len(more)} in all)")


def build(work: Path) -> tuple[Path, Path]:
    """Build both and check what they hold."""
    tools = environment(work / "tools")
    run([tools / "python", "-m", "pip", "install", "--quiet", *TOOLS], work)
    run([tools / "python", "-m", "build", "--outdir", work / "dist", ROOT], work)
    wheel, sdist = next((work / "dist").glob("*.whl")), next((work / "dist").glob("*.tar.gz"))
    run([tools / "python", "-m", "twine", "check", "--strict", wheel, sdist], work)
    # names of migrations begin with their number: alembic reads them by path
    run([tools / "check-wheel-contents", "--ignore", "W004", wheel], work)
    with zipfile.ZipFile(wheel) as held:
        compare("wheel", {name for name in held.namelist() if name.startswith("perospin/")}, tracked())
    with tarfile.open(sdist) as packed:
        names = {member.name.partition("/")[2] for member in packed if member.isfile()}
    compare("sdist", {n.removeprefix("src/") for n in names if n.startswith("src/perospin/")}, tracked())
    return wheel, sdist


def use(program: Path, work: Path) -> dict[str, float]:
    """Use what every installation has; seconds by what was done."""
    version = run([program, "--version"], work).stdout.split()[-1]
    if f'version = "{version}"' not in (ROOT / "pyproject.toml").read_text(encoding="utf-8"):
        raise Failed(f"'perospin --version' says {version}; pyproject.toml says otherwise")
    run([program, "doctor"], work)
    seconds = {}
    start = time.perf_counter()
    (found,) = json.loads(run([program, "predict", "(3AMP)PbI4", "--json"], work).stdout)
    seconds["first prediction"] = time.perf_counter() - start
    if not found["low"] < found["value"] < found["high"]:
        raise Failed(f"the prediction has no interval about its value: {found}")
    start = time.perf_counter()
    fit = run([program, "fit", "pump-probe", *SPECTRA], work).stdout
    seconds["fit of an example"] = time.perf_counter() - start
    if "lifetime = 7.7" not in fit:
        raise Failed(f"the fit of the example has no lifetime of 7.7 ps: {fit[-300:]}")
    run([program, "data", "list", "--property", "T1"], work)
    run([program, "study", "list"], work)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extras", default="structure,app", help="extras of the second environment; '' for none")
    parser.add_argument("--keep", type=Path, help="folder that keeps wheel and sdist")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perospin-packages-") as made:
        work = Path(made)
        wheel, sdist = build(work)
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, {len(tracked())} files; "
              f"{sdist.name}: {sdist.stat().st_size / 1e6:.1f} MB", flush=True)  # fmt: skip
        for kind, archive in (("wheel", wheel), ("sdist", sdist)):
            start = time.perf_counter()
            programs = environment(work / kind)
            run([programs / "python", "-m", "pip", "install", "--quiet", archive], work)
            installed = time.perf_counter() - start
            if kind == "sdist":
                run([programs / "perospin", "--version"], work)
                print(f"from the sdist, no extras: installed in {installed:.0f} s", flush=True)
                continue
            told = {"installed": installed, **use(programs / "perospin", work)}
            for command, extra in ((["app"], "app"), (["describe", CRYSTAL], "structure")):
                error = run([programs / "perospin", *command], work, code=2).stderr
                if f"perospin[{extra}]" not in error:
                    raise Failed(f"without the extra '{extra}' the message doesn't name it: {error[-300:]}")
            print("no extras: " + ", ".join(f"{what} {value:.1f} s" for what, value in told.items()), flush=True)
        if asked.extras:
            programs, start = programs_of(work / "wheel"), time.perf_counter()
            run([programs / "python", "-m", "pip", "install", "--quiet", f"{wheel}[{asked.extras}]"], work)
            print(f"extras {asked.extras}: installed in {time.perf_counter() - start:.0f} s more", flush=True)
            if "structure" in asked.extras and "16.89" not in run(
                [programs / "perospin", "describe", CRYSTAL, "--table", "si"], work
            ).stdout:  # fmt: skip
                raise Failed("the layer spacing of the example crystal isn't 16.89 Angstrom")
            if "app" in asked.extras:
                page = "from streamlit.testing.v1 import AppTest; import perospin.app as a, pathlib, sys\n" \
                       "shown = AppTest.from_file(str(pathlib.Path(a.__file__).with_name('main.py')), " \
                       "default_timeout=300).run()\nsys.exit(bool(shown.exception or shown.error))"  # fmt: skip
                run([programs / "python", "-c", page], work)
                print("the app opens", flush=True)
            run([programs / "perospin", "doctor"], work)
        if asked.keep is not None:
            asked.keep.mkdir(parents=True, exist_ok=True)
            for archive in (wheel, sdist):
                shutil.copy2(archive, asked.keep)


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"check_packages: {failed}")
