"""The demo's other processes: broker and simulators, started beside the gateway and never left behind."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError

STOP_S: Final = 8.0
PR_SET_PDEATHSIG: Final = 1
_LIBC = ctypes.CDLL(None)
"""Loaded here: between fork and exec, with other threads about, only the call itself is safe."""


async def start(*arguments: str, log: Path, pipe: bool = False) -> Process:
    """Run a module of ours in a session of its own: Ctrl-C reaches the demo alone, which then ends it in order.

    What it prints goes to `log`; with `pipe` its standard output is left to the caller.
    """
    with log.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdin=DEVNULL,
            stdout=PIPE if pipe else file,
            stderr=file,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


async def first_line(process: Process, what: str, seconds: float = 15.0) -> str:
    """The first line a process prints. Raises `GatewayError` where it ends or stays silent."""
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), seconds)
    except TimeoutError:
        line = b""
    if not line:
        await stop(process)
        raise GatewayError(f"{what} did not start; its log is beside the data")
    return line.decode().strip()


async def stop(process: Process) -> None:
    """SIGINT, and SIGKILL where that does not end it in time."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _die_with_parent() -> None:
    """Runs in the child before it starts: a killed demo leaves no process behind (Linux, prctl(2))."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGTERM)
