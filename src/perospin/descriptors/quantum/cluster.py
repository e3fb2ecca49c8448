"""A Dask cluster as an executor: the workers of any running scheduler, SLURM's among them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perospin._optional import require
from perospin.descriptors.quantum.cache import program_versions
from perospin.errors import QuantumError

_CONNECT_S = 15
_log = logging.getLogger(__name__)


@contextmanager
def dask_executor(scheduler: str, versions: Callable[[], Mapping[str, str]] = program_versions) -> Iterator[Executor]:
    """Connect to a running Dask scheduler and give its workers as an executor.

    Parameters
    ----------
    scheduler : str
        Address (`tcp://host:8786`), or the scheduler file that `dask scheduler --scheduler-file` wrote.
    versions : callable
        Tells the versions that must be the same on every worker; by default those of the quantum-chemistry programs.

    Raises
    ------
    MissingExtraError
        If Dask isn't installed here.
    QuantumError
        If no scheduler answers, or a worker lacks perospin or has other versions than here (its results would not
        be the same).
    """
    distributed = require("distributed", "cluster")
    logging.getLogger("distributed").setLevel(logging.ERROR)  # a lost worker is Dask's to mend and ours to report
    where: dict[str, Any] = {"scheduler_file": scheduler} if Path(scheduler).is_file() else {"address": scheduler}
    try:
        client = distributed.Client(**where, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise QuantumError(
            f"no Dask scheduler answers at '{scheduler}' ({(str(error) or type(error).__name__).splitlines()[0]}): "
            "start one with `dask scheduler` and give the address it prints"
        ) from None
    try:
        _check_workers(client, scheduler, versions)
        yield client.get_executor(pure=False)
    finally:
        client.close()


def _check_workers(client: Any, scheduler: str, versions: Callable[[], Mapping[str, str]]) -> None:
    try:
        workers = client.run(versions)
    except Exception as error:  # whatever a worker answers: it has no perospin, or not the programs
        raise QuantumError(
            f"a worker of '{scheduler}' can't compute ({type(error).__name__}: {error}): it needs perospin as it is "
            "here, with the same extras"
        ) from None
    if not workers:
        _log.warning("the scheduler at '%s' has no workers yet: waiting for the first", scheduler)
    here = dict(versions())
    for worker, found in workers.items():
        different = [f"{name} {version}" for name, version in found.items() if version != here[name]]
        if different:
            ours = ", ".join(f"{name} {version}" for name, version in here.items())
            raise QuantumError(f"worker {worker} has {', '.join(different)}, here are {ours}: install the same there")
