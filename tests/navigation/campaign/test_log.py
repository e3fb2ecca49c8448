"""The log: nothing is lost, whoever writes at once and whatever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perospin.errors import NavigationError
from perospin.navigation.campaign.campaign import Campaign
from perospin.navigation.campaign.candidates import CandidateTable
from perospin.navigation.campaign.log import Event, Log

WRITER = """
import sys
from perospin.navigation.campaign.log import Event, Log
log = Log(sys.argv[1])
for i in range(int(sys.argv[3])):
    log.append([Event("measured", f"{sys.argv[2]}-{i}", values={"gap": i + 0.5 * k}) for k in range(2)])
    print(i, flush=True)
"""


def start(place: str, who: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, place, who, str(count)], stdout=subprocess.PIPE, text=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a log is: a file, or one of two campaigns in a PostgreSQL database."""
    if request.param == "sqlite":
        return str(tmp_path / "log.sqlite")
    address: str = request.getfixturevalue("postgresql")
    other = Log(f"{address}#other")
    other.create(Event("begun", note="other"))
    other.append([Event("measured", "A", values={"gap": 1.6}), Event("measured", "Z", values={"gap": 2.0})])
    return f"{address}#mine"


@pytest.fixture
def log(place: str) -> Iterator[Log]:
    made = Log(place)
    made.create(Event("begun"))
    yield made
    made.close()


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
    for change in ("DELETE FROM {}", "UPDATE {} SET kind = 'failed'"):
        with pytest.raises(NavigationError, match="only grows"), log._connection(writes=True) as connection:
            connection.exec_driver_sql(change.format(log._table))
    assert len(log.events()) == 1
    with pytest.raises(NavigationError, match="already"):
        log.create(Event("begun"))


def test_eight_processes_that_tell_at_once_lose_nothing(log: Log, place: str) -> None:
    writers = [start(place, who, 15) for who in "abcdefgh"]
    assert [writer.wait(120) for writer in writers] == [0] * 8
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    told = log.events(1)
    assert [event.number for event in told] == list(range(2, 242))
    assert sorted(event.material for event in told) == sorted(
        f"{who}-{i}" for who in "abcdefgh" for i in range(15) for _ in range(2)
    )


def test_a_campaign_in_a_database(postgresql: str, tmp_path: Path) -> None:
    table = CandidateTable(["x"], [[0.0], [0.5], [1.0]], ["A", "B", "C"])
    for name in ("first", "second"):
        campaign = Campaign.new(f"{postgresql}#{name}", table, "max gap (eV)")
        campaign.tell("A", {"gap": 1.0 + (name == "first")})
        campaign.close()
    with pytest.raises(NavigationError, match="is a campaign already"):
        Campaign.new(f"{postgresql}#first", table, "max gap (eV)")
    with pytest.raises(NavigationError, match="holds no campaign"):
        Campaign.open(f"{postgresql}#third")
    again = Campaign.open(f"{postgresql}#first")
    again.tell("B", {"gap": 1.5})
    assert [one.material for one in again.suggest(1)] == ["C"]
    assert again.status().best == {"gap": ("A", 2.0)}
    local = Campaign.new(tmp_path / "first", table, "max gap (eV)")
    local.tell("A", {"gap": 2.0})
    local.tell("B", {"gap": 1.5})
    assert local.suggest(1)[0].words == next(e.note for e in again.events if e.kind == "suggested")
    again.close()
    local.close()


@pytest.mark.parametrize(
    "place",
    [
        "nosuchdb://me:secret@host/name#mine",
        "postgresql+psycopg://me:secret@host/name",
        "postgresql+nosuchdriver://me@host/name?password=secret#mine",
        "postgresql+psycopg://me:secret@host:port/name#mine",
    ],
)
def test_a_wrong_address_is_told_without_its_password(place: str) -> None:
    with pytest.raises(NavigationError, match="can't open the campaign") as caught:
        Log(place)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) <= 400


@pytest.mark.slow
def test_fifty_kills_lose_nothing_that_was_told(log: Log, place: str) -> None:
    for round_ in range(50):
        writer = start(place, f"r{round_}", 100_000)
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
