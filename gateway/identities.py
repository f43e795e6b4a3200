"""Identities: what came by the topic or connection of one device or camera and named another, counted for each.

Such a message is a dead letter. Here it becomes a finding about the device by whose way it came: whoever sent it could
use that way, while the one that it names may know nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from detectors.readings import identity
from detectors.readings.identity import IdentityState
from detectors.records import Finding
from gateway.inventory import Inventory
from gateway.packed import Packed, pack, unpack
from gateway.records import Claim

CAMERA_IDENTITY = "camera_identity"
"""Detector of findings about cameras; that of devices is `identity`."""


class _Saved(msgspec.Struct):
    """What `Identities.dump` gives: rows by (site, id)."""

    devices: list[tuple[str, str]]
    cameras: list[tuple[str, str]]
    of_devices: dict[str, Packed]
    of_cameras: dict[str, Packed]


@dataclass(slots=True)
class Identities:
    """The cases of all devices and cameras of an inventory. Not thread-safe: it belongs to the pipeline."""

    inventory: Inventory
    _devices: IdentityState = field(init=False)
    _cameras: IdentityState = field(init=False)

    def __post_init__(self) -> None:
        self._devices = IdentityState.empty(len(self.inventory.devices))
        self._cameras = IdentityState.empty(len(self.inventory.cameras))

    def step(self, claims: list[Claim], received: int) -> list[tuple[Finding, str]]:
        """Findings of one block, each with the name that its message claimed."""
        found: list[tuple[Finding, str]] = []
        for claim in claims:
            state = self._cameras if claim.of_camera else self._devices
            findings = identity.step(state, [claim.subject], received, [claim.position])
            found += [(_of(finding, camera=claim.of_camera), claim.name) for finding in findings]
        return found

    def judge(self, now: int, listening_since: int | None) -> list[Finding]:
        """Cases that are over at `now` (ms UTC); `listening_since` as in `Checks.silence`."""
        devices = identity.quiet(self._devices, now, listening_since)
        cameras = identity.quiet(self._cameras, now, listening_since)
        return devices + [_of(finding, camera=True) for finding in cameras]

    def resume(self, devices: dict[int, int], cameras: dict[int, int], committed: int) -> None:
        """The cases that are open as alerts at journal position `committed`, by number with their `since`."""
        identity.resume(self._devices, devices, committed)
        identity.resume(self._cameras, cameras, committed)

    def dump(self) -> bytes:
        """Everything remembered."""
        return msgspec.msgpack.encode(
            _Saved(
                list(self.inventory.device_numbers),
                list(self.inventory.camera_numbers),
                {name: pack(column) for name, column in self._devices.dump().items()},
                {name: pack(column) for name, column in self._cameras.dump().items()},
            )
        )

    def load(self, data: bytes) -> None:
        """Take up what `dump` gave, under today's inventory."""
        saved = msgspec.msgpack.decode(data, type=_Saved)
        inventory = self.inventory
        self._devices = _loaded(saved.of_devices, saved.devices, inventory.device_numbers)
        self._cameras = _loaded(saved.of_cameras, saved.cameras, inventory.camera_numbers)


def _of(finding: Finding, *, camera: bool) -> Finding:
    return replace(finding, detector=CAMERA_IDENTITY) if camera else finding


def _loaded(
    columns: dict[str, Packed], names: list[tuple[str, str]], numbers: dict[tuple[str, str], int]
) -> IdentityState:
    rows = {name: row for row, name in enumerate(names)}
    came_from = np.array([rows.get(name, -1) for name in numbers], np.intp)
    return IdentityState.load({name: unpack(column) for name, column in columns.items()}, came_from)
