"""A small inventory for the tests of alerts, and findings made by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from detectors.records import NEVER, Finding, Phase
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Alert, Step, Transition
from gateway.alerts.subjects import Subjects
from gateway.channels import ChannelKey, Channels
from gateway.inventory import Camera, Device, Factor, Inventory, LimitRule, Name, Site, Zone

MINUTE = 60_000
NOON = 1_714_536_000_000  # 2024-05-01 12:00:00 +08:00


@pytest.fixture
def inventory() -> Inventory:
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    return Inventory(
        sites=(
            Site("north", Name("North Works", "北厂"), 33.0, 112.5, ZoneInfo("Asia/Shanghai")),
            Site("river", Name("River Outlet", "河口"), 33.1, 112.6, ZoneInfo("UTC")),
        ),
        devices=(
            Device(
                "stack-3",
                0,
                Name("Stack 3", "3号烟囱"),
                "MN-STACK-3",
                "stack",
                MINUTE,
                5 * MINUTE,
                (Factor("a21026", "mg/m3", Name("SO2", "二氧化硫")),),
            ),
            Device(
                "ww-1",
                1,
                Name("Outfall 1", "1号排口"),
                "",
                "wastewater",
                MINUTE,
                5 * MINUTE,
                (Factor("w01001", "", Name("pH", "pH值")),),
            ),
        ),
        cameras=(
            Camera(
                "gate",
                0,
                Name("Gate camera", "大门摄像机"),
                (Zone("door", Name("door", "门口"), square, 0.05, 1, 1),),
                MINUTE,
            ),
            Camera(
                "yard",
                1,
                Name("Yard camera", "场地摄像机"),
                (
                    Zone("fence", Name("fence", "围栏"), square, 0.05, 1, 1),
                    Zone("pool", Name("pool", "水池"), square, 0.1, 1, 1),
                ),
                MINUTE,
            ),
        ),
        limits=(
            LimitRule("so2-hour", 0, "a21026", "ZsAvg", "hour", "above", (35.0, 50.0), MINUTE, 0.05),
            LimitRule("ph-low", 1, "w01001", "Rtd", "realtime", "below", (6.0,), 0, 0.02),
        ),
    )


@pytest.fixture
def channels(inventory: Inventory) -> Channels:
    made = Channels(inventory)
    made.number(ChannelKey(0, "a01001", "Rtd", "realtime"))  # not watched by any limit
    return made


@pytest.fixture
def subjects(inventory: Inventory, channels: Channels) -> Subjects:
    return Subjects(inventory, channels)


Find = Callable[..., Finding]


@pytest.fixture
def find() -> Find:
    """A finding of the first SO2 limit unless told otherwise; times are seconds after noon."""

    def make(
        phase: str = "active",
        at: float = 0,
        since: float = 0,
        value: float = 41.2,
        *,
        level: int = 1,
        limit: float = 35.0,
        detector: str = "limit",
        rule: int = 0,
        subject: int = 0,
        position: int = -1,
        received: int = NEVER,
    ) -> Finding:
        return Finding(
            detector,
            rule,
            subject,
            Phase(phase),
            level,
            NOON + int(since * 1000),
            NOON + int(at * 1000),
            value,
            limit,
            position,
            received=received,
        )

    return make


def plain(alert: Alert, step: Step, finding: Finding) -> tuple[str, str]:
    return f"{step} {alert.value}", f"{step}：{alert.value}"


@pytest.fixture
def machine() -> AlertMachine:
    return AlertMachine((), plain)


Life = Callable[..., list[Transition]]


@pytest.fixture
def life(find: Find, subjects: Subjects) -> Life:
    """The steps of one whole life of the first SO2 limit, begun `since` seconds after noon."""

    def make(machine: AlertMachine, since: float = 0, *, phases: str = "pending active clear") -> list[Transition]:
        steps: list[Transition] = []
        for n, phase in enumerate(phases.split()):
            value = 30.0 if phase == "clear" else 40.0 + n
            finding = find(phase, since + 60 * n, since, value, position=int(since) + n)
            step = machine.apply(finding, subjects.of(finding), finding.time + 5)
            assert step is not None
            steps.append(step)
        return steps

    return make


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def ledger(ledger_file: Path) -> Ledger:
    with Ledger(ledger_file) as opened:
        yield opened  # pyright: ignore
