from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.text import Text

import small_study
from perospin import look as style
from perospin.descriptors.labels import axis_label, words
from perospin.digits import figures as figures_text
from perospin.digits import number, signed
from perospin.reports import report
from perospin.reports.figures.all import draw_all
from perospin.reports.figures.parity import residuals
from perospin.reports.verdict import reach
from perospin.reports.write import _with_subscripts
from perospin.studies.result import StudyResult
from perospin.studies.study import Study


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResult, Path]:
    folder = tmp_path_factory.mktemp("report")
    result = Study.load(small_study.write(folder)).run(progress=False)
    return result, report(result, folder / "out")


class _Page(HTMLParser):
    """Collects links and images, and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def test_the_page_stands_alone(made: tuple[StudyResult, Path]) -> None:
    page = _Page()
    page.feed(made[1].read_text(encoding="utf-8"))
    assert not page.open
    assert all(address.startswith(("data:image/svg+xml;base64,", "#")) for address in page.addresses)
    assert "<script" not in made[1].read_text(encoding="utf-8")


def test_every_figure_is_there_as_png_and_svg_and_in_the_page(made: tuple[StudyResult, Path]) -> None:
    folder = made[1].parent / "figures" / "small"
    names = {path.stem for path in folder.glob("*.png")}
    assert names == {path.stem for path in folder.glob("*.svg")}
    assert names == {
        "answer", "overview", "parity", "parity-log", "residuals", "splits", "grid", "learning-curve", "scrambling",
        "pearson", "beeswarm", "importance", "radar", "directions", "dependence", "coverage",
    }  # fmt: skip
    page = made[1].read_text(encoding="utf-8")
    assert all(f'id="small-{name}"' in page for name in names)
    assert page.count("<img ") == len(names)


def test_the_first_page_says_what_to_know_before_the_scores_are_believed(made: tuple[StudyResult, Path]) -> None:
    page = _Page()
    page.feed(made[1].read_text(encoding="utf-8"))
    text = " ".join(" ".join(page.text).split())
    first = text[: text.index("Predicted against measured")]
    assert "Before you believe this" in first[: first.index("On this page")]
    assert "only 16 rows" in first
    assert "kept on one side of every split" in first
    assert "3 declared; the log on this computer holds" in first


def test_the_first_screen_answers_and_nothing_hides_behind_hovering(made: tuple[StudyResult, Path]) -> None:
    text = made[1].read_text(encoding="utf-8")
    first = text[: text.index('class="contents"')]
    assert 'id="small-answer"' in first
    assert "perospin predict" in first
    assert " title=" not in text.partition("<body>")[2]
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert links <= set(re.findall(r'id="([^"]+)"', text))
    assert "nan %" not in text


def test_tables_and_json_lie_beside_the_page(made: tuple[StudyResult, Path]) -> None:
    assert (made[1].parent / "result.json").is_file()
    scores = (made[1].parent / "tables" / "small" / "scores.csv").read_text()
    assert scores.splitlines()[0].split(",")[:3] == ["estimator", "label", "scheme"]


def test_the_baseline_is_the_first_row_of_the_score_table(made: tuple[StudyResult, Path]) -> None:
    body = made[1].read_text(encoding="utf-8").split("<tbody>")[1]
    assert body.index("two-class rule") < body.index("ridge regression")


def test_the_verdict_never_gives_an_r2_without_a_scheme(made: tuple[StudyResult, Path]) -> None:
    verdict = reach(made[0]["small"])
    labels = [s.label for s in made[0]["small"].spec.schemes]
    with_r2 = [f.text for f in verdict.findings if "R²" in f.text]
    assert len(with_r2) >= 3
    for text in with_r2:
        assert any(label in text for label in labels) or "rows it has not seen" in text, text
    assert "does better than the two-class rule" in verdict.headline
    assert verdict.tone == "good"


def test_a_model_that_loses_to_the_rule_is_said_to_lose(made: tuple[StudyResult, Path]) -> None:
    part = made[0]["small"]
    verdict = part.spec.verdict.model_copy(update={"estimator": "rule"})
    swapped = part.spec.model_copy(update={"baseline": "ridge", "verdict": verdict})
    object.__setattr__(loser := type(part)(**vars(part)), "spec", swapped)
    found = reach(loser)
    assert "does worse than the ridge regression" in found.headline
    assert found.tone == "bad"


def test_every_axis_and_title_with_an_r2_names_its_scheme(made: tuple[StudyResult, Path]) -> None:
    part = made[0]["small"]
    labels = [part.scheme_label(s.key) for s in part.spec.schemes]
    seen = 0
    for name, figure in draw_all(part).items():
        texts = [" ".join(text.get_text().split()) for text in figure.findobj(lambda a: hasattr(a, "get_text"))]
        for text in texts:
            if "R²" in text:
                seen += 1
                said = any(label in text for label in labels)
                told = any(w in text for w in ("legend", "random split", "held-out rows", "in sample"))
                assert said or told, (name, text)
    assert seen >= 8


def test_text_of_the_study_is_escaped(made: tuple[StudyResult, Path]) -> None:
    page = made[1].read_text(encoding="utf-8")
    assert "Nothing: &lt;made up&gt;." in page
    assert "<made up>" not in page


@pytest.mark.slow
def test_writing_twice_gives_the_same_page(made: tuple[StudyResult, Path], tmp_path: Path) -> None:
    again = report(StudyResult.load(made[1].parent), tmp_path)
    assert again.read_text(encoding="utf-8") == made[1].read_text(encoding="utf-8")


def test_a_study_with_the_bare_minimum_has_a_report_too(tmp_path: Path) -> None:
    content = small_study.raw()
    for section in ("grids", "explain", "claims", "stated"):
        del content[section]
    content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
    content["target"] = {"column": "rate_per_ps", "quantity": "made-up rate"}
    content["schemes"] = [{"kind": "leave_one_out", "name": "loo"}]
    content["estimators"] = content["estimators"][:2]
    content["verdict"] = {"estimator": "ridge", "scheme": "loo"}
    page = report(Study.load(small_study.write(tmp_path, content)).run(progress=False), tmp_path / "out")
    assert "leave-one-out" in page.read_text(encoding="utf-8")


def test_columns_are_said_in_words_with_units() -> None:
    assert axis_label("homo_ev") == "HOMO energy (eV)"
    assert axis_label("spacer_dipole_debye") == "spacer dipole moment (D)"
    assert axis_label("polarisability_bohr3") == "polarisability (bohr³)"
    assert axis_label("rate_per_ps") == "rate (1/ps)"
    assert axis_label("inverse_n") == "1/n"
    assert axis_label("x_ev", {"x_ev": "my x (eV)"}) == "my x (eV)"
    assert words("x_ev", {"x_ev": "my x (eV)"}) == "my x"


@example(-0.0)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_numbers_never_print_a_hyphen_or_minus_zero(value: float) -> None:
    for text in (number(value), signed(value), figures_text(value).replace("e−", "")):
        assert "-" not in text
        assert not re.fullmatch(r"[−+]?−0(\.0+)?", text)


def test_numbers_read_well() -> None:
    assert [number(v) for v in (0.474, -0.62, -394.1, -0.001, np.nan, None)] == [
        "0.47",
        "−0.62",
        "−394",
        "0.00",
        "—",
        "—",
    ]
    assert [signed(v) for v in (0.1, -0.1, 0.0)] == ["+0.10", "−0.10", "+0.00"]
    assert [figures_text(v, 3) for v in (0.0075721, 1760.4, 7.224)] == ["0.00757", "1760", "7.22"]


def test_counts_of_formulas_are_set_low() -> None:
    assert str(_with_subscripts("as (PEA)2(MA)Pb2I7 of 10.1021/jacs")) == (
        "as (PEA)<sub>2</sub>(MA)Pb<sub>2</sub>I<sub>7</sub> of 10.1021/jacs"
    )
    assert str(_with_subscripts("<b> R² 0.5")) == "&lt;b&gt; R² 0.5"


def test_legend_and_title_of_the_residuals_keep_apart(made: tuple[StudyResult, Path]) -> None:
    with matplotlib.rc_context(style.RC):
        figure = residuals(made[0].parts["small"])
        assert figure is not None
        figure.draw_without_rendering()
    right = figure.axes[1]
    title = next(text for text in right.findobj(Text) if text.get_text() == "the ten rows furthest off")
    legend = right.get_legend()
    assert legend is not None
    assert not legend.get_window_extent().overlaps(title.get_window_extent())
