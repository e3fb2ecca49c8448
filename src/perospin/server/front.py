"""What every message passes first: limits, the cache of answers, counts. Plain ASGI, since it decides the speed."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["Answers", "Front", "Rates"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_MOST_ANSWERS = 512
_LARGEST_ANSWER = 2_000_000
_COSTLY = 10
_JSON = (b"content-type", b"application/json")
_CACHED = ("/v1/records", "/v1/sources", "/v1/properties", "/v1/studies", "/v1/describe", "/v1/predict")


class Rates:
    """A bucket of questions for each caller, filled at a steady rate, at most a minute full."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, caller: str, cost: int) -> float:
        """Take `cost` questions from the caller's bucket; 0 if there were enough, else the seconds until there are."""
        now = time.monotonic()
        left, at = self._left.get(caller, (float(self.per_minute), now))
        left = min(self.per_minute, left + (now - at) * self.per_minute / 60.0)
        if len(self._left) > 10_000:  # many callers: those whose bucket is full again are forgotten
            full = 60.0
            self._left = {name: kept for name, kept in self._left.items() if now - kept[1] < full}
        if left < cost:
            self._left[caller] = (left, now)
            return (cost - left) * 60.0 / self.per_minute
        self._left[caller] = (left - cost, now)
        return 0.0


class Answers:
    """Finished answers to questions that were asked before, for one state of the store."""

    def __init__(self, state: Callable[[], Any]) -> None:
        self._state_of, self._state = state, None
        self._kept: OrderedDict[bytes, tuple[bytes, list[tuple[bytes, bytes]]]] = OrderedDict()

    def get(self, question: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]] | None:
        """Give body and headers of a question; None if it is new, or the store has changed."""
        state = self._state_of()
        if state != self._state:
            self._kept.clear()
            self._state = state
            return None
        return self._kept.get(question)

    def keep(self, question: bytes, state: Any, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """Keep an answer that was computed while the store was in this state."""
        if state != self._state or len(body) > _LARGEST_ANSWER:
            return
        self._kept[question] = (body, headers)
        if len(self._kept) > _MOST_ANSWERS:
            self._kept.popitem(last=False)

    @property
    def state(self) -> Any:
        """State of the store that the kept answers belong to."""
        return self._state


class Front:
    """Limits of size and rate, kept answers with their ETag, and counts, before the application."""

    def __init__(self, app: App, answers: Answers, rates: Rates, largest_body: int, open_reading: bool) -> None:
        self._app, self._answers, self._rates = app, answers, rates
        self._largest, self._open = largest_body, open_reading
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.kept = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        headers = dict(scope["headers"])
        cost = 1 if method in ("GET", "HEAD") and not path.startswith(("/v1/predict", "/v1/describe")) else _COSTLY
        question = path.encode() + b"?" + scope["query_string"]
        cached = self._open and method == "GET" and path.startswith(_CACHED) and b"authorization" not in headers
        kept = self._answers.get(question) if cached else None
        wait = self._rates.wait_s(_caller(scope, headers), 1 if kept else cost)
        if wait > 0:
            told = {b"retry-after": str(int(wait) + 1).encode()}
            sentence = f"too many questions in a minute: ask again in {int(wait) + 1} s"
            await self._refuse(send, 429, "rate", sentence, told)
            return
        if kept is not None:
            self.kept += 1
            await self._tell(send, method, path, 200, kept[0], kept[1], headers)
            return
        too_long = f"the message is longer than {self._largest // 1024} kB; send it in parts"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._largest:
            await self._refuse(send, 413, "size", too_long)
            return
        state = self._answers.state
        await self._pass(scope, receive, send, question if cached else None, state, headers, too_long)

    async def _pass(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        question: bytes | None,
        state: Any,
        headers: dict[bytes, bytes],
        too_long: str,
    ) -> None:
        begin, got = time.perf_counter(), 0
        status, told, body = 500, [], bytearray()
        overflow = False

        async def read() -> Message:
            nonlocal got, overflow
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._largest:  # a length that wasn't told
                overflow = True
                return {"type": "http.request", "body": b"", "more_body": False}
            return message

        async def write(message: Message) -> None:
            nonlocal status, told
            if message["type"] == "http.response.start":
                status, told = message["status"], list(message["headers"])
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        await self._app(scope, read, write)
        route = scope.get("route")
        name = getattr(route, "path", "other")
        self.seconds[name] += time.perf_counter() - begin
        if overflow:
            await self._refuse(send, 413, "size", too_long)
            return
        content = bytes(body)
        if status == 200 and scope["method"] == "GET":
            told.append((b"etag", b'"' + hashlib.sha256(content).hexdigest()[:32].encode() + b'"'))
            told.append((b"cache-control", b"no-cache"))
            if question is not None:
                self._answers.keep(question, state, content, told)
        await self._tell(send, scope["method"], name, status, content, told, headers)

    async def _tell(
        self,
        send: Send,
        method: str,
        name: str,
        status: int,
        body: bytes,
        told: list[tuple[bytes, bytes]],
        asked: dict[bytes, bytes],
    ) -> None:
        tag = next((value for key, value in told if key == b"etag"), None)
        if tag is not None and tag in asked.get(b"if-none-match", b""):
            status, body = 304, b""
            told = [(key, value) for key, value in told if key not in (b"content-length", b"content-type")]
        self.counts[method, name, status] += 1
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body if method != "HEAD" else b""})

    async def _refuse(
        self, send: Send, status: int, kind: str, sentence: str, more: dict[bytes, bytes] | None = None
    ) -> None:
        body = json.dumps({"error": {"kind": kind, "sentence": sentence}}).encode()
        self.counts["", "refused", status] += 1
        told = [_JSON, (b"content-length", str(len(body)).encode()), *(more or {}).items()]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})


def _caller(scope: Scope, headers: dict[bytes, bytes]) -> str:
    token = headers.get(b"authorization")
    if token:
        return hashlib.sha256(token).hexdigest()
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
