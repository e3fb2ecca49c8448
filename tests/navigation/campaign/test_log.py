"""The log: nothing is lost, whoever writes at once and whatever is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perospin.errors import NavigationError
from perospin.navigation.campaign.log import Event, Log

WRITER = """
import sys
from pathlib import Path
from perospin.navigation.campaign.log import Event, Log
log = Log(Path(sys.argv[1]))
for i in range(int(sys.argv[3])):
    log.append([Event("measured", f"{sys.argv[2]}-{i}", values={"gap": i + 0.5 * k}) for k in range(2)])
    print(i, flush=True)
"""


def start(path: Path, who: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), who, str(count)], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "log.sqlite")
    made.create(Event("begun"))
    return made


def test_events_come_back_as_they_were_told(log: Log) -> None:
    told = Event("measured", "A", {"x": 0.5}, {"x": 0.48}, {"gap": 1.6}, {"gap": 0.1}, "elsewhere", "pale", {"a": [1]})
    log.append([told])
    back = log.events(1)[0]
    assert back.number == 2
    assert (back.mark, back.made, back.uncertainties) == (told.mark, {"x": 0.48}, {"gap": 0.1})


def test_the_same_row_is_written_once_unless_it_is_a_repeat(log: Log) -> None:
    one = Event("measured", "A", values={"gap": 1.6})
    assert log.append([one, one]) == [one]
    assert log.append([one]) == []
    assert log.append([one], again=True) == [one]
    assert len(log.events()) == 3


def test_all_or_nothing_and_only_growing(log: Log) -> None:
    with pytest.raises(NavigationError, match="unknown kind"):
        log.append([Event("measured", "A"), Event("guessed", "B")])
    assert len(log.events()) == 1
    assert log.append([Event("measured", "A")], seen=7) == []
    with sqlite3.connect(log.path) as connection, pytest.raises(sqlite3.IntegrityError, match="only grows"):
        connection.execute("DELETE FROM events")
    with pytest.raises(NavigationError, match="already"):
        log.create(Event("begun"))


def test_two_processes_that_tell_at_once_lose_nothing(log: Log) -> None:
    writers = [start(log.path, who, 40) for who in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    names = [event.material for event in log.events(1)]
    assert sorted(names) == sorted(f"{who}-{i}" for who in "ab" for i in range(40) for _ in range(2))


@pytest.mark.slow
def test_fifty_kills_lose_nothing_that_was_told(log: Log) -> None:
    for round_ in range(50):
        writer = start(log.path, f"r{round_}", 100_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.002 * round_)
        os.kill(writer.pid, signal.SIGKILL)
        told = [0] + [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        writer.stdout.close()
        mine = [event.material for event in log.events() if event.material.startswith(f"r{round_}-")]
        for i in told:
            assert mine.count(f"r{round_}-{i}") == 2
        # a call that was cut off left both of its events, or neither
        assert all(mine.count(name) == 2 for name in mine)
