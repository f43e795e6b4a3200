"""One frame read with patience: decrypted, checked, its header and items understood, every deviation named.

Never raises for what a frame holds. Knows no inventory: whose frame it is, and which deviations keep it out of the
store, is for the caller to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.hj212.commands import brings_readings, is_data, period_of
from gateway.hj212.crc import crc16, crc_verdict
from gateway.hj212.cut import Cut
from gateway.hj212.editions import RULES, SEGMENT_MOST, Edition, by_content, by_flag
from gateway.hj212.header import REPLIES, Header, read_header
from gateway.hj212.items import Items, analysers_of, number, read_items
from gateway.hj212.keys import KeyRing
from gateway.hj212.layout import Layout, layout_of
from gateway.hj212.opening import open_frame, plain_length
from gateway.hj212.sm4 import looks_encrypted
from gateway.hj212.verdicts import Verdict
from gateway.reasons import BadPayload, Reason
from gateway.stamps import LATEST, hj212_ms

CP_MARK: Final = re.compile(rb"CP\s*=\s*&&", re.IGNORECASE)
PLAIN_MARK: Final = b"CP=&&"
PROCESS_MARKS: Final = frozenset(("F", "M", "S", "D", "C", "T", "B", "P", "St", "Sd", "Sr", "Md"))
"""Flags that some send in place of a value."""
STAMP_DIGITS: Final = 14
"""Of DataTime and SampleTime by the standard."""

_NO_KEYS: Final = KeyRing()
_CONDITIONS: Final = "45"
"""ST of key production conditions (2025): a process mark in place of a value is as it should be there."""


class Reading(NamedTuple):
    """One value of a frame, as text."""

    factor: str
    field: str
    text: str | None
    """None where the factor came with a flag and no value."""
    flag: str
    """Empty where none was sent."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What a data segment says. Absent header fields are empty."""

    st: str
    cn: str
    mn: str
    period: str
    time: str
    """DataTime (AlarmTime of alarms without it) as text, empty where there is none."""
    readings: list[Reading]
    notes: list[tuple[str, str]]
    """Parameters, times and text: name, set right in case, and value, in order."""
    facts: int
    """How many of the notes are of a factor."""
    faults: list[BadPayload]
    """Items that could not be read, at most one of each kind; the others are good all the same."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One frame, read."""

    raw: bytes
    segment: bytes
    """The data segment in plain text; as sent where it could not be opened."""
    encrypted: bool
    key_used: bool
    """Whether a key opened it."""
    head: Header
    edition: Edition
    """As it was given, else recognised."""
    items: list[tuple[str, str]]
    """All of CP, in order as sent."""
    packet: Packet
    verdicts: Verdict
    """All of them, those of the header included."""
    head_verdicts: Verdict
    qn: str
    """17 digits, empty where none was sent; of replies of 2005 that in CP."""
    crc: int
    """Of the plain segment, as computed."""
    crc_sent: int | None
    """None where it was no hexadecimal number."""

    @property
    def header(self) -> dict[str, str]:
        """Names and values of the header as sent, in order. Holds the password."""
        return self.head.sent


