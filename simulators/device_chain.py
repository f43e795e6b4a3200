"""One monitor, from what happens in the world to the messages that arrive of it. Pure: no clock, no network.

```
process ─> instrument ─> value faults ─> logger (corrections, averages) ─> report faults ─> format
       ─> payload faults ─> link faults ─> in order of arrival
```
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from simulators.averages import Averages
from simulators.faults.seam import LinkFault, PayloadFault, ReportEffect, ReportFault, StampFault, ValueFault
from simulators.formats import format_of
from simulators.incidents import Service, Silence
from simulators.instrument import Instrument
from simulators.ordered import in_order
from simulators.processes import PROCESSES
from simulators.processes.seam import Moment, local_hour
from simulators.records import Message, Reading, Report
from simulators.scenario import Device, Scenario
from simulators.seeds import generator
from simulators.world import World

LAG_MS = 10
"""Between the messages of one moment, shortest period first: no two of them have the same QN."""


def device_messages(scenario: Scenario, device: Device, seed: int, start: int) -> Iterator[Message]:
    """What arrives of one device from `start` (ms UTC) on, in order of arrival; endless, unless silenced for good."""
    chain = DeviceChain(scenario, device, seed, start)
    return in_order((time, chain.arrivals(reports)) for time, reports in chain.said())


class DeviceChain:
    """The stages of one device, bound to its settings, its faults and its random numbers."""

    def __init__(self, scenario: Scenario, device: Device, seed: int, start: int) -> None:
        settings = scenario.resolve(device)
        self._device = device
        self._simulate = settings.simulate
        self._start = start
        self._zone = scenario.site(device.site).zone
        self._codes = [factor.code for factor in settings.factors]
        here = (device.site, device.id)
        rng = generator(seed, *here)
        self._interval = round(settings.interval_s * 1000)
        self._first = start + int(rng.integers(0, self._interval))
        self._world = World(scenario, seed, start)
        self._draws = self._world.draws(device)
        self._process = PROCESSES[scenario.kind(device)](rng, settings.simulate, self._world.around(device))
        own = [each for each in scenario.incidents if isinstance(each, Service | Silence)]
        services = [each for each in own if isinstance(each, Service) and (each.site, each.device) == here]
        self._silences = [each for each in own if isinstance(each, Silence) and (each.site, each.device) == here]
        self._instrument = Instrument(generator(seed, *here, "instrument"), self._process, settings.simulate, services)
        faults = [
            (fault, generator(seed, *here, "fault", str(number)))
            for number, fault in enumerate(scenario.faults)
            if (fault.site, fault.device) == here
        ]
        self._values = [fault.values(own) for fault, own in faults if isinstance(fault, ValueFault)]
        self._stamps = [fault for fault, _ in faults if isinstance(fault, StampFault)]
        self._reports = [fault.reports(own) for fault, own in faults if isinstance(fault, ReportFault)]
        self._payloads = [fault.payload(own) for fault, own in faults if isinstance(fault, PayloadFault)]
        self._travels = [fault.travel(own) for fault, own in faults if isinstance(fault, LinkFault)]
        self._format = format_of(scenario, device)
        self._topic = f"pollution/{device.site}/{device.id}/data"

    def said(self) -> Iterator[tuple[int, list[Report]]]:
        """Each moment at which the device measures, and what it has to say then.

        Its clock ticks at whole intervals from a phase of its own. Intervals are at least a second for HJ 212 (the
        scenario checks it), so no two messages of a right clock carry the same DataTime.
        """
        averages = Averages(self._process, self._zone, self._interval / 1000, self._simulate.minute_interval)
        asked = {period for period in ("minute", "hour", "day") if getattr(self._simulate, period)}
        for tick in itertools.count():
            time = self._first + tick * self._interval
            t = (time - self._start) / 1000
            levels = self._levels(time, t)
            silent = [silence for silence in self._silences if silence.active(t)]
            if any(silence.duration_s is None for silence in silent):
                return
            if silent:
                continue
            readings = self._readings(t, levels)
            stamp = time
            for fault in self._stamps:
                stamp = fault.stamp(t, stamp)
            reports = [Report(time, stamp, "realtime", readings)]
            for period, begun, data in averages.add(stamp, readings) if asked else ():
                if period in asked:
                    reports.append(Report(time + LAG_MS * len(reports), begun, period, data))
            yield time, _through(self._reports, reports, t)

    def _levels(self, time: int, t: float) -> dict[str, float]:
        """The true levels at the analysers."""
        weather = self._world.weather(self._device, time)
        moment = Moment(time, local_hour(time, self._zone), self._interval / 1000, weather)
        return self._process.step(moment, self._draws(t))

    def _readings(self, t: float, levels: dict[str, float]) -> list[Reading]:
        """What the logger has of them, for the factors that the device sends."""
        measured = self._instrument.measure(t, levels, self._process.stopped)
        for effect in self._values:
            measured = effect(t, measured)
        derived = {reading.code: reading for reading in self._process.derive(measured)}
        return [derived[code] for code in self._codes]

    def arrivals(self, reports: Sequence[Report]) -> list[Message]:
        """The messages that the reports become, with the time at which each arrives."""
        messages = [message for report in reports for message in self._written(report)]
        for effects in (self._payloads, self._travels):
            for effect in effects:
                messages = [
                    made for message in messages for made in effect((message.due - self._start) / 1000, message)
                ]
        return messages

    def _written(self, report: Report) -> Iterator[Message]:
        values = sum(len(reading.values) for reading in report.readings)
        for number, payload in enumerate(self._format.payloads(report)):
            # The numbers of a split message are counted with its first packet.
            yield Message(report.time, self._topic, payload, 0 if number else values)


def _through(effects: Sequence[ReportEffect], items: list[Report], t: float) -> list[Report]:
    for effect in effects:
        items = [made for item in items for made in effect(t, item)]
    return items
