"""What must fit together in a scenario beyond the form of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from simulators.faults import Fault
from simulators.faults.fraud.shared_series import SharedSeries
from simulators.incidents import (
    ColouredWater,
    Crossing,
    Event,
    Exceedance,
    Flare,
    Foam,
    HiddenSmoke,
    OnCamera,
    OnDevice,
    SmokeWithDust,
    Smoky,
    Steam,
)
from simulators.processes import PROCESSES
from simulators.scenario.physics_checks import physics_mistakes
from simulators.settings.cameras import STACKS, Camera
from simulators.settings.devices import Device
from simulators.settings.tables import Mistake

if TYPE_CHECKING:
    from simulators.scenario.scenario import Scenario


def mistakes(scenario: Scenario) -> Iterator[Mistake]:
    """Everything that does not fit together, one sentence each."""
    sites = {site.id for site in scenario.sites}
    yield from _repeats("sites", "id", [(site.id,) for site in scenario.sites])
    yield from _repeats("devices", "id", [(d.site, d.id) for d in scenario.devices])
    yield from _repeats("cameras", "id", [(c.site, c.id) for c in scenario.cameras])
    yield from _repeats("devices", "mn", [(d.mn,) for d in scenario.devices])
    for many, one, items in (("devices", "device", scenario.devices), ("cameras", "camera", scenario.cameras)):
        for number, item in enumerate(items):
            if item.site not in sites:
                yield Mistake((many, number, "site"), f"{one} {item.id}: no site {item.site!r}")
    for number, camera in enumerate(scenario.cameras):
        yield from _repeats("cameras", "zones", [(zone.id,) for zone in camera.zones], number)
    for number, device in enumerate(scenario.devices):
        if device.type not in scenario.types:
            yield Mistake(("devices", number, "type"), f"device {device.id}: no type {device.type!r}")
        else:
            for mistake in _device_mistakes(scenario, device):
                yield Mistake(("devices", number), f"device {device.id}: {mistake}")
    yield from physics_mistakes(scenario)
    for number, incident in enumerate(scenario.incidents):
        for mistake in _event_mistakes(scenario, incident):
            yield Mistake(("incidents", number), f"incidents.{number} ({incident.kind}): {mistake}")
    for number, fault in enumerate(scenario.faults):
        for mistake in _fault_mistakes(scenario, fault):
            yield Mistake(("faults", number), f"faults.{number} ({fault.kind}): {mistake}")


def _device_mistakes(scenario: Scenario, device: Device) -> Iterator[str]:
    settings = scenario.resolve(device)
    try:
        known = PROCESSES[scenario.kind(device)].DECIMALS
    except ValueError as error:
        yield str(error)
        return
    codes = {factor.code for factor in settings.factors}
    for code in codes | set(settings.simulate.means):
        if code not in known:
            yield f"its process makes no factor {code!r}; it makes {', '.join(known)}"
    for limit in settings.limits:
        if limit.factor not in codes:
            yield f"a limit on {limit.factor!r}, which it does not send"
        elif limit.period != "realtime" and not getattr(settings.simulate, limit.period):
            yield f"a limit on {limit.period} data, which it does not send (set simulate.{limit.period})"
    if settings.simulate.carrier == "tcp" and settings.simulate.codec != "hj212":
        yield f"carrier tcp is for codec hj212, not {settings.simulate.codec}"
    if settings.simulate.codec == "hj212":
        if not device.mn:
            yield "HJ 212 needs an mn"
        if settings.simulate.sm4_key and settings.simulate.edition != "2025":
            yield "sm4_key is for edition 2025"
        if settings.interval_s < 1:
            yield "HJ 212 stamps whole seconds, so interval_s must be 1 or more"


def _event_mistakes(scenario: Scenario, event: Event) -> Iterator[str]:
    """What an incident names and the scenario has not."""
    if isinstance(event, OnCamera):
        camera = next((c for c in scenario.cameras if (c.site, c.id) == (event.site, event.camera)), None)
        if camera is None:
            yield f"no camera {event.camera!r} at site {event.site!r}"
        else:
            yield from _camera_mistakes(camera, event)
    if isinstance(event, OnDevice | SmokeWithDust | HiddenSmoke):
        device = next((d for d in scenario.devices if (d.site, d.id) == (event.site, event.device)), None)
        if device is None:
            yield f"no device {event.device!r} at site {event.site!r}"
        elif device.type in scenario.types:
            named = (event.factor,) if isinstance(event, Exceedance | SmokeWithDust) else ()
            for code in sorted(set(named) - {factor.code for factor in scenario.resolve(device).factors}):
                yield f"device {device.id} does not send {code!r}"


def _fault_mistakes(scenario: Scenario, fault: Fault) -> Iterator[str]:
    """Targets that are not there, and what a fault needs of them."""
    devices = [device for device in scenario.devices if fault.hits_device(device.site, device.id)]
    cameras = [camera for camera in scenario.cameras if fault.hits_camera(camera.site, camera.id)]
    if not devices and not cameras:
        yield "no device or camera of the scenario is hit by it"
    for device in devices:
        if device.type in scenario.types:
            yield from (f"device {device.id} {misfit}" for misfit in fault.misfits(scenario.resolve(device)))
        if isinstance(fault, SharedSeries):
            others = {
                each.id: each.type for each in scenario.devices if each.site == device.site and each is not device
            }
            if others.get(fault.source) != device.type:
                yield f"device {device.id} has no other device {fault.source!r} of its type at its site"


def _camera_mistakes(camera: Camera, event: OnCamera) -> Iterator[str]:
    """What an incident needs before the camera and its scene has not."""
    scene = camera.simulate.scene
    if isinstance(event, Crossing) and event.zone not in {zone.id for zone in camera.zones}:
        yield f"camera {camera.id} has no zone {event.zone!r}"
    if isinstance(event, Smoky | Steam) and event.stack >= STACKS.get(scene, 0):
        yield f"camera {camera.id}: its scene {scene!r} has {STACKS.get(scene, 0)} stacks, numbered from 0"
    if isinstance(event, Flare) and scene not in STACKS:
        yield f"camera {camera.id}: its scene {scene!r} has no flare"
    if isinstance(event, ColouredWater | Foam) and scene != "outfall":
        yield f"camera {camera.id}: its scene {scene!r} has no water"


def _repeats(
    tables: str, what: str, keys: Sequence[tuple[str | None, ...]], within: int | None = None
) -> Iterator[Mistake]:
    """Names that stand more than once in `tables`, or in table `within` of these."""
    seen: set[tuple[str | None, ...]] = set()
    for number, key in enumerate(keys):
        if key in seen:
            loc = (tables, number, what) if within is None else (tables, within, what, number, "id")
            yield Mistake(loc, f"{tables}: {what} {'/'.join(map(str, key))} repeats")
        if None not in key:
            seen.add(key)
