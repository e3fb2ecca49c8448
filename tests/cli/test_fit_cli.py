from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from perospin.cli.fit.arguments import app
from perospin.errors import PerospinError

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "spectra"
PAIR = (EXAMPLES / "pump_probe_SC.txt", EXAMPLES / "pump_probe_CC.txt")
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def run(*arguments: object) -> None:
    """Run a command as `perospin fit` would; errors are the room's, which the main entry prints."""
    with pytest.raises(SystemExit) as stop:
        app(args=[str(argument) for argument in arguments], prog_name="perospin fit")
    assert not stop.value.code


def refused(*arguments: object) -> str:
    with pytest.raises(PerospinError) as error:
        app(args=[str(argument) for argument in arguments], prog_name="perospin fit")
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def result(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    run(*arguments, "--json")
    return dict(json.loads(capsys.readouterr().out))


# what the examples were simulated with (scripts/spectra_examples.py)
TRUTH = {
    "pump-probe": {"lifetime_ps": 7.76, "population_lifetime_ps": 250.0},
    "map": {"lifetime_ps": 7.76},
    "kerr": {"g_factor": 1.96, "dephasing_time_zero_field_ps": 2000.0, "g_spread": 0.03},
    "rsa": {"g_factor": 2.5, "dephasing_time_ps": 5000.0},
    "hanle": {"spin_lifetime_ps": 1000.0, "recombination_lifetime_ps": 2000.0},
    "odmr": {"g_factor": 1.68},
    "odmr-width": {"g_spread": 0.15, "nuclear_field_t": 0.012},
    "inertia": {"t1_ps": 130e6},
    "t1-field": {"spin_lifetime_ps": 0.8e9, "correlation_time_ps": 60e6},
    "t1-temperature": {"activation_energy_mev": 3.2, "spin_lifetime_ps": 0.8e9},
    "cd": {"g_cd": 1.2e-3},
    "cpl": {"g_lum": 0.03},
    "mr": {"magnetoresistance_percent": 1.0, "soft_switching_t": 0.006, "hard_switching_t": 0.025},
    "iv": {"spin_polarisation_percent": 60.0},
    "edge": {"exciton_binding_energy_mev": 60.0, "gap_ev": 2.5},
    # scripts/make_detector_examples.py
    "hecht": {"mu_tau_cm2_v": 1.81e-4},
    "sclc": {"trap_density_cm3": 6.4e10, "mobility_cm2_vs": 9.76e-2, "resistivity_ohm_cm": 3.78e11},
    "sensitivity": {"sensitivity_uc_gy_cm2": 1033.7},
    "detection-limit": {"detection_limit_gy_s": 1.41e-6},
    "drift": {"drift_na_cm_s_v": 9.59e-8},
    "response-time": {"rise_ms": 16.8, "fall_ms": 29.1},
    "capacitance": {"permittivity": 6.0},
    "stability": {"retained_percent": 98.0},
}


def test_every_command_is_tried() -> None:
    assert sorted(TRUTH) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_of_each_help_text_finds_what_was_simulated(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    run(command, "--help")
    text = " ".join(line.strip() for line in capsys.readouterr().out.splitlines())
    example = re.search(r"Example: perospin fit (.*?)\s*(?:╭|$)", text)
    assert example is not None
    found = result(capsys, *shlex.split(example[1]))
    for name, expected in TRUTH[command].items():
        value = found["values"][name]
        assert value["status"] in ("fitted", "derived")
        assert abs(value["value"] - expected) < 4 * value["uncertainty"], name
        assert value["uncertainty"] < 0.15 * expected


def test_the_example_files_are_those_of_the_script(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "spectra_examples.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True, timeout=120)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
    assert made == sorted(path.relative_to(EXAMPLES) for path in EXAMPLES.rglob("*.*"))
    for path in made:
        new, old = (tmp_path / path).read_text().splitlines(), (EXAMPLES / path).read_text().splitlines()
        # the last digits of a simulated number may differ between machines
        assert len(new) == len(old)
        assert sum(a != b for a, b in zip(new, old, strict=True)) < 0.02 * len(old) + 2


def test_one_command_gives_lifetime_figure_and_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "result"
    run(
        "pump-probe", *PAIR, "--save", folder, "--plot", tmp_path / "figure.pdf", "--material", "(PEA)2PbI4",
        "--source", "10.1039/d5sc07406a", "-c", "temperature=295 K", "-c", "form=film", "-c", "fluence_uj_cm2=5",
    )  # fmt: skip
    shown = capsys.readouterr()
    assert "=> lifetime = 7.7" in shown.out
    assert "record: (PEA)2PbI4, tau_spin 7.7" in shown.out
    assert "saved in" in shown.err
    figures = [f"figure{log}.{ending}" for log in ("", "-log") for ending in ("png", "svg", "pdf")]
    expected = sorted([*figures, "curve.csv", "fit.json", "methods.txt", "record.json", "report.txt"])
    assert sorted(path.name for path in folder.iterdir()) == expected
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")

    from perospin.database import Record
    from perospin.measurements import SpinFit

    fit = SpinFit.load(folder / "fit.json")
    assert fit.report() + "\n" == (folder / "report.txt").read_text()
    records = [Record.from_dict(row) for row in json.loads((folder / "record.json").read_text())]
    assert records[0].property == "tau_spin"
    assert records[0].value == pytest.approx(fit.lifetime_ps)
    assert records[0].uncertainty == pytest.approx(fit["lifetime_ps"].uncertainty)
    assert records[0].conditions.temperature_k == 295.0
    assert records[0].conditions.lifetime_convention == "polarisation_decay"
    assert all(source.sha256 in records[0].note for source in fit.sources)


def test_a_saved_folder_may_be_written_again_but_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    run("edge", EXAMPLES / "edge.csv", "--save", folder)
    run("mr", EXAMPLES / "loop.csv", "--save", folder)
    assert "spin valve" in (folder / "report.txt").read_text()
    assert not (folder / "record.json").exists()
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.tex").write_text("precious")
    assert "holds other files" in refused("edge", EXAMPLES / "edge.csv", "--save", other)
    assert [path.name for path in other.iterdir()] == ["chapter.tex"]


def test_records_go_to_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "store.sqlite"))
    run("cd", EXAMPLES / "cd.txt", "-m", "crystal X", "--composition", "other", "--source", "Someone", "--store")
    assert "1 record added to" in capsys.readouterr().err

    from perospin.database import Store

    with Store.open() as store:
        assert store.count() == 1


def test_a_series_shows_each_file_and_saves_its_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("kerr", EXAMPLES / "kerr", "--pattern", "kerr_{field_mt}mT_{temperature_k}K.csv", "--save", tmp_path / "k")
    shown = capsys.readouterr().out
    assert re.search(r"kerr_500mT_5K.csv +dephasing_time_ps = 54", shown)
    assert len(list((tmp_path / "k" / "traces").iterdir())) == 5
    assert (tmp_path / "k" / "traces" / "kerr_50mT_5K.csv.json").is_file()
    run("edge", EXAMPLES / "edge.csv", "--save", tmp_path / "k")
    assert not list((tmp_path / "k" / "traces").iterdir())
    capsys.readouterr()
    one = result(capsys, "kerr", EXAMPLES / "kerr" / "kerr_100mT_5K.csv")
    assert one["values"]["g_factor"]["value"] == pytest.approx(1.96, abs=0.01)
    assert one["conditions"] == {"field_t": 0.1, "temperature_k": 5.0}


def test_a_broken_file_of_a_series_is_named_and_the_rest_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (EXAMPLES / "kerr").iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "kerr_400mT_5K.csv").write_text("delay_ps,kerr\n" + "".join(f"{t},1.0\n" for t in range(30)))
    run("kerr", tmp_path)
    shown = capsys.readouterr()
    assert "not fitted, kerr_400mT_5K.csv:" in shown.err
    assert "g_factor" in shown.out


