"""PUBLISH packets as columns of bytes, and the packet ids in flight. MQTT 5, QoS 0 and 1."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import mqtt5
import numpy as np
from numpy.typing import NDArray

IDS: Final = 65_535
"""Packet ids are 1 to 65,535."""
PUBACK, PINGRESP, DISCONNECT = 0x40, 0xD0, 0xE0
DUP: Final = 0x08
PARTS: Final = 64
"""Bursts kept before those wholly acknowledged are looked for and let go; bounds the memory to some 10 MB."""
ERROR: Final = 0x80
"""Reason codes from here on are errors."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """PUBLISH packets one after the other."""

    blob: bytes
    starts: NDArray[np.int64]
    """Where each packet begins, and where the last one ends; shape (n + 1,)."""
    ids: NDArray[np.int64]
    """Where the first byte of each packet id is, shape (n,); of no meaning at QoS 0."""

    def __len__(self) -> int:
        return len(self.ids)

    def slice(self, first: int, last: int) -> memoryview:
        """The bytes of the packets from `first` to before `last`."""
        return memoryview(self.blob)[int(self.starts[first]) : int(self.starts[last])]

    def numbered(self, first: int, last: int, packet_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """A copy of those packets with packet ids written into them. `packet_ids`: shape (last - first,)."""
        copy = np.frombuffer(self.slice(first, last), np.uint8).copy()
        at = self.ids[first:last] - self.starts[first]
        copy[at] = packet_ids >> 8
        copy[at + 1] = packet_ids & 0xFF
        return copy


def encode(messages: Sequence[tuple[str, bytes]], qos: Literal[0, 1]) -> Encoded:
    """Encode (topic, payload) messages. At QoS 1 the packet ids are filled in when they are sent."""
    level = mqtt5.QoS.AT_LEAST_ONCE if qos else mqtt5.QoS.AT_MOST_ONCE
    packet_id = 1 if qos else None
    packets = [mqtt5.PublishPacket(t, p, qos=level, packet_id=packet_id).write() for t, p in messages]
    starts = np.zeros(len(packets) + 1, np.int64)
    np.cumsum([len(packet) for packet in packets], out=starts[1:])
    # Fixed header: type, then the length in as many bytes as it takes to get below 128 each.
    heads = [2 if p[1] < 128 else 3 if p[2] < 128 else 4 if p[3] < 128 else 5 for p in packets]
    topics = [len(topic.encode()) for topic, _ in messages]
    ids = starts[:-1] + np.array(heads, np.int64) + 2 + np.array(topics, np.int64)  # 2: the topic's length
    return Encoded(b"".join(packets), starts, ids)


@dataclass(frozen=True, slots=True)
class Acks:
    """What the broker said."""

    ids: NDArray[np.int64]
    """Acknowledged packet ids, in order."""
    refused: NDArray[np.bool_]
    """Which of them with an error."""
    pings: int
    disconnected: bool
    size: int
    """Bytes read; what follows is the beginning of a packet."""


def read_acks(data: bytearray) -> Acks:
    """Read the packets a publisher is sent: PUBACK, PINGRESP, DISCONNECT; anything else is passed over."""
    for length in (2, 3, 4):  # the usual case: a row of equal PUBACKs, without reason, with it, and with properties
        stride = length + 2
        rows = len(data) // stride
        if rows == 0 or data[1] != length:
            continue
        table = np.frombuffer(bytes(data), np.uint8, rows * stride).reshape(rows, stride)
        if np.all(table[:, 0] == PUBACK) and np.all(table[:, 1] == length):
            ids = (table[:, 2].astype(np.int64) << 8) | table[:, 3]
            refused = table[:, 4] >= ERROR if length > 2 else np.zeros(rows, np.bool_)
            return Acks(ids, refused, 0, False, rows * stride)
    return _read_mixed(bytes(data))


def _read_mixed(data: bytes) -> Acks:
    ids: list[int] = []
    refused: list[bool] = []
    pings, disconnected, place = 0, False, 0
    while place + 2 <= len(data):
        length, shift, body = 0, 0, place + 1
        while body < len(data):
            length |= (data[body] & 0x7F) << shift
            shift += 7
            body += 1
            if data[body - 1] < 0x80:
                break
        else:
            break
        if body + length > len(data):
            break
        kind = data[place] & 0xF0
        if kind == PUBACK:
            ids.append(data[body] << 8 | data[body + 1])
            refused.append(length > 2 and data[body + 2] >= ERROR)
        pings += kind == PINGRESP
        disconnected |= kind == DISCONNECT
        place = body + length
    return Acks(np.array(ids, np.int64), np.array(refused, np.bool_), pings, disconnected, place)


class Flight:
    """QoS 1 messages on their way: which packet id is which message, and the bytes until they are acknowledged."""

    def __init__(self) -> None:
        self.open = 0
        """Sent on this connection and not acknowledged."""
        self.acked = 0
        self.refused = 0
        self._message = np.full(IDS + 1, -1, np.int64)
        """Packet id to message number, -1 where it is free."""
        self._next_id = 1
        self._taken = 0
        """Messages ever sent."""
        self._parts: deque[tuple[int, Encoded, int, int]] = deque()
        """Message number of the first, chunk, first, last: what was sent, oldest first."""

    def free(self, wanted: int) -> int:
        """How many of the next packet ids can be used, at most `wanted`."""
        taken = self._message[self._ids(wanted)] >= 0
        return int(np.argmax(taken)) if taken.any() else wanted

    def take(self, chunk: Encoded, first: int, last: int) -> memoryview:
        """Put messages of a chunk in flight and return their packets; `free` must have said that there is room."""
        count = last - first
        ids = self._ids(count)
        self._message[ids] = self._taken + np.arange(count)
        self._parts.append((self._taken, chunk, first, last))
        self._next_id = int(ids[-1]) % IDS + 1
        self._taken += count
        self.open += count
        return chunk.numbered(first, last, ids).data

    def acknowledge(self, ids: NDArray[np.int64], refused: NDArray[np.bool_]) -> None:
        """Note acknowledgements; one for a packet id that is not in flight is passed over."""
        if not len(ids):
            return
        known = self._message[ids] >= 0
        ids, refused = ids[known], refused[known]
        self._message[ids] = -1
        self.open -= len(ids)
        self.refused += int(np.count_nonzero(refused))
        self.acked += int(np.count_nonzero(~refused))
        if self.open == 0:
            self._parts.clear()
        elif len(self._parts) > PARTS:
            self._forget()

    def rewind(self, *, duplicate: bool) -> list[bytes]:
        """The packets that are not acknowledged, in order and with their ids, to be sent on a new connection."""
        ids = np.flatnonzero(self._message >= 0)
        ids = ids[np.argsort(self._message[ids])]
        self._forget()
        self.open = 0
        packets: list[bytes] = []
        parts = iter(self._parts)
        base, chunk, first, last = 0, None, 0, 0
        for packet_id in ids:
            number = int(self._message[packet_id])
            while chunk is None or number >= base + last - first:
                base, chunk, first, last = next(parts)
            row = first + number - base
            packet = chunk.numbered(row, row + 1, np.array([packet_id]))
            packet[0] |= DUP if duplicate else 0
            packets.append(packet.tobytes())
        return packets

    def _ids(self, count: int) -> NDArray[np.int64]:
        return (self._next_id - 1 + np.arange(count)) % IDS + 1

    def _forget(self) -> None:
        """Let go of the bytes of messages that are all acknowledged."""
        waiting = self._message[self._message >= 0]
        oldest = int(waiting.min()) if len(waiting) else self._taken
        while self._parts and self._parts[0][0] + self._parts[0][3] - self._parts[0][2] <= oldest:
            self._parts.popleft()