def parse_frame(
    cut: Cut, *, edition: str = "", keys: KeyRing = _NO_KEYS, zone: ZoneInfo, received: int = LATEST
) -> Parsed:
    """Read one frame.

    `edition` is what is configured for the device, empty: recognised. Stamps are local in `zone`. `received` (ms UTC)
    stands in for a QN that is missing when a key is chosen.
    """
    segment, encrypted, key_used = cut.segment, looks_encrypted(cut.segment), False
    head_bytes, body_bytes, form = _split(segment)
    head_text, _ = decode_text(head_bytes)
    head = read_header(head_text)
    cn, period = head.cn, period_of(head.cn)
    verdicts = cut_verdicts(cut) | form
    if encrypted:
        opened = open_frame(segment, cut.crc_text, head.mn, head.rf, keys, time_of(head.qn, zone, received))
        key_used = opened is not None
        length = len(opened.segment) if opened else plain_length(segment)
        verdicts = _of_plain_length(verdicts, cut, length)
        if opened is not None:
            segment, crc = opened.segment, opened.crc
            verdicts |= opened.verdict
            _, body_bytes, _ = _split(segment)
        else:
            crc, body_bytes = crc16(segment), b""
            verdicts |= Verdict.KEY_UNKNOWN
    else:
        crc = crc16(segment)
        verdicts |= crc_verdict(cut.crc_text, segment, crc)
    body, utf8 = decode_text(body_bytes)
    items = read_items(body)
    found = Edition(edition) if edition else by_flag(head.flag, head.st)
    if found is None:
        found = by_content(head.mn, factors_of(items.names))
    layout = layout_of(items.names, items.separators, period, analysers_of(items), reads=brings_readings(cn))
    packet = _packet(head, period, items, layout)
    head_verdicts = header_verdicts(head, found, keys)
    verdicts |= head_verdicts | items.form | layout.verdicts | _of_values(packet, found, zone)
    if not utf8:
        verdicts |= Verdict.TEXT_ENCODING
    if len(body_bytes) > RULES[found].cp_most:
        verdicts |= Verdict.CP_LONG
    if not items.names and not items.unreadable and is_data(cn) and not encrypted:
        verdicts |= Verdict.CP_EMPTY
    if body_bytes and not encrypted and must_encrypt(found, cn) and keys.has_keys(head.mn):
        verdicts |= Verdict.NOT_ENCRYPTED
    qn = head.qn
    if not qn and cn in REPLIES:
        qn = next((value for name, value in packet.notes if name == "QN" and _is_qn(value)), "")
        if not qn:
            verdicts |= Verdict.QN_MISSING
    return Parsed(
        raw=cut.raw,
        segment=segment,
        encrypted=encrypted,
        key_used=key_used,
        head=head,
        edition=found,
        items=[*zip(items.names, items.values, strict=True)],
        packet=packet,
        verdicts=verdicts,
        head_verdicts=head_verdicts,
        qn=qn,
        crc=crc,
        crc_sent=cut.crc,
    )


def header_verdicts(header: Header, edition: Edition, keys: KeyRing) -> Verdict:
    """What is wrong with a header by an edition, and with its password."""
    password = keys.password(header.mn)
    wrong = password is not None and password != header.pw
    return header.verdicts(edition) | (Verdict.PASSWORD_WRONG if wrong else Verdict.NONE)


def mn_of(segment: bytes) -> str:
    """The MN in the header of a segment, empty where there is none."""
    return read_header(decode_text(_split(segment)[0])[0]).mn


def cut_verdicts(cut: Cut) -> Verdict:
    """What is wrong with length and line end of a frame."""
    found = Verdict.NONE if cut.length_ok else Verdict.LENGTH_WRONG
    if len(cut.length_text) != 4:
        found |= Verdict.LENGTH_DIGITS
    if len(cut.segment) > SEGMENT_MOST:
        found |= Verdict.SEGMENT_LONG
    return found if cut.line_end else found | Verdict.LINE_END


def _of_plain_length(verdicts: Verdict, cut: Cut, length: int) -> Verdict:
    """Verdicts on the cut of an encrypted frame, whose length field may be that of its plain text."""
    verdicts &= ~Verdict.SEGMENT_LONG
    if length > SEGMENT_MOST:
        verdicts |= Verdict.SEGMENT_LONG
    if cut.length_text.isdigit() and int(cut.length_text) == length:
        verdicts &= ~Verdict.LENGTH_WRONG
    return verdicts


def time_of(qn: str, zone: ZoneInfo, otherwise: int) -> int:
    """ms UTC of a QN; `otherwise` where it is none."""
    try:
        return hj212_ms(qn, zone)
    except ValueError:
        return otherwise


