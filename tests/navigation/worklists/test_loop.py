"""The example's loop: what was killed goes on, nothing is lost, nothing is told twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from loading import load
from perospin.navigation import Campaign

SCRIPT = Path(__file__).parents[3] / "examples" / "robot" / "loop.py"


def script() -> ModuleType:
    return load("examples/robot/loop.py")


@pytest.mark.slow
def test_killed_anywhere_nothing_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "lab"), "--rounds", "2", "--seed", "3"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for seconds in (3.0, 5.0, 7.0, 9.0):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr[-1000:]
    told = [e for e in Campaign.open(tmp_path / "lab" / "campaign").events if e.kind in ("measured", "failed")]
    assert 12 <= len(told) <= 16
    assert len({event.material for event in told}) == len(told)
    # the log has what the robot made, not what was wished
    made = [sum(float(share) for share in event.made.values()) for event in told]
    assert made == pytest.approx([1.0] * len(told))


@pytest.mark.slow
def test_suggesting_and_telling_can_be_repeated(tmp_path: Path) -> None:
    loop, folder = script(), tmp_path / "lab"
    loop.begin(folder, 0, False)
    loop.run("campaign", "suggest", folder / "campaign", "--count", 4)  # killed behind the suggestion
    loop.play_round(folder, 0, 0, 4)
    first = [e for e in Campaign.open(folder / "campaign").events if e.kind in ("measured", "failed")]
    (folder / "round-00" / "told.txt").unlink()  # killed between telling and its mark
    loop.play_round(folder, 0, 0, 4)
    again = [e for e in Campaign.open(folder / "campaign").events if e.kind in ("measured", "failed")]
    assert first == again
    assert len([e for e in Campaign.open(folder / "campaign").events if e.kind == "suggested"]) == 4
