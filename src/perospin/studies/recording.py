"""Write what a run scored into the log of variants, and read back how much was tried."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from perospin.studies.running.cells import fingerprint, scheme_digest
from perospin.studies.running.variants import VariantLog

if TYPE_CHECKING:
    from perospin.studies.result import PartResult
    from perospin.studies.running.run import Run


def record_run(run: Run, study: str) -> dict[str, Any]:
    """Log every variant that a run scored.

    A variant that the log already holds with the same score is not written again; the run itself always is.

    Returns
    -------
    dict
        ``table`` (fingerprint), ``this_run`` (different settings scored in this run) and ``logged`` (False if the log
        can't be written), for `counted`.
    """
    from importlib import metadata

    log = VariantLog()
    table, now = run.data.table_sha256, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    common = {
        "time": now,
        "version": metadata.version("perospin"),
        "study": study,
        "part": run.name,
        "table": table,
        "data": run.data.sha256,
        "n_rows": len(run.data),
        "target": run.part.target.quantity,
    }
    variants: dict[tuple[str, str], dict[str, Any]] = {}
    for (name, scheme), done in run.evaluations.items():
        if name not in run.tried or name.startswith("("):
            continue  # a grid, whose members stand for it, or a model that a sanity test brings along
        settings, plan = _settings(run, name), run.schemes[scheme]
        score = done.scores()
        variants[settings, scheme_digest(plan)] = {
            **common,
            "what": "variant",
            "estimator": name,
            "settings": settings,
            "scheme": plan.label,
            "scheme_sha256": scheme_digest(plan),
            "in_sample": plan.in_sample,
            "r2": None if score.r2 != score.r2 else round(score.r2, 6),
        }
    known = {(entry.get("settings"), entry.get("scheme_sha256"), entry.get("r2")) for entry in log.read(table)}
    new = [v for v in variants.values() if (v["settings"], v["scheme_sha256"], v["r2"]) not in known]
    settings_here = {settings for settings, _ in variants}
    written = log.append([*new, {**common, "what": "run", "n_settings": len(settings_here)}])
    return {"table": table, "this_run": len(settings_here), "logged": written}


def counted(parts: Mapping[str, PartResult]) -> dict[str, PartResult]:
    """Add to each part what the log knows about its table once all parts have run."""
    log = VariantLog()
    found = {}
    for name, part in parts.items():
        known = dict(part.provenance["variants"])
        tried = next(iter(log.tried(known["table"])), None) if known["logged"] else None
        known["logged"] = tried is not None
        if tried is not None:
            known |= {"settings": tried.settings, "studies": list(tried.studies), "since": tried.first}
        found[name] = dataclasses.replace(part, provenance={**part.provenance, "variants": known})
    return found


def _settings(run: Run, name: str) -> str:
    """Fingerprint of all that makes a variant: the model, what it reads, and how rows and target were prepared."""
    spec, columns = run.tried[name]
    data = run.part.data
    prepared = {
        "transform": run.part.target.transform,
        "descriptors": run.part.descriptors.model_dump(),
        "corrected": data.corrected,
        "where": [condition.model_dump() for condition in data.where],
        "assume": {label: item.formula for label, item in data.assume.items()},
        "weight": data.weight,
        "y_sd": data.y_sd,
    }
    conditions = {name: getattr(data, name) for name in ("records", "categories", "uncertain", "limit")}
    prepared |= {name: value for name, value in conditions.items() if value}  # only where declared: old prints stay
    return fingerprint({"spec": spec, "columns": list(columns), "prepared": prepared, "seed": run.part.seed})
