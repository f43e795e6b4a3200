"""What each device really says, point by point: what a right receiver stores where nothing is lost on the way."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from simulators.device_chain import DeviceChain
from simulators.scenario import Device, Scenario


class SentPoint(NamedTuple):
    """One value that was said, under the identity by which a receiver knows it."""

    site: str
    device: str
    factor: str
    field: str
    period: str
    time: int
    """As stamped, ms UTC; of HJ 212 in whole seconds, for DataTime knows no finer time."""
    value: float
    """As written: of HJ 212 with the decimals that it has for the factor."""


def write_sent(scenario: Scenario, seed: int, start: int, seconds: float, file: Path) -> None:
    """Write what is said from `start` (ms UTC) on as CSV with the columns of `SentPoint`.

    After faults of values, clocks and of what is said; before those of bytes and links, which are no loss of the
    device's. Pure: the same as in the stream of the same scenario, seed and start.
    """
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(SentPoint._fields)
        for device in scenario.devices:
            writer.writerows(_points(scenario, device, seed, start, start + round(1000 * seconds)))


def _points(scenario: Scenario, device: Device, seed: int, start: int, end: int) -> Iterator[SentPoint]:
    codec = scenario.resolve(device).simulate.codec
    said = DeviceChain(scenario, device, seed, start).said()
    for _, reports in itertools.takewhile(lambda each: each[0] < end, said):
        for report in reports:
            if report.time >= end or (codec == "senml" and report.period != "realtime"):
                continue
            stamp = report.stamp // 1000 * 1000 if codec == "hj212" else report.stamp
            for reading in report.readings:
                if codec == "senml" and reading.flag != "N":
                    continue
                for field, exact in reading.values.items():
                    value = round(exact, reading.decimals) if codec == "hj212" else exact
                    yield SentPoint(device.site, device.id, reading.code, field, report.period, stamp, value)
