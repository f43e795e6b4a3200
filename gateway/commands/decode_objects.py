"""What one piece of a stream says, as the object that `gateway decode` prints. `docs/hj212.md` describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.codecs.json_v1 import Value, message_ms, read_message, split_names
from gateway.commands.decode_stream import Piece
from gateway.hj212.cut import Cut, Stray
from gateway.hj212.editions import Edition
from gateway.hj212.factor_codes import new_code
from gateway.hj212.items import number
from gateway.hj212.keys import KeyRing
from gateway.hj212.reader import Packet, Parsed, parse_frame
from gateway.hj212.verdicts import Verdict, words_of
from gateway.hj212.words import HIDDEN, SECRETS
from gateway.reasons import BadPayload, Reason, shown
from gateway.stamps import hj212_ms

CRC_ERRORS: Final = Verdict.CRC_WRONG | Verdict.CRC_SWAPPED | Verdict.CRC_MODBUS
"""Verdicts by which the CRC does not stand for the data; with those of its letters and digits it does."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """How pieces are read."""

    zone: ZoneInfo
    accept_bad_crc: bool = False
    edition: str = ""
    """Empty: recognised, frame by frame."""
    keys: KeyRing = field(default_factory=KeyRing)


def object_of(piece: Piece, settings: Settings) -> Line:
    """The object of one piece. Never raises for what a piece holds."""
    if isinstance(piece, bytes):
        return _json(piece, settings.zone)
    if isinstance(piece, Stray):
        return _error(piece.reason, piece.detail)
    parsed = parse_frame(piece, edition=settings.edition, keys=settings.keys, zone=settings.zone)
    error = unusable(piece, parsed, settings)
    return _error(error.reason, error.detail) if error else _hj212(parsed, settings.zone)


def unusable(piece: Cut, parsed: Parsed, settings: Settings) -> BadPayload | None:
    """Why nothing of a frame is given, if so."""
    packet = parsed.packet
    if parsed.encrypted and not parsed.key_used:
        mn = shown(packet.mn)
        why = f"no key of MN {mn} opens it" if settings.keys.has_keys(packet.mn) else f"no key is known of MN {mn}"
        return BadPayload(Reason.QUARANTINED, f"the frame is encrypted, and {why} (--keys FILE)")
    wrong = parsed.verdicts & CRC_ERRORS
    if wrong and not settings.accept_bad_crc:
        sent = piece.crc_text.decode("ascii", "replace")
        return BadPayload(Reason.BAD_CRC, f"the frame ends with CRC {sent}, its data segment has {_right(parsed)}")
    if not packet.cn:
        return BadPayload(Reason.MISSING_FIELD, "CN is missing")
    if packet.faults and not packet.readings:
        return packet.faults[0]
    if packet.time:
        try:
            hj212_ms(packet.time, settings.zone)
        except ValueError as error:
            return BadPayload(Reason.BAD_TIME, f"DataTime {shown(packet.time)} {error}")
    return None


def _right(parsed: Parsed) -> str:
    """The CRC as it should be, and which known mistake the one that was sent is."""
    text = f"{parsed.crc:04X}"
    if parsed.verdicts & Verdict.CRC_SWAPPED:
        return f"{text} (its two bytes are swapped)"
    return f"{text} (it is the CRC-16/MODBUS)" if parsed.verdicts & Verdict.CRC_MODBUS else text


def _hj212(parsed: Parsed, zone: ZoneInfo) -> Line:
    packet, head = parsed.packet, parsed.head
    beside = _beside(packet, zone)
    found: Line = {
        "mn": packet.mn,
        "st": packet.st,
        "cn": packet.cn,
        "time": _time(packet.time, zone) if packet.time else None,
        "readings": _readings(parsed, beside),
    }
    if packet.faults:
        found["faults"] = [_error(fault.reason, fault.detail) for fault in packet.faults]
    found |= {"qn": parsed.qn or None, "flag": head.flag if head.flag >= 0 else None, "edition": parsed.edition.value}
    if parsed.verdicts:
        found["verdicts"] = words_of(parsed.verdicts)
    items = [
        {"name": name, "value": HIDDEN if name in SECRETS else value}
        for name, value in packet.notes
        if not _is_beside(name, beside)
    ]
    if items:
        found["items"] = items
    if head.rf:
        found["rf"] = True
    if parsed.encrypted:
        found["encrypted"] = True
    return found


def _readings(parsed: Parsed, beside: dict[str, Line]) -> list[Line]:
    packet = parsed.packet
    found: list[Line] = []
    for reading in packet.readings:
        if reading.field == "SampleTime" and "sample_time" in beside.get(reading.factor, {}):
            continue
        value = None if reading.text is None else number(reading.text)
        line: Line = {"factor": reading.factor, "field": reading.field, "value": value, "flag": reading.flag or "N"}
        if value is None and reading.text is not None:
            line["text"] = reading.text
        line |= beside.get(reading.factor, {})
        if parsed.edition is Edition.E2005 or reading.factor.isdigit():
            code = new_code(reading.factor, packet.st)
            if code != reading.factor:
                line["code"] = code
        found.append(line)
    return found


def _beside(packet: Packet, zone: ZoneInfo) -> dict[str, Line]:
    """By factor what is said of all its readings: start of sampling and the analyser's own mark."""
    valued = {reading.factor for reading in packet.readings if reading.field != "SampleTime"}
    found: dict[str, Line] = {}
    for reading in packet.readings:
        if reading.field == "SampleTime" and reading.factor in valued and reading.text:
            found.setdefault(reading.factor, {})["sample_time"] = _time(reading.text, zone) or reading.text
    for name, value in packet.notes:
        factor, _, suffix = name.rpartition("-")
        if suffix == "EFlag" and factor in valued:
            found.setdefault(factor, {})["eflag"] = value
    return found


def _is_beside(name: str, beside: dict[str, Line]) -> bool:
    """Whether a note is given with its factor's readings."""
    factor, _, suffix = name.rpartition("-")
    return suffix == "EFlag" and "eflag" in beside.get(factor, {})


def _json(line: bytes, zone: ZoneInfo) -> Line:
    try:
        message = read_message(line)
        time = _iso(message_ms(message, zone))
        names = split_names(message.readings, message.period)
    except BadPayload as bad:
        return _error(bad.reason, bad.detail)
    readings: list[Line] = []
    for (factor, suffix), reading in zip(names, message.readings.values(), strict=True):
        value, flag = (reading.value, reading.flag) if isinstance(reading, Value) else (reading, "N")
        readings.append({"factor": factor, "field": suffix, "value": value, "flag": flag or "N"})
    return {"mn": message.device, "st": None, "cn": None, "time": time, "readings": readings}


def _error(reason: Reason, detail: str) -> Line:
    return {"error": detail, "reason": reason}


def _time(stamp: str, zone: ZoneInfo) -> str | None:
    """A stamp in UTC, None where it is no time."""
    try:
        return _iso(hj212_ms(stamp, zone))
    except ValueError:
        return None


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
