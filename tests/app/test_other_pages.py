"""Structure, Screen, Campaign, Study, Mechanisms and Detectors: what the library says, and garbage in one sentence."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest

from perospin.app import folders
from perospin.app.views import PAGES
from perospin.descriptors.structure import describe_structure
from perospin.detectors import absorbed_fraction, mass_attenuation
from perospin.jobs import work
from perospin.mechanisms import LAWS
from perospin.navigation import Campaign

EXAMPLES = Path(__file__).parents[2] / "examples"
RESULTS = Path(__file__).parents[1] / "data" / "results"
CRYSTAL = EXAMPLES / "crystals" / "PEA2PbCl4_HybriD3_216.cif"


def page(name: str) -> None:
    import importlib

    from perospin.app.parts import guarded

    with guarded():
        importlib.import_module(f"perospin.app.views.{name}").show()


def opened(name: str) -> AppTest:
    found = AppTest.from_function(page, default_timeout=120, args=(name,)).run()
    assert not found.exception
    return found


def button(shown: AppTest, words: str) -> AppTest:
    next(one for one in shown.button if one.label == words).click()
    return shown.run()


def until_done(shown: AppTest, there: Callable[[AppTest], object], patience_s: float = 120.0) -> AppTest:
    end = time.monotonic() + patience_s
    while not there(shown) and time.monotonic() < end:
        time.sleep(0.5)
        shown.run()
    return shown


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(folders.VARIABLE, str(tmp_path))
    monkeypatch.setattr(work, "works_folder", lambda: tmp_path / ".works")
    return tmp_path


@pytest.mark.parametrize("name", [one.name for one in PAGES])
def test_every_page_opens_without_anything(name: str, own_folder: Path) -> None:
    shown = opened(name)
    assert shown.title[0].value
    assert not shown.error


def test_a_crystal() -> None:
    shown = opened("structure")
    shown.file_uploader[0].upload(CRYSTAL.name, CRYSTAL.read_bytes())
    shown.run()
    expected = describe_structure(CRYSTAL)
    told = {metric.label: metric.value for metric in shown.metric}
    assert told["Layer spacing"] == f"{expected.values['layer_spacing_a']:.4g} Å"
    assert not shown.exception
    assert not shown.error
    assert shown.subheader[0].value.replace("\\", "") == "(PEA)2PbCl4"


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.cif", b""), ("a.cif", b"data_x\n_cell_length_a 5\n"), ("b.cif", bytes(range(256))), ("x.poscar", b"no")],
)
def test_a_file_that_is_no_crystal_is_one_sentence(name: str, content: bytes) -> None:
    shown = opened("structure")
    shown.file_uploader[0].upload(name, content)
    shown.run()
    assert not shown.exception
    assert len(shown.error) == 1


def test_a_screening_in_the_background(own_folder: Path) -> None:
    shown = opened("screen")
    shown.multiselect(key="spacers").set_value(["PEA", "BA", "3AMP", "4AMP"]).run()
    button(shown, "Screen")
    until_done(shown, lambda one: one.dataframe)
    frame = shown.dataframe[0].value
    assert sorted(frame["material"]) == ["(3AMP)PbI4", "(4AMP)PbI4", "(BA)2PbI4", "(PEA)2PbI4"]
    assert frame["material"].iloc[0] == "(4AMP)PbI4"
    assert not shown.error
    # the same question again is answered at once
    assert opened("screen").button


def test_a_screening_of_nothing_is_one_sentence(own_folder: Path) -> None:
    shown = opened("screen")
    shown.multiselect(key="metals").set_value([]).run()
    assert "at least one metal" in shown.error[0].value


def test_a_campaign_from_its_start_to_its_first_result(own_folder: Path) -> None:
    shown = opened("campaign")
    table = b"name,thickness (nm),anneal (C)\n" + b"\n".join(
        f"s{i},{20 + i},{100 + 5 * (i % 4)}".encode() for i in range(12)
    )
    shown.file_uploader[0].upload("candidates.csv", table)
    shown.text_input(key="new_campaign").set_value("films")
    shown.text_input(key="objective").set_value("max lifetime (ps)").run()
    button(shown, "Begin")
    assert not shown.error, shown.error[0].value
    assert list(folders.campaigns()) == ["films"]
    button(shown, "Suggest")
    assert len(shown.dataframe[0].value) == 4
    value = next(one for one in shown.number_input if one.label == "lifetime (ps)")
    value.set_value(3.5)
    button(shown, "Tell")
    assert not shown.exception
    assert not shown.error
    campaign = Campaign.open(own_folder / "films")
    assert campaign.status().measured == 1
    campaign.close()


@pytest.mark.parametrize("name", ["../out", "a/b", ".", "", "con\x00"])
def test_a_campaign_begins_in_the_folder_of_the_app_alone(name: str, own_folder: Path) -> None:
    from perospin.errors import PerospinError

    with pytest.raises(PerospinError):
        folders.new_folder(name)


def test_results_are_read_and_compared(own_folder: Path) -> None:
    for place, source in enumerate(sorted(path.parent for path in RESULTS.rglob("result.json"))[:2]):
        shutil.copytree(source, own_folder / f"run-{place}")
    shown = opened("study")
    shown.segmented_control(key="study_section").set_value("Read").run()
    assert not shown.exception
    assert not shown.error, shown.error[0].value
    assert shown.dataframe
    assert shown.info
    shown.segmented_control(key="study_section").set_value("Compare").run()
    assert not shown.exception


def test_a_result_that_was_changed_is_refused_in_one_sentence(own_folder: Path) -> None:
    (own_folder / "bad").mkdir()
    (own_folder / "bad" / "result.json").write_text('{"format": 99, "os": "system"}')
    shown = opened("study")
    shown.segmented_control(key="study_section").set_value("Read").run()
    assert not shown.exception
    assert len(shown.error) == 1


def test_links_out_of_the_folder_are_not_followed(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "result.json").write_text("{}")
    (own_folder / "link").symlink_to(outside)
    assert folders.results() == {}


@pytest.mark.parametrize("name", LAWS)
def test_every_law_has_its_value_on_the_page(name: str) -> None:
    shown = opened("mechanisms")
    shown.selectbox(key="law").set_value(name).run()
    assert not shown.exception
    assert not shown.error
    law = LAWS[name]
    if not shown.metric:
        assert shown.info
        return
    # the steps of a slider are written with four figures
    at = {**{p.name: p.default for p in law.parameters if not p.required}, **law.example_values}
    expected = float(law.function(**{key: value for key, value in at.items() if value is not None}))
    assert float(shown.metric[0].value.split()[0]) == pytest.approx(expected, rel=0.02)


def test_attenuation_is_that_of_the_library() -> None:
    shown = opened("detectors")
    share = absorbed_fraction(4.8 * mass_attenuation("CsPbBr3", 40.0), 1.0)
    assert shown.metric[0].value == f"{100 * share:.1f} %"
    shown.text_input(key="xray_formula").set_value("Unobtainium").run()
    assert len(shown.error) == 1


def test_a_device_from_its_files() -> None:
    shown = opened("detectors")
    shown.segmented_control(key="detector_section").set_value("A device").run()
    field = shown.file_uploader[0]
    for path in sorted((EXAMPLES / "detector").iterdir()):
        field = field.upload(path.name, path.read_bytes())
    shown.run()
    assert not shown.exception
    assert not shown.error, shown.error[0].value
    assert len(shown.dataframe[0].value) >= 8
