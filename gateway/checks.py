"""All detectors on readings, bound to the inventory: one call a batch, one snapshot of all they remember.

What is known of loggers, identities and strangers is in the same snapshot: all of it is of one journal position.

Detectors know numbers only. A snapshot outlives the numbers, so it names devices, channels and rules by their words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.readings import late_limits, late_runs, limits, silence
from detectors.readings.limit_rules import Limits
from detectors.records import NEVER, Finding
from gateway.channels import ChannelKey, Channels, ChannelsFull
from gateway.clocks import DeviceClocks
from gateway.config import Clocks, Hj212
from gateway.identities import Identities
from gateway.inventory import Inventory, LimitRule
from gateway.loggers.loggers import Loggers
from gateway.marks import EARLY
from gateway.packed import Packed, pack, unpack
from gateway.records import Decoded, Readings
from gateway.strangers import Strangers

SNAPSHOT_VERSION = 3
READ_VERSIONS = (1, 2, 3)
"""Version 1 knows nothing of loggers, version 2 nothing of clocks, identities, strangers and late readings."""
CAMERA_SILENCE = "camera_silence"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class _Version(msgspec.Struct):
    """The part of a snapshot that every version has."""

    version: int


class _Snapshot(_Version):
    """What `Checks.dump` gives: arrays of the detectors, and the names of their rows."""

    channels: msgspec.Raw
    """List of (site, device, factor, field, period)."""
    rules: list[str]
    devices: list[tuple[str, str]]
    limits: dict[str, Packed]
    heard: Packed
    loggers: bytes = b""
    """What `Loggers.dump` gives."""
    identities: bytes = b""
    """What `Identities.dump` gives."""
    strangers: bytes = b""
    """What `Strangers.dump` gives."""
    clocks: dict[str, Packed] = msgspec.field(default_factory=dict[str, Packed])
    late: dict[str, Packed] = msgspec.field(default_factory=dict[str, Packed])
    """What `LateState.dump` gives."""


@dataclass(slots=True)
class NotJudged:
    """Readings that were stored but not held against a limit, by why."""

    ahead: int = 0
    """Stamped too far in the future."""


@dataclass(slots=True)
class Checks:
    """The bank of detectors on readings, and its state. Not thread-safe: it belongs to the pipeline."""

    inventory: Inventory
    channels: Channels
    hj212: Hj212 = field(default_factory=Hj212)
    clock_settings: Clocks = field(default_factory=Clocks)
    clocks: DeviceClocks = field(init=False)
    """Stepped by the pipeline before the detectors."""
    strangers: Strangers = field(default_factory=Strangers)
    """Stepped by the pipeline beside the detectors, as are the next two."""
    loggers: Loggers = field(init=False)
    identities: Identities = field(init=False)
    not_judged: NotJudged = field(default_factory=NotJudged)
    judged_late: int = 0
    """Readings not newer than one of the same channel before them: out of order, a back-fill, or a redelivery."""
    _rules: Limits = field(init=False)
    _watch: late_runs.Watch = field(init=False)
    _limits: limits.LimitState = field(init=False)
    _late: late_limits.LateState = field(init=False)
    _silence: silence.SilenceState = field(init=False)
    _silent_after: NDArray[np.int64] = field(init=False)
    _camera_silence: silence.SilenceState = field(init=False)
    _camera_silent_after: NDArray[np.int64] = field(init=False)
    _names: tuple[int, msgspec.Raw] = field(init=False, default=(-1, msgspec.Raw()))

    def __post_init__(self) -> None:
        self.loggers = Loggers(self.inventory, self.hj212)
        self.clocks = DeviceClocks(self.inventory, self.channels, self.clock_settings)
        self.identities = Identities(self.inventory)
        rules = self.inventory.limits
        self._rules = Limits.of(
            [self.channels.number(ChannelKey(r.device, r.factor, r.field, r.period)) for r in rules],
            [1 if r.side == "above" else -1 for r in rules],
            [r.levels for r in rules],
            [r.hold for r in rules],
            [r.band for r in rules],
        )
        self._watch = late_runs.Watch.of(self._rules, [self._interval(r) for r in rules])
        self._limits = limits.LimitState.empty(self._rules, len(self.channels))
        self._late = late_limits.LateState.empty(self._rules)
        self._silence = silence.SilenceState.empty(len(self.inventory.devices))
        self._silent_after = np.array([d.silent_after for d in self.inventory.devices], np.int64)
        self._camera_silence = silence.SilenceState.empty(len(self.inventory.cameras))
        self._camera_silent_after = np.array([c.silent_after for c in self.inventory.cameras], np.int64)

    def step(self, decoded: Decoded) -> list[Finding]:
        """Advance every detector by one batch. The same batches give the same findings, however they are cut."""
        self._make_room()
        batch = _as_of_receipt(decoded.readings)
        judged = limits.step(self._limits, self._rules, batch)
        late = late_limits.step(self._late, self._rules, self._watch, batch, judged)
        self.judged_late += len(judged.late)
        self.not_judged.ahead += judged.ahead
        silence.hear(self._silence, decoded.devices, decoded.received)
        if decoded.cameras:
            silence.hear(self._camera_silence, decoded.cameras, decoded.received)
        return judged.findings + late

    def late(self, now: int) -> list[Finding]:
        """Exceedances in late readings that are over because nothing followed, as of `now` (ms UTC)."""
        return late_limits.tick(self._late, self._rules, now)

    def hear_camera(self, camera: int, received: int) -> None:
        """A frame of this camera came at `received` (ms UTC)."""
        silence.hear(self._camera_silence, [camera], received)

    def silence(self, now: int, listening_since: int | None) -> list[Finding]:
        """Devices and cameras that fell silent or spoke again, as of `now` (ms UTC).

        `listening_since`: since when everything sent would have been heard; None while it would not.
        """
        devices = silence.step(self._silence, now, listening_since, self._silent_after)
        cameras = silence.step(self._camera_silence, now, listening_since, self._camera_silent_after)
        return devices + [replace(finding, detector=CAMERA_SILENCE) for finding in cameras]

    def resume_silences(self, devices: Mapping[int, int], cameras: Mapping[int, int]) -> None:
        """The silences that are open as alerts, each with its `since`: told of already, their end not yet."""
        for state, known in ((self._silence, devices), (self._camera_silence, cameras)):
            state.silent_since[:] = NEVER
            for number, since in known.items():
                state.silent_since[number] = since

    def _interval(self, rule: LimitRule) -> int:
        """ms between the readings that a rule watches."""
        device = self.inventory.devices[rule.device]
        return {"realtime": device.interval, "minute": device.hj212.minute, "hour": HOUR_MS}.get(rule.period, DAY_MS)

    def _make_room(self) -> None:
        if len(self.channels) > len(self._limits.newest):
            # Ahead of need: one by one, every new channel would copy all columns.
            self._limits.grow(len(self.channels) + len(self.channels) // 4 + 64)

    def dump(self) -> bytes:
        """Everything the detectors remember."""
        self._make_room()  # the store's reading of old blocks may have numbered channels that no step has seen
        inventory = self.inventory
        sites = [site.id for site in inventory.sites]
        names = [(sites[device.site], device.id) for device in inventory.devices]
        if self._names[0] != len(self.channels):
            keys = [(*names[key.device], key.factor, key.field, key.period) for key in self.channels.keys]
            self._names = (len(self.channels), msgspec.Raw(msgspec.msgpack.encode(keys)))
        arrays = self._limits.dump()
        arrays["newest"] = arrays["newest"][: len(self.channels)]
        return msgspec.msgpack.encode(
            _Snapshot(
                SNAPSHOT_VERSION,
                self._names[1],
                [rule.id for rule in inventory.limits],
                names,
                {name: pack(array) for name, array in arrays.items()},
                pack(self._silence.last_heard),
                self.loggers.dump(),
                self.identities.dump(),
                self.strangers.dump(),
                self.clocks.dump(),
                {name: pack(array) for name, array in self._late.dump(self._rules).items()},
            )
        )

    def load(self, data: bytes) -> bool:
        """Take up what `dump` gave, under today's inventory. False: of another version, nothing was taken up."""
        if msgspec.msgpack.decode(data, type=_Version).version not in READ_VERSIONS:
            return False
        saved = msgspec.msgpack.decode(data, type=_Snapshot)
        numbers = self.inventory.device_numbers
        was: dict[int, int] = {}
        keys = msgspec.msgpack.decode(saved.channels, type=list[tuple[str, str, str, str, str]])
        for row, (site, device, factor, name, period) in enumerate(keys):
            number = numbers.get((site, device))
            if number is not None:
                try:
                    was[self.channels.number(ChannelKey(number, factor, name, period))] = row
                except ChannelsFull:
                    break
        rules = {rule: row for row, rule in enumerate(saved.rules)}
        channel_from = np.array([was.get(channel, -1) for channel in range(len(self.channels))], np.intp)
        rule_from = np.array([rules.get(rule.id, -1) for rule in self.inventory.limits], np.intp)
        live, late = ({name: unpack(each) for name, each in arrays.items()} for arrays in (saved.limits, saved.late))
        self._limits = limits.LimitState.load(self._rules, live, channel_from, rule_from)
        if late:
            self._late = late_limits.LateState.load(self._rules, late, channel_from, rule_from)
        else:
            self._late.follow(self._limits)
        if saved.clocks:
            rows = {name: row for row, name in enumerate(saved.devices)}
            sites = [site.id for site in self.inventory.sites]
            names = [(sites[device.site], device.id) for device in self.inventory.devices]
            self.clocks.load(saved.clocks, np.array([rows.get(name, -1) for name in names], np.intp))
        heard = unpack(saved.heard)
        for row, name in enumerate(saved.devices):
            number = numbers.get(name)
            if number is not None:
                silence.hear(self._silence, [number], int(heard[row]))
        if saved.loggers:
            self.loggers.load(saved.loggers)
        if saved.identities:
            self.identities.load(saved.identities)
        if saved.strangers:
            self.strangers.load(saved.strangers)
        return True


def _as_of_receipt(readings: Readings) -> Readings:
    """Early readings at the time they were received: a clock that is wrong hides nothing, and poisons no window."""
    early = (readings.mark & EARLY) > 0
    if not early.any():
        return readings
    return replace(readings, time=np.where(early, readings.received, readings.time))
