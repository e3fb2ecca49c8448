"""Compute ions: one child process a molecule, one thread a child, every finished molecule in the cache.

A list of molecules runs on any `concurrent.futures.Executor`. The default is a local pool of threads that each wait
for one child process: a child that is killed takes nothing else with it (a process pool would be broken). A Dask
cluster is the same interface (`Client.get_executor()`); its workers start the same child. Only the process that asks
reads and writes the cache, so a cluster needs no shared folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from perospin.descriptors.quantum.cache import Identity, ResultCache, program_versions
from perospin.descriptors.quantum.levels import get_level
from perospin.errors import PerospinError, QuantumError

DEFAULT_SEED = 20250911
DEFAULT_TIMEOUT_S = 3 * 3600.0
AMMONIUM = "ammonium"
_AMMONIUM_REVISION = 1
_WORKER = (sys.executable, "-m", "perospin.descriptors.quantum.worker")
_POLL_S = 0.2


@lru_cache(maxsize=65536)
def canonical_smiles(smiles: str) -> str:
    """Canonical SMILES of an ion, the same for both enantiomers.

    Every descriptor here is a scalar and so equal for mirror images; sharing one calculation makes them equal
    to the last digit.

    Raises
    ------
    QuantumError
        If the SMILES can't be read.
    """
    from perospin.descriptors.molecules import parse_smiles

    parse_smiles(smiles)
    from rdkit import Chem

    mirror = smiles.replace("@@", "\0").replace("@", "@@").replace("\0", "@")
    return min(Chem.CanonSmiles(smiles), Chem.CanonSmiles(mirror))


@dataclass(frozen=True)
class Request:
    """One calculation to make: an ion at a level, or its ammonium head on a given geometry.

    Attributes
    ----------
    smiles : str
        SMILES with the charge written out.
    level : str
        Name of a level, or "ammonium".
    match : tuple of (str, float)
        Published `radius_a`, `homo_ev`, `lumo_ev` that choose the conformer; empty: the lowest is taken.
    seed : int
        Seed of the conformer search.
    geometry : str
        JSON of `[symbols, positions_a]` where the geometry is given (in angstrom, rounded to 1e-5).
    """

    smiles: str
    level: str = "fast"
    match: tuple[tuple[str, float], ...] = ()
    seed: int = DEFAULT_SEED
    geometry: str = ""

    @classmethod
    def ion(
        cls, smiles: str, level: str, match: Mapping[str, float] | None = None, seed: int = DEFAULT_SEED
    ) -> Request:
        """Request an ion at a level.

        Raises
        ------
        QuantumError
            If the SMILES can't be read, is no cation though the level describes cations, or there is no such level.
        """
        from perospin.descriptors.quantum.protonation import require_cation

        chosen = get_level(level)
        canonical = canonical_smiles(smiles)
        if chosen.cation:
            require_cation(smiles)
        return cls(canonical, level, tuple(sorted((match or {}).items())), seed)

    @classmethod
    def ammonium(cls, smiles: str, symbols: Iterable[str], positions_a: Iterable[Iterable[float]]) -> Request:
        """Request charge and potential of the ammonium head on a geometry (atoms ordered as RDKit reads `smiles`)."""
        rounded = [[round(float(x), 5) for x in xyz] for xyz in positions_a]
        return cls(smiles, AMMONIUM, (), 0, json.dumps([list(symbols), rounded]))

    @property
    def identity(self) -> Identity:
        """What the result will be a result of, with the versions installed here."""
        from perospin.descriptors.molecules import parse_smiles

        if self.level == AMMONIUM:
            revision = _AMMONIUM_REVISION
            options: dict[str, Any] = {"geometry": hashlib.sha256(self.geometry.encode()).hexdigest()}
        else:
            revision = get_level(self.level).revision
            options = {"match": dict(self.match), "seed": self.seed}
        charge = parse_smiles(self.smiles)[1]
        versions = tuple(program_versions().items())
        return Identity(self.smiles, charge, self.level, revision, json.dumps(options, sort_keys=True), versions)


def run_request(request: Request, timeout_s: float, stop: threading.Event | None = None) -> dict[str, Any]:
    """Make one calculation in a child process of this process; this is what a worker does.

    A child ended by a signal (killed for memory, say) is started once more.

    Raises
    ------
    QuantumError
        If the calculation fails, dies twice, takes too long or is stopped; the message says which.
    """
    payload = json.dumps(
        {
            "smiles": request.smiles,
            "level": request.level,
            "seed": request.seed,
            "match": dict(request.match) or None,
            "geometry": json.loads(request.geometry) if request.geometry else None,
            "parent": os.getpid(),
        }
    )
    what = f"'{request.smiles}' at level {request.level}"
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    deadline = time.monotonic() + timeout_s
    for last_try in (False, True):
        with subprocess.Popen(
            _WORKER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as child:
            try:
                answer, noise = _communicate(child, payload, deadline, stop)
            except TimeoutError:
                raise QuantumError(f"{what} took longer than {timeout_s:.0f} s and was stopped") from None
            finally:
                child.kill()  # nothing happens to one that has ended
        if child.returncode == 0 and answer:
            break
        if child.returncode >= 0 or last_try:
            last = noise.strip().splitlines()[-1:] or ["no message"]
            died = f"died (exit {child.returncode})" if child.returncode >= 0 else "was killed twice"
            raise QuantumError(f"the calculation of {what} {died}: {last[0]}")
    found: dict[str, Any] = json.loads(answer)
    if "error" in found:
        raise QuantumError(f"{what}: {found['error']}")
    return found


def _communicate(
    child: subprocess.Popen[str], payload: str, deadline: float, stop: threading.Event | None
) -> tuple[str, str]:
    text: str | None = payload
    while True:
        if stop is not None and stop.is_set():
            raise QuantumError("stopped")
        try:
            return child.communicate(text, timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            text = None  # communicate has taken it
        if time.monotonic() > deadline:
            raise TimeoutError


@dataclass(frozen=True)
class Batch:
    """What became of a list of requests.

    Attributes
    ----------
    answers : mapping of Request to dict
        Results.
    failures : mapping of Request to str
        Reasons of those that failed.
    n_computed : int
        How many were computed now; the others were in the cache.
    """

    answers: Mapping[Request, dict[str, Any]] = field(default_factory=dict)
    failures: Mapping[Request, str] = field(default_factory=dict)
    n_computed: int = 0


def compute_all(
    requests: Iterable[Request],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    cache: ResultCache | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_result: Callable[[Request, str], None] | None = None,
) -> Batch:
    """Fetch requests from the cache and compute the others, largest molecules first (they would end last).

    Parameters
    ----------
    requests : iterable of Request
        What to compute; equal requests are computed once.
    workers : int
        Calculations at a time in the local pool, one core each.
    executor : concurrent.futures.Executor, optional
        Where to compute in place of the local pool, e.g. `dask.distributed.Client(...).get_executor()`. It is not
        shut down.
    cache : ResultCache, optional
        Where results are kept; by default in `cache_folder()`.
    timeout_s : float
        Time limit of one calculation in seconds.
    on_result : callable, optional
        Called with the request and "" or the reason of its failure, as each one ends.

    Returns
    -------
    Batch
        Results and failures. A failure does not stop the others. Interrupted (Ctrl-C), what is finished is in the
        cache, and the next call goes on from there.

    Raises
    ------
    MissingExtraError
        If the extra `quantum` isn't installed here.
    DataError
        If a result can't be written to the cache.
    """
    store = cache or ResultCache()
    answers: dict[Request, dict[str, Any]] = {}
    failures: dict[Request, str] = {}
    tell = on_result or (lambda _request, _reason: None)
    wanted: dict[Request, Identity] = {}
    for request in dict.fromkeys(requests):
        identity = request.identity
        if (known := store.get(identity)) is not None:
            answers[request] = known
            tell(request, "")
        else:
            wanted[request] = identity
    ordered = sorted(wanted, key=_n_heavy_atoms, reverse=True)
    with _submit(ordered, workers, executor, timeout_s) as waiting:
        for future in as_completed(waiting):
            request = waiting[future]
            try:
                answer = future.result()
                _same_versions(answer, wanted[request])
            except Exception as error:
                failures[request] = str(error) if isinstance(error, PerospinError) else _describe(error)
                tell(request, failures[request])
                continue
            store.put(wanted[request], answer)
            answers[request] = answer
            tell(request, "")
    return Batch(answers, failures, len(wanted) - len(failures))


def _n_heavy_atoms(request: Request) -> int:
    from perospin.descriptors.molecules import parse_smiles

    molecule: Any = parse_smiles(request.smiles)[0]
    return int(molecule.GetNumHeavyAtoms())


@contextmanager
def _submit(
    requests: list[Request], workers: int, executor: Executor | None, timeout_s: float
) -> Iterator[dict[Future[dict[str, Any]], Request]]:
    """Futures of the requests; on the way out, however it is taken, nothing of ours is left waiting or running here."""
    stop = threading.Event()
    own = ThreadPoolExecutor(max_workers=workers) if executor is None else None
    waiting: dict[Future[dict[str, Any]], Request] = {}
    try:
        for request in requests:
            if own is not None:
                waiting[own.submit(run_request, request, timeout_s, stop)] = request
            else:
                assert executor is not None
                waiting[executor.submit(run_request, request, timeout_s)] = request
        yield waiting
    finally:
        stop.set()
        for future in waiting:
            future.cancel()
        if own is not None:
            own.shutdown(wait=True)


def _same_versions(answer: Mapping[str, Any], identity: Identity) -> None:
    here, there = dict(identity.versions), answer["versions"]
    different = [f"{name} {there.get(name)} (here {here[name]})" for name in here if there.get(name) != here[name]]
    if different:
        raise QuantumError(
            f"'{identity.smiles}' was computed by a worker with {', '.join(different)}: install the same versions there"
        )


def _describe(error: BaseException) -> str:
    name = type(error).__name__
    if name == "KilledWorker":
        return "the worker died each time it computed this molecule (memory?), and the scheduler gave up"
    if name.endswith("CancelledError"):
        return "the scheduler dropped it (did the cluster stop?)"
    text = str(error).strip().splitlines()
    return f"{name}: {text[0]}" if text else name


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
    request = Request.ion(smiles, level, match, seed)
    batch = compute_all([request], timeout_s=timeout_s)
    if reason := batch.failures.get(request):
        raise QuantumError(reason)
    return batch.answers[request]
