"""What a thread that waits on sockets needs: to look up when told to, and to watch a socket for what it wants now."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import HasFileno


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


def watch(selector: selectors.BaseSelector, sock: HasFileno, watched: int, wanted: int) -> int:
    """Have the selector watch a socket for `wanted` in place of `watched`, either of which may be nothing."""
    if watched == wanted:
        return wanted
    if not watched:
        selector.register(sock, wanted)
    elif not wanted:
        selector.unregister(sock)
    else:
        selector.modify(sock, wanted)
    return wanted
