"""An agent gets units, schemes, sources and cautions; garbage gets an error of the protocol, and no crash."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.server.mcp import VERSIONS, serve


def talk(*messages: Any) -> list[dict[str, Any]]:
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
    out = io.BytesIO()
    serve(None, io.BytesIO(b"\n".join(lines) + b"\n"), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def request(method: str, number: int = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    (answer,) = talk(request("tools/call", name=name, arguments=arguments))
    assert answer["id"] == 1
    return dict(answer["result"])


def test_it_greets_in_the_callers_revision_or_its_own() -> None:
    for asked, told in ((VERSIONS[-1], VERSIONS[-1]), ("1999-01-01", VERSIONS[0])):
        (answer,) = talk(request("initialize", protocolVersion=asked))
        assert answer["result"]["protocolVersion"] == told
        assert answer["result"]["serverInfo"]["name"] == "perospin"
    assert talk({"jsonrpc": "2.0", "method": "notifications/initialized"}) == []


def test_a_prediction_brings_unit_scheme_domain_and_sources() -> None:
    told = call("predict", formulas=["(PEA)2PbI4"])
    assert not told["isError"]
    (found,) = told["structuredContent"]["predictions"]
    assert (found["unit"], found["reciprocal"]["unit"]) == ("1/ps", "ps")
    assert "leave one spacer out" in found["interval"]
    assert found["in_domain"] is True
    assert found["nearest"][0]["source"]
    assert json.loads(told["content"][0]["text"]) == told["structuredContent"]


def test_a_record_is_found_and_explained() -> None:
    page = call("query", property=["tau_spin"], limit=2)["structuredContent"]
    assert len(page["records"]) == 2
    assert page["total"] > 2 == page["next_offset"]
    first = page["records"][0]
    assert first["unit"] == "ps"
    told = call("explain_record", record_id=first["record_id"])["structuredContent"]
    assert told["record"] == first
    assert told["property"]["unit"] == "ps"


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("predict", {"formulas": ["(PEEA)2PbI4"]}, "unknown ion"),
        ("predict", {}, "needs 'formulas'"),
        ("predict", {"formulas": "MAPbI3"}, "must be a list"),
        ("predict", {"formulas": [1]}, "must be text"),
        ("predict", {"formulas": []}, "must hold 1 to 20"),
        ("predict", {"formulas": ["MAPbI3"], "study": "/etc/passwd"}, "there is no study"),
        ("query", {"limit": 10**6}, "between 1 and 50"),
        ("query", {"limit": True}, "a whole number"),
        ("query", {"sql": "DROP TABLE records"}, "no argument of this tool"),
        ("explain_record", {"record_id": "nothing"}, "there is no record 'nothing'"),
    ],
)
def test_a_wrong_question_is_answered_with_one_sentence(name: str, arguments: dict[str, Any], said: str) -> None:
    told = call(name, **arguments)
    assert told["isError"]
    assert said in told["content"][0]["text"]


def test_garbage_is_an_error_of_the_protocol_and_the_next_line_is_answered() -> None:
    broken = [b"garbage", b"\xff\xfe", b"[" * 100_000, b"[]", b'"text"', b"1", {"jsonrpc": "1.0", "id": 1}]
    for line in broken:
        fault, pong = talk(line, request("ping", 7))
        assert fault["error"]["code"] in (-32700, -32600)
        assert pong == {"jsonrpc": "2.0", "id": 7, "result": {}}
    long, pong = talk(b" " * 1_500_000 + b"{}", request("ping", 7))
    assert "longer than" in long["error"]["message"]
    assert pong["id"] == 7
    (fault,) = talk(request("resources/list"))
    assert fault["error"]["code"] == -32601
    (fault,) = talk(request("tools/call", name="rm"))
    assert "no tool 'rm'" in fault["error"]["message"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["initialize", "tools/list", "tools/call", "ping", "x"]),
    json_values,
    st.sampled_from(["describe", "query", "properties", "explain_record", "x"]),
    json_values,
)
def test_any_message_is_answered_once(method: str, params: Any, name: str, arguments: Any) -> None:
    whole = {"name": name, "arguments": arguments} if method == "tools/call" else params
    answers = talk({"jsonrpc": "2.0", "id": 1, "method": method, "params": whole})
    assert len(answers) == 1
    assert ("result" in answers[0]) != ("error" in answers[0])


@pytest.mark.slow
def test_the_official_client_lists_and_calls_the_tools(tmp_path: Any) -> None:
    mcp = pytest.importorskip("mcp")
    anyio = pytest.importorskip("anyio")
    from mcp.client.stdio import stdio_client

    parameters = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-c", "from perospin.cli import main; main()", "mcp", "--store", str(tmp_path / "none.sqlite")],
    )

    async def ask() -> tuple[list[str], Any, Any]:
        async with stdio_client(parameters) as (read, write), mcp.ClientSession(read, write) as session:
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            found = await session.call_tool("predict", {"formulas": ["(PEA)2PbI4"]})
            wrong = await session.call_tool("predict", {"formulas": ["(PEEA)2PbI4"]})
            return names, found, wrong

    names, found, wrong = anyio.run(ask)
    assert names == ["describe", "predict", "query", "explain_record", "properties"]
    assert found.structured_content["predictions"][0]["unit"] == "1/ps"
    assert wrong.is_error
    assert "did you mean" in wrong.content[0].text
