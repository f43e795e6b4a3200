"""The rows of a CSV file as columns of numbers, so that a million rows take some dozen bytes each."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, cast

import numpy as np

from simulators.errors import SimulatorError
from simulators.records import Reading

DECIMALS: Final = 6
DECIMALS_MOST: Final = 9
"""Digits behind the point that a value keeps where it is written with fixed ones (HJ 212)."""
LATEST: Final = 253_370_764_800_000
"""ms UTC of the year 9999; times are from 1970 on and before it."""


class Rows:
    """What a file holds, read as a whole."""

    def __init__(self, devices: Sequence[str], names: Sequence[tuple[str, str]], scales: Sequence[float]) -> None:
        """`names`: factor and field of each column of values; `scales`: what its numbers are multiplied by."""
        self._devices = devices
        self._names = names
        self._scales = scales
        self._times = array("q")
        self._device = array("L")
        self._values = array("d")
        """Of each row in turn, NaN where there is none."""
        self._digits = array("b")

    def add(self, time: int, device: int, texts: Sequence[str]) -> None:
        """Add a row: `texts` of all columns, empty where there is no value. Raises `ValueError`."""
        if not 0 <= time < LATEST:
            raise ValueError(f"{time} ms since 1970 is no time that could be sent")
        for text, scale, (factor, field) in zip(texts, self._scales, self._names, strict=True):
            value = float(text) * scale if text else math.nan
            if text and not math.isfinite(value):
                raise ValueError(f"{factor}-{field}: {text} is no number that could be sent")
            plain = scale == 1 and text.lstrip("+-").replace(".", "", 1).isdigit()
            self._values.append(value)
            self._digits.append(min(DECIMALS_MOST, len(text.partition(".")[2])) if plain else DECIMALS)
        self._times.append(time)
        self._device.append(device)

    def in_order(self) -> Iterator[tuple[int, str, list[Reading]]]:
        """Time (ms UTC), device and values of each row, in order of time, those of one time as they stand."""
        order = np.argsort(np.frombuffer(self._times, np.int64), kind="stable")
        for row in cast(list[int], order.tolist()):
            yield self._times[row], self._devices[self._device[row]], self._readings(row)

    def _readings(self, row: int) -> list[Reading]:
        """One reading a factor, with the digits that the file has."""
        readings: dict[str, Reading] = {}
        first = row * len(self._names)
        for at, (factor, field) in enumerate(self._names, first):
            value = self._values[at]
            if math.isnan(value):
                continue
            before = readings.get(factor)
            values = {**(before.values if before else {}), field: value}
            readings[factor] = Reading(factor, values, max(self._digits[at], before.decimals if before else 0))
        return list(readings.values())


def lines_of(file: Path, delimiter: str, needed: Sequence[str], add: Callable[[Sequence[str]], None]) -> None:
    """Hand over the cells of the columns `needed` of each line below the first.

    Short lines end in empty cells. Raises `SimulatorError` with the line, for a `ValueError` of `add` too.
    """
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            head = next(reader, list[str]())
            for name in needed:
                if head.count(name) != 1:
                    wrong = "no column" if name not in head else "more than one column"
                    raise SimulatorError(f"{wrong} {name}; there are {head}")
            places = [head.index(name) for name in needed]
            for row in reader:
                if any(row[len(head) :]):
                    raise SimulatorError(f"{len(row)} cells, where the first line has {len(head)}")
                if row:
                    add([row[at] if at < len(row) else "" for at in places])
        except UnicodeDecodeError as error:
            raise SimulatorError(f"{file}: no text in UTF-8: {error}") from error
        except (ValueError, OverflowError, csv.Error, SimulatorError) as error:
            raise SimulatorError(f"{file}:{reader.line_num or 1}: {error}") from error
