"""How the gateway does at this moment: alive, ready, its metrics, and its counters."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Response
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel, Field

from gateway.alerts.ledger_reader import Counts
from gateway.alerts.records import State
from gateway.api.times import iso
from gateway.api.views import GetViews, Views

router = APIRouter(tags=["status"])


class Alive(BaseModel):
    status: str = Field(description="Always `alive`: the process answers", examples=["alive"])


class Ready(BaseModel):
    status: str = Field(description="`ready` or `not_ready`", examples=["ready"])
    reasons: dict[str, str] = Field(
        description="What is not ready, by the name of the part", examples=[{"link plant": "broker not reached"}]
    )


class Rates(BaseModel):
    messages: float = Field(description="Messages per second")
    readings: float = Field(description="Readings per second")
    frames: float = Field(description="Camera frames per second")


class Totals(BaseModel):
    messages: int = Field(description="Messages since the start")
    readings: int = Field(description="Readings since the start")
    frames: int = Field(description="Camera frames since the start")


class Status(BaseModel):
    """The gateway's counters; also the payload of `counters` on the stream."""

    time: str = Field(description="When these were taken, ISO 8601 UTC")
    started: str = Field(description="When the gateway started, ISO 8601 UTC")
    rate_1s: Rates = Field(description="Over the last whole second")
    rate_10s: Rates = Field(description="Over the last ten seconds")
    totals: Totals
    alerts_pending: int = Field(description="Alerts whose condition has not held for its minimum duration")
    alerts_firing: int = Field(description="Open alerts")
    alerts_fired: int = Field(description="Alerts that ever fired")
    alerts_resolved: int = Field(description="Alerts that ever fired and resolved")
    dead_letters: dict[str, int] = Field(
        description="Messages that ever could not be used, by reason", examples=[{"bad_json": 3}]
    )
    about: dict[str, Any] = Field(description="Name and version, and the state of the journal and the store")


def open_in(counts: Counts, state: State) -> int:
    """Open alerts of all families that are in this state."""
    return sum(n for (_, each), n in counts.open.items() if each == state)


def status_of(views: Views) -> dict[str, Any]:
    """The fields of `Status`. Reads the alert ledger: call it in a worker thread."""
    live = views.live
    counts = views.ledger.counts()
    return {
        "time": iso(views.clock()),
        "started": iso(live.started),
        "rate_1s": live.rates(1)._asdict(),
        "rate_10s": live.rates(10)._asdict(),
        "totals": live.totals()._asdict(),
        "alerts_pending": open_in(counts, State.PENDING),
        "alerts_firing": open_in(counts, State.FIRING),
        "alerts_fired": counts.fired,
        "alerts_resolved": counts.resolved,
        "dead_letters": counts.dead_letters,
        "about": dict(views.about()),
    }


@router.get("/healthz", response_model=Alive, summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    response_model=Ready,
    summary="Does it receive, check and store?",
    responses={503: {"model": Ready, "description": "Something is not ready; `reasons` says what"}},
)
def readyz(views: GetViews) -> Response:
    """200 when every part works, 503 with reasons when one does not."""
    reasons = views.ready()
    body = {"status": "not_ready" if reasons else "ready", "reasons": reasons}
    return Response(msgspec.json.encode(body), 503 if reasons else 200, media_type="application/json")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"description": "Prometheus or OpenMetrics text", "content": {"text/plain": {}}}},
)
def metrics(views: GetViews, accept: Annotated[str, Header(include_in_schema=False)] = "") -> Response:
    """The text format of Prometheus, or OpenMetrics where the client asks for it."""
    encode, media_type = choose_encoder(accept)
    return Response(encode(views.registry), media_type=media_type)


@router.get("/api/v1/status", response_model=Status, summary="Rates, totals, and the state of journal and store")
def status(views: GetViews) -> dict[str, Any]:
    return status_of(views)
