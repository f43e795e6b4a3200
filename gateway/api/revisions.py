"""Revisions: who changed what was said before, and from what to what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from gateway.api.problems import Problem, responses
from gateway.api.times import Instant, iso
from gateway.api.views import GetViews
from gateway.errors import StoreError
from gateway.flags import flag_text
from gateway.marks import words
from gateway.stores.errors import CannotList
from gateway.stores.seam import Revision, WhichRevisions

router = APIRouter(prefix="/api/v1", tags=["readings"])


class RevisionModel(BaseModel):
    """One change of a stored value."""

    id: int
    site: str
    device: str
    factor: str = Field(description="HJ 212 factor code", examples=["a21026"])
    field: str = Field(examples=["Rtd"])
    period: str = Field(description="`realtime`, `minute`, `hour` or `day`", examples=["minute"])
    unit: str = Field(description="Unit of the values as the channel was first stored; empty where none was known")
    time: str = Field(description="The instant that was measured, ISO 8601 UTC")
    revision: int = Field(description="1 for the first change of this instant")
    was: float | None = Field(description="What was said before; null where a mark was sent and no number")
    was_flag: str = Field(description="Data flag of HJ 212 before")
    value: float | None = Field(description="What is said now")
    flag: str = Field(description="Data flag of HJ 212 now")
    received: str = Field(description="When the change was received, ISO 8601 UTC")
    position: int = Field(description="Position in the journal of the message that brought it")
    marks: list[str] = Field(description="How it came, as in readings")


@router.get("/revisions", summary="Changes of stored values, newest first", responses=responses(404, 422, 501, 503))
def revisions(
    views: GetViews,
    site: Annotated[str | None, Query(description="Only of this site")] = None,
    device: Annotated[str | None, Query(description="Only of this device; needs `site`")] = None,
    factor: Annotated[str | None, Query(min_length=1, max_length=64, description="Only of this factor")] = None,
    start: Annotated[Instant | None, Query(description="Received at or after this")] = None,
    end: Annotated[Instant | None, Query(description="Received before this")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many")] = 100,
    before: Annotated[
        int | None, Query(ge=0, le=2**63 - 1, description="For the next page: `id` of the last one of this page")
    ] = None,
) -> list[RevisionModel]:
    """Another value or flag for an instant that was stored. InfluxDB lists them itself (501)."""
    if device is not None:
        if site is None:
            raise Problem(422, "device needs site too: ids of devices are unique within a site", "site")
        views.device(site, device)
    elif site is not None:
        views.site(site)
    try:
        found = views.revisions(WhichRevisions(site, device, factor, start, end, before, limit))
    except CannotList as error:
        raise Problem(501, str(error)) from error
    except StoreError as error:
        raise Problem(503, f"the store does not answer: {error}") from error
    return [_revision(one) for one in found]


def _revision(one: Revision) -> RevisionModel:
    return RevisionModel(
        id=one.id,
        site=one.site,
        device=one.device,
        factor=one.factor,
        field=one.field,
        period=one.period,
        unit=one.unit,
        time=iso(one.time),
        revision=one.number,
        was=one.was,
        was_flag=flag_text(one.was_flag),
        value=one.value,
        flag=flag_text(one.flag),
        received=iso(one.received),
        position=one.position,
        marks=words(one.mark),
    )
