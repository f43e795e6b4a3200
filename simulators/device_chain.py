"""One monitor, from what happens in the world to the messages that arrive of it. Pure: no clock, no network.

```
process ─> instrument ─> value faults ─> logger (corrections) ─> value faults ─> averages ─> report faults ─> format
       ─> payload faults ─> link faults ─> in order of arrival
```
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulators.averages import Averages
from simulators.faults import Fault
from simulators.faults.seam import (
    Host,
    LinkFault,
    OffFault,
    PayloadFault,
    ReportEffect,
    ReportFault,
    Series,
    Stage,
    StampFault,
    ValueFault,
    through,
    with_numbers,
)
from simulators.formats.choose import format_of
from simulators.formats.hj212 import Writer
from simulators.incidents import Service, Silence
from simulators.instrument import Instrument, full_scales
from simulators.loggers.control import Control
from simulators.ordered import in_order
from simulators.processes import PROCESSES
from simulators.processes.seam import Moment, local_hour
from simulators.records import Message, Parcel, Reading, Report
from simulators.scenario import Scenario
from simulators.seeds import generator
from simulators.settings import Device
from simulators.world import World

LAG_MS = 10
"""Between the messages of one moment, shortest period first: no two of them have the same QN."""


def device_items(
    scenario: Scenario,
    device: Device,
    seed: int,
    start: int,
    control: Control | None = None,
    world: World | None = None,
) -> Iterator[Report | Parcel]:
    """What one device says, and what becomes of it on the way, each at its time; what is lost, when it would come.

    `world`: that of the scenario, seed and start, which all devices of a fleet may share.
    """
    chain = DeviceChain(scenario, device, seed, start, control, world)
    groups: Iterator[tuple[int, list[Report | Parcel]]] = (
        (time, [*reports, *chain.arrivals(reports)]) for time, reports in chain.said()
    )
    return in_order(itertools.chain(chain.started(), groups))


class DeviceChain:
    """The stages of one device, bound to its settings, its faults and its random numbers."""

    def __init__(
        self,
        scenario: Scenario,
        device: Device,
        seed: int,
        start: int,
        control: Control | None = None,
        world: World | None = None,
        *,
        faults: Sequence[Fault] | None = None,
    ) -> None:
        """`control`: what a centre may change of it; `world`: see `device_items`; `faults`: in place of the plan's."""
        self._plan = scenario, device, seed
        settings = scenario.resolve(device)
        self._simulate = settings.simulate
        self._start = start
        self._zone = scenario.site(device.site).zone
        self._codes = [factor.code for factor in settings.factors]
        here = (device.site, device.id)
        rng = generator(seed, *here)
        self._interval = round(settings.interval_s * 1000)
        self._first = start + int(rng.integers(0, self._interval))
        self._world = world or World(scenario, seed, start)
        self._draws = self._world.draws(device)
        self._process = PROCESSES[scenario.kind(device)](rng, settings.simulate, self._world.around(device))
        events = [each for each in scenario.incidents if isinstance(each, Service | Silence)]
        services = [each for each in events if isinstance(each, Service) and (each.site, each.device) == here]
        self._silences = [each for each in events if isinstance(each, Silence) and (each.site, each.device) == here]
        self._instrument = Instrument(generator(seed, *here, "instrument"), self._process, settings.simulate, services)
        own = [fault for fault in (scenario.faults if faults is None else faults) if fault.hits_device(*here)]
        host = Host(
            settings,
            self._follow,
            lambda t: self._world.weather(device, start + round(t * 1000)),
            full_scales(self._process.FULL_SCALE, settings.simulate),
        )
        self._off = [fault for fault in own if isinstance(fault, OffFault)]
        numbered = list(with_numbers(own, seed, *here))
        self._values = [(f.stage, f.values(rng, host)) for f, rng in numbered if isinstance(f, ValueFault)]
        self._control = control or Control(start, self._interval)
        self._control.faults = [fault for fault in own if isinstance(fault, StampFault)]
        self._reports = [f.reports(rng, host) for f, rng in numbered if isinstance(f, ReportFault)]
        self._payloads = [f.payload(rng) for f, rng in numbered if isinstance(f, PayloadFault)]
        self._travels = [f.travel(rng) for f, rng in numbered if isinstance(f, LinkFault)]
        self._format = format_of(scenario, device)
        self._topic = f"pollution/{device.site}/{device.id}/data"
        self._connection = f"{device.site}/{device.id}" if settings.simulate.carrier == "tcp" else ""

    def started(self) -> Iterator[tuple[int, list[Report | Parcel]]]:
        """What a logger on its own connection says first: when it was started (2081, since 2017)."""
        if self._connection and isinstance(self._format, Writer) and self._format.edition != "2005":
            frame = self._format.started(self._control.clock(self._first), self._first - 1)
            message = Message(self._first, self._topic, frame, 0, connection=self._connection)
            yield self._first, [Parcel(message, self._first)]

    def analysed(self) -> Iterator[tuple[int, list[Reading]]]:
        """Each moment at which the device measures, and what its analysers would show if all were well.

        Its clock ticks at whole intervals from a phase of its own. Intervals are at least a second for HJ 212 (the
        scenario checks it), so no two messages of a right clock carry the same DataTime.
        """
        device = self._plan[1]
        for time in self._control.ticks(self._first):
            t = (time - self._start) / 1000
            weather = self._world.weather(device, time)
            moment = Moment(time, local_hour(time, self._zone), self._control.interval_ms / 1000, weather)
            levels = self._process.step(moment, self._draws(t))
            yield time, self._instrument.measure(t, levels, self._process.stopped)

    def said(self) -> Iterator[tuple[int, list[Report]]]:
        """Each moment at which the device measures, and what it has to say then."""
        averages = Averages(self._process, self._zone, self._interval / 1000, self._simulate.minute_interval)
        asked = {period for period in ("minute", "hour", "day") if getattr(self._simulate, period)}
        for time, measured in self.analysed():
            t = (time - self._start) / 1000
            silent = [event for event in (*self._silences, *self._off) if event.active(t)]
            if any(event.duration_s is None for event in silent):
                return
            if silent:
                if any(isinstance(event, OffFault) for event in silent):
                    averages.lose_power()
                continue
            derived = self._process.derive(self._shown("analyser", t, measured))
            shown = {reading.code: reading for reading in self._shown("logger", t, derived)}
            readings = [shown[code] for code in self._codes]
            stamp = self._control.clock(time)
            reports = [Report(time, stamp, "realtime", readings)]
            for period, begun, data in averages.add(stamp, readings) if asked else ():
                if period in asked:
                    reports.append(Report(time + LAG_MS * len(reports), begun, period, data))
            self._control.remember(reports)
            yield time, [report for report in _through(self._reports, reports, t) if self._speaks_at(report.time)]

    def arrivals(self, reports: Sequence[Report]) -> list[Parcel]:
        """The messages that the reports become, with the time at which each arrives."""
        effects = (*self._payloads, *self._travels)
        return [
            made
            for report in reports
            for message, said in self._written(report)
            for made in through(effects, Parcel(message, report.time - report.late_ms, report.copy, said), self._start)
        ]

    def _speaks_at(self, time: int) -> bool:
        """Whether it can say then what it put off: not without power, nor where it is silent."""
        t = (time - self._start) / 1000
        return not any(event.active(t) for event in (*self._silences, *self._off))

    def _shown(self, stage: Stage, t: float, readings: list[Reading]) -> list[Reading]:
        for at, effect in self._values:
            if at == stage:
                readings = effect(t, readings)
        return readings

    def _follow(self, device_id: str) -> Series:
        """What the analysers of another device of the site would show if all were well."""
        scenario, device, seed = self._plan
        other = next(each for each in scenario.devices if (each.site, each.id) == (device.site, device_id))
        series = DeviceChain(scenario, other, seed, self._start, world=self._world, faults=()).analysed()
        now, then = next(series), next(series)

        def at(t: float) -> list[Reading]:
            nonlocal now, then
            while then[0] <= self._start + t * 1000:
                now, then = then, next(series)
            return now[1]

        return at

    def _written(self, report: Report) -> Iterator[tuple[Message, Report]]:
        """Each message, and what of the report it says."""
        values = sum(len(reading.values) for reading in report.readings)
        for number, (payload, readings) in enumerate(self._format.packets(report)):
            # The numbers of a split message are counted with its first packet.
            values_here = 0 if number else values
            message = Message(report.time, self._topic, payload, values_here, connection=self._connection)
            yield message, replace(report, readings=readings)


def _through(effects: Sequence[ReportEffect], items: list[Report], t: float) -> list[Report]:
    for effect in effects:
        items = [made for item in items for made in effect(t, item)]
    return items
