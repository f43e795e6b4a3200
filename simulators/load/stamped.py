"""Messages that carry their sequence and the time at which they were to be sent, made as they are sent.

Whatever stores readings can be asked afterwards what became of each message: the factor `seq` is the number of the
message of its device, from 0, plus `SEQ_BASE` (so that it always has ten digits); `sent` is the time at which it was
to be sent, ms since the epoch with three decimals. With a rate the times are those of the schedule, not those at which
a program that was held up came to it, so that latencies are not made to look good (coordinated omission).

All messages have one length: templates are encoded once, and only digits are written into copies of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.load.digits import crc16_columns, put_digits, put_hex
from simulators.load.plan import FACTORS, device_name, mn, topic
from simulators.wire import Encoded, encode

Codec = Literal["json", "hj212", "senml"]

SEQ_BASE: Final = 1_000_000_000
SEQ: Final = "seq"
SENT: Final = "sent"
CHUNK: Final = 250
"""Messages stamped at once: about a millisecond of work."""
POOL: Final = 4_096
"""Templates, each with values of its own; at least one a device."""
_CHINA_MS: Final = 8 * 3_600_000


class _Field(NamedTuple):
    """Where digits go in a payload."""

    at: int
    width: int
    kind: Literal["time", "seq", "sent", "seconds", "fraction", "stamp", "qn", "crc", "from"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When messages are to be sent."""

    rate: float | None = None
    """Messages a second; None: now, whenever a message is made."""
    count: int | None = None
    """Messages in all; None: endless."""


def stamped_chunks(
    devices: int,
    codec: Codec,
    qos: Literal[0, 1],
    schedule: Schedule,
    seed: int,
    clock: Callable[[], float] = time.time,
) -> Iterator[Encoded]:
    """PUBLISH packets, `CHUNK` at a time; message k is number `k // devices` of device `k % devices`.

    `clock` gives seconds since the epoch. No device stamps two messages with one millisecond (one second of HJ 212):
    where it sends oftener its stamps run ahead of the clock. The schedule begins when the first chunk is asked for.
    """
    return _stamped(_Pool(devices, codec, qos, seed), devices, codec, schedule, clock)


