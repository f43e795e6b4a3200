"""HJ 212-2017 over MQTT: payloads of one or several frames to columns.

A batch is read in three passes: cut the frames, check all CRCs at once, read the segments: by the fast lane
(`hj212_fast`) where nothing is unusual, else with the patience of `gateway.hj212.frame`.

Each packet of a split message is valid on its own: its factors are taken at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.channels import ChannelKey, Channels, ChannelsFull
from gateway.codecs.hj212_fast import FastLane
from gateway.codecs.seam import CodecSettings, Sink
from gateway.flags import NORMAL, UNKNOWN, flag_code
from gateway.hj212.crc import crc16_batch, sent_crcs
from gateway.hj212.frame import Packet, Reading, is_data, number, read_segment
from gateway.hj212.stream import Cut, cut
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason, shown
from gateway.records import DeadLetter
from gateway.stamps import hj212_ms

LONGEST_PAYLOAD: Final = 128 * 1024
"""Bytes: a hundred frames of the standard's length, or a dozen of the longest that four digits can say."""
MARKS: Final = {mark: flag_code(mark) for mark in ("F", "M", "S", "D", "C", "T", "B", "P", "St", "Sd", "Sr", "Md")}
"""Flags that some send in place of a value."""

_NAN: Final = float("nan")
_CRC_ENDS: Final = frozenset((b"", b"\r\n"))


class Hj212:
    """The codec of HJ 212 frames."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._inventory = inventory
        self._channels = channels
        self._max_factors = settings.decode.max_factors
        self._accept_bad_crc = "crc_wrong" not in settings.hj212.quarantine
        self._trust_topic = settings.decode.unknown_devices == "accept"
        self._zones = [inventory.sites[device.site].zone for device in inventory.devices]
        self._fast = FastLane(self._zones, channels, settings.decode.max_factors, self._device)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`. A bad frame among several of one payload is buried alone; the others are read."""
        payloads = sink.block.payloads
        origins: list[tuple[int, int, bytes]] = []  # row, device that the topic names, the frame's bytes
        segments: list[bytes] = []
        sent: list[bytes] = []
        for row, device in zip(rows, devices, strict=True):
            payload = payloads[row]
            if payload[:2] == b"##" and payload[2:6].isdigit():
                end = 6 + int(payload[2:6])
                crc = payload[end : end + 4]
                if len(crc) == 4 and crc.isalnum() and payload[end + 4 : end + 8] in _CRC_ENDS:
                    origins.append((row, device, payload))
                    segments.append(payload[6:end])
                    sent.append(crc)
                    continue
            for frame in self._cut(row, device, sink):
                origins.append((row, device, frame.raw))
                segments.append(frame.segment)
                sent.append(b"%04X" % frame.crc)
        crcs = crc16_batch(segments)
        good = (crcs == sent_crcs(sent)).tolist()
        idle: set[int] = set()
        for frame, (row, device, raw) in enumerate(origins):
            if not good[frame] and not self._accept_bad_crc:
                detail = _crc_detail(sent[frame].decode(), int(crcs[frame]))
                self._bury(sink, row, device, raw, BadPayload(Reason.BAD_CRC, detail))
            elif not self._fast.read(row, device, segments[frame], sink) and not self._read_patiently(
                row, device, raw, segments[frame], sink
            ):
                idle.add(row)
        if idle:
            first = sink.block.first
            sink.alive_only += len(idle.difference(sink.rows, (letter.position - first for letter in sink.dead)))

    def _cut(self, row: int, device: int, sink: Sink) -> list[Cut]:
        """The frames of a payload that is not simply one; what is no frame is buried."""
        payload = sink.block.payloads[row]
        if len(payload) > LONGEST_PAYLOAD:
            detail = f"{len(payload)} bytes are over the bound of {LONGEST_PAYLOAD}"
            self._bury(sink, row, device, payload, BadPayload(Reason.TOO_LONG, detail))
            return []
        pieces = cut(payload)
        if not pieces:
            self._bury(sink, row, device, payload, BadPayload(Reason.NOT_HJ212, "the payload is empty"))
        frames: list[Cut] = []
        for piece in pieces:
            if isinstance(piece, Cut):
                frames.append(piece)
            else:
                self._bury(sink, row, device, piece.raw, BadPayload(piece.reason, piece.detail))
        return frames

    def _read_patiently(self, row: int, device: int, raw: bytes, segment: bytes, sink: Sink) -> bool:
        """Read any segment into the sink or bury it; False where it is neither: a sign of life without readings."""
        packet = read_segment(segment)
        try:
            device = self._device(device, packet.mn)
            sink.devices.add(device)
            readings = _readings(packet)
            if readings:
                time, channels = self._time_and_channels(device, packet, readings)
                values, flags = zip(*map(_value, readings), strict=True)
                sink.rows.append(row)
                sink.counts.append(len(readings))
                sink.times.append(time)
                sink.channels += channels
                sink.values += values
                sink.flags += flags
        except BadPayload as bad:
            self._bury(sink, row, device, raw, bad)
            return True
        for fault in packet.faults:
            self._bury(sink, row, device, raw, fault)
        return bool(readings or packet.faults)

    def _bury(self, sink: Sink, row: int, device: int, raw: bytes, bad: BadPayload) -> None:
        """Make a frame a dead letter; its device has been heard of all the same, unless it is in doubt whose it is."""
        block = sink.block
        position, topic = block.first + row, block.topics[row]
        sink.dead.append(DeadLetter(position, block.received, block.link, topic, raw, bad.reason, bad.detail))
        if device >= 0 and bad.reason is not Reason.MN_MISMATCH:
            sink.devices.add(device)

    def _device(self, device: int, mn: str) -> int:
        """The number of the device that a frame is from. Raises `BadPayload`."""
        known = self._inventory.mn_numbers.get(mn)
        if known is not None:
            if device >= 0 and device != known:
                named = self._inventory.devices[device].id
                owner = self._inventory.devices[known].id
                raise BadPayload(
                    Reason.MN_MISMATCH,
                    f"MN {shown(mn)} is of device {shown(owner)}, but the topic names {shown(named)}",
                )
            return known
        if device >= 0 and (not mn or self._trust_topic):
            return device
        if not mn:
            raise BadPayload(Reason.UNKNOWN_DEVICE, "the topic names no device of the inventory, and MN is missing")
        raise BadPayload(Reason.UNKNOWN_DEVICE, f"MN {shown(mn)} is not in the inventory")

    def _time_and_channels(self, device: int, packet: Packet, readings: list[Reading]) -> tuple[int, list[int]]:
        """Raises `BadPayload`."""
        if len(readings) > self._max_factors:
            raise BadPayload(
                Reason.TOO_MANY_FACTORS, f"CP has {len(readings)} readings; {self._max_factors} are allowed"
            )
        if not packet.time:
            raise BadPayload(Reason.MISSING_FIELD, "DataTime is missing")
        try:
            time = hj212_ms(packet.time, self._zones[device])
        except ValueError as error:
            raise BadPayload(Reason.BAD_TIME, f"DataTime {shown(packet.time)} {error}") from None
        number_of = self._channels.number
        try:
            channels = [number_of(ChannelKey(device, one.factor, one.field, packet.period)) for one in readings]
        except ChannelsFull as full:
            raise BadPayload(Reason.CHANNELS_FULL, str(full)) from None
        return time, channels


