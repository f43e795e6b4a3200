"""How loggers keep to HJ 212: edition, verdicts, gaps and events of one device; or all devices, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from gateway.alerts.ledger_reader import KeptEvent
from gateway.api.problems import Problem, responses
from gateway.api.protocol_csv import HEADINGS, MEDIA_TYPE, csv_lines
from gateway.api.sites import Names
from gateway.api.times import iso, iso_or_none
from gateway.api.views import GetViews, Views
from gateway.hj212.verdict_texts import TEXTS, texts_of
from gateway.hj212.verdicts import WORDS
from gateway.loggers.views import LastFrame, LoggerView, VerdictCount

router = APIRouter(prefix="/api/v1", tags=["protocol"])

DEFAULT_LIMIT = 100
CSV_ROWS_AT_ONCE = 200
"""Loggers looked at for one piece of a CSV: what is known of them is copied under a lock that ingest waits for."""
SHARE_DIGITS = 6


class VerdictModel(BaseModel):
    """One way in which a frame departs from the standard."""

    word: str = Field(examples=["crc_lower_case"])
    label: Names = Field(description="A few words")
    text: Names = Field(description="What was found and what is due")


class CountedVerdict(VerdictModel):
    frames: int = Field(description="Frames with it; of `set_incomplete` the sets")
    last: str | None = Field(description="When such a frame was last received, ISO 8601 UTC")
    example: int | None = Field(description="Journal position of that frame")


class GapModel(BaseModel):
    """Missing data."""

    period: str = Field(description="`minute` or `hour`", examples=["minute"])
    start: str = Field(description="Start of the first missing period, ISO 8601 UTC")
    end: str = Field(description="End of the last one")


class LastFrameModel(BaseModel):
    """The newest frame of a logger."""

    received: str = Field(description="ISO 8601 UTC")
    time: str | None = Field(description="DataTime, ISO 8601 UTC; null where the frame has none")
    position: int = Field(description="Journal position of its message")
    link: str = Field(description="Link that brought it")
    cn: str = Field(examples=["2011"])
    qn: str | None = Field(description="null where none was sent")
    taken: bool = Field(description="False: quarantined, a dead letter")
    encrypted: bool
    verdicts: list[VerdictModel]


class LoggerModel(BaseModel):
    """What is known of one logger. Counts run since it was first heard of, over restarts of the gateway."""

    site: str
    device: str
    name: Names
    mn: str
    edition: str = Field(description="`2005`, `2017` or `2025`; empty where it could not be told", examples=["2017"])
    edition_configured: bool = Field(description="False: recognised from its frames")
    st: str = Field(description="System type of the last frame", examples=["31"])
    first_received: str = Field(description="When its first frame came, ISO 8601 UTC")
    last: LastFrameModel
    frames: int
    frames_with_verdicts: int
    share: float = Field(description="Share of frames with a verdict, 0 to 1")
    verdicts: list[CountedVerdict] = Field(description="The most frequent first")
    quarantined: int = Field(description="Frames kept out of the store")
    repeats: int = Field(description="Messages sent again; each is stored once")
    back_filled: int = Field(description="Frames with RF=1")
    encrypted: int = Field(description="Frames that came encrypted")
    sets_complete: int = Field(description="Split messages of which all packets came")
    sets_incomplete: int
    sets_open: int = Field(description="Split messages that wait for packets now")
    gaps: list[GapModel] = Field(description="Minute data of seven days and hour data of 31 days that are missing")
    gaps_dropped: int = Field(description="Gaps not known one by one any more: there were too many")


class ItemModel(BaseModel):
    name: str = Field(examples=["RestartTime"])
    text: str


class DeviceEventModel(BaseModel):
    """What a device told beside readings; the payload of `device_event` on the stream, with its `id`."""

    id: int
    kind: str = Field(
        description="`message`: start-up, alarm, text and the like; `mark`: an analyser's own mark changed; "
        "`set_incomplete`: packets of a split message are missing",
        examples=["message"],
    )
    cn: str
    time: str | None = Field(description="DataTime, ISO 8601 UTC")
    received: str = Field(description="ISO 8601 UTC")
    position: int = Field(description="Journal position of the message")
    items: list[ItemModel]


class DeviceProtocol(LoggerModel):
    commands: dict[str, int] = Field(description="Frames by CN", examples=[{"2011": 1200}])
    events: list[DeviceEventModel] = Field(description="The newest first")


@router.get(
    "/devices/{site}/{device}/protocol",
    summary="How one logger keeps to HJ 212",
    responses=responses(404, 422),
)
def device_protocol(
    views: GetViews,
    site: Annotated[str, Path(max_length=200, description="Site id")],
    device: Annotated[str, Path(max_length=200, description="Device id")],
    events: Annotated[int, Query(ge=0, le=1000, description="At most so many events")] = 50,
    before: Annotated[
        int | None, Query(ge=0, le=2**63 - 1, description="For the next page of events: `id` of the last one of this")
    ] = None,
) -> DeviceProtocol:
    """404 also for a device of which no HJ 212 frame has come."""
    found = views.loggers.views([views.device(site, device)])
    if not found:
        raise Problem(404, f"no HJ 212 frame of device {device!r} at site {site!r} has come yet", "device", "path")
    kept = views.ledger.device_events(site, device, events, before) if events else []
    return DeviceProtocol(
        **_logger(views, found[0]).model_dump(), commands=found[0].commands, events=[_event(one) for one in kept]
    )


@router.get(
    "/protocol",
    response_model=list[LoggerModel],
    summary="How loggers keep to HJ 212, the worst first",
    responses={
        200: {
            "description": "Loggers by share of frames with a verdict; as CSV where `format` or `Accept` asks for it",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **responses(404, 422),
    },
)
def protocol(
    views: GetViews,
    site: Annotated[str | None, Query(max_length=200, description="Only devices of this site")] = None,
    format: Annotated[Literal["json", "csv"] | None, Query(description="`csv` for a table; else by `Accept`")] = None,
    limit: Annotated[
        int | None, Query(ge=1, le=1000, description="At most so many; 100 unless given, all of them as CSV")
    ] = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Leave out so many at the beginning")] = 0,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response | list[LoggerModel]:
    """Only loggers of which a frame has come. The CSV is one for a report: UTF-8 with a mark at its beginning."""
    wanted = None if site is None else views.site(site)
    devices = [n for n in views.loggers.worst_first() if wanted is None or views.inventory.devices[n].site == wanted]
    as_csv = format == "csv" or (format is None and MEDIA_TYPE in accept)
    most = limit if limit is not None else len(devices) if as_csv else DEFAULT_LIMIT
    devices = devices[offset : offset + most]
    if as_csv:
        return StreamingResponse(
            _csv(views, devices),
            media_type=f"{MEDIA_TYPE}; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="hj212-loggers.csv"'},
        )
    return [_logger(views, found) for found in views.loggers.views(devices)]


def _csv(views: Views, devices: Sequence[int]) -> Iterator[str]:
    yield "\ufeff" + HEADINGS  # by the mark a spreadsheet knows the encoding
    for start in range(0, len(devices), CSV_ROWS_AT_ONCE):
        yield csv_lines(views.inventory, views.loggers.views(devices[start : start + CSV_ROWS_AT_ONCE]))


def _logger(views: Views, found: LoggerView) -> LoggerModel:
    device = views.inventory.devices[found.device]
    return LoggerModel(
        site=views.inventory.sites[device.site].id,
        device=device.id,
        name=Names.of(device.name),
        mn=device.mn,
        edition=found.edition,
        edition_configured=found.configured,
        st=found.st,
        first_received=iso(found.first_received),
        last=_last(found.last),
        frames=found.frames,
        frames_with_verdicts=found.marked,
        share=round(found.share, SHARE_DIGITS),
        verdicts=[_counted(each) for each in found.verdicts],
        quarantined=found.quarantined,
        repeats=found.repeats,
        back_filled=found.back_filled,
        encrypted=found.encrypted,
        sets_complete=found.sets_complete,
        sets_incomplete=found.sets_incomplete,
        sets_open=found.sets_open,
        gaps=[GapModel(period=gap.period, start=iso(gap.start), end=iso(gap.end)) for gap in found.gaps],
        gaps_dropped=found.gaps_dropped,
    )


def _last(frame: LastFrame) -> LastFrameModel:
    return LastFrameModel(
        received=iso(frame.received),
        time=iso_or_none(frame.time),
        position=frame.position,
        link=frame.link,
        cn=frame.cn,
        qn=frame.qn or None,
        taken=frame.taken,
        encrypted=frame.encrypted,
        verdicts=[VerdictModel(word=word, **_texts(word)) for word, _ in texts_of(frame.verdicts)],
    )


def _counted(verdict: VerdictCount) -> CountedVerdict:
    return CountedVerdict(
        word=verdict.word,
        **_texts(verdict.word),
        frames=verdict.frames,
        last=iso_or_none(verdict.last),
        example=verdict.example if verdict.example >= 0 else None,
    )


def _texts(word: str) -> dict[str, Names]:
    text = TEXTS[WORDS[word]]
    return {"label": Names(en=text.label_en, zh=text.label_zh), "text": Names(en=text.en, zh=text.zh)}


def _event(kept: KeptEvent) -> DeviceEventModel:
    event = kept.event
    return DeviceEventModel(
        id=kept.id,
        kind=event.kind,
        cn=event.cn,
        time=iso_or_none(event.time),
        received=iso(event.received),
        position=event.position,
        items=[ItemModel(name=name, text=text) for name, text in event.items],
    )
