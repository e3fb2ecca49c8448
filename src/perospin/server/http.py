"""The service as an ASGI application: each address, who may use it, and errors as one sentence."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from perospin.database import Store
from perospin.database.engines import is_url
from perospin.errors import DataError, PerospinError, sentence
from perospin.saving import name_fault
from perospin.server import answers
from perospin.server.front import Answers, Front, Rates
from perospin.server.long_work import BusyError
from perospin.server.messages import Decision, Formulas, Job, Outcome, Proposal, Question, Refusal, Suggest
from perospin.server.serving import Settings
from perospin.server.tokens import Token, whose
from perospin.text import shorten

__all__ = ["create_app"]

_PATIENCE_S = 0.5
"""How long a change that another process made to a database behind a URL may be unseen."""

Filter = Annotated[str | None, Query(max_length=300)]
Properties = Annotated[list[str] | None, Query(max_length=20, description="Names from /v1/properties.")]
Kelvin = Annotated[float | None, Query(description="K", allow_inf_nan=False)]
FormulaQuery = Annotated[list[str], Query(min_length=1, max_length=50, examples=["(PEA)2PbI4"])]
Name = Annotated[str, Query(max_length=100)]
Answer = dict[str, Any]


class _NotAllowed(Exception):
    """A caller who may not do this: with what status, and what to do."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


def create_app(settings: Settings | None = None) -> Any:
    """Make the application.

    Parameters
    ----------
    settings : Settings, optional
        By default those of the environment (``PEROSPIN_SERVER_...``).

    Returns
    -------
    ASGI application
        For uvicorn, or to be mounted in another one.

    Raises
    ------
    PerospinError
        If the store can't be opened.
    """
    chosen = settings or Settings.from_environment()
    store = Store.open(chosen.store) if chosen.store else None
    app = FastAPI(
        title="perospin",
        version=_version(),
        description="Spin properties of halide perovskites: measured values with their sources, and predictions with "
        "their intervals. Every number has a unit.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=_closing(store),
        responses={status: {"model": Refusal} for status in (400, 401, 403, 404, 413, 422, 429)},
    )
    app.state.settings, app.state.store = chosen, store
    _handle_errors(app)
    _reading(app, store)
    _writing(app, store)
    _long_work(app)
    if chosen.campaigns:
        _campaigns(app, Path(chosen.campaigns))
    if chosen.optimade_url:
        from perospin.database.exchange import optimade_app

        served = answers.records_of(store, include_theory=True)
        app.mount("/optimade", optimade_app(served, base_url=chosen.optimade_url.rstrip("/")))
    front = Front(
        app,
        Answers(_state_of(store, chosen.store)),
        Rates(chosen.rate_per_minute),
        chosen.largest_body_kb * 1024,
        not chosen.read_needs_token,
    )
    _counts(app, front)
    return front


def _closing(store: Store | None) -> Callable[[FastAPI], Any]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if store is not None:
            store.close()

    return lifespan


def allowed(scope: str) -> Callable[[Request], Token | None]:
    """Make a check that a caller's token allows something; reading may be open to all."""

    def check(request: Request) -> Token | None:
        settings, store = request.app.state.settings, request.app.state.store
        said = request.headers.get("authorization", "")
        kind, _, token = said.partition(" ")
        if not said and scope == "read" and not settings.read_needs_token:
            return None
        if not said:
            raise _NotAllowed(401, f"this needs a token that allows '{scope}': send 'Authorization: Bearer TOKEN'")
        owner = whose(store, token.strip()) if kind.lower() == "bearer" and store is not None else None
        if owner is None:
            raise _NotAllowed(401, "this token isn't known or was revoked; `perospin serve token add` makes one")
        if scope not in owner.scopes and not (scope == "read" and not settings.read_needs_token):
            raise _NotAllowed(403, f"the token of {owner.name} doesn't allow '{scope}', but {', '.join(owner.scopes)}")
        return owner

    return check


Reader = Annotated[Token | None, Depends(allowed("read"))]
Proposer = Annotated[Token, Depends(allowed("propose"))]
Reviewer = Annotated[Token, Depends(allowed("review"))]
Computer = Annotated[Token, Depends(allowed("compute"))]
Chemist = Annotated[Token, Depends(allowed("campaign"))]


