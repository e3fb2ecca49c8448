"""Pictures of the app for the manual: ``python scripts/app_pictures.py`` writes docs/images/app-*.png.

It needs the extra ``app``, selenium, Chromium and chromedriver.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "app"))
EXAMPLES = ROOT / "examples"
WIDTH, TALLEST, COLOURS, MOST_BYTES = 1100, 1250, 256, 150_000


def _campaign(folder: Path) -> None:
    """Make a campaign with results of a simulated optimum, for the picture."""
    from perospin.navigation import Campaign

    table = folder / "films.csv"
    rows = [f"s{i},{20 + 2 * (i % 8)},{90 + 10 * (i // 8)}" for i in range(40)]
    table.write_text("name,thickness (nm),anneal (C)\n" + "\n".join(rows) + "\n")
    campaign = Campaign.new(folder / "films", table, "max lifetime (ps)")
    for _ in range(3):
        for one in campaign.suggest(3):
            thickness, anneal = (float(value) for value in one.choices.values())
            value = 6.0 - 0.02 * (thickness - 28) ** 2 - 0.002 * (anneal - 120) ** 2
            campaign.tell(one.material, {"lifetime": round(value, 2)}, {"lifetime": 0.2}, note="simulated")
    campaign.suggest(3)
    campaign.close()


def main() -> None:
    import browser
    import plate_files
    from PIL import Image

    def keep(driver: Any, name: str) -> None:
        browser.settle(driver)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "picture.png"
            browser.picture(driver, path, TALLEST)
            picture = Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
        small = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        out = ROOT / "docs" / "images" / f"app-{name}.png"
        small.save(out, optimize=True)
        print(out.name, out.stat().st_size)
        assert out.stat().st_size < MOST_BYTES, out

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _campaign(folder)
        with browser.served(folder) as address, browser.browser(WIDTH) as driver:

            def go(page: str) -> None:
                driver.get(f"{address}/{page}")
                browser.settle(driver)

            go("?formulas=(3AMP)PbI4")
            browser.wait_for(driver, "4.5 ps")
            keep(driver, "predict")
            go("analyse")
            browser.upload(driver, *(EXAMPLES / "spectra" / f"pump_probe_{name}.txt" for name in ("SC", "CC")))
            browser.click(driver, "This is right")
            browser.wait_for(driver, "lifetime =")
            keep(driver, "analyse")
            go("explore")
            browser.click(driver, "Any X against any Y")
            browser.wait_for(driver, "materials")
            keep(driver, "explore")
            go("structure")
            browser.upload(driver, EXAMPLES / "crystals" / "PEA2PbCl4_HybriD3_216.cif")
            browser.wait_for(driver, "16.89 Å")
            keep(driver, "structure")
            go("screen")
            if "materials are in domain" not in driver.page_source:
                browser.click(driver, "Screen")
            browser.wait_for(driver, "materials are in domain", 180)
            keep(driver, "screen")
            go("campaign")
            browser.wait_for(driver, "Next batch")
            keep(driver, "campaign")
            go("plates")
            files = plate_files.written(folder)
            browser.click(driver, "Spectra of a plate")
            browser.upload(driver, files["plate.txt"])
            browser.upload(driver, files["map.csv"], place=1)
            browser.wait_for(driver, "results.csv")
            browser.click_plot(driver, 3.5 / 6, 1.5 / 4)
            keep(driver, "plates")
            for page in ("study", "mechanisms", "detectors"):
                go(page)
                keep(driver, page)


if __name__ == "__main__":
    main()
