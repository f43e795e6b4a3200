"""The verdicts on the clocks of devices: bound to inventory and channels, kept as history, put on readings as marks.

A reading carries the verdict on its device's clock at its position of the journal. Verdicts change seldom, so what is
kept is their history: the store may decode a block again long after, and its readings get the same marks as when they
first came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.readings import clocks
from detectors.readings.clocks import ClockChange, ClockRules, ClockState, ClockVerdict
from detectors.records import Finding, Phase
from gateway.channels import Channels
from gateway.config import Clocks as Settings
from gateway.inventory import Inventory
from gateway.marks import BACKFILLED, CLOCK_BITS, EARLY, LATE
from gateway.packed import Packed, pack, unpack
from gateway.records import ClockStep, Decoded, Readings

DETECTOR: Final = "clock"
_PERIODS: Final = {"realtime": 0, "minute": 0, "hour": 3_600_000, "day": 86_400_000}
"""How long after its stamp a reading is due; minute data after the interval of their device."""


class ClockView(NamedTuple):
    """What is known of one clock now."""

    verdict: int
    offset: int
    """ms by which it is ahead; negative: behind."""
    drift: int
    """ms a day; 0 where it does not drift."""
    since: int
    """When the verdict was reached, ms UTC; 0 where it always was so."""


class DeviceClocks:
    """All clocks. Belongs to the pipeline, but for `view` and `verdicts`, which may be called from any thread."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: Settings) -> None:
        self._inventory = inventory
        self._channels = channels
        self._settings = settings
        self._names = [(inventory.sites[device.site].id, device.id) for device in inventory.devices]
        self._rules = ClockRules(
            round(settings.ahead_s * 1000), round(settings.behind_s * 1000), round(settings.drift_s_per_day * 1000)
        )
        self._late = round(settings.late_s * 1000)
        self._state = ClockState.empty(len(inventory.devices))
        self._history: dict[int, tuple[list[int], list[int]]] = {}
        """Device to positions, ascending, and the verdict from each on."""
        self._now = np.zeros(len(inventory.devices), np.uint8)
        """The newest verdict in the history of each device; while blocks are run again the state may lag behind."""
        self._since = np.zeros(len(inventory.devices), np.int64)
        self._newest = -1
        """Position of the newest change of any."""
        self._known = 0
        self._device_of = np.zeros(0, np.intp)
        self._realtime = np.zeros(0, np.bool_)
        self._due_after = np.zeros(0, np.int64)
        self.early = 0
        """Readings stamped later than they were received, by more than `clocks.ahead_s`."""
        self.late = 0
        """Readings received more than `clocks.late_s` after they were due."""

    def resume(self, steps: Iterable[ClockStep]) -> None:
        """Take up the history that the ledger has, in the order of positions."""
        numbers = self._inventory.device_numbers
        for step in steps:
            device = numbers.get((step.site, step.device))
            if device is not None:
                self._remember(device, step.position, step.verdict, step.at)

    def step(self, decoded: Decoded) -> tuple[Decoded, list[ClockStep], list[Finding]]:
        """Judge by one batch: the batch with marks, the verdicts that changed with it, and what to say of them."""
        readings = decoded.readings
        changes: list[ClockChange] = []
        if self._settings.judge and len(readings):
            self._number()
            # Averages are sent some time after their period, so they are only proof where no delay explains them.
            channel, time = readings.channel, readings.time
            proof = (time > readings.received + self._rules.ahead) | (time < clocks.FIRST_STAMP)
            own = (self._realtime[channel] | proof) & ((readings.mark & BACKFILLED) == 0)
            untimed = (readings.mark & CLOCK_BITS) == ClockVerdict.NO_CLOCK
            device = self._device_of[channel[own]]
            changes = clocks.step(self._state, self._rules, device, time[own], untimed[own], decoded.received)
        steps = [
            ClockStep(
                decoded.first,
                *self._names[change.device],
                change.verdict,
                change.offset,
                change.drift,
                decoded.received,
            )
            for change in changes
            if self._remember(change.device, decoded.first, change.verdict, decoded.received)
        ]
        marked = self.marked(decoded)
        self.early += int(np.count_nonzero(marked.readings.mark & EARLY))
        self.late += int(np.count_nonzero(marked.readings.mark & LATE))
        return marked, steps, [found for change in changes for found in self._findings(change, decoded)]

    def marked(self, decoded: Decoded) -> Decoded:
        """The batch with its marks: the same whenever it is decoded, once `step` has been here."""
        readings = decoded.readings
        if not len(readings):
            return decoded
        self._number()
        device = self._device_of[readings.channel]
        verdict = self._verdicts_at(decoded.first)[device]
        early = readings.time > readings.received + self._rules.ahead
        late = readings.received - readings.time - self._due_after[readings.channel] > self._late
        late &= (verdict != ClockVerdict.BEHIND) & (verdict != ClockVerdict.NO_CLOCK)
        if not (early.any() or late.any() or verdict.any()):
            return decoded
        mark = (readings.mark & ~np.uint8(CLOCK_BITS)) | verdict | early * np.uint8(EARLY) | late * np.uint8(LATE)
        columns = Readings(
            *(readings.channel, readings.time, readings.received, readings.value, readings.flag, readings.position),
            mark.astype(np.uint8),
        )
        return replace(decoded, readings=columns)

    def view(self, device: int) -> ClockView:
        """What is known of the clock of a device."""
        state = self._state
        least = int(state.recent[device].min())
        offset = 0 if least == np.iinfo(np.int32).max else -least
        return ClockView(int(state.verdict[device]), offset, int(state.drift[device]), int(self._since[device]))

    def verdicts(self) -> list[int]:
        """How many devices have each verdict, by `ClockVerdict`."""
        return np.bincount(self._state.verdict, minlength=len(ClockVerdict)).tolist()

    def dump(self) -> dict[str, Packed]:
        """What must outlive the process beside the history."""
        return {name: pack(column) for name, column in self._state.columns().items()}

    def load(self, saved: Mapping[str, Packed], device_from: NDArray[np.intp]) -> None:
        """Take up what `dump` gave; `device_from[d]` is the row of device d, -1 for a new one."""
        columns = {name: unpack(column) for name, column in saved.items()}
        self._state = ClockState.load(columns, device_from)

    def _remember(self, device: int, position: int, verdict: int, at: int) -> bool:
        """Add to the history; False where it has this already, as when a block is run again after a start."""
        positions, verdicts = self._history.setdefault(device, ([], []))
        if positions and positions[-1] >= position:
            return False
        positions.append(position)
        verdicts.append(int(verdict))
        self._now[device] = verdict
        self._since[device] = at
        self._newest = max(self._newest, position)
        return True

    def _verdicts_at(self, position: int) -> NDArray[np.uint8]:
        """The verdict of each device at a position, shape (devices,)."""
        if position >= self._newest:
            return self._now
        found = self._now.copy()
        for device, (positions, verdicts) in self._history.items():
            at = bisect_right(positions, position)
            found[device] = verdicts[at - 1] if at else 0
        return found

    def _number(self) -> None:
        """Make room for channels that appeared since."""
        keys = self._channels.keys
        if len(keys) == self._known:
            return
        fresh = keys[self._known :]
        devices = [key.device for key in fresh]
        minute = [self._inventory.devices[key.device].hj212.minute for key in fresh]
        due = [minute[n] if key.period == "minute" else _PERIODS[key.period] for n, key in enumerate(fresh)]
        self._device_of = np.concatenate([self._device_of, np.array(devices, np.intp)])
        realtime = [key.period == "realtime" for key in fresh]
        self._realtime = np.concatenate([self._realtime, np.array(realtime, np.bool_)])
        self._due_after = np.concatenate([self._due_after, np.array(due, np.int64)])
        self._known = len(keys)

    def _findings(self, change: ClockChange, decoded: Decoded) -> Sequence[Finding]:
        bound = {ClockVerdict.AHEAD: self._rules.ahead, ClockVerdict.BEHIND: self._rules.behind}
        out: list[Finding] = []
        for verdict, phase in ((change.was, Phase.CLEAR), (change.verdict, Phase.ACTIVE)):
            if verdict is ClockVerdict.OK:
                continue
            drifts = verdict is ClockVerdict.DRIFTING
            value = abs(change.drift if drifts else change.offset) / 1000
            limit = (self._rules.drift if drifts else bound.get(verdict, 0)) / 1000
            since = decoded.received
            out.append(
                Finding(DETECTOR, int(verdict), change.device, phase, 1, since, since, value, limit, decoded.first)
            )
        return out
