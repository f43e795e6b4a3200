"""The whole file, and what of it holds for one device."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulators.faults import Fault
from simulators.incidents import Incident
from simulators.processes import PROCESSES, Kind
from simulators.scenario import checks
from simulators.settings.cameras import Camera
from simulators.settings.devices import Device, DeviceType
from simulators.settings.places import Site
from simulators.settings.tables import Misfits, Table
from simulators.settings.weather import WeatherPlan


class Scenario(Table):
    about: str
    """One line for `simulators list`."""
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]
    types: dict[str, DeviceType] = Field(default_factory=dict[str, DeviceType])
    weather: WeatherPlan = WeatherPlan()
    devices: tuple[Device, ...] = ()
    cameras: tuple[Camera, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """What happens in the world: to processes and before cameras."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong, or is made to, between the world and the centre: devices, payloads, links."""

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
        mistakes = list(checks.mistakes(self))
        if mistakes:
            raise Misfits(mistakes)
        return self