def test_what_the_files_of_a_series_warn_of_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (EXAMPLES / "kerr").iterdir():
        text = path.read_text()
        twice = path.name in ("kerr_50mT_5K.csv", "kerr_500mT_5K.csv")  # a repeated delay: one sentence for both
        (tmp_path / path.name).write_text(text + text.splitlines()[-1] + "\n" if twice else text)
    run("kerr", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    counted = [line for line in lines if re.search(r"\(\d+ warnings?\)$", line)]
    end = next(i for i, line in enumerate(lines) if not line)
    told = [line for line in lines[:end] if line.startswith("  ! ")]
    assert len(counted) == 2
    assert any("! kerr_50mT_5K.csv, kerr_500mT_5K.csv: " in line for line in told)
    sentences = [line.split(": ", 1)[1] for line in told]
    assert len(set(sentences)) == len(sentences)


def test_a_log_book_in_a_folder_is_passed_over_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (EXAMPLES / "kerr").iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "notes.txt").write_text("measured on Monday\n")
    run("kerr", tmp_path)
    shown = capsys.readouterr()
    assert "not read, can't read 'notes.txt'" in shown.err
    assert "g_factor" in shown.out
    # one that was asked for by name is missed in the result
    found = result(capsys, "kerr", tmp_path / "notes.txt", EXAMPLES / "kerr" / "kerr_50mT_5K.csv")
    assert "1 of 2 files can't be read, and what is in them is left out: notes.txt" in found["warnings"]
    assert "can't read 'notes.txt'" in refused("kerr", tmp_path / "notes.txt")


