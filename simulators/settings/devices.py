"""Monitors: their types, factors and limits as the gateway's inventory has them, and how they are simulated."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulators.processes import Kind
from simulators.processes.settings import ProcessSettings
from simulators.settings.tables import Id, Name, Share, Table


class Factor(Table):
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]
    unit: str
    name: Name


Levels = Annotated[tuple[float, ...], Field(min_length=1, max_length=8)]


class Limit(Table):
    """As the gateway judges it; the simulators need it only for the truth."""

    factor: str
    field: Annotated[str, Field(pattern=r"^((Zs)?(Rtd|Min|Avg|Max)|Cou)$")] = "Rtd"
    period: Literal["realtime", "minute", "hour", "day"] = "realtime"
    above: Levels | None = None
    below: Levels | None = None
    hold_s: Annotated[float, Field(ge=0)] = 0.0
    band: Share = 0.05

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a limit has either `above` or `below`")
        if any(second <= first for first, second in pairwise(self.above or ())):
            raise ValueError("the levels of `above` must go up")
        if any(second >= first for first, second in pairwise(self.below or ())):
            raise ValueError("the levels of `below` must go down")
        if (self.period == "realtime") != self.field.endswith("Rtd"):
            raise ValueError(f"{self.period} data have no field {self.field!r}")
        return self


class DeviceSimulation(ProcessSettings):
    """How a device is simulated; a device's own keys win over those of its type."""

    codec: Literal["hj212", "json", "senml"] = "json"
    edition: Literal["2005", "2017", "2025"] = "2017"
    """Of HJ 212."""
    password: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,6}$")] = "123456"
    """Of HJ 212: simulated, so it stands here."""
    sm4_key: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{32})?$")] = ""
    """32 hexadecimal digits: HJ 212-2025 sends its data encrypted with it. Empty: in plain text."""
    wants_reply: bool = False
    """Whether HJ 212 data messages ask for a 9014."""
    carrier: Literal["mqtt", "tcp"] = "mqtt"
    """How HJ 212 goes: over the broker, or over a connection of the logger's own."""
    overtime_s: Annotated[float, Field(gt=0, lt=100)] = 5.0
    """TCP: how long a 9014 is waited for (`OverTime`)."""
    recount: Annotated[int, Field(ge=0, le=99)] = 3
    """TCP: how often a message is sent again then (`ReCount`), before the connection is made anew."""
    reply_topic: str = "pollution/{site}/{device}/reply"
    """MQTT: where HJ 212 listens for what the centre says; empty: it does not."""
    process: Kind | None = None
    """Default: the word that the type gives as its `kind`."""
    minute: bool = False
    """Minute data as well (HJ 212 command 2051)."""
    minute_interval: Literal[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30] = 1
    """Minutes that one set of minute data is of (HJ 212-2017, `MinInterval`)."""
    hour: bool = False
    """Hour data as well (2061)."""
    day: bool = False
    """Day data as well (2031)."""
    time: Literal["epoch", "iso"] = "epoch"
    """How JSON writes the time: epoch milliseconds, or ISO 8601 in the site's zone."""


class CentreSettings(Table):
    """The gateway's `hj212` table of a device or a type; the simulators only pass it on."""

    edition: Literal["2005", "2017", "2025"] | None = None
    minute_s: int | None = None
    commands: tuple[Literal["time", "intervals", "history", "sample"], ...] = ()
    fill_gaps: bool | None = None


class DeviceType(Table):
    """What devices of a kind share."""

    kind: Id
    interval_s: Annotated[float, Field(gt=0, le=86_400)] = 1.0
    silent_after_s: Annotated[float, Field(gt=0)] = 12.0
    factors: tuple[Factor, ...]
    limits: tuple[Limit, ...] = ()
    hj212: CentreSettings | None = None
    simulate: DeviceSimulation = DeviceSimulation()


class Device(Table):
    id: Id
    site: Id
    type: str
    mn: Annotated[str, Field(pattern=r"^[0-9A-Z_]{5,24}$")] | None = None
    name: Name
    interval_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    silent_after_s: Annotated[float, Field(gt=0)] | None = None
    factors: tuple[Factor, ...] | None = None
    limits: tuple[Limit, ...] | None = None
    hj212: CentreSettings | None = None
    simulate: DeviceSimulation = DeviceSimulation()
