"""The weather before a camera: that of the scenario, but for what the camera says itself."""

from __future__ import annotations

import math
from typing import Final

from simulators.scenario import Scenario
from simulators.settings import Camera, CameraWeather
from simulators.weather import CLEAR_M, Course

FIXED: Final = ("wind_from_deg", "wind_m_s", "cloud")
"""What a camera paints once: as the scenario has it at the start."""


class Sky:
    """One camera's weather."""

    def __init__(self, scenario: Scenario, camera: Camera, seed: int, start: int) -> None:
        self._course = Course(scenario.weather, seed, start)
        self._site = scenario.site(camera.site)
        self._own = own = camera.simulate.weather
        said = self._course.planned(start)
        kept = {key: said[key] for key in FIXED} | {key: getattr(own, key) for key in own.model_fields_set}
        simulate = camera.simulate.model_copy(update={"weather": CameraWeather.model_validate(kept)})
        self.camera = camera.model_copy(update={"simulate": simulate})
        """With wind and cloud as they are painted."""

    def at(self, time: int) -> tuple[float, float]:
        """Rain in mm/h and sight in metres at `time` (ms UTC); sight is endless where there is no fog."""
        weather, own = self._course.at(time, self._site), self._own
        rain = own.rain_mm_h if "rain_mm_h" in own.model_fields_set else weather.rain_mm_h
        sight = own.fog_visibility_m if "fog_visibility_m" in own.model_fields_set else weather.fog_visibility_m
        return rain, math.inf if sight is None or sight > 0.99 * CLEAR_M else sight
