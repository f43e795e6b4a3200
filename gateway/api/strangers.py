"""Who sends what is nobody's of the inventory: monitors that nobody registered, and those that use a wrong name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from gateway.api.problems import responses
from gateway.api.times import iso
from gateway.api.views import GetViews

router = APIRouter(prefix="/api/v1", tags=["dead letters"])


class StrangerModel(BaseModel):
    name: str = Field(description="Device, MN or camera as the messages name it; empty where only the topic does")
    topic: str
    link: str = Field(description="Link or listener by which the newest message came")
    reason: str = Field(description="Reason of its newest dead letter", examples=["unknown_device"])
    first: str = Field(description="First heard, ISO 8601 UTC")
    last: str = Field(description="Last heard, ISO 8601 UTC")
    count: int = Field(description="Messages so far")


@router.get("/strangers", summary="Names outside the inventory, the last heard first", responses=responses(422))
def strangers(
    views: GetViews, limit: Annotated[int, Query(ge=1, le=1000, description="At most so many")] = 100
) -> list[StrangerModel]:
    """One entry for each name by each topic; of names and topics the first 256 characters."""
    return [
        StrangerModel(
            name=each.name,
            topic=each.topic,
            link=each.link,
            reason=each.reason,
            first=iso(each.first),
            last=iso(each.last),
            count=each.count,
        )
        for each in views.strangers.listed()[:limit]
    ]