def _reading(app: FastAPI, store: Store | None) -> None:
    @app.get("/v1/health", tags=["service"])
    def health() -> Answer:
        """Whether the service answers and its store can be read."""
        count = None if store is None else store.count()
        return {"status": "ok", "version": _version(), "own_records": count}

    @app.get("/v1/properties", tags=["know"])
    def properties(_: Reader) -> Answer:
        """Vocabulary: each property with its unit and what it means."""
        return answers.properties()

    @app.get("/v1/studies", tags=["predict"])
    def studies(_: Reader) -> Answer:
        """Shipped studies that can be asked."""
        return answers.studies()

    @app.get("/v1/records", tags=["know"])
    def records(
        _: Reader,
        property: Properties = None,
        material: Filter = None,
        table: Filter = None,
        technique: Filter = None,
        carrier: Filter = None,
        evidence: Filter = None,
        source: Filter = None,
        min_temperature_k: Kelvin = None,
        max_temperature_k: Kelvin = None,
        include_unknown: bool = False,
        include_theory: bool = False,
        limit: Annotated[int, Query(ge=1, le=answers.MOST_RECORDS)] = 100,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> Answer:
        """Measured values with unit, conditions and source, a page at a time."""
        given = {
            "property": property,
            "material": material,
            "table": table,
            "technique": technique,
            "carrier": carrier,
            "evidence": evidence,
            "source": source,
            "min_temperature_k": min_temperature_k,
            "max_temperature_k": max_temperature_k,
            "include_unknown": include_unknown,
            "include_theory": include_theory,
            "limit": limit,
            "offset": offset,
        }
        return answers.with_filters(given, lambda **filters: answers.query(store, **filters))

    @app.get("/v1/records/{record_id}", tags=["know"])
    def record(_: Reader, record_id: str) -> Answer:
        """One record with what a reader needs to trust it: source, history, doubts."""
        return answers.explain(store, record_id)

    @app.get("/v1/sources", tags=["know"])
    def sources(_: Reader, property: Properties = None, material: Filter = None) -> Answer:
        """List the sources of the records, with how many records each has."""
        return answers.with_filters(
            {"property": property, "material": material}, lambda **filters: answers.sources(store, **filters)
        )

    @app.get("/v1/describe", tags=["predict"])
    def describe(_: Reader, formula: FormulaQuery) -> Answer:
        """Chemistry and descriptors of formulas; nothing is computed anew."""
        return answers.describe(formula)

    @app.post("/v1/describe", tags=["predict"])
    def describe_many(_: Reader, asked: Formulas) -> Answer:
        """Describe formulas, also with cations of your own."""
        return answers.describe(asked.formulas, asked.ions)

    @app.get("/v1/predict", tags=["predict"])
    def predict(_: Reader, formula: FormulaQuery, study: Name = "spin-relaxation", part: Filter = None) -> Answer:
        """Predict formulas: value, interval with its scheme, domain, cautions, nearest known materials."""
        return answers.predict(formula, study, part)

    @app.post("/v1/predict", tags=["predict"])
    def predict_many(_: Reader, asked: Question) -> Answer:
        """Predict formulas, also with cations of your own."""
        return answers.predict(asked.formulas, asked.study, asked.part, asked.ions)


def _writing(app: FastAPI, store: Store | None) -> None:
    if store is None:
        return
    from perospin.database.sharing import accept, proposals, propose, reject
    from perospin.server.records import record_of

    @app.get("/v1/proposals", tags=["write"])
    def waiting(_: Reader, state: Literal["open", "accepted", "rejected"] = "open") -> Answer:
        """Proposals of a state."""
        return {"proposals": [proposal.to_dict() for proposal in proposals(store, state)]}

    @app.post("/v1/proposals", tags=["write"], status_code=201)
    def new_proposal(who: Proposer, asked: Proposal) -> Answer:
        """Propose records: all of them, or none. They are in no query until another person accepts them."""
        found = [record_of(one, i) for i, one in enumerate(asked.records)]
        return {"proposed": propose(store, found, who.name, asked.why, asked.request)}

    @app.post("/v1/proposals/accept", tags=["write"])
    def accepted(who: Reviewer, asked: Decision) -> Answer:
        """Accept proposals of another person."""
        return {"records": accept(store, asked.numbers, who.name, asked.why)}

    @app.post("/v1/proposals/reject", tags=["write"])
    def rejected(who: Reviewer, asked: Decision) -> Answer:
        """Reject proposals, with the reason."""
        reject(store, asked.numbers, who.name, asked.why)
        return {"rejected": asked.numbers}


def _long_work(app: FastAPI) -> None:
    from perospin.server import long_work

    @app.post("/v1/jobs", tags=["long work"], status_code=202)
    def start(_: Computer, asked: Job, request: Request) -> Answer:
        """Start long work in the background, or find it running or done; equal questions are computed once."""
        return long_work.start(asked, request.app.state.settings.store)

    @app.get("/v1/jobs/{job}", tags=["long work"])
    def how_far(_: Reader, job: str) -> Answer:
        """How a piece of long work stands."""
        return long_work.status(job)

    @app.get("/v1/jobs/{job}/result", tags=["long work"])
    def result(_: Reader, job: str) -> Answer:
        """Give what a finished piece of long work found; scores with their schemes."""
        return long_work.result(job)

    @app.post("/v1/jobs/{job}/cancel", tags=["long work"])
    def cancel(_: Computer, job: str) -> Answer:
        """End a piece of long work; what it has finished is kept."""
        return long_work.cancel(job)


def _campaigns(app: FastAPI, folder: Path) -> None:
    from perospin.navigation import Campaign

    def opened(name: str) -> Campaign:
        if name_fault(name) or not (folder / name).is_dir():
            raise DataError(f"there is no campaign '{shorten(name)}' here; /v1/campaigns lists them")
        return Campaign.open(folder / name)

    @app.get("/v1/campaigns", tags=["navigate"])
    def campaigns(_: Reader) -> Answer:
        """Names of the campaigns."""
        return {"campaigns": sorted(one.parent.name for one in folder.glob("*/log.sqlite"))}

    @app.get("/v1/campaigns/{name}", tags=["navigate"])
    def campaign_status(_: Reader, name: str) -> Answer:
        """How a campaign stands: best so far, what is pending, what is expected."""
        from dataclasses import asdict

        from perospin.saving import plain

        with contextlib.closing(opened(name)) as campaign:
            return {"status": plain(asdict(campaign.status()))}

    @app.post("/v1/campaigns/{name}/suggest", tags=["navigate"], status_code=201)
    def suggest(_: Chemist, name: str, asked: Suggest) -> Answer:
        """Choose the next experiments, each with its reason; they are pending from then on."""
        with contextlib.closing(opened(name)) as campaign:
            return {"suggestions": [one.to_dict() for one in campaign.suggest(asked.count)]}

    @app.post("/v1/campaigns/{name}/tell", tags=["navigate"])
    def tell(who: Chemist, name: str, asked: Outcome) -> Answer:
        """Tell what came of an experiment; the same outcome twice is kept once, unless it is said to be a repeat."""
        with contextlib.closing(opened(name)) as campaign:
            note = f"{asked.note} ({who.name})" if asked.note else who.name
            new = campaign.tell(
                asked.material, asked.values, asked.uncertainties, asked.kind, note=note, again=asked.again
            )
            return {"new": new}


def _counts(app: FastAPI, front: Front) -> None:
    begin = time.time()

    @app.get("/v1/metrics", tags=["service"], response_class=PlainTextResponse)
    def metrics(_: Reader) -> str:
        """Tell the counts of this worker, as Prometheus reads them."""
        lines = ["# TYPE perospin_requests_total counter"]
        for (method, path, status), count in sorted(front.counts.items()):
            lines.append(f'perospin_requests_total{{method="{method}",path="{path}",status="{status}"}} {count}')
        lines.append("# TYPE perospin_seconds_total counter")
        lines += [f'perospin_seconds_total{{path="{path}"}} {s:.6f}' for path, s in sorted(front.seconds.items())]
        lines += ["# TYPE perospin_kept_answers_total counter", f"perospin_kept_answers_total {front.kept}"]
        lines += ["# TYPE perospin_up_seconds gauge", f"perospin_up_seconds {time.time() - begin:.0f}"]
        return "\n".join(lines) + "\n"


def _handle_errors(app: FastAPI) -> None:
    def refusal(status: int, kind: str, said: str, where: list[str] | None = None) -> JSONResponse:
        return JSONResponse({"error": {"kind": kind, "sentence": sentence(said), "where": where or []}}, status)

    @app.exception_handler(PerospinError)
    async def asked_wrongly(_: Request, error: PerospinError) -> JSONResponse:
        status = 404 if str(error).startswith("there is no ") else 429 if isinstance(error, BusyError) else 400
        return refusal(status, type(error).__name__, str(error))

    @app.exception_handler(_NotAllowed)
    async def not_allowed(_: Request, error: _NotAllowed) -> JSONResponse:
        answer = refusal(error.status, "not allowed", error.said)
        if error.status == 401:
            answer.headers["www-authenticate"] = "Bearer"
        return answer

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = [shorten(str(part), 60) for part in first["loc"]]
        more = f"; and {len(error.errors()) - 1} more" if len(error.errors()) > 1 else ""
        return refusal(422, "malformed", f"{'.'.join(where[1:]) or where[0]}: {first['msg']}{more}", where)

    @app.exception_handler(HTTPException)
    async def elsewhere(request: Request, error: HTTPException) -> JSONResponse:
        said = {
            404: "there is nothing at this address; /openapi.json lists all",
            405: "another verb is taken here",
        }
        if error.status_code == 400:
            return refusal(400, "malformed", "the message is no JSON in UTF-8")
        answer = refusal(error.status_code, "address", said.get(error.status_code, str(error.detail)))
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            verbs = {
                verb
                for route in request.app.routes
                if route.matches(request.scope)[0] is not Match.NONE
                for verb in getattr(route, "methods", None) or ()
            }
            answer.headers["allow"] = ", ".join(sorted(verbs))
        return answer


def _state_of(store: Store | None, location: str) -> Callable[[], Any]:
    """Tell whether the store has changed: cheap for a file, asked now and then behind a URL."""
    if store is None:
        return lambda: 0
    if not is_url(location):
        path = location.removeprefix("sqlite:///") if location.startswith("sqlite:") else location

        def of_file() -> Any:
            try:
                found = os.stat(Path(path).expanduser())
            except OSError:
                return None
            return found.st_mtime_ns, found.st_size

        return of_file
    last: list[Any] = [0.0, None]

    def of_database() -> Any:
        if time.monotonic() - last[0] > _PATIENCE_S:
            last[1] = store.state()
            last[0] = time.monotonic()
        return last[1]

    return of_database


def _version() -> str:
    from importlib.metadata import version

    return version("perospin")
