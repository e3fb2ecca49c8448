"""Runs targets and counts: tries, accepted, uncaught errors, bad messages, slow ones, memory, files outside."""

from __future__ import annotations

import copy
import gc
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perospin.errors import PerospinError

LONGEST_MESSAGE = 400
MOST_MEMORY_MB = 200.0
#: After this time by the clock an input is stopped.
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes
    ----------
    name
        Name on the command line and in the table.
    make
        Makes one input, of any type, from a random generator.
    attempt
        Tries an input in a folder of its own; True if it was accepted. Any error but ours is a failure, and so is a
        broken invariant (an `AssertionError`).
    limit_s
        A try that takes longer is slow.
    """

    name: str
    make: Callable[[random.Random], Any]
    attempt: Callable[[Any, Path], bool]
    limit_s: float = 1.0


@dataclass
class Outcome:
    """What a number of tries came to; `examples` holds the first failures."""

    kind: str
    tries: int = 0
    accepted: int = 0
    uncaught: int = 0
    bad_message: int = 0
    slow: int = 0
    outside: int = 0
    slowest_s: float = 0.0
    memory_mb: float = 0.0
    examples: list[str] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Number of tries that went wrong, and one if memory did."""
        return self.uncaught + self.bad_message + self.slow + self.outside + (self.memory_mb > MOST_MEMORY_MB)


def fault_of(message: str) -> str:
    """What is wrong with a message, or ''."""
    if not message.strip():
        return "empty message"
    if len(message) > LONGEST_MESSAGE:
        return f"message of {len(message)} characters"
    return "" if message.isprintable() else "message with control characters"


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Stop what hangs, where the system has timers."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"stopped after {seconds:g} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(target: Target, count: int, seed: int, folder: Path, patience_s: float = PATIENCE_S) -> Outcome:
    """Try `count` inputs of one kind.

    Parameters
    ----------
    target
        Kind of input.
    count, seed
        Number of inputs; the same seed makes the same ones.
    folder
        Empty folder; tries may write below ``folder/inside`` only.
    patience_s
        Time by the clock after which an input is stopped (and counted as an uncaught error).
    """
    rng, outcome = random.Random(seed), Outcome(target.name)
    inside = folder / "inside"
    inside.mkdir(parents=True, exist_ok=True)
    for number in range(30):  # what is loaded at first use is no memory of an input
        with suppress(Exception), stopped_after(patience_s):
            target.attempt(target.make(random.Random(number)), inside)
    gc.collect()
    before_mb = _peak_mb()
    for _ in range(count):
        content = target.make(rng)
        outcome.tries += 1
        start = time.process_time()
        fault = ""
        try:
            with stopped_after(patience_s):
                outcome.accepted += target.attempt(content, inside)
        except PerospinError as error:
            if fault := fault_of(str(error)):
                outcome.bad_message += 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # that is what is looked for
            outcome.uncaught += 1
            fault = f"{type(error).__name__}: {error}"
        spent_s = time.process_time() - start
        outcome.slowest_s = max(outcome.slowest_s, spent_s)
        if spent_s > target.limit_s:
            outcome.slow += 1
            fault = fault or f"{spent_s:.1f} s"
        strangers = [path for path in folder.iterdir() if path.name != "inside"]
        if strangers:
            outcome.outside += 1
            fault = fault or f"wrote {strangers[0].name}"
            for path in strangers:
                path.unlink()
        if fault and len(outcome.examples) < 20:
            outcome.examples.append(f"{fault[:200]} <- {content!r:.400}")
    outcome.memory_mb = max(0.0, _peak_mb() - before_mb)
    return outcome


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def table(outcomes: list[Outcome]) -> str:
    """Markdown table of outcomes."""
    lines = [
        "| kind | tries | accepted | uncaught | bad message | slow | outside | slowest (s) | memory (MB) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {o.kind} | {o.tries} | {o.accepted} | {o.uncaught} | {o.bad_message} | {o.slow} | {o.outside} "
        f"| {o.slowest_s:.2f} | {o.memory_mb:.0f} |"
        for o in outcomes
    ]
    return "\n".join(lines)


def mutated(rng: random.Random, text: str, pieces: list[str], most: int = 5) -> str:
    """Text with a few places cut out, doubled, or filled with pieces."""
    letters = list(text)
    for _ in range(rng.randrange(1, most + 1)):
        at = rng.randrange(len(letters) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            del letters[at : at + rng.randrange(1, 6)]
        elif kind == 1:
            letters[at:at] = letters[at : at + rng.randrange(1, 20)]
        elif kind == 2:
            letters[at : at + rng.randrange(3)] = rng.choice(pieces)
        else:
            letters.insert(at, chr(rng.choice((rng.randrange(0x80), rng.randrange(0x3000), rng.randrange(0x110000)))))
    return "".join(letters)


ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**12, 1e308, float("nan"), "", "x" * 2000, "../../evil", "a\x1b[31mb\x00", [], [[]], {},
    {"a": 1}, {"number": "NaN"}, ["x"], {"$": "tuple", "value": [[]]}, [1.0, "a"],
)  # fmt: skip


def mutated_values(rng: random.Random, value: Any) -> Any:
    """Copy of plain values with one place changed: replaced, removed, doubled or renamed."""
    found = copy.deepcopy(value)
    places: list[tuple[Any, Any]] = []
    stack = [found]
    while stack:
        node = stack.pop()
        items = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        places += [(node, key) for key, _ in items]
        stack += [item for _, item in items if isinstance(item, dict | list)]
    # places deep inside long tables are many and alike: the few at the top get their share
    node, key = places[min(int(len(places) * rng.random() ** 3), len(places) - 1)]
    action = rng.random()
    if action < 0.7:
        node[key] = copy.deepcopy(rng.choice(ODD))
    elif action < 0.85:
        del node[key]
    elif isinstance(node, dict):
        node["evil"] = node.pop(key)
    else:
        node.insert(key, copy.deepcopy(node[key]))
    return found


def garbled(rng: random.Random, text: str) -> str:
    """Copy of a text with a piece cut, doubled, moved or replaced."""
    a, b = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    b = min(b, a + rng.choice((1, 3, 30, 300)))
    piece = rng.choice(("", text[a:b] * rng.choice((2, 50)), *"[]{}=.\"'#\n\\", "\x00", "\x1b[2J", "[" * 300,
                        "a." * 300, "9" * 5000, "nan", "-1", "1e400", "'''", '"""', "../" * 5, "\u202e"))  # fmt: skip
    return text[:a] + piece + text[b:]
