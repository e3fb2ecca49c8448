"""What the HDF5 library is kept from: heaps that turn it in circles, and memory without end.

The library trusts what a file declares. A text attribute of a broken file makes it ask for 4 GB, a heap object of
2**64 - 1 bytes makes it loop for ever; neither can be interrupted from Python.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["bounded_memory", "heap_fault"]

_HEAP = b"GCOL\x01\x00\x00\x00"
_HEAD = 16
_one_at_a_time = threading.RLock()


def heap_fault(content: bytes) -> str | None:
    """Say what is wrong with the heaps of an HDF5 file, which hold its texts of variable length; None if nothing is.

    Each heap is a head of 16 bytes and objects: a head of 16 bytes (index, count, size) and their content, filled up
    to 8 bytes. Index 0 is the free space; its size counts its head (HDF5 file format, III.E).
    """
    size_of_lengths = content[14:15] if content[8:9] in (b"\x00", b"\x01") else content[10:11]
    if size_of_lengths != b"\x08":
        return "its lengths aren't numbers of 8 bytes"
    start = content.find(_HEAP)
    while start >= 0:
        size = int.from_bytes(content[start + 8 : start + 16], "little")
        if not _HEAD <= size <= len(content) - start:
            return f"a heap at byte {start} is longer than the file"
        at = _HEAD
        while at + _HEAD <= size:
            head = content[start + at : start + at + _HEAD]
            index, length = int.from_bytes(head[:2], "little"), int.from_bytes(head[8:], "little")
            at += _HEAD + -(-length // 8) * 8 if index else length
            if at > size or (index == 0 and length < _HEAD):
                return f"a heap at byte {start} holds an object of {length} bytes"
        start = content.find(_HEAP, start + size)
    return None


@contextlib.contextmanager
def bounded_memory(room_bytes: int) -> Iterator[None]:
    """Let the process grow by no more than this; what asks for more gets the error of a full memory.

    Works where the system tells the size of a process and limits it (Linux); elsewhere nothing is bounded.
    """
    try:
        import resource

        used_bytes = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    with _one_at_a_time:  # two that restore each other's limit would leave one behind
        before, hard = resource.getrlimit(resource.RLIMIT_AS)
        limits = [used_bytes + room_bytes, *(limit for limit in (hard,) if limit != resource.RLIM_INFINITY)]
        resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (before, hard))
