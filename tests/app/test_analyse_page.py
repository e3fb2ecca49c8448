"""The page Analyse: guesses, shows, is put right, fits, records; garbage is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest

from perospin.app.uploads import plain_name
from perospin.measurements import fit_files
from perospin.measurements.paper import headline

SPECTRA = Path(__file__).parents[2] / "examples" / "spectra"


def page() -> None:
    from perospin.app.parts import guarded
    from perospin.app.views import analyse

    with guarded():
        analyse.show()


@pytest.fixture
def opened() -> AppTest:
    return AppTest.from_function(page, default_timeout=120).run()


def give(opened: AppTest, *paths: Path) -> AppTest:
    field = opened.file_uploader[0]
    for path in paths:
        field = field.upload(path.name, path.read_bytes())
    return opened.run()


def fitted(opened: AppTest) -> AppTest:
    next(button for button in opened.button if button.label.startswith("This is right")).click()
    return opened.run()


def plain(text: str) -> str:
    return text.replace("\\", "")


def test_a_pair_is_guessed_shown_and_fitted_only_when_it_is_right(opened: AppTest) -> None:
    pair = [SPECTRA / "pump_probe_SC.txt", SPECTRA / "pump_probe_CC.txt"]
    give(opened, *pair)
    assert opened.selectbox[0].value == "pump-probe"
    assert [(box.label, box.value) for box in opened.selectbox[1:3]] == [
        ("pump_probe_SC.txt", "same"),
        ("pump_probe_CC.txt", "counter"),
    ]
    assert not opened.header
    fitted(opened)
    expected = headline(fit_files("pump-probe", pair).fit)
    assert expected.startswith(plain(opened.header[0].value))
    assert not opened.exception
    assert not opened.error


def test_the_script_of_the_page_gives_the_same_value(opened: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    give(opened, SPECTRA / "hanle.txt")
    opened.number_input(key="option:hanle:g_factor").set_value(2.0)
    opened.number_input(key="option:hanle:initial_polarisation").set_value(1.0)
    opened.run()
    fitted(opened)
    text = next(code.value for code in opened.code if "fit_files" in code.value)
    monkeypatch.chdir(SPECTRA)
    told: dict[str, object] = {}
    exec(text.partition("print(")[0], told)
    outcome = told["outcome"]
    assert headline(outcome.fit).startswith(plain(opened.header[0].value))  # type: ignore[attr-defined]


def test_a_column_is_put_right(opened: AppTest, tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    lines = (SPECTRA / "hanle.txt").read_text().splitlines()[2:]
    rows = [line.replace(",", ".").split(";") for line in lines]
    file.write_text("B (mT),polarisation,polarisation 2\n" + "\n".join(f"{x},{y},{float(y) * 2}" for x, y in rows))
    give(opened, file)
    key = next(box.key for box in opened.selectbox if box.label == "polarisation")
    assert opened.selectbox(key=key).value == "2: polarisation"
    opened.selectbox(key=key).set_value("3: polarisation 2").run()
    fitted(opened)
    assert not opened.error
    script = next(code.value for code in opened.code if "fit_files" in code.value)
    assert "columns=['1', '3']" in script


def test_a_record_needs_who_measured_and_stands_beside_the_literature(
    opened: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEROSPIN_STORE", f"sqlite:///{tmp_path}/store.sqlite")
    opened.checkbox(key="simulated").check().run()
    fitted(opened)
    opened.text_input(key="material").set_value("(PEA)2PbI4").run()
    save = next(button for button in opened.button if button.label == "Add to my records")
    assert save.disabled
    assert any(plain(frame.value.columns[-1]) == "source" for frame in opened.dataframe if len(frame.value))
    opened.text_input(key="source").set_value("me").run()
    opened.text_input(key="conditions").set_value("temperature=295 K").run()
    assert not opened.error
    assert not next(button for button in opened.button if button.label == "Add to my records").disabled


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("kerr", sorted((SPECTRA / "kerr").glob("*.csv"))),
        ("odmr", sorted((SPECTRA / "odmr").glob("*.csv"))[:1]),
        ("map", [SPECTRA / "map_SC.csv", SPECTRA / "map_CC.csv"]),
        ("cd", [SPECTRA / "cd.txt"]),
        ("iv", [SPECTRA / "iv_up.txt", SPECTRA / "iv_down.txt"]),
        ("mr", [SPECTRA / "loop.csv"]),
    ],
)
def test_other_measurements_go_the_same_way(opened: AppTest, name: str, files: list[Path]) -> None:
    give(opened, *files)
    assert opened.selectbox[0].value == name
    fitted(opened)
    assert not opened.exception
    assert not opened.error
    assert headline(fit_files(name, files).fit).startswith(plain(opened.header[0].value))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        ("words.txt", b"this is no table at all\n"),
        ("pickle.npz", b"PK\x03\x04" + b"\x80\x04cos\nsystem\n" * 20),
        ("zeros.h5", bytes(2000)),
        ("../../etc/passwd", b"a,b\nx,y\n"),
        ("script.csv", b"=cmd|' /C calc'!A0,<script>alert(1)</script>\n1,x\n"),
    ],
)
def test_garbage_is_one_sentence(opened: AppTest, name: str, content: bytes) -> None:
    opened.file_uploader[0].upload(name, content)
    opened.run()
    assert not opened.exception
    assert len(opened.error) + len(opened.warning) >= 1
    assert all(len(error.value) <= 900 for error in opened.error)


def test_names_of_uploads_are_no_paths() -> None:
    assert plain_name("../../etc/passwd") == "passwd"
    assert plain_name("C:\\x\\kerr_100mT_5K.csv") == "kerr_100mT_5K.csv"
    assert plain_name("..") == "file"
    assert "/" not in plain_name("a/b\x00c")


def test_a_robust_fit_is_the_librarys(opened: AppTest, tmp_path: Path) -> None:
    lines = (SPECTRA / "hanle.txt").read_text().splitlines()
    spoiled = tmp_path / "hanle.txt"
    row = len(lines) // 3
    lines[row] = f"{lines[row].partition(';')[0]};0,9"
    spoiled.write_text("\n".join(lines) + "\n")
    give(opened, spoiled)
    name = opened.selectbox[0].value
    opened.checkbox(key=f"option:{name}:robust").set_value(True).run()
    for option in (one for one in opened.number_input if one.label.endswith("*") and one.value is None):
        option.set_value(2.0)
    fitted(opened.run())
    assert not opened.exception
    assert not opened.error, opened.error[0].value
    assert "robust=True" in next(one.value for one in opened.code if "fit_files" in one.value)
