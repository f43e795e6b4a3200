"""A simulated logger that speaks HJ 212 as an edition has it, and does what it is told, over TCP or over MQTT.

Written from the standard alone and sharing no code with the gateway: frames, CRC and answers are its own. A test may
make it deaf for a while, let it refuse, or leave out its last word, as loggers in the field do.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import aiomqtt

FLAG = {"2005": 0, "2017": 4, "2025": 8}
HISTORY = ("2011", "2031", "2051", "2061")
_FRAME = re.compile(rb"##(\d{4})")

Send = Callable[[bytes], Awaitable[None]]


def crc(segment: bytes) -> int:
    """HJ 212-2017, annex A, bit by bit: the register's low byte is dropped before each byte."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


def frame_of(segment: str) -> bytes:
    """A data segment as a frame."""
    raw = segment.encode()
    return f"##{len(raw):04d}".encode() + raw + f"{crc(raw):04X}\r\n".encode()


class Heard(NamedTuple):
    """One message from the centre."""

    qn: str
    st: str
    cn: str
    pw: str
    mn: str
    flag: int
    cp: str

    @property
    def items(self) -> dict[str, str]:
        return dict(part.split("=", 1) for part in re.split("[;,]", self.cp) if part)


def read(frame: bytes) -> Heard:
    """A frame, strictly: a wrong length, CRC or order of fields is an error of the centre's."""
    length = int(frame[2:6])
    segment, rest = frame[6 : 6 + length], frame[6 + length :]
    assert frame[:2] == b"##", frame
    assert rest == b"%04X\r\n" % crc(segment), f"{frame!r}: the CRC is {crc(segment):04X}"
    found = re.fullmatch(
        r"(?:QN=(\d{17});)?ST=(\w\w);CN=(\d{4});PW=(\w*);MN=(\w+);Flag=(\d+);CP=&&(.*)&&", segment.decode()
    )
    assert found is not None, segment
    qn, st, cn, pw, mn, flag, cp = found.groups()
    return Heard(qn or "", st, cn, pw, mn, int(flag), cp)


@dataclass
class Logger:
    """One logger: its settings, its memory, and its manners."""

    mn: str
    edition: str = "2017"
    st: str = "31"
    pw: str = "123456"
    clock: str = "20260101000000"
    """YYYYMMDDhhmmss; it stands still."""
    realtime_s: int = 30
    minute_min: int = 10
    memory: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """CN to DataTime to the items behind it."""
    deaf: int = 0
    """So many messages are not heard, as if they were lost on the way."""
    qn_rtn: str = "1"
    closes: bool = True
    """Whether it sends 9012."""
    heard: list[Heard] = field(default_factory=list[Heard])
    """Commands, the lost ones too."""
    replies: list[Heard] = field(default_factory=list[Heard])
    """What the centre answered to data of this logger."""
    done: list[str] = field(default_factory=list[str])
    """QN of what it has done: a repeat is answered and not done again."""
    _number: int = 0

    def data(self, cn: str, time: str, items: str, *, reply: bool = False) -> bytes:
        """An upload of data."""
        return self._message(cn, f"DataTime={time};{items}", reply=reply)

    def answers(self, frame: bytes) -> list[bytes]:
        """What it sends when it gets a frame."""
        heard = read(frame)
        assert heard.mn == self.mn, f"a frame for {heard.mn} came to {self.mn}"
        if heard.cn.startswith("90"):
            self.replies.append(heard)
            return []
        self.heard.append(heard)
        assert heard.flag == FLAG[self.edition] + 1, "a command asks for an answer, in the logger's edition"
        if self.deaf > 0:
            self.deaf -= 1
            return []
        code = self.qn_rtn if heard.pw == self.pw else "3"
        accepted = self._reply("9011", heard.qn, f"QnRtn={code}")
        if code != "1":
            return [accepted]
        messages, result = self._do(heard)
        return [accepted, *messages, *([self._reply("9012", heard.qn, f"ExeRtn={result}")] if self.closes else [])]

    def _do(self, heard: Heard) -> tuple[list[bytes], str]:
        if heard.cn in HISTORY:
            begin, end = heard.items["BeginTime"], heard.items["EndTime"]
            found = {time: items for time, items in self.memory.get(heard.cn, {}).items() if begin <= time <= end}
            return [self.data(heard.cn, time, items) for time, items in sorted(found.items())], "1" if found else "100"
        values = {
            "1011": f"SystemTime={self.clock}",
            "1061": f"RtdInterval={self.realtime_s}",
            "1063": f"MinInterval={self.minute_min}",
            "3015": f"DataTime={self.clock};VaseNo=7",
        }
        if heard.cn in values:
            self.done.append(heard.qn)
            return [self._message(heard.cn, values[heard.cn])], "1"
        if heard.qn not in self.done:
            self.done.append(heard.qn)
            if heard.cn == "1012":
                self.clock = heard.items["SystemTime"]
            elif heard.cn == "1062":
                self.realtime_s = int(heard.items["RtdInterval"])
            elif heard.cn == "1064":
                self.minute_min = int(heard.items["MinInterval"])
            else:
                return [], "2"
        return [], "1"

    def _reply(self, cn: str, qn: str, cp: str) -> bytes:
        if self.edition == "2005":
            return frame_of(f"ST=91;CN={cn};PW={self.pw};MN={self.mn};Flag=0;CP=&&QN={qn};{cp}&&")
        return frame_of(f"QN={qn};ST=91;CN={cn};PW={self.pw};MN={self.mn};Flag={FLAG[self.edition]};CP=&&{cp}&&")

    def _message(self, cn: str, cp: str, *, reply: bool = False) -> bytes:
        self._number += 1
        qn = f"{self.clock}{self._number:03d}"
        flag = FLAG[self.edition] + reply
        return frame_of(f"QN={qn};ST={self.st};CN={cn};PW={self.pw};MN={self.mn};Flag={flag};CP=&&{cp}&&")


@contextlib.asynccontextmanager
async def over_tcp(logger: Logger, host: str, port: int) -> AsyncGenerator[Send]:
    """The logger on a connection to a listener; what it is given is sent."""
    reader, writer = await asyncio.open_connection(host, port)

    async def send(frame: bytes) -> None:
        writer.write(frame)
        await writer.drain()

    async def listen() -> None:
        while head := await reader.read(6):
            head += await reader.readexactly(6 - len(head))
            found = _FRAME.fullmatch(head)
            assert found is not None, head
            for answer in logger.answers(head + await reader.readexactly(int(found[1]) + 6)):
                await send(answer)

    listening = asyncio.create_task(listen())
    try:
        yield send
    finally:
        await _ended(listening)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def over_mqtt(logger: Logger, host: str, port: int, topic: str, reply_topic: str) -> AsyncGenerator[Send]:
    """The logger as a client of a broker; what it is given is published at QoS 1."""
    async with aiomqtt.Client(host, port) as client:
        await client.subscribe(reply_topic, qos=1)

        async def send(frame: bytes) -> None:
            await client.publish(topic, frame, qos=1)

        async def listen() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                for answer in logger.answers(message.payload):
                    await send(answer)

        listening = asyncio.create_task(listen())
        try:
            yield send
        finally:
            await _ended(listening)


async def _ended(listening: asyncio.Task[None]) -> None:
    """Cancel, and raise what the logger found wrong with a frame."""
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
        await listening
