"""Incidents: what happens in the world on plan. One file a group, one line a kind here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulators.incidents.crossing import Crossing, Person, Vehicle
from simulators.incidents.event import Event, OnCamera, OnDevice
from simulators.incidents.exceedance import Exceedance
from simulators.incidents.lens import Blur, CameraClock, Cover, Freeze, Glare, Insects, Jitter, Shift
from simulators.incidents.plant import ColouredWater, Flare, Foam, Growing, Steam
from simulators.incidents.service import AnalyserFault, Calibration, Maintenance, NoSignal, Service
from simulators.incidents.silence import Silence
from simulators.incidents.sky import CloudShadow, Fog, Rain
from simulators.incidents.smoke import HiddenSmoke, Smoke, SmokeWithDust, Smoky
from simulators.incidents.unit import RemovalFailure, Standstill

__all__ = [
    "AnalyserFault",
    "Blur",
    "Calibration",
    "CameraClock",
    "CloudShadow",
    "ColouredWater",
    "Cover",
    "Crossing",
    "Event",
    "Exceedance",
    "Flare",
    "Foam",
    "Fog",
    "Freeze",
    "Glare",
    "Growing",
    "HiddenSmoke",
    "Incident",
    "Insects",
    "Jitter",
    "Maintenance",
    "NoSignal",
    "OnCamera",
    "OnDevice",
    "Person",
    "Rain",
    "RemovalFailure",
    "Service",
    "Shift",
    "Silence",
    "Smoke",
    "SmokeWithDust",
    "Smoky",
    "Standstill",
    "Steam",
    "Vehicle",
]

Incident = Annotated[
    Exceedance
    | RemovalFailure
    | Standstill
    | Calibration
    | Maintenance
    | AnalyserFault
    | NoSignal
    | Silence
    | Person
    | Vehicle
    | Smoke
    | SmokeWithDust
    | HiddenSmoke
    | Steam
    | Flare
    | ColouredWater
    | Foam
    | Fog
    | Rain
    | CloudShadow
    | Cover
    | Blur
    | Freeze
    | Shift
    | Glare
    | Insects
    | Jitter
    | CameraClock,
    Field(discriminator="kind"),
]
