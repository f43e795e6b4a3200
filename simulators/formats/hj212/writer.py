"""Readings as the data messages of HJ 212, in the words of one edition."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simulators.formats.hj212.editions import EDITIONS, REPLY, SPLIT, Edition, Rules
from simulators.formats.hj212.frame import crc16, enclose
from simulators.formats.hj212.sm4 import seal
from simulators.formats.seam import Packet
from simulators.records import Period, Reading, Report

SEALED: Final = frozenset(("1014", "3020"))
"""What 2025 encrypts beside the data of 2000 to 2999."""
COMMANDS: Final[dict[Period, str]] = {"realtime": "2011", "minute": "2051", "hour": "2061", "day": "2031"}


@dataclass(frozen=True, slots=True)
class Writer:
    """One monitor: how it calls itself and which words it uses."""

    system_type: str
    """`ST`: 31 flue gas, 32 waste water, 22 ambient air."""
    mn: str
    zone: ZoneInfo
    """In whose local time the stamps are; none is carried."""
    edition: Edition = "2017"
    password: str = field(default="123456", repr=False)
    wants_reply: bool = False
    """Whether data messages ask for a 9014."""
    key: bytes | None = field(default=None, repr=False)
    """SM4 key of 16 bytes: CP is encrypted (2025)."""

    def packets(self, report: Report) -> list[Packet]:
        """One frame, or several with PNUM and PNO where CP would be longer than the edition allows."""
        items = self.items(report)
        frames = self.data(report.period, report.stamp, items, report.time, again=report.backfilled)
        if len(frames) == 1:
            return [Packet(frames[0], report.readings)]
        left = iter(report.readings)
        groups = _groups(self._time(report.stamp), items, EDITIONS[self.edition].cp_most)
        return [
            Packet(frame, list(itertools.islice(left, len(group)))) for frame, group in zip(frames, groups, strict=True)
        ]

    def items(self, report: Report) -> list[str]:
        """What stands in CP behind DataTime, one item a factor."""
        rules = EDITIONS[self.edition]
        return [_item(reading, rules, self.system_type) for reading in report.readings]

    def data(self, period: Period, stamp: int, items: Sequence[str], said: int, *, again: bool = False) -> list[bytes]:
        """Frames of data: `stamp` is what they are of, `said` the number (ms UTC) of the first.

        Each packet of a split message has its own QN and repeats DataTime (HJ 212-2017 annex C).
        """
        rules = EDITIONS[self.edition]
        time = self._time(stamp)
        parts = [";".join((time, *group)) for group in _groups(time, items, rules.cp_most)]
        version = rules.version << 2 | (REPLY if self.wants_reply else 0)
        backfilled = "RF=1;" if again and rules.backfill else ""
        made: list[bytes] = []
        for number, cp in enumerate(parts, 1):
            split = f"Flag={version | SPLIT};PNUM={len(parts)};PNO={number}" if len(parts) > 1 else f"Flag={version}"
            flags = f"{split};{backfilled}".rstrip(";")
            made.append(self.frame(COMMANDS[period], flags, cp.encode("ascii"), said + number - 1))
        return made

    def _time(self, stamp: int) -> str:
        return f"DataTime={local(stamp, self.zone):%Y%m%d%H%M%S}"

    def upload(self, command: str, cp: str, said: int, *, wants_reply: bool | None = None) -> bytes:
        """A frame of anything else that is sent up; it asks for an answer as data do, unless told otherwise."""
        wanted = self.wants_reply if wants_reply is None else wants_reply
        flag = EDITIONS[self.edition].version << 2 | (REPLY if wanted else 0)
        return self.frame(command, f"Flag={flag}", cp.encode(), said)

    def started(self, clock: int, said: int) -> bytes:
        """When the monitor was started (2081): at `clock`, by its own."""
        stamp = f"{local(clock, self.zone):%Y%m%d%H%M%S}"
        return self.upload("2081", f"DataTime={stamp};RestartTime={stamp}", said)

    def answer(self, command: str, qn: str, cp: str) -> bytes:
        """A frame of 9011 to 9014, the answer to the message `qn`: 2005 puts that number into CP."""
        head = f"ST=91;CN={command};PW={self.password};MN={self.mn};Flag={EDITIONS[self.edition].version << 2}"
        if self.edition == "2005":
            return enclose(f"{head};CP=&&{';'.join(part for part in (f'QN={qn}', cp) if part)}&&".encode())
        return enclose(f"QN={qn};{head};CP=&&{cp}&&".encode())

    def frame(self, command: str, flags: str, cp: bytes, qn: int) -> bytes:
        """One frame. `flags`: from Flag up to CP; `qn`: ms UTC, a number no other message of the monitor has."""
        said = local(qn, self.zone)
        stamp = f"QN={said:%Y%m%d%H%M%S}{said.microsecond // 1000:03d}"
        head = f"{stamp};ST={self.system_type};CN={command};PW={self.password};MN={self.mn};{flags};CP=&&".encode()
        plain = head + cp + b"&&"
        if self.key is None or not (command.startswith("2") or command in SEALED):
            return enclose(plain)
        return enclose(head + seal(cp, self.key) + b"&&", crc16(plain))


def local(time: int, zone: ZoneInfo) -> datetime:
    """A moment (ms UTC) on the clock of a place."""
    return datetime.fromtimestamp(time // 1000, zone) + timedelta(milliseconds=time % 1000)


def _item(reading: Reading, rules: Rules, system_type: str) -> str:
    code = rules.codes.get(reading.code, reading.code)
    fields = [f"{code}-{name}={value:.{rules.decimals(reading, name)}f}" for name, value in reading.values.items()]
    return ",".join((*fields, f"{code}-Flag={rules.flag(reading.flag, system_type)}"))


def _groups(stamp: str, items: Sequence[str], most: int) -> list[list[str]]:
    """The items of each packet: as many as fit behind the stamp, one at least."""
    groups: list[list[str]] = [[]]
    length = len(stamp)
    for item in items:
        if length + 1 + len(item) > most and groups[-1]:
            groups.append([])
            length = len(stamp)
        groups[-1].append(item)
        length += 1 + len(item)
    return groups
