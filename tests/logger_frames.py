"""HJ 212 frames as a codec hands them on, made up for tests of what becomes known of loggers."""

from __future__ import annotations

from collections.abc import Sequence

from detectors.records import NEVER, Readings
from gateway.records import Decoded, FrameHead, LoggerFrame

NOW = 1_777_622_400_000
"""2026-05-01T08:00:00Z: a full hour, and a full 10 minutes."""
MINUTE = 60_000
HOUR = 60 * MINUTE

_heads: dict[tuple[object, ...], FrameHead] = {}


def head(
    device: int = 0,
    cn: str = "2011",
    *,
    edition: str = "2017",
    st: str = "31",
    flag: int = 5,
    pnum: int = 0,
    pno: int = 0,
    rf: bool = False,
    verdicts: int = 0,
) -> FrameHead:
    """One object for each distinct header, as a codec has it."""
    key = (device, edition, st, cn, f"88888880000{device:03d}", flag, pnum, pno, rf, verdicts)
    return _heads.setdefault(key, FrameHead(*key))


def qn_of(ms: int) -> bytes:
    """A QN that is another one for each millisecond."""
    return b"%017d" % (20_260_501_000_000_000 + ms % 1_000_000_000)


def frame(
    head: FrameHead,
    time: int = NOW,
    *,
    row: int = 0,
    qn: bytes | None = None,
    verdicts: int | None = None,
    crc: int = 0x1C80,
    taken: bool = True,
    items: Sequence[tuple[str, str]] = (),
    encrypted: bool = False,
) -> LoggerFrame:
    """A frame; its QN is that of its time where none is given."""
    return LoggerFrame(
        row,
        head,
        qn_of(time) if qn is None else qn,
        time,
        head.verdicts if verdicts is None else verdicts,
        crc,
        taken,
        tuple(items),
        encrypted,
    )


def decoded(*frames: LoggerFrame, received: int = NOW, first: int = 0, link: str = "plant") -> Decoded:
    """A block of these frames, each a message of its own."""
    rows = [one._replace(row=row) for row, one in enumerate(frames)]
    return Decoded(first, first + len(rows), received, Readings.empty(), [], [], frames=rows, link=link)


__all__ = ["HOUR", "MINUTE", "NEVER", "NOW", "decoded", "frame", "head", "qn_of"]
