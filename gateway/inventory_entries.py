"""The inventory as it is written in TOML: one model for each kind of table. `gateway.inventory_file` joins them.

`docs/configuration.md` lists every key; a test holds the two together.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from gateway.channels import PERIODS
from gateway.config import Identifier, Misplaced, Seconds, Section, VerdictWord
from gateway.inventory import Hj212Device, Name
from gateway.polygon import area, crossing

Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

MN_PATTERN = r"^[^\s;=,&#]{1,64}$"
"""HJ 212-2017 means 24 hexadecimal characters; in the field there are 7 to 24 of any kind, so only what would end
the field in a frame is refused."""

FactorField = Literal[
    "Rtd", "Min", "Avg", "Max", "Cou", "ZsRtd", "ZsMin", "ZsAvg", "ZsMax", "Data", "DayData", "NightData"
]
Period = Literal["realtime", "minute", "hour", "day"]
assert Period.__args__ == PERIODS


class NameEntry(Section):
    """A name for people. One language is enough; it then stands for both."""

    en: str = ""
    zh: str = ""

    @model_validator(mode="after")
    def _not_empty(self) -> NameEntry:
        if not self.en and not self.zh:
            raise ValueError("expected en, zh or both")
        return self

    @property
    def name(self) -> Name:
        return Name(self.en or self.zh, self.zh or self.en)


class SiteEntry(Section):
    id: Identifier
    name: NameEntry | None = None
    """Without it the id."""
    latitude: Annotated[float, Field(ge=-90, le=90)]
    """Degrees north, WGS 84."""
    longitude: Annotated[float, Field(ge=-180, le=180)]
    """Degrees east, WGS 84."""
    timezone: str = "Asia/Shanghai"
    """Stamps without a zone are local time here; an IANA name."""

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
            matches = difflib.get_close_matches(name, sorted(available_timezones()), 1)
            hint = f"; did you mean {matches[0]!r}?" if matches else ", expected an IANA name as 'Asia/Shanghai'"
            raise ValueError(f"no time zone {name!r} is known{hint}") from error
        return name


class FactorEntry(Section):
    code: Identifier
    """HJ 212 factor code, `a21026`, or the name that JSON uses."""
    unit: Annotated[str, Field(max_length=32)] | None = None
    """What the monitor sends, empty for a number without one (pH); left out: the unit of the standard."""
    name: NameEntry | None = None
    """Without it the name of the standard."""
    reference_c: Annotated[float, Field(ge=-50, le=100)] | None = None
    """Temperature (C) at 101.325 kPa that its concentrations refer to; without it no ppm is converted."""


class LimitEntry(Section):
    id: Identifier | None = None
    """Last part of the rule's id `site/device/id`; without it made of factor, field and side."""
    factor: Identifier
    field: FactorField = "Rtd"
    """Which value of the factor is judged."""
    period: Period = "realtime"
    """Which messages are judged."""
    above: Annotated[tuple[Number, ...], Field(min_length=1, max_length=8)] | None = None
    """Levels, ascending, in the factor's unit: at or over one is an exceedance."""
    below: Annotated[tuple[Number, ...], Field(min_length=1, max_length=8)] | None = None
    """Levels, descending: at or under one is an exceedance. A limit has `above` or `below`."""
    unit: str | None = None
    """Only to be safe: where given it must be the factor's unit."""
    hold_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """How long a level must be passed, by the time of the readings, before it counts."""
    band: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Hysteresis: the share of a level's amount by which a value must return for it to end."""

    @model_validator(mode="after")
    def _one_side(self) -> LimitEntry:
        if self.above is not None and self.below is not None:
            raise Misplaced((("below",), "expected above or below, not both: write two limits"))
        if self.above is None and self.below is None:
            raise Misplaced(((), "expected above = [levels] or below = [levels]"))
        levels = self.levels
        steps = range(1, len(levels))
        wrong = [n for n in steps if (levels[n] <= levels[n - 1] if self.above else levels[n] >= levels[n - 1])]
        word = "ascending" if self.above else "descending"
        mistakes: list[tuple[tuple[str | int, ...], str]] = [
            ((self.side, n), f"expected {word} levels, but {levels[n]:g} follows {levels[n - 1]:g}") for n in wrong
        ]
        if mistakes:
            raise Misplaced(*mistakes)
        return self

    @property
    def side(self) -> str:
        return "above" if self.above is not None else "below"

    @property
    def levels(self) -> tuple[float, ...]:
        return self.above or self.below or ()


