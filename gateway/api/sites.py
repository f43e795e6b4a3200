"""What the gateway expects to hear of, sites and devices, and when it last did."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from detectors.records import NEVER
from gateway.api.problems import responses
from gateway.api.times import iso, iso_or_none
from gateway.api.views import GetViews, Views
from gateway.clocks import ClockView
from gateway.inventory import LimitRule, Name
from gateway.marks import CLOCKS

router = APIRouter(prefix="/api/v1", tags=["inventory"])


class Names(BaseModel):
    en: str
    zh: str

    @staticmethod
    def of(name: Name) -> Names:
        """The names of an entry of the inventory."""
        return Names(en=name.en, zh=name.zh)


class SiteModel(BaseModel):
    id: str
    name: Names
    latitude: float
    longitude: float
    zone: str = Field(description="Time zone of the site", examples=["Asia/Shanghai"])
    devices: int = Field(description="Number of devices")
    cameras: int = Field(description="Number of cameras")


class LimitModel(BaseModel):
    id: str
    field: str
    period: str
    side: str = Field(description="`above` or `below`")
    levels: list[float] = Field(description="From the mildest to the gravest")
    hold_ms: int = Field(description="Minimum duration before a level is entered")
    band: float = Field(description="Hysteresis as a share of the limit")


class FactorModel(BaseModel):
    code: str = Field(description="HJ 212 factor code", examples=["a21026"])
    name: Names
    unit: str
    limits: list[LimitModel]


class ClockModel(BaseModel):
    verdict: str = Field(description="`ok`, `ahead`, `behind`, `no clock` or `drifting`", examples=["ok"])
    since: str | None = Field(description="When the verdict was reached, ISO 8601 UTC; null: it never was another")
    offset_ms: int = Field(description="By how much the clock is ahead, by the quickest of the last messages")
    drift_ms_per_day: int = Field(description="How much it gains a day; 0 where it does not drift")


class DeviceModel(BaseModel):
    site: str
    id: str
    name: Names
    mn: str = Field(description="Device number in HJ 212; empty where the device speaks JSON only")
    kind: str = Field(examples=["stack"])
    interval_ms: int = Field(description="Expected time between messages")
    silent_after_ms: int = Field(description="Not heard of for so long, it is silent")
    last_heard: str | None = Field(description="When it last sent anything, ISO 8601 UTC; null: not since the start")
    silent: bool = Field(description="Not heard of for longer than `silent_after_ms`, counted from the start at most")
    clock: ClockModel = Field(description="What its stamps say of its clock")
    factors: list[FactorModel]


@router.get("/sites", summary="All sites")
def sites(views: GetViews) -> list[SiteModel]:
    """The sites of the inventory, in its order."""
    inventory = views.inventory
    devices = [device.site for device in inventory.devices]
    cameras = [camera.site for camera in inventory.cameras]
    return [
        SiteModel(
            id=site.id,
            name=Names.of(site.name),
            latitude=site.latitude,
            longitude=site.longitude,
            zone=str(site.zone),
            devices=devices.count(number),
            cameras=cameras.count(number),
        )
        for number, site in enumerate(inventory.sites)
    ]


@router.get("/devices", summary="Devices, with when each was last heard", responses=responses(404, 422))
def devices(
    views: GetViews,
    site: Annotated[str | None, Query(description="Only devices of this site")] = None,
    kind: Annotated[str | None, Query(description="Only devices of this kind, `stack` say")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many")] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Leave out so many at the beginning")] = 0,
) -> list[DeviceModel]:
    """Devices of the inventory, in its order."""
    wanted_site = None if site is None else views.site(site)
    inventory = views.inventory
    chosen = [
        number
        for number, device in enumerate(inventory.devices)
        if (wanted_site is None or device.site == wanted_site) and (kind is None or device.kind == kind)
    ][offset : offset + limit]
    limits: dict[int, list[LimitRule]] = {number: [] for number in chosen}
    for rule in inventory.limits:
        if rule.device in limits:
            limits[rule.device].append(rule)
    heard = views.live.heard()
    now = views.clock()
    return [_device(views, number, limits[number], int(heard[number]), now) for number in chosen]


def _device(views: Views, number: int, rules: list[LimitRule], heard: int, now: int) -> DeviceModel:
    device, started = views.inventory.devices[number], views.live.started
    return DeviceModel(
        site=views.inventory.sites[device.site].id,
        id=device.id,
        name=Names.of(device.name),
        mn=device.mn,
        kind=device.kind,
        interval_ms=device.interval,
        silent_after_ms=device.silent_after,
        last_heard=iso_or_none(heard),
        silent=now - (started if heard == NEVER else heard) > device.silent_after,
        clock=_clock(views.device_clock(number)),
        factors=[
            FactorModel(
                code=factor.code,
                name=Names.of(factor.name),
                unit=factor.unit,
                limits=[_limit(rule) for rule in rules if rule.factor == factor.code],
            )
            for factor in device.factors
        ],
    )


def _clock(view: ClockView) -> ClockModel:
    return ClockModel(
        verdict=CLOCKS[view.verdict],
        since=iso(view.since) if view.since else None,
        offset_ms=view.offset,
        drift_ms_per_day=view.drift,
    )


def _limit(rule: LimitRule) -> LimitModel:
    return LimitModel(
        id=rule.id,
        field=rule.field,
        period=rule.period,
        side=rule.side,
        levels=list(rule.levels),
        hold_ms=rule.hold,
        band=rule.band,
    )
