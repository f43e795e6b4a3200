"""Where the time of a gateway under load goes, by room: samples of py-spy, native code put down to who called it.

A sample is put down to the innermost frame of ours in its stack; what runs in C below it (numpy, DuckDB, msgspec) is
its work. Samples of threads that wait (for the interpreter's lock, the network, the disk, more to do) are left out, so
that shares are shares of CPU time.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOMS = (
    # Part of a file's path, room; the first that fits counts.
    ("gateway/links/", "links: packets to batches, acknowledgements"),
    ("gateway/journal/", "journal: encode, checksum, write, sync"),
    ("gateway/ingest.py", "ingest: batches, frames told from readings"),
    ("gateway/intake.py", "ingest: batches, frames told from readings"),
    ("gateway/topics.py", "decode: topic to device"),
    ("gateway/decode.py", "decode: routes and columns"),
    ("gateway/codecs/seam.py", "decode: routes and columns"),
    ("gateway/codecs/", "decode: payloads"),
    ("detectors/", "checks: limits and silence"),
    ("gateway/checks.py", "checks: state, snapshot"),
    ("gateway/loggers/", "checks: state, snapshot"),
    ("gateway/packed.py", "checks: state, snapshot"),
    ("gateway/stores/", "store: columns to DuckDB"),
    ("gateway/live.py", "live: newest values and rates"),
    ("gateway/alerts/", "alerts: machine and ledger"),
    ("gateway/pipeline.py", "pipeline: order, commits"),
    ("gateway/api/", "API and metrics"),
)
LOOP = "event loop: sockets, wake-ups"
"""Stacks in which nothing of ours but the start runs."""
WAITS = frozenset(
    [
        "epoll_wait",
        "epoll_pwait",
        "poll",
        "select",
        "pthread_cond_wait",
        "pthread_cond_timedwait",
        "PyThread_acquire_lock_timed",
        "fdatasync",
        "clock_nanosleep",
    ]
)
"""Functions that wait, where they are among the innermost three: what they call in libc has no name."""
RATE = 100
"""Samples a second; each stops the process for a moment."""


def room_of(stack: str) -> str | None:
    """The room of one stack as py-spy's raw format has it: `outermost;...;innermost`, each `function (file:line)`.

    None where its thread waits.
    """
    frames = stack.split(";")
    if any(frame.partition(" (")[0] in WAITS for frame in frames[-3:]):
        return None
    for frame in reversed(frames):
        for part, room in ROOMS:
            if part in frame:
                return room
    return LOOP


def shares(lines: Iterable[str]) -> dict[str, float]:
    """Room to its share of the samples at work, largest first, from lines `stack count`. Empty where there is none."""
    counts: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        room = room_of(stack)
        if room is not None:
            counts[room] += int(count)
    total = counts.total()
    return {room: count / total for room, count in counts.most_common()}


class Sampling:
    """py-spy at work on one process, from `start` to `finish`."""

    def __init__(self, program: Path, file: Path) -> None:
        """`program`: py-spy. `file`: gets the stacks, as flame graph tools read them."""
        self._program = program
        self._file = file

    async def start(self, pid: int) -> None:
        """Raises RuntimeError where py-spy may not look into the process, or is not there."""
        if not self._program.exists():
            raise RuntimeError(f"{self._program} is not there: setup/python.sh dev installs it")
        arguments = ("record", "--native", "--format", "raw", "--full-filenames", "--function", "--rate", f"{RATE}")
        self._process = await asyncio.create_subprocess_exec(
            *(str(self._program), *arguments, "--output", str(self._file), "--pid", str(pid)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        await asyncio.sleep(1)
        if self._process.returncode is not None:
            raise RuntimeError(await self._said())

    async def finish(self) -> dict[str, float]:
        """End it; see `shares`."""
        self._process.send_signal(signal.SIGINT)
        said = await self._said()
        if not self._file.exists():
            raise RuntimeError(said)
        return shares(self._file.read_text("utf-8").splitlines())

    async def _said(self) -> str:
        _, errors = await self._process.communicate()
        return f"py-spy: {errors.decode('utf-8', 'replace').strip()}"
