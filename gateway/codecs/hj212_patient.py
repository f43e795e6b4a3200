"""The patient way of HJ 212: any frame, however it is written, to readings, notes, verdicts and dead letters."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from detectors.records import NEVER
from gateway.codecs.hj212_senders import Senders, flags_of
from gateway.codecs.seam import Sink
from gateway.flags import NORMAL, UNKNOWN, flag_code
from gateway.hj212.commands import brings_readings, command, is_data
from gateway.hj212.cut import Cut
from gateway.hj212.items import number
from gateway.hj212.reader import PROCESS_MARKS, Packet, Parsed, Reading, mn_of, parse_frame
from gateway.hj212.verdicts import CRC_VERDICTS, Verdict, words_of
from gateway.reasons import BadPayload, Reason, shown
from gateway.records import DeadLetter, FrameHead, LoggerFrame

_NAN: Final = float("nan")
_MARKS: Final = {mark: flag_code(mark) for mark in PROCESS_MARKS}


class Patient:
    """Reads one frame at a time."""

    def __init__(self, senders: Senders) -> None:
        self._senders = senders

    def read(self, row: int, topic_device: int, frame: Cut, sink: Sink) -> bool:
        """Read a frame into the sink or bury it; False where it is neither: a sign of life without readings."""
        senders, received = self._senders, sink.block.received
        refused: BadPayload | None = None
        try:
            device = senders.find(topic_device, mn_of(frame.segment))
        except BadPayload as bad:
            device, refused = -1, bad
        edition, zone = senders.edition(device), senders.zone(device)
        parsed = parse_frame(frame, edition=edition, keys=senders.keys, zone=zone, received=received)
        packet, head = parsed.packet, senders.head(device, parsed.edition, parsed.head, parsed.head_verdicts.value)
        heard = device if device >= 0 else topic_device
        kept_out = parsed.verdicts & senders.quarantine(device)
        if kept_out:
            bury(sink, row, heard, frame.raw, _quarantined(parsed, frame, kept_out))
            self._note(row, parsed, head, sink, taken=False)
            return True
        try:
            if refused is not None:
                raise refused
            sink.devices.add(device)
            self._read(row, parsed, head, sink)
        except BadPayload as bad:
            bury(sink, row, heard, frame.raw, bad)
            self._note(row, parsed, head, sink, taken=False)
            return True
        for fault in packet.faults:
            bury(sink, row, device, frame.raw, fault)
        self._note(row, parsed, head, sink, taken=bool(packet.readings) or not packet.faults)
        return bool(packet.readings or packet.faults)

    def _read(self, row: int, parsed: Parsed, head: FrameHead, sink: Sink) -> None:
        """The readings of a frame into the sink. Raises `BadPayload` where they cannot be stored."""
        packet = parsed.packet
        _check(packet)
        if not packet.readings:
            return
        if len(packet.readings) > self._senders.max_factors:
            found, most = len(packet.readings), self._senders.max_factors
            raise BadPayload(Reason.TOO_MANY_FACTORS, f"CP has {found} readings; {most} are allowed")
        time = self._time(parsed, head.device)
        names = [(reading.factor, reading.field) for reading in packet.readings]
        channels = self._senders.channels(head, names, packet.period)
        flag_of = flags_of(head.edition, head.st)
        for reading in packet.readings:
            flag = flag_of(reading.flag)
            value, flag = self._value(reading, flag, head.device)
            sink.values.append(value)
            sink.flags.append(flag)
        if head.rf:
            sink.backfilled.append(len(sink.rows))
        sink.rows.append(row)
        sink.counts.append(len(channels))
        sink.times.append(time)
        sink.channels += channels

    def _time(self, parsed: Parsed, device: int) -> int:
        """DataTime, or QN where the command has no DataTime. Raises `BadPayload`."""
        packet = parsed.packet
        if not packet.time and parsed.qn and not is_data(packet.cn):
            clock, stamp, name = self._senders.plain_clock(device), parsed.qn, "QN"
        else:
            clock, stamp, name = self._senders.clock(device, packet.cn), packet.time, "DataTime"
        if not stamp:
            raise BadPayload(Reason.MISSING_FIELD, "DataTime is missing")
        try:
            return clock.ms(stamp.encode("utf-8", "replace"))
        except ValueError as error:
            raise BadPayload(Reason.BAD_TIME, f"{name} {shown(stamp)} {error}") from None

    def _value(self, reading: Reading, flag: int, device: int) -> tuple[float, int]:
        """Value and flag of a reading: a mark in place of a number is the flag, any other text is an unknown one."""
        text = reading.text
        if not text:
            return _NAN, flag
        if reading.field == "SampleTime":
            try:
                return float(self._senders.plain_clock(device).ms(text.encode("utf-8", "replace"))), flag
            except ValueError:
                return _NAN, UNKNOWN if flag == NORMAL else flag
        value = number(text)
        if value is not None:
            return value, flag
        if text in _MARKS:
            return _NAN, _MARKS[text]
        return _NAN, UNKNOWN if flag == NORMAL else flag

    def _note(self, row: int, parsed: Parsed, head: FrameHead, sink: Sink, *, taken: bool) -> None:
        """Add what is told of a frame beside its readings."""
        packet, time = parsed.packet, NEVER
        if packet.time and head.device >= 0:
            with suppress(ValueError):
                time = self._senders.clock(head.device, packet.cn).ms(packet.time.encode("utf-8", "replace"))
        sink.frames.append(
            LoggerFrame(
                *(row, head, parsed.qn.encode(), time, parsed.verdicts.value, parsed.crc, taken, tuple(packet.notes)),
                encrypted=parsed.encrypted,
            )
        )


def bury(sink: Sink, row: int, device: int, raw: bytes, bad: BadPayload) -> None:
    """Make a frame a dead letter; its device has been heard of all the same, unless it is in doubt whose it is."""
    block = sink.block
    position, topic = block.first + row, block.topics[row]
    whole = DeadLetter(position, block.received, block.link, topic, raw, bad.reason, bad.detail, bad.claimed)
    sink.dead.append(whole)
    if device >= 0 and bad.reason is not Reason.MN_MISMATCH:
        sink.devices.add(device)


def _check(packet: Packet) -> None:
    """Raises `BadPayload` for a frame that can mean nothing, or nothing that is kept."""
    if not packet.cn:
        raise BadPayload(Reason.MISSING_FIELD, "CN is missing")
    if not brings_readings(packet.cn) and command(packet.cn) is None and packet.facts:
        raise BadPayload(Reason.UNSUPPORTED_COMMAND, f"CN {shown(packet.cn)} brings items that are not read")
    if is_data(packet.cn) and packet.facts and not packet.readings and not packet.faults:
        raise BadPayload(Reason.TEXT_VALUE, "CP has no reading, only text about readings")


def _quarantined(parsed: Parsed, frame: Cut, kept_out: Verdict) -> BadPayload:
    """The dead letter's reason and sentence."""
    words = ", ".join(words_of(kept_out))
    if kept_out & CRC_VERDICTS:
        sent = frame.crc_text.decode("ascii", "replace")
        return BadPayload(
            Reason.BAD_CRC, f"the frame ends with CRC {sent}, its data segment has {parsed.crc:04X} ({words})"
        )
    return BadPayload(Reason.QUARANTINED, f"the frame is kept out for {words} (hj212.quarantine)")
