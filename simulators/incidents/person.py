"""Persons before a camera."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulators.incidents.event import OnCamera


class Person(OnCamera):
    """A person walks across a zone of a camera: the figure touches it from `start_s` on, for `duration_s`."""

    kind: Literal["person"]
    zone: str
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
