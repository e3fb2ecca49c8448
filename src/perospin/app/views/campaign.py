"""Campaign: where it stands, what to make next and why, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from perospin.app import folders, parts
from perospin.app.uploads import stored
from perospin.digits import counted, figures
from perospin.errors import DataError

if TYPE_CHECKING:
    from perospin.navigation import Campaign
    from perospin.navigation.campaign.history import Summary

_NEW = "begin a new one"


def show() -> None:
    """Draw the page."""
    parts.heading("Campaign", "What to make next, with reasons; what came of it; whether to go on.")
    listed = folders.campaigns()
    if (begun := st.session_state.pop("begun", None)) in listed:
        st.session_state["campaign"] = begun
    name = st.selectbox(
        "Campaign", [*listed, _NEW], key="campaign",
        help=f"Those in {folders.working_folder().name}, the folder in which the app was started",
    )  # fmt: skip
    if name == _NEW or name not in listed:
        _begin()
        return
    from perospin.navigation import Campaign

    campaign = Campaign.open(listed[name])
    try:
        _show(campaign, name)
    finally:
        campaign.close()


def _begin() -> None:
    from perospin.navigation import Campaign

    file = st.file_uploader(
        "Space file (.toml), or a table of all materials to choose from",
        key="space",
        type=["toml", "csv", "xlsx", "txt"],
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", key="new_campaign", max_chars=60, width=240)
        objective = st.text_input(
            "Objective", key="objective", placeholder="min log rate (1/ps)", max_chars=80, width=260
        )
        other = st.text_input("A second one, if any", key="objective2", max_chars=80, width=240)
        stop_below = st.number_input(
            "Stop below", value=None, min_value=0.0, key="stop_below", format="%g", width=150,
            help="Expected gain that isn't worth a batch, in the unit of the objective (decades if log)",
        )  # fmt: skip
        seed = int(st.number_input("Seed", 0, 10**6, 0, key="seed", width=130))
    if st.button("Begin", type="primary", disabled=not (file and name.strip() and objective.strip())):
        assert file is not None  # the button is disabled without
        wanted = [text.strip() for text in (objective, other) if text.strip()]
        folder = folders.new_folder(name)
        Campaign.new(folder, stored([file])[0], wanted, stop_below=stop_below or None, seed=seed).close()
        st.session_state["begun"] = folder.name
        st.rerun()


def _show(campaign: Campaign, name: str) -> None:
    from perospin.navigation.campaign.history import summarise

    summary = summarise(campaign, name)
    st.subheader(parts.plain_text(summary.words["title"]), anchor=False)
    with st.container(horizontal=True):
        for tile in summary.words["tiles"]:
            st.metric(parts.plain_text(tile["what"]), tile["value"], width=210)
    st.info(parts.plain_text(parts.on_a_page(summary.words["advice"])))
    _next(campaign, summary)
    _tell(campaign)
    _way(summary)
    _beliefs(summary)
    if summary.words["tried"]:
        _tried(summary)


def _next(campaign: Campaign, summary: Summary) -> None:
    st.subheader("Next batch", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = int(st.number_input("How many", 1, 96, 4, key="count", width=140))
        if st.button("Suggest", type="primary", icon=":material/lightbulb:"):
            with st.spinner("Choosing ..."):
                campaign.suggest(count)
            st.rerun()
    pending = summary.words["pending"]
    if not pending:
        st.caption("Nothing is pending.")
        return
    labels = summary.words["labels"]
    rows = [
        {
            "material": one["material"],
            **{label: cell["mean"] for label, cell in zip(labels, one["cells"], strict=True)},
            **{f"95 % interval, {label}": cell["interval"] for label, cell in zip(labels, one["cells"], strict=True)},
            "expected gain": one["gain"],
            "exploration": one["exploration"],
            "why": one["reason"],
        }
        for one in pending
    ]
    import pandas as pd

    frame = pd.DataFrame(rows)
    st.dataframe(frame, hide_index=True, alt="Pending materials with expected values and reasons")
    blank = frame[["material"]].rename(columns={"material": "name"})
    for label in labels:
        blank[label] = ""
    parts.downloads("batch", {"batch.csv": (parts.as_csv(blank.assign(outcome="", note="")), "text/csv")})


def _tell(campaign: Campaign) -> None:
    with st.expander("Tell what came of it", expanded=False), parts.guarded():
        from perospin.navigation.campaign.tables import read_results

        file = st.file_uploader("A table of results", key="results_table")
        if file is not None and st.button("Tell the table", icon=":material/upload:"):
            read = read_results(campaign, stored([file])[0])
            fresh = campaign.tell_all(read.events)
            st.success(f"Told {counted(fresh, 'outcome')}; {len(read.events) - fresh} were told before.")
        status = campaign.status()
        if not status.pending:
            return
        with st.form("one", clear_on_submit=True):
            material = st.selectbox("Material", status.pending)
            values: dict[str, float] = {}
            errors: dict[str, float] = {}
            for one in campaign.objectives:
                left, right = st.columns(2)
                value = left.number_input(one.label, value=None, format="%g")
                error = right.number_input(f"± {one.label}", value=None, format="%g", min_value=0.0)
                if value is not None:
                    values[one.name] = float(value)
                if value is not None and error is not None:
                    errors[one.name] = float(error)
            outcome = st.selectbox("Outcome", ["measured", "failed", "abandoned"])
            note = st.text_input("Note", max_chars=200)
            if st.form_submit_button("Tell"):
                if outcome == "measured" and not values:
                    raise DataError("give the measured value, or choose another outcome")
                if outcome != "measured":
                    values, errors = {}, {}
                campaign.tell_all([campaign.outcome(str(material), values, errors, outcome, note=note)])
                st.rerun()


def _way(summary: Summary) -> None:
    """Progress, intervals kept and evidence of the hypotheses, as the page of a campaign draws them."""
    from perospin.reports.campaigns.write import campaign_figures

    drawn = campaign_figures(summary)
    if drawn:
        st.subheader("The way so far", anchor=False)
    for name, (title, caption, figure) in drawn.items():
        st.caption(parts.plain_text(title))
        parts.show_figure(figure, name, caption, width=760)


def _beliefs(summary: Summary) -> None:
    """Show what the model believes of each objective: slices, maps (a triangle for three shares), materials."""
    from perospin.reports.campaigns.maps import belief_figures

    if not summary.beliefs or not st.toggle("Show what the model believes", key="beliefs"):
        return
    for number, belief in enumerate(summary.beliefs, start=1):
        st.caption(
            parts.plain_text(
                f"{belief.label}: all that isn't shown on an axis is as in the best material, {belief.best}. Bands and "
                "bars are 95 % intervals of the true value. Circles are results."
            )
        )
        for part, (words, figure) in enumerate(belief_figures(belief), start=1):
            parts.show_figure(figure, f"belief-{number}-{part}", f"{belief.label} {words}")


def _tried(summary: Summary) -> None:
    import pandas as pd

    rows = [
        {
            "material": row["material"], "outcome": row["kind"],
            **dict(zip(summary.words["labels"], row["cells"], strict=True)), "note": row["note"], "when": row["at"],
        }
        for row in summary.words["tried"]
    ]  # fmt: skip
    st.subheader("All that was tried", anchor=False)
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="All outcomes in order")
    st.caption(f"{figures(summary.words['events'], 6)} events in the log; chosen by {summary.words['acquisition']}.")
