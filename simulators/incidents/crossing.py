"""Persons and vehicles before a camera."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from simulators.incidents.event import Expected, OnCamera


class Crossing(OnCamera):
    """Something goes across a zone of a camera: it touches it from `start_s` on, for `duration_s`."""

    zone: str
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]

    def expects(self) -> Iterator[Expected]:
        """Motion in the zone."""
        yield Expected("security", "motion", zone=self.zone)


class Person(Crossing):
    """A person walks across."""

    kind: Literal["person"]


class Vehicle(Crossing):
    """A vehicle drives across."""

    kind: Literal["vehicle"]
    what: Literal["car", "truck", "bicycle"] = "car"
