"""What a monitor does at a command of the centre: one function a command, one line in the table (HJ 212-2017, 6.6.5).

A function returns the frames that come between 9011 and 9012, and raises `Undone` where it cannot be done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from simulators.formats.hj212 import Writer
from simulators.formats.hj212.writer import COMMANDS as DATA
from simulators.formats.hj212.writer import local
from simulators.loggers.control import Control
from simulators.loggers.frames import Heard
from simulators.records import Period

CONDITION_WRONG, NO_DATA = 3, 100
"""ExeRtn."""
PERIODS: Final[MappingProxyType[str, Period]] = MappingProxyType({command: period for period, command in DATA.items()})
INTERVALS_S: Final = range(1, 9999 + 1)
"""Allowed `RtdInterval`: what its four digits hold. The standard's 30 to 3600 is too slow for tests."""
TWO_DIGITS: Final = range(1, 100)
ANY_YEAR: Final = range(1, 10_000)
CLOCK_YEARS: Final = range(2000, 2100)
"""Years to which a clock can be set."""
TEXT_MOST: Final = 32
"""Characters of a code or a number that a command names; what is longer is none."""
SAMPLE_MIN: Final = 30
"""What a sampler tells of the time that a sample takes (`Stime`)."""


class Undone(Exception):
    """A command that cannot be done: its ExeRtn."""

    def __init__(self, result: int) -> None:
        super().__init__(result)
        self.result = result


@dataclass(frozen=True, slots=True)
class Order:
    """One command, and the monitor that it is for."""

    heard: Heard
    now: int
    """When it came, ms UTC."""
    writer: Writer
    control: Control
    repeated: bool
    """It came before: it is answered again and not done again."""
    tell: Callable[..., None]
    """Told what has changed: a word, and the values by name."""

    @property
    def clock(self) -> str:
        """What the monitor's clock says."""
        return self.stamp(self.control.clock(self.now))

    def stamp(self, time: int) -> str:
        return f"{local(time, self.writer.zone):%Y%m%d%H%M%S}"

    def time(self, name: str, years: range = ANY_YEAR) -> int:
        """ms UTC of a stamp in local time."""
        try:
            time = datetime.strptime(self.heard.items.get(name, ""), "%Y%m%d%H%M%S").replace(tzinfo=self.writer.zone)
        except ValueError:
            raise Undone(CONDITION_WRONG) from None
        if time.year not in years:
            raise Undone(CONDITION_WRONG)
        return round(time.timestamp() * 1000)

    def whole(self, name: str, allowed: Sequence[int]) -> int:
        text = self.text(name)
        if not text.isdecimal() or int(text) not in allowed:
            raise Undone(CONDITION_WRONG)
        return int(text)

    def text(self, name: str, default: str = "") -> str:
        text = self.heard.items.get(name, default)
        if len(text) > TEXT_MOST:
            raise Undone(CONDITION_WRONG)
        return text

    def upload(self, cp: str) -> list[bytes]:
        """One frame with what was asked for, and the instrument that was meant, if one was."""
        instrument = f"PolId={self.text('PolId')};" if "PolId" in self.heard.items else ""
        return [self.writer.upload(self.heard.cn, instrument + cp, self.control.number(self.now))]


def set_retries(order: Order) -> list[bytes]:
    overtime, recount = order.whole("OverTime", TWO_DIGITS), order.whole("ReCount", TWO_DIGITS)
    order.control.overtime_s, order.control.recount = float(overtime), recount
    order.tell("set_retries", overtime_s=overtime, recount=recount)
    return []


def read_time(order: Order) -> list[bytes]:
    return order.upload(f"SystemTime={order.clock}")


def set_time(order: Order) -> list[bytes]:
    to = order.time("SystemTime", CLOCK_YEARS)
    moved = 0 if order.repeated else order.control.set_clock(order.now, to)
    if moved:
        order.tell("set_time", moved_ms=moved)
    return []


