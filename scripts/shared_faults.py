"""Kills of what a group shares: a store, its migration and backup, a campaign, PostgreSQL, the service.

Used by `faults.py`. Each function gives how often it tried and how often something was lost, double or half-written.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_ADDS = """
import sys
from perospin.database import Record, Source, Store
place, first = sys.argv[1], int(sys.argv[2])
with Store.open(place) as store:
    for i in range(first, first + 10_000):
        store.add([Record.measured("MAPbI3", "T1", 1.0 + i, "ps", Source(first_author="killed"))])
        print(i, flush=True)
"""
_MIGRATES = """
import sys
from perospin.database import Store
print("ready", flush=True)
with Store.open(sys.argv[1]) as store:
    store.migrate()
"""
_BACKS_UP = """
import sys
from perospin.database import Store
from perospin.database.sharing import backup
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    while True:
        backup(store, sys.argv[2])
"""
_RESTORES = """
import sys
from perospin.database import Store
from perospin.database.sharing import restore
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    restore(store, sys.argv[2])
"""
_TELLS = """
import sys
from perospin.navigation import Campaign
campaign = Campaign.open(sys.argv[1])
for i in range(int(sys.argv[2]), 10_000):
    campaign.tell("A", {"gap": 1.0 + i}, again=True)
    print(i, flush=True)
"""


def _start(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _killed(code: str, wait_s: float, *arguments: str | Path) -> list[str]:
    """Start a child, kill it some time after its first line, and give the lines that it had printed."""
    child = _start(code, *arguments)
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(wait_s)
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.wait()
    child.stdout.close()
    # a line that the kill cut off was not told
    return [first.strip(), *rest.split("\n")[:-1]] if first.endswith("\n") else []


def stores_killed(tries: int, place: str | None = None) -> tuple[int, int]:
    """Kill a process that adds records: what it had told as added must be there once, and nothing twice."""
    from perospin.database import Store

    failures, draw = 0, random.Random(2)
    with tempfile.TemporaryDirectory() as name:
        where = place or str(Path(name) / "s.sqlite")
        told: set[int] = set()
        for round_ in range(tries):
            lines = _killed(_ADDS, draw.uniform(0.0, 0.15), where, str(10_000 * round_))
            told |= {int(line) for line in lines}
            with Store.open(where) as store:
                held = Counter(round(record.value - 1.0) for record in store.query())
            failures += bool(told - set(held)) or any(count > 1 for count in held.values())
    return tries, int(failures)


def migrations_killed(tries: int) -> tuple[int, int]:
    """Kill a migration: the store is of the old or of the new schema, with all its records, and goes on."""
    from perospin.database import Store

    failures, draw = 0, random.Random(3)
    old = ROOT / "tests" / "data" / "store_schema_1.sqlite"
    with tempfile.TemporaryDirectory() as name:
        for number in range(tries):
            file = Path(shutil.copy(old, Path(name) / f"{number}.sqlite"))
            _killed(_MIGRATES, draw.uniform(0.0, 0.5), file)
            with Store.open(file) as store:
                whole = store.version() in (1, 2) and store.count() == 2
                store.migrate()
                failures += not (whole and store.version() == 2 and store.count() == 2)
    return tries, int(failures)


def backups_killed(tries: int) -> tuple[int, int]:
    """Kill a backup, and a restore: the file restores whole or isn't there; the store is full or empty."""
    from perospin.database import Record, Source, Store
    from perospin.database.sharing import restore

    failures, draw = 0, random.Random(4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(folder / "s.sqlite") as store:
            source = Source(first_author="killed")
            store.add(Record.measured("MAPbI3", "T1", 1.0 + i, "ps", source) for i in range(3000))
        for number in range(tries):
            file, empty = folder / "b.zip", folder / f"{number}.sqlite"
            _killed(_BACKS_UP, draw.uniform(0.0, 0.6), folder / "s.sqlite", file)
            if file.exists():
                _killed(_RESTORES, draw.uniform(0.0, 0.4), empty, file)
                with Store.open(empty) as store:
                    failures += store.count() not in (0, 3000)
                    if store.count() == 0:
                        restore(store, file)
                    failures += store.count() != 3000
            failures += any(left.name.startswith(".part-") and _old(left) for left in folder.iterdir())
    return 2 * tries, int(failures)


def _old(left: Path) -> bool:
    return time.time() - left.stat().st_mtime > 3600  # what a kill leaves is swept by the next writer


def campaigns_killed(tries: int) -> tuple[int, int]:
    """Kill a process that tells results to a campaign: each that it had told is in the log once."""
    from perospin.navigation import Campaign, CandidateTable

    failures, draw = 0, random.Random(5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "mine"
        Campaign.new(folder, CandidateTable(["x"], [[0.0], [1.0]], ["A", "B"]), "max gap (eV)").close()
        told: set[int] = set()
        first = 0
        for _ in range(tries):
            told |= {int(line) for line in _killed(_TELLS, draw.uniform(0.0, 0.15), folder, str(first))}
            campaign = Campaign.open(folder)
            held = Counter(round(event.values["gap"] - 1.0) for event in campaign.events if event.kind == "measured")
            campaign.close()
            failures += bool(told - set(held)) or any(count > 1 for count in held.values())
            first = 1 + max(held, default=-1)
    return tries, int(failures)


def services_killed(tries: int) -> tuple[int, int]:
    """Kill the service while it takes proposals: each answered with 201 is there once after it was sent again."""
    import httpx

    from perospin.database import Store
    from perospin.database.sharing import proposals
    from perospin.server import tokens

    failures, draw = 0, random.Random(6)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "s.sqlite"
        with Store.open(file) as store:
            token = tokens.add(store, "writer", ["propose"])
        headers, accepted, number = {"authorization": f"Bearer {token}"}, set(), 0
        for _ in range(tries):
            with _service(file) as (process, address), httpx.Client(base_url=address, headers=headers) as client:
                end = time.monotonic() + draw.uniform(0.05, 0.5)
                killed = False
                while True:
                    record = {"material": "MAPbI3", "property": "T1", "value": 1.0 + number, "unit": "ps"}
                    message = {"records": [record | {"first_author": "killed"}], "request": str(number)}
                    if not killed and time.monotonic() > end:
                        process.send_signal(signal.SIGKILL)
                        killed = True
                    try:
                        answer = client.post("/v1/proposals", json=message)
                    except httpx.HTTPError:
                        break  # the same message is sent to the next service
                    accepted |= {number} if answer.status_code == 201 else set()
                    number += 1
            with Store.open(file) as store:
                held = Counter(round(one.record.value - 1.0) for one in proposals(store, None))
            failures += bool(accepted - set(held)) or any(count > 1 for count in held.values())
    return tries, int(failures)


@contextmanager
def _service(file: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    import httpx

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    code = "from perospin.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--store", str(file), "--port", str(port), "--rate", "100000000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{address}/v1/health").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield process, address
    finally:
        process.kill()
        process.wait()


def postgresql_killed(tries: int) -> tuple[int, int]:
    """Do as `stores_killed`, in the PostgreSQL database that PEROSPIN_TEST_POSTGRESQL names; 0 tries without one."""
    from sqlalchemy import create_engine, text

    server = os.environ.get("PEROSPIN_TEST_POSTGRESQL", "")
    if not server:
        return 0, 0
    schema = f"perospin_faults_{os.getpid()}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    try:
        join = "&" if "?" in server else "?"
        return stores_killed(tries, f"{server}{join}options=-csearch_path%3D{schema}")
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()
