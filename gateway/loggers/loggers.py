"""Loggers: one step a block, and what is known of each device that speaks HJ 212, for whoever asks.

`step`, `tick`, `judge`, `dump` and `load` belong to the pipeline; the rest may be called from any thread. A lock keeps
the two apart; readers hold it for as long as it takes to copy what they ask for.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.readings import gaps
from detectors.readings.gaps import GapState
from detectors.records import Finding
from gateway.config import Hj212
from gateway.hj212.verdicts import WORDS, Verdict
from gateway.inventory import Inventory
from gateway.loggers import kinds, regular
from gateway.loggers.events import Marks, kind_of
from gateway.loggers.kinds import Kinds
from gateway.loggers.regular import PERIODS, Gap
from gateway.loggers.repeats import Repeats, keys_of
from gateway.loggers.sets import SETTLE_MS, Key, OpenSet, Sets, ranges
from gateway.loggers.tally import Tally
from gateway.loggers.views import LastFrame, LoggerView, Totals, VerdictCount
from gateway.loggers.words import Words
from gateway.packed import Packed, pack, unpack
from gateway.records import Decoded, DeviceEvent, LoggerFrame

_REGULAR = kinds.MINUTE | kinds.HOUR
_LOOKED_AT = kinds.SPLIT | kinds.TELLS
_BITS = list(WORDS)


class _Saved(msgspec.Struct):
    """What `Loggers.dump` gives."""

    devices: list[tuple[str, str]]
    words: list[str]
    tally: dict[str, Packed]
    gaps: dict[str, Packed]
    repeats: tuple[Packed, Packed]
    sets: bytes
    marks: bytes
    stranger_frames: int
    stranger_verdicts: Packed
    sets_dropped: int


class Loggers:
    """All loggers of the inventory."""

    def __init__(self, inventory: Inventory, settings: Hj212) -> None:
        self._inventory = inventory
        sites = inventory.sites
        self._names = [(sites[device.site].id, device.id) for device in inventory.devices]
        self._timeout = round(settings.set_timeout_s * 1000)
        self._tally = Tally.empty(len(inventory.devices))
        self._kinds = Kinds(self._tally, self._names)
        self._rules = regular.rules_of(inventory)
        self._gaps = GapState.empty(len(self._rules.interval))
        self._repeats = Repeats()
        self._sets = Sets(self._timeout)
        self._marks = Marks()
        self._guard = threading.Lock()

    # the pipeline's side

    def step(self, decoded: Decoded) -> list[DeviceEvent]:
        """Take the frames of a block; what they tell beside readings. O(frames), nearly all of it in columns."""
        with self._guard:
            events = self._given_up(decoded.received)
            if decoded.frames:
                events += self._take(decoded)
            return events

    def tick(self, now: int) -> list[DeviceEvent]:
        """Once in a while: sets whose time is over although nothing came since. `now` is ms UTC."""
        with self._guard:
            return self._given_up(now - SETTLE_MS)

    def judge(self, now: int) -> list[Finding]:
        """Devices whose minute or hour data have been missing for too long, and those complete again."""
        with self._guard:
            return gaps.judge(self._gaps, self._rules, now)

    def resume_gaps(self, told: Mapping[tuple[int, str], int]) -> None:
        """Alerts on gaps that are open: (device, period) to `since`. The ledger knows them, not the snapshot."""
        with self._guard:
            self._gaps.told = {2 * device + PERIODS.index(period): since for (device, period), since in told.items()}

    def _take(self, decoded: Decoded) -> list[DeviceEvent]:
        frames = decoded.frames
        if len(self._kinds) >= kinds.KEPT:
            self._kinds.fold()
            self._kinds.forget()
        row, heads, qn, time, verdicts, crc, taken, items, encrypted = zip(*frames, strict=True)
        n = len(frames)
        kind = np.fromiter(
            map(self._kinds.__getitem__, zip(heads, verdicts, taken, encrypted, strict=True)), np.intp, n
        )
        qns, times = np.array(qn, "S17"), np.array(time, np.int64)
        positions = np.array(row, np.int64) + decoded.first
        self._kinds.note_first(kind, times, decoded.received)
        self._kinds.add(kind, qns, times, positions)
        self._kinds.stamp(kind, decoded.received, self._tally.words.number(decoded.link))

        table = self._kinds.rows
        repeated = self._repeats.step(keys_of(table["key"][kind], qns, times, np.array(crc, np.uint64)))
        for at in repeated:
            device = int(table["device"][kind[at]])
            self._tally.devices["repeats"][device] += 1
            self._tally.mark(
                device, Verdict.REPEATED, decoded.received, int(positions[at]), clean=frames[at].verdicts == 0
            )

        task = table["task"][kind]
        regular_rows = np.flatnonzero(task & _REGULAR)
        if len(regular_rows):
            series = 2 * table["device"][kind[regular_rows]].astype(np.intp) + (task[regular_rows] & kinds.HOUR > 0)
            gaps.step(self._gaps, self._rules, series, times[regular_rows], decoded.received)

        looked_at = set(np.flatnonzero(task & _LOOKED_AT).tolist())
        if any(items):
            looked_at.update(at for at, each in enumerate(items) if each)
        events: list[DeviceEvent] = []
        for at in sorted(looked_at.difference(repeated)):
            self._look(frames[at], at, int(task[at]), int(positions[at]), decoded.received, events)
        return events

    def _look(
        self, frame: LoggerFrame, at: int, task: int, position: int, received: int, events: list[DeviceEvent]
    ) -> None:
        """Packets, and what is told beside readings: the few frames that are looked at one by one."""
        head = frame.head
        if task & kinds.SPLIT:
            key = Key(head.device, head.st, head.cn, frame.time, head.pnum)
            if self._sets.take(key, head.pno, received, position, at, clean=frame.verdicts == 0):
                self._tally.devices["sets_complete"][head.device] += 1
        if task & kinds.TELLS:
            told, kind = frame.items, "message"
        elif task & kinds.DATA and frame.items:
            told = self._marks.changed(head.device, frame.items)
            if not told:
                return
            kind = kind_of(told)
        else:
            return
        site, device = self._names[head.device]
        events.append(DeviceEvent(position, at, kind, site, device, head.cn, frame.time, received, told))

    def _given_up(self, now: int) -> list[DeviceEvent]:
        return [self._incomplete(each) for each in self._sets.expire(now)]

    def _incomplete(self, one: OpenSet) -> DeviceEvent:
        key, over = one.key, one.received + self._timeout
        self._tally.devices["sets_incomplete"][key.device] += 1
        self._tally.mark(key.device, Verdict.SET_INCOMPLETE, over, one.position, clean=one.clean)
        site, device = self._names[key.device]
        items = (("PNUM", str(key.pnum)), ("missing", ranges(one.missing)))
        return DeviceEvent(
            one.position, -1 - one.row, "set_incomplete", site, device, key.cn, key.time, one.received, items
        )

    def dump(self) -> bytes:
        """Everything that is remembered, by words where numbers may change."""
        with self._guard:
            self._kinds.fold()
            old, young = self._repeats.dump()
            return msgspec.msgpack.encode(
                _Saved(
                    self._names,
                    self._tally.words.all,
                    {name: pack(array) for name, array in self._tally.dump().items()},
                    {name: pack(array) for name, array in self._gaps.dump(self._rules).items()},
                    (pack(old), pack(young)),
                    self._sets.dump(),
                    self._marks.dump(),
                    self._kinds.stranger_frames,
                    pack(self._kinds.stranger_verdicts),
                    self._sets.dropped,
                )
            )

    def load(self, data: bytes) -> None:
        """Take up what `dump` gave, under today's inventory."""
        saved = msgspec.msgpack.decode(data, type=_Saved)
        numbers = self._inventory.device_numbers
        now_of = {then: numbers[name] for then, name in enumerate(saved.devices) if name in numbers}
        series_from = np.full(len(self._rules.interval), -1, np.intp)
        for then, now in now_of.items():
            series_from[2 * now : 2 * now + 2] = (2 * then, 2 * then + 1)
        with self._guard:
            tally = {name: unpack(array) for name, array in saved.tally.items()}
            self._tally = Tally.load(len(self._names), tally, Words(saved.words), now_of)
            self._kinds = Kinds(self._tally, self._names)
            self._kinds.stranger_frames = saved.stranger_frames
            strange = unpack(saved.stranger_verdicts)
            self._kinds.stranger_verdicts[: len(strange)] = strange
            state = {name: unpack(array) for name, array in saved.gaps.items()}
            self._gaps = GapState.load(self._rules, state, series_from)
            self._repeats.load((unpack(saved.repeats[0]), unpack(saved.repeats[1])))
            self._sets.load(saved.sets, now_of)
            self._sets.dropped = saved.sets_dropped
            self._marks.load(saved.marks, now_of)

    # the readers' side

    def gaps(self, device: int) -> list[Gap]:
        """Missing minute and hour data of a device, oldest first within each."""
        with self._guard:
            return self._gaps_of(device)

    def views(self, devices: Sequence[int]) -> list[LoggerView]:
        """What is known of these devices, in their order, without those never heard."""
        with self._guard:
            self._kinds.fold()
            waiting = self._sets.waiting()
            return [self._view(device, waiting[device]) for device in devices if self._tally.devices["frames"][device]]

    def worst_first(self) -> list[int]:
        """Devices heard of, by share of frames with a verdict and then by their number, the worst first."""
        with self._guard:
            self._kinds.fold()
            columns = self._tally.devices
            heard = np.flatnonzero(columns["frames"])
            frames, marked = columns["frames"][heard], columns["marked"][heard]
        order = np.lexsort((heard, -marked, -(marked / np.maximum(frames, 1))))
        return heard[order].tolist()

    def totals(self) -> Totals:
        """Sums over all loggers."""
        with self._guard:
            self._kinds.fold()
            columns = self._tally.devices
            counts = self._tally.count.sum(axis=0) + self._kinds.stranger_verdicts
            return Totals(
                frames=int(columns["frames"].sum()) + self._kinds.stranger_frames,
                verdicts=dict(zip(_BITS, counts.tolist(), strict=True)),
                repeats=int(columns["repeats"].sum()),
                sets_incomplete=int(columns["sets_incomplete"].sum()),
                sets_dropped=self._sets.dropped,
                gaps=sum(map(len, self._gaps.missing.values())),
            )

    def _gaps_of(self, device: int) -> list[Gap]:
        return [
            Gap(period, gap.start, gap.end)
            for k, period in enumerate(PERIODS)
            for gap in gaps.missing(self._gaps, self._rules, 2 * device + k)
        ]

    def _view(self, device: int, sets_open: int) -> LoggerView:
        tally, words = self._tally, self._tally.words
        row: NDArray[np.void] = tally.devices[device : device + 1].copy()
        get = {name: row[name].tolist()[0] for name in row.dtype.names or ()}
        commands = {words[word]: int(tally.frames[slot]) for word, slot in tally.slots.get(device, {}).items()}
        verdicts = [
            VerdictCount(_BITS[bit], *(int(column[device, bit]) for column in (tally.count, tally.last, tally.example)))
            for bit in np.flatnonzero(tally.count[device])
        ]
        return LoggerView(
            device=device,
            edition=words[get["edition"]],
            configured=bool(self._inventory.devices[device].hj212.edition),
            st=words[get["st"]],
            first_received=get["first_received"],
            first_time=get["first_time"],
            last=LastFrame(
                received=get["received"],
                time=get["time"],
                position=get["position"],
                cn=words[get["cn"]],
                qn=get["qn"].decode("ascii", "replace"),
                verdicts=get["verdicts"],
                taken=get["taken"],
                encrypted=get["sealed"],
                link=words[get["link"]],
            ),
            frames=get["frames"],
            marked=get["marked"],
            commands=dict(sorted(((cn, n) for cn, n in commands.items() if n), key=lambda one: -one[1])),
            verdicts=sorted(verdicts, key=lambda each: -each.frames),
            quarantined=get["quarantined"],
            repeats=get["repeats"],
            back_filled=get["back_filled"],
            encrypted=get["encrypted"],
            sets_complete=get["sets_complete"],
            sets_incomplete=get["sets_incomplete"],
            sets_open=sets_open,
            gaps=self._gaps_of(device),
            gaps_dropped=int(self._gaps.dropped[2 * device : 2 * device + 2].sum()),
        )
