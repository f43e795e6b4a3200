"""Publishing the fleet: readings at QoS 1, frames at QoS 0, over MQTT 5 or 3.1.1, with nothing dropped silently.

paho's network thread only reports what happened, into a queue; all books are kept by the caller's thread in `pump`.
A message counts as sent when the broker has acknowledged it (QoS 1) or the socket has taken it (QoS 0).
"""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators.broker import Broker
from simulators.counts import Counts
from simulators.errors import BrokerError
from simulators.loggers.answers import Answer
from simulators.network import Down, Heard, Network, Published, Refused, Takes, Unreached, Up
from simulators.records import Message, Picture, Shot
from simulators.session import Protocol, no_answer

WINDOW: Final = 200
"""Readings handed to the network and not yet acknowledged; less where the broker says so (receive maximum)."""
BACKLOG: Final = 10_000
"""Readings kept while the broker is away, some minutes of a fleet of 25 messages a second. Then the fleet waits."""
FRAMES_WAITING: Final = 40
"""Frames the network has not taken yet; more would only make them old."""
AWAY_S: Final = 2.0
"""How long the end of a run waits for a broker that is away."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A frame that the centre has asked for."""

    topic: str
    payload: bytes
    retain: bool = False


def _say_nothing(_: str) -> None:
    """The default of `Publisher.tell`."""


def _do_nothing(_key: str, _frame: bytes) -> Sequence[Answer]:
    """The default of `Publisher.hear`."""
    return ()


