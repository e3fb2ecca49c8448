"""A real browser walks every page at two widths: no error in the console, no request to another host, nothing cut off.

Pictures stay in $PEROSPIN_PICTURES if it names a folder.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit")

sys.path.insert(0, str(Path(__file__).parent))
import browser
import plate_files

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there")]

EXAMPLES = Path(__file__).parents[2] / "examples"
RESULTS = Path(__file__).parents[1] / "data" / "results"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("app")
    for place, source in enumerate(sorted(path.parent for path in RESULTS.rglob("result.json"))[:2]):
        shutil.copytree(source, folder / f"run-{place}")
    with browser.served(folder) as found:
        yield found


@pytest.fixture(params=browser.WIDTHS)
def driver(request: pytest.FixtureRequest) -> Iterator[Any]:
    with browser.browser(request.param) as found:
        yield found


def analyse(driver: Any) -> None:
    browser.upload(driver, EXAMPLES / "spectra" / "pump_probe_SC.txt", EXAMPLES / "spectra" / "pump_probe_CC.txt")
    browser.click(driver, "This is right")
    browser.wait_for(driver, "lifetime = 7.74")


def explore(driver: Any) -> None:
    browser.click(driver, "Any X against any Y")
    browser.wait_for(driver, "18 materials")


def structure(driver: Any) -> None:
    browser.upload(driver, EXAMPLES / "crystals" / "PEA2PbCl4_HybriD3_216.cif")
    browser.wait_for(driver, "16.89 Å")


def screen(driver: Any) -> None:
    if "candidates in domain" not in driver.page_source:
        browser.click(driver, "Screen")
    browser.wait_for(driver, "materials are in domain", 180)


def campaign(driver: Any) -> None:
    browser.wait_for(driver, "Objective")


def plates(driver: Any) -> None:
    with tempfile.TemporaryDirectory() as made:
        files = plate_files.written(Path(made))
        browser.upload(driver, files["stocks.csv"])
        browser.upload(driver, files["targets.csv"], place=1)
        browser.wait_for(driver, "9 wells")
        if (folder := browser.kept()) is not None:
            width = driver.execute_script("return window.innerWidth")
            browser.picture(driver, folder / f"plates-worklist-{width}.png")
        browser.click(driver, "Spectra of a plate")
        browser.upload(driver, files["plate.txt"])
        browser.upload(driver, files["map.csv"], place=1)
        browser.wait_for(driver, "results.csv", 60)
        browser.click_plot(driver, 3.5 / 6, 1.5 / 4)
        browser.wait_for(driver, "B4: m9")


def study(driver: Any) -> None:
    browser.click(driver, "Read")
    browser.wait_for(driver, "MD")


def mechanisms(driver: Any) -> None:
    browser.wait_for(driver, "6.38 ps")


def detectors(driver: Any) -> None:
    browser.click(driver, "A device")
    browser.upload(driver, *sorted((EXAMPLES / "detector").iterdir()))
    browser.wait_for(driver, "permittivity", 60)


def predict(driver: Any) -> None:
    browser.wait_for(driver, "4.5 ps")


WALKS: dict[str, Callable[[Any], None]] = {
    "predict": predict, "analyse": analyse, "explore": explore, "structure": structure, "screen": screen,
    "campaign": campaign, "plates": plates, "study": study, "mechanisms": mechanisms, "detectors": detectors,
}  # fmt: skip


@pytest.mark.parametrize("name", WALKS)
def test_the_main_path_of_every_page(name: str, address: str, driver: Any, tmp_path: Path) -> None:
    driver.get(f"{address}/{'' if name == 'predict' else name}")
    browser.settle(driver)
    WALKS[name](driver)
    browser.settle(driver)
    assert driver.title
    assert "Page not found" not in driver.page_source
    assert browser.complaints(driver) == []
    assert browser.foreign_hosts(driver) == set()
    assert browser.overflow(driver) <= 0
    width = driver.execute_script("return window.innerWidth")
    browser.picture(driver, (browser.kept() or tmp_path) / f"{name}-{width}.png")


def test_every_page_opens_quickly_once_it_is_warm(address: str) -> None:
    times: dict[str, float] = {}
    with browser.browser(1280) as driver:
        for name in WALKS:
            for _ in range(2):
                start = time.monotonic()
                driver.get(f"{address}/{'' if name == 'predict' else name}")
                browser.settle(driver, quiet_s=0.3)
                times[name] = time.monotonic() - start - 0.3
    print({name: round(seconds, 2) for name, seconds in times.items()})
    # three seconds are meant; a machine with other work gets three times as many
    assert max(times.values()) < 9.0, times


def test_words_that_are_markup_stay_words(address: str) -> None:
    with browser.browser(1280) as driver:
        driver.get(
            f"{address}/?formulas=%3Cimg%20src%3Dhttp%3A%2F%2Fexample.com%2Fx.png%3E%0A!%5Bx%5D(http%3A%2F%2Fexample.com%2Fy.png)"
        )
        browser.settle(driver)
        assert browser.foreign_hosts(driver) == set()
        assert not driver.execute_script("return document.querySelectorAll('img[src*=\"example.com\"]').length")


def test_keyboard_and_screen_reader(address: str) -> None:
    with browser.browser(1280) as driver:
        driver.get(address)
        browser.settle(driver)
        nameless = driver.execute_script(
            "return [...document.querySelectorAll('[data-testid=\"stMain\"] :is(input, textarea, button)')]"
            ".filter(e => e.offsetParent && !(e.labels && e.labels.length) && !e.getAttribute('aria-label')"
            " && !e.textContent.trim() && !e.title).map(e => e.outerHTML.slice(0, 120))"
        )
        assert nameless == []
        pictures = driver.execute_script(
            "return [...document.querySelectorAll('[data-testid=\"stMain\"] img')].filter(e => !e.alt).length"
        )
        assert pictures == 0
