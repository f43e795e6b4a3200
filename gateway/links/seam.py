"""What a link is: messages of one source in, batches out. One file a protocol, one line in `gateway.links`.

A link lives in the ingest event loop. It reads the socket rarely and much at a time, and acknowledges to the
broker only what it is told to, which is what the journal has synced.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.records import Batch

Take = Callable[[Batch], Awaitable[None]]
"""Hands a batch over; returns once ingest has room for it. A link reads no further while it waits."""


@dataclass(slots=True)
class LinkStatus:
    """How a link is doing, for `/readyz` and metrics. Counters run from the start of the process."""

    since: int
    """When `connected` last changed, ms UTC."""
    connected: bool = False
    reconnects: int = 0
    """Connections made after the first."""
    last_error: str = ""
    """One sentence for a person; stays after the link is up again."""
    received: int = 0
    """Messages read, of any QoS, repeated ones included."""
    acked: int = 0
    """Messages acknowledged to the broker; QoS 0 has none."""
    stale_acks: int = 0
    """Acknowledgements dropped because their connection was gone: the broker sends those messages again."""
    oversized: int = 0
    """Messages larger than the link takes: left out, and acknowledged so that they do not come again."""
    sent: int = 0
    """Messages to devices handed to the network."""
    deaf: int = 0
    """Connections ended because the session heard nothing, not even our own probe."""
    warnings: list[str] = field(default_factory=list[str])
    """What of the configuration the broker does not allow, each with its consequence."""
    unsent: int = 0
    """Messages to devices dropped: the connection was gone, or whoever is at its other end reads too slowly."""


class Link(Protocol):
    """One connection to a broker, kept up."""

    @property
    def name(self) -> str:
        """The name the configuration gives it."""
        ...

    @property
    def status(self) -> LinkStatus:
        """The link's own live record: read it, do not change it."""
        ...

    async def run(self, take: Take) -> None:
        """Connect, read, hand batches over, reconnect with back-off; until cancelled.

        `Batch.ack` is called at most once, from the event loop's thread and in the order of the batches, and
        never for a batch that could not be made durable. Trouble with the broker goes to the log and to
        `status`; what no retry mends (a certificate file that is missing) raises `LinkError`.
        """
        ...

    def send(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """Send (topic, payload) to devices now; how many were taken. The others are dropped and counted.

        For the event loop's thread. It never waits: a reply or a command that comes late is of no use.
        """
        ...
