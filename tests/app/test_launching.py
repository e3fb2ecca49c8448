"""`perospin app`: loopback, no statistics, a limit of uploads; what is missing or taken is one sentence."""

from __future__ import annotations

import inspect
import socket
import sys
from pathlib import Path

import pytest

from perospin.app import launching
from perospin.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["app", *arguments])
    return int(left.value.code or 0)


def test_the_settings_keep_everything_on_this_machine() -> None:
    given = launching.options("127.0.0.1", 8501)
    assert inspect.signature(launching.launch).parameters["address"].default == "127.0.0.1"
    # without an address Streamlit asks a server outside for the machine's own
    assert given["server.address"] == "127.0.0.1"
    assert given["browser.gatherUsageStats"] is False
    assert given["server.enableStaticServing"] is False
    assert 0 < given["server.maxUploadSize"] <= 64


def test_every_setting_is_one_that_streamlit_knows() -> None:
    config = pytest.importorskip("streamlit.config")
    known = config.get_config_options()
    assert set(launching.options("127.0.0.1", 1)) <= set(known)


@pytest.mark.parametrize("package", ["streamlit", "plotly"])
def test_a_missing_extra_is_one_sentence_with_its_cure(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("streamlit")
    monkeypatch.setitem(sys.modules, package, None)
    assert run("--no-browser") == 2
    told = capsys.readouterr().err
    assert "pip install 'perospin[app]'" in told
    assert "Traceback" not in told


def test_a_taken_port_and_a_missing_folder_are_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("streamlit")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert run("--port", port, "--no-browser") == 2
        assert "another --port" in capsys.readouterr().err
    assert run("--no-browser", "--folder", str(tmp_path / "none")) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_help_needs_no_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", None)
    assert run("--help") == 0
    assert "--address" in capsys.readouterr().out
