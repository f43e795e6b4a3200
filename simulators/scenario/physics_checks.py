"""What must fit together of processes, units and analysers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from simulators.incidents import Calibration, RemovalFailure, Service, Standstill
from simulators.processes import PROCESSES, Kind
from simulators.settings.devices import Device, DeviceSimulation
from simulators.settings.tables import Mistake

if TYPE_CHECKING:
    from simulators.scenario.scenario import Scenario

OF_STACKS: Final = ("unit", "fuel", "sulphur", "ash", "reference_o2", "area_m2", "height_m")
MOST_O2: Final = 19.0
"""Percent: at more than that nothing worth the name is burnt, and corrected values mean nothing."""


def physics_mistakes(scenario: Scenario) -> Iterator[Mistake]:
    """One sentence each; of devices whose type or process is not known nothing is said."""
    known: list[tuple[int, Device, Kind]] = [
        (number, device, kind)
        for number, device in enumerate(scenario.devices)
        if (kind := _kind(scenario, device)) is not None
    ]
    fuels: dict[tuple[str, str], str] = {}
    for number, device, kind in known:
        simulate = scenario.resolve(device).simulate
        where = "devices", number, "simulate"
        for mistake in _own(simulate, kind):
            yield Mistake(where, f"device {device.id}: {mistake}")
        if kind == "stack":
            unit = device.site, simulate.unit or device.id
            if fuels.setdefault(unit, simulate.fuel) != simulate.fuel:
                text = f"device {device.id}: unit {unit[1]!r} burns {fuels[unit]} elsewhere, {simulate.fuel} here"
                yield Mistake(where, text)
    kinds: dict[tuple[str, str], Kind] = {(device.site, device.id): kind for _, device, kind in known}
    for number, event in enumerate(scenario.incidents):
        loc, who = ("incidents", number), f"incidents.{number} ({event.kind})"
        if isinstance(event, Standstill) and (event.site, event.unit) not in fuels:
            yield Mistake((*loc, "unit"), f"{who}: no stack at site {event.site!r} is of unit {event.unit!r}")
        if isinstance(event, RemovalFailure | Service):
            kind = kinds.get((event.site, event.device))
            if kind is None:
                continue
            if isinstance(event, RemovalFailure) and kind != "stack":
                yield Mistake((*loc, "device"), f"{who}: device {event.device} is no stack")
            if isinstance(event, Service):
                known_codes = PROCESSES[kind].CHECKED if isinstance(event, Calibration) else PROCESSES[kind].DECIMALS
                for code in sorted(set(event.factors) - set(known_codes)):
                    text = f"{who}: no {event.kind} of {code!r}; it knows {', '.join(known_codes)}"
                    yield Mistake((*loc, "factors"), text)


def _own(simulate: DeviceSimulation, kind: Kind) -> Iterator[str]:
    process = PROCESSES[kind]
    if kind == "stack":
        if "a00000" in simulate.means:
            yield "the mean of a00000 follows from area_m2 and the mean of a01011"
        if simulate.means.get("a19001", 0.0) > MOST_O2:
            yield f"a mean of a19001 over {MOST_O2:g} % is no combustion"
    else:
        for key in OF_STACKS:
            if getattr(simulate, key) != DeviceSimulation.model_fields[key].default:
                yield f"{key} is for stacks"
    if simulate.cycle_s and not process.SAMPLED:
        yield "cycle_s is for analysers of waste water"
    for key, values in (("ranges", simulate.ranges), ("detection", simulate.detection)):
        for code in sorted(set(values) - set(process.FULL_SCALE)):
            yield f"{key} of {code!r}; its analysers are of {', '.join(process.FULL_SCALE)}"


def _kind(scenario: Scenario, device: Device) -> Kind | None:
    try:
        return scenario.kind(device) if device.type in scenario.types else None
    except ValueError:
        return None
