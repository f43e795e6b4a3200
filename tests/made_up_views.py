"""A made-up gateway for tests of the API and the console: an inventory, a ledger in lists, series from a formula."""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import cv2
import numpy as np
from logger_frames import HOUR, MINUTE, decoded, frame, head
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as Metric

from detectors.records import Box, Readings
from gateway.alerts.ledger_reader import Counts, KeptEvent, KeptLetter
from gateway.alerts.records import Alert, Detection, Family, State, Step, Subject, Transition, ZoneShare
from gateway.api.views import About, Views
from gateway.channels import ChannelKey, Channels
from gateway.clocks import ClockView
from gateway.config import Hj212
from gateway.errors import StoreError
from gateway.feed import Feed
from gateway.flags import NORMAL
from gateway.hj212.verdicts import Verdict
from gateway.inventory import Camera, Device, Factor, Hj212Device, Inventory, LimitRule, Name, Site, Zone
from gateway.live import Live
from gateway.loggers.loggers import Loggers
from gateway.marks import LATE, REVISION
from gateway.records import DeadLetter, DeviceEvent, FrameResult
from gateway.requests.catalogue import COMMANDS
from gateway.requests.policy import refusal
from gateway.requests.records import Request, Why
from gateway.requests.records import State as RequestState
from gateway.requests.records import Step as RequestStep
from gateway.stores.errors import CannotList
from gateway.stores.seam import Revision, Series, WhichRevisions
from gateway.strangers import Strangers

