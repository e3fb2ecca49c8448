"""Ask a service from Python, with the verbs of `perospin` itself; its errors are the same sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from perospin._optional import require
from perospin.errors import DataError, PerospinError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Client", "ServiceError", "connect"]

_PAGE = 500


class ServiceError(PerospinError):
    """What a service refused, or that none answered: its own sentence."""


class Client:
    """A service, by its address.

    Parameters
    ----------
    url : str
        For example ``http://127.0.0.1:8600``.
    token : str, optional
        What `perospin serve token add` printed; reading may need none.
    timeout_s : float
        How long an answer may take; the first prediction of a service takes some seconds.
    transport : object, optional
        Another way to send, as httpx takes it: for tests.

    Raises
    ------
    MissingExtraError
        If the extra ``server`` isn't installed.
    DataError
        If the address isn't one of HTTP.
    """

    def __init__(self, url: str, token: str = "", timeout_s: float = 120.0, transport: Any = None) -> None:
        httpx = require("httpx", "server")
        if not url.startswith(("http://", "https://")):
            raise DataError(f"'{url[:80]}' is no address of a service; for example http://127.0.0.1:8600")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._url = url.rstrip("/")
        self._http = httpx.Client(base_url=self._url, headers=headers, timeout=timeout_s, transport=transport)

    def health(self) -> dict[str, Any]:
        """Whether it answers, its version, and how many own records its store holds."""
        return self._ask("GET", "/v1/health")

    def describe(self, formulas: Sequence[str], ions: Sequence[str] = ()) -> pd.DataFrame:
        """Chemistry and descriptors of formulas; one row a material, units in the column names."""
        import pandas as pd

        told = self._ask("POST", "/v1/describe", {"formulas": list(formulas), "ions": list(ions)})
        rows = [
            {"formula": one["formula"], "family": one["family"], "n_layers": one["n_layers"], **one["descriptors"]}
            for one in told["materials"]
        ]
        return pd.DataFrame(rows).set_index("formula")

    def predict(
        self,
        formulas: Sequence[str],
        study: str = "spin-relaxation",
        part: str | None = None,
        ions: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Predictions, each with interval, unit, scheme, domain, cautions and nearest known materials."""
        asked = {"formulas": list(formulas), "study": study, "part": part, "ions": list(ions)}
        return list(self._ask("POST", "/v1/predict", asked)["predictions"])

    def query(self, property: str | Sequence[str] | None = None, most: int = 10_000, **filters: Any) -> pd.DataFrame:
        """Read records as a table, all pages of them up to `most`; filters as the address takes them.

        Raises
        ------
        ServiceError
            If there are more than `most`.
        """
        import pandas as pd

        names = [property] if isinstance(property, str) else list(property or [])
        rows: list[dict[str, Any]] = []
        asked: dict[str, Any] = {**filters, "property": names, "limit": _PAGE, "offset": 0}
        while True:
            page = self._ask("GET", "/v1/records", query=asked)
            if page["total"] > most:
                raise ServiceError(f"{page['total']} records fit, more than {most}: ask for fewer, or raise `most`")
            rows += page["records"]
            if page["next_offset"] is None:
                break
            asked["offset"] = page["next_offset"]
        frame = pd.DataFrame(rows)
        return frame.set_index("record_id") if "record_id" in frame else frame

    def record(self, record_id: str) -> dict[str, Any]:
        """One record with its history, doubts and what its property means."""
        return self._ask("GET", f"/v1/records/{_plain(record_id)}")

    def sources(self, property: str | None = None, material: str | None = None) -> pd.DataFrame:
        """List the sources of records."""
        import pandas as pd

        return pd.DataFrame(
            self._ask("GET", "/v1/sources", query={"property": property, "material": material})["sources"]
        )

    def propose(self, records: Sequence[Mapping[str, Any]], why: str = "", request: str | None = None) -> list[int]:
        """Propose records, each as the address takes it (material, property, value, unit, source, conditions).

        With your own name of the message, `request`, sending again after a lost answer proposes nothing twice.
        """
        asked = {"records": [dict(one) for one in records], "why": why, "request": request}
        return list(self._ask("POST", "/v1/proposals", asked)["proposed"])

    def proposals(self, state: str = "open") -> list[dict[str, Any]]:
        """Proposals of a state: open, accepted or rejected."""
        return list(self._ask("GET", "/v1/proposals", query={"state": state})["proposals"])

    def accept(self, numbers: Sequence[int], why: str = "") -> list[str]:
        """Accept proposals of another person; gives the identifiers of the records."""
        return list(self._ask("POST", "/v1/proposals/accept", {"numbers": list(numbers), "why": why})["records"])

    def reject(self, numbers: Sequence[int], why: str) -> None:
        """Reject proposals, with the reason."""
        self._ask("POST", "/v1/proposals/reject", {"numbers": list(numbers), "why": why})

    def start(self, task: str, **asked: Any) -> str:
        """Start long work (``predict`` with a formula, or ``study``) and give its name; equal questions run once."""
        return str(self._ask("POST", "/v1/jobs", {"task": task, **asked})["job"])

    def wait(self, job: str, patience_s: float = 3600.0) -> dict[str, Any]:
        """Wait until long work has ended, and give what it found.

        Raises
        ------
        ServiceError
            If it failed or was cancelled, or takes longer than the patience; it runs on then.
        """
        import time

        end = time.monotonic() + patience_s
        while (told := self._ask("GET", f"/v1/jobs/{_plain(job)}"))["state"] == "running":
            if time.monotonic() > end:
                raise ServiceError(f"'{job}' still runs after {patience_s:g} s; wait for it again")
            time.sleep(min(2.0, max(0.05, 0.1 * told["seconds"])))
        if told["state"] != "done":
            raise ServiceError(str(told.get("error") or f"'{job}' was {told['state']}"))
        return self._ask("GET", f"/v1/jobs/{_plain(job)}/result")

    def cancel(self, job: str) -> None:
        """End long work; what it has finished is kept."""
        self._ask("POST", f"/v1/jobs/{_plain(job)}/cancel")

    def suggest(self, campaign: str, count: int = 1) -> list[dict[str, Any]]:
        """Next experiments of a campaign, each with its reason."""
        return list(self._ask("POST", f"/v1/campaigns/{_plain(campaign)}/suggest", {"count": count})["suggestions"])

    def tell(self, campaign: str, material: str, values: Mapping[str, float] | None = None, **more: Any) -> bool:
        """Tell what came of an experiment; False if the campaign knew it already."""
        asked = {"material": material, "values": dict(values or {}), **more}
        return bool(self._ask("POST", f"/v1/campaigns/{_plain(campaign)}/tell", asked)["new"])

    def status(self, campaign: str) -> dict[str, Any]:
        """How a campaign stands."""
        return dict(self._ask("GET", f"/v1/campaigns/{_plain(campaign)}")["status"])

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Use the client in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release the connections."""
        self.close()

    def _ask(self, verb: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        httpx = require("httpx", "server")
        named = {name: value for name, value in (query or {}).items() if value not in (None, "", [])}
        try:
            answer = self._http.request(verb, path, params=named, **({} if body is None else {"json": body}))
        except httpx.HTTPError as error:
            raise ServiceError(
                f"no service answers at {self._url} ({str(error) or type(error).__name__}): is `perospin serve` "
                "running there?"
            ) from None
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ServiceError(f"what answers at {self._url} is no perospin service (status {answer.status_code})")
        if answer.status_code >= 400:
            fault = told.get("error")
            said = fault.get("sentence") if isinstance(fault, dict) else None
            raise ServiceError(str(said or f"the service at {self._url} answered with status {answer.status_code}"))
        return told


def connect(url: str, token: str = "", timeout_s: float = 120.0) -> Client:
    """Open a service by its address; the parameters are those of `Client`."""
    return Client(url, token, timeout_s)


def _plain(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
