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
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

import numpy as np
import structlog
from numpy.typing import NDArray

from detectors.records import NEVER
from gateway.channels import Channels
from gateway.errors import StoreError
from gateway.flags import flag_code
from gateway.records import Readings
from gateway.stores.errors import CannotList, StoreBusy
from gateway.stores.identity import clusters
from gateway.stores.influx_lines import REVISIONS, Lines, field_key, stored_name
from gateway.stores.instants import Instants, Present
from gateway.stores.names import ChannelName, channel_name
from gateway.stores.newest_times import NewestTimes
from gateway.stores.position_file import PositionFile
from gateway.stores.refused import Refusal, send_all
from gateway.stores.seam import Rejected, Revision, WhichRevisions, Written

log = structlog.get_logger("gateway.store")

LINES_A_REQUEST: Final = 5_000
"""InfluxDB's own recommendation for a request; about 550 kB, 45 kB compressed."""
MOST_DEVICES_ASKED: Final = 100
"""Beyond so many devices in a query it is cheaper to ask for all of its time."""
COMPRESSION: Final = 1
"""Level of gzip: 9, the usual default, takes ten times the CPU of 1 to save a quarter of the bytes."""
AHEAD_MS: Final = 60_000
"""A row stamped so much later than it was received is far ahead. Shorter than that of DuckDB: after a start, rows
that are not so much later than what was stored before are looked up: what there is of their channel is not known."""
_OF_THE_POINT: Final = frozenset({"received", "revision"})
"""Numbers in a point that are no field's value. A point without any other says that a mark was sent, and no number."""
Instant = tuple[str, str, str, int]
"""Site, device, factor and time (ms UTC) of a point, as stored."""


class CannotLookUp(Exception):
    """The database has no language to ask it in."""


class Stored(NamedTuple):
    """One point of a measurement, as the database holds it."""

    values: Mapping[str, float]
    """Field key to number, of all fields that are numbers."""
    flag: str


class Change(NamedTuple):
    """One point of the measurement `revisions`."""

    number: int
    position: int
    was: float
    """NaN where there was none; so is `value`."""
    was_flag: str
    value: float
    flag: str


Changes = Mapping[tuple[ChannelName, int], list[Change]]
"""Channel, as stored, and time (ms UTC) to the changes of that instant."""


