"""The probe: a message of our own to ourselves, which tells a session that is connected and hears nothing.

A broker, or what lies before it, may lose a subscription and go on answering pings. So now and then the link publishes
to a topic of its own to which it is subscribed; as long as anything comes, the probe or any message, it is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from gateway.config import Link as Settings
from gateway.topics import format_topic

DEAF: Final = "the session hears nothing: not even what the link publishes to itself (probe_topic)"
"""Why a deaf connection was ended."""


def probe_topic(settings: Settings) -> str:
    """The topic of a link's probe; empty where it has none. Raises ValueError for a template that is wrong."""
    return format_topic(settings.probe_topic, client_id=settings.client_id) if settings.probe_topic else ""


class Probe:
    """The clockwork of one link's probe. Not thread-safe: it belongs to whoever moves the link's packets."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every_s
        self._clock = clock
        self._next = clock()
        self._since: float | None = None
        self._allowed = True
        self.proven = False
        """Whether one has ever come back: a broker that does not let it through is not taken for deaf."""
        self.deaf_in_a_row = 0
        """Connections that were deaf since one last heard something."""

    def connected(self) -> None:
        """A new connection is subscribed: probe it soon."""
        self._since = None
        self._next = self._clock() + min(1.0, self._every)

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
        """The link itself does not read now, as ingest has no room: nothing can be heard."""
        if self._since is not None:
            self._since = self._clock()

    def forbidden(self) -> None:
        """The broker refuses it; no more are sent."""
        self._allowed = False
        self._since = None

    def silent(self) -> bool:
        """Whether a probe has been out for long and nothing whatever came."""
        return self._since is not None and self._clock() - self._since > self._every / 2

    def is_deaf(self) -> bool:
        """Whether the session hears nothing, although it once did; counts it. A probe never heard is given up."""
        if not self.silent():
            return False
        if not self.proven:
            self.forbidden()
            return False
        self._since = None
        self.deaf_in_a_row += 1
        return True

    @property
    def allowed(self) -> bool:
        """Whether probes are sent."""
        return self._allowed

    @property
    def renew(self) -> bool:
        """Whether the next connection is to begin a new session: the old one stayed deaf over a reconnect."""
        return self.deaf_in_a_row >= 2
