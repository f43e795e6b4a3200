"""The stream: alerts, detections, events of devices, steps of requests and counters, as server-sent events.

WHATWG HTML, section 9.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from gateway.api.problems import Problem, responses
from gateway.api.status import status_of
from gateway.api.views import GetViews, Views
from gateway.feed import Event

router = APIRouter(prefix="/api/v1", tags=["stream"])

Kind = Literal["alert", "detection", "device_event", "request", "counters"]
KINDS: Final[tuple[Kind, ...]] = ("alert", "detection", "device_event", "request", "counters")
COUNTERS_S: Final = 1.0
HEARTBEAT_S: Final = 15.0
"""Comments keep proxies from closing an idle stream; 15 s is what the standard advises."""
MOST_LISTENERS: Final = 100
"""Each costs a socket, a queue and a message a second."""


@router.get(
    "/stream",
    summary="Events as they happen",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `alert`, `detection`, `device_event`, `request`, `counters`, and `lost` with the "
            "number of events that a slow reader has missed; a comment every 15 s",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **responses(422, 503),
    },
)
async def stream(
    request: Request,
    views: GetViews,
    kind: Annotated[list[Kind] | None, Query(description="Only these kinds; repeat the parameter for several")] = None,
) -> StreamingResponse:
    """Server-sent events from now on. What was before is at `/api/v1/alerts` and `/api/v1/detections`."""
    if views.feed.listeners >= MOST_LISTENERS:
        raise Problem(503, f"{MOST_LISTENERS} clients are listening already")
    kinds = KINDS if kind is None else tuple(dict.fromkeys(kind))
    return StreamingResponse(
        _events(views, kinds), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _events(views: Views, kinds: tuple[Kind, ...]) -> AsyncIterator[bytes]:
    every = COUNTERS_S if "counters" in kinds else HEARTBEAT_S
    loop = asyncio.get_running_loop()
    async with views.feed.subscribe(kinds) as events:
        yield b": welcome\n\n"
        due = loop.time()
        heartbeat = loop.time() + HEARTBEAT_S
        while True:
            try:
                async with asyncio.timeout_at(due):
                    event = await anext(events)
            except TimeoutError:
                due += every
                if "counters" in kinds:
                    counters = await run_in_threadpool(status_of, views)
                    yield _lines(Event("counters", msgspec.json.encode(counters)))
                if loop.time() >= heartbeat:
                    heartbeat += HEARTBEAT_S
                    yield b": still here\n\n"
            except StopAsyncIteration:
                return
            else:
                yield _lines(event)


def _lines(event: Event) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.kind.encode("ascii"), event.payload)
