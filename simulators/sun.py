"""Where the sun is, after the low-precision formulas of the Astronomical Almanac (0.01 degrees)."""

from __future__ import annotations

import math


def sun(time: int, latitude: float, longitude: float) -> tuple[float, float]:
    """Height and azimuth (from north by east) of the sun in degrees at `time` (ms UTC)."""
    days = time / 86_400_000 - 10_957.5
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    mean = (280.460 + 0.9856474 * days) % 360
    ecliptic = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439 - 4e-7 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(ecliptic), math.cos(ecliptic))
    declination = math.asin(math.sin(tilt) * math.sin(ecliptic))
    sidereal = math.radians((280.46062 + 360.98564737 * days + longitude) % 360)
    hour, here = sidereal - ascension, math.radians(latitude)
    height = math.asin(math.sin(here) * math.sin(declination) + math.cos(here) * math.cos(declination) * math.cos(hour))
    azimuth = math.atan2(
        -math.cos(declination) * math.sin(hour),
        math.sin(declination) * math.cos(here) - math.cos(declination) * math.sin(here) * math.cos(hour),
    )
    return math.degrees(height), math.degrees(azimuth) % 360
