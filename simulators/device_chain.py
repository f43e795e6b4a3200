"""One monitor, from what happens in the world to the messages that arrive of it. Pure: no clock, no network.

```
process ─> instrument ─> value faults ─> logger (corrections, averages) ─> report faults ─> format
       ─> payload faults ─> link faults ─> in order of arrival
```
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from simulators.faults.seam import LinkFault, PayloadFault, ReportEffect, ReportFault, StampFault, ValueFault
from simulators.formats import format_of
from simulators.formats.hj212 import Writer
from simulators.incidents import Exceedance, Silence, SmokeWithDust
from simulators.instrument import Instrument
from simulators.loggers.control import Control
from simulators.minute import Minutes
from simulators.ordered import in_order
from simulators.processes import PROCESSES
from simulators.processes.seam import Draw, Moment
from simulators.records import Message, Report
from simulators.scenario import Device, Scenario
from simulators.seeds import generator


def device_messages(
    scenario: Scenario, device: Device, seed: int, start: int, control: Control | None = None
) -> Iterator[Message]:
    """What arrives of one device from `start` (ms UTC) on, in order of arrival; endless, unless silenced for good.

    `control`: what a centre may change meanwhile; without commands the same arrives with it and without.
    """
    chain = DeviceChain(scenario, device, seed, start, control)
    groups = ((time, chain.arrivals(reports)) for time, reports in chain.said())
    return in_order(itertools.chain(chain.started(), groups))


class DeviceChain:
    """The stages of one device, bound to its settings, its faults and its random numbers."""

    def __init__(
        self, scenario: Scenario, device: Device, seed: int, start: int, control: Control | None = None
    ) -> None:
        self._settings = settings = scenario.resolve(device)
        self._simulate = settings.simulate
        self._start = start
        self._process_type = PROCESSES[scenario.kind(device)]
        self._zone = scenario.site(device.site).zone
        self._codes = [factor.code for factor in settings.factors]
        rng = generator(seed, device.site, device.id)
        self._interval = round(settings.interval_s * 1000)
        self._first = start + int(rng.integers(0, self._interval))
        self._process = self._process_type(rng, settings.simulate.means)
        self._instrument = Instrument(generator(seed, device.site, device.id, "instrument"), self._process_type)
        here = (device.site, device.id)
        incidents = [each for each in scenario.incidents if isinstance(each, Exceedance | SmokeWithDust | Silence)]
        self._draws = [i for i in incidents if isinstance(i, Exceedance | SmokeWithDust) and (i.site, i.device) == here]
        self._silences = [i for i in incidents if isinstance(i, Silence) and (i.site, i.device) == here]
        faults = [
            (fault, generator(seed, *here, "fault", str(number)))
            for number, fault in enumerate(scenario.faults)
            if (fault.site, fault.device) == here
        ]
        self._values = [fault.values(own) for fault, own in faults if isinstance(fault, ValueFault)]
        self._control = control or Control(start, self._interval)
        self._control.faults = [fault for fault, _ in faults if isinstance(fault, StampFault)]
        self._reports = [fault.reports(own) for fault, own in faults if isinstance(fault, ReportFault)]
        self._payloads = [fault.payload(own) for fault, own in faults if isinstance(fault, PayloadFault)]
        self._travels = [fault.travel(own) for fault, own in faults if isinstance(fault, LinkFault)]
        self._format = format_of(scenario, device)
        self._topic = f"pollution/{device.site}/{device.id}/data"
        self._connection = f"{device.site}/{device.id}" if settings.simulate.carrier == "tcp" else ""

    def started(self) -> Iterator[tuple[int, list[Message]]]:
        """What a logger on its own connection says first: when it was started (2081, since 2017)."""
        if self._connection and isinstance(self._format, Writer) and self._format.edition != "2005":
            frame = self._format.started(self._control.clock(self._first), self._first - 1)
            yield self._first, [Message(self._first, self._topic, frame, 0, connection=self._connection)]

    def said(self) -> Iterator[tuple[int, list[Report]]]:
        """Each moment at which the device measures, and what it has to say then.

        Its clock ticks at whole intervals from a phase of its own. Intervals are at least a second for HJ 212 (the
        scenario checks it), so no two messages of a right clock carry the same DataTime.
        """
        minutes = Minutes(self._process_type) if self._simulate.minute else None
        for time in self._control.ticks(self._first):
            t = (time - self._start) / 1000
            active = {i.factor: Draw(i.reach, i.share(t)) for i in self._draws if i.active(t)}
            levels = self._process.step(Moment(_hour(time, self._zone), self._control.interval_ms / 1000), active)
            silent = [silence for silence in self._silences if silence.active(t)]
            if any(silence.duration_s is None for silence in silent):
                return
            if silent:
                continue
            measured = self._instrument.measure(levels)
            for effect in self._values:
                measured = effect(t, measured)
            derived = {reading.code: reading for reading in self._process_type.derive(measured)}
            readings = [derived[code] for code in self._codes]
            stamp = self._control.clock(time)
            reports = [Report(time, stamp, "realtime", readings)]
            if minutes is not None:
                ended = minutes.add(stamp, readings)
                if ended is not None:
                    reports.append(Report(time, ended[0], "minute", ended[1]))
            self._control.remember(reports)
            yield time, _through(self._reports, reports, t)

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
            yield Message(report.time, self._topic, payload, 0 if number else values, connection=self._connection)


def _through(effects: Sequence[ReportEffect], items: list[Report], t: float) -> list[Report]:
    for effect in effects:
        items = [made for item in items for made in effect(t, item)]
    return items


def _hour(time: int, zone: ZoneInfo) -> float:
    local = datetime.fromtimestamp(time / 1000, zone)
    return local.hour + local.minute / 60 + local.second / 3600
