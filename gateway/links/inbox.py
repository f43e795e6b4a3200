"""Inbox: messages from a network thread to the event loop, bounded, with one wake-up for all that has gathered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

MESSAGE_BYTES = 200
"""What a message costs beside its topic and payload: two objects and their places in lists."""


@dataclass(slots=True)
class Gathered:
    """Messages in the order they came; `topics` and `payloads` run in parallel."""

    topics: list[str] = field(default_factory=list[str])
    payloads: list[bytes] = field(default_factory=list[bytes])
    unacked: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Connection number to packet identifiers, of the messages that want an acknowledgement."""
    size: int = 0


class Inbox:
    """One thread puts, one event loop takes.

    It has room until it holds `most` bytes; the thread asks before it reads, so it goes over by one message at
    most. Whoever reads from the network then stops reading, and the bound reaches the broker through TCP.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int, on_room: Callable[[], None]) -> None:
        """`on_room` is called in the loop's thread when an inbox without room has been emptied."""
        self._loop = loop
        self._most = most
        self._on_room = on_room
        self._gathered = Gathered()
        self._something = asyncio.Event()
        self._guard = threading.Lock()  # held for a few instructions only, by either side

    @property
    def room(self) -> bool:
        """Whether another message may be put. For the thread."""
        return self._gathered.size < self._most

    def put(self, topic: str, payload: bytes, connection: int, packet_id: int | None) -> None:
        """Add a message; `packet_id` is None where it wants no acknowledgement. For the thread."""
        with self._guard:
            gathered = self._gathered
            first = not gathered.topics
            gathered.topics.append(topic)
            gathered.payloads.append(payload)
            gathered.size += len(topic) + len(payload) + MESSAGE_BYTES
            if packet_id is not None:
                gathered.unacked.setdefault(connection, []).append(packet_id)
        if first:
            self._loop.call_soon_threadsafe(self._something.set)

    async def take(self) -> Gathered:
        """All messages there are, at least one; waits for it. For the event loop; a cancelled wait loses none."""
        while not self._gathered.topics:
            self._something.clear()
            await self._something.wait()
        with self._guard:
            gathered, self._gathered = self._gathered, Gathered()
        if gathered.size >= self._most:
            self._on_room()
        return gathered
