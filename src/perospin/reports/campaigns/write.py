"""Write the page of a campaign: next batch with reasons, maps, progress, intervals kept, evidence, what was tried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

from perospin import look
from perospin.digits import counted, percent
from perospin.reports.campaigns.maps import belief_figures
from perospin.reports.write import _environment, _resource, _save_figures
from perospin.saving import inner_folder, make_folder, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.navigation.campaign.history import Summary

__all__ = ["campaign_figures", "campaign_page"]


def campaign_page(summary: Summary, folder: str | Path) -> Path:
    """Write ``report.html`` with everything inside it, and its figures beside it.

    Parameters
    ----------
    summary : Summary
        Of `perospin.navigation.campaign.history.summarise`.
    folder : path

    Returns
    -------
    Path
        The page.
    """
    place = make_folder(folder)
    found = campaign_figures(summary)
    drawn = {name: figure for name, (_, _, figure) in found.items()}
    panels: dict[str, tuple[int, str]] = {}
    with matplotlib.rc_context(look.RC):
        for number, belief in enumerate(summary.beliefs, start=1):
            for part, (words, figure) in enumerate(belief_figures(belief), start=1):
                drawn[f"belief-{number}-{part}"] = figure
                panels[f"belief-{number}-{part}"] = (number, f"{belief.label} {words}")
    embedded = _save_figures(drawn, inner_folder(place, "figures")) if drawn else {}
    context: dict[str, Any] = {
        **summary.words,
        "style": _resource("style.css"),
        "figures": [
            {"title": title, "caption": caption, "source": embedded[name]}
            for name, (title, caption, _) in found.items()
        ],
        "beliefs": [
            {
                "title": f"What it believes: {belief.label}",
                "caption": f"All that isn't shown on an axis is as in the best material, {belief.best}. "
                "Bands and bars are 95 % intervals of the true value. Circles are results; other choices may differ.",
                "panels": [{"what": what, "source": embedded[name]} for name, (of, what) in panels.items() if of == n],
            }
            for n, belief in enumerate(summary.beliefs, start=1)
        ],
    }
    page = _environment().get_template("campaigns/page.html.j2").render(context)
    write_text(place / "report.html", page)
    return place / "report.html"


def campaign_figures(summary: Summary) -> dict[str, tuple[str, str, Figure]]:
    """Draw a campaign's way: progress, intervals kept, evidence of the hypotheses; name to title, caption, figure."""
    found: dict[str, tuple[str, str, Figure]] = {}
    with matplotlib.rc_context(look.RC):
        for number, target in enumerate(summary.targets, start=1):
            if target.best:
                caption = "Each result in the order told; the line is the best so far."
                found[f"progress-{number}"] = (f"Progress: {target.label}", caption, _progress(target))
            if target.promises:
                share, low, high = target.kept or (0.0, 0.0, 0.0)
                caption = (
                    f"What each suggestion promised (95 % interval) and what was measured (circles). "
                    f"{percent(share)} of {counted(len(target.promises), 'interval')} held the measured value "
                    f"(95 % range of this share {percent(low)} to {percent(high)}; an honest one is near 95 %)."
                )
                title = f"Were the intervals honest: {target.label}"
                found[f"intervals-{number}"] = (title, caption, _intervals(target))
        if summary.evidence:
            caption = "Probability of each law after so many results."
            found["evidence"] = ("Evidence of the hypotheses", caption, _evidence(summary.evidence))
    return found


def _axes(height: float = 2.6) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(look.WIDE, height))
    return figure, figure.subplots()


def _progress(target: Any) -> Figure:
    figure, axes = _axes()
    steps = range(1, len(target.best) + 1)
    before = [i for i, old in zip(steps, target.before, strict=True) if old]
    axes.plot(steps, target.values, "o", color=look.GREY, ms=4, label="results")
    if before:
        axes.plot(
            before, [target.values[i - 1] for i in before], "s", color=look.ORANGE, ms=5, label="before the campaign"
        )
    axes.step(steps, target.best, where="post", color=look.BLUE, label="best so far")
    axes.set(xlabel="result", ylabel=target.label, yscale="log" if target.log else "linear")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="best")
    return figure


def _intervals(target: Any) -> Figure:
    figure, axes = _axes()
    for i, one in enumerate(target.promises, start=1):
        axes.plot([i, i], [one.lower, one.upper], color=look.SKY, lw=4, solid_capstyle="butt", alpha=0.8)
        axes.plot(i, one.mean, "_", color=look.BLUE, ms=9)
        axes.plot(i, one.value, "o", ms=5, color=look.BLACK if one.kept else look.VERMILLION)
    axes.set(xlabel="suggestion that was measured", ylabel=target.label, yscale="log" if target.log else "linear")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _evidence(rows: Any) -> Figure:
    figure, axes = _axes()
    for name, colour in zip(rows[0][1], look.COLOURS * 3, strict=False):
        axes.plot([n for n, _ in rows], [shares.get(name, 0.0) for _, shares in rows], "o-", color=colour, label=name)
    axes.set(xlabel="results known", ylabel="probability", ylim=(-0.02, 1.02))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="best")
    return figure
