"""What the stores that speak line protocol share: chunks, refused lines, revisions, and the position in a file.

They write at least once. A line sent again has the same series and time and so replaces itself: nothing changes. So
would another value for an instant that is stored, and the first would be gone: rows that may be stored already are
looked up first, and what a change takes the place of is kept in the measurement `revisions`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

import numpy as np
import structlog
from numpy.typing import NDArray

from detectors.records import NEVER
from gateway.channels import Channels
from gateway.errors import StoreError
from gateway.flags import flag_code
from gateway.records import Readings
from gateway.stores.errors import StoreBusy
from gateway.stores.identity import NewestTimes, clusters
from gateway.stores.influx_lines import Lines, field_key, stored_name
from gateway.stores.instants import Instants, Present
from gateway.stores.names import ChannelName, channel_name
from gateway.stores.position_file import PositionFile
from gateway.stores.refused import Refusal, send_all
from gateway.stores.seam import Rejected, Written

log = structlog.get_logger("gateway.store")

LINES_A_REQUEST: Final = 5_000
"""InfluxDB's own recommendation for a request; about 550 kB, 45 kB compressed."""
COMPRESSION: Final = 1
"""Level of gzip: 9, the usual default, takes ten times the CPU of 1 to save a quarter of the bytes."""
AHEAD_MS: Final = 60_000
"""A row stamped so much later than it was received is always looked up, and so is, after a start, every row that is
not so much later than the last write of the position: what was stored before then is not known."""
Instant = tuple[str, str, str, int]
"""Site, device, factor and time (ms UTC) of a point, as stored."""


class CannotLookUp(Exception):
    """The database has no language to ask it in."""


class Stored(NamedTuple):
    """One point of a measurement, as the database holds it."""

    values: Mapping[str, float]
    """Field key to number, of all fields that are numbers."""
    flag: str


class LineStore(ABC):
    """Writes lines in chunks with `_send`, which a store for one version of the API provides."""

    def __init__(self, channels: Channels, position_file: Path) -> None:
        self._channels = channels
        self._lines = Lines(channels)
        self._file = PositionFile(position_file)
        self._position = self._saved = self._file.read()
        written = self._file.written()
        self._instants = Instants(NewestTimes(NEVER if written is None else written + AHEAD_MS, AHEAD_MS))
        self._blind = False
        """Whether the database cannot be asked what it has: then a changed value takes the place of the first."""

    def position(self) -> int:
        return self._position

    def write(self, readings: Readings, end: int) -> Written:
        self._instants.newest.grow(len(self._channels))
        found = self._instants.sort(readings, readings.channel, lambda rows: self._present(readings, rows))
        revised = found.revised
        # What was said before goes first: whatever breaks off in between, it is not overwritten before it is kept.
        kept = self._lines.revisions(revised, found.number, found.was_value, found.was_flag)
        lines = [*kept, *self._lines.write(found.new), *self._lines.write(revised, found.number)]
        position = np.concatenate([revised.position, found.new.position, revised.position])
        received = np.concatenate([revised.received, found.new.received, revised.received])
        rejected: list[Rejected] = []
        for first in range(0, len(lines), LINES_A_REQUEST):
            chunk = lines[first : first + LINES_A_REQUEST]
            for row, detail in sorted(send_all(chunk, self._send).items()):
                at = first + row
                rejected.append(Rejected(int(position[at]), int(received[at]), lines[at], detail))
        self._instants.advance(found.new, found.new_channel)
        self._position = end
        if not rejected:
            self._save()
        # Else the next write or `close` saves it: after a crash before the caller has kept the rejected lines, they
        # are sent and refused once more.
        rows = len(found.new) + len(revised) - len(rejected)
        return Written(rows, found.duplicates, rejected, revisions=len(revised))

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

    def _present(self, readings: Readings, late: NDArray[np.intp]) -> Present:
        """What the database has of the instants of these rows. Raises `StoreError` when it does not answer."""
        if self._blind:
            return Present.nothing()
        try:
            return self._asked(readings, late)
        except CannotLookUp as error:
            self._blind = True
            log.warning("store_cannot_look_up", reason=str(error), effect="a changed value replaces the first one")
            return Present.nothing()

    def _asked(self, readings: Readings, late: NDArray[np.intp]) -> Present:
        numbers_of = cast("list[int]", readings.channel[late].tolist())
        names = {number: self._stored_name(number) for number in set(numbers_of)}
        periods = np.array([names[number].period for number in numbers_of])
        rows: list[int] = []
        values: list[float] = []
        flags: list[int] = []
        numbers: list[int] = []
        for period in sorted(set(periods.tolist())):
            for part in clusters(late[periods == period], readings.time):
                some = [names[number] for number in cast("list[int]", readings.channel[part].tolist())]
                devices = sorted({name.device for name in some})
                first, last = int(readings.time[part].min()), int(readings.time[part].max())
                stored = self._look_up(period, devices, first, last)
                said: dict[tuple[ChannelName, int], dict[int, int]] = {}
                if any("revision" in point.values for point in stored.values()):
                    said = self._look_up_revisions(period, devices, first, last)
                for row, name in zip(cast("list[int]", part.tolist()), some, strict=True):
                    time, value = int(readings.time[row]), float(readings.value[row])
                    point = stored.get((name.site, name.device, name.factor, time))
                    if point is None or (value - value == 0.0 and name.field not in point.values):
                        continue  # what is there at that instant is of other fields
                    before = said.get((name, time), {})
                    known = before.get(int(readings.position[row]))  # sent before, and its answer was lost
                    rows.append(row)
                    values.append(point.values.get(name.field, float("nan")))
                    flags.append(flag_code(point.flag))
                    numbers.append(max(before.values(), default=0) if known is None else known - 1)
        return Present(
            np.array(rows, np.intp), np.array(values), np.array(flags, np.uint8), np.array(numbers, np.int64)
        )

    def _stored_name(self, channel: int) -> ChannelName:
        """The words of a channel as the database holds them; the field as its key."""
        name = channel_name(self._channels.inventory, self._channels.keys[channel])
        words = ChannelName(*map(stored_name, name))
        return words._replace(field=field_key(name.field))

    @abstractmethod
    def _look_up(self, period: str, devices: Sequence[str], first: int, last: int) -> Mapping[Instant, Stored]:
        """All points of these devices in a measurement with first <= time <= last.

        Raises `StoreError` when the database does not answer and `CannotLookUp` when it has no way to.
        """

    @abstractmethod
    def _look_up_revisions(
        self, period: str, devices: Sequence[str], first: int, last: int
    ) -> dict[tuple[ChannelName, int], dict[int, int]]:
        """Revisions of these devices with first <= time <= last: of each channel and time, position to number."""

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
