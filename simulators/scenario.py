"""A scenario: who sends what, and what happens when. Strict TOML: a misspelt key is an error with its line.

A scenario is an inventory as the gateway reads it (`sites`, `types`, `devices`, `cameras`) plus what only the
simulators need: `simulate` tables inside types, devices and cameras, and `incidents`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulators.incidents import Incident, Person, Silence
from simulators.processes import PROCESSES, Kind

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]


class Table(BaseModel):
    """A table of the file: a key that is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Name(Table):
    en: str
    zh: str


class Site(Table):
    id: Id
    name: Name
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    timezone: str = "Asia/Shanghai"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @model_validator(mode="after")
    def _zone_exists(self) -> Self:
        try:
            _ = self.zone
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {self.timezone!r}") from error
        return self


class Factor(Table):
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]
    unit: str
    name: Name


class Limit(Table):
    """As the gateway judges it; the simulators need it only for the truth."""

    factor: str
    field: str = "Rtd"
    period: Literal["realtime", "minute", "hour", "day"] = "realtime"
    above: tuple[float, ...] | None = None
    below: tuple[float, ...] | None = None
    hold_s: Annotated[float, Field(ge=0)] = 0.0
    band: Share = 0.05

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a limit has either `above` or `below`")
        return self


class DeviceSimulation(Table):
    """How a device is simulated; a device's own keys win over those of its type."""

    codec: Literal["hj212", "json"] = "json"
    process: Kind | None = None
    """Default: the word that the type gives as its `kind`."""
    means: dict[str, float] = {}
    """Long-term mean of a factor, in place of the process's own."""
    minute: bool = False
    """Minute data as well (HJ 212 command 2051)."""
    time: Literal["epoch", "iso"] = "epoch"
    """How JSON writes the time: epoch milliseconds, or ISO 8601 in the site's zone."""


class CameraSimulation(Table):
    scene: Literal["gate", "yard", "stack", "outfall"]
    fps: Annotated[float, Field(gt=0, le=60)] = 5.0
    width: Annotated[int, Field(ge=64, le=4096)] = 640
    height: Annotated[int, Field(ge=64, le=4096)] = 360
    quality: Annotated[int, Field(ge=10, le=100)] = 75


class DeviceType(Table):
    """What devices of a kind share."""

    kind: str
    interval_s: Annotated[float, Field(gt=0)] = 1.0
    silent_after_s: Annotated[float, Field(gt=0)] = 12.0
    factors: tuple[Factor, ...]
    limits: tuple[Limit, ...] = ()
    simulate: DeviceSimulation = DeviceSimulation()


class Device(Table):
    id: Id
    site: Id
    type: str
    mn: Annotated[str, Field(pattern=r"^[0-9A-Z_]{5,24}$")] | None = None
    name: Name
    interval_s: Annotated[float, Field(gt=0)] | None = None
    silent_after_s: Annotated[float, Field(gt=0)] | None = None
    factors: tuple[Factor, ...] | None = None
    limits: tuple[Limit, ...] | None = None
    simulate: DeviceSimulation = DeviceSimulation()


class Zone(Table):
    id: Id
    name: Name
    polygon: Annotated[tuple[Point, ...], Field(min_length=3)]
    share: Share = 0.01
    hold_s: Annotated[float, Field(ge=0)] = 0.6
    quiet_s: Annotated[float, Field(ge=0)] = 2.0


class Camera(Table):
    id: Id
    site: Id
    name: Name
    silent_after_s: Annotated[float, Field(gt=0)] = 10.0
    zones: tuple[Zone, ...] = ()
    simulate: CameraSimulation


