"""Screen a space of any size: part by part, in constant memory, the best kept, resumable.

A part is a range of stacks (see `perospin.studies.predicting.stacked`). What is kept of it does not depend on the
other parts, and parts are put together in any order with the same end: threads here, workers of a cluster, or a run
that goes on after it was killed, give the same list.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError, PerospinError
from perospin.navigation.space.declaration import read_space
from perospin.navigation.space.space import Space
from perospin.saving import digest, read_bytes, read_json, write_json

if TYPE_CHECKING:
    from perospin.studies.predicting.predictor import Predictor
    from perospin.studies.predicting.stacked import StackedPredictor

__all__ = ["Found", "Job", "State", "model_bytes", "screen_part", "stream"]

_PART = 1_000_000
"""Candidates a part, about: some seconds of work, lost if a run is killed."""
_MOST_STACKS = 8192
_CELLS = 2**19
"""Candidates that are held at once by one thread."""
_SAVE_S = 2.0


@dataclass(frozen=True)
class Job:
    """What a worker needs to screen a part: plain values, a model file and the ions.

    Attributes
    ----------
    model : bytes
        Model file of the fitted study.
    space : mapping
        The declaration.
    ions : IonLibrary or None
    left_out : mapping
        Spacers that are left out.
    sign : int
        +1 if larger is better.
    descriptor : str or None
        What ranks; None: the prediction.
    rank : str
        "bound", "chance" or "value".
    bar : float
        Value to beat, in the space of the models.
    keep : int
        How many candidates in domain are kept, and how many out of it.
    """

    model: bytes
    space: Mapping[str, Any]
    ions: Any
    left_out: Mapping[str, str]
    sign: int
    descriptor: str | None
    rank: str
    bar: float
    keep: int

    @property
    def key(self) -> str:
        """Fingerprint of all that decides the list."""
        import hashlib

        library = [] if self.ions is None else [repr(ion) for ion in self.ions]
        told = [
            dict(self.space),
            library,
            sorted(self.left_out),
            self.sign,
            self.descriptor,
            self.rank,
            repr(self.bar),
            self.keep,
        ]
        return digest([hashlib.sha256(self.model).hexdigest(), told])


@dataclass(frozen=True)
class Found:
    """What a screening has found so far.

    Attributes
    ----------
    n_screened, n_in_domain : int
        Candidates that obey the rules, and those of them in domain.
    highest_low, lowest_high : float
        Ends of the intervals in domain, in the space of the models.
    off : float
        Largest error seen of interpolated values, in the space of the models.
    inside, outside : tuple of ndarray
        Number and merit of the best candidates in domain and out of it, by number.
    """

    n_screened: int = 0
    n_in_domain: int = 0
    highest_low: float = -np.inf
    lowest_high: float = np.inf
    off: float = 0.0
    inside: tuple[NDArray[np.int64], NDArray[np.float64]] = field(default_factory=lambda: _none())
    outside: tuple[NDArray[np.int64], NDArray[np.float64]] = field(default_factory=lambda: _none())

    def with_part(self, other: Found, keep: int) -> Found:
        """Put two together."""
        return Found(
            self.n_screened + other.n_screened,
            self.n_in_domain + other.n_in_domain,
            max(self.highest_low, other.highest_low),
            min(self.lowest_high, other.lowest_high),
            max(self.off, other.off),
            _together(self.inside, other.inside, keep),
            _together(self.outside, other.outside, keep),
        )

    def pool(self, keep: int) -> NDArray[np.int64]:
        """Numbers of the best `keep`, in domain first, in the order of the space."""
        rest = _best(*self.outside, max(0, keep - len(self.inside[0])))[0]
        return np.sort(np.concatenate([self.inside[0], rest]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; `from_dict` reads them."""
        plain = {name: getattr(self, name) for name in ("n_screened", "n_in_domain", "off")}
        ends = {name: repr(getattr(self, name)) for name in ("highest_low", "lowest_high")}
        kept = {
            name: [getattr(self, name)[0].tolist(), [repr(v) for v in getattr(self, name)[1].tolist()]]
            for name in ("inside", "outside")
        }
        return plain | ends | kept

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Found:
        """Read what `to_dict` wrote."""
        kept = {
            name: (np.array(raw[name][0], dtype=np.int64), np.array([float(v) for v in raw[name][1]], dtype=float))
            for name in ("inside", "outside")
        }
        low, high, off = (float(raw[name]) for name in ("highest_low", "lowest_high", "off"))
        counts = int(raw["n_screened"]), int(raw["n_in_domain"])
        return cls(*counts, low, high, off, kept["inside"], kept["outside"])


