"""The Python client has the library's verbs, and a service's refusal is the same sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perospin.database import Store
from perospin.errors import DataError, PerospinError
from perospin.server import tokens
from perospin.server.client import Client, ServiceError, connect
from perospin.server.serving import Settings, serve

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("httpx")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service") / "s.sqlite"


@pytest.fixture(scope="module")
def address(file: Path) -> Iterator[str]:
    from perospin.server.http import create_app

    server = uvicorn.Server(
        uvicorn.Config(create_app(Settings(store=str(file))), host="127.0.0.1", port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(address: str, file: Path) -> Iterator[Client]:
    with Store.open(file) as store:
        token = tokens.add(store, f"Ada {time.monotonic_ns()}", tokens.SCOPES)
    with connect(address, token) as opened:
        yield opened


def test_the_verbs(client: Client) -> None:
    import perospin as ps

    assert client.health()["status"] == "ok"
    frame = client.describe(["(PEA)2PbI4", "MAPbI3"])
    assert frame.loc["(PEA)2PbI4", "spacer_homo_ev"] == pytest.approx(
        ps.describe(["(PEA)2PbI4"], compute=False)["spacer_homo_ev"].iloc[0]
    )
    (found,) = client.predict(["(BA)2PbI4"])
    assert found["low"] < found["value"] < found["high"]
    assert len(client.query("tau_spin")) == len(ps.load_records("tau_spin", user=False))
    assert client.query("tau_spin", material="(PEA)2PbI4")["value"].min() > 0
    assert len(client.sources("tau_spin")) > 5
    record = {"material": "MAPbI3", "property": "T1", "value": 8.0, "unit": "ps", "first_author": "Our lab"}
    (number,) = client.propose([record], why="new", request="a")
    assert client.propose([record], why="new", request="a") == [number]
    assert client.proposals()[0]["record"]["material"] == "MAPbI3"
    with pytest.raises(ServiceError, match="own: another person"):
        client.accept([number])
    client.reject([number], "a trial")
    assert client.proposals() == []


def test_a_refusal_is_the_librarys_sentence(client: Client) -> None:
    import perospin as ps

    for wrong in ("(PEEA)2PbI4", ")("):
        with pytest.raises(PerospinError) as here:
            ps.Perovskite.parse(wrong)
        with pytest.raises(ServiceError) as there:
            client.predict([wrong])
        assert str(there.value) == str(here.value)
    with pytest.raises(ServiceError, match="more than 5"):
        client.query("tau_spin", most=5)


def test_no_service_or_another_one() -> None:
    with Client("http://127.0.0.1:9", timeout_s=2) as nobody, pytest.raises(ServiceError, match="perospin serve"):
        nobody.health()
    with pytest.raises(DataError, match="no address of a service"):
        Client("127.0.0.1:8600")


def test_a_port_that_is_taken_is_one_sentence(address: str, tmp_path: Path) -> None:
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(DataError, match="try another --port"):
        serve(Settings(store=str(tmp_path / "s.sqlite")), port=port)
    with pytest.raises(DataError, match="no folder"):
        serve(Settings(campaigns=str(tmp_path / "none")))
