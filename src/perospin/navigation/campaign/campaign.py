"""A campaign in its folder: declared once, asked for the next batch, told what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from perospin.digits import counted, figures
from perospin.errors import NavigationError
from perospin.navigation.campaign.belief import Known
from perospin.navigation.campaign.candidates import (
    Candidates,
    DeclaredSpace,
    OwnIons,
    candidates_from,
    open_candidates,
)
from perospin.navigation.campaign.log import Event, Log
from perospin.navigation.campaign.objectives import Objective, parse_objectives, unit_of_gain
from perospin.navigation.campaign.suggesting import Suggestion, check_acquisition, suggest
from perospin.navigation.space.space import Candidate, Space
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.declared import surrogate_from
from perospin.navigation.surrogates.surrogate import Surrogate
from perospin.progress import Progress, progress_line
from perospin.text import shorten, without_password

__all__ = ["Campaign", "Status"]

_FILE = "log.sqlite"
_TRIES = 20
OUTCOMES = ("measured", "failed", "abandoned", "imported")


@dataclass(frozen=True)
class Status:
    """Where a campaign stands.

    Attributes
    ----------
    candidates, measured, failed, imported : int
    pending : tuple of str
        Names of materials that were suggested and of which nothing was told yet.
    best : dict of str to (str, float)
        Best measured material and value of each objective.
    expected_gain : float or None
        Largest one of the last batch.
    advice : str
        Whether to go on, in one sentence.
    """

    candidates: int
    measured: int
    failed: int
    imported: int
    pending: tuple[str, ...]
    best: dict[str, tuple[str, float]]
    expected_gain: float | None
    advice: str


def check_costs(space: Candidates, cost: str) -> None:
    """Refuse a cost that isn't a number above 0 of every candidate."""
    for one in space.candidates():
        found = one.choices.get(cost, "")
        if isinstance(found, str) or not float(found) > 0:
            raise NavigationError(
                f"the cost '{shorten(cost, 40)}' must be a column of numbers above 0 of the candidates"
            )


def _models(model: Mapping[str, Any], objectives: Sequence[Objective]) -> dict[str, Mapping[str, Any]]:
    """Take a model apart: what learns each objective, by its name.

    Raises
    ------
    NavigationError
        If two objectives share one declaration, or it names another one.
    """
    if not model:
        return {}
    names = [one.name for one in objectives]
    if len(names) == 1:
        return {names[0]: model}
    for name, declared in model.items():
        if name not in names or not isinstance(declared, Mapping):
            raise NavigationError(
                f"with two objectives each has a model of its own, under its name: {' and '.join(names)}; "
                f"'{shorten(str(name), 40)}' is none of them"
            )
    return dict(model)


def _made(folder: Path | str) -> Path | str:
    """Where the log of a new campaign goes: into a folder, which is made, or a database behind a URL."""
    from perospin.database.engines import is_url

    if is_url(str(folder)):
        return str(folder)
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NavigationError(f"can't create the folder '{shorten(str(place), 120)}': {error.strerror}") from None
    return place / _FILE