def _none() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.empty(0, dtype=np.int64), np.empty(0)


_Kept = tuple[NDArray[np.int64], NDArray[np.float64]]


def _together(one: _Kept, other: _Kept, keep: int) -> _Kept:
    return _best(np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]]), keep)


def _best(
    numbers: NDArray[np.int64], merits: NDArray[np.float64], keep: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the best `keep`; of equal ones, those that come first in the space."""
    if len(numbers) > keep:
        bar = np.partition(merits, len(merits) - keep)[len(merits) - keep] if keep else np.inf
        chosen = np.flatnonzero(merits >= bar)
        chosen = chosen[np.lexsort((numbers[chosen], -merits[chosen]))][:keep]
        numbers, merits = numbers[chosen], merits[chosen]
    order = np.argsort(numbers)
    return numbers[order], merits[order]


# --- one part -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _opened(key: str, job_of: _Once) -> tuple[Space, StackedPredictor]:
    from perospin.studies.predicting.predictor import Predictor
    from perospin.studies.predicting.stacked import StackedPredictor

    job = job_of.job
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        path.write_bytes(job.model)
        predictor = Predictor.load(path)
    space = Space(read_space(job.space, "the space"), job.ions, job.left_out)
    names = {name for rule in space.rules for name in rule.names()} | ({job.descriptor} if job.descriptor else set())
    from perospin.descriptors.intrinsic import COLUMNS

    assert space.grid is not None
    return space, StackedPredictor(
        predictor, space.grid, space.ions, sorted(names & set(COLUMNS)), compute=bool(space.to_compute())
    )


class _Once:
    """A job as an argument that a cache takes: all of one key are equal."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once)

    def __hash__(self) -> int:
        return 0


def screen_part(job: Job, start: int, stop: int) -> Found:
    """Screen the stacks from `start` to `stop`; this is what a worker does."""
    from threadpoolctl import threadpool_limits

    space, stacked = _opened(job.key, _Once(job))
    grid = stacked.grid
    step = max(1, _CELLS // grid.n_sheets)
    found = Found()
    with threadpool_limits(1):
        for first in range(start, stop, step):
            found = found.with_part(_block(job, space, stacked, first, min(first + step, stop)), job.keep)
    return found


def _block(job: Job, space: Space, stacked: StackedPredictor, start: int, stop: int) -> Found:
    block = stacked.block(start, stop)
    shape = block.centre.shape
    obeys = space.free_of_pairs(stacked.grid.stacks(start, stop))
    for rule in space.rules:
        names = rule.names()
        obeys &= rule.holds_in({name: block.column(name) for name in names if block.has(name)})
    spread = 0.5 * (block.high - block.low)
    if job.descriptor is not None:
        merit = np.broadcast_to(job.sign * block.column(job.descriptor), shape)
    elif job.rank == "value":
        merit = job.sign * block.centre
    elif job.rank == "chance":
        with np.errstate(all="ignore"):
            merit = job.sign * (block.centre - job.bar) / spread
    else:
        merit = job.sign * block.centre - spread
    merit = np.nan_to_num(merit, nan=-np.inf, posinf=np.inf, neginf=-np.inf).ravel()
    inside = (block.inside & obeys).ravel()
    outside = (obeys & ~block.inside).ravel()
    low, high = block.low.ravel()[inside], block.high.ravel()[inside]
    base = start * shape[1]

    def kept(which: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        places = np.flatnonzero(which)
        return _best(base + places, merit[places], job.keep)

    return Found(
        int(obeys.sum()),
        int(inside.sum()),
        float(low.max(initial=-np.inf)),
        float(high.min(initial=np.inf)),
        block.off,
        kept(inside),
        kept(outside),
    )


# --- all parts ----------------------------------------------------------------------------------------------


@dataclass
class State:
    """A small file with what was found, so that a run that was killed goes on.

    Attributes
    ----------
    path : Path
        The file.
    """

    path: Path

    def read(self, key: str) -> tuple[Found, set[int]]:
        """Return what was found and which parts are done.

        Raises
        ------
        NavigationError
            If the file belongs to another screening, or isn't whole.
        """
        if not self.path.is_file():
            return Found(), set()
        try:
            raw = read_json(read_bytes(self.path, "screening"), str(self.path))
            if raw["key"] == key:
                return Found.from_dict(raw["found"]), {int(part) for part in raw["done"]}
        except (PerospinError, KeyError, TypeError, ValueError, IndexError):
            raise NavigationError(
                f"'{self.path}' holds no screening that can go on; delete it and start without --resume"
            ) from None
        raise NavigationError(
            f"'{self.path}' belongs to another screening: space, study, perospin or options have changed; start "
            "without --resume"
        )

    def write(self, key: str, found: Found, done: set[int]) -> None:
        """Keep what was found; the file is whole at any moment."""
        write_json(self.path, {"key": key, "done": sorted(done), "found": found.to_dict()})


def stream(
    job: Job,
    grid: Any,
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    state: State | None = None,
    resume: bool = False,
    tell: Callable[[str, int, int], None] | None = None,
) -> Found:
    """Screen all parts.

    Parameters
    ----------
    job : Job
    grid : CandidateGrid
        The space's.
    executor : concurrent.futures.Executor, optional
        Where parts are screened in place of threads of this process.
    workers : int, optional
        Threads; the processors of this machine by default.
    state : State, optional
        Where what was found is kept.
    resume : bool
        Go on from `state`.
    tell : callable, optional
        Progress.
    """
    size = max(1, min(_MOST_STACKS, _PART // grid.n_sheets))
    parts, key = -(-grid.n_stacks // size), f"{job.key}-{size}"
    found, done = state.read(key) if state is not None and resume else (Found(), set())
    count = _counter(grid, size, done, tell)
    kept_at = time.monotonic()
    try:
        with _running(executor, workers) as (pool, at_once):
            left = (number for number in range(parts) if number not in done)
            running: dict[Future[Found], int] = {}
            while True:
                for number in left:
                    running[pool.submit(screen_part, job, number * size, min((number + 1) * size, grid.n_stacks))] = (
                        number
                    )
                    if len(running) >= at_once:
                        break
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    found = found.with_part(_answer(future), job.keep)
                    done.add(number)
                    count(number)
                if state is not None and time.monotonic() - kept_at > _SAVE_S:
                    state.write(key, found, done)
                    kept_at = time.monotonic()
    finally:
        if state is not None:
            state.write(key, found, done)
    return found


def _answer(future: Future[Found]) -> Found:
    try:
        return future.result()
    except Exception as error:
        if type(error).__name__ not in ("KilledWorker", "CancelledError", "FutureCancelledError"):
            raise
        raise NavigationError(
            "the cluster lost a part of the screening several times over (memory?); what was found is kept: go on with "
            "--resume"
        ) from None


@contextmanager
def _running(executor: Executor | None, workers: int | None) -> Iterator[tuple[Executor, int]]:
    """Give an executor and how many parts it may have at once."""
    if executor is not None:
        yield executor, 64
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n = workers or cores
    pool = ThreadPoolExecutor(n)
    try:
        yield pool, 2 * n
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _counter(
    grid: Any, size: int, done: set[int], tell: Callable[[str, int, int], None] | None
) -> Callable[[int], None]:
    def candidates(number: int) -> int:
        return int((min((number + 1) * size, grid.n_stacks) - number * size) * grid.n_sheets)

    counted, fresh, began = sum(map(candidates, done)), 0, time.monotonic()

    def count(number: int) -> None:
        nonlocal counted, fresh
        counted, fresh = counted + candidates(number), fresh + candidates(number)
        if tell is not None:
            rate = fresh / max(time.monotonic() - began, 1e-3)
            tell(f"screening, {rate:,.0f} candidates/s", counted, len(grid))

    return count


def model_bytes(predictor: Predictor) -> bytes:
    """Return the model file of a fitted study."""
    with tempfile.TemporaryDirectory() as folder:
        return predictor.save(Path(folder) / "model.npz").read_bytes()
