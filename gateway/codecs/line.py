"""InfluxDB line protocol: several lines a payload, each with measurement, tags, fields and perhaps a time.

    air,device=ww-01 w01018=35.2,w21003=4.1 1772337600000000000

Each line stands for itself: one that is bad is a dead letter that holds its bytes, the others are taken. Most lines
have neither quotes nor escapes: those are split at their commas. The others are read with patience.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from gateway.channels import PERIODS, Channels
from gateway.codecs.cache import Cache
from gateway.codecs.named import Named
from gateway.codecs.rows import Row, RowWriter
from gateway.codecs.seam import CodecSettings, Sink
from gateway.config import MIB, LineFormat
from gateway.decimals import decimal
from gateway.flags import NORMAL, flag_code
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason, shown
from gateway.records import DeadLetter
from gateway.stamps import plausible

LONGEST_PAYLOAD: Final = MIB
MOST_BAD_LINES: Final = 100
"""Bad lines of a payload that are dead letters one by one; what follows is one more: no payload makes 500,000."""
REMEMBERED_HEADS: Final = 100_000

_PLAIN: Final = re.compile(r"([^\\\s]+) ([^\\\"\s]+)(?: (-?\d{1,19}))?[ \r]*\Z")
_WHOLE: Final = re.compile(r"[+-]?\d{1,20}[iu]\Z", re.ASCII)
_TRUTH: Final = {
    **dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0),
    **dict.fromkeys(("f", "F", "false", "False", "FALSE"), 0.0),
}
_MEASUREMENT: Final = re.compile(r"(?:\\[^\n]|[^\\, \n])+")
_TAG: Final = re.compile(r",((?:\\[^\n]|[^\\,= \n])+)=((?:\\[^\n]|[^\\,= \n])+)")
_FIELD: Final = re.compile(r'((?:\\[^\n]|[^\\,= \n])+)=("(?:[^"\\]|\\[\s\S])*"|[^", \r\n]+)')
_END: Final = re.compile(r"(?: +(-?\d{1,19}))?[ \r]*(?:\n|\Z)", re.ASCII)
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` makes of bytes that are no UTF-8."""
_ESCAPED: Final = re.compile(r"\\([, =])")
_ESCAPED_TEXT: Final = re.compile(r'\\(["\\])')
_PER_MS: Final = {"ns": (1, 1_000_000), "us": (1, 1_000), "ms": (1, 1), "s": (1_000, 1)}


class Point(NamedTuple):
    """A line, taken apart. Field values are as written; texts keep their quotes."""

    head: str
    """Measurement and tags as written; taken apart where they are new."""
    fields: list[tuple[str, str]]
    time: str | None


class Head(NamedTuple):
    """What measurement and tags of a line say."""

    device: int
    factor: str
    """Empty where every field is one."""
    flag: str
    unit: str
    period: str


class Line:
    """The codec of line protocol."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._format: LineFormat = settings.line
        self._times, self._over = _PER_MS[self._format.precision]
        self._named = Named(inventory)
        self._rows = RowWriter(inventory, channels, settings)
        self._heads: Cache[tuple[int, str], Head] = Cache(REMEMBERED_HEADS)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        for row, device in zip(rows, devices, strict=True):
            payload = sink.block.payloads[row]
            if len(payload) > LONGEST_PAYLOAD:
                detail = f"{len(payload)} bytes are over the bound of {LONGEST_PAYLOAD}"
                self._bury(sink, row, device, payload, BadPayload(Reason.TOO_LONG, detail))
                continue
            text = payload.decode("utf-8", "surrogateescape")
            if not self._decode_lines(text, row, device, sink):
                sink.alive_only += 1
                if device >= 0:
                    sink.devices.add(device)

    def _decode_lines(self, text: str, row: int, device: int, sink: Sink) -> bool:
        """Whether there was any line."""
        some, bad_lines = False, 0
        for start, end, found in _points(text):
            some = True
            try:
                if isinstance(found, BadPayload):
                    raise found
                self._rows.write(sink, row, self._readings(found, device, sink.block.received))
            except BadPayload as bad:
                bad_lines += 1
                if bad_lines > MOST_BAD_LINES:
                    detail = f"{MOST_BAD_LINES} lines before are bad too: from here on nothing was read"
                    self._bury(sink, row, device, _bytes(text[start:]), BadPayload(bad.reason, detail))
                    break
                self._bury(sink, row, device, _bytes(text[start:end]), bad)
        return some

    def _bury(self, sink: Sink, row: int, device: int, raw: bytes, bad: BadPayload) -> None:
        block = sink.block
        position, topic = block.first + row, block.topics[row]
        whole = DeadLetter(position, block.received, block.link, topic, raw, bad.reason, bad.detail, bad.claimed)
        sink.dead.append(whole)
        if device >= 0 and bad.reason is not Reason.DEVICE_MISMATCH:
            sink.devices.add(device)

    def _readings(self, point: Point, device: int, received: int) -> list[Row]:
        """Raises `BadPayload`."""
        form = self._format
        head = self._heads.get((device, point.head))
        if head is None:
            head = self._read_head(device, point.head)
        flag, unit = head.flag, head.unit
        time = self._time(point.time, received)
        if form.factor == "field":
            values: list[tuple[str, float]] = []
            for key, written in point.fields:
                if written[0] == '"':
                    if key == form.flag_key:
                        flag = _text(written)
                    elif key == form.unit_key:
                        unit = _text(written)
                else:
                    values.append((key, _value(key, written)))
        else:
            written_all = dict(point.fields)
            flag = _text(written_all[form.flag_key]) if form.flag_key in written_all else flag
            unit = _text(written_all[form.unit_key]) if form.unit_key in written_all else unit
            written = written_all.get(form.value_key)
            if written is None:
                raise BadPayload(Reason.MISSING_FIELD, f"the line has no field {shown(form.value_key)}")
            values = [] if written[0] == '"' else [(head.factor, _value(form.value_key, written))]
        if not values:
            raise BadPayload(Reason.TEXT_VALUE, "the line has no number, only text")
        code = flag_code(flag) if flag else NORMAL
        timed = point.time is not None
        return [Row(head.device, name, head.period, time, value, code, unit or None, timed) for name, value in values]

    def _read_head(self, device: int, text: str) -> Head:
        """Raises `BadPayload`."""
        form = self._format
        measurement, tags = _taken_apart(text)
        factor = ""
        if form.factor == "measurement":
            factor = measurement
        elif form.factor == "tag":
            factor = tags.get(form.factor_key, "")
            if not factor:
                raise BadPayload(Reason.MISSING_FIELD, f"the line has no tag {shown(form.factor_key)}")
        period = tags.get(form.period_key, "realtime")
        if period not in PERIODS:
            raise BadPayload(Reason.BAD_PERIOD, f"period is {shown(period)}; expected one of {', '.join(PERIODS)}")
        owner = self._named.device(device, tags.get(form.device_key))
        head = Head(owner, factor, tags.get(form.flag_key, ""), tags.get(form.unit_key, ""), period)
        if len(text) <= 512:
            self._heads.keep((device, text), head)
        return head

    def _time(self, text: str | None, received: int) -> int:
        """ms UTC. Raises `BadPayload`."""
        if text is None:
            return received
        try:
            return plausible(int(text) * self._times // self._over)
        except ValueError as error:
            raise BadPayload(
                Reason.BAD_TIME, f"time {text} in {self._format.precision} (line.precision) {error}"
            ) from None


def _points(text: str) -> Iterator[tuple[int, int, Point | BadPayload]]:
    """Each line that is no comment: where it starts and ends, and what it says or why it says nothing."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if line.isspace() or not line or line.lstrip()[0] == "#":
            start = end + 1
            continue
        plain = None if _NOT_UTF8.search(line) else _PLAIN.match(line)
        found = None if plain is None else _split(plain)
        if found is None:
            found, end = _patiently(text, start, end)
        yield start, end, found
        start = end + 1