def _stamped(
    pool: _Pool, devices: int, codec: Codec, schedule: Schedule, clock: Callable[[], float]
) -> Iterator[Encoded]:
    began = clock()
    made = 0
    newest = 0
    while schedule.count is None or made < schedule.count:
        size = CHUNK if schedule.count is None else min(CHUNK, schedule.count - made)
        number = np.arange(made, made + size)
        if schedule.rate is None:
            sent_us = np.full(size, round(clock() * 1e6), np.int64)
        else:
            sent_us = np.rint((began + number / schedule.rate) * 1e6).astype(np.int64)
        step = 1000 if codec == "hj212" else 1
        # A device has one message a turn: its stamp is the time, or one more than in the turn before.
        turn = number // devices
        ahead = np.maximum(np.maximum.accumulate(sent_us // 1000 // step - turn), newest)
        stamp, newest = turn + ahead, int(ahead[-1])
        yield pool.stamped(number, stamp * step, sent_us)
        made += size


class _Pool:
    """Templates of one length."""

    def __init__(self, devices: int, codec: Codec, qos: Literal[0, 1], seed: int) -> None:
        self._devices = devices
        rows = devices * max(1, POOL // devices)
        rng = np.random.default_rng(seed)
        means = np.array([mean for *_, mean, _ in FACTORS])
        spreads = means * np.array([spread for *_, spread in FACTORS])
        values = means + spreads * np.clip(rng.standard_normal((rows, len(FACTORS))), -3, 3)
        write, self._fields = _FORMS[codec]
        messages = [(topic(k % devices), write(k % devices, row)) for k, row in enumerate(values.tolist())]
        whole = encode(messages, qos)
        lengths = set(np.diff(whole.starts).tolist())
        assert len(lengths) == 1, "every message has the same length"
        self._table = np.frombuffer(whole.blob, np.uint8).reshape(rows, lengths.pop())
        payload = len(messages[0][1])
        self._offset = self._table.shape[1] - payload
        self._id = int(whole.ids[0])

    def stamped(self, number: NDArray[np.int64], stamp: NDArray[np.int64], sent_us: NDArray[np.int64]) -> Encoded:
        """Messages `number`, all times in their columns. `stamp`: ms UTC; `sent_us`: microseconds."""
        packets = self._table[number % len(self._table)]
        sequence = number // self._devices + SEQ_BASE
        for at, width, kind in self._fields:
            out = packets[:, self._offset + at : self._offset + at + width]
            match kind:
                case "time":
                    put_digits(stamp, out)
                case "seq":
                    put_digits(sequence, out)
                case "sent":
                    put_digits(sent_us // 1000, out)
                case "fraction":
                    put_digits(sent_us % 1000, out)
                case "seconds":
                    put_digits(stamp // 1000, out)
                case "from":
                    put_digits(stamp % 1000, out)
                case "stamp":
                    put_digits(_local(stamp), out)
                case "qn":
                    put_digits(_local(sent_us // 1000) * 1000 + sent_us // 1000 % 1000, out)
                case "crc":
                    put_hex(crc16_columns(packets[:, self._offset + 6 : self._offset + at]), out)
        starts = np.arange(len(number) + 1) * packets.shape[1]
        return Encoded(packets.tobytes(), starts, starts[:-1] + self._id)


def _local(ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """YYYYMMDDhhmmss in China's time, as a number."""
    moment = (ms + _CHINA_MS).view("M8[ms]")
    day = moment.astype("M8[D]")
    month = moment.astype("M8[M]")
    year = moment.astype("M8[Y]")
    seconds = (moment.astype("M8[s]") - day).astype(np.int64)
    date = (
        (year.astype(np.int64) + 1970) * 10_000
        + ((month - year).astype(np.int64) + 1) * 100
        + ((day - month).astype(np.int64) + 1)
    )
    clock = seconds // 3600 * 10_000 + seconds // 60 % 60 * 100 + seconds % 60
    return date * 1_000_000 + clock


def _json(device: int, values: list[float]) -> bytes:
    readings = ",".join(f'"{code}":{value:.2f}' for (code, *_), value in zip(FACTORS, values, strict=True))
    filler = " " * (_JSON_VALUES - len(readings))
    return f'{{"v":1,"time":{0:013d},"readings":{{"seq":{0:010d},"sent":{0:013d}.000,{readings}{filler}}}}}'.encode()


_JSON_VALUES: Final = sum(len(f'"{code}":{10 * mean:.2f},') for code, *_, mean, _ in FACTORS)
"""Room for the values of any message: shorter ones are followed by blanks, which JSON passes over."""


def _senml(device: int, values: list[float]) -> bytes:
    records = ",".join(f'{{"n":"{code}","v":{value:.2f}}}' for (code, *_), value in zip(FACTORS, values, strict=True))
    filler = " " * (_SENML_VALUES - len(records))
    head = f'"bn":"{device_name(device)}/","bt":{0:010d}.000,"n":"seq","v":{0:010d}'
    return f'[{{{head}}},{{"n":"sent","v":{0:013d}.000}},{records}{filler}]'.encode()


_SENML_VALUES: Final = sum(len(f'{{"n":"{code}","v":{10 * mean:.2f}}},') for code, *_, mean, _ in FACTORS)


def _hj212(device: int, values: list[float]) -> bytes:
    # HJ 212 has no blanks to fill with: every value is written with as many digits.
    items = ";".join(
        f"{code}-Rtd={value:07.2f},{code}-Flag=N" for (code, *_), value in zip(FACTORS, values, strict=True)
    )
    identity = f"seq-Rtd={0:010d},seq-Flag=N;sent-Rtd={0:013d}.000,sent-Flag=N"
    cp = f"DataTime={0:014d};{identity};{items}"
    segment = f"QN={0:017d};ST=31;CN=2011;PW=123456;MN={mn(device)};Flag=4;CP=&&{cp}&&"
    return f"##{len(segment):04d}{segment}0000\r\n".encode()


def _places(payload: bytes, marks: list[tuple[bytes, int, str]]) -> tuple[_Field, ...]:
    """The fields behind each mark: text before it, its width, its kind."""
    fields: list[_Field] = []
    for before, width, kind in marks:
        at = payload.index(before) + len(before)
        fields.append(_Field(at, width, kind))  # pyright: ignore[reportArgumentType]
    return tuple(fields)


def _forms() -> dict[Codec, tuple[Callable[[int, list[float]], bytes], tuple[_Field, ...]]]:
    means = [mean for *_, mean, _ in FACTORS]
    frame = _hj212(0, means)
    hj212 = _places(
        frame,
        [
            (b"QN=", 17, "qn"),
            (b"DataTime=", 14, "stamp"),
            (b"seq-Rtd=", 10, "seq"),
            (b"sent-Rtd=", 13, "sent"),
            (b"sent-Rtd=%013d." % 0, 3, "fraction"),
        ],
    )
    json_marks = [
        (b'"time":', 13, "time"),
        (b'"seq":', 10, "seq"),
        (b'"sent":', 13, "sent"),
        (b'"sent":%013d.' % 0, 3, "fraction"),
    ]
    senml_marks = [
        (b'"bt":', 10, "seconds"),
        (b'"bt":%010d.' % 0, 3, "from"),
        (b'"seq","v":', 10, "seq"),
        (b'"sent","v":', 13, "sent"),
        (b'"sent","v":%013d.' % 0, 3, "fraction"),
    ]
    return {
        "json": (_json, _places(_json(0, means), json_marks)),
        "senml": (_senml, _places(_senml(0, means), senml_marks)),
        "hj212": (_hj212, (*hj212, _Field(len(frame) - 6, 4, "crc"))),
    }


_FORMS: Final = _forms()
