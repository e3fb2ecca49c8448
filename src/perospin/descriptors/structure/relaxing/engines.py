"""The one plug point: an ASE calculator that gives energy, forces and stress, with dispersion on top."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from perospin._optional import require
from perospin.errors import MissingExtraError, StructureError
from perospin.saving import sha256

__all__ = ["D3", "ENGINES", "Engine", "open_engine"]

D3 = "D3(BJ), PBE parameters"
_NONE = "none"
_NEEDED = ("energy", "forces", "stress")

ENGINES = {
    "sevennet": "SevenNet-0 on this machine's processor; needs torch and sevenn, whose package holds the weights",
    "sevennet:l3i5": "SevenNet-l3i5 from the same package: three times as slow",
    "nequix:PATH": "Nequix on JAX, without torch; PATH is the file of weights (.nqx) that you downloaded",
    "FILE.py:NAME": "your own: NAME in a Python file of yours is called and returns an ASE calculator",
}
"""Engines by name and what each needs."""

_SEVENNET = {"": ("7net-0", "SevenNet-0"), "l3i5": ("7net-l3i5", "SevenNet-l3i5")}
"""What follows the colon -> the package's name of the weights, and the name in results."""

_REFUSED = {
    "gfn1": (
        "GFN1-xTB isn't offered: under periodic boundaries tblite 0.8 takes the halogen-bond term of the home cell for "
        "every image, so halides beside N, O, P or S get wrong forces"
    ),
}


@dataclass(frozen=True)
class Engine:
    """What gives energies.

    Attributes
    ----------
    name, version
        What it is, for the record of each result.
    dispersion
        What was added on top: :data:`D3`, or ``"none"``.
    calculator
        ASE calculator of the sum.
    """

    name: str
    version: str
    dispersion: str
    calculator: Any


def open_engine(engine: str | Any, *, dispersion: bool = True) -> Engine:
    """Open an engine by its name, or take an ASE calculator of your own.

    Parameters
    ----------
    engine : str or ase.calculators.calculator.Calculator
        One of :data:`ENGINES`, or any object of ASE's calculator class with energy, forces and stress.
    dispersion : bool
        Add D3 with Becke-Johnson damping and PBE's parameters (Grimme et al., J. Comput. Chem. 2011, 32, 1456). The
        named engines learned from PBE without dispersion; leave it off for a calculator that has its own.

    Raises
    ------
    StructureError
        If there is no such engine, its weights aren't there, or the calculator gives no stress.
    MissingExtraError
        If a package is missing.
    """
    require("ase", "relax")
    name, release, calculator = _named(engine) if isinstance(engine, str) else _own(engine)
    if not dispersion:
        return Engine(name, release, _NONE, calculator)
    d3 = require("dftd3.ase", "relax")
    from ase.calculators.mixing import SumCalculator

    total = SumCalculator([calculator, d3.DFTD3(method="PBE", damping="d3bj")])
    return Engine(name, release, f"{D3}, dftd3 {_release('dftd3')}", total)


def _named(text: str) -> tuple[str, str, Any]:
    kind, _, rest = text.partition(":")
    if (reason := _REFUSED.get(kind.casefold().removesuffix("-xtb"))) is not None:
        raise StructureError(f"{reason}: use {' or '.join(ENGINES)}")
    if kind == "sevennet" and rest in _SEVENNET:
        model, shown = _SEVENNET[rest]
        return shown, f"sevenn {_release('sevenn')}", _sevennet(model)
    if kind == "nequix":
        return _nequix(rest)
    file, dot, attribute = text.rpartition(".py:")
    if dot:
        return _from_file(Path(f"{file}.py"), attribute)
    raise StructureError(f"no engine '{text}': use {' or '.join(ENGINES)}")


def _sevennet(model: str) -> Any:
    try:
        import torch  # type: ignore[import-not-found, unused-ignore]
        from sevenn.calculator import SevenNetCalculator  # type: ignore[import-not-found, unused-ignore]
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the engine sevennet needs '{error.name}', which no extra of perospin brings (torch is large): "
            "pip install torch sevenn, in an environment of its own if you like"
        ) from None
    # cells are small: more than one thread costs time, and a pool has one worker a core
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends accelerators of graphics cards
        return SevenNetCalculator(model=model, device="cpu")


def _nequix(path: str) -> tuple[str, str, Any]:
    if not path:
        raise StructureError("the engine nequix needs its weights: write nequix:PATH with the file you downloaded")
    if not Path(path).is_file():
        raise StructureError(f"no weights '{path}' for the engine nequix: download them and give their path")
    if Path(path).suffix != ".nqx":  # others go through torch, and nequix writes a file beside them
        raise StructureError(f"'{path}' isn't of the kind .nqx, which nequix reads without torch: give such weights")
    try:
        from nequix.calculator import NequixCalculator  # type: ignore[import-not-found, unused-ignore]
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the engine nequix needs '{error.name}', which no extra of perospin brings: pip install nequix"
        ) from None
    try:
        calculator = NequixCalculator(model_path=path, backend="jax", use_kernel=False)
    except Exception as error:  # whatever its reader trips over in a file that holds no weights
        raise StructureError(f"'{path}' can't be read as weights of nequix ({type(error).__name__})") from error
    release = f"nequix {_release('nequix')}, weights sha256 {sha256(Path(path))[:12]}"
    return f"Nequix, {Path(path).name}", release, calculator


def _from_file(path: Path, attribute: str) -> tuple[str, str, Any]:
    """Call a function of the user's file, which returns a calculator."""
    if not path.is_file():
        raise StructureError(f"no file '{path}' for the engine: give FILE.py:NAME")
    spec = importlib.util.spec_from_file_location(f"perospin_engine_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        make = getattr(module, attribute)
        calculator = make()
    except Exception as error:  # whatever goes wrong in code that isn't ours
        raise StructureError(f"'{path}' gives no calculator '{attribute}': {type(error).__name__}: {error}") from error
    _own(calculator)
    return f"{path.name}:{attribute}", f"sha256 {sha256(path)[:12]}", calculator


def _own(calculator: Any) -> tuple[str, str, Any]:
    has = getattr(calculator, "implemented_properties", None)
    kind = type(calculator).__name__
    if has is None:
        raise StructureError(f"a {kind} is no engine: give a name ({' or '.join(ENGINES)}) or an ASE calculator")
    if missing := [quantity for quantity in _NEEDED if quantity not in has]:
        raise StructureError(f"the calculator {kind} gives no {' and no '.join(missing)}: a crystal needs all three")
    return kind, f"{kind.lower()} {_release(type(calculator).__module__.split('.')[0])}".strip(), calculator


def _release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
