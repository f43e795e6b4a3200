"""The gap filler: asks devices by themselves for the minute and hour data that are missing.

One request at a time and device, a bounded number in all, long gaps in pieces. A device that does not answer is
asked more and more rarely, up to once an hour. A piece that the device has no data for, or refuses, or answers
without filling, is given up after three requests, until the gap changes. What was given up is forgotten when the
gateway starts anew.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.inventory import Inventory
from gateway.requests.catalogue import COMMANDS, DAY, Command
from gateway.requests.records import Parameters, Request, State

LOOK_EVERY_MS: Final = 30_000
"""Between two looks at the gaps of a device, and least pause between two requests to it."""
LOOKS_AT_ONCE: Final = 50
OPEN_MOST: Final = 100
"""Requests of the gap filler under way, of all devices."""
GIVE_UP_AFTER: Final = 3
LONGEST_PAUSE_MS: Final = 3_600_000

Gap = tuple[str, int, int]
"""Period (`minute` or `hour`), start of the first missing one and end of the last, ms UTC."""
Piece = tuple[str, int, int]
"""Period, and the starts of the first and of the last one that are asked for at once, ms UTC."""


class Wanted(NamedTuple):
    """A request to be made."""

    device: int
    command: Command
    parameters: Parameters


@dataclass(slots=True)
class _Device:
    at: int = 0
    """When it is looked at next."""
    unanswered: int = 0
    """Requests in a row without an answer."""
    in_vain: dict[Piece, int] = field(default_factory=dict[Piece, int])
    """Pieces that are missing still, and how often they were asked for."""
    open: bool = False


_OF_PERIOD: Final = {"minute": (COMMANDS["fetch-minutes"], DAY), "hour": (COMMANDS["fetch-hours"], 31 * DAY)}
"""Command, and the longest piece that is asked for at once."""


class GapFiller:
    """Decides what to ask for, and when."""

    def __init__(self, inventory: Inventory, gaps: Callable[[int], Sequence[Gap]]) -> None:
        """`gaps` gives those of a device."""
        self._gaps = gaps
        self._intervals = [{"minute": each.hj212.minute, "hour": 3_600_000} for each in inventory.devices]
        self._devices = {number: _Device() for number, each in enumerate(inventory.devices) if each.hj212.fill_gaps}
        self._due = [(0, number) for number in self._devices]
        self._open = 0

    def wanted(self, now: int, free: Callable[[int], bool]) -> list[Wanted]:
        """Requests to be made now. `free`: whether a device was heard and has no request."""
        found: list[Wanted] = []
        for _ in range(LOOKS_AT_ONCE):
            if not self._due or self._due[0][0] > now or self._open >= OPEN_MOST:
                break
            at, number = heapq.heappop(self._due)
            device = self._devices[number]
            if at != device.at or device.open:
                continue  # it was put off meanwhile, or is looked at again when its request is over
            piece = self._missing(number, device) if free(number) else None
            if piece is None:
                self._look_at(number, now + LOOK_EVERY_MS)
                continue
            period, begin, end = piece
            device.open = True
            self._open += 1
            found.append(Wanted(number, _OF_PERIOD[period][0], {"begin": begin, "end": end}))
        return found

    def _missing(self, number: int, device: _Device) -> Piece | None:
        """The oldest piece of the device's gaps that is not given up."""
        intervals = self._intervals[number]
        pieces = [piece for gap in self._gaps(number) for piece in _pieces(gap, intervals[gap[0]])]
        device.in_vain = {piece: n for piece in pieces if (n := device.in_vain.get(piece, 0))}
        for piece in sorted(pieces, key=lambda piece: piece[1]):
            if device.in_vain.get(piece, 0) < GIVE_UP_AFTER:
                return piece
        return None

    def ended(self, number: int, request: Request, now: int) -> None:
        """A request of the gap filler is over."""
        device = self._devices.get(number)
        if device is None:
            return
        if device.open:
            device.open = False
            self._open -= 1
        if request.state is State.TIMED_OUT and not request.frames:
            device.unanswered += 1
            pause = LOOK_EVERY_MS << min(device.unanswered, 10)
        else:
            device.unanswered = 0
            begin, end = request.parameters["begin"], request.parameters["end"]
            assert isinstance(begin, int)
            assert isinstance(end, int)
            piece = (COMMANDS[request.command].period, begin, end)
            times = device.in_vain[piece] = device.in_vain.get(piece, 0) + 1
            pause = LOOK_EVERY_MS << (0 if request.frames else times)
        self._look_at(number, now + min(pause, LONGEST_PAUSE_MS))

    def _look_at(self, number: int, at: int) -> None:
        self._devices[number].at = at
        heapq.heappush(self._due, (at, number))


def _pieces(gap: Gap, interval: int) -> Iterator[Piece]:
    """The gap in pieces that are asked for one by one."""
    period, start, end = gap
    longest = _OF_PERIOD[period][1]
    for begin in range(start, end, longest):
        yield period, begin, min(end, begin + longest) - interval
