"""The probe: a message of our own to ourselves, which tells a session that is connected and hears nothing.

A broker, or what lies before it, may lose a subscription and go on answering pings. So now and then the link publishes
to a topic of its own to which it is subscribed; as long as anything comes, the probe or any message, it is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from typing import Final

from gateway.config import Link as Settings
from gateway.topics import format_topic

DEAF: Final = "the session hears nothing: not even what the link publishes to itself (probe_topic)"
"""Why a deaf connection was ended."""


def probe_topic(settings: Settings) -> str:
    """The topic of a link's probe; empty where it has none. Raises ValueError for a template that is wrong."""
    return format_topic(settings.probe_topic, client_id=settings.client_id) if settings.probe_topic else ""


LOSSES: Final = 2


class Verdict(Enum):
    FINE = "fine"
    DEAF = "deaf"
    """The session hears nothing, although it once did."""
    UNHEARD = "unheard"
    """No probe ever came back: it is given up, and whether the session is deaf cannot be told."""


class Probe:
    """The clockwork of one link's probe. Not thread-safe: it belongs to whoever moves the link's packets."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every_s
        self._clock = clock
        self._next = clock()
        self._since: float | None = None
        self._allowed = True
        self._losses = 0
        self.proven = False
        """Whether one has ever come back: a broker that does not let it through is not taken for deaf."""
        self.deaf_in_a_row = 0
        """Connections that were deaf since one last heard something."""

    def connected(self) -> None:
        """A new connection is subscribed: probe it soon."""
        if self.renew:
            self.deaf_in_a_row = 0  # the session is new: it gets its own chances before it is given up too
        self._since = None
        self._next = self._clock() + min(1.0, self._every)

    def lost(self) -> None:
        """The connection ended. A broker that ends it twice over a probe that never came back does not want any."""
        if self._since is not None and not self.proven:
            self._losses += 1
            if self._losses >= LOSSES:
                self.forbidden()
        self._since = None

    def due(self) -> bool:
        """Whether one is to be sent now; then it is taken for sent."""
        now = self._clock()
        if not self._allowed or self._since is not None or now < self._next:
            return False
        self._since = now
        self._next = now + self._every
        return True

    def heard(self, *, own: bool = False) -> None:
        """Something came: our own probe, or any message."""
        if own:
            self.proven = True
        if own or self._since is None:
            self._since = None
        else:
            self._since = self._clock()  # what waits before it may be long
        self.deaf_in_a_row = 0

    def busy(self) -> None:
        """Ingest has no room, or has not acknowledged what it took: the probe waits like everything else."""
        if self._since is not None:
            self._since = self._clock()

    def forbidden(self) -> None:
        """The broker refuses it; no more are sent."""
        self._allowed = False
        self._since = None

    def verdict(self) -> Verdict:
        """Whether the session hears nothing although it once did, or has never let a probe through: each told once."""
        if self._since is None or self._clock() - self._since <= self._every / 2:
            return Verdict.FINE
        if not self.proven:
            self.forbidden()
            return Verdict.UNHEARD
        self._since = None
        self.deaf_in_a_row += 1
        return Verdict.DEAF

    @property
    def allowed(self) -> bool:
        """Whether probes are sent."""
        return self._allowed

    @property
    def renew(self) -> bool:
        """Whether the next connection is to begin a new session: the old one stayed deaf over a reconnect."""
        return self.deaf_in_a_row >= 2
