"""A device that says nothing."""

from __future__ import annotations

from typing import Literal

from simulators.incidents.event import OnDevice


class Silence(OnDevice):
    """A device sends nothing; without `duration_s` for good."""

    kind: Literal["silence"]
