"""Whatever a caller sends, the service keeps to what it says of itself."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("schemathesis")
pytest.importorskip("fastapi")


@pytest.mark.slow
def test_messages_made_from_the_description_find_no_fault(tmp_path: Path) -> None:
    from perospin.database import Store
    from perospin.server import tokens
    from perospin.server.http import create_app
    from perospin.server.serving import Settings

    with Store.open(tmp_path / "s.sqlite") as store:
        # not to compute: each message would start a study
        token = tokens.add(store, "Ada", [scope for scope in tokens.SCOPES if scope != "compute"])
    (tmp_path / "campaigns").mkdir()
    app = create_app(Settings(str(tmp_path / "s.sqlite"), str(tmp_path / "campaigns"), rate_per_minute=10**9))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    # what is well formed may still be no chemistry: then 400 with its sentence is right
    command = [
        str(Path(sys.executable).with_name("st")),
        "run",
        f"http://127.0.0.1:{port}/openapi.json",
        *("-H", f"Authorization: Bearer {token}"),
        *("-n", "40", "--seed", "1", "--no-color"),
        *("--phases", "examples,coverage,fuzzing", "--exclude-checks", "positive_data_acceptance"),
    ]
    try:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    finally:
        server.should_exit = True
        thread.join()
    assert "Tested: 23" in done.stdout, done.stdout[-2000:]
    assert done.returncode == 0, done.stdout[-6000:]
