"""The fleet: scenario, seed and start time in; messages, frames and the truth in the order of their time out.

Pure: no clock, no network. The same scenario, seed and start give the same bytes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from functools import partial

from simulators.cameras.render import Renderer
from simulators.device_chain import device_messages
from simulators.incidents import OnCamera
from simulators.records import Happening, Message, Shot
from simulators.scenario import Camera, CameraWeather, Scenario
from simulators.seeds import generator
from simulators.truth import happenings
from simulators.weather import CLEAR_M, Course

Item = Message | Shot | Happening


def stream(scenario: Scenario, seed: int, start: int, seconds: float | None = None) -> Iterator[Item]:
    """Everything that arrives from `start` (ms UTC) on, and what happens, in time order; endless without `seconds`."""
    end = None if seconds is None else start + round(seconds * 1000)
    sources: list[Iterator[Item]] = [
        happenings(scenario, start),
        *(device_messages(scenario, device, seed, start) for device in scenario.devices),
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
    return Renderer(under_the_sky(scenario, camera, start), scenario.site(camera.site), incidents, seed, start)


def under_the_sky(scenario: Scenario, camera: Camera, start: int) -> Camera:
    """The camera with the scenario's weather at the start, wherever it says nothing of its own."""
    own = camera.simulate.weather
    said: dict[str, float | None] = {**Course(scenario.weather, 0, start).planned(start)}
    del said["temperature_c"]
    sight = said["fog_visibility_m"]
    said["fog_visibility_m"] = sight if sight is not None and sight < CLEAR_M else None
    weather = CameraWeather.model_validate(said | {key: getattr(own, key) for key in own.model_fields_set})
    return camera.model_copy(update={"simulate": camera.simulate.model_copy(update={"weather": weather})})


def _due(item: Item) -> int:
    return item.due
