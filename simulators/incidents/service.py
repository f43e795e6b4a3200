"""What happens at an analyser while the world goes on: its data carry a flag and do not count."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.incidents.event import OnDevice


class Service(OnDevice):
    """Base: some factors of a device carry `flag` while it lasts."""

    flag: ClassVar[str]
    """HJ 212-2017 table 8."""
    factors: tuple[str, ...] = ()
    """Factor codes; where there are none, all that it can concern."""


class Calibration(Service):
    """Analysers are shown zero gas in the first half and span gas in the second, then set right: drift begins anew."""

    layer: ClassVar[str] = "operation"
    flag: ClassVar[str] = "C"
    kind: Literal["calibration"]
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]


class Maintenance(Service):
    """Somebody works at the analysers: they hold their last values."""

    layer: ClassVar[str] = "operation"
    flag: ClassVar[str] = "M"
    kind: Literal["maintenance"]


class AnalyserFault(Service):
    """Analysers are broken and say so: they show nothing but their zero."""

    layer: ClassVar[str] = "device"
    flag: ClassVar[str] = "D"
    kind: Literal["analyser_fault"]


class NoSignal(Service):
    """The logger does not hear the analysers: it repeats what it heard last."""

    layer: ClassVar[str] = "device"
    flag: ClassVar[str] = "B"
    kind: Literal["no_signal"]