def test_a_unit_that_no_file_states_is_in_result_record_and_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = written(tmp_path / "bare.csv", *traces(), head="delay,same,counter\n")
    doubt = "bare.csv: 'delay' has no unit and is taken as ps: if it is another, give --unit"
    found = result(capsys, "pump-probe", table, "-m", "(PEA)2PbI4", "--source", "me", "--save", tmp_path / "kept")
    assert doubt in found["warnings"]
    assert all(doubt in record["note"] for record in found["records"])
    assert f"! {doubt}" in " ".join((tmp_path / "kept" / "report.txt").read_text().split())
    assert not [w for w in result(capsys, "pump-probe", table, "--unit", "ps")["warnings"] if "no unit" in w]


def test_one_of_several_conditions_or_tables_is_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    delay, same, counter = traces()
    two = [np.concatenate(pair) for pair in ((delay, delay), (same, counter), (0 * delay + 5, 0 * delay + 77))]
    table = written(tmp_path / "two.csv", *two, head="delay (ps),same,T (K)\n")
    assert "measurements at 2 values of 'T' (5, 77 K)" in refused("pump-probe", table)
    found = result(capsys, "pump-probe", table, "--where", "temperature=5")
    assert not [w for w in found["warnings"] if "values" in w]
    assert "--where 'temperature' must be NAME=NUMBER" in refused("pump-probe", table, "--where", "temperature")
    blocks = tmp_path / "blocks.csv"
    blocks.write_text(clean_text() + "\nscan 2\n" + clean_text())
    assert "holds 2 tables of numbers" in refused("pump-probe", blocks)
    one, other = (result(capsys, "pump-probe", blocks, "--block", n)["values"] for n in ("1", "2"))
    assert one == other