class LineStore(ABC):
    """Writes lines in chunks with `_send`, which a store for one version of the API provides."""

    def __init__(self, channels: Channels, position_file: Path) -> None:
        self._channels = channels
        self._lines = Lines(channels)
        self._file = PositionFile(position_file)
        kept = self._file.read()
        self._position = self._saved = kept.position
        self._instants = _instants(kept.known, kept.stretches)
        self._connected = 0
        """Connections that were made up to the last write that went in."""
        self._not_looked_up = 0
        self._blind = False
        """Whether the database cannot be asked what it has: then a changed value takes the place of the first."""

    def position(self) -> int:
        return self._position

    def write(self, readings: Readings, end: int) -> Written:
        if len(readings) and readings.position[0] < self._position:  # written again from there, as after a start
            newest = self._instants.newest
            self._instants = _instants(newest.ahead, newest.stretches())
        self._instants.newest.grow(len(self._channels))
        self._not_looked_up = 0
        found = self._instants.sort(readings, readings.channel, lambda rows: self._present(readings, rows))
        new, revised = found.new, found.revised
        # What was said before goes first: whatever breaks off in between, it is not overwritten before it is kept.
        kept = self._lines.revisions(revised, found.number, found.was_value, found.was_flag)
        lines = [*kept, *self._lines.write(new), *self._lines.write(revised, found.number)]
        position = np.concatenate([revised.position, new.position, revised.position])
        received = np.concatenate([revised.received, new.received, revised.received])
        refused = np.zeros(len(lines), np.bool_)
        rejected: list[Rejected] = []
        for first in range(0, len(lines), LINES_A_REQUEST):
            chunk = lines[first : first + LINES_A_REQUEST]
            for row, detail in sorted(send_all(chunk, self._send).items()):
                at = first + row
                refused[at] = True
                rejected.append(Rejected(int(position[at]), int(received[at]), lines[at], detail))
        if not len(readings) and end == self._position:
            self._ping()
        self._instants.advance(readings, readings.channel)
        self._position = end
        if not rejected:
            self._save()
        # Else the next write or `close` saves it: after a crash before the caller has kept the rejected lines, they
        # are sent and refused once more.
        values = ~refused[len(kept) :]
        connected, self._connected = self._connected, self._connections()
        return Written(
            int(np.count_nonzero(values[: len(new)])),
            found.duplicates,
            rejected,
            revisions=int(np.count_nonzero(values[len(new) :])),
            not_looked_up=self._not_looked_up,
            reconnected=connected != self._connected and not self._blind,
        )

    def revisions(self, which: WhichRevisions) -> list[Revision]:
        # Points are ordered by the time they are about: the newest changes are not to be had without reading them all.
        raise CannotList(f"InfluxDB lists its revisions itself: ask it for the measurement {REVISIONS!r}")

    def close(self) -> None:
        self._save()

    def _save(self) -> None:
        if self._position == self._saved:
            return
        try:
            newest = self._instants.newest
            self._file.write(self._position, newest.ahead, newest.stretches())
        except OSError as error:
            raise StoreError(f"the store's position cannot be kept: {error}") from error
        self._saved = self._position

    def _present(self, readings: Readings, late: NDArray[np.intp]) -> Present:
        """What the database has of the instants of these rows. Raises `StoreError` when it does not answer."""
        if not self._blind:
            try:
                return self._asked(readings, late)
            except CannotLookUp as error:
                self._blind = True
                log.warning("store_cannot_look_up", reason=str(error), effect="a changed value replaces the first one")
        self._not_looked_up = len(late)
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
                devices = devices if len(devices) <= MOST_DEVICES_ASKED else []
                first, last = int(readings.time[part].min()), int(readings.time[part].max())
                stored = self._look_up(period, devices, first, last)
                changes: Changes = {}
                if any("revision" in point.values for point in stored.values()):
                    changes = self._look_up_changes(period, devices, first, last)
                for row, name in zip(cast("list[int]", part.tolist()), some, strict=True):
                    time, value = int(readings.time[row]), float(readings.value[row])
                    point = stored.get((name.site, name.device, name.factor, time))
                    if point is None or (name.field not in point.values and point.values.keys() - _OF_THE_POINT):
                        continue  # what is there at that instant is of other fields
                    own = (value if value - value == 0.0 else float("nan"), int(readings.flag[row]))
                    stands = (point.values.get(name.field, float("nan")), flag_code(point.flag))
                    before = sorted(changes.get((name, time), []))
                    present, number = _as_it_stood(before, int(readings.position[row]), own, stands)
                    rows.append(row)
                    values.append(present[0])
                    flags.append(present[1])
                    numbers.append(number)
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
        """All points of these devices, or of all where none is named, in a measurement with first <= time <= last.

        Raises `StoreError` when the database does not answer and `CannotLookUp` when it has no way to.
        """

    @abstractmethod
    def _look_up_changes(self, period: str, devices: Sequence[str], first: int, last: int) -> Changes:
        """Changes of points of these devices, or of all where none is named, with first <= time <= last."""

    @abstractmethod
    def _connections(self) -> int:
        """How many connections have been made to write and to look up."""

    @abstractmethod
    def _ping(self) -> None:
        """Have the database answer something, whatever it is. Raises `StoreError` when it does not."""

    @abstractmethod
    def _send(self, lines: Sequence[bytes]) -> Refusal | None:
        """Send the lines in one request; None when all went in. Raises `StoreError` where lines are not the reason."""


def _instants(known: int | None, stretches: list[tuple[int, int]]) -> Instants:
    """What is stored by what was kept of it: points up to `known` (ms UTC; None: no points), and in the stretches."""
    newest = NewestTimes(AHEAD_MS)
    if known is not None:
        newest.may_hold(NEVER, known + AHEAD_MS)
    for first, last in stretches:
        newest.may_hold(first, last)
    return Instants(newest)


def change_of(number: int, fields: Mapping[str, Any]) -> Change:
    """A change by the fields of its point; a value that the point has not is missing or None."""
    was, value = (float("nan") if fields.get(key) is None else float(fields[key]) for key in ("was", "value"))
    return Change(number, int(fields["position"]), was, str(fields["was_flag"]), value, str(fields["flag"]))


_Said = tuple[float, int]
"""Value and flag."""


def _as_it_stood(changes: list[Change], position: int, own: _Said, stands: _Said) -> tuple[_Said, int]:
    """What an instant said when the row of this position was to be written, and how many changes it had by then.

    `changes` are those known by now, ascending, and `stands` is what the point holds. Both may be the work of this
    very row and of later ones, sent before in a request that broke off or whose answer was lost. Such a row is given
    what stood before it, so that it makes the same lines again, or itself, so that it makes none.
    """
    for at, change in enumerate(changes):
        said = (change.value, flag_code(change.flag))
        if change.position != position or not _equal(said, own):
            continue
        if at == len(changes) - 1 and not _equal(stands, own):
            return (change.was, flag_code(change.was_flag)), change.number - 1
        return own, change.number
    if changes and position <= changes[-1].position:
        return own, max((change.number for change in changes if change.position < position), default=0)
    if changes:
        return (changes[-1].value, flag_code(changes[-1].flag)), changes[-1].number
    return stands, 0


def _equal(first: _Said, second: _Said) -> bool:
    values = first[0] == second[0] or (first[0] != first[0] and second[0] != second[0])
    return values and first[1] == second[1]


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
