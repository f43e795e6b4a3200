"""A device without power."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulators.faults.seam import OffFault


class Dead(OffFault):
    """The device dies; without `duration_s` for good."""

    kind: Literal["dead"]


class Reboot(OffFault):
    """The device starts anew: nothing for `duration_s`, and what it had counted in the minute is gone."""

    kind: Literal["reboot"]
    duration_s: Annotated[float, Field(gt=0)] = 30.0  # pyright: ignore[reportIncompatibleVariableOverride]