def test_axes_of_a_map_in_files_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from perospin.measurements import read_map

    known = read_map(EXAMPLES / "map_SC.csv")
    for name, values in (("m", known.signal), ("t", known.delay_ps), ("wl", known.wavelength_nm)):
        np.savetxt(tmp_path / f"{name}.txt", values, header={"t": "delay (ps)", "wl": "wavelength (nm)"}.get(name, ""))
    axes = ("--delay-file", tmp_path / "t.txt", "--wavelength-file", tmp_path / "wl.txt")
    found = result(capsys, "map", tmp_path / "m.txt", *axes, "--components", "2")
    reference = result(capsys, "map", EXAMPLES / "map_SC.csv", "--components", "2")
    for name in reference["values"]:
        value = found["values"][name]["value"]
        assert value == pytest.approx(reference["values"][name]["value"], rel=1e-6), name


def test_a_known_unit_is_not_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, delay = np.random.default_rng(0), np.arange(-0.2, 4.0, 0.05)
    total = np.where(delay > -1e-9, np.exp(-delay / 3.0), 0.0)
    turned = total * np.exp(-delay / 0.9)
    noise = 0.01 * rng.standard_normal((2, delay.size))
    np.savetxt(tmp_path / "ns.txt", np.c_[delay, total + turned + noise[0], total - turned + noise[1]],
               header="Delay (ns),SC,CC", delimiter=",", comments="")  # fmt: skip
    run("pump-probe", tmp_path / "ns.txt")
    shown = capsys.readouterr().out
    assert "look like fs" not in shown
    assert re.search(r"=> lifetime = (89|90|91)\d(\.\d)? ", shown)


def test_parameters_can_be_held_and_started(capsys: pytest.CaptureFixture[str]) -> None:
    held = result(capsys, "pump-probe", *PAIR, "--fix", "time_zero_ps=0", "--start", "irf_fwhm_ps=0.3")
    assert held["values"]["time_zero_ps"]["status"] == "fixed"
    wide = result(capsys, "inertia", EXAMPLES / "inertia.csv", "--level", "0.95")
    plain = result(capsys, "inertia", EXAMPLES / "inertia.csv")
    spans = [r["values"]["t1_ps"]["high"] - r["values"]["t1_ps"]["low"] for r in (wide, plain)]
    assert spans[0] > 1.8 * spans[1]


def test_a_lifetime_below_the_response_is_recorded_as_a_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from perospin.spectra import simulate_pump_probe

    delay = np.arange(-2.0, 4.0, 0.05)
    same, counter = simulate_pump_probe(delay, 0.03, population_lifetime_ps=50.0, noise=0.02, irf_fwhm_ps=0.5, seed=3)
    run("pump-probe", written(tmp_path / "fast.csv", delay, same, counter), "--irf-fwhm-ps", "0.5", "-m", "(PEA)2PbI4",
        "--source", "me")  # fmt: skip
    shown = capsys.readouterr().out
    assert re.search(r"=> lifetime < 1\d\d fs", shown)
    assert re.search(r"record: \(PEA\)2PbI4, tau_spin < 0.1\d+ ps", shown)


def test_advice_speaks_of_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    delay, same, counter = traces()
    run("pump-probe", written(tmp_path / "fs.csv", 1000 * delay, same, counter, head="delay,same,counter\n"))
    assert "look like fs, not ps: give --unit fs" in capsys.readouterr().out


