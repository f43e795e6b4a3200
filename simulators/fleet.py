"""The fleet: scenario, seed and start time in; messages, frames and the truth in the order of their time out.

Pure: no clock, no network. The same scenario, seed and start give the same bytes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Protocol

from simulators.arrivals import Arrivals
from simulators.cameras.render import Frame, Renderer
from simulators.device_chain import device_items
from simulators.faults.seam import LinkFault, through, with_numbers
from simulators.incidents import OnCamera
from simulators.loggers.control import Control
from simulators.oracle import Oracle
from simulators.ordered import in_order
from simulators.records import Happening, Message, Parcel, Report, Shot
from simulators.scenario import Scenario
from simulators.seeds import generator
from simulators.settings import Camera, Device
from simulators.sky import Sky
from simulators.truth import happenings
from simulators.world import World

Item = Message | Shot | Happening


class Witness(Protocol):
    """Is told more than the truth's lines."""

    def said(self, device: Device, report: Report) -> None:
        """A report, when it is said."""
        ...

    def shown(self, camera: Camera, number: int, taken: int, captured: int, frame: Frame) -> None:
        """A frame, when its picture is drawn: those that are lost or left out are not.

        `taken` is true time, `captured` the camera's own, both ms UTC.
        """
        ...


class Fleet:
    """All devices and cameras of a scenario, from `start` (ms UTC) on."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        start: int,
        controls: Mapping[str, Control] = MappingProxyType({}),
        witness: Witness | None = None,
    ) -> None:
        """`controls`: by `site/device`, what a centre may change of a device while it goes on."""
        self._scenario, self._seed, self._start = scenario, seed, start
        self._controls, self._witness = controls, witness
        self._oracles = [Oracle(scenario.resolve(d), d.site, d.id) for d in scenario.devices]
        self._arrivals = [
            *(
                Arrivals({"site": d.site, "device": d.id}, scenario.resolve(d).silent_after_s, start)
                for d in scenario.devices
            ),
            *(Arrivals({"site": c.site, "camera": c.id}, c.silent_after_s, start) for c in scenario.cameras),
        ]

    def items(self, seconds: float | None = None) -> Iterator[Item]:
        """Everything that arrives, and what happens, in time order; endless without `seconds`. To be asked for once."""
        scenario, seed, start = self._scenario, self._seed, self._start
        world = World(scenario, seed, start)
        sources: list[Iterator[Report | Parcel]] = [
            *(
                device_items(scenario, device, seed, start, self._controls.get(f"{device.site}/{device.id}"), world)
                for device in scenario.devices
            ),
            *(camera_parcels(scenario, camera, seed, start, self._witness) for camera in scenario.cameras),
        ]
        merged: Iterator[tuple[int, Report | Parcel | Happening]] = heapq.merge(
            zip(itertools.repeat(-1), happenings(scenario, start)),
            *(zip(itertools.repeat(number), source) for number, source in enumerate(sources)),
            key=lambda numbered: numbered[1].due,
        )
        end = None if seconds is None else start + round(seconds * 1000)
        for number, item in merged:
            if end is not None and item.due >= end:
                return
            if isinstance(item, Happening):
                yield item
            elif isinstance(item, Report):
                if self._witness is not None:
                    self._witness.said(scenario.devices[number], item)
            else:
                yield from self._arrivals[number].take(item)
                if item.lost:
                    continue
                if item.said is not None and not item.reason:
                    yield from self._oracles[number].hear(item.said, item.due)
                yield item.item

    def last(self, at: int) -> Iterator[Happening]:
        """What the truth says at the end of the run, `at` (ms UTC), of what `items` gave."""
        for part in (*self._oracles, *self._arrivals):
            yield from part.last(at)


def camera_parcels(
    scenario: Scenario, camera: Camera, seed: int, start: int, witness: Witness | None = None
) -> Iterator[Parcel]:
    """What becomes of the frames of one camera on their way, in the order in which they arrive."""
    here = camera.site, camera.id
    faults = [fault for fault in scenario.faults if isinstance(fault, LinkFault) and fault.hits_camera(*here)]
    effects = [fault.travel(rng) for fault, rng in with_numbers(faults, seed, *here)]
    return in_order(
        (shot.due, through(effects, Parcel(shot, shot.due), start))
        for shot in camera_shots(scenario, camera, seed, start, witness)
    )


def camera_shots(
    scenario: Scenario, camera: Camera, seed: int, start: int, witness: Witness | None = None
) -> Iterator[Shot]:
    """The frames of one camera as it takes them, endless."""
    renderer = renderer_of(scenario, camera, seed, start)

    def draw(taken: int, number: int, captured: int) -> bytes:
        frame = renderer.frame(number, taken)
        if witness is not None:
            witness.shown(camera, number, taken, captured, frame)
        return renderer.encode(frame.picture, captured)

    period = 1000 / camera.simulate.fps
    first = start + int(generator(seed, camera.site, camera.id, "phase").integers(0, max(1, round(period))))
    topic = f"camera/{camera.site}/{camera.id}/frame"
    for number in itertools.count():
        taken = first + round(number * period)
        yield Shot(taken, topic, number, renderer.captured(taken), partial(draw, taken))


def renderer_of(scenario: Scenario, camera: Camera, seed: int, start: int) -> Renderer:
    """What draws the frames of one camera."""
    here = (camera.site, camera.id)
    incidents = [
        (number, incident)
        for number, incident in enumerate(scenario.incidents)
        if isinstance(incident, OnCamera) and (incident.site, incident.camera) == here
    ]
    sky = Sky(scenario, camera, seed, start)
    return Renderer(sky.camera, scenario.site(camera.site), incidents, sky.at, seed, start)