class Scenario(Table):
    about: str
    """One line for `simulators list`."""
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]
    types: dict[str, DeviceType] = {}
    devices: tuple[Device, ...] = ()
    cameras: tuple[Camera, ...] = ()
    incidents: tuple[Incident, ...] = ()

    def site(self, site_id: str) -> Site:
        return next(site for site in self.sites if site.id == site_id)

    def resolve(self, device: Device) -> DeviceType:
        """The device's type with the device's own settings put over it."""
        base = self.types[device.type]
        own = {
            key: getattr(device, key)
            for key in ("interval_s", "silent_after_s", "factors", "limits")
            if getattr(device, key) is not None
        }
        simulate = base.simulate.model_copy(
            update={key: getattr(device.simulate, key) for key in device.simulate.model_fields_set}
        )
        return base.model_copy(update={**own, "simulate": simulate})

    def kind(self, device: Device) -> Kind:
        """The process that drives the device. Raises ValueError where none has that name."""
        settings = self.resolve(device)
        kind = settings.simulate.process or settings.kind
        for known in PROCESSES:
            if known == kind:
                return known
        raise ValueError(f"no process {kind!r}; known: {', '.join(PROCESSES)} (set simulate.process)")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        mistakes = list(self._mistakes())
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _mistakes(self) -> Iterator[str]:
        sites = {site.id for site in self.sites}
        if len(sites) < len(self.sites):
            yield "site ids repeat"
        yield from _repeats("devices", [(d.site, d.id) for d in self.devices])
        yield from _repeats("cameras", [(c.site, c.id) for c in self.cameras])
        yield from _repeats("mn", [(d.mn,) for d in self.devices if d.mn])
        for who, item in (
            *((f"device {d.id}", d) for d in self.devices),
            *((f"camera {c.id}", c) for c in self.cameras),
        ):
            if item.site not in sites:
                yield f"{who}: no site {item.site!r}"
        for device in self.devices:
            if device.type not in self.types:
                yield f"device {device.id}: no type {device.type!r}"
            else:
                yield from self._device_mistakes(device)
        for number, incident in enumerate(self.incidents):
            for mistake in self._incident_mistakes(incident):
                yield f"incidents.{number} ({incident.kind}): {mistake}"

    def _device_mistakes(self, device: Device) -> Iterator[str]:
        settings = self.resolve(device)
        try:
            known = PROCESSES[self.kind(device)].DECIMALS
        except ValueError as error:
            yield f"device {device.id}: {error}"
            return
        codes = {factor.code for factor in settings.factors}
        for code in codes | set(settings.simulate.means):
            if code not in known:
                yield f"device {device.id}: its process makes no factor {code!r}; it makes {', '.join(known)}"
        for limit in settings.limits:
            if limit.factor not in codes:
                yield f"device {device.id}: a limit on {limit.factor!r}, which it does not send"
        if settings.simulate.codec == "hj212":
            if not device.mn:
                yield f"device {device.id}: HJ 212 needs an mn"
            if settings.interval_s < 1:
                yield f"device {device.id}: HJ 212 stamps whole seconds, so interval_s must be 1 or more"

    def _incident_mistakes(self, incident: Incident) -> Iterator[str]:
        if isinstance(incident, Person):
            camera = next((c for c in self.cameras if (c.site, c.id) == (incident.site, incident.camera)), None)
            if camera is None:
                yield f"no camera {incident.camera!r} at site {incident.site!r}"
            elif incident.zone not in {zone.id for zone in camera.zones}:
                yield f"camera {camera.id} has no zone {incident.zone!r}"
            return
        device = next((d for d in self.devices if (d.site, d.id) == (incident.site, incident.device)), None)
        if device is None:
            yield f"no device {incident.device!r} at site {incident.site!r}"
            return
        if isinstance(incident, Silence) or device.type not in self.types:
            return
        if incident.factor not in {factor.code for factor in self.resolve(device).factors}:
            yield f"device {device.id} does not send {incident.factor!r}"


def _repeats(what: str, keys: list[tuple[str | None, ...]]) -> Iterator[str]:
    for key in sorted({key for key in keys if keys.count(key) > 1}, key=str):
        yield f"{what}: {'/'.join(str(part) for part in key)} repeats"