def test_observables_and_conventions(capsys: pytest.CaptureFixture[str]) -> None:
    flip = result(capsys, "pump-probe", *PAIR, "--convention", "flip")["values"]["lifetime_ps"]["value"]
    assert flip == pytest.approx(2 * 7.76, rel=0.02)
    difference = result(capsys, "pump-probe", *PAIR, "--observable", "difference", "--convention", "difference")
    assert difference["values"]["lifetime_ps"]["value"] == pytest.approx(1 / (1 / 7.76 + 1 / 250), rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pump-probe", "nothing.csv"), "can't read 'nothing.csv': No such file"),
        (("edge", EXAMPLES / "edge.csv", "--plot", "x.gif"), "must end in .png, .pdf, .svg"),
        (("edge", EXAMPLES / "edge.csv", "--plot", "nowhere/x.png"), "there is no folder 'nowhere'"),
        (("edge", EXAMPLES / "edge.csv", "--save", EXAMPLES / "edge.csv"), "it is a file, not a folder"),
        (("edge", EXAMPLES / "edge.csv", "-m", "BA2PbI4"), "needs a --source"),
        (("edge", EXAMPLES / "edge.csv", "-m", "BAx2PbI4", "--source", "me"), "BAx"),
        (("edge", EXAMPLES / "edge.csv", "--store"), "--store needs --material"),
        (
            ("edge", EXAMPLES / "edge.csv", "-m", "BA2PbI4", "--source", "me", "-c", "mood=good"),
            "--condition 'mood=good'",
        ),
        (
            ("edge", EXAMPLES / "edge.csv", "-m", "BA2PbI4", "--source", "me", "-c", "temperature=cold"),
            "must be a number in K",
        ),
        (("edge", EXAMPLES / "edge.csv", "--intervals", "guess"), "must be covariance, profile or bootstrap"),
        (("edge", EXAMPLES / "edge.csv", "--level", "68"), "must lie between 0 and 1"),
        (("edge", EXAMPLES / "edge.csv", "--window", "blue"), "must be LOW:HIGH"),
        (("edge", EXAMPLES / "edge.csv", "--fix", "gap"), "must be NAME=NUMBER"),
        (("edge", EXAMPLES / "edge.csv", "--fix", "gap=2.5"), "has no parameter 'gap'"),
        (("cd", EXAMPLES / "cd.txt", "--fix", "g_cd=1"), "no parameters to fix"),
        (("edge", EXAMPLES / "edge.csv", "--columns", "1,7"), "has no column '7'"),
        (("odmr", EXAMPLES / "rsa.csv"), "doesn't tell the microwave frequency"),
        (("kerr", *PAIR), "doesn't tell field_t: give --pattern"),
        (("map", EXAMPLES / "map_SC.csv", "--delays", "up"), "must be rows or columns"),
        (("pump-probe", PAIR[0], "--kinetic"), "needs both traces"),
        (("mr", EXAMPLES / "loop.csv", "--over", "all"), "--over 'all' must be"),
        (("iv", EXAMPLES / "cpl.csv"), "no column for voltage: it has wavelength (nm)"),
        (("kerr", EXAMPLES / "rsa.csv"), "no column for delay: it has field (mT)"),
        (("pump-probe", *PAIR, "--observable", "sum"), "sum"),
        (("pump-probe", *PAIR, "--convention", "half"), "half"),
        (("kerr", *PAIR, "--pattern", "{field_mt}.csv"), "doesn't fit the pattern"),
    ],
)
def test_mistakes_are_said_in_one_sentence(arguments: tuple[object, ...], words: str) -> None:
    assert words in refused(*arguments)


# files as they come from laboratories


def traces() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from perospin.spectra import simulate_pump_probe

    delay = np.arange(-2.0, 40.0, 0.25)
    return delay, *simulate_pump_probe(delay, 7.76, population_lifetime_ps=250.0, noise=0.003, seed=3)


def written(path: Path, *columns: np.ndarray, head: str = "delay (ps),same,counter\n") -> Path:
    path.write_text(head + "\n".join(",".join(f"{v:.7g}" for v in row) for row in zip(*columns, strict=True)) + "\n")
    return path


def clean_text() -> str:
    rows = "\n".join(",".join(f"{v:.7g}" for v in row) for row in zip(*traces(), strict=True))
    return "delay (ps),same,counter\n" + rows + "\n"


