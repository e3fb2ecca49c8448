"""``perospin campaign``: one whole path, and wrong uses that get one sentence."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from perospin.cli.main import main


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    table = tmp_path / "candidates.csv"
    rows = [f"m{i}{j},{i / 4},{60 + 20 * j}" for i in range(5) for j in range(4)]
    table.write_text("\n".join(["name,x,T (C)", *rows]) + "\n")
    made = tmp_path / "mine"
    assert run("campaign", "new", made, "--candidates", table, "--objective", "max gap (eV)") == 0
    assert "20 candidates" in capsys.readouterr().out
    return made


def test_from_the_first_batch_to_the_second(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = folder / "batch.csv"
    assert run("campaign", "suggest", folder, "--count", 4, "--out", batch) == 0
    with batch.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["gap (eV)"] = f"{1.5 + 0.1 * i}"
    with batch.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    capsys.readouterr()
    assert run("campaign", "tell", folder, batch) == 0
    out = capsys.readouterr()
    assert out.out == "told 4 outcomes\n"
    assert "not read" not in out.err
    assert run("campaign", "tell", folder, batch) == 0
    assert "4 told before" in capsys.readouterr().out
    assert run("campaign", "suggest", folder, "-n", 2) == 0
    assert "expected gain" in capsys.readouterr().out
    pasted = io.BytesIO(b"name\tgap (eV)\nm00\t1,45\n")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=pasted))
    assert run("campaign", "tell", folder, "-") == 0
    assert run("campaign", "tell", folder, "--material", "m42", "--value", "gap=1.7+-0.02") == 0
    assert run("campaign", "tell", folder, "--material", "m43", "--outcome", "failed", "--note", "no film") == 0
    capsys.readouterr()
    assert run("campaign", "status", folder) == 0
    assert "6 measured, 0 imported, 1 failed" in capsys.readouterr().out
    assert run("campaign", "export", folder, "--out", folder / "all.csv") == 0
    assert len((folder / "all.csv").read_text().splitlines()) == 1 + 6 + 7


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tell", "{}", "--material", "m44", "--value", "gap=1"], "did you mean"),
        (["tell", "{}", "--material", "m11", "--value", "gap=wide"], "write 'gap=1.62'"),
        (["tell", "{}"], "either a table"),
        (["tell", "{}", "no_such.csv"], "no_such.csv"),
        (["status", "{}/elsewhere"], "holds no campaign"),
        (["suggest", "{}", "--acquisition", "best"], "unknown acquisition"),
        (["export", "{}", "--out", "{}/a.csv"], "nothing to export"),
        (["new", "{}", "--candidates", "{}/../candidates.csv", "--objective", "max gap (eV)"], "already"),
    ],
)
def test_wrong_uses_get_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert run("campaign", *[one.replace("{}", str(folder)) for one in arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
