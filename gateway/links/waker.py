"""Waker: makes a thread that waits on sockets look up."""

from __future__ import annotations

import socket
from contextlib import suppress


class Waker:
    """A pair of sockets: `wake` from any thread makes the reading side readable. It can be put in a selector."""

    def __init__(self) -> None:
        self._inner, self._outer = socket.socketpair()
        self._inner.setblocking(False)
        self._outer.setblocking(False)

    def fileno(self) -> int:
        return self._inner.fileno()

    def wake(self) -> None:
        """For any thread; also after `close`."""
        with suppress(OSError):  # full: it is awake already; closed: nobody waits
            self._outer.send(b"\0")

    def clear(self) -> None:
        """Forget all wake-ups so far."""
        with suppress(BlockingIOError):
            while self._inner.recv(4096):
                pass

    def wait(self, seconds: float) -> None:
        """Return at the next `wake`, or after so long; a wake-up before the call counts."""
        self._inner.settimeout(seconds)
        try:
            with suppress(TimeoutError):
                self._inner.recv(4096)
        finally:
            self._inner.setblocking(False)

    def close(self) -> None:
        self._inner.close()
        self._outer.close()
