"""Readings as the data messages of HJ 212, in the words of one edition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simulators.formats.hj212.editions import EDITIONS, REPLY, SPLIT, Edition
from simulators.formats.hj212.frame import crc16, enclose
from simulators.formats.hj212.sm4 import seal
from simulators.records import Period, Reading, Report

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

    def payloads(self, report: Report) -> list[bytes]:
        """One frame, or several with PNUM and PNO where CP would be longer than the edition allows.

        Each packet of a split message has its own QN and repeats DataTime (HJ 212-2017 annex C).
        """
        rules = EDITIONS[self.edition]
        stamp = f"DataTime={local(report.stamp, self.zone):%Y%m%d%H%M%S}"
        parts = _parts(stamp, [_item(reading, rules.codes) for reading in report.readings], rules.cp_most)
        version = rules.version << 2 | (REPLY if self.wants_reply else 0)
        again = "RF=1;" if report.backfilled and rules.backfill else ""
        made: list[bytes] = []
        for number, cp in enumerate(parts, 1):
            split = f"Flag={version | SPLIT};PNUM={len(parts)};PNO={number}" if len(parts) > 1 else f"Flag={version}"
            qn = report.time + number - 1
            made.append(self.frame(COMMANDS[report.period], f"{split};{again}".rstrip(";"), cp.encode("ascii"), qn))
        return made

    def frame(self, command: str, flags: str, cp: bytes, qn: int) -> bytes:
        """One frame. `flags`: from Flag up to CP; `qn`: ms UTC, a number no other message of the monitor has."""
        said = local(qn, self.zone)
        stamp = f"QN={said:%Y%m%d%H%M%S}{said.microsecond // 1000:03d}"
        head = f"{stamp};ST={self.system_type};CN={command};PW={self.password};MN={self.mn};{flags};CP=&&".encode()
        plain = head + cp + b"&&"
        if self.key is None:
            return enclose(plain)
        return enclose(head + seal(cp, self.key) + b"&&", crc16(plain))


def local(time: int, zone: ZoneInfo) -> datetime:
    """A moment (ms UTC) on the clock of a place."""
    return datetime.fromtimestamp(time // 1000, zone) + timedelta(milliseconds=time % 1000)


def _item(reading: Reading, codes: dict[str, str]) -> str:
    code = codes.get(reading.code, reading.code)
    fields = [f"{code}-{name}={value:.{reading.decimals}f}" for name, value in reading.values.items()]
    return ",".join((*fields, f"{code}-Flag={reading.flag}"))


def _parts(stamp: str, items: Sequence[str], most: int) -> list[str]:
    parts: list[str] = []
    part = stamp
    for item in items:
        if len(part) + 1 + len(item) > most and part != stamp:
            parts.append(part)
            part = stamp
        part += f";{item}"
    return [*parts, part]
