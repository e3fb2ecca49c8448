"""The eight commands on the example files, from file to value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perospin.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "detector"
GAP, AREA = ["--gap-mm", "0.7"], ["--area-mm2", "1"]


@pytest.mark.parametrize(
    ("command", "file", "options", "value", "true", "within"),
    [
        ("hecht", "photocurrent", GAP, "mu_tau_cm2_v", 1.81e-4, 0.03),
        ("sclc", "dark", [*GAP, *AREA, "--permittivity", "6"], "trap_density_cm3", 6.4e10, 0.02),
        ("sensitivity", "dose", AREA, "sensitivity_uc_gy_cm2", 1033.7, 0.01),
        ("detection-limit", "snr", [], "detection_limit_gy_s", 1.41e-6, 0.2),
        ("drift", "drift", [*AREA, *GAP, "--voltage", "140"], "drift_na_cm_s_v", 9.59e-8, 0.01),
        ("response-time", "pulses", [], "fall_ms", 29.1, 0.05),
        ("capacitance", "capacitance", [*GAP, *AREA], "permittivity", 6.0, 0.02),
        ("stability", "cycles", [], "retained_percent", 98.0, 0.02),
    ],
)
def test_from_a_file_to_a_value_and_a_record(command, file, options, value, true, within, capsys):
    given = ["fit", command, str(EXAMPLES / f"{file}.csv"), *options, "--json", "-m", "(m-F-PEA)2PbI4"]
    with pytest.raises(SystemExit) as end:
        main([*given, "--source", "us"])
    assert end.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["values"][value]["value"] == pytest.approx(true, rel=within)
    assert told["records"]


def test_a_wrong_column_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        main(["fit", "capacitance", str(EXAMPLES / "dose.csv"), *GAP, *AREA])
    assert end.value.code == 2
    assert "no column for frequency" in capsys.readouterr().err


def test_several_biases_from_files_to_records(tmp_path, capsys):
    from perospin.detectors import hecht

    dose = [2.7, 5.4, 8.1, 10.8, 14.0, 18.0, 22.7]
    for bias in (10, 25, 50, 100, 200):
        slope = 1.18e-2 * float(hecht(float(bias), 1.81e-4, 0.07))  # nA per uGy/s
        lines = [f"{d},{0.05 + slope * d + 1e-4 * (-1) ** i}" for i, d in enumerate(dose)]
        text = "\n".join(["dose rate (uGy/s),current (nA)", *lines])
        (tmp_path / f"dose_{bias}V.csv").write_text(text, encoding="utf-8")
    files = [str(path) for path in sorted(tmp_path.glob("*.csv"))]
    given = ["fit", "sensitivity", *files, *AREA, *GAP, "--json", "-m", "(m-F-PEA)2PbI4", "--source", "us"]
    with pytest.raises(SystemExit) as end:
        main(given)
    assert end.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["values"]["mu_tau_cm2_v"]["value"] == pytest.approx(1.81e-4, rel=0.1)
    kept = [record["property"] for record in told["records"]]
    assert sorted(kept) == ["mu_tau", *["xray_sensitivity"] * 5]
    with pytest.raises(SystemExit) as end:
        main(["fit", "sensitivity", *files, *AREA])
    assert end.value.code == 2
    assert "--gap-mm" in capsys.readouterr().err
