"""A Dask cluster of two workers on this machine, one of which a test may kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest


@dataclass
class TwoWorkers:
    """Address of the scheduler, and the processes of the workers."""

    address: str
    processes: list[int]
    lost: list[int] = field(default_factory=list)

    def lose_one(self) -> None:
        """Kill the first worker, once."""
        if not self.lost:
            self.lost.append(self.processes[0])
            os.kill(self.lost[0], signal.SIGKILL)


@contextmanager
def two_workers() -> Iterator[TwoWorkers]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield TwoWorkers(cluster.scheduler_address, list(client.run(os.getpid).values()))
