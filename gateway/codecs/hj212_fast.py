"""The fast lane of HJ 212: data segments of a shape that has been seen before.

Header and row of item names are remembered with what they mean, verdicts and all, so that the values stand at known
places of a split. That the CP has the plain shape `name=value;...` is seen by deleting all other bytes from it.
Whatever is unusual is left alone, and read by `hj212_patient`; both give the same readings and the same frames (a
property test).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, cast

from gateway.codecs.cache import Cache
from gateway.codecs.hj212_senders import LONGEST_HEADER, REMEMBERED_HEADS, Clock, Senders, flags_of
from gateway.codecs.seam import Sink
from gateway.flags import NORMAL
from gateway.hj212.commands import is_data, period_of
from gateway.hj212.editions import RULES, Edition, by_content, by_flag
from gateway.hj212.header import Header, read_header
from gateway.hj212.layout import layout_of
from gateway.hj212.reader import CP_MARK, STAMP_DIGITS, factors_of, must_encrypt
from gateway.hj212.verdicts import Verdict
from gateway.reasons import BadPayload
from gateway.records import FrameHead, LoggerFrame

REMEMBERED_NAMES: Final = 500_000
"""Bound on item names held in the memory of layouts: 10,000 devices with 50 items each."""

_TO_SEMICOLONS: Final = bytes.maketrans(b",=", b";;")
_USUAL: Final = bytes(set(range(0x21, 0x7F)) - set(b"=;,/_"))
"""Bytes without meaning for the shape of a CP. `/` may begin text that holds separators, `float` takes 1_000."""


_SEPARATOR: Final = Verdict.SEPARATOR.value
_TIME_FORM: Final = Verdict.TIME_FORM.value
_CP_LONG: Final = Verdict.CP_LONG.value
_NOT_ENCRYPTED: Final = Verdict.NOT_ENCRYPTED.value

_new = cast(
    "Callable[[type[LoggerFrame], tuple[object, ...]], LoggerFrame]",
    tuple.__new__,  # pyright: ignore[reportUnknownMemberType]
)

Picker = Callable[[Sequence[bytes]], tuple[bytes, ...]]


@dataclass(slots=True, eq=False)
class _Route:
    """What a header of a data command says, but for QN."""

    device: int
    header: Header
    edition: Edition | None
    """None where the factor codes must tell."""
    last: _Columns | None = None
    """Of the frame before: nearly always the next one has the same names."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """A header and a `Layout` with nothing in them that wants patience."""

    names: list[bytes]
    """The row of item names."""
    skeleton: bytes
    """What `body.translate(None, _USUAL)` leaves of a body with these names and nothing unusual."""
    head: FrameHead
    verdicts: int
    """Of header and names."""
    quarantine: int
    """Verdict bits that keep a frame of this device out."""
    cp_most: int
    clock: Clock
    channels: list[int]
    values: Picker
    flags: Picker
    """Picks all flags that were sent."""
    normal: tuple[bytes, ...]
    """What `flags` picks when all is well."""
    normals: list[int]
    """The flags of all readings when all is well."""
    flag_places: list[int]
    """Place of each reading's flag among names and values by turns; -1 where none was sent."""
    flag_of: Callable[[str], int]
    time: int
    """Place of DataTime, likewise."""
    samples: list[tuple[int, int]]
    """Number among the readings and place of each SampleTime."""
    sample_clock: Clock
    notes: list[tuple[int, str]]
    """Place and name of each note."""
    notes_and_time: list[tuple[int, str]]
    """The same with DataTime, which is told as text where it is of an odd form."""


