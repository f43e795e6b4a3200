"""Traffic files: messages with the time at which each arrived, as `docs/simulators.md` describes them.

A file is a row of records, packed with gzip where its name ends in `.gz`. A record is the length of what follows
(4 bytes, little endian) and a MessagePack object: first a map with `format`, `version` and whatever else is known,
then one array a message, in order of time.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from gateway.errors import GatewayError

FORMAT: Final = "mqtt-traffic"
VERSION: Final = 1
_LENGTH: Final = struct.Struct("<I")
_MOST: Final = 256 * 1024 * 1024
"""MQTT's own bound on a packet: a longer record is damage."""
MOST_GAP_MS: Final = 400 * 86_400_000
"""So long nothing is recorded: a longer pause is damage, and every second of it would be ticked through."""
_DAMAGE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Head(msgspec.Struct):
    """What a file says of itself; what it does not say is as its first and last message have it."""

    format: str = ""
    version: int = 0
    start_ms: int | None = None
    """When the recording begins, ms UTC: from then on silence counts."""
    seconds: float | None = None
    """How long it lasts, from `start_ms` on."""


class Arrival(msgspec.Struct, array_like=True, frozen=True):
    """One message as it arrived; what else its record holds says nothing to a receiver."""

    due: int
    """ms UTC."""
    topic: str
    payload: bytes
    captured: int | None = None
    """ms UTC, of camera frames: the MQTT 5 user property."""


def read_traffic(path: Path) -> tuple[Head, Iterator[Arrival]]:
    """The head of a file and its messages, read as they are asked for.

    Raises `GatewayError` where it is no traffic file, and from within the messages where one is damaged, cut off or
    older than the one before.
    """
    records = _records(path)
    try:
        head = msgspec.msgpack.decode(next(records, b"\x80"), type=Head)
    except _DAMAGE as error:
        raise GatewayError(f"{path}: no traffic file: {error}") from error
    if head.format != FORMAT:
        raise GatewayError(f"{path}: no traffic file")
    if head.version != VERSION:
        raise GatewayError(f"{path}: traffic of version {head.version}; this reads version {VERSION}")
    if (head.seconds or 0) * 1000 > MOST_GAP_MS:
        raise GatewayError(f"{path}: {head.seconds} seconds are longer than anything is recorded")
    return head, _arrivals(path, records, head.start_ms)


def _arrivals(path: Path, records: Iterator[bytes], start: int | None) -> Iterator[Arrival]:
    decode = msgspec.msgpack.Decoder(Arrival).decode
    before: int | None = None
    for number, record in enumerate(records):
        try:
            arrival = decode(record)
        except _DAMAGE as error:
            raise GatewayError(f"{path}: message {number}: {error}") from error
        if before is not None and arrival.due < before:
            raise GatewayError(f"{path}: message {number} is {before - arrival.due} ms older than the one before it")
        since = start if before is None else before
        if since is not None and arrival.due - since > MOST_GAP_MS:
            raise GatewayError(f"{path}: message {number} comes {arrival.due - since} ms after what was before it")
        before = arrival.due
        yield arrival


def _records(path: Path) -> Iterator[bytes]:
    try:
        with _open(path) as file:
            while size := file.read(_LENGTH.size):
                length = _LENGTH.unpack(size)[0] if len(size) == _LENGTH.size else _MOST + 1
                record = file.read(length) if length <= _MOST else b""
                if len(record) != length:
                    raise GatewayError(f"{path}: cut off or damaged at byte {file.tell()}")
                yield record
    except (OSError, EOFError, zlib.error) as error:
        raise GatewayError(f"{path}: {error}") from error


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