def must_encrypt(edition: Edition, cn: str) -> bool:
    """Whether an edition asks for encryption of a command."""
    commands = RULES[edition].encrypted
    return bool(commands) and (cn in commands or is_data(cn))


def factors_of(names: list[str]) -> list[str]:
    """What stands before the dash of item names."""
    return [name.partition("-")[0] for name in names]


def decode_text(data: bytes) -> tuple[str, bool]:
    """The text of bytes, and whether it is the UTF-8 of the standard; else GB 18030, as field devices send."""
    try:
        return data.decode(), True
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace"), False


def _split(segment: bytes) -> tuple[bytes, bytes, Verdict]:
    """Header and what is between the two && of CP; what is wrong with the frame around it."""
    mark = CP_MARK.search(segment)
    if mark is None:
        return segment, b"", Verdict.HEADER_FIELD
    form = Verdict.NONE
    if mark[0] != PLAIN_MARK:
        form |= Verdict.NAME_CASE if mark[0][:2] != b"CP" else Verdict.NONE
        form |= Verdict.BLANKS if len(mark[0]) != len(PLAIN_MARK) else Verdict.NONE
    body = segment[mark.end() :]
    if not body.endswith(b"&&"):
        return segment[: mark.start()], body, form | Verdict.SEPARATOR
    return segment[: mark.start()], body[:-2], form


def _packet(head: Header, period: str, items: Items, layout: Layout) -> Packet:
    values = items.values
    faults: list[BadPayload] = []
    if items.unreadable:
        faults.append(BadPayload(Reason.BAD_ITEM, f"CP has the item {items.unreadable}; expected name=value"))
    if layout.unreadable:
        detail = f"CP has the name {layout.unreadable}; expected factor or factor-Field"
        faults.append(BadPayload(Reason.BAD_FACTOR, detail))
    notes = [(place, name, values[place]) for place, name in layout.notes]
    readings: list[Reading] = []
    facts = layout.facts
    for (factor, field), value, flag in zip(layout.names, layout.values, layout.flags, strict=True):
        text = values[value] if value >= 0 else None
        if text and text not in PROCESS_MARKS and number(text) is None:
            notes.append((value, f"{factor}-{field.partition('-')[0]}", text))
            if field.startswith("Info"):
                facts += 1
                continue
        readings.append(Reading(factor, field, text, values[flag] if flag >= 0 else ""))
    time = values[layout.time] if layout.time >= 0 else ""
    if time and len(time) != STAMP_DIGITS and not layout.alarm_time:
        notes.append((layout.time, "DataTime", time))
    notes.sort()
    told = [(name, value) for _, name, value in notes]
    return Packet(head.st, head.cn, head.mn, period, time, readings, told, facts, faults)


def _of_values(packet: Packet, edition: Edition, zone: ZoneInfo) -> Verdict:
    """What is wrong with the values of a CP: text for numbers, stamps of another form."""
    found = Verdict.NONE
    marks_are_right = edition is Edition.E2025 and packet.st == _CONDITIONS
    for reading in packet.readings:
        if reading.field == "SampleTime":
            if not _is_stamp(reading.text or "", zone):
                found |= Verdict.TIME_FORM
        elif (
            reading.text is not None
            and number(reading.text) is None
            and not (marks_are_right and reading.text in PROCESS_MARKS)
        ):
            found |= Verdict.VALUE_TEXT
    due = bool(packet.readings) and is_data(packet.cn)
    if (packet.time or due) and not _is_stamp(packet.time, zone):
        found |= Verdict.TIME_FORM
    return found


def _is_stamp(text: str, zone: ZoneInfo) -> bool:
    """Whether a text is a time as the standard writes it."""
    try:
        hj212_ms(text, zone)
    except ValueError:
        return False
    return len(text) == STAMP_DIGITS


def _is_qn(text: str) -> bool:
    return len(text) == 17 and text.isascii() and text.isdigit()
