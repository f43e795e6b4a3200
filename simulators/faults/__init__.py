"""Faults: what goes wrong, or is made to, between the world and the centre. One file a kind, one line here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulators.faults.clock_step import ClockStep
from simulators.faults.outage import Outage
from simulators.faults.stuck import Stuck

__all__ = ["ClockStep", "Fault", "Outage", "Stuck"]

Fault = Annotated[Stuck | ClockStep | Outage, Field(discriminator="kind")]
