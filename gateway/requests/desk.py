"""The desk: requests of all devices, one under way per device and the others in the order in which they were asked.

Keeps everything in memory and knows no clock, file or socket. What it decides it leaves in `steps`, to be written
to the ledger before any try goes out.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.hj212.editions import Edition
from gateway.inventory import Device, Inventory
from gateway.records import FrameHead, LoggerFrame
from gateway.requests import exchange as ex
from gateway.requests.catalogue import COMMANDS, Command, content, lacking, number
from gateway.requests.exchange import REPLIES, Exchange, Patience
from gateway.requests.policy import refusal
from gateway.requests.records import Request, State, Step, Why

STALE_MS: Final = 300_000
"""A request that nobody took up for so long is not sent any more: who asked has gone, and the clock went on."""
HEARD_WITHIN_MS: Final = 300_000
"""So long a request waits for its device to be heard at all; before, there is no way to it."""
QNS_KEPT: Final = 1000
"""QN of finished requests, by which a late answer is known from one that nobody asked for."""
_PERIOD_MS: Final = {"": 0, "hour": 3_600_000, "day": 86_400_000}


class Try(NamedTuple):
    """A command that is to be sent now."""

    device: int
    id: str
    cn: str
    cp: str
    qn: str
    edition: Edition
    st: str
    mn: str


@dataclass(slots=True)
class _Line:
    """The requests of one device."""

    under_way: Exchange | None
    waiting: deque[Request]
    since: int
    """When the first of them came to the front."""


class Desk:
    """All requests that are not finished."""

    def __init__(self, inventory: Inventory, patience: Patience) -> None:
        self._inventory = inventory
        self._patience = patience
        self._lines: dict[int, _Line] = {}
        self._last: dict[int, FrameHead] = {}
        self._qns: OrderedDict[tuple[int, str], None] = OrderedDict()
        self.steps: list[Step] = []
        """Not yet written; who writes them takes them out."""
        self.strays: Counter[str] = Counter()
        """Replies to no request under way: `late` (to one that is over) or `unknown`."""

    @property
    def open(self) -> int:
        """Requests that are not finished."""
        return sum(len(line.waiting) + (line.under_way is not None) for line in self._lines.values())

    def busy(self, device: int) -> bool:
        """Whether a device has a request."""
        return device in self._lines

    def heard_of(self, device: int) -> bool:
        """Whether a device has sent anything but replies since the start."""
        return device in self._last

    def take(self, request: Request, now: int) -> None:
        """A request that was asked: it waits its turn, or is refused."""
        refused = refusal(self._inventory, request)
        if refused is not None:
            self._end(request, State.REFUSED, *refused, now)
        elif now - request.asked > STALE_MS:
            detail = f"taken up {(now - request.asked) // 1000} s after it was asked: the gateway did not run"
            self._end(request, State.TIMED_OUT, Why.STALE, detail, now)
        else:
            self._line_of(request, now).waiting.append(request)

    def resume(self, request: Request, now: int) -> None:
        """A request that was under way when the gateway ended."""
        refused = refusal(self._inventory, request)
        if refused is not None:  # the inventory has changed
            self._end(request, State.REFUSED, *refused, now)
            return
        line = self._line_of(request, now)
        assert line.under_way is None, f"two requests under way to one device: {request.id}"
        line.under_way = ex.resumed(COMMANDS[request.command], request, now, self._patience)

    def hear(self, frames: Sequence[LoggerFrame], now: int, *, live: bool = True) -> None:
        """Frames of one block. Costs nothing to speak of where no frame is of a device with a request.

        What is not `live` was received before the start: an answer counts, but its device may be gone by now.
        """
        heads = {frame[1] for frame in frames}
        wanted: set[FrameHead] = set()
        for head in heads:
            if head.cn in REPLIES:
                wanted.add(head)
            elif head.device >= 0:
                if live and head.st != "91":
                    self._last[head.device] = head
                if head.device in self._lines:
                    wanted.add(head)
        if wanted:
            for frame in frames:
                if frame[1] in wanted:
                    self._hear(frame, now)

    def _hear(self, frame: LoggerFrame, now: int) -> None:
        line = self._lines.get(frame.head.device)
        moved = None
        if line is not None and line.under_way is not None:
            moved = ex.heard(line.under_way, frame, now, self._patience)
        if moved is not None:
            self._move(frame.head.device, moved, now)
        elif frame.head.cn in ("9011", "9012"):
            late = (frame.head.device, frame.qn.decode("ascii", "replace")) in self._qns
            self.strays["late" if late else "unknown"] += 1

    def round(self, now: int) -> list[Try]:
        """What the passing of time brings: ends of waits, and the tries that are to be sent."""
        tries: list[Try] = []
        for device in [*self._lines]:
            self._advance(device, now, tries)
        return tries

    def not_sent(self, device: int, now: int) -> None:
        """The try of `round` found no way to the device."""
        exchange = self._lines[device].under_way
        assert exchange is not None
        self._move(device, ex.not_sent(exchange, now), now)

    def _advance(self, device: int, now: int, tries: list[Try]) -> None:
        line = self._lines[device]
        if line.under_way is not None and (moved := ex.waited(line.under_way, now, self._patience)):
            self._move(device, moved, now)
        while device in self._lines:
            if line.under_way is None:
                request = line.waiting.popleft()
                line.under_way = Exchange(COMMANDS[request.command], request)
            exchange = line.under_way
            if not ex.to_be_tried(exchange, now, self._patience):
                return
            head = self._last.get(device)
            if head is None:
                if now - line.since < HEARD_WITHIN_MS:
                    return
                detail = f"the device was not heard within {HEARD_WITHIN_MS // 1000} s"
                self._move(device, ex.ended(exchange, State.TIMED_OUT, Why.UNREACHABLE, now, detail), now)
            elif told := lacking(exchange.command, exchange.request.parameters, self._edition(device, head)):
                self._move(device, ex.ended(exchange, State.REFUSED, Why.NOT_IN_EDITION, now, told), now)
            else:
                tries.append(self._try(device, line, head, now))
                return

    def _try(self, device: int, line: _Line, head: FrameHead, now: int) -> Try:
        exchange = line.under_way
        assert exchange is not None
        settings = self._inventory.devices[device]
        edition = self._edition(device, head)
        zone = self._inventory.sites[settings.site].zone
        command, request = exchange.command, exchange.request
        cp = content(command, request.parameters, edition, zone, now, _shift(command, settings))
        qn = request.qn or self._new_qn(device, zone, now)
        line.under_way, step = ex.tried(exchange, qn, cp, now, self._patience)
        assert step is not None
        self.steps.append(step)
        st = settings.hj212.st or head.st
        return Try(device, request.id, command.cn, cp, qn, edition, st, head.mn or settings.mn)

    def _new_qn(self, device: int, zone: ZoneInfo, now: int) -> str:
        while (device, qn := number(now, zone)) in self._qns:
            now += 1
        self._remember(device, qn)
        return qn

    def _edition(self, device: int, head: FrameHead) -> Edition:
        return Edition(self._inventory.devices[device].hj212.edition or head.edition)

    def _line_of(self, request: Request, now: int) -> _Line:
        device = self._inventory.device_numbers[request.site, request.device]
        return self._lines.setdefault(device, _Line(None, deque(), now))

    def _move(self, device: int, moved: ex.Moved, now: int) -> None:
        line = self._lines[device]
        line.under_way, step = moved
        if step is not None:
            self.steps.append(step)
        request = line.under_way.request
        if request.state.finished:
            self._remember(device, request.qn)
            line.under_way, line.since = None, now
            if not line.waiting:
                del self._lines[device]

    def _remember(self, device: int, qn: str) -> None:
        if qn:
            self._qns[device, qn] = None
            while len(self._qns) > QNS_KEPT:
                self._qns.popitem(last=False)

    def _end(self, request: Request, state: State, why: Why, detail: str, now: int) -> None:
        ended = replace(request, state=state, why=why, changed=now)
        self.steps.append(Step(ended, now, why, detail))


def _shift(command: Command, device: Device) -> int:
    """By how much the stamps of a device's data of this command are later than the start of their period."""
    if not device.hj212.end_stamps:
        return 0
    return device.hj212.minute if command.period == "minute" else _PERIOD_MS[command.period]
