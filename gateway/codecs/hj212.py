"""HJ 212 of all editions: payloads of one or several frames to columns, and each frame with its verdicts.

A batch is read in three passes: cut the frames, check all CRCs at once, read the segments: by the fast lane
(`hj212_fast`) where nothing is unusual, else with patience (`hj212_patient`).

Each packet of a split message is valid on its own: its factors are taken at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.channels import Channels
from gateway.codecs.cache import Cache
from gateway.codecs.hj212_fast import FastLane
from gateway.codecs.hj212_patient import Patient, bury
from gateway.codecs.hj212_senders import REMEMBERED_HEADS, Senders
from gateway.codecs.seam import CodecSettings, Sink
from gateway.hj212.crc import crc16_batch, sent_crcs
from gateway.hj212.cut import Cut
from gateway.hj212.editions import SEGMENT_MOST
from gateway.hj212.header import Header, read_header
from gateway.hj212.opening import Opened, open_frame
from gateway.hj212.reader import PLAIN_MARK, cut_verdicts, decode_text, time_of
from gateway.hj212.sm4 import looks_encrypted
from gateway.hj212.stream import cut
from gateway.hj212.verdicts import Verdict
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason

LONGEST_PAYLOAD: Final = 128 * 1024
"""Bytes: a hundred frames of the standard's length, or a dozen of the longest that four digits can say."""

_LINE_END: Final = Verdict.LINE_END.value
_SEGMENT_LONG: Final = Verdict.SEGMENT_LONG.value
_LOWER_CASE: Final = Verdict.CRC_LOWER_CASE.value
_SHORT: Final = Verdict.CRC_SHORT.value
_ALLOWED: Final = Verdict.CRC_LOWER_CASE | Verdict.KEY_OLD
"""Verdicts on an opened frame with which the fast lane can deal."""
_MARKS_OF_END: Final = {b"\r\n": 0, b"": _LINE_END}


class Hj212:
    """The codec of HJ 212 frames."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._senders = Senders(inventory, channels, settings)
        self._patient = Patient(self._senders)
        self._fast = FastLane(self._senders)
        self._headers: Cache[bytes, Header] = Cache(REMEMBERED_HEADS)
        """Of encrypted frames, by what stands behind QN."""

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`. A bad frame among several of one payload is buried alone; the others are read."""
        payloads = sink.block.payloads
        origins: list[tuple[int, int, bytes]] = []  # row, device that the topic names, the frame's bytes
        cuts: dict[int, Cut] = {}  # frames that are not simply a payload, by their place
        segments: list[bytes] = []
        sent: list[bytes] = []
        marks: list[int] = []  # verdicts on the cut
        for row, device in zip(rows, devices, strict=True):
            payload = payloads[row]
            if payload[:2] == b"##" and payload[2:6].isdigit():
                end = 6 + int(payload[2:6])
                crc = payload[end : end + 4]
                mark = _MARKS_OF_END.get(payload[end + 4 : end + 8])
                if mark is not None and len(crc) == 4 and crc.isalnum():
                    origins.append((row, device, payload))
                    segments.append(payload[6:end])
                    sent.append(crc)
                    marks.append(mark if end <= SEGMENT_MOST + 6 else mark | _SEGMENT_LONG)
                    continue
            for frame in self._cut(row, device, sink):
                cuts[len(origins)] = frame
                origins.append((row, device, frame.raw))
                segments.append(frame.segment)
                sent.append(frame.crc_text.rjust(4, b"0"))
                mark = cut_verdicts(frame).value
                marks.append(mark if len(frame.crc_text) == 4 else mark | _SHORT)
        crcs = crc16_batch(segments)
        good = (crcs == sent_crcs(sent)).tolist()
        if (together := b"".join(sent)) != together.upper():
            marks = [
                mark | _LOWER_CASE if text != text.upper() else mark for mark, text in zip(marks, sent, strict=True)
            ]
        opened: dict[int, Opened] = {}
        for at, (_, device, _) in enumerate(origins):
            if not good[at] and (plain := self._open(device, segments[at], sent[at], sink.block.received)):
                opened[at] = plain
        idle: set[int] = set()
        read, patience = self._fast.read, self._patient.read
        for at, ((row, device, raw), crc) in enumerate(zip(origins, crcs.tolist(), strict=True)):
            if good[at]:
                if read(row, device, segments[at], crc, marks[at], False, sink):
                    continue
            elif (plain := opened.get(at)) is not None:
                mark = marks[at] | plain.verdict.value
                if read(row, device, plain.segment, plain.crc, mark, True, sink):
                    continue
            frame = cuts.get(at) or Cut(
                *(raw, segments[at], sent[at], raw[2:6]), length_ok=True, line_end=not marks[at] & _LINE_END
            )
            if not patience(row, device, frame, sink):
                idle.add(row)
        if idle:
            first = sink.block.first
            sink.alive_only += len(idle.difference(sink.rows, (letter.position - first for letter in sink.dead)))

    def _open(self, device: int, segment: bytes, sent: bytes, received: int) -> Opened | None:
        """The plain segment of one that was encrypted as it should be; None: the frame wants patience."""
        if not looks_encrypted(segment):
            return None
        head = segment.partition(PLAIN_MARK)[0]
        qn, key = (head[3:20], head[20:]) if head[:3] == b"QN=" else (b"", head)
        header = self._headers.get(key)
        if header is None:
            header = read_header(decode_text(head)[0])
            self._headers.keep(key, header)
        time = time_of(qn.decode("latin-1"), self._senders.zone(device), received)
        plain = open_frame(segment, sent, header.mn, header.rf, self._senders.keys, time)
        as_it_should_be = plain and len(plain.segment) == len(segment) and not plain.verdict & ~_ALLOWED
        return plain if as_it_should_be else None

    def _cut(self, row: int, device: int, sink: Sink) -> list[Cut]:
        """The frames of a payload that is not simply one; what is no frame is buried."""
        payload = sink.block.payloads[row]
        if len(payload) > LONGEST_PAYLOAD:
            detail = f"{len(payload)} bytes are over the bound of {LONGEST_PAYLOAD}"
            bury(sink, row, device, payload, BadPayload(Reason.TOO_LONG, detail))
            return []
        pieces = cut(payload)
        if not pieces:
            bury(sink, row, device, payload, BadPayload(Reason.NOT_HJ212, "the payload is empty"))
        frames: list[Cut] = []
        for piece in pieces:
            if isinstance(piece, Cut):
                frames.append(piece)
            else:
                bury(sink, row, device, piece.raw, BadPayload(piece.reason, piece.detail))
        return frames