def _readings(packet: Packet) -> list[Reading]:
    """The readings that are to be stored, none for a mere sign of life. Raises `BadPayload` for what cannot be."""
    if not packet.cn:
        raise BadPayload(Reason.MISSING_FIELD, "CN is missing")
    if is_data(packet.cn):
        if packet.notes and not packet.readings and not packet.faults:
            raise BadPayload(Reason.TEXT_VALUE, "CP has no reading, only text about readings")
        return packet.readings
    if packet.readings or packet.notes or packet.faults:
        raise BadPayload(Reason.UNSUPPORTED_COMMAND, f"CN {shown(packet.cn)} brings items that are not read")
    return []


def _value(reading: Reading) -> tuple[float, int]:
    """Value and flag of a reading: a mark in place of a number is the flag, any other text is an unknown one."""
    text, flag = reading.text, flag_code(reading.flag)
    if not text:
        return _NAN, flag
    value = number(text)
    if value is not None:
        return value, flag
    if text in MARKS:
        return _NAN, MARKS[text]
    return _NAN, UNKNOWN if flag == NORMAL else flag


def _crc_detail(sent: str, computed: int) -> str:
    right = f"{computed:04X}"
    swapped = " (its two bytes are swapped)" if sent.upper() == right[2:] + right[:2] else ""
    return f"the frame ends with CRC {sent}, its data segment has {right}{swapped}"
