"""Settings that all tests share."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# a busy machine is not a bug: no time limit for single examples
settings.register_profile("perospin", deadline=None)
settings.load_profile("perospin")


@pytest.fixture(autouse=True, scope="session")
def _state_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Studies run by tests leave nothing in the log of variants of whoever runs the tests."""
    before = os.environ.get("PEROSPIN_STATE")
    os.environ["PEROSPIN_STATE"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["PEROSPIN_STATE"]
    else:
        os.environ["PEROSPIN_STATE"] = before


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Address of a PostgreSQL database: the one that PEROSPIN_TEST_POSTGRESQL names, or one started for the tests."""
    if server := os.environ.get("PEROSPIN_TEST_POSTGRESQL", ""):
        yield server
        return
    pytest.importorskip("psycopg", reason="PostgreSQL is tested with the driver psycopg, which isn't installed")
    if not (shutil.which("initdb") and shutil.which("pg_ctl")):
        pytest.skip("PEROSPIN_TEST_POSTGRESQL names no database, and initdb and pg_ctl aren't there to start one")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a short name: sockets have to fit into 107 bytes
    root = os.geteuid() == 0  # who may not run a server
    if root:
        shutil.chown(folder, "nobody")

    def call(*command: str) -> None:
        kept = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "timeout": 120, "check": True}
        subprocess.run(command, cwd=folder, **(kept | {"user": "nobody"} if root else kept))

    data = str(folder / "data")
    try:
        call("initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync")
        call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -h '' -F", "start")
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(folder)
        pytest.skip(f"a PostgreSQL server can't be started here: {error}")
    yield f"postgresql+psycopg://tests@/postgres?host={folder}"
    call("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def postgresql(postgresql_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a new schema in a PostgreSQL database."""
    from sqlalchemy import create_engine, text

    schema = f"perospin_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**8}"
    engine = create_engine(postgresql_server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{postgresql_server}{'&' if '?' in postgresql_server else '?'}options=-csearch_path%3D{schema}"
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()
