"""The weather over time, at any place of a scenario: what the file says, a seeded wander around it, and the sun."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Final

from simulators.processes.waves import Waves
from simulators.processes.weather import CALM_M_S, Weather
from simulators.seeds import generator
from simulators.settings import Site, WeatherPlan
from simulators.sun import sun

CLEAR_M: Final = 20_000.0
"""Sight on a clear day."""
KEYS: Final = ("wind_from_deg", "wind_m_s", "temperature_c", "rain_mm_h", "cloud", "fog_visibility_m")
PERIODS_S: Final = (3600.0, 400.0, 1500.0, 30_000.0, 2400.0, 900.0)
"""Of the wander of wind direction (turning, meandering), wind, temperature, cloud and rain."""


class Course:
    """A pure function of the time: whoever asks is told the same."""

    def __init__(self, plan: WeatherPlan, seed: int, start: int) -> None:
        """`start`: ms UTC at which the scenario begins."""
        self._start = start
        self._waves = Waves(generator(seed, "weather"), PERIODS_S, plan.wander)
        self._tracks = {key: _track(plan, key) for key in KEYS}
        self._always = None if plan.rows else self._said(0.0)

    def planned(self, time: int) -> dict[str, float]:
        """What the file says of a moment (ms UTC), by key, without wander; sight is `CLEAR_M` where there is no fog."""
        return self._always or self._said((time - self._start) / 1000)

    def _said(self, t: float) -> dict[str, float]:
        said = {key: _between(track, t) for key, track in self._tracks.items()}
        said["fog_visibility_m"] = 1 / said["fog_visibility_m"]
        said["wind_from_deg"] %= 360.0
        return said

    def at(self, time: int, site: Site) -> Weather:
        """The weather of a moment (ms UTC) at a place."""
        said = self.planned(time)
        turning, meandering, speed, warmth, cover, shower = self._waves.at(time)
        wind = said["wind_m_s"]
        cloud = said["cloud"]
        cloud = min(1.0, max(0.0, cloud + 0.4 * cloud * (1 - cloud) * cover))
        solar_hour = (time / 3_600_000 + site.longitude / 15.0) % 24.0
        swing = 5.0 * (1 - 0.7 * cloud) * math.cos((solar_hour - 15.0) * math.tau / 24)
        return Weather(
            wind_from_deg=(said["wind_from_deg"] + 6.0 * turning + (3.0 + 10.0 / (1 + wind)) * meandering) % 360.0,
            wind_m_s=max(CALM_M_S, wind * math.exp(0.15 * speed)),
            temperature_c=said["temperature_c"] + swing + 0.8 * warmth,
            rain_mm_h=said["rain_mm_h"] * math.exp(0.4 * shower),
            cloud=cloud,
            fog_visibility_m=said["fog_visibility_m"],
            sun_deg=sun(time, site.latitude, site.longitude)[0],
        )


Track = tuple[list[float], list[float]]
"""Seconds since the start and what is said then. Directions do not jump at 360; of visibility it is the inverse."""


def _track(plan: WeatherPlan, key: str) -> Track:
    said = [(row.at_s, getattr(row, key)) for row in plan.rows if getattr(row, key) is not None]
    if not said or said[0][0] > 0:
        said.insert(0, (0.0, getattr(plan, key)))
    values = [value for _, value in said]
    if key == "fog_visibility_m":
        values = [1 / (CLEAR_M if value is None else value) for value in values]
    if key == "wind_from_deg":
        for number in range(1, len(values)):
            values[number] = values[number - 1] + (values[number] - values[number - 1] + 180.0) % 360.0 - 180.0
    return [at for at, _ in said], values


def _between(track: Track, t: float) -> float:
    times, values = track
    number = bisect_right(times, t)
    if number == len(times):
        return values[-1]
    if number == 0:
        return values[0]
    before, after = times[number - 1], times[number]
    return values[number - 1] + (values[number] - values[number - 1]) * (t - before) / (after - before)
