"""Readings of one channel from the store, as columns."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from gateway.api.problems import Problem, responses
from gateway.api.times import Instant, iso, iso_column
from gateway.api.views import GetViews
from gateway.channels import ChannelKey
from gateway.errors import StoreError
from gateway.flags import flag_text
from gateway.marks import words

router = APIRouter(prefix="/api/v1", tags=["readings"])

MOST_POINTS: Final = 10_000
"""One answer: some 600 KB of JSON, a few ms of work beside the ingest loop."""
DEFAULT_SPAN_MS: Final = 3_600_000

_FLAG_TEXTS: Final = np.array([flag_text(code) for code in range(256)])


class ReadingColumns(BaseModel):
    """A stretch of one channel, ascending in time; the lists run in parallel."""

    site: str
    device: str
    factor: str = Field(description="HJ 212 factor code", examples=["a21026"])
    field: str = Field(description="`Rtd`, `Avg`, `Min`, `Max`, `Cou`, `ZsRtd`, ...", examples=["Rtd"])
    period: str = Field(description="`realtime`, `minute`, `hour` or `day`", examples=["realtime"])
    unit: str = Field(description="Unit of the values; empty where the inventory does not know the factor")
    start: str = Field(description="First instant asked for")
    end: str = Field(description="Instant up to which was asked, itself not included")
    limited: bool = Field(description="True when `limit` was reached: there may be older points in the interval")
    time: list[str] = Field(description="When measured, ISO 8601 UTC")
    value: list[float | None] = Field(description="null where the monitor sent a mark and no number")
    flag: list[str] = Field(description="Data flag of HJ 212; `N` is normal, `?` unknown")
    received: list[str] = Field(description="When the gateway received it, ISO 8601 UTC")
    marks: list[list[str]] = Field(
        description="How it came: `clock ahead` and so on, `early`, `late`, `out_of_order`, `backfilled`, `revision`"
    )
    revision: list[int] = Field(description="How often the value of this instant was changed; 0: as first sent")


@router.get(
    "/readings",
    response_model=ReadingColumns,
    summary="Readings of one channel",
    responses=responses(404, 422, 503),
)
def readings(
    views: GetViews,
    site: Annotated[str, Query(description="Site id")],
    device: Annotated[str, Query(description="Device id")],
    factor: Annotated[str, Query(min_length=1, max_length=64, description="Factor code")],
    field: Annotated[str, Query(min_length=1, max_length=32, description="Field of the factor")] = "Rtd",
    period: Annotated[Literal["realtime", "minute", "hour", "day"], Query(description="Kind of message")] = "realtime",
    start: Annotated[Instant | None, Query(description="From here; one hour before `end` unless given")] = None,
    end: Annotated[Instant | None, Query(description="Up to here, not included; now unless given")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_POINTS, description="At most the newest so many")] = 1000,
) -> Response:
    """Points with `start <= time < end`, at most the newest `limit` of them. Read from the store."""
    number = views.device(site, device)
    until = views.clock() if end is None else end
    since = max(until - DEFAULT_SPAN_MS, 0) if start is None else start
    if since > until:
        raise Problem(422, "start must not be after end", "start")
    try:
        series = views.query(ChannelKey(number, factor, field, period), since, until, limit)
    except StoreError as error:
        raise Problem(503, f"the store does not answer: {error}") from error
    answer = {
        "site": site,
        "device": device,
        "factor": factor,
        "field": field,
        "period": period,
        "unit": next((f.unit for f in views.inventory.devices[number].factors if f.code == factor), ""),
        "start": iso(since),
        "end": iso(until),
        "limited": len(series.time) >= limit,
        "time": iso_column(series.time),
        "value": np.where(np.isfinite(series.value), series.value, np.nan).tolist(),
        "flag": _FLAG_TEXTS[series.flag].tolist(),
        "received": iso_column(series.received),
        "marks": [words(mark) for mark in series.mark.tolist()],
        "revision": series.revision.tolist(),
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")  # NaN becomes null
