"""A headless Chromium that walks the app, and the app's server for it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WIDTHS = (1280, 390)
_LOCAL = {"127.0.0.1", "localhost", ""}


def missing() -> str:
    """Why there is no browser to test with; empty if there is one."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    for names in (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)):
        if not any(shutil.which(name) for name in names):
            return f"{names[0]} is not installed"
    return ""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Start `perospin app` on a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = "from perospin.cli import main; main()"
    command = [sys.executable, "-c", start, "app", "--port", str(port), "--no-browser", "--folder", str(folder)]
    log = folder / "server.txt"
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@contextlib.contextmanager
def browser(width: int, height: int = 900) -> Iterator[Any]:
    """Open a headless Chromium with a window of this width, its console and network logged."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--disable-component-update", f"--window-size={width},{height}",
                     "--hide-scrollbars"):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    options.binary_location = chrome
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        # a window is never narrower than 500 pixels: the page is told its width
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        yield driver
    finally:
        driver.quit()


def settle(driver: Any, patience_s: float = 60.0, quiet_s: float = 0.8) -> float:
    """Wait until the page stands and nothing runs; seconds until then."""
    start = time.monotonic()
    since = None
    while time.monotonic() - start < patience_s:
        state = driver.execute_script(
            "const app = document.querySelector('[data-testid=\"stApp\"]');"
            "return [app ? app.getAttribute('data-test-script-state') : 'none',"
            "document.querySelectorAll('h1').length,"
            'document.querySelectorAll(\'[data-testid="stSpinner"], [data-stale="true"]\').length]'
        )
        if state[0] == "notRunning" and state[1] and not state[2]:
            since = since or time.monotonic()
            if time.monotonic() - since >= quiet_s:
                return time.monotonic() - start - quiet_s
        else:
            since = None
        time.sleep(0.05)
    raise AssertionError(f"the page did not settle within {patience_s} s: {state}")


def foreign_hosts(driver: Any) -> set[str]:
    """Hosts other than this machine that the page asked, since the last call."""
    found = set()
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
            url = message["params"].get("url") or message["params"]["request"]["url"]
            if url.split(":")[0] in ("data", "blob", "about", "chrome", "devtools"):
                continue
            host = urlsplit(url).hostname or ""
            if host not in _LOCAL:
                found.add(host)
    return found


def complaints(driver: Any) -> list[str]:
    """Errors in the console since the last call.

    A page that is opened by its own address looks for the server below that address first, which is no error.
    """
    return [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] == "SEVERE" and not ("/_stcore/" in entry["message"] and "404" in entry["message"])
    ]


def overflow(driver: Any) -> int:
    """By how many pixels the page is wider than the window."""
    return int(driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth"))


def picture(driver: Any, path: Path, most: int = 3000) -> None:
    """Save a picture of the whole page."""
    height = driver.execute_script(
        "const m = document.querySelector('[data-testid=\"stMain\"]');"
        "return m ? m.scrollHeight + 20 : document.body.scrollHeight"
    )
    size = driver.execute_script("return [window.innerWidth, window.innerHeight]")
    shown = {"width": size[0], "deviceScaleFactor": 1, "mobile": size[0] < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**shown, "height": max(min(height, most), size[1])})
    time.sleep(0.6)
    path.parent.mkdir(parents=True, exist_ok=True)
    driver.save_screenshot(str(path))
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**shown, "height": size[1]})


def kept() -> Path | None:
    """Folder in which pictures are kept, if $PEROSPIN_PICTURES names one."""
    return Path(os.environ["PEROSPIN_PICTURES"]) if os.environ.get("PEROSPIN_PICTURES") else None


def click(driver: Any, words: str) -> None:
    """Click the label, button or summary that has these words, then wait."""
    from selenium.webdriver.common.by import By

    quoted = words.split("'")[0]
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for kind in ("button", "label", "summary"):
            path = f"//{kind}[contains(., '{quoted}')]"
            found = [one for one in driver.find_elements(By.XPATH, path) if one.is_displayed()]
            if found:
                driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found[0])
                found[0].click()
                time.sleep(0.3)
                settle(driver)
                return
        time.sleep(0.2)
    raise AssertionError(f"there is nothing to click with the words '{words}'")


def click_plot(driver: Any, across: float, down: float) -> None:
    """Click into the first interactive figure, at parts of its width and height between the axes."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    area = driver.find_element(By.CSS_SELECTOR, ".nsewdrag")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", area)
    time.sleep(0.5)
    size = area.rect
    offsets = int((across - 0.5) * size["width"]), int((down - 0.5) * size["height"])
    ActionChains(driver).move_to_element_with_offset(area, *offsets).pause(0.3).click().perform()
    settle(driver)


def upload(driver: Any, *paths: Path, place: int = 0) -> None:
    """Give files to a field for them, the first one unless another is asked for."""
    from selenium.webdriver.common.by import By

    end = time.monotonic() + 20
    while len(fields := driver.find_elements(By.CSS_SELECTOR, "input[type=file]")) <= place and time.monotonic() < end:
        time.sleep(0.1)
    fields[place].send_keys("\n".join(str(path.resolve()) for path in paths))
    time.sleep(0.5)
    settle(driver)


def wait_for(driver: Any, words: str, patience_s: float = 40.0) -> None:
    """Wait until the page shows these words."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        text = driver.execute_script("return document.querySelector('[data-testid=\"stMain\"]')?.innerText || ''")
        if words in text or words in driver.page_source:
            return
        time.sleep(0.2)
    raise AssertionError(f"the page never showed '{words}', but: {text[:600]}")
