"""The service beside a bare FastAPI echo on the same machine, and under mixed load with a killed worker.

python benchmarks/service.py [--seconds 10] [--minutes 5] [--workers 2] [--connections 8]

Prints reads a second and their 50th and 99th percentile, service and echo in turns in one run, and their ratio; then
minutes of readers and writers together, with `kill -9` of a worker half-way: errors by status, and whether every
proposal that was answered with 201 lies in the store once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_ECHO = """
from fastapi import FastAPI
app = FastAPI()

@app.get("/echo")
async def echo(text: str) -> dict[str, str]:
    return {"text": text}
"""
READS = (
    "/v1/records?property=tau_spin&limit=10",
    "/v1/records?property=g_factor&material=MAPbI3",
    "/v1/sources?property=tau_spin",
    "/v1/predict?formula=(PEA)2PbI4",
    "/v1/describe?formula=MAPbI3",
    "/v1/records/spin52-014",
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, path: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server and wait until it answers."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        begin = time.monotonic()
        while True:
            try:
                if asyncio.run(ask_once(port, path)) == 200:
                    break
            except OSError:
                pass
            if time.monotonic() - begin > 60 or process.poll() is not None:
                raise SystemExit(f"no server answers at port {port}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


async def ask_once(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return (await ask(reader, writer, path))[0]
    finally:
        writer.close()


async def ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    path: str,
    body: bytes | None = None,
    headers: str = "",
) -> tuple[int, bytes]:
    """One message over an open connection; a plain loop, since a client library would be slower than the server."""
    verb = "GET" if body is None else "POST"
    more = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{verb} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{more}\r\n".encode() + (body or b""))
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
    return int(head[9:12]), await reader.readexactly(length)


async def load(port: int, paths: tuple[str, ...], seconds: float, connections: int) -> tuple[float, list[float]]:
    """Ask the paths in turns over some connections; questions a second, and how long each took (s)."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def one(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = first
        while time.perf_counter() < end:
            begin = time.perf_counter()
            status, _ = await ask(reader, writer, paths[number % len(paths)])
            took.append(time.perf_counter() - begin)
            number += 1
            if status != 200:
                raise SystemExit(f"{paths[(number - 1) % len(paths)]} answered {status}")
        writer.close()

    await asyncio.gather(*(one(i) for i in range(connections)))
    return len(took) / seconds, took


async def mixed(
    port: int, token: str, minutes: float, connections: int, kill: int
) -> tuple[Counter[str], list[float], list[str]]:
    """Readers and writers together; counts by status, times of reads (s), names of the proposals that were accepted."""
    counts: Counter[str] = Counter()
    took: list[float] = []
    kept: list[str] = []
    end = time.monotonic() + 60 * minutes

    async def until(person: int, writes: bool) -> None:
        number = 0
        link = None
        while time.monotonic() < end:
            name = f"{person}-{number}"
            try:
                link = link or await asyncio.open_connection("127.0.0.1", port)
                begin = time.perf_counter()
                if writes:
                    record = {
                        "material": "MAPbI3",
                        "property": "T1",
                        "value": 1.0 + number + person / 1000,
                        "unit": "ps",
                        "first_author": f"writer {person}",
                    }
                    body = json.dumps({"records": [record], "request": name}).encode()
                    status, _ = await ask(*link, "/v1/proposals", body, f"Authorization: Bearer {token}\r\n")
                    if status == 201:
                        kept.append(name)
                else:
                    status, _ = await ask(*link, READS[number % len(READS)])
                    took.append(time.perf_counter() - begin)
                counts[f"{'write' if writes else 'read'} {status}"] += 1
                if status == 429:
                    await asyncio.sleep(1.0)
                number += 1
            except (OSError, asyncio.IncompleteReadError):
                # the worker was killed: the same message again, by its own name
                counts["connection lost"] += 1
                link = None
                await asyncio.sleep(0.05)
            if writes:
                await asyncio.sleep(0.05)
        if link is not None:
            link[1].close()

    async def killer() -> None:
        await asyncio.sleep(30 * minutes)
        children = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(kill)], capture_output=True, text=True, check=False
        ).stdout.splitlines()
        workers = [int(line.split()[0]) for line in children if "spawn_main" in line]
        if workers:
            os.kill(workers[0], signal.SIGKILL)
            counts["workers killed"] += 1

    readers = [until(i, False) for i in range(connections)]
    writers = [until(100 + i, True) for i in range(2)]
    await asyncio.gather(*readers, *writers, killer())
    return counts, took, kept


def percentiles(took: list[float]) -> str:
    cut = statistics.quantiles(took, n=100)
    return f"p50 {1e3 * cut[49]:.1f} ms, p99 {1e3 * cut[98]:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    from perospin.database import Store
    from perospin.database.sharing import proposals
    from perospin.server import tokens

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "echo.py").write_text(_ECHO)
        store = folder / "records.sqlite"
        with Store.open(store) as opened:
            token = tokens.add(opened, "writer", ["propose"])
        ports = free_port(), free_port()
        workers = ["--workers", str(given.workers)]
        echo = [sys.executable, "-m", "uvicorn", "echo:app", "--port", str(ports[0]), "--log-level", "error", *workers]
        code = "from perospin.cli import main; main()"
        service = [sys.executable, "-c", code, "serve", "--store", str(store), "--port", str(ports[1]), *workers]
        service += ["--rate", "100000000"]
        with (
            running(echo, ports[0], "/echo?text=a", folder),
            running(service, ports[1], "/v1/health", folder) as process,
        ):
            for _ in range(3):  # every worker has seen every question once
                asyncio.run(load(ports[1], READS, 4.0, 2 * given.connections))
            rates: dict[str, list[float]] = {"echo": [], "service": []}
            times: dict[str, list[float]] = {"echo": [], "service": []}
            for _ in range(3):
                for who, port, paths in (("echo", ports[0], ("/echo?text=a",)), ("service", ports[1], READS)):
                    rate, took = asyncio.run(load(port, paths, given.seconds / 3, given.connections))
                    rates[who].append(rate)
                    times[who] += took
            for who in rates:
                print(f"{who}: {statistics.median(rates[who]):.0f} reads a second, {percentiles(times[who])}")
            ratio = statistics.median(rates["service"]) / statistics.median(rates["echo"])
            print(f"ratio: {ratio:.2f} ({given.workers} workers, {given.connections} connections)")
            counts, took, kept = asyncio.run(mixed(ports[1], token, given.minutes, given.connections, process.pid))
            print(f"{given.minutes:g} minutes of mixed load: {dict(sorted(counts.items()))}; reads {percentiles(took)}")
        with Store.open(store) as opened:
            found = Counter(proposal.record.source.first_author for proposal in proposals(opened, None))
            values = [proposal.record.value for proposal in proposals(opened, None)]
        stored = sum(found.values())
        twice = stored - len(set(values))
        print(f"proposals answered with 201: {len(set(kept))}; in the store: {stored}; twice: {twice}")
        if stored < len(set(kept)) or twice:
            raise SystemExit("an accepted record was lost or is there twice")


if __name__ == "__main__":
    main()
