"""What the stores that speak line protocol share: chunks, refused lines, and the position in a file.

They write at least once. A line sent again has the same series and time and so replaces itself: nothing changes.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from gateway.channels import Channels
from gateway.errors import StoreError
from gateway.records import Readings
from gateway.stores.errors import StoreBusy
from gateway.stores.influx_lines import Lines
from gateway.stores.position_file import PositionFile
from gateway.stores.refused import Refusal, send_all
from gateway.stores.seam import Rejected, Written

LINES_A_REQUEST: Final = 5_000
"""InfluxDB's own recommendation for a request; about 550 kB, 45 kB compressed."""
COMPRESSION: Final = 1
"""Level of gzip: 9, the usual default, takes ten times the CPU of 1 to save a quarter of the bytes."""


class LineStore(ABC):
    """Writes lines in chunks with `_send`, which a store for one version of the API provides."""

    def __init__(self, channels: Channels, position_file: Path) -> None:
        self._channels = channels
        self._lines = Lines(channels)
        self._file = PositionFile(position_file)
        self._position = self._saved = self._file.read()

    def position(self) -> int:
        return self._position

    def write(self, readings: Readings, end: int) -> Written:
        lines = self._lines.write(readings)
        rejected: list[Rejected] = []
        for first in range(0, len(lines), LINES_A_REQUEST):
            chunk = lines[first : first + LINES_A_REQUEST]
            for row, detail in sorted(send_all(chunk, self._send).items()):
                at = first + row
                rejected.append(Rejected(int(readings.position[at]), int(readings.received[at]), lines[at], detail))
        self._position = end
        if not rejected:
            self._save()
        # Else the next write or `close` saves it: after a crash before the caller has kept the rejected lines, they
        # are sent and refused once more.
        return Written(rows=len(lines) - len(rejected), duplicates=0, rejected=rejected)

    def close(self) -> None:
        self._save()

    def _save(self) -> None:
        if self._position == self._saved:
            return
        try:
            self._file.write(self._position)
        except OSError as error:
            raise StoreError(f"the store's position cannot be kept: {error}") from error
        self._saved = self._position

    @abstractmethod
    def _send(self, lines: Sequence[bytes]) -> Refusal | None:
        """Send the lines in one request; None when all went in. Raises `StoreError` where lines are not the reason."""


def host_of(url: str) -> str:
    """Host and port of an address, for messages: without the user and password that may stand in it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def answer_text(body: bytes | str) -> str:
    """What a database says in the body of an error: the JSON's `message` or `error`, else the body."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        said = json.loads(text)
    except ValueError:
        return text.strip()
    if not isinstance(said, dict):
        return text.strip()
    fields = cast(dict[str, object], said)
    return str(fields.get("message") or fields.get("error") or text).strip()


def judge(status: int, text: str, headers: Mapping[str, str], where: str, access: str) -> Refusal:
    """What an answer to a write means that is no success.

    `where` names the database in messages, `access` what to look at when it lets nobody in. Returns a `Refusal` when
    lines are the reason; raises `StoreBusy` or `StoreError` otherwise, with what to check.
    """
    if status in (400, 413, 422):
        return Refusal.of(text)
    if status in (401, 403):
        raise StoreError(f"{where} lets us not write ({status}): {text}. Check {access}")
    if status == 404:
        raise StoreError(f"{where} is not there (404): {text}. Check the address and the names in [store]")
    wait = headers.get("Retry-After", "")
    if status in (429, 503) and wait.isdecimal():
        raise StoreBusy(f"{where} is busy ({status}): {text}", float(wait))
    raise StoreError(f"{where} answers {status}: {text}")
