"""What was seen in camera frames."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from gateway.alerts.feeds import detection_object
from gateway.api.cameras import BoxModel
from gateway.api.problems import Problem, responses
from gateway.api.times import Instant
from gateway.api.views import GetViews

router = APIRouter(prefix="/api/v1", tags=["cameras"])


class ZoneShareModel(BaseModel):
    id: str
    share: float = Field(description="Share of the zone's area in motion, 0 to 1")


class DetectionModel(BaseModel):
    """The same object as on MQTT (`docs/payloads-alerts.md`)."""

    v: int = Field(description="Version of the object")
    site: str
    camera: str
    kind: str = Field(examples=["motion"])
    captured: str | None = Field(description="When the frame was taken, ISO 8601 UTC")
    received: str | None = Field(description="When it was received, ISO 8601 UTC")
    width: int = Field(description="Pixels of the frame; the boxes are in them")
    height: int
    boxes: list[BoxModel]
    zones: list[ZoneShareModel]
    frame: str | None = Field(description="SHA-256 of the JPEG where it is kept as evidence")


@router.get(
    "/detections",
    response_model=list[DetectionModel],
    summary="Detections, newest first",
    responses=responses(404, 422),
)
def detections(
    views: GetViews,
    site: Annotated[str | None, Query(description="Only of this site")] = None,
    camera: Annotated[str | None, Query(description="Only of this camera; needs `site`")] = None,
    start: Annotated[Instant | None, Query(description="Taken at or after this")] = None,
    end: Annotated[Instant | None, Query(description="Taken before this")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many")] = 100,
) -> Response:
    """For the next page give the `captured` of the last one as `end`."""
    if camera is not None:
        if site is None:
            raise Problem(422, "camera needs site too: ids of cameras are unique within a site", "site")
        views.camera(site, camera, place="query")
    elif site is not None:
        views.site(site)
    found = views.ledger.detections(site, camera, start, end, limit)
    return Response(msgspec.json.encode([detection_object(one) for one in found]), media_type="application/json")