class Hj212Entry(Section):
    """How a device speaks HJ 212. A device's table takes the place of its type's as a whole."""

    edition: Literal["2005", "2017", "2025"] | None = None
    """Edition of its frames; left out: recognised."""
    st: Annotated[str, Field(pattern=r"^[0-9A-Z]{2}$")] | None = None
    """System type that commands to it carry; left out: that of its last frame."""
    stamps: Literal["start", "end"] = "start"
    """What DataTime of minute, hour and day data is: the start of the period, as the standard has it, or its end."""
    minute_s: Literal[60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, 1800] = 600
    """Interval of its minute data."""
    accept: tuple[VerdictWord, ...] = ()
    """Verdicts with which its frames are taken although `hj212.quarantine` has them."""
    commands: tuple[Literal["time", "intervals", "history", "sample"], ...] = ()
    """Groups of commands that may be sent to it; none unless given."""
    fill_gaps: bool = False
    """Whether its missing minute and hour data are asked for by themselves; needs `history` among `commands`."""

    @model_validator(mode="after")
    def _gaps_need_history(self) -> Hj212Entry:
        if self.fill_gaps and "history" not in self.commands:
            raise Misplaced((("fill_gaps",), 'asks for history: expected "history" among commands'))
        return self

    @property
    def settings(self) -> Hj212Device:
        return Hj212Device(
            edition=self.edition or "",
            st=self.st or "",
            end_stamps=self.stamps == "end",
            minute=self.minute_s * 1000,
            accept=frozenset(self.accept),
            commands=frozenset(self.commands),
            fill_gaps=self.fill_gaps,
        )


class TypeEntry(Section):
    """What devices of one type share. Every key may be left out here and given by the device, which wins."""

    kind: Identifier | None = None
    """`stack`, `wastewater`, `ambient` or another word of your own."""
    interval_s: Seconds | None = None
    """Expected time between two messages."""
    silent_after_s: Seconds | None = None
    """A device not heard of for so long is silent; without it 3 intervals, at least 10 s."""
    factors: tuple[FactorEntry, ...] | None = None
    """What the device is expected to send."""
    limits: tuple[LimitEntry, ...] | None = None
    hj212: Hj212Entry | None = None
    """How the device speaks HJ 212, where it is not as the standard has it, or commands are allowed."""


class DeviceEntry(TypeEntry):
    id: Identifier
    """Unique within its site."""
    site: Identifier
    type: str | None = None
    """Name of a table under `types`."""
    mn: Annotated[str, Field(pattern=MN_PATTERN)] | None = None
    """Device number in HJ 212; devices that speak JSON only have none."""
    name: NameEntry | None = None
    """Without it the id."""
    carrier: Identifier | None = None
    """Id of a device of the same site by whose topic or connection the messages of this one come too."""


class ZoneEntry(Section):
    id: Identifier
    """Unique within its camera."""
    name: NameEntry | None = None
    """Without it the id."""
    polygon: Annotated[tuple[tuple[Share, Share], ...], Field(min_length=3, max_length=64)]
    """Corners as shares of width and height, `[0, 0]` top left."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Share of the zone's area that must move to count."""
    hold_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.6
    """Motion for so long makes an alert."""
    quiet_s: Seconds = 2.0
    """No motion for so long ends it."""

    @field_validator("polygon")
    @classmethod
    def _is_plain(cls, corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if corners[0] == corners[-1]:
            raise ValueError("the last corner repeats the first: leave it out")
        if meeting := crossing(corners):
            raise ValueError("the edges from corner {} and from corner {} (counted from 0) cross".format(*meeting))
        if area(corners) < 1e-4:  # 0.01 % of the picture: some 90 pixels of 1280x720
            raise ValueError("the area is under 0.01 % of the picture; corners are shares from 0 to 1")
        return corners


class CameraEntry(Section):
    id: Identifier
    """Unique within its site."""
    site: Identifier
    name: NameEntry | None = None
    """Without it the id."""
    silent_after_s: Seconds = 10.0
    """A camera that sends no frame for so long is silent."""
    zones: tuple[ZoneEntry, ...] = ()

    @model_validator(mode="after")
    def _zones_differ(self) -> CameraEntry:
        seen: dict[str, int] = {}
        mistakes: list[tuple[tuple[str | int, ...], str]] = []
        for number, zone in enumerate(self.zones):
            if (first := seen.setdefault(zone.id, number)) != number:
                mistakes.append((("zones", number, "id"), f"{zone.id!r} is the id of zones.{first} too"))
        if mistakes:
            raise Misplaced(*mistakes)
        return self


class InventoryEntries(Section):
    """All tables of the inventory, in the configuration or in a file of its own."""

    sites: tuple[SiteEntry, ...] = ()
    types: dict[str, TypeEntry] = Field(default_factory=dict[str, TypeEntry])
    devices: tuple[DeviceEntry, ...] = ()
    cameras: tuple[CameraEntry, ...] = ()