@dataclass(slots=True)
class Publisher:
    """One connection to a broker, from `connect` to `close`; all methods belong to one thread."""

    broker: Broker
    protocol: Protocol = "mqtt5"
    tell: Callable[[str], None] = _say_nothing
    """Told, in a sentence, when the connection is lost and when it is back."""
    hear: Callable[[str, bytes], Sequence[Answer]] = _do_nothing
    """What answers a frame from the centre to a device (`site/device`)."""
    ears: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Reply topics to the device that listens there and the topic on which it answers."""
    counts: Counts = field(default_factory=Counts)
    online: bool = False
    _backlog: deque[Message | _Answer] = field(default_factory=deque[Message | _Answer])
    _readings: dict[int, Message | _Answer] = field(default_factory=dict[int, Message | _Answer])
    """Handed to paho, by packet id."""
    _frames: dict[int, int] = field(default_factory=dict[int, int])
    """Packet id to the number of the connection it was handed to."""
    _takes: Takes = field(default_factory=Takes)
    _told: set[str] = field(default_factory=set[str])
    """Reasons for which messages were not sent, each told once."""
    _trouble: OSError | str | None = None
    """Why there was no connection the last time that one was tried."""
    _was_online: bool = False
    _closing: bool = False
    _network: Network = field(init=False)

    def __post_init__(self) -> None:
        self._network = Network(self.broker, self.protocol, WINDOW, self.ears.keys())

    def connect(self, timeout_s: float, stop: threading.Event) -> None:
        """Connect, trying again with back-off until `timeout_s` is over. Raises `BrokerError`.

        After that the connection is kept up for ever. Returns early, not connected, when `stop` is set.
        """
        self._network.begin()
        deadline = time.monotonic() + timeout_s
        while not stop.is_set():
            refusals = self.pump()
            if self.online:
                return
            if refusals:
                self.close(0)
                raise BrokerError(f"{self.broker} refused the connection: {refusals[0]}")
            if time.monotonic() > deadline or isinstance(self._trouble, ssl.SSLCertVerificationError):
                self.close(0)
                raise no_answer(self.broker, timeout_s, self._trouble)
            stop.wait(0.02)

    @property
    def full(self) -> bool:
        """Whether the backlog has reached its bound: whoever makes readings has to wait."""
        return len(self._backlog) >= BACKLOG

    @property
    def frames_full(self) -> bool:
        """Whether one more frame would fail."""
        return not self.online or len(self._frames) >= FRAMES_WAITING

    @property
    def outstanding(self) -> int:
        """Messages and frames whose fate is not known yet."""
        return len(self._backlog) + len(self._readings) + len(self._frames)

    def reading(self, message: Message) -> None:
        """Publish at QoS 1, now or as soon as it goes."""
        self._backlog.append(message)
        self.pump()

    def frame(self, shot: Shot | Picture) -> None:
        """Publish at QoS 0. Without a connection, or behind too many others, it fails: a late frame helps nobody."""
        self.pump()
        if self.frames_full:
            self.counts.frames_failed += 1
            return
        payload, properties = shot.jpeg(), self._network.captured(shot.captured)
        connection = self._network.connection
        mid = None
        if not self._leaves_out(self._takes.why_not(shot.topic, payload, properties=properties)):
            mid = self._network.frame(shot.topic, payload, properties)
        if mid is None:
            self.counts.frames_failed += 1
        else:
            self._frames[mid] = connection

    def pump(self) -> list[str]:
        """Take note of what the network did and hand over what fits; returns the reasons of refused connections."""
        refusals: list[str] = []
        while True:
            try:
                event = self._network.events.get_nowait()
            except queue.Empty:
                break
            match event:
                case Up():
                    if self._was_online:
                        self.tell(f"{self.broker} is back, {len(self._backlog) + len(self._readings)} messages wait")
                    self.online = self._was_online = True
                    self._takes = event.takes
                case Refused():
                    refusals.append(event.reason)
                case Unreached():
                    self._trouble = event.error
                case Down():
                    if self.online and not self._closing:
                        self.tell(
                            f"connection to {self.broker} lost ({event.reason}), trying again; readings wait, "
                            "frames do not"
                        )
                    self.online = False
                    self._trouble = event.reason
                    lost = [mid for mid, connection in self._frames.items() if connection <= event.connection]
                    for mid in lost:
                        del self._frames[mid]
                    self.counts.frames_failed += len(lost)
                case Heard():
                    self._answer(event)
                case Published():
                    self._settle(event)
        while self._backlog and len(self._readings) < min(WINDOW, self._takes.receive_max):
            message = self._backlog[0]
            if self._leaves_out(self._takes.why_not(message.topic, message.payload, message.retain)):
                self._backlog.popleft()
                self.counts.messages_failed += isinstance(message, Message)
                continue
            mid = self._network.reading(message.topic, message.payload, message.retain)
            if mid is None:
                break
            self._backlog.popleft()
            self._readings[mid] = message
        return refusals

    def close(self, timeout_s: float = 10.0) -> None:
        """Wait for what is outstanding, then disconnect; what the broker never acknowledged counts as failed."""
        self.pump()
        deadline = time.monotonic() + (timeout_s if self.online else min(timeout_s, AWAY_S))
        while self.outstanding and time.monotonic() < deadline:
            time.sleep(0.005)
            self.pump()
        self._closing = True
        self._network.end()
        self.pump()
        left = [*self._readings.values(), *self._backlog]
        self.counts.messages_failed += sum(isinstance(message, Message) for message in left)
        self.counts.frames_failed += len(self._frames)
        for kept in (self._readings, self._backlog, self._frames):
            kept.clear()

    def _answer(self, event: Heard) -> None:
        """Answers go before the messages that wait, data that were asked for behind them."""
        key, topic = self.ears[event.topic]
        for answer in self.hear(key, event.payload):
            put = self._backlog.appendleft if answer.at_once else self._backlog.append
            put(_Answer(topic, answer.frame))

    def _leaves_out(self, why: str) -> bool:
        """Whether there is a reason not to send something; each reason is told once."""
        if why and why not in self._told:
            self._told.add(why)
            self.tell(f"{self.broker} {why}: such messages fail")
        return bool(why)

    def _settle(self, event: Published) -> None:
        message = self._readings.pop(event.mid, None)
        if isinstance(message, _Answer):
            self.counts.answers_sent += not event.refused
        elif message is not None:
            if event.refused:
                self.counts.messages_failed += 1
            else:
                self.counts.messages_sent += 1
                self.counts.readings_sent += message.values
        elif self._frames.pop(event.mid, None) is not None:
            self.counts.frames_sent += 1