class Campaign:
    """Ask for the next materials and tell what came of them; use `new` or `open`.

    Attributes
    ----------
    space : Candidates
    objectives : tuple of Objective
    acquisition : str
    stop_below : float or None
        Expected gain below which the campaign advises to stop.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        first = next(iter(log.events()), None)
        if first is None or first.kind != "begun":
            raise NavigationError(f"'{log.shown}' holds no campaign; begin one with Campaign.new")
        declared = first.detail
        try:
            self.space: Candidates = candidates_from(declared["candidates"])
            self.objectives = tuple(Objective(**one) for one in declared["objectives"])
            self.acquisition, self.seed = str(declared["acquisition"]), int(declared["seed"])
            self.cost: str | None = declared["cost"]
            self.stop_below: float | None = declared["stop_below"]
            self.model: dict[str, Any] | None = declared["model"]
        except (KeyError, TypeError, ValueError):
            raise NavigationError(
                f"the campaign in '{log.shown}' is of another version of perospin, or isn't whole"
            ) from None

    @classmethod
    def new(
        cls,
        folder: Path | str,
        candidates: Path | str | Space | Candidates,
        objectives: str | Sequence[str | Objective],
        acquisition: str | None = None,
        cost: str | None = None,
        stop_below: float | None = None,
        seed: int = 0,
        model: Mapping[str, Any] | None = None,
        ions: OwnIons | None = None,
        progress: bool | Progress = False,
    ) -> Self:
        """Begin a campaign in a folder of its own.

        Parameters
        ----------
        folder : path or str
            Made if it isn't there. For a group: ``postgresql+psycopg://user@host/database#name``.
        candidates : path, Space or CandidateTable
            A space file (``.toml``), or a table of all materials to choose from.
        objectives : str or sequence of str
            One or two, such as ``"max gap (eV)"`` or ``"min log rate (1/ps)"``.
        acquisition : str, optional
            A key of `ACQUISITIONS`; by default log-ei, for two objectives hypervolume.
        cost : str, optional
            Column of the candidates with what each costs to make.
        stop_below : float, optional
            Advise to stop once the expected gain is below this, in the unit of the objective (decades if log).
        seed : int
        model : dict, optional
            What learns, as `surrogate_from` reads it: a law, or laws that compete. Laws are of the values themselves,
            or of their decimal logarithm if the objective is on a log scale. For two objectives, one such declaration
            under the name of each; one that is left out is learnt without a law.
        ions : dict of str to str or dict, optional
            Own ions that the space file names: ``{"NAME": "SMILES"}``. The log keeps them.
        progress : bool or callable
            Show a progress line, or hear of it, while cations without shipped descriptors are computed; those that
            fail are left out.

        Raises
        ------
        NavigationError
            If the folder holds a campaign, or the declaration doesn't hold together.
        """
        wanted = parse_objectives([objectives] if isinstance(objectives, str) else objectives)
        way = acquisition or ("log-ei" if len(wanted) == 1 else "hypervolume")
        check_acquisition(way, wanted)
        if stop_below is not None and not (np.isfinite(stop_below) and stop_below > 0):
            raise NavigationError(f"a campaign stops below an expected gain above 0, not {stop_below:g}")
        if isinstance(candidates, str | Path):
            choose_from = open_candidates(candidates, ions)
        elif isinstance(candidates, Space):
            choose_from = DeclaredSpace(candidates, ions)
        else:
            choose_from = candidates
        if isinstance(choose_from, DeclaredSpace):
            with progress_line(progress) as tell:
                choose_from.space = choose_from.space.computed(tell=tell)
        first = next(choose_from.candidates(), None)
        if first is None:
            raise NavigationError("the space has no candidate; loosen one of its rules")
        choose_from.encode([first])
        taken = {one.name for one in wanted} & set(first.choices)
        if taken:
            raise NavigationError(f"'{shorten(min(taken), 40)}' is both a choice and an objective; take it out of one")
        if cost is not None:
            check_costs(choose_from, cost)
        if model is not None:
            for declared in _models(model, wanted).values():
                surrogate_from(choose_from.encode([first])[1], declared)
        log = Log(_made(folder))
        content = {
            "candidates": choose_from.to_dict(),
            "objectives": [asdict(one) for one in wanted],
            "acquisition": way,
            "cost": cost,
            "stop_below": stop_below,
            "model": None if model is None else dict(model),
            "seed": seed,
        }
        log.create(Event("begun", detail=content))
        return cls(log)

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """Open the campaign of a folder.

        Raises
        ------
        NavigationError
            If there is none.
        """
        from perospin.database.engines import is_url

        if is_url(str(folder)):
            log = Log(str(folder))
            if log.exists:
                return cls(log)
        elif (file := Path(folder) / _FILE).is_file():
            return cls(Log(file))
        raise NavigationError(
            f"'{shorten(without_password(str(folder)), 120)}' holds no campaign; begin one with 'perospin campaign new'"
        )

    def _make(self, objective: Objective, columns: InputColumns) -> Surrogate:
        declared = _models(self.model or {}, self.objectives)
        return surrogate_from(columns, declared.get(objective.name), self.seed)

    @property
    def events(self) -> list[Event]:
        """The whole log."""
        return self._log.events()

    def suggest(
        self,
        count: int = 1,
        surrogate: Callable[[InputColumns], Surrogate] | None = None,
        acquisition: str | None = None,
        progress: bool | Progress = False,
    ) -> list[Suggestion]:
        """Choose the next materials and write them to the log, where they are pending.

        The same log and seed give the same suggestions.

        Parameters
        ----------
        count : int
        surrogate : callable, optional
            Makes what learns from the results, given their columns: a structured one, or hypotheses that compete; by
            default a Gaussian process on mixed inputs.
        acquisition : str, optional
            For this batch only.
        progress : bool or callable
            Show a progress line, or hear of it.
        """
        if count < 1:
            raise NavigationError(f"a batch has one material or more, not {count}")
        way = acquisition or self.acquisition
        check_acquisition(way, self.objectives)
        for _ in range(_TRIES):
            events = self._log.events()
            generator = np.random.default_rng([self.seed, len(events)])
            known = Known.of(events, self.space)
            make = self._make if surrogate is None else lambda _, columns: surrogate(columns)
            with progress_line(progress) as tell:
                batch, models = suggest(
                    known, self.space, self.objectives, count, way, make, generator, self.cost, tell
                )
            more = {"acquisition_name": way} | self._evidence(models)
            told = [
                Event("suggested", one.material, one.choices, note=one.words, detail=one.to_dict() | more)
                for one in batch
            ]
            # somebody may have told a result meanwhile: then it counts, and the batch is chosen anew
            if self._log.append(told, seen=len(events)):
                return batch
        raise NavigationError("others write to this campaign's log all the time; ask again in a minute")

    def _evidence(self, models: Sequence[Surrogate]) -> dict[str, Any]:
        """Probabilities of competing laws; with two objectives, named with theirs."""
        found = {}
        for objective, model in zip(self.objectives, models, strict=False):
            for law, share in model.probabilities().items() if hasattr(model, "probabilities") else ():
                found[law if len(self.objectives) == 1 else f"{objective.name}: {law}"] = share
        return {"probabilities": found} if found else {}

    def tell(
        self,
        material: str | Mapping[str, str | float],
        values: Mapping[str, float] | None = None,
        uncertainties: Mapping[str, float] | None = None,
        kind: str = "measured",
        made: Mapping[str, str | float] | None = None,
        task: str = "",
        note: str = "",
        again: bool = False,
    ) -> bool:
        """Tell one outcome; False if the log holds it already, word for word.

        Parameters
        ----------
        material : str or dict
            Name of the candidate, or its choices.
        values, uncertainties : dict of str to float
            By objective, in its unit.
        kind : {"measured", "failed", "abandoned", "imported"}
        made : dict
            Choices that turned out otherwise than meant, such as a fraction.
        task : str
            Another task that the value belongs to; it informs the campaign, and isn't compared with its best.
        note : str
        again : bool
            It is a repeat that gave the same number.
        """
        event = self.outcome(material, values, uncertainties, kind, made, task, note)
        return bool(self._log.append([event], again=again))

    def tell_all(self, outcomes: Sequence[Event], again: bool = False) -> int:
        """Tell outcomes made by `outcome`, all or none; how many of them were new."""
        return len(self._log.append(outcomes, again=again))

    def outcome(
        self,
        material: str | Mapping[str, str | float],
        values: Mapping[str, float] | None = None,
        uncertainties: Mapping[str, float] | None = None,
        kind: str = "measured",
        made: Mapping[str, str | float] | None = None,
        task: str = "",
        note: str = "",
    ) -> Event:
        """Check an outcome without telling it; see `tell`."""
        if kind not in OUTCOMES:
            raise NavigationError(f"an outcome is {', '.join(OUTCOMES)}, not '{shorten(kind, 30)}'")
        one = self.space.find({"name": material} if isinstance(material, str) else material)
        known = {objective.name: objective for objective in self.objectives}
        numbers, spreads = dict(values or {}), dict(uncertainties or {})
        for name in (*numbers, *spreads):
            if name not in known:
                raise NavigationError(
                    f"'{shorten(name, 40)}' is no objective of this campaign; it has {', '.join(known)}"
                )
        if (kind in ("measured", "imported")) != bool(numbers):
            raise NavigationError(
                f"'{shorten(one.name, 60)}' is told as {kind}: it "
                + ("has no value; give one, or say failed or abandoned" if not numbers else "can have no value")
            )
        for name, sd in spreads.items():
            if name not in numbers or not (np.isfinite(sd) and sd >= 0):
                raise NavigationError(f"the uncertainty of {name} must belong to a value and be 0 or more, not {sd:g}")
        turned_out = dict(made or {})
        for name in turned_out:
            if name not in one.choices:
                raise NavigationError(
                    f"'{shorten(name, 40)}' is no choice that can be made; there is {', '.join(one.choices)}"
                )
        try:
            inputs, columns = self.space.encode([Candidate(one.name, dict(one.choices) | turned_out)])
            columns.checked(inputs)
        except (ValueError, KeyError):
            raise NavigationError(
                f"what was made of '{shorten(one.name, 60)}' is none of the campaign's choices"
            ) from None
        return Event(
            kind,
            one.name,
            dict(one.choices),
            turned_out,
            {name: known[name].checked(value) for name, value in numbers.items()},
            {name: float(sd) for name, sd in spreads.items()},
            task,
            note,
        )

    def status(self, stop_below: float | None = None) -> Status:
        """Where the campaign stands; `stop_below` stands in for the stated one."""
        events = self._log.events()
        known = Known.of(events, self.space)
        best: dict[str, tuple[str, float]] = {}
        for one in self.objectives:
            rows = [e for e in events if e.kind in ("measured", "imported") and not e.task and one.name in e.values]
            if rows:
                top = max(rows, key=lambda e: float(one.score(e.values[one.name])))
                best[one.name] = (top.material, top.values[one.name])
        batch = [e for e in events if e.kind == "suggested" and e.detail.get("expected_gain") is not None]
        told = max((e.number for e in events if e.kind in ("measured", "imported")), default=0)
        last = [float(e.detail["expected_gain"]) for e in batch if e.number > told]
        gain = max(last) if last else None
        pending = tuple(one.name for one in known.pending)
        kinds = [event.kind for event in events]
        counts = (kinds.count("measured"), kinds.count("failed"), kinds.count("imported"))
        return Status(self.space.count, *counts, pending, best, gain, self._advice(gain, pending, stop_below))

    def _repr_html_(self) -> str:
        from html import escape

        now = self.status()
        goals = " and ".join(f"{one.goal} {one.label}" for one in self.objectives)
        counts = (
            f"{now.candidates} candidates, {now.measured} measured, {now.failed} failed, {len(now.pending)} pending"
        )
        best = "".join(
            f"<br>best {escape(name)}: {value:.4g} ({escape(who)})" for name, (who, value) in now.best.items()
        )
        waiting = f"<br>pending: {escape(', '.join(now.pending[:20]))}" if now.pending else ""
        return f"<div><b>{escape(goals)}</b><br>{counts}{best}{waiting}<br>{escape(now.advice)}</div>"

    def _advice(self, gain: float | None, pending: Sequence[str], stop_below: float | None) -> str:
        if gain is None:
            return (
                f"{counted(len(pending), 'suggestion')} pending; tell what came of them"
                if pending
                else "ask for suggestions"
            )
        bar = self.stop_below if stop_below is None else stop_below
        unit = unit_of_gain(self.objectives)
        shown = f"{figures(gain, 2)}{unit}"
        if bar is None:
            return (
                f"the largest expected gain is {shown}; state with --stop-below which gain isn't worth a batch, to be "
                "told when to stop"
            )
        if gain < bar:
            return f"stop: the largest expected gain, {shown}, is below the stated {bar:g}{unit}"
        return f"go on: the largest expected gain, {shown}, is above the stated {bar:g}{unit}"

    def close(self) -> None:
        """Let go of the log's file."""
        self._log.close()