def _split(plain: re.Match[str]) -> Point | None:
    """A line without quotes and escapes; None where its fields are not as plain as they look."""
    head, body, time = plain.groups()
    fields: list[tuple[str, str]] = []
    for field in body.split(","):
        key, _, value = field.partition("=")
        if not key or not value or "=" in value:
            return None
        fields.append((key, value))
    return Point(head, fields, time)


def _taken_apart(head: str) -> tuple[str, dict[str, str]]:
    """Measurement and tags. Raises `BadPayload`."""
    measurement = _MEASUREMENT.match(head)
    if measurement is None:
        raise BadPayload(Reason.BAD_LINE, f"no measurement at {shown(head[:20])}")
    at = measurement.end()
    tags: dict[str, str] = {}
    while tag := _TAG.match(head, at):
        tags[_plain(tag[1])] = _plain(tag[2])
        at = tag.end()
    if at < len(head):
        raise BadPayload(Reason.BAD_LINE, f"expected ,tag=value or a blank at {shown(head[at : at + 20])}")
    return _plain(measurement[0]), tags


def _patiently(text: str, start: int, end: int) -> tuple[Point | BadPayload, int]:
    """Any line, and where it ends: a text in quotes may go over several."""
    measurement = _MEASUREMENT.match(text, start)
    if measurement is None:
        return BadPayload(Reason.BAD_LINE, f"no measurement at {_at(text, start, end)}"), end
    at = measurement.end()
    while tag := _TAG.match(text, at):
        at = tag.end()
    head = text[start:at]
    if text[at : at + 1] != " ":
        return BadPayload(Reason.BAD_LINE, f"expected ,tag=value or a blank at {_at(text, at, end)}"), end
    while text[at : at + 1] == " ":
        at += 1
    fields: list[tuple[str, str]] = []
    while field := _FIELD.match(text, at):
        fields.append((_plain(field[1]), field[2]))
        at = field.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    close = _END.match(text, at) if fields and text[at - 1] != "," else None
    if close is None:
        return BadPayload(Reason.BAD_LINE, f"expected field=value or a time at {_at(text, at, end)}"), end
    end = close.end() - (text[close.end() - 1 : close.end()] == "\n")
    if _NOT_UTF8.search(text, start, end):
        return BadPayload(Reason.BAD_LINE, "the line is not UTF-8"), end
    return Point(head, fields, close[1]), end


def _at(text: str, at: int, end: int) -> str:
    return shown(text[at:end][:20])


def _plain(name: str) -> str:
    return _ESCAPED.sub(r"\1", name) if "\\" in name else name


def _text(written: str) -> str:
    """A flag or unit in a field, in quotes as texts are."""
    return _ESCAPED_TEXT.sub(r"\1", written[1:-1]) if written[0] == '"' else written


def _value(key: str, written: str) -> float:
    """Raises `BadPayload`."""
    value = decimal(written)
    if value is not None:
        return value
    if _WHOLE.match(written):
        return float(written[:-1])
    truth = _TRUTH.get(written)
    if truth is None:
        raise BadPayload(Reason.BAD_VALUE, f"{shown(key)} is {shown(written)}; expected a number, true or false")
    return truth


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