NOW = 1_777_622_400_000
"""2026-05-01T08:00:00Z, when everything here happens."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
STEP_MS = 5_000
SO2 = Factor("a21026", "mg/m3", Name("Sulphur dioxide", "二氧化硫"))
NOX = Factor("a21002", "mg/m3", Name("Nitrogen oxides", "氮氧化物"))
COD = Factor("w01018", "mg/L", Name("COD", "化学需氧量"))
PM25 = Factor("a34004", "ug/m3", Name("PM2.5", "细颗粒物"))


def inventory() -> Inventory:
    sites = (
        Site("east", Name("East Works", "东厂"), 31.2304, 121.4737, SHANGHAI),
        Site("river", Name("River Plant", "河畔水厂"), 30.5928, 114.3055, SHANGHAI),
    )
    zone = ((0.08, 0.35), (0.55, 0.3), (0.62, 0.95), (0.04, 0.95))
    return Inventory(
        sites=sites,
        devices=(
            Device(
                "stack-1",
                0,
                Name("Stack 1", "1号烟囱"),
                "88888880000001",
                "stack",
                1000,
                60_000,
                (SO2, NOX),
                Hj212Device(edition="2017", commands=frozenset(("time", "intervals", "history"))),
            ),
            Device("stack-2", 0, Name("Stack 2", "2号烟囱"), "", "stack", 1000, 60_000, (SO2,)),
            Device("outlet", 1, Name("Outlet", "总排口"), "", "wastewater", 60_000, 600_000, (COD,)),
            Device("air", 1, Name("Ambient station", "环境空气站"), "", "ambient", 60_000, 600_000, (PM25,)),
        ),
        cameras=(
            Camera(
                "gate", 0, Name("Gate", "大门"), (Zone("fence", Name("Fence", "围栏"), zone, 0.05, 500, 2000),), 10_000
            ),
            Camera(
                "yard", 1, Name("Yard", "堆场"), (Zone("pond", Name("Pond", "水池"), zone, 0.05, 500, 2000),), 10_000
            ),
        ),
        limits=(
            LimitRule("so2-1", 0, "a21026", "Rtd", "realtime", "above", (35.0, 50.0), 3000, 0.05),
            LimitRule("so2-2", 1, "a21026", "Rtd", "realtime", "above", (35.0,), 3000, 0.05),
            LimitRule("cod-low", 2, "w01018", "Rtd", "realtime", "below", (5.0,), 3000, 0.05),
            LimitRule("nox-hour", 0, "a21002", "ZsAvg", "hour", "above", (100.0,), 0, 0.05),
        ),
    )


def exceedance(*, since: int = NOW - 95_000, state: State = State.FIRING, id: str = "e-0001", level: int = 1) -> Alert:
    return Alert(
        id=id,
        subject=Subject(Family.EXCEEDANCE, "so2-1", "east", "device", "stack-1", "a21026", "Rtd", "mg/m3", "above"),
        state=state,
        level=level,
        highest=level,
        since=since,
        fired=since + 3000,
        resolved=since + 60_000 if state is State.RESOLVED else 0,
        value=41.5,
        peak=43.25,
        limit=35.0,
        text_en="Sulphur dioxide (a21026), real time at Stack 1, East Works: 41.5 mg/m3 against a limit of 35 mg/m3",
        text_zh="东厂 1号烟囱 二氧化硫 (a21026) 实时值 41.5 mg/m3，限值 35 mg/m3",
        evidence=("journal:17",),
    )


def silence(*, since: int = NOW - 400_000) -> Alert:
    return Alert(
        id="d-0001",
        subject=Subject(Family.DATA_QUALITY, "silence", "river", "device", "air", unit="s"),
        state=State.FIRING,
        level=1,
        highest=1,
        since=since,
        fired=since + 60_000,
        resolved=0,
        value=400.0,
        peak=400.0,
        limit=60.0,
        text_en="Ambient station, River Plant is silent: nothing received <b>since</b> 15:53",
        text_zh="河畔水厂 环境空气站 失联：自 15:53 起未收到任何数据",
    )


def security(*, since: int = NOW - 12_000) -> Alert:
    return Alert(
        id="s-0001",
        subject=Subject(Family.SECURITY, "fence", "east", "camera", "gate"),
        state=State.FIRING,
        level=1,
        highest=1,
        since=since,
        fired=since + 500,
        resolved=0,
        value=0.213,
        peak=0.31,
        limit=0.05,
        text_en="Movement in Fence at Gate, East Works: 21.3 % of the zone, threshold 5 %",
        text_zh="东厂 大门 围栏 内有移动：占区域 21.3 %，阈值 5 %",
        evidence=("frame:ab12",),
    )


def asked_for(command: str, at: int) -> Request:
    """A request to the first device of the east works."""
    return Request("r-0001", "east", "stack-1", command, COMMANDS[command].cn, {}, at, "cli alice", changed=at)


@dataclass
class MadeUpLedger:
    """The read side of a ledger, in lists that a test may change."""

    kept: list[Alert] = field(
        default_factory=lambda: [
            security(),
            exceedance(),
            silence(),
            exceedance(since=NOW - 900_000, state=State.RESOLVED, id="e-0000"),
        ]
    )
    seen: list[Detection] = field(
        default_factory=lambda: [
            Detection(
                "east",
                "gate",
                NOW - 1000 * k,
                NOW - 1000 * k + 40,
                640,
                360,
                (Box(60, 140, 70, 150),),
                (ZoneShare("fence", 0.2),),
            )
            for k in range(1, 4)
        ]
    )
    letters: list[KeptLetter] = field(
        default_factory=lambda: [
            KeptLetter(
                k, DeadLetter(k, NOW - k, "plant", "pollution/east/stack-1/data", b"{\xff", "bad_json", "not JSON"), 0
            )
            for k in (2, 1)
        ]
    )

    events: list[KeptEvent] = field(
        default_factory=lambda: [
            KeptEvent(
                k,
                DeviceEvent(
                    30 + k,
                    0,
                    "message",
                    "river",
                    "outlet",
                    "2081",
                    NOW,
                    NOW + k,
                    (("RestartTime", f"2026050115590{k}"),),
                ),
            )
            for k in (2, 1)
        ]
    )

    def device_events(self, site: str, device: str, limit: int = 100, before: int | None = None) -> list[KeptEvent]:
        return [
            kept
            for kept in self.events
            if (kept.event.site, kept.event.device) == (site, device) and (before is None or kept.id < before)
        ][:limit]

    def alerts(
        self,
        state: State | None = None,
        family: Family | None = None,
        site: str | None = None,
        subject: str | None = None,
        limit: int = 100,
        before: str | None = None,
        include_withdrawn: bool = False,
    ) -> list[Alert]:
        found = sorted(self.kept, key=lambda alert: (alert.since, alert.id), reverse=True)
        if before is not None:
            ids = [alert.id for alert in found]
            found = found[ids.index(before) + 1 :] if before in ids else []
        return [
            alert
            for alert in found
            if (state is None or alert.state is state)
            and (family is None or alert.subject.family is family)
            and (site is None or alert.subject.site == site)
            and (subject is None or alert.subject.id == subject)
        ][:limit]

    def alert(self, id: str) -> Alert | None:
        return next((alert for alert in self.kept if alert.id == id), None)

    def history(self, id: str) -> list[Transition]:
        alert = self.alert(id)
        if alert is None:
            return []
        pending = replace(alert, state=State.PENDING, fired=0, resolved=0)
        return [
            Transition(pending, Step.PENDING, alert.since, alert.since + 5, 16, 36.0, 35.0),
            Transition(alert, Step.FIRED, alert.fired, alert.fired + 5, -1, alert.value, alert.limit),
        ]

    def detections(
        self,
        site: str | None = None,
        camera: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 100,
    ) -> list[Detection]:
        return [
            one
            for one in self.seen
            if (site is None or one.site == site)
            and (camera is None or one.camera == camera)
            and (start is None or one.captured >= start)
            and (end is None or one.captured < end)
        ][:limit]

    def dead_letters(self, reason: str | None = None, limit: int = 100, before: int | None = None) -> list[KeptLetter]:
        return [
            kept
            for kept in self.letters
            if (reason is None or kept.letter.reason == reason) and (before is None or kept.id < before)
        ][:limit]

    def counts(self) -> Counts:
        open_ones = Counter(
            (alert.subject.family.value, alert.state.value) for alert in self.kept if alert.state is not State.RESOLVED
        )
        return Counts(
            steps={("exceedance", "fired"): 2, ("exceedance", "resolved"): 1},
            open=dict(open_ones),
            dead_letters=dict(Counter(kept.letter.reason for kept in self.letters)),
            dead_letters_kept=len(self.letters),
            dead_letters_evicted=0,
            replays_waiting=0,
            detections_kept=len(self.seen),
            detections_evicted=0,
            device_events_kept=0,
            device_events_evicted=0,
            outbox_waiting=0,
            outbox_dropped=0,
        )


def strangers() -> Strangers:
    """A monitor that nobody registered, and what would be harmful where names were not made safe."""
    found = Strangers()
    for at, (name, topic) in enumerate((("NEW-1", "hj212/up"), ("", "x/<img src=x onerror=alert(1)>\u202e/\x1b[2J"))):
        letter = DeadLetter(20 + at, NOW + at, "plant", topic, b"", "unknown_device", "", name)
        found.sift([letter], [letter])
    return found


@dataclass
class MadeUpRequests:
    """Requests in a list that a test may change; asking is refused as the inventory has it."""

    expected: Inventory
    kept: list[Request] = field(default_factory=list[Request])

    def ask(self, request: Request) -> Request:
        refused = refusal(self.expected, request)
        if refused is not None:
            request = replace(request, state=RequestState.REFUSED, why=refused[0])
        self.kept.append(request)
        return request

    def request(self, id: str) -> Request | None:
        return next((one for one in self.kept if one.id == id), None)

    def steps(self, id: str) -> list[tuple[int, RequestStep]]:
        one = self.request(id)
        if one is None:
            return []
        first = RequestStep(replace(one, state=RequestState.ASKED, why=Why.ASKED), one.asked, Why.ASKED, one.asked_by)
        refused = refusal(self.expected, one)
        if one.state is RequestState.REFUSED and refused is not None:
            return [(1, first), (2, RequestStep(one, one.asked, *refused))]
        return [(1, first)]

    def requests(
        self,
        site: str | None = None,
        device: str | None = None,
        state: RequestState | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Request]:
        ids = [one.id for one in self.kept]
        kept = self.kept[: ids.index(before)] if before in ids else self.kept
        return [
            one
            for one in reversed(kept)
            if (site is None or one.site == site)
            and (device is None or one.device == device)
            and (state is None or one.state is state)
        ][:limit]


@dataclass
class MadeUpStore:
    """Series by formula: a value every 5 s, over 35 in a part of each four minutes; `away` makes it fail."""

    away: bool = False
    lists: bool = True
    callers: list[str] = field(default_factory=list[str])

    def query(self, key: ChannelKey, start: int, end: int, limit: int) -> Series:
        self.callers.append(threading.current_thread().name)
        if self.away:
            raise StoreError("connection refused")
        first = -(-max(start, NOW - 3_600_000) // STEP_MS) * STEP_MS
        time = np.arange(first, min(end, NOW), STEP_MS, np.int64)[-limit:]
        value = np.array([formula(int(t)) for t in time], np.float64)
        mark, revision = np.zeros(len(time), np.uint8), np.zeros(len(time), np.int64)
        if len(time):
            mark[-1], revision[-1] = LATE | REVISION, 1
        return Series(time, value, np.full(len(time), NORMAL, np.uint8), time + 120, mark, revision)

    changed: list[Revision] = field(
        default_factory=lambda: [
            Revision(
                *(number, "east", device, factor, "Rtd", "realtime", "mg/m3", NOW - 5_000 * number, 1),
                *(41.5, NORMAL, 29.5, NORMAL, NOW - 3_000 + number, 90 + number, LATE | REVISION),
            )
            for number, device, factor in ((2, "stack-1", "a21026"), (1, "stack-2", "a21026"), (0, "stack-1", "a21002"))
        ]
    )

    def revisions(self, which: WhichRevisions) -> list[Revision]:
        if self.away:
            raise StoreError("connection refused")
        if not self.lists:
            raise CannotList("ask the database")
        return [
            one
            for one in self.changed
            if (which.site in (None, one.site) and which.device in (None, one.device))
            and which.factor in (None, one.factor)
            and (which.start is None or one.received >= which.start)
            and (which.end is None or one.received < which.end)
            and (which.before is None or one.id < which.before)
        ][: which.limit]


def formula(time: int) -> float:
    """The made-up value at a time; the reading at each full 10 minutes is missing."""
    if time % 600_000 == 0:
        return math.nan
    return round(29.0 + 11.0 * math.sin(time / 38_197.0) + 1.4 * math.sin(time / 4_000.0), 2)


def picture(width: int = 640, height: int = 360, shade: int = 0) -> bytes:
    """A JPEG: sky over ground, and a figure."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:] = np.linspace(190, 110, height, dtype=np.uint8)[:, None, None]
    image[height // 2 :] = (70, 105 + shade, 92)
    cv2.rectangle(image, (75, 160), (115, 285), (40, 50, 190), -1)
    cv2.circle(image, (95, 148), 16, (120, 160, 210), -1)
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


def loggers(expected: Inventory) -> Loggers:
    """`stack-1` keeps to the standard but for one frame in ten; `outlet` is bad in many ways and has gaps."""
    some = Loggers(expected, Hj212())
    good = [frame(head(0, verdicts=0), NOW - 1000 * k, verdicts=Verdict.BLANKS if k == 5 else 0) for k in range(10)]
    bad = Verdict.QN_MISSING | Verdict.FLAG_MISSING | Verdict.CRC_LOWER_CASE
    outlet = head(2, "2051", edition="2005", st="32", flag=-1, verdicts=bad)
    late = [frame(outlet, NOW - k * 10 * MINUTE, qn=b"", crc=k) for k in (30, 20, 19, 2, 1)]
    some.step(decoded(frame(head(2, "2011", edition="2005", st="32", pnum=3, pno=1), NOW - HOUR), received=NOW - HOUR))
    some.step(decoded(*good, received=NOW - 900, first=1))
    some.step(decoded(*late, late[-1], received=NOW - 30_000, first=11))
    some.step(
        decoded(
            frame(outlet, NOW, qn=b"", crc=77, verdicts=bad | Verdict.CRC_WRONG, taken=False),
            frame(head(2, "2061", edition="2005", st="32"), NOW - 5 * HOUR),
            frame(head(2, "2061", edition="2005", st="32"), NOW - 2 * HOUR),
            received=NOW - 20_000,
            first=17,
        )
    )
    some.tick(NOW)
    return some


@dataclass
class MadeUp:
    """The views with what stands behind them, for tests to change."""

    views: Views
    ledger: MadeUpLedger
    loggers: Loggers
    store: MadeUpStore
    requests: MadeUpRequests
    reasons: dict[str, str]
    about: About

    def measure(self, value: float, time: int, device: int = 0, factor: str = "a21026") -> None:
        """A new reading, in the live columns only."""
        number = self.views.channels.number(ChannelKey(device, factor, "Rtd", "realtime"))
        one = np.array([time], np.int64)
        flag, mark = np.array([NORMAL], np.uint8), np.zeros(1, np.uint8)
        self.views.live.update(Readings(np.array([number], np.int32), one, one, np.array([value]), flag, one, mark))

    def forget_loggers(self) -> None:
        """As if no HJ 212 frame had ever come."""
        self.loggers.load(Loggers(self.views.inventory, Hj212()).dump())

    def show_frame(self, camera: int = 0, captured: int = NOW, shade: int = 0) -> bytes:
        """A new frame of a camera, with a box and motion in its zone."""
        jpeg = picture(shade=shade)
        result = FrameResult(camera, captured, captured + 40, 640, 360, (Box(70, 130, 52, 160, "motion", 0.9),), (0.2,))
        self.views.live.see(result, jpeg)
        return jpeg


def make_views(now: int = NOW) -> MadeUp:
    """A gateway at 2026-05-01T08:00:00Z that has run for an hour."""
    expected = inventory()
    ledger, known, store, reasons = MadeUpLedger(), loggers(expected), MadeUpStore(), dict[str, str]()
    requests = MadeUpRequests(expected)
    requests.ask(asked_for("read-interval", NOW - 60_000))
    registry = CollectorRegistry()
    Metric("gateway_messages", "Messages received", ["link"], registry=registry).labels("plant").inc(12)
    about: About = {
        "name": "East region",
        "version": "0.1.0",
        "journal_bytes": 12_582_912,
        "journal_share": 0.03,
        "store": "duckdb",
        "store_away": False,
        "store_behind": 12,
    }
    live = Live(expected, started=NOW - 3_600_000)
    live.hear([0, 1], NOW - 800)
    live.hear([2], NOW - 30_000)
    views = Views(
        device_clock=lambda number: ClockView(1, 180_000, 0, NOW - 60_000) if number == 0 else ClockView(0, -120, 0, 0),
        inventory=expected,
        channels=Channels(expected),
        live=live,
        feed=Feed(),
        ledger=ledger,
        loggers=known,
        strangers=strangers(),
        query=store.query,
        revisions=store.revisions,
        requests=requests,
        ask=requests.ask,
        registry=registry,
        ready=lambda: reasons,
        about=lambda: about,
        clock=lambda: now,
    )
    return MadeUp(views, ledger, known, store, requests, reasons, about)
