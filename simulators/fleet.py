"""The fleet: scenario, seed and start time in; messages, frames and the truth in the order of their time out.

Pure: no clock, no network. The same scenario, seed and start give the same bytes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType

from simulators.cameras.render import Renderer
from simulators.device_chain import device_messages
from simulators.incidents import OnCamera
from simulators.loggers.control import Control
from simulators.records import Happening, Message, Shot
from simulators.scenario import Camera, Scenario
from simulators.seeds import generator
from simulators.truth import happenings

Item = Message | Shot | Happening


def stream(
    scenario: Scenario,
    seed: int,
    start: int,
    seconds: float | None = None,
    controls: Mapping[str, Control] = MappingProxyType({}),
) -> Iterator[Item]:
    """Everything that arrives from `start` (ms UTC) on, and what happens, in time order; endless without `seconds`.

    `controls`: by `site/device`, what a centre may change of a device while it goes on.
    """
    end = None if seconds is None else start + round(seconds * 1000)
    sources: list[Iterator[Item]] = [
        happenings(scenario, start),
        *(
            device_messages(scenario, device, seed, start, controls.get(f"{device.site}/{device.id}"))
            for device in scenario.devices
        ),
        *(camera_shots(scenario, camera, seed, start) for camera in scenario.cameras),
    ]
    merged = heapq.merge(*sources, key=_due)
    return merged if end is None else itertools.takewhile(lambda item: item.due < end, merged)


def camera_shots(scenario: Scenario, camera: Camera, seed: int, start: int) -> Iterator[Shot]:
    """The frames of one camera, endless."""
    renderer = renderer_of(scenario, camera, seed, start)
    period = 1000 / camera.simulate.fps
    first = start + int(generator(seed, camera.site, camera.id, "phase").integers(0, max(1, round(period))))
    topic = f"camera/{camera.site}/{camera.id}/frame"
    for number in itertools.count():
        taken = first + round(number * period)
        yield Shot(taken, topic, number, renderer.captured(taken), partial(renderer.jpeg, taken))


def renderer_of(scenario: Scenario, camera: Camera, seed: int, start: int) -> Renderer:
    """What draws the frames of one camera."""
    here = (camera.site, camera.id)
    incidents = [
        (number, incident)
        for number, incident in enumerate(scenario.incidents)
        if isinstance(incident, OnCamera) and (incident.site, incident.camera) == here
    ]
    return Renderer(camera, scenario.site(camera.site), incidents, seed, start)


def _due(item: Item) -> int:
    return item.due
