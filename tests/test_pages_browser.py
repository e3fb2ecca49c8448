"""Pages as a browser lays them out, at a desk and on a telephone: nothing hangs over, nothing is fetched from outside.

Skipped where there is no Chromium.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaign_grid import grid, truth
from perospin.detectors import fit_device
from perospin.detectors.page import write_page
from perospin.navigation import Campaign, Space, screen
from perospin.navigation.campaign.history import summarise
from perospin.navigation.screening.page import page as screening_page
from perospin.reports import report
from perospin.reports.campaigns.write import campaign_page
from perospin.studies.result import StudyResult

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "tests" / "data" / "results" / "format2"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed, so pages can't be laid out"),
]

MEASURE = """
<script>
window.addEventListener("load", () => {
  document.querySelectorAll("details").forEach(part => { part.open = true; });
  const cells = [...document.querySelectorAll("td, th")].map(cell => cell.getBoundingClientRect().height);
  document.documentElement.setAttribute("data-measured", JSON.stringify({
    width: window.innerWidth,
    needed: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
    tallest: Math.max(0, ...cells),
    hosts: performance.getEntriesByType("resource").map(one => one.name).filter(one => !/^(data|file|blob):/.test(one)),
    images: [...document.images].filter(one => one.naturalWidth === 0).length,
  }));
});
</script>
"""


def study(folder: Path) -> Path:
    return Path(report(StudyResult.load(STORED), folder / "study"))


def campaign(folder: Path) -> Path:
    made = Campaign.new(folder / "c", grid(), "max gap (eV)")
    for _ in range(2):
        for one in made.suggest(2):
            made.tell(one.material, {"gap": truth(one.choices)}, {"gap": 0.02})
    made.suggest(2)
    return Path(campaign_page(summarise(made, "mine"), folder / "campaign"))


def screening(folder: Path) -> Path:
    found = screen(
        Space.from_dict({"materials": {"spacers": ["BA", "PEA", "3AMP"], "a_cations": ["MA"], "layers": [1, 2]}}), top=4
    )
    path = folder / "screening.html"
    path.write_text(screening_page(found), encoding="utf-8")
    return path


def device(folder: Path) -> Path:
    write_page(fit_device(ROOT / "examples" / "detector"), folder / "device.html")
    return folder / "device.html"


def laid_out(page: Path, width: int) -> dict[str, Any]:
    """Open a page in a frame of this width and measure it; a window of its own can't be as narrow as a telephone."""
    text = page.read_text(encoding="utf-8")
    inner = page.with_name("measured.html")
    inner.write_text(text.replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    outer = page.with_name("outer.html")
    outer.write_text(
        f"""<!doctype html><body style="margin:0"><iframe src="measured.html" width="{width}" height="900"
        style="border:0"></iframe><script>const asking = setInterval(() => {{
        const found = document.querySelector("iframe").contentDocument.documentElement.getAttribute("data-measured");
        if (found) {{ clearInterval(asking); document.body.setAttribute("data-measured", found); }}
        }}, 100)</script></body>""",
        encoding="utf-8",
    )
    assert BROWSER is not None
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom",
            "--virtual-time-budget=20000", f"--user-data-dir={page.parent / 'profile'}", outer.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = re.search(r'<body[^>]*data-measured="([^"]*)"', done.stdout)
    assert found, "the browser measured nothing"
    return dict(json.loads(found[1].replace("&quot;", '"')))


@pytest.mark.parametrize("make", [study, campaign, screening, device])
def test_a_page_fits_a_desk_and_a_telephone(make: Callable[[Path], Path], tmp_path: Path) -> None:
    page = make(tmp_path)
    for width in (1280, 390):
        measured = laid_out(page, width)
        assert measured["width"] == width
        assert measured["needed"] <= width, f"{make.__name__} hangs over at {width} px"
        assert measured["tallest"] <= 500, f"{make.__name__} has a cell {measured['tallest']:.0f} px tall at {width} px"
        assert measured["hosts"] == []
        assert measured["images"] == 0


def test_the_measure_sees_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        '<!doctype html><body><table><tr><td style="height:900px">a</td></tr></table><img src="lost.png">'
        '<div style="width:2000px">b</div></body>'
    )
    measured = laid_out(page, 390)
    assert measured["needed"] >= 2000
    assert measured["tallest"] >= 900
    assert measured["images"] == 1
