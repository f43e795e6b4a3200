"""Alerts as they stand, and the audit trail of each."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from gateway.alerts.feeds import alert_object, transition_object
from gateway.alerts.records import Family, State, Step
from gateway.api.problems import Problem, responses
from gateway.api.sites import Names
from gateway.api.views import GetViews

router = APIRouter(prefix="/api/v1", tags=["alerts"])


class AlertModel(BaseModel):
    """The same object as on MQTT (`docs/payloads-alerts.md`). Times are ISO 8601 UTC, by the time of the data."""

    v: int = Field(description="Version of the object")
    id: str = Field(examples=["e-1f6f0c3f5d1a2b3c"])
    family: Family
    rule: str = Field(description="Id of the limit; `silence`; id of the zone")
    site: str
    device: str | None = Field(default=None, description="There when the alert is about a device")
    camera: str | None = Field(default=None, description="There when the alert is about a camera")
    gateway: str | None = Field(default=None, description="There when the alert is about the gateway itself")
    factor: str | None
    field: str | None
    unit: str | None = Field(description="Of value, peak and limit; null for a share from 0 to 1")
    state: State
    level: int
    highest: int = Field(description="Highest level reached, 0 before it fires")
    since: str | None = Field(description="When the condition began")
    fired: str | None
    resolved: str | None
    value: float | None = Field(description="At the last step")
    peak: float | None = Field(description="Most extreme at any step")
    limit: float | None
    text: Names
    evidence: list[str] = Field(description="`journal:<position>` and `frame:<sha256>`")


class TransitionModel(AlertModel):
    """The alert as it was after one step."""

    step: Step
    at: str | None = Field(description="When, by the time of the data")
    recorded: str | None = Field(description="When the gateway decided, by its own clock")
    position: int | None = Field(description="Journal position of the message that caused it; null for none")


class AlertWithHistory(AlertModel):
    history: list[TransitionModel] = Field(description="Every step, the first one first")


@router.get("/alerts", response_model=list[AlertModel], summary="Alerts, latest first", responses=responses(404, 422))
def alerts(
    views: GetViews,
    state: Annotated[State | None, Query(description="Only in this state")] = None,
    family: Annotated[Family | None, Query(description="Only of this family")] = None,
    site: Annotated[str | None, Query(max_length=200, description="Only of this site")] = None,
    subject: Annotated[str | None, Query(max_length=200, description="Only about this device or camera id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many")] = 100,
    before: Annotated[
        str | None, Query(max_length=100, description="For the next page: `id` of the last one of this page")
    ] = None,
    withdrawn: Annotated[bool, Query(description="Also those that were over before they fired")] = False,
) -> Response:
    """By when their condition began, the latest first."""
    if before is not None and views.ledger.alert(before) is None:
        raise Problem(404, f"no alert {before!r}", "before")
    found = views.ledger.alerts(state, family, site, subject, limit, before, withdrawn)
    return _json([alert_object(alert) for alert in found])


@router.get(
    "/alerts/{id}", response_model=AlertWithHistory, summary="One alert and its history", responses=responses(404, 422)
)
def alert(views: GetViews, id: Annotated[str, Path(max_length=100, description="Id of the alert")]) -> Response:
    """The alert as it stands, with its audit trail."""
    found = views.ledger.alert(id)
    if found is None:
        raise Problem(404, f"no alert {id!r}", "id", "path")
    history = [transition_object(transition) for transition in views.ledger.history(id)]
    return _json(alert_object(found) | {"history": history})


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")  # NaN becomes null
