"""Incidents: what happens in the world on plan. One file a kind, one line here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulators.incidents.event import Event, OnCamera, OnDevice
from simulators.incidents.exceedance import Exceedance
from simulators.incidents.person import Person
from simulators.incidents.silence import Silence

__all__ = ["Event", "Exceedance", "Incident", "OnCamera", "OnDevice", "Person", "Silence"]

Incident = Annotated[Exceedance | Silence | Person, Field(discriminator="kind")]
