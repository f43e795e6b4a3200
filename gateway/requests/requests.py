"""Requests at work: taken up from the ledger, sent down to devices, moved on by their answers.

Lives in the ingest loop. Every step is in the ledger before it is acted upon or told of; a ledger that takes no
write holds the commands back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from gateway.clock import now_ms
from gateway.errors import GatewayError
from gateway.feed import Feed
from gateway.hj212 import build
from gateway.hj212.keys import KeyRing
from gateway.inventory import Inventory
from gateway.records import LoggerFrame
from gateway.requests.asking import make_request
from gateway.requests.desk import Desk, Try
from gateway.requests.exchange import Patience
from gateway.requests.feed import step_payload
from gateway.requests.gap_filler import Gap, GapFiller
from gateway.requests.ledger import RequestLedger
from gateway.requests.policy import refusal
from gateway.requests.records import GAP_FILLER, Request, Step, Why

log = structlog.get_logger("gateway.requests")

LOOK_EVERY_S: Final = 0.5
"""Between two looks for requests that were asked."""
PASSWORD: Final = "123456"
"""Of a device for which none is kept: that of the examples of all editions, and of most loggers as they are shipped."""


class Requests:
    """All commands to devices."""

    def __init__(
        self,
        inventory: Inventory,
        ledger: RequestLedger,
        patience: Patience,
        send: Callable[[int, bytes], bool],
        feed: Feed,
        keys: KeyRing,
        gaps: Callable[[int], Sequence[Gap]],
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """Take up what was under way when the gateway ended. Raises `GatewayError`.

        `send` takes a device's number and a frame; False where there is no way to it now.
        """
        self._inventory = inventory
        self._ledger = ledger
        self._send = send
        self._feed = feed
        self._keys = keys
        self._clock = clock
        self._filler = GapFiller(inventory, gaps)
        self._desk = Desk(inventory, patience)
        self._wake = asyncio.Event()
        self._taken = 0
        self._tries: list[Try] = []
        self.steps: Counter[tuple[str, str]] = Counter()
        """(state, why) of steps since the start of the process."""
        for request in ledger.under_way():
            self._desk.resume(request, clock())

    @property
    def open(self) -> int:
        """Requests that are not finished."""
        return self._desk.open

    @property
    def strays(self) -> Counter[str]:
        """Replies to no request under way, by `late` and `unknown`."""
        return self._desk.strays

    def ask(self, request: Request) -> Request:
        """Write down what is asked, and whether it may be. For any thread; blocks. Raises `GatewayError`."""
        return self._ledger.add(request, refusal(self._inventory, request))

    def heard(self, frames: Sequence[LoggerFrame], *, live: bool = True) -> None:
        """Frames of one block, in their order. Not `live`: of a block from before the start, not handled then."""
        if frames:
            self._desk.hear(frames, self._clock(), live=live)
            if self._desk.steps:
                self._wake.set()

    def close(self) -> None:
        """Close the ledger. What is under way goes on at the next start."""
        self._ledger.close()

    async def run(self) -> None:
        """Until cancelled: a step once in a while, and as soon as an answer has come."""
        while True:
            self._wake.clear()
            try:
                await self.step()
            except GatewayError as error:
                log.error("requests_held_back", reason=str(error))
                await asyncio.sleep(LOOK_EVERY_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()

    async def step(self) -> None:
        """One round: take up what was asked, see what is due, write it down, send it. Raises `GatewayError`."""
        await self._take()
        await self._fill_gaps()
        self._tries += self._desk.round(self._clock())
        await self._write()
        tries, self._tries = self._tries, []
        for each in tries:
            if not self._send(each.device, self._frame(each)):
                self._desk.not_sent(each.device, self._clock())
        await self._write()

    async def _take(self) -> None:
        for number, request in await asyncio.to_thread(self._ledger.asked, self._taken):
            self._taken = number
            self._tell(Step(request, request.asked, Why.ASKED, request.asked_by))
            self._desk.take(request, self._clock())

    async def _fill_gaps(self) -> None:
        desk, now = self._desk, self._clock()
        for each in self._filler.wanted(now, lambda device: desk.heard_of(device) and not desk.busy(device)):
            device = self._inventory.devices[each.device]
            site = self._inventory.sites[device.site].id
            request = make_request(site, device.id, each.command, each.parameters, GAP_FILLER, now)
            request = await asyncio.to_thread(self.ask, request)
            if request.state.finished:
                self._filler.ended(each.device, request, now)

    async def _write(self) -> None:
        steps = self._desk.steps[:]
        if not steps:
            return
        await asyncio.to_thread(self._ledger.write, steps)
        del self._desk.steps[: len(steps)]
        for step in steps:
            self._tell(step)

    def _tell(self, step: Step) -> None:
        request = step.request
        self.steps[request.state, step.why] += 1
        log.info(
            "request",
            id=request.id,
            device=f"{request.site}/{request.device}",
            command=request.command,
            state=request.state.value,
            why=step.why.value,
            detail=step.detail,
        )
        if self._feed.listeners:
            self._feed.publish("request", step_payload(step))
        if request.state.finished and request.asked_by == GAP_FILLER:
            number = self._inventory.device_numbers.get((request.site, request.device))
            if number is not None:
                self._filler.ended(number, request, step.at)

    def _frame(self, each: Try) -> bytes:
        return build.request(
            each.cn,
            each.cp,
            st=each.st,
            pw=self._keys.password(each.mn) or PASSWORD,
            mn=each.mn,
            qn=each.qn,
            edition=each.edition,
        )