FORMATS = {
    "UTF-16": clean_text().encode("utf-16"),
    "byte-order mark": clean_text().encode("utf-8-sig"),
    "semicolons and decimal commas": clean_text().replace(",", ";").replace(".", ",").encode(),
    "tabs and Windows line ends": clean_text().replace(",", "\t").replace("\n", "\r\n").encode(),
    "row of units": clean_text().replace("delay (ps),same,counter", "delay,same,counter\nps,mOD,mOD").encode(),
    "missing rows": (clean_text() + "NaN,NaN,NaN\n41,,\n42,--,0.1\n").encode(),
    "remarks around": ("Sample: X\nDate: 1.2.2026\n\n" + clean_text() + "\nend of scan\n").encode(),
    "reversed": "\n".join([clean_text().splitlines()[0], *clean_text().splitlines()[:0:-1]]).encode(),
    "in fs": written,
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_lifetime_from_every_format(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.txt"
    content = FORMATS[name]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        delay, same, counter = traces()
        written(path, 1000 * delay, same, counter, head="delay_fs,same,counter\n")
    reference = result(capsys, "pump-probe", written(tmp_path / "clean.csv", *traces()))
    found = result(capsys, "pump-probe", path)
    assert found["values"]["lifetime_ps"]["value"] == pytest.approx(
        reference["values"]["lifetime_ps"]["value"], rel=1e-4
    )
    expected = {"missing rows": "3 of 171 rows", "reversed": "runs backwards"}.get(name, "")
    assert expected in " ".join(found["warnings"])


def test_duplicate_delays_saturation_negative_signals_and_fs_as_ps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delay, same, counter = traces()
    twice = result(
        capsys, "pump-probe", written(tmp_path / "d.csv", *(np.repeat(c, 2) for c in (delay, same, counter)))
    )
    assert "occur more than once" in " ".join(twice["warnings"])
    assert twice["values"]["lifetime_ps"]["value"] == pytest.approx(7.76, rel=0.02)
    cut = np.minimum(same, 0.6 * same.max())
    assert "a saturated channel?" in " ".join(
        result(capsys, "pump-probe", written(tmp_path / "s.csv", delay, cut, counter))["warnings"]
    )
    bleach = result(capsys, "pump-probe", written(tmp_path / "n.csv", delay, -same, -counter))
    assert bleach["values"]["lifetime_ps"]["value"] == pytest.approx(7.76, rel=0.02)
    wrong = result(
        capsys, "pump-probe", written(tmp_path / "f.csv", 1000 * delay, same, counter, head="t,same,counter\n")
    )
    assert "look like fs, not ps" in " ".join([*wrong["warnings"], *wrong["notes"]])


def test_short_empty_and_binary_files(tmp_path: Path) -> None:
    delay, same, counter = traces()
    short = written(tmp_path / "short.csv", delay[10:15], same[10:15], counter[10:15])
    assert "points" in refused("pump-probe", short)
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "is empty" in refused("pump-probe", tmp_path / "empty.csv")
    (tmp_path / "noise.csv").write_bytes(np.random.default_rng(0).bytes(5000))
    assert "is not a text file" in refused("pump-probe", tmp_path / "noise.csv")
    broken = clean_text().splitlines()
    broken[20] = "3,oops,1"
    (tmp_path / "broken.csv").write_text("\n".join(broken))
    assert "line 21, column 2 of 'broken.csv' holds 'oops'" in refused("pump-probe", tmp_path / "broken.csv")


@pytest.mark.slow
def test_a_million_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from perospin.spectra import simulate_pump_probe

    delay = np.linspace(-5.0, 60.0, 1_000_000)
    same, counter = simulate_pump_probe(delay, 7.76, population_lifetime_ps=250.0, noise=0.05, seed=1)
    found = result(capsys, "pump-probe", written(tmp_path / "big.csv", delay, same, counter))
    value = found["values"]["lifetime_ps"]
    assert abs(value["value"] - 7.76) < 4 * value["uncertainty"]


def test_help_and_a_wrong_word_load_nothing_heavy() -> None:
    code = (
        "from perospin.cli import main\ntry:\n    main(['fit', '--help'])\nexcept SystemExit:\n    pass\n"
        "import sys\nprint([m for m in ('jax', 'matplotlib', 'pandas', 'scipy', 'numpy', 'lmfit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
