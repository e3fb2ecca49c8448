"""Long work runs in the background, is found again, and can be ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perospin.database import Store

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from fastapi.testclient import TestClient

from perospin.server import long_work, tokens
from perospin.server.http import create_app
from perospin.server.serving import Settings


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("PEROSPIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "none.sqlite"))
    file = tmp_path / "s.sqlite"
    with Store.open(file) as store:
        token = tokens.add(store, "Ada", ["compute"])
    with TestClient(create_app(Settings(store=str(file)))) as client:
        client.headers["authorization"] = f"Bearer {token}"
        yield client


def until_ended(service: TestClient, job: str) -> str:
    while (state := service.get(f"/v1/jobs/{job}").json()["state"]) == "running":
        time.sleep(0.1)
    return str(state)


def test_what_is_no_work_is_refused_before_anything_starts(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [
        ({"task": "study", "study": "../mine.toml"}, 404),
        ({"task": "predict"}, 400),
        ({"task": "predict", "formula": "(PEEA)2PbI4"}, 400),
        ({"task": "rm"}, 422),
    ]
    for asked, status in wrong:
        answer = service.post("/v1/jobs", json=asked)
        assert answer.status_code == status
        assert answer.json()["error"]["sentence"]
    for name in ("0" * 32, "..", "x"):
        assert service.get(f"/v1/jobs/{name}").status_code == 404
    monkeypatch.setattr(long_work, "MOST_AT_ONCE", 0)
    assert service.post("/v1/jobs", json={"task": "study", "study": "spin-relaxation"}).status_code == 429
    del service.headers["authorization"]
    assert service.post("/v1/jobs", json={"task": "study"}).status_code == 401


@pytest.mark.slow
def test_a_prediction_in_the_background_and_a_study_that_is_ended(service: TestClient) -> None:
    asked = {"task": "predict", "formula": "(PEA)2PbI4"}
    started = service.post("/v1/jobs", json=asked)
    assert started.status_code == 202
    job = started.json()["job"]
    assert service.post("/v1/jobs", json=asked).json()["job"] == job
    assert until_ended(service, job) == "done"
    (found,) = service.get(f"/v1/jobs/{job}/result").json()["predictions"]
    assert found["unit"] == "1/ps"
    study = service.post("/v1/jobs", json={"task": "study", "study": "hoip-band-gap"}).json()["job"]
    assert service.get(f"/v1/jobs/{study}/result").status_code == 400
    assert service.post(f"/v1/jobs/{study}/cancel").json()["state"] == "cancelled"
