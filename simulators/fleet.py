"""The fleet: scenario, seed and start time in, messages in the order of their time out.

Pure: no clock, no network. The same scenario, seed and start give the same bytes.
"""

from __future__ import annotations

import heapq
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from simulators.cameras.render import Renderer
from simulators.formats import hj212, json_v1
from simulators.incidents import Exceedance, Person, Silence
from simulators.minute import Minutes
from simulators.processes import PROCESSES
from simulators.processes.seam import Draw, Moment, Reading
from simulators.scenario import Camera, Device, Scenario


@dataclass(frozen=True, slots=True)
class Message:
    """Readings of one device, ready to be published."""

    due: int
    """ms UTC at which it is sent; the readings are of that moment."""
    topic: str
    payload: bytes
    values: int
    """Numbers it carries: what a receiver counts as readings."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame of a camera; the picture is drawn when it is asked for, so that a late one can be left out."""

    due: int
    """ms UTC of the capture."""
    topic: str
    number: int
    renderer: Renderer = field(repr=False, compare=False)

    def jpeg(self) -> bytes:
        """The picture, with its capture time in EXIF. The same bytes at each call."""
        return self.renderer.jpeg(self.number, self.due)


def stream(scenario: Scenario, seed: int, start: int, seconds: float | None = None) -> Iterator[Message | Shot]:
    """Everything the fleet sends from `start` (ms UTC) on, in time order; endless without `seconds`."""
    end = None if seconds is None else start + round(seconds * 1000)
    sources: list[Iterator[Message | Shot]] = [
        *(device_messages(scenario, device, seed, start) for device in scenario.devices),
        *(camera_shots(scenario, camera, seed, start) for camera in scenario.cameras),
    ]
    merged = heapq.merge(*sources, key=_due)
    return merged if end is None else itertools.takewhile(lambda item: item.due < end, merged)


def generator(seed: int, *names: str) -> np.random.Generator:
    """The random numbers of one named thing: independent of what else is in the scenario, and of its order."""
    return np.random.default_rng([seed, zlib.crc32("/".join(names).encode())])


def device_messages(scenario: Scenario, device: Device, seed: int, start: int) -> Iterator[Message]:
    """What one device sends; endless, unless an incident silences it for good.

    Its clock ticks at whole intervals from a phase of its own. Intervals are at least a second for HJ 212 (the
    scenario checks it), so no two messages of a device carry the same DataTime.
    """
    settings = scenario.resolve(device)
    simulate = settings.simulate
    process_type = PROCESSES[scenario.kind(device)]
    zone = scenario.site(device.site).zone
    rng = generator(seed, device.site, device.id)
    interval = round(settings.interval_s * 1000)
    first = start + int(rng.integers(0, interval))
    process = process_type(rng, simulate.means)
    codes = [factor.code for factor in settings.factors]
    draws = [i for i in scenario.incidents if isinstance(i, Exceedance) and _meets(i, device)]
    silences = [i for i in scenario.incidents if isinstance(i, Silence) and _meets(i, device)]
    minutes = Minutes(process_type) if simulate.minute else None
    topic = f"pollution/{device.site}/{device.id}/data"

    def written(time: int, readings: list[Reading], minute_of: int | None = None) -> Iterator[Message]:
        data_time = time if minute_of is None else minute_of
        if simulate.codec == "json":
            payload = json_v1.payload(
                data_time,
                readings,
                period="realtime" if minute_of is None else "minute",
                iso=zone if simulate.time == "iso" else None,
            )
            yield Message(time, topic, payload, sum(len(reading.values) for reading in readings))
            return
        frames = hj212.frames(
            time,
            data_time,
            readings,
            zone=zone,
            system_type=process_type.SYSTEM_TYPE,
            mn=device.mn or "",
            command=hj212.REALTIME if minute_of is None else hj212.MINUTE,
        )
        for number, frame in enumerate(frames):  # the numbers of a split message are counted with its first packet
            yield Message(time, topic, frame, 0 if number else sum(len(reading.values) for reading in readings))

    for tick in itertools.count():
        time = first + tick * interval
        t = (time - start) / 1000
        active = {i.factor: Draw(i.reach, i.share(t)) for i in draws if i.active(t)}
        measured = {r.code: r for r in process.step(Moment(_hour(time, zone), interval / 1000), active)}
        silent = [silence for silence in silences if silence.active(t)]
        if any(silence.duration_s is None for silence in silent):
            return
        if silent:
            continue
        readings = [measured[code] for code in codes]
        yield from written(time, readings)
        if minutes is not None:
            ended = minutes.add(time, readings)
            if ended is not None:
                yield from written(time, ended[1], ended[0])


def camera_shots(scenario: Scenario, camera: Camera, seed: int, start: int) -> Iterator[Shot]:
    """The frames of one camera, endless."""
    rng = generator(seed, camera.site, camera.id)
    period = 1000 / camera.simulate.fps
    first = start + int(rng.integers(0, max(1, round(period))))
    persons = [
        i for i in scenario.incidents if isinstance(i, Person) and (i.site, i.camera) == (camera.site, camera.id)
    ]
    renderer = Renderer(camera, persons, rng, start, scenario.site(camera.site).zone)
    topic = f"camera/{camera.site}/{camera.id}/frame"
    for number in itertools.count():
        yield Shot(first + round(number * period), topic, number, renderer)


def _due(item: Message | Shot) -> int:
    return item.due


def _meets(incident: Exceedance | Silence, device: Device) -> bool:
    return (incident.site, incident.device) == (device.site, device.id)


def _hour(time: int, zone: ZoneInfo) -> float:
    local = datetime.fromtimestamp(time / 1000, zone)
    return local.hour + local.minute / 60 + local.second / 3600
