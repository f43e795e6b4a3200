"""Traffic files: MQTT messages with the time at which each arrived, for recording, replay and tests without a broker.

A file is a row of records, compressed with gzip where its name ends in `.gz`. A record is the length of what follows
(4 bytes, little endian) and a MessagePack object: first a map `{"format": "mqtt-traffic", "version": 1, ...}` with
whatever else is known of the recording, then one array a message, in order of time:

    [due, topic, payload, captured, qos, retain]

`due` is ms UTC, `payload` bytes, `captured` ms UTC or nil (the MQTT 5 user property of camera frames).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal, NamedTuple, Self, cast

import msgspec

from simulators.errors import SimulatorError

FORMAT: Final = "mqtt-traffic"
VERSION: Final = 1
_LENGTH: Final = struct.Struct("<I")
_MOST: Final = 256 * 1024 * 1024
"""MQTT's own bound on a packet: a longer record is damage."""

NO_TOPIC: Final = frozenset("+#\0")
"""What no topic of a message has in it."""


class Arrival(NamedTuple):
    """One message as it arrived."""

    due: int
    topic: str
    payload: bytes
    captured: int | None = None
    qos: int = 1
    retain: bool = False


class TrafficWriter:
    """Writes a traffic file; what it wrote is whole once it is closed."""

    def __init__(self, path: Path, about: Mapping[str, object]) -> None:
        """`about`: what the head of the file says beside format and version."""
        self._file = _open(path, "wb")
        self._encode = msgspec.msgpack.Encoder().encode
        self._put({**about, "format": FORMAT, "version": VERSION})

    def write(self, arrival: Arrival) -> None:
        """Add a message; `due` does not go back."""
        self._put(arrival)

    def _put(self, item: object) -> None:
        data = self._encode(item)
        self._file.write(_LENGTH.pack(len(data)) + data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read(path: Path) -> tuple[dict[str, object], Iterator[Arrival]]:
    """The head of a traffic file and its messages.

    Raises `SimulatorError` where it is none, and from within the messages where one is damaged or cut off.
    """
    records = _records(path)
    head = next(records, None)
    if not isinstance(head, dict) or cast(dict[str, object], head).get("format") != FORMAT:
        raise SimulatorError(f"{path}: no traffic file")
    about = cast(dict[str, object], head)
    if about.get("version") != VERSION:
        raise SimulatorError(f"{path}: traffic of version {about.get('version')}; this reads version {VERSION}")
    return about, _arrivals(path, records)


class _Packed(gzip.GzipFile):
    """A packed file with neither name nor time in its head, so that the same messages give the same bytes."""

    def __init__(self, path: Path, mode: Literal["rb", "wb"]) -> None:
        self._below = path.open(mode)
        super().__init__("", mode, fileobj=self._below, mtime=0)

    def close(self) -> None:
        super().close()
        self._below.close()


def _open(path: Path, mode: Literal["rb", "wb"]) -> IO[bytes]:
    return cast(IO[bytes], _Packed(path, mode)) if path.suffix == ".gz" else path.open(mode)


def _arrivals(path: Path, records: Iterator[object]) -> Iterator[Arrival]:
    for number, record in enumerate(records):
        try:
            arrival = msgspec.convert(record, Arrival)
        except msgspec.ValidationError as error:
            raise SimulatorError(f"{path}: message {number}: {error}") from error
        if not arrival.topic or set(arrival.topic) & NO_TOPIC:
            raise SimulatorError(f"{path}: message {number}: {arrival.topic!r} is no topic")
        yield arrival


def _records(path: Path) -> Iterator[object]:
    decode = msgspec.msgpack.Decoder().decode
    try:
        with _open(path, "rb") as file:
            while head := file.read(_LENGTH.size):
                length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else _MOST + 1
                data = file.read(length) if length <= _MOST else b""
                if len(data) != length:
                    raise SimulatorError(f"{path}: cut off or damaged at byte {file.tell()}")
                yield decode(data)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SimulatorError(f"{path}: {error}") from error
