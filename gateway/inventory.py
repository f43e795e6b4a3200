"""The inventory: what the gateway expects to hear of. Sites, devices, factors with limits, cameras with zones.

Everything has a dense number from 0, its place in the tuple that holds it, so that the hot path indexes
columns and never looks a name up twice. `gateway.config` builds it from TOML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Name:
    """A name for people, in both languages of the users."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    name: Name
    latitude: float
    longitude: float
    zone: ZoneInfo
    """Local time of the site: stamps without a zone are read in it (HJ 212 carries none)."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor a device is expected to send, in the unit it is stored in."""

    code: str
    """HJ 212 factor code, `a21026`."""
    unit: str
    name: Name
    kelvin: float | None = None
    """Temperature (K) at 101.325 kPa that its concentrations refer to; None where it is not stated."""


@dataclass(frozen=True, slots=True)
class LimitRule:
    """One limit on one channel: ascending levels above, or descending levels below."""

    id: str
    """Unique in the inventory: `site/device/factor-field[-period]/side`, or `site/device/` and the id given."""
    device: int
    factor: str
    field: str
    """`Rtd`, `Avg`, `ZsAvg`, ...: the field of the factor that is judged."""
    period: str
    """`realtime`, `minute`, `hour` or `day`: which messages are judged."""
    side: str
    """`above` or `below`."""
    levels: tuple[float, ...]
    hold: int
    """Minimum duration in ms, by the time of the readings, before a level is entered."""
    band: float
    """Hysteresis as a share of the limit: left at `limit * (1 - band)` (above), `limit * (1 + band)` (below)."""


@dataclass(frozen=True, slots=True)
class Hj212Device:
    """What is special about a device that speaks HJ 212."""

    edition: str = ""
    """`2005`, `2017` or `2025`; empty: recognised from its frames."""
    st: str = ""
    """System type that commands to it carry; empty: that of its last frame."""
    end_stamps: bool = False
    """Whether DataTime of minute, hour and day data is the end of the period; by the standard it is the start."""
    minute: int = 600_000
    """Interval of its minute data (CN 2051) in ms."""
    accept: frozenset[str] = frozenset()
    """Verdicts with which frames of this device are taken although `hj212.quarantine` has them."""
    commands: frozenset[str] = frozenset()
    """Groups of commands that may be sent to it: `time`, `intervals`, `history`, `sample`."""
    fill_gaps: bool = False
    """Whether missing minute and hour data are asked for by themselves."""


@dataclass(frozen=True, slots=True)
class Device:
    """One monitor (data logger) in the field."""

    id: str
    site: int
    name: Name
    mn: str
    """Unique device number in HJ 212; empty where the device speaks JSON only."""
    kind: str
    """`stack`, `wastewater`, `ambient` or another word of the inventory's."""
    interval: int
    """Expected time between messages in ms."""
    silent_after: int
    """A device not heard of for so long (ms) is silent."""
    factors: tuple[Factor, ...]
    hj212: Hj212Device = Hj212Device()
    carrier: str = ""
    """Device of the same site (a concentrator) by whose topic or connection its messages come too; empty: none."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon on a camera's picture; corners as shares of width and height, so it survives a resolution."""

    id: str
    name: Name
    polygon: tuple[tuple[float, float], ...]
    share: float
    """Share of the zone's area that must move to count."""
    hold: int
    """ms of motion before it is active."""
    quiet: int
    """ms without motion after which it is over."""


@dataclass(frozen=True, slots=True)
class Camera:
    id: str
    site: int
    name: Name
    zones: tuple[Zone, ...]
    silent_after: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that is expected, and the ways to find it by name."""

    sites: tuple[Site, ...]
    devices: tuple[Device, ...]
    cameras: tuple[Camera, ...]
    limits: tuple[LimitRule, ...]
    device_numbers: dict[tuple[str, str], int] = field(init=False)
    """(site id, device id) to device number."""
    mn_numbers: dict[str, int] = field(init=False)
    """MN to device number."""
    camera_numbers: dict[tuple[str, str], int] = field(init=False)
    """(site id, camera id) to camera number."""

    def __post_init__(self) -> None:
        site_of = [site.id for site in self.sites]
        set_once = object.__setattr__
        set_once(self, "device_numbers", {(site_of[d.site], d.id): n for n, d in enumerate(self.devices)})
        set_once(self, "mn_numbers", {d.mn: n for n, d in enumerate(self.devices) if d.mn})
        set_once(self, "camera_numbers", {(site_of[c.site], c.id): n for n, c in enumerate(self.cameras)})
        assert len(self.device_numbers) == len(self.devices), "device ids repeat within a site"
        assert len(self.camera_numbers) == len(self.cameras), "camera ids repeat within a site"

    def carries(self, carrier: int, device: int) -> bool:
        """Whether messages of `device` may come by the topic or connection of `carrier`, another device."""
        own, other = self.devices[device], self.devices[carrier]
        return own.carrier == other.id and own.site == other.site

    def carried_by(self, carrier: int, name: str) -> int | None:
        """Number of the device of this id or MN that `carrier` carries; None where it carries none."""
        number = self.mn_numbers.get(name) if name else None
        if number is None:
            number = self.device_numbers.get((self.sites[self.devices[carrier].site].id, name))
        return number if number is not None and self.carries(carrier, number) else None

    def share_a_way(self, one: int, other: int) -> bool:
        """Whether both may come by one connection: one carries the other, or a third carries both."""
        first, second = self.devices[one], self.devices[other]
        if first.site != second.site:
            return False
        return one == other or (first.carrier or first.id) == (second.carrier or second.id)
