"""A scenario: who sends what, and what happens when. Strict TOML: a misspelt key is an error with its line.

A scenario is an inventory as the gateway reads it (`sites`, `types`, `devices`, `cameras`) plus what only the
simulators need: `simulate` tables inside types, devices and cameras, `incidents` and `faults`.
"""

from simulators.scenario.cameras import Camera, CameraSimulation, CameraWeather, Zone
from simulators.scenario.devices import CentreSettings, Device, DeviceSimulation, DeviceType, Factor, Limit
from simulators.scenario.places import Site
from simulators.scenario.scenario import Scenario
from simulators.scenario.tables import Name, Table
from simulators.scenario.weather import WeatherPlan, WeatherRow

__all__ = [
    "Camera",
    "CameraSimulation",
    "CameraWeather",
    "CentreSettings",
    "Device",
    "DeviceSimulation",
    "DeviceType",
    "Factor",
    "Limit",
    "Name",
    "Scenario",
    "Site",
    "Table",
    "WeatherPlan",
    "WeatherRow",
    "Zone",
]
