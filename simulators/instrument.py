"""The analysers of a device: true levels in, what they show of them out, with the flag that goes with it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from simulators.incidents import AnalyserFault, Calibration, Service
from simulators.processes.seam import Process
from simulators.processes.settings import ProcessSettings
from simulators.records import RANK, Reading
from simulators.sampler import Sampler

DAY_S: Final = 86_400.0
AHEAD: Final = 64
"""Steps whose noise is drawn at once."""
RESPONSE_S: Final = 26.0
"""Time constant with which an analyser follows a gas: 90 % within a minute (HJ 76-2017 allows 200 s)."""
SIGMAS: Final = 3.0
"""Standard deviations of the noise at zero that a detection limit is."""
ROOM: Final = 5.0
"""Full scale is at least so many of the mean that a scenario sets."""


class Instrument:
    """Noise, drift, zero and span, range, detection limit, and the digits that are shown."""

    def __init__(
        self, rng: np.random.Generator, process: Process, settings: ProcessSettings, services: Sequence[Service] = ()
    ) -> None:
        """`services`: what happens at the analysers of this device."""
        self._rng = rng
        self._digits = tuple(process.DECIMALS.items())
        self._noise = np.array([process.NOISE.get(code, 0.0) for code in process.DECIMALS])
        self._noise_of = process.NOISE
        self._checked = process.CHECKED
        self._scale = full_scales(process.FULL_SCALE, settings)
        self._least = {**process.DETECTION, **settings.detection}
        self._runs_away = _Drift(rng, settings.drift, services) if settings.drift else None
        self._services = sorted(services, key=lambda service: RANK.index(service.flag))
        self._sampler = Sampler(process.SAMPLED, settings.cycle_s) if process.SAMPLED and settings.cycle_s else None
        self._ahead: list[list[float]] = []
        self._shown: dict[str, float] = {}

    def measure(self, t: float, levels: Mapping[str, float], stopped: bool = False) -> list[Reading]:
        """What is shown of the levels `t` seconds after the start, in the order of `Process.DECIMALS`.

        `stopped`: whether the source is out of operation; then all is flagged F.
        """
        services = [service for service in self._services if service.active(t)]
        sampler = self._sampler
        if sampler is not None:
            levels = sampler.analysed(t, levels)
        readings: list[Reading] = []
        for (code, digits), wobble in zip(self._digits, self._wobbles(), strict=True):
            service = next((each for each in services if self._concerns(each, code)), None) if services else None
            if service is None and sampler is not None and code in sampler.codes:
                value, flag = self._seen(code, levels[code], sampler.wobble(code, wobble), sampler.at)
            elif service is None:
                value, flag = self._seen(code, levels[code], wobble, t)
            else:
                value, flag = self._served(service, code, levels[code], wobble, t), service.flag
            value = self._shown[code] = round(value, digits)
            readings.append(Reading(code, {"Rtd": value}, digits, "F" if stopped else flag))
        return readings

    def _wobbles(self) -> list[float]:
        """The noise of the next step, by factor as a share of the value."""
        if not self._ahead:
            drawn = np.clip(self._rng.standard_normal((AHEAD, len(self._noise))), -3, 3) * self._noise
            self._ahead = drawn[::-1].tolist()
        return self._ahead.pop()

    def _seen(self, code: str, level: float, wobble: float, t: float) -> tuple[float, str]:
        """A level as the analyser shows it."""
        value = level * (1 + wobble)
        scale = self._scale.get(code)
        if scale is None:
            return value, "N"
        value = self._run_away(code, value, t)
        if value > scale:
            return scale, "T"
        least = self._least.get(code, 0.0)
        return (value, "N") if value >= least else (least / 2, "N")

    def _run_away(self, code: str, value: float, t: float) -> float:
        if self._runs_away is None:
            return value
        zero, span = self._runs_away.at(code, t)
        return value * (1 + span) + zero * self._scale[code]

    def _calibrated(self, service: Calibration, code: str, level: float, wobble: float, t: float) -> float:
        """Zero gas, then span gas, each as fast as the analyser follows; around zero it is as restless as anywhere."""
        since, half = service.since(t) or 0.0, service.duration_s / 2
        zero, span = (share * self._scale[code] for share in self._checked[code])
        before, gas = (level, zero) if since < half else (zero, span)
        value = gas + (before - gas) * math.exp(-(since % half) / min(RESPONSE_S, half / 10))
        noise = self._noise_of.get(code, 0.0)
        restless = wobble / noise * self._least.get(code, 0.0) / SIGMAS if noise else 0.0
        seen = self._run_away(code, value * (1 + wobble) + restless, t)
        return min(max(seen, 0.0), self._scale[code])

    def _served(self, service: Service, code: str, level: float, wobble: float, t: float) -> float:
        if isinstance(service, Calibration):
            return self._calibrated(service, code, level, wobble, t)
        if isinstance(service, AnalyserFault):
            return 0.0
        return self._shown.get(code, level)

    def _concerns(self, service: Service, code: str) -> bool:
        if isinstance(service, Calibration) and code not in self._checked:
            return False
        return not service.factors or code in service.factors


class _Drift:
    """Zero and span run away in a straight line from one calibration to the next, to one side by chance."""

    def __init__(self, rng: np.random.Generator, most: float, services: Sequence[Service]) -> None:
        """`most`: share of full scale in a day that is never exceeded."""
        self._most = most
        self._key = int(rng.integers(2**32))
        self._calibrations = [each for each in services if isinstance(each, Calibration)]
        self._slopes: dict[tuple[str, int], tuple[float, float]] = {}

    def at(self, code: str, t: float) -> tuple[float, float]:
        """Error of zero as a share of full scale, and of span as a share of the value."""
        done, since = self._last(code, t)
        slopes = self._slopes.get((code, done))
        if slopes is None:
            own = np.random.default_rng([self._key, zlib.crc32(code.encode()), done])
            zero, span = own.uniform(-self._most, self._most, 2).tolist()
            slopes = self._slopes[code, done] = zero, span
        return slopes[0] * since / DAY_S, slopes[1] * since / DAY_S

    def _last(self, code: str, t: float) -> tuple[int, float]:
        """How many calibrations of a factor are over at `t`, and seconds since the last one (or since the start)."""
        done, since = 0, t
        for each in self._calibrations:
            over = t - each.start_s - each.duration_s
            if over < 0 or (each.factors and code not in each.factors):
                continue
            times = 1 if each.every_s is None else 1 + math.floor(over / each.every_s)
            done += times
            since = min(since, over - (times - 1) * (each.every_s or 0.0))
        return done, since


def full_scales(usual: Mapping[str, float], settings: ProcessSettings) -> dict[str, float]:
    """Full scale of each analyser: as set, else the usual one, or more where the scenario's mean wants it."""
    scales = {code: max(scale, _round_up(ROOM * settings.means.get(code, 0.0))) for code, scale in usual.items()}
    return scales | settings.ranges


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, ...; 0 for 0."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if value <= step * power)
