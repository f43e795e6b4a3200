"""Cameras, what was last seen in them, and their newest frame."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from gateway.api.problems import Problem, responses
from gateway.api.sites import Names
from gateway.api.times import iso
from gateway.api.views import GetViews
from gateway.inventory import Camera
from gateway.live import Seen

router = APIRouter(prefix="/api/v1/cameras", tags=["cameras"])

HEADER_BOXES: Final = 100
"""Boxes in the header of a frame: clients and proxies bound the size of headers, often at 16 KB."""


class BoxModel(BaseModel):
    """A rectangle in pixels of the frame, origin top left."""

    x: int
    y: int
    w: int
    h: int
    label: str = Field(examples=["motion"])
    score: float


class ZoneModel(BaseModel):
    id: str
    name: Names
    polygon: list[tuple[float, float]] = Field(description="Corners as shares of width and height")


class FrameModel(BaseModel):
    """What was seen in a frame; also the header `Gateway-Frame` of the frame itself."""

    captured: str = Field(description="When taken, ISO 8601 UTC")
    received: str = Field(description="When received, ISO 8601 UTC")
    width: int
    height: int
    boxes: list[BoxModel]
    zones: list[float] = Field(description="Share of each zone in motion, in the order of the camera's zones")


class CameraModel(BaseModel):
    site: str
    id: str
    name: Names
    zones: list[ZoneModel]
    frame: FrameModel | None = Field(description="The newest frame; null before the first")


@router.get("", summary="Cameras, with what was last seen", responses=responses(404, 422))
def cameras(
    views: GetViews, site: Annotated[str | None, Query(description="Only cameras of this site")] = None
) -> list[CameraModel]:
    """The cameras of the inventory, in its order."""
    wanted = None if site is None else views.site(site)
    return [
        _camera(views.inventory.sites[camera.site].id, camera, views.live.seen(number))
        for number, camera in enumerate(views.inventory.cameras)
        if wanted is None or camera.site == wanted
    ]


@router.get(
    "/{site}/{camera}/frame.jpg",
    summary="The newest frame of a camera",
    response_class=Response,
    responses={
        200: {
            "description": "The frame as the camera sent it. The header `Gateway-Frame` holds a `FrameModel` as JSON: "
            "what was seen in it, with at most 100 boxes",
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "No newer frame than the one of `If-None-Match`"},
        **responses(404, 422),
    },
)
async def frame(
    views: GetViews,
    site: str,
    camera: str,
    if_none_match: Annotated[str, Header(description="`ETag` of the frame the client has")] = "",
) -> Response:
    """JPEG. Ask again with `If-None-Match`: a frame is sent only once."""
    number = views.camera(site, camera)
    seen = views.live.seen(number)
    if seen is None:
        raise Problem(404, "no frame of this camera has arrived since the gateway started", "camera", "path")
    tag = f'"{seen.result.captured}-{seen.result.received}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    headers["Gateway-Frame"] = json.dumps(frame_facts(seen, HEADER_BOXES), separators=(",", ":"))
    return Response(seen.jpeg, headers=headers, media_type="image/jpeg")


def frame_facts(seen: Seen, most_boxes: int | None = None) -> dict[str, Any]:
    """The fields of `FrameModel`, with the first `most_boxes` boxes."""
    result = seen.result
    return {
        "captured": iso(result.captured),
        "received": iso(result.received),
        "width": result.width,
        "height": result.height,
        "boxes": [
            {"x": box.x, "y": box.y, "w": box.w, "h": box.h, "label": box.label, "score": box.score}
            for box in result.boxes[:most_boxes]
        ],
        "zones": list(result.zones),
    }


def _camera(site: str, camera: Camera, seen: Seen | None) -> CameraModel:
    return CameraModel(
        site=site,
        id=camera.id,
        name=Names.of(camera.name),
        zones=[ZoneModel(id=z.id, name=Names.of(z.name), polygon=list(z.polygon)) for z in camera.zones],
        frame=None if seen is None else FrameModel(**frame_facts(seen)),
    )
