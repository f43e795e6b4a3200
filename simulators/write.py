"""A scenario into a traffic file."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from simulators.fleet import Fleet
from simulators.progress import Timeline
from simulators.records import Happening, Message
from simulators.scenario import Scenario
from simulators.traffic import Arrival, TrafficWriter
from simulators.truth_file import TruthFiles


@dataclass(slots=True)
class Written:
    """What a traffic file holds."""

    messages: int = 0
    frames: int = 0


def write_traffic(
    scenario: Scenario,
    name: str,
    seed: int,
    start: int,
    seconds: float,
    out: Path,
    *,
    stop: threading.Event,
    truth: TruthFiles | None = None,
) -> Written:
    """Write what arrives in `seconds` from `start` (ms UTC) on: the bytes that `simulators run` sends then.

    Where `stop` is set the file ends there, whole. What goes over a logger's own connection stands under the topic
    that it would have over MQTT.
    """
    written = Written()
    about = {"scenario": name, "seed": seed, "start_ms": start, "seconds": seconds}
    fleet = Fleet(scenario, seed, start, witness=truth)
    end = start + round(seconds * 1000)
    with TrafficWriter(out, about) as file, Timeline(seconds) as shown:
        for item in fleet.items(seconds):
            if stop.is_set():
                end = item.due
                break
            if isinstance(item, Happening):
                if truth is not None:
                    truth(item)
                continue
            shown(item.due)
            if isinstance(item, Message):
                file.write(Arrival(item.due, item.topic, item.payload, retain=item.retain))
                written.messages += 1
            else:
                file.write(Arrival(item.due, item.topic, item.jpeg(), item.captured, qos=0))
                written.frames += 1
    if truth is not None:
        for happening in fleet.last(end):
            truth(happening)
    return written