class FastLane:
    """Reads what it knows."""

    def __init__(self, senders: Senders) -> None:
        self._senders = senders
        self._routes: Cache[tuple[int, bytes], _Route] = Cache(REMEMBERED_HEADS)
        self._layouts: Cache[tuple[_Route, tuple[bytes, ...]], _Columns] = Cache(REMEMBERED_NAMES)

    def read(self, row: int, device: int, segment: bytes, crc: int, marks: int, sealed: bool, sink: Sink) -> bool:
        """Read a segment of known shape into the sink. False, with nothing done, where anything is unusual.

        `crc` is right; `marks` are the verdicts on the cut; `sealed` says that the segment came encrypted.
        """
        head, _, body = segment.partition(b"CP=&&")
        if body[-2:] != b"&&":
            return False
        cp = body[:-2].rstrip(b";")
        qn = head[3:20]
        if head[:3] == b"QN=" and head[20:21] == b";" and qn.isdigit():
            head = head[20:]  # QN differs each time; that there was one is seen by the `;`
        elif head[:1] == b";":
            return False
        else:
            qn = b""
        route = self._routes.get((device, head)) or self._route(device, head, qn)
        if route is None:
            return False
        texts = cp.translate(_TO_SEMICOLONS).split(b";")
        names = texts[::2]
        skeleton = cp.translate(None, _USUAL)
        columns = route.last
        if columns is None or names != columns.names:
            columns = self._layouts.get((route, tuple(names))) or self._layout(route, names, skeleton)
            if columns is None:
                return False
            route.last = columns
        if skeleton != columns.skeleton:
            return False
        verdicts = columns.verdicts | marks
        if len(cp) + 2 != len(body):
            verdicts |= _SEPARATOR
        if len(body) - 2 > columns.cp_most:
            verdicts |= _CP_LONG
        stamp = texts[columns.time]
        told = columns.notes
        if len(stamp) != STAMP_DIGITS:
            verdicts |= _TIME_FORM
            told = columns.notes_and_time
        if sealed:
            verdicts &= ~_NOT_ENCRYPTED
        try:
            time = columns.clock.known.get(stamp)
            if time is None:
                time = columns.clock.ms(stamp)
            values = [*map(float, columns.values(texts))]
            for number, place in columns.samples:
                text = texts[place]
                values[number] = float(columns.sample_clock.known.get(text) or columns.sample_clock.ms(text))
                if len(text) != STAMP_DIGITS:
                    verdicts |= _TIME_FORM
        except ValueError:
            return False
        if verdicts & columns.quarantine or not math.isfinite(sum(values)):
            return False
        sink.devices.add(route.device)
        if columns.head.rf:
            sink.backfilled.append(len(sink.rows))
        sink.rows.append(row)
        sink.counts.append(len(values))
        sink.times.append(time)
        sink.channels += columns.channels
        sink.values += values
        if columns.flags(texts) == columns.normal:
            sink.flags += columns.normals
        else:
            flag_of = columns.flag_of
            sink.flags += [NORMAL if at < 0 else flag_of(texts[at].decode()) for at in columns.flag_places]
        items = tuple([(name, texts[place].decode()) for place, name in told]) if told else ()
        # The constructor of a named tuple costs twice as much as making the tuple.
        sink.frames.append(_new(LoggerFrame, (row, columns.head, qn, time, verdicts, crc, True, items, sealed)))
        return True

    def _route(self, device: int, head: bytes, qn: bytes) -> _Route | None:
        """What a header says, remembered; None where its frames want patience."""
        whole = b"QN=" + qn + head if qn else head
        if len(head) > LONGEST_HEADER or not head.isascii() or CP_MARK.search(whole):
            return None
        header = read_header(whole.decode())
        if header.qn.encode() != qn or not is_data(header.cn):
            return None
        try:
            number = self._senders.find(device, header.mn)
        except BadPayload:
            return None
        configured = self._senders.edition(number)
        route = _Route(number, header, Edition(configured) if configured else by_flag(header.flag, header.st))
        self._routes.keep((device, head), route)
        return route

    def _layout(self, route: _Route, names: list[bytes], skeleton: bytes) -> _Columns | None:
        """The columns of a row of item names, remembered; None where they want patience."""
        separators = skeleton.translate(None, b"=_")
        if len(separators) != len(names) - 1:
            return None
        shape = b"".join(
            [name.translate(None, _USUAL) + b"=" + separators[at : at + 1] for at, name in enumerate(names)]
        )
        if skeleton != shape or shape.strip(b"=;,_"):  # what seem to be names may be values
            return None
        texts = [name.decode() for name in names]
        period = period_of(route.header.cn)
        layout = layout_of(texts, ";" + separators.decode(), period)
        if layout.unreadable or layout.time < 0 or layout.alarm_time or not layout.values:
            return None
        if len(layout.values) > self._senders.max_factors or min(layout.values) < 0 or "PolId" in texts:
            return None
        edition = route.edition or by_content(route.header.mn, factors_of(texts))
        senders, rules = self._senders, RULES[edition]
        verdicts = senders.judge(route.header, edition)
        head = senders.head(route.device, edition, route.header, verdicts)
        try:
            channels = senders.channels(head, layout.names, period)
        except BadPayload:
            return None
        if must_encrypt(edition, head.cn) and senders.keys.has_keys(head.mn):
            verdicts |= _NOT_ENCRYPTED
        sent = sorted({place for place in layout.flags if place >= 0})
        notes = [(2 * place + 1, name) for place, name in layout.notes]
        columns = _Columns(
            names=names,
            skeleton=skeleton,
            head=head,
            verdicts=verdicts | layout.verdicts.value,
            quarantine=senders.quarantine(route.device),
            cp_most=rules.cp_most,
            clock=senders.clock(route.device, head.cn),
            channels=channels,
            values=_picker(layout.values),
            flags=_picker(sent),
            normal=(b"N",) * len(sent),
            normals=[NORMAL] * len(channels),
            flag_places=[2 * place + 1 if place >= 0 else -1 for place in layout.flags],
            flag_of=flags_of(edition, head.st),
            time=2 * layout.time + 1,
            samples=[
                (number, 2 * layout.values[number] + 1)
                for number, (_, field) in enumerate(layout.names)
                if field == "SampleTime"
            ],
            sample_clock=senders.plain_clock(route.device),
            notes=notes,
            notes_and_time=sorted([*notes, (2 * layout.time + 1, "DataTime")]),
        )
        self._layouts.keep((route, tuple(names)), columns, len(names))
        return columns


def _picker(places: list[int]) -> Picker:
    """A function that gives the values of the items at these places, of a row of names and values by turns."""
    places = [2 * place + 1 for place in places]
    if len(places) > 1:
        return itemgetter(*places)
    return lambda texts: tuple(texts[place] for place in places)
