"""Two people on two stores: one publishes, the other proposes, a third reviews; both stores say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from perospin.cli.main import main
from perospin.database import Store
from perospin.database.sharing import compare, history, records_at

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_records_go_from_store_to_store_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, grace, package = tmp_path / "ada.sqlite", tmp_path / "grace.sqlite", tmp_path / "package"
    monkeypatch.setenv("PEROSPIN_STORE", str(ada))
    table, mapping = EXAMPLES / "my_values.csv", EXAMPLES / "columns.toml"
    assert run("data", "import", table, "--mapping", mapping, "--by", "Ada") == 0
    assert run("data", "publish", "--table", "user", "--out", package, "--title", "Films", "--creator", "Ada") == 0
    monkeypatch.setenv("PEROSPIN_STORE", str(grace))
    assert run("data", "propose", package, "--by", "Ada", "--why", "our films") == 0
    with Store.open(grace) as store:
        assert store.query() == []
    assert run("data", "review", "accept", "1", "2", "3", "--by", "Ada") == 2
    assert "another person has to accept it" in capsys.readouterr().err
    assert run("data", "review", "accept", "1", "2", "3", "--by", "Grace") == 0
    found = compare(records_at(str(ada)), records_at(str(grace)))
    assert not found
    assert found.n_same == 3
    assert run("data", "diff", ada, grace) == 0
    with Store.open(grace) as store:
        assert "proposal 1 by Ada (our films)" in [change.why for change in history(store, "user-1")]
    (package / "records.csv").write_text((package / "records.csv").read_text().replace(",7,", ",70,", 1))
    assert run("data", "propose", package, "--by", "Ada") == 2
    assert "records.csv" in capsys.readouterr().err