def read_interval(order: Order) -> list[bytes]:
    return order.upload(f"RtdInterval={round(order.control.interval_ms / 1000)}")


def set_interval(order: Order) -> list[bytes]:
    seconds = order.whole("RtdInterval", INTERVALS_S)
    order.control.interval_ms = seconds * 1000
    order.tell("set_interval", interval_s=seconds)
    return []


def read_minute_interval(order: Order) -> list[bytes]:
    return order.upload(f"MinInterval={order.control.minute_min}")


def set_minute_interval(order: Order) -> list[bytes]:
    """Averages are of the interval with which the scenario began: another one cannot be done."""
    order.whole("MinInterval", (order.control.minute_min,))
    return []


def realtime(order: Order) -> list[bytes]:
    """Begin to send real-time data, or send those of a time (2025)."""
    if "BeginTime" in order.heard.items:
        return history(order)
    order.control.realtime = True
    order.tell("start_realtime")
    return []


def history(order: Order) -> list[bytes]:
    """What was said of the time from BeginTime to EndTime."""
    control, writer, period = order.control, order.writer, PERIODS[order.heard.cn]
    frames: list[bytes] = []
    for row in control.history(period, order.time("BeginTime"), order.time("EndTime") + 999, order.now):
        first = control.number(order.now)
        made = writer.data(period, row.stamp, row.items.decode().split("\n"), first, again=True)
        control.number(first + len(made) - 1)
        frames += made
    if not frames:
        raise Undone(NO_DATA)
    return frames


def equipment(order: Order) -> list[bytes]:
    return order.upload(f"DataTime={order.clock};SB1-RS=1")


def act(order: Order) -> list[bytes]:
    """Calibrate, sample, clean: it is in the log."""
    if not order.repeated:
        order.tell(ACTIONS[order.heard.cn], factor=order.text("PolId"))
    return []


def keep_sample(order: Order) -> list[bytes]:
    vase = order.text("VaseNo", "1")
    if not order.repeated:
        order.tell("keep_sample", vase=vase)
    return order.upload(f"DataTime={order.clock};VaseNo={vase}")


def sample_time(order: Order) -> list[bytes]:
    return order.upload(f"Stime={SAMPLE_MIN}")


def instrument(order: Order) -> list[bytes]:
    code = order.text("PolId")
    if not code:
        raise Undone(CONDITION_WRONG)
    return order.upload(f"{code}-SN={order.writer.mn}")


def information(order: Order) -> list[bytes]:
    """The log by time (i11001), or the state (i12001: 0 for at work)."""
    what = order.heard.items.get("InfoId", "")
    if what == "i12001":
        return order.upload(f"DataTime={order.clock};i12001-Info=0")
    begin, end = order.heard.items.get("BeginTime", ""), order.heard.items.get("EndTime", "9" * 14)
    lines = [(order.stamp(time), text) for time, text in order.control.log]
    frames = [
        frame
        for stamp, text in lines
        if what == "i11001" and begin <= stamp <= end
        for frame in order.upload(f"DataTime={stamp};i11001-Info=//{text}//")
    ]
    if not frames:
        raise Undone(NO_DATA)
    return frames


ACTIONS: Final = MappingProxyType({"3011": "calibration", "3012": "sample", "3013": "cleaning"})
SINCE_2017: Final = frozenset(("1063", "1064", "3015", "3018", "3019", "3020"))
COMMANDS: Final[MappingProxyType[str, Callable[[Order], list[bytes]]]] = MappingProxyType(
    {
        "1000": set_retries,
        "1011": read_time,
        "1012": set_time,
        "1061": read_interval,
        "1062": set_interval,
        "1063": read_minute_interval,
        "1064": set_minute_interval,
        "2011": realtime,
        "2021": equipment,
        "2031": history,
        "2051": history,
        "2061": history,
        "3011": act,
        "3012": act,
        "3013": act,
        "3015": keep_sample,
        "3018": sample_time,
        "3019": instrument,
        "3020": information,
    }
)
