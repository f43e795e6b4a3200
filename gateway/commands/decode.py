"""`gateway decode`: frames in, one a line; what they say out, one JSON object a line. Needs no inventory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer

from gateway.codecs.auto import format_of
from gateway.codecs.json_v1 import Value, message_ms, read_message, split_names
from gateway.config import MIB
from gateway.hj212.cut import Cut, Stray
from gateway.hj212.items import number
from gateway.hj212.reader import parse_frame
from gateway.hj212.stream import cut
from gateway.reasons import BadPayload, Reason, shown
from gateway.stamps import hj212_ms

LONGEST_LINE: Final = MIB
"""Bytes; a longer line is an error object, and is read past without being held."""

Line = dict[str, Any]


class CodecName(StrEnum):
    AUTO = "auto"
    JSON = "json"
    HJ212 = "hj212"


def command(
    file: Annotated[
        Path | None,
        typer.Argument(help="File of frames, one a line; - or nothing: standard input.", show_default=False),
    ] = None,
    codec: Annotated[CodecName, typer.Option(help="Format of the lines; auto looks at each.")] = CodecName.AUTO,
    zone: Annotated[str, typer.Option(help="Time zone of stamps that carry none.")] = "Asia/Shanghai",
    accept_bad_crc: Annotated[bool, typer.Option("--accept-bad-crc", help="Read HJ 212 frames whose CRC is wrong.")] = (
        False
    ),
) -> None:
    """Decode frames, one a line, to one JSON object a line. Bad lines become {"error", "reason"}; exit status 0."""
    try:
        local = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(f"no time zone {zone!r}", param_hint="--zone") from None
    from_file = file if file is not None and str(file) != "-" else None
    try:
        source = from_file.open("rb") if from_file else nullcontext(sys.stdin.buffer)
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    output = sys.stdout.buffer
    try:
        with source as stream:
            for line in lines(stream):
                for found in decode_line(line, codec, local, accept_bad_crc):
                    output.write(msgspec.json.encode(found) + b"\n")
                if from_file is None:
                    output.flush()  # a person or a pipe waits for this line
        output.flush()
    except BrokenPipeError:
        # The reader (`head`, say) has had enough. What is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Lines without blanks around them, empty ones left out; None for one that is too long."""
    while line := source.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = source.readline(LONGEST_LINE)
            yield None
        elif line := line.strip():
            yield line


def decode_line(line: bytes | None, codec: CodecName, zone: ZoneInfo, accept_bad_crc: bool) -> Iterator[Line]:
    """What one line says; one object for each frame in it. None stands for a line that was too long."""
    if line is None:
        yield _error(Reason.TOO_LONG, f"the line is longer than {LONGEST_LINE} bytes")
        return
    kind = codec.value if codec is not CodecName.AUTO else format_of(line)
    if kind == "json":
        yield _json(line, zone)
    elif kind == "hj212":
        for piece in cut(line):
            yield _hj212(piece, zone, accept_bad_crc)
    else:
        detail = f"expected {{ (JSON) or ## (HJ 212), found {shown(line[:20])}"
        yield _error(Reason.UNKNOWN_FORMAT, detail)


def _error(reason: Reason, detail: str) -> Line:
    return {"error": detail, "reason": reason}


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(line: bytes, zone: ZoneInfo) -> Line:
    try:
        message = read_message(line)
        time = _time(message_ms(message, zone))
        names = split_names(message.readings, message.period)
    except BadPayload as bad:
        return _error(bad.reason, bad.detail)
    readings: list[Line] = []
    for (factor, field), reading in zip(names, message.readings.values(), strict=True):
        value, flag = (reading.value, reading.flag) if isinstance(reading, Value) else (reading, "N")
        readings.append({"factor": factor, "field": field, "value": value, "flag": flag or "N"})
    return {"mn": message.device, "st": None, "cn": None, "time": time, "readings": readings}


def _hj212(piece: Cut | Stray, zone: ZoneInfo, accept_bad_crc: bool) -> Line:
    if isinstance(piece, Stray):
        return _error(piece.reason, piece.detail)
    parsed = parse_frame(piece, zone=zone)
    if parsed.crc != parsed.crc_sent and not accept_bad_crc:
        sent = piece.crc_text.decode("ascii", "replace")
        detail = f"the frame ends with CRC {sent}, its data segment has {parsed.crc:04X}"
        return _error(Reason.BAD_CRC, detail)
    packet = parsed.packet
    if not packet.cn:
        return _error(Reason.MISSING_FIELD, "CN is missing")
    if packet.faults and not packet.readings:
        return _error(packet.faults[0].reason, packet.faults[0].detail)
    time = None
    if packet.time:
        try:
            time = _time(hj212_ms(packet.time, zone))
        except ValueError as error:
            return _error(Reason.BAD_TIME, f"DataTime {shown(packet.time)} {error}")
    readings: list[Line] = []
    for reading in packet.readings:
        value = None if reading.text is None else number(reading.text)
        line: Line = {"factor": reading.factor, "field": reading.field, "value": value, "flag": reading.flag or "N"}
        if value is None and reading.text is not None:
            line["text"] = reading.text
        readings.append(line)
    decoded = {"mn": packet.mn, "st": packet.st, "cn": packet.cn, "time": time, "readings": readings}
    if packet.faults:
        decoded["faults"] = [_error(fault.reason, fault.detail) for fault in packet.faults]
    return decoded
