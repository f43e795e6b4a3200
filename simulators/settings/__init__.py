"""The tables of a scenario file that say what there is: sites, types, devices, cameras and the weather over them.

Strict: a key that is not known is an error. But for the `simulate` tables and the weather they are what the gateway
reads as its inventory.
"""

from simulators.settings.cameras import Camera, CameraSimulation, CameraWeather, Zone
from simulators.settings.devices import CentreSettings, Device, DeviceSimulation, DeviceType, Factor, Limit
from simulators.settings.places import Site
from simulators.settings.tables import Name, Table
from simulators.settings.weather import WeatherPlan, WeatherRow

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
    "Site",
    "Table",
    "WeatherPlan",
    "WeatherRow",
    "Zone",
]
