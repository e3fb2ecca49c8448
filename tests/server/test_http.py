"""The service answers what the library answers, refuses in one sentence, and lets nobody write without a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perospin.database import Store, select_records
from perospin.database.sharing import proposals

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from fastapi.testclient import TestClient

from perospin.server import tokens
from perospin.server.http import create_app
from perospin.server.serving import Settings

RECORD = {
    "material": "(PEA)2PbI4",
    "property": "tau_spin",
    "value": 310.0,
    "unit": "fs",
    "first_author": "Our lab",
    "year": 2026,
    "temperature_k": 295.0,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "s.sqlite"


@pytest.fixture
def service(file: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(store=str(file)))) as client:
        yield client


def bearer(file: Path, name: str, *scopes: str) -> dict[str, str]:
    with Store.open(file) as store:
        return {"authorization": f"Bearer {tokens.add(store, name, scopes)}"}


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    said = answer.json()["error"]["sentence"]
    assert 0 < len(said) <= 400
    assert "Traceback" not in said
    return str(said)


def test_records_have_units_and_sources_and_come_in_pages(service: TestClient) -> None:
    whole = select_records("tau_spin", user=False)
    found: list[dict[str, Any]] = []
    address: int | None = 0
    while address is not None:
        page = service.get("/v1/records", params={"property": "tau_spin", "limit": 40, "offset": address}).json()
        found += page["records"]
        address = page["next_offset"]
        assert page["total"] == len(whole)
    assert [one["record_id"] for one in found] == [record.record_id for record in whole]
    assert all(one["unit"] == "ps" and (one.get("doi") or one.get("url") or one.get("first_author")) for one in found)


def test_a_question_asked_again_is_answered_from_what_was_kept_until_the_store_changes(
    service: TestClient, file: Path
) -> None:
    asked = {"property": "tau_spin", "table": "user"}
    with Store.open(file) as store:
        tokens.add(store, "nobody", ["read"])  # makes the file
    first = service.get("/v1/records", params=asked)
    again = service.get("/v1/records", params=asked)
    assert first.content == again.content
    assert "perospin_kept_answers_total 1" in service.get("/v1/metrics").text
    tag = first.headers["etag"]
    nothing_new = service.get("/v1/records", params=asked, headers={"if-none-match": tag})
    assert (nothing_new.status_code, nothing_new.content) == (304, b"")
    from perospin.server.messages import NewRecord
    from perospin.server.records import record_of

    with Store.open(file) as store:
        store.add([record_of(NewRecord.model_validate(RECORD), 0)])
    changed = service.get("/v1/records", params=asked, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert [one["value"] for one in changed.json()["records"]] == [pytest.approx(0.31)]


def test_a_proposal_needs_a_token_and_another_persons_word(service: TestClient, file: Path) -> None:
    message = {"records": [RECORD], "why": "new films", "request": "films-1"}
    assert "needs a token" in refused(service.post("/v1/proposals", json=message), 401)
    wrong = {"authorization": "Bearer perospin_wrong"}
    assert "isn't known" in refused(service.post("/v1/proposals", json=message, headers=wrong), 401)
    ada, grace = bearer(file, "Ada", "propose", "review"), bearer(file, "Grace", "review")
    assert "doesn't allow 'propose'" in refused(service.post("/v1/proposals", json=message, headers=grace), 403)
    sent = service.post("/v1/proposals", json=message, headers=ada)
    assert (sent.status_code, sent.json()) == (201, {"proposed": [1]})
    assert service.post("/v1/proposals", json=message, headers=ada).json() == {"proposed": [1]}, "sent twice, kept once"
    other = {**message, "records": [{**RECORD, "value": 320.0}]}
    assert "was called 'films-1'" in refused(service.post("/v1/proposals", json=other, headers=ada), 400)
    own = service.post("/v1/proposals/accept", json={"numbers": [1]}, headers=ada)
    assert "Ada's own" in refused(own, 400)
    done = service.post("/v1/proposals/accept", json={"numbers": [1]}, headers=grace)
    assert done.json() == {"records": ["user-1"]}
    told = service.get("/v1/records/user-1").json()
    assert told["record"]["value"] == pytest.approx(0.31)
    assert [change["by"] for change in told["history"]] == ["Grace", "Grace"]
    assert "by Ada" in told["history"][1]["why"]
    with Store.open(file) as store:
        tokens.revoke(store, "Grace")
        assert [proposal.by for proposal in proposals(store, None)] == ["Ada"]
    assert "revoked" in refused(service.post("/v1/proposals/accept", json={"numbers": [1]}, headers=grace), 401)


def test_no_token_lies_in_the_store(file: Path) -> None:
    with Store.open(file) as store:
        token = tokens.add(store, "Ada", ["propose"])
        assert tokens.whose(store, token) is not None
        assert tokens.whose(store, token + "x") is None
    assert token.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "parsec"}, "records[0]: unit 'parsec' does not fit tau_spin"),
        ({"material": "(PEEA)2PbI4"}, "unknown ion"),
        ({"property": "tau_spn"}, "tau_spn"),
        ({"first_author": ""}, "a value needs a source"),
        ({"temperature_k": -4.0}, "temperature_k is -4"),
        ({"value": -1.0}, "greater than 0"),
    ],
)
def test_a_wrong_record_is_refused_whole(service: TestClient, file: Path, change: dict[str, Any], said: str) -> None:
    ada = bearer(file, "Ada", "propose")
    message = {"records": [RECORD | change, RECORD | {"value": 99.0}]}
    assert said in refused(service.post("/v1/proposals", json=message, headers=ada), 400)
    with Store.open(file) as store:
        assert proposals(store, None) == []


def test_garbage_gets_one_sentence_and_no_500(service: TestClient, file: Path) -> None:
    ada = bearer(file, "Ada", "propose")
    bodies = [
        b"",
        b"garbage",
        b"[]",
        b'{"records": 1}',
        b'{"records": [{}]}',
        b"\xff\xfe",
        b'{"records":' + b"[" * 5000,
    ]
    for body in bodies:
        answer = service.post("/v1/proposals", content=body, headers=ada | {"content-type": "application/json"})
        refused(answer, 400 if answer.status_code == 400 else 422)
    refused(service.get("/v1/records", params={"limit": "many"}), 422)
    refused(service.get("/v1/records", params={"property": "nonsense"}), 400)
    refused(service.get("/v1/records/nothing"), 404)
    refused(service.get("/nowhere"), 404)
    refused(service.put("/v1/records"), 405)
    refused(service.get("/v1/describe", params={"formula": "garbage)("}), 400)
    refused(service.get("/v1/predict", params={"formula": "MAPbI3", "study": "../../etc/passwd"}), 404)


def test_limits_of_size_and_rate(file: Path) -> None:
    with TestClient(create_app(Settings(store=str(file), largest_body_kb=1))) as small:
        said = refused(small.post("/v1/describe", content=b" " * 3000), 413)
        assert "longer than 1 kB" in said

        def parts() -> Iterator[bytes]:
            yield from [b" " * 600] * 5

        refused(small.post("/v1/describe", content=parts()), 413)
    with TestClient(create_app(Settings(store=str(file), rate_per_minute=5))) as slow:
        answers = [slow.get("/v1/health") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) >= 1


def test_reading_may_need_a_token(file: Path) -> None:
    with TestClient(create_app(Settings(store=str(file), read_needs_token=True))) as closed:
        refused(closed.get("/v1/records"), 401)
        assert closed.get("/v1/records", headers=bearer(file, "Ada", "read")).status_code == 200
        refused(closed.get("/v1/records"), 401)


def test_descriptors_and_predictions_are_those_of_the_library(service: TestClient) -> None:
    import perospin as ps

    told = service.get("/v1/describe", params={"formula": ["(PEA)2PbI4", "MAPbI3"]}).json()
    assert [one["formula"] for one in told["materials"]] == ["(PEA)2PbI4", "MAPbI3"]
    frame = ps.describe(["(PEA)2PbI4", "MAPbI3"], compute=False)
    values = told["materials"][0]["descriptors"]
    assert values["spacer_homo_ev"] == pytest.approx(frame["spacer_homo_ev"].iloc[0])
    assert told["units"]["spacer_homo_ev"] == "eV"
    (found,) = service.post("/v1/predict", json={"formulas": ["(PEA)2PbI4"]}).json()["predictions"]
    same = ps.Study.load("spin-relaxation").predictor().predict("(PEA)2PbI4")
    assert found["value"] == pytest.approx(same.value)
    assert (found["unit"], found["reciprocal"]["unit"]) == ("1/ps", "ps")
    assert "leave one spacer out" in found["interval"]
    assert found["nearest"][0]["source"]
    said = refused(service.get("/v1/predict", params={"formula": "(MyA)2PbI4"}), 400)
    assert "MyA" in said


def test_every_address_is_described(service: TestClient) -> None:
    told = service.get("/openapi.json").json()
    assert set(told["paths"]) >= {"/v1/records", "/v1/predict", "/v1/describe", "/v1/proposals", "/v1/health"}
    text = json.dumps(told["components"]["schemas"]["NewRecord"])
    assert "Sample temperature, K." in text
    assert "examples" in text
    for path in told["paths"].values():
        assert all(verb.get("description") or verb.get("summary") for verb in path.values())


def test_settings_pass_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from perospin.errors import DataError

    mine = Settings(store="a b.sqlite", read_needs_token=True, rate_per_minute=7)
    for name, value in mine.to_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == mine
    monkeypatch.setenv("PEROSPIN_SERVER_RATE_PER_MINUTE", "many")
    with pytest.raises(DataError, match="must be a whole number"):
        Settings.from_environment()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what the package does with its own libraries
def test_optimade_is_served_below_its_address(file: Path) -> None:
    pytest.importorskip("optimade")
    pytest.importorskip("mongomock")
    address = "http://127.0.0.1:8600/optimade"
    with TestClient(create_app(Settings(store=str(file), optimade_url=address))) as client:
        info = client.get("/optimade/v1/info").json()
        assert "structures" in info["data"]["attributes"]["available_endpoints"]
        page = client.get("/optimade/v1/structures", params={"page_limit": 2}).json()
        assert len(page["data"]) == 2
        assert page["links"]["next"].startswith(address) or page["links"]["next"]["href"].startswith(address)
        assert client.get("/v1/health").json()["status"] == "ok"


def test_optimade_needs_an_address_and_open_reading() -> None:
    from perospin.errors import DataError

    with pytest.raises(DataError, match="no address for OPTIMADE"):
        Settings(optimade_url="here")
    with pytest.raises(DataError, match="open to all"):
        Settings(optimade_url="http://a/optimade", read_needs_token=True)
